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
    if metric == "cosine":
        table, asked = _unit(table, "vectors"), _unit(asked, "queries")
    return _nearest(table, asked, k, metric, exclude_self)


def checked_vectors(vectors: Any, name: str = "vectors") -> Tensor:
    """Vectors as a float Tensor (n, d), finite; raises an InputError that names the mend."""
    given = getattr(vectors, "vectors", vectors)
    try:
        found = given.detach().cpu() if isinstance(given, Tensor) else torch.as_tensor(np.asarray(given))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} are numbers of shape (n, d), not {type(given).__name__}: {error}"
        ) from error
    if found.ndim == 1 and name == "queries":
        found = found[None]
    if found.ndim != 2 or not found.numel() or found.is_complex():
        raise InputError(f"{name} have the shape (n, d), not {tuple(found.shape)}; flatten them first")
    found = found if found.dtype == torch.float64 else found.float()
    if not torch.isfinite(found).all():
        row = int((~torch.isfinite(found)).any(1).nonzero()[0])
        raise InputError(
            f"row {row} of {name} holds a NaN or an infinity: leave it out, or look where it comes from"
        )
    return found


def _nearest(table: Tensor, asked: Tensor, k: int, metric: str, exclude_self: bool) -> Neighbours:
    indices = np.empty((len(asked), k), np.int64)
    distances = np.empty((len(asked), k))
    middle = table.mean(0)  # less is lost to rounding near zero
    centred, squares = table - middle, (table - middle).square().sum(1)
    rows = max(1, _CHUNK // len(table))
    n = min(k + _SPARE + exclude_self, len(table))
    for start in range(0, len(asked), rows):
        part = asked[start : start + rows]
        near = torch.addmm(
            squares[None], part - middle, centred.T, alpha=-2
        )  # but for the query's own square
        found = near.topk(n, dim=1, largest=False, sorted=False).indices.sort(1).values
        exact = torch.linalg.vector_norm(table[found].double() - part[:, None].double(), dim=2)
        if exclude_self:
            own = torch.arange(start, start + len(part))[:, None]
            exact = exact.masked_fill(found == own, torch.inf)
        order = exact.argsort(dim=1, stable=True)[:, :k]
        indices[start : start + len(part)] = found.gather(1, order).numpy()
        chosen = exact.gather(1, order)
        distances[start : start + len(part)] = (chosen.square() / 2 if metric == "cosine" else chosen).numpy()
    return Neighbours(indices, distances)


def _unit(vectors: Tensor, name: str) -> Tensor:
    length = torch.linalg.vector_norm(vectors.double(), dim=1, keepdim=True)
    if (length == 0).any():
        row = int((length[:, 0] == 0).nonzero()[0])
        raise InputError(f"row {row} of {name} is all zeros, and has no direction: use metric='l2'")
    return vectors.double() / length
