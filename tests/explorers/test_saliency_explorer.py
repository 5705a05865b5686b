"""The explorer shows the maps of the core, quick ones first, and says how alike those of two classes are."""

import asyncio
import base64
import gc
import io
import re
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
from cnnwidgets.explorers import ActivationExplorer, CamExplorer, SaliencyExplorer, Selection, explanations
from cnnwidgets.explorers.cut_out import FOUND, SEEDS
from cnnwidgets.explorers.explanations import METHODS, SLOW
from cnnwidgets.explorers.likeness import alike
from cnnwidgets.networks import Preprocess

HEIGHT, WIDTH = 20, 28


def network_of(module, name="tiny", classes="abcde", channels=3):
    mean, std = ((0.5, 0.4, 0.3), (0.2, 0.3, 0.4)) if channels == 3 else ((0.5,), (0.25,))
    preprocess = Preprocess((HEIGHT, WIDTH), mean=mean, std=std)
    return cw.wrap(module, preprocess=preprocess, name=name, classes=list(classes))


def small_module(channels=3, seed=3, activation=nn.ReLU):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, stride=2, padding=2),
        activation(),
        nn.Conv2d(6, 8, 3, padding=1),
        activation(),
        nn.Flatten(),
        nn.Linear(8 * 10 * 14, 5),
    )


@pytest.fixture(scope="module")
def network():
    return network_of(small_module())


def picture(seed):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 0)


ONE, TWO = picture(2), picture(10)
SAMPLES = {"one": ONE, "two": TWO}


@pytest.fixture
def explorer(network):
    explorer = SaliencyExplorer(network, image=ONE, samples=SAMPLES)
    explorer.control.samples = explorer.control.steps = 6
    yield explorer
    explorer.close()


def best(network, image):
    return [int(k) for k in network.probabilities(network.read(image))[0].argsort(descending=True)]


def by_core(network, image, target, layer="3", samples=6, noise=0.15, steps=6):
    """What the core's own functions say, one method after the other."""
    x = network.read(image)
    found = {
        "gradient": core.input_gradient(network, x, target),
        "saliency": core.saliency(network, x, target),
        "gradient × input": core.input_x_gradient(network, x, target),
        "SmoothGrad": core.smooth_grad(network, x, target, samples, noise),
        "integrated gradients": core.integrated_gradients(network, x, target, n_steps=steps),
        "guided backprop": core.guided_backprop(network, x, target),
        "DeconvNet": core.deconvnet(network, x, target),
        "Grad-CAM": core.grad_cam(network, x, target, layer),
        "Guided Grad-CAM": core.guided_grad_cam(network, x, target, layer),
    }
    assert tuple(found) == METHODS
    return {method: values[0].numpy() for method, values in found.items()}


def same_maps(explorer, expected, row=0):
    assert explorer.grid.error == ""
    for method, values in expected.items():
        shown = explorer.grid.values(f"{row} {method}")
        np.testing.assert_allclose(shown, values, rtol=1e-4, atol=1e-6, err_msg=method)


def note(explorer, method, row=0):
    return next(panel.note for panel in explorer.grid.panels if panel.key == f"{row} {method}")


def pending(explorer):
    return {panel.key: panel.pending for panel in explorer.grid.panels if panel.pending}


# -- the maps --------------------------------------------------------------------------------------


def test_the_maps_are_those_of_the_core(explorer, network):
    target = best(network, ONE)[0]
    assert target != 0, "or this test could not fail"
    same_maps(explorer, by_core(network, ONE, target))
    assert explorer.selection.target == explorer.classes.target == target
    assert [panel.title for panel in explorer.grid.panels] == list(METHODS)
    kinds = {panel.title: panel.kind for panel in explorer.grid.panels}
    assert kinds["saliency"] == kinds["Grad-CAM"] == "heat" and kinds["guided backprop"] == "colour"
    assert kinds["integrated gradients"] == "signed"
    assert explorer.grid.image.size == (WIDTH, HEIGHT) and pending(explorer) == {}


