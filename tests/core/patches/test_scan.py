"""One pass over the images against a brute-force pass with plain torch."""

import gc
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from tqdm import tqdm

import cnnwidgets.core.patches.scan as scanning
from cnnwidgets.core import InputError, LayerError, Patches, PatchScan, max_activating_patches
from cnnwidgets.core.images import Batch, Indexed

LAYERS = ["conv1", "relu", "conv2", "relu#2", "fc"]


# ------------------------------------------------------------------------------------------- the whole truth


@settings(max_examples=40)
@given(
    n=st.integers(1, 40),
    batch_size=st.none() | st.integers(1, 45),
    k=st.integers(1, 12),
    seed=st.integers(0, 5),
    size=st.sampled_from([(9, 12), (14, 7)]),
)
def test_a_scan_is_the_sorted_truth(n, batch_size, k, seed, size, twice, draw_pictures, brute_maps, truth):
    net, x = twice(seed), draw_pictures(n, *size, seed=seed)
    patches = max_activating_patches(net, x, LAYERS, k=k, seed=seed, batch_size=batch_size)
    maps = brute_maps(net, x, LAYERS)
    assert [layer.name for layer in patches.layers] == LAYERS
    assert len(patches) == sum(m.shape[1] for m in maps.values())
    for layer, m in maps.items():
        for channel in range(m.shape[1]):
            truth(m[:, channel]).check(patches[layer, channel], k)
        np.testing.assert_array_equal(patches.maxima(layer), m.max((0, 2, 3)))
        np.testing.assert_array_equal(patches.firing(layer), (m.max((2, 3)) > 0).mean(0))


@given(start=st.integers(0, 29), length=st.integers(1, 40), data=st.data())
@settings(max_examples=15)
def test_a_part_of_the_images(start, length, data, twice, draw_pictures, brute_maps, truth):
    net, x = twice(), draw_pictures(30)
    images = data.draw(st.sampled_from([x, list(x), iter(x)]))
    patches = max_activating_patches(
        net, images, ["relu#2"], k=4, batch_size=7, start=start, stop=start + length
    )
    stop = min(start + length, 30)
    assert patches.ranges == [(start, stop)] and patches.n_images == stop - start
    maps = brute_maps(net, x, ["relu#2"])["relu#2"][start:stop]
    for channel in range(6):
        truth(maps[:, channel], list(range(start, stop))).check(patches["relu#2", channel], 4)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_alone_or_among_others(net, draw_pictures, entries, layer):
    x = draw_pictures(50)
    together = max_activating_patches(net, x, LAYERS, k=3, batch_size=16)
    alone = max_activating_patches(net, x, layer, k=3)
    for channel in range(together.layer(layer).n_channels):
        one, other = together[layer, channel], alone[layer, channel]
        assert one.strongest == other.strongest and one.weakest == other.weakest
        assert one.sample == other.sample


def test_random_floats_in_float64(draw_pictures, brute_maps):
    """No ties here: the order is strict, and values agree to the last digits."""
    torch.manual_seed(5)
    net = nn.Sequential(nn.Conv2d(3, 7, 3, padding=1), nn.Tanh(), nn.Conv2d(7, 5, 4, stride=3)).double()
    x = torch.randn(23, 3, 13, 17, dtype=torch.float64)
    patches = max_activating_patches(net, x, ["0", "2"], k=5, batch_size=6)
    for layer, maps in brute_maps(net, x, ["0", "2"]).items():
        best = maps.max((2, 3))
        for channel in range(maps.shape[1]):
            found = patches[layer, channel].strongest
            order = np.argsort(-best[:, channel])
            firing = [image for image in order[::-1].tolist() if best[image, channel] > 0]
            assert [patch.image for patch in found] == order[:5].tolist()
            assert [patch.image for patch in patches[layer, channel].weakest] == firing[:5]
            for patch in found + patches[layer, channel].weakest:
                place = np.unravel_index(maps[patch.image, channel].argmax(), maps.shape[2:])
                assert patch.position == place and patch.tied == 1
                np.testing.assert_allclose(patch.value, best[patch.image, channel], rtol=1e-12)


