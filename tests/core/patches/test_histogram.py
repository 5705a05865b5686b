"""Histograms that widen, against numpy on all values at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cnnwidgets.core.patches.histogram import BINS, Histograms

anything = st.floats(width=32) | st.floats() | st.integers(-5, 5).map(float)
tables = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=anything)


def counted(values: np.ndarray) -> Histograms:
    histograms = Histograms(values.shape[1])
    histograms.add(values)
    return histograms


def check(histograms: Histograms, values: np.ndarray) -> None:
    """Each value lies in the bin in which it was counted; the bins are no wider than they must be."""
    for unit in range(values.shape[1]):
        finite = values[np.isfinite(values[:, unit]), unit]
        edges, counts = histograms.edges(unit), histograms.counts[unit]
        assert edges.shape == (BINS + 1,) and counts.sum() == len(finite)
        wanted = np.zeros(BINS, int)
        for value in finite:
            wanted[np.searchsorted(edges, value, side="right") - 1] += 1
        assert counts.tolist() == wanted.tolist()
        largest = np.abs(finite).max(initial=0)
        assert edges[-1] > largest
        if largest > 1e-300:  # below, bins would be narrower than numbers can be
            assert (
                edges[-1] == np.inf or edges[-1] / 2 <= largest
            )  # otherwise bins of half the width would do


@settings(max_examples=200)
@given(values=tables, data=st.data())
def test_against_numpy_in_any_order_and_any_parts(values, data):
    check(counted(values), values)
    order = data.draw(st.permutations(range(len(values))))
    cut = data.draw(st.integers(0, len(values)))
    steps = Histograms(values.shape[1])
    for row in order:
        steps.add(values[[row]])
    one, other = counted(values[order[:cut]]), counted(values[order[cut:]])
    before = other.counts.copy(), other.exponents.copy()
    one.merge(other)
    assert np.array_equal(other.counts, before[0]) and np.array_equal(other.exponents, before[1])
    for each in (steps, one):
        assert each.counts.tobytes() == counted(values).counts.tobytes()
        assert each.exponents.tobytes() == counted(values).exponents.tobytes()


def test_by_hand():
    """Up to 3.5: 32 bins of 1/8 reach 4. Then 5 doubles them: bins of 1/4 reach 8."""
    histograms = counted(np.array([[3.5], [-0.1], [0.0], [0.125]]))
    counts, edges = histograms.counts[0], histograms.edges(0)
    assert (edges[0], edges[1] - edges[0], edges[-1]) == (-4, 0.125, 4)
    assert {i: int(counts[i]) for i in np.flatnonzero(counts)} == {31: 1, 32: 1, 33: 1, 60: 1}
    histograms.add(np.array([[5.0]]))
    counts, edges = histograms.counts[0], histograms.edges(0)
    assert (edges[0], edges[1] - edges[0], edges[-1]) == (-8, 0.25, 8)
    assert {i: int(counts[i]) for i in np.flatnonzero(counts)} == {31: 1, 32: 2, 46: 1, 52: 1}


def test_zeros_only():
    histograms = counted(np.zeros((7, 2)))
    assert histograms.counts.sum(1).tolist() == [7, 7]
    assert histograms.edges(0)[32] == 0 and histograms.counts[0, 32] == 7
    histograms.add(np.array([[1e-20, -1e20]]))
    check(histograms, np.vstack([np.zeros((7, 2)), [[1e-20, -1e20]]]))


@pytest.mark.parametrize("values", [[5e-324, -5e-324], [1.7e308, -1.7e308], [1e-310, 1e308]])
def test_the_ends_of_the_number_range(values):
    values = np.array(values)[:, None]
    steps = Histograms(1)
    for value in values:
        steps.add(value[None])
    assert steps.counts.sum() == 2
    check(counted(values), values)
    assert steps.counts.tolist() == counted(values).counts.tolist()


def test_units_do_not_share_a_range():
    values = np.array([[1.0, 1000.0], [0.5, -3.0]])
    histograms = counted(values)
    assert (histograms.edges(0)[-1], histograms.edges(1)[-1]) == (2, 1024)
    check(histograms, values)


def test_no_images():
    histograms = counted(np.zeros((0, 3)))
    assert histograms.counts.sum() == 0
    histograms.merge(counted(np.ones((2, 3))))
    check(histograms, np.ones((2, 3)))
