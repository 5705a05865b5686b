"""Distractors: single parts without their object, so that one part alone doesn't give a class away."""

from . import parts

_LONE = (
    (("car", "bus", "bicycle", "truck"), lambda r: parts.wheel(r, 0, 0, 1.0)),
    (("car", "bus", "house"), lambda r: parts.window(r, -0.8, -0.8, 0.8, 0.8, r.random() < 0.5)),
    (("fish", "bird", "cat"), lambda r: parts.eye(r, 0, 0, 0.9, r.random() < 0.3)),
    (("flower",), lambda r: parts.leaf(r, -1, 0, 2, 0.0)),
    (("flower",), lambda r: parts.petal(r, -1, 0, 2, 0.0)),
    (("house",), lambda r: parts.roof(r, -1, 1, 0.5, 0, -0.6)),
    (("fish",), lambda r: parts.fin(r, (1, 0), (-1, -0.8), (-0.5, 0), (-1, 0.8))),
    (("bird",), lambda r: parts.wing(r, -1, 0.0, 2, 0.0)),
    (("bus", "house"), lambda r: parts.door(r, -0.4, -0.9, 0.4, 0.9)),
    (("boat",), lambda r: parts.sail(r, (-0.5, -1), (-0.5, 0.8), (0.9, 0.8))),
    (("boat",), lambda r: parts.hull(r, -0.2, 1.0, 0.6)),
    (("cat",), lambda r: parts.ear(r, (-0.8, 0.8), (0.1, -0.9), (0.8, 0.8))),
    (("bird",), lambda r: parts.beak(r, -0.8, 0, 1.6)),
)


def lone_part(rng, class_name):
    """The shapes of one random part, or of none: parts of the object's own class are mostly left out."""
    owners, draw = _LONE[int(rng.integers(len(_LONE)))]
    if class_name in owners and rng.random() < 0.7:
        return []
    return draw(rng)
