"""How far long work is: told from any thread, at a pace that the browser can follow."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

#: Seconds between two reports to the browser, which loses some of a flood.
PAUSE = 0.2
#: Seconds over which the speed is measured: long enough to be calm, short enough to follow a change.
WINDOW = 4.0


class Reports:
    """Values on their way from a working thread to the event loop; of a flood, the newest five a second.

    Parameters
    ----------
    apply : callable
        Gets a dict of the newest values, on the loop; at once where there is no loop (a plain script).
    """

    def __init__(self, apply: Callable[[dict[str, Any]], None]) -> None:
        self._apply = apply
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.restart()

    def restart(self) -> None:
        """Forget what was not told yet, and tell on the loop that runs here."""
        with self._lock:
            self._loop = running_loop() or self._loop
            self._news: dict[str, Any] = {}
            self._told_at, self._is_called = -PAUSE, False

    def tell(self, at_once: bool = False, **values: Any) -> None:
        """Tell values, None excepted; from any thread. What is not told at once goes with the next."""
        with self._lock:
            self._news.update({name: value for name, value in values.items() if value is not None})
            if self._is_called or not (at_once or time.monotonic() - self._told_at >= PAUSE):
                return
            self._is_called = True
        if running_loop() is None and self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._deliver)
        else:
            self._deliver()

    def _deliver(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
            self._told_at, self._is_called = time.monotonic(), False
        if news:
            self._apply(news)


class Speed:
    """Steps a second, over the last seconds.

    Examples
    --------
    >>> speed = Speed(0, now=10.0)
    >>> speed.step(50, now=11.0)
    50.0
    >>> speed.step(200, now=12.0)
    100.0
    """

    def __init__(self, done: int = 0, now: float | None = None) -> None:
        self._steps = deque([(time.monotonic() if now is None else now, done)])

    def step(self, done: int, now: float | None = None) -> float:
        """Note how much is done; 0 where it is too early to tell."""
        now = time.monotonic() if now is None else now
        if done < self._steps[-1][1]:  # it started again
            self._steps.clear()
        self._steps.append((now, done))
        # the step just outside the window stays, so that it is never measured over less
        while len(self._steps) > 2 and self._steps[1][0] <= now - WINDOW:
            self._steps.popleft()
        since, before = self._steps[0]
        return (done - before) / (now - since) if now - since > 0.05 else 0.0


def running_loop() -> "asyncio.AbstractEventLoop | None":
    """The event loop that runs in this thread; None if there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
