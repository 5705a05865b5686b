"""Networks drawn at random: whatever the windows, branches and borders, the incremental way gives what plain
forward passes give. In double precision, so that a unit left out is not taken for rounding."""

import operator

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnwidgets.core import occlusion

CHANNELS = 4


class Does(nn.Module):
    """A step of a network, from a function."""

    def __init__(self, function, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


class Net(nn.Module):
    """Steps, then scores of five classes, perhaps in a dict."""

    def __init__(self, steps: list[nn.Module], end: str) -> None:
        super().__init__()
        self.steps, self.end = nn.Sequential(*steps), end
        self.fc = nn.LazyLinear(5)

    def forward(self, x):
        x = self.steps(x)
        if self.end == "view":
            x = x.view(x.size(0), -1)
        elif self.end == "flatten":
            x = torch.flatten(x, 1)
        elif self.end == "reshape":
            x = x.reshape(x.shape[0], -1)
        elif self.end == "mean":
            x = x.mean((2, 3))
        elif self.end == "mean of means":
            x = x.mean(-1).mean(dim=2)
        elif self.end == "pool":
            x = F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1)
        elif self.end == "whole window":
            x = F.avg_pool2d(x, x.size()[2:]).flatten(1)
        elif self.end == "grid":
            x = F.adaptive_avg_pool2d(x, (3, 2)).flatten(start_dim=1)
        elif self.end == "maximum":
            x = F.adaptive_max_pool2d(x, (1, 1)).view(x.shape[0], x.shape[1])
        scores = self.fc(x)
        return {"logits": scores, "features": x} if self.end == "flatten" else scores


ENDS = ["view", "flatten", "reshape", "mean", "mean of means", "pool", "whole window", "grid", "maximum"]

pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
odd = st.sampled_from([1, 3, 5])


@st.composite
def convolutions(draw):
    kernel, stride = draw(pairs), draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    # also more padding than the window is wide: whole windows lie outside
    padding = tuple(draw(st.integers(0, (k - 1) * d + 1)) for k, d in zip(kernel, dilation, strict=True))
    mode = draw(st.sampled_from(["zeros"] * 6 + ["reflect", "replicate", "circular"]))
    if mode != "zeros":
        padding = tuple(min(p, 2) for p in padding)
    groups = draw(st.sampled_from([1, 1, 2, CHANNELS]))
    options = {"groups": groups, "padding_mode": mode, "bias": draw(st.booleans())}
    if stride == (1, 1) and draw(st.booleans()):
        padding = draw(st.sampled_from(["same", "valid"]))
    return nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation, **options)


@st.composite
def functional_convolutions(draw):
    kernel, groups = draw(pairs), draw(st.sampled_from([1, CHANNELS]))
    part = nn.Conv2d(CHANNELS, CHANNELS, kernel, groups=groups)
    stride, padding = draw(st.integers(1, 2)), draw(st.integers(0, 2))
    if draw(st.booleans()):
        return Does(lambda x, c: F.conv2d(x, c.weight, c.bias, stride, padding, 1, groups), part)
    return Does(lambda x, c: F.conv2d(x, c.weight, padding=padding, groups=groups), part)


@st.composite
def poolings(draw):
    kernel, ceil_mode = draw(pairs), draw(st.booleans())
    stride = draw(st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
        if draw(st.booleans()):
            return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
        return Does(lambda x: F.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode))
    options = {
        "ceil_mode": ceil_mode,
        "count_include_pad": draw(st.booleans()),
        "divisor_override": draw(st.sampled_from([None, None, 3])),
    }
    if draw(st.booleans()):
        return nn.AvgPool2d(kernel, stride, padding, **options)
    return Does(lambda x: F.avg_pool2d(x, kernel, stride, padding, **options))


def windows():
    return convolutions() | convolutions() | functional_convolutions() | poolings()


