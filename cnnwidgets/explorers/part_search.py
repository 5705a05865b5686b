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
        self._latest = Latest(self._show_error)
        self._measured = None  # what was asked for, and the scores
        self._layers = []
        explorer.search.observe(self._answer, "part")

    def offer(self, layers):
        """Offer the parts for these layers."""
        if list(layers) == self._layers:
            return
        self._layers = list(layers)
        search = self._explorer.search
        search.parts = [part for part in PARTS if part not in ("background", "tag")] if layers else []
        self._answer()

    def forget(self):
        """Another network has come."""
        self._measured, self._layers = None, []
        with self._explorer.search.hold_sync():
            self._explorer.search.part = self._explorer.search.error = ""

    async def done(self):
        """Wait until the hits are shown."""
        await self._latest.done()

    def close(self):
        """Stop all work."""
        self._latest.close()
        self._measured = None

    def _asked(self):
        """Whose scores are wanted."""
        return self._explorer.selection.network, self._layers

    def _answer(self, change=None):
        search, asked = self._explorer.search, self._asked()
        if not search.part:
            search.hits = []
            search.message = ""
            return
        if self._measured is None or self._measured[0] != asked:
            search.hits = []
            search.message = f"measuring all units on {N_IMAGES} drawn pictures whose parts are known …"
        self._latest.submit(lambda: self._look(asked), self._apply)

    def _look(self, asked):
        """Runs in a thread, once for whatever parts are chosen meanwhile."""
        measured = self._measured
        if measured is None or measured[0] != asked:
            measured = self._measured = asked, _measure(*asked)
        return measured

    def _apply(self, measured):
        if measured[0] != self._asked():
            return  # of a network that is gone
        search, scores = self._explorer.search, measured[1]
        if not search.part:  # chosen, and given up while the units were measured
            return
        number = PARTS.index(search.part)
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

    def _show_error(self, error):
        search = self._explorer.search
        with search.hold_sync():
            search.part = search.message = ""
            search.show_error(error)


def _measure(network, layers):
    """Runs in a thread."""
    town = Toytown("test").batch(range(N_IMAGES))
    masks = torch.from_numpy(_resized(network, town.part_mask, town.image[0]))
    x = torch.cat([network.read(image) for image in town.image])
    return part_iou(network, x, masks, layers, n_parts=len(PARTS), step=2)


def _resized(network, masks, image):
    """Masks, resized and cropped as the network's preprocessing does it with their pictures."""
    if isinstance(network.preprocess, Preprocess):
        nearest = replace(network.preprocess, interpolation="nearest")  # numbers of parts must not be mixed
        pictures = (nearest.picture(Image.fromarray(mask).convert("RGB")) for mask in masks)
        return np.stack([np.asarray(picture.convert("L")) for picture in pictures])
    seen = np.asarray(network.picture(image).convert("RGB")) if network.preprocess.undoable else None
    if seen is not None and seen.shape == image.shape and np.abs(seen - image.astype(float)).max() <= 1:
        return masks  # it leaves every pixel where it is
    raise InputError(
        "parts are known for pictures that are resized and cropped only: give the network a Preprocess, "
        "cnnwidgets.wrap(module, preprocess=Preprocess(...))"
    )
