"""Networks that are hard to follow: each has the right map, by whichever way, and the way is said."""

from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import InputError, NetworkError, occlusion


class Base(nn.Module):
    """Two convolutions and scores; what is in between is the subject."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 6, 3, 2, padding=1)
        self.fc = nn.Linear(6, 4)
        nn.init.normal_(self.fc.weight, std=2)

    def scores(self, x):
        return self.fc(F.relu(self.conv2(x)).mean((2, 3)))

    def forward(self, x):
        return self.scores(self.between(self.conv1(x)))

    def between(self, x):
        return F.relu(x)


class WrittenOver(Base):
    """The ReLU in place changes what is added afterwards too."""

    def between(self, x):
        rectified = F.relu(x, inplace=True)
        return rectified + 2 * x


class WrittenOverByMethod(Base):
    def between(self, x):
        later = x.sigmoid()
        x.relu_().mul_(2)
        return later * x


class WrittenOverThroughAView(Base):
    def between(self, x):
        half = x[:, :3]
        half.relu_()
        return x


class WrittenOverInABranch(Base):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def between(self, x):
        y = x
        y += 1
        self.relu(y)
        return y + x.tanh()


class AddedInPlaceToTheInput(Base):
    """Writes into the very picture that it was given."""

    def forward(self, x):
        x.sub_(0.3).div_(2)
        return super().forward(x)


class Assigned(Base):
    def between(self, x):
        x[:, 0] = 0
        return F.relu(x)


class ByItsContents(Base):
    def between(self, x):
        return F.relu(x) if x.mean() > 0.1 else x


class ByItsContentsEach(Base):
    def between(self, x):
        return torch.where(x > x.mean((1, 2, 3), keepdim=True), x, -x)


class ByItsShape(Base):
    def between(self, x):
        return F.relu(x) if x.shape[2] > 5 else x


class InALoop(Base):
    def between(self, x):
        for _ in range(x.dim() - 1):
            x = F.relu(x) - 0.1
        return x


class Twice(Base):
    """The same layer three times, with another layer of the same shape in between."""

    def __init__(self):
        super().__init__()
        self.again = nn.Conv2d(6, 6, 3, padding=1)

    def between(self, x):
        return self.again(F.relu(self.again(torch.tanh(self.again(x)))))


class OwnConvolution(nn.Conv2d):
    """Weights of mean zero: a Conv2d that is none."""

    def forward(self, x):
        return F.conv2d(x, self.weight - self.weight.mean((1, 2, 3), keepdim=True), None, 1, self.padding)


class Standardised(Base):
    def __init__(self):
        super().__init__()
        self.conv1 = OwnConvolution(3, 6, 3, padding=1)


class OwnRelu(nn.ReLU):
    def forward(self, x):
        return x.abs()


class Mislabelled(Base):
    def __init__(self):
        super().__init__()
        self.relu = OwnRelu()

    def between(self, x):
        return self.relu(x)


class Placed(Base):
    """What a unit is multiplied by depends on its place."""

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.randn(1, 6, 24, 33))
        self.register_buffer("mask", torch.rand(24, 33).round())

    def between(self, x):
        return (x + self.place) * self.mask


class WithCoordinates(Base):
    """CoordConv: the network makes maps of its own."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 6, 3, padding=1)

    def forward(self, x):
        rows = torch.linspace(-1, 1, x.shape[2], dtype=x.dtype).reshape(1, 1, -1, 1)
        return super().forward(torch.cat([x, rows.expand(x.size(0), 1, x.size(2), x.size(3))], 1))


