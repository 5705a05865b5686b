"""The strongest cell of every activation map."""

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 1 << 24
"""Cells copied at a time to look for places."""


def maxima(maps: Tensor) -> Tensor:
    """The greatest value of each map, (N, C, h, w) to (N, C); NaN where a map holds one.

    Memory order decides how: on the CPU, torch reduces maps whose channels lie innermost six times faster by
    a pooling than by ``amax``.
    """
    channels_inside = maps.stride(1) == 1 and maps.shape[1] > 1
    if maps.device.type == "cpu" and channels_inside and maps.is_floating_point():
        return F.max_pool2d(maps, maps.shape[2:]).flatten(1)
    return maps.amax((2, 3))


def places(maps: Tensor, images: Tensor, channels: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Where some maps have their maximum, and how often.

    Parameters
    ----------
    maps : Tensor, shape (N, C, h, w)
    images, channels : Tensor of int, shape (M,)
        Which maps.
    values : Tensor, shape (M,)
        Their maxima.

    Returns
    -------
    cells : Tensor of int, shape (M,)
        Row by row; the first where several cells tie.
    tied : Tensor of int, shape (M,)
        How many cells have the maximum, at least 1.
    """
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
