from math import cos, pi, sin

import numpy as np
import pytest
from ipywidgets import jslink
from ipywidgets.embed import dependency_state, embed_data
from PIL import ImageColor

from cnnwidgets.widgets._heat import PALETTE
from cnnwidgets.widgets.embedding_scatter import EmbeddingScatter

POINTS, OVER = ".cw-scatter-points", ".cw-scatter-canvas"
MARGIN = 16
# four by three, 100 apart: the part of the plane is known without computing
LATTICE = np.array([(100 * x, 100 * y) for y in range(3) for x in range(4)], np.float32)
LABELS = np.arange(12) % 3
NAMES = ["cat", "dog", "bus"]
# a thumbnail of one colour each
TILES = (
    np.array([[(20 * i, 255 - 20 * i, 128)] for i in range(12)], np.uint8)[:, None].repeat(8, 1).repeat(8, 2)
)


@pytest.fixture
def scatter():
    scatter = EmbeddingScatter(LATTICE, LABELS, NAMES, title="PCA", point_size=10, show_images="never")
    yield scatter
    scatter.close()


def place_of(shown, point, more=0):
    """Where a point of the plane is on the page, for the view that the browser has; with `more` room."""
    box = shown.page.locator(OVER).bounding_box()
    left, bottom, right, top = shown.get("_frame")
    x, y, zoom = shown.get("view")
    w, h = right - left, top - bottom
    scale = zoom * min((box["width"] - 2 * MARGIN) / (w + more), (box["height"] - 2 * MARGIN) / (h + more))
    across = (float(point[0]) - left - x * w) * scale + box["width"] / 2
    return box["x"] + across, box["y"] + box["height"] / 2 - (float(point[1]) - bottom - y * h) * scale


def hover(shown, point, dx=0, dy=0):
    x, y = place_of(shown, point)
    shown.page.mouse.move(x + dx, y + dy)
    shown.settle()


def click(shown, point, *keys):
    hover(shown, point)
    for key in keys:
        shown.page.keyboard.down(key)
    shown.page.mouse.down()
    shown.page.mouse.up()
    for key in keys:
        shown.page.keyboard.up(key)
    shown.settle()


def drag(shown, places, *keys):
    """Along places on the page, with keys held."""
    page = shown.page
    page.mouse.move(*places[0])
    for key in keys:
        page.keyboard.down(key)
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    shown.settle()
    page.mouse.up()
    for key in keys:
        page.keyboard.up(key)
    shown.settle()


def colour_at(shown, x, y, selector=POINTS):
    """Colour of a canvas at a place on the page."""
    return shown.page.evaluate(
        """([selector, x, y]) => {
          const canvas = document.querySelector(selector);
          const box = canvas.getBoundingClientRect();
          const ratio = canvas.width / box.width;
          const [i, j] = [Math.round((x - box.x) * ratio), Math.round((y - box.y) * ratio)];
          return [...canvas.getContext("2d").getImageData(i, j, 1, 1).data];
        }""",
        [selector, x, y],
    )[:3]


def near(colour, wanted, by=3):
    return max(abs(np.subtract(colour, wanted))) <= by


def status(shown):
    shown.page.evaluate("() => new Promise(done => setTimeout(done, 200))")  # later than what is to be said
    return shown.page.locator("[role=status]").inner_text()


def reading(shown):
    return shown.page.locator(".cw-scatter-reading").inner_text()


def decoded(shown):
    """Once the thumbnails, which are decoded beside, are there."""
    shown.page.locator(".cw-scatter-tools select").wait_for()
    shown.settle()


# -- what is drawn --


def test_points_are_in_their_places_and_colours(show, scatter):
    shown = show(scatter)
    for point, label in zip(LATTICE, LABELS, strict=True):
        assert near(colour_at(shown, *place_of(shown, point)), ImageColor.getrgb(PALETTE[label]))
        x, y = place_of(shown, point)
        assert colour_at(shown, x + 9, y) == [255, 255, 255]
    assert place_of(shown, LATTICE[4])[1] < place_of(shown, LATTICE[0])[1]  # y goes up
    assert shown.page.locator(OVER).get_attribute("aria-label").startswith("PCA, 12 points. Arrow keys")


def test_points_at_the_border_are_cut_and_do_not_come_in_on_the_other_side(show, scatter):
    scatter.show([[0, 0], [1, 0]], [0, 1])
    scatter.view = (0.5, 0.5, 2.0)
    shown = show(scatter)
    box = shown.page.locator(OVER).bounding_box()
    x, y = place_of(shown, (0, 0))
    assert x < box["x"] - 20  # both lie far outside
    scale = place_of(shown, (1, 0))[0] - x
    scatter.view = (0.5 - (x - box["x"] - 1) / -scale, 0.5, 2.0)  # now the first on the left border
    shown.update("view")
    x, y = place_of(shown, (0, 0))
    assert abs(x - box["x"]) < 2
    assert near(colour_at(shown, box["x"] + 2, y), ImageColor.getrgb(PALETTE[0]))
    for down in range(-8, 9):
        assert colour_at(shown, box["x"] + box["width"] - 4, y + down) == [255, 255, 255]


