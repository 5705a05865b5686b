"""The explorer shows the dreams of the core, follows the hand while they run, and says what it cannot do."""

import asyncio
import gc
import time
import weakref
from io import BytesIO

import numpy as np
import pytest
import torch
from ipywidgets.widgets.widget import _instances
from PIL import Image, ImageSequence
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets.core import LayerError, activity, capture, deep_dream, dream_zoom, likeness
from cnnwidgets.explorers import ActivationExplorer, DreamExplorer, Selection, dream_runs
from cnnwidgets.explorers.dream_picture import LARGEST_LOOK, fitted, pixels_of, strongest_channel, tensor_of
from cnnwidgets.explorers.progressive import GivenUp
from cnnwidgets.widgets import DreamControl, ZoomFilm

ROWS, COLUMNS = 45, 60
QUICK = {"n_steps": 3, "octaves": 2, "size": 60, "jitter": 2}


def module_of(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 9, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(9, 4),
    )


def network_of(module, name="tiny"):
    return cw.wrap(module, input_size=(40, 52), name=name, classes=["a", "b", "c", "d"])


@pytest.fixture(scope="module")
def network():
    return network_of(module_of())


def picture(seed=0, size=(ROWS, COLUMNS)):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return small.resize(size[::-1], Image.Resampling.BICUBIC)


PICTURES = {f"picture {seed}": picture(seed) for seed in range(3)}


def explorer_of(network, **options):
    explorer = DreamExplorer(network, samples=PICTURES, **options)
    with explorer.quiet():
        for name, value in QUICK.items():
            setattr(explorer.control, name, value)
    return explorer


@pytest.fixture
def explorer(network):
    explorer = explorer_of(network, layer="2")
    yield explorer
    explorer.close()


def by_core(network, layer, image=None, objective=None, n_steps=3, rate=0.05, octaves=2, size=60, seed=0):
    """The picture that the core dreams."""
    x = tensor_of(network, picture() if image is None else image, size)
    objective = objective or activity(layer)
    dream = deep_dream(
        network, x, objective=objective, n_steps=n_steps, rate=rate, octaves=octaves, jitter=2, seed=seed
    )
    return network.to_image(dream.run().image)[0]


def shows(explorer, wanted):
    assert explorer.control.error == ""
    assert np.array_equal(np.asarray(explorer.image), wanted)
    original, dream = explorer.viewer.pictures
    assert np.array_equal(np.asarray(dream), wanted) and original.size == dream.size


def run(scenario):
    """Await a scenario, whose explorer is closed whatever happens."""

    async def guarded():
        made = []
        try:
            return await scenario(made)
        finally:
            for each in made:
                each.close()

    return asyncio.run(guarded())


# -- what is dreamt ----------------------------------------------------------------------------------


def test_before_play_there_is_the_picture_alone(explorer):
    assert explorer.dream is None and explorer.image is None and not explorer.control.running
    assert len(explorer.viewer.pictures) == 1
    assert "press play" in explorer.viewer.describe()
    assert explorer.control.layer == explorer.selection.layer == "2"
    assert explorer.control.layers == ["0", "1", "2", "3"]
    assert explorer.control.notes == [f"sees {n} × {n} px" for n in (5, 5, 9, 9)]


@pytest.mark.parametrize("layer", ["0", "3"])
def test_it_dreams_as_the_core_does(network, explorer, layer):
    explorer.control.layer = layer
    explorer.control.play()
    shows(explorer, by_core(network, layer))
    assert explorer.control.message == "6 steps" and not explorer.control.running
    assert explorer.control.sizes == explorer.dream.sizes == [(32, 43), (45, 60)]
    assert "octave 2 of 2, step 3" in explorer.viewer.describe()


def test_settings(network, explorer):
    control = explorer.control
    control.octaves, control.n_steps, control.step_size, control.seed, control.size = 1, 2, 0.2, 7, 48
    control.play()
    shows(explorer, by_core(network, "2", n_steps=2, rate=0.2, octaves=1, size=48, seed=7))
    assert explorer.control.message == "2 steps"
    control.n_steps = 1
    control.again()
    assert explorer.control.message == "1 step"
    assert explorer.image.size == (48, 36) and "octave" not in explorer.viewer.describe().split(",")[1]


