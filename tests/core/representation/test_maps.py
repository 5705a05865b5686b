"""Maps in two dimensions: PCA, t-SNE, their quality, grids, and what a linear classifier makes of vectors."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from cnnwidgets.core import (
    TSNE,
    InputError,
    grid_layout,
    linear_probe,
    neighbours_kept,
    project,
    trustworthiness,
)
from cnnwidgets.core.representation import projection


@pytest.fixture(scope="module")
def clusters():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    centres = rng.normal(size=(3, 6)) * 20
    return centres[labels] + rng.normal(size=(90, 6)), labels


def test_pca_is_the_singular_value_decomposition(clusters):
    vectors, _ = clusters
    centred = vectors - vectors.mean(0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    found = project(vectors)
    np.testing.assert_allclose(np.abs(found.points), np.abs(centred @ axes[:2].T), atol=1e-8)
    np.testing.assert_allclose(found.explained, (singular**2 / (singular**2).sum())[:2])
    np.testing.assert_allclose(found.transform(vectors[:4]), found.points[:4], atol=1e-8)
    assert (pdist(found.points) <= pdist(vectors) + 1e-9).all()  # as its docstring says


@pytest.mark.parametrize("n_features", [1, 2])
def test_pca_of_few_numbers(n_features):
    vectors = np.arange(5.0)[:, None].repeat(n_features, 1)
    found = project(vectors)
    assert found.points.shape == (5, 2) and found.transform(vectors[0]).shape == (1, 2)
    np.testing.assert_allclose(found.points[:, 1], 0, atol=1e-9)
    assert project(np.zeros((4, 3))).explained == (0, 0)


def test_tsne_keeps_clusters_apart_and_places_new_points(clusters):
    vectors, labels = clusters
    found = project(vectors, "tsne", perplexity=10, n_iterations=300)
    middles = np.stack([found.points[labels == k].mean(0) for k in range(3)])
    own = np.linalg.norm(found.points - middles[labels], axis=1)
    assert own.max() < pdist(middles).min() / 2
    new = found.transform(vectors[[0, 40, 80]] + 0.01)
    nearest = np.linalg.norm(new[:, None] - middles, axis=2).argmin(1)
    assert nearest.tolist() == [0, 1, 2]
    assert neighbours_kept(vectors, found.points, 5) > neighbours_kept(vectors, project(vectors).points, 5)


def test_tsne_is_reproducible_and_yields_its_way(clusters):
    vectors, _ = clusters
    stages = list(TSNE(vectors, perplexity=8, n_iterations=60, seed=3).steps(25))
    assert [stage.iteration for stage in stages] == [0, 25, 50, 60]
    assert np.isnan(stages[0].divergence) and np.isfinite(stages[-1].divergence)
    again = project(vectors, "tsne", perplexity=8, n_iterations=60, seed=3)
    other = project(vectors, "tsne", perplexity=8, n_iterations=60, seed=4)
    assert np.array_equal(again.points, stages[-1].points)
    assert not np.array_equal(other.points, again.points)
    seen = []
    with pytest.raises(KeyboardInterrupt):
        project(vectors, "tsne", perplexity=8, progress=lambda done, total: seen.append(done) or _stop(done))
    assert seen == [0, 25, 50]


def test_new_points_land_where_their_doubles_lie_and_nothing_else_moves(clusters):
    vectors, _ = clusters
    run = TSNE(vectors + [40, 0, 0, 0, 0, 0], perplexity=10, n_iterations=300, seed=1)
    points = list(run.steps())[-1].points
    once, again = run.transform(run.vectors[::7]), run.transform(run.vectors[::7])
    assert np.array_equal(once, again)
    # not each at the very place, but none of them all to one side
    assert np.abs(np.median(once - points[::7], axis=0)).max() < 0.02 * np.ptp(points)
    assert np.median(np.linalg.norm(once - points[::7], axis=1)) < 0.05 * np.ptp(points)


@pytest.mark.parametrize("n_points", [700, 2600])  # by a tree alone, and on a grid as well
def test_the_number_of_processors_changes_nothing(n_points):
    vectors = np.random.default_rng(0).normal(size=(n_points, 8))
    one, two = (project(vectors, "tsne", perplexity=10, n_iterations=30, n_jobs=n).points for n in (1, 2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize(("n_points", "given", "wanted"), [(40, {}, 1), (90, {}, -1), (40, {"n_jobs": 2}, 2)])
def test_few_points_take_one_processor(monkeypatch, n_points, given, wanted):
    """Threads of few points mostly wait for each other, which costs minutes on a busy machine."""
    monkeypatch.setattr(projection, "MANY", 90)
    vectors = np.random.default_rng(0).normal(size=(n_points, 4))
    found = project(vectors, "tsne", perplexity=5, n_iterations=2, **given)
    assert found._model.n_jobs == wanted


def test_tsne_of_one_number_each_fills_the_plane():
    vectors = np.random.default_rng(0).normal(size=(60, 1))
    found = project(vectors, "tsne", perplexity=5, n_iterations=300)
    assert found.points.std(0).min() > 1e-4 and found.transform(vectors[:2]).shape == (2, 2)


@pytest.mark.parametrize("given", ["list", "Tensor"])
def test_a_run_takes_what_project_takes(given):
    vectors = np.random.default_rng(0).normal(size=(40, 5))
    run = TSNE(vectors.tolist() if given == "list" else torch.from_numpy(vectors), 5, 10)
    assert np.array_equal(
        list(run.steps(10))[-1].points, project(vectors, "tsne", perplexity=5, n_iterations=10).points
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_iterations": 0}, "n_iterations is a whole number of at least 1"),
        ({"seed": -1}, "seed is a whole number of at least 0"),
        ({"perplexity": float("nan")}, "perplexity is a number of neighbours"),
        ({"vectors": np.full((40, 2), np.inf)}, "row 0 of vectors holds a NaN or an infinity"),
        ({"vectors": 1e-170 * np.random.default_rng(0).normal(size=(40, 2))}, "scale them first"),
        ({"vectors": 1e160 * np.random.default_rng(0).normal(size=(40, 2))}, "scale them first"),
    ],
)
def test_runs_that_cannot_be(options, said):
    with pytest.raises(InputError, match=said):
        list(TSNE(**{"vectors": np.eye(40), "perplexity": 5, **options}).steps())
    with pytest.raises(InputError, match="every is"):
        next(TSNE(np.eye(40), 5).steps(every=0))


def _stop(done):
    if done == 50:
        raise KeyboardInterrupt


def test_tsne_with_doubles_and_many_numbers():
    vectors = np.repeat(np.random.default_rng(0).normal(size=(30, 80)), 2, axis=0)
    found = project(vectors, "tsne", perplexity=5, n_iterations=100)
    assert np.isfinite(found.points).all() and found.transform(vectors[:2]).shape == (2, 2)


@pytest.mark.parametrize(
    ("vectors", "options", "said"),
    [
        (np.eye(20), {"method": "tsne"}, "perplexity of 30 needs 91 points, and there are 20: choose 1 to 6"),
        (np.eye(3), {"method": "tsne", "perplexity": 1}, "give at least 4"),
        (np.ones((50, 3)), {"method": "tsne", "perplexity": 5}, "all vectors are the same"),
        (np.eye(3), {"method": "lda"}, "'pca', 'tsne'"),
        (np.eye(1), {}, "at least 2 vectors"),
        (np.full((5, 2), np.nan), {}, "NaN"),
    ],
)
def test_errors(vectors, options, said):
    with pytest.raises(InputError, match=said):
        project(vectors, **options)


def test_a_map_takes_vectors_of_its_layer_only(clusters):
    found = project(clusters[0])
    with pytest.raises(InputError, match="vectors of 6 numbers, not 5"):
        found.transform(np.zeros((2, 5)))


def test_quality_by_hand():
    line = np.array([0.0, 1, 2.1, 3.3, 4.6, 6])[:, None]  # scikit-learn ranks equally near ones by chance
    same = np.hstack([line, line])
    folded = np.array([[0, 0], [0.1, 0], [9, 0], [8.9, 0], [0, 5.1], [0.1, 5]])
    assert neighbours_kept(line, same, k=2) == 1
    # nearest of the six on the line: 1, 0 or 2 (the first), ...; in the folded map 1, 0, 3, 2, 5, 4
    assert (
        neighbours_kept(line[[0, 5]].repeat(2, 0) + np.array([[0], [0.1], [0], [0.1]]), folded[:4], k=1) == 1
    )
    wanted = sklearn_trustworthiness(line, folded, n_neighbors=2)
    assert trustworthiness(line, folded, k=2) == pytest.approx(wanted) and wanted < 1
    assert trustworthiness(np.zeros((6, 1)), folded, k=2) == 1  # equally near ones have the same rank
    with pytest.raises(InputError, match="below half"):
        trustworthiness(line, same, k=3)
    with pytest.raises(InputError, match="5 points are no map of 6"):
        neighbours_kept(line, same[:5], k=1)


def test_a_grid_is_the_best_of_all_assignments():
    from itertools import permutations

    points = np.random.default_rng(1).normal(size=(6, 2))
    cells = grid_layout(points, (2, 3))
    assert len({tuple(cell) for cell in cells.tolist()}) == 6
    scaled = (points - points.min(0)) / np.ptp(points, axis=0)
    wanted = np.stack([1 - scaled[:, 1], 2 * scaled[:, 0]], 1)
    every = np.array([(row, column) for row in range(2) for column in range(3)])
    least = min(((wanted - every[list(order)]) ** 2).sum() for order in permutations(range(6)))
    assert ((wanted - cells) ** 2).sum() == pytest.approx(least)


def test_grids_that_cannot_be():
    with pytest.raises(InputError, match="5 points do not fit into 2 × 2"):
        grid_layout(np.zeros((5, 2)), (2, 2))
    with pytest.raises(InputError, match="project them first"):
        grid_layout(np.zeros((5, 3)))
    assert grid_layout(np.zeros((5, 2))).shape == (5, 2)  # all in one place
    with pytest.raises(InputError, match="at most 1,600"):
        grid_layout(np.zeros((5000, 2)))
    for shape, said in ((7, "shape is"), ((-2, -3), "rows is"), ((2, 2.5), "columns is")):
        with pytest.raises(InputError, match=said):
            grid_layout(np.zeros((5, 2)), shape)


def test_a_linear_probe_of_digits():
    digits, labels = load_digits(return_X_y=True)
    found = linear_probe(digits[:600], labels[:600])
    assert found.accuracy > 0.9 and found.chance < 0.2 and found.confusion.sum() == found.n_test == 180
    assert np.trace(found.confusion) / found.n_test == pytest.approx(found.accuracy)
    shuffled = np.random.default_rng(0).permutation(labels[:600])
    assert linear_probe(digits[:600], shuffled).accuracy < 0.25
    names = np.array(["even", "odd"])[labels[:600] % 2]
    assert linear_probe(digits[:600], names).classes == ("even", "odd")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 1, 1, 1], "at least two classes"),
        ([1, 1, 1, 2], "one vector only"),
        ([1, 2], "one label for each"),
        (["a", "a", "a", "b"], "the class 'b' has one"),
        ([1, 1, None, 2], "none is missing"),
        ([1, 1, float("nan"), 2], "none is missing"),
    ],
)
def test_probes_that_cannot_be(labels, said):
    with pytest.raises(InputError, match=said):
        linear_probe(np.eye(4), labels)


def test_a_class_of_which_none_is_left_to_train_on():
    with pytest.raises(InputError, match="class 1 is left to train on: give more, or a smaller test_share"):
        linear_probe(np.eye(52), [0] * 50 + [1] * 2, test_share=0.9)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_trustworthiness_is_that_of_scikit_learn(k, monkeypatch):
    rng = np.random.default_rng(k)
    vectors, points = rng.normal(size=(70, 9)) + 50, rng.normal(size=(70, 2))
    wanted = sklearn_trustworthiness(vectors, points, n_neighbors=k)
    assert trustworthiness(vectors, points, k) == pytest.approx(wanted, abs=1e-12)
    monkeypatch.setattr("cnnwidgets.core.representation.quality._CHUNK", 3 * k * 70)
    assert trustworthiness(vectors, points, k) == pytest.approx(wanted, abs=1e-12)
