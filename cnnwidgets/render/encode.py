"""Pictures as bytes for the browser."""

from collections.abc import Sequence
from io import BytesIO
from math import ceil

import numpy as np
from PIL import Image

#: JPEG codes blocks of 8 or 16 pixels: tiles that are no multiple bleed into each other.
BLOCK = 16


def _image(picture: "Image.Image | np.ndarray") -> Image.Image:
    image = (
        picture if isinstance(picture, Image.Image) else Image.fromarray(np.asarray(picture, dtype=np.uint8))
    )
    return image if image.mode in ("RGB", "L") else image.convert("RGB")


def png_bytes(picture: "Image.Image | np.ndarray") -> bytes:
    """Encode exactly.

    Parameters
    ----------
    picture : PIL image or ndarray of uint8, shape (H, W) or (H, W, 3)

    Returns
    -------
    bytes

    Examples
    --------
    >>> import numpy as np
    >>> png_bytes(np.zeros((2, 3, 3), np.uint8))[:4]
    b'\\x89PNG'
    """
    buffer = BytesIO()
    _image(picture).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg_bytes(picture: "Image.Image | np.ndarray", quality: int = 85, full_colour: bool = False) -> bytes:
    """Encode small, with small errors.

    Parameters
    ----------
    picture : PIL image or ndarray of uint8, shape (H, W) or (H, W, 3)
    quality : int
        1 (worst) to 95.
    full_colour : bool
        Keep the colours at full resolution instead of half of it.

    Returns
    -------
    bytes

    Examples
    --------
    >>> import numpy as np
    >>> jpeg_bytes(np.zeros((2, 3, 3), np.uint8))[:2]
    b'\\xff\\xd8'
    """
    buffer = BytesIO()
    _image(picture).save(buffer, "JPEG", quality=quality, subsampling=0 if full_colour else 2)
    return buffer.getvalue()


def square_thumbnail(picture: Image.Image, side: int) -> Image.Image:
    """The largest square in the middle of a picture, resized.

    Parameters
    ----------
    picture : PIL image
    side : int
        Pixels.

    Returns
    -------
    PIL image, RGB, `side` by `side`

    Examples
    --------
    >>> from PIL import Image
    >>> square_thumbnail(Image.new("L", (40, 30)), 16).size
    (16, 16)
    """
    width, height = picture.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    return picture.convert("RGB").resize(
        (side, side), Image.Resampling.BICUBIC, box=(left, top, left + edge, top + edge), reducing_gap=2
    )


def atlas(tiles: Sequence[Image.Image], columns: int = 16, quality: int = 85) -> bytes:
    """Many square pictures of one size in a single JPEG: one message and one decoding for all of them.

    Parameters
    ----------
    tiles : sequence of PIL images
        All of one size, both sides multiples of 16 (the JPEG block), so that no tile bleeds into the next.
    columns : int
        Tiles in a row.
    quality : int
        JPEG quality.

    Returns
    -------
    bytes
        Empty if there are no tiles.

    Raises
    ------
    ValueError
        If the sizes differ or are no multiples of 16.

    Examples
    --------
    >>> from PIL import Image
    >>> atlas([Image.new("RGB", (16, 16), "red")] * 3)[:2]
    b'\\xff\\xd8'
    """
    if not tiles:
        return b""
    width, height = tiles[0].size
    if width % BLOCK or height % BLOCK:
        raise ValueError(f"tiles must be multiples of {BLOCK} pixels, not {width} x {height}")
    if any(tile.size != (width, height) for tile in tiles):
        raise ValueError("all tiles of an atlas must have one size")
    columns = min(columns, len(tiles))
    sheet = Image.new("RGB", (columns * width, ceil(len(tiles) / columns) * height))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % columns * width, place // columns * height))
    # decoders smooth colours of half resolution over the border between two tiles
    return jpeg_bytes(sheet, quality, full_colour=True)
