"""What a network says of occluded images."""

from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import LayerError


class Answers(NamedTuple):
    """What a network says of several occluded images.

    Attributes
    ----------
    scores : Tensor, shape (B, n_classes)
        Before softmax, on the CPU, in float32 at least.
    activity : Tensor, shape (B,), or None
        Sum over the watched feature map.
    share : float
        Which part of a forward pass was computed for each, on average.
    """

    scores: Tensor
    activity: Tensor | None
    share: float = 1.0

    @property
    def probabilities(self) -> Tensor:
        """Softmax of the scores."""
        return self.scores.softmax(1)


def readable(scores: Tensor) -> Tensor:
    """Scores as a caller gets them: on the CPU, in float32 at least."""
    return scores.detach().to("cpu", torch.promote_types(scores.dtype, torch.float32))


def strongest(maps: Tensor) -> int:
    """The feature map with the largest activation, of (1, C, ...)."""
    return int(maps[0].reshape(maps.shape[1], -1).amax(1).argmax())


def activity_of(maps: Tensor, channel: int) -> Tensor:
    """Sum over one feature map of each image, (B,), on the CPU."""
    wide = torch.promote_types(maps.dtype, torch.float32)
    return maps[:, channel].reshape(len(maps), -1).sum(1, dtype=wide).cpu()


def check_channel(maps: Tensor, layer: str, channel: int | None) -> None:
    """Raise a LayerError where a layer has no such feature map, or none at all."""
    if maps.ndim < 2:
        raise LayerError(f"layer {layer!r} has no feature maps; choose one that returns (N, C, H, W)")
    if channel is not None and not 0 <= channel < maps.shape[1]:
        raise LayerError(f"channel {channel} does not exist: layer {layer!r} has 0 to {maps.shape[1] - 1}")
