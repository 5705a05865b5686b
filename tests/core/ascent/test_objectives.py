"""Objectives by hand, on small activations; and their errors."""

import numpy as np
import pytest
import torch
from torch import Tensor

from cnnwidgets.core import (
    InputError,
    LayerError,
    Objective,
    TargetError,
    activity,
    class_score,
    direction,
    diversity,
    likeness,
    nearness,
    unit,
)
from cnnwidgets.core.ascent.objectives import Seen

# two images, two channels of 1 x 3 places
MAPS = torch.tensor([[[[1.0, 2, 3]], [[0, -1, 4]]], [[[5, 5, 5]], [[2, 0, 1]]]])
VECTORS = torch.tensor([[1.0, -2, 0], [3, 4, 0]])
SCORES = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
SEEN = Seen(SCORES, {"maps": MAPS, "vectors": VECTORS})


def value(objective: Objective, seen: Seen = SEEN) -> list:
    return objective(seen).tolist()


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_scores_of_classes(kind):
    assert value(class_score(kind([2, 0]))) == [3, 4]
    assert value(class_score(kind([1])[0])) == [2, 5]


def test_units():
    assert value(unit("maps", 0)) == [2, 5]
    assert value(unit("maps", [1, 0])) == [1, 5]
    assert value(unit("maps", np.int64(1), (0, 2))) == [4, 1]
    assert value(unit("vectors", [1, 0])) == [-2, 3]


def test_directions():
    assert value(direction("maps", torch.tensor([1.0, 10]))) == [2 + 10, 5 + 10]
    assert value(direction("maps", torch.tensor([1, 10]), (0, 1))) == [2 - 10, 5]
    assert value(direction("vectors", [1.0, 0, 7])) == [1, 3]


def test_activity_is_half_the_squared_norm():
    assert value(activity("maps")) == [(1 + 4 + 9 + 1 + 16) / 2, (75 + 5) / 2]
    assert value(activity("maps", 1)) == [17 / 2, 5 / 2]
    assert value(activity("vectors")) == [5 / 2, 25 / 2]
    assert value(activity("vectors", 1)) == [4 / 2, 16 / 2]


def test_nearness_is_relative_to_what_is_wanted():
    wanted = torch.tensor([[[[1.0, 2, 3]], [[0, -1, 2]]]])
    assert value(nearness("maps", wanted)) == pytest.approx([-4 / 19, -(16 + 9 + 4 + 4 + 1 + 1) / 19])
    assert value(nearness("maps", MAPS)) == [0, 0]
    assert value(nearness("vectors", 2 * VECTORS)) == [-1 / 4, -1 / 4]


def test_likeness_is_to_the_most_alike_place_of_the_guide():
    """Places of the guide: (1, 0), (0, 2), (-1, -1)."""
    guide = torch.tensor([[[1.0, 0, -1]], [[0, 2, -1]]])
    # products of (1 0), (2 -1), (3 4) and (5 2), (5 0), (5 1) with each of the three
    first = max(1, 0, -1) + max(2, -2, -1) + max(3, 8, -7)
    second = max(5, 4, -7) + max(5, 0, -5) + max(5, 2, -6)
    assert value(likeness("maps", guide)) == value(likeness("maps", guide[None])) == [first, second]
    assert value(likeness("vectors", torch.tensor([2.0, 1, 0]))) == [0, 10]


def test_likeness_in_parts_is_the_same(monkeypatch):
    random = torch.Generator().manual_seed(0)
    maps, guide = torch.randn(2, 5, 7, 9, generator=random), torch.randn(5, 6, 4, generator=random)
    seen = Seen(None, {"maps": maps})
    whole = likeness("maps", guide)(seen)
    monkeypatch.setattr("cnnwidgets.core.ascent.objectives._AT_ONCE", 24 * 2 * 10)
    torch.testing.assert_close(likeness("maps", guide)(seen), whole)


def test_the_gradient_of_likeness_is_the_guide():
    maps = MAPS.clone().requires_grad_()
    guide = torch.tensor([[[1.0, 0, -1]], [[0, 2, -1]]])
    (slope,) = torch.autograd.grad(likeness("maps", guide)(Seen(None, {"maps": maps})).sum(), maps)
    assert slope.tolist() == [[[[1, 1, 0]], [[0, 0, 2]]], [[[1, 1, 1]], [[0, 0, 0]]]]


def test_diversity_by_hand():
    """Gram matrices of (1 0), (0 1) and (1 1): cosines 0, 1/2 and 1/2."""
    maps = torch.tensor([[1.0, 0], [0, 1], [1, 1]])[:, :, None, None]
    assert value(diversity("maps"), Seen(None, {"maps": maps})) == pytest.approx([-1 / 4, -1 / 4, -1 / 2])
    assert value(diversity("maps"), Seen(None, {"maps": maps[:, :, 0, 0]})) == pytest.approx(
        [-1 / 4, -1 / 4, -1 / 2]
    )
    # where in the image it is does not matter, nor how strong
    turned = torch.stack([MAPS[0], 5 * MAPS[0].flip(2)])
    assert value(diversity("maps"), Seen(None, {"maps": turned})) == pytest.approx([-1, -1])


