"""Images that a network dreams: ascent on what a class, a unit or a layer says."""

from .ascent import Ascent, Step
from .class_image import ascent_of, class_image, unit_image
from .dream import Dream, DreamStep, deep_dream
from .fooling import Fooling, FoolingStep, fooling_image, lead
from .inversion import invert_features
from .objectives import (
    Objective,
    activity,
    class_score,
    direction,
    diversity,
    likeness,
    nearness,
    unit,
)
from .penalties import Norm, SquaredNorm, TotalVariation
from .regularisers import ClipContribution, ClipNorm, Decay, GaussianBlur
from .transforms import Jitter, Rotation, Scaling
from .zoom import DreamZoom, ZoomFrame, dream_zoom

__all__ = [
    "Ascent",
    "ClipContribution",
    "ClipNorm",
    "Decay",
    "Dream",
    "DreamStep",
    "DreamZoom",
    "Fooling",
    "FoolingStep",
    "GaussianBlur",
    "Jitter",
    "Norm",
    "Objective",
    "Rotation",
    "Scaling",
    "SquaredNorm",
    "Step",
    "TotalVariation",
    "ZoomFrame",
    "activity",
    "ascent_of",
    "class_image",
    "class_score",
    "deep_dream",
    "direction",
    "diversity",
    "dream_zoom",
    "fooling_image",
    "invert_features",
    "lead",
    "likeness",
    "nearness",
    "unit",
    "unit_image",
]
