"""One picture of the student's: where a unit fires in it, and the ways back from there to its pixels."""

from collections import OrderedDict
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
import torch

from ..core import LayerInfo, capture
from ..widgets import HeatMap, ImagePicker, TileBlocks
from .alone import alone
from .explanations import state_of
from .gallery import suited_samples
from .latest import Latest
from .ways_back import NOTES, WaysBack

KEPT = 16
WHOLE, NEURON = "whole feature map", "one neuron"


class Request(NamedTuple):
    """Everything that the images depend on."""

    network: Any
    image: Any
    layer: str
    channel: int | None
    position: tuple[int, int] | None

    @property
    def key(self):
        """For looking it up; the caller keeps the network and the image alive."""
        return id(self.network), id(self.image), *self[2:]


class Seen(NamedTuple):
    """What a unit does in a picture, and the images of it as far as they are there."""

    request: Request  # with the channel and the position filled in
    x: Any
    picture: Any
    layer: LayerInfo  # whose activations these are: the ReLU after the one chosen, if there is one
    values: np.ndarray  # (h, w), or (1, 1)
    ways: WaysBack


class DeconvPicture:
    """The second page of a `DeconvExplorer`: any picture, the map of the unit, the way back from all of it or
    from one of its neurons. Nothing is computed while it is not open.

    Parameters
    ----------
    explorer : DeconvExplorer
        Has a selection.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.
    """

    def __init__(self, explorer, samples=None):
        self._explorer = explorer
        selection = explorer.selection
        self.images = ImagePicker(suited_samples(selection.network) if samples is None else samples)
        self.heat = HeatMap(unit="activation", width=200, layout={"flex": "0 0 auto"})
        self.start = ipywidgets.ToggleButtons(
            options=[WHOLE, NEURON],
            tooltips=["go back from all of its activations", "go back from one: click a place of the map"],
            style={"button_width": "auto"},
        )
        self.blocks = TileBlocks(heading="picture", notes={"picture": "what the network sees"} | NOTES)
        start = ipywidgets.HBox([ipywidgets.HTML("go back from"), self.start], layout={"grid_gap": "0 12px"})
        side = ipywidgets.VBox([self.images, start], layout={"flex": "1 1 400px", "min_width": "260px"})
        wrap = {"flex_flow": "row wrap", "grid_gap": "0 18px"}
        top = ipywidgets.HBox([side, self.heat], layout=wrap)
        top.add_class("cw-explorer-top")
        self.box = ipywidgets.VBox([top, self.blocks])
        self._latest = Latest(self.blocks.show_error)
        self._is_open = False
        self._asked = None
        self._shown = None  # the Seen that is on the screen
        self._kept = OrderedDict()
        self._state = None  # of the weights that they are of
        if selection.image is None:
            selection.image = self.images.image
        else:
            self.images.image = selection.image
        for widget, name in ((self.images, "image"), (self.heat, "position")):
            explorer.tell_selection(widget, name)
        self.start.observe(self._other_start, "value")
        explorer.watch(self._show_image, "image")
        explorer.watch(self.update, "image", "channel", "position")

    @property
    def is_open(self):
        """Whether it is looked at; set by the explorer."""
        return self._is_open

    @is_open.setter
    def is_open(self, is_open):
        self._is_open = is_open
        if is_open:
            self.update()

    def widgets(self):
        """The widgets that describe what they show."""
        return [self.images, self.heat, self.blocks]

    async def done(self):
        """Wait until everything that was asked for is computed and shown."""
        await self._latest.done()

    def close(self):
        """Stop all work, and free what it holds; the explorer closes the widgets."""
        self._latest.close()
        self._asked = self._shown = None
        self._kept.clear()

    # What the selection says:

    def _show_image(self, change=None):
        with self._explorer.quiet():
            self.images.image = self._explorer.selection.image

    @alone
    def _other_start(self, change):
        if self._explorer._is_quiet or self._explorer.selection is None:
            return
        chosen = self._explorer.selection
        if change.new == WHOLE:
            chosen.position = None
        elif chosen.position is None and self._shown is not None:
            chosen.position = _strongest(self._shown.values)

    @alone
    def update(self, change=None):
        """Show what the selection says, if anyone looks; the explorer asks for another network or layer."""
        chosen = self._explorer.selection
        if not self._is_open or chosen.image is None or self._explorer.is_choosing:
            return
        request = Request(chosen.network, chosen.image, chosen.layer, chosen.channel, chosen.position)
        if self._asked is not None and request.key == self._asked.key:
            return  # another network changes its layer, and that its channel: one request for all
        self._asked = request
        self._latest.submit(lambda: self._look(request), self._apply)

    # Computing, in a thread:

    def _look(self, request):
        state = state_of(request.network.module)
        if state != self._state:  # it has learned since
            self._kept.clear()
            self._state = state
        found = self._kept.get(request.key)
        if found is None:
            found = self._seen(request)
        found.ways.go_on()
        return request, found

    def _seen(self, request):
        network, image, name, channel, position = request
        info = network.layer(name)
        last = self._shown
        is_same = last is not None and last.request.network is network and last.request.image is image
        x = last.x if is_same else network.read(image)
        info, maps = _feature_maps(network, info, x)
        if channel is None:
            channel = int(np.nan_to_num(maps.reshape(len(maps), -1).max(1), nan=-np.inf).argmax())
        values = np.atleast_2d(maps[channel])
        if position is not None and not (
            info.is_spatial and position[0] < values.shape[0] and position[1] < values.shape[1]
        ):
            position = None
        ways = WaysBack(network, info, channel, x, None if position is None else [position])
        filled = request._replace(channel=channel, position=position)
        picture = last.picture if is_same else network.picture(image)
        return Seen(filled, x, picture, info, values, ways)

    @alone
    def _apply(self, result):
        request, found = result
        if not self._is_open or self._asked is None or request.key != self._asked.key:
            return  # stale: what is chosen now is on its way
        self._keep(request, found)
        if self._shown is found:
            for name, images in found.ways.images.items():
                self.blocks.fill(name, images)
        else:
            self._show(found)
        if not found.ways.is_complete:
            self._latest.submit(lambda: self._look(request), self._apply)

    def _keep(self, request, found):
        for key in (request.key, found.request.key):
            self._kept[key] = found
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _show(self, found):
        _, _, name, channel, position = found.request
        info = found.layer
        field = info.receptive_field
        self._shown, self._asked = found, found.request
        title = f"{name} · channel {channel}"
        described = {"picture": found.picture, "value": float(found.values.max()), "source": title}
        if position is not None:
            described["value"] = float(found.values[position])
            described["source"] = f"{title} · row {position[0]}, column {position[1]}"
            if field is not None and not field.whole_image:
                size = found.picture.height, found.picture.width
                described |= {"box": field.box(*position), "seen": field.clipped(*position, size)}
        is_map = info.is_spatial
        with self._explorer.quiet(), self.heat.hold_sync(), self.blocks.hold_sync():
            self.start.value = WHOLE if position is None else NEURON
            self.start.disabled = not is_map
            self.heat.layout.display = None if is_map else "none"
            self.heat.title = title
            self.heat.note = "" if info.name == name else f"after its ReLU, {info.name}"
            self.heat.image = found.picture
            self.heat.colormap = "RdBu_r" if np.nanmin(found.values) < 0 else "viridis"
            if is_map:
                self.heat.show(found.values, *_centres(field, found.values.shape, found.picture))
                self.heat.position = position
            self.blocks.message = "" if np.any(found.values > 0) else "it does not fire in this picture"
            self.blocks.show([described], found.ways.images, title=title)
            self.blocks.error = ""
        selection = self._explorer.selection
        if selection.channel is None:
            selection.channel = channel
        if selection.position is not None and position is None:
            selection.position = None


