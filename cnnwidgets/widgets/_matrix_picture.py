"""Small matrices as a plain picture, for places where widgets do not live."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ..render import lut
from ._matrix import short
from ._pictures import ACCENT, INK, LINE, SOFT

ZOOM = 2  # drawn at twice its size, so that it stays sharp
CELL, HEAD, GAP = ZOOM * 36, ZOOM * 40, ZOOM * 28
#: Colours of the largest negative and the largest positive number, as in ``static/matrix`` too.
NEGATIVE, POSITIVE = (tuple(lut("RdBu_r")[place].tolist()) for place in (25, 230))
STRONGEST = 0.6  # how much of that colour lies over the paper, so that the number on it is read
#: What took a number away, and the colour of its hatching.
HATCHES = {"f": "#1b9e77", "r": "#e6830b"}


@dataclass
class Drawn:
    """One matrix in a picture: NaN for cells that are empty; `hatched` tells by the letters of `HATCHES`."""

    title: str
    values: np.ndarray
    note: str = ""
    scale: float = 0.0
    frame: "tuple[int, int, int, int] | None" = None  # row, column, height, width
    hatched: "list[list[str]]" = field(default_factory=list)


def matrices_picture(rows: list[list[Drawn]], line: str = "") -> Image.Image:
    """Rows of matrices with their titles, and a line of text below."""
    font = ImageFont.load_default(ZOOM * 12)
    line = _plain(line)
    widths = [sum(_width(one) + GAP for one in row) + GAP for row in rows]
    heights = [HEAD + max(len(one.values) for one in row) * CELL + GAP for row in rows]
    width = int(max(*widths, font.getlength(line) + 2 * GAP))
    sheet = Image.new("RGB", (width, sum(heights) + (2 * GAP if line else GAP // 2)), "white")
    top = GAP // 2
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for one in row:
            _draw(sheet, one, left, top)
            left += _width(one) + GAP
        top += height
    if line:
        ImageDraw.Draw(sheet).text((GAP, top + GAP // 2), line, font=font, fill=INK, anchor="lm")
    return sheet


def tint(value: float, scale: float) -> tuple[int, int, int]:
    """Paper for zero, the more of its sign's colour the larger the number."""
    share = STRONGEST * min(abs(value) / scale, 1) if scale > 0 else 0.0
    colour = POSITIVE if value > 0 else NEGATIVE
    return tuple(round(255 + share * (channel - 255)) for channel in colour)


def _width(one: Drawn) -> int:
    titles = max(ImageFont.load_default(ZOOM * 12).getlength(_plain(text)) for text in (one.title, one.note))
    return int(max(one.values.shape[1] * CELL, titles))


def _draw(sheet: Image.Image, one: Drawn, left: int, top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    font, small = ImageFont.load_default(ZOOM * 13), ImageFont.load_default(ZOOM * 12)
    draw.text((left, top + HEAD * 0.25), _plain(one.title), font=small, fill=INK, anchor="lm")
    draw.text((left, top + HEAD * 0.66), _plain(one.note), font=small, fill=SOFT, anchor="lm")
    top += HEAD
    scale = one.scale or float(np.nanmax(np.abs(one.values), initial=0))
    for (row, column), value in np.ndenumerate(one.values):
        x, y = left + column * CELL, top + row * CELL
        box = (x, y, x + CELL, y + CELL)
        why = one.hatched[row][column] if one.hatched else ""
        empty = bool(np.isnan(value))
        if not empty and not why:
            draw.rectangle(box, fill=tint(value, scale))
        for letter in why:
            _hatch(sheet, box, ImageColor.getrgb(HATCHES[letter]), letter == "r")
        draw.rectangle(box, outline=LINE)
        if not empty:
            place = (x + CELL / 2, y + CELL / 2)
            text = _plain(short(value))
            draw.text(place, text, font=font, fill=SOFT if why else INK, anchor="mm")
    if one.frame is not None:
        row, column, tall, wide = one.frame
        x, y = left + column * CELL, top + row * CELL
        draw.rectangle((x, y, x + wide * CELL, y + tall * CELL), outline=ACCENT, width=2 * ZOOM)


def _hatch(sheet: Image.Image, box: tuple, colour: tuple, rising: bool) -> None:
    """Diagonal lines over a cell, light enough for a number on them."""
    y, x = np.mgrid[0:CELL, 0:CELL]
    lines = ((x + y if rising else x - y) % (7 * ZOOM)) < ZOOM * 1.5
    pixels = np.asarray(sheet.crop((box[0], box[1], box[0] + CELL, box[1] + CELL))).copy()
    pixels[lines] = (0.5 * pixels[lines] + 0.5 * np.array(colour)).astype(np.uint8)
    sheet.paste(Image.fromarray(pixels), box[:2])


def _plain(text: str) -> str:
    return text.replace("−", "-").replace("×", "x").replace("·", "*")
