"""The patches of a unit in a real JupyterLab, driven as a student would, scans of one's own included."""

import io
import os
import re
import statistics

import pytest
from notebook_page import becomes, kernel_becomes, no_errors
from PIL import Image
from playwright.sync_api import expect

import cnnwidgets as cw

EXPLORE = """
import time
import cnnwidgets as cw
explorer = cw.explorers.PatchExplorer("toynet", layer="conv5")

# A scan that is held waits once its first results are shown, until the test lets it go on or ends it.
hold = False
def slowly(done, total, control=explorer.scan, progress=explorer.scan.progress):
    progress(done, total)
    while hold and control.source.startswith("the first") and control.running and not control.stopping:
        time.sleep(0.02)
explorer.scan.progress = slowly
explorer
"""
SLIDER, FIRST, WHOLE = ".cw-slider-strip", ".cw-patch-pixels >> nth=0", ".cw-patches-whole"
SOURCE, MESSAGE, FACTS = ".cw-scan-source", ".cw-scan-message", ".cw-scan-facts"
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """600 picture files, one of them broken."""
    folder = tmp_path_factory.mktemp("holidays")
    town = cw.data.Toytown("transfer", length=40)
    for i in range(len(town)):
        Image.fromarray(town[i].image).save(folder / f"{i:02}-00.png")
        for copy in range(1, 15):
            os.link(folder / f"{i:02}-00.png", folder / f"{i:02}-{copy:02}.png")
    (folder / "10-03.png").unlink()
    (folder / "10-03.png").write_bytes(b"no picture")
    return folder


def open_explorer(notebook, name, code=EXPLORE):
    page = notebook(name, [code])
    page.locator(".cw-patch").first.wait_for()
    page.wait_for_function("() => document.querySelector('.cw-patch-pixels').width > 20")
    page.wait_for_function("() => cwPaint.colours(document.querySelector('.cw-patch-pixels')) > 1")
    return page


def scan(page, path):
    page.get_by_role("textbox", name="Path of a folder").fill(str(path))
    page.keyboard.press("Enter")


def hold(page, is_held=True):
    """Let a scan stay where its first results are shown, or go on."""
    page.kernel(f"globals().update(hold={is_held})")


def test_hovering_shows_the_whole_picture_without_asking_the_kernel(notebook):
    page = open_explorer(notebook, "hover")
    comms = page.hear_comms()
    whole = page.settled(WHOLE)
    sources = set()
    for i in (4, 8, 2):
        page.locator(".cw-patch").nth(i).hover()
        whole = page.wait_for_new_pixels(WHOLE, whole)
        sources.add(page.locator(".cw-patches-source").inner_text())
    assert len(sources) == 3 and all(re.fullmatch(r"test \d+ · cat", source) for source in sources)
    page.wait_for_timeout(300)
    assert comms() == []
    no_errors(page)


def test_a_click_lays_the_activation_map_over_the_picture(notebook):
    page = open_explorer(notebook, "click")
    page.locator(".cw-patch").nth(2).hover()
    plain = page.settled(WHOLE)
    page.locator(".cw-patch").nth(2).click()
    kernel_becomes(page, "[explorer.grid.chosen, explorer.grid._map_of]", [2, 2])
    page.wait_for_new_pixels(WHOLE, plain)
    value = page.kernel("float(explorer.grid.values[2])")
    row, column = page.kernel(
        "list(explorer.patches['conv5', explorer.selection.channel].strongest[2].position)"
    )
    reading = page.locator(".cw-patches-reading")
    expect(reading).to_contain_text(f"row {row}, column {column} · {value:.1f}")
    mapped = page.settled(WHOLE)
    page.locator(".cw-patch").nth(2).click()  # and once more takes it away
    kernel_becomes(page, "explorer.grid.chosen", None)
    page.wait_for_new_pixels(WHOLE, mapped)
    no_errors(page)


def test_the_slider_changes_the_patches_soon(notebook):
    """From the key to painted pixels."""
    page = open_explorer(notebook, "slider")
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    kernel_becomes(page, "explorer.selection.channel", 0)
    page.settled(FIRST)
    times = []
    for channel in range(1, 13):
        page.locator(".cw-patch-pixels").first.evaluate("canvas => cwPaint.arm(canvas, 'keydown')")
        page.keyboard.press("ArrowRight")
        answer = page.evaluate("() => cwPaint.armed")
        if answer is not None:
            times.append(answer["ms"])
        kernel_becomes(
            page, "[explorer.selection.channel, explorer.grid.title]", [channel, f"conv5 · channel {channel}"]
        )
        page.settled(FIRST)
    assert len(times) >= 10
    print(f"channel to new patches: median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms")
    assert statistics.median(times) < 800
    no_errors(page)


