"""The parts that several classes share: each function draws one and returns its shapes.

That a wheel is the same wheel on a car, a bus, a bicycle and a truck is what makes it a part a network can
discover.
"""

import math

from .geometry import Shape, around, bar, blade, ellipse, polygon, rectangle


def wheel(rng, x, y, radius):
    """A tyre, a hub, and spokes or a cap."""
    shapes = [
        Shape("wheel", ellipse(x, y, radius), "tyre"),
        Shape("wheel", ellipse(x, y, radius * rng.uniform(0.5, 0.68)), "hub"),
    ]
    if rng.random() < 2 / 3:
        turn = rng.uniform(0, 3)
        for i in range(3):
            a = around(radius * 0.6, turn + i * math.pi / 3, x, y)
            b = around(-radius * 0.6, turn + i * math.pi / 3, x, y)
            shapes.append(Shape("wheel", bar(*a, *b, radius * 0.12), "tyre"))
    else:
        shapes.append(Shape("wheel", ellipse(x, y, radius * 0.2, n=10), "tyre"))
    return shapes


def window(rng, left, top, right, bottom, cross=False):
    """A framed pane, with or without glazing bars."""
    m = 0.12 * min(right - left, bottom - top)
    shapes = [
        Shape("window", rectangle(left, top, right, bottom), "trim"),
        Shape("window", rectangle(left + m, top + m, right - m, bottom - m), "glass"),
    ]
    if cross:
        x, y = (left + right) / 2, (top + bottom) / 2
        shapes.append(Shape("window", bar(x, top, x, bottom, m), "trim"))
        shapes.append(Shape("window", bar(left, y, right, y, m), "trim"))
    return shapes


def door(rng, left, top, right, bottom):
    """A door with a knob."""
    width, height = right - left, bottom - top
    return [
        Shape("door", rectangle(left, top, right, bottom), "door"),
        Shape("door", ellipse(right - 0.2 * width, top + 0.55 * height, 0.1 * width, n=8), "light"),
    ]


def eye(rng, x, y, radius, slit=False):
    """A white with a pupil that looks somewhere."""
    dx, dy = rng.uniform(-0.25, 0.25, 2) * radius
    return [
        Shape("eye", ellipse(x, y, radius, radius * rng.uniform(0.85, 1.1)), "white"),
        Shape(
            "eye",
            ellipse(
                x + dx, y + dy, radius * (0.28 if slit else 0.55), radius * (0.75 if slit else 0.55), n=14
            ),
            "pupil",
        ),
    ]


def leaf(rng, x, y, length, angle):
    """A leaf with its midrib."""
    return [
        Shape("leaf", blade(x, y, length, angle, 0.33), "leaf"),
        Shape("leaf", bar(x, y, *around(0.85 * length, angle, x, y), 0.05 * length + 0.015), "vein"),
    ]


def petal(rng, x, y, length, angle, fatness=0.35):
    """One petal."""
    return [Shape("petal", blade(x, y, length, angle, fatness), "petal")]


def wing(rng, x, y, length, angle, fatness=0.38):
    """One wing with two rows of feathers hinted at."""
    shapes = [Shape("wing", blade(x, y, length, angle, fatness), "wing")]
    shapes.append(
        Shape("wing", blade(*around(0.1 * length, angle, x, y), 0.6 * length, angle, 0.3), "feather")
    )
    return shapes


def ear(rng, base_out, tip, base_in):
    """A pointed ear with its pink inside; three (x, y) corners."""
    x, y = (sum(c) / 3 for c in zip(base_out, tip, base_in, strict=True))
    inner = [(x + 0.55 * (px - x), y + 0.06 + 0.55 * (py - y)) for px, py in (base_out, tip, base_in)]
    return [
        Shape("ear", polygon(base_out, tip, base_in), "body"),
        Shape("ear", polygon(*inner), "pink"),
    ]


def roof(rng, left, right, eaves, ridge_x, ridge_y):
    """A gable, or sometimes a hip roof."""
    if rng.random() < 0.7:
        return [Shape("roof", polygon((left, eaves), (ridge_x, ridge_y), (right, eaves)), "roof")]
    inset = (right - left) * 0.22
    corners = (left, eaves), (left + inset, ridge_y + 0.1), (right - inset, ridge_y + 0.1), (right, eaves)
    return [Shape("roof", polygon(*corners), "roof")]


def fin(rng, *corners):
    """A fin with these corners."""
    return [Shape("fin", polygon(*corners), "fin")]


def sail(rng, *corners, paint="sail"):
    """A sail with these corners."""
    return [Shape("sail", polygon(*corners), paint)]


def beak(rng, x, y, length):
    """An open-ended triangle of a beak that points to the right."""
    half = length * rng.uniform(0.38, 0.5)
    return [
        Shape("beak", polygon((x, y - half), (x + length, y + 0.1 * half), (x, y + half)), "beak"),
        Shape("beak", bar(x, y, x + 0.8 * length, y + 0.08 * half, 0.1 * length, 0.04), "ink"),
    ]


def hull(rng, y, half_width, depth):
    """The hull of a boat, sometimes with a painted stripe."""
    w = half_width
    shapes = [Shape("hull", polygon((-w, y), (w, y), (w - 0.25, y + depth), (-w + 0.2, y + depth)), "body")]
    if rng.random() < 0.6:
        stripe = (-w + 0.05, y + 0.06), (w - 0.07, y + 0.06), (w - 0.13, y + 0.14), (-w + 0.1, y + 0.14)
        shapes.append(Shape("hull", polygon(*stripe), "accent"))
    return shapes
