"""Images of classes and units: whose they are, and how they are called."""

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import (
    Ascent,
    InputError,
    LayerError,
    NetworkError,
    SquaredNorm,
    TargetError,
    ascent_of,
    capture,
    class_image,
    class_score,
    unit,
    unit_image,
)

SHAPE = {"shape": (3, 14, 18), "n_steps": 3}


def test_the_objective_of_the_paper(linear):
    """Score less lambda times the squared norm: from zero by plain steps to the weights over twice lambda."""
    net = linear()
    ascent = class_image(net, [1, 3], shape=(3, 4, 6), l2=0.5, optimiser="plain", rate=0.4, n_steps=40)
    step = ascent.run()
    torch.testing.assert_close(step.images, net.weight.detach()[[1, 3]])
    torch.testing.assert_close(step.penalties, 0.5 * step.images.square().sum((1, 2, 3)))
    torch.testing.assert_close(step.values, 2 * step.penalties)


def test_further_penalties(linear):
    net = linear()
    options = {"shape": (3, 4, 6), "optimiser": "plain", "rate": 0.4, "n_steps": 40}
    ascent = class_image(net, 1, l2=0.2, penalties=[SquaredNorm(0.3)], **options)
    torch.testing.assert_close(ascent.run().images, net.weight.detach()[1:2])


def test_lambda_while_it_runs(linear):
    net = linear()
    ascent = class_image(net, 1, shape=(3, 4, 6), l2=0, optimiser="plain", rate=0.4, n_steps=80)
    for _ in range(10):
        next(ascent)
    ascent.penalties[0].weight = 0.5
    torch.testing.assert_close(ascent.run().images, net.weight.detach()[1:2])


@pytest.mark.parametrize("target", [4, np.int64(4), torch.tensor(4), [4], np.array([4]), torch.tensor([4])])
def test_one_class_of_any_kind_of_number(target, net):
    wanted = class_image(net, 4, **SHAPE).run()
    assert wanted.images.shape == (1, 3, 14, 18)
    assert torch.equal(class_image(net, target, **SHAPE).run().images, wanted.images)


@pytest.mark.parametrize("target", [range(3), (0, 1, 2), np.arange(3), torch.arange(3)])
def test_several_classes_in_one_batch(target, net):
    found = class_image(net, target, **SHAPE).run()
    for n in range(3):
        torch.testing.assert_close(found.images[n], class_image(net, n, **SHAPE).run().images[0])


def test_other_scores_may_grow_as_well(scores):
    """Before softmax: the score of class 0 is all there is, however the others fare."""
    net = scores(lambda x: torch.stack([x[:, 0, 0, 0], 5 * x[:, 0, 0, 0] + x[:, 0, 0, 1]], 1))
    step = class_image(net, 0, shape=(1, 1, 2), l2=0, optimiser="plain", rate=1.0, n_steps=4).run()
    assert step.images.flatten().tolist() == [4, 0]


def test_default_images_of_toynet_are_seen_as_their_classes():
    toynet = cw.load("toynet")
    step = class_image(toynet, range(12), n_steps=8).run()
    probabilities = toynet.probabilities(step.images)
    assert probabilities.diagonal().min() > 0.9
    # visible from the first steps on
    assert toynet.to_image(class_image(toynet, 1, n_steps=2).run().images).astype(float).std() > 5


def test_units(net):
    """What it ends with is what the network says of it: a channel's mean, or one neuron."""
    channel = unit_image(net, "4", [3, 7], **SHAPE).run()
    maps = capture(net, channel.images, "4")["4"]
    torch.testing.assert_close(channel.values, maps[[0, 1], [3, 7]].mean((1, 2)))
    neuron = unit_image(net, "4", 3, position=(1, 2), **SHAPE)
    first, *_, last = neuron
    torch.testing.assert_close(last.values, capture(net, last.images, "4")["4"][:, 3, 1, 2])
    assert last.values > first.values
    # nothing outside its receptive field moves: rows up to 2 * (2 * (1 + 1) + 1) + 2
    moved = (last.images - first.images).abs().amax((0, 1, 3))
    assert (moved[13:] == 0).all() and (moved[:9] > 0).all()
    linear = unit_image(net, "9", 2, **SHAPE).run()
    torch.testing.assert_close(linear.values, capture(net, linear.images, "9")["9"][:, 2])


def test_several_images_of_one_unit_differ(net):
    found = unit_image(net, "4", 3, n_images=3, **SHAPE).run()
    assert found.images.shape == (3, 3, 14, 18) and found.values.shape == (3,)
    assert (found.images[0] - found.images[1]).abs().max() > 0.01
    apart = unit_image(net, "4", 3, n_images=3, diverse=2.0, **SHAPE)
    assert apart.objective.name == "4 channel 3 + 2 × diversity at 4"
    assert not torch.allclose(apart.run().images, found.images)


def test_from_images_of_ones_own(net, x):
    ascent = unit_image(net, "4", 3, start=x, noise=0, n_steps=1)
    assert isinstance(ascent, Ascent) and torch.equal(next(ascent).images, x)
    several = ascent_of(net, class_score(1) + unit("4", 2), start=x, n_steps=1)
    assert next(several).values.shape == (3,)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda net: class_image(net, 6, **SHAPE),
            TargetError,
            "class 6 does not exist: the network has 0 to 5",
        ),
        (lambda net: class_image(net, [0, -1], **SHAPE), TargetError, "class -1 does not exist"),
        (lambda net: class_image(net, [], **SHAPE), TargetError, "target is a class number"),
        (lambda net: class_image(net, "cat", **SHAPE), TargetError, "target is a class number"),
        (lambda net: class_image(net, None, **SHAPE), TargetError, "target is a class number"),
        (lambda net: class_image(net, 1, l2=-1, **SHAPE), InputError, "weight of a penalty is 0 or more"),
        (lambda net: unit_image(net, "conv", 0, **SHAPE), LayerError, "there is no layer 'conv'"),
        (lambda net: unit_image(net, "4", 12, **SHAPE), LayerError, "channels 0 to 11, not 12"),
        (lambda net: unit_image(net, "4", 0, position=(9, 0), **SHAPE), InputError, "outside the maps"),
        (lambda net: unit_image(net, "9", 0, position=(0, 0), **SHAPE), InputError, "have no position"),
        (
            lambda net: unit_image(net, "4", [0, 1], n_images=3, **SHAPE),
            InputError,
            "several images are of one",
        ),
        (lambda net: unit_image(net, "4", 0, n_images=0, **SHAPE), InputError, "n_images"),
        (lambda net: unit_image(net, "4", 0, diverse=1.0, **SHAPE), InputError, "at least 2 images"),
        (lambda net: class_image(net[:5], 0, **SHAPE), NetworkError, "class scores are floats of shape"),
    ],
)
def test_what_cannot_be(call, error, said, net):
    with pytest.raises(error, match=said):
        call(net).run()


def test_networks_that_are_none():
    with pytest.raises(TypeError, match="a network is a torch.nn.Module"):
        class_image("toynet", 1)
    with pytest.raises(TypeError):
        class_image(nn.Identity(), 1, shape=(3, 4, 4), steps=3)