def test_dragging_ends_where_the_hand_ends(notebook):
    page = open_explorer(notebook, "drag")
    page.locator(SLIDER).scroll_into_view_if_needed()  # once it keeps its place
    box = page.locator(SLIDER).bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 20)
    page.mouse.down()
    for share in (0.9, 0.1, 0.7, 0.35):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + 20, steps=20)
    page.mouse.up()
    last = int(page.locator(SLIDER).get_attribute("aria-valuenow"))
    kernel_becomes(
        page, "[explorer.selection.channel, explorer.grid.title]", [last, f"conv5 · channel {last}"]
    )
    page.wait_for_timeout(500)  # nothing late pulls it back
    assert int(page.locator(SLIDER).get_attribute("aria-valuenow")) == last
    unit = f"explorer.patches['conv5', {last}].strongest"
    kernel_becomes(
        page,
        f"[round(p.value, 3) for p in {unit}] == [round(float(v), 3) for v in explorer.grid.values]",
        True,
    )
    no_errors(page)


def test_weakest_and_random_patches(notebook):
    page = open_explorer(notebook, "views")
    pixels = page.settled(FIRST)
    for name, which in (
        ("weakest that fire", "weakest"),
        ("random that fire", "sample"),
        ("strongest", "strongest"),
    ):
        page.get_by_role("button", name=name, exact=True).click()
        pixels = page.wait_for_new_pixels(FIRST, pixels)
        kernel_becomes(page, "explorer.grid.which", which)
        expected = page.kernel(
            f"explorer.patches['conv5', explorer.selection.channel].patches('{which}')[0].value"
        )
        page.wait_for_function(
            "value => Math.abs(document.querySelector('.cw-patch-value').textContent - value) < 0.06 * value",
            arg=expected,
        )
    for i in range(15):  # in a hurry
        page.locator("[data-which]").nth(i % 3).click(delay=0)
    kernel_becomes(page, "explorer.grid.which", "sample")
    expect(page.locator("[data-which=sample]")).to_have_attribute("aria-pressed", "true")
    sample = "explorer.patches['conv5', explorer.selection.channel].sample"
    kernel_becomes(page, f"[p.source for p in {sample}] == [p.source for p in explorer.grid._drawn]", True)
    no_errors(page)


def test_another_layer_and_units_found_by_their_part(notebook):
    page = open_explorer(notebook, "parts")
    page.locator(".cw-layers-menu").select_option("conv2")
    kernel_becomes(page, "explorer.grid.title.split()[0]", "conv2")
    messages = page.watch_text(".cw-search-message")
    page.locator(".cw-search-menu").select_option("window")
    becomes(page, lambda: any("measuring all units" in message for message in messages()))
    hits = page.locator(".cw-search-hit")
    hits.first.wait_for(timeout=60_000)
    pixels = page.settled(FIRST)
    hits.nth(1).click()
    page.wait_for_new_pixels(FIRST, pixels)
    layer, channel = page.locator(".cw-search-unit").nth(1).inner_text().split(" · ")
    kernel_becomes(page, "[explorer.selection.layer, explorer.selection.channel]", [layer, int(channel)])
    expect(page.locator(SLIDER)).to_have_attribute("aria-valuenow", channel)
    expect(page.locator(".cw-patches .cw-title").first).to_have_text(f"{layer} · channel {channel}")
    expect(page.locator(".cw-layers-menu")).to_have_value(layer)
    expect(hits.nth(1)).to_have_attribute("aria-selected", "true")
    no_errors(page)


def test_a_scan_of_ones_own_folder_with_a_broken_file_and_back(notebook, folder):
    page = open_explorer(notebook, "scan")
    pixels = page.settled(FIRST)
    hold(page)
    scan(page, folder)
    expect(page.locator(FACTS)).to_contain_text(re.compile(r"of 600 · [\d.,]+ images/s"))
    expect(page.locator(SOURCE)).to_contain_text(re.compile(r"the first \d+ of 600 pictures in"))
    pixels = page.wait_for_new_pixels(FIRST, pixels)  # early results
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")  # and the explorer can be used meanwhile
    page.wait_for_new_pixels(FIRST, pixels)
    kernel_becomes(page, "explorer.selection.channel", 0)
    hold(page, False)
    expect(page.locator(MESSAGE)).to_have_text("1 could not be read: 10-03.png", timeout=60_000)
    expect(page.locator(SOURCE)).to_have_text(f"599 of 600 pictures in {folder}")
    kernel_becomes(page, "[explorer.patches.n_images, explorer.scan.running]", [599, False])
    expect(page.locator(".cw-patches-source")).to_have_text(re.compile(r"\d\d-\d\d\.png"))
    page.get_by_role("button", name="Back to 5,000 Toytown pictures").click()
    expect(page.locator(SOURCE)).to_have_text("5,000 Toytown pictures")
    expect(page.locator(".cw-patches-source")).to_have_text(re.compile(r"test \d+ · \w+"))
    kernel_becomes(page, "[explorer.patches.n_images, explorer.selection.channel]", [5000, 0])
    no_errors(page)


