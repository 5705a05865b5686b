"""Things that grow: tree, flower, mushroom."""

import math

import numpy as np

from . import parts
from .geometry import Shape, around, bar, ellipse, polygon


def tree(rng):
    """A trunk under a round crown, or a fir."""
    width = rng.uniform(0.1, 0.17)
    shapes = [Shape("stem", bar(0, 0.92, 0, -0.05, width * 2.2, width * 1.3), "wood")]
    if rng.random() < 0.5:
        side = -1 if rng.random() < 0.5 else 1
        shapes.append(Shape("stem", bar(0, 0.3, side * 0.35, -0.1, 0.1), "wood"))
    if rng.random() < 0.6:
        n = int(rng.integers(4, 8))
        for i in range(n):
            angle = i * 2 * math.pi / n + rng.uniform(-0.2, 0.2)
            x, y = 0.38 * math.cos(angle), -0.3 + 0.33 * math.sin(angle)
            shapes.append(Shape("crown", ellipse(x, y, rng.uniform(0.28, 0.38), n=16), "crown"))
        return [*shapes, Shape("crown", ellipse(0, -0.3, 0.4), "crown")]
    n = int(rng.integers(2, 4))
    for i in range(n):
        y, half = 0.3 - i * 0.9 / n, 0.68 - i * 0.16
        shapes.append(Shape("crown", polygon((-half, y), (0, y - 0.75), (half, y)), "crown"))
    return shapes


def flower(rng):
    """Petals round a disc, on a stem with leaves."""
    y = -0.3
    shapes = [Shape("stem", bar(0, 0.95, 0, y, 0.1), "stalk")]
    for side in (-1, 1):
        if rng.random() < 0.8:
            angle = -math.pi / 2 + side * rng.uniform(0.6, 1.1)
            shapes += parts.leaf(rng, 0, rng.uniform(0.45, 0.8), rng.uniform(0.45, 0.65), angle)
    n, turn, length = int(rng.integers(5, 10)), rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 0.64)
    for i in range(n):
        angle = turn + i * 2 * math.pi / n
        shapes += parts.petal(rng, *around(0.08, angle, 0, y), length, angle, min(0.42, 2.1 / n))
    return [*shapes, Shape("disc", ellipse(0, y, rng.uniform(0.15, 0.24)), "disc")]


def mushroom(rng):
    """A pale stem under a domed cap with spots."""
    width, rim = rng.uniform(0.14, 0.26), rng.uniform(-0.15, 0.1)
    half, height = rng.uniform(0.7, 0.92), rng.uniform(0.55, 0.85)
    stem = polygon((-width, rim - 0.05), (width, rim - 0.05), (width * 1.35, 0.85), (-width * 1.35, 0.85))
    dome = np.concatenate(
        [
            ellipse(0, rim, half, height, n=20, start=math.pi, stop=2 * math.pi),
            ellipse(0, rim, half, 0.14, n=10, start=0, stop=math.pi),
        ]
    )
    shapes = [Shape("stem", stem, "pale"), Shape("cap", dome, "cap")]
    for _ in range(int(rng.integers(3, 7))):
        angle, distance = rng.uniform(0.15, 0.85) * math.pi, rng.uniform(0.2, 0.8)
        x, y = -half * distance * math.cos(angle), rim - height * distance * math.sin(angle)
        shapes.append(Shape("spot", ellipse(x, y, rng.uniform(0.08, 0.15), n=12), "white"))
    return shapes
