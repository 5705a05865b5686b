"""Coarse maps at the size of the image."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear interpolation, the cells of a map sharing the image evenly (``align_corners=False``).

    Parameters
    ----------
    maps : Tensor, shape (..., h, w)
        Such as those of `grad_cam`.
    size : (int, int)
        Height and width in pixels.

    Returns
    -------
    Tensor, shape (..., H, W)

    Raises
    ------
    InputError
        If there are no such maps.

    Examples
    --------
    >>> import torch
    >>> upsample(torch.tensor([[[0.0, 4.0]]]), (1, 4)).tolist()
    [[[0.0, 1.0, 3.0, 4.0]]]
    """
    if not isinstance(maps, Tensor) or maps.ndim < 2 or not maps.is_floating_point() or not maps.numel():
        shape = tuple(getattr(maps, "shape", ()))
        raise InputError(f"maps are floats of shape (..., h, w), not {type(maps).__name__} of shape {shape}")
    height, width = maps.shape[-2:]
    wide = F.interpolate(
        maps.reshape(-1, 1, height, width), tuple(size), mode="bilinear", align_corners=False
    )
    return wide.reshape(*maps.shape[:-2], *size)
