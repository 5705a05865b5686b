import base64
import json

import numpy as np
import pytest

from cnnwidgets.core import ReceptiveField
from cnnwidgets.render import colorize
from cnnwidgets.widgets import PatchGrid

TILES, WHOLE, BARS = ".cw-patch", ".cw-patches-whole", ".cw-patches-bars"
ACCENT = (25, 118, 210)
RNG = np.random.default_rng(11)
HEIGHT, WIDTH = 30, 40
PICTURES = RNG.integers(0, 256, (9, HEIGHT, WIDTH, 3), dtype=np.uint8)
FIELD = ReceptiveField(size=(6, 9), stride=(5, 5), padding=(2, 3))
CELLS = [(0, 0), (2, 3), (5, 8), (0, 8), (5, 0), (1, 1), (3, 6), (4, 2), (2, 7)]
#: Rows above, columns left, rows below and columns right of the picture that some of these boxes hold.
ROOM = (2, 3, 0, 6)
VALUES = [9.871, 8.0, 6.5, 5.0, 4.0, 3.0, 2.0, 0.5, 0.0123]


def patches(n=9, field=FIELD, pictures=PICTURES):
    size = pictures.shape[1:3]
    return [
        dict(
            picture=pictures[i % len(pictures)],
            box=field.box(*CELLS[i % 9]),
            seen=field.clipped(*CELLS[i % 9], size),
            value=VALUES[i % 9],
            source=f"test {i} · car",
        )
        for i in range(n)
    ]


@pytest.fixture
def grid():
    grid = PatchGrid(title="conv1 · channel 4")
    grid.show(patches())
    yield grid
    grid.close()


@pytest.fixture
def show(show):
    """show(grid) once its pictures, which are decoded beside, are there too."""

    def opened(grid, **options):
        shown = show(grid, **options)
        shown.page.wait_for_function(
            "n => [...document.querySelectorAll('.cw-patch')].filter(el => !el.hidden).length >= n",
            arg=len(grid.values),
        )
        shown.settle()
        return shown

    return opened


def pixels(shown, selector, place=0):
    """The pixels of a canvas on white, shape (height, width, 3)."""
    width, data = shown.page.evaluate(
        """([selector, place]) => {
          const canvas = document.querySelectorAll(selector)[place];
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.width, btoa(data.reduce((text, byte) => text + String.fromCharCode(byte), ""))];
        }""",
        [selector, place],
    )
    rgba = np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, width, 4).astype(int)
    cover = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * cover + 255 * (1 - cover)).astype(int)


def middles(array, rows, columns):
    """Colours in the middle of each cell of a raster laid over a canvas."""
    at = [
        ((np.arange(n) + 0.5) / n * size).astype(int)
        for n, size in zip((rows, columns), array.shape[:2], strict=True)
    ]
    return array[np.ix_(*at)]


def hover(shown, place, selector=TILES, x=0.5, y=0.4):
    box = shown.page.locator(selector).nth(place).bounding_box()
    shown.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    shown.settle()


def texts(shown):
    return shown.page.locator(".cw-patches-source").inner_text(), shown.page.locator(
        ".cw-patches-facts"
    ).inner_text()


def answer(shown, grid, values=None, cell=(2, 3)):
    """The kernel's answer to a click: a map."""
    shown.deliver()
    grid.show_map(grid.chosen, np.arange(6 * 9.0).reshape(6, 9) if values is None else values, cell)
    shown.update("_map_of", "_shape", "_codes", "_ranges", "_cell")


# -- the patches -----------------------------------------------------------------------------------


def test_patches_are_cut_out_of_their_pictures(show, grid):
    """Pixel by pixel against slices of the pictures, padding where numpy has none."""
    shown = show(grid)
    padded = np.full((9, HEIGHT + 40, WIDTH + 40, 3), -1)
    padded[:, 20:-20, 20:-20] = PICTURES
    n_padding = 0
    for i, cell in enumerate(CELLS):
        top, left, bottom, right = FIELD.box(*cell)
        wanted = padded[i, top + 20 : bottom + 20, left + 20 : right + 20]
        seen = middles(pixels(shown, ".cw-patch-pixels", i), 6, 9)
        inside = (wanted >= 0).all(-1)
        assert (seen[inside] == wanted[inside]).all(), i
        # hatched: paper and grey lines
        assert (np.ptp(seen[~inside], axis=-1) == 0).all() and (seen[~inside] > 150).all()
        n_padding += (~inside).sum()
    assert n_padding > 50


