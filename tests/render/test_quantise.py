import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnnwidgets.render import dequantise, quantise

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float32, st.tuples(*[st.integers(1, 6)] * 3), elements=FLOATS))
def test_there_and_back_costs_at_most_half_a_step(maps):
    codes, ranges = quantise(maps)
    span = ranges[:, 1].astype(float) - ranges[:, 0]
    # half a step of 1/255, and the rounding of the result to float32
    allowed = span[:, None, None] / 510 + np.abs(maps).max() * 2**-23 + 1e-44
    assert (np.abs(dequantise(codes, ranges).astype(float) - maps) <= allowed).all()
    assert (ranges[:, 0] == maps.min((1, 2))).all() and (ranges[:, 1] == maps.max((1, 2))).all()


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1e6, width=32)))
def test_zero_stays_zero_after_a_relu(maps):
    maps[:, 0, 0] = 0
    assert (dequantise(*quantise(maps))[maps == 0] == 0).all()


def test_by_hand():
    codes, ranges = quantise(np.array([[[0, 1, 2]], [[-1, 0, 1]]], float))
    # steps of 2/255: 1 is 127.5 steps above the lowest, which rounds to the even 128
    assert codes[:, 0].tolist() == [[0, 128, 255], [0, 128, 255]]
    assert ranges.tolist() == [[0, 2], [-1, 1]] and ranges.dtype == np.float32 and codes.dtype == np.uint8


def test_constant_maps():
    codes, ranges = quantise(np.full((2, 3, 4), -3.5))
    assert (codes == 0).all() and (ranges == -3.5).all()
    assert (dequantise(codes, ranges) == -3.5).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_channel_that_is_not_finite_is_marked_and_leaves_the_others_alone(bad):
    maps = np.arange(24, dtype=float).reshape(2, 3, 4)
    maps[0, 1, 2] = bad
    codes, ranges = quantise(maps)
    assert np.isnan(ranges[0]).all() and (codes[0] == 0).all()
    assert ranges[1].tolist() == [12, 23]
    assert np.isnan(dequantise(codes, ranges)[0]).all()


def test_values_beyond_float32_are_not_finite():
    assert np.isnan(quantise(np.full((1, 2, 2), 1e300))[1]).all()


def test_half_precision_and_integers():
    maps = np.array([[[0, 65504]]], np.float16)
    assert quantise(maps)[1].tolist() == [[0, 65504]]
    assert quantise(np.array([[[0, 255]]], np.uint8))[0].tolist() == [[[0, 255]]]


@pytest.mark.parametrize("shape", [(3,), (3, 4), (1, 3, 4, 5)])
def test_other_shapes(shape):
    with pytest.raises(ValueError, match="channels, height, width"):
        quantise(np.zeros(shape))


def test_complex_numbers():
    with pytest.raises(ValueError, match="complex"):
        quantise(np.zeros((1, 2, 2), complex))


def test_the_input_is_left_alone():
    maps = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    before = maps.copy()
    quantise(maps)
    assert (maps == before).all()
