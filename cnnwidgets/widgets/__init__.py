"""Reusable widgets: each is an ipywidget with documented traits that works alone in anyone's notebook."""

from .activation_grid import ActivationGrid
from .base import Widget, shown_errors
from .class_picker import ClassPicker
from .image_picker import ImagePicker
from .layer_picker import LayerPicker
from .neuron_slider import NeuronSlider

__all__ = [
    "ActivationGrid",
    "ClassPicker",
    "ImagePicker",
    "LayerPicker",
    "NeuronSlider",
    "Widget",
    "shown_errors",
]
