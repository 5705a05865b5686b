"""Networks that write over what they use, keep things, draw numbers, mix a batch: right, and left alone."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import InputError, Occluder, TargetError, fill_pixels, occlusion
from cnnwidgets.core.occluders import OcclusionRun


class Careless(nn.Module):
    """Two convolutions with something in between."""

    def __init__(self, between):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, 2, padding=1)
        self.fc = nn.Linear(6, 4)
        self.register_buffer("buf", torch.zeros(6))
        self.block, self.acts, self.steps = nn.Identity(), {"old": 1}, [1]
        self.between = between
        nn.init.normal_(self.fc.weight, std=2)

    def forward(self, x):
        return self.fc(F.relu(self.c2(self.between(self, self.c1(x)))).mean((2, 3)))


def written_by(function, *args):
    def between(net, y):
        function(y, *args)
        return y

    return between


WRITERS = {
    "clamp_": written_by(torch.clamp_, 0.0),
    "sigmoid_": written_by(torch.sigmoid_),
    "tanh_": written_by(torch.tanh_),
    "exp_": written_by(torch.exp_),
    "neg_": written_by(torch.neg_),
    "leaky_relu_": written_by(F.leaky_relu_),
    "elu_": written_by(F.elu_),
    "hardtanh_": written_by(F.hardtanh_),
    "threshold_": written_by(F.threshold_, 0.1, 0.2),
    "clamp_min_ of a tensor": written_by(lambda y: y.clamp_min_(0.0)),
    "mul_ of a tensor": written_by(lambda y: y.mul_(3.0)),
    "twice": lambda net, y: F.elu_(y) + y,
}


@pytest.fixture
def made():
    def make(between):
        torch.manual_seed(3)
        return Careless(between).double().eval()

    return make


@pytest.mark.parametrize("engine", ["incremental", "auto"])
@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_over_is_seen_by_all_that_follows(name, engine, made, x, reference):
    net = made(WRITERS[name])
    truth = reference(net, x[:1], 9, 6, -1.0, layer="c1")
    found = occlusion(net, x[:1], 2, 9, 6, -1.0, layer="c1", engine=engine)
    assert (truth.scores.amax((0, 1, 2)) - truth.scores.amin((0, 1, 2))).max() > 1e-4
    torch.testing.assert_close(found.score[0], truth.scores[0, ..., 2], atol=1e-10, rtol=1e-8)
    activity = truth.activity[0, ..., truth.strongest[0]]
    torch.testing.assert_close(found.activity[0], activity, atol=1e-8, rtol=1e-8)


def test_the_image_is_never_written_to(made, x):
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.Conv2d(1, 3, 3)

        def forward(self, x):
            x.clamp_min_(0)
            return self.c(x).mean((2, 3))

    grey = x[:1, :1].clone()
    occluder = Occluder(First().double(), grey, engine="incremental")
    occluder.occlude([4, 9], [3, 20], 5, "mean")
    assert torch.equal(occluder.x, grey)


@pytest.mark.parametrize("limit", [lambda y: y.amax(2, keepdim=True), lambda y: y.amax((2, 3), keepdim=True)])
def test_maps_of_another_shape_are_no_companions(limit, made, x, reference):
    net = made(lambda net, y: torch.clamp(y, max=0.5 * limit(y)))
    truth = reference(net, x[:1], 9, 6, -1.0)
    found = occlusion(net, x[:1], 2, 9, 6, -1.0)
    torch.testing.assert_close(found.score[0], truth.scores[0, ..., 2], atol=1e-10, rtol=1e-8)


def test_a_network_that_mixes_its_batch_gets_one_image_at_a_time(made, x, reference):
    net = made(lambda net, y: (y - y.mean()) / y.std())
    truth = reference(net, x[:1], 9, 6, -1.0, batch_size=1)
    found = occlusion(net, x[:1], 2, 9, 6, -1.0)
    torch.testing.assert_close(found.score[0], truth.scores[0, ..., 2], atol=1e-10, rtol=1e-8)
    assert found.engine == "plain" and "mixes" in found.why


@pytest.mark.parametrize("default", [(2, 3), [2, 3], {"a": 1}, ("a", "b")])
def test_containers_as_defaults(default, x, reference):
    class Defaults(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.Conv2d(3, 4, 3)

        def forward(self, x, dims=default):
            return F.relu(self.c(x)).mean((2, 3))

    torch.manual_seed(0)
    net = Defaults().double()
    truth = reference(net, x[:1], 9, 6, -1.0)
    found = occlusion(net, x[:1], 2, 9, 6, -1.0)
    torch.testing.assert_close(found.score[0], truth.scores[0, ..., 2], atol=1e-10, rtol=1e-8)


@pytest.mark.parametrize("form", ["tuple", "dict"])
def test_parameters_and_buffers_among_the_outputs(form, made, x, reference):
    class Told(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net, self.scale = net, nn.Parameter(torch.ones(1).double())

        def forward(self, x):
            scores = self.net(x)
            return (scores, self.scale) if form == "tuple" else {"logits": scores, "scale": self.net.buf}

    net = made(lambda net, y: F.relu(y))
    truth = reference(net, x[:1], 9, 6, -1.0)
    found = occlusion(Told(net), x[:1], 2, 9, 6, -1.0, engine="incremental")
    torch.testing.assert_close(found.score[0], truth.scores[0, ..., 2], atol=1e-10, rtol=1e-8)


def test_a_layer_inside_one_that_is_not_traced(x):
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.Conv2d(3, 8, 4, 4)
            self.enc = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.fc = nn.Linear(8, 3)

        def forward(self, x):
            return self.fc(self.enc(self.c(x).flatten(2).transpose(1, 2)).mean(1))

    net = Tokens().double().train()  # in evaluation mode torch takes a fast path that skips the layers inside
    plain = occlusion(net, x[:1], 0, 9, 8, layer="c", engine="plain")
    found = occlusion(net, x[:1], 0, 9, 8, layer="c")
    torch.testing.assert_close(found.activity, plain.activity, atol=1e-8, rtol=1e-8)


def keeps(net, y):
    net.buf.copy_(y.mean((0, 2, 3)))
    net.seen = net.block.last = net.acts["c"] = y
    net.steps.append(y)
    return F.relu(F.dropout(y, 0.1))


@pytest.mark.parametrize("engine", ["auto", "plain"])
def test_nothing_of_a_trace_is_left(engine, made, x):
    net = made(keeps)
    buffer, random = net.buf.clone(), torch.get_rng_state()
    occlusion(net, x[:1], 2, 9, 6, engine=engine)
    assert torch.equal(net.buf, buffer) and torch.equal(torch.get_rng_state(), random)
    held = [getattr(net, "seen", None), getattr(net.block, "last", None), *net.acts.values(), *net.steps]
    assert not any(isinstance(each, torch.fx.Proxy) for each in held)


def test_it_says_that_the_machine_has_no_bfloat16(made, x, monkeypatch):
    monkeypatch.setattr("cnnwidgets.core.occluders.occluder.has_bfloat16", lambda device: False)
    found = occlusion(made(lambda net, y: F.relu(y)), x[:1], 2, 9, 6, precision="fast")
    assert found.precision == "exact" and found.error is None and "no bfloat16" in found.why


def test_changes_of_a_network_are_noticed(made, x):
    net = made(lambda net, y: F.relu(y))
    occluder = Occluder(net, x[:1])
    assert occluder.is_current()
    with torch.no_grad():
        net.c1.weight.mul_(2)
    assert not occluder.is_current()
    occluder = Occluder(net, x[:1])
    net.block = nn.Tanh()
    assert not occluder.is_current()


def test_options_of_a_run_that_make_no_sense(made, x):
    occluder = Occluder(made(lambda net, y: F.relu(y)), x[:1])
    for classes in ([77], [-1]):
        with pytest.raises(TargetError, match="0 to 3"):
            OcclusionRun(occluder, 9, 6, classes=classes)
    with pytest.raises(InputError, match="batch_size"):
        OcclusionRun(occluder, 9, 6, batch_size=0)
    with pytest.raises(InputError, match="blur"):
        OcclusionRun(occluder, 9, 6, fill="blur")


def test_fills_as_arrays(x):
    array = x[0].numpy() * 0 + 2
    with pytest.raises(InputError, match="fill"):
        fill_pixels(x, array)
