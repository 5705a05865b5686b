"""Tensors in, tensors out: what the widgets show is computed here. Knows torch and numpy only."""

from .capture import capture
from .errors import CnnWidgetsError, InputError, LayerError, NetworkError, TargetError, did_you_mean
from .layers import LayerInfo, list_layers
from .module import as_module, prepared, undisturbed
from .receptive_field import ReceptiveField
from .scores import class_scores

__all__ = [
    "CnnWidgetsError",
    "InputError",
    "LayerError",
    "LayerInfo",
    "NetworkError",
    "ReceptiveField",
    "TargetError",
    "as_module",
    "capture",
    "class_scores",
    "did_you_mean",
    "list_layers",
    "prepared",
    "undisturbed",
]
