"""How the score grows: a line for each image, one for each of two settings."""

import time

import numpy as np

from ..widgets import LiveFigure
from ..widgets.live_figure import COLOURS

DRAW_EVERY = 0.6
"""Seconds between two drawings while it runs: each costs the ascent some steps."""
NAMES = ("A", "B")
SIZE = 4.6, 2.9  # inches of 100 pixels


class ScoreCurve:
    """Score, or activation, of each step, and what is left of it without the penalties.

    Of several images, each has a thin line, and their mean a thick one; or the one that is selected.

    Attributes
    ----------
    figure : LiveFigure
    """

    def __init__(self):
        self.figure = LiveFigure(SIZE, label="Score of the images by step")
        self._axes = self.figure.axes()
        self._drawn_at = 0.0
        self._pieces = []
        self._key = None

    def show(self, session, selected=None, at_once=False):
        """Draw the curves of a session; not more often than the page and the ascent can bear."""
        now = time.monotonic()
        if not at_once and now - self._drawn_at < DRAW_EVERY:
            return
        self._drawn_at = now
        with self.figure.lock:
            if self.figure.figure is None:
                return
            self._draw(session, selected)
        self.figure.draw()

    def _draw(self, session, selected):
        curves = [curve_of(run) for run in session.runs or () if run.values]
        if not curves:
            return
        has_penalties = [bool(penalties.any()) for _, penalties in curves]
        key = len(curves), [each[0].shape[1] for each in curves], has_penalties, session.climb.value_name
        if key != self._key:
            self._begin(curves, has_penalties, session.climb)
            self._key = key
        for (thin, thick, less), (values, penalties) in zip(self._pieces, curves, strict=True):
            steps = np.arange(len(values))
            chosen = selected if selected is not None and selected < values.shape[1] else None
            for i, line in enumerate(thin):
                line.set_data(steps, values[:, i])
            shown = values.mean(1) if chosen is None else values[:, chosen]
            thick.set_data(steps, shown)
            if values.shape[1] > 1:
                of = f"mean of {values.shape[1]}" if chosen is None else session.climb.titles[chosen]
                thick.set_label(", ".join(part for part in (thick.get_gid(), of) if part))
            if less is not None:
                less.set_data(steps, shown - (penalties.mean(1) if chosen is None else penalties[:, chosen]))
        if self._axes.get_legend() is not None:
            with self.figure.look():
                self._axes.legend(loc="lower right")
        self._axes.relim()
        self._axes.autoscale_view()

    def _begin(self, curves, has_penalties, climb):
        axes = self._axes
        self.figure.label = f"{climb.value_name} by step"
        with self.figure.look():
            self._empty()
            axes.set_xlabel("step")
            axes.set_title(climb.value_name)
        self._pieces = []
        for place, ((values, _), penalised) in enumerate(zip(curves, has_penalties, strict=True)):
            colour = COLOURS[place]
            n = values.shape[1]
            name = NAMES[place] if len(curves) > 1 else ""
            what = name or climb.value_word
            thin = [axes.plot([], [], color=colour, lw=0.7, alpha=0.35)[0] for _ in range(n if n > 1 else 0)]
            thick = axes.plot([], [], color=colour, lw=2, label=what, gid=name)[0]
            dashed = {"color": colour, "lw": 1.4, "ls": "--", "label": "less penalties"}
            less = axes.plot([], [], **dashed)[0] if penalised else None
            self._pieces.append((thin, thick, less))
        if len(curves) > 1 or any(has_penalties) or curves[0][0].shape[1] > 1:
            with self.figure.look():
                axes.legend(loc="lower right")

    def clear(self):
        """No curves."""
        with self.figure.lock:
            if self.figure.figure is None:
                return
            with self.figure.look():
                self._empty()
            self._key, self._pieces = None, []
        self.figure.draw()

    def _empty(self):
        """Within the look of this package, which ticks take when they are first asked for."""
        self._axes.clear()
        for axis in (self._axes.xaxis, self._axes.yaxis):
            axis.get_major_ticks()


def curve_of(run):
    """Values and penalties of each step so far, each (steps, N)."""
    n = min(len(run.values), len(run.penalties))
    return np.array(run.values[:n]), np.array(run.penalties[:n])
