"""Saliency: which pixels, changed a little, would change the score most?"""

import torch
from torch import Tensor, nn

from ..module import as_module, prepared
from ..targets import Target
from .score_gradients import input_gradient


@torch.inference_mode(False)
def saliency(model: nn.Module, x: Tensor, target: Target) -> Tensor:
    r"""Absolute gradient of a class score with respect to the pixels, largest of the channels.

    .. math:: M_{ij} = \max_c \left| \frac{\partial S_t}{\partial x_{cij}} \right|

    It tells what a *small* change of a pixel would do. It does not tell what the score is made of: where a
    unit is saturated, or a feature is so clear that a little more or less of it changes nothing, it is small.

    Parameters
    ----------
    model : Module or Network
        Any network with class scores; used in evaluation mode, left as it was.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
        The class whose score (before softmax) is differentiated: for all images, for each, or several for
        each, which share the forward pass.

    Returns
    -------
    Tensor, shape (N, H, W) or (N, T, H, W)
        Raw values, in score per unit of preprocessed input.

    Raises
    ------
    TargetError
        If a target is not a class of the network; says how many there are.
    InputError, NetworkError
        For images that cannot be used, and networks without class scores or without gradients.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image Classification Models
    and Saliency Maps", 2014, section 3.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> saliency(alexnet, torch.randn(2, 3, 64, 96), target=[3, 7]).shape
    torch.Size([2, 64, 96])
    """
    return input_gradient(model, x, target).abs().amax(dim=-3)


@torch.inference_mode(False)
def input_x_gradient(model: nn.Module, x: Tensor, target: Target) -> Tensor:
    r"""Gradient of a class score times the pixels.

    .. math:: x \odot \frac{\partial S_t}{\partial x}

    What each pixel adds to the score, if the network were linear around the image. A pixel of the mean colour
    (0 after preprocessing) counts for nothing, however much the network looks at it.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints

    Returns
    -------
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Raw values, in score; they may be negative.

    Raises
    ------
    TargetError, InputError, NetworkError
        As `saliency`.

    References
    ----------
    Shrikumar, Greenside, Shcherbina, Kundaje, "Not Just a Black Box: Learning Important Features Through
    Propagating Activation Differences", 2016.

    Examples
    --------
    >>> import torch, torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> input_x_gradient(alexnet, torch.randn(2, 3, 64, 96), target=7).shape
    torch.Size([2, 3, 64, 96])
    """
    module = as_module(model)
    back = input_gradient(module, x, target)
    images = prepared(module, x).to(back.dtype)
    return back * (images if back.ndim == 4 else images[:, None])
