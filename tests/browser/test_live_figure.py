"""LiveFigure in a real JupyterLab: clicks, keys, redraws, its end, and pages without ipympl."""

import re
import time

import pytest
from notebook_page import becomes, kernel_becomes
from playwright.sync_api import expect

CURVE = """
import ipywidgets, matplotlib
from cnnwidgets.widgets.live_figure import LiveFigure
backend = matplotlib.get_backend()
live = LiveFigure((4, 2), label="Probability by size")
axes = live.figure.add_axes((0, 0, 1, 1), xlim=(0, 10), ylim=(0, 5))
line, = axes.plot([0, 10], [1, 1])
clicks, hovers = [], []

def clicked(axes, x, y):
    clicks.append([round(2 * x) / 2, round(2 * y) / 2])  # the page may begin at half a pixel
    line.set_ydata([y, y])
    live.draw()
    1 / (x < 8)

live.on_click(clicked)
live
"""
HOVER = "live.on_hover(lambda axes, x, y: hovers.append(x))"
FIGURE = ".cw-live-figure .jupyter-matplotlib-canvas-div"
PIXELS = f"{FIGURE} canvas:first-of-type"
WIDGETS = "len(ipywidgets.widgets.widget._instances)"


def open_figure(notebook, name, *cells, app="lab"):
    page = notebook(f"figure-{name}", [CURVE, *cells], app=app)
    expect(page.locator(FIGURE)).to_be_visible()
    page.wait_for_function("selector => cwPaint.colours(document.querySelector(selector)) > 1", arg=PIXELS)
    return page


def click(page, x, y):
    page.locator(FIGURE).click(position={"x": x, "y": y})


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_click_reaches_the_kernel_and_the_figure_is_drawn_again(notebook, app):
    page = open_figure(notebook, f"click-{app}", app=app)
    figure = page.locator(FIGURE)
    becomes(page, lambda: [figure.bounding_box()[side] for side in ("width", "height")], [400, 200])
    for part in (".jupyter-matplotlib-header", ".jupyter-matplotlib-footer", ".jupyter-matplotlib-toolbar"):
        expect(page.locator(part)).to_be_hidden()
    before = page.fingerprint(PIXELS)
    click(page, 100, 140)
    page.wait_for_new_pixels(PIXELS, before)
    kernel_becomes(page, "clicks", [[2.5, 1.5]])
    expect(page.locator(".cw-figure .cw-said")).to_have_text(re.compile(r"\(x, y\) = \(2\.\d+, 1\.\d+\)"))
    click(page, 395, 195)  # ipympl would take the corner for itself, to resize the figure
    kernel_becomes(page, "len(clicks)", 2)
    kernel_becomes(page, "live.reacts and matplotlib.get_backend() == backend", True)


def test_an_exception_is_shown_above_the_figure(notebook):
    page = open_figure(notebook, "error")
    error = page.locator(".cw-figure .cw-error")
    expect(error).to_be_hidden()
    click(page, 380, 100)
    expect(error).to_have_text("ZeroDivisionError: division by zero")
    click(page, 100, 100)
    expect(error).to_be_hidden()


def test_the_pointer_is_followed_only_if_somebody_listens(notebook):
    page = open_figure(notebook, "hover", HOVER)
    page.locator(FIGURE).scroll_into_view_if_needed()  # once it keeps its place
    box = page.locator(FIGURE).bounding_box()
    began = time.monotonic()
    for x in range(20, 220, 5):
        page.mouse.move(box["x"] + x, box["y"] + 100)
        page.wait_for_timeout(5)
    page.mouse.move(box["x"] + 240, box["y"] + 100)
    kernel_becomes(page, "hovers[-1] if hovers else 0", 6)
    page.mouse.move(box["x"] + 240, box["y"] - 60)
    kernel_becomes(page, "hovers[-1]", None)
    most = 20 * (time.monotonic() - began) + 3  # 20 a second
    assert 2 < page.kernel("len(hovers)") < most
    assert page.kernel_errors == []


