import base64

import numpy as np
import pytest
import torch
from PIL import Image

from cnnwidgets.render import lut
from cnnwidgets.widgets import AttributionGrid, AttributionPanel
from cnnwidgets.widgets._attribution import limit_of

CANVAS = ".cw-attr-canvas"
RNG = np.random.default_rng(4)
MAP = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 10.0]], np.float32)
HEIGHT, WIDTH = 20, 30
GRADIENT = RNG.normal(size=(3, HEIGHT, WIDTH)).astype(np.float32)
PICTURE = Image.fromarray(RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
GREY = [128, 128, 128]


def panels():
    return [
        AttributionPanel("cam", "Grad-CAM", MAP, "heat", unit="score"),
        AttributionPanel("signed", "Gradient × input", GRADIENT, "signed", "a note"),
        AttributionPanel("guided", "Guided backprop", GRADIENT, "colour"),
    ]


@pytest.fixture
def grid():
    """Panels of 150 x 100 pixels: five for each of the picture."""
    grid = AttributionGrid(panels(), image=PICTURE, width=150)
    yield grid
    grid.close()


@pytest.fixture
def exact():
    grid = AttributionGrid(width=150, smooth=False, opacity=1.0, clip=100.0, colormap="gray")
    yield grid
    grid.close()


@pytest.fixture
def show(show):
    """show(grid) once its picture, which is decoded beside, is there too."""

    def opened(grid, **options):
        shown = show(grid, **options)
        if grid.image is not None:
            shown.page.wait_for_function(
                """() => {
                  const g = document.querySelector(".cw-attr-canvas").getContext("2d");
                  return String(g.getImageData(5, 5, 1, 1).data) !== "238,238,238,255";
                }"""
            )
            shown.settle()
        return shown

    return opened


def tile(shown, key):
    """The panel of a key; that of the picture for an empty one."""
    return shown.page.locator(f".cw-attr-panel[data-key='{key}']").first


def colours(shown, key):
    """All pixels of a panel on white, shape (height, width, 3)."""
    width, data = (
        tile(shown, key)
        .locator("canvas")
        .evaluate(
            """canvas => {
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              return [canvas.width, btoa(data.reduce((text, byte) => text + String.fromCharCode(byte), ""))];
            }"""
        )
    )
    rgba = np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, width, 4).astype(int)
    cover = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * cover + 255 * (1 - cover)).astype(int)


def cells(shown, key, rows, columns):
    """Colours in the middle of each cell of a raster laid over a panel."""
    pixels = colours(shown, key)
    at = [
        ((np.arange(n) + 0.5) / n * side).astype(int)
        for n, side in zip((rows, columns), pixels.shape[:2], strict=True)
    ]
    return pixels[np.ix_(*at)]


def hover(shown, key, row, column, extent=(HEIGHT, WIDTH)):
    box = tile(shown, key).locator("canvas").bounding_box()
    shares = (column + 0.5) / extent[1], (row + 0.5) / extent[0]
    shown.page.mouse.move(box["x"] + shares[0] * box["width"], box["y"] + shares[1] * box["height"])
    shown.settle()


def click(shown, key, row, column):
    hover(shown, key, row, column)
    shown.page.mouse.down()
    shown.page.mouse.up()
    shown.settle()


def away(shown):
    shown.page.mouse.move(990, 750)
    shown.settle()


def value(shown, key):
    return " ".join(tile(shown, key).locator(".cw-attr-value").evaluate("el => el.innerText").split())


def ends(shown, key):
    return tile(shown, key).locator(".cw-attr-ends span").all_inner_texts()


def text(shown, key, part):
    return tile(shown, key).locator(f".cw-attr-{part}").inner_text()


def count_paintings(shown):
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
    return lambda: shown.page.evaluate("() => window.put")


# -- colours ---------------------------------------------------------------------------------------


def test_magnitudes_from_zero_on(show, exact):
    exact.colormap = "viridis"
    exact.show([dict(key="a", values=[[0, 1, 2], [4, -4, np.nan]], kind="heat")])
    shown = show(exact)
    got = cells(shown, "a", 2, 3)
    assert got[0].tolist() == lut("viridis")[[0, 64, 128]].tolist()
    assert got[1, :2].tolist() == lut("viridis")[[255, 0]].tolist()
    assert got[1, 2].tolist() == [238] * 3  # nothing is drawn where there is no number
    assert ends(shown, "a") == ["0", "4.00"] and value(shown, "a") == "max 4.00"


