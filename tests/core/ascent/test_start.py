"""What is started from, and black and white."""

import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import InputError, ascent_of, class_image, class_score


def start(net, *args, **options):
    return next(class_image(net, *args, **options)).images


def test_from_the_mean_image(net):
    assert torch.equal(start(net, 1, shape=(3, 14, 18)), torch.zeros(1, 3, 14, 18, dtype=torch.float64))
    assert start(net, [1, 2], shape=(3, 20, 15)).shape == (2, 3, 20, 15)
    toynet = cw.load("toynet")
    assert torch.equal(start(toynet, 1), torch.zeros(1, 3, 96, 96))


def test_from_given_images(net, x):
    assert torch.equal(start(net, 1, start=x[0]), x[:1])
    assert torch.equal(start(net, 1, start=x), x)  # one class, three images
    assert torch.equal(start(net, [0, 1, 2], start=x), x)
    assert torch.equal(start(net, [0, 1], start=x[:1]), x[:1].expand(2, -1, -1, -1))
    assert torch.equal(next(ascent_of(net, class_score(1), start=x)).images, x)


def test_steps_do_not_touch_the_image_given(net, x):
    before = x.clone()
    step = next(class_image(net, 1, start=x))
    step.images.zero_()
    class_image(net, 1, start=x, n_steps=3).run()
    assert torch.equal(x, before)


def test_noise_is_each_images_own_and_from_the_seed(net):
    options = {"shape": (3, 40, 50), "noise": 0.3}
    found = start(net, [1, 1], seed=5, **options)
    assert found.std().item() == pytest.approx(0.3, rel=0.03) and abs(found.mean()) < 0.02
    assert not torch.equal(found[0], found[1])
    assert torch.equal(found[1:], start(net, 1, seed=6, **options))
    assert torch.equal(found, start(net, [1, 1], seed=5, **options))


def test_black_and_white_of_a_network():
    toynet = cw.load("toynet")
    step = class_image(toynet, 3, n_steps=2, rate=1e4, optimiser="plain").run()
    values = toynet.preprocess.denormalise(step.images)
    assert values.amin((2, 3)).abs().max() < 1e-5 and (values.amax((2, 3)) - 1).abs().max() < 1e-5
    free = class_image(toynet.module, 3, shape=(3, 96, 96), n_steps=2, rate=1e4, optimiser="plain").run()
    assert free.images.abs().max() > 100


@pytest.mark.parametrize(
    "limits", [(-1, 2), ([-1, -2, -3], [1, 2, 3]), (torch.tensor([-1.0]), torch.tensor(2))]
)
def test_limits_that_are_given(limits, net, x):
    low, high = (torch.as_tensor(each, dtype=torch.float64).reshape(-1, 1, 1) for each in limits)
    images = class_image(net, 1, start=x, n_steps=3, rate=1e4, optimiser="plain", limits=limits).run().images
    assert (images >= low).all() and (images <= high).all()
    assert (images == low).any() and (images == high).any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, r"give shape=\(C, H, W\), or start"),
        ({"shape": (14, 18)}, "give shape"),
        ({"shape": (3, 0, 18)}, "give shape"),
        ({"start": [1, 2]}, "torch.Tensor"),
        ({"start": torch.full((3, 14, 18), float("nan"))}, "NaN"),
        ({"start": torch.zeros(3, 3, 14, 18), "target": [1, 2]}, "3 images to start from, and 2 to be made"),
        ({"shape": (3, 14, 18), "noise": -1.0}, "noise is a standard deviation"),
        ({"shape": (3, 14, 18), "noise": float("nan")}, "noise"),
        ({"shape": (3, 14, 18), "limits": (1, -1)}, "black below white"),
        ({"shape": (3, 14, 18), "limits": 0.5}, "limits are"),
        ({"shape": (3, 14, 18), "limits": (0, float("nan"))}, "limits are"),
        ({"shape": (3, 14, 18), "limits": ([0, 0], [1, 1])}, "two numbers, or 3 each"),
        ({"shape": (1, 14, 18), "limits": ([0] * 3, [1] * 3)}, "two numbers, or 1 each"),
        ({"shape": (3, 14, 18), "space": "hsv"}, "space is one of 'pixels', 'fourier'"),
    ],
)
def test_starts_that_cannot_be(options, said, net):
    with pytest.raises(InputError, match=said):
        class_image(net, **{"target": 1, **options})


def test_a_network_without_parameters():
    class Means(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    step = class_image(Means(), 1, shape=(3, 4, 6), n_steps=1, rate=24.0, optimiser="plain", l2=0).run()
    assert step.images[0, :, 0, 0].tolist() == pytest.approx([0, 1, 0])
