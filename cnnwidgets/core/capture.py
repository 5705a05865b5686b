"""Capture: the activations of any layers, from one forward pass."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .module import as_module, prepared, undisturbed
from .visit import visit


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
    wanted = [layers] if isinstance(layers, str) else list(layers)
    found: dict[str, Tensor] = {}
    # Inference tensors, which a caller under inference_mode would otherwise get, are of no use with autograd.
    with undisturbed(module), torch.inference_mode(False), torch.no_grad():
        images = prepared(module, x)
        taken = _memory_of(module)

        def keep(layer: str, output: Tensor, is_last: bool) -> None:
            # What comes later may write into this memory (in-place ReLU, also through a view). Nothing comes
            # after the last one, which needs no copy unless its memory belongs to the network.
            owned = is_last and output.untyped_storage().data_ptr() not in taken
            found[layer] = output.detach() if owned else output.detach().clone()

        visit(module, images, wanted, keep)
    return {layer: found[layer] for layer in wanted}


def _memory_of(module: nn.Module) -> set[int]:
    return {each.untyped_storage().data_ptr() for each in (*module.parameters(), *module.buffers())}
