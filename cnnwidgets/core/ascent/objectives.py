"""What an image is made to show: a class, a unit, a direction, a layer, or several of them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError, LayerError, TargetError
from ..targets import check_targets, target_lists

_AT_ONCE = 2**24
"""So many numbers a table of likenesses has at once."""


class Seen(NamedTuple):
    """What a run of the network shows of N images.

    Attributes
    ----------
    scores : Tensor, shape (N, n_classes), or None
        None where no objective asks for them.
    maps : dict of str to Tensor, shape (N, ...)
        Activations of the layers asked for.
    """

    scores: Tensor | None
    maps: dict[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """A number for each image that grows with what it shows; objectives can be added and multiplied.

    Attributes
    ----------
    value : callable
        From `Seen` to a Tensor of shape (N,).
    layers : tuple of str
        Whose activations it asks for.
    needs_scores : bool
    name : str
        In words.

    Examples
    --------
    >>> both = class_score(3) + 0.5 * unit("conv2", 7)
    >>> both.layers, both.name
    (('conv2',), 'class 3 + 0.5 × conv2 channel 7')
    """

    value: Callable[[Seen], Tensor]
    layers: tuple[str, ...] = ()
    needs_scores: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        if not self.layers and not self.needs_scores:
            raise InputError("an objective asks for the activations of some layers, or for the scores")

    def __call__(self, seen: Seen) -> Tensor:
        """The value; an InputError unless there is one number for each image."""
        values = self.value(seen)
        n_images = len(seen.scores if seen.scores is not None else next(iter(seen.maps.values())))
        if not isinstance(values, Tensor) or values.shape != (n_images,):
            what = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise InputError(f"an objective gives one number for each of the {n_images} images, not {what}")
        return values

    def __add__(self, other: Objective) -> Objective:
        if not isinstance(other, Objective):
            return NotImplemented
        return Objective(
            lambda seen: self.value(seen) + other.value(seen),
            tuple(dict.fromkeys((*self.layers, *other.layers))),
            self.needs_scores or other.needs_scores,
            f"{self.name} + {other.name}",
        )

    def __radd__(self, nothing: int) -> Objective:
        return self if nothing == 0 else NotImplemented  # sum() starts from 0

    def __mul__(self, factor: float) -> Objective:
        if not isinstance(factor, Real):
            return NotImplemented
        name = f"({self.name})" if " + " in self.name or " - " in self.name else self.name
        return replace(self, value=lambda seen: factor * self.value(seen), name=f"{factor:g} × {name}")

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return -1 * self

    def __sub__(self, other: Objective) -> Objective:
        if not isinstance(other, Objective):
            return NotImplemented
        minus = (1 * other).name.removeprefix("1 × ")
        return replace(self + -other, name=f"{self.name} - {minus}")


def class_score(target: int | Sequence[int]) -> Objective:
    """The score of a class before softmax; one for all images, or one for each."""

    def value(seen: Seen) -> Tensor:
        if type(target) is int:
            check_targets([target], seen.scores.shape[1])
            return seen.scores[:, target]
        lists, is_single = target_lists(target, len(seen.scores))
        if not is_single:
            raise TargetError(f"an image is of one class; add objectives for several, not {target!r}")
        wanted = [each for (each,) in lists]
        check_targets(wanted, seen.scores.shape[1])
        return seen.scores[torch.arange(len(wanted)), torch.as_tensor(wanted, device=seen.scores.device)]

    return Objective(value, (), True, f"class {_told(target)}")


def unit(layer: str, channel: int | Sequence[int], position: tuple[int, int] | None = None) -> Objective:
    """A channel's mean over all places, or its value at one (row, column); one, or one for each image."""

    def value(seen: Seen) -> Tensor:
        maps = seen.maps[layer]
        wanted = [channel] * len(maps) if not is_several(channel) else [int(each) for each in channel]
        if len(wanted) != len(maps):
            raise LayerError(
                f"{len(wanted)} channels do not fit {len(maps)} images: give one, or one for each"
            )
        _check_channels(wanted, maps, layer)
        chosen = maps[torch.arange(len(maps)), torch.as_tensor(wanted, device=maps.device)]
        return _at(chosen, layer, position)

    where = "" if position is None else f" at {tuple(position)}"
    return Objective(value, (layer,), False, f"{layer} channel {_told(channel)}{where}")


def direction(layer: str, vector: Tensor, position: tuple[int, int] | None = None) -> Objective:
    """Product of the activations with a vector over the channels; mean over all places, or at one.

    Parameters
    ----------
    layer : str
    vector : Tensor, shape (K,)
        One number for each channel of the layer.
    position : (int, int), optional
    """
    vector = _usable(vector)

    def value(seen: Seen) -> Tensor:
        maps = seen.maps[layer]
        if vector.shape != maps.shape[1:2]:
            raise InputError(
                f"a direction of layer {layer!r} has {maps.shape[1]} numbers, one for each channel; this one "
                f"has shape {tuple(vector.shape)}"
            )
        return _at(torch.einsum("nk...,k->n...", maps, vector.to(maps)), layer, position)

    where = "" if position is None else f" at {tuple(position)}"
    return Objective(value, (layer,), False, f"a direction of {layer}{where}")


