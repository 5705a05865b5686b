import io

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import TileBlocks

RNG = np.random.default_rng(4)
HEIGHT, WIDTH = 20, 30
PICTURES = RNG.integers(0, 256, (3, HEIGHT, WIDTH, 3), dtype=np.uint8)
BOXES = [(-3, -2, 4, 7), (1, 5, 8, 14), (12, 21, 19, 30)]
NAMES = ["DeconvNet", "guided backprop"]


def patches():
    return [
        dict(picture=picture, box=box, value=value, source=f"test {i}")
        for i, (picture, box, value) in enumerate(zip(PICTURES, BOXES, (5.0, 4.0, 0.25), strict=True))
    ]


def images(seed=0, channels=3):
    """Zero outside of the boxes, as what goes back to the pixels is."""
    rng = np.random.default_rng(seed)
    found = np.zeros((3, channels, HEIGHT, WIDTH), np.float32)
    for image, (top, left, bottom, right) in zip(found, BOXES, strict=True):
        part = image[:, max(top, 0) : bottom, max(left, 0) : right]
        part[:] = rng.normal(scale=0.01, size=part.shape)
    return found


@pytest.fixture
def blocks():
    blocks = TileBlocks(title="conv1 · channel 4")
    blocks.show(patches(), dict(zip(NAMES, (images(0), images(1)), strict=True)))
    yield blocks
    blocks.close()


def numbers_of(blocks, place):
    """The images of a block as the browser reads them."""
    codes = np.frombuffer(getattr(blocks, f"_codes_{place}"), "<i2")
    found, at = [], 0
    for told in blocks._blocks[place]["images"]:
        top, left, bottom, right = told["area"]
        image = np.zeros((told["channels"], HEIGHT, WIDTH))
        shape = told["channels"], bottom - top, right - left
        if told["most"]:
            part = codes[at : at + np.prod(shape)].reshape(shape)
            image[:, top:bottom, left:right] = part / 32767 * told["most"]
            at += part.size
        found.append(image)
    assert at == len(codes)
    return np.stack(found)


@pytest.mark.parametrize("channels", [1, 3])
def test_numbers_reach_the_browser_with_four_digits(blocks, channels):
    given = images(7, channels)
    blocks.show(patches(), {"DeconvNet": given, "gradient": torch.from_numpy(-given)})
    for place, sign in ((0, 1), (1, -1)):
        np.testing.assert_allclose(numbers_of(blocks, place), sign * given, atol=np.abs(given).max() / 60_000)
    assert [one["name"] for one in blocks._blocks] == blocks.names == ["DeconvNet", "gradient"]


def test_only_what_is_not_zero_is_sent(blocks):
    """Nine images of a small field in large pictures are little."""
    seen = sum((min(b, HEIGHT) - max(a, 0)) * (min(d, WIDTH) - max(c, 0)) for a, c, b, d in BOXES)
    assert len(blocks._codes_0) == 2 * 3 * seen
    top_left = blocks._blocks[0]["images"][0]["area"]
    assert top_left == [0, 0, 4, 7]


def test_an_image_without_channels(blocks):
    blocks.show(patches(), {"map": images(0)[:, 0]})
    np.testing.assert_allclose(numbers_of(blocks, 0)[:, 0], images(0)[:, 0], atol=1e-5)


def test_zeros_and_what_is_not_finite(blocks):
    given = images()
    given[0], given[1, 2, 3, 8], given[2] = 0, np.inf, given[2] * 1e-40
    blocks.fill("DeconvNet", given)
    assert [one["most"] for one in blocks._blocks[0]["images"]] == [
        0,
        None,
        pytest.approx(np.abs(given[2]).max()),
    ]
    np.testing.assert_allclose(numbers_of(blocks, 0)[2], given[2], rtol=1e-3, atol=1e-44)
    assert blocks.picture() is not None


def test_a_block_comes_later_and_the_others_are_not_sent_again(blocks, messages):
    blocks.show(patches(), {"DeconvNet": images(), "guided backprop": None})
    assert not blocks.is_complete and blocks._codes_1 == b""
    assert [one["is_pending"] for one in blocks._blocks] == [False, True]
    assert blocks._blocks[1]["text"] == "computing …"
    sent = messages(blocks)
    blocks.fill("guided backprop", images(3))
    assert [set(state) for state in sent] == [{"_blocks", "_codes_1"}]
    np.testing.assert_allclose(numbers_of(blocks, 1), images(3), atol=1e-5)
    assert blocks.is_complete


def test_a_reason_in_place_of_images(blocks):
    blocks.fill("guided backprop", "this network runs no ReLU")
    assert blocks._blocks[1]["text"] == "this network runs no ReLU" and blocks._codes_1 == b""
    assert blocks.is_complete and "guided backprop: this network runs no ReLU" in blocks.describe()


