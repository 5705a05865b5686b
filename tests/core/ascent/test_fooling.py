"""Fooling images: the smallest change in closed form, and what is said when there is none."""

import math

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import InputError, NetworkError, TargetError, fooling_image


def gap(net, x, target):
    scores = net(x)[0].detach()
    others = [k for k in range(len(scores)) if k != target]
    return max(float(scores[k] - scores[target]) for k in others)


@pytest.fixture
def image():
    return torch.randn(1, 3, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("confidence", [0.0, 0.3, 0.9, 0.999])
def test_the_smallest_change_of_two_linear_classes(confidence, linear, image):
    """On the way to the border, w1 - w0, as far as the scores lack, and the log odds beyond."""
    net = linear(n_classes=2)
    target = int(net(image)[0].argmin())
    weights = net.weight.detach()
    way = weights[target] - weights[1 - target]
    needed = gap(net, image, target)
    if confidence:  # at least ahead, and with the probability
        needed += max(0, math.log(confidence / (1 - confidence)))
    wanted = needed * way / way.square().sum()
    found = fooling_image(net, image, target, confidence=confidence).run()
    assert found.is_fooled and found.probability >= max(confidence, 0.5)
    torch.testing.assert_close(found.change[0], wanted, rtol=2e-3, atol=2e-3 * float(wanted.abs().max()))
    torch.testing.assert_close(found.image, image + found.change)
    assert found.norm == pytest.approx(float(wanted.norm()), rel=2e-3)
    assert found.largest == pytest.approx(float(wanted.abs().max()), rel=2e-3)
    assert found.norm >= float(wanted.norm()) * (1 - 1e-9)  # less does not fool


@pytest.mark.parametrize("target", [0, 1, 2])
def test_the_border_of_several_linear_classes(target, linear, image):
    """No change is smaller than the way to the farthest of the borders, and this one ends on a border."""
    net = linear(n_classes=3)
    scores, weights = net(image)[0].detach(), net.weight.detach()
    least = max(
        float((scores[k] - scores[target]) / (weights[k] - weights[target]).norm())
        for k in range(3)
        if k != target
    )
    found = fooling_image(net, image, target, confidence=0).run()
    assert found.is_fooled
    if least < 0:
        assert found.norm == 0
        return
    assert least <= found.norm < 1.3 * least
    assert -2e-3 * float((scores - scores[target]).abs().max()) < gap(net, found.image, target) < 0


def test_steps_and_halvings(linear, image):
    net = linear(n_classes=2)
    target = int(net(image)[0].argmin())
    search = fooling_image(net, image, target, confidence=0)
    steps = list(search)
    # the image, one step, 20 that make it shorter, ten halvings
    assert [step.number for step in steps] == list(range(32))
    assert not steps[0].is_fooled and torch.equal(steps[0].image, image) and steps[0].norm == 0
    assert steps[1].is_fooled
    assert steps[1].norm > search.best.norm and search.best.number > 21
    assert search.best.norm == min(step.norm for step in steps if step.is_fooled)
    for step in steps:
        assert step.probability == pytest.approx(net(step.image).softmax(1)[0, target].item())
        assert step.is_fooled == (net(step.image)[0].argmax().item() == target)


def test_the_class_that_it_is_already(linear, image):
    net = linear()
    present = int(net(image)[0].argmax())
    steps = list(fooling_image(net, image, present, confidence=0))
    assert len(steps) == 1 and steps[0].is_fooled and not steps[0].change.any()
    said = []
    found = fooling_image(net, image, present, confidence=0).run(lambda *now: said.append(now))
    assert found.norm == 0 and said[-1] == (50, 50)


def test_within_limits(linear, image):
    """Pixels that may not go on leave the way to the others."""
    net = linear(n_classes=2)
    image = 0.3 * image.sign()
    target = int(net(image)[0].argmin())
    free = fooling_image(net, image, target, confidence=0).run()
    assert free.image.abs().max() > 0.305
    search = fooling_image(net, image, target, confidence=0, limits=(-0.305, 0.305))
    for step in search:
        assert step.image.abs().max() <= 0.305 + 1e-9
    assert search.best.is_fooled and search.best.norm > free.norm


def test_out_of_reach_within_limits_and_more_steps(linear, image):
    """A score that only brighter pixels than white would raise enough."""
    net = linear(n_classes=2)
    net.weight.data[0], net.weight.data[1] = 1.0, 0.0
    net.weight.data[1, :, 0, 0] = -100
    search = fooling_image(net, 0 * image - 0.5, 0, confidence=0, n_steps=4, limits=(-1, -0.1))
    found = search.run()
    assert not found.is_fooled and found.number == 4 and search.best is None
    assert found.image.min().item() == pytest.approx(-0.1)  # all as bright as may be
    with pytest.raises(InputError, match="raise n_steps to go on"):
        search.run()
    search.n_steps = 6
    assert search.run().number == 6


def test_a_curved_border_is_met_where_it_is_nearest(scores):
    """Class 1 lies outside of an ellipse with half axes 1 and 3; DeepFool alone goes astray."""
    net = scores(
        lambda x: torch.stack([0 * x[:, 0, 0, 0] + 1, x[:, 0, 0, 0] ** 2 + x[:, 0, 0, 1] ** 2 / 9], 1)
    )
    image = torch.tensor([[[[0.05, 0.6]]]], dtype=torch.float64)
    search = fooling_image(net, image, 1, confidence=0)
    first = next(step for step in search if step.is_fooled)
    assert first.norm > 1.2
    angles = torch.linspace(0, 2 * math.pi, 100_001, dtype=torch.float64)
    border = torch.stack([angles.cos(), 3 * angles.sin()], 1)
    least = (border - image.flatten()).norm(dim=1).min().item()
    assert least < 0.95
    assert least * (1 - 1e-6) <= search.run().norm < 1.02 * least


def test_toynet_sees_another_class():
    toynet = cw.load("toynet")
    sample = cw.data.Toytown("test")[0]
    x = toynet.read(sample.image)
    present = int(toynet.scores(x).argmax())
    for target in ((present + 3) % 12, (present + 7) % 12):
        found = fooling_image(toynet, x, target).run()
        assert found.is_fooled and found.probability >= 0.9
        assert toynet.probabilities(found.image)[0, target].item() == pytest.approx(
            found.probability, abs=1e-4
        )
        assert found.norm < 0.1 * torch.linalg.vector_norm(x)
        colours = toynet.preprocess.denormalise(found.image)
        assert colours.min() > -1e-5 and colours.max() < 1 + 1e-5


def test_the_same_again_and_from_any_caller(net, x):
    wanted = fooling_image(net, x[:1], 4).run()
    assert wanted.is_fooled
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            found = fooling_image(net, x[0], 4).run()
        assert torch.equal(found.image, wanted.image) and not found.image.is_inference()


def test_interrupted_it_goes_on(net, x, fuse):
    wanted = list(fooling_image(net, x[:1], 4))
    for at in (1, 2, len(wanted) - 3):
        handle = net[0].register_forward_hook(fuse(at))
        search, found = fooling_image(net, x[:1], 4), []
        while True:
            try:
                found.append(next(search))
            except KeyboardInterrupt:
                continue
            except StopIteration:
                break
        handle.remove()
        assert [step.number for step in found] == [step.number for step in wanted]
        assert all(torch.equal(one.image, other.image) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_networks_of_half_precision(dtype, net, x):
    found = fooling_image(net.to(dtype), x[:1].float(), 4).run()
    assert found.is_fooled and found.image.dtype == torch.float32


def test_the_best_is_the_smallest_of_all_that_fool(net, x):
    for target in range(6):
        search, norms = fooling_image(net, x[:1], target), []
        for step in search:
            norms += [step.norm] if step.is_fooled else []
            assert not norms or search.best.norm == min(norms)


def test_progress(net, x):
    said = []
    fooling_image(net, x[:1], 4, n_steps=8).run(lambda *now: said.append(now))
    assert said[-1] == (8, 8) and all(total == 8 for _, total in said)
    assert [done for done, _ in said] == sorted(done for done, _ in said)
    assert sum(done == 8 for done, _ in said) == 1


class Flat(nn.Module):
    def forward(self, x):
        return torch.stack([x.sum((1, 2, 3)).clamp(max=-1e9), 0 * x.sum((1, 2, 3)) + 5], 1)


def test_a_flat_network():
    with pytest.raises(NetworkError, match="no gradient leads from this image to the target class"):
        fooling_image(Flat(), torch.zeros(1, 3, 4, 5), 0).run()


def test_a_network_that_gives_no_numbers(net, x):
    net[0].bias.data.fill_(float("nan"))
    with pytest.raises(NetworkError, match="or look at its weights"):
        fooling_image(net, x[:1], 0).run()


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"target": 6}, TargetError, "the network has 0 to 5"),
        ({"target": -1}, TargetError, "the network has 0 to 5"),
        ({"target": [1, 2]}, TargetError, "the number of one class"),
        ({"target": 1.0}, TargetError, "the number of one class"),
        ({"x": torch.zeros(2, 3, 14, 18)}, InputError, "one image is changed at a time, not 2"),
        ({"x": None}, InputError, "torch.Tensor"),
        ({"confidence": 1.0}, InputError, "confidence is a probability"),
        ({"confidence": float("nan")}, InputError, "confidence is a probability"),
        ({"n_steps": 0}, InputError, "n_steps"),
        ({"limits": (2, 1)}, InputError, "black below white"),
    ],
)
def test_what_cannot_be(options, error, said, net, x):
    with pytest.raises(error, match=said):
        fooling_image(net, **{"x": x[:1], "target": 1, **options}).run()


def test_one_class_has_no_other():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 1))
    with pytest.raises(TargetError, match="one class only"):
        fooling_image(net, torch.zeros(1, 3, 2, 2), 0).run()
