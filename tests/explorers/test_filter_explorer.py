"""The explorer shows the filters that the networks have, says what is missing, and shares its selection.

"At hand" are random weights under the name of the published file, in a temporary cache of torch.hub.
"""

import asyncio
import statistics
from pathlib import Path
from urllib.parse import urlparse

import ipywidgets
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import traitlets as t
from torch import nn
from torchvision import models

import cnnwidgets as cw
from cnnwidgets.core.errors import LayerError, NetworkError
from cnnwidgets.explorers import ActivationExplorer, FilterExplorer, Selection
from cnnwidgets.explorers.filter_explorer import convolution_of
from cnnwidgets.explorers.filter_panel import gabor_summary, silence


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of torch.hub."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "hub" / "checkpoints"


def put_into_cache(cache, name, seed=7):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        twin = models.get_model(name, weights=None)
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / Path(urlparse(models.get_model_weights(name).DEFAULT.url).path).name
    torch.save(twin.state_dict(), file)
    return file, twin


class Tiny(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.first = nn.Conv2d(channels, 5, (5, 7))
        self.second = nn.Conv2d(5, 6, 3)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(self.second(self.first(x).relu()).relu().mean((2, 3)))


def tiny(channels=3, name="tiny", seed=1):
    torch.manual_seed(seed)
    return cw.wrap(Tiny(channels), input_size=(20, 28), name=name)


@pytest.fixture
def explorer():
    explorer = FilterExplorer([tiny(), "toynet"])
    yield explorer
    explorer.close()


def options(explorer):
    return {option["name"]: option for option in explorer.picker.options}


# What is shown


def test_the_first_layer_of_toynet():
    explorer = FilterExplorer()
    network = explorer.selection.network
    assert network.name == "toynet" and explorer.selection.layer == "conv1"
    assert torch.equal(torch.tensor(explorer.grid.weights), network.module.conv1.weight.detach())
    assert explorer.grid.title == "toynet · conv1" and not explorer.grid.untrained
    # how often each fires over the twelve drawings, by hand
    drawings = [sample for sample in cw.samples().values() if sample.kind == "drawing"]
    x = torch.cat([network.read(drawing) for drawing in drawings])
    fires = F.conv2d(x, network.module.conv1.weight, network.module.conv1.bias, stride=2, padding=3) > 0
    np.testing.assert_allclose(explorer.grid._firing, fires.float().mean((0, 2, 3)), rtol=1e-4)
    assert explorer.grid._firing_layer == "relu1, over 12 drawings"
    # the fit is that of these filters: what it leaves is what was told
    fit = cw.core.fit_gabor(network.module.conv1.weight)
    np.testing.assert_allclose(explorer.grid._explained, fit.explained_variance, atol=1e-4)
    kinds = np.array(fit.kind)
    assert np.isnan(explorer.grid._orientation).tolist() == (kinds == "blob").tolist()
    assert np.isfinite(explorer.grid._wavelength).tolist() == (kinds == "stripes").tolist()
    assert explorer.grid._response_size == 32 and len(explorer.grid._fitted) == 48 * 3 * 7 * 7
    explorer.close()


def test_a_median_of_toynet_against_noise(explorer):
    share = 100 * statistics.median(
        cw.core.fit_gabor(cw.load("toynet").module.conv1.weight).explained_variance.tolist()
    )
    noise = 100 * statistics.median(cw.core.random_filters_explained(3, (7, 7)).tolist())
    note = explorer.panels[1].grid.note
    assert f"One Gabor explains {share:.0f} % of a filter (median)" in note
    assert f"of random filters of this size, {noise:.0f} %." in note
    assert share > 75 and noise < 20


def test_the_summary_counts_what_there_is():
    y, x = torch.meshgrid(torch.arange(9.0) - 4, torch.arange(9.0) - 4, indexing="ij")
    bell = torch.exp(-(x**2 + y**2) / 8)
    waves = [torch.cos(2 * torch.pi * each / 4) * bell for each in (x, y)]
    fit = cw.core.fit_gabor(torch.stack([*waves, x * bell, bell, 0 * bell])[:, None])
    told = gabor_summary(fit, fit.picture)
    assert told.startswith("One Gabor explains 100 % of a filter (median); of random filters")
    assert told.endswith("Gabors: stripes 2, an edge or a line 1, a blob 1, none 1.")


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        (torch.ones(2, 3, 1, 5), "filters of 1 × 5 are too small for stripes"),
        (torch.full((4, 3, 7, 7), torch.nan), "all filters hold NaN or infinity"),
        (torch.zeros(4, 3, 7, 7), "all filters are zero everywhere"),
        (
            torch.tensor([0, torch.inf, 0])[:, None, None, None].expand(3, 1, 7, 6),
            "1 of 3 filters hold NaN or infinity, the others are zero everywhere",
        ),
    ],
)
def test_why_there_is_no_gabor(weights, why):
    assert gabor_summary(cw.core.fit_gabor(weights), weights) == f"No Gabor: {why}."


