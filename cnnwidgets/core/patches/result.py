"""What a scan found: the patches of every unit, to look at, merge, save and load."""

from collections.abc import Iterable, Iterator
from copy import copy
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..errors import InputError, LayerError, did_you_mean
from ..fingerprint import fingerprint
from ..images import STREAM, Images, images_of
from ..layers import LayerInfo
from .histogram import Histograms
from .ranking import Ranking, drawn, strongest, weakest
from .unit import KINDS, Unit


class Patches:
    """The patches of all units of some layers.

    Made by :func:`max_activating_patches`. ``patches["conv5", 12]`` is a unit.

    Attributes
    ----------
    layers : tuple of LayerInfo
    k : int
        Patches of each kind and unit.
    n_images : int
        How many images were looked at.
    input_shape : (C, H, W)
    ranges : list of (start, stop)
        Numbers of the images that are done.
    network, data : str
        Fingerprints of the network, and of the images.
    skipped : dict of str to str
        Images that could not be read, with the reason.
    images : Images or None
        Where the pixels come from; None after ``load`` without images.
    """

    def __init__(
        self,
        layers: Iterable[LayerInfo],
        k: int,
        seed: int,
        precision: str,
        input_shape: tuple[int, int, int],
        network: str,
        data: str,
    ) -> None:
        self.layers = tuple(layers)
        self.k, self.seed, self.precision = int(k), int(seed), precision
        self.input_shape, self.network, self.data = tuple(input_shape), network, data
        self.ranges: list[tuple[int, int]] = []
        self.n_images = 0
        self.skipped: dict[str, str] = {}
        self.images: Images | None = None
        self.kept: dict[int, Tensor] = {}  # images that cannot be read again
        self.names: dict[int, str] = {}

        ends = np.cumsum([0, *(layer.n_channels for layer in self.layers)])
        self.slices = {
            layer.name: slice(int(a), int(b))
            for layer, a, b in zip(self.layers, ends, ends[1:], strict=False)
        }
        n_units = int(ends[-1])
        self.salts = _salts(self.layers, seed)
        keys = (strongest, weakest, drawn(self.salts))
        self.rankings = {kind: Ranking(n_units, k, key) for kind, key in zip(KINDS, keys, strict=True)}
        self.histograms = Histograms(n_units)
        self.fired = np.zeros(n_units, np.int64)
        self.not_finite = np.zeros(n_units, np.int64)

    # -- looking at it -----------------------------------------------------------------------------

    def __getitem__(self, unit: tuple[str, int]) -> "Unit":
        try:
            layer, channel = unit
        except (TypeError, ValueError):
            raise LayerError(
                f"a unit is named by layer and channel, patches['conv5', 12], not {unit!r}"
            ) from None
        return Unit(self, self.layer(layer), channel)

    def __iter__(self) -> Iterator["Unit"]:
        return (Unit(self, layer, i) for layer in self.layers for i in range(layer.n_channels))

    def __len__(self) -> int:
        return len(self.fired)

    def __repr__(self) -> str:
        names = ", ".join(layer.name for layer in self.layers)
        return f"<Patches of {len(self):,} units ({names}) in {self.n_images:,} images, k={self.k}>"

    def layer(self, name: str) -> LayerInfo:
        """A scanned layer; a LayerError that says which there are."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise LayerError(
            f"layer {name!r} was not scanned; {did_you_mean(name, [layer.name for layer in self.layers])}"
        )

    def maxima(self, layer: str) -> np.ndarray:
        """Strongest activation of each channel in any image, shape (C,); NaN before the first image."""
        best = self.rankings["strongest"].entries[self.slices[self.layer(layer).name], 0]
        return np.where(best["image"] >= 0, best["value"], np.nan)

    def firing(self, layer: str) -> np.ndarray:
        """Share of the images in which each channel fires (is above zero somewhere), shape (C,)."""
        return self.fired[self.slices[self.layer(layer).name]] / max(self.n_images, 1)

    def source(self, image: int) -> str:
        """What a person calls an image."""
        if image in self.names:
            return self.names[image]
        return f"image {image}" if self.images is None else self.images.name(image)

    def tensor(self, image: int) -> Tensor:
        """An image as the network took it, shape (C, H, W).

        Raises
        ------
        InputError
            If it is not at hand: ``Patches.load(file, images=...)`` says where the images are.
        """
        if image in self.kept:
            return self.kept[image]
        if self.images is None or not self.images.can_read_again:
            if self.data.startswith(STREAM):
                raise InputError(
                    f"image {image} is not at hand: an iterable gives its images once, and a file keeps no "
                    "pixels; scan a list, a dataset or a folder"
                )
            raise InputError(
                f"image {image} is not at hand: give the images again, Patches.load(file, images=...)"
            )
        return self.images.tensor(image)

    # -- parts of a scan ---------------------------------------------------------------------------

    def copy(self) -> "Patches":
        """A copy that a scan going on does not change; shares the images."""
        other = copy(self)
        other.ranges, other.skipped = list(self.ranges), dict(self.skipped)
        other.kept, other.names = dict(self.kept), dict(self.names)
        other.rankings = {kind: ranking.copy() for kind, ranking in self.rankings.items()}
        other.histograms = self.histograms.copy()
        other.fired, other.not_finite = self.fired.copy(), self.not_finite.copy()
        return other

    def forget_unused(self) -> None:
        """Let go of the pixels kept of images that are not among the best of any unit any more."""
        used = {int(i) for kind in KINDS for i in np.unique(self.rankings[kind].entries["image"])}
        for image in self.kept.keys() - used:
            del self.kept[image]

    def merge(self, *others: "Patches") -> "Patches":
        """Put parts of a scan together, such as ``start=0, stop=500`` and ``start=500``.

        The parts are of one collection of images, cut by ``start`` and ``stop``. Gives what one scan of them
        all would have given, in whatever order the parts come: bit for bit where the same images went through
        the network together, else but for the last digit of some sums.

        Returns
        -------
        Patches
            A new one.

        Raises
        ------
        InputError
            If the parts are not of one scan (another network, other images, layers, k, seed or precision),
            or hold the same images twice.
        """
        for other in others:
            if not isinstance(other, Patches):
                raise TypeError(f"only Patches can be merged, not a {type(other).__name__}")
        return reduce(_merged, others, self.copy())

    def save(self, path: str | Path) -> None:
        """Write to one file (``.npz``), all or nothing; the pixels stay where they are."""
        from .files import save

        save(self, Path(path))

    @staticmethod
    def load(path: str | Path, model: Any = None, images: Any = None) -> "Patches":
        """Read what ``save`` wrote; no code in the file is run.

        Parameters
        ----------
        path : path
        model : Module or Network, optional
            Checked to be the one that was scanned.
        images : as for max_activating_patches, optional
            Where the pixels come from, checked likewise.

        Raises
        ------
        InputError
            If there is no such file, it is damaged, or belongs to another network or other images.
        """
        from .files import load

        patches = load(Path(path))
        if model is not None and fingerprint(model) != patches.network:
            raise InputError(f"'{path}' was made with another network, or other weights: scan anew")
        if images is not None:
            found = images_of(model, images)
            if not found.can_read_again:
                raise InputError("an iterable gives its images once: give a list, a dataset or a folder")
            if found.fingerprint() != patches.data:
                raise InputError(f"'{path}' was made from other images: scan anew")
            patches.images = found
        return patches


def difference(one: Patches, other: Patches) -> str | None:
    """What keeps two results from being parts of one scan; None if nothing does."""
    for what in ("network", "data", "layers", "k", "seed", "precision", "input_shape"):
        if getattr(one, what) != getattr(other, what):
            return what
    return None


def _merged(one: Patches, other: Patches) -> Patches:
    what = difference(one, other)
    if what is not None:
        raise InputError(
            f"these are not parts of one scan: they differ in {what}, "
            f"{_short(getattr(one, what))} and {_short(getattr(other, what))}"
        )
    ranges = sorted([*one.ranges, *other.ranges])
    for (_, stop), (start, _) in zip(ranges, ranges[1:], strict=False):
        if start < stop:
            raise InputError(f"image {start} is in both parts of the scan: it would count twice")
    one.ranges = join_ranges(ranges)
    one.n_images += other.n_images
    one.skipped = dict(sorted({**one.skipped, **other.skipped}.items()))
    one.names |= other.names
    one.kept |= other.kept
    one.images = one.images if one.images is not None else other.images
    for kind in KINDS:
        one.rankings[kind].merge(other.rankings[kind])
    one.histograms.merge(other.histograms)
    one.forget_unused()
    one.fired += other.fired
    one.not_finite += other.not_finite
    return one


def join_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in their order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], stop
        elif stop > start:
            joined.append((start, stop))
    return joined


def _salts(layers: Iterable[LayerInfo], seed: int) -> np.ndarray:
    """A number for each unit, from its layer's name and channel, not from which layers else are scanned."""
    salts = []
    for layer in layers:
        digest = sha256(f"{seed} {layer.name}".encode()).digest()
        first = np.uint64(int.from_bytes(digest[:8], "little"))
        with np.errstate(over="ignore"):
            salts.append(first + np.arange(layer.n_channels, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95))
    return np.concatenate(salts)


def _short(value: object) -> str:
    text = (
        ", ".join(each.name for each in value)
        if isinstance(value, tuple) and hasattr(value[0], "name")
        else repr(value)
    )
    return text if len(text) < 80 else text[:77] + "…"
