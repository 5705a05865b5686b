import io

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.widgets import ScanControl

LIMIT = 10 * 2**20


@pytest.fixture
def control():
    control = ScanControl(source="5,000 Toytown pictures")
    control.asked = []
    control.on_start(control.asked.append)
    yield control
    control.close()


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width, height):
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def choose(shown, files):
    """Choose files, a dict of name to bytes, in the browser's dialogue."""
    shown.page.locator("input[type=file]").set_input_files(
        [dict(name=name, mimeType="image/png", buffer=data) for name, data in files.items()]
    )


def choose_padded(shown, name, data, size):
    """Choose a file of a size, filled with zeros behind the picture, which decoders do not read."""
    shown.page.evaluate(
        """([name, data, size]) => {
          const transfer = new DataTransfer();
          const padding = new Uint8Array(size - data.length);
          transfer.items.add(new File([Uint8Array.from(data), padding], name, { type: "image/png" }));
          const input = document.querySelector("input[type=file]");
          input.files = transfer.files;
          input.dispatchEvent(new Event("change"));
        }""",
        [name, list(data), size],
    )


def deliver_until(shown, ready, seconds=15):
    """Be the kernel, until something is the case."""
    for _ in range(int(seconds / 0.06)):
        shown.deliver()
        if ready():
            return
    raise AssertionError("it did not happen")


def note_messages(shown):
    """From now on keep the kind of each message and the sizes of its buffers, in bytes."""
    shown.page.evaluate(
        """() => {
          window.noted = [];
          const { send } = model;
          model.send = (content, callbacks, buffers = []) => {
            noted.push([content.kind, buffers.map(bytes => bytes.byteLength)]);
            send(content, callbacks, buffers);
          };
        }"""
    )
    return lambda: shown.page.evaluate("() => noted")


def facts(shown):
    return shown.page.locator(".cw-scan-facts").inner_text()


# -- a folder --


def test_a_folder(show, control):
    shown = show(control)
    field, scan = shown.page.get_by_label("Path of a folder"), shown.page.get_by_role("button", name="Scan")
    assert scan.is_disabled()
    field.fill("~/pictures")
    assert scan.is_enabled()
    scan.click()
    shown.deliver()
    assert control.asked == ["~/pictures"] and control.folder == "~/pictures"


def test_a_folder_with_the_enter_key(show, control):
    shown = show(control)
    field = shown.page.get_by_label("Path of a folder")
    field.press("Enter")
    shown.deliver()
    assert control.asked == []  # nothing typed
    field.fill("~/pictures")
    field.press("Enter")
    field.press("Enter")  # a second time before the kernel has answered
    shown.deliver()
    assert control.asked == ["~/pictures"] and control.error == ""


def test_the_folder_may_be_set_in_python(show, control):
    shown = show(control)
    control.folder = "/data/mine"
    shown.update("folder")
    assert shown.page.get_by_label("Path of a folder").input_value() == "/data/mine"
    assert shown.page.get_by_role("button", name="Scan").is_enabled()


def test_an_error_can_be_followed_by_another_try(show, control):
    control.on_start(lambda folder: 1 / 0)
    shown = show(control)
    for _ in range(2):
        shown.page.get_by_label("Path of a folder").fill("nowhere")
        shown.page.get_by_role("button", name="Scan").click()
        shown.deliver()
        assert shown.page.locator(".cw-error").inner_text().strip() == "ZeroDivisionError: division by zero"
    assert len(control.asked) == 2


def test_a_kernel_that_does_not_answer(show, control):
    shown = show(control)
    shown.page.get_by_label("Path of a folder").fill("~/pictures")
    shown.page.get_by_role("button", name="Scan").click()
    shown.page.get_by_text("waiting for the kernel").wait_for(timeout=3000)
    shown.deliver()
    assert shown.page.get_by_text("waiting for the kernel").count() == 0


# -- pictures of the browser --


def test_many_pictures_at_once_each_as_it_was(show, control):
    files = {f"{i}.png": encoded(Image.new("RGB", (20 + i, 12), (9 * i, 0, 0))) for i in range(23)}
    shown = show(control)
    messages = note_messages(shown)
    choose(shown, files)
    deliver_until(shown, lambda: control.running)
    assert [list(asked.items()) for asked in control.asked] == [list(files.items())]
    # one a message
    assert messages() == [["batch", []], *(["picture", [len(data)]] for data in files.values())]
    assert control.total == 23 and control.refused == []


