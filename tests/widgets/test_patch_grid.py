import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image

from cnnwidgets.core import ReceptiveField
from cnnwidgets.widgets import PatchGrid

RNG = np.random.default_rng(5)
PICTURES = RNG.integers(0, 256, (4, 20, 30, 3), dtype=np.uint8)
FIELD = ReceptiveField(size=(7, 9), stride=(4, 4), padding=(3, 3))


def patch(which=0, row=1, col=2, value=1.0, **rest):
    return dict(
        picture=PICTURES[which],
        box=FIELD.box(row, col),
        seen=FIELD.clipped(row, col, (20, 30)),
        value=value,
        source=f"test {which}",
        **rest,
    )


@pytest.fixture
def grid():
    grid = PatchGrid(title="conv1 · channel 4")
    grid.show([patch(0, 0, 0, 5.061), patch(1, value=4.0), patch(2, 4, 6, 0.25)])
    yield grid
    grid.close()


def pictures_of(grid):
    """The pictures as the browser gets them."""
    starts = [0, *grid._ends[:-1]]
    return [
        np.asarray(Image.open(io.BytesIO(grid._pictures[a:b])))
        for a, b in zip(starts, grid._ends, strict=True)
    ]


def test_what_the_browser_gets(grid):
    assert grid.values.tolist() == pytest.approx([5.061, 4.0, 0.25])
    assert [one["box"] for one in grid._patches] == [[-3, -3, 4, 6], [1, 5, 8, 14], [13, 21, 20, 30]]
    assert [one["seen"] for one in grid._patches] == [[0, 0, 4, 6], [1, 5, 8, 14], [13, 21, 20, 30]]
    assert grid._size == [7, 9]
    for sent, picture in zip(pictures_of(grid), PICTURES, strict=False):
        assert (sent == picture).all()


def test_a_picture_goes_once_however_many_patches_it_has(grid):
    grid.show([patch(1), patch(0), patch(1, 0, 0), patch(1, 2, 2)])
    assert [one["picture"] for one in grid._patches] == [0, 1, 0, 0]
    sent = pictures_of(grid)
    assert len(sent) == 2 and (sent[0] == PICTURES[1]).all() and (sent[1] == PICTURES[0]).all()


def test_pictures_that_are_made_when_asked_for(grid):
    """An object that is gone leaves its id to the next one."""

    class Made:
        box, seen, value = (0, 0, 7, 9), None, 1.0

        def __init__(self, which):
            self.which = which

        @property
        def picture(self):
            return Image.fromarray(PICTURES[self.which])

    grid.show([Made(which) for which in (3, 1, 2, 0)])
    for sent, which in zip(pictures_of(grid), (3, 1, 2, 0), strict=True):
        assert (sent == PICTURES[which]).all()


@pytest.mark.parametrize(
    "picture",
    [
        PICTURES[0],
        Image.fromarray(PICTURES[0]),
        Image.fromarray(PICTURES[0]).convert("RGBA"),
        torch.tensor(PICTURES[0]),
    ],
    ids=["array", "RGB", "RGBA", "tensor"],
)
def test_kinds_of_pictures(grid, picture):
    grid.show([patch() | dict(picture=picture), SimpleNamespace(**patch() | dict(picture=picture))])
    assert all((sent == PICTURES[0]).all() for sent in pictures_of(grid))
    assert grid.describe().endswith("2 strongest patches of 7 × 9 pixels, 1.00 to 1.00")


def test_grey_pictures(grid):
    grid.show([patch() | dict(picture=PICTURES[0, :, :, 0])])
    assert (pictures_of(grid)[0] == PICTURES[0, :, :, :1]).all()


