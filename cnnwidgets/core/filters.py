"""The filters of a convolution: its weights, as they are."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .errors import LayerError, did_you_mean
from .layer_names import CallNames
from .layers import list_layers
from .module import as_module, undisturbed


def first_convolution(model: nn.Module, input_shape: Sequence[int] | None = None) -> str:
    """Name of the convolution that reads the image: the first to run, wherever it stands in the module.

    Parameters
    ----------
    model : Module or Network
    input_shape : (C, H, W), optional
        What the network reads; a ``Network`` knows it.

    Returns
    -------
    str

    Raises
    ------
    LayerError
        If no ``torch.nn.Conv2d`` runs.
    InputError
        As :func:`list_layers`.

    Examples
    --------
    >>> import torchvision
    >>> first_convolution(torchvision.models.resnet18(), (3, 64, 64))
    'conv1'
    """
    found = convolutions(model, input_shape)
    if not found:
        raise LayerError(
            f"{type(as_module(model)).__name__} runs no torch.nn.Conv2d, so it has no filters to look at; "
            "choose a convolutional network"
        )
    return found[0]


def convolutions(model: nn.Module, input_shape: Sequence[int] | None = None) -> list[str]:
    """Names of all convolutions (``torch.nn.Conv2d``), in the order in which they run.

    Parameters
    ----------
    model : Module or Network
    input_shape : (C, H, W), optional
        What the network reads; a ``Network`` knows it.

    Returns
    -------
    list of str
        One that is called several times has the same filters each time, and is named once.

    Examples
    --------
    >>> import torchvision
    >>> convolutions(torchvision.models.alexnet(), (3, 224, 224))
    ['features.0', 'features.3', 'features.6', 'features.8', 'features.10']
    """
    parts = CallNames(as_module(model)).modules
    known = None  # a Network has run already; a module's own attribute of that name is something else
    if input_shape is None and not isinstance(model, nn.Module):
        known = getattr(model, "layers", None)
    ran = list_layers(model, input_shape) if known is None else known
    return [layer.name for layer in ran if isinstance(parts.get(layer.name), nn.Conv2d)]


def filters(model: nn.Module, layer: str) -> Tensor:
    """The filters of a convolution.

    Parameters
    ----------
    model : Module or Network
    layer : str
        Name of a ``torch.nn.Conv2d``, such as ``"conv1"`` or ``"features.0"``.

    Returns
    -------
    Tensor of float32, shape (n_filters, in_channels // groups, kernel height, kernel width)
        Raw weights, on the CPU; a copy, which may be changed.

    Raises
    ------
    LayerError
        If there is no such layer, or it is no ``Conv2d``; says which are.

    Notes
    -----
    PyTorch slides a filter over the image as it is, without turning it over (what mathematicians call
    cross-correlation): a filter fires most where the image looks like it.

    Examples
    --------
    >>> import torchvision
    >>> filters(torchvision.models.alexnet(), "features.0").shape
    torch.Size([64, 3, 11, 11])
    """
    module = as_module(model)
    names = CallNames(module)
    part = names.modules[names.split(layer)]
    if not isinstance(part, nn.Conv2d):
        known = [name for name, each in names.modules.items() if isinstance(each, nn.Conv2d)]
        raise LayerError(
            f"layer {layer!r} is a {type(part).__name__}, which has no filters (n, channels, height, width); "
            f"choose a Conv2d, {did_you_mean(layer, known)}"
        )
    with undisturbed(module), torch.no_grad():  # a parametrised weight is computed when it is asked for
        return part.weight.detach().to("cpu", torch.float32, copy=True)
