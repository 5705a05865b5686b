"""Tensors in, tensors out: what the widgets show is computed here. Knows torch and numpy only."""

from .capture import capture
from .dissection import part_iou
from .errors import CnnWidgetsError, InputError, LayerError, NetworkError, TargetError, did_you_mean
from .filters import convolutions, filters, first_convolution
from .fingerprint import fingerprint
from .firing import firing_share
from .frequency import frequency_response
from .gabor import GaborFit, fit_gabor, random_filters_explained
from .gradients import (
    ScoreGradients,
    cam,
    combine_grad_cam,
    combine_grad_cam_plus_plus,
    combine_hires_cam,
    combine_layer_cam,
    deconvnet,
    grad_cam,
    grad_cam_plus_plus,
    guided_backprop,
    guided_grad_cam,
    has_cam,
    hires_cam,
    input_gradient,
    input_x_gradient,
    integrated_gradients,
    integrated_gradients_steps,
    layer_cam,
    relu_backward,
    saliency,
    score_cam,
    score_gradients,
    smooth_grad,
    smooth_grad_steps,
    unit_gradient,
    upsample,
)
from .layers import LayerInfo, list_layers
from .module import as_module, prepared, undisturbed
from .occluders import Occluder, OcclusionMap, OcclusionRun, fill_pixels, occlusion
from .patches import Patch, Patches, PatchScan, Unit, average_patch, cut_patch, max_activating_patches
from .receptive_field import ReceptiveField
from .scores import class_scores
from .segmentation import iou, segment

__all__ = [
    "CnnWidgetsError",
    "GaborFit",
    "InputError",
    "LayerError",
    "LayerInfo",
    "NetworkError",
    "Occluder",
    "OcclusionMap",
    "OcclusionRun",
    "Patch",
    "PatchScan",
    "Patches",
    "ReceptiveField",
    "ScoreGradients",
    "TargetError",
    "Unit",
    "as_module",
    "average_patch",
    "cam",
    "capture",
    "class_scores",
    "combine_grad_cam",
    "combine_grad_cam_plus_plus",
    "combine_hires_cam",
    "combine_layer_cam",
    "convolutions",
    "cut_patch",
    "deconvnet",
    "did_you_mean",
    "fill_pixels",
    "filters",
    "fingerprint",
    "firing_share",
    "first_convolution",
    "fit_gabor",
    "frequency_response",
    "grad_cam",
    "grad_cam_plus_plus",
    "guided_backprop",
    "guided_grad_cam",
    "has_cam",
    "hires_cam",
    "input_gradient",
    "input_x_gradient",
    "integrated_gradients",
    "integrated_gradients_steps",
    "iou",
    "layer_cam",
    "list_layers",
    "max_activating_patches",
    "occlusion",
    "part_iou",
    "prepared",
    "random_filters_explained",
    "relu_backward",
    "saliency",
    "score_cam",
    "score_gradients",
    "segment",
    "smooth_grad",
    "smooth_grad_steps",
    "undisturbed",
    "unit_gradient",
    "upsample",
]
