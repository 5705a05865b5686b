import numpy as np
import pytest

from cnnwidgets.widgets import FilterGrid
from cnnwidgets.widgets._words import number

TILES, ROWS, CLOSER, RESPONSE = ".cw-tiles", ".cw-rows", ".cw-closer", ".cw-response"
RNG = np.random.default_rng(5)
COLOUR = RNG.normal(size=(7, 3, 5, 8)).astype(np.float32)
COLOUR[2] *= 0.3
DEEP = RNG.normal(size=(20, 16, 5, 7)).astype(np.float32)


@pytest.fixture
def grid():
    grid = FilterGrid(COLOUR, title="conv1", columns=4)
    yield grid
    grid.close()


@pytest.fixture
def deep():
    grid = FilterGrid(DEEP, title="conv2")
    yield grid
    grid.close()


def colour_at(shown, selector, x, y):
    """Colour of a canvas at a place in CSS pixels."""
    return shown.page.evaluate(
        """([selector, x, y]) => {
          const canvas = document.querySelector(selector);
          const k = canvas.width / canvas.clientWidth;
          const { data } = canvas.getContext("2d").getImageData(Math.floor(x * k), Math.floor(y * k), 1, 1);
          return [...data].slice(0, 3);
        }""",
        [selector, x, y],
    )


def hover(shown, selector, x, y):
    box = shown.page.locator(selector).bounding_box()
    shown.page.mouse.move(box["x"] + x, box["y"] + y)
    shown.settle()


def click(shown, selector, x, y):
    hover(shown, selector, x, y)
    shown.page.mouse.down()
    shown.page.mouse.up()
    shown.settle()


def plain(text):
    return text.replace("\xa0", " ")


def greys(weights, white):
    """What the pixels must be, by hand: zero is 128, white is 255, its opposite 1."""
    return 128 + np.rint(127 * weights.astype(np.float64) / white)


def tile_side(shown):
    """Cell of a tile in CSS pixels: four tiles of 8 weights with gaps of 3 in a row."""
    width = shown.page.locator(TILES).bounding_box()["width"]
    return np.floor((width - 8 + 3) / 4 - 3) // 8


