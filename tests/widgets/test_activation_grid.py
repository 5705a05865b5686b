import io

import numpy as np
import pytest
import torch
import traitlets as t
from PIL import Image

from cnnwidgets.core import ReceptiveField
from cnnwidgets.widgets import ActivationGrid

MAPS = np.random.default_rng(0).normal(size=(6, 4, 5)).astype(np.float32)


def test_the_maps_arrive():
    grid = ActivationGrid(torch.tensor(MAPS, requires_grad=True))
    assert grid.n_channels == 6 and grid.map_size == (4, 5) and grid.order == [0, 1, 2, 3, 4, 5]
    assert (np.abs(grid.activations - MAPS) <= np.ptp(MAPS, axis=(1, 2))[:, None, None] / 510 * 1.001).all()


@pytest.mark.parametrize("shape", [(1, 6, 4, 5), (6, 4, 5)])
def test_shapes_of_images(shape):
    assert ActivationGrid(MAPS.reshape(shape)).map_size == (4, 5)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (7, 1, 1), (1, 7, 1, 1)])
def test_shapes_of_fully_connected_layers(shape):
    grid = ActivationGrid(np.arange(7.0).reshape(shape))
    assert (grid.n_channels, grid.map_size) == (7, (1, 1))
    assert grid.activations.ravel().tolist() == list(range(7))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3), (), (0, 4, 5), (3, 0, 5)])
def test_other_shapes(shape):
    with pytest.raises(ValueError, match="channels, height, width"):
        ActivationGrid().show(np.zeros(shape))


def test_one_message_for_a_new_layer(messages):
    grid = ActivationGrid(MAPS, channel=5, position=(3, 4))
    sent = messages(grid)
    grid.show(MAPS[:2, :3])
    assert len(sent) == 1 and {"_codes", "_ranges", "_shape", "order", "channel", "position"} <= set(sent[0])
    assert (grid.channel, grid.position) == (1, None)


def test_little_is_sent_when_a_channel_is_chosen(messages):
    grid = ActivationGrid(MAPS)
    sent = messages(grid)
    grid.channel = 3
    grid.opacity = 0.2
    assert sent == [{"channel": 3}, {"opacity": 0.2}]


def test_what_does_not_exist():
    grid = ActivationGrid(MAPS)
    with pytest.raises(t.TraitError, match="channel 6 does not exist: there are 0 to 5"):
        grid.channel = 6
    with pytest.raises(t.TraitError, match=r"position \(4, 0\) is outside the map of 4 × 5 cells"):
        grid.position = (4, 0)
    with pytest.raises(t.TraitError, match="there is no channel 6"):
        grid.order = [0, 6]
    with pytest.raises(t.TraitError, match="a channel comes twice"):
        grid.order = [1, 1]
    with pytest.raises(t.TraitError, match="call show"):
        ActivationGrid(channel=2)
    for name, value in [("scale", "own"), ("colormap", "jet"), ("opacity", 1.5), ("columns", -1)]:
        with pytest.raises(t.TraitError):
            setattr(grid, name, value)
    assert (grid.channel, grid.position, grid.order) == (0, None, [0, 1, 2, 3, 4, 5])


def test_order():
    grid = ActivationGrid(MAPS, order=[3, 1])
    assert grid.order == [3, 1]
    grid.show(MAPS[:4], order=[2, 0])
    assert grid.order == [2, 0]
    grid.order = []
    assert grid.order == [0, 1, 2, 3]


def test_positions_come_as_lists_from_the_browser():
    grid = ActivationGrid(MAPS)
    grid.set_state({"position": [2, 3], "channel": 4})
    assert grid.position == (2, 3) and grid.channel == 4 and grid.error == ""


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        (ReceptiveField((7, 9), (2, 4), (3, 1)), {"size": [7, 9], "stride": [2, 4], "padding": [3, 1]}),
        (
            dict(size=(7, 9), stride=(2, 4), padding=(3, 1)),
            {"size": [7, 9], "stride": [2, 4], "padding": [3, 1]},
        ),
        (ReceptiveField((7, 9), (0, 0), (0, 0), whole_image=True), {"whole_image": True}),
        (None, None),
    ],
)
def test_receptive_fields(field, kept):
    grid = ActivationGrid(MAPS)
    grid.receptive_field = field
    assert grid.receptive_field == kept


