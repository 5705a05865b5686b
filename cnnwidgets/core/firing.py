"""How often does a unit fire? The share of all places at which it is above zero."""

from math import inf
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from .errors import LayerError
from .layer_names import CallNames, first_tensor
from .module import as_module, prepared, undisturbed
from .receptive.calls import rule_name, tensors_in
from .visit import _Enough, _why_missing
from .whole import at_least

NORMS = {
    "native_batch_norm": "batch norm",
    "cudnn_batch_norm": "batch norm",
    "miopen_batch_norm": "batch norm",
    "native_group_norm": "group norm",
}
"""What may stand between a convolution and its nonlinearity. (Outside of inference mode: what a network
computes once and keeps would be an inference tensor there, and could never be trained with again. An
instance norm comes as the batch norm of another view.)"""

NONLINEARITIES = {
    "relu": "ReLU",
    "clamp_min": "ReLU",
    "clamp": "clamp",
    "threshold": "threshold",
    "hardtanh": "Hardtanh",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "_prelu_kernel": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "silu": "SiLU",
    "gelu": "GELU",
    "hardswish": "Hardswish",
    "mish": "Mish",
    "tanh": "Tanh",
    "hardshrink": "Hardshrink",
    "softshrink": "Softshrink",
}
"""Those after which not all places are above zero, as they are after a sigmoid."""

_LOWEST = {"clamp": "min", "clamp_min": "min", "hardtanh": "min_val", "threshold": "value"}
"""Which argument says what becomes of a low value; above zero, all places are."""

_COPIES = ("clone", "detach", "alias", "view", "_unsafe_view", "_to_copy")


def firing_share(model: nn.Module, x: Tensor, layer: str, batch_size: int = 16) -> tuple[Tensor, str]:
    """How often each unit of a convolution fires: at which share of all places it is above zero.

    Measured after the nonlinearity that follows the convolution, with a normalisation (batch, group or
    instance norm), dropout or a copy between them or not. Nonlinearities are ReLU, its relatives (ReLU6,
    Hardtanh, LeakyReLU, PReLU, ELU, SELU, CELU, SiLU, GELU, Hardswish, Mish, ``threshold``,
    ``clamp``), Tanh, Hardshrink and Softshrink, as modules or as functions. Before anything else: a sigmoid
    or a Softplus, after which all places are above zero; a pooling; a sum.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    layer : str
        Name of a ``torch.nn.Conv2d``.
    batch_size : int
        Images in one forward pass.

    Returns
    -------
    share : Tensor of float32, shape (n_filters,)
        From 0 (dead, as far as these images go) to 1, over all images and places. NaN for a unit that gave
        a NaN.
    measured : str
        Where: a layer's name such as ``"relu1"``; ``"ReLU after bn1"`` for one that is no module;
        ``"conv1"`` if no nonlinearity follows.

    Raises
    ------
    LayerError
        If there is no such layer, it is no ``Conv2d``, or it did not run.
    InputError
        If ``x`` is no such batch, or holds a NaN or an infinity; if ``batch_size`` is not at least 1.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(1, 1, kernel_size=1, bias=False), nn.ReLU())
    >>> image = torch.tensor([[1.0, -1.0, -1.0, -1.0]])
    >>> firing_share(network, torch.stack([image, -image])[:, None], "0")  # whatever the sign of the weight
    (tensor([0.5000]), '1')
    """
    at_least(1, batch_size=batch_size)
    module = as_module(model)
    names = CallNames(module)
    part = names.modules[names.split(layer)]
    if not isinstance(part, nn.Conv2d):
        raise LayerError(f"layer {layer!r} is a {type(part).__name__}; choose a Conv2d")
    fired, places = 0.0, 0
    with undisturbed(module), torch.inference_mode(False), torch.no_grad():
        images = prepared(module, x)
        for batch in images.split(batch_size):
            maps, measured = _after(module, layer, batch)
            maps = maps.float().transpose(0, 1).flatten(1)
            counts = (maps > 0).sum(dim=1).double()
            fired = fired + torch.where(maps.isnan().any(dim=1), torch.nan, counts)
            places += maps.shape[1]
        return (fired / places).to("cpu", torch.float32), measured


def _after(module: nn.Module, layer: str, batch: Tensor) -> tuple[Tensor, str]:
    """Run the network up to the nonlinearity after a layer: its output, and its name."""
    names = CallNames(module)
    watch = _Watch(layer, names)
    handles = []
    try:
        for part in names.modules.values():
            handles += [part.register_forward_pre_hook(watch.enter), part.register_forward_hook(watch.leave)]
        with watch:
            module(batch)
    except _Enough:
        pass
    finally:
        for handle in handles:  # the next batch comes with hooks of its own
            handle.remove()
    if watch.followed is None:
        raise LayerError(_why_missing(layer, names))
    return watch.followed, watch.measured


class _Watch(TorchDispatchMode):
    """Follows what a layer returned through norms to its nonlinearity, and ends the forward pass there.

    Operations, not modules, are watched: many a network calls ``F.relu``.
    """

    def __init__(self, layer: str, names: CallNames) -> None:
        super().__init__()
        self.measured = layer
        self.followed: Tensor | None = None
        self._layer, self._names = layer, names
        self._same: list[Tensor] = []  # what is followed, and copies of it
        self._is_view = False
        self._running: list[tuple[nn.Module, str]] = []
        self._asked_by = get_ident()

    def enter(self, part: nn.Module, inputs: tuple) -> None:
        if get_ident() == self._asked_by:
            self._running.append((part, self._names.next(part)))

    def leave(self, part: nn.Module, inputs: tuple, returned: object) -> None:
        if get_ident() == self._asked_by and self._running.pop()[1] == self._layer:
            self._follow(first_tensor(returned), self._layer)

    def _follow(self, output: Tensor | None, measured: str) -> None:
        self._same, self._is_view, self.measured = [output], False, measured
        # a view has the same places in the same order
        self.followed = output if self.followed is None else output.reshape(self.followed.shape)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if self.followed is None or not any(a is b for a in tensors_in(args) for b in self._same):
            return func(*args, **kwargs)
        name = rule_name(func)
        if name in _COPIES:
            self._same.append(output := func(*args, **kwargs))
            self._is_view |= name == "view"
            return output
        if name in NONLINEARITIES and (lowest := _lowest(func, name, args, kwargs)) <= 0:
            told = "ReLU6" if name == "hardtanh" and lowest == 0 else NONLINEARITIES[name]
            self._follow(func(*args, **kwargs), self._name(told))
            raise _Enough
        if name not in NORMS:
            raise _Enough  # not run: it might write into what was found
        output = func(*args, **kwargs)
        self._follow(first_tensor(output), self._name("instance norm" if self._is_view else NORMS[name]))
        return output

    def _name(self, operation: str) -> str:
        part, name = self._running[-1] if self._running else (None, "")
        is_leaf = part is not None and not any(part.children())
        return name if is_leaf else f"{operation} after {self.measured}"


def _lowest(func: Any, name: str, args: tuple, kwargs: dict) -> float:
    """What a nonlinearity makes of a low value, as far as its arguments say; infinite for a tensor."""
    for i, each in enumerate(func._schema.arguments):
        if each.name == _LOWEST.get(name):
            value = args[i] if i < len(args) else kwargs.get(each.name, each.default_value)
            return inf if isinstance(value, Tensor) else -inf if value is None else float(value)
    return -inf
