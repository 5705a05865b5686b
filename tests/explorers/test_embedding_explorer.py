"""Two maps of the same pictures: the core's vectors, maps and numbers, live, and safe with odd pictures."""

import asyncio
import gc
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import NearestNeighbors
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets import core
from cnnwidgets.explorers import (
    EmbeddingExplorer,
    Selection,
    embedding_map,
    embedding_pictures,
    embedding_runs,
    embedding_spaces,
)
from cnnwidgets.networks import Preprocess

HEIGHT, WIDTH, N = 8, 12, 45
NAMES = ["red", "green", "blue"]
PCA = ("pca", "pca")


def network_of(module, name="tiny", **options):
    preprocess = Preprocess((HEIGHT, WIDTH), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    return cw.wrap(module, preprocess=preprocess, name=name, classes=list("abcde"), **options)


def small_module(seed=3, maps=6):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, maps, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(maps, 7),
        nn.ReLU(),
        nn.Linear(7, 5),
    )


def pictures(n=N, seed=0):
    """Noise with a little of one of three colours each."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 120, (n, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for i in range(n):
        pixels[i, ..., i % 3] += 8
    return [*pixels]


PICTURES, LABELS = pictures(), np.arange(N) % 3
SAMPLES = {"one": pictures(1, 7)[0], "two": pictures(1, 8)[0]}


@pytest.fixture(scope="module")
def network():
    return network_of(small_module())


def explorer_of(network, images=PICTURES, labels=LABELS, names=NAMES, **options):
    options = {"methods": PCA, "samples": SAMPLES, "n_iterations": 300, **options}
    return EmbeddingExplorer(network, images, labels, names if labels is not None else None, **options)


@pytest.fixture
def explorer(network):
    explorer = explorer_of(network)
    yield explorer
    explorer.close()


def points(one):
    return one.scatter.points


def shows(one, expected):
    np.testing.assert_allclose(points(one)[: len(expected)], expected, rtol=1e-4, atol=1e-5)


def by_core(network, images, space):
    layer = None if space == "before the classifier" else space
    return core.project(core.features(network, images, layer))


def tsne_by_core(network, images, space, perplexity, seed=0):
    layer = None if space == "before the classifier" else space
    vectors = core.features(network, images, layer).vectors
    return [*core.TSNE(vectors, perplexity, 300, seed, n_jobs=1).steps()][-1]


def no_errors(explorer):
    for widget in explorer.widgets():
        assert getattr(widget, "error", "") == ""


def errors(explorer):
    return [widget.error for widget in explorer.widgets() if getattr(widget, "error", "")]


# -- the maps --------------------------------------------------------------------------------------


def test_raw_pixels_beside_the_vector_before_the_classifier(explorer, network):
    for one, space, d in ((explorer.left, "pixels", 288), (explorer.right, "before the classifier", 7)):
        assert one.control.space == space
        assert one.features.vectors.shape == (N, d)
        expected = by_core(network, PICTURES, space)
        np.testing.assert_allclose(one.projection.points, expected.points, atol=1e-5)
        shows(one, expected.points)
        assert one.scatter.title == f"{space} ({d} numbers a picture)"
        assert one.scatter.caption.startswith("PCA: the two axes have ")
        assert one.scatter.labels.tolist() == LABELS.tolist() and one.scatter.names == NAMES
        assert one.scatter.sources[3] == "image 3"
        assert not one.control.running
    assert explorer.projections[1] is explorer.right.projection
    assert explorer.features[0] is explorer.left.features
    no_errors(explorer)


def test_every_layer_is_a_space(explorer, network):
    names = [layer.name for layer in network.layers]
    assert explorer.left.control.spaces == ["pixels", *names, "before the classifier"]
    for name in names:
        explorer.left.control.set_state({"space": name})
        shows(explorer.left, by_core(network, PICTURES, name).points)
    no_errors(explorer)


def test_tsne_ends_where_the_core_ends(network):
    explorer = explorer_of(network, methods=("pca", "tsne"), perplexity=5, seed=4)
    expected = tsne_by_core(network, PICTURES, "before the classifier", 5, 4)
    np.testing.assert_allclose(explorer.right.projection.points, expected.points, atol=1e-6)
    shows(explorer.right, expected.points)
    settings = {"n_features": 7, "seed": 4, "perplexity": 5, "n_iterations": 300}
    assert explorer.right.projection.settings == settings
    assert explorer.right.projection.divergence == pytest.approx(expected.divergence)
    told = f"t-SNE, iteration 300 of 300, divergence {expected.divergence:.2f}"
    assert explorer.right.scatter.caption == told
    explorer.close()


def test_another_method_perplexity_and_seed(explorer, network):
    one = explorer.left
    one.control.set_state({"method": "tsne"})
    shows(one, tsne_by_core(network, PICTURES, "pixels", 14).points)
    one.control.set_state({"perplexity": 4.0})
    shows(one, tsne_by_core(network, PICTURES, "pixels", 4).points)
    one.control.set_state({"seed": 9})
    assert one.projection.settings["seed"] == 9
    one.control.set_state({"method": "pca"})
    shows(one, by_core(network, PICTURES, "pixels").points)
    no_errors(explorer)


def test_what_is_there_is_not_computed_again(explorer, monkeypatch):
    one = explorer.left
    one.control.method = "tsne"
    finished = one.projection
    explorer.right.control.space = "pixels"
    for name in ("features", "nearest_neighbours"):
        monkeypatch.setattr(embedding_spaces, name, None)
    one.control.method = "pca"
    assert one.projection.method == "pca"
    explorer.right.control.space = "before the classifier"
    monkeypatch.setattr(embedding_runs, "TSNE", None)
    one.control.method = "tsne"
    assert one.projection is finished
    shows(one, finished.points)
    no_errors(explorer)


def test_run_again_computes_again(explorer):
    explorer.left.control.method = "tsne"
    before = explorer.left.projection
    explorer.left.control.receive({"kind": "again"}, [])
    assert explorer.left.projection is not before
    np.testing.assert_allclose(explorer.left.projection.points, before.points)


def test_weights_that_have_changed_since(network):
    module = small_module(seed=5)
    explorer = explorer_of(network_of(module))
    before = explorer.right.features
    explorer.right.control.again()
    assert explorer.right.features is before
    with torch.no_grad():
        module[0].weight *= -1
    explorer.right.control.again()
    assert explorer.right.features.network != before.network
    shows(explorer.right, by_core(network_of(module), PICTURES, "before the classifier").points)
    explorer.close()


# -- the numbers -----------------------------------------------------------------------------------


def nearest(vectors, k=10):
    """By scikit-learn, each without itself."""
    found = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(vectors).kneighbors(vectors)[1]
    return np.array([[j for j in row if j != i][:k] for i, row in enumerate(found)])


def apart(i, j):
    """How far the mean colours of two pictures are."""
    one, other = (PICTURES[each].reshape(-1, 3).mean(0) for each in (i, j))
    return np.sqrt(((one - other) ** 2).mean())


def test_the_numbers_are_those_of_the_core(explorer):
    for one in explorer.maps:
        vectors, places = one.features.vectors, one.projection.points
        numbers = one.numbers
        assert (numbers.k, numbers.n) == (10, N)
        assert numbers.kept == pytest.approx(core.neighbours_kept(vectors, places, 10))
        assert numbers.trust == pytest.approx(core.trustworthiness(vectors, places, 10))
        expected = [np.mean(LABELS[nearest(each)] == LABELS[:, None]) for each in (vectors, places)]
        assert numbers.same_class == pytest.approx((*expected, 14 / 44))
        near = [
            np.mean([apart(i, j) for i in range(N) for j in nearest(each)[i]]) for each in (vectors, places)
        ]
        all_pairs = np.mean([apart(i, j) for i in range(N) for j in range(i)])
        assert numbers.colour == pytest.approx((*near, all_pairs), rel=0.01)


def test_the_numbers_are_told(explorer):
    numbers = explorer.right.numbers
    html = explorer.right.table.value
    for told in ("in the space", "in the map", "by chance", "of the same class", "trustworthiness"):
        assert told in html
    assert f"<td>{numbers.same_class[0]:.0%}</td>".replace("%", " %") in html
    assert f"<td>{numbers.kept:.0%}</td>".replace("%", " %") in html
    told = explorer.describe().replace(" %", "%")
    same = "of the same class {:.0%} in the space, {:.0%} in the map, {:.0%} by chance"
    assert f"Right: of the 10 nearest neighbours {same.format(*numbers.same_class)}; mean colours" in told
    assert f"kept in the map {numbers.kept:.0%}, 23% by chance; trustworthiness {numbers.trust:.2f}" in told


def test_numbers_of_many_pictures_are_those_of_some(network, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.embedding_numbers.MOST", 30)
    explorer = explorer_of(network)
    assert explorer.right.numbers.n == 30 and "30 pictures drawn at random" in explorer.right.table.value
    chosen = np.sort(np.random.default_rng(0).choice(N, 30, replace=False))
    vectors, places = explorer.right.features.vectors[chosen], explorer.right.projection.points[chosen]
    assert explorer.right.numbers.kept == pytest.approx(core.neighbours_kept(vectors, places, 10))
    explorer.close()


# -- linked ----------------------------------------------------------------------------------------


def test_the_same_point_lights_up_in_both(explorer):
    left, right = explorer.left.scatter, explorer.right.scatter
    for name, value in (("hovered", 7), ("selected", [1, 5]), ("hidden", [2]), ("tool", "lasso")):
        left.set_state({name: value})
        assert getattr(right, name) == value
    right.hovered = 3
    assert left.hovered == 3
    kinds = {link.source[1] for link in explorer._links}
    assert kinds == {"hovered", "selected", "hidden", "tool"}


def test_another_space_keeps_what_is_selected(explorer):
    explorer.left.scatter.selected = [1, 5]
    explorer.right.control.space = "0"
    explorer.left.control.method = "tsne"
    assert explorer.right.scatter.selected == explorer.left.scatter.selected == [1, 5]


def test_the_selection_as_pictures_and_in_words(explorer):
    assert "lasso" in explorer.strip.value and "<img" not in explorer.strip.value
    explorer.left.scatter.set_state({"selected": [0, 3, 4]})
    assert "3 pictures selected: 2 red, 1 green" in explorer.strip.value
    assert explorer.strip.value.count("<img") == 3 and "alt='red, image 3'" in explorer.strip.value
    assert explorer.describe().endswith("3 pictures selected: 2 red, 1 green")
    explorer.right.scatter.selected = list(range(30))
    assert explorer.strip.value.count("<img") == 24 and "… and 6 more" in explorer.strip.value
    assert "30 pictures selected: 10 red, 10 green, 10 blue" in explorer.strip.value
    explorer.right.scatter.selected = []
    assert "<img" not in explorer.strip.value


def test_one_selected_picture_is_that_of_the_selection(network):
    selection = Selection(network)
    explorer = explorer_of(None, selection=selection)
    explorer.left.scatter.selected = [4]
    np.testing.assert_array_equal(np.asarray(selection.image), PICTURES[4])
    explorer.close()


def test_the_right_map_follows_the_layer_of_the_selection(network):
    selection = Selection(network)
    explorer = explorer_of(None, selection=selection)
    assert explorer.right.control.space == "before the classifier"
    selection.layer = "4"
    assert explorer.right.control.space == "4" and explorer.left.control.space == "pixels"
    shows(explorer.right, by_core(network, PICTURES, "4").points)
    explorer.right.control.set_state({"space": "1"})
    assert selection.layer == "1"
    explorer.right.control.set_state({"space": "pixels"})
    assert selection.layer == "1"
    explorer.left.control.set_state({"space": "2"})
    assert selection.layer == "1"
    explorer.close()
    selection.layer = "0"  # nobody listens


def test_another_network(explorer, network):
    explorer.left.control.space = "5"
    explorer.add(SAMPLES["one"], "mine")
    other = network_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(240, 5)), name="other")
    explorer.selection.network = other
    assert explorer.left.control.space == "before the classifier"  # it has no layer "5"
    for one in explorer.maps:
        shows(one, by_core(other, PICTURES, "before the classifier").points)
        assert one.scatter.added == [N]
    assert "other" in explorer.title.value
    no_errors(explorer)


# -- on a grid -------------------------------------------------------------------------------------


def cells(points):
    rows, columns = core.grid_layout(points).T
    return np.stack([columns, -rows], 1)


def test_pictures_on_a_grid(explorer):
    one = explorer.left
    one.control.set_state({"grid": True})
    shows(one, cells(one.projection.points))
    assert one.scatter.show_images == "always" and explorer.right.scatter.show_images == "zoom"
    one.control.set_state({"method": "tsne"})
    shows(one, cells(one.projection.points))
    one.control.set_state({"grid": False})
    shows(one, one.projection.points)
    assert one.scatter.show_images == "zoom"
    no_errors(explorer)


def test_too_many_for_a_grid(explorer, monkeypatch):
    monkeypatch.setattr("cnnwidgets.core.representation.layout.MOST", 40)
    explorer.left.control.set_state({"grid": True})
    assert "a grid has at most 40 cells" in explorer.left.control.error
    assert not explorer.left.control.grid and explorer.left.scatter.show_images == "zoom"
    shows(explorer.left, explorer.left.projection.points)


# -- pictures of one's own -------------------------------------------------------------------------


def test_a_picture_of_ones_own_lands_beside_its_neighbours(explorer, network):
    mine = pictures(1, 77)[0]
    before = [points(one) for one in explorer.maps]
    explorer.add(Image.fromarray(mine), "mine.jpg")
    for one, space, old in zip(explorer.maps, ("pixels", None), before, strict=True):
        vector = core.features(network, [mine], space).vectors
        np.testing.assert_array_equal(points(one)[:N], old)
        np.testing.assert_allclose(points(one)[N:], one.projection.transform(vector), rtol=1e-4, atol=1e-5)
        near = core.nearest_neighbours(one.features.vectors, vector, k=5).indices[0]
        assert one.scatter.highlighted == sorted(near.tolist())
        assert one.scatter.added == [N] and one.scatter.sources[N] == "mine.jpg"
        told = [NAMES[LABELS[i]] for i in near]
        assert f"{told.count('red')} red" in one.own_words.value and "mine.jpg" in one.own_words.value
    explorer.left.scatter.selected = [0, N]
    assert "alt='mine.jpg'" in explorer.strip.value
    explorer.take_away()
    for one in explorer.maps:
        assert one.scatter.added == [] and one.scatter.highlighted == [] and one.own_words.value == ""
    assert explorer.left.scatter.selected == [0]
    no_errors(explorer)


def test_they_land_in_every_map_that_follows(explorer, network):
    for name, picture in SAMPLES.items():
        explorer.add(picture, name)
    one = explorer.right
    vectors = core.features(network, [*SAMPLES.values()]).vectors
    one.control.method = "tsne"
    assert one.scatter.added == [N, N + 1]
    np.testing.assert_allclose(points(one)[N:], one.projection.transform(vectors), rtol=1e-3, atol=1e-3)
    one.control.space = "4"
    assert one.scatter.added == [N, N + 1] and len(one.scatter.highlighted) >= 5
    one.control.grid = True
    place = one.projection.transform(core.features(network, [*SAMPLES.values()], "4").vectors)
    shows(one, cells(np.concatenate([one.projection.points, place])))
    one.control.grid = False
    shows(one, one.projection.points)
    explorer.add(SAMPLES["one"], "one")  # once more: nothing is there twice
    assert one.scatter.added == [N, N + 1]
    no_errors(explorer)


def test_a_picture_from_the_gallery(explorer):
    assert explorer.left.scatter.added == []  # the one that is shown at first is not meant
    explorer.images.set_state({"index": 1})
    assert explorer.left.scatter.sources[N:] == ["two"]
    explorer.images.add(pictures(1, 9)[0], "holiday.png")
    assert explorer.right.scatter.sources[N:] == ["two", "holiday.png"]
    explorer.images.set_state({"index": 0})
    explorer.take_away("one")
    explorer.images.set_state({"index": 0})  # once more the same
    assert explorer.added.names == ["two", "holiday.png", "one"]


def test_taken_away_one_by_one(explorer):
    for name, picture in SAMPLES.items():
        explorer.add(picture, name)
    assert explorer.added.names == ["one", "two"]
    explorer.added.receive({"kind": "remove", "names": ["one"]}, [])
    assert explorer.added.names == ["two"]
    for one in explorer.maps:
        assert one.scatter.sources[N:] == ["two"] and len(one.scatter.highlighted) == 5
    explorer.added.receive({"kind": "remove", "names": ["two"]}, [])
    assert explorer.added.names == [] and explorer.left.scatter.added == []


def test_a_file_that_is_no_picture(explorer):
    with pytest.raises(cw.data.ImageError):
        explorer.add(b"no picture", "broken.png")
    assert explorer.left.scatter.added == []


# -- live ------------------------------------------------------------------------------------------


def live(work, **options):
    """Run ``work(explorer)`` where there is an event loop, as in a notebook."""

    async def main():
        explorer = explorer_of(network_of(small_module()), **options)
        try:
            await work(explorer)
        finally:
            explorer.close()

    asyncio.run(main())


def iteration(one):
    return one.projection.settings.get("n_iterations", 0) if one.projection else 0


def test_the_cell_ends_before_the_maps_are_there(monkeypatch):
    async def work(explorer):
        assert explorer.left.projection is None and explorer.left.scatter.n_points == 0
        await explorer.done()
        assert explorer.left.scatter.n_points == N
        assert [iteration(one) for one in explorer.maps] == [300, 300]
        assert [one.control.running for one in explorer.maps] == [False, False]
        assert explorer.left.control.message == ""

    live(work, methods=("tsne", "tsne"))


def test_pca_is_seen_first_and_tsne_runs_live(monkeypatch):
    async def work(explorer):
        one, seen = explorer.right, []
        one.scatter.observe(lambda change: seen.append(change.new), "caption")
        await until(lambda: iteration(one) >= 300)
        await explorer.done()
        assert seen[0].startswith("PCA")
        counts = [int(caption.split()[2]) for caption in seen if caption.startswith("t-SNE")]
        assert counts == sorted(counts) and counts[-1] == 300 and len(counts) >= 3
        assert one.numbers.trust > 0.5

    monkeypatch.setattr(embedding_runs, "PAUSE", 0)
    live(work, methods=("pca", "tsne"))


def test_pause_go_on_and_stop(monkeypatch):
    async def work(explorer):
        one = explorer.right
        await until(lambda: iteration(one) > 0)
        one.control.set_state({"paused": True})
        await asyncio.sleep(0.3)
        await until(lambda: one.control.done == iteration(one))  # the last look has come
        at = iteration(one), points(one).tolist()
        assert one.control.running and one.control.done == at[0] < 100_000
        await asyncio.sleep(0.3)
        assert (iteration(one), points(one).tolist()) == at
        one.control.set_state({"paused": False})
        await until(lambda: iteration(one) > at[0])
        one.control.receive({"kind": "stop"}, [])
        await explorer.done()
        done = iteration(one)
        assert at[0] < done < 100_000 and not one.control.running
        assert one.control.message == f"stopped after {done:,} iterations"
        shows(one, one.projection.points)
        assert np.isfinite(one.numbers.trust)
        explorer.add(SAMPLES["one"], "mine")  # a map that was stopped is a map
        await explorer.done()
        assert one.scatter.added == [N]

    live(work, methods=("pca", "tsne"), n_iterations=100_000)


def test_a_stop_while_it_is_paused():
    async def work(explorer):
        one = explorer.right
        await until(lambda: iteration(one) > 0)
        one.control.paused = True
        await asyncio.sleep(0.2)
        one.control.stop()
        await asyncio.wait_for(explorer.done(), 10)
        assert not one.control.running and not one.control.paused
        assert iteration(one) > 0 and one.numbers is not None

    live(work, methods=("pca", "tsne"), n_iterations=100_000)


def test_whoever_waits_for_a_paused_tsne_lets_it_go_on():
    """A cell that waits may keep the kernel from hearing "Go on"."""

    async def work(explorer):
        await until(lambda: all(iteration(one) > 0 for one in explorer.maps))
        for one in explorer.maps:
            one.control.set_state({"paused": True})
        await asyncio.sleep(0.2)
        await asyncio.wait_for(explorer.done(), 60)
        assert [iteration(one) for one in explorer.maps] == [1_000, 1_000]

    live(work, methods=("tsne", "tsne"), n_iterations=1_000)


def test_another_perplexity_begins_anew_also_while_it_is_paused_or_stopping():
    async def work(explorer):
        one = explorer.right
        await until(lambda: iteration(one) > 50)
        one.control.set_state({"paused": True})
        one.control.set_state({"perplexity": 3.0})
        await until(lambda: one.projection.settings.get("perplexity") == 3 and iteration(one) > 0)
        one.control.stop()
        one.control.set_state({"perplexity": 9.0})
        await until(lambda: one.projection.settings.get("perplexity") == 9 and iteration(one) > 100)
        assert one.control.running and not one.control.stopping and not one.control.paused
        one.control.set_state({"method": "pca"})
        await explorer.done()
        assert one.projection.method == "pca" and not one.control.running
        shows(one, one.projection.points)

    live(work, methods=("pca", "tsne"), n_iterations=100_000)


def test_a_slider_in_a_hurry_ends_where_the_hand_ends():
    async def work(explorer):
        one = explorer.right
        for perplexity in (2, 3, 4, 5, 6, 7, 8):
            one.control.set_state({"perplexity": float(perplexity)})
            await asyncio.sleep(0.01)
        await explorer.done()
        assert one.projection.settings["perplexity"] == 8 and iteration(one) == 300

    live(work, methods=("pca", "tsne"))


def test_pictures_and_grids_while_it_runs():
    async def work(explorer):
        one = explorer.right
        await until(lambda: iteration(one) > 0)
        explorer.add(SAMPLES["one"], "mine")
        assert one.scatter.added == []  # once it has ended
        one.control.set_state({"grid": True})
        await until(lambda: one.scatter.show_images == "always")
        assert one.control.running
        one.control.stop()
        await explorer.done()
        assert one.scatter.added == [N]
        place = one.projection.transform(core.features(explorer.selection.network, [SAMPLES["one"]]).vectors)
        shows(one, cells(np.concatenate([one.projection.points, place])))

    live(work, methods=("pca", "tsne"), n_iterations=100_000)


def test_too_many_for_live_grids_are_put_on_one_in_the_end(monkeypatch):
    """Each grid takes seconds then, and t-SNE would wait for it."""
    monkeypatch.setattr(embedding_map, "LIVE", N - 1)

    async def work(explorer):
        one = explorer.right
        await until(lambda: iteration(one) > 0)
        one.control.set_state({"grid": True})
        at = iteration(one)
        await until(lambda: iteration(one) > at or one.control.done > at + 200)
        await asyncio.sleep(embedding_map.GRID_PAUSE + 0.3)
        assert one.scatter.show_images == "zoom" and one.control.running
        one.control.stop()
        await explorer.done()
        assert one.scatter.show_images == "always"
        shows(one, cells(one.projection.points))

    live(work, methods=("pca", "tsne"), n_iterations=100_000)


def test_what_is_asked_for_while_pictures_land(monkeypatch):
    landing, slow, begun = embedding_runs.landing, threading.Event(), threading.Event()

    def land(look, own):
        begun.set()
        slow.wait(5)
        return landing(look, own)

    monkeypatch.setattr(embedding_map, "landing", land)

    async def work(explorer):
        one = explorer.right
        await explorer.done()
        explorer.add(SAMPLES["one"], "one")
        await until(begun.is_set)
        explorer.add(SAMPLES["two"], "two")
        one.control.set_state({"grid": True})
        slow.set()
        await until(lambda: one.scatter.sources[N:] == ["one", "two"])
        await until(lambda: one.scatter.show_images == "always")
        await explorer.done()
        assert not one.control.running and explorer.left.scatter.sources[N:] == ["one", "two"]
        no_errors(explorer)

    live(work)


def test_the_loop_stays_free(monkeypatch):
    slow = threading.Event()

    def wait(*args, **options):
        slow.wait(2)
        return core.features(*args, **options)

    monkeypatch.setattr(embedding_spaces, "features", wait)

    async def work(explorer):
        started = time.monotonic()
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert time.monotonic() - started < 1 and explorer.left.control.running
        slow.set()
        await explorer.done()

    live(work)


def test_closing_ends_the_run():
    async def work(explorer):
        one = explorer.right
        await until(lambda: iteration(one) > 0)
        explorer.close()
        explorer.close()
        await until(lambda: not [each for each in threading.enumerate() if each.name == "cnnwidgets"])
        assert one.projection is None and one.features is None
        assert explorer.describe() == "EmbeddingExplorer (closed)"

    live(work, methods=("pca", "tsne"), n_iterations=100_000)


def test_closing_frees_vectors_and_pictures(network):
    explorer = explorer_of(network)
    found = [weakref.ref(explorer.left.features), weakref.ref(explorer._pictures)]
    explorer.add(SAMPLES["one"], "mine")
    explorer.close()
    gc.collect()
    assert [each() for each in found] == [None, None]


# -- odd pictures ----------------------------------------------------------------------------------


def test_toytown_by_default(monkeypatch):
    monkeypatch.setattr(embedding_pictures, "DEFAULT", 24)
    explorer = EmbeddingExplorer(methods=PCA)
    assert explorer.right.features.vectors.shape == (24, 256)
    assert explorer.left.scatter.sources[5] == "test 5 · clock"
    assert explorer.left.scatter.names == list(cw.data.CLASSES)
    assert explorer.right.numbers.same_class[0] > explorer.left.numbers.same_class[0]
    explorer.close()


def test_labels_of_what_is_given(network):
    pairs = list(zip(PICTURES, ["cat", "dog", "bus"] * 15, strict=True))
    explorer = explorer_of(network, pairs, None)
    assert explorer.left.scatter.names == ["bus", "cat", "dog"]
    explorer.close()

    class Dataset:
        targets, classes = LABELS.tolist(), NAMES

        def __len__(self):
            return N

        def __getitem__(self, i):
            return PICTURES[i], self.targets[i]

    explorer = explorer_of(network, Dataset(), None)
    assert explorer.left.scatter.labels.tolist() == LABELS.tolist() and explorer.left.scatter.names == NAMES
    explorer.close()


def test_pictures_without_classes_or_of_one(network):
    for labels, names in ((None, None), (np.zeros(N, int), ["thing"]), (np.full(N, -1), ["thing"])):
        explorer = explorer_of(network, labels=labels, names=names)
        assert explorer.left.numbers.same_class is None and "same class" not in explorer.left.table.value
        explorer.left.scatter.selected = [1, 2]
        assert "2 pictures selected" in explorer.strip.value
        explorer.add(SAMPLES["one"], "mine")
        no_errors(explorer)
        explorer.close()


def test_some_pictures_without_a_class(network):
    labels = np.where(np.arange(N) % 4 == 0, -1, LABELS)
    explorer = explorer_of(network, labels=labels)
    one, has = explorer.right, labels >= 0
    same = labels[nearest(one.features.vectors)] == labels[:, None]
    counts = np.bincount(labels[has])
    chance = sum(count * (count - 1) for count in counts) / has.sum() / 44
    assert one.numbers.same_class[0] == pytest.approx(same[has].mean())
    assert one.numbers.same_class[2] == pytest.approx(chance)
    explorer.close()


def test_tensors_and_folders(network, tmp_path):
    x = torch.cat([network.read(each) for each in PICTURES])
    explorer = explorer_of(network, x)
    shows(explorer.right, by_core(network, PICTURES, "before the classifier").points)
    thumbnail = np.asarray(explorer._pictures.thumbnails[3])
    np.testing.assert_allclose(thumbnail, PICTURES[3], atol=1)
    explorer.close()
    for i, each in enumerate(PICTURES[:12]):
        Image.fromarray(each).save(tmp_path / f"{i:02}.png")
    (tmp_path / "05.png").write_bytes(b"broken")
    explorer = explorer_of(network, tmp_path, LABELS[:12])
    assert explorer.left.scatter.n_points == 11
    assert explorer.left.scatter.labels.tolist() == [*LABELS[:5], *LABELS[6:12]]
    assert explorer.left.scatter.sources[5] == "06.png"
    no_errors(explorer)
    explorer.close()


def test_sizes_that_differ(network):
    tensors = [torch.zeros(3, 8, 12), torch.zeros(3, 8, 13), torch.zeros(3, 8, 12)]
    explorer = explorer_of(network, tensors, None)
    assert all("all images must have one size" in one.control.error for one in explorer.maps)
    assert explorer.left.scatter.n_points == 0 and not explorer.left.control.running
    explorer.close()
    odd = [Image.new("RGB", size, "teal") for size in ((30, 20), (8, 9), (200, 50), (9, 9))]
    explorer = explorer_of(network, odd, None)
    assert explorer.left.scatter.n_points == 4  # the network makes them alike
    explorer.close()


def test_few_pictures(network):
    explorer = explorer_of(network, PICTURES[:10], LABELS[:10], methods=("tsne", "tsne"))
    assert explorer.left.control.most == explorer.left.control.perplexity == 3
    assert explorer.left.projection.settings["perplexity"] == 3 and explorer.left.numbers.k == 9
    explorer.left.control.set_state({"perplexity": 30.0})
    assert explorer.left.control.perplexity == 3
    no_errors(explorer)
    explorer.close()
    for n in (2, 3):
        explorer = explorer_of(network, PICTURES[:n], LABELS[:n], methods=("pca", "tsne"))
        assert explorer.left.scatter.n_points == n and errors(explorer) == [explorer.right.control.error]
        assert "needs 4 points" in explorer.right.control.error
        assert explorer.right.projection.method == "pca" and explorer.right.scatter.caption.startswith("PCA")
        explorer.close()
    explorer = explorer_of(network, PICTURES[:1], LABELS[:1])
    assert "give at least 2" in explorer.left.control.error
    explorer.close()


def test_duplicates(network):
    explorer = explorer_of(network, PICTURES[:15] * 3, np.tile(LABELS[:15], 3), methods=("tsne", "pca"))
    assert np.isfinite(points(explorer.left)).all()
    explorer.left.control.grid = True
    no_errors(explorer)
    explorer.close()
    explorer = explorer_of(network, [PICTURES[0]] * 12, LABELS[:12], methods=("tsne", "pca"))
    assert "all vectors are the same" in explorer.left.control.error
    assert explorer.right.scatter.n_points == 12
    explorer.close()


def test_vectors_that_are_not_numbers():
    module = small_module()
    with torch.no_grad():
        module[0].weight[2] = float("nan")
    explorer = explorer_of(network_of(module))
    assert explorer.left.scatter.n_points == N and explorer.left.control.error == ""
    assert "not finite" in explorer.right.control.error
    assert explorer.right.scatter.n_points == 0 and explorer.right.projection is None
    explorer.right.control.set_state({"space": "pixels"})
    assert explorer.right.control.error == "" and explorer.right.scatter.n_points == N
    explorer.add(SAMPLES["one"], "mine")
    explorer.right.control.set_state({"space": "0"})
    assert "not finite" in explorer.right.control.error and explorer.right.scatter.n_points == 0
    assert explorer.left.scatter.added == [N]
    explorer.close()


def test_a_network_without_a_last_linear_layer():
    torch.manual_seed(0)
    network = network_of(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    explorer = explorer_of(network)
    assert "name a layer" in explorer.right.control.error
    explorer.right.control.set_state({"space": "0"})
    assert explorer.right.scatter.n_points == N and explorer.right.control.error == ""
    explorer.close()


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"images": (each for each in PICTURES), "labels": None}, core.InputError, "gives each once"),
        ({"images": []}, core.InputError, "there are no images"),
        ({"labels": [0, 1]}, ValueError, "one entry for each of the 45"),
        ({"labels": np.full(N, 9)}, ValueError, "has no name"),
        ({"spaces": ("pixels", "conv9")}, core.LayerError, "no layer 'conv9'"),
        ({"methods": ("pca", "umap")}, Exception, "umap"),
        ({"perplexity": 0.2}, Exception, "perplexity must be 1"),
        ({"colour": 3}, TypeError, "no argument 'colour'"),
        ({"layer": "0", "selection": Selection("toynet")}, TypeError, "either a selection"),
    ],
)
def test_arguments_that_make_no_sense(network, options, error, told):
    given = None if "selection" in options else network
    with pytest.raises(error, match=told):
        explorer_of(given, **options)


def test_many_pixels_are_averaged(network, monkeypatch):
    monkeypatch.setattr(embedding_spaces, "MOST", N * 3 * 24)
    explorer = explorer_of(network)
    assert explorer.left.features.vectors.shape == (N, 3 * 4 * 6)
    assert "averaged to 4 × 6 pixels" in explorer.left.scatter.title
    x = torch.cat([network.read(each) for each in PICTURES])
    expected = x.reshape(N, 3, 4, 2, 6, 2).mean((3, 5)).flatten(1)
    np.testing.assert_allclose(explorer.left.features.vectors, expected, atol=1e-5)
    explorer.add(SAMPLES["one"], "mine")
    vector = network.read(SAMPLES["one"]).reshape(1, 3, 4, 2, 6, 2).mean((3, 5)).flatten(1)
    place = explorer.left.projection.transform(vector)
    np.testing.assert_allclose(points(explorer.left)[N:], place, rtol=1e-3, atol=1e-4)
    explorer.close()


def test_inputs_that_are_too_many_to_be_kept(network, monkeypatch):
    monkeypatch.setattr(embedding_pictures, "KEPT", 10)
    explorer = explorer_of(network)
    for one, space in zip(explorer.maps, ("pixels", "before the classifier"), strict=True):
        shows(one, by_core(network, PICTURES, space).points)
    explorer.close()


# -- other forms -----------------------------------------------------------------------------------


def test_in_words_and_as_a_picture(explorer):
    told = explorer.describe()
    assert "pixels (288 numbers a picture): 45 points; red 15, green 15, blue 15" in told
    assert "pixels; PCA" in told and "before the classifier; PCA" in told
    one = explorer.left.scatter.picture()
    both = explorer.picture()
    assert both.height == one.height and both.width > 1.9 * one.width
    bundle = explorer._repr_mimebundle_()
    assert "image/png" in (bundle[0] if isinstance(bundle, tuple) else bundle)


def test_finished_maps_are_not_kept_for_ever(explorer, monkeypatch):
    monkeypatch.setattr(embedding_map, "KEPT", 2)
    for seed in range(4):
        explorer.left.control.method = "tsne"
        explorer.left.control.seed = seed
    assert len(explorer.left._finished) == 2