def test_fewer_blocks_free_what_the_others_held(blocks):
    blocks.show(patches(), {"DeconvNet": images()})
    assert len(blocks._codes_0) and blocks._codes_1 == b""
    blocks.show([])
    assert blocks._codes_0 == b"" and blocks._pictures == b"" and blocks._blocks == []
    assert blocks.picture() is None


def test_pictures_are_sent_as_they_are(blocks):
    starts = [0, *blocks._ends[:-1]]
    for start, end, picture in zip(starts, blocks._ends, PICTURES, strict=True):
        assert (np.asarray(Image.open(io.BytesIO(blocks._pictures[start:end]))) == picture).all()
    assert blocks._size == [7, 9] and [one["seen"] for one in blocks._patches][0] == [0, 0, 4, 7]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"a": images()[:2]}, "a has 2 images for 3 patches"),
        ({"a": images()[:, :2]}, r"image of a must have the shape \(3, 20, 30\).*not \(2, 20, 30\)"),
        ({"a": images()[..., :-1]}, r"not \(3, 20, 29\)"),
        ({name: None for name in "abcde"}, "at most 4 blocks"),
    ],
)
def test_what_does_not_fit_changes_nothing(blocks, given, told):
    before = blocks.get_state()
    with pytest.raises(ValueError, match=told):
        blocks.show(patches(), given)
    if len(given) == 1:
        with pytest.raises(ValueError, match="DeconvNet"):
            blocks.fill("DeconvNet", given["a"])
    assert blocks.get_state() == before


def test_an_unknown_block_names_the_nearest(blocks):
    with pytest.raises(ValueError, match="no block 'Deconvnet'; nearest: 'DeconvNet'"):
        blocks.fill("Deconvnet", images())


def test_a_tile_is_chosen(blocks):
    blocks.chosen = 2
    with pytest.raises(t.TraitError, match="tile 3 does not exist: there are 0 to 2"):
        blocks.chosen = 3
    blocks.set_state({"chosen": 8})  # comes late
    assert blocks.chosen is None
    blocks.chosen = 1
    blocks.show(patches()[:1])
    assert blocks.chosen is None


def test_words(blocks):
    assert blocks.describe() == (
        "conv1 · channel 4: 3 patches of 7 × 9 pixels, 5.00 to 0.250, beside DeconvNet and guided backprop"
    )
    blocks.show([], title="conv2")
    blocks.message = "never fires in 24 images"
    assert blocks.describe() == "conv2: never fires in 24 images"


def test_the_picture_has_zero_in_the_middle_of_its_greys(blocks):
    """A tile that is black at one half and white at the other, zero between."""
    image = np.zeros((3, 1, HEIGHT, WIDTH), np.float32)
    image[1, 0, 1:3, 5:14], image[1, 0, 6:8, 5:14] = -2, 2
    blocks.show(patches(), {"DeconvNet": image})
    sheet = np.asarray(blocks.picture())
    wide = (sheet.shape[1] + 32) // 2
    tile = (480 - 8) // 2  # two in a row
    left, tall = wide, round(tile / 9 * 7)
    column = sheet[48 : 48 + tall, left + tile + 8 + tile // 2]
    rows = [column[round((row + 0.5) * tall / 7)] for row in range(7)]
    assert [int(each[0]) for each in rows] == [0, 0, 128, 128, 128, 255, 255]
    assert (np.ptp(np.asarray(rows, int), axis=1) == 0).all()


def test_one_scale_or_one_for_each_in_the_picture(blocks):
    image = np.zeros((3, 1, HEIGHT, WIDTH), np.float32)
    image[0, 0, :4, :7], image[1, 0, 1:8, 5:14] = 1, 4
    blocks.show(patches(), {"DeconvNet": image})
    each = np.asarray(blocks.picture())
    blocks.scale = "shared"
    shared = np.asarray(blocks.picture())
    assert each.shape == shared.shape and (each != shared).any()
    tile = (480 - 8) // 2
    place = 48 + 120, 480 + 32 + tile - 20  # in the first tile, where it is not padding
    assert each[place][0] == 255 and shared[place][0] == round(127.5 + 127.5 / 4)


def test_clip_leaves_the_largest_out():
    from cnnwidgets.widgets._signed import signed

    values = np.zeros((1, HEIGHT, WIDTH))
    values[0, :10, :10] = np.arange(1, 101).reshape(10, 10) * np.where(np.arange(10) % 2, 1, -1)
    image = signed(values, Image.fromarray(PICTURES[0]), "it")
    assert (image.limit(100), image.limit(99), image.limit(90)) == (100, 99, 90)
    assert image.area == (0, 0, 10, 10)


def test_closed(blocks):
    blocks.close()
    assert blocks._codes_0 == b"" and blocks._pictures == b"" and blocks._drawn == []


def test_unknown_keyword():
    with pytest.raises(TypeError, match="no trait 'tittle'; nearest: 'title'"):
        TileBlocks(tittle="x")
