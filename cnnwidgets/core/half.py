"""Half precision: whether it is asked for, and whether the machine computes it itself."""

from __future__ import annotations

import platform

import torch
from torch import Tensor

from .errors import InputError

PRECISIONS = ("exact", "fast")


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the hardware, and not imitated, as far as torch knows."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    known = [
        getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    ]
    if platform.machine().lower() in ("x86_64", "amd64") and any(known):
        return any(has() for has in known if has is not None)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def is_fast(precision: str, x: Tensor) -> bool:
    """Whether to compute in bfloat16."""
    if precision not in PRECISIONS:
        raise InputError(f"precision is one of {', '.join(map(repr, PRECISIONS))}, not {precision!r}")
    return precision == "fast" and has_bfloat16(x.device)
