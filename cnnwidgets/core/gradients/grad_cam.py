"""Grad-CAM and its relatives: where a layer has evidence for a class."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import LayerError
from ..targets import Target
from .combine import combine_grad_cam, combine_grad_cam_plus_plus, combine_hires_cam, combine_layer_cam
from .score_gradients import score_gradients
from .units import guided_backprop
from .upsample import upsample


def grad_cam(model: nn.Module, x: Tensor, target: Target, layer: str, relu: bool = True) -> Tensor:
    r"""Feature maps of a layer, weighted by how much the score grows with each of them.

    .. math:: L = \mathrm{ReLU}\Bigl(\sum_k \alpha_k A_k\Bigr), \quad
        \alpha_k = \frac{1}{hw} \sum_{ij} \frac{\partial S_t}{\partial A_{kij}}

    One forward pass, and the way back from the score to that layer only. It is as coarse as the layer. As
    the weights are means over the whole map, it can light up where the network did not look; and where a
    network has learnt a shortcut, the map may lie on the object nevertheless.

    Parameters
    ----------
    model : Module or Network
        Any network with class scores; used in evaluation mode, left as it was.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
        The class whose score (before softmax) is differentiated: for all images, for each, or several for
        each, which share the forward pass.
    layer : str
        A layer that returns maps, as `list_layers` names it; in the paper, the last one of the convolutions.
    relu : bool
        Without it, negative evidence is kept.

    Returns
    -------
    Tensor, shape (N, h, w) or (N, T, h, w)
        Raw values at the size of the layer; `upsample` brings them to that of the image. All zero means that
        there is no positive evidence.

    Raises
    ------
    TargetError
        If a target is not a class of the network; says how many there are.
    LayerError
        If there is no such layer, or it returns no maps.
    InputError, NetworkError
        For images that cannot be used, and networks without class scores or without gradients.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", 2017, section 3.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> maps = grad_cam(alexnet, torch.randn(2, 3, 224, 224), target=[3, 7], layer="features.11")
    >>> maps.shape, upsample(maps, (224, 224)).shape
    (torch.Size([2, 13, 13]), torch.Size([2, 224, 224]))
    """
    return _of_layer(model, x, target, layer, lambda maps, back: combine_grad_cam(maps, back, relu))


def grad_cam_plus_plus(model: nn.Module, x: Tensor, target: Target, layer: str) -> Tensor:
    r"""Grad-CAM with weights that count several places of one object more evenly.

    .. math:: L = \mathrm{ReLU}\Bigl(\sum_k w_k A_k\Bigr), \quad w_k = \sum_{ij} \alpha_{kij} \,
        \mathrm{ReLU}(g_{kij}), \quad
        \alpha_{kij} = \frac{g_{kij}^2}{2 g_{kij}^2 + \sum_{ab} A_{kab} \, g_{kij}^3}

    with the gradient :math:`g`; the factor :math:`\exp(S)` of the paper is left out. The paper means layers
    after a ReLU: where activations are negative, the denominator may come near zero, and a single cell may
    outweigh all others. See `grad_cam` for parameters, results and errors.

    References
    ----------
    Chattopadhay, Sarkar, Howlader, Balasubramanian, "Grad-CAM++: Improved Visual Explanations for Deep
    Convolutional Networks", 2018, equation 19.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> grad_cam_plus_plus(alexnet, torch.randn(1, 3, 224, 224), 3, "features.11").shape
    torch.Size([1, 13, 13])
    """
    return _of_layer(model, x, target, layer, combine_grad_cam_plus_plus)


def layer_cam(model: nn.Module, x: Tensor, target: Target, layer: str) -> Tensor:
    r"""Each place of a feature map weighted by its own positive gradient; also for early, fine layers.

    .. math:: L = \mathrm{ReLU}\Bigl(\sum_k \mathrm{ReLU}(g_k) \odot A_k\Bigr)

    See `grad_cam` for parameters, results and errors.

    References
    ----------
    Jiang, Zhang, Hou, Cheng, Wei, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
    2021, section III.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> layer_cam(alexnet, torch.randn(1, 3, 224, 224), 3, "features.4").shape
    torch.Size([1, 27, 27])
    """
    return _of_layer(model, x, target, layer, combine_layer_cam)


def hires_cam(model: nn.Module, x: Tensor, target: Target, layer: str, relu: bool = False) -> Tensor:
    r"""Each place of a feature map weighted by its own gradient: what that place adds to the score.

    .. math:: L = \sum_k g_k \odot A_k

    Where the layer is followed by linear layers only, the map sums to the score but for the biases.
    See `grad_cam` for parameters, results and errors; the paper has no ReLU.

    References
    ----------
    Draelos, Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
    networks", 2020.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> hires_cam(alexnet, torch.randn(1, 3, 224, 224), 3, "features.11").shape
    torch.Size([1, 13, 13])
    """
    return _of_layer(model, x, target, layer, lambda maps, back: combine_hires_cam(maps, back, relu))


@torch.inference_mode(False)
def guided_grad_cam(model: nn.Module, x: Tensor, target: Target, layer: str) -> Tensor:
    r"""Guided backpropagation times Grad-CAM: sharp like the one, of a class like the other.

    Parameters
    ----------
    model, x, target, layer
        As `grad_cam` takes them.

    Returns
    -------
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Raw values.

    Raises
    ------
    TargetError, LayerError, InputError, NetworkError
        As `grad_cam`; a NetworkError also if the network runs no ReLU.

    References
    ----------
    Selvaraju et al., 2017, section 3.2.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> guided_grad_cam(alexnet, torch.randn(1, 3, 64, 96), 3, "features.11").shape
    torch.Size([1, 3, 64, 96])
    """
    where = upsample(grad_cam(model, x, target, layer), tuple(x.shape[2:]))
    return guided_backprop(model, x, target) * where.unsqueeze(-3)


def check_maps(maps: Tensor, layer: str) -> None:
    """Raise a LayerError if a layer returns no feature maps."""
    if maps.ndim != 4:
        raise LayerError(
            f"layer {layer!r} returns {tuple(maps.shape)}, which is no map: choose a layer that returns "
            "(N, K, h, w), such as the last of the convolutions"
        )


@torch.inference_mode(False)
def _of_layer(
    model: nn.Module, x: Tensor, target: Target, layer: str, combine: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    maps, back = score_gradients(model, x, target, layer, pixels=False).layers[layer]
    check_maps(maps, layer)
    return combine(maps, back)
