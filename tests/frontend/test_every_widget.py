"""What holds for the front end of every widget."""

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render import gif_bytes
from cnnwidgets.widgets import (
    ActivationGrid,
    AscentControl,
    AttributionGrid,
    CamControl,
    ChangeViewer,
    ClassChoice,
    ClassPicker,
    DreamControl,
    EmbeddingScatter,
    ExplanationControl,
    FilterGrid,
    FoolingControl,
    ImagePicker,
    LayerPicker,
    MapControl,
    NameChips,
    NetworkPicker,
    NeuronSlider,
    PatchGrid,
    PictureChange,
    PictureRows,
    RetrievalControl,
    RunControl,
    ScanControl,
    StepViewer,
    TileBlocks,
    UnitChoice,
    UnitSearch,
    Wipe,
    ZoomFilm,
)
from cnnwidgets.widgets.convolution_stepper import ConvolutionStepper
from cnnwidgets.widgets.heat_map import HeatMap
from cnnwidgets.widgets.occlusion_control import OcclusionControl
from cnnwidgets.widgets.occlusion_image import OcclusionImage
from cnnwidgets.widgets.relu_rules import ReluRules

MAPS = np.random.default_rng(0).random((6, 4, 5), dtype=np.float32)

FILTERS = np.random.default_rng(1).normal(size=(6, 3, 4, 5)).astype(np.float32)


def analysed(filters):
    """With a filter opened and everything known of it."""
    grid = FilterGrid(filters, channel=2)
    some = np.linspace(0.1, 0.9, 6)
    grid.analyse(np.ones((6, 8, 8)), some, 100 * some, 9 * some, filters, firing=some, firing_layer="relu1")
    return grid


def patches_and_all():
    """With a chosen patch, its map, a histogram and an average."""
    grid = PatchGrid()
    pictures = np.random.default_rng(2).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    grid.show([dict(picture=each, box=(-3, 4, 4, 13), value=2.5, source="test 1") for each in pictures])
    grid.chosen = 1
    grid.show_map(1, MAPS[0], cell=(1, 2))
    grid.set_histogram([3, 9, 2], [0, 1, 2, 3], n_silent=1)
    grid.set_average(pictures[0, :7, :9])
    return grid


def tiles_and_images():
    """With a chosen tile, one block that is there, one that is to come, and one that never will."""
    blocks = TileBlocks(views=["strongest", "weakest"], notes={"DeconvNet": "what is positive"})
    pictures = np.random.default_rng(3).integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
    images = np.random.default_rng(4).normal(size=(4, 3, 20, 30))
    patches = [dict(picture=each, box=(-3, 4, 4, 13), value=2.5) for each in pictures]
    blocks.show(patches, {"DeconvNet": images, "guided backprop": None, "gradient": "there is none"})
    blocks.chosen = 1
    return blocks


def steps_and_best():
    """With some steps, the best pictures, and two of them to choose from."""
    viewer = StepViewer(titles=["cat", "dog"], can_select=True)
    for step in range(4):
        viewer.show([np.full((9, 8, 3), 9 * step, np.uint8)] * 2, step, best=np.zeros((9, 8, 3), np.uint8))
    return viewer


def rows_and_all():
    """With a picture asked for, ticks and crosses, a row that waits, groups, and all buttons."""
    tiles = [
        dict(picture=Image.new("RGB", (9, 7), colour), number=n, label=colour, value=n / 7, mark=n % 2 == 0)
        for n, colour in enumerate(["red", "teal", "blue"])
    ]
    first = dict(key="features", title="Features", tiles=tiles, told=["1", "2", "3"], share=[1, 0.5, 0.7])
    return PictureRows(
        [first, dict(key="pixels", title="Pixels", message="computing …")],
        query=tiles[0],
        groups=["all", "red"],
        can_upload=True,
        can_draw_lots=True,
    )


def changed_picture():
    """With two changes, curves and a search."""
    viewer = ChangeViewer(classes=["cat", "dog"], search=[0, 0, 5, 1], facts=[["saved", "still fools"]])
    rows = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]
    changes = [PictureChange(name, np.ones((3, 20, 30)), rows) for name in ("found", "noise")]
    viewer.show(Image.new("RGB", (30, 20), "teal"), changes, scales=[0, 0.5, 1], marked=(0, 1))
    return viewer


