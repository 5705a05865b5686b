"""Steps for windows that slide: convolution and pooling, from the arguments that torch takes for them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .operations import pair
from .steps import AveragePool, Sliding
from .unoccluded import Scratch

CONVOLUTION = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
MAX_POOL = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
AVERAGE_POOL = {
    "stride": None,
    "padding": 0,
    "ceil_mode": False,
    "count_include_pad": True,
    "divisor_override": None,
}
"""Optional arguments in their order, with their defaults."""


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    scratch: Scratch,
) -> Sliding:
    """Convolution of maps of the size of ``x``."""
    stride, dilation, kernel = pair(stride), pair(dilation), tuple(weight.shape[2:])
    if padding == "same":  # where it cannot be the same on both sides, there is one more at the end
        before = tuple((k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True))
        output = tuple(x.shape[2:])
    else:
        before = padding = pair(0 if padding == "valid" else padding)
        output = tuple(
            (n + 2 * p - (k - 1) * d - 1) // s + 1
            for n, p, k, d, s in zip(x.shape[2:], padding, kernel, dilation, stride, strict=True)
        )

    def whole(x: Tensor, *others: Any, **options: Any) -> Tensor:
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)

    def bare(windows: Tensor) -> Tensor:
        return F.conv2d(windows, weight, bias, stride, 0, dilation, groups)

    n = weight.numel()
    return Sliding(whole, bare, kernel, stride, before, dilation, output, n, scratch=scratch)


def max_pool(
    x: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, scratch: Scratch
) -> Sliding:
    """Maximum of maps of the size of ``x``."""
    kernel, dilation = pair(kernel_size), pair(dilation)
    stride = kernel if stride in (None, []) else pair(stride)

    def whole(x: Tensor, *others: Any, **options: Any) -> Tensor:
        return F.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode)

    def bare(windows: Tensor) -> Tensor:
        return F.max_pool2d(windows, kernel, stride, 0, dilation)

    output = tuple(
        _n_windows(*each, ceil_mode)
        for each in zip(x.shape[2:], kernel, stride, pair(padding), dilation, strict=True)
    )
    return Sliding(whole, bare, kernel, stride, pair(padding), dilation, output, lowest=True, scratch=scratch)


def _n_windows(n: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows a pool has along one side; one that would begin behind the padding is left out."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    windows = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    return windows - 1 if ceil_mode and (windows - 1) * stride >= n + padding else windows


def average_pool(
    x: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    scratch: Scratch,
) -> AveragePool:
    """Mean of maps of the size of ``x``."""
    kernel = pair(kernel_size)
    stride = kernel if stride in (None, []) else pair(stride)

    def whole(x: Tensor, *others: Any, **options: Any) -> Tensor:
        return F.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)

    def bare(windows: Tensor) -> Tensor:
        return F.avg_pool2d(windows, kernel, stride, divisor_override=1)

    ones = torch.ones_like(x[:, :1])
    sums = F.avg_pool2d(ones, kernel, stride, padding, ceil_mode, divisor_override=1)
    output = tuple(sums.shape[2:])
    counts = sums / whole(ones)
    return AveragePool(
        whole, bare, kernel, stride, pair(padding), (1, 1), output, counts=counts, scratch=scratch
    )


def fold(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weights of a convolution that does what a batch norm with stored statistics would do behind it."""
    wide = torch.float64
    scale = (norm.running_var.to(wide) + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach().to(wide)
    start = -norm.running_mean.to(wide) if bias is None else bias.to(wide) - norm.running_mean.to(wide)
    shift = start * scale if norm.bias is None else start * scale + norm.bias.detach().to(wide)
    folded = weight.to(wide) * scale.reshape(-1, 1, 1, 1)
    return folded.to(weight.dtype), shift.to(weight.dtype)
