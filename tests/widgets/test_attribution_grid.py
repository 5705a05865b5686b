import time

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image

from cnnwidgets.render import lut
from cnnwidgets.widgets import AttributionGrid, AttributionPanel
from cnnwidgets.widgets._attribution import limit_of, limits_of, nothing_in, plane_of

RNG = np.random.default_rng(2)
MAP = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 10.0]], np.float32)
GRADIENT = RNG.normal(size=(3, 20, 30)).astype(np.float32)
PICTURE = Image.fromarray(RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8))


def panels():
    return [
        AttributionPanel("cam", "Grad-CAM", MAP, "heat", unit="score"),
        AttributionPanel("signed", "Gradient × input", GRADIENT, "signed", "a note"),
        dict(key="guided", title="Guided backprop", values=GRADIENT, kind="colour"),
    ]


@pytest.fixture
def grid():
    grid = AttributionGrid(panels(), image=PICTURE)
    yield grid
    grid.close()


@pytest.mark.parametrize(
    "kind",
    [
        np.asarray,
        torch.tensor,
        lambda v: torch.tensor(v, requires_grad=True)[None],
        lambda v: torch.tensor(v).bfloat16(),
        lambda v: np.asarray(v, np.float64),
        np.ndarray.tolist,
    ],
)
def test_values_arrive_as_they_are(kind):
    grid = AttributionGrid([AttributionPanel("cam", values=kind(MAP))])
    assert (grid.values("cam") == MAP).all() and grid.values("cam").dtype == np.float32
    assert grid._slot_0 == MAP.tobytes() and grid.panels[0].title == ""


def test_all_is_kept(grid):
    told = grid.panels
    assert [panel.key for panel in told] == ["cam", "signed", "guided"]
    assert [panel.kind for panel in told] == ["heat", "signed", "colour"]
    assert told[0].unit == "score" and told[1].note == "a note" and told[2].row == ""
    assert (told[1].values == GRADIENT).all() and told[1].values.shape == (3, 20, 30)
    told[1].values[:] = 0
    assert (grid.values("signed") == GRADIENT).all()  # a copy


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (1, 3, 4, 5), (0, 3), (3, 0, 2)])
def test_other_shapes_change_nothing(grid, shape):
    before = grid._panels
    for wrong in (
        lambda: grid.show([dict(key="cam", values=np.zeros(shape))]),
        lambda: grid.update("cam", np.zeros(shape)),
    ):
        with pytest.raises(ValueError, match="panel 'cam' must have the shape .* of a batch give one image"):
            wrong()
    assert grid._panels == before and (grid.values("cam") == MAP).all()


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ([dict(key="a", kind="warm")], ValueError, "kind of panel 'a' must be one of heat, signed, colour"),
        ([dict(key="a", valeus=MAP)], TypeError, "no field 'valeus'; nearest: 'values'"),
        ([dict(values=MAP)], TypeError, "needs a key"),
        ([MAP], TypeError, "an AttributionPanel or a dict, not ndarray"),
        ([dict(key="a"), dict(key="b"), dict(key="a")], ValueError, "two panels have the key 'a'"),
        ([dict(key=str(i)) for i in range(49)], ValueError, "at most 48 panels can be shown, not 49"),
    ],
)
def test_wrong_panels_change_nothing(grid, wrong, error, told):
    with pytest.raises(error, match=told):
        grid.show(wrong)
    assert [panel.key for panel in grid.panels] == ["cam", "signed", "guided"]


@pytest.mark.parametrize("act", ["update", "pending", "values", "said", "is_stale"])
def test_a_panel_that_does_not_exist(grid, act):
    with pytest.raises(ValueError, match="there is no panel 'guidde'; nearest: 'guided'"):
        getattr(grid, act)("guidde")


def test_unknown_keyword():
    with pytest.raises(TypeError, match="no trait 'colourmap'; nearest: 'colormap'"):
        AttributionGrid(colourmap="viridis")


# -- what is sent ----------------------------------------------------------------------------------


def test_one_panel_travels_alone(grid, messages):
    sent = messages(grid)
    grid.update("signed", GRADIENT / 2, note="half")
    assert [set(state) for state in sent] == [{"_panels", "_slot_1"}]
    assert sent[0]["_slot_1"] == (GRADIENT / 2).tobytes() and sent[0]["_panels"][1]["note"] == "half"
    grid.update("cam", MAP * 2)  # nothing but the values
    assert set(sent[1]) == {"_slot_0"}
    grid.pending("cam", "20 of 50")
    grid.update("guided", note="new")
    assert [set(state) for state in sent[2:]] == [{"_panels"}, {"_panels"}]


