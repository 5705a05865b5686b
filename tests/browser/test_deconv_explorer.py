"""A unit's patches beside what goes back to their pixels, in a real JupyterLab, driven as a student would."""

import re
import statistics

from notebook_page import kernel_becomes, no_errors
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.DeconvExplorer("toynet", layer="conv4")
explorer
"""
TILES, WHOLE = ".cw-blocks-tiles:visible", ".cw-blocks-whole:visible"
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"

#: From setting a channel to all four blocks with other pixels, in ms.
CHANGE = """async (channel) => {
  const canvases = [...document.querySelectorAll(".cw-blocks-tiles")].filter((el) => el.offsetParent);
  const before = canvases.map((canvas) => cwPaint.fingerprint(canvas));
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  const start = performance.now();
  const code = `explorer.selection.channel = ${channel}`;
  kernel.requestExecute({ code, silent: true, store_history: false });
  while (canvases.some((canvas, i) => cwPaint.fingerprint(canvas) === before[i])) {
    if (performance.now() - start > 30000) throw new Error("no other tiles");
    await new Promise(requestAnimationFrame);
  }
  return [performance.now() - start, canvases.length];
}"""


def open_explorer(notebook, name, code=EXPLORE):
    page = notebook(name, [code])
    page.locator(TILES).nth(3).wait_for()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.cw-blocks-tiles')].slice(0, 4)
          .every((el) => el.width > 20 && cwPaint.colours(el) > 1)"""
    )
    return page


def test_another_unit_is_painted_soon(notebook, record_property):
    """From the request to painted tiles of all blocks; the aim is 300 ms on a machine at rest."""
    page = open_explorer(notebook, "deconv-unit")
    times = []
    for channel in (3, 14, 25, 36, 47, 58, 69, 70, 81):
        took, n_blocks = page.evaluate(CHANGE, channel)
        assert n_blocks == 4
        times.append(took)
        page.wait_for_timeout(200)
    record_property("unit_ms", [round(each) for each in times])
    print(f"unit changed to painted: median {statistics.median(times):.0f}, most {max(times):.0f} ms")
    assert statistics.median(times) < 1200, times
    no_errors(page)


def test_hovering_asks_the_kernel_nothing(notebook):
    page = open_explorer(notebook, "deconv-hover")
    comms = page.hear_comms()
    facts = page.locator(".cw-blocks-facts").first
    seen, now = set(), facts.inner_text()
    box = page.locator(TILES).nth(1).bounding_box()
    for x, y in ((0.5, 0.4), (0.85, 0.4), (0.5, 0.75)):
        page.locator(TILES).nth(1).hover(position={"x": x * box["width"], "y": y * box["height"]})
        expect(facts).not_to_have_text(now)
        now = facts.inner_text()
        seen.add(now)
    assert len(seen) == 3
    assert all(re.match(r"test \d+ · \w+ · fires [\d.]+ · sees", text) for text in seen)
    box = page.locator(WHOLE).nth(2).bounding_box()
    page.locator(WHOLE).nth(2).hover(position={"x": 0.5 * box["width"], "y": 0.5 * box["height"]})
    readings = page.locator(".cw-blocks-reading:visible")
    for i in range(1, 4):
        expect(readings.nth(i)).to_have_text(re.compile(r"R.[+−]?[\d.e−]+.+G.+B"))
    page.wait_for_timeout(300)
    assert comms() == []
    no_errors(page)


def test_a_picture_of_ones_own_and_one_of_its_neurons(notebook):
    page = open_explorer(notebook, "deconv-picture")
    page.get_by_role("tab", name="a picture of yours").click()
    kernel_becomes(page, "len(explorer.picture_page.blocks.values)", 1)
    expect(page.locator(TILES)).to_have_count(0)
    expect(page.locator(WHOLE)).to_have_count(4)
    page.locator(".cw-heat-canvas:visible").click(position={"x": 100, "y": 60})
    kernel_becomes(page, "explorer.picture_page.start.value", "one neuron")
    expect(page.locator(TILES)).to_have_count(4)
    kernel_becomes(page, "explorer.selection.position is not None", True)
    row, column = page.kernel("explorer.selection.position")
    expect(page.locator(".cw-blocks-facts:visible")).to_contain_text(f"row {row}, column {column}")
    page.get_by_text("whole feature map").click()
    kernel_becomes(page, "explorer.selection.position", None)
    expect(page.locator(TILES)).to_have_count(0)
    page.get_by_role("tab", name="patches").click()
    expect(page.locator(TILES)).to_have_count(4)
    no_errors(page)


def test_keys_go_to_the_widget_and_not_to_the_notebook(notebook):
    page = open_explorer(notebook, "deconv-keys")
    n_cells = page.n_cells
    page.locator(TILES).nth(2).focus()
    for key in ("ArrowRight", "ArrowRight", "d", "d"):
        page.keyboard.press(key)
    kernel_becomes(page, "explorer.blocks.chosen", 1)
    assert page.n_cells == n_cells
    no_errors(page)


def test_running_the_cell_again_frees_the_explorer_before(notebook):
    page = open_explorer(notebook, "deconv-rerun")
    page.run_cell(0)
    page.locator(TILES).nth(3).wait_for()
    before = page.kernel(WIDGETS)
    for _ in range(3):
        page.run_cell(0)
        page.locator(TILES).nth(3).wait_for()
    kernel_becomes(page, WIDGETS, before)
    no_errors(page)
