"""Which pictures are most alike: to the network, and in their pixels?"""

import ipywidgets
import numpy as np

from ..core import CnnWidgetsError, features
from ..core.representation.features import CLASSIFIER
from ..data import Toytown
from ..networks.bundled import BUNDLED
from ..widgets import LayerPicker, PictureRow, PictureRows, RetrievalControl
from .alone import alone
from .base import Explorer
from .progressive import Progressive
from .retrieval_pictures import PictureSet
from .retrieval_questions import Asked, Request, answered
from .retrieval_rows import row_of, tile_of, title_of
from .retrieval_search import KINDS, Progress, Search

GALLERY = 96
"""Pictures of a group that are offered."""
EVERYTHING, ASKED = "all classes", "asked before"


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
        super().__init__(network, layer=None if layer == CLASSIFIER else layer, selection=selection, **traits)
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
        self._asked = Asked()
        self._told_image = None  # what the selection's picture was set to
        self._waits = {}  # kind -> how far it is
        self.gallery.on_upload(lambda name, data: self.ask(data, name))
        try:
            self.control.metric, self.control.random, self.rows.k = metric, random, k
            self._listen()
            self._begin()
            wanted = self.selection.image if query is None else query
            if wanted is not None:
                self._asked.ask(wanted, "your picture", self._search.pictures)
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
        return self._asked.number

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
        self._asked.ask(query, name, self._search.pictures)
        self._tell_image()
        self._draw_gallery()
        self._ask()

    @alone
    def _choose(self, change):
        """By a click in the gallery, or on a neighbour."""
        if not self._is_quiet and change.new is not None and change.new != self.query:
            self.ask(change.new)

    @alone
    def _other_image(self, change):
        """Another explorer has chosen a picture."""
        if not self._is_quiet and change.new is not None and self._search is not None:
            self.ask(change.new)

    def _tell_image(self):
        """The picture asked for is that of the selection."""
        if self.query == self._told_image:
            return
        own = self._asked.own_of(self.query)
        picture = own.picture if own else self._search.pictures.picture(self.query)
        if picture is not None:
            self._told_image = self.query
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
            self._asked.move_to(self.selection.network)
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
        self.title.value = title_of(network, pictures)
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
        request, asked = self._request(), self._asked.the_one(self._search.pictures)
        if asked is None or not request.search.pictures.is_read:
            self._draw()
            return
        self._latest.submit(lambda: answered(request, asked), self._apply)

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
        self._asked.settle(self._search.pictures.n)
        self.title.value = title_of(self.selection.network, self._search.pictures)
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
        if self._answer is None:
            return {}
        asked = self._asked.the_one(self._search.pictures)
        return self._answer.found if self._answer.is_to(self._request(), asked) else {}

    def _draw_gallery(self):
        pictures, group = self._search.pictures, self.gallery.group
        if group == ASKED:
            numbers = self._asked.history[::-1][:GALLERY]
        elif group == EVERYTHING:
            numbers = pictures.gallery(None, GALLERY)
        else:
            numbers = pictures.gallery(pictures.names.index(group), GALLERY)
        tiles = [tile_of(self._asked, pictures, number) for number in numbers if number < pictures.n]
        with self.quiet(), self.gallery.hold_sync():
            self.gallery.show([PictureRow("gallery", tiles=tiles)] if tiles else [])
            self.gallery.chosen = self.query

    def _draw(self):
        """The rows, as far as they are known."""
        request, asked, found = self._request(), self._asked, self._found()
        pictures, waits = request.search.pictures, self._waits
        is_read = asked.the_one(pictures) is not None
        rows = [
            row_of(request, asked, kind, found.get(kind), waits.get(None) or waits.get(kind))
            for kind in request.kinds
        ]
        with self.quiet(), self.rows.hold_sync():
            self.rows.show(rows, tile_of(asked, pictures, self.query) if is_read else None)
            self.rows.chosen = self.query

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        self._work.close()
        super().close()
        self._search = self._answer = None
        self._asked, self._given = Asked(), (None, None, None)
