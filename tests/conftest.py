"""What every test may use.

Browser tests run last: while Playwright is open, its event loop runs in the main thread, and no other can.
With ``pytest -n 2`` they run in a process of their own, which mostly waits for frames, and all else in the
other.
"""

import os
import socket

# Two processes on two cores: with two threads each they would wait for one another. Before torch is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from chromium import chromium as open_chromium
from chromium import why_no_browser
from hypothesis import HealthCheck, settings

# Two busy cores: a slow example is no failure. In CI the examples are the same ones at every run.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

os.environ.setdefault("MPLBACKEND", "Agg")

REQUIRE_BROWSER = os.environ.get("CNNWIDGETS_REQUIRE_BROWSER") == "1"


def pytest_collection_modifyitems(items):
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class BrowserApart(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "browser" if nodeid.startswith(("tests/browser/", "tests/frontend/")) else "others"

    return BrowserApart(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """CI promises that the browser tests ran: there a skipped one is an error."""
    report = yield
    if (
        REQUIRE_BROWSER
        and report.skipped
        and item.get_closest_marker("browser")
        and not hasattr(report, "wasxfail")
    ):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CNNWIDGETS_REQUIRE_BROWSER=1, and this browser test was skipped: {reason}"
    return report


@pytest.fixture(scope="session")
def chromium():
    """A Playwright ``BrowserContext``, one for the whole run (tests/browser/chromium.py)."""
    if missing := why_no_browser():
        pytest.skip(missing)
    with open_chromium() as context:
        yield context


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing is downloaded unless asked for: a test that leaves this machine fails."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise OSError(f"tests stay on this machine, and this one wanted {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
