"""Images of positive and negative numbers, such as a gradient: for the browser, and as pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ._patches import Box
from ._traits import as_numpy

FULL = 32767
"""The code of the largest number: two bytes are enough to read three digits."""


@dataclass(frozen=True, eq=False)
class Signed:
    """An image of numbers over a picture; zero outside of its area."""

    values: np.ndarray  # (C, h, w), those of the area
    area: Box
    most: float | None  # size of the largest number; None if there are some that are not finite

    @property
    def described(self) -> dict:
        """What the front end has to know beside the codes."""
        return {"area": list(self.area), "most": self.most, "channels": len(self.values)}

    def limit(self, clip: float) -> float:
        """The percentile of the sizes of all numbers but zero; 0 if there are none."""
        if not self.most:
            return 0.0
        sizes = np.abs(self.values[self.values != 0])
        return float(np.percentile(sizes, clip, method="inverted_cdf"))

    def pixels(self, limit: float) -> np.ndarray:
        """Grey or colours between black (-limit) and white (+limit), uint8 (h, w, 3)."""
        share = np.clip(self.values / limit, -1, 1) if limit else np.zeros_like(self.values)
        codes = np.rint(127.5 + 127.5 * share).astype(np.uint8).transpose(1, 2, 0)
        return np.ascontiguousarray(np.broadcast_to(codes, (*codes.shape[:2], 3)))


def signed(values: Any, picture: Image.Image, name: str) -> Signed:
    """Check one image, and leave out what is zero around it."""
    values = np.asarray(as_numpy(values), np.float32)
    values = values[None] if values.ndim == 2 else values
    size = picture.height, picture.width
    if values.ndim != 3 or len(values) not in (1, 3) or values.shape[1:] != size:
        raise ValueError(
            f"an image of {name} must have the shape (3, {size[0]}, {size[1]}), or 1 in place of 3, as its "
            f"picture, not {values.shape}"
        )
    rows, columns = (np.flatnonzero((values != 0).any(axis=axis)) for axis in ((0, 2), (0, 1)))
    if not len(rows):
        return Signed(values[:, :0, :0], (0, 0, 0, 0), 0.0)
    area = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    cut = values[:, area[0] : area[2], area[1] : area[3]].copy()
    most = float(np.abs(cut).max())
    return Signed(cut, area, most if np.isfinite(most) else None)


def packed(images: list[Signed]) -> bytes:
    """The numbers of all images as codes of two bytes, one image behind the other; those that are not finite
    have none."""
    return b"".join(
        np.rint(each.values.astype(float) * (FULL / each.most)).astype("<i2").tobytes()
        for each in images
        if each.most
    )