def one_layer(n, size, **options):
    torch.manual_seed(5)
    conv = nn.Conv2d(3, n, size, **options)
    net = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return cw.wrap(net, input_size=48, name="wide")


def test_of_many_filters_some_are_fitted():
    explorer = FilterExplorer(one_layer(130, (5, 4)))
    weights = explorer.selection.network.module[0].weight.detach()
    fitted = np.isfinite(explorer.grid._explained)
    rows = np.flatnonzero(fitted)
    assert len(rows) == 96 and rows[0] == 0 and rows[-1] == 129 and set(np.diff(rows)) == {1, 2}
    fit = cw.core.fit_gabor(weights[rows])
    np.testing.assert_allclose(explorer.grid._explained[fitted], fit.explained_variance, atol=1e-3)
    median = 100 * statistics.median(fit.explained_variance.tolist())
    assert f"One Gabor explains {median:.0f} % of a filter" in explorer.grid.note
    assert "Fitted to 96 of the 130 filters, evenly spread." in explorer.grid.note
    missing = int(np.flatnonzero(~fitted)[0])
    assert not any("Gabor" in fact for fact in explorer.grid.facts(missing))
    assert len(explorer.grid._firing) == 130 and explorer.grid.error == ""
    explorer.close()


@pytest.mark.parametrize("size", [(16, 14), (3, 40)])
def test_large_filters_are_not_fitted(size, monkeypatch):
    if size[0] * size[1] > 13 * 13:
        monkeypatch.setattr("cnnwidgets.explorers.filter_panel.fit_gabor", pytest.fail)
    explorer = FilterExplorer(one_layer(7, size, stride=4))
    if size == (16, 14):
        assert "No Gabors: to fit them to filters of 16 × 14 takes minutes." in explorer.grid.note
        assert "filters(network, '0')" in explorer.grid.note and len(explorer.grid._explained) == 0
    assert explorer.grid._response_size == max(32, *size) and len(explorer.grid._firing) == 7
    assert explorer.grid.error == ""
    explorer.close()


def test_silence():
    assert silence(torch.tensor([0.1, 0.2]), 12) == ""
    assert silence(torch.tensor([0.0, 0.2]), 12) == "1 of 2 filters fires nowhere in 12 sample pictures."
    assert silence(torch.tensor([0.0, 0.0, torch.nan]), 3).startswith("2 of 3 filters fire nowhere")


def test_a_dead_filter_is_said():
    network = tiny()
    with torch.no_grad():
        network.module.first.bias[3] = -100
    explorer = FilterExplorer(network)
    assert "1 of 5 filters fires nowhere in" in explorer.grid.note
    assert explorer.grid._firing[3] == 0 and explorer.grid._firing[[0, 1, 2, 4]].min() > 0
    explorer.close()


def test_several_side_by_side(explorer):
    assert [panel.grid.title for panel in explorer.panels] == ["tiny · first", "toynet · conv1"]
    assert explorer.panels[0].grid.kernel_size == (5, 7)
    assert explorer.picker.chosen == ["tiny", "toynet"]
    assert "photographs" in explorer.panels[0].grid._firing_layer
    assert explorer.panels[0].grid._firing_layer.startswith("ReLU after first")


