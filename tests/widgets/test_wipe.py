"""Two pictures and a border: what is shown where, and what travels."""

import asyncio
from io import BytesIO

import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import Wipe

ROWS, COLUMNS = 30, 40


@pytest.fixture
def wipe():
    wipe = Wipe(np.full((ROWS, COLUMNS, 3), (200, 30, 40), np.uint8), Image.new("RGB", (20, 15), "teal"))
    yield wipe
    wipe.close()


def read(data):
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("border", [0.0, 0.25, 0.5, 1.0])
def test_left_of_the_border_is_before(wipe, border):
    wipe.border = border
    row = np.asarray(wipe.picture())[ROWS // 2]
    left = round(border * COLUMNS)
    assert (row[:left] == (200, 30, 40)).all() and (row[left + 1 :] == (0, 128, 128)).all()


def test_what_travels(wipe):
    assert read(wipe._before).format == "PNG" and read(wipe._after).size == (20, 15)
    large = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    before = wipe._before
    wipe.show(after=large)
    assert read(wipe._after).format == "JPEG" and wipe._before is before
    wipe.show(before=large)
    assert read(wipe._before).size == (400, 300)
    wipe.clear()
    assert wipe._before == wipe._after == b"" and wipe.picture() is None


@pytest.mark.parametrize("wrong", [np.ones((4, 3, 3)), np.zeros((4, 3, 2), np.uint8), "cat.png"])
def test_what_is_no_picture_is_refused(wipe, wrong):
    """Colours from 0 to 1 would be black."""
    before = wipe.picture()
    with pytest.raises(ValueError, match="a picture is a PIL image, an array of uint8"):
        wipe.show(after=wrong)
    assert wipe.picture() == before


def test_of_a_flood_the_last_arrives():
    async def scenario():
        wipe, sent = Wipe(Image.new("RGB", (4, 3))), []
        wipe.observe(lambda change: sent.append(read(change.new).getpixel((0, 0))[0]), "_after")
        for grey in range(50):
            wipe.show(after=np.full((3, 4, 3), grey, np.uint8))
        await asyncio.sleep(0.25)
        wipe.close()
        return sent

    sent = asyncio.run(scenario())
    assert sent[-1] == 49 and len(sent) <= 3


def test_closed_it_holds_no_pictures(wipe):
    wipe.close()
    wipe.show(after=Image.new("RGB", (4, 3)))
    assert wipe._before == wipe._after == b""


def test_in_words_and_beyond_the_ends(wipe):
    wipe.titles, wipe.border = ("picture", "dream"), 0.3
    assert wipe.describe() == "picture on the left 30%, dream on the rest"
    wipe.caption = "conv2, step 3"
    assert wipe.describe().endswith("; conv2, step 3")
    wipe.set_state({"border": 1.7})
    assert wipe.border == 1 and wipe.error == ""
    with pytest.raises(t.TraitError, match="from 0, left, to 1, right, not -0.1"):
        wipe.border = -0.1
    assert Wipe().describe() == "Wipe: no pictures" and Wipe().picture() is None
    alone = Wipe(Image.new("RGB", (4, 3), "red"))
    assert alone.picture().getpixel((3, 0)) == (255, 0, 0)
