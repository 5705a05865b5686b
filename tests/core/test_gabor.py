"""Gabor fits against filters that are Gabors, against scipy, and against the rules of the plane."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from torch.utils._python_dispatch import TorchDispatchMode

import cnnwidgets as cw
from cnnwidgets.core import InputError, filters, fit_gabor, random_filters_explained
from cnnwidgets.core.gabor_fit import _slopes, gabors


def gabor(shape, orientation, wavelength, phase, sigma, centre, colour):
    """The formula of the docstrings in degrees and pixels, rows counted downwards; numpy, one filter."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    rows, columns = rows - centre[0], columns - centre[1]
    angle = np.deg2rad(orientation)
    # Along the stripes, counter-clockwise on the screen: to the right by the cosine, up by the sine.
    along = columns * np.cos(angle) - rows * np.sin(angle)
    across = columns * np.sin(angle) + rows * np.cos(angle)
    envelope = np.exp(-(across**2) / (2 * sigma[0] ** 2) - along**2 / (2 * sigma[1] ** 2))
    wave = np.cos(2 * np.pi * across / wavelength + np.deg2rad(phase))
    return torch.tensor(np.multiply.outer(colour, envelope * wave), dtype=torch.float32)


def noise(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def turned(one, other, period=180):
    """Degrees from one direction to the other."""
    return abs((np.asarray(one) - np.asarray(other) + period / 2) % period - period / 2)


@settings(max_examples=40)
@given(
    shape=st.sampled_from([(11, 11), (9, 13), (12, 8)]),
    orientation=st.floats(0, 180),
    wavelength=st.floats(3, 7),
    phase=st.floats(-180, 180),
    sigma=st.tuples(st.floats(1.3, 2.5), st.floats(1.3, 2.5)),
    offset=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    colour=st.sampled_from([(1, 1, 1), (0.5, -1, 0.25), (0, 0, 0.03), (30, -2, 0)]),
)
def test_a_gabor_is_recovered(shape, orientation, wavelength, phase, sigma, offset, colour):
    centre = ((shape[0] - 1) / 2 + offset[0], (shape[1] - 1) / 2 + offset[1])
    weights = gabor(shape, orientation, wavelength, phase, sigma, centre, colour)[None]
    fit = fit_gabor(weights)
    assert fit.explained_variance[0] > 0.9999
    torch.testing.assert_close(fit.picture, weights, rtol=0, atol=0.02 * float(weights.abs().max()))
    if sigma[0] > wavelength / 3:  # with less than that, other Gabors look the same
        assert turned(fit.orientation[0], orientation) < 1
        assert abs(fit.wavelength[0] / wavelength - 1) < 0.02


def test_what_is_told_of_it_makes_the_picture():
    """Orientation, phase and so on, put into the formula by hand: signs, units and axes are right."""
    weights = noise(6, 3, 7, 9)
    fit = fit_gabor(weights)
    for i in range(len(weights)):
        by_hand = gabor(
            (7, 9),
            float(fit.orientation[i]),
            float(fit.wavelength[i]),
            float(fit.phase[i]),
            fit.sigma[i].numpy(),
            fit.centre[i].numpy(),
            fit.colour[i].numpy(),
        )
        torch.testing.assert_close(by_hand, fit.picture[i], rtol=1e-3, atol=1e-4)
    unexplained = (weights - fit.picture).square().sum((1, 2, 3)) / weights.square().sum((1, 2, 3))
    torch.testing.assert_close(fit.explained_variance, 1 - unexplained, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("stripes", "orientation"),
    [
        (lambda y, x: y, 0),  # rows alternate: horizontal
        (lambda y, x: x, 90),
        (lambda y, x: (x + y) / 2**0.5, 45),  # constant where x + y is: from bottom left to top right
        (lambda y, x: (x - y) / 2**0.5, 135),
    ],
)
def test_orientation_is_that_of_the_stripes_as_one_sees_them(stripes, orientation):
    y, x = torch.meshgrid(torch.arange(11.0) - 5, torch.arange(11.0) - 5, indexing="ij")
    wave = torch.cos(2 * torch.pi * stripes(y, x) / 5) * torch.exp(-(x**2 + y**2) / 12)
    fit = fit_gabor(wave[None, None])
    assert turned(fit.orientation[0], orientation) < 1e-2
    assert abs(fit.wavelength[0] - 5) < 1e-2 and fit.kind == ["stripes"]
    assert abs(fit.phase[0]) < 0.1, "bright in the middle"
    assert abs(fit_gabor(-wave[None, None]).colour[0, 0] - 1) < 1e-3
    assert turned(fit_gabor(-wave[None, None]).phase[0], 180, period=360) < 0.1, "dark in the middle"


def test_turning_and_mirroring_a_filter():
    weights = filters(cw.load("toynet"), "conv1")
    fit = fit_gabor(weights)
    sure = np.array([kind == "stripes" for kind in fit.kind]) & (fit.explained_variance > 0.85).numpy()
    assert sure.sum() >= 3
    for change, expected in [
        (lambda w: w.rot90(1, (2, 3)), fit.orientation + 90),  # counter-clockwise
        (lambda w: w.flip(3), 180 - fit.orientation),
        (lambda w: w.flip(2), 180 - fit.orientation),
    ]:
        other = fit_gabor(change(weights))
        torch.testing.assert_close(other.explained_variance, fit.explained_variance, rtol=0, atol=2e-3)
        assert turned(other.orientation, expected)[sure].max() < 0.5
        torch.testing.assert_close(other.wavelength[sure], fit.wavelength[sure], rtol=1e-2, atol=0)


def test_units_do_not_matter():
    weights = noise(4, 3, 7, 5)
    fit = fit_gabor(weights)
    for scale in (1e-12, -1e6):
        other = fit_gabor(weights * scale)
        torch.testing.assert_close(other.explained_variance, fit.explained_variance, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(other.picture / scale, fit.picture, rtol=1e-2, atol=1e-2)


def test_derivatives():
    """By hand against autograd."""
    point = torch.tensor([2.3, 3.1, 0.4, 0.9, 0.7, 0.21, -0.6], dtype=torch.float64)
    by_autograd = torch.autograd.functional.jacobian(lambda p: gabors(p[None], (6, 8))[0][0], point)
    by_hand = _slopes(*gabors(point[None], (6, 8)))[0]
    torch.testing.assert_close(by_hand, by_autograd)


def residuals(parameters, weights, size):
    """For scipy: the same Gabor with all its numbers free, the colour too."""
    row, column, across, along, angle, frequency, phase = parameters[:7]
    told = np.rad2deg(angle), 1 / frequency, np.rad2deg(phase), np.exp([across, along]), (row, column)
    return (gabor(size, *told, parameters[7:]) - weights).double().numpy().ravel()


def limits(size, channels=3):
    longest = max(size)
    low = [-0.5, -0.5, np.log(0.5), np.log(0.5), -9, 0.5 / longest, -9] + [-np.inf] * channels
    high = [size[0] - 0.5, size[1] - 0.5, *[np.log(2 * longest)] * 2, 9, 0.5, 9] + [np.inf] * channels
    return low, high


@pytest.mark.parametrize("which", ["trained", "noise"])
def test_scipy_finds_nothing_better(which):
    """From where the fit ends, and from a dozen other places, on the same model with the same bounds."""
    weights = (
        filters(cw.load("toynet"), "conv1")[[6, 10, 22]] if which == "trained" else noise(3, 3, 6, 8, seed=9)
    )
    size = tuple(weights.shape[2:])
    fit = fit_gabor(weights)
    draw = np.random.default_rng(5)
    low, high = limits(size)
    for i, filter_ in enumerate(weights):
        energy = float(filter_.square().sum())
        angle, phase = np.deg2rad([float(fit.orientation[i]), float(fit.phase[i])])
        frequency = min(1 / float(fit.wavelength[i]), 0.5)
        begin = [*fit.centre[i], *fit.sigma[i].log(), angle, frequency, phase, *fit.colour[i]]
        starts = [np.clip([float(each) for each in begin], np.add(low, 1e-6), np.subtract(high, 1e-6))]
        for _ in range(12):
            place = [draw.uniform(0, side - 1) for side in size]
            shape = [*np.log(draw.uniform(1, 3, 2)), draw.uniform(0, np.pi), draw.uniform(0.1, 0.4)]
            starts.append([*place, *shape, draw.uniform(-3, 3), *draw.normal(size=3) * 0.1])
        shares = [
            1
            - 2
            * least_squares(residuals, start, bounds=(low, high), args=(filter_, size), max_nfev=200).cost
            / energy
            for start in starts
        ]
        assert fit.explained_variance[i] >= shares[0] - 1e-4, "a better one was next to it"
        assert fit.explained_variance[i] >= max(shares) - 0.01, "a better one was somewhere else"


def test_noise_is_the_baseline():
    """More numbers in the filter, less of it explained; a trained one is far above."""
    medians = {size: random_filters_explained(3, (size, size)).median() for size in (3, 7, 11)}
    assert medians[3] > 0.4 and 0.1 < medians[7] < 0.2 and medians[11] < 0.1
    assert torch.equal(random_filters_explained(3, (7, 7)), random_filters_explained(3, (7, 7)))
    assert fit_gabor(filters(cw.load("toynet"), "conv1")).explained_variance.median() > 4 * medians[7]


def test_kinds():
    y, x = torch.meshgrid(torch.arange(9.0) - 4, torch.arange(7.0) - 3, indexing="ij")
    bell = torch.exp(-(x**2 + y**2) / 8)
    many = [
        torch.cos(2 * torch.pi * x / 3.5) * bell,
        x * bell,  # bright right, dark left
        torch.exp(-(x**2 / 3 + y**2 / 12)),
        -torch.exp(-((x - y) ** 2) / 12 - (x + y) ** 2 / 4),
    ]
    fit = fit_gabor(torch.stack(many)[:, None])
    assert fit.kind == ["stripes", "edge", "blob", "blob"]
    assert turned(fit.orientation, [90, 90, 90, 45]).max() < 1, "a blob: where its long axis points"
    assert fit.explained_variance.min() > 0.995
    assert fit.wavelength[2:].isinf().all() and (fit.sigma[2, 0] - 1.5**0.5).abs() < 0.01
    assert fit.colour[3] > 0 and abs(fit.phase[3]) == 180, "a dark blob"


def test_one_colour_only():
    """Red and green stripes across each other: one Gabor can have but one of them."""
    y, x = torch.meshgrid(torch.arange(11.0) - 5, torch.arange(11.0) - 5, indexing="ij")
    bell = torch.exp(-(x**2 + y**2) / 12)
    across, down = (torch.sin(2 * torch.pi * each / 5) * bell for each in (x, y))
    fit = fit_gabor(torch.stack([across, down, 0 * bell])[None])
    assert abs(fit.explained_variance - 0.5) < 1e-3
    fit = fit_gabor(torch.stack([across, -across, 0 * bell])[None])
    assert fit.explained_variance > 0.9999
    torch.testing.assert_close(
        fit.colour / fit.colour.abs().max(), torch.tensor([[1.0, -1.0, 0]]), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("value", [0.0, torch.nan, torch.inf])
def test_filters_without_a_fit(value):
    weights = noise(4, 3, 5, 7)
    alone = fit_gabor(weights)
    weights[2] = value if value == 0 else weights[2].clone()
    weights[2, 1, 3, 3] = value
    fit = fit_gabor(weights)
    for name in (
        "orientation",
        "wavelength",
        "phase",
        "sigma",
        "centre",
        "colour",
        "explained_variance",
        "picture",
    ):
        told = getattr(fit, name)
        assert told[2].isnan().all() and told[[0, 1, 3]].isfinite().all() and told.dtype == torch.float32
        torch.testing.assert_close(told[[0, 1, 3]], getattr(alone, name)[[0, 1, 3]], rtol=1e-3, atol=1e-3)
    assert fit.kind[2] == "" and "" not in (fit.kind[0], fit.kind[3])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 2)])
