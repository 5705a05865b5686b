"""Pictures: the drawn dataset Toytown, sample photographs, and reading whatever a user hands over."""

from .images import ImageError, read_image
from .samples import Sample, samples
from .toytown import CLASSES, HELD_BACK, PARTS, Example, Toytown

__all__ = [
    "CLASSES",
    "HELD_BACK",
    "PARTS",
    "Example",
    "ImageError",
    "Sample",
    "Toytown",
    "read_image",
    "samples",
]
