from collections import OrderedDict, namedtuple

import pytest
import torch

from cnnwidgets.core import NetworkError, class_scores

scores = torch.arange(12.0).reshape(3, 4)
Heads = namedtuple("Heads", ["aux", "logits"])


@pytest.mark.parametrize(
    "output",
    [
        scores,
        (scores, None),
        [scores, torch.zeros(3, 9)],
        Heads(torch.zeros(3, 9), scores),
        {"aux": torch.zeros(3, 9), "logits": scores},
        OrderedDict(aux=torch.zeros(3, 9), out=scores),
        {"scores": scores},
    ],
    ids=["tensor", "tuple", "list", "named tuple", "logits", "out", "scores"],
)
def test_scores_are_found_and_not_copied(output):
    assert class_scores(output) is scores


def test_one_by_one_maps_are_flattened_and_gradients_flow():
    maps = torch.randn(2, 5, 1, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(class_scores(maps)[0, 3], maps)
    assert gradient.nonzero().tolist() == [[0, 3, 0, 0]]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "NoneType"),
        ((), "tuple"),
        ({"boxes": scores}, "'boxes'"),
        ({}, "(none)"),
        (torch.zeros(2, 21, 8, 8), "(2, 21, 8, 8)"),
        (torch.zeros(5), "(5,)"),
        (torch.zeros(2, 5, dtype=torch.int64), "int64"),
    ],
)
def test_anything_else_says_what_it_is_and_what_to_do(output, said):
    with pytest.raises(NetworkError, match="wrap it in a module") as error:
        class_scores(output)
    assert said in str(error.value)
