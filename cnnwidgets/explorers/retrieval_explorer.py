"""Which pictures are most alike: to the network, and in their pixels?"""

from html import escape
from typing import Any, NamedTuple

import ipywidgets
import numpy as np

from ..core import CnnWidgetsError, InputError, features
from ..core.representation.features import CLASSIFIER
from ..data import Toytown, read_image
from ..networks.bundled import BUNDLED
from ..widgets import LayerPicker, PictureRow, PictureRows, RetrievalControl, Tile
from .alone import alone
from .base import Explorer
from .progressive import Progressive
from .retrieval_pictures import OwnPicture, PictureSet
from .retrieval_search import KINDS, Progress, Search
from .retrieval_space import precision_at
from .retrieval_words import told_of

GALLERY = 96
"""Pictures of a group that are offered."""
EVERYTHING, ASKED = "all classes", "asked before"
TITLES = {"features": "Feature space", "pixels": "Pixel space", "random": "Random network"}
METRICS = {"l2": "L2", "cosine": "cosine"}


class Request(NamedTuple):
    """What neighbours depend on, but for the picture."""

    search: Search
    layer: str | None  # None for the vector before the classifier
    metric: str
    kinds: tuple


class Answer(NamedTuple):
    """The neighbours of a picture, by kind of space; or why there are none."""

    request: Request
    asked: Any
    found: dict


