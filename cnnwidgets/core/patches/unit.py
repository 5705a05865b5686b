"""One unit of a scanned layer, and its patches."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from ..errors import InputError, LayerError
from ..layers import LayerInfo
from ..receptive_field import Box
from .pixels import average_patch, cut_patch

if TYPE_CHECKING:
    from .result import Patches

KINDS = ("strongest", "weakest", "sample")
"""Kinds of patches that a scan keeps of each unit."""


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
        try:
            channel = index(channel)
        except TypeError:
            raise LayerError(f"a channel is a whole number, not {channel!r}") from None
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
