"""The ways back from a unit to the pixels, one rule after the other."""

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from ..core import CnnWidgetsError, unit_gradient
from ..core.layers import LayerInfo
from ..networks import Network

RULES = {"DeconvNet": "deconvnet", "guided backprop": "guided", "gradient": "gradient"}
"""Names for students, and what the core calls them."""

NOTES = {
    "DeconvNet": "on its way back, a ReLU lets through what is positive",
    "guided backprop": "… and only where it was open on the way up",
    "gradient": "a ReLU lets through all where it was open",
}

SOON = 0.15
"""Seconds after which what is there is shown, and the rest later."""

PIXELS = 4 * 224 * 224
"""In a batch: activations of all layers are kept for the way back."""


class WaysBack:
    """Images of one unit for some inputs: what goes back to the pixels by each rule.

    Parameters
    ----------
    network : Network
    layer : LayerInfo
    channel : int
    x : Tensor, shape (N, C, H, W)
    positions : sequence of N (row, column), optional
        Of one neuron in each input; the whole feature map if not given.

    Attributes
    ----------
    images : dict of str to list of N arrays (C, H, W), str or None
        By name, as `TileBlocks` takes them: a text says why there are none, None that they are to come.
    """

    def __init__(
        self,
        network: Network,
        layer: LayerInfo,
        channel: int,
        x: Tensor,
        positions: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        self._network, self._layer, self._channel, self._x = network, layer, channel, x
        self._positions = None if layer.map_size is None or positions is None else list(positions)
        self.images: dict[str, list | str | None] = dict.fromkeys(RULES)

    @property
    def is_complete(self) -> bool:
        """Whether all rules are done."""
        return None not in self.images.values()

    def go_on(self, seconds: float = SOON) -> "WaysBack":
        """Compute, for at least one rule, until all are done or that time has passed."""
        began = time.monotonic()
        for name, rule in RULES.items():
            if self.images[name] is None:
                self.images[name] = self._back(rule)
                if time.monotonic() - began > seconds:
                    break
        if self.is_complete:
            self._x = None
        return self

    def _back(self, rule: str) -> list | str:
        if not len(self._x):
            return []
        if self._layer.channels_last:
            return f"{self._layer.name} has its channels last, as transformers have: choose a convolution"
        height, width = self._x.shape[2:]
        at_once = max(1, PIXELS // (height * width))
        try:
            parts = [self._part(rule, slice(i, i + at_once)) for i in range(0, len(self._x), at_once)]
        except CnnWidgetsError as error:
            return str(error)
        return list(torch.cat(parts).numpy())

    def _part(self, rule: str, part: slice) -> Tensor:
        places = None if self._positions is None else self._positions[part]
        found = unit_gradient(self._network, self._x[part], self._layer.name, self._channel, places, rule)
        # what has neither colours nor greys, such as depth beside colours, is shown as its sum
        return (found if found.shape[1] in (1, 3) else found.sum(1, keepdim=True)).cpu()
