"""Class activation maps: where a layer has evidence for a class, from the first layer to the last."""

import time
from typing import Any, NamedTuple

import ipywidgets
import numpy as np

from ..core import LayerError
from ..widgets import AttributionGrid, AttributionPanel, CamControl, HeatMap
from .alone import alone
from .cams import FIXED_RELU, METHODS, Cams, walk
from .explanations import Kept, usual_layer
from .one_class import AHEAD, OneClassExplorer, most_probable

AHEAD_SECONDS = 20
"""What the Score-CAM of layers may cost that nobody has chosen yet."""
UNITS = {"Grad-CAM++": "", "Score-CAM": "activation"}


class Request(NamedTuple):
    """Everything that has to be computed for what is shown."""

    network: Any
    image: Any
    layers: tuple
    target: int | None  # None where the most probable class is meant
    scored: str  # layer of Score-CAM, empty for the other methods


class Look(NamedTuple):
    """The maps of a class, as far as they are there."""

    request: Request
    found: Cams
    target: int


class Progress(NamedTuple):
    """How far Score-CAM of a layer is."""

    layer: str
    done: int
    total: int


class CamExplorer(OneClassExplorer):
    """Walk with a slider from the first layer to the last, and see where each has evidence for a class.

    The maps of all layers come from one pass, so that the slider only shows another one. Without ReLU, what
    speaks against the class is seen as well. Score-CAM tries every channel, one forward pass each: its layers
    come one after the other, the chosen one first.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    layer : str, optional
        Where to begin; the last maps before pooling if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of the three above.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.

    Raises
    ------
    LayerError
        If no layer of the network has maps.

    Attributes
    ----------
    images, classes, control : widgets
        The `ImagePicker`, `ClassPicker` and `CamControl` inside.
    heat : HeatMap
        The map of the chosen layer, in raw values.
    guided : AttributionGrid
        Guided backprop times that map; the key of the panel is ``"guided"``.
    row : AttributionGrid
        The maps of all layers; the keys are their names. A click on a name chooses the layer.
    selection : Selection
        All choices; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = CamExplorer("toynet-gap")
    >>> explorer.control.method, explorer.heat.map_size
    ('Grad-CAM', (11, 11))
    >>> explorer.selection.layer = "conv1"
    >>> explorer.heat.map_size
    (48, 48)
    """

    def __init__(self, network=None, image=None, layer=None, selection=None, samples=None, **traits):
        super().__init__(network, image, layer, selection, samples, **traits)
        self._is_usual_layer = layer is None and selection is None
        self._kept = Kept(Cams)
        self._look = None  # what is shown
        self._walk = ()
        self._relu = {"Grad-CAM": True, "HiResCAM": False}  # as chosen, and as the papers have it
        self.control = CamControl(methods=list(METHODS), method="Grad-CAM")
        self.heat = HeatMap(width=380, can_drop=False, layout=ipywidgets.Layout(flex="0 1 auto"))
        self.guided = AttributionGrid(width=250, show_image=False, controls=False)
        self.row = AttributionGrid(width=120, show_image=False, controls=False, can_choose=True)
        beside = ipywidgets.HBox(
            [self.heat, self.guided], layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 24px")
        )
        heading = ipywidgets.HTML("<b>All layers</b>")
        self.children = [self.title, self._top(), self.control, beside, heading, self.row]
        self._start()
        self.control.observe(self._choose_method, "method")
        self.control.observe(self._choose_relu, "relu")
        self.control.observe(self._choose_layer, "layer")
        self.row.observe(self._choose_layer, "chosen")
        self.watch(self._other_layer, "layer")

    def show_error(self, error):
        """Show an exception above the maps."""
        self.control.show_error(error)

    # What is chosen:

    def _list_network(self, network):
        self._walk = walk(network)
        if not self._walk:
            raise LayerError(
                f"no layer of {network.name} has maps, so that there is nothing to show on a map"
            )
        if self._is_usual_layer:
            with self.quiet():
                self.selection.layer = usual_layer(network)
        self._include()

    def _include(self):
        """The chosen layer is among those that the slider walks along, if it has maps."""
        network, layer = self.selection.network, self.selection.layer
        if layer not in self._walk:
            extended = walk(network, layer)
            self._walk = extended if layer in extended else self._walk
        sizes = [network.layer(name).map_size for name in self._walk]
        with self.quiet(), self.control.hold_sync():
            if self.control.layers != list(self._walk):
                self.control.layers = list(self._walk)
                self.control.notes = [f"{height} × {width} cells" for height, width in sizes]

    @property
    def layer(self):
        """The layer whose map is shown: the chosen one, if it has maps and the method lets choose."""
        if self.control.method == "CAM":
            return usual_layer(self.selection.network)
        if self.selection.layer in self._walk:
            return self.selection.layer
        usual = usual_layer(self.selection.network)
        return usual if usual in self._walk else self._walk[-1]

    @property
    def relu(self):
        """Whether only positive evidence is shown."""
        method = self.control.method
        return FIXED_RELU.get(method, self._relu.get(method))

    @alone
    def _choose_method(self, change):
        if not self._is_quiet:
            self._draw()
            self._update()

    @alone
    def _choose_relu(self, change):
        if not self._is_quiet and self.control.method in self._relu:
            self._relu[self.control.method] = change.new
            self._draw()

    @alone
    def _choose_layer(self, change):
        """With the slider, or by a click in the row."""
        if not self._is_quiet and change.new is not None and self.control.method != "CAM":
            self.selection.layer = change.new

    @alone
    def _other_layer(self, change):
        if self._network is self.selection.network and not self._is_quiet:
            self._include()
            self._draw()
            self._update()  # maps of a layer that was not on the way before

    # Computing:

    def _request(self):
        chosen = self.selection
        scored = self.layer if self.control.method == "Score-CAM" else ""
        return Request(chosen.network, chosen.image, self._walk, self._wanted_target(), scored)

    def _steps(self, request):
        """Runs in a thread, and touches no widget."""
        found = self._kept.get(request.network, request.image, request.layers)
        target = request.target
        if target is None:
            target = most_probable(found.probabilities)[0]
        found.compute(target)
        look = Look(request, found, target)
        yield look
        if request.scored and not found.has(target, "Score-CAM", request.scored):
            began = time.perf_counter()
            yield from self._score(self._work, found, target, request.scored)
            yield look
            seconds = time.perf_counter() - began
        else:
            seconds = 0.0
        yield seconds  # all is there

    def _score(self, work, found, target, layer):
        """Score-CAM of a layer, which tells how far it is."""
        yield Progress(layer, 0, found.network.layer(layer).n_channels)
        found.compute_score_cam(target, layer, lambda done, total: work.tell(Progress(layer, done, total)))

    def _steps_ahead(self, look, seconds):
        """Runs in a thread, a short piece at a time, until something is asked for."""
        request, found, target = look
        if request.scored:
            n_channels = {name: request.network.layer(name).n_channels for name in request.layers}
            left = AHEAD_SECONDS
            for layer in sorted(request.layers, key=n_channels.get):  # those that cost least
                left -= seconds / n_channels[request.scored] * n_channels[layer]
                if not found.has(target, "Score-CAM", layer) and left > 0:
                    yield from self._score(self._ahead, found, target, layer)
                    yield look
        for other in most_probable(found.probabilities)[:AHEAD]:
            found.compute(other)
            yield

    # Showing:

    @alone
    def _show(self, news):
        if isinstance(news, Look):
            self._look = news
            self._draw()
            self._show_prediction(news.found, news.target)
        elif isinstance(news, Progress):
            self._show_progress(news)
        else:
            look = self._look
            self._begin_ahead(lambda: self._steps_ahead(look, news), self._show)

    def _show_progress(self, progress):
        if self.control.method != "Score-CAM":
            return
        text = f"{progress.done} of {progress.total}"
        self.row.pending(progress.layer, text)
        if progress.layer == self.layer:
            self.heat.title = f"Score-CAM at {self.layer}: {text} channels"

    def _draw(self):
        """Everything that depends on method, layer, class and ReLU; computes nothing."""
        look = self._look
        if look is None or look.request.network is not self.selection.network:
            return
        self._draw_control(look)
        self._draw_heat(look)
        self._draw_guided(look)
        self._draw_row(look)

    def _draw_control(self, look):
        method = self.control.method
        with self.quiet(), self.control.hold_sync():
            self.control.refused = {name: why for name, why in look.found.refused.items() if name in METHODS}
            method = self.control.method
            self.control.layer = self.layer
            self.control.relu = self.relu
            self.control.fixed = "the maps that are averaged" if method == "CAM" else ""
            self.control.relu_fixed = (
                ("part of its definition" if self.relu else "its definition has none")
                if method in FIXED_RELU
                else ""
            )
            self.control.error = ""

    def _map(self, layer):
        look = self._look
        return look.found.map(look.target, self.control.method, layer, self.relu)

    def _draw_heat(self, look):
        method, layer, values = self.control.method, self.layer, self._map(self.layer)
        name = look.found.network.classes[look.target]
        title = f"{method} for {name}" + ("" if method == "CAM" else f" at {layer}")
        with self.heat.hold_sync():
            self.heat.image = look.found.picture
            self.heat.colormap = "viridis" if self.relu else "RdBu_r"
            self.heat.low = 0.0 if self.relu else None
            self.heat.unit = UNITS.get(method, "score")
            said = nothing_in(values, self.relu)
            self.heat.title, self.heat.nothing = title, said or "no values yet"
            if values is None or said:
                self.heat.clear()
            else:
                self.heat.show(values)

    def _draw_guided(self, look):
        found, method = look.found, self.control.method
        name = "Guided Grad-CAM"
        why = found.refused.get(name, "")
        values = found.guided(look.target, method, self.layer, self.relu)
        with self.guided.hold_sync():
            self.guided.image = found.picture
            self.guided.show(
                [
                    AttributionPanel(
                        "guided",
                        name if method == "Grad-CAM" else f"Guided backprop × {method}",
                        values,
                        "colour",
                        note=f"not possible: {why}" if why else "guided backprop times the map",
                    )
                ]
            )

    def _draw_row(self, look):
        method = self.control.method
        layers = (self.layer,) if method == "CAM" else self._walk
        with self.quiet(), self.row.hold_sync():
            self.row.image = look.found.picture
            self.row.show([self._panel(layer) for layer in layers])
            self.row.chosen = self.layer if self.layer in layers else None

    def _panel(self, layer):
        values = self._map(layer)
        kind, note = (
            "heat" if self.relu else "signed",
            "" if values is not None else "choose it to compute it",
        )
        return AttributionPanel(layer, layer, values, kind, note=note)

    def _close(self):
        super()._close()
        self._kept.close()
        self._look = None


def nothing_in(values, relu):
    """What is said in place of a map that has nothing to show; empty if it has, or is still to come."""
    if values is None:
        return ""
    if not np.isfinite(values).any():
        return "not a number"
    if not np.nan_to_num(values).any():
        return "no positive evidence" if relu else "zero everywhere"
    return ""
