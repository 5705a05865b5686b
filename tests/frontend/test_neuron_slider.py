import numpy as np
import pytest

from cnnwidgets.widgets import NeuronSlider

STRIP = ".cw-slider-strip"


@pytest.fixture
def slider():
    slider = NeuronSlider(strengths=[0.5, 4.0, 0.0, 4.0, 1.0, np.nan], channel=0)
    yield slider
    slider.close()


def test_keys_step_along_the_order(show, slider):
    slider.sort = True
    assert slider.order == [1, 3, 4, 0, 2, 5]
    slider.channel = 1
    shown = show(slider)
    strip = shown.page.locator(STRIP)
    strip.focus()
    for key, channel in [
        ("ArrowRight", 3),
        ("ArrowUp", 4),
        ("ArrowLeft", 3),
        ("ArrowDown", 1),
        ("ArrowLeft", 1),
        ("End", 5),
        ("PageDown", 2),
        ("PageUp", 5),
        ("Home", 1),
    ]:
        strip.press(key)
        assert shown.get("channel") == channel, key


def test_what_a_screen_reader_says(show, slider):
    shown = show(slider)
    strip = shown.page.locator(STRIP)
    assert strip.get_attribute("role") == "slider"
    shown.set(channel=4)
    read = {
        name: strip.get_attribute(f"aria-{name}")
        for name in ("valuenow", "valuemin", "valuemax", "valuetext")
    }
    assert read == {
        "valuenow": "4",
        "valuemin": "0",
        "valuemax": "5",
        "valuetext": "channel 4, activation 1.00, rank 3 of 6",
    }


def test_equal_strengths_share_a_rank_as_in_python(show, slider):
    shown = show(slider)
    for channel in (1, 3):
        slider.channel = channel
        shown.update("channel")
        assert "rank 1 of 6" in shown.page.locator(STRIP).get_attribute("aria-valuetext")
        assert slider.describe().endswith("rank 1")


def test_pixels_follow_the_channel(show, slider):
    shown = show(slider)
    before = shown.pixels(STRIP)
    shown.set(channel=3)
    assert shown.pixels(STRIP) != before
    shown.set(channel=0)
    assert shown.pixels(STRIP) == before


def test_dragging_sends_little_and_always_the_last(show, slider):
    """Trap 4: a flood of messages loses the last one."""
    slider.n_channels = 512
    shown = show(slider)
    box = shown.page.locator(STRIP).bounding_box()
    mouse, middle = shown.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 6, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 30, middle, steps=150)
    mouse.up()
    last = shown.get("channel")
    assert last > 450
    times = shown.page.evaluate("() => model.sentAt")
    assert len(times) < 150
    assert min(np.diff(times[:-1]), default=50) >= 45  # the one at release is sent at once
    assert shown.sent()[-1]["channel"] == last
    shown.deliver()
    assert slider.channel == last


def test_the_last_state_is_sent_when_the_view_goes(show, slider):
    shown = show(slider)
    shown.page.locator(STRIP).focus()
    shown.page.keyboard.press("ArrowRight")
    shown.page.evaluate(
        """() => {
          const strip = document.querySelector(".cw-slider-strip");
          const press = () => new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true });
          for (let i = 0; i < 3; i++) strip.dispatchEvent(press());
          window.cleanups[0]();
        }"""
    )
    assert shown.sent()[-1]["channel"] == shown.get("channel") == 4


def test_entry_box(show, slider):
    shown = show(slider)
    entry = shown.page.locator(".cw-slider-entry")
    for typed, channel in [("3", 3), ("99", 5), ("-2", 0), ("", 0)]:
        entry.fill(typed)
        entry.press("Enter")
        assert shown.get("channel") == channel
        assert entry.input_value() == str(channel)


def test_buttons_end_where_the_order_ends(show, slider):
    shown = show(slider)
    back, forth = (
        shown.page.get_by_role("button", name=name) for name in ("Previous channel", "Next channel")
    )
    assert back.is_disabled() and forth.is_enabled()
    forth.click()
    assert shown.get("channel") == 1
    shown.set(channel=5)
    assert forth.is_disabled()


def test_sorting_is_the_same_on_both_sides(show, slider):
    shown = show(slider)
    shown.page.get_by_label("sort by activation").check()
    assert shown.get("order") == [1, 3, 4, 0, 2, 5]
    shown.deliver()
    assert slider.sort and slider.order == [1, 3, 4, 0, 2, 5]
    shown.page.get_by_label("sort by activation").uncheck()
    assert shown.get("order") == list(range(6))


@pytest.mark.parametrize("seed", range(3))
def test_sorting_many_with_ties(show, seed):
    slider = NeuronSlider(strengths=np.random.default_rng(seed).integers(0, 9, 300))
    shown = show(slider)
    shown.page.get_by_label("sort by activation").check()
    browser = shown.get("order")
    slider.sort = True
    assert slider.order == browser


def test_without_strengths(show):
    shown = show(NeuronSlider(n_channels=4))
    assert shown.page.get_by_label("sort by activation").is_hidden()
    assert shown.page.locator(STRIP).get_attribute("aria-valuetext") == "channel 0"


def test_a_new_layer(show, slider):
    shown = show(slider)
    slider.channel = 5
    shown.update("channel")
    slider.strengths = [1.0, 2.0]
    shown.update("strengths", "n_channels", "channel", "order")
    assert (
        shown.page.locator(STRIP).get_attribute("aria-valuetext") == "channel 1, activation 2.00, rank 1 of 2"
    )