def test_without_a_mouse(notebook):
    page = open_figure(notebook, "keys", HOVER, "third = 3")
    figure = page.locator(FIGURE)
    expect(figure).to_have_attribute("aria-label", "Probability by size")
    expect(figure).to_have_attribute("data-lm-suppress-shortcuts", "true")
    figure.focus()
    page.keyboard.press("Enter")  # there is no cross yet
    page.keyboard.press("ArrowLeft")  # now it is in the middle
    kernel_becomes(page, "[round(x, 1) for x in hovers]", [5.0])
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    kernel_becomes(page, "round(hovers[-1], 1)", 4.0)
    expect(page.locator(".cw-figure-cross")).to_be_visible()
    page.keyboard.press("Enter")
    kernel_becomes(page, "clicks", [[4.0, 3.0]])  # 160 of 400 and 80 of 200 pixels
    page.keyboard.press("Shift+ArrowRight")
    kernel_becomes(page, "round(hovers[-1] - hovers[-2], 3)", 0.025)  # one pixel
    page.keyboard.press("Escape")
    expect(page.locator(".cw-figure-cross")).to_be_hidden()
    kernel_becomes(page, "hovers[-1]", None)

    cells = page.n_cells
    for key in "ddxlgq":  # "d d" and "x" would delete the cell
        page.keyboard.press(key)
    page.keyboard.press("Tab")  # ipympl would hold it
    expect(figure).not_to_be_focused()
    assert page.n_cells == cells
    assert page.kernel("[axes.get_yscale(), axes.get_xscale(), len(clicks)]") == ["linear", "linear", 1]


def test_a_loop_of_changes_ends_with_the_last(notebook):
    page = open_figure(notebook, "loop", "pass")
    change = "[(line.set_ydata([i / 100] * 2), live.draw()) and None for i in {}]"
    before = page.fingerprint(PIXELS)
    page.kernel(change.format([299]))
    page.wait_for_new_pixels(PIXELS, before)
    last = page.settled(PIXELS)
    page.kernel(change.format([0]))
    page.wait_for_new_pixels(PIXELS, last)
    page.kernel(change.format("range(300)"))
    becomes(page, lambda: page.fingerprint(PIXELS), last)
    page.wait_for_timeout(400)  # no other comes late
    assert page.fingerprint(PIXELS) == last
    page.kernel("live.draw()")
    page.wait_for_timeout(300)
    assert page.fingerprint(PIXELS) == last, "nothing was left to be drawn"


def test_run_again_and_closed_it_leaves_nothing_behind(notebook):
    page = open_figure(notebook, "again")
    widgets = page.kernel(WIDGETS)
    for _ in range(3):
        page.run_cell(0)
        kernel_becomes(page, "live.reacts", True)
    expect(page.locator(FIGURE)).to_have_count(1)
    kernel_becomes(page, WIDGETS, widgets)
    click(page, 100, 140)
    kernel_becomes(page, "clicks", [[2.5, 1.5]])
    page.kernel("live.close()")
    expect(page.locator(".cw-live-figure")).to_have_count(0)
    # Closed: the box, the canvas, ipympl's toolbar and the frame, each with its layout.
    kernel_becomes(page, WIDGETS, widgets - 8)
    kernel_becomes(page, "[live.figure, live._canvas, len(live.children)]", [None, None, 0])
    assert page.kernel_errors == []


def test_a_page_without_ipympl_keeps_the_picture(notebook, chromium):
    """The kernel has ipympl, and the server that the page comes from has not."""
    pattern = "**/jupyter-matplotlib/**"
    chromium.route(pattern, lambda route: route.abort())
    try:
        page = notebook("figure-without", [CURVE], fresh=True)
        picture = page.locator(".cw-live-figure img")
        expect(picture).to_be_visible()
        expect(picture).to_have_attribute("alt", "Probability by size")
        page.wait_for_timeout(1000)
        assert page.kernel("live.reacts") is False
        source = picture.get_attribute("src")
        becomes(page, lambda: picture.bounding_box()["width"], 400)
        page.kernel("[line.set_ydata([4, 4]), live.draw()] and None")
        expect(picture).not_to_have_attribute("src", source)
        page.errors.clear()  # Jupyter tells of what it could not load
    finally:
        chromium.unroute(pattern)
