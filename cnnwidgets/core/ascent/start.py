"""From which image an ascent starts, and within which colours it stays."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..module import prepared

Limits = tuple[Tensor, Tensor]


@torch.inference_mode(False)  # autograd has no use for tensors that are made under it
def limits_of(model: Any, n_channels: int, limits: Any = None) -> Limits | None:
    """Black and white in preprocessed units: those given, or those of a ``Network``; None for a plain module.

    Returns
    -------
    (Tensor, Tensor), each of shape (C or 1, 1, 1), or None
    """
    if limits is None:
        preprocess = getattr(model, "preprocess", None)
        if not getattr(preprocess, "undoable", False):
            return None
        black = torch.zeros(preprocess.channels, 1, 1)
        return preprocess.normalise(black), preprocess.normalise(black + 1)
    try:
        low, high = (torch.as_tensor(each, dtype=torch.float64).clone().reshape(-1, 1, 1) for each in limits)
    except (TypeError, ValueError, RuntimeError):
        low = high = torch.zeros(0, 1, 1)
    if {len(low), len(high)} - {1, n_channels} or not (low < high).all():
        raise InputError(
            "limits are (black, white) in preprocessed units, black below white: two numbers, or "
            f"{n_channels} each, one for each channel; not {limits!r}"
        )
    return low, high


def within(image: Tensor, limits: Limits | None) -> Tensor:
    """The nearest image with colours that can be printed."""
    return image if limits is None else torch.clamp(image, *(each.to(image) for each in limits))


@torch.inference_mode(False)
def batch_of(module: nn.Module, x: Tensor) -> Tensor:
    """One image (C, H, W) or several, checked and copied; in full precision, since steps can be small."""
    if isinstance(x, Tensor) and x.ndim == 3:
        x = x[None]
    x = prepared(module, x)
    return x.to(torch.promote_types(x.dtype, torch.float32))


def start_of(
    model: Any,
    module: nn.Module,
    start: Tensor | None,
    shape: tuple[int, int, int] | None,
    n_images: int | None,
    noise: float,
    seed: int,
) -> Tensor:
    """N images to start from, on the device of the network.

    Parameters
    ----------
    model, module
        As the user gave it, and the module in it.
    start : Tensor, shape (C, H, W) or (1, C, H, W) or (N, C, H, W), optional
        Preprocessed. If not given, 0, the mean image.
    shape : (int, int, int), optional
        (C, H, W) of that; the network's own input if not given.
    n_images : int, optional
        As many as there are in ``start`` if not given.
    noise : float
        Standard deviation of normal noise that is added, in preprocessed units; image i has that of
        ``seed + i``.
    """
    if not 0 <= noise < float("inf"):
        raise InputError(f"noise is a standard deviation, 0 or more, not {noise!r}")
    if start is None:
        shape = tuple(shape or getattr(model, "input_shape", None) or ())
        if len(shape) != 3 or min(shape) < 1:
            raise InputError("how large is the image? give shape=(C, H, W), or start, for a plain module")
        start = torch.zeros(1, *shape)
    start = batch_of(module, start)
    n_images = n_images or len(start)
    if len(start) not in (1, n_images):
        raise InputError(f"there are {len(start)} images to start from, and {n_images} to be made")
    start = start.expand(n_images, -1, -1, -1).clone(memory_format=torch.contiguous_format)
    if noise:
        generators = (torch.Generator().manual_seed(seed + i) for i in range(n_images))
        drawn = torch.stack([torch.randn(start.shape[1:], generator=each) for each in generators])
        start = start + noise * drawn.to(start)
    return start
