"""From a map to the object: on drawn pictures whose object is known."""

import builtins
import random

import numpy as np
import pytest
import torch

from cnnwidgets.core import InputError, iou, segment
from cnnwidgets.core.segmentation import seeds
from cnnwidgets.data import Toytown

cv2 = pytest.importorskip("cv2")

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def disc():
    """A textured red disc on a textured blue ground, and where it is."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    truth = (rows - 18) ** 2 + (columns - 36) ** 2 < 12**2
    picture = np.where(truth[..., None], (200, 40, 40), (30, 60, 120)) + rng.integers(-20, 20, (40, 60, 3))
    return picture.astype(np.uint8), truth


def rough_map(truth, seed=5):
    """Large somewhere inside, small outside, and full of noise: as saliency maps are."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    middle = np.exp(-((rows - 18) ** 2 + (columns - 36) ** 2) / 80)
    return middle + np.random.default_rng(seed).normal(0, 0.05, truth.shape)


def test_the_object_is_found_to_its_edges(disc):
    picture, truth = disc
    values = rough_map(truth)
    mask = segment(picture, values)
    assert mask.dtype == bool and mask.shape == (HEIGHT, WIDTH)
    assert iou(mask, truth) > 0.98
    assert iou(values > np.quantile(values, 0.95), truth) < 0.5, "or the map alone would have done"


def test_tensors_and_grey_pictures(disc):
    picture, truth = disc
    values = rough_map(truth)
    expected = segment(picture, values)
    found = segment(torch.from_numpy(picture), torch.from_numpy(values).requires_grad_())
    np.testing.assert_array_equal(found, expected)
    grey = picture[..., 0]
    np.testing.assert_array_equal(segment(grey, values), segment(np.stack([grey] * 3, 2), values))


def test_the_seeds_are_the_quantiles_of_the_paper():
    values = np.random.default_rng(1).permutation(100).reshape(4, 25).astype(float)
    is_object, is_around = seeds(values)
    # 0 to 99: quantiles 94.05 and 29.7
    assert sorted(values[is_object]) == [95, 96, 97, 98, 99]
    assert sorted(values[is_around]) == list(range(30))
    is_object, is_around = seeds(values, foreground=0.5, background=0.1)
    assert values[is_object].min() == 50 and values[is_around].max() == 9


def test_a_map_that_is_zero_nearly_everywhere_begins_where_it_is_not():
    """As Grad-CAM after its ReLU: both quantiles are zero."""
    values = np.zeros((10, 12))
    values[2, 3:5] = 0.4, 0.7
    is_object, is_around = seeds(values)
    assert is_object.sum() == 2 and is_object[2, 3:5].all()
    np.testing.assert_array_equal(is_around, ~is_object)


def test_seeds_are_kept(disc):
    """What the map says surely, the colours do not overrule."""
    picture, truth = disc
    values = rough_map(truth)
    is_object, is_around = seeds(values)
    mask = segment(picture, values, largest=False)
    assert mask[is_object].all() and not mask[is_around].any()


