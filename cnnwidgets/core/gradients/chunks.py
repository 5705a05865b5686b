"""Many forward and backward passes, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from ..whole import at_least

_PIXELS = 8 * 224 * 224
"""In a batch: activations of all layers are kept for the way back."""
_MOST = 32


def slices(n: int, x: Tensor, batch_size: int | None) -> Iterator[slice]:
    """Split n images of the size of those of ``x`` into batches."""
    if batch_size is None:
        batch_size = max(1, min(_MOST, _PIXELS // (x.shape[2] * x.shape[3])))
    else:
        at_least(1, batch_size=batch_size)
    for start in range(0, n, batch_size):
        yield slice(start, min(start + batch_size, n))
