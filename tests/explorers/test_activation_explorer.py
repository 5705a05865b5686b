"""The explorer shows what the network computed, keeps its widgets in step, and leaves nothing behind."""

import asyncio
import base64
import io
from functools import partial
from itertools import product

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.explorers import ActivationExplorer, Selection


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(35)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(5, 7, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(7 * 7 * 11, 4),
    )
    return cw.wrap(module, input_size=(20, 28), name="tiny", classes=["a", "b", "c", "d"])


def picture(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def explorer(network):
    explorer = ActivationExplorer(network, samples={"one": picture(1), "two": picture(2)}, layer="2")
    yield explorer
    explorer.close()


def plain_maps(network, image, n):
    """The first n modules, run by hand."""
    with torch.no_grad():
        return network.module[:n](network.read(image))[0].numpy()


def test_shows_the_maps_and_the_prediction(explorer, network):
    expected = plain_maps(network, picture(1), 3)
    assert explorer.grid.map_size == (7, 11)
    # eight bits for each channel's own range
    tolerance = np.ptp(expected, axis=(1, 2)).max() / 255 / 2 * 1.01
    np.testing.assert_allclose(explorer.grid.activations, expected, atol=tolerance)
    np.testing.assert_allclose(explorer.slider.strengths, expected.max(axis=(1, 2)), rtol=1e-6)
    with torch.no_grad():
        logits = network.module(network.read(picture(1)))[0]
    np.testing.assert_allclose(explorer.classes.probabilities, logits.softmax(0), rtol=1e-5)
    assert explorer.selection.target == int(logits.argmax())
    assert explorer.grid.image.size == (28, 20)
    assert explorer.grid.receptive_field == {"size": [7, 7], "stride": [2, 2], "padding": [0, 0]}


def test_begins_with_the_strongest_channel_and_the_most_probable_class(explorer, network):
    strongest = int(plain_maps(network, picture(1), 3).max(axis=(1, 2)).argmax())
    assert strongest != 0, "or this test could not fail"
    assert explorer.selection.channel == explorer.slider.channel == explorer.grid.channel == strongest
    with torch.no_grad():
        best = int(network.module(network.read(picture(1))).argmax())
    assert best != 0, "or this test could not fail"
    assert explorer.selection.target == explorer.classes.target == best


def test_another_image_keeps_the_channel_and_another_layer_starts_anew(explorer, network):
    explorer.selection.channel = 6
    explorer.images.name = "two"
    np.testing.assert_allclose(
        explorer.slider.strengths, plain_maps(network, picture(2), 3).max(axis=(1, 2)), rtol=1e-6
    )
    assert explorer.grid.channel == 6
    explorer.layers.layer = "0"
    assert explorer.grid.n_channels == explorer.slider.n_channels == 5
    strongest = int(plain_maps(network, picture(2), 1).max(axis=(1, 2)).argmax())
    assert explorer.selection.channel == explorer.grid.channel == strongest


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("from_browser", [False, True])
def test_from_any_layer_to_any_other(network, sort, from_browser):
    """More channels, fewer, as many; maps, numbers: grid, slider and selection tell of one layer."""
    explorer = ActivationExplorer(network, image=picture(1), layer="0", samples={})
    explorer.slider.sort = sort
    names = [layer.name for layer in network.layers]
    for layer in [name for pair in product(names, names) for name in pair]:
        if from_browser:
            explorer.layers.set_state({"layer": layer})
        else:
            explorer.selection.layer = layer
        expected = plain_maps(network, picture(1), int(layer) + 1)
        expected = expected.reshape(len(expected), *(expected.shape[1:] or (1, 1)))
        assert explorer.selection.layer == explorer.layers.layer == layer
        assert explorer.grid.title.startswith(layer)
        assert (explorer.grid.n_channels, *explorer.grid.map_size) == expected.shape
        tolerance = np.ptp(expected, axis=(1, 2)).max() / 255 / 2 * 1.01 + 1e-6
        np.testing.assert_allclose(explorer.grid.activations, expected, atol=tolerance)
        strengths = expected.max(axis=(1, 2))
        np.testing.assert_allclose(explorer.slider.strengths, strengths, rtol=1e-5, atol=1e-6)
        assert explorer.slider.order == explorer.grid.order
        assert explorer.selection.channel == explorer.slider.channel == explorer.grid.channel
        assert strengths[explorer.selection.channel] == strengths.max()
        assert explorer.grid.error == explorer.slider.error == explorer.layers.error == ""
    explorer.close()


def test_a_channel_can_be_chosen_together_with_its_layer(network):
    """Also while the maps of the layer are still being computed."""

    async def scenario():
        explorer = ActivationExplorer(network, image=picture(1), layer="0", samples={})
        explorer.selection.layer = "2"
        explorer.selection.channel = 6  # the layer shown until now has five
        await explorer.done()
        found = (
            explorer.selection.channel,
            explorer.slider.channel,
            explorer.grid.channel,
            explorer.grid.error,
        )
        explorer.close()
        return found

    assert asyncio.run(scenario()) == (6, 6, 6, "")


def test_what_a_given_selection_says_is_kept(network):
    selection = Selection(network, image=picture(1), layer="2", channel=3, target=1, position=(1, 2))
    explorer = ActivationExplorer(selection=selection, samples={})
    assert (selection.channel, selection.target, selection.position) == (3, 1, (1, 2))
    assert (explorer.slider.channel, explorer.grid.channel, explorer.classes.target) == (3, 3, 1)
    assert explorer.grid.position == (1, 2)
    explorer.close()


def test_a_stale_result_of_another_layer_is_not_shown(explorer):
    """Even a stale result may arrive, for the camera's sake; its layer must still be the chosen one."""
    explorer.selection.layer = "0"
    late = explorer._compute((explorer.selection.network, explorer.selection.image, "2"))
    explorer._apply(late)
    assert explorer.grid.n_channels == 5 and explorer.grid.title.startswith("0")
    assert explorer.selection.channel < 5


def test_the_selection_is_told_once(explorer):
    """Not of every step in which the widgets are brought to another layer."""
    told = []
    explorer.selection.observe(lambda change: told.append(change.new), ["channel", "target"])
    explorer.slider.channel = 6
    explorer.selection.layer = "0"
    assert told == [6, None, explorer.slider.channel]


def test_late_messages_of_a_layer_no_longer_shown_are_no_error(explorer):
    explorer.selection.layer = "0"
    explorer.slider.set_state({"channel": 6, "order": list(range(7))})
    explorer.grid.set_state({"channel": 6, "position": [6, 10], "order": list(range(7))})
    assert explorer.slider.error == explorer.grid.error == ""
    assert explorer.slider.channel == explorer.grid.channel == explorer.selection.channel == 4


def test_all_widgets_and_the_selection_go_together(explorer):
    for source in (explorer.selection, explorer.slider, explorer.grid):
        for channel in (3, 1):
            source.channel = channel
            assert {explorer.selection.channel, explorer.slider.channel, explorer.grid.channel} == {channel}
    explorer.selection.layer = "3"
    assert explorer.layers.layer == "3"
    explorer.classes.target = 2
    assert explorer.selection.target == 2
    explorer.selection.target = 1
    assert explorer.classes.target == 1
    explorer.grid.position = (4, 9)
    assert explorer.selection.position == (4, 9)
    explorer.slider.sort = True
    assert (
        explorer.grid.order
        == explorer.slider.order
        == np.argsort(-explorer.slider.strengths, kind="stable").tolist()
    )


def test_what_comes_from_the_browser_is_not_sent_back(explorer, monkeypatch):
    """An echo would arrive late and pull the pointer's latest channel back."""
    sent = []

    def record(name, key=None):
        sent.append((name, key))

    for widget in (explorer.slider, explorer.grid):
        monkeypatch.setattr(widget, "send_state", partial(record, type(widget).__name__))
    explorer.slider.set_state({"channel": 4})
    assert (explorer.selection.channel, explorer.grid.channel) == (4, 4)
    assert not [key for _, key in sent if "channel" in str(key)]
    explorer.slider.channel = 2
    assert {name for name, key in sent if "channel" in str(key)} == {"NeuronSlider", "ActivationGrid"}


def test_layers_with_the_channels_last():
    """As in ConvNeXt: height and width come first, and the tiles must not be rows of the image."""

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 6, 4, 4), nn.LayerNorm(6), nn.Linear(6, 2)

        def forward(self, x):
            return self.head(self.norm(self.conv(x).permute(0, 2, 3, 1)).mean((1, 2)))

    network = cw.wrap(Last(), input_size=(20, 28))
    explorer = ActivationExplorer(network, image=picture(1), layer="norm", samples={})
    assert (explorer.grid.n_channels, explorer.grid.map_size) == (6, (5, 7))
    with torch.no_grad():
        x = network.module.conv(network.read(picture(1)))
        expected = network.module.norm(x.permute(0, 2, 3, 1))[0].permute(2, 0, 1).numpy()
    np.testing.assert_allclose(explorer.grid.activations, expected, atol=0.02)
    explorer.selection.channel = 5
    explorer.close()


