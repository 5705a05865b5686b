"""What a unit looks for: the patches that fire it, out of thousands of pictures."""

from collections import OrderedDict
from html import escape
from types import SimpleNamespace

import ipywidgets
import numpy as np
import torch

from ..core import InputError, PatchScan, average_patch, capture, cut_patch
from ..core.images import Indexed, images_of
from ..widgets import LayerPicker, NeuronSlider, PatchGrid, ScanControl, UnitSearch
from .base import Explorer
from .latest import Latest
from .part_search import PartSearch
from .scan_runner import ScanRunner
from .toytown_patches import SOURCE, ComeAlong, bundled_patches, scannable

KEPT_PICTURES = 600


class PatchExplorer(Explorer):
    """Pick a layer and a channel, and see the patches of thousands of pictures that fire it most.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    images : anything that ``cnnwidgets.core.max_activating_patches`` takes, optional
        Scanned at once; if not given, the 5,000 Toytown pictures whose scan comes with the bundled networks,
        and for another network a few hundred pictures that come with this package.
    layer : str, optional
        The last convolution if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of network and layer.
    patches : Patches, optional
        A scan of this network that you have made or loaded, with its images; instead of ``images``.
    layers : list of str, optional
        Layers to scan; all with weights if not given, of a very deep network one for each size of map.

    Attributes
    ----------
    patches : Patches
        What is shown.
    scan, layers, search, slider, grid : widgets
        The `ScanControl`, `LayerPicker`, `UnitSearch`, `NeuronSlider` and `PatchGrid` inside.
    selection : Selection
        All choices; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = PatchExplorer("toynet", layer="conv3")
    >>> explorer.selection.channel = 5
    >>> len(explorer.patches["conv3", 5].strongest), explorer.patches.n_images
    (9, 5000)
    """

    def __init__(
        self,
        network=None,
        images=None,
        layer=None,
        selection=None,
        patches=None,
        layers=None,
        **traits,
    ):
        super().__init__(network, None, layer, selection, **traits)
        if images is not None and patches is not None:
            raise TypeError("give either images to scan, or patches that were found before")
        self.title = ipywidgets.HTML()
        self.scan = ScanControl()
        self.layers = LayerPicker()
        self.search = UnitSearch()
        self.slider = NeuronSlider(measure="strongest activation")
        self.grid = PatchGrid()
        self.children = [self.title, self.scan, self.layers, self.search, self.slider, self.grid]

        self._asked_layers = layers
        self._network = None  # whose patches are shown
        self._home = None  # patches to go back to, and what they are of
        self._pictures = OrderedDict()  # of the images shown last
        self._maps = Latest(self.show_error)
        self._parts = PartSearch(self)
        self._runner = ScanRunner(self)
        self.patches = None

        for widget, name in ((self.layers, "layer"), (self.slider, "channel")):
            self.tell_selection(widget, name)
        self.watch(self._other_network, "network")
        self.watch(self._show_layer, "layer")
        self.watch(self._show_unit, "channel")
        self.grid.observe(lambda change: self._show_unit(), "which")
        self.grid.observe(self._show_map, "chosen")
        self.search.observe(self._choose_hit, "chosen")
        self.scan.on_start(self._scan_own)
        self.scan.on_reset(self._go_home)
        self._is_new = True
        self._begin(images, patches)
        self._is_new = False

    def show_error(self, error):
        """Show an exception above the patches."""
        self.grid.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._runner.done()
        await self._parts.done()
        await super().done()
        await self._maps.done()

    # Which patches:

    def _begin(self, images=None, patches=None):
        """Show the patches of the selection's network, or scan for them."""
        network = self._network = self.selection.network
        note = f" <span class='cw-note'>{escape(network.note)}</span>" if network.note else ""
        self.title.value = f"<b>{escape(network.title)}</b>{note}"
        self._parts.forget()
        if patches is not None:
            self._settle(patches, f"{patches.n_images:,} pictures")
        elif images is not None:
            given = images_of(network, images)
            many = f"{len(given):,} pictures" if given.can_read_again else "your pictures"
            self._search_for(given, many)
        elif (found := bundled_patches(network)) is not None:
            self._settle(found, SOURCE)
        else:
            self._search_for(images_of(network, ComeAlong()), "the pictures that come along")

    def _settle(self, patches, source):
        """Patches to come back to."""
        self._home = patches, source
        self.scan.home = source
        self.scan.source = source
        self.show(patches)

    def _other_network(self, change=None):
        if self.selection.network is not self._network:
            self._runner.stop()
            self._begin()

    def _scan_own(self, pictures):
        """What ``ScanControl`` asks for: a folder, or files from the browser."""
        network = self._network
        if isinstance(pictures, dict):
            found = Indexed(list(pictures.values()), network.read, list(pictures), forgiving=True)
            name = f"{len(found):,} pictures of yours"
        else:
            found = images_of(network, pictures)
            name = f"{len(found):,} pictures in {pictures}"
        self._runner.start(PatchScan(network, found, self._scanned_layers()), name)

    def _search_for(self, images, name):
        self._runner.start(PatchScan(self._network, images, self._scanned_layers()), name, is_home=True)

    def _scanned_layers(self):
        return list(self._asked_layers or scannable(self._network))

    def _go_home(self):
        self._runner.stop()
        if self._home is not None:
            self._settle(*self._home)

    def show(self, patches):
        """Show these patches; the layer and channel chosen stay where they can.

        Parameters
        ----------
        patches : Patches
            Of the network that is shown, with its images.
        """
        self.patches = patches
        known = [self._network.layer(layer.name) for layer in patches.layers]
        if self.layers.layers != known:
            with self.quiet(), self.layers.hold_sync(), self.layers.hold_trait_notifications():
                self.layers.layers = known
                self.layers.layer = self._layer() or known[-1].name
            self._parts.offer([layer.name for layer in known if layer.is_spatial])
        self._show_layer()

    # What the selection says, in the widgets:

    def _layer(self):
        """The chosen layer if it was scanned."""
        name = self.selection.layer
        scanned = self.patches is not None and any(name == layer.name for layer in self.patches.layers)
        return name if scanned else None

    def _show_layer(self, change=None):
        if self.selection.network is not self._network:  # its patches come next
            return
        layer = self._layer()
        if layer is None:
            if self.patches is not None:
                with self.quiet():
                    self._shown = ()
                    self.grid.show([], title=self.selection.layer)
                    self.grid.set_histogram(None)
                    self.grid.set_average(None)
                    self.grid.message = (
                        f"{self.selection.layer} was not scanned: choose one of the layers above, or "
                        f"PatchExplorer(..., layers=[{self.selection.layer!r}])"
                    )
            return
        maxima = self.patches.maxima(layer)
        with self.quiet(), self.slider.hold_sync():
            self.layers.layer = layer
            self.slider.strengths = maxima
            channel = self.selection.channel
            if channel is None:
                channel = 0 if np.isnan(maxima).all() else int(np.nanargmax(maxima))
            self.slider.channel = channel
        if self.selection.channel == channel:
            self._show_unit()
        else:
            self.selection.channel = channel

    def _show_unit(self, change=None):
        layer, channel = self._layer(), self.selection.channel
        if layer is None or channel is None or self.selection.network is not self._network:
            return
        self.slider.channel = channel
        self.search.mark(layer, channel)
        patches, which = self.patches, self.grid.which
        if self._is_new:  # there when the cell ends, so that a saved notebook has a picture
            self._apply_unit(self._read(patches, patches[layer, channel], which))
            return
        self._latest.submit(lambda: self._read(patches, patches[layer, channel], which), self._apply_unit)

    def _show_map(self, change):
        index = change.new
        if index is None or not 0 <= index < len(self._shown):
            return
        unit, patch = self._unit, self._shown[index]
        patches, module = self.patches, self._network.module

        def work():
            maps = capture(module, patches.tensor(patch.image)[None], unit.layer.name)[unit.layer.name][0]
            maps = maps.movedim(-1, 0) if unit.layer.channels_last else maps
            values = maps[unit.channel].float().cpu().numpy()
            return unit, patch, index, np.atleast_2d(values)

        self._maps.submit(work, self._apply_map)

    def _choose_hit(self, change):
        hit = change.new
        if hit is None:
            return
        chosen = self.selection
        with chosen.hold_trait_notifications():
            if chosen.layer != hit["layer"]:
                chosen.layer = hit["layer"]
        chosen.channel = hit["channel"]

    # Computing:

    _unit, _shown = None, ()

    def _read(self, found, unit, which):
        """Runs in a thread: the pictures of a unit's patches, and their average."""
        patches = [] if _is_silent(unit) else unit.patches(which)
        pictures = [self._picture(found, patch.image) for patch in patches]
        average = None
        if patches:
            cut = (
                cut_patch(torch.from_numpy(picture).movedim(-1, 0).float(), patch.box, patch.seen)
                for picture, patch in zip(pictures, patches, strict=True)
            )
            mean, n = average_patch(cut)
            mean[:, n == 0] = 235
            average = mean.round().byte().movedim(0, -1).numpy()
        return unit, which, patches, pictures, average

    def _picture(self, patches, image):
        """What the network sees of an image, as uint8 (H, W, 3)."""
        place = patches.images, image
        if place in self._pictures:
            self._pictures.move_to_end(place)
            return self._pictures[place]
        network = self._network
        try:
            pixels = network.to_image(patches.tensor(image))
        except InputError:  # a preprocessing that cannot be undone
            pixels = np.asarray(network.picture(patches.images.item(image)).convert("RGB"))
        self._pictures[place] = pixels
        while len(self._pictures) > KEPT_PICTURES:
            self._pictures.popitem(last=False)
        return pixels

    def _apply_unit(self, result):
        unit, which, patches, pictures, average = result
        if which != self.grid.which or (unit.layer.name, unit.channel) != (
            self.selection.layer,
            self.selection.channel,
        ):
            return  # stale: what is chosen now is on its way
        counts, edges = unit.histogram
        name = f"{unit.layer.name} · channel {unit.channel}"
        # during a scan, what has not changed stays, with the map that may lie over it
        is_new = patches != self._shown or name != self.grid.title
        self._unit, self._shown = unit, patches
        shown = [
            SimpleNamespace(
                picture=picture,
                box=patch.box,
                seen=patch.seen,
                value=patch.value,
                source=patch.source,
                note=_note(patch),
            )
            for patch, picture in zip(patches, pictures, strict=True)
        ]
        with self.quiet(), self.grid.hold_sync():
            if is_new:
                self.grid.show(shown, title=name)
            self.grid.message = _told(unit)
            if len(counts):
                self.grid.set_histogram(counts, edges, n_silent=int(counts.sum()) - unit.n_firing)
            else:
                self.grid.set_histogram(None)
            self.grid.set_average(average, f"average of these {len(patches)}")
            self.grid.error = ""

    def _apply_map(self, result):
        unit, patch, index, values = result
        if self._unit is unit and self.grid.chosen == index:
            self.grid.show_map(index, values, cell=patch.position)

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        self._runner.stop()
        self._parts.close()
        self._maps.close()
        super().close()
        self._pictures.clear()
        self.patches = self._home = self._unit = None
        self._shown = ()


def _is_silent(unit):
    """Whether its map is flat in every image, as after a ReLU that never opens: there is no place to show."""
    best = unit.strongest
    return not unit.n_firing and bool(best) and all(patch.value == 0 for patch in best)


def _told(unit):
    """What there is to say of a unit that does not simply fire, in a line."""
    told = []
    n = f"{unit.n_images:,} images"
    if not unit.n_firing and _is_silent(unit):
        told.append(f"never fires in {n}: its map is zero everywhere")
    elif not unit.n_firing:
        told.append(f"never fires in {n} (is never above zero); these come nearest")
    if unit.n_not_finite:
        told.append(f"NaN or infinite in {unit.n_not_finite:,} of {n}, which count for nothing")
    return "; ".join(told)


def _note(patch):
    if patch.tied == 1:
        return ""
    others = patch.tied - 1
    return f"as strong at {others:,} other place{'s' if others > 1 else ''}"
