"""A convolution by hand, step by step: forward, and back with the flipped filter."""

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import esm
from ._matrix import Matrix, matrix_css, shape_told, short
from ._matrix_picture import Drawn, matrices_picture
from .base import Widget

#: Two bright corners with slanting edges, and dots that show the filter's own pattern.
INPUT = [
    [0, 0, 0, 1, 2, 2, 2],
    [0, 0, 0, 0, 1, 2, 2],
    [0, 1, 0, 0, 0, 1, 2],
    [0, 0, 0, 0, 0, 0, 1],
    [1, 0, 0, 3, 0, 0, 0],
    [2, 1, 0, 0, 0, 0, 0],
    [2, 2, 1, 0, 0, 1, 0],
]
#: Answers to edges that are bright at the upper right; the 2 tells where that corner goes when it is flipped.
KERNEL = [[0, 1, 2], [-1, 0, 1], [0, -1, 0]]
LARGEST = 9


class ConvolutionStepper(Widget):
    """A small convolution that slides, cell by cell, with every sum written out; and the way back.

    Forward, the filter lies on the input, cell on cell, the products are added, and the sum is one cell of
    the output (networks do not flip the filter here, though they call it convolution). Without padding and
    with stride 1, 7 × 7 numbers and a 3 × 3 filter give 5 × 5.

    Back, a signal of the output's size goes to the input's size, as in a backward pass and in a DeconvNet.
    There are two ways to see it, with the same result: each number of the signal pastes its multiple of the
    filter onto the grid (``"scatter"``); or the filter, flipped in both axes, slides over the signal with
    zeros around it (``"gather"``).

    All matrices can be edited; steps are computed in the browser.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> stepper = ConvolutionStepper(input=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], kernel=[[1, 0], [0, -2]])
    >>> stepper.output.tolist()
    [[-9.0, -10.0], [-12.0, -13.0]]
    >>> stepper.sum_told(0, 1)
    '2×1 + 3×0 + 5×0 + 6×(−2) = −10'
    >>> stepper.direction, stepper.signal = "back", [[0, 1], [0, 0]]  # a single 1 brings the filter itself
    >>> stepper.back.tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, -2.0], [0.0, 0.0, 0.0]]

    References
    ----------
    Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4; Zeiler, Fergus,
    "Visualizing and Understanding Convolutional Networks", 2014, section 2.1.
    """

    _esm = esm("convolution_stepper")
    _css = matrix_css("convolution_stepper")

    input = Matrix(INPUT, LARGEST)
    """What the filter slides over.

    - Type: matrix of numbers, at least as large as `kernel`, at most 9 × 9; kept as a list of lists
    - Default: 7 × 7
    """

    kernel = Matrix(KERNEL, 5)
    """The filter.

    - Type: matrix of numbers, at most 5 × 5; kept as a list of lists
    - Default: 3 × 3
    """

    signal = Matrix(None, LARGEST, allow_none=True)
    """What is sent back. It is forgotten when `input` or `kernel` get another shape.

    - Type: matrix of numbers, as large as `output`; kept as a list of lists; or None
    - Default: ``None``, the output after a ReLU
    """

    direction = t.Enum(("forward", "back"), "forward").tag(sync=True)
    """Which way is shown.

    - Type: ``"forward"`` or ``"back"``
    - Default: ``"forward"``
    """

    method = t.Enum(("scatter", "gather"), "scatter").tag(sync=True)
    """How the way back is shown: the signal pastes filters, or the flipped filter slides over the signal.

    - Type: ``"scatter"`` or ``"gather"``
    - Default: ``"scatter"``
    """

    step = t.Int(0).tag(sync=True)
    """The step that is shown, row by row; those before it are done.

    - Type: `int`, 0 to ``n_steps - 1``
    - Default: ``0``
    """

    playing = t.Bool(False).tag(sync=True)
    """Whether it steps on by itself; ends at the last step.

    - Type: `bool`
    - Default: ``False``
    """

    seconds = t.Float(0.8, min=0.05).tag(sync=True)
    """Time from step to step while it plays.

    - Type: `float`, in seconds, at least 0.05
    - Default: ``0.8``
    """

    # -- what comes of it --------------------------------------------------------------------------

    @property
    def output(self) -> np.ndarray:
        """All of the forward result, shape (H - kh + 1, W - kw + 1)."""
        x, kernel = np.array(self.input, np.float64), np.array(self.kernel, np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape)
        return np.einsum("rcij,ij->rc", windows, kernel)

    @property
    def sent(self) -> np.ndarray:
        """What is sent back: `signal`, or the output after a ReLU. Shape of `output`."""
        return np.maximum(self.output, 0) if self.signal is None else np.array(self.signal, np.float64)

    @property
    def back(self) -> np.ndarray:
        """All of the result on the way back, shape (H, W)."""
        return self._pasted(np.inf)

    @property
    def n_steps(self) -> int:
        """Number of steps of what is shown: cells of the output, or, for ``"gather"``, of the input."""
        gather = self.direction == "back" and self.method == "gather"
        return int(np.size(self.input) if gather else np.prod(self._output_shape))

    @property
    def _output_shape(self) -> tuple[int, int]:
        (rows, columns), (tall, wide) = np.shape(self.input), np.shape(self.kernel)
        return rows - tall + 1, columns - wide + 1

    def _pasted(self, steps: float) -> np.ndarray:
        kernel, grid = np.array(self.kernel, np.float64), np.zeros(np.shape(self.input))
        for place, ((row, column), value) in enumerate(np.ndenumerate(self.sent)):
            if place < steps:
                grid[row : row + kernel.shape[0], column : column + kernel.shape[1]] += value * kernel
        return grid

    # -- checks ------------------------------------------------------------------------------------

    @t.validate("input", "kernel")
    def _kernel_fits(self, proposal: t.Bunch) -> list:
        mine = {"input": self.input, "kernel": self.kernel, proposal.trait.name: proposal.value}
        if any(np.subtract(np.shape(mine["kernel"]), np.shape(mine["input"])) > 0):
            raise t.TraitError(
                f"kernel must not be larger than input, not {shape_told(mine['kernel'])} on "
                f"{shape_told(mine['input'])}: set both under hold_trait_notifications()"
            )
        return proposal.value

    @t.validate("signal")
    def _signal_fits(self, proposal: t.Bunch) -> "list | None":
        wanted = self._output_shape
        if proposal.value is None or np.shape(proposal.value) == wanted:
            return proposal.value
        if self.from_browser:  # may come late, from matrices that are no longer shown
            return None
        raise t.TraitError(
            f"signal must be as large as the output, {wanted[0]} × {wanted[1]}, "
            f"not {shape_told(proposal.value)}"
        )

    @t.validate("step")
    def _step_exists(self, proposal: t.Bunch) -> int:
        last = self.n_steps - 1
        return self.within(proposal, 0, last, f"step {proposal.value} does not exist: there are 0 to {last}")

    @t.observe("input", "kernel", "direction", "method")
    def _fit(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if self.signal is not None and np.shape(self.signal) != self._output_shape:
                self.signal = None
            self.step = min(self.step, self.n_steps - 1)

    # -- other forms -------------------------------------------------------------------------------

    def sum_told(self, row: int, column: int) -> str:
        """The sum behind one cell of the result, written out.

        Parameters
        ----------
        row, column : int
            A cell of `output`; on the way back, of `back`.

        Returns
        -------
        str
            Such as ``"2×1 + 0×(−1) = 2"``; on the way back without the products that lie in the zeros around
            the signal.
        """
        terms = self._terms(row, column)
        written = " + ".join(f"{short(a)}×{_bracketed(b)}" for a, b in terms)
        return f"{written} = {short(sum(a * b for a, b in terms))}"

    def _terms(self, row: int, column: int) -> list[tuple[float, float]]:
        kernel = np.array(self.kernel, np.float64)
        if self.direction == "forward":
            x = self.input
            return [(x[row + i][column + j], weight) for (i, j), weight in np.ndenumerate(kernel)]
        sent = self.sent
        places = [
            (row - i, column - j, weight) for (i, j), weight in reversed(list(np.ndenumerate(kernel)))
        ]  # from the last weight to the first: so the flipped filter reads from left to right
        rows, columns = sent.shape
        return [(sent[i, j], weight) for i, j, weight in places if 0 <= i < rows and 0 <= j < columns]

    def describe(self) -> str:
        """What is shown, and the sum of the step in words."""
        shapes = [shape_told(self.input), shape_told(self.kernel), " × ".join(map(str, self._output_shape))]
        place = f"step {self.step + 1} of {self.n_steps}"
        if self.direction == "forward":
            row, column = divmod(self.step, self._output_shape[1])
            told = f"output[{row}, {column}] = {self.sum_told(row, column)}"
            return "Convolution, {} with a filter of {} to {}: ".format(*shapes) + f"{place}, {told}"
        head = "Transposed convolution, {2} with a filter of {1} to {0}: ".format(*shapes)
        if self.method == "gather":
            row, column = divmod(self.step, len(self.input[0]))
            return f"{head}{place}, flipped filter, result[{row}, {column}] = {self.sum_told(row, column)}"
        return f"{head}{place}, {self._stamp_told()}"

    def _stamp_told(self) -> str:
        row, column = divmod(self.step, self._output_shape[1])
        tall, wide = np.shape(self.kernel)
        return (
            f"{short(self.sent[row, column])} times the filter is added at rows {row} to {row + tall - 1}, "
            f"columns {column} to {column + wide - 1}"
        )

    def picture(self) -> Image.Image:
        """The matrices at this step."""
        kernel = np.array(self.kernel, np.float64)
        tall, wide = kernel.shape
        if self.direction == "back" and self.method == "gather":
            row, column = divmod(self.step, len(self.input[0]))
            padded = np.pad(self.sent, [(tall - 1, tall - 1), (wide - 1, wide - 1)])
            drawn = [
                Drawn("signal", padded, "zeros around it", frame=(row, column, tall, wide)),
                Drawn("filter", kernel[::-1, ::-1], "flipped in both axes"),
                Drawn("result", self._done(self.back), frame=(row, column, 1, 1)),
            ]
            return matrices_picture([drawn], self.sum_told(row, column))
        row, column = divmod(self.step, self._output_shape[1])
        window, cell = (row, column, tall, wide), (row, column, 1, 1)
        if self.direction == "forward":
            drawn = [
                Drawn("input", np.array(self.input, np.float64), frame=window),
                Drawn("filter", kernel),
                Drawn("output", self._done(self.output), frame=cell),
            ]
            return matrices_picture([drawn], self.sum_told(row, column))
        scale = float(np.abs(self.back).max())
        drawn = [
            Drawn("signal", self.sent, frame=cell),
            Drawn("filter", kernel),
            Drawn("result", self._pasted(self.step + 1), "stamps added up", scale, window),
        ]
        return matrices_picture([drawn], self._stamp_told())

    def _done(self, values: np.ndarray) -> np.ndarray:
        places = np.arange(values.size).reshape(values.shape)
        return np.where(places <= self.step, values, np.nan)


def _bracketed(value: float) -> str:
    return f"({short(value)})" if value < 0 else short(value)
