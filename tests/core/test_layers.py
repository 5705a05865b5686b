from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from cnnwidgets.core import InputError, LayerInfo, list_layers

# Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014: the network that
# torchvision calls AlexNet. Sizes and parameters by hand: (size + 2 padding - kernel) // stride + 1, (in * k
# * k + 1) * out.
ALEXNET = {
    "features.0": ("Conv2d", (64, 55, 55), (3 * 11 * 11 + 1) * 64),
    "features.2": ("MaxPool2d", (64, 27, 27), 0),
    "features.3": ("Conv2d", (192, 27, 27), (64 * 5 * 5 + 1) * 192),
    "features.5": ("MaxPool2d", (192, 13, 13), 0),
    "features.6": ("Conv2d", (384, 13, 13), (192 * 3 * 3 + 1) * 384),
    "features.8": ("Conv2d", (256, 13, 13), (384 * 3 * 3 + 1) * 256),
    "features.10": ("Conv2d", (256, 13, 13), (256 * 3 * 3 + 1) * 256),
    "features.12": ("MaxPool2d", (256, 6, 6), 0),
    "classifier.1": ("Linear", (4096,), (256 * 6 * 6 + 1) * 4096),
    "classifier.4": ("Linear", (4096,), (4096 + 1) * 4096),
    "classifier.6": ("Linear", (1000,), (4096 + 1) * 1000),
}


def test_alexnet(architecture):
    layers = {layer.name: layer for layer in list_layers(architecture("alexnet"), (3, 224, 224))}
    for name, (kind, shape, n_parameters) in ALEXNET.items():
        assert (layers[name].kind, layers[name].output_shape, layers[name].n_parameters) == (
            kind,
            shape,
            n_parameters,
        )
    inner = ("features", "classifier")
    assert sum(layers[name].n_parameters for name in inner) == 61_100_840
    order = list(layers)
    assert [name for name in order if name in ALEXNET] == list(ALEXNET)
    assert order.index("features") == order.index("features.12") + 1
    assert order[-1] == "classifier"
    assert "" not in layers


def test_a_module_called_again_is_listed_again(residual):
    names = [layer.name for layer in list_layers(residual, (3, 24, 16))]
    assert names == ["conv1", "bn1", "relu", "conv2", "relu#2", "drop", "relu#3", "fc"]


def test_each_call_has_its_own_shape(residual):
    layers = {layer.name: layer for layer in list_layers(residual, (3, 24, 16))}
    assert layers["relu"].output_shape == layers["relu#2"].output_shape == (8, 12, 8)
    assert layers["relu#3"].output_shape == (8,)
    assert layers["fc"].n_parameters == 8 * 5 + 5


def test_a_module_under_two_names_has_the_first_one():
    relu = nn.ReLU()
    net = nn.Sequential(nn.Conv2d(1, 2, 3), relu, nn.Conv2d(2, 2, 3), relu)
    assert [layer.name for layer in list_layers(net, (1, 9, 8))] == ["0", "1", "2", "1#2"]


def test_a_block_called_twice_counts_its_parts_with_it():
    block = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU())
    names = [layer.name for layer in list_layers(nn.Sequential(block, block), (2, 5, 4))]
    assert names == ["0.0", "0.1", "0", "0.0#2", "0.1#2", "0#2"]


