"""Two pictures that look the same, and two classes: fooling a network."""

import time

import ipywidgets
import numpy as np
import torch

from ..widgets import ChangeViewer, ClassPicker, FoolingControl, ImagePicker, PictureChange
from ..widgets._changes import percentage
from ..widgets._progress import running_loop
from .alone import alone
from .base import Explorer, headline
from .fooling_facts import SCALES, grey_levels, told
from .fooling_search import Looked, Request, Searching, search_steps
from .gallery import suited_samples
from .one_class import same, titled
from .progressive import Progressive

FIRST_LOOK = 1.0
"""Seconds that the very first search may take before the cell goes on without it."""
SHORTER = 30
"""Steps about that make a change shorter once it fools."""


class FoolingExplorer(Explorer):
    """Choose a picture and a wrong class, and see the smallest change found that makes a network believe it.

    Before, the change magnified, and after stand side by side, with what the network says of both; a slider
    lets the change grow from nothing, and curves tell when the network gives in. It is said how large the
    change is, whether it survives being saved as a picture, and what mere noise of the same size does:
    nothing, mostly.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    selection : Selection, optional
        Share network and picture of another explorer; instead of the two above. The wrong class is this
        explorer's own.
    target : int, optional
        The class it is to be taken for; the least probable one if not given.
    confidence : float
        Probability that it shall have; 0 where it need only be the most probable.
    n_steps : int
        At most, until the border to that class is crossed.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.

    Attributes
    ----------
    images, classes, control, viewer : widgets
        The `ImagePicker`, the `ClassPicker` of the wrong class, `FoolingControl` and `ChangeViewer` inside.
    found : FoolingStep or None
        The smallest change found, or the last one tried (``found.is_fooled``): ``found.image``, ``.change``.
    facts : Facts or None
        What was measured of it.
    selection : Selection
        Network and picture; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = FoolingExplorer("toynet", target=3)
    >>> explorer.found.is_fooled, explorer.found.probability >= 0.9
    (True, True)
    """

    _arguments = "network, image, selection, target, confidence, n_steps or samples"

    def __init__(
        self,
        network=None,
        image=None,
        selection=None,
        target=None,
        confidence=0.9,
        n_steps=50,
        samples=None,
        **traits,
    ):
        if "layer" in traits:  # which other explorers have
            raise TypeError(f"FoolingExplorer has no argument 'layer': give {self._arguments}")
        super().__init__(network, image, None, selection, **traits)
        self._work = Progressive(self.show_error)
        self._network = self._asked = self._looked_at = self.found = self.facts = None
        self._n_steps, self._target = n_steps, target
        self.title = ipywidgets.HTML()
        self.images = ImagePicker(
            suited_samples(self.selection.network) if samples is None else samples,
            layout=ipywidgets.Layout(flex="1 1 300px", min_width="260px"),
        )
        self.classes = ClassPicker(follow=False, can_follow=False)
        self.control = FoolingControl()
        self.viewer = ChangeViewer()
        layout = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 18px")
        top = ipywidgets.HBox([self.images, titled("To be taken for", self.classes)], layout=layout)
        top.add_class("cw-explorer-top")
        self.children = [self.title, top, self.control, self.viewer]
        try:
            self.control.confidence = confidence
            if self.selection.image is None:
                self.selection.image = self.images.image
            else:
                self.images.image = self.selection.image
            self._show_network()
            if target is not None:
                with self.quiet():
                    self.classes.target = target
            self._asked = self._request()
            self._begin(is_first=True)
        except BaseException:
            self.close()
            raise
        self.tell_selection(self.images, "image")
        self.classes.observe(self._choose_target, "target")
        self.control.observe(self._update, "confidence")
        self.watch(self._show_network, "network")
        self.watch(self._show_image, "image")
        self.watch(self._update, "network", "image")

    def show_error(self, error):
        """Show an exception above the pictures."""
        self.control.finish("")
        if self._looked_at is not self._asked:  # what is seen belongs to what was chosen before
            self.viewer.clear()
        self.viewer.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._work.done()
        await super().done()

    # What is chosen:

    @property
    def target(self):
        """The class it is to be taken for; set it to another."""
        return self.classes.target

    @target.setter
    def target(self, target):
        self.classes.target = target

    @alone
    def _show_network(self, change=None):
        network = self.selection.network
        if self._network is network:
            return
        if self._network is not None:
            self._target = None  # it was a class of the one before
        self._network = network
        self.title.value = headline(network)
        with self.quiet(), self.classes.hold_sync():
            self.classes.show((), classes=network.classes)
            self.classes.follow = False

    def _show_image(self, change=None):
        with self.quiet():
            self.images.image = self.selection.image

    @alone
    def _choose_target(self, change):
        if not self._is_quiet:
            self._target = change.new
            self._update()

    def _request(self):
        chosen = self.selection
        return Request(chosen.network, chosen.image, self._target, self.control.confidence)

    @alone
    def _update(self, change=None):
        """Begin anew if something else is asked for than before."""
        if self._is_quiet or self.selection is None or self._network is not self.selection.network:
            return
        request = self._request()
        if not same(request, self._asked):
            self._asked = request
            self._begin()

    # Computing:

    def _begin(self, is_first=False):
        request, self.found, self.facts = self._asked, None, None
        self.viewer.error = ""
        self.control.begin(self._n_steps + SHORTER)
        steps = search_steps(request, self._n_steps, lambda: self.control.stopping)
        if is_first:  # what is displayed shall show something from the start
            self._show(next(steps))
            if running_loop() is not None and self._is_done_soon(steps):
                return
        self._work.submit(lambda: steps, self._show)

    def _is_done_soon(self, steps):
        """Search here and now, for a moment."""
        end = time.perf_counter() + FIRST_LOOK
        try:
            for news in steps:
                self._show(news)
                if time.perf_counter() > end:
                    return False
        except Exception as error:
            self.show_error(error)
        return True

    # Showing:

    @alone
    def _show(self, news):
        if news is None:
            return
        looked = news if isinstance(news, Looked) else news.looked
        if looked.request is not self._asked:  # another thread has asked for something else, or closed it
            return
        self._looked_at = looked.request
        if isinstance(news, Looked):
            self._show_looked(news)
        elif isinstance(news, Searching):
            self._show_searching(news)
        else:
            self._show_found(news)

    def _show_looked(self, looked):
        with self.quiet(), self.classes.hold_sync():
            self.classes.show(looked.before)
            self.classes.target = looked.target
        nothing = np.zeros((3, *looked.picture.shape[:2]), np.float32)
        with self.viewer.hold_sync():
            self.viewer.classes = list(looked.request.network.classes)
            self.viewer.facts, self.viewer.search = [], ()
            self._draw(looked, [PictureChange("The change", nothing, [looked.before] * 2)], (0, 1))

    def _show_searching(self, news):
        looked, step = news.looked, news.step
        rows = [looked.before, news.probabilities]
        levels = grey_levels(looked.request.network, step.change)
        with self.viewer.hold_sync():
            self.viewer.search = np.ravel(news.sizes)
            self._draw(looked, [PictureChange("The change so far", levels, rows)], (0, 1))
        name = looked.request.network.classes[looked.target]
        self.control.progress(len(news.sizes), message=f"{name} {percentage(step.probability)}")

    def _show_found(self, news):
        looked, step, sizes, facts, message = news
        network = looked.request.network
        self.found, self.facts = step, facts
        name = "The change found" if step.is_fooled else "The last change tried"
        changes = [PictureChange(name, grey_levels(network, step.change), facts.grown)]
        if step.change.any():
            noise = grey_levels(network, facts.noise)
            changes.append(PictureChange("Noise of the same size", noise, facts.noise_grown))
        norms = step.norm, float(torch.linalg.vector_norm(looked.x))
        with self.viewer.hold_sync():
            self._draw(looked, changes, SCALES)
            self.viewer.search = np.ravel(sizes)
            self.viewer.facts = told(
                facts, network.classes, looked.present, looked.target, norms, step.is_fooled
            )
        self.control.finish(message)

    def _draw(self, looked, changes, scales):
        self.viewer.show(looked.picture, changes, scales, (looked.present, looked.target))

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is not None:  # neither closed already, nor never finished
            self._close()

    @alone
    def _close(self):
        self._work.close()
        super().close()
        self._asked = self._looked_at = self._network = self.found = self.facts = None
