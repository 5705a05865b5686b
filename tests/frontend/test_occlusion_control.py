import numpy as np
import pytest

from cnnwidgets.widgets.occlusion_control import OcclusionControl


@pytest.fixture
def control():
    control = OcclusionControl(image_size=(96, 128))
    control.runs, control.stops = [], []
    control.on_run(lambda: control.runs.append((control.size, control.stride, control.fill)))
    control.on_stop(lambda: control.stops.append(True))
    yield control
    control.close()


def group(shown, name):
    return shown.page.get_by_role("group", name=name, exact=True)


def pressed(shown, name):
    return group(shown, name).locator("[aria-pressed=true]").all_inner_texts()


def choose(shown, name, text):
    group(shown, name).get_by_role("button", name=text, exact=True).click()


def told(shown, part):
    return shown.page.locator(f".cw-occlusion-{part}").inner_text()


def test_what_is_chosen(show, control):
    shown = show(control)
    assert [pressed(shown, name) for name in ("stride", "fill", "method", "precision")] == [
        ["8"], ["grey"], ["full"], ["exact"],
    ]  # fmt: skip
    assert told(shown, "count") == "12 × 16 = 192 squares"
    for name, text in [("stride", "4"), ("fill", "noise"), ("method", "adaptive"), ("precision", "fast")]:
        choose(shown, name, text)
        assert pressed(shown, name) == [text]
    assert told(shown, "count") == "24 × 32 = 768 squares"
    shown.deliver()
    assert (control.stride, control.fill, control.method, control.precision) == (
        4,
        "noise",
        "adaptive",
        "fast",
    )


def test_the_size(show, control):
    shown = show(control)
    slider, entry = shown.page.get_by_role("slider"), shown.page.get_by_role("spinbutton")
    assert (slider.input_value(), entry.input_value()) == ("32", "32")
    assert slider.get_attribute("max") == "128"
    slider.press("ArrowRight")
    assert shown.get("size") == 33 and entry.input_value() == "33"
    for typed, size in [("16", 16), ("500", 128), ("-3", 1), ("", 1)]:
        entry.fill(typed)
        entry.press("Enter")
        assert shown.get("size") == size and entry.input_value() == str(size)
    entry.fill("77")
    entry.press("Escape")
    assert entry.input_value() == "1"
    shown.deliver()
    assert control.size == 1


def test_dragging_the_size_sends_little_and_always_the_last(show, control):
    shown = show(control)
    box = shown.page.get_by_role("slider").bounding_box()
    mouse, middle = shown.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 30, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 1, middle, steps=120)
    mouse.up()
    times = shown.page.evaluate("() => model.sentAt")
    assert len(times) < 120 and min(np.diff(times[:-1]), default=50) >= 45
    assert shown.sent()[-1]["size"] == shown.get("size") > 120


def test_a_stride_of_ones_own(show, control):
    control.stride = 12
    shown = show(control)
    assert group(shown, "stride").get_by_role("button").all_inner_texts() == list("1248") + ["12", "16", "32"]
    assert pressed(shown, "stride") == ["12"]
    choose(shown, "stride", "8")
    assert group(shown, "stride").get_by_role("button").all_inner_texts() == list("1248") + ["16", "32"]


def test_gaps_are_told(show, control):
    control.size = 8
    shown = show(control)
    assert "gaps" not in told(shown, "count")
    shown.set(size=7)
    assert told(shown, "count") == "12 × 16 = 192 squares, with gaps"
    control.image_size = (5, 8)
    shown.update("image_size", "size")
    assert told(shown, "count") == "1 × 1 = 1 square"


def test_arrow_keys_go_along_a_choice(show, control):
    shown = show(control)
    group(shown, "stride").get_by_role("button", name="8", exact=True).focus()
    for key, stride in [
        ("ArrowRight", "16"),
        ("ArrowRight", "32"),
        ("ArrowRight", "32"),
        ("ArrowLeft", "16"),
    ]:
        shown.page.keyboard.press(key)
        assert pressed(shown, "stride") == [stride]
        assert shown.page.evaluate("() => document.activeElement.textContent") == stride


def test_the_keyboard_stays_where_a_stride_of_ones_own_goes_away(show, control):
    control.stride = 12
    shown = show(control)
    group(shown, "stride").get_by_role("button", name="12", exact=True).focus()
    shown.page.keyboard.press("ArrowLeft")
    assert shown.page.evaluate("() => document.activeElement.textContent") == "8"


def test_other_fills_and_their_colours(show, control):
    control.fills, control.swatches = ["mean", "sepia"], {"mean": "#102030"}
    shown = show(control)
    assert group(shown, "fill").get_by_role("button").all_inner_texts() == ["mean", "sepia"]
    assert group(shown, "fill").locator("canvas").count() == 1  # nothing is known of sepia
    colour = (
        """() => [...document.querySelector(".cw-swatch").getContext("2d").getImageData(9, 9, 1, 1).data]"""
    )
    assert shown.page.evaluate(colour) == [16, 32, 48, 255]
    control.swatches = {"mean": "#405060", "sepia": "#704214"}
    shown.update("swatches")
    assert shown.page.evaluate(colour) == [64, 80, 96, 255]
    assert group(shown, "fill").locator("canvas").count() == 2


