"""The vector before the classifier: what the last linear layer of a network is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..errors import NetworkError
from ..scores import class_scores


def classifier_input(module: nn.Module, x: Tensor) -> Tensor:
    """Run a network, and return what its last linear layer was given.

    Found by watching the run, not by the names of layers: the linear layer (or convolution of 1 x 1 on maps
    of 1 x 1) that returned the class scores. To be called inside ``undisturbed(module)``, without gradients.

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
    with _Linear() as watched:
        scores = class_scores(module(x))
    if watched.given is not None:
        answer = watched.answer
        if answer.numel() == scores.numel() and torch.equal(answer.reshape(scores.shape), scores):
            return watched.given.reshape(len(x), -1)
    raise NetworkError(
        "the scores of this network do not come from a linear layer, so there is no vector before it: name a "
        "layer, as list_layers(model, input_shape) does"
    )


class _Linear(TorchFunctionMode):
    """Keeps what the last linear layer was given, and what it returned."""

    def __init__(self) -> None:
        super().__init__()
        self.given: Tensor | None = None
        self.answer: Tensor | None = None

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        answer = func(*args, **kwargs)
        if func in (F.linear, F.conv2d):
            given = args[0] if args else kwargs["input"]
            weight = args[1] if len(args) > 1 else kwargs["weight"]
            if func is F.linear or tuple(given.shape[2:]) == tuple(weight.shape[2:]) == (1, 1):
                self.given, self.answer = given, answer
        return answer
