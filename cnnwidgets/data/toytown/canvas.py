"""The drawing board: polygons are drawn as numbers, and everything else is looked up from those numbers.

Each polygon is filled with its own number into one 8-bit map at twice the final size. Colour, texture,
shading and both masks are then tables indexed by that map, so the masks fit the pixels exactly, and the whole
picture costs a handful of array look-ups. All arithmetic after the outlines are rounded to pixels is in
integers: the same bits on every platform.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .labels import PART_ID
from .paints import PAINTS, colour
from .textures import COUNT, KINDS, LEVELS, SIDE, texture_bank

SCALE = 2  # drawn at this many times the final size, then averaged: smooth edges
SHADES = 16
DIRECTIONS = 32
_MOST_FILLS = 255  # what an 8-bit map can hold


@lru_cache(maxsize=4)
def _tables(side):
    """Everything that only depends on the size: flat textures, flat shading ramps, pixel positions."""
    y, x = np.mgrid[:side, :side]
    angles = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    ramps = (
        np.cos(angles)[:, None, None] * (x / side - 0.5) + np.sin(angles)[:, None, None] * (y / side - 0.5)
    ) + 0.71
    ramps = np.clip(np.rint(ramps / 1.42 * (SHADES - 1)), 0, SHADES - 1).astype(np.int32)
    textures = texture_bank().astype(np.int32) * SHADES
    noise = np.random.default_rng(11).integers(-64, 64, (4, 1 << 18)).sum(axis=0).astype(np.int16)
    in_texture = (y * SIDE + x).astype(np.int32).ravel()
    return textures.ravel(), ramps.ravel(), in_texture, np.arange(side * side, dtype=np.int32), noise


class Canvas:
    """A square picture in the making; ``size`` is the final side in pixels."""

    def __init__(self, rng, size):
        self.rng = rng
        self.size = size
        self.side = size * SCALE
        self._map = Image.new("L", (self.side, self.side), 0)
        self._pen = ImageDraw.Draw(self._map)
        self._colour, self._contrast, self._light = [], [], []
        self._texture, self._ramp, self._part, self._object = [], [], [], []

    def new_fill(self, paint, part="background", of_object=False, like=None):
        """Mix a paint and return its number; ``like`` gives another part the looks of an earlier one."""
        number = len(self._colour)
        if number == _MOST_FILLS:
            return number - 1
        if like is None:
            rgb = colour(self.rng, paint)
            textured = self.rng.random() < PAINTS[paint].textured
            self._colour.append(rgb)
            self._contrast.append(self._texture_contrast(rgb) if textured else [0, 0, 0])
            self._texture.append(self._texture_start(int(self.rng.integers(COUNT))))
            self._ramp.append(int(self.rng.integers(DIRECTIONS)) * self.side * self.side)
            self._light.append(int(self.rng.integers(0, 110)))
        else:
            for looks in (self._colour, self._contrast, self._texture, self._ramp, self._light):
                looks.append(looks[like])
        self._part.append(PART_ID[part])
        self._object.append(of_object)
        return number

    def new_outline(self, rgb, part, of_object):
        """A flat colour for the outline of a part."""
        number = self.new_fill("ink", part, of_object)
        self._colour[number], self._contrast[number], self._light[number] = rgb, [0, 0, 0], 0
        return number

    def soft_background(self):
        """Give the background a cloud texture instead of a pattern."""
        self._texture[0] = self._texture_start(
            int(self.rng.integers(COUNT // KINDS)) * KINDS + int(self.rng.integers(2))
        )

    def polygon(self, points, fill, outline=None, width=0):
        """Fill a polygon given in pixels of the large map, and draw its outline."""
        corners = np.rint(points).astype(np.int32).ravel().tolist()
        self._pen.polygon(corners, fill=fill)
        if outline is not None:
            self._pen.line(corners + corners[:4], fill=outline, width=width)

    def _texture_contrast(self, rgb):
        if self.rng.random() < 0.5:
            strength = self.rng.uniform(0.25, 1)
            return [round((b - a) * strength) for a, b in zip(rgb, colour(self.rng, "accent"), strict=True)]
        step = round(self.rng.uniform(25, 110))
        return [-step] * 3 if sum(rgb) > 3 * 128 else [step] * 3

    def _texture_start(self, number):
        """Where in the flat texture bank this fill begins, at a random offset that stays inside the tile."""
        slack = SIDE - self.side
        return (
            number * SIDE * SIDE
            + int(self.rng.integers(slack + 1)) * SIDE
            + int(self.rng.integers(slack + 1))
        )

    def finish(self, contrast, brightness, blur, noise):
        """Look everything up.

        Returns the image (size, size, 3), the part mask and the object mask (size, size).
        """
        textures, ramps, in_texture, position, noise_bank = _tables(self.side)
        numbers = np.asarray(self._map).ravel()
        texel = textures.take(np.asarray(self._texture, np.int32).take(numbers) + in_texture)
        shade = ramps.take(np.asarray(self._ramp, np.int32).take(numbers) + position)
        entry = numbers.astype(np.int32) * (LEVELS * SHADES) + texel + shade
        pixels = self._palette(contrast, brightness).take(entry)  # four bytes each: R, G, B and nothing
        large = Image.frombuffer("RGBX", (self.side, self.side), pixels, "raw", "RGBX", 0, 1)
        picture = large.convert("RGB").reduce(SCALE)
        if blur:
            picture = picture.filter(ImageFilter.GaussianBlur(blur))
        image = np.array(picture)
        if noise:
            start = int(self.rng.integers(noise_bank.size - image.size))
            grain = noise_bank[start : start + image.size].reshape(image.shape)
            image = np.clip(image + (grain * np.int16(noise) >> 7), 0, 255).astype(np.uint8)
        seen = numbers.reshape(self.side, self.side)[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE]
        return image, np.asarray(self._part, np.uint8)[seen], np.asarray(self._object, bool)[seen]

    def _palette(self, contrast, brightness):
        """The colour of every (fill, texture level, shade) as one 32-bit number each."""
        texture = np.arange(LEVELS, dtype=np.int32)[None, :, None, None]
        shade = (2 * np.arange(SHADES, dtype=np.int32) - (SHADES - 1))[None, None, :, None]
        table = np.asarray(self._colour, np.int32)[:, None, None, :]
        table = table + np.asarray(self._contrast, np.int32)[:, None, None, :] * texture // (LEVELS - 1)
        table = table + np.asarray(self._light, np.int32)[:, None, None, None] * shade // (2 * SHADES)
        table = table * contrast // 256 + brightness
        rgbx = np.zeros((*table.shape[:3], 4), np.uint8)
        rgbx[..., :3] = np.clip(table, 0, 255)
        return rgbx.reshape(-1, 4).view(np.uint32).ravel()
