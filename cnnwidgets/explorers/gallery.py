"""Which sample pictures a network is shown first."""

from ..data import samples
from ..networks.bundled import BUNDLED


def suited_samples(network):
    """All samples, those first that suit the network: drawings for the bundled ones, else photographs."""
    kind = "drawing" if network.name in BUNDLED else "photograph"
    return dict(sorted(samples().items(), key=lambda item: item[1].kind != kind))
