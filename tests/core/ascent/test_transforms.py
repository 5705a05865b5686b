"""Jitter, scaling and rotation: what moves where."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cnnwidgets.core import InputError, Jitter, Rotation, Scaling


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(2, 3, 7, 10, dtype=torch.float64, generator=drawn(1))


@pytest.mark.parametrize("transform", [Jitter(0), Scaling(1, 1), Rotation(0)])
def test_nothing_at_zero(transform, x):
    assert torch.equal(transform(x, drawn()), x)


@pytest.mark.parametrize("transform", [Jitter(3), Scaling(0.7, 1.4), Rotation(30)])
def test_seeds(transform, x):
    first = transform(x, drawn(3))
    assert first.shape == x.shape and first.dtype == x.dtype
    assert torch.equal(transform(x, drawn(3)), first)
    assert not torch.equal(transform(x, drawn(4)), first)
    generator = drawn(3)
    transform(x, generator)
    assert not torch.equal(transform(x, generator), first)


@pytest.mark.parametrize("transform", [Jitter(3), Scaling(0.7, 1.4), Rotation(30)])
def test_gradients_flow(transform):
    small = torch.randn(1, 1, 3, 4, dtype=torch.float64, generator=drawn(2), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: transform(x, drawn(5)), small)


@pytest.mark.parametrize("transform", [Jitter(3), Scaling(0.7, 1.4), Rotation(30)])
def test_all_images_move_alike(transform, x):
    together = transform(x, drawn(6))
    torch.testing.assert_close(torch.cat([transform(one, drawn(6)) for one in x.split(1)]), together)


def test_jitter_goes_round_and_reaches_every_place(x):
    generator, jitter = drawn(), Jitter(2)
    shifts = {jitter.drawn(generator) for _ in range(500)}
    assert shifts == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}
    shift = jitter.drawn(drawn(9))
    assert torch.equal(jitter(x, drawn(9)), x.roll(shift, (2, 3)))


def test_images_are_looked_up_where_torch_would(x):
    """Its grid for each image, of a turn by half a radian in pixels, and enlarged by a third."""
    share = 2 * torch.rand(1, generator=drawn(8)).item() - 1  # what the seed makes of the largest angle
    cosine, sine = math.cos(0.5), math.copysign(math.sin(0.5), share)
    turn = [[cosine, -sine * 7 / 10, 0], [sine * 10 / 7, cosine, 0]]
    for transform, rows in (
        (Rotation(math.degrees(0.5) / abs(share)), turn),
        (Scaling(4 / 3, 4 / 3), [[0.75, 0, 0], [0, 0.75, 0]]),
    ):
        theta = torch.tensor(rows, dtype=torch.float64)
        grid = F.affine_grid(theta.expand(2, 2, 3), list(x.shape), align_corners=False)
        wanted = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
        torch.testing.assert_close(transform(x, drawn(8)), wanted)


def test_rotation_by_90_degrees_is_rot90():
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64, generator=drawn())
    share = 2 * torch.rand(1, generator=drawn(8)).item() - 1  # what the seed makes of the largest angle
    assert abs(share) > 0.1
    turned = Rotation(90 / abs(share))(x, drawn(8))
    either = [torch.allclose(turned, torch.rot90(x, k, (2, 3))) for k in (1, -1)]
    assert sum(either) == 1


def test_rotation_keeps_lengths_where_height_and_width_differ():
    """A point 6 to the right of the middle comes to lie 6 above or below it, by 90 degrees."""
    x = torch.zeros(1, 1, 15, 21, dtype=torch.float64)
    x[0, 0, 7, 16] = 1
    share = abs(2 * torch.rand(1, generator=drawn(8)).item() - 1)
    turned = Rotation(90 / share)(x, drawn(8))
    assert turned[0, 0].flatten().argmax().item() in (1 * 21 + 10, 13 * 21 + 10)


def test_angles_are_either_way_and_within_the_largest():
    """Of a ramp from left to right, the slope in the middle turns by the angle."""
    ramp = torch.arange(31.0, dtype=torch.float64).expand(1, 1, 31, 31)
    generator, angles = drawn(), []
    for _ in range(200):
        turned = Rotation(20)(ramp, generator)[0, 0]
        right, down = turned[15, 16] - turned[15, 14], turned[16, 15] - turned[14, 15]
        angles.append(torch.rad2deg(torch.atan2(down, right)).item())
    assert -20 <= min(angles) < -18 and 18 < max(angles) <= 20


def test_factors_lie_between_low_and_high():
    ramp = torch.arange(31.0, dtype=torch.float64).expand(1, 1, 25, 31)
    generator, factors = drawn(), []
    for _ in range(200):
        scaled = Scaling(0.8, 1.25)(ramp, generator)[0, 0]
        assert scaled[12, 15] == pytest.approx(15)  # the middle stays
        factors.append(2 / (scaled[12, 16] - scaled[12, 14]).item())
    assert 0.8 <= min(factors) < 0.82 and 1.22 < max(factors) <= 1.25


def test_enlarged_twice_is_known_numbers():
    """Pixel centres at -1.5 -0.5 0.5 1.5 look at half of that, in 0 1 2 3: at 0.75 1.25 1.75 2.25."""
    line = torch.tensor([[[[0.0, 1, 2, 3]]]], dtype=torch.float64)
    assert Scaling(2, 2)(line, drawn())[0, 0, 0].tolist() == pytest.approx([0.75, 1.25, 1.75, 2.25])
    # half the size: -3 -1 1 3, beyond the edges at -2 and 2 mirrored: at -1 -1 1 1
    assert Scaling(0.5, 0.5)(line, drawn())[0, 0, 0].tolist() == pytest.approx([0.5, 0.5, 2.5, 2.5])


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (Jitter(-1), "jitter is a whole number of at least 0"),
        (Jitter(1.5), "jitter is a whole number of at least 0"),
        (Scaling(0, 1), "low and high"),
        (Scaling(2, 1), "low and high"),
        (Scaling(1, float("nan")), "low and high"),
        (Scaling(1, float("inf")), "low and high"),
        (Rotation(-5), "degrees"),
        (Rotation(float("nan")), "degrees"),
    ],
)
def test_settings_that_cannot_be(transform, said, x):
    with pytest.raises(InputError, match=said):
        transform(x, drawn())
