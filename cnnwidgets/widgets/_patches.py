"""Patches of pictures: checked, encoded for the browser, and drawn where there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..render import jpeg_bytes, png_bytes
from ._pictures import INK
from ._words import number

MOST = 36
#: Pictures up to this many pixels are sent exactly; larger ones as JPEG, whose colours are not halved, since
#: a small field is looked at pixel by pixel.
EXACT_PIXELS = 160 * 160

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patch:
    """One patch: its picture, what the unit sees of it, and how strongly it fires."""

    picture: Image.Image
    box: Box
    seen: Box
    known: bool
    value: float
    source: str
    note: str

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what the unit sees, padding included."""
        top, left, bottom, right = self.box
        return bottom - top, right - left


def patches_of(described: Sequence[Any]) -> list[Patch]:
    """Dicts or objects as patches; one PIL image for all patches that share a picture."""
    described = list(described)
    if len(described) > MOST:
        raise ValueError(f"at most {MOST} patches can be shown, not {len(described)}")
    pictures: dict[int, tuple[Any, Image.Image]] = {}  # with what they were made of, as ids are used again
    return [_patch(each, place, pictures) for place, each in enumerate(described)]


def _patch(described: Any, place: int, pictures: dict[int, tuple[Any, Image.Image]]) -> Patch:
    get = described.get if isinstance(described, dict) else lambda key: getattr(described, key, None)
    source = get("picture")
    if source is None:
        raise ValueError(f"patch {place} has no picture: it is what the network saw, whole")
    if id(source) not in pictures:
        pictures[id(source)] = source, _rgb(source, place)
    picture = pictures[id(source)][1]
    whole = (0, 0, picture.height, picture.width)
    box = _box(get("box"), "box", place) or whole
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"the box of patch {place} must be (top, left, bottom, right), not {box}")
    value = get("value")
    return Patch(
        picture,
        box,
        _inside(_inside(_box(get("seen"), "seen", place) or box, box), whole),
        known=get("box") is not None,
        value=float("nan") if value is None else float(value),
        source=str(get("source") or ""),
        note=str(get("note") or ""),
    )


def _rgb(source: Any, place: int) -> Image.Image:
    if not isinstance(source, Image.Image):
        pixels = np.asarray(source)
        if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
            raise ValueError(
                f"the picture of patch {place} must be a PIL image or an array of uint8 with shape "
                f"(H, W, 3), not of {pixels.dtype} with shape {pixels.shape}"
            )
        source = Image.fromarray(pixels)
    return source.convert("RGB")


def _box(sides: Any, name: str, place: int) -> Box | None:
    if sides is None:
        return None
    try:
        top, left, bottom, right = (int(side) for side in sides)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} of patch {place} must be (top, left, bottom, right), not {sides!r}"
        ) from None
    return top, left, bottom, right


def _inside(inner: Box, outer: Box) -> Box:
    """The part of a box that is in another; empty (but in order) if there is none."""
    top, left = max(inner[0], outer[0]), max(inner[1], outer[1])
    return top, left, max(top, min(inner[2], outer[2])), max(left, min(inner[3], outer[3]))


def sent_patches(patches: list[Patch]) -> tuple[bytes, list[int], list[dict]]:
    """Patches for the browser: their pictures one behind the other, where each ends, and the rest."""
    sent = {id(patch.picture): patch.picture for patch in patches}
    sent = {name: sent_picture(picture) for name, picture in sent.items()}
    pictures = list(dict.fromkeys(sent.values()))  # the same picture goes once
    places = {encoded: place for place, encoded in enumerate(pictures)}
    ends = np.cumsum([len(each) for each in pictures], dtype=int).tolist()
    described = [
        {
            "picture": places[sent[id(patch.picture)]],
            "box": list(patch.box),
            "seen": list(patch.seen),
            "known": patch.known,
            "source": patch.source,
            "note": patch.note,
        }
        for patch in patches
    ]
    return b"".join(pictures), ends, described


def sent_picture(picture: Image.Image) -> bytes:
    """A whole picture for the browser."""
    if picture.width * picture.height <= EXACT_PIXELS:
        return png_bytes(picture)
    return jpeg_bytes(picture, quality=95, full_colour=True)


def patches_picture(patches: list[Patch], size: tuple[int, int], columns: int = 0) -> Image.Image:
    """All patches in rows with the value under each, at twice its size so that it stays sharp."""
    columns = min(columns or ceil(sqrt(len(patches))), len(patches))
    zoom = min(480 / columns / size[1], 480 / columns / size[0])
    width, height = max(1, round(size[1] * zoom)), max(1, round(size[0] * zoom))
    gap, line = 12, 40
    rows = ceil(len(patches) / columns)
    sheet = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + line)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    for place, patch in enumerate(patches):
        x, y = place % columns * (width + gap), place // columns * (height + line)
        sheet.paste(patch_tile(patch, size, (width, height)), (x, y))
        text = number(patch.value).replace("−", "-")
        draw.text((x + width / 2, y + height + 16), text, font=font, fill=INK, anchor="mm")
    return sheet


def patch_tile(patch: Patch, size: tuple[int, int], shown: tuple[int, int]) -> Image.Image:
    """One patch, padding hatched; `size` is what all have in pixels, `shown` the (width, height) drawn."""
    width, height = shown
    diagonal = np.add.outer(np.arange(height), np.arange(width)) // 3 % 4 == 0
    tile = Image.fromarray(np.where(diagonal, 200, 245).astype(np.uint8)).convert("RGB")
    top, left, bottom, right = patch.seen
    if bottom <= top or right <= left:
        return tile
    # in the middle, should its box be smaller than that of others
    down, across = ((side - own) / 2 for side, own in zip(size, patch.shape, strict=True))
    rows = [round((side - patch.box[0] + down) * height / size[0]) for side in (top, bottom)]
    places = [round((side - patch.box[1] + across) * width / size[1]) for side in (left, right)]
    cut = patch.picture.crop((left, top, right, bottom))
    enlarged = width > size[1]
    method = Image.Resampling.NEAREST if enlarged else Image.Resampling.BICUBIC
    tile.paste(
        cut.resize((max(1, places[1] - places[0]), max(1, rows[1] - rows[0])), method), (places[0], rows[0])
    )
    return tile
