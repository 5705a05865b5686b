"""Explorers: widgets and compute core wired together, one for each section of the lectures."""

from .activation_explorer import ActivationExplorer
from .base import Explorer
from .cam_explorer import CamExplorer
from .deconv_explorer import DeconvExplorer
from .explore import explore
from .filter_explorer import FilterExplorer
from .occlusion_explorer import OcclusionExplorer
from .patch_explorer import PatchExplorer
from .saliency_explorer import SaliencyExplorer
from .selection import Selection

__all__ = [
    "ActivationExplorer",
    "CamExplorer",
    "DeconvExplorer",
    "Explorer",
    "FilterExplorer",
    "OcclusionExplorer",
    "PatchExplorer",
    "SaliencyExplorer",
    "Selection",
    "explore",
]