def test_several_changes_in_one_message(grid, messages):
    sent = messages(grid)
    with grid.hold_sync():
        grid.update("cam", MAP * 2)
        grid.update("guided", GRADIENT * 2)
        grid.pending("signed", "computing")
    assert [set(state) for state in sent] == [{"_panels", "_slot_0", "_slot_2"}]


def test_what_has_not_changed_is_not_sent_again(grid, messages):
    sent = messages(grid)
    new = panels()
    new[2]["values"] = -GRADIENT
    grid.show(new[::-1])  # also in another order
    assert [set(state) for state in sent] == [{"_panels", "_slot_2"}]
    assert [panel.key for panel in grid.panels] == ["guided", "signed", "cam"]
    assert (grid.values("cam") == MAP).all() and (grid.values("guided") == -GRADIENT).all()


def test_panels_that_go_take_their_bytes_along(grid):
    grid.show([dict(key="new", values=2 * MAP), panels()[1]])
    held = {name: len(getattr(grid, name)) for name in grid.keys if name.startswith("_slot_")}
    assert sorted(size for size in held.values() if size) == [MAP.nbytes, GRADIENT.nbytes]
    assert (grid.values("new") == 2 * MAP).all() and (grid.values("signed") == GRADIENT).all()
    grid.clear()
    assert not any(len(getattr(grid, name)) for name in held) and grid.panels == []


def test_as_many_as_there_may_be():
    grid = AttributionGrid([dict(key=str(i), values=MAP + i) for i in range(48)])
    assert all((grid.values(str(i)) == MAP + i).all() for i in range(48))


def test_closing_frees_everything(grid, messages):
    sent = messages(grid)
    grid.close()
    emptied = {name for state in sent for name, value in state.items() if value == b""}
    assert {"_slot_0", "_slot_1", "_slot_2", "_picture", "_luts"} <= emptied
    assert grid.panels == [] and "no maps yet" in grid.describe()


def test_an_update_takes_no_time():
    grid = AttributionGrid([dict(key=str(i), kind="colour") for i in range(8)])
    gradients = RNG.normal(size=(8, 3, 96, 96)).astype(np.float32)
    start = time.process_time()
    for factor in range(10):
        for i in range(8):
            grid.update(str(i), gradients[i] * factor)
    assert time.process_time() - start < 0.5


# -- pending ---------------------------------------------------------------------------------------


def test_pending_until_new_values_come(grid):
    grid.pending(["cam", "guided"], "20 of 50")
    assert [panel.pending for panel in grid.panels] == ["20 of 50", "", "20 of 50"]
    assert [grid.is_stale(key) for key in ("cam", "signed", "guided")] == [True, False, True]
    assert (grid.values("cam") == MAP).all()  # still there, faded
    grid.update("cam", note="only text")
    assert grid.is_stale("cam") and grid.panels[0].pending == "20 of 50"
    grid.update("cam", MAP, pending="40 of 50")
    assert not grid.is_stale("cam") and grid.panels[0].pending == "40 of 50"
    grid.update("cam", MAP)
    assert grid.panels[0].pending == ""
    grid.pending("guided", "")
    assert not grid.is_stale("guided")
    grid.pending(None)
    assert all(panel.pending == "computing" for panel in grid.panels)


def test_panels_without_values_yet(grid):
    grid.show([dict(key="smooth", title="SmoothGrad", pending="0 of 50"), panels()[0]])
    assert grid.values("smooth") is None and grid.said("smooth") == "" and grid.panels[0].plane is None
    assert "- SmoothGrad: 0 of 50" in grid.describe()
    assert grid.picture() is not None
    grid.update("smooth", GRADIENT)
    assert grid.values("smooth").shape == (3, 20, 30)


# -- what values mean ------------------------------------------------------------------------------

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("values", "kind", "least", "empty", "wanted"),
    [
        ([[0, 1e-30]], "heat", 0, "", ""),
        ([[0, 0]], "heat", 0, "", "no positive evidence"),
        ([[-1, -2]], "heat", 0, "", "no positive evidence"),
        ([[0, 0]], "heat", 0, "all zero", "all zero"),
        ([[0, -0.0]], "signed", 0, "", "all zero"),
        ([[0, -1e-30]], "signed", 0, "", ""),
        ([[0, 0]], "colour", 0, "", "all zero"),
        ([[NAN, NAN]], "heat", 0, "none", "not a number"),
        ([[NAN, INF]], "signed", 0, "", "not a number"),
        ([[INF, -INF]], "signed", 0, "", "infinite"),
        ([[NAN, 1]], "heat", 0, "", ""),
        ([[NAN, 0]], "heat", 0, "", "no positive evidence"),
        ([[1e-9, 0]], "heat", 1e-8, "", "nothing above 1.0e−8"),
        ([[-1e-9, 0]], "signed", 0.9e-9, "", ""),
        ([[-1e-9, 0]], "signed", 1.01e-9, "tiny", "tiny"),
        ([[[-1]], [[0]], [[0.5]]], "heat", 0, "", ""),  # of three channels magnitudes count
        ([[[-1]], [[0.5]], [[0.5]]], "signed", 0, "", "all zero"),  # and sums
        ([[[-1]], [[0.5]], [[0.5]]], "colour", 0, "", ""),
    ],
)
def test_what_is_said_in_place_of_nothing(values, kind, least, empty, wanted):
    values = np.float32(values)
    assert nothing_in(values, kind, least, empty) == wanted
    grid = AttributionGrid([dict(key="a", values=values, kind=kind, least=least, empty=empty)])
    assert grid.said("a") == wanted
    grid.update("a", np.full_like(values, 5))
    assert grid.said("a") == ""
    grid.update("a", values)
    assert grid.said("a") == wanted


