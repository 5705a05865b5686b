"""The walk from the first layer to the last in a real JupyterLab, driven as a student would."""

import re

import pytest
from notebook_page import becomes, collected, kernel_becomes, no_errors
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.CamExplorer(NETWORK, image=cw.samples("toytown bus"))
explorer
"""

# Whether the maps that are shown are those of the core.
BY_CORE = """
def by_core(layer):
    network, target = explorer.selection.network, explorer.selection.target
    x, relu = network.read(explorer.selection.image), explorer.control.relu
    found = {
        "CAM": lambda: cw.core.cam(network, x, target),
        "Grad-CAM": lambda: cw.core.grad_cam(network, x, target, layer, relu),
        "Grad-CAM++": lambda: cw.core.grad_cam_plus_plus(network, x, target, layer),
        "HiResCAM": lambda: cw.core.hires_cam(network, x, target, layer, relu),
        "LayerCAM": lambda: cw.core.layer_cam(network, x, target, layer),
        "Score-CAM": lambda: cw.core.score_cam(network, x, target, layer),
    }
    return found[explorer.control.method]()[0].numpy()
def close(values, layer):
    import numpy as np
    expected = by_core(layer)
    return bool(np.allclose(values, expected, rtol=1e-3, atol=1e-3 * abs(expected).max()))
def is_right():
    layer = explorer.control.layer
    return close(explorer.heat.values, layer) and close(explorer.row.values(layer), layer)
"""

# One channel at a time, and not too quickly to see it.
SLOWLY = """
from cnnwidgets.explorers import cams
pause = 0.2
def slowly(*args, batch_size, progress):
    def tell(done, total):
        __import__("time").sleep(pause)
        progress(done, total)
    return cw.core.score_cam(*args, batch_size=1, progress=tell)
