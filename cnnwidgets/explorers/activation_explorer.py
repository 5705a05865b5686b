"""Activation maps, live: any image, any layer, any channel."""

import ipywidgets
import numpy as np

from ..core import capture
from ..widgets import ActivationGrid, ClassPicker, ImagePicker, LayerPicker, NeuronSlider
from .base import Explorer, headline
from .gallery import suited_samples


class ActivationExplorer(Explorer):
    """Pick an image, a layer and a channel, and see what each channel of the layer answers to the image.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    layer : str, optional
        The last convolution if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of the three above.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.

    Attributes
    ----------
    images, classes, layers, slider, grid : widgets
        The `ImagePicker`, `ClassPicker`, `LayerPicker`, `NeuronSlider` and `ActivationGrid` inside.
    selection : Selection
        All choices; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = ActivationExplorer("toynet", layer="conv2")
    >>> explorer.grid.n_channels, explorer.grid.map_size
    (64, (23, 23))
    >>> explorer.selection.layer = "conv5"
    """

    def __init__(self, network=None, image=None, layer=None, selection=None, samples=None, **traits):
        super().__init__(network, image, layer, selection, **traits)
        self.title = ipywidgets.HTML()
        self.images = ImagePicker(
            suited_samples(self.selection.network) if samples is None else samples,
            layout=ipywidgets.Layout(flex="1 1 420px", min_width="300px"),
        )
        self.classes = ClassPicker(layout=ipywidgets.Layout(flex="0 1 320px", min_width="220px"))
        self.layers = LayerPicker()
        self.slider = NeuronSlider(measure="strongest activation")
        self.grid = ActivationGrid()
        wrap = ipywidgets.Layout(flex_flow="row wrap")  # on a narrow page, one below the other
        top = ipywidgets.HBox([self.images, self.classes], layout=wrap)
        top.add_class("cw-explorer-top")
        self.children = [self.title, top, self.layers, self.slider, self.grid]

        self._listed = None  # network whose layers and classes are in the menus
        self._asked = None  # newest request
        self._shown = None  # network and layer of the maps on the screen
        self._input = None, None, None  # network and image that were read last, and what the network takes
        if self.selection.image is None:
            self.selection.image = self.images.image
        else:
            self.images.image = self.selection.image
        self._show_network()
        self._show_target()
        self._asked = self._request()
        self._apply(self._compute(self._asked))

        for widget, name in (
            (self.images, "image"),
            (self.layers, "layer"),
            (self.classes, "target"),
            (self.slider, "channel"),
            (self.grid, "position"),
        ):
            self.tell_selection(widget, name)
        self.link_in_browser(self.slider, self.grid, "channel", both_ways=True)
        self.link_in_browser(self.slider, self.grid, "order")
        self.watch(self._show_network, "network", "layer")
        self.watch(self._show_image, "image")
        self.watch(self._show_target, "target")
        self.watch(self._show_unit, "channel", "position")
        self.watch(self._update, "network", "image", "layer")

    def show_error(self, error):
        """Show an exception above the maps."""
        self.grid.show_error(error)

    # What the selection says, in the widgets:

    def _show_network(self, change=None):
        """Title, layers and classes of the network; another network comes with a layer of its own."""
        network = self.selection.network
        if self._listed is not network:
            self._listed = network
            self.title.value = headline(network)
            shown = [layer for layer in network.layers if len(layer.output_shape) in (1, 3)]
            with self.quiet(), self.layers.hold_sync(), self.layers.hold_trait_notifications():
                self.classes.show((), classes=network.classes)
                self.layers.layers = shown
                self.layers.layer = self.selection.layer
        self.layers.layer = self.selection.layer

    def _show_image(self, change=None):
        self.images.image = self.selection.image

    def _show_target(self, change=None):
        target = self.selection.target
        if target is None:
            self.classes.follow = True
        elif self._listed is self.selection.network:
            self.classes.target = target

    def _show_unit(self, change=None):
        """Channel and position, unless they belong to maps that are still being computed."""
        chosen = self.selection
        if self._shown == (chosen.network, chosen.layer):
            if chosen.channel is not None:
                self.slider.channel = chosen.channel
            self.grid.position = chosen.position

    # Computing:

    def _request(self):
        return self.selection.network, self.selection.image, self.selection.layer

    def _update(self, change=None):
        request = self._request()
        if all(
            new is old or (isinstance(new, str) and new == old)
            for new, old in zip(request, self._asked, strict=True)
        ):
            return  # another network changes its layer, too: one request for both
        self._asked = request
        self._latest.submit(lambda: self._compute(request), self._apply)

    def _compute(self, request):
        """Runs in a thread: touches no widget and no trait."""
        network, image, layer = request
        read_network, read_image, x = self._input
        if read_network is not network or read_image is not image:
            x = network.read(image)
        maps = capture(network.module, x, [layer])[layer][0]
        if network.layer(layer).channels_last:
            maps = maps.movedim(-1, 0)
        # not network.probabilities(), which refuses NaN: a broken network is the one that must be looked into
        probabilities = network.scores(x)[0].float().softmax(dim=0).cpu().numpy()
        return request, x, maps.float().cpu().numpy(), probabilities, network.picture(image)

    def _apply(self, result):
        (network, image, layer), x, maps, probabilities, picture = result
        chosen = self.selection
        if (network, layer) != (chosen.network, chosen.layer):
            return  # stale: what belongs to the layer now chosen is on its way
        self._input = network, image, x
        info = network.layer(layer)
        strengths = maps.reshape(len(maps), -1).max(axis=1)
        strongest = int(np.nan_to_num(strengths, nan=-np.inf).argmax())
        channel = strongest if chosen.channel is None else chosen.channel
        # Until both are told, grid and slider have different channels. Their links rest meanwhile, and each
        # tells the browser all at once.
        with self.quiet(), self.grid.hold_sync(), self.slider.hold_sync():
            self.grid.receptive_field = info.receptive_field
            self.grid.title = f"{info.name} · {info.kind}"
            self.grid.set_image(picture)
            self.grid.show(maps)
            self.slider.strengths = strengths
            self.grid.order = self.slider.order
            self.grid.channel = self.slider.channel = channel
            self.grid.position = chosen.position
            self.classes.show(probabilities)
            self.grid.error = ""
        self._shown = network, layer
        chosen.channel = channel
        if np.isfinite(probabilities).any():
            chosen.target = self.classes.target

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        super().close()
        self._input = self._asked = self._shown = self._listed = None
