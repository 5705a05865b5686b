import numpy as np
import pytest

from cnnwidgets.widgets import ClassPicker

NAMES = ["tabby", "tiger cat", "muscat", "catamaran", "dog", "bus", "C++ (language)", "Egyptian cat"]
P = [0.4, 0.3, 0.12, 0.08, 0.05, 0.03, 0.015, 0.005]


@pytest.fixture
def picker():
    picker = ClassPicker(classes=NAMES, probabilities=P)
    yield picker
    picker.close()


def rows(shown):
    return [" ".join(text.split()) for text in shown.page.locator("[role=option]").all_inner_texts()]


def test_the_most_probable_with_their_bars(show, picker):
    shown = show(picker)
    assert rows(shown) == [
        "tabby 40.0 %",
        "tiger cat 30.0 %",
        "muscat 12.0 %",
        "catamaran 8.0 %",
        "dog 5.0 %",
    ]
    widths = shown.page.locator(".cw-classes-bar span").evaluate_all(
        "all => all.map(el => parseFloat(el.style.width))"
    )
    assert np.allclose(widths, [40, 30, 12, 8, 5], atol=1e-4)


def test_a_target_outside_the_top_is_shown_with_its_rank(show, picker):
    picker.target = 7
    shown = show(picker)
    assert rows(shown)[-1] == "Egyptian cat 8 0.5 %" and len(rows(shown)) == 6
    assert shown.page.locator("[aria-selected=true]").get_attribute("title") == "Egyptian cat"


def test_a_click_chooses_and_ends_following(show, picker):
    shown = show(picker)
    shown.page.locator("[role=option]").nth(2).click()
    shown.deliver()
    assert (picker.target, picker.follow) == (2, False)
    shown.page.get_by_label("follow the top class").check()
    shown.deliver()
    assert (picker.target, picker.follow) == (0, True)


def test_choosing_the_best_keeps_following(show, picker):
    shown = show(picker)
    shown.page.locator("[role=option]").first.click()
    shown.deliver()
    assert (picker.target, picker.follow) == (0, True)


def test_keys(show, picker):
    shown = show(picker)
    listbox = shown.page.locator("[role=listbox]")
    listbox.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        listbox.press(key)
    assert shown.get("target") == 1
    listbox.press("End")
    active = listbox.get_attribute("aria-activedescendant")
    assert shown.page.locator(f"#{active}").get_attribute("title") == "dog"
    listbox.press(" ")
    assert shown.get("target") == 4


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("cat", ["tiger cat", "Egyptian cat", "catamaran", "muscat"]),  # words, beginnings of words, the rest
        ("CAT", ["tiger cat", "Egyptian cat", "catamaran", "muscat"]),
        ("egyptian c", ["Egyptian cat"]),
        ("lang", ["C++ (language)"]),
        ("c++", ["C++ (language)"]),
        ("(", ["C++ (language)"]),
        ("zebra", []),
    ],
)
def test_search(show, picker, typed, found):
    shown = show(picker)
    shown.page.locator("input[type=search]").fill(typed)
    assert shown.page.locator(".cw-classes-name").all_inner_texts() == found
    assert shown.page.locator("text=no class named").count() == (not found)


def test_searching_with_keys(show, picker):
    shown = show(picker)
    search = shown.page.locator("input[type=search]")
    search.fill("cat")
    search.press("ArrowDown")
    search.press("Enter")
    assert shown.get("target") == 7 and search.input_value() == ""
    search.fill("dog")
    search.press("Escape")
    assert search.input_value() == "" and len(rows(shown)) == 6
    shown.deliver()
    assert (picker.target, picker.follow) == (7, False)


def test_a_thousand_names_are_quick(show):
    picker = ClassPicker(classes=[f"class {i}" for i in range(1000)], probabilities=np.full(1000, 1e-3))
    shown = show(picker)
    search = shown.page.locator("input[type=search]")
    assert search.get_attribute("placeholder") == "search 1,000 classes"
    took = shown.page.evaluate(
        """() => {
          const search = document.querySelector("input[type=search]");
          const start = performance.now();
          search.value = "class 9";
          search.dispatchEvent(new Event("input"));
          return performance.now() - start;
        }"""
    )
    assert took < 100
    assert shown.page.locator("text=and 105 more").is_visible()  # 9, 90 to 99, 900 to 999 less the six shown


def test_names_are_text_and_small_probabilities_are_said(show):
    shown = show(ClassPicker(classes=["<i>a</i>", "b"], probabilities=[0.9999, 0.0001]))
    assert rows(shown) == ["<i>a</i> 100.0 %", "b < 0.1 %"]


def test_without_probabilities_or_classes(show):
    shown = show(ClassPicker(classes=["a", "b"]))
    assert rows(shown) == ["a", "b"]
    assert shown.page.get_by_label("follow the top class").is_hidden()
    shown.update("probabilities")


def test_no_classes(show):
    assert show(ClassPicker()).page.locator("input[type=search]").is_disabled()
