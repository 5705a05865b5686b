"""Somebody's own preprocessing: used as it is, undone where its Normalize is found, honest where not."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import v2

from cnnwidgets.core.errors import InputError, NetworkError
from cnnwidgets.networks import wrap
from cnnwidgets.networks.custom_preprocessing import CustomPreprocess

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
OLD = v1.Compose([v1.Resize(30), v1.CenterCrop((20, 28)), v1.ToTensor(), v1.Normalize(MEAN, STD)])
NEW = v2.Compose(
    [
        v2.ToImage(),
        v2.Resize(30),
        v2.CenterCrop((20, 28)),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
)


def image(height=45, width=60):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    "function", [OLD, NEW, nn.Sequential(*NEW.transforms)], ids=["v1", "v2", "Sequential"]
)
def test_a_pipeline_of_torchvision(function):
    custom = CustomPreprocess(function)
    assert custom.undoable and custom.note == "" and (custom.channels, custom.size) == (3, (20, 28))
    x = custom.tensor(image())
    torch.testing.assert_close(x[0], torch.as_tensor(function(image())))
    # what the network sees: the steps before Normalize
    seen = (custom.denormalise(x)[0] * 255).round().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(np.asarray(custom.picture(image())), seen)
    torch.testing.assert_close(custom.normalise(custom.denormalise(x)), x)


def test_the_picture_of_the_old_pipeline_is_its_crop():
    expected = v1.Compose(OLD.transforms[:2])(image())
    np.testing.assert_array_equal(np.asarray(CustomPreprocess(OLD).picture(image())), np.asarray(expected))


def test_grey_with_one_mean():
    function = v1.Compose([v1.Grayscale(), v1.Resize((28, 26)), v1.ToTensor(), v1.Normalize(0.1307, 0.3081)])
    custom = CustomPreprocess(function)
    assert custom.undoable and custom.channels == 1 and custom.picture(image()).mode == "L"
    np.testing.assert_array_equal(
        np.asarray(custom.picture(image())), np.asarray(v1.Compose(function.transforms[:2])(image()))
    )


def test_without_normalising_the_tensor_is_the_picture():
    custom = CustomPreprocess(v1.Compose([v1.Resize((20, 28)), v1.ToTensor()]))
    assert custom.undoable
    np.testing.assert_array_equal(
        np.asarray(custom.picture(image())), np.asarray(v1.Resize((20, 28))(image()))
    )


def test_a_callable_with_mean_and_std_of_its_own():
    def function(picture):
        return v1.functional.to_tensor(picture.resize((8, 6))) * 2 - 1

    assert not CustomPreprocess(function).undoable
    function.mean, function.std = 0.5, 0.5
    custom = CustomPreprocess(function)
    assert custom.undoable
    torch.testing.assert_close(custom.denormalise(torch.full((1, 3, 2, 2), -1.0)), torch.zeros(1, 3, 2, 2))


@pytest.mark.parametrize(
    "last",
    [v1.Lambda(lambda x: x * 255 - 120), v1.Compose([v1.Normalize(MEAN, STD), v1.Lambda(lambda x: x * 3)])],
)
def test_what_cannot_be_undone_says_so_and_shows_the_plain_picture(last):
    custom = CustomPreprocess(v1.Compose([v1.Resize((20, 20)), v1.ToTensor(), last]))
    assert not custom.undoable and "not exactly what the network sees" in custom.note
    red = custom.picture(Image.new("RGB", (60, 45), "red"))
    assert red.size == (20, 20) and red.getcolors() == [(400, (255, 0, 0))]
    for method in (custom.denormalise, custom.normalise):
        with pytest.raises(InputError, match="Preprocess"):
            method(torch.zeros(1, 3, 20, 20))
    network = wrap(nn.Sequential(nn.Flatten(), nn.Linear(1200, 4)), custom)
    assert "not exactly" in network.note


@pytest.mark.parametrize(
    "function, complaint",
    [
        (lambda picture: 1 / 0, "ZeroDivisionError"),
        (lambda picture: np.asarray(picture), "ToTensor"),
        (v1.PILToTensor(), "several shapes|uint8"),
        (v1.Compose([v1.Resize(20), v1.PILToTensor()]), "uint8"),
        (v1.Compose([v1.Resize(20), v1.ToTensor()]), "several shapes"),
        (lambda picture: torch.zeros(2, 3, 8, 8), "2, 3, 8, 8"),
        (lambda picture: torch.zeros(8, 8), "8, 8"),
        (lambda picture: None, "NoneType"),
    ],
)
def test_callables_that_are_no_preprocessing(function, complaint):
    with pytest.raises(NetworkError, match=complaint):
        CustomPreprocess(function)


def test_a_random_crop_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    CustomPreprocess(v1.Compose([v1.Resize(40), v1.RandomCrop((20, 28)), v1.ToTensor()]))
    assert torch.equal(torch.get_rng_state(), before)
