"""How well a space, and a map of it, tell classes and colours: as numbers."""

from typing import NamedTuple

import numpy as np

from ..core import nearest_neighbours, trustworthiness

K = 10
"""Neighbours that are looked at."""
MOST = 3_000
"""Of more pictures, so many are looked at, drawn at random."""


class Numbers(NamedTuple):
    """What is told under a map; None where it does not apply.

    Attributes
    ----------
    k, n : int
        Neighbours of each picture, and pictures looked at.
    same_class : tuple of three floats, or None
        Share of the k nearest that are of the same class: in the space, in the map, by chance.
    colour : tuple of three floats
        How far the mean colours of neighbours are apart, in levels of 0 to 255: in the space, in the map, of
        two pictures by chance.
    kept : float
        Share of the k nearest in the space that are so in the map.
    trust : float or None
        Trustworthiness of the map; NaN while it is on its way, None for fewer than 3 pictures.
    """

    k: int
    n: int
    same_class: tuple | None
    colour: tuple
    kept: float
    trust: float | None


def sampled(n):
    """Which of n pictures are looked at: all, or 3,000 of them, always the same."""
    if n <= MOST:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, MOST, replace=False))


def numbers_of(space, points, pictures, is_last=True):
    """The numbers of a map.

    Parameters
    ----------
    space : Space
    points : ndarray, shape (n, 2)
    pictures : MapPictures
    is_last : bool
        Whether there is time for the trustworthiness, which is NaN otherwise.

    Returns
    -------
    Numbers
    """
    chosen = sampled(len(points))
    n, k = space.neighbours.shape
    in_map = nearest_neighbours(points[chosen], k=k).indices
    both, labels, colours = (space.neighbours, in_map), pictures.labels[chosen], pictures.colours[chosen]
    same = None
    if pictures.has_classes:
        same = (*(same_class(each, labels) for each in both), by_chance(labels))
    trust, k_trust = float("nan"), min(K, (n - 1) // 2)
    if not k_trust:
        trust = None
    elif is_last:
        trust = trustworthiness(space.sample, points[chosen], k_trust)
    colour = (*(apart(each, colours) for each in both), apart_by_chance(colours))
    return Numbers(k, n, same, colour, kept(*both), trust)


def kept(neighbours, others):
    """Share of neighbours that are among the others, too."""
    shared = [len(np.intersect1d(*pair)) for pair in zip(neighbours, others, strict=True)]
    return float(np.mean(shared) / neighbours.shape[1])


def same_class(neighbours, labels):
    """Share of neighbours that are of the same class, of those pictures that have one.

    Examples
    --------
    >>> same_class(np.array([[1], [0], [0]]), np.array([5, 5, 7]))
    0.6666666666666666
    """
    has = labels >= 0
    return float((labels[neighbours] == labels[:, None])[has].mean())


def by_chance(labels):
    """Share of all other pictures that are of the same class, mean over those that have one."""
    has = labels[labels >= 0]
    counts = np.bincount(has)
    return float((counts * (counts - 1)).sum() / (len(has) * (len(labels) - 1)))


def apart(neighbours, colours):
    """Mean distance of the mean colours of neighbours, each the root mean square over red, green and blue.

    Examples
    --------
    >>> apart(np.array([[1], [0]]), np.array([[0.0, 0.0, 0.0], [30.0, 30.0, 30.0]]))
    30.0
    """
    return _distance(colours[neighbours], colours[:, None])


def apart_by_chance(colours):
    """Mean distance of the mean colours of two pictures."""
    rng = np.random.default_rng(0)
    if len(colours) <= 1_000:
        one, other = np.triu_indices(len(colours), 1)
    else:
        one, other = rng.integers(0, len(colours), (2, 500_000))
        one, other = one[one != other], other[one != other]
    return _distance(colours[one], colours[other])


def _distance(colours, others):
    return float(np.sqrt(((colours - others) ** 2).mean(-1)).mean())
