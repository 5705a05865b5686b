"""Everything about a module that a look inside could change, to put it back."""

from itertools import chain
from operator import is_, itemgetter

import torch
from torch import Tensor, nn

_HOOKS = tuple(
    name for name, value in vars(nn.Module()).items() if "hooks" in name and isinstance(value, dict)
)
_tables_of = itemgetter("_parameters", "_buffers", "_modules", *_HOOKS)


class Snapshot:
    """State of ``module.modules()`` at one moment; ``restore`` brings it back."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self.modules = modules
        self._training = [part.training for part in self.modules]
        self._full_hooks = [part._is_full_backward_hook for part in self.modules]
        self._not_saved = [part._non_persistent_buffers_set.copy() for part in self.modules]
        # Tables are refilled, not replaced: a hook's handle holds on to the table that it is in. There are
        # thousands, most of them empty. (Those of a TorchScript part are no dicts, and take no changes.)
        ours = [part for part in self.modules if not isinstance(part, torch.jit.ScriptModule)]
        tables = list(chain.from_iterable(_tables_of(part.__dict__) for part in ours))
        self._empty = [table for table in tables if not table]
        self._filled = [(table, table.copy()) for table in tables if table]
        # Not their .grad: nothing here writes to it, and to look at it while another thread runs backward()
        # ends in a crash of Python.
        self._parameters = [(p, p.requires_grad) for p in _all_of(self.modules, "_parameters")]
        self._buffers = Contents(_all_of(self.modules, "_buffers"))
        self._random = torch.get_rng_state()
        self._cuda_random = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def restore(self) -> None:
        """Put back what has changed, and touch nothing else."""
        for table in filter(None, self._empty):
            table.clear()
        for table, entries in self._filled:
            if not _same_entries(table, entries):
                table.clear()
                table.update(entries)
        rows = zip(self.modules, self._training, self._full_hooks, self._not_saved, strict=True)
        for part, training, full_hooks, not_saved in rows:
            if part.training != training:
                part.training = training
            if part._is_full_backward_hook != full_hooks:
                part._is_full_backward_hook = full_hooks
            if part._non_persistent_buffers_set != not_saved:
                part._non_persistent_buffers_set = not_saved
        for parameter, requires_grad in self._parameters:
            if parameter.requires_grad != requires_grad:
                parameter.requires_grad_(requires_grad)
        self._buffers.restore()
        torch.set_rng_state(self._random)
        if self._cuda_random:
            torch.cuda.set_rng_state_all(self._cuda_random)


class Contents:
    """Copy of the contents of many small tensors, compared in one go for each type of them.

    Only a tensor that differs is written to: a write, even of the same bytes, spoils every graph in which the
    caller still wants gradients.
    """

    def __init__(self, tensors: list[Tensor]) -> None:
        self._groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for tensor in tensors:
            if tensor.device.type != "meta":  # has no contents
                self._groups.setdefault((tensor.device, tensor.dtype), []).append(tensor)
        self._shapes = {kind: [tensor.shape for tensor in group] for kind, group in self._groups.items()}
        self._saved = {kind: _joined(group) for kind, group in self._groups.items()}

    def restore(self) -> None:
        for kind, group in self._groups.items():
            shapes, saved = self._shapes[kind], self._saved[kind]
            if [tensor.shape for tensor in group] == shapes and _same_bytes(_joined(group), saved):
                continue
            pieces = saved.split([shape.numel() for shape in shapes])
            for tensor, shape, piece in zip(group, shapes, pieces, strict=True):
                if tensor.shape != shape:
                    tensor.data = piece.reshape(shape).clone()
                elif not _same_bytes(tensor.detach().reshape(-1), piece):
                    with torch.inference_mode():  # the only mode that may write into every kind of tensor
                        tensor.copy_(piece.reshape(shape))


def _all_of(modules: list[nn.Module], table: str) -> list[Tensor]:
    """Parameters or buffers; one that is shared comes as often as it is shared."""
    return [each for part in modules for each in getattr(part, table).values() if each is not None]


@torch.no_grad()
def _joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor if tensor.ndim == 1 else tensor.reshape(-1) for tensor in tensors])


def _same_bytes(one: Tensor, other: Tensor) -> bool:
    """Equal as bytes, so that a NaN equals itself and 0.0 differs from -0.0."""
    return torch.equal(one.contiguous().view(torch.uint8), other.contiguous().view(torch.uint8))


def _same_entries(table: dict, entries: dict) -> bool:
    """Same names, in the same order, for the very same objects (``==`` of tensors is no truth value)."""
    return list(table) == list(entries) and all(map(is_, table.values(), entries.values()))