def test_a_network_that_sees_grey():
    explorer = FilterExplorer(tiny(channels=1))
    assert explorer.grid.n_inputs == 1 and explorer.grid.reads_image
    assert len(explorer.grid._explained) == 5 and explorer.grid.error == ""
    explorer.close()


def test_higher_layers_say_why_they_say_nothing(explorer):
    explorer.panels[1].layers.layer = "conv2"
    grid = explorer.panels[1].grid
    assert (grid.n_filters, grid.n_inputs, grid.kernel_size) == (64, 48, (5, 5))
    assert "no longer colours but feature maps" in grid.note and not grid.reads_image
    assert len(grid._explained) == 0 and len(grid._firing) == 64
    grid.channel = 5
    explorer.panels[1].layers.layer = "conv1"
    assert grid.channel is None and "One Gabor" in grid.note and len(grid._explained) == 48


def test_filters_that_are_not_finite():
    network = tiny()
    with torch.no_grad():
        network.module.first.weight[2, 0, 1, 1] = torch.nan
    explorer = FilterExplorer(network)
    assert "none 1." in explorer.grid.note and explorer.grid.error == ""
    assert explorer.grid.facts(2) == ["not finite: holds NaN or infinity"]
    assert np.isnan(explorer.grid._firing).tolist() == [False, False, True, False, False]
    explorer.close()


# Which networks there are


def test_what_is_not_here_is_listed_with_what_it_takes(cache):
    explorer = FilterExplorer(["alexnet", "toynet-gap"])
    assert list(options(explorer)) == [
        *("alexnet", "toynet-gap", "toynet", "resnet18", "resnet101", "densenet121"),
    ]
    for name in ("alexnet", "resnet18", "resnet101", "densenet121"):
        assert not options(explorer)[name]["available"]
        assert f'MB, not on this machine: `cw.load("{name}")` downloads it' in options(explorer)[name]["note"]
    assert explorer.picker.chosen == ["toynet-gap"] and not explorer.grid.untrained
    assert not cache.exists(), "nothing is downloaded"
    with pytest.raises(t.TraitError, match="not available.*alexnet:random"):
        explorer.picker.chosen = ["alexnet"]
    explorer.close()


def test_nothing_of_what_was_asked_for_is_here():
    explorer = FilterExplorer("densenet121")
    assert list(options(explorer))[0] == "densenet121"
    assert explorer.picker.chosen == ["toynet"] and explorer.selection.network.name == "toynet"
    explorer.close()


def test_untrained_ones_only_when_asked_for_and_marked(explorer):
    assert not any(panel.grid.untrained for panel in explorer.panels)
    explorer.picker.chosen = ["toynet", "alexnet:random"]
    toynet, alexnet = (panel.grid for panel in explorer.panels)
    assert alexnet.untrained and not toynet.untrained
    assert "untrained" in alexnet.describe() and alexnet.kernel_size == (11, 11)
    expected = cw.load("alexnet", weights=None).module.features[0].weight.detach()
    assert torch.equal(torch.tensor(alexnet.weights), expected)
    assert "One Gabor explains 7 % of a filter (median); of random filters of this size, 7 %" in alexnet.note


def test_an_untrained_network_that_is_handed_over_is_marked_too():
    explorer = FilterExplorer([cw.load("toynet", weights=None), "toynet"])
    assert [panel.grid.untrained for panel in explorer.panels] == [True, False]
    assert options(explorer)["toynet (random weights, untrained)"]["untrained"]
    assert not options(explorer)["toynet"]["untrained"]
    explorer.close()


def test_weights_at_hand(cache):
    explorer = FilterExplorer()
    assert not options(explorer)["resnet18"]["available"]
    file, twin = put_into_cache(cache, "resnet18")
    explorer.refresh()
    assert options(explorer)["resnet18"]["available"] and options(explorer)["resnet18"]["note"] == ""
    explorer.picker.chosen = ["toynet", "resnet18"]
    grid = explorer.panels[1].grid
    assert torch.equal(torch.tensor(grid.weights), twin.conv1.weight.detach())
    assert grid.title == "resnet18 · conv1" and not grid.untrained
    assert grid._firing_layer.startswith("relu, over ") and "photographs" in grid._firing_layer
    explorer.close()
    explorer = FilterExplorer("resnet18")
    assert explorer.picker.chosen == ["resnet18"] and explorer.selection.layer == "conv1"
    explorer.close()


