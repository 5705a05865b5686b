"""Visit layers: look at what they return while a network runs, and perhaps replace it."""

from collections.abc import Callable, Iterable
from threading import get_ident

from torch import Tensor, nn

from .errors import LayerError
from .layer_names import CallNames, first_tensor


class _Enough(BaseException):
    """Ends a forward pass. Not an ``Exception``, lest the network itself catches it."""


def visit(
    module: nn.Module,
    x: Tensor,
    layers: Iterable[str],
    see: Callable[[str, Tensor, bool], "Tensor | None"],
    to_the_end: bool = False,
) -> object:
    """Run a module until the last of some layers has returned, and show what each of them returns.

    To be called inside ``undisturbed(module)``, which takes the hooks away again.

    Parameters
    ----------
    module : Module
    x : Tensor
        What it takes, on its device.
    layers : iterable of str
        Names as :func:`list_layers` gives them.
    see : callable
        Called with the name of a layer, the very tensor that it returned (which the network may write over
        later) and whether this was the last one. If it returns a tensor, the network goes on with that one.
    to_the_end : bool
        Run the rest of the module as well.

    Returns
    -------
    object
        What the module returned; None if it was not run to the end.

    Raises
    ------
    LayerError
        If there is no such layer (says the nearest names), it did not run, or it returned no tensor.
    """
    waiting = dict.fromkeys(layers)  # in the order asked for
    if not waiting:
        return module(x) if to_the_end else None
    names = CallNames(module)
    parts = dict.fromkeys(names.modules[names.split(layer)] for layer in waiting)
    asked_by = get_ident()

    def hook(part: nn.Module, inputs: tuple, returned: object) -> object:
        if get_ident() != asked_by:  # somebody else runs the same module in another thread
            return None
        name = names.next(part)
        if name not in waiting:
            return None
        output = first_tensor(returned)
        if output is None:
            raise LayerError(
                f"layer {name!r} returned a {type(returned).__name__}, not a tensor; choose a part of it"
            )
        del waiting[name]
        other = see(name, output, not waiting)
        if not waiting and not to_the_end:
            raise _Enough
        return None if other is None else _with_first(returned, other)

    handles = [part.register_forward_hook(hook) for part in parts]
    answer = None
    try:
        answer = module(x)
    except _Enough:
        pass
    finally:
        for handle in handles:  # a scan visits many times within one ``undisturbed``
            handle.remove()
    if waiting:
        raise LayerError(_why_missing(next(iter(waiting)), names))
    return answer


def _with_first(returned: object, first: Tensor) -> object:
    """The same as a layer returned, but for its (first) tensor."""
    if isinstance(returned, Tensor):
        return first
    values = (first, *returned[1:])
    return returned._make(values) if hasattr(returned, "_make") else type(returned)(values)


def _why_missing(layer: str, names: CallNames) -> str:
    name = names.split(layer)
    times = names.times(name)
    if times == 0:
        return (
            f"layer {layer!r} exists, but the network did not call it for this input (in evaluation mode); "
            "list_layers(model, input_shape) lists the layers that run"
        )
    often = "once" if times == 1 else f"{times} times"
    return f"layer {name!r} ran {often} only, so there is no {layer!r}"