def test_more_than_eight_classes_differ_in_shape(show):
    scatter = EmbeddingScatter(LATTICE[:9], range(9), point_size=40, show_images="never")
    shown = show(scatter)
    for i, corner_filled in [(0, False), (8, True)]:
        x, y = place_of(shown, LATTICE[i])
        assert near(colour_at(shown, x, y), ImageColor.getrgb(PALETTE[i]))
        assert (colour_at(shown, x + 16, y + 16) != [255, 255, 255]) == corner_filled


def test_later_points_lie_over_earlier_ones(show):
    shown = show(EmbeddingScatter(np.zeros((3, 2)), [2, 0, 1], point_size=12))
    box = shown.page.locator(OVER).bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert near(colour_at(shown, *middle), ImageColor.getrgb(PALETTE[1]))


def test_the_theme_of_the_page(show, scatter):
    shown = show(scatter)
    shown.page.evaluate(
        """() => {
          document.body.style.setProperty("--jp-layout-color1", "#111111");
          document.body.style.setProperty("--jp-ui-font-color1", "#eeeeee");
        }"""
    )
    shown.page.wait_for_timeout(50)
    shown.settle()
    x, y = place_of(shown, LATTICE[0])
    assert colour_at(shown, x + 9, y) == [17, 17, 17]


def test_notebooks_put_a_view_into_the_page_only_once_it_is_there(show, scatter):
    """An element outside of the page has no colours: they must not be read too early."""
    scatter.highlighted = [6]
    shown = show(scatter, views=0)
    shown.page.evaluate(
        """async () => {
          const el = document.createElement("div");
          window.cleanups.push(await widget.render({ model, el, experimental: {} }));
          document.body.append(el);
        }"""
    )
    shown.settle()
    x, y = place_of(shown, LATTICE[6])
    assert min(sum(colour_at(shown, x + away, y)) for away in (7, 8, 9)) < 250
    assert shown.page.locator("[data-class]").count() == 3


def test_nothing_yet_and_then_something(show):
    scatter = EmbeddingScatter()
    shown = show(scatter)
    assert shown.page.get_by_text("no points yet").is_visible()
    shown.page.locator(OVER).focus()
    for key in ("ArrowLeft", "Enter", "+", "0"):
        shown.page.keyboard.press(key)
    scatter.show(LATTICE, LABELS, names=NAMES)
    shown.update(*[key for key in scatter.keys if key not in ("layout", "_esm", "_css")])
    assert shown.page.get_by_text("no points yet").is_hidden()
    assert reading(shown) == "12 points" and shown.page.locator("[data-class]").count() == 3


def test_narrow_pages_have_the_legend_below(show, scatter):
    shown = show(scatter)

    def boxes():
        return [
            shown.page.locator(each).bounding_box() for each in (".cw-scatter-plot", ".cw-scatter-legend")
        ]

    plot, legend = boxes()
    assert legend["x"] > plot["x"] + plot["width"] and plot["width"] == pytest.approx(560, abs=2)
    shown.page.set_viewport_size({"width": 380, "height": 760})
    shown.settle()
    plot, legend = boxes()
    assert legend["y"] > plot["y"] + plot["height"] and plot["width"] > 320
    assert shown.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert near(colour_at(shown, *place_of(shown, LATTICE[3])), ImageColor.getrgb(PALETTE[0]))


# -- under the pointer --


def test_the_nearest_point_and_its_picture(show):
    scatter = EmbeddingScatter(
        LATTICE, LABELS, NAMES, TILES, [f"{i}.jpg" for i in range(12)], show_images="never"
    )
    shown = show(scatter)
    decoded(shown)
    tip = shown.page.locator(".cw-scatter-tip")
    assert tip.is_hidden()
    before = shown.pixels(OVER)
    for i in (0, 5, 11):
        hover(shown, LATTICE[i], dx=3, dy=-2)
        assert shown.get("hovered") == i
        assert tip.inner_text().split("\n") == [f"{NAMES[i % 3]}, number {i}", f"{i}.jpg"]
        box = tip.locator("canvas").bounding_box()
        assert near(
            colour_at(shown, box["x"] + 64, box["y"] + 64, ".cw-scatter-tip canvas"), TILES[i, 0, 0], 0
        )
        assert reading(shown) == f"{NAMES[i % 3]}, number {i}, {i}.jpg"
        assert shown.page.locator(".cw-active").get_attribute("data-class") == str(i % 3)
        assert shown.pixels(OVER) != before
        plot = shown.page.locator(".cw-scatter-plot").bounding_box()
        inner = tip.bounding_box()
        assert plot["x"] <= inner["x"] and inner["x"] + inner["width"] <= plot["x"] + plot["width"] + 1
        assert plot["y"] <= inner["y"] and inner["y"] + inner["height"] <= plot["y"] + plot["height"] + 1
    assert status(shown) == "bus, number 11, 11.jpg"
    hover(shown, LATTICE[5], dx=30)  # too far from any
    assert tip.is_hidden() and shown.get("hovered") == -1 and shown.pixels(OVER) == before
    hover(shown, LATTICE[5])
    shown.page.mouse.move(2, 2)
    shown.settle()
    assert shown.get("hovered") == -1 and tip.is_hidden()
    shown.deliver()
    assert scatter.hovered == -1
    assert {name for state in shown.sent() for name in state} <= {"hovered"} and shown.messages() == []


