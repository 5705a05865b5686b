"""The explorer shows the neighbours that the core finds, measures them, and says what it cannot show."""

import asyncio
import gc
import io
import threading
import time
import weakref

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from traitlets import TraitError
from waiting import until

import cnnwidgets as cw
from cnnwidgets.core import InputError, LayerError, features, nearest_neighbours
from cnnwidgets.data import ImageError
from cnnwidgets.explorers import ActivationExplorer, RetrievalExplorer, Selection, retrieval_search
from cnnwidgets.explorers.retrieval_pictures import PictureSet
from cnnwidgets.explorers.retrieval_space import Space, precision_at
from cnnwidgets.explorers.retrieval_words import told_of
from cnnwidgets.networks.random_weights import randomise

HEIGHT, WIDTH, N = 20, 28, 40
LABELS = np.arange(N) % 4
NAMES = ["cat", "dog", "bus", "tree"]
ORDER = np.random.default_rng(1).permutation(N).tolist()


def module_of(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(700, 9), nn.Linear(9, 4)
    )


def network_of(module, name="tiny"):
    return cw.wrap(module, input_size=(HEIGHT, WIDTH), name=name, classes=NAMES)


@pytest.fixture(scope="module")
def network():
    return network_of(module_of())


def pictures(n=N, seed=0):
    """Colours that come from the class, in some noise; of a size that is not resized."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 200, (4, HEIGHT, WIDTH, 3))
    noise = rng.integers(0, 56, (n, HEIGHT, WIDTH, 3))
    return [Image.fromarray((base[i % 4] // 2 + 2 * noise[i]).astype(np.uint8)) for i in range(n)]


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def explorer(network):
    explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES, k=5)
    yield explorer
    explorer.close()


def vectors(network, layer=None, images=None):
    return features(network, pictures() if images is None else images, layer).vectors


def by_core(network, kind, query, metric="l2", layer=None, k=30):
    model = network
    if kind == "random":
        model = module_of(7)
        randomise(model)
        x = torch.cat([network.read(each) for each in pictures()])
        table = features(model, x, layer).vectors
    else:
        table = vectors(network, "pixels" if kind == "pixels" else layer)
    found = nearest_neighbours(table, k=k, metric=metric)
    return found.indices[query], found.distances[query]


def shows(explorer, kind, indices, distances, query):
    row = next(row for row in explorer.rows.rows if row.key == kind)
    assert [tile.number for tile in row.tiles] == indices.tolist()
    np.testing.assert_allclose([tile.value for tile in row.tiles], distances, rtol=1e-4, atol=1e-6)
    assert [tile.mark for tile in row.tiles] == [LABELS[i] == LABELS[query] for i in indices]
    assert [tile.label for tile in row.tiles] == [NAMES[LABELS[i]] for i in indices]
    assert explorer.rows.query.number == query and explorer.rows.chosen == explorer.gallery.chosen == query
    assert explorer.rows.error == explorer.gallery.error == ""


# -- neighbours ------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["l2", "cosine"])
@pytest.mark.parametrize("kind", ["features", "pixels", "random"])
def test_shows_the_neighbours_that_the_core_finds(network, explorer, kind, metric):
    explorer.control.set_state({"random": True})
    explorer.control.set_state({"metric": metric})
    for query in (0, 13, 39):
        explorer.gallery.set_state({"chosen": query})
        indices, distances = by_core(network, kind, query, metric)
        shows(explorer, kind, indices, distances, query)
        assert explorer.neighbours[kind].indices.tolist() == indices.tolist()
    assert [row.key for row in explorer.rows.rows] == ["features", "pixels", "random"]
    metric_told = {"l2": "L2", "cosine": "cosine"}[metric]
    assert all(row.note.endswith(f"distance {metric_told}") for row in explorer.rows.rows)


def test_the_random_network_is_off_at_first(explorer):
    assert [row.key for row in explorer.rows.rows] == ["features", "pixels"]
    assert explorer._search._random is None


def test_a_layer(network, explorer):
    explorer.layers.set_state({"layer": "1"})
    indices, distances = by_core(network, "features", 0, layer="1")
    shows(explorer, "features", indices, distances, 0)
    assert explorer.selection.layer == "1"
    note = explorer.rows.rows[0].note
    assert note == "1, mean of each map · 5 numbers · distance L2"
    assert explorer.vectors["features"].shape == (N, 5)
    explorer.layers.set_state({"layer": "before the classifier"})
    shows(explorer, "features", *by_core(network, "features", 0), 0)
    assert explorer.selection.layer == "1", "which has no such layer"
    assert explorer.vectors["features"].shape == (N, 9)
    explorer.selection.layer = "2"  # by another explorer
    assert explorer.layers.layer == "2"
    shows(explorer, "features", *by_core(network, "features", 0, layer="2"), 0)


def test_begins_as_it_is_told(network):
    given = dict(layer="1", query=9, k=3, metric="cosine", random=True, pool="max")
    explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES, **given)
    assert (explorer.layers.layer, explorer.selection.layer, explorer.query) == ("1", "1", 9)
    assert (explorer.rows.k, explorer.control.metric, explorer.control.random) == (3, "cosine", True)
    expected = features(network, pictures(), "1", pool="max").vectors
    np.testing.assert_allclose(explorer.vectors["features"], expected, rtol=1e-5)
    assert "maximum of each map" in explorer.rows.rows[0].note
    explorer.close()


def test_a_click_on_a_neighbour_asks_for_its_neighbours(network, explorer):
    nearest = int(explorer.neighbours["features"].indices[0])
    explorer.rows.set_state({"chosen": nearest})
    shows(explorer, "features", *by_core(network, "features", nearest), nearest)
    assert explorer.query == nearest
    np.testing.assert_array_equal(np.asarray(explorer.selection.image), np.asarray(pictures()[nearest]))


def test_the_gallery_has_classes_and_what_was_asked_for(explorer):
    assert explorer.gallery.groups == ["all classes", *NAMES, "asked before"]
    shown = [tile.label for tile in explorer.gallery.rows[0].tiles]
    assert shown == [NAMES[i % 4] for i in range(N)], "in turn"
    explorer.gallery.set_state({"group": "bus"})
    assert [tile.number for tile in explorer.gallery.rows[0].tiles] == list(range(2, N, 4))
    explorer.gallery.set_state({"chosen": 6})
    explorer.ask(3)
    explorer.ask(6)
    explorer.gallery.set_state({"group": "asked before"})
    assert [tile.number for tile in explorer.gallery.rows[0].tiles] == [6, 3, 0]


def test_an_uneven_collection_offers_all_classes(network):
    labels = [0] * 36 + [1, 2, 3, 3]
    explorer = RetrievalExplorer(network, pictures(), labels, NAMES)
    assert [tile.number for tile in explorer.gallery.rows[0].tiles][:6] == [0, 36, 37, 38, 1, 39]
    explorer.close()


# -- numbers and words -----------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_precision(network, explorer, metric):
    """By hand, from all distances."""
    explorer.control.metric = metric
    for kind, layer in (("features", None), ("pixels", "pixels")):
        table = vectors(network, layer).astype(np.float64)
        if metric == "cosine":
            table /= np.linalg.norm(table, axis=1, keepdims=True)
        distances = np.linalg.norm(table[:, None] - table[None], axis=2)
        np.fill_diagonal(distances, np.inf)
        order = distances.argsort(axis=1)
        for k in (1, 5, 30):
            same = LABELS[order[:, :k]] == LABELS[:, None]
            assert explorer.precision[kind][k - 1] == pytest.approx(same.mean())
            row = next(row for row in explorer.rows.rows if row.key == kind)
            assert row.mean[k - 1] == pytest.approx(same.mean())
            assert row.share[k - 1] == pytest.approx(same[0].mean())
            assert f"Precision at {k}: {100 * same[0].mean():.0f} %" in row.told[k - 1]
            assert f"over all 40 pictures {100 * same.mean():.0f} %" in row.told[k - 1]
            assert "by chance 23 %" in row.told[k - 1], "9 of the other 39"


def test_in_words():
    names = ["cat", "dog", "bus"]
    told = told_of([1, 0, 0, 2, 1], 0, names, 1200, mean=[0.5] * 5, chance=0.25)
    assert told[0].startswith("The nearest is not of its class, cat; they are: dog 1. Precision at 1: 0 %, ")
    assert told[1].startswith("1 of 2 is of its class, cat; the others: dog 1. Precision at 2: 50 %")
    assert told[4].startswith("2 of 5 are of its class, cat; the others: dog 2, bus 1. Precision at 5: 40 %")
    assert told[4].endswith("over all 1,200 pictures 50 %, by chance 25 %")
    assert told_of([0], 0, names, 9) == ["The nearest is of its class, cat. Precision at 1: 100 %"]
    assert told_of([0, 0], 0, names, 9)[1].startswith("All 2 are of its class, cat. ")
    assert told_of([1, 2], 0, names, 9)[1].startswith(
        "None of 2 is of its class, cat; they are: dog 1, bus 1."
    )
    assert told_of([1, -1, 1], None, names, 9)[2] == (
        "dog 2, no class 1; its own class is not known, and so no precision"
    )


def test_no_labels(network):
    explorer = RetrievalExplorer(network, pictures(12))
    row = explorer.rows.rows[0]
    assert row.told == "No classes are known of these pictures, and so no precision."
    assert {tile.mark for tile in row.tiles} == {None} and len(row.share) == len(row.mean) == 0
    assert row.tiles[0].label.startswith("image ") and explorer.labels is None and explorer.precision == {}
    assert explorer.gallery.groups == ["all classes", "asked before"]
    explorer.close()


def test_one_class_only(network):
    explorer = RetrievalExplorer(network, pictures(12), ["cat"] * 12)
    row = explorer.rows.rows[0]
    assert row.told == "All pictures are of one class, so that precision says nothing."
    assert len(row.share) == 0 and len(row.tiles) == 11
    explorer.close()


def test_a_picture_without_a_class(network):
    labels = LABELS.copy()
    labels[[0, 5, 8]] = -1
    explorer = RetrievalExplorer(network, pictures(), labels, NAMES)
    assert "its own class is not known" in explorer.told["features"]
    order = nearest_neighbours(vectors(network), k=30).indices
    known = labels >= 0
    same = labels[order[known, :10]] == labels[known, None]
    explorer.ask(1)
    assert explorer.precision["features"][9] == pytest.approx(same.mean())
    explorer.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda tmp: (pictures(), {"labels": [NAMES[i] for i in LABELS]}),
        lambda tmp: (_Dataset(labels=LABELS, classes=NAMES), {}),
        lambda tmp: (_Dataset(targets=LABELS.tolist(), classes=NAMES), {}),
        lambda tmp: (_Dataset(y=LABELS.tolist(), categories=NAMES), {}),
        lambda tmp: (torch.utils.data.Subset(_Dataset(targets=LABELS, classes=NAMES), ORDER), {}),
        lambda tmp: (_folder(tmp), {}),
    ],
)
def test_where_classes_come_from(network, tmp_path, make):
    images, more = make(tmp_path)
    explorer = RetrievalExplorer(network, images, **more)
    pictures_found = explorer._search.pictures
    assert sorted(pictures_found.names) == sorted(NAMES)
    named = [pictures_found.names[i] for i in explorer.labels]
    assert sorted(named) == sorted(NAMES[i] for i in LABELS)
    assert "of its class" in explorer.told["features"]
    if isinstance(images, torch.utils.data.Subset):
        assert named == [NAMES[LABELS[i]] for i in ORDER]
    explorer.close()


class _Dataset(torch.utils.data.Dataset):
    def __init__(self, **told):
        self.__dict__.update(told)

    def __len__(self):
        return N

    def __getitem__(self, i):
        return pictures()[i], int(LABELS[i])


def _folder(tmp_path):
    for i, picture in enumerate(pictures()):
        (tmp_path / NAMES[LABELS[i]]).mkdir(exist_ok=True)
        picture.save(tmp_path / NAMES[LABELS[i]] / f"{i}.png")
    (tmp_path / "cat" / "broken.png").write_bytes(b"no picture")
    return tmp_path


def test_unreadable_files_are_left_out(network, tmp_path):
    explorer = RetrievalExplorer(network, _folder(tmp_path))
    assert len(explorer.labels) == N and explorer.vectors["features"].shape[0] == N
    assert "1 cannot be read" in explorer.title.value
    explorer.close()


# -- pictures of one's own -------------------------------------------------------------------------


def test_a_picture_of_ones_own(network, explorer):
    mine = pictures(seed=3)[1].resize((100, 80))
    explorer.gallery._handle_custom_msg({"kind": "upload", "name": "mine.png"}, [memoryview(png(mine))])
    assert explorer.query == -1 and explorer.rows.query.label == "mine.png"
    for kind, layer in (("features", None), ("pixels", "pixels")):
        own = features(network, [mine], layer).vectors
        expected = nearest_neighbours(vectors(network, layer), own, k=30)
        assert explorer.neighbours[kind].indices.tolist() == expected.indices[0].tolist()
        np.testing.assert_allclose(explorer.neighbours[kind].distances, expected.distances[0], rtol=1e-4)
    assert "its own class is not known" in explorer.told["features"]
    assert {tile.mark for tile in explorer.rows.rows[0].tiles} == {None}
    assert explorer.selection.image.size == mine.size
    explorer.gallery.group = "asked before"
    assert [tile.label for tile in explorer.gallery.rows[0].tiles] == ["mine.png", "cat"]
    explorer.layers.layer = "1"
    expected = nearest_neighbours(vectors(network, "1"), features(network, [mine], "1"), k=30)
    assert explorer.neighbours["features"].indices.tolist() == expected.indices[0].tolist()
    explorer.gallery.set_state({"chosen": 4})
    explorer.gallery.set_state({"chosen": -1})
    assert explorer.rows.query.label == "mine.png"


def test_what_is_no_picture(explorer):
    explorer.gallery._handle_custom_msg({"kind": "upload", "name": "notes.txt"}, [memoryview(b"no")])
    assert "not a picture" in explorer.gallery.error and explorer.query == 0
    with pytest.raises(ImageError):
        explorer.ask("nowhere.png")
    for number in (N, -1, 10**6):
        with pytest.raises(InputError, match="numbers 0 to 39"):
            explorer.ask(number)
    assert explorer.query == 0


def test_the_same_picture_as_a_query_finds_itself(explorer):
    explorer.ask(pictures()[17])
    assert explorer.neighbours["features"].indices[0] == 17
    assert explorer.neighbours["features"].distances[0] == pytest.approx(0, abs=1e-4)


# -- a shared selection ----------------------------------------------------------------------------


def test_the_picture_is_that_of_the_selection(network):
    mine = pictures(seed=3)[2]
    selection = Selection(network, image=mine, layer="1")
    explorer = RetrievalExplorer(images=pictures(), labels=LABELS, selection=selection)
    other = ActivationExplorer(selection=selection, samples={})
    assert explorer.query == -1 and explorer.layers.layer == "before the classifier"
    own = features(network, [mine]).vectors
    expected = nearest_neighbours(vectors(network), own, k=30).indices[0]
    assert explorer.neighbours["features"].indices.tolist() == expected.tolist()
    explorer.rows.set_state({"chosen": 5})
    np.testing.assert_array_equal(np.asarray(other.selection.image), np.asarray(pictures()[5]))
    assert explorer.query == 5, "and is not taken for a picture of one's own"
    selection.image = pictures(seed=3)[7]
    assert explorer.query == -2
    explorer.close()
    selection.image = mine  # nobody listens, nothing breaks
    other.close()


def test_it_has_a_picture_for_others_at_once(network):
    async def scenario():
        selection = Selection(network)
        explorer = RetrievalExplorer(images=pictures(), selection=selection, query=33)
        np.testing.assert_array_equal(np.asarray(selection.image), np.asarray(pictures()[33]))
        await explorer.done()
        assert explorer.query == 33
        explorer.close()

    asyncio.run(scenario())


def test_another_network(network):
    explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES, query=6)
    other = network_of(module_of(3), "other")
    explorer.selection.network = other
    shows(explorer, "features", *by_core(other, "features", 6), 6)
    assert "other" in explorer.title.value
    mine = pictures(seed=3)[1]
    explorer.ask(3)
    explorer.ask(mine, "mine")
    explorer.selection.network = network
    assert explorer.query == -1 and explorer.rows.query.label == "mine"
    own = nearest_neighbours(vectors(network), features(network, [mine]), k=30).indices[0]
    assert explorer.neighbours["features"].indices.tolist() == own.tolist()
    explorer.gallery.group = "asked before"
    assert [tile.number for tile in explorer.gallery.rows[0].tiles] == [-1, 3, 6]
    explorer.close()


def test_a_network_that_has_learned_is_asked_anew():
    network = network_of(module_of(4))
    explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES)
    before = explorer.neighbours["features"].indices.tolist()
    with torch.no_grad():
        network.module[3].weight.copy_(torch.randn(9, 700))
    explorer.control.metric = "cosine"
    explorer.control.metric = "l2"
    after = explorer.neighbours["features"].indices.tolist()
    assert after == by_core(network, "features", 0)[0].tolist() != before
    explorer.close()


# -- bad input -------------------------------------------------------------------------------------


def test_duplicates(network):
    """More of them than neighbours: no picture is its own neighbour."""
    explorer = RetrievalExplorer(network, pictures(4) * 15, np.arange(60) % 4, NAMES, k=8)
    for metric in ("l2", "cosine"):
        explorer.control.metric = metric
        assert explorer.neighbours["features"].distances[:14] == pytest.approx(0, abs=1e-5)
        assert 0 not in explorer.neighbours["features"].indices
        assert explorer.precision["features"][13] == explorer.precision["pixels"][13] == 1
    same = RetrievalExplorer(network, pictures(1) * 50, [0, 1] * 25)
    assert 0 not in same.neighbours["pixels"].indices and same.rows.error == ""
    assert 0 < same.precision["pixels"][0] < 1
    same.close()
    explorer.close()


def test_vectors_of_zeros_have_no_direction(network):
    module = module_of()
    with torch.no_grad():
        for part in (module[3].weight, module[3].bias):
            part.zero_()
    explorer = RetrievalExplorer(network_of(module), pictures(), LABELS, NAMES)
    assert len(explorer.rows.rows[0].tiles) == 30
    explorer.control.metric = "cosine"
    assert "all zeros" in explorer.rows.rows[0].message and "L2" in explorer.rows.rows[0].message
    assert len(explorer.rows.rows[1].tiles) == 30 and "pixels" in explorer.precision
    assert explorer.rows.error == "" and list(explorer.neighbours) == ["pixels"]
    explorer.control.metric = "l2"
    assert len(explorer.rows.rows[0].tiles) == 30
    explorer.close()


def test_features_that_are_no_numbers():
    module = module_of()
    with torch.no_grad():
        module[3].weight[2, 3] = torch.nan
    explorer = RetrievalExplorer(network_of(module), pictures(), LABELS, NAMES)
    explorer.layers.layer = "3"
    assert "not finite" in explorer.rows.rows[0].message and explorer.rows.rows[0].tiles == ()
    assert len(explorer.rows.rows[1].tiles) == 30
    explorer.layers.layer = "1"
    assert len(explorer.rows.rows[0].tiles) == 30
    explorer.close()


def test_pictures_of_mixed_sizes(network):
    mixed = [each.resize((30 + i, 60 - i)) for i, each in enumerate(pictures(12))]
    explorer = RetrievalExplorer(network, mixed, LABELS[:12])
    assert len(explorer.rows.rows[1].tiles) == 11
    explorer.close()
    tensors = [torch.rand(3, HEIGHT, WIDTH + (i > 38)) for i in range(40)]
    explorer = RetrievalExplorer(network, tensors)
    for metric in ("cosine", "l2"):  # another try does not take those before for all of them
        assert "one size" in explorer.rows.error and "image 39" in explorer.rows.error
        assert [row.tiles for row in explorer.rows.rows] == [(), ()]
        explorer.control.metric = metric
    explorer.close()


def test_tensors_and_streams(network):
    x = torch.cat([network.read(each) for each in pictures()])
    for images in (x, iter(pictures()), (each for each in x.split(9))):
        explorer = RetrievalExplorer(network, images, LABELS, NAMES)
        shows(explorer, "features", *by_core(network, "features", 0), 0)
        shows(explorer, "pixels", *by_core(network, "pixels", 0), 0)
        assert np.asarray(explorer.selection.image).shape == (HEIGHT, WIDTH, 3)
        explorer.close()


@pytest.mark.parametrize(
    ("images", "more", "error", "told"),
    [
        ([], {}, InputError, "no images"),
        (pictures(5), {"labels": [0, 1]}, InputError, "5 pictures, 2 labels"),
        (pictures(2), {"labels": [0.5, 1]}, InputError, "whole numbers"),
        (pictures(2), {"labels": [0, 3], "names": ["a"]}, InputError, "label 3 has no name"),
        (pictures(5), {"layer": "conv9"}, LayerError, "no layer 'conv9'"),
        (pictures(5), {"query": 5}, InputError, "no picture 5"),
        (pictures(5), {"colour": 5}, TypeError, "no argument 'colour'"),
        (pictures(5), {"metric": "manhattan"}, TraitError, "metric"),
        (pictures(5), {"k": 0}, TraitError, "'k'"),
        (3, {}, InputError, "not as a int"),
    ],
)
def test_arguments_that_make_no_sense(network, images, more, error, told):
    before = len(ipywidgets.widgets.widget._instances)
    with pytest.raises(error, match=told):
        RetrievalExplorer(network, images, **more)
    assert len(ipywidgets.widgets.widget._instances) == before


def test_one_picture_has_no_neighbours(network):
    explorer = RetrievalExplorer(network, pictures(1))
    assert "two pictures at least, and there are 1" in explorer.rows.error
    explorer.close()
    explorer = RetrievalExplorer(network, pictures(2), [0, 1])
    assert [len(row.tiles) for row in explorer.rows.rows] == [1, 1]
    explorer.close()


def test_a_network_without_a_linear_layer():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = network_of(module)
    explorer = RetrievalExplorer(network, pictures(), LABELS)
    assert "before the classifier" not in [each.name for each in explorer.layers.layers]
    assert explorer.layers.layer == explorer.selection.layer == "0"
    assert len(explorer.rows.rows[0].tiles) == 30
    explorer.close()


def test_a_network_whose_weights_cannot_be_drawn_anew():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(4))
            self.linear = nn.Linear(3 * HEIGHT * WIDTH, 4)

        def forward(self, x):
            return self.linear(x.flatten(1)) * self.scale

    explorer = RetrievalExplorer(network_of(Own()), pictures(), LABELS, layer="linear", random=True)
    assert "no random network of this shape" in explorer.rows.rows[2].message
    assert len(explorer.rows.rows[0].tiles) == 30 and explorer.rows.error == ""
    explorer.close()


def test_many_large_pictures_are_read_again_and_averaged(network, monkeypatch):
    """What does not fit into memory: pixel space is that of smaller pictures, and says so."""
    monkeypatch.setattr("cnnwidgets.explorers.retrieval_pictures.NUMBERS", 1000)
    monkeypatch.setattr("cnnwidgets.explorers.retrieval_pictures.SIDE", 14)
    explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES)
    assert explorer._search.pictures._tensors == []
    shows(explorer, "features", *by_core(network, "features", 0), 0)
    x = torch.cat([network.read(each) for each in pictures()])
    small = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)).flatten(1)
    found = nearest_neighbours(small, k=30)
    shows(explorer, "pixels", found.indices[0], found.distances[0], 0)
    assert explorer.rows.rows[1].note == "averaged over 2 × 2 pixels · 420 numbers · distance L2"
    explorer.ask(pictures()[3])
    assert explorer.neighbours["pixels"].indices[0] == 3
    explorer.close()


# -- beside the event loop -------------------------------------------------------------------------


class Gate:
    """Features that wait before each piece until they may go on."""

    def __init__(self, monkeypatch):
        self.go_on, self.asked = threading.Event(), []
        real = retrieval_search.feature_batches

        def gated(model, tensors, layer, **options):
            self.asked.append((layer, len(tensors)))
            assert self.go_on.wait(20)
            return real(model, tensors, layer, **options)

        monkeypatch.setattr(retrieval_search, "feature_batches", gated)


def test_pixels_wait_for_nobody_and_progress_is_told(network, monkeypatch):
    async def scenario():
        gate = Gate(monkeypatch)
        explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES)
        await until(lambda: gate.asked)
        await until(lambda: explorer.rows.rows[0].message == "computing …")
        await until(lambda: explorer.rows.rows[1].tiles)
        assert len(explorer.gallery.rows[0].tiles) == N, "which can be seen already"
        gate.go_on.set()
        await explorer.done()
        shows(explorer, "features", *by_core(network, "features", 0), 0)
        assert "over all 40 pictures" in explorer.told["pixels"]
        explorer.close()

    asyncio.run(scenario())


def test_another_layer_gives_up_the_one_before(network, monkeypatch):
    async def scenario():
        explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES)
        await explorer.done()
        gate = Gate(monkeypatch)
        explorer.layers.layer = "1"
        assert explorer.neighbours == {}, "those before are of another layer"
        await until(lambda: gate.asked)
        await until(lambda: explorer.rows.rows[0].message == "computing …")
        await until(lambda: len(explorer.rows.rows[1].tiles) == 30)
        explorer.layers.layer = "2"
        gate.go_on.set()
        await explorer.done()
        assert [layer for layer, n in gate.asked].count("1") == 1, "a second piece of it was not begun"
        shows(explorer, "features", *by_core(network, "features", 0, layer="2"), 0)
        explorer.close()

    asyncio.run(scenario())


def test_clicks_are_answered_while_something_is_computed(network, monkeypatch):
    async def scenario():
        explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES)
        await explorer.done()
        gate = Gate(monkeypatch)
        explorer.layers.layer = "1"
        await until(lambda: gate.asked)
        explorer.rows.set_state({"chosen": 11})
        indices, distances = by_core(network, "pixels", 11)
        await until(lambda: "pixels" in explorer.neighbours)
        await until(lambda: [tile.number for tile in explorer.rows.rows[1].tiles] == indices.tolist())
        shows(explorer, "pixels", indices, distances, 11)
        gate.go_on.set()
        await explorer.done()
        shows(explorer, "features", *by_core(network, "features", 11, layer="1"), 11)
        explorer.close()

    asyncio.run(scenario())


def test_closing_in_the_middle_ends_everything(monkeypatch):
    async def scenario():
        before = len(ipywidgets.widgets.widget._instances)
        network = network_of(module_of())
        gate = Gate(monkeypatch)
        explorer = RetrievalExplorer(network, pictures(), LABELS, NAMES)
        await until(lambda: gate.asked)
        explorer.close()
        explorer.close()
        gate.go_on.set()
        await asyncio.sleep(0.1)
        assert gate.asked == [(None, 32)], "a second piece was not begun"
        assert len(ipywidgets.widgets.widget._instances) == before
        assert explorer.describe() == "RetrievalExplorer (closed)"
        gone = weakref.ref(network.module)
        del network
        gc.collect()
        assert gone() is None
        assert explorer is not None

    asyncio.run(scenario())


def test_a_query_is_answered_at_once():
    """Of 2,000 pictures of 27,648 numbers; 100 ms is what a hand notices."""
    space = Space(torch.randn(2000, 27648))
    for metric in ("l2", "cosine"):
        space.near(space.vectors[0], 30, metric, without=0)
        took = []
        for i in range(5):
            start = time.perf_counter()
            found = space.near(space.vectors[i], 30, metric, without=i)
            took.append(time.perf_counter() - start)
        assert len(found.indices) == 30 and min(took) < 0.1, took


@pytest.mark.parametrize("metric", ["l2", "cosine"])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (7, 6), (40, 5), (300, 30)])
def test_a_space_against_the_core(n, k, metric):
    table = torch.from_numpy(np.random.default_rng(n).normal(size=(n, 6)).astype(np.float32))
    table[1] = table[0]
    expected = nearest_neighbours(table, k=k, metric=metric)
    space = Space(table)
    for i in range(n):
        found = space.near(table[i], k, metric, without=i)
        assert i not in found.indices
        np.testing.assert_allclose(found.distances, expected.distances[i], rtol=1e-5, atol=1e-7)
    labels = np.arange(n) % 3
    labels[1] = labels[0]  # which of the two comes first is left open
    hits = np.concatenate(list(space.hits(labels, k, metric)))
    np.testing.assert_array_equal(hits, labels[expected.indices] == labels[:, None])
    assert precision_at(hits)[-1] == pytest.approx(hits.mean())


def test_reading_goes_on_where_it_was_left(network):
    found = PictureSet(network, pictures(), LABELS)
    steps = found.read()
    assert next(steps) == (32, N)
    steps.close()
    assert list(found.read()) == [(40, N)] and found.is_read and found.n == N
    assert list(found.read()) == []


def test_picture_and_words(explorer):
    bundle = explorer._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "Feature space" in data["text/plain"] and "Precision at 5" in data["text/plain"]
    assert "image/png" in data


def test_the_pictures_that_come_with_the_package():
    explorer = RetrievalExplorer(images=cw.data.Toytown("test", length=96))
    assert "toynet" in explorer.title.value and "96 pictures of 12 classes" in explorer.title.value
    assert explorer.vectors["features"].shape == (96, 256)
    assert explorer.precision["features"][4] > 2 * explorer.precision["pixels"][4]
    np.testing.assert_array_equal(np.asarray(explorer.selection.image), cw.data.Toytown("test")[0].image)
    assert explorer.rows.rows[0].tiles[0].source.startswith("test ")
    explorer.close()
