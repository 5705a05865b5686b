"""One map of numbers over the picture that it belongs to, with a colour bar in units."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ..render import COLORMAPS, DIVERGING, lut
from ._assets import css, esm
from ._heat import PALETTE, centres_of, colour_slots, ranked_classes, whole
from ._heat_picture import heat_picture
from ._heat_words import told_heat
from ._patches import sent_picture
from ._traits import BrowserBytes, as_numpy
from ._words import number
from .base import Widget

#: Longest side of the picture that is sent; it is drawn small and grey under a map.
LONGEST = 1024


class HeatMap(Widget):
    """A map of numbers over a picture: what a square does at each place, a saliency or class activation map.

    All values are sent to the browser as they are. Reading the value under the pointer, the opacity,
    smoothing and the view of the drop from a baseline happen there, without asking the kernel. New values may
    come several times a second.

    With `names` the map is categorical: its values are indices of names, each with a colour of its own, and a
    legend takes the place of the colour bar.

    Parameters
    ----------
    values : array or tensor of float, shape (h, w), optional
        Shown at once, see `show`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> heat = HeatMap(title="probability of car", unit="probability", low=0.0, high=1.0)
    >>> heat.show(np.array([[0.9, 0.2], [0.9, 0.8]]), rows=[24, 72], columns=[24, 72], baseline=0.95)
    >>> heat.position = (0, 1)  # as if that cell had been clicked
    >>> heat.chosen_pixel
    (24, 72)
    """

    _esm = esm("heat_map")
    _css = css("heat_map")

    title = t.Unicode("").tag(sync=True)
    """Heading.

    - Type: `str`
    - Default: ``""``
    """

    unit = t.Unicode("").tag(sync=True)
    """What the values are, such as ``"probability"``; written at the colour bar.

    - Type: `str`
    - Default: ``""``
    """

    note = t.Unicode("").tag(sync=True)
    """Small text under the map, such as "one value every 8 pixels, drawn smoothly in between".

    - Type: `str`
    - Default: ``""``
    """

    nothing = t.Unicode("no values yet").tag(sync=True)
    """What is said where there are no values, such as "no positive evidence".

    - Type: `str`
    - Default: ``"no values yet"``
    """

    low = t.Float(None, allow_none=True).tag(sync=True)
    """Value at the lower end of the colour bar; the same ends keep two maps comparable.

    - Type: `float`, or None for the lowest value (or the baseline, where that is lower)
    - Default: ``None``
    """

    high = t.Float(None, allow_none=True).tag(sync=True)
    """Value at the upper end of the colour bar.

    - Type: `float`, or None for the highest value (or the baseline, where that is higher)
    - Default: ``None``
    """

    least = t.Float(0.0, min=0).tag(sync=True)
    """What the colour bar covers at least, so that small differences are not made to look large.

    - Type: `float`, at least 0, in the units of the values
    - Default: ``0.0``
    """

    baseline = t.Float(None, allow_none=True).tag(sync=True)
    """A value to compare with, marked on the colour bar (or in the legend, as an index of `names`).

    - Type: `float` or None
    - Default: ``None``
    """

    baseline_label = t.Unicode("unoccluded").tag(sync=True)
    """What the baseline is.

    - Type: `str`
    - Default: ``"unoccluded"``
    """

    view = t.Enum(("value", "drop"), "value").tag(sync=True)
    """Whether the values are shown, or what they lack to the baseline (``baseline - value``). Without a
    baseline, and with `names`, values are shown.

    - Type: ``"value"`` or ``"drop"``
    - Default: ``"value"``
    """

    can_drop = t.Bool(True).tag(sync=True)
    """Whether a switch for `view` is offered once there is a baseline.

    - Type: `bool`
    - Default: ``True``
    """

    shares = t.Bool(True).tag(sync=True)
    """Whether the legend says how much of the values each class has.

    - Type: `bool`
    - Default: ``True``
    """

    colormap = t.Enum(COLORMAPS, COLORMAPS[0]).tag(sync=True)
    """Colours of the values. Zero is the middle of the diverging ``"RdBu_r"`` and ``"coolwarm"`` unless `low`
    or `high` say otherwise.

    - Type: one of ``cnnwidgets.render.COLORMAPS``
    - Default: ``"viridis"``
    """

    reverse = t.Bool(False).tag(sync=True)
    """Whether the colour map runs the other way round.

    - Type: `bool`
    - Default: ``False``
    """

    opacity = t.Float(0.7, min=0, max=1).tag(sync=True)
    """How much the map covers the picture, which is grey under it.

    - Type: `float`, 0 (picture only, in its own colours) to 1 (map only)
    - Default: ``0.7``
    """

    smooth = t.Bool(True).tag(sync=True)
    """Whether values are interpolated between the centres of their cells, or shown as blocks. Cells that are
    not known yet, and classes, are always blocks.

    - Type: `bool`
    - Default: ``True``
    """

    position = t.Tuple(t.Int(), t.Int(), allow_none=True, default_value=None).tag(sync=True)
    """Row and column of the chosen cell. When values come at other centres, the cell at the same place is
    chosen.

    - Type: tuple of two `int`, or None
    - Default: ``None``
    """

    names = t.List(t.Unicode()).tag(sync=True)
    """Names of classes: makes the map categorical. Set them before the values.

    - Type: list of `str`
    - Default: ``[]``, values are numbers
    """

    width = t.Int(260, min=80).tag(sync=True)
    """Width of the map on the page, where there is room for it.

    - Type: `int`, at least 80, in pixels of the page
    - Default: ``260``
    """

    image = t.Instance(Image.Image, allow_none=True)
    """The picture under the map.

    - Type: PIL image or None
    - Default: ``None``
    """

    _shape = t.List(t.Int(), [0, 0]).tag(sync=True)
    _values = BrowserBytes()
    _known = BrowserBytes()  # a byte for each cell, or none if all are known
    _rows = t.List(t.Float()).tag(sync=True)  # none if the cells share the picture evenly
    _columns = t.List(t.Float()).tag(sync=True)
    _picture = BrowserBytes()
    _picture_size = t.List(t.Int(), [0, 0]).tag(sync=True)
    _slots = t.List(t.Int()).tag(sync=True)  # class of each colour of the palette
    _palette = t.List(t.Unicode(), list(PALETTE)).tag(sync=True)
    _colormaps = t.List(t.Unicode(), list(COLORMAPS)).tag(sync=True)
    _diverging = t.List(t.Unicode(), list(DIVERGING)).tag(sync=True)
    _luts = BrowserBytes()

    def __init__(self, values: Any = None, **traits: Any) -> None:
        position = traits.pop("position", None)
        super().__init__(**traits)
        self._luts = b"".join(lut(name).tobytes() for name in COLORMAPS)
        if values is not None:
            self.show(values)
        self.position = position  # only right once there is a map

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the map, in cells; (0, 0) before the first one."""
        return tuple(self._shape)

    @property
    def values(self) -> np.ndarray:
        """The values as the browser has them: a copy, float32, shape `map_size`."""
        return np.frombuffer(self._values, np.float32).reshape(self._shape).copy()

    @property
    def known(self) -> np.ndarray:
        """Which cells have a value that was computed: bool, shape `map_size`."""
        if len(self._known):
            return np.frombuffer(self._known, np.uint8).reshape(self._shape) > 0
        return ~np.isnan(self.values)

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of the picture in pixels; without one, what the cells cover."""
        if self.image is not None:
            return self._picture_size[0], self._picture_size[1]
        sides = zip(self.map_size, (self._rows, self._columns), strict=True)
        return tuple(int(round(given[0] + given[-1])) + 1 if given else n for n, given in sides)

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the picture at which the values stand, in pixels, shapes (h,) and (w,)."""
        sides = zip((self._rows, self._columns), self.map_size, self.extent, strict=True)
        return tuple(centres_of(*side) for side in sides)

    @property
    def chosen_pixel(self) -> tuple[int, int] | None:
        """Row and column, in pixels of the picture, of the chosen cell's centre; None without one."""
        if self.position is None:
            return None
        rows, columns = self.centres
        return whole(rows[self.position[0]]), whole(columns[self.position[1]])

    def set_image(self, image: Any) -> None:
        """Show this picture under the map; the same as setting `image`.

        Parameters
        ----------
        image : PIL image, array of uint8 with shape (H, W, 3) or (H, W), or None
        """
        self.image = (
            image if image is None or isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))
        )

    def show(
        self,
        values: Any,
        rows: "Sequence[float] | None" = None,
        columns: "Sequence[float] | None" = None,
        baseline: float | None = None,
        known: Any = None,
    ) -> None:
        """Show a map.

        Parameters
        ----------
        values : array or tensor of float, shape (h, w) or (1, h, w)
            Shown as they are. NaN where nothing is known: there the picture is seen.
        rows : sequence of h numbers, optional
            Row of the picture, in pixels, at which each row of values stands. By default the cells share the
            picture evenly, as those of a class activation map do.
        columns : sequence of w numbers, optional
            The same for columns.
        baseline : float, optional
            New `baseline`; without one it stays as it is.
        known : array or tensor of bool, shape (h, w), optional
            Where the values were computed; the others stand in for what is still to come, and are drawn as
            faded blocks. By default all but NaN are.

        Raises
        ------
        ValueError
            If the shapes do not fit, centres do not rise, or values are no indices of `names`. What was shown
            before stays.
        """
        values = np.ascontiguousarray(as_numpy(values), np.float32)
        if values.ndim == 3 and len(values) == 1:
            values = values[0]
        if values.ndim != 2 or 0 in values.shape:
            raise ValueError(f"values must have the shape (height, width), not {values.shape}")
        rows = _checked_centres("rows", rows, values.shape[0])
        columns = _checked_centres("columns", columns, values.shape[1])
        sure = ~np.isnan(values)
        if known is not None:
            known = as_numpy(known).astype(bool)
            if known.shape != values.shape:
                raise ValueError(
                    f"known must have the shape of the values, {values.shape}, not {known.shape}"
                )
            sure = known
        slots = self._slots
        if self.names:
            finite = values[np.isfinite(values)]
            if finite.size and not ((finite >= 0) & (finite < len(self.names)) & (finite % 1 == 0)).all():
                raise ValueError(
                    f"values of a map with names must be whole numbers from 0 to {len(self.names) - 1}"
                )
            slots = colour_slots(slots, [index for index, _ in ranked_classes(values, sure)], len(self.names))
        with self.hold_sync():
            place = self.chosen_pixel
            self._shape, self._values = list(values.shape), values.tobytes()
            is_told = (sure == ~np.isnan(values)).all()
            self._known = b"" if is_told else sure.astype(np.uint8).tobytes()
            self._rows, self._columns, self._slots = rows, columns, slots
            if baseline is not None:
                self.baseline = float(baseline)
            if place is not None:
                self.position = self.cell_at(*place)

    def clear(self) -> None:
        """Show no values, only the picture; the baseline and the chosen cell go as well."""
        with self.hold_sync():
            self.position = self.baseline = None
            self._shape, self._values, self._known = [0, 0], b"", b""
            self._rows, self._columns = [], []

    def cell_at(self, row: float, column: float) -> tuple[int, int]:
        """The cell whose centre is nearest to a pixel of the picture.

        Parameters
        ----------
        row, column : float
            In pixels.

        Returns
        -------
        tuple of two ints
        """
        if not self.map_size[0]:
            raise ValueError("there is no map yet: call show() first")
        rows, columns = self.centres
        return int(np.abs(rows - row).argmin()), int(np.abs(columns - column).argmin())

    # -- what is checked and sent ------------------------------------------------------------------

    @t.observe("image")
    def _send_image(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if self.image is None:
                self._picture, self._picture_size = b"", [0, 0]
                return
            self._picture_size = [self.image.height, self.image.width]
            small = self.image.convert("RGB")
            small.thumbnail((LONGEST, LONGEST))
            self._picture = sent_picture(small)

    @t.observe("names")
    def _other_names(self, change: t.Bunch) -> None:
        ranking = []
        if self.names and self.map_size[0]:
            ranking = [index for index, _ in ranked_classes(self.values, self.known)]
        self._slots = colour_slots([], ranking, len(self.names)) if self.names else []

    @t.validate("low", "high")
    def _ends_in_order(self, proposal: t.Bunch) -> float | None:
        name, value = proposal.trait.name, proposal.value
        low, high = (value, self.high) if name == "low" else (self.low, value)
        if value is not None and not np.isfinite(value):
            raise t.TraitError(f"{name} must be a finite number, or None for that of the data, not {value}")
        if low is not None and high is not None and low >= high:
            raise t.TraitError(
                f"low must be below high, not {number(low)} and {number(high)}: "
                "set both under hold_trait_notifications()"
            )
        return value

    @t.validate("baseline")
    def _finite_baseline(self, proposal: t.Bunch) -> float | None:
        if proposal.value is not None and not np.isfinite(proposal.value):
            raise t.TraitError(f"baseline must be a finite number or None, not {proposal.value}")
        return proposal.value

    @t.validate("position")
    def _position_exists(self, proposal: t.Bunch) -> "tuple[int, int] | None":
        height, width = self.map_size
        cell = proposal.value
        if cell is not None and not (0 <= cell[0] < height and 0 <= cell[1] < width):
            if self.from_browser:  # may come late, from a map that is no longer shown
                return None
            raise t.TraitError(f"position {tuple(cell)} is outside the map of {height} × {width} cells")
        return cell

    def close(self) -> None:
        """Remove the widget from all views and free the values, in the kernel and in the browser."""
        super().close()
        self._trait_values["_shape"] = [0, 0]
        self._trait_values["position"] = None

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The map in words: its range and where it has it, the baseline, and the chosen cell."""
        return told_heat(self)

    def picture(self) -> Image.Image | None:
        """The map over the picture, with its colour bar or legend."""
        return heat_picture(self) if self.map_size[0] else None


def _checked_centres(name: str, given: Any, n: int) -> list[float]:
    if given is None:
        return []
    centres = np.asarray(as_numpy(given), float)
    if centres.shape != (n,):
        raise ValueError(
            f"{name} must have one number for each of the {n} {name} of values, not the shape {centres.shape}"
        )
    if not np.isfinite(centres).all() or (np.diff(centres) <= 0).any():
        raise ValueError(f"{name} must be finite numbers that rise: give them in the order of the picture")
    return centres.tolist()