def test_every_fill_looks_different(show, control):
    shown = show(control)
    looks = shown.page.evaluate(
        "() => [...document.querySelectorAll('.cw-swatch')].map(each => each.toDataURL())"
    )
    assert len(set(looks)) == len(looks) == 6


def test_run_and_stop(show, control):
    control.auto = False
    shown = show(control)
    run, stop = (shown.page.locator(f".cw-occlusion-{name}") for name in ("run", "stop"))
    assert run.is_visible() and stop.is_hidden()
    choose(shown, "stride", "16")
    run.click()
    shown.deliver()
    assert control.runs == [(32, 16, "grey")] and control.running
    assert run.is_hidden() and stop.is_visible()
    stop.click()
    stop.click(force=True)  # once is enough
    assert [message["kind"] for message in shown.messages()] == ["stop"]
    shown.deliver()
    assert control.stops == [True] and stop.get_attribute("aria-disabled") == "true"
    control.finish("stopped")
    shown.update("running", "stopping", "message")
    assert run.is_visible() and told(shown, "message") == "stopped"


def test_the_kernel_hears_of_the_settings_before_it_runs(show, control):
    """Settings wait up to 50 ms, lest there be too many messages; a button does not."""
    shown = show(control)
    sent = shown.page.evaluate(
        """() => {
          const strides = document.querySelectorAll(".cw-choose-stride button");
          for (const button of strides) button.click();
          document.querySelector(".cw-occlusion-run").click();
          return model.sent.map(state => state.stride);
        }"""
    )
    assert sent == [1, 32]


def test_the_keyboard_goes_where_the_button_is(show, control):
    shown = show(control)
    shown.page.locator(".cw-occlusion-run").press("Enter")
    shown.deliver()
    assert shown.page.evaluate("() => document.activeElement.textContent") == "Stop"
    control.finish("exact")
    shown.update("running", "message")
    assert shown.page.evaluate("() => document.activeElement.textContent") == "Run"


def test_how_far_it_is(show, control):
    shown = show(control)
    control.run()
    control.done, control.rate = 48, 96.4
    shown.update("running", "done", "total", "rate")
    assert told(shown, "facts") == "48 of 192 · 96 squares/s · 1 s left"
    bar = shown.page.get_by_role("progressbar")
    assert (bar.get_attribute("aria-valuenow"), bar.get_attribute("aria-valuemax")) == ("48", "192")
    shown.page.wait_for_timeout(300)
    whole, fill = bar.bounding_box(), shown.page.locator(".cw-progress-fill").bounding_box()
    assert fill["width"] / whole["width"] == pytest.approx(0.25, abs=0.02)
    control.stop()
    shown.update("stopping")
    assert told(shown, "facts") == "stopping … · 48 of 192"


def test_nothing_below_moves_while_it_runs(show, control):
    shown = show(control)
    before = shown.page.locator(".cw-occlusion").bounding_box()
    control.run()
    control.done, control.rate, control.message = 100, 12345.6, "told at length " * 20
    shown.update("running", "done", "total", "rate", "message")
    assert shown.page.locator(".cw-occlusion").bounding_box() == before


def test_an_error_can_be_followed_by_another_try(show, control):
    control.on_run(lambda: 1 / 0)
    shown = show(control)
    for _ in range(2):
        shown.page.locator(".cw-occlusion-run").click()
        shown.deliver()
        assert "ZeroDivisionError" in shown.page.locator(".cw-error").inner_text()
        assert shown.page.locator(".cw-occlusion-run").is_visible()


def test_a_kernel_that_does_not_answer(show, control):
    shown = show(control)
    shown.page.locator(".cw-occlusion-run").click()
    shown.page.wait_for_function(
        "() => document.querySelector('.cw-occlusion-message').textContent === 'waiting for the kernel …'"
    )
    shown.deliver()
    assert told(shown, "message") == ""


def test_auto(show, control):
    shown = show(control)
    choose(shown, "fill", "mean")
    shown.deliver()
    assert control.runs == [(32, 8, "mean")]
    shown.page.get_by_label("auto").uncheck()
    shown.deliver()
    choose(shown, "fill", "black")
    shown.deliver()
    assert not control.auto and len(control.runs) == 1


@pytest.mark.parametrize("width", [932, 360, 304])
def test_it_fits_the_page(show, control, only_page, width):
    control.image_size = (224, 224)
    only_page.set_viewport_size({"width": width, "height": 760})
    shown = show(control)
    control.run()
    control.done, control.rate = 100, 341.2
    shown.update("running", "done", "total", "rate")
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
    if width > 900:
        assert shown.page.locator(".cw-occlusion").bounding_box()["height"] < 120