def test_large_pictures_are_sent_small_but_their_colours_are_not_halved(grid):
    """A field of 11 pixels is looked at pixel by pixel, also in a photograph."""
    stripes = np.zeros((224, 200, 3), np.uint8)
    stripes[:, ::2] = (255, 60, 0)
    stripes[:, 1::2] = (0, 60, 255)
    grid.show([patch() | dict(picture=stripes)])
    assert grid._pictures[:2] == b"\xff\xd8"
    assert np.abs(pictures_of(grid)[0].astype(int) - stripes).max() < 40


@pytest.mark.parametrize(
    ("box", "seen", "sent_box", "sent_seen", "known"),
    [
        (None, None, [0, 0, 20, 30], [0, 0, 20, 30], False),
        ((-2, 25, 5, 34), None, [-2, 25, 5, 34], [0, 25, 5, 30], True),
        ((-2, 3, 5, 12), (1, 3, 5, 12), [-2, 3, 5, 12], [1, 3, 5, 12], True),  # clipped on the way, too
        ((0, 0, 7, 9), (-5, -5, 50, 50), [0, 0, 7, 9], [0, 0, 7, 9], True),
        ((-40, 0, -30, 9), None, [-40, 0, -30, 9], [0, 0, 0, 9], True),  # nothing but padding
        (torch.tensor([1, 2, 8, 11]), None, [1, 2, 8, 11], [1, 2, 8, 11], True),
    ],
)
def test_boxes(grid, box, seen, sent_box, sent_seen, known):
    grid.show([dict(picture=PICTURES[0], box=box, seen=seen, value=1.0)])
    (one,) = grid._patches
    assert (one["box"], one["seen"], one["known"]) == (sent_box, sent_seen, known)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (dict(picture=None), "patch 1 has no picture"),
        (dict(picture=PICTURES[0] / 255), "patch 1 must be .* uint8 .*, not of float64"),
        (dict(picture=PICTURES), r"not of uint8 with shape \(4, 20, 30, 3\)"),
        (dict(box=(1, 2, 3)), "box of patch 1 must be"),
        (dict(box=(5, 2, 5, 9)), "box of patch 1 must be"),
        (dict(seen="all"), "seen of patch 1 must be"),
    ],
)
def test_what_cannot_be_shown_changes_nothing(grid, wrong, told):
    before = grid._pictures, grid._patches, grid.describe()
    with pytest.raises(ValueError, match=told):
        grid.show([patch(), patch() | wrong])
    assert (grid._pictures, grid._patches, grid.describe()) == before


def test_at_most_36(grid):
    grid.show([patch()] * 36)
    assert len(grid.values) == 36
    with pytest.raises(ValueError, match="at most 36 patches can be shown, not 37"):
        grid.show([patch()] * 37)


def test_a_size_for_all(grid):
    grid.show([patch(0, 0, 0), dict(picture=PICTURES[0], box=(0, 0, 8, 5), value=1.0)])
    assert grid._size == [8, 9]  # the largest, along each axis
    grid.show([patch()], size=(11, 13))
    assert grid._size == [11, 13]


def test_one_message_for_another_unit(grid, messages):
    grid.chosen = 1
    grid.show_map(1, np.ones((2, 3)))
    sent = messages(grid)
    grid.show([patch(3, value=9.0)], title="conv1 · channel 5")
    assert len(sent) == 1
    expected = {"_patches", "_pictures", "_ends", "_values", "title", "chosen", "_map_of", "_codes"}
    assert expected <= set(sent[0])
    assert (grid.title, grid.chosen, grid._map_of) == ("conv1 · channel 5", None, None)


