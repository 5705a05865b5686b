"""The ascent itself: closed forms, what may be changed on the way, and how it stops and goes on."""

import io

import pytest
import torch
import torchvision
from torch import nn
from tqdm import tqdm

import cnnwidgets as cw
from cnnwidgets.core import (
    Ascent,
    ClipContribution,
    ClipNorm,
    Decay,
    GaussianBlur,
    InputError,
    Jitter,
    NetworkError,
    Objective,
    Rotation,
    Scaling,
    SquaredNorm,
    Step,
    TotalVariation,
    ascent_of,
    class_image,
    class_score,
    diversity,
    unit,
)
from cnnwidgets.core.ascent.image_space import Fourier, Pixels

SHAPE = (3, 4, 6)


def zeros(n=1, shape=SHAPE):
    return torch.zeros(n, *shape, dtype=torch.float64)


def plain(net, objective, start, **options):
    return Ascent(net, objective, start, **{"optimiser": "plain", **options})


# ----------------------------------------------------------------------------------------------- closed forms


def test_one_plain_step_from_zero_is_the_rate_times_the_weights(linear):
    net = linear()
    first, second = plain(net, class_score([2, 0]), zeros(2), n_steps=1, rate=0.3)
    assert torch.equal(first.images, zeros(2)) and first.values.tolist() == [0, 0]
    torch.testing.assert_close(second.images, 0.3 * net.weight.detach()[[2, 0]])
    torch.testing.assert_close(second.values, 0.3 * net.weight.detach()[[2, 0]].square().sum((1, 2, 3)))
    assert (first.number, second.number) == (0, 1)


def test_the_optimum_of_a_linear_network_is_its_weights_over_twice_lambda(linear):
    net, weight, rate = linear(), 0.7, 0.1
    wanted = net.weight.detach()[1:2] / (2 * weight)
    for step in plain(net, class_score(1), zeros(), n_steps=120, rate=rate, penalties=[SquaredNorm(weight)]):
        part = 1 - (1 - 2 * weight * rate) ** step.number
        torch.testing.assert_close(step.images, part * wanted)
    torch.testing.assert_close(step.images, wanted)
    total = (step.values - step.penalties).item()
    assert total == pytest.approx(net.weight[1].square().sum().item() / (4 * weight))


def test_a_normalised_step_has_the_size_of_the_rate(linear):
    net = linear()
    net.weight.data[0] *= 1000
    steps = list(Ascent(net, class_score([0, 1]), zeros(2), n_steps=2, rate=0.2))
    for before, after in zip(steps, steps[1:], strict=False):
        moved = after.images - before.images
        assert moved.square().mean((1, 2, 3)).sqrt().tolist() == pytest.approx([0.2, 0.2])
        alike = torch.cosine_similarity(moved.flatten(1), net.weight.detach()[:2].flatten(1))
        assert alike.tolist() == pytest.approx([1, 1])


def test_adam_is_that_of_torch(net, x):
    start, rate = x[:1], 0.05
    ascent = Ascent(net, class_score(3), start, n_steps=12, rate=rate, optimiser="adam")
    found = [step.images for step in ascent]
    net.eval()
    image = start.clone().requires_grad_()
    adam = torch.optim.Adam([image], rate, maximize=True)
    for wanted in found:
        torch.testing.assert_close(wanted, image.detach())
        adam.zero_grad()
        net(image)[0, 3].backward()
        adam.step()


