"""Pictures step by step in the browser: live, by the slider, never out of order."""

import numpy as np
import pytest

from cnnwidgets.widgets import StepViewer
from cnnwidgets.widgets.step_viewer import NAMES


def grey(value, size=(12, 18)):
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture
def viewer():
    viewer = StepViewer(titles=["cat", "dog"])
    for step in range(5):
        levels = grey(10 * step), grey(255 - 10 * step)
        viewer.show(levels, step, captions=[f"score {step}", "low"], last=True)
    yield viewer
    viewer.close()


def send(shown, viewer):
    """What the kernel sends with a step."""
    viewer.flush()
    shown.update("_order", "_serial", "_best", "position", "best_shown", *NAMES)


def levels(shown, view=0):
    return shown.page.evaluate(
        """view => [...document.querySelectorAll(".view")[view].querySelectorAll(".cw-steps-canvas")].map(
          canvas => canvas.getContext("2d").getImageData(3, 3, 1, 1).data[0])""",
        view,
    )


def wait_for_levels(shown, wanted, view=0):
    for _ in range(100):
        if (found := levels(shown, view)) == wanted:
            return
        shown.page.wait_for_timeout(20)
    raise AssertionError(f"{found} instead of {wanted}")


def slider(shown):
    return shown.page.get_by_role("slider", name="Step")


def button(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def place(shown):
    return shown.page.locator(".cw-steps-place").inner_text()


def test_the_newest_is_shown_and_followed(show, viewer):
    shown = show(viewer)
    wait_for_levels(shown, [40, 215])
    assert shown.page.locator(".cw-steps-name").all_inner_texts() == ["cat", "dog"]
    assert shown.page.locator(".cw-steps-caption").all_inner_texts() == ["score 4", "low"]
    assert place(shown) == "step 4"
    assert button(shown, "newest").get_attribute("aria-pressed") == "true"
    assert button(shown, "best").is_hidden()
    viewer.show([grey(99), grey(98)], 5, label="octave 2, step 1")
    send(shown, viewer)
    wait_for_levels(shown, [99, 98])
    assert place(shown) == "octave 2, step 1"
    canvas = shown.page.locator(".cw-steps-canvas").first
    assert canvas.get_attribute("aria-label") == "cat, octave 2, step 1"


def test_the_slider_walks_back_without_the_kernel(show, viewer):
    shown = show(viewer)
    wait_for_levels(shown, [40, 215])
    slider(shown).press("ArrowLeft")
    wait_for_levels(shown, [30, 225])
    slider(shown).press("Home")
    wait_for_levels(shown, [0, 255])
    assert place(shown) == "step 0" and shown.get("position") == 0
    assert button(shown, "newest").get_attribute("aria-pressed") == "false"
    shown.deliver()
    assert viewer.position == 0
    viewer.show([grey(77), grey(77)], 5)
    send(shown, viewer)
    wait_for_levels(shown, [0, 255])  # it stays, and the slider knows of the new one
    assert slider(shown).get_attribute("max") == "5"
    button(shown, "newest").click()
    wait_for_levels(shown, [77, 77])
    shown.deliver()
    assert viewer.position is None
    slider(shown).press("ArrowLeft")
    slider(shown).press("End")
    wait_for_levels(shown, [77, 77])
    assert shown.get("position") is None


def test_arrow_keys_also_where_the_notebook_takes_them(show, viewer):
    """Notebook 7.6 keeps the browser from moving a slider."""
    shown = show(viewer)
    wait_for_levels(shown, [40, 215])
    for key, position in (
        ("ArrowLeft", 3),
        ("ArrowDown", 2),
        ("ArrowRight", 3),
        ("ArrowUp", None),
        ("Home", 0),
    ):
        slider(shown).dispatch_event("keydown", {"key": key})
        assert shown.get("position") == position


def test_a_step_that_has_gone_gives_way_to_the_nearest(show, viewer):
    shown = show(viewer)
    shown.set(position=3)
    wait_for_levels(shown, [30, 225])
    viewer._order = [pair for pair in viewer._order if pair[0] not in (3, 4)]
    shown.update("_order")
    wait_for_levels(shown, [20, 235])


def test_best_pictures_by_a_button(show, viewer):
    viewer.show([grey(1), grey(2)], 5, best=[grey(150), grey(151)], best_captions=["score 9"])
    viewer.flush()
    shown = show(viewer)
    wait_for_levels(shown, [1, 2])
    button(shown, "best").click()
    wait_for_levels(shown, [150, 151])
    assert place(shown) == "best"
    assert shown.page.locator(".cw-steps-caption").first.inner_text() == "score 9"
    shown.deliver()
    assert viewer.best_shown
    button(shown, "newest").click()
    wait_for_levels(shown, [1, 2])


def test_newer_pictures_are_never_replaced_by_older_ones(show, viewer):
    """Reading the first takes long; those that came meanwhile are passed over, but for the newest."""
    shown = show(viewer)
    wait_for_levels(shown, [40, 215])
    shown.page.evaluate(
        """() => {
          const read = window.createImageBitmap;
          let first = true;
          window.read = 0;
          window.createImageBitmap = async (blob) => {
            window.read += 1;
            const wait = window.read <= 2 ? 200 : 0;
            await new Promise((done) => setTimeout(done, wait));
            return read(blob);
          };
        }"""
    )
    for step in range(5, 10):
        viewer.show([grey(100 + step), grey(0)], step)
        send(shown, viewer)
    wait_for_levels(shown, [109, 0])
    shown.page.wait_for_timeout(250)
    assert levels(shown) == [109, 0]
    assert shown.page.evaluate("() => window.read") == 4  # two pictures of the first, two of the last


def test_the_kernel_hears_what_has_been_shown(show, viewer):
    shown = show(viewer)
    wait_for_levels(shown, [40, 215])
    assert shown.messages() == []  # as in a page without a kernel
    viewer.show([grey(9), grey(9)], 5)
    send(shown, viewer)
    wait_for_levels(shown, [9, 9])
    assert [(each["kind"], each["serial"]) for each in shown.messages()] == [("seen", viewer._serial)]
    shown.set(position=0)
    viewer.show([grey(8), grey(8)], 6)
    send(shown, viewer)
    shown.page.wait_for_function(f"() => window.model.messages.at(-1).serial === {viewer._serial}")


def test_a_second_view_has_everything(show, viewer):
    shown = show(viewer)
    shown.view()
    wait_for_levels(shown, [40, 215], view=1)
    shown.set(position=1)
    wait_for_levels(shown, [10, 245], view=0)
    wait_for_levels(shown, [10, 245], view=1)


def test_choosing_a_picture_by_hand_and_by_keys(show, viewer):
    shown = show(viewer)
    tiles = shown.page.locator(".cw-steps-tile")
    tiles.nth(1).click()
    assert shown.get("selected") is None
    viewer.can_select = True
    shown.update("can_select")
    tiles.nth(1).click()
    shown.deliver()
    assert viewer.selected == 1 and tiles.nth(1).get_attribute("aria-selected") == "true"
    tiles.nth(1).click()
    assert shown.get("selected") is None
    pictures = shown.page.get_by_role("listbox")
    pictures.focus()
    for key in ("Home", "ArrowRight", "ArrowLeft", "Enter"):
        pictures.press(key)
    shown.deliver()
    assert viewer.selected == 0


def test_the_colour_under_the_pointer(show, viewer):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[1, 4] = 250, 120, 7
    viewer.show(picture, 5, last=True)
    viewer.smooth = False
    shown = show(viewer)
    wait_for_levels(shown, [0])
    box = shown.page.locator(".cw-steps-canvas").bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] * 4.5 / 6, box["y"] + box["height"] * 1.5 / 4)
    read = shown.page.locator(".cw-steps-read")
    assert read.inner_text() == "row 1, column 4: R 250 G 120 B 7"
    assert round(box["width"]) == viewer.width and abs(box["height"] / box["width"] - 4 / 6) < 0.01
    shown.page.mouse.move(0, 0)
    assert read.inner_text() == ""


