"""One thing at a time in explorers."""

from functools import wraps
from threading import RLock

_lock = RLock()
"""Of all explorers together: two that share a selection call each other, and would wait for each other's."""


def alone(method):
    """One at a time: cells and what the browser sends come in two threads (subshells of the kernel)."""

    @wraps(method)
    def locked(*args, **kwargs):
        with _lock:
            return method(*args, **kwargs)

    return locked