def test_a_step_through_frequencies_is_the_chain_rule(linear):
    """A linear network, no limits: one step of each parameter along its own derivative, by differences."""
    net, size = linear(shape=(3, 4, 5)), (3, 4, 5)
    ascent = ascent_of(
        net, class_score(2), shape=size, space="fourier", optimiser="plain", rate=1.0, n_steps=1
    )
    first, second = ascent
    random = torch.Generator().manual_seed(0)
    start = torch.randn(1, *size, generator=random, dtype=torch.float64)
    other = ascent_of(
        net, class_score(2), start=start, space="fourier", optimiser="plain", rate=1.0, n_steps=1
    )
    moved = other.run().images - start
    torch.testing.assert_close(moved, second.images)  # linear all the way: the same step from everywhere
    coarse, fine = (torch.fft.fft2(moved)[..., 0, 1], torch.fft.fft2(moved)[..., 2, 2])
    by_weights = torch.fft.fft2(net.weight.detach()[2:3])
    # the step of a frequency is scaled by its wavelength twice, there and back
    colours = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]]).double()
    colours = colours / torch.linalg.vector_norm(colours, dim=0).max()
    for step, weights, frequency in (
        (coarse, by_weights[..., 0, 1], 0.2),
        (fine, by_weights[..., 2, 2], None),
    ):
        frequency = frequency or (0.5**2 + 0.4**2) ** 0.5
        mixed = torch.einsum("cd,ed,ne->nc", colours.to(weights), colours.to(weights), weights)
        ratio = step / (mixed / frequency**2)
        torch.testing.assert_close(ratio, ratio[:, :1].expand(1, 3))
        assert ratio[0, 0].real.item() in (pytest.approx(1), pytest.approx(2))


def test_gradients_come_back_through_the_transforms(net, x):
    """One plain step is the slope of the score of the moved image."""
    transforms = [Jitter(3), Scaling(0.8, 1.2), Rotation(20)]
    second = plain(net, class_score(1), x, rate=1.0, n_steps=1, transforms=transforms, seed=4).run()
    generator = torch.Generator().manual_seed(4)
    given = x.clone().requires_grad_()
    moved = given
    for transform in transforms:
        moved = transform(moved, generator)
    net.eval()
    (slope,) = torch.autograd.grad(net(moved)[:, 1].sum(), given)
    torch.testing.assert_close(second.images, x + slope)


def test_regularisers_act_after_each_step_in_their_order(linear):
    net = linear()
    gradient = net.weight.detach()[:1]
    regularisers = [Decay(0.1), GaussianBlur(0.8, every=2), ClipNorm(30), ClipContribution(20)]
    ascent = plain(net, class_score(0), zeros(), rate=0.5, n_steps=4, regularisers=regularisers)
    wanted = zeros()
    for step in ascent:
        torch.testing.assert_close(step.images, wanted)
        wanted = wanted + 0.5 * gradient
        for regulariser in regularisers:
            wanted = regulariser(wanted, gradient, step.number + 1)
    assert (step.images == 0).any() and (step.images != 0).any()


# ---------------------------------------------------------------------------------- batches of several images

RECIPES = {
    "plain": {"optimiser": "plain", "rate": 2.0},
    "normalised": {"optimiser": "normalised", "penalties": [SquaredNorm(0.01), TotalVariation(0.01)]},
    "adam in frequencies": {"optimiser": "adam", "space": "fourier"},
    "clipped": {"regularisers": [Decay(), GaussianBlur(0.6, 2), ClipNorm(20), ClipContribution(20)]},
}


