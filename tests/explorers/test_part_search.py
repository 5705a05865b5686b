"""Units by the part that they fire on: the right ones, of the network that is shown, measured once."""

import asyncio
import time

import numpy as np
import pytest
import torch
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets.core import InputError
from cnnwidgets.data import PARTS, Toytown
from cnnwidgets.explorers import PatchExplorer, part_search
from cnnwidgets.explorers.part_search import _measure, _resized
from cnnwidgets.networks import Preprocess


@pytest.fixture
def few(monkeypatch):
    """Few pictures, so that nobody waits."""
    monkeypatch.setattr(part_search, "N_IMAGES", 16)


@pytest.fixture
def explorer(few):
    explorer = PatchExplorer("toynet", layer="conv5")
    yield explorer
    explorer.close()


@pytest.fixture(scope="module")
def scores():
    network = cw.load("toynet")
    return part_search._measure(network, ["conv1", "conv4", "conv5"])


def test_all_parts_but_what_is_no_part_can_be_searched_for(explorer):
    assert explorer.search.parts == [part for part in PARTS if part not in ("background", "tag")]
    assert explorer.search.hits == [] and explorer.search.message == ""


def test_hits_are_the_units_of_highest_iou(explorer):
    """Sorted by hand from all the scores."""
    explorer.search.part = "wheel"
    layers = [f"conv{i}" for i in range(1, 6)]
    scores = _measure(explorer.selection.network, layers)
    wheel = PARTS.index("wheel")
    every = [(float(scores[name][c, wheel]), name, c) for name in layers for c in range(len(scores[name]))]
    best = sorted((each for each in every if each[0] >= 0.02), reverse=True)[:12]
    found = [(hit["score"], hit["layer"], hit["channel"]) for hit in explorer.search.hits]
    assert len(found) >= 3 and [(score, *unit) for score, *unit in found] == best
    assert "wheel in 16 drawn pictures" in explorer.search.message
    explorer.search.part = ""
    assert explorer.search.hits == [] and explorer.search.message == ""


def test_a_part_that_no_unit_covers(explorer, monkeypatch):
    monkeypatch.setattr(part_search, "LEAST", 1.01)
    explorer.search.part = "fin"
    assert (
        explorer.search.hits == [] and "no unit covers a fin (all below 1.01 IoU)" in explorer.search.message
    )


def test_a_hit_that_is_chosen_changes_layer_and_channel(explorer):
    explorer.search.part = "window"
    for hit in (explorer.search.hits[0], explorer.search.hits[-1], explorer.search.hits[1]):
        explorer.search.receive({"kind": "choose", "unit": hit}, [])
        assert (explorer.selection.layer, explorer.selection.channel) == (hit["layer"], hit["channel"])
        assert explorer.grid.title == f"{hit['layer']} · channel {hit['channel']}"
        assert explorer.search.chosen == hit and explorer.slider.channel == hit["channel"]
        assert explorer.layers.layer == hit["layer"]


def test_the_unit_that_is_shown_is_marked_among_the_hits(explorer):
    explorer.search.part = "window"
    hit = explorer.search.hits[0]
    assert explorer.search.chosen != hit
    explorer.selection.layer, explorer.selection.channel = hit["layer"], hit["channel"]
    assert explorer.search.chosen == hit
    others = {(each["layer"], each["channel"]) for each in explorer.search.hits}
    free = next(c for c in range(64) if ("conv5", c) not in others)
    explorer.selection.layer, explorer.selection.channel = "conv5", free
    assert explorer.search.chosen is None
    # and when the hits come after the unit was chosen
    explorer.search.part = ""
    explorer.selection.layer, explorer.selection.channel = hit["layer"], hit["channel"]
    explorer.search.part = "window"
    assert explorer.search.chosen == hit


