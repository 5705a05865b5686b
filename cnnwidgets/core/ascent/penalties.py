"""What is subtracted from the objective: images that no photograph would be like are dear.

Each is called with images (N, C, H, W) and gives a number for each. Their settings may be changed while an
ascent runs. A ``gradient(images)`` in closed form is used where there is one; autograd finds the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError


@dataclass
class SquaredNorm:
    r""":math:`\lambda \|x\|_2^2`, as in Simonyan et al. 2014; 0 is the mean image.

    Attributes
    ----------
    weight : float
        :math:`\lambda`.
    """

    weight: float = 1e-4

    def __call__(self, x: Tensor) -> Tensor:
        return _checked(self.weight) * x.square().sum((1, 2, 3))

    def gradient(self, x: Tensor) -> Tensor:
        r""":math:`2 \lambda x`."""
        return 2 * _checked(self.weight) * x


@dataclass
class Norm:
    r""":math:`\lambda \|x\|_\alpha^\alpha`, which bounds the largest values (Mahendran and Vedaldi 2015: 6).

    Attributes
    ----------
    weight : float
    alpha : float
        1 or more.
    """

    weight: float = 1e-8
    alpha: float = 6.0

    def __call__(self, x: Tensor) -> Tensor:
        if not self.alpha >= 1:
            raise InputError(f"alpha is 1 or more, not {self.alpha!r}")
        return _checked(self.weight) * x.flatten(1).abs().pow(self.alpha).sum(1)


@dataclass
class TotalVariation:
    r""":math:`\lambda \sum_{ij} \bigl( (x_{i,j+1} - x_{ij})^2 + (x_{i+1,j} - x_{ij})^2 \bigr)^{\beta / 2}`.

    A pixel at the border has no neighbour beyond it, and so no difference from it.

    Attributes
    ----------
    weight : float
    beta : float
        With 1, the same step costs the same, steep or gentle; with 2, as in Mahendran and Vedaldi 2015, edges
        are dearer.
    """

    weight: float = 1e-3
    beta: float = 2.0

    def __call__(self, x: Tensor) -> Tensor:
        if not self.beta >= 1:
            raise InputError(f"beta is 1 or more, not {self.beta!r}")
        right, down = x.diff(dim=3).square(), x.diff(dim=2).square()
        if self.beta == 2:
            squares = right.flatten(1).sum(1) + down.flatten(1).sum(1)
            return _checked(self.weight) * squares
        both = F.pad(right, (0, 1)) + F.pad(down, (0, 0, 0, 1))
        # a root has no slope at 0
        return _checked(self.weight) * ((both + 1e-12).pow(self.beta / 2)).flatten(1).sum(1)


def _checked(weight: float) -> float:
    if not 0 <= weight < float("inf"):
        raise InputError(f"the weight of a penalty is 0 or more, not {weight!r}")
    return weight
