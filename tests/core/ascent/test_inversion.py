"""Feature inversion: exact where the layer can be inverted, better and better where it cannot."""

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import InputError, Jitter, LayerError, SquaredNorm, capture, invert_features

ALONE = {"variation": 0, "norm": 0}


@pytest.fixture
def orthogonal():
    """A 1 x 1 convolution that turns colours, and so keeps all lengths."""
    torch.manual_seed(0)
    turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    conv = nn.Conv2d(3, 3, 1, bias=False).double()
    conv.weight.data = turn[:, :, None, None].clone()
    return nn.Sequential(conv, nn.ReLU())


def test_one_plain_step_of_the_right_length_inverts_a_rotation(orthogonal, x):
    """The slope is 2 (x - z) / |x|^2, so that half of |x|^2 is the whole way, for one image at a time."""
    one = x[:1]
    rate = one.square().sum().item() / 2
    first, second = invert_features(orthogonal, one, "0", n_steps=1, rate=rate, optimiser="plain", **ALONE)
    assert first.values.item() < -0.9
    torch.testing.assert_close(second.images, one)
    assert second.values.item() == pytest.approx(0, abs=1e-12)


def test_an_invertible_layer_gives_the_images_back(orthogonal, x):
    step = invert_features(orthogonal, x, "0", n_steps=400, **ALONE).run()
    torch.testing.assert_close(step.images, x, atol=0.02, rtol=0)
    assert step.values.min() > -1e-4 and step.values.max() <= 0


@pytest.mark.parametrize("layer", ["0", "4", "9"])
def test_it_comes_nearer(layer, net, x):
    ascent = invert_features(net, x, layer, n_steps=60)
    steps = list(ascent)
    assert len(steps) == 61 and steps[-1].images.shape == x.shape
    assert (steps[-1].values > steps[0].values / 4).all() and (steps[-1].values <= 0).all()
    maps, wanted = (capture(net, images, layer)[layer] for images in (steps[-1].images, x))
    distance = (maps - wanted).flatten(1).square().sum(1) / wanted.flatten(1).square().sum(1)
    torch.testing.assert_close(steps[-1].values, -distance)


def test_earlier_layers_know_more():
    toynet = cw.load("toynet")
    x = toynet.read(cw.data.Toytown("test")[3].image)
    errors = []
    for layer in ("conv1", "conv4"):
        image = invert_features(toynet, x, layer, n_steps=40).run().images
        colours = toynet.preprocess.denormalise(image)
        assert colours.min() > -1e-5 and colours.max() < 1 + 1e-5
        errors.append((image - x).square().mean().item())
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("norm", [None, nn.BatchNorm2d(8, track_running_stats=False)], ids=["", "mixing"])
def test_each_image_alone_is_the_same(norm, make, x):
    net = make(norm=norm)
    together = invert_features(net, x, "4", n_steps=5, noise=0).run()
    for n in range(3):
        alone = invert_features(net, x[n], "4", n_steps=5, noise=0).run()
        torch.testing.assert_close(together.images[n], alone.images[0])


def test_penalties_and_options(net, x):
    options = {"n_steps": 30, "space": "fourier", "limits": (-4, 4), "transforms": [Jitter(1)], "seed": 2}
    ascent = invert_features(net, x[:1], "4", penalties=[SquaredNorm(1e-3)], **options)
    assert len(ascent.penalties) == 3
    assert ascent.run().images.isfinite().all()
    rough, smooth = (
        invert_features(net, x[:1], "4", n_steps=40, variation=each).run().images for each in (0, 1e-2)
    )
    assert smooth.diff(dim=3).square().sum() < 0.5 * rough.diff(dim=3).square().sum()


def test_the_norm_keeps_large_values_away(net, x):
    free, held = (invert_features(net, x[:1], "4", n_steps=40, norm=each).run().images for each in (0, 0.1))
    assert held.abs().max() < 0.8 < free.abs().max()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_networks_of_half_precision(dtype, net, x):
    first, *_, last = invert_features(net.to(dtype), x.float(), "4", n_steps=40)
    assert last.images.dtype == torch.float32 and (last.values > first.values / 2).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients(mode, net, x):
    wanted = invert_features(net, x, "4", n_steps=3).run()
    with mode():
        found = invert_features(net, x, "4", n_steps=3).run()
    assert torch.equal(found.images, wanted.images)


def test_what_cannot_be(net, x):
    with pytest.raises(LayerError, match="there is no layer 'conv'"):
        invert_features(net, x, "conv")
    with pytest.raises(InputError, match="NaN"):
        invert_features(net, x * float("nan"), "4")
    with pytest.raises(InputError, match="weight of a penalty"):
        invert_features(net, x, "4", variation=-1).run()
    net[4].bias.data.fill_(-100)
    with pytest.raises(InputError, match="layer '5' is all zero for this image"):
        invert_features(net, x, "5")