def test_a_damaged_file_is_said_and_what_was_there_stays(cache):
    file, _ = put_into_cache(cache, "resnet18")
    file.write_bytes(file.read_bytes()[:1000])
    explorer = FilterExplorer()
    explorer.picker.chosen = ["toynet", "resnet18"]
    assert "damaged" in explorer.picker.error and str(file) in explorer.picker.error
    assert explorer.picker.chosen == ["toynet"] and len(explorer.panels) == 1
    put_into_cache(cache, "resnet18")[0].exists()
    explorer.picker.chosen = ["resnet18", "toynet"]
    assert explorer.picker.error == "" and len(explorer.panels) == 2
    explorer.close()


def test_networks_that_share_a_name():
    twins = [tiny(seed=1), tiny(seed=2)]
    explorer = FilterExplorer([*twins, twins[0]])
    assert explorer.picker.chosen == ["tiny", "tiny (2)"]
    assert [panel.grid.title for panel in explorer.panels] == ["tiny · first", "tiny (2) · first"]
    for panel, network in zip(explorer.panels, twins, strict=True):
        assert torch.equal(torch.tensor(panel.grid.weights), network.module.first.weight.detach())
    explorer.close()


def test_a_module_of_ones_own_and_a_colon_in_its_name():
    network = tiny(name="run: 3")
    explorer = FilterExplorer(
        [network, nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())]
    )
    assert explorer.picker.chosen == ["run  3", "Sequential"]
    explorer.close()


# The selection


def test_channel_and_layer_are_those_of_the_first_network(explorer):
    first, second = explorer.panels
    first.grid.channel = 4
    assert explorer.selection.channel == 4
    second.grid.channel = 2
    assert explorer.selection.channel == 4, "of another network"
    explorer.selection.channel = 1
    assert first.grid.channel == 1 and second.grid.channel == 2
    first.layers.layer = "second"
    assert explorer.selection.layer == "second" and explorer.selection.channel is None
    explorer.selection.layer = "first"
    assert first.layers.layer == "first" and first.grid.title == "tiny · first"
    second.layers.layer = "conv3"
    assert explorer.selection.layer == "first"
    assert all(panel.layers.error == panel.grid.error == "" for panel in explorer.panels)


def test_closing_a_tile_forgets_nothing(explorer):
    explorer.grid.channel = 3
    explorer.grid.set_state({"channel": None})
    assert explorer.grid.channel is None and explorer.selection.channel == 3
    explorer.picker.chosen = ["tiny"]
    assert explorer.grid.channel is None


def test_a_layer_that_follows_a_convolution_shows_its_filters():
    explorer = FilterExplorer("toynet")
    selection, grid = explorer.selection, explorer.grid
    selection.layer = "relu3"
    selection.channel = 70
    assert grid.title == "toynet · conv3" and grid.channel == 70
    grid.channel = 71
    assert (selection.layer, selection.channel) == ("relu3", 71)
    selection.layer = "fc6"
    selection.channel = 200
    assert grid.title == "toynet · conv3" and grid.channel == 71 and grid.error == ""
    grid.channel = 5  # as before it was no filter of fc6's, it is now one of conv3's
    assert (selection.layer, selection.channel) == ("conv3", 5)
    explorer.close()


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("conv1", "conv1"),
        ("relu1", "conv1"),
        ("pool2", "conv2"),
        ("conv5", "conv5"),
        ("flatten", None),
        ("fc8", None),
    ],
)
def test_the_convolution_of_a_layer(layer, expected):
    assert convolution_of(cw.load("toynet"), layer) == expected