def activity(layer: str, channel: int | None = None) -> Objective:
    r"""Half the squared L2 norm of a layer, :math:`\frac12 \|A\|^2`, or of one of its channels.

    Its gradient at the layer is the layer's activations themselves: whatever is there is amplified.
    """

    def value(seen: Seen) -> Tensor:
        maps = seen.maps[layer]
        if channel is not None:
            _check_channels([channel], maps, layer)
            maps = maps[:, channel]
        return maps.flatten(1).square().sum(1) / 2 if maps.ndim > 1 else maps.square() / 2

    told = "" if channel is None else f" channel {channel}"
    return Objective(value, (layer,), False, f"activity of {layer}{told}")


def likeness(layer: str, guide: Tensor) -> Objective:
    r"""Guided dream: each place of the layer grows towards the place of the guide that it is most like.

    .. math:: \sum_p A_p \cdot G_{q(p)}, \quad q(p) = \arg\max_q A_p \cdot G_q

    Parameters
    ----------
    layer : str
    guide : Tensor, shape (K, h, w) or (1, K, h, w)
        Activations of that layer for the guiding image, as `capture` gives them; of any height and width.
    """
    guide = _usable(guide)
    guide = guide[0] if guide.ndim in (2, 4) and len(guide) == 1 else guide

    def value(seen: Seen) -> Tensor:
        maps = _flat(seen.maps[layer])  # (N, K, places)
        theirs = guide.to(maps).flatten(1) if guide.ndim > 1 else guide.to(maps)[:, None]
        if guide.ndim not in (1, 3) or len(theirs) != maps.shape[1]:
            raise InputError(
                f"a guide for layer {layer!r} has {maps.shape[1]} channels, (K, h, w); this one has shape "
                f"{tuple(guide.shape)}"
            )
        with torch.no_grad():
            places = maps.split(max(1, _AT_ONCE // (len(maps) * theirs.shape[1])), dim=2)
            best = torch.cat([(part.transpose(1, 2) @ theirs).argmax(2) for part in places], dim=1)
        return (maps * theirs.T[best].transpose(1, 2)).sum((1, 2))

    return Objective(value, (layer,), False, f"likeness to a guide at {layer}")


def nearness(layer: str, wanted: Tensor) -> Objective:
    r"""How near the activations are to given ones: :math:`-\|A - A_0\|^2 / \|A_0\|^2`, at most 0.

    Parameters
    ----------
    layer : str
    wanted : Tensor, shape (1, ...) or (N, ...)
        Activations of that layer, as `capture` gives them: for all images, or for each.
    """
    wanted = _usable(wanted)
    size = _usable(wanted.flatten(1).square().sum(1))
    if not (size > 0).all():
        raise InputError(f"layer {layer!r} is all zero for this image: there is nothing to come near to")

    def value(seen: Seen) -> Tensor:
        maps = seen.maps[layer]
        if maps.shape[1:] != wanted.shape[1:] or len(wanted) not in (1, len(maps)):
            raise InputError(
                f"layer {layer!r} gives {tuple(maps.shape)} for images of this size, and "
                f"{tuple(wanted.shape)} is wanted"
            )
        return -(maps - wanted.to(maps)).flatten(1).square().sum(1) / size.to(maps)

    return Objective(value, (layer,), False, f"nearness at {layer}")


def diversity(layer: str) -> Objective:
    r"""How different the images of a batch are for a layer, so that each shows another side of a unit.

    Minus the mean cosine similarity of their Gram matrices, :math:`G_{kl} = \sum_p A_{kp} A_{lp}`, with those
    of the others (Olah et al. 2017).
    """

    def value(seen: Seen) -> Tensor:
        maps = _flat(seen.maps[layer])
        n = len(maps)
        if n < 2:
            raise InputError("one image cannot differ from itself: diversity needs at least 2 images")
        gram = torch.einsum("nkp,nlp->nkl", maps, maps).flatten(1)
        alike = F.normalize(gram, dim=1)
        alike = alike @ alike.T
        return -(alike.sum(1) - alike.diagonal()) / (n - 1)

    return Objective(value, (layer,), False, f"diversity at {layer}")


def is_several(number: object) -> bool:
    """Whether it is a sequence, and not one number (of Python, numpy or torch)."""
    return getattr(number, "ndim", None) != 0 and hasattr(number, "__len__")


def _told(numbers: object) -> str:
    return ", ".join(map(str, numbers)) if is_several(numbers) else str(numbers)


def _usable(tensor: Tensor) -> Tensor:
    """Of no graph, and not made under inference_mode, which autograd could not use."""
    with torch.inference_mode(False):
        return torch.as_tensor(tensor).detach().clone()


def _flat(maps: Tensor) -> Tensor:
    """(N, K, places); a layer without places has one."""
    return maps.reshape(*maps.shape[:2], -1)


def _check_channels(channels: Sequence[int], maps: Tensor, layer: str) -> None:
    for each in channels:
        if not 0 <= each < maps.shape[1]:
            raise LayerError(f"layer {layer!r} has the channels 0 to {maps.shape[1] - 1}, not {each}")


def _at(maps: Tensor, layer: str, position: tuple[int, int] | None) -> Tensor:
    """Mean over the places of maps (N, ...), or their value at one place."""
    if position is None:
        return maps.flatten(1).mean(1) if maps.ndim > 1 else maps
    if maps.ndim != 3:
        raise InputError(f"neurons of layer {layer!r} have no position: leave it out")
    row, column = position
    if not (0 <= row < maps.shape[1] and 0 <= column < maps.shape[2]):
        raise InputError(
            f"position {(row, column)} is outside the maps of layer {layer!r}: rows go from 0 to "
            f"{maps.shape[1] - 1}, columns from 0 to {maps.shape[2] - 1}"
        )
    return maps[:, row, column]
