"""Networks of torchvision against Captum and pytorch-grad-cam, where the definitions meet.

The peers look for ReLU modules, and keep what a ReLU in place writes over: they get a twin of each network.
Double precision: what is compared is the method, not the rounding.
"""

import numpy as np
import pytest
import torch
from captum.attr import (
    Deconvolution,
    GuidedBackprop,
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    LayerGradCam,
    LayerGradientXActivation,
    NeuronGuidedBackprop,
    Saliency,
)
from torch import nn

from cnnwidgets.core import (
    NetworkError,
    cam,
    deconvnet,
    grad_cam,
    grad_cam_plus_plus,
    guided_backprop,
    guided_grad_cam,
    hires_cam,
    input_gradient,
    input_x_gradient,
    integrated_gradients,
    layer_cam,
    saliency,
    score_cam,
)

TOLERANCE = 1e-5

# Height and width, a layer somewhere in the middle, the last layer of maps.
NETWORKS = {
    "alexnet": ((64, 96), "features.6", "features.10"),
    "vgg11_bn": ((40, 64), "features.8", "features.25"),
    "resnet18": ((48, 64), "layer2.0.bn1", "layer4.1.bn2"),
    "densenet121": ((40, 64), "features.transition1.conv", "features.norm5"),
    "googlenet": ((48, 64), "inception4a.branch2.1.conv", "inception5b.branch1.conv"),
    "inception_v3": ((75, 96), "Mixed_5b.branch1x1.conv", "Mixed_7c.branch1x1.conv"),
    "squeezenet1_1": ((48, 64), "features.6.expand1x1", "features.12.expand3x3"),
    "mnasnet0_5": ((64, 96), "layers.8.0.layers.3", "layers.14"),
    "shufflenet_v2_x0_5": ((64, 96), "stage2.0.branch2.5", "conv5.0"),
    "regnet_x_400mf": ((48, 64), "trunk_output.block2.block2-0.f.b.0", "trunk_output.block4.block4-1.f.c.0"),
}
WITHOUT_GAP = ("alexnet", "vgg11_bn", "squeezenet1_1")
TARGETS = [3, 8]


class Real:
    """A network as it is, its twin for the peers, two pictures."""

    def __init__(self, name, torchvision_network, twin, pictures):
        size, *self.layers = NETWORKS[name]
        self.name, self.x = name, pictures(2, *size)
        self.net = torchvision_network(name, self.x)
        self.twin = twin(self.net)
        with torch.no_grad():
            scores, same = self.net(self.x.clone()), self.twin(self.x)
        torch.testing.assert_close(scores, same)
        assert (scores.argmax(1) != torch.tensor(TARGETS)).any()
        self.best = scores.argmax(1).tolist()

    def part(self, layer):
        return self.twin.get_submodule(layer)


@pytest.fixture(scope="module", params=NETWORKS)
def real(request, torchvision_network, twin, pictures):
    return Real(request.param, torchvision_network, twin, pictures)


pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor")

# ----------------------------------------------------------------------------------------------------- Captum


def test_captum_gradients(real, close):
    wanted = Saliency(real.twin).attribute(real.x.clone(), TARGETS, abs=False).detach()
    close(input_gradient(real.net, real.x, TARGETS), wanted, TOLERANCE)
    close(saliency(real.net, real.x, TARGETS), wanted.abs().amax(1), TOLERANCE)
    wanted = InputXGradient(real.twin).attribute(real.x.clone(), TARGETS).detach()
    close(input_x_gradient(real.net, real.x, TARGETS), wanted, TOLERANCE)


def test_captum_integrated_gradients(real, close):
    wanted, gap = IntegratedGradients(real.twin).attribute(
        real.x, -0.2, TARGETS, n_steps=3, return_convergence_delta=True
    )
    found, our_gap = integrated_gradients(real.net, real.x, TARGETS, -0.2, 3, return_gap=True)
    close(found, wanted.detach(), TOLERANCE)
    close(our_gap, gap.detach(), TOLERANCE)


def test_captum_rules(real, close):
    wanted = GuidedBackprop(real.twin).attribute(real.x.clone(), TARGETS).detach()
    found = guided_backprop(real.net, real.x, TARGETS)
    if wanted.abs().max() == 0:  # SqueezeNet: a score that the last ReLU holds back
        assert (found == 0).all() and real.name == "squeezenet1_1"
    else:
        close(found, wanted, TOLERANCE)
    wanted = Deconvolution(real.twin).attribute(real.x.clone(), TARGETS).detach()
    close(deconvnet(real.net, real.x, TARGETS), wanted, TOLERANCE)


