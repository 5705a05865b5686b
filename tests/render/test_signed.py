import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cnnwidgets.render.signed import quantise_signed, signed_pixels

WEIGHTS = arrays(np.float32, (3, 2, 2, 4), elements=st.floats(-(2.0**100), 2.0**100, width=32))


@given(WEIGHTS)
def test_right_to_half_a_step_and_zero_stays_zero(weights):
    codes, scales = quantise_signed(weights)
    assert (np.abs(codes.astype(int)) <= 127).all() and (codes[weights == 0] == 0).all()
    for values, code, scale in zip(weights.astype(np.float64), codes, scales.astype(np.float64), strict=True):
        assert scale == np.abs(values).max()
        assert (np.abs(code * scale / 127 - values) <= scale / 254 * 1.0001).all()


@given(WEIGHTS)
def test_the_opposite_weights_have_the_opposite_codes(weights):
    assert (quantise_signed(-weights)[0] == -quantise_signed(weights)[0]).all()


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_scale(broken):
    weights = np.ones((3, 1, 2, 3))
    weights[1, 0, 1, 2] = broken
    codes, scales = quantise_signed(weights)
    assert np.isnan(scales).tolist() == [False, True, False]
    assert not codes[1].any() and (codes[[0, 2]] == 127).all()


def test_complex_weights():
    with pytest.raises(ValueError, match="real part or absolute value"):
        quantise_signed(np.ones((1, 1, 2, 2), complex))


def test_pixels_by_hand():
    weights = np.array([[-2.0, -1.0, 0.0], [0.5, 1.0, np.nan]])
    assert signed_pixels(weights).tolist() == [[1, 64, 128], [160, 192, 128]]
    assert signed_pixels(weights, scale=1.0).tolist() == [[1, 1, 128], [192, 255, 128]]
    assert signed_pixels(weights, scale=4.0).tolist() == [[64, 96, 128], [144, 160, 128]]
    assert (signed_pixels(np.zeros((2, 3))) == 128).all()
