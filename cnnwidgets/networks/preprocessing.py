"""From a picture to the tensor that a network takes, and back."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.errors import InputError

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

WHOLE_PIXELS = 16_000_000
"""Up to so many pixels the whole picture is resized. A strip of 1 × 10,000 would become 256 × 2,560,000."""


@dataclass(frozen=True)
class Preprocess:
    """Resize, crop the middle, scale to [0, 1], normalise: what classification networks are trained with.

    Step by step the same as torchvision's ``ImageClassification`` on a PIL image, so the tensors are equal.

    Attributes
    ----------
    size : (int, int) or int
        Height and width of the network's input in pixels; an int means a square. Where the resized picture is
        smaller, black is added on both sides, before normalising.
    resize : int or (int, int), optional
        Length of the shorter side after resizing, the aspect ratio kept; or height and width, not kept. If
        not given, the smallest picture that covers ``size``.
    mean, std : tuple of float
        For each channel, in units of [0, 1]: normalised = (value - mean) / std. Three for RGB, one for grey:
        their number decides what the network sees. Not normalised if not given.
    interpolation : {"bilinear", "bicubic", "nearest", "lanczos"}
        Always with antialiasing, as PIL resizes.

    Raises
    ------
    ValueError
        For a size, number of channels or interpolation that cannot be.

    Examples
    --------
    >>> preprocess = Preprocess(size=(32, 48), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    >>> preprocess.tensor(Image.new("RGB", (640, 480))).shape
    torch.Size([1, 3, 32, 48])
    """

    size: tuple[int, int]
    resize: int | tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    interpolation: str = "bilinear"

    note = ""  # CustomPreprocess has something to say here
    undoable = True

    def __post_init__(self):
        size = (
            (self.size, self.size) if isinstance(self.size, int) else tuple(int(side) for side in self.size)
        )
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size must be a height and a width of at least 1, not {self.size!r}.")
        resize = self.resize if self.resize is None or isinstance(self.resize, int) else tuple(self.resize)
        if resize is not None and (np.min(resize) < 1 or np.size(resize) not in (1, 2)):
            raise ValueError(
                f"resize must be a length, or a height and a width, of at least 1, not {self.resize!r}."
            )
        mean, std = tuple(map(float, self.mean)), tuple(map(float, self.std))
        if len(mean) not in (1, 3) or len(mean) != len(std):
            raise ValueError(
                f"Give one mean and std for grey or three for RGB, not {len(mean)} and {len(std)}."
            )
        if not (np.isfinite(mean + std).all() and np.min(std) > 0):
            raise ValueError(f"mean must be finite and std above 0, not {mean} and {std}.")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation must be one of {', '.join(INTERPOLATIONS)}; not {self.interpolation!r}."
            )
        for name, value in (("size", size), ("resize", resize), ("mean", mean), ("std", std)):
            object.__setattr__(self, name, value)  # frozen: the only way in __post_init__

    @classmethod
    def from_torchvision(cls, transforms) -> "Preprocess":
        """The same steps as torchvision's preset ``weights.transforms()`` of a classification network."""
        # one number: of the shorter side for resize, of a square for the crop
        resize, crop = transforms.resize_size, transforms.crop_size
        return cls(
            size=(crop[0], crop[-1]),
            resize=resize[0] if len(resize) == 1 else tuple(resize),
            mean=tuple(transforms.mean),
            std=tuple(transforms.std),
            interpolation=transforms.interpolation.value,
        )

    @property
    def channels(self) -> int:
        """3 for a network that sees RGB, 1 for one that sees grey."""
        return len(self.mean)

    def picture(self, image: Image.Image) -> Image.Image:
        """What the network sees of an RGB image: resized, cropped, grey if it sees grey; not normalised."""
        image = image.convert("L" if self.channels == 1 else "RGB")
        height, width = self._resized(image.height, image.width)
        top, left = (_cut(have, want) for have, want in zip((height, width), self.size, strict=True))
        visible = (
            max(left, 0),
            max(top, 0),
            min(left + self.size[1], width),
            min(top + self.size[0], height),
        )
        part = _resize_part(image, (width, height), visible, INTERPOLATIONS[self.interpolation])
        if part.size == self.size[::-1]:
            return part
        padded = Image.new(part.mode, self.size[::-1])  # black
        padded.paste(part, (max(-left, 0), max(-top, 0)))
        return padded

    def tensor(self, image: Image.Image) -> Tensor:
        """What the network takes: float32 of shape (1, C, H, W), normalised."""
        pixels = np.array(self.picture(image), dtype=np.float32)
        x = torch.from_numpy(pixels).reshape(1, *self.size, self.channels).permute(0, 3, 1, 2).contiguous()
        return self.normalise(x / 255)

    def normalise(self, values: Tensor) -> Tensor:
        """(value - mean) / std for values in [0, 1] of shape (..., C, H, W)."""
        mean, std = self._statistics(values)
        return (values - mean) / std

    def denormalise(self, x: Tensor) -> Tensor:
        """Back to values that are in [0, 1] for a picture, of shape (..., C, H, W). Nothing is clamped."""
        mean, std = self._statistics(x)
        return x * std + mean

    def _statistics(self, values: Tensor) -> tuple[Tensor, Tensor]:
        if values.ndim < 3 or values.shape[-3] != self.channels:
            raise InputError(
                f"Give a tensor of shape (N, {self.channels}, H, W) or ({self.channels}, H, W), "
                f"not {tuple(values.shape)}."
            )
        mean, std = (values.new_tensor(number).reshape(-1, 1, 1) for number in (self.mean, self.std))
        return mean, std

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after resizing; fractions of a pixel are cut off, as torchvision does."""
        if isinstance(self.resize, tuple):
            return self.resize
        if self.resize is not None:
            short = min(height, width)
            return self.resize * height // short, self.resize * width // short
        rows, columns = self.size
        if columns * height >= rows * width:  # the width decides
            return max(columns * height // width, rows), columns
        return rows, max(rows * width // height, columns)


def _cut(have: int, want: int) -> int:
    """Where a crop of the middle begins; negative where there is less than is wanted."""
    if have >= want:
        return round((have - want) / 2)  # torchvision's rounding, to even
    return -((want - have) // 2)


def _resize_part(image: Image.Image, size: tuple[int, int], box: tuple, resample) -> Image.Image:
    """``image.resize(size).crop(box)``, also where the whole would not fit into memory."""
    if size[0] * size[1] <= WHOLE_PIXELS:
        return image.resize(size, resample).crop(box)
    # PIL's filters reach beyond such a box, so that the part is the same but for rounding of the positions.
    scale = (image.width / size[0], image.height / size[1]) * 2
    source = [min(edge * each, side) for edge, each, side in zip(box, scale, image.size * 2, strict=True)]
    return image.resize((box[2] - box[0], box[3] - box[1]), resample, box=source)
