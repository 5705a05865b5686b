import numpy as np
import pytest
from PIL import Image

from cnnwidgets.render import lut
from cnnwidgets.widgets._heat import OTHER, PALETTE, bar_ends
from cnnwidgets.widgets.heat_map import HeatMap

CANVAS = ".cw-heat-canvas"
VALUES = np.array([[0.9, 0.2, 0.8], [0.9, 0.8, 0.7]], np.float32)
ROWS, COLUMNS = [4, 14], [4, 14, 24]
PICTURE = Image.fromarray(np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8))


@pytest.fixture
def heat():
    heat = HeatMap(title="probability of car", unit="probability", smooth=False)
    heat.show(VALUES, ROWS, COLUMNS, baseline=0.95)
    yield heat
    heat.close()


@pytest.fixture
def show(show):
    """show(heat) once its picture, which is decoded beside, is there too."""

    def opened(heat, **options):
        shown = show(heat, **options)
        if heat.image is not None:
            shown.page.locator("input[type=range]").wait_for()
            shown.settle()
        return shown

    return opened


def colour_at(shown, x, y):
    """Colour of the canvas at a share of its size."""
    return shown.page.evaluate(
        """([selector, x, y]) => {
          const canvas = document.querySelector(selector);
          const at = (share, size) => Math.min(size - 1, Math.floor(share * size));
          const place = [at(x, canvas.width), at(y, canvas.height)];
          return [...canvas.getContext("2d").getImageData(...place, 1, 1).data];
        }""",
        [CANVAS, x, y],
    )[:3]


def hover(shown, x, y):
    box = shown.page.locator(CANVAS).bounding_box()
    shown.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    shown.settle()


def click(shown, x, y):
    hover(shown, x, y)
    shown.page.mouse.down()
    shown.page.mouse.up()
    shown.settle()


def reading(shown):
    return shown.page.locator(".cw-heat-reading").inner_text()


def ticks(shown):
    return shown.page.locator(".cw-heat-ticks span").all_inner_texts()


def viridis(value, lo, hi):
    return lut("viridis")[int((float(value) - lo) / (hi - lo) * 255 + 0.5)].tolist()


def test_colours_are_those_of_the_values(show, heat):
    heat.low, heat.high = 0.0, 1.0
    shown = show(heat)
    for row, column in np.ndindex(2, 3):
        wanted = viridis(VALUES[row, column], 0, 1)
        assert colour_at(shown, (column + 0.5) / 3, (row + 0.5) / 2) == wanted
    heat.reverse = True
    shown.update("reverse")
    assert colour_at(shown, 0.5, 0.2) == lut("viridis")[255 - 51].tolist()
    heat.reverse, heat.colormap = False, "magma"
    shown.update("reverse", "colormap")
    assert colour_at(shown, 0.5, 0.2) == lut("magma")[51].tolist()


def test_cells_reach_half_way_to_the_next_centre(show):
    heat = HeatMap(np.array([[0.0, 1.0]]), smooth=False, low=0, high=1)
    heat.set_image(Image.new("RGB", (40, 20)))
    heat.opacity = 1.0
    heat.show(heat.values, rows=[9], columns=[5, 14])  # the border is at 9.5 + 0.5 of 40 pixels
    shown = show(heat)
    assert colour_at(shown, 0.245, 0.5) == lut("viridis")[0].tolist()
    assert colour_at(shown, 0.255, 0.5) == lut("viridis")[255].tolist()
    assert colour_at(shown, 0.99, 0.99) == lut("viridis")[255].tolist()


def test_smooth_is_bilinear_between_the_centres(show):
    heat = HeatMap(np.array([[0.0, 1.0]]), low=0, high=1, colormap="gray")
    shown = show(heat)
    for x, wanted in [(0.1, 0), (0.25, 0), (0.375, 64), (0.5, 128), (0.75, 255), (0.9, 255)]:
        assert abs(colour_at(shown, x, 0.5)[0] - wanted) <= 2
    shown.page.get_by_label("smooth").uncheck()
    shown.settle()
    assert colour_at(shown, 0.45, 0.5)[0] == 0 and colour_at(shown, 0.55, 0.5)[0] == 255
    shown.deliver()
    assert not heat.smooth


