"""The explorer shows what the scan found, keeps its widgets in step, and says clearly what it cannot show."""

import asyncio
import io

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import InputError, LayerError, Patches, PatchScan, max_activating_patches
from cnnwidgets.explorers import ActivationExplorer, PatchExplorer, Selection
from cnnwidgets.networks import Preprocess

HEIGHT, WIDTH = 20, 28


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(35)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(5, 7, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(7 * 8 * 12, 4),
    )
    with torch.no_grad():
        module[2].bias[2] = -1e3  # never fires
    return cw.wrap(module, input_size=(HEIGHT, WIDTH), name="tiny", classes=["a", "b", "c", "d"])


def pictures(n=24, seed=0, size=(HEIGHT, WIDTH)):
    """Pictures of a size that is not resized."""
    rng = np.random.default_rng(seed)
    return [Image.fromarray(each) for each in rng.integers(0, 256, (n, *size, 3), dtype=np.uint8)]


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Five pictures and two files that are none."""
    for i, picture in enumerate(pictures(5, seed=9)):
        picture.save(tmp_path / f"{i}.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("nothing")
    return tmp_path


@pytest.fixture
def explorer(network):
    explorer = PatchExplorer(network, images=pictures(), layer="2")
    yield explorer
    explorer.close()


def maps_by_hand(network, images, n):
    """The first n modules on all images."""
    with torch.no_grad():
        return network.module[:n](torch.cat([network.read(image) for image in images])).numpy()


def test_shows_the_strongest_patches_with_their_pictures(explorer, network):
    """Against the network run by hand."""
    images = pictures()
    maps = maps_by_hand(network, images, 3)
    for channel in (0, 4, 6):
        explorer.selection.channel = channel
        best = maps[:, channel].max(axis=(1, 2))
        order = np.argsort(-best)[:9]
        np.testing.assert_allclose(explorer.grid.values, best[order], rtol=1e-4)
        for patch, number in zip(explorer.grid._drawn, order, strict=True):
            np.testing.assert_array_equal(np.asarray(patch.picture), np.asarray(images[number]))
            assert patch.source == f"image {number}"
            row, col = np.unravel_index(maps[number, channel].argmax(), (8, 12))
            # two convolutions of 3, the first with stride 2 and padding 1: 7 pixels, from 2 row - 1 on
            top, left = 2 * row - 1, 2 * col - 1
            assert patch.box == (top, left, top + 7, left + 7)
            assert patch.seen == (max(top, 0), max(left, 0), top + 7, left + 7)
    np.testing.assert_allclose(explorer.slider.strengths, maps.max(axis=(0, 2, 3)), rtol=1e-4)
    assert explorer.grid.title == "2 · channel 6" and explorer.grid.error == ""
    assert explorer.scan.source == "24 pictures of yours" and not explorer.scan.running


def test_begins_with_the_strongest_channel(explorer, network):
    strongest = int(maps_by_hand(network, pictures(), 3).max(axis=(0, 2, 3)).argmax())
    assert strongest != 0, "or this test could not fail"
    assert explorer.selection.channel == explorer.slider.channel == strongest


def test_weakest_and_random_patches(explorer):
    explorer.selection.channel = 4
    unit = explorer.patches["2", 4]
    for which in ("weakest", "sample", "strongest"):
        explorer.grid.which = which
        assert [patch.value for patch in unit.patches(which)] == pytest.approx(list(explorer.grid.values))
    assert min(patch.value for patch in unit.weakest) > 0


def test_the_average_is_that_of_the_patches_shown(explorer):
    """By hand, where all of them are complete."""
    unit = next(u for u in explorer.patches if u.n_firing and all(p.is_complete for p in u.strongest))
    explorer.selection.layer, explorer.selection.channel = unit.layer.name, unit.channel
    images = [np.asarray(image, float) for image in pictures()]
    cut = [images[p.image][p.box[0] : p.box[2], p.box[1] : p.box[3]] for p in unit.strongest]
    shown = np.asarray(Image.open(io.BytesIO(explorer.grid._average)).convert("RGB"), float)
    np.testing.assert_allclose(shown, np.mean(cut, axis=0), atol=0.51)


def test_the_histogram_is_that_of_the_unit(explorer):
    explorer.selection.channel = 4
    counts, edges = explorer.patches["2", 4].histogram
    np.testing.assert_array_equal(explorer.grid._counts, counts)
    np.testing.assert_allclose(explorer.grid._edges, edges, rtol=1e-6)
    assert explorer.grid._n_images == 24
    assert explorer.grid._n_silent == 24 - explorer.patches["2", 4].n_firing


def test_a_clicked_patch_gets_its_activation_map(explorer, network, monkeypatch):
    shown = {}
    monkeypatch.setattr(
        explorer.grid,
        "show_map",
        lambda index, values, cell: shown.update(at=index, values=values, cell=cell),
    )
    for layer, n in (("0", 1), ("2", 3)):
        explorer.selection.layer = layer
        explorer.selection.channel = 4
        explorer.grid.chosen = 3
        patch = explorer.patches[layer, 4].strongest[3]
        expected = maps_by_hand(network, pictures(), n)[patch.image, 4]
        np.testing.assert_allclose(shown["values"], expected, rtol=1e-4, atol=1e-5)
        assert shown["at"] == 3 and shown["cell"] == patch.position
        assert shown["values"][patch.position] == pytest.approx(patch.value, rel=1e-4)


def test_a_fully_connected_layer_sees_the_whole_picture(explorer):
    explorer.selection.layer = "5"
    assert explorer.slider.n_channels == 4
    assert {patch.box for patch in explorer.grid._drawn} == {(0, 0, HEIGHT, WIDTH)}
    explorer.grid.chosen = 0
    assert explorer.grid._map_of == 0 and explorer.grid._shape == [1, 1, 1] and explorer.grid.error == ""


def test_a_unit_that_never_fires_says_so(explorer):
    explorer.selection.channel = 2
    assert explorer.patches["2", 2].n_firing == 0
    assert explorer.grid.message == "never fires in 24 images (is never above zero); these come nearest"
    assert len(explorer.grid.values) == 9 and max(explorer.grid.values) < 0
    explorer.grid.which = "weakest"
    assert len(explorer.grid.values) == 0
    explorer.selection.channel = 4
    assert explorer.grid.message == ""


def test_a_unit_that_is_zero_everywhere_has_no_place_to_show(network):
    explorer = PatchExplorer(network, images=pictures(), layers=["3"])
    explorer.selection.channel = 2
    assert explorer.grid.message == "never fires in 24 images: its map is zero everywhere"
    assert len(explorer.grid.values) == 0
    explorer.close()


def test_a_network_with_nan_can_be_looked_into():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3), nn.Flatten(), nn.Linear(5 * 16 * 24, 3))
    with torch.no_grad():
        module[1].weight[2, 0, 0, 0] = torch.nan
    broken = cw.wrap(module, input_size=(HEIGHT, WIDTH))
    explorer = PatchExplorer(broken, images=pictures(), layer="1")
    assert explorer.selection.channel != 2 and len(explorer.grid.values) == 9
    explorer.selection.channel = 2
    assert explorer.grid.message == "NaN or infinite in 24 of 24 images, which count for nothing"
    assert len(explorer.grid.values) == 0 and len(explorer.grid._counts) == 0
    explorer.selection.layer = "3"
    assert explorer.selection.channel == 0 and explorer.slider.error == explorer.grid.error == ""
    assert "NaN or infinite in 24 of 24" in explorer.grid.message
    assert explorer.picture() is not None and "NaN" in explorer.describe()
    explorer.close()


# -- layers, networks, selections ------------------------------------------------------------------


def test_a_layer_that_was_not_scanned_says_so(explorer):
    explorer.selection.layer = "3"
    assert "3 was not scanned" in explorer.grid.message and "layers=['3']" in explorer.grid.message
    assert len(explorer.grid.values) == 0 and len(explorer.grid._counts) == 0
    assert explorer.slider.n_channels == 7 and not len(explorer.slider.strengths)
    explorer.slider.channel = 6  # may still be moved, as the layer has that many
    assert explorer.selection.channel == 6 and len(explorer.grid.values) == 0
    explorer.selection.layer = "0"
    assert explorer.grid.title.startswith("0 · channel") and len(explorer.grid.values) == 9
    assert explorer.grid.message == "" and explorer.layers.layer == "0"


def test_layers_can_be_asked_for(network):
    explorer = PatchExplorer(network, images=pictures(), layers=["1", "3"])
    assert [layer.name for layer in explorer.layers.layers] == ["1", "3"]
    assert explorer.selection.layer == "3" and len(explorer.grid.values) == 9, "one of those asked for"
    explorer.close()
    explorer = PatchExplorer(network, images=pictures(), layers="1")
    assert [layer.name for layer in explorer.layers.layers] == ["1"] and explorer.selection.layer == "1"
    explorer.close()
    explorer = PatchExplorer(network, images=pictures(), layers=["1", "3"], layer="1")
    assert explorer.selection.layer == "1"
    explorer.close()


def test_layers_that_did_not_come_along_are_scanned_for(monkeypatch):
    """And not silently left out."""
    monkeypatch.setattr(
        "cnnwidgets.explorers.unit_explorer.scanned_town", lambda: cw.data.Toytown("test", length=24)
    )
    explorer = PatchExplorer("toynet", layers=["relu5"])
    assert explorer.scan.source == "24 Toytown pictures" == explorer.scan.home
    assert explorer.grid.title.startswith("relu5 · channel") and len(explorer.grid.values) == 9
    explorer.selection.network = "toynet-gap"
    assert [layer.name for layer in explorer.layers.layers] == ["relu5"], "that network has it, too"
    explorer.close()
    explorer = PatchExplorer("toynet", layers=["conv2", "conv5"])
    assert explorer.scan.source == "5,000 Toytown pictures", "these have come along"
    explorer.close()


def test_from_any_layer_to_any_other_by_hand_or_from_code(explorer):
    for first in ("0", "2", "5"):
        for then in ("5", "2", "0"):
            explorer.layers.set_state({"layer": first})
            explorer.selection.layer = then
            maxima = explorer.patches.maxima(then)
            assert explorer.layers.layer == explorer.selection.layer == then
            assert explorer.selection.channel == explorer.slider.channel == int(np.nanargmax(maxima))
            assert explorer.grid.title == f"{then} · channel {explorer.selection.channel}"
            np.testing.assert_allclose(explorer.slider.strengths, maxima, rtol=1e-6)
    assert {widget.error for widget in (explorer.grid, explorer.slider, explorer.layers)} == {""}


def test_the_slider_and_the_selection_go_together(explorer):
    explorer.slider.set_state({"channel": 6})
    assert explorer.selection.channel == 6 and explorer.grid.title == "2 · channel 6"
    explorer.selection.channel = 1
    assert explorer.slider.channel == 1 and explorer.grid.title == "2 · channel 1"


def test_a_selection_is_shared_with_another_explorer(network):
    selection = Selection(network, image=pictures(1)[0], layer="2", channel=3)
    maps = ActivationExplorer(selection=selection, samples={})
    patches = PatchExplorer(selection=selection, images=pictures())
    assert selection.channel == 3 and patches.grid.title == "2 · channel 3"
    maps.slider.channel = 5
    assert patches.grid.title == "2 · channel 5" and patches.slider.channel == 5
    maps.layers.layer = "3"
    assert "3 was not scanned" in patches.grid.message
    patches.layers.layer = "0"
    assert maps.grid.title.startswith("0") and patches.grid.title.startswith("0 · channel")
    maps.close()
    patches.slider.channel = 1
    assert selection.channel == 1
    patches.close()
    selection.channel = 0


def test_another_network_at_once():
    explorer = PatchExplorer("toynet", layer="conv3")
    explorer.search.part = "wheel"
    explorer.selection.channel = 11
    before = explorer.grid._drawn
    explorer.selection.network = "toynet-gap"
    assert "toynet-gap" in explorer.title.value and explorer.search.part == "" and not explorer.search.hits
    assert explorer.patches.network != Patches.load(_file("toynet")).network
    assert explorer.selection.layer == "conv3" and explorer.grid.title.startswith("conv3 · channel")
    assert [patch.source for patch in explorer.grid._drawn] != [patch.source for patch in before]
    unit = explorer.patches["conv3", explorer.selection.channel]
    assert list(explorer.grid.values) == pytest.approx([patch.value for patch in unit.strongest])
    explorer.close()


def _file(name):
    from cnnwidgets.networks.bundled import WEIGHTS

    return WEIGHTS / f"{name}.patches.npz"


def test_another_network_whose_layers_have_the_same_names_shows_nothing_of_the_one_before(
    network, monkeypatch
):
    """Until its own patches are there: names and channels are the same, the network is not."""
    torch.manual_seed(1)
    parts = [type(part)(*arguments) for part, arguments in _twin_parts()]
    reading = Preprocess((HEIGHT, WIDTH), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    twin = cw.wrap(nn.Sequential(*parts), preprocess=reading, name="twin")
    monkeypatch.setattr("cnnwidgets.explorers.unit_explorer.ComeAlong", lambda: pictures(12, seed=3))

    async def scenario():
        explorer = PatchExplorer(network, images=pictures(), layer="2")
        await explorer.done()
        home = explorer.scan.home
        explorer.selection.network = twin
        told = (len(explorer.grid.values), explorer.patches, explorer.scan.home, explorer.scan.running)
        await explorer.done()
        drawn = [patch.picture for patch in explorer.grid._drawn]
        after = explorer.scan.home, explorer.patches.network, drawn, explorer.selection.channel
        title = explorer.title.value
        explorer.scan.reset()
        await explorer.done()
        back = explorer.patches.n_images
        explorer.close()
        return home, told, after, back, title

    home, told, after, back, title = asyncio.run(scenario())
    assert home == "24 pictures of yours" and told == (0, None, "", True)
    assert after[0] == "12 pictures that come along" and back == 12 and "twin" in title
    assert after[1] == cw.core.fingerprint(twin)
    expected = max_activating_patches(twin, pictures(12, seed=3), "2")["2", after[3]]
    images = pictures(12, seed=3)
    for picture, place in zip(after[2], expected.strongest, strict=True):
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(images[place.image]))


def _twin_parts():
    return [
        (nn.Conv2d(3, 5, 3), (3, 5, 3, 2, 1)),
        (nn.ReLU(), ()),
        (nn.Conv2d(5, 7, 3), (5, 7, 3)),
        (nn.ReLU(), ()),
        (nn.Flatten(), ()),
        (nn.Linear(7 * 8 * 12, 4), (7 * 8 * 12, 4)),
    ]


def test_another_network_while_a_scan_runs(folder):
    """The scan is given up; the control is free again, and what the new network has is shown."""

    async def scenario():
        explorer = PatchExplorer("toynet", layer="conv5")
        explorer.scan.start(str(folder))
        running = explorer.scan.running
        await asyncio.sleep(0)
        explorer.selection.network = "toynet-gap"
        at_once = explorer.scan.running, explorer.scan.source
        await explorer.done()
        told = explorer.scan.running, explorer.scan.source, explorer.scan.message, explorer.patches.n_images
        explorer.scan.start(str(folder))  # and it can scan again
        await explorer.done()
        again = explorer.scan.source, explorer.patches.n_images, explorer.patches.network
        explorer.close()
        return running, at_once, told, again

    running, at_once, told, again = asyncio.run(scenario())
    assert running and at_once == (False, "5,000 Toytown pictures")
    assert told == (False, "5,000 Toytown pictures", "", 5_000)
    assert again[0] == f"5 of 6 pictures in {folder}" and again[1] == 5
    assert again[2] == cw.core.fingerprint(cw.load("toynet-gap"))


def test_a_stale_result_is_not_shown(explorer):
    """Of another layer, another view, other patches, or a network that is gone."""
    from cnnwidgets.explorers.unit_shown import read_unit

    explorer.selection.channel = 4
    shown = list(explorer.grid.values)
    patches, seen = explorer.patches, explorer._pictures
    other = max_activating_patches(explorer.selection.network, pictures(12, seed=7), ["0", "2"])
    for found, layer, channel, which in (
        (patches, "0", 4, "strongest"),
        (patches, "2", 3, "strongest"),
        (patches, "2", 4, "weakest"),
        (other, "2", 4, "strongest"),
    ):
        explorer._apply_unit(read_unit(found, found[layer, channel], which, seen))
        assert list(explorer.grid.values) == shown and explorer.grid.title == "2 · channel 4"


def test_a_stale_map_is_not_shown(explorer, monkeypatch):
    explorer.selection.channel = 4
    asked = []
    monkeypatch.setattr(explorer._maps, "submit", lambda work, apply: asked.append((work, apply)))
    explorer.grid.chosen = 2
    work, apply = asked.pop()
    result = work()
    explorer.grid.chosen = 1
    apply(result)
    assert explorer.grid._map_of is None
    explorer.grid.chosen = 2
    unit, _, index, values = result
    apply((unit, explorer.patches["2", 4].strongest[5], index, values))
    assert explorer.grid._map_of is None, "another patch was there when it was asked for"
    explorer.patches = explorer.patches.copy()  # as a scan that goes on shows them again
    explorer._show_unit()
    apply(result)
    assert explorer.grid._map_of == 2, "the same patch of the same unit"
    explorer.selection.channel = 6
    explorer.grid.chosen = 2
    apply(result)
    assert explorer.grid._map_of is None


def test_the_clicked_patch_stays_chosen_while_a_scan_goes_on(network):
    """Its place may be another one as better ones come."""
    images = pictures(40)
    scan = PatchScan(network, images, ["2"], batch_size=20)
    next(scan)
    early = scan.result()
    next(scan)
    late = scan.result()
    explorer = PatchExplorer(network, patches=early, layer="2")
    for channel in (0, 1, 3, 4, 5, 6):
        explorer.show(early)
        explorer.selection.channel = channel
        before = early["2", channel].strongest
        after = [patch.image for patch in late["2", channel].strongest]
        moved = [i for i, patch in enumerate(before) if patch.image in after and after[i] != patch.image]
        gone = [i for i, patch in enumerate(before) if patch.image not in after]
        if moved and gone:
            break
    else:
        raise AssertionError("or this test could not fail")
    explorer.grid.chosen = moved[0]
    explorer.show(late)
    assert explorer.grid.chosen == after.index(before[moved[0]].image)
    assert explorer.grid._map_of == explorer.grid.chosen, "and its map is shown again"
    explorer.show(early)
    explorer.grid.chosen = gone[0]
    explorer.show(late)
    assert explorer.grid.chosen is None
    explorer.close()


# -- what is given ---------------------------------------------------------------------------------


def folder_of(images, tmp_path):
    for i, image in enumerate(images):
        image.save(tmp_path / f"{i:02}.png")
    return str(tmp_path)


@pytest.mark.parametrize("kind", ["folder", "tensor", "list", "pairs", "generator", "tensors"])
def test_images_as_one_has_them(network, tmp_path, kind):
    images = pictures(12)
    tensors = torch.cat([network.read(image) for image in images])
    given = {
        "folder": lambda: folder_of(images, tmp_path),
        "tensor": lambda: tensors,
        "list": lambda: images,
        "pairs": lambda: [(image, 1) for image in images],
        "generator": lambda: (image for image in images),
        "tensors": lambda: iter(tensors),
    }[kind]()
    explorer = PatchExplorer(network, images=given, layer="2")
    explorer.selection.channel = 4
    expected = max_activating_patches(network, tensors, "2")["2", 4].strongest
    assert list(explorer.grid.values) == pytest.approx([patch.value for patch in expected])
    for patch, place in zip(explorer.grid._drawn, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(patch.picture), np.asarray(images[place.image]))
    explorer.grid.chosen = 0
    assert explorer.grid._map_of == 0
    assert explorer.scan.source == "12 pictures of yours"
    explorer.close()


def test_patches_that_were_found_before(network, tmp_path):
    images = pictures(12)
    patches = max_activating_patches(network, images, ["0", "2"], k=40)
    patches.save(tmp_path / "scan.npz")
    loaded = Patches.load(tmp_path / "scan.npz", network, images)
    for each in (patches, loaded):
        explorer = PatchExplorer(network, patches=each)
        assert explorer.selection.layer == "2" and explorer.scan.source == "12 pictures"
        assert len(explorer.grid.values) == 12 and explorer.grid.error == ""
        explorer.close()
    many = max_activating_patches(network, pictures(40), ["2"], k=40)
    explorer = PatchExplorer(network, patches=many)
    explorer.selection.channel = 2
    assert len(explorer.grid.values) == 36 and explorer.grid.error == "", "as many as are shown at once"
    explorer.close()


def test_patches_from_a_file_without_the_images(network, tmp_path):
    """What is missing is said in the widget."""
    max_activating_patches(network, pictures(12), ["2"]).save(tmp_path / "scan.npz")
    explorer = PatchExplorer(network, patches=Patches.load(tmp_path / "scan.npz"))
    assert "is not at hand: give the images again, Patches.load(file, images=...)" in explorer.grid.error
    assert "AttributeError" not in explorer.grid.error and len(explorer.slider.strengths) == 7
    explorer.close()


def test_a_preprocessing_that_cannot_be_undone():
    """Pictures are shown as they were given, resized and cropped; of tensors, their numbers as greys."""

    def strange(image):
        x = torch.from_numpy(np.array(image.resize((28, 20)))).permute(2, 0, 1).float()
        return x.sqrt() * 5 - 40

    torch.manual_seed(2)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = cw.wrap(module, preprocess=strange)
    assert not network.preprocess.undoable
    images = pictures(10)
    for given in (images, [(image, 0) for image in images]):
        explorer = PatchExplorer(network, images=given)
        unit = explorer.patches["0", explorer.selection.channel]
        for patch, place in zip(explorer.grid._drawn, unit.strongest, strict=True):
            np.testing.assert_array_equal(np.asarray(patch.picture), np.asarray(images[place.image]))
        assert explorer.grid.error == ""
        explorer.close()
    x = torch.cat([network.read(image) for image in images])
    for given in (x, (image for image in images)):
        explorer = PatchExplorer(network, images=given)
        unit = explorer.patches["0", explorer.selection.channel]
        for patch, place in zip(explorer.grid._drawn, unit.strongest, strict=True):
            values = x[place.image].permute(1, 2, 0).numpy()
            grey = (values - values.min()) / np.ptp(values) * 255
            np.testing.assert_allclose(np.asarray(patch.picture), grey, atol=0.51)
        assert explorer.grid.error == "" and len(explorer.grid.values) == 9
        explorer.close()


def test_a_plain_module():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    explorer = PatchExplorer(module, images=pictures(6, size=(30, 30)))
    assert explorer.selection.layer == "0" and len(explorer.grid.values) == 6
    explorer.close()


def test_a_network_without_patches_of_its_own_looks_at_pictures_that_come_along(network, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.unit_explorer.ComeAlong", lambda: pictures(10))
    explorer = PatchExplorer(network)
    assert explorer.scan.source == explorer.scan.home == "10 pictures that come along"
    assert len(explorer.grid.values) == 9
    explorer.close()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"chanel": 3}, TypeError, "no argument 'chanel'"),
        ({"images": "i", "patches": "p"}, TypeError, "either images to scan, or patches"),
        ({"selection": "s", "layer": "0"}, TypeError, "either a selection, or"),
        ({"images": "no/such/folder"}, InputError, "'no/such/folder' does not exist"),
        ({"images": []}, InputError, "the list is empty"),
        ({"images": 3}, InputError, "not as a int"),
        ({"layers": ["0", "convx"]}, LayerError, "has no layer 'convx'"),
        ({"images": [b"no picture"]}, cw.data.ImageError, "not a picture"),
    ],
)
def test_wrong_arguments_leave_nothing_behind(network, arguments, error, message):
    before = set(ipywidgets.widgets.widget._instances)
    given = {"network": network} if "selection" not in arguments else {}
    with pytest.raises(error, match=message):
        PatchExplorer(**given, **arguments)
    assert set(ipywidgets.widgets.widget._instances) == before


def test_an_empty_folder_and_patches_of_another_network(network, tmp_path):
    with pytest.raises(InputError, match=r"has no picture files \(.png"):
        PatchExplorer(network, images=tmp_path)
    patches = max_activating_patches(cw.load("toynet"), torch.rand(3, 3, 96, 96), "conv1")
    with pytest.raises(InputError, match="those of another network"):
        PatchExplorer(network, patches=patches)


def test_images_that_the_network_cannot_take(network):
    """Another size than its fully connected layer expects."""
    with pytest.raises(InputError, match=r"\(3, 50, 50\)|50"):
        PatchExplorer(network, images=torch.rand(4, 3, 50, 50))


def test_an_error_is_shown_and_goes_away(explorer, monkeypatch):
    monkeypatch.setattr("cnnwidgets.explorers.patch_explorer.read_unit", lambda *_: 1 / 0)
    explorer.selection.channel = 4
    assert "ZeroDivisionError" in explorer.grid.error
    monkeypatch.undo()
    explorer.selection.channel = 3
    assert explorer.grid.error == "" and explorer.grid.title == "2 · channel 3"


# -- the end ---------------------------------------------------------------------------------------


def test_picture_and_text_for_places_without_widgets(explorer):
    explorer.selection.channel = 4
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle and "image/png" in bundle
    assert "2 · channel 4: 9 strongest patches of 7 × 7 pixels" in bundle["text/plain"]


def test_in_a_running_loop_something_is_shown_when_the_cell_ends():
    """Of patches that are there: a saved notebook holds their picture."""

    async def scenario():
        explorer = PatchExplorer("toynet", layer="conv2")
        shown = len(explorer.grid.values), "image/png" in explorer._repr_mimebundle_()
        explorer.selection.channel = 5
        later = explorer.grid.title
        await explorer.done()
        title = explorer.grid.title
        explorer.close()
        return shown, later, title

    shown, later, title = asyncio.run(scenario())
    assert shown == (9, True)
    assert not later.endswith("channel 5") and title.endswith("channel 5"), "not computed in the setter"


def test_closing_leaves_no_widget_behind(network):
    before = set(ipywidgets.widgets.widget._instances)
    explorer = PatchExplorer(network, images=pictures(), layer="2")
    assert len(set(ipywidgets.widgets.widget._instances) - before) > 8
    selection = explorer.selection
    explorer.close()
    explorer.close()
    assert set(ipywidgets.widgets.widget._instances) == before
    selection.layer = "0"  # nobody listens any more
    assert explorer.selection is explorer.patches is None
    assert "closed" in explorer._repr_mimebundle_()["text/plain"] and "closed" in explorer.describe()
