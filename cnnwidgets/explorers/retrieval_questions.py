"""What a retrieval explorer is asked: for which picture, in which spaces; and what came of it."""

from typing import Any, NamedTuple

import numpy as np

from ..core import CnnWidgetsError, InputError
from ..data import read_image
from .retrieval_pictures import OwnPicture
from .retrieval_search import Search


class Request(NamedTuple):
    """What neighbours depend on, but for the picture."""

    search: Search
    layer: str | None  # None for the vector before the classifier
    metric: str
    kinds: tuple


class Answer(NamedTuple):
    """The neighbours of a picture, by kind of space; or why there are none."""

    request: Request
    asked: Any
    found: dict

    def is_to(self, request, asked):
        """Whether that was the question; which kinds are shown does not matter."""
        return self.asked == asked and self.request[:3] == request[:3]


def answered(request, asked):
    """The neighbours in the spaces that are there; slow enough to be run in a thread.

    Parameters
    ----------
    request : Request
    asked : int or OwnPicture

    Returns
    -------
    Answer
    """
    found = {}
    for kind in request.kinds:
        if request.search.space(kind, request.layer) is None:
            continue
        try:
            found[kind] = request.search.near(kind, request.layer, request.metric, asked)
        except CnnWidgetsError as error:
            found[kind] = error
    return Answer(request, asked, found)


class Asked:
    """Which picture is asked for, and which ones were before.

    Those that are searched have their numbers from 0; one's own are -1, -2, …

    Attributes
    ----------
    number : int
        Of the picture that is asked for.
    own : list of OwnPicture
    history : list of int
        All numbers that were asked for, each once, the newest last.
    """

    def __init__(self):
        self.number, self.own, self.history = 0, [], []

    def ask(self, query, name, pictures):
        """Ask for a picture.

        Parameters
        ----------
        query : int or anything that ``cnnwidgets.data.read_image`` takes
        name : str
            Of one's own.
        pictures : PictureSet
            Those that are searched.

        Raises
        ------
        InputError
            If there is no such number.
        ImageError
            If it cannot be read.
        """
        if isinstance(query, int | np.integer) and not isinstance(query, bool):
            query = int(query)
            last = pictures.n if pictures.is_read else pictures.total
            if query < -len(self.own) or (last is not None and query >= last):
                raise InputError(f"there is no picture {query}: they have the numbers 0 to {last - 1}")
        else:
            self.own.append(OwnPicture(pictures.network, read_image(query), name))
            query = -len(self.own)
        self.number = query
        self.history = [each for each in self.history if each != query] + [query]

    def settle(self, n):
        """Now it is known that ``n`` pictures could be read."""
        if self.number >= n:
            self.number = 0
        self.history = self.history or [self.number]

    def move_to(self, network):
        """Let another network read one's own pictures."""
        self.own = [OwnPicture(network, each.picture, each.name) for each in self.own]

    def own_of(self, number):
        """One's own picture of this number; None for one of those that are searched."""
        return self.own[-number - 1] if number < 0 else None

    def the_one(self, pictures):
        """The picture that is asked for: its number, or an `OwnPicture`; None if it is still to be read."""
        if self.number < 0:
            return self.own_of(self.number)
        return self.number if self.number < pictures.n else None