def test_three_views_at_once(messages):
    grid = PatchGrid(which="weakest")
    sets = {
        "strongest": [patch(0, value=9.0)],
        "weakest": [patch(1, value=0.1), patch(2, value=0.2)],
        "sample": [patch(3, value=4.0)],
    }
    grid.show(sets, size=(7, 9))
    assert grid.values.tolist() == pytest.approx([0.1, 0.2])
    sent = messages(grid)
    grid.which = "strongest"
    assert sent[0] == {"which": "strongest"} and {"_patches", "_pictures", "_values"} <= set(sent[1])
    assert grid.values.tolist() == [9.0] and (pictures_of(grid)[0] == PICTURES[0]).all()
    grid.set_state({"which": "sample"})
    assert grid.values.tolist() == [4.0]
    grid.show({"strongest": [patch(0, value=2.0)], "weakest": []})
    assert grid.views == ["strongest", "weakest"] and grid.which == "strongest"
    grid.which = "weakest"
    assert len(grid.values) == 0 and grid.describe() == "PatchGrid: no patches yet"


def test_with_one_list_another_view_is_for_whoever_observes_it(grid):
    grid.show({"strongest": [patch(0, value=9.0)], "weakest": [patch(1, value=0.1)]})
    grid.show([patch(2, value=3.0)])
    grid.which = "weakest"
    assert grid.values.tolist() == [3.0]
    with pytest.raises(ValueError, match="there is no view 'best': 'strongest', 'weakest', 'sample'"):
        grid.show({"best": []})


def test_chosen(grid):
    grid.chosen = 2
    for wrong in (3, -1):
        with pytest.raises(t.TraitError, match=f"patch {wrong} does not exist: there are 0 to 2"):
            grid.chosen = wrong
    assert grid.chosen == 2
    grid.set_state({"chosen": 7})  # late, from patches that are no longer shown
    assert grid.chosen is None and grid.error == ""
    with pytest.raises(t.TraitError, match="there are none yet: call show"):
        PatchGrid().chosen = 0


def test_what_an_observer_of_a_click_raises_is_shown(grid):
    def answer(change):
        raise RuntimeError("no network")

    grid.observe(answer, "chosen")
    grid.set_state({"chosen": 1})
    assert grid.error == "RuntimeError: no network"


def test_maps(grid, messages):
    sent = messages(grid)
    values = torch.arange(12.0).reshape(3, 4)
    grid.show_map(2, values, cell=(2, 3))
    assert len(sent) == 1
    assert (grid._map_of, grid._shape, grid._cell) == (2, [1, 3, 4], [2, 3])
    assert list(np.frombuffer(grid._codes, np.uint8)) == [round(i / 11 * 255) for i in range(12)]
    assert np.frombuffer(grid._ranges, np.float32).tolist() == [0.0, 11.0]
    with pytest.raises(ValueError, match="there is no patch 3: 3 are shown"):
        grid.show_map(3, values)
    with pytest.raises(ValueError, match=r"shape \(height, width\), not \(1, 3, 4\)"):
        grid.show_map(0, values[None])


def test_histogram_by_hand(grid):
    """Of 12 images 5 are silent: 2 below zero, and 3 at zero, which are in the bin from 0 to 1."""
    grid.set_histogram([2, 4, 5, 1], [-1.0, 0.0, 1.0, 2.0, 3.0], n_silent=5)
    assert grid._counts.tolist() == [2, 1, 5, 1]
    assert (grid._n_images, grid._n_silent) == (12, 5)
    assert grid._edges.tolist() == [-1, 0, 1, 2, 3]
    grid.set_histogram([7, 1], [0.5, 1.0, 2.0])
    assert grid._counts.tolist() == [7, 1]
    grid.set_histogram([4], [0.0, 1.0], n_silent=4)  # never fires
    assert grid._counts.tolist() == [0] and grid._n_images == 4
    grid.set_histogram(None)
    assert len(grid._counts) == len(grid._edges) == grid._n_images == 0


