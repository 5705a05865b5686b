"""The k best entries of each unit, however many images go by."""

from collections.abc import Callable
from copy import copy

import numpy as np

ENTRY = np.dtype([("image", "i8"), ("value", "f8"), ("row", "i4"), ("col", "i4"), ("tied", "i4")])
"""Where a unit is strongest in an image: the image's number (-1: no entry), the activation, the cell, and how
many cells tie."""

Key = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From units (M,) and entries (M,) to what they are sorted by, the smallest first."""


class Ranking:
    """For each unit the ``k`` entries of smallest key; of equal ones those of the earliest images.

    What is in it does not depend on the order in which entries come, so that parts of a scan can be merged.

    Parameters
    ----------
    n_units, k : int
    key : callable
        See ``Key``.

    Attributes
    ----------
    entries : ndarray of ENTRY, shape (n_units, k)
        The best first; those without an image come last.
    limits : ndarray of float, shape (n_units,)
        The key to undercut: of the last entry, infinite until there are ``k``.
    """

    def __init__(self, n_units: int, k: int, key: Key) -> None:
        self._key = key
        self.entries = np.zeros((n_units, k), ENTRY)
        self.entries["image"] = -1
        self.limits = np.full(n_units, np.inf)

    def insert(self, units: np.ndarray, entries: np.ndarray) -> None:
        """Take some entries in, those that are among the best.

        Parameters
        ----------
        units : ndarray of int, shape (M,)
        entries : ndarray of ENTRY, shape (M,)
        """
        keys = self._key(units, entries)
        good = (keys <= self.limits[units]) & (entries["image"] >= 0)
        if not good.any():
            return
        units, entries, keys = units[good], entries[good], keys[good]
        touched, rows = np.unique(units, return_inverse=True)
        n, k = len(touched), self.entries.shape[1]
        old = self.entries[touched].ravel()
        old_units = np.repeat(touched, k)
        old_keys = np.where(old["image"] >= 0, self._key(old_units, old), np.inf)
        rows = np.concatenate([np.repeat(np.arange(n), k), rows])
        entries = np.concatenate([old, entries])
        keys = np.concatenate([old_keys, keys])
        order = np.lexsort((entries["image"], keys, rows))
        rows = rows[order]
        rank = np.arange(len(rows)) - np.searchsorted(rows, np.arange(n))[rows]
        best = order[rank < k]  # each unit has at least its k old rows
        self.entries[touched] = entries[best].reshape(n, k)
        self.limits[touched] = keys[best].reshape(n, k)[:, -1]

    def copy(self) -> "Ranking":
        """A ranking of its own with the same entries."""
        other = copy(self)
        other.entries, other.limits = self.entries.copy(), self.limits.copy()
        return other

    def merge(self, other: "Ranking") -> None:
        """Take all entries of another ranking in."""
        units = np.repeat(np.arange(len(other.entries)), other.entries.shape[1])
        self.insert(units, other.entries.ravel())

    def restore(self, entries: np.ndarray) -> None:
        """Go on with entries that were saved."""
        self.entries[:] = entries
        units = np.arange(len(entries))
        last = self.entries[:, -1]
        self.limits = np.where(last["image"] >= 0, self._key(units, last), np.inf)


def strongest(units: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Key: the greatest activation first."""
    return -entries["value"]


def weakest(units: np.ndarray, entries: np.ndarray) -> np.ndarray:
    """Key: the smallest activation first, of those at which the unit fires at all."""
    return np.where(entries["value"] > 0, entries["value"], np.inf)


def drawn(salts: np.ndarray) -> Key:
    """Key: a random order of the images at which a unit fires, the same however they are scanned.

    Parameters
    ----------
    salts : ndarray of uint64, shape (n_units,)
        So that each unit has an order of its own.
    """

    def key(units: np.ndarray, entries: np.ndarray) -> np.ndarray:
        return np.where(entries["value"] > 0, lots(salts[units], entries["image"]), np.inf)

    return key


def lots(salts: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 1 that look random, from a salt and an image's number (SplitMix64).

    References
    ----------
    Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        z = salts + (images.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
