"""Where Captum and pytorch-grad-cam say something else: what the difference is, and who follows the paper."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import (
    Deconvolution,
    GuidedBackprop,
    GuidedGradCam,
    LayerGradCam,
    NeuronDeconvolution,
    Saliency,
)
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, GuidedBackpropReLUModel, HiResCAM, ScoreCAM
from torch import nn

from cnnwidgets.core import (
    combine_grad_cam_plus_plus,
    deconvnet,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    hires_cam,
    input_gradient,
    saliency,
    score_cam,
    score_gradients,
    upsample,
)

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks", "ignore:Input Tensor")


def of_class(target):
    return lambda output: output[target]


def package(kind, net, part, x, target):
    with kind(model=net, target_layers=[part]) as method:
        found = method(x, [of_class(target)] * len(x))
    for parameter in net.parameters():
        parameter.grad = None
    return torch.from_numpy(found)


def test_theirs_is_between_0_and_1_and_ours_raw(net, x):
    """pytorch-grad-cam scales each map to 0..1, resizes it by OpenCV, and scales again; the paper does not.

    A map of 0.001 and one of 1000 look the same, and the noise of a network that knows nothing looks as
    sure as anything.
    """
    raw = grad_cam(net, x, 1, "relu2").numpy()
    assert raw.max() > 1.5 or raw.max() < 0.7
    wanted = []
    for one in raw:
        scaled = np.float32((one - one.min()) / (1e-7 + (one - one.min()).max()))
        wide = cv2.resize(scaled, (26, 20))
        wanted.append((wide - wide.min()) / (1e-7 + (wide - wide.min()).max()))
    found = package(GradCAM, net, net.relu2, x, 1)
    torch.testing.assert_close(found, torch.from_numpy(np.array(wanted)), rtol=0, atol=1e-5)
    net.fc.weight.data *= 100
    torch.testing.assert_close(package(GradCAM, net, net.relu2, x, 1), found, rtol=0, atol=1e-5)
    np.testing.assert_allclose(grad_cam(net, x, 1, "relu2").numpy(), 100 * raw)


def test_opencv_resizes_as_our_upsampling(x):
    """``cv2.resize`` is bilinear with ``align_corners=False``, too."""
    maps = torch.rand(4, 5)
    theirs = torch.from_numpy(cv2.resize(maps.numpy(), (26, 20)))
    torch.testing.assert_close(upsample(maps, (20, 26)), theirs, rtol=0, atol=1e-5)


class InPlace(nn.Module):
    def __init__(self, in_place):
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 6, 3), nn.ReLU(in_place), nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(self.relu(self.conv(x)).mean((2, 3)))


def test_a_relu_in_place_writes_over_what_they_kept(x, close):
    """pytorch-grad-cam keeps a view of the layer's output, into which the ReLU after it writes."""
    torch.manual_seed(0)
    net = InPlace(True).double()
    ours = hires_cam(net, x, 1, "conv", relu=True)
    activation, slopes = score_gradients(net, x, 1, "conv").layers["conv"]
    assert activation.min() < 0
    with GradCAM(model=net, target_layers=[net.conv]) as method:
        method(x, [of_class(1)] * 3)
        kept = method.activations_and_grads.activations[0]
        assert kept.min() == 0  # negative activations are gone
        close(kept, activation.clamp(min=0))
        close(method.activations_and_grads.gradients[0], slopes)
    for parameter in net.parameters():
        parameter.grad = None
    assert ours.max() > 0
    careful = InPlace(False).double()
    careful.load_state_dict(net.state_dict())
    close(grad_cam(net, x, 1, "conv", relu=False), grad_cam(careful, x, 1, "conv", relu=False))


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.conv2, self.fc = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3), nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(F.relu(self.conv2(F.relu(self.conv(x)))).mean((2, 3)))


def test_functions_pass_by_both_of_them(x, close, by_rule):
    """Of a network that calls ``F.relu`` both peers return the plain gradient, without a word that counts."""
    torch.manual_seed(0)
    net = Functional().double()
    gradient = input_gradient(net, x, 1)
    close(GuidedBackprop(net).attribute(x.clone(), 1).detach(), gradient)
    close(Deconvolution(net).attribute(x.clone(), 1).detach(), gradient)
    theirs = GuidedBackpropReLUModel(net, "cpu")(x[:1].clone(), target_category=1)
    for parameter in net.parameters():
        parameter.grad = None
    close(torch.from_numpy(theirs).permute(2, 0, 1), gradient[0])
    for rule, call in (("guided", guided_backprop), ("deconvnet", deconvnet)):
        found = call(net, x, 1)
        assert not torch.allclose(found, gradient, rtol=0.1)
        close(found, by_rule(net, x, rule, 1))


def test_captum_starts_a_neuron_from_one(net, x, close):
    """Zeiler & Fergus, section 2.1: the feature map itself goes in, all other activations set to zero."""
    with torch.no_grad():
        maps = net.relu1(net.bn(net.conv1(x)))
    place = (3, 5)
    channel = int(maps[:, :, 3, 5].amin(0).argmax())
    fired = maps[:, channel, 3, 5]
    assert fired.min() > 0 and (fired - 1).abs().max() > 0.1
    from_one = NeuronDeconvolution(net, net.relu1).attribute(x.clone(), (channel, *place)).detach()
    found = deconvnet(net, x, layer="relu1", channel=channel, position=place)
    close(found, fired[:, None, None, None] * from_one)


def test_captums_saliency_keeps_the_channels(net, x, close):
    """Simonyan et al., section 3.1: the maximum over the colour channels is one map for each picture."""
    theirs = Saliency(net).attribute(x.clone(), 2).detach()
    assert theirs.shape == x.shape
    close(saliency(net, x, 2), theirs.amax(1))


