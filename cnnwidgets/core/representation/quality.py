"""How well a map in two dimensions tells who is near whom, as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..errors import InputError
from .neighbours import checked_vectors, nearest_neighbours

_CHUNK = 16_000_000
"""Comparisons that are made at once."""


def neighbours_kept(vectors: Any, points: Any, k: int = 10) -> float:
    r"""Which part of the k nearest neighbours is the same in the map.

    .. math:: \frac{1}{nk} \sum_i \left| N_k(x_i) \cap N_k(y_i) \right|

    Parameters
    ----------
    vectors : array or Tensor, shape (n, d), or Features
    points : array, shape (n, 2)
        Their places in the map.
    k : int

    Returns
    -------
    float
        0 to 1; about k / n for a map by chance.

    Examples
    --------
    >>> line = np.arange(20.0)[:, None]
    >>> neighbours_kept(line, np.hstack([line, line]), k=2)
    1.0
    """
    _same_number(vectors, points)
    one, other = nearest_neighbours(vectors, k=k).indices, nearest_neighbours(points, k=k).indices
    return float(np.mean((one[:, :, None] == other[:, None, :]).any(2)))


def trustworthiness(vectors: Any, points: Any, k: int = 10) -> float:
    r"""Whether neighbours in the map are neighbours in truth (Venna and Kaski 2001).

    .. math:: 1 - \frac{2}{nk(2n - 3k - 1)} \sum_i \sum_{j \in N_k(y_i)} \max\bigl(0, r(i, j) - k\bigr)

    where :math:`r(i, j)` is the rank of :math:`x_j` among the neighbours of :math:`x_i`, equally near ones
    having the same: scikit-learn's, with less memory.

    Parameters
    ----------
    vectors, points, k
        As `neighbours_kept` takes them; k below n / 2.

    Returns
    -------
    float
        1 if no false neighbour is near.

    Examples
    --------
    >>> line = np.arange(20.0)[:, None]
    >>> trustworthiness(line, np.hstack([line, line]), k=2)
    1.0
    """
    n = _same_number(vectors, points)
    if not 1 <= k < n / 2:
        raise InputError(f"k is 1 or more, and below half the number of points ({n}), not {k}")
    table = checked_vectors(vectors).double()
    near = torch.from_numpy(nearest_neighbours(points, k=k).indices)
    table = table - table.mean(0)
    squares, too_far = table.square().sum(1), 0
    for rows in torch.arange(n).split(max(1, _CHUNK // (k * n))):
        apart = torch.addmm(squares[None], table[rows], table.T, alpha=-2)  # but for the row's own square
        apart[torch.arange(len(rows)), rows] = torch.inf
        theirs = apart.gather(1, near[rows])
        ranks = 1 + (apart[:, None] < theirs[:, :, None]).sum(2)
        too_far += int((ranks - k).clamp(min=0).sum())
    return 1 - 2 * too_far / (n * k * (2 * n - 3 * k - 1))


def _same_number(vectors: Any, points: Any) -> int:
    n, m = len(checked_vectors(vectors)), len(checked_vectors(points))
    if n != m:
        raise InputError(f"{m} points are no map of {n} vectors")
    return n
