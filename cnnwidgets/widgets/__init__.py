"""Reusable widgets: each is an ipywidget with documented traits that works alone in anyone's notebook."""

from ._picture_rows import PictureRow, Tile
from .activation_grid import ActivationGrid
from .attribution_grid import AttributionGrid, AttributionPanel
from .base import Widget, shown_errors
from .cam_control import CamControl
from .class_picker import ClassPicker
from .convolution_stepper import ConvolutionStepper
from .embedding_scatter import EmbeddingScatter
from .explanation_control import ExplanationControl
from .filter_grid import FilterGrid
from .heat_map import HeatMap
from .image_picker import ImagePicker
from .layer_picker import LayerPicker
from .live_figure import LiveFigure
from .map_control import MapControl
from .name_chips import NameChips
from .network_picker import NetworkPicker
from .neuron_slider import NeuronSlider
from .occlusion_control import OcclusionControl
from .occlusion_image import OcclusionImage
from .patch_grid import PatchGrid
from .picture_rows import PictureRows
from .relu_rules import ReluRules
from .retrieval_control import RetrievalControl
from .scan_control import ScanControl
from .tile_blocks import TileBlocks
from .unit_search import UnitSearch

__all__ = [
    "ActivationGrid",
    "AttributionGrid",
    "AttributionPanel",
    "CamControl",
    "ClassPicker",
    "ConvolutionStepper",
    "EmbeddingScatter",
    "ExplanationControl",
    "FilterGrid",
    "HeatMap",
    "ImagePicker",
    "LayerPicker",
    "LiveFigure",
    "MapControl",
    "NameChips",
    "NetworkPicker",
    "NeuronSlider",
    "OcclusionControl",
    "OcclusionImage",
    "PatchGrid",
    "PictureRow",
    "PictureRows",
    "ReluRules",
    "RetrievalControl",
    "ScanControl",
    "Tile",
    "TileBlocks",
    "UnitSearch",
    "Widget",
    "shown_errors",
]