def test_a_box_that_is_clipped_on_the_way_is_hatched_inside_the_picture_too(show, grid):
    """Padding of a map on the way hides pixels of the picture: said, and not drawn."""
    grid.show([dict(picture=PICTURES[0], box=(0, 0, 6, 9), seen=(2, 0, 6, 9), value=1.0)])
    shown = show(grid)
    seen = middles(pixels(shown, ".cw-patch-pixels"), 6, 9)
    assert (seen[2:] == PICTURES[0, 2:6, :9]).all() and (np.ptp(seen[:2], axis=-1) == 0).all()
    legend = shown.page.locator(".cw-patches-legend").inner_text()
    assert legend == "padding: outside of the picture, or of a map on the way; the unit sees nothing there"


def test_the_legend_is_there_when_anything_is_hatched(show, grid):
    shown = show(grid)
    legend = shown.page.locator(".cw-patches-legend")
    assert legend.is_visible()
    assert legend.inner_text() == "padding: outside of the picture; the unit sees nothing there"
    grid.show([dict(picture=PICTURES[0], box=(0, 0, 6, 9), value=1.0)])
    shown.update("_patches", "_pictures", "_ends", "_values", "_size")
    shown.page.wait_for_timeout(50)
    assert legend.is_hidden()


def test_all_patches_have_one_size_and_three_columns(show, grid):
    shown = show(grid)
    boxes = [shown.page.locator(".cw-patch-pixels").nth(i).bounding_box() for i in range(9)]
    assert len({(box["width"], box["height"]) for box in boxes}) == 1
    assert boxes[0]["width"] / boxes[0]["height"] == pytest.approx(9 / 6)
    assert boxes[0]["width"] % 9 == 0  # whole pixels of the screen
    assert len({box["x"] for box in boxes}) == len({box["y"] for box in boxes}) == 3


@pytest.mark.parametrize(
    ("n", "columns", "across"), [(1, 0, 1), (4, 0, 2), (5, 0, 3), (36, 0, 6), (4, 4, 4), (2, 5, 2)]
)
def test_columns(show, n, columns, across):
    grid = PatchGrid(columns=columns)
    grid.show(patches(n))
    shown = show(grid)
    boxes = [shown.page.locator(".cw-patch-pixels").nth(i).bounding_box() for i in range(n)]
    assert len({box["x"] for box in boxes}) == across
    assert min(box["width"] for box in boxes) > 40 and max(box["width"] for box in boxes) <= 208
    assert boxes[-1]["y"] + boxes[-1]["height"] < 640


def test_values_are_written_as_in_python(show, grid):
    shown = show(grid)
    assert shown.page.locator(".cw-patch-value").all_inner_texts() == [
        "9.87", "8.00", "6.50", "5.00", "4.00", "3.00", "2.00", "0.500", "0.0123",
    ]  # fmt: skip


def test_a_patch_whose_value_is_not_finite(show):
    grid = PatchGrid()
    grid.show([dict(picture=PICTURES[0], value=float("nan")), dict(picture=PICTURES[1], value=-2.0)])
    shown = show(grid)
    assert shown.page.locator(".cw-patch-value").all_inner_texts() == ["NaN", "−2.00"]
    assert texts(shown) == ("patch 1", "activation NaN · sees the whole picture")


# -- the whole picture -----------------------------------------------------------------------------


def test_hovering_shows_where_the_patch_is_without_asking_the_kernel(show, grid):
    shown = show(grid)
    assert texts(shown)[0] == "test 0 · car"  # the first, until the hand is somewhere
    for i in (4, 1, 8):
        hover(shown, i)
        top, left, bottom, right = FIELD.box(*CELLS[i])
        seen = FIELD.clipped(*CELLS[i], (HEIGHT, WIDTH))
        complete = seen == (top, left, bottom, right)
        sees = (
            "sees 6 × 9 px"
            if complete
            else f"sees {seen[2] - seen[0]} × {seen[3] - seen[1]} of 6 × 9 px, the rest is padding"
        )
        value = ["9.87", "8.00", "6.50", "5.00", "4.00", "3.00", "2.00", "0.500", "0.0123"][i]
        assert texts(shown) == (f"test {i} · car", f"fires {value} · {sees}")
        assert frame_of(shown) == pytest.approx(seen, abs=0.35)
    shown.page.mouse.move(990, 750)
    shown.settle()
    assert texts(shown)[0] == "test 0 · car"
    assert shown.sent() == [] and shown.messages() == []


