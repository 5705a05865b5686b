"""What is done to the image after each step, so that it looks like an image (Yosinski et al. 2015).

Each is called with the images (N, C, H, W) after the step, the gradient of the objective that the step was
made by, and the number of the step from 1 on; and gives the images to go on with. Their settings may be
changed while an ascent runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError
from ..whole import at_least


@dataclass
class Decay:
    r"""L2 decay: :math:`x \leftarrow (1 - \theta) x`; extreme values shrink.

    Attributes
    ----------
    theta : float
        From 0, nothing, to 1.
    """

    theta: float = 0.01

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        if not 0 <= self.theta <= 1:
            raise InputError(f"theta is from 0 to 1, not {self.theta!r}")
        return x * (1 - self.theta)


@dataclass
class GaussianBlur:
    """Blur every n-th step: high frequencies, which a gradient is full of, are lost.

    Beyond the border the image goes on as it is there.

    Attributes
    ----------
    sigma : float
        Standard deviation in pixels; 0 is no blur.
    every : int
    """

    sigma: float = 0.5
    every: int = 4

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        at_least(1, every=self.every)
        if not 0 <= self.sigma <= max(x.shape[2:]):
            longer = max(x.shape[2:])
            raise InputError(
                f"sigma is from 0 to {longer} pixels, the longer side of the image, not {self.sigma!r}"
            )
        if self.sigma == 0 or step % self.every:
            return x
        down, across = (self._matrix(side).to(x) for side in x.shape[2:])
        return down @ x @ across.T

    def _matrix(self, side: int) -> Tensor:
        """From a line of pixels to a blurred one: a product of two of these is faster than convolutions."""
        reach = int(4 * self.sigma + 0.5)  # four deviations hold all but 6 of 100,000 parts
        distance = torch.arange(-reach, reach + 1)
        weights = (-0.5 * (distance.double() / self.sigma).square()).exp()
        sources = (torch.arange(side)[:, None] + distance).clamp(0, side - 1)
        spread = (weights / weights.sum()).expand(side, -1)
        return torch.zeros(side, side, dtype=torch.float64).scatter_add(1, sources, spread)


@dataclass
class ClipNorm:
    """Pixels of small norm become 0: what is not needed is not shown.

    Attributes
    ----------
    percentile : float
        Pixels whose L2 norm over the channels is below this percentile of the image; 0 is none, 100 all but
        the largest.
    """

    percentile: float = 30.0

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        return _without_the_least(x, x.square().sum(1, keepdim=True), self.percentile)


@dataclass
class ClipContribution:
    r"""Pixels that contribute little become 0.

    The contribution is what the objective would lose if the pixel were 0, to first order:
    :math:`\bigl| \sum_c x_c g_c \bigr|`.

    Attributes
    ----------
    percentile : float
        Pixels whose contribution is below this percentile of the image; 0 is none, 100 all but the largest.
    """

    percentile: float = 30.0

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        return _without_the_least(x, (x * gradient).sum(1, keepdim=True).abs(), self.percentile)


def _without_the_least(x: Tensor, size: Tensor, percentile: float) -> Tensor:
    """0 where the size is below a percentile, interpolated as `numpy.percentile` does."""
    if not 0 <= percentile <= 100:
        raise InputError(f"a percentile is from 0 to 100, not {percentile!r}")
    if percentile == 0:
        return x
    # Between two sizes it lies above the lower one, so that the upper one is the least that is kept. (Not
    # torch.quantile, which takes no more than 16 million values.)
    rank = math.ceil(percentile * (size[0].numel() - 1) / 100)
    least = size.flatten(1).kthvalue(rank + 1, dim=1).values.reshape(-1, 1, 1, 1)
    return x * (size >= least)
