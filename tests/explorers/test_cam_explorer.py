"""The explorer shows the maps of the core, of all layers at once, and says where there is no evidence."""

import asyncio
import base64
import gc
import io
import threading
import weakref

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets import core
from cnnwidgets.explorers import ActivationExplorer, CamExplorer, Selection, cams
from cnnwidgets.explorers.cams import METHODS, MOST, walk
from cnnwidgets.explorers.explanations import usual_layer
from cnnwidgets.networks import Preprocess

HEIGHT, WIDTH = 20, 28
LAYERS = ["0", "1", "2", "3"]


def network_of(module, name="tiny", classes="abcde"):
    preprocess = Preprocess((HEIGHT, WIDTH), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    return cw.wrap(module, preprocess=preprocess, name=name, classes=list(classes))


def small_module(gap=False, seed=3, activation=nn.ReLU):
    torch.manual_seed(seed)
    maps = [
        nn.Conv2d(3, 6, 5, stride=2, padding=2),
        activation(),
        nn.Conv2d(6, 8, 3, padding=1),
        activation(),
    ]
    if gap:
        return nn.Sequential(*maps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    return nn.Sequential(*maps, nn.Flatten(), nn.Linear(8 * 10 * 14, 5))


@pytest.fixture(scope="module")
def network():
    return network_of(small_module())


@pytest.fixture(scope="module")
def gap_network():
    return network_of(small_module(gap=True), name="gap")


def picture(seed):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 0)


ONE, TWO = picture(2), picture(10)
SAMPLES = {"one": ONE, "two": TWO}


@pytest.fixture
def explorer(gap_network):
    explorer = CamExplorer(gap_network, image=ONE, samples=SAMPLES)
    yield explorer
    explorer.close()


def best(network, image):
    return [int(k) for k in network.probabilities(network.read(image))[0].argsort(descending=True)]


def by_core(network, image, target, method, layer, relu=True):
    x = network.read(image)
    found = {
        "CAM": lambda: core.cam(network, x, target),
        "Grad-CAM": lambda: core.grad_cam(network, x, target, layer, relu),
        "Grad-CAM++": lambda: core.grad_cam_plus_plus(network, x, target, layer),
        "HiResCAM": lambda: core.hires_cam(network, x, target, layer, relu),
        "LayerCAM": lambda: core.layer_cam(network, x, target, layer),
        "Score-CAM": lambda: core.score_cam(network, x, target, layer),
    }
    return found[method]()[0].numpy()


def same(shown, expected):
    np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=1e-7)


def shows(explorer, network, image, target, method, layer, relu=True):
    """Whether the large map and that in the row are those of the core."""
    expected = by_core(network, image, target, method, layer, relu)
    same(explorer.row.values(layer), expected)
    if expected.any():
        same(explorer.heat.values, expected)
    else:
        assert explorer.heat.map_size == (0, 0)
    assert (explorer.control.layer, explorer.row.chosen) == (layer, layer)
    assert explorer.heat.title.startswith(f"{method} for {network.classes[target]}")
    assert explorer.control.error == explorer.heat.error == explorer.row.error == ""


# -- the maps --------------------------------------------------------------------------------------


def test_begins_with_grad_cam_of_the_last_relu_for_the_most_probable_class(explorer, gap_network):
    target = best(gap_network, ONE)[0]
    shows(explorer, gap_network, ONE, target, "Grad-CAM", "3")
    assert explorer.selection.layer == "3" and explorer.selection.target == target
    assert explorer.control.layers == LAYERS
    assert explorer.control.notes[0] == "10 × 14 cells"
    assert (explorer.heat.low, explorer.heat.unit, explorer.heat.colormap) == (0, "score", "viridis")


@pytest.mark.parametrize("method", [method for method in METHODS if method != "CAM"])
def test_every_method_in_every_layer_for_every_class(explorer, gap_network, method):
    explorer.control.set_state({"method": method})
    relu = method != "HiResCAM"
    for target in (0, 3):
        explorer.selection.target = target
        for layer in LAYERS:
            explorer.control.set_state({"layer": layer})
            shows(explorer, gap_network, ONE, target, method, layer, relu)
            assert explorer.selection.layer == layer