def test_signed_values_have_zero_in_the_middle(show, exact):
    exact.show([dict(key="a", values=[[0, 1, 2], [-1, -2, -4]], kind="signed")])
    shown = show(exact)
    wanted = lut("RdBu_r")[[[128, 159, 191], [96, 64, 0]]]
    assert np.abs(cells(shown, "a", 2, 3) - wanted).max() <= 4  # half a step either way
    assert ends(shown, "a") == ["−4.00", "4.00"] and value(shown, "a") == "−4.00 to 2.00"


def test_gradients_as_a_picture_around_mid_grey(show, exact):
    values = np.float32([[[0, 1]], [[-1, 1]], [[0.5, 1]]])
    exact.show(
        [dict(key="three", values=values, kind="colour"), dict(key="one", values=values[1], kind="colour")]
    )
    exact.opacity = 0.2  # such panels are pictures themselves
    shown = show(exact)
    assert cells(shown, "three", 1, 2)[0].tolist() == [[128, 1, 192], [255, 255, 255]]
    assert cells(shown, "one", 1, 2)[0].tolist() == [[1, 1, 1], [255, 255, 255]]


def test_of_three_channels_the_largest_magnitude_or_the_sum(show, exact):
    values = np.float32([[[1, -4]], [[-2, 1]], [[0.5, 0]]])
    exact.show([dict(key=kind, values=values, kind=kind) for kind in ("heat", "signed")])
    shown = show(exact)
    assert cells(shown, "heat", 1, 2)[0, :, 0].tolist() == [128, 255]
    assert value(shown, "heat") == "max 4.00" and value(shown, "signed") == "−3.00 to −0.500"


@pytest.mark.parametrize("clip", [90.0, 95.5, 99.0, 100.0])
@pytest.mark.parametrize("kind", ["heat", "signed", "colour"])
def test_colours_end_where_python_says(show, exact, kind, clip):
    values = RNG.normal(size=(40, 60)).astype(np.float32) ** 5
    values[RNG.random((40, 60)) < 0.6] = 0
    values[3, 4], values[5, 6], values[7, 8] = np.inf, -np.inf, np.nan
    exact.clip = clip
    exact.show([dict(key="a", values=values, kind=kind)])
    shown = show(exact)
    limit = limit_of(values, kind, clip)
    share = np.clip(values / limit, 0 if kind == "heat" else -1, 1)
    got, finite = cells(shown, "a", 40, 60), np.isfinite(values)
    if kind == "signed":
        step = np.nan_to_num(np.floor((share + 1) * 127.5 + 0.5)).astype(int)
        wanted = lut("RdBu_r")[step]
    else:
        wanted = np.floor(share * (255 if kind == "heat" else 127) + (0 if kind == "heat" else 128) + 0.5)
        wanted = np.repeat(wanted[..., None], 3, axis=-1)
    assert np.abs(got - wanted)[finite].max() <= (6 if kind == "signed" else 1)
    assert (got[3, 4] == [GREY[0] if kind == "colour" else 238] * 3).all()
    assert ends(shown, "a")[1].startswith("≥ ") == (clip < 100)


