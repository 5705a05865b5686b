"""A network knows its input, layers and classes, predicts, and never changes its module."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnnwidgets.core import list_layers
from cnnwidgets.core.errors import InputError, LayerError, NetworkError
from cnnwidgets.data import ImageError
from cnnwidgets.networks import Network, Prediction, Preprocess

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)


class Tiny(nn.Module):
    """Everything that a prediction could disturb: batch norm, dropout, in-place ReLU."""

    def __init__(self, channels=3, n_classes=4):
        super().__init__()
        self.conv = nn.Conv2d(channels, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.9)
        self.head = nn.Linear(6, n_classes)

    def forward(self, x):
        return self.head(self.drop(self.relu(self.norm(self.conv(x)))).mean(dim=(2, 3)))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network(
        Tiny(), Preprocess((20, 28), mean=MEAN, std=STD), ["ant", "bee", "cat", "dog"], name="tiny"
    )


PICTURE = np.random.default_rng(0).integers(0, 256, (45, 60, 3), dtype=np.uint8)


def test_what_it_knows(network):
    assert (network.name, network.title, network.note) == ("tiny", "tiny", "")
    assert network.classes == ["ant", "bee", "cat", "dog"] and network.n_classes == 4
    assert network.input_size == (20, 28) and network.input_shape == (3, 20, 28)
    assert network.device == torch.device("cpu")
    assert not isinstance(network, nn.Module)
    n_parameters = 6 * 3 * 9 + 6 + 12 + 24 + 4
    assert repr(network) == f"<Network tiny: 4 classes, input 3 × 20 × 28, {n_parameters} parameters>"
    network.title = "tiny (untrained)"
    assert repr(network).startswith("<Network tiny 'tiny (untrained)': 4 classes")


def test_layers(network):
    assert network.layers == list_layers(network.module, (3, 20, 28))
    assert network.layers is network.layers
    assert network.layer("conv").output_shape == (6, 18, 26)
    with pytest.raises(LayerError, match="'conv'"):
        network.layer("conv1")


def test_read_and_picture(network):
    x = network.read(PICTURE)
    assert x.shape == (1, 3, 20, 28) and x.dtype == torch.float32
    picture = network.picture(PICTURE)
    assert picture.size == (28, 20) and picture.mode == "RGB"
    np.testing.assert_array_equal(network.to_image(x)[0], np.asarray(picture))
    torch.testing.assert_close(network.read(Image.fromarray(PICTURE)), x)
    with pytest.raises(ImageError):
        network.read("nowhere.png")


def test_to_image(network):
    x = torch.stack([network.preprocess.normalise(torch.full((3, 5, 7), v)) for v in (0.2, 0.8)])
    images = network.to_image(x)
    assert images.shape == (2, 5, 7, 3) and images.dtype == np.uint8
    assert set(np.unique(images[0])) == {51} and set(np.unique(images[1])) == {204}
    assert network.to_image(x[0]).shape == (5, 7, 3)
    wild = torch.stack([torch.full((3, 2, 2), v) for v in (-100.0, 100.0)])
    assert [image.mean() for image in network.to_image(wild)] == [0, 255]
    assert network.to_image(x.requires_grad_().half()).shape == (2, 5, 7, 3)


@pytest.mark.parametrize("x", [torch.zeros(5, 7), torch.zeros(1, 4, 5, 7), np.zeros((3, 5, 7)), None])
def test_to_image_of_something_else(network, x):
    with pytest.raises(InputError):
        network.to_image(x)


def test_to_image_of_nan(network):
    with pytest.raises(InputError, match="not finite"):
        network.to_image(torch.full((3, 5, 7), float("nan")))


def test_grey_networks():
    network = Network(Tiny(1), Preprocess((20, 28), mean=(0.5,), std=(0.5,)), None, name="grey")
    assert network.input_shape == (1, 20, 28) and network.read(PICTURE).shape == (1, 1, 20, 28)
    assert network.picture(PICTURE).mode == "L"
    image = network.to_image(network.read(PICTURE))
    assert image.shape == (1, 20, 28, 3)
    np.testing.assert_array_equal(image[0], np.dstack([np.asarray(network.picture(PICTURE))] * 3))
    assert len(network.predict(PICTURE)) == 4


def test_scores_and_probabilities(network):
    x = torch.randn(3, 3, 20, 28)
    expected = copy.deepcopy(network.module).eval()(x).detach()
    torch.testing.assert_close(network.scores(x), expected)
    probabilities = network.probabilities(x)
    torch.testing.assert_close(probabilities, expected.exp() / expected.exp().sum(dim=1, keepdim=True))
    assert not probabilities.requires_grad
    (probabilities * torch.ones(1, requires_grad=True)).sum().backward()  # no inference-mode tensor


def test_predict(network):
    probabilities = network.probabilities(network.read(PICTURE))[0]
    best = network.predict(PICTURE, k=2)
    assert [p.index for p in best] == probabilities.argsort(descending=True)[:2].tolist()
    assert all(isinstance(p, Prediction) and p.name == network.classes[p.index] for p in best)
    assert [p.probability for p in best] == pytest.approx([float(probabilities[p.index]) for p in best])
    everything = network.predict(PICTURE, k=10)
    assert len(everything) == 4 and sum(p.probability for p in everything) == pytest.approx(1)
    assert network.predict(PICTURE, k=0) == []
    with pytest.raises(NetworkError, match="k can.t be -1"):
        network.predict(PICTURE, k=-1)


@pytest.mark.parametrize("training", [True, False])
def test_it_leaves_the_module_as_it_was(network, training):
    module = network.module.train(training)
    module.conv.eval()
    module.head.weight.requires_grad_(False)
    flags = [m.training for m in module.modules()]
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    first = network.predict(PICTURE)
    network.layers  # noqa: B018
    assert network.predict(PICTURE) == first  # no dropout, no drifting batch statistics
    assert [m.training for m in module.modules()] == flags
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in module.parameters())


def test_classes_are_counted_if_not_named():
    network = Network(Tiny(n_classes=3), Preprocess((20, 28)), None, name="tiny")
    assert network.classes == ["class 0", "class 1", "class 2"]


def test_a_wrong_number_of_names(network):
    network.classes = ["ant", "bee"]
    with pytest.raises(NetworkError, match="4 outputs but 2 class names"):
        network.predict(PICTURE)


def test_scores_that_are_not_finite(network):
    network.module.head.bias.data[2] = float("nan")
    assert network.scores(network.read(PICTURE)).isnan().any()  # raw
    with pytest.raises(NetworkError, match="not finite"):
        network.predict(PICTURE)


def test_an_input_that_is_no_batch(network):
    with pytest.raises(InputError):
        network.scores(torch.zeros(3, 20, 28))


def test_half_precision(network):
    network.module.to(torch.bfloat16)
    probabilities = network.probabilities(network.read(PICTURE))
    assert probabilities.dtype == torch.float32 and probabilities.sum().item() == pytest.approx(1, abs=1e-5)


def test_a_module_that_is_no_classifier():
    with pytest.raises(NetworkError):
        Network(nn.Conv2d(3, 4, 3), Preprocess((20, 28)), None, name="conv")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(network):
    before = network.predict(PICTURE)
    network.module.cuda()
    assert network.device.type == "cuda" and network.read(PICTURE).is_cuda
    after = network.predict(PICTURE)
    assert [p.index for p in after] == [p.index for p in before]
    assert network.to_image(network.read(PICTURE)).shape == (1, 20, 28, 3)