def test_kernels_too_small_for_stripes(size):
    fit = fit_gabor(noise(2, 3, *size))
    assert fit.explained_variance.isnan().all() and fit.picture.shape == (2, 3, *size)
    assert random_filters_explained(3, size, n=2).isnan().all()


def test_more_filters_than_are_fitted_together():
    weights = noise(70, 1, 4, 3)
    together, alone = fit_gabor(weights), fit_gabor(weights[66:])
    torch.testing.assert_close(together.explained_variance[66:], alone.explained_variance, rtol=0, atol=1e-3)
    assert together.picture.shape == weights.shape


def test_progress_and_an_end_before_the_end():
    weights, told = noise(70, 1, 3, 4), []
    weights[5] = 0
    fit_gabor(weights, n_starts=1, progress=lambda done, total: told.append((done, total)))
    # from the search on; one needs no fit, 64 are refined at once
    assert sorted(set(told)) == [(1, 70), (65, 70), (70, 70)] and told == sorted(told)
    told.clear()

    def stop(done, total):
        told.append("stopped")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_gabor(weights, n_starts=1, progress=stop)
    assert told == ["stopped"]


def test_progress_of_large_kernels_comes_often():
    """An end is wanted within a fraction of a second, not after all of them."""
    told = []
    fit_gabor(noise(6, 3, 23, 25), n_starts=1, progress=lambda done, total: told.append(done))
    assert told.count(0) > 20 and sorted(set(told)) == [0, 4, 6]


