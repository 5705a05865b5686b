"""Occlusion by its definition, slow and literal, and networks whose answers depend on where the square is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

# ------------------------------------------------------------------------------------------------- definition


def square(row: int, column: int, size: tuple[int, int], image_size: tuple[int, int]) -> Tensor:
    """Which pixels (H, W) a square of that height and width covers; even sizes: one more after the centre."""
    after = [torch.arange(length) - centre for length, centre in zip(image_size, (row, column), strict=True)]
    down, right = ((-((n - 1) // 2) <= d) & (d <= n // 2) for n, d in zip(size, after, strict=True))
    return down[:, None] & right[None]


def centres(length: int, stride: int) -> list[int]:
    """The lattice along one side: so many that the stride fits into the length, in the middle of it."""
    n = -(-length // stride)
    first = (length - 1 - (n - 1) * stride) // 2
    return [first + i * stride for i in range(n)]


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


@dataclass
class Truth:
    """What plain forward passes say: scores (N, R, C, K) and (N, K), sums over feature maps (N, R, C, F)."""

    rows: list[int]
    columns: list[int]
    scores: Tensor
    baseline: Tensor
    activity: Tensor | None
    baseline_activity: Tensor | None
    strongest: Tensor | None

    @property
    def probability(self) -> Tensor:
        return self.scores.double().softmax(-1)

    def of(self, values: Tensor, target: int | Sequence) -> Tensor:
        """Take the classes asked for, (N, R, C) or (N, T, R, C), from values (N, R, C, K) or (N, K)."""
        targets = [target] * len(values) if isinstance(target, int) else list(target)
        return torch.stack(
            [
                one[..., t].movedim(-1, 0) if isinstance(t, (list, tuple)) else one[..., t]
                for one, t in zip(values, targets, strict=True)
            ]
        )


def plainly(
    model: nn.Module,
    x: Tensor,
    size: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    pixels: Tensor | float = 0.0,
    layer: str | None = None,
    at: tuple[Sequence[int], Sequence[int]] | None = None,
    batch_size: int = 64,
) -> Truth:
    """Occlude, run, note; one occluded picture for each position.

    Parameters
    ----------
    pixels : Tensor or float
        What the squares show, broadcast to ``x``.
    layer : str, optional
        Whose feature maps are summed.
    at : (rows, columns), optional
        Centres, instead of the lattice.
    batch_size : int
        1 for networks that mix the pictures of a batch.
    """
    n, _, height, width = x.shape
    pixels = torch.as_tensor(pixels, dtype=x.dtype).expand_as(x)
    rows, columns = at or (centres(length, s) for length, s in zip(x.shape[2:], pair(stride), strict=True))
    rows, columns = list(rows), list(columns)
    shown = [x[i] for i in range(n)]
    for i in range(n):
        for row in rows:
            for column in columns:
                inside = square(row, column, pair(size), (height, width))
                shown.append(torch.where(inside, pixels[i], x[i]))

    maps = []
    was = [(part, part.training) for part in model.modules()]
    note = lambda part, inputs, output: maps.append(output.detach().clone())  # noqa: E731
    handle = model.get_submodule(layer).register_forward_hook(note) if layer else None
    try:
        model.eval()
        with torch.no_grad():
            outputs = [model(batch.clone()) for batch in torch.stack(shown).split(batch_size)]
    finally:
        for part, training in was:
            part.training = training
        if handle:
            handle.remove()
    scores = torch.cat([scores_inside(output) for output in outputs])
    if maps:
        maps = torch.cat(maps)
        sums, strongest = maps.sum((2, 3)), maps[:n].amax((2, 3)).argmax(1)
    lattice = (n, len(rows), len(columns), -1)
    return Truth(
        rows,
        columns,
        scores[n:].reshape(lattice),
        scores[:n],
        sums[n:].reshape(lattice) if layer else None,
        sums[:n] if layer else None,
        strongest if layer else None,
    )


def scores_inside(output: object) -> Tensor:
    output = output["logits"] if isinstance(output, dict) else output
    return output[0] if isinstance(output, tuple) else output


TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def check(
    found,
    truth: Truth,
    target: int | Sequence,
    least_spread: float = 0.01,
    rounding: Callable[[], Tensor | float] = lambda: 0.0,
) -> None:
    """A map against the truth: probabilities to the tolerance, scores to it relative to the largest one.

    ``rounding``: how far the true scores themselves are from those of double precision.

    ``least_spread``: so far apart the true probabilities have to be, else nothing is shown.
    """
    dtype = truth.scores.dtype
    tolerance = TOLERANCE[dtype]
    probability = truth.of(truth.probability, target)
    largest = truth.scores.abs().max()
    spread = (probability.amax((-2, -1)) - probability.amin((-2, -1))).max()
    assert spread > max(least_spread, 100 * tolerance), "the network does not respond to the square"

    for name, values, wanted in (
        ("probability", found.probability, probability),
        ("score", found.score, truth.of(truth.scores, target)),
        ("baseline", found.baseline, truth.of(truth.baseline.double().softmax(-1), target)),
        ("baseline_score", found.baseline_score, truth.of(truth.baseline, target)),
    ):
        assert values.shape == wanted.shape, name
        assert values.dtype == dtype and values.device.type == "cpu", name
        error = (values.double() - wanted.double()).abs().max() / (largest if "score" in name else 1)
        if error > tolerance and "score" in name:
            error -= rounding() / largest
        assert error <= tolerance, f"{name} is off by {error:.1e} ({found.engine}: {found.why})"

    assert (found.rows.tolist(), found.columns.tolist()) == (truth.rows, truth.columns)
    for labels, scores in ((found.label, truth.scores), (found.baseline_label, truth.baseline)):
        first, second = scores.topk(2).values.unbind(-1)
        is_clear = first - second > 2 * tolerance * largest
        assert labels.dtype == torch.int64 and torch.equal(labels[is_clear], scores.argmax(-1)[is_clear])

    if truth.activity is not None:
        images, channel = torch.arange(len(truth.baseline)), found.channel
        wanted = truth.activity[images, :, :, channel]
        assert found.activity.shape == wanted.shape
        scale = wanted.abs().max()
        assert (found.activity - wanted).abs().max() <= 10 * tolerance * scale
        assert (found.baseline_activity - truth.baseline_activity[images, channel]).abs().max() <= (
            10 * tolerance * scale
        )


@pytest.fixture(scope="session")
def agrees() -> Callable[..., None]:
    return check


@pytest.fixture(scope="session")
def reference() -> Callable[..., Truth]:
    return plainly


@pytest.fixture(scope="session")
def covered() -> Callable[..., Tensor]:
    return square


@pytest.fixture(scope="session")
def lattice() -> Callable[[int, int], list[int]]:
    return centres


# -------------------------------------------------------------------------------------------------- networks


class Small(nn.Module):
    """What networks are made of, in small: strides, a pooling that drops a row, a branch, ReLUs in place."""

    def __init__(self, channels: int = 3, n_classes: int = 6) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 8, 5, stride=2, padding=2)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.conv3 = nn.Conv2d(16, 12, (1, 3), dilation=2)
        self.drop = nn.Dropout()
        self.fc = nn.Linear(24, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.bn(self.conv1(x))))
        x = torch.cat([x, self.relu(self.conv2(x) + x)], 1)
        x = nn.functional.adaptive_avg_pool2d(self.relu(self.conv3(x)), (1, 2))
        return self.fc(self.drop(x.view(x.size(0), -1)))


def draw(n: int = 2, height: int = 64, width: int = 96, channels: int = 3, seed: int = 0) -> Tensor:
    """Pictures with large and small things in them: what is covered by a square matters."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(n, channels, -(-height // 12), -(-width // 12), generator=random)
    fine = torch.randn(n, channels, height, width, generator=random)
    return 1.2 * nn.functional.interpolate(coarse, (height, width), mode="bilinear") + 0.3 * fine + 0.3


