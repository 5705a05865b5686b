"""Fingerprint of a network: tells whether a saved result belongs to it."""

from hashlib import sha256

import torch
from torch import nn

from .module import as_module


def fingerprint(model: nn.Module) -> str:
    """Short name for a network: its modules, its weights, its buffers.

    Code and plain attributes do not count, so that two networks of the same modules and weights that use them
    differently have the same fingerprint.

    Parameters
    ----------
    model : Module or Network

    Returns
    -------
    str
        16 hexadecimal digits. Networks of other weights have others; the device does not count.

    Examples
    --------
    >>> network = nn.Linear(2, 1)
    >>> before = fingerprint(network)
    >>> with torch.no_grad():
    ...     network.bias += 1
    >>> fingerprint(network) == before
    False
    """
    module = as_module(model)
    digest = sha256(
        "\n".join(
            f"{name} {type(part).__name__} {part.extra_repr()}" for name, part in module.named_modules()
        ).encode()
    )
    # Buffers that are not saved answer, too. (They come last, lest other fingerprints change.)
    tensors = module.state_dict()
    tensors |= {name: buffer for name, buffer in module.named_buffers() if name not in tensors}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy() if flat.numel() else b"")
    return digest.hexdigest()[:16]
