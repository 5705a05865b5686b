"""Plain pictures of widgets, for places where widgets do not live."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..render import display_range, mosaic, overlay

INK, SOFT, LINE, ACCENT = "#212121", "#616161", "#d0d0d0", "#1976d2"
ROW, MARGIN = 26, 14


def text_picture(
    rows: list[list[str]], marked: int | None = None, shares: "list[float] | None" = None
) -> Image.Image:
    """A small table, drawn at twice its size so that it stays sharp; `shares` (0 to 1) are drawn as bars."""
    font = ImageFont.load_default(2 * 13)
    rows = [[text.replace("−", "-").replace("×", "x") for text in row] for row in rows]
    widths = [max(font.getlength(row[i]) for row in rows) for i in range(len(rows[0]))]
    bars = 2 * 160 if shares is not None else 0
    width = int(sum(widths)) + 2 * 2 * MARGIN + 2 * 24 * (len(widths) - 1) + (bars + 48 if bars else 0)
    picture = Image.new("RGB", (width, 2 * (ROW * len(rows) + 12)), "white")
    draw = ImageDraw.Draw(picture)
    for place, row in enumerate(rows):
        y, x = 2 * (6 + ROW * place), 2 * MARGIN
        if place == marked:
            draw.rectangle((0, y + 6, 5, y + 2 * ROW - 6), fill=ACCENT)
        for i, text in enumerate(row):
            draw.text((x, y + ROW), text, font=font, fill=INK if i == 0 else SOFT, anchor="lm")
            x += widths[i] + 48
        if shares is not None and np.isfinite(shares[place]):
            draw.line((x, y + ROW, x + bars, y + ROW), fill=LINE, width=2)
            draw.line((x, y + ROW, x + bars * shares[place], y + ROW), fill=ACCENT, width=8)
    return picture


def bars_picture(values: np.ndarray, marked: int, size: tuple[int, int] = (96, 960)) -> Image.Image:
    """One bar for each value, from zero; the marked one in the accent colour."""
    height, width = size
    values = np.nan_to_num(np.asarray(values, np.float64), posinf=0, neginf=0)
    lo, hi = min(values.min(), 0), max(values.max(), 0)
    scale = (height - 8) / ((hi - lo) or 1)
    zero = 4 + hi * scale
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    step = width / len(values)
    for place, value in enumerate(values):
        top, bottom = sorted((zero, zero - value * scale))
        left = place * step
        right = max(left + step - (2 if step > 5 else 0), left + 1)
        draw.rectangle(
            (left, top, right, max(bottom, top + 1)), fill=ACCENT if place == marked else "#b5b5b5"
        )
    return picture


def tiles_picture(
    maps: np.ndarray, order: list[int], channel: int, columns: int | None, scale: str, colormap: str
) -> Image.Image:
    """All maps as tiles, that of the channel framed; about 440 pixels large."""
    every = max(1, max(maps.shape[1:]) // 48)  # no more than thumbnails are needed
    maps = maps[:, ::every, ::every]
    tiles = mosaic(maps, columns, order=order, scale=scale, colormap=colormap)
    zoom = max(1, 440 // max(tiles.shape[:2]))
    picture = Image.fromarray(tiles.repeat(zoom, 0).repeat(zoom, 1))
    if channel in order:
        height, width = maps.shape[1:]
        row, column = divmod(order.index(channel), (tiles.shape[1] + 1) // (width + 1))
        top, left = row * (height + 1) * zoom, column * (width + 1) * zoom
        box = (left - 1, top - 1, left + width * zoom, top + height * zoom)
        ImageDraw.Draw(picture).rectangle(box, outline="#d32f2f", width=max(1, zoom // 2))
    return picture


def map_picture(
    values: np.ndarray,
    image: Image.Image | None,
    height: int,
    colormap: str,
    scaled: np.ndarray,
    opacity: float,
    smooth: bool,
) -> Image.Image:
    """One map over the image, or alone; `scaled` are the values that the colour map reaches over."""
    finite = scaled[np.isfinite(scaled)]
    ends = display_range(finite.min(), finite.max(), colormap) if finite.size else (0.0, 0.0)
    below = image or Image.new("RGB", values.shape[::-1], "white")
    size = (max(1, round(height * below.width / below.height)), height)
    pixels = overlay(
        below.convert("RGB").resize(size, Image.Resampling.BICUBIC),
        values,
        opacity if image else 1.0,
        colormap,
        value_range=ends,
        smooth=smooth,
        fade=image is not None,
    )
    return Image.fromarray(pixels)
