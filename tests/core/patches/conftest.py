"""An oracle that knows nothing of scanning, and networks in which sums are exact.

Networks of small whole numbers give the very same activations whatever the batch and the order of summing, so
that results can be compared as they are, ties among them.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn


def whole_numbers(module: nn.Module, seed: int = 0, most: int = 2) -> nn.Module:
    """Replace the parameters of a module by whole numbers from -most to most."""
    random = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data = torch.randint(-most, most + 1, parameter.shape, generator=random).to(parameter.dtype)
    return module


class Twice(nn.Module):
    """A ReLU in place used twice, a pooling, a vector at the end; all in whole numbers."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, 3, stride=2, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d((2, 1))
        self.drop = nn.Dropout()
        self.conv2 = nn.Conv2d(5, 6, (1, 3), bias=False)
        self.fc = nn.Linear(6, 4)
        whole_numbers(self, seed)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv1(x)))
        return self.fc(self.relu(self.conv2(self.drop(x))).amax((2, 3)))


LAYERS = ["conv1", "relu", "conv2", "relu#2", "fc"]


@pytest.fixture
def net() -> nn.Module:
    return Twice().train()


@pytest.fixture(scope="session")
def twice() -> type[nn.Module]:
    return Twice


@pytest.fixture(scope="session")
def whole() -> Callable:
    return whole_numbers


def pictures(n: int, height: int = 9, width: int = 12, channels: int = 3, seed: int = 0) -> Tensor:
    """Images of whole numbers from -2 to 2."""
    random = torch.Generator().manual_seed(seed)
    return torch.randint(-2, 3, (n, channels, height, width), generator=random).float()


@pytest.fixture(scope="session")
def draw_pictures() -> Callable[..., Tensor]:
    return pictures


def activations(model: nn.Module, x: Tensor, layers: list[str]) -> dict[str, np.ndarray]:
    """Maps (N, C, h, w) by plain hooks in one pass over all images; an n-th call has the name ``layer#n``."""
    found, handles, calls = {}, [], Counter()
    was = {part: part.training for part in model.modules()}

    def note_under(name):
        def note(part, inputs, output):
            calls[name] += 1
            found[name if calls[name] == 1 else f"{name}#{calls[name]}"] = output.detach().clone()

        return note

    for name in {layer.partition("#")[0] for layer in layers}:
        handles.append(model.get_submodule(name).register_forward_hook(note_under(name)))
    try:
        with torch.no_grad():
            model.eval()(x)
    finally:
        for handle in handles:
            handle.remove()
        for part, training in was.items():
            part.training = training
    maps = {layer: found[layer].double().numpy() for layer in layers}
    return {name: m if m.ndim == 4 else m[:, :, None, None] for name, m in maps.items()}


@pytest.fixture(scope="session")
def brute_maps() -> Callable[..., dict[str, np.ndarray]]:
    return activations


class Truth:
    """What a scan has to find of one unit, from its maps in all images, (N, h, w)."""

    def __init__(self, maps: np.ndarray, numbers: list[int] | None = None) -> None:
        self.numbers = list(range(len(maps))) if numbers is None else numbers
        self.entries = []
        for number, one in zip(self.numbers, maps, strict=True):
            value = one.max()
            if np.isfinite(value):  # the maximum of a map that holds a NaN is NaN
                row, col = next((r, c) for r, c in np.ndindex(*one.shape) if one[r, c] == value)
                self.entries.append((value, number, (row, col), int((one == value).sum())))
        self.n_not_finite = len(maps) - len(self.entries)
        self.firing = [entry for entry in self.entries if entry[0] > 0]

    def strongest(self, k: int) -> list[tuple]:
        return sorted(self.entries, key=lambda entry: (-entry[0], entry[1]))[:k]

    def weakest(self, k: int) -> list[tuple]:
        return sorted(self.firing, key=lambda entry: (entry[0], entry[1]))[:k]

    def check(self, unit, k: int) -> None:
        """Compare with a unit of a scan."""
        assert entries_of(unit.strongest) == self.strongest(k)
        assert entries_of(unit.weakest) == self.weakest(k)
        sample = entries_of(unit.sample)
        assert len(sample) == len(set(sample)) == min(k, len(self.firing))
        assert set(sample) <= set(self.firing)
        assert (unit.n_images, unit.n_firing) == (len(self.numbers), len(self.firing))
        assert unit.n_not_finite == self.n_not_finite
        counts, edges = unit.histogram
        if self.entries:
            values = [entry[0] for entry in self.entries]
            assert counts.tolist() == np.histogram(values, np.append(edges[:-1], np.inf))[0].tolist()
            assert max(values) < edges[-1] and counts[0] and counts[-1]
        else:
            assert counts.sum() == 0


def entries_of(patches: list) -> list[tuple]:
    return [(patch.value, patch.image, patch.position, patch.tied) for patch in patches]


@pytest.fixture(scope="session")
def truth() -> type[Truth]:
    return Truth


@pytest.fixture(scope="session")
def entries() -> Callable[[list], list[tuple]]:
    return entries_of
