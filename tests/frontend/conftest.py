"""Front ends in a real Chromium, with a fake model in place of Jupyter: about a fifth of a second a test.

`show(widget)` gives a `Shown` with the widget's own state; what the browser sets comes back to the widget
with `shown.deliver()`, and the other way with `shown.update("channel", ...)`.
"""

import base64
from pathlib import Path

import pytest

MODEL = (Path(__file__).parent / "fake_model.js").read_text(encoding="utf-8")
PAGE = "http://localhost/view.html"  # never asked for: answered below


class Shown:
    """A widget in the page, maybe in several views."""

    def __init__(self, page, widget):
        self.page, self.widget = page, widget
        page.evaluate(
            "([esm, css, state]) => window.load(esm, css, state)", [*self._code(), self._state(None)]
        )

    def _code(self):
        return str(self.widget._esm), str(self.widget._css)

    def _state(self, keys):
        state = self.widget.get_state(keys)
        return {
            key: _packed(value)
            for key, value in state.items()
            if not key.startswith("_view") and key != "layout"
        }

    def view(self):
        """Open another view; gives its number."""
        return self.page.evaluate("() => window.view()")

    def update(self, *keys):
        """Send traits of the kernel to the browser."""
        self.page.evaluate("state => window.update(state)", self._state(list(keys)))
        self.settle()

    def settle(self):
        """Wait until everything asked for has been painted."""
        self.page.evaluate(
            """() => new Promise(done =>
              requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"""
        )

    def sent(self):
        """What save_changes has sent so far, a dict each."""
        return self.page.evaluate("() => window.model.sent")

    def messages(self):
        """Custom messages sent so far: their content, with the bytes as ``buffers``."""
        return _unpacked(self.page.evaluate("() => window.model.messages"))

    def set(self, **values):
        """Set traits in the browser, as a link from another widget does."""
        self.page.evaluate(
            "values => { for (const [name, value] of Object.entries(values)) model.set(name, value); }",
            values,
        )
        self.settle()

    def get(self, trait):
        """A trait as the browser has it."""
        return self.page.evaluate("name => window.model.get(name)", trait)

    def deliver(self):
        """Give everything sent so far to the widget, as the kernel would, and its answers to the browser."""
        # the last state is sent within 50 ms; waited for in the page, whose timers keep their order
        self.page.evaluate("() => new Promise(done => setTimeout(done, 60))")
        changed = []
        self.widget.observe(lambda change: changed.append(change.name))
        # taken in one go: what is sent while these are worked on waits for the next time
        sent, messages = self.page.evaluate(
            "() => [window.model.sent.splice(0), window.model.messages.splice(0)]"
        )
        for state in sent:
            self.widget.set_state(state)
        for message in _unpacked(messages):
            buffers = [memoryview(part) for part in message.pop("buffers")]
            self.widget._handle_custom_msg(message, buffers)
        keys = [name for name in dict.fromkeys(changed) if name in self.widget.keys]
        if keys:
            self.update(*keys)

    def pixels(self, selector):
        """A fingerprint of a canvas' pixels."""
        return self.page.evaluate("selector => window.pixels(selector)", selector)


def _unpacked(messages):
    return [{**one, "buffers": [base64.b64decode(part) for part in one["buffers"]]} for one in messages]


def _packed(value):
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value


@pytest.fixture(scope="session")
def only_page(chromium):
    """One page for all tests, as opening one costs more than most of them."""
    page = chromium.new_page()
    html = f"<!doctype html><meta charset=utf-8><body style='margin:16px'><script>{MODEL}</script>"
    page.route(PAGE, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if line.type == "error" else None)
    yield page
    page.close()


@pytest.fixture
def show(only_page):
    """show(widget) -> Shown, with one view open."""
    only_page.set_viewport_size({"width": 1000, "height": 760})
    only_page.mouse.move(0, 0)
    only_page.goto(PAGE)

    def opened(widget, views=1):
        shown = Shown(only_page, widget)
        for _ in range(views):
            shown.view()
        shown.settle()
        return shown

    yield opened
    errors = only_page.errors[:]
    only_page.errors.clear()
    assert errors == []