def test_channels_last_layers(brute_maps):
    torch.manual_seed(2)
    settings_ = [CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)]
    net = ConvNeXt(settings_, num_classes=5, layer_scale=1.0).double().train()
    x = torch.randn(9, 3, 32, 48, dtype=torch.float64)
    layers = ["features.1.0.block.3", "features.1.0.block.4", "features.3.0.block.0", "classifier.2"]
    patches = max_activating_patches(net, x, layers, k=3, batch_size=4)
    assert [layer.channels_last for layer in patches.layers] == [True, True, False, False]
    for layer, maps in brute_maps(net, x, layers).items():
        maps = maps.transpose(0, 3, 1, 2) if patches.layer(layer).channels_last else maps
        assert patches.layer(layer).n_channels == maps.shape[1]
        for channel in range(maps.shape[1]):
            for patch in patches[layer, channel].strongest:
                one = maps[patch.image, channel]
                np.testing.assert_allclose(patch.value, one.max(), rtol=1e-10)
                assert patch.position == np.unravel_index(one.argmax(), one.shape)
            best = np.argsort(-maps[:, channel].max((1, 2)))[:3]
            assert [patch.image for patch in patches[layer, channel].strongest] == best.tolist()


def test_grey_images(whole, draw_pictures, brute_maps, truth):
    net, x = whole(nn.Sequential(nn.Conv2d(1, 4, (3, 2)))), draw_pictures(11, channels=1)
    patches = max_activating_patches(net, x, "0", k=2, batch_size=4)
    maps = brute_maps(net, x, ["0"])["0"]
    for channel in range(4):
        truth(maps[:, channel]).check(patches["0", channel], 2)
    assert patches["0", 1].pixels(patches["0", 1].strongest[0])[0].shape == (1, 3, 2)


# ----------------------------------------------------------------------------------------------- the sample


def firing_network(n_channels: int) -> nn.Module:
    """Every channel is 1 in every image of ones."""
    net = nn.Sequential(nn.Conv2d(1, n_channels, 1, bias=False))
    nn.init.ones_(net[0].weight)
    return net


def drawn(n_images: int, k: int, n_channels: int = 400, **options) -> np.ndarray:
    """Which images were drawn for which unit, as booleans (n_channels, n_images)."""
    images = torch.ones(n_images, 1, 2, 3)
    patches = max_activating_patches(firing_network(n_channels), images, "0", k=k, **options)
    table = np.zeros((n_channels, n_images), bool)
    for channel in range(n_channels):
        table[channel, [patch.image for patch in patches["0", channel].sample]] = True
    assert (table.sum(1) == min(k, n_images)).all()
    return table


@pytest.mark.parametrize("seed", range(3))
def test_the_sample_is_uniform(seed):
    """Chi-square tests; drawn without replacement, the counts vary less, by (n - k) / (n - 1)."""
    n, k, units = 60, 9, 2000
    table = drawn(n, k, units, seed=seed)
    counts, expected = table.sum(0), units * k / n
    statistic = ((counts - expected) ** 2 / expected).sum() * (n - 1) / (n - k)
    assert 1e-4 < stats.chi2.sf(statistic, n - 1) < 1 - 1e-4
    # neighbouring images are drawn together, and neighbouring units share images, as often as by chance
    for together, rows, share in (
        ((table[:, 1:] & table[:, :-1]).sum(), units * (n - 1), k * (k - 1) / (n * (n - 1))),
        ((table[1:] & table[:-1]).sum(), (units - 1) * n, (k / n) ** 2),
    ):
        assert abs(together - rows * share) < 5 * np.sqrt(rows * share)


def test_another_seed_is_another_sample_and_the_same_seed_the_same():
    one, again, other = (drawn(60, 9, seed=seed) for seed in (7, 7, 8))
    assert (one == again).all()
    by_chance = 9 / 60
    assert abs((one & other).sum() / one.sum() - by_chance) < 0.03


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_the_sample_does_not_depend_on_the_batches(batch_size):
    assert (drawn(60, 9, 20, batch_size=batch_size) == drawn(60, 9, 20)).all()


