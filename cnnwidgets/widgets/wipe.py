"""Two pictures, one over the other, with a border between them to drag."""

from typing import Any

import traitlets as t
from PIL import Image, ImageDraw

from ..render import jpeg_bytes, png_bytes
from ._assets import css, esm
from ._pace import Pace
from ._picture_rows import opened
from ._traits import BrowserBytes
from .base import Widget

EXACT = 40_000
"""Pictures of so many pixels travel exactly; larger ones as JPEG."""


class Wipe(Widget):
    """Before and after: left of a border the one picture, right of it the other, place upon place.

    Parameters
    ----------
    before, after : PIL image or ndarray of uint8, shape (H, W, 3) or (H, W), optional
        Of any sizes; both fill the same frame, that of `before`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> wipe = Wipe(Image.new("RGB", (40, 30), "white"), Image.new("RGB", (40, 30), "teal"))
    >>> wipe.border = 0.25
    >>> wipe.picture().getpixel((9, 15)), wipe.picture().getpixel((11, 15))
    ((255, 255, 255), (0, 128, 128))
    """

    _esm = esm("wipe")
    _css = css("wipe")

    border = t.Float(0.5).tag(sync=True)
    """Where the border is: 0 at the left, all of it `after`; 1 at the right, all of it `before`. Another
    value raises TraitError.

    - Type: `float`, 0 to 1
    - Default: ``0.5``
    """

    titles = t.Tuple(t.Unicode(), t.Unicode(), default_value=("before", "after")).tag(sync=True)
    """What both are, written into their corners.

    - Type: tuple of two `str`
    - Default: ``("before", "after")``
    """

    caption = t.Unicode("").tag(sync=True)
    """A line below.

    - Type: `str`
    - Default: ``""``
    """

    width = t.Int(480, min=16).tag(sync=True)
    """Of the frame in pixels of the page; narrower on a narrow page.

    - Type: `int`
    - Default: ``480``
    """

    _before = BrowserBytes()
    _after = BrowserBytes()

    def __init__(self, before: Any = None, after: Any = None, **traits: Any) -> None:
        self._pictures: list[Image.Image | None] = [None, None]
        self._pace = Pace(self._send_after)
        super().__init__(**traits)
        self.show(before, after)

    def show(self, before: Any = None, after: Any = None) -> None:
        """Show other pictures; those that are not given stay. As often as one likes: some may be left out.

        Raises
        ------
        ValueError
            If one of them is no picture.
        """
        for place, given in enumerate((before, after)):
            if given is not None:
                self._pictures[place] = opened(given)
        if before is not None:
            self._before = _encoded(self._pictures[0])
        if after is not None:
            self._pace.ask()

    def clear(self) -> None:
        """Show nothing."""
        self._pace.close()
        self._pictures = [None, None]
        with self.hold_sync():
            self._before = self._after = b""

    def _send_after(self) -> None:
        picture = self._pictures[1]
        if self.comm is not None and picture is not None:
            self._after = _encoded(picture)

    @t.validate("border")
    def _on_the_picture(self, proposal: t.Bunch) -> float:
        told = f"the border is from 0, left, to 1, right, not {proposal.value}"
        return self.within(proposal, 0.0, 1.0, told)

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        self._pace.close()
        super().close()
        self._pictures = [None, None]

    def describe(self) -> str:
        """What is shown, in words."""
        if self._pictures[0] is None:
            return "Wipe: no pictures"
        told = f"{self.titles[0]} on the left {self.border:.0%}, {self.titles[1]} on the rest"
        return f"{told}; {self.caption}" if self.caption else told

    def picture(self) -> Image.Image | None:
        """What is shown."""
        before, after = self._pictures
        if before is None:
            return None
        sheet = before.convert("RGB")
        if after is not None:
            left = round(self.border * sheet.width)
            whole = after.convert("RGB").resize(sheet.size, Image.Resampling.BICUBIC)
            sheet.paste(whole.crop((left, 0, *sheet.size)), (left, 0))
            if 0 < left < sheet.width:
                ImageDraw.Draw(sheet).line((left, 0, left, sheet.height), fill="white")
        return sheet


def _encoded(picture: Image.Image) -> bytes:
    is_small = picture.width * picture.height <= EXACT
    return png_bytes(picture) if is_small else jpeg_bytes(picture, 90, full_colour=True)
