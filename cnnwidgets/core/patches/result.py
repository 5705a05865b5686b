"""What a scan found: the patches of every unit, to look at, merge, save and load."""

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..errors import InputError, LayerError, did_you_mean
from ..fingerprint import fingerprint
from ..images import Images, images_of
from ..layers import LayerInfo
from ..receptive_field import Box
from .histogram import Histograms
from .pixels import average_patch, cut_patch
from .ranking import Ranking, drawn, strongest, weakest

KINDS = ("strongest", "weakest", "sample")


@dataclass(frozen=True)
class Patch:
    """One place in one image.

    Attributes
    ----------
    value : float
        Activation of the unit there: its maximum in this image.
    image : int
        Number of the image.
    source : str
        What a person calls the image: its path in the folder, or its number.
    position : (int, int)
        Row and column of the cell in the activation map; (0, 0) for a layer without maps.
    box : (top, left, bottom, right)
        Receptive field of the cell in pixels of the network's input, of one size for all patches of a layer.
        May reach outside of the image. The whole image where the field is not known.
    seen : (top, left, bottom, right)
        The part of ``box`` that really reaches the cell, clipped at every layer.
    tied : int
        How many cells of the map have this same value; more than 1 means that the place is one of several.
    """

    value: float
    image: int
    source: str
    position: tuple[int, int]
    box: Box
    seen: Box
    tied: int = 1

    @property
    def is_complete(self) -> bool:
        """Whether all of the box lies inside the image, so that no padding reached the unit."""
        return self.box == self.seen


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

        Gives what one scan of all the images would have given, in whatever order the parts come.

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
            if found.fingerprint() != patches.data:
                raise InputError(f"'{path}' was made from other images: scan anew")
            patches.images = found
        return patches


class Unit:
    """One channel of a layer (a filter's feature map, or a unit of a fully connected layer).

    Attributes
    ----------
    layer : LayerInfo
    channel : int
    n_images : int
        How many images were looked at.
    n_firing : int
        In how many of them it fires: is above zero somewhere.
    n_not_finite : int
        In how many of them its maximum is NaN (one cell is enough) or infinite; those count for nothing else.
    """

    def __init__(self, patches: Patches, layer: LayerInfo, channel: int) -> None:
        if not 0 <= channel < layer.n_channels:
            raise LayerError(f"{layer.name} has channels 0 to {layer.n_channels - 1}, not {channel}")
        self._patches, self.layer, self.channel = patches, layer, int(channel)
        self._unit = patches.slices[layer.name].start + self.channel
        self.n_images = patches.n_images
        self.n_firing = int(patches.fired[self._unit])
        self.n_not_finite = int(patches.not_finite[self._unit])

    def __repr__(self) -> str:
        return f"<{self.describe()}>"

    def patches(self, kind: str) -> list[Patch]:
        """Patches of one kind: ``"strongest"``, ``"weakest"`` or ``"sample"``."""
        if kind not in KINDS:
            raise InputError(f"kinds of patches are {', '.join(KINDS)}, not {kind!r}")
        entries = self._patches.rankings[kind].entries[self._unit]
        return [self._patch(entry) for entry in entries if entry["image"] >= 0]

    @property
    def strongest(self) -> list[Patch]:
        """The k images in which the unit is strongest, each with its strongest place. Only where ``n_firing``
        is not 0 do they say what it fires on."""
        return self.patches("strongest")

    @property
    def weakest(self) -> list[Patch]:
        """The k images in which it fires at all, but least."""
        return self.patches("weakest")

    @property
    def sample(self) -> list[Patch]:
        """k of the images in which it fires, drawn at random: what it usually fires on."""
        return self.patches("sample")

    @property
    def histogram(self) -> tuple[np.ndarray, np.ndarray]:
        """How often the maximum in an image had which value: counts (n,) and edges (n + 1,), without empty
        bins at both ends."""
        counts, edges = (
            self._patches.histograms.counts[self._unit],
            self._patches.histograms.edges(self._unit),
        )
        filled = np.flatnonzero(counts)
        if not len(filled):
            return np.zeros(0, np.int64), np.zeros(0)
        first, last = filled[0], filled[-1] + 1
        return counts[first:last].copy(), edges[first : last + 1]

    def average(self, kind: str = "strongest") -> tuple[Tensor, Tensor]:
        """Mean of its patches of a kind, as :func:`average_patch` gives it: (C, h, w) and how many (h, w)."""
        return average_patch(self.pixels(patch) for patch in self.patches(kind))

    def pixels(self, patch: Patch) -> tuple[Tensor, Tensor]:
        """A patch of its image as :func:`cut_patch` gives it: (C, h, w), and where it is no padding."""
        return cut_patch(self._patches.tensor(patch.image), patch.box, patch.seen)

    def describe(self) -> str:
        """How often and how strongly it fires, in words."""
        name = f"{self.layer.name} channel {self.channel}"
        broken = f"; not finite in {self.n_not_finite:,}" if self.n_not_finite else ""
        best = self.strongest
        if not self.n_firing:
            least = f", at most {best[0].value:.3g}" if best and best[0].value < 0 else ""
            return f"{name} never fires in {self.n_images:,} images{least}{broken}"
        often = f"fires in {self.n_firing:,} of {self.n_images:,} images"
        return f"{name} {often}, at most {best[0].value:.3g}{broken}"

    def _patch(self, entry: np.void) -> Patch:
        image, row, col = (int(entry[name]) for name in ("image", "row", "col"))
        height, width = self._patches.input_shape[1:]
        field, box = self.layer.receptive_field, (0, 0, height, width)
        seen = box
        if field is not None:
            seen = field.clipped(row, col, (height, width))
            box = seen if field.whole_image else field.box(row, col)
        return Patch(
            value=float(entry["value"]),
            image=image,
            source=self._patches.source(image),
            position=(row, col),
            box=box,
            seen=seen,
            tied=int(entry["tied"]),
        )


def _merged(one: Patches, other: Patches) -> Patches:
    for what in ("network", "data", "layers", "k", "seed", "precision", "input_shape"):
        if getattr(one, what) != getattr(other, what):
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
    from hashlib import sha256

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
