"""Reusable widgets: each is an ipywidget with documented traits that works alone in anyone's notebook."""

from ._changes import PictureChange
from ._picture_rows import PictureRow, Tile
from .activation_grid import ActivationGrid
from .ascent_control import AscentControl, AscentSettings
from .attribution_grid import AttributionGrid, AttributionPanel
from .base import Widget, shown_errors
from .cam_control import CamControl
from .change_viewer import ChangeViewer
from .class_choice import ClassChoice
from .class_picker import ClassPicker
from .convolution_stepper import ConvolutionStepper
from .dream_control import DreamControl
from .embedding_scatter import EmbeddingScatter
from .explanation_control import ExplanationControl
from .filter_grid import FilterGrid
from .fooling_control import FoolingControl
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
from .run_control import RunControl
from .scan_control import ScanControl
from .step_viewer import StepViewer
from .tile_blocks import TileBlocks
from .unit_choice import UnitChoice
from .unit_search import UnitSearch
from .wipe import Wipe
from .zoom_film import ZoomFilm

__all__ = [
    "ActivationGrid",
    "AscentControl",
    "AscentSettings",
    "AttributionGrid",
    "AttributionPanel",
    "CamControl",
    "ChangeViewer",
    "ClassChoice",
    "ClassPicker",
    "ConvolutionStepper",
    "DreamControl",
    "EmbeddingScatter",
    "ExplanationControl",
    "FilterGrid",
    "FoolingControl",
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
    "PictureChange",
    "PictureRow",
    "PictureRows",
    "ReluRules",
    "RetrievalControl",
    "RunControl",
    "ScanControl",
    "StepViewer",
    "Tile",
    "TileBlocks",
    "UnitChoice",
    "UnitSearch",
    "Widget",
    "Wipe",
    "ZoomFilm",
    "shown_errors",
]
