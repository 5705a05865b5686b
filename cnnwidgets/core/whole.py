"""Whole numbers among the options."""

from operator import index

from .errors import InputError


def at_least(least: int, **options: object) -> None:
    """Raise an InputError that names the first option that is no whole number, or smaller than ``least``.

    Examples
    --------
    >>> at_least(1, batch_size=16, step=0)
    Traceback (most recent call last):
    cnnwidgets.core.errors.InputError: step is a whole number of at least 1, not 0
    """
    for name, value in options.items():
        try:
            is_right = index(value) >= least
        except TypeError:
            is_right = False
        if not is_right:
            raise InputError(f"{name} is a whole number of at least {least}, not {value!r}")