def frame_of(shown):
    """The solid frame on the large canvas, in pixels of the picture."""
    canvas = pixels(shown, WHOLE)
    scale = canvas.shape[1] / (WIDTH + ROOM[1] + ROOM[3])
    assert canvas.shape[0] == pytest.approx(scale * (HEIGHT + ROOM[0] + ROOM[2]), abs=1.5)
    blue = np.abs(canvas - ACCENT).max(-1) < 30
    # a dashed line has gaps; rows and columns of the solid one are blue for as long as the box is
    rows = np.flatnonzero(longest_runs(blue) > 20)
    columns = np.flatnonzero(longest_runs(blue.T) > 20)
    ends = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1], float)
    ends += (3, 3, -3, -3)  # it is drawn around the box
    ends /= scale
    return tuple(ends - (ROOM[0], ROOM[1], ROOM[0], ROOM[1]))


def picture_of(shown, room=ROOM):
    """The large canvas without the room around the picture."""
    canvas = pixels(shown, WHOLE)
    fit = canvas.shape[1] / (WIDTH + room[1] + room[3])
    y, x = int(room[0] * fit), int(room[1] * fit)
    return canvas[y : y + int(HEIGHT * fit), x : x + int(WIDTH * fit)]


def differ(shown, picture, room=ROOM):
    """How far from a picture the large canvas is; 85 by chance. It is enlarged smoothly, and framed."""
    return np.abs(middles(picture_of(shown, room), HEIGHT, WIDTH) - picture).mean()


def longest_runs(mask):
    """Longest run of True in each row."""
    runs = []
    for row in mask:
        ends = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        runs.append(int((ends[1::2] - ends[::2]).max(initial=0)))
    return np.array(runs)


def test_the_whole_picture_is_drawn_and_padding_is_hatched_beside_it(show, grid):
    shown = show(grid)
    hover(shown, 4)  # bottom left
    assert differ(shown, PICTURES[4]) < 25 < 50 < differ(shown, PICTURES[0])
    canvas = pixels(shown, WHOLE)
    fit = canvas.shape[1] / (WIDTH + ROOM[1] + ROOM[3])
    y, x = int(ROOM[0] * fit), int(ROOM[1] * fit)
    beside = canvas[y + int(24 * fit) : y + int(28 * fit), 4 : x - 6]
    assert len(np.unique(beside)) > 2  # stripes
    empty = canvas[y + int(5 * fit) : y + int(15 * fit), 4 : x - 6]
    assert len(np.unique(empty)) == 1


