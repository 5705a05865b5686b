import io

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image

from cnnwidgets.render import lut
from cnnwidgets.widgets._heat import (
    PALETTE,
    bar_ends,
    cells_of,
    centres_of,
    colour_slots,
    nice_ticks,
    ranked_classes,
    weights_of,
)
from cnnwidgets.widgets.heat_map import HeatMap

VALUES = np.array([[0.9, 0.2, 0.8], [0.9, 0.8, 0.7]], np.float32)
PICTURE = Image.new("RGB", (30, 20), (200, 40, 40))


@pytest.fixture
def heat():
    heat = HeatMap(title="probability of car", unit="probability", image=PICTURE)
    heat.show(VALUES, rows=[4, 14], columns=[4, 14, 24], baseline=0.95)
    yield heat
    heat.close()


@pytest.mark.parametrize(
    "kind", [np.asarray, torch.tensor, lambda v: torch.tensor(v)[None], np.ndarray.tolist]
)
def test_values_arrive_as_they_are(kind):
    heat = HeatMap(kind(VALUES))
    assert heat.map_size == (2, 3) and (heat.values == VALUES).all() and heat.values.dtype == np.float32
    assert heat._values == VALUES.tobytes()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (0, 3), (3, 0)])
def test_other_shapes(shape):
    with pytest.raises(ValueError, match="shape"):
        HeatMap(np.zeros(shape))


def test_centres_share_the_picture_evenly_unless_given(heat):
    assert [each.tolist() for each in heat.centres] == [[4, 14], [4, 14, 24]]
    heat.show(VALUES)
    assert [each.tolist() for each in heat.centres] == [[4.5, 14.5], [4.5, 14.5, 24.5]]
    assert heat.extent == (20, 30)
    heat.set_image(None)
    assert heat.extent == (2, 3)
    heat.show(VALUES, [3, 11], torch.tensor([3, 11, 19]))  # a lattice that lies in the middle
    assert heat.extent == (15, 23)


@pytest.mark.parametrize("rows", [[4], [14, 4], [4, 4], [4, np.nan], [[4, 14]]])
def test_wrong_centres_change_nothing(heat, rows):
    with pytest.raises(ValueError, match="rows must"):
        heat.show(VALUES + 1, rows=rows, columns=[4, 14, 24])
    assert (heat.values == VALUES).all() and heat._rows == [4, 14]


def test_one_message_for_an_update_and_nothing_that_stays(heat, messages):
    sent = messages(heat)
    heat.show(VALUES / 2, rows=[4, 14], columns=[4, 14, 24], baseline=0.95)
    assert [set(state) for state in sent] == [{"_values"}]
    known = [[True, False, True], [False, True, True]]
    heat.show(VALUES / 3, rows=[4, 14], columns=[4, 14, 24], known=known)
    assert set(sent[1]) == {"_values", "_known"} and sent[1]["_known"] == bytes([1, 0, 1, 0, 1, 1])
    assert heat.known.tolist() == known
    heat.show(VALUES, rows=[4, 14], columns=[4, 14, 24], known=np.ones((2, 3)))
    assert heat._known == b"" and heat.known.all()


def test_an_update_takes_no_time():
    import time

    heat = HeatMap(names=[f"class {i}" for i in range(1000)])
    labels, known = np.random.default_rng(0).integers(0, 1000, (224, 224)), np.ones((224, 224), bool)
    start = time.process_time()
    for _ in range(10):
        heat.show(labels, range(224), range(224), known=known)
    assert time.process_time() - start < 0.5


def test_known_of_another_shape(heat):
    with pytest.raises(ValueError, match="known must have the shape of the values"):
        heat.show(VALUES, known=np.ones((3, 2)))