def test_smooth_maps_are_those_of_torch(show, exact):
    exact.smooth = True
    exact.show([dict(key="cam", values=MAP)])
    wanted = torch.nn.functional.interpolate(
        torch.tensor(MAP)[None, None], (100, 150), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    shown = show(exact)
    assert np.abs(colours(shown, "cam")[..., 0] - wanted / 10 * 255).max() <= 1
    shown.page.get_by_label("smooth").click()
    shown.settle()
    assert (colours(shown, "cam")[:50, :50, 0] == 0).all()
    shown.deliver()
    assert not exact.smooth


def test_beside_what_is_not_known_nothing_is_interpolated(show, exact):
    exact.smooth = True
    exact.show([dict(key="cam", values=[[10, 10, np.nan]])])
    assert (colours(show(exact), "cam")[25, [5, 95, 99], 0] == 255).all()


def test_a_map_with_more_cells_than_there_are_pixels(show, exact):
    exact.smooth = True
    values = np.tile([[0.0, 1.0]], (400, 300))
    exact.show([dict(key="a", values=values)])
    assert np.abs(colours(show(exact), "a")[10:-10, 10:-10, 0] - 127.5).max() < 20  # averaged, not picked


def test_shared_scales(show, exact):
    exact.show([dict(key=str(i), values=[[i, 0]], scale="all" if i < 3 else "") for i in (1, 2, 8)])
    shown = show(exact)
    assert [cells(shown, key, 1, 2)[0, 0, 0] for key in ("1", "2", "8")] == [128, 255, 255]
    assert ends(shown, "1") == ["0", "2.00"]
    exact.update("2", [[4.0, 0]])
    shown.update("_panels", "_slot_1")
    assert cells(shown, "1", 1, 2)[0, 0, 0] == 64  # the other follows


def test_the_picture_under_the_maps(show, grid):
    grid.show([dict(key="a", values=np.ones((2, 3)), kind="heat")])
    grid.opacity = 0.0
    shown = show(grid)
    whole = np.asarray(PICTURE, int)
    assert np.abs(cells(shown, "a", HEIGHT, WIDTH) - whole).mean() < 25  # enlarged smoothly
    assert (colours(shown, "a") == colours(shown, "")).all()
    shown.page.get_by_label("opacity").fill("0.25")
    shown.settle()
    flat = colours(shown, "a")
    top = 0.25 * lut("viridis")[255]
    assert np.ptp(np.rint((flat - top) / 0.75), axis=-1).max() <= 3  # grey under the map
    shown.page.get_by_label("opacity").fill("1")
    shown.settle()
    assert (colours(shown, "a") == lut("viridis")[255]).all()
    shown.deliver()
    assert grid.opacity == 1


def test_colour_map_and_clip_change_without_the_kernel(show, grid):
    grid.show(
        [dict(key="a", values=np.r_[np.ones(99), 10][None]), dict(key="b", values=GRADIENT, kind="signed")]
    )
    grid.opacity = 1.0
    shown = show(grid)
    signed = colours(shown, "b")
    shown.page.locator("select").select_option("gray")
    shown.settle()
    assert (colours(shown, "a")[50, 5] == 26).all()
    assert (colours(shown, "b") == signed).all()
    strip = tile(shown, "a").locator(".cw-attr-strip").evaluate("el => el.style.background")
    assert "rgb(0, 0, 0), rgb(15, 15, 15)" in strip
    shown.page.get_by_label("clip").fill("90")
    shown.settle()
    assert (colours(shown, "a")[50, 5] == 255).all() and ends(shown, "a")[1] == "≥ 1.00"
    assert "90 %" in shown.page.locator(".cw-attr-controls").inner_text()
    assert shown.messages() == []
    shown.deliver()
    assert grid.colormap == "gray" and grid.clip == 90


def test_controls_only_where_they_do_something(show, exact):
    exact.show([dict(key="a", values=GRADIENT, kind="colour")])
    shown = show(exact)
    controls = shown.page.locator(".cw-attr-controls")
    assert controls.locator("select").is_hidden() and shown.page.get_by_label("opacity").is_hidden()
    assert shown.page.get_by_label("clip").is_visible()
    exact.controls = False
    shown.update("controls")
    assert controls.is_hidden()


# -- nothing to show -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("heat", MAP * 0, "no positive evidence"),
        ("heat", -MAP, "no positive evidence"),
        ("signed", MAP * 0, "all zero"),
        ("colour", GRADIENT * 0, "all zero"),
        ("heat", MAP * np.nan, "not a number"),
        ("colour", GRADIENT * np.nan, "not a number"),
    ],
)
def test_what_holds_nothing_is_said_and_is_no_pattern(show, grid, kind, values, wanted):
    grid.show([dict(key="none", title="Grad-CAM", values=values, kind=kind)])
    shown = show(grid)
    assert text(shown, "none", "said") == wanted
    pixels = colours(shown, "none")
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()
    grey = np.asarray(PICTURE, float) @ [0.299, 0.587, 0.114]
    assert np.abs(cells(shown, "none", HEIGHT, WIDTH)[..., 0] - grey).mean() < 20
    assert not tile(shown, "none").locator(".cw-attr-strip").is_visible()
    assert tile(shown, "none").locator("canvas").get_attribute("aria-label") == f"Grad-CAM, {wanted}"
    grid.update("none", MAP)
    shown.update("_panels", "_slot_0")
    assert tile(shown, "none").locator(".cw-attr-said").is_hidden()
    assert tile(shown, "none").locator(".cw-attr-strip").is_visible()


