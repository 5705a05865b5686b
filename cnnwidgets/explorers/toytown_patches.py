"""The scan over Toytown that comes with the bundled networks; ``python -m`` this module makes it anew."""

from pathlib import Path

from ..core import InputError, Patches, max_activating_patches
from ..core.images import images_of
from ..data import Toytown, samples
from ..networks import Network, load
from ..networks.bundled import BUNDLED, WEIGHTS

N_IMAGES = 5_000
SOURCE = f"{N_IMAGES:,} Toytown pictures"


def scanned_town() -> Toytown:
    """The pictures that were scanned: none of them was used in training."""
    return Toytown("test", length=N_IMAGES)


def bundled_patches(network: Network) -> Patches | None:
    """The patches of a bundled network, at once; None for a network that has other weights, or none."""
    file = _file(network.name)
    if not file.is_file():
        return None
    try:
        patches = Patches.load(file, network)
    except InputError:  # the network was trained further, or loaded from another file
        return None
    # Toytown draws the same pictures everywhere, so these need not be compared with those in the file.
    patches.images = images_of(network, scanned_town())
    return patches


class ComeAlong:
    """The pictures that come with the package: the samples, and Toytown drawings beside them."""

    def __init__(self, n_drawings: int = 400) -> None:
        self._samples = [sample for sample in samples().values() if sample.kind == "photograph"]
        self._town = Toytown("test", length=n_drawings)

    def __len__(self) -> int:
        return len(self._samples) + len(self._town)

    def __getitem__(self, i: int):
        n = len(self._samples)
        return self._samples[i] if i < n else self._town[i - n]

    def name(self, i: int) -> str:
        """What a person calls a picture."""
        n = len(self._samples)
        return self._samples[i].title if i < n else f"Toytown {self._town.name(i - n)}"


def scannable(network: Network, most: int = 6_000) -> list[str]:
    """Layers worth a scan: all that have weights; of a deep network, only the last one of each map size.

    Parameters
    ----------
    network : Network
    most : int
        Units in all.

    Returns
    -------
    list of str
    """
    layers = [
        layer
        for layer in network.layers
        if layer.kind in ("Conv2d", "Linear") and len(layer.output_shape) in (1, 3)
    ]
    if sum(layer.n_channels for layer in layers) > most:
        layers = list({layer.output_shape[1:]: layer for layer in layers}.values())
    return [layer.name for layer in layers]


def make(name: str, progress=None) -> Path:
    """Scan Toytown with a bundled network, and write the file that comes with it."""
    network = load(name)
    patches = max_activating_patches(network, scanned_town(), scannable(network), progress=progress)
    patches.save(_file(name))
    return _file(name)


def _file(name: str) -> Path:
    return WEIGHTS / f"{name}.patches.npz"


if __name__ == "__main__":
    from tqdm import tqdm

    for each in BUNDLED:
        with tqdm(desc=each, unit=" images") as bar:
            path = make(each, bar)
        print(f"{path}: {path.stat().st_size:,} bytes")
