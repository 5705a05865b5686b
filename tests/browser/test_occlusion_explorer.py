"""The square and its maps in a real JupyterLab, driven as a student would."""

import re

import numpy as np
import pytest
from notebook_page import becomes, collected, kernel_becomes
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.OcclusionExplorer("toynet", image=cw.samples("toytown cat"))
explorer
"""
SQUARE, CAPTION, PLACE = ".cw-occluded-canvas", ".cw-occluded-caption", ".cw-occluded-place"
HEAT, BARS, SLIDER = ".cw-heat-canvas", ".cw-classes-list >> nth=0", ".cw-occlusion-slider"
CURVES = ".cw-live-figure .jupyter-matplotlib-canvas-div"
MESSAGE = ".cw-occlusion-message"
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"
EDGE = 4  # CSS pixels around the picture, for the outline
WHERE = "[explorer.square.row, explorer.square.column]"

# What the network says of the picture with a square of grey, by hand.
BY_HAND = """
def by_hand(row, column, size):
    import torch
    network, image = explorer.selection.network, explorer.selection.image
    x = network.read(image)
    grey = network.preprocess.normalise(torch.full((3, 1, 1), 0.5))
    top, left = max(row - (size - 1) // 2, 0), max(column - (size - 1) // 2, 0)
    x[0, :, top : row + size // 2 + 1, left : column + size // 2 + 1] = grey
    return network.probabilities(x)[0].tolist()
"""


def open_explorer(notebook, name, app="lab", wait=True):
    page = notebook(f"occlusion-{name}", [EXPLORE + BY_HAND.replace("\n\n", "\n") + "\nexplorer"], app=app)
    page.locator(SQUARE).wait_for()
    page.wait_for_function("s => cwPaint.colours(document.querySelector(s)) > 1", arg=SQUARE)
    if wait:
        maps_are_complete(page)
    return page


def maps_are_complete(page, seconds=120):
    state = "[explorer.control.running, bool(explorer.probability.known.all())]"
    kernel_becomes(page, state, [False, True], seconds)


def no_errors(page, closed=()):
    """ipympl thanks for each drawing, also after its canvas was closed: that is no error of ours."""
    assert page.locator(".cw-error:not([hidden])").all_inner_texts() == []
    thanks = {f"No such comm: {canvas}" for canvas in closed}
    assert [error for error in page.kernel_errors if error.strip() not in thanks] == []
    assert page.errors == []


def move(page, row, column, **options):
    """The mouse to the middle of a pixel of the picture of 96 x 96."""
    box = page.locator(SQUARE).bounding_box()
    scale = (box["width"] - 2 * EDGE) / 96
    page.mouse.move(
        box["x"] + EDGE + (column + 0.5) * scale, box["y"] + EDGE + (row + 0.5) * scale, **options
    )


def shown_bars(page):
    """Share of each class as the browser shows it, in percent."""
    return dict(
        page.locator(BARS)
        .locator("[role=option]")
        .evaluate_all(
            "all => all.map((el) => [el.dataset.index, el.querySelector('.cw-classes-percent').innerText])"
        )
    )


def bars_become(page, row, column, size=24):
    """The bars of the browser show what the network says of the picture with the square."""
    truth = page.kernel(f"by_hand({row}, {column}, {size})")
    best = int(np.argmax(truth))
    target = page.kernel("explorer.classes.target")
    percent = f"{100 * truth[best]:.1f} %"
    expect(page.locator(f"{BARS} >> [data-index='{best}'] >> .cw-classes-percent")).to_have_text(percent)
    caption = page.locator(CAPTION)
    expect(caption).to_contain_text(re.compile(rf"→ {100 * truth[target]:.1f}%"))
    return truth


def test_the_square_is_dragged_and_bars_and_caption_follow(notebook):
    page = open_explorer(notebook, "drag")
    page.locator(SQUARE).scroll_into_view_if_needed()
    whole = shown_bars(page)
    move(page, 48, 80)
    page.mouse.down()
    seen = set()
    for row, column in ((40, 60), (44, 40), (40, 32), (46, 30)):
        move(page, row, column, steps=6)
        bars_become(page, row, column)
        expect(page.locator(PLACE)).to_contain_text(f"square at row {row}, column {column}")
        kernel_becomes(page, WHERE, [row, column])
        seen.add(page.locator(CAPTION).inner_text())
    assert len(seen) == 4 and shown_bars(page) != whole
    page.mouse.up()
    kernel_becomes(page, "explorer.square.dragging", False)
    page.wait_for_timeout(500)  # nothing late pulls it back
    assert page.kernel(WHERE) == [46, 30]
    bars_become(page, 46, 30)
    page.get_by_role("button", name="unoccluded").click()
    expect(page.locator(CAPTION)).to_have_text(re.compile(r"cat: \d+\.\d% without a square"))
    kernel_becomes(page, "explorer.square.active", False)
    truth = page.kernel(
        "explorer.selection.network.probabilities("
        "explorer.selection.network.read(explorer.selection.image))[0].tolist()"
    )
    best = int(np.argmax(truth))
    becomes(page, lambda: shown_bars(page)[str(best)], f"{100 * truth[best]:.1f} %")
    no_errors(page)


def test_dragging_while_the_maps_are_computed(notebook):
    """The maps are told in the thread of the cells, the square in that of the browser's messages."""
    page = open_explorer(notebook, "busy", wait=False)
    page.locator(SQUARE).scroll_into_view_if_needed()
    places = [(30 + 7 * i % 40, 20 + 11 * i % 60) for i in range(8)]
    for turn, (row, column) in enumerate(places):
        if turn % 2:  # begins anew, from the browser; on even turns from a cell
            page.get_by_role("group", name="stride").get_by_role("button").nth(turn // 2 % 3).click()
        else:
            page.kernel(f"explorer.control.set_trait('size', {20 + turn})")
        move(page, row + 8, column)
        page.mouse.down()
        for step in range(8):
            move(page, row + 8 - step, column)
        move(page, row, column)
        page.mouse.up()
        bars_become(page, row, column, page.kernel("explorer.control.size"))
        kernel_becomes(page, WHERE, [row, column])
    page.get_by_role("group", name="stride").get_by_role("button", name="8", exact=True).click()
    kernel_becomes(page, "[explorer.control.stride, *explorer.probability.map_size]", [8, 12, 12])
    maps_are_complete(page)
    for row, column in ((1, 5), (6, 4)):
        at = page.kernel(f"[int(explorer.probability.centres[i][j]) for i, j in ((0, {row}), (1, {column}))]")
        truth = page.kernel(f"by_hand({at[0]}, {at[1]}, explorer.control.size)")
        found = page.kernel(f"float(explorer.probability.values[{row}, {column}])")
        assert found == pytest.approx(truth[page.kernel("explorer.classes.target")], abs=1e-4)
    no_errors(page)


def test_the_maps_begin_anew_when_the_size_changes(notebook):
    page = open_explorer(notebook, "size")
    before = page.fingerprint(f"{HEAT} >> nth=0")
    square = page.fingerprint(SQUARE)
    page.locator(SLIDER).focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.wait_for_new_pixels(SQUARE, square)
    page.wait_for_new_pixels(f"{HEAT} >> nth=0", before)
    kernel_becomes(page, "[explorer.control.size, list(explorer.square.size)]", [34, [34, 34]])
    maps_are_complete(page)
    expect(page.locator(MESSAGE)).to_contain_text("s")
    row, column = page.kernel(WHERE)
    bars_become(page, row, column, 34)
    kernel_becomes(
        page,
        "abs(float(explorer.probability.values[12, 8]) - by_hand("
        "int(explorer.probability.centres[0][12]), int(explorer.probability.centres[1][8]), 34)"
        "[explorer.classes.target]) < 1e-4",
    )
    no_errors(page)


def test_stop_and_run(notebook):
    page = open_explorer(notebook, "stop")
    page.get_by_role("group", name="stride").get_by_role("button", name="1", exact=True).click()
    stop = page.locator(".cw-occlusion-stop")
    expect(stop).to_be_visible()
    expect(page.locator(".cw-heat").first).to_contain_text(re.compile(r"[1-9][\d,]* of 9,216 positions"))
    stop.click()
    expect(page.locator(MESSAGE)).to_have_text(re.compile(r"stopped after [\d,]+ of 9,216"))
    n = int(re.search(r"after ([\d,]+)", page.locator(MESSAGE).inner_text())[1].replace(",", ""))
    kernel_becomes(page, "int(explorer.probability.known.sum())", n)
    expect(page.locator(".cw-heat").first).to_contain_text(f"{n:,} of 9,216 positions")
    page.get_by_role("group", name="stride").get_by_role("button", name="16", exact=True).click()
    kernel_becomes(page, "list(explorer.probability.map_size)", [6, 6])
    maps_are_complete(page)
    expect(page.locator(MESSAGE)).to_contain_text(re.compile(r"\d s$"))
    no_errors(page)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_click_on_a_map_moves_the_square(notebook, app):
    page = open_explorer(notebook, f"click-{app}", app=app)
    heat = page.locator(HEAT).first
    heat.scroll_into_view_if_needed()
    box = heat.bounding_box()
    square = page.fingerprint(SQUARE)
    heat.click(position={"x": box["width"] * 0.3, "y": box["height"] * 0.6})
    page.wait_for_new_pixels(SQUARE, square)
    kernel_becomes(page, f"abs({WHERE}[0] - 0.6 * 96) < 5 and abs({WHERE}[1] - 0.3 * 96) < 5", True)
    kernel_becomes(page, f"list(explorer.probability.chosen_pixel) == {WHERE}", True)
    row, column = page.kernel(WHERE)
    bars_become(page, row, column)
    expect(page.locator(PLACE)).to_contain_text(f"square at row {row}, column {column}")
    no_errors(page)


def test_a_click_on_a_curve_moves_the_square_along_it(notebook):
    page = open_explorer(notebook, "curve")
    page.locator(SQUARE).scroll_into_view_if_needed()
    move(page, 40, 70)
    page.mouse.down()
    page.mouse.up()
    kernel_becomes(page, WHERE, [40, 70])
    figure = page.locator(CURVES)
    figure.scroll_into_view_if_needed()
    kernel_becomes(page, "explorer.cuts.figure.reacts", True)
    nearest = "int(min(explorer.probability.centres[0], key=lambda row: abs(row - 40)))"
    title = "explorer.cuts.figure.figure.axes[0].get_title(loc='left')"
    kernel_becomes(page, f"{title} == f'along row {{{nearest}}}'", True)
    page.settled(f"{CURVES} canvas:first-of-type")
    # where column 30 is, from the left edge of the figure
    at = page.kernel("float(explorer.cuts.figure.figure.axes[0].transData.transform((30, 0.5))[0])")
    scale = page.kernel("float(explorer.cuts.figure.figure.bbox.width)") / figure.bounding_box()["width"]
    figure.click(position={"x": at / scale, "y": figure.bounding_box()["height"] / 2})
    kernel_becomes(page, f"abs({WHERE}[1] - 30) <= 1 and {WHERE}[0]", 40)
    row, column = page.kernel(WHERE)
    bars_become(page, row, column)
    expect(page.locator(PLACE)).to_contain_text(f"square at row {row}, column {column}")
    no_errors(page)


def test_another_class_and_another_picture(notebook):
    page = open_explorer(notebook, "classes")
    title = page.locator(".cw-heat-title").nth(1)
    second = page.locator(".cw-classes").nth(1)
    second.locator("[role=combobox]").fill("mush")
    page.keyboard.press("Enter")
    expect(title).to_have_text("mushroom")
    kernel_becomes(page, "explorer.second.target_name", "mushroom")
    page.locator(".cw-images-gallery [role=option]").nth(1).click()
    expect(page.locator(".cw-heat-title").first).to_have_text("bus")
    expect(title).to_have_text("mushroom")
    maps_are_complete(page)
    row, column = page.kernel(WHERE)
    bars_become(page, row, column)
    no_errors(page)


def test_with_the_keyboard(notebook):
    page = open_explorer(notebook, "keys")
    square = page.locator(SQUARE)
    square.focus()
    page.keyboard.press("Home")
    kernel_becomes(page, WHERE, [48, 48])
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    kernel_becomes(page, WHERE, [46, 39])
    bars_become(page, 46, 39)
    page.keyboard.press("Escape")
    kernel_becomes(page, "explorer.square.active", False)
    page.keyboard.press("ArrowRight")
    kernel_becomes(page, f"[explorer.square.active, *{WHERE}]", [True, 46, 40])
    heat = page.locator(HEAT).first
    heat.focus()
    page.keyboard.press("ArrowDown")
    kernel_becomes(page, f"{WHERE} == list(explorer.probability.chosen_pixel) and {WHERE}[0] > 46", True)

    n_cells = page.n_cells
    for selector in (SQUARE, f"{HEAT} >> nth=0", f"{HEAT} >> nth=3", BARS, SLIDER, CURVES):
        page.locator(selector).focus()
        for key in "ddx":  # delete the cell, or cut it
            page.keyboard.press(key)
    for button in ("Run", "16", "mean", "adaptive"):
        page.locator(".cw-occlusion").get_by_role("button", name=button, exact=True).focus()
        page.keyboard.press("d")
        page.keyboard.press("d")
    assert page.n_cells == n_cells and page.locator(SQUARE).is_visible()
    maps_are_complete(page)
    no_errors(page)


def test_running_the_cell_again_ends_the_one_before_also_in_its_work(notebook):
    page = open_explorer(notebook, "again")
    canvas, canvases = "explorer.cuts.figure._canvas.model_id", []
    kernel_becomes(page, "explorer.cuts.figure.reacts", True)
    canvases.append(page.kernel(canvas))
    page.run_cell(0)
    kernel_becomes(page, "explorer.cuts.figure.reacts", True)
    canvases.append(page.kernel(canvas))
    widgets = page.kernel(WIDGETS)
    for _ in range(4):
        page.get_by_role("group", name="stride").get_by_role("button", name="1", exact=True).click()
        expect(page.locator(".cw-occlusion-stop")).to_be_visible()
        page.run_cell(0)
        page.locator(SQUARE).wait_for()
        # the canvas of the curves comes a little later than the rest
        kernel_becomes(page, "explorer.cuts.figure.reacts", True)
        kernel_becomes(page, WIDGETS, widgets)
        canvases.append(page.kernel(canvas))
        expect(page.locator(".cw-explorer")).to_have_count(1)
    maps_are_complete(page)
    occluders = "sum(type(each).__name__ == 'Occluder' for each in __import__('gc').get_objects())"
    kernel_becomes(page, collected(occluders), 1)
    page.kernel("explorer.close()")
    expect(page.locator(SQUARE)).to_have_count(0)
    kernel_becomes(page, collected(f"[{WIDGETS}, {occluders}]"), [0, 0])
    no_errors(page, canvases)


def test_on_a_narrow_page(notebook):
    page = open_explorer(notebook, "narrow")
    page.page.set_viewport_size({"width": 700, "height": 900})
    output = page.locator(".jp-OutputArea-output").first
    fits = "el => [el.clientWidth < 700, el.scrollWidth - el.clientWidth <= 1]"
    becomes(page, lambda: output.evaluate(fits), [True, True], told="[narrow, nothing sticks out]")
    no_errors(page)


def test_works_in_notebook_7(notebook):
    page = open_explorer(notebook, "classic", app="notebook")
    page.locator(SQUARE).scroll_into_view_if_needed()
    move(page, 30, 30)
    page.mouse.down()
    move(page, 46, 32, steps=8)
    bars_become(page, 46, 32)
    page.mouse.up()
    page.locator(SQUARE).focus()
    page.keyboard.press("ArrowRight")
    kernel_becomes(page, WHERE, [46, 33])
    bars_become(page, 46, 33)
    no_errors(page)
