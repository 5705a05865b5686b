"""Plain batching: a whole forward pass for each occluded image, of any network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..module import mixes_images, undisturbed
from ..scores import class_scores
from ..visit import visit
from .answers import Answers, activity_of, check_channel, readable, strongest
from .span import Place
from .steps import Held
from .unoccluded import Unoccluded


class Plain:
    """A network that is run as it is.

    Parameters
    ----------
    module : Module
    x : Tensor, shape (1, C, H, W)
        On its device and of its floating type.
    layer, channel : str and int, optional
        The feature map that is watched; the one with the largest activation if no channel is given.
    half : bool
        Under autocast to bfloat16.
    """

    def __init__(
        self, module: nn.Module, x: Tensor, layer: str | None, channel: int | None, half: bool = False
    ) -> None:
        self.module, self.layer, self.channel, self._half = module, layer, channel, half
        self._x, self._image = x, Unoccluded(x)
        self._order = torch.channels_last  # the faster one on most processors
        self.alone = mixes_images(module)
        self._baseline: Answers | None = None

    @property
    def baseline(self) -> Answers:
        """For the unoccluded image; only run if it is asked for."""
        if self._baseline is None:
            self._baseline = self._run(self._x)
        return self._baseline

    def batch_size(self, place: Place | None) -> int:
        """How many squares fit into a batch."""
        pixels = self._image.height * self._image.width
        return 1 if self.alone else max(1, min(64, 64 * 224 * 224 // pixels))

    def run(self, pixels: Tensor, place: Place, channel: int | None = None) -> Answers:
        """What the network says of a batch of squares; see `Incremental.run`."""
        if self.layer is not None and self.channel is None:
            if channel is None:
                self.baseline  # noqa: B018  which finds the channel that is watched
            else:
                self.channel = channel
        return self._run(Held(pixels, place, self._image).whole())

    def _run(self, x: Tensor) -> Answers:
        try:
            return self._answers(x)
        except RuntimeError:
            if self._order is torch.contiguous_format:
                raise
        self._order = torch.contiguous_format  # a view in the network, perhaps
        return self._answers(x)

    def _answers(self, x: Tensor) -> Answers:
        activity = None
        kind = x.device.type
        with undisturbed(self.module), torch.inference_mode(False), torch.no_grad():
            with torch.autocast(kind, torch.bfloat16, enabled=self._half):
                if self.layer is not None:
                    activity = self._activity(self._copy(x))
                scores = readable(class_scores(self.module(self._copy(x))))
        return Answers(scores, activity)

    def _copy(self, x: Tensor) -> Tensor:
        # not contiguous(): with one channel, either order counts as both
        return torch.empty_like(x, memory_format=self._order).copy_(x)

    def _activity(self, x: Tensor) -> Tensor:
        found = []

        def see(name: str, maps: Tensor, is_last: bool) -> None:
            check_channel(maps, name, self.channel)
            if self.channel is None:
                self.channel = strongest(maps)
            found.append(activity_of(maps, self.channel))

        visit(self.module, x, [self.layer], see)
        return found[0]