def test_the_first_point_may_have_no_picture(show):
    shown = show(EmbeddingScatter(LATTICE, thumbnails=[None, *TILES[1:]], show_images="never"))
    decoded(shown)
    pictures = shown.page.locator(".cw-scatter-tip canvas")
    hover(shown, LATTICE[1])
    assert pictures.is_visible()
    hover(shown, LATTICE[0])
    assert shown.get("hovered") == 0 and pictures.is_hidden()


def test_names_and_sources_alone(show, scatter):
    shown = show(scatter)
    hover(shown, LATTICE[0])
    scatter.names, scatter.sources = ["class lion", "wolf", "tram"], [f"{i}.png" for i in range(12)]
    shown.update("names", "sources")
    told = "class lion, number 0"
    assert shown.page.locator(".cw-scatter-tip").inner_text().split("\n") == [told, "0.png"]
    assert reading(shown) == f"{told}, 0.png"
    assert shown.page.locator("[data-class='0']").inner_text().startswith("class lion")


def test_the_picture_does_not_lie_over_its_point(show, scatter):
    scatter.show(LATTICE, LABELS, thumbnails=TILES)
    scatter.width, scatter.height = 220, 400  # there is no room to the left of all, nor to the right
    shown = show(scatter)
    decoded(shown)
    assert shown.page.locator(".cw-scatter-plot").bounding_box()["width"] == pytest.approx(220, abs=1)
    for i in range(12):
        hover(shown, LATTICE[i])
        x, y = place_of(shown, LATTICE[i])
        tip, plot = (
            shown.page.locator(each).bounding_box() for each in (".cw-scatter-tip", ".cw-scatter-plot")
        )
        assert not (tip["x"] < x < tip["x"] + tip["width"] and tip["y"] < y < tip["y"] + tip["height"])
        assert plot["x"] <= tip["x"] and tip["x"] + tip["width"] <= plot["x"] + plot["width"] + 1
        assert plot["y"] <= tip["y"] and tip["y"] + tip["height"] <= plot["y"] + plot["height"] + 1


def test_thumbnails_of_several_sheets(show):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(5000, 2)).astype(np.float32)
    colours = rng.integers(0, 256, (5000, 1, 1, 3), dtype=np.uint8)
    scatter = EmbeddingScatter(points, thumbnails=np.broadcast_to(colours, (5000, 32, 32, 3)))
    assert len(scatter._layout["ends"]) == 2
    shown = show(scatter)
    decoded(shown)
    shown.page.locator(OVER).hover()
    for i in (0, 4095, 4096, 4999):
        shown.set(hovered=-1)
        shown.set(hovered=i)
        box = shown.page.locator(".cw-scatter-tip canvas").bounding_box()
        middle = (box["x"] + 64, box["y"] + 64)
        assert near(colour_at(shown, *middle, ".cw-scatter-tip canvas"), colours[i, 0, 0])


def test_a_linked_map_lights_up_without_its_picture(show, scatter):
    shown = show(scatter)
    shown.page.mouse.move(2, 2)
    before = shown.pixels(OVER)
    shown.set(hovered=6)  # as jslink does
    assert reading(shown) == "cat, number 6" and shown.page.locator(".cw-scatter-tip").is_hidden()
    x, y = place_of(shown, LATTICE[6])
    assert shown.pixels(OVER) != before
    for angle in (0.8, 2.3, 4):
        ring = [(x + far * cos(angle), y + far * sin(angle)) for far in (14, 15, 16)]
        assert min(sum(colour_at(shown, *place, OVER)) for place in ring) < 200
    shown.set(hovered=4000, selected=[2, 4000])  # the other map has more points
    shown.settle()
    assert reading(shown) == "12 points" and shown.page.get_by_text("2 selected").is_visible()
    shown.set(hovered=-1, selected=[])
    assert shown.pixels(OVER) == before
    assert shown.sent() == []


def test_hidden_points_are_not_there(show, scatter):
    scatter.hidden = [0]
    shown = show(scatter)
    assert colour_at(shown, *place_of(shown, LATTICE[3])) == [255, 255, 255]
    hover(shown, LATTICE[3])
    assert shown.get("hovered") == -1 and reading(shown) == "8 of 12 points"
    shown.set(hovered=3)  # by a link
    assert reading(shown) == "8 of 12 points"


# -- moving the map --


@pytest.mark.parametrize("n_moves", [2, 50])
def test_dragging_moves_the_map_with_the_pointer(show, scatter, n_moves):
    shown = show(scatter)
    x, y = place_of(shown, LATTICE[5])
    drag(shown, [(x + 50 * share, y + 30 * share) for share in np.linspace(0, 1, n_moves + 1)])
    assert place_of(shown, LATTICE[5]) == pytest.approx((x + 50, y + 30), abs=0.1)
    assert near(colour_at(shown, x + 50, y + 30), ImageColor.getrgb(PALETTE[2]))
    shown.deliver()
    assert scatter.view[2] == 1 and scatter.view[0] < 0.5 and scatter.selected == []
    hover(shown, LATTICE[5], dx=40, dy=40)
    shown.page.mouse.dblclick(*place_of(shown, (150, 150)))
    shown.settle()
    assert shown.get("view") == [0.5, 0.5, 1]


