"""Maps: many numbers for each image made into two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..progress import reporter
from ..whole import at_least
from .neighbours import checked_vectors
from .tsne import TSNE

METHODS = ("pca", "tsne")
MANY = 2_000
"""Points from which t-SNE takes all processors."""


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of vectors in two dimensions.

    Attributes
    ----------
    points : ndarray of float64, shape (n, 2)
    method : {"pca", "tsne"}
    settings : dict
        What it was made with.
    explained : tuple of two floats, or None
        PCA: which part of the variance each axis has.
    divergence : float or None
        t-SNE: the Kullback-Leibler divergence that is left.
    """

    points: np.ndarray
    method: str
    settings: dict
    explained: tuple[float, float] | None = None
    divergence: float | None = None
    _model: Any = field(default=None, repr=False)

    def transform(self, vectors: Any) -> np.ndarray:
        """Places of new vectors in this map; the old ones stay where they are.

        Parameters
        ----------
        vectors : array or Tensor, shape (m, d) or (d,), or Features

        Returns
        -------
        ndarray of float64, shape (m, 2)

        Raises
        ------
        InputError
            If they have another number of numbers.
        """
        table = checked_vectors(vectors, "queries").numpy().astype(np.float64)
        if table.shape[1] != self.settings["n_features"]:
            raise InputError(
                f"this map is of vectors of {self.settings['n_features']} numbers, not {table.shape[1]}: "
                "take features of the same layer"
            )
        return _two(self._model.transform(table))


def project(
    vectors: Any,
    method: str = "pca",
    *,
    perplexity: float = 30.0,
    n_iterations: int = 750,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Any = None,
) -> Projection:
    r"""Lay vectors out in two dimensions.

    Parameters
    ----------
    vectors : array or Tensor, shape (n, d), or Features
    method : {"pca", "tsne"}
        - ``"pca"``: the two directions in which the vectors vary most, a linear map; distances in it are
          never larger than in truth.
        - ``"tsne"``: keeps neighbours together. Distances between clusters, and their sizes, mean nothing.
    perplexity : float
        t-SNE: how many neighbours each point shall have, about; up to a third of the number of points.
    n_iterations : int
        t-SNE: of which the first 250 with exaggerated attraction.
    seed : int
        The same seed gives the same map, on any number of processors.
    n_jobs : int, optional
        t-SNE: processors; -1 for all. By default all from 2,000 points on, else one. On two that do nothing
        else it takes 0.6 of the time of one for 10,000 points; where something else runs as well, threads
        wait for each other, and few points take many times as long as with one.
    progress : callable or tqdm bar, optional
        t-SNE: called with how many iterations are done, and how many there are. What it raises ends the work.

    Returns
    -------
    Projection

    Raises
    ------
    InputError
        For NaN, fewer points than the perplexity needs, or vectors that are all the same.

    References
    ----------
    van der Maaten, Hinton, "Visualizing Data using t-SNE", 2008. Poličar, Stražar, Zupan, "openTSNE: A
    Modular Python Library for t-SNE Dimensionality Reduction and Embedding", 2024.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(50, 8))
    >>> found = project(vectors)
    >>> found.points.shape, found.transform(vectors[:3]).shape
    ((50, 2), (3, 2))
    """
    if method not in METHODS:
        raise InputError(f"method is one of {', '.join(map(repr, METHODS))}, not {method!r}")
    at_least(0, seed=seed)
    table = checked_vectors(vectors).numpy()
    if len(table) < 2:
        raise InputError("one point makes no map: give at least 2 vectors")
    settings = {"n_features": table.shape[1], "seed": seed}
    if method == "pca":
        return _pca(table, settings)
    report = reporter(progress)
    if n_jobs is None:
        n_jobs = -1 if len(table) >= MANY else 1
    run = TSNE(table, perplexity, n_iterations, seed, n_jobs)
    for stage in run.steps():
        report(stage.iteration, n_iterations)
    settings |= {"perplexity": perplexity, "n_iterations": n_iterations}
    return Projection(stage.points, method, settings, divergence=stage.divergence, _model=run)


def _pca(table: np.ndarray, settings: dict) -> Projection:
    from sklearn.decomposition import PCA

    wide = table.astype(np.float64)
    model = PCA(min(2, *wide.shape), random_state=settings["seed"])
    with np.errstate(invalid="ignore"):  # all the same: nothing of nothing is explained
        points = _two(model.fit_transform(wide))
        explained = np.nan_to_num(np.resize(np.append(model.explained_variance_ratio_, 0), 2))
    return Projection(points, "pca", settings, explained=tuple(map(float, explained)), _model=model)


def _two(points: np.ndarray) -> np.ndarray:
    """With a second axis of zeros, if there was nothing to make one of."""
    missing = 2 - points.shape[1]
    return np.hstack([points, np.zeros((len(points), missing))]) if missing > 0 else points
