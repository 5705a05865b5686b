"""Explorers: widgets and compute core wired together, one for each section of the lectures."""

from .activation_explorer import ActivationExplorer
from .ascent_explorer import AscentExplorer
from .base import Explorer
from .cam_explorer import CamExplorer
from .deconv_explorer import DeconvExplorer
from .dream_explorer import DreamExplorer
from .embedding_explorer import EmbeddingExplorer
from .explore import explore
from .filter_explorer import FilterExplorer
from .fooling_explorer import FoolingExplorer
from .occlusion_explorer import OcclusionExplorer
from .patch_explorer import PatchExplorer
from .retrieval_explorer import RetrievalExplorer
from .saliency_explorer import SaliencyExplorer
from .selection import Selection

__all__ = [
    "ActivationExplorer",
    "AscentExplorer",
    "CamExplorer",
    "DeconvExplorer",
    "DreamExplorer",
    "EmbeddingExplorer",
    "Explorer",
    "FilterExplorer",
    "FoolingExplorer",
    "OcclusionExplorer",
    "PatchExplorer",
    "RetrievalExplorer",
    "SaliencyExplorer",
    "Selection",
    "explore",
]
