"""All methods in a row in a real JupyterLab, driven as a student would."""

import re

import pytest
from notebook_page import becomes, collected, kernel_becomes, no_errors
from playwright.sync_api import expect

EXPLORE = """
import cnnwidgets as cw
explorer = cw.explorers.SaliencyExplorer("toynet", image=cw.samples("toytown bus"))
explorer
"""

# What the core says of the picture and a class: each map as the widget should have it.
BY_CORE = """
def by_core(target):
    core, network, layer = cw.core, explorer.selection.network, "relu5"
    x = network.read(explorer.selection.image)
    gradient = core.input_gradient(network, x, target)
    found = {
        "gradient": gradient,
        "saliency": core.saliency(network, x, target),
        "gradient × input": core.input_x_gradient(network, x, target),
        "SmoothGrad": core.smooth_grad(network, x, target, 50, 0.15),
        "integrated gradients": core.integrated_gradients(network, x, target, n_steps=50),
        "guided backprop": core.guided_backprop(network, x, target),
        "DeconvNet": core.deconvnet(network, x, target),
        "Grad-CAM": core.grad_cam(network, x, target, layer),
        "Guided Grad-CAM": core.guided_grad_cam(network, x, target, layer),
    }
    return {method: each[0].numpy() for method, each in found.items()}
def differ(row, target):
    import numpy as np
    def same(method, each):
        values = explorer.grid.values(f"{row} {method}")
        return np.allclose(values, each, rtol=1e-3, atol=1e-3 * abs(each).max())
    return [method for method, each in by_core(target).items() if not same(method, each)]
def alike(one, other):
    import numpy as np
    one, other = by_core(one), by_core(other)
    return {method: float(np.corrcoef(one[method].ravel(), other[method].ravel())[0, 1]) for method in one}
def at(row, column):
    import torch
    found = {}
    for method, each in by_core(explorer.selection.target).items():
        each = abs(each).max(0, keepdims=True) if method == "SmoothGrad" else each
        each = each.sum(0) if method in ("gradient × input", "integrated gradients") else each
        each = torch.from_numpy(each.reshape(1, -1, *each.shape[-2:]))
        found[method] = cw.core.upsample(each[0], (96, 96))[:, row, column].tolist()
    return found
"""
METHODS = (
    "gradient",
    "saliency",
    "gradient × input",
    "SmoothGrad",
    "integrated gradients",
    "guided backprop",
    "DeconvNet",
    "Grad-CAM",
    "Guided Grad-CAM",
)
CANVASES = ".cw-attr-canvas"
TO_COME = "[p.key for p in explorer.grid.panels if p.pending or explorer.grid.is_stale(p.key)]"
WIDGETS = "len(__import__('ipywidgets').widgets.widget._instances)"

#: Runs code in the kernel without waiting for its end, as a cell that takes long; `cwBegun` once it runs.
BEGIN = """(code) => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  [window.cwBusy, window.cwBegun] = [true, false];
  const all = `print("begun", flush=True)\\n${code}`;
  const future = kernel.requestExecute({ code: all, silent: true, store_history: false });
  future.onIOPub = ({ header }) => (window.cwBegun ||= header.msg_type === "stream");
  future.done.finally(() => (window.cwBusy = false));
}"""
INTERRUPT = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"


def open_explorer(notebook, name, app="lab", wait=True):
    page = notebook(f"saliency-{name}", [EXPLORE + BY_CORE + "\nexplorer"], app=app)
    page.locator(CANVASES).nth(len(METHODS)).wait_for()
    page.wait_for_function(
        "s => [...document.querySelectorAll(s)].every((el) => cwPaint.colours(el) > 1)", arg=CANVASES
    )
    if wait:
        maps_are_complete(page)
    return page


def begin(page, code):
    page.evaluate(BEGIN, code)
    page.wait_for_function("() => cwBegun")


def maps_are_complete(page):
    kernel_becomes(page, TO_COME, [], seconds=120)
    expect(page.locator(".cw-attr-stale")).to_have_count(0)


def choose_class(page, place):
    """A click on a row of the bars of the class; returns the class."""
    row = page.locator(".cw-classes-list").first.locator("[role=option]").nth(place)
    target = int(row.get_attribute("data-index"))
    row.click()
    kernel_becomes(page, "explorer.selection.target", target)
    return target


def canvas(method, row=0):
    return f"[data-key='{row} {method}'] {CANVASES}"


def looks(page, label):
    return page.locator(".cw-attr-controls").get_by_label(label)


def painted_at(page, place):
    """Colour at a place of the map of saliency, given as shares of its height and width."""
    return page.locator(canvas("saliency")).evaluate(
        """(el, [down, across]) => [...el.getContext("2d")
          .getImageData(across * el.width | 0, down * el.height | 0, 1, 1).data].slice(0, 3)""",
        place,
    )


def paints(page):
    return {method: page.fingerprint(canvas(method)) for method in METHODS}


