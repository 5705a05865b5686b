"""What all widgets share: strict keywords, visible errors, other forms than the live one, a clean end."""

from base64 import b64encode
from collections.abc import Callable
from functools import wraps
from typing import Any

import anywidget
import numpy as np
import traitlets as t
from PIL import Image

from ..render import png_bytes
from ._traits import BrowserBytes, Floats
from ._words import nearest_names
from .cells import end_previous_run


class Widget(anywidget.AnyWidget):
    """Base of the widgets.

    Raises
    ------
    TypeError
        For a keyword that is not a trait; names the nearest ones.
    """

    error = t.Unicode("").tag(sync=True)
    """Text shown in a red frame above the widget until it is dismissed; exceptions in callbacks end up here.

    - Type: `str`
    - Default: ``""``, nothing shown
    """

    from_browser = False
    """Whether what is being set just now came from the browser."""

    _errors_shown = 0

    def __init__(self, **kwargs: Any) -> None:
        known = [name for name in self.trait_names() if not name.startswith("_")]
        for name in kwargs:
            if name not in known and not self.has_trait(name):
                raise TypeError(f"{type(self).__name__} has no trait {name!r}; {nearest_names(name, known)}")
        super().__init__(**kwargs)
        end_previous_run(self)
        self.on_msg(lambda widget, content, buffers: self._shown(self.receive, content, buffers))

    # -- errors ------------------------------------------------------------------------------------

    def show_error(self, error: BaseException) -> None:
        """Show an exception in the widget and write it to the log.

        Parameters
        ----------
        error : exception
            Errors of this package are shown as they read; others with the name of their type.
        """
        self.log.error("error in %s", type(self).__name__, exc_info=error)
        self._errors_shown += 1
        told = type(error).__module__.partition(".")[0] == "cnnwidgets" or isinstance(error, t.TraitError)
        text = str(error) or "no message"
        self.error = text if told else f"{type(error).__name__}: {text}"

    def set_state(self, sync_data: dict) -> None:
        """Apply what the browser sent; what an observer raises meanwhile is shown, as nobody would see it.

        The next message that goes well takes the error away again.
        """
        before, shown = self.error, self._errors_shown
        self.from_browser = True
        try:
            super().set_state(sync_data)
        except Exception as error:
            self.show_error(error)
        else:
            if before and self.error == before and self._errors_shown == shown:
                self.error = ""
        finally:
            self.from_browser = False

    def within(self, proposal: t.Bunch, least: float, most: float, told: str = "") -> Any:
        """What a validator of a number returns: what the browser sends, maybe late, is brought within limits.

        Parameters
        ----------
        proposal : traitlets.Bunch
            What the validator was given.
        least, most : number
        told : str, optional
            What the error says instead of the name of the trait, its limits and the value.

        Raises
        ------
        TraitError
            For a number outside that a program sets.
        """
        value = proposal.value
        if self.from_browser:
            return min(max(value, least), most)
        if not least <= value <= most:
            limits = f"{least:,.9g} to {most:,.9g}"
            raise t.TraitError(told or f"{proposal.trait.name} must be {limits}, not {value}")
        return value

    def accept(self, name: str, value: Any) -> None:
        """Take over a value that a link in the browser has brought to the front end already; sends nothing.

        Sent back, it would arrive late and pull the pointer's latest value back.
        """
        with self._lock_property(**{name: value}):
            setattr(self, name, value)

    def _shown(self, callback: Callable, *args: Any) -> None:
        try:
            callback(*args)
        except Exception as error:
            self.show_error(error)

    def receive(self, content: dict, buffers: list) -> None:
        """Answer a message of the front end that is not a trait; for widgets that have such messages."""

    # -- other forms -------------------------------------------------------------------------------

    def picture(self) -> Image.Image | None:
        """What the widget shows, as a picture for places where widgets do not live, such as a printed page.

        Returns
        -------
        PIL image or None
            None if there is nothing to show yet.
        """
        return None

    def describe(self) -> str:
        """What the widget shows, in words.

        Returns
        -------
        str
        """
        return type(self).__name__

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(self, super()._repr_mimebundle_(**kwargs) if self.comm else None)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """State for the browser, always whole: a page that is exported knows no defaults, nor our code."""
        return super().get_state(key)

    # -- end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove the widget from all views and free what it holds, in the kernel and in the browser.

        JupyterLab keeps the models of closed widgets, so their bytes are emptied before; a second message
        is needed since a model in the browser also keeps its previous values.
        """
        if self.comm is None:
            return
        empty = {
            name: np.empty(0, np.float32) if isinstance(trait, Floats) else b""
            for name, trait in self.traits(sync=True).items()
            if isinstance(trait, BrowserBytes | Floats) and len(getattr(self, name))
        }
        # one message with all of them; observers are not asked, as the widget is at its end
        with self.hold_sync():
            for name, value in empty.items():
                self._trait_values[name] = value
                self._states_to_send.add(name)
        self.send_state("error")
        layout = self.layout
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets takes it away; ours says that it is closed
        if layout is not None:
            layout.close()


def shown_errors(callback: Callable) -> Callable:
    """Decorate a method so that what it raises is shown in the widget instead of being lost in the log.

    Parameters
    ----------
    callback : callable
        A method, plain or async, of a `Widget` or of any object that has ``show_error``.

    Returns
    -------
    callable
        Returns None where `callback` raised.

    Examples
    --------
    >>> class Careful(Widget):
    ...     @shown_errors
    ...     def divide(self, by):
    ...         return 1 / by
    >>> widget = Careful()
    >>> widget.divide(0)
    >>> widget.error
    'ZeroDivisionError: division by zero'
    """
    import asyncio

    if asyncio.iscoroutinefunction(callback):

        @wraps(callback)
        async def shown(self, *args, **kwargs):
            try:
                return await callback(self, *args, **kwargs)
            except Exception as error:
                self.show_error(error)
    else:

        @wraps(callback)
        def shown(self, *args, **kwargs):
            try:
                return callback(self, *args, **kwargs)
            except Exception as error:
                self.show_error(error)

    return shown


def with_picture(widget: Any, bundle: Any) -> Any:
    """Add to what the live widget is displayed by its text, and its picture for places without widgets.

    Parameters
    ----------
    widget : widget with ``describe()`` and ``picture()``
    bundle : dict, (dict, dict), or None
        Data, or data and metadata, by MIME type; None for a widget that is closed.

    Returns
    -------
    dict or (dict, dict)
    """
    if bundle is None:
        return {"text/plain": f"{type(widget).__name__} (closed)"}
    data, *metadata = bundle if isinstance(bundle, tuple) else (bundle,)
    data = {**data, "text/plain": widget.describe()}
    try:
        picture = widget.picture()
    except Exception as error:  # a missing picture must not cost the live widget
        widget.log.error("%s could not be drawn", type(widget).__name__, exc_info=error)
        picture = None
    if picture is not None:
        data["image/png"] = b64encode(png_bytes(picture)).decode("ascii")
    return (data, *metadata) if isinstance(bundle, tuple) else data
