"""Traced receptive fields against what really reaches a unit.

The oracle knows nothing of sizes and strides: a NaN in one pixel turns every unit that reads the pixel into
NaN.
"""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnwidgets.core import ReceptiveField, list_layers
from cnnwidgets.core.receptive import FieldTracer, tracing

CHANNELS = 4
H, W = 13, 10


class RuleFailed(BaseException):
    """Not an Exception: the tracer takes those for an unknown operation, which would hide a mistake from the
    tests."""


@pytest.fixture(scope="module", autouse=True)
def rules_that_fail_are_heard():
    def strict(rule):
        def checked(call):
            try:
                return rule(call)
            except Exception as error:
                raise RuleFailed(call.name) from error

        return checked

    rules = dict(tracing.RULES)
    tracing.RULES.update({name: strict(rule) for name, rule in rules.items()})
    yield
    tracing.RULES.update(rules)


def traced(net, height: int = H, width: int = W) -> ReceptiveField | None:
    image = torch.zeros(1, CHANNELS, height, width, dtype=torch.float64)
    with torch.inference_mode(), FieldTracer(image) as tracer:
        output = net(image)
    return tracer.field_of(output)


def reached(net, height: int = H, width: int = W) -> Tensor:
    """Whether pixel (y, x) reaches the unit in (row, col), as booleans [row, col, y, x]."""
    images = torch.zeros(height * width, CHANNELS, height, width, dtype=torch.float64)
    for i, (y, x) in enumerate(product(range(height), range(width))):
        images[i, :, y, x] = float("nan")
    with torch.no_grad():
        hit = net(images).isnan()
    hit = hit.any(1) if hit.ndim == 4 else hit.flatten(1).any(1)[:, None, None]
    return hit.permute(1, 2, 0).reshape(*hit.shape[1:], height, width)