def numbers(text):
    """What is read under a panel: one value, or those of three channels with their power of ten."""
    text, powers = text.replace("−", "-"), "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
    power = re.search(f"× 10([{powers}]+)", text)
    unit = 10 ** int(power[1].translate(str.maketrans(powers, "-0123456789"))) if power else 1
    found = re.findall(r"[+-]?\d[\d,.]*(?:e[+-]?\d+)?", text[: power.start()] if power else text)
    return [float(each.replace(",", "")) * unit for each in found]


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_click_on_a_class_changes_all_maps(notebook, app):
    page = open_explorer(notebook, f"class-{app}", app)
    kernel_becomes(page, "differ(0, explorer.selection.target)", [])
    page.locator(CANVASES).first.scroll_into_view_if_needed()
    picture, before = page.fingerprint("[data-key=''] canvas"), paints(page)
    assert len(set(before.values())) == len(METHODS)
    target = choose_class(page, 2)
    for method in METHODS:
        page.wait_for_new_pixels(canvas(method), before[method])
    maps_are_complete(page)
    kernel_becomes(page, f"differ(0, {target})", [])
    assert page.fingerprint("[data-key=''] canvas") == picture

    # what the browser paints: the largest value has the last colour of the map, the smallest the first
    looks(page, "smooth").uncheck()
    looks(page, "opacity").fill("1")
    kernel_becomes(page, "[explorer.grid.smooth, explorer.grid.opacity]", [False, 1])
    ends = page.kernel("[cw.render.lut('viridis')[i].tolist() for i in (255, 0)]")
    for pick, colour in zip(("argmax", "argmin"), ends, strict=True):
        row, column = divmod(page.kernel(f"int(explorer.grid.values('0 saliency').{pick}())"), 96)
        place = [(row + 0.5) / 96, (column + 0.5) / 96]
        becomes(page, lambda place=place: painted_at(page, place), pytest.approx(colour, abs=2), told=pick)
    no_errors(page)


def test_one_pixel_is_read_in_all_maps(notebook):
    page = open_explorer(notebook, "hover")
    comms = page.hear_comms()
    over = page.locator(canvas("saliency"))
    over.scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # what is computed ahead tells nothing either
    told = {}
    for row, column in ((40, 30), (62, 51), (50, 70)):
        before = paints(page)
        box = over.bounding_box()
        page.mouse.move(
            box["x"] + (column + 0.5) / 96 * box["width"], box["y"] + (row + 0.5) / 96 * box["height"]
        )
        expect(page.locator("[data-key=''] .cw-attr-value")).to_have_text(f"row {row}, column {column}")
        for method in METHODS:  # the cross
            page.wait_for_new_pixels(canvas(method), before[method])
        told[row, column] = {
            method: page.locator(f"[data-key='0 {method}'] .cw-attr-value").inner_text() for method in METHODS
        }
    assert comms() == []
    for (row, column), texts in told.items():
        truth = page.kernel(f"at({row}, {column})")
        for method, text in texts.items():
            most = page.kernel(f"float(abs(explorer.grid.values('0 {method}')).max())")
            assert numbers(text) == pytest.approx(truth[method], rel=0.01, abs=0.02 * most), (method, text)
    page.mouse.move(5, 5)
    expect(page.locator("[data-key='0 saliency'] .cw-attr-value")).to_have_text(re.compile("max"))
    over.click(position={"x": 60, "y": 80})
    kernel_becomes(page, "explorer.grid.position is not None", True)
    row, column = page.kernel("explorer.grid.position")
    page.locator(".cw-attr-rows").press("ArrowRight")
    column += 1
    kernel_becomes(page, "list(explorer.grid.position)", [row, column])
    page.mouse.move(5, 5)
    expect(page.locator("[data-key=''] .cw-attr-value")).to_have_text(f"row {row}, column {column}")
    n_cells = page.n_cells
    for key in "ddx":
        page.locator(".cw-attr-rows").press(key)
    assert page.n_cells == n_cells
    no_errors(page)


def test_colours_change_while_the_kernel_is_busy(notebook, tmp_path):
    page = open_explorer(notebook, "busy")
    page.locator(CANVASES).first.scroll_into_view_if_needed()
    heat, signed, colour = "saliency", "gradient × input", "guided backprop"
    free = tmp_path / "free"
    begin(page, f"import os, time\nwhile not os.path.exists({str(free)!r}): time.sleep(0.02)")

    def changes(change, *methods):
        before = paints(page)
        change()
        for method in methods:
            page.wait_for_new_pixels(canvas(method), before[method])
        assert page.evaluate("() => cwBusy") is True, "still"
        same = [method for method in (heat, signed, colour) if method not in methods]
        assert [method for method in same if page.fingerprint(canvas(method)) != before[method]] == []

    changes(lambda: looks(page, "clip").fill("92"), heat, signed, colour)
    changes(lambda: looks(page, "opacity").fill("0.35"), heat, signed)
    changes(lambda: page.get_by_label("Colours of magnitudes").select_option("magma"), heat, "Grad-CAM")
    changes(lambda: looks(page, "smooth").uncheck(), heat, signed, colour, "Grad-CAM")
    changes(lambda: page.locator(canvas(heat)).hover(), heat, signed, colour)
    free.touch()
    page.wait_for_function("() => !cwBusy")
    traits = "[explorer.grid.clip, explorer.grid.opacity, explorer.grid.colormap, explorer.grid.smooth]"
    kernel_becomes(page, traits, [92, 0.35, "magma", False])  # told once it is free again
    page.wait_for_timeout(300)  # and nothing comes back from it
    assert looks(page, "clip").input_value() == "92"
    no_errors(page)


