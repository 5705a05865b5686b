"""Class activation maps: definitions by hand, and where CAM and Grad-CAM meet."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import (
    LayerError,
    NetworkError,
    cam,
    combine_grad_cam,
    combine_grad_cam_plus_plus,
    combine_hires_cam,
    combine_layer_cam,
    grad_cam,
    grad_cam_plus_plus,
    guided_backprop,
    guided_grad_cam,
    hires_cam,
    layer_cam,
    upsample,
)

# ---------------------------------------------------------------------------------------------------- by hand

MAPS = torch.tensor([[[[1.0, 2, 0], [0, -1, 3]], [[0.0, 1, 1], [2, 0, 0]]]])  # (1, 2, 2, 3)
SLOPES = torch.tensor([[[[1.0, 0, -1], [2, 0, 4]], [[-3.0, 0, 0], [-3, 6, -6]]]])


def test_grad_cam():
    """The mean slopes are 1 and -1."""
    wanted = [[1, 1, -1], [-2, -1, 3]]
    assert combine_grad_cam(MAPS, SLOPES, relu=False).tolist() == [wanted]
    assert combine_grad_cam(MAPS, SLOPES).tolist() == [[[1, 1, 0], [0, 0, 3]]]


def test_hires_cam_and_layer_cam():
    assert combine_hires_cam(MAPS, SLOPES).tolist() == [[[1, 0, 0], [-6, 0, 12]]]
    assert combine_hires_cam(MAPS, SLOPES, relu=True).tolist() == [[[1, 0, 0], [0, 0, 12]]]
    assert combine_layer_cam(MAPS, SLOPES).tolist() == [[[1, 0, 0], [0, 0, 12]]]
    assert (combine_layer_cam(-MAPS, SLOPES) == 0).all()


def test_layer_cam_drops_negative_slopes_before_the_sum():
    """One map says 2 with slope 1, another says 1 with slope -5: LayerCAM 2, HiResCAM -3."""
    maps, slopes = torch.tensor([[[[2.0]], [[1.0]]]]), torch.tensor([[[[1.0]], [[-5.0]]]])
    assert combine_layer_cam(maps, slopes).item() == 2
    assert combine_hires_cam(maps, slopes).item() == -3


def test_grad_cam_plus_plus():
    """Equation 19, number by number: the first map sums to 5, the second to 4.

    Positive slopes only: 1, 2 and 4 have 1/(2+5) = 1/7, 4/(8+40) = 1/12 and 16/(32+320) = 1/22; the weight
    is 1/7 + 2/12 + 4/22. The 6 of the second has 36/(72+864) = 1/26, which weighs 6/26.
    """
    first, second = 1 / 7 + 2 / 12 + 4 / 22, 6 / 26
    wanted = (first * MAPS[0, 0] + second * MAPS[0, 1]).clamp(min=0)
    torch.testing.assert_close(combine_grad_cam_plus_plus(MAPS, SLOPES), wanted[None])


def test_grad_cam_plus_plus_where_the_denominator_is_zero():
    """2 g^2 + sum(A) g^3 with sum(A) = -1 and g = 2, and wherever g = 0."""
    maps = torch.tensor([[[[-2.0, 1.0]], [[3.0, 1.0]]]])
    slopes = torch.tensor([[[[2.0, 0.0]], [[1.0, 0.0]]]])
    wanted = [[3 / 6, 1 / 6]]  # the second map alone: alpha = 1 / (2 + 4)
    torch.testing.assert_close(combine_grad_cam_plus_plus(maps, slopes), torch.tensor([wanted]))


@pytest.mark.parametrize(
    "combine", [combine_grad_cam, combine_grad_cam_plus_plus, combine_layer_cam, combine_hires_cam]
)
def test_several_targets_share_the_maps(combine):
    torch.manual_seed(0)
    maps, slopes = torch.rand(3, 4, 2, 5), torch.randn(3, 2, 4, 2, 5)
    both = combine(maps, slopes)
    assert both.shape == (3, 2, 2, 5)
    for t in range(2):
        torch.testing.assert_close(both[:, t], combine(maps, slopes[:, t]))


# ------------------------------------------------------------------------------------------------- upsampling


def test_cells_share_the_picture_evenly():
    """Centres of two cells over four pixels lie at 0.5 and 2.5: between them, 1/4 and 3/4."""
    assert upsample(torch.tensor([[[0.0, 4.0]]]), (1, 4)).tolist() == [[[0, 1, 3, 4]]]
    tall = upsample(torch.tensor([[[0.0], [8.0]]]), (4, 1))
    assert tall.flatten().tolist() == [0, 2, 6, 8]
    # a third of a cell from pixel to pixel; with corners aligned it would be 0, 1.2, 2.4, ...
    six = upsample(torch.tensor([[[0.0, 6.0]]]), (1, 6)).flatten()
    torch.testing.assert_close(six, torch.tensor([0.0, 0, 2, 4, 6, 6]))


def test_upsampling_is_by_rows_and_columns():
    """A map of 2 x 3 on 4 x 9 pixels, by weights written out."""

    def weights(cells, pixels):
        table = torch.zeros(pixels, cells)
        for pixel in range(pixels):
            at = min(max((pixel + 0.5) * cells / pixels - 0.5, 0), cells - 1)
            low = min(int(at), cells - 1)
            table[pixel, low] += 1 - (at - low)
            if low + 1 < cells:
                table[pixel, low + 1] += at - low
        return table

    maps = torch.randn(5, 2, 2, 3)
    found = upsample(maps, (4, 9))
    wanted = weights(2, 4) @ maps @ weights(3, 9).T
    torch.testing.assert_close(found, wanted)
    assert upsample(maps[:, 0], (4, 9)).shape == (5, 4, 9)


# ------------------------------------------------------------------------------------------- CAM and Grad-CAM


class Pooled(nn.Module):
    """Convolutions, global average pooling in one of the ways people write it, one linear layer."""

    POOLINGS = {
        "module": lambda x: nn.AdaptiveAvgPool2d(1)(x).flatten(1),
        "module of two": lambda x: nn.AdaptiveAvgPool2d((1, 1))(x).squeeze(-1).squeeze(-1),
        "function": lambda x: torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1),
        "window": lambda x: F.avg_pool2d(x, tuple(x.shape[2:])).view(x.size(0), -1),
        "mean": lambda x: x.mean([2, 3]),
        "mean of the last": lambda x: torch.mean(x, (-1, -2)),
        "flat": lambda x: x.flatten(2).mean(2),
        "row by row": lambda x: x.view(x.size(0), x.size(1), -1).mean(-1),
    }

    def __init__(self, pooling: str, bias: bool = True, inplace: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, stride=2)
        self.conv2 = nn.Conv2d(6, 8, 3, padding=1)
        self.relu = nn.ReLU(inplace)
        self.drop = nn.Dropout()
        self.fc = nn.Linear(8, 5, bias=bias)
        self.pooling = pooling

    def forward(self, x):
        x = self.relu(self.conv2(self.relu(self.conv1(x))))
        return self.fc(self.drop(self.POOLINGS[self.pooling](x)))


def cam_by_hand(net, x, targets):
    with torch.no_grad():
        maps = F.relu(net.conv2(F.relu(net.conv1(x))))
        return torch.stack(
            [
                sum(weight * one for weight, one in zip(net.fc.weight[target], each, strict=True))
                for target, each in zip(targets, maps, strict=True)
            ]
        )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("pooling", Pooled.POOLINGS)
def test_cam_is_the_weighted_sum_of_the_last_maps(pooling, bias, lively, x, close):
    torch.manual_seed(0)
    net = lively(Pooled(pooling, bias).double(), x)
    close(cam(net, x, [4, 0, 2]), cam_by_hand(net, x, [4, 0, 2]))
    assert (cam(net, x, [4, 0, 2]) < 0).any()


def test_the_mean_of_cam_is_the_score_less_the_bias(lively, x):
    net = lively(Pooled("mean").double(), x)
    with torch.no_grad():
        scores = net(x)
    torch.testing.assert_close(cam(net, x, 3).mean((1, 2)), scores[:, 3] - net.fc.bias[3].item())


@pytest.mark.parametrize("layer", ["relu#2"])
def test_grad_cam_before_its_relu_times_the_area_is_cam(layer, lively, x, close):
    net = lively(Pooled("module").double(), x)
    found = grad_cam(net, x, [4, 0, 2], layer, relu=False)
    close(found * found.shape[1] * found.shape[2], cam(net, x, [4, 0, 2]))
    close(grad_cam(net, x, [4, 0, 2], layer), found.clamp(min=0))
    assert (found < 0).any()


def test_there_hires_cam_is_grad_cam(lively, x, close):
    net = lively(Pooled("mean").double(), x)
    close(hires_cam(net, x, 1, "relu#2"), grad_cam(net, x, 1, "relu#2", relu=False))


def test_hires_cam_sums_to_the_score_of_a_linear_head(lively, x):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(192, 6), nn.Linear(6, 5, bias=False)
    )
    net = lively(net.double(), x)
    net[3].bias.data.zero_()
    with torch.no_grad():
        scores = net(x)
    torch.testing.assert_close(hires_cam(net, x, 2, "1").sum((1, 2)), scores[:, 2])


def test_maps_that_are_written_over_after_the_pooling(x, close):
    class Careless(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x):
            x = F.relu(self.conv(x))
            means = x.mean((2, 3))
            x.zero_()
            return self.fc(means)

    net = Careless().double()
    with torch.no_grad():
        wanted = torch.einsum("k,nkhw->nhw", net.fc.weight[1], F.relu(net.conv(x)))
    close(cam(net, x, 1), wanted)


class Heads(nn.Module):
    """Networks that are no such thing as CAM needs, though they pool or end in a linear layer."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv2d(3, 8, 3)
        self.scale = nn.Linear(8, 8)
        self.hidden = nn.Linear(8, 8)
        self.fc = nn.Linear(8 if kind != "spatial" else 8 * 4, 5)
        self.conv_head = nn.Conv2d(8, 5, 1)

    def forward(self, x):
        x = F.relu(self.conv(x))
        if self.kind == "spatial":
            return self.fc(F.adaptive_avg_pool2d(x, 2).flatten(1))
        if self.kind == "maximum":
            return self.fc(x.amax((2, 3)))
        if self.kind == "two linear":
            return self.fc(F.relu(self.hidden(x.mean((2, 3)))))
        if self.kind == "not linear":
            return self.fc(torch.tanh(x.mean((2, 3))))
        if self.kind == "softmax":
            return self.fc(x.mean((2, 3))).softmax(1)
        if self.kind == "convolution":
            return F.relu(self.conv_head(x)).mean((2, 3))
        # squeeze and excitation: a pooling and a linear layer in the middle, none at the end
        x = x * self.scale(x.mean((2, 3)))[:, :, None, None]
        return self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))