def test_tiny_values_are_shown_unless_told_otherwise(show, exact):
    tiny = MAP * 1e-30
    exact.show([dict(key="a", values=tiny), dict(key="b", values=tiny, least=1e-20)])
    shown = show(exact)
    assert value(shown, "a") == "max 1.0e−29" and text(shown, "b", "said") == "nothing above 1.0e−20"
    assert np.ptp(colours(shown, "a")) > 200 and np.ptp(colours(shown, "b")) == 0


# -- pending ---------------------------------------------------------------------------------------


def test_what_is_pending_fades_until_it_comes(show, grid):
    shown = show(grid)
    full = np.ptp(colours(shown, "guided")[..., 0])
    grid.pending("guided", "SmoothGrad 20 of 50")
    shown.update("_panels")
    assert text(shown, "guided", "pending") == "SmoothGrad 20 of 50"
    assert tile(shown, "cam").locator(".cw-attr-pending").is_hidden()
    assert np.ptp(colours(shown, "guided")[..., 0]) < 0.4 * full
    assert tile(shown, "guided").get_attribute("aria-busy") == "true"
    grid.update("guided", GRADIENT, pending="40 of 50")
    shown.update("_panels")
    assert text(shown, "guided", "pending") == "40 of 50"
    assert np.ptp(colours(shown, "guided")[..., 0]) == full
    grid.update("guided", GRADIENT)
    shown.update("_panels")
    assert tile(shown, "guided").locator(".cw-attr-pending").is_hidden()


def test_panels_without_values_yet(show, grid):
    grid.show([dict(key="smooth", title="SmoothGrad", pending="0 of 50"), panels()[0]])
    shown = show(grid)
    assert text(shown, "smooth", "pending") == "0 of 50" and value(shown, "smooth") == ""
    hover(shown, "smooth", 5, 5)
    assert value(shown, "smooth") == "" and value(shown, "cam") != ""
    grid.update("smooth", GRADIENT)
    shown.update("_panels", "_slot_1")
    hover(shown, "smooth", 6, 5)
    assert value(shown, "smooth") == f"{np.abs(GRADIENT[:, 6, 5]).max():.2f}"


def test_an_update_paints_its_own_panel_only(show, grid):
    shown = show(grid)
    before = colours(shown, "signed")
    paintings = count_paintings(shown)
    grid.update("guided", GRADIENT * RNG.random((HEIGHT, WIDTH)))
    shown.update("_panels", "_slot_2")
    assert paintings() == 1
    grid.pending("cam", "computing")
    shown.update("_panels")
    hover(shown, "signed", 3, 3)
    shown.set(opacity=0.3, position=[1, 1])
    assert paintings() == 1  # neither markers nor opacity paint values again
    away(shown)
    shown.set(opacity=0.7, position=None)
    assert (colours(shown, "signed") == before).all()
    shown.page.get_by_label("clip").fill("95")
    shown.settle()
    assert paintings() in (3, 4)  # of six values none goes beyond the percentile


# -- reading ---------------------------------------------------------------------------------------


def test_one_pixel_is_read_in_all_panels_at_once(show, grid):
    grid.smooth = False
    shown = show(grid)
    assert value(shown, "") == "20 × 30 pixels" and text(shown, "cam", "unit") == "score"
    for key in ("cam", "", "guided"):
        hover(shown, key, 13, 25)
        red, green, blue = (f"{v:+.1f}".replace("-", "−") for v in GRADIENT[:, 13, 25])
        assert value(shown, "cam") == "10.0"
        assert value(shown, "guided") == f"R {red} G {green} B {blue}"
        assert value(shown, "signed") == f"{GRADIENT[:, 13, 25].sum():+.2f}".replace("-", "−")
        assert value(shown, "") == "row 13, column 25"
        assert text(shown, "", "unit") == "R {} G {} B {}".format(*np.asarray(PICTURE)[13, 25])
    away(shown)
    assert value(shown, "cam") == "max 10.0" and text(shown, "signed", "note") == "a note"
    assert shown.sent() == [] and shown.messages() == []


