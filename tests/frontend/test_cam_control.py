import pytest

from cnnwidgets.widgets import CamControl

METHODS, LAYERS = ["CAM", "Grad-CAM", "Score-CAM"], ["conv1", "conv2", "conv3", "conv4"]


@pytest.fixture
def control():
    control = CamControl(methods=METHODS, layers=LAYERS, method="Grad-CAM")
    control.notes = [f"{n} × {n} cells" for n in (48, 24, 12, 6)]
    yield control
    control.close()


def method(shown, name):
    return shown.page.get_by_role("group", name="method").get_by_role("button", name=name, exact=True)


def slider(shown):
    return shown.page.get_by_role("slider", name="layer")


def told(shown):
    return shown.page.locator(".cw-cam-told").inner_text()


def test_the_slider_walks_along_the_layers(show, control):
    shown = show(control)
    assert told(shown).split("\n") == ["conv4", "6 × 6 cells · 4 of 4"]
    for key, layer in (
        ("ArrowLeft", "conv3"),
        ("Home", "conv1"),
        ("ArrowLeft", "conv1"),
        ("ArrowRight", "conv2"),
        ("End", "conv4"),
        ("ArrowUp", "conv4"),
        ("ArrowDown", "conv3"),
    ):
        slider(shown).press(key)
        assert shown.get("layer") == layer and told(shown).startswith(layer)
    assert slider(shown).get_attribute("aria-valuetext") == "conv3, 12 × 12 cells · 3 of 4"
    shown.page.get_by_role("button", name="Previous layer").click()
    shown.deliver()
    assert control.layer == "conv2"
    control.layer = "conv1"
    shown.update("layer")
    assert slider(shown).input_value() == "0"
    assert shown.page.get_by_role("button", name="Previous layer").is_disabled()


def test_dragging(show, control):
    shown = show(control)
    box = slider(shown).bounding_box()
    mouse, middle = shown.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] - 8, middle)
    mouse.down()
    mouse.move(box["x"] + 2, middle, steps=20)
    assert shown.get("layer") == "conv1"
    mouse.up()
    shown.deliver()
    assert control.layer == "conv1"


def test_methods(show, control):
    control.refused = {"CAM": "it needs global average pooling"}
    shown = show(control)
    assert method(shown, "CAM").get_attribute("title") == "it needs global average pooling"
    method(shown, "CAM").click(force=True)
    assert shown.get("method") == "Grad-CAM"
    shown.page.wait_for_timeout(200)
    assert "not possible here" in shown.page.get_by_role("status").inner_text()
    method(shown, "Score-CAM").click()
    assert method(shown, "Score-CAM").get_attribute("aria-pressed") == "true"
    method(shown, "Score-CAM").press("ArrowLeft")
    shown.deliver()
    assert control.method == "Grad-CAM"
    assert shown.page.evaluate("() => document.activeElement.dataset.method") == "Grad-CAM"


def test_what_a_method_leaves_no_choice_of_is_off(show, control):
    control.fixed, control.relu_fixed, control.relu = "the maps that are averaged", "it has none", False
    shown = show(control)
    assert slider(shown).is_disabled() and told(shown).endswith("the maps that are averaged")
    assert shown.page.get_by_role("button", name="Previous layer").is_disabled()
    check = shown.page.get_by_label("positive evidence only")
    assert check.is_disabled() and not check.is_checked()
    control.fixed = control.relu_fixed = ""
    shown.update("fixed", "relu_fixed")
    check.check()
    slider(shown).press("ArrowLeft")
    shown.deliver()
    assert control.relu and control.layer == "conv3"


def test_another_network(show, control):
    shown = show(control)
    control.layers, control.notes = ["a", "b"], []
    shown.update("layers", "notes", "layer")
    assert told(shown).split("\n") == ["b", "2 of 2"]
    assert slider(shown).get_attribute("max") == "1"
    control.layers = []
    shown.update("layers", "layer")
    assert slider(shown).is_disabled()


@pytest.mark.parametrize("width", [932, 360, 304])
def test_it_fits_the_page(show, control, only_page, width):
    control.methods = ["CAM", "Grad-CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "Score-CAM"]
    only_page.set_viewport_size({"width": width, "height": 760})
    shown = show(control)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