def test_progress_of_the_baseline():
    told = []
    random_filters_explained(1, (3, 5), n=7, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 7) and told[-1] == (7, 7)
    random_filters_explained(1, (3, 5), n=7, progress=pytest.fail)  # known already

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        random_filters_explained(1, (3, 5), n=8, progress=stop)
    assert random_filters_explained(1, (3, 5), n=8).isfinite().all()


@pytest.mark.parametrize("shape", [(2, 3, 31, 29), (40, 3, 16, 15), (3, 400, 5, 4)])
def test_memory_is_bounded_whatever_the_kernel(shape):
    class Largest(TorchDispatchMode):
        megabytes = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            made = func(*args, **(kwargs or {}))
            for each in made if isinstance(made, (tuple, list)) else [made]:
                if isinstance(each, torch.Tensor):
                    self.megabytes = max(self.megabytes, each.untyped_storage().nbytes() / 1e6)
            return made

    with Largest() as largest:
        fit_gabor(noise(*shape), n_starts=3)
    assert 0.1 < largest.megabytes < 16


@pytest.mark.parametrize("n_starts", [0, -1, 2.5])
def test_wrong_numbers(n_starts):
    with pytest.raises(InputError, match=f"n_starts is a whole number of at least 1, not {n_starts}"):
        fit_gabor(noise(1, 3, 5, 7), n_starts=n_starts)
    with pytest.raises(InputError, match=f"n is a whole number of at least 1, not {n_starts}"):
        random_filters_explained(3, (5, 7), n=n_starts)


def test_wrong_shapes():
    with pytest.raises(InputError, match=r"\(n, channels, height, width\), not of shape \(3, 5, 7\)"):
        fit_gabor(noise(3, 5, 7))
