"""Two linked maps of pictures in a real JupyterLab: hovered, moved, selected, hidden, run again, closed."""

import re

import pytest
from notebook_page import becomes, kernel_becomes, no_errors
from playwright.sync_api import expect

MAPS = """
import asyncio, time
import ipywidgets
import numpy as np
from cnnwidgets.widgets import EmbeddingScatter
grid = np.array([(x, y) for y in range(6) for x in range(8)], float)
tiles = np.stack([np.full((16, 16, 3), (5 * i, 250 - 5 * i, 128), np.uint8) for i in range(48)])
given = dict(labels=np.arange(48) % 3, names=["cat", "dog", "bus"], thumbnails=tiles, point_size=12)
given |= dict(show_images="never", width=240, height=260)
pca = EmbeddingScatter(grid, title="PCA", **given)
tsne = EmbeddingScatter(-grid, title="t-SNE", **given)
links = [ipywidgets.jslink((pca, name), (tsne, name)) for name in ("hovered", "selected", "hidden")]
ipywidgets.Box([pca, tsne], layout={"flex_flow": "row wrap"})
"""
LIVE = """
async def live(steps):
    k = 0
    while k < steps:
        pca.update(grid * (1 - k / 1000))
        pca.caption = f"iteration {k + 1} of {steps}"
        await asyncio.sleep(0.1)
        k = k + 1 if looked or k < steps - 2 else 0  # from the beginning, until it has been looked at

task, looked = None, False
"""
BUSY = """
for step in range(600 if loops else 0):
    pca.update(grid * (1 - step / 10_000))
    time.sleep(0.1)
"""
IS_BUSY = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
WIDGETS = "len(ipywidgets.widgets.widget._instances)"
MARGIN = 16

#: An element that hides itself after a while says by `data-seen` that it has been seen.
NOTE_SEEN = """(el) => {
  const look = () => el.checkVisibility() && (el.dataset.seen = "yes");
  new MutationObserver(look).observe(el, { attributeFilter: ["hidden"] });
}"""


class Map:
    """One of the maps of a page; `view` counts its views."""

    def __init__(self, page, name, view=0):
        self.page, self.name = page, name
        title = {"pca": "PCA", "tsne": "t-SNE"}[name]
        own = page.get_by_text(title, exact=True)
        self.root = page.locator(".cw-scatter").filter(has=own).nth(view)
        self.over = self.root.locator(".cw-scatter-canvas")
        self.points = self.root.locator(".cw-scatter-points")
        self.tip = self.root.locator(".cw-scatter-tip")
        self.reading = self.root.locator(".cw-scatter-reading")
        becomes(page, lambda: self.points.evaluate("canvas => cwPaint.colours(canvas)"), 2)

    def place(self, i):
        """Where a point is on the page, as the kernel knows of points and view.

        It hears of a move a little later: see `lies_at`.
        """
        self.over.scroll_into_view_if_needed()  # once it keeps its place for two frames
        state = f"[{self.name}.view, {self.name}._frame, {self.name}.points[{i}].tolist()]"
        (x, y, zoom), (left, bottom, right, top), point = self.page.kernel(state)
        box = self.over.bounding_box()
        w, h = right - left, top - bottom
        scale = zoom * min((box["width"] - 2 * MARGIN) / w, (box["height"] - 2 * MARGIN) / h)
        across, up = (point[0] - left - x * w) * scale, (point[1] - bottom - y * h) * scale
        return box["x"] + box["width"] / 2 + across, box["y"] + box["height"] / 2 - up

    def lies_at(self, i, x, y, within):
        """Wait until a point is at a place on the page, as far as the kernel knows."""
        becomes(self.page, lambda: self.place(i), pytest.approx((x, y), abs=within), told=f"place of {i}")

    def hover(self, i):
        place = self.place(i)
        for _ in range(2):  # what has come is read in one frame, painted in the next, and met then
            self.page.evaluate("() => cwPaint.nextPaint()")
        self.page.mouse.move(*place)

    def colour(self, x, y):
        """Of the points' canvas at a place on the page."""
        return self.points.evaluate(
            """(canvas, [x, y]) => {
              const box = canvas.getBoundingClientRect();
              const [i, j] = [x - box.x, y - box.y].map((at) => Math.round((at * canvas.width) / box.width));
              return [...canvas.getContext("2d").getImageData(i, j, 1, 1).data.slice(0, 3)];
            }""",
            [x, y],
        )

    def ringed(self):
        """Whether anything is drawn over the points, such as the ring around the one that is meant."""
        return self.over.evaluate("canvas => cwPaint.colours(canvas) > 1")

    def drag(self, places, *keys):
        page = self.page
        page.mouse.move(*places[0])
        for key in keys:
            page.keyboard.down(key)
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        for key in keys:  # before the button, as hands do
            page.keyboard.up(key)
        page.mouse.up()

    def around(self, first, last, room=12):
        """Corners of a box about two points."""
        (left, y), (right, z) = self.place(first), self.place(last)
        bottom, top = max(y, z) + room, min(y, z) - room
        left, right = min(left, right) - room, max(left, right) + room
        return [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]


