"""Rows of pictures: checked, and encoded for the browser."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from ..render import jpeg_bytes, png_bytes

#: Longest side of a picture in pixels; larger ones are made smaller.
LONGEST = 192
#: Pictures up to this many pixels are sent exactly.
EXACT_PIXELS = 64 * 64
#: Tiles of one row.
MOST = 240


@dataclass(frozen=True)
class Tile:
    """One picture and what is told of it.

    Parameters
    ----------
    picture : PIL image, ndarray of uint8, or bytes of a PNG or JPEG
    number : int, optional
        What the widget's ``chosen`` becomes when it is clicked; without one it cannot be.
    label : str
        Stands below.
    value : float or str, optional
        Stands below the label, such as a distance.
    mark : bool or None
        True for a tick, False for a cross, None for neither.
    source : str
        Where it comes from; told while the pointer rests on it.
    """

    picture: Any
    number: int | None = None
    label: str = ""
    value: "float | str | None" = None
    mark: bool | None = None
    source: str = ""


@dataclass(frozen=True)
class PictureRow:
    """Some pictures with a heading.

    Parameters
    ----------
    key : str
        Tells the rows of a widget apart.
    title, note : str
        Heading, and small text beside it.
    tiles : sequence of Tile or dict
    told : str or sequence of str
        A sentence above the pictures; or one for each number of pictures that are shown, one picture first.
    share, mean : sequence of float
        Drawn as a bar with a notch, 0 to 1; one for each number of pictures that are shown.
    message : str
        In place of the pictures, such as ``"computing …"``.
    """

    key: str
    title: str = ""
    note: str = ""
    tiles: Sequence[Any] = ()
    told: "str | Sequence[str]" = ""
    share: Sequence[float] = ()
    mean: Sequence[float] = ()
    message: str = ""

    def __post_init__(self) -> None:
        tiles = tuple(tile_of(each) for each in self.tiles)
        if len(tiles) > MOST:
            raise ValueError(f"a row has at most {MOST} pictures, not {len(tiles)}")
        object.__setattr__(self, "tiles", tiles)

    def told_of(self, k: int) -> str:
        """The sentence for the first `k` pictures."""
        if isinstance(self.told, str):
            return self.told
        return self.told[min(k, len(self.told)) - 1] if len(self.told) else ""


def rows_of(rows: Iterable[Any]) -> list[PictureRow]:
    """Rows from rows and dicts; ValueError if two have one key."""
    found = [row if isinstance(row, PictureRow) else _made(PictureRow, row, "row") for row in rows]
    keys = [row.key for row in found]
    if len(set(keys)) < len(keys):
        raise ValueError(f"each row has a key of its own, unlike {', '.join(keys)}")
    return found


def tile_of(given: Any) -> Tile:
    """A tile from a tile or a dict."""
    return given if isinstance(given, Tile) else _made(Tile, given, "tile")


def _made(kind: type, given: Any, name: str) -> Any:
    try:
        return kind(**given)
    except TypeError as error:
        raise ValueError(f"a {name} is a {kind.__name__} or a dict of its fields: {error}") from None


class Pictures:
    """Encoded pictures, one behind the other; one that comes several times goes once."""

    def __init__(self) -> None:
        self._places: dict[bytes, int] = {}
        self._by_id: dict[int, tuple[Any, int]] = {}  # with what was encoded, as ids are used again

    def place(self, picture: Any) -> int:
        """Number of a picture among those that are sent."""
        if id(picture) not in self._by_id:
            code = encoded(picture)
            self._by_id[id(picture)] = picture, self._places.setdefault(code, len(self._places))
        return self._by_id[id(picture)][1]

    @property
    def joined(self) -> tuple[bytes, list[int]]:
        """All bytes, and where each picture ends."""
        ends = np.cumsum([len(code) for code in self._places], dtype=int).tolist()
        return b"".join(self._places), ends


def encoded(picture: Any) -> bytes:
    """A picture as PNG where it is small, else as JPEG; bytes as they are."""
    if isinstance(picture, bytes):
        return picture
    image = opened(picture)
    if max(image.size) > LONGEST:
        image = image.copy()
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.BICUBIC, reducing_gap=2)
    if image.width * image.height <= EXACT_PIXELS:
        return png_bytes(image)
    return jpeg_bytes(image, quality=90, full_colour=True)


def opened(picture: Any) -> Image.Image:
    """A picture as PIL has it, RGB."""
    if isinstance(picture, bytes):
        try:
            return Image.open(BytesIO(picture)).convert("RGB")
        except OSError as error:
            raise ValueError(f"the bytes of a picture are those of a PNG or JPEG: {error}") from None
    if isinstance(picture, Image.Image):
        return picture.convert("RGB")
    pixels = np.asarray(picture)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(
            "a picture is a PIL image, an array of uint8 with shape (H, W, 3) or (H, W), or the bytes of a "
            f"PNG or JPEG, not of {pixels.dtype} with shape {pixels.shape}"
        )
    return Image.fromarray(pixels).convert("RGB")


def described_tile(tile: Tile, pictures: Pictures) -> dict:
    """What the browser gets of a tile."""
    value = tile.value
    if isinstance(value, float | int | np.number):
        value = float(value) if math.isfinite(value) else str(float(value))  # JSON knows no NaN
    return {
        "picture": pictures.place(tile.picture),
        "number": None if tile.number is None else int(tile.number),
        "label": tile.label,
        "value": value,
        "mark": None if tile.mark is None else bool(tile.mark),
        "source": tile.source,
    }


def described_row(row: PictureRow, pictures: Pictures) -> dict:
    """What the browser gets of a row."""
    return {
        "key": row.key,
        "title": row.title,
        "note": row.note,
        "told": [row.told] if isinstance(row.told, str) else [str(each) for each in row.told],
        "share": [float(each) for each in row.share],
        "mean": [float(each) for each in row.mean],
        "message": row.message,
        "tiles": [described_tile(tile, pictures) for tile in row.tiles],
    }
