"""Which classes, layers, channels and positions can be asked for, and what is said of the others."""

import numpy as np
import pytest
import torch

from cnnwidgets.core import (
    InputError,
    LayerError,
    TargetError,
    cam,
    deconvnet,
    grad_cam,
    grad_cam_plus_plus,
    guided_backprop,
    guided_grad_cam,
    hires_cam,
    input_gradient,
    input_x_gradient,
    integrated_gradients,
    layer_cam,
    saliency,
    score_cam,
    score_gradients,
    smooth_grad,
)

METHODS = {
    "input_gradient": input_gradient,
    "saliency": saliency,
    "input_x_gradient": input_x_gradient,
    "smooth_grad": lambda *given: smooth_grad(*given, n_samples=2),
    "integrated_gradients": lambda *given: integrated_gradients(*given, n_steps=2),
    "deconvnet": deconvnet,
    "guided_backprop": guided_backprop,
    "cam": cam,
    "grad_cam": lambda *given: grad_cam(*given, "conv3", relu=False),
    "grad_cam_plus_plus": lambda *given: grad_cam_plus_plus(*given, "conv3"),
    "layer_cam": lambda *given: layer_cam(*given, "conv3"),
    "hires_cam": lambda *given: hires_cam(*given, "conv3"),
    "score_cam": lambda *given: score_cam(*given, "relu3"),
    "guided_grad_cam": lambda *given: guided_grad_cam(*given, "conv3"),
    "score_gradients": lambda *given: score_gradients(*given).pixels,
}


@pytest.mark.parametrize("name", METHODS)
def test_the_ways_to_name_classes(name, net, x, close):
    call = METHODS[name]
    wanted = call(net, x, [4, 0, 2])
    for same in ((4, 0, 2), torch.tensor([4, 0, 2]), np.array([4, 0, 2]), [np.int64(4), 0, torch.tensor(2)]):
        close(call(net, x, same), wanted, tolerance=0)
    one = call(net, x, 3)
    for same in ([3, 3, 3], np.int64(3), torch.tensor(3)):
        close(call(net, x, same), one, tolerance=0)


@pytest.mark.parametrize("name", METHODS)
def test_several_for_each_picture(name, net, x):
    call = METHODS[name]
    targets = [[4, 1], [0, 1], [2, 5]]
    both = call(net, x, targets)
    first, second = call(net, x, [4, 0, 2]), call(net, x, [1, 1, 5])
    assert both.shape == (3, 2, *first.shape[1:])
    torch.testing.assert_close(both, torch.stack([first, second], 1), rtol=1e-9, atol=1e-12)
    assert not torch.allclose(first, second)
    assert call(net, x, [[4], [0], [2]]).shape == (3, 1, *first.shape[1:])
    same = call(net, x[:1], [[3, 3]])
    assert torch.equal(same[:, 0], same[:, 1])


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("target", "says"),
    [
        (6, "0 to 5"),
        (-1, "0 to 5"),
        ([0, 1, 6], "0 to 5"),
        ([[0, 1], [2, 3], [4, 99]], "0 to 5"),
        ([0, 1], "3 images"),
        ([0, 1, 2, 3], "3 images"),
        ([[0], [1, 2], [3]], "target"),
        ([], "target"),
        (1.0, "target"),
        (True, "target"),
        ("cat", "target"),
    ],
)
def test_what_is_no_class(name, target, says, net, x):
    with pytest.raises(TargetError, match=says):
        METHODS[name](net, x, target)


@pytest.mark.parametrize("call", [deconvnet, guided_backprop])
@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({}, InputError, "target"),
        ({"layer": "conv2"}, InputError, "channel"),
        ({"channel": 2}, InputError, "layer"),
        ({"target": 0, "layer": "conv2", "channel": 1}, InputError, "not both"),
        ({"target": 0, "position": (0, 0)}, InputError, "not both|position"),
        ({"layer": "conv22", "channel": 1}, LayerError, "conv2"),
        ({"layer": "relu2#2", "channel": 1}, LayerError, "once"),
        ({"layer": "conv2", "channel": 8}, LayerError, "0 to 7"),
        ({"layer": "conv2", "channel": -1}, LayerError, "0 to 7"),
        ({"layer": "conv2", "channel": [0, 1]}, LayerError, "3 images"),
        ({"layer": "conv2", "channel": 1.5}, LayerError, "channel"),
        ({"layer": "conv2", "channel": 1, "position": (99, 0)}, InputError, "outside"),
        ({"layer": "conv2", "channel": 1, "position": (0, -1)}, InputError, "outside"),
        ({"layer": "conv2", "channel": 1, "position": 3}, InputError, "row"),
        ({"layer": "conv2", "channel": 1, "position": [2]}, InputError, "row"),
        ({"layer": "conv2", "channel": 1, "position": [[2], [1], [0]]}, InputError, "row"),
        ({"layer": "conv2", "channel": 1, "position": (0.5, 1)}, InputError, "row"),
        ({"layer": "fc", "channel": 1, "position": (0, 0)}, InputError, "position"),
        ({"layer": "fc", "channel": 6}, LayerError, "0 to 5"),
    ],
)
def test_where_no_way_back_starts(call, given, error, says, net, x):
    with pytest.raises(error, match=says):
        call(net, x, **given)


def test_another_position_for_each_picture(net, x, close):
    """As the nine patches of a unit have it: each fires somewhere else."""
    places = [(0, 1), (3, 4), (2, 0)]
    found = guided_backprop(net, x, layer="conv2", channel=[1, 0, 5], position=places)
    alone = [
        guided_backprop(net, x[n : n + 1], layer="conv2", channel=channel, position=place)
        for n, (channel, place) in enumerate(zip([1, 0, 5], places, strict=True))
    ]
    close(found, torch.cat(alone))


def test_pictures_of_no_class_at_all(net):
    with pytest.raises(InputError):
        saliency(net, torch.zeros(0, 3, 20, 26), 0)
