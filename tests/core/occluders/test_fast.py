"""``precision="fast"``: bfloat16, with its error measured."""

import pytest
import torch

from cnnwidgets.core import occlusion


@pytest.mark.parametrize("engine", ["incremental", "plain", "auto"])
def test_near_the_exact_map_and_the_error_is_told(engine, small, pictures):
    x = pictures(2, 48, 66)
    net = small(x)
    targets = [list(range(6))] * 2
    exact = occlusion(net, x, targets, 15, 4, engine=engine)
    fast = occlusion(net, x, targets, 15, 4, precision="fast", engine=engine)
    spread = exact.probability.amax() - exact.probability.amin()
    difference = (fast.probability - exact.probability).abs()
    assert spread > 0.1
    assert fast.probability.dtype == fast.score.dtype == torch.float32
    assert difference.max() < 0.03 and difference.max() < 0.2 * spread
    assert exact.error is None
    if fast.precision == "fast":
        assert isinstance(fast.error, float) and 0 < fast.error < 0.03
        # measured at a sample of positions: no larger than the largest, and of its size
        assert 0.2 * difference.max() <= fast.error <= difference.max() + 1e-6
    else:  # this machine has no bfloat16
        assert difference.max() == 0


def test_the_baseline_is_exact(small, pictures):
    """It is computed once, so that exactness costs nothing."""
    x = pictures(2, 24, 33)
    net = small(x)
    with torch.no_grad():
        wanted = net(x).softmax(1)[:, 3]
    found = occlusion(net, x, 3, 9, 8, precision="fast")
    assert (found.baseline - wanted).abs().max() < 1e-5


def test_the_choice_is_said(net, x):
    for precision in ("exact", "fast"):
        found = occlusion(net.float(), x, 0, 9, 8, precision=precision)
        assert found.precision in ("exact", "fast")
        if precision == "exact":
            assert found.precision == "exact"
        elif found.precision == "exact":
            assert "bfloat16" in found.why


def test_networks_that_compute_in_bfloat16_anyway(small, pictures, reference):
    x = pictures(1, 24, 33)
    net = small(x).to(torch.bfloat16)
    found = occlusion(net, x, 3, 9, 8, precision="fast")
    truth = reference(net, x.to(torch.bfloat16), 9, 8)
    assert (found.probability - truth.of(truth.probability, 3)).abs().max() < 0.03


def test_activity_and_labels(small, pictures):
    x = pictures(2, 48, 66)
    net = small(x)
    exact = occlusion(net, x, 3, 15, 8, layer="conv2")
    fast = occlusion(net, x, 3, 15, 8, layer="conv2", precision="fast")
    assert torch.equal(fast.channel, exact.channel)
    change = (exact.activity - exact.baseline_activity[:, None, None]).abs().max()
    assert (fast.activity - exact.activity).abs().max() < 0.1 * change
    assert (fast.label == exact.label).float().mean() > 0.9