def test_all_layers_are_there_at_once(explorer, gap_network):
    for layer in LAYERS:
        expected = by_core(gap_network, ONE, explorer.selection.target, "Grad-CAM", layer)
        same(explorer.row.values(layer), expected)


def test_moving_the_slider_computes_nothing(explorer, gap_network, monkeypatch):
    target = explorer.selection.target
    expected = {layer: by_core(gap_network, ONE, target, "LayerCAM", layer) for layer in LAYERS}
    for name in ("score_gradients", "combine_layer_cam", "cam"):
        monkeypatch.setattr(cams, name, None)
    explorer.control.set_state({"method": "LayerCAM"})
    for layer in LAYERS:
        explorer.control.set_state({"layer": layer})
        same(explorer.heat.values, expected[layer])


def test_cam_where_the_network_can(explorer, gap_network):
    explorer.control.set_state({"layer": "0"})
    explorer.control.set_state({"method": "CAM"})
    target = explorer.selection.target
    expected = by_core(gap_network, ONE, target, "CAM", None)
    assert expected.min() < 0, "or it would not matter that there is no ReLU"
    same(explorer.heat.values, expected)
    assert explorer.heat.title == f"CAM for {gap_network.classes[target]}"
    assert explorer.heat.colormap == "RdBu_r" and explorer.heat.low is None
    assert explorer.control.fixed and not explorer.control.relu and explorer.control.relu_fixed
    assert explorer.control.layer == "3" and [panel.key for panel in explorer.row.panels] == ["3"]
    explorer.control.set_state({"method": "Grad-CAM"})
    assert explorer.control.layer == explorer.selection.layer == "0", "the slider is where it was"
    shows(explorer, gap_network, ONE, target, "Grad-CAM", "0")
    assert explorer.control.relu and not explorer.control.fixed + explorer.control.relu_fixed


def test_cam_is_refused_where_there_is_no_global_average_pooling(network):
    explorer = CamExplorer(network, image=ONE, samples={})
    assert list(explorer.control.refused) == ["CAM"]
    assert "global average pooling" in explorer.control.refused["CAM"]
    explorer.control.set_state({"method": "CAM"})
    assert explorer.control.method == "Grad-CAM"
    explorer.close()


def test_a_network_that_cannot_comes_while_cam_is_shown(explorer, network):
    explorer.control.set_state({"method": "CAM"})
    explorer.selection.network = network
    assert explorer.control.method == "Grad-CAM"
    shows(explorer, network, ONE, best(network, ONE)[0], "Grad-CAM", "3")


def test_negative_evidence(explorer, gap_network):
    target = best(gap_network, ONE)[-1]
    explorer.selection.target = target
    for method in ("Grad-CAM", "HiResCAM"):
        explorer.control.set_state({"method": method})
        assert explorer.control.relu is (method == "Grad-CAM"), "as the papers have it"
        for relu in (False, True):
            explorer.control.set_state({"relu": relu})
            shows(explorer, gap_network, ONE, target, method, "3", relu)
            assert explorer.heat.colormap == ("viridis" if relu else "RdBu_r")
            assert {panel.kind for panel in explorer.row.panels} == {"heat" if relu else "signed"}
    explorer.control.set_state({"method": "LayerCAM"})
    assert explorer.control.relu and explorer.control.relu_fixed == "part of its definition"
    explorer.control.set_state({"method": "Grad-CAM", "relu": False})
    explorer.control.set_state({"method": "HiResCAM"})
    assert explorer.control.relu, "each method keeps what was chosen for it"


def test_where_there_is_no_positive_evidence_it_says_so():
    module = small_module()
    with torch.no_grad():
        module[5].weight[2] = -module[5].weight[2].abs()
    network = network_of(module)
    explorer = CamExplorer(network, image=ONE, samples={})
    explorer.selection.target = 2
    assert explorer.heat.title == "Grad-CAM for c at 3"
    assert explorer.heat.nothing == "no positive evidence"
    assert explorer.heat.map_size == (0, 0) and explorer.row.said("3") == "no positive evidence"
    assert explorer.guided.said("guided") == "all zero"
    explorer.control.set_state({"relu": False})
    assert explorer.heat.title == "Grad-CAM for c at 3" and explorer.heat.values.max() <= 0
    explorer.close()


