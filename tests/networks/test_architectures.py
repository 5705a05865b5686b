"""The bundled networks' layers, and folding batch norm away."""

import pytest
import torch
from torch import nn

from cnnwidgets.networks.architectures import CHANNELS, build, fold


def shaken(network):
    """Batch norms as after training: every statistic and every scale is something else."""
    torch.manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return network.double().eval()


@pytest.mark.parametrize("name", CHANNELS)
def test_folding_changes_nothing_but_the_layers(name):
    trained = shaken(build(name, n_classes=5, training=True))
    plain = fold(trained, name).double()
    x = torch.randn(3, 3, 96, 96, dtype=torch.float64)
    with torch.no_grad():
        # fold() makes a single-precision network
        torch.testing.assert_close(plain(x), trained(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CHANNELS)
def test_the_shipped_form_is_plain(name):
    kinds = {type(layer) for layer in build(name).children()}
    assert kinds <= {nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear, nn.AdaptiveAvgPool2d}
    order = [layer for layer, _ in build(name).named_children()]
    assert order.index("conv1") < order.index("relu1") < order.index("pool1") < order.index("conv2")


def test_parameters_by_hand():
    """Weights and biases of each layer, multiplied out."""
    convolutions = (
        3 * 49 * 48 + 48 + 48 * 25 * 64 + 64 + 64 * 9 * 96 + 96 + 96 * 9 * 96 + 96 + 96 * 9 * 64 + 64
    )
    classifier = 64 * 5 * 5 * 256 + 256 + 256 * 256 + 256 + 256 * 12 + 12
    assert sum(p.numel() for p in build("toynet").parameters()) == convolutions + classifier


def test_the_gap_network_takes_any_size():
    assert build("toynet-gap")(torch.zeros(2, 3, 80, 120)).shape == (2, 12)
