"""What a unit looks for: the patches that fire it, out of thousands of pictures."""

from types import SimpleNamespace

import numpy as np

from ..core import capture
from ..widgets import PatchGrid
from .alone import alone
from .latest import Latest
from .unit_explorer import UnitExplorer
from .unit_shown import note, read_unit, told


class PatchExplorer(UnitExplorer):
    """Pick a layer and a channel, and see the patches of thousands of pictures that fire it most.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    images : anything that ``cnnwidgets.core.max_activating_patches`` takes, optional
        Scanned at once; if not given, the 5,000 Toytown pictures whose scan comes with the bundled networks,
        and for another network a few hundred pictures that come with this package.
    layer : str, optional
        The last convolution if not given; the last of ``layers`` or of the layers in ``patches``, if given.
    selection : Selection, optional
        Share the choices of another explorer; instead of network and layer.
    patches : Patches, optional
        A scan of this network that you have made or loaded, with its images; instead of ``images``.
    layers : list of str, optional
        Layers to scan; all with weights if not given, of a very deep network one for each size of map.

    Raises
    ------
    InputError
        If there are no such images, or the patches are those of another network.
    LayerError
        For a layer that the network does not have.

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

    _arguments = "network, images, layer, selection, patches or layers"

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
        own = {"images": images, "patches": patches, "layers": layers}
        super().__init__(network, layer=layer, selection=selection, **own, **traits)

    def _build(self):
        self.grid = PatchGrid()
        self.children = [self.title, self.scan, self.layers, self.search, self.slider, self.grid]
        self._maps = Latest(self.show_error)
        self._unit, self._shown = None, ()
        self.grid.observe(lambda change: self._show_unit(), "which")
        self.grid.observe(self._show_map, "chosen")

    def show_error(self, error):
        """Show an exception above the patches."""
        self.grid.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await super().done()
        await self._maps.done()

    def _show_nothing(self, message=""):
        self._unit, self._shown = None, ()
        with self.grid.hold_sync():
            self.grid.show([], title=self.selection.layer)
            self.grid.set_histogram(None)
            self.grid.set_average(None)
            self.grid.message = message

    def _show_patches_of(self, layer, channel):
        patches, pictures, which = self.patches, self._pictures, self.grid.which

        def work():
            return read_unit(patches, patches[layer, channel], which, pictures)

        if self._is_new:  # there when the cell ends, so that a saved notebook has a picture
            try:
                self._apply_unit(work())
            except Exception as error:
                self.show_error(error)
            return
        self._latest.submit(work, self._apply_unit)

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

    # What has been computed:

    @alone
    def _apply_unit(self, result):
        found, unit, which, patches, pictures, average = result
        wanted = self.patches is not None and (
            self.patches.images,
            self.grid.which,
            self.selection.layer,
            self.selection.channel,
        )
        if (found.images, which, unit.layer.name, unit.channel) != wanted:
            return  # stale: what is chosen now is on its way
        counts, edges = unit.histogram
        name = f"{unit.layer.name} · channel {unit.channel}"
        # during a scan, what has not changed stays, with the map that may lie over it
        is_new = patches != self._shown or name != self.grid.title
        clicked = self._shown[self.grid.chosen] if self.grid.chosen is not None else None
        keep = name == self.grid.title and clicked in patches
        self._unit, self._shown = unit, patches
        shown = [
            SimpleNamespace(
                picture=picture,
                box=patch.box,
                seen=patch.seen,
                value=patch.value,
                source=patch.source,
                note=note(patch),
            )
            for patch, picture in zip(patches, pictures, strict=True)
        ]
        with self.quiet(), self.grid.hold_sync():
            if is_new:
                self.grid.show(shown, title=name)
                if keep:
                    self.grid.chosen = patches.index(clicked)
            self.grid.message = told(unit)
            if len(counts):
                self.grid.set_histogram(counts, edges, n_silent=int(counts.sum()) - unit.n_firing)
            else:
                self.grid.set_histogram(None)
            self.grid.set_average(average, f"average of these {len(patches)}")
            self.grid.error = ""

    @alone
    def _apply_map(self, result):
        unit, patch, index, values = result
        same = self._unit is not None and (self._unit.layer.name, self._unit.channel) == (
            unit.layer.name,
            unit.channel,
        )
        if same and self.grid.chosen == index < len(self._shown) and self._shown[index] == patch:
            self.grid.show_map(index, values, cell=patch.position)

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        self._maps.close()
        super().close()
        self._unit, self._shown = None, ()