def test_a_broken_network_is_looked_into():
    module = small_module()
    with torch.no_grad():
        module[5].weight[:] = torch.nan
    explorer = CamExplorer(network_of(module, name="broken"), image=ONE, samples={})
    assert explorer.heat.nothing == "not a number" and "not all finite" in explorer.control.error
    explorer.control.set_state({"relu": False})
    assert explorer.heat.nothing == "not a number"
    explorer.close()


def test_guided_grad_cam(explorer, gap_network):
    x, target = gap_network.read(ONE), explorer.selection.target
    for layer in ("3", "0"):
        explorer.control.set_state({"layer": layer})
        expected = core.guided_grad_cam(gap_network, x, target, layer)[0]
        assert expected.abs().max() > 0, "or this test could not fail"
        same(explorer.guided.values("guided"), expected)
    explorer.control.set_state({"method": "LayerCAM"})
    large = core.upsample(core.layer_cam(gap_network, x, target, "0"), (HEIGHT, WIDTH))[:, None]
    expected = core.guided_backprop(gap_network, x, target) * large
    same(explorer.guided.values("guided"), expected[0])
    assert explorer.guided.panels[0].title == "Guided backprop × LayerCAM"


def test_a_network_without_relus():
    network = network_of(small_module(activation=nn.SiLU), name="smooth")
    explorer = CamExplorer(network, image=ONE, samples={})
    assert explorer.control.error == "" and explorer.selection.layer == "3"
    same(explorer.heat.values, by_core(network, ONE, best(network, ONE)[0], "Grad-CAM", "3"))
    panel = explorer.guided.panels[0]
    assert panel.values is None and panel.note.startswith("not possible: ") and "ReLU" in panel.note
    explorer.close()


def test_a_network_without_maps():
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * HEIGHT * WIDTH, 5))
    before = len(ipywidgets.widgets.widget._instances)
    with pytest.raises(core.LayerError, match="no layer of flat has maps"):
        CamExplorer(network_of(module, name="flat"), image=ONE, samples={})
    assert len(ipywidgets.widgets.widget._instances) == before


# -- what is chosen --------------------------------------------------------------------------------


def test_a_click_in_the_row_chooses_the_layer(explorer, gap_network):
    explorer.row.set_state({"chosen": "1"})
    shows(explorer, gap_network, ONE, explorer.selection.target, "Grad-CAM", "1")
    explorer.row.set_state({"chosen": None})
    assert explorer.selection.layer == "1" and explorer.row.error == ""


def test_another_image_and_class(explorer, gap_network):
    explorer.images.set_state({"name": "two"})
    shows(explorer, gap_network, TWO, best(gap_network, TWO)[0], "Grad-CAM", "3")
    explorer.classes.set_state({"target": 1, "follow": False})
    shows(explorer, gap_network, TWO, 1, "Grad-CAM", "3")
    explorer.images.set_state({"name": "one"})
    shows(explorer, gap_network, ONE, 1, "Grad-CAM", "3")
    assert explorer.heat.image.size == explorer.guided.image.size == (WIDTH, HEIGHT)


def test_a_layer_without_maps_leaves_the_usual_one(explorer, gap_network):
    explorer.selection.layer = "1"
    explorer.selection.layer = "6"
    shows(explorer, gap_network, ONE, explorer.selection.target, "Grad-CAM", "3")
    assert explorer.selection.layer == "6"


def test_a_shared_selection(gap_network):
    selection = Selection(gap_network, image=ONE, layer="1", target=3)
    activations = ActivationExplorer(selection=selection, samples={})
    explorer = CamExplorer(selection=selection, samples={})
    shows(explorer, gap_network, ONE, 3, "Grad-CAM", "1")
    activations.layers.set_state({"layer": "2"})
    shows(explorer, gap_network, ONE, 3, "Grad-CAM", "2")
    explorer.control.set_state({"layer": "0"})
    assert activations.layers.layer == "0"
    explorer.close()
    activations.layers.set_state({"layer": "2"})  # nobody listens, nothing breaks
    activations.close()


