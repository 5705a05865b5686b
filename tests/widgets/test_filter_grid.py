import numpy as np
import pytest
import torch
import traitlets as t

from cnnwidgets.widgets import FilterGrid

RNG = np.random.default_rng(0)
COLOUR = RNG.normal(size=(6, 3, 4, 5)).astype(np.float32)
DEEP = RNG.normal(size=(5, 8, 3, 2)).astype(np.float32)


def test_the_filters_arrive():
    grid = FilterGrid(torch.tensor(COLOUR, requires_grad=True))
    assert (grid.n_filters, grid.n_inputs, grid.kernel_size, grid.reads_image) == (6, 3, (4, 5), True)
    assert grid.order == [0, 1, 2, 3, 4, 5] and grid.channel is None and grid.input_channel is None
    assert (grid.weights == COLOUR).all()
    assert FilterGrid(COLOUR[:, :1]).reads_image and not FilterGrid(DEEP).reads_image


def test_large_layers_travel_in_one_byte_a_weight(messages):
    weights = (
        RNG.normal(size=(64, 512, 3, 3)).astype(np.float32) * np.linspace(0.1, 9, 64)[:, None, None, None]
    )
    grid = FilterGrid()
    sent = messages(grid)
    grid.show(weights)
    assert len(sent) == 1
    assert len(sent[0]["_codes"]) == weights.size and not sent[0].get("_exact")
    largest = np.abs(weights).max((1, 2, 3), keepdims=True)
    assert (np.abs(grid.weights - weights) <= largest / 254 * 1.001).all()
    assert not (grid.weights == weights).all()


@pytest.mark.parametrize("shape", [(3, 4, 5), (6, 3, 5), (2, 6, 3, 4, 5), (), (0, 3, 4, 5), (6, 3, 0, 5)])
def test_other_shapes(shape):
    grid = FilterGrid(COLOUR)
    with pytest.raises(ValueError, match="filters, input channels, height, width"):
        grid.show(np.zeros(shape))
    assert grid.n_filters == 6


def test_one_message_for_other_filters(messages):
    grid = FilterGrid(DEEP, channel=4, input_channel=7)
    sent = messages(grid)
    grid.show(COLOUR[:3])
    assert len(sent) == 1
    assert {"_codes", "_scales", "_exact", "_shape", "_norms", "order", "channel", "input_channel"} <= set(
        sent[0]
    )
    assert grid.channel is None and grid.input_channel is None


def test_what_still_exists_stays_open():
    grid = FilterGrid(DEEP, channel=2, input_channel=5)
    grid.show(-DEEP[:3])
    assert (grid.channel, grid.input_channel) == (2, 5)
    grid.show(COLOUR)
    assert (grid.channel, grid.input_channel) == (2, None)  # no single input of a coloured tile is shown


def test_what_does_not_exist():
    grid = FilterGrid(DEEP)
    with pytest.raises(t.TraitError, match="filter 5 does not exist: there are 0 to 4"):
        grid.channel = 5
    with pytest.raises(t.TraitError, match="input channel -1 does not exist: there are 0 to 7"):
        grid.input_channel = -1
    with pytest.raises(t.TraitError, match="there is no filter 5"):
        grid.order = [0, 5]
    with pytest.raises(t.TraitError, match="a filter comes twice"):
        grid.order = [1, 1]
    with pytest.raises(t.TraitError, match=r"call show\(\)"):
        FilterGrid(channel=0)
    for name, value in [("normalise", "tile"), ("sort", "size"), ("columns", -1)]:
        with pytest.raises(t.TraitError):
            setattr(grid, name, value)


def test_what_comes_late_from_the_browser():
    grid = FilterGrid(DEEP, channel=1)
    grid.set_state({"channel": 11, "input_channel": 60, "order": [9, 2]})
    assert (grid.channel, grid.input_channel, grid.order) == (None, None, [0, 1, 2, 3, 4])
    assert grid.error == ""


def test_norms_by_hand():
    weights = np.zeros((3, 1, 2, 3))
    weights[0, 0, 0, :2] = 3, 4
    weights[1] = 1
    grid = FilterGrid(weights, channel=0)
    assert grid.facts(0) == ["norm 5.00"]
    assert grid.facts(1) == ["norm 2.45"]  # the square root of 6
    assert grid.facts(2) == ["zero everywhere"]
    grid.analyse(norms=[1, 2, 3])
    assert grid.facts(0) == ["norm 1.00"]


def test_facts_in_words():
    grid = FilterGrid(COLOUR[:3], title="conv1", channel=1)
    grid.analyse(explained=[0.1, 0.874, np.nan], orientation=[np.nan, 135.2, 3], wavelength=[np.nan, 6.24, 3])
    grid.analyse(firing=[0, 0.3149, 1], firing_layer="relu1")
    norm = float(torch.linalg.vector_norm(torch.tensor(COLOUR[1])))
    told = "best Gabor explains 87 %, stripes at 135°, every 6.2 px, fires at 31.5 % of the places"
    assert ", ".join(grid.facts(1)) == f"norm {norm:.2f}, {told}"
    assert "not striped" in grid.facts(0) and "fires at 0.0 % of the places" in grid.facts(0)
    assert not any("Gabor" in fact for fact in grid.facts(2))
    assert grid.describe() == "conv1: 3 filters of 3 × 4 × 5. Filter 1: " + ", ".join(grid.facts(1))
    grid.analyse(orientation=[np.nan, 135.2, 3], wavelength=[np.nan, np.nan, 3])
    assert "an edge or a line at 135°" in grid.facts(1)


