"""The explorer shows what the core finds, measures it honestly, and goes on while it searches."""

import asyncio
import gc
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
from cnnwidgets.explorers import FoolingExplorer, SaliencyExplorer, Selection, fooling_facts, fooling_search
from cnnwidgets.explorers.fooling_facts import noise_like
from cnnwidgets.networks import Preprocess

HEIGHT, WIDTH = 12, 18


def small_module(channels=3, seed=3, n_classes=5):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 6 * 9, n_classes),
    )


def network_of(module, channels=3, resize=None, classes="abcde"):
    mean, std = ((0.5, 0.4, 0.3), (0.2, 0.3, 0.4)) if channels == 3 else ((0.5,), (0.25,))
    preprocess = Preprocess((HEIGHT, WIDTH), mean=mean, std=std, resize=resize)
    return cw.wrap(module, preprocess=preprocess, name="tiny", classes=list(classes))


@pytest.fixture(scope="module")
def network():
    return network_of(small_module())


def picture(seed):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(60, 200, (4, 6, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 0)


ONE, TWO = picture(2), picture(10)
SAMPLES = {"one": ONE, "two": TWO}


@pytest.fixture
def explorer(network):
    explorer = FoolingExplorer(network, image=ONE, samples=SAMPLES)
    yield explorer
    explorer.close()


def said(network, image):
    return network.probabilities(network.read(image))[0]


def shows(explorer, network, image, target, confidence=0.9):
    """Whether what is shown is what the core finds."""
    x = network.read(image)
    wanted = core.fooling_image(network, x, target, confidence=confidence).run()
    assert explorer.viewer.error == "" and explorer.target == target
    torch.testing.assert_close(explorer.found.change, wanted.change)
    assert explorer.viewer.marked == (int(said(network, image).argmax()), target)
    levels = 255 * wanted.change[0] * torch.tensor([0.2, 0.3, 0.4]).reshape(3, 1, 1)
    np.testing.assert_allclose(explorer.viewer.changes[0].values, levels, atol=1e-4)
    np.testing.assert_array_equal(np.asarray(image), explorer.viewer._picture)
    grown = explorer.viewer.changes[0].probabilities
    assert grown[20, target] == pytest.approx(wanted.probability, abs=1e-4) and grown[20].argmax() == target
    np.testing.assert_allclose(grown[0], said(network, image), atol=1e-5)


# -- what is shown ---------------------------------------------------------------------------------


def test_at_first_the_least_probable_class(explorer, network):
    shows(explorer, network, ONE, int(said(network, ONE).argmin()))
    assert explorer.control.message.startswith("found in") and not explorer.control.running
    assert explorer.classes.follow is False


@pytest.mark.parametrize("from_browser", [False, True])
def test_another_class_another_picture_another_confidence(explorer, network, from_browser):
    order = said(network, ONE).argsort(descending=True).tolist()
    if from_browser:
        explorer.classes.set_state({"target": order[2], "follow": False})
    else:
        explorer.target = order[2]
    shows(explorer, network, ONE, order[2])
    if from_browser:
        explorer.images.set_state({"name": "two"})
    else:
        explorer.selection.image = TWO
    shows(explorer, network, TWO, order[2])
    if from_browser:
        explorer.control.set_state({"confidence": 0.5})
    else:
        explorer.control.confidence = 0.5
    shows(explorer, network, TWO, order[2], 0.5)


def test_chosen_at_the_start(network):
    explorer = FoolingExplorer(network, image=TWO, samples={}, target=3, confidence=0.6)
    shows(explorer, network, TWO, 3, 0.6)
    explorer.close()


def test_a_class_that_it_has_already(explorer, network):
    explorer.target = present = int(said(network, ONE).argmax())
    explorer.control.confidence = 0
    assert not explorer.found.change.any()
    assert explorer.control.message.startswith(f"it is taken for {network.classes[present]} already")
    assert len(explorer.viewer.changes) == 1 and [name for name, _ in explorer.viewer.facts] == ["L2 norm"]


def test_more_steps_than_allowed(network):
    explorer = FoolingExplorer(network, image=ONE, samples={}, n_steps=1, confidence=0.999)
    assert not explorer.found.is_fooled
    assert explorer.control.message.startswith("no such change was found in 1 steps")
    assert explorer.control.message.endswith("ask for less")
    assert explorer.viewer.changes[0].name == "The last change tried"
    assert [name for name, _ in explorer.viewer.facts] == ["L2 norm"], "there is nothing that could survive"
    explorer.close()


def test_another_network_brings_its_own_classes(explorer):
    other = network_of(small_module(seed=5, n_classes=3), classes="xyz")
    explorer.target = 4
    explorer.selection.network = other
    shows(explorer, other, ONE, int(said(other, ONE).argmin()))
    assert explorer.viewer.classes == ["x", "y", "z"]


def test_network_and_picture_are_shared_but_not_the_class(network):
    selection = Selection(network, ONE)
    saliency = SaliencyExplorer(selection=selection, samples=SAMPLES)
    fooling = FoolingExplorer(selection=selection, samples=SAMPLES)
    explained = selection.target
    fooling.target = (explained + 1) % 5
    assert selection.target == explained
    saliency.images.name = "two"
    shows(fooling, network, TWO, (explained + 1) % 5)
    fooling.images.name = "one"
    assert saliency.grid.image.tobytes() == network.picture(ONE).tobytes()
    for each in (saliency, fooling):
        each.close()


def test_the_search_is_drawn(explorer):
    sizes = np.asarray(explorer.viewer.search).reshape(-1, 2)
    assert sizes[0].tolist() == [0, 0] and sizes[:, 1].any()
    fooled = sizes[sizes[:, 1] > 0, 0]
    assert fooled.min() == pytest.approx(explorer.viewer.changes[0].size, rel=1e-4)


# -- what is measured ------------------------------------------------------------------------------


def test_saved_with_8_bits(explorer, network):
    found = explorer.found.image
    scale = torch.tensor([0.2, 0.3, 0.4]).reshape(3, 1, 1)
    mean = torch.tensor([0.5, 0.4, 0.3]).reshape(3, 1, 1)
    rounded = ((255 * (found * scale + mean)).round() / 255 - mean) / scale
    np.testing.assert_allclose(explorer.facts.saved, network.probabilities(rounded)[0], atol=1e-4)
    assert explorer.facts.opened is None
    facts = dict(explorer.viewer.facts)
    assert set(facts) == {"L2 norm", "saved as PNG", "mere noise"}


def test_a_file_that_is_resized_once_more():
    network = network_of(small_module(), resize=(14, 20))
    explorer = FoolingExplorer(network, image=ONE, samples={})
    again = Image.fromarray(network.to_image(explorer.found.image)[0])
    np.testing.assert_allclose(explorer.facts.opened, said(network, again), atol=1e-5)
    assert "resized and cropped once more" in dict(explorer.viewer.facts)["file opened"]
    explorer.close()


def test_what_becomes_of_a_saved_change_is_said_as_it_is():
    names, facts = list("abc"), [np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.1, 0.7])]
    told = [fooling_facts._survival(each, names, 0, 2, "in whole grey levels") for each in facts]
    assert told == [
        "in whole grey levels, it no longer fools, a is first: c 10.0 %, a 70.0 %",
        "in whole grey levels, it still fools: c 70.0 %, a 20.0 %",
    ]


