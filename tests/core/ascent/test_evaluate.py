"""One pass forward and back: the values and gradients that autograd finds, of any network."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import (
    InputError,
    LayerError,
    NetworkError,
    Objective,
    TargetError,
    activity,
    class_score,
    diversity,
    unit,
)
from cnnwidgets.core.ascent.evaluate import evaluate


def by_autograd(net, x, value):
    """Slopes of what a plain run in evaluation mode gives."""
    was = [(part, part.training) for part in net.modules()]
    net.eval()
    given = x.clone().requires_grad_()
    with torch.enable_grad():
        values = value(given)
    found = values.detach(), torch.autograd.grad(values.sum(), given)[0]
    for part, training in was:
        part.training = training
    return found


def alike(found, wanted):
    torch.testing.assert_close(found.values, wanted[0])
    torch.testing.assert_close(found.gradient, wanted[1])
    assert found.gradient.abs().max() > 0
    assert not found.values.requires_grad and not found.gradient.requires_grad


def test_scores(net, x):
    found = evaluate(net, class_score([2, 0, 5]), x)
    alike(found, by_autograd(net, x, lambda given: net(given)[[0, 1, 2], [2, 0, 5]]))
    torch.testing.assert_close(found.scores, net.eval()(x).detach())


def test_units_before_in_place_relus(net, x):
    """What layer 0 and 4 return is written over before the network ends, and counts as it was."""
    objective = unit("0", 3) + 0.5 * unit("4", 7) + 2 * class_score(1)

    def value(given):
        first = net[0](given)
        second = net[4](net[3](net[2](net[1](first.clone()))))
        scores = net[5:](second.clone())
        return first[:, 3].mean((1, 2)) + 0.5 * second[:, 7].mean((1, 2)) + 2 * scores[:, 1]

    wanted = by_autograd(net, x, value)
    alike(evaluate(net, objective, x), wanted)
    layers_only = unit("0", 3) + 0.5 * unit("4", 7)
    score = by_autograd(net, x, lambda given: 2 * net(given)[:, 1])
    alike(evaluate(net, layers_only, x), (wanted[0] - score[0], wanted[1] - score[1]))


def test_it_stops_at_the_last_layer(net, x):
    def never(*_):
        raise AssertionError("ran on")

    net[6].register_forward_hook(never)
    assert evaluate(net, activity("4"), x).scores is None
    with pytest.raises(AssertionError, match="ran on"):
        evaluate(net, activity("4") + class_score(0), x)


def test_images_that_would_change_each_other(make, x):
    """Batch norm without statistics: each image is looked at alone, and diversity still compares them."""
    net = make(norm=nn.BatchNorm2d(8, track_running_stats=False))
    found = evaluate(net, class_score([2, 0, 5]), x)
    parts = [evaluate(net, class_score(c), one) for c, one in zip([2, 0, 5], x.split(1), strict=True)]
    torch.testing.assert_close(found.values, torch.cat([part.values for part in parts]))
    torch.testing.assert_close(found.gradient, torch.cat([part.gradient for part in parts]))
    torch.testing.assert_close(found.scores, torch.cat([part.scores for part in parts]))
    assert not torch.allclose(net.eval()(x)[[0, 1, 2], [2, 0, 5]], found.values)
    together = evaluate(net, unit("4", 1) + diversity("4"), x)
    assert together.values.shape == (3,) and together.gradient.abs().amax((1, 2, 3)).min() > 0


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_the_order_in_memory_changes_nothing(memory, net, x):
    wanted = evaluate(net, class_score(1), x)
    found = evaluate(net, class_score(1), x.to(memory_format=memory))
    torch.testing.assert_close(found.gradient, wanted.gradient)
    assert found.gradient.is_contiguous()


class Dict(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return {"aux": None, "logits": self.net(x)}


def test_scores_in_a_dict(net, x):
    torch.testing.assert_close(
        evaluate(Dict(net), class_score(1), x).gradient, evaluate(net, class_score(1), x).gradient
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_networks_of_half_precision(dtype, net, x):
    exact = evaluate(net, class_score(1), x)
    found = evaluate(net.to(dtype), class_score(1), x.float())
    assert found.values.dtype == found.gradient.dtype == found.scores.dtype == torch.float32
    assert torch.cosine_similarity(found.gradient.flatten(), exact.gradient.float().flatten(), dim=0) > 0.99


def test_what_overflows_in_half_precision_does_not_here():
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False)).half()
    net[0].weight.data.fill_(1)
    found = evaluate(net, activity("0"), torch.full((1, 1, 2, 2), 300.0))  # squares of 90,000
    assert found.values.tolist() == [4 * 300**2 / 2] and found.gradient.flatten().tolist() == [300] * 4


def test_fast_is_much_the_same(net, x):
    net, x = net.float(), x.float()
    exact, fast = (evaluate(net, class_score(1), x, half) for half in (False, True))
    assert fast.gradient.dtype == torch.float32
    assert not torch.equal(fast.gradient, exact.gradient)
    assert torch.cosine_similarity(exact.gradient.flatten(), fast.gradient.flatten(), dim=0) > 0.98


def test_networks_that_change_their_input(x):
    class Shift(nn.Module):
        def forward(self, x):
            return x.mul_(2).sum((2, 3))

    x = x.float()
    before = x.clone()
    found = evaluate(Shift(), class_score(1), x)
    assert torch.equal(x, before)
    torch.testing.assert_close(found.values, 2 * x[:, 1].sum((1, 2)))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_frozen_networks_and_callers_without_gradients(mode, net, x):
    wanted = evaluate(net, unit("4", 2), x)
    net.requires_grad_(False)
    with mode():
        found = evaluate(net, unit("4", 2), x)
    assert torch.equal(found.gradient, wanted.gradient)


@pytest.mark.parametrize(
    ("objective", "error", "said"),
    [
        (class_score(6), TargetError, "0 to 5"),
        (unit("44", 0), LayerError, "there is no layer '44'"),
        (unit("4", 12), LayerError, "channels 0 to 11"),
        (unit("4#2", 0), LayerError, "ran once only"),
        (Objective(lambda seen: seen.scores.sum(), needs_scores=True), InputError, "one number for each"),
    ],
)
def test_errors(objective, error, said, net, x):
    with pytest.raises(error, match=said):
        evaluate(net, objective, x)


def test_a_way_back_that_is_cut(net, x):
    class Cut(nn.Module):
        def forward(self, x):
            return x.detach()

    with pytest.raises(NetworkError, match="no gradient comes back"):
        evaluate(nn.Sequential(net, Cut()), class_score(0), x)
    with pytest.raises(NetworkError, match="holds no class scores"):
        evaluate(nn.Sequential(net, nn.Unflatten(1, (2, 3)), Wrapped()), class_score(0), x)


class Wrapped(nn.Module):
    def forward(self, x):
        return {"features": F.relu(x)}