def test_sums_and_multiples():
    both = class_score(0) + 2 * unit("maps", 1) - class_score([1, 1]) * 0.5
    assert value(both) == [1 + 2 - 1, 4 + 2 - 2.5]
    assert both.layers == ("maps",) and both.needs_scores
    assert both.name == "class 0 + 2 × maps channel 1 - 0.5 × class 1, 1"
    assert not (unit("a", 1) + unit("b", 1)).needs_scores
    assert (unit("a", 1) + unit("b", 1) + unit("a", 2)).layers == ("a", "b")
    assert value(sum([unit("maps", 0), unit("maps", 1)])) == [3, 6]
    assert value(-unit("maps", 0)) == [-2, -5]
    assert (unit("a", 1) - (unit("a", 2) + unit("b", 1))).name == "a channel 1 - (a channel 2 + b channel 1)"
    assert (3 * (unit("a", 1) + unit("b", 2))).name == "3 × (a channel 1 + b channel 2)"
    for nonsense in (
        lambda: unit("a", 1) + 3,
        lambda: unit("a", 1) * unit("b", 1),
        lambda: "2" * unit("a", 1),
    ):
        with pytest.raises(TypeError):
            nonsense()


def test_half_of_it_is_not_another_object():
    """Multiples do not change what they are made of."""
    one = unit("maps", 0)
    twice = 2 * one
    assert value(one) == [2, 5] and value(twice) == [4, 10]


def test_tensors_that_are_given_may_be_changed_afterwards():
    guide, vector, wanted = torch.ones(2, 1, 3), torch.ones(2), torch.ones(1, 2, 1, 3)
    made = [likeness("maps", guide), direction("maps", vector), nearness("maps", wanted)]
    before = [value(each) for each in made]
    for tensor in (guide, vector, wanted):
        tensor.zero_()
    assert [value(each) for each in made] == before


@pytest.mark.parametrize(
    ("objective", "error", "said"),
    [
        (class_score(3), TargetError, "the network has 0 to 2"),
        (class_score(-1), TargetError, "the network has 0 to 2"),
        (class_score([0, 1, 2]), TargetError, "3 targets do not fit 2 images"),
        (class_score([]), TargetError, "target is a class number"),
        (class_score(1.5), TargetError, "target is a class number"),
        (class_score([[0, 1], [1, 2]]), TargetError, "add objectives for several"),
        (unit("maps", 2), LayerError, "channels 0 to 1, not 2"),
        (unit("maps", -1), LayerError, "channels 0 to 1, not -1"),
        (unit("maps", [0, 1, 0]), LayerError, "3 channels do not fit 2 images"),
        (unit("maps", 0, (1, 0)), InputError, "rows go from 0 to 0, columns from 0 to 2"),
        (unit("maps", 0, (0, -1)), InputError, "rows go from 0 to 0"),
        (unit("vectors", 0, (0, 0)), InputError, "have no position: leave it out"),
        (direction("maps", torch.ones(3)), InputError, "has 2 numbers, one for each channel"),
        (direction("maps", torch.ones(2, 2)), InputError, r"this one has shape \(2, 2\)"),
        (activity("maps", 5), LayerError, "channels 0 to 1, not 5"),
        (likeness("maps", torch.ones(3, 1, 1)), InputError, "has 2 channels"),
        (likeness("maps", torch.ones(2, 2, 1, 1)), InputError, "has 2 channels"),
        (nearness("maps", torch.ones(1, 2, 1, 4)), InputError, r"\(1, 2, 1, 4\) is wanted"),
        (nearness("maps", torch.ones(3, 2, 1, 3)), InputError, r"\(3, 2, 1, 3\) is wanted"),
        (
            Objective(lambda seen: seen.scores, needs_scores=True),
            InputError,
            "one number for each of the 2 images",
        ),
        (
            Objective(lambda seen: 3.0, ("maps",)),
            InputError,
            "one number for each of the 2 images, not float",
        ),
    ],
)
def test_what_cannot_be(objective, error, said):
    with pytest.raises(error, match=said):
        objective(SEEN)


def test_what_can_never_be():
    with pytest.raises(InputError, match="all zero for this image"):
        nearness("maps", torch.zeros(1, 2, 1, 3))
    with pytest.raises(InputError, match="asks for the activations of some layers, or for the scores"):
        Objective(lambda seen: torch.zeros(2))
    with pytest.raises(InputError, match="at least 2 images"):
        diversity("maps")(Seen(None, {"maps": MAPS[:1]}))


def test_made_under_inference_mode():
    with torch.inference_mode():
        vector: Tensor = torch.ones(2)
        made = [
            direction("maps", vector),
            likeness("maps", vector[:, None, None] + 0),
            nearness("maps", MAPS[:1] + 1),
        ]
    for objective in made:
        maps = MAPS.clone().requires_grad_()
        (slope,) = torch.autograd.grad(objective(Seen(None, {"maps": maps})).sum(), maps)
        assert slope.abs().max() > 0
