"""What explorers of a unit share: a network, the patches that a scan found, a layer and a unit of it."""

import ipywidgets
import numpy as np

from ..core import InputError, PatchScan, fingerprint
from ..core.images import Indexed, images_of
from ..widgets import LayerPicker, NeuronSlider, ScanControl, UnitSearch
from .alone import alone
from .base import Explorer, headline
from .part_search import PartSearch
from .pictures_seen import PicturesSeen
from .scan_runner import ScanRunner
from .toytown_patches import SOURCE, ComeAlong, bundled_patches, scannable, scanned_town


class UnitExplorer(Explorer):
    """Pick a layer and a channel of a network, of which a scan over many pictures found the patches.

    An explorer built on it says how a unit is shown: ``_build`` makes its widgets, ``_show_patches_of`` shows
    a unit, ``_show_nothing`` shows that there is none.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        For the selection; what is scanned is `images`.
    images : anything that ``cnnwidgets.core.max_activating_patches`` takes, optional
        Scanned at once; if not given, the 5,000 Toytown pictures whose scan comes with the bundled networks,
        and for another network a few hundred pictures that come with this package.
    layer : str, optional
        The last convolution if not given; the last of ``layers`` or of the layers in ``patches``, if given.
    selection : Selection, optional
        Share the choices of another explorer; instead of network, image and layer.
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
        What the scan found, or has found so far.
    scan, layers, search, slider : widgets
        The `ScanControl`, `LayerPicker`, `UnitSearch` and `NeuronSlider` inside.
    """

    def __init__(
        self,
        network=None,
        image=None,
        layer=None,
        selection=None,
        images=None,
        patches=None,
        layers=None,
        **traits,
    ):
        if images is not None and patches is not None:
            raise TypeError("give either images to scan, or patches that were found before")
        super().__init__(network, image, layer, selection, **traits)
        self.title = ipywidgets.HTML()
        self.scan = ScanControl()
        self.layers = LayerPicker()
        self.search = UnitSearch()
        self.slider = NeuronSlider(measure="strongest activation")

        self._asked_layers = [layers] if isinstance(layers, str) else list(layers or ())
        self._network = None  # whose patches are shown
        self._home = None  # patches to go back to, and what they are of
        self._parts = PartSearch(self)
        self._runner = ScanRunner(self)
        self.patches = None
        self._build()

        for widget, name in ((self.layers, "layer"), (self.slider, "channel")):
            self.tell_selection(widget, name)
        self.watch(self._other_network, "network")
        self.watch(self._show_layer, "layer")
        self.watch(self._show_unit, "channel")
        self.search.observe(self._choose_hit, "chosen")
        self.scan.on_start(self._scan_own)
        self.scan.on_reset(self._go_home)
        self._is_new = True
        try:
            if patches is not None and patches.network != fingerprint(self.selection.network):
                raise InputError("these patches are those of another network, or of other weights: scan anew")
            scanned = self._asked_layers or [each.name for each in getattr(patches, "layers", ())]
            for name in scanned:
                self.selection.network.layer(name)
            if scanned and layer is None and selection is None:
                self.selection.layer = scanned[-1]
            self._begin(images, patches)
        except BaseException:
            self.close()
            raise
        self._is_new = False

    def _build(self):
        """Make the widgets that show a unit, and set ``children``."""
        raise NotImplementedError

    def _show_patches_of(self, layer, channel):
        """Show a unit of a scanned layer."""
        raise NotImplementedError

    def _show_nothing(self, message=""):
        """There are no patches to show, for the reason given."""
        raise NotImplementedError

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._runner.done()
        await self._parts.done()
        await super().done()

    # Which patches:

    def _begin(self, images=None, patches=None):
        """Show the patches of the selection's network, or scan for them."""
        network = self._network = self.selection.network
        self.title.value = headline(network)
        self._home = None
        self._pictures = PicturesSeen(network)
        self._parts.forget()
        if patches is not None:
            self.settle(patches, f"{patches.n_images:,} pictures")
        elif images is not None:
            self._search_for(images_of(network, images), "pictures of yours")
        elif (found := bundled_patches(network)) is None:
            self._search_for(images_of(network, ComeAlong()), "pictures that come along")
        elif {layer.name for layer in found.layers} >= set(self._layers_asked()):
            self.settle(found, SOURCE)
        else:
            self._search_for(images_of(network, scanned_town()), "Toytown pictures")

    @property
    def has_home(self):
        """Whether there are patches to go back to."""
        return self._home is not None

    @alone
    def settle(self, patches, source):
        """Show patches that there is a way back to.

        Parameters
        ----------
        patches : Patches
        source : str
            What they are of: ``"5,000 Toytown pictures"``.
        """
        self._home = patches, source
        with self.scan.hold_sync():
            self.scan.home = self.scan.source = source
        self.show(patches)

    @alone
    def _other_network(self, change=None):
        if self.selection.network is not self._network:
            self._runner.stop()
            with self.scan.hold_sync():
                self.scan.message = self.scan.error = ""
                self.scan.refused = []
            self._begin()

    def _scan_own(self, pictures):
        """What ``ScanControl`` asks for: a folder, or files from the browser."""
        network = self._network

        def make():
            if isinstance(pictures, dict):
                found = Indexed(list(pictures.values()), network.read, list(pictures), forgiving=True)
            else:
                found = images_of(network, pictures)
            return PatchScan(network, found, layers)

        layers = self._scanned_layers()
        name = "pictures of yours" if isinstance(pictures, dict) else f"pictures in {pictures}"
        self._runner.start(make, name)

    def _search_for(self, images, name):
        network, layers = self._network, self._scanned_layers()
        with self.scan.hold_sync():
            self.scan.home = self.scan.source = ""
        self._clear()
        self._runner.start(lambda: PatchScan(network, images, layers), name, is_home=True)

    def _layers_asked(self):
        """Those of the layers asked for that this network has."""
        return [layer.name for layer in self._network.layers if layer.name in self._asked_layers]

    def _scanned_layers(self):
        return self._layers_asked() or scannable(self._network)

    @alone
    def _go_home(self):
        self._runner.stop()
        if self._home is not None:
            self.settle(*self._home)

    def _clear(self):
        """Show no patches, as there are none yet of this network."""
        self.patches = None
        with self.quiet(), self.layers.hold_sync():
            self.layers.layers = []
        self._parts.offer([])
        self._show_none()

    def _show_none(self, message=""):
        """No patches of the chosen layer."""
        with self.quiet(), self.slider.hold_sync():
            self._show_nothing(message)
            self.slider.strengths = ()
            self.slider.n_channels = self._network.layer(self.selection.layer).n_channels
            self.slider.channel = self.selection.channel or 0

    @alone
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

    @property
    def is_choosing(self):
        """Whether the network has changed or the channel is still to be filled in."""
        chosen = self.selection
        return chosen.network is not self._network or (chosen.channel is None and self._layer() is not None)

    @alone
    def _show_layer(self, change=None):
        if self.selection.network is not self._network:  # its patches come next
            return
        layer = self._layer()
        if layer is None:
            if self.patches is not None:
                self._show_none(
                    f"{self.selection.layer} was not scanned: choose one of the layers above, or "
                    f"{type(self).__name__}(..., layers=[{self.selection.layer!r}])"
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

    @alone
    def _show_unit(self, change=None):
        layer, channel = self._layer(), self.selection.channel
        if layer is None or channel is None or self.selection.network is not self._network:
            return
        with self.quiet():
            self.slider.channel = channel
        self.search.mark(layer, channel)
        self._show_patches_of(layer, channel)

    @alone
    def _choose_hit(self, change):
        hit = change.new
        if hit is not None:
            self.selection.layer = hit["layer"]
            self.selection.channel = hit["channel"]

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        self._runner.stop()
        self._parts.close()
        super().close()
        self.patches = self._home = self._pictures = self._network = None
