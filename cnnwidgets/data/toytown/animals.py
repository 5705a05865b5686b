"""Things that look back: fish, bird, cat, and the held-back butterfly."""

import math

from . import parts
from .geometry import Shape, bar, ellipse, polygon


def fish(rng):
    """A body with fins, an eye, perhaps stripes; it swims to the right."""
    half, height = rng.uniform(0.58, 0.7), rng.uniform(0.32, 0.48)
    tail = rng.uniform(0.3, 0.46)
    shapes = parts.fin(rng, (-half * 0.75, 0), (-1.0, -tail), (-0.85, 0), (-1.0, tail))
    shapes += parts.fin(rng, (-0.32, -height * 0.7), (0.0, -height - 0.36), (0.3, -height * 0.7))
    if rng.random() < 0.6:
        shapes += parts.fin(rng, (-0.15, height * 0.7), (-0.28, height + 0.3), (0.15, height * 0.75))
    shapes.append(Shape("body", ellipse(0.05, 0, half, height, n=26), "body"))
    if rng.random() < 0.5:
        for x in (-0.2, 0):
            shapes.append(Shape("body", bar(x, -height * 0.8, x, height * 0.8, 0.09), "accent"))
    shapes += parts.eye(rng, 0.42 * half / 0.65, -height * 0.25, rng.uniform(0.09, 0.13))
    shapes += parts.fin(rng, (0.12, 0.02), (-0.26, 0.3), (-0.06, 0.0))
    if rng.random() < 0.7:
        shapes.append(Shape("body", bar(half - 0.1, height * 0.25, half + 0.02, height * 0.12, 0.04), "ink"))
    return shapes


def bird(rng):
    """A round bird with a beak, a wing, a tail and thin legs; it faces right."""
    height = rng.uniform(0.3, 0.4)
    shapes = [Shape("stem", bar(x, height * 0.8, x + 0.03, 0.85, 0.06), "ink") for x in (-0.08, 0.12)]
    lift = rng.uniform(-0.1, 0.2)
    shapes.append(
        Shape("wing", polygon((-0.45, 0.05), (-0.98, -0.18 + lift), (-0.95, 0.2), (-0.4, 0.25)), "accent")
    )
    shapes.append(Shape("body", ellipse(0, 0.1, 0.58, height, tilt=-0.25, n=24), "body"))
    x, y, radius = 0.46, -0.33, rng.uniform(0.24, 0.31)
    shapes += parts.beak(rng, x + radius * 0.8, y + 0.02, rng.uniform(0.3, 0.42))
    shapes.append(Shape("body", ellipse(x, y, radius), "body"))
    if rng.random() < 0.4:
        shapes.append(Shape("wing", polygon((0.1, -0.05), (-0.5, -0.85), (-0.55, 0.0)), "wing"))
    else:
        shapes += parts.wing(rng, 0.22, 0.0, 0.75, math.pi - rng.uniform(0, 0.35))
    return shapes + parts.eye(rng, x + 0.06, y - 0.05, rng.uniform(0.08, 0.11))


def cat(rng):
    """A cat's face: ears, eyes, muzzle, whiskers."""
    half, height, y = rng.uniform(0.62, 0.75), rng.uniform(0.52, 0.62), 0.12
    shapes = []
    for side in (-1, 1):
        tip = side * half * 0.86, -rng.uniform(0.8, 1.0)
        shapes += parts.ear(rng, (side * half * 0.97, -0.02), tip, (side * half * 0.12, -height * 0.68))
    shapes.append(Shape("body", ellipse(0, y, half, height, n=28), "body"))
    if rng.random() < 0.5:
        for x in (-0.15, 0, 0.15):
            shapes.append(Shape("body", bar(x, y - height * 0.95, x * 0.8, y - height * 0.6, 0.06), "accent"))
    radius, slit = rng.uniform(0.13, 0.18), rng.random() < 0.6
    for side in (-1, 1):
        shapes += parts.eye(rng, side * 0.28, y - 0.1, radius, slit)
    shapes.append(Shape("muzzle", polygon((-0.1, y + 0.13), (0.1, y + 0.13), (0, y + 0.25)), "pink"))
    for side in (-1, 1):
        shapes.append(Shape("muzzle", bar(0, y + 0.24, side * 0.15, y + 0.36, 0.045), "ink"))
    if rng.random() < 0.8:
        for side in (-1, 1):
            for k in (-0.08, 0.06):
                shapes.append(
                    Shape(
                        "muzzle",
                        bar(side * 0.2, y + 0.24 + k * 0.4, side * 0.88, y + 0.2 + k * 2, 0.035),
                        "ink",
                    )
                )
    return shapes


def butterfly(rng):
    """Four wings with spots, a thin body, two eyes: parts of bird, mushroom and fish in another order."""
    shapes = []
    upper, lower = rng.uniform(0.72, 0.85), rng.uniform(0.55, 0.68)
    rise, fall = rng.uniform(0.45, 0.7), rng.uniform(0.6, 0.85)
    for side in (-1, 1):
        for length, angle, paint in ((lower, fall, "feather"), (upper, -rise, "wing")):
            angle = angle if side > 0 else math.pi - angle
            tip_x, tip_y = 0.06 * side + length * 0.55 * math.cos(angle), length * 0.55 * math.sin(angle)
            shapes.append(
                Shape("wing", ellipse(tip_x, tip_y, length * 0.55, length * 0.4, tilt=angle), paint)
            )
            shapes.append(Shape("spot", ellipse(tip_x * 1.15, tip_y * 1.15, length * 0.16, n=12), "white"))
        shapes.append(Shape("stem", bar(0.02 * side, -0.4, 0.22 * side, -0.78, 0.04), "ink"))
    shapes.append(Shape("body", ellipse(0, 0.1, 0.09, 0.5), "ink"))
    for side in (-1, 1):
        shapes += parts.eye(rng, side * 0.08, -0.4, 0.09)
    return shapes
