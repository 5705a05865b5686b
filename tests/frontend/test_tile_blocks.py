import base64

import numpy as np
import pytest

from cnnwidgets.widgets import TileBlocks

TILES, WHOLE = ".cw-blocks-tiles", ".cw-blocks-whole"
ACCENT, GREY = (25, 118, 210), (128, 128, 128)
HEIGHT, WIDTH = 30, 40
RNG = np.random.default_rng(12)
PICTURES = RNG.integers(0, 256, (9, HEIGHT, WIDTH, 3), dtype=np.uint8)
#: (top, left, bottom, right) of 6 × 9 pixels; the first and the last reach out of the picture.
BOXES = [(-2, -3, 4, 6), *((3 * i, 4 * i, 3 * i + 6, 4 * i + 9) for i in range(7)), (26, 34, 32, 43)]
VALUES = [9.871, 8.0, 6.5, 5.0, 4.0, 3.0, 2.0, 0.5, 0.0123]
PIXEL = 7  # of the page for one of the picture in the tiles, see `wide`


def cut(box):
    top, left, bottom, right = box
    return slice(max(top, 0), min(bottom, HEIGHT)), slice(max(left, 0), min(right, WIDTH))


def images(channels=3, seed=1):
    rng = np.random.default_rng(seed)
    found = np.zeros((9, channels, HEIGHT, WIDTH), np.float32)
    for i, box in enumerate(BOXES):
        part = found[i][(slice(None), *cut(box))]
        part[:] = rng.uniform(-1, 1, part.shape) * (i + 1)
    return found


def patches():
    return [
        dict(picture=PICTURES[i], box=BOXES[i], value=VALUES[i], source=f"test {i} · car") for i in range(9)
    ]


@pytest.fixture
def blocks():
    blocks = TileBlocks(title="conv1 · channel 4", clip=100)
    blocks.show(patches(), {"DeconvNet": images(), "gradient": images(1, 2)})
    yield blocks
    blocks.close()


@pytest.fixture
def show(show):
    """show(blocks) once its pictures, which are decoded beside, are there too."""

    def opened(blocks, **options):
        shown = show(blocks, **options)
        ready(shown)
        return shown

    return opened


def ready(shown):
    shown.page.wait_for_timeout(80)
    shown.settle()


