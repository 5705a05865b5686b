"""Messages that a widget sends to the browser, without a browser."""

import pytest


@pytest.fixture
def messages():
    """messages(widget) -> list that fills with every state sent from then on, a dict each."""

    def listen(widget):
        sent = []
        widget.comm.send = lambda data=None, buffers=None, **rest: sent.append(
            _joined(data or {}, buffers or [])
        )
        return sent

    return listen


def _joined(data, buffers):
    state = dict(data.get("state", {}))
    for path, part in zip(data.get("buffer_paths", []), buffers, strict=True):
        state[path[0]] = bytes(part)
    return state