@pytest.mark.parametrize(
    ("size", "room"),
    [((30, 40), (6, 8, 6, 8)), ((31, 45), (6, 8, 6, 8)), ((90, 110), (6, 8, 6, 8)), ((10, 10), (5, 5, 0, 5))],
)
def test_fields_as_large_as_the_picture(show, size, room):
    """The picture stays the larger part of the canvas: a fifth of its sides is shown of what lies outside."""
    field = ReceptiveField(size, (5, 5), (size[0] // 2, size[1] // 2))
    grid = PatchGrid()
    grid.show(patches(field=field))
    shown = show(grid)
    box = shown.page.locator(WHOLE).bounding_box()
    assert box["width"] <= 410 and 200 < box["height"] <= 402
    for i in (0, 2, 8):
        hover(shown, i)
        assert differ(shown, PICTURES[i], room) < 30 < 50 < differ(shown, PICTURES[1], room)


# -- click: fixed, and the activation map ----------------------------------------------------------


def test_a_click_asks_for_the_map_and_it_is_drawn_over_that_picture_only(show, grid):
    grid.opacity = 1.0
    shown = show(grid)
    hint = shown.page.get_by_text("Click a patch")
    assert hint.is_visible()
    hover(shown, 1)
    shown.page.mouse.down()
    shown.page.mouse.up()
    assert shown.sent() == [{"chosen": 1}]
    assert shown.page.locator(TILES).nth(1).get_attribute("aria-pressed") == "true"
    answer(shown, grid)
    assert hint.is_hidden()
    seen = middles(picture_of(shown), 6, 9)
    wanted = colorize(np.arange(54.0).reshape(6, 9), "viridis", 0, 53).astype(int)
    near = np.abs(seen - wanted).max(-1) < 10
    assert near.sum() >= 52  # the frame of the patch runs through one or two
    hover(shown, 5)
    assert texts(shown)[0] == "test 5 · car" and differ(shown, PICTURES[5]) < 25
    assert shown.page.locator(".cw-patches-reading").inner_text() == ""
    shown.page.mouse.move(990, 750)
    shown.settle()
    assert texts(shown)[0] == "test 1 · car"
    assert shown.sent() == []


def test_a_map_of_another_patch_is_not_shown(show, grid):
    """The answer to an earlier click, which comes late."""
    shown = show(grid)
    shown.page.locator(TILES).nth(1).click()
    shown.page.locator(TILES).nth(2).click()
    shown.deliver()
    bare = shown.pixels(WHOLE)
    grid.show_map(1, np.ones((6, 9)))
    shown.update("_map_of", "_shape", "_codes", "_ranges", "_cell")
    assert shown.pixels(WHOLE) == bare
    assert shown.page.locator(".cw-patches-under input").is_disabled()


def test_a_second_click_and_escape_let_go(show, grid):
    shown = show(grid)
    tile = shown.page.locator(TILES).nth(2)
    tile.click()
    answer(shown, grid)
    tile.click()
    shown.deliver()
    assert grid.chosen is None
    tile.click()
    tile.press("Escape")
    shown.deliver()
    assert grid.chosen is None


def test_reading_the_map(show, grid):
    shown = show(grid)
    shown.page.locator(TILES).nth(1).click()
    answer(shown, grid, cell=(2, 3))
    reading = shown.page.locator(".cw-patches-reading")
    assert reading.inner_text() == "the patch: row 2, column 3 · 21.0"
    box = shown.page.locator(WHOLE).bounding_box()
    fit = box["width"] / (WIDTH + 9)
    for row, column in ((0, 0), (5, 8), (3, 1)):
        x, y = (3 + (column + 0.5) * WIDTH / 9) * fit, (2 + (row + 0.5) * HEIGHT / 6) * fit
        shown.page.mouse.move(box["x"] + x, box["y"] + y)
        shown.settle()
        value = 9 * row + column
        told = float(reading.inner_text().split("·")[1])
        assert reading.inner_text().startswith(f"row {row}, column {column} · ")
        assert told == pytest.approx(value, abs=0.12)  # half a step of 53 / 255
    shown.page.mouse.move(990, 750)
    shown.settle()
    assert reading.inner_text() == "the patch: row 2, column 3 · 21.0"
    ends = shown.page.locator(".cw-patches-under .cw-patches-ends").inner_text().split()
    assert ends == ["0", "activation", "53.0"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((2, 3)), "silent: zero everywhere"),
        (np.full((2, 3), np.nan), "not finite: holds NaN or infinity"),
    ],
)
def test_maps_of_nothing(show, grid, values, told):
    shown = show(grid)
    shown.page.locator(TILES).nth(0).click()
    answer(shown, grid, values, cell=None)
    assert shown.page.locator(".cw-patches-reading").inner_text() == told


def test_opacity_and_colours_stay_in_the_browser(show, grid):
    shown = show(grid)
    shown.page.locator(TILES).nth(0).click()
    answer(shown, grid)
    before = shown.pixels(WHOLE)
    shown.page.locator(".cw-patches-under input").fill("0.2")
    shown.settle()
    weaker = shown.pixels(WHOLE)
    shown.page.get_by_label("Colours").select_option("magma")
    shown.settle()
    assert len({before, weaker, shown.pixels(WHOLE)}) == 3
    shown.deliver()
    assert (grid.opacity, grid.colormap) == (0.2, "magma")


