"""Watching a run for the linear layer that gives the class scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class LastLinear(TorchFunctionMode):
    """While it is entered, keeps what the last linear layer was given and returned.

    A convolution of 1 x 1 on maps of 1 x 1 is a linear layer as well.

    Attributes
    ----------
    given, weight, answer : Tensor or None
        Input, weights and output; not copied.
    """

    def __init__(self) -> None:
        super().__init__()
        self.given: Tensor | None = None
        self.weight: Tensor | None = None
        self.answer: Tensor | None = None

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        answer = func(*args, **kwargs)
        self.see(func, args[0] if args else kwargs.get("input"), args, kwargs, answer)
        return answer

    def see(self, func: Callable, given: Any, args: tuple, kwargs: dict, answer: Any) -> None:
        """Look at a call of a function of torch, and what it returned."""
        if func in (F.linear, F.conv2d):
            weight = args[1] if len(args) > 1 else kwargs["weight"]
            if func is F.linear or tuple(given.shape[2:]) == tuple(weight.shape[2:]) == (1, 1):
                self.given, self.weight, self.answer = given, weight, answer

    def gave(self, scores: Tensor) -> bool:
        """Whether these scores are what that layer returned."""
        if self.answer is None or self.answer.numel() != scores.numel():
            return False
        return torch.equal(self.answer.reshape(scores.shape).nan_to_num(), scores.nan_to_num())
