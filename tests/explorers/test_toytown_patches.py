"""The scans that come with the package are those of its networks, and of Toytown."""

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import fingerprint, max_activating_patches
from cnnwidgets.core.images import images_of
from cnnwidgets.explorers import toytown_patches
from cnnwidgets.explorers.toytown_patches import ComeAlong, bundled_patches, scannable, scanned_town
from cnnwidgets.networks import Network, Preprocess
from cnnwidgets.networks.bundled import BUNDLED

N = 96  # pictures that are scanned again


@pytest.fixture(scope="module", params=BUNDLED)
def bundled(request):
    network = cw.load(request.param)
    return network, bundled_patches(network)


def test_they_belong_to_the_network_and_to_toytown(bundled):
    network, patches = bundled
    assert patches.network == fingerprint(network)
    assert patches.data == images_of(network, scanned_town()).fingerprint() == patches.images.fingerprint()
    assert patches.n_images == 5_000 and patches.ranges == [(0, 5_000)] and patches.k == 9
    assert not patches.skipped and patches.input_shape == network.input_shape


def test_their_layers_are_those_of_the_network(bundled):
    """Receptive fields too, by which patches are cut out."""
    network, patches = bundled
    assert [layer.name for layer in patches.layers] == scannable(network)
    for layer in patches.layers:
        assert layer == network.layer(layer.name)
        field, own = layer.receptive_field, network.layer(layer.name).receptive_field
        assert field == own and field.image_size == own.image_size
        for one, other in zip(field.spans, own.spans, strict=True):
            assert (one is None) == (other is None) and np.array_equal(one, other)


def test_a_new_scan_of_the_first_pictures_gives_the_same_values(bundled):
    network, patches = bundled
    again = max_activating_patches(network, scanned_town(), scannable(network), k=N, stop=N)
    n_compared = 0
    for unit in patches:
        fresh = {patch.image: patch for patch in again[unit.layer.name, unit.channel].strongest}
        for kind in ("strongest", "weakest", "sample"):
            for patch in unit.patches(kind):
                if patch.image < N:
                    assert patch.value == pytest.approx(fresh[patch.image].value, rel=1e-3, abs=1e-3)
                    n_compared += 1
        best = unit.strongest[-1].value
        assert [i for i, patch in fresh.items() if patch.value > best + 1e-3 and patch.image >= N] == []
        shown = {patch.image for patch in unit.strongest}
        assert {i for i, patch in fresh.items() if patch.value > best + 1e-3} <= shown
    assert n_compared > 200


def test_pictures_have_names_that_people_understand(bundled):
    _, patches = bundled
    patch = patches["conv5", 3].strongest[0]
    town = cw.data.Toytown("test")
    assert patch.source == f"test {patch.image} · {town.classes[town[patch.image].label]}"


