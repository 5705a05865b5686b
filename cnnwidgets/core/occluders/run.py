"""A map that grows from coarse to fine, one batch of squares at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor

from ..errors import InputError
from ..targets import check_targets
from ..whole import at_least
from .fills import fill_pixels
from .occluder import Occluder
from .squares import centres, checked_pair, coarse_to_fine

METHODS = ("full", "adaptive")


class OcclusionRun:
    """Occlude all centres of a lattice, coarse to fine; can be looked at and left after every batch.

    Parameters
    ----------
    occluder : Occluder
    size : int or (int, int)
        Height and width of the square in pixels.
    stride : int or (int, int)
        Pixels from one centre to the next.
    fill : float, str or Tensor
        As `fill_pixels` takes it.
    method : {"full", "adaptive"}
        ``"adaptive"`` first occludes every second centre (or fewer, but at least two in the length of a
        square), then those between neighbours whose probabilities differ by more than ``tolerance``; the
        others are interpolated.
    tolerance : float
        In probability.
    classes : sequence of int, optional
        Whose scores are kept; all if not given.
    batch_size : int, optional

    Attributes
    ----------
    rows, columns : ndarray of int64, shapes (R,), (C,)
        Centres in pixels.
    score, probability : ndarray, shape (R, C, K)
        For the classes kept; NaN where not known yet.
    label : ndarray of int64, shape (R, C)
        Most probable of all classes; -1 where not known, -1 too where scores are NaN. Where interpolated,
        that of the nearest centre computed before.
    activity : ndarray, shape (R, C), or None
    computed, known : ndarray of bool, shape (R, C)
        Occluded in fact; occluded or interpolated.
    batch_size : int or None
        May be set at any time; holds from the next level on. None: as many as suit the memory.
    step_size : int
        Every how many centres there is one that is known, so far; 0 before the first level is complete.

    Examples
    --------
    >>> import torch, torchvision
    >>> occluder = Occluder(torchvision.models.alexnet(), torch.randn(1, 3, 64, 96))
    >>> run = OcclusionRun(occluder, size=16, stride=16, classes=[3])
    >>> while run.step():
    ...     pass
    >>> run.done, run.total, run.probability.shape
    (24, 24, (4, 6, 1))
    """

    def __init__(
        self,
        occluder: Occluder,
        size: int | tuple[int, int] = 32,
        stride: int | tuple[int, int] = 8,
        fill: float | str | Tensor = 0.0,
        method: str = "full",
        tolerance: float = 0.02,
        classes: Sequence[int] | None = None,
        batch_size: int | None = None,
    ) -> None:
        if method not in METHODS:
            raise InputError(f"method is one of {', '.join(map(repr, METHODS))}, not {method!r}")
        if not tolerance >= 0:
            raise InputError(f"tolerance is a difference in probability of at least 0, not {tolerance!r}")
        self.occluder, self.fill, self.method, self.tolerance = occluder, fill, method, tolerance
        fill_pixels(occluder.x, fill)  # an error now, rather than at the first step
        self.size, self.stride = checked_pair("size", size), checked_pair("stride", stride)
        self.rows, self.columns = (
            centres(length, stride) for length, stride in zip(occluder.image_size, self.stride, strict=True)
        )
        self.shape = len(self.rows), len(self.columns)
        n_classes = occluder.baseline.scores.shape[1]
        check_targets(() if classes is None else classes, n_classes)
        if batch_size is not None:
            at_least(1, batch_size=batch_size)
        self.classes = np.arange(n_classes) if classes is None else np.asarray(classes, np.int64)
        dtype = occluder.baseline.scores.numpy().dtype
        self.score = np.full((*self.shape, len(self.classes)), np.nan, dtype)
        self.probability = self.score.copy()
        self.label = np.full(self.shape, -1)
        self.activity = None if occluder.channel is None else np.full(self.shape, np.nan, dtype)
        self.computed, self.known = np.zeros(self.shape, bool), np.zeros(self.shape, bool)
        self.step_size = 0
        self.batch_size = batch_size
        self._work = self._batches()
        # of an adaptive run, a part only; how large a part is not known before
        self._expected = self.total if method == "full" else self.total // 4
        occluder.expect(self._expected)
        self._shares: list[float] = []

    @property
    def done(self) -> int:
        """How many centres are known."""
        return int(self.known.sum())

    @property
    def total(self) -> int:
        """How many centres there are."""
        return self.known.size

    def step(self) -> bool:
        """Occlude one batch of squares.

        Returns
        -------
        bool
            False if there was none left.
        """
        batch, level = next(self._work, (None, 0))
        if batch is None:
            self.occluder.trim()
            return False
        row, column = batch.T
        answers = self.occluder.occlude(self.rows[row], self.columns[column], self.size, self.fill)
        scores, probabilities = answers.scores.numpy(), answers.probabilities.numpy()
        self.score[row, column] = scores[:, self.classes]
        self.probability[row, column] = probabilities[:, self.classes]
        self.label[row, column] = np.where(np.isnan(scores).any(1), -1, scores.argmax(1))
        if self.activity is not None:
            self.activity[row, column] = answers.activity.numpy()
        self.computed[row, column] = self.known[row, column] = True
        self.step_size = level
        self._shares += [answers.share] * len(batch)
        return True

    @property
    def why(self) -> str:
        """How the squares so far were computed, and why: one sentence."""
        return self.occluder.explain(float(np.mean(self._shares))) if self._shares else self.occluder.why

    def finish(self) -> OcclusionRun:
        """Take all steps that are left."""
        while self.step():
            pass
        return self

    def filled(self, values: np.ndarray) -> np.ndarray:
        """Values of the lattice with gaps filled from the coarser lattice, to look at while it grows.

        Parameters
        ----------
        values : ndarray, shape (R, C, ...)
            Such as ``probability[..., 0]``, ``label`` or ``activity``.

        Returns
        -------
        ndarray of the same shape
            A gap takes the value of the nearest centre of the last level that is complete.
        """
        if not self.step_size or self.known.all():
            return values
        nearest = np.ix_(*(_nearest(n, self.step_size) for n in self.shape))
        gaps = ~self.known.reshape(*self.shape, *[1] * (values.ndim - 2))
        return np.where(gaps, values[nearest], values)

    # -- what comes next --

    def _batches(self) -> Iterator[tuple[np.ndarray, int]]:
        """Cells to occlude together, and the level that is complete once they are."""
        for step, cells in coarse_to_fine(*self.shape):
            if self.method == "adaptive" and self._close_enough(2 * step):
                cells = self._where_it_changes(step, cells)
            if len(cells):
                row, column = cells.T
                split = self.occluder.batches(
                    self.rows[row], self.columns[column], self.size, self.batch_size
                )
                for batch in split[:-1]:
                    yield cells[batch], self.step_size
                yield cells[split[-1]], step
            else:
                self.step_size = step

    def _close_enough(self, step: int) -> bool:
        """Whether a square meets at least two centres of a level along each side."""
        near = all(step * stride * 2 <= size for stride, size in zip(self.stride, self.size, strict=True))
        return near and self.step_size > 0

    def _where_it_changes(self, step: int, cells: np.ndarray) -> np.ndarray:
        """Of the cells of a new level, those around which values differ; the others are interpolated.

        Neighbours further out are looked at, too: a narrow dip between two equal ones would be missed.
        """
        sides = [_around(cells[:, i], 2 * step, self.shape[i]) for i in (0, 1)]
        seen = np.stack([self.probability[row, column] for row in sides[0] for column in sides[1]])
        # a NaN compares as False, and is computed
        quiet = (seen.max(0) - seen.min(0) <= self.tolerance).all(1)
        row, column = cells[quiet].T
        nearest = [[side[quiet] for side in each[1:3]] for each in sides]
        self._interpolate(row, column, [(r, c) for r in nearest[0] for c in nearest[1]])
        return cells[~quiet]

    def _interpolate(self, row: np.ndarray, column: np.ndarray, corners: list) -> None:
        for values in (self.score, self.probability, self.activity):
            if values is not None:
                values[row, column] = np.mean([values[corner] for corner in corners], axis=0)
        self.label[row, column] = self.label[corners[0]]
        self.known[row, column] = True


def _around(cells: np.ndarray, step: int, n: int) -> list[np.ndarray]:
    """Along one side, four cells of the coarser level: two before and two after.

    The inner two are the neighbours between which is interpolated; for a cell of that level, itself twice.
    """
    before = cells // step * step
    last = (n - 1) // step * step
    after = np.minimum(np.where(cells == before, before, before + step), last)
    return [np.maximum(before - step, 0), before, after, np.minimum(after + step, last)]


def _nearest(n: int, step: int) -> np.ndarray:
    last = (n - 1) // step
    return np.minimum((np.arange(n) + step // 2) // step, last) * step
