"""One tensor operation, and the table of rules that say what its output sees of the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

from torch import Tensor

from .axis import Axis

UNKNOWN = "unknown"
View = tuple[Axis, Axis] | str | None
"""What a tensor sees of the image: (rows, columns); or UNKNOWN; or None if it is not made from the image."""

ViewOf = Callable[[Tensor], View]

RULES: dict[str, Callable[[Call], View | list[View]]] = {}
"""By name in torch's ``aten`` library. A rule returns the view of its outputs, or a list of one for each."""


def rule(*names: str) -> Callable:
    """Make the decorated function the rule for these operations."""

    def register(function: Callable[[Call], View | list[View]]) -> Callable:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


class Call:
    """One operation that has run: its arguments by name, its outputs, and what the tensors among them see."""

    def __init__(self, func: Any, args: tuple, kwargs: dict, output: object, views: ViewOf) -> None:
        self.func, self.args, self.kwargs = func, args, kwargs
        self.name = rule_name(func)
        self.arguments = {
            each.name: args[i] if i < len(args) else kwargs.get(each.name, each.default_value)
            for i, each in enumerate(func._schema.arguments)
        }
        self.outputs = list(tensors_in(output))
        self.views = views

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def get(self, name: str) -> Any:
        return self.arguments.get(name)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return tuple(self.outputs[0].shape)

    def view(self, name: str) -> View:
        """What one argument sees; UNKNOWN if others, which a rule does not expect to, see the image too."""
        others = tensors_in([value for key, value in self.arguments.items() if key != name])
        return self.views(self[name]) if all(self.views(other) is None for other in others) else UNKNOWN

    def written(self) -> list[Tensor]:
        """The tensors that the operation wrote into."""
        arguments = self.func._schema.arguments
        written = [self[each.name] for each in arguments if each.alias_info and each.alias_info.is_write]
        return list(tensors_in(written))

    def seeing_inputs(self) -> list[tuple[Tensor, View]]:
        """The tensors that went in and were made from the image, with what they see."""
        tensors = tensors_in(list(self.arguments.values()))
        return [(tensor, view) for tensor in tensors if (view := self.views(tensor)) is not None]


def rule_name(func: Any) -> str:
    """Name under which the rule of an operation is listed; in-place ones share it with their plain twins."""
    library, name = func._schema.name.split("::")
    return name.removesuffix("_") if library == "aten" else func._schema.name


def tensors_in(value: object) -> Iterable[Tensor]:
    """The tensors in an argument: itself, or those in a list."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from tensors_in(each)


def each_axis(view: View, change: Callable[[Axis], Axis | None]) -> View:
    """Change rows and columns alike; a change that returns None makes both unknown."""
    if not isinstance(view, tuple):
        return view
    rows, columns = change(view[0]), change(view[1])
    return UNKNOWN if rows is None or columns is None else (rows, columns)


def join(views: Iterable[View]) -> View:
    """Where branches meet; weights and constants do not count."""
    seen = [view for view in views if view is not None]
    if UNKNOWN in seen:
        return UNKNOWN
    return reduce(lambda a, b: (a[0].joined(b[0]), a[1].joined(b[1])), seen) if seen else None


def unlisted(call: Call) -> View:
    """An operation without a rule: known only where all that goes in sees the same fixed part."""
    views = [view for _, view in call.seeing_inputs()]
    if any(view == UNKNOWN or not (view[0].fixed and view[1].fixed) for view in views):
        return UNKNOWN
    extents = {tuple((axis.low, axis.high) for axis in view) for view in views}
    return views[0] if len(extents) == 1 else UNKNOWN


def dims_of(value: int | Iterable[int] | None, ndim: int) -> list[int]:
    """Dimensions as torch takes them (one, several, negative, none for all), counted from the front."""
    if isinstance(value, int):
        value = [value]
    return [dim % ndim for dim in value] if value else list(range(ndim))
