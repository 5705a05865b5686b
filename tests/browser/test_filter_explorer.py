"""The filter explorer in a real JupyterLab, driven as a student would."""

import re
from pathlib import Path

import torch
from notebook_page import becomes, kernel_becomes, no_errors
from playwright.sync_api import expect
from torchvision import models

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_first_layer_filters.ipynb"
EXPLORE = """
import os
os.environ["TORCH_HOME"] = {home!r}
import cnnwidgets as cw
explorer = cw.explorers.FilterExplorer()
explorer
"""
TILES, ROWS, CLOSER, RESPONSE = ".cw-tiles", ".cw-rows", ".cw-closer", ".cw-response"

# What the cells with NBVAL_CHECK_OUTPUT print.
PRINTED = """
patches: (1, 3, 48, 48, 7, 7) (image, channel, row, column, 7, 7)
maps: (1, 48, 48, 48)
equal: True
the package finds the same: True
16 x 3 x 7 x 7: 16 RGB tiles
20 x 16 x 7 x 7: 20 x 16 = 320 grey tiles
20 x 20 x 7 x 7: 20 x 20 = 400 grey tiles
the same scores: True
the same weights at the same places in conv2: 0%
never fire: [3, 17] measured after relu1
one Gabor explains less than 40 % of: [8, 31]
"""

FITTING = 60_000
"""Milliseconds that Gabors may take to be fitted, on a machine that does other things as well."""


def open_explorer(notebook, tmp_path, name, app="lab"):
    page = notebook(f"filters-{name}", [EXPLORE.format(home=str(tmp_path))], app=app)
    page.wait_for_function("() => document.querySelector('.cw-tiles')?.width > 100")
    expect(page.locator(".cw-filters")).to_contain_text(
        "One Gabor explains 84 % of a filter", timeout=FITTING
    )
    return page


def test_the_notebook_runs_to_the_end_and_says_what_it_should(notebook):
    page = notebook("tutorial-filters", NOTEBOOK)
    expect(page.locator(".cw-explorer")).to_have_count(3)
    becomes(page, lambda: page.evaluate(_PRINTED).strip(), PRINTED.strip(), told="what is printed")
    expect(page.locator(".cw-filters").first).to_contain_text("One Gabor explains 84 %", timeout=FITTING)
    expect(page.locator(".cw-filters").last).to_contain_text("One Gabor explains 84 %", timeout=FITTING)
    no_errors(page)


def test_a_tile_opens_with_all_that_is_known_of_it(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "tile")
    page.locator(TILES).click(position={"x": 10, "y": 10})
    kernel_becomes(page, "[explorer.selection.channel, explorer.selection.layer]", [0, "conv1"])
    side = page.locator(".cw-filters-side")
    expect(side).to_contain_text("filter 0")
    for text in (
        "explains 94 %",
        "an edge or a line at 179°",
        "fires at",
        "in relu1, over 12 drawings",
        "rank",
    ):
        expect(side).to_contain_text(text)
    becomes(page, lambda: page.locator(RESPONSE).bounding_box()["width"] > 150)
    closer = page.fingerprint(CLOSER)
    page.keyboard.press("ArrowRight")
    page.wait_for_new_pixels(CLOSER, closer)
    kernel_becomes(page, "explorer.selection.channel", 1)
    page.kernel("explorer.selection.set_trait('channel', 23)")
    expect(side).to_contain_text("filter 23")
    expect(side).to_contain_text(re.compile(r"stripes at 5\d° · every 4\.4 px"))
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    no_errors(page)


def test_one_scale_for_all(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "scale")
    tiles = page.fingerprint(TILES)
    page.get_by_role("button", name="shared scale").click()
    page.wait_for_new_pixels(TILES, tiles)
    kernel_becomes(page, "explorer.grid.normalise", "shared")
    tiles = page.fingerprint(TILES)
    page.get_by_label("Order of the filters").select_option("explained")
    page.wait_for_new_pixels(TILES, tiles)
    kernel_becomes(page, "explorer.grid.arranged()[0] == int(explorer.grid._explained.argmax())", True)


