"""Which part a unit covers: intersection over union, by hand on small maps, higher or wider than square."""

import numpy as np
import pytest
import torch
from torch import nn

from cnnwidgets.core import InputError, LayerError, list_layers, part_iou


class Same(nn.Module):
    """Its maps are its images, so that a test writes the activations down."""

    def forward(self, x):
        return x * 1


def iou(x, masks, **options):
    return part_iou(
        nn.Sequential(Same()), torch.as_tensor(x).float(), torch.as_tensor(masks), "0", **options
    )["0"]


def test_by_hand():
    """Two images of 2 x 3 pixels, two units, three parts."""
    x = [
        [[[9, 8, 0], [0, 0, 0]], [[-1, -2, -3], [-1, -2, -3]]],
        [[[7, 1, 2], [0, 3, 0]], [[-5, 0, 4], [0, 0, 0]]],
    ]
    masks = [[[1, 1, 0], [1, 0, 0]], [[1, 2, 2], [0, 0, 0]]]
    # A quarter of 12 activations: the first unit fires at the three greatest, 9, 8 and 7, all of part 1, of
    # which there are four pixels. The second one has one place above zero, in part 2, which has two.
    expected = [[0 / (7 + 3), 3 / 4, 0 / (2 + 3)], [0 / (7 + 1), 0 / (4 + 1), 1 / 2]]
    torch.testing.assert_close(iou(x, masks, share=0.25), torch.tensor(expected))


def test_the_share_decides_how_many_places_fire():
    """Of 8 x 10 different activations the strongest n, counted as pixels of one part that is everywhere."""
    x = torch.randperm(80, generator=torch.Generator().manual_seed(4)).reshape(1, 1, 8, 10) + 1.0
    masks = torch.zeros(1, 8, 10, dtype=torch.long)
    for share, n in ((0.05, 4), (0.1, 8), (0.5, 40), (0.999, 79)):
        assert iou(x, masks, share=share).item() == pytest.approx(n / 80)
    assert iou(x, masks, share=1e-6).item() == pytest.approx(1 / 80), "one place at least"


def test_each_unit_has_a_threshold_of_its_own_over_all_images():
    x = torch.zeros(2, 2, 4, 5)
    x[0, 0, 0, :4], x[1, 0, 2, :4] = torch.tensor([1.0, 2, 3, 4]), torch.tensor([50.0, 60, 70, 80])
    x[:, 1] = x[:, 0] / 1000
    masks = torch.zeros(2, 4, 5, dtype=torch.long)
    masks[1, 2, :4] = 1
    torch.testing.assert_close(iou(x, masks, share=0.1)[:, 1], torch.ones(2))


@pytest.mark.parametrize("size", [(7, 12), (12, 7)])
@pytest.mark.parametrize("share", [0.01, 0.2])
def test_a_unit_that_is_the_mask_scores_one(size, share):
    """As large as the part is, though most of its activations are equal to its threshold."""
    height, width = size
    masks = torch.zeros(3, height, width, dtype=torch.long)
    masks[0, 1:4, 2:6], masks[1, 5:, :3], masks[2, 2:5, 3:] = 1, 2, 1
    x = torch.stack([(masks == part).float() for part in range(3)], dim=1)
    torch.testing.assert_close(iou(x, masks, share=share), torch.eye(3))


def test_a_strided_detector_of_a_part_scores_nearly_one():
    """Its cells are 4 x 4 pixels, the part is large, and the maps are laid where their cells look at."""
    masks = torch.zeros(2, 48, 72, dtype=torch.long)
    masks[0, 9:37, 14:50], masks[1, 12:40, 22:66] = 1, 1
    model = nn.Sequential(nn.Conv2d(1, 1, 5, stride=4, padding=2))
    with torch.no_grad():
        model[0].weight.fill_(1 / 25)
        model[0].bias.fill_(0)
    score = part_iou(model, (masks[:, None] == 1).float(), masks, "0", share=0.32)["0"]
    assert 0.93 < score[0, 1] <= 1 and score[0, 0] < 0.1


def test_cells_lie_at_the_middle_of_their_receptive_fields():
    """1 x 3 kernel, stride 2, padding 1 along the columns: cells look at columns 0, 2, 4, 6 around them;
    a kernel of 3 without padding along the rows: row 0 of the map is row 1 of the image."""
    model = nn.Sequential(nn.Conv2d(1, 1, (3, 3), stride=(1, 2), padding=(0, 1)))
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].weight[0, 0, 1, 1] = 1  # gives the pixel in the middle of its field
        model[0].bias.zero_()
    x = torch.zeros(1, 1, 5, 8)
    x[0, 0, 3, 4] = 1  # in the map: row 2, column 2
    # A tenth of the 3 x 4 cells is one; the threshold is 1. Beyond the last cell it goes on: rows 3 and 4.
    masks = torch.zeros(1, 5, 8, dtype=torch.long)
    masks[0, 3:, 4] = 1
    assert part_iou(model, x, masks, "0", share=0.1)["0"][0, 1] == 1
    # With a lower threshold, a line between cells: 0.5 in the middle, columns 3 and 5.
    x[0, 0, 1, 0] = 0.5  # row 0, column 0 of the map; goes on over row 0 of the image
    masks = torch.zeros(1, 5, 8, dtype=torch.long)
    masks[0, 3:, 3:6] = 1  # columns 3 and 5 lie half-way: 0.5, which reaches the threshold
    masks[0, :2, 0] = 1
    assert part_iou(model, x, masks, "0", share=0.2)["0"][0, 1] == 1


