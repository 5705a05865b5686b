"""Rows of pictures as one picture, for places where widgets do not live."""

from PIL import Image, ImageDraw, ImageFont

from ._picture_rows import PictureRow, Tile, opened
from ._pictures import INK, SOFT
from ._words import number

#: Colour of the frame of a picture that is marked as the same, and of one that is not: told apart by those
#: who do not see red and green as well.
SAME, OTHER = "#0072b2", "#d55e00"
SIDE, GAP, LINE, LARGE = 128, 16, 34, 220
MOST_SHOWN = 12


def rows_picture(rows: list[PictureRow], query: "Tile | None", k: int, title: str) -> Image.Image:
    """The first `k` pictures of each row, a dozen at most, drawn at about twice their size on the page."""
    k = min(k, MOST_SHOWN)
    font = ImageFont.load_default(24)
    widest = max([min(k, len(row.tiles)) for row in rows] + [4])
    left = LARGE + 2 * GAP if query is not None else 0
    width = left + widest * (SIDE + GAP) + GAP
    one = 2 * LINE + SIDE + 2 * LINE + GAP
    top = LINE + GAP if title else 0
    height = top + max(len(rows) * one, LARGE + 3 * LINE if query is not None else 0) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    write = _writer(draw, font)
    if title:
        write((GAP, 4), title, INK, width - 2 * GAP)
    if query is not None:
        picture = _fitted(opened(query.picture), LARGE)
        sheet.paste(picture, (GAP, top + GAP))
        below = top + GAP + picture.height + 6
        write((GAP, below), query.label, INK, LARGE)
        write((GAP, below + LINE), query.source, SOFT, LARGE)
    for place, row in enumerate(rows):
        y = top + place * one + GAP
        write((left, y), " · ".join(part for part in (row.title, row.note) if part), INK, width - left)
        write((left, y + LINE), row.message or row.told_of(k), SOFT, width - left)
        for i, tile in enumerate(row.tiles[:k]):
            _draw_tile(sheet, draw, write, tile, left + i * (SIDE + GAP), y + 2 * LINE)
    return sheet


def _draw_tile(sheet, draw, write, tile: Tile, x: int, y: int) -> None:
    picture = _fitted(opened(tile.picture), SIDE)
    sheet.paste(picture, (x, y))
    if tile.mark is not None:
        box = (x - 3, y - 3, x + picture.width + 2, y + picture.height + 2)
        draw.rectangle(box, outline=SAME if tile.mark else OTHER, width=6)
        _badge(draw, x + picture.width - 14, y + 14, tile.mark)
    value = "" if tile.value is None else tile.value if isinstance(tile.value, str) else number(tile.value)
    write((x, y + SIDE + 4), tile.label, INK, SIDE)
    write((x, y + SIDE + LINE), value, SOFT, SIDE)


def _badge(draw, x: int, y: int, is_same: bool) -> None:
    draw.ellipse((x - 15, y - 15, x + 15, y + 15), fill=SAME if is_same else OTHER, outline="white", width=2)
    strokes = [[(-7, 0), (-2, 6), (7, -6)]] if is_same else [[(-6, -6), (6, 6)], [(-6, 6), (6, -6)]]
    for stroke in strokes:
        draw.line([(x + dx, y + dy) for dx, dy in stroke], fill="white", width=4)


def _writer(draw, font):
    def write(place, text, colour, width):
        text = text.replace("−", "-").replace("×", "x")
        while text and font.getlength(text) > width:
            text = text[:-2].rstrip("…") + "…" if len(text) > 2 else ""
        draw.text(place, text, font=font, fill=colour)

    return write


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    size = tuple(max(1, round(length * scale)) for length in picture.size)
    return picture.resize(size, Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BICUBIC)