def test_a_shared_selection():
    selection = Selection("toynet", layer="conv1", channel=7)
    filters = FilterExplorer(["toynet-gap"], selection=selection)
    maps = ActivationExplorer(selection=selection)
    assert filters.picker.chosen == ["toynet", "toynet-gap"] and filters.grid.channel == 7
    filters.grid.channel = 9
    assert maps.grid.channel == 9
    maps.slider.channel = 11
    assert filters.grid.channel == 11
    maps.layers.layer = "relu2"
    assert (
        filters.grid.title == "toynet · conv2"
        and filters.grid.channel == selection.channel == maps.grid.channel
    )
    filters.panels[0].layers.layer = "conv1"
    assert maps.grid.title.startswith("conv1")
    for explorer in (filters, maps):
        assert explorer.grid.error == ""
        explorer.close()


def test_another_network_in_the_selection_takes_the_first_place(explorer):
    mine = tiny(name="mine", seed=3)
    explorer.selection.network = mine
    assert explorer.picker.chosen == ["mine", "toynet"] and "mine" in options(explorer)
    assert explorer.panels[0].network is mine and explorer.grid.title == "mine · first"
    explorer.selection.network = "toynet"  # another copy of it
    assert explorer.picker.chosen == ["toynet"]
    assert explorer.panels[0].network is explorer.selection.network


def test_taking_the_first_network_away(explorer):
    explorer.panels[1].grid.channel = 6
    explorer.panels[1].layers.layer = "conv2"
    explorer.panels[1].grid.channel = 8
    explorer.picker.chosen = ["toynet"]
    selection = explorer.selection
    assert selection.network.name == "toynet" and (selection.layer, selection.channel) == ("conv2", 8)
    assert explorer.grid.title == "toynet · conv2" and explorer.grid.channel == 8
    explorer.picker.chosen = []
    assert explorer.grid is None and explorer.panels == []
    selection.layer = "conv3"  # nobody shows it
    explorer.picker.chosen = ["tiny", "toynet"]
    assert [panel.grid.title for panel in explorer.panels] == ["tiny · first", "toynet · conv1"]
    assert selection.network.name == "tiny" and selection.layer == "first"


def test_a_network_without_filters_in_the_selection_is_refused(explorer):
    dense = cw.wrap(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2)), input_size=8)
    with pytest.raises(LayerError, match="has no filters"):
        explorer.selection.network = dense
    assert explorer.picker.chosen == ["tiny", "toynet"] and "has no filters" in explorer.picker.error
    shown = explorer.panels[0].network
    explorer.grid.channel = 4  # what is shown can still be looked at,
    explorer.panels[0].layers.layer = "second"
    selection = explorer.selection  # and is nothing of the other network's
    assert (selection.network.module, selection.layer, selection.channel) == (dense.module, "1", None)
    assert explorer.grid.error == explorer.panels[0].layers.error == ""
    selection.network = shown
    assert explorer.picker.error == ""
    explorer.grid.channel = 3
    assert selection.channel == 3


def test_another_choice_after_a_network_without_filters(explorer):
    with pytest.raises(LayerError):
        explorer.selection.network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 224 * 224, 2))
    assert "has no filters" in explorer.picker.error
    explorer.picker.chosen = ["toynet"]
    assert explorer.picker.error == "" and explorer.selection.network is explorer.panels[0].network
    explorer.grid.channel = 9
    assert explorer.selection.channel == 9


# Beside the loop


def test_in_a_running_loop_the_fits_come_later_and_of_the_last_layer():
    async def scenario():
        explorer = FilterExplorer(tiny())
        found = [(explorer.grid.n_filters, len(explorer.grid._explained), explorer.grid.note)]
        panel = explorer.panels[0]
        panel.layers.layer = "second"
        panel.layers.layer = "first"
        panel.layers.layer = "second"
        await explorer.done()
        found.append((explorer.grid.n_filters, len(explorer.grid._explained), len(explorer.grid._firing)))
        panel.layers.layer = "first"
        explorer.picker.chosen = ["tiny", "alexnet:random"]
        found.append(len(explorer.panels))
        await explorer.done()
        found += [len(explorer.panels), [len(each.grid._explained) for each in explorer.panels]]
        explorer.close()
        return found

    first, last, *panels = asyncio.run(scenario())
    assert first == (5, 0, "Fitting Gabors to the filters …")
    assert last == (6, 0, 6)
    assert panels == [1, 2, [5, 64]]


