"""What breaks other packages: each network has a plain twin, whose numbers come from autograd and hooks."""

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import (
    InputError,
    NetworkError,
    cam,
    deconvnet,
    grad_cam,
    grad_cam_plus_plus,
    guided_backprop,
    guided_grad_cam,
    hires_cam,
    input_gradient,
    input_x_gradient,
    integrated_gradients,
    layer_cam,
    saliency,
    score_cam,
    smooth_grad,
    upsample,
)

OF_PIXELS = {
    "input_gradient": input_gradient,
    "saliency": saliency,
    "input_x_gradient": input_x_gradient,
    "smooth_grad": lambda *given: smooth_grad(*given, n_samples=3),
    "integrated_gradients": lambda *given: integrated_gradients(*given, n_steps=3),
    "deconvnet": deconvnet,
    "guided_backprop": guided_backprop,
}
OF_LAYERS = {
    "grad_cam": grad_cam,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "layer_cam": layer_cam,
    "hires_cam": hires_cam,
    "score_cam": score_cam,
    "guided_grad_cam": guided_grad_cam,
    "deconvnet of a map": lambda net, x, target, layer: deconvnet(net, x, layer=layer, channel=2),
    "guided backprop of a neuron": lambda net, x, target, layer: guided_backprop(
        net, x, layer=layer, channel=target, position=(2, 1)
    ),
}
ALL = {
    **{name: (lambda net, x, target, call=call: call(net, x, target)) for name, call in OF_PIXELS.items()},
    "cam": cam,
    **{
        name: (lambda net, x, target, call=call: call(net, x, target, "conv3"))
        for name, call in OF_LAYERS.items()
    },
}


class Net(nn.Module):
    """Ends in global average pooling; its ReLUs and the branch before them are written in many ways."""

    def __init__(self, way: str, channels: int = 3) -> None:
        super().__init__()
        self.way = way
        self.conv1 = nn.Conv2d(channels, 6, 3, stride=2)
        self.bn = nn.BatchNorm2d(6)
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.conv3 = nn.Conv2d(6, 8, (1, 3))
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(8, 6)
        self.relus = nn.ModuleList(nn.ReLU(way == "modules in place") for _ in range(4))
        self.relu = nn.ReLU(way == "one in place")

    def bend(self, x, i):
        if self.way in ("modules", "modules in place"):
            return self.relus[i](x)
        if self.way in ("one", "one in place"):
            return self.relu(x)
        return {
            "torch": torch.relu,
            "function": F.relu,
            "function in place": lambda x: F.relu(x, inplace=True),
            "method": lambda x: x.relu(),
            "method in place": lambda x: x.relu_(),
        }[self.way](x)

    def forward(self, x):
        x = self.pool(self.bend(self.bn(self.conv1(x)), 0))
        branch = self.conv2(x)
        x = self.bend(branch.clone(), 1) + branch  # the branch goes past the ReLU
        x = self.bend(self.conv3(self.bend(x, 2)), 3)
        return self.fc(self.drop(x.mean((2, 3))))


WAYS = [
    "modules in place",
    "one",
    "one in place",
    "torch",
    "function",
    "function in place",
    "method",
    "method in place",
]


@pytest.fixture
def plain(lively, x):
    torch.manual_seed(0)
    return lively(Net("modules").double(), x)


def another(plain, way):
    net = Net(way, plain.conv1.in_channels).to(plain.fc.weight.dtype)
    net.load_state_dict(plain.state_dict(), strict=False)
    return net.eval()


def truth(name, plain, x, targets, by_rule):
    """By autograd, hooks and a ReLU of our own, where there is something simpler than the core itself."""
    back = lambda rule: by_rule(plain, x, rule, targets)  # noqa: E731
    seen = []
    handle = plain.conv3.register_forward_hook(lambda part, inputs, output: seen.append(output))
    with torch.enable_grad():
        scores = plain(x.clone().requires_grad_())
    handle.remove()
    slopes = torch.autograd.grad(scores[range(len(x)), targets].sum(), seen[0])[0]
    maps = seen[0].detach()
    coarse = (slopes.mean((2, 3), keepdim=True) * maps).sum(1).clamp(min=0)
    channels = torch.tensor(targets)
    neuron = torch.cat(
        [
            by_rule(plain, x[n : n + 1], "guided", layer="conv3", channel=channel, position=(2, 1))
            for n, channel in enumerate(targets)
        ]
    )
    weights = plain.fc.weight.detach()[channels]
    return {
        "input_gradient": lambda: back("gradient"),
        "saliency": lambda: back("gradient").abs().amax(1),
        "input_x_gradient": lambda: back("gradient") * x,
        "deconvnet": lambda: back("deconvnet"),
        "guided_backprop": lambda: back("guided"),
        "cam": lambda: torch.einsum("nk,nkhw->nhw", weights, maps.clamp(min=0)),
        "grad_cam": lambda: coarse,
        "layer_cam": lambda: (slopes.clamp(min=0) * maps).sum(1).clamp(min=0),
        "hires_cam": lambda: (slopes * maps).sum(1),
        "guided_grad_cam": lambda: back("guided") * upsample(coarse, tuple(x.shape[2:]))[:, None],
        "deconvnet of a map": lambda: by_rule(plain, x, "deconvnet", layer="conv3", channel=2),
        "guided backprop of a neuron": lambda: neuron,
    }[name]()


