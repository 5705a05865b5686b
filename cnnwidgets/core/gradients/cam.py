"""CAM: class activation maps of networks that end in global average pooling and one linear layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..errors import NetworkError
from ..module import as_module, mixes_images, prepared, undisturbed
from ..scores import class_scores
from ..targets import Target, check_targets, target_lists
from .run import full, in_order

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
    with undisturbed(module), torch.inference_mode(False), torch.no_grad():
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
    if end.linear is not None:
        averages, weights, answer = end.linear
        is_last = answer.numel() == scores.numel() and torch.equal(answer.reshape(scores.shape), scores)
        fits = is_last and averages.numel() == len(x) * weights.shape[1]
        if fits and end.maps is not None and _are_averages(averages, end.maps):
            return full(end.maps), full(weights)
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


class _End(TorchFunctionMode):
    """Keeps what the last average over maps, and the last linear layer, have seen."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: Tensor | None = None
        self.linear: tuple[Tensor, Tensor, Tensor] | None = None

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        first = args[0] if args else kwargs.get("input")
        has_maps = isinstance(first, Tensor) and first.ndim == 4
        answer = func(*args, **kwargs)
        begins = func in _AVERAGES or (func in _ROWS and answer.ndim == 3)
        if begins and has_maps and answer.shape[:2] == first.shape[:2]:
            self.maps = first.clone()  # a later layer may write over them
        elif func in (F.linear, F.conv2d):
            weights = args[1] if len(args) > 1 else kwargs["weight"]
            if func is F.linear or weights.shape[2:] == (1, 1) == answer.shape[2:]:
                self.linear = first.clone(), weights.flatten(1), answer
        return answer