def test_the_wheel_zooms_where_the_pointer_is(show, scatter):
    shown = show(scatter)
    hover(shown, LATTICE[6])
    shown.page.mouse.wheel(0, -200)
    shown.page.wait_for_timeout(50)
    hint = shown.page.locator(".cw-scatter-hint")
    assert shown.get("view") == [0.5, 0.5, 1] and hint.is_visible()  # the page scrolls
    before = place_of(shown, LATTICE[6])
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, -50)
    shown.page.keyboard.up("Control")
    shown.page.wait_for_timeout(50)
    assert shown.get("view")[2] > 1.2 and place_of(shown, LATTICE[6]) == pytest.approx(before, abs=1)
    before = place_of(shown, LATTICE[6])
    shown.page.locator(OVER).focus()
    zoom = shown.get("view")[2]
    shown.page.mouse.wheel(0, -200)
    shown.page.wait_for_timeout(50)
    shown.settle()
    assert shown.get("view")[2] > 1.3 * zoom and place_of(shown, LATTICE[6]) == pytest.approx(before, abs=1)
    assert near(colour_at(shown, *before), ImageColor.getrgb(PALETTE[0]))
    hint.wait_for(state="hidden")


def test_buttons_and_limits_of_the_zoom(show, scatter):
    shown = show(scatter)
    shown.page.get_by_label("Zoom in").click()
    assert shown.get("view")[2] == 1.5
    shown.page.get_by_label("Show the whole map").click()
    assert shown.get("view") == [0.5, 0.5, 1]
    shown.page.get_by_label("Zoom out").click(click_count=10)
    assert shown.get("view")[2] == 0.5
    x, y = place_of(shown, LATTICE[0])
    for _ in range(5):
        drag(shown, [(x, y), (x + 300, y), (x + 400, y)])
    assert 0 <= shown.get("view")[0] <= 1  # the map cannot be lost


# -- selecting --


@pytest.mark.parametrize("hidden", [[], [1]])
def test_a_lasso_takes_what_is_inside(show, hidden):
    points = np.random.default_rng(3).uniform(-1, 1, (500, 2)).astype(np.float32)
    scatter = EmbeddingScatter(points, np.arange(500) % 3, tool="lasso", hidden=[])
    scatter.hidden = hidden
    shown = show(scatter)
    # a circle of radius 0.5 about (0.1, 0.2)
    line = [place_of(shown, (0.1 + 0.5 * cos(a), 0.2 + 0.5 * sin(a))) for a in np.linspace(0, 2 * pi, 60)]
    drag(shown, line)
    shown.deliver()
    far = np.hypot(*(points - [0.1, 0.2]).T)
    visible = ~np.isin(np.arange(500) % 3, hidden)
    sure, possible = (far < 0.49) & visible, (far < 0.51) & visible
    assert set(np.flatnonzero(sure)) <= set(scatter.selected) <= set(np.flatnonzero(possible))
    assert scatter.selected == sorted(scatter.selected) and len(scatter.selected) > 50
    assert status(shown) == f"{len(scatter.selected)} selected"
    inside, outside = scatter.selected[-1], int(np.argmax(far))
    assert near(
        colour_at(shown, *place_of(shown, points[inside])), ImageColor.getrgb(PALETTE[inside % 3]), 12
    )
    if outside % 3 not in hidden:
        assert min(colour_at(shown, *place_of(shown, points[outside]))) > 150  # faint


def test_a_hollow_lasso_leaves_its_hollow_out(show, scatter):
    scatter.tool = "lasso"
    shown = show(scatter)
    corners = [(-50, -50), (350, -50), (350, 250), (250, 250), (250, 50), (50, 50), (50, 250), (-50, 250)]
    drag(shown, [place_of(shown, LATTICE[0])] * 2 + [place_of(shown, corner) for corner in corners])
    shown.deliver()
    assert [i for i in range(12) if i not in scatter.selected and i != 0] == [5, 6, 9, 10]


def test_a_box_and_shift(show, scatter):
    scatter.tool, scatter.view = "box", (0.5, 0.5, 0.8)
    shown = show(scatter)
    drag(shown, [place_of(shown, (-20, -20)), place_of(shown, (60, 60)), place_of(shown, (120, 120))])
    assert shown.get("selected") == [0, 1, 4, 5]
    more = [(280, 250), (210, 210), (180, 60)]
    drag(shown, [place_of(shown, corner) for corner in more], "Shift")
    assert shown.get("selected") == [0, 1, 4, 5, 6, 10]
    assert [row.split("\n")[-1] for row in shown.page.locator("[data-class]").all_inner_texts()] == [
        "2 of 4",
        "3 of 4",
        "1 of 4",
    ]
    drag(shown, [place_of(shown, (130, 130)), place_of(shown, (150, 150)), place_of(shown, (170, 170))])
    assert shown.get("selected") == []


def test_shift_draws_a_lasso_also_while_dragging_moves(show, scatter):
    scatter.view = (0.5, 0.5, 0.7)
    shown = show(scatter)
    corners = [(-30, 30), (-30, -30), (130, -30), (130, 30), (-30, 30)]
    drag(shown, [place_of(shown, corner) for corner in corners], "Shift")
    assert shown.get("selected") == [0, 1] and shown.get("view") == [0.5, 0.5, 0.7]


