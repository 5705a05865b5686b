"""From picture to tensor and back; torchvision's own transforms are the oracle."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import models
from torchvision.transforms import functional as F

from cnnwidgets.core.errors import InputError
from cnnwidgets.data import samples
from cnnwidgets.networks import Preprocess, preprocessing

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)


def presets() -> dict:
    """One published preset for each way in which they differ, under the name of its first network."""
    found = {}
    for name in models.list_models(module=models):
        for weights in models.get_model_weights(name):
            found.setdefault(repr(weights.transforms()), (f"{name}.{weights.name}", weights.transforms()))
    return dict(found.values())


PRESETS = presets()


def test_the_presets_are_those_meant():
    # so that the next test cannot quietly shrink
    there = {repr(transforms) for transforms in PRESETS.values()}
    for name in ("alexnet", "inception_v3", "efficientnet_b0", "efficientnet_b4", "vit_b_16", "swin_v2_t"):
        assert repr(models.get_model_weights(name).DEFAULT.transforms()) in there
    assert len(PRESETS) > 25


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_tensor_as_torchvision(name):
    transforms = PRESETS[name]
    preprocess = Preprocess.from_torchvision(transforms)
    for image in (samples("temple"), noise(97, 60), noise(300, 299)):
        ours = preprocess.tensor(image)
        assert ours.shape == (1, 3, *preprocess.size) and ours.dtype == torch.float32
        torch.testing.assert_close(ours[0], transforms(image), rtol=0, atol=1e-6)


@settings(max_examples=300, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    crop=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    resize=st.integers(1, 60),
    interpolation=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"]),
)
def test_resize_and_crop_as_torchvision_also_where_it_pads(height, width, crop, resize, interpolation):
    image = noise(height, width)
    ours = Preprocess(crop, resize=resize, interpolation=interpolation).picture(image)
    theirs = F.center_crop(F.resize(image, [resize], F.InterpolationMode(interpolation)), list(crop))
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (5, 2000), (400, 300)])
@pytest.mark.parametrize(
    "interpolation", ["bilinear", "bicubic", "lanczos"]
)  # "nearest" is a toss-up at ties
def test_only_the_visible_part_is_resized_where_the_whole_would_be_huge(shape, interpolation, monkeypatch):
    preprocess = Preprocess((24, 40), resize=32, interpolation=interpolation)
    whole = np.asarray(preprocess.picture(noise(*shape))).astype(int)
    monkeypatch.setattr(preprocessing, "WHOLE_PIXELS", 0)
    part = np.asarray(preprocess.picture(noise(*shape))).astype(int)
    assert np.abs(part - whole).max() <= 1  # rounding of the positions


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1)])
def test_a_strip_does_not_fill_the_memory(size):
    # 256 × 25,600,000 pixels if it were resized as a whole
    picture = Preprocess(224, resize=256).picture(Image.new("RGB", size, (10, 20, 30)))
    assert picture.getcolors() == [(224 * 224, (10, 20, 30))]


@pytest.mark.parametrize("shape", [(50, 80), (80, 50), (3, 3), (1, 1), (10, 500)])
@pytest.mark.parametrize("size", [(24, 40), (40, 24), (32, 32)])
def test_without_resize_the_picture_just_covers_the_input(shape, size):
    image = Image.new("RGB", shape[::-1], (10, 20, 30))
    picture = Preprocess(size).picture(image)
    assert picture.size == size[::-1]
    assert len(picture.getcolors()) == 1  # nothing black at the rim
    scale = max(size[0] / shape[0], size[1] / shape[1])
    expected = [max(side, round(scale * n - 0.5)) for side, n in zip(size, shape, strict=True)]
    assert Preprocess(size)._resized(*shape) == pytest.approx(tuple(expected), abs=1)


def test_both_sides_given_do_not_keep_the_aspect_ratio():
    image = noise(20, 60)
    picture = Preprocess((16, 24), resize=(16, 24)).picture(image)
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(image.resize((24, 16), Image.BILINEAR)))


def test_a_picture_of_the_right_size_is_left_alone():
    image = noise(24, 40)
    np.testing.assert_array_equal(np.asarray(Preprocess((24, 40)).picture(image)), np.asarray(image))


def test_where_the_crop_is_larger_it_pads_with_black():
    picture = np.asarray(Preprocess((7, 8), resize=4).picture(Image.new("RGB", (4, 4), "white")))[..., 0]
    rows, columns = np.nonzero(picture)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (1, 4, 2, 5)


def test_values_by_hand():
    preprocess = Preprocess((1, 2), mean=(0.5, 0.0, 0.25), std=(0.5, 1.0, 0.25))
    image = Image.new("RGB", (2, 1), (255, 51, 0))
    expected = torch.tensor([(1 - 0.5) / 0.5, 0.2, (0 - 0.25) / 0.25])
    torch.testing.assert_close(preprocess.tensor(image)[0, :, 0, 1], expected)


def test_grey():
    preprocess = Preprocess((6, 5), mean=(0.1307,), std=(0.3081,))
    image = noise(30, 20)
    assert preprocess.channels == 1 and preprocess.picture(image).mode == "L"
    x = preprocess.tensor(image)
    assert x.shape == (1, 1, 6, 5)
    # ITU-R 601: what PIL's "L" is
    flat = preprocess.tensor(Image.new("RGB", (9, 9), (100, 150, 200)))
    grey = round(0.299 * 100 + 0.587 * 150 + 0.114 * 200)
    torch.testing.assert_close(flat, torch.full_like(flat, (grey / 255 - 0.1307) / 0.3081))


@given(seed=st.integers(0, 1000), channels=st.sampled_from([1, 3]))
@settings(max_examples=20, deadline=None)
def test_there_and_back(seed, channels):
    torch.manual_seed(seed)
    mean, std = torch.rand(channels), torch.rand(channels) + 0.05
    preprocess = Preprocess((4, 5), mean=tuple(mean.tolist()), std=tuple(std.tolist()))
    for shape in ((2, channels, 4, 5), (channels, 7, 3)):
        values = torch.rand(shape)
        torch.testing.assert_close(preprocess.denormalise(preprocess.normalise(values)), values)


def test_normalise_leaves_its_argument_alone_and_keeps_gradients():
    values = torch.rand(2, 3, 4, 5, requires_grad=True)
    before = values.detach().clone()
    x = Preprocess((4, 5), **IMAGENET).normalise(values)
    assert torch.equal(values, before)
    x.sum().backward()
    expected = 1 / torch.tensor(IMAGENET["std"]).reshape(3, 1, 1).expand(2, 3, 4, 5)
    torch.testing.assert_close(values.grad, expected)


@pytest.mark.parametrize("shape", [(4, 5), (2, 1, 4, 5), (4, 5, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="shape"):
        Preprocess((4, 5)).normalise(torch.zeros(shape))


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"size": (1, 2, 3)},
        {"size": 8, "resize": 0},
        {"size": 8, "resize": (1, 2, 3)},
        {"size": 8, "mean": (0.5,)},
        {"size": 8, "mean": (0.5, 0.5), "std": (1.0, 1.0)},
        {"size": 8, "std": (1.0, 0.0, 1.0)},
        {"size": 8, "mean": (0.0, float("nan"), 0.0)},
        {"size": 8, "interpolation": "cubic"},
    ],
)
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ValueError):
        Preprocess(**options)


def test_it_is_a_value():
    preprocess = Preprocess(8, resize=9, mean=[0.5] * 3, std=torch.ones(3))
    assert preprocess.size == (8, 8) and preprocess == Preprocess((8, 8), resize=9, mean=(0.5,) * 3)
    assert hash(preprocess) == hash(Preprocess((8, 8), resize=9, mean=(0.5,) * 3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        preprocess.size = (9, 9)
