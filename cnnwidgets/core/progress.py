"""Telling how far long work has come."""

from collections.abc import Callable
from typing import Any

Report = Callable[[int, "int | None"], object]


def reporter(progress: Any) -> Report:
    """A function ``report(done, total)`` from what users pass as ``progress``.

    Parameters
    ----------
    progress : callable, tqdm bar or None
        Called with what is done and the total (None if that is not known); a bar is moved.

    Returns
    -------
    callable

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> report = reporter(lambda done, total: print(f"{done} of {total}"))
    >>> report(32, 100)
    32 of 100
    """
    if progress is None:
        return lambda done, total: None
    if hasattr(progress, "update") and hasattr(progress, "refresh") and not isinstance(progress, type):
        return lambda done, total: _move(progress, done, total)
    if not callable(progress) or isinstance(progress, type):
        what = f"the class {progress.__name__}" if isinstance(progress, type) else type(progress).__name__
        raise TypeError(f"progress is a function (done, total) or a tqdm bar such as tqdm(), not {what}")
    return progress


def _move(bar: Any, done: int, total: int | None) -> None:
    if total is not None:
        bar.total = total
    bar.update(done - bar.n)
    if done == total:
        bar.refresh()
