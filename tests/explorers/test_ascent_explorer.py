"""Images that grow: the core's steps, live, under settings that change on the way."""

import asyncio
import gc
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets import core
from cnnwidgets.core import LayerError
from cnnwidgets.explorers import AscentExplorer, Selection, ascent_session
from cnnwidgets.explorers.ascent_run import NOISE, pictures_of
from cnnwidgets.explorers.ascent_words import share
from cnnwidgets.networks import Preprocess
from cnnwidgets.widgets import AscentSettings, LiveFigure
from cnnwidgets.widgets._words import number
from cnnwidgets.widgets.live_figure import STYLE

HEIGHT, WIDTH = 8, 12
CLASSES = ["cat", "dog", "bus", "boat", "tree"]
PLAIN = AscentSettings()


class Small(nn.Module):
    """Takes a while at each step, if it is told so; counts how many threads are inside."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(6, 5)
        self.seconds, self.inside, self.most = 0.0, 0, 0

    def forward(self, x):
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(self.seconds)
        scores = self.fc(self.relu(self.conv(x)).mean((2, 3)))
        self.inside -= 1
        return scores


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Every step is shown, and no curve is painted, which takes long: its lines are looked at instead."""
    monkeypatch.setattr(ascent_session, "SHOW_EVERY", 0)
    monkeypatch.setattr(LiveFigure, "draw", lambda figure: None)


