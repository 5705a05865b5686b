"""Work beside the event loop, of which only the newest result counts."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Any

PATIENCE = 0.2
"""Seconds after which even a result that has become stale is better than none."""


class Latest:
    """Runs one piece of work at a time in a thread, so that the kernel stays free while a student moves a
    slider.

    A request that comes while another is at work waits for it, and replaces any that waited before: those are
    never started. The result of a request that another one waits for is dropped, unless nothing has been
    shown for a while: a camera would otherwise never be seen where a picture takes longer than a frame.

    Without a running event loop (a plain script) the work is done at once.

    Parameters
    ----------
    on_error : callable
        Gets the exception that the newest work or its ``apply`` raised.
    patience : float
        Seconds without a result after which a stale one is shown.

    Examples
    --------
    >>> shown = []
    >>> Latest(print).submit(lambda: 6 * 7, shown.append)
    >>> shown
    [42]
    """

    def __init__(self, on_error: Callable[[Exception], Any], patience: float = PATIENCE):
        self._on_error = on_error
        self._patience = patience
        self._lock = Lock()  # requests come from cells and from the browser, which may be two threads
        self._waiting = None
        self._ended = None  # while one is at work: a future of no event loop, as there may be two
        self._task = None
        self._closed = False
        self._shown_at = time.monotonic()

    def submit(self, work: Callable[[], Any], apply: Callable[[Any], Any]) -> None:
        """Compute ``work()`` in a thread, then call ``apply(result)`` on the loop, unless stale."""
        if self._closed:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._finish(work, apply)
            return
        with self._lock:
            self._waiting = work, apply
            if self._ended is not None:
                return
            self._ended = Future()
        self._shown_at = time.monotonic()
        self._task = loop.create_task(self._run(self._ended))

    async def done(self) -> None:
        """Wait until everything that was asked for is shown."""
        while (ended := self._ended) is not None:
            await asyncio.shield(asyncio.wrap_future(ended))

    def close(self) -> None:
        """Forget what waits, and show nothing any more."""
        self._closed, self._waiting = True, None

    async def _run(self, ended: Future) -> None:
        try:
            while (request := self._next()) is not None:
                await self._answer(*request)
        finally:
            with self._lock:
                if self._ended is ended:  # cancelled
                    self._ended = None
            ended.set_result(None)

    def _next(self) -> tuple | None:
        with self._lock:
            request, self._waiting = self._waiting, None
            if request is None:
                self._ended = None  # under the lock: whoever asks from now on begins anew
            return request

    async def _answer(self, work, apply) -> None:
        try:
            result = await asyncio.to_thread(work)
            if self._counts():
                apply(result)
                self._shown_at = time.monotonic()
        except Exception as error:
            if self._counts():
                self._on_error(error)

    def _counts(self) -> bool:
        overdue = time.monotonic() - self._shown_at > self._patience
        return not self._closed and (self._waiting is None or overdue)

    def _finish(self, work, apply) -> None:
        try:
            apply(work())
        except Exception as error:
            self._on_error(error)