def test_no_map_is_promised_where_none_comes(show, grid):
    grid.map_on_click = False
    shown = show(grid)
    assert shown.page.get_by_text("Click a patch").is_hidden()
    shown.page.locator(TILES).nth(0).click()
    assert shown.page.get_by_text("computing").is_hidden()


# -- keys and words --------------------------------------------------------------------------------


def test_keys_in_the_patches(show, grid):
    shown = show(grid)
    page = shown.page
    page.locator(TILES).nth(0).focus()
    for key, place in [
        ("ArrowRight", 1),
        ("ArrowDown", 4),
        ("ArrowDown", 7),
        ("ArrowDown", 7),
        ("ArrowLeft", 6),
        ("ArrowUp", 3),
        ("End", 8),
        ("ArrowRight", 8),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("ArrowUp", 0),
    ]:
        page.keyboard.press(key)
        assert (
            page.evaluate("() => [...document.querySelectorAll('.cw-patch')].indexOf(document.activeElement)")
            == place
        ), key
        assert texts(shown)[0] == f"test {place} · car"
    assert shown.sent() == []
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    shown.deliver()
    assert grid.chosen == 8
    stops = page.evaluate(
        "() => [...document.querySelectorAll('.cw-patch')].filter(el => el.tabIndex === 0).length"
    )
    assert stops == 1  # one stop for the Tab key


def test_keys_in_the_whole_picture(show, grid):
    shown = show(grid)
    whole = shown.page.locator(WHOLE)
    whole.press("Enter")
    shown.deliver()
    assert grid.chosen == 0
    answer(shown, grid)
    reading = shown.page.locator(".cw-patches-reading")
    whole.press("Enter")
    assert reading.inner_text().startswith("row 5, column 8 · ")
    for key in (
        "ArrowUp",
        "ArrowUp",
        "ArrowLeft",
        "ArrowDown",
        "ArrowDown",
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
    ):
        whole.press(key)
    assert reading.inner_text().startswith("row 5, column 8 · ")
    whole.press("ArrowLeft")
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text().startswith("row 5, column 7 · ")
    whole.press("Escape")
    shown.deliver()
    assert grid.chosen is None


def test_what_a_screen_reader_says(show, grid):
    shown = show(grid)
    assert shown.page.get_by_role("button", name="patch 3 of 9: 6.50, test 2 · car").count() == 1
    shown.page.locator(TILES).nth(2).click()
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == "patch 3 of 9, 6.50, test 2 · car"


# -- three views -----------------------------------------------------------------------------------


def test_three_honest_views(show, grid):
    grid.show({"strongest": patches(9), "weakest": patches(4), "sample": patches(1)})
    shown = show(grid)
    choice = shown.page.get_by_role("group", name="Which patches")
    assert choice.get_by_role("button").all_inner_texts() == [
        "strongest",
        "weakest that fire",
        "random that fire",
    ]
    line = shown.page.get_by_text("The 9 images it fires on most.")
    assert line.is_visible()
    grid.chosen = 7
    choice.get_by_role("button", name="weakest that fire").click()
    assert shown.sent() == [{"which": "weakest"}]
    shown.deliver()
    shown.page.wait_for_timeout(50)
    assert shown.page.locator(f"{TILES}:visible").count() == 4 and grid.chosen is None
    assert shown.page.get_by_text("The 4 images it fires on least; silent ones are left out.").is_visible()
    pressed = choice.locator("[aria-pressed=true]").all_inner_texts()
    assert pressed == ["weakest that fire"]


def test_one_view_needs_no_choice(show, grid):
    grid.show({"strongest": patches(2)})
    shown = show(grid)
    assert shown.page.get_by_role("group", name="Which patches").is_hidden()
    assert shown.page.get_by_text("The 2 images").is_hidden()


def test_the_last_of_several_units_is_the_one_that_stays(show, grid):
    """Pictures are decoded beside; those of an earlier unit may be ready after those of a later one."""
    shown = show(grid)
    shown.page.evaluate(
        """() => {
          const decode = window.createImageBitmap;
          window.wait = 0;
          window.createImageBitmap = async (blob) => {
            await new Promise(done => setTimeout(done, window.wait));
            return decode(blob);
          };
        }"""
    )
    for n, wait in ((9, 200), (4, 100), (3, 0)):
        grid.show(patches(n, pictures=PICTURES[::-1]))
        shown.page.evaluate("wait => { window.wait = wait; }", wait)
        shown.update("_patches", "_pictures", "_ends", "_values", "_size")
    for _ in range(2):
        assert shown.page.locator(f"{TILES}:visible").count() == 3
        seen = middles(pixels(shown, ".cw-patch-pixels", 1), 6, 9)
        top, left, bottom, right = FIELD.box(*CELLS[1])
        assert (seen == PICTURES[7, top:bottom, left:right]).all()
        shown.page.wait_for_timeout(300)


