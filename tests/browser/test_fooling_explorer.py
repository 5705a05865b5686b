"""Fooling a network in a real JupyterLab, driven as a student would."""

import time

from notebook_page import becomes, kernel_becomes, no_errors
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.FoolingExplorer("toynet", target=3)
explorer
"""
AFTER = ".cw-change-panel:visible >> nth=2"
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"


def open_explorer(notebook, name):
    page = notebook(name, [EXPLORE])
    page.locator(".cw-change-curves:visible").wait_for()
    return page


def test_another_class_is_searched_for_and_found(notebook, record_property):
    page = open_explorer(notebook, "fooling-class")
    first = page.locator(AFTER).locator(".cw-change-bar").first
    expect(first).to_contain_text("boat")
    began = time.perf_counter()
    page.get_by_label("Search a class").fill("house")
    page.get_by_label("Search a class").press("Enter")
    expect(first).to_contain_text("house", timeout=60_000)
    expect(page.locator(".cw-change-curves")).to_be_visible(timeout=60_000)
    record_property("found_s", round(time.perf_counter() - began, 2))
    expect(page.locator(".cw-fooling-message")).to_contain_text("found in")
    kernel_becomes(page, "explorer.found is not None and explorer.found.is_fooled", True)
    no_errors(page)


def test_growing_the_change_asks_the_kernel_nothing_but_tells_it(notebook):
    page = open_explorer(notebook, "fooling-grow")
    n_cells, slider = page.n_cells, page.get_by_label("how much of the change is added")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".cw-change-panel .cw-title").nth(2)).to_have_text("After, with 0 % of it")
    before, after = (page.locator(".cw-change-bars").nth(i) for i in (0, 1))
    becomes(page, lambda: before.inner_text() == after.inner_text())
    for key in ("d", "d"):
        page.keyboard.press(key)
    assert page.n_cells == n_cells
    kernel_becomes(page, "explorer.viewer.scale", 0)
    page.get_by_role("button", name="Noise of the same size").click()
    page.keyboard.press("Escape")
    slider.focus()
    page.keyboard.press("End")
    present = page.kernel("explorer.viewer.top(0)[0][1]")
    expect(page.locator(AFTER).locator(".cw-change-bar").first).to_contain_text(present)
    no_errors(page)


def test_running_the_cell_again_frees_the_explorer_before(notebook):
    page = open_explorer(notebook, "fooling-rerun")
    page.run_cell(0)
    page.locator(".cw-change-curves:visible").wait_for()
    before = page.kernel(WIDGETS)
    for _ in range(2):
        page.run_cell(0)
        page.locator(".cw-change-curves:visible").wait_for()
    kernel_becomes(page, WIDGETS, before)
    no_errors(page)