def test_a_finished_dream_begins_anew_with_another_layer(network, explorer):
    explorer.control.play()
    explorer.control.set_state({"layer": "0"})
    shows(explorer, by_core(network, "0"))
    assert explorer.selection.layer == "0"
    explorer.selection.layer = "3"  # by another explorer
    assert explorer.control.layer == "3"
    shows(explorer, by_core(network, "3"))
    explorer.control.set_state({"octaves": 1})
    shows(explorer, by_core(network, "3", octaves=1))


def test_nothing_is_dreamt_before_play(explorer):
    explorer.control.set_state({"layer": "0", "octaves": 3, "aim": "channel"})
    explorer.selection.image = picture(2)
    assert explorer.dream is None and not explorer.control.running
    assert np.array_equal(np.asarray(explorer.viewer.pictures[0]), np.asarray(picture(2)))
    assert explorer.control.channel == 0


def test_one_channel(network, explorer):
    explorer.selection.channel = 4
    explorer.control.aim = "channel"
    assert (explorer.control.channel, explorer.control.n_channels) == (4, 9)
    explorer.control.play()
    shows(explorer, by_core(network, "2", objective=activity("2", 4)))
    explorer.control.set_state({"channel": 7})
    assert explorer.selection.channel == 7
    shows(explorer, by_core(network, "2", objective=activity("2", 7)))
    explorer.selection.channel = 1
    shows(explorer, by_core(network, "2", objective=activity("2", 1)))
    explorer.control.set_state({"aim": "layer"})
    shows(explorer, by_core(network, "2"))


def test_the_strongest_channel_where_none_is_chosen(network, explorer):
    x = tensor_of(network, picture(), 60)
    power = capture(network, x, "2")["2"][0].square().mean((1, 2))
    best = int(power.argmax())
    assert strongest_channel(network, x, "2") == best
    explorer.control.aim = "channel"
    explorer.control.play()
    assert explorer.selection.channel == explorer.control.channel == best
    shows(explorer, by_core(network, "2", objective=activity("2", best)))
    dream = explorer.dream
    explorer._change()
    assert explorer.dream is dream, "nothing else is wanted than what is there"


def test_guided_by_a_picture(network, explorer):
    assert explorer.guides.image is not explorer.images.image
    explorer.control.aim = "guide"
    explorer.control.play()
    guides = [capture(network, tensor_of(network, picture(seed), 60), "2")["2"] for seed in (1, 2)]
    shows(explorer, by_core(network, "2", objective=likeness("2", guides[0])))
    explorer.guides.set_state({"index": 2})
    shows(explorer, by_core(network, "2", objective=likeness("2", guides[1])))
    assert explorer._guiding.layout.display is None
    explorer.control.set_state({"aim": "layer"})
    assert explorer._guiding.layout.display == "none"


def test_large_pictures_are_looked_at_as_a_whole_at_a_smaller_size():
    """A dream is computed in tiles; a guide, and what finds the strongest channel, are not."""
    module, seen = module_of(), []
    network = network_of(module)
    module[0].register_forward_hook(lambda layer, given, output: seen.append(max(given[0].shape[2:])))
    for guide, strongest in ((picture(1, (700, 900)), False), (None, True)):
        wanted = dream_runs.Wanted(network, picture(), "2", None, strongest, guide, 800, 1, 1.4, 0)
        seen.clear()
        begun = dream_runs.begin(wanted, DreamControl())
        assert seen == [LARGEST_LOOK] and max(begun.dream.image.shape[2:]) == 800


def test_what_grows_is_named(explorer):
    for aim, name in (("layer", "activity"), ("guide", "likeness")):
        explorer.control.aim = aim
        explorer.control.again()
        explorer.viewer.position = 0
        assert explorer.viewer.describe().endswith(f"picture; dream {name} × 1")


def test_where_nothing_is_detected_it_says_so():
    module = module_of()
    with torch.no_grad():
        module[0].bias[2] = -1e3
    explorer = explorer_of(network_of(module), layer="1")
    explorer.control.aim = "channel"
    for channel, told in ((2, "; dream activity 0: nothing in this picture drives it"), (3, "; dream")):
        explorer.selection.channel = channel
        explorer.control.again()
        assert explorer.viewer.describe().endswith(told) and explorer.dream.octave == 1
    explorer.close()


def test_another_picture_and_another_network(network, explorer):
    explorer.control.play()
    explorer.images.set_state({"index": 1})
    shows(explorer, by_core(network, "2", picture(1)))
    large = picture(3, (90, 50))
    explorer.selection.image = large
    shows(explorer, by_core(network, "2", large))
    assert explorer.control.own_size == 90
    other = network_of(module_of(5), "other")
    explorer.selection.network = other
    shows(explorer, by_core(other, "2", large))
    assert "other" in explorer.title.value