@pytest.mark.parametrize("norm", [None, nn.BatchNorm2d(8, track_running_stats=False)], ids=["", "mixing"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_each_image_alone_is_the_same(recipe, norm, make, x):
    net = make(norm=norm)
    options = {**RECIPES[recipe], "n_steps": 5, "transforms": [Jitter(2), Rotation(8)]}
    together = ascent_of(net, class_score([4, 0, 2]), start=x, **options).run()
    for n, target in enumerate([4, 0, 2]):
        alone = ascent_of(net, class_score(target), start=x[n], **options).run()
        torch.testing.assert_close(together.images[n], alone.images[0])
        torch.testing.assert_close(together.values[n], alone.values[0])
        torch.testing.assert_close(together.penalties[n], alone.penalties[0])
    assert not torch.allclose(together.images, x)


def test_diversity_makes_two_images_less_alike():
    toynet = cw.load("toynet")

    def how_alike(diverse):
        start = torch.zeros(2, 3, 48, 48)
        objective = unit("conv3", 5) + diverse * diversity("conv3")
        ascent = ascent_of(toynet, objective, start=start, noise=0.05, n_steps=25)
        images = ascent.run().images
        return -next(ascent_of(toynet, diversity("conv3"), start=images)).values.mean().item()

    assert how_alike(30) < how_alike(0) - 0.05


# ------------------------------------------------------------------------------------------------- on the way


def test_the_score_rises(net, x):
    steps = list(plain(net, class_score([1, 2, 3]), x, rate=0.05, n_steps=20))
    values = torch.stack([step.values for step in steps])
    assert (values.diff(dim=0) > 0).all()
    assert steps[0].images.shape == x.shape and len(steps) == 21


def test_the_score_of_toynet_rises_and_colours_can_be_printed():
    toynet = cw.load("toynet")
    for options in ({}, {"space": "fourier", "optimiser": "adam"}, {"optimiser": "plain", "rate": 10.0}):
        steps = list(class_image(toynet, [0, 6], n_steps=12, **options))
        assert (steps[-1].values > steps[0].values + 5).all()
        assert [type(step) for step in steps] == [Step] * 13
        values = toynet.preprocess.denormalise(steps[-1].images)
        assert values.min() > -1e-5 and values.max() < 1 + 1e-5
        assert (toynet.scores(steps[-1].images).argmax(1) == torch.tensor([0, 6])).all()


def test_the_score_of_a_random_alexnet_rises(architecture_alexnet):
    steps = list(class_image(architecture_alexnet, [3, 700], shape=(3, 64, 80), n_steps=8, rate=0.02, l2=0))
    assert (steps[-1].values > steps[0].values).all()
    assert steps[-1].images.shape == (2, 3, 64, 80)


@pytest.fixture
def architecture_alexnet():
    torch.manual_seed(0)
    return torchvision.models.alexnet()


def test_grey_networks(make):
    net = make(channels=1)
    for space in ("pixels", "fourier"):
        steps = list(class_image(net, [0, 5], shape=(1, 15, 18), limits=(-1, 2), space=space, n_steps=6))
        assert (steps[-1].values > steps[0].values).all() and steps[-1].images.shape == (2, 1, 15, 18)


def test_the_rate_and_the_penalties_act_from_the_next_step(linear):
    net = linear()
    weight = net.weight.detach()[:1]
    ascent = plain(net, class_score(0), zeros(), rate=1.0, n_steps=9)
    next(ascent)
    torch.testing.assert_close(next(ascent).images, weight)
    ascent.rate = 0.25
    torch.testing.assert_close(next(ascent).images, 1.25 * weight)
    ascent.regularisers.append(Decay(0.5))
    torch.testing.assert_close(next(ascent).images, 0.75 * weight)
    ascent.regularisers[0].theta = 0.1
    torch.testing.assert_close(next(ascent).images, 0.9 * weight)
    ascent.regularisers.clear()
    ascent.penalties = [SquaredNorm(0.5)]
    step = next(ascent)
    torch.testing.assert_close(step.images, (0.9 + 0.25 - 0.25 * 0.9) * weight)
    torch.testing.assert_close(step.penalties, 0.5 * step.images.square().sum((1, 2, 3)))
    ascent.rate = 0
    assert torch.equal(next(ascent).images, step.images)


@pytest.mark.parametrize("space", [Pixels, Fourier])
def test_a_penalty_in_closed_form_leads_where_the_same_one_by_autograd_does(space, net, x):
    found = []
    for penalty in (SquaredNorm(0.3), lambda images: 0.3 * images.square().sum((1, 2, 3))):
        ascent = plain(net, class_score(2), x, space=space(), penalties=[penalty], n_steps=3, rate=0.5)
        found.append(ascent.run())
    torch.testing.assert_close(found[0].images, found[1].images)
    torch.testing.assert_close(found[0].penalties, found[1].penalties)


def test_another_objective_from_where_the_images_are_looked_at_next(linear):
    net = linear()
    first, second = net.weight.detach()[:2]
    ascent = plain(net, class_score(0), zeros(), rate=1.0, n_steps=9)
    next(ascent)
    ascent.objective = class_score(1)
    step = next(ascent)
    torch.testing.assert_close(step.images[0], first)
    torch.testing.assert_close(step.values[0], (first * second).sum())
    torch.testing.assert_close(next(ascent).images[0], first + second)


TRANSFORMS = {"transforms": [Jitter(2), Scaling(), Rotation()], "noise": 0.2}


def test_the_seed_reproduces_bit_for_bit(net):
    def run(seed):
        torch.manual_seed(torch.seed() % 1000)
        return class_image(net, [1, 2], shape=(3, 14, 18), n_steps=4, seed=seed, **TRANSFORMS).run().images

    first = run(3)
    assert torch.equal(run(3), first)
    assert not torch.allclose(run(4), first)


def test_the_seed_is_of_the_transforms_too(net):
    options = {"shape": (3, 14, 18), "n_steps": 3, "transforms": [Jitter(4)]}
    one, other = (class_image(net, 1, seed=seed, **options).run().images for seed in (3, 4))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("optimiser", ["plain", "normalised", "adam"])
def test_more_steps_afterwards_are_the_same_as_at_once(optimiser, net):
    options = {"shape": (3, 14, 18), "optimiser": optimiser, **TRANSFORMS}
    wanted = list(class_image(net, 1, n_steps=7, **options))
    ascent = class_image(net, 1, n_steps=3, **options)
    found = list(ascent)
    assert [step.number for step in found] == [0, 1, 2, 3] and list(ascent) == []
    with pytest.raises(InputError, match="raise n_steps to go on"):
        ascent.run()
    ascent.n_steps = 7
    found += list(ascent)
    assert [step.number for step in found] == list(range(8))
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one.images, other.images) and torch.equal(one.values, other.values)
    assert torch.equal(ascent.images, wanted[-1].images)


def test_no_steps_at_all_give_the_start(net, x):
    ascent = Ascent(net, class_score(1), x, n_steps=0)
    assert torch.equal(ascent.images, x)
    assert torch.equal(ascent.run().images, x) and list(ascent) == []


def test_cancelled_by_progress_the_best_is_kept_and_it_goes_on(net):
    options = {"shape": (3, 14, 18), "n_steps": 6, **TRANSFORMS}
    wanted = list(class_image(net, 1, **options))

    def stop(done, total):
        assert total == 6
        if done == 3:
            raise KeyboardInterrupt

    ascent = class_image(net, 1, **options)
    with pytest.raises(KeyboardInterrupt):
        ascent.run(stop)
    best = max(wanted[:4], key=lambda step: (step.values - step.penalties).item())
    assert torch.equal(ascent.best.images, best.images) and ascent.best.number == best.number
    assert torch.equal(ascent.run().images, wanted[-1].images)


@pytest.mark.parametrize("optimiser", ["normalised", "adam"])
@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_step_that_is_interrupted_has_not_been(at, optimiser, net, fuse):
    options = {"shape": (3, 14, 18), "n_steps": 5, "optimiser": optimiser, **TRANSFORMS}
    wanted = list(class_image(net, [1, 2], **options))
    ascent = class_image(net, [1, 2], **options)
    blown = fuse(at)
    handle = net[-1].register_forward_hook(blown)
    found = []
    while not found or found[-1].number < 5:
        try:
            found.append(next(ascent))
        except KeyboardInterrupt:
            before = ascent.images
            assert torch.equal(before, found[-1].images if found else wanted[0].images)
    handle.remove()
    assert blown.left < 0
    assert [step.number for step in found] == list(range(6))
    assert all(torch.equal(one.images, other.images) for one, other in zip(found, wanted, strict=True))


def test_the_best_is_of_each_image_and_less_its_penalties(scores):
    """-1.5 (x - 1)^2 by steps of 1 jumps from 0 to 3 to -3, while x of the second image only grows."""
    net = scores(lambda x: torch.stack([-1.5 * (x[:, 0, 0, 0] - 1) ** 2, x[:, 0, 0, 0]], 1))
    ascent = plain(net, class_score([0, 1]), zeros(2, (1, 1, 1)), rate=1.0, n_steps=3)
    images = [step.images.flatten().tolist() for step in ascent]
    assert images == [[0, 0], [3, 1], [-3, 2], [9, 3]]
    assert ascent.best.images.flatten().tolist() == [0, 3] and ascent.best.number == 3
    assert ascent.best.values.tolist() == [-1.5, 3]

    # x less x^2: from 0 by 2 to 2, where 2 - 4 is less than nothing
    ascent = plain(net, class_score(1), zeros(1, (1, 1, 1)), rate=2.0, n_steps=1, penalties=[SquaredNorm(1)])
    step = ascent.run()
    assert (step.values.item(), step.penalties.item()) == (2, 4)
    assert ascent.best.number == 0


def test_the_best_is_judged_by_the_settings_of_now(scores):
    """x less w x^2 by steps of 1 - 2 w x, from 0: 1, and without its dear square 2."""
    net = scores(lambda x: torch.stack([x[:, 0, 0, 0], -x[:, 0, 0, 0]], 1))
    start = zeros(1, (1, 1, 1))
    ascent = plain(net, class_score(0), start, rate=1.0, n_steps=9, penalties=[SquaredNorm(0)])
    assert [next(ascent).images.item() for _ in range(3)] == [0, 1, 2]
    assert ascent.best.number == 2
    ascent.penalties[0].weight = 1  # 2 is worth 2 - 4 now, and where it leads, 2 + 1 - 4, even less than 0
    step = next(ascent)
    assert step.images.item() == -1 and step.penalties.item() == 1
    assert ascent.best.images.item() == 2 and (ascent.best.values - ascent.best.penalties).item() == -2
    ascent.penalties[0].weight = 3  # -1 + 1 + 6 = 6
    assert next(ascent).images.item() == 6
    assert ascent.best.images.item() == 2 and ascent.best.penalties.item() == 12
    ascent.objective = class_score(1)  # the best of another objective is none of this one
    assert next(ascent).images.item() == 6 + 1 - 36
    assert ascent.best.number == 5


def test_progress_counts_to_the_end(net, x):
    said = []
    Ascent(net, class_score(1), x, n_steps=4).run(lambda *now: said.append(now))
    assert said == [(i, 4) for i in range(5)]
    with tqdm(file=io.StringIO()) as bar:
        Ascent(net, class_score(1), x, n_steps=4).run(bar)
    assert bar.n == bar.total == 4


def test_steps_are_the_callers(net, x):
    wanted = Ascent(net, class_score(1), x, n_steps=2).run().images
    start = x.clone()
    ascent = Ascent(net, class_score(1), start, n_steps=2)
    start.zero_()
    for step in ascent:
        kept = step.images.clone()
        ascent.images.zero_()
        step.images.mul_(2)
    assert torch.equal(kept, wanted)


# -------------------------------------------------------------------------------------------- what goes wrong


def test_an_image_that_explodes_and_a_smaller_rate_that_helps(scores):
    net = scores(lambda x: (x**4).flatten(1).sum(1, keepdim=True)).float()
    start = torch.full((1, 1, 2, 3), 1.0)
    ascent = plain(net, class_score(0), start, rate=1000.0, n_steps=50)
    with pytest.raises(InputError, match=r"at step \d+ the image has grown so much .* choose a smaller rate"):
        ascent.run()
    reached = ascent.number
    assert reached > 0 and ascent.best.images.isfinite().all() and ascent.best.number == reached
    assert torch.equal(ascent.images, ascent.best.images)
    with pytest.raises(InputError, match=f"at step {reached + 1} "):
        next(ascent)
    ascent.rate, ascent.penalties = 0, []
    assert next(ascent).number == reached + 1


@pytest.mark.parametrize("what", ["penalty", "regulariser"])
def test_other_ways_to_explode(what, linear):
    huge = [SquaredNorm(1e308)] if what == "penalty" else []
    by_nan = [lambda x, gradient, step: x * float("nan")] if what == "regulariser" else []
    ascent = plain(linear(), class_score(0), zeros(), penalties=huge, regularisers=by_nan, n_steps=3)
    with pytest.raises(InputError, match="at step 1 the image has grown so much"):
        ascent.run()
    assert ascent.best.number == 0


def test_weights_that_are_not_a_number(net, x):
    net[-1].weight.data[2, 0] = float("nan")
    with pytest.raises(NetworkError, match="for the image to start from: look at its weights"):
        Ascent(net, class_score(2), x).run()


@pytest.mark.parametrize("optimiser", ["plain", "normalised", "adam"])
def test_where_nothing_leads_up_the_image_stays(optimiser, scores):
    net = scores(lambda x: x.flatten(1).clamp(max=-5).sum(1, keepdim=True))
    start = torch.ones(1, 3, 2, 4, dtype=torch.float64)
    steps = list(Ascent(net, class_score(0), start, optimiser=optimiser, n_steps=3))
    assert all(torch.equal(step.images, start) for step in steps)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_steps": -1}, "n_steps is a whole number of at least 0"),
        ({"n_steps": 2.5}, "n_steps"),
        ({"seed": -1}, "seed"),
        ({"optimiser": "sgd"}, "'plain', 'normalised', 'adam'"),
        ({"precision": "half"}, "precision is one of"),
        ({"rate": -1}, "rate is the size of a step, 0 or more, not -1"),
        ({"rate": float("nan")}, "rate is the size of a step"),
        ({"rate": float("inf")}, "rate is the size of a step"),
    ],
)
def test_options_that_cannot_be(options, said, net, x):
    with pytest.raises(InputError, match=said):
        Ascent(net, class_score(1), x, **options).run()


