import pytest

from cnnwidgets.widgets import NameChips


@pytest.fixture
def chips():
    chips = NameChips(names=["a.png", "b <i>.png", "c.png"], label="in the maps", empty="none yet")
    yield chips
    chips.close()


def names(shown):
    return shown.page.locator(".cw-chips-name").all_inner_texts()


def test_one_after_the_other(show, chips):
    shown = show(chips)
    assert names(shown) == ["a.png", "b <i>.png", "c.png"]
    shown.page.get_by_role("button", name="Take b <i>.png away").click()
    shown.deliver()
    assert chips.names == names(shown) == ["a.png", "c.png"]
    focused = "() => document.activeElement.getAttribute('aria-label')"
    assert shown.page.evaluate(focused) == "Take c.png away"  # the keyboard is not lost
    shown.page.keyboard.press("Enter")
    shown.deliver()
    assert names(shown) == ["a.png"]
    assert shown.page.get_by_role("button", name="Take all away").is_hidden()
    assert shown.page.evaluate(focused) == "Take a.png away"


def test_all(show, chips):
    shown = show(chips)
    shown.page.get_by_role("button", name="Take all away").click()
    shown.deliver()
    assert chips.names == names(shown) == []
    assert shown.page.get_by_text("none yet").is_visible()


def test_long_names_fit_a_narrow_page(show, chips, only_page):
    only_page.set_viewport_size({"width": 304, "height": 760})
    chips.names = ["a very long name of a picture that somebody took on a day in summer.png", "b.png"]
    shown = show(chips)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 304
