"""Rule 1 of the core: after any call, also one that raised, a network is as it was, and so is everything
around it."""

from zlib import crc32

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import (
    CnnWidgetsError,
    GaussianBlur,
    Jitter,
    Rotation,
    cam,
    capture,
    class_image,
    deconvnet,
    deep_dream,
    dream_zoom,
    fooling_image,
    grad_cam,
    guided_backprop,
    guided_grad_cam,
    input_gradient,
    integrated_gradients,
    integrated_gradients_steps,
    invert_features,
    list_layers,
    occlusion,
    score_cam,
    score_gradients,
    smooth_grad,
    smooth_grad_steps,
    unit_image,
)

ARCHITECTURES = {
    "alexnet": (64, 72),
    "vgg11_bn": (32, 40),
    "resnet18": (40, 32),
    "densenet121": (40, 32),
    "squeezenet1_1": (40, 32),
    "googlenet": (40, 32),
    "googlenet without heads": (40, 32),
    "inception_v3": (75, 80),
    "mobilenet_v2": (40, 32),
    "mobilenet_v3_small": (40, 32),
    "efficientnet_b0": (40, 32),
    "convnext_tiny": (40, 32),
    "shufflenet_v2_x0_5": (40, 32),
    "mnasnet0_5": (40, 32),
    "regnet_y_400mf": (40, 32),
    "vit_b_16": (64, 64),
    "swin_t": (64, 32),
}


def everything(net: nn.Module, x: torch.Tensor) -> dict[str, object]:
    """All that a call might change, as plain values."""
    tensors = {id(tensor): tensor for tensor in (*net.state_dict(keep_vars=True).values(), *net.buffers())}
    parts = list(net.named_modules())
    return {
        "modules": [(name, id(part), type(part), part.training) for name, part in parts],
        "parameters": [(name, id(p), p.requires_grad, p._version) for name, p in net.named_parameters()],
        "buffers": [(name, id(b), b._version) for name, b in net.named_buffers()],
        "hooks": [
            (key, id(value), [(i, id(hook)) for i, hook in value.items()])
            for _, part in parts
            for key, value in vars(part).items()
            if "hooks" in key
        ],
        "attributes": [(name, key) for name, part in parts for key in vars(part)],
        "full backward hooks": [part._is_full_backward_hook for _, part in parts],
        "grads": [(id(p.grad), None if p.grad is None else p.grad.tolist()) for p in net.parameters()],
        "tensors": [digest(tensor) for tensor in tensors.values()],
        "image": (digest(x), x._version, x.requires_grad, x.grad),
        "random": torch.get_rng_state().tolist(),
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    }


def digest(tensor: torch.Tensor) -> tuple:
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return tuple(tensor.shape), tensor.dtype, crc32(raw.numpy())


