"""Two maps of the same pictures in a real JupyterLab, driven as a student would, while t-SNE runs."""

import io

import pytest
from notebook_page import at_rest, becomes, kernel_becomes, no_errors
from PIL import Image
from playwright.sync_api import expect

import cnnwidgets as cw

EXPLORE = """
import cnnwidgets as cw
town = cw.data.Toytown("test", length=90)
explorer = cw.explorers.EmbeddingExplorer("toynet", images=town, n_iterations={}, methods={})
explorer
"""
PCA, LIVE, FINITE = ("pca", "pca"), ("pca", "tsne"), 300
LONG = 1_000_000
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"
LEFT, RIGHT = 0, 1


def open_explorer(notebook, name, n_iterations=FINITE, methods=PCA, app="lab"):
    page = notebook(name, [EXPLORE.format(n_iterations, methods)], app=app)
    for side in ("left", "right"):
        kernel_becomes(page, f"explorer.{side}.scatter.n_points", 90)
    expect(page.locator(".cw-scatter-caption").nth(LEFT)).to_contain_text("PCA")
    painted(page)
    return page


def painted(page):
    page.wait_for_function(
        """() => [...document.querySelectorAll('.cw-scatter-points')]
          .every((canvas) => canvas.width > 20 && cwPaint.colours(canvas) > 1)"""
    )


def one(page, side):
    """The control and the scatter of a map."""
    return page.locator(".cw-map").nth(side), page.locator(".cw-scatter").nth(side)


def iteration(page, side="right"):
    return page.kernel(f"explorer.{side}.projection.settings.get('n_iterations', 0)")


def rest(page):
    """Wait until the work is done and all points are where they belong."""
    for side in ("left", "right"):
        kernel_becomes(page, f"explorer.{side}.control.running", False, seconds=120)
    for side in (LEFT, RIGHT):
        page.settled(f".cw-scatter-points >> nth={side}")


def test_the_same_point_lights_up_in_both_maps(notebook):
    page = open_explorer(notebook, "hover")
    rest(page)
    (_, left), (_, right) = one(page, LEFT), one(page, RIGHT)
    left.locator(".cw-scatter-canvas").focus()
    page.keyboard.press("ArrowRight")
    told = left.locator(".cw-scatter-reading")
    expect(told).to_contain_text("number")
    first = told.inner_text()
    expect(right.locator(".cw-scatter-reading")).to_have_text(first)
    page.keyboard.press("ArrowRight")
    expect(told).not_to_have_text(first)
    expect(right.locator(".cw-scatter-reading")).to_have_text(told.inner_text())
    kernel_becomes(page, "explorer.left.scatter.hovered == explorer.right.scatter.hovered >= 0", True)
    page.keyboard.press("Enter")
    expect(page.locator(".cw-map-strip img")).to_have_count(1)
    kernel_becomes(page, "len(explorer.right.scatter.selected)", 1)
    kernel_becomes(page, "explorer.selection.image is not None", True)
    right.get_by_role("button", name="cat").first.click()  # in the legend
    kernel_becomes(page, "explorer.left.scatter.hidden", [11])
    no_errors(page)