def test_a_smooth_map_is_read_as_it_is_drawn(show, grid):
    shown = show(grid)
    wanted = torch.nn.functional.interpolate(
        torch.tensor(MAP)[None, None], (HEIGHT, WIDTH), mode="bilinear", align_corners=False
    )[0, 0]
    for row, column in [(0, 0), (5, 7), (11, 22), (19, 29), (10, 0)]:
        hover(shown, "guided", row, column)
        assert value(shown, "cam") == f"{wanted[row, column]:.1f}".replace("0.0", "0", row + column == 0)
        assert value(shown, "signed") == f"{GRADIENT[:, row, column].sum():+.2f}".replace("-", "−")


def test_the_value_is_marked_on_the_strip(show, exact):
    exact.show([dict(key="a", values=MAP), dict(key="b", values=MAP - 6, kind="signed")])
    shown = show(exact)
    hover(shown, "a", 1, 0, (2, 3))
    left = [
        tile(shown, key).locator(".cw-attr-reader").evaluate("el => parseFloat(el.style.left)")
        for key in "ab"
    ]
    assert left == pytest.approx([30, 25], abs=0.01)
    away(shown)
    assert tile(shown, "a").locator(".cw-attr-reader").is_hidden()


@pytest.mark.parametrize(
    ("scale", "signed", "colour"),
    [
        (1e3, "+500", "R +500 G −1000 B 0"),
        (1.0, "+0.50", "R +0.5 G −1.0 B 0"),
        (0.02, "+0.0100", "R +0.010 G −0.020 B 0"),
        (2e-3, "+0.00100", "R +1.0 G −2.0 B 0 × 10⁻³"),
        (2e-12, "+1.0e−12", "R +1.0 G −2.0 B 0 × 10⁻¹²"),
        (2e5, "+100,000", "R +1.0 G −2.0 B 0 × 10⁵"),
    ],
)
def test_numbers(show, exact, scale, signed, colour):
    exact.show(
        [
            dict(key="s", values=np.float32([[0.5, -1.0]]) * scale, kind="signed"),
            dict(key="c", values=np.float32([[[0.5, 0]], [[-1.0, 0]], [[0, 0]]]) * scale, kind="colour"),
        ]
    )
    shown = show(exact)
    hover(shown, "s", 0, 0, (1, 2))
    assert value(shown, "s") == signed
    assert value(shown, "c").replace(",", "") == colour
    lines = tile(shown, "c").locator(".cw-attr-value").evaluate("el => el.clientHeight")
    assert lines <= 36


def test_a_cross_in_all_panels(show, grid):
    grid.show([dict(key=str(i), values=MAP + 50) for i in range(2)])
    grid.opacity = 1.0
    shown = show(grid)
    before = {key: colours(shown, key) for key in ("", "0", "1")}
    hover(shown, "1", 10, 12)  # its middle: 62.5 pixels from the left, 52.5 from the top
    for key, bare in before.items():
        changed = (colours(shown, key) != bare).any(axis=-1)
        assert changed[:, 62].sum() > 80 and changed[52, :].sum() > 130
        assert not changed[:, :50][:45].any() and not changed[52, 62]  # the pixel itself stays free
    away(shown)
    for key, bare in before.items():
        assert (colours(shown, key) == bare).all()


# -- choosing --------------------------------------------------------------------------------------


def test_a_click_chooses_a_pixel_and_a_second_one_none(show, grid):
    shown = show(grid)
    bare = colours(shown, "signed")
    click(shown, "guided", 13, 25)
    away(shown)
    assert (colours(shown, "signed") != bare).any() and value(shown, "") == "row 13, column 25"
    shown.deliver()
    assert grid.position == (13, 25)
    hover(shown, "guided", 2, 2)
    assert value(shown, "") == "row 2, column 2"  # the pointer goes first
    click(shown, "cam", 13, 25)
    away(shown)
    assert (colours(shown, "signed") == bare).all()
    shown.deliver()
    assert grid.position is None


def test_keys(show, grid):
    shown = show(grid)
    rows = shown.page.get_by_role("application")
    assert rows.get_attribute("aria-label").startswith("3 maps of one picture")
    rows.focus()
    for key, wanted in [
        ("ArrowRight", [10, 15]),  # the middle first
        ("ArrowRight", [10, 16]),
        ("Shift+ArrowDown", [18, 16]),
        ("Shift+ArrowDown", [19, 16]),
        ("ArrowLeft", [19, 15]),
        ("ArrowUp", [18, 15]),
        ("Escape", None),
        ("Enter", [15, 25]),  # the middle of the largest of six cells
    ]:
        rows.press(key)
        assert shown.get("position") == wanted, key
    shown.page.wait_for_timeout(200)
    said = shown.page.locator("[role=status]").inner_text()
    assert said.startswith("row 15, column 25: Grad-CAM 10.0; Gradient × input ")
    assert said.count(";") == 2 and "Guided backprop R " in said
    shown.deliver()
    assert grid.position == (15, 25)