def test_toynet_has_units_for_wheels_and_windows(scores):
    """That detectors of parts arise in a network that was taught none is the point of the search."""
    for part, at_least in (("window", 0.2), ("wheel", 0.13), ("eye", 0.1)):
        number = PARTS.index(part)
        assert max(float(table[:, number].max()) for table in scores.values()) > at_least
    assert float(scores["conv1"][:, PARTS.index("eye")].max()) < 0.1, "edges are no eyes"


# -- beside the loop -------------------------------------------------------------------------------


def slow(network, layers, seconds=0.3):
    time.sleep(seconds)
    generator = torch.Generator().manual_seed(len(network.layers))
    return {
        layer: torch.rand(network.layer(layer).n_channels, len(PARTS), generator=generator)
        for layer in layers
    }


def scenario(steps, measure=slow, monkeypatch=None):
    asked = []

    def counted(*args):
        asked.append(args[0].name)
        return measure(*args)

    monkeypatch.setattr(part_search, "_measure", counted)

    async def run():
        explorer = PatchExplorer("toynet", layer="conv5")
        told = await steps(explorer, asked)
        explorer.close()
        return told

    return asyncio.run(run()), asked


def test_while_it_is_measured_this_is_said_and_parts_may_be_changed(monkeypatch):
    """Measured once."""

    async def steps(explorer, asked):
        explorer.search.part = "wheel"
        said = explorer.search.message
        await until(lambda: asked)
        explorer.search.part = "eye"
        explorer.search.part = "fin"
        await explorer.done()
        hits = list(explorer.search.hits)
        explorer.search.part = "eye"
        await explorer.done()
        return said, hits, explorer.search.message

    (said, hits, message), asked = scenario(steps, monkeypatch=monkeypatch)
    assert "measuring all units" in said and asked == ["toynet"]
    table = slow(cw.load("toynet"), [f"conv{i}" for i in range(1, 6)], 0)
    best = max(float(each[:, PARTS.index("fin")].max()) for each in table.values())
    assert hits[0]["score"] == pytest.approx(best) and "with eye" in message


def test_a_part_that_is_given_up_meanwhile_shows_nothing(monkeypatch):
    async def steps(explorer, asked):
        explorer.search.part = "wheel"
        await until(lambda: asked)
        explorer.search.part = ""
        await explorer.done()
        nothing = explorer.search.hits, explorer.search.message, explorer.search.error
        explorer.search.part = "wheel"
        await explorer.done()
        return nothing, len(explorer.search.hits)

    (nothing, n), asked = scenario(steps, monkeypatch=monkeypatch)
    assert nothing == ([], "", "") and n == 12 and asked == ["toynet"]


@pytest.mark.parametrize("soon", [True, False])
def test_scores_of_a_network_that_is_gone_are_not_shown(monkeypatch, soon):
    """Neither later nor for a moment, also where a part of the new network is asked for at once."""
    seen = []

    async def steps(explorer, asked):
        explorer.search.observe(lambda change: seen.append(change.new), "hits")
        explorer.search.part = "wheel"
        await until(lambda: asked)
        explorer.selection.network = "toynet-gap"
        gone = explorer.search.part
        if not soon:
            await explorer.done()
        hits = explorer.search.hits, explorer.search.message
        explorer.search.part = "wheel"
        await explorer.done()
        return gone, hits, explorer.search.error

    told, asked = scenario(steps, monkeypatch=monkeypatch)
    assert told == ("", ([], ""), "") and asked == ["toynet", "toynet-gap"]
    table = slow(cw.load("toynet-gap"), [f"conv{i}" for i in range(1, 6)], 0)
    best = torch.cat([each[:, PARTS.index("wheel")] for each in table.values()]).sort(descending=True).values
    assert len(seen) == 1 and [hit["score"] for hit in seen[0]] == pytest.approx(best[:12].tolist())


def test_closing_meanwhile(monkeypatch):
    async def steps(explorer, asked):
        explorer.search.part = "wheel"
        await until(lambda: asked)
        search = explorer.search
        explorer.close()
        await asyncio.sleep(0.4)
        return search.hits

    found, asked = scenario(steps, monkeypatch=monkeypatch)
    assert found == [] and asked == ["toynet"]


