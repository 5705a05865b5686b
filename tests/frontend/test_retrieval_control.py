import pytest

from cnnwidgets.widgets import RetrievalControl


@pytest.fixture
def control():
    control = RetrievalControl()
    yield control
    control.close()


def pressed(shown):
    return shown.page.locator("[data-metric][aria-pressed=true]").inner_text()


def test_a_click_and_the_arrow_keys_choose_the_distance(show, control):
    shown = show(control)
    assert pressed(shown) == "L2"
    shown.page.get_by_role("button", name="cosine").click()
    assert pressed(shown) == "cosine"
    assert "angle" in shown.page.locator(".cw-retrieval-told").inner_text()
    shown.deliver()
    assert control.metric == "cosine"
    shown.page.keyboard.press("ArrowLeft")
    shown.page.keyboard.press("ArrowLeft")  # there is nothing further left
    shown.deliver()
    assert control.metric == "l2" and pressed(shown) == "L2"
    control.metric = "cosine"
    shown.update("metric")
    assert pressed(shown) == "cosine"


def test_the_switch(show, control):
    shown = show(control)
    shown.page.get_by_label("random network").check()
    shown.deliver()
    assert control.random
    control.random = False
    shown.update("random")
    assert not shown.page.get_by_label("random network").is_checked()


@pytest.mark.parametrize("width", [932, 360, 304])
def test_it_fits_the_page(show, control, only_page, width):
    only_page.set_viewport_size({"width": width, "height": 760})
    shown = show(control)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
