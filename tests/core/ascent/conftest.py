"""Networks whose ascents can be worked out by hand, and one that is like a real one."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """Scores are products of the image with one picture of weights for each class."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nchw,kchw->nk", x, self.weight)


@pytest.fixture(scope="session")
def linear() -> Callable[..., nn.Module]:
    """A linear network with random weights of shape (K, C, H, W), in double precision."""

    def build(n_classes: int = 4, shape: tuple[int, int, int] = (3, 4, 6), seed: int = 0) -> nn.Module:
        random = torch.Generator().manual_seed(seed)
        return Linear(torch.randn(n_classes, *shape, generator=random, dtype=torch.float64))

    return build


class Scores(nn.Module):
    """Scores by a function of the images, for closed forms."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.one = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.one * x)


@pytest.fixture(scope="session")
def scores() -> type[nn.Module]:
    return Scores


def build(channels: int = 3, inplace: bool = True, norm: nn.Module | None = None) -> nn.Module:
    """Six classes, for images of 14 x 18 and more; with in-place ReLUs."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 5, stride=2, padding=2),
        norm or nn.Identity(),
        nn.ReLU(inplace),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(inplace),
        nn.AdaptiveAvgPool2d((2, 3)),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(72, 6),
    ).double()


@pytest.fixture
def net() -> nn.Module:
    """In training mode, as one that was just made."""
    return build()


@pytest.fixture
def x() -> Tensor:
    """Three images, wider than high, in double precision."""
    random = torch.Generator().manual_seed(1)
    return torch.randn(3, 3, 14, 18, generator=random, dtype=torch.float64)


@pytest.fixture(scope="session")
def make() -> Callable[..., nn.Module]:
    return build


class Fuse:
    """A function or a hook that raises at its n-th call."""

    def __init__(self, calls: int, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.left, self.error = calls, error

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error("blown")


@pytest.fixture(scope="session")
def fuse() -> type[Fuse]:
    return Fuse
