"""An embedding scatter as a plain picture, for places where widgets do not live."""

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ._pictures import INK, SOFT
from ._scatter import look_of
from ._scatter_words import class_name, counted_classes

if TYPE_CHECKING:
    from .embedding_scatter import EmbeddingScatter

ZOOM = 2  # drawn at twice its size, so that it stays sharp
MARGIN = 16
ROW = 20
LISTED = 24  # classes in the legend
NO_CLASS = "#7a7a7a"
EDGE = 0.55  # of a point's brightness
FAINT = 0.22  # of a point's colour, where others are selected
AT_ONCE = 20_000  # points: what drawing them needs in memory stays small


def scatter_picture(scatter: "EmbeddingScatter") -> Image.Image:
    """Title, points, legend beside them, caption."""
    classes = counted_classes(scatter)
    with_legend = bool(scatter.names)
    width, height = ZOOM * scatter.width, ZOOM * scatter.height
    plot = Image.fromarray(_plot(scatter, width, height))
    _rings(scatter, ImageDraw.Draw(plot))
    legend = _legend(scatter, classes, height) if with_legend else Image.new("RGB", (0, height))
    lines = wrap(scatter.caption, scatter.width // 6)
    top = ZOOM * ROW if scatter.title else 0
    sheet = Image.new("RGB", (width + legend.width, top + height + ZOOM * ROW * len(lines)), "white")
    sheet.paste(plot, (0, top))
    sheet.paste(legend, (width, top))
    texts = [(0, scatter.title, INK)] + [
        (top + height + ZOOM * ROW * i, line, SOFT) for i, line in enumerate(lines)
    ]
    for y, text, ink in texts:
        _write(ImageDraw.Draw(sheet), ZOOM * MARGIN, y + ZOOM * ROW // 2, text, ink)
    return sheet


def places(scatter: "EmbeddingScatter", width: int, height: int) -> np.ndarray:
    """Where the points are in a picture of this size: columns and rows, shape (n, 2)."""
    left, bottom, right, top = scatter._frame
    room = 2 * ZOOM * MARGIN
    scale = min((width - room) / (right - left), (height - room) / (top - bottom))
    middle = np.array([left + right, bottom + top]) / 2
    return (scatter.points - middle) * [scale, -scale] + [width / 2, height / 2]


def shape_mask(shape: str, radius: float) -> np.ndarray:
    """Pixels of a shape around its middle, (row, column) each; all cover about the area of the circle."""
    side = int(np.ceil(1.6 * radius))
    y, x = np.mgrid[-side : side + 1, -side : side + 1]
    inside = {
        "circle": x**2 + y**2 <= radius**2,
        "square": np.maximum(abs(x), abs(y)) <= 0.88 * radius,
        "triangle": (y <= 0.9 * radius) & (abs(x) <= 0.6 * (y + 1.2 * radius)),
        "diamond": abs(x) + abs(y) <= 1.25 * radius,
        "plus": (np.minimum(abs(x), abs(y)) <= 0.4 * radius) & (np.maximum(abs(x), abs(y)) <= 1.2 * radius),
        "cross": (abs(abs(x) - abs(y)) <= 0.55 * radius) & (abs(x) + abs(y) <= 1.9 * radius),
    }[shape]
    return np.argwhere(inside) - side


def _edged(shape: str, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of a shape, and which of them are its edge; small ones have none."""
    cells = shape_mask(shape, radius)
    if radius < ZOOM * 2:
        return cells, np.zeros(len(cells), bool)
    every = {tuple(cell) for cell in cells.tolist()}
    around = ((-1, 0), (1, 0), (0, -1), (0, 1))
    edge = [any((y + dy, x + dx) not in every for dy, dx in around) for y, x in cells.tolist()]
    return cells, np.array(edge)


def _colour(scatter: "EmbeddingScatter", index: int) -> np.ndarray:
    colours = scatter._palette
    return np.array(ImageColor.getrgb(colours[look_of(index, len(colours))[0]] if index >= 0 else NO_CLASS))


def _radius(scatter: "EmbeddingScatter") -> float:
    # the front end has the same sizes, see static/scatter/points.js
    n = scatter.n_points
    return ZOOM / 2 * (scatter.point_size or min(max(8 - 1.3 * np.log10(max(n, 10) / 10), 2.5), 8))


def _plot(scatter: "EmbeddingScatter", width: int, height: int) -> np.ndarray:
    pixels = np.full((height, width, 3), 255, np.uint8)
    flat = pixels.reshape(-1, 3)
    at = np.rint(places(scatter, width, height)).astype(int)
    labels = scatter.labels
    shown = ~np.isin(labels, scatter.hidden)
    chosen = np.zeros(len(labels), bool)
    chosen[[number for number in scatter.selected if number < len(labels)]] = True
    layers = [(shown & ~chosen, FAINT if chosen.any() else 1.0), (shown & chosen, 1.0)]
    indices = np.unique(labels)
    looks = {int(index): look_of(max(int(index), 0), len(scatter._palette))[1] for index in indices}
    radius = _radius(scatter)
    masks = {shape: _edged(shape, radius) for shape in set(looks.values())}
    for mask, strength in layers:
        for first in range(0, len(labels), AT_ONCE):
            some = np.flatnonzero(mask[first : first + AT_ONCE]) + first
            # one point over the other, in their order: drawn class by class, the last would hide the rest
            where, colours, order = [], [], []
            for index in np.unique(labels[some]):
                own = some[labels[some] == index]
                cells, edge = masks[looks[int(index)]]
                cells = at[own][:, None, ::-1] + cells
                inside = ((cells >= 0) & (cells < [height, width])).all(-1)
                where.append((cells[..., 0] * width + cells[..., 1])[inside])
                colour = _colour(scatter, int(index)) * np.where(edge, EDGE, 1.0)[:, None]
                colour = np.rint(255 + strength * (colour - 255)).astype(np.uint8)
                colours.append(np.broadcast_to(colour, (*inside.shape, 3))[inside])
                order.append(np.broadcast_to(own[:, None], inside.shape)[inside])
            if where:
                drawn = np.argsort(np.concatenate(order), kind="stable")
                flat[np.concatenate(where)[drawn]] = np.concatenate(colours)[drawn]
    return pixels


def _rings(scatter: "EmbeddingScatter", draw: ImageDraw.ImageDraw) -> None:
    at = places(scatter, *draw.im.size)
    ring = _radius(scatter) + 3 * ZOOM
    for number in [*scatter.highlighted, *scatter.added]:
        if number < len(at) and scatter.labels[number] not in scatter.hidden:
            x, y = at[number]
            draw.ellipse((x - ring, y - ring, x + ring, y + ring), outline=INK, width=ZOOM)


def _legend(scatter: "EmbeddingScatter", classes: list[tuple[int, int]], height: int) -> Image.Image:
    rows = classes[: min(LISTED, height // (ZOOM * ROW) - 1)]
    named = dict(enumerate(scatter.names))
    texts = [f"{named.get(index) or class_name([], index)}  {count:,}" for index, count in rows]
    if len(classes) > len(rows):
        texts.append(f"{len(classes) - len(rows)} more")
    font = ImageFont.load_default(ZOOM * 12)
    wide = int(max(font.getlength(text) for text in texts)) + ZOOM * (ROW + MARGIN)
    legend = Image.new("RGB", (wide, height), "white")
    draw = ImageDraw.Draw(legend)
    for place, text in enumerate(texts):
        middle = ZOOM * (ROW * place + ROW // 2)
        faint = place < len(rows) and rows[place][0] in scatter.hidden
        if place < len(rows) and not faint:
            index = rows[place][0]
            shape = look_of(max(index, 0), len(scatter._palette))[1]
            for dy, dx in shape_mask(shape, ZOOM * 4.5):
                legend.putpixel(
                    (ZOOM * 8 + int(dx), middle + int(dy)), tuple(_colour(scatter, index).tolist())
                )
        _write(draw, ZOOM * ROW, middle, text, "#b0b0b0" if faint else INK)
    return legend


def _write(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, ink: str) -> None:
    draw.text((x, y), text.replace("−", "-"), font=ImageFont.load_default(ZOOM * 12), fill=ink, anchor="lm")
