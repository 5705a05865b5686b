"""Where to start fitting Gabors: the best points of a grid over all that a Gabor can be."""

from functools import lru_cache
from math import log, pi

import torch
from torch import Tensor

from .gabor_fit import PHASE, gabors

N_ANGLES, N_FREQUENCIES, N_BLOBS = 12, 6, 2


def search(weights: Tensor, n_starts: int) -> tuple[Tensor, Tensor]:
    """The most promising Gabors for each filter.

    Parameters
    ----------
    weights : Tensor of float64, shape (n, C, height, width)
        Filters of norm 1.
    n_starts : int
        Waves of different directions or frequencies; two blobs without waves come on top.

    Returns
    -------
    parameters : Tensor of float64, shape (n, n_starts + 2, 7)
    is_blob : Tensor of bool, shape (n, n_starts + 2)
    """
    n, channels, height, width = weights.shape
    grid, first, second, mixing = _waves((height, width))
    flat = weights.float().flatten(2)
    one, two = flat @ first.T, flat @ second.T  # (n, C, points)
    a, b, d = one.square().sum(1), (one * two).sum(1), two.square().sum(1)
    # the larger eigenvalue of [[a, b], [b, d]]: the best phase and the best colour together
    share = (a + d) / 2 + (((a - d) / 2).square() + b.square()).sqrt()
    cells = share.reshape(n, N_ANGLES * N_FREQUENCIES, -1)
    best, place = cells.max(dim=2)
    chosen = best.topk(min(n_starts, best.shape[1]), dim=1).indices
    points = chosen * cells.shape[2] + place.gather(1, chosen)
    turn = torch.atan2(2 * b.gather(1, points), (a - d).gather(1, points)) / 2
    waves = grid[points].clone()
    waves[:, :, PHASE] = _phase(turn.double(), mixing[points])

    blobs, bells = _blobs((height, width))
    best = (flat @ bells.T).square().sum(1).topk(N_BLOBS, dim=1).indices
    parameters = torch.cat([waves, blobs[best]], dim=1)
    is_blob = torch.zeros(parameters.shape[:2], dtype=torch.bool)
    is_blob[:, -N_BLOBS:] = True
    return parameters, is_blob


def _phase(turn: Tensor, mixing: Tensor) -> Tensor:
    """Phase of the wave that lies at an angle between the two orthonormal patterns of a point."""
    norm, overlap, rest = mixing.unbind(dim=-1)
    of_sine = turn.sin() / rest
    of_cosine = turn.cos() / norm - of_sine * overlap / norm
    return torch.atan2(-of_sine, of_cosine)


@lru_cache(maxsize=8)
def _waves(size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points (angles, frequencies, rest) in one row; for each, cosine and sine made orthonormal, and how."""
    longest = max(size)
    steps = torch.linspace(0, 1, N_FREQUENCIES, dtype=torch.float64)
    frequencies = 0.6 / longest * (0.45 / (0.6 / longest)) ** steps
    grid = _grid(size, frequencies)
    cosine = gabors(grid, size)[0]
    grid[:, PHASE] = -pi / 2
    sine = gabors(grid, size)[0]
    norm = cosine.norm(dim=1, keepdim=True).clamp(min=1e-12)
    first = cosine / norm
    overlap = (sine * first).sum(dim=1, keepdim=True)
    second = sine - overlap * first
    rest = second.norm(dim=1, keepdim=True)
    second = torch.where(rest > 1e-6, second / rest.clamp(min=1e-6), 0)
    return grid, first.float(), second.float(), torch.cat([norm, overlap, rest.clamp(min=1e-6)], dim=1)


@lru_cache(maxsize=8)
def _blobs(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    grid = _grid(size, torch.zeros(1, dtype=torch.float64))
    bells = gabors(grid, size)[0]
    return grid, (bells / bells.norm(dim=1, keepdim=True)).float()


def _grid(size: tuple[int, int], frequencies: Tensor) -> Tensor:
    """Parameters (points, 7) in which angle and frequency change slowest; the phase is 0."""
    height, width = size
    angles = torch.arange(N_ANGLES, dtype=torch.float64) * (pi / N_ANGLES)
    widths = [max(0.6, share * max(size)) for share in (0.13, 0.2, 0.33)]
    sizes = torch.tensor([log(width) for width in widths], dtype=torch.float64)
    longer = torch.tensor([0.0, log(2)], dtype=torch.float64)
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
