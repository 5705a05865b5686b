"""Run a scan over pictures of one's own: a folder, or pictures from the browser."""

from collections.abc import Callable
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._batches import Batch
from ._long_work import LongWork
from ._pictures import text_picture


class ScanControl(LongWork):
    """Start, watch and stop a scan over a folder or over pictures that the browser sends.

    The control does no scanning: it calls whoever registered with `on_start`, and shows what it is told by
    `progress` and `finish`. It stays alive meanwhile if the scan runs in a thread.

    Parameters
    ----------
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (pictures), ``rate``
        (images a second) and ``message``.

    Examples
    --------
    >>> control = ScanControl(source="5,000 Toytown pictures")
    >>> def scan(pictures):  # a path as str, or {name: bytes of the file}
    ...     for done in range(3):
    ...         if control.stopping:
    ...             break
    ...         control.progress(done + 1, total=3)
    ...     control.finish("3 pictures", source="my holidays")
    >>> control.on_start(scan)
    >>> control.start("~/holidays")
    >>> control.running, control.done, control.source
    (False, 3, 'my holidays')
    """

    _esm = esm("scan_control")
    _css = css("scan_control")

    folder = t.Unicode("").tag(sync=True)
    """The path in the field; looked for where the kernel runs.

    - Type: `str`
    - Default: ``""``
    """

    source = t.Unicode("").tag(sync=True)
    """Which pictures are shown now, such as "5,000 Toytown pictures".

    - Type: `str`
    - Default: ``""``
    """

    home = t.Unicode("").tag(sync=True)
    """The `source` that there is a way back to, by a button, when another one is shown.

    - Type: `str`
    - Default: the first `source`
    """

    refused = t.List(t.Unicode()).tag(sync=True)
    """Chosen files that the browser could not send, each with the reason; the view lists them.

    - Type: list of `str`
    - Default: ``[]``; so again with the next start
    """

    # Of the pictures that are on their way from the browser: their batch, how many there will be, and how
    # many are here or known not to come. The browser goes on sending only while it hears that they arrive.
    _batch = t.Unicode("").tag(sync=True)
    _expected = t.Int(0).tag(sync=True)
    _arrived = t.Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._callbacks: dict[str, list[Callable]] = {"start": [], "cancel": [], "reset": []}
        self._incoming: Batch | None = None
        super().__init__(**traits)

    # -- callbacks ---------------------------------------------------------------------------------

    def on_start(self, callback: Callable[["str | dict[str, bytes]"], Any]) -> None:
        """Call ``callback(pictures)`` when a scan is asked for.

        Parameters
        ----------
        callback : callable
            Gets the path of a folder as `str`, or a dict from file name to the bytes of the file: pictures
            that the browser has sent, JPEGs of at most 512 pixels where the originals were larger.
            `running` is on by then; the scan's end is told by `finish`. What `callback` raises is
            shown, and ends the scan. It is called on the event loop: long work belongs in a thread.
        """
        self._callbacks["start"].append(callback)

    def on_cancel(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when "Stop" is pressed; `stopping` is on by then."""
        self._callbacks["cancel"].append(callback)

    def on_reset(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when the way back to `home` is taken."""
        self._callbacks["reset"].append(callback)

    # -- what the buttons do -----------------------------------------------------------------------

    def start(self, pictures: "str | dict[str, bytes]") -> None:
        """Ask for a scan, as the buttons do.

        Parameters
        ----------
        pictures : str or dict of name to bytes
            Path of a folder, which also goes into the field; or the files themselves.

        Raises
        ------
        TraitError
            If the path is empty, a scan is running, or nobody has registered with `on_start`.
        """
        if isinstance(pictures, str):
            pictures = pictures.strip().strip("\"'").strip()  # paths are often copied with their quotes
            if not pictures:
                raise t.TraitError("type the path of a folder first, such as ~/pictures")
            self.folder = pictures
        self._check_free()
        self._begin(0 if isinstance(pictures, str) else len(pictures))
        self._call_start(pictures)

    def _check_free(self) -> None:
        if self.running:
            raise t.TraitError("a scan is running: stop it first")
        if not self._callbacks["start"]:
            raise t.TraitError("nothing scans the pictures yet: register a function with on_start")

    def _call_start(self, pictures: "str | dict[str, bytes]") -> None:
        try:
            for callback in self._callbacks["start"]:
                callback(pictures)
        except Exception:
            self.running = False
            raise

    def cancel(self) -> None:
        """Ask the running scan to stop, or give up pictures that are still on their way here."""
        if self._incoming is not None:
            self._expect()
        if self.running and not self.stopping:
            self.stopping = True
            for callback in self._callbacks["cancel"]:
                callback()

    def reset(self) -> None:
        """Go back to `home`; a running scan is asked to stop first."""
        self.cancel()
        with self.hold_sync():
            self.error = self.message = ""
            self.refused = []
        for callback in self._callbacks["reset"]:
            callback()

    def finish(self, message: "str | None" = None, source: "str | None" = None) -> None:
        """Tell that the scan has ended, by itself or since it was stopped; from any thread.

        Parameters
        ----------
        message, source : str, optional
            New values of the traits; as they were if not given.
        """
        super().finish(message, source=source)

    @t.observe("source")
    def _first_is_home(self, change: t.Bunch) -> None:
        if not self.home:
            self.home = self.source

    # -- the browser's pictures --------------------------------------------------------------------

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for, or take a picture that the browser sent.

        Pictures come one a message, after one that says how many there will be; the scan starts when each
        has come, or is known not to.
        """
        kind = content.get("kind")
        if kind in ("scan", "batch"):
            with self.hold_sync():
                self.error, self.refused = "", []  # so that the same error is news to the browser
        if kind == "scan":
            self.start(str(content.get("folder", "")))
        elif kind == "cancel":
            self.cancel()
        elif kind == "reset":
            self.reset()
        elif kind == "batch":
            self._check_free()
            self._expect(str(content["batch"]), int(content["count"]))
        elif self._incoming is not None and content.get("batch") == self._batch:
            self._take(kind, content, buffers)

    def _expect(self, batch: str = "", count: int = 0) -> None:
        """Wait for a new batch of pictures, or for none, and forget the one before."""
        self._incoming = Batch(count) if count else None
        with self.hold_sync():
            self._batch, self._expected, self._arrived = batch, count, 0

    def _take(self, kind: str, content: dict, buffers: list) -> None:
        incoming = self._incoming
        if kind == "batch ends":  # the view was closed: nothing more will come
            self._expect()
            return
        if kind == "picture":
            incoming.add(int(content["place"]), str(content["name"]), bytes(buffers[0]))
        elif kind == "no picture":
            incoming.miss(int(content["place"]), str(content["why"]))
        self._arrived = incoming.arrived
        if incoming.is_complete:
            files = incoming.files
            with self.hold_sync():  # one message: the view goes over from sending to scanning
                self._expect()
                self.refused = incoming.missing
                if files:
                    self._check_free()
                    self._begin(len(files))
            if files:
                self._call_start(files)

    def close(self) -> None:
        """Ask a running scan to stop, remove the widget from all views, and free its pictures."""
        self._incoming = None
        self.stopping = self.running
        super().close()

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """Which pictures are shown, how far a scan is, and what came of it, in words."""
        parts = [f"Pictures: {self.source or 'none yet'}"]
        if self.running:
            parts.append(f"scanning, {self.done:,}" + (f" of {self.total:,}" if self.total else ""))
        parts += [text for text in (self.message, *self.refused) if text]
        return "; ".join(parts)

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        rows = [["pictures", self.source or "none yet"]]
        if self.running:
            rows.append(["scanning", f"{self.done:,}" + (f" of {self.total:,}" if self.total else "")])
        if self.message:
            rows.append(["", self.message])
        return text_picture(rows)