def test_of_three_channels_the_largest_magnitude_or_the_sum():
    values = np.float32([[[1, -4]], [[-2, 1]], [[0.5, 0]]])
    assert plane_of(values, "heat").tolist() == [[2, 4]]
    assert plane_of(values, "signed").tolist() == [[-0.5, -3]]
    assert AttributionPanel("a", values=values, kind="signed").plane.tolist() == [[-0.5, -3]]


@pytest.mark.parametrize(
    ("values", "kind", "clip", "wanted"),
    [
        (range(101), "signed", 100, 100),
        (range(101), "signed", 90, 91),  # of 1 to 100, place 89.1 of 99, the next one
        ([-7, 1, 2], "signed", 100, 7),
        ([-7, 1, 2], "heat", 100, 2),
        ([0] * 1000 + [3, 4], "colour", 90, 4),  # zeros would make it zero
        ([NAN, INF, 1], "signed", 100, 1),
        ([0, NAN], "signed", 99, 0),
        ([5], "heat", 90, 5),
    ],
)
def test_where_colours_end(values, kind, clip, wanted):
    assert limit_of(np.float32([list(values)]), kind, clip) == wanted


def test_shared_scales():
    shared = dict(kind="signed", scale="both")
    many = [
        AttributionPanel("a", values=[[1]], **shared),
        AttributionPanel("b", values=[[-3]], **shared),
        AttributionPanel("c", values=[[9]]),
        AttributionPanel("d", values=[[0]], **shared),
        AttributionPanel("e", values=None, **shared),
    ]
    assert limits_of(many, 99) == {"a": 3, "b": 3, "c": 9, "d": 0, "e": 0}


# -- places and choices ----------------------------------------------------------------------------


def test_position_is_one_of_the_picture(grid):
    assert grid.extent == (20, 30)
    grid.position = (19, 29)
    for outside in [(20, 0), (0, 30), (-1, 0)]:
        with pytest.raises(t.TraitError, match="outside the picture of 20 × 30 pixels"):
            grid.position = outside
    grid.set_image(np.zeros((10, 10, 3), np.uint8))
    assert grid.position is None and grid.extent == (10, 10)
    grid.set_image(None)
    assert grid.extent == (20, 30)  # the largest map
    grid.position = (5, 20)
    grid.show([dict(key="cam", values=MAP)])
    assert grid.extent == (2, 3) and grid.position is None
    grid.set_state({"position": [7, 7]})  # late, from what was shown before
    assert grid.position is None and grid.error == ""


def test_chosen_is_one_of_the_panels(grid):
    grid.chosen = "guided"
    with pytest.raises(t.TraitError, match="there is no panel 'x'"):
        grid.chosen = "x"
    grid.show(panels()[:2])
    assert grid.chosen is None
    grid.set_state({"chosen": "guided"})
    assert grid.chosen is None and grid.error == ""


def test_places_and_choices_at_once():
    grid = AttributionGrid(panels(), position=(3, 4), chosen="cam", image=PICTURE)
    assert grid.position == (3, 4) and grid.chosen == "cam"


@pytest.mark.parametrize("wrong", [dict(clip=89), dict(clip=101), dict(opacity=1.1), dict(width=10)])
def test_ranges(wrong):
    with pytest.raises(t.TraitError):
        AttributionGrid(**wrong)


# -- other forms -----------------------------------------------------------------------------------


def test_in_words(grid):
    grid.show([*panels(), dict(key="none", values=MAP * 0, row="bus")])
    grid.update("signed", [[1.0, -0.5]])
    grid.position = (19, 29)
    assert grid.describe() == (
        "AttributionGrid: 4 maps; chosen: row 19, column 29\n"
        "- Grad-CAM: max 10.0; there 10.0; score\n"
        "- Gradient × input: −0.500 to 1.00; there −0.500; a note\n"
        f"- Guided backprop: {told(GRADIENT.min())} to {told(GRADIENT.max())}; "
        f"there {', '.join(told(value) for value in GRADIENT[:, 19, 29])}\n"
        "- bus · none: no positive evidence; there 0"
    )
    assert AttributionGrid().describe() == "AttributionGrid: no maps yet"
    assert AttributionGrid(image=PICTURE).describe() == "AttributionGrid: a picture, no maps yet"


