"""The benchmark of ascents and dreams: bare passes, checks of results, and all of it on small images."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.networks import Network, Preprocess

ROOT = Path(__file__).parents[1]
ORDERS = (torch.contiguous_format, torch.channels_last)


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import ascent

    monkeypatch.setattr(ascent, "SECONDS", 0.0)
    monkeypatch.setattr(ascent, "LEAST", 2)
    return ascent


@pytest.fixture
def network():
    torch.manual_seed(0)
    parts = [nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    module = nn.Sequential(*parts, nn.Linear(16, 3)).train()
    return Network(module, Preprocess(size=(34, 40)), ["a", "b", "c"], name="tiny")


@pytest.fixture
def images():
    return torch.randn(2, 3, 34, 40, generator=torch.Generator().manual_seed(0))


def test_ratios_are_those_of_neighbours_in_time(benchmark):
    times = {"one": np.array([[2, 4], [30, 9], [8, 8]]), "other": np.array([[1, 1], [10, 3], [2, 4]])}
    assert benchmark.ratios(times, "one", "other") == [3, 3]


def test_bare_passes_in_both_orders(benchmark, network, images):
    """By one image after the other; and of a layer, by half its squared norm."""
    module = network.module
    with benchmark.frozen(module):
        assert not module.training and not module[0].weight.requires_grad
        wanted = []
        for image, target in zip(images.split(1), (2, 0), strict=True):
            image = image.clone().requires_grad_()
            module(image)[0, target].backward()
            wanted.append(image.grad)
        given = images.clone().requires_grad_()
        (0.5 * module[0](given).square().sum()).backward()
        for order in ORDERS:
            torch.testing.assert_close(
                benchmark.pass_of_scores(module, [2, 0], order)(images), torch.cat(wanted)
            )
            torch.testing.assert_close(benchmark.pass_of_activity(module, "0", order)(images), given.grad)
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_steps_of_a_small_network(benchmark, network):
    results = benchmark.steps(network, 2)
    assert [result.unit for result in results] == ["steps/s", "x"] * 2
    assert "plain" in results[0].what and "robust" in results[2].what
    for share in results[1::2]:
        assert share.aim == 0.85 and not share.at_most and share.value > 0
        assert share.details["runs"] == 2 and len(share.details["bare_ms"]) == 2


def test_another_gradient_is_no_measurement(benchmark, network, monkeypatch):
    right = benchmark.pass_of_scores
    monkeypatch.setattr(benchmark, "pass_of_scores", lambda *a: lambda images: 1.01 * right(*a)(images))
    with pytest.raises(AssertionError, match="off by"):
        benchmark.steps(network, 2)


def test_a_dream_of_a_small_picture(benchmark, network, images):
    options = {"octaves": 2, "n_steps": 2, "tile": 36}
    network = Network(network.module[:4], network.preprocess, [*"abcdefghijklmnop"], name="tiny")
    first, second, whole, share = benchmark.dreams(network, "0", images[:1].sigmoid(), 1, **options)
    assert first.what == "dream of 40 x 34, tiny 0, octave of 38 x 32"
    assert second.what == "dream of 40 x 34, tiny 0, octave of 40 x 34"
    assert whole.value == pytest.approx(first.value + second.value)
    bare = first.details["bare_s"] + second.details["bare_s"]
    assert share.value == pytest.approx(bare / whole.value, abs=0.001 / whole.value)
    x = network.preprocess.normalise(images[0])[None]
    with pytest.raises(AssertionError, match=r"another step: \d+.\d% of the numbers differ"):
        benchmark.check_a_step(network, "0", x, lambda images: images)


def test_the_photograph(benchmark):
    photo = benchmark.photo()
    assert photo.shape == (1, 3, 480, 640) and photo.min() >= 0 and photo.max() <= 1 and photo.std() > 0.1


def test_a_first_picture(benchmark, monkeypatch, capsys):
    """In this Python, as a new one takes seconds to import torch."""

    def here(command, **options):
        monkeypatch.setattr(sys, "argv", command[2:])
        exec(command[2], {})
        return SimpleNamespace(stdout=capsys.readouterr().out)

    monkeypatch.setattr(benchmark.subprocess, "run", here)
    result = benchmark.first_picture(2, runs=1)
    assert result.what == "first picture of toynet, 2 classes" and result.aim == 1000 and result.unit == "ms"
    assert 0 < result.details["start_ms"] < result.value


@pytest.mark.skipif(find_spec("lucent") is not None, reason="Lucent is installed")
def test_without_lucent_nothing_is_compared(benchmark, capsys):
    assert benchmark.against_lucent(cw.load("toynet")) == []
    assert "pip install torch-lucent" in capsys.readouterr().out