@st.composite
def branches(draw):
    """Two ways to maps of one size, added or side by side."""
    stride, dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def same(stride=stride):
        kernel = draw(st.tuples(odd, odd))
        padding = tuple(dilation * (k // 2) for k in kernel)
        return nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation)

    one, other = same(), nn.Sequential(same(), nn.ReLU(inplace=True), same(1))
    if stride == 1 and draw(st.booleans()):
        other = nn.Identity()
    join = draw(st.sampled_from(["+", "add_", "+=", "torch.add", "*", "cat", "squeeze", "twice"]))
    if join == "cat":
        joined = Does(lambda x, a, b: torch.cat([a(x), b(x)], 1), one, other)
        return nn.Sequential(joined, nn.Conv2d(2 * CHANNELS, CHANNELS, 1))
    if join == "squeeze":  # squeeze and excitation: every unit sees the whole image
        gate = nn.Conv2d(CHANNELS, CHANNELS, 1)
        return Does(lambda x, a, g: a(x) * torch.sigmoid(g(F.adaptive_avg_pool2d(x, 1))), one, gate)

    if join == "twice":  # the ReLU must not write over what is needed again
        return Does(lambda x, a: (lambda y: F.relu(y) - 0.5 * y)(a(x)), one)

    def added(x, a, b):
        left, right = a(x), b(x)
        if join == "+=":
            left += right
            return left
        if join == "add_":
            return left.add_(right)
        return {"+": operator.add, "torch.add": torch.add, "*": operator.mul}[join](left, right)

    return Does(added, one, other)


@st.composite
def pointwise(draw):
    a, b, c, d = (draw(st.integers(0, 2)) for _ in range(4))
    return draw(
        st.sampled_from(
            [
                nn.ReLU(inplace=True),
                nn.ReLU6(),
                nn.Hardswish(inplace=True),
                nn.PReLU(CHANNELS),
                nn.BatchNorm2d(CHANNELS),
                nn.BatchNorm2d(CHANNELS, affine=False),
                nn.Sequential(nn.BatchNorm2d(CHANNELS), nn.SiLU(inplace=True), nn.Dropout()),
                nn.GroupNorm(2, CHANNELS),
                nn.InstanceNorm2d(CHANNELS, affine=True),
                nn.LocalResponseNorm(3),
                nn.Softmax(1),
                nn.Upsample(scale_factor=2),
                nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.ConvTranspose2d(CHANNELS, CHANNELS, 3, 2, 1),
                nn.ChannelShuffle(2),
                nn.ZeroPad2d((a, b, c, d)),
                nn.ReflectionPad2d((1, 0, 0, 1)),
                Does(F.relu),
                Does(lambda x: F.relu(x, inplace=True)),
                Does(lambda x: F.dropout(x, 0.5, training=False).relu_()),
                Does(lambda x: torch.relu(x) - 0.5 * x),
                Does(lambda x: 1 - x / 2 + a),
                Does(lambda x: x.clamp(-1, 1)),
                Does(lambda x: torch.sigmoid(x) * x),
                Does(lambda x: x[:, :, a : x.shape[2] - b, c : x.shape[3] - d]),
                Does(lambda x: F.pad(x, (a, b, c, d))),
                Does(lambda x: F.pad(x, (a, b, c, d), value=1.5)),
                Does(lambda x: x.flip(3)),
                Does(lambda x: x.transpose(2, 3)),
                Does(lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2).contiguous()),
                Does(lambda x: torch.cat(torch.chunk(x, 2, 1)[::-1], 1)),
                Does(lambda x: torch.cat([x[:, 1:], x[:, :1]], dim=1)),
                Does(lambda x: x - x.mean(1, keepdim=True)),
                Does(lambda x: x - x.mean((2, 3), keepdim=True)),
                Does(lambda x: x * (x.amax((2, 3), keepdim=True) - x.amin((2, 3), keepdim=True))),
                nn.AdaptiveAvgPool2d((None, 3)),
                nn.AdaptiveMaxPool2d((4, 3)),
            ]
        )
    )


