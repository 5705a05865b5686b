"""Neighbours in a real JupyterLab, asked for as a student would."""

import io
import re

import pytest
from notebook_page import becomes, collected, kernel_becomes, no_errors
from PIL import Image
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
town = cw.data.Toytown("test", length=120)
explorer = cw.explorers.RetrievalExplorer(images=town, query=5)
explorer
"""

# Whether what is shown is what the core finds.
BY_CORE = """
def is_right():
    import numpy as np
    network, query, labels = explorer.selection.network, explorer.query, town.labels
    layer = explorer.layers.layer
    layer = None if layer == "before the classifier" else layer
    for row, name in zip(explorer.rows.rows, [layer, "pixels"]):
        table = cw.core.features(network, town, name)
        found = cw.core.nearest_neighbours(table, k=30, metric=explorer.control.metric)
        numbers = [tile.number for tile in row.tiles]
        marks = [tile.mark for tile in row.tiles]
        same = labels[found.indices] == labels[:, None]
        if numbers != found.indices[query].tolist() or marks != same[query].tolist():
            return f"{row.key}: {numbers} are not {found.indices[query].tolist()}"
        if not np.isclose(row.mean[9], same[:, :10].mean()):
            return f"{row.key}: {row.mean[9]} is not {same[:, :10].mean()}"
    return True
"""
GALLERY, ROWS = ".cw-rows >> nth=0", ".cw-rows >> nth=1"
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"
INTERRUPT = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"

SLOWLY = """
from cnnwidgets.core import feature_batches
from cnnwidgets.explorers import retrieval_search
hold = False
def slowly(*args, **options):
    __import__("time").sleep(0.4)
    while hold:
        __import__("time").sleep(0.02)
    return feature_batches(*args, **options)
