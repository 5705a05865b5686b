"""Front ends in a real Chromium, with a fake model in place of Jupyter: about a fifth of a second a test.

`show(widget)` gives a `Shown` with the widget's own state; what the browser sets comes back to the widget with
`shown.deliver()`, and the other way with `shown.update("channel", ...)`.
"""

import base64
import json
import os
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CNNWIDGETS_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --use-fake-ui-for-media-stream --use-fake-device-for-media-stream"
).split()
MODEL = (Path(__file__).parent / "fake_model.js").read_text(encoding="utf-8")
PAGE = "http://localhost/view.html"  # never asked for: answered below


def _missing(why: str) -> None:
    if os.environ.get("CNNWIDGETS_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A Chromium with a profile of its own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    if not Path(CHROMIUM).exists():
        _missing(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1000, "height": 760},
        )
        context.set_default_timeout(5000)
        yield context
        context.close()


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
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
        )

    def sent(self):
        """What save_changes has sent so far, a dict each."""
        return self.page.evaluate("() => window.model.sent")

    def messages(self):
        """Custom messages sent so far: their content, with the bytes as ``buffers``."""
        raw = self.page.evaluate("() => window.model.messages")
        return [{**one, "buffers": [base64.b64decode(part) for part in one["buffers"]]} for one in raw]

    def get(self, trait):
        """A trait as the browser has it."""
        return self.page.evaluate("name => window.model.get(name)", trait)

    def deliver(self):
        """Give everything sent so far to the widget, as the kernel would, and its answers to the browser."""
        changed = []
        self.widget.observe(lambda change: changed.append(change.name))
        for state in self.sent():
            self.widget.set_state(state)
        for message in self.messages():
            buffers = [memoryview(part) for part in message.pop("buffers")]
            self.widget._handle_custom_msg(message, buffers)
        self.page.evaluate("() => { window.model.sent.length = 0; window.model.messages.length = 0; }")
        keys = [name for name in dict.fromkeys(changed) if name in self.widget.keys]
        if keys:
            self.update(*keys)

    def pixels(self, selector):
        """A fingerprint of a canvas' pixels."""
        return self.page.evaluate("selector => window.pixels(selector)", selector)


def _packed(value):
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value


@pytest.fixture
def show(browser):
    """show(widget) -> Shown, with one view open."""
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    html = f"<!doctype html><meta charset=utf-8><body style='margin:16px'><script>{MODEL}</script>"
    page.route(PAGE, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(PAGE)

    def opened(widget, views=1):
        json.dumps(widget.get_state("error"))  # a closed widget cannot be shown
        shown = Shown(page, widget)
        for _ in range(views):
            shown.view()
        shown.settle()
        return shown

    yield opened
    page.close()
    assert errors == []
