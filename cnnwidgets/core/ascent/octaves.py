"""Sizes of an image from small to large, and the tiles of a large one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_LEAST = 32
"""Sides that the smallest octave has at least, where the image has as much."""


def octave_sizes(size: tuple[int, int], octaves: int, scale: float) -> list[tuple[int, int]]:
    """Height and width of each octave, the last that of the image.

    Examples
    --------
    >>> octave_sizes((96, 128), 3, 2.0)
    [(32, 43), (48, 64), (96, 128)]
    """
    found = []
    for i in range(octaves):
        smaller = tuple(round(side / scale**i) for side in size)
        if i and min(smaller) < _LEAST:
            # as small as may be, instead, if that is still smaller than the last
            share = _LEAST / min(size)
            smaller = tuple(max(1, round(side * share)) for side in size)
            if min(smaller) < min(found[-1]):
                found.append(smaller)
            break
        found.append(smaller)
    return found[::-1]


def parts_of(side: int, most: int) -> list[slice]:
    """A side in as few equal parts as can be, none longer than ``most``."""
    n = -(-side // most)
    edges = [round(i * side / n) for i in range(n + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[2:]) == size:
        return x.clone()
    return F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
