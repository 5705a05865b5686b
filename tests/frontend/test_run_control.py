import pytest

from cnnwidgets.widgets import RunControl


@pytest.fixture
def control():
    control = RunControl(can_fast=True)
    yield control
    control.close()


def button(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def kinds(shown):
    return [each["kind"] for each in shown.messages()]


def facts(shown):
    return shown.page.locator(".cw-run-facts").inner_text()


KEYS = ("running", "stopping", "done", "total", "rate", "message")


def test_play_becomes_pause_while_it_runs(show, control):
    shown = show(control)
    button(shown, "Restart").click(force=True)  # there is nothing to begin again
    button(shown, "Step").click()
    button(shown, "Play").click()
    assert kinds(shown) == ["step", "play"]
    control.begin(20, 100)
    control.progress(40)
    control.rate = 17.4
    shown.update(*KEYS)
    assert facts(shown) == "step 40 of 100 · 17 steps a second"
    button(shown, "Step").click(force=True)
    button(shown, "Pause").click()
    button(shown, "Restart").click()
    assert kinds(shown) == ["step", "play", "pause", "restart"]
    control.stopping = True
    shown.update(*KEYS)
    assert "pausing" in facts(shown)
    button(shown, "Pause").click(force=True)
    assert len(kinds(shown)) == 4
    control.finish("paused", done=41)
    shown.update(*KEYS)
    assert facts(shown) == "step 41 · paused"
    assert button(shown, "Play").is_visible()


def test_the_button_keeps_the_keyboard(show, control):
    shown = show(control)
    button(shown, "Play").focus()
    control.begin(0, 100)
    shown.update(*KEYS)
    shown.page.keyboard.press("Enter")
    assert kinds(shown) == ["pause"]


def test_steps_seed_and_switches(show, control):
    shown = show(control)
    page = shown.page
    page.get_by_label("steps", exact=True).fill("250")
    page.get_by_label("steps", exact=True).press("Enter")
    page.get_by_label("steps", exact=True).fill("1e3")
    page.get_by_label("steps", exact=True).press("Enter")
    assert page.get_by_label("steps", exact=True).input_value() == "1000"
    page.get_by_label("seed").fill("-7")
    page.get_by_label("seed").press("Tab")
    assert page.get_by_label("seed").input_value() == "0"
    page.get_by_label("seed").fill("42")
    page.get_by_label("seed").press("Tab")
    page.get_by_label("compare two settings").check()
    page.get_by_label("half precision").check()
    shown.deliver()
    assert (control.n_steps, control.seed, control.compare, control.fast) == (1000, 42, True, True)
    control.can_fast = control.can_compare = False
    shown.update("can_fast", "can_compare")
    assert page.get_by_label("half precision").is_hidden()
    assert page.get_by_label("compare two settings").is_hidden()


def test_the_kernel_hears_of_a_setting_before_the_button(show, control):
    shown = show(control)
    shown.page.get_by_label("seed").fill("5")
    shown.page.get_by_label("seed").press("Tab")
    shown.page.get_by_label("compare two settings").check()
    button(shown, "Play").click()
    assert {"compare": True} in shown.sent()
