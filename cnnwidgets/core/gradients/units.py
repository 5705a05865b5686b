"""DeconvNet and guided backpropagation: from a class, a feature map or a neuron back to the pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import InputError, LayerError
from ..memory_order import in_order
from ..module import as_module, mixes_images, prepared
from ..targets import Target
from ..visit import visit
from .relu_rules import ReluRule
from .run import PIXELS, differentiable, gradients
from .score_gradients import score_gradients

Channel = int | Sequence[int] | Tensor


def deconvnet(
    model: nn.Module,
    x: Tensor,
    target: Target | None = None,
    layer: str | None = None,
    channel: Channel | None = None,
    position: Sequence[int] | Sequence[Sequence[int]] | None = None,
) -> Tensor:
    r"""Go back from a feature map to the pixels through unpooling, ReLUs and transposed filters.

    The activations of the chosen feature map, all others set to zero, are passed down: through the filters
    flipped in both axes, through unpooling to the places of the maxima (the switches of the forward pass;
    where pooling windows overlap, what arrives is added), and through ReLUs by

    .. math:: R \cdot 1[R > 0]

    It looks at the image only through the switches: the ReLUs of the forward pass are not asked. In a network
    without pooling, a neuron has the same picture for every image, but for its strength.

    Parameters
    ----------
    model : Module or Network
        Any network with ReLUs, as modules or functions, in place or not; left as it was.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints, optional
        Start from the score of a class: 1 there, 0 at all others.
    layer : str, optional
        Or start from this layer, as `list_layers` names it.
    channel : int or N ints, optional
        The feature map of that layer, the same for all images or one for each.
    position : (int, int) or N of them, optional
        Row and column of a single neuron in that map, whose activation is all that is passed down.

    Returns
    -------
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Raw values. From a feature map they grow with its activations; a map that does not fire gives zeros.

    Raises
    ------
    InputError
        If not either a target, or layer and channel, are given, or a position is outside the map.
    LayerError
        If there is no such layer or channel.
    TargetError
        If a target is not a class of the network.
    NetworkError
        If the network runs no ReLU.

    Notes
    -----
    In the paper feature maps are those after their ReLU. Of a layer before it, negative activations are
    passed down as well.

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 2.1.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> x = torch.randn(2, 3, 64, 96)
    >>> deconvnet(alexnet, x, layer="features.7", channel=5).shape
    torch.Size([2, 3, 64, 96])
    """
    return _back(model, x, target, layer, channel, position, "deconvnet")


def guided_backprop(
    model: nn.Module,
    x: Tensor,
    target: Target | None = None,
    layer: str | None = None,
    channel: Channel | None = None,
    position: Sequence[int] | Sequence[Sequence[int]] | None = None,
) -> Tensor:
    r"""Backpropagation that passes ReLUs only where both the activation and the signal are positive.

    .. math:: R \cdot 1[R > 0] \cdot 1[f > 0]

    Of a feature map it shows sharply what in the image has fired it. Of a class it shows much the same for
    every class: it draws what the network sees, less what decides.

    Parameters
    ----------
    model, x, target, layer, channel, position
        As `deconvnet` takes them.

    Returns
    -------
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Raw values. From a class: score per unit of preprocessed input. From a feature map: the activations
        are passed down, so that they grow with these.

    Raises
    ------
    InputError, LayerError, TargetError, NetworkError
        As `deconvnet`.

    References
    ----------
    Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for Simplicity: The All Convolutional Net", 2015,
    section 3.4.

    Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, "Sanity Checks for Saliency Maps", 2018.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> guided_backprop(alexnet, torch.randn(2, 3, 64, 96), target=[3, 7]).shape
    torch.Size([2, 3, 64, 96])
    """
    return _back(model, x, target, layer, channel, position, "guided")


@torch.inference_mode(False)
def unit_gradient(
    model: nn.Module,
    x: Tensor,
    layer: str,
    channel: Channel,
    position: Sequence[int] | Sequence[Sequence[int]] | None = None,
    rule: str = "gradient",
) -> Tensor:
    """Pass the activations of a feature map, or of a neuron, back to the pixels by any rule.

    Parameters
    ----------
    model, x, layer, channel, position
        As `deconvnet` takes them.
    rule : {"gradient", "deconvnet", "guided"}

    Returns
    -------
    Tensor, shape (N, C, H, W)
        By the gradient rule, that of half the sum of the squared activations.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> unit_gradient(alexnet, torch.randn(2, 3, 64, 96), "features.7", [5, 9], position=(1, 2)).shape
    torch.Size([2, 3, 64, 96])
    """
    module = as_module(model)
    x = prepared(module, x)
    channels, positions = _of_each(channel, len(x)), _positions(position, len(x))
    if len(x) > 1 and mixes_images(module):
        rows = zip(x.split(1), channels, positions or [None] * len(x), strict=True)
        return torch.cat([_unit(module, one, layer, [c], p and [p], rule) for one, c, p in rows])
    return in_order(module, x, lambda x: _unit(module, x, layer, channels, positions, rule), layer)


def _back(model, x, target, layer, channel, position, rule: str) -> Tensor:  # noqa: ANN001
    if target is not None:
        if not (layer is channel is position is None):
            raise InputError("give either a target, or layer and channel (and position), not both")
        return score_gradients(model, x, target, rule=rule).pixels
    if layer is None or channel is None:
        raise InputError("where does it start? give a target, or layer and channel")
    return unit_gradient(model, x, layer, channel, position, rule)


def _unit(
    module: nn.Module,
    x: Tensor,
    layer: str,
    channels: list[int],
    positions: list[tuple[int, int]] | None,
    rule: str,
) -> Tensor:
    seen: list[Tensor] = []
    with differentiable(module, rule) as relus:
        images = x.detach().requires_grad_()
        visit(module, images.clone(), [layer], lambda name, maps, is_last: seen.append(maps))
        if relus is not None and not relus.met:  # none before this layer: are there any at all?
            _check_relus(module, x, rule)
        maps = seen[0]
        signal = _signal(maps, layer, channels, positions)
        return gradients([maps], {PIXELS: images}, [signal])[0][0]


def _check_relus(module: nn.Module, x: Tensor, rule: str) -> None:
    with torch.no_grad(), ReluRule(rule) as relus:
        module(x[:1].clone())
    relus.check()


def _signal(maps: Tensor, layer: str, channels: list[int], positions: list[tuple[int, int]] | None) -> Tensor:
    """The activations of one feature map, or one neuron, of each image; all others zero."""
    if maps.ndim not in (2, 4) or len(maps) != len(channels):
        raise LayerError(
            f"layer {layer!r} returns {tuple(maps.shape)}, which has no feature maps: choose a layer that "
            "returns (N, K, h, w) or (N, K)"
        )
    n_channels = maps.shape[1]
    for each in channels:
        if not 0 <= each < n_channels:
            raise LayerError(f"layer {layer!r} has the channels 0 to {n_channels - 1}, not {each}")
    if positions is not None:
        _check_positions(maps, layer, positions)
    signal = torch.zeros_like(maps)
    for i, each in enumerate(channels):
        at = (i, each) if positions is None else (i, each, *positions[i])
        signal[at] = maps.detach()[at]
    return signal


def _check_positions(maps: Tensor, layer: str, positions: list[tuple[int, int]]) -> None:
    if maps.ndim != 4:
        raise InputError(f"neurons of layer {layer!r} have no position: leave it out")
    height, width = maps.shape[2:]
    for row, column in positions:
        if not (0 <= row < height and 0 <= column < width):
            raise InputError(
                f"position {(row, column)} is outside the maps of layer {layer!r}: rows go from 0 to "
                f"{height - 1}, columns from 0 to {width - 1}"
            )


def _of_each(channel: Channel, n_images: int) -> list[int]:
    given = torch.as_tensor(channel)
    if given.is_floating_point() or given.is_complex() or given.dtype is torch.bool or given.ndim > 1:
        raise LayerError(f"channel is a number, or one for each image, not {channel!r}")
    if given.ndim and len(given) != n_images:
        raise LayerError(f"{len(given)} channels do not fit {n_images} images: give one, or one for each")
    return given.expand(n_images).tolist()


def _positions(position: object, n_images: int) -> list[tuple[int, int]] | None:
    if position is None:
        return None
    try:
        given = torch.as_tensor(position)
    except (RuntimeError, TypeError, ValueError):
        given = torch.empty(0)
    fits = tuple(given.shape) in ((2,), (n_images, 2))
    if not fits or given.is_floating_point() or given.dtype is torch.bool:
        raise InputError(f"position is (row, column), or one for each image, not {position!r}")
    pairs = given.expand(n_images, 2)
    return [tuple(pair) for pair in pairs.tolist()]