class Returns(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


def test_only_what_returns_a_tensor_of_the_batch_is_listed():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.dict = Returns(lambda x: {"out": x})
            self.tuple = Returns(lambda x: (x[:, :1], "and more"))
            self.number = Returns(lambda x: 3)
            self.empty = Returns(lambda x: ())
            self.scalar = Returns(lambda x: x.sum())
            self.weights = Returns(lambda x: torch.ones(7, 2))
            self.norm = weight_norm(nn.Conv2d(2, 3, 1))
            self.vector = Returns(lambda x: x.sum((1, 2, 3)))

        def forward(self, x):
            for part in self.children():
                part(x)
            return {"logits": x}

    layers = list_layers(Net(), (2, 6, 5))
    assert [(layer.name, layer.output_shape) for layer in layers] == [
        ("tuple", (1, 6, 5)),
        ("norm", (3, 6, 5)),
        ("vector", ()),
    ]
    assert layers[-1].n_channels == 1 and layers[-1].label == "vector · Returns · 1"


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_floating_type(residual, dtype):
    assert len(list_layers(residual.to(dtype), (3, 24, 16))) == 8


def test_another_device_even_one_without_memory(residual):
    assert [layer.output_shape for layer in list_layers(residual.to("meta"), (3, 24, 16))][0] == (8, 12, 8)


def test_frozen_and_under_every_gradient_mode(residual):
    residual.requires_grad_(False)
    wanted = list_layers(residual, (3, 24, 16))
    with torch.no_grad():
        assert list_layers(residual, (3, 24, 16)) == wanted
    with torch.inference_mode():
        assert list_layers(residual, (3, 24, 16)) == wanted


def test_statistics_that_need_more_than_one_image():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4, track_running_stats=False)
    )
    assert [layer.output_shape for layer in list_layers(net, (3, 9, 8))] == [(4, 7, 6), (4, 1, 1), (4, 1, 1)]


def test_a_batch_size_of_ones_own():
    class Pairs(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return self.conv(x).reshape(4, -1, 4, 7, 6)

    (layer,) = list_layers(Pairs(), (4, 3, 9, 8))
    assert layer.output_shape == (4, 7, 6)


def test_a_network_knows_its_shape(residual):
    network = SimpleNamespace(module=residual, input_shape=(3, 24, 16))
    assert list_layers(network) == list_layers(residual, (3, 24, 16))
    assert list_layers(network, (3, 8, 8))[0].output_shape == (8, 4, 4)


def test_no_shape_says_how_to_pass_one(residual):
    with pytest.raises(InputError, match=r"input_shape=\(C, H, W\)"):
        list_layers(residual)


@pytest.mark.parametrize("shape", [(24, 16), (3, 0, 4), 224, "abc", (1, 2, 3, 4, 5)])
def test_no_sizes_at_all(residual, shape):
    with pytest.raises(InputError, match="input_shape is"):
        list_layers(residual, shape)


def test_a_shape_that_it_cannot_read_is_named(residual):
    with pytest.raises(
        InputError, match=r"Residual cannot read .*\(1, 1, 24, 16\).*input_shape=\(C, H, W\)"
    ) as error:
        list_layers(residual, (1, 24, 16))
    assert isinstance(error.value.__cause__, RuntimeError)


def test_a_network_without_parts_has_no_layers():
    assert list_layers(nn.Conv2d(3, 4, 3), (3, 9, 8)) == []


def test_for_people():
    conv2 = LayerInfo("conv2", "Conv2d", (64, 24, 20), 100)
    assert conv2.label == "conv2 · Conv2d · 64 × 24 × 20"
    assert (conv2.n_channels, conv2.map_size, conv2.is_spatial) == (64, (24, 20), True)
    pooled = LayerInfo("avgpool", "AdaptiveAvgPool2d", (512, 1, 1), 0)
    assert (pooled.n_channels, pooled.is_spatial) == (512, False)
    fc = LayerInfo("fc", "Linear", (10,), 5130)
    assert (fc.n_channels, fc.map_size, fc.is_spatial) == (10, None, False)
    tokens = LayerInfo("ln", "LayerNorm", (197, 768), 1536)
    assert (tokens.n_channels, tokens.is_spatial) == (768, False)


def test_channels_last_is_noticed(architecture):
    layers = {layer.name: layer for layer in list_layers(architecture("convnext_tiny"), (3, 64, 96))}
    linear = layers["features.1.0.block.3"]
    assert linear.output_shape == (16, 24, 384)
    assert linear.channels_last and linear.n_channels == 384 and linear.map_size == (16, 24)
    back = layers["features.1.0"]
    assert not back.channels_last and back.n_channels == 96 and back.map_size == (16, 24)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
def test_a_torchscript_part_is_passed_over():
    net = nn.Sequential(torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3))), nn.ReLU())
    (layer,) = list_layers(net, (3, 9, 8))
    assert (layer.name, layer.output_shape) == ("1", (4, 7, 6))
    assert net.training and net[0].training