@pytest.mark.parametrize(
    "kind",
    ["spatial", "maximum", "two linear", "not linear", "softmax", "convolution", "squeeze"],
)
def test_cam_says_what_it_needs(kind, x):
    with pytest.raises(NetworkError, match="(?i)average pooling"):
        cam(Heads(kind).double(), x, 0)


def test_pooling_in_the_middle_confuses_nobody(x, close):
    class Squeeze(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)
            self.scale = nn.Linear(8, 8)
            self.fc = nn.Linear(8, 5)

        def last_maps(self, x):
            x = F.relu(self.conv(x))
            return x * self.scale(x.mean((2, 3)))[:, :, None, None].sigmoid()

        def forward(self, x):
            return self.fc(F.adaptive_avg_pool2d(self.last_maps(x), 1).flatten(1))

    net = Squeeze().double()
    with torch.no_grad():
        wanted = torch.einsum("k,nkhw->nhw", net.fc.weight[3], net.last_maps(x))
    close(cam(net, x, 3), wanted)


# ------------------------------------------------------------------------------------ layers, several targets

METHODS = [grad_cam, grad_cam_plus_plus, layer_cam, hires_cam]


def by_formula(net, x, targets, layer):
    """The activation and the gradient, by a hook and autograd."""
    seen = []
    handle = net.get_submodule(layer).register_forward_hook(lambda part, inputs, output: seen.append(output))
    with torch.enable_grad():
        scores = net(x.clone().requires_grad_())
        handle.remove()
        back = torch.autograd.grad(scores[range(len(x)), targets].sum(), seen[0])[0]
    maps = seen[0].detach()
    alpha = back**2 / (2 * back**2 + maps.sum((2, 3), keepdim=True) * back**3)
    weights = (alpha.nan_to_num(0, 0, 0) * back.clamp(min=0)).sum((2, 3), keepdim=True)
    return {
        grad_cam: (back.mean((2, 3), keepdim=True) * maps).sum(1).clamp(min=0),
        grad_cam_plus_plus: (weights * maps).sum(1).clamp(min=0),
        layer_cam: (back.clamp(min=0) * maps).sum(1).clamp(min=0),
        hires_cam: (back * maps).sum(1),
    }