def test_the_sample_is_of_firing_images_only(whole):
    net = firing_network(50)
    images = torch.ones(60, 1, 2, 3)
    images[::3] = -1
    patches = max_activating_patches(net, images, "0", k=5)
    found = [patch.image for channel in range(50) for patch in patches["0", channel].sample]
    assert len(found) == 250 and all(image % 3 for image in found)
    assert len(set(found)) > 35  # of 40


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_a_batch_in_several_passes(net, draw_pictures, monkeypatch, brute_maps, truth, at_once):
    """As batches are on the CPU: what was found in which pass makes no difference."""
    x, alone = draw_pictures(60), drawn(60, 9, 20, batch_size=1)
    wanted = max_activating_patches(net, x, LAYERS, k=4, batch_size=1)
    monkeypatch.setattr(scanning, "PASS", at_once)
    assert (drawn(60, 9, 20, batch_size=10) == alone).all()
    patches = max_activating_patches(net, x, LAYERS, k=4, batch_size=10)
    for one, other in zip(patches, wanted, strict=True):
        assert (
            one.strongest == other.strongest and one.weakest == other.weakest and one.sample == other.sample
        )
        truth(brute_maps(net, x, LAYERS)[one.layer.name][:, one.channel]).check(one, 4)
    x[37, 1, 2, 3] = float("inf")
    with pytest.raises(InputError, match="image 37 holds"):
        max_activating_patches(net, x, LAYERS, batch_size=10)


# ------------------------------------------------------------------------------------- ties, NaN, dead units


def test_constant_images_tie_everywhere(whole):
    net = whole(nn.Sequential(nn.Conv2d(3, 4, (3, 2), bias=False)), seed=3)
    patches = max_activating_patches(net, torch.ones(6, 3, 7, 9), "0", k=3)
    sums = net[0].weight.sum((1, 2, 3)).tolist()
    for channel, value in enumerate(sums):
        found = patches["0", channel].strongest
        assert [(p.value, p.image, p.position, p.tied) for p in found] == [
            (value, i, (0, 0), 5 * 8) for i in range(3)
        ]
        assert found[0].box == (0, 0, 3, 2)
    assert {value > 0 for value in sums} == {True, False}


def test_at_most_one_place_an_image(entries):
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.ones_(net[0].weight)
    x = torch.zeros(4, 1, 5, 6)
    x[0, 0, 2, 3] = x[0, 0, 4, 5] = x[0, 0, 1, 4] = 7  # the three strongest places of all
    x[1, 0, 3, 1] = 6
    x[2, 0, 0, 2] = x[2, 0, 0, 1] = 5
    unit = max_activating_patches(net, x, "0", k=3)["0", 0]
    assert entries(unit.strongest) == [(7, 0, (1, 4), 3), (6, 1, (3, 1), 1), (5, 2, (0, 1), 2)]
    assert entries(unit.weakest) == [(5, 2, (0, 1), 2), (6, 1, (3, 1), 1), (7, 0, (1, 4), 3)]
    assert {patch.image for patch in unit.sample} == {0, 1, 2}
    assert unit.n_firing == 3


