import pytest

from cnnwidgets.widgets import ClassChoice


@pytest.fixture
def choice():
    choice = ClassChoice(classes=["cat", "dog", "bus", "boat"])
    yield choice
    choice.close()


def chip(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def pressed(shown):
    return shown.page.locator(".cw-classes .cw-chip[aria-pressed=true]").all_inner_texts()


def test_a_click_chooses_one_and_with_ctrl_or_the_switch_several(show, choice):
    shown = show(choice)
    chip(shown, "bus").click()
    shown.settle()
    assert pressed(shown) == ["bus"]
    chip(shown, "cat").click(modifiers=["Control"])
    shown.deliver()
    assert choice.chosen == [2, 0]
    several = shown.page.get_by_label("several")
    assert several.is_checked()  # from now on each click adds
    chip(shown, "bus").click()
    chip(shown, "dog").click()
    shown.deliver()
    assert choice.chosen == [0, 1]
    several.uncheck()
    shown.deliver()
    assert choice.chosen == [0]


def test_all_and_only_one_again(show, choice):
    shown = show(choice)
    chip(shown, "all 4").click()
    shown.deliver()
    assert choice.chosen == [0, 1, 2, 3]
    chip(shown, "only one").click()
    shown.deliver()
    assert choice.chosen == [0] and not shown.page.get_by_label("several").is_checked()


def test_the_last_one_cannot_be_taken_away_and_keys_walk(show, choice):
    shown = show(choice)
    chip(shown, "cat").click(modifiers=["Shift"])
    shown.settle()
    assert pressed(shown) == ["cat"]
    chip(shown, "cat").press("ArrowRight")
    shown.page.keyboard.press("Enter")
    shown.deliver()
    assert choice.chosen == [1]


def test_other_classes_of_the_same_number_have_their_own_names(show, choice):
    shown = show(choice)
    choice.classes = ["cat", "tree", "fish", "bird"]  # the first one is the same, too
    shown.update("classes", "chosen")
    names = ["cat", "tree", "fish", "bird"]
    assert shown.page.locator(".cw-classes .cw-chip").all_inner_texts() == names
    chip(shown, "fish").click()
    shown.deliver()
    assert choice.names == ["fish"]


def test_many_classes_by_a_part_of_the_name(show):
    choice = ClassChoice(classes=[f"kind {i}" for i in range(1000)], most=2)
    shown = show(choice)
    find = shown.page.get_by_label("find a class")
    find.fill("KIND 97")
    find.press("Enter")
    shown.deliver()
    assert choice.chosen == [97] and pressed(shown) == ["kind 97"]
    assert shown.page.get_by_role("button", name="all 1000").is_hidden()
    shown.page.get_by_label("several").check()
    for name in ("ind 98", "99"):
        find.fill(name)
        find.press("Enter")
        shown.deliver()
    assert choice.chosen == [97, 98]
    assert shown.page.get_by_text("at most 2").is_visible()
    find.fill("zebra")
    find.press("Enter")
    assert shown.page.get_by_text('no class has "zebra" in its name').is_visible()
    choice.close()
