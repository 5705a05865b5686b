"""The filters of a convolution as tiles, and one of them closely."""

from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ..render import lut
from ..render.signed import quantise_signed
from ._assets import css, esm
from ._filter_pictures import filters_picture
from ._traits import BrowserBytes, Floats, as_numpy
from ._words import number
from .base import Widget

#: What the widget says of filters that do not read an image.
UNREADABLE = (
    "Each row is one filter, each column one of its input channels. Those are no longer colours but feature "
    "maps of the layer before: without knowing what each map shows, the weights say nothing to the eye."
)
UNTRAINED = "Random weights, untrained: whatever seems to show here was not learned."

#: Up to this many weights the browser also gets the exact numbers, for reading them under the pointer.
EXACT_WEIGHTS = 2**18


class FilterGrid(Widget):
    """All filters of a convolution as tiles on one canvas; the chosen one large, with what is known of it.

    Filters that read three channels are drawn in colour (red, green, blue), those that read one in grey.
    For all others, which do not read an image, each filter is a row of grey tiles, one for each input
    channel. Zero is always mid-grey: brighter weights are positive, darker ones negative.

    Parameters
    ----------
    weights : array or tensor of float, shape (n, C, kh, kw), optional
        Shown at once, see `show`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> grid = FilterGrid(np.ones((6, 3, 5, 7)), title="conv1")
    >>> grid.n_filters, grid.kernel_size
    (6, (5, 7))
    >>> grid.channel = 3  # as if tile 3 had been clicked
    >>> grid.analyse(explained=[0.9, 0.1, 0.4, 0.2, 0.8, 0.3])
    >>> grid.describe()
    'conv1: 6 filters of 3 × 5 × 7. Filter 3: norm 10.2, best Gabor explains 20 %'
    """

    _esm = esm("filter_grid")
    _css = css("filter_grid")

    channel = t.Int(None, allow_none=True).tag(sync=True)
    """The filter that is opened, which is the output channel that it computes; one that does not exist raises
    TraitError.

    - Type: `int`, 0 to ``n_filters - 1``, or None
    - Default: ``None``, no filter is opened
    """

    input_channel = t.Int(None, allow_none=True).tag(sync=True)
    """The input channel whose weights are shown large, for filters that do not read an image.

    - Type: `int`, 0 to ``n_inputs - 1``, or None
    - Default: ``None``
    """

    normalise = t.Enum(("filter", "shared"), "filter").tag(sync=True)
    """Whether each filter uses the whole range from black to white for its own largest weight (``"filter"``),
    or one grey stands for the same weight in all of them (``"shared"``).

    - Type: ``"filter"`` or ``"shared"``
    - Default: ``"filter"``
    """

    order = t.List(t.Int()).tag(sync=True)
    """Filters in the order in which they are drawn; some may be left out.

    - Type: list of `int`
    - Default: all, in the order of their numbers
    """

    sort = t.Enum(("number", "norm", "explained", "firing"), "number").tag(sync=True)
    """What brings filters of `order` to the front: their largest L2 norm, how well a Gabor explains them, or
    how often they fire. Filters for which that is unknown come last.

    - Type: ``"number"``, ``"norm"``, ``"explained"`` or ``"firing"``
    - Default: ``"number"``, as in `order`
    """

    columns = t.Int(0, min=0).tag(sync=True)
    """Tiles in a row, for filters that read an image.

    - Type: `int`
    - Default: ``0``, as many as make the tiles large
    """

    title = t.Unicode("").tag(sync=True)
    """Heading, such as the name of the network and of the layer.

    - Type: `str`
    - Default: ``""``
    """

    note = t.Unicode("").tag(sync=True)
    """Line under the heading.

    - Type: `str`
    - Default: ``""``: says that the weights are untrained where they are, and why filters that do not read
      an image say nothing
    """

    untrained = t.Bool(False).tag(sync=True)
    """Whether these weights are random, which is said in the colour of warnings.

    - Type: `bool`
    - Default: ``False``
    """

    _shape = t.List(t.Int(), [0, 0, 0, 0]).tag(sync=True)
    _codes = BrowserBytes()
    _scales = Floats()
    _exact = Floats()
    _response = BrowserBytes()
    _response_size = t.Int(0).tag(sync=True)
    _fitted = BrowserBytes()
    _explained = Floats()
    _orientation = Floats()
    _wavelength = Floats()
    _norms = Floats()
    _firing = Floats()
    _firing_layer = t.Unicode("").tag(sync=True)
    _lut = BrowserBytes()
    _texts = t.Dict(dict(unreadable=UNREADABLE, untrained=UNTRAINED)).tag(sync=True)

    def __init__(self, weights: Any = None, **traits: Any) -> None:
        chosen = {name: traits.pop(name) for name in ("channel", "input_channel", "order") if name in traits}
        super().__init__(**traits)
        self._lut = lut("magma").tobytes()
        if weights is not None:
            self.show(weights)
        for name, value in chosen.items():  # these are only right once there are filters
            setattr(self, name, value)

    @property
    def n_filters(self) -> int:
        """Number of filters shown."""
        return self._shape[0]

    @property
    def n_inputs(self) -> int:
        """Number of input channels that each filter reads."""
        return self._shape[1]

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Height and width of the filters, in pixels of what they read."""
        return tuple(self._shape[2:])

    @property
    def reads_image(self) -> bool:
        """Whether each filter is one tile: it reads three channels, taken for red, green and blue, or one."""
        return self.n_inputs in (1, 3)

    @property
    def weights(self) -> np.ndarray:
        """The filters as the browser has them, shape (n, C, kh, kw), float32.

        Exact where they are few; else right to 1/254 of the largest magnitude in each filter, and NaN in a
        filter that holds a NaN.
        """
        if len(self._exact):
            return self._exact.reshape(self._shape)
        codes = np.frombuffer(self._codes, np.int8).reshape(self._shape)
        return codes * (self._scales / 127)[:, None, None, None]

    def show(self, weights: Any) -> None:
        """Show the filters of a convolution. What `analyse` has told of others before is forgotten.

        Parameters
        ----------
        weights : array or tensor of float, shape (n, C, kh, kw)
            Such as ``conv.weight``, or what ``cnnwidgets.core.filters(model, layer)`` returns.

        Raises
        ------
        ValueError
            If the shape is another one. What was shown before stays.
        """
        weights = as_numpy(weights)
        if weights.ndim != 4 or 0 in weights.shape:
            raise ValueError(
                "weights must have the shape (filters, input channels, height, width), as conv.weight has, "
                f"not {weights.shape}"
            )
        codes, scales = quantise_signed(weights)
        exact = weights.ravel() if weights.size <= EXACT_WEIGHTS else ()
        with self.hold_sync():
            self._shape = list(weights.shape)
            self._codes, self._scales, self._exact = codes.tobytes(), scales, exact
            self._response, self._response_size, self._fitted, self._firing_layer = b"", 0, b"", ""
            self._explained = self._orientation = self._wavelength = self._firing = ()
            self._norms = np.sqrt(np.square(weights.astype(np.float64)).sum((1, 2, 3)))
            self.order = list(range(len(weights)))
            if self.channel is not None and self.channel >= self.n_filters:
                self.channel = None
            if self.input_channel is not None and (self.reads_image or self.input_channel >= self.n_inputs):
                self.input_channel = None

    def analyse(
        self,
        response: Any = None,
        explained: Any = None,
        orientation: Any = None,
        wavelength: Any = None,
        fitted: Any = None,
        norms: Any = None,
        firing: Any = None,
        firing_layer: str = "",
    ) -> None:
        """Tell what is known of each filter; it is shown when the filter is opened.

        Parameters
        ----------
        response : array, shape (n, size, size), optional
            Frequency response, not negative, zero frequency at ``[size // 2, size // 2]``, as
            ``cnnwidgets.core.frequency_response`` returns it.
        explained : array, shape (n,), optional
            Share of the filter that its best Gabor explains, 0 to 1.
        orientation, wavelength : array, shape (n,), optional
            Of that Gabor's stripes: degrees counter-clockwise from horizontal, and pixels from stripe to
            stripe. NaN stands for a filter without stripes; in `wavelength` alone, for one with a single
            edge or line.
        fitted : array, shape (n, C, kh, kw), optional
            That Gabor as a filter; drawn with the scale of the filter itself.
        norms : array, shape (n,), optional
            L2 norms; computed from the weights if never given.
        firing : array, shape (n,), optional
            Share of the places at which the channel is above zero.
        firing_layer : str
            Where that was measured, such as ``"relu1"``.

        What is not given stays as it was, so that results may come one after another.

        Raises
        ------
        ValueError
            If an array does not have a row for each filter, or another shape than the one above.
        """
        vectors = dict(
            explained=explained, orientation=orientation, wavelength=wavelength, norms=norms, firing=firing
        )
        n = self.n_filters
        if not n:
            raise ValueError("there are no filters yet: call show() before analyse()")
        given = {
            name: self._checked(name, value, (n,)) for name, value in vectors.items() if value is not None
        }
        if response is not None:
            response = as_numpy(response)
            response = self._checked("response", response, (n, *response.shape[-1:] * 2))
        if fitted is not None:
            fitted = self._checked("fitted", fitted, tuple(self._shape))
        with self.hold_sync():
            for name, values in given.items():
                setattr(self, f"_{name}", values)
            if firing is not None:
                self._firing_layer = str(firing_layer)
            if response is not None:
                self._response, self._response_size = _shares(response).tobytes(), response.shape[-1]
            if fitted is not None:
                scales = self._scales[:, None, None, None].astype(np.float64)
                share = np.divide(fitted, scales, out=np.zeros(fitted.shape), where=scales > 0)
                share[~np.isfinite(fitted).all((1, 2, 3))] = 0
                self._fitted = np.rint(127 * share.clip(-1, 1)).astype(np.int8).tobytes()

    def _checked(self, name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
        values = as_numpy(values)
        if values.shape != shape:
            told = " × ".join(map(str, values.shape)) or "a single number"
            raise ValueError(f"{name} must have the shape {shape}, a row for each filter, not {told}")
        return values

    def arranged(self) -> list[int]:
        """Filters in the order in which they are drawn: `order`, after `sort`.

        Returns
        -------
        list of int
        """
        values = {"norm": self._norms, "explained": self._explained, "firing": self._firing}.get(
            self.sort, ()
        )
        if not len(values):
            return list(self.order)
        return sorted(self.order, key=lambda i: -values[i] if np.isfinite(values[i]) else np.inf)

    @t.validate("channel")
    def _filter_exists(self, proposal: t.Bunch) -> "int | None":
        return self._existing(proposal.value, self.n_filters, "filter")

    @t.validate("input_channel")
    def _input_exists(self, proposal: t.Bunch) -> "int | None":
        return self._existing(proposal.value, self.n_inputs, "input channel")

    def _existing(self, value: "int | None", n: int, what: str) -> "int | None":
        if value is None or 0 <= value < n:
            return value
        if self.from_browser:  # may come late, from filters that are no longer shown
            return None
        told = f"there are 0 to {n - 1}" if n else "there are no filters yet: call show()"
        raise t.TraitError(f"{what} {value} does not exist: {told}")

    @t.validate("order")
    def _filters_exist(self, proposal: t.Bunch) -> list[int]:
        n, order = self.n_filters, proposal.value
        if not order:
            return list(range(n))
        wrong = [filter_ for filter_ in order if not 0 <= filter_ < n]
        if not wrong and len(set(order)) == len(order):
            return order
        if self.from_browser:
            return list(range(n))
        told = f"there is no filter {wrong[0]}" if wrong else "a filter comes twice"
        raise t.TraitError(f"order must name filters from 0 to {n - 1}, each once; {told}")

    def close(self) -> None:
        """Remove the widget from all views and free the weights, in the kernel and in the browser."""
        super().close()
        self._trait_values["_shape"] = [0, 0, 0, 0]

    def describe(self) -> str:
        """The filters and the opened one in words."""
        if not self.n_filters:
            return "FilterGrid: no filters yet"
        size = " × ".join(map(str, self._shape[1:]))
        head = f"{self.title}: " if self.title else ""
        text = f"{head}{self.n_filters} filters of {size}{', untrained' if self.untrained else ''}"
        if self.channel is None:
            return text
        return f"{text}. Filter {self.channel}: {', '.join(self.facts(self.channel))}"

    def facts(self, channel: int) -> list[str]:
        """What is known of one filter, in words.

        Parameters
        ----------
        channel : int

        Returns
        -------
        list of str
            Such as ``["norm 1.23", "best Gabor explains 87 %", "stripes at 135°", "every 6.2 px"]``.
        """
        if np.isnan(self._scales[channel]):
            return ["not finite: holds NaN or infinity"]
        if self._scales[channel] == 0:
            return ["zero everywhere"]
        told = [f"norm {number(self._norms[channel])}"]
        explained, orientation, wavelength, firing = (
            values[channel] if len(values) else np.nan
            for values in (self._explained, self._orientation, self._wavelength, self._firing)
        )
        if np.isfinite(explained):
            told.append(f"best Gabor explains {100 * explained:.0f} %")
            if np.isfinite(orientation) and np.isfinite(wavelength):
                told += [f"stripes at {orientation:.0f}°", f"every {wavelength:.1f} px"]
            elif np.isfinite(orientation):
                told.append(f"an edge or a line at {orientation:.0f}°")
            elif len(self._orientation):
                told.append("not striped")
        if np.isfinite(firing):
            told.append(f"fires at {100 * firing:.1f} % of the places")
        return told

    def picture(self) -> Image.Image | None:
        """The tiles, the opened one framed, and beside them that filter large."""
        if not self.n_filters:
            return None
        return filters_picture(
            self.weights, self.arranged(), self.channel, self.normalise == "shared", self.columns or None
        )


def _shares(response: np.ndarray) -> np.ndarray:
    """Each response in 255 steps up to its own peak; flat where there is none."""
    response = np.nan_to_num(response.astype(np.float64), nan=0, posinf=0, neginf=0)
    peaks = response.max(axis=(1, 2), keepdims=True)
    return np.rint(255 * np.divide(response, peaks, out=np.zeros_like(response), where=peaks > 0)).astype(
        np.uint8
    )
