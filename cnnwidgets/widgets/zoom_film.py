"""A film that falls into a dream: its length and zoom, how far it is, the film, and links to keep it."""

from collections.abc import Callable
from typing import Any

import traitlets as t
from PIL import Image

from ..render import jpeg_bytes
from ._assets import css, esm
from ._long_work import LongWork
from ._pictures import text_picture
from ._traits import BrowserBytes

LIMITS = {"n_frames": (2, 600), "seconds": (0.5, 60.0), "zoom": (1.0, 1.5), "n_steps": (1, 50)}


class ZoomFilm(LongWork):
    """Settings of a zoom film, a button that asks for it, and the film itself with links that save it.

    The widget makes no film: register with `on_make`, tell it how far the work is with `begin` and
    `progress`, give it each picture with `preview`, and the film with `show`. Whoever works looks at
    `stopping` after each picture.

    Parameters
    ----------
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (steps) and
        ``message`` (what came of it).

    Examples
    --------
    >>> film = ZoomFilm(n_frames=48, seconds=4.0, zoom=1.05)
    >>> film.fps, round(film.enlarged, 1)
    (12.0, 9.9)
    """

    _esm = esm("zoom_film")
    _css = css("zoom_film")

    n_frames = t.Int(48).tag(sync=True)
    """Pictures of the film.

    - Type: `int`, 2 to 600
    - Default: ``48``
    """

    seconds = t.Float(4.0).tag(sync=True)
    """How long it takes.

    - Type: `float`, 0.5 to 60
    - Default: ``4.0``
    """

    zoom = t.Float(1.05).tag(sync=True)
    """How much larger things are in each picture than in the one before.

    - Type: `float`, 1, no zoom, to 1.5
    - Default: ``1.05``
    """

    n_steps = t.Int(2).tag(sync=True)
    """Steps of the dream of each picture, in each of its octaves. With many, all colours soon are as strong
    as can be.

    - Type: `int`, 1 to 50
    - Default: ``2``
    """

    stage = t.Unicode("").tag(sync=True)
    """What is counted by `done`, such as ``"dreaming, step"``.

    - Type: `str`
    - Default: ``""``
    """

    file_name = t.Unicode("dream").tag(sync=True)
    """Name of the files that are saved, without their ending.

    - Type: `str`
    - Default: ``"dream"``
    """

    caption = t.Unicode("").tag(sync=True)
    """What the film shows.

    - Type: `str`
    - Default: ``""``
    """

    gif = BrowserBytes()
    """The film as GIF.

    - Type: `bytes`
    - Default: ``b""``, none yet
    """

    mp4 = BrowserBytes()
    """The film as MP4.

    - Type: `bytes`
    - Default: ``b""``, none yet, or not possible
    """

    _preview = BrowserBytes()

    def __init__(self, **traits: Any) -> None:
        self._make: list[Callable[[], Any]] = []
        self._picture: Image.Image | None = None
        super().__init__(**traits)

    @property
    def fps(self) -> float:
        """Pictures a second."""
        return self.n_frames / self.seconds

    @property
    def enlarged(self) -> float:
        """How much larger things are in the last picture than in the first."""
        return self.zoom ** (self.n_frames - 1)

    # -- work --------------------------------------------------------------------------------------

    def on_make(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when a film is wanted."""
        self._make.append(callback)

    def make(self) -> None:
        """Ask for a film, as the button does."""
        for callback in self._make:
            callback()

    def stop(self) -> None:
        """Ask for the film to end with the picture that it is at, as the button does."""
        if self.running:
            self.stopping = True

    def begin(self, stage: str, total: int = 0) -> None:
        """Tell that work starts, or its next part; from any thread.

        Parameters
        ----------
        stage : str
            What is counted from now on.
        total : int
            How many there are; 0 if that is not known.
        """
        self._reports.tell(True, stage=stage, done=0, total=total, message="", running=True)

    def preview(self, picture: Any) -> None:
        """Show a picture of the film that is being made; on the event loop.

        Parameters
        ----------
        picture : PIL image or ndarray of uint8, shape (H, W, 3)
        """
        self._picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        self._preview = jpeg_bytes(self._picture)

    def show(self, gif: bytes = b"", mp4: bytes = b"", caption: str = "") -> None:
        """Show a film, instead of the one before; nothing without either.

        Parameters
        ----------
        gif, mp4 : bytes
            The same film in both formats, or in one of them.
        caption : str
        """
        with self.hold_sync():
            self.gif, self.mp4, self.caption = gif, mp4, caption

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for."""
        self.error = ""  # so that the same error is news to the browser
        if content.get("kind") == "stop":
            self.stop()
        elif content.get("kind") == "make":
            self.make()

    @t.validate(*LIMITS)
    def _has_limits(self, proposal: t.Bunch) -> float:
        return self.within(proposal, *LIMITS[proposal.trait.name])

    def close(self) -> None:
        """Remove the widget from all views and free its film, in the kernel and in the browser."""
        super().close()
        self._picture = None

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """What is asked for, and what there is, in words."""
        told = [
            f"Film of {self.n_frames} pictures in {self.seconds:g} s",
            f"{self.enlarged:.1f} times as large",
        ]
        if self.running:
            told.append(f"{self.stage} {self.done} of {self.total}")
        made = [name for name, data in (("GIF", self.gif), ("MP4", self.mp4)) if data]
        told.append(" and ".join(made) + " made" if made else "not made yet")
        return "; ".join([*told, *([self.message] if self.message and not self.running else [])])

    def picture(self) -> Image.Image:
        """The last picture of the film, or what is asked for as a small table."""
        if self._picture is not None:
            return self._picture
        return text_picture([[each] for each in self.describe().split("; ")])