def test_keys_go_on_from_a_click_while_the_pointer_rests_there(show, grid):
    shown = show(grid)
    canvas = shown.page.locator(CANVAS).nth(1)
    box = canvas.bounding_box()
    shown.page.mouse.move(box["x"] + 77, box["y"] + 52)
    shown.page.mouse.down()
    shown.page.mouse.up()
    row, column = shown.get("position")
    read = shown.page.locator(".cw-attr-value").nth(1)
    before = read.inner_text()
    rows = shown.page.locator(".cw-attr-rows")
    rows.press("ArrowRight")
    rows.press("ArrowRight")
    shown.settle()
    assert shown.get("position") == [row, column + 2]
    assert read.inner_text() != before
    shown.page.mouse.move(box["x"] + 10, box["y"] + 10)
    shown.settle()
    hovered = read.inner_text()
    shown.page.mouse.move(box["x"] + 10, box["y"] + 400)
    shown.settle()
    assert read.inner_text() != hovered and shown.get("position") == [row, column + 2]


def test_a_heading_chooses_a_panel(show, grid):
    grid.can_choose = True
    shown = show(grid)
    button = shown.page.get_by_role("button", name="Guided backprop")
    button.focus()
    button.press("Enter")
    shown.settle()
    assert button.get_attribute("aria-pressed") == "true" and shown.get("position") is None
    shown.deliver()
    assert grid.chosen == "guided"
    grid.chosen = "cam"
    shown.update("chosen")
    pressed = shown.page.locator("button[aria-pressed=true]").all_inner_texts()
    assert pressed == ["Grad-CAM"]
    grid.can_choose = False
    shown.update("can_choose")
    assert shown.page.locator(".cw-attr-choice").first.is_hidden()


# -- the page --------------------------------------------------------------------------------------


def visible(shown):
    return shown.page.locator(".cw-attr-name:visible").all_inner_texts()


def test_rows_have_headings_and_each_the_picture(show, grid):
    shown = show(grid)
    assert visible(shown) == ["Picture", "Grad-CAM", "Gradient × input", "Guided backprop"]
    grid.show(
        [
            dict(key=f"{name}{i}", title=f"map {i}", values=MAP, row=name)
            for name in ("car", "bus")
            for i in (1, 2)
        ]
    )
    keys = ["_panels", *(f"_slot_{i}" for i in range(8))]
    shown.update(*keys)
    assert shown.page.locator(".cw-attr-heading").all_inner_texts() == ["car", "bus"]
    assert visible(shown) == 2 * ["Picture", "map 1", "map 2"]
    tops = {shown.page.locator(CANVAS).nth(i).bounding_box()["y"] for i in range(6)}
    assert len(tops) == 2
    grid.show_image = False
    shown.update("show_image")
    assert visible(shown) == 2 * ["map 1", "map 2"]
    grid.show_image, grid.image_title = True, "Input"
    grid.show(panels()[:1])
    shown.update("show_image", "image_title", *keys)
    assert visible(shown) == ["Input", "Grad-CAM"] and shown.page.locator("section").count() == 0
    assert value(shown, "cam") == "max 10.0"


def test_panels_come_and_go_without_leaving_canvases(show, grid):
    shown = show(grid)
    listening = shown.page.evaluate("() => model.listening()")
    keys = ["_panels", *(f"_slot_{i}" for i in range(8))]
    for n in (6, 0, 1, 6):
        grid.show([dict(key=f"{n} {i}", values=MAP + i) for i in range(n)])
        shown.update(*keys)
        assert shown.page.locator(CANVAS).count() == n + 1
    assert shown.page.evaluate("() => model.listening()") == listening
    assert value(shown, "6 5") == "max 15.0"


