"""The explorer in a real JupyterLab, driven as a student would."""

import io
from pathlib import Path

import numpy as np
from notebook_page import at_rest, kernel_becomes
from PIL import Image
from playwright.sync_api import expect

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "02_activation_maps.ipynb"
EXPLORE = """
import cnnwidgets as cw
explorer = cw.explore("toynet", image=cw.samples("toytown cat"), layer="relu3")
explorer
"""
SLIDER, TILES, DETAIL = ".cw-slider-strip", ".cw-tiles", ".cw-detail-canvas"


def open_explorer(notebook, name, app="lab"):
    page = notebook(name, [EXPLORE], app=app)
    page.locator(DETAIL).wait_for()
    page.wait_for_function("() => document.querySelector('.cw-detail-canvas').width > 100")
    return page


def png(color, size=(64, 48)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def test_the_notebook_runs_to_the_end(notebook):
    page = notebook("tutorial", NOTEBOOK)
    for explorer in range(3):
        expect(page.locator(DETAIL).nth(explorer)).to_be_attached()
    expect(page.locator(".cw-explorer")).to_have_count(3)
    assert page.locator(".cw-error:not([hidden])").all_inner_texts() == []
    assert page.kernel_errors == []


def test_the_slider_changes_the_pixels_and_the_kernel_hears_of_it(notebook):
    page = open_explorer(notebook, "slider")
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    kernel_becomes(page, "explorer.selection.channel", 0)
    for key, channel in (("ArrowRight", 1), ("ArrowRight", 2), ("End", 95), ("ArrowLeft", 94)):
        tiles = page.fingerprint(TILES)
        page.keyboard.press(key)
        page.wait_for_new_pixels(TILES, tiles)  # the frame moves even where both maps are silent
        kernel_becomes(page, "[explorer.selection.channel, explorer.grid.channel]", [channel, channel])
    page.locator(SLIDER).scroll_into_view_if_needed()  # once it keeps its place
    box = page.locator(SLIDER).bounding_box()
    detail = page.fingerprint(DETAIL)
    page.mouse.move(box["x"] + 10, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20, steps=25)
    page.mouse.up()
    page.wait_for_new_pixels(DETAIL, detail)
    last = page.locator(SLIDER).get_attribute("aria-valuenow")
    kernel_becomes(page, "[explorer.slider.channel, explorer.grid.channel]", [int(last)] * 2)
    page.wait_for_timeout(500)  # nothing late pulls it back
    assert page.locator(SLIDER).get_attribute("aria-valuenow") == last


def test_sorting_reorders_slider_and_tiles(notebook):
    page = open_explorer(notebook, "sorting")
    tiles = page.fingerprint(TILES)
    page.get_by_text("sort by strongest activation").click()
    page.wait_for_new_pixels(TILES, tiles)
    strongest_first = "sorted(range(96), key=lambda c: (-explorer.slider.strengths[c], c))"
    kernel_becomes(page, f"explorer.grid.order == {strongest_first} == explorer.slider.order", True)


def test_a_clicked_tile_is_read_back_in_the_kernel(notebook):
    page = open_explorer(notebook, "tiles")
    page.kernel("explorer.slider.set_trait('channel', 50)")
    expect(page.locator(SLIDER)).to_have_attribute("aria-valuenow", "50")
    page.locator(TILES).click(position={"x": 8, "y": 8})
    kernel_becomes(page, "[explorer.selection.channel, explorer.slider.channel]", [0, 0])
    expect(page.locator(SLIDER)).to_have_attribute("aria-valuenow", "0")
    # the click was in the top left corner of the tile
    kernel_becomes(page, "tuple(explorer.selection.position or (9, 9)) < (4, 4)", True)


def test_another_layer_and_another_picture(notebook):
    page = open_explorer(notebook, "layer")
    page.locator(".cw-layers select").select_option("relu5")
    kernel_becomes(page, "[explorer.selection.layer, explorer.grid.n_channels]", ["relu5", 64])
    expect(page.locator(".cw-activations")).to_contain_text("64 channels · 11 × 11")
    tiles = page.fingerprint(TILES)
    page.locator(".cw-images-gallery [role=option]").nth(1).click()
    kernel_becomes(page, "explorer.images.index", 1)
    page.wait_for_new_pixels(TILES, tiles)


def test_a_layer_with_more_channels_with_fewer_and_without_maps(notebook):
    """The first thing that the notebook asks for, and then some."""
    page = notebook("layers", [EXPLORE.replace("relu3", "relu1")])
    page.locator(DETAIL).wait_for()
    select = page.locator(".cw-layers select")
    for layer, text in (
        ("relu5", "64 channels · 11 × 11"),
        ("conv3", "96 channels · 11 × 11"),
        ("fc6", "256 channels, one number each"),
        ("relu1", "48 channels · 48 × 48"),
        ("conv2", "64 channels · 23 × 23"),
    ):
        select.select_option(layer)
        expect(page.locator(".cw-activations")).to_contain_text(text)
        expect(page.locator(".cw-slider")).to_contain_text(f"of {text.split()[0]}")
        kernel_becomes(page, "explorer.selection.channel == explorer.slider.channel", True)
        chosen = page.kernel("explorer.selection.channel")
        expect(page.locator(SLIDER)).to_have_attribute("aria-valuenow", str(chosen))
        assert page.locator(".cw-error:not([hidden])").all_inner_texts() == []
    assert page.kernel_errors == []


def test_a_class_can_be_searched_and_chosen(notebook):
    page = open_explorer(notebook, "classes")
    page.locator(".cw-classes input[type=search], .cw-classes input[role=combobox]").first.fill("mush")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    kernel_becomes(page, "explorer.classes.classes[explorer.selection.target]", "mushroom")


def test_an_uploaded_picture_is_shown_and_a_corrupt_one_is_refused(notebook):
    page = open_explorer(notebook, "upload")
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "red.png", "mimeType": "image/png", "buffer": png("red")})
    kernel_becomes(page, "explorer.images.name", "red.png")
    kernel_becomes(page, "explorer.selection.image.getpixel((5, 5))", [255, 0, 0])
    kernel_becomes(page, "list(explorer.grid.image.size)", [96, 96])
    broken = png("blue")[:60]
    chooser.set_input_files({"name": "broken.png", "mimeType": "image/png", "buffer": broken})
    error = page.locator(".cw-images .cw-error")
    expect(error).to_be_visible()
    expect(error).to_contain_text("broken.png")
    assert page.kernel("explorer.images.name") == "red.png", "the picture before is kept"
    error.get_by_role("button").click()
    expect(error).to_be_hidden()


