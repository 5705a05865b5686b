"""Gabor fits: how well does one striped blob explain a filter?"""

from dataclasses import dataclass, fields
from math import pi
from typing import Any

import torch
from torch import Tensor

from .frequency import checked_filters
from .gabor_fit import SMALLEST, Fit, pattern, refine
from .gabor_search import search
from .progress import reporter
from .whole import at_least

_AT_ONCE = 64  # filters refined together at most,
_NUMBERS_AT_ONCE = 50_000  # and fewer of large ones: about (channels + 16) numbers a pixel, for each start
_ONE_SIGN = 0.05


@dataclass(frozen=True)
class GaborFit:
    r"""The best-fitting Gabor of each filter; a row (n, ...) for each, on the CPU, float32.

    All is NaN for a filter without a fit: zero everywhere, not finite, or less than three pixels high or
    wide.

    Attributes
    ----------
    orientation : Tensor (n,)
        Direction of the stripes in degrees, 0 to 180, counter-clockwise from horizontal as one sees them:
        0 is ``—``, 45 is ``/``, 90 is ``|``. For a blob without waves: of its long axis.
    wavelength : Tensor (n,)
        Pixels from one bright stripe to the next; infinite for a blob without waves.
    phase : Tensor (n,)
        Degrees, -180 to 180. With the sign of the strongest colour channel, 0 is a bright stripe in the
        middle, 180 a dark one, and 90 or -90 an edge.
    sigma : Tensor (n, 2)
        Width of the envelope across and along the stripes: one standard deviation, in pixels.
    centre : Tensor (n, 2)
        Row and column of its middle; the top left pixel of the filter is (0, 0).
    colour : Tensor (n, C)
        Amplitude in each channel, in units of the weights.
    explained_variance : Tensor (n,)
        Share of the filter's sum of squares, 0 to 1; see :func:`fit_gabor`.
    picture : Tensor (n, C, kernel height, kernel width)
        The fitted filter.
    """

    orientation: Tensor
    wavelength: Tensor
    phase: Tensor
    sigma: Tensor
    centre: Tensor
    colour: Tensor
    explained_variance: Tensor
    picture: Tensor

    @property
    def kind(self) -> list[str]:
        """What each fitted filter looks like.

        ``"stripes"``, with at least one whole wave across the kernel; ``"edge"``, with less (an edge or one
        line); ``"blob"``, where the weaker of the two signs has less than 5 % of the sum of squares, so that
        orientation and wavelength mean little; ``""`` without a fit.
        """
        strongest = self.colour.abs().argmax(dim=1)
        spatial = self.picture[torch.arange(len(strongest)), strongest].flatten(1)
        energy = spatial.square().sum(dim=1)
        above = spatial.clamp(min=0).square().sum(dim=1)
        blob = torch.minimum(above, energy - above) < _ONE_SIGN * energy
        long = self.wavelength > max(self.picture.shape[2:])
        return [
            "" if missing else "blob" if one_sign else "edge" if half else "stripes"
            for missing, one_sign, half in zip(self.explained_variance.isnan(), blob, long, strict=True)
        ]


