"""Networks whose gradients do not vanish, and what goes back through a ReLU, written out a second time."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, fx, nn

# ------------------------------------------------------------------------------------------ comparing numbers


def differ_little(found: Tensor, wanted: Tensor, tolerance: float = 1e-9) -> None:
    """Same shape, and differences within ``tolerance`` times the largest value, which is not zero."""
    found, wanted = torch.as_tensor(found), torch.as_tensor(wanted)
    assert found.shape == wanted.shape, f"{tuple(found.shape)}, not {tuple(wanted.shape)}"
    assert not found.requires_grad
    largest = wanted.abs().max()
    assert largest > 0, "all zero: nothing is compared"
    error = (found.double() - wanted.double()).abs().max() / largest
    assert error <= tolerance, f"off by {error:.1e} of the largest value, {largest:.2e}"


@pytest.fixture(scope="session")
def close() -> Callable[..., None]:
    return differ_little


# -------------------------------------------------------------------------------------------------- the rules


class Bent(torch.autograd.Function):
    """A ReLU with one of the three ways back."""

    @staticmethod
    def forward(ctx, before, rule):
        ctx.save_for_backward(before)
        ctx.rule = rule
        return before.clamp(min=0)

    @staticmethod
    def backward(ctx, signal):
        (before,) = ctx.saved_tensors
        was_positive, is_positive = (before > 0).to(signal), (signal > 0).to(signal)
        return {
            "gradient": signal * was_positive,
            "deconvnet": signal * is_positive,
            "guided": signal * is_positive * was_positive,
        }[ctx.rule], None


class Rule(nn.Module):
    rule = "gradient"

    def forward(self, x):
        return Bent.apply(x, self.rule)


_RELU_FUNCTIONS = (F.relu, F.relu_, torch.relu, torch.relu_)


def twin_of(net: nn.Module, make: Callable[[], nn.Module] = nn.ReLU) -> fx.GraphModule:
    """The same network and weights, with a ReLU module of its own, never in place, for each ReLU.

    That is what Captum and pytorch-grad-cam need.
    """
    was = [(part, part.training) for part in net.modules()]
    net.eval()  # before tracing: heads that only training has are left out
    traced = fx.symbolic_trace(net)
    for part, training in was:
        part.training = training
    count = 0
    for node in list(traced.graph.nodes):
        is_relu = (
            (node.op == "call_module" and type(traced.get_submodule(node.target)) is nn.ReLU)
            or (node.op == "call_function" and node.target in _RELU_FUNCTIONS)
            or (node.op == "call_method" and node.target in ("relu", "relu_"))
        )
        if not is_relu:
            continue
        # Its old name where it has one that is not taken yet.
        name = node.target if node.op == "call_module" else f"own_relu_{count}"
        if isinstance(getattr(traced, "taken", None), set) and name in traced.taken:
            name = f"own_relu_{count}"
        traced.taken = {*getattr(traced, "taken", ()), name}
        traced.add_submodule(name, make())
        with traced.graph.inserting_after(node):
            new = traced.graph.call_module(name, (node.args[0],))
        node.replace_all_uses_with(new)
        traced.graph.erase_node(node)
        count += 1
    traced.recompile()
    traced.n_relus = count
    return traced.eval()


@pytest.fixture(scope="session")
def twin() -> Callable[..., fx.GraphModule]:
    return twin_of


def seed_like(output: Tensor, channel: int, position: tuple[int, int] | None = None) -> Tensor:
    """The activations of one feature map, or one neuron of it, and zero everywhere else."""
    seed = torch.zeros_like(output)
    at = (slice(None), channel, *(position or ()))
    seed[at] = output.detach()[at]
    return seed


def sent_back(net, x, rule, target=None, layer=None, channel=None, position=None) -> Tensor:
    """What arrives at the pixels, by a twin of the network whose ReLUs follow the rule."""
    bent = twin_of(net, Rule)
    for part in bent.modules():
        if isinstance(part, Rule):
            part.rule = rule
    x = x.detach().clone().requires_grad_()
    seen = []
    if layer is not None:
        bent.get_submodule(layer).register_forward_hook(lambda part, inputs, output: seen.append(output))
    with torch.enable_grad():
        scores = bent(x)
        if layer is None:
            targets = [target] * len(x) if isinstance(target, int) else target
            return torch.autograd.grad(sum(s[t] for s, t in zip(scores, targets, strict=True)), x)[0]
        return torch.autograd.grad(seen[0], x, seed_like(seen[0], channel, position))[0]


@pytest.fixture(scope="session")
def by_rule() -> Callable[..., Tensor]:
    return sent_back


# --------------------------------------------------------------------------------------------------- networks


def draw(n: int = 2, height: int = 20, width: int = 26, channels: int = 3, seed: int = 0) -> Tensor:
    """Smooth pictures with some noise, in double precision."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.randn(n, channels, -(-height // 6), -(-width // 6), generator=random, dtype=torch.float64)
    fine = torch.randn(n, channels, height, width, generator=random, dtype=torch.float64)
    return F.interpolate(coarse, (height, width), mode="bilinear") + 0.3 * fine