def test_captums_grad_cam_keeps_the_negative(net, x, close):
    """Selvaraju et al., equation 2, has a ReLU; Captum if asked."""
    theirs = LayerGradCam(net, net.relu2).attribute(x, 1).detach()[:, 0]
    assert theirs.min() < 0
    close(grad_cam(net, x, 1, "relu2"), theirs.clamp(min=0))
    close(grad_cam(net, x, 1, "relu2", relu=False), theirs)


def test_captums_guided_grad_cam_takes_the_nearest(net, x, close):
    """Selvaraju et al., section 3.2: upsampled bilinearly."""
    method = GuidedGradCam(net, net.relu2)
    nearest = method.attribute(x.clone(), 1).detach()
    found = guided_grad_cam(net, x, 1, "relu2")
    assert not torch.allclose(found, nearest, rtol=0.05)
    close(found, method.attribute(x.clone(), 1, interpolate_mode="bilinear").detach())


def test_their_hires_cam_drops_the_negative(net, x):
    """HiResCAM has no ReLU (Draelos & Carin, section 3.4); pytorch-grad-cam puts one after every method."""
    ours = hires_cam(net, x, 1, "conv2")
    assert ours.min() < -0.1 * ours.abs().max()
    assert package(HiResCAM, net, net.conv2, x, 1).min() == 0


def test_their_score_cam_aligns_corners(net, x, close):
    """pytorch-grad-cam upsamples masks with corners aligned, which shifts them against what cells see."""
    maps, _ = score_gradients(net, x, 1, "pool", pixels=False).layers["pool"]

    def by_hand(one, picture, align_corners):
        masks = F.interpolate(one[None], picture.shape[1:], mode="bilinear", align_corners=align_corners)[0]
        low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
        masks = (masks - low) / (high - low + (1e-8 if align_corners else 0))
        with torch.no_grad():
            weights = net(picture * masks[:, None])[:, 1].softmax(0)
        return (weights[:, None, None] * one).sum(0).clamp(min=0)

    ours = score_cam(net, x, 1, "pool")
    close(ours, torch.stack([by_hand(*each, align_corners=False) for each in zip(maps, x, strict=True)]))
    with ScoreCAM(model=net, target_layers=[net.pool]) as method:
        method.activations_and_grads(x)
        kept = method.activations_and_grads.activations[0].numpy()
        theirs = method.get_cam_image(x, net.pool, [of_class(1)] * 3, kept, None, False)
    theirs = torch.from_numpy(np.maximum(theirs, 0))
    aligned = torch.stack([by_hand(*each, align_corners=True) for each in zip(maps, x, strict=True)])
    close(theirs, aligned, 1e-5)
    assert (ours - aligned).abs().max() > 1e-3 * ours.max()


def test_their_score_cam_gives_dead_maps_a_share(x, close):
    """A map that says nothing hides the whole picture, and takes its share of the softmax from the others."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    ).double()
    with ScoreCAM(model=net, target_layers=[net[1]]) as method:

        def theirs():
            method.activations_and_grads(x)
            kept = method.activations_and_grads.activations[0].numpy()
            targets = [of_class(1)] * 3
            return torch.from_numpy(method.get_cam_image(x, net[1], targets, kept, None, False))

        net[0].weight.data[3], net[0].bias.data[3] = 0, -1
        net[4].weight.data[1, 3] = 0
        four, ours = theirs(), score_cam(net, x, 1, "1")
    # the three others alone, in a network that never had the fourth
    small = nn.Sequential(
        nn.Conv2d(3, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)
    ).double()
    small[0].weight.data, small[0].bias.data = net[0].weight.data[:3], net[0].bias.data[:3]
    small[4].weight.data, small[4].bias.data = net[4].weight.data[:, :3], net[4].bias.data
    close(ours, score_cam(small, x, 1, "1"))
    assert four.max() < 0.9 * ours.max()


def test_grad_cam_plus_plus_with_sums(net, x, close):
    """Equation 19 sums over the map; with the mean of the activations below, weights are others altogether.

    (Equation 5, with means of the weights instead of sums, is the same map but for the factor 1 / (h w).)
    """
    maps, slopes = score_gradients(net, x, 1, "relu1", pixels=False).layers["relu1"]
    below = 2 * slopes**2 + maps.mean((2, 3), keepdim=True) * slopes**3
    alpha = torch.where(below == 0, 0, slopes**2 / torch.where(below == 0, 1, below))
    means = ((alpha * slopes.clamp(min=0)).sum((2, 3), keepdim=True) * maps).sum(1).clamp(min=0)
    ours = combine_grad_cam_plus_plus(maps, slopes)
    ratio = (means / ours)[ours > 0.1 * ours.max()]
    assert ratio.max() > 1.01 * ratio.min()


def test_their_grad_cam_plus_plus_fades_with_small_gradients(net, x, close):
    """pytorch-grad-cam adds 1e-6 to the denominator: with gradients of 1e-4, most of the weight is lost.

    The paper has no such number; where the denominator is zero, alpha is.
    """
    part, layer = net.relu3, "relu3"
    maps, slopes = score_gradients(net, x, 1, layer, pixels=False).layers[layer]

    def theirs(slopes):
        with GradCAMPlusPlus(model=net, target_layers=[part]) as method:
            found = method.get_cam_image(x, part, [], maps.numpy(), slopes.numpy(), False)
        return torch.from_numpy(np.maximum(found, 0))

    close(combine_grad_cam_plus_plus(maps, 1e3 * slopes), theirs(1e3 * slopes), 1e-4)
    small = slopes * 1e-4 / slopes.abs().max()
    ours = combine_grad_cam_plus_plus(maps, small)
    assert theirs(small).max() < 0.4 * ours.max()
