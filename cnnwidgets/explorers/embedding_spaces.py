"""The spaces that a map can show: raw pixels, any layer of a network, the vector before its classifier."""

from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ..core import Features, InputError, features, fingerprint, nearest_neighbours
from ..core.representation.features import CLASSIFIER, PIXELS
from .embedding_numbers import K, sampled
from .explanations import state_of

MOST = 100_000_000
"""Numbers of all pixels together; of more and larger pictures the pixels are averaged in squares."""
KEPT = 12
"""Spaces."""


class Space(NamedTuple):
    """Many pictures as vectors.

    Attributes
    ----------
    name : str
    features : Features
    sample : ndarray, shape (m, d)
        The vectors that numbers are made of; of very long ones shorter ones with the same distances.
    neighbours : ndarray of int, shape (m, k)
        The nearest of each of these, among them.
    note : str
        What is to be said of it: ``"27,648 numbers a picture"``.
    """

    name: str
    features: Features
    sample: np.ndarray
    neighbours: np.ndarray
    note: str


class Spaces:
    """The vectors of some pictures, computed when they are asked for, and kept.

    Parameters
    ----------
    pictures : MapPictures
    """

    def __init__(self, pictures):
        self.pictures, self.network = pictures, pictures.network
        self.names = [PIXELS, *(layer.name for layer in self.network.layers), CLASSIFIER]
        self._kept = {}
        self._known = None, ""  # state of the network, and its fingerprint
        self._lock = Lock()

    def get(self, name, begin, progress):
        """The vectors of one space; one thread at a time computes, others wait for it.

        Parameters
        ----------
        name : str
            One of `names`.
        begin : callable
            Gets what is done now, in words, and how many steps it has.
        progress : callable
            Gets how much is done, and the total; what it raises ends the work.
        """
        if not self._lock.acquire(blocking=False):
            begin("waiting for the other map", 0)
            while not self._lock.acquire(timeout=0.05):
                progress(0, 0)
        try:
            if not self.pictures.is_read:
                begin("reading pictures", len(self.pictures.images))
                self.pictures.read(progress)
            key = name if name == PIXELS else (name, self._fingerprint())
            if key not in self._kept:
                begin("computing vectors", self.pictures.n)
                self._kept[key] = self._computed(name, progress)
                while len(self._kept) > KEPT:
                    self._kept.pop(next(iter(self._kept)))
            return self._kept[key]
        finally:
            self._lock.release()

    def of(self, name, tensors):
        """Vectors of other pictures, preprocessed (m, C, H, W), in the same space: float32 (m, d)."""
        if name == PIXELS:
            tensors = F.adaptive_avg_pool2d(tensors, self._grain(tensors.shape[1:]))
        return features(self.network, tensors, name).vectors

    def forget(self):
        """Keep nothing."""
        self._kept = {}

    def _fingerprint(self):
        state = state_of(self.network.module)
        if state != self._known[0]:  # hundreds of megabytes are not read for each move of a slider
            self._known = state, fingerprint(self.network)
        return self._known[1]

    def _computed(self, name, progress):
        tensors, note = self.pictures.tensors(), ""
        if name == PIXELS:
            shape = self.pictures.images.input_shape
            grain = self._grain(shape)
            if grain != tuple(shape[1:]):
                note = f", averaged to {grain[0]} × {grain[1]} pixels"
                tensors = _Coarse(tensors, grain)
        found = features(self.network, tensors, name, progress=progress, batch_size=24)
        if len(found) < 2:
            raise InputError("one picture makes no map: give at least 2")
        sample = shortened(found.vectors[sampled(len(found))])
        neighbours = nearest_neighbours(sample, k=min(K, len(sample) - 1)).indices
        return Space(name, found, sample, neighbours, f"{found.vectors.shape[1]:,} numbers a picture{note}")

    def _grain(self, shape):
        """Height and width to which the pixels of all pictures are averaged."""
        channels, height, width = shape
        share = min(1.0, (MOST / (channels * height * width * self.pictures.n)) ** 0.5)
        return tuple(max(1, int(side * share)) for side in (height, width))


class _Coarse:
    """Images as squares of their mean colours."""

    def __init__(self, images, grain):
        self._images, self._grain = images, grain

    def __len__(self):
        return len(self._images)

    def __getitem__(self, i):
        x = self._images[i] if isinstance(self._images, torch.Tensor) else self._images.tensor(i)
        return F.adaptive_avg_pool2d(x, self._grain)


def shortened(vectors):
    """Vectors with the same order of distances, of no more numbers than there are vectors.

    Examples
    --------
    >>> long = np.random.default_rng(0).normal(size=(5, 400)).astype("float32")
    >>> shortened(long).shape
    (5, 5)
    """
    if vectors.shape[1] <= 4 * len(vectors):
        return vectors
    x = torch.from_numpy(vectors)
    x = x - x.mean(0)
    products = (x @ x.T).double()
    products.diagonal().add_(1e-4 * products.diagonal().mean())  # adds the same to all squared distances
    found, failed = torch.linalg.cholesky_ex(products)
    return vectors if failed else found.numpy()
