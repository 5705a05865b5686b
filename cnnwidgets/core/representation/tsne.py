"""t-SNE, by openTSNE: step by step, and with new points placed into an old map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..whole import at_least
from .neighbours import checked_vectors

EARLY = 250
"""Iterations with exaggerated attraction, during which clusters form."""
STEP = 25
"""Iterations between two looks."""
FIRST = 50
"""Principal components that are used, where there are more numbers than that."""
MOST_EXACT = 20_000
"""Points up to which the neighbours are exact: faster than approximate ones, and the same on any machine."""
LEAST_BOXES = 50
"""Along each side, where the repulsion is interpolated."""


class Stage(NamedTuple):
    """The map at one moment.

    Attributes
    ----------
    iteration : int
    points : ndarray of float64, shape (n, 2)
    divergence : float
        Kullback-Leibler divergence between the neighbourhoods in truth and in the map, which is minimised
        (in the first 250 iterations with exaggerated attraction). NaN before the first one; inexact while all
        points lie in one place.
    """

    iteration: int
    points: np.ndarray
    divergence: float


@dataclass
class TSNE:
    """One optimisation, which may be looked at and left after every step.

    Parameters
    ----------
    vectors : ndarray, shape (n, d)
    perplexity : float
        How many neighbours each point shall have, about.
    n_iterations : int
    seed : int
    n_jobs : int
        Processors; -1 for all. One by default, since who looks at each step does something else as well, and
        threads that wait for each other in every iteration then lose most of their time.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> run = TSNE(rng.normal(size=(40, 5)), perplexity=5, n_iterations=50)
    >>> [stage.iteration for stage in run.steps(25)]
    [0, 25, 50]
    """

    vectors: np.ndarray
    perplexity: float = 30.0
    n_iterations: int = 750
    seed: int = 0
    n_jobs: int = 1
    _embedding: Any = field(default=None, init=False, repr=False)
    _components: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.vectors = checked_vectors(self.vectors).numpy()
        at_least(1, n_iterations=self.n_iterations)
        at_least(0, seed=self.seed)
        n = len(self.vectors)
        if not np.isfinite(self.perplexity):
            raise InputError(f"perplexity is a number of neighbours, not {self.perplexity}")
        if not 1 <= self.perplexity <= (n - 1) / 3:
            largest = (n - 1) // 3
            mend = f"choose 1 to {largest}" if largest >= 1 else "give at least 4 of them"
            raise InputError(
                f"a perplexity of {self.perplexity:g} needs {int(np.ceil(3 * self.perplexity)) + 1} points, "
                f"and there are {n}: {mend}"
            )
        if (self.vectors == self.vectors[0]).all():
            raise InputError("all vectors are the same: there is nothing to lay out")

    def steps(self, every: int = STEP) -> Iterator[Stage]:
        """Optimise; look every so many iterations.

        Yields
        ------
        Stage
            The first is where it starts: the first two principal components, made small.
        """
        at_least(1, every=every)
        embedding = self._start()
        done = 0
        yield Stage(0, np.array(embedding), float("nan"))
        while done < self.n_iterations:
            is_early = done < EARLY
            until = min(EARLY, self.n_iterations) if is_early else self.n_iterations
            n = min(every, until - done)
            embedding = embedding.optimize(
                n_iter=n,
                exaggeration=12 if is_early else None,
                momentum=0.5 if is_early else 0.8,
                negative_gradient_method=_faster(embedding),
            )
            done += n
            self._embedding = embedding
            yield Stage(done, np.array(embedding), float(embedding.kl_divergence))

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Places of new points in the finished map, which itself does not change."""
        if self._embedding is None:
            raise InputError("there is no map yet: run the optimisation first")
        new = self._components.transform(vectors) if self._components is not None else vectors
        perplexity = max(1.0, min(5.0, self.perplexity))
        # as its own ``transform`` does, which also moves the old points
        added = self._embedding.prepare_partial(new, perplexity=perplexity)
        added.optimize(
            n_iter=250, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25,
            max_step_norm=None, negative_gradient_method="bh", inplace=True,
        )  # fmt: skip
        return np.array(added)

    def _start(self) -> Any:
        import openTSNE
        from sklearn.decomposition import PCA

        vectors = np.asarray(self.vectors, np.float64)
        with np.errstate(over="ignore"):
            spread = vectors.std()
        if not 1e-100 < spread < 1e100:
            raise InputError("the vectors are so small, or so large, that computing fails: scale them first")
        if min(vectors.shape) > FIRST:
            self._components = PCA(FIRST, svd_solver="randomized", random_state=self.seed).fit(vectors)
            vectors = self._components.transform(vectors)
        jobs = {"n_jobs": self.n_jobs, "random_state": self.seed}
        affinities = openTSNE.affinity.PerplexityBasedNN(
            vectors,
            perplexity=self.perplexity,
            method="exact" if len(vectors) <= MOST_EXACT else "approx",
            **jobs,
        )
        if vectors.shape[1] < 2:
            vectors = np.hstack([vectors, np.zeros_like(vectors)])
        start = openTSNE.initialization.pca(vectors, random_state=self.seed)
        return openTSNE.TSNEEmbedding(start, affinities, negative_gradient_method="bh", **jobs)


def _faster(points: np.ndarray) -> str:
    """How the repulsion is found faster: by a tree of the points, or on a grid, of boxes one wide.

    A box takes about the time of a point, and a map grows from next to nothing to some hundred boxes a side.
    """
    side = max(LEAST_BOXES, np.ptp(points, axis=0).max())
    return "fft" if side**2 < len(points) else "bh"
