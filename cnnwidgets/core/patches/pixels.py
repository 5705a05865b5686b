"""Patches as pixels: cut out of their image, padded to one size, averaged."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ..errors import InputError
from ..receptive_field import Box


def cut_patch(image: Tensor, box: Box, seen: Box | None = None, fill: float = 0.0) -> tuple[Tensor, Tensor]:
    """Cut the receptive field of a unit out of an image.

    Parameters
    ----------
    image : Tensor, shape (C, H, W)
    box : (top, left, bottom, right)
        Which pixels; may reach outside of the image. Says the size of the patch.
    seen : (top, left, bottom, right), optional
        The part of the box that the unit really sees; all of it that lies inside the image if not given.
    fill : float
        Value of all other pixels.

    Returns
    -------
    pixels : Tensor, shape (C, h, w)
        With ``h = bottom - top``, ``w = right - left``: the same size everywhere in the image.
    inside : Tensor of bool, shape (h, w)
        Where there are pixels of the image; elsewhere is padding.

    Raises
    ------
    InputError
        If the image is no (C, H, W) or the box is empty.

    Examples
    --------
    >>> image = torch.arange(12.0).reshape(1, 3, 4)
    >>> pixels, inside = cut_patch(image, (-1, 2, 2, 5))
    >>> pixels[0].tolist()
    [[0.0, 0.0, 0.0], [2.0, 3.0, 0.0], [6.0, 7.0, 0.0]]
    >>> inside.sum().item()
    4
    """
    if image.ndim != 3:
        raise InputError(f"a patch is cut out of one image (C, H, W), not {tuple(image.shape)}")
    top, left, bottom, right = box
    if bottom <= top or right <= left:
        raise InputError(f"the box (top, left, bottom, right) = {tuple(box)} is empty")
    height, width = image.shape[1:]
    a, b, c, d = box if seen is None else seen
    a, b, c, d = max(a, top, 0), max(b, left, 0), min(c, bottom, height), min(d, right, width)
    pixels = image.new_full((image.shape[0], bottom - top, right - left), fill)
    inside = torch.zeros(bottom - top, right - left, dtype=torch.bool, device=image.device)
    if c > a and d > b:
        there = (slice(a - top, c - top), slice(b - left, d - left))
        pixels[:, there[0], there[1]] = image[:, a:c, b:d]
        inside[there] = True
    return pixels, inside


def average_patch(patches: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Mean of several patches, pixel by pixel, padding left out.

    Parameters
    ----------
    patches : iterable of (pixels, inside)
        As :func:`cut_patch` gives them, all of one size.

    Returns
    -------
    mean : Tensor, shape (C, h, w)
        Zero where no patch has a pixel.
    n : Tensor of int, shape (h, w)
        How many patches have a pixel there.

    Raises
    ------
    InputError
        If there are none.
    """
    total = count = None
    for pixels, inside in patches:
        weighted = pixels * inside
        total = weighted if total is None else total + weighted
        count = inside.long() if count is None else count + inside
    if total is None:
        raise InputError("there are no patches to average")
    return total / count.clamp(min=1), count
