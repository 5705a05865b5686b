"""The patch alone makes the unit fire as much as the whole image does; what is around it does not matter.

The oracle is the network itself, run on images in which only the patch, or all but the patch, is left.
"""

from contextlib import suppress

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnwidgets.core import max_activating_patches

CHANNELS = 4
LAYER = "layer"


class Does(nn.Module):
    """A step of a network, from a function."""

    def __init__(self, function, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


class OneColumn(nn.Module):
    """All columns as one."""

    def forward(self, x):
        return x.mean(3, keepdim=True)


def network(*steps: nn.Module) -> nn.Module:
    net = nn.Sequential()
    net.add_module("stem", nn.Sequential(*steps))
    net.add_module(LAYER, nn.Identity())
    return net.double().eval()


# ----------------------------------------------------------------------------------------- random networks

pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
odd = st.sampled_from([1, 3, 5])


@st.composite
def windows(draw):
    """A convolution, plain, dilated or depthwise, or a pooling."""
    kernel, stride = draw(pairs), draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    kind = draw(st.sampled_from(["conv", "conv", "depthwise", "max", "avg"]))
    dilation = (1, 1) if kind == "avg" else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    limit = [k // 2 for k in kernel] if kind in ("max", "avg") else reach
    padding = tuple(draw(st.integers(0, most)) for most in limit)
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=draw(st.booleans()))
    if kind == "avg":
        return nn.AvgPool2d(kernel, stride, padding, ceil_mode=draw(st.booleans()))
    groups = CHANNELS if kind == "depthwise" else 1
    return nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation, groups=groups)


@st.composite
def branches(draw):
    """Two branches that end in maps of one size, added or side by side."""
    stride, dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def same(stride=stride):
        kernel = draw(st.tuples(odd, odd))
        padding = tuple(dilation * (k // 2) for k in kernel)
        return nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation)

    one, other = same(), nn.Sequential(same(), nn.ReLU(inplace=True), same(1))
    if stride == 1 and draw(st.booleans()):
        other = nn.Identity()
    if draw(st.booleans()):
        return Does(lambda x, a, b: a(x).add_(b(x)), one, other)
    joined = Does(lambda x, a, b: torch.cat([a(x), b(x)], 1), one, other)
    return nn.Sequential(joined, nn.Conv2d(2 * CHANNELS, CHANNELS, 1))


@st.composite
def pointwise(draw):
    a, b, c, d = (draw(st.integers(0, 2)) for _ in range(4))
    return draw(
        st.sampled_from(
            [
                nn.ReLU(inplace=True),
                nn.BatchNorm2d(CHANNELS),
                nn.Sequential(nn.BatchNorm2d(CHANNELS), nn.SiLU(inplace=True), nn.Dropout()),
                nn.LocalResponseNorm(3),
                nn.Softmax(1),
                Does(lambda x: x[:, :, a : x.shape[2] - b, c : x.shape[3] - d]),
                Does(lambda x: nn.functional.pad(x, (a, b, c, d))),
                nn.AdaptiveAvgPool2d(1),
                OneColumn(),
            ]
        )
    )


@settings(max_examples=150)
@given(
    first=windows() | branches(),
    rest=st.lists(windows() | branches() | pointwise(), max_size=4),
    size=st.tuples(st.integers(6, 15), st.integers(6, 15)),
    seed=st.integers(0, 100),
)
def test_random_networks(first, rest, size, seed):
    """Strides, padding, dilation, branches, pooling, at the rim and inside."""
    net = network(first, *rest)
    torch.manual_seed(seed)
    for part in net.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.bias), nn.init.uniform_(part.running_mean)
    assume(has_output(net, size))
    x = torch.randn(5, CHANNELS, *size, dtype=torch.float64)
    # Rows and columns are traced apart: where one branch sees nothing but padding, its rows still count. And
    # after a pooling of all places, all units count as seeing all, those in the padding around it as well.
    has_branches = any(isinstance(part, Does) and len(part.parts) > 1 for part in net.modules())
    pools_all = any(isinstance(step, (OneColumn, nn.AdaptiveAvgPool2d)) for step in rest[:-1])
    is_tight = not has_branches and not pools_all
    check(net, x, LAYER, is_tight=is_tight)


