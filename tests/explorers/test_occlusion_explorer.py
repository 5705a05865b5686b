"""The explorer shows the maps of the core, follows the square, and says clearly how they were computed."""

import asyncio
import base64
import gc
import io
import threading
import time
import weakref
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets.core import fill_pixels
from cnnwidgets.explorers import ActivationExplorer, OcclusionExplorer, Selection
from cnnwidgets.explorers.occlusion_runner import OcclusionRunner
from cnnwidgets.networks import Preprocess

HEIGHT, WIDTH = 20, 28
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def network_of(module, name="tiny", preprocess=None, classes="abcde"):
    preprocess = preprocess or Preprocess((HEIGHT, WIDTH), mean=MEAN, std=STD)
    return cw.wrap(module, preprocess=preprocess, name=name, classes=list(classes))


def small_module(channels=3, seed=3):
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Conv2d(channels, 6, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 10 * 14, 5),
    )
    with torch.no_grad():
        module[5].weight *= 12  # or a square would change next to nothing
    return module


@pytest.fixture(scope="module")
def network():
    return network_of(small_module())


def picture(seed):
    """Coarse blocks: a square over them matters."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 0)


ONE, TWO, FIVE = picture(1), picture(2), picture(5)
SAMPLES = {"one": ONE, "two": TWO, "five": FIVE}
# Most probable, second and third; a and c for "two".
FIRST = {"one": (0, 4), "two": (2, 0), "five": (1, 0)}


@pytest.fixture
def explorer(network):
    explorer = OcclusionExplorer(network, image=FIVE, samples=SAMPLES)
    yield explorer
    explorer.close()


def colour(fill):
    """A fill of the control as the core takes it, by hand."""
    values = {"grey": 0.5, "black": 0.0}
    return (
        torch.tensor([(values[fill] - m) / s for m, s in zip(MEAN, STD, strict=True)])
        if (fill in values)
        else fill
    )


def by_core(network, image, targets, size=5, stride=1, fill="grey", **options):
    """The maps by whole forward passes of the core."""
    options = {"engine": "plain", **options}
    return cw.core.occlusion(
        network, network.read(image), [list(targets)], size, stride, colour(fill), **options
    )


def same_maps(explorer, expected, **tolerances):
    """Whether all that is shown is what the core found."""
    tolerances = {"atol": 1e-5, **tolerances}
    for i, heat in enumerate((explorer.probability, explorer.rival)):
        np.testing.assert_allclose(heat.values, expected.probability[0, i], **tolerances)
        assert heat.baseline == pytest.approx(float(expected.baseline[0, i]), abs=1e-5)
    for heat in explorer._maps():
        assert heat.map_size == tuple(expected.label.shape[1:]) and heat.known.all()
        np.testing.assert_array_equal(heat.centres[0], expected.rows)
        np.testing.assert_array_equal(heat.centres[1], expected.columns)
    if expected.activity is not None:
        np.testing.assert_allclose(explorer.activity.values, expected.activity[0], rtol=1e-4, atol=1e-3)
        assert explorer.activity.baseline == pytest.approx(float(expected.baseline_activity[0]), rel=1e-4)
        assert f"channel {int(expected.channel[0])}" in explorer.activity.title


def occluded_probabilities(network, image, row, column, size, fill="grey"):
    """Of the image with a square, by hand."""
    x = network.read(image)
    pixels = fill_pixels(x, colour(fill))
    top, left = max(row - (size - 1) // 2, 0), max(column - (size - 1) // 2, 0)
    bottom, right = row + size // 2 + 1, column + size // 2 + 1
    x[..., top:bottom, left:right] = pixels[..., top:bottom, left:right]
    return network.probabilities(x)[0].numpy()


def drag(explorer, row, column, dragging=True):
    """As the browser does."""
    explorer.square.set_state({"row": row, "column": column, "active": True, "dragging": dragging})


# -- the maps --------------------------------------------------------------------------------------


def test_the_maps_are_those_of_the_core_from_the_first_moment(explorer, network):
    expected = by_core(network, FIVE, (1, 0), layer="3")
    assert float(expected.probability[0, 0].max() - expected.probability[0, 0].min()) > 0.2
    assert len(expected.label.unique()) > 1, "or this test could not fail"
    assert (explorer.control.size, explorer.control.stride) == (5, 1)
    same_maps(explorer, expected)
    np.testing.assert_array_equal(explorer.label.values, expected.label[0])
    assert explorer.label.baseline == int(expected.baseline_label[0]) == 1
    assert (explorer.probability.title, explorer.rival.title) == ("b", "a")
    assert explorer.activity.title == f"Activity of 3, channel {int(expected.channel[0])}"
    assert explorer.probability.image.size == explorer.square.image.size == (WIDTH, HEIGHT)
    assert not explorer.control.running and explorer.control.message.startswith("incremental: ")
    assert explorer.control.done == explorer.control.total == 560


@pytest.mark.parametrize("fill", ["grey", "black", "mean", "blurred", "noise", "elsewhere"])
@pytest.mark.parametrize(("size", "stride"), [(7, 3), (4, 2)])
def test_sizes_strides_and_fills(network, fill, size, stride):
    explorer = OcclusionExplorer(network, image=FIVE, samples=SAMPLES)
    explorer.control.set_state({"size": size, "stride": stride, "fill": fill})
    same_maps(explorer, by_core(network, FIVE, (1, 0), size, stride, fill, layer="3"))
    assert explorer.square.size == (size, size)
    pixels = fill_pixels(network.read(FIVE), colour(fill))
    shown = np.asarray(explorer.square.fill_image)
    np.testing.assert_array_equal(shown, network.to_image(pixels)[0])
    note = explorer.probability.note
    assert note == f"one value every {stride} pixels, drawn smoothly in between"
    explorer.close()


def test_a_change_of_several_settings_is_one_run(explorer, monkeypatch):
    begun = []
    start = explorer._runner.start
    monkeypatch.setattr(explorer._runner, "start", lambda request: begun.append(request) or start(request))
    explorer.control.set_state({"size": 9, "stride": 4, "fill": "black"})
    assert [(each.size, each.stride, each.fill) for each in begun] == [(9, 4, "black")]


def test_with_auto_off_only_the_button_runs(explorer, network):
    before = explorer.probability.values
    explorer.control.set_state({"auto": False})
    explorer.control.set_state({"size": 9})
    np.testing.assert_array_equal(explorer.probability.values, before)
    row, column = explorer.square.row, explorer.square.column
    expected = occluded_probabilities(network, FIVE, row, column, 9)
    np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)
    assert explorer.square.size == (9, 9), "the square itself is the new one at once, and its bars"
    explorer.control.receive({"kind": "run"}, [])
    same_maps(explorer, by_core(network, FIVE, (1, 0), 9))


def test_another_layer_and_channel_are_watched(explorer, network):
    for layer, channel in (("1", None), ("1", 4), ("3", 2), ("2", None)):
        explorer.layers.set_state({"layer": layer})
        explorer.selection.channel = channel
        expected = by_core(network, FIVE, (1, 0), layer=layer, channel=channel)
        same_maps(explorer, expected)
        assert explorer.activity.title == f"Activity of {layer}, channel {int(expected.channel[0])}"
        assert explorer.selection.layer == layer


def test_another_layer_is_one_run(explorer, monkeypatch):
    """Although its channel goes with it."""
    explorer.selection.channel = 2
    begun = []
    start = explorer._runner.start
    monkeypatch.setattr(explorer._runner, "start", lambda request: begun.append(request) or start(request))
    explorer.layers.set_state({"layer": "0"})
    assert [(each.layer, each.channel) for each in begun] == [("0", None)]


def test_begins_with_the_last_feature_maps_after_a_relu(network):
    explorer = OcclusionExplorer(network, image=FIVE, samples={})
    assert explorer.selection.layer == explorer.layers.layer == "3"
    explorer.close()
    explorer = OcclusionExplorer(network, image=FIVE, samples={}, layer="0")
    assert explorer.selection.layer == explorer.layers.layer == "0"
    assert explorer.activity.title.startswith("Activity of 0, ")
    assert "5" not in [each.name for each in explorer.layers.layers], "no maps, nothing to watch"
    explorer.close()


@pytest.fixture
def half_empty():
    """Half of it has the colour of the square."""
    pixels = np.asarray(FIVE).copy()
    pixels[:, 14:] = 128
    return Image.fromarray(pixels)


def test_adaptive_says_how_many_squares_it_tried(explorer, network, half_empty):
    explorer.control.set_state({"size": 6, "method": "adaptive"})
    explorer.selection.image = half_empty
    targets = explorer.classes.target, explorer.second.target
    found = by_core(network, half_empty, targets, 6, method="adaptive", layer="3")
    n = int(found.computed.sum())
    assert 0 < n < 500, "or this test could not fail"
    same_maps(explorer, found)
    assert explorer.control.message.startswith(f"{n} of 560 squares tried · ")


@pytest.mark.skipif(not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor has no bfloat16")
def test_fast_precision_says_its_error(explorer, network):
    explorer.control.set_state({"precision": "fast"})
    found = by_core(network, FIVE, (1, 0), precision="fast", engine="auto")
    same_maps(explorer, found, atol=0.02)
    told = explorer.control.message.rpartition("off by at most ")[2]
    assert told.endswith(" where compared with exact precision")
    error = float(told.split()[0])
    assert 0 < error < 0.05
    exact = by_core(network, FIVE, (1, 0))
    truth = np.abs(explorer.probability.values - exact.probability[0, 0].numpy()).max()
    assert truth < 3 * error, "of a sample of the squares"


def test_fast_precision_without_bfloat16_says_so(explorer, monkeypatch):
    monkeypatch.setattr("cnnwidgets.core.occluders.occluder.has_bfloat16", lambda device: False)
    explorer.control.set_state({"precision": "fast"})
    assert explorer.control.message.endswith("exact, as this machine has no bfloat16")


# -- the square ------------------------------------------------------------------------------------


def test_the_bars_are_those_of_the_picture_with_the_square(explorer, network):
    for row, column in ((0, 0), (9, 3), (19, 27), (6, 20)):
        drag(explorer, row, column)
        expected = occluded_probabilities(network, FIVE, row, column, 5)
        np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)
        np.testing.assert_allclose(explorer.second.probabilities, expected, atol=1e-5)
        before = network.probabilities(network.read(FIVE))[0, 1]
        assert explorer.square.caption == f"b: {before:.1%} → {expected[1]:.1%}"


def test_without_the_square_the_bars_are_those_of_the_whole_picture(explorer, network):
    drag(explorer, 3, 20, dragging=False)
    whole = network.probabilities(network.read(FIVE))[0].numpy()
    assert np.abs(explorer.classes.probabilities - whole).max() > 0.01, "or this test could not fail"
    explorer.square.set_state({"active": False})
    np.testing.assert_allclose(explorer.classes.probabilities, whole, atol=1e-6)
    assert explorer.square.caption == f"b: {whole[1]:.1%} without a square"
    explorer.square.set_state({"active": True})
    expected = occluded_probabilities(network, FIVE, 3, 20, 5)
    np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)


def test_a_dragged_square_stays_where_the_hand_puts_it_and_is_marked_on_the_maps(explorer):
    explorer.control.stride = 8
    for row, column in ((5, 13), (12, 6)):
        drag(explorer, row, column)
        assert (explorer.square.row, explorer.square.column) == (row, column)
        cells = {heat.position for heat in explorer._maps()}
        assert cells == {explorer.probability.cell_at(row, column)}
    assert explorer.probability.chosen_pixel != (12, 6), "the marked cell is only the nearest"
    explorer.control.stride = 5  # the marks move to other cells, and the square does not follow them
    assert (explorer.square.row, explorer.square.column) == (12, 6)
    assert {heat.position for heat in explorer._maps()} == {explorer.probability.cell_at(12, 6)}


def test_a_click_on_any_map_takes_the_square_there(explorer, network):
    explorer.control.stride = 4
    for heat, cell in zip(explorer._maps(), ((0, 0), (4, 6), (2, 3), (1, 5)), strict=True):
        heat.set_state({"position": cell})
        row, column = heat.chosen_pixel
        assert (explorer.square.row, explorer.square.column) == (row, column)
        expected = occluded_probabilities(network, FIVE, row, column, 5)
        np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)
        assert {each.position for each in explorer._maps()} == {cell}


def test_a_click_on_a_map_brings_a_hidden_square_back(explorer):
    explorer.square.set_state({"active": False})
    explorer.rival.set_state({"position": (3, 4)})
    assert explorer.square.active and (explorer.square.row, explorer.square.column) == (3, 4)
    explorer.rival.set_state({"position": None})
    assert explorer.square.active and (explorer.square.row, explorer.square.column) == (3, 4)


def test_a_click_on_a_curve_moves_the_square_along_it(explorer):
    drag(explorer, 7, 9, dragging=False)
    along_row, along_column = explorer.cuts.figure.figure.axes
    explorer.cuts._clicked(along_row, 20.4, 0.5)
    assert (explorer.square.row, explorer.square.column) == (7, 20)
    explorer.cuts._clicked(along_column, 2.6, 0.5)
    assert (explorer.square.row, explorer.square.column) == (3, 20)
    explorer.cuts._clicked(along_column, -4.0, 0.5)  # beside the picture
    assert (explorer.square.row, explorer.square.column) == (0, 20)


def test_the_curves_are_cuts_through_the_maps(explorer, network):
    explorer.control.stride = 3
    drag(explorer, 7, 20, dragging=False)
    expected = by_core(network, FIVE, (1, 0), stride=3)
    i, j = (expected.rows - 7).abs().argmin(), (expected.columns - 20).abs().argmin()
    axes = explorer.cuts.figure.figure.axes
    for which, name in enumerate("ba"):
        for each, at, cut in (
            (axes[0], expected.columns, expected.probability[0, which, i]),
            (axes[1], expected.rows, expected.probability[0, which, :, j]),
        ):
            (line,) = [line for line in each.lines if line.get_label() == name]
            np.testing.assert_array_equal(line.get_xdata(), at)
            np.testing.assert_allclose(line.get_ydata(), cut, atol=1e-5)
            levels = [line.get_ydata()[0] for line in each.lines if line.get_linestyle() == "--"]
            assert np.abs(np.array(levels) - float(expected.baseline[0, which])).min() < 1e-5
    assert axes[0].get_title("left") == f"along row {int(expected.rows[i])}"
    assert axes[1].get_title("left") == f"along column {int(expected.columns[j])}"


def test_the_curves_wait_until_the_hand_lets_go(explorer, monkeypatch):
    drawn = []
    monkeypatch.setattr(explorer.cuts, "show", lambda curves, centres, place: drawn.append(place))
    for column in range(5, 12):
        drag(explorer, 8, column)
    assert drawn == []
    explorer.square.set_state({"dragging": False})
    assert drawn == [(8, 11)]


# -- classes ---------------------------------------------------------------------------------------


def test_another_class_is_shown_without_another_run(explorer, network, monkeypatch):
    monkeypatch.setattr(explorer._runner, "start", lambda request: 1 / 0)
    explorer.classes.set_state({"target": 3})
    explorer.second.set_state({"target": 2})
    same_maps(explorer, by_core(network, FIVE, (3, 2), layer="3"))
    assert (explorer.probability.title, explorer.rival.title) == ("d", "c")
    assert explorer.selection.target == 3 and explorer.control.error == ""
    names = [line.get_label() for line in explorer.cuts.figure.figure.axes[0].lines]
    assert "d" in names and "c" in names and "b" not in names


def test_with_the_adaptive_method_another_class_is_another_run(explorer, network, half_empty):
    """Where it looked closer depends on the classes."""
    explorer.selection.image = half_empty
    explorer.control.set_state({"size": 6, "method": "adaptive"})
    best = np.argsort(-network.probabilities(network.read(half_empty))[0].numpy()).tolist()
    begun = []
    start = explorer._runner.start
    explorer._runner.start = lambda request: begun.append(request.targets) or start(request)
    explorer.classes.set_state({"target": best[3]})
    assert begun == [(best[3], None)]
    same_maps(explorer, by_core(network, half_empty, (best[3], best[0]), 6, method="adaptive"))
    explorer.second.set_state({"target": best[4]})
    assert begun[1:] == [(best[3], best[4])]
    same_maps(explorer, by_core(network, half_empty, (best[3], best[4]), 6, method="adaptive"))


def test_automatic_classes_follow_the_image(explorer, network):
    for name in ("one", "two", "five"):
        explorer.images.name = name
        first, second = FIRST[name]
        assert (explorer.classes.target, explorer.second.target) == (first, second)
        assert explorer.selection.target == first
        same_maps(explorer, by_core(network, SAMPLES[name], (first, second), layer="3"))


def test_classes_chosen_by_hand_survive_another_image(explorer, network):
    explorer.second.set_state({"target": 3})
    explorer.images.name = "two"
    same_maps(explorer, by_core(network, TWO, (2, 3)))  # the first was not chosen
    explorer.classes.set_state({"target": 4})
    explorer.images.name = "one"
    same_maps(explorer, by_core(network, ONE, (4, 3)))
    assert explorer.selection.target == 4
    explorer.selection.target = None  # the most probable one again
    same_maps(explorer, by_core(network, ONE, (0, 3)))
    explorer.images.name = "two"
    same_maps(explorer, by_core(network, TWO, (2, 3)))


def test_the_selection_sets_the_class(explorer, network):
    explorer.selection.target = 4
    assert explorer.classes.target == 4 and explorer.probability.title == "e"
    same_maps(explorer, by_core(network, FIVE, (4, 0)))
    explorer.control.stride = 4
    same_maps(explorer, by_core(network, FIVE, (4, 1), stride=4), atol=1e-5)


def test_what_a_given_selection_says_is_kept(network):
    selection = Selection(network, image=TWO, layer="1", channel=2, target=3)
    explorer = OcclusionExplorer(selection=selection, samples={})
    assert (selection.layer, selection.channel, selection.target) == ("1", 2, 3)
    same_maps(explorer, by_core(network, TWO, (3, 2), layer="1", channel=2))
    explorer.close()


def test_a_network_with_one_class():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = network_of(nn.Sequential(module, nn.Linear(4, 1)), classes="a")
    explorer = OcclusionExplorer(network, image=ONE, samples={})
    assert (explorer.probability.values == 1).all() and (explorer.rival.values == 1).all()
    assert explorer.control.error == "" and explorer.square.caption == "a: 100.0% → 100.0%"
    explorer.close()


# -- networks --------------------------------------------------------------------------------------


def test_another_network(explorer, monkeypatch):
    begun = []
    start = explorer._runner.start
    monkeypatch.setattr(explorer._runner, "start", lambda request: begun.append(request) or start(request))
    explorer.classes.set_state({"target": 4})
    explorer.control.set_state({"stride": 2})
    begun.clear()
    twin = network_of(
        small_module(seed=9)[:4].append(nn.AdaptiveAvgPool2d(1)).append(nn.Flatten()),
        "twin",
        None,
        "stuvwxyz",
    )
    explorer.selection.network = twin
    assert len(begun) == 1, "looked at once, and not with the layer or the classes of the one before"
    assert "twin" in explorer.title.value and explorer.classes.classes == list("stuvwxyz")
    best = network_order = twin.probabilities(twin.read(FIVE))[0].argsort(descending=True).tolist()
    same_maps(explorer, by_core(twin, FIVE, best[:2], layer=explorer.selection.layer))
    assert explorer.selection.target == network_order[0], "what was chosen was a class of the other one"
    assert explorer.probability.title == twin.classes[best[0]]
    explorer.selection.network = "toynet"
    assert explorer.square.image.size == (96, 96) and explorer.control.image_size == (96, 96)
    assert (explorer.control.size, explorer.control.stride) == (24, 4)
    assert explorer.probability.map_size == (24, 24) and len(explorer.label.names) == 12
    assert explorer.control.error == "" and not explorer.control.running and len(begun) == 2


def strange(image):
    x = torch.from_numpy(np.array(image.resize((WIDTH, HEIGHT)))).permute(2, 0, 1).float()
    return (x / 255).sqrt() * 5 - 2.5


def test_a_preprocessing_that_cannot_be_undone_has_the_fills_that_need_no_colour():
    network = network_of(small_module(), preprocess=cw.wrap(small_module(), preprocess=strange).preprocess)
    assert not network.preprocess.undoable
    explorer = OcclusionExplorer(network, image=FIVE, samples={})
    assert explorer.control.fills == ["mean", "blurred", "noise", "elsewhere"]
    best = network.probabilities(network.read(FIVE))[0].argsort(descending=True).tolist()[:2]
    for fill in explorer.control.fills:
        explorer.control.fill = fill
        same_maps(explorer, by_core(network, FIVE, best, fill=fill))
        assert explorer.control.error == "" and explorer.square.fill_image is None
    explorer.close()


def test_a_network_that_sees_grey():
    preprocess = Preprocess((HEIGHT, WIDTH), mean=(0.4,), std=(0.3,))
    network = network_of(small_module(channels=1), preprocess=preprocess)
    explorer = OcclusionExplorer(network, image=FIVE, samples={})
    best = network.probabilities(network.read(FIVE))[0].argsort(descending=True).tolist()[:2]
    for fill, value in (("grey", 0.5), ("black", 0.0)):
        explorer.control.fill = fill
        x = network.read(FIVE)
        found = cw.core.occlusion(network, x, [best], 5, 1, (value - 0.4) / 0.3, engine="plain")
        same_maps(explorer, found)
        level = round(255 * value)
        assert set(np.unique(np.asarray(explorer.square.fill_image)[0])) <= {level, level - 1}
    assert explorer.control.error == "" and explorer.picture() is not None
    explorer.close()


class Untraceable(nn.Module):
    """Which way it goes depends on its input."""

    def __init__(self):
        super().__init__()
        self.parts = small_module()

    def forward(self, x):
        return self.parts(x) if x.sum() < 1e9 else self.parts(-x)


def test_a_network_that_cannot_be_traced_says_so():
    network = network_of(Untraceable())
    explorer = OcclusionExplorer(network, image=FIVE, samples={})
    same_maps(explorer, by_core(network, FIVE, (1, 0), layer="parts.3"))
    assert explorer.control.message.startswith("plain batches: ")
    assert explorer.control.error == "" and explorer.layers.layer == "parts.3"
    explorer.close()


def test_a_network_that_gives_nan_can_be_looked_into():
    module = small_module()
    with torch.no_grad():
        module[5].weight[2, 0] = torch.nan
        module[2].weight[1, 0, 0, 0] = torch.nan
    network = network_of(module)
    explorer = OcclusionExplorer(network, image=FIVE, samples={})
    assert explorer.control.error == "" and not explorer.control.running
    assert np.isnan(explorer.probability.values).all() and explorer.probability.baseline is None
    assert np.isnan(explorer.label.values).all() and explorer.label.baseline is None
    assert explorer.square.caption == "a: NaN → NaN"
    drag(explorer, 3, 3, dragging=False)
    assert explorer.square.error == explorer.control.error == ""
    assert explorer.picture() is not None and "NaN" in explorer.describe()
    explorer.close()


def test_nan_in_the_loop_is_no_silent_end():
    module = small_module()
    with torch.no_grad():
        module[5].bias[:] = torch.nan

    async def scenario():
        explorer = OcclusionExplorer(network_of(module), image=FIVE, samples={})
        await asyncio.wait_for(explorer.done(), 20)
        told = explorer.control.running, explorer.control.error, explorer.activity.known.all()
        explorer.close()
        return told

    assert asyncio.run(scenario()) == (False, "", True)


# -- a selection that is shared ---------------------------------------------------------------------


def test_two_explorers_share_a_selection(network):
    selection = Selection(network, image=ONE, layer="3")
    one, two = (OcclusionExplorer(selection=selection, samples=SAMPLES) for _ in range(2))
    one.layers.set_state({"layer": "1"})
    assert two.layers.layer == "1" and two.activity.title == one.activity.title
    two.images.name = "two"
    for explorer in (one, two):
        same_maps(explorer, by_core(network, TWO, (2, 0), layer="1"))
    one.classes.set_state({"target": 4})
    assert two.probability.title == "e" == one.probability.title
    one.control.set_state({"stride": 4})  # of one's own
    assert two.control.stride == 1
    one.close()
    two.classes.set_state({"target": 1})
    assert selection.target == 1 and two.control.error == ""
    two.close()


def test_the_automatic_class_follows_also_where_a_selection_is_shared(network):
    async def scenario():
        selection = Selection(network, image=ONE, layer="3")
        both = [OcclusionExplorer(selection=selection, samples=SAMPLES) for _ in range(2)]
        found = []
        for image in (ONE, TWO, FIVE):
            selection.image = image
            for explorer in both:
                await explorer.done()
            found.append((selection.target, *(each.probability.title for each in both)))
        for explorer in both:
            explorer.close()
        return found

    assert asyncio.run(scenario()) == [(0, "a", "a"), (2, "c", "c"), (1, "b", "b")]


def test_a_selection_is_shared_with_the_activation_maps(network):
    selection = Selection(network, image=ONE, layer="3")
    maps = ActivationExplorer(selection=selection, samples=SAMPLES)
    explorer = OcclusionExplorer(selection=selection, samples=SAMPLES)
    maps.slider.set_state({"channel": 6})
    assert explorer.activity.title == "Activity of 3, channel 6"
    maps.layers.set_state({"layer": "5"})  # without maps
    assert explorer.layers.layer == "3" and explorer.control.error == ""
    maps.layers.set_state({"layer": "0"})
    assert explorer.activity.title.startswith("Activity of 0, ")
    maps.images.name = "two"
    np.testing.assert_allclose(
        explorer.probability.baseline, network.probabilities(network.read(TWO))[0].max(), atol=1e-5
    )
    maps.close()
    explorer.close()


# -- beside the event loop --------------------------------------------------------------------------


class Slow(nn.Module):
    """The small network with a rest after every forward pass."""

    def __init__(self, seconds=0.02):
        super().__init__()
        # whoever traces a network puts its plain attributes back, also what is set meanwhile: not in those
        self.parts, self.rest, self.is_slow = small_module(), SimpleNamespace(seconds=seconds), False

    def forward(self, x):
        if self.is_slow:
            time.sleep(self.rest.seconds)
        return self.parts(x) if x.sum() < 1e9 else -x  # untraceable: every square is a forward pass


@pytest.fixture
def slow(monkeypatch):
    # runs are in progress from the start
    monkeypatch.setattr("cnnwidgets.explorers.occlusion_runner.FIRST_LOOK", 0.0)
    network = network_of(Slow())
    assert network.layers  # listed while it is quick
    network.module.is_slow = True
    return network


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario(), 60))


def test_in_a_running_loop_the_cell_ends_at_once_and_done_waits(slow):
    async def scenario():
        began = time.monotonic()
        explorer = OcclusionExplorer(slow, image=FIVE, samples={})
        at_once = explorer.control.running, explorer.probability.map_size, time.monotonic() - began
        await explorer.done()
        same_maps(explorer, by_core(slow, FIVE, (1, 0), layer="parts.3"))
        assert not explorer.control.running and explorer.control.done == 560
        explorer.close()
        return at_once

    running, size, seconds = run(scenario)
    assert running and size == (0, 0)


def test_maps_grow_from_coarse_to_fine(slow):
    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples={})
        seen = []

        def look(change):
            seen.append((int(explorer.probability.known.sum()), explorer.probability.values))

        explorer.probability.observe(look, "_known")
        await explorer.done()
        final = explorer.probability.values
        explorer.close()
        return seen, final

    seen, final = run(scenario)
    counts = [n for n, _ in seen]
    assert counts == sorted(counts) and len(counts) >= 3 and 0 < counts[0] < 100
    first = next(values for n, values in seen if n > 35)  # the coarsest lattice of 5 x 7
    assert np.isfinite(first).all(), "gaps take the value of the nearest square"
    assert np.corrcoef(first.ravel(), final.ravel())[0, 1] > 0.5


def test_a_change_starts_again_and_the_stale_run_is_never_shown(slow):
    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
        await until(lambda: explorer.probability.map_size == (20, 28))
        shown = []
        show = explorer.show
        explorer.show = lambda job, **more: shown.append(job.request) or show(job, **more)
        began = time.monotonic()
        explorer.control.set_state({"stride": 4})
        await explorer.done()
        seconds = time.monotonic() - began
        explorer.show = show
        same_maps(explorer, by_core(slow, FIVE, (1, 0), stride=4, layer="parts.3"))
        assert {each.stride for each in shown} == {4}
        explorer.images.name = "two"
        explorer.images.name = "one"
        await explorer.done()
        same_maps(explorer, by_core(slow, ONE, (0, 4), stride=4, layer="parts.3"))
        explorer.close()
        return seconds

    assert run(scenario) < 15


def test_the_map_of_another_picture_is_taken_away_before_the_new_picture_is_there(slow):
    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
        explorer.control.stride = 4
        await explorer.done()
        old = explorer.probability.values
        slow.module.rest.seconds = 0.5  # until then there is nothing of the new one
        explorer.images.name = "two"
        await until(lambda: np.isnan(explorer.probability.values).all())
        assert not [line for axes in explorer.cuts.figure.figure.axes for line in axes.lines]
        assert all(np.isnan(heat.values).all() for heat in explorer._maps())
        slow.module.rest.seconds = 0.0
        await explorer.done()
        assert np.abs(explorer.probability.values - old).max() > 0.01
        explorer.close()

    run(scenario)


def test_stop_leaves_the_coarse_map_and_says_so(slow):
    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples={})
        await until(
            lambda: explorer.probability.map_size == (20, 28) and explorer.probability.known.sum() > 20
        )
        explorer.control.receive({"kind": "stop"}, [])
        await until(lambda: not explorer.control.running)
        await explorer.done()
        n, message = int(explorer.probability.known.sum()), explorer.control.message
        values = explorer.probability.values
        await asyncio.sleep(0.3)  # nothing comes later
        assert int(explorer.probability.known.sum()) == n and explorer.control.message == message
        np.testing.assert_array_equal(explorer.probability.values, values)
        drag(explorer, 4, 4, False)  # and the square can still be dragged
        await explorer.done()
        expected = occluded_probabilities(slow, FIVE, 4, 4, 5)
        np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)
        explorer.control.receive({"kind": "run"}, [])
        await explorer.done()
        same_maps(explorer, by_core(slow, FIVE, (1, 0), layer="parts.3"))
        explorer.close()
        return n, message

    n, message = run(scenario)
    assert 20 < n < 560 and message == f"stopped after {n} of 560"


def test_stopped_before_the_first_answer(slow, monkeypatch):
    # all of it in the thread, also the look at the unoccluded image
    monkeypatch.setattr(OcclusionRunner, "_run_here", lambda *_: None)

    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples={})
        explorer.control.stop()
        await explorer.done()
        told = explorer.control.running, explorer.control.error, explorer.probability.map_size
        explorer.classes.set_state({"target": 3})  # starts what is missing
        await explorer.done()
        assert explorer.probability.title == "d" and explorer.probability.known.all()
        explorer.close()
        return told

    assert run(scenario) == (False, "", (0, 0))


def test_the_hand_goes_first(slow):
    """While the square is dragged, the maps wait."""

    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples={})
        await until(lambda: explorer.probability.map_size == (20, 28))
        drag(explorer, 4, 4)
        await asyncio.sleep(0.25)
        done = explorer._job.run.done
        for column in range(8):
            drag(explorer, 4, 5 + column)
            await asyncio.sleep(0.1)
        assert explorer._job.run.done == done < 560
        expected = occluded_probabilities(slow, FIVE, 4, 12, 5)
        await until(lambda: np.allclose(explorer.classes.probabilities, expected, atol=1e-5))
        await until(lambda: explorer._job.run.done > done)  # it rests where it is: the page may be gone
        explorer.square.set_state({"dragging": False})
        await explorer.done()
        same_maps(explorer, by_core(slow, FIVE, (1, 0), layer="parts.3"))
        explorer.close()

    run(scenario)


def test_a_class_chosen_while_another_picture_is_read_is_kept(slow):
    """Also with the adaptive method, which looks closer where the chosen classes change."""

    async def scenario(method):
        explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
        explorer.control.set_state({"stride": 4, "method": method})
        await explorer.done()
        explorer.images.name = "two"
        await asyncio.sleep(0.005)
        explorer.classes.set_state({"target": 3})
        await explorer.done()
        same_maps(explorer, by_core(slow, TWO, (3, 2), stride=4, method=method, layer="parts.3"))
        assert (explorer.selection.target, explorer.probability.title) == (3, "d")
        explorer.close()

    run(lambda: scenario("full"))
    run(lambda: scenario("adaptive"))


def test_a_class_of_the_maps_before_is_looked_at_in_the_next_ones_too(slow):
    """The adaptive method keeps two classes, and these are others for another picture."""

    async def scenario():
        explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
        explorer.control.set_state({"stride": 4, "method": "adaptive"})
        await explorer.done()
        assert (explorer.classes.target, explorer.second.target) == (1, 0)
        explorer.images.name = "one"
        await asyncio.sleep(0.005)
        explorer.second.set_state({"target": 1})
        await explorer.done()
        same_maps(explorer, by_core(slow, ONE, (0, 1), stride=4, method="adaptive", layer="parts.3"))
        explorer.close()

    run(scenario)


def test_an_answer_for_the_picture_before_is_not_shown(explorer):
    """Even a late answer may arrive, for the hand's sake; it must be of the same picture."""
    late = explorer._occlude(explorer._job, (2, 2), 5)
    explorer.images.name = "two"
    shown = explorer.classes.probabilities.copy(), explorer.square.caption
    explorer._tell_square(late)
    np.testing.assert_array_equal(explorer.classes.probabilities, shown[0])
    assert explorer.square.caption == shown[1]


