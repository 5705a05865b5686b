"""One picture, and what several methods say about it, side by side."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ..render import COLORMAPS, DIVERGING, lut
from ._assets import css, esm
from ._attribution import AttributionPanel, checked_values, nothing_in, panel_of
from ._attribution_picture import attribution_picture
from ._attribution_words import told_panels
from ._patches import sent_picture
from ._traits import BrowserBytes
from ._words import nearest_names
from .base import Widget

#: Panels that one grid holds at most.
MOST = 48
#: Longest side of the picture that is sent.
LONGEST = 1024

SLOTS = tuple(f"_slot_{place}" for place in range(MOST))
#: Each panel's values are a trait of their own, so that one that changes travels alone, and a view that is
#: opened later has all of them.
Slots = type("Slots", (Widget,), {name: BrowserBytes() for name in SLOTS})


class AttributionGrid(Slots):
    """Maps of one picture in rows of panels: saliency, guided backprop, Grad-CAM and others, all of one size.

    All values are sent to the browser as they are. Reading the values under the pointer in all panels at
    once, the colour map, its clipping, the opacity and smoothing happen there, without asking the kernel. A
    panel may be updated alone, several times a second. A map that holds nothing (zero or NaN everywhere) is
    said in words, never stretched into colours.

    Parameters
    ----------
    panels : sequence of `AttributionPanel` or dict, optional
        Shown at once, see `show`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> grid = AttributionGrid(image=Image.new("RGB", (96, 96), "teal"))
    >>> gradient = np.random.default_rng(0).normal(size=(3, 96, 96))
    >>> grid.show([
    ...     AttributionPanel("saliency", "Saliency", gradient, "heat", unit="score per unit of input"),
    ...     AttributionPanel("gradient", "Gradient", gradient, "colour"),
    ...     AttributionPanel("cam", "Grad-CAM", np.zeros((6, 6)), "heat"),
    ... ])
    >>> grid.said("cam")
    'no positive evidence'
    >>> grid.pending("gradient", "SmoothGrad 20 of 50")
    >>> grid.update("gradient", gradient / 2, note="50 samples")
    """

    _esm = esm("attribution_grid")
    _css = css("attribution_grid")

    show_image = t.Bool(True).tag(sync=True)
    """Whether the picture itself is the first panel of each row.

    - Type: `bool`
    - Default: ``True``
    """

    image_title = t.Unicode("Picture").tag(sync=True)
    """Heading of the picture.

    - Type: `str`
    - Default: ``"Picture"``
    """

    colormap = t.Enum(COLORMAPS, COLORMAPS[0]).tag(sync=True)
    """Colours of magnitudes, the panels of kind ``"heat"``; signed ones are always red and blue.

    - Type: one of ``cnnwidgets.render.COLORMAPS``
    - Default: ``"viridis"``
    """

    opacity = t.Float(0.7, min=0, max=1).tag(sync=True)
    """How much the maps cover the picture, which is grey under them. Panels of kind ``"colour"`` are pictures
    themselves and always cover it.

    - Type: `float`, 0 (picture only, in its own colours) to 1 (maps only)
    - Default: ``0.7``
    """

    clip = t.Float(99.0, min=90, max=100).tag(sync=True)
    """Percentile of the magnitudes at which the colours end: larger ones look the same, so that a few pixels
    do not make all others pale. Zeros are not counted.

    - Type: `float`, 90 to 100 (the largest)
    - Default: ``99.0``
    """

    smooth = t.Bool(True).tag(sync=True)
    """Whether values are interpolated between the centres of their cells, or shown as blocks.

    - Type: `bool`
    - Default: ``True``
    """

    position = t.Tuple(t.Int(), t.Int(), allow_none=True, default_value=None).tag(sync=True)
    """Row and column of the chosen pixel of the picture, whose values stand under the panels.

    - Type: tuple of two `int`, or None
    - Default: ``None``
    """

    chosen = t.Unicode(None, allow_none=True).tag(sync=True)
    """Key of the panel that was clicked, where `can_choose`; its heading is marked.

    - Type: `str` or None
    - Default: ``None``
    """

    can_choose = t.Bool(False).tag(sync=True)
    """Whether a click on a panel's heading sets `chosen`.

    - Type: `bool`
    - Default: ``False``
    """

    controls = t.Bool(True).tag(sync=True)
    """Whether colour map, clipping, opacity and smoothing can be changed above the panels.

    - Type: `bool`
    - Default: ``True``
    """

    width = t.Int(180, min=64).tag(sync=True)
    """Width of a panel; as many stand side by side as the page has room for.

    - Type: `int`, at least 64, in pixels of the page
    - Default: ``180``
    """

    image = t.Instance(Image.Image, allow_none=True)
    """The picture that the maps are about.

    - Type: PIL image or None
    - Default: ``None``
    """

    _panels = t.List(t.Dict()).tag(sync=True)
    _slots = t.Int(MOST).tag(sync=True)
    _picture = BrowserBytes()
    _picture_size = t.List(t.Int(), [0, 0]).tag(sync=True)
    _colormaps = t.List(t.Unicode(), list(COLORMAPS)).tag(sync=True)
    _signed = t.Int(COLORMAPS.index(DIVERGING[0])).tag(sync=True)
    _luts = BrowserBytes()

    def __init__(self, panels: "Sequence[Any] | None" = None, **traits: Any) -> None:
        later = {name: traits.pop(name) for name in ("position", "chosen") if name in traits}
        super().__init__(**traits)
        self._luts = b"".join(lut(name).tobytes() for name in COLORMAPS)
        if panels is not None:
            self.show(panels)
        for name, value in later.items():  # only right once there are panels
            setattr(self, name, value)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def panels(self) -> list[AttributionPanel]:
        """The panels as they are shown, with copies of their values."""
        return [AttributionPanel(**_own(told), values=self.values(told["key"])) for told in self._panels]

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of the picture in pixels; without one, of the largest map."""
        if self.image is not None:
            return self._picture_size[0], self._picture_size[1]
        sizes = [tuple(told["shape"][-2:]) for told in self._panels if told["shape"]]
        return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))

    def values(self, key: str) -> "np.ndarray | None":
        """The values of one panel as the browser has them: a copy, float32; None without any."""
        told = self._panels[self._place(key)]
        if not told["shape"]:
            return None
        return np.frombuffer(getattr(self, SLOTS[told["slot"]]), np.float32).reshape(told["shape"]).copy()

    def said(self, key: str) -> str:
        """What is said in place of a map that holds nothing: ``"no positive evidence"``; else empty."""
        return self._panels[self._place(key)]["said"]

    def is_stale(self, key: str) -> bool:
        """Whether the values of a panel are out of date, see `pending`."""
        return self._panels[self._place(key)]["stale"]

    def set_image(self, image: Any) -> None:
        """Show this picture; the same as setting `image`. Maps stay: show those of the new picture as well.

        Parameters
        ----------
        image : PIL image, array of uint8 with shape (H, W, 3) or (H, W), or None
        """
        self.image = (
            image if image is None or isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))
        )

    def show(self, panels: "Sequence[Any]") -> None:
        """Show these panels, in this order, in place of those before.

        Values that have not changed are not sent again.

        Parameters
        ----------
        panels : sequence of `AttributionPanel` or dict with its fields, at most 48

        Raises
        ------
        ValueError
            If two panels share a key, or there are too many, or a shape or kind is wrong. What was shown
            stays.
        """
        panels = [panel_of(each) for each in panels]
        keys = [panel.key for panel in panels]
        if len(keys) > MOST:
            raise ValueError(f"at most {MOST} panels can be shown, not {len(keys)}")
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise ValueError(f"two panels have the key {twice[0]!r}: each needs one of its own")
        slots = {told["key"]: told["slot"] for told in self._panels if told["key"] in keys}
        free = iter(sorted(set(range(MOST)) - set(slots.values())))
        slots = {key: slots[key] if key in slots else next(free) for key in keys}
        with self.hold_sync():
            for place in set(range(MOST)) - set(slots.values()):
                setattr(self, SLOTS[place], b"")
            for panel in panels:
                setattr(self, SLOTS[slots[panel.key]], _bytes(panel.values))
            self._panels = [_told(panel, slots[panel.key]) for panel in panels]
            if self.chosen not in keys:
                self.chosen = None
            self._keep_position_inside()

    def update(
        self,
        key: str,
        values: Any = None,
        *,
        note: str | None = None,
        title: str | None = None,
        pending: str | None = None,
    ) -> None:
        """Change one panel; the others are not sent again.

        Several changes go in one message under ``with grid.hold_sync():``.

        Parameters
        ----------
        key : str
            The panel.
        values : array or tensor of float, shape (h, w), (1, h, w) or (3, h, w), optional
            New values. By default they stay.
        note, title : str, optional
            New texts. By default they stay.
        pending : str, optional
            What is still to come, such as ``"20 of 50"``. By default it goes with new values, and stays
            without.

        Raises
        ------
        ValueError
            If there is no such panel or the shape is wrong. What was shown stays.
        """
        place = self._place(key)
        told = dict(self._panels[place])
        given = {"note": note, "title": title, "pending": pending}
        told |= {name: str(text) for name, text in given.items() if text is not None}
        values = checked_values(key, values)
        if values is not None:
            said = nothing_in(values, told["kind"], told["least"], told["empty"])
            told |= {"shape": list(values.shape), "said": said, "stale": False, "pending": pending or ""}
        with self.hold_sync():
            if values is not None:
                setattr(self, SLOTS[told["slot"]], values.tobytes())
            self._panels = [*self._panels[:place], told, *self._panels[place + 1 :]]
            self._keep_position_inside()

    def pending(self, keys: "str | Iterable[str] | None", text: str = "computing") -> None:
        """Mark panels whose values are out of date: they fade until `update` brings new ones.

        Parameters
        ----------
        keys : str, iterable of str, or None
            The panel or panels; None for all.
        text : str
            What is going on, such as ``"SmoothGrad 20 of 50"``; without any the mark goes, and the values
            count as valid.

        Raises
        ------
        ValueError
            If there is no such panel.
        """
        if keys is None:
            keys = [told["key"] for told in self._panels]
        places = {self._place(key) for key in ([keys] if isinstance(keys, str) else keys)}
        mark = {"pending": str(text), "stale": bool(text)}
        self._panels = [
            {**told, **mark} if place in places else told for place, told in enumerate(self._panels)
        ]

    def clear(self) -> None:
        """Show no panels, only the picture."""
        self.show([])

    def _place(self, key: str) -> int:
        keys = [told["key"] for told in self._panels]
        if key not in keys:
            raise ValueError(f"there is no panel {key!r}; {nearest_names(key, keys)}")
        return keys.index(key)

    # -- what is checked and sent ------------------------------------------------------------------

    @t.observe("image")
    def _send_image(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if self.image is None:
                self._picture, self._picture_size = b"", [0, 0]
            else:
                self._picture_size = [self.image.height, self.image.width]
                small = self.image.convert("RGB")
                small.thumbnail((LONGEST, LONGEST))
                self._picture = sent_picture(small)
            self._keep_position_inside()

    def _keep_position_inside(self) -> None:
        height, width = self.extent
        if self.position is not None and not (self.position[0] < height and self.position[1] < width):
            self.position = None

    @t.validate("position")
    def _position_exists(self, proposal: t.Bunch) -> "tuple[int, int] | None":
        height, width = self.extent
        place = proposal.value
        if place is not None and not (0 <= place[0] < height and 0 <= place[1] < width):
            if self.from_browser:  # may come late, from a picture that is no longer shown
                return None
            raise t.TraitError(f"position {tuple(place)} is outside the picture of {height} × {width} pixels")
        return place

    @t.validate("chosen")
    def _chosen_exists(self, proposal: t.Bunch) -> "str | None":
        keys = [told["key"] for told in self._panels]
        if proposal.value is not None and proposal.value not in keys:
            if self.from_browser:
                return None
            raise t.TraitError(f"there is no panel {proposal.value!r}; {nearest_names(proposal.value, keys)}")
        return proposal.value

    def close(self) -> None:
        """Remove the widget from all views and free the values, in the kernel and in the browser."""
        super().close()
        self._trait_values |= {"_panels": [], "position": None, "chosen": None}

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The panels in words: the range of each, or what is said of it, and the values at `position`."""
        return told_panels(self)

    def picture(self) -> Image.Image | None:
        """All panels with their titles and ranges."""
        return attribution_picture(self) if self.extent[0] else None


def _bytes(values: "np.ndarray | None") -> bytes:
    return b"" if values is None else values.tobytes()


def _told(panel: AttributionPanel, slot: int) -> dict:
    """A panel as the browser gets it, but for its values."""
    shape = [] if panel.values is None else list(panel.values.shape)
    said = nothing_in(panel.values, panel.kind, panel.least, panel.empty)
    return {**panel.texts(), "shape": shape, "slot": slot, "said": said, "stale": False}


def _own(told: dict) -> dict:
    return {name: value for name, value in told.items() if name not in ("shape", "slot", "said", "stale")}