class Normalising(Base):
    """Preprocessing inside: buffers, and the picture used twice."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3]).reshape(3, 1, 1))
        self.conv2 = nn.Conv2d(9, 6, 3, 2)

    def forward(self, x):
        x = (x - self.mean) / 0.8
        return self.scores(torch.cat([self.conv1(x), x], dim=1))


class Attends(Base):
    def between(self, x):
        n, c, h, w = x.shape
        q = x.flatten(2)
        return (q.softmax(2) @ q.transpose(1, 2) @ q).view(n, c, h, w)


class SideBySide(Base):
    def between(self, x):
        return torch.cat([x, x.flip(2)], dim=2)


class Stacked(Base):
    def between(self, x):
        return torch.stack([x, F.relu(x)], dim=0).sum(0)


class FoldedIntoTheBatch(Base):
    """Halves of the picture as pictures of their own."""

    def between(self, x):
        n, c, h, w = x.shape
        return x.reshape(n * 2, c // 2, h, w).relu().reshape(n, c, h, w)


class Indices(Base):
    def between(self, x):
        pooled, where = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(pooled, where, 2, output_size=x.shape[2:])


class Constant(Base):
    """Part of the scores does not come from the picture at all."""

    def forward(self, x):
        return super().forward(x) + self.fc(torch.ones(1, 6, dtype=x.dtype))


class Answer(NamedTuple):
    aux: torch.Tensor
    logits: torch.Tensor


class Named(Base):
    def forward(self, x):
        scores = super().forward(x)
        return Answer(scores[:, :1], scores)


class InATuple(Base):
    def forward(self, x):
        return super().forward(x), None


class InADict(Base):
    def forward(self, x):
        return {"aux": x, "logits": super().forward(x)}


class OneByOne(Base):
    def forward(self, x):
        return super().forward(x)[:, :, None, None]


class Drops(Base):
    def between(self, x):
        return F.dropout(x, 0.5, training=self.training)


class Scattered(Base):
    """Scores that are indexed, compared, gathered."""

    def forward(self, x):
        scores = super().forward(x)
        return scores[:, [2, 0, 1, 3]] - scores.amax(1, keepdim=True)


class KeywordsOnly(Base):
    def forward(self, x, scale=1.5, *, shift=0.1, **others):
        return super().forward(x * scale + shift)


class NoneByDefault(Base):
    """torch.fx puts a stand-in in the place of None."""

    def forward(self, x, mask=None):
        if mask is None:
            x = x.abs()
        return super().forward(x)


class Weighed(Base):
    """Sums with factors, a clamp with ends, a mean with a type."""

    def between(self, x):
        y = torch.add(x, x.clamp(-0.5, 2), alpha=0.5)
        y = torch.sub(y, 1, alpha=2) * x.mean((2, 3), keepdim=True, dtype=torch.float64)
        return torch.clamp(y, min=-1.0).add_(x, alpha=3)


class SharedBatchNorm(Base):
    """One batch norm behind two convolutions, and a convolution with and without it."""

    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(6)
        self.again = nn.Conv2d(6, 6, 1)
        nn.init.uniform_(self.bn.running_mean)
        nn.init.uniform_(self.bn.running_var, 0.5, 2)
        nn.init.uniform_(self.bn.bias)

    def between(self, x):
        y = self.bn(self.again(F.relu_(self.bn(x))))
        return F.relu(y) + self.again(y)


class FromTheInputAlone(nn.Module):
    """No layer at all before the scores."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


class Compared(Base):
    def between(self, x):
        return torch.maximum(x, self.conv1.weight.sum() * torch.ones_like(x)) * (x > 0)


NETWORKS = [
    WrittenOver, WrittenOverByMethod, WrittenOverThroughAView, WrittenOverInABranch,
    AddedInPlaceToTheInput, Assigned, ByItsContentsEach, ByItsShape, InALoop, Twice, Standardised,
    Mislabelled, Placed, WithCoordinates, Normalising, Attends, SideBySide, Stacked, FoldedIntoTheBatch,
    Indices, Constant, Named, InATuple, OneByOne, Drops, Scattered, KeywordsOnly, NoneByDefault, Weighed,
    SharedBatchNorm, FromTheInputAlone, Compared, InADict, Base,
]  # fmt: skip