def test_a_photograph_with_exif_rotation_arrives_upright(notebook):
    page = open_explorer(notebook, "exif")
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 255  # left half white
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: left becomes top
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, quality=95)
    page.locator("input[type=file]").set_input_files(
        {"name": "phone.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}
    )
    kernel_becomes(page, "list(explorer.selection.image.size)", [40, 60])
    assert page.kernel("explorer.selection.image.getpixel((20, 5))")[0] > 240


def test_the_camera_streams_and_stops(notebook):
    page = open_explorer(notebook, "camera")
    page.get_by_role("button", name="Camera", exact=True).click()
    kernel_becomes(page, "explorer.images.frame_seen >= 3", True)
    maps = "hash(explorer.grid._codes)"
    before = page.kernel(maps)
    kernel_becomes(page, f"{maps} != {before}", True)  # the camera's picture moves, and so do the maps
    page.get_by_role("button", name="Stop", exact=True).click()
    at_rest(page, lambda: page.kernel("explorer.images.frame_seen"))
    assert page.kernel_errors == []


def test_running_the_cell_twenty_times_piles_nothing_up(notebook):
    page = open_explorer(notebook, "again")
    count = "len(__import__('ipywidgets').widgets.widget._instances)"
    kernel_memory = "int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6"
    page.run_cell(0)
    widgets, megabytes = page.kernel(count), page.kernel(kernel_memory)
    for _ in range(20):
        page.run_cell(0)
    kernel_becomes(page, count, widgets)
    expect(page.locator(".cw-explorer")).to_have_count(1)
    assert page.kernel(kernel_memory) - megabytes < 40
    # and the last one lives
    page.locator(DETAIL).wait_for()
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    kernel_becomes(page, "explorer.selection.channel", 0)


def test_typing_in_a_canvas_does_not_delete_the_cell(notebook):
    page = open_explorer(notebook, "keys")
    for selector in (SLIDER, TILES, DETAIL, ".cw-images-gallery"):
        page.locator(selector).focus()
        page.keyboard.press("d")
        page.keyboard.press("d")
    assert page.n_cells >= 1 and "cw.explore" in page.locator(".jp-Notebook").inner_text()


def test_a_stale_layer_is_not_shown_after_a_later_one(notebook):
    page = open_explorer(notebook, "stale")
    select = page.locator(".cw-layers select")
    for layer in ("conv1", "relu1", "conv2", "relu2", "conv4"):
        select.select_option(layer)
    kernel_becomes(page, "explorer.selection.layer", "conv4")
    kernel_becomes(page, "explorer.grid.title.split(' ')[0]", "conv4")
    kernel_becomes(page, "[explorer.grid.n_channels, explorer.slider.n_channels]", [96, 96])
    kernel_becomes(page, "list(explorer.grid.map_size)", [11, 11])
    assert page.locator(".cw-error:not([hidden])").all_inner_texts() == [] and page.kernel_errors == []
    expect(page.locator(".cw-activations")).to_contain_text("conv4")


def test_works_in_notebook_7(notebook):
    page = open_explorer(notebook, "classic", app="notebook")
    tiles = page.fingerprint(TILES)
    page.locator(SLIDER).focus()
    page.keyboard.press("Home")
    page.wait_for_new_pixels(TILES, tiles)
    kernel_becomes(page, "explorer.selection.channel", 0)
