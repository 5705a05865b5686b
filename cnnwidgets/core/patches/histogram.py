"""Histograms of values whose range is not known beforehand."""

import numpy as np

BINS = 64
HALF = BINS // 2
UNSET = np.iinfo(np.int16).min
FINEST = -1074
"""Binary logarithm of the smallest number: no bin is narrower."""


class Histograms:
    """One histogram for each unit, with bins that double in width when a value lies outside of them.

    Bin ``i`` of a unit holds the values from ``(i - 32) * w`` to ``(i - 31) * w``, where the width ``w`` is a
    power of two. Two neighbouring bins become one exactly, so neither the order of the values nor merging
    changes the result.

    Attributes
    ----------
    counts : ndarray of int64, shape (n_units, 64)
    exponents : ndarray of int16, shape (n_units,)
        Binary logarithm of the width; a value of its own while all values were 0.
    """

    def __init__(self, n_units: int) -> None:
        self.counts = np.zeros((n_units, BINS), np.int64)
        self.exponents = np.full(n_units, UNSET, np.int16)

    def add(self, values: np.ndarray) -> None:
        """Count values, shape (N, n_units); those that are not finite are left out."""
        finite = np.isfinite(values)
        values = np.where(finite, values, 0.0)
        self._widen(_needed(np.abs(values).max(axis=0, initial=0.0)))
        # ldexp is exact, so that a value on the border between two bins always goes to the upper one
        scaled = np.floor(np.ldexp(values.astype(np.float64), -self._exponents_for_use()))
        scaled = np.where(values < 0, np.minimum(scaled, -1), scaled)  # one that came out as -0.0 is below 0
        bins = scaled.astype(np.int64).clip(-HALF, HALF - 1) + HALF
        places = bins + np.arange(values.shape[1]) * BINS
        self.counts += np.bincount(places[finite], minlength=self.counts.size).reshape(self.counts.shape)

    def merge(self, other: "Histograms") -> None:
        """Add the counts of other histograms of the same units."""
        finer = other.copy()
        self._widen(other.exponents)
        finer._widen(self.exponents)
        self.counts += finer.counts

    def copy(self) -> "Histograms":
        """Histograms of their own with the same counts."""
        other = Histograms(0)
        other.counts, other.exponents = self.counts.copy(), self.exponents.copy()
        return other

    def edges(self, unit: int) -> np.ndarray:
        """Where the bins of a unit begin and end, shape (65,)."""
        with np.errstate(over="ignore"):  # the last one may lie beyond the greatest number
            return np.ldexp(np.arange(-HALF, HALF + 1.0), int(self._exponents_for_use()[unit]))

    def _exponents_for_use(self) -> np.ndarray:
        return np.where(self.exponents == UNSET, 0, self.exponents)

    def _widen(self, exponents: np.ndarray) -> None:
        """Make bins at least as wide as these exponents say."""
        grown = np.flatnonzero(exponents > self.exponents)
        for unit in grown[self.exponents[grown] != UNSET]:
            by = int(exponents[unit]) - int(self.exponents[unit])
            bins = (np.arange(-HALF, HALF) >> min(by, 62)) + HALF
            self.counts[unit] = np.bincount(bins, self.counts[unit], BINS).astype(np.int64)
        self.exponents[grown] = exponents[grown]


def _needed(largest: np.ndarray) -> np.ndarray:
    """Exponents of the widths at which 32 bins hold these absolute values."""
    _, exponents = np.frexp(largest)  # largest < 2 ** exponent
    widths = np.maximum(exponents - (HALF.bit_length() - 1), FINEST)
    return np.where(largest > 0, widths, UNSET).astype(np.int16)
