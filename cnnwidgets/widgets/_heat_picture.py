"""A heat map as a plain picture, for places where widgets do not live."""

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..render import colorize
from ._heat import (
    LISTED,
    NOISE,
    OTHER,
    PALETTE,
    bar_ends,
    cells_of,
    is_diverging,
    nice_ticks,
    ranked_classes,
    weights_of,
)
from ._pictures import ACCENT, INK, LINE, SOFT
from ._words import number

if TYPE_CHECKING:
    from .heat_map import HeatMap

ZOOM = 2  # drawn at twice its size, so that it stays sharp
ROW = ZOOM * 18
HEAD = ZOOM * 24  # above the colour bar
FADED = 0.8  # of the opacity, where values only stand in


def heat_picture(heat: "HeatMap") -> Image.Image:
    """Title, map, and colour bar or legend, one below the other."""
    width = ZOOM * heat.width
    tall, wide = heat.extent
    size = (round(min(max(width * tall / wide, width / 16), 1.5 * width)), width)
    if heat.names:
        coloured, rows = _classes(heat, size)
    else:
        coloured, rows = _numbers(heat, size)
    parts = [*([_text_row(width, heat.title, INK)] if heat.title else []), coloured, *rows]
    parts += [_text_row(width, line, SOFT) for line in wrap(heat.note, heat.width // 6)]
    gap = 4 * ZOOM
    sheet = Image.new("RGB", (width + 2 * gap, sum(part.height + gap for part in parts) + gap), "white")
    top = gap
    for part in parts:
        sheet.paste(part, (gap, top))
        top += part.height + gap
    return sheet


def _numbers(heat: "HeatMap", size: tuple[int, int]) -> tuple[Image.Image, list[Image.Image]]:
    drops = heat.view == "drop" and heat.baseline is not None
    values = heat.values.astype(float)
    raw = values[np.isfinite(values)]
    noise = NOISE * np.abs([*raw, heat.baseline or 0]).max()
    low, high, baseline = heat.low, heat.high, heat.baseline
    if drops:
        values = baseline - values
        low, high = (None if end is None else baseline - end for end in (high, low))
        baseline = 0.0
    unit = "" if drops else heat.unit
    ends = bar_ends(values, low, high, baseline, heat.least, is_diverging(heat.colormap), unit, noise)
    lo, hi = ends or (0.0, 0.0)
    flip, flat = -1 if heat.reverse else 1, float(lo == hi)

    def colours(numbers: np.ndarray) -> np.ndarray:
        # without a range everything has the middle colour: neither high nor low
        return colorize(flip * numbers, heat.colormap, *sorted((flip * lo - flat, flip * hi + flat)))

    pixels = _stretched(heat, values, heat.smooth, size)
    over = _over(heat, colours(pixels), np.isfinite(pixels), size)
    name = "drop" if drops else heat.unit
    if ends is None:
        return over, [_text_row(size[1], "no finite values", SOFT)]
    marks = [] if baseline is None else [(baseline, heat.baseline_label)]
    return over, _bar(size[1], colours, lo, hi, name, marks)


def _classes(heat: "HeatMap", size: tuple[int, int]) -> tuple[Image.Image, list[Image.Image]]:
    values = heat.values
    shares = ranked_classes(values, heat.known | ~heat.known.any())
    listed = [index for index, _ in shares[:LISTED]]
    colours = np.tile(np.uint8(ImageColor.getrgb(OTHER)), (len(heat.names), 1))
    for colour, index in zip(PALETTE, heat._slots, strict=False):
        if index in listed:
            colours[index] = ImageColor.getrgb(colour)
    pixels = _stretched(heat, values, False, size)
    finite = np.isfinite(pixels)
    over = _over(heat, colours[np.where(finite, pixels, 0).astype(int)], finite, size)
    rows = [
        _text_row(
            size[1],
            heat.names[index] + (f"  {share:.0%}" if heat.shares else ""),
            INK,
            swatch=tuple(colours[index].tolist()),
        )
        for index, share in shares[:LISTED]
    ]
    if shares[LISTED:]:
        rest = sum(share for _, share in shares[LISTED:])
        rows.append(
            _text_row(
                size[1],
                f"{len(shares) - LISTED} other" + (f"  {rest:.0%}" if heat.shares else ""),
                SOFT,
                swatch=OTHER,
            )
        )
    return over, rows


def _cells(heat: "HeatMap", size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    sides = zip(heat.centres, heat.extent, size, strict=True)
    return np.ix_(*(cells_of(*side) for side in sides))


def _stretched(heat: "HeatMap", values: np.ndarray, smooth: bool, size: tuple[int, int]) -> np.ndarray:
    """Values for each pixel: between the centres where all around is known, else the nearest."""
    blocks = values[_cells(heat, size)]
    if not smooth:
        return blocks
    down, across = (weights_of(*side) for side in zip(heat.centres, heat.extent, size, strict=True))
    solid = heat.known & np.isfinite(values)
    between = down @ np.where(solid, values, 0) @ across.T
    return np.where(down @ solid.astype(float) @ across.T > 1 - 1e-9, between, blocks)


def _over(heat: "HeatMap", colours: np.ndarray, shown: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """The coloured map over the picture in grey, with the chosen cell framed."""
    if heat.image is None:
        below, opacity = np.full((*size, 3), 255.0), 1.0
    else:
        picture = heat.image.convert("RGB").resize(size[::-1], Image.Resampling.BICUBIC)
        own, grey = np.asarray(picture, float), np.asarray(picture.convert("L"), float)[..., None]
        below, opacity = own + min(1, 4 * heat.opacity) * (grey - own), heat.opacity
    cover = opacity * shown * np.where(heat.known[_cells(heat, size)], 1, FADED)
    pixels = below + cover[..., None] * (colours - below)
    picture = Image.fromarray(np.rint(pixels).astype(np.uint8))
    if heat.position is not None:
        inside = [
            np.flatnonzero(cells.ravel() == at)
            for cells, at in zip(_cells(heat, size), heat.position, strict=True)
        ]
        (top, bottom), (left, right) = ((each[0], each[-1]) if len(each) else (0, 0) for each in inside)
        draw = ImageDraw.Draw(picture)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="white", width=2 * ZOOM)
        draw.rectangle((left, top, right, bottom), outline=ACCENT, width=ZOOM)
    return picture


def _text_row(width: int, text: str, ink: str, swatch: "str | tuple | None" = None) -> Image.Image:
    row = Image.new("RGB", (width, ROW), "white")
    draw = ImageDraw.Draw(row)
    left = 0
    if swatch is not None:
        draw.rectangle((0, ROW // 4, ROW // 2, ROW * 3 // 4), fill=swatch)
        left = ROW * 3 // 4
    draw.text(
        (left, ROW // 2),
        text.replace("−", "-"),
        font=ImageFont.load_default(ZOOM * 12),
        fill=ink,
        anchor="lm",
    )
    return row


def _bar(width: int, colours, lo: float, hi: float, unit: str, marks: list) -> list[Image.Image]:
    font = ImageFont.load_default(ZOOM * 11)
    bar = Image.new("RGB", (width, HEAD + ROW * 3 // 2), "white")
    strip = colours(np.linspace(lo, hi, width)[None] if hi > lo else np.full((1, width), lo))
    bar.paste(Image.fromarray(np.repeat(strip, ROW // 2, 0)), (0, HEAD))
    draw = ImageDraw.Draw(bar)
    draw.text((0, ROW // 2), unit, font=font, fill=SOFT, anchor="lm")

    def place(value: float) -> float:
        return (value - lo) / (hi - lo) * (width - 1) if hi > lo else width / 2

    for value in nice_ticks(lo, hi, 5):
        x = place(value)
        draw.line((x, HEAD + ROW // 2, x, HEAD + ROW // 2 + 3 * ZOOM), fill=LINE, width=ZOOM)
        text = number(value).replace("−", "-")
        text = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
        half = font.getlength(text) / 2
        draw.text((min(max(x, half), width - half), HEAD + ROW), text, font=font, fill=SOFT, anchor="mm")
    for value, label in marks:
        told = f"{label} {number(value)}".replace("−", "-")
        draw.text((width, ROW // 2), told, font=font, fill=INK, anchor="rm")
        x = place(value)
        if 0 <= x < width:
            draw.polygon(
                [(x - 4 * ZOOM, HEAD - 6 * ZOOM), (x + 4 * ZOOM, HEAD - 6 * ZOOM), (x, HEAD)], fill=INK
            )
    return [bar]