@pytest.fixture
def answer(plain, x, by_rule):
    """What each method should say of the pictures, computed on the plain twin."""

    def compute(name):
        targets = [4, 0, 2]
        if name in ("smooth_grad", "integrated_gradients", "score_cam", "grad_cam_plus_plus"):
            return ALL[name](plain, x, targets)  # proved elsewhere, on plain networks
        return truth(name, plain, x, targets, by_rule)

    return compute


@pytest.mark.parametrize("name", ALL)
def test_plain(name, plain, x, answer, close):
    close(ALL[name](plain, x, [4, 0, 2]), answer(name))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ALL)
def test_relus_of_every_kind(name, way, plain, x, answer, close):
    close(ALL[name](another(plain, way), x, [4, 0, 2]), answer(name))


def frozen(net, x):
    net.requires_grad_(False)


def in_training(net, x):
    net.train()


def partly_frozen(net, x):
    for parameter in (*net.conv1.parameters(), *net.fc.parameters()):
        parameter.requires_grad_(False)


def asking_for_gradients(net, x):
    x.requires_grad_()


def with_gradients(net, x):
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)


def channels_last(net, x):
    net.to(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "state", [frozen, in_training, partly_frozen, asking_for_gradients, with_gradients, channels_last]
)
@pytest.mark.parametrize("name", ALL)
def test_states_of_the_network(name, state, plain, x, answer, close):
    wanted = answer(name)
    net = another(plain, "function in place")
    state(net, x)
    close(ALL[name](net, x, [4, 0, 2]), wanted)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", ALL)
def test_callers_without_gradients(name, mode, plain, x, answer, close):
    wanted = answer(name)
    net = another(plain, "one in place")
    with mode():
        found = ALL[name](net, 1.0 * x, [4, 0, 2])  # under inference_mode, an inference tensor
        assert found.requires_grad is False
    close(found.clone(), wanted)
    assert not found.is_inference()


@pytest.mark.parametrize("name", ALL)
def test_a_network_made_without_gradients(name, plain, x, answer, close):
    wanted = answer(name)
    with torch.inference_mode():
        net = another(plain, "modules in place")
    close(ALL[name](net, x, [4, 0, 2]), wanted)
    assert all(parameter.is_inference() for parameter in net.parameters())


