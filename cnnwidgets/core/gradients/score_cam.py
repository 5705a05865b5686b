"""Score-CAM: feature maps weighted by the score of the image that is seen through them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..capture import capture
from ..memory_order import in_order
from ..module import as_module, mixes_images, prepared, undisturbed
from ..progress import reporter
from ..scores import class_scores
from ..targets import Target, check_targets, target_lists
from ..whole import at_least
from .grad_cam import check_maps
from .run import full
from .upsample import upsample


@torch.inference_mode(False)
def score_cam(
    model: nn.Module,
    x: Tensor,
    target: Target,
    layer: str,
    *,
    batch_size: int = 32,
    progress: Any = None,
) -> Tensor:
    r"""Class activation map without gradients: each feature map is tried as a mask over the image.

    .. math:: L = \mathrm{ReLU}\Bigl(\sum_k \alpha_k A_k\Bigr), \quad
        \alpha = \operatorname{softmax}_k S_t(x \odot M_k)

    where :math:`M_k` is the feature map :math:`A_k`, upsampled to the size of the image and scaled to go from
    0 to 1. Maps that are the same everywhere make no mask and are left out. (The paper takes off the score of
    an empty image, which a softmax does not notice.) One forward pass for each channel of the layer.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
        Several for each image share the forward passes.
    layer : str
        A layer that returns maps, as `list_layers` names it.
    batch_size : int
        Masked images in a batch.
    progress : callable or tqdm bar, optional
        Called with how many masks are done and how many there are. What it raises ends the work.

    Returns
    -------
    Tensor, shape (N, h, w) or (N, T, h, w)
        Raw values at the size of the layer; zeros if no map makes a mask.

    Raises
    ------
    TargetError, LayerError, InputError, NetworkError
        As `grad_cam`.

    References
    ----------
    Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu, "Score-CAM: Score-Weighted Visual Explanations for
    Convolutional Neural Networks", 2020, section 3.

    Examples
    --------
    >>> import torchvision
    >>> resnet = torchvision.models.resnet18()
    >>> score_cam(resnet, torch.randn(1, 3, 64, 96), target=7, layer="layer1").shape
    torch.Size([1, 16, 24])
    """
    module, report = as_module(model), reporter(progress)
    x = prepared(module, x)
    wanted, is_single = target_lists(target, len(x))
    at_least(1, batch_size=batch_size)
    maps = full(capture(module, x, layer)[layer])
    check_maps(maps, layer)
    batch_size = 1 if mixes_images(module) else batch_size
    n_channels, found = maps.shape[1], []
    for i in range(len(x)):
        scores = []
        for start in range(0, n_channels, batch_size):
            masks = _masks(maps[i, start : start + batch_size], x.shape[2:])
            scores.append(_scores(module, x[i] * masks[:, None].to(x)))
            check_targets(wanted[i], scores[0].shape[1])
            report(i * n_channels + min(start + batch_size, n_channels), len(x) * n_channels)
        found.append(_weighted(maps[i], torch.cat(scores)[:, wanted[i]]))
    summed = torch.stack(found)
    return summed[:, 0] if is_single else summed


def _masks(maps: Tensor, size: tuple[int, int]) -> Tensor:
    wide = upsample(maps, size)
    low, high = wide.amin((-2, -1), keepdim=True), wide.amax((-2, -1), keepdim=True)
    return (wide - low) / torch.where(high > low, high - low, 1)


def _weighted(maps: Tensor, scores: Tensor) -> Tensor:
    """For one image: maps (K, h, w), scores (K, T) of its masks; (T, h, w)."""
    is_flat = maps.amin((-2, -1)) == maps.amax((-2, -1))
    if is_flat.all():
        return maps.new_zeros(scores.shape[1], *maps.shape[1:])
    scores = scores.to(maps).masked_fill(is_flat[:, None], -torch.inf)
    return torch.einsum("kt,kij->tij", scores.softmax(0), maps).relu()


def _scores(module: nn.Module, images: Tensor) -> Tensor:
    with undisturbed(module), torch.no_grad():
        return in_order(module, images, lambda images: full(class_scores(module(images))))