def test_shift_counts_when_the_hand_goes_down(show, scatter):
    scatter.tool, scatter.view, scatter.selected = "box", (0.5, 0.5, 0.8), [11]
    shown = show(scatter)
    page = shown.page
    page.mouse.move(*place_of(shown, (-20, -20)))
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(*place_of(shown, (120, 120)), steps=3)
    page.keyboard.up("Shift")
    page.mouse.up()
    shown.settle()
    assert shown.get("selected") == [0, 1, 4, 5, 11]


def test_two_fingers_zoom_and_the_last_of_them_draws_no_lasso(show, scatter):
    scatter.tool, scatter.selected = "lasso", [3]
    shown = show(scatter)
    before = shown.page.evaluate(
        """() => {
          const canvas = document.querySelector(".cw-scatter-canvas");
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          const finger = (type, pointerId, x) => {
            const place = { clientX: box.x + x, clientY: box.y + 200 };
            canvas.dispatchEvent(new PointerEvent(type, { pointerId, bubbles: true, ...place }));
          };
          finger("pointerdown", 1, 200);
          finger("pointerdown", 2, 300);
          finger("pointermove", 2, 400);
          finger("pointerup", 1, 200);
          const before = model.get("view");
          for (const x of [410, 440, 480]) finger("pointermove", 2, x);
          finger("pointerup", 2, 480);
          return before;
        }"""
    )
    shown.settle()
    after = shown.get("view")
    assert before[2] == pytest.approx(2) == after[2]
    assert after[0] < before[0] and shown.get("selected") == [3]


def test_a_lasso_that_is_given_up(show, scatter):
    scatter.tool = "lasso"
    scatter.selected = [3]
    shown = show(scatter)
    page = shown.page
    before = shown.pixels(OVER)
    page.mouse.move(*place_of(shown, (50, 50)))
    page.mouse.down()
    for corner in ((150, 50), (150, 150), (50, 150)):
        page.mouse.move(*place_of(shown, corner))
    shown.settle()
    assert shown.pixels(OVER) != before
    page.keyboard.press("Escape")
    page.mouse.up()
    shown.settle()
    assert shown.get("selected") == [3]


def test_clicks_choose_one_or_several(show, scatter):
    shown = show(scatter)
    click(shown, LATTICE[4])
    assert shown.get("selected") == [4] and status(shown) == "dog, number 4; 1 selected"
    click(shown, LATTICE[2], "Shift")
    click(shown, LATTICE[7], "Control")
    assert shown.get("selected") == [2, 4, 7]
    click(shown, LATTICE[4], "Shift")
    assert shown.get("selected") == [2, 7]
    click(shown, (150, 150), "Shift")
    assert shown.get("selected") == [2, 7]
    click(shown, LATTICE[2])
    assert shown.get("selected") == [2]
    click(shown, LATTICE[2])
    assert shown.get("selected") == []
    click(shown, LATTICE[2])
    click(shown, (150, 150))
    assert shown.get("selected") == []
    click(shown, LATTICE[2])
    shown.page.get_by_label("1 selected: clear the selection").click()
    shown.deliver()
    assert scatter.selected == []


def test_selected_from_python(show, scatter):
    scatter.selected = [0]
    shown = show(scatter)
    assert near(colour_at(shown, *place_of(shown, LATTICE[0])), ImageColor.getrgb(PALETTE[0]))
    assert not near(colour_at(shown, *place_of(shown, LATTICE[3])), ImageColor.getrgb(PALETTE[0]), 60)
    scatter.selected = []
    shown.update("selected")
    assert near(colour_at(shown, *place_of(shown, LATTICE[3])), ImageColor.getrgb(PALETTE[0]))


def test_highlighted_points_have_a_ring(show, scatter):
    shown = show(scatter)
    x, y = place_of(shown, LATTICE[6])
    assert colour_at(shown, x + 8, y) == [255, 255, 255]
    scatter.highlighted = [6]
    shown.update("highlighted")
    assert min(sum(colour_at(shown, x + away, y)) for away in (7, 8, 9)) < 250
    assert colour_at(shown, x + 14, y) == [255, 255, 255]


# -- keys --


def test_arrow_keys_walk_from_point_to_point(show, scatter):
    shown = show(scatter)
    page = shown.page
    page.locator(OVER).focus()
    page.keyboard.press("ArrowRight")
    first = shown.get("hovered")
    assert first in (5, 6)  # in the middle
    shown.set(hovered=5)
    for key, wanted in [
        ("ArrowRight", 6),
        ("ArrowUp", 10),
        ("ArrowLeft", 9),
        ("ArrowDown", 5),
        ("ArrowDown", 1),
    ]:
        page.keyboard.press(key)
        assert shown.get("hovered") == wanted
    page.keyboard.press("ArrowDown")
    assert shown.get("hovered") == 1  # there is none below
    assert shown.page.locator(".cw-scatter-tip").is_visible() and status(shown) == "dog, number 1"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    assert shown.get("selected") == [1, 2] and status(shown) == "bus, number 2; 2 selected"
    page.keyboard.press("Escape")
    assert shown.get("hovered") == -1 and shown.get("selected") == [1, 2]
    page.keyboard.press("Escape")
    assert shown.get("selected") == [] and status(shown) == "nothing selected"


