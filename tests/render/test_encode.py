from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render import atlas, jpeg_bytes, png_bytes, square_thumbnail


def read(data):
    return Image.open(BytesIO(data))


def test_png_is_exact():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (np.asarray(read(png_bytes(pixels))) == pixels).all()


def test_other_modes_become_rgb():
    assert read(png_bytes(Image.new("RGBA", (3, 2)))).mode == "RGB"
    assert read(jpeg_bytes(Image.new("P", (3, 2)))).mode == "RGB"


def test_jpeg_is_near():
    pixels = np.full((40, 24, 3), (200, 60, 30), np.uint8)
    read_back = np.asarray(read(jpeg_bytes(pixels)), int)
    assert read_back.shape == pixels.shape and np.abs(read_back - pixels).max() < 6


def test_thumbnails_are_the_middle_square():
    picture = Image.new("RGB", (60, 20), "red")
    picture.paste("blue", (20, 0, 40, 20))
    thumbnail = square_thumbnail(picture, 32)
    assert thumbnail.size == (32, 32)
    assert (np.asarray(thumbnail)[:, 2:-2] == (0, 0, 255)).all()


def test_tiles_of_an_atlas_stand_in_rows_and_do_not_bleed():
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)]
    data = atlas([Image.new("RGB", (32, 16), colour) for colour in colours], columns=2)
    sheet = np.asarray(read(data), int)
    assert sheet.shape == (48, 64, 3)
    for place, colour in enumerate(colours):
        top, left = place // 2 * 16, place % 2 * 32
        assert np.abs(sheet[top : top + 16, left : left + 32] - colour).max() <= 4


def test_tiles_that_bleed_are_refused():
    with pytest.raises(ValueError, match="multiples of 16 pixels, not 20 x 16"):
        atlas([Image.new("RGB", (20, 16))])
    with pytest.raises(ValueError, match="one size"):
        atlas([Image.new("RGB", (16, 16)), Image.new("RGB", (32, 16))])


def test_no_tiles():
    assert atlas([]) == b""
