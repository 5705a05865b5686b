"""Patches of a unit beside what goes back to their pixels, held against a way back written out by hand."""

import asyncio
import gc
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import LayerError, max_activating_patches
from cnnwidgets.explorers import DeconvExplorer, PatchExplorer, Selection, ways_back

HEIGHT, WIDTH = 20, 28
RULES = ["deconvnet", "guided", "gradient"]
NAMES = ["DeconvNet", "guided backprop", "gradient"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(35)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(5, 7, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(7 * 8 * 12, 4),
    )
    with torch.no_grad():
        module[2].bias[2] = -1e3  # never fires
    return cw.wrap(module, input_size=(HEIGHT, WIDTH), name="tiny", classes=["a", "b", "c", "d"])


def pictures(n=24, seed=0):
    """Pictures of a size that is not resized."""
    rng = np.random.default_rng(seed)
    return [Image.fromarray(each) for each in rng.integers(0, 256, (n, HEIGHT, WIDTH, 3), dtype=np.uint8)]


@pytest.fixture
def explorer(network):
    explorer = DeconvExplorer(network, images=pictures(), layer="2", samples=gallery())
    yield explorer
    explorer.close()


def gallery():
    return {f"picture {i}": picture for i, picture in enumerate(pictures(3, seed=9))}


def signal_by_hand(network, x, channel, position, layer="2"):
    """Activations of a feature map or one neuron, all others zero; and the input of the first ReLU."""
    first, second = network.module[0], network.module[2]
    before = F.conv2d(x, first.weight, first.bias, stride=2, padding=1)
    maps = F.conv2d(before.relu(), second.weight, second.bias)
    maps = maps if layer == "2" else maps.relu()
    signal = torch.zeros_like(maps)
    at = (0, channel) if position is None else (0, channel, *position)
    signal[at] = maps[at]
    return before, signal


@torch.no_grad()
def back_by_hand(network, image, channel, position, rule, layer="2"):
    """From the second convolution to the pixels, shape (3, H, W)."""
    before, signal = signal_by_hand(network, network.read(image), channel, position, layer)
    signal = F.conv_transpose2d(signal, network.module[2].weight)
    if rule != "gradient":
        signal = signal * (signal > 0)
    if rule != "deconvnet":
        signal = signal * (before > 0)
    weight = network.module[0].weight
    return F.conv_transpose2d(signal, weight, stride=2, padding=1, output_padding=1)[0].numpy()


def image_of(blocks, name, i=0):
    """An image as the widget holds it, shape (3, H, W)."""
    held, patch = blocks._images[name][i], blocks._drawn[i]
    found = np.zeros((3, patch.picture.height, patch.picture.width))
    top, left, bottom, right = held.area
    found[:, top:bottom, left:right] = held.values
    return found


# -- the patches -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rule"), list(zip(NAMES, RULES, strict=True)))
def test_each_patch_has_its_way_back(explorer, network, name, rule):
    images = pictures()
    for channel in (0, 4):
        explorer.selection.channel = channel
        unit = explorer.patches["2", channel]
        assert len(unit.strongest) == 9 and explorer.blocks.names == NAMES
        for i, patch in enumerate(unit.strongest):
            wanted = back_by_hand(network, images[patch.image], channel, patch.position, rule)
            assert np.abs(wanted).max() > 0
            np.testing.assert_allclose(image_of(explorer.blocks, name, i), wanted, rtol=1e-4, atol=1e-6)


def test_the_three_ways_differ(explorer):
    explorer.selection.channel = 4
    found = [image_of(explorer.blocks, name) for name in NAMES]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(found[one] - found[other]).max() > 1e-3


def test_nothing_comes_back_outside_of_what_the_unit_sees(explorer):
    explorer.selection.channel = 4
    for name in NAMES:
        for held, patch in zip(explorer.blocks._images[name], explorer.blocks._drawn, strict=True):
            top, left, bottom, right = held.area
            assert patch.seen[0] <= top and patch.seen[1] <= left
            assert bottom <= patch.seen[2] and right <= patch.seen[3]


def test_the_patches_are_those_of_the_patch_explorer(explorer, network):
    other = PatchExplorer(network, images=pictures(), layer="2")
    for channel in (1, 5):
        explorer.selection.channel = other.selection.channel = channel
        np.testing.assert_array_equal(explorer.blocks.values, other.grid.values)
        for one, two in zip(explorer.blocks._drawn, other.grid._drawn, strict=True):
            assert (one.box, one.seen, one.source) == (two.box, two.seen, two.source)
            np.testing.assert_array_equal(np.asarray(one.picture), np.asarray(two.picture))
    assert explorer.blocks.title == "2 · channel 5" and explorer.selection.layer == "2"
    other.close()


def test_weakest_and_random_patches(explorer, network):
    explorer.selection.channel = 4
    images = pictures()
    for which, heading in (("weakest", "weakest patches"), ("sample", "random patches")):
        explorer.blocks.which = which
        found = explorer.patches["2", 4].patches(which)
        assert [patch.value for patch in found] == pytest.approx(list(explorer.blocks.values))
        assert explorer.blocks.heading == heading
        wanted = back_by_hand(network, images[found[0].image], 4, found[0].position, "guided")
        np.testing.assert_allclose(image_of(explorer.blocks, "guided backprop"), wanted, rtol=1e-4, atol=1e-6)


def test_more_patches_than_nine_are_not_shown(network):
    patches = max_activating_patches(network, pictures(), ["2"], k=12)
    explorer = DeconvExplorer(network, patches=patches, samples=gallery())
    assert len(explorer.patches["2", 4].strongest) == 12 and len(explorer.blocks.values) == 9
    explorer.close()


def test_a_fully_connected_layer_and_the_first_one(explorer, network):
    explorer.selection.layer = "5"
    assert {patch.box for patch in explorer.blocks._drawn} == {(0, 0, HEIGHT, WIDTH)}
    patch = explorer.patches["5", explorer.selection.channel].strongest[0]
    x = network.read(pictures()[patch.image]).requires_grad_()
    score = network.module(x)[0, explorer.selection.channel]
    (wanted,) = torch.autograd.grad(score * score.detach(), x)
    np.testing.assert_allclose(image_of(explorer.blocks, "gradient"), wanted[0], rtol=1e-3, atol=1e-5)
    explorer.selection.layer = "0"
    found = [image_of(explorer.blocks, name) for name in NAMES]
    np.testing.assert_array_equal(found[0], found[1])  # no ReLU on the way
    np.testing.assert_array_equal(found[0], found[2])
    assert explorer.blocks.error == ""


def test_a_unit_that_never_fires_says_so(explorer, network):
    explorer.selection.channel = 2
    told = "never fires in 24 images (is never above zero); these come nearest"
    assert explorer.blocks.message == told and len(explorer.blocks.values) == 9
    explorer.blocks.which = "weakest"
    assert len(explorer.blocks.values) == 0 and explorer.blocks.error == ""
    explorer.selection.channel = 4
    assert explorer.blocks.message == "" and len(explorer.blocks.values) == 9
    silent = DeconvExplorer(network, images=pictures(), layers=["3"], samples=gallery())
    silent.selection.channel = 2
    assert silent.blocks.message == "never fires in 24 images: its map is zero everywhere"
    assert len(silent.blocks.values) == 0 and silent.blocks.error == ""
    silent.close()


def test_a_layer_that_was_not_scanned_says_so(explorer):
    explorer.selection.layer = "3"
    assert "3 was not scanned" in explorer.blocks.message
    assert "DeconvExplorer(..., layers=['3'])" in explorer.blocks.message
    assert len(explorer.blocks.values) == 0
    explorer.selection.layer = "2"
    assert len(explorer.blocks.values) == 9 and explorer.blocks.message == ""


def test_a_network_without_relu_says_why_there_is_only_the_gradient():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.SiLU(), nn.Flatten(), nn.Linear(4 * 18 * 26, 3))
    network = cw.wrap(module, input_size=(HEIGHT, WIDTH))
    explorer = DeconvExplorer(network, images=pictures(), layer="0", samples=gallery())
    for name in NAMES[:2]:
        assert "no ReLU" in explorer.blocks._images[name] or "runs none" in explorer.blocks._images[name]
    assert len(explorer.blocks._images["gradient"]) == 9 and explorer.blocks.error == ""
    assert explorer.picture() is not None
    explorer.close()