class Breaks(nn.Module):
    """Maps with something that is no number where the pixels say so."""

    def __init__(self, channels_last: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.broken = nn.Identity()
        self.channels_last = channels_last

    def forward(self, x):
        y = self.conv(x)
        y = y.contiguous(memory_format=torch.channels_last) if self.channels_last else y.contiguous()
        y[:, :2] = torch.where(x[:, :1] == 9, torch.nan, y[:, :2])
        y[:, 1:2] = torch.where(x[:, :1] == 8, torch.inf, y[:, 1:2])
        y[:, 2:] = torch.where(x[:, :1] == 7, -torch.inf, y[:, 2:])
        return self.broken(y)


@pytest.mark.parametrize("channels_last", [False, True])
def test_maps_that_are_not_finite(whole, draw_pictures, brute_maps, truth, channels_last):
    net, x = whole(Breaks(channels_last)), draw_pictures(14)
    x[2, 0, 4, 4] = x[7, 0, 0, 0] = 9
    x[5, 0, 8, 11] = x[7, 0, 3, 3] = 8
    x[3, 0, 1, 1] = 7
    x[11, 0] = 7  # no finite number at all in channels 2 and 3
    patches = max_activating_patches(net, x, "broken", k=20, batch_size=5)
    maps = brute_maps(net, x, ["broken"])["broken"]
    for channel in range(4):
        truth(maps[:, channel]).check(patches["broken", channel], 20)
    assert [patches["broken", c].n_not_finite for c in range(4)] == [2, 3, 1, 1]
    assert "not finite in 3" in patches["broken", 1].describe()


def test_nothing_but_nan(draw_pictures):
    net = nn.Sequential(nn.Conv2d(3, 2, 3))
    nn.init.constant_(net[0].weight, float("nan"))
    patches = max_activating_patches(net, draw_pictures(5), "0")
    unit = patches["0", 1]
    assert unit.strongest == unit.weakest == unit.sample == []
    assert (unit.n_firing, unit.n_not_finite) == (0, 5)
    assert np.isnan(patches.maxima("0")).all()
    assert unit.describe() == "0 channel 1 never fires in 5 images; not finite in 5"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [lambda x: x, list, iter])
def test_an_image_that_is_not_finite_is_named(net, draw_pictures, value, kind):
    x = draw_pictures(12)
    x[9, 1, 3, 4] = value
    with pytest.raises(InputError, match="image 9 holds a NaN or an infinity"):
        max_activating_patches(net, kind(x), LAYERS, batch_size=4)


def test_channels_that_never_fire(draw_pictures):
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(inplace=True))
    nn.init.zeros_(net[0].weight)
    nn.init.constant_(net[0].bias, -1.5)
    patches = max_activating_patches(net, draw_pictures(5), ["0", "1"], k=2)
    before, after = patches["0", 1], patches["1", 1]
    assert [patch.value for patch in before.strongest] == [-1.5, -1.5]
    assert [patch.value for patch in after.strongest] == [0, 0]
    for unit in (before, after):
        assert unit.weakest == unit.sample == [] and unit.n_firing == 0
    assert before.describe() == "0 channel 1 never fires in 5 images, at most -1.5"
    assert after.describe() == "1 channel 1 never fires in 5 images"
    assert after.histogram[0].tolist() == [5]
    with pytest.raises(InputError, match="no patches to average"):
        after.average("sample")


def test_fewer_images_than_k(net, draw_pictures, brute_maps, truth):
    x = draw_pictures(1)
    patches = max_activating_patches(net, x, LAYERS, k=9)
    for layer, maps in brute_maps(net, x, LAYERS).items():
        for channel in range(maps.shape[1]):
            truth(maps[:, channel]).check(patches[layer, channel], 9)
            assert len(patches[layer, channel].strongest) == 1


# -------------------------------------------------------------------------------------- precision and modes


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_models_of_other_types(dtype, precision, whole, draw_pictures, brute_maps, truth):
    """Whole numbers below 256 are exact in bfloat16, too."""
    net = whole(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1)), most=1)
    net, x = net.to(dtype), draw_pictures(13).clamp(-1, 1)
    patches = max_activating_patches(net, x, ["0", "2"], k=4, batch_size=5, precision=precision)
    assert patches.precision == precision
    for layer, maps in brute_maps(net, x.to(dtype), ["0", "2"]).items():
        assert abs(maps).max() < 256
        for channel in range(maps.shape[1]):
            truth(maps[:, channel]).check(patches[layer, channel], 4)


def seen_types(net: nn.Module, layer: str) -> list:
    types = []
    net.get_submodule(layer).register_forward_hook(lambda part, inputs, output: types.append(output.dtype))
    return types