def test_what_is_not_known_is_faded_blocks(show):
    heat = HeatMap(low=0, high=1, colormap="gray", opacity=1.0)
    heat.set_image(Image.new("RGB", (30, 10)))
    heat.show([[1.0, 1.0, np.nan]], known=[[True, False, False]])
    shown = show(heat)
    assert [colour_at(shown, x, 0.5)[0] for x in (0.1, 0.33, 0.34, 0.6, 0.7)] == [255, 255, 204, 204, 0]
    assert shown.page.get_by_text("1 of 3 positions").is_visible()
    hover(shown, 0.5, 0.5)
    assert reading(shown) == "row 5, column 15: about 1.000"
    hover(shown, 0.9, 0.5)
    assert reading(shown) == "row 5, column 25: not known yet"


def test_the_picture_under_the_map(show, heat):
    heat.image, heat.opacity = PICTURE, 0.0
    shown = show(heat)
    bare = [colour_at(shown, (x + 0.5) / 30, (y + 0.5) / 20) for y in range(20) for x in range(30)]
    assert np.abs(np.array(bare) - np.asarray(PICTURE).reshape(-1, 3)).mean() < 25  # enlarged smoothly
    shown.set(opacity=0.5)
    heat.show(np.full((2, 3), np.nan))
    shown.update("_values")
    red, green, blue = colour_at(shown, 0.3, 0.3)
    assert red == green == blue
    shown.page.get_by_label("opacity").fill("1")
    shown.settle()
    shown.deliver()
    assert heat.opacity == 1


def test_hovering_reads_the_exact_value_without_the_kernel(show, heat):
    shown = show(heat)
    assert reading(shown) == "from 0.200 to 0.900"
    for (row, column), wanted in {
        (0, 1): "row 4, column 14: 0.200 (−0.750)",
        (1, 2): "row 14, column 24: 0.700 (−0.250)",
    }.items():
        hover(shown, (column + 0.5) / 3, (row + 0.5) / 2)
        assert reading(shown) == wanted
        left = shown.page.locator(".cw-heat-reader").evaluate("el => parseFloat(el.style.left)")
        assert left == pytest.approx((VALUES[row, column] - 0.2) / 0.75 * 100, abs=0.01)
    shown.page.mouse.move(900, 700)
    shown.settle()
    assert reading(shown) == "from 0.200 to 0.900"
    assert shown.page.locator(".cw-heat-reader").is_hidden()
    assert shown.sent() == [] and shown.messages() == []


@pytest.mark.parametrize(
    ("value", "baseline", "wanted"),
    [
        (0.9502, 0.95, "0.950 (no change)"),
        (0.97, 0.95, "0.970 (+0.020)"),
        (3e-6, 5e-5, "0.0000030 (−0.0000470)"),
        (1234.0, 1000.0, "1,234 (+234)"),
        (0.5, None, "0.500"),
    ],
)
def test_numbers(show, value, baseline, wanted):
    heat = HeatMap([[value]])
    heat.baseline = baseline
    shown = show(heat)
    hover(shown, 0.5, 0.5)
    assert reading(shown) == f"row 0, column 0: {wanted}"


def test_the_drop_is_a_view(show, heat):
    shown = show(heat)
    shown.page.get_by_role("button", name="drop").click()
    shown.settle()
    assert colour_at(shown, 0.5, 0.2) == lut("viridis")[255].tolist()
    assert colour_at(shown, 0.1, 0.2) == viridis(0.05, 0, 0.75)
    assert "unoccluded 0" in shown.page.locator(".cw-heat-mark").inner_text()
    hover(shown, 0.5, 0.2)
    assert reading(shown) == "row 4, column 14: drop 0.750 (to 0.200)"
    shown.deliver()
    assert heat.view == "drop" and (heat.values == VALUES).all()
    heat.low, heat.high = 0.0, 1.0
    shown.update("low", "high")
    assert colour_at(shown, 0.1, 0.2) == viridis(0.05, -0.05, 0.95)


def test_the_switch_needs_a_baseline(show, heat):
    shown = show(heat)
    switch = shown.page.locator(".cw-heat-view")
    assert switch.locator("button").all_inner_texts() == ["probability", "drop"]
    heat.can_drop = False
    shown.update("can_drop")
    assert switch.is_hidden() and shown.page.locator(".cw-heat-unit").inner_text() == "probability"
    heat.can_drop, heat.baseline, heat.view = True, None, "drop"
    shown.update("can_drop", "baseline", "view")
    assert switch.is_hidden() and reading(shown) == "from 0.200 to 0.900"
    assert shown.page.locator(".cw-heat-mark").is_hidden()