@pytest.mark.parametrize("from_browser", [False, True])
def test_another_class_and_another_image(explorer, network, from_browser):
    for image, target in ((ONE, 0), (ONE, 3), (TWO, 3), (TWO, 1)):
        if from_browser:
            explorer.images.set_state({"name": "one" if image is ONE else "two"})
            explorer.classes.set_state({"target": target, "follow": False})
        else:
            explorer.selection.image, explorer.selection.target = image, target
        same_maps(explorer, by_core(network, image, target))
        assert (explorer.selection.target, explorer.classes.target) == (target, target)


def test_the_most_probable_class_is_followed_until_another_is_chosen(explorer, network):
    assert best(network, ONE)[0] != best(network, TWO)[0], "or this test could not fail"
    explorer.images.name = "two"
    same_maps(explorer, by_core(network, TWO, best(network, TWO)[0]))
    explorer.classes.set_state({"target": 2, "follow": False})
    explorer.images.name = "one"
    same_maps(explorer, by_core(network, ONE, 2))
    explorer.classes.set_state({"follow": True})
    same_maps(explorer, by_core(network, ONE, best(network, ONE)[0]))
    explorer.selection.target = 2
    explorer.selection.target = None
    same_maps(explorer, by_core(network, ONE, best(network, ONE)[0]))


def test_settings_of_the_slow_ones(explorer, network):
    target = best(network, ONE)[0]
    explorer.control.set_state({"samples": 9, "noise": 0.4, "steps": 3})
    same_maps(explorer, by_core(network, ONE, target, samples=9, noise=0.4, steps=3))
    assert note(explorer, "SmoothGrad") == "mean of 9, noise 40%"


def test_the_gap_of_integrated_gradients_is_told(explorer, network):
    x, target = network.read(ONE), best(network, ONE)[0]
    explorer.control.steps = 2
    told = re.fullmatch(
        r"sums to (\S+), score difference (\S+)", note(explorer, "integrated gradients").replace("−", "-")
    )
    total = float(explorer.grid.values("0 integrated gradients").sum())
    gained = float(network.scores(x)[0, target] - network.scores(torch.zeros_like(x))[0, target])
    assert float(told[1]) == pytest.approx(total, rel=0.01)
    assert float(told[2]) == pytest.approx(gained, rel=0.01)


