"""Running a network so that gradients can be taken, and leaving no trace of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointError

from ..errors import NetworkError
from ..module import undisturbed
from .relu_rules import ReluRule

PIXELS = "the pixels"


@contextmanager
def differentiable(module: nn.Module, rule: str = "gradient", half: bool = False) -> Iterator[None]:
    """Gradients can be taken inside, whatever the caller has switched off, and ReLUs go back by a rule.

    Parameters
    ----------
    module : Module
    rule : {"gradient", "deconvnet", "guided"}
    half : bool
        Compute in bfloat16 what autocast knows.
    """
    kind = next((each.device.type for each in module.parameters()), "cpu")
    if rule != "gradient" and any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise NetworkError(
            "parts of this network are TorchScript, whose ReLUs obey no other rule: put the modules that "
            "they were made from in their place"
        )
    with undisturbed(module), torch.inference_mode(False), torch.enable_grad():
        _leave_inference(module)
        relus = nullcontext() if rule == "gradient" else ReluRule(rule)
        is_on = half or torch.is_autocast_enabled(kind)
        precision = torch.autocast(kind, torch.bfloat16, enabled=half) if is_on else nullcontext()
        with precision, relus as met:
            yield met


def gradients(
    of: Sequence[Tensor], towards: Mapping[str, Tensor], signal: Sequence[Tensor] | None = None
) -> list[list[Tensor]]:
    """Gradient of each of several numbers with respect to each of several tensors.

    Parameters
    ----------
    of : sequence of T Tensors
        Numbers that come from one run; or tensors, with a signal for each.
    towards : dict of str to Tensor
        By what it is, for the error.
    signal : sequence of T Tensors, optional
        What arrives from above; 1 if not given.

    Returns
    -------
    list of T lists of Tensor
        Of full precision at least; zeros for a layer on which nothing depends.

    Raises
    ------
    NetworkError
        If no way leads back to the pixels, or to any of the layers.
    """
    found = []
    for i, each in enumerate(of):
        way_back: Sequence[Tensor | None] = [None] * len(towards)
        if each.requires_grad:
            try:
                way_back = torch.autograd.grad(
                    each,
                    list(towards.values()),
                    None if signal is None else signal[i],
                    retain_graph=i + 1 < len(of),
                    allow_unused=True,
                )
            except RuntimeError as error:
                raise _named(error) from error
        missing = [name for name, back in zip(towards, way_back, strict=True) if back is None]
        # a layer on a branch that leads nowhere has a gradient of zero; where nothing comes, the way is cut
        if PIXELS in missing or len(missing) == len(towards):
            raise NetworkError(
                f"no gradient comes back from the scores to {missing[0]}: the network runs under no_grad or "
                "detaches its activations on the way, or no way leads there; try grad_cam at a later layer, "
                "or occlusion, which needs no gradients"
            )
        rows = zip(towards.values(), way_back, strict=True)
        found.append([full(torch.zeros_like(one) if back is None else back) for one, back in rows])
    return found


def _named(error: RuntimeError) -> Exception:
    """What is known to go wrong on the way back, with its mend; else the error itself."""
    if isinstance(error, CheckpointError):
        return NetworkError(
            "the network computes parts anew on the way back (torch.utils.checkpoint), where ReLUs obey no "
            "other rule; switch that off (DenseNet: memory_efficient=False)"
        )
    if "modified by an inplace operation" in str(error):
        return NetworkError(
            "the network writes over an activation that the way back needs, so that it could not be trained "
            f"either; replace that in-place operation ({str(error).splitlines()[0]})"
        )
    return error


def full(values: Tensor) -> Tensor:
    """Half precision made full, as numpy knows no bfloat16; detached, and in the usual order in memory."""
    dtype = torch.promote_types(values.dtype, torch.float32)
    return values.detach().to(dtype).contiguous()


def _leave_inference(module: nn.Module) -> None:
    """Copy tensors that were made under inference_mode, which autograd cannot use; put back by the caller."""
    for part in module.modules():
        for table in (part._parameters, part._buffers):
            for name, tensor in table.items():
                if tensor is not None and tensor.is_inference():
                    copy = tensor.clone()
                    table[name] = nn.Parameter(copy, False) if table is part._parameters else copy
