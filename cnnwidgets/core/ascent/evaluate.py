"""One forward and backward pass: what an objective says of images, and its gradient at the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..gradients.run import PIXELS, differentiable, full, gradients
from ..memory_order import in_order
from ..module import mixes_images, placement
from ..scores import class_scores
from ..visit import visit
from .objectives import Objective, Seen


class Evaluation(NamedTuple):
    """What an objective says of N images.

    Attributes
    ----------
    values : Tensor, shape (N,)
    gradient : Tensor, shape (N, C, H, W)
        Of the values with respect to the images.
    scores : Tensor, shape (N, n_classes), or None
        None where the objective does not ask for them.
    """

    values: Tensor
    gradient: Tensor
    scores: Tensor | None


@torch.inference_mode(False)  # autograd has no use for tensors that are made under it
def evaluate(module: nn.Module, objective: Objective, images: Tensor, half: bool = False) -> Evaluation:
    """Run a network forward as far as the objective asks, and back; it is left as it was.

    Parameters
    ----------
    module : Module
    objective : Objective
        Sees activations and scores in full precision, whatever the network computes in.
    images : Tensor, shape (N, C, H, W)
        Preprocessed; no image changes what is said of another, but where the objective compares them.
    half : bool
        Compute in bfloat16 what autocast knows.

    Raises
    ------
    LayerError, TargetError, InputError, NetworkError
        Each names the mend.
    """
    dtype = placement(module)[1]

    def run(images: Tensor) -> Evaluation:
        with differentiable(module, half=half):
            given = images.detach().requires_grad_()
            # a copy, as a network may start with an in-place operation
            taken = given.to(dtype, copy=True)
            parts = [_see(module, objective, part) for part in independent(module, taken)]
            with torch.autocast(images.device.type, enabled=False) if half else nullcontext():
                seen = _joined(parts)
                values = objective(seen)
                ((gradient,),) = gradients([values.sum()], {PIXELS: given})
        return Evaluation(full(values), gradient, None if seen.scores is None else full(seen.scores))

    until = None if objective.needs_scores else ", ".join(objective.layers)
    return in_order(module, images, run, until=until)


def independent(module: nn.Module, images: Tensor) -> Sequence[Tensor]:
    """The images in one batch; each alone where they would change what is said of the others."""
    return images.split(1) if len(images) > 1 and mixes_images(module) else [images]


def _see(module: nn.Module, objective: Objective, images: Tensor) -> Seen:
    maps: dict[str, Tensor] = {}

    def see(layer: str, output: Tensor, is_last: bool) -> None:
        # what comes later may write into this memory, such as an in-place ReLU
        ends_here = is_last and not objective.needs_scores
        maps[layer] = _at_least_single(output if ends_here else output.clone())

    answer = visit(module, images, objective.layers, see, objective.needs_scores)
    return Seen(_at_least_single(class_scores(answer)) if objective.needs_scores else None, maps)


def _joined(parts: list[Seen]) -> Seen:
    if len(parts) == 1:
        return parts[0]
    scores = None if parts[0].scores is None else torch.cat([part.scores for part in parts])
    return Seen(scores, {layer: torch.cat([part.maps[layer] for part in parts]) for layer in parts[0].maps})


def _at_least_single(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