def test_an_error_is_shown_and_the_part_is_given_up(monkeypatch):
    async def steps(explorer, asked):
        explorer.search.part = "wheel"
        await explorer.done()
        return explorer.search.error, explorer.search.part, explorer.search.message

    def broken(network, layers):
        raise InputError("nothing can be measured")

    told, _ = scenario(steps, measure=broken, monkeypatch=monkeypatch)
    assert told == ("nothing can be measured", "", "")


# -- masks go where the pictures go ----------------------------------------------------------------


def reading(preprocess, channels=3):
    module = nn.Sequential(nn.Conv2d(channels, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return cw.wrap(module, preprocess=preprocess)


@pytest.mark.parametrize(
    "preprocess",
    [
        Preprocess((96, 96)),
        Preprocess((96, 96), resize=120),  # as large as the drawings, but only their middle
        Preprocess((48, 64), resize=64),
        Preprocess((112, 100)),  # wider than high: its sides are cut off
        Preprocess((64, 64), mean=(0.5,), std=(0.2,)),  # grey
        Preprocess((120, 110), resize=96),  # black around it
    ],
)
def test_masks_are_resized_and_cropped_as_the_pictures(preprocess):
    """A white square on black is where its mask is, up to what interpolation blurs."""
    image = np.zeros((96, 96, 3), np.uint8)
    image[20:50, 35:80] = 255
    masks = np.zeros((1, 96, 96), np.uint8)
    masks[0, 20:50, 35:80] = 7
    network = reading(preprocess, channels=preprocess.channels)
    found = _resized(network, masks, image)[0]
    assert found.shape == preprocess.size and set(np.unique(found)) == {0, 7}
    seen = network.to_image(network.read(image))[0][..., 0]
    assert ((seen > 127) != (found == 7)).mean() < 0.02
    assert (found == 7).any()


def test_a_preprocessing_of_ones_own():
    def moved(image):
        return torch.from_numpy(np.array(image.resize((96, 96)))).permute(2, 0, 1).float() / 255

    def flipped(image):
        return moved(image).flip(-1)

    def strange(image):
        return moved(image) * 900 - 30

    town = Toytown("test").batch(range(2))
    assert _resized(reading(moved), town.part_mask, town.image[0]) is town.part_mask, "nothing is moved"
    for function in (flipped, strange):
        with pytest.raises(InputError, match="give the network a Preprocess"):
            _resized(reading(function), town.part_mask, town.image[0])


def test_a_network_whose_channel_is_the_part_is_found(few, monkeypatch):
    """End to end: drawings whose red channel is the mask of the wheels, and a unit that lets red pass."""
    wheel = PARTS.index("wheel")
    town = Toytown("test")

    class Told(Toytown):
        def batch(self, indices):
            example = town.batch(indices)
            image = np.zeros_like(example.image)
            image[..., 0] = 255 * (example.part_mask == wheel)
            return example._replace(image=image)

    monkeypatch.setattr(part_search, "Toytown", Told)
    module = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.no_grad():
        module[0].weight.zero_()
        module[0].weight[1, 0] = 1
    network = cw.wrap(module, preprocess=Preprocess((96, 96)))
    explorer = PatchExplorer(network, images=[town[0].image, town[2].image])
    explorer.search.part = "wheel"
    assert explorer.search.hits == [{"layer": "0", "channel": 1, "score": 1.0}]
    explorer.search.part = "eye"
    assert explorer.search.hits == []
    explorer.close()


def test_layers_without_maps_cannot_be_searched():
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 10, 5), nn.ReLU(), nn.Linear(5, 2))
    explorer = PatchExplorer(cw.wrap(module, input_size=(8, 10)), images=torch.rand(4, 3, 8, 10))
    assert explorer.search.parts == [] and len(explorer.grid.values) == 4
    explorer.close()