def test_only_as_many_as_arrive(show, control):
    """A kernel that is busy gets no heap of pictures."""
    files = {f"{i}.png": encoded(Image.new("RGB", (8, 6))) for i in range(20)}
    shown = show(control)
    choose(shown, files)
    shown.page.wait_for_timeout(150)
    assert [message["kind"] for message in shown.messages()] == ["batch"]  # not before the kernel takes it
    shown.deliver()
    shown.page.wait_for_timeout(300)
    assert len(shown.messages()) == 6
    shown.deliver()
    shown.page.wait_for_timeout(300)
    assert len(shown.messages()) == 6
    assert facts(shown) == "6 of 20 sent"
    deliver_until(shown, lambda: control.running)
    assert len(control.asked[0]) == 20


def test_a_busy_kernel_is_said_to_be(show, control):
    shown = show(control)
    choose(shown, {"a.png": encoded(Image.new("RGB", (8, 6)))})
    shown.page.get_by_text("waiting for the kernel").wait_for(timeout=4000)
    deliver_until(shown, lambda: control.running)
    assert shown.page.get_by_text("waiting for the kernel").count() == 0


@pytest.mark.parametrize(("size", "small"), [((2600, 1200), (512, 236)), ((700, 1400), (256, 512))])
def test_large_pictures_are_made_smaller(show, control, size, small):
    shown = show(control)
    choose(shown, {"large.png": encoded(Image.new("RGB", size, "green"))})
    deliver_until(shown, lambda: control.running)
    picture = Image.open(io.BytesIO(control.asked[0]["large.png"]))
    assert picture.size == small and picture.format == "JPEG"
    assert np.abs(np.array(picture.resize((1, 1)))[0, 0] - np.array([0, 128, 0])).max() <= 2


def test_the_worst_picture_is_far_below_the_limit_of_a_message(show, control):
    """Noise does not compress; trap 2: a message of more than 10 MiB closes the socket."""
    files = {"small.png": encoded(noise(512, 512)), "large.png": encoded(noise(1500, 1400))}
    assert [len(data) > 750_000 for data in files.values()] == [True, True]
    shown = show(control)
    messages = note_messages(shown)
    choose(shown, files)
    deliver_until(shown, lambda: control.running)
    assert 0 < max(sizes[0] for kind, sizes in messages() if kind == "picture") < LIMIT / 8
    assert control.asked[0]["small.png"] == files["small.png"]  # 512 pixels: not touched


def test_a_small_picture_in_a_large_file(show, control):
    shown = show(control)
    choose_padded(shown, "padded.png", encoded(Image.new("RGB", (60, 40), "navy")), 9 * 2**20)
    deliver_until(shown, lambda: control.running)
    assert len(control.asked[0]["padded.png"]) < 10_000
    assert Image.open(io.BytesIO(control.asked[0]["padded.png"])).size == (60, 40)


def test_photographs_that_lie_on_their_side(show, control):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    shown = show(control)
    choose(shown, {"phone.jpg": encoded(Image.new("RGB", (1600, 900), "green"), "JPEG", exif=exif)})
    deliver_until(shown, lambda: control.running)
    assert Image.open(io.BytesIO(control.asked[0]["phone.jpg"])).size == (288, 512)


def test_what_browsers_cannot_read_goes_as_it_is_if_it_is_small(show, control):
    tiff, broken = encoded(Image.new("RGB", (30, 20), "teal"), "TIFF"), b"no picture"
    shown = show(control)
    choose(shown, {"scan.tif": tiff, "broken.jpg": broken})
    deliver_until(shown, lambda: control.running)
    assert control.asked == [{"scan.tif": tiff, "broken.jpg": broken}] and control.refused == []


def test_what_cannot_be_sent_is_reported_by_name_and_the_rest_goes(show, control):
    good = encoded(Image.new("RGB", (30, 20), "teal"))
    shown = show(control)
    shown.page.evaluate(
        """good => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(5 * 2 ** 20)], "film.mov"));
          transfer.items.add(new File([], "empty.png"));
          transfer.items.add(new File([Uint8Array.from(good)], "good.png"));
          const gone = new File([Uint8Array.from(good)], "gone.png");
          gone.arrayBuffer = () => Promise.reject(new DOMException("no", "NotFoundError"));
          transfer.items.add(gone);
          const input = document.querySelector("input[type=file]");
          input.files = transfer.files;
          Object.defineProperty(input, "files", { value: [...transfer.files].slice(0, 3).concat(gone) });
          input.dispatchEvent(new Event("change"));
        }""",
        list(good),
    )
    deliver_until(shown, lambda: control.running)
    assert control.asked == [{"good.png": good}] and control.total == 1
    assert control.refused == [
        "film.mov (5 MB) cannot be read by this browser: save it as JPEG or PNG",
        "empty.png is empty",
        "gone.png cannot be opened: was it moved or deleted?",
    ]
    assert shown.page.locator(".cw-scan-refused div").all_inner_texts() == control.refused


