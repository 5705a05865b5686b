"""Toytown: cartoon things made of shared parts, drawn from a seed, with exact object and part masks."""

from .dataset import SIZE, SPLITS, TAG_BOX, TAG_COLOUR, Example, Toytown
from .labels import CLASSES, HELD_BACK, PARTS

__all__ = ["CLASSES", "HELD_BACK", "PARTS", "SIZE", "SPLITS", "TAG_BOX", "TAG_COLOUR", "Example", "Toytown"]
