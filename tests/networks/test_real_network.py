"""A network trained by others, on real photographs: the released CIFAR-10 ResNet-32 of Yerlan Idelbayev.

Needs a folder with ``cifar_resnet32.safetensors`` and ``cifar10_600.npz`` (600 test images, JPEG copies, on
which it is right about four times in five); its path in the environment variable CNNWIDGETS_REAL. Skipped
without.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from cnnwidgets.networks import Preprocess, wrap

FOLDER = os.environ.get("CNNWIDGETS_REAL")
pytestmark = pytest.mark.skipif(not FOLDER, reason="CNNWIDGETS_REAL names no folder with the network")

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()


class Block(nn.Module):
    """Two convolutions and a shortcut without parameters: every second pixel, new channels zero (option "
    "A)."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)
        self.stride, self.extra = stride, (n_out - n_in) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(y + shortcut)


class ResNet32(nn.Module):
    """He et al. 2015, section 4.2: 6 · 5 + 2 layers for CIFAR-10."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, 1)
        self.layer2 = self.stage(16, 32, 2)
        self.layer3 = self.stage(32, 64, 2)
        self.linear = nn.Linear(64, 10)

    @staticmethod
    def stage(n_in, n_out, stride):
        return nn.Sequential(Block(n_in, n_out, stride), *(Block(n_out, n_out, 1) for _ in range(4)))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


@pytest.fixture(scope="module")
def network():
    state = load_file(Path(FOLDER) / "cifar_resnet32.safetensors")
    module = ResNet32()
    module.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    preprocess = Preprocess(32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return wrap(module, preprocess, CLASSES, name="cifar-resnet32")


@pytest.fixture(scope="module")
def photographs():
    with np.load(Path(FOLDER) / "cifar10_600.npz") as archive:
        return archive["images"], archive["labels"]


def test_accuracy(network, photographs):
    images, labels = photographs
    x = torch.cat([network.read(image) for image in images])
    found = network.probabilities(x).argmax(dim=1).numpy()
    assert len(labels) == 600
    assert (found == labels).mean() == pytest.approx(0.80, abs=0.04)
    # better than chance in every class
    assert min((found[labels == c] == c).mean() for c in range(10)) > 0.3


def test_predict_says_the_same_as_probabilities(network, photographs):
    images, labels = photographs
    right = 0
    for image, label in zip(images[:100], labels[:100], strict=True):
        best = network.predict(image, k=3)
        together = network.probabilities(network.read(image))[0]
        assert best[0].index == int(together.argmax()) and best[0].name == CLASSES[best[0].index]
        assert best[0].probability == pytest.approx(float(together.max()), abs=1e-5)
        right += best[0].index == label
    assert right > 65


def test_pictures_come_back(network, photographs):
    images, _ = photographs
    x = torch.cat([network.read(image) for image in images[:20]])
    np.testing.assert_array_equal(network.to_image(x), images[:20])


def test_layers(network):
    shapes = {layer.name: layer.output_shape for layer in network.layers}
    assert shapes["conv1"] == (16, 32, 32)
    assert shapes["layer1.4"] == (16, 32, 32)
    assert shapes["layer2.0"] == (32, 16, 16)
    assert shapes["layer3.4"] == (64, 8, 8)
    assert shapes["linear"] == (10,)
    assert sum(layer.kind == "Conv2d" for layer in network.layers) == 31
    # by hand: 3 + 10·2 pixels through stage 1; then 2 + 9·2·2 … in steps of 2; then 4 + 9·2·4 … in steps of 4
    field = network.layer("layer1.4.conv2").receptive_field
    assert field.size == (23, 23) and field.stride == (1, 1)
    field = network.layer("layer3.4.conv2").receptive_field
    assert field.stride == (4, 4) and field.size == (23 + 2 + 9 * 4 + 4 + 9 * 8,) * 2
