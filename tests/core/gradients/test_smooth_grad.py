"""SmoothGrad: which noise, how often, and what the mean is of."""

import io

import pytest
import torch
from torch import nn
from tqdm import tqdm

from cnnwidgets.core import InputError, input_gradient, smooth_grad, smooth_grad_steps


class Squares(nn.Module):
    """Half the sum of the squared pixels: the gradient is the very picture that the network was given."""

    def __init__(self) -> None:
        super().__init__()
        self.unit = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        score = self.unit * (x**2).flatten(1).sum(1) / 2
        return torch.stack([score, -3 * score], 1)


@pytest.fixture
def wide():
    """Two pictures of different contrast: values from 0 to 2, and from 0 to 20."""
    x = torch.rand(2, 3, 30, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return x / x.amax((1, 2, 3), keepdim=True) * torch.tensor([2.0, 20.0]).reshape(2, 1, 1, 1)


def test_without_noise_it_is_the_gradient(net, x, close):
    close(smooth_grad(net, x, [0, 3, 5], n_samples=3, noise=0.0), input_gradient(net, x, [0, 3, 5]))


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_the_deviation_is_a_part_of_each_pictures_range(noise, wide):
    drawn = smooth_grad(Squares(), wide, 0, n_samples=1, noise=noise) - wide
    ranges = wide.amax((1, 2, 3)) - wide.amin((1, 2, 3))
    for n in range(2):  # 4500 numbers: their deviation is known to 1 %
        assert drawn[n].std().item() == pytest.approx(noise * ranges[n].item(), rel=0.05)
        assert abs(drawn[n].mean().item()) < 0.05 * noise * ranges[n].item()
    standard = drawn / drawn.std((1, 2, 3), keepdim=True)
    inside = (standard.abs() < 1).double().mean().item()
    assert inside == pytest.approx(0.683, abs=0.02)  # normal, not uniform (0.577)


def test_noise_differs_between_samples_channels_and_pictures(wide):
    same = wide[:1].repeat(2, 1, 1, 1)
    one = smooth_grad(Squares(), same, 0, n_samples=1) - same
    assert not torch.allclose(one[0], one[1])
    assert not torch.allclose(one[0, 0], one[0, 1])
    many = smooth_grad(Squares(), same, 0, n_samples=64) - same
    assert many.std().item() == pytest.approx(one.std().item() / 8, rel=0.1)


def test_the_mean_is_of_gradients_with_their_signs(wide):
    found = smooth_grad(Squares(), wide, [0, 1], n_samples=16, noise=0.1)
    means = found.mean((1, 2, 3)) / wide.mean((1, 2, 3))
    assert means.tolist() == pytest.approx([1, -3], rel=0.01)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_the_batch_size_changes_nothing(batch_size, net, x, close):
    wanted = smooth_grad(net, x, [0, 3, 5], n_samples=7)
    close(smooth_grad(net, x, [0, 3, 5], n_samples=7, batch_size=batch_size), wanted)


def test_the_seed_says_which_noise(net, x, close):
    first = smooth_grad(net, x, 1, n_samples=4, seed=3)
    torch.manual_seed(123)
    close(smooth_grad(net, x, 1, n_samples=4, seed=3), first, tolerance=0)
    assert not torch.allclose(smooth_grad(net, x, 1, n_samples=4, seed=4), first)


def test_all_classes_meet_the_same_noise(net, x, close):
    both = smooth_grad(net, x, [[4, 1], [0, 2], [3, 3]], n_samples=3)
    assert both.shape == (3, 2, *x.shape[1:])
    close(both[:, 0], smooth_grad(net, x, [4, 0, 3], n_samples=3))
    close(both[:, 1], smooth_grad(net, x, [1, 2, 3], n_samples=3))


def test_a_constant_picture_has_no_range_and_so_no_noise(net, close):
    x = torch.full((1, 3, 20, 26), 0.3, dtype=torch.float64)
    close(smooth_grad(net, x, 1, n_samples=2), input_gradient(net, x, 1))


def test_steps_lead_to_the_same(net, x, close):
    kept, last = [], 0
    for n_done, mean in smooth_grad_steps(net, x, [0, 3, 5], n_samples=5, batch_size=2):
        assert n_done > last
        last = n_done
        kept.append((mean, mean.clone()))
    assert len(kept) > 2
    for mean, copy in kept:
        assert torch.equal(mean, copy)  # a view that goes on changing would be painted half-done
        assert mean.shape == x.shape
    close(kept[-1][0], smooth_grad(net, x, [0, 3, 5], n_samples=5))


def test_the_mean_so_far_is_the_mean_so_far(net, x, close):
    """One picture, one sample at a time: each step gives what a shorter run gives."""
    one = x[:1]
    for n_done, mean in smooth_grad_steps(net, one, 2, n_samples=4, batch_size=1):
        close(mean, smooth_grad(net, one, 2, n_samples=n_done))
    assert n_done == 4


def test_progress_ends_at_the_total(net, x):
    said = []
    smooth_grad(net, x, 1, n_samples=4, batch_size=2, progress=lambda *now: said.append(now))
    assert said[-1][0] == said[-1][1] and len({total for _, total in said}) == 1
    assert [done for done, _ in said] == sorted({done for done, _ in said})
    with tqdm(file=io.StringIO()) as bar:
        smooth_grad(net, x, 1, n_samples=2, progress=bar)
    assert bar.n == bar.total


def test_what_progress_raises_ends_the_work(net, x):
    class Stop(Exception):
        pass

    def stop(done, total):
        assert done < total
        raise Stop

    with pytest.raises(Stop):
        smooth_grad(net, x, 1, n_samples=40, batch_size=2, progress=stop)


def test_fast_is_much_the_same(net, x):
    x = x.float()
    net = net.float()
    exact = smooth_grad(net, x, 1, n_samples=10)
    fast = smooth_grad(net, x, 1, n_samples=10, precision="fast")
    assert fast.dtype == torch.float32 and fast.shape == exact.shape
    assert torch.cosine_similarity(exact.flatten(1), fast.flatten(1)).min() > 0.95


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_samples": 0}, InputError),
        ({"n_samples": 2.5}, (InputError, TypeError)),
        ({"noise": -0.1}, InputError),
        ({"noise": float("nan")}, InputError),
        ({"batch_size": 0}, InputError),
        ({"precision": "double"}, ValueError),
        ({"progress": "bar"}, TypeError),
    ],
)
def test_options_that_make_no_sense(options, error, net, x):
    with pytest.raises(error, match=next(iter(options)).replace("precision", "exact")):
        smooth_grad(net, x, 1, **options)
