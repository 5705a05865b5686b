"""Explanations by gradient: saliency, DeconvNet, guided backpropagation, class activation maps."""

from .cam import cam, has_cam
from .combine import combine_grad_cam, combine_grad_cam_plus_plus, combine_hires_cam, combine_layer_cam
from .grad_cam import grad_cam, grad_cam_plus_plus, guided_grad_cam, hires_cam, layer_cam
from .integrated_gradients import integrated_gradients, integrated_gradients_steps
from .relu_rules import relu_backward
from .saliency import input_x_gradient, saliency
from .score_cam import score_cam
from .score_gradients import ScoreGradients, input_gradient, score_gradients
from .smooth_grad import smooth_grad, smooth_grad_steps
from .units import deconvnet, guided_backprop, unit_gradient
from .upsample import upsample

__all__ = [
    "ScoreGradients",
    "cam",
    "combine_grad_cam",
    "combine_grad_cam_plus_plus",
    "combine_hires_cam",
    "combine_layer_cam",
    "deconvnet",
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
    "layer_cam",
    "relu_backward",
    "saliency",
    "score_cam",
    "score_gradients",
    "smooth_grad",
    "smooth_grad_steps",
    "unit_gradient",
    "upsample",
]
