"""Units by the part that they fire on, measured on Toytown, whose parts are known."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from ..core import InputError, part_iou
from ..data import PARTS, Toytown
from ..networks.preprocessing import Preprocess
from .latest import Latest

N_IMAGES = 240
HITS = 12
LEAST = 0.02
"""IoU below which a unit is no hit."""


class PartSearch:
    """Answers the `UnitSearch` of a `PatchExplorer`.

    The measure is taken when a part is first chosen; that takes a few seconds, and is kept.

    Parameters
    ----------
    explorer : PatchExplorer
        Has a ``search`` widget, and a selection.
    """

    def __init__(self, explorer):
        self._explorer = explorer
        self._latest = Latest(explorer.search.show_error)
        self._scores = None
        self._layers = []
        explorer.search.observe(self._answer, "part")

    def offer(self, layers):
        """Offer the parts for these layers."""
        if list(layers) != self._layers:
            self.forget()
        self._layers = list(layers)
        self._explorer.search.parts = [part for part in PARTS if part not in ("background", "tag")]
        self._answer()

    def forget(self):
        """Another network has come."""
        self._scores = None
        self._explorer.search.part = ""

    async def done(self):
        """Wait until the hits are shown."""
        await self._latest.done()

    def close(self):
        """Stop all work."""
        self._latest.close()
        self._scores = None

    def _answer(self, change=None):
        search = self._explorer.search
        if not search.part:
            search.hits = []
            search.message = ""
            return
        if self._scores is None:
            search.hits = []
            search.message = f"measuring all units on {N_IMAGES} drawn pictures whose parts are known …"
        network, layers, scores = self._explorer.selection.network, self._layers, self._scores
        self._latest.submit(lambda: scores or _measure(network, layers), self._apply)

    def _apply(self, scores):
        self._scores = scores
        search, number = self._explorer.search, PARTS.index(self._explorer.search.part or PARTS[0])
        hits = [
            {"layer": layer, "channel": channel, "score": float(score)}
            for layer, table in scores.items()
            for channel, score in enumerate(table[:, number])
            if score >= LEAST
        ]
        hits.sort(key=lambda hit: -hit["score"])
        search.hits = hits[:HITS]
        search.message = (
            f"IoU of where a unit fires (its top 1 %) with {search.part} in {N_IMAGES} drawn pictures"
            if hits
            else f"no unit covers a {search.part} (all below {LEAST} IoU)"
        )
        selection = self._explorer.selection
        if selection.channel is not None:
            search.mark(selection.layer, selection.channel)


def _measure(network, layers):
    """Runs in a thread."""
    town = Toytown("test").batch(range(N_IMAGES))
    x = torch.cat([network.read(image) for image in town.image])
    masks = torch.from_numpy(_resized(network, town.part_mask))
    return part_iou(network, x, masks, layers, n_parts=len(PARTS), step=2)


def _resized(network, masks):
    """Masks, resized and cropped as the network's preprocessing does it with their pictures."""
    if masks.shape[1:] == network.input_size:
        return masks
    if not isinstance(network.preprocess, Preprocess):
        raise InputError(
            "parts are known for pictures that are resized and cropped only: give the network a Preprocess, "
            "cnnwidgets.wrap(module, preprocess=Preprocess(...))"
        )
    nearest = replace(network.preprocess, interpolation="nearest")  # numbers of parts must not be mixed
    pictures = (nearest.picture(Image.fromarray(mask).convert("RGB")) for mask in masks)
    return np.stack([np.asarray(picture.convert("L")) for picture in pictures])
