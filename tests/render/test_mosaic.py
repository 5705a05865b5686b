import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnwidgets.render import grid_columns, lut, mosaic


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 20), st.integers(1, 5), st.integers(1, 5), st.integers(1, 25), st.integers(0, 3), st.data()
)
def test_every_map_is_where_it_belongs(n, height, width, columns, gap, data):
    maps = np.random.default_rng(n).integers(1, 256, (n, height, width)).astype(float)
    maps[0, 0, 0] = 255  # so that the shared scale is 0 to 255 and colours are the values
    order = data.draw(st.permutations(range(n)))
    picture = mosaic(maps, columns, order=order, colormap="gray", gap=gap, gap_colour=(0, 0, 9))
    columns = min(columns, n)
    rows = -(-n // columns)
    assert picture.shape == (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    seen = np.zeros(picture.shape[:2], bool)
    for place, channel in enumerate(order):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        assert (picture[top : top + height, left : left + width, 0] == maps[channel]).all()
        seen[top : top + height, left : left + width] = True
    assert (picture[~seen] == (0, 0, 9)).all()


def test_shared_and_own_scales():
    maps = np.array([[[0, 1]], [[0, 4]]], float)
    assert mosaic(maps, 2, colormap="gray", gap=0)[0, :, 0].tolist() == [0, 64, 0, 255]
    assert mosaic(maps, 2, colormap="gray", gap=0, scale="tile")[0, :, 0].tolist() == [0, 255, 0, 255]


def test_a_silent_channel_is_flat_in_its_own_scale_too():
    maps = np.zeros((2, 3, 4))
    maps[1] = np.arange(12).reshape(3, 4)
    assert (mosaic(maps, 2, scale="tile", gap=0)[:, :4] == lut("viridis")[0]).all()


def test_a_positive_tile_of_a_signed_layer_uses_all_colours():
    maps = np.array([[[2, 4]], [[-1, 1]]], float)
    assert mosaic(maps, 2, colormap="gray", gap=0, scale="tile")[0, :, 0].tolist() == [0, 255, 0, 255]


def test_values_that_are_not_finite():
    maps = np.array([[[np.nan, 1.0]], [[np.inf, 2.0]]])
    assert mosaic(maps, 2, colormap="gray", gap=0)[0, :, 0].tolist() == [128, 128, 128, 255]
    assert (mosaic(np.full((1, 2, 2), np.nan)) == 128).all()


def test_columns_for_the_largest_tiles():
    assert grid_columns(1, 5, 5) == 1
    assert grid_columns(64, 12, 12) == 8
    assert grid_columns(4, 10, 10, aspect=4.0) == 4
    assert grid_columns(3, 10, 100) == 1


def test_wrong_arguments():
    with pytest.raises(ValueError, match="channels, height, width"):
        mosaic(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="'shared' or 'tile'"):
        mosaic(np.zeros((1, 3, 4)), scale="own")
    with pytest.raises(ValueError, match="at least 1"):
        mosaic(np.zeros((1, 3, 4)), 0)