@pytest.mark.parametrize("at_zero", [0, 40])
def test_histogram_of_many(grid, at_zero):
    """Against counting what is drawn one by one; bins as a scan makes them."""
    values = np.concatenate([np.zeros(at_zero), RNG.normal(0.5, 1, 300)])
    counts, edges = np.histogram(values, np.arange(-8, 9) / 2)
    grid.set_histogram(counts, edges, n_silent=int((values <= 0).sum()))
    wanted, _ = np.histogram(values[values != 0], edges)
    assert grid._counts.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("counts", "edges", "n_silent", "told"),
    [
        ([1, 2], [0, 1], 0, "one edge more than counts, not 2 for 2 counts"),
        ([[1, 2]], [0, 1, 2], 0, "one edge more"),
        ([1, 2], [0, 0, 1], 0, "rise"),
        ([1, 2], [0, 1, np.inf], 0, "finite"),
        ([1, 2], [0, 1, 2], 4, "4 silent images of 3"),
    ],
)
def test_wrong_histograms(grid, counts, edges, n_silent, told):
    with pytest.raises(ValueError, match=told):
        grid.set_histogram(counts, edges, n_silent)
    assert len(grid._counts) == 0


def test_average(grid):
    grid.set_average(PICTURES[0, :7, :9], caption="mean of the 3")
    assert (np.asarray(Image.open(io.BytesIO(grid._average))) == PICTURES[0, :7, :9]).all()
    assert grid._average_of == "mean of the 3"
    with pytest.raises(ValueError, match="uint8, 0 to 255, not of float64"):
        grid.set_average(PICTURES[0] / 255)
    grid.set_average(None)
    assert grid._average == b""


def test_in_words(grid):
    assert grid.describe() == "conv1 · channel 4: 3 strongest patches of 7 × 9 pixels, 5.06 to 0.250"
    grid.which = "sample"
    grid.message = "seen in 50 images"
    assert "3 randomly chosen patches" in grid.describe()
    assert grid.describe().endswith("; seen in 50 images")
    grid.show([])
    grid.message = "never fires in 50 images"
    assert grid.describe() == "conv1 · channel 4: never fires in 50 images"


def test_the_picture_has_the_patches_and_hatches_their_padding():
    """Without a browser: the pixels of the picture enlarged, and stripes where there is none."""
    grid = PatchGrid()
    assert grid.picture() is None
    red = np.zeros((20, 30, 3), np.uint8)
    red[...] = (200, 30, 10)
    red[0, 0] = (10, 30, 200)
    grid.show([patch(0, 0, 0, 2.5) | dict(picture=red), patch(1, 0, 0) | dict(picture=red)])
    pixels = np.asarray(grid.picture()).astype(int)
    is_red = (np.abs(pixels - (200, 30, 10)).max(-1) < 3)[:180, :230]
    is_blue = (np.abs(pixels - (10, 30, 200)).max(-1) < 3)[:180, :230]
    rows, columns = np.nonzero(is_red | is_blue)
    # two patches in a row, 480 / 2 / 9 screen pixels for each of theirs; three rows and columns are padding
    pixel = 480 / 2 / 9
    assert rows.min() == pytest.approx(3 * pixel, abs=2) and columns.min() == pytest.approx(3 * pixel, abs=2)
    assert is_blue.sum() == pytest.approx(pixel**2, rel=0.1)
    padding = pixels[: int(3 * pixel) - 2, : int(9 * pixel) - 2]
    assert (padding.max(-1) == padding.min(-1)).all() and len(np.unique(padding)) == 2


def test_patches_without_any_picture_in_them_have_a_picture():
    grid = PatchGrid()
    grid.show([dict(picture=PICTURES[0], box=(-40, 0, -30, 9), value=float("nan"))])
    assert grid.picture().size[0] > 100
    assert "nan" in grid.describe()


def test_closing_frees_the_pictures(grid):
    grid.set_average(PICTURES[0])
    grid.close()
    assert grid._pictures == grid._average == b"" and grid._drawn == [] and len(grid.values) == 0


def test_wrong_keywords():
    with pytest.raises(TypeError, match="no trait 'colums'; nearest: 'columns'"):
        PatchGrid(colums=3)
    with pytest.raises(t.TraitError):
        PatchGrid(which="best")