def test_a_second_class_and_the_object_cut_out(notebook):
    page = open_explorer(notebook, "compare")
    page.get_by_label("compare with another class").check()
    page.locator(canvas("saliency", row=1)).wait_for()
    search = page.locator(".cw-classes").nth(1).locator("[role=combobox]")
    search.fill("mush")
    page.keyboard.press("Enter")
    kernel_becomes(page, "explorer.second.target_name", "mushroom")
    maps_are_complete(page)
    expect(page.locator(".cw-attr-heading")).to_have_text(["bus", "mushroom"])
    first, second = page.kernel("[explorer.classes.target, explorer.second.target]")
    kernel_becomes(page, f"[differ(0, {first}), differ(1, {second})]", [[], []])
    truth = page.kernel(f"alike({first}, {second})")
    rows = page.locator(".cw-explorer table tr")
    expect(rows).to_have_count(len(METHODS))
    expect(page.get_by_text("How alike are the maps of bus and mushroom?")).to_be_visible()

    def told():
        found = [re.fullmatch(r"(.+?)\s+(−?\d\.\d\d)", text.strip()) for text in rows.all_inner_texts()]
        return {each[1]: float(each[2].replace("−", "-")) for each in found if each}

    becomes(page, told, pytest.approx(truth, abs=0.011))
    assert list(told().values()) == sorted(told().values(), reverse=True)
    becomes(page, lambda: len({page.fingerprint(canvas("saliency", row)) for row in (0, 1)}), 2)
    page.get_by_label("compare with another class").uncheck()
    expect(page.locator(canvas("saliency", row=1))).to_have_count(0)

    page.get_by_label("cut the object out").check()
    found = page.locator(".cw-heat:visible").nth(1)
    expect(found).to_contain_text(re.compile(r"IoU with the true mask: 0\.\d\d"))
    iou = re.search(r"IoU with the true mask: (\d\.\d\d)", found.text_content())[1]
    explored = "explorer.cutout.found.values"
    kernel_becomes(page, f"round(float(({explored} == 0).sum() / ({explored} >= 0).sum()), 2)", float(iou))
    mask = "cw.core.segment(__import__('numpy').asarray(explorer.grid.image.convert('RGB')), {})"
    by_hand = mask.format(f"by_core({first})['saliency']")
    assert page.kernel(f"bool((({explored} == 0) | ({explored} == 2) == {by_hand}).mean() > 0.99)")
    page.locator(".cw-explain-by").select_option("Grad-CAM")
    expect(page.locator(".cw-heat:visible").first).to_contain_text("Begins at the Grad-CAM map")
    no_errors(page)


def test_interrupted_and_run_again(notebook):
    page = open_explorer(notebook, "again", wait=False)
    page.evaluate(INTERRUPT)  # in the middle of SmoothGrad
    maps_are_complete(page)
    begin(page, "import time; time.sleep(600)")
    rows = page.locator(".cw-classes-list").first.locator("[role=option]")
    target = int(rows.nth(3).get_attribute("data-index"))
    rows.nth(3).click()
    page.evaluate(INTERRUPT)
    page.wait_for_function("() => !cwBusy")
    assert [error for error in page.kernel_errors if "KeyboardInterrupt" not in error] == []
    page.evaluate("() => cwKernelErrors.splice(0)")
    kernel_becomes(page, "explorer.selection.target", target)
    maps_are_complete(page)
    kernel_becomes(page, f"differ(0, {target})", [])

    page.run_cell(0)
    page.locator(CANVASES).nth(len(METHODS)).wait_for()
    widgets = page.kernel(WIDGETS)
    for _ in range(2):
        page.locator(".cw-explain-maps").get_by_role("button", name="DeconvNet").click()  # in its work
        page.run_cell(0)
        page.locator(CANVASES).nth(len(METHODS)).wait_for()
        kernel_becomes(page, WIDGETS, widgets)
        expect(page.locator(".cw-explorer")).to_have_count(1)
    maps_are_complete(page)
    found = "sum(type(each).__name__ == 'Explanations' for each in __import__('gc').get_objects())"
    kernel_becomes(page, collected(found), 1)
    page.kernel("explorer.close()")
    expect(page.locator(CANVASES)).to_have_count(0)
    kernel_becomes(page, collected(f"[{WIDGETS}, {found}]"), [0, 0])
    no_errors(page)