def hull(pixels: Tensor) -> tuple[int, int, int, int] | None:
    rows, columns = pixels.any(1).nonzero().flatten().tolist(), pixels.any(0).nonzero().flatten().tolist()
    return (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else None


def intersection(one, other):
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def check(
    net, height: int = H, width: int = W, gapless: bool = True, clips_exactly: bool = True
) -> ReceptiveField:
    """Traced fields hold all that reaches a unit, and no more.

    No more means: exactly the hull, wherever the field does not reach over the rim of what the layer sees at
    all; and at the rim too, if no window has gaps (at a rim, gaps move the hull). Clipped at every layer they
    are exact at the rim, too, but not where branches meet: rows and columns are traced apart, so that a
    branch which sees nothing but padding along one axis still counts along the other.
    """
    field, hits = traced(net, height, width), reached(net, height, width)
    assert field is not None
    seen = hull(hits.any(0).any(0))
    for row, col in product(*map(range, hits.shape[:2])):
        truth, box = hull(hits[row, col]), field.box(row, col)
        top, left, bottom, right = clipped = field.clipped(row, col, (height, width))
        if truth is None:
            assert not clips_exactly or top == bottom or left == right, "only padding reaches the unit"
            continue
        assert intersection(truth, box) == truth, "a pixel outside of the field reaches the unit"
        assert intersection(truth, clipped) == truth, "a pixel outside of the clipped field reaches the unit"
        assert not clips_exactly or clipped == truth, (
            "clipped at every layer, it is exactly what reaches the unit"
        )
        if gapless or intersection(box, seen) == box:
            assert intersection(box, seen) == truth, "the field is larger than what reaches the unit"
    return field


class Does(nn.Module):
    """A step of a network, from a function."""

    def __init__(self, function, *parts: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


def conv(kernel=3, stride=1, padding=0, dilation=1, **options) -> nn.Module:
    return nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, dilation, **options).double()


def sequence(*steps: nn.Module) -> nn.Module:
    return nn.Sequential(*steps).double().eval()


# ---------------------------------------------------------------------------------------------------- random
# networks


@st.composite
def windows(draw, dilated: bool):
    """A convolution or pooling, and whether it leaves no gaps."""
    pair = st.tuples
    kernel = draw(pair(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(pair(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(pair(st.integers(1, 3), st.integers(1, 3))) if dilated else (1, 1)
    kind = draw(st.sampled_from(["conv", "depthwise", "max", "avg"]))
    if kind == "avg":
        dilation = (1, 1)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    limit = [k // 2 for k in kernel] if kind in ("max", "avg") else reach
    padding = tuple(draw(st.integers(0, most)) for most in limit)
    gapless = max(dilation) == 1 and all(k >= s for k, s in zip(kernel, stride, strict=True))
    ceil = draw(st.booleans())
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil), gapless
    if kind == "avg":
        return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil), gapless
    return conv(kernel, stride, padding, dilation, groups=CHANNELS if kind == "depthwise" else 1), gapless


@st.composite
def branches(draw):
    """Two branches that end in maps of one size, added or side by side."""
    stride, dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    odd = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]))

    def same(kernel, stride=stride, dilation=dilation):
        return conv(kernel, stride, tuple(dilation * (k // 2) for k in kernel), dilation)

    one, other = (
        same(draw(odd)),
        nn.Sequential(same(draw(odd)), nn.ReLU(inplace=True), same(draw(odd), stride=1)),
    )
    small = stride == 1 and draw(st.booleans())
    other = nn.Identity() if small else other
    if draw(st.booleans()):
        return Does(lambda x, a, b: a(x).add_(b(x)), one, other), False
    joined = Does(lambda x, a, b: torch.cat([a(x), b(x)], 1), one, other)
    return nn.Sequential(joined, nn.Conv2d(2 * CHANNELS, CHANNELS, 1)), False


@st.composite
def rearrangements(draw):
    """Steps that move pixels about, or only look as if they did."""
    a, b, c, d = (draw(st.integers(0, 2)) for _ in range(4))
    step = draw(st.integers(1, 2))
    return draw(
        st.sampled_from(
            [
                (Does(lambda x: x[:, :, a : x.shape[2] - b, c:]), True),
                (Does(lambda x: x[..., a::step, ::step]), step == 1),
                (Does(lambda x: x.narrow(3, c, x.shape[3] - c - d)), True),
                (Does(lambda x: F.pad(x, (a, b, c, d))), True),
                (Does(lambda x: F.pad(x, (a, -b, -c, d))), True),
                (
                    Does(
                        lambda x, m: m(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
                        nn.Linear(CHANNELS, CHANNELS),
                    ),
                    True,
                ),
                (Does(lambda x, m: m(x.movedim(1, -1)).movedim(-1, 1), nn.LayerNorm(CHANNELS)), True),
                (Does(lambda x: x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)), True),
                (Does(lambda x: torch.cat([part.relu() for part in x.chunk(2, 1)], 1)), True),
                (Does(lambda x: x.reshape(x.shape[0], CHANNELS, 1, *x.shape[2:]).squeeze(2).clone()), True),
                (nn.Sequential(nn.BatchNorm2d(CHANNELS), nn.SiLU(inplace=True), nn.Dropout()), True),
                (nn.LocalResponseNorm(3), True),
                (Does(lambda x: torch.stack([x, x * 2], 1).sum(1)), True),
                (Does(lambda x: x.softmax(1)), True),
            ]
        )
    )


@settings(max_examples=60)
@given(
    steps=st.lists(windows(dilated=False) | rearrangements(), min_size=1, max_size=5),
    size=st.tuples(st.integers(6, 15), st.integers(6, 15)),
)
def test_networks_without_gaps_are_exact_everywhere(steps, size):
    net = sequence(*(step for step, _ in steps))
    assume(has_output(net, size))
    check(net, *size, gapless=all(gapless for _, gapless in steps))


@settings(max_examples=60)
@given(
    steps=st.lists(windows(dilated=True) | branches() | rearrangements(), min_size=1, max_size=4),
    size=st.tuples(st.integers(6, 15), st.integers(6, 15)),
)
def test_networks_with_dilation_and_branches(steps, size):
    net = sequence(*(step for step, _ in steps))
    assume(has_output(net, size))
    check(net, *size, gapless=False, clips_exactly=False)


@settings(max_examples=60)
@given(
    steps=st.lists(windows(dilated=True), min_size=1, max_size=4),
    size=st.tuples(st.integers(6, 15), st.integers(6, 15)),
)
def test_networks_with_dilation_are_clipped_exactly(steps, size):
    net = sequence(*(step for step, _ in steps))
    assume(has_output(net, size))
    check(net, *size, gapless=False)


def test_a_branch_that_sees_only_padding_along_one_axis():
    """The corner: 1 x 3 beside 3 x 1 after padding; the true hull is empty or smaller, never larger."""
    wide, tall = conv((1, 3)), conv((3, 1), padding=0)
    net = sequence(nn.ZeroPad2d(1), Does(lambda x, a, b: a(x)[:, :, 1:-1] + b(x)[..., 1:-1], wide, tall))
    check(net, gapless=False, clips_exactly=False)


def has_output(net: nn.Module, size: tuple[int, int]) -> bool:
    try:
        output = net(torch.zeros(1, CHANNELS, *size, dtype=torch.float64))
    except RuntimeError:  # a window larger than what is left of the image
        return False
    return output.numel() > 0 and bool(reached(net, *size).any())


# ------------------------------------------------------------------------------------------------- one idea
# at a time


def test_an_image_sees_itself():
    assert traced(nn.Identity()) == ReceptiveField((1, 1), (1, 1), (0, 0))


def test_branches_are_the_union_from_the_leftmost_to_the_rightmost_pixel():
    left = Does(lambda x: F.pad(x, (3, -3, 0, 0)))
    right = conv((1, 3), padding=(0, 1))
    field = check(Does(lambda x, a, b: a(x) + b(x), left, right).double(), gapless=False)
    assert (field.size, field.stride, field.padding) == ((1, 5), (1, 1), (0, 3))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_string_padding():
    assert check(conv((4, 3), padding="same", dilation=(1, 2)), gapless=False).padding == (1, 2)
    assert check(conv(3, padding="valid")).padding == (0, 0)


def test_unfold_is_a_window():
    field = check(Does(lambda x: x.unfold(2, 3, 2).unfold(3, 2, 2).amax((-1, -2))))
    assert (field.size, field.stride) == ((3, 2), (2, 2))


def test_focus_by_slices_and_by_pixel_unshuffle():
    slices = Does(lambda x: torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1))
    assert (
        check(slices, 12, 10) == check(nn.PixelUnshuffle(2), 12, 10) == ReceptiveField((2, 2), (2, 2), (0, 0))
    )


def test_a_shortcut_of_every_second_pixel_with_padded_channels():
    shortcut = Does(lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2)))
    field = check(Does(lambda x, s, c: s(x) + c(x), shortcut, nn.Conv2d(4, 8, 3, 2, 1).double()))
    assert (field.size, field.stride, field.padding) == ((3, 3), (2, 2), (1, 1))


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_padding_that_repeats_is_known_once_a_window_covers_it(mode):
    assert traced(Does(lambda x: F.pad(x, (2, 2, 1, 1), mode=mode))) is None
    field = check(conv((3, 5), padding=(1, 2), padding_mode=mode))
    assert (field.size, field.padding) == ((3, 5), (1, 2))
    assert traced(sequence(nn.ReflectionPad2d(2), conv(3))) is None
    check(sequence(nn.ReflectionPad2d(1), conv(3, 2), nn.ReLU(), nn.ReflectionPad2d(1), conv(4)))


def test_strips_are_fixed_along_one_axis_only():
    field = check(Does(lambda x, c: c(x).mean(3, keepdim=True), conv(3, 2, 1)))
    assert (field.size, field.stride, field.padding) == ((3, W), (2, 0), (1, 0))
    assert not field.whole_image


@pytest.mark.parametrize(
    "head",
    [
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(1),
        Does(lambda x: x.mean((2, 3))),
        Does(lambda x: x.amax((2, 3), keepdim=True)),
        Does(lambda x: x.flatten(2).mean(-1)),
        Does(lambda x: x.flatten(2).max(2).values),
        nn.Sequential(nn.Flatten(), nn.Linear(CHANNELS * 6 * 4, 3)),
        nn.Sequential(nn.AdaptiveAvgPool2d((4, 3)), nn.Flatten(), nn.Linear(CHANNELS * 12, 3)),
        Does(lambda x: x * x.mean((2, 3), keepdim=True)),
        Does(lambda x: x * x.mean((2, 3))[:, :, None, None].sigmoid()),
        Does(
            lambda x: torch.cat(
                [x, F.interpolate(F.adaptive_avg_pool2d(x, 1), x.shape[2:], mode="bilinear")], 1
            )
        ),
        nn.GroupNorm(2, CHANNELS),
        nn.GroupNorm(1, CHANNELS),
        nn.InstanceNorm2d(CHANNELS),
        nn.LayerNorm([CHANNELS, 6, 4]),
        nn.BatchNorm2d(CHANNELS, track_running_stats=False),
        Does(lambda x: x.flatten(2).softmax(-1)),
        Does(lambda x: x / x.norm(dim=(2, 3), keepdim=True)),
        Does(lambda x: x.reshape(x.shape[0], CHANNELS, 24) @ torch.ones(24, 2, dtype=x.dtype)),
        Does(lambda x: torch.ones(2, 24, dtype=x.dtype) @ x.flatten(2).transpose(1, 2)),
    ],
)
def test_the_whole_image(head):
    """After all of these, whatever the stem of the network sees is seen by every unit: rows 0 to 12, columns
    0 to 8."""
    net = sequence(conv(3, 2, 0), head)
    image = torch.zeros(1, CHANNELS, H, W, dtype=torch.float64)
    with torch.inference_mode(), FieldTracer(image) as tracer:
        output = net(image)
    field = tracer.field_of(output)
    assert field == ReceptiveField((13, 9), (0, 0), (0, 0), whole_image=True)
    assert field.clipped(3, 2, (H, W)) == (0, 0, 13, 9)
    if not any(
        isinstance(part, nn.BatchNorm2d) for part in net.modules()
    ):  # there, a NaN spreads to the other images
        assert hull(reached(net).any(0).any(0)) == (0, 0, 13, 9)


def test_one_place_of_the_maps_is_not_the_whole_image():
    field = traced(sequence(conv(3), Does(lambda x: x[:, :, 4, 5])))
    assert field == ReceptiveField((3, 3), (0, 0), (-4, -5), whole_image=False)
    field = traced(Does(lambda x: x[:, :, 3:6, 2:9].mean((2, 3))))
    assert field == ReceptiveField((3, 7), (0, 0), (-3, -2), whole_image=False)


def test_adaptive_pooling():
    assert traced(nn.AdaptiveAvgPool2d((4, 5)), 12, 10) == ReceptiveField((3, 2), (3, 2), (0, 0))
    assert traced(nn.AdaptiveAvgPool2d((12, 10)), 12, 10) == traced(nn.Identity(), 12, 10)
    assert traced(nn.AdaptiveMaxPool2d((5, 10)), 12, 10) is None
    assert traced(nn.AdaptiveAvgPool2d((3, None)), 12, 10) == ReceptiveField((4, 1), (4, 1), (0, 0))


class Attention(nn.Module):
    """Tokens with a class token, as in a vision transformer."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.patch = nn.Conv2d(CHANNELS, 8, 2, 2)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.fused = fused

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = self.norm(torch.cat([self.token.expand(len(x), -1, -1), tokens], 1))
        return self.attention(tokens, tokens, tokens * 1 if self.fused else tokens, need_weights=False)[0][
            :, 0
        ]


def test_a_query_sees_all_keys_even_where_the_values_are_constant():
    constant = torch.ones(1, 1, H * W, CHANNELS, dtype=torch.float64)

    def attend(x):
        return F.scaled_dot_product_attention(constant, x.flatten(2).transpose(1, 2)[:, None], constant)

    assert traced(Does(attend)).whole_image


def test_convolution_along_other_axes_than_rows_and_columns():
    rows_as_channels = Does(lambda x, c: c(x.permute(0, 2, 3, 1)), nn.Conv2d(H, 2, (3, 1)).double())
    assert traced(rows_as_channels) == ReceptiveField((H, 3), (0, 1), (0, 0))
    each_row_its_own = Does(lambda x, c: c(x.permute(0, 2, 3, 1)), nn.Conv2d(H, H, (3, 1), groups=H).double())
    assert traced(each_row_its_own) is None


@pytest.mark.parametrize("fused", [True, False])
def test_attention_among_all_tokens_sees_the_whole_image(fused):
    assert traced(Attention(fused).double().eval(), 12, 10) == ReceptiveField((12, 10), (0, 0), (0, 0), True)


@pytest.mark.parametrize(
    "step",
    [
        Does(lambda x: x.roll(2, 3)),
        Does(lambda x: x.flip(2)),
        Does(lambda x: F.pad(x, (1, 1, 1, 1), mode="circular")),
        Does(lambda x: F.interpolate(x, scale_factor=2)),
        Does(lambda x: F.interpolate(x, size=(5, 4), mode="bilinear")),
        Does(lambda x: F.interpolate(x, scale_factor=0.5)),
        nn.ConvTranspose2d(CHANNELS, CHANNELS, 3, 2),
        nn.PixelShuffle(2),
        nn.FractionalMaxPool2d(3, output_size=(5, 4)),
        Does(lambda x: x.transpose(2, 3)),
        Does(lambda x: x.flatten(1)),
        Does(lambda x: x.cumsum(3)),
        Does(lambda x: x.sort(dim=2).values),
        Does(lambda x: x[:, :, torch.tensor([3, 1, 2])]),
        Does(lambda x: x[:, :, :, x[0, 0, 0] > -1]),
        Does(lambda x: torch.fft.fft2(x).real),
        Does(lambda x: x + F.max_pool2d(x, 2)[:, :, :1, :1].expand_as(x).roll(1, 2)),
        Does(lambda x: F.grid_sample(x, torch.zeros(len(x), 4, 5, 2, dtype=x.dtype), align_corners=False)),
        Does(lambda x: torch.cat([x, x], 2)),
        Does(lambda x: x[..., : x.shape[3] // 2 * 2].reshape(*x.shape[:3], -1, 2)[..., 0] + x[..., ::2]),
        Does(lambda x: F.conv2d(x, x[:1, :, :1, :1].expand(CHANNELS, -1, 3, 3))),
    ],
)
def test_what_no_size_and_stride_describes_is_unknown(step):
    assert traced(sequence(conv(3, padding=1), step)) is None
    assert traced(sequence(step, Does(lambda x: x * 2))) is None


def test_writes_through_views_and_into_shared_memory_are_noticed():
    def half_of_it(x):
        y = x.clone()
        y[:, :2].add_(x.mean((2, 3), keepdim=True)[:, :2])
        return y

    def into_zeros(x):
        y = x.new_zeros(x.shape)
        y[:, :, 1:] = x[:, :, :-1]
        return y * 1

    def older_view(x):
        y = x.clone()
        view = y[:, :2]
        y += x.roll(1, 2)
        return view

    for step in (half_of_it, into_zeros, older_view):
        assert traced(Does(step)) is None

    def harmless(x):
        y = F.relu_(x * 1)
        y[:, :2].mul_(2)
        return y.flatten(2).abs_().view_as(x)

    assert traced(Does(harmless)) is None  # merged and parted again: the order is not followed
    assert traced(Does(lambda x: F.relu_(x[:, :2].mul_(2)))) == ReceptiveField((1, 1), (1, 1), (0, 0))


def test_what_is_not_made_from_the_image_has_no_field():
    assert traced(Does(lambda x: torch.ones_like(x))) is None
    assert traced(Does(lambda x: torch.zeros(1, CHANNELS, 3, 3) + 1)) is None
    assert traced(Does(lambda x: x.clone().zero_())) is None
    assert check(Does(lambda x: x + torch.ones_like(x[:, :, :1, :1].expand_as(x)))).size == (1, 1)
    assert check(Does(lambda x: x * torch.ones(1, dtype=x.dtype).expand_as(x.flip(2)))).size == (1, 1)


def test_maps_of_one_unit_spread_over_larger_ones():
    field = check(Does(lambda x: x[:, :, 2:3, 3:4] + torch.zeros(5, 4, dtype=x.dtype)))
    assert (field.size, field.stride, field.padding) == ((1, 1), (0, 0), (-2, -3))


REAL = "resnet18 googlenet squeezenet1_1 mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 convnext_tiny"


@pytest.mark.parametrize("name", REAL.split())
def test_every_layer_of_real_networks(architecture, name):
    """One NaN row, or column, at a time."""
    net, (height, width) = architecture(name).double().eval(), (40, 33)
    layers = [layer for layer in list_layers(net, (3, height, width)) if layer.is_spatial]
    known = [layer for layer in layers if layer.receptive_field is not None]
    assert known == layers

    found, modules = {}, dict(net.named_modules())

    def note_under(name):
        def note(part, inputs, output):
            found.setdefault(name, output.isnan())

        return note

    for layer in known:
        if "#" not in layer.name:
            modules[layer.name].register_forward_hook(note_under(layer.name))
    images = torch.zeros(height + width, 3, height, width, dtype=torch.float64)
    for i in range(height):
        images[i, :, i] = float("nan")
    for i in range(width):
        images[height + i, :, :, i] = float("nan")
    with torch.no_grad():
        net(images)

    for layer in known:
        if layer.name not in found:
            continue
        hit, field = found[layer.name], layer.receptive_field
        hit = hit.any(3 if layer.channels_last else 1)
        by_row, by_column = hit[:height].any(2).T, hit[height:].any(1).T  # [unit, pixel]
        for axis, (table, n) in enumerate(((by_row, height), (by_column, width))):
            read = table.any(0).tolist()  # all but a rim narrower than the stride
            assert all(read[: n - (16 if name == "squeezenet1_1" else 1)])
            for unit, pixels in enumerate(table):
                start = unit * field.stride[axis] - field.padding[axis]
                wanted = [start <= pixel < start + field.size[axis] and read[pixel] for pixel in range(n)]
                assert pixels.tolist() == wanted, (layer.name, axis, unit)
