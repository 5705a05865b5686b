"""Colour maps as look-up tables of 256 colours, and which numbers their two ends stand for."""

from difflib import get_close_matches
from functools import cache

import numpy as np

#: The colour maps that the widgets offer; the first is the default.
COLORMAPS = ("viridis", "magma", "inferno", "cividis", "gray", "RdBu_r", "coolwarm")

#: Those with a neutral middle: they are drawn with zero in the middle, so that the hue tells the sign.
#: The first is the default for values of both signs.
DIVERGING = ("RdBu_r", "coolwarm")


@cache
def lut(name: str) -> np.ndarray:
    """Look-up table of a colour map.

    Parameters
    ----------
    name : str
        Any colour map of matplotlib, such as ``"viridis"``; `COLORMAPS` are those that the widgets offer.

    Returns
    -------
    ndarray of uint8, shape (256, 3)
        Red, green and blue from the lowest to the highest value. Read-only, as it is shared.

    Raises
    ------
    ValueError
        If there is no such colour map; names the nearest.

    Examples
    --------
    >>> lut("gray")[[0, 128, 255]].tolist()
    [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    """
    from matplotlib import colormaps  # here, since importing matplotlib takes longer than most uses of render

    if name not in colormaps:
        nearest = ", ".join(
            repr(match) for match in get_close_matches(str(name), list(colormaps), n=3, cutoff=0.4)
        )
        raise ValueError(f"there is no colour map {name!r}; nearest: {nearest or ', '.join(COLORMAPS)}")
    # rounded here, as matplotlib cuts off: its gray has no 33
    table = np.rint(colormaps[name](np.arange(256))[:, :3] * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def display_range(lo: float, hi: float, colormap: str) -> tuple[float, float]:
    """Values at the two ends of a colour map, for data that reach from `lo` to `hi`.

    Zero keeps its meaning: it is the lowest colour of maps that are nowhere negative (after a ReLU), and the
    middle of a diverging colour map. Only maps with both signs in a sequential colour map start at `lo`.

    Parameters
    ----------
    lo, hi : float
        Smallest and largest value of the data.
    colormap : str
        Name of the colour map.

    Returns
    -------
    tuple of two floats
        ``(0, 0)`` for data that are zero everywhere.

    Examples
    --------
    >>> display_range(0.5, 3.0, "viridis"), display_range(-1.0, 3.0, "viridis")
    ((0.0, 3.0), (-1.0, 3.0))
    >>> display_range(-1.0, 3.0, "coolwarm")
    (-3.0, 3.0)
    """
    if colormap in DIVERGING:
        end = max(abs(lo), abs(hi))
        return (-float(end), float(end))
    return (0.0 if lo >= 0 else float(lo), float(hi))


def colorize(values: np.ndarray, colormap: str, lo: float, hi: float) -> np.ndarray:
    """Colours of `values` when the colour map runs from `lo` to `hi`.

    Parameters
    ----------
    values : ndarray
        Any shape; values outside the range take the colour of its end.
    colormap : str
        Name of the colour map.
    lo, hi : float
        Values at the ends. With ``lo == hi`` everything gets one colour: the middle one of a diverging map,
        else the lowest, so that a flat map never looks like a pattern.

    Returns
    -------
    ndarray of uint8, shape ``values.shape + (3,)``
        NaN and infinite values are mid-grey (128, 128, 128), which no table contains by accident of scaling.

    Examples
    --------
    >>> import numpy as np
    >>> colorize(np.array([0.0, 1.0, np.nan]), "gray", 0.0, 1.0).tolist()
    [[0, 0, 0], [255, 255, 255], [128, 128, 128]]
    """
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    flat = 127.5 if colormap in DIVERGING else 0.0
    if hi > lo:
        # divided before it is subtracted: hi - lo may overflow where hi and lo do not
        share = np.where(finite, values, lo) / 2 - lo / 2
        index = share / (hi / 2 - lo / 2) * 255
    else:
        index = np.full(values.shape, flat)
    colours = lut(colormap)[np.clip(np.floor(index + 0.5), 0, 255).astype(np.uint8)]
    return np.where(finite[..., None], colours, np.uint8(128))