def test_grey_networks_and_pictures_that_are_enlarged():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = cw.wrap(module, cw.networks.Preprocess((20, 30), mean=(0.5,), std=(0.25,)), name="grey")
    x = tensor_of(network, picture(), 120)
    assert x.shape == (1, 1, 90, 120)
    pixels = pixels_of(network, x, (90, 120))
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    explorer = explorer_of(network, layer="1")
    explorer.control.play()
    shows(explorer, by_core(network, "1"))
    explorer.close()


@pytest.mark.parametrize(
    ("size", "longest", "wanted"),
    [
        ((45, 60), 60, (45, 60)),
        ((45, 60), 320, (240, 320)),
        ((1000, 30), 100, (100, 3)),
        ((1000, 3), 100, (100, 1)),
    ],
)
def test_sizes(size, longest, wanted):
    assert fitted(Image.new("RGB", size[::-1]), longest) == wanted


def test_where_a_dream_begins():
    explorer = DreamExplorer("toynet")
    assert explorer.control.layer == explorer.selection.layer == "relu5"
    assert explorer.images.name == "temple" and "toytown car" in explorer.images._names
    assert explorer.control.sizes == [(78, 117), (109, 163), (153, 229), (214, 320)]
    explorer.control.set_state({"octaves": 2, "size": 160})
    assert explorer.control.sizes == [(76, 114), (107, 160)] and explorer.dream is None
    assert "fc6" not in explorer.control.layers
    explorer.selection.layer = "fc6"  # without maps: the slider stays
    assert explorer.control.layer == "relu5"
    explorer.control.set_state({"layer": "conv1"})
    assert explorer.selection.layer == "conv1"
    explorer.close()


# -- while it runs -----------------------------------------------------------------------------------


def slow(network, seconds=0.02):
    """A network whose first layer takes its time."""
    module = module_of()
    module[0].register_forward_hook(lambda *_: time.sleep(seconds))
    return network_of(module)


def test_it_grows_beside_the_event_loop(network):
    async def scenario(made):
        explorer = explorer_of(slow(network, 0.05), layer="2")
        made.append(explorer)
        explorer.control.n_steps = 12
        explorer.control.play()
        ticks, seen = 0, set()
        while explorer.control.running:
            await asyncio.sleep(0.002)
            ticks += 1
            if explorer._look is not None:
                seen.add(explorer._look.number)
        return ticks, seen, explorer.viewer.steps, np.asarray(explorer.image)

    ticks, seen, steps, found = run(scenario)
    assert ticks > 50 and len(seen) >= 4 and max(seen) == 25  # 12 steps and a start in each octave
    assert len(steps) >= 4 and steps[0] == 0 and steps[-1] == 25
    assert np.array_equal(found, by_core(network, "2", n_steps=12))


def test_another_layer_while_it_runs(network):
    async def scenario(made):
        explorer = explorer_of(slow(network), layer="2")
        made.append(explorer)
        explorer.control.n_steps = 200
        explorer.control.play()
        await until(lambda: explorer._look is not None and explorer._look.number > 2)
        explorer.control.n_steps = 3  # acts on the dream that runs, and on the next
        explorer.control.set_state({"layer": "0"})
        await explorer.done()
        return np.asarray(explorer.image), explorer.viewer.steps, explorer.control.message

    found, steps, message = run(scenario)
    assert np.array_equal(found, by_core(network, "0"))
    assert steps[0] == 0 and message == "6 steps"


def test_steps_and_their_size_act_at_once(network):
    async def scenario(made):
        explorer = explorer_of(slow(network), layer="2")
        made.append(explorer)
        explorer.control.octaves, explorer.control.n_steps = 1, 200
        explorer.control.play()
        await until(lambda: explorer._look is not None and explorer._look.number > 1)
        dream = explorer.dream
        explorer.control.step_size = 0.3
        await until(lambda: dream.rate == 0.3)
        explorer.control.n_steps = max(1, dream.number)
        await explorer.done()
        return explorer.dream is dream, dream.number, explorer.control.message

    is_same, number, message = run(scenario)
    assert is_same and 1 < number < 50 and message.endswith(" steps")