def test_fast_is_bfloat16_to_two_digits(architecture):
    net = architecture("resnet18")
    x = torch.randn(6, 3, 48, 40, generator=torch.Generator().manual_seed(3))
    types = seen_types(net, "layer1.0.conv1")
    exact = max_activating_patches(net, x, ["conv1", "layer1.0.conv1"], k=6)
    assert set(types) == {torch.float32}
    fast = max_activating_patches(net, x, ["conv1", "layer1.0.conv1"], k=6, precision="fast")
    assert types[-1] == torch.bfloat16
    one, other = (
        np.array([[p.value for p in sorted(unit.strongest, key=lambda p: p.image)] for unit in scan])
        for scan in (exact, fast)
    )
    assert not np.array_equal(one, other)
    np.testing.assert_allclose(one, other, rtol=0.03, atol=0.03 * abs(one).max())


def test_exact_is_exact_also_where_the_caller_is_not(net, draw_pictures):
    types = seen_types(net, "conv2")
    with torch.autocast("cpu", torch.bfloat16):
        max_activating_patches(net, draw_pictures(3), "conv2")
    assert types[-1] == torch.float32


def test_the_network_and_everything_around_are_left_as_they_were(net, draw_pictures):
    x = draw_pictures(10).requires_grad_()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    random = torch.get_rng_state()
    for images in (x, list(x), iter(x)):
        max_activating_patches(net, images, LAYERS, batch_size=4)
    broken = x.detach().clone()
    broken[7] = float("nan")
    with pytest.raises(InputError):
        max_activating_patches(net, broken, LAYERS, batch_size=4)
    assert all(part.training for part in net.modules())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())
    assert torch.equal(torch.get_rng_state(), random) and torch.equal(x, draw_pictures(10))


def test_a_network_that_writes_into_its_input(draw_pictures):
    net, x = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 2, 1)), draw_pictures(5)
    max_activating_patches(net, x, ["0", "1"])
    assert torch.equal(x, draw_pictures(5))


def test_dropout_is_off(net, draw_pictures):
    x = draw_pictures(30)
    net.drop.p = 0.99
    kept = max_activating_patches(net, x, "conv2")
    net.drop.p = 0.0
    assert [u.strongest for u in kept] == [u.strongest for u in max_activating_patches(net, x, "conv2")]


# --------------------------------------------------------------------------------------------------- errors


def tokens() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(2), nn.Linear(70, 5))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("conv3", "there is no layer 'conv3'; nearest: 'conv"),
        (["conv1", "relu#3"], "layer 'relu#3' did not run"),
        (["conv1", "conv1#2"], "layer 'conv1#2' did not run"),
        ([], "name at least one layer"),
        ([nn.ReLU()], "a layer is named by a str"),
    ],
)
def test_layers_that_are_none(net, draw_pictures, layers, message):
    with pytest.raises(LayerError, match=message):
        max_activating_patches(net, draw_pictures(3), layers)


def test_layers_without_maps(draw_pictures):
    with pytest.raises(LayerError, match=r"layer '2' has no maps: its output is \(8, 5\)"):
        max_activating_patches(tokens(), draw_pictures(3), ["0", "2"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is a whole number of at least 1, not 0"),
        ({"batch_size": 0}, "batch_size is a whole number of at least 1, not 0"),
        ({"precision": "half"}, "precision is 'exact' or 'fast', not 'half'"),
        ({"start": -1}, "start is a whole number of at least 0, not -1"),
        ({"start": 3, "stop": 3}, "start before stop, not 3 and 3"),
        ({"start": 5}, "no images from 5 to 5"),
    ],
)
def test_options_that_cannot_be(net, draw_pictures, options, message):
    with pytest.raises(InputError, match=message):
        max_activating_patches(net, draw_pictures(5), "conv1", **options)


def test_a_start_behind_the_end_of_an_iterable(net, draw_pictures):
    with pytest.raises(InputError, match="no images from 8 on: the iterable has given 5 only"):
        max_activating_patches(net, iter(draw_pictures(5)), "conv1", start=8)


