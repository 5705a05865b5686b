"""Images that grow in a real JupyterLab, driven as a student would."""

import io
import time

from notebook_page import becomes, kernel_becomes, no_errors
from PIL import Image
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.AscentExplorer("toynet", classes={classes!r}, n_steps={n_steps})
explorer
"""
UNITS = """
import cnnwidgets as cw
patches = cw.explorers.PatchExplorer("toynet", layer="conv2")
patches.selection.channel = 3
explorer = cw.explorers.AscentExplorer(selection=patches.selection, n_steps=8)
patches
"""
IMAGE = ".cw-steps-canvas >> nth=0"
IS_SEEN = "() => document.querySelector('.cw-steps-canvas')?.checkVisibility()"
LONG = 100_000


def open_explorer(notebook, name, classes="cat", n_steps=LONG):
    page = notebook(name, [EXPLORE.format(classes=classes, n_steps=n_steps)])
    expect(page.locator(".cw-steps-message").first).to_have_text("press play")
    return page


def button(page, name):
    return page.locator(".cw-explorer").get_by_role("button", name=name, exact=True)


def test_play_watch_pause_walk_back_and_save(notebook):
    page = open_explorer(notebook, "play")
    began = time.monotonic()
    button(page, "Play").click()
    page.wait_for_function(IS_SEEN)  # asked in every frame
    assert time.monotonic() - began < 3  # a second where nothing else is at work
    before = page.fingerprint(IMAGE)
    before = page.wait_for_new_pixels(IMAGE, before)
    page.wait_for_new_pixels(IMAGE, before)
    assert page.kernel("6 * 7") == 42
    kernel_becomes(page, "explorer.ascent.number > 12")
    expect(page.locator(".cw-steps-caption").first).to_contain_text("seen as cat")
    button(page, "Pause").click()
    kernel_becomes(page, "explorer.control.running", False)
    place = page.locator(".cw-steps-place").first
    becomes(page, lambda: place.inner_text() == f"step {page.kernel('explorer.ascent.number')}")
    number = page.kernel("explorer.ascent.number")
    expect(page.locator(".cw-run-facts")).to_contain_text(f"step {number} · paused")
    now = page.fingerprint(IMAGE)
    page.get_by_role("slider", name="Step").first.press("Home")
    page.wait_for_new_pixels(IMAGE, now)
    expect(place).to_have_text("step 0")
    button(page, "newest").click()
    expect(place).to_have_text(f"step {number}")
    button(page, "best").click()
    expect(place).to_have_text("best")
    with page.expect_download() as download:
        button(page, "save").click()
    saved = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert saved.size == (96, 96) and download.value.suggested_filename == "toynet cat best.png"
    button(page, "Step").click()
    kernel_becomes(page, "explorer.ascent.number", number + 1)
    no_errors(page)


def test_sliders_act_while_it_runs_and_two_settings_are_compared(notebook):
    page = open_explorer(notebook, "sliders")
    button(page, "Play").click()
    kernel_becomes(page, "explorer.ascent is not None and explorer.ascent.number > 3")
    control = page.locator(".cw-ascent").first
    control.get_by_role("slider", name="decay").press("End")
    kernel_becomes(page, "explorer.ascent.regularisers[0].theta", 0.2)
    expect(control.locator(".cw-ascent-told")).to_have_text("Settings of your own.")
    button(page, "none (noise)").first.click()
    kernel_becomes(page, "len(explorer.ascent.regularisers + explorer.ascent.transforms)", 0)
    kernel_becomes(page, "explorer.control.running", True)
    page.get_by_label("compare two settings").check()
    expect(page.locator(".cw-steps:visible")).to_have_count(2)
    kernel_becomes(page, "min((each.number for each in explorer.ascents), default=0) > 2")
    expect(page.locator(".cw-steps:visible .cw-title")).to_have_text(["A", "B"])
    button(page, "Pause").click()
    kernel_becomes(page, "explorer.control.running", False)
    kernel_becomes(page, "explorer.ascents[0].number == explorer.ascents[1].number", True)
    no_errors(page)


def test_all_classes_at_once(notebook):
    page = open_explorer(notebook, "classes", n_steps=12)
    button(page, "all 12").click()
    expect(page.locator(".cw-steps-message").first).to_be_visible()
    button(page, "Play").click()
    expect(page.locator(".cw-steps-tile:visible")).to_have_count(12)
    kernel_becomes(page, "explorer.control.done", 12, seconds=120)
    expect(page.locator(".cw-steps-place").first).to_have_text("step 12")

    def n_seen_as_named():
        captions = page.locator(".cw-steps-caption").all_inner_texts()
        names = page.locator(".cw-steps-name").all_inner_texts()
        seen = [caption.partition("\n")[2].split("\n")[0].rpartition(" ")[0] for caption in captions[:12]]
        return sum(name == one for name, one in zip(names, seen, strict=False))

    becomes(page, lambda: n_seen_as_named() >= 11)
    no_errors(page)


def test_a_unit_chosen_elsewhere_beside_its_nine_patches(notebook):
    page = notebook("unit", [UNITS, "explorer"])
    second = page.cell(1)
    expect(second.locator(".cw-rows-tile:visible")).to_have_count(9)
    second.get_by_role("button", name="Play").click()
    kernel_becomes(page, "explorer.control.done", 8)
    expect(second.locator(".cw-steps-name").first).to_have_text("conv2 · channel 3")
    page.cell(0).get_by_role("button", name="Next channel").click()
    expect(second.locator(".cw-steps-name").first).to_have_text("conv2 · channel 4")
    state = "[session and session.climb.channel, explorer.control.done, explorer.control.running]"
    kernel_becomes(page, f"(lambda session: {state})(explorer._session)", [4, 8, False])
    no_errors(page)


def test_running_the_cell_again_frees_everything(notebook):
    page = open_explorer(notebook, "again")
    widgets = "len(__import__('ipywidgets').widgets.widget._instances)"
    button(page, "Play").click()
    kernel_becomes(page, "explorer.ascent is not None and explorer.ascent.number > 2")
    kernel_becomes(page, "explorer.curve.figure.reacts")
    before = page.kernel(widgets)
    page.run_cell(0)
    kernel_becomes(page, "explorer.curve.figure.reacts")
    expect(page.locator(".cw-steps-message").first).to_have_text("press play")
    kernel_becomes(page, f"{widgets} <= {before}", True)
    kernel_becomes(
        page, "sum(each.name.startswith('Thread') for each in __import__('threading').enumerate()) < 9"
    )
    # what the browser was about to say to the widgets that were closed is no error
    assert [error for error in page.kernel_errors if "No such comm" not in error] == []
    assert page.errors == []