def test_only_the_chosen_methods_are_shown_and_computed(explorer, network, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("nobody asked for it")

    monkeypatch.setattr(explanations, "smooth_grad_steps", refuse)
    explorer.control.set_state({"chosen": ["saliency", "integrated gradients"]})
    explorer.selection.target = 4
    assert [panel.key for panel in explorer.grid.panels] == ["0 saliency", "0 integrated gradients"]
    expected = by_core(network, ONE, 4)
    same_maps(explorer, {method: expected[method] for method in ("saliency", "integrated gradients")})


def test_grad_cam_is_of_the_last_relu_unless_a_layer_is_given(network):
    explorer = SaliencyExplorer(network, image=ONE, samples={})
    assert note(explorer, "Grad-CAM") == "3, 10 × 14 cells"
    explorer.close()
    explorer = SaliencyExplorer(network, image=ONE, samples={}, layer="0")
    target = best(network, ONE)[0]
    expected = by_core(network, ONE, target, layer="0")
    same_maps(explorer, {method: expected[method] for method in ("Grad-CAM", "Guided Grad-CAM")})
    explorer.selection.layer = "2"
    expected = by_core(network, ONE, target, layer="2")
    same_maps(explorer, {method: expected[method] for method in ("Grad-CAM", "Guided Grad-CAM")})
    explorer.selection.layer = "5"  # has no maps
    assert note(explorer, "Grad-CAM").startswith("3, ")
    explorer.close()


# -- quick ones first, and nothing twice -----------------------------------------------------------


class Gate:
    """SmoothGrad that waits at each of its steps until it may go on; counts what was begun."""

    def __init__(self, monkeypatch):
        self.go_on, self.steps, self.begun = threading.Event(), [], []
        real = explanations.smooth_grad_steps

        def gated(network, x, target, *args, batch_size=None):
            self.begun.append(target)
            for step in real(network, x, target, *args, batch_size=2):
                self.steps.append((target, step[0]))
                assert self.go_on.wait(20)
                yield step

        monkeypatch.setattr(explanations, "smooth_grad_steps", gated)


def test_quick_maps_do_not_wait_for_slow_ones(network, monkeypatch):
    async def scenario():
        explorer = SaliencyExplorer(network, image=ONE, samples={})
        explorer.control.samples = explorer.control.steps = 6
        await explorer.done()
        old = explorer.grid.values("0 SmoothGrad")
        gate = Gate(monkeypatch)
        explorer.selection.target = target = best(network, ONE)[4]
        explorer._ahead.stop()
        await until(lambda: gate.steps)
        expected = by_core_quick = by_core(network, ONE, target)
        await until(lambda: set(pending(explorer)) == {f"0 {method}" for method in SLOW})
        same_maps(explorer, {method: by_core_quick[method] for method in METHODS if method not in SLOW})
        np.testing.assert_array_equal(explorer.grid.values("0 SmoothGrad"), old)
        assert set(pending(explorer)) == {f"0 {method}" for method in SLOW}
        gate.go_on.set()
        await explorer.done()
        same_maps(explorer, expected)
        assert pending(explorer) == {} and explorer.grid.error == ""
        explorer.close()

    asyncio.run(scenario())


def test_stale_work_is_dropped_between_batches(network, monkeypatch):
    async def scenario():
        explorer = SaliencyExplorer(network, image=ONE, samples={})
        explorer.control.samples = explorer.control.steps = 6
        await explorer.done()
        await explorer._ahead.done()
        gate = Gate(monkeypatch)
        explorer.control.noise = 0.3
        first = explorer.selection.target
        await until(lambda: gate.steps)
        for target in (k for k in range(5) if k != first):
            explorer.selection.target = target
        gate.go_on.set()
        await explorer.done()
        explorer._ahead.stop()
        assert gate.begun[:2] == [first, target], "those in between were never begun"
        assert [step for step in gate.steps if step[0] == first][:1] == [(first, 2)]
        assert (first, 6) not in gate.steps[: gate.steps.index((target, 6))]
        same_maps(explorer, by_core(network, ONE, target, noise=0.3))
        explorer.close()

    asyncio.run(scenario())


def test_what_was_computed_is_kept(explorer, monkeypatch):
    first = explorer.selection.target
    other = (first + 1) % 5
    maps = {}
    for target in (other, first):
        explorer.selection.target = target
        maps[target] = {key: explorer.grid.values(f"0 {key}") for key in METHODS}
    for name in ("score_gradients", "smooth_grad_steps", "integrated_gradients_steps"):
        monkeypatch.setattr(explanations, name, None)
    for target in (other, first):
        explorer.selection.target = target
        same_maps(explorer, maps[target])
    explorer.selection.image = TWO
    assert "TypeError" in explorer.grid.error, "or nothing was kept from being computed"


def test_other_classes_are_computed_ahead(network, monkeypatch):
    async def scenario():
        explorer = SaliencyExplorer(network, image=ONE, samples={})
        explorer.control.samples = explorer.control.steps = 4
        await explorer.done()
        await until(lambda: explorer._look.found.has(best(network, ONE)[4], SLOW[1], settings(explorer)))
        expected = {target: by_core(network, ONE, target, samples=4, steps=4) for target in range(5)}
        for name in ("score_gradients", "smooth_grad_steps", "integrated_gradients_steps"):
            monkeypatch.setattr(explanations, name, None)
        for target in range(5):
            explorer.selection.target = target
            await explorer.done()
            same_maps(explorer, expected[target])
        explorer.close()

    asyncio.run(scenario())


def settings(explorer):
    return explorer._look.request.settings


def test_nothing_is_computed_ahead_in_a_script(explorer, network):
    assert not explorer._look.found.has(best(network, ONE)[4], "saliency", settings(explorer))


def test_what_costs_too_much_is_not_computed_ahead(network, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.saliency_explorer.AHEAD_SECONDS", 0)

    async def scenario():
        explorer = SaliencyExplorer(network, image=ONE, samples={})
        await explorer.done()
        await explorer._ahead.done()
        found, last = explorer._look.found, best(network, ONE)[4]
        assert found.has(last, "saliency", settings(explorer))
        assert not any(found.has(last, method, settings(explorer)) for method in SLOW)
        explorer.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("end", ["another class", "closed"])
def test_what_is_computed_ahead_gives_way(network, monkeypatch, end):
    async def scenario():
        explorer = SaliencyExplorer(network, image=ONE, samples={})
        await explorer.done()
        await explorer._ahead.done()
        gate = Gate(monkeypatch)
        explorer.control.set_state({"chosen": ["saliency", "SmoothGrad"], "samples": 6})
        gate.go_on.set()
        await explorer.done()
        first = explorer.selection.target
        await until(lambda: any(target != first for target, _ in gate.steps))
        gate.go_on.clear()
        n = len(gate.steps)
        await until(lambda: len(gate.steps) > n)  # it waits at the gate now
        ahead = gate.steps[-1][0]
        if end == "closed":
            explorer.close()
        else:
            explorer.control.set_state({"chosen": ["saliency"]})
            explorer.selection.target = next(k for k in range(5) if k not in (first, ahead))
        seen = len(gate.steps)
        gate.go_on.set()
        await explorer._ahead.done()
        assert not [target for target, _ in gate.steps[seen:]], "one more step, and no more"
        explorer.close()

    asyncio.run(scenario())


def test_a_network_that_has_learned_is_computed_anew():
    network = network_of(small_module(seed=8))
    explorer = SaliencyExplorer(network, image=ONE, samples={})
    explorer.control.samples = explorer.control.steps = 4
    explorer.selection.target = 1
    explorer.selection.target = 2
    with torch.no_grad():
        network.module[0].weight.mul_(-1)
    explorer.selection.target = 1
    same_maps(explorer, by_core(network, ONE, 1, samples=4, steps=4))
    explorer.close()


# -- two classes -----------------------------------------------------------------------------------


def test_two_classes_and_how_alike_their_maps_are(explorer, network):
    first, second = best(network, ONE)[:2]
    assert explorer._compared.layout.display == "none"
    explorer.control.set_state({"compare": True})
    assert explorer._compared.layout.display is None
    one, other = by_core(network, ONE, first), by_core(network, ONE, second)
    same_maps(explorer, one, row=0)
    same_maps(explorer, other, row=1)
    rows = {panel.key[0]: panel.row for panel in explorer.grid.panels}
    assert rows == {"0": network.classes[first], "1": network.classes[second]}
    for method in METHODS:
        expected = np.corrcoef(one[method].ravel(), other[method].ravel())[0, 1]
        told = f"{expected:.2f}".replace("-", "−")
        assert note(explorer, method, row=1).startswith(f"{told} alike")
        assert "alike" not in note(explorer, method, row=0)
        assert f"{method} {told}" in explorer.describe()
        assert told in explorer.likeness.value
    explorer.second.set_state({"target": first})
    assert explorer.grid.panels[-1].row != network.classes[first], "a class is not compared with itself"
    explorer.second.set_state({"target": best(network, ONE)[3]})
    same_maps(explorer, by_core(network, ONE, best(network, ONE)[3]), row=1)
    same_maps(explorer, one, row=0)
    explorer.control.set_state({"compare": False})
    assert len(explorer.grid.panels) == len(METHODS)
    assert explorer.likeness.layout.display == "none" and "alike" not in explorer.describe()


def test_colours_may_be_shared(explorer):
    explorer.control.set_state({"compare": True})
    assert {panel.scale for panel in explorer.grid.panels} == {""}
    explorer.control.set_state({"shared": True})
    assert {panel.key[2:]: panel.scale for panel in explorer.grid.panels} == {name: name for name in METHODS}


def test_alike_by_hand():
    one = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert alike(one, 5 * one + 7) == pytest.approx(1)
    assert alike(one, -one) == pytest.approx(-1)
    # means 3 and 1; (-2, -1, 0, 3) and (-1, 3, -1, -1): -4 of sqrt(14 * 12)
    assert alike(one, [[0, 4], [0, 0]]) == pytest.approx(-4 / np.sqrt(14 * 12))
    assert alike(one, np.zeros((2, 2))) is None and np.isnan(alike(one, one * np.nan))


def test_guided_backprop_hardly_changes_with_the_class_and_grad_cam_does():
    explorer = SaliencyExplorer("toynet", image=cw.samples("toytown cat"), samples={})
    explorer.control.set_state({"chosen": ["guided backprop", "Grad-CAM"], "compare": True})
    found = explorer._look.likenesses()
    assert found["guided backprop"] > 0.9 and found["Grad-CAM"] < 0.5
    explorer.close()


# -- the object ------------------------------------------------------------------------------------


@pytest.fixture
def town():
    pytest.importorskip("cv2")
    explorer = SaliencyExplorer("toynet", image=cw.samples("toytown boat"), samples={})
    explorer.control.chosen = ["saliency", "Grad-CAM"]
    yield explorer
    explorer.close()


def test_the_object_is_cut_out_and_scored_against_the_truth(town):
    assert town.cutout.layout.display == "none"
    town.control.set_state({"cut": True})
    assert town.cutout.layout.display is None
    truth = cw.data.Toytown("test")[3].object_mask
    assert np.array_equal(np.asarray(town.selection.image), cw.data.Toytown("test")[3].image)
    network = town.selection.network
    values = core.saliency(network, network.read(town.selection.image), town.classes.target)[0]
    mask = core.segment(np.asarray(town.selection.image), values)
    labels = town.cutout.found.values
    expected = np.select([mask & truth, truth, mask], [0, 1, 2], np.nan)
    np.testing.assert_array_equal(labels, expected)
    assert FOUND == ["found", "missed", "too much"] and not town.cutout.found.shares
    assert town.cutout.found.known.all() and town.cutout.seeds.known.all()
    assert town.cutout.found.note == f"{mask.mean():.0%} of the picture · IoU with the true mask: " + (
        f"{core.iou(mask, truth):.2f}"
    )
    began = town.cutout.seeds.values
    assert (began == 0).mean() == pytest.approx(0.05, abs=0.01) and SEEDS[0].startswith("object")
    assert (began == 1).mean() == pytest.approx(0.30, abs=0.01)
    assert values.numpy()[began == 0].min() > values.numpy()[began == 1].max()
    before = labels
    town.control.set_state({"cut_by": "Grad-CAM"})
    assert town.cutout.seeds.title == "Begins at the Grad-CAM map"
    assert not np.array_equal(town.cutout.found.values, before, equal_nan=True)
    town.control.set_state({"cut": False})
    assert town.cutout.layout.display == "none" and "GrabCut" not in town.describe()


def test_a_slow_map_may_begin_the_cut_though_it_is_not_shown(town):
    town.control.set_state({"cut": True, "cut_by": "SmoothGrad", "samples": 2})
    assert town.cutout.seeds.title == "Begins at the SmoothGrad map" and town.grid.error == ""
    assert town.cutout.found.map_size == (96, 96) and len(town.grid.panels) == 2


def test_a_truth_of_ones_own(town):
    town.control.cut = True
    mask = np.nan_to_num(town.cutout.found.values, nan=-1)
    mine = (mask == 0) | (mask == 2)
    town.set_truth(mine)
    assert town.cutout.found.note.endswith("IoU with the true mask: 1.00")
    with pytest.raises(core.InputError, match="96 × 96 pixels"):
        town.set_truth(mine[1:])
    town.selection.image = picture(4)
    assert "IoU" not in town.cutout.found.note, "it is the truth of another picture"


def test_the_truth_is_cropped_as_the_picture_is():
    from cnnwidgets.explorers.toytown_truth import as_seen

    network = cw.wrap(
        small_module(), preprocess=Preprocess((HEIGHT, WIDTH), resize=(40, 56)), classes=list("abcde")
    )
    mask = np.zeros((80, 112), bool)
    mask[20:40, 28:84] = True  # half as large in the resized one, of which the middle is seen
    expected = np.zeros((20, 28), bool)
    expected[:10] = True
    np.testing.assert_array_equal(as_seen(network, mask), expected)


def test_what_cannot_be_cut_out_is_said(town, monkeypatch):
    def broken(*args):
        raise core.InputError("the map is the same at nearly all pixels")

    monkeypatch.setattr("cnnwidgets.explorers.cut_out.segment", broken)
    town.control.cut = True
    assert town.cutout.found.note == "nothing is cut out: the map is the same at nearly all pixels"
    assert town.cutout.found.map_size == (0, 0) and town.grid.error == ""


# -- all kinds of networks -------------------------------------------------------------------------


def test_a_network_without_relus_says_what_is_not_possible():
    network = network_of(small_module(activation=nn.SiLU), name="smooth")
    explorer = SaliencyExplorer(network, image=ONE, samples={})
    explorer.control.samples = explorer.control.steps = 3
    target = best(network, ONE)[0]
    x = network.read(ONE)
    assert explorer.grid.error == ""
    np.testing.assert_allclose(
        explorer.grid.values("0 saliency"), core.saliency(network, x, target)[0], rtol=1e-5, atol=1e-7
    )
    for method in ("guided backprop", "DeconvNet", "Guided Grad-CAM"):
        assert explorer.grid.values(f"0 {method}") is None
        assert note(explorer, method).startswith("not possible: ") and "ReLU" in note(explorer, method)
    assert note(explorer, "Grad-CAM") == "3, 10 × 14 cells" and pending(explorer) == {}
    explorer.control.set_state({"compare": True, "cut": True, "cut_by": "DeconvNet"})
    assert explorer.grid.error == "" and explorer.cutout.found.note.startswith("not possible: ")
    explorer.close()


def test_a_network_without_maps():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * HEIGHT * WIDTH, 7), nn.ReLU(), nn.Linear(7, 5))
    explorer = SaliencyExplorer(network_of(module, name="flat"), image=ONE, samples={})
    assert explorer.grid.error == "" and note(explorer, "Grad-CAM").startswith("not possible: ")
    assert explorer.grid.values("0 guided backprop").shape == (3, HEIGHT, WIDTH)
    explorer.close()