def test_paused_stepped_and_stopped(network):
    async def scenario(made):
        explorer = explorer_of(slow(network, 0.005), layer="2")
        made.append(explorer)
        control = explorer.control
        control.n_steps, control.octaves = 200, 1  # not over before it is stopped
        control.step()
        await until(lambda: explorer._look is not None and explorer._look.number == 1)
        await asyncio.sleep(0.1)
        assert explorer._look.number == 1 and control.paused and control.running
        control.step()
        await until(lambda: explorer._look.number == 2)
        assert explorer.dream.number == 2
        control.set_state({"layer": "0"})  # a new dream, which waits, too
        await until(lambda: explorer._begun.wanted.layer == "0" and explorer._look is not None)
        await asyncio.sleep(0.05)
        assert explorer._look.number == 0 and control.paused
        control.play()
        await until(lambda: explorer._look.number >= 2)
        control.stop()
        await explorer.done()
        await until(lambda: not control.running)
        message, number = control.message, explorer.dream.number
        control.set_state({"layer": "3"})  # stopped by hand: it stays
        await asyncio.sleep(0.05)
        assert not control.running and explorer._begun.wanted.layer == "0"
        return message, number, np.asarray(explorer.image), explorer.dream

    message, number, found, dream = run(scenario)
    assert message == f"stopped after {number} of 200 steps" and 2 <= number < 200
    assert np.array_equal(found, network.to_image(dream.image)[0])


def test_whoever_waits_for_a_paused_dream_lets_it_go_on(network):
    """A cell that waits may keep the kernel from hearing "Go on"."""

    async def scenario(made):
        explorer = explorer_of(network, layer="2")
        made.append(explorer)
        explorer.control.n_steps, explorer.control.octaves = 6, 2
        explorer.control.step()
        await until(lambda: explorer._look is not None and explorer.control.paused)
        await asyncio.wait_for(explorer.done(), 30)
        assert not explorer.control.running and not explorer.control.paused
        return explorer.dream.number

    assert run(scenario) > 1


def test_steps_are_counted_that_were_taken(network):
    """However many were wanted at the time."""

    async def paused_at(explorer, n):
        explorer.control.step()
        await until(lambda: explorer._look is not None and explorer.control.running)
        for _ in range(n - 1):
            explorer.control.step()
        await until(lambda: explorer._look is not None and explorer._look.number == n)

    async def scenario(made):
        explorer = explorer_of(slow(network, 0.002), layer="2")
        made.append(explorer)
        control = explorer.control
        await paused_at(explorer, 5)  # 3 steps, the start of the second octave, and another step
        control.n_steps = 5
        control.play()
        await explorer.done()
        messages = [control.message]
        control.octaves, control.n_steps = 1, 9
        await explorer.done()
        await paused_at(explorer, 4)
        control.n_steps = 2
        control.stop()
        await explorer.done()
        return [*messages, control.message]

    assert run(scenario) == ["8 steps", "stopped after 4 of 4 steps"]


def test_closed_while_it_runs(network):
    async def scenario(made):
        explorer = explorer_of(slow(network), layer="2")
        made.append(explorer)
        explorer.control.n_steps = 200
        explorer.control.play()
        await until(lambda: explorer._look is not None)
        dream, work = explorer.dream, explorer._work
        before = dream.number
        explorer.close()
        await work.done()
        return dream.number - before, explorer.describe()

    more, told = run(scenario)
    assert more <= 2 and told == "DreamExplorer (closed)"


# -- films -------------------------------------------------------------------------------------------


def frames_of(gif):
    film = Image.open(BytesIO(gif))
    return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]


def test_a_film(network, explorer):
    film = explorer.film
    film.n_frames, film.seconds, film.zoom, film.n_steps = 4, 1.0, 1.2, 2
    film.make()
    assert film.error == "" and film.message == "4 pictures" and not film.running
    zoom = dream_zoom(
        network, tensor_of(network, picture(), 60), "2",
        n_frames=4, zoom=1.2, n_steps=2, octaves=2, jitter=2, rate=0.05,
    )  # fmt: skip
    wanted = [network.to_image(frame.image)[0] for frame in zoom]
    found = frames_of(film.gif)
    assert len(found) == 4
    far = [[np.abs(one.astype(int) - other).mean() for other in wanted] for one in found]
    assert np.argmin(far, axis=1).tolist() == [0, 1, 2, 3] and max(np.diag(far)) < 10  # in 256 colours
    assert np.array_equal(np.asarray(film.picture()), wanted[-1])
    assert film.mp4[4:8] == b"ftyp"
    assert film.caption == "2 of tiny, 4 pictures"


