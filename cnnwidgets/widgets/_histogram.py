"""Histograms of a unit's activations: checked, and without the images that would dwarf all others."""

from typing import Any

import numpy as np

from ._traits import as_numpy


def checked_histogram(counts: Any, edges: Any, n_silent: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Counts to draw, shape (n,), edges, shape (n + 1,), and the number of images; all empty for None."""
    counts = np.asarray([] if counts is None else as_numpy(counts), np.float64)
    edges = np.asarray([] if edges is None or not counts.size else as_numpy(edges), np.float64)
    if counts.ndim != 1 or (counts.size and edges.shape != (counts.size + 1,)):
        raise ValueError(
            f"a histogram needs one edge more than counts, not {edges.size} for {counts.size} counts"
        )
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise ValueError("the edges of a histogram must be finite and rise from bin to bin")
    n_images = int(counts.sum())
    if counts.size and not 0 <= n_silent <= n_images:
        raise ValueError(f"{n_silent} silent images of {n_images} cannot be: count them in the histogram too")
    return without_zeros(counts, edges, n_silent), edges, n_images


def without_zeros(counts: np.ndarray, edges: np.ndarray, n_silent: int) -> np.ndarray:
    """Counts without the silent images that are not below zero: the many for which a ReLU gives exactly 0."""
    below = edges[1:] <= 0
    lowest = np.flatnonzero(~below)[:1]  # the bin that holds 0
    at_zero = max(n_silent - counts[below].sum(), 0)
    counts = counts.copy()
    counts[lowest] = np.maximum(counts[lowest] - at_zero, 0)
    return counts