def logits_of(net: nn.Module) -> nn.Module:
    """The same network with nothing but the scores, for the reference."""

    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            output = self.net(x)
            output = output["logits"] if isinstance(output, dict) else output
            output = getattr(output, "logits", output[0] if isinstance(output, tuple) else output)
            return output.flatten(1)

    return Scores()


def ways(net, x, target, *how, **options):
    """The maps of each engine that takes the network; the incremental one may refuse, saying what to do."""
    yield occlusion(net, x, target, *how, engine="auto", **options)
    yield occlusion(net, x, target, *how, engine="plain", **options)
    try:
        yield occlusion(net, x, target, *how, engine="incremental", **options)
    except InputError as error:
        assert "engine='auto'" in str(error)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_map_is_right(kind, x, reference, agrees):
    torch.manual_seed(6)
    net = kind().double()
    # no square of one colour: among equal values, which one is the largest is a matter of rounding
    pixels = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(8))
    truth = reference(logits_of(net), x, (7, 6), 5, pixels)
    target = truth.scores[0].var((0, 1)).argmax().item()
    for found in ways(net, x, target, (7, 6), 5, pixels):
        agrees(found, truth, target, least_spread=1e-4)
        assert found.engine in ("incremental", "plain") and found.why


FOLLOWED = [Base, Normalising, InADict, Named, Drops, KeywordsOnly, Twice, Constant, Weighed, SharedBatchNorm]


@pytest.mark.parametrize("kind", FOLLOWED)
def test_what_can_be_followed_is(kind, x):
    assert occlusion(kind().double(), x, 0, 5, 8, engine="incremental").engine == "incremental"


def test_control_flow_by_contents_falls_back_and_says_so(x, reference, agrees):
    """It decides for the batch as a whole, so that both look at one picture at a time."""
    torch.manual_seed(6)
    net = ByItsContents().double()
    found = occlusion(net, x, 1, 9, 6, -2.0, batch_size=1)
    truth = reference(net, x, 9, 6, -2.0, batch_size=1)
    agrees(found, truth, 1)
    assert found.engine == "plain" and ("trace" in found.why or "control flow" in found.why)
    with pytest.raises(InputError, match="engine='auto'"):
        occlusion(net, x, 1, 9, 6, engine="incremental")


def test_batch_norm_by_the_statistics_of_the_batch(x, reference, agrees):
    """What a picture is compared with is the batch: one at a time, with itself."""
    torch.manual_seed(6)
    net = Base().double()
    net.between = nn.BatchNorm2d(6, track_running_stats=False).double()
    truth = reference(net, x, 9, 6, -2.0, batch_size=1)
    for found in ways(net, x, 1, 9, 6, -2.0):
        agrees(found, truth, 1)


def hooked_pre(net):
    return net.conv2.register_forward_pre_hook(lambda part, inputs: (inputs[0] * 2,))


def hooked(net):
    return net.conv2.register_forward_hook(lambda part, inputs, output: output.sin())


def hooked_outside(net):
    return net.register_forward_hook(lambda part, inputs, output: -output)


def hooked_everywhere(net):
    def double(part, inputs, output):
        return output * 2 if isinstance(part, nn.Conv2d) else None

    return nn.modules.module.register_module_forward_hook(double)


def hooked_everywhere_before(net):
    def double(part, inputs):
        return (inputs[0] * 2,) if isinstance(part, nn.Conv2d) else None

    return nn.modules.module.register_module_forward_pre_hook(double)


@pytest.mark.parametrize(
    "hook", [hooked_pre, hooked, hooked_outside, hooked_everywhere, hooked_everywhere_before]
)
def test_hooks_of_the_user_count(hook, x, reference, agrees):
    torch.manual_seed(6)
    net = Base().double()
    without = reference(net, x, 8, 8).scores
    handle = hook(net)
    try:
        truth = reference(net, x, 8, 8)
        found = occlusion(net, x, 1, 8, 8)
        with pytest.raises(InputError, match="engine='auto'"):
            occlusion(net, x, 1, 8, 8, engine="incremental")
    finally:
        handle.remove()
    agrees(found, truth, 1, least_spread=1e-4)
    assert not torch.allclose(without, truth.scores)
    assert found.engine == "plain"
    if "everywhere" not in hook.__name__:
        assert "hook" in found.why