def test_noise_is_as_large_as_the_change(explorer, network):
    facts, norm = explorer.facts, explorer.found.norm
    assert float(torch.linalg.vector_norm(facts.noise)) == pytest.approx(norm, rel=1e-3)
    np.testing.assert_allclose(facts.tries[0], facts.noise_grown[20], atol=1e-5)
    alone = network.probabilities(network.read(ONE) + facts.noise)[0]  # nothing is cut off in this picture
    np.testing.assert_allclose(facts.tries[0], alone, atol=1e-5)
    present = int(said(network, ONE).argmax())
    stays = int((facts.tries.argmax(1) == present).sum())
    told = dict(explorer.viewer.facts)["mere noise"]
    assert f"{network.classes[present]} stays first in {stays}, with" in told


def test_noise_does_not_fool_toynet():
    """It does fool the tiny network above, now and then, which has seven hundred values only."""
    explorer = FoolingExplorer("toynet", target=3)
    assert explorer.found.is_fooled and "stays first in 8," in dict(explorer.viewer.facts)["mere noise"]
    assert "still fools" in dict(explorer.viewer.facts)["saved as PNG"]
    explorer.close()


def test_noise_makes_up_for_what_is_cut_off(network):
    white = network.read(Image.new("RGB", (WIDTH, HEIGHT), "white"))
    change = 0.05 * torch.randn(white.shape, generator=torch.Generator().manual_seed(1))
    noise = noise_like(network, white, change, 3)
    assert (noise <= 1e-6).all(), "there is nothing above white"
    norms = torch.linalg.vector_norm(noise, dim=(1, 2, 3))
    torch.testing.assert_close(norms, change.norm().expand(3), rtol=1e-2, atol=0)
    assert len({float(each.sum()) for each in noise}) == 3


