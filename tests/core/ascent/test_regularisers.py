"""Decay, blur and clips: on small arrays by hand, against SciPy and NumPy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from cnnwidgets.core import ClipContribution, ClipNorm, Decay, GaussianBlur, InputError

NOTHING = torch.zeros(1)


def image(values):
    """One grey image (1, 1, H, W)."""
    return torch.tensor(values, dtype=torch.float64)[None, None]


def test_decay_shrinks_by_its_part():
    assert Decay(0.25)(image([[4, -8], [0, 2]]), NOTHING, 1).tolist() == [[[[3, -6], [0, 1.5]]]]
    assert Decay(1)(image([[4]]), NOTHING, 1).tolist() == [[[[0]]]]


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.7, 14])
def test_blur_is_scipys(sigma):
    x = torch.randn(2, 3, 9, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = GaussianBlur(sigma, every=1)(x, NOTHING, 1)
    for n in range(2):
        for channel in range(3):
            wanted = gaussian_filter(x[n, channel].numpy(), sigma, mode="nearest")
            np.testing.assert_allclose(found[n, channel], wanted, atol=1e-12)


def test_blur_comes_every_nth_step():
    x = image(np.eye(5))
    blur = GaussianBlur(1.0, every=3)
    assert [torch.equal(blur(x, NOTHING, step), x) for step in range(1, 8)] == [
        *(True, True, False),
        *(True, True, False),
        True,
    ]
    assert GaussianBlur(0, every=1)(x, NOTHING, 1) is x


def test_blur_keeps_a_plain_colour_and_single_precision():
    x = torch.full((1, 1, 1, 7), 3.5)
    found = GaussianBlur(2.0, 1)(x, NOTHING, 1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, x)


def two_channels():
    """Norms 5 10 1 / 0 13 2."""
    return torch.tensor([[[[3.0, 6, 1], [0, 5, 0]], [[4, -8, 0], [0, -12, 2]]]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("percentile", "kept"),
    [
        (0, [[1, 1, 1], [1, 1, 1]]),
        (1, [[1, 1, 1], [0, 1, 1]]),  # between the smallest and the next
        (20, [[1, 1, 1], [0, 1, 1]]),  # the second smallest is the percentile, and not below it
        (30, [[1, 1, 0], [0, 1, 1]]),
        (50, [[1, 1, 0], [0, 1, 0]]),
        (80, [[0, 1, 0], [0, 1, 0]]),
        (100, [[0, 0, 0], [0, 1, 0]]),
    ],
)
def test_pixels_of_small_norm(percentile, kept):
    x = two_channels()
    assert torch.equal(ClipNorm(percentile)(x, NOTHING, 1), x * torch.tensor(kept))


def test_pixels_of_small_contribution():
    """Contributions |3 - 4|, |6 + 8|, |2| / 0, |5 + 12|, |-6|: not the sum of absolute products."""
    gradient = torch.tensor([[[[1.0, 1, 2], [9, 1, 9]], [[-1, -1, 0], [9, -1, -3]]]], dtype=torch.float64)
    x = two_channels()
    kept = torch.tensor([[0, 1, 0], [0, 1, 1]])
    assert torch.equal(ClipContribution(50)(x, gradient, 1), x * kept)
    assert torch.equal(ClipContribution(50)(x, -gradient, 1), x * kept)


def test_equal_pixels_stay_or_go_together():
    x = image([[1, 2, 2, 2], [2, 2, 2, 9]])
    assert ClipNorm(50)(x, NOTHING, 1).tolist() == [[[[0, 2, 2, 2], [2, 2, 2, 9]]]]
    assert ClipNorm(90)(x, NOTHING, 1).tolist() == [[[[0, 0, 0, 0], [0, 0, 0, 9]]]]
    same = torch.full((1, 1, 2, 3), 0.5)
    for percentile in (30, 100):
        assert torch.equal(ClipNorm(percentile)(same, NOTHING, 1), same)


@pytest.mark.parametrize("percentile", [0.5, 7, 33.3, 50, 66.7, 99.9])
def test_the_percentile_is_numpys_of_each_image(percentile):
    x = torch.randn(2, 3, 11, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[1] *= 100
    found = ClipNorm(percentile)(x, NOTHING, 1)
    for one, clipped in zip(x.numpy(), found.numpy(), strict=True):
        norms = np.linalg.norm(one, axis=0)
        np.testing.assert_array_equal(clipped, one * (norms >= np.percentile(norms, percentile)))


@pytest.mark.parametrize(
    ("regulariser", "said"),
    [
        (Decay(1.5), "theta is from 0 to 1, not 1.5"),
        (Decay(float("nan")), "theta"),
        (GaussianBlur(-1), "sigma is from 0 to 2 pixels, the longer side of the image, not -1"),
        (GaussianBlur(2.1), "sigma"),
        (GaussianBlur(float("nan")), "sigma"),
        (GaussianBlur(1, every=0), "every is a whole number of at least 1"),
        (GaussianBlur(1, every=1.5), "every is a whole number of at least 1"),
        (ClipNorm(101), "percentile is from 0 to 100, not 101"),
        (ClipContribution(-1), "percentile"),
        (ClipContribution(float("nan")), "percentile"),
    ],
)
def test_settings_that_cannot_be(regulariser, said):
    with pytest.raises(InputError, match=said):
        regulariser(image([[1, 2]]), image([[1, 2]]), 4)
