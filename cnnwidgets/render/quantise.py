"""Activation maps in one byte a value, small enough to send a whole layer to the browser at once."""

import numpy as np


def quantise(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantise each channel to 256 steps between its own smallest and largest value.

    Parameters
    ----------
    maps : ndarray of float, shape (C, H, W)
        Activation maps.

    Returns
    -------
    codes : ndarray of uint8, shape (C, H, W)
        0 stands for the channel's smallest value, 255 for its largest; `dequantise` goes back, with an
        error of at most half a step. Zero stays exactly zero in maps that are nowhere negative.
    ranges : ndarray of float32, shape (C, 2)
        Smallest and largest value of each channel. Both are NaN for a channel that holds a NaN or an infinite
        value (its codes are 0): such a map has no scale, and is said rather than drawn.

    Raises
    ------
    ValueError
        If `maps` does not have three axes, or its numbers are complex.

    Examples
    --------
    >>> import numpy as np
    >>> codes, ranges = quantise(np.array([[[0.0, 1.0, 5.0]], [[2.0, 2.0, 2.0]]]))
    >>> codes[:, 0].tolist(), ranges.tolist()
    ([[0, 51, 255], [0, 0, 0]], [[0.0, 5.0], [2.0, 2.0]])
    """
    maps = np.asarray(maps)
    if maps.ndim != 3:
        raise ValueError(f"maps must have the shape (channels, height, width), not {maps.shape}")
    if np.iscomplexobj(maps):
        raise ValueError("maps must be real numbers, not complex ones: pass their absolute value")
    with np.errstate(over="ignore"):
        maps = maps.astype(np.float32)
    codes = np.zeros(maps.shape, np.uint8)
    ranges = np.full((len(maps), 2), np.nan, np.float32)
    for channel, values in enumerate(maps):  # a channel at a time: no copy of a large layer
        if values.size and np.isfinite(values).all():
            lo, hi = values.min(), values.max()
            ranges[channel] = lo, hi
            step = (np.float64(hi) - np.float64(lo)) / 255
            if step > 0:
                codes[channel] = np.rint((values.astype(np.float64) - lo) / step)
    return codes, ranges


def dequantise(codes: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Values that the codes of `quantise` stand for.

    Parameters
    ----------
    codes : ndarray of uint8, shape (C, H, W)
    ranges : ndarray of float32, shape (C, 2)

    Returns
    -------
    ndarray of float32, shape (C, H, W)
        All NaN in the channels whose range is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> dequantise(np.array([[[0, 51, 255]]], np.uint8), np.array([[0, 5]], np.float32)).tolist()
    [[[0.0, 1.0, 5.0]]]
    """
    lo, hi = np.asarray(ranges, np.float64).T[:, :, None, None]
    return (lo + np.asarray(codes) / 255 * (hi - lo)).astype(np.float32)
