"""Re-running a cell ends the widgets that its earlier run made.

JupyterLab takes their views away, but would keep their models, bytes and all, for as long as the kernel
lives: twenty runs of a cell would pile up twenty explorers. Front ends tell the kernel which cell a request
comes from; so a widget made by a new run of a cell closes those of the runs before.
"""

import weakref

_made_by: dict[str, tuple[str, list]] = {}  # cell -> the request that ran it last, and the widgets made by it


def end_previous_run(widget) -> None:
    """Note that the running cell made ``widget``; close what an earlier run of the same cell made.

    Parameters
    ----------
    widget : object with ``close()``
        Does nothing outside a notebook, or in one whose front end does not name its cells.
    """
    cell, request = _running_cell()
    if cell is None:
        return
    last_request, widgets = _made_by.get(cell, (None, []))
    if last_request == request:
        widgets.append(weakref.ref(widget))
        return
    _made_by[cell] = request, [weakref.ref(widget)]
    for reference in widgets:
        old = reference()
        if old is not None:
            old.close()


def _running_cell():
    """Identifiers of the cell being run and of the request to run it; (None, None) if there are none."""
    try:
        from IPython import get_ipython

        header = get_ipython().get_parent()
        if header["header"]["msg_type"] != "execute_request":
            return None, None
        return header["metadata"]["cellId"], header["header"]["msg_id"]
    except (ImportError, AttributeError, KeyError, TypeError):
        return None, None
