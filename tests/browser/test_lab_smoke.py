"""The harness itself, with nothing of ours: a slider of ipywidgets, a canvas, an exception nobody sees."""

import pytest
from notebook_page import becomes, kernel_becomes
from playwright.sync_api import expect

APPS = ("lab", "notebook")

SLIDER = """
import ipywidgets
slider = ipywidgets.IntSlider(value=3, min=0, max=9)
slider
"""

CANVAS = """
from IPython.display import HTML
HTML('''<canvas class="smoke" width="40" height="30" tabindex="0" data-lm-suppress-shortcuts="true"
  onkeydown="this.getContext('2d').fillRect(0, 0, 20, 10)"></canvas>''')
"""


def click_right_end(page):
    page.locator(".noUi-base").scroll_into_view_if_needed()  # once it keeps its place
    bar = page.locator(".noUi-base").bounding_box()
    page.mouse.click(bar["x"] + bar["width"] - 1, bar["y"] + bar["height"] / 2)


@pytest.mark.parametrize("app", APPS)
def test_a_slider_moves_and_the_kernel_hears_it(notebook, app):
    page = notebook("slider", [SLIDER], app=app)
    expect(page.locator(".widget-readout")).to_have_text("3")
    click_right_end(page)
    expect(page.locator(".widget-readout")).to_have_text("9")
    kernel_becomes(page, "slider.value", 9)
    assert page.kernel_errors == []


def test_a_cell_can_be_run_again(notebook):
    page = notebook("again", ["count = 0", "count += 1"])
    page.run_cell(1)
    page.run_cell(1)
    assert page.kernel("[count, None, 'ä\\n']") == [3, None, "ä\n"]
    assert page.n_cells == 2


def test_new_pixels_are_seen(notebook):
    page = notebook("canvas", [CANVAS])
    canvas = page.locator("canvas.smoke")
    before = page.fingerprint("canvas.smoke")
    canvas.evaluate("canvas => cwPaint.arm(canvas, 'keydown')")
    canvas.press("x")
    painted = page.evaluate("() => cwPaint.armed")
    assert 0 < painted["ms"] < 1000
    assert page.wait_for_new_pixels("canvas.smoke", before) != before
    with pytest.raises(AssertionError, match="did not change"):
        page.wait_for_new_pixels("canvas.smoke", page.fingerprint("canvas.smoke"), timeout=0.2)


def test_a_failing_cell_fails_the_test(notebook):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        notebook("failing", ["1 / 0", "never = 1"])


def test_exceptions_in_callbacks_are_seen(notebook):
    page = notebook("callback", [SLIDER, "slider.observe(lambda change: 1 / 0, 'value')"])
    click_right_end(page)
    expect(page.locator(".widget-readout")).to_have_text("9")
    kernel_becomes(page, "slider.value", 9)
    becomes(page, lambda: any("ZeroDivisionError" in error for error in page.kernel_errors))


def test_a_page_that_begins_anew_has_nothing_of_the_test_before(notebook):
    page = notebook("anew", [SLIDER, "import cnnwidgets\ncnnwidgets.core.saliency = None"])
    page.page.set_viewport_size({"width": 700, "height": 600})
    page.renew(["import cnnwidgets"])
    page.run_all()
    expect(page.locator(".widget-readout")).to_have_count(0)
    assert (page.n_cells, page.page.viewport_size["width"]) == (1, 1280)
    widgets = "len(__import__('ipywidgets').widgets.widget._instances)"
    assert page.kernel(f"['slider' in globals(), {widgets}, cnnwidgets.core.saliency is None]") == [
        False,
        0,
        False,
    ]
    assert page.kernel_errors == []


def test_console_errors_and_other_machines_are_seen(notebook, chromium):
    page = notebook("outside", ["pass"])
    assert page.errors == []
    page.evaluate("() => fetch('http://example.com/').catch(() => console.error('our own'))")
    becomes(page, lambda: any("our own" in error for error in page.errors))
    becomes(page, lambda: chromium.outside, ["http://example.com/"])
    page.errors.clear()
    chromium.outside.clear()