def test_a_network_that_sees_grey(monkeypatch):
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 18 * 26, 3))
    network = cw.wrap(module, input_size=(HEIGHT, WIDTH), channels=1)
    explorer = DeconvExplorer(network, images=pictures(), layer="0", samples=gallery())
    assert [len(each.values) for each in explorer.blocks._images["gradient"]] == [1] * 9
    explorer.pages.selected_index = 1
    assert explorer.picture_page.blocks.error == "" and len(explorer.picture_page.blocks.values) == 1
    explorer.close()


def test_a_unit_seen_before_is_not_computed_again(explorer, monkeypatch):
    explorer.selection.channel = 1
    explorer.selection.channel = 4
    before = image_of(explorer.blocks, "DeconvNet")
    explorer.selection.channel = 1
    monkeypatch.setattr(ways_back, "unit_gradient", lambda *_: 1 / 0)
    explorer.selection.channel = 4
    assert explorer.blocks.error == ""
    np.testing.assert_array_equal(image_of(explorer.blocks, "DeconvNet"), before)
    explorer.selection.channel = 5
    assert "division by zero" in explorer.blocks.error
    monkeypatch.undo()
    explorer.selection.channel = 6
    assert explorer.blocks.error == "" and explorer.blocks.title == "2 · channel 6"


