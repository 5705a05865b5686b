"""The scan over Toytown that comes with the bundled networks; ``python -m`` this module makes it anew."""

from pathlib import Path

from ..core import InputError, Patches, max_activating_patches
from ..core.images import images_of
from ..data import Toytown, samples
from ..networks import Network, load
from ..networks.bundled import BUNDLED, WEIGHTS, load_bundled

N_IMAGES = 5_000
SOURCE = f"{N_IMAGES:,} Toytown pictures"


def scanned_town() -> Toytown:
    """The pictures that were scanned: none of them was used in training."""
    return Toytown("test", length=N_IMAGES)


def bundled_patches(network: Network) -> Patches | None:
    """The patches of a bundled network, at once; None for any other, and for one that has other weights or
    reads pictures in another way."""
    if network.name not in BUNDLED or network.preprocess != load_bundled(network.name).preprocess:
        return None
    try:
        patches = Patches.load(_file(network.name), network)
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
    """Layers worth a scan: all convolutions and fully connected ones; all layers where there are none of
    these.

    Of a network with too many units, the last fully connected one only, and if these are still too many, the
    last convolution of each map size.

    Parameters
    ----------
    network : Network
    most : int
        Units in all.

    Returns
    -------
    list of str
    """
    layers = [layer for layer in network.layers if len(layer.output_shape) in (1, 3)]
    layers = [layer for layer in layers if layer.kind in ("Conv2d", "Linear")] or layers
    if _n_units(layers) > most:  # AlexNet's have 4,096 units each
        vectors = [layer for layer in layers if layer.map_size is None]
        layers = [layer for layer in layers if layer not in vectors[:-1]]
    if _n_units(layers) > most:
        last = {layer.map_size: layer.name for layer in layers}.values()
        layers = [layer for layer in layers if layer.name in last]
    return [layer.name for layer in layers]


def _n_units(layers: list) -> int:
    return sum(layer.n_channels for layer in layers)


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