def _feature_maps(network, info, x):
    """The activations of a layer, (K, h, w) or (K,); those after the ReLU that follows it, as in the papers.

    Before it, what is negative would be passed down as well, and hide what fires.
    """
    names = [each.name for each in network.layers]
    following = network.layers[names.index(info.name) + 1 :][:1]
    following = [each for each in following if each.kind == "ReLU" and each.output_shape == info.output_shape]
    layers = [info, *following]
    maps = capture(network.module, x, [each.name for each in layers])
    found = [maps[each.name][0] for each in layers]
    if following and torch.equal(found[1], found[0].clamp(min=0)):
        info, values = following[0], found[1]
    else:
        values = found[0]
    values = values.movedim(-1, 0) if info.channels_last else values
    return info, values.float().cpu().numpy()


def _strongest(values):
    place = np.unravel_index(np.nan_to_num(values, nan=-np.inf).argmax(), values.shape)
    return tuple(int(each) for each in place)


def _centres(field, shape, picture):
    """Rows and columns of the picture that neurons look at; none where that is not known."""
    if field is None or field.whole_image or 0 in field.stride:
        return None, None
    sides = zip(field.stride, field.padding, field.size, shape, (picture.height, picture.width), strict=True)
    found = [(np.arange(n) * step - out + (size - 1) / 2, length) for step, out, size, n, length in sides]
    if any(at[0] < 0 or at[-1] > length - 1 for at, length in found):
        return None, None
    return [at.tolist() for at, _ in found]