@pytest.mark.parametrize(
    "wrap",
    [
        lambda conv: nn.utils.parametrizations.weight_norm(conv),
        lambda conv: nn.utils.parametrizations.spectral_norm(conv),
        lambda conv: nn.utils.spectral_norm(conv),
        lambda conv: nn.utils.parametrizations.orthogonal(conv),
    ],
    ids=["weight norm", "spectral norm", "old spectral norm", "orthogonal"],
)
def test_weights_that_are_computed(wrap, x, reference, agrees):
    torch.manual_seed(6)
    net = Base().double()
    wrap(net.conv2)
    truth = reference(net, x, 8, 8)
    for found in ways(net, x, 1, 8, 8):
        agrees(found, truth, 1, least_spread=1e-4)


def test_a_forward_that_was_replaced_by_the_user(x, reference, agrees):
    torch.manual_seed(6)
    net = Base().double()
    net.conv2.forward = lambda x, conv=net.conv2: F.conv2d(x.abs(), conv.weight, None, 2, 1)
    truth = reference(net, x, 8, 8)
    for found in ways(net, x, 1, 8, 8):
        agrees(found, truth, 1, least_spread=1e-4)


def test_nan_where_the_network_gives_nan(x, reference):
    """Raw: neither replaced nor an error; the other positions are right."""

    class Logarithm(Base):
        def between(self, x):
            return x

        def forward(self, x):
            scores = super().forward(x)
            return torch.cat([scores[:, :1], (scores[:, 1:] - self.threshold).log()], 1)

    torch.manual_seed(6)
    net = Logarithm().double()
    net.threshold = -1e9
    with torch.no_grad():
        plain = Base.forward(net, x)
    net.threshold = float(plain[:, 1:].amin()) - 1e-3
    truth = reference(net, x, 8, 8)
    is_nan = truth.scores.isnan().any(-1)
    assert is_nan.any() and not is_nan.all()
    for found in ways(net, x, 0, 8, 8):
        assert torch.equal(found.probability.isnan(), is_nan)
        torch.testing.assert_close(
            found.probability, truth.of(truth.probability, 0), atol=1e-10, rtol=0, equal_nan=True
        )
        torch.testing.assert_close(found.score, truth.of(truth.scores, 0), atol=1e-9, rtol=0)


def test_nan_that_a_square_covers(x, reference):
    """What is wrong in one place is not wrong where that place is covered."""

    class Root(Base):
        def forward(self, x):
            return self.scores(self.conv1(torch.sqrt(x)))

    torch.manual_seed(6)
    net = Root().double()
    x = x.abs() + 0.1
    x[0, 1, 10, 12] = x[1, 0, 3, 30] = -1.0
    truth = reference(net, x, 9, 4, 1.0)
    is_nan = ~truth.scores.isfinite().all(-1)
    assert is_nan.any((1, 2)).all() and not is_nan.all((1, 2)).any()
    for found in ways(net, x, 1, 9, 4, 1.0):
        torch.testing.assert_close(found.score, truth.of(truth.scores, 1), atol=1e-9, rtol=0, equal_nan=True)


class NoScores(Base):
    def forward(self, x):
        return self.conv1(x)


class Nothing(Base):
    def forward(self, x):
        return None


@pytest.mark.parametrize("engine", ["incremental", "auto", "plain"])
@pytest.mark.parametrize("kind", [NoScores, Nothing])
def test_a_network_without_classes(kind, engine, x):
    with pytest.raises(NetworkError, match="wrap it in a module"):
        occlusion(kind().double(), x, 0, 5, 8, engine=engine)
