import base64
import io

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.widgets.occlusion_image import OcclusionImage

CANVAS = ".cw-occluded-canvas"
EDGE = 4  # pixels around the picture
SCALE = 5


def noise(height, width, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def occluded():
    occluded = OcclusionImage(noise(40, 64), noise(40, 64, seed=1), size=(16, 21), width=64 * SCALE)
    yield occluded
    occluded.close()


@pytest.fixture
def show_image(show):
    """Pictures are decoded a little later."""

    def opened(widget, **options):
        shown = show(widget, **options)
        shown.page.locator(CANVAS).first.wait_for(state="visible")
        shown.settle()
        return shown

    return opened


def seen(shown):
    """What the canvas shows, shape (H, W, 4)."""
    url = shown.page.evaluate("selector => document.querySelector(selector).toDataURL()", CANVAS)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))


def place(shown, row, column):
    """Where a pixel of the picture lies on the page."""
    box = shown.page.locator(CANVAS).bounding_box()
    return box["x"] + EDGE + SCALE * (column + 0.5), box["y"] + EDGE + SCALE * (row + 0.5)


def at(shown):
    return shown.get("row"), shown.get("column")


def text(shown):
    return " ".join(shown.page.locator(".cw-occluded-place").inner_text().split())


@pytest.mark.parametrize(
    ("size", "row", "column"),
    [((16, 21), 20, 30), ((17, 8), 0, 0), ((6, 5), 39, 63), ((16, 16), 3, 60), ((90, 200), 7, 9)],
)
@pytest.mark.parametrize("filled", [True, False])
def test_the_square_covers_its_pixels_and_no_other(show_image, occluded, size, row, column, filled):
    """Against the picture that the kernel makes, pixel by pixel, but for cross and outline."""
    occluded.size, occluded.row, occluded.column = size, row, column
    if not filled:
        occluded.set_fill(None)
    shown = show_image(occluded)
    pixels = seen(shown)
    assert pixels.shape == (40 * SCALE + 2 * EDGE, 64 * SCALE + 2 * EDGE, 4)
    wanted = np.asarray(occluded.occluded()).repeat(SCALE, 0).repeat(SCALE, 1)
    found = pixels[EDGE:-EDGE, EDGE:-EDGE, :3]
    free = np.ones(found.shape[:2], bool)
    top, left, bottom, right = (SCALE * side for side in occluded.box)
    free[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = False  # two pixels of outline
    free[top:bottom, left:right] = True
    y, x = int((row + 0.5) * SCALE), int((column + 0.5) * SCALE)
    free[max(y - 20, 0) : y + 21, x - 2 : x + 3] = False
    free[y - 2 : y + 3, max(x - 20, 0) : x + 21] = False
    assert free.mean() > 0.97 and free[top:bottom, left:right].mean() > 0.4
    assert np.abs(found.astype(int) - wanted)[free].max() <= 1


def test_the_outline_lies_around_the_square(show_image, occluded):
    occluded.size, occluded.row, occluded.column = (16, 20), 3, 30
    pixels = seen(show_image(occluded))
    top, left, bottom, right = (EDGE + SCALE * side for side in occluded.box)
    assert top == EDGE  # clipped, the outline is outside the picture
    middle = (left + right) // 2 + 20
    for first, second in [
        (pixels[top - 1, middle], pixels[top - 2, middle]),
        (pixels[bottom, middle], pixels[bottom + 1, middle]),
        (pixels[top + 9, left - 1], pixels[top + 9, left - 2]),
        (pixels[top + 9, right], pixels[top + 9, right + 1]),
    ]:
        assert first.tolist() == [255, 255, 255, 255] and second.tolist() == [0, 0, 0, 255]


def test_the_pointer_moves_the_centre_there_and_drags(show_image, occluded):
    shown = show_image(occluded)
    mouse = shown.page.mouse
    mouse.move(*place(shown, 5, 7))
    assert at(shown) == (20, 32)  # not yet pressed
    mouse.down()
    assert at(shown) == (5, 7) and shown.get("dragging") is True
    before = shown.pixels(CANVAS)
    mouse.move(*place(shown, 11, 50), steps=4)
    shown.settle()
    assert at(shown) == (11, 50) and shown.pixels(CANVAS) != before
    mouse.move(-50, 2000)  # the hand leaves the picture
    assert at(shown) == (39, 0)
    mouse.up()
    assert shown.get("dragging") is False
    mouse.move(*place(shown, 5, 7))
    assert at(shown) == (39, 0)
    shown.deliver()
    assert (occluded.row, occluded.column, occluded.dragging) == (39, 0, False)


def test_dragging_sends_little_and_always_the_last(show_image, occluded):
    """Trap 4: a flood of messages loses the last one."""
    shown = show_image(occluded)
    mouse = shown.page.mouse
    mouse.move(*place(shown, 2, 2))
    mouse.down()
    mouse.move(*place(shown, 35, 60), steps=150)
    mouse.up()
    times = shown.page.evaluate("() => model.sentAt")
    assert len(times) < 150
    assert min(np.diff(times[:-1]), default=50) >= 22  # the one at release is sent at once
    assert {"row": 35, "column": 60}.items() <= {k: v for s in shown.sent() for k, v in s.items()}.items()
    assert shown.sent()[-1]["dragging"] is False


def test_a_drag_needs_no_kernel(show_image, occluded):
    """The square shows the fill's pixels wherever it goes, though nothing is delivered."""
    shown = show_image(occluded)
    shown.page.mouse.click(*place(shown, 30, 20))
    shown.settle()
    x, y = (EDGE + SCALE * 26 + 2, EDGE + SCALE * 34 + 2)
    assert seen(shown)[y, x, :3].tolist() == list(occluded.fill_image.getpixel((26, 34)))


def test_another_button_or_finger_does_not_drag(show_image, occluded):
    shown = show_image(occluded)
    shown.page.mouse.click(*place(shown, 5, 7), button="right")
    assert at(shown) == (20, 32)
    shown.page.mouse.move(*place(shown, 5, 7))
    shown.page.mouse.down()
    shown.page.evaluate(
        """() => document.querySelector(".cw-occluded-canvas").dispatchEvent(
          new PointerEvent("pointermove", { pointerId: 99, clientX: 200, clientY: 100, bubbles: true }))"""
    )
    assert at(shown) == (5, 7)
    shown.page.mouse.up()


def test_a_page_is_not_scrolled_by_a_finger_that_drags(show_image, occluded):
    shown = show_image(occluded)
    style = "selector => getComputedStyle(document.querySelector(selector)).touchAction"
    assert shown.page.evaluate(style, CANVAS) == "none"


def test_keys(show_image, occluded):
    shown = show_image(occluded)
    canvas = shown.page.locator(CANVAS)
    for key, place in [
        ("ArrowRight", (20, 33)),
        ("ArrowDown", (21, 33)),
        ("ArrowLeft", (21, 32)),
        ("ArrowUp", (20, 32)),
        ("Shift+ArrowRight", (20, 40)),
        ("Shift+ArrowUp", (12, 40)),
        ("Shift+ArrowUp", (4, 40)),
        ("Shift+ArrowUp", (0, 40)),
        ("Home", (20, 32)),
    ]:
        canvas.press(key)
        assert at(shown) == place, key


def test_escape_hides_and_any_move_shows(show_image, occluded):
    shown = show_image(occluded)
    canvas = shown.page.locator(CANVAS)
    canvas.press("Escape")
    shown.settle()
    assert shown.get("active") is False and text(shown) == "the whole picture"
    whole = np.asarray(occluded.image).repeat(SCALE, 0).repeat(SCALE, 1)
    assert np.abs(seen(shown)[EDGE:-EDGE, EDGE:-EDGE, :3].astype(int) - whole).max() <= 1
    canvas.press("ArrowLeft")
    assert shown.get("active") is True
    canvas.press("Escape")
    shown.page.mouse.click(*place(shown, 5, 7))
    assert shown.get("active") is True and at(shown) == (5, 7)
    shown.deliver()
    assert occluded.active


def test_the_button(show_image, occluded):
    shown = show_image(occluded)
    button = shown.page.get_by_role("button", name="unoccluded")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true" and shown.get("active") is False
    button.click()
    assert shown.get("active") is True


def test_texts(show_image, occluded):
    occluded.title, occluded.caption = "what the network sees", "bus 41 %"
    shown = show_image(occluded)
    assert shown.page.locator(".cw-title").inner_text() == "what the network sees"
    assert shown.page.locator(".cw-occluded-caption").inner_text() == "bus 41 %"
    assert text(shown) == "square at row 20, column 32"
    shown.page.locator(CANVAS).press("ArrowDown")
    assert text(shown) == "square at row 21, column 32"
    assert "row 21, column 32" in shown.page.locator(CANVAS).get_attribute("aria-label")
    shown.page.wait_for_function(
        "() => document.querySelector('[role=status]').textContent === 'square at row 21, column 32'"
    )
    occluded.row = 0
    shown.update("row")
    assert text(shown) == "square at row 0, column 32 cut to 9 × 21 pixels"


def test_nothing_below_moves_when_the_square_is_cut(show_image, occluded):
    shown = show_image(occluded)
    body = shown.page.locator(".cw-occluded")
    before = body.bounding_box()["height"]
    for row, active in [(0, True), (0, False)]:
        shown.set(row=row, active=active)
        assert body.bounding_box()["height"] == before


def test_the_kernel_moves_the_square(show_image, occluded):
    shown = show_image(occluded)
    before = shown.pixels(CANVAS)
    occluded.row, occluded.size = 8, 6
    shown.update("row", "size")
    assert shown.pixels(CANVAS) != before
    assert text(shown) == "square at row 8, column 32"


def test_another_picture_and_fill(show_image, occluded):
    shown = show_image(occluded)
    with occluded.hold_sync():
        occluded.set_image(Image.new("RGB", (64, 30), (10, 200, 30)))
        occluded.set_fill(Image.new("RGB", (64, 30), (200, 10, 30)))
    shown.update("_picture", "_fill", "row", "column")
    shown.page.wait_for_function(
        f"() => document.querySelector('{CANVAS}').height === {30 * SCALE + 2 * EDGE}"
    )
    shown.settle()
    colours = {tuple(pixel) for pixel in seen(shown)[EDGE + 40 : EDGE + 60, EDGE:-EDGE, :3].reshape(-1, 3)}
    assert {(10, 200, 30), (200, 10, 30)} <= colours
    assert text(shown) == "square at row 15, column 32"


def test_without_a_picture(show):
    shown = show(OcclusionImage())
    assert shown.page.get_by_text("no picture yet").is_visible()
    assert shown.page.locator(CANVAS).is_hidden() and shown.page.get_by_role("button").count() == 0


@pytest.mark.parametrize(("width", "between"), [(150, True), (240, False)])
def test_little_magnified_it_is_smooth(show_image, width, between):
    """Magnified less than three times a checkerboard has values in between; above it has not."""
    board = Image.fromarray(((np.indices((40, 60)).sum(0) % 2) * 255).astype(np.uint8))
    pixels = seen(show_image(OcclusionImage(board, active=False, width=width)))
    assert (len(np.unique(pixels[EDGE:-EDGE, EDGE:-EDGE, :3])) > 2) == between


@pytest.mark.parametrize(("size", "box"), [((10, 60), (400 / 6, 400)), ((300, 2), (320, 16))])
def test_extreme_shapes(show_image, size, box):
    shown = show_image(OcclusionImage(Image.new("RGB", size, "teal")))
    found = shown.page.locator(CANVAS).bounding_box()
    assert (found["width"] - 2 * EDGE, found["height"] - 2 * EDGE) == pytest.approx(box, abs=1)
    shown.page.mouse.click(found["x"] + found["width"] - EDGE - 1, found["y"] + EDGE + 1)
    assert at(shown) == (0, size[0] - 1)


def test_a_narrow_page(show_image, occluded, only_page):
    only_page.set_viewport_size({"width": 200, "height": 700})
    shown = show_image(occluded)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 200
    box = shown.page.locator(CANVAS).bounding_box()
    shown.page.mouse.click(box["x"] + EDGE + 0.75 * (box["width"] - 2 * EDGE), box["y"] + box["height"] / 2)
    assert abs(shown.get("column") - 48) <= 1 and abs(shown.get("row") - 20) <= 1


def test_a_view_that_goes_while_dragging(show_image, occluded):
    shown = show_image(occluded)
    shown.page.mouse.move(*place(shown, 5, 7))
    shown.page.mouse.down()
    shown.page.evaluate("() => window.cleanups[0]()")
    shown.page.mouse.up()
    shown.deliver()
    assert not occluded.dragging and (occluded.row, occluded.column) == (5, 7)
