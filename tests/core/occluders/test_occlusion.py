"""``occlusion`` as it is called: batches, several targets, types, the three maps, progress, errors."""

import dataclasses
import io
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from tqdm import tqdm

from cnnwidgets.core import InputError, LayerError, TargetError, list_layers, occlusion

ENGINES = ["incremental", "plain", "auto"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [1, 2, 5, 8, (3, 10), (12, 1), (99, 4), 99])
def test_sizes(size, engine, net, x, reference, agrees):
    truth = reference(net, x, size, 6, 2.5)
    spread = 0 if size == 99 else 1e-3
    found = occlusion(net, x, 3, size, 6, 2.5, engine=engine)
    if spread:
        agrees(found, truth, 3, least_spread=spread)
    else:
        torch.testing.assert_close(found.score, truth.of(truth.scores, 3), atol=1e-10, rtol=0)
    assert found.size == (size if isinstance(size, tuple) else (size, size))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("stride", [3, 7, (2, 9), (40, 4), 100])
def test_strides(stride, engine, net, x, reference, agrees):
    truth = reference(net, x, 9, stride, -1.0)
    found = occlusion(net, x, 3, 9, stride, -1.0, engine=engine)
    if stride == 100:
        torch.testing.assert_close(found.score, truth.of(truth.scores, 3), atol=1e-10, rtol=0)
        assert (found.rows.tolist(), found.columns.tolist()) == ([11], [16])
    else:
        agrees(found, truth, 3, least_spread=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_one_value_for_each_pixel_at_stride_1(engine, small, pictures, reference, agrees):
    x = pictures(1, 14, 23).double()
    net = small(x)
    found = occlusion(net, x, 0, 4, 1, engine=engine)
    assert found.probability.shape == (1, 14, 23)
    agrees(found, reference(net, x, 4, 1), 0)


@pytest.mark.parametrize("engine", ENGINES)
def test_single_precision_and_grey_pictures(engine, small, pictures, reference, agrees):
    x = pictures(3, 30, 21, channels=1)
    net = small(x)
    agrees(occlusion(net, x, 4, 7, 5, engine=engine), reference(net, x, 7, 5), 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_each_image_of_a_batch_has_its_own_class_and_map(engine, small, pictures, reference, agrees):
    x = pictures(3, 20, 27).double()
    net = small(x)
    targets = [5, 0, 2]
    found = occlusion(net, x, targets, 7, 6, engine=engine)
    agrees(found, reference(net, x, 7, 6), targets)
    for i, target in enumerate(targets):
        alone = occlusion(net, x[i : i + 1], target, 7, 6, engine=engine)
        torch.testing.assert_close(alone.probability[0], found.probability[i], atol=1e-12, rtol=0)
    for same in (torch.tensor(targets), tuple(targets)):
        assert torch.equal(occlusion(net, x, same, 7, 6, engine=engine).probability, found.probability)


@pytest.mark.parametrize("engine", ENGINES)
def test_several_targets_share_the_forward_passes(engine, net, x, reference, agrees):
    targets = [[4, 0, 3], [1, 1, 5]]
    n_pictures = 0

    def count(part, inputs, output):
        nonlocal n_pictures
        n_pictures += len(inputs[0])

    found = occlusion(net, x, targets, 7, 6, engine=engine)
    assert found.probability.shape == (2, 3, 4, 6)
    assert found.baseline.shape == (2, 3) and found.label.shape == (2, 4, 6)
    agrees(found, reference(net, x, 7, 6), targets)
    assert found.drop.shape == found.probability.shape
    torch.testing.assert_close(found.drop, found.baseline[..., None, None] - found.probability)
    # hooks make it plain, and count
    net.conv1.register_forward_hook(count)
    occlusion(net, x, targets, 7, 6)
    several, n_pictures = n_pictures, 0
    occlusion(net, x, [4, 1], 7, 6)
    assert several == n_pictures and 2 * 4 * 6 <= several <= 2 * (4 * 6 + 2) + 3


def test_a_list_of_one_target_each_keeps_its_axis(net, x):
    found = occlusion(net, x, [[4], [0]], 7, 12)
    assert found.probability.shape == (2, 1, 2, 3) and found.baseline.shape == (2, 1)
    torch.testing.assert_close(found.probability[:, 0], occlusion(net, x, [4, 0], 7, 12).probability)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layer", ["conv1", "bn", "relu", "relu#2", "pool", "conv2", "conv3"])
def test_activity_of_the_strongest_feature_map(layer, engine, net, x, reference, agrees):
    part, _, call = layer.partition("#")
    found = occlusion(net, x, 1, (8, 5), 6, layer=layer, engine=engine)
    if not call and part != "relu":  # which is called several times
        truth = reference(net, x, (8, 5), 6, layer=part)
        agrees(found, truth, 1)
        assert found.channel.tolist() == truth.strongest.tolist()
    assert found.activity.shape == found.probability.shape and found.baseline_activity.shape == (2,)
    assert found.channel.dtype == torch.int64


class Lines(nn.Module):
    """Feature maps by hand: the picture, its negative, and one that is small everywhere but in one place."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(1, 3, 1)
        self.maps.weight.data = torch.tensor([1.0, -2, 0.5]).reshape(3, 1, 1, 1)
        self.maps.bias.data = torch.zeros(3)
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(self.maps(x).mean((2, 3)))


@pytest.mark.parametrize("engine", ENGINES)
def test_activity_by_hand(engine):
    """The strongest map has the largest activation in the unoccluded image, not the largest sum."""
    x = torch.tensor([[[[5.0, 1, 1], [1, 1, 1]]], [[[-3.0, -1, -1], [2, 0, 0]]]])
    found = occlusion(Lines(), x, 0, 1, 1, fill=-10.0, layer="maps", engine=engine)
    assert found.channel.tolist() == [0, 1]
    assert found.baseline_activity.tolist() == [10, 6]
    assert found.activity[0].tolist() == [[-5, -1, -1], [-1, -1, -1]]
    assert found.activity[1].tolist() == [[20, 24, 24], [30, 26, 26]]
    chosen = occlusion(Lines(), x, 0, 1, 1, fill=-10.0, layer="maps", channel=2, engine=engine)
    assert chosen.channel.tolist() == [2, 2] and chosen.baseline_activity.tolist() == [5, -1.5]
    assert chosen.activity[0].tolist() == [[-2.5, -0.5, -0.5], [-0.5, -0.5, -0.5]]


@pytest.mark.parametrize("engine", ENGINES)
def test_activity_is_what_the_layer_returned(engine, x, reference):
    """Also if a ReLU in place writes over it afterwards."""
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ).double()
    truth = reference(net, x, 6, 8, layer="0")
    found = occlusion(net, x, 0, 6, 8, layer="0", engine=engine)
    wanted = truth.activity[torch.arange(2), :, :, found.channel]
    torch.testing.assert_close(found.activity, wanted, atol=1e-9, rtol=0)
    assert wanted.std() > 1


def test_every_listed_layer_with_maps_can_be_watched(net, x):
    for layer in list_layers(net, x.shape[1:]):
        if len(layer.output_shape) == 3:
            found = occlusion(net, x[:1], 1, 9, 11, layer=layer.name, channel=1)
            plain = occlusion(net, x[:1], 1, 9, 11, layer=layer.name, channel=1, engine="plain")
            torch.testing.assert_close(found.activity, plain.activity, atol=1e-9, rtol=1e-9)
            assert found.channel.tolist() == [1]


@pytest.mark.parametrize("engine", ENGINES)
def test_most_probable_label(engine):
    class Brightest(nn.Module):
        """The class is the column with the brightest sum."""

        def forward(self, x):
            return x.sum((1, 2))

    x = torch.tensor([[[[1.0, 5, 3, 4]]]])
    found = occlusion(Brightest(), x, 0, 1, 1, engine=engine)
    assert found.baseline_label.tolist() == [1]
    assert found.label.tolist() == [[[1, 3, 1, 1]]]


@pytest.mark.parametrize("engine", ENGINES)
def test_training_mode_is_left_alone_and_not_used(engine, net, x):
    wanted = occlusion(net, x, 0, 7, 8, engine=engine).probability
    net.train()
    net.bn.eval()
    found = occlusion(net, x, 0, 7, 8, engine=engine).probability
    assert torch.equal(found, wanted)
    assert net.training and net.drop.training and not net.bn.training


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_in_bfloat16(engine, small, pictures, reference):
    x = pictures(2, 24, 33)
    net = small(x).to(torch.bfloat16)
    truth = reference(net, x.to(torch.bfloat16), 9, 8)
    found = occlusion(net, x, 3, 9, 8, engine=engine)
    assert found.probability.dtype == found.score.dtype == found.baseline.dtype == torch.float32
    assert (found.probability - truth.of(truth.probability, 3)).abs().max() < 0.03
    spread = truth.of(truth.probability, 3)
    assert spread.max() - spread.min() > 0.06


def test_types_of_a_map(net, x):
    double = occlusion(net, x.float(), 0, 7, 8)
    assert double.probability.dtype == double.score.dtype == double.drop.dtype == torch.float64
    single = occlusion(net.float(), x, 0, 7, 8, layer="conv2")
    for name in ("probability", "score", "baseline", "baseline_score", "activity", "baseline_activity"):
        assert getattr(single, name).dtype == torch.float32, name
    for name in ("rows", "columns", "label", "baseline_label", "positions", "channel"):
        assert getattr(single, name).dtype == torch.int64, name
    tensors = [value for value in vars(single).values() if isinstance(value, torch.Tensor)]
    assert not any(tensor.requires_grad or tensor.is_inference() for tensor in tensors)
    with pytest.raises(dataclasses.FrozenInstanceError):
        single.size = (1, 1)
    single.probability[0] *= 2  # owned by the caller
    assert not torch.equal(single.probability, occlusion(net, x, 0, 7, 8).probability)


def test_the_model_may_be_a_network(net, x):
    wanted = occlusion(net, x, 0, 7, 8).probability
    assert torch.equal(occlusion(SimpleNamespace(module=net), x, 0, 7, 8).probability, wanted)
    assert torch.equal(occlusion(torch.compile(net), x, 0, 7, 8).probability, wanted)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_callers_modes(mode, net, x):
    wanted = occlusion(net, x, 0, 7, 8).probability
    with mode():
        assert torch.equal(occlusion(net, x.clone(), 0, 7, 8).probability, wanted)
    assert torch.equal(occlusion(net, x.clone().requires_grad_(), 0, 7, 8).probability, wanted)


@pytest.mark.parametrize("engine", ["incremental", "plain"])
def test_the_order_in_memory_and_the_batch_size_do_not_matter(engine, net, x):
    wanted = occlusion(net, x, 0, 7, 4, engine=engine).probability
    shaped = x.contiguous(memory_format=torch.channels_last)
    strided = torch.stack([x, x], -1)[..., 1]
    for other in (shaped, strided):
        found = occlusion(net, other, 0, 7, 4, engine=engine).probability
        torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)
    for batch_size in (1, 3, 1000):
        found = occlusion(net, x, 0, 7, 4, engine=engine, batch_size=batch_size).probability
        torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_ends_at_the_number_of_squares(engine, net, x):
    said = []
    occlusion(net, x, 0, 7, 4, engine=engine, batch_size=8, progress=lambda *now: said.append(now))
    done = [now[0] for now in said]
    assert len(said) > 3 and done == sorted(done)
    assert {now[1] for now in said} == {2 * 6 * 9} and done[-1] == 2 * 6 * 9
    with tqdm(file=io.StringIO()) as bar:
        occlusion(net, x, 0, 7, 4, engine=engine, progress=bar)
        assert bar.n == bar.total == 2 * 6 * 9


class Stop(Exception):
    pass


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", ["full", "adaptive"])
def test_an_exception_in_progress_stops_the_work(method, engine, net, x):
    calls = []

    def stop(done, total):
        calls.append(done)
        raise Stop

    net.train()
    with pytest.raises(Stop):
        occlusion(net, x, 0, 7, 2, engine=engine, method=method, batch_size=4, progress=stop)
    assert len(calls) == 1 and calls[0] < 2 * 12 * 17
    assert all(part.training for part in net.modules())


def test_why_is_a_sentence_about_the_engine(net, x):
    for engine in ENGINES:
        found = occlusion(net, x, 0, 7, 8, engine=engine)
        assert found.engine in ("incremental", "plain")
        if engine != "auto":
            assert found.engine == engine
        assert len(found.why.split()) > 2 and "\n" not in found.why


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"size": 0}, InputError, "size"),
        ({"size": -3}, InputError, "size"),
        ({"size": 2.5}, InputError, "size"),
        ({"size": "large"}, InputError, "size"),
        ({"size": (3, 0)}, InputError, "size"),
        ({"size": (3, 3, 3)}, InputError, "size"),
        ({"size": None}, InputError, "size"),
        ({"stride": 0}, InputError, "stride"),
        ({"stride": (1, -1)}, InputError, "stride"),
        ({"stride": 1.5}, InputError, "stride"),
        ({"stride": ()}, InputError, "stride"),
        ({"target": 6}, TargetError, "5"),
        ({"target": -1}, TargetError, "5"),
        ({"target": [0, 6]}, TargetError, "5"),
        ({"target": [[0, 1], [2, 99]]}, TargetError, "5"),
        ({"target": [0]}, TargetError, "2"),
        ({"target": [0, 1, 2]}, TargetError, "2"),
        ({"target": [[0], [1, 2]]}, TargetError, "same|as many|each"),
        ({"target": []}, TargetError, "target"),
        ({"target": [[], []]}, TargetError, "target"),
        ({"target": 1.0}, TargetError, "target"),
        ({"target": "cat"}, TargetError, "target"),
        ({"target": None}, TargetError, "target"),
        ({"precision": "bf16"}, ValueError, "exact.*fast"),
        ({"method": "coarse"}, ValueError, "full.*adaptive"),
        ({"engine": "quick"}, ValueError, "auto.*incremental.*plain"),
        ({"tolerance": -0.1, "method": "adaptive"}, InputError, "tolerance"),
        ({"tolerance": float("nan"), "method": "adaptive"}, InputError, "tolerance"),
        ({"batch_size": 0}, InputError, "batch_size"),
        ({"layer": "conv9"}, LayerError, "conv1"),
        ({"layer": "conv1#2"}, LayerError, "conv1"),
        ({"layer": "conv1", "channel": 8}, LayerError, "7|8"),
        ({"layer": "conv1", "channel": -1}, LayerError, "7|8"),
        ({"channel": 3}, (InputError, LayerError), "layer"),
        ({"progress": "bar"}, TypeError, "progress"),
    ],
)
@pytest.mark.parametrize("engine", ["incremental", "plain"])
def test_errors_name_the_mend(options, error, said, engine, net, x):
    net.train()
    with pytest.raises(error, match=said) as caught:
        occlusion(net, x, **({"target": 0, "size": 7, "stride": 8, "engine": engine} | options))
    assert "\n" not in str(caught.value)
    assert net.training and net.bn.training


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([[1.0]], "list"),
        (torch.zeros(3, 8, 9), r"unsqueeze\(0\)"),
        (torch.zeros(0, 3, 8, 9), "at least one pixel"),
        (torch.zeros(1, 3, 8, 9, dtype=torch.uint8), "uint8"),
        (torch.full((1, 3, 8, 9), float("inf")), "image 0"),
    ],
)
def test_what_is_no_batch_of_images(images, said, net):
    with pytest.raises(InputError, match=said):
        occlusion(net, images, 0)


def test_what_is_no_network(x):
    with pytest.raises(TypeError, match="torch.nn.Module"):
        occlusion("alexnet", x, 0)