def test_a_layer_whose_field_is_not_known_is_laid_over_the_whole_image():
    """2 x 3 cells on 4 x 12 pixels, cell centres at rows 0.5, 2.5 and columns 1.5, 5.5, 9.5."""

    class Pooled(nn.Module):
        def forward(self, x):
            return x.reshape(len(x), 1, 2, 2, 3, 4).mean((3, 5))

    model = nn.Sequential(Pooled())
    assert list_layers(model, (1, 4, 12))[0].receptive_field is None, "or this test shows nothing"
    x = torch.zeros(1, 1, 4, 12)
    x[0, 0, :2, 4:8] = 1
    masks = torch.zeros(1, 4, 12, dtype=torch.long)
    # Of rows 0 to 3 the weights are 1, 0.75, 0.25, 0; of columns 2 to 9 1/8, 3/8, 5/8, 7/8, 7/8, ... The
    # threshold for half of six cells is 0, so that all that is above zero fires.
    masks[0, :3, 2:10] = 1
    assert part_iou(model, x, masks, "0", share=0.5)["0"][0, 1] == 1
    # For one cell it is 1, which is reached nowhere but above the first row's centre; not between columns.
    x[0, 0, :2, 8:] = 1
    masks = torch.zeros(1, 4, 12, dtype=torch.long)
    masks[0, 0, 6:] = 1
    assert part_iou(model, x, masks, "0", share=0.3)["0"][0, 1] == 1


@pytest.mark.parametrize("cells", [(5, 6), (9, 13)])
def test_a_saturated_unit_fires_between_its_cells_too(cells):
    """Whatever rounding makes of a third and two thirds of the same number."""
    model = nn.Sequential(nn.Conv2d(1, 64, 3, stride=3), nn.Sigmoid())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.copy_(torch.linspace(-3, 3, 64))
    x = torch.zeros(2, 1, 3 * cells[0], 3 * cells[1])
    masks = torch.zeros(2, *x.shape[2:], dtype=torch.long)
    torch.testing.assert_close(part_iou(model, x, masks, "1")["1"], torch.ones(64, 1), rtol=0, atol=0)


def test_silent_units_and_missing_parts_score_zero():
    x = torch.zeros(2, 3, 4, 6)
    x[:, 1], x[:, 2] = -1.0, torch.rand(2, 4, 6) + 0.1
    scores = iou(x, torch.zeros(2, 4, 6, dtype=torch.long), n_parts=3, share=0.5)
    assert scores.shape == (3, 3)
    assert (scores[:2] == 0).all() and (scores[:, 1:] == 0).all()
    assert scores[2, 0] == pytest.approx(0.5)


def test_not_a_number_is_no_place():
    """Neither there nor between it and its neighbours; and it does not move the threshold."""
    torch.manual_seed(1)
    x = torch.rand(1, 2, 6, 9)
    masks = torch.zeros(1, 6, 9, dtype=torch.long)
    masks[0, 2:4, 3:7] = 1
    x[0, 1] = x[0, 0]
    x[0, 0, 5, 8] = -1  # where the other one has a NaN, this one does not fire
    x[0, 1, 5, 8] = torch.nan
    scores = part_iou(NaNs(), x.nan_to_num(-7), masks, "0", share=0.3)["0"]
    torch.testing.assert_close(scores[1], scores[0])
    assert scores[0, 1] > 0
    everywhere = part_iou(NaNs(), torch.full((1, 1, 6, 9), -7.0), masks, "0", share=0.3)["0"]
    assert (everywhere == 0).all()


def test_nothing_fires_between_a_place_and_one_that_is_not_a_number():
    """Cells at columns 1, 4, 7, ...: left of the NaN the first cell fires up to itself, and no further."""
    model = nn.Sequential(nn.Conv2d(1, 1, 3, stride=3), NaNs.Layer())
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].weight[0, 0, 1, 1] = 1
        model[0].bias.zero_()
    x = torch.zeros(1, 1, 3, 12)
    x[0, 0, 1, 1], x[0, 0, 1, 4], x[0, 0, 1, 7] = 5, -7, 5
    masks = torch.zeros(1, 3, 12, dtype=torch.long)
    masks[0, :, :2], masks[0, :, 7:10] = 1, 1  # to the right it wanes towards column 10, where it is zero
    # Three quarters of four cells: the threshold is the third greatest, 0, so that all above zero fires.
    assert part_iou(model, x, masks, "1", share=0.75)["1"][0, 1] == 1


class NaNs(nn.Sequential):
    """Gives NaN for -7, as images with NaN are refused."""

    class Layer(nn.Module):
        def forward(self, x):
            return torch.where(x == -7, torch.nan, x)

    def __init__(self):
        super().__init__(self.Layer())


