import io

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.widgets import ImagePicker

COLOURS = ["red", "lime", "blue", "white"]


@pytest.fixture
def picker():
    picker = ImagePicker({colour: Image.new("RGB", (40, 30), colour) for colour in COLOURS})
    yield picker
    picker.close()


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def upload(shown, name, data, kind="image/png"):
    shown.page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": data})
    shown.page.wait_for_function("() => model.messages.length || model.get('error')")


def upload_padded(shown, name, data, kind):
    """Upload a file of 9 MB, most of it zeros behind the picture, which decoders do not read."""
    shown.page.evaluate(
        """([name, data, kind]) => {
          const transfer = new DataTransfer();
          const padding = new Uint8Array(9 * 2 ** 20 - data.length);
          transfer.items.add(new File([Uint8Array.from(data), padding], name, { type: kind }));
          const input = document.querySelector("input[type=file]");
          input.files = transfer.files;
          input.dispatchEvent(new Event("change"));
        }""",
        [name, list(data), kind],
    )
    shown.page.wait_for_function("() => model.messages.length || model.get('error')")


def dispatch(shown, event, property_, name, data, kind="image/png"):
    """Drop or paste a file."""
    shown.page.evaluate(
        """([event, property, name, data, kind]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(data)], name, { type: kind }));
          const what = new Event(event, { bubbles: true, cancelable: true });
          Object.defineProperty(what, property, { value: transfer });
          document.querySelector(".cw-images-gallery").dispatchEvent(what);
          window.prevented = what.defaultPrevented;
        }""",
        [event, property_, name, list(data), kind],
    )
    shown.page.wait_for_function("() => model.messages.length")
    assert shown.page.evaluate("() => window.prevented")


def middle_colours(shown):
    shown.page.wait_for_timeout(100)  # the atlas is decoded beside
    return shown.page.evaluate(
        """() => [...document.querySelectorAll(".cw-images-tile canvas")].map(canvas =>
          [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]
            .slice(0, 3))"""
    )


def test_thumbnails(show, picker):
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert np.abs(np.array(middle_colours(show(picker))) - wanted).max() < 6
    assert [tile for tile in picker._titles] == COLOURS


def test_a_click_chooses(show, picker):
    shown = show(picker)
    shown.page.locator("[role=option]").nth(2).click()
    shown.deliver()
    assert picker.name == "blue" and picker.image.getpixel((0, 0)) == (0, 0, 255)
    assert shown.page.locator("[aria-selected=true]").get_attribute("aria-label") == "blue"
    assert shown.page.locator(".cw-images-name").inner_text() == "blue"


def test_nothing_chosen_leaves_no_hole(show, picker):
    picker._set(index=-1, name="", image=None)
    shown = show(picker)
    assert shown.page.locator(".cw-images-figure").is_hidden()
    gallery = shown.page.locator(".cw-images-gallery").bounding_box()
    shown.page.locator("[role=option]").nth(1).click()
    shown.deliver()
    shown.page.locator(".cw-images-figure").wait_for()
    assert shown.page.locator(".cw-images-gallery").bounding_box()["x"] > gallery["x"] + 100
    picker._set(index=-1, name="", image=None)
    shown.update("index", "name", "_preview")
    shown.page.locator(".cw-images-figure").wait_for(state="hidden")
    shown.page.get_by_role("button", name="Camera").click()
    shown.page.locator("video").wait_for()


def test_keys(show, picker):
    shown = show(picker)
    gallery = shown.page.locator("[role=listbox]")
    gallery.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        gallery.press(key)
    assert shown.get("index") == 0  # looking is not choosing
    active = gallery.get_attribute("aria-activedescendant")
    assert shown.page.locator(f"#{active}").get_attribute("aria-label") == "lime"
    gallery.press("Enter")
    assert shown.get("index") == 1
    gallery.press("End")
    gallery.press(" ")
    assert shown.get("index") == 3


def test_arrow_keys_between_rows(show):
    picker = ImagePicker([Image.new("RGB", (8, 8), (i, 0, 0)) for i in range(30)])
    shown = show(picker)
    shown.page.set_viewport_size({"width": 600, "height": 700})
    gallery = shown.page.locator("[role=listbox]")
    gallery.focus()
    gallery.press("ArrowDown")
    gallery.press("Enter")
    below = shown.get("index")
    tops = shown.page.locator("[role=option]").evaluate_all(
        "all => all.map(el => [el.offsetTop, el.offsetLeft])"
    )
    assert tops[below][1] == tops[0][1] and tops[below][0] > tops[0][0] and below > 2
    gallery.press("ArrowUp")
    gallery.press("Enter")
    assert shown.get("index") == 0


def test_an_upload_arrives_as_it_was(show, picker):
    data = encoded(Image.new("RGB", (31, 17), "orange"))
    shown = show(picker)
    upload(shown, "fruit.png", data)
    assert shown.messages() == [{"kind": "upload", "name": "fruit.png", "buffers": [data]}]
    shown.deliver()
    assert picker.name == "fruit.png" and picker.image.size == (31, 17) and picker.index == 4
    assert len(middle_colours(shown)) == 5
    assert np.abs(np.array(middle_colours(shown)[4]) - (255, 165, 0)).max() < 8


