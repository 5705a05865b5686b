import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets.occlusion_image import OcclusionImage


def noise(height, width, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def occluded():
    occluded = OcclusionImage(noise(20, 30), noise(20, 30, seed=1), size=(4, 7))
    yield occluded
    occluded.close()


def test_it_begins_in_the_middle(occluded):
    assert (occluded.row, occluded.column, occluded.active, occluded.dragging) == (10, 15, True, False)
    assert occluded.image_size == (20, 30)


def test_a_place_given_at_first():
    occluded = OcclusionImage(noise(20, 30), row=0, column=29)
    assert (occluded.row, occluded.column) == (0, 29)


# by hand: an even side n reaches from (n - 1) // 2 before the centre to n // 2 after it
@pytest.mark.parametrize(
    ("size", "row", "column", "box"),
    [
        ((1, 1), 7, 9, (7, 9, 8, 10)),
        ((3, 3), 7, 9, (6, 8, 9, 11)),
        ((2, 2), 7, 9, (7, 9, 9, 11)),
        ((4, 7), 7, 9, (6, 6, 10, 13)),
        ((4, 7), 0, 29, (0, 26, 3, 30)),
        ((4, 7), 19, 0, (18, 0, 20, 4)),
        ((500, 600), 3, 4, (0, 0, 20, 30)),
    ],
)
def test_what_the_square_covers(occluded, size, row, column, box):
    occluded.size, occluded.row, occluded.column = size, row, column
    assert occluded.box == box
    pixels = np.asarray(occluded.image).copy()
    top, left, bottom, right = box
    pixels[top:bottom, left:right] = np.asarray(occluded.fill_image)[top:bottom, left:right]
    assert np.array_equal(np.asarray(occluded.occluded()), pixels)


def test_without_a_fill_it_is_grey():
    occluded = OcclusionImage(noise(20, 30), size=2, row=0, column=0)
    assert np.unique(np.asarray(occluded.occluded())[:2, :2]).tolist() == [128]


def test_the_unoccluded_picture(occluded):
    occluded.active = False
    assert np.array_equal(np.asarray(occluded.occluded()), np.asarray(occluded.image))


@pytest.mark.parametrize(("name", "value", "last"), [("row", 20, 19), ("row", -1, 19), ("column", 30, 29)])
def test_a_place_outside(occluded, name, value, last):
    with pytest.raises(t.TraitError, match=f"{name} {value} does not exist: there are 0 to {last}"):
        setattr(occluded, name, value)


def test_a_place_before_there_is_a_picture():
    with pytest.raises(t.TraitError, match="call set_image"):
        OcclusionImage(row=3)


def test_the_browser_may_come_late(occluded):
    occluded.set_state({"row": 99, "column": -4, "active": True})
    assert (occluded.row, occluded.column, occluded.error) == (19, 0, "")


@pytest.mark.parametrize("size", [0, (4, 0), (4,), (1, 2, 3), 2.5, "32", True, None])
def test_sizes_that_make_no_sense(occluded, size):
    with pytest.raises(t.TraitError, match="size must be .height, width. in pixels"):
        occluded.size = size
    assert occluded.size == (4, 7)


def test_one_number_for_both_sides(occluded):
    occluded.size = 9
    assert occluded.size == (9, 9)
    occluded.size = np.int64(5)
    assert occluded.size == (5, 5)
    occluded.set_state({"size": [6, 8]})
    assert occluded.size == (6, 8)


def test_a_picture_of_another_size(occluded):
    occluded.row, occluded.column = 3, 4
    occluded.set_image(np.asarray(noise(20, 30, seed=2)))
    assert (occluded.row, occluded.column) == (3, 4) and occluded.fill_image is not None
    occluded.set_image(noise(10, 12))
    assert (occluded.row, occluded.column) == (5, 6) and occluded.fill_image is None
    occluded.set_image(None)
    assert (occluded.row, occluded.column, occluded.box) == (0, 0, (0, 0, 0, 0))
    assert occluded.occluded() is None and occluded.picture() is None


def test_a_fill_of_another_size(occluded):
    with pytest.raises(
        t.TraitError, match="fill has 30 × 20 pixels, the picture has 20 × 30: make it as large"
    ):
        occluded.set_fill(noise(30, 20))
    with pytest.raises(t.TraitError, match="set it first"):
        OcclusionImage().set_fill(noise(30, 20))


def test_moving_sends_no_pictures(occluded, messages):
    sent = messages(occluded)
    occluded.row, occluded.size, occluded.caption = 3, 5, "bus 41 %"
    assert [set(state) for state in sent] == [{"row"}, {"size"}, {"caption"}]


def test_a_picture_and_its_place_come_in_one_message(occluded, messages):
    sent = messages(occluded)
    with occluded.hold_sync():
        occluded.set_image(noise(10, 12))
        occluded.set_fill(noise(10, 12, seed=1))
    assert [set(state) for state in sent] == [{"_picture", "_fill", "row", "column"}]


def test_pictures_of_a_network_are_sent_exactly():
    occluded = OcclusionImage(noise(224, 224))
    assert occluded._picture[1:4] == b"PNG"
    occluded.set_image(noise(400, 500))
    assert occluded._picture[:2] == b"\xff\xd8"  # JPEG


def test_every_kind_of_picture_is_shown():
    for mode in ("L", "1", "P", "RGBA", "CMYK"):
        occluded = OcclusionImage(noise(20, 30).convert(mode), size=4)
        assert occluded.picture().mode == "RGB" and occluded._picture[1:4] == b"PNG"


def test_the_picture_is_as_large_as_on_the_page(occluded):
    assert occluded.picture().size == (320, 213)
    occluded.set_image(noise(60, 10))
    assert occluded.picture().size == (67, 400)


def test_in_words(occluded):
    assert OcclusionImage().describe() == "OcclusionImage: no picture yet"
    occluded.row, occluded.column = 0, 9
    assert occluded.describe() == (
        "picture of 20 × 30 pixels, a square of 4 × 7 at row 0, column 9 "
        "covers rows 0 to 2 and columns 6 to 12"
    )
    occluded.active, occluded.title, occluded.caption = False, "seen", "bus 41 %"
    assert occluded.describe() == "seen: picture of 20 × 30 pixels, without the square; bus 41 %"
