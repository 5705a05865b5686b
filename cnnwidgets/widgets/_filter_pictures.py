"""Filters as a plain picture, for places where widgets do not live."""

import numpy as np
from PIL import Image, ImageDraw

from ..render import grid_columns
from ..render.signed import signed_pixels

ACCENT, LARGE, MOST = "#1976d2", 220, 64


def filters_picture(
    weights: np.ndarray, order: list[int], channel: int | None, shared: bool, columns: int | None
) -> Image.Image:
    """All filters that read an image as tiles, or the first rows of grey tiles; the chosen one framed, and
    in colour also large beside them."""
    whole = np.abs(weights[np.isfinite(weights)]).max(initial=0) if shared else None
    if weights.shape[1] not in (1, 3):
        return _rows(weights[order[:MOST], :MOST], order[:MOST], channel, whole)
    tiles = [signed_pixels(weights[each], whole).transpose(1, 2, 0) for each in order]
    height, width = weights.shape[2:]
    columns = min(columns or grid_columns(len(tiles), height, width), len(tiles))
    zoom = max(1, 440 // (columns * (width + 1)))
    picture = Image.new(
        "RGB", (_span(columns, width, zoom), _span(-(-len(tiles) // columns), height, zoom)), "white"
    )
    for place, (each, tile) in enumerate(zip(order, tiles, strict=True)):
        row, column = divmod(place, columns)
        _paste(
            picture,
            tile,
            row * (height + 1) * zoom,
            column * (width + 1) * zoom,
            zoom,
            framed=each == channel,
        )
    if channel is None:
        return picture
    large = Image.new("RGB", (width * (LARGE // width or 1), height * (LARGE // width or 1)), "white")
    _paste(large, signed_pixels(weights[channel], whole).transpose(1, 2, 0), 0, 0, LARGE // width or 1)
    both = Image.new("RGB", (picture.width + 16 + large.width, max(picture.height, large.height)), "white")
    both.paste(picture, (0, 0))
    both.paste(large, (picture.width + 16, 0))
    return both


def _rows(weights: np.ndarray, order: list[int], channel: int | None, whole: float | None) -> Image.Image:
    rows, columns, height, width = weights.shape
    zoom = max(1, 440 // (columns * (width + 1)))
    picture = Image.new("RGB", (_span(columns, width, zoom), _span(rows, height, zoom)), "white")
    for row, each in enumerate(order):
        top = row * (height + 1) * zoom
        for column, tile in enumerate(signed_pixels(weights[row], whole)):
            _paste(picture, tile[:, :, None], top, column * (width + 1) * zoom, zoom)
        if each == channel:
            box = (0, top, picture.width - 1, top + height * zoom - 1)
            ImageDraw.Draw(picture).rectangle(box, outline=ACCENT, width=max(1, zoom // 2))
    return picture


def _span(n: int, side: int, zoom: int) -> int:
    return (n * (side + 1) - 1) * zoom


def _paste(
    picture: Image.Image, tile: np.ndarray, top: int, left: int, zoom: int, framed: bool = False
) -> None:
    pixels = np.broadcast_to(tile, (*tile.shape[:2], 3)).repeat(zoom, 0).repeat(zoom, 1)
    picture.paste(Image.fromarray(np.ascontiguousarray(pixels)), (left, top))
    if framed:
        box = (left, top, left + pixels.shape[1] - 1, top + pixels.shape[0] - 1)
        ImageDraw.Draw(picture).rectangle(box, outline=ACCENT, width=max(2, zoom // 2))
