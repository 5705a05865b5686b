"""What a heat map's cells, colours and bar stand for; the front end does the same in static/heat/."""

from collections.abc import Sequence

import numpy as np

from ..render import DIVERGING

#: Colours of classes that people with any kind of colour vision can tell apart: those of Okabe and Ito (less
#: black, as pictures have it themselves), then some of Paul Tol's "muted" scheme.
PALETTE = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7",
    "#332288", "#ddcc77", "#882255", "#44aa99", "#661100", "#aa4499", "#999933", "#88ccee", "#117733",
)  # fmt: skip

#: Classes that a legend lists; all others share one grey.
LISTED = 8

OTHER = "#8c8c8c"

#: Values that differ by no more than this share of their size are the same, up to rounding in float32.
NOISE = 1e-6


def centres_of(given: Sequence[float], n: int, length: int) -> np.ndarray:
    """Pixel in the middle of each of `n` cells on an axis; without `given`, cells share the length evenly."""
    return np.asarray(given, float) if len(given) else (np.arange(n) + 0.5) * length / n - 0.5


def whole(centre: float) -> int:
    """The pixel at a centre; where that lies between two pixels, the second."""
    return int(np.floor(centre + 0.5))


def cells_of(centres: np.ndarray, length: int, many: int) -> np.ndarray:
    """Cell of each of `many` places that lie evenly along an axis: the one with the nearest centre."""
    edges = (centres[1:] + centres[:-1]) / 2 + 0.5
    return np.searchsorted(edges, (np.arange(many) + 0.5) * length / many, side="right")


def weights_of(centres: np.ndarray, length: int, many: int) -> np.ndarray:
    """Shares of the cells in each of `many` places between their centres, shape (many, n)."""
    places = (np.arange(many) + 0.5) * length / many - 0.5
    return np.stack([np.interp(places, centres, row) for row in np.eye(len(centres))], axis=1)


def bar_ends(
    values: np.ndarray,
    low: float | None,
    high: float | None,
    baseline: float | None,
    least: float = 0.0,
    diverging: bool = False,
    unit: str = "",
    noise: float = 0.0,
) -> tuple[float, float] | None:
    """Values at the ends of the colour bar; equal if everything is the same, None if nothing is known."""
    finite = values[np.isfinite(values)].astype(float)
    if not finite.size and (low is None or high is None):
        return None
    every = [] if baseline is None else [baseline]
    if finite.size:
        every += [finite.min(), finite.max()]
    lo = min(every) if low is None else low
    hi = max(every) if high is None else high
    if low is None and high is None:
        if diverging:
            end = max(abs(lo), abs(hi), least / 2)
            return (-end, end)
        if hi - lo < least:
            middle = (lo + hi) / 2
            start = middle - least / 2
            if unit == "probability":
                start = min(start, 1 - least)
            if lo >= 0:
                start = max(start, 0.0)  # what cannot be negative gets no negative numbers on its bar
            return (start, start + least)
        if hi - lo <= noise:
            return (lo, lo)
    elif low is None:
        lo = min(lo, high - least)
    elif high is None:
        hi = max(hi, low + least)
    return (lo, max(lo, hi))


def is_diverging(colormap: str) -> bool:
    """Whether zero belongs in the middle of a colour map."""
    return colormap in DIVERGING


def nice_ticks(lo: float, hi: float, most: int) -> list[float]:
    """Round numbers between `lo` and `hi`, at most `most`: multiples of 1, 2 or 5 times a power of ten."""
    if not hi > lo:
        return [lo]
    rough = (hi - lo) / max(most, 1)
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough * 0.999)
    first, last = int(np.ceil(lo / step - 1e-6)), int(np.floor(hi / step + 1e-6))
    return [float(i * step) for i in range(first, last + 1)]


def ranked_classes(values: np.ndarray, counted: np.ndarray) -> list[tuple[int, float]]:
    """Classes among the counted cells and their share of them, most frequent first."""
    present, counts = np.unique(values[counted & np.isfinite(values)].astype(int), return_counts=True)
    order = np.lexsort((present, -counts))
    return [(int(present[i]), float(counts[i] / counts.sum())) for i in order]


def colour_slots(before: Sequence[int], ranking: Sequence[int], n_names: int) -> list[int]:
    """Class of each colour of the palette, -1 for a free one.

    The most frequent classes get the first colours, which differ most. A class keeps its colour as long as it
    is in the map: so it does while a scan goes on; and for good where there are few classes.
    """
    if n_names <= LISTED:
        return list(range(n_names))
    slots = [index if index in ranking else -1 for index in before[: len(PALETTE)]]
    slots += [-1] * (len(PALETTE) - len(slots))
    for index in ranking[: len(PALETTE)]:
        if index not in slots and -1 in slots:
            slots[slots.index(-1)] = index
    return slots