def test_nothing_that_can_be_sent(show, control):
    shown = show(control)
    choose(shown, {"empty.png": b""})
    deliver_until(shown, lambda: control.refused)
    shown.settle()
    assert control.asked == [] and shown.page.get_by_role("button", name="Choose pictures").is_visible()


def test_the_kernel_may_not_want_them(show, control):
    control.running = True
    shown = show(control)
    shown.set(running=False)  # this view does not know yet
    choose(shown, {"a.png": encoded(Image.new("RGB", (8, 6)))})
    shown.page.wait_for_function("() => model.messages.length")
    shown.deliver()
    shown.page.wait_for_timeout(150)
    assert shown.messages() == []
    assert "stop it first" in shown.page.locator(".cw-error").inner_text()


def test_stop_while_they_are_sent(show, control):
    shown = show(control)
    choose(shown, {f"{i}.png": encoded(Image.new("RGB", (8, 6))) for i in range(20)})
    shown.page.wait_for_timeout(100)
    shown.deliver()
    shown.page.wait_for_timeout(300)
    shown.page.get_by_role("button", name="Stop").click()
    deliver_until(shown, lambda: control._expected == 0)
    shown.page.wait_for_timeout(150)
    assert shown.messages() == [] and control.asked == [] and not control.running
    assert shown.page.get_by_role("button", name="Choose pictures").is_visible()
    choose(shown, {"a.png": encoded(Image.new("RGB", (8, 6)))})  # and again
    deliver_until(shown, lambda: control.running)
    assert list(control.asked[0]) == ["a.png"]


def test_a_view_that_is_closed_while_it_sends(show, control):
    shown = show(control)
    choose(shown, {f"{i}.png": encoded(Image.new("RGB", (8, 6))) for i in range(20)})
    shown.page.wait_for_timeout(100)
    shown.deliver()
    shown.page.wait_for_timeout(300)
    shown.page.evaluate("() => window.cleanups[0]()")
    deliver_until(shown, lambda: control._batch == "")
    assert control.asked == [] and shown.messages() == []


def test_dropped_files(show, control):
    files = {"a.png": encoded(Image.new("RGB", (8, 6), "red")), "b.png": encoded(Image.new("RGB", (6, 8)))}
    shown = show(control)
    prevented = shown.page.evaluate(
        """files => {
          const transfer = new DataTransfer();
          for (const [name, data] of Object.entries(files))
            transfer.items.add(new File([Uint8Array.from(data)], name, { type: "image/png" }));
          const target = document.querySelector(".cw-scan-source");
          return ["dragover", "drop"].map(type => {
            const event = new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
            let passed = false;
            document.body.addEventListener(type, () => (passed = true), { once: true });
            target.dispatchEvent(event);
            return [event.defaultPrevented, passed, document.querySelector(".cw-dropping") !== null];
          });
        }""",
        {name: list(data) for name, data in files.items()},
    )
    assert prevented == [[True, False, True], [True, False, False]]  # JupyterLab does not hear of them
    deliver_until(shown, lambda: control.running)
    assert control.asked == [files]


def test_a_dropped_folder(show, control, tmp_path):
    """With folders inside, more files than a browser lists at once, and files that are no pictures."""
    folder = tmp_path / "holiday"
    (folder / "deep").mkdir(parents=True)
    data = encoded(Image.new("RGB", (8, 6)))
    for i in range(120):
        (folder / f"{i}.png").write_bytes(data)
    (folder / "deep" / "0.JPG").write_bytes(data)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(data)
    shown = show(control)
    box = shown.page.locator(".cw-scan").bounding_box()
    devtools = shown.page.context.new_cdp_session(shown.page)
    for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
        shown.settle()
        devtools.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + 50,
                "y": box["y"] + 20,
                "data": {"items": [], "files": [str(folder)], "dragOperationsMask": 1},
            },
        )
    deliver_until(shown, lambda: control.running, seconds=30)
    names = list(control.asked[0])
    assert len(names) == 121 and set(names) == {
        "holiday/deep/0.JPG",
        *(f"holiday/{i}.png" for i in range(120)),
    }
    assert names.index("holiday/9.png") < names.index("holiday/10.png")


