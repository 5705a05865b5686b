"""Frequency response: which stripes, how fine and in which direction, does a filter answer to?"""

import torch
from torch import Tensor

from .errors import InputError
from .whole import at_least


def frequency_response(weights: Tensor, size: int = 32) -> Tensor:
    r"""How strongly each filter answers to a grating of each frequency and direction.

    .. math:: R(f_y, f_x) = \sqrt{\sum_c \Big| \sum_{y,x} w_c(y, x) e^{-2 \pi i (f_y y + f_x x)} \Big|^2}

    A grey grating of amplitude 1, :math:`\cos(2 \pi (f_y y + f_x x))`, makes channel :math:`c` of the filter
    answer with an amplitude of the absolute value inside; the channels are joined by the root of the sum of
    squares, so that opposed colours do not cancel.

    Parameters
    ----------
    weights : Tensor, shape (n, C, kernel height, kernel width)
        Filters, as :func:`filters` gives them.
    size : int
        Samples along each frequency axis; the filters are padded with zeros to that size, which draws the
        same response more finely.

    Returns
    -------
    Tensor of float32, shape (n, size, size)
        Both axes run from -0.5 to 0.5 cycles per pixel in steps of ``1 / size``, vertical frequency first;
        zero frequency is at ``[size // 2, size // 2]``. NaN for a filter that holds one.

    Raises
    ------
    InputError
        If ``weights`` has another shape, or ``size`` is no whole number, or smaller than the kernel.

    Examples
    --------
    Vertical stripes, two pixels dark and two bright: a quarter of a cycle per pixel, from left to right.

    >>> stripes = torch.tensor([1.0, 1, -1, -1]).repeat(1, 1, 4, 4)
    >>> response = frequency_response(stripes, size=16)
    >>> divmod(response.argmax().item(), 16)  # 8 is zero, 8 - 4 is -4/16
    (8, 4)
    """
    weights = checked_filters(weights)
    at_least(1, size=size)
    if size < max(weights.shape[2:]):
        raise InputError(f"size must be at least {max(weights.shape[2:])}, the kernel's, not {size}")
    spectrum = torch.fft.fft2(weights.double(), s=(size, size)).abs().square().sum(dim=1).sqrt()
    return torch.fft.fftshift(spectrum, dim=(-2, -1)).float()


def checked_filters(weights: Tensor) -> Tensor:
    """The weights, detached and on the CPU; an InputError unless they are filters (n, C, height, width)."""
    if not isinstance(weights, Tensor) or weights.ndim != 4 or weights.numel() == 0:
        what = f"of shape {tuple(weights.shape)}" if isinstance(weights, Tensor) else type(weights).__name__
        raise InputError(
            f"filters come as a tensor (n, channels, height, width), not {what}; try filters(model, layer)"
        )
    if not weights.is_floating_point():
        raise InputError(f"filters are floats, not {weights.dtype}; try filters(model, layer)")
    return weights.detach().cpu()
