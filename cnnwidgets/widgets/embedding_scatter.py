"""Thousands of pictures as points in the plane: a map of the space in which a network sees them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._heat import PALETTE
from ._scatter import classes_of, frame_of, points_of, texts_of
from ._scatter_atlas import Atlas, atlas_of
from ._scatter_picture import scatter_picture
from ._scatter_words import told_scatter
from ._traits import BrowserBytes, as_numpy
from .base import Widget


class EmbeddingScatter(Widget):
    """A map of pictures: a point for each, the picture itself under the pointer and when zoomed in.

    Points, classes and thumbnails are sent to the browser once. Hovering, panning, zooming, selecting, hiding
    classes and the way from one map to another happen there, without asking the kernel; so they do in an
    exported page. Several maps of the same pictures are linked with ``ipywidgets.jslink``.

    Parameters
    ----------
    points : array or tensor of float, shape (n, 2), optional
        Shown at once, with the other four; see `show`.
    labels, names, thumbnails, sources : optional
        See `show`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> from ipywidgets import jslink
    >>> points = np.random.default_rng(0).normal(size=(500, 2))
    >>> pca = EmbeddingScatter(points, labels=np.arange(500) % 3, names=["cat", "dog", "bus"], title="PCA")
    >>> tsne = EmbeddingScatter(points[:, ::-1], labels=np.arange(500) % 3, title="t-SNE")
    >>> links = [jslink((pca, name), (tsne, name)) for name in ("hovered", "selected", "hidden")]
    >>> pca.selected = [3, 14]  # as if a lasso had been drawn around these two
    >>> pca.morph(-points)
    >>> pca.describe()
    'PCA: 500 points; cat 167, dog 167, bus 166; 2 selected'
    """

    _esm = esm("embedding_scatter")
    _css = css("embedding_scatter")

    title = t.Unicode("").tag(sync=True)
    """Heading.

    - Type: `str`
    - Default: ``""``
    """

    caption = t.Unicode("").tag(sync=True)
    """Small text under the map, such as ``"t-SNE, iteration 250"``.

    - Type: `str`
    - Default: ``""``
    """

    hovered = t.Int(-1).tag(sync=True)
    """Number of the point under the pointer, or that the arrow keys have come to; it can be set as well.

    - Type: `int`, -1 for none
    - Default: ``-1``
    """

    selected = t.List(t.Int()).tag(sync=True)
    """Numbers of the selected points: clicked, or inside a lasso or box. The others are drawn faintly.

    - Type: list of `int`
    - Default: ``[]``
    """

    highlighted = t.List(t.Int()).tag(sync=True)
    """Numbers of points with a ring around them, such as the neighbours of one.

    - Type: list of `int`
    - Default: ``[]``
    """

    hidden = t.List(t.Int()).tag(sync=True)
    """Classes that are not drawn and cannot be hovered or selected; the legend toggles them.

    - Type: list of `int`, indices of `names`; -1 for points without a class
    - Default: ``[]``
    """

    tool = t.Enum(("pan", "lasso", "box"), "pan").tag(sync=True)
    """What dragging does: it moves the map, or selects. With the shift key held it selects in any case, and
    adds to what is selected.

    - Type: ``"pan"``, ``"lasso"`` or ``"box"``
    - Default: ``"pan"``
    """

    point_size = t.Float(0.0, min=0, max=40).tag(sync=True)
    """Diameter of a point.

    - Type: `float`, in pixels of the page; 0 for one that fits the number of points and the zoom
    - Default: ``0.0``
    """

    show_images = t.Enum(("zoom", "always", "never"), "zoom").tag(sync=True)
    """When the pictures themselves are drawn as points: once the map is enlarged so much that they can be
    seen (those that would lie over another stay points), all of them always, or never.

    - Type: ``"zoom"``, ``"always"`` or ``"never"``
    - Default: ``"zoom"``
    """

    view = t.Tuple(t.Float(), t.Float(), t.Float(), default_value=(0.5, 0.5, 1.0)).tag(sync=True)
    """Which part of the map is in view: where its middle is, as shares of the whole map from the left and
    from below, and how much it is enlarged.

    - Type: tuple of three `float`: x, y, zoom
    - Default: ``(0.5, 0.5, 1.0)``, everything
    """

    width = t.Int(560, min=160).tag(sync=True)
    """Width of the map on the page, where there is room for it; the legend stands beside it.

    - Type: `int`, at least 160, in pixels of the page
    - Default: ``560``
    """

    height = t.Int(440, min=120).tag(sync=True)
    """Height of the map on the page.

    - Type: `int`, at least 120, in pixels of the page
    - Default: ``440``
    """

    names = t.List(t.Unicode()).tag(sync=True)
    """Names of the classes.

    - Type: list of `str`
    - Default: ``[]``
    """

    sources = t.List(t.Unicode()).tag(sync=True)
    """Where each picture comes from, such as its file name; shown with it.

    - Type: list of `str`, one for each point, or empty
    - Default: ``[]``
    """

    _points = BrowserBytes()  # float32, x and y of each
    _labels = BrowserBytes()  # int16
    _frame = t.List(t.Float(), [0.0, 0.0, 1.0, 1.0]).tag(sync=True)  # left, bottom, right, top
    _seconds = t.Float(0.0).tag(sync=True)  # that the points take to their new places
    _first_added = t.Int(0).tag(sync=True)  # number of the first point that add() brought
    _atlas = BrowserBytes()
    _layout = t.Dict(Atlas().layout).tag(sync=True)
    _added_atlas = BrowserBytes()
    _added_layout = t.Dict(Atlas().layout).tag(sync=True)
    _palette = t.List(t.Unicode(), list(PALETTE)).tag(sync=True)

    def __init__(
        self,
        points: Any = None,
        labels: Any = None,
        names: "Sequence[str] | None" = None,
        thumbnails: Any = None,
        sources: "Sequence[str] | None" = None,
        **traits: Any,
    ) -> None:
        of_points = ("hovered", "selected", "highlighted", "hidden", "view")
        later = {key: traits.pop(key) for key in of_points if key in traits}
        self._added_pictures: list[Any] = []
        super().__init__(**traits)
        if points is not None:
            self.show(points, labels, names=names, thumbnails=thumbnails, sources=sources)
        elif any(given is not None for given in (labels, names, thumbnails, sources)):
            raise ValueError("labels, names, thumbnails and sources belong to points: give these too")
        for key, value in later.items():  # show() has set them back
            setattr(self, key, value)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def n_points(self) -> int:
        """How many points there are, added ones included."""
        return len(self._points) // 8

    @property
    def points(self) -> np.ndarray:
        """The points as the browser has them: a copy, float32, shape (n, 2)."""
        return np.frombuffer(self._points, np.float32).reshape(-1, 2).copy()

    @property
    def labels(self) -> np.ndarray:
        """Class of each point, an index of `names` or -1: a copy, int16, shape (n,)."""
        return np.frombuffer(self._labels, np.int16).copy()

    @property
    def added(self) -> list[int]:
        """Numbers of the points that `add` brought."""
        return list(range(self._first_added, self.n_points))

    def show(
        self,
        points: Any,
        labels: Any = None,
        *,
        names: "Sequence[str] | None" = None,
        thumbnails: Any = None,
        sources: "Sequence[str] | None" = None,
    ) -> None:
        """Show a map, in place of what was shown before; nothing is selected or hidden then.

        Parameters
        ----------
        points : array or tensor of float, shape (n, 2)
            Places in the plane. Both axes have the same scale, as distances are what counts.
        labels : sequence of n ints or n str, optional
            Class of each point; -1 for none, among names None.
        names : sequence of str, optional
            Names of the classes, by default their numbers.
        thumbnails : array of uint8, shape (n, h, w, 3) or (n, h, w), or sequence of n pictures, optional
            A small picture for each point. Large ones are made smaller: 10,000 get 32 pixels, 1,000 get 96.
            In a sequence of PIL images or arrays of several sizes, the square in the middle is taken; None
            stands for no picture.
        sources : sequence of n str, optional
            Where each picture comes from.

        Raises
        ------
        ValueError
            If shapes or numbers do not fit. What was shown before stays.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> digits = load_digits()
        >>> scatter = EmbeddingScatter()
        >>> pixels = (digits.images * 15.9).astype("uint8")
        >>> scatter.show(digits.data[:, [21, 42]], digits.target, thumbnails=pixels)
        >>> scatter.n_points, scatter.names[3]
        (1797, '3')
        """
        points = points_of(points)
        n = len(points)
        classes, known = classes_of(labels, names, n)
        sources = texts_of(sources, n)
        atlas = atlas_of(thumbnails, n)
        with self.hold_sync():
            self._seconds = 0.0
            self._points, self._labels, self._first_added = points.tobytes(), classes.tobytes(), n
            self._frame = frame_of(points)
            self.names, self.sources = known, sources
            self._atlas, self._layout = atlas.data, atlas.layout
            self._added_atlas, self._added_layout, self._added_pictures = b"", Atlas().layout, []
            self.hovered, self.selected, self.highlighted, self.hidden = -1, [], [], []
            self.view = (0.5, 0.5, 1.0)

    def clear(self) -> None:
        """Show no points."""
        self.show(np.empty((0, 2)))

    def relabel(self, labels: Any, names: "Sequence[str] | None" = None) -> None:
        """Colour the same points by other classes, say by what the network took them for.

        Parameters
        ----------
        labels : sequence of n ints or n str, or None
        names : sequence of str, optional
            By default those that there are, if these are enough.

        Raises
        ------
        ValueError
            If shapes or numbers do not fit.
        """
        if names is None and labels is not None and self.names:
            array = np.asarray(as_numpy(labels))
            if array.dtype.kind in "USO":
                fits = {str(label) for label in array if label is not None} <= {*self.names}
            else:
                fits = array.max(initial=0) < len(self.names)
            names = self.names if fits else None
        classes, known = classes_of(labels, names, self.n_points)
        with self.hold_sync():
            self._labels, self.names, self.hidden = classes.tobytes(), known, []

    # -- another map of the same points ------------------------------------------------------------

    def morph(self, points: Any, seconds: float = 1.2) -> None:
        """Let each point wander to a new place, so that one sees which went where.

        Parameters
        ----------
        points : array or tensor of float, shape (n, 2)
        seconds : float
            How long it takes. Browsers that were told to reduce motion jump.

        Raises
        ------
        ValueError
            If there are more or fewer points than are shown.
        """
        if not 0 <= seconds <= 60:
            raise ValueError(f"seconds must be between 0 and 60, not {seconds}")
        self._move(points_of(points, self.n_points), float(seconds), None)

    def update(self, points: Any) -> None:
        """New places at once, several times a second: for t-SNE while it runs.

        What is in view, hovered and selected stays so.

        Parameters
        ----------
        points : array or tensor of float, shape (n, 2)

        Raises
        ------
        ValueError
            If there are more or fewer points than are shown.
        """
        self._move(points_of(points, self.n_points), 0.0, self._frame)

    def _move(self, points: np.ndarray, seconds: float, frame: "list[float] | None") -> None:
        with self.hold_sync():
            self._seconds, self._points, self._frame = seconds, points.tobytes(), frame_of(points, frame)

    # -- new pictures in a finished map ------------------------------------------------------------

    def add(
        self,
        points: Any,
        labels: Any = None,
        *,
        thumbnails: Any = None,
        sources: "Sequence[str] | None" = None,
    ) -> list[int]:
        """Let new pictures land in the map; they are drawn larger, with a ring.

        Parameters
        ----------
        points : array or tensor of float, shape (m, 2)
        labels : sequence of m ints or m str, optional
            Classes as in `show`, among its names; without any the new points have no class.
        thumbnails : array of uint8, shape (m, h, w, 3) or (m, h, w), or sequence of m pictures, optional
        sources : sequence of m str, optional

        Returns
        -------
        list of m ints
            Their numbers, which follow those of the points before.

        Raises
        ------
        ValueError
            If shapes or numbers do not fit. What was shown before stays.
        """
        points = points_of(points)
        n, m = self.n_points, len(points)
        classes, _ = classes_of(labels, None if labels is None else self.names, m)
        pictures = list(thumbnails) if thumbnails is not None else [None] * m
        if len(pictures) != m:
            raise ValueError(f"there must be one thumbnail for each of the {m} points, not {len(pictures)}")
        pictures = [*self._added_pictures, *pictures]
        atlas = atlas_of(pictures, len(pictures))
        sources = texts_of(sources, m)
        if sources or self.sources:
            sources = [*(self.sources or [""] * n), *(sources or [""] * m)]
        every = np.concatenate([self.points, points])
        with self.hold_sync():
            self._seconds = 0.0
            self._points, self._labels = every.tobytes(), self._labels + classes.tobytes()
            self._frame = frame_of(every, self._frame if n else None)
            self.sources, self._added_pictures = sources, pictures
            self._added_atlas, self._added_layout = atlas.data, atlas.layout
        return list(range(n, n + m))

    def remove_added(self) -> None:
        """Take away the points that `add` brought."""
        n = self._first_added
        with self.hold_sync():
            for name in ("selected", "highlighted"):
                setattr(self, name, [number for number in getattr(self, name) if number < n])
            self.hovered = self.hovered if self.hovered < n else -1
            points = self.points[:n]
            self._seconds = 0.0
            self._points, self._labels = points.tobytes(), self.labels[:n].tobytes()
            self._frame = frame_of(points)
            self.sources = self.sources[:n]
            self._added_atlas, self._added_layout, self._added_pictures = b"", Atlas().layout, []

    # -- what is checked ---------------------------------------------------------------------------

    @t.validate("hovered")
    def _point_exists(self, proposal: t.Bunch) -> int:
        self._check_numbers("hovered", [proposal.value] if proposal.value != -1 else [])
        return proposal.value

    @t.validate("selected", "highlighted")
    def _points_exist(self, proposal: t.Bunch) -> list[int]:
        self._check_numbers(proposal.trait.name, proposal.value)
        return proposal.value

    def _check_numbers(self, name: str, numbers: Sequence[int]) -> None:
        # a linked map may hold more points than this one: what it sets from the browser must stay
        if self.from_browser or not numbers or (min(numbers) >= 0 and max(numbers) < self.n_points):
            return
        if not self.n_points:
            raise t.TraitError(f"{name} needs points: call show() first")
        raise t.TraitError(f"{name} must be numbers of points, from 0 to {self.n_points - 1}")

    @t.validate("view")
    def _view_fits(self, proposal: t.Bunch) -> tuple[float, float, float]:
        if not np.isfinite(proposal.value).all() or proposal.value[2] <= 0:
            raise t.TraitError(f"view must be x, y and a zoom above 0, not {proposal.value}")
        return proposal.value

    def close(self) -> None:
        """Remove the widget from all views and free points and pictures, in the kernel and in the browser."""
        super().close()
        self._added_pictures = []
        self._trait_values["sources"] = []

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The map in words: how many points of which classes, what is selected, hidden and hovered."""
        return told_scatter(self)

    def picture(self) -> Image.Image | None:
        """All points in their colours, with the legend; the whole map, whatever part is in view."""
        return scatter_picture(self) if self.n_points else None
