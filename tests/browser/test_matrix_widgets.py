"""The small matrices of notebook 08, edited, stepped and played in a real JupyterLab."""

import re

import pytest
from notebook_page import becomes, kernel_becomes, no_errors
from playwright.sync_api import expect

RULES = "from cnnwidgets.widgets import ReluRules\nrules = ReluRules()\nrules"
STEPPER = "from cnnwidgets.widgets import ConvolutionStepper\nstepper = ConvolutionStepper()\nstepper"


def cell(page, label, row, column):
    """A visible cell of a matrix."""
    place = f'[data-row="{row}"][data-column="{column}"]'
    return page.locator(f'.cw-matrix[aria-label="{label}"]:visible {place}').first


def numbers(page, label, rows, columns):
    """What a matrix that is only read shows, without the small notes in its cells."""
    places = [(i, j) for i in range(rows) for j in range(columns)]
    texts = [cell(page, label, *place).locator("span").inner_text() for place in places]
    return [float(text.replace("−", "-")) for text in texts]


def button(page, name):
    return page.get_by_role("button", name=name, exact=True).first


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_edited_numbers_of_a_relu_reach_the_kernel(notebook, app):
    page = notebook(f"relu-{app}", [RULES], app=app)
    cell(page, "f", 0, 1).locator("input").fill("5")
    cell(page, "R", 0, 1).locator("input").fill("-7")
    expect(cell(page, "Plain gradient", 0, 1)).to_have_text(re.compile("^−7"))
    expect(cell(page, "DeconvNet", 0, 1)).to_have_text(re.compile("^0"))
    expect(cell(page, "Guided backprop", 0, 1)).to_have_text(re.compile("^0"))
    found = "[m[0, 1] for m in (rules.output, rules.gradient, rules.deconvnet, rules.guided)]"
    kernel_becomes(page, found, [5, -7, 0, 0])
    page.kernel("rules.show([[1, -1]], [[2, 3]])")  # another shape, while a cell has the keyboard
    expect(page.locator('.cw-matrix[aria-label="DeconvNet"] [data-row]')).to_have_count(2)
    expect(cell(page, "DeconvNet", 0, 1)).to_have_text(re.compile("^3"))
    expect(cell(page, "R", 0, 0).locator("input")).to_have_value("2")
    expect(cell(page, "Guided backprop", 0, 1)).to_have_text(re.compile("^0"))
    no_errors(page)


def test_a_convolution_is_edited_stepped_and_played(notebook):
    page = notebook("convolution", [STEPPER])
    cell(page, "filter", 0, 0).locator("input").fill("-5")
    cell(page, "input", 1, 1).locator("input").fill("4")
    kernel_becomes(page, "[stepper.kernel[0][0], stepper.input[1][1]]", [-5, 4])
    button(page, "Step on").click()
    kernel_becomes(page, "stepper.step", 1)
    told = page.locator(".cw-convolution-sum")
    wanted = page.kernel("f'output[0, 1] = {stepper.sum_told(0, 1)}'")
    becomes(page, lambda: told.inner_text().replace("\xa0", " "), wanted)
    page.kernel("setattr(stepper, 'seconds', 0.05)")
    button(page, "Play").click()
    kernel_becomes(page, "[stepper.step, stepper.playing]", [24, False])
    wanted = page.kernel("stepper.output.flatten().tolist()")
    becomes(page, lambda: numbers(page, "output", 5, 5), wanted)
    no_errors(page)


def test_back_with_a_single_1_brings_the_filter_by_either_way(notebook):
    page = notebook("convolution-back", [STEPPER])
    button(page, "Back").click()
    button(page, "a single 1").click()
    button(page, "Last step").click()
    kernel_becomes(page, "[stepper.direction, stepper.method, stepper.step]", ["back", "scatter", 24])
    wanted = page.kernel("stepper.back.flatten().tolist()")
    becomes(page, lambda: numbers(page, "result", 7, 7), wanted)
    assert page.kernel("stepper.back[2:5, 2:5].tolist() == stepper.kernel")
    assert page.kernel("bool(stepper.back.sum() == sum(map(sum, stepper.kernel)))")
    button(page, "slide the flipped filter").click()
    kernel_becomes(page, "[stepper.method, stepper.step]", ["gather", 48])
    assert page.kernel("stepper.back.flatten().tolist()") == wanted
    becomes(page, lambda: numbers(page, "result", 7, 7), wanted)
    no_errors(page)


def test_keys_go_to_the_cells_and_not_to_the_notebook(notebook):
    page = notebook("matrix-keys", [RULES, STEPPER])
    n_cells = page.n_cells
    for label in ("f", "R", "input", "filter"):
        cell(page, label, 0, 0).locator("input").focus()
        for key in "ddxab":
            page.keyboard.press(key)
        page.keyboard.press("Escape")
    for name in ("Random numbers", "Forward", "Step on"):
        button(page, name).focus()
        page.keyboard.press("d")
        page.keyboard.press("d")
    page.get_by_role("slider", name="Step").focus()
    for key in ("ArrowRight", "d", "d"):
        page.keyboard.press(key)
    kernel_becomes(page, "stepper.step", 1)
    assert page.n_cells == n_cells
    no_errors(page)
