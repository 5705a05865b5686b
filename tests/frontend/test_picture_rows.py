import io

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.widgets import PictureRows

COLOURS = ["red", "lime", "blue", "white", "black", "yellow", "cyan", "magenta"]


def tiles(n=6, first=0, **more):
    return [
        dict(
            picture=Image.new("RGB", (48, 32), COLOURS[(i + first) % 8]),
            number=i + first,
            label=COLOURS[(i + first) % 8],
            value=1.5 * i,
            mark=i % 2 == 0,
            source=f"test {i}",
            **more,
        )
        for i in range(n)
    ]


def measured(n=6):
    return {
        "told": [f"{k} told" for k in range(1, n + 1)],
        "share": [k / n for k in range(1, n + 1)],
        "mean": [0.5] * n,
    }


@pytest.fixture
def rows():
    rows = PictureRows(
        [
            dict(key="features", title="Features", note="256 numbers", tiles=tiles(), **measured()),
            dict(key="pixels", title="Pixels", tiles=tiles(6, 2)),
        ],
        query=dict(picture=Image.new("RGB", (48, 32), "teal"), number=99, label="clock", source="test 5"),
        k=4,
    )
    yield rows
    rows.close()


def row(shown, key="features"):
    return shown.page.locator(f".cw-rows-row[data-key={key}]")


def visible(shown, key="features"):
    return row(shown, key).locator("[role=option]:visible")