def test_none_for_other_weights_another_structure_or_other_reading():
    network = cw.load("toynet")
    with torch.no_grad():
        next(network.module.parameters())[3, 1, 2, 2] += 1e-3
    assert bundled_patches(network) is None
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert bundled_patches(cw.wrap(module, name="toynet")) is None
    assert bundled_patches(cw.load("toynet", weights=None)) is None
    own = cw.load("toynet")
    other = Preprocess((96, 96), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    assert bundled_patches(Network(own.module, other, own.classes, "toynet")) is None
    assert bundled_patches(Network(own.module, own.preprocess, own.classes, "toynet")) is not None
    for name in ("mine", "../toynet", "x" * 5_000, "a\0b"):
        assert bundled_patches(Network(own.module, own.preprocess, own.classes, name)) is None


def test_a_damaged_file_is_as_good_as_none(tmp_path, monkeypatch):
    monkeypatch.setattr(toytown_patches, "WEIGHTS", tmp_path)
    network = cw.load("toynet")
    assert bundled_patches(network) is None
    (tmp_path / "toynet.patches.npz").write_bytes(b"broken")
    assert bundled_patches(network) is None


def test_the_file_can_be_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(toytown_patches, "WEIGHTS", tmp_path)
    monkeypatch.setattr(toytown_patches, "N_IMAGES", 40)
    seen = []
    path = toytown_patches.make("toynet-gap", lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "toynet-gap.patches.npz" and seen[-1] == (40, 40)
    patches = bundled_patches(cw.load("toynet-gap"))
    assert patches.n_images == 40 and [layer.name for layer in patches.layers][0] == "conv1"


def test_all_convolutions_and_fully_connected_layers_are_scanned():
    assert scannable(cw.load("toynet")) == [*(f"conv{i}" for i in range(1, 6)), "fc6", "fc7", "fc8"]


def test_of_alexnet_all_convolutions_and_the_scores():
    """Its two hidden layers with 4,096 units each would be most of the work."""
    features = [f"features.{i}" for i in (0, 3, 6, 8, 10)]
    assert scannable(cw.load("alexnet", weights=None)) == [*features, "classifier.6"]


def test_of_a_deep_network_the_last_layer_of_each_map_size():
    """16, 8 and 4 rows, then numbers; by hand."""
    module = nn.Sequential(
        *(nn.Conv2d(3, 10, 3, padding=1), nn.Conv2d(10, 11, 3, padding=1), nn.MaxPool2d(2)),
        *(nn.Conv2d(11, 12, 3, padding=1), nn.Conv2d(12, 13, 3, padding=1), nn.MaxPool2d(2)),
        *(nn.Conv2d(13, 14, 3, padding=1), nn.Flatten(), nn.Linear(14 * 4 * 6, 15), nn.Linear(15, 3)),
    )
    network = cw.wrap(module, input_size=(16, 24))
    assert scannable(network) == ["0", "1", "3", "4", "6", "8", "9"]
    n_units = 10 + 11 + 12 + 13 + 14 + 15 + 3
    assert scannable(network, most=n_units) == ["0", "1", "3", "4", "6", "8", "9"]
    assert scannable(network, most=n_units - 1) == ["0", "1", "3", "4", "6", "9"]
    assert scannable(network, most=n_units - 15) == ["0", "1", "3", "4", "6", "9"]
    assert scannable(network, most=n_units - 16) == ["1", "4", "6", "9"]


@pytest.mark.parametrize("name", ["resnet50", "densenet121"])
def test_deep_networks_are_thinned(name):
    network = cw.load(name, weights=None)
    layers = [network.layer(layer) for layer in scannable(network)]
    sizes = [layer.map_size for layer in layers]
    assert len(set(sizes)) == len(sizes) <= 8
    assert layers[-1].output_shape == (1000,) and layers[0].map_size[0] > 50
    assert sum(layer.n_channels for layer in layers) <= 6_000


def test_channels_last_and_layers_of_other_kinds():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.one, self.two = nn.Conv2d(3, 6, 4, 4), nn.Linear(6, 12), nn.Linear(12, 6)
            self.head = nn.Linear(6, 2)

        def forward(self, x):
            return self.head(self.two(self.one(self.conv(x).permute(0, 2, 3, 1))).mean((1, 2)))

    network = cw.wrap(Last(), input_size=(20, 28))
    assert scannable(network) == ["conv", "one", "two", "head"]
    assert scannable(network, most=20) == ["two", "head"], "the maps of all three are 5 x 7"

    class Blur(nn.Module):
        def forward(self, x):
            return nn.functional.avg_pool2d(x, 3)

    plain = nn.Sequential(Blur(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert scannable(cw.wrap(plain, input_size=(20, 28))) == ["0", "1", "2", "3"], "there are no weights"


def test_pictures_that_come_along_are_photographs_and_drawings():
    images = ComeAlong(n_drawings=30)
    found = images_of(cw.load("toynet"), images)
    n = len(images) - 30
    assert n >= 1 and len(found) == len(images)
    assert not found.name(0).startswith("Toytown") and found.name(n) == "Toytown test 0 · car"
    assert found.tensor(0).shape == found.tensor(len(images) - 1).shape == (3, 96, 96)
    with pytest.raises(IndexError):
        images[len(images)]
