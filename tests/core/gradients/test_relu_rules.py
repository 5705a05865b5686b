"""The three ways back through a ReLU."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import NetworkError, deconvnet, guided_backprop, input_gradient, relu_backward

FORWARD = torch.tensor([[1.0, -1, 5], [2, -5, -7], [-3, 2, 4]])
SIGNAL = torch.tensor([[-2.0, 3, -1], [6, -3, 1], [2, -1, 3]])
BACK = {  # the small matrices of Springenberg et al. (2015), figure 1
    "gradient": [[-2, 0, -1], [6, 0, 0], [0, -1, 3]],
    "deconvnet": [[0, 3, 0], [6, 0, 1], [2, 0, 3]],
    "guided": [[0, 0, 0], [6, 0, 0], [0, 0, 3]],
}


@pytest.mark.parametrize("rule", BACK)
def test_the_small_matrices(rule):
    signal, before = SIGNAL.clone(), FORWARD.clone()
    assert relu_backward(signal, before, rule).tolist() == BACK[rule]
    assert torch.equal(signal, SIGNAL) and torch.equal(before, FORWARD)


@pytest.mark.parametrize("rule", BACK)
def test_zero_is_not_positive(rule):
    """At a zero of the forward pass the gradient of a ReLU is zero, as torch has it."""
    before, signal = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, -1.0, 0.0])
    wanted = [1, 0, 0] if rule == "deconvnet" else [0, 0, 0]
    assert relu_backward(signal, before, rule).abs().tolist() == wanted


def test_an_unknown_rule_is_named():
    with pytest.raises(ValueError, match="guided"):
        relu_backward(SIGNAL, FORWARD, "guidance")


class Branch(nn.Module):
    """``relu(x) + x``, times the numbers of the signal."""

    def __init__(self, relu):
        super().__init__()
        self.relu = relu

    def forward(self, x):
        return ((self.relu(x) + x) * SIGNAL).flatten(1).sum(1, keepdim=True)


WAYS = [
    (nn.ReLU(), False),
    (nn.ReLU(inplace=True), True),
    (F.relu, False),
    (torch.relu, False),
    (torch.Tensor.relu, False),
    (lambda x: x.relu(), False),
    (lambda x: F.relu(x, inplace=True), True),
    (lambda x: F.relu(x, True), True),
    (lambda x: F.relu(input=x), False),
    (torch.relu_, True),
    (F.relu_, True),
    (lambda x: x.relu_(), True),
]


@pytest.mark.parametrize(("relu", "in_place"), WAYS)
def test_a_branch_before_the_relu(relu, in_place):
    """Out of place, the branch carries the signal past the ReLU; in place, it carries what the ReLU wrote."""
    x, net = FORWARD[None, None].clone(), Branch(relu)
    for rule, call in (
        ("gradient", input_gradient),
        ("deconvnet", deconvnet),
        ("guided", guided_backprop),
    ):
        if in_place:  # twice the signal, all of it through the ReLU
            wanted = 2 * torch.tensor(BACK[rule])
        else:
            wanted = torch.tensor(BACK[rule]) + SIGNAL
        assert call(net, x, 0)[0, 0].tolist() == wanted.tolist(), rule
    assert torch.equal(x[0, 0], FORWARD)


class Twice(nn.Module):
    """One ReLU module, called with the same picture's numbers again and again."""

    def __init__(self, inplace):
        super().__init__()
        self.relu = nn.ReLU(inplace)

    def forward(self, x):
        a = self.relu(1 * x)  # f = x
        b = self.relu(2 - a)  # f = 2 - relu(x)
        c = self.relu(b - 1)  # f = relu(2 - relu(x)) - 1
        return (c * SIGNAL).flatten(1).sum(1, keepdim=True)


@pytest.mark.parametrize("inplace", [False, True])
def test_one_module_used_three_times(inplace):
    x = 0.5 * FORWARD
    b = 2 - x.clamp(min=0)
    c = b.clamp(min=0) - 1
    for rule, call in (("gradient", input_gradient), ("deconvnet", deconvnet), ("guided", guided_backprop)):

        def back(signal, before, rule=rule):
            if rule != "gradient":
                signal = signal.clamp(min=0)
            return signal if rule == "deconvnet" else signal * (before > 0)

        wanted = back(-back(back(SIGNAL, c), b), x)
        found = call(Twice(inplace), x[None, None], 0)[0, 0]
        assert found.tolist() == (wanted + 0.0).tolist() or torch.equal(found, wanted), rule
    assert input_gradient(Twice(inplace), x[None, None], 0).abs().max() > 0


