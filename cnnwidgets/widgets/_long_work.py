"""What controls of long work share: how far it is, how fast, and that it was asked to stop."""

from typing import Any

import traitlets as t

from ._progress import Reports, Speed
from .base import Widget


class LongWork(Widget):
    """Base of widgets that start long work elsewhere, show how far it is, and can ask it to stop."""

    running = t.Bool(False).tag(sync=True)
    """Whether work is going on; meanwhile the view shows how far it is, and "Stop".

    - Type: `bool`
    - Default: ``False``
    """

    stopping = t.Bool(False).tag(sync=True)
    """Whether the running work was asked to stop. It may be looked at from any thread.

    - Type: `bool`
    - Default: ``False``; so again when `running` ends
    """

    done = t.Int(0, min=0).tag(sync=True)
    """Steps done so far.

    - Type: `int`
    - Default: ``0``
    """

    total = t.Int(0, min=0).tag(sync=True)
    """Steps there are.

    - Type: `int`
    - Default: ``0``, unknown
    """

    rate = t.Float(0.0, min=0).tag(sync=True)
    """Speed over the last seconds, in steps a second; follows from `done`.

    - Type: `float`
    - Default: ``0.0``, not known yet
    """

    message = t.Unicode("").tag(sync=True)
    """What came of the work, such as "412 pictures, 1 could not be read: notes.txt".

    - Type: `str`
    - Default: ``""``
    """

    def __init__(self, **traits: Any) -> None:
        self._speed = Speed()
        self._reports = Reports(self._take_news)
        super().__init__(**traits)

    def progress(self, done: int, total: "int | None" = None, message: "str | None" = None) -> None:
        """Tell how far the work is; from any thread, as often as one likes.

        The browser hears of it five times a second, and of the last one, at the latest by `finish`.

        Parameters
        ----------
        done : int
            Steps done so far.
        total, message : int, str, optional
            As they were if not given.
        """
        last = done == (self.total if total is None else total)
        self._reports.tell(last, done=done, total=total, message=message)

    def finish(self, message: "str | None" = None, **news: Any) -> None:
        """Tell that the work has ended, by itself or since it was stopped; from any thread.

        Parameters
        ----------
        message : str, optional
            New value of the trait; as it was if not given.
        **news
            New values of other traits of the widget.
        """
        # `running` last, since the final count is still measured
        self._reports.tell(True, message=message, **news, running=False)

    def _begin(self, total: int) -> None:
        """Work starts now, or starts again: what was told of it before is forgotten."""
        again = self.running
        with self.hold_sync():
            self.error = self.message = ""
            self.done, self.total, self.running = 0, total, True
            if again:  # `running` does not change
                self._start_measuring()

    def _start_measuring(self) -> None:
        self.stopping, self.rate = False, 0.0
        self._speed = Speed(self.done)
        self._reports.restart()

    def _take_news(self, news: dict[str, Any]) -> None:
        if self.comm is None:  # closed meanwhile
            return
        with self.hold_sync():
            for name, value in news.items():
                setattr(self, name, value)

    @t.observe("running")
    def _begin_or_end(self, change: t.Bunch) -> None:
        with self.hold_sync():
            self.stopping = False
            if self.running:
                self._start_measuring()

    @t.observe("done")
    def _measure(self, change: t.Bunch) -> None:
        if self.running:
            self.rate = self._speed.step(self.done)
