"""Everything from one pass: scores, pixels and layers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import (
    LayerError,
    NetworkError,
    combine_grad_cam,
    deconvnet,
    grad_cam,
    guided_backprop,
    input_gradient,
    saliency,
    score_gradients,
)

LAYERS = ["relu2", "conv1", "pool", "fc"]


def by_autograd(net, x, targets):
    """Activations and gradients of all layers, and of the pixels."""
    seen = {}
    handles = [
        net.get_submodule(name).register_forward_hook(
            lambda part, inputs, output, name=name: seen.setdefault(name, output)
        )
        for name in LAYERS
    ]
    x = x.clone().requires_grad_()
    scores = net(x)
    for handle in handles:
        handle.remove()
    tensors = [x, *(seen[name] for name in LAYERS)]
    pixels, *back = torch.autograd.grad(scores[range(len(x)), targets].sum(), tensors)
    layers = {name: (seen[name].detach(), slopes) for name, slopes in zip(LAYERS, back, strict=True)}
    return scores.detach(), pixels, layers


def test_one_class_for_each(net, x, close):
    scores, pixels, layers = by_autograd(net, x, [5, 2, 0])
    found = score_gradients(net, x, [5, 2, 0], LAYERS)
    close(found.scores, scores)
    close(found.pixels, pixels)
    assert list(found.layers) == LAYERS
    for name in LAYERS:
        activation, gradient = found.layers[name]
        close(activation, layers[name][0])
        close(gradient, layers[name][1])


def test_several_classes_for_each(net, x, close):
    targets = [[5, 0], [2, 2], [0, 4]]
    found = score_gradients(net, x, targets, LAYERS)
    assert found.scores.shape == (3, 6) and found.pixels.shape == (3, 2, *x.shape[1:])
    for t in range(2):
        _, pixels, layers = by_autograd(net, x, [each[t] for each in targets])
        close(found.pixels[:, t], pixels)
        for name in LAYERS:
            close(found.layers[name][0], layers[name][0])
            close(found.layers[name][1][:, t], layers[name][1])


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("names", [["pool", "relu2", "conv1"], ["relu3", "conv2"], ["fc", "pool"]])
def test_layers_alone_and_in_any_order(names, is_frozen, net, x, close):
    """Without pixels the graph begins at the first of the layers that runs."""
    _, _, layers = by_autograd(net, x, [5, 2, 0])
    net.requires_grad_(not is_frozen)
    found = score_gradients(net, x, [5, 2, 0], names, pixels=False).layers
    assert list(found) == names
    with_pixels = score_gradients(net, x, [5, 2, 0], names).layers
    for name in names:
        for one, other in zip(found[name], with_pixels[name], strict=True):
            close(one, other)
        if name in layers:
            close(found[name][0], layers[name][0])
            close(found[name][1], layers[name][1])


@pytest.mark.parametrize("is_frozen", [False, True])
def test_layers_side_by_side(is_frozen, x, close):
    """Two branches, neither of which comes before the other."""

    class Fork(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc((self.left(x) * self.right(x)).mean((2, 3)))

    net = Fork().double().requires_grad_(not is_frozen)
    with torch.no_grad():
        left, right = net.left(x), net.right(x)
    share = net.fc.weight.detach()[1].reshape(4, 1, 1) / left[0, 0].numel()
    found = score_gradients(net, x, 1, ["right", "left"], pixels=False).layers
    close(found["left"][1], right * share)
    close(found["right"][1], left * share)


def test_one_forward_pass_for_all(net, x):
    calls = []
    handle = net.conv1.register_forward_hook(lambda part, inputs, output: calls.append(len(output)))
    score_gradients(net, x, [[5, 0, 1], [2, 2, 3], [0, 4, 5]], LAYERS)
    handle.remove()
    assert calls == [3]


def test_without_pixels(net, x, close):
    found = score_gradients(net, x, 1, ["relu3"], pixels=False)
    assert found.pixels is None
    close(combine_grad_cam(*found.layers["relu3"]), grad_cam(net, x, 1, "relu3"))
    assert score_gradients(net, x, 1).layers == {}


@pytest.mark.parametrize(
    ("rule", "call"), [("gradient", input_gradient), ("deconvnet", deconvnet), ("guided", guided_backprop)]
)
def test_rules(rule, call, net, x, close, by_rule):
    found = score_gradients(net, x, [3, 1, 0], rule=rule).pixels
    close(found, call(net, x, [3, 1, 0]))
    close(found, by_rule(net, x, rule, [3, 1, 0]))


def test_the_network_is_not_run_on_the_way_back_further_than_needed(net, x):
    """Grad-CAM of the last layer asks nothing of the layers below it."""
    x = x.requires_grad_()
    asked = []

    class Spy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, values):
            return values.clone()

        @staticmethod
        def backward(ctx, signal):
            asked.append(1)
            return signal

    handle = net.conv1.register_forward_hook(lambda part, inputs, output: Spy.apply(output))
    grad_cam(net, x, 1, "relu3")
    assert not asked
    grad_cam(net, x, 1, "conv1")
    input_gradient(net, x, 1)
    handle.remove()
    assert asked


def test_a_module_called_again_has_a_number(x, lively, close):
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)
            self.relu = nn.ReLU(inplace=True)
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return self.fc(self.relu(self.conv(self.relu(self.conv(x)))).mean((2, 3)))

    torch.manual_seed(0)
    net = lively(Again().double(), x)
    found = score_gradients(net, x, 1, ["conv#2", "relu", "conv"]).layers
    with torch.no_grad():
        first = net.conv(x)
        second = net.conv(first.relu())
    close(found["conv"][0], first)
    close(found["relu"][0], first.relu())
    close(found["conv#2"][0], second)
    height, width = second.shape[2:]
    slopes = net.fc.weight[1].detach().reshape(3, 1, 1) * (second > 0) / (height * width)
    close(found["conv#2"][1], slopes)
    with pytest.raises(LayerError, match="2 times"):
        score_gradients(net, x, 1, ["conv#3"])


def test_a_layer_that_the_score_does_not_ask(x):
    class Aside(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.aside = nn.Conv2d(4, 2, 1)
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            x = self.conv(x)
            self.aside(x)
            return self.fc(x.mean((2, 3)))

    activation, gradient = score_gradients(Aside().double(), x, 1, ["aside"]).layers["aside"]
    assert gradient.shape == activation.shape and (gradient == 0).all()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("cut", ["no_grad", "detach"])
def test_a_way_back_that_is_cut_is_never_zeros(cut, frozen):
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x):
            with torch.set_grad_enabled(cut != "no_grad" and torch.is_grad_enabled()):
                maps = F.relu(self.stem(x))
            return self.head((maps.detach() if cut == "detach" else maps).mean((2, 3)))

    net = Cut().requires_grad_(not frozen)
    x = torch.randn(2, 3, 6, 7)
    for call in (saliency, input_gradient, guided_backprop, deconvnet):
        with pytest.raises(NetworkError, match="no gradient comes back from the scores to the pixels"):
            call(net, x, 0)
    with pytest.raises(NetworkError, match="to layer 'stem'"):
        grad_cam(net, x, 0, "stem")
