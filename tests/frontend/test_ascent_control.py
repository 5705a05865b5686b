import pytest

from cnnwidgets.widgets import AscentControl, UnitChoice
from cnnwidgets.widgets.ascent_control import PRESETS


@pytest.fixture
def control():
    control = AscentControl()
    yield control
    control.close()


def slider(shown, name):
    return shown.page.get_by_role("slider", name=name, exact=True)


def value(shown, name):
    return slider(shown, name).get_attribute("aria-valuetext")


def chip(shown, name):
    return shown.page.locator(f".cw-ascent .cw-chip[data-name='{name}']")


def test_a_preset_by_its_name_and_what_it_does(show, control):
    shown = show(control)
    assert [each.inner_text() for each in shown.page.locator(".cw-ascent .cw-chip").all()] == list(PRESETS)
    assert chip(shown, "robust").get_attribute("aria-pressed") == "true"
    chip(shown, "none (noise)").click()
    shown.deliver()
    assert control.preset == "none (noise)" and control.jitter == 0
    assert value(shown, "move") == "off" and value(shown, "decay") == "off"
    assert shown.page.locator(".cw-ascent-told").inner_text() == PRESETS["none (noise)"][1]
    assert slider(shown, "blur every").is_disabled()
    assert "cw-stops-off" in slider(shown, "blur every").locator("..").get_attribute("class")


def test_sliders_by_keys_act_at_once_and_make_settings_of_ones_own(show, control):
    shown = show(control)
    for key, told in (("ArrowRight", "±6 px"), ("Home", "off"), ("ArrowUp", "±1 px"), ("End", "±24 px")):
        slider(shown, "move").press(key)
        assert value(shown, "move") == told
    slider(shown, "L2 norm, λ").press("ArrowRight")
    shown.deliver()
    assert (control.jitter, control.l2) == (24, 1e-4)
    assert shown.page.locator(".cw-ascent [aria-pressed=true].cw-chip").count() == 0
    assert shown.page.locator(".cw-ascent-told").inner_text() == "Settings of your own."


def test_numbers_are_told_as_they_are(show, control):
    control.scale, control.decay, control.l2, control.rate = 0.17, 0.0123, 0.02, 100.0
    control.variation = 200.0
    shown = show(control)
    told = {"scale": "±17 %", "decay": "1.23 %", "L2 norm, λ": "0.02", "size of a step": "100"}
    told["total variation"] = "200"
    assert {name: value(shown, name) for name in told} == told
    slider(shown, "scale").press("ArrowLeft")
    shown.deliver()
    assert control.scale == 0.15


def test_another_optimiser_brings_its_rate(show, control):
    shown = show(control)
    shown.page.get_by_label("steps", exact=True).locator("select").select_option("adam")
    shown.deliver()
    assert (control.optimiser, control.rate) == ("adam", 0.05)
    assert value(shown, "size of a step") == "0.05"
    shown.page.get_by_role("button", name="Fourier").click()
    shown.deliver()
    assert control.space == "fourier"


@pytest.mark.parametrize("width", [340, 1000])
def test_it_fits_the_page(show, control, width):
    shown = show(control)
    shown.page.set_viewport_size({"width": width, "height": 900})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_images_of_a_unit(show):
    choice = UnitChoice(place="row 3, column 4")
    shown = show(choice)
    assert slider(shown, "diversity").is_disabled()
    slider(shown, "images").press("End")
    shown.page.get_by_label("one neuron only, row 3, column 4").check()
    slider(shown, "diversity").press("ArrowRight")
    shown.deliver()
    assert (choice.n_images, choice.diverse, choice.neuron) == (9, 0.1, True)
    choice.close()
