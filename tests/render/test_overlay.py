import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render import lut, overlay, resize_map

GREY = np.full((4, 6, 3), 100, np.uint8)


def test_the_ends_of_alpha():
    values = np.arange(24, dtype=float).reshape(4, 6)
    for fade in (False, True):
        assert (overlay(GREY, values, 0, fade=fade) == GREY).all()
        covered = overlay(GREY, values, 1, "gray", fade=fade)
        assert covered[0, 0].tolist() == [0, 0, 0] and covered[3, 5].tolist() == [255, 255, 255]


def test_blending_by_hand():
    # the map is 0 and 1, so black and white: 100 + 0.25 (0 - 100) = 75, 100 + 0.25 (255 - 100) = 138.75
    picture = overlay(GREY, np.array([[0.0, 1.0]]), 0.25, "gray", smooth=False)
    assert picture[:, :3].tolist() == np.full((4, 3, 3), 75).tolist()
    assert picture[:, 3:].tolist() == np.full((4, 3, 3), 139).tolist()


def test_fading_by_hand():
    # at 0.5 a value covers as much as its share of the range: none of 0, half of 1, all of 2
    picture = overlay(GREY, np.array([[0.0, 1.0, 2.0]]), 0.5, "gray", smooth=False, fade=True)
    assert picture[0, ::2, 0].tolist() == [100, 114, 255]  # 100 + 0.5 (128 - 100) = 114
    # at 0.75 cover is share + (1 - share) / 2
    picture = overlay(GREY, np.array([[0.0, 1.0, 2.0]]), 0.75, "gray", smooth=False, fade=True)
    assert picture[0, ::2, 0].tolist() == [50, 121, 255]


def test_the_middle_of_a_diverging_map_fades():
    picture = overlay(GREY, np.array([[-2.0, 0.0, 2.0]]), 0.5, "coolwarm", smooth=False, fade=True)
    table = lut("coolwarm")
    assert picture[0, ::2].tolist() == [table[0].tolist(), [100] * 3, table[255].tolist()]


def test_where_the_map_is_unknown_the_picture_shows():
    picture = overlay(GREY, np.array([[np.nan, 1.0]]), 1.0, "gray", smooth=False)
    assert (picture[:, :3] == 100).all() and (picture[:, 3:] == 255).all()
    assert (overlay(GREY, np.full((2, 2), np.nan)) == GREY).all()


def test_a_given_range_and_a_pil_picture():
    picture = overlay(Image.new("L", (6, 4), 0), np.array([[1.0]]), 1.0, "gray", value_range=(0, 4))
    assert picture.shape == (4, 6, 3) and (picture == 64).all()


def test_a_silent_map_under_fading_leaves_the_picture():
    assert (overlay(GREY, np.zeros((2, 2)), 0.5, fade=True) == GREY).all()


def test_resizing():
    values = np.array([[0.0, 4.0], [8.0, 12.0]])
    assert resize_map(values, (4, 4), smooth=False)[0].tolist() == [0, 0, 4, 4]
    # bilinear between the middles of the cells, which lie at 0.5 and 2.5 of the 4 pixels
    assert resize_map(values, (2, 4))[0].tolist() == [0, 1, 3, 4]
    assert resize_map(values, (3, 7)).shape == (3, 7)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="between 0 and 1"):
        overlay(GREY, np.zeros((2, 2)), 1.5)
    with pytest.raises(ValueError, match="height, width"):
        overlay(GREY, np.zeros((1, 2, 2)))
