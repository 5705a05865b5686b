"""What goes back from a unit to the pixels: DeconvNet and guided backpropagation beside its patches."""

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any, NamedTuple

import ipywidgets
import torch

from ..widgets import TileBlocks
from ..widgets.patch_grid import VIEWS
from .alone import alone
from .deconv_picture import DeconvPicture
from .explanations import state_of
from .unit_explorer import UnitExplorer
from .unit_shown import note, shown_patches, told
from .ways_back import NOTES, SOON, WaysBack

MOST = 9
KEPT = 24
"""Units whose images are kept."""

PATIENCE = 2
"""Seconds that the cell which makes an explorer waits for images at most, one rule aside."""

HEADINGS = {"strongest": "strongest patches", "weakest": "weakest patches", "sample": "random patches"}


class Shown(NamedTuple):
    """The patches of a unit, and the images of them as far as they are there."""

    key: tuple
    unit: Any
    patches: list
    pictures: list
    ways: WaysBack


class DeconvExplorer(UnitExplorer):
    """Nine patches of a unit, and what goes back from the unit to the pixels of each of them.

    Beside the patches: DeconvNet, guided backpropagation and the gradient of the neuron that fired, cut as
    the patches are. They differ only in what a ReLU does on the way back. On the second page the same for a
    picture of your own, and of a whole feature map.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    images : anything that ``cnnwidgets.core.max_activating_patches`` takes, optional
        Scanned at once for patches; if not given, the 5,000 Toytown pictures whose scan comes with the
        bundled networks, and for another network a few hundred pictures that come with this package.
    layer : str, optional
        The last convolution if not given; the last of ``layers`` or of the layers in ``patches``, if given.
    selection : Selection, optional
        Share the choices of another explorer; instead of network, image and layer.
    patches : Patches, optional
        A scan of this network that you have made or loaded, with its images; instead of ``images``.
    layers : list of str, optional
        Layers to scan; all with weights if not given, of a very deep network one for each size of map.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The picture of the second page; the first sample if not given.
    samples : mapping of name to picture, optional
        The gallery of the second page; the samples that come with the package if not given.

    Raises
    ------
    InputError
        If there are no such images, or the patches are those of another network.
    LayerError
        For a layer that the network does not have.

    Attributes
    ----------
    blocks : TileBlocks
        The patches and their images.
    picture_page : DeconvPicture
        The second page, with its widgets ``images``, ``heat``, ``start`` and ``blocks``.
    pages : ipywidgets.Tab
        ``pages.selected_index = 1`` opens the second page.
    scan, layers, search, slider : widgets
        The `ScanControl`, `LayerPicker`, `UnitSearch` and `NeuronSlider` inside.
    patches : Patches
        What the scan found.
    selection : Selection
        All choices; observe or set them. With a ``position`` the second page goes back from that neuron, else
        from the whole feature map.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = DeconvExplorer("toynet", layer="conv3")
    >>> explorer.selection.channel = 5
    >>> explorer.blocks.names
    ['DeconvNet', 'guided backprop', 'gradient']
    """

    _arguments = "network, images, layer, selection, patches, layers, image or samples"

    def __init__(
        self,
        network=None,
        images=None,
        layer=None,
        selection=None,
        patches=None,
        layers=None,
        image=None,
        samples=None,
        **traits,
    ):
        self._samples = samples
        own = {"images": images, "patches": patches, "layers": layers}
        super().__init__(network, image, layer, selection, **own, **traits)

    def _build(self):
        self.blocks = TileBlocks(views=list(VIEWS), heading=HEADINGS["strongest"], notes=NOTES)
        self.picture_page = DeconvPicture(self, self._samples)
        self.pages = ipywidgets.Tab(
            [ipywidgets.VBox([self.blocks, self.scan]), self.picture_page.box],
            titles=["patches", "a picture of yours"],
        )
        row = ipywidgets.HBox(
            [self.layers, self.search], layout={"flex_flow": "row wrap", "grid_gap": "0 40px"}
        )
        self.children = [self.title, row, self.slider, self.pages]
        self._state = None  # of the weights that what is kept is of
        self._kept = OrderedDict()
        self._shown = None  # what is on the screen
        self.blocks.observe(lambda change: self._show_unit(), "which")
        self.pages.observe(self._other_page, "selected_index")

    def show_error(self, error):
        """Show an exception above the tiles."""
        self.blocks.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await super().done()
        await self.picture_page.done()

    @alone
    def _other_page(self, change):
        if self.selection is None:
            return
        self.picture_page.is_open = change.new == 1
        if not self.picture_page.is_open:
            self._show_unit()

    def _described(self):
        """Without the page that is not open."""
        page = self.picture_page
        hidden = [self.scan, self.blocks] if page.is_open else page.widgets()
        return [widget for widget in super()._described() if widget not in hidden]

    # The patches and their images:

    def _show_nothing(self, message=""):
        self._shown = None
        with self.blocks.hold_sync():
            self.blocks.show([], title=self.selection.layer)
            self.blocks.message = message
        self.picture_page.update()

    def _show_patches_of(self, layer, channel):
        self.picture_page.update()
        if self.picture_page.is_open:  # what nobody looks at comes when the page is opened again
            return
        request = self._network, self.patches, self._pictures, self.blocks.which, layer, channel
        if self._is_new:  # there when the cell ends, so that a saved notebook has a picture
            try:
                self._apply(self._look(request, PATIENCE))
            except Exception as error:
                self.show_error(error)
            return
        self._latest.submit(lambda: self._look(request), self._apply)

    def _look(self, request, seconds=SOON):
        """Runs in a thread: touches no widget and no trait."""
        network, found, seen, which, layer, channel = request
        state = state_of(network.module)
        if state != self._state:  # it has learned since
            self._kept.clear()
            self._state = state
        unit = found[layer, channel]
        patches = shown_patches(unit, which)[:MOST]
        # during a scan the same patches come again and again
        key = found.images, which, layer, channel, tuple(patches)
        shown = self._kept.get(key)
        if shown is None:
            both = [seen.both(found, patch.image) for patch in patches]
            x = torch.stack([x for x, _ in both]) if both else torch.empty(0, *found.input_shape)
            positions = [patch.position for patch in patches]
            ways = WaysBack(network, network.layer(layer), channel, x, positions)
            shown = Shown(key, unit, patches, [picture for _, picture in both], ways)
        shown = self._kept[key] = shown._replace(unit=unit)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        shown.ways.go_on(seconds)
        return request, shown

    @alone
    def _apply(self, result):
        request, shown = result
        wanted = self.patches is not None and (
            self.patches.images,
            self.blocks.which,
            self.selection.layer,
            self.selection.channel,
        )
        if shown.key[:4] != wanted:
            return  # stale: what is chosen now is on its way
        before, self._shown = self._shown, shown
        with self.quiet(), self.blocks.hold_sync():
            if before is None or before.key != shown.key:
                self._show(shown)
            elif not self.blocks.is_complete:
                for name, images in shown.ways.images.items():
                    self.blocks.fill(name, images)
            self.blocks.message = told(shown.unit)
            self.blocks.error = ""
        if not shown.ways.is_complete:
            self._latest.submit(lambda: self._look(request), self._apply)

    def _show(self, shown):
        unit = shown.unit
        tiles = [
            SimpleNamespace(
                picture=picture,
                box=patch.box,
                seen=patch.seen,
                value=patch.value,
                source=patch.source,
                note=note(patch),
            )
            for patch, picture in zip(shown.patches, shown.pictures, strict=True)
        ]
        self.blocks.heading = HEADINGS[self.blocks.which]
        self.blocks.show(tiles, shown.ways.images, title=f"{unit.layer.name} · channel {unit.channel}")

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        self.picture_page.close()
        super().close()
        self._kept.clear()
        self._shown = self._samples = None
