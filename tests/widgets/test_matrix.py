import numpy as np
import pytest
import torch
import traitlets as t

from cnnwidgets.render import lut
from cnnwidgets.widgets._assets import STATIC
from cnnwidgets.widgets._matrix import Matrix, matrix_css, short
from cnnwidgets.widgets._matrix_picture import HATCHES, NEGATIVE, POSITIVE, Drawn, matrices_picture, tint


class Holder(t.HasTraits):
    numbers = Matrix([[1, -2], [0, 3]], largest=4)
    maybe = Matrix(None, allow_none=True)


@pytest.mark.parametrize(
    "kind", [list, tuple, np.array, torch.tensor, lambda rows: np.array(rows, np.int8), np.float64]
)
def test_whatever_has_rows_is_kept_as_lists(kind):
    rows = [[1, 2, -3], [0, 5, 6]]
    holder = Holder(numbers=kind(rows))
    assert holder.numbers == rows and type(holder.numbers[0]) is list and type(holder.numbers[0][0]) is int


def test_fractions_stay_and_whole_numbers_read_well():
    assert repr(Holder(numbers=[[0.5, 2.0]]).numbers) == "[[0.5, 2]]"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([[1, 2], [3]], "rows of numbers, all of the same length"),
        ([1, 2], "rows of numbers"),
        (3, "rows of numbers"),
        ([["a"]], "rows of numbers"),
        (None, "rows of numbers"),
        (np.zeros((2, 2, 2)), "rows of numbers"),
        ([[]], "1 to 4 rows and columns, not 1 × 0"),
        (np.zeros((2, 5)), "1 to 4 rows and columns, not 2 × 5"),
        ([[1, np.nan]], "finite numbers"),
        ([[np.inf]], "finite numbers"),
    ],
)
def test_what_is_no_matrix_changes_nothing(value, told):
    holder = Holder()
    with pytest.raises(t.TraitError, match=f"numbers must .*{told}"):
        holder.numbers = value
    assert holder.numbers == [[1, -2], [0, 3]]


def test_each_has_its_own_default():
    one, other = Holder(), Holder()
    one.numbers[0][0] = 9
    assert other.numbers == [[1, -2], [0, 3]] and other.maybe is None
    other.maybe = [[1]]
    other.maybe = None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"), (-2, "−2"), (0, "0"), (-0.0, "0"), (0.1 + 0.2, "0.3"), (-1.337, "−1.34"), (100, "100"),
        (0.001, "1e-3".replace("-", "−")), (123456, "1e5"), (-2.5e-7, "−2e−7"), (9999, "9999"),
    ],
)  # fmt: skip
def test_short_numbers(value, text):
    assert short(value) == text


def test_colours_are_those_of_the_diverging_map():
    assert tint(0, 3) == (255, 255, 255) and tint(1, 0) == (255, 255, 255)
    red, blue = tint(3, 3), tint(-3, 3)
    assert red[0] > red[2] + 50 and blue[2] > blue[0] + 50
    assert (POSITIVE, NEGATIVE) == (tuple(lut("RdBu_r")[230]), tuple(lut("RdBu_r")[25]))
    code = matrix_css("relu_rules")
    for colour in ("#{:02x}{:02x}{:02x}".format(*each) for each in (POSITIVE, NEGATIVE)):
        assert colour in code
    for colour in HATCHES.values():
        assert colour in (STATIC / "relu_rules.css").read_text()


def colours_in(picture):
    return {colour for _, colour in picture.getcolors(1 << 24)}


def test_a_picture_tints_numbers_and_leaves_later_ones_empty():
    values = np.array([[2.0, np.nan], [-2.0, 0.0]])
    one = matrices_picture([[Drawn("m", values)]])
    assert {tint(2, 2), tint(-2, 2)} <= colours_in(one)
    other = matrices_picture(
        [[Drawn("m", values, frame=(0, 0, 1, 1), hatched=[["f", ""], ["", "r"]])]], "told"
    )
    assert other.height > one.height and tint(2, 2) not in colours_in(other)
