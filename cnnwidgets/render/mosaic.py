"""All channels of a layer as tiles of one picture."""

from math import ceil

import numpy as np

from .colormaps import DIVERGING, colorize, display_range

#: Colour between the tiles, and of places without a tile.
GAP = (255, 255, 255)


def grid_columns(n: int, height: int, width: int, aspect: float = 1.0) -> int:
    """Number of columns with which `n` tiles are largest in a box of the given aspect.

    Parameters
    ----------
    n : int
        Number of tiles.
    height, width : int
        Size of one tile.
    aspect : float
        Width of the box divided by its height.

    Returns
    -------
    int
        Between 1 and `n`.

    Examples
    --------
    >>> grid_columns(64, 12, 12), grid_columns(64, 12, 24), grid_columns(8, 10, 10, aspect=2.0)
    (8, 6, 4)
    """
    # in a box of width `aspect` and height 1, tiles are min(aspect / columns / width, 1 / rows / height)
    # large
    return max(range(1, max(n, 1) + 1), key=lambda c: min(aspect / (c * width), 1 / (ceil(n / c) * height)))


def mosaic(
    maps: np.ndarray,
    columns: int | None = None,
    *,
    order: "list[int] | None" = None,
    scale: str = "shared",
    colormap: str = "viridis",
    gap: int = 1,
    gap_colour: tuple[int, int, int] = GAP,
) -> np.ndarray:
    """Draw each channel as a tile, row by row.

    Parameters
    ----------
    maps : ndarray of float, shape (C, H, W)
        Activation maps.
    columns : int, optional
        Tiles in a row; by default as many as make the picture about square.
    order : list of int, optional
        Channels in the order in which they are drawn; by default all, as they are.
    scale : {"shared", "tile"}
        One range of values for all tiles, so that they can be compared, or each tile its own, so that weak
        ones show their pattern. See `display_range` for what zero becomes.
    colormap : str
        Name of a colour map.
    gap : int
        Pixels between the tiles.
    gap_colour : tuple of three int
        Colour of the gaps.

    Returns
    -------
    ndarray of uint8, shape (rows * (H + gap) - gap, columns * (W + gap) - gap, 3)
        Channels that are zero everywhere have one flat colour, also with ``scale="tile"``; NaN and infinite
        values are mid-grey.

    Raises
    ------
    ValueError
        If the shape, `scale` or `columns` is not one of those above.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.array([[[0.0, 1.0]], [[2.0, 4.0]]])
    >>> mosaic(maps, columns=2, colormap="gray", gap=0)[..., 0].tolist()
    [[0, 64, 128, 255]]
    """
    maps = np.asarray(maps, dtype=np.float64)
    if maps.ndim != 3:
        raise ValueError(f"maps must have the shape (channels, height, width), not {maps.shape}")
    if scale not in ("shared", "tile"):
        raise ValueError(f"scale must be 'shared' or 'tile', not {scale!r}")
    if columns is not None and columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}")
    order = range(len(maps)) if order is None else order
    n, (height, width) = len(order), maps.shape[1:]
    columns = min(columns or grid_columns(n, height + gap, width + gap), max(n, 1))
    rows = max(ceil(n / columns), 1)
    picture = np.empty((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), np.uint8)
    picture[:] = gap_colour
    shared = _range(maps, colormap)
    for place, channel in enumerate(order):
        lo, hi = shared if scale == "shared" else _range(maps[channel], colormap, signed=shared[0] < 0)
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        picture[top : top + height, left : left + width] = colorize(maps[channel], colormap, lo, hi)
    return picture


def _range(values: np.ndarray, colormap: str, signed: bool = False) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return (0.0, 0.0)
    lo, hi = float(finite.min()), float(finite.max())
    # in a layer with both signs, a tile that happens to be positive is not a map after a ReLU
    return (lo, hi) if signed and colormap not in DIVERGING else display_range(lo, hi, colormap)
