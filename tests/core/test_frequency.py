import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cnnwidgets.core import InputError, frequency_response

WEIGHTS = torch.randn(3, 2, 5, 7, generator=torch.Generator().manual_seed(4))


def by_hand(filter_, fy, fx):
    """The formula, summed term by term."""
    rows, columns = np.mgrid[: filter_.shape[1], : filter_.shape[2]]
    waves = np.exp(-2j * np.pi * (fy * rows + fx * columns))
    return np.sqrt(sum(abs((channel * waves).sum()) ** 2 for channel in filter_.double().numpy()))


@pytest.mark.parametrize("size", [8, 11, 32])
def test_the_formula_and_the_axes(size):
    response = frequency_response(WEIGHTS, size)
    assert response.shape == (3, size, size) and response.dtype == torch.float32
    for i, row, column in [(0, 0, 0), (1, size // 2, size // 2), (2, 1, size - 2), (1, size - 1, 3)]:
        expected = by_hand(WEIGHTS[i], (row - size // 2) / size, (column - size // 2) / size)
        np.testing.assert_allclose(response[i, row, column], expected, rtol=1e-5)


def test_it_is_the_amplitude_that_a_grating_leaves_in_the_map():
    """Slide a grey filter over a grating with PyTorch's own convolution, and look at the map."""
    weights = WEIGHTS[:, :1]
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    response = frequency_response(weights, 16)
    for fy, fx in [(0, 3), (2, -5), (7, 1)]:
        grating = torch.cos(2 * torch.pi * (fy * rows + fx * columns) / 16)
        maps = F.conv2d(grating[None, None], weights)[0]
        # whole periods: the root mean square of a wave of amplitude a is a / sqrt(2)
        amplitude = 2**0.5 * maps[:, :48, :48].square().mean((1, 2)).sqrt()
        torch.testing.assert_close(response[:, 8 + fy, 8 + fx], amplitude, rtol=1e-4, atol=1e-4)


def test_opposed_colours_do_not_cancel():
    """A filter for red against green is blind to grey gratings, but not without a response."""
    colour = torch.stack([WEIGHTS[0, 0], -WEIGHTS[0, 0]])[None]
    torch.testing.assert_close(
        frequency_response(colour), 2**0.5 * frequency_response(WEIGHTS[:1, :1]), rtol=1e-5, atol=1e-6
    )


def test_energy_is_kept():
    """Parseval."""
    total = frequency_response(WEIGHTS, 32).square().sum((1, 2)) / 32**2
    torch.testing.assert_close(total, WEIGHTS.square().sum((1, 2, 3)))


def test_a_nan_stays_in_its_filter():
    broken = WEIGHTS.clone()
    broken[1, 0, 2, 3] = torch.nan
    response = frequency_response(broken)
    assert response[1].isnan().all()
    assert torch.equal(response[[0, 2]], frequency_response(WEIGHTS)[[0, 2]])


def test_half_precision_and_zeros():
    assert frequency_response(torch.zeros(2, 3, 4, 5).half()).eq(0).all()
    assert frequency_response(WEIGHTS.bfloat16()).isfinite().all()


@pytest.mark.parametrize(
    ("weights", "size", "said"),
    [
        (WEIGHTS, 6, "at least 7, the kernel's, not 6"),
        (WEIGHTS, 32.5, "size is a whole number of at least 1, not 32.5"),
        (WEIGHTS, "32", "size is a whole number of at least 1, not '32'"),
        (WEIGHTS[0], 32, r"\(n, channels, height, width\), not of shape \(2, 5, 7\)"),
        (WEIGHTS[:0], 32, "not of shape"),
        (WEIGHTS.int(), 32, "floats, not torch.int32"),
        (WEIGHTS.numpy(), 32, "not ndarray"),
    ],
)
def test_wrong_arguments(weights, size, said):
    with pytest.raises(InputError, match=said):
        frequency_response(weights, size)
