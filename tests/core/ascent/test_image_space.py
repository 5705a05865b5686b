"""Pixels and frequencies: there and back, colours that can be printed, and what a step changes."""

import pytest
import torch

from cnnwidgets.core.ascent.image_space import Fourier, Pixels

LIMITS = (torch.tensor([-2.0, -1, -3]).reshape(3, 1, 1), torch.tensor([2.0, 3, 1]).reshape(3, 1, 1))


def printable(n, height, width, channels=3, seed=0):
    low, high = (each[:channels].double() for each in LIMITS)
    random = torch.Generator().manual_seed(seed)
    share = torch.rand(n, channels, height, width, generator=random, dtype=torch.float64)
    return low + (0.01 + 0.98 * share) * (high - low)


@pytest.mark.parametrize("limits", [None, LIMITS], ids=["no limits", "limits"])
@pytest.mark.parametrize("size", [(6, 8), (7, 9), (6, 9), (9, 6), (1, 5), (4, 1)])
def test_there_and_back(size, limits):
    x = printable(2, *size)
    space = Fourier(limits)
    parameters = space.parameters(x)
    assert parameters.shape == (2, 3, size[0], size[1] // 2 + 1, 2)
    torch.testing.assert_close(space.image(parameters), x)
    again = space.parameters(space.image(parameters))
    torch.testing.assert_close(again, parameters)


def test_there_and_back_in_grey():
    x = printable(2, 5, 8, channels=1)
    space = Fourier((LIMITS[0][:1], LIMITS[1][:1]))
    torch.testing.assert_close(space.image(space.parameters(x)), x)


@pytest.mark.parametrize("space", [Pixels, Fourier])
def test_colours_can_be_printed_whatever_the_parameters(space):
    space = space(LIMITS)
    start = space.parameters(printable(1, 6, 7))
    parameters = space.bounded(
        start + 50 * torch.randn(start.shape, generator=torch.Generator().manual_seed(0))
    )
    image = space.image(parameters)
    assert (image >= LIMITS[0]).all() and (image <= LIMITS[1]).all()
    assert image.std() > 1


@pytest.mark.parametrize("space", [Pixels, Fourier])
def test_what_cannot_be_printed_becomes_nearly_black_or_white(space):
    space = space(LIMITS)
    for value, limit in ((-100.0, LIMITS[0]), (100.0, LIMITS[1])):
        image = space.image(space.parameters(torch.full((1, 3, 4, 5), value)))
        torch.testing.assert_close(image, limit.expand(1, 3, 4, 5), atol=2e-3, rtol=0)


def test_without_limits_nothing_is_held_back():
    x = 1000 * torch.randn(1, 3, 4, 5, dtype=torch.float64)
    for space in (Pixels(), Fourier()):
        torch.testing.assert_close(space.image(space.parameters(x)), x)


def test_a_frequency_counts_by_its_wavelength():
    """Equal steps on waves of 8, 4 and 2 pixels change the image in proportion 8 : 4 : 2."""
    space = Fourier()
    zero = space.parameters(torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    sizes = []
    for down, right in ((1, 0), (2, 0), (0, 2), (4, 0)):
        moved = zero.clone()
        moved[0, 0, down, right, 0] = 1
        if down in (1, 2):
            moved[0, 0, -down, right, 0] = 1  # a wave in rows is in both halves
        image = space.image(moved)
        torch.testing.assert_close(image.mean(), torch.zeros((), dtype=torch.float64))
        sizes.append(torch.linalg.vector_norm(image).item())
    # a wave of amplitude a is twice in the spectrum, but for the highest, whose length is sqrt(2) too small
    assert [size / sizes[1] for size in sizes] == pytest.approx([2, 1, 1, 1 / 8**0.5], rel=1e-6)


def test_colours_vary_together_as_in_photographs():
    """White noise in the parameters: red, green and blue correlate as the published matrix says."""
    space = Fourier()
    start = space.parameters(torch.zeros(1, 3, 64, 64, dtype=torch.float64))
    image = space.image(
        torch.randn(start.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    )
    down, right = torch.fft.fftfreq(64)[:, None], torch.fft.rfftfreq(64)[None]
    even = torch.fft.rfft2(image)[0] * (down**2 + right**2).sqrt()  # as strong in all frequencies
    values = torch.view_as_real(even[:, :, 1:]).flatten(1)
    matrix = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]).double()
    covariance = matrix @ matrix.T
    deviation = covariance.diagonal().sqrt()
    wanted = covariance / deviation[:, None] / deviation[None]
    torch.testing.assert_close(torch.corrcoef(values), wanted, atol=0.05, rtol=0)


@pytest.mark.parametrize("limits", [None, LIMITS], ids=["no limits", "limits"])
def test_gradients_flow_through_frequencies(limits):
    space = Fourier(limits)
    parameters = space.parameters(printable(1, 3, 4)).requires_grad_()
    assert torch.autograd.gradcheck(space.image, parameters)