def test_captum_grad_cam(real, close):
    for layer in real.layers:
        wanted = LayerGradCam(real.twin, real.part(layer)).attribute(real.x, TARGETS).detach()[:, 0]
        close(grad_cam(real.net, real.x, TARGETS, layer, relu=False), wanted, TOLERANCE)
        wanted = LayerGradientXActivation(real.twin, real.part(layer)).attribute(real.x, TARGETS).detach()
        close(hires_cam(real.net, real.x, TARGETS, layer), wanted.sum(1), TOLERANCE)


def test_captum_guided_grad_cam(real, close):
    layer = real.layers[0]
    if grad_cam(real.net, real.x, real.best, layer).abs().max() == 0:
        layer = real.layers[1]
    method = GuidedGradCam(real.twin, real.part(layer))
    wanted = method.attribute(real.x.clone(), real.best, interpolate_mode="bilinear").detach()
    close(guided_grad_cam(real.net, real.x, real.best, layer), wanted, TOLERANCE)


def test_captum_neurons(real, close):
    """Captum starts a neuron from 1, the papers and we from its activation."""
    layer, channel, row, column = real.layers[0], 3, 1, 2
    seen = []
    handle = real.part(layer).register_forward_hook(lambda part, inputs, output: seen.append(output))
    with torch.no_grad():
        real.twin(real.x)
    handle.remove()
    fired = seen[0][:, channel, row, column]
    assert fired.abs().min() > 1e-3
    method = NeuronGuidedBackprop(real.twin, real.part(layer))
    from_one = method.attribute(real.x.clone(), (channel, row, column)).detach()
    found = guided_backprop(real.net, real.x, layer=layer, channel=channel, position=(row, column))
    is_positive = fired > 0
    if is_positive.any():
        close(found[is_positive], (fired[:, None, None, None] * from_one)[is_positive], TOLERANCE)


def test_by_our_own_twin(real, close, by_rule):
    """Feature maps, which Captum cannot start from."""
    for layer in real.layers:
        wanted = by_rule(real.net, real.x, "deconvnet", layer=layer, channel=5)
        close(deconvnet(real.net, real.x, layer=layer, channel=5), wanted, TOLERANCE)
        wanted = by_rule(real.net, real.x, "guided", layer=layer, channel=1)
        close(guided_backprop(real.net, real.x, layer=layer, channel=1), wanted, TOLERANCE)


# ------------------------------------------------------------------------------------------- pytorch-grad-cam


def grad_cam_package(kind, real, layer):
    """Its map before it is normalised and resized: activations, gradients and its own weights."""
    with kind(model=real.twin, target_layers=[real.part(layer)]) as method:
        scores = method.activations_and_grads(real.x)
        if method.uses_gradients:
            scores[range(2), TARGETS].sum().backward()
        maps = method.activations_and_grads.activations[0].numpy()
        back = method.activations_and_grads.gradients[0].numpy() if method.uses_gradients else None
        targets = [lambda output, target=target: output[target] for target in TARGETS]
        found = method.get_cam_image(real.x, real.part(layer), targets, maps, back, False)
    for parameter in real.twin.parameters():
        parameter.grad = None
    return torch.from_numpy(np.maximum(found, 0))


def test_grad_cam_package(real, close):
    from pytorch_grad_cam import GradCAM, HiResCAM, LayerCAM

    for layer in real.layers:
        wanted = grad_cam_package(GradCAM, real, layer)
        if wanted.max() == 0:
            assert (grad_cam(real.net, real.x, TARGETS, layer) == 0).all()
        else:
            close(grad_cam(real.net, real.x, TARGETS, layer), wanted, TOLERANCE)
        close(layer_cam(real.net, real.x, TARGETS, layer), grad_cam_package(LayerCAM, real, layer), TOLERANCE)
        wanted = grad_cam_package(HiResCAM, real, layer)
        close(hires_cam(real.net, real.x, TARGETS, layer, relu=True), wanted, TOLERANCE)


def test_grad_cam_package_guided_backprop(real, close):
    from pytorch_grad_cam import GuidedBackpropReLUModel

    x = real.x[:1].clone()
    method = GuidedBackpropReLUModel(real.twin, torch.device("cpu"))
    wanted = torch.from_numpy(method(x, target_category=real.best[0])).permute(2, 0, 1)[None]
    for parameter in real.twin.parameters():
        parameter.grad = None
    close(guided_backprop(real.net, real.x[:1], real.best[0]), wanted, TOLERANCE)


# -------------------------------------------------------------------------------------------------------- CAM


def test_cam_where_the_network_has_one(real, close):
    if real.name in WITHOUT_GAP:
        with pytest.raises(NetworkError, match="average pooling"):
            cam(real.net, real.x, TARGETS)
        return
    head = [part for part in real.twin.modules() if isinstance(part, nn.Linear)][-1]
    found = cam(real.net, real.x, TARGETS)
    with torch.no_grad():
        scores = real.twin(real.x)[range(2), TARGETS]
    close(found.mean((1, 2)) + head.bias.detach()[TARGETS], scores, TOLERANCE)
    assert found.ndim == 3 and found.shape[1] <= found.shape[2]


