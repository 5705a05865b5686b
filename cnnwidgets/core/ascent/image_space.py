"""The numbers that an ascent changes: the pixels themselves, or independent frequencies and colours."""

from __future__ import annotations

import torch
from torch import Tensor

from .start import Limits, within

_COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""Of photographs: root of the covariance of red, green and blue, as published with Olah et al. 2017."""
_EDGE = 1e-4
"""So near to black and white may a value come that is turned back into parameters."""


class Pixels:
    """The image is what is changed.

    Parameters
    ----------
    limits : (Tensor, Tensor), optional
        Black and white in preprocessed units, of shape (C, 1, 1): the image is kept within.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits

    def parameters(self, image: Tensor) -> Tensor:
        """The numbers that make an image (N, C, H, W), or the nearest one that can be printed."""
        return within(image, self.limits)

    def image(self, parameters: Tensor) -> Tensor:
        """The image that they make."""
        return parameters

    def bounded(self, parameters: Tensor) -> Tensor:
        """The nearest numbers that make an image with colours that can be printed."""
        return within(parameters, self.limits)


class Fourier:
    r"""Frequencies, each weighted by its wavelength, in colours that are independent in photographs.

    .. math:: x = b + (w - b) \, \sigma(M \, \mathcal{F}^{-1}(s \odot z)), \quad
        s_f = \frac{1}{\max(f, 1 / \max(H, W))}

    It can make the same images; but a step changes coarse and fine structure alike, where steps in pixels
    change mostly the finest. With the sigmoid :math:`\sigma` between black :math:`b` and white :math:`w` all
    colours can be printed; without limits it is left out.

    Parameters
    ----------
    limits : (Tensor, Tensor), optional
        Black and white in preprocessed units, of shape (C, 1, 1).

    References
    ----------
    Olah, Mordvintsev, Schubert, "Feature Visualization", Distill 2017, "Preconditioning and
    parameterization".
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits
        self._size = (0, 0)
        self._scales: dict[tuple, Tensor] = {}

    def parameters(self, image: Tensor) -> Tensor:
        """The numbers that make an image (N, C, H, W): shape (N, C, H, W // 2 + 1, 2).

        Where there are limits, values as good as black or white become nearly so.
        """
        if self.limits is not None:
            low, high = (each.to(image) for each in self.limits)
            image = ((image - low) / (high - low)).clamp(_EDGE, 1 - _EDGE).logit()
        self._size = tuple(image.shape[2:])
        plain = torch.einsum("cd,ndhw->nchw", torch.linalg.inv(_colours(image)), image)
        spectrum = torch.fft.rfft2(plain, norm="ortho")
        return torch.view_as_real(spectrum / self._scale(image)).contiguous()

    def image(self, parameters: Tensor) -> Tensor:
        """The image that they make, of the size of the last one that was turned into parameters."""
        spectrum = torch.view_as_complex(parameters) * self._scale(parameters)
        plain = torch.fft.irfft2(spectrum, s=self._size, norm="ortho")
        image = torch.einsum("cd,ndhw->nchw", _colours(parameters), plain)
        if self.limits is None:
            return image
        low, high = (each.to(parameters) for each in self.limits)
        return low + image.sigmoid() * (high - low)

    def bounded(self, parameters: Tensor) -> Tensor:
        """The same: whatever they are, their image can be printed."""
        return parameters

    def _scale(self, like: Tensor) -> Tensor:
        key = (self._size, like.dtype, like.device)
        if key not in self._scales:
            height, width = self._size
            down = torch.fft.fftfreq(height, dtype=like.dtype)
            right = torch.fft.rfftfreq(width, dtype=like.dtype)
            frequency = torch.sqrt(down[:, None] ** 2 + right[None] ** 2)
            self._scales = {key: (1 / frequency.clamp(min=1 / max(height, width))).to(like)}
        return self._scales[key]


def _colours(like: Tensor) -> Tensor:
    """From independent colours to those of the image; grey ones are independent as they are."""
    if like.shape[1] != 3:
        return torch.eye(like.shape[1]).to(like)
    colours = torch.tensor(_COLOURS, dtype=like.dtype, device=like.device)
    return colours / torch.linalg.vector_norm(colours, dim=0).max()