def test_filters_that_are_not_finite():
    weights = COLOUR.copy()
    weights[2, 1, 0, 0] = np.nan
    grid = FilterGrid(weights, channel=2)
    assert grid.facts(2) == ["not finite: holds NaN or infinity"]
    grid.normalise = "shared"
    assert grid.picture() is not None


def test_untrained_is_said():
    assert FilterGrid(COLOUR, untrained=True).describe() == "6 filters of 3 × 4 × 5, untrained"
    assert FilterGrid().describe() == "FilterGrid: no filters yet" and FilterGrid().picture() is None


def test_results_come_one_after_another(messages):
    grid = FilterGrid(COLOUR)
    sent = messages(grid)
    response = RNG.random((6, 8, 8))
    grid.analyse(response=response, norms=np.arange(6))
    grid.analyse(explained=np.full(6, 0.5))
    assert [set(state) for state in sent] == [{"_response", "_response_size", "_norms"}, {"_explained"}]
    codes = np.frombuffer(sent[0]["_response"], np.uint8).reshape(6, 8, 8)
    assert np.abs(codes / 255 - response / response.max((1, 2), keepdims=True)).max() <= 0.5 / 255 + 1e-9
    grid.show(COLOUR)  # of these nothing is known yet
    assert not any(len(each) for each in (grid._response, grid._explained, grid._fitted, grid._firing))
    assert grid._norms == pytest.approx(np.linalg.norm(COLOUR.reshape(6, -1), axis=1))


def test_the_gabor_has_the_scale_of_its_filter():
    grid = FilterGrid(COLOUR)
    fitted = COLOUR / 2
    fitted[0] = 3 * COLOUR[0]  # cut off
    fitted[1, 0, 0, 0] = np.nan  # no fit
    grid.analyse(fitted=fitted)
    codes = np.frombuffer(grid._fitted, np.int8).reshape(COLOUR.shape)
    scales = np.abs(COLOUR).max((1, 2, 3), keepdims=True)
    assert np.abs(codes[2:] - 127 * COLOUR[2:] / 2 / scales[2:]).max() <= 0.501
    assert (np.abs(codes[0]) == 127).sum() > 1 and not codes[1].any()


@pytest.mark.parametrize(
    "name, value",
    [
        ("explained", np.zeros(5)),
        ("firing", 0.5),
        ("norms", np.zeros((6, 1))),
        ("response", np.zeros((6, 8, 9))),
        ("response", np.zeros((5, 8, 8))),
        ("fitted", np.zeros((6, 3, 5, 4))),
    ],
)
def test_analyses_of_another_shape(name, value):
    grid = FilterGrid(COLOUR)
    with pytest.raises(ValueError, match=f"{name} must have the shape"):
        grid.analyse(**{"norms": np.zeros(6), name: value})
    assert grid._norms[0] > 0  # nothing was taken over
    with pytest.raises(ValueError, match=r"call show\(\) before analyse"):
        FilterGrid().analyse(explained=[])


def test_sorting():
    grid = FilterGrid(COLOUR[:5])
    grid.analyse(explained=[0.2, np.nan, 0.9, 0.2, 0.5])
    assert grid.arranged() == [0, 1, 2, 3, 4]
    grid.sort = "explained"
    assert grid.arranged() == [2, 4, 0, 3, 1]  # equal ones keep their order, unknown ones come last
    grid.order = [3, 1, 0]
    assert grid.arranged() == [3, 0, 1]
    grid.sort = "firing"  # not known
    assert grid.arranged() == [3, 1, 0]


def pixels(grid):
    return np.asarray(grid.picture()).astype(int)


def test_the_picture_by_hand():
    """Two filters of 1 x 2 weights side by side: a colour of its own for each sign, mid-grey for zero."""
    weights = np.zeros((2, 3, 1, 2))
    weights[0, :, 0, 0] = 2, 0, -1  # red, a little yellow
    weights[1, :, 0, 1] = 0, 0.5, 0
    picture = pixels(FilterGrid(weights, columns=2))
    zoom = 440 // 6
    at = lambda x: picture[zoom // 2, int(x * zoom)].tolist()  # noqa: E731
    assert [at(x) for x in (0.5, 1.5, 2.5, 3.5, 4.5)] == [
        [255, 128, 64], [128] * 3, [255] * 3, [128] * 3, [128, 255, 128],
    ]  # fmt: skip
    shared = pixels(FilterGrid(weights, columns=2, normalise="shared"))
    assert shared[zoom // 2, int(4.5 * zoom)].tolist() == [128, 160, 128]  # 0.5 of 2


def test_the_picture_frames_the_opened_filter():
    closed, opened = pixels(FilterGrid(COLOUR)), pixels(FilterGrid(COLOUR, channel=4))
    assert opened.shape[1] > closed.shape[1]  # it is also drawn large
    blue = (opened == (25, 118, 210)).all(-1)
    assert blue.any() and not (closed == (25, 118, 210)).all(-1).any()
    rows = pixels(FilterGrid(DEEP, channel=3))
    height = rows.shape[0]
    assert np.flatnonzero((rows == (25, 118, 210)).all(-1).any(1)).mean() / height == pytest.approx(
        3.5 / 5, abs=0.05
    )


def test_pictures_of_large_layers_stay_small():
    picture = FilterGrid(RNG.normal(size=(300, 200, 3, 3))).picture()
    assert max(picture.size) < 600


def test_closing_frees_the_weights():
    grid = FilterGrid(COLOUR)
    grid.close()
    assert grid.n_filters == 0 and not len(grid._exact) and not grid._codes
    assert grid.describe() == "FilterGrid: no filters yet"
