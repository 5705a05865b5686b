import re

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import fingerprint


def build() -> nn.Sequential:
    torch.manual_seed(4)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Linear(5, 2))


def test_it_is_short_and_the_same_again():
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(build()))
    assert fingerprint(build()) == fingerprint(build())


def test_modes_gradients_and_hooks_do_not_count():
    net = build().eval().requires_grad_(False)
    net[0].register_forward_hook(print)
    assert fingerprint(net) == fingerprint(build().train())


def test_a_network_counts_as_its_module():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert fingerprint(cw.wrap(net, input_size=(8, 9))) == fingerprint(net)


def weight(net):
    with torch.no_grad():
        net[0].weight[2, 1, 0, 2] += 1e-6


def swapped(net):
    with torch.no_grad():
        net[0].weight.copy_(net[0].weight.flip(0))


def buffer(net):
    net[1].running_mean[3] = 1


def option(net):
    net[0].stride = (2, 1)


def kind(net):
    net[2] = nn.GELU()


def part(net):
    net.append(nn.Identity())


def name(net):
    net.add_module("last", net[3])


def precision(net):
    net.double()


def shape(net):
    net[3].weight.data = net[3].weight.data.T


@pytest.mark.parametrize(
    "change", [weight, swapped, buffer, option, kind, part, name, precision, shape], ids=lambda f: f.__name__
)
def test_whatever_changes_the_answer_counts(change):
    net = build()
    change(net)
    assert fingerprint(net) != fingerprint(build())


def test_buffers_that_are_not_saved_count_too():
    class Normalise(nn.Module):
        def __init__(self, mean):
            super().__init__()
            self.register_buffer("mean", torch.tensor(mean), persistent=False)

    assert fingerprint(Normalise([0.0, 1.0])) == fingerprint(Normalise([0.0, 1.0]))
    assert fingerprint(Normalise([0.0, 1.0])) != fingerprint(Normalise([0.0, 2.0]))


def test_a_weight_that_is_moved_bit_by_bit():
    """Every byte of a weight counts: flip one bit of each."""
    net, found = nn.Linear(1, 1), set()
    for bit in range(32):
        with torch.no_grad():
            net.weight.view(torch.int32)[0, 0] = 1 << bit if bit < 31 else -(1 << 31)
        found.add(fingerprint(net))
    assert len(found) == 32


def test_tensors_of_all_kinds():
    net = nn.Module()
    net.register_buffer("none", torch.empty(0, 3))
    net.register_buffer("number", torch.tensor(3))
    net.register_buffer("truth", torch.tensor([True, False]))
    net.register_buffer("strided", torch.arange(6.0).reshape(2, 3).T)
    net.weight16 = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    before = fingerprint(net)
    net.strided = net.strided.contiguous()
    assert fingerprint(net) == before
    net.truth = torch.tensor([True, True])
    assert fingerprint(net) != before


def test_zeros_of_another_type_or_shape_are_others():
    found = set()
    for zeros in (torch.zeros(2, 3), torch.zeros(3, 2), torch.zeros(6), torch.zeros(2, 3, dtype=torch.int32)):
        net = nn.Module()
        net.register_buffer("zeros", zeros)
        found.add(fingerprint(net))
    assert len(found) == 4


def test_networks_without_tensors_and_no_networks():
    assert fingerprint(nn.ReLU()) != fingerprint(nn.Tanh())
    with pytest.raises(TypeError, match="a network is a torch.nn.Module"):
        fingerprint("alexnet")
