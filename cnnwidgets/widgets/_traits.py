"""Kinds of traits that travel to the browser as bytes."""

from typing import Any

import numpy as np
import traitlets as t


class BrowserBytes(t.Bytes):
    """A synced trait of bytes that the browser may set too: it sends a memoryview, which Bytes refuses."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(b"", **kwargs)
        # without echo_update the kernel would send the same bytes back at once
        self.tag(sync=True, from_json=lambda value, owner: bytes(value or b""), echo_update=False)


class Floats(t.TraitType):
    """A synced trait of numbers: any sequence, array or tensor, kept as float32 and sent as raw bytes."""

    default_value = ()
    info_text = "a sequence of numbers"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tag(
            sync=True,
            to_json=lambda value, owner: np.asarray(value, np.float32).tobytes(),
            from_json=lambda value, owner: np.frombuffer(bytes(value or b""), np.float32),
            echo_update=False,
        )

    def validate(self, obj: t.HasTraits, value: Any) -> np.ndarray:
        """A read-only copy as float32, shape (n,)."""
        try:
            array = np.array(as_numpy(value), dtype=np.float32)
        except (TypeError, ValueError):
            self.error(obj, value)
        if array.ndim != 1:
            raise t.TraitError(f"{self.name} must have one axis, not the shape {array.shape}")
        array.flags.writeable = False
        return array

    def default(self, obj: t.HasTraits | None = None) -> np.ndarray:
        """No numbers."""
        return np.empty(0, np.float32)


def as_numpy(values: Any) -> np.ndarray:
    """A numpy array from whatever holds numbers; torch tensors also from a GPU or inside a graph."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if not values.is_complex() else values
    return np.asarray(values)
