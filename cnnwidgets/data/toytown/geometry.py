"""Outlines: polygons as arrays of points (x to the right, y downwards), in units of half an object."""

import math
from typing import NamedTuple

import numpy as np


class Shape(NamedTuple):
    """One filled outline: which part it belongs to, where it is, and what it is painted with."""

    part: str
    points: np.ndarray
    paint: str


_TURN = 2 * math.pi


def ellipse(x, y, radius_x, radius_y=None, tilt=0.0, n=24, start=0.0, stop=_TURN):
    """Points on an ellipse, or on the arc of it from ``start`` to ``stop`` (radians, clockwise on screen)."""
    radius_y = radius_x if radius_y is None else radius_y
    angle = np.linspace(start, stop, n, endpoint=stop - start < _TURN - 1e-6)
    u, v = radius_x * np.cos(angle), radius_y * np.sin(angle)
    c, s = math.cos(tilt), math.sin(tilt)
    return np.stack([x + c * u - s * v, y + s * u + c * v], axis=1)


def polygon(*corners):
    """A polygon whose long edges have points in between, so that it bends when the object wobbles."""
    corners = np.array(corners, dtype=np.float64)
    edges = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        steps = max(1, int(math.hypot(*(b - a)) * 4))
        edges.append(a + (b - a) * (np.arange(steps) / steps)[:, None])
    return np.concatenate(edges)


def rectangle(left, top, right, bottom):
    """An upright rectangle."""
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def bar(x0, y0, x1, y1, width, end_width=None):
    """A straight bar from one point to another, as wide as asked at each end."""
    end_width = width if end_width is None else end_width
    length = math.hypot(x1 - x0, y1 - y0) + 1e-9
    nx, ny = -(y1 - y0) / length / 2, (x1 - x0) / length / 2
    return polygon(
        (x0 + nx * width, y0 + ny * width),
        (x1 + nx * end_width, y1 + ny * end_width),
        (x1 - nx * end_width, y1 - ny * end_width),
        (x0 - nx * width, y0 - ny * width),
    )


def blade(x, y, length, angle, fatness):
    """A pointed oval that grows from (x, y): a leaf, a petal, a feather."""
    t = np.linspace(0, math.pi, 10)
    along = (1 - np.cos(t)) / 2
    across = np.sin(t) ** 1.5 * fatness
    u = np.concatenate([along, along[::-1]])
    v = np.concatenate([across, -across[::-1]])
    c, s = math.cos(angle), math.sin(angle)
    return np.stack([x + length * (c * u - s * v), y + length * (s * u + c * v)], axis=1)


def around(radius, angle, x=0.0, y=0.0):
    """The point at this distance and angle from (x, y)."""
    return x + radius * math.cos(angle), y + radius * math.sin(angle)
