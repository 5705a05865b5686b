import pytest

from cnnwidgets.widgets import LayerPicker

LAYERS = [
    dict(
        name="conv1",
        kind="Conv2d",
        output_shape=(64, 48, 40),
        n_parameters=4864,
        receptive_field=dict(size=(7, 7)),
    ),
    dict(
        name="relu1",
        kind="ReLU",
        output_shape=(64, 48, 40),
        n_parameters=0,
        receptive_field=dict(size=(7, 9)),
    ),
    dict(name="block", kind="Block", output_shape=(128, 24, 20), n_parameters=9, receptive_field=None),
    dict(
        name="block.conv",
        kind="Conv2d",
        output_shape=(128, 24, 20),
        n_parameters=9,
        receptive_field=dict(size=(27, 27)),
    ),
    dict(
        name="fc", kind="Linear", output_shape=(12,), n_parameters=780, receptive_field=dict(whole_image=True)
    ),
]


@pytest.fixture
def picker():
    picker = LayerPicker(layers=LAYERS)
    yield picker
    picker.close()


def options(shown):
    return [" ".join(text.split()) for text in shown.page.locator("option").all_inner_texts()]


def test_the_menu_is_in_forward_order(show, picker):
    assert options(show(picker)) == [
        "conv1 64 × 48 × 40 sees 7 px",
        "relu1 64 × 48 × 40 sees 7 × 9 px",
        "block 128 × 24 × 20",
        "block.conv 128 × 24 × 20 sees 27 px",
        "fc 12 sees everything",
    ]


def test_choosing(show, picker):
    shown = show(picker)
    shown.page.locator("select").select_option("fc")
    shown.deliver()
    assert picker.layer == "fc"
    assert (
        shown.page.locator(".cw-layers-facts").inner_text()
        == "Linear · 780 parameters · sees the whole picture"
    )


def test_buttons_and_keys(show, picker):
    shown = show(picker)
    back, forth = (shown.page.get_by_role("button", name=name) for name in ("Previous layer", "Next layer"))
    assert back.is_disabled()
    forth.click()
    menu = shown.page.locator("select")
    for key, name in [
        ("ArrowDown", "block"),
        ("ArrowRight", "block.conv"),
        ("ArrowUp", "block"),
        ("ArrowLeft", "relu1"),
    ]:
        menu.press(key)
        assert shown.get("layer") == name
    shown.deliver()
    assert picker.layer == "relu1"


def test_chips_filter_and_blocks_are_one_kind(show, picker):
    shown = show(picker)
    chips = shown.page.locator(".cw-chip")
    assert chips.all_inner_texts() == ["Conv2d", "ReLU", "Linear", "blocks"]
    chips.nth(0).click()
    assert [text.split()[0] for text in options(shown)] == ["conv1", "block.conv"]
    assert chips.nth(0).get_attribute("aria-pressed") == "true"
    chips.nth(3).click()
    assert [text.split()[0] for text in options(shown)] == ["conv1", "block", "block.conv"]
    shown.deliver()
    assert picker.kinds == ["Conv2d", "blocks"]
    assert [layer["name"] for layer in picker.shown] == ["conv1", "block", "block.conv"]


def test_a_filter_never_chooses(show, picker):
    shown = show(picker)
    shown.page.get_by_role("button", name="Linear").click()
    assert shown.get("layer") == "conv1"
    assert [text.split()[0] for text in options(shown)] == ["conv1", "fc"]


def test_spatial_only(show, picker):
    picker.spatial_only = True
    assert [text.split()[0] for text in options(show(picker))] == ["conv1", "relu1", "block", "block.conv"]


def test_another_network(show, picker):
    shown = show(picker)
    picker.layers = LAYERS[3:]
    shown.update("_rows", "layer")
    assert [text.split()[0] for text in options(shown)] == ["block.conv", "fc"]
    assert shown.page.locator("select").input_value() == "block.conv"


def test_no_layers(show):
    shown = show(LayerPicker())
    assert shown.page.locator("select").is_disabled()
    assert shown.page.locator(".cw-layers-facts").inner_text() == "no layers"
