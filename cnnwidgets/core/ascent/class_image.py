"""Images of classes and of units: what a network wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from ..errors import InputError
from ..module import as_module
from ..whole import at_least
from .ascent import Ascent, Penalty, Regulariser, Transform
from .image_space import Fourier, Pixels
from .objectives import Objective, class_score, diversity, is_several, unit
from .penalties import SquaredNorm
from .start import limits_of, start_of

SPACES = {"pixels": Pixels, "fourier": Fourier}


def class_image(
    model: nn.Module,
    target: int | Sequence[int],
    *,
    start: Tensor | None = None,
    shape: tuple[int, int, int] | None = None,
    n_steps: int = 100,
    rate: float | None = None,
    l2: float = 1e-2,
    regularisers: Sequence[Regulariser] = (),
    penalties: Sequence[Penalty] = (),
    transforms: Sequence[Transform] = (),
    space: str = "pixels",
    optimiser: str = "normalised",
    limits: Any = None,
    noise: float = 0.0,
    seed: int = 0,
    precision: str = "exact",
) -> Ascent:
    r"""An image that has as high a score for a class as can be found.

    .. math:: \arg\max_I \; S_c(I) - \lambda \|I\|_2^2

    by gradient ascent from the zero (mean) image, with the score before softmax: the probability could also
    grow as other classes become less likely. What is found is an image that excites the network, not one
    of those that it learned from: without a strong prior it looks like none of them.

    Parameters
    ----------
    model : Module or Network
        Any network with class scores; used in evaluation mode, left as it was.
    target : int or sequence of N ints
        A class, or several: an image of each, all in one batch.
    start : Tensor, shape (C, H, W) or (N, C, H, W), optional
        Preprocessed image to start from, or one for each; the zero image if not given.
    shape : (int, int, int), optional
        (C, H, W) of the zero image; the input of the ``Network`` if not given.
    n_steps : int
    rate : float, optional
        Size of a step; see `Ascent` for what it means to each optimiser, and what it is if not given.
    l2 : float
        :math:`\lambda`; while it runs, ``ascent.penalties[0].weight``.
    regularisers, penalties, transforms : sequences, optional
        `Decay`, `GaussianBlur`, `ClipNorm`, `ClipContribution`; `Norm`, `TotalVariation`; `Jitter`,
        `Scaling`, `Rotation`. Each may be changed while it runs.
    space : {"pixels", "fourier"}
        What is changed in each step.
    optimiser : {"plain", "normalised", "adam"}
    limits : (black, white), optional
        In preprocessed units, numbers or one for each channel, within which the image is kept; those of the
        ``Network`` if not given, and none for a plain module.
    noise : float
        Standard deviation of noise added to the start.
    seed : int
        Of noise and transforms.
    precision : {"exact", "fast"}

    Returns
    -------
    Ascent
        An iterator over `Step`; ``.run()`` gives the last.

    Raises
    ------
    TargetError, InputError, NetworkError
        Each names the mend; those about the network at the first step.

    Notes
    -----
    A step is as long as ``rate`` says, whatever the network; with ``optimiser="plain"``, a rate of 1 and some
    hundred steps it is the ascent of the paper. The default image is the paper's: recognisable, but made of
    fine lines, and of several objects. Clearer ones come from what forbids fine lines, and from what the
    transforms do not let pass. Any of these, with ``l2=0`` (the weight of a penalty depends on how large the
    scores are; the regularisers do not)::

        moves = [Jitter(4), Scaling(0.9, 1.1), Rotation(5)]
        {"regularisers": [Decay(0.01), GaussianBlur(0.7, every=2), ClipNorm(30)], "transforms": moves}
        {"penalties": [TotalVariation(0.02)], "transforms": moves}
        {"space": "fourier", "optimiser": "adam", "penalties": [TotalVariation(0.02)], "transforms": moves}

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image Classification Models
    and Saliency Maps", 2014, section 2.

    Yosinski, Clune, Nguyen, Fuchs, Lipson, "Understanding Neural Networks Through Deep Visualization", 2015.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> step = class_image(alexnet, [3, 7], shape=(3, 64, 96), n_steps=2).run()
    >>> step.images.shape, step.values.shape
    (torch.Size([2, 3, 64, 96]), torch.Size([2]))
    """
    options = {
        "start": start, "shape": shape, "space": space, "limits": limits, "noise": noise, "seed": seed,
        "n_steps": n_steps, "rate": rate, "optimiser": optimiser, "regularisers": regularisers,
        "transforms": transforms, "precision": precision,
        "penalties": [SquaredNorm(l2), *penalties],
    }  # fmt: skip
    return ascent_of(model, class_score(target), len(target) if is_several(target) else None, **options)


def unit_image(
    model: nn.Module,
    layer: str,
    channel: int | Sequence[int],
    *,
    position: tuple[int, int] | None = None,
    n_images: int | None = None,
    diverse: float = 0.0,
    noise: float = 0.01,
    **options: Any,
) -> Ascent:
    """An image that excites a unit: a channel all over, or one of its neurons.

    Parameters
    ----------
    model : Module or Network
    layer : str
        As `list_layers` names it.
    channel : int or sequence of ints
        A channel, or several: an image of each.
    position : (int, int), optional
        Row and column of one neuron; the mean of the channel if not given.
    n_images : int, optional
        Of one channel, several images from different noise.
    diverse : float
        How much these are to differ for the layer; see `diversity`. 0 is not at all.
    noise : float
        Standard deviation of noise added to the start, since a zero image can excite nothing.
    **options
        As `class_image` takes them, without ``target`` and ``l2``.

    Returns
    -------
    Ascent

    Raises
    ------
    LayerError, InputError, NetworkError
        Each names the mend; those about the network at the first step.

    References
    ----------
    Olah, Mordvintsev, Schubert, "Feature Visualization", Distill 2017.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> unit_image(alexnet, "features.3", 5, shape=(3, 64, 96), n_images=2, n_steps=2).run().images.shape
    torch.Size([2, 3, 64, 96])
    """
    if is_several(channel):
        if n_images not in (None, len(channel)):
            raise InputError("several images are of one channel; for several channels, call once for each")
        n_images = len(channel)
    if n_images is not None:
        at_least(1, n_images=n_images)
    objective: Objective = unit(layer, channel, position)
    if diverse:
        objective = objective + diverse * diversity(layer)
    return ascent_of(model, objective, n_images, noise=noise, **options)


def ascent_of(
    model: nn.Module,
    objective: Objective,
    n_images: int | None = None,
    *,
    start: Tensor | None = None,
    shape: tuple[int, int, int] | None = None,
    space: str = "pixels",
    limits: Any = None,
    noise: float = 0.0,
    seed: int = 0,
    **options: Any,
) -> Ascent:
    """Ascent of any objective, from the zero image of a network.

    Parameters
    ----------
    model : Module or Network
    objective : Objective
    n_images : int, optional
        As many as there are to start from if not given.
    start, shape, space, limits, noise, seed
        As `class_image` takes them.
    **options
        As `Ascent` takes them.

    Examples
    --------
    >>> import torchvision
    >>> from cnnwidgets.core.ascent import class_score, unit
    >>> alexnet = torchvision.models.alexnet()
    >>> both = class_score(3) + 0.5 * unit("features.3", 7)
    >>> ascent_of(alexnet, both, shape=(3, 64, 96), n_steps=2, noise=0.01).run().images.shape
    torch.Size([1, 3, 64, 96])
    """
    module = as_module(model)
    if space not in SPACES:
        raise InputError(f"space is one of {', '.join(map(repr, SPACES))}, not {space!r}")
    images = start_of(model, module, start, shape, n_images, noise, seed)
    within = SPACES[space](limits_of(model, images.shape[1], limits))
    return Ascent(module, objective, images, space=within, seed=seed, **options)