# -- two event loops ------------------------------------------------------------------------------


class Subshell:
    """As in JupyterLab 4.6: what the browser sends is dealt with in another thread than the cells, which has
    an event loop of its own."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._live)
        self.thread.start()
        return self

    def _live(self):
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    async def call(self, function, *args):
        async def calling():
            return function(*args)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(calling(), self.loop))

    def __exit__(self, *raised):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


def test_a_change_in_the_browser_while_the_cells_run_still_goes_on(slow):
    async def scenario():
        with Subshell() as browser:
            explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
            await until(lambda: explorer.probability.map_size == (20, 28))
            await browser.call(explorer.control.set_state, {"stride": 4})
            await until(lambda: not explorer.control.running)
            same_maps(explorer, by_core(slow, FIVE, (1, 0), stride=4, layer="parts.3"))
            explorer.control.stride = 5  # and from a cell while the browser's is running
            await browser.call(explorer.control.set_state, {"size": 7})
            explorer.control.stride = 8
            await explorer.done()
            same_maps(explorer, by_core(slow, FIVE, (1, 0), 7, 8, layer="parts.3"))
            assert explorer.control.error == ""
            explorer.close()

    run(scenario)


def test_a_cell_can_wait_for_what_the_browser_asked_for(slow):
    async def scenario():
        with Subshell() as browser:
            explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
            await explorer.done()
            await browser.call(drag, explorer, 3, 3, False)
            await explorer.done()
            expected = occluded_probabilities(slow, FIVE, 3, 3, 5)
            np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)
            explorer.close()

    run(scenario)


def test_nothing_is_lost_when_the_square_is_dragged_while_maps_are_computed(network):
    """The square's answers and the maps come in two threads; neither may silence the other."""

    async def scenario():
        with Subshell() as browser:
            explorer = OcclusionExplorer(network, image=FIVE, samples=SAMPLES)
            await explorer.done()
            rng = np.random.default_rng(0)
            for turn in range(25):
                explorer.control.size = 5 + turn % 2  # runs anew, in this thread
                for _ in range(4):
                    row, column = int(rng.integers(HEIGHT)), int(rng.integers(WIDTH))
                    await browser.call(drag, explorer, row, column, False)
                name = ("one", "two", "five")[turn % 3]
                await browser.call(explorer.images.set_state, {"index": list(SAMPLES).index(name)})
                await until(lambda: not explorer.control.running)
                await explorer.done()
                assert not explorer._is_quiet
                assert explorer.selection.image is explorer._job.request.image
                expected = occluded_probabilities(network, SAMPLES[name], row, column, 5 + turn % 2)
                np.testing.assert_allclose(explorer.classes.probabilities, expected, atol=1e-5)
                assert explorer.probability.position == explorer.probability.cell_at(row, column)
            explorer.close()

    run(scenario)


