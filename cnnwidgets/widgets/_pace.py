"""A pace that the browser can follow."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from ._progress import running_loop


class Pace:
    """Calls a function, not in a flood however often it is asked; the last request always counts.

    Between two calls lies a pause, at least as long as the call before took, so that the kernel has time for
    other things. Requests come from cells and from what the browser sends, which JupyterLab lets the kernel
    deal with in two threads, each with an event loop of its own.

    Parameters
    ----------
    call : callable
        Deals with its own exceptions, and with two threads that call it at the same time.
    pause : float
        Seconds between two calls.

    Examples
    --------
    >>> Pace(lambda: print("drawn")).ask()
    drawn
    """

    def __init__(self, call: Callable[[], Any], pause: float = 0.1) -> None:
        self._call, self._pause = call, pause
        self._lock = Lock()
        self._is_wanted = False
        self._free_at = 0.0
        self._timers: set[Any] = set()  # the event loops that will look again

    def ask(self) -> None:
        """Call now, or when the pause is over; at once where there is no event loop (a plain script)."""
        loop = running_loop()
        with self._lock:
            self._is_wanted = True
            wait = self._free_at - time.monotonic()
            if loop is not None and wait > 0:
                if loop not in self._timers:
                    self._timers.add(loop)
                    loop.call_later(wait, self._look_again, loop)
                return
        self._run()

    def close(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._is_wanted = False

    def _look_again(self, loop: Any) -> None:
        with self._lock:
            self._timers.discard(loop)
            is_wanted = self._is_wanted
        if is_wanted:
            self._run()

    def _run(self) -> None:
        self._is_wanted = False
        began = time.monotonic()
        try:
            self._call()
        finally:
            ended = time.monotonic()
            self._free_at = ended + max(self._pause, ended - began)