def test_a_network_that_sees_grey():
    network = network_of(small_module(channels=1), channels=1)
    explorer = FoolingExplorer(network, image=ONE, samples={})
    assert explorer.found.is_fooled and explorer.viewer.error == ""
    assert explorer.facts.opened is None, "a grey file is read as it is"
    np.testing.assert_allclose(
        explorer.viewer.changes[0].values[2], 255 * 0.25 * explorer.found.change[0, 0], atol=1e-4
    )
    explorer.close()


# -- beside the event loop -------------------------------------------------------------------------


class Gate:
    """A search that waits at each of its steps until it may go on."""

    def __init__(self, monkeypatch):
        self.go_on, self.targets, self.steps = threading.Event(), [], 0
        real = fooling_search.fooling_image
        gate = self

        def gated(network, x, target, **options):
            gate.targets.append(target)
            search = real(network, x, target, **options)

            class Gated:
                best = property(lambda self: search.best)

                def __iter__(self):
                    for step in search:
                        gate.steps += 1
                        assert gate.go_on.wait(20)
                        yield step

            return Gated()

        monkeypatch.setattr(fooling_search, "fooling_image", gated)


def test_a_stale_search_is_given_up_and_the_picture_shown_meanwhile(network, monkeypatch):
    async def scenario():
        explorer = FoolingExplorer(network, image=ONE, samples=SAMPLES)
        await explorer.done()
        gate = Gate(monkeypatch)
        explorer.images.name = "two"
        await until(lambda: gate.steps)
        await until(lambda: len(explorer.viewer.scales) == 2)
        np.testing.assert_array_equal(explorer.viewer._picture, np.asarray(TWO))
        assert explorer.control.running and explorer.found is None
        explorer.target, steps = 1, gate.steps
        explorer.target = 3
        gate.go_on.set()
        await explorer.done()
        assert gate.targets[1:] == [3] and gate.steps > steps, "1 was never searched for"
        shows(explorer, network, TWO, 3)
        explorer.close()

    asyncio.run(scenario())


def test_stopped_it_keeps_the_best(network, monkeypatch):
    monkeypatch.setattr(fooling_search, "SHOW_EVERY", 0)

    async def scenario():
        explorer = FoolingExplorer(network, image=ONE, samples=SAMPLES)
        gate = Gate(monkeypatch)
        explorer.target = 2
        await until(lambda: gate.steps)
        explorer.control.receive({"kind": "stop"}, [])
        gate.go_on.set()
        await explorer.done()
        assert gate.steps == 1 and not explorer.control.running
        assert re.fullmatch(r"stopped too early; c gets [<\d. ]+ %", explorer.control.message)
        explorer.close()

    asyncio.run(scenario())


