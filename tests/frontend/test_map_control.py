import pytest

from cnnwidgets.widgets import MapControl


@pytest.fixture
def control():
    control = MapControl(spaces=["pixels", "conv1", "fc"], method="tsne", most=60.0)
    yield control
    control.close()


def button(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def slider(shown):
    return shown.page.get_by_role("slider", name="perplexity")


def facts(shown):
    return shown.page.locator(".cw-map-facts").inner_text()


def test_space_method_seed_and_grid(show, control):
    shown = show(control)
    menu = shown.page.get_by_label("space")
    assert menu.input_value() == "fc"
    menu.select_option("conv1")
    button(shown, "PCA").click()
    shown.page.get_by_label("on a grid").check()
    shown.deliver()
    assert (control.space, control.method, control.grid) == ("conv1", "pca", True)
    assert shown.page.locator(".cw-map-settings").is_hidden()
    assert shown.page.locator(".cw-map-slider").is_disabled()
    assert button(shown, "PCA").get_attribute("aria-pressed") == "true"
    button(shown, "PCA").press("ArrowRight")
    seed = shown.page.get_by_label("seed")
    seed.fill("42")
    seed.press("Enter")
    shown.deliver()
    assert (control.method, control.seed) == ("tsne", 42)
    seed.fill("-3")
    seed.press("Tab")
    assert seed.input_value() == "0"
    control.spaces = ["a", "b"]
    shown.update("spaces", "space")
    assert menu.input_value() == "b"


def test_the_slider_goes_up_to_what_the_points_allow(show, control):
    shown = show(control)
    for key, value in (
        ("Home", 2),
        ("ArrowLeft", 2),
        ("ArrowRight", 3),
        ("ArrowUp", 4),
        ("ArrowDown", 3),
        ("End", 60),
    ):
        slider(shown).press(key)
        assert shown.get("perplexity") == value
        assert shown.page.locator(".cw-map-perplexity").inner_text() == str(value)
        assert slider(shown).get_attribute("aria-valuetext") == str(value)
    slider(shown).press("ArrowLeft")
    shown.deliver()
    assert control.perplexity == 50
    control.most = 6.5
    shown.update("most", "perplexity")
    assert shown.page.locator(".cw-map-perplexity").inner_text() == "6.5"
    slider(shown).press("ArrowLeft")
    assert shown.get("perplexity") == 6
    control.perplexity = 4.2  # one that is not among those offered
    shown.update("perplexity")
    slider(shown).press("ArrowRight")
    assert shown.get("perplexity") == 5
    control.most = 1
    shown.update("most", "perplexity")
    assert slider(shown).is_disabled()


def test_dragging(show, control):
    shown = show(control)
    box = slider(shown).bounding_box()
    mouse, middle = shown.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] / 2, middle)
    mouse.down()
    mouse.move(box["x"] + 2, middle, steps=10)
    mouse.up()
    shown.deliver()
    assert control.perplexity == 2


def test_pause_go_on_stop_and_again(show, control):
    shown = show(control)
    asked = []
    control.on_again(lambda: asked.append(control.perplexity))
    assert button(shown, "Stop here").get_attribute("aria-disabled") == "true"
    slider(shown).press("Home")
    button(shown, "Run again").click()
    shown.deliver()
    assert asked == [2]
    control.begin("t-SNE, iteration", 750)
    shown.update("running", "stage", "total", "done")
    assert facts(shown) == "t-SNE, iteration 0 of 750"
    control.progress(750)
    shown.update("done")
    assert facts(shown) == "t-SNE, iteration 750 of 750"
    assert shown.page.get_by_role("progressbar").get_attribute("aria-valuenow") == "750"
    button(shown, "Pause").click()
    shown.deliver()
    assert control.paused and facts(shown).endswith(", paused")
    button(shown, "Go on").click()
    button(shown, "Stop here").click()
    shown.deliver()
    assert not control.paused and control.stopping
    shown.update("stopping")
    assert facts(shown).endswith(", stopping")
    assert button(shown, "Pause").get_attribute("aria-disabled") == "true"
    button(shown, "Pause").click(force=True)
    assert not shown.get("paused")
    control.finish("stopped after 750 iterations")
    shown.update("running", "stopping", "message")
    assert shown.page.locator(".cw-map-message").inner_text() == "stopped after 750 iterations"
    shown.page.wait_for_timeout(200)
    assert shown.page.get_by_role("status").inner_text() == "stopped after 750 iterations"
    assert not shown.page.get_by_role("progressbar").is_visible()


def test_pca_has_nothing_to_pause(show, control):
    control.method = "pca"
    shown = show(control)
    assert button(shown, "Run again").count() == 0 or not button(shown, "Run again").is_visible()
    control.begin("reading pictures")
    shown.update("running", "stage", "total")
    assert facts(shown) == "reading pictures …"


def test_the_view_keeps_its_height(show, control):
    shown = show(control)
    before = shown.page.locator(".cw-map").bounding_box()["height"]
    button(shown, "PCA").click()
    assert shown.page.locator(".cw-map").bounding_box()["height"] == before
    control.begin("reading pictures", 600)
    shown.update("running", "stage", "total")
    assert shown.page.locator(".cw-map").bounding_box()["height"] == before


@pytest.mark.parametrize("width", [932, 440, 304])
def test_it_fits_the_page(show, control, only_page, width):
    only_page.set_viewport_size({"width": width, "height": 760})
    control.begin("computing before the classifier", 600)
    shown = show(control)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