def test_a_lasso_lists_the_pictures_in_words(notebook):
    page = open_explorer(notebook, "lasso")
    rest(page)
    _, scatter = one(page, RIGHT)
    canvas = scatter.locator(".cw-scatter-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.keyboard.down("Shift")
    page.mouse.down()
    for x, y in ((0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
    page.mouse.up()
    page.keyboard.up("Shift")
    kernel_becomes(page, "len(explorer.left.scatter.selected) > 40", True)
    n = page.kernel("len(explorer.left.scatter.selected)")
    strip = page.locator(".cw-explorer")
    expect(strip).to_contain_text(f"{n} pictures selected: ")
    expect(page.locator(".cw-map-strip img")).to_have_count(24)
    expect(strip).to_contain_text(f"… and {n - 24} more")
    no_errors(page)


def test_tsne_runs_live_and_is_paused_and_stopped(notebook):
    page = open_explorer(notebook, "live", LONG, LIVE)
    control, scatter = one(page, RIGHT)
    caption = scatter.locator(".cw-scatter-caption")
    expect(caption).to_contain_text("t-SNE, iteration", timeout=60_000)
    points = ".cw-scatter-points >> nth=1"
    before = page.fingerprint(points)
    before = page.wait_for_new_pixels(points, before)
    page.wait_for_new_pixels(points, before)
    control.get_by_role("button", name="Pause").click()
    expect(control.locator(".cw-map-facts")).to_contain_text("paused")
    at = at_rest(page, lambda: (iteration(page), page.fingerprint(points)))
    control.get_by_role("button", name="Go on").click()
    page.wait_for_new_pixels(points, at[1])
    control.get_by_role("button", name="Stop here").click()
    expect(control.locator(".cw-map-message")).to_contain_text("stopped after")
    kernel_becomes(page, "explorer.right.numbers is not None", True)
    expect(page.locator(".cw-map-numbers").nth(RIGHT)).to_contain_text("trustworthiness")
    assert page.kernel("6 * 7") == 42
    no_errors(page)


def test_hovering_and_zooming_while_it_runs(notebook):
    page = open_explorer(notebook, "busy", LONG, LIVE)
    control, scatter = one(page, RIGHT)
    expect(scatter.locator(".cw-scatter-caption")).to_contain_text("t-SNE, iteration", timeout=60_000)
    canvas = scatter.locator(".cw-scatter-canvas")
    canvas.focus()
    for key in ("+", "+", "ArrowRight", "ArrowUp", "ArrowLeft", "-"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
    kernel_becomes(page, "explorer.left.scatter.hovered >= 0", True)
    kernel_becomes(page, "explorer.right.scatter.view[2] > 1", True)
    at = iteration(page)
    becomes(page, lambda: iteration(page) > at)
    assert page.kernel("explorer.right.scatter.view[2]") > 1  # what is in view stays so
    no_errors(page)


def test_perplexity_method_and_space_by_hand(notebook):
    page = open_explorer(notebook, "settings", FINITE, LIVE)
    control, scatter = one(page, RIGHT)
    rest(page)
    slider = control.get_by_role("slider", name="perplexity")
    kernel_becomes(page, "explorer.right.control.most", 29)
    slider.focus()
    page.keyboard.press("Home")
    kernel_becomes(page, "explorer.right.projection.settings.get('perplexity')", 2)
    kernel_becomes(page, "explorer.right.control.running", False, seconds=120)
    for _ in range(6):  # in a hurry
        page.keyboard.press("ArrowRight")
    kernel_becomes(page, "explorer.right.projection.settings.get('perplexity')", 10)
    state = "[explorer.right.control.running, explorer.right.control.perplexity]"
    kernel_becomes(page, state, [False, 10], seconds=120)
    control.get_by_role("button", name="PCA").click()
    expect(scatter.locator(".cw-scatter-caption")).to_contain_text("PCA")
    control.locator("select").select_option("conv2")
    expect(scatter.locator(".cw-title").first).to_have_text("conv2 (64 numbers a picture)")
    kernel_becomes(page, "explorer.selection.layer", "conv2")
    no_errors(page)


def test_on_a_grid(notebook):
    page = open_explorer(notebook, "grid")
    rest(page)
    control, _ = one(page, LEFT)
    points = ".cw-scatter-points >> nth=0"
    before = page.fingerprint(points)
    control.get_by_label("on a grid").check()
    page.wait_for_new_pixels(points, before)
    kernel_becomes(page, "len({tuple(p) for p in explorer.left.scatter.points.tolist()})", 90)
    kernel_becomes(page, "(explorer.left.scatter.points % 1 == 0).all().item()", True)
    kernel_becomes(page, "explorer.left.scatter.show_images", "always")
    on_grid = page.settled(points)
    control.get_by_label("on a grid").uncheck()
    page.wait_for_new_pixels(points, on_grid)
    kernel_becomes(page, "explorer.left.scatter.show_images", "zoom")
    no_errors(page)


def test_a_picture_of_ones_own_lands_in_both_maps(notebook):
    page = open_explorer(notebook, "own")
    rest(page)
    buffer = io.BytesIO()
    Image.fromarray(cw.data.Toytown("transfer")[4].image).save(buffer, "PNG")
    file = {"name": "my windmill.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    page.locator(".cw-images input[type=file]").set_input_files([file])
    for side in ("left", "right"):
        kernel_becomes(page, f"explorer.{side}.scatter.sources[90:]", ["my windmill.png"])
        kernel_becomes(page, f"len(explorer.{side}.scatter.highlighted)", 5)
    expect(page.locator(".cw-explorer")).to_contain_text("its 5 nearest in this space are")
    page.locator(".cw-images-tile").nth(1).click()  # one of the gallery
    kernel_becomes(page, "len(explorer.right.scatter.added)", 2)
    page.get_by_role("button", name="Take my windmill.png away").click()
    kernel_becomes(page, "[len(each.scatter.added) for each in explorer.maps]", [1, 1])
    no_errors(page)


def test_running_the_cell_again_ends_the_one_before(notebook):
    page = open_explorer(notebook, "again", LONG, LIVE)
    page.run_cell(0)
    kernel_becomes(page, "explorer.right.scatter.n_points", 90)
    kernel_becomes(page, "explorer.right.projection.method", "tsne")
    widgets = page.kernel(WIDGETS)
    for _ in range(3):
        kernel_becomes(page, "explorer.right.projection.method", "tsne")
        page.run_cell(0)
        kernel_becomes(page, "explorer.right.scatter.n_points", 90)
        kernel_becomes(page, WIDGETS, widgets)
        expect(page.locator(".cw-explorer")).to_have_count(1)
    threads = "sum(each.name == 'cnnwidgets' for each in __import__('threading').enumerate())"
    kernel_becomes(page, threads, 1)  # that of the t-SNE that runs now
    page.kernel("explorer.close()")
    kernel_becomes(page, threads, 0)
    kernel_becomes(page, WIDGETS, 0)
    expect(page.locator(".cw-scatter:visible")).to_have_count(0)
    no_errors(page)


def test_an_interrupt_does_no_harm(notebook):
    page = open_explorer(notebook, "interrupt", LONG, LIVE)
    kernel_becomes(page, "explorer.right.projection.method", "tsne")
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    page.wait_for_timeout(500)
    one(page, RIGHT)[0].get_by_role("button", name="Stop here").click()
    kernel_becomes(page, "explorer.right.control.running", False)
    control, scatter = one(page, RIGHT)
    control.get_by_role("button", name="PCA").click()
    expect(scatter.locator(".cw-scatter-caption")).to_contain_text("PCA")


@pytest.mark.parametrize("width", [1280, 640])
def test_side_by_side_or_below_each_other(notebook, width):
    page = open_explorer(notebook, f"width{width}")
    page.set_viewport_size({"width": width, "height": 900})

    def laid_out():
        boxes = [page.locator(".cw-scatter").nth(side).bounding_box() for side in (LEFT, RIGHT)]
        is_beside = abs(boxes[LEFT]["y"] - boxes[RIGHT]["y"]) < 5
        wider = page.locator(".cw-explorer").evaluate("el => el.scrollWidth - el.parentElement.clientWidth")
        return [is_beside, wider <= 1]

    becomes(page, laid_out, [width > 1000, True], told="[beside, fits]")
    page.set_viewport_size({"width": 1280, "height": 900})
    no_errors(page)


def test_in_notebook_7(notebook):
    page = open_explorer(notebook, "seven", FINITE, LIVE, app="notebook")
    kernel_becomes(page, "explorer.right.control.running", False, seconds=120)
    slider = one(page, RIGHT)[0].get_by_role("slider", name="perplexity")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    kernel_becomes(page, "explorer.right.control.perplexity", 25)
    page.keyboard.press("d")
    page.keyboard.press("d")
    assert page.n_cells == 1
    no_errors(page)