def test_the_search_is_watched(network, monkeypatch):
    monkeypatch.setattr(fooling_search, "SHOW_EVERY", 0)
    seen = []

    async def scenario():
        explorer = FoolingExplorer(network, image=ONE, samples=SAMPLES)
        explorer.viewer.observe(lambda change: seen.append(len(change.new) // 2), "search")
        explorer.target = 2
        await explorer.done()
        explorer.close()

    asyncio.run(scenario())
    assert len(seen) > 10 and seen == sorted(seen)


def test_what_comes_late_is_not_shown(network):
    """As another thread has chosen something else meanwhile, or closed the explorer."""
    explorer = FoolingExplorer(network, image=ONE, samples=SAMPLES)
    *_, late = fooling_search.search_steps(explorer._asked, 5, lambda: False)
    explorer.images.name = "two"
    found = explorer.found
    explorer.control.begin(9)
    explorer._show(late)
    assert explorer.found is found and explorer.control.running
    np.testing.assert_array_equal(explorer.viewer._picture, np.asarray(TWO))
    explorer.close()
    explorer._show(late)
    assert explorer.found is None and explorer.viewer._picture is None


# -- errors, and the end ---------------------------------------------------------------------------


def test_errors_are_shown_and_go(explorer, network):
    with pytest.raises(Exception, match="class 9 does not exist"):
        explorer.target = 9
    explorer.classes.set_state({"target": 9})
    assert "class 9 does not exist" in explorer.classes.error
    flat = network_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * HEIGHT * WIDTH, 5)))
    nn.init.zeros_(flat.module[1].weight)
    explorer.selection.network = flat
    assert "no gradient leads" in explorer.viewer.error and not explorer.control.running
    explorer.selection.network = network
    assert explorer.viewer.error == ""


def test_after_an_error_nothing_is_shown_of_what_was_chosen_before(explorer, network):
    broken = network_of(small_module())
    nn.init.constant_(broken.module[3].bias, torch.nan)
    explorer.viewer.chosen = 1
    explorer.selection.network = broken
    assert "check its weights" in explorer.viewer.error and explorer.found is None
    assert explorer.viewer.describe() == "ChangeViewer: no picture" and explorer.viewer.picture() is None
    assert explorer.viewer.facts == [] and not len(explorer.viewer.search)
    explorer.selection.network = network
    shows(explorer, network, ONE, int(said(network, ONE).argmin()))


def test_arguments():
    with pytest.raises(TypeError, match="has no argument 'layer': give network, image, selection, target"):
        FoolingExplorer(layer="conv1")
    with pytest.raises(Exception, match="class 12 does not exist"):
        FoolingExplorer("toynet", target=12)


def test_in_words_and_as_a_picture(explorer, network):
    text = explorer.describe()
    assert "Before: " in text and "mere noise" in text and "Wanted: 90 %" in text
    assert explorer.picture().height > 300


def test_closing_ends_everything(network):
    async def scenario():
        before = len(ipywidgets.widgets.widget._instances)
        explorer = FoolingExplorer(network, image=ONE, samples=SAMPLES)
        explorer.target = 2
        explorer.close()
        explorer.close()
        await asyncio.sleep(0.1)
        assert len(ipywidgets.widgets.widget._instances) == before
        assert explorer.describe() == "FoolingExplorer (closed)" and explorer.found is None

    asyncio.run(scenario())


def test_a_closed_explorer_keeps_no_network_alive():
    own = network_of(small_module())
    explorer, held = FoolingExplorer(own, image=ONE, samples={}), weakref.ref(own.module)
    explorer.close()
    del own
    gc.collect()
    assert held() is None and explorer.facts is None
