"""A matplotlib figure that answers the pointer."""

import sys
from collections.abc import Callable
from io import BytesIO
from threading import RLock
from typing import Any

import ipywidgets
import traitlets as t
from PIL import Image

from ._figure_frame import FigureFrame
from ._pace import Pace
from ._pictures import ACCENT, INK, LINE, SOFT
from ._progress import running_loop
from .base import with_picture
from .cells import end_previous_run

#: Pixels of the page in an inch of the figure.
DPI = 100
#: Pictures have this many pixels for one of the page, for screens that show them.
SHARPNESS = 2

#: The look of the axes. White also in a dark page: what is drawn with matplotlib's defaults stays readable.
STYLE = {
    "axes.edgecolor": LINE,
    "axes.facecolor": "white",
    "axes.labelcolor": SOFT,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9,
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": SOFT,
    "xtick.labelsize": 9,
    "ytick.color": LINE,
    "ytick.labelcolor": SOFT,
    "ytick.labelsize": 9,
}
#: Colours of lines one after another, told apart by most eyes (Okabe and Ito).
COLOURS = (ACCENT, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#616161")


class LiveFigure(ipywidgets.VBox):
    """A matplotlib figure whose axes tell where the pointer clicks, for things that react now and then.

    Drawn by ipympl where it is installed and the page can show it; anywhere else it is a picture, which shows
    the same and does not react. The picture comes first, and gives way once the browser has said that it has
    ipympl. pyplot knows nothing of the figure, and its backend is left alone.

    Parameters
    ----------
    size : (float, float)
        Width and height in inches, of 100 pixels each.
    interactive : bool, optional
        False for a picture, True for ipympl or an error; ipympl where there is one, if not given.
    label : str
        What the figure shows, in a few words, for a screen reader.
    **traits
        Traits of ``ipywidgets.VBox``, such as ``layout``.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        None when closed.
    lock : RLock
        Held while the figure is drawn, perhaps in another thread: hold it for changes that belong together.

    Raises
    ------
    TypeError
        For an unknown keyword.
    TraitError
        For a size that cannot be drawn.
    ImportError
        If ``interactive=True`` and ipympl is missing.

    Notes
    -----
    With the keyboard: Tab to the figure, arrows for a cross (with Shift by 1 pixel), Enter to click there.

    Examples
    --------
    >>> live = LiveFigure((4, 2), label="Probability of the class by size of the square")
    >>> axes = live.axes()
    >>> curve, = axes.plot([8, 16, 32], [0.98, 0.71, 0.12])
    >>> live.on_click(lambda axes, x, y: print(f"{x:.0f} pixels"))
    >>> curve.set_ydata([0.99, 0.62, 0.08])
    >>> live.draw()
    """

    def __init__(
        self,
        size: tuple[float, float] = (6, 3.5),
        interactive: bool | None = None,
        label: str = "Figure",
        **traits: Any,
    ) -> None:
        for name in traits:
            if not self.has_trait(name):
                raise TypeError(f"LiveFigure has no argument {name!r}: give size, interactive or label")
        width, height = _checked(size)
        if interactive is None:
            interactive = _ipympl().can_react()
        if interactive:
            _ipympl().check_installed()
        # here, since importing matplotlib takes long
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure = Figure((width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        self._canvas = None
        self.lock = RLock()  # what the browser sends is dealt with in another thread than the cells
        self._callbacks: dict[str, list[Callable]] = {"click": [], "hover": []}
        self._failed = ""  # of what the error is that is shown: "click", "hover" or "draw"
        self._under_pointer: tuple = (None, None, None)
        self._draws = Pace(self._draw_now)
        self._hovers = Pace(self._tell_hover, pause=0.05)
        self._frame = FigureFrame(self.picture, self.describe, label=label)
        self._image = ipywidgets.Image(
            layout={"width": f"{width * DPI:.0f}px", "max_width": "calc(100% - 4px)", "margin": "2px"}
        )
        super().__init__([self._frame, self._image], **traits)
        self.add_class("cw-live-figure")
        end_previous_run(self)
        # when the cell is over: the browser answers at once, and must not find a figure that is half done
        loop = running_loop()
        if loop is not None:
            loop.call_soon(self._begin, interactive)
        elif interactive:
            self._connect()

    def _begin(self, interactive: bool) -> None:
        if self.figure is not None:
            self._draws.ask()
            if interactive:
                self._try("draw", self._connect)

    def _connect(self) -> None:
        """Offer the browser a canvas of ipympl; nobody sees it before the browser has answered."""
        with self.lock:
            if self.figure is None:
                return
            canvas = self._canvas = _ipympl().ipympl_canvas(self.figure)
            # its own handler is called by ours, which shows what goes wrong
            canvas.on_msg(canvas._handle_message, remove=True)
            canvas.on_msg(self._from_browser)
            canvas.mpl_connect("button_press_event", self._clicked)
            for event in ("motion_notify_event", "axes_leave_event", "figure_leave_event"):
                canvas.mpl_connect(event, self._moved)

    # -- what the student does ---------------------------------------------------------------------

    @property
    def label(self) -> str:
        """What the figure shows, in a few words."""
        return self._frame.label

    @label.setter
    def label(self, label: str) -> None:
        self._frame.label = label

    @property
    def reacts(self) -> bool:
        """Whether clicks arrive here: whether ipympl shows the figure by now. A picture has none."""
        return self._canvas is not None and self._canvas in self.children

    def axes(self, rows: int = 1, columns: int = 1, **options: Any) -> Any:
        """New axes in the look of this package.

        Parameters
        ----------
        rows, columns : int
        **options
            As for ``Figure.subplots``, such as ``sharey`` or ``width_ratios``.

        Returns
        -------
        Axes, or array of Axes
        """
        self.figure.set_layout_engine("constrained")  # not before, as it warns of a figure without axes
        with self.look():
            return self.figure.subplots(rows, columns, **options)

    @staticmethod
    def look() -> Any:
        """The look of this package, for what takes its look when it is made: titles, legends, cleared axes.

        Returns
        -------
        context manager

        Examples
        --------
        >>> live = LiveFigure((4, 2))
        >>> with live.look():
        ...     title = live.axes().set_title("Probability")
        """
        import matplotlib
        from cycler import cycler

        return matplotlib.rc_context({**STYLE, "axes.prop_cycle": cycler(color=COLOURS)})

    def on_click(self, callback: Callable[[Any, float, float], Any], remove: bool = False) -> None:
        """Call ``callback(axes, x, y)`` when the main button is pressed inside some axes.

        Parameters
        ----------
        callback : callable
            Gets the axes and the place in the axes' own units. What it raises is shown above the figure.
        remove : bool
            Do no longer call it.
        """
        self._register("click", callback, remove)

    def on_hover(
        self, callback: Callable[[Any, float | None, float | None], Any], remove: bool = False
    ) -> None:
        """Call ``callback(axes, x, y)`` while the pointer moves in axes, thrice None when it has left them.

        At most 20 times a second, with the newest place. The kernel has to answer: a hover that must be
        quick belongs in a widget of its own. Parameters as for `on_click`.
        """
        self._register("hover", callback, remove)

    def _register(self, kind: str, callback: Callable, remove: bool) -> None:
        if remove:
            self._callbacks[kind].remove(callback)
        else:
            self._callbacks[kind].append(callback)

    def _from_browser(self, canvas: Any, content: dict, buffers: list) -> None:
        kind = content.get("type", "")
        if kind == "motion_notify" and not self._callbacks["hover"]:
            return
        if kind == "draw":
            self._try(kind, self._draw_for_browser, canvas, content, buffers)
        elif self.figure is not None:
            self._try(kind, self._handle, canvas, content, buffers)

    def _handle(self, canvas: Any, content: dict, buffers: list) -> None:
        with self.lock:  # a cell, which is another thread, may be drawing
            if self.figure is not None:
                canvas._handle_message(canvas, content, buffers)

    def _draw_for_browser(self, canvas: Any, content: dict, buffers: list) -> None:
        with self.lock:
            if self.figure is None:
                return
            if canvas.syncing_data_url:  # "initialized" was overtaken; without it ipympl sends no PNG
                canvas._handle_message(canvas, {"type": "initialized"}, [])
            canvas._handle_message(canvas, content, buffers)
            if not self.reacts:  # the browser has ipympl, and a first drawing is on its way
                canvas.send_state("resizable")  # ipympl's front end has set it while it was made
                self.children = [self._frame, canvas]
                _close_image(self._image)

    def _clicked(self, event: Any) -> None:
        if event.inaxes is None or event.button != 1:
            return
        self._frame.said = event.inaxes.format_coord(event.xdata, event.ydata).strip()
        self._call("click", event.inaxes, float(event.xdata), float(event.ydata))

    def _moved(self, event: Any) -> None:
        inside = event.name == "motion_notify_event" and event.inaxes is not None
        place = (event.inaxes, float(event.xdata), float(event.ydata)) if inside else (None, None, None)
        if place != self._under_pointer:
            self._under_pointer = place
            self._hovers.ask()

    def _tell_hover(self) -> None:
        self._call("hover", *self._under_pointer)

    def _call(self, kind: str, *args: Any) -> None:
        def call():
            for callback in list(self._callbacks[kind]):
                callback(*args)

        self._try(kind, call)

    def _try(self, kind: str, function: Callable, *args: Any) -> None:
        """Call; show an exception, until the next call of this kind that goes well."""
        try:
            function(*args)
        except Exception as error:
            self._failed = kind
            self.show_error(error)
        else:
            if self._failed == kind:
                self._failed = self._frame.error = ""

    def show_error(self, error: BaseException) -> None:
        """Show an exception above the figure and write it to the log."""
        self._frame.show_error(error)

    # -- drawing -----------------------------------------------------------------------------------

    def draw(self) -> None:
        """Show what has changed in the figure; to be called after every change, in a cell or a callback.

        Drawn at once, but at most ten times a second, and always once more after the last call.
        """
        if self.figure is not None:
            self._draws.ask()

    def _draw_now(self) -> None:
        self._try("draw", self._draw_canvas_or_picture)

    def _draw_canvas_or_picture(self) -> None:
        with self.lock:
            if self.figure is None:
                return
            if self.reacts:
                self._canvas.draw()
            else:
                self._image.value = self._png()

    def _png(self) -> bytes:
        buffer = BytesIO()
        with self.lock:
            self.figure.savefig(buffer, format="png", dpi=SHARPNESS * DPI, facecolor="auto", edgecolor="auto")
        return buffer.getvalue()

    # -- other forms -------------------------------------------------------------------------------

    def picture(self) -> Image.Image | None:
        """The figure as a picture, twice as fine as on the page; None when closed."""
        with self.lock:
            return None if self.figure is None else Image.open(BytesIO(self._png())).convert("RGB")

    def describe(self) -> str:
        """What the figure shows, in words: its label, and the titles of the axes."""
        if self.figure is None:
            return "LiveFigure (closed)"
        told = [
            " ".join(filter(None, [axes.get_title() or axes.get_title("left"), _against(axes)]))
            for axes in self.figure.axes
        ]
        return "; ".join(filter(None, [self.label, *told]))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(self, super()._repr_mimebundle_(**kwargs) if self.comm else None)

    # -- end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove the figure from the page and free what it holds, in the kernel and in the browser."""
        if self.comm is None:
            return
        self._draws.close()
        self._hovers.close()
        self._callbacks = {"click": [], "hover": []}
        with self.lock:
            self._frame.close()
            _close_image(self._image)
            if self._canvas is not None:
                _ipympl().close_canvas(self._canvas)
            if not sys.is_finalizing():  # clearing imports, which python cannot do at its end
                self.figure.clear()
            self.figure = self._canvas = None
        self._under_pointer = (None, None, None)
        layout = self.layout
        super().close()
        layout.close()
        self.children = ()  # the notebook's history keeps this object; it shall not keep the figure
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets takes it away; ours says that it is closed


def _checked(size: Any) -> tuple[float, float]:
    try:
        width, height = (float(length) for length in size)
        if not (0.5 <= width <= 40 and 0.5 <= height <= 40):
            raise ValueError
    except (TypeError, ValueError):
        raise t.TraitError(f"size must be a width and a height of 0.5 to 40 inches, not {size!r}") from None
    return width, height


def _ipympl() -> Any:
    from . import _ipympl  # here, since it imports matplotlib

    return _ipympl


def _close_image(image: ipywidgets.Image) -> None:
    """Close it; its bytes are emptied before, as the browser keeps the models of closed widgets."""
    if image.comm is None:
        return
    image.value = b""
    image.width = "0"  # a model in the browser also keeps its previous values
    layout = image.layout
    image.close()
    layout.close()


def _against(axes: Any) -> str:
    x, y = axes.get_xlabel(), axes.get_ylabel()
    return f"({y} against {x})" if x and y else ""
