"""Where the squares are: their centres, the pixels they cover, and the order in which they are tried."""

from collections.abc import Iterator
from operator import index

import numpy as np

from ..errors import InputError


def centres(length: int, stride: int) -> np.ndarray:
    """Pixels along one side of an image on which squares are centred.

    As many as fit, the same distance from both ends (to half a pixel): every pixel for a stride of 1.

    Parameters
    ----------
    length : int
        Height or width of the image.
    stride : int
        Pixels from one centre to the next.

    Returns
    -------
    ndarray of int64, shape (ceil(length / stride),)

    Examples
    --------
    >>> centres(8, 4), centres(5, 1)
    (array([1, 5]), array([0, 1, 2, 3, 4]))
    """
    n = -(-length // stride)
    return (length - 1 - (n - 1) * stride) // 2 + stride * np.arange(n)


def covered(centre: np.ndarray, size: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """First pixel and end (one after the last) of squares along one side, clipped at the border.

    A square of an even size has one pixel more after its centre than before.

    Examples
    --------
    >>> covered(np.array([0, 3, 6]), 4, 7)
    (array([0, 2, 5]), array([3, 6, 7]))
    """
    first = np.asarray(centre) - (size - 1) // 2
    return np.maximum(first, 0), np.minimum(first + size, length)


def coarse_to_fine(n_rows: int, n_columns: int) -> Iterator[tuple[int, np.ndarray]]:
    """Cells of a lattice in the order of a picture that grows sharper.

    Yields
    ------
    step : int
        Every how many cells there is one that has been listed, once these are: 8, 4, 2, 1, say.
    cells : ndarray of int64, shape (n, 2)
        Row and column of those that are new. No cell is listed twice.

    Examples
    --------
    >>> [(step, cells.tolist()) for step, cells in coarse_to_fine(1, 5)]
    [(2, [[0, 0], [0, 2], [0, 4]]), (1, [[0, 1], [0, 3]])]
    """
    step = 1
    while step * 4 < max(n_rows, n_columns):  # the first look has at most 4 x 4 cells
        step *= 2
    listed = np.zeros((n_rows, n_columns), bool)
    while step:
        level = np.zeros_like(listed)
        level[_every(n_rows, step)[:, None], _every(n_columns, step)] = True
        yield step, np.argwhere(level & ~listed)
        listed |= level
        step //= 2


def _every(n: int, step: int) -> np.ndarray:
    return np.arange(0, n, step)


def alike(
    rows: np.ndarray, columns: np.ndarray, height: int, width: int, batch_size: int
) -> list[np.ndarray]:
    """Split squares into batches of such as lie equally far from the border.

    What they can have changed is clipped alike then, and a batch is computed at the size of its largest.

    Returns
    -------
    list of ndarray of int64
        Indices into ``rows`` and ``columns``, each once.
    """
    n_batches = -(-len(rows) // batch_size)
    n_bands = max(1, round(n_batches**0.5))
    by_row = np.argsort(np.minimum(rows, height - 1 - rows), kind="stable")
    depth = np.minimum(columns, width - 1 - columns)
    batches = []
    for band in np.array_split(by_row, n_bands):
        band = band[np.argsort(depth[band], kind="stable")]
        batches += np.array_split(band, -(-len(band) // batch_size)) if len(band) else []
    return batches


def checked_pair(name: str, value: object) -> tuple[int, int]:
    """A size or stride as (rows, columns), from one whole number for both or from two.

    Raises
    ------
    InputError
        If it is neither, or smaller than 1.
    """
    try:
        pair = (
            (index(value), index(value)) if not isinstance(value, (tuple, list)) else tuple(map(index, value))
        )
    except TypeError:
        pair = ()
    if len(pair) != 2 or min(pair) < 1:
        raise InputError(
            f"{name} is a number of pixels of at least 1, or (rows, columns) of them, not {value!r}"
        )
    return pair
