"""Grid view: images laid out on a grid by their places in a map."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError
from ..whole import at_least

MOST = 1600
"""Cells: some seconds; the time of the assignment grows with the cube of their number."""


def grid_layout(points: Any, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Give each point a cell of a grid of its own, all of them together as near as can be.

    The sum of squared distances between points (stretched to the grid) and cells is the least possible; the
    assignment is solved by ``scipy.optimize.linear_sum_assignment``. The first axis of the map runs to the
    right, the second one up.

    Parameters
    ----------
    points : array, shape (n, 2)
    shape : (int, int), optional
        Rows and columns; about square if not given. Cells that are left over stay empty.

    Returns
    -------
    ndarray of int64, shape (n, 2)
        Row and column of each point, no two alike.

    Raises
    ------
    InputError
        If there are more points than cells, or more than 1,600 cells.

    References
    ----------
    Karpathy, "t-SNE visualization of CNN codes", 2014, shows such grids.

    Examples
    --------
    >>> grid_layout([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).tolist()
    [[1, 0], [1, 1], [0, 0], [0, 1]]
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    from .neighbours import checked_vectors

    places = checked_vectors(points, "points").numpy().astype(np.float64)
    if places.shape[1] != 2:
        raise InputError(f"points have two numbers each, not {places.shape[1]}: project them first")
    n = len(places)
    if shape is None:
        columns = int(np.ceil(np.sqrt(n)))
        shape = -(-n // columns), columns
    try:
        rows, columns = shape
    except (TypeError, ValueError):
        raise InputError(f"shape is (rows, columns), not {shape!r}") from None
    at_least(1, rows=rows, columns=columns)
    if rows * columns < n:
        raise InputError(f"{n} points do not fit into {rows} × {columns} cells")
    if rows * columns > MOST:
        raise InputError(f"a grid has at most {MOST:,} cells, not {rows * columns:,}: show fewer images")
    spread = np.ptp(places, axis=0)
    places = (places - places.min(0)) / np.where(spread > 0, spread, 1)
    places = np.where(spread > 0, places, 0.5)
    cells = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1).reshape(-1, 2)
    wanted = np.stack([(1 - places[:, 1]) * (rows - 1), places[:, 0] * (columns - 1)], 1)
    chosen = linear_sum_assignment(cdist(wanted, cells, "sqeuclidean"))[1]
    return cells[chosen]
