"""CAM: class activation maps of networks that end in global average pooling and one linear layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import NetworkError
from ..last_linear import LastLinear
from ..memory_order import in_order
from ..module import as_module, mixes_images, prepared, undisturbed
from ..scores import class_scores
from ..targets import Target, check_targets, target_lists
from .run import full

_AVERAGES = {F.adaptive_avg_pool2d, F.avg_pool2d, torch.mean, Tensor.mean, torch.sum, Tensor.sum}
_ROWS = {torch.flatten, Tensor.flatten, torch.reshape, Tensor.reshape, Tensor.view}
"""What an average over maps may begin with; whether it was one is seen from its numbers."""


@torch.inference_mode(False)
def cam(model: nn.Module, x: Tensor, target: Target) -> Tensor:
    r"""Feature maps before global average pooling, weighted as the linear layer behind it weighs their means.

    .. math:: M_{ij} = \sum_k w_{tk} A_{kij}

    The mean of the map, plus the bias, is the score: so it shows where the score comes from, and where there
    is evidence against the class. It is as coarse as the last feature maps.

    Parameters
    ----------
    model : Module or Network
        Ends in global average pooling and one linear layer (or convolution of 1 x 1); left as it was.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
        The class for all images, for each, or several for each.

    Returns
    -------
    Tensor, shape (N, h, w) or (N, T, h, w)
        Raw values in score, without ReLU and bias; `upsample` brings them to the size of the image.

    Raises
    ------
    NetworkError
        If the network does not end so; use `grad_cam`, which needs no such end.
    TargetError, InputError
        For targets and images that cannot be used.

    Notes
    -----
    `grad_cam` before its ReLU is this map divided by h w.

    References
    ----------
    Zhou, Khosla, Lapedriza, Oliva, Torralba, "Learning Deep Features for Discriminative Localization", 2016,
    section 2.

    Examples
    --------
    >>> import torchvision
    >>> resnet = torchvision.models.resnet18()
    >>> cam(resnet, torch.randn(1, 3, 64, 96), target=7).shape
    torch.Size([1, 2, 3])
    """
    module = as_module(model)
    x = prepared(module, x)
    wanted, is_single = target_lists(target, len(x))
    parts = x.split(1) if mixes_images(module) else [x]
    with undisturbed(module), torch.no_grad():
        found = [in_order(module, part, lambda part: _maps_and_weights(module, part)) for part in parts]
    weights = found[0][1]
    maps = torch.cat([each[0] for each in found])
    for each in wanted:
        check_targets(each, len(weights))
    chosen = weights[torch.as_tensor(wanted, device=weights.device)]
    summed = torch.einsum("ntk,nkij->ntij", chosen, maps)
    return summed[:, 0] if is_single else summed


def has_cam(model: nn.Module, x: Tensor) -> bool:
    """Whether a network ends so that `cam` knows its weights; it runs once on ``x`` to see.

    Examples
    --------
    >>> import torchvision
    >>> x = torch.randn(1, 3, 64, 64)
    >>> has_cam(torchvision.models.resnet18(), x), has_cam(torchvision.models.alexnet(), x)
    (True, False)
    """
    try:
        cam(model, x[:1], 0)
    except NetworkError:
        return False
    return True


def _maps_and_weights(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The feature maps that are averaged (N, K, h, w), and the weights of each class (n_classes, K)."""
    with _End() as end:
        scores = class_scores(module(x.clone()))
    if end.gave(scores) and end.maps is not None and end.averages.numel() == len(x) * end.weight[0].numel():
        if _are_averages(end.averages, end.maps):
            return full(end.maps), full(end.weight.flatten(1))
    raise NetworkError(
        "CAM needs a network that ends in global average pooling and one linear layer, whose weights it "
        "shows; this one does not: use grad_cam"
    )


def _are_averages(averages: Tensor, maps: Tensor) -> bool:
    means = maps.double().mean((2, 3))
    averages = averages.reshape(len(maps), -1).double()
    if means.shape != averages.shape:
        return False
    tolerance = 1e-2 if maps.dtype in (torch.float16, torch.bfloat16) else 1e-4
    scale = means.nan_to_num().abs().amax()
    return torch.allclose(averages, means, rtol=0, atol=float(tolerance * scale), equal_nan=True)


class _End(LastLinear):
    """Keeps the last maps that an average was taken of, too, and what the last linear layer was given."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: Tensor | None = None
        self.averages: Tensor | None = None

    def see(self, func: Callable, given: Any, args: tuple, kwargs: dict, answer: Any) -> None:
        super().see(func, given, args, kwargs, answer)
        if self.answer is answer and answer is not None:
            self.averages = given.clone()  # a later layer may write over them, and over the maps
        begins = func in _AVERAGES or (func in _ROWS and answer.ndim == 3)
        if begins and isinstance(given, Tensor) and given.ndim == 4 and answer.shape[:2] == given.shape[:2]:
            self.maps = given.clone()