@pytest.mark.parametrize("field", [dict(size=(7, 9)), dict(size=7, stride=1, padding=0), 7])
def test_incomplete_receptive_fields(field):
    with pytest.raises(t.TraitError, match="needs size, stride and padding"):
        ActivationGrid(MAPS, receptive_field=field)


def test_small_pictures_are_sent_exactly_and_large_ones_small():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 96, 3), dtype=np.uint8)
    grid = ActivationGrid(MAPS)
    grid.set_image(pixels)
    assert (np.asarray(Image.open(io.BytesIO(grid._picture))) == pixels).all()
    grid.image = Image.new("RGB", (224, 300), "red")
    assert Image.open(io.BytesIO(grid._picture)).size == (224, 300) and grid._picture[:2] == b"\xff\xd8"
    grid.set_image(None)
    assert grid._picture == b"" and grid.image is None


def test_in_words():
    maps = np.zeros((3, 2, 4))
    maps[1, 1, 2] = 2.5
    maps[2, 0, 0] = np.nan
    grid = ActivationGrid(maps, title="conv2", channel=1)
    head = "conv2: 3 maps of 2 × 4, 1 silent (zero everywhere), 1 not finite. "
    assert grid.describe() == head + "Channel 1: 0 to 2.50, strongest at row 1, column 2"
    grid.channel = 0
    assert grid.describe() == head + "Channel 0: silent, zero everywhere"
    grid.channel = 2
    assert grid.describe() == head + "Channel 2: holds values that are not finite (NaN or infinite)"
    assert ActivationGrid([1.0, 2.0], channel=1).describe() == "2 numbers. Channel 1: 2.00"
    assert ActivationGrid(np.full((1, 2, 3), 4)).describe() == "1 maps of 2 × 3. Channel 0: 4.00 everywhere"
    assert ActivationGrid().describe() == "ActivationGrid: no maps yet"


def test_the_picture_frames_the_channel_and_shows_it_over_the_image():
    grid = ActivationGrid(np.abs(MAPS), image=Image.new("RGB", (50, 40), "teal"), opacity=0)
    tiles = np.asarray(grid.picture())
    assert (tiles[:200, -50:] == (0, 128, 128)).all()
    grid.channel = 5
    assert (np.asarray(grid.picture()) != tiles).any()
    assert ActivationGrid().picture() is None
    for maps in (
        np.full((2, 3, 4), np.nan),
        np.zeros((2, 3, 4)),
        np.arange(5.0),
        np.random.rand(1, 300, 200),
    ):
        assert min(ActivationGrid(maps).picture().size) > 30


@pytest.mark.parametrize(("shift", "colormap"), [(0, "viridis"), (1, "RdBu_r")])
def test_colours_fit_the_signs_of_the_layer(shift, colormap):
    maps = np.abs(MAPS) - shift
    wanted = ActivationGrid(maps, colormap=colormap).picture().tobytes()
    assert ActivationGrid(maps).picture().tobytes() == wanted
    assert ActivationGrid(maps, colormap="magma").picture().tobytes() != wanted


def test_the_picture_of_a_large_layer_is_quick_enough_to_come_with_every_display():
    import time

    grid = ActivationGrid(np.random.default_rng(0).random((64, 112, 112), dtype=np.float32))
    start = time.process_time()
    assert max(grid.picture().size) < 2000
    assert time.process_time() - start < 1


def test_the_argument_is_left_alone():
    maps = torch.tensor(MAPS)
    before = maps.clone()
    ActivationGrid(maps)
    assert torch.equal(maps, before)


def test_a_wrong_order_changes_nothing():
    grid = ActivationGrid(np.arange(24.0).reshape(4, 2, 3), channel=3)
    with pytest.raises(t.TraitError, match="there is no channel 5"):
        grid.show(np.ones((2, 5, 5)), order=[0, 5])
    assert (grid.n_channels, grid.map_size, grid.channel) == (4, (2, 3), 3)
    assert "Channel 3" in grid.describe()
