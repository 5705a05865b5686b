"""What a square shows instead of the image."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError

WORDS = ("mean", "blurred", "noise", "elsewhere")


def fill_pixels(x: Tensor, fill: "float | str | Tensor" = 0.0, seed: int = 0) -> Tensor:
    """Pictures from which the squares take their pixels, each in its own place.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    fill : float, str or Tensor
        - a number: every pixel has it, in preprocessed units (0 is the mean colour of the training images
          for most networks);
        - a Tensor (C,): one colour; (C, H, W) or (N, C, H, W): whole pictures;
        - ``"mean"``: the mean colour of each image;
        - ``"blurred"``: each image after a Gaussian blur of standard deviation min(H, W) / 16 pixels;
        - ``"noise"``: normally distributed, with the mean and the standard deviation that each channel of
          each image has;
        - ``"elsewhere"``: each image moved by half its height and half its width, around the border.
    seed : int
        Of the noise; the global random state is neither used nor changed.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        May be an expanded view: do not write into it.

    Raises
    ------
    InputError
        If the fill is none of these, does not fit, or is not finite.

    Examples
    --------
    >>> x = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    >>> fill_pixels(x, "mean").tolist()
    [[[[3.0, 3.0], [3.0, 3.0]]]]
    >>> fill_pixels(x, "elsewhere").tolist()
    [[[[6.0, 3.0], [2.0, 1.0]]]]
    """
    if isinstance(fill, str):
        if fill not in WORDS:
            raise InputError(f"fill is a number, a tensor or one of {', '.join(WORDS)}, not {fill!r}")
        return _by_word(x, fill, seed)
    if isinstance(fill, Tensor) and fill.ndim:
        fill = fill.detach().to(x)
        shape = (-1, 1, 1) if fill.ndim == 1 else fill.shape
        try:
            filled = fill.reshape(shape).expand(x.shape)
        except RuntimeError:
            raise InputError(
                f"a fill for images of shape {tuple(x.shape)} is a colour (C,) or pictures (C, H, W) or "
                f"(N, C, H, W) of the same size, not {tuple(fill.shape)}"
            ) from None
    else:
        try:
            filled = x.new_tensor(float(fill)).expand(x.shape)
        except (TypeError, ValueError):
            raise InputError(
                f"fill is a number, a tensor or one of {', '.join(WORDS)}, not {fill!r}"
            ) from None
    if not torch.isfinite(filled).all():
        raise InputError("the fill holds a NaN or an infinity; give finite numbers")
    return filled


def _by_word(x: Tensor, word: str, seed: int) -> Tensor:
    if word == "mean":
        return x.mean((2, 3), keepdim=True).expand(x.shape)
    if word == "elsewhere":
        return x.roll((x.shape[2] // 2, x.shape[3] // 2), (2, 3))
    if word == "blurred":
        return _blurred(x, min(x.shape[2:]) / 16)
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(x.shape, generator=generator, dtype=torch.float32).to(x)
    return x.mean((2, 3), keepdim=True) + x.std((2, 3), keepdim=True, correction=0) * noise


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, rows and columns apart; the border is repeated outwards."""
    reach = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    weights = (weights / weights.sum()).to(x)
    n_channels = x.shape[1]
    padded = F.pad(x, (reach,) * 4, mode="replicate")
    down = weights.reshape(1, 1, -1, 1).expand(n_channels, 1, -1, 1)
    blurred = F.conv2d(padded, down, groups=n_channels)
    return F.conv2d(blurred, down.transpose(2, 3), groups=n_channels)
