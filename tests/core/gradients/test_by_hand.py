"""The way back written out number by number: switches, padding, strides, batches, seeds."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import deconvnet, guided_backprop, input_gradient

# ---------------------------------------------------------------------------------------------- small numbers


def one_channel(rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)[None, None]


def identity() -> nn.Conv2d:
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(conv.weight)
    return conv


def test_overlapping_windows_sum():
    """Four windows of three see 4, 4, 4, 3: the 4 gets three signals of 4; the 3 at the end, one of 3."""
    x = one_channel([[0, 1, 4, 2, 3, 1]])
    net = nn.Sequential(identity(), nn.ReLU(), nn.MaxPool2d((1, 3), stride=1), nn.Flatten()).double()
    assert net(x).tolist() == [[4, 4, 4, 3]]
    for call in (deconvnet, guided_backprop):
        assert call(net, x, layer="2", channel=0).tolist() == [[[[0, 0, 12, 0, 3, 0]]]]
        assert call(net, x, layer="2", channel=0, position=(0, 1)).tolist() == [[[[0, 0, 4, 0, 0, 0]]]]
        assert call(net, x, 1).tolist() == [[[[0, 0, 1, 0, 0, 0]]]]


def test_switches_belong_to_the_picture():
    """Two pictures, two places of the maximum, one batch; H != W."""
    x = torch.cat([one_channel([[1, 2, 0, 0], [0, 3, 9, 1]]), one_channel([[7, 2, 0, 0], [0, 3, 4, 5]])])
    net = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()).double()
    wanted = [[[[0, 0, 0, 0], [0, 3, 9, 0]]], [[[7, 0, 0, 0], [0, 0, 0, 5]]]]
    assert deconvnet(net, x, layer="1", channel=0).tolist() == wanted


def test_padding_cuts_the_pasted_filter():
    """The neuron in the corner has seen ones under 5 6 8 9: it fires 28, and pastes 28 times that."""
    conv = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    conv.weight.data = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    net = nn.Sequential(conv, nn.ReLU()).double()
    x = one_channel(np.ones((2, 3)))
    wanted = 28 * one_channel([[5, 6, 0], [8, 9, 0]])
    assert torch.equal(deconvnet(net, x, layer="1", channel=0, position=(0, 0)), wanted)
    # 28 at (0, 0) and 1+2+3+4+5+6 = 21 under the full width at (1, 1): each alone, then by the whole map
    whole = sum(
        deconvnet(net, x, layer="1", channel=0, position=(row, column))
        for row in range(2)
        for column in range(3)
    )
    assert torch.equal(deconvnet(net, x, layer="1", channel=0), whole)
    assert deconvnet(net, x, layer="1", channel=0, position=(1, 1))[0, 0].tolist() == [
        [21, 42, 63],
        [84, 105, 126],
    ]


def test_a_negative_activation_is_sent_back_as_it_is():
    """Before its ReLU a feature map is negative here and there; the next ReLU lets nothing negative back."""
    x = one_channel([[2, -3, 1]])
    double = identity()
    double.weight.data *= 2
    net = nn.Sequential(nn.ReLU(), double, nn.Flatten()).double()
    net[1].bias = nn.Parameter(torch.tensor([-3.0], dtype=torch.float64))
    assert net(x).tolist() == [[1, -3, -1]]
    assert deconvnet(net, x, layer="1", channel=0).tolist() == [[[[2, 0, 0]]]]

    first = nn.Sequential(double, nn.ReLU()).double()
    assert deconvnet(first, x, layer="0", channel=0).tolist() == [[[[4 * 2 - 6, 4 * -3 - 6, 4 * 1 - 6]]]]


def test_the_seed_of_a_score_is_one_and_of_a_neuron_its_activation():
    """A neuron of a linear layer has no position; its way back is that of a score, times what it says."""
    x = one_channel([[2, -1, 3]])
    linear = nn.Linear(3, 2, bias=False)
    linear.weight.data = torch.tensor([[1.0, 2, 3], [-1, 4, -1]])
    net = nn.Sequential(nn.ReLU(), nn.Flatten(), linear).double()
    assert net(x).tolist() == [[11, -5]]
    assert deconvnet(net, x, 0).tolist() == [[[[1, 2, 3]]]]
    assert deconvnet(net, x, 1).tolist() == [[[[0, 4, 0]]]]
    assert deconvnet(net, x, layer="2", channel=0).tolist() == [[[[11, 22, 33]]]]
    assert deconvnet(net, x, layer="2", channel=1).tolist() == [[[[5, 0, 5]]]]  # -5 times -1, 4 and -1
    assert guided_backprop(net, x, layer="2", channel=1).tolist() == [[[[5, 0, 5]]]]
    assert guided_backprop(net, x, 1).tolist() == [[[[0, 0, 0]]]]


# ---------------------------------------------------------------------------------------- numbers written out


class Conv:
    def __init__(self, part):
        self.weight, self.bias = (p.detach().numpy() for p in (part.weight, part.bias))
        (self.sy, self.sx), (self.py, self.px) = part.stride, part.padding

    def forward(self, x):
        self.shape = x.shape
        x = np.pad(x, ((0, 0), (0, 0), (self.py, self.py), (self.px, self.px)))
        kh, kw = self.weight.shape[2:]
        rows, columns = (x.shape[2] - kh) // self.sy + 1, (x.shape[3] - kw) // self.sx + 1
        out = np.empty((len(x), len(self.weight), rows, columns))
        for i in range(rows):
            for j in range(columns):
                window = x[:, :, i * self.sy : i * self.sy + kh, j * self.sx : j * self.sx + kw]
                out[:, :, i, j] = np.einsum("nchw,ochw->no", window, self.weight) + self.bias
        return out

    def back(self, signal, rule):
        n, c, h, w = self.shape
        out = np.zeros((n, c, h + 2 * self.py, w + 2 * self.px))
        kh, kw = self.weight.shape[2:]
        for i in range(signal.shape[2]):
            for j in range(signal.shape[3]):
                pasted = np.einsum("no,ochw->nchw", signal[:, :, i, j], self.weight)
                out[:, :, i * self.sy : i * self.sy + kh, j * self.sx : j * self.sx + kw] += pasted
        return out[:, :, self.py : self.py + h, self.px : self.px + w]


class Relu:
    def __init__(self, part):
        pass

    def forward(self, x):
        self.before = x
        return np.where(x > 0, x, 0)

    def back(self, signal, rule):
        stopped = np.zeros(signal.shape, bool)
        if rule != "deconvnet":
            stopped |= self.before <= 0
        if rule != "gradient":
            stopped |= signal <= 0
        return np.where(stopped, 0, signal)


class MaxPool:
    def __init__(self, part):
        self.size, self.stride, self.padding = part.kernel_size, part.stride, part.padding

    def forward(self, x):
        self.shape, p, s = x.shape, self.padding, self.stride
        x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=-np.inf)
        rows, columns = ((length - self.size) // s + 1 for length in x.shape[2:])
        out = np.empty((*x.shape[:2], rows, columns))
        self.switches = {}
        for n, c, i, j in np.ndindex(out.shape):
            window = x[n, c, i * s : i * s + self.size, j * s : j * s + self.size]
            row, column = np.unravel_index(window.argmax(), window.shape)
            out[n, c, i, j] = window[row, column]
            self.switches[n, c, i, j] = n, c, i * s + row - p, j * s + column - p
        return out

    def back(self, signal, rule):
        out = np.zeros(self.shape)
        for here, there in self.switches.items():
            out[there] += signal[here]
        return out


class Flatten:
    def __init__(self, part):
        pass

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def back(self, signal, rule):
        return signal.reshape(self.shape)


class Linear:
    def __init__(self, part):
        self.weight, self.bias = (p.detach().numpy() for p in (part.weight, part.bias))

    def forward(self, x):
        return x @ self.weight.T + self.bias

    def back(self, signal, rule):
        return signal @ self.weight


KINDS = {nn.Conv2d: Conv, nn.ReLU: Relu, nn.MaxPool2d: MaxPool, nn.Flatten: Flatten, nn.Linear: Linear}
RULES = {"gradient": input_gradient, "deconvnet": deconvnet, "guided": guided_backprop}


def way_back(net, x, rule, layer, seed):
    """Run the network up to a layer, then send ``seed(output)`` back to the pixels."""
    steps = [KINDS[type(part)](part) for part in net[: layer + 1]]
    values = x.numpy()
    for step in steps:
        values = step.forward(values)
    with torch.no_grad():
        np.testing.assert_allclose(values, net[: layer + 1](x.clone()).numpy(), atol=1e-10)
    signal = seed(values)
    for step in reversed(steps):
        signal = step.back(signal, rule)
    return torch.from_numpy(signal)


@pytest.fixture(params=[False, True], ids=["new memory", "in place"])
def chain(request):
    torch.manual_seed(4)
    inplace = request.param
    return nn.Sequential(
        nn.Conv2d(2, 4, (3, 2), stride=(1, 2), padding=(2, 1)),
        nn.ReLU(inplace),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(4, 5, 3, padding=1),
        nn.ReLU(inplace),
        nn.MaxPool2d(3, stride=1),
        nn.Flatten(),
        nn.Linear(5 * 5 * 3, 6),
        nn.ReLU(inplace),
        nn.Linear(6, 4),
    ).double()


@pytest.fixture
def pair(pictures):
    return pictures(2, 12, 19, channels=2)


@pytest.mark.parametrize("rule", RULES)
def test_scores(rule, chain, pair, close):
    targets = [2, 0]
    seed = lambda scores: np.eye(4)[targets]  # noqa: E731
    close(RULES[rule](chain, pair, targets), way_back(chain, pair, rule, 9, seed))


@pytest.mark.parametrize("layer", range(6))
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_feature_maps_and_neurons(rule, layer, chain, pair, close):
    row, column = 3, 2

    def feature_map(values):
        seed = np.zeros(values.shape)
        seed[:, 1] = values[:, 1]
        return seed

    def neurons(values):
        """Another channel for each picture."""
        seed = np.zeros(values.shape)
        for n, channel in enumerate((3, 0)):
            seed[n, channel, row, column] = values[n, channel, row, column]
        return seed

    call = RULES[rule]
    found = call(chain, pair, layer=str(layer), channel=1)
    close(found, way_back(chain, pair, rule, layer, feature_map))
    found = call(chain, pair, layer=str(layer), channel=[3, 0], position=(row, column))
    close(found, way_back(chain, pair, rule, layer, neurons))


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_neurons_of_linear_layers(rule, chain, pair, close):
    def seed(values):
        return values * np.eye(6)[[5, 2]]

    for layer in (7, 8):
        wanted = way_back(chain, pair, rule, layer, seed)
        if wanted.abs().max() == 0:
            continue
        close(RULES[rule](chain, pair, layer=str(layer), channel=[5, 2]), wanted)
    assert way_back(chain, pair, "deconvnet", 7, seed).abs().max() > 0


def test_each_picture_alone_is_the_same(chain, pair, close):
    for call in RULES.values():
        alone = [call(chain, pair[n : n + 1], target) for n, target in enumerate([1, 3])]
        close(call(chain, pair, [1, 3]), torch.cat(alone))


def test_nothing_comes_from_outside_the_receptive_field(close):
    """Two convolutions of 3: five rows and columns around the neuron, and nothing at all beyond."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU()).double()
    x = torch.randn(2, 3, 11, 14, dtype=torch.float64)
    with torch.no_grad():
        channel = int(net(x)[:, :, 4, 6].amin(0).argmax())
        assert net(x)[:, channel, 4, 6].min() > 0
    inside = torch.zeros(11, 14, dtype=torch.bool)
    inside[4:9, 6:11] = True
    for call in (deconvnet, guided_backprop):
        found = call(net, x, layer="3", channel=channel, position=(4, 6))
        assert (found[..., ~inside] == 0).all()
        assert (found[..., inside] != 0).double().mean() > 0.5


def test_a_score_that_sees_a_corner_has_no_gradient_elsewhere():
    class Corner(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x):
            return F.relu(self.conv(x))[:, :, 0, 0]

    torch.manual_seed(0)
    net, x = Corner().double(), torch.randn(2, 3, 6, 9, dtype=torch.float64)
    for call in (input_gradient, deconvnet):
        found = call(net, x, [0, 1])
        assert (found[:, :, 2:] == 0).all() and (found[:, :, :, 2:] == 0).all()
    assert deconvnet(net, x, 0)[:, :, :2, :2].abs().max() > 0