def test_channels_last_are_units_too():
    class Last(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 3, 1) * 1

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last, self.norm = nn.Conv2d(2, 2, 1, bias=False), Last(), nn.LayerNorm(2)
            with torch.no_grad():
                self.conv.weight[:] = torch.eye(2)[:, :, None, None]

        def forward(self, x):
            return self.norm(self.last(self.conv(x)))

    masks = torch.zeros(2, 5, 8, dtype=torch.long)
    masks[:, 1:3, 2:7] = 1
    x = torch.stack([(masks == part).float() for part in (0, 1)], dim=1)
    scores = part_iou(Model(), x, masks, ["norm", "conv"], share=0.2)
    assert list(scores) == ["norm", "conv"]
    for name in scores:
        torch.testing.assert_close(scores[name], torch.eye(2))


def test_every_second_pixel_only():
    """By hand: of the mask's rows 0, 2, 4 and columns 0, 2, 4 are left, and the maps stay where they are."""
    masks = torch.zeros(1, 6, 5, dtype=torch.long)
    masks[0, 0:3, 0:3] = 1  # (0, 0), (0, 2), (2, 0), (2, 2)
    x = torch.zeros(1, 1, 6, 5)
    x[0, 0, 2, 2], x[0, 0, 2, 4], x[0, 0, 1, 1] = (
        5,
        5,
        5,
    )  # the last is in no row and column that is looked at
    assert iou(x, masks, share=0.1, step=2)[0, 1] == pytest.approx(1 / 5)
    assert iou(x, masks, share=0.1)[0, 1] == pytest.approx(2 / 10)


def test_many_images_are_taken_in_batches():
    """The same as their sums, counted by hand over more images than go in one batch."""
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(70, 3, 5, 4, generator=generator)
    masks = torch.randint(0, 4, (70, 5, 4), generator=generator)
    expected = torch.zeros(3, 4)
    for unit in range(3):
        values = x[:, unit]
        fires = values >= values.flatten().sort(descending=True).values[int(0.1 * values.numel()) - 1]
        for part in range(4):
            there = masks == part
            expected[unit, part] = (fires & there).sum() / (fires | there).sum()
    torch.testing.assert_close(iou(x, masks, share=0.1), expected)


def test_one_layer_or_several_and_the_network_is_left_as_it_was():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, masks = torch.randn(4, 3, 9, 14), torch.randint(0, 3, (4, 9, 14))
    scores = part_iou(model, x, masks, ["3", "0", "3"])
    assert {name: tuple(table.shape) for name, table in scores.items()} == {"3": (5, 3), "0": (4, 3)}
    assert model.training and all(
        torch.equal(before[name], value) for name, value in model.state_dict().items()
    )
    torch.testing.assert_close(part_iou(model, x, masks, "0")["0"], scores["0"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"masks": torch.zeros(2, 8, 6, dtype=torch.long)}, InputError, "a mask of its size"),
        ({"masks": torch.zeros(1, 6, 8, dtype=torch.long)}, InputError, "a mask of its size"),
        ({"x": torch.zeros(3, 6, 8)}, InputError, "a mask of its size"),
        ({"x": torch.zeros(0, 3, 6, 8), "masks": torch.zeros(0, 6, 8)}, InputError, "a mask of its size"),
        ({"share": 0}, InputError, "share is between 0 and 1, not 0"),
        ({"share": 1.0}, InputError, "share is between 0 and 1, not 1.0"),
        ({"step": 0}, InputError, "step is a whole number of at least 1, not 0"),
        ({"step": 2.5}, InputError, "step is a whole number of at least 1, not 2.5"),
        ({"n_parts": 0}, InputError, "n_parts is a whole number of at least 1, not 0"),
        ({"n_parts": 1.5}, InputError, "n_parts is a whole number of at least 1, not 1.5"),
        ({"x": np.zeros((2, 3, 6, 8))}, InputError, "images come as a torch.Tensor .* not a ndarray"),
        ({"masks": None}, InputError, "masks come as a tensor of int .* not as a NoneType"),
        ({"masks": torch.rand(2, 6, 8)}, InputError, "whole numbers of parts, not torch.float32; try"),
        ({"masks": torch.full((2, 6, 8), 3), "n_parts": 3}, InputError, "the parts 0 to 2, not 3 to 3"),
        ({"masks": torch.full((2, 6, 8), -1)}, InputError, "not -1 to -1"),
        ({"layers": "convx"}, LayerError, "conv"),
        ({"layers": "fc"}, LayerError, "'fc' has no maps"),
    ],
)
def test_errors_name_the_mend(change, error, message):
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 2, 3), nn.Linear(2, 4)

        def forward(self, x):
            return self.fc(self.conv(x).mean((2, 3)))

    given = {"x": torch.zeros(2, 3, 6, 8), "masks": torch.zeros(2, 6, 8, dtype=torch.long), "layers": "conv"}
    given |= change
    with pytest.raises(error, match=message):
        part_iou(Small(), given.pop("x"), given.pop("masks"), given.pop("layers"), **given)
