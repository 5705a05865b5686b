"""One Toytown picture: background, clutter, lone parts, the object, things in front of it."""

import math
from typing import NamedTuple

import numpy as np

from . import animals, buildings, plants, vehicles
from .canvas import Canvas
from .geometry import bar, ellipse, rectangle
from .lone_parts import lone_part
from .paints import bell, colour

DRAW = {
    "car": vehicles.car,
    "bus": vehicles.bus,
    "bicycle": vehicles.bicycle,
    "boat": vehicles.boat,
    "house": buildings.house,
    "clock": buildings.clock,
    "tree": plants.tree,
    "flower": plants.flower,
    "mushroom": plants.mushroom,
    "fish": animals.fish,
    "bird": animals.bird,
    "cat": animals.cat,
    "truck": vehicles.truck,
    "windmill": buildings.windmill,
    "butterfly": animals.butterfly,
}
"""How each class draws itself: a function of a random generator that returns shapes in the unit square."""


class Layout(NamedTuple):
    """Where objects may be: half their size as a share of half the image, and how far from the middle."""

    smallest: float = 0.55
    largest: float = 1.02
    off_centre: bool = False


ANYWHERE = Layout()
OFF_CENTRE = Layout(0.45, 0.62, off_centre=True)


def draw_scene(rng, class_name, size, difficulty=None, layout=ANYWHERE):
    """Draw one picture of a class.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides everything that is not said.
    class_name : str
        One of ``DRAW``.
    size : int
        Side of the picture in pixels.
    difficulty : float, optional
        From 0 (clean) to 1 (cluttered, occluded, with up to three lone parts); drawn uniformly if not given.
    layout : Layout
        Size and place of the object.

    Returns
    -------
    image : uint8 array (size, size, 3)
    part_mask : uint8 array (size, size)
        Index into ``PARTS``; lone parts are in it, too.
    object_mask : bool array (size, size)
        The visible pixels of the object.
    """
    u = rng.random() if difficulty is None else difficulty
    canvas = Canvas(rng, size)
    canvas.new_fill("background")
    if rng.random() < 0.55:
        canvas.soft_background()
    _clutter(canvas, u)
    for _ in range(int(rng.random() * (1 + round(3 * min(1, u + 0.3))))):
        _place(
            canvas,
            lone_part(rng, class_name),
            rng.random(2),
            rng.uniform(0.12, 0.3),
            rng.uniform(-0.6, 0.6),
            False,
        )
    half = rng.uniform(layout.smallest, layout.largest)
    centre = _centre(rng, half, layout.off_centre)
    _place(canvas, DRAW[class_name](rng), centre, half, bell(rng) * 0.2, True)
    if rng.random() < 0.4 * (u + 0.3):
        _occluders(canvas, centre, half)
    faded = rng.random() < 0.25
    return canvas.finish(
        contrast=int(256 * rng.uniform(0.45, 0.9)) if faded else 256,
        brightness=int(rng.uniform(0, 110)) if faded else 0,
        blur=round(rng.uniform(0.3, 1.0), 2) if rng.random() < 0.2 else 0,
        noise=int(rng.random() * 14),
    )


def _centre(rng, half, off_centre):
    """A place, in shares of the image, where nearly all of the object is inside; maybe off the middle."""
    margin = min(0.5 * half * 0.85, 0.49)
    centre = rng.uniform(margin, 1 - margin, 2)
    if off_centre:
        axis = int(rng.integers(2))  # along it more than its own half away: the middle is not on the object
        shift = rng.uniform(min(0.5 * half, 0.5 - margin), 0.5 - margin)
        centre[axis] = 0.5 + (shift if rng.random() < 0.5 else -shift)
    return centre


def _rotation(angle):
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s], [-s, c]])


def _clutter(canvas, u):
    """Dead leaves: shapes with power-law sizes, as in natural images, the more the harder the picture."""
    rng, side = canvas.rng, canvas.side
    for _ in range(int(36 * u**1.5)):
        radius = side * 0.035 * (1 - rng.random() * 0.985) ** -0.5
        kind = rng.random()
        if kind < 0.25:
            outline = ellipse(0, 0, 1, rng.uniform(0.4, 1), n=14)
        elif kind < 0.5:
            angles = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(3, 7))))
            outline = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        elif kind < 0.75:
            outline = bar(-1.6, 0, 1.6, 0, rng.uniform(0.15, 0.6))
        else:
            outline = rectangle(-1, -0.7, 1, 0.7)
        outline = radius * outline @ _rotation(rng.uniform(0, 2 * math.pi)) + rng.random(2) * side
        canvas.polygon(outline, canvas.new_fill("clutter"))


def _occluders(canvas, centre, half):
    """One to three things in front of the object's rim."""
    rng, side = canvas.rng, canvas.side
    for _ in range(int(rng.integers(1, 4))):
        radius = side / 2 * half * rng.uniform(0.12, 0.3)
        angle, distance = rng.uniform(0, 2 * math.pi), side / 2 * half * rng.uniform(0.3, 0.9)
        if rng.random() < 0.5:
            outline = ellipse(0, 0, 1, rng.uniform(0.5, 1), n=16)
        else:
            outline = bar(-2, 0, 2, 0, rng.uniform(0.3, 0.8))
        place = centre * side + distance * np.array([math.cos(angle), math.sin(angle)])
        canvas.polygon(
            radius * outline @ _rotation(rng.uniform(0, 2 * math.pi)) + place, canvas.new_fill("clutter")
        )


def _place(canvas, shapes, centre, half, tilt, of_object):
    """Draw shapes mirrored, stretched, sheared, turned and wobbling, with an outline of their own or none."""
    if not shapes:
        return
    rng, radius = canvas.rng, canvas.side / 2 * half
    stretch = 1 + 0.1 * bell(rng)
    mirror = -1 if rng.random() < 0.5 else 1
    warp = np.array([[mirror * stretch, 0], [0.1 * bell(rng), 1 / stretch]]) @ _rotation(tilt) * radius
    depth, waves, phase = rng.uniform(0, 0.06), rng.uniform(1, 3), rng.uniform(0, 2 * math.pi)
    width = 0 if rng.random() < 0.35 else max(1, round(radius * rng.uniform(0.01, 0.05)))
    ink = colour(rng, "ink")

    points = np.concatenate([shape.points for shape in shapes])
    points = points + depth * np.sin(waves * points[:, ::-1] + phase)
    points = points @ warp + centre * canvas.side
    fills, looks, outlines, start = {}, {}, {}, 0
    for part, outline, paint in shapes:
        if (part, paint) not in fills:  # one colour for each paint within an object, one number for each part
            fills[part, paint] = canvas.new_fill(paint, part, of_object, like=looks.get(paint))
            looks.setdefault(paint, fills[part, paint])
        if width and part not in outlines:
            outlines[part] = canvas.new_outline(ink, part, of_object)
        stop = start + len(outline)
        canvas.polygon(points[start:stop], fills[part, paint], outlines.get(part), width)
        start = stop
