"""load, wrap and available."""

import pytest
import torch
from torch import nn
from torchvision import models
from torchvision import transforms as T

import cnnwidgets as cw
from cnnwidgets.core.errors import NetworkError
from cnnwidgets.networks import Network, Preprocess, available, load, loading, wrap
from cnnwidgets.networks.custom_preprocessing import CustomPreprocess


def net(channels=3, n_classes=4):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, n_classes)
    )


# load


def test_available_lists_the_bundled_ones_first():
    names = available()
    assert names[0] == "toynet" and {"toynet-gap", "alexnet", "vit_b_16"} <= set(names)
    assert len(names) == len(set(names)) > 70


def test_the_public_names():
    assert cw.load is load and cw.wrap is wrap and cw.available is available


@pytest.mark.parametrize("name", ["squeezenet1_1", "SqueezeNet1_1"])
def test_a_random_network(name):
    network = load(name, weights=None)
    assert isinstance(network, Network) and network.name == "squeezenet1_1" and "random" in network.title


@pytest.mark.parametrize(
    "name, near", [("toynett", "'toynet'"), ("toynet_gap", "'toynet-gap'"), ("alex", "'alexnet'")]
)
def test_wrong_names_say_the_nearest_of_all(name, near):
    with pytest.raises(NetworkError, match=near):
        load(name)


def test_a_module_is_for_wrap():
    with pytest.raises(NetworkError, match="wrap"):
        load(net())


def test_a_device_that_is_not_there():
    assert load("squeezenet1_1", None, device="cpu").device.type == "cpu"
    with pytest.raises(NetworkError, match="leave out device"):
        load("squeezenet1_1", None, device="warp drive")
    if not torch.cuda.is_available():
        with pytest.raises(NetworkError, match="'cuda'"):
            load("squeezenet1_1", None, device="cuda")


@pytest.fixture
def bundled(monkeypatch):
    """Stands in for the trained weights: how ``load`` treats them does not depend on what they are."""
    from cnnwidgets.networks import bundled as module

    def load_bundled(name):
        torch.manual_seed(5)
        return Network(net(), Preprocess(20), list("abcd"), name, "toynet (bundled)", "As it was trained.")

    monkeypatch.setattr(module, "load_bundled", load_bundled)
    return load_bundled("toynet")


X = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))


def test_a_bundled_network(bundled, tmp_path):
    trained = load("toynet")
    assert trained.title == "toynet (bundled)"
    torch.testing.assert_close(trained.scores(X), bundled.scores(X))

    untrained = load("toynet", weights=None)
    assert untrained.title == "toynet (random weights, untrained)" and "never trained" in untrained.note
    assert not torch.allclose(untrained.scores(X), bundled.scores(X))
    torch.testing.assert_close(load("toynet", weights=None).scores(X), untrained.scores(X))
    assert untrained.classes == list("abcd")

    torch.save(untrained.module.state_dict(), tmp_path / "mine.pt")
    mine = load("toynet", weights=tmp_path / "mine.pt")
    assert mine.title == "toynet (weights from mine.pt)"
    torch.testing.assert_close(mine.scores(X), untrained.scores(X))

    with pytest.raises(NetworkError, match="IMAGENET1K_V1"):
        load("toynet", weights="IMAGENET1K_V1")


# wrap


def test_wrap_with_a_preprocess():
    preprocess = Preprocess((20, 28), mean=(0.5,) * 3, std=(0.5,) * 3)
    module = net().train()
    network = wrap(module, preprocess, ["ant", "bee", "cat", "dog"], name="mine")
    assert network.module is module and module.training and network.preprocess is preprocess
    assert network.classes == ["ant", "bee", "cat", "dog"] and network.name == network.title == "mine"
    assert len(network.predict(torch.rand(3, 40, 50))) == 4


def test_wrap_with_nothing_else():
    network = wrap(net(n_classes=3))
    assert network.input_shape == (3, 224, 224) and network.name == "Sequential"
    assert network.classes == ["class 0", "class 1", "class 2"]
    # plain pixels
    x = network.read(torch.full((3, 300, 400), 0.2))
    torch.testing.assert_close(x, torch.full((1, 3, 224, 224), 0.2))


@pytest.mark.parametrize("input_size, expected", [(28, (28, 28)), ((20, 28), (20, 28))])
def test_wrap_a_network_that_sees_grey(input_size, expected):
    network = wrap(net(1), input_size=input_size)
    assert network.input_shape == (1, *expected)
    assert wrap(net(1), input_size=input_size, channels=1).input_shape == (1, *expected)
    assert network.to_image(network.read(torch.rand(3, 50, 60))).shape == (1, *expected, 3)


def test_wrap_with_what_torchvision_has():
    weights = models.EfficientNet_B0_Weights.DEFAULT
    expected = Preprocess.from_torchvision(weights.transforms())
    assert wrap(net(), weights).preprocess == wrap(net(), weights.transforms()).preprocess == expected


def test_wrap_with_a_callable():
    compose = T.Compose([T.Resize((20, 28)), T.ToTensor(), T.Normalize([0.5] * 3, [0.2] * 3)])
    network = wrap(net(), compose, input_size=(20, 28))
    assert isinstance(network.preprocess, CustomPreprocess) and network.input_shape == (3, 20, 28)
    image = torch.rand(3, 60, 50)
    torch.testing.assert_close(network.read(image)[0], compose(cw.read_image(image)))
    assert wrap(net(), network.preprocess).preprocess is network.preprocess


def test_wrap_a_network_that_returns_a_dict():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net()

        def forward(self, x):
            return {"logits": self.inner(x)}

    assert wrap(Wrapped(), input_size=20).n_classes == 4


def test_wrap_leaves_the_module_alone():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    wrap(module, input_size=(12, 17))
    assert module.training and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ({"classes": ["a", "b"]}, "4 outputs but 2 class names"),
        ({"classes": "abcd"}, "list of names"),
        ({"preprocess": 3}, "callable"),
        ({"preprocess": Preprocess(20), "input_size": 28}, "leave out input_size"),
        ({"preprocess": Preprocess(20), "channels": 1}, "leave out channels"),
        ({"input_size": 0.5}, "input"),
        ({"input_size": (1, 2, 3)}, "input"),
        ({"input_size": 28, "channels": 4}, "grey or three"),
        ({"input_size": 28, "channels": 1}, "input_size, or a preprocess"),
        ({"input_size": 2}, "input_size, or a preprocess"),
    ],
)
def test_arguments_that_cannot_be(arguments, complaint):
    with pytest.raises(NetworkError, match=complaint):
        wrap(net(), **arguments)


@pytest.mark.parametrize("module", ["alexnet", nn.Conv2d, None])
def test_wrapping_what_is_no_module(module):
    with pytest.raises(TypeError):
        wrap(module)


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(3, 4, 3),  # maps, no scores
        nn.LazyLinear(4),
        nn.Sequential(nn.Flatten(), nn.Linear(7, 4)),  # another size
        models.get_model("fcn_resnet50", weights=None, weights_backbone=None),
    ],
    ids=["conv", "lazy", "size", "segmentation"],
)
def test_wrapping_a_module_that_cannot_classify(module):
    with pytest.raises(NetworkError):
        wrap(module, input_size=32)


def test_the_default_size_is_documented():
    assert "224 × 224" in wrap.__doc__ and loading.USUAL_SIZE == (224, 224)
