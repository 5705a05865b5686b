from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from cnnwidgets.core import InputError, LayerError, convolutions, filters, first_convolution


class Backwards(nn.Module):
    """Lists its layers from the last to the first, and one that never runs before all."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Conv2d(3, 9, 9)
        self.head = nn.Linear(6, 2)
        self.second = Own(4, 6, 3)
        self.first = Own(3, 4, (5, 3))
        self.before = nn.Sequential(nn.Identity())

    def forward(self, x):
        return self.head(self.second(self.first(self.before(x))).mean((2, 3)))


class Own(nn.Conv2d):
    """A convolution under another name."""


# The lecture's networks: 64 filters that read three colours. Names and shapes as in torchvision's source.
@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [
        ("alexnet", "features.0", (64, 3, 11, 11)),
        ("resnet18", "conv1", (64, 3, 7, 7)),
        ("resnet101", "conv1", (64, 3, 7, 7)),
        ("densenet121", "features.conv0", (64, 3, 7, 7)),
        ("googlenet", "conv1.conv", (64, 3, 7, 7)),
        ("vit_b_16", "conv_proj", (768, 3, 16, 16)),
    ],
)
def test_the_first_layers_of_the_lectures(architecture, name, layer, shape):
    net = architecture(name)
    assert first_convolution(net, (3, 64, 64)) == layer
    found = filters(net, layer)
    assert tuple(found.shape) == shape
    assert torch.equal(found, net.get_submodule(layer).weight)


def test_first_means_first_to_run():
    assert first_convolution(Backwards(), (3, 12, 10)) == "first"
    assert convolutions(Backwards(), (3, 12, 10)) == ["first", "second"]


def test_a_network_object_knows_its_shape():
    network = SimpleNamespace(module=Backwards(), input_shape=(3, 12, 10))
    assert first_convolution(network) == "first"
    assert filters(network, "first").shape == (4, 3, 5, 3)


def test_a_convolution_that_runs_twice_is_named_once():
    conv = nn.Conv2d(3, 3, 3)
    assert convolutions(nn.Sequential(conv, nn.ReLU(), conv), (3, 9, 8)) == ["0"]
    assert filters(nn.Sequential(conv, nn.ReLU(), conv), "0#2").shape == (3, 3, 3, 3)


def test_a_network_without_convolutions():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    with pytest.raises(LayerError, match="Sequential runs no torch.nn.Conv2d, so it has no filters"):
        first_convolution(net, (3, 2, 2))
    with pytest.raises(InputError, match="input_shape"):
        first_convolution(net)


def test_groups():
    assert filters(nn.Sequential(nn.Conv2d(6, 4, (3, 5), groups=2)), "0").shape == (4, 3, 3, 5)


def test_the_filters_are_a_copy_on_its_own():
    net = nn.Sequential(nn.Conv2d(3, 4, 3).half())
    before = net[0].weight.detach().clone()
    found = filters(net, "0")
    assert found.dtype == torch.float32 and not found.requires_grad
    assert torch.equal(found, before.float())
    found.zero_()
    assert torch.equal(net[0].weight, before)
    net[0].float()  # of the right type already: a copy all the same
    filters(net, "0").zero_()
    assert torch.equal(net[0].weight, before.float())


def test_filters_made_of_other_parameters():
    """weight_norm: direction and length are trained; the filter is length * direction / |direction|."""
    net = nn.Sequential(weight_norm(nn.Conv2d(3, 2, (3, 5)))).train()
    with torch.no_grad():
        net[0].parametrizations.weight.original0.copy_(torch.tensor([3.0, 5.0]).reshape(2, 1, 1, 1))
    torch.testing.assert_close(filters(net, "0").flatten(1).norm(dim=1), torch.tensor([3.0, 5.0]))
    assert net.training and net[0].training


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("conv9", "no layer 'conv9'; nearest: 'conv"),
        (
            "relu",
            "layer 'relu' is a ReLU, which has no filters.*choose a Conv2d, there are: 'conv1', 'conv2'",
        ),
        ("fc", "layer 'fc' is a Linear"),
        (1, "named by a str"),
    ],
)
def test_wrong_layers(residual, layer, said):
    with pytest.raises(LayerError, match=said):
        filters(residual, layer)


def test_a_transposed_convolution_reads_the_other_way_round():
    with pytest.raises(LayerError, match="ConvTranspose2d"):
        filters(nn.Sequential(nn.ConvTranspose2d(3, 4, 3)), "0")
