"""Work beside the event loop, of which only the newest result counts."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Event, Lock, RLock, Thread
from typing import Any

from ..widgets._progress import running_loop

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
        self._closed = False
        self._shown_at = time.monotonic()

    def submit(self, work: Callable[[], Any], apply: Callable[[Any], Any]) -> None:
        """Compute ``work()`` in a thread, then call ``apply(result)`` on the loop, unless stale."""
        if self._closed:
            return
        loop = running_loop()
        if loop is None:
            self._finish(work, apply)
            return
        with self._lock:
            self._waiting = work, apply, Calls(loop), copy_context()
            if self._ended is not None:
                return
            ended = self._ended = new_future()
        self._shown_at = time.monotonic()
        try:
            start_thread(self._run, ended)
        except BaseException:  # no more threads
            self._end(ended)
            raise

    async def done(self) -> None:
        """Wait until everything that was asked for is shown."""
        while (ended := self._ended) is not None:
            await asyncio.shield(asyncio.wrap_future(ended))

    def close(self) -> None:
        """Forget what waits, and show nothing any more."""
        self._closed, self._waiting = True, None

    def _run(self, ended: Future) -> None:
        """In the thread, whose end does not depend on any loop: that of a subshell may be closed before."""
        try:
            while (request := self._next()) is not None:
                work, apply, calls, context = request
                context.run(self._answer, work, apply, calls)
                del request, work, apply, calls, context  # or they would live as long as the next work takes
        finally:
            self._end(ended)

    def _end(self, ended: Future) -> None:
        with self._lock:
            if self._ended is ended:  # by an exception
                self._ended = None
        ended.set_result(None)

    def _next(self) -> tuple | None:
        with self._lock:
            request, self._waiting = self._waiting, None
            if request is None:
                self._ended = None  # under the lock: whoever asks from now on begins anew
            return request

    def _answer(self, work, apply, calls: "Calls") -> None:
        try:
            result = work()
        except Exception as error:
            calls.call(self._fail, error)
        else:
            calls.call(self._show, apply, result)
        calls.settle()

    def _show(self, apply, result) -> None:
        try:
            if self._counts():
                apply(result)
                self._shown_at = time.monotonic()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
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


class Calls:
    """Calls from a thread, made in their order on an event loop; in the thread itself if the loop has ended.

    Subshells of the kernel have a loop each, which may be closed while work goes on that they asked for.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self._loop = loop
        self._waiting = deque()
        self._lock = RLock()  # one call at a time, also while the loop ends

    def call(self, what: Callable[..., Any], *args: Any) -> None:
        """Call ``what(*args)`` soon; from the thread."""
        self._waiting.append((what, args))
        if self._loop.is_running():
            try:
                self._loop.call_soon_threadsafe(self._make)
                return
            except RuntimeError:  # closed by now
                pass
        self._make()

    def settle(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait in the thread until all calls are made, or no longer wanted."""
        last = Event()
        self.call(last.set)
        while not last.wait(0.05) and not given_up():
            if not self._loop.is_running():
                self._make()

    def _make(self) -> None:
        with self._lock:
            while self._waiting:
                what, args = self._waiting.popleft()
                try:
                    what(*args)
                except Exception:
                    logging.getLogger(__name__).exception("a result could not be shown")


def new_future() -> Future:
    """A future of no event loop, which those who wait for it cannot cancel."""
    future = Future()
    future.set_running_or_notify_cancel()
    return future


def start_thread(work: Callable[..., Any], *args: Any) -> None:
    """Call ``work(*args)`` in a thread, in the context of here; it does not keep Python from ending."""
    Thread(target=copy_context().run, args=(work, *args), name="cnnwidgets", daemon=True).start()
