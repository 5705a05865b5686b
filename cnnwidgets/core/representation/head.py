"""The vector before the classifier: what the last linear layer of a network is given."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import NetworkError
from ..last_linear import LastLinear
from ..scores import class_scores


def classifier_input(module: nn.Module, x: Tensor) -> Tensor:
    """Run a network, and return what its last linear layer was given.

    Found by watching the run, not by the names of layers: the linear layer (or convolution of 1 x 1 on maps
    of 1 x 1) that returned the class scores, before a softmax if there is one. To be called inside
    ``undisturbed(module)``, without gradients.

    Parameters
    ----------
    module : Module
    x : Tensor, shape (N, C, H, W)
        On its device.

    Returns
    -------
    Tensor, shape (N, d)

    Raises
    ------
    NetworkError
        If the scores do not come from a linear layer; names the mend.
    """
    with LastLinear() as last:
        scores = class_scores(module(x))
    if last.gave(scores) or _are_of(scores, last.answer):
        return last.given.reshape(len(x), -1)
    raise NetworkError(
        "the scores of this network do not come from a linear layer, so there is no vector before it: name a "
        "layer, as list_layers(model, input_shape) does"
    )


def _are_of(scores: Tensor, answer: Tensor | None) -> bool:
    """Whether scores are the softmax of a layer's answer, or its logarithm."""
    if answer is None or answer.shape != scores.shape:
        return False
    nearly = 1e-5 if scores.dtype in (torch.float32, torch.float64) else 1e-2
    return any(
        torch.allclose(scores, softmax(answer, dim=1), nearly, nearly)
        for softmax in (torch.log_softmax, torch.softmax)
    )
