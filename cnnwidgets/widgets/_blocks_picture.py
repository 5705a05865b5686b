"""Patches beside their images as a plain picture, for places where widgets do not live."""

from math import ceil, sqrt

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ._patches import Patch, patch_tile
from ._pictures import INK, SOFT
from ._signed import Signed
from ._words import number

WIDTH, GAP, LINE, HEAD = 480, 8, 32, 48  # of a block; drawn at twice its size so that it stays sharp


def blocks_picture(
    patches: list[Patch],
    images: dict[str, list[Signed]],
    size: tuple[int, int],
    heading: str,
    is_shared: bool,
    clip: float,
) -> Image.Image:
    """A block of patches, and one for each kind of images."""
    across = ceil(sqrt(len(patches)))
    side = (WIDTH - GAP * (across - 1)) / across
    zoom = min(side / size[1], 480 / size[0])
    tile = max(1, round(size[0] * zoom)), max(1, round(size[1] * zoom))
    blocks = [(heading, patches, [number(patch.value) for patch in patches])]
    for name, every in images.items():
        limits = [each.limit(clip) for each in every]
        limits = [max(limits)] * len(limits) if is_shared else limits
        drawn = [_over(*pair, limit) for *pair, limit in zip(patches, every, limits, strict=True)]
        blocks.append((name, drawn, [told_most(each) for each in every]))
    rows = ceil(len(patches) / across)
    sheet = Image.new(
        "RGB", (len(blocks) * (WIDTH + 4 * GAP) - 4 * GAP, HEAD + rows * (tile[0] + LINE + GAP)), "white"
    )
    draw = ImageDraw.Draw(sheet)
    head, small = ImageFont.load_default(26), ImageFont.load_default(20)
    for k, (name, tiles, texts) in enumerate(blocks):
        left = k * (WIDTH + 4 * GAP)
        draw.text((left, HEAD / 2), name, font=head, fill=INK, anchor="lm")
        for i, (patch, text) in enumerate(zip(tiles, texts, strict=True)):
            x, y = left + i % across * (tile[1] + GAP), HEAD + i // across * (tile[0] + LINE + GAP)
            sheet.paste(patch_tile(patch, size, tile[::-1]), (x, y))
            text = text.replace("−", "-")
            draw.text((x + tile[1] / 2, y + tile[0] + LINE / 2), text, font=small, fill=SOFT, anchor="mm")
    return sheet


def told_most(image: Signed) -> str:
    """The largest number of an image in words."""
    if image.most is None:
        return "not finite"
    return f"±{number(image.most)}" if image.most else "all zero"


def _over(patch: Patch, image: Signed, limit: float) -> Patch:
    """The patch with its image in place of the picture."""
    pixels = np.full((patch.picture.height, patch.picture.width, 3), 128, np.uint8)
    if image.most:
        top, left, bottom, right = image.area
        pixels[top:bottom, left:right] = image.pixels(limit)
    return Patch(
        Image.fromarray(pixels), patch.box, patch.seen, patch.known, patch.value, patch.source, patch.note
    )
