"""A real Chromium without a window, in which nothing but this machine can be reached."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGS = [
    "--no-sandbox",  # the sandbox refuses root, and containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # Every other host fails at once, in the page and in its workers; no request need be intercepted for it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

PATIENCE = 30_000
"""Milliseconds until what is waited for, as in ``expect()``, is taken not to come: machines are busy."""

LOCAL_HOSTS = {"127.0.0.1", "localhost", None}  # None: data:, blob:, about:


def find_chromium() -> str | None:
    """Path of the system's browser; Playwright's own download is never used."""
    chosen = os.environ.get("CNNWIDGETS_CHROMIUM")
    return chosen or next((path for name in NAMES if (path := shutil.which(name))), None)


def why_no_browser() -> str | None:
    """What is missing for a browser test, in one sentence; None when nothing is."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return 'browser tests need playwright: pip install "cnnwidgets[test]"'
    if find_chromium() is None:
        return "browser tests need Chromium: apt-get install chromium, or set CNNWIDGETS_CHROMIUM to its path"
    return None


@contextmanager
def chromium(size: tuple[int, int] = (1280, 900)) -> Iterator:
    """A Playwright ``BrowserContext`` with a new profile; ``size`` is (width, height) in pixels.

    ``context.outside`` lists the addresses that pages asked for on other machines (and did not get).
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)

    profile = tempfile.mkdtemp(prefix="cnnwidgets-chromium-")
    try:
        with sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                profile,
                executable_path=find_chromium(),
                headless=True,
                args=ARGS,
                viewport={"width": size[0], "height": size[1]},
            )
            context.set_default_timeout(PATIENCE)
            context.add_init_script(path=Path(__file__).with_name("paint.js"))
            context.outside = []
            context.on("request", lambda request: _note_outside(context, request.url))
            yield context
            context.close()
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def _note_outside(context, url: str) -> None:
    if urlsplit(url).hostname not in LOCAL_HOSTS:
        context.outside.append(url)
