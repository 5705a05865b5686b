"""What explorers share that explain one class of one picture."""

import ipywidgets
import numpy as np

from ..core import NetworkError
from ..widgets import ClassPicker, ImagePicker
from ..widgets._progress import running_loop
from .alone import alone
from .base import Explorer, headline
from .gallery import suited_samples
from .progressive import Progressive

AHEAD = 12
"""Classes whose maps are computed before they are asked for, the most probable first."""


def most_probable(probabilities):
    """All classes, the most probable first; NaN counts as improbable."""
    return [int(k) for k in np.argsort(-np.nan_to_num(probabilities, nan=-1), kind="stable")]


class OneClassExplorer(Explorer):
    """A picture and a class to choose; what is shown of them comes step by step.

    Those made from it say what is asked for (`_request`, a tuple that begins with network and image), compute
    it (`_steps`, in a thread) and show it (`_show`).
    """

    def __init__(self, network, image, layer, selection, samples, **traits):
        super().__init__(network, image, layer, selection, **traits)
        self._work = Progressive(self.show_error)
        self._ahead = Progressive(lambda error: None)  # told once somebody asks for it
        self._network = None  # whose classes are in the menus
        self._asked = None  # the newest request
        self.title = ipywidgets.HTML()
        self.images = ImagePicker(
            suited_samples(self.selection.network) if samples is None else samples,
            layout=ipywidgets.Layout(flex="1 1 300px", min_width="260px"),
        )
        self.classes = ClassPicker()

    def _top(self, *others):
        """The pickers in a row, that wraps on a narrow page."""
        layout = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 18px")
        top = ipywidgets.HBox([self.images, titled("Class", self.classes), *others], layout=layout)
        top.add_class("cw-explorer-top")
        return top

    def _start(self):
        """Show the selection, from the first moment on."""
        try:
            if self.selection.image is None:
                self.selection.image = self.images.image
            else:
                self.images.image = self.selection.image
            self._show_network()
            self._show_target()
            self._asked = self._request()
            self._show(next(self._steps(self._asked)))
        except BaseException:
            self.close()
            raise
        for widget, name in ((self.images, "image"), (self.classes, "target")):
            self.tell_selection(widget, name)
        self.watch(self._show_network, "network")
        self.watch(self._show_image, "image")
        self.watch(self._show_target, "target")
        self.watch(self._update, "network", "image", "layer", "target")
        self._begin()

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._work.done()
        await super().done()

    # What the selection says, in the widgets:

    @alone
    def _show_network(self, change=None):
        network = self.selection.network
        if self._network is network:
            return
        self._network = network
        self.title.value = headline(network)
        with self.quiet(), self.classes.hold_sync():
            self.classes.show((), classes=network.classes)
        self._list_network(network)

    def _list_network(self, network):
        """Fill in other menus."""

    def _show_image(self, change=None):
        with self.quiet():
            self.images.image = self.selection.image

    @alone
    def _show_target(self, change=None):
        target = self.selection.target
        if target is None:
            self.classes.follow = True
        elif self._network is self.selection.network:
            with self.quiet():
                self.classes.target = target

    def _wanted_target(self):
        """None where the most probable class is meant."""
        return None if self.classes.follow else self.selection.target

    @alone
    def _show_prediction(self, found, target):
        """Bars and target in the picker, and in the selection."""
        with self.quiet(), self.classes.hold_sync():
            follow = self.classes.follow
            self.classes.show(found.probabilities)
            self.classes.target = target
            self.classes.follow = follow
        if np.isfinite(found.probabilities).any():
            self.selection.target = target
        if not np.isfinite(found.probabilities).all():
            self.show_error(
                NetworkError(
                    "the scores of this picture are not all finite (NaN or infinity), so that these maps "
                    "mean nothing: look at the weights of the network"
                )
            )

    # Computing:

    @alone
    def _update(self, change=None):
        """Begin anew if something else is asked for than before."""
        if self._is_quiet or self.selection is None:
            return
        if self._network is not self.selection.network:
            return  # another network brings its own layer and class; its own change comes next
        request = self._request()
        if not same(request, self._asked):
            self._asked = request
            self._begin()

    def _begin(self):
        request = self._asked
        self._ahead.stop()
        self._work.submit(lambda: self._steps(request), self._show)

    def _begin_ahead(self, steps, show=lambda nothing: None):
        """Compute what may be asked for next; only where somebody may come, that is, not in a script."""
        if running_loop() is not None:
            self._ahead.submit(steps, show)

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is not None:  # neither closed already, nor never finished
            self._close()

    @alone
    def _close(self):
        self._work.close()
        self._ahead.close()
        super().close()
        self._asked = self._network = None


def same(request, other):
    """Whether two requests ask for the same: pictures and networks are compared by identity."""
    if request is None or other is None:
        return request is other
    return request[0] is other[0] and request[1] is other[1] and request[2:] == other[2:]


def titled(text, widget, **layout):
    """A widget under a heading, as wide as a third of the page or so."""
    layout = ipywidgets.Layout(flex="1 1 220px", min_width="200px", **layout)
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>{text}</b>"), widget], layout=layout)
