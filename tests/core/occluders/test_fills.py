"""What a square shows."""

import pytest
import torch

from cnnwidgets.core import InputError, fill_pixels, occlusion

WORDS = ["mean", "blurred", "noise", "elsewhere"]


def test_numbers_colours_and_pictures():
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(fill_pixels(x, 0.25), torch.full_like(x, 0.25))
    assert torch.equal(fill_pixels(x, 1), torch.ones_like(x))
    colour = torch.tensor([1.0, 2, 3])
    assert torch.equal(fill_pixels(x, colour), colour[:, None, None].expand_as(x))
    picture, pictures = torch.randn(3, 4, 5), torch.randn(2, 3, 4, 5)
    assert torch.equal(fill_pixels(x, picture), picture.expand_as(x))
    assert torch.equal(fill_pixels(x, pictures), pictures)
    assert torch.equal(fill_pixels(x, pictures.double()), pictures)  # in the type of the images


def test_a_colour_is_a_colour_where_the_width_is_the_number_of_channels():
    x = torch.randn(1, 3, 3, 3)
    colour = torch.tensor([1.0, 2, 3])
    assert fill_pixels(x, colour)[0, :, 0, 0].tolist() == [1, 2, 3]
    assert fill_pixels(x, colour)[0, 0].unique().tolist() == [1]


def test_mean_is_the_mean_colour_of_each_image_itself():
    x = torch.tensor([[[[1.0, 2], [3, 6]], [[0, 0], [0, 4]]], [[[5, 5], [5, 5]], [[1, 2], [3, 4]]]])
    shown = fill_pixels(x, "mean")
    assert shown.shape == x.shape
    assert shown[0, 0].tolist() == [[3, 3], [3, 3]] and shown[0, 1].tolist() == [[1, 1], [1, 1]]
    assert shown[1, 0].tolist() == [[5, 5], [5, 5]] and shown[1, 1].tolist() == [[2.5, 2.5], [2.5, 2.5]]


def test_elsewhere_is_half_the_height_and_half_the_width_away():
    x = torch.arange(2 * 4 * 6.0).reshape(1, 2, 4, 6)
    shown = fill_pixels(x, "elsewhere")
    for i in range(4):
        for j in range(6):
            assert torch.equal(shown[0, :, i, j], x[0, :, (i + 2) % 4, (j + 3) % 6])


def test_elsewhere_in_images_of_odd_size():
    """Each pixel once, and far away (to half a pixel)."""
    x = torch.arange(5 * 7.0).reshape(1, 1, 5, 7)
    shown = fill_pixels(x, "elsewhere")
    assert sorted(shown.flatten().tolist()) == list(range(35))
    rows, columns = shown[0, 0].long() // 7, shown[0, 0].long() % 7
    assert (((rows - torch.arange(5)[:, None]) % 5) - 2.5).abs().eq(0.5).all()
    assert (((columns - torch.arange(7)) % 7) - 3.5).abs().eq(0.5).all()


def test_blurred_keeps_what_is_large_and_loses_what_is_small():
    rows, columns = torch.arange(64.0)[:, None], torch.arange(96.0)[None]
    large = torch.sin(columns * 2 * torch.pi / 96).expand(64, 96)
    small = torch.sin((columns + rows) * 2 * torch.pi / 4)
    constant = torch.full_like(large, 0.7)
    blurred = fill_pixels(torch.stack([large, small, constant])[None], "blurred")[0]
    assert (blurred[0] * large).sum() / (large**2).sum() > 0.8
    assert blurred[1][16:-16, 16:-16].abs().max() < 0.01
    torch.testing.assert_close(blurred[2], constant)  # no dark rim


def test_blurred_is_that_of_scipy():
    """A Gaussian of a sixteenth of the shorter side; beyond the border, the border goes on."""
    ndimage = pytest.importorskip("scipy.ndimage")
    x = torch.randn(1, 2, 32, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    blurred = fill_pixels(x, "blurred")
    wanted = ndimage.gaussian_filter(x.numpy(), (0, 0, 2, 2), mode="nearest", truncate=3)
    torch.testing.assert_close(blurred, torch.from_numpy(wanted), atol=1e-12, rtol=0)


def test_noise_is_the_same_every_time_and_nobody_elses():
    x = 3 + 2 * torch.randn(2, 3, 40, 50, generator=torch.Generator().manual_seed(3))
    x[:, 1] *= 0.1
    torch.manual_seed(7)
    state = torch.get_rng_state()
    one = fill_pixels(x, "noise")
    torch.rand(3)
    two, other = fill_pixels(x, "noise"), fill_pixels(x, "noise", seed=1)
    torch.manual_seed(7)
    fill_pixels(x, "noise")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert not torch.equal(one[0] - x[0].mean((1, 2), True), one[1] - x[1].mean((1, 2), True))
    # as bright, and as varied, as the image
    torch.testing.assert_close(one.mean((2, 3)), x.mean((2, 3)), atol=0.2, rtol=0)
    torch.testing.assert_close(one.std((2, 3)), x.std((2, 3)), atol=0, rtol=0.1)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 1, 5), (1, 1, 7, 2)])
def test_small_and_grey_images(word, shape):
    shown = fill_pixels(torch.rand(shape), word)
    assert shown.shape == shape and shown.isfinite().all()


@pytest.mark.parametrize("word", WORDS)
def test_pixels_of_an_image_depend_on_it_alone(word, pictures):
    x = pictures(3, 20, 30)
    together = fill_pixels(x, word)
    if word != "noise":  # which is drawn for the batch
        for i in range(3):
            torch.testing.assert_close(fill_pixels(x[i : i + 1], word)[0], together[i])


@pytest.mark.parametrize("engine", ["incremental", "plain"])
@pytest.mark.parametrize("fill", [0.4, "colour", "picture", "pictures", *WORDS])
def test_maps_of_every_fill(engine, fill, net, x, reference, agrees):
    random = torch.Generator().manual_seed(9)
    given = {
        "colour": torch.tensor([-1.0, 0.5, 2], dtype=x.dtype),
        "picture": torch.randn(x.shape[1:], generator=random, dtype=x.dtype),
        "pictures": torch.randn(x.shape, generator=random, dtype=x.dtype),
    }.get(fill, fill)
    pixels = given[:, None, None] if fill == "colour" else given
    pixels = fill_pixels(x, given) if fill in WORDS else pixels
    found = occlusion(net, x, 2, size=(9, 8), stride=6, fill=given, engine=engine)
    assert found.engine == engine
    agrees(found, reference(net, x, (9, 8), 6, pixels), 2, least_spread=1e-3)


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        ("gray", "mean.*blurred.*noise.*elsewhere"),
        (None, "fill"),
        ([0.0, 0.0], "fill"),
        (torch.zeros(2), r"\(C,\)|colour"),
        (torch.zeros(3, 24, 32), r"\(3, 24, 32\)"),
        (torch.zeros(3, 3, 24, 33), r"\(3, 3, 24, 33\)"),
        (float("nan"), "NaN|finite"),
        (float("inf"), "finite|infinity"),
        (torch.full((3,), float("nan")), "NaN|finite"),
    ],
)
def test_what_cannot_be_shown(fill, said, net, x):
    with pytest.raises(InputError, match=said):
        occlusion(net, x, 0, size=5, stride=5, fill=fill)
    with pytest.raises(InputError, match=said):
        fill_pixels(x, fill)