@pytest.fixture
def maps(notebook):
    """maps(name, *more cells) -> (page, PCA, t-SNE), painted."""

    def opened(name, *cells, app="lab"):
        page = notebook(f"scatter-{name}", [MAPS, *cells], app=app)
        both = Map(page, "pca"), Map(page, "tsne")
        for one in both:
            one.root.locator(".cw-scatter-tools select").wait_for()  # the pictures are there
        return page, *both

    return opened


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_same_picture_lights_up_in_both_maps(maps, app):
    page, pca, tsne = maps(f"linked-{app}", app=app)
    pca.hover(19)
    expect(pca.tip).to_be_visible()
    expect(pca.tip).to_contain_text("dog, number 19")
    expect(tsne.reading).to_have_text("dog, number 19")
    expect(tsne.tip).to_be_hidden()  # the picture is shown once
    becomes(page, lambda: [pca.ringed(), tsne.ringed()], [True, True])
    kernel_becomes(page, "[pca.hovered, tsne.hovered]", [19, 19])
    tsne.hover(5)
    expect(tsne.tip).to_be_visible()
    expect(pca.tip).to_be_hidden()
    expect(pca.reading).to_have_text("bus, number 5")
    page.mouse.move(5, 5)
    expect(pca.reading).to_have_text("48 points")
    kernel_becomes(page, "[pca.hovered, tsne.hovered]", [-1, -1])
    becomes(page, lambda: [pca.ringed(), tsne.ringed()], [False, False])
    no_errors(page)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_dragged_zoomed_and_put_back(maps, app):
    page, pca, tsne = maps(f"moved-{app}", app=app)
    x, y = pca.place(20)
    pca.drag([(x, y), (x + 30, y - 20)])
    pca.lies_at(20, x + 30, y - 20, within=0.5)
    assert page.kernel("tsne.view") == [0.5, 0.5, 1]
    page.mouse.wheel(0, -200)  # the drag has given it the keyboard, and so the wheel
    kernel_becomes(page, "pca.view[2] > 1.3")
    pca.lies_at(20, x + 30, y - 20, within=1)  # what is under the pointer stays there
    hint = tsne.root.locator(".cw-scatter-hint")
    hint.evaluate(NOTE_SEEN)
    page.mouse.move(*tsne.place(20))
    page.mouse.wheel(0, -200)
    expect(hint).to_have_attribute("data-seen", "yes")
    assert page.kernel("tsne.view") == [0.5, 0.5, 1]
    pca.over.focus()
    page.keyboard.press("0")
    kernel_becomes(page, "pca.view", [0.5, 0.5, 1])
    pca.root.get_by_label("Zoom in").click()
    kernel_becomes(page, "pca.view[2]", 1.5)
    pca.root.get_by_label("Show the whole map").click()
    kernel_becomes(page, "pca.view", [0.5, 0.5, 1])
    no_errors(page)


def test_lasso_box_shift_and_click_reach_the_kernel_and_the_other_map(maps):
    page, pca, tsne = maps("select", "'a cell below'")
    pca.root.get_by_label("Lasso").click()
    pca.drag(pca.around(9, 18))
    kernel_becomes(page, "pca.selected", [9, 10, 17, 18])
    kernel_becomes(page, "tsne.selected", [9, 10, 17, 18])
    expect(tsne.root.get_by_label("4 selected")).to_be_visible()
    tsne.root.get_by_label("Box").click()
    first, _, last, *_ = tsne.around(44, 45)
    tsne.drag([first, last], "Shift")  # let go before the button is: it was held when the box began
    kernel_becomes(page, "pca.selected", [9, 10, 17, 18, 44, 45])
    expect(pca.root.locator("[data-class='0'] .cw-scatter-count")).to_have_text("3 of 16")
    pca.root.get_by_label("Move", exact=True).click()
    page.mouse.click(*pca.place(30))
    kernel_becomes(page, "[pca.selected, tsne.selected]", [[30], [30]])
    page.cell(1).locator(".jp-InputPrompt").click()
    pca.drag(pca.around(0, 1), "Shift")  # a lasso, though dragging moves the map
    kernel_becomes(page, "[tsne.selected, tsne.view]", [[0, 1, 30], [0.5, 0.5, 1]])
    # JupyterLab, too, has a meaning for shift: it would select all cells from the active one to this
    chosen = "() => [jupyterapp.shell.currentWidget.content.selectedCells.length, getSelection().toString()]"
    assert page.evaluate(chosen) == [1, ""]
    page.kernel("setattr(tsne, 'selected', [7, 8])")
    expect(pca.root.get_by_label("2 selected")).to_be_visible()
    pca.over.focus()
    page.keyboard.press("Escape")
    kernel_becomes(page, "[pca.selected, tsne.selected]", [[], []])
    no_errors(page)


