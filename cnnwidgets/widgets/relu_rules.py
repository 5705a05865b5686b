"""The three ways back through a ReLU, on matrices small enough to be followed by hand."""

from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import esm
from ._matrix import Matrix, matrix_css, shape_told, short
from ._matrix_picture import Drawn, matrices_picture
from .base import Widget

#: Hold all four cases several times: the neuron on or off, the signal positive or negative.
VALUES = [[3, -2, 1, -1], [-1, 2, -3, 4], [1, 0, 2, -2], [-4, 1, -1, 3]]
SIGNAL = [[2, 3, -1, -2], [1, -3, 2, 4], [-2, 1, 3, 0], [4, 2, -3, -1]]


class ReluRules(Widget):
    """A ReLU as small matrices that can be edited: forward, and back by each of the three rules.

    The input ``f`` goes forward to ``max(f, 0)``. Back comes a signal ``R`` from the layer above, and each
    rule decides in which cells it goes on:

    ===================  ===========================
    plain gradient       ``R * 1[f > 0]``
    DeconvNet            ``R * 1[R > 0]``
    guided backprop      ``R * 1[f > 0] * 1[R > 0]``
    ===================  ===========================

    Everything is recomputed in the browser at each key stroke; pointing at a cell says in words what becomes
    of it under each rule.

    Parameters
    ----------
    values, signal : matrix, shape (h, w), optional
        See the traits; of only one, the other gets numbers that fit its shape.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> rules = ReluRules([[2, -1], [-3, 4]], signal=[[5, 6], [-7, -8]])
    >>> rules.gradient.tolist(), rules.deconvnet.tolist(), rules.guided.tolist()
    ([[5.0, 0.0], [0.0, -8.0]], [[5.0, 6.0], [0.0, 0.0]], [[5.0, 0.0], [0.0, 0.0]])
    >>> rules.told(0, 1)
    'f = −1 is negative: gradient and guided backprop stop here; DeconvNet passes 6 on'

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks", 2014, section 4; Zeiler, Fergus,
    "Visualizing and Understanding Convolutional Networks", 2014; Springenberg et al., "Striving for
    Simplicity", 2015, figure 1.
    """

    _esm = esm("relu_rules")
    _css = matrix_css("relu_rules")

    values = Matrix(VALUES)
    """Input ``f`` of the ReLU in the forward pass. Assign a new matrix; one of another shape than `signal` is
    set by `show`, both at once.

    - Type: matrix of numbers, 1 to 8 rows and columns; kept as a list of lists
    - Default: 4 × 4 numbers of both signs
    """

    signal = Matrix(SIGNAL)
    """Signal ``R`` that comes back from the layer above.

    - Type: matrix of numbers, as large as `values`; kept as a list of lists
    - Default: 4 × 4 numbers of both signs
    """

    position = t.Tuple(t.Int(), t.Int(), default_value=None, allow_none=True).tag(sync=True)
    """The chosen cell, framed in all matrices; one that does not exist raises TraitError.

    - Type: ``(row, column)`` or None
    - Default: ``None``
    """

    def __init__(self, values: Any = None, **traits: Any) -> None:
        if values is not None:
            traits["values"] = values
        for name, other, numbers in (("values", "signal", SIGNAL), ("signal", "values", VALUES)):
            if name in traits and other not in traits and np.ndim(traits[name]) == 2:
                traits[other] = np.resize(numbers, np.shape(traits[name]))
        super().__init__(**traits)

    def show(self, values: Any, signal: Any) -> None:
        """Show other matrices, both of the same shape.

        Parameters
        ----------
        values, signal : matrix, shape (h, w)

        Raises
        ------
        TraitError
            If they differ in shape, or hold something else than finite numbers. What was shown stays.
        """
        with self.hold_sync(), self.hold_trait_notifications():
            self.values, self.signal = values, signal
            rows, columns = np.shape(self.values)
            if self.position is not None and not (self.position[0] < rows and self.position[1] < columns):
                self.position = None

    # -- what comes of it --------------------------------------------------------------------------

    @property
    def output(self) -> np.ndarray:
        """What the ReLU gives in the forward pass, ``max(f, 0)``, shape (h, w)."""
        return np.maximum(self._f, 0)

    @property
    def gradient(self) -> np.ndarray:
        """What goes back by the plain gradient, ``R * 1[f > 0]``, shape (h, w)."""
        return np.where(self._f > 0, self._r, 0)

    @property
    def deconvnet(self) -> np.ndarray:
        """What goes back by the DeconvNet, ``R * 1[R > 0]``, shape (h, w)."""
        return np.where(self._r > 0, self._r, 0)

    @property
    def guided(self) -> np.ndarray:
        """What goes back by guided backprop, ``R * 1[f > 0] * 1[R > 0]``, shape (h, w)."""
        return np.where((self._f > 0) & (self._r > 0), self._r, 0)

    @property
    def _f(self) -> np.ndarray:
        return np.array(self.values, np.float64)

    @property
    def _r(self) -> np.ndarray:
        return np.array(self.signal, np.float64)

    # -- checks ------------------------------------------------------------------------------------

    @t.validate("values", "signal")
    def _same_shape(self, proposal: t.Bunch) -> list:
        if np.shape(self.values if proposal.trait.name == "signal" else self.signal) != np.shape(
            proposal.value
        ):
            mine = {"values": self.values, "signal": self.signal, proposal.trait.name: proposal.value}
            raise t.TraitError(
                f"values and signal must have the same shape, not {shape_told(mine['values'])} and "
                f"{shape_told(mine['signal'])}: set both at once with show(values, signal)"
            )
        return proposal.value

    @t.validate("position")
    def _cell_exists(self, proposal: t.Bunch) -> "tuple[int, int] | None":
        cell, (rows, columns) = proposal.value, np.shape(self.values)
        if cell is None or (0 <= cell[0] < rows and 0 <= cell[1] < columns):
            return cell
        if self.from_browser:  # may come late, from matrices that are no longer shown
            return None
        raise t.TraitError(f"position {tuple(cell)} is outside the matrices of {rows} × {columns} cells")

    # -- other forms -------------------------------------------------------------------------------

    def told(self, row: int, column: int) -> str:
        """What becomes of one cell under each rule, in words.

        Parameters
        ----------
        row, column : int

        Returns
        -------
        str
        """
        f, r = self.values[row][column], self.signal[row][column]
        of_f, of_r, passed = f"f = {short(f)}", f"R = {short(r)}", f"{short(r)} on"
        if r == 0:
            return f"{of_r}: there is nothing to pass on"
        if f > 0 and r > 0:
            return f"{of_f} and {of_r} are both positive: all three pass {passed}"
        if f > 0:
            return (
                f"{of_r} is negative: DeconvNet and guided backprop stop here; the gradient passes {passed}"
            )
        if r > 0:
            what = "negative" if f < 0 else "not positive"
            return f"{of_f} is {what}: gradient and guided backprop stop here; DeconvNet passes {passed}"
        both = f"{of_f} and {of_r} are both negative" if f < 0 else f"neither {of_f} nor {of_r} is positive"
        return f"{both}: all three stop here"

    def describe(self) -> str:
        """How many cells each rule lets through, and what becomes of the chosen one."""
        f, r = self._f > 0, self._r > 0
        text = (
            f"Three ways back through a ReLU, {shape_told(f)} cells: the gradient is open in {f.sum()}, "
            f"DeconvNet in {r.sum()}, guided backprop in {(f & r).sum()}"
        )
        if self.position is None:
            return text
        row, column = self.position
        return f"{text}. Row {row}, column {column}: {self.told(row, column)}"

    def picture(self) -> Image.Image:
        """All matrices; what a rule has taken away is hatched."""
        f, r = self._f, self._r
        largest = float(max(np.abs(f).max(), 0)), float(np.abs(r).max())
        frame = None if self.position is None else (*self.position, 1, 1)
        off_f, off_r = np.where(f > 0, "", "f"), np.where(r > 0, "", "r")

        def drawn(title: str, values: np.ndarray, note: str, scale: float, why: Any = None) -> Drawn:
            return Drawn(title, values, note, scale, frame, [] if why is None else why.tolist())

        forward = [
            drawn("f", f, "input, forward", largest[0]),
            drawn("ReLU(f)", self.output, "max(f, 0)", largest[0]),
        ]
        back = [
            drawn("R", r, "signal from above", largest[1]),
            drawn("plain gradient", self.gradient, "R · 1[f > 0]", largest[1], off_f),
            drawn("DeconvNet", self.deconvnet, "R · 1[R > 0]", largest[1], off_r),
            drawn(
                "guided backprop",
                self.guided,
                "R · 1[f > 0] · 1[R > 0]",
                largest[1],
                np.char.add(off_f, off_r),
            ),
        ]
        return matrices_picture([forward, back], "" if self.position is None else self.told(*self.position))
