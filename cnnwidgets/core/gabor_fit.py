"""Refine Gabors: least squares by Levenberg and Marquardt, many filters and starts at once."""

from dataclasses import dataclass
from math import log, pi

import torch
from torch import Tensor

SMALLEST = 3
"""Kernels with fewer rows or columns have no room for stripes."""

N_PARAMETERS = 7
"""Row and column of the centre, log of the widths across and along, angle of the stripes, frequency, phase;
angles in radians."""

FREQUENCY, PHASE = 5, 6
_STEPS = 80
_TOLERANCE = 1e-10


@dataclass
class Fit:
    """Gabors, a row each: ``parameters (n, 7)``, ``colour (n, C)``, ``explained (n,)``; of unit filters."""

    parameters: Tensor
    colour: Tensor
    explained: Tensor

    @classmethod
    def empty(cls, n: int, channels: int) -> "Fit":
        """NaN everywhere."""
        shapes = ((n, N_PARAMETERS), (n, channels), (n,))
        return cls(*(torch.full(shape, torch.nan, dtype=torch.float64) for shape in shapes))


def bounds(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Lowest and highest value of each parameter; of the frequency along an axis."""
    height, width = size
    longest = max(size)
    low = [-0.5, -0.5, log(0.5), log(0.5), -torch.inf, 0.5 / longest, -torch.inf]
    high = [height - 0.5, width - 0.5, log(2 * longest), log(2 * longest), torch.inf, 0.5, torch.inf]
    return torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)


def pattern(parameters: Tensor, size: tuple[int, int]) -> Tensor:
    """The wave under its envelope, (n, height, width), for parameters (n, 7)."""
    return gabors(parameters, size)[0].reshape(-1, *size)


def gabors(parameters: Tensor, size: tuple[int, int]) -> tuple[Tensor, tuple]:
    """The same as (n, pixels), and what its derivatives are made of."""
    height, width = size
    row, column, across, along, angle, frequency, phase = parameters[:, :, None].unbind(dim=1)
    y = torch.arange(height, dtype=parameters.dtype).repeat_interleave(width) - row
    x = torch.arange(width, dtype=parameters.dtype).repeat(height) - column
    sine, cosine = angle.sin(), angle.cos()
    u, v = x * sine + y * cosine, x * cosine - y * sine
    across, along = (-2 * across).exp(), (-2 * along).exp()
    envelope = (-0.5 * (u.square() * across + v.square() * along)).exp()
    wave = 2 * pi * frequency * u + phase
    return envelope * wave.cos(), (u, v, sine, cosine, across, along, frequency, envelope, wave)


def _slopes(values: Tensor, parts: tuple) -> Tensor:
    """Derivatives of the pattern with respect to the parameters, (n, pixels, 7)."""
    u, v, sine, cosine, across, along, frequency, envelope, wave = parts
    by_phase = -envelope * wave.sin()
    by_u = by_phase * (2 * pi * frequency) - values * u * across
    by_v = -values * v * along
    return torch.stack(
        [
            -by_u * cosine + by_v * sine,  # row
            -by_u * sine - by_v * cosine,  # column
            values * u.square() * across,
            values * v.square() * along,
            by_u * v - by_v * u,  # angle
            by_phase * 2 * pi * u,  # frequency
            by_phase,
        ],
        dim=2,
    )


def explained_by(units: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Share of filters (n, C, pixels), of norm 1, that patterns (n, pixels) explain; the best colour."""
    energy = values.square().sum(dim=1).clamp(min=1e-30)
    projections = (units @ values[:, :, None])[:, :, 0]
    return projections.square().sum(dim=1) / energy, projections / energy[:, None]


def refine(weights: Tensor, parameters: Tensor, is_blob: Tensor) -> Fit:
    """The best Gabor of each filter, from several starts.

    Parameters
    ----------
    weights : Tensor of float64, shape (n, C, height, width)
        Filters of norm 1.
    parameters : Tensor of float64, shape (n, starts, 7)
    is_blob : Tensor of bool, shape (n, starts)
        Starts that stay without waves.

    Returns
    -------
    Fit
    """
    n, starts = is_blob.shape
    size = tuple(weights.shape[2:])
    units = weights.flatten(2).repeat_interleave(starts, dim=0)
    points = _climb(units, parameters.flatten(0, 1), is_blob.flatten(), size)
    share, colour = explained_by(units, gabors(points, size)[0])
    best = share.reshape(n, starts).argmax(dim=1) + torch.arange(n) * starts
    return Fit(points[best], colour[best], share[best])


def _climb(units: Tensor, points: Tensor, is_blob: Tensor, size: tuple[int, int]) -> Tensor:
    """Move each point uphill in the share that it explains, until it gains nothing more."""
    points = points.clone()
    damping = torch.full((len(points),), 1e-2, dtype=points.dtype)
    running = torch.arange(len(points))
    idle = torch.zeros(len(points), dtype=torch.long)
    share = explained_by(units, gabors(points, size)[0])[0]
    for _ in range(_STEPS):
        now = points[running]
        values, parts = gabors(now, size)
        blob = is_blob[running]
        step = _step(units[running], values, _slopes(values, parts), damping[running], blob, now, size)
        new = _inside(now + step, blob, size)
        new_share = explained_by(units[running], gabors(new, size)[0])[0]
        gain = new_share - share[running]
        better = gain > 0
        points[running] = torch.where(better[:, None], new, now)
        share[running] = torch.where(better, new_share, share[running])
        damping[running] *= torch.where(better, 0.3, 5.0)
        idle[running] = torch.where(gain > _TOLERANCE, 0, idle[running] + 1)
        running = running[(idle[running] < 4) & (damping[running] < 1e8)]
        if len(running) == 0:
            break
    return points


def _step(units, values, slopes, damping, is_blob, points, size) -> Tensor:
    """Gauss-Newton step with damping; the colour follows in closed form (variable projection)."""
    _, colour = explained_by(units, values)
    unexplained = units - colour[:, :, None] * values[:, None, :]
    energy = values.square().sum(dim=1).clamp(min=1e-30)
    # What a change of colour could do as well is not the parameters' to do.
    slopes = slopes - values[:, :, None] * (values[:, None, :] @ slopes) / energy[:, None, None]
    uphill = (colour[:, None, :] @ unexplained @ slopes)[:, 0]
    low, high = _limits(points, size)
    stuck = ((points <= low) & (uphill < 0)) | ((points >= high) & (uphill > 0))
    stuck[:, [FREQUENCY, PHASE]] |= is_blob[:, None]
    slopes, uphill = slopes * ~stuck[:, None, :], uphill * ~stuck
    normal = slopes.transpose(1, 2) @ slopes * colour.square().sum(dim=1)[:, None, None]
    diagonal = normal.diagonal(dim1=1, dim2=2)
    floor = 1e-6 * diagonal.amax(dim=1, keepdim=True) + 1e-12
    normal = normal + torch.diag_embed(damping[:, None] * diagonal + floor)
    step = torch.linalg.solve(normal, uphill)
    # at most a third of a turn, a factor of e or a few pixels at once
    return step.clamp(-1, 1)


def _limits(points: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Bounds of each point: a slanted wave may be finer, as long as it is not along the rows or columns."""
    low, high = (bound.expand_as(points) for bound in bounds(size))
    steepest = torch.maximum(points[:, 4].sin().abs(), points[:, 4].cos().abs())
    high = high.clone()
    high[:, FREQUENCY] = 0.5 / steepest
    return low, high


def _inside(points: Tensor, is_blob: Tensor, size: tuple[int, int]) -> Tensor:
    low, high = _limits(points, size)
    points = torch.minimum(torch.maximum(points, low), high)
    points[:, [FREQUENCY, PHASE]] *= ~is_blob[:, None]
    return points
