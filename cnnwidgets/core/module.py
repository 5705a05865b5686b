"""A module to work on: which one is meant, and how to leave it as it was found."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from threading import RLock

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from .errors import InputError, NetworkError
from .snapshot import Snapshot

# Two threads inside one module would each restore what the other one changed (hooks, flags, random state).
_one_at_a_time = RLock()


def as_module(model: object) -> nn.Module:
    """Take a module as it is, or the module inside a ``Network``.

    Parameters
    ----------
    model : Module or object with a ``module``
        What a user calls their network; one compiled by :func:`torch.compile` gives its original, whose
        layers can be looked into.

    Returns
    -------
    Module

    Raises
    ------
    TypeError
        If it is neither.
    NetworkError
        If it is a TorchScript module, whose layers cannot be looked into.
    """
    module = model if isinstance(model, nn.Module) else getattr(model, "module", None)
    if not isinstance(module, nn.Module):
        what = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise TypeError(
            f"a network is a torch.nn.Module, or comes from cnnwidgets.load(...) or wrap(...); this is {what}"
        )
    module = getattr(module, "_orig_mod", module)
    if isinstance(module, torch.jit.ScriptModule):
        raise NetworkError(
            "a TorchScript module cannot be looked into; pass the module that it was made from"
        )
    return module


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[nn.Module]:
    """Work on a module in evaluation mode and leave no trace.

    Inside, every part is in evaluation mode. Afterwards, also after an exception, everything is as it was
    before: each part's own ``training`` flag, its submodules, hooks and buffers (byte for byte), which
    parameters there are, their ``requires_grad``, and the global random state of torch.

    One thread at a time is let in; the others wait. So never ``yield`` inside from a generator.

    Parameters
    ----------
    module : Module
        Anything that :func:`as_module` takes.

    Yields
    ------
    Module

    Raises
    ------
    NetworkError
        If it has lazy parameters, which would take their shape from the first image seen.

    Notes
    -----
    While one thread is inside, the others see the module in evaluation mode: wait for an explorer
    (``await explorer.done()``) before a cell trains the network that it shows.

    Not brought back are the values of the parameters and their ``.grad`` (to copy 61 million numbers would
    cost more than the call itself; nothing in this package writes to them), plain Python attributes, and the
    random numbers that *another* thread draws meanwhile: it will draw them again.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(3, 4, 5), nn.Dropout()).train()
    >>> with undisturbed(network) as module:
    ...     handle = module[0].register_forward_hook(print)  # gone afterwards
    ...     module.training
    False
    >>> network.training
    True
    """
    module = as_module(module)
    with _one_at_a_time:
        parts = list(module.modules())
        if any(is_lazy(each) for part in parts for each in part._parameters.values()):
            raise NetworkError("this network has lazy parameters without a shape; first run it on an image")
        before = Snapshot(parts)
        try:
            for part in parts:
                if part.training:
                    part.training = False  # not .eval(), which a module may override to do more
            yield module
        finally:
            before.restore()


def placement(module: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and floating type of a module: those of its first floating parameter or buffer."""
    for tensor in chain(module.parameters(), module.buffers()):
        if tensor.is_floating_point():
            return tensor.device, tensor.dtype
    return torch.device("cpu"), torch.get_default_dtype()


def mixes_images(module: nn.Module) -> bool:
    """Whether the images of a batch change each other's scores: by a batch norm without stored statistics."""
    norms = (part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm))
    return any(norm.running_mean is None for norm in norms)


def prepared(
    module: nn.Module, x: Tensor, memory_format: torch.memory_format = torch.preserve_format
) -> Tensor:
    """Check a batch of images and copy it to where the module computes.

    Parameters
    ----------
    module : Module
        Gives the device and the floating type.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images, floating.
    memory_format : torch.memory_format
        Order in memory of the copy.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        Always a copy, detached: a network may start with an in-place operation.

    Raises
    ------
    InputError
        If it is no such batch or holds a NaN or an infinity; names the mend.
    """
    if not isinstance(x, Tensor):
        raise InputError(
            f"images come as a torch.Tensor (N, C, H, W), not a {type(x).__name__}; try network.read(image)"
        )
    if x.ndim == 3:
        raise InputError(
            f"a batch has shape (N, C, H, W), not {tuple(x.shape)}; add the batch axis with x.unsqueeze(0)"
        )
    if x.ndim != 4 or x.numel() == 0:
        raise InputError(f"a batch has shape (N, C, H, W) and at least one pixel, not {tuple(x.shape)}")
    if not x.is_floating_point():
        raise InputError(f"images must be preprocessed to floats, not {x.dtype}; try network.read(image)")
    # A sum is found many times faster; it can also overflow, so that only the second look decides.
    if not torch.isfinite(x.sum()) and not torch.isfinite(x).all():
        broken = int((~torch.isfinite(x)).flatten(1).any(dim=1).nonzero()[0])
        raise InputError(f"image {broken} of the batch holds a NaN or an infinity; repair it first")
    device, dtype = placement(module)
    return x.detach().to(device=device, dtype=dtype, copy=True, memory_format=memory_format)