MAKE = {
    "ActivationGrid": lambda: ActivationGrid(MAPS, image=Image.new("RGB", (50, 40), "teal")),
    "AscentControl": lambda: AscentControl(title="A"),
    "AttributionGrid": lambda: AttributionGrid(
        [dict(key=k, values=MAPS[:3], kind=k) for k in ("heat", "signed", "colour")],
        image=Image.new("RGB", (50, 40), "teal"),
        can_choose=True,
    ),
    "ChangeViewer": changed_picture,
    "ClassChoice": lambda: ClassChoice(classes=["cat", "dog", "bus"]),
    "ClassChoice, many": lambda: ClassChoice(classes=[f"class {i}" for i in range(40)]),
    "ClassPicker": lambda: ClassPicker(classes=["cat", "dog", "bus"], probabilities=[0.2, 0.7, 0.1]),
    "EmbeddingScatter": lambda: EmbeddingScatter(
        np.random.default_rng(3).normal(size=(30, 2)),
        np.arange(30) % 3,
        ["cat", "dog", "bus"],
        np.full((30, 8, 9, 3), 90, np.uint8),
        selected=[4],
        highlighted=[5],
    ),
    "FilterGrid": lambda: analysed(FILTERS),
    "FilterGrid, higher layer": lambda: analysed(FILTERS[:, [0, 1, 2, 0]]),
    "FoolingControl": lambda: FoolingControl(running=True),
    "ImagePicker": lambda: ImagePicker([Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]),
    "LayerPicker": lambda: LayerPicker(
        layers=[
            dict(name="conv1", kind="Conv2d", output_shape=(6, 4, 5)),
            dict(name="fc", kind="Linear", output_shape=(3,)),
        ]
    ),
    "MapControl": lambda: MapControl(spaces=["pixels", "conv1"], method="tsne"),
    "NameChips": lambda: NameChips(names=["cat.jpg", "my dog.png"], label="in the maps"),
    "NetworkPicker": lambda: NetworkPicker(
        options=[
            dict(name="toynet"),
            dict(name="alexnet", available=False, note="233 MB, not on this machine"),
        ]
    ),
    "NeuronSlider": lambda: NeuronSlider(strengths=MAPS.max((1, 2))),
    "PatchGrid": patches_and_all,
    "PictureRows": rows_and_all,
    "RetrievalControl": lambda: RetrievalControl(),
    "RunControl": lambda: RunControl(can_fast=True),
    "ScanControl": lambda: ScanControl(source="5,000 Toytown pictures"),
    "StepViewer": steps_and_best,
    "TileBlocks": tiles_and_images,
    "UnitChoice": lambda: UnitChoice(),
    "UnitSearch": lambda: UnitSearch(
        parts=["wheel"], part="wheel", hits=[dict(layer="conv5", channel=54, score=0.31)]
    ),
    "CamControl": lambda: CamControl(methods=["CAM", "Grad-CAM"], layers=["conv1", "conv2"]),
    "ExplanationControl": lambda: ExplanationControl(offered=["saliency", "SmoothGrad"]),
    "DreamControl": lambda: DreamControl(layers=["conv1", "conv2"], sizes=[(34, 45), (48, 64)]),
    "Wipe": lambda: Wipe(Image.new("RGB", (50, 40), "teal"), Image.new("RGB", (50, 40), "red")),
    "ZoomFilm": lambda: ZoomFilm(gif=gif_bytes([*np.uint8(200 * MAPS[:2])])),
    "OcclusionControl": lambda: OcclusionControl(image_size=(96, 128)),
    "OcclusionImage": lambda: OcclusionImage(Image.new("RGB", (50, 40), "teal")),
    "HeatMap": lambda: HeatMap(MAPS[0], image=Image.new("RGB", (50, 40), "teal"), baseline=0.5),
    "HeatMap, classes": lambda: HeatMap(MAPS[0].round(), names=["cat", "dog"]),
    "ReluRules": lambda: ReluRules(position=(1, 2)),
    "ConvolutionStepper": lambda: ConvolutionStepper(step=8),
    "ConvolutionStepper, back": lambda: ConvolutionStepper(step=8, direction="back", method="gather"),
}


