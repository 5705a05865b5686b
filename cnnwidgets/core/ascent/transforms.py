"""Small movements of the image before each run: what survives them is no accident of single pixels.

Each is called with images (N, C, H, W) and a random generator, and gives images of the same size, all moved
alike, through which gradients flow. Their settings may be changed while an ascent runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..whole import at_least


@dataclass
class Jitter:
    """Moved by up to so many pixels in each direction; what leaves on one side comes in on the other.

    Attributes
    ----------
    pixels : int
    """

    pixels: int = 4

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return x.roll(self.drawn(generator), (2, 3))

    def drawn(self, generator: torch.Generator) -> tuple[int, int]:
        """By how many rows and columns."""
        at_least(0, jitter=self.pixels)
        down, right = torch.randint(-self.pixels, self.pixels + 1, (2,), generator=generator).tolist()
        return down, right


@dataclass
class Scaling:
    """Enlarged about its middle by a random factor.

    Attributes
    ----------
    low, high : float
        Between which the factor lies; below 1, the image is mirrored beyond its border.
    """

    low: float = 0.9
    high: float = 1.1

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if not 0 < self.low <= self.high < float("inf"):
            raise InputError(f"low and high are factors above 0, in this order; not {self.low}, {self.high}")
        factor = self.low + (self.high - self.low) * torch.rand(1, generator=generator).item()
        return _mapped(x, [[1 / factor, 0.0], [0.0, 1 / factor]])


@dataclass
class Rotation:
    """Turned about its middle, either way, by up to so many degrees.

    Attributes
    ----------
    degrees : float
    """

    degrees: float = 5.0

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if not 0 <= self.degrees < float("inf"):
            raise InputError(f"degrees is 0 or more, not {self.degrees!r}")
        angle = math.radians(self.degrees * (2 * torch.rand(1, generator=generator).item() - 1))
        height, width = x.shape[-2:]
        cosine, sine = math.cos(angle), math.sin(angle)
        return _mapped(x, [[cosine, -sine * height / width], [sine * width / height, cosine]])


def _mapped(x: Tensor, matrix: list[list[float]]) -> Tensor:
    """Where each pixel looks for its colour: bilinear, mirrored beyond the border."""
    if matrix == [[1, 0], [0, 1]]:
        return x
    # middles of the pixels, where the image goes from -1 to 1
    down, right = (
        torch.linspace(1 / side - 1, 1 - 1 / side, side, dtype=x.dtype, device=x.device)
        for side in x.shape[2:]
    )
    grid = torch.stack([a * right + b * down[:, None] for a, b in matrix], dim=-1)[None]
    as_one = x.reshape(1, -1, *x.shape[2:])  # all move alike, so that where to look is found once
    return F.grid_sample(as_one, grid, padding_mode="reflection", align_corners=False).reshape(x.shape)
