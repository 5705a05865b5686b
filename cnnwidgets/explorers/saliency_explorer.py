"""Saliency and its relatives: one picture, one class, all methods in a row."""

from dataclasses import replace
from typing import Any, NamedTuple

import ipywidgets
import numpy as np

from ..core import InputError
from ..widgets import AttributionGrid, ClassPicker, ExplanationControl
from .alone import alone
from .cut_out import Cut, CutOut, cut_out
from .explanation_panels import key_of, note_of, panels_of
from .explanations import METHODS, SLOW, Explanations, Kept, Settings, usual_layer
from .likeness import likeness_html, likenesses, told
from .one_class import AHEAD, OneClassExplorer, most_probable, titled

AHEAD_SECONDS = 30
"""What maps may cost that nobody has asked for yet; else only those that one pass gives."""


class Request(NamedTuple):
    """Everything that what is shown depends on."""

    network: Any
    image: Any
    layer: str | None
    target: int | None  # None where the most probable class is meant
    rival: int | None
    methods: tuple
    settings: Settings
    compare: bool
    shared: bool
    cut_by: str  # empty where nothing is cut out

    def targets(self, probabilities):
        """The class, and the one that it is compared with."""
        best = most_probable(probabilities)
        first = best[0] if self.target is None else self.target
        others = [k for k in best if k != first] or [first]
        return first, others[0] if self.rival in (None, first) else self.rival

    def shown(self, targets):
        """Those of them whose maps are shown; a network of one class has none to compare with."""
        return targets if self.compare and targets[0] != targets[1] else targets[:1]


class Look(NamedTuple):
    """The maps of a request, as far as they are there."""

    request: Request
    found: Any
    targets: tuple
    panels: list
    late: list

    @property
    def shown(self):
        """The classes whose maps are shown."""
        return self.request.shown(self.targets)

    def likenesses(self, methods=None):
        """How alike the maps of both classes are."""
        methods = self.request.methods if methods is None else methods
        return likenesses(self.found, self.shown, methods, self.request.settings)


class Piece(NamedTuple):
    """News of one map that takes long."""

    row: int
    method: str
    done: int
    total: int
    values: Any