def test_what_one_thread_does_quietly_does_not_silence_the_other(explorer):
    inside, leave = threading.Event(), threading.Event()

    def quietly():
        with explorer.quiet():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=quietly)
    thread.start()
    inside.wait(10)
    explorer.images.set_state({"index": 0})
    leave.set()
    thread.join()
    np.testing.assert_array_equal(np.asarray(explorer.selection.image), np.asarray(ONE))


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["Occluder", "OcclusionRun"])
@pytest.mark.parametrize("in_loop", [False, True])
def test_an_error_in_the_thread_is_shown_and_goes_away(network, monkeypatch, where, in_loop):
    async def scenario():
        explorer = OcclusionExplorer(network, image=FIVE, samples=SAMPLES)
        await explorer.done()
        return check(explorer, explorer.done)

    def check(explorer, done):
        monkeypatch.setattr(f"cnnwidgets.explorers.occlusion_runner.{where}", lambda *_, **more: 1 / 0)
        explorer.images.name = "two"
        return explorer

    async def in_a_loop():
        explorer = await scenario()
        await explorer.done()
        told = explorer.control.error, explorer.control.running
        monkeypatch.undo()
        explorer.images.name = "one"
        await explorer.done()
        return explorer, told

    if in_loop:
        explorer, told = run(in_a_loop)
    else:
        explorer = check(OcclusionExplorer(network, image=FIVE, samples=SAMPLES), None)
        told = explorer.control.error, explorer.control.running
        monkeypatch.undo()
        explorer.images.name = "one"
    assert told == ("ZeroDivisionError: division by zero", False)
    assert explorer.control.error == "" and explorer.probability.title == "a"
    same_maps(explorer, by_core(network, ONE, (0, 4)))
    explorer.close()


