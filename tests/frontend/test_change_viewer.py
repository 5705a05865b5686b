import numpy as np
import pytest
from PIL import Image

from cnnwidgets.widgets import ChangeViewer, PictureChange

NAMES = ["house", "a class with quite a long name", "boat", "cat", "dog", "tree", "bus"]
SCALES = np.arange(31) / 20
CANVAS = ".cw-change-panel:nth-of-type({}) canvas"


def grown(seed):
    """Probabilities that cross each other as the change grows."""
    ends = np.random.default_rng(seed).random((2, len(NAMES)))
    rows = ends[0] * (1 - SCALES[:, None] / 1.5) + ends[1] * SCALES[:, None]
    return rows / rows.sum(1, keepdims=True)


def changes():
    """One colour each, so that a pixel in the middle tells all."""
    one = np.stack([np.full((20, 30), value) for value in (6.0, -3.0, 1.5)])
    two = np.random.default_rng(3).normal(size=(3, 20, 30))
    return [PictureChange("The change found", one, grown(0)), PictureChange("Noise", two, grown(1))]


@pytest.fixture
def viewer():
    viewer = ChangeViewer(classes=NAMES, facts=[["mere noise", "does nothing"]])
    viewer.search = [0, 0, 5, 0, 9, 1, 7, 1]
    viewer.show(Image.new("RGB", (30, 20), (100, 250, 2)), changes(), SCALES, (0, 3))
    yield viewer
    viewer.close()


def share(shown):
    return shown.page.get_by_role("slider", name="how much of the change is added")


def factor(shown):
    return shown.page.get_by_role("slider", name="how many times as strong")


def middle(shown, label):
    """Colour in the middle of the picture of that name, where no cross is."""
    return shown.page.get_by_role("application", name=label, exact=True).evaluate(
        """canvas => [...canvas.getContext("2d")
          .getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3)"""
    )


def bars(shown, which):
    rows = shown.page.locator(".cw-change-bars").nth(which).locator(".cw-change-bar")
    return [row.split("\n") for row in rows.all_inner_texts()]


def as_told(top):
    return [[name, f"{100 * probability:.1f} %"] for _, name, probability in top]


def test_pictures_and_bars_follow_the_slider_without_the_kernel(show, viewer):
    shown = show(viewer)
    assert middle(shown, "Before") == [100, 250, 2]
    assert middle(shown, "After") == list(viewer.after().getpixel((15, 10))) == [106, 247, 4]
    for key, scale in (("Home", 0), ("ArrowRight", 0.05), ("End", 1.5), ("ArrowLeft", 1.45)):
        share(shown).press(key)
        shown.settle()
        assert shown.get("scale") == pytest.approx(scale)
        viewer.scale = scale
        assert middle(shown, "After") == list(viewer.after().getpixel((15, 10)))
        assert bars(shown, 1) == as_told(viewer.top()) and bars(shown, 0) == as_told(viewer.top(0))
    assert shown.page.locator(".cw-title").nth(2).inner_text() == "After, with 145 % of it"
    assert middle(shown, "Before") == [100, 250, 2] and shown.messages() == []
    shown.deliver()
    assert viewer.scale == pytest.approx(1.45)


def test_what_is_beyond_black_and_white_is_cut_off(show, viewer):
    strong = PictureChange("c", np.stack([np.full((20, 30), value) for value in (200, 200, -200)]), grown(0))
    viewer.show(Image.new("RGB", (30, 20), (100, 250, 2)), [strong], SCALES)
    shown = show(viewer)
    assert middle(shown, "After") == [255, 255, 0]


def test_how_strong_the_change_is_shown(show, viewer):
    shown = show(viewer)
    strong = shown.page.locator(".cw-change-tuning span").first
    assert viewer.shown_factor == 15 and strong.inner_text() == "15 times as strong"
    assert middle(shown, "The change") == list(viewer.magnified().getpixel((15, 10))) == [218, 83, 151]
    factor(shown).press("ArrowLeft")
    shown.deliver()
    assert (viewer.factor, viewer.automatic) == (12, False)
    assert middle(shown, "The change") == list(viewer.magnified().getpixel((15, 10))) == [200, 92, 146]
    factor(shown).press("Home")
    assert strong.inner_text() == "as strong as it is"
    after = middle(shown, "After")
    shown.page.get_by_label("automatic").check()
    shown.deliver()
    assert viewer.automatic and strong.inner_text() == "15 times as strong"
    assert middle(shown, "After") == after, "only the change is magnified"


