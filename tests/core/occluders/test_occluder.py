"""What explorers use: one image, squares wherever the hand is; a map that grows sharper batch by batch."""

import sys
import threading

import numpy as np
import pytest
import torch

from cnnwidgets.core import InputError, LayerError, Occluder, OcclusionRun, TargetError, occlusion

ENGINES = ["incremental", "plain", "auto"]


@pytest.mark.parametrize("engine", ENGINES)
def test_any_squares_in_any_order(engine, net, x, reference):
    occluder = Occluder(net, x[:1], engine=engine)
    rows, columns = [23, 0, 11, 11, 0, 5, 23], [0, 32, 16, 16, 0, 31, 32]
    for size in (1, 6, (3, 12), 50):
        found = occluder.occlude(rows, columns, size, -1.0)
        assert found.scores.shape == (7, 6) and found.activity is None
        for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
            wanted = reference(net, x[:1], size, at=([row], [column]), pixels=-1.0).scores[0, 0, 0]
            torch.testing.assert_close(found.scores[i], wanted, atol=1e-10, rtol=0)
    assert occluder.why


@pytest.mark.parametrize("engine", ENGINES)
def test_size_and_fill_may_change_from_call_to_call(engine, net, x, reference):
    occluder = Occluder(net, x[:1], engine=engine)
    picture = torch.randn(3, 24, 33, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    for size, fill, pixels in ((5, 0.0, 0.0), (9, picture, picture), (5, 1.0, 1.0), (2, picture, picture)):
        found = occluder.occlude([4, 20], [9, 30], size, fill).scores
        truth = reference(net, x[:1], size, at=([4, 20], [9, 30]), pixels=pixels).scores
        torch.testing.assert_close(found, torch.stack([truth[0, 0, 0], truth[0, 1, 1]]), atol=1e-10, rtol=0)
    fills = ("mean", "blurred", "noise", "elsewhere")
    words = [occluder.occlude([12], [9], 9, word).scores for word in fills]
    assert len({tuple(each[0].tolist()) for each in words}) == 4
    torch.testing.assert_close(occluder.occlude([12], [9], 9, "noise").scores, words[2])


def test_a_fill_that_was_written_into_since_is_read_anew(net, x):
    occluder = Occluder(net, x[:1])
    picture = torch.zeros_like(x[0])
    before = occluder.occlude([12], [9], 9, picture).scores
    picture += 1
    after = occluder.occlude([12], [9], 9, picture).scores
    torch.testing.assert_close(after, occluder.occlude([12], [9], 9, 1.0).scores, atol=1e-10, rtol=0)
    assert not torch.allclose(before, after)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_baseline(engine, net, x):
    with torch.no_grad():
        wanted = net(x[:1])
    occluder = Occluder(net, x[:1], layer="conv3", engine=engine)
    torch.testing.assert_close(occluder.baseline.scores, wanted, atol=1e-10, rtol=0)
    assert occluder.baseline.activity.shape == (1,)
    found = occluder.occlude([3, 3], [5, 5], 4, 0.0)
    assert found.activity.shape == (2,) and found.activity[0] == found.activity[1]
    assert Occluder(net, x[:1], engine=engine).baseline.activity is None
    assert found.scores.device.type == "cpu" and not found.scores.requires_grad
    assert not found.scores.is_inference()


def test_the_picture_may_be_written_into_afterwards(net, x):
    occluder = Occluder(net, x[:1])
    before = occluder.occlude([3], [5], 4, 0.0).scores
    x.zero_()
    assert torch.equal(occluder.occlude([3], [5], 4, 0.0).scores, before)


def test_answers_belong_to_the_caller(net, x):
    occluder = Occluder(net, x[:1])
    first = occluder.occlude([3], [5], 4, 0.0).scores
    kept = first.clone()
    first.zero_()
    assert torch.equal(occluder.occlude([3], [5], 4, 0.0).scores, kept)
    occluder.baseline.scores.zero_()
    assert torch.equal(occluder.occlude([3], [5], 4, 0.0).scores, kept)


@pytest.mark.parametrize("engine", ["incremental", "plain"])
@pytest.mark.parametrize(
    ("rows", "columns", "size", "fill", "said"),
    [
        ([0, 1], [0], 3, 0.0, "rows and columns|one"),
        ([], [], 3, 0.0, "one"),
        ([-1], [0], 3, 0.0, "23"),
        ([24], [0], 3, 0.0, "23"),
        ([0], [33], 3, 0.0, "32"),
        ([0.5], [0], 3, 0.0, "whole"),
        ([0], [0], 0, 0.0, "size"),
        ([0], [0], 3, "grey", "fill"),
    ],
)
def test_squares_that_make_no_sense(rows, columns, size, fill, said, engine, net, x):
    occluder = Occluder(net, x[:1], engine=engine)
    with pytest.raises(InputError, match=said):
        occluder.occlude(rows, columns, size, fill)


def test_errors_of_an_occluder(net, x):
    with pytest.raises(InputError, match="one image"):
        Occluder(net, x)
    with pytest.raises(LayerError, match="conv"):
        Occluder(net, x[:1], layer="conv0")
    with pytest.raises((InputError, LayerError)):
        Occluder(net, x[:1], channel=2)
    with pytest.raises(InputError, match="exact"):
        Occluder(net, x[:1], precision="slow")


# ------------------------------------------------------------------------------------------------------ run


def steps(run: OcclusionRun) -> list:
    """Run to the end; what is known after each step."""
    known = []
    while run.step():
        known.append(torch.tensor(run.known))
    return known


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_ends_with_the_map(engine, net, x, reference):
    run = OcclusionRun(Occluder(net, x[:1], engine=engine), 7, (2, 3), 0.5)
    assert run.probability.shape == (12, 11, 6) and np.isnan(run.probability).all()
    assert not run.known.any() and run.done == 0 and run.total == 12 * 11
    while run.step():
        assert np.array_equal(~np.isnan(run.probability).any(-1), run.known)
        assert run.done == int(run.known.sum()) <= run.total
    assert run.known.all() and run.done == run.total
    assert not run.step(), "it stays at the end"
    truth = reference(net, x[:1], 7, (2, 3), 0.5)
    np.testing.assert_allclose(run.probability, truth.probability[0], atol=1e-9)


def test_coarse_to_fine(small, pictures):
    """The first steps cover the whole picture; each level has about four times as many values as the last."""
    x = pictures(1, 96, 128)
    run = OcclusionRun(Occluder(small(x), x), 16, 2, 0.0)
    known = steps(run)
    first = next(each for each in known if each.sum() >= 48)
    rows, columns = (sorted(set(at.tolist())) for at in first.nonzero().T)
    assert len(rows) <= 8 and len(columns) <= 8
    assert max(rows) - min(rows) > 0.7 * 48 and max(columns) - min(columns) > 0.7 * 64
    for one, other in zip(known, known[1:], strict=False):
        assert other[one].all()
    # nowhere is a hole of more than a few cells once half is known
    half = next(each for each in known if each.float().mean() >= 0.5).float()
    assert torch.nn.functional.avg_pool2d(half[None, None], 5, 5).min() > 0


def test_a_run_may_be_adaptive(small, pictures):
    x = pictures(1, 48, 66).double()
    occluder = Occluder(small(x), x)
    full = OcclusionRun(occluder, 9, 1, 0.0)
    adaptive = OcclusionRun(occluder, 9, 1, 0.0, method="adaptive", tolerance=0.05)
    steps(full)
    steps(adaptive)
    at = adaptive.computed
    assert 0.03 < at.mean() < 0.9 and adaptive.known.all() and adaptive.done == adaptive.total
    np.testing.assert_allclose(adaptive.probability[at], full.probability[at], atol=1e-9)


def test_a_run_is_what_occlusion_gives(net, x):
    for method in ("full", "adaptive"):
        run = OcclusionRun(Occluder(net, x[:1]), 7, 2, 0.5, method=method, tolerance=0.03)
        steps(run)
        found = occlusion(net, x[:1], 2, 7, 2, 0.5, method=method, tolerance=0.03)
        at = run.computed & found.computed[0].numpy()
        np.testing.assert_allclose(run.probability[at][:, 2], found.probability[0].numpy()[at], atol=1e-9)
        if method == "full":
            assert at.all()


def test_two_runs_share_an_occluder(net, x):
    occluder = Occluder(net, x[:1])
    one, other = OcclusionRun(occluder, 7, 3, 0.0), OcclusionRun(occluder, 4, 5, 1.0)
    going = True
    while going:
        going = one.step() | other.step()
    for run, size, stride, fill in ((one, 7, 3, 0.0), (other, 4, 5, 1.0)):
        alone = occlusion(net, x[:1], 2, size, stride, fill).probability[0]
        np.testing.assert_allclose(run.probability[..., 2], alone, atol=1e-9)


def test_two_threads_share_an_occluder(net, x):
    """The hand drags while the map is computed."""
    occluder = Occluder(net, x[:1], engine="incremental")
    squares = [4, 20, 9], [9, 30, 2]
    fills = {5: 0.0, 9: "noise"}
    wanted = {size: occluder.occlude(*squares, size, fill).scores for size, fill in fills.items()}
    failures = []

    def work(size):
        try:
            for _ in range(40):
                found = occluder.occlude(*squares, size, fills[size]).scores
                torch.testing.assert_close(found, wanted[size], atol=1e-10, rtol=0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(size,)) for size in fills]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failures, failures[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 0}, "size"),
        ({"stride": 0}, "stride"),
        ({"fill": "grey"}, "fill"),
        ({"method": "slow"}, "full"),
        ({"tolerance": -1}, "tolerance"),
    ],
)
def test_errors_of_a_run(options, said, net, x):
    with pytest.raises(ValueError, match=said):
        OcclusionRun(Occluder(net, x[:1]), **({"size": 5, "stride": 5, "fill": 0.0} | options)).step()