def test_a_network_that_sees_grey():
    network = network_of(small_module(channels=1), channels=1)
    explorer = SaliencyExplorer(network, image=ONE, samples={})
    explorer.control.samples = explorer.control.steps = 6
    expected = by_core(network, ONE, best(network, ONE)[0])
    same_maps(explorer, {method: values.squeeze() for method, values in expected.items()})
    explorer.close()


def test_a_broken_network_is_looked_into():
    module = small_module()
    with torch.no_grad():
        module[5].weight[:] = torch.nan
    explorer = SaliencyExplorer(network_of(module, name="broken"), image=ONE, samples={})
    assert "not all finite" in explorer.grid.error
    assert explorer.grid.said("0 saliency") == "not a number"
    explorer.control.set_state({"compare": True})
    assert "one is not a number" in explorer.likeness.value
    explorer.close()


def test_a_network_with_one_class_has_none_to_compare_with():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    explorer = SaliencyExplorer(network_of(net, name="one", classes="i"), image=ONE, samples={})
    explorer.control.set_state({"compare": True})
    assert {panel.key.split()[0] for panel in explorer.grid.panels} == {"0"}
    explorer.close()


def test_rounding_is_not_stretched_into_colours():
    """Behind a norm over each whole map the mean gradient of every map is zero, but for rounding."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.InstanceNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    network = network_of(net, name="norm", classes="abc")
    raw = core.grad_cam(network, network.read(ONE), 1, "0", relu=False)
    assert 0 < raw.abs().max() < 1e-6, "or this test could not fail"
    explorer = SaliencyExplorer(network, image=ONE, layer="0", samples={})
    assert explorer.grid.said("0 Grad-CAM") == "no positive evidence"
    assert (explorer.grid.values("0 Guided Grad-CAM") == 0).all()
    explorer.close()
    cams = CamExplorer(network, image=ONE, layer="0", samples={})
    assert cams.heat.nothing == "no positive evidence"
    cams.selection.layer = "3"
    expected = core.grad_cam(network, network.read(ONE), cams.selection.target, "3")[0]
    np.testing.assert_allclose(cams.heat.values, expected.numpy(), rtol=1e-5, atol=1e-7)
    cams.close()


def test_another_network(explorer, network):
    other = network_of(small_module(seed=9), name="other", classes="vwxyz")
    explorer.control.compare = True
    explorer.selection.target = 1
    explorer.selection.network = other
    first = best(other, ONE)[0]
    same_maps(explorer, by_core(other, ONE, first))
    assert explorer.classes.classes == explorer.second.classes == list("vwxyz")
    assert explorer.selection.target == explorer.classes.target == first
    assert "other" in explorer.title.value
    explorer.selection.network = network
    same_maps(explorer, by_core(network, ONE, best(network, ONE)[0]))


# -- one of several --------------------------------------------------------------------------------


def test_a_shared_selection(network):
    selection = Selection(network, image=ONE, target=3)
    activations = ActivationExplorer(selection=selection, samples={})
    explorer = SaliencyExplorer(selection=selection, samples={})
    explorer.control.samples = explorer.control.steps = 6
    assert selection.target == explorer.classes.target == activations.classes.target == 3
    same_maps(explorer, by_core(network, ONE, 3, layer=selection.layer))
    activations.classes.set_state({"target": 1, "follow": False})
    same_maps(explorer, by_core(network, ONE, 1, layer=selection.layer))
    explorer.close()
    activations.classes.set_state({"target": 2})  # nobody listens, nothing breaks
    activations.close()


def test_an_error_is_shown_and_the_next_try_takes_it_away(explorer, network, monkeypatch):
    real = explanations.score_gradients
    monkeypatch.setattr(explanations, "score_gradients", lambda *args, **kwargs: 1 / 0)
    explorer.selection.target = other = best(network, ONE)[3]
    assert "ZeroDivisionError" in explorer.grid.error
    monkeypatch.setattr(explanations, "score_gradients", real)
    explorer.selection.target = best(network, ONE)[2]
    explorer.selection.target = other
    same_maps(explorer, by_core(network, ONE, other))


def test_wrong_arguments(network):
    with pytest.raises(TypeError, match="no argument 'picture'"):
        SaliencyExplorer(network, picture=ONE)
    with pytest.raises(TypeError, match="either a selection"):
        SaliencyExplorer(network, selection=Selection(network))


def test_picture_and_words(explorer):
    data = explorer._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert "AttributionGrid: 9 maps" in data["text/plain"] and "Target:" in data["text/plain"]
    sheet = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert sheet.width > 300


def test_closing_ends_everything(network):
    async def scenario():
        before = len(ipywidgets.widgets.widget._instances)
        explorer = SaliencyExplorer(network, image=ONE, samples=SAMPLES)
        explorer.control.samples = 200
        explorer.selection.target = 2
        explorer.close()
        explorer.close()
        await asyncio.sleep(0.1)
        assert len(ipywidgets.widgets.widget._instances) == before
        assert explorer.describe() == "SaliencyExplorer (closed)"
        assert explorer._kept._kept == {}

    asyncio.run(scenario())


def test_a_closed_explorer_keeps_no_network_alive():
    network = network_of(small_module())
    explorer = SaliencyExplorer(network, image=ONE, samples={})
    explorer.close()
    gone = weakref.ref(network.module)
    del network
    gc.collect()
    assert gone() is None
    assert explorer is not None
