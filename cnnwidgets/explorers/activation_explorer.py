"""Activation maps, live: any image, any layer, any channel."""

from html import escape

import ipywidgets

from ..core import capture
from ..data import samples as all_samples
from ..networks.bundled import BUNDLED
from ..widgets import ActivationGrid, ClassPicker, ImagePicker, LayerPicker, NeuronSlider
from .base import Explorer


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
            _suited(self.selection.network) if samples is None else samples,
            layout=ipywidgets.Layout(flex="1 1 0", min_width="0"),
        )
        self.classes = ClassPicker(layout=ipywidgets.Layout(flex="0 0 320px"))
        self.layers = LayerPicker()
        self.slider = NeuronSlider(measure="strongest activation")
        self.grid = ActivationGrid()
        top = ipywidgets.HBox([self.images, self.classes])
        top.add_class("cw-explorer-top")
        self.children = [self.title, top, self.layers, self.slider, self.grid]

        if self.selection.image is None:
            self.selection.image = self.images.image
        else:
            self.images.image = self.selection.image
        self._listed = None
        self._shown = None, None  # network and layer of the maps on the screen
        self._input = None, None, None  # network and image that were read last, and the tensor
        self._show_network()
        self._apply(self._compute(self._request()))

        self._link(self.images, "image")
        self.layers.observe(lambda change: setattr(self.selection, "layer", change.new), "layer")
        self._link(self.classes, "target")
        self._link(self.grid, "position")
        self._link(self.slider, "channel")
        self.link_in_browser(self.slider, self.grid, "channel", both_ways=True)
        self.link_in_browser(self.slider, self.grid, "order")
        self.watch(self._show_network, "network", "layer")
        self.watch(self._update, "network", "image", "layer")

    def show_error(self, error):
        """Show an exception above the maps."""
        self.grid.show_error(error)

    # -- wiring
    # ---------------------------------------------------------------------------------------------------

    def _link(self, widget, name):
        """A trait of a widget and the one of the same name in the selection go together."""
        widget.observe(lambda change: setattr(self.selection, name, change.new), name)
        self.watch(lambda change: setattr(widget, name, change.new), name)

    def _show_network(self, change=None):
        """Title, layers and classes of the network; another network comes with a layer of its own."""
        network = self.selection.network
        if self._listed is not network:
            self._listed = network
            note = f" <span class='cw-note'>{escape(network.note)}</span>" if network.note else ""
            self.title.value = f"<b>{escape(network.title)}</b>{note}"
            self.classes.classes = network.classes
            shown = [layer for layer in network.layers if len(layer.output_shape) in (1, 3)]
            with self.layers.hold_sync(), self.layers.hold_trait_notifications():
                self.layers.layers = shown
                self.layers.layer = self.selection.layer
        self.layers.layer = self.selection.layer

    # -- computing
    # ------------------------------------------------------------------------------------------------

    def _request(self):
        chosen = self.selection
        return chosen.network, chosen.image, chosen.layer

    def _update(self, change):
        request = self._request()
        self._latest.submit(lambda: self._compute(request), self._apply)

    def _compute(self, request):
        """Runs in a thread: touches no widget."""
        network, image, layer = request
        if self._input[0] is not network or self._input[1] is not image:
            self._input = network, image, network.read(image)
        x = self._input[2]
        maps = capture(network.module, x, [layer])[layer][0]
        if network.layer(layer).channels_last:
            maps = maps.movedim(-1, 0)
        return request, maps.float().cpu().numpy(), network.probabilities(x)[0], network.picture(image)

    def _apply(self, result):
        (network, image, layer), maps, probabilities, picture = result
        info = network.layer(layer)
        strengths = maps.reshape(len(maps), -1).max(axis=1)
        keep = self._shown == (network, layer)
        self._shown = network, layer
        # another layer's channel 7 has nothing to do with this one's: begin with the strongest
        channel = self.selection.channel if keep else int(strengths.argmax())
        # the grid knows more channels than the slider, or fewer, until both are told; so each is told all at
        # once
        with self.grid.hold_sync(), self.slider.hold_sync():
            self.grid.receptive_field = info.receptive_field
            self.grid.title = f"{info.name} · {info.kind}"
            self.grid.set_image(picture)
            self.slider.strengths = strengths
            self.grid.show(maps, order=self.slider.order)
            self.slider.channel = self.grid.channel = channel
        self.classes.show(probabilities)
        self.grid.error = ""

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        super().close()
        self._input = self._shown = self._listed = None


def _suited(network):
    """All samples, those first that suit the network: drawings for the bundled ones, else photographs."""
    kind = "drawing" if network.name in BUNDLED else "photograph"
    return dict(sorted(all_samples().items(), key=lambda item: item[1].kind != kind))
