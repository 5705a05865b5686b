import ast
import inspect
import io

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image, ImageColor

from cnnwidgets.widgets._scatter import SHAPES, frame_of, look_of
from cnnwidgets.widgets._scatter_atlas import atlas_of
from cnnwidgets.widgets._scatter_picture import places, shape_mask
from cnnwidgets.widgets.embedding_scatter import EmbeddingScatter

POINTS = np.array([[0, 0], [4, 0], [4, 2], [1, 1], [2, 2]], np.float32)
LABELS = [0, 1, 1, 0, 2]
NAMES = ["cat", "dog", "bus"]
NOISE = np.random.default_rng(0)


@pytest.fixture
def scatter():
    scatter = EmbeddingScatter(POINTS, LABELS, NAMES, title="PCA")
    yield scatter
    scatter.close()


# -- points, classes, sources --


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, np.ndarray.tolist, np.float64, np.asfortranarray])
def test_points_arrive_as_they_are(kind):
    scatter = EmbeddingScatter(kind(POINTS))
    assert (scatter.points == POINTS).all() and scatter.points.dtype == np.float32 and scatter.n_points == 5
    assert scatter._points == POINTS.tobytes() and (scatter.labels == -1).all() and scatter.names == []


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (np.zeros(4), "shape"),
        (np.zeros((4, 3)), "shape"),
        (np.zeros((2, 4, 2)), "shape"),
        ([[0, 1], [np.nan, 1], [2, np.inf]], "2 of the 3 points are not finite"),
        ([[1e300, 0]], "1 of the 1 points are not finite in single precision"),
        ([[1j, 0]], "real numbers"),
        ([["a", "b"]], "real numbers"),
    ],
)
def test_points_that_cannot_be_shown(scatter, points, told):
    with pytest.raises(ValueError, match=told):
        scatter.show(points)
    assert (scatter.points == POINTS).all() and scatter.names == NAMES


def test_the_arguments_are_left_alone():
    points, labels = torch.tensor(POINTS), np.array(LABELS)
    scatter = EmbeddingScatter(points, labels)
    scatter.points[:] = 9
    scatter.labels[:] = 9
    scatter.add([[1, 1]])
    assert torch.equal(points, torch.tensor(POINTS)) and labels.tolist() == LABELS
    assert (scatter.points[:5] == POINTS).all() and scatter.labels.tolist() == [*LABELS, -1]


def test_labels_are_numbers_or_names():
    assert EmbeddingScatter(POINTS, torch.tensor(LABELS)).names == ["0", "1", "2"]
    assert EmbeddingScatter(POINTS, [0.0, 1.0, 1.0, -1.0, 2.0], NAMES).labels.tolist() == [0, 1, 1, -1, 2]
    named = EmbeddingScatter(POINTS, ["dog", "cat", "cat", "dog", "bus"])
    assert named.names == ["bus", "cat", "dog"] and named.labels.tolist() == [2, 1, 1, 2, 0]
    given = EmbeddingScatter(POINTS, ["dog", "cat", "cat", "dog", "bus"], NAMES)
    assert given.names == NAMES and given.labels.tolist() == [1, 0, 0, 1, 2]
    some = EmbeddingScatter(POINTS, ["dog", None, "cat", "dog", None])
    assert some.names == ["cat", "dog"] and some.labels.tolist() == [1, -1, 0, 1, -1]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([0, 1], "one entry for each of the 5 points"),
        ([0, 1, 2, 3, 0], "label 3 has no name"),
        ([0, 1, -2, 1, 0], "whole numbers"),
        ([0, 1, 0.5, 1, 0], "whole numbers"),
        ([0, 1, np.nan, 1, 0], "whole numbers"),
        (["cat", "dog", "cow", "cat", "cat"], "'cow' is not among the names"),
    ],
)
def test_labels_that_do_not_fit(scatter, labels, told):
    with pytest.raises(ValueError, match=told):
        scatter.show(POINTS, labels, names=NAMES)
    with pytest.raises(ValueError, match="number the classes from 0"):
        scatter.show(POINTS, [0, 1, 40_000, 1, 0])


