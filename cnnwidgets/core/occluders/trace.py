"""The operations of a network, as torch.fx traces them."""

import copy
import inspect
import operator
from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch.nn.functional as F
from torch import fx, nn

from ..errors import LayerError
from ..layer_names import CallNames
from .operations import writes


class Untraceable(Exception):
    """A network whose operations cannot be listed, in one sentence."""


class Trace:
    """The graph of a network's operations, and where in it the layers' outputs are.

    Parameters
    ----------
    module : Module
        In evaluation mode, inside ``undisturbed``; nothing is changed.

    Raises
    ------
    Untraceable
        If it has hooks, or decides by the contents of a tensor what to do next.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        for name, part in module.named_modules():
            if part._forward_hooks or part._forward_pre_hooks:
                raise Untraceable(
                    f"{name or 'the network'} has forward hooks, which may change what it returns"
                )
        tracer = _Tracer(module)
        before = _Attributes(module)
        try:
            self.graph = tracer.trace(module, concrete_args=_defaults(module))
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise Untraceable(f"torch.fx cannot trace it ({reason})") from None
        finally:
            # constants that the network makes in its forward are hung on it by torch.fx
            self._constants = before.restore()
        if any("out" in node.kwargs for node in self.graph.nodes):
            raise Untraceable("it writes results into a tensor of its own (out=)")
        self._layers = tracer.layers
        self._parts = dict(module.named_modules())
        self._follow_writes()

    def _follow_writes(self) -> None:
        """Whoever uses a tensor after an operation has written over it means what was written."""
        nodes = list(self.graph.nodes)
        place = {node: i for i, node in enumerate(nodes)}
        for node in nodes:
            if self._writes(node) and node.args and isinstance(node.args[0], fx.Node):
                written = node.args[0]
                for user in list(written.users):
                    if place[user] > place[node]:
                        user.replace_input_with(written, node)

    def _writes(self, node: fx.Node) -> bool:
        """Whether an operation puts its result where its first input was."""
        if node.op == "call_module":
            return bool(getattr(self.part(node), "inplace", False))
        if node.op not in ("call_method", "call_function"):
            return False
        named = node.kwargs.get("inplace", False) or (node.target is F.relu and True in node.args[1:])
        return bool(named) or writes(node.target)

    def node_of(self, layer: str) -> fx.Node:
        """The operation that gives a layer's output.

        Raises
        ------
        LayerError
            If there is no such layer, it did not run, or it returned no tensor.
        """
        names = CallNames(self.module)
        names.split(layer)
        if layer not in self._layers:
            raise LayerError(
                f"layer {layer!r} did not run for this input, or returned no tensor; "
                "list_layers(model, input_shape) lists those that did"
            )
        return self._layers[layer]

    def part(self, node: fx.Node) -> nn.Module:
        """The module that a ``call_module`` calls."""
        return self._parts[node.target]

    def attribute(self, node: fx.Node) -> Any:
        """The parameter, buffer or constant that a ``get_attr`` reads."""
        if node.target in self._constants:
            return self._constants[node.target]
        return operator.attrgetter(node.target)(self.module)


class _Tracer(fx.Tracer):
    """Notes under which name each part of the network returned what.

    While torch.fx traces, it watches the calls of all modules in the process. Those of other threads are none
    of its business.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.layers: dict[str, fx.Node] = {}
        self._names = CallNames(module)
        self._named = {id(part) for part in self._names.modules.values()}
        self._thread = get_ident()

    def call_module(self, m: nn.Module, forward: Callable, args: tuple, kwargs: dict) -> Any:
        if get_ident() != self._thread:
            return forward(*args, **kwargs)
        returned = super().call_module(m, forward, args, kwargs)
        if id(m) in self._named:
            name = self._names.next(m)
            first = returned[0] if isinstance(returned, (tuple, list)) and returned else returned
            if isinstance(first, fx.Proxy):
                self.layers[name] = first.node
        return returned

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict) -> Any:
        if get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


class _Attributes:
    """The plain attributes of a module and its parts, in which a trace would leave its proxies."""

    def __init__(self, module: nn.Module) -> None:
        self._root = module
        self._before = [(part, dict(part.__dict__)) for part in module.modules()]
        self._inside = [
            (value, copy.copy(value))
            for _, attributes in self._before
            for value in attributes.values()
            if type(value) in (dict, list)
        ]

    def restore(self) -> dict[str, Any]:
        """Put everything back; what is new on the module itself is returned."""
        new = {}
        for part, before in self._before:
            now = part.__dict__  # entry by entry, as another thread may be using it
            for name in [name for name in now if name not in before]:
                value = now.pop(name)
                if part is self._root:
                    new[name] = value
            for name, value in before.items():
                if now.get(name) is not value:
                    now[name] = value
        for value, before in self._inside:
            if isinstance(value, dict):
                if list(map(id, value.values())) != list(map(id, before.values())) or list(value) != list(
                    before
                ):
                    value.clear()
                    value.update(before)
            elif list(map(id, value)) != list(map(id, before)):
                value[:] = before
        return new


def _defaults(module: nn.Module) -> dict[str, Any]:
    """What the network takes besides images, as it is where only images are given."""
    parameters = list(inspect.signature(module.forward).parameters.values())[1:]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    plain = (type(None), bool, int, float, str)  # others stay arguments of the graph, with their defaults
    return {
        each.name: each.default
        for each in parameters
        if each.kind in named and isinstance(each.default, plain)
    }
