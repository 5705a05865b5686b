"""A map laid over the picture that it was computed from."""

import numpy as np
from PIL import Image

from .colormaps import DIVERGING, colorize, display_range


def resize_map(values: np.ndarray, size: tuple[int, int], smooth: bool = True) -> np.ndarray:
    """Stretch a map over a picture.

    Parameters
    ----------
    values : ndarray of float, shape (h, w)
    size : tuple (H, W)
        Size of the picture, in pixels.
    smooth : bool
        Bilinear, or each cell one block of a single value (nearest neighbour).

    Returns
    -------
    ndarray of float32, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> resize_map(np.array([[0.0, 1.0]]), (1, 4), smooth=False).tolist()
    [[0.0, 0.0, 1.0, 1.0]]
    """
    method = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    picture = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(picture.resize((size[1], size[0]), method))


def overlay(
    picture: "Image.Image | np.ndarray",
    values: np.ndarray,
    alpha: float = 0.5,
    colormap: str = "viridis",
    *,
    value_range: tuple[float, float] | None = None,
    smooth: bool = True,
    fade: bool = False,
) -> np.ndarray:
    """Blend a coloured map over a picture.

    Parameters
    ----------
    picture : PIL image or ndarray of uint8, shape (H, W, 3)
    values : ndarray of float, shape (h, w)
        Stretched over the whole picture.
    alpha : float, 0 to 1
        0 shows the picture only, 1 the map only.
    colormap : str
        Name of a colour map.
    value_range : tuple (lo, hi), optional
        Values at the ends of the colour map; by default `display_range` of the map.
    smooth : bool
        See `resize_map`.
    fade : bool
        Let weak values (the middle of a diverging colour map) cover less than strong ones, so that the
        picture is seen around them; `alpha` 0 and 1 mean the same as without.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        Where the map is NaN or infinite, the picture shows through unchanged.

    Raises
    ------
    ValueError
        If `alpha` is not between 0 and 1 or the map does not have two axes.

    Examples
    --------
    >>> import numpy as np
    >>> black = np.zeros((1, 2, 3), np.uint8)
    >>> overlay(black, np.array([[0.0, 1.0]]), 0.5, "gray", smooth=False)[0].tolist()
    [[0, 0, 0], [128, 128, 128]]
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"the map must have the shape (height, width), not {values.shape}")
    if isinstance(picture, Image.Image):
        picture = picture.convert("RGB")
    pixels = np.asarray(picture, dtype=np.float64)
    finite = np.isfinite(values)
    if value_range is None:
        known = values[finite]
        value_range = display_range(known.min(), known.max(), colormap) if known.size else (0.0, 0.0)
    stretched = resize_map(np.where(finite, values, 0), pixels.shape[:2], smooth)
    shown = resize_map(finite, pixels.shape[:2], smooth=False)[..., None]
    colours = colorize(stretched, colormap, *value_range)
    cover = np.float64(alpha)
    if fade:
        lo, hi = value_range
        share = np.clip((stretched - lo) / (hi - lo), 0, 1) if hi > lo else np.zeros(stretched.shape)
        share = np.abs(2 * share - 1) if colormap in DIVERGING and hi > lo else share
        cover = (2 * alpha * share if alpha < 0.5 else share + (1 - share) * (2 * alpha - 1))[..., None]
    blended = pixels + cover * shown * (colours - pixels)
    return np.floor(blended + 0.5).astype(np.uint8)
