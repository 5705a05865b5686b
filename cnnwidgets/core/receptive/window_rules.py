"""Rules for the operations that slide a window: convolution, pooling, resizing."""

from __future__ import annotations

from .axis import Axis
from .calls import Call, View, each_axis, rule, unlisted


@rule("conv1d", "conv2d", "conv3d", "convolution", "cudnn_convolution", "mkldnn_convolution")
def _convolution(call: Call) -> View:
    view, weight, ndim = call.view("input"), call["weight"], call["input"].ndim
    n_axes = weight.ndim - 2
    if not isinstance(view, tuple) or call.get("transposed"):
        return unlisted(call)
    stride, dilation = _numbers(call["stride"], n_axes), _numbers(call["dilation"], n_axes)
    kernel, channel, padding = weight.shape[2:], ndim - n_axes - 1, call["padding"]
    if isinstance(padding, str):
        full = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
        padding = [total // 2 if padding == "same" else 0 for total in full]
    padding = _numbers(padding, n_axes)

    def change(axis: Axis) -> Axis | None:
        if channel in axis.dims and call["groups"] != 1:
            return None
        return _sweep(call, axis.mixed([channel]), n_axes, kernel, stride, padding, dilation)

    return each_axis(view, change)


@rule(
    *(f"{kind}_pool{n}d" for kind in ("max", "avg") for n in (1, 2, 3)),
    *(f"max_pool{n}d_with_indices" for n in (1, 2, 3)),
)
def _pooling(call: Call) -> View:
    n_axes = int(next(letter for letter in call.name if letter.isdigit()))
    kernel = _numbers(call["kernel_size"], n_axes)
    stride = _numbers(call["stride"], n_axes) if call["stride"] else kernel
    padding, dilation = _numbers(call["padding"], n_axes), _numbers(call.get("dilation") or 1, n_axes)
    view = call.view("input" if "input" in call.arguments else "self")
    return each_axis(view, lambda axis: _sweep(call, axis, n_axes, kernel, stride, padding, dilation))


def _sweep(call: Call, axis: Axis, n_axes: int, kernel, stride, padding, dilation) -> Axis | None:
    """Slide a window over the last ``n_axes`` dimensions."""
    first = len(call.shape) - n_axes
    for i in range(n_axes):
        axis = axis.swept(first + i, kernel[i], stride[i], padding[i], dilation[i], call.shape[first + i])
        if axis is None:
            return None
    return axis


@rule(*(f"{kind}_pool{n}d" for kind in ("adaptive_max", "adaptive_avg", "_adaptive_avg") for n in (1, 2, 3)))
def _adaptive_pooling(call: Call) -> View:
    shape = call["self"].shape

    def change(axis: Axis) -> Axis | None:
        for dim in axis.dims:
            before, after = shape[dim], call.shape[dim]
            if after == before:
                continue
            if after == 1 or before == 1:
                axis = axis.mixed([dim])
            elif axis.sliding and before % after == 0:
                axis = axis.swept(dim, before // after, before // after, 0, 1, after)
            else:
                axis = axis.scattered(axis.dims)  # windows of different sizes
            if axis is None:
                return None
        return axis

    return each_axis(call.view("self"), change)


@rule("pixel_unshuffle")
def _pixel_unshuffle(call: Call) -> View:
    factor, ndim = call["downscale_factor"], len(call.shape)
    numbers = [factor] * 2, [factor] * 2, [0] * 2, [1] * 2
    return each_axis(
        call.view("self"), lambda axis: None if ndim - 3 in axis.dims else _sweep(call, axis, 2, *numbers)
    )


@rule("unfold")
def _unfold(call: Call) -> View:
    dim = call["dimension"] % call["self"].ndim
    size, step, n = call["size"], call["step"], call.shape[dim]
    return each_axis(call.view("self"), lambda axis: axis.swept(dim, size, step, 0, 1, n))


@rule(*(f"upsample_{kind}" for kind in ("nearest1d", "nearest2d", "linear1d", "bilinear2d", "bicubic2d")))
def _upsample(call: Call) -> View:
    before = call["self" if "self" in call.arguments else "input"].shape

    def change(axis: Axis) -> Axis | None:
        altered = [dim for dim in axis.dims if before[dim] != call.shape[dim]]
        if any(before[dim] > call.shape[dim] for dim in altered):
            return None  # may skip units altogether
        return axis.scattered(axis.dims) if altered else axis

    return each_axis(call.view("self" if "self" in call.arguments else "input"), change)


def _numbers(value: int | list[int], n: int) -> list[int]:
    """One number for each axis, from one for all of them."""
    value = [value] if isinstance(value, int) else list(value)
    return value * n if len(value) == 1 else value