def test_the_chosen_place_stays(heat):
    heat.position = (1, 2)
    assert heat.chosen_pixel == (14, 24)
    heat.show(VALUES + 1, rows=[4, 14], columns=[4, 14, 24])
    assert heat.position == (1, 2)
    heat.show(np.zeros((4, 6)), rows=[2, 7, 12, 17], columns=[2, 7, 12, 17, 22, 27])
    assert heat.position == (2, 4) and heat.chosen_pixel == (12, 22)
    heat.clear()
    assert heat.position is None and heat.chosen_pixel is None and heat.map_size == (0, 0)
    with pytest.raises(ValueError, match="call show"):
        heat.cell_at(3, 3)


@pytest.mark.parametrize("cell", [(2, 0), (0, 3), (-1, 0)])
def test_positions_that_do_not_exist(heat, cell):
    with pytest.raises(t.TraitError, match="outside the map of 2 × 3 cells"):
        heat.position = cell
    heat.set_state({"position": list(cell)})  # from the browser it may come late
    assert heat.position is None and heat.error == ""
    heat.set_state({"position": [1, 2]})
    assert heat.position == (1, 2)


def test_ends_of_the_bar_in_order():
    heat = HeatMap(low=0, high=1)
    with pytest.raises(t.TraitError, match="low must be below high, not 2.00 and 1.00"):
        heat.low = 2
    with heat.hold_trait_notifications():
        heat.low, heat.high = 2, 3
    assert (heat.low, heat.high) == (2, 3)
    for name in ("low", "high", "baseline"):
        with pytest.raises(t.TraitError, match=f"{name} must be a finite number"):
            setattr(heat, name, np.nan)


@pytest.mark.parametrize(
    ("name", "value"), [("view", "loss"), ("colormap", "jet"), ("opacity", 1.5), ("least", -1), ("width", 3)]
)
def test_other_values(name, value):
    with pytest.raises(t.TraitError):
        HeatMap(**{name: value})


def test_the_baseline_stays_until_another_comes(heat):
    heat.show(VALUES)
    assert heat.baseline == 0.95
    heat.show(VALUES, baseline=torch.tensor(0.5))
    assert heat.baseline == 0.5


def test_classes():
    heat = HeatMap(names=["cat", "dog", "bus"])
    heat.show([[0, 2, 2], [2, np.nan, 1]], baseline=2)
    assert heat.describe() == "HeatMap: 2 × 3 values, 5 of 6 known, bus 60%, cat 20%, dog 20%; unoccluded bus"
    for wrong in (3, -1, 0.5):
        with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
            heat.show([[0, wrong]])
    assert heat.map_size == (2, 3)


def test_a_class_keeps_its_colour():
    assert colour_slots([], [2, 0], 3) == [0, 1, 2]
    many = colour_slots([], [700, 30], 1000)
    assert many[:3] == [700, 30, -1] and len(many) == len(PALETTE) == len(set(PALETTE))
    more = colour_slots(many, [5, 30, 700], 1000)
    assert more[:3] == [700, 30, 5]
    less = colour_slots(more, [5, 9], 1000)
    assert less[:3] == [9, -1, 5]
    assert len(colour_slots(less, range(100, 200), 1000)) == len(PALETTE)
    heat = HeatMap(names=[f"class {i}" for i in range(1000)])
    heat.show([[700, 700, 30]])
    heat.show([[5, 5, 5, 30]])
    assert heat._slots[:2] == [5, 30]
    heat.names = ["a", "b"]
    assert heat._slots == [0, 1]


def test_shares_are_those_of_the_counted_cells():
    values = np.array([[1, 1, 2, 0, np.nan]])
    assert ranked_classes(values, np.isfinite(values)) == [(1, 0.5), (0, 0.25), (2, 0.25)]
    assert ranked_classes(values, np.array([[True, False, True, True, True]]))[0] == (0, 1 / 3)


def ends(values, low=None, high=None, baseline=None, **options):
    found = bar_ends(np.array([values], float), low, high, baseline, **options)
    return found and tuple(round(end, 9) for end in found)