def disorder(net: nn.Module) -> None:
    """Training flags, frozen parameters and gradients as no rule would set them."""
    net.train()
    for i, part in enumerate(net.modules()):
        part.training = i % 3 != 1
    for i, parameter in enumerate(net.parameters()):
        parameter.requires_grad_(i % 4 != 2)
    bias = [p for p in net.parameters() if p.ndim == 1]
    bias[0].grad = torch.ones_like(bias[0])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_torchvision(architecture, name):
    net, x = architecture(name), torch.randn(2, 3, *ARCHITECTURES[name], requires_grad=True)
    disorder(net)
    before = everything(net, x)
    occlusion(net, x, 1, size=9, stride=40)  # incremental, where that is possible
    assert everything(net, x) == before

    fuse = Fuse()
    parts = [part for part in net.modules() if not list(part.children())]
    parts[len(parts) // 2].register_forward_hook(fuse)
    before = everything(net, x)

    layers = [layer.name for layer in list_layers(net, x.shape[1:])]
    assert everything(net, x) == before
    assert len(layers) > 15

    capture(net, x, layers[:: len(layers) // 4])
    assert everything(net, x) == before

    occlusion(net, x[:1], 1, size=9, stride=40)  # plain, because of the hook
    assert everything(net, x) == before

    fuse.error = KeyboardInterrupt
    for call in (lambda: capture(net, x, layers[-1]), lambda: occlusion(net, x, 1, size=9, stride=40)):
        with pytest.raises(KeyboardInterrupt, match="blown"):
            call()
        assert everything(net, x) == before

    fuse.error = RuntimeError
    with pytest.raises(ValueError, match="blown"):
        list_layers(net, x.shape[1:])
    assert everything(net, x) == before


def explanations(net: nn.Module, x: torch.Tensor, layer: str) -> dict:
    """Each way of running a network forward and back."""
    return {
        "gradient": lambda: input_gradient(net, x, [1, 0]),
        "all at once": lambda: score_gradients(net, x, [[1, 0], [0, 2]], [layer], rule="guided"),
        "deconvnet": lambda: deconvnet(net, x, 1),
        "deconvnet of a map": lambda: deconvnet(net, x, layer=layer, channel=0),
        "guided backprop of a neuron": lambda: guided_backprop(
            net, x, layer=layer, channel=1, position=(0, 0)
        ),
        "noise": lambda: smooth_grad(net, x, 1, n_samples=2),
        "fast": lambda: smooth_grad(net, x, 1, n_samples=1, precision="fast"),
        "path": lambda: integrated_gradients(net, x, 1, "noise", n_steps=2, return_gap=True),
        "grad_cam": lambda: grad_cam(net, x, 1, layer),
        "guided_grad_cam": lambda: guided_grad_cam(net, x, 1, layer),
        "cam": lambda: cam(net, x, 1),
        "no such layer": lambda: grad_cam(net, x, 1, "nothing"),
        "no such class": lambda: input_gradient(net, x, 10_000),
        "no such channel": lambda: deconvnet(net, x, layer=layer, channel=10_000),
    }


@pytest.mark.parametrize(
    "name",
    ["resnet18", "densenet121", "squeezenet1_1", "googlenet", "mobilenet_v2", "convnext_tiny", "swin_t"],
)
def test_explanations_of_torchvision(architecture, name):
    net, x = architecture(name), torch.randn(2, 3, *ARCHITECTURES[name], requires_grad=True)
    disorder(net)
    shapes = {layer.name: layer.output_shape for layer in list_layers(net, x.shape[1:])}
    layer = [name for name, shape in shapes.items() if len(shape or ()) == 3][2]
    before = everything(net, x)
    worked = set()
    for what, call in explanations(net, x, layer).items():
        try:
            call()
            worked.add(what)
        except CnnWidgetsError:  # no ReLU, no global average pooling
            pass
        assert everything(net, x) == before, what
    assert worked >= {"gradient", "noise", "fast", "path", "grad_cam"}
    assert not worked & {"no such layer", "no such class", "no such channel"}
    if name in ("resnet18", "densenet121", "googlenet"):
        assert len(worked) == 11


class Spark(torch.autograd.Function):
    """Does nothing on the way there, and raises on the way back."""

    @staticmethod
    def forward(ctx, values):
        return values.clone()

    @staticmethod
    def backward(ctx, signal):
        raise KeyboardInterrupt("blown on the way back")


@pytest.mark.parametrize("where", ["there", "back"])
def test_explanations_that_are_interrupted(architecture, where):
    net, x = architecture("resnet18"), torch.randn(2, 3, 40, 32, requires_grad=True)
    disorder(net)
    fuse = Fuse()
    net.layer3[0].conv1.register_forward_hook(
        fuse if where == "there" else lambda part, inputs, output: Spark.apply(output)
    )
    fuse.error = KeyboardInterrupt
    before = everything(net, x)
    calls = explanations(net, x, "layer1.0.conv1")
    calls["score_cam"] = lambda: score_cam(net, x, 1, "layer1.0.conv1")
    for what, call in calls.items():
        # from a layer below one does not come by; CAM and Score-CAM do not go back
        is_past = what.endswith(("map", "neuron")) or (where == "back" and what in ("cam", "score_cam"))
        if "no such" in what or is_past:
            continue
        with pytest.raises(KeyboardInterrupt, match="blown"):
            call()
        assert everything(net, x) == before, what


def test_steps_that_are_left_half_way(residual, images):
    disorder(residual)
    images.requires_grad_()
    before = everything(residual, images)
    for steps in (
        smooth_grad_steps(residual, images, 1, n_samples=6, batch_size=2),
        integrated_gradients_steps(residual, images, 1, n_steps=6, batch_size=2),
    ):
        next(steps)
        assert everything(residual, images) == before  # also while a caller paints what there is so far
        next(steps)
        del steps
        assert everything(residual, images) == before

    def stop(done, total):
        raise KeyboardInterrupt("enough")

    for call in (
        lambda: smooth_grad(residual, images, 1, n_samples=6, batch_size=2, progress=stop),
        lambda: integrated_gradients(residual, images, 1, n_steps=6, batch_size=2, progress=stop),
        lambda: score_cam(residual, images, 1, "conv2", batch_size=2, progress=stop),
    ):
        with pytest.raises(KeyboardInterrupt, match="enough"):
            call()
        assert everything(residual, images) == before


def ascents(net: nn.Module, x: torch.Tensor, layer: str) -> dict:
    """Each way of changing an image step by step, with all that draws random numbers."""
    moved = {"transforms": [Jitter(2), Rotation(3)], "regularisers": [GaussianBlur(0.5, 1)], "noise": 0.1}
    return {
        "class image": lambda: class_image(net, [1, 0], start=x, n_steps=3, **moved),
        "fast": lambda: class_image(net, 1, start=x, n_steps=3, precision="fast", optimiser="adam"),
        "unit image": lambda: unit_image(
            net, layer, 1, shape=tuple(x.shape[1:]), n_images=2, diverse=1.0, space="fourier", n_steps=3
        ),
        "inversion": lambda: invert_features(net, x, layer, n_steps=3),
        "dream": lambda: deep_dream(net, x[:1], layer, n_steps=2, octaves=2),
        "film": lambda: dream_zoom(net, x[:1], layer, n_frames=2, n_steps=1, octaves=1),
        "fooling": lambda: fooling_image(net, x[:1], 3, confidence=0.0, n_steps=3),
        "no such layer": lambda: unit_image(net, "nothing", 1, start=x),
        "no such class": lambda: class_image(net, 10_000, start=x),
        "no such channel": lambda: deep_dream(net, x[:1], layer, 10_000),
    }


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "convnext_tiny"])
def test_ascents_of_torchvision(architecture, name):
    net, x = architecture(name), torch.randn(2, 3, *ARCHITECTURES[name], requires_grad=True)
    disorder(net)
    shapes = {layer.name: layer.output_shape for layer in list_layers(net, x.shape[1:])}
    layer = [name for name, shape in shapes.items() if len(shape or ()) == 3][2]
    before = everything(net, x)
    for what, start in ascents(net, x, layer).items():
        if "no such" in what:
            with pytest.raises(CnnWidgetsError):
                start().run()
        else:
            ascent = start()
            next(ascent)
            assert everything(net, x) == before, what  # also while a caller paints what there is so far
            for _ in ascent:
                pass
        assert everything(net, x) == before, what


@pytest.mark.parametrize("where", ["there", "back"])
def test_ascents_that_are_interrupted(residual, images, where):
    disorder(residual)
    images.requires_grad_()
    fuse = Fuse()
    residual.conv1.register_forward_hook(
        fuse if where == "there" else lambda part, inputs, output: Spark.apply(output)
    )
    before = everything(residual, images)
    for what, start in ascents(residual, images, "conv2").items():
        if "no such" in what:
            continue
        fuse.error = None
        ascent = start()
        if where == "there" or what == "film":  # whose first picture is the image itself
            next(ascent)
        fuse.error = KeyboardInterrupt
        with pytest.raises(KeyboardInterrupt, match="blown"):
            next(ascent)
        assert everything(residual, images) == before, what


class Fuse:
    """A user's hook, which stays where it is; raises when it is told to."""

    error = None

    def __call__(self, *_):
        if self.error:
            raise self.error("blown")


class Restless(nn.Module):
    """Does in evaluation mode what a network should not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.register_buffer("calls", torch.tensor(5))
        self.register_buffer("mean", torch.zeros(4), persistent=False)

    def forward(self, x):
        self.calls += 1
        self.mean = x.mean((0, 2, 3))
        x = F.batch_norm(self.conv(x), self.norm.running_mean, self.norm.running_var, training=True)
        return F.dropout(x, training=True)


def test_buffers_written_and_random_numbers_drawn_in_evaluation_mode():
    net = nn.Sequential(Restless(), nn.Flatten())
    x = torch.randn(2, 3, 6, 5)
    before = everything(net, x)
    versions = before.pop("buffers")

    for call in (
        lambda: list_layers(net, (3, 6, 5)),
        lambda: capture(net, x, "0"),
        lambda: capture(net, x, ["0.conv", "1"]),
        lambda: capture(net, x, ["0.norm"]),
        lambda: occlusion(net, x, 0, size=3, stride=2),
        lambda: input_gradient(net, x, 0),
        lambda: grad_cam(net, x, 0, "0.conv"),
        lambda: deconvnet(net, x, 0),
        lambda: smooth_grad(net, x, 0, n_samples=2),
        lambda: score_cam(net, x, 0, "0.conv"),
        lambda: unit_image(net, "0.conv", 1, start=x, n_steps=2).run(),
        lambda: deep_dream(net, x[:1], "0.conv", n_steps=2).run(),
    ):
        try:
            call()
        except ValueError:
            pass
        after = everything(net, x)
        # Written twice, there and back, so the version counters have moved on; the bytes have not.
        assert [row[:2] for row in after.pop("buffers")] == [row[:2] for row in versions]
        assert after == before


def test_everything_sees_a_trace():
    net, x = nn.Sequential(nn.BatchNorm2d(3)), torch.randn(2, 3, 4, 5)
    before = everything(net, x)
    for disturb in (
        lambda: net(x),
        lambda: net[0].eval(),
        lambda: net.requires_grad_(False),
        lambda: net[0].register_forward_hook(print),
        lambda: torch.rand(1),
        lambda: x.add_(1),
    ):
        disturb()
        now = everything(net, x)
        assert now != before
        before = now
