"""Thumbnails of all points on a few large sheets, as an embedding scatter sends them to the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

import numpy as np
from PIL import Image

from ..render import jpeg_bytes, square_thumbnail
from ..render.encode import BLOCK
from ._traits import as_numpy

#: Longest side of a sheet: every browser decodes and draws pictures of this size.
SHEET = 2048
#: Pixels of all thumbnails together, four bytes each once they are decoded.
PIXELS = 16_000_000
#: Longest side of a thumbnail, where there is room for it.
LONGEST = 96
#: Numbers up to which sheets are sent exactly, as PNG; beyond, as JPEG.
EXACT = 4_000_000


@dataclass(frozen=True)
class Atlas:
    """Sheets one behind the other, and where the thumbnails are on them."""

    data: bytes = b""
    ends: tuple[int, ...] = ()  # of each sheet, in bytes
    tile: tuple[int, int] = (0, 0)  # height and width of a thumbnail
    cell: tuple[int, int] = (1, 1)  # of the place it has on a sheet
    without: tuple[int, ...] = ()  # points that have no picture

    @property
    def layout(self) -> dict:
        """What the browser needs to cut the thumbnails out."""
        columns, rows = (max(1, SHEET // side) for side in reversed(self.cell))
        sides = {"tile": list(self.tile), "cell": list(self.cell), "columns": columns, "rows": rows}
        return {"ends": list(self.ends), "without": list(self.without), **sides}


def atlas_of(thumbnails: Any, n: int) -> Atlas:
    """Sheets of `n` thumbnails: an array of uint8, or a sequence of arrays, PIL images and None."""
    if thumbnails is None or n == 0:
        return Atlas()
    without = ()
    if not hasattr(thumbnails, "shape"):
        without = tuple(place for place, each in enumerate(thumbnails) if each is None)
        if len(without) == len(thumbnails):
            return Atlas()
        first = next(each for each in thumbnails if each is not None)
        thumbnails = [first if each is None else each for each in thumbnails]
    tiles = _stack(thumbnails, n)
    exact = tiles.size <= EXACT
    height, width = tiles.shape[1:3]
    block = 1 if exact else BLOCK
    cell = tuple(ceil(side / block) * block for side in (height, width))
    # what lies between two thumbnails continues the first, or the JPEG's blocks would bleed into it
    room = [(0, 0), (0, cell[0] - height), (0, cell[1] - width), *[(0, 0)] * (tiles.ndim - 3)]
    columns, rows = (max(1, SHEET // side) for side in reversed(cell))
    sheets = []
    for first in range(0, n, columns * rows):
        some = np.pad(tiles[first : first + columns * rows], room, "edge")
        sheets.append(_encoded(_sheet(some, columns), exact))
    ends = np.cumsum([len(sheet) for sheet in sheets]).tolist()
    return Atlas(b"".join(sheets), tuple(ends), (height, width), cell, without)


def _stack(thumbnails: Any, n: int) -> np.ndarray:
    if hasattr(thumbnails, "shape"):
        thumbnails = as_numpy(thumbnails)
    if len(thumbnails) != n:
        raise ValueError(f"there must be one thumbnail for each of the {n} points, not {len(thumbnails)}")
    if not isinstance(thumbnails, np.ndarray):
        return _of_many(thumbnails, _side(n))
    if thumbnails.ndim == 4 and thumbnails.shape[3] == 1:
        thumbnails = thumbnails[..., 0]
    _check(thumbnails[0], 0)
    side = _side(n)
    if max(thumbnails.shape[1:3]) <= side:
        return thumbnails
    return np.stack([_shrunk(Image.fromarray(each), side) for each in thumbnails])


def _of_many(thumbnails: Sequence[Any], side: int) -> np.ndarray:
    """Pictures of one size keep their shape, others are cut to the square in their middle."""
    pictures = [_picture(each, place) for place, each in enumerate(thumbnails)]
    if len({picture.size for picture in pictures}) > 1:
        side = min(side, max(min(picture.size) for picture in pictures))
        return np.stack([np.asarray(square_thumbnail(picture, side)) for picture in pictures])
    grey = all(picture.mode == "L" for picture in pictures)
    return np.stack([_shrunk(each if grey else each.convert("RGB"), side) for each in pictures])


def _picture(source: Any, place: int) -> Image.Image:
    if isinstance(source, Image.Image):
        return source if source.mode in ("L", "RGB") else source.convert("RGB")
    pixels = as_numpy(source)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    _check(pixels, place)
    return Image.fromarray(pixels)


def _check(pixels: np.ndarray, place: int) -> None:
    if pixels.dtype != np.uint8:
        raise ValueError(f"thumbnails must be of uint8, 0 to 255, not of {pixels.dtype}")
    if pixels.ndim not in (2, 3) or pixels.ndim == 3 and pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(
            f"thumbnail {place} must have the shape (height, width, 3) or (height, width), not {pixels.shape}"
        )


def _side(n: int) -> int:
    """The longest side that `n` thumbnails may have, a multiple of 16."""
    return max(BLOCK, min(LONGEST, int((PIXELS / n) ** 0.5) // BLOCK * BLOCK))


def _shrunk(picture: Image.Image, side: int) -> np.ndarray:
    longest = max(picture.size)
    if longest > side:
        size = tuple(max(1, round(length * side / longest)) for length in picture.size)
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=2)
    return np.asarray(picture)


def _sheet(tiles: np.ndarray, columns: int) -> np.ndarray:
    n, height, width, *colours = tiles.shape
    columns = min(columns, n)
    rows = ceil(n / columns)
    sheet = np.zeros((rows * columns, height, width, *colours), np.uint8)
    sheet[:n] = tiles
    sheet = sheet.reshape(rows, columns, height, width, *colours).swapaxes(1, 2)
    return sheet.reshape(rows * height, columns * width, *colours)


def _encoded(sheet: np.ndarray, exact: bool) -> bytes:
    if not exact:
        return jpeg_bytes(sheet, quality=88, full_colour=True)
    buffer = BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()