def test_a_network_that_gives_nan_can_be_looked_into():
    """It is the one that needs it most: the first layer with NaN shows where it begins."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.Flatten(), nn.Linear(5 * 16 * 24, 3))
    with torch.no_grad():
        module[1].weight[2, 0, 0, 0] = torch.nan
    explorer = ActivationExplorer(
        cw.wrap(module, input_size=(20, 28)), image=picture(1), layer="0", samples={}
    )
    assert np.isfinite(explorer.grid.activations).all() and explorer.grid.error == ""
    assert np.isnan(explorer.classes.probabilities).all() and explorer.selection.target is None
    explorer.selection.layer = "1"
    assert "1 not finite" in explorer.grid.describe()
    assert explorer.selection.channel != 2, "the strongest of those that can be compared"
    assert explorer.grid.error == explorer.slider.error == explorer.classes.error == ""
    assert explorer.picture() is not None
    explorer.close()


def test_a_fully_connected_layer_is_a_row_of_numbers(explorer):
    explorer.selection.layer = "5"
    assert explorer.grid.n_channels == 4 and explorer.grid.map_size == (1, 1)


def test_another_network(explorer):
    explorer.selection.network = "toynet"
    assert explorer.selection.layer == explorer.layers.layer == "conv5"
    assert explorer.grid.n_channels == 64 and len(explorer.classes.classes) == 12
    assert "toynet" in explorer.title.value


def test_random_weights_are_said(network):
    explorer = ActivationExplorer(cw.load("squeezenet1_1", weights=None), image=picture(3), samples={})
    assert "random weights, untrained" in explorer.title.value
    explorer.close()


def test_a_selection_can_be_shared(network):
    selection = Selection(network, image=picture(1), layer="2")
    one, two = (ActivationExplorer(selection=selection, samples={}) for _ in range(2))
    one.slider.channel = 5
    assert two.grid.channel == 5
    one.close()
    two.slider.channel = 4
    assert selection.channel == 4
    two.close()


def test_another_layer_in_explorers_that_share_a_selection(network):
    selection = Selection(network, image=picture(1), layer="0")
    one, two = (ActivationExplorer(selection=selection, samples={}) for _ in range(2))
    one.layers.set_state({"layer": "2"})
    for explorer in (one, two):
        assert explorer.grid.n_channels == 7 and explorer.grid.channel == selection.channel
        assert explorer.grid.error == explorer.layers.error == ""
        explorer.close()


def test_another_network_is_looked_at_once(explorer, monkeypatch):
    asked = []
    compute = explorer._compute
    monkeypatch.setattr(explorer, "_compute", lambda request: asked.append(request[2]) or compute(request))
    explorer.selection.network = "toynet"
    assert asked == ["conv5"]
    assert (
        explorer.selection.target == explorer.classes.target == int(np.argmax(explorer.classes.probabilities))
    )


def test_in_a_running_loop_the_kernel_stays_free_and_the_last_request_is_shown(network):
    async def scenario():
        explorer = ActivationExplorer(network, samples={"one": picture(1), "two": picture(2)}, layer="2")
        explorer.selection.layer = "0"
        explorer.selection.layer = "3"
        assert explorer.grid.n_channels == 7 and "2 · Conv2d" in explorer.grid.title, (
            "not computed in the setter"
        )
        await explorer.done()
        title = explorer.grid.title
        explorer.close()
        return title

    assert asyncio.run(scenario()).startswith("3 · ReLU")


def test_an_error_is_shown_and_goes_away(explorer, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.activation_explorer.capture", lambda *_: 1 / 0)
    explorer.selection.layer = "0"
    assert "ZeroDivisionError" in explorer.grid.error
    monkeypatch.undo()
    explorer.selection.layer = "1"
    assert explorer.grid.error == ""


def test_picture_and_text_for_places_without_widgets(explorer):
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "tiny" not in bundle["text/plain"] and "maps of 7 × 11" in bundle["text/plain"]
    shown = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert min(shown.size) > 200


def test_closing_leaves_no_widget_behind(network):
    before = set(ipywidgets.widgets.widget._instances)
    explorer = ActivationExplorer(network, samples={"one": picture(1)})
    assert len(set(ipywidgets.widgets.widget._instances) - before) > 8
    selection = explorer.selection
    explorer.close()
    assert set(ipywidgets.widgets.widget._instances) == before
    selection.layer = "0"  # nobody listens any more
    assert explorer.selection is None and explorer.grid.n_channels == 0
    explorer.slider.channel = 0
    assert "closed" in explorer._repr_mimebundle_()["text/plain"] and "closed" in explorer.describe()
    assert "closed" in explorer.grid._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chanel": 3}, "no argument 'chanel'"),
        ({"selection": "s", "layer": "0"}, "either a selection, or"),
    ],
)
def test_wrong_arguments(network, arguments, message):
    with pytest.raises(TypeError, match=message):
        ActivationExplorer(network, **arguments)


def test_explore_takes_a_module_and_a_picture():
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    explorer = cw.explore(module, image=np.zeros((30, 30, 3), np.uint8))
    assert explorer.selection.layer == "0" and explorer.selection.image.size == (30, 30)
    explorer.close()
