import numpy as np
import pytest

from cnnwidgets.render import png_bytes
from cnnwidgets.widgets import Wipe

RED, BLUE = (220, 20, 30), (20, 40, 230)


def plain(colour, rows=60, columns=90):
    return np.full((rows, columns, 3), colour, np.uint8)


@pytest.fixture
def wipe():
    wipe = Wipe(plain(RED), plain(BLUE, 30, 45), titles=("picture", "dream"), width=300)
    yield wipe
    wipe.close()


def shows(shown, wanted):
    """Whether the canvas has, soon, these colours at these shares of its width, near its lower border."""
    for _ in range(40):
        found = shown.page.evaluate(
            """shares => {
              const canvas = document.querySelector(".cw-wipe-canvas");
              const g = canvas.getContext("2d");
              const at = share => [Math.round(share * (canvas.width - 1)), canvas.height - 4, 1, 1];
              return shares.map(share => [...g.getImageData(...at(share)).data.slice(0, 3)]);
            }""",
            list(wanted),
        )
        if np.abs(np.subtract(found, list(wanted.values()))).max() < 8:
            return True
        shown.page.wait_for_timeout(25)
    return found


def test_the_border_is_dragged(show, wipe):
    shown = show(wipe)
    canvas = shown.page.locator(".cw-wipe-canvas")
    assert shows(shown, {0.1: RED, 0.4: RED, 0.6: BLUE, 0.9: BLUE}) is True
    box = canvas.bounding_box()
    assert (round(box["width"]), round(box["height"])) == (300, 200)  # as the first picture, 90 × 60
    mouse = shown.page.mouse
    mouse.move(box["x"] + 150, box["y"] + 100)
    mouse.down()
    mouse.move(box["x"] + 60, box["y"] + 90, steps=6)
    assert shows(shown, {0.1: RED, 0.4: BLUE, 0.9: BLUE}) is True
    mouse.move(box["x"] - 50, box["y"] + 90, steps=3)
    mouse.up()
    shown.deliver()
    assert wipe.border == 0 and shows(shown, {0.1: BLUE}) is True
    mouse.move(box["x"] + 200, box["y"] + 90)  # not held any more
    assert shown.get("border") == 0


def test_keys(show, wipe):
    shown = show(wipe)
    canvas = shown.page.get_by_role("slider", name="border between picture and dream")
    for key, border in (("ArrowRight", 0.55), ("ArrowLeft", 0.5), ("Home", 0), ("ArrowLeft", 0), ("End", 1)):
        canvas.press(key)
        assert shown.get("border") == pytest.approx(border)
    assert canvas.get_attribute("aria-valuetext") == "picture on the left 100 %"
    assert shows(shown, {0.1: RED, 0.9: RED}) is True


def test_the_newest_picture_is_shown(show, wipe):
    shown = show(wipe)
    for grey in (50, 150, 90):
        wipe._after = png_bytes(plain((grey, grey, grey)))
        shown.page.evaluate("state => window.update(state)", shown._state(["_after"]))
    assert shows(shown, {0.1: RED, 0.9: (90, 90, 90)}) is True
    wipe.caption = "conv2, step 3"
    shown.update("caption")
    assert shown.page.get_by_text("conv2, step 3").is_visible()
    wipe.clear()
    shown.update("_before", "_after")
    assert shown.page.locator(".cw-wipe-canvas").is_hidden()


def test_it_fits_a_narrow_page(show, wipe, only_page):
    only_page.set_viewport_size({"width": 240, "height": 760})
    shown = show(wipe)
    box = shown.page.locator(".cw-wipe-canvas").bounding_box()
    assert box["width"] < 210 and box["height"] == pytest.approx(box["width"] * 2 / 3, abs=1)