def test_ends_of_the_bar():
    assert ends([0.2, 0.8]) == (0.2, 0.8)
    assert ends([0.2, 0.8, np.nan, np.inf], baseline=0.9) == (0.2, 0.9)
    assert ends([0.2, 0.8], low=0.0, high=1.0, baseline=2.0) == (0, 1)
    assert ends([0.2, 0.8], low=0.5) == (0.5, 0.8) and ends([0.2, 0.8], high=0.1) == (0.1, 0.1)
    assert ends([-1.0, 3.0], diverging=True) == (-3, 3) and ends([1.0, 3.0], low=1.0, diverging=True) == (
        1,
        3,
    )
    assert ends([np.nan]) is None and ends([np.nan], low=0.0) is None and ends([np.nan], 0.0, 1.0) == (0, 1)


def test_noise_is_not_stretched():
    assert ends([0.5, 0.5 + 1e-8], noise=1e-6) == (0.5, 0.5)
    assert ends([0.5, 0.52], least=0.1) == (0.46, 0.56)
    assert ends([0.98, 0.99], least=0.1, unit="probability") == (0.9, 1)
    assert ends([0.98, 0.99], least=0.1) == (0.935, 1.035)
    assert ends([0.01, 0.02], least=0.1) == (0, 0.1)
    assert ends([-0.01, 0.01], least=0.1) == (-0.05, 0.05)
    assert ends([0.3, 0.31], least=0.1, low=0.25) == (0.25, 0.35)
    assert ends([0.3, 0.31], least=0.1, high=0.32) == (0.22, 0.32)
    assert ends([0.01, 0.02], least=0.5, diverging=True) == (-0.25, 0.25)


@pytest.mark.parametrize(
    ("lo", "hi", "most", "wanted"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.35, 0.951, 4, [0.4, 0.6, 0.8]),
        (-22, 22, 5, [-20, -10, 0, 10, 20]),
        (0, 1e-5, 2, [0, 5e-6, 1e-5]),
        (3, 3, 5, [3]),
    ],
)
def test_round_numbers(lo, hi, most, wanted):
    assert nice_ticks(lo, hi, most) == pytest.approx(wanted)


def test_cells_reach_half_way_to_the_next_centre():
    # pixels 0 to 9, centres 1 and 5: the border lies between pixel 3 (tied, goes on) and pixel 2
    assert cells_of(np.array([1.0, 5.0]), 10, 10).tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert centres_of([], 4, 8).tolist() == [0.5, 2.5, 4.5, 6.5]
    assert cells_of(centres_of([], 4, 8), 8, 8).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    between = weights_of(np.array([1.0, 5.0]), 8, 8) @ [0, 4]
    assert between.tolist() == [0, 0, 1, 2, 3, 4, 4, 4]


def test_in_words(heat):
    heat.position = (1, 2)
    assert heat.describe() == (
        "probability of car: 2 × 3 values, probability from 0.200 (row 4, column 14) to 0.900 (row 4, "
        "column 4); unoccluded 0.950; chosen: row 14, column 24: 0.700"
    )
    assert HeatMap(np.full((2, 2), 0.98) + [0, 3e-7]).describe().endswith("the same everywhere: 0.980")
    assert HeatMap().describe() == HeatMap([[np.nan]]).describe() == "HeatMap: no values yet"
    assert HeatMap([[np.inf]]).describe() == "HeatMap: 1 × 1 values, none of them finite"


def map_pixels(heat):
    """The part of the picture that is the map, without title."""
    heat.title = ""
    tall, wide = heat.extent
    width = 2 * heat.width
    return np.asarray(heat.picture())[8 : 8 + round(width * tall / wide), 8 : 8 + width]


