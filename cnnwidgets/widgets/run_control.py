"""Play, pause, one step, from the start again: for work that goes step by step."""

from collections.abc import Callable
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._long_work import LongWork
from ._pictures import text_picture


class RunControl(LongWork):
    """Buttons to play, to pause, to go one step and to begin again, and how far the work is.

    The control computes nothing: register with `on_ask`, and tell it how far the work is with `begin`,
    `progress` and `finish`. Whoever works looks at `stopping` after each step.

    Parameters
    ----------
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (steps) and
        ``message`` (what came of it).

    Examples
    --------
    >>> control = RunControl(n_steps=50)
    >>> control.on_ask(lambda what: print("asked to", what))
    >>> control.ask("play")
    asked to play
    >>> control.begin(0, 50)
    >>> control.progress(20)
    >>> control.describe()
    'step 20 of 50; seed 0'
    >>> control.ask("pause")
    asked to pause
    >>> control.stopping
    True
    """

    _esm = esm("run_control")
    _css = css("run_control")

    n_steps = t.Int(100, min=1, max=100_000).tag(sync=True)
    """After how many steps it pauses by itself; "play" goes on for as many.

    - Type: `int`, 1 to 100,000
    - Default: ``100``
    """

    seed = t.Int(0, min=0, max=9_999).tag(sync=True)
    """Where chance begins; the same seed gives the same.

    - Type: `int`, 0 to 9999
    - Default: ``0``
    """

    can_fast = t.Bool(False).tag(sync=True)
    """Whether `fast` is offered, as the machine can.

    - Type: `bool`
    - Default: ``False``
    """

    fast = t.Bool(False).tag(sync=True)
    """Whether to compute in half precision.

    - Type: `bool`
    - Default: ``False``
    """

    can_compare = t.Bool(True).tag(sync=True)
    """Whether `compare` is offered.

    - Type: `bool`
    - Default: ``True``
    """

    compare = t.Bool(False).tag(sync=True)
    """Whether there are two settings side by side.

    - Type: `bool`
    - Default: ``False``
    """

    KINDS = ("play", "pause", "step", "restart")

    def __init__(self, **traits: Any) -> None:
        self._callbacks: list[Callable[[str], Any]] = []
        super().__init__(**traits)

    def on_ask(self, callback: Callable[[str], Any]) -> None:
        """Call ``callback(what)`` when a button asks for something: ``"play"``, ``"pause"``, ``"step"`` or
        ``"restart"``."""
        self._callbacks.append(callback)

    def ask(self, what: str) -> None:
        """Ask for something, as the buttons do."""
        if what not in self.KINDS:
            raise ValueError(f"there is no {what!r}: {', '.join(map(repr, self.KINDS))}")
        if what == "pause" and self.running:
            self.stopping = True
        for callback in self._callbacks:
            callback(what)

    def begin(self, done: int, total: int) -> None:
        """Tell that work starts or goes on, at step `done`, up to step `total`; on the event loop.

        A new goal of work that goes on already is told in the same way.
        """
        with self.hold_sync():
            self.error = self.message = ""
            self.done, self.total = done, total
            self.running, self.stopping = True, False
        self._reports.restart()

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for."""
        self.error = ""  # so that the same error is news to the browser
        if content.get("kind") in self.KINDS:
            self.ask(content["kind"])

    def describe(self) -> str:
        """How far it is, and what came of it, in words."""
        return "; ".join(row[0] for row in self._rows())

    def _rows(self) -> list[list[str]]:
        rows = []
        if self.running or self.done:
            of = f" of {self.total:,}" if self.running and self.total else ""
            rows.append([f"step {self.done:,}{of}"])
        rows.append([f"seed {self.seed}"])
        if self.fast:
            rows.append(["half precision"])
        if self.compare:
            rows.append(["two settings side by side"])
        return rows + ([[self.message]] if self.message else [])

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        return text_picture(self._rows())