class RetrievalExplorer(Explorer):
    """Click a picture, and see its nearest neighbours in feature space and in pixel space.

    Neighbours of the same class have a tick, others a cross. *Precision at k*, the share that has a tick, is
    told for the picture that was asked for, and for all pictures. A click on a neighbour asks for its
    neighbours; and so do pictures of your own, which are uploaded, dropped or pasted.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    images : anything that ``cnnwidgets.core.features`` takes, optional
        What is searched. By default 600 pictures of Toytown's test split, 50 of each class; 240 for a network
        that does not come with this package.
    labels : sequence of int or str, optional
        Class of each picture. By default what the dataset says: its ``labels`` or ``targets``, or the folder
        that a file is in. Without any, there is no precision.
    names : sequence of str, optional
        Names of the classes.
    layer : str, optional
        The vector before the classifier if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of network and layer. Its picture is asked for.
    query : int or anything that ``cnnwidgets.data.read_image`` takes, optional
        What is asked for: one of the pictures by its number, or another one. The first if not given.
    k : int
        How many neighbours are shown.
    metric : {"l2", "cosine"}
    random : bool
        Whether neighbours by a random network of the same shape are shown as well.
    pool : {"mean", "max", "flatten"}
        How the maps of a layer become a vector.

    Raises
    ------
    InputError
        If there are no such pictures, or labels do not fit.
    LayerError
        For a layer that the network does not have.

    Attributes
    ----------
    gallery, layers, control, rows : widgets
        Two `PictureRows`, a `LayerPicker` and a `RetrievalControl`.
    selection : Selection
        Network, layer, and the picture that is asked for; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> from cnnwidgets.data import Toytown
    >>> explorer = RetrievalExplorer("toynet", Toytown("test", length=60), query=5, k=3)
    >>> explorer.neighbours["features"].indices[:3].tolist()
    [17, 29, 41]
    >>> print(explorer.told["features"])
    All 3 are of its class, clock. ...
    """

    _arguments = "network, images, labels, names, layer, selection, query, k, metric, random or pool"

    def __init__(
        self,
        network=None,
        images=None,
        labels=None,
        names=None,
        layer=None,
        selection=None,
        query=None,
        k=10,
        metric="l2",
        random=False,
        pool="mean",
        **traits,
    ):
        super().__init__(network, None, None if layer == CLASSIFIER else layer, selection, **traits)
        self.title = ipywidgets.HTML()
        self.gallery = PictureRows(
            can_count=False, wrap=False, can_upload=True, can_draw_lots=True, size=64, title="Ask for"
        )
        self.layers = LayerPicker()
        self.control = RetrievalControl()
        self.rows = PictureRows()
        self.children = [self.title, self.gallery, self.layers, self.control, self.rows]
        self._given, self._pool = (images, labels, names), pool
        self._is_usual_layer = layer in (None, CLASSIFIER)
        self._work = Progressive(self.show_error)
        self._search = self._answer = None
        self._own, self._history, self._asked = [], [], 0
        self._told_image = None  # what the selection's picture was set to
        self._waits = {}  # kind -> how far it is
        self.gallery.on_upload(lambda name, data: self.ask(data, name))
        try:
            self.control.metric, self.control.random, self.rows.k = metric, random, k
            self._listen()
            self._begin()
            wanted = self.selection.image if query is None else query
            if wanted is not None:
                self._note_asked(wanted)
            self._tell_image()
            self._update()
        except BaseException:
            self.close()
            raise

    def _listen(self):
        for widget in (self.gallery, self.rows):
            widget.observe(self._choose, "chosen")
        self.gallery.observe(self._other_group, "group")
        self.layers.observe(self._choose_layer, "layer")
        self.control.observe(self._other_metric, ["metric", "random"])
        self.watch(self._other_network, "network")
        self.watch(self._other_layer, "layer")
        self.watch(self._other_image, "image")

    def show_error(self, error):
        """Show an exception above the neighbours."""
        self.rows.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._work.done()
        await super().done()

    # What was found, for students:

    @property
    def neighbours(self):
        """By kind of space (``"features"``, ``"pixels"``, ``"random"``) the neighbours of the picture asked
        for: their numbers and distances, nearest first."""
        return {kind: each for kind, each in self._found().items() if not isinstance(each, Exception)}

    @property
    def precision(self):
        """By kind of space the mean precision over all pictures, at 1, 2, … neighbours; where it is known."""
        request = self._request()
        found = {kind: self._search.precision(kind, request.layer, request.metric) for kind in request.kinds}
        return {kind: each for kind, each in found.items() if each is not None}

    @property
    def vectors(self):
        """By kind of space the vectors of all pictures, (n, d)."""
        request = self._request()
        found = {kind: self._search.space(kind, request.layer) for kind in request.kinds}
        return {kind: each.vectors.numpy() for kind, each in found.items() if each is not None}

    @property
    def told(self):
        """By kind of space what is told of the neighbours that are shown."""
        return {row.key: row.message or row.told_of(self.rows.k) for row in self.rows.rows}

    @property
    def labels(self):
        """Class of each picture, -1 for none; None if no classes are known."""
        return self._search.pictures.labels

    @property
    def query(self):
        """What is asked for: the number of one of the pictures; of your own ones -1 for the first, -2 …"""
        return self._asked

    # What is asked for:

    @alone
    def ask(self, query, name="your picture"):
        """Ask for the neighbours of a picture.

        Parameters
        ----------
        query : int or anything that ``cnnwidgets.data.read_image`` takes
            One of the pictures by its number, or another one.
        name : str
            What another one is called.

        Raises
        ------
        InputError
            If there is no such number.
        ImageError
            If it cannot be read.
        """
        self._note_asked(query, name)
        self._tell_image()
        self._draw_gallery()
        self._ask()

    def _note_asked(self, query, name="your picture"):
        pictures = self._search.pictures
        if isinstance(query, int | np.integer) and not isinstance(query, bool):
            query = int(query)
            last = pictures.n if pictures.is_read else pictures.total
            if query < -len(self._own) or (last is not None and query >= last):
                raise InputError(f"there is no picture {query}: they have the numbers 0 to {last - 1}")
        else:
            own = OwnPicture(self.selection.network, read_image(query), name)
            self._own.append(own)
            query = -len(self._own)
        self._asked = query
        self._history = [each for each in self._history if each != query] + [query]

    def _the_asked(self):
        """The picture that is asked for: its place, or an `OwnPicture`; None if it is still to be read."""
        if self._asked < 0:
            return self._own[-self._asked - 1]
        return self._asked if self._asked < self._search.pictures.n else None

    @alone
    def _choose(self, change):
        """By a click in the gallery, or on a neighbour."""
        if not self._is_quiet and change.new is not None and change.new != self._asked:
            self.ask(change.new)

    @alone
    def _other_image(self, change):
        """Another explorer has chosen a picture."""
        if not self._is_quiet and change.new is not None and self._search is not None:
            self.ask(change.new)

    def _tell_image(self):
        """The picture asked for is that of the selection."""
        if self._asked == self._told_image:
            return
        own = self._own[-self._asked - 1] if self._asked < 0 else None
        picture = own.picture if own else self._search.pictures.picture(self._asked)
        if picture is not None:
            self._told_image = self._asked
            with self.quiet():
                self.selection.image = picture

    # What else is chosen:

    @alone
    def _choose_layer(self, change):
        if self._is_quiet:
            return
        self._is_usual_layer = change.new == CLASSIFIER
        if not self._is_usual_layer:
            with self.quiet():
                self.selection.layer = change.new
        self._update()

    @alone
    def _other_layer(self, change):
        """Another explorer has chosen a layer."""
        if self._is_quiet or self._search is None or self._search.network is not self.selection.network:
            return
        self._is_usual_layer = False
        with self.quiet():
            self.layers.layer = change.new
        self._update()

    @alone
    def _other_metric(self, change):
        self._update()

    @alone
    def _other_group(self, change):
        if not self._is_quiet:
            self._draw_gallery()

    @alone
    def _other_network(self, change):
        if self._search is None or self._search.network is self.selection.network:
            return
        try:
            network = self.selection.network
            self._own = [OwnPicture(network, each.picture, each.name) for each in self._own]
            self._begin()
            self._update()
        except Exception as error:
            self.show_error(error)

    # Computing:

    def _begin(self):
        network = self.selection.network
        images, labels, names = self._given
        n = 600 if network.name in BUNDLED else 240
        images = Toytown("test", length=n) if images is None else images
        pictures = PictureSet(network, images, labels, names)
        self._search = Search(network, pictures, self._pool)
        self._answer, self._waits = None, {}
        self._list_layers(network)
        self._tell_title()
        with self.quiet():
            self.gallery.groups = (
                [EVERYTHING, *pictures.names, ASKED] if pictures.names else [EVERYTHING, ASKED]
            )
            self.gallery.group = EVERYTHING
        self._draw()

    def _list_layers(self, network):
        layers = [each for each in network.layers if len(each.output_shape) in (1, 3)]
        try:
            x = network.read(np.zeros((8, 8, 3), np.uint8))
            size = features(network, x).vectors.shape[1]
        except CnnWidgetsError:  # there is no vector before a classifier, or it is not finite
            chosen = self.selection.layer
        else:
            usual = {"name": CLASSIFIER, "kind": "vector", "output_shape": (size,)}
            layers = [usual, *layers]
            chosen = CLASSIFIER if self._is_usual_layer else self.selection.layer
        with self.quiet(), self.layers.hold_sync(), self.layers.hold_trait_notifications():
            self.layers.layers = layers
            self.layers.layer = chosen

    def _request(self):
        layer = self.layers.layer
        kinds = KINDS if self.control.random else KINDS[:2]
        return Request(self._search, None if layer == CLASSIFIER else layer, self.control.metric, kinds)

    @alone
    def _update(self):
        """Compute what is missing for what is chosen now."""
        if self._search is None:
            return
        search, layer, metric, kinds = self._request()
        self.rows.error = ""
        self._work.submit(lambda: search.steps(kinds, layer, metric), self._show)
        self._ask()

    def _ask(self):
        """Find the neighbours of the picture, in the spaces that are there."""
        request, asked = self._request(), self._the_asked()
        if asked is None or not request.search.pictures.is_read:
            self._draw()
            return
        self._latest.submit(lambda: _answered(request, asked), self._apply)

    @alone
    def _show(self, news):
        if isinstance(news, Progress):
            self._waits[news.kind] = news.text
            if not self.gallery.rows and self._search.pictures.n:  # the first ones
                self._draw_gallery()
            self._draw()
            return
        if news.kind is None:  # all pictures are read
            self._settle()
        self._waits.pop(news.kind, None)
        self._ask()

    def _settle(self):
        """All pictures are read."""
        if self._asked >= self._search.pictures.n:  # some cannot be read
            self._asked = 0
        self._history = self._history or [self._asked]
        self._tell_title()
        self._tell_image()
        self._draw_gallery()

    @alone
    def _apply(self, answer):
        self._answer = answer
        if self._found():
            self._draw()

    # Showing:

    def _found(self):
        """What was found for what is chosen now."""
        if self._answer is None or self._answer.asked != self._the_asked():
            return {}
        return self._answer.found if self._answer.request[:3] == self._request()[:3] else {}

    def _tell_title(self):
        network, pictures = self.selection.network, self._search.pictures
        parts = [f"<b>{escape(network.title)}</b>"]
        n = pictures.n if pictures.is_read else pictures.total
        if n is not None:
            told = f"searches {n:,} pictures"
            told += f" of {len(pictures.names)} classes" if pictures.names else ""
            parts.append(f"<span class='cw-note'>{told}</span>")
        if pictures.skipped:
            why = next(iter(pictures.skipped.values()))
            parts.append(
                f"<span class='cw-note'>{len(pictures.skipped):,} cannot be read: {escape(why)}</span>"
            )
        self.title.value = " · ".join(parts)

    def _draw_gallery(self):
        pictures, group = self._search.pictures, self.gallery.group
        if group == ASKED:
            places = self._history[::-1][:GALLERY]
        elif group == EVERYTHING:
            places = pictures.gallery(None, GALLERY)
        else:
            places = pictures.gallery(pictures.names.index(group), GALLERY)
        tiles = [self._tile(place) for place in places if place < pictures.n]
        with self.quiet(), self.gallery.hold_sync():
            self.gallery.show([PictureRow("gallery", tiles=tiles)] if tiles else [])
            self.gallery.chosen = self._asked

    def _tile(self, place, value=None, mark=None):
        if place < 0:
            own = self._own[-place - 1]
            return Tile(own.code, place, own.name, value, mark, "")
        pictures = self._search.pictures
        labels, source = pictures.labels, pictures.sources[place]
        named = labels is not None and labels[place] >= 0
        label = pictures.names[labels[place]] if named else source
        return Tile(pictures.codes[place], place, label, value, mark, source)

    def _draw(self):
        """The rows, as far as they are known."""
        asked = self._the_asked()
        with self.quiet(), self.rows.hold_sync():
            query = None if asked is None else self._tile(self._asked)
            self.rows.show([self._row(kind) for kind in self._request().kinds], query)
            self.rows.chosen = self._asked

    def _row(self, kind):
        request, found = self._request(), self._found().get(kind)
        heading = kind, TITLES[kind], self._note(kind, request)
        if found is None or isinstance(found, Exception):
            waits = self._waits.get(None) or self._waits.get(kind) or "computing …"
            why = request.search.refused(kind, request.layer) or str(found or waits)
            return PictureRow(*heading, message=why)
        pictures, label = request.search.pictures, self._label()
        labels = pictures.labels
        near = np.full(len(found.indices), -1) if labels is None else labels[found.indices]
        knows = label is not None
        tiles = [
            self._tile(int(place), float(distance), bool(other == label) if knows else None)
            for place, distance, other in zip(found.indices, found.distances, near, strict=True)
        ]
        if labels is None:
            return PictureRow(*heading, tiles, "No classes are known of these pictures, and so no precision.")
        if not knows:
            return PictureRow(*heading, tiles, told_of(near, None, pictures.names, pictures.n))
        if (labels == label).all():
            return PictureRow(
                *heading, tiles, "All pictures are of one class, so that precision says nothing."
            )
        mean = request.search.precision(kind, request.layer, request.metric)
        chance = (np.sum(labels == label) - 1) / (len(labels) - 1)
        told = told_of(near, label, pictures.names, pictures.n, mean, chance)
        return PictureRow(*heading, tiles, told, precision_at(near == label), () if mean is None else mean)

    def _label(self):
        """Class of the picture that is asked for; None if it is not known."""
        labels = self._search.pictures.labels
        if labels is None or self._asked < 0 or labels[self._asked] < 0:
            return None
        return int(labels[self._asked])

    def _note(self, kind, request):
        space = request.search.space(kind, request.layer)
        parts = []
        if kind != "pixels":
            where = request.layer or CLASSIFIER
            has_maps = request.layer and len(self.selection.network.layer(request.layer).output_shape) == 3
            pooled = {"mean": "mean of each map", "max": "maximum of each map", "flatten": "all values"}
            parts.append(f"{where}, {pooled[self._pool]}" if has_maps else where)
        elif request.search.pictures.factor > 1:
            factor = request.search.pictures.factor
            parts.append(f"averaged over {factor} × {factor} pixels")
        if space is not None:
            parts.append(f"{space.vectors.shape[1]:,} numbers")
        return " · ".join([*parts, f"distance {METRICS[request.metric]}"])

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        self._work.close()
        super().close()
        self._search = self._answer = None
        self._own, self._given = [], (None, None, None)


def _answered(request, asked):
    """Runs in a thread: the neighbours in the spaces that are there."""
    found = {}
    for kind in request.kinds:
        if request.search.space(kind, request.layer) is None:
            continue
        try:
            found[kind] = request.search.near(kind, request.layer, request.metric, asked)
        except CnnWidgetsError as error:
            found[kind] = error
    return Answer(request, asked, found)