def test_the_colour_bar(show, heat):
    shown = show(heat)
    assert ticks(shown) == ["0.4", "0.6", "0.8"] or ticks(shown) == ["0.2", "0.4", "0.6", "0.8"]
    assert shown.page.locator(".cw-heat-mark").inner_text() == "unoccluded 0.950"
    arrow = shown.page.locator(".cw-heat-arrow")
    assert arrow.evaluate("el => parseFloat(el.style.left)") == pytest.approx(100)
    heat.low, heat.high = 0.0, 1.0
    shown.update("low", "high")
    assert ticks(shown) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert arrow.evaluate("el => parseFloat(el.style.left)") == pytest.approx(95)
    with heat.hold_trait_notifications():
        heat.low, heat.high = -1e-5, 0.0
    shown.update("low", "high")
    assert ticks(shown)[0] == "−1.0e−5" and arrow.is_hidden()


@pytest.mark.parametrize("diverging", [False, True])
@pytest.mark.parametrize("least", [0, 0.1, 3])
@pytest.mark.parametrize(
    ("values", "low", "high", "baseline"),
    [
        ([0.98, 0.99], None, None, None),
        ([0.01, 0.02], None, None, 0.015),
        ([0.3, 0.31], 0.25, None, None),
        ([0.3, 0.31], None, 0.2, 0.4),
        ([-2.0, 1.0], None, None, 4.0),
        ([0.5, 0.5 + 1e-8], None, None, None),
    ],
)
def test_the_ends_of_the_bar_are_those_of_python(show, values, low, high, baseline, least, diverging):
    heat = HeatMap(np.array([values]), low=low, high=high, baseline=baseline, least=least, unit="probability")
    heat.smooth = False
    heat.colormap = "coolwarm" if diverging else "viridis"
    lo, hi = bar_ends(np.float32([values]), low, high, baseline, least, diverging, "probability", 1e-6)
    shown = show(heat)
    for x, value in zip((0.2, 0.8), np.float32(values), strict=True):
        share = np.clip((value - lo) / (hi - lo), 0, 1) if hi > lo else 0.5
        near = [lut(heat.colormap)[min(255, max(0, round(share * 255) + d))] for d in (-1, 0, 1)]
        assert colour_at(shown, x, 0.5) in np.array(near).tolist()


def test_why_there_are_no_values_is_said(show):
    heat = HeatMap(np.ones((3, 4)), nothing="no positive evidence")
    shown = show(heat)
    heat.clear()
    shown.update("_values", "_shape", "_rows", "_columns", "position", "baseline")
    assert reading(shown) == "no positive evidence"
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == "no positive evidence"
    assert heat.describe() == "HeatMap: no positive evidence"


def test_places_of_no_class_and_a_legend_without_shares(show):
    values = np.full((3, 4), np.nan)
    values[:, 0] = 1
    heat = HeatMap(names=["found", "missed"], shares=False)
    heat.show(values, known=np.ones((3, 4), bool))
    assert heat.known.all()
    shown = show(heat)
    legend = shown.page.locator(".cw-heat-legend")
    assert legend.inner_text() == "missed" and heat.describe() == "HeatMap: 3 × 4 values, missed"
    assert "positions" not in shown.page.locator(".cw-heat-notes").inner_text()
    hover(shown, 0.9, 0.5)
    assert reading(shown).endswith(": none")
    heat.shares = True
    shown.update("shares")
    assert legend.inner_text().split() == ["missed", "100", "%"]


def test_a_flat_map_is_said_and_not_stretched(show):
    heat = HeatMap(np.full((3, 4), 0.98) + np.linspace(0, 2e-7, 4), unit="probability")
    shown = show(heat)
    assert reading(shown) == "the same everywhere: 0.980" and ticks(shown) == ["0.980"]
    assert colour_at(shown, 0.1, 0.5) == colour_at(shown, 0.9, 0.5) == lut("viridis")[128].tolist()
    heat.show(np.full((3, 4), np.nan))
    shown.update("_values")
    assert reading(shown) == "no values yet" and ticks(shown) == []
    heat.show(np.full((3, 4), np.inf))
    shown.update("_values")
    assert reading(shown) == "no finite values"
    hover(shown, 0.1, 0.1)
    assert reading(shown) == "row 0, column 0: not finite (Infinity)"


def test_a_click_chooses(show, heat):
    shown = show(heat)
    bare = shown.pixels(CANVAS)
    click(shown, 0.9, 0.8)
    shown.page.mouse.move(900, 700)
    shown.settle()
    assert shown.pixels(CANVAS) != bare and reading(shown) == "row 14, column 24: 0.700 (−0.250)"
    shown.deliver()
    assert heat.position == (1, 2) and heat.chosen_pixel == (14, 24)
    heat.position = None
    shown.update("position")
    assert shown.pixels(CANVAS) == bare


