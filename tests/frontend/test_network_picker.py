import pytest

from cnnwidgets.widgets import NetworkPicker

OPTIONS = [
    dict(name="toynet"),
    dict(name="gap", title="toynet-gap", note="with global average pooling"),
    dict(
        name="alexnet",
        title="AlexNet",
        available=False,
        note="233 MB, not on this machine: cw.load('alexnet') downloads it",
    ),
    dict(name="noise", title="Noise", untrained=True),
]


@pytest.fixture
def picker():
    picker = NetworkPicker(options=OPTIONS, chosen=["gap"])
    yield picker
    picker.close()


def box(shown, title):
    return shown.page.get_by_role("checkbox", name=title, exact=True)


def test_several_in_the_order_of_the_clicks(show, picker):
    shown = show(picker)
    assert box(shown, "toynet-gap").is_checked() and not box(shown, "toynet").is_checked()
    box(shown, "toynet").check()
    assert shown.get("chosen") == ["gap", "toynet"]
    box(shown, "toynet-gap").uncheck()
    box(shown, "toynet-gap").check()
    shown.deliver()
    assert picker.chosen == ["toynet", "gap"]


def test_what_is_not_here_says_what_it_takes(show, picker):
    shown = show(picker)
    assert box(shown, "AlexNet").is_disabled()
    note = shown.page.get_by_text("233 MB, not on this machine")
    assert note.is_visible()  # not only under the pointer
    assert note.locator("code").inner_text() == "cw.load('alexnet')"
    assert note.inner_text().endswith("downloads it")
    assert box(shown, "AlexNet").get_attribute("aria-describedby") == note.get_attribute("id")
    assert shown.page.get_by_role("button", name="show untrained").count() == 1  # the others have weights


def test_untrained_only_when_asked_for(show, picker):
    shown = show(picker)
    button = shown.page.get_by_role("button", name="AlexNet: show untrained")
    button.focus()
    shown.page.keyboard.press("Enter")
    assert shown.get("chosen") == ["gap", "alexnet:random"]
    assert not box(shown, "AlexNet").is_checked()
    pressed = shown.page.get_by_role("button", name="AlexNet: shown untrained")
    assert pressed.get_attribute("aria-pressed") == "true"
    assert pressed.evaluate("el => el === document.activeElement")  # the keyboard stays where it was
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == "AlexNet, untrained chosen"
    shown.deliver()
    assert picker.describe() == "Networks: toynet-gap, AlexNet (untrained)"
    shown.page.keyboard.press("Enter")
    assert shown.get("chosen") == ["gap"]


def test_weights_that_have_come_meanwhile(show, picker):
    picker.chosen = ["alexnet:random"]
    shown = show(picker)
    picker.options = [dict(option, available=True) for option in OPTIONS]
    shown.update("options", "chosen")
    assert box(shown, "AlexNet").is_enabled() and not box(shown, "AlexNet").is_checked()
    # the random ones are still there, and can be put away
    shown.page.get_by_role("button", name="AlexNet: shown untrained").click()
    assert shown.get("chosen") == []
    assert shown.page.get_by_role("button", name="untrained").count() == 0


def test_random_networks_are_called_so(show, picker):
    shown = show(picker)
    row = shown.page.locator("li", has_text="Noise")
    assert row.inner_text() == "Noise\nuntrained"
    assert shown.page.locator("li", has_text="gap").inner_text() == "toynet-gap\nwith global average pooling"


def test_notes_are_text(show):
    note = "<b>bold</b> and `code` and cw.load('x')"
    shown = show(NetworkPicker(options=[dict(name="a", note=note)]))
    item = shown.page.locator("li")
    assert item.locator("b").count() == 0
    assert item.locator("code").all_inner_texts() == ["code", "cw.load('x')"]
    assert item.inner_text() == "a\n<b>bold</b> and code and cw.load('x')"


def test_no_networks(show):
    shown = show(NetworkPicker())
    assert shown.page.get_by_text("no networks to choose from").is_visible()


@pytest.mark.parametrize("width", [320, 372])
def test_narrow(show, picker, width):
    shown = show(picker)
    shown.page.set_viewport_size({"width": width, "height": 400})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