def test_classes_are_hidden_in_both(maps):
    page, pca, tsne = maps("legend")
    pca.root.locator("[data-class='1']").click()
    kernel_becomes(page, "[pca.hidden, tsne.hidden]", [[1], [1]])
    expect(tsne.root.locator("[data-class='1']")).to_have_attribute("aria-pressed", "false")
    expect(tsne.reading).to_have_text("32 of 48 points")
    page.mouse.move(*tsne.place(19))
    page.wait_for_timeout(100)
    assert page.kernel("tsne.hovered") == -1
    tsne.root.locator("[data-class='2']").dblclick()
    kernel_becomes(page, "[pca.hidden, tsne.hidden]", [[0, 1], [0, 1]])
    pca.root.get_by_text("show all").click()
    kernel_becomes(page, "[pca.hidden, tsne.hidden]", [[], []])
    no_errors(page)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_go_to_the_map_and_not_to_the_notebook(maps, app):
    page, pca, tsne = maps(f"keys-{app}", app=app)
    n_cells = page.n_cells
    pca.over.focus()
    page.keyboard.press("ArrowRight")  # the nearest to the middle
    kernel_becomes(page, "pca.hovered >= 0", True)
    start = page.kernel("pca.hovered")
    for key, away in (("ArrowRight", 1), ("ArrowUp", 9), ("ArrowLeft", 8), ("ArrowDown", 0)):
        page.keyboard.press(key)
        kernel_becomes(page, "tsne.hovered", start + away)
    expect(pca.root.get_by_role("status")).to_have_text(re.compile(rf"number {start}$"))
    page.keyboard.press("Enter")
    kernel_becomes(page, "pca.selected", [start])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    kernel_becomes(page, "pca.selected", [start, start + 1])
    for key in "ddxab":
        page.keyboard.press(key)
    page.keyboard.press("+")
    kernel_becomes(page, "round(pca.view[2], 3)", 1.3)
    page.keyboard.press("Escape")
    kernel_becomes(page, "pca.hovered", -1)
    for label in ("Lasso", "Zoom in"):
        pca.root.get_by_label(label).focus()
        page.keyboard.press("d")
        page.keyboard.press("d")
    pca.root.locator("[data-class='0']").focus()
    for key in ("d", "d", "Space"):
        page.keyboard.press(key)
    kernel_becomes(page, "tsne.hidden", [0])
    assert page.n_cells == n_cells
    no_errors(page)


def test_a_map_that_changes_ten_times_a_second_is_hovered_meanwhile(maps):
    page, pca, tsne = maps("live", LIVE)
    page.kernel("bool(globals().update(task=asyncio.get_running_loop().create_task(live(30))))")
    caption = pca.root.locator(".cw-scatter-caption")
    x, y = pca.place(28)
    looks, seen, captions = 0, 0, set()
    while looks < 300 and len(captions) < 10:
        for k in range(8):
            page.mouse.move(x + k % 4, y)
            page.wait_for_timeout(15)
        looks, seen = looks + 1, seen + pca.tip.is_visible()
        captions.add(caption.inner_text())
    assert looks == seen > 2
    assert len(captions) == 10, "it has changed meanwhile"
    page.kernel("globals().update(looked=True)")
    kernel_becomes(page, "task.done()")
    expect(caption).to_have_text("iteration 30 of 30")  # the last state comes, too
    expect(tsne.reading).to_have_text(pca.reading.inner_text())
    pca.hover(47)
    expect(tsne.reading).to_have_text("bus, number 47")
    assert page.kernel("pca.points[47].tolist()") == pytest.approx([7 * 0.971, 5 * 0.971])
    no_errors(page)


def test_a_busy_kernel_is_not_asked_and_can_be_interrupted(maps):
    page, pca, tsne = maps("busy", "loops = False", BUSY)
    one, other = pca.place(10), tsne.place(33)
    page.kernel("globals().update(loops=True)")
    page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 2; }")
    page.evaluate("() => { window.busy = jupyterapp.commands.execute('notebook:run-cell'); }")
    page.wait_for_function(IS_BUSY)
    for k in range(10):
        page.mouse.move(one[0] + k / 5, one[1])
        page.wait_for_timeout(50)
    expect(tsne.reading).to_have_text("dog, number 10")
    page.mouse.move(*other)
    expect(pca.reading).to_have_text("cat, number 33")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.evaluate("() => window.busy")
    kernel_becomes(page, "[pca.hovered, tsne.hovered]", [33, 33])
    tsne.hover(2)
    kernel_becomes(page, "[pca.hovered, tsne.hovered]", [2, 2])
    assert [error for error in page.kernel_errors if not error.startswith("KeyboardInterrupt")] == []
    assert page.errors == []