@pytest.fixture(scope="session")
def pictures() -> Callable[..., Tensor]:
    return draw


OFFSET = 0.4  # some more ReLUs open than closed


def enliven(model: nn.Module, x: Tensor) -> nn.Module:
    """Weights from data: what each layer gives has mean ``OFFSET`` and deviation 1 on these pictures.

    With random weights as they come, the scores of deep networks hardly depend on the picture.
    """
    random = torch.Generator().manual_seed(5)
    done = set()

    def moments(values: Tensor, channels: int) -> tuple[Tensor, Tensor]:
        values = values.movedim(channels, 0).flatten(1)
        variance = values.var(1, unbiased=False)
        return values.mean(1), (variance + 0.1 * variance.mean() + 1e-12).sqrt()

    def rescale(part, inputs, output):
        if part in done:
            return None
        done.add(part)
        mean, deviation = moments(output, -1 if isinstance(part, nn.Linear) else 1)
        part.weight.data /= deviation.reshape(-1, *[1] * (part.weight.ndim - 1))
        if part.bias is not None:
            part.bias.data = (part.bias.data - mean) / deviation + OFFSET
        return part(inputs[0])

    def normalise(part, inputs, output):
        if part in done:
            return None
        done.add(part)
        mean, deviation = moments(inputs[0], 1)
        part.running_mean, part.running_var = mean.clone(), deviation**2
        part.weight.data = (0.6 + 0.8 * torch.rand(len(mean), generator=random)).to(mean)
        part.bias.data = (OFFSET + 0.3 * torch.randn(len(mean), generator=random)).to(mean)
        return part(inputs[0])

    model.eval()
    handles = [
        part.register_forward_hook(normalise if isinstance(part, nn.BatchNorm2d) else rescale)
        for part in model.modules()
        if isinstance(part, (nn.Conv2d, nn.Linear, nn.BatchNorm2d))
    ]
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return model


@pytest.fixture(scope="session")
def lively() -> Callable[[nn.Module, Tensor], nn.Module]:
    return enliven


_ARGUMENTS = {
    "googlenet": {"init_weights": False},
    "inception_v3": {"init_weights": False},
    "vgg11_bn": {"init_weights": False},
}


def build(name: str, x: Tensor, **arguments) -> nn.Module:
    """A network of torchvision with ten classes, in the precision of ``x``, that answers to the picture."""
    # Their own initialisation takes seconds; RegNet works out its widths with tensors, which need numbers.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        net = torchvision.models.get_model(
            name, weights=None, num_classes=10, **_ARGUMENTS.get(name, {}), **arguments
        )
    if name in ("alexnet", "vgg11_bn"):  # 50 and 100 million weights that show nothing
        width = 1 if name == "alexnet" else 2
        net.avgpool = nn.AdaptiveAvgPool2d((2, width))
        first, second, third = (i for i, part in enumerate(net.classifier) if isinstance(part, nn.Linear))
        channels = net.classifier[first].in_features // (36 if name == "alexnet" else 49)
        net.classifier[first] = nn.Linear(2 * width * channels, 128, device="meta")
        net.classifier[second] = nn.Linear(128, 128, device="meta")
        net.classifier[third] = nn.Linear(128, 10, device="meta")
    net = net.to_empty(device="cpu").to(x.dtype)
    random = torch.Generator().manual_seed(1)
    values = torch.randn(10_007, generator=random, dtype=x.dtype)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
        for parameter in part.parameters(recurse=False):
            n = parameter.numel()
            parameter.data = values.repeat(n // len(values) + 1)[:n].reshape(parameter.shape).clone()
    return enliven(net, x)


@pytest.fixture(scope="session")
def torchvision_network() -> Callable[..., nn.Module]:
    return build


class Small(nn.Module):
    """Strides, padding, groups, an overlapping pooling that drops a row, and ReLU modules used once."""

    def __init__(self, channels: int = 3, n_classes: int = 6) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 8, 5, stride=2, padding=2)
        self.bn = nn.BatchNorm2d(8)
        self.relu1 = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(8, 10, (1, 3), dilation=(1, 2))
        self.relu3 = nn.ReLU()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout()
        self.fc = nn.Linear(10, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu1(self.bn(self.conv1(x))))
        x = x + self.relu2(self.conv2(x))
        x = self.average(self.relu3(self.conv3(x)))
        return self.fc(self.drop(x.flatten(1)))


@pytest.fixture
def x() -> Tensor:
    """Three pictures, wider than high, in double precision."""
    return draw(3)


@pytest.fixture
def net(x) -> nn.Module:
    torch.manual_seed(1)
    return enliven(Small(x.shape[1]).to(x.dtype), x)
