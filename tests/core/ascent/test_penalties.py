"""Penalties by hand, and their slopes."""

import pytest
import torch

from cnnwidgets.core import InputError, Norm, SquaredNorm, TotalVariation


def images():
    return torch.tensor(
        [[[[1.0, 3, 0], [2, 2, -3]]], [[[0, 0, 0], [0, 0, 2]]]], dtype=torch.float64, requires_grad=True
    )


def test_norms_by_hand():
    assert SquaredNorm(0.5)(images()).tolist() == [0.5 * (1 + 9 + 4 + 4 + 9), 2]
    assert Norm(1, alpha=3)(images()).tolist() == [1 + 27 + 8 + 8 + 27, 8]
    assert Norm(2, alpha=1)(images()).tolist() == [2 * 11, 4]


def test_total_variation_by_hand():
    """Differences to the right 2 -3 / 0 -5 and down 1 -1 -3; in the second image 2 / 2."""
    assert TotalVariation(1)(images()).tolist() == [4 + 9 + 25 + 1 + 1 + 9, 4 + 4]
    assert TotalVariation(0.5, beta=4)(images()).tolist() == pytest.approx(
        # each pixel with its right and its lower neighbour: (4 + 1, 9 + 1, 9) / (0, 25, 0)
        [0.5 * (25 + 100 + 81 + 625), 0.5 * (16 + 16)]
    )
    found = TotalVariation(1, beta=1)(images()).tolist()
    assert found == pytest.approx([5**0.5 + 10**0.5 + 3 + 5, 2 + 2], abs=1e-5)


def test_a_shift_of_all_colours_changes_no_variation():
    found = TotalVariation(1, 1.5)(images()), TotalVariation(1, 1.5)(images() + 7)
    torch.testing.assert_close(*found)


@pytest.mark.parametrize(
    "penalty", [SquaredNorm(0.3), Norm(0.3), TotalVariation(0.3), TotalVariation(0.3, 1.5)]
)
def test_slopes_are_those_of_small_differences(penalty):
    assert torch.autograd.gradcheck(penalty, images())


def test_the_closed_form_is_the_slope():
    x = images()
    (slope,) = torch.autograd.grad(SquaredNorm(0.3)(x).sum(), x)
    torch.testing.assert_close(SquaredNorm(0.3).gradient(x.detach()), slope)
    assert SquaredNorm(0.5).gradient(x.detach())[0].flatten().tolist() == [1, 3, 0, 2, 2, -3]


@pytest.mark.parametrize("penalty", [Norm(1, 1), TotalVariation(1, 1), TotalVariation(1, 1.5)])
def test_a_plain_image_has_a_finite_slope(penalty):
    x = torch.zeros(1, 3, 4, 5, requires_grad=True)
    (slope,) = torch.autograd.grad(penalty(x).sum(), x)
    assert slope.isfinite().all()


def test_one_row_or_one_column():
    line = torch.tensor([[[[1.0, 4, 2]]]])
    for x in (line, line.transpose(2, 3)):
        assert TotalVariation(1)(x).tolist() == [13]
        assert TotalVariation(1, 1)(x).tolist() == pytest.approx([5], abs=1e-4)


@pytest.mark.parametrize(
    ("penalty", "said"),
    [
        (SquaredNorm(float("nan")), "weight of a penalty is 0 or more, not nan"),
        (Norm(-1), "weight"),
        (Norm(1, 0.5), "alpha is 1 or more"),
        (TotalVariation(float("inf")), "weight"),
        (TotalVariation(1, 0.5), "beta is 1 or more"),
    ],
)
def test_settings_that_cannot_be(penalty, said):
    with pytest.raises(InputError, match=said):
        penalty(images())