def test_keys_zoom_and_move(show, scatter):
    shown = show(scatter)
    page = shown.page
    page.locator(OVER).focus()
    shown.set(hovered=0)
    before = place_of(shown, LATTICE[0])
    page.keyboard.press("+")
    assert shown.get("view")[2] == pytest.approx(1.3)
    assert place_of(shown, LATTICE[0]) == pytest.approx(before, abs=0.1)
    page.keyboard.press("Shift+ArrowRight")
    assert place_of(shown, LATTICE[0])[0] == pytest.approx(before[0] - 60, abs=0.1)
    page.keyboard.press("-")
    assert shown.get("view")[2] == pytest.approx(1)
    page.keyboard.press("0")
    assert shown.get("view") == [0.5, 0.5, 1]
    for _ in range(12):
        page.keyboard.press("+")
    page.keyboard.press("ArrowUp")  # its point lies far outside and is brought into view
    shown.settle()
    box = page.locator(OVER).bounding_box()
    x, y = place_of(shown, LATTICE[shown.get("hovered")])
    assert shown.get("hovered") == 4
    assert box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"]


# -- the legend --


def test_the_legend_hides_and_shows(show, scatter):
    scatter.relabel([0] * 7 + [1] * 4 + [-1])
    shown = show(scatter)
    rows = shown.page.locator("[data-class]")
    assert [row.split("\n") for row in rows.all_inner_texts()] == [
        ["cat", "7"],
        ["dog", "4"],
        ["no class", "1"],
    ]
    rows.nth(1).click()
    shown.settle()
    assert shown.get("hidden") == [1] and rows.nth(1).get_attribute("aria-pressed") == "false"
    assert status(shown) == "dog hidden" and reading(shown) == "8 of 12 points"
    assert colour_at(shown, *place_of(shown, LATTICE[8])) == [255, 255, 255]
    shown.deliver()
    assert scatter.hidden == [1]
    rows.nth(1).click()
    assert shown.get("hidden") == []
    rows.nth(0).dblclick()
    shown.settle()
    assert sorted(shown.get("hidden")) == [-1, 1] and reading(shown) == "7 of 12 points"
    rows.nth(2).dblclick()
    assert sorted(shown.get("hidden")) == [0, 1]
    rows.nth(2).dblclick()
    assert shown.get("hidden") == []
    rows.nth(0).focus()
    shown.page.keyboard.press("Shift+Enter")
    assert sorted(shown.get("hidden")) == [-1, 1]
    shown.page.get_by_text("show all").click()
    shown.settle()
    assert shown.get("hidden") == [] and shown.page.get_by_text("show all").is_hidden()


def test_a_class_stands_out_while_its_row_is_under_the_pointer(show, scatter):
    shown = show(scatter)
    shown.page.locator("[data-class='1']").hover()
    shown.settle()
    assert near(colour_at(shown, *place_of(shown, LATTICE[1])), ImageColor.getrgb(PALETTE[1]))
    assert not near(colour_at(shown, *place_of(shown, LATTICE[0])), ImageColor.getrgb(PALETTE[0]), 60)
    shown.page.locator("[data-class='1']").click()  # once it is hidden there is nothing to stand out
    shown.settle()
    assert near(colour_at(shown, *place_of(shown, LATTICE[0])), ImageColor.getrgb(PALETTE[0]))
    shown.page.locator("[data-class='2']").hover()
    shown.page.mouse.move(2, 2)
    shown.settle()
    assert near(colour_at(shown, *place_of(shown, LATTICE[0])), ImageColor.getrgb(PALETTE[0]))


def test_what_is_selected_does_not_move_the_map(show, scatter):
    scatter.width = 300
    shown = show(scatter)
    before = shown.page.locator(".cw-scatter-plot").bounding_box()
    scatter.selected = list(range(12))
    shown.update("selected")
    assert shown.page.locator(".cw-scatter-plot").bounding_box() == before


def test_one_class_needs_no_legend(show):
    shown = show(EmbeddingScatter(LATTICE))
    assert shown.page.locator(".cw-scatter-legend").is_hidden()


# -- the way to another map --


def test_points_wander(show, scatter):
    shown = show(scatter)
    moved = LATTICE[::-1].copy()
    start, end = place_of(shown, LATTICE[0]), place_of(shown, LATTICE[11])
    scatter.morph(moved, seconds=1.5)
    shown.update("_points", "_frame", "_seconds")
    shown.page.wait_for_timeout(100)
    one = shown.pixels(POINTS)
    hover(shown, LATTICE[0])
    assert shown.get("hovered") == -1  # on their way there is nothing to hover
    shown.page.wait_for_timeout(100)
    assert shown.pixels(POINTS) != one
    shown.page.wait_for_timeout(1700)
    shown.settle()
    assert near(colour_at(shown, *start), ImageColor.getrgb(PALETTE[2]))
    assert near(colour_at(shown, *end), ImageColor.getrgb(PALETTE[0]))
    shown.page.mouse.move(start[0] + 1, start[1])
    shown.settle()
    assert shown.get("hovered") == 11


def test_those_who_asked_for_less_motion_see_it_at_once(show, scatter):
    shown = show(scatter)
    shown.page.emulate_media(reduced_motion="reduce")
    try:
        scatter.morph(LATTICE[::-1].copy(), seconds=30)
        shown.update("_points", "_frame", "_seconds")
        assert near(colour_at(shown, *place_of(shown, LATTICE[0])), ImageColor.getrgb(PALETTE[2]))
    finally:
        shown.page.emulate_media(reduced_motion="no-preference")


