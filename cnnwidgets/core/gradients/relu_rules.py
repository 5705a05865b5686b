"""Ways back through a ReLU: the gradient, DeconvNet's and that of guided backpropagation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import InputError, NetworkError

RULES = ("gradient", "deconvnet", "guided")


def relu_backward(signal: Tensor, before: Tensor, rule: str = "gradient") -> Tensor:
    r"""What goes back through a ReLU.

    With :math:`f` the input in the forward pass and :math:`R` the signal that arrives from above:

    ============== =========================================
    ``gradient``   :math:`R \cdot 1[f > 0]`
    ``deconvnet``  :math:`R \cdot 1[R > 0]`
    ``guided``     :math:`R \cdot 1[R > 0] \cdot 1[f > 0]`
    ============== =========================================

    Parameters
    ----------
    signal, before : Tensor, the same shape
        :math:`R` and :math:`f`.
    rule : {"gradient", "deconvnet", "guided"}

    Returns
    -------
    Tensor of that shape

    Raises
    ------
    InputError
        For another rule.

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 2.1.

    Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for Simplicity: The All Convolutional Net", 2015,
    section 3.4 and figure 1.

    Examples
    --------
    >>> signal, before = torch.tensor([-2.0, 3.0, 3.0]), torch.tensor([1.0, -1.0, 1.0])
    >>> relu_backward(signal, before, "guided").tolist()
    [0.0, 0.0, 3.0]
    """
    if rule not in RULES:
        raise InputError(f"rule is one of {', '.join(map(repr, RULES))}, not {rule!r}")
    return _through(signal, before.to(torch.promote_types(signal.dtype, before.dtype)), rule).to(signal.dtype)


def _through(signal: Tensor, before: Tensor, rule: str) -> Tensor:
    if rule != "gradient":
        signal = signal.relu()
    # the operation behind torch's own ReLU: ten times as fast as a product with a mask
    return signal if rule == "deconvnet" else torch.ops.aten.threshold_backward(signal, before, 0)


class _Relu(torch.autograd.Function):
    """A ReLU with another way back."""

    @staticmethod
    def forward(ctx: Any, before: Tensor, rule: str, in_place: bool) -> Tensor:
        ctx.rule = rule
        # A copy, since the network may write into input and output later; of another shape than what torch's
        # own ReLU keeps, so that torch.utils.checkpoint notices that it ran that one instead.
        ctx.save_for_backward(before.clone()[None])
        if in_place:
            ctx.mark_dirty(before)
            return before.relu_()
        return before.relu()

    @staticmethod
    def backward(ctx: Any, signal: Tensor) -> tuple[Tensor, None, None]:
        return _through(signal, ctx.saved_tensors[0][0], ctx.rule), None, None


class ReluRule(TorchFunctionMode):
    """While it is entered, every ReLU of this thread goes back by a rule.

    It acts on the operation, not on modules: a function, an in-place ReLU and one module that is used many
    times all obey.

    Parameters
    ----------
    rule : {"gradient", "deconvnet", "guided"}

    Attributes
    ----------
    met : int
        How many ReLUs were run so far.
    """

    def __init__(self, rule: str) -> None:
        super().__init__()
        if rule not in RULES:
            raise InputError(f"rule is one of {', '.join(map(repr, RULES))}, not {rule!r}")
        self.rule, self.met = rule, 0

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        before, in_place = _relu_of(func, args, kwargs)
        if before is None:
            return func(*args, **kwargs)
        self.met += 1
        if self.rule == "gradient":
            return func(*args, **kwargs)
        return _Relu.apply(before, self.rule, in_place)

    def check(self) -> None:
        """Raise a NetworkError if no ReLU was run."""
        if not self.met:
            name = "DeconvNet" if self.rule == "deconvnet" else "guided backpropagation"
            raise NetworkError(
                f"{name} changes the way back through ReLUs, and this network runs none (SiLU, GELU and "
                "ReLU6 are others): use saliency, integrated_gradients or grad_cam"
            )


def _relu_of(func: Callable, args: tuple, kwargs: dict) -> tuple[Tensor | None, bool]:
    """The input of a call that is a ReLU, and whether it is written over; None for another call."""
    names = _SIGNATURES.get(func)
    if names is None or "out" in kwargs:
        return None, False
    given = dict(zip(names, args, strict=False)) | kwargs
    # a ReLU by another name: clamp(x, min=0), threshold(x, 0, 0), maximum(x, 0)
    bounds = [given.get(name) for name in names if name in ("min", "threshold", "value", "other")]
    if not all(map(_is_zero, bounds)) or given.get("max") is not None:
        return None, False
    is_in_place = bool(given.get("inplace")) or func.__name__.endswith("_")
    return given["input"], is_in_place


def _is_zero(bound: Any) -> bool:
    if isinstance(bound, Tensor):
        return bound.numel() == 1 and not bound.requires_grad and bound.item() == 0
    return isinstance(bound, (int, float)) and bound == 0


def _named(functions: Iterable[Callable], names: str) -> dict[Callable, tuple[str, ...]]:
    return dict.fromkeys(functions, tuple(names.split()))


_SIGNATURES = {
    **_named((torch.relu, F.relu, Tensor.relu, torch.relu_, F.relu_, Tensor.relu_), "input inplace"),
    **_named((torch.clamp, Tensor.clamp, torch.clip, Tensor.clip), "input min max"),
    **_named((torch.clamp_, Tensor.clamp_, torch.clip_, Tensor.clip_), "input min max"),
    **_named((torch.clamp_min, Tensor.clamp_min, torch.clamp_min_, Tensor.clamp_min_), "input min"),
    **_named((F.threshold, torch.threshold), "input threshold value inplace"),
    **_named((torch.threshold_, F.threshold_), "input threshold value"),
    **_named((torch.maximum, Tensor.maximum), "input other"),
}
"""Functions that may be a ReLU, with the names of their arguments."""