@settings(max_examples=150)
@given(
    first=windows() | branches(),
    rest=st.lists(windows() | branches() | pointwise() | pointwise(), max_size=5),
    end=st.sampled_from(ENDS),
    image=st.tuples(st.integers(6, 17), st.integers(6, 17)),
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)) | st.tuples(st.integers(1, 24), st.integers(1, 24)),
    stride=st.tuples(st.integers(2, 7), st.integers(2, 7)),
    n=st.integers(1, 2),
    seed=st.integers(0, 100),
)
def test_random_networks(reference, first, rest, end, image, size, stride, n, seed):
    torch.manual_seed(seed)
    net = Net([first, *rest], end).double().eval()
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, std=(2 / part.weight[0].numel()) ** 0.5)
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean), nn.init.uniform_(part.running_var, 0.5, 2)
    x = torch.randn(n, CHANNELS, *image, dtype=torch.float64)
    try:
        with torch.no_grad():
            net(x)
    except (RuntimeError, ValueError):  # a window larger than what is left of the image
        assume(False)
    nn.init.normal_(net.fc.weight, std=1)
    truth = reference(net, x, size, stride, 0.7)
    assume(truth.scores.isfinite().all())  # a pooling of nothing but padding is minus infinity
    target = truth.scores[0].var((0, 1), correction=0).argmax().item()
    found = occlusion(net, x, target, size, stride, 0.7, engine="incremental")  # or it raises
    largest = truth.scores.abs().max().clamp_min(1)
    wanted = truth.of(truth.scores, target)
    assert found.score.shape == wanted.shape
    assert (found.score - wanted).abs().max() <= 1e-10 * largest
    assert (found.probability - truth.of(truth.probability, target)).abs().max() <= 1e-9


CHAINS = {
    "even windows": [nn.Conv2d(4, 4, 2, 2), nn.MaxPool2d(2), nn.Conv2d(4, 4, 4, padding=2)],
    "strides that jump over pixels": [nn.Conv2d(4, 4, 1, 3), nn.Conv2d(4, 4, (1, 2), (1, 2))],
    "a pooling that jumps": [nn.MaxPool2d(1, 2), nn.Conv2d(4, 4, 3, padding=1)],
    "windows in the padding alone": [nn.Conv2d(4, 4, 2, 1, 4), nn.Conv2d(4, 4, 3, 2, 5)],
    "rows that are dropped": [nn.MaxPool2d(3, 3), nn.MaxPool2d(2, 2)],
    "ceil_mode": [nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, 2, 1, ceil_mode=True)],
    "padding not counted": [nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.AvgPool2d(3, 2, 1)],
    "negative everywhere": [nn.Conv2d(4, 4, 3, padding=1), nn.LogSigmoid(), nn.MaxPool2d(3, 1, 1)],
    "the same on both sides, almost": [
        nn.Conv2d(4, 4, (2, 4), padding="same"),
        nn.Conv2d(4, 4, 2, padding="same", dilation=(3, 1)),
    ],
    "dilated": [nn.Conv2d(4, 4, 3, dilation=3, padding=3), nn.MaxPool2d(2, 1, dilation=2)],
}


@pytest.mark.parametrize("name", CHAINS)
def test_borders_at_every_position(name, reference):
    """Stride 1, every size up to that of the image, no chance left."""
    torch.manual_seed(4)
    net = nn.Sequential(*CHAINS[name], nn.Tanh(), nn.Flatten(), nn.LazyLinear(3)).double().eval()
    x = torch.randn(1, 4, 13, 11, dtype=torch.float64)
    with torch.no_grad():
        net(x)
    for size in (1, 2, 3, (4, 1), (5, 6), 8, 30):
        truth = reference(net, x, size, 1, -1.0)
        found = occlusion(net, x, 1, size, 1, -1.0, engine="incremental")
        assert found.engine == "incremental", found.why
        torch.testing.assert_close(found.score, truth.scores[..., 1], atol=1e-10, rtol=1e-10)
        assert size == 30 or truth.scores[..., 1].std() > 1e-3