# -- in a notebook ---------------------------------------------------------------------------------


def test_images_come_one_rule_after_the_other_where_they_take_long(network, monkeypatch):
    monkeypatch.setattr(ways_back.WaysBack.go_on, "__defaults__", (0,))
    monkeypatch.setattr("cnnwidgets.explorers.deconv_explorer.SOON", 0)
    states = []

    async def scenario():
        explorer = DeconvExplorer(network, images=pictures(), layer="2", samples=gallery())
        await explorer.done()
        explorer.blocks.observe(
            lambda change: states.append([each["is_pending"] for each in change.new]), "_blocks"
        )
        fill = explorer._look
        monkeypatch.setattr(explorer, "_look", lambda request, seconds=0: fill(request, 0))
        explorer.selection.channel = 6
        await explorer.done()
        found = image_of(explorer.blocks, "gradient", 3)
        patch = explorer.patches["2", 6].strongest[3]
        explorer.close()
        return found, patch

    found, patch = asyncio.run(scenario())
    for wanted in ([False, True, True], [False, False, True], [False, False, False]):
        assert wanted in states
    assert states[-1] == [False] * 3
    wanted = back_by_hand(network, pictures()[patch.image], 6, patch.position, "gradient")
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_only_the_newest_unit_is_shown(network):
    titles = []

    async def scenario():
        explorer = DeconvExplorer(network, images=pictures(), layer="2", samples=gallery())
        await explorer.done()
        explorer.blocks.observe(lambda change: titles.append(change.new), "title")
        for channel in (0, 1, 3, 5, 6):
            explorer.selection.channel = channel
        await explorer.done()
        last = explorer.blocks.title, explorer.blocks.is_complete, explorer.slider.channel
        explorer.close()
        return last

    assert asyncio.run(scenario()) == ("2 · channel 6", True, 6)
    assert titles == ["2 · channel 6"]


def test_what_comes_late_is_not_shown(explorer, network):
    """Work that took long may end after another unit was chosen, or another picture."""
    explorer.selection.channel = 0
    request = network, explorer.patches, explorer._pictures, "strongest", "2", 0
    late = explorer._look(request)
    explorer.selection.channel = 4
    explorer._apply(late)
    assert explorer.blocks.title == "2 · channel 4"
    explorer.pages.selected_index = 1
    page = explorer.picture_page
    late = page._look(page._asked)
    explorer.selection.channel = 6
    page._apply(late)
    assert page.blocks.title == "2 · channel 6"


def test_a_scan_that_finds_the_same_patches_does_not_let_go_of_the_chosen_tile(explorer):
    explorer.selection.channel = 4
    explorer.blocks.chosen = 3
    explorer.show(explorer.patches.copy())
    assert explorer.blocks.chosen == 3 and explorer.blocks.is_complete


# -- a picture -------------------------------------------------------------------------------------


@pytest.fixture
def page(explorer):
    explorer.selection.channel = 4
    explorer.pages.selected_index = 1
    return explorer.picture_page


@pytest.mark.parametrize(("name", "rule"), list(zip(NAMES, RULES, strict=True)))
def test_the_way_back_from_a_whole_feature_map(explorer, network, page, name, rule):
    """Feature maps are those after their ReLU, as in the paper."""
    image = gallery()["picture 0"]
    wanted = back_by_hand(network, image, 4, None, rule, layer="3")
    np.testing.assert_allclose(image_of(page.blocks, name), wanted, rtol=1e-4, atol=1e-6)
    raw = back_by_hand(network, image, 4, None, rule, layer="2")
    assert np.abs(wanted - raw).max() > 1e-3, "or this test could not fail"
    _, maps = signal_by_hand(network, network.read(image), 4, None, "3")
    np.testing.assert_allclose(page.heat.values, maps[0, 4].detach(), rtol=1e-4, atol=1e-6)
    assert page.heat.note == "after its ReLU, 3" and page.heat.title == "2 · channel 4"