@pytest.mark.parametrize("normalise", ["filter", "shared"])
def test_colours_of_the_tiles(show, grid, normalise):
    grid.normalise = normalise
    shown = show(grid)
    cell = tile_side(shown)
    for filter_, (row, column) in [(0, (0, 0)), (2, (4, 7)), (2, (1, 3)), (5, (3, 6)), (6, (4, 0))]:
        left = 4 + (filter_ % 4) * (8 * cell + 3) + (column + 0.5) * cell
        top = 4 + (filter_ // 4) * (5 * cell + 3) + (row + 0.5) * cell
        white = np.abs(COLOUR[filter_] if normalise == "filter" else COLOUR).max()
        wanted = greys(COLOUR[filter_, :, row, column], white)
        assert np.abs(colour_at(shown, TILES, left, top) - wanted).max() <= (
            0 if normalise == "filter" else 1
        )


def test_one_channel_is_grey_and_zero_is_in_the_middle(show):
    weights = np.array([[-2.0, 0.0, 1.0]]).reshape(1, 1, 1, 3)
    shown = show(FilterGrid(weights, channel=0))
    side = shown.page.locator(CLOSER).bounding_box()["width"]
    side = min(side, 208) // 3
    assert [colour_at(shown, CLOSER, (i + 0.5) * side, side / 2) for i in range(3)] == [
        [1] * 3,
        [128] * 3,
        [192] * 3,
    ]
    assert shown.page.locator(".cw-greys-ends span").all_inner_texts() == ["−2.00", "0", "2.00"]


def test_click_opens_and_escape_closes(show, grid):
    shown = show(grid)
    side = shown.page.locator(".cw-filters-side")
    assert side.is_hidden() and shown.page.get_by_text("Click a filter to look closer").is_visible()
    cell = tile_side(shown)
    click(shown, TILES, 4 + 1.5 * (8 * cell + 3), 4 + 1.5 * (5 * cell + 3))
    assert shown.get("channel") == 5 and side.is_visible()
    assert side.locator(".cw-title").inner_text() == "filter 5"
    shown.deliver()
    assert grid.channel == 5
    shown.page.locator(CLOSER).press("Escape")
    shown.settle()
    assert shown.get("channel") is None and side.is_hidden()
    assert shown.page.evaluate("() => document.activeElement.className") == "cw-tiles"  # not lost in the page
    shown.deliver()
    assert grid.channel is None


def test_keys_in_the_tiles(show, grid):
    grid.order = [3, 1, 0, 6, 5, 4, 2]
    shown = show(grid)
    tiles = shown.page.locator(TILES)
    for key, channel in [
        ("ArrowRight", 3), ("ArrowRight", 1), ("ArrowDown", 4), ("ArrowDown", 4), ("ArrowLeft", 5),
        ("ArrowUp", 3), ("End", 2), ("ArrowRight", 2), ("Home", 3), ("ArrowLeft", 3), ("Enter", 3),
        ("Escape", None), ("Enter", 3),
    ]:  # fmt: skip
        tiles.press(key)
        assert shown.get("channel") == channel, key
    shown.page.wait_for_timeout(200)
    assert "filter 3" in shown.page.locator("[role=status]").inner_text()


def test_the_weights_under_the_pointer(show, grid):
    grid.channel = 5
    shown = show(grid)
    cell = tile_side(shown)
    hover(shown, TILES, 4 + (8 * cell + 3) + 3.5 * cell, 4 + (5 * cell + 3) + 2.5 * cell)
    told = " · ".join(
        f"{name} {number(value)}" for name, value in zip("RGB", COLOUR[5, :, 2, 3], strict=True)
    )
    assert plain(shown.page.locator(".cw-tip:visible").inner_text()) == f"filter 5 row 2, column 3 · {told}"
    assert plain(shown.page.locator(".cw-reading").inner_text()) == f"row 2, column 3 · {told}"
    hover(shown, TILES, 4 + 3.5 * cell, 4 + 2.5 * cell)  # of a filter that is not the large one
    assert shown.page.locator(".cw-reading").inner_text() == ""
    # the large one, and each of its channels
    filter_ = shown.page.locator(CLOSER).bounding_box()
    large = filter_["height"] / 5
    hover(shown, CLOSER, 6.5 * large, 4.5 * large)
    told = " · ".join(
        f"{name} {number(value)}" for name, value in zip("RGB", COLOUR[5, :, 4, 6], strict=True)
    )
    assert plain(shown.page.locator(".cw-reading").inner_text()) == f"row 4, column 6 · {told}"
    hover(shown, CLOSER, 8 * large + 12 + 1, filter_["height"] - 1)
    assert "row 4, column 0" in plain(shown.page.locator(".cw-reading").inner_text())
    shown.page.mouse.move(0, 0)
    assert shown.page.locator(".cw-reading").inner_text() == ""


def test_the_channels_stand_beside_the_filter(show, grid):
    grid.channel = 1
    shown = show(grid)
    box = shown.page.locator(CLOSER).bounding_box()
    large = box["height"] / 5
    small = np.floor((8 * large - 16) / 3 / 8)
    wanted = greys(COLOUR[1], np.abs(COLOUR[1]).max())
    for channel, (row, column) in [(0, (0, 0)), (1, (2, 7)), (2, (4, 3))]:
        x = 8 * large + 12 + (column + 0.5) * small
        y = channel * (box["height"] - 5 * small) / 2 + (row + 0.5) * small
        assert colour_at(shown, CLOSER, x, y) == [wanted[channel, row, column]] * 3


def test_arrow_keys_read_the_large_filter(show, grid):
    grid.channel = 0
    shown = show(grid)
    closer = shown.page.locator(CLOSER)
    closer.focus()
    places = []
    for key in ("Enter", "ArrowUp", "ArrowLeft", "ArrowDown", *["ArrowRight"] * 6):
        closer.press(key)
        places.append(plain(shown.page.locator(".cw-reading").inner_text()).split(" · ")[0])
    assert places[:5] == [f"row {r}, column {c}" for r, c in [(2, 3), (1, 3), (1, 2), (2, 2), (2, 3)]]
    assert places[-1] == "row 2, column 7"  # and no further
    shown.page.wait_for_timeout(200)
    assert number(COLOUR[0, 1, 2, 7]) in shown.page.locator("[role=status]").inner_text()


# -- frequency response and Gabor -------------------------------------------------------------------


def wave(x, y, size=8):
    """Response of a filter that answers to the wave with this frequency only, in cycles per picture."""
    response = np.zeros((1, size, size))
    for sign in (1, -1):
        response[0, (size // 2 + sign * y) % size, (size // 2 + sign * x) % size] = 1
    return response


# By hand. cos(2 pi x / 4) is the same along every column: upright stripes. cos(2 pi (x + y) / 8), y
# downwards, is the same where one goes as far right as up, a "/": 45 degrees, every 8 / sqrt(2) pixels.
@pytest.mark.parametrize(
    "x, y, told",
    [
        (2, 0, "stripes at 90°, every 4.0 px"),
        (0, 2, "stripes at 0°, every 4.0 px"),
        (1, 1, "stripes at 45°, every 5.7 px"),
        (1, -1, "stripes at 135°, every 5.7 px"),
        (4, 0, "stripes at 90°, every 2.0 px"),
        (0, 0, "plain colour, no stripes"),
    ],
)
def test_which_stripes_a_filter_answers_to(show, x, y, told):
    grid = FilterGrid(COLOUR[:1], channel=0)
    grid.analyse(response=wave(x, y))
    shown = show(grid)
    assert shown.page.locator(".cw-answers").inner_text() == f"strongest: {told}"
    shown.page.locator(RESPONSE).press("Enter")
    assert shown.page.locator(".cw-answers").inner_text() == f"{told} · 100 % of the peak"


def test_the_response_under_the_pointer(show):
    grid = FilterGrid(COLOUR[:1], channel=0)
    response = wave(2, 0)
    response[0, 4, 4] = 0.25
    grid.analyse(response=response)
    shown = show(grid)
    box = shown.page.locator(RESPONSE).bounding_box()
    side = box["height"] - 34
    cell = side / 9  # an even number of frequencies: -0.5 and 0.5 are both drawn
    for column, told in [
        (4, "plain colour, no stripes · 25 %"),
        (6, "every 4.0 px · 100 %"),
        (8, "every 2.0 px · 0 %"),
    ]:
        hover(shown, RESPONSE, 34 + (column + 0.5) * cell, 4.5 * cell)
        assert told in shown.page.locator(".cw-answers").inner_text()
    bright, dark = (sum(colour_at(shown, RESPONSE, 34 + (c + 0.5) * cell, 4.8 * cell)) for c in (2, 5))
    assert bright > 400 > 150 > dark  # beside the line of the axis


def test_the_gabor_is_ringed_in_the_response(show):
    grid = FilterGrid(COLOUR[:1], channel=0)
    grid.analyse(response=np.zeros((1, 8, 8)))
    shown = show(grid)
    black = shown.pixels(RESPONSE)
    grid.analyse(explained=[0.5], orientation=[45], wavelength=[8 / np.sqrt(2)])
    shown.update("_explained", "_orientation", "_wavelength")
    assert shown.pixels(RESPONSE) != black
    side = shown.page.locator(RESPONSE).bounding_box()["height"] - 34
    cell = side / 9
    for column, row in [(5, 5), (3, 3)]:  # one cycle to the right and down, and its opposite
        ring = colour_at(shown, RESPONSE, 34 + (column + 0.5) * cell + 6, (row + 0.5) * cell)
        assert min(ring) > 150
    assert max(colour_at(shown, RESPONSE, 34 + 3.5 * cell + 6, 5.5 * cell)) < 60


def test_the_best_gabor(show, grid):
    grid.channel = 3
    fitted = COLOUR / 2
    grid.analyse(
        explained=np.linspace(0, 0.9, 7),
        orientation=np.full(7, 134.7),
        wavelength=np.full(7, 6.24),
        fitted=fitted,
    )
    shown = show(grid)
    figure = shown.page.locator(".cw-figure-gabor")
    assert figure.locator("figcaption").inner_text().split("\n") == [
        "best Gabor explains 45 %",
        "stripes at 135° · every 6.2 px",
    ]
    large = shown.page.locator(CLOSER).bounding_box()["height"] / 5
    assert shown.page.locator(".cw-gabor").bounding_box()["height"] == pytest.approx(5 * large, abs=1)
    seen = colour_at(shown, ".cw-gabor", 6.5 * large, 2.5 * large)
    assert np.abs(seen - greys(fitted[3, :, 2, 6], np.abs(COLOUR[3]).max())).max() <= 1
    # the words are those of Python
    assert ", ".join(grid.facts(3)[1:]) == "best Gabor explains 45 %, stripes at 135°, every 6.2 px"


def test_without_stripes(show, grid):
    grid.channel = 3
    grid.analyse(
        explained=np.full(7, 0.31),
        orientation=np.full(7, np.nan),
        wavelength=np.full(7, np.nan),
        fitted=COLOUR,
    )
    shown = show(grid)
    assert "best Gabor explains 31 %\nnot striped" in shown.page.locator(".cw-figure-gabor").inner_text()


def test_one_edge_is_no_stripes(show, grid):
    grid.channel = 3
    grid.analyse(
        explained=np.full(7, 0.31),
        orientation=np.full(7, 44.6),
        wavelength=np.full(7, np.nan),
        fitted=COLOUR,
    )
    shown = show(grid)
    text = shown.page.locator(".cw-figure-gabor").inner_text()
    assert "best Gabor explains 31 %\nan edge or a line at 45°" in text
    assert ", ".join(grid.facts(3)[1:]) == "best Gabor explains 31 %, an edge or a line at 45°"


def test_what_is_not_known_is_not_shown(show, grid):
    grid.channel = 0
    shown = show(grid)
    assert (
        shown.page.locator(".cw-figure-gabor").is_hidden()
        and shown.page.locator(".cw-figure-response").is_hidden()
    )
    grid.analyse(explained=np.full(7, 0.31))  # a figure without a picture
    shown.update("_explained")
    assert "explains 31 %" in shown.page.locator(".cw-facts").inner_text()


def test_norm_and_firing(show, grid):
    grid.channel = 2  # the one with the smallest weights
    shown = show(grid)
    facts = shown.page.locator(".cw-facts")
    assert f"{number(np.linalg.norm(COLOUR[2]))} rank 7 of 7" in facts.inner_text()
    assert "fires" not in facts.inner_text()
    grid.analyse(firing=np.linspace(0, 0.6, 7), firing_layer="relu1")
    shown.update("_firing", "_firing_layer")
    assert "fires at\n20.0 % of the places in relu1" in facts.inner_text()


# -- controls ---------------------------------------------------------------------------------------


def test_each_filter_or_shared(show, grid):
    shown = show(grid)
    before = shown.pixels(TILES)
    shown.page.get_by_role("button", name="shared scale").click()
    shown.settle()
    assert shown.get("normalise") == "shared" and shown.pixels(TILES) != before
    shown.deliver()
    assert grid.normalise == "shared"
    shown.page.get_by_role("button", name="each filter").click()
    shown.settle()
    assert shown.pixels(TILES) == before


def test_sorting_is_that_of_python(show, grid):
    firing = [0.2, np.nan, 0.9, 0.2, 0.5, 0, 1]
    grid.analyse(firing=firing)
    shown = show(grid)
    select = shown.page.locator("select")
    assert select.locator("option").all_inner_texts() == ["by number", "by norm", "by firing"]
    for sort in ("firing", "norm"):
        select.select_option(sort)
        shown.deliver()
        assert grid.sort == sort
        tiles, seen = shown.page.locator(TILES), []
        tiles.press("Home")
        for _ in range(7):
            seen.append(shown.get("channel"))
            tiles.press("ArrowRight")
        assert seen == grid.arranged()
        assert sort == "norm" or seen == [6, 2, 4, 0, 3, 5, 1]


def test_untrained_is_said_in_the_colour_of_warnings(show, grid):
    shown = show(grid)
    warning = shown.page.locator(".cw-filters-untrained")
    assert warning.is_hidden()
    grid.untrained, grid.note = True, "AlexNet's weights are not on this machine"
    shown.update("untrained", "note")
    assert "Random weights, untrained" in warning.inner_text()
    assert warning.evaluate("el => getComputedStyle(el).color") == "rgb(211, 47, 47)"
    assert shown.page.get_by_text("AlexNet's weights are not on this machine").is_visible()
    assert "untrained" in shown.page.locator(TILES).get_attribute("aria-label")


def test_other_filters(show, grid):
    grid.channel = 6
    shown = show(grid)
    grid.show(DEEP)
    keys = [name for name in grid.keys if name not in ("layout", "_esm", "_css")]
    shown.update(*keys)
    shown.settle()
    assert shown.page.locator(TILES).is_hidden() and shown.page.locator(ROWS).is_visible()
    assert shown.page.locator(".cw-filters-side .cw-title").inner_text().startswith("filter 6, input ")
    grid.show(COLOUR[:2])
    shown.update(*keys)
    shown.settle()
    assert shown.page.locator(TILES).is_visible() and shown.page.locator(".cw-filters-side").is_hidden()


def test_filters_that_are_not_finite_or_zero(show):
    weights = COLOUR.copy()
    weights[1, 2, 0, 0] = np.nan
    weights[3] = 0
    grid = FilterGrid(weights, channel=1)
    grid.analyse(response=np.ones((7, 8, 8)), fitted=COLOUR)
    shown = show(grid)
    side = shown.page.locator(".cw-filters-side")
    assert "not finite: holds NaN or infinity" in side.inner_text()
    for hidden in (".cw-figure-gabor", ".cw-figure-response", ".cw-greys"):
        assert side.locator(hidden).is_hidden()
    grid.channel = 3
    shown.update("channel")
    assert "zero everywhere" in side.inner_text()
    assert colour_at(shown, CLOSER, 20, 20) == [128] * 3


# -- filters that read feature maps -----------------------------------------------------------------


def rows_cell(shown, filter_, input_, row, column, size=(5, 7), cell=None):
    """Place of a weight in CSS pixels; tiles are two pixels apart, after 40 and 22 pixels for numbers."""
    height, width = size
    return 40 + input_ * (width * cell + 2) + (column + 0.5) * cell, 22 + filter_ * (height * cell + 2) + (
        row + 0.5
    ) * cell


def cell_of(shown, size=(5, 7), many=(20, 16)):
    world = shown.page.locator(ROWS).locator("xpath=..").bounding_box()
    return round(((world["width"] - 40) / many[1] - 2) / size[1])


@pytest.mark.parametrize("normalise", ["filter", "shared"])
def test_rows_of_grey_tiles(show, deep, normalise):
    deep.normalise = normalise
    shown = show(deep)
    cell = cell_of(shown)
    for filter_, input_, row, column in [(0, 0, 0, 0), (3, 15, 4, 6), (19, 7, 2, 3), (11, 0, 4, 0)]:
        x, y = rows_cell(shown, filter_, input_, row, column, cell=cell)
        white = np.abs(DEEP[filter_] if normalise == "filter" else DEEP).max()
        wanted = greys(DEEP[filter_, input_, row, column], white)
        assert np.abs(np.array(colour_at(shown, ROWS, x, y)) - wanted).max() <= 1
    assert colour_at(shown, ROWS, *np.add(rows_cell(shown, 0, 0, 0, 6, cell=cell), (cell / 2 + 1, 0))) == [
        0,
        0,
        0,
    ]  # between tiles


def test_why_they_say_nothing(show, deep):
    shown = show(deep)
    assert "feature maps of the layer before" in shown.page.locator(".cw-filters-note").inner_text()
    deep.note = "Twenty rows."
    shown.update("note")
    assert shown.page.locator(".cw-filters-note").inner_text() == "Twenty rows."


def test_a_tile_of_a_row(show, deep):
    shown = show(deep)
    cell = cell_of(shown)
    hover(shown, ROWS, *rows_cell(shown, 3, 7, 4, 1, cell=cell))
    told = plain(shown.page.locator(".cw-tip:visible").inner_text())
    assert told == f"filter 3, input 7 row 4, column 1 · {number(DEEP[3, 7, 4, 1])}"
    click(shown, ROWS, *rows_cell(shown, 3, 7, 4, 1, cell=cell))
    assert (shown.get("channel"), shown.get("input_channel")) == (3, 7)
    assert shown.page.locator(".cw-filters-side .cw-title").inner_text() == "filter 3, input 7"
    shown.deliver()
    assert (deep.channel, deep.input_channel) == (3, 7)
    side = shown.page.locator(CLOSER).bounding_box()["height"] / 5
    wanted = greys(DEEP[3, 7, 1, 6], np.abs(DEEP[3]).max())
    assert colour_at(shown, CLOSER, 6.5 * side, 1.5 * side) == [wanted] * 3


def test_a_filter_without_an_input_shows_its_strongest(show, deep):
    deep.channel = 4
    shown = show(deep)
    strongest = np.linalg.norm(DEEP[4].reshape(16, -1), axis=1).argmax()
    assert shown.page.locator(".cw-filters-side .cw-title").inner_text() == f"filter 4, input {strongest}"


def test_keys_in_the_rows(show, deep):
    deep.order = [5, 3, 9]
    shown = show(deep)
    rows = shown.page.locator(ROWS)
    for key, chosen in [
        ("Enter", (5, 0)), ("ArrowDown", (3, 0)), ("ArrowRight", (3, 1)), ("End", (3, 15)),
        ("ArrowRight", (3, 15)), ("PageDown", (9, 15)), ("ArrowUp", (3, 15)), ("Home", (3, 0)),
        ("PageUp", (5, 0)), ("Escape", (None, 0)),
    ]:  # fmt: skip
        rows.press(key)
        assert (shown.get("channel"), shown.get("input_channel")) == chosen, key


@pytest.fixture(scope="module")
def vgg():
    return np.random.default_rng(1).normal(size=(512, 512, 3, 3)).astype(np.float32)


def test_a_large_layer_opens_and_scrolls_at_once(show, vgg):
    grid = FilterGrid(vgg, title="features.28")
    shown = show(grid)
    took = shown.page.evaluate(
        """async () => {
          const frame = document.querySelector(".cw-rows-frame");
          const times = [];
          for (let i = 0; i < 40; i++) {
            const start = performance.now();
            frame.scrollTop += 90;
            frame.scrollLeft += 70;
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            times.push(performance.now() - start);
          }
          return times.sort((a, b) => a - b)[20];
        }"""
    )
    assert took < 150  # two frames, on a busy machine
    shown.settle()
    place = shown.page.locator(".cw-rows-frame").evaluate("el => [el.scrollLeft, el.scrollTop]")
    assert place == [2800, 3600]
    # tiles of 3 x 3 weights, 4 pixels each, 2 pixels apart: under the pointer is what these numbers say
    hover(shown, ROWS, 40 + 6 + 14, 22 + 6 + 14)
    filter_, input_ = divmod(3600 + 20, 14)[0], divmod(2800 + 20, 14)[0]
    row, column = (3600 + 20) % 14 // 4, (2800 + 20) % 14 // 4
    told = plain(shown.page.locator(".cw-tip:visible").inner_text())
    assert told.startswith(f"filter {filter_}, input {input_} row {row}, column {column} · ≈ ")
    value = float(told.split("≈ ")[1].replace("−", "-"))
    assert abs(value - vgg[filter_, input_, row, column]) < np.abs(vgg[filter_]).max() / 250
    wanted = greys(vgg[filter_, input_, row, column], np.abs(vgg[filter_]).max())
    assert np.abs(np.array(colour_at(shown, ROWS, 40 + 20, 22 + 20)) - wanted).max() <= 1
    grid.close()


def test_a_chosen_tile_far_away_comes_into_view(show, vgg):
    grid = FilterGrid(vgg)
    shown = show(grid)
    grid.channel, grid.input_channel = 500, 300
    shown.update("channel", "input_channel")
    shown.settle()
    left, top, width, height = shown.page.locator(".cw-rows-frame").evaluate(
        "el => [el.scrollLeft, el.scrollTop, el.clientWidth, el.clientHeight]"
    )
    assert left <= 300 * 14 and 301 * 14 + 40 <= left + width
    assert top <= 500 * 14 and 501 * 14 + 22 <= top + height + 1
    grid.close()


def test_zooming_the_rows_keeps_the_middle(show, vgg):
    grid = FilterGrid(vgg)
    shown = show(grid)
    frame = shown.page.locator(".cw-rows-frame")
    frame.evaluate("el => el.scrollTo(1400, 2800)")
    shown.settle()
    middle = lambda: frame.evaluate(  # noqa: E731
        """el => [el.scrollLeft + el.clientWidth / 2 - 40, el.scrollTop + el.clientHeight / 2 - 22,
          parseFloat(el.firstChild.style.width) - 40]"""
    )
    x, y, wide = middle()
    shown.page.get_by_role("button", name="Larger").click()
    shown.settle()
    x2, y2, wide2 = middle()
    assert wide2 > wide
    assert (x2 / wide2, y2 / wide2) == pytest.approx((x / wide, y / wide), abs=0.002)
    shown.page.locator(ROWS).press("-")
    shown.settle()
    assert middle()[2] == wide
    grid.close()


def test_one_weight_a_tile(show):
    """Convolutions of 1 x 1."""
    weights = RNG.normal(size=(12, 5, 1, 1))
    shown = show(FilterGrid(weights, channel=2, input_channel=4))
    wanted = greys(weights[2, 4, 0, 0], np.abs(weights[2]).max())
    assert colour_at(shown, CLOSER, 100, 100) == [wanted] * 3


# -- room -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 372, 560, 820, 1400])
@pytest.mark.parametrize("kind", ["tiles", "rows"])
def test_nothing_is_cut_off(show, grid, deep, width, kind):
    widget = grid if kind == "tiles" else deep
    widget.channel = 1
    n = widget.n_filters
    widget.analyse(response=np.ones((n, 32, 32)), fitted=widget.weights, explained=np.full(n, 0.5))
    widget.untrained = True
    shown = show(widget)
    shown.page.set_viewport_size({"width": width, "height": 760})
    shown.settle()
    shown.settle()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
    outside = shown.page.evaluate(
        """() => {
          const right = document.querySelector(".cw").getBoundingClientRect().right + 5;
          return [...document.querySelectorAll(".cw *:not(.cw-said)")]
            .filter((el) => el.checkVisibility() && !el.closest(".cw-rows-frame"))
            .filter((el) => el.getBoundingClientRect().right > right)
            .map((el) => el.className);
        }"""
    )
    assert outside == []
    boxes = [shown.page.locator(part).bounding_box() for part in (".cw-filters-all", ".cw-filters-side")]
    beside = boxes[1]["x"] > boxes[0]["x"] + boxes[0]["width"]
    assert beside == (width > 800)
