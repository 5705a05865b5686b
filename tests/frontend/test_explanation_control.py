import numpy as np
import pytest

from cnnwidgets.widgets import ExplanationControl

MAPS = ["gradient × input", "saliency", "SmoothGrad", "integrated gradients", "Grad-CAM"]


@pytest.fixture
def control():
    control = ExplanationControl(offered=MAPS)
    yield control
    control.close()


def chip(shown, name):
    return shown.page.get_by_role("group", name="maps").get_by_role("button", name=name, exact=True)


def pressed(shown):
    return shown.page.locator(".cw-explain-maps [aria-pressed=true]").all_inner_texts()


def test_maps_are_shown_and_hidden(show, control):
    shown = show(control)
    assert pressed(shown) == MAPS
    chip(shown, "saliency").click()
    chip(shown, "SmoothGrad").click()
    assert pressed(shown) == ["gradient × input", "integrated gradients", "Grad-CAM"]
    chip(shown, "saliency").click()
    shown.deliver()
    assert control.chosen == ["gradient × input", "saliency", "integrated gradients", "Grad-CAM"]
    control.chosen = ["Grad-CAM"]
    shown.update("chosen")
    assert pressed(shown) == ["Grad-CAM"]


def test_options_are_there_only_for_maps_that_are_shown(show, control):
    shown = show(control)
    labels = ["SmoothGrad: noisy copies", "SmoothGrad: noise", "Integrated gradients: steps"]
    assert [shown.page.get_by_label(label).is_visible() for label in labels] == [True] * 3
    chip(shown, "SmoothGrad").click()
    assert [shown.page.get_by_label(label).is_visible() for label in labels] == [False, False, True]


@pytest.mark.parametrize(
    ("trait", "label", "key", "value", "told"),
    [
        ("samples", "SmoothGrad: noisy copies", "ArrowRight", 55, "55"),
        ("noise", "SmoothGrad: noise", "ArrowLeft", 0.14, "14 %"),
        ("steps", "Integrated gradients: steps", "Home", 1, "1"),
    ],
)
def test_numbers(show, control, trait, label, key, value, told):
    shown = show(control)
    slider = shown.page.get_by_label(label)
    slider.press(key)
    assert shown.get(trait) == pytest.approx(value)
    assert slider.get_attribute("aria-valuetext") == told
    assert shown.page.locator(f".cw-explain-{trait} + output").inner_text() == told
    shown.deliver()
    assert getattr(control, trait) == pytest.approx(value)


def test_a_number_that_the_slider_has_no_place_for_is_told_as_it_is(show, control):
    control.samples, control.noise = 3, 0.8
    shown = show(control)
    assert shown.page.locator("output").all_inner_texts()[:2] == ["3", "80 %"]
    assert shown.get("samples") == 3
    control.samples = 42
    shown.update("samples")
    assert shown.page.locator("output").first.inner_text() == "42" and shown.get("samples") == 42


def test_dragging_sends_little_and_always_the_last(show, control):
    shown = show(control)
    box = shown.page.get_by_label("SmoothGrad: noisy copies").bounding_box()
    mouse, middle = shown.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 8, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 1, middle, steps=90)
    mouse.up()
    times = shown.page.evaluate("() => model.sentAt")
    assert len(times) < 90 and min(np.diff(times[:-1]), default=50) >= 45
    assert shown.sent()[-1]["samples"] == 200


def test_switches(show, control):
    shown = show(control)
    page = shown.page
    assert page.get_by_label("on one scale").is_disabled()
    page.get_by_label("compare with another class").check()
    page.get_by_label("on one scale").check()
    choice = page.get_by_label("the map that cutting begins with")
    assert choice.is_disabled() and choice.input_value() == "saliency"
    page.get_by_label("cut the object out").check()
    choice.select_option("Grad-CAM")
    shown.deliver()
    assert (control.compare, control.shared, control.cut, control.cut_by) == (True, True, True, "Grad-CAM")
    control.compare = control.cut = False
    shown.update("compare", "cut")
    assert not page.get_by_label("compare with another class").is_checked() and choice.is_disabled()


def test_the_keyboard_walks_along_the_maps(show, control):
    shown = show(control)
    chip(shown, "saliency").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        shown.page.keyboard.press(key)
    assert shown.get("chosen") == [name for name in MAPS if name != "SmoothGrad"]
    chip(shown, "Grad-CAM").focus()
    shown.page.keyboard.press("ArrowRight")  # there is no more
    shown.page.keyboard.press(" ")
    assert "Grad-CAM" not in shown.get("chosen")


@pytest.mark.parametrize("width", [932, 360, 304])
def test_it_fits_the_page(show, control, only_page, width):
    only_page.set_viewport_size({"width": width, "height": 760})
    shown = show(control)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
