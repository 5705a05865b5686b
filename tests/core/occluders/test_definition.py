"""Zeiler and Fergus's definition: where the squares are, what they cover, what is noted; by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnnwidgets.core import occlusion

ENGINES = ["incremental", "plain", "auto"]


class Sums(nn.Module):
    """Two classes: the sum of all pixels, and zero. The probability is that of a coin."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.conv.weight)

    def forward(self, x):
        x = self.conv(x).sum((2, 3))
        return torch.cat([x, torch.zeros_like(x)], 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_by_hand(engine):
    """3 x 4 pixels, squares of 2 x 2 at each, which reach one pixel down and to the right."""
    x = torch.tensor([[[[1.0, 2, 0, 0], [0, 3, 0, 1], [5, 0, 0, 0]]]]) / 4
    found = occlusion(Sums(), x, 0, size=2, stride=1, fill=0, engine=engine)
    covered = torch.tensor([[6.0, 5, 1, 1], [8, 3, 1, 1], [5, 0, 0, 0]])
    torch.testing.assert_close(found.score, (12 - covered)[None] / 4)
    torch.testing.assert_close(found.probability, ((12 - covered)[None] / 4).sigmoid())
    assert found.baseline.tolist() == pytest.approx([1 / (1 + math.exp(-3))])
    assert found.baseline_score.tolist() == [3]
    torch.testing.assert_close(found.drop, found.baseline[:, None, None] - found.probability)
    assert found.rows.tolist() == [0, 1, 2] and found.columns.tolist() == [0, 1, 2, 3]
    assert found.positions.tolist() == [[i, j] for i in range(3) for j in range(4)]
    assert (found.size, found.stride, found.image_size) == ((2, 2), (1, 1), (3, 4))
    assert found.computed.dtype == torch.bool and found.computed.shape == (1, 3, 4) and found.computed.all()
    assert found.label.tolist() == [[[0] * 4] * 3] and found.baseline_label.tolist() == [0]
    assert found.activity is None and found.baseline_activity is None and found.channel is None
    assert found.error is None and found.precision == "exact"


def captum_tiny() -> nn.Module:
    """``captum.testing.helpers.basic_models.BasicModel_ConvNet_One_Conv``, from its description."""
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4, bias=False), nn.ReLU()
    ).requires_grad_(False)
    net[0].weight.fill_(1)
    net[0].bias[:] = torch.tensor([-50.0, -75])
    net[3].weight[:] = torch.tensor([1.0, 1, 1, 1, 1, -1, -1, -1])
    return net


@pytest.mark.parametrize("engine", ENGINES)
def test_the_numbers_that_captum_publishes(engine):
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    found = occlusion(captum_tiny(), x, 0, size=2, stride=2, fill=0, engine=engine)
    assert found.baseline_score.tolist() == [54]
    assert (found.baseline_score[:, None, None] - found.score).tolist() == [[[7, 4], [36, 47]]]
    assert found.rows.tolist() == found.columns.tolist() == [0, 2]


class Pixels(nn.Module):
    """Each pixel of the first channel is a class: shows what the network was given."""

    def forward(self, x):
        return x[:, 0].flatten(1)


@given(
    image=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    stride=st.tuples(st.integers(1, 11), st.integers(1, 11)),
)
def test_the_very_pixels_of_every_square(covered, lattice, image, size, stride):
    """Also larger than the image, and with strides that go beyond it."""
    height, width = image
    x = torch.zeros(1, 1, height, width)
    pixels = list(range(height * width))
    shown = occlusion(Pixels(), x, [pixels], size=size, stride=stride, fill=1.0).score[0].movedim(0, -1)
    for i, row in enumerate(lattice(height, stride[0])):
        for j, column in enumerate(lattice(width, stride[1])):
            assert torch.equal(shown[i, j].reshape(height, width) == 1, covered(row, column, size, image))


@given(length=st.integers(1, 400), stride=st.integers(1, 450))
def test_the_lattice_lies_in_the_middle(length, stride):
    x = torch.zeros(1, 1, 1, length)
    found = occlusion(Pixels(), x, 0, size=1, stride=stride, engine="plain").columns
    before, after = int(found[0]), length - 1 - int(found[-1])
    assert 0 <= after - before <= 1  # no nearer to one end than to the other, but for half a pixel
    assert found.diff().eq(stride).all()
    assert len(found) == math.ceil(length / stride)
    if stride == 1:
        assert found.tolist() == list(range(length))


def test_one_number_is_a_square_and_two_are_rows_and_columns():
    x = torch.rand(1, 1, 8, 12, generator=torch.Generator().manual_seed(0))
    one, two = (occlusion(Sums(), x, 0, size=s, stride=t) for s, t in ((3, 4), ((3, 3), (4, 4))))
    assert torch.equal(one.probability, two.probability)
    assert (one.size, one.stride) == (two.size, two.stride) == ((3, 3), (4, 4))
    other = occlusion(Sums(), x, 0, size=(5, 3), stride=(2, 6))
    assert (len(other.rows), len(other.columns)) == (4, 2)


def test_defaults():
    x = torch.rand(1, 1, 40, 33, generator=torch.Generator().manual_seed(0))
    found = occlusion(Sums(), x, 0)
    assert (found.size, found.stride, found.precision) == ((32, 32), (8, 8), "exact")
    assert torch.equal(found.probability, occlusion(Sums(), x, 0, 32, 8, 0.0, "exact").probability)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_square_over_the_whole_image_gives_one_answer(engine, net, x):
    found = occlusion(net, x, 1, size=99, stride=5, fill=0.3, engine=engine)
    with torch.no_grad():
        wanted = net(torch.full_like(x[:1], 0.3)).softmax(1)[0, 1]
    torch.testing.assert_close(found.probability, wanted.expand_as(found.probability), atol=1e-10, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_square_that_shows_the_image_itself_changes_nothing(engine, net, x):
    found = occlusion(net, x, 1, size=7, stride=4, fill=x, engine=engine)
    torch.testing.assert_close(
        found.probability, found.baseline[:, None, None].expand_as(found.probability), atol=1e-10, rtol=0
    )


def test_the_smooth_picture_goes_through_the_values_at_their_places(net, x):
    """For display: as large as the image, equal to the map at the centres, between its extremes elsewhere."""
    found = occlusion(net, x, [1, 3], size=7, stride=5)
    smooth = found.upsampled()
    assert smooth.shape == x[:, 0].shape
    at_centres = smooth[:, found.rows][:, :, found.columns]
    torch.testing.assert_close(at_centres, found.probability, atol=1e-6, rtol=0)
    for one, other in zip(smooth, found.probability, strict=True):
        assert other.min() - 1e-9 <= one.min() and one.max() <= other.max() + 1e-9
    # beyond the outermost centres, the nearest one counts
    torch.testing.assert_close(smooth[:, 0, 0], found.probability[:, 0, 0], atol=1e-6, rtol=0)
    several = occlusion(net, x, [[1, 2], [3, 0]], size=7, stride=5)
    assert several.upsampled().shape == (2, 2, *x.shape[2:])
    torch.testing.assert_close(several.upsampled()[:, 0], smooth, atol=1e-9, rtol=0)
    dense = occlusion(net, x[:1], 1, size=7, stride=1)
    torch.testing.assert_close(dense.upsampled(), dense.probability, atol=1e-9, rtol=0)
