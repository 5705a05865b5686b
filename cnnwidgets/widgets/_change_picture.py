"""A change to a picture as a plain picture, for places where widgets do not live."""

from textwrap import wrap
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from ._changes import percentage
from ._pictures import ACCENT, INK, LINE, SOFT

if TYPE_CHECKING:
    from .change_viewer import ChangeViewer

ZOOM = 2  # drawn at twice its size, so that it stays sharp
GAP, TEXT, SIGN = ZOOM * 14, ZOOM * 22, ZOOM * 34
TARGET = "#d9730d"


def change_picture(viewer: "ChangeViewer") -> Image.Image:
    """Three pictures in a row, bars under two of them, and the facts."""
    share = f"{100 * float(viewer.scales[viewer._place()]):.0f} %"
    change = viewer.changes[viewer.chosen]
    before = Image.fromarray(viewer._picture)
    columns = [
        ("Before", before, viewer.top(0), ""),
        (change.name, viewer.magnified(), [], f"shown {viewer.shown_factor:g} times as strong"),
        (f"After, with {share} of it", viewer.after(), viewer.top(), ""),
    ]
    width = ZOOM * viewer.width
    height = round(width * before.height / before.width)
    facts = [["The change", change.told()], *viewer.facts]
    total = 3 * width + 2 * SIGN + 2 * GAP
    lines = [(name, line) for name, text in facts for line in _lines(name, text, total)]
    sheet = Image.new(
        "RGB", (total, 2 * GAP + 2 * TEXT + height + 5 * TEXT + GAP + len(lines) * TEXT), "white"
    )
    draw = ImageDraw.Draw(sheet)
    left = GAP
    for place, (title, picture, top, note) in enumerate(columns):
        if place:
            _write(draw, left - SIGN // 2, GAP + TEXT + height // 2, "+="[place - 1], SOFT, 20, "mm")
        _write(draw, left, GAP + TEXT // 2, title, INK, 13)
        sheet.paste(picture.resize((width, height), _smoothly(place)), (left, GAP + TEXT))
        bottom = GAP + TEXT + height + TEXT // 2
        _write(draw, left, bottom + TEXT // 2, note, SOFT, 12)
        for row, (index, name, probability) in enumerate(top):
            colour = {viewer.marked[0]: ACCENT, viewer.marked[1]: TARGET}.get(index, SOFT)
            _bar(draw, left, bottom + row * TEXT, width, name, probability, colour)
        left += width + SIGN
    bottom = 2 * GAP + 2 * TEXT + height + 5 * TEXT
    for row, (name, line) in enumerate(lines):
        _write(draw, GAP, bottom + row * TEXT, name if not row or lines[row - 1][0] != name else "", SOFT, 12)
        _write(draw, GAP + ZOOM * 150, bottom + row * TEXT, line, INK, 12)
    return sheet


def _lines(name: str, text: str, width: int) -> list[str]:
    return wrap(text, max(20, (width - ZOOM * 170) // (ZOOM * 7)))


def _smoothly(place: int) -> Image.Resampling:
    return Image.Resampling.NEAREST if place == 1 else Image.Resampling.BICUBIC


def _bar(draw, left: int, top: int, width: int, name: str, probability: float, colour: str) -> None:
    middle, start, end = top + TEXT // 2, left + width * 45 // 100, left + width * 74 // 100
    room = width * 43 // 100
    while name and ImageFont.load_default(ZOOM * 12).getlength(name) > room:
        name = name[:-1]
    _write(draw, left, middle, name, INK, 12)
    draw.line((start, middle, end, middle), fill=LINE, width=2)
    draw.line((start, middle, start + (end - start) * probability, middle), fill=colour, width=ZOOM * 5)
    _write(draw, left + width, middle, percentage(probability), SOFT, 12, "rm")


def _write(draw, x: int, y: int, text: str, ink: str, size: int, anchor: str = "lm") -> None:
    for sign, plain in (("−", "-"), ("×", "x"), ("·", "-")):  # the font has no signs for them
        text = text.replace(sign, plain)
    draw.text((x, y), text, font=ImageFont.load_default(ZOOM * size), fill=ink, anchor=anchor)
