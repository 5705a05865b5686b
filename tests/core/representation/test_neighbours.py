"""Exact nearest neighbours, against all distances by scipy, and scikit-learn's brute force."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from cnnwidgets.core import InputError, nearest_neighbours


@pytest.mark.parametrize(("metric", "theirs"), [("l2", "euclidean"), ("cosine", "cosine")])
@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(3, 60), d=st.integers(1, 9), q=st.integers(1, 5), shift=st.sampled_from([0.0, 1000.0]),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_none_is_nearer(metric, theirs, n, d, q, shift, seed):
    rng = np.random.default_rng(seed)
    vectors, queries = rng.normal(size=(n, d)) + shift, rng.normal(size=(q, d)) + shift
    k = min(4, n)
    distances = np.sort(cdist(queries, vectors, theirs), axis=1)[:, :k]
    found = nearest_neighbours(vectors, queries, k, metric)
    np.testing.assert_allclose(found.distances, distances, atol=1e-7, rtol=1e-7)
    assert found.indices.shape == (q, k)
    assert all(len(set(row)) == k for row in found.indices.tolist())


def test_a_vector_is_not_its_own_neighbour_but_its_double_is():
    vectors = np.array([[0.0, 0], [5, 5], [0, 0], [1, 0]])
    found = nearest_neighbours(vectors, k=3)
    assert found.indices[0].tolist() == [2, 3, 1] and found.distances[0].tolist() == [0, 1, 50**0.5]
    assert nearest_neighbours(vectors, vectors, k=1, exclude_self=False).distances.max() == 0


def test_many_doubles():
    vectors = np.zeros((100, 3), np.float32)
    vectors[50:] = 1
    found = nearest_neighbours(vectors, k=49)
    assert (found.distances == 0).all() and (found.indices[0] < 50).all() and 0 not in found.indices[0]


def test_single_precision_far_from_zero():
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(500, 16)) + 300).astype(np.float32)
    wanted, _ = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(vectors.astype(float)).kneighbors()
    np.testing.assert_allclose(
        nearest_neighbours(torch.from_numpy(vectors), k=6).distances, wanted, rtol=1e-6
    )


@pytest.mark.parametrize("gap", [10.0, 1000.0])
def test_two_tight_clusters_far_apart_in_single_precision(gap):
    """Rounding of a first look in single precision must not choose the neighbours."""
    rng = np.random.default_rng(0)
    vectors = (0.001 * rng.normal(size=(400, 64))).astype(np.float32)
    vectors[200:] += np.float32(gap)
    wanted = np.sort(cdist(vectors.astype(float), vectors.astype(float)), axis=1)[:, 1:6]
    found = nearest_neighbours(vectors, k=5)
    np.testing.assert_allclose(found.distances, wanted, rtol=1e-9)
    queries = vectors[::50] + np.float32(0.0001)
    wanted = np.sort(cdist(queries.astype(float), vectors.astype(float)), axis=1)[:, :5]
    np.testing.assert_allclose(nearest_neighbours(vectors, queries, 5).distances, wanted, rtol=1e-9)


def test_in_many_parts_it_is_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(90, 7)).astype(np.float32)
    once = nearest_neighbours(vectors, k=4)
    monkeypatch.setattr("cnnwidgets.core.representation.neighbours._CHUNK", 1000)
    monkeypatch.setattr("cnnwidgets.core.representation.neighbours._CLOSE", 300)
    again = nearest_neighbours(vectors, k=4)
    assert np.array_equal(once.indices, again.indices) and np.array_equal(once.distances, again.distances)


def test_arrays_of_any_kind():
    vectors = np.array([[0.0], [1], [3], [7], [15]])
    read_only = vectors.copy()
    read_only.flags.writeable = False
    for table in (vectors, read_only, vectors.astype(">f4"), vectors.astype(np.uint16), vectors.tolist()):
        assert nearest_neighbours(table, k=1).indices.tolist() == [[1], [0], [1], [2], [3]]
    assert nearest_neighbours(vectors[::-1], k=1).indices.tolist() == [[1], [2], [3], [4], [3]]
    with pytest.raises(InputError, match="vectors are numbers of shape"):
        nearest_neighbours([torch.ones(2, requires_grad=True)] * 3, k=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([[1.0, 2.0]], None, 1), "k is at most 0"),
        (([[1.0, 2.0], [np.nan, 0]], None, 1), "row 1 of vectors holds a NaN"),
        (([[1.0, 2.0], [3, 4]], [[1.0]], 1), "one layer"),
        (([[1.0, 2.0], [0, 0]], None, 1, "cosine"), "row 1 of vectors is all zeros"),
        (([[1.0, 2.0], [3, 4]], None, 1, "l1"), "'l2', 'cosine'"),
        ((np.zeros((2, 2, 2)), None, 1), "flatten them first"),
        (([["a", "b"]], None, 1), "are numbers of shape"),
    ],
)
def test_errors(arguments, said):
    with pytest.raises(InputError, match=said):
        nearest_neighbours(*arguments)