def test_the_way_back_from_one_neuron(explorer, network, page):
    image = gallery()["picture 0"]
    page.start.value = "one neuron"
    strongest = np.unravel_index(page.heat.values.argmax(), (8, 12))
    assert explorer.selection.position == page.heat.position == strongest
    wanted = back_by_hand(network, image, 4, strongest, "deconvnet")
    np.testing.assert_allclose(image_of(page.blocks, "DeconvNet"), wanted, rtol=1e-4, atol=1e-6)
    (patch,) = page.blocks._drawn
    assert patch.box == network.layer("2").receptive_field.box(*strongest)
    other = np.argwhere(page.heat.values > 0)[0].tolist()
    page.heat.set_state({"position": other})  # a click on the map
    assert explorer.selection.position == tuple(other)
    wanted = back_by_hand(network, image, 4, other, "guided")
    np.testing.assert_allclose(image_of(page.blocks, "guided backprop"), wanted, rtol=1e-4, atol=1e-6)
    page.heat.set_state({"position": None})
    assert page.start.value == "whole feature map" and not page.blocks._drawn[0].known


def test_a_neuron_that_does_not_fire_gives_zeros(explorer, page):
    silent = np.argwhere(page.heat.values == 0)[0].tolist()
    explorer.selection.position = silent
    assert [each.most for name in NAMES for each in page.blocks._images[name]] == [0, 0, 0]
    assert page.blocks.values[0] == 0


def test_another_picture_and_another_unit(explorer, network, page):
    explorer.selection.image = gallery()["picture 2"]
    wanted = back_by_hand(network, gallery()["picture 2"], 4, None, "guided", layer="3")
    np.testing.assert_allclose(image_of(page.blocks, "guided backprop"), wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(page.blocks._drawn[0].picture, np.asarray(gallery()["picture 2"]))
    page.images.image = gallery()["picture 1"]  # by hand
    explorer.slider.set_state({"channel": 6})
    wanted = back_by_hand(network, gallery()["picture 1"], 6, None, "guided", layer="3")
    np.testing.assert_allclose(image_of(page.blocks, "guided backprop"), wanted, rtol=1e-4, atol=1e-6)


def test_a_unit_without_maps_and_one_that_does_not_fire(explorer, page):
    explorer.selection.channel = 2
    assert page.blocks.message == "it does not fire in this picture"
    explorer.selection.layer = "5"
    assert page.heat.layout.display == "none" and page.start.disabled
    assert page.blocks.title.startswith("5 · channel") and page.blocks.error == ""
    explorer.selection.layer = "2"
    assert page.heat.layout.display is None and not page.start.disabled


def test_a_layer_that_was_not_scanned_has_its_pictures_anyway(explorer, network, page):
    explorer.selection.layer = "3"
    assert page.blocks.title.startswith("3 · channel") and page.heat.note == ""
    channel = explorer.selection.channel
    wanted = back_by_hand(network, gallery()["picture 0"], channel, None, "deconvnet", layer="3")
    np.testing.assert_allclose(image_of(page.blocks, "DeconvNet"), wanted, rtol=1e-4, atol=1e-6)


def test_a_layer_whose_relu_comes_after_something_else(monkeypatch):
    """What a ReLU gives after batch normalisation is another map."""
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 18 * 26, 3)
    )
    network = cw.wrap(module, input_size=(HEIGHT, WIDTH))
    explorer = DeconvExplorer(network, images=pictures(), layer="0", samples=gallery())
    explorer.pages.selected_index = 1
    assert explorer.picture_page.heat.note == "" and explorer.picture_page.heat.values.min() < 0
    explorer.close()


def test_a_layer_that_is_followed_by_the_relu_of_another():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.relu = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.ReLU()

        def forward(self, x):
            left, right = self.left(x), self.right(x)
            return (self.relu(left) + right.abs()).mean((2, 3))

    torch.manual_seed(3)
    network = cw.wrap(Branches(), input_size=(HEIGHT, WIDTH))
    assert [layer.name for layer in network.layers][:3] == ["left", "right", "relu"]
    explorer = DeconvExplorer(network, images=pictures(), layer="right", samples=gallery())
    explorer.pages.selected_index = 1
    assert explorer.picture_page.heat.note == "" and explorer.picture_page.heat.values.min() < 0
    explorer.close()