def test_a_large_film_has_a_small_gif(explorer):
    explorer.control.size, explorer.control.octaves, explorer.film.n_frames = 324, 1, 2
    explorer.film.n_steps = 1
    explorer.film.make()
    assert frames_of(explorer.film.gif)[0].shape == (240, 320, 3)
    explorer.control.size, explorer.film.n_frames = 4_096, 600
    explorer.film.make()
    assert explorer.film.error == (
        "600 pictures of 4096 × 3072 take 22.6 GB: choose fewer, or a shorter side"
    )
    assert not explorer.film.running


def test_a_film_without_mp4(explorer, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    explorer.film.n_frames, explorer.film.n_steps = 2, 1
    explorer.film.make()
    assert explorer.film.gif and not explorer.film.mp4
    assert explorer.film.message.startswith("2 pictures; no MP4: MP4 needs imageio-ffmpeg")


def test_a_film_that_is_ended_and_one_that_is_given_up(network):
    async def scenario(made):
        explorer = explorer_of(slow(network), layer="2")
        made.append(explorer)
        film = explorer.film
        film.n_frames, film.n_steps = 50, 2
        film.make()
        await until(lambda: film._preview)
        assert film.running and not explorer.control.running
        film.stop()
        await explorer.done()
        message, n = film.message, len(frames_of(film.gif))
        film.show()
        film.make()
        await until(lambda: film.running and film._picture is not None)
        explorer.control.set_state({"layer": "0"})
        await asyncio.sleep(0.05)
        assert film.running, "a film is not ended by the settings of a dream"
        explorer.control.play()
        await explorer.done()
        assert explorer.control.message == "6 steps" and film.gif == b""
        return message, n, film.message

    message, n, given_up = run(scenario)
    assert message == f"ended after {n} of 50 pictures" and n < 50 and given_up == "given up"


@pytest.mark.parametrize("first", ["dream", "film"])
def test_one_takes_the_place_of_the_other_while_it_prepares(network, first):
    """What is given up before its first picture does not come back to life in the buttons."""

    async def scenario(made):
        explorer = explorer_of(slow(network, 0.2), layer="2")
        made.append(explorer)
        control, film = explorer.control, explorer.film
        control.aim, control.octaves, control.n_steps, film.n_frames, film.n_steps = "channel", 1, 1, 2, 1
        asked = [control.play, film.make]
        for ask in asked if first == "dream" else asked[::-1]:
            ask()
            await asyncio.sleep(0.05)  # the strongest channel is looked for
        await explorer.done()
        return control.running, film.running, control.message, film.message

    told = {"dream": ("ended by the film", "2 pictures"), "film": ("1 step", "given up")}
    assert run(scenario) == (False, False, *told[first])


def test_a_film_that_cannot_become_an_mp4_is_there_as_gif(explorer, monkeypatch):
    def fails(*_, **__):
        explorer.film.n_frames = 30  # the slider is for the next film
        raise RuntimeError("No ffmpeg exe could be found.\nInstall it")

    monkeypatch.setattr(dream_runs, "mp4_bytes", fails)
    explorer.film.n_frames, explorer.film.n_steps = 2, 1
    explorer.film.make()
    assert explorer.film.error == "" and len(frames_of(explorer.film.gif)) == 2
    assert explorer.film.message == "2 pictures; no MP4: No ffmpeg exe could be found."


def test_writing_a_film_is_given_up_between_two_pictures(monkeypatch):
    made = []
    monkeypatch.setattr(dream_runs, "_small", lambda pixels: made.append(pixels) or pixels)

    def tell(step):
        raise GivenUp

    steps = dream_runs._written(None, ZoomFilm(), [np.zeros((20, 30, 3), np.uint8)] * 4, 4, 10, tell)
    assert next(steps).total == 4
    with pytest.raises(GivenUp):
        next(steps)
    assert len(made) == 1


# -- what goes wrong ---------------------------------------------------------------------------------


def test_a_layer_that_breaks_is_told_and_can_be_left(network):
    module = module_of()
    with torch.no_grad():
        module[2].weight[0] = float("nan")
    explorer = explorer_of(network_of(module), layer="2")
    explorer.control.play()
    assert "gives NaN or infinity" in explorer.control.error and not explorer.control.running
    explorer.control.set_state({"layer": "0"})
    explorer.control.play()
    assert explorer.control.error == "" and explorer.control.message == "6 steps"
    explorer.close()


def to_tensor(image):
    """Cannot be undone."""
    return 300 * torch.from_numpy(np.array(image.resize((20, 20)), np.float32)).movedim(-1, 0)


def test_networks_without_maps_and_without_a_way_back():
    flat = cw.wrap(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), input_size=(2, 2), name="flat")
    with pytest.raises(LayerError, match="no layer of flat has maps"):
        DreamExplorer(flat, samples=PICTURES)

    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    explorer = explorer_of(cw.wrap(module, to_tensor, name="own"), layer="1")
    explorer.control.play()
    assert "preprocessing cannot be undone" in explorer.control.error
    explorer.close()


