"""The benchmark of features and maps: its turns, its checks of results, and all of it on few points."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

ROOT = Path(__file__).parents[1]


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import representation

    return representation


def test_all_take_turns(benchmark):
    called = []
    calls = {name: lambda name=name: called.append(name) or name.upper() for name in "abc"}
    times, found = benchmark.in_turns(calls, 3)
    assert "".join(called) == "abcbcacab" and found == {"a": "A", "b": "B", "c": "C"}
    assert [len(times[name]) for name in "abc"] == [3, 3, 3]


def test_the_ratio_is_that_of_neighbours_in_time(benchmark):
    assert benchmark.ratio({"one": [2, 30, 8], "other": [1, 10, 2]}, "one", "other") == 3


def test_another_result_is_no_measurement(benchmark):
    table = np.array([[100.0, 2.0], [3.0, 4.0]])
    benchmark.same(table + 0.009, table)
    with pytest.raises(AssertionError, match="off by"):
        benchmark.same(table + 0.02, table)
    with pytest.raises(AssertionError, match="another result"):
        benchmark.same(table[:1], table)
    with pytest.raises(AssertionError, match="another result"):
        benchmark.same(table + np.nan, table)


def test_neighbours_agree_in_any_order(benchmark):
    distances = np.ones((2, 2))
    ours, theirs = np.array([[0, 1], [2, 3]]), np.array([[1, 0], [2, 4]])
    assert benchmark.agreement((ours, distances), (theirs, distances)) == 0.75
    with pytest.raises(AssertionError):
        benchmark.agreement((ours, distances), (theirs, 2 * distances))


def test_the_bare_pass_is_the_layer(benchmark):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    x = torch.randn(3, 3, 7, 9, generator=torch.Generator().manual_seed(0))
    maps = net[:2](x).detach()
    for order in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(benchmark.bare_pass(net, "1", x, order)(), maps.mean((2, 3)))
        torch.testing.assert_close(benchmark.bare_pass(net, None, x, order)(), net(x).detach())
    given = benchmark.given_to_the_classifier(net, x)
    np.testing.assert_allclose(given, maps.mean((2, 3)).numpy(), atol=1e-6)


def test_maps_of_few_points(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "ITERATIONS", 260)
    vectors, _ = benchmark.mixture(120, 60, 5)
    speed, kept = benchmark.maps(vectors, 1)
    assert set(speed.details["neighbours_kept"]) == {"ours", "scikit-learn"}
    assert speed.value > 0 and 0.5 < kept.value < 2
    assert all(0.5 < value <= 1 for value in speed.details["trustworthiness"].values())


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_neighbours_of_few_vectors(benchmark, metric):
    speed, torch_speed = benchmark.neighbours(*benchmark.mixture(500, 16, 7), metric, rounds=1)
    assert speed.details["same_neighbours"] == {"scikit-learn": 1, "torch": 1}
    assert speed.value > 0 and torch_speed.value > 0
