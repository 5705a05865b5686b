import io
import json

import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import PictureRow, PictureRows, Tile

RED, BLUE = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")


def tiles(n=3):
    return [
        dict(picture=RED if i % 2 else BLUE, number=10 + i, label=f"class {i}", value=i / 4, mark=i == 1)
        for i in range(n)
    ]


@pytest.fixture
def rows():
    rows = PictureRows(
        [
            dict(key="a", title="Features", note="256 numbers", tiles=tiles(), told=["one", "two", "three"]),
            dict(key="b", title="Pixels", message="computing …"),
        ],
        query=Tile(RED, 4, "clock", source="test 5"),
        k=2,
    )
    yield rows
    rows.close()


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def sent(rows):
    """The pictures as the browser gets them."""
    starts = [0, *rows._ends[:-1]]
    parts = [rows._pictures[start:end] for start, end in zip(starts, rows._ends, strict=True)]
    return [Image.open(io.BytesIO(part)).convert("RGB") for part in parts]


def test_each_picture_is_sent_once(rows):
    found = sent(rows)
    assert [picture.getpixel((5, 5)) for picture in found] == [(255, 0, 0), (0, 0, 255)]
    assert [tile["picture"] for tile in rows._rows[0]["tiles"]] == [1, 0, 1]
    assert rows._query["picture"] == 0
    assert [tile["number"] for tile in rows._rows[0]["tiles"]] == [10, 11, 12]
    assert [tile["mark"] for tile in rows._rows[0]["tiles"]] == [False, True, False]


def test_pictures_of_all_kinds():
    grey = np.full((6, 9), 7, np.uint8)
    large = Image.new("RGB", (1000, 500), "teal")
    rows = PictureRows(
        [dict(key="a", tiles=[dict(picture=each) for each in (grey, large, png(BLUE), grey)])], k=9
    )
    assert [picture.size for picture in sent(rows)] == [(9, 6), (192, 96), (40, 30)]
    assert sent(rows)[0].getpixel((0, 0)) == (7, 7, 7), "small ones are exact"
    assert np.abs(np.array(sent(rows)[1].getpixel((5, 5))) - (0, 128, 128)).max() < 4
    assert rows._pictures[rows._ends[1] : rows._ends[2]] == png(BLUE), "bytes are sent as they are"
    assert large.size == (1000, 500)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([dict(key="a", tiles=[dict(picture=np.zeros((3, 4)))])], "array of uint8"),
        ([dict(key="a", tiles=[dict(picture=np.zeros((3, 4, 2), np.uint8))])], r"shape \(3, 4, 2\)"),
        ([dict(key="a", tiles=[dict(colour=1)])], "tile is a Tile or a dict of its fields"),
        ([dict(title="a")], "row is a PictureRow or a dict of its fields"),
        ([dict(key="a"), dict(key="a")], "a key of its own"),
        ([dict(key="a", tiles=[dict(picture=RED)] * 241)], "at most 240 pictures"),
    ],
)
def test_what_makes_no_sense_leaves_all_as_it_was(rows, given, told):
    before = rows._rows, rows._pictures
    with pytest.raises(ValueError, match=told):
        rows.show(given)
    assert (rows._rows, rows._pictures) == before and rows.rows[0].key == "a"


def test_values_that_json_does_not_know():
    rows = PictureRows([dict(key="a", tiles=[dict(picture=RED, value=v) for v in (np.nan, np.inf, "far")])])
    assert [tile["value"] for tile in rows._rows[0]["tiles"]] == ["nan", "inf", "far"]
    json.dumps(rows._rows, allow_nan=False)


def test_the_same_pictures_are_not_sent_again(rows, messages):
    listened = messages(rows)
    rows.show([dict(key="a", title="Features", tiles=tiles(), told="now I know")], rows.query)
    (state,) = listened
    assert "_rows" in state and "_pictures" not in state


def test_groups(rows):
    assert rows.group == ""
    rows.groups = ["all", "cat"]
    assert rows.group == "all"
    rows.group = "cat"
    with pytest.raises(t.TraitError, match="no group 'cats'; nearest: 'cat'"):
        rows.group = "cats"
    rows.set_state({"group": "gone"})
    assert rows.group == "cat" and rows.error == ""
    rows.groups = ["dog"]
    assert rows.group == "dog"
    assert PictureRows(groups=["a", "b"], group="b").group == "b"


def test_a_picture_of_ones_own(rows):
    got = []
    rows.on_upload(lambda name, data: got.append((name, data)))
    rows._handle_custom_msg({"kind": "upload", "name": "me.png"}, [memoryview(png(RED))])
    assert got == [("me.png", png(RED))] and rows._received == 1
    rows.on_upload(lambda name, data: 1 / 0)
    rows._handle_custom_msg({"kind": "upload", "name": "me.png"}, [memoryview(b"x")])
    assert "ZeroDivisionError" in rows.error and rows._received == 2


def test_in_words(rows):
    assert rows.describe().split("\n") == [
        "Asked for: clock (test 5)",
        "Features: two; class 0 0 (other), class 1 0.250 (same)",
        "Pixels: computing …",
    ]
    rows.can_count = False
    assert rows.describe().split("\n")[1].count("class") == 3
    assert PictureRows().describe() == "PictureRows: nothing"
    many = PictureRows([dict(key="a", tiles=tiles(33))], can_count=False).describe()
    assert many.count("class") == 30 and many.endswith(", 3 more")


def test_as_a_picture(rows):
    picture = rows.picture()
    colours = {colour for _, colour in picture.getcolors(2**20)}
    assert {(255, 0, 0), (0, 0, 255), (0, 114, 178), (213, 94, 0)} <= colours, "with a frame of each mark"
    rows.k = 1
    assert (0, 114, 178) not in {colour for _, colour in rows.picture().getcolors(2**20)}
    assert PictureRows().picture() is None


def test_closing_frees_everything(rows):
    rows.close()
    assert rows._pictures == b"" and rows.rows == [] and rows.query is None


def test_a_row_of_ones_own():
    row = PictureRow("a", tiles=[dict(picture=RED)], told=["one"])
    assert isinstance(row.tiles[0], Tile) and row.told_of(5) == "one"
    assert PictureRow("a").told_of(3) == "" and PictureRow("a", told="always").told_of(3) == "always"