def network_of(module, name="tiny"):
    preprocess = Preprocess((HEIGHT, WIDTH), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    return cw.wrap(module, preprocess=preprocess, name=name, classes=CLASSES)


@pytest.fixture
def network():
    return network_of(Small())


@pytest.fixture
def explorer(network):
    explorer = AscentExplorer(network, classes="bus", n_steps=4)
    yield explorer
    explorer.close()


def expected(network, target=(2,), n_steps=4, seed=0, **options):
    options = {"l2": 0.0, "noise": NOISE, "rate": 0.1, "seed": seed, **options}
    return core.class_image(network, list(target), n_steps=n_steps, **options).run()


def shows(explorer, step):
    """What is on the screen is this step of the core."""
    torch.testing.assert_close(explorer.images, step.images)
    wanted = pictures_of(explorer.selection.network, step.images)
    assert [np.asarray(each).tolist() for each in explorer.viewer.pictures] == [
        each.tolist() for each in wanted
    ]
    np.testing.assert_allclose(explorer._session.runs[0].values[-1], step.values, rtol=1e-5)


def errors(explorer):
    return [widget.error for widget in explorer.widgets() if getattr(widget, "error", "")]


# -- what is computed ------------------------------------------------------------------------------


def test_a_class_as_the_core_makes_it(explorer, network):
    explorer.settings.settings = PLAIN._replace(decay=0.1, rate=0.3)
    assert explorer.ascent is None and explorer.images is None
    explorer.play()
    step = expected(network, rate=0.3, regularisers=[core.Decay(0.1)])
    shows(explorer, step)
    told = f"score {number(step.values.item())}\nseen as "
    assert explorer.viewer.describe().startswith(f"step 4 (of 5 kept, 0 to 4): bus {told}")
    assert explorer.control.describe() == "step 4; seed 0; “Play” goes on from here"
    best = network.scores(torch.stack([torch.zeros(3, HEIGHT, WIDTH)]))
    assert step.values.item() > best[0, 2].item()


def test_all_parts_reach_the_core(explorer, network):
    explorer.settings.settings = AscentSettings(
        "adam", "fourier", 0.2, 0.01, 0.02, 0.03, 0.5, 2, 20, 10, 1, 0.1, 5
    )
    explorer.play()
    step = expected(
        network,
        rate=0.2,
        optimiser="adam",
        space="fourier",
        l2=0.01,
        penalties=[core.TotalVariation(0.02)],
        regularisers=[
            core.Decay(0.03),
            core.GaussianBlur(0.5, 2),
            core.ClipNorm(20),
            core.ClipContribution(10),
        ],
        transforms=[core.Jitter(1), core.Scaling(0.9, 1.1), core.Rotation(5)],
    )
    shows(explorer, step)


def test_several_classes_are_one_batch(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.classes.chosen = [3, 0]
    explorer.play()
    shows(explorer, expected(network, (3, 0)))
    assert explorer.viewer.titles == ["boat", "cat"] and explorer.viewer.can_select
    assert explorer.viewer.caption.startswith("Under each image: ")
    thick = explorer.curve.figure.figure.axes[0].lines[-1]
    assert thick.get_label() == "mean of 2"
    explorer.viewer.selected = 1  # its curve is thick
    assert thick.get_label() == "cat"
    np.testing.assert_allclose(thick.get_ydata()[-1], expected(network, (3, 0)).values[1], rtol=1e-5)


def test_another_seed_is_another_image_and_the_same_is_the_same(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.play()
    explorer.control.seed = 5  # begins anew
    shows(explorer, expected(network, seed=5))
    explorer.control.seed = 0
    shows(explorer, expected(network, seed=0))


def test_a_unit_and_one_neuron_of_it(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.selection.layer = "conv"
    explorer.pages.selected_index = 1
    explorer.selection.channel = 4
    explorer.play()
    options = {"n_steps": 4, "noise": NOISE, "rate": 0.1}
    shows(explorer, core.unit_image(network, "conv", 4, n_images=1, **options).run())
    explorer.units.neuron = True
    middle = HEIGHT // 2, WIDTH // 2
    shows(explorer, core.unit_image(network, "conv", 4, position=middle, n_images=1, **options).run())
    explorer.selection.position = 1, 2
    shows(explorer, core.unit_image(network, "conv", 4, position=(1, 2), n_images=1, **options).run())
    assert explorer.viewer.titles == ["conv · channel 4, row 1, column 2"]
    explorer.units.neuron = False
    explorer.units.n_images, explorer.units.diverse = 3, 0.5
    shows(explorer, core.unit_image(network, "conv", 4, n_images=3, diverse=0.5, **options).run())
    told = explorer.viewer.describe().split("conv · channel 4, 1 ")[1]
    assert told.startswith(f"activation + diversity {number(explorer._session.runs[0].values[-1][0])}")
    assert explorer.curve.figure.describe().startswith("activation of conv, channel 4 + diversity by step")
    assert explorer.nine.widget.rows[0].message == "no scan of this network: PatchExplorer makes one"


# -- settings that change on the way ---------------------------------------------------------------


def test_a_slider_acts_on_the_ascent_as_it_is(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.play()
    explorer.settings.decay = 0.2  # it was at its end: it goes on
    ascent = core.class_image(network, [2], l2=0, noise=NOISE, rate=0.1, n_steps=4)
    ascent.run()
    ascent.n_steps, ascent.regularisers = 8, [core.Decay(0.2)]
    shows(explorer, ascent.run())
    assert explorer.control.done == 8


def test_another_optimiser_goes_on_from_the_present_image(explorer):
    explorer.settings.settings = PLAIN
    explorer.play()
    first = explorer.ascent
    start = first.images
    explorer.settings.optimiser = "adam"
    assert explorer.ascent is not first and explorer.ascent.number == 8
    assert len(explorer._session.runs[0].values) == 9
    assert (explorer.images - start).abs().max() <= 4 * 0.05 + 1e-5
    best = explorer.ascent.best
    explorer.settings.decay = 1.0  # nothing is left
    explorer.settings.optimiser = "plain"
    assert explorer.ascent.best.number == best.number == 8 and explorer.ascent.number == 16
    torch.testing.assert_close(explorer.ascent.best.values, best.values)


def test_another_optimiser_and_penalty_judge_the_best_image_anew(explorer):
    explorer.settings.settings = PLAIN
    explorer.play()
    before = explorer.ascent.best
    explorer.pause()
    explorer.settings.l2 = 5.0
    explorer.settings.optimiser = "adam"
    explorer.play()
    best = explorer.ascent.best
    torch.testing.assert_close(best.penalties, core.SquaredNorm(5.0)(best.images))
    assert (before.values - core.SquaredNorm(5.0)(before.images) <= best.values - best.penalties).all()


def test_paused_by_hand_nothing_moves_until_play(explorer):
    explorer.step()
    explorer.step()
    assert explorer.ascent.number == 2 and explorer.control.describe().startswith("step 2;")
    explorer.settings.decay = 0.5
    assert explorer.ascent.number == 2
    explorer.classes.chosen = [1]  # another image is wanted, and waits
    assert explorer.ascent is None and explorer.viewer.steps == []
    assert explorer.viewer.describe() == "press play"
    assert explorer.control.describe() == "seed 0", "what came of the one before is not said of this one"
    explorer.play()
    assert explorer.ascent.number == 4 and explorer.viewer.titles == ["dog"]


def test_play_goes_on_and_restart_begins_again(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.play()
    explorer.play()
    shows(explorer, expected(network, n_steps=8))
    explorer.restart()
    shows(explorer, expected(network, n_steps=4))
    assert explorer.viewer.steps == [0, 1, 2, 3, 4]


def test_two_settings_from_the_same_start(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.settings_b.settings = PLAIN._replace(decay=0.2)
    explorer.control.compare = True
    explorer.play()
    shows(explorer, expected(network))
    other = expected(network, regularisers=[core.Decay(0.2)])
    torch.testing.assert_close(explorer.ascents[1].images, other.images)
    np.testing.assert_array_equal(explorer.viewer_b.pictures[0], pictures_of(network, other.images)[0])
    np.testing.assert_array_equal(*(np.asarray(v.pictures_at(0)[0]) for v in explorer._viewers()))
    assert [line.get_label() for line in explorer.curve.figure.figure.axes[0].lines] == ["A", "B"]
    assert "B, settings of your own" in explorer.describe()
    explorer.settings_b.decay = 0.0
    assert [ascent.number for ascent in explorer.ascents] == [8, 8]
    explorer.control.compare = False
    assert len(explorer.ascents) == 1 and "B, " not in explorer.describe()


def test_the_best_images_are_there_when_it_rests(explorer):
    explorer.settings.settings = PLAIN._replace(rate=0.3)
    explorer.play()
    explorer.settings.decay = 1.0  # nothing is left
    assert explorer.ascent.best.number < explorer.ascent.number
    network, viewer = explorer.selection.network, explorer.viewer
    np.testing.assert_array_equal(viewer.best[0], pictures_of(network, explorer.ascent.best.images)[0])
    viewer.best_shown = True
    assert f"score {number(explorer.ascent.best.values.item())}" in viewer.describe()


def test_penalties_are_drawn_too(explorer):
    explorer.settings.settings = PLAIN._replace(l2=0.01)
    explorer.play()
    run = explorer._session.runs[0]
    thick, less = explorer.curve.figure.figure.axes[0].lines
    np.testing.assert_allclose(thick.get_ydata() - less.get_ydata(), np.array(run.penalties)[:, 0], rtol=1e-4)
    assert less.get_label() == "less penalties" and run.penalties[-1] > 0


def test_the_curve_keeps_its_look(explorer):
    (axes,) = explorer.curve.figure.figure.axes

    def colours():
        return {label.get_color() for label in axes.get_xticklabels()}

    before = colours()
    explorer.play()
    assert colours() == before == {STYLE["xtick.labelcolor"]}
    explorer.curve.clear()
    assert colours() == before and not axes.spines["top"].get_visible()


# -- live ------------------------------------------------------------------------------------------


def test_the_loop_stays_free_and_pause_ends_it(explorer, network):
    network.module.seconds = 0.01

    async def watch():
        explorer.control.n_steps = 100_000
        explorer.play()
        await until(lambda: explorer.viewer.steps[-1:] > [3])
        began = time.monotonic()
        await asyncio.sleep(0.05)
        waited = time.monotonic() - began
        explorer.control.ask("pause")
        await explorer.done()
        at = explorer.ascent.number
        await asyncio.sleep(0.1)
        return waited, at

    waited, at = asyncio.run(watch())
    assert waited < 0.5
    assert explorer.ascent.number == at == explorer.viewer.steps[-1] == explorer.control.done
    assert not explorer.control.running and "paused" in explorer.control.message
    assert len(explorer.viewer.best) == 1


def test_settings_reach_a_running_ascent(explorer, network):
    network.module.seconds = 0.005
    explorer.settings.settings = PLAIN

    async def watch():
        explorer.control.n_steps = 100_000
        explorer.play()
        await until(lambda: explorer.ascent is not None and explorer.ascent.number > 2)
        ascent = explorer.ascent
        explorer.settings.jitter = 2
        await until(lambda: ascent.transforms == [core.Jitter(2)])
        explorer.control.n_steps = ascent.number + 5  # so many in all
        await explorer.done()
        return ascent

    assert asyncio.run(watch()) is explorer.ascent
    assert explorer.control.done == explorer.control.n_steps


def test_another_class_on_the_way_begins_with_it(explorer, network):
    network.module.seconds = 0.005
    network.module.most = 0

    async def watch():
        explorer.settings.settings = PLAIN
        explorer.control.n_steps = 30
        explorer.play()
        await until(lambda: explorer.viewer.steps[-1:] > [2])
        for target in (0, 1, 3, 4):
            explorer.classes.chosen = [target]
        await explorer.done()

    asyncio.run(watch())
    shows(explorer, expected(network, (4,), n_steps=30))
    assert network.module.most == 1  # one at a time
    assert explorer.selection.target == 4 and errors(explorer) == []


def test_another_length_counts_also_for_one_that_was_paused_on_the_way(explorer, network):
    network.module.seconds = 0.005

    async def watch():
        explorer.control.n_steps = 100_000
        explorer.play()
        await until(lambda: explorer.viewer.steps[-1:] > [1])
        explorer.pause()
        await explorer.done()
        explorer.control.n_steps = explorer.ascent.number + 3
        explorer.play()
        await asyncio.wait_for(explorer.done(), 20)

    asyncio.run(watch())
    assert explorer.ascent.number == explorer.control.n_steps


def test_a_step_while_it_plays_is_no_pause(explorer, network):
    network.module.seconds = 0.005

    async def watch():
        explorer.control.n_steps = 100_000
        explorer.play()
        await until(lambda: explorer.viewer.steps[-1:] > [1])
        explorer.step()
        explorer.classes.chosen = [1]  # goes on with it
        await until(lambda: explorer.viewer.titles == ["dog"] and explorer.viewer.steps[-1:] > [1])
        explorer.pause()
        await explorer.done()

    asyncio.run(watch())


def test_the_end_of_what_was_paused_is_not_that_of_what_plays_by_now(explorer, monkeypatch):
    """It is shown late, as another thread was at work: cells and what the browser sends come in two."""
    submitted = []
    monkeypatch.setattr(explorer._work, "submit", lambda *asked: submitted.append(asked))
    explorer.play()
    explorer.pause()
    ((steps, show),) = submitted
    (look,) = [each for each in steps() if each is not None]
    explorer.play()
    show(look)
    assert look.is_end and explorer.control.running


def test_looks_do_not_pile_up_while_a_cell_is_at_work(explorer, monkeypatch):
    shown, show = [], explorer.viewer.show
    monkeypatch.setattr(
        explorer.viewer, "show", lambda *args, **more: shown.append(args[1]) or show(*args, **more)
    )

    async def watch():
        explorer.control.n_steps = 50
        explorer.play()
        for _ in range(4000):  # nothing is shown meanwhile
            if explorer._session.number == 50:
                break
            time.sleep(0.005)
        await explorer.done()

    asyncio.run(watch())
    assert shown[-1] == 50 and len(shown) <= 3


def test_an_error_of_the_nine_patches_does_not_end_the_ascent(explorer, network):
    network.module.seconds = 0.005

    async def watch():
        explorer.control.n_steps = 100_000
        explorer.play()
        await until(lambda: explorer.viewer.steps[-1:] > [1])
        explorer._latest.submit(lambda: 1 / 0, None)
        await until(lambda: errors(explorer))
        assert explorer.control.running and "ZeroDivisionError" in explorer.nine.widget.error
        explorer.pause()
        await explorer.done()

    asyncio.run(watch())


def test_the_network_is_not_asked_too_often_what_it_sees(explorer, network, monkeypatch):
    asked = []
    monkeypatch.setattr(
        ascent_session, "probabilities_of", lambda *args: asked.append(1) or np.full((1, 5), 0.2)
    )
    explorer.control.n_steps = 40
    explorer.play()
    assert 1 <= len(asked) < 10


# -- what goes wrong -------------------------------------------------------------------------------


class Explosive(nn.Module):
    """Infinite for bright images."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 1)
        with torch.no_grad():
            self.conv.weight.fill_(1.0)
            self.conv.bias.zero_()

    def forward(self, x):
        scores = self.conv(x).mean((2, 3))
        return scores + (1000 * (scores - 1)).exp()


def test_an_explosion_says_what_to_do_and_keeps_the_best():
    explorer = AscentExplorer(network_of(Explosive()), classes=0, n_steps=50)
    explorer.settings.settings = PLAIN._replace(rate=0.1)
    explorer.play()
    assert "choose a smaller rate or limits, and go on" in explorer.control.error
    assert not explorer.control.running
    last = explorer.ascent.number
    assert 0 < last < 50 and explorer.viewer.steps[-1] == last and len(explorer.viewer.best) == 1
    explorer.control.n_steps = 2
    explorer.settings.rate = 0.0001  # goes on
    assert explorer.control.error == "" and explorer.ascent.number > last
    explorer.close()


def test_a_network_that_breaks_while_the_optimiser_changes(explorer, network):
    explorer.settings.settings = PLAIN
    explorer.play()
    bias = network.module.fc.bias.data
    whole = bias.clone()
    bias.fill_(torch.nan)
    explorer.settings.optimiser = "adam"
    assert "there is NaN or infinity" in explorer.control.error and not explorer.control.running
    assert explorer.ascent.number == 4 and len(explorer.viewer.best) == 1
    bias.copy_(whole)
    explorer.play()
    assert explorer.control.error == "" and explorer.ascent.number == 8


def test_after_an_error_of_one_of_two_both_go_on_side_by_side():
    explorer = AscentExplorer(network_of(Explosive()), classes=0, n_steps=50)
    explorer.settings.settings = PLAIN._replace(rate=0.0001)
    explorer.settings_b.settings = PLAIN._replace(rate=0.1)
    explorer.control.compare = True
    explorer.play()
    assert "smaller rate" in explorer.control.error
    assert explorer.ascents[0].number == explorer.ascents[1].number + 1
    explorer.control.n_steps = 3
    explorer.settings_b.rate = 0.0001
    assert explorer.ascents[0].number == explorer.ascents[1].number and explorer.control.error == ""
    explorer.close()


def test_what_is_seen_is_what_is_computed_also_if_two_threads_choose(explorer, monkeypatch):
    """Another class comes from the browser while the answer to a change before is under way."""
    explorer.play()
    clear = explorer.curve.clear

    def meanwhile():
        clear()
        with explorer.quiet():
            explorer.classes.chosen = [1, 4]

    monkeypatch.setattr(explorer.curve, "clear", meanwhile)
    explorer.control.seed = 1
    assert explorer.images.shape[0] == 2
    assert explorer.viewer.titles == ["dog", "tree"] and explorer.viewer.can_select


def test_a_network_that_says_nothing_finite():
    module = Small()
    module.fc.bias.data.fill_(torch.nan)
    explorer = AscentExplorer(network_of(module), n_steps=3)
    explorer.play()
    assert "look at its weights" in explorer.control.error
    assert explorer.viewer.pictures == [] and not explorer.control.running
    explorer.close()


def test_names_that_do_not_exist(network):
    with pytest.raises(ValueError, match="there is no class 'cta'; nearest: 'cat'"):
        AscentExplorer(network, classes="cta")
    with pytest.raises(LayerError):
        AscentExplorer(network, layer="conv9")
    with pytest.raises(TypeError, match="no argument 'picture': give network, selection"):
        AscentExplorer(network, picture=None)


@pytest.mark.parametrize("target", [torch.tensor(3), np.int64(3), 3, "boat", [3], np.array([3])])
def test_a_class_in_any_form(network, target):
    explorer = AscentExplorer(network, classes=target)
    assert explorer.classes.chosen == [3]
    explorer.close()


# -- the selection ---------------------------------------------------------------------------------


def test_the_class_is_that_of_the_selection(network):
    selection = Selection(network, target=3)
    explorer = AscentExplorer(selection=selection, n_steps=2)
    assert explorer.classes.chosen == [3] and explorer.viewer.titles == ["boat"]
    explorer.play()
    selection.target = 1
    assert explorer.viewer.titles == ["dog"] and explorer.ascent.number == 2
    explorer.classes.chosen = [4, 0]
    assert selection.target == 4 and explorer.viewer.titles == ["tree", "cat"]
    explorer.close()


def test_another_network_begins_anew(explorer):
    explorer.play()
    other = Small()
    other.fc = nn.Linear(6, 2)
    preprocess = Preprocess((6, 6), mean=[0.5] * 3, std=[0.5] * 3)
    explorer.selection.network = cw.wrap(other, preprocess=preprocess, name="other", classes=["a", "b"])
    assert explorer.classes.classes == ["a", "b"] and explorer.viewer.titles == ["a"]
    assert explorer.images.shape == (1, 3, 6, 6) and explorer.viewer.pictures[0].size == (6, 6)
    assert "other" in explorer.title.value and errors(explorer) == []


def test_a_unit_beside_its_nine_patches():
    selection = Selection("toynet", layer="conv3", channel=5)
    explorer = AscentExplorer(selection=selection, n_steps=2)
    assert explorer.pages.selected_index == 1
    found = explorer.nine.found["conv3", 5].strongest
    (row,) = explorer.nine.widget.rows
    assert [tile.value for tile in row.tiles] == pytest.approx([patch.value for patch in found])
    top, left, bottom, right = found[0].box
    assert row.tiles[0].picture.shape == (bottom - top, right - left, 3)
    explorer.play()
    selection.channel = 7
    assert explorer.viewer.titles == ["conv3 · channel 7"] and explorer.ascent.number == 2
    selection.layer = "relu3"
    assert "relu3 was not scanned, only conv1" in explorer.nine.widget.rows[0].message
    assert errors(explorer) == []
    explorer.close()


def test_patches_whose_pictures_are_not_at_hand(network, tmp_path):
    """What is missing is said beside the image, which grows all the same."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(10)]
    core.max_activating_patches(network, pictures, ["conv"]).save(tmp_path / "scan.npz")
    patches = core.Patches.load(tmp_path / "scan.npz", network)
    explorer = AscentExplorer(network, layer="conv", n_steps=2, patches=patches)
    explorer.pages.selected_index = 1
    explorer.play()
    assert "is not at hand: give the images again" in explorer.nine.widget.rows[0].message
    assert explorer.ascent.number == 2 and errors(explorer) == []
    explorer.close()


def test_patches_are_of_the_network_that_they_were_asked_of(network):
    explorer = AscentExplorer("toynet", n_steps=1)
    look = explorer.nine.look("conv3", 5)
    explorer.nine.begin(network)  # before the thread gets to it
    assert len(look().tiles) == 9
    explorer.close()


def test_a_position_elsewhere_counts_only_for_one_neuron(explorer):
    explorer.pages.selected_index = 1
    explorer.selection.layer, explorer.selection.channel = "conv", 1
    explorer.play()
    ascent = explorer.ascent
    explorer.selection.position = 2, 2
    assert explorer.ascent is ascent  # the same image is wanted
    assert explorer.units.place == "row 2, column 2"
    explorer.selection.position = HEIGHT, 2
    assert explorer.units.place == "in the middle", "there is no such row"


# -- the end ---------------------------------------------------------------------------------------


def test_in_words_and_as_a_picture(explorer):
    assert "press play" in explorer.describe()
    explorer.play()
    assert "bus score" in explorer.describe() and explorer.picture().width > 300
    assert share(0.0) == "< 0.1 %" and share(1.0) == "> 99.9 %" and share(0.5) == "50 %"


def test_closing_ends_the_work_and_lets_go_of_the_network():
    network = network_of(Small())
    network.module.seconds = 0.01
    gone = weakref.ref(network.module)

    async def watch(network):
        explorer = AscentExplorer(network, n_steps=100_000)
        explorer.play()
        await until(lambda: explorer.viewer.steps[-1:] > [1])
        explorer.close()
        await asyncio.sleep(0.1)
        return explorer

    explorer = asyncio.run(watch(network))
    assert explorer.describe() == "AscentExplorer (closed)"
    del network
    for _ in range(50):
        gc.collect()
        if gone() is None:
            break
        time.sleep(0.05)
    assert gone() is None
    assert not [each for each in threading.enumerate() if "Latest" in each.name and each.is_alive()]


@pytest.mark.parametrize("action", ["play", "step", "restart"])
def test_a_closed_one_says_so(action, network):
    explorer = AscentExplorer(network)
    explorer.close()
    with pytest.raises(core.CnnWidgetsError, match="is closed: make another one"):
        getattr(explorer, action)()


def test_all_is_closed(network):
    import ipywidgets

    before = set(ipywidgets.widgets.widget._instances)
    explorer = AscentExplorer(network, n_steps=1)
    explorer.play()
    explorer.close()
    assert set(ipywidgets.widgets.widget._instances) <= before
