"""From the traced operations of a network to steps that know what squares can have changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from . import operations as known
from .sliding import AVERAGE_POOL, CONVOLUTION, MAX_POOL, average_pool, convolution, fold, max_pool
from .steps import GlobalAverage, Pointwise, Sizes, Step, relu_in_place
from .trace import Trace
from .unoccluded import Scratch


class Operation(NamedTuple):
    """A step, with where its input comes from."""

    node: fx.Node
    step: Step
    inputs: list[fx.Node]
    call: Callable


class Compiler:
    """Chooses the step for each operation.

    Parameters
    ----------
    trace : Trace
    values : dict of Node to value
        For the unoccluded image, of all nodes before the one that is compiled.
    watched : Node or None
        An operation whose very output is needed.
    dtype : torch.dtype
        In which convolutions and linear layers compute.
    weights : dict
        Weights that were prepared for an earlier image.
    """

    def __init__(
        self, trace: Trace, values: dict, watched: fx.Node | None, dtype: torch.dtype, weights: dict
    ) -> None:
        self.trace, self.values, self.watched, self.dtype = trace, values, watched, dtype
        self.scratch = Scratch()
        self._weights = weights
        self._fresh: set[fx.Node] = set()  # whose memory belongs to nothing else
        self._folded: set[fx.Node] = set()  # batch norms that are part of the convolution before them

    def compile(self, node: fx.Node, inputs: list[fx.Node]) -> Operation:
        """The operation of a node of which ``inputs`` depend on the image; the others are constants."""
        function, args = self._function(node)
        step = self._step(node, function, args, inputs)

        def call(function: Callable, values: list) -> Any:
            given = dict(zip(inputs, values, strict=True))

            def value_of(each: fx.Node) -> Any:
                return given[each] if each in given else self.values[each]

            return function(*fx.node.map_arg(args, value_of), **fx.node.map_arg(kwargs, value_of))

        kwargs = {key: value for key, value in node.kwargs.items() if key != "inplace"}
        return Operation(node, step, inputs, call)

    def _function(self, node: fx.Node) -> tuple[Callable, tuple]:
        """What is called, in a form that writes over nothing, with its positional arguments."""
        if node.op == "call_module":
            return _lasting(self.trace.part(node)), node.args
        if node.op == "call_method":
            # maps are channels_last here, which not every view can be taken of
            name = "reshape" if node.target == "view" else node.target
            function = known.METHODS.get(name) or _method(name)
            return (
                _on_copy(function) if name not in known.METHODS and known.writes(name) else function
            ), node.args
        function = known.WITHOUT_WRITING.get(node.target, node.target)
        if known.writes(function):
            function = _on_copy(function)
        if function is F.relu:  # its second argument is inplace
            return function, node.args[:1]
        return function, node.args

    def _step(self, node: fx.Node, function: Callable, args: tuple, inputs: list[fx.Node]) -> Step:
        maps = [self.values[each] for each in inputs]
        if _asks_for_shape(node):
            return Sizes(function)
        if not maps or not all(isinstance(each, Tensor) for each in maps):
            return Step(function)
        spatial = all(each.ndim == 4 for each in maps)
        if isinstance(function, nn.Linear) and not spatial:
            return self._linear(node, function, maps[0])
        if not spatial:
            return Step(function, _multiplications(function, maps[0]))
        for choose in (self._module_step, self._function_step):
            step = choose(node, function, args, inputs, maps)
            if step is not None:
                return step
        return Step(function)

    # -- by module --

    def _module_step(self, node, function, args, inputs, maps) -> Step | None:
        (x,) = maps[:1]
        if isinstance(function, nn.Conv2d):
            return self._convolution(node, function, x) if function.padding_mode == "zeros" else None
        if isinstance(function, nn.BatchNorm2d):
            if node in self._folded:
                self._fresh.add(node)
                return Pointwise(_same)
            if function.running_mean is None:
                return None
            self._fresh.add(node)
            return Pointwise(function)
        if isinstance(function, nn.ReLU) and self._may_overwrite(node):
            self._fresh.add(node)
            return Pointwise(relu_in_place)
        if isinstance(function, known.POINTWISE_MODULES):
            return Pointwise(function)
        if isinstance(function, nn.MaxPool2d) and not function.return_indices:
            return self._pool(max_pool, x, vars(function), MAX_POOL)
        if isinstance(function, nn.AvgPool2d):
            return self._pool(average_pool, x, vars(function), AVERAGE_POOL)
        if isinstance(function, nn.AdaptiveAvgPool2d):
            return self._adaptive_pool(function, x, function.output_size)
        return None

    def _may_overwrite(self, node: fx.Node) -> bool:
        (before,) = node.all_input_nodes[:1]
        return before in self._fresh and len(before.users) == 1 and before is not self.watched

    # -- by function --

    def _function_step(self, node, function, args, inputs, maps) -> Step | None:
        if function in (F.conv2d, torch.conv2d):
            return self._functional_convolution(node, function, args, inputs, maps)
        if function in known.RELUS and self._may_overwrite(node):
            self._fresh.add(node)
            return Pointwise(relu_in_place)
        if function in known.POINTWISE_FUNCTIONS:
            same = len({each.shape for each in maps}) == 1
            return Pointwise(function) if same and self._only_scalars(node, inputs) else None
        if function is F.dropout:
            is_training = known.bound(("input", "p", "training"), args, node.kwargs, {"training": True})[
                "training"
            ]
            return None if is_training else Pointwise(F.dropout)
        if function in known.ARITHMETIC:
            same = len({each.shape for each in maps}) == 1
            if same and self._only_scalars(node, inputs):
                self._fresh.add(node)
                return Pointwise(function)
            return None
        if function in known.CONCATENATIONS:
            return self._concatenation(node, function, args, maps)
        if function in (F.max_pool2d, torch.max_pool2d):
            options = known.bound(("input", "kernel_size", *MAX_POOL), args, node.kwargs, MAX_POOL)
            return None if options["return_indices"] else self._pool(max_pool, maps[0], options, MAX_POOL)
        if function in (F.avg_pool2d, torch._C._nn.avg_pool2d):
            options = known.bound(("input", "kernel_size", *AVERAGE_POOL), args, node.kwargs, AVERAGE_POOL)
            return self._pool(average_pool, maps[0], options, AVERAGE_POOL)
        if function is F.adaptive_avg_pool2d:
            size = known.bound(("input", "output_size"), args, node.kwargs)["output_size"]
            return self._adaptive_pool(function, maps[0], size)
        if function is torch.mean:
            options = known.bound(("input", "dim", "keepdim"), args, node.kwargs, {"dim": None})
            dims = options["dim"] if isinstance(options["dim"], (tuple, list)) else [options["dim"]]
            if "dtype" not in node.kwargs and {d % 4 for d in dims if isinstance(d, int)} == {2, 3}:
                return GlobalAverage(function, self._now(node, function), self.scratch)
        return None

    def _only_scalars(self, node: fx.Node, inputs: list[fx.Node]) -> bool:
        """Whether nothing among the constants has places of its own."""
        constants = [self.values[each] for each in node.all_input_nodes if each not in inputs]
        return all(
            not isinstance(each, Tensor) or each.ndim < 2 and each.numel() == 1 or each.shape[-2:] == (1, 1)
            for each in constants
        )

    def _now(self, node: fx.Node, function: Callable) -> Any:
        """What the node gives for the unoccluded image."""
        args, kwargs = node.args, node.kwargs
        return function(*fx.node.map_arg(args, self.values.get), **fx.node.map_arg(kwargs, self.values.get))

    # -- the steps --

    def _convolution(self, node: fx.Node, part: nn.Conv2d, x: Tensor) -> Step:
        norm = self._norm_behind(node)
        if norm is not None:
            self._folded.add(norm)
        key = node.name, self.dtype, norm is not None
        if key not in self._weights:
            weight, bias = part.weight.detach(), None if part.bias is None else part.bias.detach()
            if norm is not None:
                weight, bias = fold(weight, bias, self.trace.part(norm))
            self._weights[key] = self._cast(weight), None if bias is None else self._cast(bias)
        weight, bias = self._weights[key]
        self._fresh.add(node)
        return convolution(
            x, weight, bias, part.stride, part.padding, part.dilation, part.groups, self.scratch
        )

    def _norm_behind(self, node: fx.Node) -> fx.Node | None:
        if len(node.users) != 1 or node is self.watched:
            return None
        (user,) = node.users
        if user.op != "call_module":
            return None
        part = self.trace.part(user)
        return user if type(part) is nn.BatchNorm2d and part.running_mean is not None else None

    def _functional_convolution(self, node, function, args, inputs, maps) -> Step | None:
        options = known.bound(("input", "weight", *CONVOLUTION), args, node.kwargs, CONVOLUTION)
        if len(inputs) != 1 or options["input"] is not inputs[0]:
            return None
        weight, bias = (
            self.values[each] if isinstance(each, fx.Node) else each
            for each in (options["weight"], options["bias"])
        )
        weight, bias = self._cast(weight.detach()), None if bias is None else self._cast(bias.detach())
        rest = [options[name] for name in ("stride", "padding", "dilation", "groups")]
        self._fresh.add(node)
        return convolution(maps[0], weight, bias, *rest, self.scratch)

    def _pool(self, make: Callable, x: Tensor, options: dict, names: dict) -> Step:
        chosen = {name: options[name] for name in ("kernel_size", *names) if name != "return_indices"}
        return make(x, **chosen, scratch=self.scratch)

    def _adaptive_pool(self, function: Callable, x: Tensor, size: Any) -> Step | None:
        wanted = size if isinstance(size, (tuple, list)) else (size, size)
        wanted = tuple(have if want is None else want for want, have in zip(wanted, x.shape[2:], strict=True))
        if wanted == tuple(x.shape[2:]):
            return Pointwise(_same)
        if wanted == (1, 1):
            return GlobalAverage(function, x.mean((2, 3), keepdim=True), self.scratch)
        return None

    def _concatenation(self, node, function, args, maps) -> Step | None:
        options = known.bound(("tensors", "dim"), args, node.kwargs, {"dim": 0})
        along_channels = options.get("axis", options["dim"]) in (1, -3)
        same = len({each.shape[2:] for each in maps}) == 1
        if (
            not along_channels
            or not same
            or not all(isinstance(each, fx.Node) for each in options["tensors"])
        ):
            return None
        if set(options["tensors"]) != set(node.all_input_nodes) or len(maps) != len(node.all_input_nodes):
            return None  # a constant among them
        self._fresh.add(node)
        return Pointwise(function)

    def _linear(self, node: fx.Node, part: nn.Linear, x: Tensor) -> Step:
        key = node.name, self.dtype, False
        if key not in self._weights:
            bias = None if part.bias is None else part.bias.detach().to(self.dtype)
            self._weights[key] = part.weight.detach().to(self.dtype), bias
        weight, bias = self._weights[key]
        return Step(
            lambda x, *others, **options: F.linear(x.to(self.dtype), weight, bias), _multiplications(part, x)
        )

    def _cast(self, weight: Tensor) -> Tensor:
        weight = weight.to(self.dtype)
        return weight.contiguous(memory_format=torch.channels_last) if weight.ndim == 4 else weight


def _lasting(part: nn.Module) -> nn.Module:
    """A twin with the same parameters that stays in evaluation mode and writes over nothing."""
    own = [*part.parameters(), *part.buffers()]
    twin = copy.deepcopy(part, {id(each): each for each in own})
    twin.eval()
    if getattr(twin, "inplace", False):
        twin.inplace = False
    return twin


def _multiplications(function: Callable, x: Tensor) -> float:
    """About how many a module needs for tokens or features (1, ..., F): each weight once for each token."""
    if not isinstance(function, nn.Module):
        return 0.0
    n_weights = sum(each.numel() for each in function.parameters() if each.ndim > 1)
    return float(n_weights * x.shape[:-1].numel())


def _asks_for_shape(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in known.SHAPES
    return node.op == "call_function" and node.target is getattr and node.args[1] in ("shape", "ndim")


def _on_copy(function: Callable) -> Callable:
    """An operation that writes over its first input, on a copy of it."""

    def on_copy(first: Any, *args: Any, **kwargs: Any) -> Any:
        return function(first.clone() if isinstance(first, Tensor) else first, *args, **kwargs)

    return on_copy


def _same(x: Tensor, *others: Any, **options: Any) -> Tensor:
    return x


def _method(name: str) -> Callable:
    def method(value: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(value, name)(*args, **kwargs)

    return method
