import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import InputError, LayerError, firing_share

X = torch.randn(5, 3, 11, 8, generator=torch.Generator().manual_seed(6))


def share(maps):
    """Counted one by one."""
    n = maps.shape[1]
    return torch.tensor(
        [sum(v > 0 for v in maps[:, c].flatten().tolist()) / maps[:, c].numel() for c in range(n)]
    )


@pytest.fixture
def conv():
    torch.manual_seed(8)
    return nn.Conv2d(3, 6, (3, 2), stride=2)


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_counts_what_is_above_zero(conv, batch_size):
    found, measured = firing_share(nn.Sequential(conv, nn.ReLU(), nn.Flatten()), X, "0", batch_size)
    torch.testing.assert_close(found, share(conv(X)))
    assert measured == "1" and found.shape == (6,) and not found.is_inference()
    assert 0 < found.min() < found.max() < 1


def test_dead_and_never_silent(conv):
    with torch.no_grad():
        conv.bias[2], conv.bias[4] = -100, 100
    found, _ = firing_share(nn.Sequential(conv, nn.ReLU(inplace=True)), X, "0")
    assert found[2] == 0 and found[4] == 1


def test_a_norm_between_counts(conv):
    norm = nn.BatchNorm2d(6)
    norm.running_mean[:] = torch.randn(6, generator=torch.Generator().manual_seed(1))
    net = nn.Sequential(conv, norm, nn.Dropout2d(), nn.SiLU()).train()
    found, measured = firing_share(net, X, "0")
    assert measured == "3" and net.training and norm.training
    torch.testing.assert_close(found, share(norm.eval()(conv(X))))
    assert not torch.allclose(found, share(conv(X)))


class Functional(nn.Module):
    def __init__(self, conv, then):
        super().__init__()
        self.conv, self.norm, self.then = conv, nn.GroupNorm(2, 6), then

    def forward(self, x):
        return self.then(self, self.conv(x))


@pytest.mark.parametrize(
    ("then", "measured"),
    [
        (lambda net, x: F.relu(x), "ReLU after conv"),
        (lambda net, x: x.relu_(), "ReLU after conv"),
        (lambda net, x: torch.relu(net.norm(x)), "ReLU after norm"),
        (lambda net, x: F.leaky_relu(x.clone(), 0.1), "LeakyReLU after conv"),
        (
            lambda net, x: F.gelu(F.batch_norm(x, x.mean((0, 2, 3)), x.var((0, 2, 3)))),
            "conv",
        ),  # mean comes first
        (lambda net, x: F.relu6(F.instance_norm(x)), "ReLU6 after instance norm after conv"),
        (lambda net, x: F.max_pool2d(x, 2).relu(), "conv"),
        (lambda net, x: x.add_(100).relu(), "conv"),
        (lambda net, x: x.sigmoid(), "conv"),
        (lambda net, x: F.softplus(x), "conv"),  # above zero everywhere
        (lambda net, x: x.clamp(min=0.1), "conv"),
        (lambda net, x: x.clamp(min=torch.full((), 0.1)), "conv"),
        (lambda net, x: F.threshold(x, 0.2, 1), "conv"),
        (lambda net, x: x.clamp(min=0), "clamp after conv"),
        (lambda net, x: x.clamp(max=9), "clamp after conv"),
        (lambda net, x: F.hardtanh(x), "Hardtanh after conv"),
        (lambda net, x: F.prelu(x, torch.full((6,), 0.3)), "PReLU after conv"),
        (lambda net, x: F.celu(F.dropout(x, training=net.training)), "CELU after conv"),
        (lambda net, x: x.flatten(1).relu(), "ReLU after conv"),
        (lambda net, x: x.to(torch.float64).to(memory_format=torch.channels_last).relu_(), "ReLU after conv"),
        (lambda net, x: net.norm(x).add_(100).relu(), "norm"),
        (lambda net, x: x, "conv"),
    ],
)
def test_nonlinearities_that_are_no_modules(conv, then, measured):
    found, where = firing_share(Functional(conv, then), X, "conv", batch_size=2)
    assert where == measured
    maps = conv(X)
    if "instance" in measured:
        maps = F.instance_norm(maps)
    elif "norm" in measured:
        maps = nn.GroupNorm(2, 6)(maps)
    torch.testing.assert_close(found, share(maps))


@pytest.mark.parametrize(
    ("then", "measured", "limit"),
    [
        (lambda x: F.threshold(x, 0.3, 0), "threshold", 0.3),
        (lambda x: F.threshold(x, -0.3, 0, inplace=True), "threshold", 0),
        (lambda x: F.hardshrink(x, 0.2), "Hardshrink", 0.2),
        (lambda x: F.softshrink(x, 0.1), "Softshrink", 0.1),
    ],
)
def test_nonlinearities_that_silence_more_than_what_is_below_zero(conv, then, measured, limit):
    found, where = firing_share(Functional(conv, lambda net, x: then(x)), X, "conv", batch_size=2)
    assert where == f"{measured} after conv"
    torch.testing.assert_close(found, share(conv(X) - limit))