def has_output(net: nn.Module, size: tuple[int, int]) -> bool:
    """Whether there are maps, and anything of the image reaches them.

    A pooling may be left with nothing but padding, which is minus infinity.
    """
    images = torch.zeros(2, CHANNELS, *size, dtype=torch.float64)
    images[1] = float("nan")
    try:
        of_zeros, of_nan = net(images)
    except RuntimeError:  # a window larger than what is left of the image
        return False
    return bool(of_zeros.isfinite().all() and of_nan.isnan().any())


def check(
    net: nn.Module,
    x: Tensor,
    layer: str,
    n_channels: int | None = None,
    k: int = 3,
    is_tight: bool = True,
) -> int:
    """Every patch of all channels, or of so many that fire here and there; gives how many are complete.

    ``is_tight``: each border of what is seen really reaches the unit.
    """
    patches = max_activating_patches(net, x, layer, k=k)
    assert patches.layer(layer).receptive_field is not None
    units = [
        unit for unit in patches if n_channels is None or (unit.n_firing and unit.strongest[0].tied == 1)
    ]
    found = [
        (unit.channel, patch) for unit in units[:n_channels] for patch in {*unit.strongest, *unit.weakest}
    ]
    assert found

    alone, around, nans = [], [], []
    for _, patch in found:
        image, (top, left, bottom, right) = x[patch.image], patch.seen
        inside = torch.zeros(x.shape[2:], dtype=torch.bool)
        inside[top:bottom, left:right] = True
        alone.append(torch.where(inside, image, 0))
        around.append(torch.where(inside, image, 100 * torch.randn_like(image)))
        if is_tight and bottom > top and right > left:
            for line in (
                (slice(top, top + 1), slice(left, right)),
                (slice(bottom - 1, bottom), slice(left, right)),
                (slice(top, bottom), slice(left, left + 1)),
                (slice(top, bottom), slice(right - 1, right)),
            ):
                touched = image.clone()
                touched[:, line[0], line[1]] = float("nan")
                nans.append(touched)
        # pixels as the patch gives them, put back in their place
        pixels, is_pixel = patches[layer, 0].pixels(patch)
        size = patch.box[2] - patch.box[0], patch.box[3] - patch.box[1]
        assert tuple(pixels.shape[1:]) == tuple(is_pixel.shape) == size
        assert is_pixel.sum() == (bottom - top) * (right - left)
        assert torch.equal(pixels[:, is_pixel], image[:, inside]) and not pixels[:, ~is_pixel].any()
        assert patch.is_complete == bool(is_pixel.all())

    outputs = {
        name: values(net, torch.stack(images), layer) if images else None
        for name, images in (("alone", alone), ("around", around), ("nan", nans))
    }
    reached = iter(outputs["nan"] if nans else [])
    for i, (channel, patch) in enumerate(found):
        row, col = patch.position
        scale = max(1.0, abs(patch.value))
        assert abs(outputs["alone"][i, channel, row, col] - patch.value) <= 1e-5 * scale
        assert abs(outputs["around"][i, channel, row, col] - patch.value) <= 1e-5 * scale
        if is_tight and patch.seen[2] > patch.seen[0] and patch.seen[3] > patch.seen[1]:
            for _ in range(4):
                # by the unit, or by another one of the same place: parallel branches see less than their hull
                assert next(reached)[:, row, col].isnan().any(), "each border of what is seen is seen"
    return sum(patch.is_complete for _, patch in found)


class Enough(BaseException):
    """What comes after the layer is of no interest."""


def values(net: nn.Module, x: Tensor, layer: str) -> Tensor:
    """Maps (N, C, h, w) of a layer, by a plain hook."""
    found = []

    def note(part, inputs, output):
        found.append(output.clone())
        raise Enough

    handle = net.get_submodule(layer).register_forward_hook(note)
    with torch.no_grad(), suppress(Enough):
        net(x)
    handle.remove()
    return found[0] if found[0].ndim == 4 else found[0][:, :, None, None]


# --------------------------------------------------------------------------------------------- real networks

