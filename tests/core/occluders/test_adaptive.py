"""Coarse lattice first, refined where the map changes."""

import numpy as np
import pytest
import torch

import cnnwidgets as cw
from cnnwidgets.core import occlusion
from cnnwidgets.data.toytown import Toytown

ENGINES = ["incremental", "plain"]


@pytest.fixture(scope="module")
def toynet():
    return cw.load("toynet")


@pytest.fixture(scope="module")
def town(toynet):
    """Four pictures of as many classes, as the network reads them, and their labels."""
    examples = [Toytown("test")[i] for i in range(4)]
    return torch.cat([toynet.read(example.image) for example in examples]), [e.label for e in examples]


@pytest.fixture(scope="module")
def maps(toynet, town):
    x, labels = town
    full = occlusion(toynet, x, labels, 16, 4)
    return full, occlusion(toynet, x, labels, 16, 4, method="adaptive", tolerance=0.02)


def test_what_was_computed_is_what_a_full_map_has(maps):
    full, adaptive = maps
    at = adaptive.computed
    assert at.shape == full.probability.shape and full.computed.all()
    torch.testing.assert_close(adaptive.probability[at], full.probability[at], atol=2e-6, rtol=0)
    torch.testing.assert_close(adaptive.score[at], full.score[at], atol=2e-5, rtol=1e-5)
    assert torch.equal(adaptive.baseline, full.baseline)
    assert 0.05 < at.float().mean() < 0.9
    # each picture has its own places
    assert len({tuple(one.flatten().tolist()) for one in at}) > 1


def test_the_rest_is_near(maps):
    """What is left out lies among values that differ by the tolerance at most: the error is of that size."""
    full, adaptive = maps
    spread = full.probability.amax((1, 2)) - full.probability.amin((1, 2))
    assert spread.max() > 0.3
    error = (adaptive.probability - full.probability).abs()[~adaptive.computed]
    assert len(error) > 300
    assert np.percentile(error, 95) < 0.01
    assert error.max() < 0.1


def test_computed_where_the_map_changes(maps):
    """Neighbours that were both left out hardly differ, on the whole."""
    full, adaptive = maps
    change = (full.probability[:, 1:] - full.probability[:, :-1]).abs()
    left_out = ~(adaptive.computed[:, 1:] | adaptive.computed[:, :-1])
    assert change[left_out].mean() < 0.25 * change[~left_out].mean()


def test_what_was_not_computed_lies_between_what_was(maps):
    _, adaptive = maps
    for values, at in zip(adaptive.probability, adaptive.computed, strict=True):
        assert values[at].min() - 1e-6 <= values[~at].min() and values[~at].max() <= values[at].max() + 1e-6


def test_a_smaller_tolerance_computes_more_and_none_computes_all(net, x):
    shares = []
    for tolerance in (1.0, 0.1, 0.02, 0.004):
        found = occlusion(net, x, 1, 7, 1, method="adaptive", tolerance=tolerance)
        shares.append(found.computed.float().mean().item())
    assert shares == sorted(shares) and shares[0] < 0.3 and shares[-1] > 1.5 * shares[0]
    exact = occlusion(net, x, 1, 7, 1, method="adaptive", tolerance=0.0)
    full = occlusion(net, x, 1, 7, 1)
    torch.testing.assert_close(exact.probability, full.probability, atol=1e-10, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_constant_map_takes_one_look(engine):
    class Constant(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 2, 3)
            torch.nn.init.zeros_(self.conv.weight)

        def forward(self, x):
            return self.conv(x).mean((2, 3))

    found = occlusion(Constant(), torch.randn(1, 3, 40, 60), 0, 7, 1, method="adaptive", engine=engine)
    assert found.computed.float().mean() < 0.3
    assert (found.probability - found.baseline).abs().max() < 1e-6


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stride", [1, 5, (3, 30), 50])
def test_every_lattice(stride, engine, net, x):
    """Also those with a single row or a single position."""
    full = occlusion(net, x, [0, 4], 7, stride, engine=engine)
    found = occlusion(net, x, [0, 4], 7, stride, engine=engine, method="adaptive", layer="conv2")
    assert found.probability.isfinite().all() and found.score.isfinite().all()
    assert found.activity.isfinite().all()
    assert found.label.shape == found.probability.shape
    at = found.computed
    torch.testing.assert_close(found.probability[at], full.probability[at], atol=1e-10, rtol=0)
    assert torch.equal(found.label[at], full.label[at])
    assert at[:, 0, 0].all() and found.computed.shape == full.computed.shape


def test_several_targets_are_all_looked_at(net, x):
    """A place is refined where the map of any of the classes changes."""
    shared = occlusion(net, x[:1], [[0, 4]], 7, 1, method="adaptive", tolerance=0.01)
    full = occlusion(net, x[:1], [[0, 4]], 7, 1)
    assert shared.computed.shape == (1, 24, 33)
    error = (shared.probability - full.probability).abs()
    assert error[:, :, shared.computed[0]].max() < 1e-9
    for i, target in enumerate((0, 4)):
        alone = occlusion(net, x[:1], target, 7, 1, method="adaptive", tolerance=0.01)
        assert shared.computed[alone.computed].float().mean() > 0.95
        assert error[0, i].max() < 0.05


def test_a_network_that_says_nan_here_and_there_ends(net, x):
    class Sometimes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            scores = self.net(x)
            return torch.where(scores[:, :1] > scores[:, 1:2], scores, torch.nan)

    found = occlusion(Sometimes(), x, 0, 9, 2, method="adaptive")
    full = occlusion(Sometimes(), x, 0, 9, 2)
    at = found.computed
    assert torch.equal(found.probability[at].isnan(), full.probability[at].isnan())


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_tells_what_is_done_of_what_may_come(engine, net, x):
    said = []
    occlusion(net, x, 0, 7, 2, method="adaptive", engine=engine, progress=lambda *now: said.append(now))
    done = [now[0] for now in said]
    assert done == sorted(done) and all(d <= total for d, total in said)
    assert said[-1][0] == said[-1][1]