@pytest.fixture(params=MAKE)
def widget(request):
    widget = MAKE[request.param]()
    yield widget
    widget.close()


def test_keys_belong_to_the_widget_and_not_to_the_notebook(show, widget):
    """Trap 1: with a canvas focused, "d d" would delete the cell."""
    page = show(widget).page
    marks = page.evaluate(
        """() => [...document.querySelectorAll(".view *")]
          .filter(el => el.tabIndex >= 0 && el.matches("button, input, select, a, textarea, [tabindex]"))
          .map(el => [el.tagName, el.dataset.lmSuppressShortcuts])"""
    )
    assert len(marks) >= 2
    assert [mark for mark in marks if mark[1] != "true"] == []


def test_names_for_those_who_do_not_see(show, widget):
    page = show(widget).page
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input:not([type=file]), select, [tabindex]")]
          .filter(el => !el.getAttribute("aria-label"))
          .filter(el => !el.textContent.trim() && !el.labels?.[0]?.textContent.trim())
          .map(el => el.outerHTML)"""
    )
    assert nameless == []
    roleless = page.evaluate("() => [...document.querySelectorAll('canvas[tabindex]:not([role])')].length")
    assert roleless == 0
    assert page.locator("[role=status][aria-live=polite]").count() == 1


def test_errors_are_shown_as_text_and_can_be_dismissed(show, widget):
    shown = show(widget)
    error = shown.page.locator(".cw-error")
    assert error.is_hidden()
    widget.error = "<b>no</b> such file"
    shown.update("error")
    assert error.inner_text().strip() == "<b>no</b> such file"
    error.get_by_role("button").click()
    assert error.is_hidden()
    shown.deliver()
    assert widget.error == ""


def test_two_views_and_nothing_left_behind(show, widget):
    shown = show(widget)
    one = shown.page.evaluate("() => model.listening()")
    shown.view()
    shown.settle()
    assert shown.page.locator(".cw").count() == 2
    assert shown.page.evaluate("() => model.listening()") == 2 * one > 0
    ids = shown.page.evaluate("() => [...document.querySelectorAll('[id]')].map(el => el.id)")
    assert len(ids) == len(set(ids))
    shown.page.evaluate("() => window.cleanups.forEach(cleanup => cleanup())")
    assert shown.page.locator(".cw").count() == 0
    assert shown.page.evaluate("() => model.listening()") == 0
    shown.update(
        *[key for key in widget.keys if key not in ("layout", "_esm", "_css")]
    )  # nobody listens, nothing breaks


def test_listeners_on_the_page_go_too(show, widget):
    """A view that is closed leaves no listener on the document or the window."""
    shown = show(widget, views=0)
    shown.page.evaluate(
        """() => {
          window.open_ = 0;
          for (const target of [window, document, document.body]) {
            const add = target.addEventListener.bind(target);
            target.addEventListener = (type, callback, options) => {
              window.open_ += 1;
              options?.signal?.addEventListener("abort", () => (window.open_ -= 1));
              add(type, callback, options);
            };
          }
        }"""
    )
    shown.view()
    shown.settle()
    shown.page.evaluate("() => window.cleanups[0]()")
    assert shown.page.evaluate("() => window.open_") == 0


def test_closing_empties_the_bytes_without_breaking_the_view(show, widget):
    shown = show(widget)
    keys = [
        name
        for name, trait in widget.traits(sync=True).items()
        if type(trait).__name__ in ("BrowserBytes", "Floats")
    ]
    shown.page.evaluate(
        "keys => window.update(Object.fromEntries(keys.map(key => [key, {base64: ''}])))",
        keys,
    )
    shown.settle()  # an exception in the page fails the test


def test_ready_long_before_anywidget_gives_up(show, widget):
    """Trap 5: `initialize` has two seconds; there is none, and the first view is quick."""
    shown = show(widget, views=0)
    took = shown.page.evaluate(
        "async () => { const t = performance.now(); await view(); return performance.now() - t; }"
    )
    assert took < 500
    assert "initialize" not in str(widget._esm)


def test_small_enough_to_be_sent_with_every_instance(widget):
    """Trap 8."""
    assert len(str(widget._esm)) < 48_000