def test_sources():
    assert EmbeddingScatter(POINTS, sources=range(5)).sources == ["0", "1", "2", "3", "4"]
    for wrong in (["a"], "abcde"):
        with pytest.raises(ValueError, match="one text for each of the 5 points"):
            EmbeddingScatter(POINTS, sources=wrong)
    with pytest.raises(ValueError, match="belong to points"):
        EmbeddingScatter(labels=LABELS)


def test_another_map_forgets_what_was_selected(scatter):
    scatter.selected, scatter.highlighted, scatter.hidden, scatter.hovered = [1], [2], [0], 4
    scatter.view = (0.2, 0.3, 5)
    scatter.show(POINTS[:2])
    assert (scatter.selected, scatter.highlighted, scatter.hidden, scatter.hovered) == ([], [], [], -1)
    assert scatter.view == (0.5, 0.5, 1.0)
    scatter.clear()
    assert scatter.n_points == 0 and scatter.picture() is None and scatter.describe() == "PCA: no points yet"


def test_relabel(scatter):
    scatter.hidden = [1]
    scatter.relabel([2, 2, 2, 0, 0])
    assert scatter.labels.tolist() == [2, 2, 2, 0, 0] and scatter.names == NAMES and scatter.hidden == []
    for same in (
        ["bus", "bus", "bus", "cat", "cat"],
        torch.tensor([2, 2, 2, 0, 0]),
        np.array([2, 2, 2, 0, 0], np.uint8),
        [2.0, 2.0, 2.0, 0.0, 0.0],
    ):
        scatter.relabel(same)  # the names, and so the colours, stay
        assert scatter.labels.tolist() == [2, 2, 2, 0, 0] and scatter.names == NAMES
    scatter.relabel([0, 1, 2, 3, 4])
    assert scatter.names == ["0", "1", "2", "3", "4"]
    scatter.relabel(["a", "b", "a", "b", "a"])
    assert scatter.names == ["a", "b"]
    scatter.relabel(None)
    assert (scatter.labels == -1).all() and scatter.names == []


# -- the part of the plane --


def test_the_frame_holds_all_points():
    assert frame_of(POINTS) == [0, 0, 4, 2]
    line = frame_of(np.float32([[0, 3], [10, 3]]))
    assert line[0] == 0 and line[2] == 10 and line[1] < 3 < line[3] and (line[1] + line[3]) / 2 == 3
    one = frame_of(np.float32([[1e6, -2]]))
    assert one[0] < 1e6 < one[2] and one[1] < -2 < one[3]
    zero = frame_of(np.zeros((3, 2), np.float32))
    assert zero[0] < 0 < zero[2] and frame_of(np.empty((0, 2))) == [0, 0, 1, 1]


def test_the_frame_of_a_live_map_keeps_still():
    before = [-1.0, -1.0, 5.0, 5.0]
    assert frame_of(POINTS, before) == before
    assert frame_of(POINTS / 2, before) != before  # covers a third only
    moved = frame_of(POINTS + 3, before)
    assert moved[0] < 3 and moved[2] > 7 and moved[3] > 5
    assert frame_of(POINTS * 1.01 + 3, moved) == moved


# -- the way to another map --


def test_morph_and_update(scatter, messages):
    scatter.selected, scatter.hovered = [1, 2], 3
    sent = messages(scatter)
    scatter.morph(POINTS[::-1] * 3, seconds=2)
    assert len(sent) == 1 and sent[0]["_points"] == (POINTS[::-1] * 3).tobytes()
    assert sent[0]["_seconds"] == 2 and sent[0]["_frame"] == [0, 0, 12, 6]
    scatter.update(torch.tensor(POINTS) * 2.9)
    assert sent[1]["_seconds"] == 0 and "_frame" not in sent[1]
    assert scatter.selected == [1, 2] and scatter.hovered == 3 and scatter.n_points == 5
    for move in (scatter.morph, scatter.update):
        with pytest.raises(ValueError, match="one point for each of the 5 that are shown, not 4: use show"):
            move(POINTS[:4])
    for wrong in (-1, np.nan, 1e9):
        with pytest.raises(ValueError, match="seconds must be between"):
            scatter.morph(POINTS, seconds=wrong)


def test_an_update_takes_no_time():
    import time

    scatter = EmbeddingScatter(NOISE.normal(size=(10_000, 2)), thumbnails=np.zeros((10_000, 8, 8), np.uint8))
    points = NOISE.normal(size=(10_000, 2))
    start = time.process_time()
    for _ in range(20):
        scatter.update(points)
    assert time.process_time() - start < 0.5