def deep(n):
    layers = [nn.Conv2d(3, 2, 3, padding=1), nn.ReLU()]
    for _ in range(n - 1):
        layers += [nn.Conv2d(2, 2, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * HEIGHT * WIDTH, 5))


def test_the_walk_is_not_too_long():
    few, some, many = (network_of(deep(n)) for n in (3, 12, 40))
    assert walk(few) == ("0", "1", "2", "3", "4", "5")
    assert walk(some) == tuple(str(2 * n + 1) for n in range(12)), "the ReLUs"
    found = walk(many)
    assert len(found) == MOST and found[0] == "1" and found[-1] == "79"
    steps = np.diff([int(name) for name in found])
    assert steps.max() - steps.min() <= 2, "evenly spaced"
    assert "2" not in found
    assert walk(many, "2") == ("1", "2", *found[1:])
    assert walk(network_of(nn.Sequential(nn.Flatten(), nn.Linear(1680, 5)))) == ()


def test_a_layer_that_the_slider_would_leave_out_is_included():
    network = network_of(deep(12))
    explorer = CamExplorer(network, image=ONE, samples={}, layer="4")
    assert explorer.control.layer == "4" and len(explorer.control.layers) == 13
    shows(explorer, network, ONE, best(network, ONE)[0], "Grad-CAM", "4")
    explorer.selection.layer = "6"
    shows(explorer, network, ONE, best(network, ONE)[0], "Grad-CAM", "6")
    explorer.close()


def test_torchvision_networks():
    """Blocks inside of blocks, ReLUs that are used twice, in-place ReLUs."""
    for name in ("resnet18", "squeezenet1_1"):
        network = cw.load(name, weights=None)
        explorer = CamExplorer(network, image=ONE, samples={})
        layers = explorer.control.layers
        assert explorer.control.error == "" and 4 <= len(layers) <= MOST
        target = explorer.selection.target
        for layer in (layers[1], layers[-1]):
            expected = by_core(network, ONE, target, "Grad-CAM", layer)
            np.testing.assert_allclose(explorer.row.values(layer), expected, rtol=1e-3, atol=1e-6)
        explorer.close()


# -- Score-CAM -------------------------------------------------------------------------------------


class Gate:
    """Score-CAM that waits after each of its channels until it may go on."""

    def __init__(self, monkeypatch):
        self.go_on, self.told, self.begun = threading.Event(), [], []
        real = cams.score_cam

        def gated(network, x, target, layer, batch_size, progress):
            def wait(done, total):
                self.told.append((target, layer, done, total))
                assert self.go_on.wait(20)
                progress(done, total)

            self.begun.append((target, layer))
            return real(network, x, target, layer, batch_size=1, progress=wait)

        monkeypatch.setattr(cams, "score_cam", gated)


def test_score_cam_tells_how_far_it_is_and_others_follow(gap_network, monkeypatch):
    async def scenario():
        explorer = CamExplorer(gap_network, image=ONE, samples={})
        await explorer.done()
        gate = Gate(monkeypatch)
        explorer.control.set_state({"method": "Score-CAM"})
        await until(lambda: gate.told)
        target = explorer.selection.target
        assert gate.told[0] == (target, "3", 1, 8)
        await until(lambda: "of 8" in explorer.heat.title)
        assert explorer.heat.map_size == (0, 0) and explorer.row.values("3") is None
        gate.go_on.set()
        await explorer.done()
        shows(explorer, gap_network, ONE, target, "Score-CAM", "3")
        await until(lambda: all(explorer.row.values(layer) is not None for layer in LAYERS))
        for layer in LAYERS:
            same(explorer.row.values(layer), by_core(gap_network, ONE, target, "Score-CAM", layer))
        assert explorer.heat.unit == "activation" and explorer.control.relu_fixed
        explorer.close()

    asyncio.run(scenario())


