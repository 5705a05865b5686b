"""Explorers: widgets and compute core wired together, one for each section of the lectures."""

from .activation_explorer import ActivationExplorer
from .base import Explorer
from .cam_explorer import CamExplorer
from .deconv_explorer import DeconvExplorer
from .embedding_explorer import EmbeddingExplorer
from .explore import explore
from .filter_explorer import FilterExplorer
from .occlusion_explorer import OcclusionExplorer
from .patch_explorer import PatchExplorer
from .retrieval_explorer import RetrievalExplorer
from .saliency_explorer import SaliencyExplorer
from .selection import Selection

__all__ = [
    "ActivationExplorer",
    "CamExplorer",
    "DeconvExplorer",
    "EmbeddingExplorer",
    "Explorer",
    "FilterExplorer",
    "OcclusionExplorer",
    "PatchExplorer",
    "RetrievalExplorer",
    "SaliencyExplorer",
    "Selection",
    "explore",
]