def fit_gabor(weights: Tensor, n_starts: int = 24, progress: Any = None) -> GaborFit:
    r"""Fit one Gabor to each filter: a wave under a Gaussian, in one colour.

    .. math::
        w_c(y, x) \approx a_c \, \exp\Big(-\frac{u^2}{2\sigma_u^2} - \frac{v^2}{2\sigma_v^2}\Big)
        \cos\Big(\frac{2 \pi u}{\lambda} + \varphi\Big)

    with :math:`u` across and :math:`v` along the stripes, measured from the centre. The share explained is

    .. math:: 1 - \frac{\sum_{c,y,x} (w_c - \hat w_c)^2}{\sum_{c,y,x} w_c^2}

    The mean is not taken off first: a weight of zero has a meaning (the filter does not care about this
    pixel), and a Gabor has no constant to spend on it.

    Parameters
    ----------
    weights : Tensor, shape (n, C, kernel height, kernel width)
        Filters, as :func:`filters` gives them.
    n_starts : int
        How many of the best points of a coarse search are refined for each filter.
    progress : callable or tqdm bar, optional
        Called with the number of filters fitted and of all, many times. What it raises ends the work.

    Returns
    -------
    GaborFit

    Raises
    ------
    InputError
        If ``weights`` has another shape, or ``n_starts`` is not at least 1.

    Notes
    -----
    A Gabor has seven numbers and one for each channel. The smaller the kernel, the larger the share of *any*
    filter that it can explain: compare with :func:`random_filters_explained`.

    Bounds: the centre lies inside the kernel, sigmas between half a pixel and twice the kernel, wavelengths
    between two pixels along an axis and twice the kernel, or infinite (a Gaussian blob).

    Each colour is found in closed form (Golub and Pereyra, "The differentiation of pseudo-inverses and
    nonlinear least squares problems whose variables separate", 1973), which leaves seven numbers to
    Levenberg and Marquardt; they start from the best points of a grid over all of them.

    References
    ----------
    Gabor, "Theory of communication", 1946; Jones and Palmer, "An evaluation of the two-dimensional Gabor
    filter model of simple receptive fields in cat striate cortex", 1987; Krizhevsky, Sutskever, Hinton,
    "ImageNet classification with deep convolutional neural networks", 2012, figure 3.

    Examples
    --------
    Diagonal stripes, 6 pixels apart:

    >>> y, x = torch.meshgrid(torch.arange(11.0) - 5, torch.arange(11.0) - 5, indexing="ij")
    >>> stripes = torch.cos(2 * torch.pi * (x + y) / 2**0.5 / 6) * torch.exp(-(x**2 + y**2) / 18)
    >>> fit = fit_gabor(stripes.expand(1, 3, 11, 11))
    >>> [round(float(each), 2) for each in (fit.orientation, fit.wavelength, fit.explained_variance)]
    [45.0, 6.0, 1.0]
    """
    weights = checked_filters(weights)
    at_least(1, n_starts=n_starts)
    n, channels, height, width = weights.shape
    exact = weights.double()
    norms = exact.flatten(1).norm(dim=1)
    fits = norms.isfinite() & (norms > 0)
    if min(height, width) < SMALLEST:
        fits[:] = False
    found, report, done = Fit.empty(n, channels), reporter(progress), n - int(fits.sum())
    if fits.any():
        which = fits.nonzero().flatten()
        units = exact[which] / norms[which, None, None, None]
        starts, is_blob = search(units, n_starts, lambda: report(done, n))
        at_once = _NUMBERS_AT_ONCE // (height * width * (channels + 16))
        for rows in torch.arange(len(which)).split(min(max(at_once, 1), _AT_ONCE)):
            best = refine(units[rows], starts[rows], is_blob[rows])
            for field in fields(Fit):
                getattr(found, field.name)[which[rows]] = getattr(best, field.name)
            done += len(rows)
            report(done, n)
    return _told(found, norms, (height, width))


_random_explained: dict[tuple[int, ...], Tensor] = {}  # what has been asked for


def random_filters_explained(
    channels: int, kernel_size: tuple[int, int], n: int = 64, progress: Any = None
) -> Tensor:
    """What one Gabor explains of filters that are nothing but noise: the baseline of :func:`fit_gabor`.

    Parameters
    ----------
    channels : int
    kernel_size : (int, int)
        Height and width.
    n : int
        How many filters to draw; each weight from a standard normal distribution, always the same ones.
    progress : callable or tqdm bar, optional
        As for :func:`fit_gabor`; not called for what has been asked for before.

    Returns
    -------
    Tensor of float32, shape (n,)
        Shares of the sum of squares, 0 to 1.

    Raises
    ------
    InputError
        If a number is not at least 1.

    Examples
    --------
    >>> small, large = random_filters_explained(3, (3, 3)), random_filters_explained(3, (11, 11))
    >>> bool(small.median() > 4 * large.median())  # 27 numbers are easier to explain than 363
    True
    """
    height, width = kernel_size
    at_least(1, channels=channels, height=height, width=width, n=n)
    asked = (channels, height, width, n)
    if asked not in _random_explained:
        noise = torch.randn(n, channels, height, width, generator=torch.Generator().manual_seed(0))
        _random_explained[asked] = fit_gabor(noise, progress=progress).explained_variance
    return _random_explained[asked].clone()


def _told(found: Fit, norms: Tensor, size: tuple[int, int]) -> GaborFit:
    """From the parameters of the fit to what people read."""
    row, column, across, along, angle, frequency, phase = found.parameters.unbind(dim=1)
    across, along = across.exp(), along.exp()
    # a blob lies along its long side
    lying = (frequency == 0) & (across > along)
    angle = torch.where(lying, angle + pi / 2, angle)
    across, along = torch.where(lying, along, across), torch.where(lying, across, along)
    # half a turn changes the direction in which the wave is read
    half_turns = torch.floor(angle / pi)
    angle = angle - half_turns * pi
    phase = torch.where(half_turns % 2 == 1, -phase, phase)
    # the strongest channel is positive
    colour = found.colour * norms[:, None]
    strongest = colour.gather(1, colour.abs().argmax(dim=1, keepdim=True))[:, 0]
    colour = torch.where(strongest[:, None] < 0, -colour, colour)
    phase = torch.where(strongest < 0, phase + pi, phase)
    phase = pi - (pi - phase) % (2 * pi)
    waves = pattern(found.parameters, size)[:, None]
    values = {
        "orientation": angle.rad2deg() % 180,
        "wavelength": 1 / frequency,
        "phase": phase.rad2deg(),
        "sigma": torch.stack([across, along], dim=1),
        "centre": torch.stack([row, column], dim=1),
        "colour": colour,
        "explained_variance": found.explained.clamp(0, 1),
        "picture": (found.colour * norms[:, None])[:, :, None, None] * waves,
    }
    return GaborFit(**{name: value.float() for name, value in values.items()})