def test_an_error_while_maps_are_shown_is_shown(network, monkeypatch):
    async def scenario():
        explorer = OcclusionExplorer(network, image=FIVE, samples=SAMPLES)
        await explorer.done()
        monkeypatch.setattr(explorer, "_show_maps", lambda: 1 / 0)
        explorer.control.set_state({"size": 8})
        await explorer.done()
        told = explorer.control.error, explorer.control.running
        explorer.close()
        return told

    assert run(scenario) == ("ZeroDivisionError: division by zero", False)


def test_an_error_of_the_square_is_shown(explorer, monkeypatch):
    monkeypatch.setattr(explorer, "_occlude", lambda *_: 1 / 0)
    drag(explorer, 3, 3)
    assert explorer.control.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"chanel": 3}, TypeError, "no argument 'chanel'"),
        ({"selection": "s", "layer": "0"}, TypeError, "either a selection, or"),
        ({"layer": "convx"}, cw.core.LayerError, "has no layer 'convx'"),
        ({"image": b"no picture"}, cw.data.ImageError, "not a picture"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(network, arguments, error, message):
    before = set(ipywidgets.widgets.widget._instances)
    given = {"network": network} if "selection" not in arguments else {}
    with pytest.raises(error, match=message):
        OcclusionExplorer(**given, **arguments)
    assert set(ipywidgets.widgets.widget._instances) == before


# -- the end --------------------------------------------------------------------------------------


def test_picture_and_text_for_places_without_widgets(explorer):
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    text = bundle["text/plain"]
    for part in (
        "Target: b; most probable",
        "Square 5 × 5 pixels, stride 1 (20 × 28 = 560 squares), fill grey",
        "b: 20 × 28 values, probability from",
        "Most probable class: 20 × 28 values, b ",
        "along row 10",
        "Activity of 3, channel ",
    ):
        assert part in text, part
    shown = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert shown.height > 800 and shown.width > 200


def test_closing_leaves_nothing_behind(network):
    before = set(ipywidgets.widgets.widget._instances)
    explorer = OcclusionExplorer(network, image=FIVE, samples=SAMPLES)
    assert len(set(ipywidgets.widgets.widget._instances) - before) > 15
    selection, occluder = explorer.selection, weakref.ref(explorer._job.occluder)
    drag(explorer, 3, 3)
    explorer.close()
    explorer.close()
    assert set(ipywidgets.widgets.widget._instances) == before
    selection.layer = "0"  # nobody listens any more
    selection.image = TWO
    explorer.control.size = 7
    drag(explorer, 4, 4)
    gc.collect()
    assert occluder() is None and explorer.selection is None
    assert "closed" in explorer._repr_mimebundle_()["text/plain"] and "closed" in explorer.describe()


def test_closing_in_the_middle_ends_the_work(slow):
    async def scenario():
        before = set(ipywidgets.widgets.widget._instances)
        explorer = OcclusionExplorer(slow, image=FIVE, samples=SAMPLES)
        await until(lambda: explorer._job is not None and explorer._job.run is not None)
        job, occluder = weakref.ref(explorer._job), weakref.ref(explorer._job.occluder)
        explorer.control.set_state({"size": 9})  # one waits for the other
        drag(explorer, 3, 3)
        explorer.close()
        began = time.monotonic()
        await explorer._runner.done()
        assert time.monotonic() - began < 3
        assert set(ipywidgets.widgets.widget._instances) == before
        await asyncio.sleep(0.1)
        gc.collect()
        assert job() is None and occluder() is None

    run(scenario)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("asyncio")]