retrieval_search.feature_batches = slowly
"""


def open_explorer(notebook, name, app="lab", more=""):
    page = notebook(
        f"retrieval-{name}", [more + EXPLORE.replace("\nexplorer\n", BY_CORE + "\nexplorer")], app=app
    )
    row(page, "pixels").locator(".cw-rows-tile:visible").first.wait_for()
    expect(row(page, "pixels").locator(".cw-rows-told")).to_contain_text("over all 120")
    return page


def row(page, key):
    return page.locator(ROWS).locator(f".cw-rows-row[data-key={key}]")


def tiles(page, key):
    return row(page, key).locator(".cw-rows-tile:visible")


def numbers(page, key):
    return tiles(page, key).evaluate_all("tiles => tiles.map((tile) => Number(tile.dataset.number))")


def shows(page, query):
    """Whether the browser shows what the kernel found for a picture, and that is right."""
    kernel_becomes(page, "[explorer.query, len(explorer.neighbours)]", [query, 2])
    kernel_becomes(page, "is_right()", True)
    for key in ("features", "pixels"):
        wanted = page.kernel(f"[int(i) for i in explorer.neighbours[{key!r}].indices[:explorer.rows.k]]")
        becomes(page, lambda key=key: numbers(page, key), wanted, told=f"row of {key}")
    expect(page.locator(ROWS).locator(".cw-rows-asked figcaption")).to_contain_text(f"test {query} ")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_from_picture_to_picture(notebook, app):
    page = open_explorer(notebook, f"walk-{app}", app)
    shows(page, 5)
    expect(tiles(page, "features")).to_have_count(10)
    page.locator(GALLERY).locator("[data-number='8']").click()
    shows(page, 8)
    ticks = row(page, "features").locator(".cw-rows-same:visible")
    told = row(page, "features").locator(".cw-rows-told")
    becomes(page, lambda: f"Precision at 10: {10 * ticks.count()} %" in told.inner_text())

    third = numbers(page, "pixels")[2]
    tiles(page, "pixels").nth(2).click()  # a neighbour becomes what is asked for
    shows(page, third)
    selected = page.locator(GALLERY).locator("[aria-selected=true]")
    chosen = [third] if third < 96 else []  # so many are in the gallery
    becomes(page, lambda: selected.evaluate_all("all => all.map((el) => Number(el.dataset.number))"), chosen)

    page.locator(GALLERY).get_by_label("show").select_option("fish")
    expect(page.locator(GALLERY).locator(".cw-rows-tile")).to_have_count(10)
    page.locator(GALLERY).get_by_role("button", name="Random").click()  # another one
    found = f"[explorer.query != {third}, town.classes[town.labels[explorer.query]]]"
    kernel_becomes(page, found, [True, "fish"])
    shows(page, page.kernel("explorer.query"))

    slider = page.get_by_role("slider", name="neighbours")
    slider.focus()
    slider.press("ArrowRight")
    expect(tiles(page, "features")).to_have_count(11)
    expect(tiles(page, "pixels")).to_have_count(11)
    expect(row(page, "features").locator(".cw-rows-told")).to_contain_text("Precision at 11")
    kernel_becomes(page, "explorer.rows.k", 11)

    n_cells = page.n_cells
    for selector in (f"{ROWS} >> [role=listbox] >> nth=0", f"{GALLERY} >> [role=listbox]"):
        page.locator(selector).focus()
        for key in "ddx":  # delete the cell, or cut it
            page.keyboard.press(key)
    assert page.n_cells == n_cells
    page.get_by_role("listbox", name="Pixel space").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    second = numbers(page, "pixels")[1]
    page.keyboard.press("Enter")
    shows(page, second)
    no_errors(page)


def test_distance_layer_and_random_network(notebook):
    page = open_explorer(notebook, "choices")
    page.get_by_role("button", name="cosine").click()
    kernel_becomes(page, "explorer.control.metric", "cosine")
    expect(row(page, "features").locator(".cw-rows-head")).to_contain_text("distance cosine")
    expect(row(page, "pixels").locator(".cw-rows-told")).to_contain_text("over all 120")
    shows(page, 5)
    page.locator(".cw-layers-menu").select_option("conv3")
    expect(row(page, "features").locator(".cw-rows-head")).to_contain_text(
        "conv3, mean of each map · 96 numbers"
    )
    expect(row(page, "features").locator(".cw-rows-told")).to_contain_text("over all 120")
    shows(page, 5)
    assert row(page, "random").count() == 0
    page.get_by_role("checkbox", name="random network").check()
    expect(row(page, "random").locator(".cw-rows-told")).to_contain_text("over all 120")
    expect(tiles(page, "random")).to_have_count(10)
    page.get_by_role("checkbox", name="random network").uncheck()
    expect(row(page, "random")).to_have_count(0)
    no_errors(page)


def test_a_photograph_of_ones_own(notebook):
    page = open_explorer(notebook, "own")
    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), "orange").save(buffer, "PNG")
    file = {"name": "sunset.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    page.locator(GALLERY).locator("input[type=file]").set_input_files(file)
    expect(page.locator(ROWS).locator(".cw-rows-asked figcaption")).to_have_text("sunset.png")
    kernel_becomes(page, "[explorer.query, len(explorer.neighbours)]", [-1, 2])
    expect(row(page, "features").locator(".cw-rows-told")).to_contain_text("class is not known")
    expect(page.locator(ROWS).locator(".cw-rows-badge")).to_have_count(0)
    broken = {"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.locator(GALLERY).locator("input[type=file]").set_input_files(broken)
    expect(page.locator(GALLERY).locator(".cw-error")).to_contain_text("not a picture")
    tiles(page, "features").first.click()
    expect(page.locator(GALLERY).locator(".cw-error")).to_be_visible()
    page.get_by_role("button", name="Dismiss the error").first.click()
    page.locator(GALLERY).get_by_label("show").select_option("asked before")
    expect(page.locator(GALLERY).locator(".cw-rows-tile")).to_have_count(3)
    page.locator(GALLERY).get_by_role("option", name="sunset").click()
    kernel_becomes(page, "explorer.query", -1)
    no_errors(page)


def test_interrupted_run_again_and_closed(notebook):
    page = open_explorer(notebook, "again", more=SLOWLY)
    page.kernel("globals().update(hold=True)")
    page.locator(".cw-layers-menu").select_option("conv2")
    expect(row(page, "features").locator(".cw-rows-wait")).to_have_text(re.compile("computing"))
    page.evaluate(INTERRUPT)
    page.locator(GALLERY).locator("[data-number='7']").click()  # answered in the meantime
    kernel_becomes(page, "sorted(explorer.neighbours)", ["pixels"])
    page.kernel("globals().update(hold=False)")
    expect(row(page, "features").locator(".cw-rows-told")).to_contain_text("over all 120")
    shows(page, 7)
    widgets = page.kernel(WIDGETS)
    page.locator(".cw-layers-menu").select_option("conv1")  # in which the cell runs again
    for _ in range(2):
        page.run_cell(0)
        tiles(page, "pixels").first.wait_for()
        kernel_becomes(page, WIDGETS, widgets)
        expect(page.locator(".cw-explorer")).to_have_count(1)
    page.kernel("explorer.close()")
    expect(page.locator(".cw-rows")).to_have_count(0)
    found = "sum(type(each).__name__ == 'PictureSet' for each in __import__('gc').get_objects())"
    kernel_becomes(page, collected(f"[{WIDGETS}, {found}]"), [0, 0])
    no_errors(page)


def test_two_explorers_share_a_selection(notebook):
    more = """
import cnnwidgets as cw
"""
    page = notebook(
        "retrieval-shared",
        [
            more
            + EXPLORE.replace(
                "explorer = ", "selection = cw.explorers.Selection('toynet')\nexplorer = "
            ).replace("images=town, query=5", "images=town, query=5, selection=selection"),
            "other = cw.explorers.CamExplorer(selection=selection)\nother",
        ],
    )
    tiles(page, "features").first.wait_for()
    page.locator(GALLERY).locator("[data-number='8']").click()
    expect(page.locator(".cw-heat-title")).to_contain_text(page.kernel("town.classes[town.labels[8]]"))
    page.locator(".cw-images-tile").nth(2).click()  # the other explorer's gallery
    kernel_becomes(page, "explorer.query", -1, 30)
    no_errors(page)