def test_another_picture(show, grid):
    shown = show(grid)
    grid.set_image(Image.new("RGB", (20, 40), (200, 0, 0)))
    shown.update("_picture", "_picture_size", "position")
    shown.page.wait_for_function(
        """() => {
          const g = document.querySelector(".cw-attr-canvas").getContext("2d");
          return g.getImageData(9, 9, 1, 1).data[0] === 200;
        }"""
    )
    box = tile(shown, "cam").locator("canvas").bounding_box()
    assert (box["width"], box["height"]) == pytest.approx((150, 300), abs=1)
    hover(shown, "cam", 39, 19, (40, 20))
    assert value(shown, "") == "row 39, column 19" and text(shown, "", "unit") == "R 200 G 0 B 0"


def test_without_a_picture(show, exact):
    exact.show([dict(key="cam", values=MAP)])
    shown = show(exact)
    assert visible(shown) == ["cam"] and shown.page.get_by_label("opacity").is_hidden()
    hover(shown, "cam", 1, 2, (2, 3))
    assert value(shown, "cam") == "10.0"
    exact.clear()
    shown.update("_panels", "_slot_0")
    assert shown.page.get_by_text("no maps yet").is_visible()
    shown.page.get_by_role("application", include_hidden=True).evaluate(
        "el => el.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp' }))"
    )
    assert shown.get("position") is None


def test_texts_are_text(show, exact):
    exact.show(
        [dict(key="a", title="<b>t</b>", values=MAP, note="<i>n</i>", unit="<u>u</u>", row="<s>r</s>")]
    )
    shown = show(exact)
    assert visible(shown) == ["<b>t</b>"] and text(shown, "a", "note") == "<i>n</i>"
    assert text(shown, "a", "unit") == "<u>u</u>"
    assert shown.page.locator(".cw-attr-heading").inner_text() == "<s>r</s>"


def test_width_and_narrow_pages(show, grid):
    shown = show(grid)
    boxes = [shown.page.locator(CANVAS).nth(i).bounding_box() for i in range(4)]
    assert all((box["width"], box["height"]) == pytest.approx((150, 100), abs=1) for box in boxes)
    assert len({box["y"] for box in boxes}) == 1
    grid.width = 400
    shown.update("width")
    assert shown.page.locator(CANVAS).first.bounding_box()["width"] == pytest.approx(400, abs=1)
    shown.page.set_viewport_size({"width": 320, "height": 760})
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 320
    assert shown.page.locator(CANVAS).first.bounding_box()["width"] < 320
    hover(shown, "cam", 15, 25)
    assert value(shown, "cam") == "10.0"


def test_a_view_opened_later_shows_the_same(show, grid):
    shown = show(grid)
    grid.update("guided", GRADIENT**3)
    shown.update("_panels", "_slot_2")
    shown.view()
    shown.page.wait_for_function(
        "() => document.querySelectorAll('.view:nth-of-type(2) canvas').length === 4"
    )
    shown.page.wait_for_timeout(100)
    shown.settle()
    one, two = shown.page.evaluate(
        """() => [...document.querySelectorAll("[data-key=guided] canvas")].map((canvas) =>
             String(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data))"""
    )
    assert one == two


def test_the_theme_changes_what_is_below(show, exact):
    exact.show([dict(key="a", values=MAP * 0)])
    shown = show(exact)
    assert colours(shown, "a")[5, 5].tolist() == [238] * 3
    shown.page.evaluate("document.documentElement.style.setProperty('--jp-layout-color2', 'rgb(1, 2, 3)')")
    shown.settle()
    assert colours(shown, "a")[5, 5].tolist() == [1, 2, 3]


def test_all_maps_at_once_are_quick(show):
    """Eight maps of three channels, from the message to the painted pixels."""
    gradients = RNG.normal(size=(16, 3, 96, 96)).astype(np.float32)
    kinds = ["heat", "signed", "colour"]
    grid = AttributionGrid([dict(key=str(i), values=gradients[i], kind=kinds[i % 3]) for i in range(8)])
    shown = show(grid)
    for i in range(8):
        grid.update(str(i), gradients[8 + i])
    state = shown._state([f"_slot_{i}" for i in range(8)])
    took = shown.page.evaluate(
        """async (state) => {
          state = Object.fromEntries(Object.entries(state).map(([name, value]) => [name, unpack(value)]));
          const start = performance.now();
          window.update(state);
          const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
          await frame().then(frame);
          return performance.now() - start;
        }""",
        state,
    )
    assert took < 150
