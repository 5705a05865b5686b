"""The space in which a network sees: two maps of the same pictures, side by side."""

import ipywidgets
import numpy as np
from PIL import Image

from ..core import LayerError
from ..core.representation.features import CLASSIFIER, PIXELS
from ..data import read_image
from ..widgets import ImagePicker, NameChips
from .alone import alone
from .base import Explorer, headline
from .embedding_map import EmbeddingMap
from .embedding_pictures import MapPictures
from .embedding_runs import Own
from .embedding_spaces import Spaces
from .embedding_words import strip_html, strip_words, told_numbers
from .gallery import suited_samples

SIDES = ("Left", "Right")
LINKED = ("hovered", "selected", "hidden", "tool")


class EmbeddingExplorer(Explorer):
    """Two maps of the same pictures in two spaces: what is near in raw pixels, and what to the network?

    A point under the pointer lights up in both maps; so do selected ones. t-SNE runs live, can be paused and
    begins anew with each perplexity. Pictures of one's own land beside their neighbours.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    images : anything that ``cnnwidgets.core.features`` takes and that can be gone through twice, optional
        600 Toytown pictures if not given.
    labels : sequence of int or str, optional
        A class for each image, -1 for none; by default what a dataset or pairs (image, label) say.
    names : sequence of str, optional
        Of the classes; by default what a dataset says.
    spaces : (str, str)
        Of the left and the right map: ``"pixels"``, the name of a layer, or ``"before the classifier"``.
    methods : (str, str)
        ``"pca"`` or ``"tsne"``, of each.
    layer : str, optional
        Of the right map, instead of its space.
    selection : Selection, optional
        Share the choices of another explorer; instead of network and layer.
    perplexity : float
        Of both, at first.
    n_iterations : int
        Of t-SNE.
    seed : int
    samples : mapping of name to picture, optional
        Pictures that can be let land; those that come with the package if not given.

    Raises
    ------
    InputError
        If there are no such images, or they can be gone through only once.
    ValueError
        If labels do not fit.
    LayerError
        For a space that there is not.

    Attributes
    ----------
    left, right : EmbeddingMap
        Each with ``control``, ``scatter``, ``projection``, ``features`` and ``numbers``.
    maps : tuple of both
    features, projections, numbers : tuples of two
        Of both maps; None until there are any.
    images, added : widgets
        The `ImagePicker` of pictures that land in the maps, and the `NameChips` of those that have.
    selection : Selection
        The network; the layer, if the right map shows one; and the picture, if one is selected.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> from cnnwidgets.data import Toytown
    >>> town = Toytown("test", length=60)
    >>> explorer = EmbeddingExplorer("toynet", images=town, methods=("pca", "pca"))
    >>> [projection.points.shape for projection in explorer.projections]
    [(60, 2), (60, 2)]
    >>> explorer.right.features.vectors.shape
    (60, 256)
    >>> explorer.right.control.space = "conv3"
    >>> explorer.add(Toytown("transfer")[0], "my truck")
    >>> explorer.right.scatter.added
    [60]
    """

    _arguments = (
        "network, images, labels, names, spaces, methods, layer, selection, perplexity, n_iterations, seed "
        "or samples"
    )

    def __init__(
        self,
        network=None,
        images=None,
        labels=None,
        names=None,
        spaces=(PIXELS, CLASSIFIER),
        methods=("tsne", "tsne"),
        layer=None,
        selection=None,
        perplexity=30.0,
        n_iterations=750,
        seed=0,
        samples=None,
        **traits,
    ):
        super().__init__(network, layer=layer, selection=selection, **traits)
        self.title = ipywidgets.HTML()
        common = {"n_iterations": n_iterations, "seed": seed, "perplexity": float(perplexity)}
        common["most"] = max(500.0, float(perplexity))  # until it is known how many pictures there are
        self.left, self.right = (EmbeddingMap(method=method, **common) for method in methods)
        self.strip = ipywidgets.HTML()
        self.images = ImagePicker(suited_samples(self.selection.network) if samples is None else samples)
        self._choose_none()
        self.added = NameChips(label="in the maps", empty="none of yours yet")
        self._given = images, labels, names
        self._own = {}  # name -> picture, PIL
        self._network = self._pictures = None
        wrapped = ipywidgets.Layout(flex_flow="row wrap", grid_gap="12px 24px")
        own = ipywidgets.VBox(
            [ipywidgets.HTML("<b>Let a picture land in the maps</b>"), self.images, self.added]
        )
        self.children = [
            self.title,
            ipywidgets.HBox([self.left.box, self.right.box], layout=wrapped),
            self.strip,
            own,
        ]
        try:
            self._begin([spaces[0], layer or spaces[1]])
        except BaseException:
            self.close()
            raise
        for name in LINKED:
            self.link_in_browser(self.left.scatter, self.right.scatter, name, both_ways=True)
        self.left.scatter.observe(self._show_selected, "selected")
        self.right.control.observe(self._tell_layer, "space")
        self.images.observe(self._let_land, "index")
        self.added.on_remove(self.take_away)
        self.watch(self._other_network, "network")
        self.watch(self._other_layer, "layer")
        self._show_selected()

    @property
    def maps(self):
        return self.left, self.right

    @property
    def features(self):
        return tuple(each.features for each in self.maps)

    @property
    def projections(self):
        return tuple(each.projection for each in self.maps)

    @property
    def numbers(self):
        return tuple(each.numbers for each in self.maps)

    def show_error(self, error):
        """Show an exception above the pictures of one's own."""
        self.images.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``.

        A t-SNE that is paused goes on.
        """
        for each in self.maps:
            await each.done()
        await super().done()

    # Which pictures, which network:

    def _begin(self, wanted):
        network = self.selection.network
        pictures = MapPictures(network, *self._given)
        spaces = Spaces(pictures)
        for name in wanted:
            if name not in spaces.names:
                network.layer(name)  # raises an error that names the nearest
        self._network, self._pictures = network, pictures
        self.title.value = f"{headline(network)} · {len(pictures.images):,} pictures"
        for each, name in zip(self.maps, wanted, strict=True):
            each.set_spaces(spaces, name)

    @alone
    def _other_network(self, change=None):
        if self.selection.network is self._network:
            return
        names = [layer.name for layer in self.selection.network.layers]
        wanted = [each.control.space for each in self.maps]
        kept = [name if name in (PIXELS, CLASSIFIER, *names) else CLASSIFIER for name in wanted]
        self._begin(kept)
        self._land()

    @alone
    def _other_layer(self, change):
        if self.selection.network is self._network:
            self.right.control.space = change.new

    def _tell_layer(self, change):
        if self.selection.network is not self._network:
            return
        try:
            self.selection.layer = change.new
        except LayerError:  # pixels, say
            pass

    # Which points:

    def _show_selected(self, change=None):
        chosen = self.left.scatter.selected
        self.strip.value = strip_html([self._item(number) for number in chosen])
        if len(chosen) == 1 and chosen[0] < self._pictures.n:
            self.selection.image = self._pictures.picture(chosen[0])

    def _item(self, number):
        pictures = self._pictures
        if number < pictures.n:
            label = pictures.labels[number]
            name = pictures.names[label] if label >= 0 else ""
            return pictures.thumbnails[number], name, pictures.sources[number]
        name, image = list(self._own.items())[number - pictures.n]
        return self._network.picture(image), "", name

    # Pictures of one's own:

    def _let_land(self, change):
        if change.new >= 0:  # neither none nor the camera's
            self.add(self.images._sources[change.new], self.images._names[change.new])

    def _choose_none(self):
        """No picture of the gallery is chosen, so that a click on any of them means it."""
        self.images._set(index=-1, name="", image=None)

    def add(self, picture, name="your picture"):
        """Let a picture of one's own land in both maps.

        Parameters
        ----------
        picture : anything that ``cnnwidgets.data.read_image`` takes
        name : str
            Another one of the same name is taken away.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        self._own[name] = read_image(picture)
        self._land()

    def take_away(self, name=None):
        """Take a picture away that `add` or the gallery brought; all of them if none is named."""
        self._own = {each: picture for each, picture in self._own.items() if name not in (None, each)}
        self._choose_none()
        self._land()

    @alone
    def _land(self):
        network = self._network
        own = [Own(name, network.read(image), network.picture(image)) for name, image in self._own.items()]
        self.added.names = list(self._own)
        for each in self.maps:
            each.set_own(own)

    # Other forms:

    def describe(self):
        """What is shown, in words."""
        told = super().describe()
        if self.comm is None:
            return told
        numbers = [
            f"{side}: {told_numbers(each)}" for side, each in zip(SIDES, self.numbers, strict=True) if each
        ]
        chosen = strip_words([self._item(number)[1] for number in self.left.scatter.selected])
        return "\n".join([told, *numbers, *([chosen] if chosen else [])])

    def picture(self):
        """Both maps side by side; None if there is nothing yet."""
        found = [each.scatter.picture() for each in self.maps]
        found = [np.asarray(each.convert("RGB")) for each in found if each is not None]
        if not found:
            return None
        height = max(len(each) for each in found)
        padded = [np.pad(e, [(0, height - len(e)), (0, 12), (0, 0)], constant_values=255) for e in found]
        return Image.fromarray(np.concatenate(padded, axis=1))

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        for each in self.maps:
            each.close()
        super().close()
        self._own, self._given = {}, None
        self._network = self._pictures = None
