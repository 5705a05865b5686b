"""Occlusion: which parts of an image a network needs, found by covering them."""

from .answers import Answers
from .fills import fill_pixels
from .maps import OcclusionMap, error_of, occlusion
from .occluder import Occluder
from .run import OcclusionRun
from .squares import centres, covered

__all__ = [
    "Answers",
    "Occluder",
    "OcclusionMap",
    "OcclusionRun",
    "centres",
    "covered",
    "error_of",
    "fill_pixels",
    "occlusion",
]