def test_no_picture_stands_under_another_title(network, explorer):
    """Where the dream of another network, or of another picture, cannot be."""
    flat = cw.wrap(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), input_size=(2, 2), name="flat")
    explorer.control.play()
    with pytest.raises(LayerError, match="no layer of flat has maps"):
        explorer.selection.network = flat
    assert "tiny" in explorer.title.value and "flat" not in explorer.title.value
    explorer.selection.network = network
    explorer.selection.layer = "2"
    shows(explorer, by_core(network, "2"))

    broken = module_of()
    with torch.no_grad():
        broken[2].weight[0] = float("nan")
    no_way_back = cw.wrap(module_of(), to_tensor, name="broken")
    for other, told in ((network_of(broken, "broken"), "gives NaN"), (no_way_back, "cannot be undone")):
        explorer.selection.network = other
        assert "broken" in explorer.title.value and told in explorer.control.error
        assert len(explorer.viewer.pictures) == 1 and explorer.image is explorer.dream is None
        explorer.selection.network = network
        explorer.control.play()
        shows(explorer, by_core(network, "2"))


def test_unknown_arguments(network):
    with pytest.raises(TypeError, match="no argument 'octaves'"):
        DreamExplorer(network, octaves=3)


# -- with others, and closed -------------------------------------------------------------------------


def test_it_shares_a_selection(network):
    selection = Selection(network, picture(1), "2")
    explorer = DreamExplorer(selection=selection, samples=PICTURES)
    other = ActivationExplorer(selection=selection, samples=PICTURES)
    assert explorer.control.layer == "2"
    other.layers.set_state({"layer": "0"})
    assert explorer.control.layer == "0"
    explorer.control.set_state({"layer": "3"})
    assert other.layers.layer == "3"
    assert explorer.control.channel == selection.channel == other.grid.channel
    explorer.images.set_state({"index": 2})
    assert other.images.name == "picture 2"
    for each in (explorer, other):
        each.close()


def test_side_by_side_or_one_over_the_other(network, explorer):
    explorer.control.play()
    assert explorer.wipe.layout.display == "none" and explorer.wipe not in explorer._described()
    explorer.control.set_state({"compare": "wipe"})
    assert explorer.viewer.layout.display == "none" and explorer.wipe.layout.display is None
    wanted = by_core(network, "2")
    explorer.wipe.border = 0
    assert np.array_equal(np.asarray(explorer.wipe.picture()), wanted)
    assert "octave 2 of 2, step 3" in explorer.describe()
    explorer.control.set_state({"layer": "0"})
    assert np.array_equal(np.asarray(explorer.wipe.picture()), by_core(network, "0"))
    assert explorer.picture().height > 300


def test_closing_frees_everything(network):
    before = len(_instances)
    explorer = explorer_of(network_of(module_of()), layer="2")
    explorer.control.play()
    dream = weakref.ref(explorer.dream)
    module = weakref.ref(explorer.selection.network.module)
    explorer.close()
    explorer.close()
    gc.collect()
    assert dream() is None and module() is None
    assert len(_instances) == before
    assert explorer.describe() == "DreamExplorer (closed)"


def test_closed_it_holds_no_samples(network):
    samples = {"a": picture(7), "b": picture(8)}
    kept = weakref.ref(samples["b"])
    explorer = DreamExplorer(network, samples=samples)
    del samples
    explorer.close()
    gc.collect()
    assert kept() is None


def test_looks_come_at_a_pace(network, monkeypatch):
    """However fast the steps are."""
    monkeypatch.setattr(dream_runs, "PAUSE", 1e9)
    explorer = explorer_of(network, layer="2")
    shown = []
    explorer._show_look = lambda look, show=explorer._show_look: (shown.append(look.number), show(look))
    explorer.control.play()
    assert shown == [0, 7]
    explorer.close()