def test_a_live_map_keeps_what_is_in_view_and_under_the_pointer(show, scatter):
    scatter.view = (0.4, 0.4, 1.5)
    shown = show(scatter)
    hover(shown, LATTICE[5])
    scatter.update(LATTICE + [0, 3])
    shown.update("_points", "_frame", "_seconds")
    assert shown.get("hovered") == 5 and shown.get("view") == [0.4, 0.4, 1.5]
    assert shown.page.locator(".cw-scatter-tip").is_visible()
    assert near(colour_at(shown, *place_of(shown, LATTICE[5] + [0, 3])), ImageColor.getrgb(PALETTE[2]))


# -- new pictures --


def test_added_points_are_larger_and_have_a_ring(show, scatter):
    shown = show(scatter)
    scatter.add([[150, 150]], labels=["dog"])
    shown.update("_points", "_labels", "_first_added", "_frame", "_seconds", "_added_atlas", "sources")
    x, y = place_of(shown, (150, 150))
    blue = ImageColor.getrgb(PALETTE[1])
    assert near(colour_at(shown, x + 6, y), blue)
    assert not near(
        colour_at(shown, place_of(shown, LATTICE[1])[0] + 6, place_of(shown, LATTICE[1])[1]), blue
    )
    assert min(sum(colour_at(shown, x + d, y)) for d in (10, 11, 12)) < 250
    hover(shown, (150, 150))
    assert reading(shown) == "dog, number 12, added"
    assert shown.page.locator("[data-class='1']").inner_text().split("\n") == ["dog", "5"]


def test_pictures_of_added_points_are_always_seen(show, scatter):
    scatter.show_images = "zoom"
    scatter.add([[150, 150], [250, 50]], thumbnails=[np.full((9, 9, 3), 77, np.uint8), None])
    shown = show(scatter)
    decoded(shown)
    x, y = place_of(shown, (150, 150), 100)
    assert near(colour_at(shown, x, y), (77, 77, 77), 0) and near(
        colour_at(shown, x + 12, y + 12), (77, 77, 77), 0
    )
    assert near(colour_at(shown, *place_of(shown, (250, 50), 100)), (122, 122, 122))


# -- pictures as points --


def test_pictures_come_with_the_zoom(show):
    points = np.random.default_rng(5).uniform(0, 1, (400, 2)).astype(np.float32)
    tiles = np.full((400, 8, 8, 3), 201, np.uint8)
    scatter = EmbeddingScatter(points, np.zeros(400, int), ["cat"], tiles)
    shown = show(scatter)
    decoded(shown)

    def grey():
        return shown.page.evaluate(
            """selector => {
              const canvas = document.querySelector(selector);
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              let n = 0;
              for (let i = 0; i < data.length; i += 4) n += data[i] === 201 && data[i + 1] === 201;
              return n;
            }""",
            POINTS,
        )

    assert grey() == 0
    scatter.view = (0.5, 0.5, 4.0)
    shown.update("view")
    some = grey()
    assert some > 10_000
    scatter.show_images = "never"
    shown.update("show_images")
    assert grey() == 0
    shown.page.locator("select").select_option("always")
    shown.settle()
    assert grey() > some
    scatter.view = (0.5, 0.5, 1.0)
    shown.update("view")
    assert grey() > 30_000
    shown.deliver()
    assert scatter.show_images == "always"


def test_on_a_lattice_pictures_fill_their_cells(show):
    scatter = EmbeddingScatter(LATTICE, LABELS, NAMES, TILES, show_images="always")
    shown = show(scatter)
    decoded(shown)
    side = place_of(shown, LATTICE[1], 100)[0] - place_of(shown, LATTICE[0], 100)[0]
    for i, point in enumerate(LATTICE):
        x, y = place_of(shown, point, 100)
        for share in (-0.44, 0, 0.44):
            assert near(colour_at(shown, x + share * side, y + share * side), TILES[i, 0, 0])
    x, y = place_of(shown, LATTICE[6], 100)
    shown.page.mouse.move(x + 0.4 * side, y + 0.4 * side)
    shown.settle()
    assert shown.get("hovered") == 6  # the whole picture belongs to it


def test_moving_the_map_does_not_change_which_pictures_are_drawn(show):
    points = np.random.default_rng(6).uniform(0, 1, (300, 2)).astype(np.float32)
    colours = np.random.default_rng(7).integers(0, 256, (300, 1, 1, 3), dtype=np.uint8)
    scatter = EmbeddingScatter(
        points, thumbnails=np.broadcast_to(colours, (300, 8, 8, 3)), view=(0.5, 0.5, 3)
    )
    scatter.view = (0.5, 0.5, 3.0)
    shown = show(scatter)
    decoded(shown)

    def drawn():
        """Points in the middle whose picture is seen."""
        found = set()
        for i, point in enumerate(points):
            if abs(point - 0.5).max() < 0.1:
                x, y = place_of(shown, point)
                if near(colour_at(shown, x, y), colours[i, 0, 0], 0):
                    found.add(i)
        return found

    before = drawn()
    assert len(before) > 3
    for view in [(0.53, 0.5, 3.0), (0.5, 0.46, 3.0)]:
        scatter.view = view
        shown.update("view")
        assert drawn() == before


# -- size and end --