REAL = {
    "alexnet": ((96, 71), ["features.0", "features.3", "features.8", "features.12", "classifier.1"]),
    "resnet18": ((120, 88), ["conv1", "layer1.0.conv1", "layer2.0", "layer3.1", "layer4.1"]),
    "densenet121": (
        (64, 80),
        ["features.conv0", "features.denseblock1.denselayer3", "features.denseblock2.denselayer2.conv2"],
    ),
    "googlenet": ((96, 80), ["conv1.conv", "conv3", "inception3a", "inception4b.branch3.1", "inception5b"]),
    "mobilenet_v2": ((80, 96), ["features.0", "features.3", "features.7.conv.1", "features.18"]),
    "mobilenet_v3_large": ((80, 96), ["features.1", "features.3"]),  # what follows sees the whole image
}


@pytest.mark.parametrize("name", REAL)
def test_real_networks(architecture, name):
    (height, width), layers = REAL[name]
    net = alive(architecture(name)).double().eval()
    x = torch.randn(4, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    complete = [check(net, x, layer, n_channels=2, k=2) for layer in layers]
    assert any(complete)


def alive(net: nn.Module) -> nn.Module:
    """Weights of a size at which signals neither fade nor grow on their way (He et al., 2015)."""
    for part in net.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            part.weight.data *= (2 / part.weight[0].numel()) ** 0.5 / part.weight.std()
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
    return net


def test_at_the_rim_and_inside():
    """By hand: 5 x 7 pixels, a 3 x 3 window with padding 1 and stride 2 (rows) and 3 (columns)."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3, (2, 3), 1, bias=False))
    nn.init.ones_(net[0].weight)
    x = torch.zeros(3, 1, 5, 7)
    x[0, 0, 0, 0], x[1, 0, 2, 3], x[2, 0, 4, 6] = 3, 2, 1
    corner, inside, other = max_activating_patches(net, x, "0")["0", 0].strongest
    assert (corner.position, corner.box, corner.seen) == ((0, 0), (-1, -1, 2, 2), (0, 0, 2, 2))
    assert (inside.position, inside.box, inside.seen) == ((1, 1), (1, 2, 4, 5), (1, 2, 4, 5))
    assert (other.position, other.box, other.seen) == ((2, 2), (3, 5, 6, 8), (3, 5, 5, 7))
    assert [patch.is_complete for patch in (corner, inside, other)] == [False, True, False]


def test_clipped_at_every_layer():
    """A unit whose box lies inside the image, though padding reaches it: the pooling before it dropped the
    last row, and padded."""
    net = nn.Sequential(nn.MaxPool2d((2, 1)), nn.Conv2d(1, 1, (3, 1), padding=(1, 0), bias=False))
    nn.init.ones_(net[1].weight)
    x = torch.zeros(1, 1, 7, 2)
    x[0, 0, 5, 1] = 1
    x[0, 0, 3, 1] = 1
    (patch,) = max_activating_patches(net, x, "1")["1", 0].strongest
    assert (patch.position, patch.value, patch.tied) == ((1, 1), 2, 2)
    (last,) = max_activating_patches(net, torch.arange(14.0).reshape(1, 1, 7, 2), "1", k=1)["1", 0].strongest
    assert (last.position, last.box, last.seen) == ((1, 1), (0, 1, 6, 2), (0, 1, 6, 2))
    x[0, 0, 3, 1] = 0
    x[0, 0, 4, 1] = 9
    x[0, 0, 1, 1] = -99
    (rim,) = max_activating_patches(net, x - 5 * (x == 0), "1", k=1)["1", 0].strongest
    assert (rim.position, rim.box, rim.seen) == ((2, 1), (2, 1, 8, 2), (2, 1, 6, 2))


def test_a_field_that_is_not_known_is_the_whole_image():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Upsample(size=(11, 5)), nn.Identity())
    patches = max_activating_patches(net, torch.randn(3, 3, 8, 12), ["0", "2"])
    assert patches.layer("2").receptive_field is None
    assert all(patch.box == patch.seen == (0, 0, 8, 12) for patch in patches["2", 1].strongest)
    assert all(patch.box != (0, 0, 8, 12) for patch in patches["0", 1].strongest)
