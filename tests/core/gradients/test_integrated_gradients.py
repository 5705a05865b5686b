"""Integrated gradients: quadrature, baseline, completeness."""

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.core import (
    InputError,
    input_gradient,
    input_x_gradient,
    integrated_gradients,
    integrated_gradients_steps,
)


class Power(nn.Module):
    """Sum of a power of the pixels, and its negative."""

    def __init__(self, exponent: int) -> None:
        super().__init__()
        self.exponent = exponent
        self.unit = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        score = self.unit * (x**self.exponent).flatten(1).sum(1)
        return torch.stack([score, -score], 1)


@pytest.fixture
def smooth(x, lively):
    """A network without corners: quadrature converges fast."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(120, 5)
    )
    return lively(net.double(), x)


def test_a_linear_network_needs_one_step(x, close):
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 20 * 26, 4)).double()
    found, gap = integrated_gradients(net, x, [0, 3, 2], n_steps=1, return_gap=True)
    close(found, input_x_gradient(net, x, [0, 3, 2]))
    assert gap.shape == (3,) and gap.abs().max() < 1e-10


@pytest.mark.parametrize(("exponent", "n_steps"), [(2, 1), (4, 2), (6, 3), (10, 5)])
def test_n_points_are_exact_to_the_degree_2n_minus_1(exponent, n_steps, x, close):
    """What Gauss-Legendre can do, and no rule of equal steps; from baseline b the integral is x^p - b^p."""
    baseline = 0.25
    found, gap = integrated_gradients(Power(exponent), x, 1, baseline, n_steps, return_gap=True)
    close(found, -(x**exponent - baseline**exponent), tolerance=1e-10)
    assert gap.abs().max() < 1e-9 * found.abs().sum()
    if n_steps > 1:
        too_few, gap = integrated_gradients(Power(exponent), x, 1, baseline, n_steps - 1, return_gap=True)
        assert gap.abs().min() > 1e-6
        wanted = too_few.sum((1, 2, 3)) + (x**exponent - baseline**exponent).sum((1, 2, 3))
        torch.testing.assert_close(gap, wanted, rtol=1e-8, atol=0)


def test_by_the_formula(net, x, close):
    """Points and weights from NumPy, one gradient for each picture and point."""
    baseline, targets = 0.1 * torch.rand(x.shape, dtype=x.dtype), [2, 5, 0]
    points, weights = np.polynomial.legendre.leggauss(6)
    total = torch.zeros_like(x)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        on_the_way = (baseline + point * (x - baseline)).requires_grad_()
        scores = net(on_the_way)[range(3), targets].sum()
        total += weight * torch.autograd.grad(scores, on_the_way)[0]
    for batch_size in (None, 1, 4, 100):
        found = integrated_gradients(net, x, targets, baseline, n_steps=6, batch_size=batch_size)
        close(found, (x - baseline) * total)


def test_it_sums_to_the_difference_of_the_scores(smooth, x):
    with torch.no_grad():
        difference = (smooth(x) - smooth(torch.full_like(x, -0.5)))[range(3), [4, 0, 1]]
    found, gap = integrated_gradients(smooth, x, [4, 0, 1], -0.5, return_gap=True)
    assert difference.abs().min() > 0.01
    torch.testing.assert_close(found.sum((1, 2, 3)), difference, rtol=1e-6, atol=0)
    torch.testing.assert_close(gap, found.sum((1, 2, 3)) - difference, rtol=0, atol=1e-10)


def test_with_corners_the_gap_is_there_and_shrinks(net, x):
    with torch.no_grad():
        difference = (net(x) - net(torch.zeros_like(x)))[:, 3]
    gaps = []
    for n_steps in (2, 20, 400):
        found, gap = integrated_gradients(net, x, 3, n_steps=n_steps, return_gap=True)
        torch.testing.assert_close(gap, found.sum((1, 2, 3)) - difference, rtol=0, atol=1e-9)
        gaps.append(float(gap.abs().max() / difference.abs().max()))
    assert gaps[0] > gaps[2] > 0 and gaps[2] < 0.01


def test_a_pixel_of_the_baselines_colour_counts_nothing(smooth, x):
    x[:, :, :3] = 0.7
    found = integrated_gradients(smooth, x, 1, 0.7, n_steps=5)
    assert (found[:, :, :3] == 0).all() and found.abs().max() > 0
    assert (integrated_gradients(smooth, x, 1, x, n_steps=5) == 0).all()


def test_the_gradient_is_not_that_at_the_picture(net, x):
    found = integrated_gradients(net, x, 1, n_steps=20)
    assert not torch.allclose(found, x * input_gradient(net, x, 1), rtol=0.05)


def test_baselines_of_every_shape(smooth, x, close):
    colour = torch.tensor([0.1, -0.2, 0.4], dtype=x.dtype)
    wanted = integrated_gradients(smooth, x, 1, colour.reshape(1, 3, 1, 1).expand_as(x), n_steps=4)
    close(integrated_gradients(smooth, x, 1, colour.reshape(3, 1, 1).expand(x.shape[1:]), n_steps=4), wanted)
    close(integrated_gradients(smooth, x, 1, torch.full_like(x, 0.3), n_steps=4),
          integrated_gradients(smooth, x, 1, 0.3, n_steps=4))  # fmt: skip


def test_several_classes(smooth, x, close):
    targets = [[0, 4], [1, 1], [3, 2]]
    found, gap = integrated_gradients(smooth, x, targets, n_steps=5, return_gap=True)
    assert found.shape == (3, 2, *x.shape[1:]) and gap.shape == (3, 2)
    for t in range(2):
        one, one_gap = integrated_gradients(
            smooth, x, [each[t] for each in targets], n_steps=5, return_gap=True
        )
        close(found[:, t], one)
        torch.testing.assert_close(gap[:, t], one_gap, rtol=1e-6, atol=1e-12)


def test_steps_end_with_the_whole(smooth, x, close):
    steps = list(integrated_gradients_steps(smooth, x, [1, 4, 0], n_steps=6, batch_size=4))
    assert [n for n, _ in steps] == sorted({n for n, _ in steps}) and len(steps) > 3
    assert all(found is None for _, found in steps[:-1])
    close(steps[-1][1], integrated_gradients(smooth, x, [1, 4, 0], n_steps=6))


def test_progress_and_its_exceptions(smooth, x):
    said = []
    integrated_gradients(smooth, x, 1, n_steps=6, batch_size=4, progress=lambda *now: said.append(now))
    assert said[-1][0] == said[-1][1] and len(said) > 2

    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    with pytest.raises(Stop):
        integrated_gradients(smooth, x, 1, n_steps=6, batch_size=4, progress=stop)


def test_fast_is_much_the_same(net, x):
    net, x = net.float(), x.float()
    exact = integrated_gradients(net, x, 1, n_steps=10)
    fast = integrated_gradients(net, x, 1, n_steps=10, precision="fast")
    assert fast.dtype == torch.float32
    assert torch.cosine_similarity(exact.flatten(1), fast.flatten(1)).min() > 0.95


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"n_steps": 0}, InputError, "n_steps"),
        ({"baseline": torch.zeros(3, 5, 5)}, InputError, "baseline|fill|fit"),
        ({"baseline": float("nan")}, InputError, "baseline|fill|NaN"),
        ({"batch_size": -1}, InputError, "batch_size"),
        ({"precision": "half"}, ValueError, "exact"),
    ],
)
def test_options_that_make_no_sense(options, error, says, smooth, x):
    with pytest.raises(error, match=says):
        integrated_gradients(smooth, x, 1, **options)
