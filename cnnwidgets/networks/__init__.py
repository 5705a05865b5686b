"""Networks to look into: the bundled ones, torchvision's, your own."""

from .at_hand import AtHand, at_hand
from .loading import available, load, wrap
from .network import Network, Prediction
from .preprocessing import Preprocess

__all__ = ["AtHand", "Network", "Prediction", "Preprocess", "at_hand", "available", "load", "wrap"]
