"""Capture: the activations of any layers, from one forward pass."""

from collections.abc import Callable, Iterable
from threading import get_ident

import torch
from torch import Tensor, nn

from .errors import LayerError
from .layer_names import CallNames, first_tensor
from .module import as_module, prepared, undisturbed


class _Enough(BaseException):
    """Ends a forward pass. Not an ``Exception``, lest the network itself catches it."""


def capture(model: nn.Module, x: Tensor, layers: str | Iterable[str]) -> dict[str, Tensor]:
    """Run a network and keep what some of its layers return.

    One forward pass in evaluation mode, which stops after the last layer needed; it leaves no trace.

    Parameters
    ----------
    model : Module or Network
        Any network; ``x`` is moved to its device and floating type.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    layers : str or sequence of str
        Names as :func:`list_layers` gives them, such as ``"features.3"`` or ``"relu#2"``.

    Returns
    -------
    dict of str to Tensor, shape (N, ...)
        By name, in the order asked for. Detached, owned by the caller (nothing that happens in the network
        changes them, and changing them changes nothing in the network), fit for further use with autograd.

    Raises
    ------
    LayerError
        If there is no such layer (says the nearest names), it did not run, or it returned no tensor.
    InputError
        If ``x`` is no such batch, or holds a NaN or an infinity.

    Examples
    --------
    >>> import torchvision
    >>> alexnet, x = torchvision.models.alexnet(), torch.randn(2, 3, 224, 224)
    >>> maps = capture(alexnet, x, ["features.0", "features.10"])
    >>> {name: tuple(each.shape) for name, each in maps.items()}
    {'features.0': (2, 64, 55, 55), 'features.10': (2, 256, 13, 13)}
    """
    module = as_module(model)
    wanted = list(dict.fromkeys([layers] if isinstance(layers, str) else layers))
    names = CallNames(module)
    parts = dict.fromkeys(names.modules[names.split(layer)] for layer in wanted)
    # Inference tensors, which a caller under inference_mode would otherwise get, are of no use with autograd.
    with undisturbed(module), torch.inference_mode(False), torch.no_grad():
        images = prepared(module, x)
        if not wanted:
            return {}
        found: dict[str, Tensor] = {}
        hook = _keep(found, frozenset(wanted), names, _memory_of(module))
        for part in parts:
            part.register_forward_hook(hook)
        try:
            module(images)
        except _Enough:
            pass
        missing = [layer for layer in wanted if layer not in found]
        if missing:
            raise LayerError(_why_missing(missing[0], names))
    return {layer: found[layer] for layer in wanted}


def _keep(found: dict[str, Tensor], wanted: frozenset[str], names: CallNames, taken: set[int]) -> Callable:
    """Hook that fills ``found`` and ends the forward pass when it is full."""

    asked_by = get_ident()

    def hook(part: nn.Module, inputs: tuple, returned: object) -> None:
        if get_ident() != asked_by:  # somebody else runs the same module in another thread
            return
        name = names.next(part)
        if name not in wanted or name in found:
            return
        output = first_tensor(returned)
        if output is None:
            raise LayerError(
                f"layer {name!r} returned a {type(returned).__name__}, not a tensor; choose a part of it"
            )
        last = len(found) + 1 == len(wanted)
        # What comes later may write into this memory (in-place ReLU, also through a view). Nothing comes
        # after the last one, which needs no copy unless its memory belongs to the network.
        owned = last and output.untyped_storage().data_ptr() not in taken
        found[name] = output.detach() if owned else output.detach().clone()
        if last:
            raise _Enough

    return hook


def _memory_of(module: nn.Module) -> set[int]:
    return {each.untyped_storage().data_ptr() for each in (*module.parameters(), *module.buffers())}


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