# -- new pictures --


def test_added_points(scatter, messages):
    sent = messages(scatter)
    assert scatter.add([[9, 9], [1, 1]], ["dog", "cat"]) == [5, 6]
    assert scatter.added == [5, 6] and scatter.labels.tolist()[5:] == [1, 0] and scatter.n_points == 7
    assert scatter._first_added == 5 and "_atlas" not in sent[0] and scatter._frame[2] > 9
    assert scatter.add([[0, 1]], sources=["mine.jpg"]) == [7]
    assert scatter.sources == [""] * 7 + ["mine.jpg"] and scatter.labels[7] == -1
    scatter.selected, scatter.highlighted, scatter.hovered = [1, 6], [7], 6
    scatter.morph(np.zeros((8, 2)))
    scatter.remove_added()
    assert scatter.n_points == 5 and scatter.added == [] and scatter.sources == [""] * 5
    assert (scatter.selected, scatter.highlighted, scatter.hovered) == ([1], [], -1)


def test_pictures_of_added_points(scatter):
    scatter.add([[1, 1]])
    assert scatter._added_atlas == b""
    scatter.add([[1, 1]], thumbnails=[Image.new("RGB", (300, 200), "red")])
    assert scatter._added_layout["without"] == [0]
    scatter.add([[1, 1]], thumbnails=np.full((1, 20, 20), 200, np.uint8))
    assert scatter._added_layout["without"] == [0] and scatter._added_layout["tile"] == [96, 96]
    sheet = Image.open(io.BytesIO(scatter._added_atlas)).convert("RGB")
    assert sheet.getpixel((96 + 48, 48)) == (255, 0, 0) and sheet.getpixel((2 * 96 + 48, 48)) == (
        200,
        200,
        200,
    )
    scatter.remove_added()
    assert scatter._added_atlas == b""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (dict(labels=["cow"]), "'cow' is not among the names"),
        (dict(labels=[3]), "label 3 has no name"),
        (dict(thumbnails=[]), "one thumbnail for each of the 1 points, not 0"),
        (dict(sources=["a", "b"]), "one text for each of the 1 points"),
    ],
)
def test_what_cannot_be_added(scatter, options, told):
    with pytest.raises(ValueError, match=told):
        scatter.add([[0, 0]], **options)
    assert scatter.n_points == 5 and scatter.added == []


# -- thumbnails --


def cut(atlas, i):
    """Thumbnail `i`, as the front end cuts it out."""
    at = atlas.layout
    sheet, on = divmod(i, at["columns"] * at["rows"])
    start = atlas.ends[sheet - 1] if sheet else 0
    picture = Image.open(io.BytesIO(atlas.data[start : atlas.ends[sheet]]))
    left, top = on % at["columns"] * at["cell"][1], on // at["columns"] * at["cell"][0]
    return np.asarray(picture.crop((left, top, left + at["tile"][1], top + at["tile"][0])))


@pytest.mark.parametrize("shape", [(8, 8), (8, 9, 3), (30, 7, 3), (12, 12, 1)])
def test_few_small_thumbnails_arrive_exactly(shape):
    tiles = NOISE.integers(0, 256, (300, *shape), dtype=np.uint8)
    atlas = atlas_of(tiles, 300)
    assert atlas.layout["tile"] == list(shape[:2])
    for i in (0, 7, 299):
        assert (cut(atlas, i) == tiles[i].reshape(shape[:2] if shape[-1] == 1 else shape)).all()
    listed = atlas_of(list(tiles), 300)
    assert (cut(listed, 299) == cut(atlas, 299)).all()


def test_ten_thousand_thumbnails_of_32_pixels():
    values = NOISE.integers(0, 256, 10_000, dtype=np.uint8)
    tiles = np.broadcast_to(values[:, None, None, None], (10_000, 32, 32, 3))
    atlas = atlas_of(tiles, 10_000)
    assert atlas.layout["tile"] == [32, 32] and len(atlas.ends) == 3 and atlas.ends[-1] == len(atlas.data)
    assert atlas.data[:2] == b"\xff\xd8"  # JPEG
    for i in (0, 63, 64, 4095, 4096, 9999):  # one colour each: nothing bleeds in from the next
        assert abs(cut(atlas, i).astype(int) - values[i]).max() <= 2