def test_colours_of_the_picture(heat):
    heat.opacity, heat.smooth = 1.0, False
    heat.low, heat.high = 0.2, 0.9
    pixels = map_pixels(heat)
    assert (pixels[60, 60] == lut("viridis")[255]).all() and (pixels[60, 260] == lut("viridis")[0]).all()
    heat.reverse = True
    assert (map_pixels(heat)[60, 60] == lut("viridis")[0]).all()
    heat.reverse, heat.view = False, "drop"
    with heat.hold_trait_notifications():
        heat.low = heat.high = None
    pixels = map_pixels(heat)  # 0 to 0.75: the baseline is in the range
    assert (pixels[60, 260] == lut("viridis")[255]).all()
    assert (pixels[60, 60] == lut("viridis")[round(0.05 / 0.75 * 255)]).all()
    heat.opacity = 0.0
    assert (map_pixels(heat)[60, 60] == (200, 40, 40)).all()  # its own colours
    heat.opacity = 0.5
    heat.show(np.full((2, 3), np.nan))
    assert (map_pixels(heat)[60, 60] == map_pixels(heat)[60, 60][0]).all()  # grey


def test_the_picture_fades_what_is_not_known(heat):
    sure = map_pixels(heat)
    heat.show(VALUES, [4, 14], [4, 14, 24], known=np.eye(2, 3))
    unsure = map_pixels(heat)
    assert (sure[20, 20] == unsure[20, 20]).all() and (sure[20, 400] != unsure[20, 400]).any()


@pytest.mark.parametrize(
    "values",
    [[[0.98]], np.full((3, 4), 7.0), np.full((2, 2), np.nan), [[np.inf, 1]], np.eye(30), np.ones((1, 90))],
)
@pytest.mark.parametrize("size", [None, (400, 5), (5, 400)])
def test_pictures_of_all_kinds(values, size):
    for names in ([], ["a", "b"] + list("cdefgh")):
        if names and not np.isfinite(np.asarray(values)).all():
            continue
        heat = HeatMap(names=names, note="a note that is longer than the map is wide, and is thus wrapped")
        heat.set_image(size and np.zeros((*size, 3), np.uint8))
        heat.show(np.floor(values))
        heat.position = (0, 0)
        assert min(heat.picture().size) > 60 and heat.picture().width == 536
    assert HeatMap().picture() is None


def test_large_pictures_are_sent_small():
    heat = HeatMap()
    heat.set_image(np.zeros((1500, 3000, 3), np.uint8))
    assert Image.open(io.BytesIO(heat._picture)).size == (1024, 512) and heat._picture_size == [1500, 3000]
    pixels = np.random.default_rng(0).integers(0, 256, (90, 96, 3), dtype=np.uint8)
    heat.set_image(pixels)
    assert (np.asarray(Image.open(io.BytesIO(heat._picture))) == pixels).all()
    heat.image = None
    assert heat._picture == b"" and heat._picture_size == [0, 0]


def test_the_argument_is_left_alone():
    values = torch.tensor(VALUES)
    before = values.clone()
    heat = HeatMap(values)
    heat.values[:] = 3
    assert torch.equal(values, before) and (heat.values == VALUES).all()


def test_closing(heat, messages):
    sent = messages(heat)
    heat.position = (0, 1)
    heat.close()
    emptied = next(state for state in sent if "_values" in state)
    assert not emptied["_values"] and not emptied["_picture"] and not emptied["_luts"]
    assert heat.describe() == "probability of car: no values yet" and heat.picture() is None


def test_unknown_keywords():
    with pytest.raises(TypeError, match="no trait 'titel'; nearest: 'title'"):
        HeatMap(titel="x")


def test_every_trait_says_its_type_and_default():
    import ast
    import inspect

    body = ast.parse(inspect.getsource(HeatMap)).body[0].body
    named = 0
    for trait, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(trait, ast.Assign) or trait.targets[0].id.startswith("_"):
            continue
        named += 1
        assert "- Type: " in following.value.value and "- Default: " in following.value.value
    assert named == 20
