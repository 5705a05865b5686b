import pytest

from cnnwidgets.widgets import FoolingControl


@pytest.fixture
def control():
    control = FoolingControl()
    yield control
    control.close()


def test_the_slider_by_keys(show, control):
    shown = show(control)
    slider, told = shown.page.get_by_role("slider"), shown.page.locator(".cw-fooling-told")
    for key, value, text in (
        ("ArrowRight", 0.95, "95 %"),
        ("ArrowDown", 0.9, "90 %"),
        ("End", 0.999, "99.9 %"),
        ("Home", 0, "just more than any other"),
    ):
        slider.press(key)
        assert shown.get("confidence") == value and told.inner_text() == text
    shown.deliver()
    assert control.confidence == 0
    control.confidence = 0.42  # one that is not among those that are offered
    shown.update("confidence")
    assert told.inner_text() == "42 %"
    slider.press("ArrowRight")
    assert shown.get("confidence") == 0.5


def test_a_search_is_told_and_can_be_stopped(show, control):
    shown = show(control)
    stop = shown.page.get_by_role("button", name="Stop here")
    assert not stop.is_visible()
    control.begin(80)
    shown.update("running", "done", "total", "message")
    assert stop.is_visible() and shown.page.locator(".cw-fooling-message").inner_text() == "searching …"
    stop.click()
    shown.deliver()
    assert control.stopping and stop.is_disabled()
    control.finish("found in 30 steps")
    shown.update("running", "stopping", "message")
    assert not stop.is_visible()
    assert shown.page.locator(".cw-fooling-message").inner_text() == "found in 30 steps"
    shown.page.wait_for_function(
        "() => /found in 30/.test(document.querySelector('[role=status]').textContent)"
    )
