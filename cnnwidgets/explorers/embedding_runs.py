"""Maps as they come: PCA at once, t-SNE step by step, pictures of one's own beside their neighbours."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..core import TSNE, Projection, grid_layout, nearest_neighbours, project
from .embedding_numbers import Numbers
from .embedding_spaces import Space

PAUSE = 0.1
"""Seconds between two looks at a t-SNE that runs."""
BESIDE = 5
"""Neighbours of a picture of one's own."""


class Request(NamedTuple):
    """Which map is wanted; `spaces` are those of the pictures."""

    spaces: Any
    space: str
    method: str
    perplexity: float
    seed: int
    n_iterations: int


class Look(NamedTuple):
    """A map as it is now.

    Attributes
    ----------
    request : Request
    space : Space
    projection : Projection
    caption : str
    numbers : Numbers or None
    """

    request: Request
    space: Space
    projection: Projection
    caption: str
    numbers: Numbers | None = None


@dataclass(frozen=True, eq=False)
class Own:
    """A picture of one's own: its name, and as the network takes it, (1, C, H, W)."""

    name: str
    x: Any
    thumbnail: Any


class Landing(NamedTuple):
    """Pictures of one's own in a map: their points, and their nearest neighbours in the space, (m, k)."""

    pictures: tuple
    points: np.ndarray
    neighbours: np.ndarray


def pca_look(request, space):
    """PCA of a space."""
    projection = project(space.features.vectors, "pca", seed=request.seed)
    shares = " and ".join(f"{share:.0%}" for share in projection.explained)
    return Look(request, space, projection, f"PCA: the two axes have {shares} of the variance")


def tsne_looks(request, space, control, tell, may_pause=True):
    """The steps of t-SNE, ten a second at most, and the last one.

    Parameters
    ----------
    request : Request
    space : Space
    control : MapControl
        Looked at for ``paused`` and ``stopping``, and told how far it is.
    tell : callable
        Called with None often; what it raises ends the work.
    may_pause : bool
        Whether there is somebody who could end a pause.

    Yields
    ------
    Look
    """
    total = request.n_iterations
    run = TSNE(space.features.vectors, request.perplexity, total, request.seed)
    control.begin("t-SNE, iteration", total)
    shown = -np.inf
    for stage in run.steps():
        tell(None)
        control.progress(stage.iteration, total)
        look = _look(request, space, stage, run)
        is_seen = stage.iteration == total or control.paused or time.monotonic() - shown >= PAUSE
        if is_seen:
            shown = time.monotonic()
            yield look
        while may_pause and control.paused and not control.stopping:
            control.progress(stage.iteration, total)
            tell(None)
            time.sleep(0.03)
        if control.stopping and stage.iteration > 0:
            if not is_seen:
                yield look
            return


def _look(request, space, stage, run):
    done, total = stage.iteration, request.n_iterations
    settings = {"n_features": space.features.vectors.shape[1], "seed": request.seed}
    settings |= {"perplexity": request.perplexity, "n_iterations": done}
    projection = Projection(stage.points, "tsne", settings, divergence=stage.divergence, _model=run)
    told = f", divergence {stage.divergence:.2f}" if done else ""
    caption = f"t-SNE, iteration {done:,} of {total:,}{told}"
    return Look(request, space, projection, caption)


def landing(look, pictures):
    """Let pictures of one's own land in a map, which leaves the others where they are.

    Parameters
    ----------
    look : Look
    pictures : sequence of Own

    Returns
    -------
    Landing
    """
    vectors = np.concatenate([look.request.spaces.of(look.request.space, each.x) for each in pictures])
    known = look.space.features.vectors
    neighbours = nearest_neighbours(known, vectors, k=min(BESIDE, len(known))).indices
    return Landing(tuple(pictures), look.projection.transform(vectors), neighbours)


def in_cells(look, landed):
    """Places on a grid, one a cell: those of the pictures, and those of one's own."""
    points = look.projection.points
    if landed is not None:
        points = np.concatenate([points, landed.points])
    rows, columns = grid_layout(points).T
    cells = np.stack([columns, -rows], 1).astype(float)
    return np.split(cells, [len(look.projection.points)])
