"""Explorers: widgets and compute core wired together, one for each section of the lectures."""

from .activation_explorer import ActivationExplorer
from .base import Explorer
from .explore import explore
from .filter_explorer import FilterExplorer
from .occlusion_explorer import OcclusionExplorer
from .patch_explorer import PatchExplorer
from .selection import Selection

__all__ = [
    "ActivationExplorer",
    "Explorer",
    "FilterExplorer",
    "OcclusionExplorer",
    "PatchExplorer",
    "Selection",
    "explore",
]
