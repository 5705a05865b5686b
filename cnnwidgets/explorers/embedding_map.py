"""One of the maps of an embedding explorer: a space, laid out in the plane, with its numbers."""

import time
from collections import OrderedDict
from typing import NamedTuple

import ipywidgets
import numpy as np

from ..core import InputError
from ..widgets import EmbeddingScatter, MapControl
from ..widgets._progress import running_loop
from .alone import alone
from .embedding_numbers import numbers_of
from .embedding_runs import Landing, Look, Request, in_cells, landing, pca_look, tsne_looks
from .embedding_words import numbers_html, own_html
from .progressive import Progressive

KEPT = 6
"""Finished maps, to come back to at once."""
MORPH = 1.0
"""Seconds that points take to their places in another map."""
LIVE = 800
"""Up to so many pictures are put on a grid while t-SNE runs."""
GRID_PAUSE = 1.2
"""Seconds between two grids."""
NUMBERS_PAUSE = 0.5
"""Seconds between two tables of numbers."""
END = object()


class Placed(NamedTuple):
    """A map with the places where its pictures are shown, and those of one's own."""

    look: Look
    landed: Landing | None
    places: np.ndarray
    own: np.ndarray
    seconds: float
    on_grid: bool
    refused: Exception | None


class EmbeddingMap:
    """A control, a scatter and a table of numbers.

    Parameters
    ----------
    n_iterations : int
        Of t-SNE.
    **traits
        Of the `MapControl`.

    Attributes
    ----------
    control, scatter, table : widgets
    box : widget
        With all of them.
    projection : Projection or None
        What is shown; while t-SNE runs, as far as it has come.
    features : Features or None
        The vectors that it is made from.
    numbers : Numbers or None
        Of the finished map.
    """

    def __init__(self, n_iterations=750, **traits):
        self.n_iterations = n_iterations
        self.control = MapControl(**traits)
        self.scatter = EmbeddingScatter(width=430, height=360)
        self.table = ipywidgets.HTML(layout=ipywidgets.Layout(min_height="104px"))  # that nothing jumps
        self.own_words = ipywidgets.HTML()
        self.box = ipywidgets.VBox(
            [self.control, self.scatter, self.table, self.own_words],
            layout=ipywidgets.Layout(flex="1 1 380px", min_width="280px"),
        )
        self._work = Progressive(self._fail)
        self._spaces = None  # of the pictures that are wanted
        self._drawn = None  # the pictures that the scatter has
        self._look = self._landed = None  # what is shown
        self._on_grid = False
        self._told_at = 0.0  # when numbers were told last
        self._finished = OrderedDict()
        self._own = ()
        self._is_free = True  # whether nothing is at work
        self._is_quiet = False
        self.control.observe(self._changed, ["space", "method", "perplexity", "seed"])
        self.control.observe(self._other_places, "grid")
        self.control.on_again(self._again)

    @property
    def projection(self):
        return None if self._look is None else self._look.projection

    @property
    def features(self):
        return None if self._look is None else self._look.space.features

    @property
    def numbers(self):
        return None if self._look is None else self._look.numbers

    # What is wanted:

    @alone
    def set_spaces(self, spaces, space):
        """Show the pictures of these spaces from now on.

        Parameters
        ----------
        spaces : Spaces
        space : str
            The chosen one.
        """
        self._spaces = spaces
        self._finished.clear()
        self._is_quiet = True
        try:
            with self.control.hold_sync():
                self.control.spaces = spaces.names
                self.control.space = space
            if self._look is None:
                self.scatter.title, self.scatter.caption = space, "on its way …"
        finally:
            self._is_quiet = False
        self._begin()

    @alone
    def set_own(self, pictures):
        """Let these pictures of one's own land in the map, and no others.

        Parameters
        ----------
        pictures : sequence of Own
        """
        self._own = tuple(pictures)
        if not self._own:
            self._take_away()
            self._landed = None
        if self._is_free:
            self._rearrange()

    def _changed(self, change):
        if not self._is_quiet and self._spaces is not None:
            self._begin()

    def _again(self):
        if self._spaces is not None:
            self._finished.pop(self._request(), None)
            self._begin()

    @alone
    def _other_places(self, change):
        if self._is_free:
            self._rearrange()

    def _rearrange(self):
        look = self._look
        if look is not None:
            self._submit(lambda: self._arrange(look))

    def _request(self):
        control = self.control
        settings = (control.perplexity, control.seed) if control.method == "tsne" else (0.0, 0)
        return Request(self._spaces, control.space, control.method, *settings, self.n_iterations)

    @alone
    def _begin(self):
        control = self.control
        with control.hold_sync():
            control.stopping = control.paused = False
            control.error = ""
        request, may_pause = self._request(), running_loop() is not None
        self._submit(lambda: self._steps(request, may_pause))

    def _submit(self, steps):
        self._is_free = False
        self._work.submit(steps, self._show)

    async def done(self):
        """Wait until everything that was asked for is computed and shown; what is paused goes on."""
        self.control.paused = False  # a cell that waits may keep the button from being heard
        await self._work.done()

    def close(self):
        """Stop all work and free the vectors. The widgets are closed by whoever has them."""
        self._work.close()
        self._spaces = self._drawn = self._look = self._landed = None
        self._finished.clear()
        self._own = ()

    # In the thread, where no widget is touched but the control, which is told how far the work is:

    def _steps(self, request, may_pause):
        tell, control = self._work.tell, self.control

        def progress(done, total):
            tell(None)
            if total:
                control.progress(done, total)

        space = request.spaces.get(request.space, control.begin, progress)
        n = len(space.features)
        request = request._replace(perplexity=min(request.perplexity, largest_perplexity(n)))
        yield n
        look = self._finished.get(request)
        if look is None:
            for look in self._looks(request, space, may_pause):
                yield self._live(look)
            look = look._replace(numbers=numbers_of(space, look.projection.points, request.spaces.pictures))
            if request.method == "pca" or look.projection.settings["n_iterations"] == self.n_iterations:
                self._finished[request] = look
                while len(self._finished) > KEPT:
                    self._finished.popitem(last=False)
        yield from self._arrange(look, may_pause)

    def _looks(self, request, space, may_pause):
        """PCA first, also where t-SNE is wanted: it is there at once."""
        shown = self._look
        if request.method == "pca" or shown is None or shown.space is not space:
            self.control.begin("PCA")
            yield pca_look(request, space)
            if request.method == "pca":
                return
            self._wait(MORPH, may_pause)
        yield from tsne_looks(request, space, self.control, self._work.tell, may_pause)

    def _live(self, look):
        """What is shown of a map on its way; None of one that comes too early to be put on a grid."""
        is_first, now, on_grid = look.projection.method == "pca", time.monotonic(), self.control.grid
        if on_grid and not is_first and (len(look.space.features) > LIVE or now - self._told_at < GRID_PAUSE):
            return look.caption
        if now - self._told_at >= NUMBERS_PAUSE and not is_first:
            self._told_at = now
            numbers = numbers_of(look.space, look.projection.points, look.request.spaces.pictures, False)
            look = look._replace(numbers=numbers)
        return self._placed(look, None, MORPH if is_first or on_grid else 0.0)

    def _arrange(self, look, may_pause=False):
        """Put a finished map in its places, and pictures of one's own into it."""
        own, landed = self._own, self._landed
        if landed is not None and (landed.pictures != own or self._look is not look):
            landed = None
        if landed is not None or not own or self._look is not look:
            yield self._placed(look, landed, MORPH)
        if own and landed is None:
            if self._look is not look:
                self._wait(MORPH, may_pause)
            yield self._placed(look, landing(look, own), MORPH)
        done = look.projection.settings.get("n_iterations", self.n_iterations)
        self.control.finish(f"stopped after {done:,} iterations" if done < self.n_iterations else "")
        yield END

    def _wait(self, seconds, may_pause):
        until = time.monotonic() + seconds
        while may_pause and time.monotonic() < until:
            self._work.tell(None)
            time.sleep(0.02)

    def _placed(self, look, landed, seconds):
        own = np.empty((0, 2)) if landed is None else landed.points
        places, refused = (look.projection.points, own), None
        on_grid = self.control.grid
        if on_grid:
            try:
                places = in_cells(look, landed)
            except InputError as error:  # too many
                refused = error
        return Placed(look, landed, *places, seconds, on_grid, refused)

    # On the loop:

    @alone
    def _show(self, news):
        if isinstance(news, Placed):
            self._show_places(news)
        elif isinstance(news, str):
            self.scatter.caption = news
        elif news is END:
            self._is_free = True
            waiting = self._landed.pictures if self._landed is not None else ()
            if self._own != waiting or self.control.grid != self._on_grid:
                self._rearrange()
        else:
            self._show_number(news)

    def _show_number(self, n):
        """How many pictures there are: now it is known which perplexity is possible."""
        self._is_quiet = True
        try:
            self.control.most = largest_perplexity(n)
        finally:
            self._is_quiet = False

    def _show_places(self, placed):
        look, scatter = placed.look, self.scatter
        pictures, labels = look.request.spaces.pictures, None
        with scatter.hold_sync():
            scatter.title = f"{look.request.space} ({look.space.note})"
            scatter.caption, scatter.error = look.caption, ""
            if self._drawn is not pictures:
                labels = pictures.labels if len(pictures.names) else None
                scatter.show(
                    placed.places,
                    labels,
                    names=pictures.names,
                    thumbnails=pictures.thumbnails,
                    sources=pictures.sources,
                )
                self._drawn = pictures
        if placed.landed is None or placed.landed is not self._landed:
            self._take_away()
        if placed.landed is not None and placed.landed is not self._landed:
            self._let_land(placed)
        places = np.concatenate([placed.places, placed.own])
        if labels is None and not np.array_equal(places.astype(np.float32), scatter.points):
            if placed.seconds:
                scatter.morph(places, placed.seconds)
            else:
                scatter.update(places)
        if placed.on_grid != self._on_grid:
            scatter.show_images = "always" if placed.on_grid else "zoom"
        self._look, self._landed, self._on_grid = look, placed.landed, placed.on_grid
        if look.numbers is not None:
            self.table.value = numbers_html(look.numbers, pictures.n)
        if placed.refused is not None:
            self._on_grid = self.control.grid = False
            scatter.show_images = "zoom"
            self.control.show_error(placed.refused)

    def _take_away(self):
        """Pictures of one's own, and what is told of them."""
        if self.scatter.added:
            self.scatter.remove_added()
        if self._landed is not None:
            self.scatter.highlighted = []
        self.own_words.value = ""

    def _let_land(self, placed):
        landed, pictures = placed.landed, placed.look.request.spaces.pictures
        self.scatter.add(
            placed.own,
            thumbnails=[each.thumbnail for each in landed.pictures],
            sources=[each.name for each in landed.pictures],
        )
        self.scatter.highlighted = np.unique(landed.neighbours).tolist()
        self.own_words.value = own_html(landed, pictures)

    def _fail(self, error):
        """An exception in the newest work: a map of another space than the chosen one is taken away."""
        self._is_free = True
        self.control.finish("")
        self.control.show_error(error)
        if self._look is None or self._look.request.space != self.control.space:
            self.scatter.clear()
            with self.scatter.hold_sync():
                self.scatter.title = self.scatter.caption = self.table.value = self.own_words.value = ""
            self._look = self._landed = self._drawn = None


def largest_perplexity(n):
    """Of so many points."""
    return max(1.0, (n - 1) // 3)
