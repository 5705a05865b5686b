"""Two cuts through an occlusion map: along the row and along the column of the square."""

import numpy as np

from ..widgets import LiveFigure
from ..widgets.live_figure import COLOURS


class OcclusionCuts:
    """Curves of probability by the place of the square; a click moves the square.

    Parameters
    ----------
    on_place : callable
        Gets ``(row, column)``, of which one is None: it stays.
    """

    def __init__(self, on_place):
        self.figure = LiveFigure((7.6, 2.3), label="Probability along the row and the column of the square")
        self._along_row, self._along_column = self.figure.axes(1, 2, sharey=True)
        self._on_place = on_place
        self.figure.on_click(self._clicked)

    def show(self, curves, centres, place):
        """Draw anew.

        Parameters
        ----------
        curves : list of (name, values (R, C), baseline)
        centres : (rows, columns)
            In pixels.
        place : (row, column) or None
            Of the square.
        """
        if self.figure.figure is None:
            return
        rows, columns = centres
        row, column = place if place is not None else (rows[len(rows) // 2], columns[len(columns) // 2])
        i, j = int(np.abs(rows - row).argmin()), int(np.abs(columns - column).argmin())
        with self._alone(), self.figure.look():
            for axes, at, here, title, unit in (
                (self._along_row, columns, column, f"along row {rows[i]}", "column of the square"),
                (self._along_column, rows, row, f"along column {columns[j]}", "row of the square"),
            ):
                axes.clear()
                axes.set_title(title)
                axes.set_xlabel(f"{unit}, pixels")
                for (name, values, baseline), colour in zip(curves, COLOURS, strict=False):
                    cut = values[i] if axes is self._along_row else values[:, j]
                    axes.axhline(baseline, color=colour, lw=1, ls=(0, (2, 3)))
                    axes.plot(at, cut, color=colour, marker=".", ms=4, lw=1.5, label=name)
                if place is not None:
                    axes.axvline(here, color="#616161", lw=1)
                axes.set_ylim(-0.03, 1.03)
            self._along_row.set_ylabel("probability")
            self._along_column.legend(loc="best", fontsize=8)
        self.figure.draw()

    def clear(self):
        """Take the curves away, and leave the axes."""
        if self.figure.figure is None:
            return
        with self._alone():
            for axes in (self._along_row, self._along_column):
                for line in [*axes.lines]:
                    line.remove()
                if axes.get_legend() is not None:
                    axes.get_legend().remove()
        self.figure.draw()

    def _alone(self):
        """The browser may ask for a drawing in another thread, and must not get half a change."""
        return self.figure.lock

    def _clicked(self, axes, x, y):
        self._on_place(*((None, round(x)) if axes is self._along_row else (round(x), None)))
