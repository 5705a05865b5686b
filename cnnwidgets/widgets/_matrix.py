"""Small matrices of numbers that a student may edit."""

from typing import Any

import numpy as np
import traitlets as t

from ._assets import STATIC, css
from ._traits import as_numpy


class Matrix(t.TraitType):
    """A synced trait of rows of finite numbers; kept as a list of lists, whole numbers as `int`.

    Parameters
    ----------
    default_value : list of lists
    largest : int
        Most rows and most columns, since each number is drawn as a cell that can be read.
    **kwargs
        Such as ``allow_none``.
    """

    info_text = "a matrix: rows of numbers, all as long"

    def __init__(self, default_value: Any, largest: int = 8, **kwargs: Any) -> None:
        self.largest = largest
        super().__init__(default_value, **kwargs)
        self.tag(sync=True)

    def validate(self, obj: t.HasTraits, value: Any) -> "list[list[int | float]]":
        """A copy as lists, of whatever has two axes."""
        try:
            array = np.asarray(as_numpy(value), np.float64)
        except (TypeError, ValueError):
            array = None
        if array is None or array.ndim != 2:
            raise t.TraitError(f"{self.name} must be a matrix: rows of numbers, all of the same length")
        if not (1 <= array.shape[0] <= self.largest and 1 <= array.shape[1] <= self.largest):
            told = shape_told(array)
            raise t.TraitError(f"{self.name} must have 1 to {self.largest} rows and columns, not {told}")
        if not np.isfinite(array).all():
            raise t.TraitError(f"{self.name} must hold finite numbers, not NaN or infinity")
        return listed(array)

    def default(self, obj: t.HasTraits | None = None) -> Any:
        """A copy of its own for each widget."""
        return None if self.default_value is None else [list(row) for row in self.default_value]


def matrix_css(name: str) -> str:
    """Rules of a widget that draws matrices, with those of the matrices."""
    return css(name) + (STATIC / "matrix" / "matrix.css").read_text(encoding="utf-8")


def listed(array: np.ndarray) -> "list[list[int | float]]":
    """A matrix as lists that read well: 3 and not 3.0."""
    return [[int(value) if value == int(value) else value for value in row] for row in array.tolist()]


def shape_told(array: Any) -> str:
    """Rows × columns."""
    return " × ".join(map(str, np.shape(array)))


def short(value: float) -> str:
    """A number for a cell, as the front ends write it: 3, −0.25, 1.33, 2e6."""
    value = float(f"{value:.12g}")
    size = abs(value)
    if size and not 0.005 <= size < 1e4:
        mantissa, exponent = f"{value:.0e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{value:.2f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text).replace("-", "−")
