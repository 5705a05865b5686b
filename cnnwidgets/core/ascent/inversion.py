"""Which images look the same to a layer? Feature inversion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..capture import capture
from ..module import as_module
from .ascent import Ascent, Penalty
from .class_image import ascent_of
from .evaluate import independent
from .objectives import nearness
from .penalties import Norm, TotalVariation
from .start import batch_of


def invert_features(
    model: nn.Module,
    x: Tensor,
    layer: str,
    *,
    n_steps: int = 200,
    rate: float = 0.05,
    variation: float = 1e-4,
    norm: float = 1e-8,
    noise: float = 0.1,
    penalties: Sequence[Penalty] = (),
    **options: Any,
) -> Ascent:
    r"""Make an image from nothing that a layer cannot tell from a given one.

    .. math:: \arg\min_z \frac{\|A(z) - A(x)\|_2^2}{\|A(x)\|_2^2} + \lambda_\alpha \|z\|_6^6 + \lambda_V V(z)

    What differs between the two images is what the layer no longer knows: early layers keep nearly
    everything, late ones forget colours and places first.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (C, H, W) or (N, C, H, W)
        Preprocessed images.
    layer : str
        As `list_layers` names it.
    n_steps : int
    rate : float
        Of Adam.
    variation, norm : float
        :math:`\lambda_V` of the total variation, :math:`\lambda_\alpha` of the sixth power of the pixels.
    noise : float
        Standard deviation of the noise it starts from.
    penalties : sequence, optional
        Further ones.
    **options
        As `class_image` takes them, without ``target``, ``start``, ``shape`` and ``l2``.

    Returns
    -------
    Ascent
        Its values are minus the squared distance, relative to that from nothing: 0 is a perfect inversion.

    Raises
    ------
    LayerError, InputError, NetworkError
        Each names the mend.

    References
    ----------
    Mahendran, Vedaldi, "Understanding Deep Image Representations by Inverting Them", 2015.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> ascent = invert_features(alexnet, torch.randn(1, 3, 64, 96), "features.2", n_steps=3)
    >>> [len(step.images) for step in ascent]
    [1, 1, 1, 1]
    """
    module = as_module(model)
    x = batch_of(module, x)
    wanted = torch.cat([capture(module, part, layer)[layer] for part in independent(module, x)]).to(x.dtype)
    return ascent_of(
        model, nearness(layer, wanted), len(x), start=x * 0, noise=noise, n_steps=n_steps, rate=rate,
        penalties=[TotalVariation(variation), Norm(norm), *penalties], **{"optimiser": "adam"} | options,
    )  # fmt: skip