def test_a_corrupt_upload_is_told_and_changes_nothing(show, picker):
    shown = show(picker)
    picker.index = 1
    shown.update("index", "name")
    image = picker.image
    data = encoded(Image.new("RGB", (64, 64), "red"))[:60]
    upload(shown, "broken.png", data)
    assert shown.messages()[0]["buffers"] == [data]  # sent, so that Python says what is wrong
    shown.deliver()
    assert picker.error and shown.page.locator(".cw-error").inner_text().strip() == picker.error
    assert picker.image is image and (picker.index, picker.name) == (1, "lime") and len(picker._names) == 4
    first = picker.error
    shown.page.locator(".cw-error button").click()
    shown.deliver()
    upload(shown, "broken.png", data)  # the same again is told again
    shown.deliver()
    assert picker.error == first and shown.page.locator(".cw-error").is_visible()
    upload(shown, "good.png", encoded(Image.new("RGB", (9, 9))))
    shown.deliver()
    assert picker.error == "" and shown.page.locator(".cw-error").is_hidden()


def test_what_browsers_cannot_read_python_can(show, picker):
    shown = show(picker)
    upload(shown, "scan.tif", encoded(Image.new("RGB", (12, 20), "teal"), "TIFF"), "image/tiff")
    shown.deliver()
    assert picker.image.size == (12, 20) and picker.error == ""


def test_a_large_picture_is_made_smaller_before_it_is_sent(show, picker):
    """Trap 2: a message of more than 10 MiB closes the socket."""
    shown = show(picker)
    upload_padded(shown, "large.png", encoded(Image.new("RGB", (2600, 1200), "green")), "image/png")
    (message,) = shown.messages()
    assert len(message["buffers"][0]) < 8 * 2**20
    assert Image.open(io.BytesIO(message["buffers"][0])).size == (2048, 945)


def test_a_large_file_that_is_no_picture_is_refused_in_the_browser(show, picker):
    shown = show(picker)
    upload_padded(shown, "film.jpg", b"film", "image/jpeg")
    assert shown.messages() == []
    assert shown.page.locator(".cw-error").inner_text().strip().startswith("film.jpg (9 MB) cannot be read")


def test_an_empty_file(show, picker):
    shown = show(picker)
    upload(shown, "nothing.png", b"")
    assert shown.messages() == []
    assert "nothing.png is empty" in shown.page.locator(".cw-error").inner_text()


def test_exif_rotation_of_a_large_photograph(show, picker):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    shown = show(picker)
    data = encoded(Image.new("RGB", (3000, 2200), "green"), "JPEG", exif=exif)
    upload_padded(shown, "phone.jpg", data, "image/jpeg")
    assert Image.open(io.BytesIO(shown.messages()[0]["buffers"][0])).size == (1502, 2048)


@pytest.mark.parametrize(("event", "property_"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_drop_and_paste(show, picker, event, property_):
    shown = show(picker)
    data = encoded(Image.new("RGB", (5, 4), "navy"))
    dispatch(shown, event, property_, "flag.png", data)
    shown.deliver()
    assert picker.name == "flag.png" and picker.image.size == (5, 4)


def test_the_camera_waits_for_the_kernel(show, picker):
    """Chromium's own imitation of a camera."""
    picker.camera_fps = 100.0
    shown = show(picker)
    shown.page.get_by_role("button", name="Camera").click()
    shown.page.wait_for_function("() => model.messages.length === 1")
    shown.page.wait_for_timeout(150)
    (frame,) = shown.messages()  # none while the first is not dealt with
    assert frame["kind"] == "frame" and max(Image.open(io.BytesIO(frame["buffers"][0])).size) == 320
    shown.deliver()
    assert picker.name == "camera" and picker.index == -1 and picker.frame_seen == 1
    shown.page.wait_for_function("() => model.messages.length === 1")
    assert shown.messages()[0]["number"] == 2
    shown.page.get_by_role("button", name="Stop").click()
    shown.deliver()
    assert picker.name == "camera" and picker.index == 4  # the last frame stays in the gallery
    shown.page.wait_for_timeout(100)
    assert shown.messages() == []
    assert shown.page.locator("video").count() == 0


def test_the_camera_stops_with_the_view(show, picker):
    shown = show(picker)
    shown.page.evaluate(
        """() => {
          const media = navigator.mediaDevices, get = media.getUserMedia.bind(media);
          media.getUserMedia = async (wish) => (window.stream = await get(wish));
        }"""
    )
    shown.page.get_by_role("button", name="Camera").click()
    shown.page.wait_for_function("() => model.messages.length")
    shown.page.evaluate("() => window.cleanups[0]()")
    assert shown.page.evaluate("() => window.stream.getTracks().map(track => track.readyState)") == ["ended"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("NotAllowedError", "may not use the camera"), ("NotFoundError", "no camera was found")],
)
def test_a_camera_that_cannot_be_had(show, picker, name, said):
    shown = show(picker)
    shown.page.evaluate(
        """name => {
          navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
        }""",
        name,
    )
    shown.page.get_by_role("button", name="Camera").click()
    error = shown.page.locator(".cw-error")
    error.wait_for(state="visible")
    assert said in error.inner_text()


def test_a_camera_on_an_insecure_page(show, picker):
    shown = show(picker)
    shown.page.evaluate("() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    shown.page.get_by_role("button", name="Camera").click()
    assert "secure page" in shown.page.locator(".cw-error").inner_text()
