"""Pictures that grow: the newest step live, and earlier ones by a slider."""

import time
from collections.abc import Iterable
from threading import RLock
from typing import Any

import traitlets as t
from PIL import Image

from ..render import png_bytes
from ._assets import css, esm
from ._pace import Pace
from ._progress import running_loop
from ._step_history import SLOTS, Shown, StepHistory, captions_of, packed, pictures_of, sheet, unpacked
from ._step_picture import steps_picture
from ._traits import BrowserBytes
from .base import Widget

#: Seconds between two steps that are sent, at least.
PAUSE = 1 / 15
#: Steps that may be on their way to the browser at once.
AHEAD = 3
#: Seconds after which the next is sent even if the browser has shown none of them.
PATIENCE = 1.0

NAMES = tuple(f"_slot_{place}" for place in range(SLOTS))
#: Each step is a trait of its own, so that the newest travels alone, and a view that is opened later, or an
#: exported page, has them all.
Slots = type("Slots", (Widget,), {name: BrowserBytes() for name in NAMES})


class StepViewer(Slots):
    """Pictures that change step by step: the newest is shown as it comes, earlier ones by a slider.

    Some dozens of the steps are kept: the first, the newest, and others at equal distances between them; of a
    longer run every second one goes. They lie in the browser, where the slider walks through them without
    asking the kernel, also in a page that was exported.

    Parameters
    ----------
    pictures : optional
        Shown at once, see `show`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> viewer = StepViewer(titles=["grey", "black"])
    >>> for step in range(5):
    ...     grey = np.full((96, 96, 3), 50 * step, np.uint8)
    ...     viewer.show([grey, 0 * grey], step, captions=[f"{50 * step}", "0"])
    >>> viewer.steps
    [0, 1, 2, 3, 4]
    >>> viewer.position = 2  # as if the slider had been moved
    >>> print(viewer.describe())
    step 2 (of 5 kept, 0 to 4): grey 100; black 0
    """

    _esm = esm("step_viewer")
    _css = css("step_viewer")

    title = t.Unicode("").tag(sync=True)
    """Heading.

    - Type: `str`
    - Default: ``""``
    """

    titles = t.List(t.Unicode()).tag(sync=True)
    """Names of the pictures, above each.

    - Type: list of `str`
    - Default: ``[]``
    """

    caption = t.Unicode("").tag(sync=True)
    """A line below the pictures.

    - Type: `str`
    - Default: ``""``
    """

    message = t.Unicode("").tag(sync=True)
    """What is said where there is no picture yet.

    - Type: `str`
    - Default: ``""``
    """

    width = t.Int(200, min=24).tag(sync=True)
    """Width of a picture on the page; as many stand side by side as there is room for.

    - Type: `int`, 24 or more, in pixels of the page
    - Default: ``200``
    """

    smooth = t.Bool(True).tag(sync=True)
    """Whether small pictures are enlarged smoothly, or show their pixels as squares.

    - Type: `bool`
    - Default: ``True``
    """

    position = t.Int(None, allow_none=True).tag(sync=True)
    """Number of the step that is shown. One that is not kept raises TraitError.

    - Type: `int` or None
    - Default: ``None``, the newest, and those that follow
    """

    best_shown = t.Bool(False).tag(sync=True)
    """Whether the best pictures are shown, where `show` was given some.

    - Type: `bool`
    - Default: ``False``
    """

    selected = t.Int(None, allow_none=True).tag(sync=True)
    """Place of the picture that was clicked last, which is framed; where `can_select`.

    - Type: `int` from 0 on, or None
    - Default: ``None``
    """

    can_select = t.Bool(False).tag(sync=True)
    """Whether a click on one of several pictures sets `selected`.

    - Type: `bool`
    - Default: ``False``
    """

    can_save = t.Bool(True).tag(sync=True)
    """Whether there is a button that saves what is shown as PNG: the selected picture, or all as one.

    - Type: `bool`
    - Default: ``True``
    """

    file_name = t.Unicode("pictures").tag(sync=True)
    """Name of that file; the step and the ending are added.

    - Type: `str`
    - Default: ``"pictures"``
    """

    read_colours = t.Bool(True).tag(sync=True)
    """Whether the colour of the pixel under the pointer is told.

    - Type: `bool`
    - Default: ``True``
    """

    keep = t.Int(60, min=2, max=SLOTS - 2).tag(sync=True)
    """Most steps that are kept; fewer of large pictures, of which about 8 MB are.

    - Type: `int`, 2 to 60
    - Default: ``60``
    """

    _order = t.List().tag(sync=True)  # of each step that is kept, its number and its slot
    _best = BrowserBytes()
    _serial = t.Int(0).tag(sync=True)  # counts what was sent
    _slots = t.Int(SLOTS).tag(sync=True)

    def __init__(self, pictures: Any = None, **traits: Any) -> None:
        self._lock = RLock()  # cells and what the browser sends may come in two threads
        self._history = StepHistory()
        self._newest: Shown | None = None
        self._best_one: Shown | None = None
        self._is_sent = True
        self._seen = self._breath = 0
        self._heard, self._sent_at = False, 0.0
        self._pace = Pace(self._send_in_turn, PAUSE)
        super().__init__(**traits)
        if pictures is not None:
            self.show(pictures)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def pictures(self) -> list[Image.Image]:
        """The newest pictures, as they were given."""
        return [] if self._newest is None else list(self._newest.pictures)

    @property
    def best(self) -> list[Image.Image]:
        """The best pictures, as they were given; none if there were none."""
        return [] if self._best_one is None else list(self._best_one.pictures)

    @property
    def steps(self) -> list[int]:
        """Numbers of the steps that are kept."""
        return self._history.steps

    def pictures_at(self, step: int) -> list[Image.Image]:
        """Pictures of a step that is kept, as the browser has them.

        Raises
        ------
        ValueError
            If it is not.
        """
        return list(self._shown_at(step).pictures)

    def show(
        self,
        pictures: Any,
        step: int | None = None,
        label: str = "",
        captions: "Iterable[str] | None" = None,
        best: Any = None,
        best_captions: "Iterable[str] | None" = None,
        last: bool = False,
    ) -> None:
        """Show the pictures of one more step; as often as one likes.

        The browser gets as many as it can follow, 15 a second at most, and always the newest.

        Parameters
        ----------
        pictures : a picture or a sequence of pictures
            Each a PIL image or an array of uint8 with shape (H, W, 3) or (H, W), of any size.
        step : int, optional
            One more than the last if not given. The number of the newest again replaces it; a lower one
            begins a new history.
        label : str
            Said in place of "step 12", such as ``"octave 2, step 5"``.
        captions : sequence of str, optional
            What stands under each picture.
        best : pictures, optional
            Those of the best moment, which a button shows; they stay until `clear` or until there are others.
        best_captions : sequence of str, optional
        last : bool
            Whether it is sent at once, whatever the pace: the end of a run.

        Raises
        ------
        ValueError
            If one of them is no picture. What was shown stays.
        """
        pictures = pictures_of(pictures)
        if step is None:
            step = 0 if self._newest is None else self._newest.step + 1
        with self._lock:
            before = self._newest
            self._newest = Shown(int(step), pictures, str(label), captions_of(captions))
            self._is_sent = False
            if before is not None and step < before.step:
                self._forget_steps()
            if best is not None:
                self._best_one = Shown(int(step), pictures_of(best), "best", captions_of(best_captions))
                self._best = packed(self._best_one)
        self._pace.ask()
        if last or not self._history.kept:
            self.flush()

    def flush(self) -> None:
        """Send the newest pictures now, if the browser does not have them yet."""
        with self._lock:
            if self._newest is None or self._is_sent or self.comm is None:
                return
            data = packed(self._newest)
            before = {each.slot for each in self._history.kept}
            slot = self._history.add(self._newest.step, len(data), self.keep, self.position)
            free = before - {each.slot for each in self._history.kept}
            with self.hold_sync():
                for place in free:
                    setattr(self, NAMES[place], b"")
                setattr(self, NAMES[slot], data)
                self._order = [[each.step, each.slot] for each in self._history.kept]
                self._serial += 1
            self._is_sent, self._sent_at = True, time.monotonic()
            if (loop := running_loop()) is not None:
                loop.call_soon(self._breathe, self._serial)

    def clear(self) -> None:
        """Show nothing: history and best pictures are gone."""
        with self._lock, self.hold_sync():
            self._newest = self._best_one = None
            self._is_sent, self._best, self.selected = True, b"", None
            self._forget_steps()

    def _forget_steps(self) -> None:
        """Those kept belong to a run before; so do the best pictures."""
        used = [each.slot for each in self._history.kept]
        self._history = StepHistory()
        with self.hold_sync():
            for place in used:
                setattr(self, NAMES[place], b"")
            self._best_one, self._best = None, b""
            self._order, self.position, self.best_shown = [], None, False

    # -- the pace ----------------------------------------------------------------------------------

    def _send_in_turn(self) -> None:
        if not self._is_behind():
            self.flush()

    def _is_behind(self) -> bool:
        """Whether the browser has not shown yet what it got; it will ask when it has."""
        loop = running_loop()
        if loop is None or not self._heard or self._serial - self._seen < AHEAD:
            return False
        if self._breath < self._serial:  # a cell is at work, so that nothing can be heard of the browser
            return False
        left = self._sent_at + PATIENCE - time.monotonic()
        if left > 0:
            loop.call_later(left, self._pace.ask)
        return left > 0

    def _breathe(self, serial: int) -> None:
        self._breath = max(self._breath, serial)

    def receive(self, content: dict, buffers: list) -> None:
        """What the browser has shown, or that it wants the pictures to save them."""
        kind = content.get("kind")
        if kind == "seen":
            self._seen, self._heard = max(self._seen, int(content["serial"])), True
            if not self._is_sent:
                self._pace.ask()
        elif kind == "save":
            shown = self._displayed()
            pictures = list(shown.pictures) if shown is not None else []
            if self.selected is not None and self.selected < len(pictures):
                pictures = [pictures[self.selected]]
            picture = sheet(pictures)
            self.send(
                {"kind": "file", "number": content.get("number")},
                [] if picture is None else [png_bytes(picture)],
            )

    # -- traits ------------------------------------------------------------------------------------

    @t.validate("position")
    def _is_kept(self, proposal: t.Bunch) -> "int | None":
        step, steps = proposal.value, self._history.steps
        if step is None or step in steps:
            return step
        nearest = min(steps, key=lambda each: abs(each - step), default=None)
        if self.from_browser:  # it may come late
            return nearest
        told = "there are none yet" if nearest is None else f"the nearest that is kept is {nearest}"
        raise t.TraitError(f"step {step} cannot be shown: {told}")

    @t.validate("selected")
    def _is_there(self, proposal: t.Bunch) -> "int | None":
        place, n = proposal.value, len(self.pictures)
        if place is None or 0 <= place < n:
            return place
        if self.from_browser:
            return None
        raise t.TraitError(f"there is no picture {place}: there are {n}")

    def _shown_at(self, step: int) -> Shown:
        slot = self._history.slot_of(step)
        if slot is None:
            raise ValueError(f"step {step} is not kept; those that are: {self.steps}")
        return unpacked(getattr(self, NAMES[slot]))

    def _displayed(self) -> "Shown | None":
        """What the browser shows, exactly where that is known."""
        if self.best_shown and self._best_one is not None:
            return self._best_one
        if self.position is None or self._newest is None or self.position == self._newest.step:
            return self._newest
        return self._shown_at(self.position)

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """Which step is shown, and what stands under the pictures, in words."""
        shown = self._displayed()
        if shown is None:
            return ": ".join(part for part in (self.title, self.message or "no pictures yet") if part)
        steps = self.steps or [shown.step]
        kept = f" (of {len(steps)} kept, {steps[0]} to {steps[-1]})" if len(steps) > 1 else ""
        names = [*self.titles, *[""] * len(shown.pictures)]
        told = [
            " ".join(part for part in (name, caption) if part)
            for name, caption, _ in zip(
                names, [*shown.captions, *[""] * len(names)], shown.pictures, strict=False
            )
        ]
        head = f"{self.title}, {shown.told}{kept}" if self.title else f"{shown.told}{kept}"
        return head + (f": {'; '.join(each for each in told if each)}" if any(told) else "")

    def picture(self) -> Image.Image | None:
        """The pictures that are shown, with their names and captions; None if there are none."""
        shown = self._displayed()
        return None if shown is None else steps_picture(shown, self.title, self.titles, self.width)

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        self._pace.close()
        super().close()
        self._newest = self._best_one = None
        self._is_sent = True
        self._history = StepHistory()
        self._trait_values |= {"_order": [], "position": None, "best_shown": False, "selected": None}