def test_pictures_wrap_and_shrink_on_a_narrow_page(show, viewer):
    viewer.width = 300
    shown = show(viewer)
    shown.page.set_viewport_size({"width": 250, "height": 700})
    shown.settle()
    boxes = [each.bounding_box() for each in shown.page.locator(".cw-steps-canvas").all()]
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"]
    assert all(box["width"] <= 220 for box in boxes)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 250


def test_nothing_yet_and_nothing_again(show):
    viewer = StepViewer(message="press play")
    shown = show(viewer)
    message = shown.page.locator(".cw-steps-message")
    assert message.inner_text() == "press play"
    assert shown.page.locator(".cw-steps-tools").is_hidden()
    viewer.show([grey(5)], 0)
    send(shown, viewer)
    wait_for_levels(shown, [5])
    assert message.is_hidden()
    viewer.clear()
    send(shown, viewer)
    assert message.inner_text() == "press play"
    viewer.show([grey(6)], 0)
    send(shown, viewer)
    wait_for_levels(shown, [6])
    viewer.close()


def saved(shown):
    """Sizes and first pixels of the files that were handed to the browser."""
    return shown.page.evaluate(
        """() => Promise.all(window.files.map(async ({ url, name }) => {
          const picture = await createImageBitmap(await (await fetch(url)).blob());
          const canvas = new OffscreenCanvas(picture.width, picture.height);
          canvas.getContext("2d").drawImage(picture, 0, 0);
          const level = canvas.getContext("2d").getImageData(0, 0, 1, 1).data[0];
          return [name, picture.width, picture.height, level];
        }))"""
    )


CATCH = """() => {
  window.files = [];
  HTMLAnchorElement.prototype.click = function () {
    window.files.push({ url: this.href, name: this.download });
  };
}"""


def test_saving_asks_the_kernel_and_does_without(show, viewer):
    shown = show(viewer)
    wait_for_levels(shown, [40, 215])
    shown.page.evaluate(CATCH)
    replies = []
    viewer.send = lambda content, buffers=None: replies.append((content, buffers))
    button(shown, "save").click()
    shown.deliver()
    content, (data,) = replies.pop()
    shown.page.evaluate(
        """([content, data]) => {
          const bytes = new DataView(Uint8Array.from(data).buffer);
          for (const hear of window.model.handlers.get("msg:custom")) hear(content, [bytes]);
        }""",
        [content, list(data)],
    )
    assert saved(shown) == [["pictures step 4.png", 2 * 18 + 2, 12, 40]]
    shown.set(selected=1)
    button(shown, "save").click()  # nobody answers
    shown.page.wait_for_function("() => window.files.length === 2", timeout=5000)
    assert saved(shown)[1] == ["pictures step 4.png", 18, 12, 215]