def test_images_that_the_network_cannot_take(net, draw_pictures):
    with pytest.raises(InputError, match=r"cannot read a batch of shape \(1, 4, 9, 12\)"):
        max_activating_patches(net, draw_pictures(3, channels=4), "conv1")


# ------------------------------------------------------------------------------------------ what comes beside


def test_progress(net, draw_pictures):
    said = []
    max_activating_patches(net, draw_pictures(10), "fc", batch_size=4, progress=lambda *a: said.append(a))
    max_activating_patches(
        net, iter(draw_pictures(5)), "fc", batch_size=4, progress=lambda *a: said.append(a)
    )
    max_activating_patches(
        net, draw_pictures(9), "fc", batch_size=4, start=2, stop=7, progress=lambda *a: said.append(a)
    )
    assert said == [(4, 10), (8, 10), (10, 10), (4, None), (5, None), (4, 5), (5, 5)]
    with tqdm(disable=False, file=open("/dev/null", "w")) as bar:
        max_activating_patches(net, draw_pictures(10), "fc", batch_size=4, progress=bar)
        assert (bar.n, bar.total) == (10, 10)


def test_numbers_of_numpy(net, draw_pictures, tmp_path):
    first, after, k, seed = (np.int64(each) for each in (2, 7, 3, 5))
    patches = max_activating_patches(net, draw_pictures(9), "fc", k, seed=seed, start=first, stop=after)
    patches.save(tmp_path / "scan.npz")
    assert Patches.load(tmp_path / "scan.npz").ranges == [(2, 7)]


def test_images_made_of_random_numbers_do_not_come_again(brute_maps, truth, whole):
    """Reading ahead draws random numbers of torch while a forward pass sets their state back."""
    net = whole(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
    net[0].register_forward_hook(lambda *args: time.sleep(0.02))  # time enough to read ahead

    def images():
        for _ in range(40):
            yield torch.randint(-2, 3, (3, 9, 12)).float()

    torch.manual_seed(11)
    x = torch.stack(list(images()))
    after = torch.get_rng_state()
    torch.manual_seed(11)
    patches = max_activating_patches(net, images(), "1", k=40, batch_size=4)
    assert torch.equal(torch.get_rng_state(), after)
    for channel in range(4):
        truth(brute_maps(net, x, ["1"])["1"][:, channel]).check(patches["1", channel], 40)


# --------------------------------------------------------------------------------------------- step by step


def test_steps(net, draw_pictures):
    scan = PatchScan(net, draw_pictures(11), LAYERS, batch_size=4)
    assert (scan.n_done, scan.n_images) == (0, 11)
    assert scan.result().n_images == 0 and np.isnan(scan.result().maxima("fc")).all()
    snapshots = [(done, scan.result()) for done in scan]
    assert [done for done, _ in snapshots] == [4, 8, 11] and scan.n_done == 11
    for done, patches in snapshots:
        alone = max_activating_patches(net, draw_pictures(11), LAYERS, batch_size=4, stop=done)
        assert (patches.n_images, patches.ranges) == (done, [(0, done)])
        assert [unit.strongest for unit in patches] == [unit.strongest for unit in alone]
        assert [unit.n_firing for unit in patches] == [unit.n_firing for unit in alone]
        assert all((u.histogram[0] == v.histogram[0]).all() for u, v in zip(patches, alone, strict=True))
    assert list(scan) == []


@pytest.mark.parametrize("kind", [lambda x: x, list])
def test_a_scan_that_was_closed_goes_on(net, draw_pictures, kind):
    scan = PatchScan(net, kind(draw_pictures(11)), LAYERS, batch_size=4)
    assert next(scan) == 4
    scan.close()
    assert list(scan) == [8, 11]
    whole = max_activating_patches(net, draw_pictures(11), LAYERS)
    assert [unit.strongest for unit in scan.result()] == [unit.strongest for unit in whole]


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("cnnwidgets-read")]


