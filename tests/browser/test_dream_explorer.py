"""Dreams in a real JupyterLab, as a student makes them."""

import pytest
from notebook_page import at_rest, collected, kernel_becomes, no_errors
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.DreamExplorer("toynet")
explorer.control.size, explorer.control.octaves = 160, 2

pause = 0
def slowly(*args, progress=explorer.control.progress):
    __import__("time").sleep(pause)
    progress(*args)
explorer.control.progress = slowly
explorer
"""
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"
DREAM = ".cw-steps-canvas >> nth=1"


def open_explorer(notebook, name, app="lab"):
    page = notebook(f"dream-{name}", [EXPLORE], app=app)
    page.locator(".cw-steps-canvas").first.wait_for()
    return page


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_play_move_the_layer_pause_and_walk_back(notebook, app):
    page = open_explorer(notebook, f"play-{app}", app)
    page.kernel("globals().update(pause=0.05)")  # not over before it is looked at
    slider = page.get_by_role("slider", name="steps per octave")
    slider.focus()
    slider.press("End")
    button(page, "Play").click()
    before = page.locator(DREAM)
    before.wait_for()
    seen = page.fingerprint(DREAM)
    seen = page.wait_for_new_pixels(DREAM, seen)
    page.wait_for_new_pixels(DREAM, seen)
    page.get_by_role("slider", name="layer").press("Home")  # while it runs
    kernel_becomes(page, "explorer._begun.wanted.layer", "conv1")
    expect(page.locator(".cw-steps-place")).to_contain_text("conv1, octave 1 of 2")
    button(page, "Pause").click()
    kernel_becomes(page, "explorer.control.paused", True)
    expect(page.locator(".cw-dream-facts")).to_contain_text("paused")
    number = at_rest(page, lambda: page.kernel("explorer._look.number"))
    button(page, "One step").click()
    kernel_becomes(page, "explorer._look.number", number + 1)
    n_cells = page.n_cells
    for selector in (".cw-dream-layer", ".cw-steps-pictures"):
        page.locator(selector).focus()
        for key in "ddx":  # delete the cell, or cut it
            page.keyboard.press(key)
    assert page.n_cells == n_cells
    now = page.fingerprint(DREAM)
    page.get_by_role("slider", name="Step", exact=True).press("Home")  # in the browser alone
    page.wait_for_new_pixels(DREAM, now)
    expect(page.locator(".cw-steps-place")).to_contain_text("step 0")
    button(page, "Stop").click()
    kernel_becomes(page, "explorer.control.running", False)
    expect(page.locator(".cw-dream-message")).to_contain_text("stopped after")
    no_errors(page)


def test_another_picture_wiped_and_saved(notebook):
    page = open_explorer(notebook, "wipe")
    page.locator(".cw-images-tile").nth(3).click()
    button(page, "Play").click()
    expect(page.locator(".cw-dream-message")).to_contain_text("steps", timeout=60_000)
    with page.page.expect_download() as download:
        button(page, "save").click()
    assert download.value.suggested_filename.endswith(".png")
    from PIL import Image

    saved = Image.open(download.value.path())
    assert list(saved.size) == page.kernel("list(explorer.image.size)")
    assert list(saved.getpixel((40, 50))) == page.kernel("list(explorer.image.getpixel((40, 50)))")
    button(page, "wipe").click()
    canvas = page.locator(".cw-wipe-canvas")
    canvas.wait_for()
    expect(page.locator(".cw-steps-canvas").first).to_be_hidden()
    before = page.fingerprint(".cw-wipe-canvas")
    canvas.press("Home")
    page.wait_for_new_pixels(".cw-wipe-canvas", before)
    kernel_becomes(page, "explorer.wipe.border", 0)
    no_errors(page)


def test_a_film_is_made_played_and_saved(notebook):
    page = open_explorer(notebook, "film")
    page.kernel("[setattr(explorer.film, *each) for each in (('n_frames', 6), ('n_steps', 1))]")
    button(page, "Make the film").click()
    link = page.get_by_role("link", name="Save as MP4")
    link.wait_for(timeout=120_000)
    shown = page.locator(".cw-film-stage video, .cw-film-stage img")
    expect(shown).to_have_count(1)
    for name, start in (("MP4", b"ftyp"), ("GIF", b"GIF89a")):
        with page.page.expect_download() as download:
            page.get_by_role("link", name=f"Save as {name}").click()
        with open(download.value.path(), "rb") as file:
            data = file.read()
        assert start in data[:8] and len(data) == page.kernel(f"len(explorer.film.{name.lower()})")
    no_errors(page)


def test_run_again_and_closed(notebook):
    page = open_explorer(notebook, "again")
    widgets = page.kernel(WIDGETS)
    button(page, "Play").click()
    kernel_becomes(page, "explorer._look is not None", True)  # in which the cell runs again
    page.run_cell(0)
    kernel_becomes(page, WIDGETS, widgets)
    button(page, "Play").click()
    page.kernel("explorer.close()")
    expect(page.locator(".cw-dream")).to_have_count(0)
    found = "sum(type(each).__name__ == 'Dream' for each in __import__('gc').get_objects())"
    kernel_becomes(page, collected(f"[{WIDGETS}, {found}]"), [0, 0])
    # what the browser was about to say to the widgets that were closed is no error
    assert [error for error in page.kernel_errors if "No such comm" not in error] == []
    assert page.errors == []
