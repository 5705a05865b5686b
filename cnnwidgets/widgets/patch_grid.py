"""The patches of pictures that one unit of a network answers to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ..render import COLORMAPS, DIVERGING, lut, png_bytes, quantise
from ._assets import css, esm
from ._histogram import checked_histogram
from ._patches import Patch, patches_of, patches_picture, sent_patches
from ._traits import BrowserBytes, Floats, as_numpy
from ._words import number
from .base import Widget

#: Three honest views of a unit, as `PatchGrid.which` names them.
VIEWS = ("strongest", "weakest", "sample")


class PatchGrid(Widget):
    """The patches that one unit fires on, and the whole picture of one of them with the patch's place in it.

    Each patch is cut in the browser out of its picture, all of them to one size; what the unit sees of no
    picture, its padding, is hatched. Hovering, reading values and colouring happen there too, without asking
    the kernel. `which` and `chosen` tell the kernel what is wanted: other patches, or an activation map.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    A 7 × 7 field at the upper left corner of a picture of 20 × 30 pixels, three rows of it padding:

    >>> import numpy as np
    >>> grid = PatchGrid(title="conv1 · channel 4")
    >>> picture = np.zeros((20, 30, 3), np.uint8)
    >>> patch = dict(picture=picture, box=(-3, 4, 4, 11), seen=(0, 4, 4, 11), value=2.5, source="test 12")
    >>> grid.show([patch])
    >>> print(grid.describe())
    conv1 · channel 4: 1 strongest patch of 7 × 7 pixels, 2.50 (test 12)
    >>> def answer(change):
    ...     if grid.chosen is not None:
    ...         grid.show_map(grid.chosen, np.arange(20.0).reshape(4, 5), cell=(3, 4))
    >>> grid.observe(answer, "chosen")
    >>> grid.chosen = 0  # as if the patch had been clicked
    """

    _esm = esm("patch_grid")
    _css = css("patch_grid")

    which = t.Enum(VIEWS, "strongest").tag(sync=True)
    """Which patches are asked for: those of the images that fire the unit most, those of the images that fire
    it least among those that fire it at all, or a random sample of all that fire it. Whoever observes it
    calls `show`, unless all three were shown at once.

    - Type: ``"strongest"``, ``"weakest"`` or ``"sample"``
    - Default: ``"strongest"``
    """

    views = t.List(t.Enum(VIEWS), list(VIEWS)).tag(sync=True)
    """What `which` is chosen from in the view; with fewer than two the choice is not shown.

    - Type: list of `str`
    - Default: ``["strongest", "weakest", "sample"]``
    """

    chosen = t.Int(None, allow_none=True).tag(sync=True)
    """The patch that was clicked, from 0; one that does not exist raises TraitError. Whoever observes it
    calls `show_map`.

    - Type: `int` or None
    - Default: ``None``
    """

    columns = t.Int(0, min=0).tag(sync=True)
    """Patches in a row.

    - Type: `int`
    - Default: ``0``, as many as make the grid square: 3 for 9 patches
    """

    title = t.Unicode("").tag(sync=True)
    """Heading, such as the layer and the channel.

    - Type: `str`
    - Default: ``""``
    """

    message = t.Unicode("").tag(sync=True)
    """A line under the heading, or in place of the patches where there are none: ``"never fires in 5,000
    images"``.

    - Type: `str`
    - Default: ``""``
    """

    map_on_click = t.Bool(True).tag(sync=True)
    """Whether a click on a patch is answered with its activation map, see `show_map`. If not, the view does
    not promise one.

    - Type: `bool`
    - Default: ``True``
    """

    colormap = t.Enum(("auto", *COLORMAPS), "auto").tag(sync=True)
    """Colours of the activation map over the picture.

    - Type: ``"auto"`` or one of ``cnnwidgets.render.COLORMAPS``
    - Default: ``"auto"``, ``"RdBu_r"`` where the map has negative values, else ``"viridis"``
    """

    opacity = t.Float(0.6, min=0, max=1).tag(sync=True)
    """How much the activation map covers the picture. In between, weak activations cover less than strong
    ones.

    - Type: `float`, 0 (picture only) to 1 (map only)
    - Default: ``0.6``
    """

    log_counts = t.Bool(False).tag(sync=True)
    """Whether the bars of the histogram grow with the logarithm of their counts, so that a few strong images
    are seen beside many weak ones.

    - Type: `bool`
    - Default: ``False``
    """

    _patches = t.List(t.Dict()).tag(sync=True)
    _values = Floats()
    _size = t.List(t.Int(), [0, 0]).tag(sync=True)
    _pictures = BrowserBytes()
    _ends = t.List(t.Int()).tag(sync=True)

    _map_of = t.Int(None, allow_none=True).tag(sync=True)
    _shape = t.List(t.Int(), [0, 0, 0]).tag(sync=True)
    _codes = BrowserBytes()
    _ranges = BrowserBytes()
    _cell = t.List(t.Int()).tag(sync=True)
    _colormaps = t.List(t.Unicode(), list(COLORMAPS)).tag(sync=True)
    _diverging = t.List(t.Unicode(), list(DIVERGING)).tag(sync=True)
    _luts = BrowserBytes()

    _counts = Floats()
    _edges = Floats()
    _marks = Floats()
    _n_images = t.Int(0).tag(sync=True)
    _n_silent = t.Int(0).tag(sync=True)
    _average = BrowserBytes()
    _average_of = t.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._drawn: list[Patch] = []
        self._sets: dict[str, list[Patch]] = {}
        super().__init__(**traits)
        self._luts = b"".join(lut(name).tobytes() for name in COLORMAPS)

    # -- patches -----------------------------------------------------------------------------------

    def show(
        self,
        patches: "Sequence[Any] | Mapping[str, Sequence[Any]]",
        title: str | None = None,
        size: "tuple[int, int] | None" = None,
    ) -> None:
        """Show the patches of a unit; nothing stays chosen, and an activation map goes.

        Parameters
        ----------
        patches : sequence of dict or object, at most 36, or mapping of ``"strongest"``, ... to such sequences
            In the order in which they are drawn. Each has

            - ``picture``: the whole input of the network, PIL image or array of uint8, shape (H, W, 3) or
              (H, W);
            - ``box``: what the unit sees, ``(top, left, bottom, right)`` in pixels of the picture, not
              clipped; None, or left out, for the whole picture;
            - ``seen``: the part of it that is picture and not padding; None for all of it that is inside;
            - ``value``: the activation;
            - ``source``, ``note``: text, such as ``"Toytown test 1234 · car"`` and ``"same value at 2 other
              places"``.

            With a mapping the view changes between them by itself.
        title : str, optional
            The same as setting `title`.
        size : (int, int), optional
            Height and width of all patches in pixels: the unit's receptive field. By default the largest box.

        Raises
        ------
        ValueError
            If a patch has no picture or a box without any size, or there are more than 36. What was shown
            stays.
        """
        sets = patches if isinstance(patches, Mapping) else {self.which: patches}
        if unknown := [name for name in sets if name not in VIEWS]:
            raise ValueError(f"there is no view {unknown[0]!r}: " + ", ".join(map(repr, VIEWS)))
        sets = {name: patches_of(each) for name, each in sets.items()}
        if size is None:
            shapes = [patch.shape for each in sets.values() for patch in each]
            size = tuple(np.max(shapes, axis=0)) if shapes else (0, 0)
        with self.hold_sync():
            if title is not None:
                self.title = title
            self._size = [int(side) for side in size]
            self._sets = {}  # lest another `which` shows old ones
            if isinstance(patches, Mapping):
                self.views = [name for name in VIEWS if name in sets]
                if sets and self.which not in sets:
                    self.which = self.views[0]
                self._sets = sets
            self._send_patches(sets.get(self.which, []))

    def _send_patches(self, patches: list[Patch]) -> None:
        pictures, ends, described = sent_patches(patches)
        with self.hold_sync():
            self._drawn = patches
            self._pictures, self._ends = pictures, ends
            self._values = [patch.value for patch in patches]
            self._patches = described
            self.chosen = None
            self._forget_map()

    @t.observe("which")
    def _other_view(self, change: t.Bunch) -> None:
        if self._sets:
            self._send_patches(self._sets.get(self.which, []))

    @property
    def values(self) -> np.ndarray:
        """The activations of the patches shown, shape (k,)."""
        return self._values

    @t.validate("chosen")
    def _chosen_exists(self, proposal: t.Bunch) -> "int | None":
        n = len(self._drawn)
        if proposal.value is not None and not 0 <= proposal.value < n:
            if self.from_browser:  # may come late, from patches that are no longer shown
                return None
            told = f"there are 0 to {n - 1}" if n else "there are none yet: call show()"
            raise t.TraitError(f"patch {proposal.value} does not exist: {told}")
        return proposal.value

    # -- the activation map ------------------------------------------------------------------------

    def show_map(self, index: int, values: Any, cell: "tuple[int, int] | None" = None) -> None:
        """Lay the unit's activation map over the picture of a patch, as long as that patch is chosen.

        Parameters
        ----------
        index : int
            The patch.
        values : array or tensor of float, shape (h, w)
            The activation map of the unit for the patch's picture.
        cell : (row, column), optional
            The cell that the patch belongs to, which is framed.

        Raises
        ------
        ValueError
            If there is no such patch or the shape is another one.
        """
        if not 0 <= index < len(self._drawn):
            raise ValueError(f"there is no patch {index}: {len(self._drawn)} are shown")
        values = as_numpy(values)
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(f"an activation map must have the shape (height, width), not {values.shape}")
        codes, ranges = quantise(values[None])
        with self.hold_sync():
            self._shape = [1, *values.shape]
            self._codes, self._ranges = codes.tobytes(), ranges.tobytes()
            self._cell = [int(place) for place in cell] if cell is not None else []
            self._map_of = int(index)

    def _forget_map(self) -> None:
        self._map_of, self._shape, self._codes, self._ranges, self._cell = None, [0, 0, 0], b"", b"", []

    # -- what the unit does in all images ----------------------------------------------------------

    def set_histogram(self, counts: Any, edges: Any = None, n_silent: int = 0, marks: Any = None) -> None:
        """Show how strong the unit's strongest activation is in each image of a data set.

        Parameters
        ----------
        counts : array of numbers, shape (n,), or None
            Images in each bin, all of them; None takes the histogram away.
        edges : array of float, shape (n + 1,)
            Ends of the bins, as ``numpy.histogram`` gives them.
        n_silent : int
            How many of them are silent: the unit fires nowhere in the image, its strongest activation is not
            above zero. Those at zero are told of, but not drawn, as they would dwarf the others.
        marks : sequence of float, optional
            Values to mark; by default those of the patches shown.

        Raises
        ------
        ValueError
            If there is not one edge more than counts, the edges do not rise, or more images are silent than
            there are.
        """
        counts, edges, n_images = checked_histogram(counts, edges, n_silent)
        with self.hold_sync():
            self._counts, self._edges = counts, edges
            self._n_images, self._n_silent = n_images, int(n_silent)
            self._marks = () if marks is None else marks

    def set_average(self, pixels: Any, caption: str = "average patch") -> None:
        """Show the average patch beside the histogram.

        Parameters
        ----------
        pixels : array of uint8, shape (h, w, 3) or (h, w), PIL image, or None
            None takes it away.
        caption : str
            What it is the average of, in a few words.

        Raises
        ------
        ValueError
            If the numbers are not uint8.
        """
        if pixels is not None and not isinstance(pixels, Image.Image):
            pixels = np.asarray(pixels)
            if pixels.dtype != np.uint8:
                raise ValueError(f"the average patch must be of uint8, 0 to 255, not of {pixels.dtype}")
        with self.hold_sync():
            self._average_of = caption
            self._average = b"" if pixels is None else png_bytes(pixels)

    # -- other forms -------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        super().close()
        self._drawn, self._sets = [], {}

    def describe(self) -> str:
        """The patches in words."""
        head = f"{self.title}: " if self.title else "PatchGrid: "
        n = len(self._drawn)
        if not n:
            return head + (self.message or "no patches yet")
        name = {"sample": "randomly chosen"}.get(self.which, self.which)
        height, width = self._size
        first, last = (number(self._values[at]) for at in (0, -1))
        ends = first if n == 1 else f"{first} to {last}"
        source = f" ({self._drawn[0].source})" if n == 1 and self._drawn[0].source else ""
        many = f"{n} {name} patch{'es' if n > 1 else ''}"
        note = f"; {self.message}" if self.message else ""
        return f"{head}{many} of {height} × {width} pixels, {ends}{source}{note}"

    def picture(self) -> Image.Image | None:
        """The patches in rows, padding hatched, the value under each."""
        return patches_picture(self._drawn, tuple(self._size), self.columns) if self._drawn else None
