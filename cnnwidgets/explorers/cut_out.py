"""The object of a picture, cut out along its edges beginning at a map, and how near it is to the truth."""

from typing import NamedTuple

import ipywidgets
import numpy as np

from ..core import InputError, iou, segment
from ..core.segmentation import seeds
from ..widgets import HeatMap
from .explanations import two_dimensional
from .toytown_truth import as_seen, true_mask

SEEDS = ["object: largest 5 %", "around: smallest 30 %"]
FOUND = ["found", "missed", "too much"]


class Cut(NamedTuple):
    """Index of a name for each pixel, NaN for none; None and a reason where nothing could be cut out."""

    picture: object
    seeds: object
    found: object
    note: str


class CutOut(ipywidgets.HBox):
    """Two small maps: where the cut began, and what was found.

    Attributes
    ----------
    seeds, found : HeatMap
    """

    def __init__(self):
        self.seeds = HeatMap(names=SEEDS, opacity=0.6, width=230, shares=False)
        self.found = HeatMap(names=FOUND, opacity=0.6, width=230, shares=False)
        layout = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 18px", display="none")
        super().__init__([self.seeds, self.found], layout=layout)

    def show(self, cut, method):
        """Show a cut that began at the map of a method."""
        for heat, values, title, note in (
            (self.seeds, cut.seeds, f"Begins at the {method} map", ""),
            (self.found, cut.found, "Found by GrabCut", cut.note),
        ):
            with heat.hold_sync():
                heat.title, heat.note, heat.image = title, note, cut.picture
                if values is None:
                    heat.clear()
                else:
                    heat.show(values, known=np.ones(values.shape, bool))
        self.layout.display = None

    def hide(self):
        """Take it away, until another cut is shown."""
        self.layout.display = "none"


def cut_out(network, image, picture, values, truth=None):
    """Cut the object out of a picture; runs in a thread.

    Parameters
    ----------
    network : Network
    image : PIL image
        As it was given.
    picture : PIL image
        What the network sees of it.
    values : ndarray of float, shape (h, w) or (C, H, W)
        The map that it begins at.
    truth : ndarray of bool, optional
        Where the object is in the image, where that is known.

    Returns
    -------
    Cut
    """
    pixels = np.asarray(picture.convert("RGB"))
    values = two_dimensional(values, pixels.shape[:2])
    try:
        mask = segment(pixels, values)
    except (InputError, ImportError) as error:
        return Cut(picture, None, None, f"nothing is cut out: {error}")
    began = np.full(mask.shape, np.nan)
    for label, where in zip((1, 0), seeds(values)[::-1], strict=True):
        began[where] = label
    found, note = np.where(mask, 0.0, np.nan), f"{mask.mean():.0%} of the picture"
    truth = true_mask(image) if truth is None else truth
    if truth is not None:
        truth = as_seen(network, truth)
        found[truth & ~mask], found[mask & ~truth] = 1, 2
        note += f" · IoU with the true mask: {iou(mask, truth):.2f}"
    return Cut(picture, began, found, note)
