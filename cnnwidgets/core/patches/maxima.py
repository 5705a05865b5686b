"""The strongest cell of every activation map."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 1 << 24
"""Cells looked at together in the search for places."""

MANY = 8
"""From one map in so many on, looking at all of them is faster than picking those out."""


def maxima(maps: Tensor) -> Tensor:
    """The greatest value of each map, (N, C, h, w) to (N, C); NaN where a map holds one.

    Memory order decides how: on the CPU, torch reduces maps whose channels lie innermost six times faster by
    a pooling than by ``amax``.
    """
    channels_inside = maps.stride(1) == 1 and maps.shape[1] > 1
    if maps.device.type == "cpu" and channels_inside and maps.is_floating_point():
        return F.max_pool2d(maps, maps.shape[2:]).flatten(1)
    return maps.amax((2, 3))


def places(maps: Tensor, images: Tensor, channels: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """Where some maps have their maximum, and how often.

    Parameters
    ----------
    maps : Tensor, shape (N, C, h, w)
    images, channels : Tensor of int, shape (M,)
        Which maps.
    best : Tensor, shape (N, C)
        The maxima of all maps.

    Returns
    -------
    cells : Tensor of int, shape (M,)
        Row by row; the first where several cells tie.
    tied : Tensor of int, shape (M,)
        How many cells have the maximum, at least 1.
    """
    if maps.device.type == "cpu" and len(images) > maps.shape[0] * maps.shape[1] / MANY:
        cells, tied = _all_places(maps, best)
        return cells[images, channels], tied[images, channels]
    values = best[images, channels]
    step = max(1, AT_ONCE // maps[0, 0].numel())
    cells, tied = [], []
    for first in range(0, len(images), step):
        part = slice(first, first + step)
        chosen = maps[images[part], channels[part]].flatten(1)
        hits = chosen == values[part, None]
        cells.append(hits.to(torch.uint8).argmax(1))
        tied.append(hits.sum(1))
    if not cells:
        return images.new_empty(0), images.new_empty(0)
    return torch.cat(cells), torch.cat(tied)


def _all_places(maps: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """Where each map has its maximum, and how often, both (N, C); 0 where it holds a NaN."""
    n, c, h, w = maps.shape
    cells, tied = np.zeros((n, c), np.int64), np.zeros((n, c), np.int64)
    for first in range(0, n, step := max(1, AT_ONCE // (c * h * w))):
        part = slice(first, first + step)
        hits = maps[part] == best[part, :, None, None]
        # in the order in which the cells lie in memory, which needs no copy
        if maps.stride(1) == 1:
            hits = hits.permute(0, 2, 3, 1).reshape(-1, h * w, c).numpy()
            image, cell, channel = np.unravel_index(np.flatnonzero(hits), hits.shape)
        else:
            hits = hits.reshape(-1, c, h * w).numpy()
            image, channel, cell = np.unravel_index(np.flatnonzero(hits), hits.shape)
        unit = image * c + channel
        tied[part] = np.bincount(unit, minlength=tied[part].size).reshape(-1, c)
        # of several values for one place numpy keeps the last: here the first cell
        cells[part].reshape(-1)[unit[::-1]] = cell[::-1]
    return torch.from_numpy(cells), torch.from_numpy(tied)