def test_messages(show):
    grid = PatchGrid(title="conv3 · channel 61")
    shown = show(grid)
    assert shown.page.get_by_text("no patches yet").is_visible() and shown.page.locator(WHOLE).is_hidden()
    grid.message = "never fires in 5,000 images"
    shown.update("message")
    assert shown.page.get_by_text("never fires in 5,000 images").is_visible()
    assert shown.page.get_by_text("no patches yet").count() == 0
    grid.show(patches(2))
    grid.message = ""
    shown.update("message", "_patches", "_pictures", "_ends", "_values", "_size")
    shown.page.wait_for_timeout(50)
    assert shown.page.locator(WHOLE).is_visible() and shown.page.locator(".cw-patches-message").is_hidden()


# -- the histogram ---------------------------------------------------------------------------------


def bars(shown, n):
    """Height of each bar, in pixels; and the columns in which there is a mark."""
    canvas = pixels(shown, BARS)
    grey = (np.abs(canvas - 189).max(-1) < 4)[: canvas.shape[0] - 11]
    middle = ((np.arange(n) + 0.4) / n * canvas.shape[1]).astype(int)
    blue = (canvas[-4] - (255, 255, 255)).min(-1) < -60
    return grey[:, middle].sum(0), np.flatnonzero(blue) / canvas.shape[1]


def test_bars_are_as_high_as_their_counts(show, grid):
    counts = np.array([10, 40, 100, 60, 20, 0, 5, 1, 1, 1])
    grid.set_histogram(counts + np.eye(10, dtype=int)[0] * 762, np.arange(11.0), n_silent=762)
    shown = show(grid)
    heights, marks = bars(shown, 10)
    assert heights[2] > 50 and heights[5] == 0
    assert heights == pytest.approx(np.maximum(counts / 100 * heights[2], np.where(counts, 1.5, 0)), abs=1.5)
    assert shown.page.locator(".cw-patches-told").inner_text() == "fires in 238 of 1,000 images"
    for value in VALUES:
        assert np.abs(marks - value / 10).min() < 0.015, value
    assert np.abs(marks - 0.72).min() > 0.03
    shown.page.get_by_label("log counts").check()
    shown.settle()
    logs, _ = bars(shown, 10)
    assert logs == pytest.approx(np.log1p(counts) / np.log1p(100) * logs[2], abs=1.5)
    shown.deliver()
    assert grid.log_counts


def test_marks_of_ones_own(show, grid):
    grid.set_histogram(np.ones(10), np.arange(11.0), marks=[7.2])
    _, marks = bars(show(grid), 10)
    assert marks == pytest.approx(np.full(len(marks), 0.72), abs=0.02) and len(marks)


def test_reading_the_histogram(show, grid):
    grid.set_histogram([3, 1, 2000], [-1.0, 0.0, 0.5, 2.0], n_silent=3)
    shown = show(grid)
    told = shown.page.locator(".cw-patches-told")
    assert told.inner_text() == "fires in 2,001 of 2,004 images"
    for x, text in [
        (0.1, "−1.00 to 0: 3 images"),
        (0.4, "0 to 0.500: 1 image"),
        (0.9, "0.500 to 2.00: 2,000 images"),
    ]:
        hover(shown, 0, BARS, x=x)
        assert told.inner_text() == text
    shown.page.mouse.move(990, 750)
    canvas = shown.page.locator(BARS)
    for key, text in [
        ("ArrowRight", "−1.00 to 0: 3 images"),
        ("End", "0.500 to 2.00: 2,000 images"),
        ("ArrowLeft", "0 to 0.500: 1 image"),
    ]:
        canvas.press(key)
        assert told.inner_text() == text
    canvas.press("Escape")
    assert told.inner_text() == "fires in 2,001 of 2,004 images"
    assert shown.sent() == []


