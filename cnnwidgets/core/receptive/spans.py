"""What each unit of a row sees of the image, clipped at every layer: one (start, stop) of pixels a unit."""

import numpy as np

Spans = np.ndarray
"""Shape (n, 2), half-open; a unit that sees nothing but padding has start >= stop."""

NOTHING = (np.iinfo(np.int64).max, np.iinfo(np.int64).min)  # so that a hull with it changes nothing


def of_pixels(length: int) -> Spans:
    """Each pixel sees itself."""
    start = np.arange(length)
    return np.stack([start, start + 1], axis=1)


def hull(one: Spans, other: Spans) -> Spans:
    """What both see together, unit by unit."""
    return np.stack([np.minimum(one[:, 0], other[:, 0]), np.maximum(one[:, 1], other[:, 1])], axis=1)


def taken(spans: Spans, places: np.ndarray) -> Spans:
    """The units in these places; one outside is padding."""
    inside = (places >= 0) & (places < len(spans))
    found = spans[places.clip(0, len(spans) - 1)]
    found[~inside] = NOTHING
    return found


def swept(spans: Spans, kernel: int, stride: int, before: int, dilation: int, n: int) -> Spans:
    """After a window slid over the units; a tap outside of them reads padding."""
    first = np.arange(n) * stride - before
    seen = taken(spans, first)
    for tap in range(1, kernel):
        seen = hull(seen, taken(spans, first + tap * dilation))
    return seen