class Statement(nn.Module):
    """A ReLU in place, through a view, whose result nobody takes."""

    def __init__(self, clean):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 5)
        self.clean = clean

    def forward(self, x):
        x = self.conv(x)
        if self.clean:
            x = torch.cat([x[:, :1], F.relu(x[:, 1:])], 1)
        else:
            x[:, 1:].relu_()
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize("call", [input_gradient, deconvnet, guided_backprop])
def test_in_place_through_a_view(call, x, close):
    torch.manual_seed(0)
    clean = Statement(True).double()
    careless = Statement(False).double()
    careless.load_state_dict(clean.state_dict())
    close(call(careless, x, [1, 0, 4]), call(clean, x, [1, 0, 4]))


@pytest.mark.parametrize(
    "activation", [nn.SiLU, nn.GELU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.Tanh, nn.Identity]
)
@pytest.mark.parametrize("call", [deconvnet, guided_backprop])
def test_without_any_relu_there_is_no_rule(activation, call, x):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    net = net.double()
    with pytest.raises(NetworkError, match="ReLU"):
        call(net, x, 0)
    with pytest.raises(NetworkError, match="ReLU"):
        call(net, x, layer="2", channel=0)
    assert input_gradient(net, x, 0).abs().max() > 0


@pytest.mark.parametrize("call", [deconvnet, guided_backprop])
def test_a_layer_below_the_first_relu_has_none_and_needs_none(call, net, x, close):
    """The first feature maps go back through the transposed filters alone."""
    with torch.no_grad():
        maps = net.conv1(x)
    wanted = F.conv_transpose2d(
        maps[:, 3:4], net.conv1.weight[3:4], stride=2, padding=2, output_padding=(1, 1)
    )
    close(call(net, x, layer="conv1", channel=3), wanted)


@pytest.mark.parametrize("call", [deconvnet, guided_backprop])
def test_only_relus_are_bent(call, x, close, by_rule):
    torch.manual_seed(2)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.SiLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 16 * 22, 3)
    ).double()
    close(call(net, x, 1), by_rule(net, x, {deconvnet: "deconvnet", guided_backprop: "guided"}[call], 1))


def _threshold_(x):
    return F.threshold(x, 0, 0, inplace=True)


@pytest.mark.parametrize(
    "relu",
    [
        torch.relu, lambda x: x.clone().relu_(), lambda x: x.clamp(min=0), lambda x: x.clamp(0),
        lambda x: torch.clamp_min(x, 0.0), lambda x: x.clone().clamp_(min=0), lambda x: F.threshold(x, 0, 0),
        nn.Threshold(0, 0), lambda x: _threshold_(x.clone()), lambda x: torch.maximum(x, torch.tensor(0.0)),
        lambda x: x.clamp(min=torch.tensor(0.0)), lambda x: torch.clip(x, min=0),
    ],
)  # fmt: skip
def test_a_relu_by_any_name(relu):
    class Net(nn.Module):
        def forward(self, x):
            return -3 * relu(x).flatten(1)

    x = torch.tensor([2.0, -1.0, 4.0]).reshape(1, 1, 1, 3)
    assert deconvnet(Net(), x, 0).abs().sum() == 0  # what arrives is negative
    assert input_gradient(Net(), x, 0).flatten().tolist() == [-3, 0, 0]


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x.clamp(min=0, max=6), lambda x: x.clamp(min=1), lambda x: F.threshold(x, 0, 1),
        lambda x: torch.maximum(x, x.flip(3)), lambda x: x.clamp(max=0), F.relu6, F.silu,
    ],
)  # fmt: skip
def test_what_is_no_relu(other):
    class Net(nn.Module):
        def forward(self, x):
            return other(x).flatten(1)

    with pytest.raises(NetworkError, match="runs none"):
        guided_backprop(Net(), torch.randn(1, 1, 2, 3), 0)


def test_parts_in_torchscript_are_refused():
    inside = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    net = nn.Sequential(inside, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 3 * 4, 2))
    x = torch.randn(1, 3, 5, 6)
    with pytest.raises(NetworkError, match="TorchScript"):
        guided_backprop(net, x, 0)
    assert input_gradient(net, x, 0).shape == x.shape