cams.score_cam = slowly
"""
HEAT, TITLE, SLIDER = ".cw-heat-canvas", ".cw-heat-title", ".cw-cam-slider"
LAYERS = "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool5".split()
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"
INTERRUPT = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"


def open_explorer(notebook, name, network="toynet", app="lab", more=""):
    code = EXPLORE.replace("NETWORK", repr(network))
    page = notebook(f"cam-{name}", [code + BY_CORE + more + "\nexplorer"], app=app)
    page.locator(HEAT).wait_for()
    page.wait_for_function("s => cwPaint.colours(document.querySelector(s)) > 1", arg=HEAT)
    page.wait_for_function(
        """() => [...document.querySelectorAll(".cw-attr-canvas")].length > 5
          && [...document.querySelectorAll(".cw-attr-canvas")].every((el) => cwPaint.colours(el) > 1)"""
    )
    return page


def choose_class(page, name):
    page.locator(".cw-classes [role=combobox]").fill(name)
    page.keyboard.press("Enter")
    kernel_becomes(page, "explorer.selection.network.classes[explorer.selection.target]", name)


def choose_method(page, method):
    page.locator(f".cw-cam-methods [data-method='{method}']").click()
    kernel_becomes(page, "explorer.control.method", method)
    expect(page.locator(TITLE)).to_have_text(re.compile(f"^{re.escape(method)} (for|at) "))


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_walk_from_the_first_layer_to_the_last(notebook, app):
    page = open_explorer(notebook, f"walk-{app}", app=app)
    slider, title, told = page.locator(SLIDER), page.locator(TITLE), page.locator(".cw-cam-layer")
    kernel_becomes(page, "[explorer.control.layers, is_right()]", [LAYERS, True])
    expect(title).to_have_text("Grad-CAM for bus at relu5")
    slider.focus()
    slider.press("Home")
    seen = []
    for layer in LAYERS:
        expect(title).to_have_text(f"Grad-CAM for bus at {layer}")
        expect(told).to_have_text(layer)
        pressed = page.locator(".cw-attr-choice[aria-pressed=true]")
        expect(pressed).to_have_text(layer)
        kernel_becomes(page, "[explorer.selection.layer, is_right()]", [layer, True])
        height, width = page.kernel("list(explorer.heat.map_size)")
        expect(page.locator(".cw-cam-told")).to_contain_text(f"{height} × {width} cells")
        seen.append(page.settled(HEAT))
        slider.press("ArrowRight")
    assert len(set(seen)) == len(LAYERS)

    guided = "[data-key=guided] canvas"
    before = page.fingerprint(HEAT), page.fingerprint(guided)
    page.locator("[data-key=conv3] .cw-attr-choice").click()
    expect(title).to_have_text("Grad-CAM for bus at conv3")
    page.wait_for_new_pixels(HEAT, before[0])
    page.wait_for_new_pixels(guided, before[1])
    kernel_becomes(page, "[explorer.control.layer, is_right()]", ["conv3", True])
    rows = {layer: page.fingerprint(f"[data-key={layer}] canvas") for layer in ("conv1", "conv3", "relu5")}
    choose_class(page, "car")
    for layer, old in rows.items():
        page.wait_for_new_pixels(f"[data-key={layer}] canvas", old)
    expect(title).to_have_text("Grad-CAM for car at conv3")
    kernel_becomes(page, "is_right()", True)
    n_cells = page.n_cells
    for selector in (SLIDER, HEAT, ".cw-cam-methods [data-method='Grad-CAM']", ".cw-attr-choice >> nth=1"):
        page.locator(selector).focus()
        for key in "ddx":  # delete the cell, or cut it
            page.keyboard.press(key)
    assert page.n_cells == n_cells
    no_errors(page)


def test_methods_and_negative_evidence(notebook):
    page = open_explorer(notebook, "methods", "toynet-gap")
    relu = page.get_by_label("positive evidence only")
    for method, can_choose in {
        "Grad-CAM++": False,
        "HiResCAM": True,
        "LayerCAM": False,
        "CAM": False,
        "Grad-CAM": True,
    }.items():
        before = page.fingerprint(HEAT)
        choose_method(page, method)
        page.wait_for_new_pixels(HEAT, before)
        kernel_becomes(page, "is_right()", True)
        expect(relu).to_be_enabled(enabled=can_choose)
        expect(page.locator(SLIDER)).to_be_enabled(enabled=method != "CAM")
        expect(relu).to_be_checked(checked=method not in ("CAM", "HiResCAM"))

    choose_class(page, "tree")  # of which this layer has seen nothing
    expect(page.locator(TITLE)).to_have_text("Grad-CAM for tree at relu5")
    expect(page.locator(".cw-heat-reading").first).to_have_text("no positive evidence")
    expect(page.locator("[data-key=relu5] .cw-attr-said")).to_have_text("no positive evidence")
    expect(page.locator("[data-key=relu4] .cw-attr-said")).to_be_hidden()
    expect(page.locator("[data-key=guided] .cw-attr-said")).to_have_text("all zero")
    kernel_becomes(page, "[list(explorer.heat.map_size), float(by_core('relu5').max())]", [[0, 0], 0])
    grey = page.settled(HEAT)
    relu.uncheck()
    expect(page.locator(TITLE)).to_have_text("Grad-CAM for tree at relu5")
    page.wait_for_new_pixels(HEAT, grey)
    kernel_becomes(page, "float(explorer.heat.values.min()) < 0 and is_right()", True)
    expect(page.locator("[data-key=relu5] .cw-attr-said")).to_be_hidden()
    count = """(el) => {
      const { data } = el.getContext("2d").getImageData(0, 0, el.width, el.height);
      let [more, less] = [0, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 2] > data[i] + 20) more++;
        if (data[i] > data[i + 2] + 20) less++;
      }
      return [more > 1000, less];
    }"""
    blue = page.locator("[data-key=relu5] canvas")
    told = "negative evidence, which is blue, and how much other there is,"
    becomes(page, lambda: blue.evaluate(count), [True, 0], told=told)
    no_errors(page)


def test_score_cam_is_given_up_for_another_method_and_when_the_cell_runs_again(notebook):
    page = open_explorer(notebook, "score", more=SLOWLY)
    choose_method(page, "Score-CAM")
    expect(page.locator(TITLE)).to_have_text(re.compile(r"^Score-CAM at relu5: [1-9]\d* of 64 channels$"))
    pending = page.locator("[data-key=relu5] .cw-attr-pending")
    expect(pending).to_have_text(re.compile(r"^[1-9]\d* of 64$"))
    first = pending.text_content()
    expect(pending).not_to_have_text(first)
    expect(pending).to_have_text(re.compile(r"^[1-9]\d* of 64$"))
    choose_method(page, "LayerCAM")  # in the middle of it
    kernel_becomes(page, "is_right()", True)
    expect(pending).to_be_hidden()
    page.wait_for_timeout(400)  # nothing late comes of it
    expect(page.locator(TITLE)).to_have_text("LayerCAM for bus at relu5")
    expect(page.locator(".cw-attr-pending:visible")).to_have_count(0)
    kernel_becomes(page, "explorer._look.found.has(explorer.selection.target, 'Score-CAM', 'relu5')", False)

    choose_method(page, "Score-CAM")
    expect(pending).to_be_visible()
    page.evaluate(INTERRUPT)
    page.locator("[data-key=relu3] .cw-attr-choice").click()  # this one first, now
    expect(page.locator("[data-key=relu3] .cw-attr-pending")).to_be_visible()
    page.kernel("globals().update(pause=0)")
    expect(page.locator(TITLE)).to_have_text("Score-CAM for bus at relu3")
    kernel_becomes(page, "is_right()", True)

    widgets = page.kernel(WIDGETS)
    page.locator(
        "[data-key=conv4] .cw-attr-choice"
    ).click()  # another Score-CAM, in which the cell runs again
    for _ in range(2):
        page.run_cell(0)
        page.locator(HEAT).wait_for()
        kernel_becomes(page, WIDGETS, widgets)
        expect(page.locator(".cw-explorer")).to_have_count(1)
        choose_method(page, "Score-CAM")
    found = "sum(type(each).__name__ == 'Cams' for each in __import__('gc').get_objects())"
    kernel_becomes(page, collected(found), 1)
    page.kernel("explorer.close()")
    expect(page.locator(HEAT)).to_have_count(0)
    kernel_becomes(page, collected(f"[{WIDGETS}, {found}]"), [0, 0])  # the channel at work is the last one
    no_errors(page)
