"""Pictures of a step as one picture, for places where widgets do not live."""

from collections.abc import Sequence
from math import ceil

from PIL import Image, ImageDraw, ImageFont

from ._pictures import INK, SOFT
from ._step_history import Shown

GAP, LINE, MARGIN = 24, 34, 12
MOST_WIDE = 1500


def steps_picture(shown: Shown, title: str, titles: Sequence[str], width: int) -> Image.Image:
    """All pictures with their names and captions, at twice their size on the page so that text is sharp."""
    font = ImageFont.load_default(24)
    wide = min(2 * width, MOST_WIDE - 2 * MARGIN)
    columns = max(1, min(len(shown.pictures), (MOST_WIDE - 2 * MARGIN + GAP) // (wide + GAP)))
    pictures = [_fitted(picture, wide) for picture in shown.pictures]
    tall = max((picture.height for picture in pictures), default=0)
    above = LINE if any(titles[: len(pictures)]) else 0
    lines = [caption.splitlines() for caption in shown.captions[: len(pictures)]]
    below = LINE * max((len(each) for each in lines), default=0)
    cell = above + tall + below + GAP
    top = MARGIN + LINE
    size = (2 * MARGIN + columns * (wide + GAP) - GAP, top + ceil(len(pictures) / columns) * cell)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)

    def write(x, y, text, colour, room=wide):
        text = text.replace("−", "-").replace("×", "x")
        while text and font.getlength(text) > room:
            text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
        draw.text((x, y), text, font=font, fill=colour)

    head = ", ".join(part for part in (title, shown.told) if part)
    write(MARGIN, MARGIN - 4, head, INK, size[0] - 2 * MARGIN)
    for place, picture in enumerate(pictures):
        x, y = MARGIN + place % columns * (wide + GAP), top + place // columns * cell
        if place < len(titles):
            write(x, y, titles[place], INK)
        sheet.paste(picture, (x, y + above))
        for i, line in enumerate(lines[place] if place < len(lines) else []):
            write(x, y + above + picture.height + 4 + i * LINE, line, SOFT)
    return sheet


def _fitted(picture: Image.Image, width: int) -> Image.Image:
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.BICUBIC)