def test_networks_side_by_side_and_what_is_not_here(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "networks")
    networks = page.locator(".cw-networks")
    expect(networks).to_contain_text('244 MB, not on this machine: cw.load("alexnet") downloads it')
    expect(networks.get_by_label("alexnet", exact=True)).to_be_disabled()
    expect(page.locator(".cw-filters-untrained:not([hidden])")).to_have_count(0)

    networks.get_by_label("toynet-gap").check()
    expect(page.locator(TILES)).to_have_count(2)
    expect(page.locator(".cw-filters").nth(1)).to_contain_text("One Gabor explains 86 %", timeout=FITTING)

    def is_beside():
        first, second = (page.locator(TILES).nth(i).bounding_box() for i in (0, 1))
        return second["x"] > first["x"] + first["width"] and abs(second["y"] - first["y"]) < 30

    becomes(page, is_beside)

    networks.get_by_role("button", name="alexnet: show untrained").click()
    expect(page.locator(TILES)).to_have_count(3)
    alexnet = page.locator(".cw-filters").nth(2)
    expect(alexnet.locator(".cw-filters-untrained")).to_contain_text("Random weights, untrained")
    expect(alexnet).to_contain_text(
        "One Gabor explains 7 % of a filter (median); of random filters of this size, 7 %",
        timeout=FITTING,
    )
    kernel_becomes(page, "explorer.picker.chosen", ["toynet", "toynet-gap", "alexnet:random"])

    networks.get_by_label("toynet", exact=True).uncheck()
    expect(page.locator(TILES)).to_have_count(2)
    kernel_becomes(page, "explorer.selection.network.name", "toynet-gap")
    assert not (tmp_path / "hub").exists(), "nothing was downloaded"
    no_errors(page)


def test_weights_that_come_later_and_a_damaged_file(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "at-hand")
    file = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"<html>")
    page.kernel("explorer.refresh()")
    box = page.locator(".cw-networks").get_by_label("resnet18", exact=True)
    expect(box).to_be_enabled()
    box.check()
    error = page.locator(".cw-networks .cw-error")
    expect(error).to_contain_text("damaged")
    expect(box).not_to_be_checked()
    torch.save(models.resnet18(weights=None).state_dict(), file)
    box.check()
    expect(page.locator(TILES)).to_have_count(2)
    expect(page.locator(".cw-filters").nth(1)).to_contain_text("resnet18 · conv1")
    expect(error).to_be_hidden()
    page.kernel("explorer.picker.log.name")  # the log has told of the damage; nothing else went wrong
    assert all("damaged" in text for text in page.kernel_errors)


def test_higher_layers_say_why_they_say_nothing(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "layers")
    select = page.locator(".cw-layers select")
    for layer in ("conv2", "conv5", "conv3"):
        select.select_option(layer)
    expect(page.locator(".cw-filters")).to_contain_text("toynet · conv3")
    expect(page.locator(".cw-filters")).to_contain_text("no longer colours but feature maps")
    expect(page.locator(TILES)).to_be_hidden()
    page.locator(ROWS).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".cw-filters-side")).to_contain_text(re.compile(r"filter \d+, input \d+"))
    kernel_becomes(page, "explorer.selection.layer", "conv3")
    kernel_becomes(page, "explorer.selection.channel == explorer.grid.channel", True)
    select.select_option("conv1")
    expect(page.locator(".cw-filters")).to_contain_text("One Gabor explains 84 %", timeout=FITTING)
    expect(page.locator(TILES)).to_be_visible()
    no_errors(page)


def test_running_the_cell_again_piles_nothing_up(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "again")
    count = "len(__import__('ipywidgets').widgets.widget._instances)"
    page.run_cell(0)
    widgets = page.kernel(count)
    for _ in range(5):
        page.run_cell(0)
    expect(page.locator(".cw-filters")).to_contain_text("One Gabor explains 84 %", timeout=FITTING)
    kernel_becomes(page, count, widgets)
    expect(page.locator(".cw-explorer")).to_have_count(1)
    page.locator(TILES).click(position={"x": 10, "y": 10})
    kernel_becomes(page, "explorer.selection.channel", 0)


def test_works_in_notebook_7(notebook, tmp_path):
    page = open_explorer(notebook, tmp_path, "classic", app="notebook")
    page.locator(TILES).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".cw-filters-side")).to_be_visible()
    kernel_becomes(
        page,
        "explorer.selection.channel == explorer.grid.channel and explorer.grid.channel is not None",
        True,
    )


_PRINTED = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
  .map((cell) => cell.toJSON())
  .filter(({ source }) => [source].flat().join("").startsWith("# NBVAL_CHECK_OUTPUT"))
  .flatMap(({ outputs }) => outputs.map(({ text }) => [text].flat().join("")))
  .join("")"""
