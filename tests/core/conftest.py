"""Networks to try the core on."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn

_SLOW_INITIALISERS = (
    "kaiming_uniform_",
    "kaiming_normal_",
    "xavier_uniform_",
    "trunc_normal_",
    "normal_",
    "uniform_",
)
_ARGUMENTS = {
    "googlenet": {"init_weights": False},
    "googlenet without heads": {"init_weights": False, "aux_logits": False},
    "inception_v3": {"init_weights": False},
    "vgg11_bn": {"init_weights": False},
    "vgg16": {"init_weights": False},
    "vit_b_16": {"image_size": 64},
}


@pytest.fixture
def architecture(monkeypatch) -> Callable[[str], nn.Module]:
    """Build a torchvision network with cheap random weights (its own initialisation takes seconds)."""

    def build(name: str) -> nn.Module:
        with monkeypatch.context() as patch:
            for initialiser in _SLOW_INITIALISERS:
                patch.setattr(nn.init, initialiser, lambda tensor, *args, **kwargs: tensor)
            model = torchvision.models.get_model(name.split()[0], weights=None, **_ARGUMENTS.get(name, {}))
        values = 0.05 * torch.randn(10_007, generator=torch.Generator().manual_seed(1))
        for module in model.modules():
            for parameter in module.parameters(recurse=False):
                n = parameter.numel()
                parameter.data = values.repeat(n // len(values) + 1)[:n].reshape(parameter.shape)
        return model

    return build


class Residual(nn.Module):
    """The shapes of trouble in small: an in-place ReLU used three times, a branch, a part that is never
    called."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.unused = nn.Conv2d(8, 8, 1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.conv2(x) + x)
        return self.fc(self.relu(self.drop(x.mean((2, 3)))))


@pytest.fixture
def residual() -> nn.Module:
    torch.manual_seed(3)
    return Residual()


@pytest.fixture
def images() -> torch.Tensor:
    """Two images, higher than wide."""
    return torch.randn(2, 3, 24, 16, generator=torch.Generator().manual_seed(2))