def test_in_a_running_loop_the_lecture_networks_are_listed_at_once():
    async def scenario():
        explorer = FilterExplorer("toynet")
        before = options(explorer)
        explorer.picker.chosen = ["toynet", "alexnet:random"]
        mine = tiny(name="mine")
        explorer.selection.network = mine  # comes while the others are looked for
        await explorer.done()
        after, chosen = options(explorer), explorer.picker.chosen
        explorer.close()
        return before, after, chosen

    before, after, chosen = asyncio.run(scenario())
    assert list(before) == ["toynet", "toynet-gap", "alexnet", "resnet18", "resnet101", "densenet121"]
    assert not before["alexnet"]["available"] and before["alexnet"]["note"].startswith("looking")
    assert list(after) == ["mine", *before] and chosen == ["mine", "alexnet:random"]
    assert "MB, not on this machine" in after["alexnet"]["note"] and after["mine"]["available"]


def test_what_is_stale_is_given_up():
    """A fit of many filters ends after the first few when another layer has been chosen."""
    explorer = FilterExplorer(tiny())
    panel = explorer.panels[0]
    asked = ("first", torch.randn(2, 3, 5, 7))
    assert panel._measure(asked) is None, "nobody waits for it"
    before = panel.grid.note
    panel._tell(asked, ({"explained": np.ones(5)}, "late"))
    assert panel.grid.note == before and panel.grid._explained.max() < 1
    explorer.close()


def test_an_error_while_measuring_is_shown(explorer, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.filter_panel.firing_share", lambda *_: 1 / 0)
    explorer.panels[0].layers.layer = "second"
    assert "ZeroDivisionError" in explorer.grid.error and explorer.grid.n_filters == 6
    monkeypatch.undo()
    explorer.panels[0].layers.layer = "first"
    assert explorer.grid.error == ""


# Wrong arguments, other forms, the end


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"networks": "alexnt"}, NetworkError, "nearest: 'alexnet'"),
        ({"networks": 3}, TypeError, "networks are names, torch modules or Networks, not a int"),
        ({"networks": [3]}, TypeError, "networks are names, torch modules or Networks, not a int"),
        ({"networks": "toynet", "layer": "relu1"}, LayerError, "'relu1' is a ReLU, which has no filters"),
        ({"layer": "conv9"}, LayerError, "no layer 'conv9'; nearest"),
        ({"chanel": 3}, TypeError, "no argument 'chanel': give networks, layer or selection"),
        ({"layer": "conv1", "selection": 1}, TypeError, "either a selection, which has a layer, or a layer"),
    ],
)
def test_wrong_arguments(arguments, error, said):
    with pytest.raises(error, match=said):
        FilterExplorer(**arguments)


def test_a_layer_in_every_network_that_has_it():
    explorer = FilterExplorer([tiny(), "toynet", "toynet-gap"], layer="conv2")
    assert [panel.grid.title for panel in explorer.panels] == [
        "tiny · first",
        "toynet · conv2",
        "toynet-gap · conv2",
    ]
    assert explorer.selection.layer == "first"
    explorer.close()


def test_picture_and_text_for_places_without_widgets(explorer):
    explorer.selection.channel = 2
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle and "image/png" in bundle
    assert "tiny · first: 5 filters of 3 × 5 × 7. Filter 2" in bundle["text/plain"]
    assert "toynet · conv1" in bundle["text/plain"]


def test_closing_leaves_no_widget_behind():
    instances = ipywidgets.widgets.widget._instances
    before = set(instances)
    explorer = FilterExplorer([tiny(), "toynet"])
    both = set(instances)
    explorer.picker.chosen = ["tiny"]
    assert len(set(instances)) < len(both), "the panel that went has closed its widgets"
    explorer.picker.chosen = ["tiny", "toynet"]
    assert len(set(instances)) == len(both)
    selection, grid = explorer.selection, explorer.grid
    explorer.close()
    explorer.close()
    assert set(instances) == before
    selection.layer = "second"  # nobody listens any more
    assert explorer.selection is None and explorer.panels == [] and grid.n_filters == 0
    assert "closed" in explorer.describe()
