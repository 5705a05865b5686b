import matplotlib
import numpy as np
import pytest

from cnnwidgets.render import COLORMAPS, DIVERGING, colorize, display_range, lut


def test_the_tables_are_those_of_matplotlib():
    for name in COLORMAPS:
        wanted = (np.array([matplotlib.colormaps[name](i) for i in range(256)])[:, :3] * 255).round()
        assert np.abs(lut(name).astype(int) - wanted).max() == 0
        assert lut(name).shape == (256, 3) and lut(name).dtype == np.uint8


def test_known_colours():
    assert lut("gray")[:3].tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    assert lut("viridis")[0].tolist() == [68, 1, 84] and lut("viridis")[255].tolist() == [
        253,
        231,
        37,
    ]  # #440154 and #fde725


def test_the_middle_of_diverging_maps_has_the_least_colour():
    for name in DIVERGING:
        spread = np.ptp(lut(name).astype(int), axis=1)
        assert 110 <= spread.argmin() <= 145
        assert spread[0] > 80 and spread[255] > 80


def test_tables_are_shared_and_cannot_be_written():
    assert lut("magma") is lut("magma")
    with pytest.raises(ValueError):
        lut("magma")[0] = 0


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(ValueError, match="'virids'.*'viridis'"):
        lut("virids")


@pytest.mark.parametrize(
    ("lo", "hi", "name", "ends"),
    [
        (0, 5, "viridis", (0, 5)),
        (2, 5, "viridis", (0, 5)),  # zero stays dark
        (-2, 5, "viridis", (-2, 5)),
        (-2, 5, "coolwarm", (-5, 5)),
        (-7, 5, "RdBu_r", (-7, 7)),
        (-7, -3, "gray", (-7, -3)),
        (0, 0, "gray", (0, 0)),
    ],
)
def test_ends_of_the_scale(lo, hi, name, ends):
    assert display_range(lo, hi, name) == ends


def test_colours_of_values():
    # index = 255 (v - lo) / (hi - lo), rounded half up: 2 of 0..8 is 63.75 -> 64
    assert colorize(np.array([[0, 2, 8]]), "gray", 0, 8)[0, :, 0].tolist() == [0, 64, 255]
    assert colorize(np.array([-1, 9]), "gray", 0, 8)[:, 0].tolist() == [0, 255]


def test_values_without_a_range_are_flat():
    assert colorize(np.full((2, 3), 4.0), "gray", 4, 4).tolist() == np.zeros((2, 3, 3)).tolist()
    assert (colorize(np.zeros(3), "coolwarm", 0, 0) == lut("coolwarm")[128]).all()


def test_values_that_are_not_finite_are_grey():
    colours = colorize(np.array([np.nan, np.inf, -np.inf, 1.0]), "viridis", 0, 1)
    assert (colours[:3] == 128).all() and colours[3].tolist() == lut("viridis")[255].tolist()


def test_ranges_as_wide_as_floats_do_not_overflow():
    assert colorize(np.array([-1.5e308, 0, 1.5e308]), "gray", -1.5e308, 1.5e308)[:, 0].tolist() == [
        0,
        128,
        255,
    ]
