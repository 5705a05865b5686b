"""The nine patches of pictures that fire a unit most, beside the image that was made for it."""

from functools import partial
from typing import Any, NamedTuple

import torch

from ..core import InputError, cut_patch
from ..widgets import PictureRows
from .pictures_seen import PicturesSeen
from .toytown_patches import SOURCE, bundled_patches
from .unit_shown import shown_patches, told

MOST = 9
BEYOND = 128  # grey level of what the unit sees beyond the border of a picture


class Nine(NamedTuple):
    """Patches of a unit, cut out, or why there are none."""

    unit: tuple
    tiles: list
    message: str


class NinePatches:
    """Patches of the units of one network at a time, as a scan has found them.

    Parameters
    ----------
    patches : Patches or None
        Of the network that is shown first; the scan that comes with the bundled networks if not given.

    Attributes
    ----------
    widget : PictureRows
    found : Patches or None
        None where there is no scan.
    """

    def __init__(self, patches=None):
        self._given = patches
        self.found, self._seen = None, None
        self.widget = PictureRows(can_count=False, size=72, layout={"width": "262px", "max_width": "100%"})

    def begin(self, network):
        """Another network."""
        self.found = self._given if self._given is not None else bundled_patches(network)
        self._source = SOURCE if self._given is None else "a scan of yours"
        self._given = None
        self._seen = PicturesSeen(network)

    def maxima(self, layer):
        """The strongest activation of each channel of a layer; nothing where it was not scanned."""
        return self.found.maxima(layer) if self.is_scanned(layer) else ()

    def is_scanned(self, layer):
        """Whether there are patches of a layer."""
        return self.found is not None and any(each.name == layer for each in self.found.layers)

    def look(self, layer, channel):
        """A function, for a thread, that gives the patches of a unit of the present network."""
        return partial(_nine, self.found, self._seen, layer, channel)

    def show(self, nine: Any):
        """On the loop."""
        title = f"strongest in {self._source}" if nine.tiles else "strongest patches"
        row = {"key": "nine", "title": title, "tiles": nine.tiles}
        self.widget.error = ""
        self.widget.show([row | {"message": nine.message}])

    def close(self):
        """Keep nothing."""
        self.found = self._seen = self._given = None


def _nine(found, seen, layer, channel):
    unit = layer, channel
    if found is None:
        return Nine(unit, [], "no scan of this network: PatchExplorer makes one")
    known = [each.name for each in found.layers]
    if layer not in known:
        return Nine(unit, [], f"{layer} was not scanned, only {', '.join(known)}")
    try:
        tiles = [_tile(found, seen, patch) for patch in shown_patches(found[unit], "strongest")[:MOST]]
    except InputError as error:  # its pictures are not at hand
        return Nine(unit, [], str(error))
    return Nine(unit, tiles, told(found[unit]))


def _tile(found, seen, patch):
    picture = torch.from_numpy(seen.picture(found, patch.image)).movedim(-1, 0)
    pixels, inside = cut_patch(picture.float(), patch.box, patch.seen)
    pixels[:, ~inside] = BEYOND
    return {
        "picture": pixels.byte().movedim(0, -1).contiguous().numpy(),
        "value": float(patch.value),
        "source": patch.source,
    }
