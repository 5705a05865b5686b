"""DeepDream: one step by its definition, tiles, octaves, and stopping on the way."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import (
    InputError,
    LayerError,
    NetworkError,
    Objective,
    capture,
    class_score,
    deep_dream,
    likeness,
    unit,
)
from cnnwidgets.core.ascent.dream import octave_sizes

ONE = {"octaves": 1, "n_steps": 1, "jitter": 0}


@pytest.fixture
def photo():
    return torch.randn(1, 3, 20, 34, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def backpropagated(net, layer, x, seed=lambda maps: maps):
    """A signal sent back from what some layer gives: its activations themselves if not given."""
    x = x.detach().clone().requires_grad_()
    maps = net.eval()[: int(layer) + 1](x)
    return torch.autograd.grad(maps, x, seed(maps.detach()))[0]


def stepped(x, gradient, rate):
    return x + rate * gradient / gradient.abs().mean()


# --------------------------------------------------------------------------------------------------- one step


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("layer", ["0", "2", "4"])
def test_one_step_sends_the_activations_back(layer, inplace, make, photo):
    net = make(inplace=inplace)
    first, second = deep_dream(net, photo, layer, rate=0.3, **ONE)
    if inplace and layer in "04":  # the activations before the ReLU that writes over them
        net = make(inplace=False)
    wanted = stepped(photo, backpropagated(net, layer, photo), 0.3)
    assert torch.equal(first.image, photo)
    torch.testing.assert_close(second.image, wanted)
    assert (second.image - photo).abs().mean().item() == pytest.approx(0.3)
    maps = capture(net, photo, layer)[layer]
    assert first.value == pytest.approx(maps.square().sum().item() / 2) and math.isnan(second.value)


def test_one_channel(net, photo):
    def seed(maps):
        only = torch.zeros_like(maps)
        only[:, 3] = maps[:, 3]
        return only

    wanted = stepped(photo, backpropagated(net, "2", photo, seed), 0.05)
    torch.testing.assert_close(deep_dream(net, photo, "2", 3, **ONE).run().image, wanted)


def test_a_guide(net, photo):
    """The signal at each place is what the guide has at the place that is most like it."""
    other = torch.randn(1, 3, 16, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    guide = capture(net, other, "4")["4"]

    def seed(maps):
        found = torch.zeros_like(maps)
        for row in range(maps.shape[2]):
            for column in range(maps.shape[3]):
                products = torch.einsum("k,kij->ij", maps[0, :, row, column], guide[0])
                best = divmod(products.argmax().item(), guide.shape[3])
                found[0, :, row, column] = guide[0, :, best[0], best[1]]
        return found

    wanted = stepped(photo, backpropagated(net, "4", photo, seed), 0.05)
    torch.testing.assert_close(
        deep_dream(net, photo, objective=likeness("4", guide), **ONE).run().image, wanted
    )


def test_jitter_moves_the_image_there_and_back(make, photo):
    """A network of stride 1 that goes round at its borders sees the same, wherever the image is."""
    torch.manual_seed(0)
    round_about = nn.Conv2d(3, 5, 3, padding=1, padding_mode="circular").double()
    net = nn.Sequential(round_about, nn.ReLU())
    options = {"octaves": 1, "n_steps": 3}
    still = deep_dream(net, photo, "1", jitter=0, **options).run().image
    torch.testing.assert_close(deep_dream(net, photo, "1", jitter=9, **options).run().image, still)
    net = make()
    still, moved = (deep_dream(net, photo, "2", jitter=each, **options).run().image for each in (0, 9))
    assert not torch.allclose(still, moved)


def test_seeds(net, photo):
    first = deep_dream(net, photo, "2", n_steps=3, octaves=2, seed=3).run().image
    assert torch.equal(deep_dream(net, photo, "2", n_steps=3, octaves=2, seed=3).run().image, first)
    assert not torch.allclose(deep_dream(net, photo, "2", n_steps=3, octaves=2, seed=4).run().image, first)


# ------------------------------------------------------------------------------------------------------ tiles


@pytest.mark.parametrize("tile", [1, 7, 19, 20])
def test_tiles_of_a_network_that_sees_one_pixel_change_nothing(tile, photo):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 1), nn.Tanh(), nn.Conv2d(6, 4, 1)).double()
    options = {"octaves": 1, "n_steps": 2}
    whole, parts = (list(deep_dream(net, photo, "2", tile=each, **options)) for each in (34, tile))
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one.image, other.image)
        assert one.value == pytest.approx(other.value, nan_ok=True)


def test_tiles_are_equal_parts_and_none_is_larger(net, photo):
    """34 columns in parts of at most 15: 11, 12 and 11 of them; 20 rows: 10 and 10."""
    seen = []
    net[0].register_forward_hook(lambda part, inputs, output: seen.append(tuple(inputs[0].shape[2:])))
    dream = deep_dream(net, photo, "0", tile=15, **ONE)
    next(dream)
    assert sorted(set(seen)) == [(10, 11), (10, 12)] and sum(h * w for h, w in seen) >= 20 * 34

    def gradient_of_parts():
        rows = [slice(0, 10), slice(10, 20)]
        columns = [slice(0, 11), slice(11, 23), slice(23, 34)]
        found = torch.zeros_like(photo)
        for r in rows:
            for c in columns:
                found[:, :, r, c] = backpropagated(net, "0", photo[:, :, r, c])
        return found

    torch.testing.assert_close(next(dream).image, stepped(photo, gradient_of_parts(), 0.05))


# ---------------------------------------------------------------------------------------------------- octaves


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (((96, 128), 3, 2.0), [(32, 43), (48, 64), (96, 128)]),
        (((300, 400), 3, 1.5), [(133, 178), (200, 267), (300, 400)]),
        (((480, 640), 1, 1.4), [(480, 640)]),
        # 29 would be less than 32, so 32; and there is no smaller one
        (((40, 60), 4, 1.4), [(32, 48), (40, 60)]),
        (((64, 64), 9, 2.0), [(32, 32), (64, 64)]),
        # less than 32 as it is
        (((20, 50), 4, 1.4), [(20, 50)]),
        (((32, 50), 4, 1.4), [(32, 50)]),
    ],
)
def test_sizes_of_octaves(arguments, wanted):
    assert octave_sizes(*arguments) == wanted


def resized(x, size):
    return F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)


@pytest.fixture
def large():
    return torch.randn(1, 3, 48, 70, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_octaves_follow_each_other_and_detail_is_put_back(net, large):
    dream = deep_dream(net, large, "2", octaves=2, octave_scale=1.5, n_steps=3, jitter=0, rate=0.1)
    steps = list(dream)
    assert dream.sizes == [(32, 47), (48, 70)] and dream.total == 6
    assert [(step.octave, step.number) for step in steps] == [(o, i) for o in range(2) for i in range(4)]
    assert [tuple(step.image.shape[2:]) for step in steps] == [(32, 47)] * 4 + [(48, 70)] * 4
    assert [math.isnan(step.value) for step in steps] == [False, False, False, True] * 2

    image = small = resized(large, (32, 47))
    torch.testing.assert_close(steps[0].image, small)
    for step in steps[1:4]:
        image = stepped(image, backpropagated(net, "2", image), 0.1)
        torch.testing.assert_close(step.image, image)
    image = large + resized(image - small, (48, 70))
    torch.testing.assert_close(steps[4].image, image)
    for step in steps[5:]:
        image = stepped(image, backpropagated(net, "2", image), 0.1)
        torch.testing.assert_close(step.image, image)


def test_without_steps_of_any_size_the_image_is_itself(net, large):
    assert torch.equal(deep_dream(net, large, "2", rate=0, octaves=3, n_steps=1).run().image, large)


def test_what_is_dreamt_grows():
    toynet = cw.load("toynet")
    x = toynet.read(cw.data.Toytown("test")[3].image)
    steps = list(deep_dream(toynet, x, "conv4", octaves=2, n_steps=6))
    for octave in range(2):
        values = [step.value for step in steps if step.octave == octave][:-1]
        assert values[-1] > 1.5 * values[0]
    colours = toynet.preprocess.denormalise(steps[-1].image)
    assert colours.min() > -1e-5 and colours.max() < 1 + 1e-5
    assert steps[-1].image.shape == x.shape
    assert torch.corrcoef(torch.stack([steps[-1].image.flatten(), x.flatten()]))[0, 1] > 0.5


def test_limits_that_are_given(net, photo):
    image = deep_dream(net, photo, "2", rate=5.0, n_steps=3, limits=(-1.5, 1.0)).run().image
    assert image.min() == -1.5 and image.max() == 1.0
    assert deep_dream(net, photo, "2", rate=5.0, n_steps=3).run().image.abs().max() > 3


# ------------------------------------------------------------------------------------------------- on the way


def test_settings_act_from_the_next_step(net, photo):
    dream = deep_dream(net, photo, "2", octaves=1, n_steps=9, jitter=0, rate=0.1)
    image = next(dream).image
    for rate in (0.1, 0.5, 0.0):
        dream.rate = rate
        wanted = stepped(image, backpropagated(net, "2", image), rate)
        image = next(dream).image
        torch.testing.assert_close(image, wanted)
        assert torch.equal(dream.image, image)
    dream.jitter = 5
    next(dream)
    dream.tile, dream.n_steps = 11, 6
    assert [step.number for step in dream] == [5, 6]


def test_an_octave_can_be_cut_short(net, large):
    dream = deep_dream(net, large, "2", octaves=2, n_steps=5)
    for _ in range(4):
        next(dream)
    dream.n_steps = 2
    assert [(step.octave, step.number) for step in dream] == [(0, 4), (1, 0), (1, 1), (1, 2)]
    with pytest.raises(InputError, match="this dream is over"):
        dream.run()


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_step_that_is_interrupted_has_not_been(at, net, large, fuse):
    wanted = list(deep_dream(net, large, "2", octaves=2, n_steps=2))
    blown = fuse(at)
    handle = net[0].register_forward_hook(blown)
    dream, found = deep_dream(net, large, "2", octaves=2, n_steps=2), []
    while True:
        try:
            found.append(next(dream))
        except KeyboardInterrupt:
            continue
        except StopIteration:
            break
    handle.remove()
    assert blown.left <= 0 and len(found) == len(wanted)
    assert all(torch.equal(one.image, other.image) for one, other in zip(found, wanted, strict=True))


def test_progress_and_cancelling(net, large):
    said = []
    deep_dream(net, large, "2", octaves=2, n_steps=2).run(lambda *now: said.append(now))
    assert said == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    dream = deep_dream(net, large, "2", octaves=2, n_steps=2)
    with pytest.raises(KeyboardInterrupt):
        dream.run(stop)
    assert dream.image.shape == large.shape
    wanted = deep_dream(net, large, "2", octaves=2, n_steps=2).run()
    assert torch.equal(dream.run().image, wanted.image)


def test_steps_are_the_callers(net, photo):
    before = photo.clone()
    wanted = deep_dream(net, photo, "2", octaves=1, n_steps=2).run().image
    dream = deep_dream(net, photo, "2", octaves=1, n_steps=2)
    for step in dream:
        kept = step.image.clone()
        dream.image.zero_()
        step.image.zero_()
    assert torch.equal(kept, wanted) and torch.equal(photo, before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients(mode, net, photo):
    wanted = deep_dream(net, photo, "2", n_steps=2).run().image
    with mode():
        found = deep_dream(net, photo, "2", n_steps=2).run().image
    assert torch.equal(found, wanted) and not found.is_inference()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_networks_of_half_precision(dtype, net, photo):
    exact = deep_dream(net, photo, "2", n_steps=2).run().image - photo
    found = deep_dream(net.to(dtype), photo.float(), "2", n_steps=2).run().image - photo
    assert found.float().isfinite().all()
    assert torch.cosine_similarity(exact.flatten(), found.double().flatten(), dim=0) > 0.9


def test_fast(net, photo):
    net, photo = net.float(), photo.float()
    exact, fast = (
        deep_dream(net, photo, "2", precision=each, n_steps=2).run().image for each in ("exact", "fast")
    )
    moved = exact - photo
    assert torch.cosine_similarity(moved.flatten(), (fast - photo).flatten(), dim=0) > 0.9


def test_any_objective_of_layers(net, photo):
    two = unit("0", 1) + unit("4", [2])
    first, *_, last = deep_dream(net, photo[0], objective=two, octaves=1, n_steps=4)
    assert last.image.shape == photo.shape and last.number == 4 and first.image.dtype == torch.float64


def test_where_nothing_is_detected_nothing_is_dreamt(photo):
    dead = nn.Conv2d(3, 2, 1).double()
    dead.weight.data.zero_()
    dead.bias.data.fill_(-1)
    steps = list(deep_dream(nn.Sequential(dead, nn.ReLU()), photo, "1", octaves=1, n_steps=2))
    assert steps[0].value == 0 and torch.equal(steps[-1].image, photo)


# -------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"n_steps": 0}, InputError, "n_steps is a whole number of at least 1"),
        ({"octaves": 0}, InputError, "octaves"),
        ({"tile": 0}, InputError, "tile"),
        ({"jitter": -1}, InputError, "jitter"),
        ({"seed": -1}, InputError, "seed"),
        ({"octave_scale": 1.0}, InputError, "octave_scale is above 1"),
        ({"octave_scale": float("nan")}, InputError, "octave_scale"),
        ({"rate": -0.1}, InputError, "rate is the size of a step"),
        ({"rate": float("nan")}, InputError, "rate is the size of a step"),
        ({"precision": "low"}, InputError, "precision is one of"),
        ({"limits": (1, 0)}, InputError, "black below white"),
        ({"objective": unit("0", 1)}, InputError, "either a layer"),
        ({"layer": None}, InputError, "either a layer"),
        ({"layer": None, "channel": 1, "objective": unit("0", 1)}, InputError, "either a layer"),
        ({"layer": None, "objective": class_score(1)}, InputError, "class_image with start=image"),
        ({"layer": "2a"}, LayerError, "there is no layer '2a'"),
        ({"channel": 8}, LayerError, "channels 0 to 7, not 8"),
        ({"x": torch.zeros(2, 3, 20, 34)}, InputError, "one image dreams at a time, not 2"),
        ({"x": torch.full((1, 3, 20, 34), float("inf"))}, InputError, "NaN or an infinity"),
        ({"x": "photo.jpg"}, InputError, "torch.Tensor"),
    ],
)
def test_what_cannot_be(options, error, said, net, photo):
    with pytest.raises(error, match=said):
        deep_dream(net, **{"x": photo, "layer": "2", **options}).run()


def test_a_network_that_asserts_its_size(make):
    """As the vision transformers of torchvision do."""

    class Proud(nn.Module):
        def forward(self, x):
            assert x.shape[2] == 60, "Wrong image height!"
            return x

    net = nn.Sequential(Proud(), *make()[:3])
    large = torch.zeros(1, 3, 60, 74, dtype=torch.float64)
    with pytest.raises(InputError, match=r"43 x 53 pixels .*\(Wrong image height!\): choose fewer octaves"):
        deep_dream(net, large, "3", octaves=2, n_steps=1, jitter=0).run()


def test_octaves_and_tiles_that_the_network_cannot_take(make):
    """A layer behind the flat ones takes one size only, others need so many pixels at least."""
    net = nn.Sequential(*make()[:5], nn.MaxPool2d(12))  # maps are a quarter as high and wide as images
    large = torch.randn(1, 3, 60, 74, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert deep_dream(net, large, "4", octaves=2, n_steps=1).run().octave == 1
    dream = deep_dream(net, large, "5", octaves=2, n_steps=1, jitter=0)
    said = r"cannot be run on 43 x 53 pixels as far as layer '5' \(.*[Oo]utput size.*\): choose fewer octaves"
    with pytest.raises(InputError, match=said):
        dream.run()
    assert deep_dream(net, large, "5", octaves=1, n_steps=1).run().number == 1
    with pytest.raises(InputError, match="on 30 x 37 pixels"):
        deep_dream(net, large, "5", octaves=1, n_steps=1, tile=40).run()


def test_other_errors_are_not_about_the_size(net, photo):
    def broken(*_):
        raise RuntimeError("my own")

    objective = Objective(lambda seen: broken(), ("2",))
    with pytest.raises(RuntimeError, match="^my own$"):
        deep_dream(net, photo, objective=objective).run()


def test_a_network_that_gives_no_numbers(net, photo):
    net[0].bias.data[1] = float("nan")
    with pytest.raises(NetworkError, match="layer '2' gives NaN or infinity.* look at the weights"):
        deep_dream(net, photo, "2").run()


def test_an_image_that_explodes_and_a_smaller_rate_that_helps(scores, photo):
    net = nn.Sequential(scores(lambda x: x**5)).float()
    dream = deep_dream(net, photo.float(), "0", octaves=1, n_steps=9, rate=1e30)
    with pytest.raises(NetworkError, match="choose a smaller rate"):
        dream.run()
    assert dream.number == 0 and dream.image.isfinite().all()
    dream.rate = 0.1
    assert dream.run().number == 9