@pytest.mark.parametrize("layer", ["conv1", "bn", "relu1", "pool", "conv2", "relu2", "conv3", "relu3"])
@pytest.mark.parametrize("method", METHODS)
def test_every_layer_by_the_formula(method, layer, net, x, close):
    targets = [int(scores.argmin()) for scores in net(x)]
    wanted = by_formula(net, x, targets, layer)[method]
    if wanted.abs().max() == 0:
        assert (method(net, x, targets, layer) == 0).all()
    else:
        close(method(net, x, targets, layer), wanted)
    with_targets = method(net, x, [[each, 1, each] for each in targets], layer)
    assert with_targets.shape == (3, 3, *wanted.shape[1:])
    torch.testing.assert_close(with_targets[:, 2], method(net, x, targets, layer))
    torch.testing.assert_close(with_targets[:, 1], method(net, x, 1, layer))


def test_a_relu_of_the_network_in_place_does_not_write_into_the_maps(lively, x, close):
    torch.manual_seed(0)
    careful = lively(Pooled("mean", inplace=False).double(), x)
    careless = Pooled("mean", inplace=True).double()
    careless.load_state_dict(careful.state_dict())
    for layer in ("conv1", "relu", "conv2", "relu#2"):
        for method in METHODS:
            close(method(careless, x, 3, layer), method(careful, x, 3, layer))
    before, after = hires_cam(careless, x, 3, "conv2"), hires_cam(careless, x, 3, "relu#2")
    close(before, after)  # where the ReLU is shut, no gradient comes back
    assert not torch.allclose(grad_cam(careless, x, 3, "conv2"), grad_cam(careless, x, 3, "relu#2"))


