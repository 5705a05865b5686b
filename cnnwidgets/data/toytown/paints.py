"""What things are painted with: each material has usual colours, and now and then any colour at all.

Colours vary so widely that colour alone never gives a class away; only shape does.
"""

import colorsys
from typing import NamedTuple


class Paint(NamedTuple):
    """A material: hue (None = any) and its spread, ranges of saturation and value, chances of surprises."""

    hue: float | None = None
    spread: float = 0.0
    saturation: tuple[float, float] = (0.15, 1.0)
    value: tuple[float, float] = (0.1, 1.0)
    any_colour: float = 0.0
    textured: float = 0.1


PAINTS = {
    "background": Paint(any_colour=1.0, textured=0.85),
    "clutter": Paint(any_colour=1.0, textured=0.4),
    "body": Paint(any_colour=1.0, textured=0.5),
    "accent": Paint(any_colour=1.0, textured=0.3),
    "cap": Paint(any_colour=1.0, textured=0.3),
    "petal": Paint(any_colour=1.0, textured=0.25),
    "wing": Paint(any_colour=1.0, textured=0.4),
    "feather": Paint(any_colour=1.0, textured=0.2),
    "fin": Paint(any_colour=1.0, textured=0.4),
    "door": Paint(any_colour=1.0, textured=0.3),
    "trim": Paint(any_colour=1.0),
    "tyre": Paint(None, 0, (0, 0.25), (0.03, 0.25), 0.12),
    "hub": Paint(None, 0, (0, 0.4), (0.5, 0.95), 0.2),
    "glass": Paint(0.55, 0.06, (0.1, 0.5), (0.6, 1), 0.3),
    "white": Paint(None, 0, (0, 0.12), (0.85, 1), 0.1),
    "pupil": Paint(None, 0, (0, 0.4), (0, 0.15), 0.05),
    "ink": Paint(None, 0, (0, 0.5), (0, 0.25), 0.15),
    "leaf": Paint(0.32, 0.06, (0.4, 0.9), (0.3, 0.8), 0.2, 0.2),
    "crown": Paint(0.32, 0.07, (0.4, 0.9), (0.25, 0.75), 0.3, 0.7),
    "stalk": Paint(0.3, 0.06, (0.4, 0.9), (0.3, 0.7), 0.3),
    "vein": Paint(0.3, 0.06, (0.2, 0.6), (0.6, 0.9), 0.3),
    "wood": Paint(0.08, 0.03, (0.3, 0.7), (0.2, 0.6), 0.25, 0.4),
    "pale": Paint(0.12, 0.05, (0.05, 0.35), (0.7, 1), 0.3),
    "pink": Paint(0.97, 0.03, (0.25, 0.6), (0.7, 1), 0.25),
    "beak": Paint(0.1, 0.03, (0.6, 1), (0.7, 1), 0.3),
    "sail": Paint(None, 0, (0, 0.3), (0.75, 1), 0.4, 0.3),
    "roof": Paint(0.02, 0.03, (0.4, 0.9), (0.3, 0.8), 0.5, 0.6),
    "light": Paint(0.14, 0.03, (0.4, 0.9), (0.8, 1), 0.2),
    "disc": Paint(0.13, 0.03, (0.5, 1), (0.5, 1), 0.4, 0.4),
    "face": Paint(None, 0, (0, 0.25), (0.75, 1), 0.3, 0.15),
}


def bell(rng):
    """A bell-shaped number with mean 0 and standard deviation 1.

    The sum of three uniform numbers: unlike the usual normal generators it is the same to the last bit
    everywhere.
    """
    return float(rng.random(3).sum() * 2 - 3)


def colour(rng, name):
    """Draw one colour of the paint ``name``: three integers, 0 to 255."""
    paint = PAINTS[name]
    if rng.random() < paint.any_colour:
        hue, saturation, value = rng.random(3)
        value = 0.08 + 0.92 * value
    else:
        hue = rng.random() if paint.hue is None else (paint.hue + bell(rng) * paint.spread) % 1
        saturation, value = rng.uniform(*paint.saturation), rng.uniform(*paint.value)
    return [round(255 * c) for c in colorsys.hsv_to_rgb(hue, saturation, value)]
