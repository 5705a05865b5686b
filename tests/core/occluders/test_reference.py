"""The reference itself, by hand; and that the networks of these tests depend on the square at all."""

import pytest
import torch
from torch import nn


@pytest.mark.parametrize(
    ("centre", "size", "rows", "columns"),
    [
        ((2, 3), (1, 1), [2], [3]),
        ((2, 3), (3, 3), [1, 2, 3], [2, 3, 4]),
        ((2, 3), (2, 4), [2, 3], [2, 3, 4, 5]),  # even: one more after the centre
        ((0, 0), (5, 3), [0, 1, 2], [0, 1]),  # clipped
        ((4, 6), (4, 4), [3, 4], [5, 6]),
        ((2, 3), (9, 99), [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_pixels_of_a_square(covered, centre, size, rows, columns):
    inside = covered(*centre, size, (5, 7))
    assert [(i, j) for i, j in inside.nonzero().tolist()] == [(i, j) for i in rows for j in columns]


@pytest.mark.parametrize(
    ("length", "stride", "centres"),
    [
        (5, 1, [0, 1, 2, 3, 4]),
        (8, 2, [0, 2, 4, 6]),
        (8, 4, [1, 5]),
        (9, 4, [0, 4, 8]),
        (10, 4, [0, 4, 8]),
        (7, 7, [3]),
        (7, 30, [3]),
        (8, 30, [3]),
        (1, 1, [0]),
    ],
)
def test_lattice(lattice, length, stride, centres):
    assert lattice(length, stride) == centres


def test_reference_by_hand(reference):
    """Two classes: the sum of the left half and that of the right half of 2 x 4 pixels."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(8, 2, bias=False))
    net[1].weight.data = torch.tensor([[1.0, 1, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0, 1, 1]])
    x = torch.tensor([[[[1.0, 2, 3, 4], [5, 6, 7, 8]]], [[[0.0, 0, 0, 0], [1, 1, 1, 1]]]])
    truth = reference(net, x, (1, 2), (1, 2), pixels=10.0)
    assert (truth.rows, truth.columns) == ([0, 1], [0, 2])
    assert truth.baseline.tolist() == [[14, 22], [2, 2]]
    assert truth.scores[0].tolist() == [[[31, 22], [14, 35]], [[23, 22], [14, 27]]]
    assert truth.scores[1].tolist() == [[[22, 2], [2, 22]], [[20, 2], [2, 20]]]
    assert truth.of(truth.scores, [0, 1]).tolist() == [[[31, 14], [23, 14]], [[2, 22], [2, 20]]]
    assert truth.of(truth.scores, [[1, 0], [0, 0]]).shape == (2, 2, 2, 2)
    assert truth.of(truth.scores, [[1, 0], [0, 0]])[0, 1].tolist() == [[31, 14], [23, 14]]


def test_what_is_shown_there_is_in_its_own_place(reference):
    net = nn.Flatten()
    x, pixels = torch.arange(6.0).reshape(1, 1, 2, 3), -torch.arange(6.0).reshape(1, 1, 2, 3)
    truth = reference(net, x, 2, at=([0, 1], [1]), pixels=pixels)
    assert truth.scores[0, :, 0].tolist() == [[0, -1, -2, 3, -4, -5], [0, 1, 2, 3, -4, -5]]


def test_sums_over_feature_maps(reference):
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net[0].weight.data = torch.tensor([1.0, -2]).reshape(2, 1, 1, 1)
    x = torch.tensor([[[[1.0, 2], [3, 4]]], [[[-1.0, -2], [-3, -4]]]])
    truth = reference(net, x, 1, layer="0")
    assert truth.baseline_activity.tolist() == [[10, -20], [-10, 20]]
    assert truth.strongest.tolist() == [0, 1]
    assert truth.activity[0, ..., 0].tolist() == [[9, 8], [7, 6]]


def test_the_networks_of_these_tests_respond_to_the_square(small, reference, pictures):
    x = pictures(2, 24, 33)
    net = small(x)
    probability = reference(net, x, 9, 8).probability
    assert (probability.amax((1, 2)) - probability.amin((1, 2))).amax(1).min() > 0.05
    assert 0.01 < probability.amin() and probability.amax() < 0.99


def test_random_weights_as_they_come_show_nothing(architecture, ten_classes, reference, responsive, pictures):
    """With them, an engine that leaves the square away would be right to 1e-4."""
    x = pictures(1, 48, 40)
    net = ten_classes(architecture("resnet18"))

    def spread():
        probability = reference(net, x, 13, 8).probability
        return (probability.amax((1, 2)) - probability.amin((1, 2))).max()

    assert spread() < 1e-4
    responsive(net, x)
    assert spread() > 0.05