def pixels(shown, selector, place):
    """The pixels of a canvas, shape (height, width, 3), by the pixel of the page."""
    width, data = shown.page.evaluate(
        """([selector, place]) => {
          const canvas = [...document.querySelectorAll(selector)].filter(el => el.offsetParent)[place];
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.width, btoa(data.reduce((text, byte) => text + String.fromCharCode(byte), ""))];
        }""",
        [selector, place],
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(-1, width, 4)[..., :3].astype(int)


def tile(shown, block, i):
    """Colours in the middle of each pixel of a tile, shape (6, 9, 3)."""
    found = pixels(shown, TILES, block)
    wide = (found.shape[1] - 12) / 3
    pixel = int(min(wide / 9, (420 / 3 - 18) / 6))
    assert pixel >= 3
    x, y = i % 3 * (9 * pixel + 6), i // 3 * (6 * pixel + 18)
    rows = y + pixel // 2 + pixel * np.arange(6)
    columns = x + pixel // 2 + pixel * np.arange(9)
    return found[np.ix_(rows, columns)], (x + 4.5 * pixel, y + 3 * pixel)


def inside(i, array):
    """A picture's part in the box, shape (6, 9, ...), and where it is no padding."""
    top, left, bottom, right = BOXES[i]
    found, there = np.zeros((6, 9, *array.shape[2:])), np.zeros((6, 9), bool)
    rows, columns = cut(BOXES[i])
    place = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    found[place], there[place] = array[rows, columns], True
    return found, there


def hover(shown, selector, place, x, y):
    box = shown.page.locator(f"{selector}:visible").nth(place).bounding_box()
    shown.page.mouse.move(box["x"] + x, box["y"] + y)
    shown.settle()


def hover_tile(shown, block, i):
    hover(shown, TILES, block, *tile(shown, block, i)[1])


def readings(shown):
    return [
        text.replace("\xa0", " ")
        for text in shown.page.locator(".cw-blocks-reading:visible").all_inner_texts()
    ]


def facts(shown):
    return shown.page.locator(".cw-blocks-facts").inner_text()


def test_patches_and_images_pixel_by_pixel(show, blocks):
    """Against slices of the arrays; but for the frame of the first tile."""
    shown = show(blocks)
    colour, grey = images(), images(1, 2)
    for i in (1, 4, 7, 8):
        for block, (array, most) in enumerate(
            [(PICTURES[i], None), (colour[i].transpose(1, 2, 0), 0), (grey[i].transpose(1, 2, 0), 0)]
        ):
            wanted, there = inside(i, array)
            if most is not None:
                wanted = 127.5 + 127.5 * wanted / np.abs(array).max()
            seen, _ = tile(shown, block, i)
            assert np.abs(seen[there] - wanted[there]).max() <= 1, (block, i)
            # padding is hatched: lines on paper
            assert (np.ptp(seen[~there], axis=-1) == 0).all() and (seen[~there] > 150).all()


def test_one_scale_for_all_tiles_of_a_block(show, blocks):
    shown = show(blocks)
    shown.page.get_by_role("button", name="one scale").click()
    shown.settle()
    array = images()
    wanted, there = inside(2, array[2].transpose(1, 2, 0))
    seen, _ = tile(shown, 1, 2)
    assert np.abs(seen[there] - (127.5 + 127.5 * wanted[there] / np.abs(array).max())).max() <= 1
    shown.deliver()
    assert blocks.scale == "shared"


def test_clip_makes_the_largest_alike(show, blocks):
    """Against numpy's percentile of all numbers but zero."""
    blocks.clip = 90
    shown = show(blocks)
    array = images()[4].transpose(1, 2, 0)
    limit = np.percentile(np.abs(array[array != 0]), 90)
    wanted, there = inside(4, array)
    seen, _ = tile(shown, 1, 4)
    assert np.abs(seen[there] - np.clip(127.5 + 127.5 * wanted[there] / limit, 0, 255)).max() <= 2
    assert ((seen == 0) | (seen == 255)).mean() > 0.08


def test_the_same_tile_is_marked_in_all_blocks(show, blocks):
    shown = show(blocks)
    before = [shown.page.evaluate(f"() => pixels('{TILES}')")]
    assert facts(shown) == "test 0 · car · fires 9.87 · sees 4 × 6 of 6 × 9 px, the rest is padding"
    for block in range(3):
        hover_tile(shown, block, 5)
        assert facts(shown) == "test 5 · car · fires 3.00 · sees 6 × 9 px"
        hover_tile(shown, block, 3)
        assert facts(shown).startswith("test 3")
    assert shown.page.evaluate(f"() => pixels('{TILES}')") != before[0]
    shown.page.mouse.move(0, 0)
    shown.settle()
    assert facts(shown).startswith("test 0") and shown.sent() == []


def test_a_click_keeps_a_tile_and_a_second_one_lets_it_go(show, blocks):
    shown = show(blocks)
    _, (x, y) = tile(shown, 2, 7)
    for wanted in (7, None):
        shown.page.locator(f"{TILES}:visible").nth(2).click(position={"x": x, "y": y})
        shown.page.mouse.move(0, 0)
        shown.deliver()
        assert blocks.chosen == wanted
        assert facts(shown).startswith(f"test {wanted or 0}")


def test_keys_choose_a_tile(show, blocks):
    shown = show(blocks)
    shown.page.locator(TILES).nth(1).focus()
    for key, wanted in (
        ("ArrowRight", 0),
        ("ArrowRight", 1),
        ("ArrowDown", 4),
        ("ArrowDown", 7),
        ("ArrowDown", 7),
        ("ArrowLeft", 6),
        ("ArrowUp", 3),
        ("End", 8),
        ("ArrowRight", 8),
        ("Home", 0),
        ("Escape", None),
    ):
        shown.page.keyboard.press(key)
        assert shown.get("chosen") == wanted, key
    shown.page.keyboard.press("End")
    shown.page.wait_for_timeout(200)
    said = shown.page.locator("[role=status]").inner_text()
    assert said.startswith(
        "tile 9 of 9, test 8 · car · activation" if VALUES[8] <= 0 else "tile 9 of 9, test 8 · car · fires"
    )


def test_numbers_at_a_pixel_in_all_blocks(show, blocks):
    """Of the tile that is shown, in the picture's own pixels."""
    blocks.chosen = 4
    shown = show(blocks)
    box = shown.page.locator(WHOLE).nth(1).bounding_box()
    row, column = 10, 14  # inside of the fourth box
    hover(shown, WHOLE, 1, (column + 0.5) * box["width"] / WIDTH, (row + 0.5) * box["height"] / HEIGHT)
    picture, colour, grey = readings(shown)
    red, green, blue = PICTURES[4][row, column]
    assert picture == f"row 10, column 14\nR {red}  G {green}  B {blue}"
    told = [float(part[2:].replace("−", "-")) for part in colour.split("  ")]
    np.testing.assert_allclose(told, images()[4][:, row, column], rtol=6e-3)
    assert float(grey.replace("−", "-")) == pytest.approx(images(1, 2)[4][0, row, column], rel=6e-3)
    hover(shown, WHOLE, 1, 2, 2)
    assert readings(shown)[1:] == ["R 0  G 0  B 0", "0"], "outside of the field"
    shown.page.mouse.move(0, 0)
    shown.settle()
    largest = np.abs(images()[4]).max()
    assert readings(shown)[1] == f"largest {largest:.2f}" and shown.sent() == []


def test_keys_read_pixels_aloud(show, blocks):
    blocks.chosen = 4
    shown = show(blocks)
    shown.page.locator(WHOLE).nth(2).focus()
    shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("Shift+ArrowDown")
    shown.settle()
    top, left, bottom, right = BOXES[4]
    row, column = (top + bottom) // 2 + 8, (left + right) // 2 + 1
    assert readings(shown)[0].startswith(f"row {row}, column {column}")
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text().startswith(f"patches row {row}, column {column}")
    shown.page.keyboard.press("Escape")
    shown.settle()
    assert readings(shown)[0] == ""


def test_the_whole_picture_is_grey_where_nothing_comes_back(show, blocks):
    blocks.chosen = 4
    shown = show(blocks)
    seen = pixels(shown, WHOLE, 1)
    fit = seen.shape[1] / WIDTH
    assert (seen[round(25 * fit), round(3 * fit)] == GREY).all()
    top, left, bottom, right = BOXES[4]
    edge = seen[round((top + 3) * fit), : round(left * fit) + 1]
    assert (np.abs(edge - ACCENT).sum(1) < 20).any(), "framed"
    wanted = images()[4][:, top + 3, left + 4] / np.abs(images()[4]).max() * 127.5 + 127.5
    assert np.abs(seen[round((top + 3.5) * fit), round((left + 4.5) * fit)] - wanted).max() <= 1


def test_zero_and_not_finite_are_said_and_not_stretched(show, blocks):
    array = images()
    array[3], array[4, 0, 10, 14] = 0, np.nan
    blocks.show(patches(), {"DeconvNet": array})
    blocks.chosen = 3
    shown = show(blocks)
    seen, _ = tile(shown, 1, 5)
    assert np.ptp(seen) > 200
    shown.page.mouse.move(0, 0)
    assert readings(shown)[1] == "all zero: nothing comes back"
    middle = tile(shown, 1, 3)[0][1:-1, 1:-1]
    assert (middle == GREY).all()
    blocks.chosen = 4
    shown.update("chosen")
    assert readings(shown)[1] == "not finite: holds NaN or infinity"
    bars = shown.page.locator(".cw-blocks-bar").nth(1)
    assert bars.evaluate("el => getComputedStyle(el).visibility") == "hidden"


def test_ends_of_the_greys(show, blocks):
    blocks.clip, blocks.chosen = 95, 6
    shown = show(blocks)
    array = images()[6]
    limit = np.percentile(np.abs(array[array != 0]), 95)
    ends = shown.page.locator(".cw-blocks-bar").nth(1).locator("span").all_inner_texts()
    told = [float(each.replace("−", "-")) for each in ends]
    np.testing.assert_allclose(told, [-limit, limit], rtol=0.01)


def test_a_block_that_comes_later(show, blocks):
    blocks.show(patches(), {"DeconvNet": images(), "gradient": None})
    shown = show(blocks)
    text = shown.page.locator(".cw-blocks-text").nth(2)
    assert text.inner_text() == "computing …"
    height = shown.page.locator(".cw-blocks-all").bounding_box()["height"]
    blocks.fill("gradient", images(1, 2))
    shown.update("_blocks", "_codes_1")
    assert text.is_hidden()
    wanted, there = inside(5, images(1, 2)[5].transpose(1, 2, 0))
    seen, _ = tile(shown, 2, 5)
    assert np.abs(seen[there] - (127.5 + 127.5 * wanted[there] / np.abs(wanted).max())).max() <= 1
    assert shown.page.locator(".cw-blocks-all").bounding_box()["height"] == height, "nothing jumps"


def test_a_reason_is_said(show, blocks):
    blocks.fill("gradient", "this network runs no ReLU")
    shown = show(blocks)
    assert shown.page.locator(".cw-blocks-text").nth(2).inner_text() == "this network runs no ReLU"
    assert shown.page.locator(f"{TILES}:visible").count() == 2


def test_other_patches_with_other_images(show, blocks):
    """In one message, as the kernel sends them."""
    shown = show(blocks)
    other = [dict(picture=PICTURES[8 - i], box=BOXES[4], value=1.0, source=f"other {i}") for i in range(4)]
    array = np.zeros((4, 3, HEIGHT, WIDTH))
    array[:, :, 10:14, 10:14] = np.arange(1, 5)[:, None, None, None]
    blocks.show(other, {"guided backprop": array}, title="conv2 · channel 0")
    shown.update(*[name for name in blocks.keys if name.startswith("_") or name in ("title", "chosen")][1:])
    ready(shown)
    names = [each.strip() for each in shown.page.locator(".cw-block:visible > .cw-title").all_inner_texts()]
    assert names == ["patches", "guided backprop"] and facts(shown).startswith("other 0")
    assert readings(shown)[1] == "largest 1.00"
    assert shown.page.locator(".cw-blocks-title").inner_text() == "conv2 · channel 0"


def test_one_picture_alone_is_shown_once(show, blocks):
    """Of a whole feature map the tile would be the whole picture."""
    blocks.show([dict(picture=PICTURES[0], value=2.0)], {"DeconvNet": images()[:1]})
    shown = show(blocks)
    assert shown.page.locator(f"{TILES}:visible").count() == 0
    assert shown.page.locator(f"{WHOLE}:visible").count() == 2
    assert shown.page.get_by_role("button", name="one scale").count() == 0
    blocks.show([patches()[3]], {"DeconvNet": images()[3:4]})
    shown.update("_patches", "_pictures", "_ends", "_values", "_size", "_blocks", "_codes_0")
    ready(shown)
    assert shown.page.locator(f"{TILES}:visible").count() == 2


def test_which_patches(show, blocks):
    shown = show(blocks)
    assert shown.page.get_by_role("group", name="Which patches").count() == 0
    blocks.views = ["strongest", "sample"]
    shown.update("views")
    buttons = shown.page.get_by_role("group", name="Which patches").get_by_role("button")
    assert buttons.all_inner_texts() == ["strongest", "random that fire"]
    buttons.last.click()
    shown.deliver()
    assert blocks.which == "sample"


def test_no_patches(show):
    blocks = TileBlocks(title="conv2", message="never fires in 24 images")
    shown = show(blocks)
    assert "never fires in 24 images" in shown.page.locator(".cw-blocks-message").inner_text()
    assert shown.page.locator(".cw-block:visible").count() == 0
    blocks.close()


@pytest.mark.parametrize("width", [330, 520, 1400])
def test_narrow_and_wide_pages(show, blocks, width):
    shown = show(blocks)
    shown.page.set_viewport_size({"width": width, "height": 760})
    ready(shown)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    boxes = [shown.page.locator(TILES).nth(i).bounding_box() for i in range(3)]
    n_rows = len({round(box["y"]) for box in boxes})
    assert n_rows == {330: 3, 520: 2, 1400: 1}[width]
    for i in range(3):
        seen, _ = tile(shown, i, 4)
        assert np.ptp(seen) > 150


def test_rows_are_on_one_line_whatever_the_notes_say(show, blocks):
    blocks.notes = {
        "DeconvNet": "a rather long note that takes more than one line for itself " * 2,
        "gradient": "short",
    }
    shown = show(blocks)
    tops = {round(shown.page.locator(TILES).nth(i).bounding_box()["y"]) for i in range(3)}
    wholes = {round(shown.page.locator(WHOLE).nth(i).bounding_box()["y"]) for i in range(3)}
    assert len(tops) == len(wholes) == 1