def test_keys(show, heat):
    shown = show(heat)
    canvas = shown.page.locator(CANVAS)
    canvas.focus()
    for key, wanted in [
        ("Enter", [0, 1]),  # furthest from the baseline
        ("ArrowRight", [0, 2]),
        ("ArrowRight", [0, 2]),
        ("ArrowDown", [1, 2]),
        ("Shift+ArrowLeft", [1, 0]),
        ("ArrowUp", [0, 0]),
        ("Escape", None),
        ("ArrowLeft", [0, 1]),
    ]:
        canvas.press(key)
        assert shown.get("position") == wanted, key
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == "row 4, column 14: 0.200 (−0.750)"
    shown.deliver()
    assert heat.position == (0, 1)


def test_updates_keep_the_pointer_and_the_chosen_cell_and_do_not_flicker(show, heat):
    heat.image = PICTURE
    shown = show(heat)
    heat.position = (1, 2)
    shown.update("position")
    hover(shown, 0.5, 0.2)
    shown.page.evaluate(
        """() => {
          window.sizes = 0;
          const canvas = document.querySelector(".cw-heat-canvas");
          const count = new MutationObserver(() => (window.sizes += 1));
          count.observe(canvas, { attributes: true, attributeFilter: ["width", "height"] });
        }"""
    )
    heat.show(VALUES / 2, ROWS, COLUMNS)
    shown.update("_values")
    assert reading(shown) == "row 4, column 14: 0.100 (−0.850)" and shown.get("position") == [1, 2]
    fine = np.repeat(np.repeat(VALUES, 2, 0), 2, 1)
    heat.show(fine, [2, 7, 12, 17], [2, 7, 12, 17, 22, 27])  # as a finer lattice comes
    shown.update("_values", "_shape", "_rows", "_columns", "position")
    assert reading(shown) == "row 2, column 17: 0.200 (−0.750)"
    assert shown.get("position") == [2, 4]
    assert shown.page.evaluate("() => window.sizes") == 0  # a canvas that is resized is emptied


def test_one_painting_for_a_message(show, heat):
    shown = show(heat)
    shown.page.evaluate(
        """() => {
          window.put = 0;
          const put = CanvasRenderingContext2D.prototype.putImageData;
          CanvasRenderingContext2D.prototype.putImageData = function (...rest) {
            window.put += 1;
            put.apply(this, rest);
          };
        }"""
    )
    heat.show(VALUES / 2, ROWS, COLUMNS, baseline=0.5, known=np.eye(2, 3))
    shown.update("_values", "_known", "baseline")
    assert shown.page.evaluate("() => window.put") == 1
    hover(shown, 0.5, 0.2)
    shown.set(opacity=0.3, position=[1, 1])
    assert shown.page.evaluate("() => window.put") == 1  # markers and opacity do not paint the values again


def test_a_large_map_is_quick(show):
    heat = HeatMap(np.random.default_rng(0).random((224, 224)))
    shown = show(heat)
    took = shown.page.evaluate(
        """async () => {
          const start = performance.now();
          for (let i = 0; i < 5; i++) {
            model.update({ _values: model.get("_values"), baseline: i });
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          }
          return (performance.now() - start) / 5;
        }"""
    )
    assert took < 150


def test_progress_is_said_at_rest(show, heat):
    shown = show(heat)
    heat.note = "one value every 10 pixels"
    heat.show(VALUES, ROWS, COLUMNS, known=np.eye(2, 3))
    shown.update("_values", "_known", "note")
    assert shown.page.get_by_text("one value every 10 pixels").is_hidden()
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == "2 of 6 positions"
    heat.show(VALUES, ROWS, COLUMNS)
    shown.update("_values", "_known")
    assert shown.page.get_by_text("one value every 10 pixels").is_visible()
    assert "positions" not in shown.page.locator(".cw-heat-notes").inner_text()


def rows(shown):
    return [" ".join(text.split()) for text in shown.page.locator(".cw-heat-class").all_inner_texts()]


def rgb(text):
    return [int(text[i : i + 2], 16) for i in (1, 3, 5)]


