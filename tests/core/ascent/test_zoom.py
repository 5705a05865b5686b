"""Falling into a dream: what is enlarged, what is dreamt on it, and stopping on the way."""

import pytest
import torch

import cnnwidgets as cw
from cnnwidgets.core import InputError, LayerError, NetworkError, deep_dream, dream_zoom, unit
from cnnwidgets.core.ascent.zoom import zoomed

SMALL = {"octaves": 1, "n_steps": 2, "jitter": 3}


@pytest.fixture
def photo():
    return torch.randn(1, 3, 20, 34, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def slope(rows, columns):
    """Colours that grow evenly to the right and down, and are 0 in the middle."""
    down = torch.arange(rows, dtype=torch.float64) - (rows - 1) / 2
    right = torch.arange(columns, dtype=torch.float64) - (columns - 1) / 2
    return (3 * down[:, None] + right[None]).expand(2, 3, -1, -1)


@pytest.mark.parametrize("factor", [1.04, 1.5, 3.0])
def test_an_enlarged_slope_is_less_steep(factor):
    x = slope(20, 34)
    inside = (..., slice(4, -4), slice(4, -4))  # beyond the border there is nothing to go by
    # torch's bicubic is off by up to a twentieth of the difference of two pixels, here 4
    torch.testing.assert_close(zoomed(x, factor)[inside], (x / factor)[inside], atol=0.2, rtol=0)


def test_a_square_is_enlarged_about_the_middle():
    x = torch.zeros(1, 1, 40, 60)
    x[..., 18:22, 28:32] = 1  # 4 × 4 in the middle
    large = zoomed(x, 2.0)
    bright = large[0, 0] > 0.5
    assert bright.sum() == 64 and bright[16:24, 26:34].all()


def test_pictures_follow_each_other(net, photo):
    frames = list(dream_zoom(net, photo, "2", n_frames=4, zoom=1.1, seed=5, rate=0.1, **SMALL))
    assert [frame.number for frame in frames] == [0, 1, 2, 3]
    assert torch.equal(frames[0].image, photo)
    image = photo
    for frame in frames[1:]:
        options = {"rate": 0.1, "seed": 5 + frame.number, **SMALL}
        image = deep_dream(net, zoomed(image, 1.1), "2", **options).run().image
        assert torch.equal(frame.image, image)


def test_without_steps_of_any_size_it_only_comes_nearer(net, photo):
    last = dream_zoom(net, photo, "2", n_frames=3, zoom=1.2, rate=0.0, **SMALL)
    (*_, last) = last
    torch.testing.assert_close(last.image, zoomed(zoomed(photo, 1.2), 1.2))


def test_standing_still_it_dreams_on(net, photo):
    _, first, second = dream_zoom(net, photo, "2", n_frames=3, zoom=1, rate=0.1, **SMALL)
    wanted = deep_dream(net, photo, "2", rate=0.1, seed=1, **SMALL).run().image
    assert torch.equal(first.image, wanted) and not torch.allclose(second.image, wanted)


def test_seeds(net, photo):
    def last(seed):
        *_, frame = dream_zoom(net, photo, "2", n_frames=3, seed=seed, **SMALL)
        return frame.image

    assert torch.equal(last(3), last(3)) and not torch.allclose(last(3), last(4))


def test_colours_stay_printable():
    toynet = cw.load("toynet")
    x = toynet.read(cw.data.Toytown("test")[3].image)
    film = dream_zoom(toynet, x, "conv2", n_frames=3, zoom=1.5, rate=1.0, octaves=1, n_steps=2)
    for frame in film:
        colours = toynet.preprocess.denormalise(frame.image)
        assert colours.min() > -1e-5 and colours.max() < 1 + 1e-5
    *_, last = dream_zoom(net_of_one(), x, "0", n_frames=2, rate=9.0, limits=(-1.0, 2.0), **SMALL)
    assert last.image.min() >= -1 and last.image.max() <= 2


def net_of_one():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3))


# ------------------------------------------------------------------------------------------------- on the way


def test_progress_and_cancelling(net, photo):
    said = []
    options = {"n_frames": 3, "zoom": 1.1, **SMALL}
    wanted = list(dream_zoom(net, photo, "2", progress=lambda *now: said.append(now), **options))
    assert said == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]

    for at in range(1, 7):
        calls = []

        def stop(*now, calls=calls, at=at):
            calls.append(now)
            if len(calls) == at:
                raise KeyboardInterrupt

        film, found = dream_zoom(net, photo, "2", progress=stop, **options), []
        with pytest.raises(KeyboardInterrupt):
            found.extend(film)  # which keeps those before
        found += list(film)
        assert calls == said, "no step is taken twice"
        assert len(found) == 3 and torch.equal(found[-1].image, wanted[-1].image)


def test_settings_act_from_the_next_picture(net, photo):
    film = dream_zoom(net, photo, "2", n_frames=2, **SMALL)
    assert len(list(film)) == 2
    film.n_frames, film.zoom, film.options["rate"] = 3, 1.5, 0.0
    before = film.image
    torch.testing.assert_close(next(film).image, zoomed(before, 1.5))
    with pytest.raises(StopIteration):
        next(film)


def test_pictures_are_the_callers(net, photo):
    before = photo.clone()
    *_, wanted = dream_zoom(net, photo, "2", n_frames=3, **SMALL)
    film = dream_zoom(net, photo, "2", n_frames=3, **SMALL)
    for frame in film:
        kept = frame.image.clone()
        frame.image.zero_()
        film.image.zero_()
    assert torch.equal(kept, wanted.image) and torch.equal(photo, before)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients(mode, net, photo):
    *_, wanted = dream_zoom(net, photo, "2", n_frames=2, **SMALL)
    with mode():
        *_, found = dream_zoom(net, photo, "2", n_frames=2, **SMALL)
    assert torch.equal(found.image, wanted.image) and not found.image.is_inference()


def test_any_objective(net, photo):
    *_, last = dream_zoom(net, photo[0], objective=unit("4", 2), n_frames=2, **SMALL)
    assert last.image.shape == photo.shape


# -------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"n_frames": 0}, InputError, "n_frames is a whole number of at least 1"),
        ({"zoom": 0.9}, InputError, "1 or more, not 0.9"),
        ({"zoom": float("nan")}, InputError, "1 or more, not nan"),
        ({"zoom": float("inf")}, InputError, "1 or more, not inf"),
        ({"n_steps": 0}, InputError, "n_steps"),
        ({"seed": -1}, InputError, "seed"),
        ({"layer": None}, InputError, "either a layer"),
        ({"x": torch.zeros(2, 3, 20, 34)}, InputError, "one image dreams at a time, not 2"),
    ],
)
def test_what_cannot_be_is_said_at_once(options, error, said, net, photo):
    with pytest.raises(error, match=said):
        dream_zoom(net, **{"x": photo, "layer": "2", **options})


def test_what_the_network_cannot(net, photo):
    film = dream_zoom(net, photo, "2a", n_frames=2)
    next(film)
    with pytest.raises(LayerError, match="there is no layer '2a'"):
        next(film)
    net[0].bias.data[1] = float("nan")
    with pytest.raises(NetworkError, match="gives NaN or infinity"):
        list(dream_zoom(net, photo, "2"))
