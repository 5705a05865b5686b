"""What an embedding scatter is given, checked: points, classes, and the part of the plane that is shown."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._traits import as_numpy

#: Different shapes of points, so that classes are told apart by more than their colour: class 0 to 7 are
#: circles, 8 to 15 squares, and so on. The front end draws the same, see static/scatter/stamps.js.
SHAPES = ("circle", "square", "triangle", "diamond", "plus", "cross")

#: Classes of one shape.
OF_ONE_SHAPE = 8

#: Of a live map: it stays where it is as long as the points lie inside and cover this share of it.
COVERED = 0.6
#: And there is so much room around them when it moves.
ROOM = 0.1

MOST_CLASSES = 32_000


def points_of(points: Any, n: int | None = None) -> np.ndarray:
    """Points as float32 of shape (n, 2), in memory order."""
    array = np.asarray(as_numpy(points))
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"points must have the shape (n, 2), not {array.shape}")
    if np.iscomplexobj(array) or array.dtype.kind not in "fiub":
        raise ValueError(f"points must be real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float32)
    if wrong := int((~np.isfinite(array)).any(1).sum()):
        raise ValueError(
            f"{wrong} of the {len(array)} points are not finite in single precision: leave them out"
        )
    if n is not None and len(array) != n:
        raise ValueError(
            f"there must be one point for each of the {n} that are shown, not {len(array)}: "
            "use show() for other data, add() for more"
        )
    return array


def classes_of(labels: Any, names: "Sequence[str] | None", n: int) -> tuple[np.ndarray, list[str]]:
    """Class of each point as int16, -1 for none, and the names of the classes."""
    if labels is None:
        return np.full(n, -1, np.int16), [str(name) for name in names or []]
    array = np.asarray(as_numpy(labels))
    if array.shape != (n,):
        raise ValueError(
            f"labels must have one entry for each of the {n} points, not the shape {array.shape}"
        )
    if array.dtype.kind in "USO":
        return _named(array, names)
    whole = array.astype(np.int64) if array.dtype.kind in "iub" or np.isfinite(array).all() else None
    if whole is None or (whole != array).any() or (whole < -1).any():
        raise ValueError("labels must be whole numbers from 0 (or -1 for none), or names")
    most = int(whole.max(initial=-1))
    if most >= MOST_CLASSES:
        raise ValueError(f"label {most} is too large: number the classes from 0")
    if names is not None and most >= len(names):
        raise ValueError(f"label {most} has no name: there are {len(names)}, for the classes from 0")
    names = [str(i) for i in range(most + 1)] if names is None else [str(name) for name in names]
    return whole.astype(np.int16), names


def _named(labels: np.ndarray, names: "Sequence[str] | None") -> tuple[np.ndarray, list[str]]:
    texts = [None if label is None else str(label) for label in labels]
    known = [str(name) for name in names] if names is not None else sorted({*texts} - {None})
    place = {None: -1, **{name: i for i, name in enumerate(known)}}
    if missing := [text for text in texts if text not in place]:
        raise ValueError(f"the label {missing[0]!r} is not among the names")
    return np.array([place[text] for text in texts], np.int16), known


def texts_of(sources: "Sequence[Any] | None", n: int) -> list[str]:
    """One text for each point, or none at all."""
    if sources is None:
        return []
    if isinstance(sources, str) or len(sources) != n:
        raise ValueError(f"sources must have one text for each of the {n} points")
    return [str(source) for source in sources]


def frame_of(points: np.ndarray, before: "Sequence[float] | None" = None) -> list[float]:
    """Left, bottom, right and top of the part of the plane that holds all points.

    With the frame `before`, that one as long as it will do: a live map would tremble otherwise.
    """
    if not len(points):
        return [0.0, 0.0, 1.0, 1.0]
    lo, hi = points.min(0).astype(float), points.max(0).astype(float)
    longest = (hi - lo).max()
    if before:
        first, last = np.array(before[:2]), np.array(before[2:])
        if (lo >= first).all() and (hi <= last).all() and longest >= COVERED * (last - first).max():
            return list(before)
        lo, hi = lo - ROOM * longest, hi + ROOM * longest
    # points on a line, or all in one place, are in the middle of something
    least = max(0.1 * longest, 1e-6 * np.abs([lo, hi]).max(), 1e-30)
    lack = np.maximum(least - (hi - lo), 0) / 2
    return [*(lo - lack).tolist(), *(hi + lack).tolist()]


def look_of(index: int, n_colours: int) -> tuple[int, str]:
    """Colour, as its place in the palette, and shape of a class."""
    return index % n_colours, SHAPES[index // OF_ONE_SHAPE % len(SHAPES)]
