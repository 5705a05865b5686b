"""Things that move people: car, bus, bicycle, boat, and the held-back truck."""

import math

from . import parts
from .geometry import Shape, around, bar, ellipse, polygon, rectangle


def car(rng):
    """A saloon seen from the side."""
    height, cabin = rng.uniform(0.32, 0.45), rng.uniform(0.32, 0.44)
    bottom = 0.25
    top = bottom - height
    front = rng.uniform(0.78, 0.97)
    left, right, slant = (
        -front * rng.uniform(0.55, 0.75),
        front * rng.uniform(0.25, 0.6),
        rng.uniform(0.12, 0.28),
    )
    middle, g = (left + right) / 2, 0.06
    roof_y, sill = top - cabin, top - 0.02
    shapes = [
        Shape(
            "body",
            polygon(
                (left, top + 0.05),
                (left + slant, roof_y),
                (right - slant, roof_y),
                (right + 0.05, top + 0.05),
            ),
            "body",
        ),
        Shape(
            "body",
            polygon(
                (-front, top + 0.06),
                (-front + 0.08, top),
                (front - 0.18, top + 0.03),
                (front, top + 0.14),
                (front, bottom),
                (-front, bottom),
            ),
            "body",
        ),
        Shape(
            "window",
            polygon(
                (left + 0.1, sill),
                (left + slant + 0.03, roof_y + g),
                (middle - 0.04, roof_y + g),
                (middle - 0.04, sill),
            ),
            "glass",
        ),
        Shape(
            "window",
            polygon(
                (middle + 0.04, sill),
                (middle + 0.04, roof_y + g),
                (right - slant - 0.03, roof_y + g),
                (right - 0.07, sill),
            ),
            "glass",
        ),
        Shape("body", ellipse(front - 0.07, top + 0.2, 0.06, n=10), "light"),
    ]
    radius, axle = rng.uniform(0.2, 0.28), front * rng.uniform(0.5, 0.65)
    return shapes + parts.wheel(rng, -axle, bottom, radius) + parts.wheel(rng, axle, bottom, radius)


def bus(rng):
    """A long box with a row of windows and a door."""
    half, bottom = rng.uniform(0.82, 0.98), 0.35
    height = rng.uniform(0.75, 1.05)
    top = bottom - height
    shapes = [Shape("body", rectangle(-half, top, half, bottom), "body")]
    if rng.random() < 0.7:
        shapes.append(
            Shape("body", rectangle(-half, bottom - 0.3 * height, half, bottom - 0.2 * height), "accent")
        )
    n = int(rng.integers(3, 6))
    step = (2 * half - 0.46) / n
    for i in range(n):
        x = -half + 0.08 + i * step
        shapes += parts.window(rng, x + 0.03, top + 0.12, x + step - 0.03, top + 0.12 + 0.38 * height)
    shapes += [
        Shape("door", rectangle(half - 0.34, top + 0.14, half - 0.08, bottom), "door"),
        Shape("door", bar(half - 0.21, top + 0.14, half - 0.21, bottom, 0.03), "trim"),
    ]
    radius = rng.uniform(0.17, 0.24)
    shapes += parts.wheel(rng, -half * 0.6, bottom, radius)
    return shapes + parts.wheel(rng, half * rng.uniform(0.25, 0.45), bottom, radius)


def bicycle(rng):
    """Two big wheels joined by a frame of tubes."""
    radius, axle, y, tube = rng.uniform(0.36, 0.45), rng.uniform(0.48, 0.56), 0.3, rng.uniform(0.05, 0.09)
    shapes = []
    for x in (-axle, axle):
        shapes.append(Shape("wheel", ellipse(x, y, radius, n=30), "tyre"))
        shapes.append(Shape("wheel", ellipse(x, y, radius * rng.uniform(0.8, 0.86), n=30), "hub"))
        spokes, turn = int(rng.integers(3, 6)), rng.uniform(0, 3)
        for i in range(spokes):
            angle = turn + i * math.pi / spokes
            ends = *around(0.8 * radius, angle, x, y), *around(-0.8 * radius, angle, x, y)
            shapes.append(Shape("wheel", bar(*ends, 0.03), "tyre"))
    seat = -0.2 + rng.uniform(-0.05, 0.05), -0.25
    head = axle - 0.18, -0.32
    pedals = -0.02, 0.3
    tubes = [
        (-axle, y, *seat),
        (-axle, y, *pedals),
        (*pedals, seat[0] - 0.04, seat[1] - 0.14),
        (*pedals, head[0], head[1] + 0.05),
        (*seat, head[0], head[1] + 0.02),
        (axle, y, head[0] - 0.03, head[1] - 0.2),
    ]
    shapes += [Shape("frame", bar(*ends, tube), "body") for ends in tubes]
    x, y = seat
    saddle = polygon((x - 0.2, y - 0.2), (x + 0.12, y - 0.2), (x + 0.1, y - 0.11), (x - 0.16, y - 0.11))
    shapes.append(Shape("frame", saddle, "accent"))
    x, y = head
    return shapes + [Shape("frame", bar(x - 0.14, y - 0.22, x + 0.14, y - 0.26, 0.07), "accent")]


def boat(rng):
    """A sailing boat with one or two sails."""
    water = rng.uniform(0.3, 0.42)
    half, depth = rng.uniform(0.65, 0.95), rng.uniform(0.26, 0.4)
    right, left = rng.uniform(0.45, 0.75), rng.uniform(0.35, 0.7)
    shapes = [Shape("mast", bar(0, water, 0, -0.92, 0.07), "wood")]
    shapes += parts.sail(rng, (0.05, -0.9), (0.05, water - 0.1), (right, water - 0.1))
    if rng.random() < 0.75:
        paint = "sail" if rng.random() < 0.5 else "accent"
        shapes += parts.sail(rng, (-0.05, -0.8), (-0.05, water - 0.1), (-left, water - 0.1), paint=paint)
    return shapes + parts.hull(rng, water, half, depth)


def truck(rng):
    """A cab with one window, a load, and three wheels: the parts of car and bus in another order."""
    bottom, half = 0.35, rng.uniform(0.85, 0.97)
    split = half - rng.uniform(0.5, 0.62)
    cab_top, load_top = rng.uniform(-0.3, -0.2), rng.uniform(-0.6, -0.4)
    shapes = [
        Shape("body", rectangle(-half, load_top, split - 0.05, bottom - 0.1), "accent"),
        Shape("body", rectangle(-half, bottom - 0.14, half, bottom), "trim"),
        Shape(
            "body",
            polygon((split, cab_top), (half - 0.16, cab_top), (half, 0.05), (half, bottom), (split, bottom)),
            "body",
        ),
        *parts.window(rng, split + 0.1, cab_top + 0.08, half - 0.18, cab_top + 0.36),
        Shape("body", ellipse(half - 0.06, 0.16, 0.06, n=10), "light"),
    ]
    radius = rng.uniform(0.18, 0.23)
    for x in (-half + 0.26, -half + 0.3 + 2 * radius, half - 0.3):
        shapes += parts.wheel(rng, x, bottom, radius)
    return shapes
