"""What a matplotlib canvas in the browser lacks: keys, a label, a place for errors."""

from collections.abc import Callable
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from .base import Widget


class FigureFrame(Widget):
    """Stands above the canvas of a `LiveFigure`, shows its errors, and makes it usable without a mouse.

    ipympl's canvas swallows every key, the Tab that would leave it too, while "d d" deletes the cell around
    it. The frame takes the keys over: arrows move a cross (by 1 pixel with Shift), Enter clicks there.

    Parameters
    ----------
    picture, describe : callable
        The other forms of the figure, as an explorer asks the widgets inside it for theirs.
    **traits
        Any of the traits below.
    """

    _esm = esm("figure_frame")
    _css = css("figure_frame")

    label = t.Unicode("Figure").tag(sync=True)
    """What the figure shows, for a screen reader.

    - Type: `str`
    - Default: ``"Figure"``
    """

    said = t.Unicode("").tag(sync=True)
    """Read out by a screen reader: where the last click was.

    - Type: `str`
    - Default: ``""``
    """

    def __init__(
        self,
        picture: Callable[[], Image.Image | None],
        describe: Callable[[], str],
        **traits: Any,
    ) -> None:
        self._picture, self._describe = picture, describe
        super().__init__(**traits)

    def picture(self) -> Image.Image | None:
        """The figure."""
        return self._picture()

    def describe(self) -> str:
        """The figure in words."""
        return self._describe()

    def close(self) -> None:
        """Also let go of the figure."""
        self._picture, self._describe = lambda: None, lambda: "FigureFrame (closed)"
        super().close()