OFFSET = 0.7  # most ReLUs are open, as in trained networks, some of them always


def settle(model: nn.Module, x: Tensor, gain: float = 0.5) -> nn.Module:
    """Set weights from data, layer by layer (Krähenbühl et al., 2016).

    Over pictures with and without squares, each output of a layer gets the mean ``OFFSET`` and the deviation
    1, or less where it hardly varies. Random initialisation as it comes gives every picture the same
    probabilities; and batch norm around zero makes a random network chaotic, so that rounding grows from
    layer to layer until it is all one sees (Yang et al., 2019). The scores vary by ``gain``, and more than
    that between classes, as those of trained networks do.
    """
    random = torch.Generator().manual_seed(5)
    height, width = x.shape[2:]
    parts = [x]
    for row in (height // 5, height // 2, 4 * height // 5):
        for column in (width // 5, width // 2, 4 * width // 5):
            inside = square(row, column, (height // 2, width // 2), (height, width))
            parts.append(torch.where(inside, torch.zeros_like(x), x))
    last, done, handles = [], set(), []

    def mean_and_variance(values: Tensor, channels: int) -> tuple[Tensor, Tensor]:
        values = values.movedim(channels, 0).flatten(1)
        mean, variance = values.mean(1), values.var(1)
        return mean, variance + 0.1 * mean**2 + 0.3 * variance.mean() + 1e-6

    def rescale(part, inputs, output):
        if part in done:
            return None
        done.add(part)
        last[:] = [part]
        mean, variance = mean_and_variance(output, -1 if isinstance(part, nn.Linear) else 1)
        part.weight.data /= variance.sqrt().reshape(-1, *[1] * (part.weight.ndim - 1))
        if part.bias is not None:
            part.bias.data = (part.bias.data - mean) / variance.sqrt() + OFFSET
        return part(inputs[0])

    def normalise(part, inputs, output):
        if part in done:
            return None
        done.add(part)
        mean, variance = mean_and_variance(inputs[0], 1)
        part.running_mean.copy_(mean)
        part.running_var.copy_(variance)
        if part.affine:
            part.weight.data = (0.6 + 0.8 * torch.rand(len(mean), generator=random)).to(mean)
            part.bias.data = (OFFSET + 0.3 * torch.randn(len(mean), generator=random)).to(mean)
        return part(inputs[0])

    model.eval()
    for part in model.modules():
        if isinstance(part, nn.LayerNorm):
            nn.init.ones_(part.weight)
        elif isinstance(part, (nn.Conv2d, nn.Linear)):
            handles.append(part.register_forward_hook(rescale))
        elif isinstance(part, nn.BatchNorm2d):
            handles.append(part.register_forward_hook(normalise))
    with torch.no_grad():
        model(torch.cat(parts))
        for handle in handles:
            handle.remove()
        n_classes = len(last[0].weight)
        last[0].weight *= gain
        if last[0].bias is not None:
            last[0].bias *= gain
            last[0].bias += torch.randn(n_classes, generator=random).to(last[0].bias)
    return model


@pytest.fixture(scope="session")
def pictures() -> Callable[..., Tensor]:
    return draw


@pytest.fixture(scope="session")
def responsive() -> Callable[..., nn.Module]:
    return settle


@pytest.fixture(scope="session")
def small() -> Callable[..., nn.Module]:
    """Build the small network, answering to ``x``, in evaluation mode."""

    def build(x: Tensor) -> nn.Module:
        torch.manual_seed(1)
        return settle(Small(x.shape[1]).to(x.dtype), x)

    return build


def with_ten_classes(model: nn.Module) -> nn.Module:
    """Replace the last layer that gives a score for each class."""
    name, part = [(name, part) for name, part in model.named_modules() if hasattr(part, "weight")][-1]
    if isinstance(part, nn.Linear):
        new = nn.Linear(part.in_features, 10)
    else:  # SqueezeNet
        new = nn.Conv2d(part.in_channels, 10, 1)
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)
    return model


@pytest.fixture(scope="session")
def ten_classes() -> Callable[[nn.Module], nn.Module]:
    return with_ten_classes


@pytest.fixture
def x() -> Tensor:
    """Two pictures, wider than high, in double precision."""
    return draw(2, 24, 33).double()


@pytest.fixture
def net(small, x) -> nn.Module:
    return small(x)


@pytest.fixture(autouse=True)
def prepared_for_few(monkeypatch):
    """Also a handful of squares, as tests ask for, shall be worth tracing the network."""
    monkeypatch.setattr("cnnwidgets.core.occluders.engines.PREPARATION", -float("inf"))