def middle_colours(shown, selector=".cw-rows-tile:not([hidden]) canvas"):
    return shown.page.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(canvas =>
          [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]
            .slice(0, 3))""",
        selector,
    )


def opened(show, rows):
    shown = show(rows)
    shown.page.locator(".cw-rows-tile").first.wait_for()
    return shown


def test_pictures_labels_and_marks(show, rows):
    shown = opened(show, rows)
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    wanted += [(0, 0, 255), (255, 255, 255), (0, 0, 0), (255, 255, 0)]
    assert np.abs(np.array(middle_colours(shown)) - wanted).max() < 6
    assert np.abs(np.array(middle_colours(shown, ".cw-rows-asked canvas")) - (0, 128, 128)).max() < 6
    assert shown.page.locator(".cw-rows-asked figcaption").inner_text().split("\n") == ["clock", "test 5"]
    tile = visible(shown).nth(1)
    assert tile.inner_text().split("\n") == ["lime", "1.50"]
    assert tile.get_attribute("aria-label") == "2, lime, 1.50, other class"
    assert tile.get_attribute("title") == "test 1"
    style = "el => [getComputedStyle(el).outlineStyle, getComputedStyle(el).outlineColor]"
    same, other = (visible(shown).nth(i).locator(".cw-rows-box").evaluate(style) for i in (0, 1))
    assert same[0] == "solid" and other[0] == "dashed" and same[1] != other[1]
    badges = row(shown).locator(".cw-rows-tile:not([hidden]) .cw-rows-badge path")
    drawn = [badge.get_attribute("d") for badge in badges.all()]
    assert drawn[0] == drawn[2] != drawn[1] == drawn[3], "told apart by more than their colour"


def test_how_many_are_shown_is_up_to_the_browser(show, rows):
    shown = opened(show, rows)
    slider = shown.page.get_by_role("slider", name="neighbours")
    assert visible(shown).count() == visible(shown, "pixels").count() == 4
    assert row(shown).locator(".cw-rows-told").inner_text() == "4 told"
    slider.focus()
    slider.press("ArrowRight")
    assert visible(shown).count() == 5 and row(shown).locator(".cw-rows-told").inner_text() == "5 told"
    width = row(shown).locator(".cw-rows-meter i").evaluate("el => el.style.width")
    assert float(width.rstrip("%")) == pytest.approx(100 * 5 / 6)
    assert row(shown).locator(".cw-rows-meter").get_attribute("aria-label") == "83 % here, 50 % on average"
    slider.press("End")
    slider.press("ArrowRight")
    assert visible(shown).count() == 6 and shown.page.locator(".cw-rows-k").inner_text() == "6"
    slider.press("Home")
    assert visible(shown).count() == 1 and row(shown).locator(".cw-rows-told").inner_text() == "1 told"
    shown.deliver()
    assert rows.k == 1
    assert row(shown, "pixels").locator(".cw-rows-measured").is_hidden(), "nothing is told of it"
    rows.k = 30
    shown.update("k")
    assert visible(shown).count() == 6 and slider.input_value() == "6"


def test_a_click_chooses(show, rows):
    shown = opened(show, rows)
    visible(shown, "pixels").nth(1).click()
    assert shown.get("chosen") == 3
    selected = shown.page.locator("[role=option][aria-selected=true]:visible")
    assert [tile.get_attribute("data-number") for tile in selected.all()] == ["3", "3"], "in both rows"
    shown.page.wait_for_timeout(200)
    assert "white" in shown.page.get_by_role("status").inner_text()
    shown.deliver()
    assert rows.chosen == 3
    rows.chosen = 0
    shown.update("chosen")
    assert visible(shown).first.get_attribute("aria-selected") == "true"


def test_it_says_that_the_rows_are_not_those_of_the_chosen_one_yet(show, rows):
    """The kernel is busy, or there is none, as in an exported page."""
    shown = opened(show, rows)
    told = shown.page.locator(".cw-rows-unanswered")
    visible(shown, "pixels").nth(1).click()
    assert told.is_hidden(), "mostly the answer is there at once"
    told.wait_for()
    assert told.inner_text() == "white was chosen: no answer yet"
    with rows.hold_sync():
        rows.chosen = 3
        rows.show(rows.rows, query=dict(picture=Image.new("RGB", (48, 32), "white"), number=3, label="white"))
    shown.update("chosen", "_rows", "_query", "_pictures", "_ends")
    told.wait_for(state="hidden")
    rows.show(rows.rows, query=dict(picture=Image.new("RGB", (48, 32), "teal"), label="clock"))
    shown.update("_rows", "_query", "_pictures", "_ends")
    visible(shown).first.click()
    shown.page.wait_for_timeout(700)
    assert told.is_hidden(), "without a number nobody knows what is asked for"


def test_what_has_no_number_cannot_be_chosen(show):
    rows = PictureRows([dict(key="features", tiles=[dict(picture=Image.new("RGB", (9, 9)), label="x")])])
    shown = opened(show, rows)
    visible(shown).first.click()
    assert shown.get("chosen") is None
    rows.close()


def test_keyboard(show, rows):
    shown = opened(show, rows)
    shown.page.get_by_role("listbox", name="Features").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        shown.page.keyboard.press(key)
    shown.page.keyboard.press("Enter")
    assert shown.get("chosen") == 3, "the fourth is the last one that is shown"
    shown.page.keyboard.press("Home")
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press(" ")
    assert shown.get("chosen") == 3, "the one below, in the other row"
    shown.page.keyboard.press("ArrowUp")
    shown.page.keyboard.press("End")
    active = shown.page.evaluate("() => document.activeElement.getAttribute('aria-activedescendant')")
    assert visible(shown).last.get_attribute("id") == active
    shown.page.wait_for_timeout(200)
    assert shown.page.get_by_role("status").inner_text() == "4, white, 4.50, other class"


def test_new_rows_keep_the_keyboard_where_it_is(show, rows):
    shown = opened(show, rows)
    shown.page.get_by_role("listbox", name="Pixels").focus()
    shown.page.keyboard.press("ArrowRight")
    rows.show(
        [
            dict(key="features", title="Features", tiles=tiles(3, 4)),
            dict(key="pixels", title="Pixels", tiles=tiles(2)),
        ]
    )
    shown.update("_rows", "_query", "_pictures", "_ends")
    shown.page.wait_for_function("() => document.querySelectorAll('.cw-rows-tile').length === 5")
    assert shown.page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Pixels"
    assert np.abs(np.array(middle_colours(shown))[0] - (0, 0, 0)).max() < 6
    assert shown.page.locator(".cw-rows-asked").is_hidden()
    shown.page.keyboard.press("Enter")
    assert shown.get("chosen") == 1


def test_a_row_that_waits(show, rows):
    shown = opened(show, rows)
    rows.show([dict(key="features", title="Features", message="computing <b>…</b>")], rows.query)
    shown.update("_rows", "_query", "_pictures", "_ends")
    shown.page.wait_for_function("() => !document.querySelector('.cw-rows-tile')")
    assert row(shown).locator(".cw-rows-wait").inner_text() == "computing <b>…</b>"
    assert row(shown).locator(".cw-rows-measured").is_hidden()
    assert shown.page.get_by_role("slider", name="neighbours").is_disabled()


def test_words_alone_are_drawn_without_reading_the_pictures_again(show, rows):
    shown = opened(show, rows)
    shown.page.evaluate("() => { window.read_ = 0; window.createImageBitmap = () => window.read_++; }")
    rows.show([dict(key="features", title="Now", tiles=tiles(6)), *rows.rows[1:]], rows.query)
    shown.update("_rows", "_query")
    assert row(shown).locator("b").inner_text() == "Now"
    assert shown.page.evaluate("() => window.read_") == 0
    assert np.abs(np.array(middle_colours(shown))[0] - (255, 0, 0)).max() < 6


def test_what_comes_late_is_not_drawn(show, rows):
    """Pictures that take longer to decode than those that came after them."""
    shown = opened(show, rows)
    shown.page.evaluate(
        """() => {
          const real = window.createImageBitmap;
          window.createImageBitmap = async (...args) => {
            window.createImageBitmap = real;
            await new Promise((done) => setTimeout(done, 300));
            window.isLate = true;
            return real(...args);
          };
        }"""
    )
    for first in (4, 5):
        rows.show([dict(key="features", tiles=tiles(1, first))])
        shown.update("_rows", "_query", "_pictures", "_ends")
    shown.page.wait_for_function("() => window.isLate")
    shown.page.wait_for_timeout(100)
    assert np.abs(np.array(middle_colours(shown)) - [(255, 255, 0)]).max() < 6
    assert visible(shown).inner_text().startswith("yellow")


def test_groups_and_lots(show, rows):
    rows.groups, rows.can_draw_lots = ["all", "<b>cat</b>"], True
    shown = opened(show, rows)
    shown.page.get_by_label("show").select_option("<b>cat</b>")
    shown.page.get_by_role("button", name="Random").click()
    shown.deliver()
    assert rows.group == "<b>cat</b>" and rows.chosen in range(8)
    rows.groups = ["one"]
    shown.update("groups", "group")
    assert shown.page.get_by_label("show").is_hidden()


def png(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (6, 5), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_picture_of_ones_own(show, rows):
    rows.can_upload, got = True, []
    rows.on_upload(lambda name, data: got.append((name, data)))
    shown = opened(show, rows)
    file = {"name": "me.png", "mimeType": "image/png", "buffer": png("red")}
    shown.page.locator("input[type=file]").set_input_files(file)
    shown.page.wait_for_function("() => model.messages.length")
    assert shown.page.locator(".cw-rows-hint").inner_text() == "reading …"
    shown.deliver()
    assert got == [("me.png", png("red"))]
    assert "drop" in shown.page.locator(".cw-rows-hint").inner_text()


@pytest.mark.parametrize(("event", "name"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
@pytest.mark.parametrize("can_upload", [True, False])
def test_dropped_and_pasted(show, rows, event, name, can_upload):
    rows.can_upload = can_upload
    shown = opened(show, rows)
    prevented = shown.page.evaluate(
        """([event, property, data]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(data)], "me.png", { type: "image/png" }));
          const what = new Event(event, { bubbles: true, cancelable: true });
          Object.defineProperty(what, property, { value: transfer });
          document.querySelector(".cw-rows-tiles").dispatchEvent(what);
          return what.defaultPrevented;
        }""",
        [event, name, list(png("blue"))],
    )
    assert prevented is can_upload
    shown.page.wait_for_timeout(100)
    assert [message["buffers"] for message in shown.messages()] == ([[png("blue")]] if can_upload else [])


def test_an_empty_file_is_refused_in_the_browser(show, rows):
    rows.can_upload = True
    shown = opened(show, rows)
    file = {"name": "nothing.png", "mimeType": "image/png", "buffer": b""}
    shown.page.locator("input[type=file]").set_input_files(file)
    shown.page.wait_for_function("() => model.get('error')")
    assert shown.get("error") == "nothing.png is empty" and shown.messages() == []


def test_one_line_is_scrolled(show, rows):
    rows.wrap, rows.can_count, rows.size = False, False, 200
    shown = opened(show, rows)
    box = row(shown).locator(".cw-rows-tiles")
    assert box.evaluate("el => el.scrollWidth > el.clientWidth")
    tops = {tile.bounding_box()["y"] for tile in visible(shown).all()}
    assert len(tops) == 1 and visible(shown).count() == 6
    box.focus()
    box.press("End")
    shown.settle()
    assert box.evaluate("el => el.scrollLeft") > 0


def test_tiny_pictures_show_their_pixels(show):
    rows = PictureRows([dict(key="features", tiles=[dict(picture=np.zeros((8, 8), np.uint8))])])
    shown = opened(show, rows)
    style = shown.page.locator(".cw-rows-tile canvas").evaluate("el => getComputedStyle(el).imageRendering")
    assert style == "pixelated"
    rows.close()


@pytest.mark.parametrize("width", [932, 480, 360, 304])
def test_it_fits_the_page(show, rows, only_page, width):
    rows.groups, rows.can_draw_lots, rows.can_upload, rows.k = ["a" * 60, "b"], True, True, 5
    rows.title = "Ask for"
    only_page.set_viewport_size({"width": width, "height": 760})
    shown = opened(show, rows)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
    wider = shown.page.locator(".cw").evaluate("el => el.scrollWidth - el.clientWidth")
    assert wider == 0, "a cell would get a bar to scroll it"
    tops = [tile.bounding_box()["y"] for tile in visible(shown).all()]
    assert (len(set(tops)) > 1) == (width < 700), "rows wrap where they are too long"


def test_two_views_agree(show, rows):
    shown = show(rows, views=2)
    shown.page.wait_for_function("() => document.querySelectorAll('.cw-rows-tile').length === 24")
    shown.page.locator(".cw-rows-tile").nth(2).click()
    assert shown.page.locator("[aria-selected=true]:visible").count() == 4