def test_a_hundred_thousand_points_follow_the_pointer(show):
    rng = np.random.default_rng(8)
    scatter = EmbeddingScatter(rng.normal(size=(100_000, 2)), rng.integers(0, 10, 100_000))
    shown = show(scatter)
    took = shown.page.evaluate(
        """async () => {
          const canvas = document.querySelector(".cw-scatter-canvas");
          const box = canvas.getBoundingClientRect();
          const took = [];
          for (let k = 0; k < 40; k++) {
            await new Promise(requestAnimationFrame);
            const [clientX, clientY] = [box.x + 200 + 4 * k, box.y + 200];
            const start = performance.now();
            canvas.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
            took.push(performance.now() - start);
          }
          return took.sort((a, b) => a - b)[20];
        }"""
    )
    assert shown.get("hovered") >= 0 and took < 8  # half a frame; measured 1


def test_pictures_are_freed_with_the_view(show):
    scatter = EmbeddingScatter(LATTICE, thumbnails=TILES)
    scatter.add([[1, 1]], thumbnails=TILES[:1])
    shown = show(scatter, views=0)
    shown.page.evaluate(
        """() => {
          window.open_ = 0;
          const [make, close] = [window.createImageBitmap, ImageBitmap.prototype.close];
          window.createImageBitmap = async (...args) => (window.open_++, make(...args));
          ImageBitmap.prototype.close = function () { window.open_--; close.call(this); };
        }"""
    )
    shown.view()
    decoded(shown)
    assert shown.page.evaluate("() => window.open_") == 2
    scatter.add([[1, 1]], thumbnails=TILES[:1])
    shown.update("_points", "_labels", "_first_added", "_added_atlas", "_added_layout")
    shown.page.wait_for_timeout(100)
    assert shown.page.evaluate("() => window.open_") == 2
    shown.page.evaluate("() => window.cleanups[0]()")
    assert shown.page.evaluate("() => window.open_") == 0


SAVED_PAGE = """async (saved) => {
  const models = {};
  for (const [id, { model_name, state, buffers }] of Object.entries(saved)) {
    if (model_name !== "AnyModel") continue;
    for (const { path, data } of buffers ?? []) state[path[0]] = { base64: data };
    models[`IPY_MODEL_${id}`] = fakeModel(state);
    const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
    const style = document.createElement("style");
    style.textContent = state._css;
    const el = document.createElement("div");
    document.body.append(style, el);
    await (await import(url)).default.render({ model: models[`IPY_MODEL_${id}`], el });
  }
  for (const { model_name, state } of Object.values(saved)) {
    if (model_name !== "LinkModel") continue;
    for (const [[from, name], [to, other]] of [[state.source, state.target], [state.target, state.source]]) {
      models[from].on(`change:${name}`, () => models[to].set(other, models[from].get(name)));
    }
  }
  window.models = Object.values(models);
}"""


def test_linked_maps_live_on_in_a_saved_page(show):
    """All that a page has that was saved or exported: the state of the models, and no kernel."""
    maps = [
        EmbeddingScatter(
            sign * LATTICE, LABELS, NAMES, TILES, title=title, width=320, height=200, tool="lasso"
        )
        for sign, title in ((1, "PCA"), (-1, "t-SNE"))
    ]
    maps[0].add([[150, 150]], thumbnails=TILES[:1], sources=["mine.jpg"])
    maps[0].selected = maps[1].selected = [2, 5]
    maps[1].hidden = [1]
    links = [jslink((maps[0], name), (maps[1], name)) for name in ("hovered", "selected")]
    saved = embed_data(maps, state=dependency_state(maps, drop_defaults=False))["manager_state"]["state"]
    shown = show(maps[0], views=0)
    page = shown.page
    page.evaluate(SAVED_PAGE, saved)
    first, second = page.locator(".cw-scatter").all()
    page.locator(".cw-scatter-tools select").nth(1).wait_for()
    shown.settle()

    def told(each):
        return each.locator(".cw-scatter-reading").inner_text()

    assert [told(first), told(second)] == ["13 points", "8 of 12 points"]
    assert second.get_by_label("2 selected").is_visible()
    box = first.locator(OVER).bounding_box()
    scale = (box["height"] - 2 * MARGIN) / 300  # pictures on a lattice reach half a cell over their points
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 50 * scale, middle[1])  # number 5 is there
    shown.settle()
    assert told(first) == told(second) == "bus, number 5"
    assert first.locator(".cw-scatter-tip canvas").is_visible()
    page.mouse.move(middle[0], middle[1] - 50 * scale)
    shown.settle()
    assert told(first) == "number 12, added, mine.jpg"
    corners = [(-0.9, -0.4), (0.9, -0.4), (0.9, 0.4), (-0.9, 0.4)]
    drag(shown, [(middle[0] + 100 * scale * x, middle[1] + 100 * scale * y) for x, y in corners])
    assert page.evaluate("() => models.map(each => each.get('selected'))") == [[5, 6], [5, 6]]
    first.locator("[data-class='0']").click()
    page.keyboard.down("Control")
    page.mouse.move(*middle)
    page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    page.wait_for_timeout(60)
    assert page.evaluate("() => [models[0].get('hidden'), models[0].get('view')[2] > 1.2]") == [[0], True]
    for each in [*links, *maps]:
        each.close()