def test_without_positive_evidence_the_map_is_zero(x):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    ).double()
    net[4].weight.data = -net[4].weight.data.abs()
    for method in (grad_cam, grad_cam_plus_plus, layer_cam):
        assert (method(net, x, 0, "1") == 0).all()
    assert grad_cam(net, x, 0, "1", relu=False).max() <= 0
    assert hires_cam(net, x, 0, "1").min() < 0
    assert (guided_grad_cam(net, x, 0, "1") == 0).all()


@pytest.mark.parametrize("layer", ["conv2", "relu3"])
def test_guided_grad_cam_is_a_product(layer, net, x, close):
    targets = [1, 5, 0]
    where = upsample(grad_cam(net, x, targets, layer), tuple(x.shape[2:]))
    close(guided_grad_cam(net, x, targets, layer), guided_backprop(net, x, targets) * where[:, None])
    several = guided_grad_cam(net, x, [[1, 2], [5, 2], [0, 2]], layer)
    assert several.shape == (3, 2, *x.shape[1:])
    close(several[:, 0], guided_grad_cam(net, x, targets, layer))


@pytest.mark.parametrize("method", [*METHODS, guided_grad_cam])
def test_layers_that_are_no_maps(method, net, x):
    with pytest.raises(LayerError, match="conv3"):
        method(net, x, 0, "conv33")
    with pytest.raises(LayerError, match="map"):
        method(net, x, 0, "fc")
    with pytest.raises(LayerError, match="map"):
        method(net, x, 0, "drop")
