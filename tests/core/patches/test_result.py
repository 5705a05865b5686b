"""What a scan gives: units, patches, pixels; parts that become one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnwidgets.core import InputError, LayerError, Patches, PatchScan, max_activating_patches

LAYERS = ["conv1", "relu#2", "fc"]
N = 40


@pytest.fixture(scope="session")
def bytes_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")

    def save(patches: Patches) -> bytes:
        patches.save(folder / "scan.npz")
        return (folder / "scan.npz").read_bytes()

    return save


@pytest.fixture(scope="session")
def scanned(twice, draw_pictures):
    """scanned(start, stop, **options): a part of the scan of the same 40 images."""

    def scan(start: int = 0, stop: int | None = None, **options) -> Patches:
        return max_activating_patches(
            twice(), draw_pictures(N), LAYERS, **{"k": 3, **options}, start=start, stop=stop
        )

    return scan


# ------------------------------------------------------------------------------------------ parts of a scan


@settings(max_examples=25)
@given(cuts=st.sets(st.integers(1, N - 1), max_size=6), data=st.data())
def test_any_parts_in_any_order_are_one_scan_byte_for_byte(cuts, data, scanned, bytes_of):
    at = [0, *sorted(cuts), N]
    parts = [
        scanned(start, stop, batch_size=data.draw(st.sampled_from([1, 5, 64])))
        for start, stop in zip(at, at[1:], strict=False)
    ]
    first, *others = data.draw(st.permutations(parts))
    before = [bytes_of(part) for part in (first, *others)]
    split = data.draw(st.integers(0, len(others)))
    merged = first.merge(*others[:split])
    for other in others[split:]:
        merged = other.merge(merged)
    assert bytes_of(merged) == bytes_of(scanned())
    assert before == [bytes_of(part) for part in (first, *others)], "the parts stay as they are"


def test_parts_with_a_hole(scanned, bytes_of):
    merged = scanned(30).merge(scanned(0, 10), scanned(10, 17))
    assert merged.ranges == [(0, 17), (30, 40)] and merged.n_images == 27
    assert bytes_of(merged.merge(scanned(17, 30))) == bytes_of(scanned())


def test_parts_of_an_iterable(twice, draw_pictures, bytes_of):
    x = draw_pictures(N)
    parts = [
        max_activating_patches(twice(), iter(x), LAYERS, k=2, start=a, stop=b)
        for a, b in ((20, None), (0, 20))
    ]
    merged = parts[0].merge(parts[1])
    assert bytes_of(merged) == bytes_of(max_activating_patches(twice(), iter(x), LAYERS, k=2))
    ranked = {patch.image for unit in merged for kind in KINDS for patch in unit.patches(kind)}
    assert set(merged.kept) == ranked and len(ranked) < N
    assert all(torch.equal(merged.tensor(image), x[image]) for image in ranked)


KINDS = ("strongest", "weakest", "sample")


def test_what_is_not_finite_is_added_up(twice, draw_pictures, bytes_of):
    net, x = twice(), draw_pictures(N)
    net.conv1.weight.data[2] = 1e38
    x[4:9] = 2
    x[30] = -2
    parts = [max_activating_patches(net, x, "conv1", start=a, stop=a + 8, k=3) for a in range(0, N, 8)]
    merged = parts[2].merge(parts[0], parts[4], parts[3], parts[1])
    assert merged["conv1", 2].n_not_finite >= 5 and merged["conv1", 1].n_not_finite == 0
    assert bytes_of(merged) == bytes_of(max_activating_patches(net, x, "conv1", k=3))


def strangers(twice, draw_pictures) -> dict:
    def part(net=None, x=None, layers=LAYERS, **options):
        x = draw_pictures(N) if x is None else x
        return max_activating_patches(net or twice(), x, layers, **{"k": 3, **options}, start=20)

    return {
        "network": part(net=twice(seed=1)),
        "data": part(x=draw_pictures(N, seed=1)),
        "layers": part(layers=["conv1", "fc"]),
        "k": part(k=4),
        "seed": part(seed=1),
        "precision": part(precision="fast"),
    }


@pytest.mark.parametrize("what", ["network", "data", "layers", "k", "seed", "precision"])
def test_parts_of_different_scans(what, scanned, twice, draw_pictures):
    one, other = scanned(0, 20), strangers(twice, draw_pictures)[what]
    with pytest.raises(InputError, match=f"not parts of one scan: they differ in {what}"):
        one.merge(other)
    assert one.n_images == 20


def test_a_difference_is_said_in_few_words(scanned, twice, draw_pictures):
    stranger = strangers(twice, draw_pictures)
    with pytest.raises(InputError, match="differ in k, 3 and 4$"):
        scanned(0, 20).merge(stranger["k"])
    with pytest.raises(InputError, match="differ in layers, conv1, relu#2, fc and conv1, fc$"):
        scanned(0, 20).merge(stranger["layers"])


@pytest.mark.parametrize(
    ("ranges", "image"),
    [([(0, 20), (0, 20)], 0), ([(0, 20), (19, 25)], 19), ([(5, 7), (30, 40), (6, 31)], 6)],
)
def test_images_that_would_count_twice(scanned, ranges, image):
    one, *others = (scanned(*each) for each in ranges)
    with pytest.raises(InputError, match=f"image {image} is in both parts"):
        one.merge(*others)


def test_nothing_to_merge(scanned, bytes_of):
    one = scanned()
    assert bytes_of(one.merge()) == bytes_of(one) and one.merge() is not one


# ------------------------------------------------------------------------------------------ units by name


def test_what_it_says_of_itself(scanned):
    patches = scanned()
    assert repr(patches) == "<Patches of 15 units (conv1, relu#2, fc) in 40 images, k=3>"
    assert len(patches) == 15
    units = [(unit.layer.name, unit.channel) for unit in patches]
    assert units == [(name, i) for name, n in (("conv1", 5), ("relu#2", 6), ("fc", 4)) for i in range(n)]
    unit = patches["relu#2", 4]
    assert repr(unit) == f"<{unit.describe()}>"
    best = unit.strongest[0].value
    assert unit.describe() == (f"relu#2 channel 4 fires in {unit.n_firing} of 40 images, at most {best:.3g}")
    assert unit.patches("weakest") == unit.weakest and unit.patches("sample") == unit.sample


def test_sources_are_names_or_numbers(scanned, draw_pictures, net):
    assert scanned()["conv1", 0].strongest[0].source.startswith("image ")

    class Named(list):
        def name(self, i):
            return f"picture {i + 1} of {len(self)}"

    patch = max_activating_patches(net, Named(draw_pictures(4)), "conv1")["conv1", 0].strongest[0]
    assert patch.source == f"picture {patch.image + 1} of 4"


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (("conv2", 0), "layer 'conv2' was not scanned; nearest: 'conv1'"),
        (("conv1", 5), "conv1 has channels 0 to 4, not 5"),
        (("conv1", -1), "conv1 has channels 0 to 4, not -1"),
        ("conv1", "a unit is named by layer and channel"),
        (3, "a unit is named by layer and channel"),
    ],
)
def test_units_that_there_are_not(scanned, unit, message):
    with pytest.raises(LayerError, match=message):
        scanned()[unit]


def test_kinds_that_there_are_not(scanned):
    with pytest.raises(InputError, match="strongest, weakest, sample, not 'best'"):
        scanned()["conv1", 0].patches("best")
    with pytest.raises(LayerError, match="nearest: 'conv1'"):
        scanned().maxima("conv")
    with pytest.raises(LayerError, match="was not scanned"):
        scanned().firing("pool")


# ------------------------------------------------------------------------------------------------- pixels


def test_patches_as_pixels(scanned, draw_pictures):
    x, unit = draw_pictures(N), scanned()["conv1", 2]
    for patch in unit.strongest:
        top, left, bottom, right = patch.box
        padded = nn.functional.pad(x[patch.image], (9, 9, 9, 9))[
            :, top + 9 : bottom + 9, left + 9 : right + 9
        ]
        pixels, inside = unit.pixels(patch)
        assert pixels.shape == (3, 3, 3) and torch.equal(pixels, padded)
        assert inside.sum() == (patch.seen[2] - patch.seen[0]) * (patch.seen[3] - patch.seen[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_average_patch(scanned, kind):
    unit = scanned()["conv1", 1]
    pairs = [unit.pixels(patch) for patch in unit.patches(kind)]
    mean, n = unit.average(kind)
    there = np.stack([np.broadcast_to(inside.numpy(), pixels.shape) for pixels, inside in pairs])
    values = np.ma.array(np.stack([pixels.numpy() for pixels, _ in pairs]), mask=~there)
    np.testing.assert_allclose(mean.numpy(), values.mean(0).filled(0), rtol=1e-6)
    assert n.tolist() == there[:, 0].sum(0).tolist()


def test_a_vector_sees_the_whole_image(scanned):
    unit = scanned()["fc", 3]
    assert all((patch.position, patch.tied) == ((0, 0), 1) for patch in unit.strongest)
    # conv1 has a stride of 2 and a padding of 1, so that rows 0 to 8 are read; the pooling leaves row 8 out
    assert {patch.seen for patch in unit.strongest} == {(0, 0, 8, 12)}
    assert all(patch.box == patch.seen and patch.is_complete for patch in unit.strongest)


def test_pixels_without_images(scanned, net, tmp_path, draw_pictures):
    scanned().save(tmp_path / "scan")
    patches = Patches.load(tmp_path / "scan")
    unit = patches["conv1", 1]
    with pytest.raises(InputError, match=r"not at hand: give the images again, Patches.load\(file, images="):
        unit.pixels(unit.strongest[0])
    patches = Patches.load(tmp_path / "scan", images=draw_pictures(N))
    assert torch.equal(patches.tensor(7), draw_pictures(N)[7])
    assert patches["conv1", 1].strongest == unit.strongest


# ---------------------------------------------------------------------------------------------- histograms


def test_the_histogram_has_no_empty_ends(scanned, brute_maps, twice, draw_pictures):
    best = brute_maps(twice(), draw_pictures(N), ["conv1"])["conv1"].max((2, 3))
    for channel in range(5):
        counts, edges = scanned()["conv1", channel].histogram
        assert counts.sum() == N and counts[0] > 0 < counts[-1] and len(edges) == len(counts) + 1
        assert edges[0] <= best[:, channel].min() < edges[1]
        assert edges[-2] <= best[:, channel].max() < edges[-1]
        assert counts.tolist() == [
            int(((best[:, channel] >= a) & (best[:, channel] < b)).sum())
            for a, b in zip(edges, edges[1:], strict=False)
        ]


def test_before_the_first_image(net, draw_pictures):
    patches = PatchScan(net, draw_pictures(5), "conv1").result()
    unit = patches["conv1", 0]
    assert unit.strongest == unit.weakest == unit.sample == []
    assert [len(each) for each in unit.histogram] == [0, 0]
    assert unit.describe() == "conv1 channel 0 never fires in 0 images"
    assert patches.firing("conv1").tolist() == [0] * 5


def test_a_copy_goes_its_own_way(scanned):
    one = scanned(0, 20)
    copied = one.copy()
    assert copied.images is one.images and copied.layers == one.layers
    for name in ("fired", "not_finite"):
        getattr(copied, name)[:] += 1
        assert not np.array_equal(getattr(copied, name), getattr(one, name))
    copied.rankings["strongest"].entries["value"] += 1
    copied.histograms.counts += 1
    copied.names[3] = "another"
    copied.ranges.append((99, 100))
    fresh = scanned(0, 20)
    assert one["conv1", 0].strongest == fresh["conv1", 0].strongest
    assert (one["conv1", 0].histogram[0] == fresh["conv1", 0].histogram[0]).all()
    assert one.names == {} and one.ranges == [(0, 20)]
