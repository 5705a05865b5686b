"""A canvas of ipympl for a figure that pyplot knows nothing of."""

from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import matplotlib

from ..render import png_bytes

#: Milliseconds between two positions of the pointer that the browser tells.
HOVER_PAUSE = 50


def can_react() -> bool:
    """Whether ipympl is installed and a front end may show it: in a kernel, not in a plain script."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None and find_spec("ipympl") is not None


def check_installed() -> None:
    """ImportError that names the mend if ipympl is missing."""
    if find_spec("ipympl") is None:
        raise ImportError('a figure that reacts needs ipympl: pip install "cnnwidgets[lab]"')


def ipympl_canvas(figure: Any) -> Any:
    """A canvas for ``figure``, without toolbar, header, footer, and the keys of matplotlib.

    Parameters
    ----------
    figure : matplotlib Figure

    Returns
    -------
    ipympl Canvas
    """
    # the first import of ipympl switches matplotlib to it, which would close the user's own figures
    with patch.object(matplotlib, "use", lambda *args, **kwargs: None):
        from ipympl import backend_nbagg
    canvas = backend_nbagg.Canvas(figure)
    with canvas.hold_sync():
        canvas.header_visible = canvas.footer_visible = canvas.toolbar_visible = canvas.resizable = False
        canvas.pan_zoom_throttle = HOVER_PAUSE
    manager = backend_nbagg.FigureManager(canvas, 0)
    # keys such as "l" (logarithmic axes) and "q" (close), buttons, and a message at every step of the pointer
    toolbar = canvas.toolbar
    unwanted = [manager.key_press_handler_id, manager.button_press_handler_id]
    unwanted += [getattr(manager, "scroll_handler_id", None)]
    unwanted += [getattr(toolbar, name, None) for name in ("_id_press", "_id_release", "_id_drag")]
    for handler in unwanted:
        if handler is not None:
            canvas.mpl_disconnect(handler)
    return canvas


def close_canvas(canvas: Any) -> None:
    """Close the four models of a canvas, and free its pixels in the browser, which keeps closed models."""
    if canvas.comm is None:
        return
    # in this order: with its size the front end draws the picture that it has, and stumbles over one that the
    # browser has just given up
    canvas.send({"data": '{"type": "binary"}'}, buffers=[png_bytes([[0]])])
    canvas._size = (1, 1)
    canvas._message = "closed"  # a model in the browser also keeps its previous values
    for widget in (canvas.toolbar, canvas):
        for part in (widget.layout, widget):
            part.close()