def test_classes_have_colours_and_a_legend(show):
    heat = HeatMap(names=["cat", "dog", "bus"], title="most probable class")
    heat.show([[2, 2, 0], [2, 2, 0]], baseline=2)
    shown = show(heat)
    assert rows(shown) == ["bus unoccluded 67 %", "cat 33 %"]
    assert colour_at(shown, 0.1, 0.5) == rgb(PALETTE[2]) and colour_at(shown, 0.9, 0.5) == rgb(PALETTE[0])
    assert colour_at(shown, 0.64, 0.5) == rgb(PALETTE[2])  # no colours in between
    for hidden in (".cw-heat-bar", "label:has-text('smooth')"):
        assert shown.page.locator(hidden).is_hidden()
    hover(shown, 0.9, 0.9)
    assert reading(shown) == "row 1, column 2: cat"
    assert shown.page.locator(".cw-heat-class.cw-active").inner_text().startswith("cat")
    swatch = shown.page.locator(".cw-heat-swatch").first.evaluate(
        "el => getComputedStyle(el).backgroundColor"
    )
    assert swatch == f"rgb({', '.join(map(str, rgb(PALETTE[2])))})"


def test_shares_are_those_of_what_is_known(show):
    heat = HeatMap(names=["cat", "dog"])
    heat.show([[0, 0, 0, 1]], known=[[True, False, False, True]])
    assert rows(show(heat)) == ["cat 50 %", "dog 50 %"]


def test_many_classes(show):
    heat = HeatMap(names=[f"class {i}" for i in range(1000)])
    heat.show(np.repeat(np.arange(10) * 50, [20, 18, 16, 14, 12, 10, 8, 6, 4, 2])[None])
    shown = show(heat)
    assert len(rows(shown)) == 9 and rows(shown)[0] == "class 0 18 %" and rows(shown)[-1] == "2 other 5 %"
    assert colour_at(shown, 0.01, 0.5) == rgb(PALETTE[0]) and colour_at(shown, 0.99, 0.5) == rgb(OTHER)
    hover(shown, 0.99, 0.5)
    assert reading(shown) == "row 0, column 108: class 450"
    assert shown.page.locator(".cw-heat-class.cw-active").inner_text().startswith("2 other")


def test_names_are_text(show):
    heat = HeatMap(names=["<i>a</i>"], title="<b>t</b>")
    heat.show([[0, 0]])
    shown = show(heat)
    assert rows(shown) == ["<i>a</i> 100 %"] and reading(shown) == "the same everywhere: <i>a</i>"
    assert shown.page.locator(".cw-heat-title").inner_text() == "<b>t</b>"


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((20, 30), (260, 173)), ((900, 100), (43, 390)), ((10, 900), (260, 16)), (None, (260, 173))],
)
def test_sizes(show, heat, size, wanted):
    heat.set_image(size and np.zeros((*size, 3), np.uint8))
    heat.show(VALUES)
    shown = show(heat)
    box = shown.page.locator(CANVAS).bounding_box()
    assert (box["width"], box["height"]) == pytest.approx(wanted, abs=1)
    heat.width = 400
    shown.update("width")
    assert shown.page.locator(CANVAS).bounding_box()["width"] == pytest.approx(wanted[0] * 400 / 260, abs=2)


def test_a_narrow_page(show, heat):
    heat.image = PICTURE
    shown = show(heat)
    shown.page.set_viewport_size({"width": 200, "height": 760})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 200
    assert 120 <= shown.page.locator(CANVAS).bounding_box()["width"] < 170
    click(shown, 0.9, 0.8)
    assert shown.get("position") == [1, 2]


def test_a_narrow_row_of_maps_shrinks(show, heat):
    """As in an HBox: its children are as wide as they ask, and may become smaller."""
    shown = show(heat)
    shown.page.add_style_tag(content="body { display: flex; } .view { flex: 0 1 auto; }")
    shown.settle()
    assert shown.page.locator(CANVAS).bounding_box()["width"] == pytest.approx(260, abs=1)
    shown.page.set_viewport_size({"width": 220, "height": 760})
    shown.settle()
    assert shown.page.locator(CANVAS).bounding_box()["width"] < 200


def test_clearing(show, heat):
    heat.position = (0, 0)
    shown = show(heat)
    heat.clear()
    shown.update("_values", "_shape", "_rows", "_columns", "position", "baseline")
    assert reading(shown) == "no values yet"
    hover(shown, 0.5, 0.5)
    shown.page.locator(CANVAS).press("ArrowDown")
    shown.page.locator(CANVAS).press("Enter")
    click(shown, 0.5, 0.5)
    assert shown.get("position") is None
