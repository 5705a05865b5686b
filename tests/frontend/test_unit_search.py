import numpy as np
import pytest

from cnnwidgets.widgets import UnitSearch

HITS = [
    dict(layer="conv5", channel=54, score=0.4),
    dict(layer="conv4", channel=7, score=0.3),
    dict(layer="conv5", channel=7, score=0.1),
]


@pytest.fixture
def search():
    search = UnitSearch(parts=["wheel", "window", "eye"], part="wheel", hits=HITS)
    yield search
    search.close()


def chips(shown):
    return [" ".join(text.split()) for text in shown.page.locator("[role=option]").all_inner_texts()]


def test_the_best_hits_with_their_bars(show, search):
    shown = show(search)
    assert chips(shown) == ["conv5 · 54 0.40", "conv4 · 7 0.30", "conv5 · 7 0.10"]
    widths = shown.page.locator(".cw-search-bar span").evaluate_all(
        "all => all.map(el => parseFloat(el.style.width))"
    )
    assert np.allclose(widths, [100, 75, 25])


def test_a_part_is_asked_for(show, search):
    shown = show(search)
    menu = shown.page.get_by_label("fires on")
    assert menu.locator("option").all_inner_texts() == ["anything", "wheel", "window", "eye"]
    menu.select_option("window")
    shown.deliver()
    assert search.part == "window"
    menu.select_option("anything")
    shown.deliver()
    assert search.part == ""


def test_the_menu_by_keys(show, search):
    shown = show(search)
    menu = shown.page.get_by_label("fires on")
    menu.focus()
    for key, part in [
        ("ArrowDown", "window"),
        ("ArrowRight", "eye"),
        ("ArrowDown", "eye"),
        ("ArrowUp", "window"),
    ]:
        menu.press(key)
        assert shown.get("part") == part, key
    shown.deliver()
    assert search.part == "window"


def test_new_hits(show, search):
    shown = show(search)
    search.hits = [dict(layer="conv3", channel=2, score=None), dict(layer="conv3", channel=3, score=-0.25)]
    shown.update("hits")
    assert chips(shown) == ["conv3 · 2 –", "conv3 · 3 −0.25"]
    search.measure, search.hits = "activation", [dict(layer="conv3", channel=2, score=12.345)]
    shown.update("hits", "measure")
    assert chips(shown) == ["conv3 · 2 12.3"]
    assert shown.page.get_by_text("best units by activation").is_visible()


def test_a_click_chooses_again_and_again(show, search):
    heard = []
    search.observe(lambda change: heard.append((change.new["layer"], change.new["channel"])), "chosen")
    shown = show(search)
    chip = shown.page.locator("[role=option]").nth(1)
    chip.click()
    shown.deliver()
    assert chip.get_attribute("aria-selected") == "true"
    chip.click()
    shown.deliver()
    assert heard == [("conv4", 7)] * 2


def test_keys(show, search):
    shown = show(search)
    listbox = shown.page.get_by_role("listbox")
    listbox.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft"):
        listbox.press(key)
    shown.deliver()
    assert search.chosen is None  # looking is not choosing
    active = listbox.get_attribute("aria-activedescendant")
    assert shown.page.locator(f"#{active}").get_attribute("aria-label") == "conv4 channel 7, IoU 0.30"
    listbox.press("Enter")
    shown.deliver()
    assert search.chosen == HITS[1]
    listbox.press("End")
    listbox.press(" ")
    shown.deliver()
    assert search.chosen == HITS[2]
    listbox.press("Home")
    listbox.press("Enter")
    shown.deliver()
    assert search.chosen == HITS[0]


def test_the_unit_that_is_shown_elsewhere(show, search):
    shown = show(search)
    marked = shown.page.locator("[aria-selected=true]")
    search.mark("conv5", 7)
    shown.update("chosen")
    assert marked.get_attribute("aria-label") == "conv5 channel 7, IoU 0.10"
    search.mark("conv1", 0)
    shown.update("chosen")
    assert marked.count() == 0


def test_nothing_to_search(show):
    search = UnitSearch(message="Your own pictures have no masks of parts.")
    shown = show(search)
    assert shown.page.get_by_label("fires on").is_disabled()
    assert shown.page.get_by_text(search.message).is_visible()
    assert shown.page.get_by_role("listbox").count() == 0
    search.parts, search.message = ["eye"], ""
    shown.update("parts", "message")
    assert shown.page.get_by_label("fires on").is_enabled()
    assert shown.page.get_by_text("choose a part").is_visible()


def test_what_is_said(show, search):
    shown = show(search)
    search.hits = HITS[1:]
    shown.update("hits")
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == "2 units, best conv4 channel 7, IoU 0.30"


def test_names_are_text(show):
    shown = show(UnitSearch(parts=["<b>"], hits=[dict(layer="<i>x</i>", channel=1, score=1.0)]))
    assert chips(shown) == ["<i>x</i> · 1 1.00"]


@pytest.mark.parametrize("n", [40])
def test_many_hits_wrap_on_a_narrow_page(show, n):
    hits = [
        dict(layer="features.denseblock4.denselayer16.conv2", channel=i, score=1 / (i + 1)) for i in range(n)
    ]
    shown = show(UnitSearch(parts=["eye"], part="eye", hits=hits))
    shown.page.set_viewport_size({"width": 352, "height": 700})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 352
