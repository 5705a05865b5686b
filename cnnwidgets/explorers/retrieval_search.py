"""Everything that is computed to find neighbours, kept; without widgets, and in short pieces."""

from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch

from ..core import CnnWidgetsError, NetworkError, feature_batches, undisturbed
from ..networks.random_weights import randomise
from .explanations import state_of
from .retrieval_space import Space, precision_at

KINDS = ("features", "pixels", "random")
MOST = 30
"""Neighbours that are looked for."""


class Progress(NamedTuple):
    """How far something is; of one kind of space, or (None) of the pictures that all of them need."""

    kind: str | None
    text: str


class Ready(NamedTuple):
    """There is something new to show."""

    kind: str | None


class Search:
    """Spaces of the pictures of one network.

    One thread computes; others may look at what is there.

    Parameters
    ----------
    network : Network
    pictures : PictureSet
    pool : {"mean", "max", "flatten"}
        How the maps of a layer become a vector.
    """

    def __init__(self, network, pictures, pool="mean"):
        self.network, self.pictures, self.pool = network, pictures, pool
        self._spaces, self._precision, self._refused, self._own = {}, {}, {}, {}
        self._random = None
        self._state = state_of(network.module)

    @property
    def k(self):
        """How many neighbours are looked for."""
        return min(MOST, self.pictures.n - 1)

    def space(self, kind, layer):
        """A space, if it is there."""
        return self._spaces.get(_key(kind, layer))

    def refused(self, kind, layer):
        """Why there is no such space; empty if there is, or will be."""
        return self._refused.get(_key(kind, layer), "")

    def precision(self, kind, layer, metric):
        """Mean precision over all pictures at 1, 2, …; None if it is not known."""
        return self._precision.get((*_key(kind, layer), metric))

    # -- in the thread that computes ---------------------------------------------------------------

    def steps(self, kinds, layer, metric):
        """Compute what is not there yet; yields `Progress` and `Ready`."""
        if self._state != state_of(self.network.module):  # it has learned since
            self._forget_network()
        for done, total in self.pictures.read():
            of = "" if total is None else f" of {total:,}"
            yield Progress(None, f"reading pictures: {done:,}{of}")
        yield Ready(None)
        for kind in sorted(kinds, key=lambda kind: kind != "pixels"):  # which are there already
            if self.space(kind, layer) is None:
                try:
                    yield from self._vectors(kind, layer)
                except CnnWidgetsError as error:
                    self._refused[_key(kind, layer)] = str(error)
            yield Ready(kind)
        if self.pictures.labels is None or not (self.pictures.labels >= 0).any():
            return
        for kind in kinds:
            space = self.space(kind, layer)
            if space is not None and self.precision(kind, layer, metric) is None:
                try:
                    yield from self._measure(kind, layer, metric)
                except CnnWidgetsError:  # vectors without a direction: the row of the query says so
                    pass

    def _vectors(self, kind, layer):
        key = _key(kind, layer)
        self._refused.pop(key, None)
        if kind == "pixels":
            self._spaces[key] = Space(self.pictures.pixels())
            return
        yield Progress(kind, "computing …")
        model, found, n = self._model(kind), [], 0
        for tensors in self.pictures.tensors():
            found += [each for _, each in self._features(model, tensors, layer)]
            n += len(tensors)
            yield Progress(kind, f"computing: {n:,} of {self.pictures.n:,} pictures")
        self._spaces[key] = Space(torch.from_numpy(np.concatenate(found)))

    def _measure(self, kind, layer, metric):
        labels, found = self.pictures.labels, []
        for hits in self.space(kind, layer).hits(labels, self.k, metric):
            found.append(hits)
            yield None
        hits = np.concatenate(found)[labels >= 0]
        self._precision[(*_key(kind, layer), metric)] = precision_at(hits)
        yield Ready(kind)

    def _features(self, model, tensors, layer):
        return feature_batches(model, tensors, layer, pool=self.pool, batch_size=max(1, len(tensors)))

    def _model(self, kind):
        if kind == "features":
            return self.network
        if self._random is None:
            with undisturbed(self.network.module):  # nobody else changes it meanwhile
                module = deepcopy(self.network.module)
            try:
                randomise(module)
            except NetworkError as error:
                raise NetworkError(f"there is no random network of this shape: {error}") from None
            self._random = module
        return self._random

    def _forget_network(self):
        self._state = state_of(self.network.module)
        for kept in (self._spaces, self._precision, self._refused, self._own):
            for key in [key for key in kept if key[0] == "features"]:
                del kept[key]

    # -- one picture ---------------------------------------------------------------------------------

    def near(self, kind, layer, metric, asked):
        """The neighbours of one picture.

        Parameters
        ----------
        asked : int or OwnPicture
            A place among the pictures, or one that is not among them.

        Returns
        -------
        Neighbours
        """
        space = self.space(kind, layer)
        if isinstance(asked, int):
            return space.near(space.vectors[asked], self.k, metric, without=asked)
        return space.near(self._vector(kind, layer, asked), self.k, metric)

    def _vector(self, kind, layer, own):
        if kind == "pixels":
            return self.pictures.pixels_of(own.x)[0]
        key = (*_key(kind, layer), own)
        if key not in self._own:
            ((_, found),) = self._features(self._model(kind), own.x, layer)
            self._own[key] = torch.from_numpy(found[0])
        return self._own[key]


def _key(kind, layer):
    return kind, None if kind == "pixels" else layer