def test_score_cam_is_given_up_when_something_else_is_wanted(gap_network, monkeypatch):
    async def scenario():
        explorer = CamExplorer(gap_network, image=ONE, samples={})
        await explorer.done()
        gate = Gate(monkeypatch)
        explorer.control.set_state({"method": "Score-CAM"})
        await until(lambda: gate.told)
        first = explorer.selection.target
        explorer.selection.target = other = best(gap_network, ONE)[2]
        gate.go_on.set()
        await explorer.done()
        explorer._ahead.stop()
        assert [told for told in gate.told if told[0] == first] == [(first, "3", 1, 8)]
        shows(explorer, gap_network, ONE, other, "Score-CAM", "3")
        explorer.control.set_state({"method": "Grad-CAM"})
        await explorer.done()
        shows(explorer, gap_network, ONE, other, "Grad-CAM", "3")
        explorer.close()

    asyncio.run(scenario())


def test_in_a_script_score_cam_is_of_the_chosen_layer_only(explorer):
    explorer.control.set_state({"method": "Score-CAM"})
    assert explorer.row.values("3") is not None
    notes = {panel.key: panel.note for panel in explorer.row.panels if panel.values is None}
    assert notes == dict.fromkeys(LAYERS[:3], "choose it to compute it")
    explorer.control.set_state({"layer": "1"})
    assert explorer.row.values("1") is not None


# -- the rest --------------------------------------------------------------------------------------


def test_other_classes_are_computed_ahead(gap_network, monkeypatch):
    async def scenario():
        explorer = CamExplorer(gap_network, image=ONE, samples={})
        await explorer.done()
        await explorer._ahead.done()
        monkeypatch.setattr(cams, "score_gradients", None)
        for target in range(5):
            explorer.selection.target = target
            await explorer.done()
            assert explorer.control.error == ""
            expected = explorer._look.found.map(target, "Grad-CAM", "3")
            same(explorer.row.values("3"), expected)
        explorer.close()

    asyncio.run(scenario())


def test_a_network_that_has_learned_is_computed_anew():
    network = network_of(small_module(seed=8))
    explorer = CamExplorer(network, image=ONE, samples={})
    explorer.selection.target = 1
    explorer.selection.target = 2
    with torch.no_grad():
        network.module[0].weight.mul_(-1)
    explorer.selection.target = 1
    shows(explorer, network, ONE, 1, "Grad-CAM", "3")
    explorer.close()


def test_an_error_is_shown_and_the_next_try_takes_it_away(explorer, gap_network, monkeypatch):
    real = cams.score_gradients
    monkeypatch.setattr(cams, "score_gradients", lambda *args, **kwargs: 1 / 0)
    others = [target for target in range(5) if target != explorer.selection.target]
    explorer.selection.target = others[0]
    assert "ZeroDivisionError" in explorer.control.error
    monkeypatch.setattr(cams, "score_gradients", real)
    explorer.selection.target = others[1]
    shows(explorer, gap_network, ONE, others[1], "Grad-CAM", "3")


def test_picture_and_words(explorer):
    data = explorer._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert "Grad-CAM for" in data["text/plain"] and "Method Grad-CAM; layer 3" in data["text/plain"]
    sheet = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert sheet.width > 300


def test_closing_ends_everything(gap_network):
    async def scenario():
        before = len(ipywidgets.widgets.widget._instances)
        explorer = CamExplorer(gap_network, image=ONE, samples=SAMPLES)
        explorer.selection.target = 2
        explorer.control.method = "Score-CAM"
        explorer.close()
        explorer.close()
        await asyncio.sleep(0.1)
        assert len(ipywidgets.widgets.widget._instances) == before
        assert explorer.describe() == "CamExplorer (closed)"
        assert explorer._kept._kept == {}

    asyncio.run(scenario())


def test_a_closed_explorer_keeps_no_network_alive():
    network = network_of(small_module())
    explorer = CamExplorer(network, image=ONE, samples={})
    explorer.close()
    gone = weakref.ref(network.module)
    del network
    gc.collect()
    assert gone() is None
    assert explorer is not None


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("alexnet", "features.11"), ("vgg11", "features.19"), ("resnet18", "layer4.1.relu#2"),
        ("densenet121", "features"), ("mobilenet_v3_small", "features"), ("googlenet", "inception5b"),
    ],
)  # fmt: skip
def test_where_networks_end(name, last):
    """At their last maps, not in the middle of a block, nor at the last ReLU of an early layer."""
    network = cw.load(name, weights=None)
    layers = walk(network)
    assert usual_layer(network) == last and last in layers and 4 <= len(layers) <= 19