class SaliencyExplorer(OneClassExplorer):
    """One picture and one class, and what the methods that follow gradients say of it, side by side.

    A map that needs one pass is there at once; SmoothGrad and integrated gradients grow meanwhile. Classes
    that were not asked for yet are computed while nothing else is to do, the most probable first, so that
    they are there when they are chosen. With a second class, a number says for each method how alike its
    maps of both are.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    layer : str, optional
        Of Grad-CAM; the last ReLU with maps if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of the three above.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.

    Attributes
    ----------
    images, classes, second, control : widgets
        The `ImagePicker`, the `ClassPicker` of the class and of the one it is compared with, and the
        `ExplanationControl` inside.
    grid : AttributionGrid
        The maps. The key of a panel is its row (0, or 1 for the second class) and its method:
        ``"0 saliency"``.
    cutout : CutOut
        The object as GrabCut finds it, and where that began.
    selection : Selection
        All choices; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = SaliencyExplorer("toynet")
    >>> explorer.grid.values("0 saliency").shape
    (96, 96)
    """

    def __init__(self, network=None, image=None, layer=None, selection=None, samples=None, **traits):
        super().__init__(network, image, layer, selection, samples, **traits)
        self._layer_given = layer is not None or selection is not None
        self._kept = Kept(Explanations)
        self._look = None  # what is shown
        self._rival = None  # the second class, once it was chosen
        self._truth = None, None  # a picture, and where its object is
        self.second = ClassPicker(follow=False, can_follow=False)
        self.control = ExplanationControl(offered=list(METHODS))
        self.grid = AttributionGrid(width=154)
        self.likeness = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        self.cutout = CutOut()
        self._compared = titled("compared with", self.second, display="none")
        top = self._top(self._compared)
        self.children = [self.title, top, self.control, self.grid, self.likeness, self.cutout]
        self._start()
        self.second.observe(self._choose_rival, "target")
        names = ["chosen", "samples", "noise", "steps", "compare", "shared", "cut", "cut_by"]
        self.control.observe(self._update, names)

    def show_error(self, error):
        """Show an exception above the maps."""
        self.grid.show_error(error)

    def set_truth(self, mask):
        """Say where the object is in the picture that is chosen now, to score what is cut out of it.

        Of the drawings among the samples it is known.

        Parameters
        ----------
        mask : array of bool, shape (H, W), or None
            Of the size of the picture as it was given.

        Raises
        ------
        InputError
            If it has another shape.
        """
        image = self.selection.image
        if mask is not None and np.shape(mask) != (image.height, image.width):
            raise InputError(
                f"the mask of a picture of {image.height} × {image.width} pixels has that shape, "
                f"not {np.shape(mask)}"
            )
        self._truth = image, None if mask is None else np.asarray(mask, bool)
        self._begin()

    def _list_network(self, network):
        self._rival = None
        with self.quiet(), self.second.hold_sync():
            self.second.show((), classes=network.classes)
            self.second.follow = False

    @alone
    def _choose_rival(self, change):
        if not self._is_quiet:
            self._rival = change.new
            self._update()

    # Computing:

    def _request(self):
        chosen, control = self.selection, self.control
        return Request(
            chosen.network,
            chosen.image,
            self._layer(),
            self._wanted_target(),
            self._rival,
            tuple(control.chosen),
            Settings(control.samples, control.noise, control.steps),
            control.compare,
            control.shared,
            control.cut_by if control.cut else "",
        )

    def _layer(self):
        """Of Grad-CAM: the chosen one, if it has maps."""
        info = self.selection.network.layer(self.selection.layer)
        if self._layer_given and info.is_spatial and not info.channels_last:
            return info.name
        return usual_layer(self.selection.network)

    def _steps(self, request):
        """Runs in a thread, and touches no widget: what comes first is shown first."""
        found = self._kept.get(request.network, request.image, request.layer)
        targets = request.targets(found.probabilities)
        shown = request.shown(targets)
        found.quick(shown)
        yield self._looked(request, found, targets, shown)
        is_cut = not request.cut_by
        if not is_cut and found.has(targets[0], request.cut_by, request.settings):
            is_cut = True
            yield self._cut(request, found, targets[0])
        for method in SLOW:
            for row, target in enumerate(shown):
                if method in request.methods or (method == request.cut_by and row == 0):
                    for done, total, values in found.slow(target, method, request.settings):
                        yield Piece(row, method, done, total, values)
        if not is_cut:
            yield self._cut(request, found, targets[0])
        yield found  # all is there

    def _looked(self, request, found, targets, shown):
        before, values = self._look, {}
        if before is not None and before.found.picture is found.picture:
            values = {panel.key: panel.values for panel in before.panels}
        return Look(
            request,
            found,
            targets,
            *panels_of(found, shown, request.methods, request.settings, values, request.shared),
        )

    def _cut(self, request, found, target):
        """The object, beginning at a map of it."""
        values = found.map(target, request.cut_by, request.settings)
        if values is None:
            return Cut(found.picture, None, None, note_of(found, target, request.cut_by, request.settings))
        image, truth = self._truth
        truth = truth if image is request.image else None
        return cut_out(request.network, request.image, found.picture, values, truth)

    def _steps_ahead(self, request, found):
        """Runs in a thread, a short piece at a time, until something is asked for."""
        best = most_probable(found.probabilities)[:AHEAD]
        for target in best:
            found.quick([target])
            yield
        settings = request.settings
        slow = [method for method in SLOW if method in request.methods]
        each = (settings.samples if SLOW[0] in slow else 0) + (settings.steps if SLOW[1] in slow else 0)
        for target in best[: int(AHEAD_SECONDS / max(each * found.seconds, 1e-9))]:
            for method in slow:
                for _ in found.slow(target, method, settings):
                    yield

    # Showing:

    @alone
    def _show(self, news):
        if isinstance(news, Look):
            self._show_look(news)
        elif isinstance(news, Piece):
            self._show_piece(news)
        elif isinstance(news, Cut):
            self.cutout.show(news, self._look.request.cut_by)
        else:
            request = self._look.request
            self._begin_ahead(lambda: self._steps_ahead(request, news))

    def _show_look(self, look):
        request, found, targets = look.request, look.found, look.targets
        self._look = look
        with self.quiet():
            with self.second.hold_sync():
                self.second.show(found.probabilities)
                self.second.target = targets[1]
            with self.grid.hold_sync():
                self.grid.image = found.picture
                self.grid.show(look.panels)
                if look.late:
                    self.grid.pending(look.late, "computing")
                self.grid.error = ""
        self._compared.layout.display = None if request.compare else "none"
        self._show_likeness()
        if not request.cut_by:
            self.cutout.hide()
        self._show_prediction(found, targets[0])

    def _show_piece(self, piece):
        look, key = self._look, key_of(piece.row, piece.method)
        request = look.request
        if piece.method not in request.methods:
            return  # only to begin the cut with
        if piece.done < piece.total:
            text = f"{piece.done} of {piece.total}"
            if piece.values is None:
                self.grid.pending(key, text)
            else:
                self.grid.update(key, piece.values, pending=text)
            return
        alike = look.likenesses([piece.method]) if piece.row else {}
        alike = told(alike[piece.method]) if alike else ""
        note = note_of(look.found, look.shown[piece.row], piece.method, request.settings, alike)
        self.grid.update(key, piece.values, note=note)
        panels = [panel if panel.key != key else replace(panel, values=piece.values) for panel in look.panels]
        self._look = look._replace(panels=panels)
        self._show_likeness()

    def _show_likeness(self):
        """A bar for each method: how alike its maps of both classes are."""
        look = self._look
        if not look.request.compare:
            self.likeness.layout.display = "none"
            return
        names = [look.found.network.classes[target] for target in look.targets]
        self.likeness.value = likeness_html(look.likenesses(), *names)
        self.likeness.layout.display = None

    # Other forms:

    def describe(self):
        """What is shown, in words."""
        text = super().describe()
        if self.comm is not None and self._look.request.compare:
            text += "\nHow alike the maps of both classes are: "
            text += ", ".join(f"{method} {told(value)}" for method, value in self._look.likenesses().items())
        return text

    def _described(self):
        hidden = [] if self.control.cut else [self.cutout.seeds, self.cutout.found]
        hidden += [] if self.control.compare else [self.second]
        return [widget for widget in super()._described() if widget not in hidden]

    def _close(self):
        super()._close()
        self._kept.close()
        self._look = None
        self._truth = None, None