def test_a_class_out_of_range_says_the_range(net, x):
    with pytest.raises(TargetError, match="0 to 5|6 classes"):
        occlusion(net, x, 6, 7, 8)


def test_few_squares_are_not_worth_a_trace(net, x, monkeypatch):
    monkeypatch.setattr("cnnwidgets.core.occluders.engines.PREPARATION", 3600.0)
    occluder = Occluder(net, x[:1])
    first = occluder.occlude([3, 5], [4, 9], 6)
    assert occluder.engine == "plain" and "too few" in occluder.why
    monkeypatch.setattr("cnnwidgets.core.occluders.engines.PREPARATION", 0.0)
    occluder.expect(10**9)
    second = occluder.occlude([3, 5], [4, 9], 6)
    assert "too few" not in occluder.why
    torch.testing.assert_close(first.scores, second.scores, atol=1e-9, rtol=0)


class Counted(torch.nn.Module):
    """Counts its forward passes, other than those that torch.fx traces."""

    def __init__(self, inside):
        super().__init__()
        self.inside, self.times = inside, 0

    def forward(self, x):
        self.times += isinstance(x, torch.Tensor)
        return self.inside(x)


@pytest.mark.parametrize("layer", [None, "inside.conv3"])
def test_many_squares_announced_save_a_forward_pass(layer, net, x):
    few, many = Counted(net), Counted(net)
    wanted = Occluder(few, x[:1], layer=layer, engine="incremental")
    found = Occluder(many, x[:1], layer=layer, expected=1000)
    assert found.engine == "incremental"
    passes = 1 if layer is None else 2  # one to watch the layer
    assert few.times - many.times == passes
    assert found.channel == wanted.channel
    torch.testing.assert_close(found.baseline.scores, wanted.baseline.scores, atol=1e-10, rtol=0)
    if layer:
        torch.testing.assert_close(found.baseline.activity, wanted.baseline.activity, atol=1e-10, rtol=0)
    answers = [each.occlude([3, 20], [5, 30], 9, 0.0) for each in (found, wanted)]
    torch.testing.assert_close(answers[0].scores, answers[1].scores, atol=1e-10, rtol=0)
    before = many.times
    Occluder(many, x[1:2], layer=layer, like=found, expected=1000)
    assert many.times > before  # another image is compared with the network, too


