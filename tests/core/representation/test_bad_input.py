"""What the representation tools do with what they are not meant for."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import nn

from cnnwidgets.core import (
    TSNE,
    Features,
    InputError,
    features,
    nearest_neighbours,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_numbers_whose_squares_are_too_large_for_single_precision(rng):
    vectors = (rng.normal(size=(50, 4)) * 1e20).astype(np.float32)
    distances = cdist(vectors.astype(float), vectors.astype(float))
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_allclose(nearest_neighbours(vectors, k=2).distances, np.sort(distances, 1)[:, :2])


def test_long_vectors_are_compared_a_few_at_a_time(rng, monkeypatch):
    vectors, sizes = rng.normal(size=(40, 20_000)).astype(np.float32), []
    norm = torch.linalg.vector_norm
    monkeypatch.setattr(
        torch.linalg,
        "vector_norm",
        lambda x, *rest, **options: sizes.append(x.numel()) or norm(x, *rest, **options),
    )
    found = nearest_neighbours(vectors, k=10)
    assert max(sizes) <= 2_000_000
    np.testing.assert_allclose(
        found.distances[:, 0], (cdist(vectors, vectors) + 1e9 * np.eye(40)).min(1), rtol=1e-5
    )


def test_the_divergence_that_is_told(rng):
    run = TSNE(rng.normal(size=(120, 10)), perplexity=10, n_iterations=500)
    *_, stage = run.steps()
    truth = run._embedding.affinities.P.toarray()
    near = 1 / (1 + cdist(stage.points, stage.points, "sqeuclidean"))
    np.fill_diagonal(near, 0)
    near /= near.sum()
    there = truth > 0
    wanted = (truth[there] * np.log(truth[there] / near[there])).sum()
    assert stage.divergence == pytest.approx(wanted, rel=0.02)


def test_damaged_files(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    features(net, torch.randn(40, 3, 5, 6)).save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    for content in (whole[: len(whole) // 2], b"", whole[:300] + bytes(60) + whole[360:]):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(InputError, match="holds no features"):
            Features.load(tmp_path / "broken.npz")