def test_hovering_a_patch_marks_it_in_the_histogram(show, grid):
    grid.set_histogram(np.ones(10), np.arange(11.0))
    shown = show(grid)
    seen = {shown.pixels(BARS)}
    for i in (3, 6):
        hover(shown, i)
        seen.add(shown.pixels(BARS))
    assert len(seen) == 3


def test_the_histogram_and_the_average_come_and_go(show, grid):
    shown = show(grid)
    stats, average = shown.page.locator(".cw-patches-stats"), shown.page.locator(".cw-patches-average")
    assert stats.is_hidden()
    grid.set_average(PICTURES[0, :6, :9], "mean of the 9")
    shown.update("_average", "_average_of")
    shown.page.wait_for_timeout(50)
    assert average.is_visible() and average.get_attribute("aria-label") == "mean of the 9"
    assert (pixels(shown, ".cw-patches-average") == PICTURES[0, :6, :9]).all()
    assert shown.page.locator(BARS).is_hidden()
    grid.set_average(None)
    grid.set_histogram([1, 2], [0, 1, 2])
    shown.update("_average", "_average_of", "_counts", "_edges", "_n_images", "_n_silent")
    shown.page.wait_for_timeout(50)
    assert average.is_hidden() and shown.page.locator(BARS).is_visible()


# -- the page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 9, 36])
def test_a_narrow_page_stacks_and_nothing_is_cut_off(show, grid, n):
    grid.show(patches(n))
    grid.set_histogram(np.ones(10), np.arange(11.0))
    grid.set_average(PICTURES[0])
    shown = show(grid)
    shown.page.set_viewport_size({"width": 340 + 32, "height": 900})
    shown.page.wait_for_timeout(100)
    tiles, whole, stats = (
        shown.page.locator(name).bounding_box() for name in (".cw-patches-tiles", WHOLE, ".cw-patches-stats")
    )
    assert tiles["y"] + tiles["height"] <= whole["y"] and whole["y"] + whole["height"] < stats["y"]
    for box in (tiles, whole, stats, shown.page.locator(f"{TILES}:visible").last.bounding_box()):
        assert box["x"] + box["width"] <= 340 + 16 + 1
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 372
    heights = [
        box.bounding_box()["height"]
        for box in shown.page.get_by_role("group", name="Which patches").get_by_role("button").all()
    ]
    assert max(heights) == 28


def test_the_theme_changes_the_hatching(show, grid):
    shown = show(grid)
    light = shown.pixels(".cw-patch-pixels")
    shown.page.evaluate("() => document.body.style.setProperty('--jp-layout-color1', '#111111')")
    shown.page.wait_for_timeout(50)
    assert shown.pixels(".cw-patch-pixels") != light


def test_hovering_is_painted_within_a_frame_or_two(show, record_property):
    """Pointer on another patch to another picture, 36 patches of photographs' size; a loose
    bound, as machines are busy.
    """
    grid = PatchGrid()
    smooth = np.kron(RNG.integers(0, 256, (9, 28, 28, 3), dtype=np.uint8), np.ones((1, 8, 8, 1), np.uint8))
    grid.show(patches(36, ReceptiveField((163, 163), (16, 16), (80, 80)), smooth))
    grid.set_histogram(np.ones(40), np.arange(41.0))
    shown = show(grid)
    times = shown.page.evaluate(
        """async () => {
          const next = () => new Promise(done => { const { port1, port2 } = new MessageChannel();
            port1.onmessage = done; requestAnimationFrame(() => port2.postMessage(0)); });
          const tiles = [...document.querySelectorAll(".cw-patch")];
          const times = [];
          for (let i = 0; i < 40; i++) {
            const start = performance.now();
            tiles[(7 * i) % 36].dispatchEvent(new PointerEvent("pointerenter", { pointerType: "mouse" }));
            await next();  // the frame in which it is painted is over
            times.push(performance.now() - start);
          }
          return times.sort((a, b) => a - b);
        }"""
    )
    record_property("painted_ms", json.dumps({"median": times[20], "p95": times[37]}))
    print(f"hover: median {times[20]:.1f} ms, p95 {times[37]:.1f} ms")
    assert times[20] < 50
    assert shown.sent() == []
