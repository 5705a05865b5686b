"""Occlusion: drag a square over the picture, and map what the network needs of it."""

import time
from typing import Any, NamedTuple

import ipywidgets
import numpy as np

from ..widgets import ClassPicker, HeatMap, ImagePicker, LayerPicker, OcclusionControl, OcclusionImage
from .alone import alone
from .base import Explorer, headline
from .gallery import suited_samples
from .latest import Latest
from .occlusion_cuts import OcclusionCuts
from .occlusion_runner import OcclusionRunner
from .squares_shown import as_picture, fills_of

REST = 0.5
"""Seconds after which a hand that is on the square and does not move it no longer holds the maps up."""


class Request(NamedTuple):
    """Everything that the maps depend on."""

    network: Any
    image: Any
    layer: str
    channel: int | None
    precision: str
    size: int
    stride: int
    fill: str
    method: str
    targets: tuple  # the two classes, None where the most probable ones are meant

    def same_image(self, other):
        """Whether the unoccluded activations of the other request serve for this one."""
        return self.network is other.network and self.image is other.image and self[2:5] == other[2:5]

    def same(self, other):
        """Whether the other request asks for the same maps."""
        return self.same_image(other) and self[5:] == other[5:]

    def n_squares(self, image_size):
        """How many squares there are on an image of that height and width."""
        height, width = image_size
        return -(-height // self.stride) * -(-width // self.stride)

    def classes(self, baseline):
        """The two classes; where not chosen, the most probable ones of the unoccluded image."""
        best = [int(k) for k in np.argsort(-np.nan_to_num(baseline, nan=-1), kind="stable")]
        first = best[0] if self.targets[0] is None else self.targets[0]
        others = [k for k in best if k != first] or [first]
        return first, others[0] if self.targets[1] is None else self.targets[1]


class OcclusionExplorer(Explorer):
    """Cover a part of the picture with a square, and see what the network still makes of it.

    Drag the square: the bars of the most probable classes follow. The maps show, by the place of the square,
    the probability of one class and of another, the total activity of a layer's strongest feature map, and
    the most probable class. They grow from coarse to fine, and begin anew when a control moves. A click on a
    point of a map, or of the curves, takes the square there.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    layer : str, optional
        Of which the strongest feature map is watched; the last ReLU with maps if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of the three above.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.

    Attributes
    ----------
    images, classes, second, control, square, layers : widgets
        The `ImagePicker`, the `ClassPicker` of the class and of the class it is compared with, the
        `OcclusionControl`, the `OcclusionImage` and the `LayerPicker` inside.
    probability, rival, activity, label : HeatMap
        The maps: of the class, of the second class, of the feature map, of the most probable class.
    selection : Selection
        All choices; observe or set them. Where ``target`` or ``channel`` is None, the most probable class
        and the strongest feature map are taken.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = OcclusionExplorer("toynet")
    >>> explorer.probability.map_size, explorer.probability.unit
    ((24, 24), 'probability')
    """

    def __init__(self, network=None, image=None, layer=None, selection=None, samples=None, **traits):
        super().__init__(network, image, layer, selection, **traits)
        self._moved_at = 0.0
        self._is_usual_layer = layer is None and selection is None
        if self._is_usual_layer:
            self.selection.layer = _usual_layer(self.selection)
        self._build(samples)
        self._network = None  # whose layers and classes are in the menus
        self._job = None  # whose maps are shown
        self._asked = None  # where the square was when the network was last asked
        self._by_hand = [self.selection.target, None]  # classes that were chosen, not found
        self._squares = Latest(self.show_error)
        self._runner = OcclusionRunner(self)
        if self.selection.image is None:
            self.selection.image = self.images.image
        self._show_network()
        self.images.image = self.selection.image
        self._wire()
        self.control.run()

    def _build(self, samples):
        third = ipywidgets.Layout(flex="1 1 220px", min_width="200px")
        self.title = ipywidgets.HTML()
        self.images = ImagePicker(
            suited_samples(self.selection.network) if samples is None else samples,
            layout=ipywidgets.Layout(flex="1 1 260px", min_width="240px"),
        )
        self.classes, self.second = (ClassPicker(follow=False, can_follow=False) for _ in range(2))
        self.control = OcclusionControl()
        self.square = OcclusionImage(title="Drag the square", width=240)
        self.probability, self.rival = (HeatMap(unit="probability", least=0.1, width=240) for _ in range(2))
        self.activity = HeatMap(unit="sum over the map", width=240)
        self.label = HeatMap(title="Most probable class", opacity=0.6, width=240)
        self.layers = LayerPicker(spatial_only=True)
        self.cuts = OcclusionCuts(self._move_to)
        wrap = {"flex_flow": "row wrap", "grid_gap": "0 18px"}

        def titled(text, *widgets, layout):
            return ipywidgets.VBox([ipywidgets.HTML(f"<b>{text}</b>"), *widgets], layout=layout)

        top = ipywidgets.HBox(
            [
                self.images,
                titled("Class", self.classes, layout=third),
                titled("compared with", self.second, layout=third),
            ],
            layout=wrap,
        )
        top.add_class("cw-explorer-top")
        maps = ipywidgets.HBox([self.square, self.probability, self.rival], layout=wrap)
        others = ipywidgets.HBox([self.activity, self.label], layout=wrap)
        self.children = [self.title, top, self.control, maps, self.cuts.figure, self.layers, others]

    def _wire(self):
        self.control.on_run(self._run)
        self.control.on_stop(self._runner_stop)
        for widget, name in ((self.images, "image"), (self.layers, "layer")):
            self.tell_selection(widget, name)
        self.classes.observe(lambda change: self._choose(0), "target")
        self.second.observe(lambda change: self._choose(1), "target")
        self.square.observe(self._ask, ["row", "column", "active"])
        self.square.observe(self._settle, "dragging")
        self.control.observe(self._resize, "size")
        for heat in self._maps():
            heat.observe(self._go_to, "position")
        self.watch(self._other, "network", "image", "layer", "channel")
        self.watch(self._other_target, "target")

    def _maps(self):
        return self.probability, self.rival, self.activity, self.label

    def show_error(self, error):
        """Show an exception above the maps."""
        self.control.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._runner.done()
        await self._squares.done()
        await super().done()

    # What the selection says:

    def _show_network(self):
        network = self.selection.network
        self._network = network
        self.title.value = headline(network)
        height, width = network.input_size
        with self.quiet():
            for picker in (self.classes, self.second):
                with picker.hold_sync():
                    picker.show((), classes=network.classes)
                    picker.follow = False
            shown = [each for each in network.layers if each.is_spatial and not each.channels_last]
            with self.layers.hold_sync(), self.layers.hold_trait_notifications():
                self.layers.layers = shown
                if any(each.name == self.selection.layer for each in shown):
                    self.layers.layer = self.selection.layer
            with self.control.hold_sync():
                self.control.image_size = (height, width)
                self.control.size = max(1, min(height, width) // 4)
                self.control.stride = _usual_stride(min(height, width))
                self.control.fills = fills_of(network)
            self.square.size = self.control.size
            self.label.names = []
            for heat in self._maps():
                heat.clear()
            self.label.names = network.classes

    @alone
    def _other(self, change):
        """Another network, image, layer or channel."""
        chosen = self.selection
        if change.name != "network" and self._network is not chosen.network:
            return  # it brings its own layer; the change of the network itself comes next
        if change.name == "channel" and self.layers.layer != chosen.layer:
            return  # of a layer that comes next, or of one that is not watched here
        if change.name == "network":
            self._by_hand = [None, None]
            if self._is_usual_layer:
                with self.quiet():
                    chosen.layer = _usual_layer(chosen)
            self._show_network()
        elif change.name == "image":
            with self.quiet():
                self.images.image = self.selection.image
        elif change.name == "layer" and any(each.name == change.new for each in self.layers.layers):
            with self.quiet():
                self.layers.layer = change.new
        newest = self._runner.newest
        if newest is None or not self._request().same(newest.request):  # a layer changes its channel, too
            self.control.run()

    @alone
    def _other_target(self, change):
        if self._is_quiet or self._network is not self.selection.network:
            return
        self._by_hand[0] = change.new
        if change.new is None:
            self.control.run()
        else:
            self.classes.target = change.new

    @alone
    def _choose(self, which):
        """A class was chosen in one of the pickers."""
        if self._is_quiet:
            return
        picker = (self.classes, self.second)[which]
        self._by_hand[which] = picker.target
        if which == 0:
            with self.quiet():
                self.selection.target = picker.target
        job = self._job
        if job is None or job is not self._runner.newest or job.of_class(picker.target) is None:
            self.control.run()
        else:
            self._show_maps()
            self._draw_cuts()

    # The maps:

    def _request(self):
        chosen, control = self.selection, self.control
        return Request(
            chosen.network,
            chosen.image,
            self.layers.layer or None,
            chosen.channel if self.layers.layer == chosen.layer else None,
            control.precision,
            control.size,
            control.stride,
            control.fill,
            control.method,
            tuple(self._by_hand),
        )

    @alone
    def _run(self):
        if not self._is_quiet and self.selection is not None:
            self._runner.start(self._request())

    def _runner_stop(self):
        self._runner.stop()

    def is_busy(self):
        """Whether a hand moves the square; asked by the thread that computes the maps."""
        return self.square.dragging and time.monotonic() - self._moved_at < REST

    @alone
    def ready(self, job):
        """The network has seen the unoccluded image: from now on the square can be dragged."""
        before, self._job, request = self._job, job, job.request
        # those chosen by now
        first, second = request._replace(targets=tuple(self._by_hand)).classes(job.baseline)
        network = request.network
        picture = network.picture(request.image)
        with self.quiet(), self.square.hold_sync():
            self.square.set_image(picture)
            self.square.set_fill(as_picture(network, job.fill))
            self.square.size = request.size
        is_other = before is None or before.request.image is not request.image
        if is_other:
            self.cuts.clear()
        for heat in self._maps():
            with heat.hold_sync():
                heat.image = picture
                if is_other and heat.map_size[0]:  # what is known is of another picture
                    heat.show(np.full(heat.map_size, np.nan), *heat.centres)
        with self.quiet():
            self.classes.target, self.second.target = first, second
            self.selection.target = first
        self._ask()

    @alone
    def show(self, job, is_last=False):
        """Show the maps as far as they are known."""
        self._job = job
        self._show_maps()
        if is_last:
            self._draw_cuts()

    def _show_maps(self):
        job = self._job
        run, seen, baseline = job.run, job.seen, job.baseline
        stride = job.request.stride
        note = "" if stride == 1 else f"one value every {stride} pixels, drawn smoothly in between"
        centres = {"rows": run.rows, "columns": run.columns, "known": seen["known"]}
        names = job.request.network.classes
        for heat, picker in ((self.probability, self.classes), (self.rival, self.second)):
            values = job.of_class(picker.target)
            if values is not None:
                with heat.hold_sync():
                    heat.title, heat.note = names[picker.target], note
                    heat.baseline = _finite(baseline[picker.target])
                    heat.show(values, **centres)
        if seen["activity"] is not None:
            with self.activity.hold_sync():
                self.activity.title = f"Activity of {job.request.layer}, channel {job.occluder.channel}"
                self.activity.note = note
                self.activity.baseline = _finite(job.occluder.baseline.activity[0])
                self.activity.show(seen["activity"], **centres)
        labels = np.where(seen["label"] < 0, np.nan, seen["label"])
        with self.label.hold_sync():
            self.label.baseline = float(baseline.argmax()) if np.isfinite(baseline).all() else None
            self.label.show(labels, **centres)
        if self.square.active:  # other centres: another cell is the nearest
            self._mark((self.square.row, self.square.column))

    # The square:

    @alone
    def _ask(self, change=None):
        """What does the network say of the picture as it is now?"""
        job = self._job
        if self._is_quiet or job is None or job.occluder is None:
            return
        self._moved_at = time.monotonic()
        square = self.square
        place, size = (square.row, square.column), self.control.size
        asked = job, place, size, square.active
        if change is not None and asked == self._asked:
            return  # row and column come together, and are told one after the other
        self._asked = asked
        if not square.active:
            self._tell_square((job, None, job.baseline))
            return
        if not job.occluder.is_current():  # the network has learned since
            self.control.run()
            return
        self._squares.submit(lambda: self._occlude(job, place, size), self._tell_square)

    def _occlude(self, job, place, size):
        answers = job.occluder.occlude([place[0]], [place[1]], size, job.fill)
        return job, place, answers.probabilities[0].numpy()

    @alone
    def _tell_square(self, result):
        job, place, probabilities = result
        if self._job is None or job.occluder is not self._job.occluder:
            return  # of another image or network, or closed
        if job.request.network is not self._network:
            return  # the menus have the classes of another one by now
        target = self.classes.target
        with self.quiet():
            self.classes.show(probabilities)
            self.second.show(probabilities)
        before, now = job.baseline[target], probabilities[target]
        name = job.request.network.classes[target]
        if place is None:
            self.square.caption = f"{name}: {_percent(before)} without a square"
        else:
            self.square.caption = f"{name}: {_percent(before)} → {_percent(now)}"
            self._mark(place)
        if not self.square.dragging:
            self._draw_cuts()

    def _mark(self, place):
        """Show on the maps where the square is."""
        with self.quiet():
            for heat in self._maps():
                if heat.map_size[0]:
                    heat.position = heat.cell_at(*place)

    @alone
    def _settle(self, change):
        if not change.new:
            self._draw_cuts()

    @alone
    def _resize(self, change):
        with self.quiet():
            self.square.size = change.new
        self._ask()

    @alone
    def _go_to(self, change):
        """A click on a map takes the square there."""
        heat = change.owner
        if self._is_quiet or change.new is None or not heat.from_browser:
            return
        self._move_to(*heat.chosen_pixel)

    @alone
    def _move_to(self, row, column):
        square = self.square
        with square.hold_trait_notifications():
            square.row = square.row if row is None else int(np.clip(row, 0, square.image_size[0] - 1))
            square.column = (
                square.column if column is None else int(np.clip(column, 0, square.image_size[1] - 1))
            )
            square.active = True

    def _draw_cuts(self):
        job = self._job
        if job is None or job.seen is None or job.run is None:
            return
        curves = []
        for picker in (self.classes, self.second):
            values = job.of_class(picker.target)
            if values is not None:
                name = job.request.network.classes[picker.target]
                curves.append((name, values, float(job.baseline[picker.target])))
        place = (self.square.row, self.square.column) if self.square.active else None
        self.cuts.show(curves, (job.run.rows, job.run.columns), place)

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is not None:  # neither closed already, nor never finished
            self._close()

    @alone
    def _close(self):
        self._runner.close()
        self._squares.close()
        super().close()
        self._job = self._network = self._asked = None


def _finite(value):
    """A number to compare with; None where there is none."""
    value = float(value)
    return value if np.isfinite(value) else None


def _percent(probability):
    return f"{probability:.1%}" if np.isfinite(probability) else "NaN"


def _usual_stride(length):
    """The power of two that gives some 24 squares along a side."""
    return max(1, 2 ** round(np.log2(length / 24)))


def _usual_layer(selection):
    """The last feature maps after a ReLU: sums of negative numbers are hard to read."""
    relus = [each.name for each in selection.network.layers if each.is_spatial and each.kind == "ReLU"]
    return relus[-1] if relus else selection.layer
