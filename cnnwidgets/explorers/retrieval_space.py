"""A space: vectors of many pictures, and which of them are near."""

import numpy as np
import torch

from ..core import InputError, Neighbours, nearest_neighbours

SPARE = 8
"""So many more than asked for are looked at closely, as the first look rounds."""
ROWS = 16
"""Vectors that are squared at once: they stay in the processor's own memory."""
PIECE = 256
"""Pictures whose neighbours are looked for at once."""


class Space:
    """Vectors of many pictures.

    Parameters
    ----------
    vectors : Tensor or array of float32, shape (n, d)

    Examples
    --------
    >>> space = Space(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    >>> space.near(space.vectors[0], k=2, without=0).indices.tolist()
    [2, 1]
    """

    def __init__(self, vectors):
        self.vectors = torch.as_tensor(vectors)
        self._lengths = self._middle = self._from_middle = None

    def __len__(self):
        return len(self.vectors)

    def near(self, vector, k, metric="l2", without=None):
        """The k vectors that are nearest to one: as `nearest_neighbours` finds them, in milliseconds.

        Parameters
        ----------
        vector : Tensor, shape (d,)
        k : int
        metric : {"l2", "cosine"}
        without : int, optional
            A place that is not found: that of the vector itself.

        Returns
        -------
        Neighbours
            Of shape (k,).

        Raises
        ------
        InputError
            Cosine: for vectors of zeros.
        """
        if metric == "cosine":
            if not vector.any():
                raise InputError("its vector is all zeros here, and has no direction: choose L2")
            rough = -(self.vectors @ vector) / self._checked_lengths()
        else:  # but for a number that is the same for all of them
            rough = self._squares() - 2 * (self.vectors @ (vector - self._middle))
        if without is not None:
            rough[without] = torch.inf
        n = len(self) - (without is not None)
        places = rough.topk(min(k + SPARE, n), largest=False).indices.sort().values
        found = nearest_neighbours(self.vectors[places], vector, min(k, n), metric)
        return Neighbours(places.numpy()[found.indices[0]], found.distances[0])

    def _squares(self):
        """Squared distances from the middle, near which less is lost to rounding."""
        if self._from_middle is None:
            self._middle = self.vectors.mean(0)
            parts = self.vectors.split(ROWS)
            self._from_middle = torch.cat([(part - self._middle).square().sum(1) for part in parts])
        return self._from_middle

    def _checked_lengths(self):
        if self._lengths is None:
            self._lengths = torch.linalg.vector_norm(self.vectors, dim=1)
        if n := int((self._lengths == 0).sum()):
            vectors = f"the vectors of {n:,} pictures are" if n > 1 else "the vector of 1 picture is"
            raise InputError(f"{vectors} all zeros here, without a direction: choose L2")
        return self._lengths

    def hits(self, labels, k, metric="l2"):
        """Which neighbours are of the same class as the picture itself; a piece of the pictures at a time.

        Parameters
        ----------
        labels : ndarray of int, shape (n,)
            -1 for none.
        k : int
        metric : {"l2", "cosine"}

        Yields
        ------
        ndarray of bool, shape (m, k)
        """
        by_angle = metric == "cosine"
        scale = 1 / self._checked_lengths() if by_angle else torch.ones(len(self))
        squares = torch.zeros(len(self)) if by_angle else self._squares()
        for first in range(0, len(self), PIECE):
            part = self.vectors[first : first + PIECE]
            asked = part if by_angle else part - self._middle
            rough = torch.addmm(squares[None], asked, self.vectors.T, alpha=-2) * scale
            near = rough.topk(k + 1, largest=False).indices.numpy()
            own = near == np.arange(first, first + len(part))[:, None]
            own[~own.any(1), -1] = True  # more duplicates than neighbours: itself is not among them
            near = near[~own].reshape(len(part), k)
            yield labels[near] == labels[first : first + len(part), None]


def precision_at(hits):
    """Which part of the first 1, 2, … k neighbours is of the same class: mean of the rows, shape (k,)."""
    hits = np.atleast_2d(hits)
    return (hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)).mean(0)
