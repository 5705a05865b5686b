"""Weights in one signed byte each, and as pixels in which zero is mid-grey."""

import numpy as np

#: What zero looks like in `signed_pixels`.
MIDDLE = 128


def quantise_signed(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantise each filter to whole numbers from -127 to 127, in which 0 is exactly zero.

    Parameters
    ----------
    weights : ndarray of float, shape (n, ...)

    Returns
    -------
    codes : ndarray of int8, same shape
        A code times ``scale / 127`` is the weight, with an error of at most half a step.
    scales : ndarray of float32, shape (n,)
        Largest magnitude of each filter; NaN for one that holds a NaN or an infinity (its codes are 0).

    Raises
    ------
    ValueError
        If the numbers are complex.

    Examples
    --------
    >>> import numpy as np
    >>> codes, scales = quantise_signed(np.array([[0.0, -2.0, 1.0], [0.0, 0.0, 0.0]]))
    >>> codes.tolist(), scales.tolist()
    ([[0, -127, 64], [0, 0, 0]], [2.0, 0.0])
    """
    weights = np.asarray(weights)
    if np.iscomplexobj(weights):
        raise ValueError(
            "weights must be real numbers, not complex ones: pass their real part or absolute value"
        )
    with np.errstate(over="ignore"):
        weights = weights.astype(np.float32)
    codes = np.zeros(weights.shape, np.int8)
    scales = np.full(len(weights), np.nan, np.float32)
    for filter_, values in enumerate(weights):  # one at a time: no copy of a large layer
        if np.isfinite(values).all():
            scales[filter_] = scale = np.abs(values).max(initial=0)
            if scale > 0:
                codes[filter_] = np.rint(values.astype(np.float64) / scale * 127)
    return codes, scales


def signed_pixels(weights: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Brightness of weights: zero is mid-grey, positive brighter, negative darker, both by the same measure.

    Parameters
    ----------
    weights : ndarray, any shape
    scale : float, optional
        Magnitude of white and (nearly) black; by default the largest one. Larger weights are cut off.

    Returns
    -------
    ndarray of uint8, same shape
        128 for zero, 255 for ``scale``, 1 for ``-scale``; 128 for NaN, and for all where the scale is 0.

    Examples
    --------
    >>> import numpy as np
    >>> signed_pixels(np.array([0.0, 0.5, -0.5, 0.25])).tolist()
    [128, 255, 1, 192]
    """
    weights = np.asarray(weights, np.float64)
    finite = np.where(np.isfinite(weights), weights, 0)
    if scale is None:
        scale = np.abs(finite).max(initial=0)
    share = np.clip(finite / scale, -1, 1) if scale > 0 else np.zeros(weights.shape)
    return (MIDDLE + np.rint(127 * share)).astype(np.uint8)