def test_what_nobody_looks_at_is_not_computed(explorer, monkeypatch):
    asked = []
    compute = ways_back.unit_gradient
    monkeypatch.setattr(
        ways_back, "unit_gradient", lambda *given: asked.append(len(given[1])) or compute(*given)
    )
    explorer.selection.channel = 3
    assert asked == [9, 9, 9]
    asked.clear()
    explorer.pages.selected_index = 1
    explorer.selection.channel = 5
    assert asked == [1] * 6 and explorer.blocks.title == "2 · channel 3"
    asked.clear()
    explorer.pages.selected_index = 0
    assert asked == [9, 9, 9] and explorer.blocks.title == "2 · channel 5"


def test_a_picture_that_cannot_be_used_says_so(explorer, page, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.deconv_picture.capture", lambda *_: 1 / 0)
    explorer.selection.image = gallery()["picture 2"]
    assert "division by zero" in page.blocks.error
    monkeypatch.undo()
    explorer.selection.image = gallery()["picture 1"]
    assert page.blocks.error == ""


# -- what holds for all explorers ------------------------------------------------------------------


def test_another_network(explorer):
    explorer.pages.selected_index = 1
    explorer.selection.network = "toynet-gap"
    assert "toynet-gap" in explorer.title.value
    assert explorer.picture_page.blocks.title == f"conv5 · channel {explorer.selection.channel}"
    explorer.pages.selected_index = 0
    assert explorer.blocks.title == f"conv5 · channel {explorer.selection.channel}"
    assert len(explorer.blocks.values) == 9 and explorer.blocks.is_complete
    assert {explorer.blocks.error, explorer.picture_page.blocks.error, explorer.slider.error} == {""}


def test_a_selection_is_shared(network):
    selection = Selection(network, image=gallery()["picture 1"], layer="2", channel=3)
    one = PatchExplorer(selection=selection, images=pictures())
    two = DeconvExplorer(selection=selection, images=pictures(), samples=gallery())
    assert two.blocks.title == "2 · channel 3"
    one.slider.channel = 5
    assert two.blocks.title == "2 · channel 5"
    one.close()
    two.pages.selected_index = 1
    assert np.array_equal(two.picture_page.blocks._drawn[0].picture, np.asarray(gallery()["picture 1"]))
    two.close()
    selection.channel = 0


def test_only_the_open_page_is_described_and_drawn(explorer):
    assert "strongest activation" in explorer.describe() and "beside DeconvNet" in explorer.describe()
    assert explorer.describe().count("channel 4") <= 2 and "HeatMap" not in explorer.describe()
    wide = explorer.picture().size
    explorer.pages.selected_index = 1
    assert "activation from" in explorer.describe() and "9 patches" not in explorer.describe()
    assert explorer.picture().size != wide


def test_unknown_arguments_and_layers(network):
    with pytest.raises(TypeError, match="DeconvExplorer has no argument 'pictures': give network, images"):
        DeconvExplorer(network, pictures=[])
    with pytest.raises(LayerError, match="no layer 'conv9'"):
        DeconvExplorer("toynet", layers=["conv9"])


def test_closing_frees_everything(network):
    explorer = DeconvExplorer(network, images=pictures(), layer="2", samples=gallery())
    explorer.pages.selected_index = 1
    selection, held = explorer.selection, weakref.ref(explorer.picture_page._shown.ways)
    tiles = weakref.ref(explorer._shown.ways)
    widgets = explorer.widgets()
    explorer.close()
    assert all(widget.comm is None for widget in widgets)
    gc.collect()
    assert held() is None and tiles() is None
    selection.channel = 1  # nobody listens
    selection.image = gallery()["picture 2"]
    explorer.close()
    assert explorer.describe() == "DeconvExplorer (closed)"


def test_the_network_is_left_as_it_was(explorer, network):
    explorer.selection.channel = 5
    explorer.pages.selected_index = 1
    assert all(parameter.grad is None for parameter in network.module.parameters())
    assert not any(part._forward_hooks for part in network.module.modules())


def test_a_network_that_has_learned_since_is_looked_at_anew():
    network = cw.load("toynet")
    explorer = DeconvExplorer(network, layer="conv3")
    explorer.picture_page.is_open = True
    explorer.selection.channel = 5
    before = explorer.picture_page.heat.values
    with torch.no_grad():
        network.module.conv3.bias += 1
    explorer.selection.channel = 6
    explorer.selection.channel = 5
    assert explorer.picture_page.heat.values.max() == pytest.approx(before.max() + 1, abs=1e-4)
    explorer.close()