class Remembering(torch.nn.Module):
    """Gives scores that torch.fx cannot see to depend on the image."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return torch.cat(
            [self.scale * x.mean((2, 3)), torch.full((len(x), 1), float(x.detach().numpy().max())).to(x)], 1
        )


class Told(torch.nn.Module):
    """Is traced without complaint, and then computes something else."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)

    def forward(self, x):
        scores = self.conv(x).mean((2, 3))
        return scores + 1 if isinstance(x, torch.fx.Proxy) else scores


@pytest.mark.parametrize("model", [Told, Remembering])
def test_many_squares_announced_of_a_network_that_cannot_be_traced(model, x, reference):
    net = model().double()
    occluder = Occluder(net, x[:1].double(), expected=1000)
    assert occluder.engine == "plain"
    with torch.no_grad():
        torch.testing.assert_close(occluder.baseline.scores, net(x[:1].double()))
    truth = reference(net, x[:1].double(), 9, at=([3], [5]), pixels=0.0).scores[0, 0, 0]
    torch.testing.assert_close(occluder.occlude([3], [5], 9, 0.0).scores[0], truth, atol=1e-10, rtol=0)


def test_a_rejected_trace_leaves_nothing_behind(x):
    """Not even the feature map that it would have watched."""

    class Wrong(Told):
        def __init__(self):
            super().__init__()
            self.relu = torch.nn.ReLU()

        def forward(self, x):
            maps = self.conv(x)
            return self.relu(maps.flip(1) if isinstance(x, torch.fx.Proxy) else maps).mean((2, 3))

    torch.manual_seed(0)
    net = torch.nn.Sequential(Wrong()).double()
    found = Occluder(net, x[:1].double(), layer="0.relu", expected=1000)
    wanted = Occluder(net, x[:1].double(), layer="0.relu", engine="plain")
    assert found.engine == "plain" and found.channel == wanted.channel
    torch.testing.assert_close(found.baseline.activity, wanted.baseline.activity)
