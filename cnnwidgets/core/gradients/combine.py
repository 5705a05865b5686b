"""Maps from the activations of a layer and the gradient there: Grad-CAM and its relatives."""

from __future__ import annotations

import torch
from torch import Tensor


def combine_grad_cam(activation: Tensor, gradient: Tensor, relu: bool = True) -> Tensor:
    r"""Grad-CAM: :math:`\mathrm{ReLU}\bigl(\sum_k \alpha_k A_k\bigr)`, :math:`\alpha_k` the mean gradient.

    Parameters
    ----------
    activation : Tensor, shape (N, K, h, w)
    gradient : Tensor, shape (N, K, h, w) or (N, T, K, h, w)
        Of a score with respect to the activation.
    relu : bool
        Without it, negative evidence is kept.

    Returns
    -------
    Tensor, shape (N, h, w) or (N, T, h, w)

    Examples
    --------
    >>> maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 0.0]]]])
    >>> back = torch.tensor([[[[2.0, 2.0]], [[-2.0, 0.0]]]])
    >>> combine_grad_cam(maps, back).tolist(), combine_grad_cam(maps, back, relu=False).tolist()
    ([[[0.0, 4.0]]], [[[-1.0, 4.0]]])
    """
    return _weighted(activation, gradient.mean((-2, -1), keepdim=True), gradient, relu)


def combine_grad_cam_plus_plus(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""Grad-CAM++: :math:`\mathrm{ReLU}\bigl(\sum_k w_k A_k\bigr)` with

    .. math:: w_k = \sum_{ij} \alpha_{kij} \, \mathrm{ReLU}(g_{kij}), \quad
        \alpha_{kij} = \frac{g_{kij}^2}{2 g_{kij}^2 + \sum_{ab} A_{kab} \, g_{kij}^3}

    for the gradient :math:`g` (equation 19 of the paper, with sums; 0 where the denominator is 0). The paper
    differentiates :math:`\exp(S)`, which puts the same positive factor before everything; it is left out.

    Parameters
    ----------
    activation, gradient
        As `combine_grad_cam` takes them.

    Returns
    -------
    Tensor, shape (N, h, w) or (N, T, h, w)

    Examples
    --------
    >>> maps, back = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[1.0, 0.0]]]])
    >>> combine_grad_cam_plus_plus(maps, back)  # alpha is 1 / (2 + 3) in the first place
    tensor([[[0.2000, 0.4000]]])
    """
    total = _beside(activation, gradient).sum((-2, -1), keepdim=True)
    below = 2 * gradient**2 + total * gradient**3
    alpha = torch.where(below == 0, 0, gradient**2 / torch.where(below == 0, 1, below))
    weights = (alpha * gradient.relu()).sum((-2, -1), keepdim=True)
    return _weighted(activation, weights, gradient, relu=True)


def combine_layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    r"""LayerCAM: :math:`\mathrm{ReLU}\bigl(\sum_k \mathrm{ReLU}(g_k) \odot A_k\bigr)`.

    Examples
    --------
    >>> maps, back = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[-1.0, 3.0]]]])
    >>> combine_layer_cam(maps, back)
    tensor([[[0., 6.]]])
    """
    return _weighted(activation, gradient.relu(), gradient, relu=True)


def combine_hires_cam(activation: Tensor, gradient: Tensor, relu: bool = False) -> Tensor:
    r"""HiResCAM: :math:`\sum_k g_k \odot A_k`; see `combine_grad_cam`.

    Examples
    --------
    >>> maps, back = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[-1.0, 3.0]]]])
    >>> combine_hires_cam(maps, back)
    tensor([[[-1.,  6.]]])
    """
    return _weighted(activation, gradient, gradient, relu)


def _weighted(activation: Tensor, weights: Tensor, gradient: Tensor, relu: bool) -> Tensor:
    maps = (weights * _beside(activation, gradient)).sum(-3)
    return maps.relu() if relu else maps


def _beside(activation: Tensor, gradient: Tensor) -> Tensor:
    """With an axis for the targets, if the gradient has one."""
    return activation if activation.ndim == gradient.ndim else activation[:, None]