def test_large_ones_become_smaller():
    assert atlas_of(np.zeros((10_000, 20, 40), np.uint8), 10_000).tile == (16, 32)
    assert atlas_of(np.zeros((5, 200, 100, 3), np.uint8), 5).tile == (96, 48)
    assert atlas_of([Image.new("RGB", (400, 300))] * 3, 3).tile == (72, 96)
    mixed = atlas_of([Image.new("L", (40, 30)), Image.new("RGB", (64, 50)), np.zeros((9, 9), np.uint8)], 3)
    assert mixed.tile == (50, 50)


def test_a_sheet_of_jpeg_has_room_between_its_thumbnails():
    tiles = np.zeros((2000, 28, 28, 3), np.uint8)
    tiles[1::2] = 255
    atlas = atlas_of(tiles, 2000)
    assert atlas.cell == (32, 32) and atlas.tile == (28, 28)
    assert cut(atlas, 998).max() <= 3 and cut(atlas, 999).min() >= 252


@pytest.mark.parametrize(
    ("thumbnails", "told"),
    [
        (np.zeros((4, 8, 8), np.uint8), "one thumbnail for each of the 5 points, not 4"),
        (np.zeros((5, 8, 8)), "uint8, 0 to 255, not of float64"),
        (np.zeros((5, 3, 8, 8), np.uint8), "shape"),
        (np.zeros((5, 8, 8, 4), np.uint8), "shape"),
        ([np.zeros((8, 8))] * 5, "uint8"),
        (np.zeros((5, 0, 8), np.uint8), "shape"),
    ],
)
def test_other_thumbnails(scatter, thumbnails, told):
    with pytest.raises(ValueError, match=told):
        scatter.show(POINTS, thumbnails=thumbnails)
    assert scatter.names == NAMES


def test_no_thumbnails_are_no_bytes():
    assert atlas_of(None, 5).data == atlas_of([None] * 5, 5).data == b""
    assert EmbeddingScatter()._layout == EmbeddingScatter(POINTS)._layout


# -- traits --


@pytest.mark.parametrize(("name", "value"), [("hovered", 5), ("selected", [0, 5]), ("highlighted", [-1])])
def test_points_that_do_not_exist(scatter, name, value):
    with pytest.raises(t.TraitError, match=f"{name} must be numbers of points, from 0 to 4"):
        setattr(scatter, name, value)
    with pytest.raises(t.TraitError, match=f"{name} needs points"):
        setattr(EmbeddingScatter(), name, value)
    # a linked map of more points: refused, the value would be sent back and fight with the pointer there
    scatter.set_state({name: value})
    assert getattr(scatter, name) == value and scatter.error == ""
    assert scatter.describe().startswith("PCA: 5 points") and scatter.picture()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("view", (0.5, 0.5, 0)),
        ("view", (np.nan, 0.5, 1)),
        ("tool", "draw"),
        ("show_images", True),
        ("point_size", -1),
        ("width", 3),
        ("height", 3),
        ("selected", ["a"]),
    ],
)
def test_other_values(name, value):
    with pytest.raises(t.TraitError):
        EmbeddingScatter(POINTS, **{name: value})


def test_all_at_once():
    given = dict(hovered=4, selected=[1], highlighted=[2], hidden=[0], view=(0.4, 0.5, 2.0), tool="box")
    scatter = EmbeddingScatter(POINTS, LABELS, **given)
    assert {name: getattr(scatter, name) for name in given} == given
    with pytest.raises(TypeError, match="no trait 'labelz'; nearest: 'labels'|no trait 'labelz'"):
        EmbeddingScatter(POINTS, labelz=LABELS)


def test_every_trait_says_its_type_and_default():
    body = ast.parse(inspect.getsource(EmbeddingScatter)).body[0].body
    named = 0
    for trait, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(trait, ast.Assign) or trait.targets[0].id.startswith("_"):
            continue
        named += 1
        assert "- Type: " in following.value.value and "- Default: " in following.value.value
    assert named == 14


# -- other forms --


