"""What the squares show is the same in the network's input and on the page."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.explorers.squares_shown import as_picture, filled_input, fills_of
from cnnwidgets.networks import Preprocess

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def network_of(preprocess, channels=3):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return cw.wrap(module, preprocess=preprocess)


@pytest.fixture(scope="module")
def network():
    return network_of(Preprocess((20, 28), mean=MEAN, std=STD))


@pytest.fixture(scope="module")
def x(network):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 3), dtype=np.uint8)
    return network.read(Image.fromarray(pixels))


@pytest.mark.parametrize(("fill", "value", "level"), [("grey", 0.5, 128), ("black", 0.0, 0)])
def test_colours_are_colours_of_pixels(network, x, fill, value, level):
    filled = filled_input(network, x, fill)
    for channel in range(3):
        expected = (value - MEAN[channel]) / STD[channel]
        np.testing.assert_allclose(filled[0, channel], expected, rtol=1e-6)
    assert abs(int(as_picture(network, filled).min()) - level) <= 1
    assert filled.shape == x.shape and np.ptp(as_picture(network, filled)) == 0


@pytest.mark.parametrize("fill", ["mean", "blurred", "noise", "elsewhere"])
def test_the_others_are_those_of_the_core(network, x, fill):
    filled = filled_input(network, x, fill)
    assert torch.equal(filled, cw.core.fill_pixels(x, fill))
    assert not torch.equal(filled, x)
    np.testing.assert_array_equal(as_picture(network, filled), network.to_image(filled)[0])


def test_all_that_are_named_can_be_used(network, x):
    assert fills_of(network) == ["grey", "black", "mean", "blurred", "noise", "elsewhere"]
    for fill in fills_of(network):
        assert filled_input(network, x, fill).shape == x.shape


def test_without_a_way_back_there_are_no_colours_and_no_picture():
    def strange(image):
        x = torch.from_numpy(np.array(image.resize((28, 20)))).permute(2, 0, 1).float()
        return (x / 255).sqrt() * 5 - 2.5

    network = network_of(strange)
    x = network.read(Image.new("RGB", (28, 20)))
    assert fills_of(network) == ["mean", "blurred", "noise", "elsewhere"]
    for fill in fills_of(network):
        assert as_picture(network, filled_input(network, x, fill)) is None


def test_grey_pictures():
    network = network_of(Preprocess((20, 28), mean=(0.4,), std=(0.3,)), channels=1)
    x = network.read(Image.new("RGB", (28, 20), "white"))
    filled = filled_input(network, x, "black")
    np.testing.assert_allclose(filled, torch.full((1, 1, 20, 28), -0.4 / 0.3), rtol=1e-6)
    assert as_picture(network, filled).shape == (20, 28, 3)
