import pytest

from cnnwidgets.widgets import DreamControl

LAYERS = ["conv1", "relu1", "conv2", "conv3"]


@pytest.fixture
def control():
    control = DreamControl(
        layers=LAYERS, notes=[f"sees {n} px" for n in range(4)], n_channels=8, own_size=640
    )
    yield control
    control.close()


def button(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def slider(shown, name):
    return shown.page.get_by_role("slider", name=name, exact=True)


def test_from_layer_to_layer(show, control):
    shown = show(control)
    walk, told = slider(shown, "layer"), shown.page.locator(".cw-dream-told")
    assert told.inner_text() == "conv2\nsees 2 px · 3 of 4"
    for key, layer in (("End", "conv3"), ("ArrowRight", "conv3"), ("ArrowLeft", "conv2"), ("Home", "conv1")):
        walk.press(key)
        assert shown.get("layer") == layer
    assert button(shown, "Previous layer").is_disabled()
    button(shown, "Next layer").click()
    shown.deliver()
    assert control.layer == "relu1"
    assert walk.get_attribute("aria-valuetext") == "relu1, sees 1 px · 2 of 4"
    box = walk.bounding_box()
    mouse, middle = shown.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 8, middle)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 3, middle, steps=8)
    mouse.up()
    shown.deliver()
    assert control.layer == "conv3"
    control.layers = ["a", "b"]
    shown.update("layers", "layer")
    assert shown.page.locator(".cw-dream-told b").inner_text() == "b"


def test_what_is_made_stronger(show, control):
    shown = show(control)
    channel = shown.page.get_by_label("channel")
    assert not channel.is_visible()
    button(shown, "one channel").click()
    channel.fill("70")
    channel.press("Enter")
    shown.deliver()
    assert (control.aim, control.channel) == ("channel", 7) and channel.input_value() == "7"
    assert shown.page.get_by_text("of 8").is_visible()
    button(shown, "guided by a picture").click()
    shown.deliver()
    assert control.aim == "guide" and not channel.is_visible()


@pytest.mark.parametrize(
    ("name", "trait", "keys", "value"),
    [
        ("steps per octave", "n_steps", ["ArrowRight", "ArrowRight"], 15),
        ("step size", "step_size", ["ArrowLeft"], 0.04),
        ("jitter", "jitter", ["Home", "ArrowLeft"], 0),
        ("octaves", "octaves", ["End"], 8),
        ("each larger by", "octave_scale", ["End"], 2),
        ("longest side", "size", ["End"], 640),
    ],
)
def test_settings(show, control, name, trait, keys, value):
    shown = show(control)
    for key in keys:
        slider(shown, name).press(key)
    shown.deliver()
    assert getattr(control, trait) == value
    setattr(control, trait, control.traits()[trait].default_value)
    shown.update(trait)
    slider(shown, name).press("ArrowRight")
    assert shown.get(trait) > control.traits()[trait].default_value


def test_values_between_those_that_are_offered(show, control):
    control.n_steps, control.size = 11, 333
    shown = show(control)
    assert slider(shown, "steps per octave").get_attribute("aria-valuetext") == "11"
    slider(shown, "steps per octave").press("ArrowRight")
    assert shown.get("n_steps") == 12
    assert slider(shown, "longest side").get_attribute("aria-valuetext") == "333 px"
    control.own_size = 9_000
    shown.update("own_size")
    slider(shown, "longest side").press("End")
    assert shown.get("size") == 4096  # the kernel takes no longer one
    control.octaves = 1
    shown.update("octaves")
    assert slider(shown, "each larger by").is_disabled()
    seed = shown.page.get_by_label("seed")
    seed.fill("-3")
    seed.press("Tab")
    assert seed.input_value() == "0"


def test_play_pause_step_and_stop(show, control):
    shown = show(control)
    asked = []
    control.on_play(lambda: asked.append((control.layer, control.paused)))
    assert button(shown, "Stop").get_attribute("aria-disabled") == "true"
    slider(shown, "layer").press("Home")
    button(shown, "Play").click()
    shown.deliver()
    assert asked == [("conv1", False)]
    control.begin(20, sizes=[(34, 45), (48, 64)])
    shown.update("running", "total", "done", "sizes", "octave")
    button(shown, "Pause").click()
    shown.deliver()
    assert control.paused and shown.page.locator(".cw-dream-facts").inner_text().endswith("paused")
    button(shown, "One step").click()
    shown.deliver()
    assert control.may_go_on() and not control.may_go_on()
    button(shown, "Go on").click()
    button(shown, "Stop").click()
    shown.deliver()
    assert not control.paused and control.stopping
    shown.update("stopping")
    assert button(shown, "Pause").get_attribute("aria-disabled") == "true"
    control.finish("stopped after 3 of 20 steps")
    shown.update("running", "stopping", "message", "octave")
    assert shown.page.locator(".cw-dream-message").inner_text() == "stopped after 3 of 20 steps"
    shown.page.wait_for_timeout(200)
    assert shown.page.get_by_role("status").inner_text() == "stopped after 3 of 20 steps"
    button(shown, "From the start").click()
    button(shown, "wipe").click()
    shown.deliver()
    assert asked[1:] == [("conv1", False)] and control.compare == "wipe"


def test_the_octaves_are_drawn_as_large_as_they_are(show, control):
    shown = show(control)
    control.begin(30, sizes=[(24, 32), (36, 48), (72, 96)])
    control.progress(15, octave=1)
    control._take_news({"done": 15, "octave": 1})
    shown.update("running", "total", "done", "sizes", "octave")
    frames = shown.page.locator(".cw-dream-frame")
    sizes = [frames.nth(i).bounding_box() for i in range(3)]
    shape = [(round(each["width"]), round(each["height"])) for each in sizes]
    assert shape[0][0] * 3 == pytest.approx(shape[2][0], abs=2)
    assert shape[1][1] * 2 == pytest.approx(shape[2][1], abs=2)
    fills = shown.page.locator(".cw-dream-fill").evaluate_all("all => all.map(each => each.style.height)")
    assert fills == ["100%", "50%", "0%"]
    octaves = shown.page.locator(".cw-dream-octaves")
    assert octaves.get_attribute("aria-label") == "octaves: 32 × 24, 48 × 36, 96 × 72; now number 2"
    assert shown.page.locator(".cw-dream-octave.cw-now").inner_text() == "48 × 36"


def test_the_view_keeps_its_height(show, control):
    control.sizes = [(34, 45), (48, 64)]
    shown = show(control)
    before = shown.page.locator(".cw-dream").bounding_box()["height"]
    button(shown, "one channel").click()
    control.begin(20)
    shown.update("running", "total")
    assert shown.page.locator(".cw-dream").bounding_box()["height"] == before


@pytest.mark.parametrize("width", [932, 500, 340])
def test_it_fits_the_page(show, control, only_page, width):
    only_page.set_viewport_size({"width": width, "height": 760})
    control.begin(8_000, sizes=[(50 * i, 60 * i) for i in range(1, 7)])
    shown = show(control)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
