"""Somebody's own preprocessing, such as a torchvision ``Compose``, behind the face of ``Preprocess``."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..core.errors import InputError, NetworkError
from .preprocessing import Preprocess
from .random_weights import kept_random_state


class CustomPreprocess:
    """A callable that turns a PIL image (RGB) into a tensor (C, H, W), and what is known of how to undo it.

    The tensor always comes from the callable itself. To show it as a picture its normalisation has to be
    undone. Its mean and std are the callable's own ``mean`` and ``std``, or those of the last step among its
    ``transforms`` that has them (a ``Normalize``), or else 0 and 1. Whether that is the way back is tried on
    two pictures: if it does not lead back into [0, 1], ``undoable`` is False, ``picture`` shows the image
    plainly resized and cropped instead of what the network sees, ``denormalise`` is an error, and ``note``
    says so.

    Parameters
    ----------
    function : callable
        PIL image -> tensor of shape (C, H, W) or (1, C, H, W), C = 1 or 3, of the same size for every image.

    Raises
    ------
    NetworkError
        If the callable fails on a picture, or does not return such a tensor.
    """

    def __init__(self, function):
        self.function = function
        probes = self._probe()
        self.channels, *size = probes.shape[1:]
        self.size = tuple(size)
        statistics = _normalisation(function) or ([0.0], [1.0])
        mean, std = (v * self.channels if len(v) == 1 else v for v in statistics)
        if not len(mean) == len(std) == self.channels:
            mean, std = [0.0] * self.channels, [1.0] * self.channels
        # It knows the way back, and the plain picture where there is none.
        self._plain = Preprocess(self.size, mean=tuple(mean), std=tuple(std))
        back = self._plain.denormalise(probes)
        # antialiasing may overshoot a little
        self.undoable = bool(back.min() >= -TOLERANCE and back.max() <= 1 + TOLERANCE)
        self.note = "" if self.undoable else UNKNOWN_WAY_BACK

    def picture(self, image: Image.Image) -> Image.Image:
        """What the network sees of an RGB image; if it cannot be undone, the image resized and cropped."""
        if not self.undoable:
            return self._plain.picture(image)
        values = self.denormalise(self.tensor(image))[0].clamp(0, 1)
        pixels = (values * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        return Image.fromarray(pixels if self.channels == 3 else np.ascontiguousarray(pixels[..., 0]))

    def tensor(self, image: Image.Image) -> Tensor:
        """What the network takes: float tensor of shape (1, C, H, W)."""
        try:
            x = self.function(image)
        except Exception as error:  # somebody else's code
            raise NetworkError(
                f"The preprocessing {_name(self.function)} failed on a PIL image in mode RGB "
                f"({type(error).__name__}: {error}): give one that takes such an image, or a Preprocess."
            ) from error
        shape = tuple(x.shape) if isinstance(x, Tensor) else None
        if shape and len(shape) == 3:
            x = x[None]
        if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[0] != 1 or x.shape[1] not in (1, 3):
            what = f"a tensor of shape {shape}" if shape is not None else f"a {type(x).__name__}"
            raise NetworkError(
                f"The preprocessing {_name(self.function)} returned {what}: it must return a tensor (C, H, "
                "W) with 1 or 3 channels; does it lack a ToTensor()?"
            )
        if not x.is_floating_point():
            raise NetworkError(
                f"The preprocessing {_name(self.function)} returned {x.dtype} values: let it end with "
                "floats, with ConvertImageDtype(torch.float32)."
            )
        return x.detach().cpu()

    def normalise(self, values: Tensor) -> Tensor:
        """From [0, 1] to what the network takes, (..., C, H, W)."""
        self._check_undoable()
        return self._plain.normalise(values)

    def denormalise(self, x: Tensor) -> Tensor:
        """Back to [0, 1]; an InputError where the way back is unknown."""
        self._check_undoable()
        return self._plain.denormalise(x)

    def _check_undoable(self):
        if not self.undoable:
            raise InputError(
                "This network's preprocessing cannot be undone, as it has no Normalize and leaves [0, 1]: "
                "give wrap(preprocess=Preprocess(size, mean=..., std=...))."
            )

    def _probe(self) -> Tensor:
        """What becomes of two pictures of different sizes, one with many colours and a white one."""
        ramp = np.linspace(0, 255, 300).astype(np.uint8)
        red, green = np.meshgrid(ramp, ramp[::-1])
        colours = Image.fromarray(np.dstack([red, green, red[::-1]]))
        with kept_random_state():  # a random crop must not shift the user's random numbers
            results = [self.tensor(image) for image in (colours, Image.new("RGB", (400, 250), "white"))]
        shapes = sorted({tuple(x.shape[1:]) for x in results})
        if len(shapes) > 1:
            raise NetworkError(
                f"The preprocessing {_name(self.function)} returned tensors of several shapes, {shapes}: "
                "let it resize and crop to one size."
            )
        return torch.cat(results)


TOLERANCE = 0.01

UNKNOWN_WAY_BACK = (
    "Its preprocessing has no Normalize that could be undone: pictures show the image resized and cropped, "
    "not exactly what the network sees."
)


def _normalisation(function) -> tuple[list[float], list[float]] | None:
    """Mean and std of the callable itself, or of the last step in it that has them."""
    mean, std = getattr(function, "mean", None), getattr(function, "std", None)
    if mean is not None and std is not None and not callable(mean):
        return [np.ravel(np.asarray(v, dtype=float)).tolist() for v in (mean, std)]
    steps = list(function) if isinstance(function, nn.Sequential) else getattr(function, "transforms", ())
    found = [statistics for step in steps if (statistics := _normalisation(step))]
    return found[-1] if found else None


def _name(function) -> str:
    return getattr(function, "__name__", type(function).__name__)
