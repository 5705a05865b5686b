"""Captum's ``Occlusion`` where the definitions meet: squares side by side, scores before softmax."""

import pytest
import torch
from captum.attr import Occlusion

from cnnwidgets.core import Occluder, occlusion


def attributions(net, x, target, size, fill=0.0, strides=None):
    """Score lost under each square, at each pixel (N, H, W)."""
    window, strides = (x.shape[1], *size), (x.shape[1], *(strides or size))
    found = Occlusion(net.eval()).attribute(x, window, strides, fill, target, perturbations_per_eval=4)
    return found[:, 0]


@pytest.mark.parametrize("engine", ["incremental", "plain", "auto"])
@pytest.mark.parametrize("size", [(4, 4), (3, 6), (1, 16), (24, 2)])
def test_squares_side_by_side(size, engine, small, pictures):
    """The stride is the size, and the size divides the image: each pixel lies in one square."""
    x = pictures(2, 24, 48).double()
    net = small(x)
    found = occlusion(net, x, [3, 1], size, size, 0.25, engine=engine)
    lost = found.baseline_score[:, None, None] - found.score
    theirs = attributions(net, x, torch.tensor([3, 1]), size, 0.25)
    ours = lost.repeat_interleave(size[0], 1).repeat_interleave(size[1], 2)
    torch.testing.assert_close(ours, theirs.to(ours), atol=1e-6, rtol=0)  # Captum sums in single precision
    assert ours.std() > 0.01


def test_a_real_network(architecture, ten_classes, responsive, pictures):
    x = pictures(1, 64, 64)
    net = responsive(ten_classes(architecture("resnet18")), x)
    found = occlusion(net, x, 3, 16, 16, engine="incremental")
    lost = found.baseline_score[:, None, None] - found.score
    lost = lost.repeat_interleave(16, 1).repeat_interleave(16, 2)
    torch.testing.assert_close(lost, attributions(net, x, 3, (16, 16)), atol=2e-5, rtol=0)


def test_their_squares_are_ours_around_other_centres(small, pictures):
    """Captum counts from the top left corner, and clips on the right and below only."""
    x = pictures(1, 20, 35).double()
    net = small(x)
    size, stride, seen = 7, 5, []

    def forward(pictures):
        seen.append(pictures.clone())
        return net(pictures)

    Occlusion(forward).attribute(x, (3, size, size), (3, stride, stride), 0.0, target=1)
    given = torch.cat(seen)[1:]  # the first one is the unoccluded picture
    rows = [top + (size - 1) // 2 for top in range(0, 20 - size + stride, stride)]
    columns = [left + (size - 1) // 2 for left in range(0, 35 - size + stride, stride)]
    assert (rows[-1], columns[-1]) == (18, 33)  # two rows of the last squares are cut off, and two columns
    centres = [(row, column) for column in columns for row in rows]
    with torch.no_grad():
        wanted = net(given)
    ours = Occluder(net, x).occlude(*zip(*centres, strict=True), size, 0.0)
    torch.testing.assert_close(ours.scores, wanted, atol=1e-9, rtol=0)
