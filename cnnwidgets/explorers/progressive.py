"""Work beside the event loop that shows something after each of its steps."""

from collections.abc import Callable, Iterator
from threading import local
from typing import Any

from ..widgets._progress import running_loop
from .latest import Calls, Latest


class GivenUp(Exception):
    """Raised inside of work that is no longer wanted."""


class Progressive:
    """Runs one iterator at a time in a thread, and shows what it yields; given up at its next step once
    another is wanted.

    Without a running event loop (a plain script) the work is done at once.

    Parameters
    ----------
    on_error : callable
        Gets the exception that the newest work, or showing it, raised.

    Examples
    --------
    >>> Progressive(print).submit(lambda: iter("ab"), print)
    a
    b
    """

    def __init__(self, on_error: Callable[[Exception], Any]):
        self._on_error = on_error
        self._latest = Latest(on_error)
        self._wanted = None
        self._here = local()  # of the thread that is at work: without a loop it is the one that asks

    def submit(self, steps: Callable[[], Iterator], show: Callable[[Any], Any]) -> None:
        """Begin ``steps()`` in a thread, as soon as the one before has ended its step; call ``show(step)``
        on the loop for each that it yields."""
        ticket = self._wanted = object()
        loop = running_loop()
        calls = Calls(loop) if loop is not None else None

        def work():
            self._here.at_work = ticket, calls, show
            try:
                for step in steps():
                    self.tell(step)
            except GivenUp:
                pass
            except Exception as error:
                if calls is None:
                    self._fail(ticket, error)
                else:
                    calls.call(self._fail, ticket, error)
            finally:
                self._here.at_work = None

        self._latest.submit(work, lambda nothing: None)

    def tell(self, step: Any) -> None:
        """Show something from within a step; in the thread of the work. None shows nothing.

        Raises
        ------
        GivenUp
            If the work is no longer wanted: let it through.
        """
        ticket, calls, show = self._here.at_work
        if self._wanted is not ticket:
            raise GivenUp
        if step is None:
            return
        if calls is None:
            self._show(ticket, show, step)
        else:
            calls.call(self._show, ticket, show, step)

    def stop(self) -> None:
        """Give up what is at work, at its next step."""
        self._wanted = None

    def close(self) -> None:
        """Stop, and begin nothing any more."""
        self.stop()
        self._latest.close()

    async def done(self) -> None:
        """Wait until everything that was asked for is shown."""
        await self._latest.done()

    def _show(self, ticket, show, step) -> None:
        if self._wanted is not ticket:
            return
        try:
            show(step)
        except Exception as error:
            self._wanted = None
            self._on_error(error)

    def _fail(self, ticket, error) -> None:
        if self._wanted is ticket:  # of what nobody wants any more, nobody need hear
            self._on_error(error)