def test_a_stop_keeps_what_was_found(notebook, folder):
    page = open_explorer(notebook, "stop")
    hold(page)
    scan(page, folder)
    expect(page.locator(SOURCE)).to_contain_text("the first")
    page.locator(".cw-scan-stop").click()
    expect(page.locator(MESSAGE)).to_contain_text(re.compile(r"stopped after \d+ of 600"))
    kernel_becomes(page, "explorer.scan.running", False)
    n = page.kernel("explorer.patches.n_images")
    assert 0 < n < 600
    expect(page.locator(SOURCE)).to_have_text(f"{n} of 600 pictures in {folder}")
    assert page.kernel("6 * 7") == 42
    pixels = page.settled(FIRST)
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    page.wait_for_new_pixels(FIRST, pixels)
    assert page.kernel("explorer.patches.n_images") == n
    no_errors(page)


def test_clicks_and_views_in_a_hurry_while_a_scan_runs(notebook, folder):
    page = open_explorer(notebook, "hurry")
    hold(page)
    scan(page, folder)
    expect(page.locator(SOURCE)).to_contain_text("the first")
    hold(page, False)
    for i in range(12):
        page.locator(".cw-patch").nth(i % 5).click()
        page.locator("[data-which]").nth(i % 3).click()
        page.keyboard.press("Tab")
        page.locator(SLIDER).press("ArrowRight")
        if i % 4 == 3:
            page.locator(".cw-layers-menu").select_option(("conv3", "fc7", "conv4")[i // 4])
    page.locator("[data-which=strongest]").click()
    kernel_becomes(page, "explorer.scan.running", False, seconds=120)
    kernel_becomes(page, "[explorer.grid.which, explorer.selection.layer]", ["strongest", "conv4"])
    shown = "[round(float(v), 3) for v in explorer.grid.values]"
    unit = "explorer.patches['conv4', explorer.selection.channel]"
    kernel_becomes(page, f"{shown} == [round(p.value, 3) for p in {unit}.strongest]", True)
    page.locator(".cw-patch").nth(1).click()
    kernel_becomes(page, "[explorer.grid.chosen, explorer.grid._map_of]", [1, 1])
    no_errors(page)


def test_a_folder_that_is_not_there_is_a_clear_error(notebook, tmp_path):
    page = open_explorer(notebook, "missing")
    scan(page, tmp_path / "nowhere")
    error = page.locator(".cw-scan .cw-error")
    expect(error).to_contain_text("nowhere' does not exist")
    kernel_becomes(page, "explorer.scan.running", False)
    scan(page, tmp_path)
    expect(error).to_contain_text("has no picture files")
    expect(page.locator(SOURCE)).to_have_text("5,000 Toytown pictures")
    expect(page.get_by_role("button", name="Scan", exact=True)).to_be_enabled()
    error.get_by_role("button").click()
    expect(error).to_be_hidden()
    assert page.errors == [] and not [
        text for text in page.kernel_errors if "does not exist" not in text and "no picture files" not in text
    ]


def test_pictures_from_the_browser(notebook):
    page = open_explorer(notebook, "upload")
    town, files = cw.data.Toytown("transfer"), []
    for i in range(5):
        buffer = io.BytesIO()
        Image.fromarray(town[i].image).save(buffer, "PNG")
        files.append({"name": f"my-{i}.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    page.locator(".cw-scan input[type=file]").set_input_files(files)
    expect(page.locator(SOURCE)).to_have_text("5 pictures of yours")
    expect(page.locator(".cw-patches-source")).to_have_text(re.compile(r"my-\d\.png"))
    expect(page.locator(".cw-patch:visible")).to_have_count(5)
    no_errors(page)


def test_another_network_while_a_scan_runs(notebook, folder):
    page = open_explorer(notebook, "network")
    hold(page)
    scan(page, folder)
    expect(page.locator(SOURCE)).to_contain_text("the first")
    page.kernel("explorer.selection.set_trait('network', 'toynet-gap')")
    expect(page.locator(SOURCE)).to_have_text("5,000 Toytown pictures")
    expect(page.get_by_role("button", name="Scan", exact=True)).to_be_visible()
    expect(page.locator(".cw-explorer")).to_contain_text("toynet-gap")
    page.wait_for_timeout(800)
    assert page.kernel("[explorer.scan.running, explorer.patches.n_images]") == [False, 5000]
    no_errors(page)


def test_running_the_cell_again_ends_the_one_before_also_in_a_scan(notebook, folder):
    page = open_explorer(notebook, "again")
    page.run_cell(0)
    widgets = page.kernel(WIDGETS)
    for _ in range(4):
        hold(page)
        scan(page, folder)
        expect(page.locator(SOURCE)).to_contain_text("the first")
        page.run_cell(0)
        page.locator(".cw-patch").first.wait_for()
        kernel_becomes(page, WIDGETS, widgets)
        expect(page.locator(".cw-explorer")).to_have_count(1)
    expect(page.locator(SOURCE)).to_have_text("5,000 Toytown pictures")
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    kernel_becomes(page, "explorer.grid.title", "conv5 · channel 0")
    no_errors(page)


def test_closing_takes_everything_away(notebook):
    page = open_explorer(notebook, "close")
    page.kernel("explorer.close()")
    expect(page.locator(".cw-patch:visible")).to_have_count(0)
    kernel_becomes(page, WIDGETS, 0)
    assert page.kernel("[explorer.patches is None, explorer.selection is None]") == [True, True]
    no_errors(page)