LAST = {"resnet18": "layer4", "densenet121": None, "googlenet": "inception5b", "inception_v3": "Mixed_7c",
        "mnasnet0_5": "layers", "shufflenet_v2_x0_5": "conv5", "regnet_x_400mf": "trunk_output"}  # fmt: skip


def test_grad_cam_of_the_last_layer_is_cam(real, close):
    layer = LAST.get(real.name)
    if layer is None:
        return
    by_weights = cam(real.net, real.x, TARGETS)
    by_slopes = grad_cam(real.net, real.x, TARGETS, layer, relu=False)
    close(by_slopes * by_slopes.shape[1] * by_slopes.shape[2], by_weights, TOLERANCE)


# ------------------------------------------------------------------------------------------- single precision


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "squeezenet1_1"])
def test_single_precision(name, torchvision_network, twin, pictures):
    """As it is used: against double precision, relative to the largest value."""
    size, _, layer = NETWORKS[name]
    x = pictures(2, *size)
    net = torchvision_network(name, x)
    exact = [
        call(net, x, TARGETS)
        for call in (saliency, guided_backprop, deconvnet, lambda *given: grad_cam(*given, layer, relu=False))
    ]
    net, x = net.float(), x.float()
    for call, wanted in zip(
        (saliency, guided_backprop, deconvnet, lambda *given: grad_cam(*given, layer, relu=False)),
        exact,
        strict=True,
    ):
        found = call(net, x, TARGETS)
        assert found.dtype == torch.float32
        # single pixels jump where a ReLU is at the edge: most of them agree
        error = (found - wanted).abs() / wanted.abs().max()
        assert error.quantile(0.99) < 1e-4


# --------------------------------------------------------------------------------------- no ReLU, other kinds


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0"])
def test_relu6_and_silu_are_no_relu(name, torchvision_network, pictures, close):
    x = pictures(2, 64, 96)
    net = torchvision_network(name, x)
    for call in (guided_backprop, deconvnet, lambda *given: guided_grad_cam(*given, "features.7")):
        with pytest.raises(NetworkError, match="ReLU"):
            call(net, x, TARGETS)
    wanted = Saliency(net).attribute(x.clone(), TARGETS, abs=False).detach()
    close(input_gradient(net, x, TARGETS), wanted, TOLERANCE)
    by_slopes = grad_cam(net, x, TARGETS, "features", relu=False)
    close(by_slopes * by_slopes.shape[1] * by_slopes.shape[2], cam(net, x, TARGETS), TOLERANCE)


def test_densenet_that_saves_memory(torchvision_network, pictures, close):
    """Its blocks are run again on the way back, out of reach: no other rule, and no false picture either."""
    x = pictures(2, 40, 72)  # one picture of one cell at the end has no deviation to scale by
    net = torchvision_network("densenet121", x)
    saving = torchvision_network("densenet121", x, memory_efficient=True)
    saving.load_state_dict(net.state_dict())
    close(input_gradient(saving, x, 3), input_gradient(net, x, 3))
    wanted = grad_cam(net, x, 3, "features.denseblock3", relu=False)
    close(grad_cam(saving, x, 3, "features.denseblock3", relu=False), wanted)
    for call in (deconvnet, guided_backprop):
        with pytest.raises(NetworkError, match="memory_efficient=False"):
            call(saving, x, 3)


def test_all_scores_of_score_cam(torchvision_network, pictures, twin, close):
    """pytorch-grad-cam's Score-CAM with the interpolation of the paper's code, on a whole network."""
    from pytorch_grad_cam import ScoreCAM

    real = Real.__new__(Real)
    real.x = pictures(2, 32, 48)
    real.net = torchvision_network("squeezenet1_1", real.x)
    real.twin = twin(real.net)
    layer = "features.6.squeeze"

    class Upsampling(nn.Upsample):
        def __init__(self, size):
            super().__init__(size, mode="bilinear", align_corners=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn, "UpsamplingBilinear2d", Upsampling)
        wanted = grad_cam_package(ScoreCAM, real, layer)
    close(score_cam(real.net, real.x, TARGETS, layer), wanted, TOLERANCE)


def test_grad_cam_plus_plus_of_the_package(torchvision_network, pictures, twin, close):
    """Theirs adds 1e-6 to the denominator: the same map where gradients are large."""
    from pytorch_grad_cam import GradCAMPlusPlus

    real = Real.__new__(Real)
    real.x = pictures(2, 48, 64)
    real.net = torchvision_network("resnet18", real.x)
    real.net.fc.weight.data *= 1e5
    real.twin = twin(real.net)
    layer = "layer4.0.relu"
    found = grad_cam_plus_plus(real.net, real.x, TARGETS, layer)
    close(found, grad_cam_package(GradCAMPlusPlus, real, layer), 1e-3)