def test_points_wander_to_another_map(maps):
    page, pca, _ = maps("morph")
    start, end = pca.place(0), pca.place(47)
    red = pca.colour(*start)
    pca.points.evaluate("canvas => { cwPaint.film(canvas); }")
    page.kernel("pca.morph(grid[::-1], seconds=1)")
    becomes(page, lambda: pca.points.evaluate("canvas => canvas.cwSeen.length > 1"))  # they set out
    last = pca.points.evaluate("canvas => cwPaint.settled(canvas)")
    seen = pca.points.evaluate("canvas => canvas.cwSeen")
    assert last is not None and len({*seen} - {seen[0], last}) >= 3  # on their way
    assert pca.colour(*end) == red
    pca.hover(0)
    expect(pca.reading).to_have_text("cat, number 0")
    pca.lies_at(0, *end, within=0.5)
    no_errors(page)


def test_new_pictures_land_in_the_map(maps):
    page, pca, tsne = maps("add")
    tile = "np.full((1, 20, 20, 3), (255, 0, 0), np.uint8)"
    added = f"pca.add([[3.5, 2.5]], labels=['dog'], thumbnails={tile}, sources=['mine.jpg'])"
    assert page.kernel(added) == [48]
    expect(pca.root.locator("[data-class='1'] .cw-scatter-count")).to_have_text("17")
    pca.hover(48)
    expect(pca.tip).to_contain_text("dog, number 48, added")
    expect(pca.tip).to_contain_text("mine.jpg")
    expect(tsne.reading).to_have_text("48 points")  # the other map has none of this number
    page.kernel("pca.remove_added()")
    expect(pca.root.locator("[data-class='1'] .cw-scatter-count")).to_have_text("16")
    pca.hover(19)
    expect(tsne.reading).to_have_text("dog, number 19")
    no_errors(page)


def test_shown_twice(maps):
    page, first, _ = maps("twice", "pca")
    second = Map(page, "pca", view=1)
    second.hover(12)
    expect(second.tip).to_be_visible()
    expect(first.reading).to_have_text("cat, number 12")
    expect(first.tip).to_be_hidden()
    second.root.locator("[data-class='2']").click()
    expect(first.root.locator("[data-class='2']")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".cw-scatter")).to_have_count(3)
    no_errors(page)


def test_run_again_and_closed_nothing_is_left(maps):
    page, pca, _ = maps("again")
    widgets = page.kernel(WIDGETS)
    for _ in range(2):
        page.run_cell(0)
    expect(page.locator(".cw-scatter")).to_have_count(2)
    pca, tsne = Map(page, "pca"), Map(page, "tsne")
    pca.hover(19)
    expect(tsne.reading).to_have_text("dog, number 19")
    kernel_becomes(page, WIDGETS, widgets + 2 * 5)  # three links, a box and its layout: not ours
    page.kernel("pca.close()")
    expect(page.locator(".cw-scatter")).to_have_count(1)
    assert page.kernel("[pca.n_points, len(pca._atlas), pca.sources]") == [0, 0, []]
    tsne.hover(7)  # its links lead nowhere now
    expect(tsne.tip).to_be_visible()
    kernel_becomes(page, "tsne.hovered", 7)
    no_errors(page)


def test_a_dark_page_and_a_narrow_one(maps):
    page, pca, _ = maps("dark")

    def change(theme):
        page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
        page.wait_for_timeout(500)  # JupyterLab stumbles over a second change while it is about the first

    x, y = pca.place(0)
    corner = (x - 12, y + 12)  # of the map, where no point is
    white, orange = pca.colour(*corner), pca.colour(x, y)
    assert min(white) > 250
    try:
        change("JupyterLab Dark")
        becomes(page, lambda: max(pca.colour(*corner)) < 60)
        becomes(page, lambda: pca.colour(x, y), orange)
    finally:
        change("JupyterLab Light")
    page.evaluate("() => { document.querySelector('.jp-OutputArea').style = 'flex: none; width: 330px'; }")

    def fits():
        legend, plot = (
            pca.root.locator(each).bounding_box() for each in (".cw-scatter-legend", ".cw-scatter-plot")
        )
        outputs = page.locator(".jp-OutputArea").bounding_box()
        is_inside = plot["x"] + plot["width"] <= outputs["x"] + outputs["width"]
        return [is_inside, legend["y"] >= plot["y"] + plot["height"]]

    becomes(page, fits, [True, True], told="[plot inside, legend below]")
    pca.hover(19)
    expect(pca.reading).to_have_text("dog, number 19")
    no_errors(page)