@pytest.mark.parametrize("name", ALL)
def test_half_precision(name, plain, x, answer):
    """bfloat16 has three digits: results are close, and of a kind that NumPy knows."""
    wanted = answer(name)
    net = another(plain, "one in place").bfloat16()
    found = ALL[name](net, x, [4, 0, 2])
    assert found.dtype == torch.float32 and found.shape == wanted.shape
    found.numpy()
    likeness = torch.cosine_similarity(found.flatten().double(), wanted.flatten(), dim=0)
    assert likeness > 0.9
    assert found.norm().item() == pytest.approx(wanted.norm().item(), rel=0.2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")
@pytest.mark.parametrize("name", ALL)
def test_another_device(name, plain, x, answer, close):
    wanted = answer(name)
    net = another(plain, "one in place").cuda()
    found = ALL[name](net, x, [4, 0, 2])
    assert found.is_cuda
    close(found.cpu(), wanted, tolerance=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_grey_and_single_precision(name, pictures, lively, by_rule):
    """One channel, float32, one picture higher than wide."""
    grey = pictures(1, 26, 21, channels=1)
    torch.manual_seed(0)
    plain = lively(Net("modules", 1).double(), grey)
    if name in ("smooth_grad", "integrated_gradients", "score_cam", "grad_cam_plus_plus"):
        wanted = ALL[name](plain, grey, [1])
    else:
        wanted = truth(name, plain, grey, [1], by_rule)
    found = ALL[name](another(plain, "method in place").float(), grey.float(), [1])
    assert found.dtype == torch.float32
    assert (found - wanted).abs().max() <= 1e-4 * wanted.abs().max()
    assert wanted.abs().max() > 0


@pytest.mark.parametrize("name", ALL)
def test_the_class_asked_for_is_the_class_shown(name, plain, x, close):
    """One at a time and all at once; none of them need be the best."""
    call = ALL[name]
    everything = call(another(plain, "one"), x, [4, 0, 2])
    for n, target in enumerate((4, 0, 2)):
        alone = call(another(plain, "one"), x[n : n + 1], target)
        if name == "smooth_grad":
            continue  # the noise of a picture depends on its place
        torch.testing.assert_close(everything[n : n + 1], alone, rtol=1e-9, atol=1e-12)


class Dict(nn.Module):
    def __init__(self, net, kind):
        super().__init__()
        self.net, self.kind = net, kind

    def forward(self, x):
        scores = self.net(x)
        return {
            "dict": lambda: {"logits": scores, "other": None},
            "tuple": lambda: (scores, x),
            "map": lambda: scores[:, :, None, None],
        }[self.kind]()


@pytest.mark.parametrize("kind", ["dict", "tuple", "map"])
@pytest.mark.parametrize("name", OF_PIXELS)
def test_whatever_the_network_returns(name, kind, plain, x, close):
    wrapped = Dict(another(plain, "one in place"), kind)
    close(OF_PIXELS[name](wrapped, x, [4, 0, 2]), OF_PIXELS[name](plain, x, [4, 0, 2]))


def test_a_network_of_the_package_is_as_good_as_its_module():
    network = cw.load("toynet")
    x = torch.randn(2, *network.input_shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(saliency(network, x, [1, 2]), saliency(network.module, x, [1, 2]))


def test_two_threads_at_once(plain, x, close):
    """A DeconvNet in one thread bends no ReLU of another thread."""
    net, other = another(plain, "function"), another(plain, "function in place")
    wanted = {input_gradient: input_gradient(plain, x, 1), deconvnet: deconvnet(plain, x, 1)}
    found, errors = {input_gradient: [], deconvnet: []}, []

    def work(call, model):
        try:
            for _ in range(15):
                found[call].append(call(model, x, 1))
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=given) for given in ((input_gradient, net), (deconvnet, other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    for call, results in found.items():
        assert len(results) == 15
        for each in results:
            close(each, wanted[call])


def test_checkpoints(plain, x, close):
    """Parts that are run again on the way back, to save memory, obey no rule: that is said, not hidden."""
    from torch.utils.checkpoint import checkpoint

    class Forgetful(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            net = self.net
            x = net.pool(F.relu(net.bn(net.conv1(x))))

            def block(x):
                branch = net.conv2(x)
                return F.relu(branch) + branch

            x = checkpoint(block, x, use_reentrant=False)
            return net.fc(F.relu(net.conv3(F.relu(x))).mean((2, 3)))

    net = Forgetful(plain)
    close(input_gradient(net, x, [4, 0, 2]), input_gradient(plain, x, [4, 0, 2]))
    close(grad_cam(net, x, 1, "net.conv3"), grad_cam(plain, x, 1, "conv3"))
    for call in (deconvnet, guided_backprop):
        with pytest.raises(NetworkError, match="checkpoint"):
            call(net, x, [4, 0, 2])


def test_hooks_of_the_user_still_count(plain, x, close):
    """A hook that halves what a layer says halves the score, and the slopes."""
    net = another(plain, "one in place")
    net.fc.register_forward_hook(lambda part, inputs, output: output / 2)
    close(input_gradient(net, x, 1), input_gradient(plain, x, 1) / 2)


class Detached(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.conv, self.fc, self.how = nn.Conv2d(3, 4, 3), nn.Linear(4, 2), how

    def forward(self, x):
        if self.how == "no_grad":
            with torch.no_grad():
                return self.fc(F.relu(self.conv(x)).mean((2, 3)))
        return self.fc(F.relu(self.conv(x)).mean((2, 3))).detach()


@pytest.mark.parametrize("how", ["no_grad", "detach"])
@pytest.mark.parametrize("call", [saliency, deconvnet, guided_backprop, smooth_grad, integrated_gradients])
def test_a_network_that_cuts_the_way_back_is_named(call, how, x):
    with pytest.raises(NetworkError, match="no_grad|detach"):
        call(Detached(how).double(), x, 0)


@pytest.mark.parametrize("name", ALL)
def test_pictures_that_cannot_be_used(name, plain, x):
    for bad, says in (
        (x[0], "batch"),
        (x.long(), "float"),
        (torch.full_like(x, float("nan")), "NaN"),
        (x.numpy(), "Tensor"),
    ):
        with pytest.raises(InputError, match=says):
            ALL[name](plain, bad, [4, 0, 2])


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_network(name, x):
    with pytest.raises(TypeError, match="Module"):
        ALL[name]("alexnet", x, 0)


class Overwritten(nn.Module):
    """Writes into what its ReLU returned, which autograd needs."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x[:, :2] -= 0.3
        return self.fc(x.mean((2, 3)))


def test_a_network_that_cannot_be_trained_is_named(x):
    with pytest.raises(NetworkError, match="in-place"):
        input_gradient(Overwritten().double(), x, 0)
