"""Rules for the operations that only rearrange: reshape, permute, slice, pad, concatenate."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import torch

from .axis import Axis
from .calls import Call, View, dims_of, each_axis, join, rule, unlisted


@rule(
    *"""view reshape flatten unflatten squeeze unsqueeze _unsafe_view _reshape_alias view_as reshape_as
    """.split()
)
def _reshape(call: Call) -> View:
    old, new = tuple(call["self"].shape), call.shape
    view = call.views(call["self"])
    if view is None or old == new:
        return view
    groups = list(_groups(old, new))

    def change(axis: Axis) -> Axis | None:
        single = [dim for dim in axis.dims if old[dim] == 1]
        if axis.sliding and single and len(new) >= len(old) - single[0] and new[single[0] - len(old)] == 1:
            # One unit only, at the same place counted from the end.
            return axis.moved(lambda dim: dim + len(new) - len(old))
        axis = axis.mixed(single)
        if axis.fixed:
            return axis
        reached = [(before, after) for before, after in groups if axis.dims & set(before)]
        if all(len(before) == len(after) == 1 for before, after in reached):
            return axis.moved({before[0]: after[0] for before, after in reached}.__getitem__)
        return axis.scattered(dim for _, after in reached for dim in after)

    return each_axis(view, change)


def _groups(old: tuple[int, ...], new: tuple[int, ...]) -> Iterator[tuple[list[int], list[int]]]:
    """Match dimensions in the smallest groups that hold equally many elements, leaving out sizes of 1."""
    left, right = ([dim for dim, n in enumerate(shape) if n != 1] for shape in (old, new))
    while left:
        before, after = [left.pop(0)], [right.pop(0)]
        while (a := prod(old[d] for d in before)) != (b := prod(new[d] for d in after)):
            (before if a < b else after).append((left if a < b else right).pop(0))
        yield before, after


@rule(*"permute transpose t swapaxes swapdims movedim moveaxis numpy_T mT adjoint".split())
def _permute(call: Call) -> View:
    # A tensor without contents, whose sizes are all different, shows where each dimension goes.
    probe = torch.empty([2 + dim for dim in range(call["self"].ndim)], device="meta")
    places = list(call.func(probe, *call.args[1:], **call.kwargs).shape)
    return each_axis(call.view("self"), lambda axis: axis.moved(lambda dim: places.index(dim + 2)))


@rule("slice")
def _slice(call: Call) -> View:
    dim, size = call["dim"] % call["self"].ndim, call["self"].shape[call["dim"]]
    start, stop, step = slice(call["start"], call["end"], call["step"]).indices(size)
    if (start, stop, step) == (0, size, 1):
        return call.view("self")
    return each_axis(call.view("self"), lambda axis: axis.cut(dim, start, step, call.shape[dim]))


@rule("narrow")
def _narrow(call: Call) -> View:
    dim, size = call["dim"] % call["self"].ndim, call["self"].shape[call["dim"]]
    start = int(call["start"]) % size
    return each_axis(call.view("self"), lambda axis: axis.cut(dim, start, 1, call["length"]))


@rule("select", "unbind")
def _select(call: Call) -> View | list[View]:
    dim, size = call["dim"] % call["self"].ndim, call["self"].shape[call["dim"]]

    def chosen(index: int) -> View:
        def change(axis: Axis) -> Axis | None:
            axis = axis.cut(dim, index, 1, 1)
            return axis and axis.mixed([dim]).moved(lambda other: other - (other > dim))

        return each_axis(call.view("self"), change)

    return chosen(call["index"] % size) if call.name == "select" else [chosen(i) for i in range(size)]


@rule("split", "split_with_sizes", "chunk", "tensor_split", "unsafe_chunk", "unsafe_split")
def _split(call: Call) -> list[View]:
    dim, start, views = call["dim"] % call["self"].ndim, 0, []
    for part in call.outputs:
        n = part.shape[dim]
        views.append(each_axis(call.view("self"), lambda axis, at=start, n=n: axis.cut(dim, at, 1, n)))
        start += n
    return views


@rule("index", "index_select")
def _index(call: Call) -> View:
    """One list of channels; places chosen by their number are followed no further."""
    view = call.view("self")
    if call.name == "index_select":
        dim = call["dim"] % call["self"].ndim
    else:
        given = [(dim, index) for dim, index in enumerate(call["indices"]) if index is not None]
        if len(given) != 1 or given[0][1].ndim != 1 or given[0][1].dtype == torch.bool:
            return unlisted(call)
        dim = given[0][0]
    return each_axis(view, lambda axis: None if dim in axis.dims else axis)


@rule("cat", "concat", "concatenate", "stack")
def _concatenate(call: Call) -> View:
    dim, new = call["dim"] % len(call.shape), call.name == "stack"

    def change(axis: Axis) -> Axis:
        if new:
            return axis.moved(lambda other: other + (other >= dim))
        return axis.scattered(axis.dims) if dim in axis.dims else axis

    return join(each_axis(view, change) for tensor, view in call.seeing_inputs() if tensor.numel())


@rule(
    "pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad1d", "replication_pad2d"
)
def _pad(call: Call) -> View:
    amounts, ndim = call["padding" if "padding" in call.arguments else "pad"], len(call.shape)
    mode = call.get("mode") or call.name.split("_")[0]
    sides = {ndim - 1 - i: (amounts[2 * i], amounts[2 * i + 1]) for i in range(len(amounts) // 2)}

    def change(axis: Axis) -> Axis | None:
        for dim in sorted(axis.dims & sides.keys()):
            before, after = sides[dim]
            if (before, after) == (0, 0):
                continue
            if mode == "circular" or (not axis.sliding and min(before, after) >= 0):
                axis = axis.scattered(axis.dims)
                continue
            axis = axis.cut(dim, -before, 1, call.shape[dim])
            if axis is None:
                return None
            if mode != "constant":
                axis = axis.repeated_at_ends(max(before, after))
        return axis

    return each_axis(call.view("self"), change)


@rule("roll", "flip")
def _roll(call: Call) -> View:
    dims = set(dims_of(call["dims"], len(call.shape)))
    return each_axis(call.view("self"), lambda axis: axis.scattered(axis.dims) if axis.dims & dims else axis)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: Call) -> View:
    return each_axis(call.view("self"), lambda axis: None if 1 in axis.dims else axis)
