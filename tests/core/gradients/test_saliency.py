"""Gradients with respect to the pixels: against differences of scores, and by definition."""

import torch
from torch import nn

from cnnwidgets.core import input_gradient, input_x_gradient, saliency


def test_the_gradient_is_the_slope_of_the_score(net, x):
    """Central differences in double precision; another class for each picture, none of them the best."""
    targets = [int((scores.argmax() + 1 + n) % 6) for n, scores in enumerate(net(x))]
    found = input_gradient(net, x, targets)
    assert found.shape == x.shape
    random = torch.Generator().manual_seed(0)
    step, slopes, wanted = 1e-6, [], []
    for n, target in enumerate(targets):
        for _ in range(12):
            pixel = tuple(int(torch.randint(length, (), generator=random)) for length in x.shape[1:])
            up, down = x.clone(), x.clone()
            up[(n, *pixel)] += step
            down[(n, *pixel)] -= step
            with torch.no_grad():
                slopes.append(float(net(up)[n, target] - net(down)[n, target]) / (2 * step))
            wanted.append(float(found[(n, *pixel)]))
    assert max(map(abs, slopes)) > 1e-3
    torch.testing.assert_close(torch.tensor(wanted), torch.tensor(slopes), rtol=1e-5, atol=1e-7)


def test_the_gradient_of_a_linear_network_is_its_weights():
    linear = nn.Linear(2 * 3 * 5, 4).double()
    net, x = nn.Sequential(nn.Flatten(), linear), torch.randn(3, 2, 3, 5, dtype=torch.float64)
    wanted = linear.weight.detach()[[1, 3, 0]].reshape(3, 2, 3, 5)
    assert torch.equal(input_gradient(net, x, [1, 3, 0]), wanted)
    assert torch.equal(input_x_gradient(net, x, [1, 3, 0]), x * wanted)
    assert torch.equal(saliency(net, x, [1, 3, 0]), wanted.abs().amax(1))


def test_saliency_takes_the_largest_channel_not_the_sum():
    class Weighted(nn.Module):
        def forward(self, x):
            weights = torch.tensor([1.0, -3.0, 2.0]).reshape(3, 1, 1)
            return (weights * x).sum((1, 2, 3))[:, None]

    assert saliency(Weighted(), torch.zeros(1, 3, 2, 4), 0).tolist() == [[[3.0] * 4] * 2]


def test_of_the_score_not_of_the_probability(net, x, close):
    """Adding the same to all scores changes no probability, and every gradient."""

    class Lifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x) + x.flatten(1).sum(1, keepdim=True)

    close(input_gradient(Lifted(), x, 2) - input_gradient(net, x, 2), torch.ones_like(x))


def test_grey_pictures(pictures, lively, close):
    grey = pictures(2, 9, 14, channels=1)
    net = lively(nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(420, 3)).double(), grey)
    gradient = input_gradient(net, grey, 2)
    assert gradient.shape == (2, 1, 9, 14)
    close(saliency(net, grey, 2), gradient[:, 0].abs())