def test_colours_of_the_seeds_alone_decide_the_first_cut():
    """Between the seeds lies a third colour, nearer to the object's. OpenCV on its own counts all that is
    between the seeds as background, models the third colour there, and gives it to the background."""
    rng = np.random.default_rng(0)
    picture = np.empty((30, 60, 3), int)
    picture[:, :20], picture[:, 20:40], picture[:, 40:] = (20, 20, 200), (190, 80, 60), (200, 60, 40)
    picture = (picture + rng.integers(-8, 8, picture.shape)).astype(np.uint8)
    values = np.repeat(np.arange(60.0)[None], 30, axis=0)
    mask = segment(picture, values, foreground=0.8, iterations=1)
    assert mask[:, 20:].mean() > 0.99 and not mask[:, :20].any()
    labels = np.full((30, 60), cv2.GC_PR_BGD, np.uint8)
    labels[seeds(values, 0.8, 0.3)[1]], labels[seeds(values, 0.8, 0.3)[0]] = cv2.GC_BGD, cv2.GC_FGD
    cv2.grabCut(picture, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    assert (labels[:, 20:40] == cv2.GC_PR_BGD).mean() > 0.9, "or this test could not fail"


def test_only_the_largest_part_is_the_object(disc):
    picture, truth = disc
    picture = picture.copy()
    picture[30:36, 4:10] = (200, 40, 40)  # of the object's colour, away from it
    values = rough_map(truth)
    values[31:35, 5:9] = 2.0
    both = segment(picture, values, largest=False)
    assert both[31:35, 5:9].all()
    one = segment(picture, values)
    assert not one[30:36, 4:10].any() and iou(one, truth) > 0.95


def test_the_same_seed_the_same_mask_and_no_random_state_is_touched(disc):
    picture, truth = disc
    values = rough_map(truth)
    cv2.setRNGSeed(7)
    expected_draw = cv2.randu(np.zeros((1, 5)), 0, 1).copy()
    cv2.setRNGSeed(7)
    states = np.random.get_state()[1].copy(), torch.get_rng_state(), random.getstate()
    one = segment(picture, values, seed=4)
    np.testing.assert_array_equal(cv2.randu(np.zeros((1, 5)), 0, 1), expected_draw)
    np.testing.assert_array_equal(np.random.get_state()[1], states[0])
    assert torch.equal(torch.get_rng_state(), states[1]) and random.getstate() == states[2]
    np.testing.assert_array_equal(segment(picture, values, seed=4), one)


def test_another_seed_begins_with_other_colours():
    example = Toytown("test")[10]
    values = np.random.default_rng(2).random((96, 96)) + 0.3 * example.object_mask
    masks = [segment(example.image, values, seed=seed) for seed in range(4)]
    assert any((mask != masks[0]).any() for mask in masks[1:])
    assert min(iou(mask, masks[0]) for mask in masks) > 0.9, "it does not matter much"


def test_nothing_given_is_changed(disc):
    picture, truth = disc
    values = rough_map(truth)
    before = picture.copy(), values.copy()
    segment(picture, values)
    np.testing.assert_array_equal(picture, before[0])
    np.testing.assert_array_equal(values, before[1])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((HEIGHT, WIDTH)), "the same at nearly all pixels"),
        (np.full((HEIGHT, WIDTH), np.nan), "not finite"),
        (np.zeros((HEIGHT, WIDTH + 1)), "40 x 60 pixels: upsample"),
        (np.zeros((3, HEIGHT, WIDTH)), "does not fit"),
    ],
)
def test_maps_that_are_no_use(disc, values, told):
    with pytest.raises(InputError, match=told):
        segment(disc[0], values)


def test_pictures_and_options_that_are_no_use(disc):
    picture, truth = disc
    values = rough_map(truth)
    with pytest.raises(InputError, match="uint8 of shape"):
        segment(picture / 255, values)
    with pytest.raises(InputError, match="uint8 of shape"):
        segment(picture.transpose(2, 0, 1), values)
    with pytest.raises(InputError, match="background before foreground"):
        segment(picture, values, foreground=0.2)
    with pytest.raises(InputError, match="iterations is a whole number"):
        segment(picture, values, iterations=0)


def test_without_opencv_it_says_how_to_get_it(disc, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "cv2":
            raise ImportError("No module named 'cv2'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install opencv-python-headless"):
        segment(disc[0], rough_map(disc[1]))


def test_iou_by_hand():
    mask = [[True, True, False], [True, False, False]]
    truth = torch.tensor([[False, True, True], [True, False, False]])
    assert iou(mask, truth) == 2 / 4
    assert iou(mask, mask) == 1 and iou(mask, np.logical_not(mask)) == 0
    assert iou(np.zeros((2, 3)), np.zeros((2, 3))) == 1
    with pytest.raises(InputError, match="do not fit"):
        iou(mask, truth.T)
