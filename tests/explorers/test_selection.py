"""A selection always fits its network."""

import numpy as np
import pytest
import traitlets as t
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core.errors import CnnWidgetsError, LayerError
from cnnwidgets.explorers import Selection


def tiny(channels=5):
    return nn.Sequential(
        nn.Conv2d(3, channels, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 4)
    )


@pytest.fixture
def network():
    return cw.wrap(tiny(), input_size=(20, 28), name="tiny")


def test_takes_a_network_a_module_or_a_name(network):
    assert Selection(network).network is network
    assert Selection("toynet").network.name == "toynet"
    module = tiny()
    assert Selection(module).network.module is module
    with pytest.raises(t.TraitError, match="must be a Network, a torch module or a name, not int"):
        Selection(3)


def test_begins_at_the_last_convolution(network):
    assert Selection(network).layer == "0"
    assert Selection("toynet").layer == "conv5"


def test_images_are_read_whatever_they_are(network):
    selection = Selection(network, image=np.zeros((7, 9), np.uint8))
    assert isinstance(selection.image, Image.Image)
    assert (selection.image.mode, selection.image.size) == ("RGB", (9, 7))
    with pytest.raises(CnnWidgetsError):
        selection.image = b"no image"
    assert selection.image.size == (9, 7), "the old one stays"


def test_what_does_not_exist_is_refused(network):
    selection = Selection(network, channel=4, target=3)
    with pytest.raises(LayerError, match="no layer 'conv'; there are: '0', '1'"):
        selection.layer = "conv"
    with pytest.raises(t.TraitError, match="class 4 does not exist: tiny has 0 to 3"):
        selection.target = 4
    with pytest.raises(t.TraitError, match="channel 5 does not exist: 0 has 0 to 4"):
        selection.channel = 5
    with pytest.raises(TypeError, match="no trait 'chanel'"):
        Selection(network, chanel=1)
    assert (selection.layer, selection.target, selection.channel) == ("0", 3, 4)


def test_another_layer_forgets_the_unit(network):
    """Its channel 4 has nothing to do with the other one's."""
    selection = Selection(network, channel=4, position=(1, 2))
    selection.layer = "4"
    assert selection.channel is None and selection.position is None
    selection.channel = 3
    with pytest.raises(t.TraitError, match="4 has 0 to 3"):
        selection.channel = 4


def test_another_network_forgets_unit_and_class(network):
    selection = Selection("toynet-gap", layer="conv5", channel=100, position=(3, 3), target=11)
    selection.network = "toynet"  # has a conv5 as well, with fewer channels
    assert selection.layer == "conv5"
    assert (selection.channel, selection.position, selection.target) == (None, None, None)
    selection.network = network
    assert selection.layer == "0"