def test_reading_ahead_ends(net, draw_pictures):
    images = list(draw_pictures(20))
    scan = PatchScan(net, images, "conv1", batch_size=4)
    next(scan)
    assert len(readers()) == 1
    scan.close()
    assert readers() == []
    scan = PatchScan(net, images, "conv1", batch_size=4)
    next(scan)
    del scan
    gc.collect()
    assert readers() == []
    scan = PatchScan(net, images, "conv1", batch_size=4)
    assert list(scan)[-1] == 20 and readers() == []
    with pytest.raises(ZeroDivisionError):
        max_activating_patches(net, images, "conv1", batch_size=4, progress=lambda done, total: 1 / 0)
    assert readers() == []


def test_the_next_batch_is_read_while_the_network_works(net, draw_pictures):
    asked = threading.Event()

    class Slow(list):
        def __getitem__(self, i):
            if i == 4:
                asked.set()
            return super().__getitem__(i)

    scan = PatchScan(net, Slow(draw_pictures(8)), "conv1", batch_size=4)
    asked.clear()
    net.conv1.register_forward_hook(lambda *args: waited.append(asked.wait(20)))
    waited = []
    next(scan)
    scan.close()
    assert waited == [True]


def test_images_that_cannot_be_read_count_when_their_turn_comes(net, draw_pictures):
    """Those of the next batch are read early, but not done early."""
    x = draw_pictures(12)

    class Some(list):
        def __getitem__(self, i):
            if i in (1, 6, 7, 8, 9, 10, 11):
                raise InputError("broken")
            return super().__getitem__(i)

    images = Indexed(Some(x), None, [f"{i}.png" for i in range(12)], forgiving=True)
    scan, seen = PatchScan(net, images, LAYERS, k=12, batch_size=4), []
    for done in scan:
        result = scan.result()
        seen.append((done, result.n_images, result.ranges, sorted(result.skipped, key=lambda n: int(n[:-4]))))
    assert seen == [
        (4, 3, [(0, 4)], ["1.png"]),
        (8, 5, [(0, 8)], ["1.png", "6.png", "7.png"]),
        (12, 5, [(0, 12)], [f"{i}.png" for i in (1, 6, 7, 8, 9, 10, 11)]),
    ]
    patches = scan.result()
    assert set(patches.skipped.values()) == {"broken"}
    assert sorted(patch.image for patch in patches["fc", 0].strongest) == [0, 2, 3, 4, 5]
    assert patches["fc", 0].strongest[0].source.endswith(".png")


class Stop(BaseException):
    """As KeyboardInterrupt, wherever it may come."""


