"""The errors of the package: one clear sentence each, which names the mend."""

from collections.abc import Iterable
from difflib import get_close_matches


class CnnWidgetsError(ValueError):
    """Base of every error that the package raises on purpose."""


class LayerError(CnnWidgetsError):
    """A layer that the network does not have, never ran, or whose output cannot be used."""


class TargetError(CnnWidgetsError):
    """A class that the network does not have."""


class InputError(CnnWidgetsError):
    """An image or a tensor that a network cannot read."""


class NetworkError(CnnWidgetsError):
    """A network that cannot be loaded, wrapped or used as asked."""


def did_you_mean(name: object, names: Iterable[str], n: int = 3) -> str:
    """Name the nearest of the possible names, for the end of an error message.

    Parameters
    ----------
    name : object
        What was asked for.
    names : iterable of str
        What there is.
    n : int
        How many to name at most.

    Returns
    -------
    str
        ``"nearest: 'conv1', 'conv2'"``; the first few where nothing is near, ``"there are none"`` where
        nothing is.

    Examples
    --------
    >>> did_you_mean("con1", ["conv1", "conv2", "relu"])
    "nearest: 'conv1', 'conv2'"
    >>> did_you_mean("xyz", ["conv1", "conv2", "relu", "pool"])
    "there are: 'conv1', 'conv2', 'relu', …"
    """
    known = [str(each) for each in names]
    if not known:
        return "there are none"
    lowered = {each.lower(): each for each in reversed(known)}
    near = get_close_matches(str(name).lower(), lowered, n=n, cutoff=0.5)
    if near:
        return "nearest: " + ", ".join(repr(lowered[each]) for each in near)
    return "there are: " + ", ".join(map(repr, known[:n])) + (", …" if len(known) > n else "")