def test_objectives_of_ones_own(net, x):
    dark = Objective(lambda seen: -seen.maps["4"].flatten(1).square().sum(1), ("4",))
    steps = list(plain(net, dark, x, rate=0.02, n_steps=5))
    assert (steps[-1].values > steps[0].values).all()


# -------------------------------------------------------------------------------------- precision and callers


def test_precision_of_the_network(net, x):
    assert Ascent(net, class_score(1), x, n_steps=1).run().images.dtype == torch.float64
    double = Ascent(net, class_score(1), x, n_steps=5).run().images
    found = Ascent(net.float(), class_score(1), x.float(), n_steps=5).run().images
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), double, atol=1e-3, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("space", ["pixels", "fourier"])
def test_networks_of_half_precision_and_steps_below_it(dtype, space, net):
    """Steps of 0.001 on values near 1 are lost in bfloat16, and must not be."""
    start = torch.full((1, 3, 14, 18), 1.0)
    ascent = class_image(net.to(dtype), 1, start=start, n_steps=5, rate=1e-3, optimiser="normalised", l2=0)
    step = ascent.run()
    assert step.images.dtype == step.values.dtype == torch.float32
    moved = (step.images - start).square().mean().sqrt().item()
    assert 2e-3 < moved < 6e-3
    first, *_, last = class_image(net, 1, start=start, n_steps=8, rate=0.05, space=space, optimiser="adam")
    assert last.values > first.values


