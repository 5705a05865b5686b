"""Networks to look into: the bundled ones, torchvision's, your own."""

from .loading import available, load, wrap
from .network import Network, Prediction
from .preprocessing import Preprocess

__all__ = ["Network", "Prediction", "Preprocess", "available", "load", "wrap"]
