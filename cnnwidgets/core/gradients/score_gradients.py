"""Gradients of class scores with respect to the pixels and to the activations of layers, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..half import is_fast
from ..memory_order import in_order
from ..module import as_module, mixes_images, prepared
from ..scores import class_scores
from ..targets import Target, check_targets, target_lists
from ..visit import visit
from .run import PIXELS, differentiable, full, gradients


class ScoreGradients(NamedTuple):
    """What one forward and backward pass tells; ``T`` is there only if several targets were asked for.

    Attributes
    ----------
    scores : Tensor, shape (N, n_classes)
    pixels : Tensor, shape (N, C, H, W) or (N, T, C, H, W), or None
        Gradient of the score with respect to the image.
    layers : dict of str to (Tensor, Tensor)
        Of each layer its activation, shape (N, ...), and the gradient of the score with respect to it,
        shape (N, ...) or (N, T, ...).
    """

    scores: Tensor
    pixels: Tensor | None
    layers: dict[str, tuple[Tensor, Tensor]]


@torch.inference_mode(False)
def score_gradients(
    model: nn.Module,
    x: Tensor,
    target: Target,
    layers: str | Sequence[str] = (),
    pixels: bool = True,
    rule: str = "gradient",
    precision: str = "exact",
) -> ScoreGradients:
    r"""Gradients of class scores, of everything asked for in one forward pass and one way back per class.

    .. math:: \frac{\partial S_t}{\partial x}, \quad \frac{\partial S_t}{\partial A}

    Parameters
    ----------
    model : Module or Network
        Any network with class scores; used in evaluation mode, left as it was.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
        The class for all images, for each, or several for each, which share the forward pass.
    layers : str or sequence of str
        Whose activations and gradients are wanted, as `list_layers` names them.
    pixels : bool
        Whether the gradient with respect to the image is wanted. Without it, nothing is computed on the way
        back before the first of the layers.
    rule : {"gradient", "deconvnet", "guided"}
        The way back through ReLUs, as `relu_backward` has it.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the machine can.

    Returns
    -------
    ScoreGradients
        Raw values in score (before softmax) per unit, detached, on the device of the network, of full
        precision at least.

    Raises
    ------
    TargetError, LayerError, InputError, NetworkError
        Each names the mend.

    Examples
    --------
    >>> import torchvision
    >>> alexnet, x = torchvision.models.alexnet(), torch.randn(2, 3, 64, 96)
    >>> found = score_gradients(alexnet, x, target=[3, 7], layers="features.12")
    >>> found.pixels.shape, [each.shape for each in found.layers["features.12"]]
    (torch.Size([2, 3, 64, 96]), [torch.Size([2, 256, 1, 2]), torch.Size([2, 256, 1, 2])])
    """
    module = as_module(model)
    x = prepared(module, x)
    wanted, is_single = target_lists(target, len(x))
    names = list(layers) if isinstance(layers, (list, tuple, set, dict)) else [layers]
    if not pixels and not names:
        raise InputError("nothing is asked for: pixels=True, or name layers")
    found = pass_back(module, x, wanted, names, pixels, rule, is_fast(precision, x))
    if is_single:
        picked = {name: (maps, back[:, 0]) for name, (maps, back) in found.layers.items()}
        found = found._replace(pixels=None if found.pixels is None else found.pixels[:, 0], layers=picked)
    return found


@torch.inference_mode(False)
def input_gradient(model: nn.Module, x: Tensor, target: Target) -> Tensor:
    r"""Gradient of a class score with respect to the pixels, :math:`\partial S_t / \partial x`.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints

    Returns
    -------
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Raw values, in score per unit of preprocessed input.

    Raises
    ------
    TargetError, InputError, NetworkError
        Each names the mend.

    Examples
    --------
    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    >>> found = input_gradient(linear, torch.randn(2, 3, 2, 2), target=1)
    >>> bool((found[0].flatten() == linear[1].weight[1]).all())
    True
    """
    return score_gradients(model, x, target).pixels


def pass_back(
    module: nn.Module,
    x: Tensor,
    wanted: Sequence[Sequence[int]],
    names: Sequence[str] = (),
    pixels: bool = True,
    rule: str = "gradient",
    half: bool = False,
) -> ScoreGradients:
    """The same for prepared images and T classes for each of them; always with that axis."""
    if len(x) > 1 and mixes_images(module):  # each image has its own answer only if it is alone
        rows = [pass_back(module, x[i : i + 1], wanted[i : i + 1], names, pixels, rule, half)
                for i in range(len(x))]  # fmt: skip
        return _joined(rows)
    return in_order(module, x, lambda x: _pass_back(module, x, wanted, names, pixels, rule, half))


def _pass_back(
    module: nn.Module,
    x: Tensor,
    wanted: Sequence[Sequence[int]],
    names: Sequence[str],
    pixels: bool,
    rule: str,
    half: bool,
) -> ScoreGradients:
    seen: dict[str, Tensor] = {}

    def see(name: str, maps: Tensor, is_last: bool) -> Tensor:
        if not maps.requires_grad:  # the graph begins here
            torch.set_grad_enabled(True)
            maps = maps.detach().clone().requires_grad_()
        seen[name] = maps
        return maps.clone()  # the network may write over what it goes on with

    with differentiable(module, rule, half) as relus:
        images = x.detach().requires_grad_(pixels)
        torch.set_grad_enabled(pixels)  # what comes before the first layer needs no graph
        scores = class_scores(visit(module, images.clone(), names, see, to_the_end=True))
        torch.set_grad_enabled(True)
        if relus is not None:
            relus.check()
        for each in wanted:
            check_targets(each, scores.shape[1])
        places = torch.as_tensor(wanted, device=scores.device)
        images_first = torch.arange(len(scores), device=scores.device)
        each_class = [scores[images_first, places[:, t]].sum() for t in range(places.shape[1])]
        towards = {PIXELS: images} if pixels else {}
        towards |= {f"layer {name!r}": maps for name, maps in seen.items()}
        found = [torch.stack(each, dim=1) for each in zip(*gradients(each_class, towards), strict=True)]
        maps = [full(seen[name]) for name in names]
    back = dict(zip(seen, found[1:] if pixels else found, strict=True))
    layers = {name: (each, back[name]) for name, each in zip(names, maps, strict=True)}
    return ScoreGradients(full(scores), found[0] if pixels else None, layers)


def _joined(rows: list[ScoreGradients]) -> ScoreGradients:
    first = rows[0]
    layers = {
        name: tuple(torch.cat([row.layers[name][i] for row in rows]) for i in range(2))
        for name in first.layers
    }
    pixels = None if first.pixels is None else torch.cat([row.pixels for row in rows])
    return ScoreGradients(torch.cat([row.scores for row in rows]), pixels, layers)