class Keeping(nn.Module):
    """Computes a picture of weights when it needs it, one for each number of images, and keeps it."""

    def __init__(self, conv):
        super().__init__()
        self.conv, self.norm, self.kept = conv, nn.InstanceNorm2d(6), {}
        self.strength = nn.Parameter(torch.ones(()))

    def forward(self, x):
        if len(x) not in self.kept:
            self.kept[len(x)] = torch.linspace(0.5, 1, x.numel()).reshape(x.shape)
        return self.norm(self.conv(x + self.strength * self.kept[len(x)])).relu()


@pytest.mark.parametrize("asked_in", [torch.enable_grad, torch.inference_mode])
def test_what_a_network_keeps_can_still_be_trained_with(conv, asked_in):
    net = Keeping(conv)
    with asked_in():
        found, measured = firing_share(net, X, "conv", batch_size=3)  # 3 and 2 images
        assert measured == "ReLU after norm" and not found.is_inference()
    for n in (3, 2):
        net.train()(X[:n].clone()).sum().backward()
    assert sorted(net.kept) == [2, 3] and net.strength.grad.isfinite()


@pytest.mark.parametrize("batch_size", [0, -2, 2.5, None])
def test_wrong_batch_sizes(conv, batch_size):
    with pytest.raises(InputError, match=f"batch_size is a whole number of at least 1, not {batch_size}"):
        firing_share(nn.Sequential(conv), X, "0", batch_size)


def test_the_second_call_of_the_same_layer():
    torch.manual_seed(2)
    conv, relu = nn.Conv2d(3, 3, 3, padding=1), nn.ReLU()
    found, measured = firing_share(nn.Sequential(conv, relu, conv, relu), X, "0#2")
    torch.testing.assert_close(found, share(conv(conv(X).relu())))
    assert measured == "1#2"


def test_residual_networks(residual, images):
    assert firing_share(residual, images, "conv1")[1] == "relu"
    found, measured = firing_share(residual, images, "conv2")
    assert measured == "conv2", "what follows is a sum with something else"
    residual.eval()
    torch.testing.assert_close(
        found, share(residual.conv2(residual.relu(residual.bn1(residual.conv1(images)))))
    )


@pytest.mark.parametrize(
    ("name", "layer", "measured"),
    [
        ("alexnet", "features.0", "features.1"),
        ("resnet18", "conv1", "relu"),
        ("densenet121", "features.conv0", "features.relu0"),
        ("googlenet", "conv1.conv", "ReLU after conv1.bn"),
        ("efficientnet_b0", "features.0.0", "features.0.2"),
        ("convnext_tiny", "features.0.0", "features.0.0"),
    ],
)
def test_torchvision(architecture, name, layer, measured):
    found, where = firing_share(architecture(name), torch.randn(2, 3, 64, 72), layer)
    assert where == measured and found.isfinite().all() and len(found) >= 32


def test_a_nan_stays_in_its_unit(conv):
    with torch.no_grad():
        conv.weight[3, 0, 0, 0] = torch.nan
    found, _ = firing_share(nn.Sequential(conv, nn.ReLU()), X, "0")
    assert found.isnan().tolist() == [False, False, False, True, False, False]


def test_leaves_no_trace(residual, images):
    residual.train()
    residual.drop.eval()
    state = {name: value.clone() for name, value in residual.state_dict().items()}
    modes = [part.training for part in residual.modules()]
    random = torch.get_rng_state()
    before = images.clone()
    firing_share(residual, images, "conv1")
    with pytest.raises(LayerError):
        firing_share(residual, images, "unused")
    assert torch.equal(torch.get_rng_state(), random) and torch.equal(images, before)
    assert [part.training for part in residual.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in residual.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in residual.modules())


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("conv3", "no layer 'conv3'; nearest: 'conv"),
        ("relu", "layer 'relu' is a ReLU; choose a Conv2d"),
        ("unused", "'unused' exists, but the network did not call it"),
        ("conv1#2", "'conv1' ran once only"),
    ],
)
def test_wrong_layers(residual, images, layer, said):
    with pytest.raises(LayerError, match=said):
        firing_share(residual, images, layer)


def test_wrong_images(residual, images):
    images[1, 0, 0, 0] = torch.inf
    with pytest.raises(InputError, match="image 1"):
        firing_share(residual, images, "conv1")
