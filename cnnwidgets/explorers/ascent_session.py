"""One or two ascents from the same start, in turn: what a thread does while the student watches."""

import time
from typing import Any, NamedTuple

from ..core import CnnWidgetsError
from .ascent_run import AscentRun, pictures_of, probabilities_of

SHOW_EVERY = 1 / 15
"""Seconds between two looks, at least."""
ASK_EVERY = 0.4
"""Seconds after which the network is asked again what it says of the images."""
ASK_SHARE = 0.2
"""Share of the time that this may take."""


class Look(NamedTuple):
    """What is to be seen of the ascents by now.

    Attributes
    ----------
    session : Session
    steps : list of Step
        Of each ascent.
    pictures : list of list of ndarray
        Of each ascent.
    probabilities : list of ndarray, shape (N, n_classes)
        Of each; perhaps of a moment ago.
    is_end : bool
        Whether it pauses here.
    best : list of (list of ndarray, Step), or None
        Of each ascent; at the end.
    error : exception or None
    """

    session: Any
    steps: list
    pictures: list
    probabilities: list
    is_end: bool = False
    best: Any = None
    error: Any = None


class Session:
    """Ascents of the same goal under one or two settings, as far as they have come.

    Parameters
    ----------
    climb : Climb
    settings : list of AscentSettings
        Of one or two; may be set while it runs.

    Attributes
    ----------
    until : int
        Step at which it pauses; may be raised while it runs.
    pausing : bool
        Whether it shall pause after this step.
    is_shown : bool
        Whether the last look was; until then there are no others, which would pile up while a cell is at
        work.
    """

    def __init__(self, climb, settings):
        self.climb, self.settings = climb, list(settings)
        self.runs = None  # made in the thread
        self.until, self.pausing, self.is_shown = 0, False, True
        self._probabilities = []
        self._asked_at, self._asking = float("-inf"), 0.0

    @property
    def number(self):
        """Steps done by all ascents; -1 before the start was looked at."""
        return min((run.number for run in self.runs or ()), default=-1)

    def steps(self):
        """Looks, up to the step `until`; runs in a thread, and touches no widget."""
        shown_at, error = float("-inf"), None
        self.is_shown = True
        while error is None:
            try:
                if self.runs is None:
                    self.runs = [AscentRun(self.climb, settings) for settings in self.settings]
                self._one_step()
            except CnnWidgetsError as raised:
                error = raised
            is_end = self.pausing or error is not None or self.number >= self.until
            now = time.monotonic()
            if is_end or (self.is_shown and now - shown_at >= SHOW_EVERY):
                shown_at, self.is_shown = now, False
                yield self._look(is_end, error)
            else:
                yield None
            if is_end:
                return

    def _one_step(self):
        number = self.number  # of the one that is behind: after an error both are brought level
        for run, settings in zip(self.runs, list(self.settings), strict=True):
            if run.number == number:
                run.step(settings)

    def _look(self, is_end, error):
        runs = [run for run in self.runs or () if run.last is not None]
        network, steps = self.climb.network, [run.last for run in runs]
        best = None
        if is_end:
            best = [(pictures_of(network, run.best.images), run.best) for run in runs]
        if runs and (is_end or (self.number > 0 and self._may_ask())):  # the first look comes soon
            began = time.monotonic()
            self._probabilities = [probabilities_of(network, step.images) for step in steps]
            self._asked_at = time.monotonic()
            self._asking = self._asked_at - began
        pictures = [pictures_of(network, step.images) for step in steps]
        return Look(self, steps, pictures, self._probabilities, is_end, best, error)

    def _may_ask(self):
        return time.monotonic() - self._asked_at >= max(ASK_EVERY, self._asking / ASK_SHARE)
