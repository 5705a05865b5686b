"""The networks of torchvision: what is recomputed incrementally is what plain forward passes give."""

import copy

import pytest
import torch
import torchvision
from torch import nn

from cnnwidgets.core import occlusion

# Height and width, size of the square, stride, layer whose strongest map is summed. Each size and stride is
# another one, so that borders fall differently.
NETWORKS = {
    "alexnet": ((64, 96), 16, (16, 24), "features.6"),
    "vgg11": ((48, 64), 20, 16, "features.11"),
    "vgg11_bn": ((48, 40), 11, 16, "features.0"),
    "resnet18": ((64, 96), (24, 9), 16, "layer2.1.conv1"),
    "resnet50": ((64, 72), 32, 24, "layer3"),
    "densenet121": ((64, 96), 17, 24, "features.denseblock2"),
    "googlenet": ((64, 96), 22, 16, "inception4a"),
    "inception_v3": ((80, 96), 30, 24, "Mixed_6a"),
    "squeezenet1_1": ((64, 96), 24, 12, "features.6"),
    "mobilenet_v2": ((64, 96), 13, 16, "features.5"),
    "mobilenet_v3_small": ((64, 96), 20, 16, "features.3"),
    "shufflenet_v2_x0_5": ((64, 96), 25, 12, "stage2"),
    "efficientnet_b0": ((64, 96), 26, 24, "features.4"),
    "mnasnet0_5": ((64, 96), 19, 16, "layers.8"),
    "regnet_x_400mf": ((64, 96), 21, 16, "trunk_output.block2"),
    "convnext_tiny": ((64, 64), 16, 24, "features.1"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_single_precision(name, architecture, ten_classes, responsive, pictures, reference, agrees):
    image_size, size, stride, layer = NETWORKS[name]
    x = pictures(2, *image_size)
    net = responsive(ten_classes(architecture(name)), x)
    truth = reference(net, x, size, stride, -0.5, layer=layer)
    target = truth.scores[0].var((0, 1)).argmax().item()  # the class whose score moves most
    if target == truth.baseline[0].argmax():
        target = (target + 1) % 10

    def rounding():
        exact = reference(copy.deepcopy(net).double(), x.double(), size, stride, -0.5)
        return (truth.scores.double() - exact.scores).abs().max()

    for engine in ("incremental", "auto"):
        found = occlusion(net, x, target, size, stride, -0.5, layer=layer, engine=engine)
        agrees(found, truth, target, least_spread=0.005, rounding=rounding)
        assert found.channel.tolist() == truth.strongest.tolist()


@pytest.mark.parametrize(
    "name", ["resnet18", "densenet121", "squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x0_5"]
)
def test_double_precision(name, architecture, ten_classes, responsive, pictures, reference, agrees):
    image_size, size, _, layer = NETWORKS[name]
    x = pictures(1, *image_size).double()
    net = responsive(ten_classes(architecture(name)).double(), x)
    truth = reference(net, x, size, (32, 40), 0.4, layer=layer)
    found = occlusion(net, x, 3, size, (32, 40), 0.4, layer=layer, engine="incremental")
    agrees(found, truth, 3, least_spread=1e-3)


def transformers() -> dict[str, nn.Module]:
    vit = torchvision.models.VisionTransformer(
        image_size=48, patch_size=16, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=48, num_classes=10
    )
    nn.init.normal_(vit.heads.head.weight)
    swin = torchvision.models.SwinTransformer([4, 4], 16, [1, 1], [2, 2], [4, 4], num_classes=10)
    return {"vit": vit, "swin": swin}


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_networks_of_another_kind_are_right_and_say_how(name, responsive, pictures, reference, agrees):
    torch.manual_seed(2)
    x = pictures(2, 48, 48)
    net = responsive(transformers()[name], x)
    found = occlusion(net, x, 4, 15, 12)
    agrees(found, reference(net, x, 15, 12), 4)
    assert "whole forward passes" in found.why or found.engine in found.why


COMMON = ["alexnet", "vgg11_bn", "resnet18", "densenet121", "googlenet", "squeezenet1_1"]


@pytest.mark.parametrize("name", COMMON)
def test_common_networks_are_computed_incrementally(name, architecture, ten_classes, pictures):
    net = ten_classes(architecture(name))
    found = occlusion(net, pictures(1, 64, 64), 0, 8, 64, engine="incremental")
    assert found.engine == "incremental" and found.why