def test_in_words(scatter):
    assert scatter.describe() == "PCA: 5 points; cat 2, dog 2, bus 1"
    scatter.selected, scatter.hidden, scatter.highlighted, scatter.hovered = [1, 2], [2, 9], [0], 3
    scatter.add([[0, 0]], sources=["mine.jpg"])
    assert scatter.describe() == (
        "PCA: 6 points; cat 2, dog 2, bus 1, no class 1; 2 selected; 1 highlighted; 1 added; hidden: bus; "
        "hovered: cat, number 3"
    )
    scatter.hovered = 5
    assert scatter.describe().endswith("hovered: number 5, mine.jpg")
    assert EmbeddingScatter([[0, 0]]).describe() == "EmbeddingScatter: 1 point"
    many = EmbeddingScatter(np.zeros((12, 2)), np.arange(12))
    assert "class 9 1 and 2 more classes" in many.describe()


def test_looks_of_classes_differ():
    looks = [look_of(index, 16) for index in range(48)]
    assert len(set(looks)) == 48 and {shape for _, shape in looks} == set(SHAPES)
    assert [look_of(i, 16) for i in (0, 7, 8)] == [(0, "circle"), (7, "circle"), (8, "square")]
    sizes = {shape: len(shape_mask(shape, 10)) for shape in SHAPES}
    assert all(0.6 * sizes["circle"] < size < 1.3 * sizes["circle"] for size in sizes.values())
    for shape in SHAPES:  # as wide to the left as to the right, about its middle
        cells = shape_mask(shape, 10)
        assert cells[:, 1].min() == -cells[:, 1].max() and {(y, -x) for y, x in cells} == {
            tuple(c) for c in cells
        }


def test_the_picture_shows_each_point_in_its_colour(scatter):
    scatter.title = ""
    picture = np.asarray(scatter.picture())
    width, height = 2 * scatter.width, 2 * scatter.height
    assert picture.shape[0] == height and picture.shape[1] > width
    colours = {0: "#e69f00", 1: "#56b4e9", 2: "#009e73"}
    at = np.rint(places(scatter, width, height)).astype(int)
    assert at[0, 0] < at[1, 0] and at[0, 1] > at[2, 1]  # x to the right, y up
    assert (at[1] - at[0])[0] == pytest.approx(4 * (at[2] - at[1])[1] / -2, abs=3)  # one scale
    for place, label in enumerate(LABELS):
        assert tuple(picture[at[place, 1], at[place, 0]]) == ImageColor.getrgb(colours[label])
    scatter.hidden, scatter.selected = [0], [1]
    picture = np.asarray(scatter.picture())
    assert (picture[at[0, 1], at[0, 0]] == 255).all()
    assert tuple(picture[at[1, 1], at[1, 0]]) == (0x56, 0xB4, 0xE9)
    faint = picture[at[2, 1], at[2, 0]]
    assert (faint > 200).all() and (faint < 255).any()


def test_later_points_lie_over_earlier_ones():
    scatter = EmbeddingScatter(np.zeros((3, 2)), [2, 0, 1])
    picture = np.asarray(scatter.picture())
    assert tuple(picture[scatter.height, scatter.width]) == (0x56, 0xB4, 0xE9)


@pytest.mark.parametrize("n", [1, 2, 25_000])
@pytest.mark.parametrize("classes", [1, 40])
def test_pictures_of_all_kinds(n, classes):
    points = NOISE.normal(size=(n, 2)) if n > 1 else np.zeros((1, 2))
    scatter = EmbeddingScatter(
        points, NOISE.integers(-1, classes, n), title="a − b", caption="many words " * 30
    )
    scatter.highlighted = [0]
    assert scatter.picture().width >= 2 * scatter.width
    data = scatter._repr_mimebundle_()
    assert "image/png" in (data[0] if isinstance(data, tuple) else data)


def test_closing(scatter, messages):
    scatter.show(POINTS, LABELS, names=NAMES, thumbnails=np.zeros((5, 4, 4), np.uint8), sources=list("abcde"))
    scatter.add([[0, 0]], thumbnails=np.zeros((1, 4, 4), np.uint8))
    sent = messages(scatter)
    scatter.close()
    emptied = next(state for state in sent if "_points" in state)
    assert not any(emptied[name] for name in ("_points", "_labels", "_atlas", "_added_atlas"))
    assert scatter.n_points == 0 and scatter.sources == [] and scatter.picture() is None
    assert scatter.describe() == "PCA: no points yet"
