"""Things that stand: house, clock, and the held-back windmill."""

import math

from . import parts
from .geometry import Shape, around, bar, ellipse, polygon, rectangle


def house(rng):
    """Walls, a roof, two windows, a door, perhaps a chimney."""
    half, ground = rng.uniform(0.55, 0.8), 0.8
    eaves = rng.uniform(-0.15, 0.1)
    overhang = rng.uniform(0.08, 0.2)
    ridge_x, ridge_y = rng.uniform(-0.15, 0.15), eaves - rng.uniform(0.5, 0.78)
    shapes = []
    if rng.random() < 0.6:
        shapes.append(
            Shape("roof", rectangle(half * 0.35, ridge_y + 0.02, half * 0.35 + 0.18, eaves), "accent")
        )
    shapes.append(Shape("body", rectangle(-half, eaves, half, ground), "body"))
    shapes += parts.roof(rng, -half - overhang, half + overhang, eaves + 0.03, ridge_x, ridge_y)
    x = rng.uniform(-0.5, 0.5) * half
    shapes += parts.door(rng, x - 0.14, ground - 0.48, x + 0.14, ground)
    for x in (-half * 0.55, half * 0.55):
        shapes += parts.window(rng, x - 0.15, eaves + 0.1, x + 0.15, eaves + 0.4, cross=True)
    return shapes


def clock(rng):
    """A dial with ticks and two hands; sometimes an alarm clock with bells."""
    radius = rng.uniform(0.72, 0.9)
    shapes = []
    if rng.random() < 0.4:
        for side in (-1, 1):
            shapes.append(Shape("body", ellipse(side * radius * 0.6, -radius * 0.85, 0.22), "accent"))
    shapes.append(Shape("body", ellipse(0, 0, radius, n=36), "body"))
    shapes.append(Shape("disc", ellipse(0, 0, radius * rng.uniform(0.78, 0.88), n=36), "face"))
    ticks = 4 if rng.random() < 1 / 3 else 12
    for i in range(ticks):
        angle = i * 2 * math.pi / ticks
        ends = *around(0.68 * radius, angle), *around(0.55 * radius, angle)
        shapes.append(Shape("tick", bar(*ends, 0.07 * radius + 0.015), "ink"))
    hour, minute = rng.uniform(0, 2 * math.pi, 2)
    shapes.append(Shape("hand", bar(0, 0, *around(0.4 * radius, hour), 0.14 * radius, 0.06 * radius), "ink"))
    shapes.append(Shape("hand", bar(0, 0, *around(0.6 * radius, minute), 0.1 * radius, 0.05 * radius), "ink"))
    return [*shapes, Shape("hand", ellipse(0, 0, 0.08 * radius, n=10), "ink")]


def windmill(rng):
    """A tower with a door, a cap, and four sails."""
    top, bottom = rng.uniform(-0.25, -0.1), 0.92
    wide, narrow = rng.uniform(0.36, 0.46), rng.uniform(0.2, 0.27)
    shapes = [
        Shape("body", polygon((-narrow, top), (narrow, top), (wide, bottom), (-wide, bottom)), "body"),
        *parts.roof(rng, -narrow - 0.08, narrow + 0.08, top + 0.03, 0, top - 0.3),
        *parts.window(rng, -0.1, top + 0.3, 0.1, top + 0.52, cross=True),
        *parts.door(rng, -0.12, bottom - 0.4, 0.12, bottom),
    ]
    turn, length = rng.uniform(0, math.pi / 2), rng.uniform(0.68, 0.8)
    for i in range(4):
        angle = turn + i * math.pi / 2
        tip = around(length, angle, 0, top)
        a, b = around(0.15 * length, angle, 0, top), around(0.2, angle + math.pi / 2)
        corners = a, tip, (tip[0] + b[0], tip[1] + b[1]), (a[0] + b[0], a[1] + b[1])
        shapes += parts.sail(rng, *corners)
        shapes.append(Shape("mast", bar(0, top, *tip, 0.06), "wood"))
    return [*shapes, Shape("disc", ellipse(0, top, 0.09, n=12), "ink")]
