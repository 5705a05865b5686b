"""Which units along one side of a map squares can have changed, and what is held of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Span:
    """Changed units along the rows or the columns of a map, for each square of a batch.

    All windows of a batch have one size, that of the largest, so that they fit into one tensor. Where fewer
    units have changed, the window also holds units that are as they were.

    Attributes
    ----------
    first, stop : ndarray of int64, shape (B,)
        First changed unit, and one after the last; equal where none has changed.
    length : int
        Units along the whole side.
    """

    first: np.ndarray
    stop: np.ndarray
    length: int

    @cached_property
    def size(self) -> int:
        """Units along the side of each window."""
        return max(int((self.stop - self.first).max()), 1)

    @cached_property
    def start(self) -> np.ndarray:
        """First unit of each window, which lies inside the map."""
        return np.clip(self.first, 0, self.length - self.size)

    @property
    def is_whole(self) -> bool:
        return self.size == self.length

    @classmethod
    def all_of(cls, length: int, n: int) -> "Span":
        """The whole side, for each of ``n`` squares."""
        return cls(np.zeros(n, np.int64), np.full(n, length), length)

    def swept(self, kernel: int, stride: int, padding: int, dilation: int, n: int) -> "Span":
        """After a window slid along the side and left ``n`` units."""
        reach = (kernel - 1) * dilation
        first = -((reach - padding - self.first) // stride)  # rounded up
        stop = (self.stop - 1 + padding) // stride + 1
        first = np.clip(first, 0, n)
        return Span(first, np.clip(stop, first, n), n)

    def joined(self, other: "Span") -> "Span":
        """Where two branches meet."""
        return Span(np.minimum(self.first, other.first), np.maximum(self.stop, other.stop), self.length)

    def same_windows(self, other: "Span") -> bool:
        return self.size == other.size and np.array_equal(self.start, other.start)


@dataclass(frozen=True)
class Place:
    """Where the windows of a batch lie in a map."""

    rows: Span
    columns: Span

    @property
    def is_whole(self) -> bool:
        return self.rows.is_whole and self.columns.is_whole

    @property
    def area(self) -> int:
        """Units of one window."""
        return self.rows.size * self.columns.size

    def joined(self, other: "Place") -> "Place":
        return Place(self.rows.joined(other.rows), self.columns.joined(other.columns))

    def head(self, n: int) -> "Place":
        """That of the first ``n`` squares alone."""
        return Place(
            *(Span(each.first[:n], each.stop[:n], each.length) for each in (self.rows, self.columns))
        )

    def whole(self) -> "Place":
        """All of the map, for as many squares."""
        n = len(self.rows.first)
        return Place(Span.all_of(self.rows.length, n), Span.all_of(self.columns.length, n))

    def same_windows(self, other: "Place") -> bool:
        return self.rows.same_windows(other.rows) and self.columns.same_windows(other.columns)
