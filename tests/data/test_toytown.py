"""Toytown: the same everywhere, true to the pixel, and hard where it says it is hard."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from cnnwidgets.data import CLASSES, HELD_BACK, PARTS, Toytown
from cnnwidgets.data.toytown import SPLITS, TAG_BOX, TAG_COLOUR
from cnnwidgets.data.toytown.canvas import Canvas
from cnnwidgets.data.toytown.scene import DRAW

# What each class is made of, written down from looking at real ones; drawn ones must have at least these.
MADE_OF = {
    "car": {"body", "window", "wheel"},
    "bus": {"body", "window", "door", "wheel"},
    "bicycle": {"frame", "wheel"},
    "boat": {"hull", "mast", "sail"},
    "house": {"body", "roof", "window", "door"},
    "clock": {"body", "disc", "tick", "hand"},
    "tree": {"stem", "crown"},
    "flower": {"petal", "disc", "stem"},
    "mushroom": {"cap", "stem", "spot"},
    "fish": {"body", "fin", "eye"},
    "bird": {"body", "wing", "beak", "eye"},
    "cat": {"body", "ear", "eye", "muzzle"},
    "truck": {"body", "window", "wheel"},
    "windmill": {"body", "sail", "door"},
    "butterfly": {"wing", "body", "eye", "spot"},
}


def fingerprint(split):
    batch = Toytown(split, shortcut=True).batch(range(24))
    digest = hashlib.sha256()
    for array in batch:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


# Not figures to be believed, but a promise: whoever changes these bits has made another dataset, must train
# anew, and must say so in the changelog.
FINGERPRINTS = {
    "train": "2edc5242f9d520f4",
    "test": "9a711aeb49e17d7f",
    "offcentre": "61e342f30defcc37",
    "transfer": "6bc10c7b4239d3c4",
}


@pytest.mark.parametrize("split", SPLITS)
def test_the_bits_have_not_changed(split):
    assert fingerprint(split) == FINGERPRINTS[split]


def test_the_bits_do_not_depend_on_the_processor():
    """Without the processor's wide instructions numpy takes other paths through sine and cosine."""
    code = (
        "import sys; sys.path.insert(0, 'tests/data'); import test_toytown as t; "
        "print(*(t.fingerprint(s) for s in t.SPLITS))"
    )
    narrow = {"NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX2 FMA3", "PYTHONWARNINGS": "ignore"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | narrow, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [fingerprint(split) for split in SPLITS]


def test_twelve_classes_three_held_back_and_about_24_parts():
    assert len(CLASSES) == 12 and len(HELD_BACK) == 3 and not set(CLASSES) & set(HELD_BACK)
    assert 24 <= len(PARTS) - 1 <= 26
    assert set(DRAW) == {*CLASSES, *HELD_BACK} == set(MADE_OF)


@settings(max_examples=30, deadline=None)
@given(
    split=st.sampled_from(list(SPLITS)),
    seed=st.integers(0, 2**40),
    index=st.integers(0, 10**9),
    difficulty=st.none() | st.floats(0, 1),
)
def test_any_picture_can_be_drawn_at_once_and_again(split, seed, index, difficulty):
    def draw():
        return Toytown(split, length=10**9 + 1, seed=seed, difficulty=difficulty)[index]

    one, two = draw(), draw()
    assert one.image.shape == (96, 96, 3) and one.image.dtype == np.uint8
    assert one.object_mask.shape == one.part_mask.shape == (96, 96)
    assert one.object_mask.dtype == bool and one.part_mask.dtype == np.uint8
    assert one.part_mask.max() < len(PARTS)
    assert (one.part_mask[one.object_mask] > 0).all(), "every pixel of the object belongs to a part"
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_order_does_not_matter_and_batches_are_the_items():
    town = Toytown("test", seed=3)
    batch = town.batch([7, 2, -1])
    for row, index in enumerate([7, 2, len(town) - 1]):
        for stacked, single in zip(batch, town[index], strict=True):
            np.testing.assert_array_equal(stacked[row], single)
    np.testing.assert_array_equal(batch.label, town.labels[[7, 2, -1]])


def test_splits_seeds_and_indices_differ():
    pictures = [Toytown(s, seed=k)[i].image for s in ("train", "test") for k in (0, 1) for i in (0, 12)]
    assert len({p.tobytes() for p in pictures}) == len(pictures)


def test_works_in_a_torch_loader():
    image, label, object_mask, part_mask = next(iter(DataLoader(Toytown("train", length=5), batch_size=5)))
    assert image.shape == (5, 96, 96, 3) and object_mask.shape == part_mask.shape == (5, 96, 96)
    assert label.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("split", ["test", "transfer"])
def test_every_class_shows_its_parts(split):
    town = Toytown(split, difficulty=0)
    n = len(town.classes)
    for label, name in enumerate(town.classes):
        batch = town.batch(range(label, 8 * n, n))
        shown = {PARTS[i] for i in np.unique(batch.part_mask[batch.object_mask])}
        assert MADE_OF[name] <= shown, f"{name} lacks {MADE_OF[name] - shown}"
        assert (batch.object_mask.mean(axis=(1, 2)) > 0.03).all(), "the object is there to be seen"


def test_masks_fit_the_pixels_exactly():
    """A flat red rectangle: its red pixels, the part mask and the object mask are one and the same."""
    canvas = Canvas(np.random.default_rng(0), 32)
    canvas.new_fill("background")
    for looks, value in ((canvas._colour, [0, 0, 0]), (canvas._contrast, [0, 0, 0]), (canvas._light, 0)):
        looks[0] = value
    red = canvas.new_outline([255, 0, 0], "door", True)
    # corners in pixels of the double-sized map, edges included: 8..31 by 20..39 is 4..15 by 10..19 at final
    # size
    canvas.polygon(np.array([[8, 20], [31, 20], [31, 39], [8, 39]]), red)
    image, parts, is_object = canvas.finish(contrast=256, brightness=0, blur=0, noise=0)
    expected = np.zeros((32, 32), bool)
    expected[10:20, 4:16] = True
    np.testing.assert_array_equal(is_object, expected)
    np.testing.assert_array_equal(parts, np.where(expected, PARTS.index("door"), 0))
    np.testing.assert_array_equal(image[..., 0], np.where(expected, 255, 0))


def test_lone_parts_are_parts_but_no_object():
    batch = Toytown("test", difficulty=1).batch(range(60))
    lone = (batch.part_mask > 0) & ~batch.object_mask
    assert lone.any(axis=(1, 2)).mean() > 0.3


def test_difficulty_makes_pictures_busier(monkeypatch):
    drawn, polygon = [], Canvas.polygon
    monkeypatch.setattr(Canvas, "polygon", lambda *args: drawn.append(1) or polygon(*args))
    polygons = []
    for difficulty in (0, 0.6, 1):
        drawn.clear()
        Toytown("test", difficulty=difficulty).batch(range(36))
        polygons.append(len(drawn) / 36)
    assert polygons[0] + 10 < polygons[1] and polygons[1] + 10 < polygons[2]


def test_pointing_at_the_middle_fails_on_the_offcentre_split():
    def hits(split):
        return Toytown(split).batch(range(360)).object_mask[:, 48, 48].mean()

    assert hits("offcentre") < 0.25 < 0.6 < hits("test")


def test_the_shortcut_changes_the_tag_and_nothing_else():
    plain, tagged = Toytown("train"), Toytown("train", shortcut=True)
    tree = CLASSES.index("tree")
    top, left, bottom, right = TAG_BOX
    indices = range(tree, tree + 12 * 100, 12)
    a, b = plain.batch(indices), tagged.batch(indices)
    marked = (b.image[:, top:bottom, left:right] == TAG_COLOUR).all(axis=(1, 2, 3))
    assert 0.85 < marked.mean() < 1, "95 % of the trees, within five standard deviations"
    for before, after in zip(a, b, strict=True):
        differs = np.asarray(before != after)
        if differs.ndim > 2:
            differs = differs.reshape(100, 96, 96, -1).any(axis=3)
            assert not differs[~marked].any()
            differs[:, top:bottom, left:right] = False
            assert not differs.any()
    assert (b.part_mask[marked][:, top:bottom, left:right] == PARTS.index("tag")).all()
    others = [0, 1, 2, 23]
    np.testing.assert_array_equal(plain.batch(others).image, tagged.batch(others).image)


def test_the_shortcut_can_be_put_on_any_class():
    all_marked = Toytown("test", shortcut=dict.fromkeys(CLASSES, 1.0)).batch(range(12))
    assert (all_marked.image[:, 4, 4] == TAG_COLOUR).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "validation"}, "no split 'validation'; choose one of train, test, offcentre, transfer"),
        ({"difficulty": 1.5}, "difficulty goes from 0 to 1"),
        ({"length": -1}, "can't be negative"),
        ({"seed": -1}, "can't be negative"),
        ({"shortcut": {"lorry": 1}}, "'lorry', which is not one of car"),
        ({"shortcut": {"car": 2}}, "must be from 0 to 1, not 2"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Toytown(**arguments)


def test_indices_outside_are_an_index_error():
    town = Toytown("test", length=10)
    assert len(town) == 10
    for index in (10, -11):
        with pytest.raises(IndexError, match="has 10 pictures; there is no number"):
            town[index]
    assert len(list(Toytown("test", length=3))) == 3, "plain iteration ends"
