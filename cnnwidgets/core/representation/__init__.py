"""The space in which a network sees: features, maps of them, neighbours, linear probes."""

from .features import Features, feature_batches, features
from .layout import grid_layout
from .neighbours import Neighbours, nearest_neighbours
from .probe import Probe, linear_probe
from .projection import Projection, project
from .quality import neighbours_kept, trustworthiness
from .tsne import TSNE

__all__ = [
    "TSNE",
    "Features",
    "Neighbours",
    "Probe",
    "Projection",
    "feature_batches",
    "features",
    "grid_layout",
    "linear_probe",
    "nearest_neighbours",
    "neighbours_kept",
    "project",
    "trustworthiness",
]