@pytest.mark.parametrize(
    "where", ["Ranking.insert", "Histograms.add", "join_ranges", "visit", "maxima", "places", "lots"]
)
@pytest.mark.parametrize("at", [2, 3])
def test_an_interruption_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    net, draw_pictures, monkeypatch, where, at
):
    x = draw_pictures(13)
    wanted = max_activating_patches(net, x, LAYERS, k=4, batch_size=4)
    owner = scanning
    if "." in where:
        from cnnwidgets.core.patches import histogram, ranking

        owner = {"Ranking": ranking.Ranking, "Histograms": histogram.Histograms}[where.partition(".")[0]]
    name = where.rpartition(".")[2]
    scan = PatchScan(net, list(x), LAYERS, k=4, batch_size=4)
    assert next(scan) == 4
    plain, calls = getattr(owner, name), []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == at - 1:
            raise Stop
        return plain(*args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        with pytest.raises(Stop):
            list(scan)
    assert readers() == []
    assert scan.result().n_images == scan.n_done in (4, 8, 12)
    assert scan.result().ranges == [(0, scan.n_done)]
    found = scan.run()
    for one, other in zip(found, wanted, strict=True):
        assert (
            one.strongest == other.strongest and one.weakest == other.weakest and one.sample == other.sample
        )
        assert (one.histogram[0] == other.histogram[0]).all() and one.n_firing == other.n_firing
        assert one.n_images == 13


def test_an_error_does_not_end_a_scan_silently(net, draw_pictures):
    x = draw_pictures(10)
    x[5] = float("nan")
    scan = PatchScan(net, list(x), "conv1", batch_size=4)
    assert next(scan) == 4
    for _ in range(2):
        with pytest.raises(InputError, match="image 5"):
            next(scan)
    assert scan.result().ranges == [(0, 4)]


# ------------------------------------------------------------------------------------------------- iterables


def test_an_iterable_keeps_the_pixels_of_ranked_images_only(draw_pictures):
    net = nn.Sequential(nn.Conv2d(3, 1, 3))
    nn.init.ones_(net[0].weight)
    x = draw_pictures(60)
    scan = PatchScan(net, iter(x), "0", k=2, batch_size=4)
    assert scan.n_images is None
    for done in scan:
        patches = scan.result()
        unit = patches["0", 0]
        ranked = {patch.image for kind in ("strongest", "weakest", "sample") for patch in unit.patches(kind)}
        assert set(patches.kept) == ranked and done <= 60
    for image in ranked:
        assert torch.equal(patches.tensor(image), x[image])
        assert patches.kept[image].untyped_storage().nbytes() == x[0].nbytes  # not the whole batch
    lost = next(i for i in range(60) if i not in ranked)
    with pytest.raises(InputError, match=f"image {lost} is not at hand"):
        patches.tensor(lost)


def test_a_scan_of_an_iterable_goes_on_after_a_stop(net, draw_pictures):
    x = draw_pictures(20)
    scan = PatchScan(net, iter(x), "conv1", batch_size=4)
    next(scan)
    scan.close()
    whole = max_activating_patches(net, x, "conv1", batch_size=4)
    assert scan.run()["conv1", 1].strongest == whole["conv1", 1].strongest


@pytest.mark.parametrize(
    "option", [{"k": 2.7}, {"k": "9"}, {"batch_size": 2.5}, {"seed": "a"}, {"start": 1.5}]
)
def test_options_that_are_no_whole_numbers(net, draw_pictures, option):
    with pytest.raises(InputError, match=f"{next(iter(option))} is a whole number"):
        PatchScan(net, draw_pictures(4), "conv1", **option)


def test_other_things_that_are_not_to_be(net, draw_pictures, tmp_path):
    with pytest.raises(LayerError, match="name at least one layer, not None"):
        PatchScan(net, draw_pictures(4), None)
    with pytest.raises(InputError, match="is a folder: give a file"):
        PatchScan(net, draw_pictures(4), "conv1", checkpoint=tmp_path)
    with pytest.raises(InputError, match="Resize the images to what the network reads"):
        PatchScan(net, torch.zeros(4, 1, 9, 9), "conv1")
    patches = max_activating_patches(net, draw_pictures(4), "conv1", k=2)
    with pytest.raises(LayerError, match="a channel is a whole number"):
        patches["conv1", 1.5]
    with pytest.raises(TypeError, match="only Patches can be merged, not a int"):
        patches.merge(3)


def test_a_scan_leaves_no_inference_tensor_in_the_model(draw_pictures):
    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.grid = nn.Conv2d(3, 2, 3), None

        def forward(self, x):
            y = self.conv(x)
            if self.grid is None:
                self.grid = torch.linspace(0, 1, y.shape[3])
            return (y * self.grid).mean((2, 3))  # autograd keeps the grid

    net = Caching()
    x = draw_pictures(4)
    max_activating_patches(net, x, "conv", k=2)
    net.train()(x).sum().backward()
    assert net.conv.weight.grad is not None


def test_batches_tell_where_they_end():
    assert Batch._fields == ("numbers", "tensors", "stop", "skipped")
    batches = list(Indexed(torch.zeros(7, 1, 2, 2), None).batches(3))
    assert [batch.stop for batch in batches] == [3, 6, 7]
    assert all(a.stop == b.numbers[0] for a, b in pairwise(batches))
