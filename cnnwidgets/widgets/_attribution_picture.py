"""An attribution grid as a plain picture, for places where widgets do not live."""

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..render import DIVERGING, colorize
from ._attribution import AttributionPanel, drawn_of, limits_of
from ._attribution_words import told_ends, told_range
from ._heat import cells_of, centres_of, weights_of
from ._pictures import ACCENT, INK, SOFT

if TYPE_CHECKING:
    from .attribution_grid import AttributionGrid

ZOOM = 2  # drawn at twice its size, so that it stays sharp
LINE = ZOOM * 17
GAP = ZOOM * 12
COLUMNS = 5  # panels side by side
STRIP = ZOOM * 6
FADED = 0.3  # of its opacity, where a map is out of date
MIDDLE = 128
GREY_BELOW = 4  # times the opacity: how grey the picture is under a map


def attribution_picture(grid: "AttributionGrid") -> Image.Image:
    """All panels in rows, each with its title, the ends of its colours and its range."""
    panels, size = grid.panels, _size(grid)
    limits = limits_of(panels, grid.clip)
    first = [_picture_tile(grid, size)] if grid.show_image and grid.image is not None else []
    rows = [
        (heading, [*first, *(_tile(grid, panel, limits[panel.key], size) for panel in members)])
        for heading, members in groupby(panels, key=lambda panel: panel.row)
    ]
    return _sheet(rows or [("", first or [Image.new("RGB", (1, 1), "white")])], size[1])


def _size(grid: "AttributionGrid") -> tuple[int, int]:
    height, width = grid.extent
    return max(1, round(ZOOM * grid.width * height / width)), ZOOM * grid.width


def _sheet(rows: list[tuple[str, list[Image.Image]]], width: int) -> Image.Image:
    columns = min(COLUMNS, max(len(tiles) for _, tiles in rows))
    parts = []
    for heading, tiles in rows:
        parts += [[_text(width, heading, INK, 14)]] if heading else []
        parts += [tiles[at : at + columns] for at in range(0, len(tiles), columns)]
    height = sum(max(tile.height for tile in line) + GAP for line in parts) + GAP
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, height), "white")
    top = GAP
    for line in parts:
        for place, tile in enumerate(line):
            sheet.paste(tile, (GAP + place * (width + GAP), top))
        top += max(tile.height for tile in line) + GAP
    return sheet


def _picture_tile(grid: "AttributionGrid", size: tuple[int, int]) -> Image.Image:
    whole = grid.image.convert("RGB").resize(size[::-1], Image.Resampling.BICUBIC)
    return _stack([_text(size[1], grid.image_title, INK, 13), _marked(grid, whole)])


def _tile(grid: "AttributionGrid", panel: AttributionPanel, limit: float, size: tuple) -> Image.Image:
    width, nothing = size[1], grid.said(panel.key)
    parts = [_text(width, panel.title or panel.key, INK, 13), _marked(grid, _map(grid, panel, limit, size))]
    if limit:
        ramp = np.linspace(0 if panel.kind == "heat" else -limit, limit, width)[None]
        parts.append(Image.fromarray(np.repeat(_colours(grid, panel.kind, ramp, limit), STRIP, 0)))
        parts.append(_text(width, *told_ends(panel.values, panel.kind, limit), SOFT, 11))
    words = [nothing or (told_range(panel.values, panel.kind) if limit else "no values yet"), panel.unit]
    for line in wrap(", ".join(word for word in words if word), width // (ZOOM * 6)):
        parts.append(_text(width, line, INK, 12))
    for told in (panel.note, panel.pending):
        parts += [_text(width, line, SOFT, 12) for line in wrap(told, width // (ZOOM * 6))]
    return _stack(parts)


def _colours(grid: "AttributionGrid", kind: str, values: np.ndarray, limit: float) -> np.ndarray:
    if kind == "heat":
        return colorize(values, grid.colormap, 0, limit)
    if kind == "signed":
        return colorize(values, DIVERGING[0], -limit, limit)
    grey = np.clip(np.floor(np.nan_to_num(values) * 127 / limit + MIDDLE + 0.5), 0, 255).astype(np.uint8)
    return np.moveaxis(grey, 0, -1) if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=-1)


def _map(grid: "AttributionGrid", panel: AttributionPanel, limit: float, size: tuple) -> Image.Image:
    colour, cover = panel.kind == "colour", 1.0 if panel.kind == "colour" else grid.opacity
    if limit and colour:
        below = np.full((*size, 3), float(MIDDLE))
    elif grid.image is None:
        below = np.full((*size, 3), 238.0)
    else:
        whole = grid.image.convert("RGB").resize(size[::-1], Image.Resampling.BICUBIC)
        own, grey = np.asarray(whole, float), np.asarray(whole.convert("L"), float)[..., None]
        below = own + (min(1, GREY_BELOW * grid.opacity) if limit else 1) * (grey - own)
    if limit:
        drawn = drawn_of(panel.values, panel.kind)
        planes = drawn if drawn.ndim == 3 else drawn[None]
        planes = np.stack([_stretched(plane, size, grid.smooth) for plane in planes])
        shown = np.isfinite(planes).all(axis=0)[..., None]
        cover *= FADED if grid.is_stale(panel.key) else 1
        colours = _colours(grid, panel.kind, planes if len(planes) > 1 else planes[0], limit)
        below = below + cover * shown * (colours - below)
    return Image.fromarray(np.rint(below).astype(np.uint8))


def _stretched(values: np.ndarray, size: tuple[int, int], smooth: bool) -> np.ndarray:
    """Values for each pixel: between the centres of the cells where all around is known, else the nearest."""
    sides = list(zip(values.shape, size, strict=True))
    blocks = values[np.ix_(*(cells_of(centres_of([], n, n), n, many) for n, many in sides))]
    if not smooth:
        return blocks
    down, across = (weights_of(centres_of([], n, n), n, many) for n, many in sides)
    solid = np.isfinite(values)
    between = down @ np.where(solid, values, 0) @ across.T
    return np.where(down @ solid.astype(float) @ across.T > 1 - 1e-9, between, blocks)


def _marked(grid: "AttributionGrid", picture: Image.Image) -> Image.Image:
    """With a ring around the chosen pixel."""
    if grid.position is not None:
        shares = [(at + 0.5) / side for at, side in zip(grid.position, grid.extent, strict=True)]
        y, x = shares[0] * picture.height, shares[1] * picture.width
        draw = ImageDraw.Draw(picture)
        for radius, colour, line in ((14, "white", 7), (12, ACCENT, 2)):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=line)
    return picture


def _stack(parts: list[Image.Image]) -> Image.Image:
    tile = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        tile.paste(part, (0, top))
        top += part.height
    return tile


def _text(width: int, left: str, *rest: "str | int") -> Image.Image:
    """One line: text at the left, and maybe at the right; then the ink and the size."""
    *right, ink, size = rest
    line, font = Image.new("RGB", (width, LINE), "white"), ImageFont.load_default(ZOOM * size)
    draw = ImageDraw.Draw(line)
    for text, x, anchor in [(left, 0, "lm"), *((each, width, "rm") for each in right)]:
        draw.text((x, LINE // 2), _plain(text), font=font, fill=ink, anchor=anchor)
    return line


def _plain(text: str) -> str:
    """What the font has signs for."""
    for sign, plain in (("−", "-"), ("×", "x"), ("≥", ">="), ("≤", "<="), ("·", "-")):
        text = text.replace(sign, plain)
    return text
