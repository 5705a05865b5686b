"""Which operations of torch are known, by what they do to places."""

import operator
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

#: Modules whose units are made of the units in the same place.
POINTWISE_MODULES = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Softplus,
    nn.Softsign, nn.Identity,
    nn.Dropout, nn.Dropout2d, nn.AlphaDropout,
)  # fmt: skip

#: Functions of the same kind on one tensor and numbers.
POINTWISE_FUNCTIONS = {
    torch.relu, F.relu, F.relu6, F.leaky_relu, F.elu, F.celu, F.selu, F.gelu, F.silu, F.mish, F.hardtanh,
    F.hardswish, F.hardsigmoid, torch.sigmoid, F.sigmoid, F.logsigmoid, torch.tanh, F.tanh, F.softplus,
    F.softsign, torch.abs, torch.clamp, torch.exp, torch.neg, torch.sqrt, torch.square, operator.neg,
}  # fmt: skip

#: Of two tensors (or one and a number or a constant).
ARITHMETIC = {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow,
    torch.add, torch.sub, torch.mul, torch.div, torch.maximum, torch.minimum,
}  # fmt: skip

CONCATENATIONS = {torch.cat, torch.concat, torch.concatenate}

#: Methods of tensors, by the function that does the same.
METHODS = {
    "relu": torch.relu, "relu_": torch.relu, "sigmoid": torch.sigmoid, "sigmoid_": torch.sigmoid,
    "tanh": torch.tanh, "tanh_": torch.tanh, "abs": torch.abs, "clamp": torch.clamp, "clamp_": torch.clamp,
    "clamp_min": torch.clamp_min, "neg": torch.neg, "add": torch.add, "add_": torch.add, "sub": torch.sub,
    "sub_": torch.sub, "mul": torch.mul, "mul_": torch.mul, "div": torch.div, "div_": torch.div,
    "mean": torch.mean, "flatten": torch.flatten,
}  # fmt: skip
POINTWISE_FUNCTIONS.add(torch.clamp_min)

#: Functions that write over their input, by the one that does not.
WITHOUT_WRITING = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
    operator.itruediv: operator.truediv, torch.relu_: torch.relu, F.relu_: torch.relu,
}  # fmt: skip


def writes(target: object) -> bool:
    """Whether a function or method, by its name, puts its result where its first input was."""
    name = target if isinstance(target, str) else getattr(target, "__name__", "")
    return target in WITHOUT_WRITING or (name.endswith("_") and not name.endswith("__"))


RELUS = {torch.relu, F.relu}
SHAPES = {"size", "dim", "ndimension"}


def bound(names: Iterable[str], args: tuple, kwargs: dict, defaults: dict | None = None) -> dict:
    """Arguments by name, from a call of a torch function whose signature python cannot read.

    Examples
    --------
    >>> bound(("input", "dim", "keepdim"), ("x", 1), {}, {"keepdim": False})
    {'keepdim': False, 'input': 'x', 'dim': 1}
    """
    return (defaults or {}) | dict(zip(names, args, strict=False)) | kwargs


def pair(value: object) -> tuple[int, int]:
    """One number for rows and columns, or two."""
    if isinstance(value, (tuple, list)):
        return (int(value[0]), int(value[-1]))
    return (int(value), int(value))
