"""What the units of one tensor see along one axis of the image (its rows, or its columns)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from . import spans as of_units
from .spans import Spans


@dataclass(frozen=True)
class Axis:
    """Along one image axis: which pixels are seen, and along which dimensions of the tensor the view moves.

    There are three kinds. *Sliding*: unit ``i`` along the only dimension in ``dims`` sees ``size`` pixels
    from ``i * stride - padding`` on. *Fixed*, without ``dims``: all units see ``[low, high)``. *Scattered*:
    the view moves along ``dims`` as no size and stride can describe (flattened, cut into windows, ...), but
    what the units see together is known, which is all that a later reduction needs.

    A method returns None where nothing true can be said.

    Attributes
    ----------
    length : int
        Pixels that the image has along this axis.
    low, high : int
        Hull of the pixels that all units see together.
    stride : int
        Pixels between neighbouring units, before the kind became fixed or scattered.
    dims : frozenset of int
        Dimensions of the tensor along which the view moves.
    window : (size, padding) or None
        If sliding.
    mirrored : int
        Units at either end that only repeat others (reflecting padding). A window that reaches over them and
        their originals sees nothing new; until then the kind is reported as unknown.
    spans : Spans or None
        If sliding: what each unit sees, clipped at every layer; window and stride alone would count in a rim
        that a strided layer left unread.
    """

    length: int
    low: int
    high: int
    stride: int
    dims: frozenset[int]
    window: tuple[int, int] | None
    mirrored: int = 0
    spans: Spans | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of_image(cls, length: int, dim: int) -> Axis:
        """Pixels themselves: each sees itself."""
        return cls(length, 0, length, 1, frozenset({dim}), (1, 0), spans=of_units.of_pixels(length))

    @property
    def sliding(self) -> bool:
        return self.window is not None

    @property
    def regular(self) -> bool:
        """Sliding, with nothing repeated at the ends: size, stride and padding say it all."""
        return self.sliding and not self.mirrored

    @property
    def fixed(self) -> bool:
        return not self.dims

    @property
    def whole(self) -> bool:
        """Fixed on the whole axis, but for a rim that a strided network leaves unread."""
        return self.fixed and self.low < self.stride and self.high > self.length - self.stride

    def swept(self, dim: int, kernel: int, stride: int, before: int, dilation: int, n: int) -> Axis | None:
        """After a window slid along ``dim`` and left ``n`` units; ``before`` is the padding at the start."""
        if dim not in self.dims or (kernel, stride, before) == (1, 1, 0):
            return self
        if self.window is None:
            return None
        size, padding = self.window
        reach = (kernel - 1) * dilation
        if reach < 2 * self.mirrored:
            return None
        window = (size + reach * self.stride, padding + before * self.stride)
        spans = (
            None if self.spans is None else of_units.swept(self.spans, kernel, stride, before, dilation, n)
        )
        return replace(self, window=window, stride=self.stride * stride, mirrored=0, spans=spans)._within(n)

    def cut(self, dim: int, start: int, step: int, n: int) -> Axis | None:
        """After taking ``n`` units along ``dim``: every ``step``-th from ``start``, negative for padding."""
        if dim not in self.dims:
            return self
        if self.window is None or self.mirrored:
            return None
        size, padding = self.window
        window = (size, padding - start * self.stride)
        spans = None if self.spans is None else of_units.taken(self.spans, start + step * np.arange(n))
        return replace(self, window=window, stride=self.stride * step, spans=spans)._within(n)

    def _within(self, n: int) -> Axis | None:
        """Only ``n`` units are left: narrow down what they see together."""
        size, padding = self.window
        low = max(self.low, -padding)
        high = min(self.high, (n - 1) * self.stride - padding + size)
        if self.spans is not None:
            low, high = max(low, int(self.spans[:, 0].min())), min(high, int(self.spans[:, 1].max()))
        return replace(self, low=low, high=high) if low < high else None

    def mixed(self, dims: Iterable[int]) -> Axis:
        """After an operation in which each unit sees all others along ``dims`` (mean, softmax, ...)."""
        rest = self.dims - frozenset(dims)
        return self if rest == self.dims else self.scattered(rest)

    def repeated_at_ends(self, n: int) -> Axis:
        """After padding with ``n`` units that repeat others further in."""
        return replace(self, mirrored=n)

    def scattered(self, dims: Iterable[int]) -> Axis:
        """After an order that no window describes; without dims: fixed."""
        return replace(self, dims=frozenset(dims), window=None, mirrored=0, spans=None)

    def moved(self, to: Callable[[int], int]) -> Axis:
        """After the dimensions of the tensor were numbered anew."""
        return replace(self, dims=frozenset(to(dim) for dim in self.dims))

    def joined(self, other: Axis) -> Axis:
        """Where two branches meet (add, concatenate): the hull of both."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        if self.sliding and other.sliding and (self.dims, self.stride) == (other.dims, other.stride):
            start = min(-self.window[1], -other.window[1])
            stop = max(self.window[0] - self.window[1], other.window[0] - other.window[1])
            mirrored = max(self.mirrored, other.mirrored)
            window, spans = (stop - start, -start), None
            if self.spans is not None and other.spans is not None and len(self.spans) == len(other.spans):
                spans = of_units.hull(self.spans, other.spans)
            return replace(self, low=low, high=high, window=window, mirrored=mirrored, spans=spans)
        for wide in (self, other):
            if wide.fixed and (wide.low, wide.high) == (low, high):
                return wide
        together = replace(self, low=low, high=high, stride=max(self.stride, other.stride))
        return together.scattered(self.dims | other.dims)
