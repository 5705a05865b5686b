"""How well a map in two dimensions tells who is near whom, as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from .neighbours import checked_vectors, nearest_neighbours


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
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(one, other, strict=True)]))


def trustworthiness(vectors: Any, points: Any, k: int = 10) -> float:
    r"""Whether neighbours in the map are neighbours in truth (Venna and Kaski 2001).

    .. math:: 1 - \frac{2}{nk(2n - 3k - 1)} \sum_i \sum_{j \in N_k(y_i)} \max\bigl(0, r(i, j) - k\bigr)

    where :math:`r(i, j)` is the rank of :math:`x_j` among the neighbours of :math:`x_i`; scikit-learn's.

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
    from sklearn import manifold

    n = _same_number(vectors, points)
    if not 1 <= k < n / 2:
        raise InputError(f"k is 1 or more, and below half the number of points ({n}), not {k}")
    table = checked_vectors(vectors).numpy()
    return float(manifold.trustworthiness(table, checked_vectors(points).numpy(), n_neighbors=k))


def _same_number(vectors: Any, points: Any) -> int:
    n, m = len(checked_vectors(vectors)), len(checked_vectors(points))
    if n != m:
        raise InputError(f"{m} points are no map of {n} vectors")
    return n