def test_a_drop_without_pictures(show, control):
    shown = show(control)
    shown.page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
          document.querySelector(".cw-scan-source").dispatchEvent(event);
        }"""
    )
    shown.page.wait_for_timeout(100)
    assert shown.messages() == []


# -- how far it is --


def test_progress(show, control):
    control.start("~/pictures")
    control.set_trait("total", 5000)
    control.set_trait("done", 1250)
    control.rate = 212.6
    shown = show(control)
    assert facts(shown) == "1,250 of 5,000 · 213 images/s · 18 s left"
    bar = shown.page.get_by_role("progressbar")
    shown.page.wait_for_timeout(300)  # the bar glides
    fill, whole = (shown.page.locator(f".cw-progress{part}").bounding_box() for part in ("-fill", ""))
    assert abs(fill["width"] / whole["width"] - 0.25) < 0.01
    assert (bar.get_attribute("aria-valuenow"), bar.get_attribute("aria-valuemax")) == ("1250", "5000")
    assert bar.get_attribute("aria-valuetext") == facts(shown)


@pytest.mark.parametrize(
    ("done", "total", "rate", "told"),
    [
        (12, 0, 0, "12 pictures"),
        (1, 0, 3.14, "1 picture · 3.1 images/s"),
        (10, 100, 0.5, "10 of 100 · 0.5 images/s · 3 min left"),
        (1, 80000, 10, "1 of 80,000 · 10 images/s · 2.2 h left"),
        (99, 100, 400, "99 of 100 · 400 images/s · 1 s left"),
        (100, 100, 400, "100 of 100 · 400 images/s"),
    ],
)
def test_how_long_it_will_take(show, control, done, total, rate, told):
    control.start("a")
    control.total, control.done = total, done
    control.rate = rate
    shown = show(control)
    assert facts(shown) == told
    unknown = shown.page.get_by_role("progressbar").get_attribute("aria-valuenow") is None
    assert unknown == (total == 0)


@pytest.mark.parametrize("width", [1000, 372])
def test_the_page_does_not_jump(show, control, width):
    """From choosing to scanning, at every report, and back; with a long message meanwhile."""
    shown = show(control)
    shown.page.set_viewport_size({"width": width, "height": 700})
    shown.page.evaluate(
        "() => document.body.append(Object.assign(document.createElement('p'), { id: 'below' }))"
    )

    def places():
        shown.settle()
        return shown.page.evaluate(
            """() => [document.querySelector("#below").getBoundingClientRect().top,
                      document.querySelector(".cw-progress").getBoundingClientRect().width]"""
        )

    before = places()
    control.start("~/pictures")
    shown.update("running", "done", "total", "message", "folder")
    for done in range(0, 20000, 1717):
        control.total, control.done = 20000, done
        control.rate = done / 7
        control.message = "reading " + "very/long/path/" * (done // 500)
        shown.update("done", "total", "rate", "message")
        assert places() == before, done
    control.finish("20,000 pictures")
    shown.update("running", "done", "message")
    assert places() == before


def test_stop(show, control):
    stopped = []
    control.on_cancel(lambda: stopped.append(True))
    control.start("a")
    shown = show(control)
    stop = shown.page.get_by_role("button", name="Stop")
    stop.click()
    stop.dispatch_event("click")  # in haste
    shown.deliver()
    assert stopped == [True] and control.running
    assert facts(shown).startswith("stopping …")
    stop.dispatch_event("click")
    shown.deliver()
    assert stopped == [True]
    control.finish("212 pictures, stopped")
    shown.update("running", "stopping", "message")
    assert shown.page.get_by_text("212 pictures, stopped").first.is_visible()
    assert stop.is_hidden() and shown.page.get_by_role("button", name="Choose pictures").is_enabled()


def test_the_keyboard_goes_where_the_buttons_are(show, control):
    shown = show(control)
    field = shown.page.get_by_label("Path of a folder")
    field.fill("~/pictures")
    field.press("Tab")
    shown.page.keyboard.press("Enter")  # on "Scan"
    shown.deliver()
    active = "() => document.activeElement.textContent"
    assert shown.page.evaluate(active) == "Stop"
    shown.page.keyboard.press("Enter")
    shown.deliver()
    control.finish("stopped")
    shown.update("running", "stopping", "message")
    assert shown.page.evaluate(active) == "Scan"


def test_the_keyboard_is_left_alone_elsewhere(show, control):
    shown = show(control)
    shown.page.evaluate(
        "() => { const other = document.createElement('input'); document.body.append(other); other.focus(); }"
    )
    control.start("a")
    shown.update("running")
    assert shown.page.evaluate("() => document.activeElement.parentElement === document.body")


def test_hidden_buttons_cannot_be_reached(show, control):
    shown = show(control)

    def reachable():
        return shown.page.evaluate(
            """() => [...document.querySelectorAll(".cw-body button, .cw-body input")]
              .filter(el => el.checkVisibility({ visibilityProperty: true }) && !el.disabled)
              .map(el => el.getAttribute("aria-label") ?? el.textContent)"""
        )

    assert reachable() == ["Path of a folder", "Choose pictures …"]
    control.start("a")
    shown.update("running", "folder")
    assert reachable() == ["Stop"]


def test_what_a_screen_reader_hears(show, control):
    """Quarters and the end, not each of a thousand reports."""
    shown = show(control)
    shown.page.evaluate(
        """() => {
          window.heard = [];
          const status = document.querySelector("[role=status]");
          new MutationObserver(() => heard.push(status.textContent)).observe(status, { childList: true });
        }"""
    )
    control.start("a")
    shown.update("running")
    for done in range(0, 101, 5):
        control.total, control.done = 100, done
        shown.update("done", "total")
        shown.page.wait_for_timeout(25)
        if done % 25 == 0:
            shown.page.wait_for_timeout(200)
    control.finish("100 pictures")
    shown.update("running", "message")
    shown.page.wait_for_timeout(200)
    assert shown.page.evaluate("() => heard") == [
        "25 % scanned",
        "50 % scanned",
        "75 % scanned",
        "100 pictures",
    ]


def test_back_home(show, control):
    back = []
    control.on_reset(lambda: back.append(True))
    shown = show(control)
    button = shown.page.get_by_role("button", name="Back to 5,000 Toytown pictures")
    assert button.count() == 0
    control.source = "3 pictures of mine"
    shown.update("source", "home")
    assert shown.page.locator(".cw-scan-source").inner_text() == "3 pictures of mine"
    button.click()
    shown.deliver()
    assert back == [True]
    control.start("a")
    shown.update("running")
    assert button.is_disabled()


def test_names_are_text(show, control):
    control.message, control.refused, control.source = "<b>a</b>", ["<i>b</i> is empty"], "<u>c</u>"
    shown = show(control)
    for text in ("<b>a</b>", "<i>b</i> is empty", "<u>c</u>"):
        assert shown.page.get_by_text(text, exact=True).first.is_visible()


def test_two_views_say_the_same(show, control):
    shown = show(control, views=2)
    choose_first = shown.page.locator("input[type=file]").first
    choose_first.set_input_files(
        [
            dict(name=f"{i}.png", mimeType="image/png", buffer=encoded(Image.new("RGB", (8, 6))))
            for i in range(30)
        ]
    )
    shown.page.wait_for_timeout(100)
    shown.deliver()
    shown.page.wait_for_timeout(300)
    shown.deliver()
    assert shown.page.locator(".cw-scan-facts").all_inner_texts() == ["6 of 30 sent"] * 2
    shown.page.get_by_role("button", name="Stop").nth(1).click()  # the other one stops it, too
    deliver_until(shown, lambda: control._batch == "")
    shown.page.wait_for_timeout(150)
    shown.deliver()
    assert control.asked == [] and not control.running


@pytest.mark.parametrize("state", ["choosing", "scanning", "after"])
def test_nothing_is_cut_off_on_a_narrow_page(show, control, state):
    control.source = "412 pictures of /home/somebody/holidays/2023"
    if state == "scanning":
        control.start("a")
        control.total, control.done = 20000, 12000
        control.rate = 1234.0
    if state == "after":
        control.message, control.refused = "412 pictures, 3 could not be read: " + "x" * 60, ["film.mov " * 9]
    shown = show(control)
    shown.page.set_viewport_size({"width": 352, "height": 700})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 352
    cut = shown.page.evaluate(
        """() => [...document.querySelectorAll(".cw-body *")]
          .filter(el => el.checkVisibility({ visibilityProperty: true }) && !el.matches("input"))
          .filter(el => el.scrollWidth > el.clientWidth + 1 && el.clientWidth)
          .map(el => el.className)"""
    )
    assert cut == []
