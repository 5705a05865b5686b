"""Where to start fitting Gabors: the best points of a grid over all that a Gabor can be."""

from collections.abc import Callable
from math import log, pi

import torch
from torch import Tensor

from .gabor_fit import N_PARAMETERS, PHASE, gabors

N_ANGLES, N_FREQUENCIES, N_BLOBS = 12, 6, 2

WIDTHS = (0.13, 0.2, 0.33)
"""Across the stripes, in kernels."""

LENGTHS = (1, 2)
"""Along them, in widths."""

_AT_ONCE = 2**20  # numbers in one tensor, to bound memory


def search(weights: Tensor, n_starts: int, go_on: Callable[[], object]) -> tuple[Tensor, Tensor]:
    """The most promising Gabors for each filter.

    Parameters
    ----------
    weights : Tensor of float64, shape (n, C, height, width)
        Filters of norm 1.
    n_starts : int
        Waves of different directions or frequencies; two blobs without waves come on top.
    go_on : callable
        Called many times; what it raises ends the search.

    Returns
    -------
    parameters : Tensor of float64, shape (n, n_starts + 2, 7)
    is_blob : Tensor of bool, shape (n, n_starts + 2)
    """
    size = tuple(weights.shape[2:])
    flat = weights.float().flatten(2)
    n_cells = N_ANGLES * N_FREQUENCIES
    share = torch.empty(len(flat), n_cells)
    waves = torch.empty(len(flat), n_cells, N_PARAMETERS, dtype=torch.float64)
    for cell, grid in enumerate(_grid(size, _frequencies(size)).split(_places_and_sizes(size))):
        basis = _wave_basis(grid, size)
        for rows in torch.arange(len(flat)).split(max(1, _AT_ONCE // (flat.shape[1] * len(grid)))):
            share[rows, cell], waves[rows, cell] = _best_of(flat[rows], grid, *basis)
        go_on()
    chosen = share.topk(min(n_starts, n_cells), dim=1).indices
    waves = waves.gather(1, chosen[:, :, None].expand(-1, -1, N_PARAMETERS))

    blobs, bells = _blobs(size)
    at_once = max(1, _AT_ONCE // (flat.shape[1] * len(bells)))
    shares = [(part @ bells.T).square().sum(1) for part in flat.split(at_once)]
    best = torch.cat(shares).topk(N_BLOBS, dim=1).indices
    parameters = torch.cat([waves, blobs[best]], dim=1)
    is_blob = torch.zeros(parameters.shape[:2], dtype=torch.bool)
    is_blob[:, -N_BLOBS:] = True
    return parameters, is_blob


def _best_of(flat: Tensor, grid: Tensor, first: Tensor, second: Tensor, mixing: Tensor):
    """Of one direction and frequency, the point that explains most of each filter; and how much."""
    one, two = flat @ first.T, flat @ second.T  # (n, C, points)
    a, b, d = one.square().sum(1), (one * two).sum(1), two.square().sum(1)
    # the larger eigenvalue of [[a, b], [b, d]]: the best phase and the best colour together
    share, point = ((a + d) / 2 + (((a - d) / 2).square() + b.square()).sqrt()).max(dim=1)
    a, b, d = (each.gather(1, point[:, None])[:, 0] for each in (a, b, d))
    waves = grid[point]
    waves[:, PHASE] = _phase((torch.atan2(2 * b, a - d) / 2).double(), mixing[point])
    return share, waves


def _phase(turn: Tensor, mixing: Tensor) -> Tensor:
    """Phase of the wave that lies at an angle between the two orthonormal patterns of a point."""
    norm, overlap, rest = mixing.unbind(dim=-1)
    of_sine = turn.sin() / rest
    of_cosine = turn.cos() / norm - of_sine * overlap / norm
    return torch.atan2(-of_sine, of_cosine)


def _wave_basis(grid: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Cosine and sine of each point made orthonormal, and how."""
    cosine = gabors(grid, size)[0]
    quarter = torch.zeros(N_PARAMETERS, dtype=grid.dtype)
    quarter[PHASE] = pi / 2
    sine = gabors(grid - quarter, size)[0]
    norm = cosine.norm(dim=1, keepdim=True).clamp(min=1e-12)
    first = cosine / norm
    overlap = (sine * first).sum(dim=1, keepdim=True)
    second = sine - overlap * first
    rest = second.norm(dim=1, keepdim=True)
    second = torch.where(rest > 1e-6, second / rest.clamp(min=1e-6), 0)
    return first.float(), second.float(), torch.cat([norm, overlap, rest.clamp(min=1e-6)], dim=1)


def _frequencies(size: tuple[int, int]) -> Tensor:
    steps = torch.linspace(0, 1, N_FREQUENCIES, dtype=torch.float64)
    lowest = 0.6 / max(size)
    return lowest * (0.45 / lowest) ** steps


def _places_and_sizes(size: tuple[int, int]) -> int:
    """How many points of the grid have the same angle and frequency."""
    return len(_places(size[0])) * len(_places(size[1])) * len(WIDTHS) * len(LENGTHS)


def _blobs(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    grid = _grid(size, torch.zeros(1, dtype=torch.float64))
    bells = torch.cat([gabors(part, size)[0] for part in grid.split(_places_and_sizes(size))])
    return grid, (bells / bells.norm(dim=1, keepdim=True)).float()


def _grid(size: tuple[int, int], frequencies: Tensor) -> Tensor:
    """Parameters (points, 7) in which angle and frequency change slowest; the phase is 0."""
    height, width = size
    angles = torch.arange(N_ANGLES, dtype=torch.float64) * (pi / N_ANGLES)
    sizes = torch.tensor([log(max(0.6, share * max(size))) for share in WIDTHS], dtype=torch.float64)
    longer = torch.tensor([log(times) for times in LENGTHS], dtype=torch.float64)
    axes = (angles, frequencies, _places(height), _places(width), sizes, longer)
    angle, frequency, row, column, across, longer = (
        axis.flatten() for axis in torch.meshgrid(*axes, indexing="ij")
    )
    grid = torch.stack([row, column, across, across + longer, angle, frequency, torch.zeros_like(row)], dim=1)
    return grid


def _places(length: int) -> Tensor:
    """Up to five centres, evenly spread."""
    n = min(length, 5)
    return (torch.arange(n, dtype=torch.float64) + 0.5) * (length / n) - 0.5