def test_fast_climbs_as_well(net, x):
    net, x = net.float(), x.float()
    exact, fast = (
        Ascent(net, class_score(1), x, n_steps=10, precision=each).run() for each in ("exact", "fast")
    )
    assert fast.images.dtype == torch.float32
    rise = exact.values - Ascent(net, class_score(1), x, n_steps=0).run().values
    assert (fast.values - exact.values).abs().max() < 0.1 * rise.min()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("space", ["pixels", "fourier"])
def test_callers_without_gradients_and_frozen_networks(mode, space, net):
    options = {
        "space": space,
        "limits": (-1, 1),
        "n_steps": 3,
        "penalties": [TotalVariation()],
        "regularisers": [GaussianBlur(0.5, 1), ClipContribution(10)],
        **TRANSFORMS,
    }
    wanted = class_image(net, [1, 2], start=torch.zeros(3, 14, 18), **options).run()
    net.requires_grad_(False)
    with mode():
        ascent = class_image(net, [1, 2], start=torch.zeros(3, 14, 18), **options)
        next(ascent)
        inside = ascent.images
        found = ascent.run()
    assert torch.equal(found.images, wanted.images) and torch.equal(found.values, wanted.values)
    assert not found.images.is_inference() and not inside.is_inference() and not found.images.requires_grad


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(net):
    options = {
        "shape": (3, 14, 18),
        "limits": (-1, 1),
        "n_steps": 4,
        "penalties": [TotalVariation()],
        "regularisers": [GaussianBlur(0.5, 2), ClipNorm(10)],
        **TRANSFORMS,
    }
    for space in ("pixels", "fourier"):
        wanted = class_image(net.cpu(), [1, 2], space=space, **options).run()
        found = class_image(net.cuda(), [1, 2], space=space, **options).run()
        assert found.images.is_cuda
        torch.testing.assert_close(found.images.cpu(), wanted.images, atol=1e-6, rtol=1e-6)