def told(value):
    text = f"{value:.{2 - int(np.floor(np.log10(abs(value))))}f}"
    return text.replace("-", "−")


def tile_of(picture, place, width, height):
    """The map in a picture of panels that all are in one row."""
    left = 24 + place * (width + 24)
    return np.asarray(picture)[24 + 34 : 24 + 34 + height, left : left + width].astype(int)


@pytest.fixture
def exact():
    """Blocks that cover the picture, four pixels wide as none is stretched smoothly."""
    grid = AttributionGrid(image=PICTURE, width=75, smooth=False, opacity=1.0, clip=100)
    yield grid
    grid.close()


def test_pictures_of_all_kinds(exact):
    values = np.float32([[0, 1, 2], [4, -4, np.nan]])
    exact.show([dict(key=kind, values=values, kind=kind) for kind in ("heat", "signed", "colour")])
    picture = exact.picture()
    assert picture.width == 24 + 4 * (150 + 24)
    middles = np.ix_([25, 75], [25, 75, 125])
    heat, signed, colour = (tile_of(picture, place, 150, 100)[middles] for place in (1, 2, 3))
    below = tile_of(picture, 1, 150, 100)[75, 125]
    assert heat[0].tolist() == lut("viridis")[[0, 64, 128]].tolist()
    assert heat[1, :2].tolist() == lut("viridis")[[255, 0]].tolist()
    assert below[0] == below[1] == below[2]  # the picture in grey is seen where there is no number
    assert signed[0].tolist() == lut("RdBu_r")[[128, 159, 191]].tolist()
    assert signed[1, :2].tolist() == lut("RdBu_r")[[255, 0]].tolist()
    assert colour[..., 0].tolist() == [[128, 160, 192], [255, 1, 128]]


def test_colours_of_three_channels(exact):
    values = np.float32([[[0, 1]], [[-1, 1]], [[0.5, 1]]])
    exact.show([dict(key="guided", values=values, kind="colour")])
    tile = tile_of(exact.picture(), 1, 150, 100)
    assert tile[50, [40, 110]].tolist() == [[128, 1, 192], [255, 255, 255]]


def test_smooth_maps_are_those_of_torch(exact):
    exact.smooth, exact.colormap, exact.image = True, "gray", None
    exact.show([dict(key="cam", values=MAP)])
    wanted = torch.nn.functional.interpolate(
        torch.tensor(MAP)[None, None], (100, 150), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    got = tile_of(exact.picture(), 0, 150, 100)[..., 0]
    assert np.abs(got - wanted / 10 * 255).max() <= 1


def test_what_is_nothing_is_the_picture_in_grey(exact):
    exact.show([dict(key=kind, values=MAP * 0, kind=kind) for kind in ("heat", "signed", "colour")])
    grey = np.asarray(PICTURE.resize((150, 100), Image.Resampling.BICUBIC).convert("L"), int)
    for place in (1, 2, 3):
        assert (tile_of(exact.picture(), place, 150, 100) == grey[..., None]).all()


def test_opacity_clip_and_pending_in_the_picture(exact):
    exact.set_image(Image.new("RGB", (30, 20), (100, 100, 100)))
    exact.show([dict(key="a", values=np.r_[[0] * 20, 1:100, 1000.0][None], kind="heat")])
    exact.colormap = "gray"
    full = tile_of(exact.picture(), 1, 150, 100)[50, :, 0]
    exact.clip = 95.0
    assert tile_of(exact.picture(), 1, 150, 100)[50, 140, 0] > 200 > 50 > full[140]
    exact.opacity = 0.5
    half = tile_of(exact.picture(), 1, 150, 100)[50, :, 0]
    assert half[149] == 178 and half[0] == 50
    exact.pending("a")
    faded = tile_of(exact.picture(), 1, 150, 100)[50, :, 0]
    assert faded[0] == 85


def test_rows_of_the_picture(grid):
    one = grid.picture()
    grid.show(
        [*panels(), *({**vars(panel_), "key": panel_.key + "2", "row": "bus"} for panel_ in grid.panels)]
    )
    two = grid.picture()
    assert two.width == one.width and two.height > 2 * one.height - 40
    grid.show_image = False
    assert grid.picture().width == one.width - 2 * (180 + 12)
    grid.clear()
    assert grid.picture() is not None
    grid.set_image(None)
    assert grid.picture() is None


def test_the_notebook_gets_a_picture_and_words(grid):
    data, _ = grid._repr_mimebundle_()
    assert data["text/plain"] == grid.describe() and data["image/png"]