def test_another_change_to_the_same_picture(show, viewer):
    shown = show(viewer)
    before = shown.pixels(".cw-change-curves")
    shown.page.get_by_role("button", name="Noise").click()
    shown.settle()
    shown.deliver()
    assert viewer.chosen == 1 and bars(shown, 1) == as_told(viewer.top())
    assert shown.page.locator(".cw-change-size").inner_text() == viewer.changes[1].told()
    assert shown.pixels(".cw-change-curves") != before


def test_dragging_in_the_curves(show, viewer):
    shown = show(viewer)
    box = shown.page.locator(".cw-change-curves").bounding_box()
    mouse, y = shown.page.mouse, box["y"] + 60
    mouse.move(box["x"] + box["width"] / 2, y)
    assert shown.get("scale") == 1
    mouse.down()
    mouse.move(box["x"] + 1, y)
    assert shown.get("scale") == 0 and bars(shown, 1) == bars(shown, 0)
    mouse.move(box["x"] + box["width"] + 50, y)
    assert shown.get("scale") == 1.5
    mouse.up()
    mouse.move(box["x"] + 60, y)
    assert shown.get("scale") == 1.5
    mouse.move(box["x"] + 60, box["y"] - 40)
    mouse.down()  # begun elsewhere
    mouse.move(box["x"] + 60, y)
    mouse.up()
    assert shown.get("scale") == 1.5
    # the thumb of the slider stands where the dashed line is
    thumb = share(shown).bounding_box()
    assert abs(thumb["x"] + thumb["width"] - 8 - (box["x"] + box["width"] - 12)) < 2


def test_pixels_are_read_under_the_pointer_and_by_keys(show, viewer):
    shown = show(viewer)
    reading = shown.page.locator(".cw-change-reading")
    canvas = shown.page.get_by_role("application", name="After")
    box = canvas.bounding_box()
    canvas.hover(position={"x": box["width"] * 7.5 / 30, "y": box["height"] * 2.5 / 20})
    assert reading.inner_text() == "row 2, column 7: R 100 + 6.00 · G 250 − 3.00 · B 2 + 1.50"
    shown.page.mouse.move(2, 2)
    assert reading.inner_text().startswith("Point at")
    canvas.focus()
    shown.page.keyboard.press("ArrowDown")
    assert reading.inner_text().startswith("row 11, column 15:")
    shown.page.keyboard.press("Escape")
    assert reading.inner_text().startswith("Point at") and shown.sent() == []


def test_while_the_search_goes_on_there_are_no_curves(show, viewer):
    shown = show(viewer)
    assert shown.page.locator(".cw-change-waiting").is_hidden()
    rows = grown(0)[[0, 20]]
    viewer.show(
        Image.new("RGB", (30, 20), "teal"), [PictureChange("so far", np.ones((20, 30)), rows)], (0, 1)
    )
    shown.update("_pixels", "_values", "_probabilities", "scales", "_names", "_told", "_factors", "_kept")
    assert shown.page.locator(".cw-change-waiting").is_visible()
    assert not share(shown).is_visible() and not shown.page.locator(".cw-change-curves").is_visible()
    assert not shown.page.locator(".cw-choose-change").is_visible()
    assert bars(shown, 1) == as_told(viewer.top())


def test_names_and_facts_are_text(show):
    viewer = ChangeViewer(classes=["<b>bold</b>", "other"], facts=[["<i>x</i>", "<b>y</b>"]])
    viewer.show(Image.new("RGB", (30, 20)), [PictureChange("<u>c</u>", np.ones((20, 30)), [[0.6, 0.4]] * 2)])
    shown = show(viewer)
    assert bars(shown, 0)[0][0] == "<b>bold</b>"
    assert shown.page.locator("dt").inner_text() == "<i>x</i>"
    assert shown.page.locator("b, u, dt i").count() == 0


def test_narrow_pages(show, viewer):
    shown = show(viewer)
    shown.page.set_viewport_size({"width": 420, "height": 760})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 420


def test_cleared_and_shown_again(show, viewer):
    viewer.chosen = 1
    shown = show(viewer)
    names = ["_size", "_pixels", "_values", "_probabilities", "_kept", "_kept_names", "_names", "_told"]
    names += ["_factors", "scales", "marked", "search", "facts", "chosen"]
    viewer.clear()
    shown.update(*names)
    assert shown.page.locator(".cw-change > .cw-body").is_hidden()
    viewer.show(Image.new("RGB", (30, 20), (100, 250, 2)), changes()[:1], SCALES, (0, 3))
    shown.update(*names)
    assert middle(shown, "Before") == [100, 250, 2] and bars(shown, 1) == as_told(viewer.top())
    assert shown.page.errors == []
