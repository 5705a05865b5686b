"""Nearest neighbours, exactly: the images that are most alike, to the network or in their pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..whole import at_least

METRICS = ("l2", "cosine")
_CHUNK = 64_000_000
"""Distances that are held at once."""
_CLOSE = 2_000_000
"""Numbers that are compared closely at once: few enough to stay near the processor."""
_GROUP = 64
"""Distances of which the smallest is found first."""
_SPARE = 8
"""So many more than asked for are looked at closely, as the first look rounds."""


class Neighbours(NamedTuple):
    """The k nearest of each query, nearest first.

    Attributes
    ----------
    indices : ndarray of int64, shape (q, k)
    distances : ndarray of float64, shape (q, k)
        L2 distance; or 1 minus the cosine.
    """

    indices: np.ndarray
    distances: np.ndarray


def nearest_neighbours(
    vectors: Any, queries: Any = None, k: int = 5, metric: str = "l2", exclude_self: bool | None = None
) -> Neighbours:
    r"""The vectors that are nearest to each query, found by comparing with all of them.

    Parameters
    ----------
    vectors : array or Tensor, shape (n, d), or Features
    queries : array or Tensor, shape (q, d) or (d,), or Features, optional
        The vectors themselves if not given.
    k : int
        At most n; n - 1 where a vector is not its own neighbour.
    metric : {"l2", "cosine"}
        :math:`\lVert a - b \rVert_2`, or :math:`1 - a \cdot b / (\lVert a \rVert \lVert b \rVert)`.
    exclude_self : bool, optional
        Whether query i shall not find vector i; so if no queries are given.

    Returns
    -------
    Neighbours
        Which of many equally near ones are among them is left open.

    Raises
    ------
    InputError
        For shapes that do not fit, NaN, too large a k, or (cosine) a vector of zeros.

    Examples
    --------
    >>> found = nearest_neighbours([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]], k=2)
    >>> found.indices[0].tolist(), found.distances[0].tolist()
    ([2, 1], [1.0, 5.0])
    """
    if metric not in METRICS:
        raise InputError(f"metric is one of {', '.join(map(repr, METRICS))}, not {metric!r}")
    table = checked_vectors(vectors)
    exclude_self = queries is None if exclude_self is None else exclude_self
    asked = table if queries is None else checked_vectors(queries, "queries")
    if asked.shape[1] != table.shape[1]:
        raise InputError(
            f"queries have {asked.shape[1]} numbers each, vectors {table.shape[1]}: not of one layer?"
        )
    if exclude_self and len(asked) != len(table):
        raise InputError("exclude_self is for queries that are the vectors themselves")
    at_least(1, k=k)
    most = len(table) - exclude_self
    if k > most:
        raise InputError(f"k is at most {most} here, not {k}: there are {len(table)} vectors")
    if metric == "l2":
        return _nearest(_Rows(table), _Rows(asked), k, exclude_self)
    rows = _Rows(table, _lengths(table, "vectors"))
    found = _nearest(
        rows, rows if queries is None else _Rows(asked, _lengths(asked, "queries")), k, exclude_self
    )
    return Neighbours(found.indices, found.distances**2 / 2)


def checked_vectors(vectors: Any, name: str = "vectors") -> Tensor:
    """Vectors as a float Tensor (n, d), finite; raises an InputError that names the mend."""
    given = getattr(vectors, "vectors", vectors)
    try:
        if not isinstance(given, Tensor):
            table = np.require(given, requirements=["C", "W"])  # copied only if it must be
            given = torch.from_numpy(table.astype(table.dtype.newbyteorder("="), copy=False))
        found = given.detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{name} are numbers of shape (n, d), not {type(given).__name__}: {error}"
        ) from error
    if found.ndim == 1 and name == "queries":
        found = found[None]
    if found.ndim != 2 or not found.numel() or found.is_complex():
        raise InputError(f"{name} have the shape (n, d), not {tuple(found.shape)}; flatten them first")
    found = found if found.dtype == torch.float64 else found.float()
    # A sum is found many times faster; it can also overflow, so that only the second look decides.
    if not torch.isfinite(found.sum()) and not torch.isfinite(found).all():
        row = int((~torch.isfinite(found)).any(1).nonzero()[0])
        raise InputError(
            f"row {row} of {name} holds a NaN or an infinity: leave it out, or look where it comes from"
        )
    return found


class _Rows(NamedTuple):
    """Vectors, and by what each is divided (in double precision, (n, 1)) once its values are needed."""

    given: Tensor
    lengths: Tensor | None = None

    def part(self, which: Any) -> _Rows:
        return _Rows(self.given[which], None if self.lengths is None else self.lengths[which])

    def values(self, dtype: torch.dtype | None = None) -> Tensor:
        """The vectors, by default as precise as they were given."""
        found = self.given if dtype is None else self.given.to(dtype)
        return found if self.lengths is None else found / self.lengths.to(found.dtype)


def _nearest(table: _Rows, asked: _Rows, k: int, exclude_self: bool) -> Neighbours:
    """A first look in single precision finds who may be near; those are then measured exactly."""
    indices = np.empty((len(asked.given), k), np.int64)
    distances = np.empty((len(asked.given), k))
    many = len(table.given)
    n = min(k + _SPARE + exclude_self, many)
    look, in_double = _Look(table.values(), torch.float32), None
    rows = max(1, _CHUNK // many)
    for start in range(0, len(asked.given), rows):
        stop = min(start + rows, len(asked.given))
        part = asked.part(slice(start, stop))
        own = torch.arange(start, stop) if exclude_self else None
        found, beyond = look(part.values(), n)
        near, far = _measured(table, part, found, k, own)
        unsure = ~(far[:, -1] <= beyond)  # one that was left out may be nearer, but for rounding
        if n < many and unsure.any():
            in_double = in_double or _Look(table.values(torch.float64), torch.float64)
            part, own = part.part(unsure), None if own is None else own[unsure]
            found, _ = in_double(part.values(torch.float64), n)
            near[unsure], far[unsure] = _measured(table, part, found, k, own)
        indices[start:stop], distances[start:stop] = near.numpy(), far.numpy()
    return Neighbours(indices, distances)


class _Look:
    """Squared distances of many from many, by one product of matrices, which rounds."""

    def __init__(self, table: Tensor, dtype: torch.dtype) -> None:
        self._middle = table.mean(0)  # less is lost to rounding near zero
        self._centred = (table - self._middle).to(dtype)
        lengths = torch.linalg.vector_norm(self._centred, dim=1)
        self._squares, self._longest = lengths.square(), lengths.max()
        self._rounding = 16 * torch.finfo(dtype).eps

    def __call__(self, asked: Tensor, n: int) -> tuple[Tensor, Tensor]:
        """The n that seem nearest (q, n), in order of their numbers; and how near the others may be (q,)."""
        given = (asked - self._middle).to(self._centred.dtype)
        lengths = torch.linalg.vector_norm(given, dim=1)
        near = torch.addmm(self._squares[None], given, self._centred.T, alpha=-2)
        far, found = _smallest(near, n)
        others = far.amax(1) + lengths.square() - self._rounding * (self._longest + lengths).square()
        return found.sort(1).values, others.double().clamp(min=0).sqrt()


def _smallest(values: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The n smallest of each row, and where they are: within the n groups whose own smallest are smallest."""
    whole = values.shape[1] // _GROUP
    if whole <= 2 * n:
        return values.topk(n, dim=1, largest=False, sorted=False)
    groups = values[:, : whole * _GROUP].unflatten(1, (whole, _GROUP))
    chosen = groups.amin(2).topk(n, dim=1, largest=False, sorted=False).indices
    within = (chosen[:, :, None] * _GROUP + torch.arange(_GROUP)).flatten(1)
    rest = torch.arange(whole * _GROUP, values.shape[1]).expand(len(values), -1)
    places = torch.cat([within, rest], 1)
    far, found = values.gather(1, places).topk(n, dim=1, largest=False, sorted=False)
    return far, places.gather(1, found)


def _measured(table: _Rows, asked: _Rows, found: Tensor, k: int, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """The k nearest among those found, and their distances, in double precision."""
    exact = torch.empty(found.shape, dtype=torch.float64)
    rows = max(1, _CLOSE // (found.shape[1] * table.given.shape[1]))
    for part in torch.arange(len(asked.given)).split(rows):
        near = table.part(found[part].flatten()).values(torch.float64)
        apart = near.unflatten(0, found[part].shape) - asked.part(part).values(torch.float64)[:, None]
        exact[part] = torch.linalg.vector_norm(apart, dim=2)
    if own is not None:
        exact = exact.masked_fill(found == own[:, None], torch.inf)
    order = exact.argsort(dim=1, stable=True)[:, :k]
    return found.gather(1, order), exact.gather(1, order)


def _lengths(vectors: Tensor, name: str) -> Tensor:
    found = torch.linalg.vector_norm(vectors, dim=1, keepdim=True, dtype=torch.float64)
    if (found == 0).any():
        row = int((found[:, 0] == 0).nonzero()[0])
        raise InputError(f"row {row} of {name} is all zeros, and has no direction: use metric='l2'")
    return found
