"""Score-CAM by its definition, map by map."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import InputError, LayerError, TargetError, score_cam


def by_definition(net, x, target, layer):
    """One picture (C, H, W) after the other, one map after the other (Wang et al., 2020, algorithm 1)."""
    seen = []
    handle = net.get_submodule(layer).register_forward_hook(lambda part, inputs, output: seen.append(output))
    with torch.no_grad():
        net(x[None].clone())
        handle.remove()
        maps = seen[0][0].clone()
        scores, kept = [], []
        for one in maps:
            if one.max() == one.min():
                continue
            mask = F.interpolate(one[None, None], x.shape[1:], mode="bilinear", align_corners=False)[0, 0]
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            scores.append(net((x * mask)[None])[0, target])
            kept.append(one)
        if not kept:
            return torch.zeros_like(maps[0])
        weights = torch.stack(scores).softmax(0)
        return sum(weight * one for weight, one in zip(weights, kept, strict=True)).clamp(min=0)


@pytest.mark.parametrize("layer", ["conv1", "relu1", "pool", "relu2", "relu3"])
def test_by_definition(layer, net, x, close):
    targets = [int(scores.argmin()) for scores in net(x)]
    wanted = torch.stack(
        [by_definition(net, one, target, layer) for one, target in zip(x, targets, strict=True)]
    )
    close(score_cam(net, x, targets, layer), wanted)
    for batch_size in (1, 3):
        close(score_cam(net, x, targets, layer, batch_size=batch_size), wanted)


def test_several_classes_share_the_passes(net, x, close):
    calls = []
    handle = net.conv1.register_forward_hook(lambda part, inputs, output: calls.append(len(output)))
    both = score_cam(net, x, [[4, 1], [0, 1], [2, 1]], "relu3")
    masked = sum(calls)
    calls.clear()
    one = score_cam(net, x, [4, 0, 2], "relu3")
    assert sum(calls) == masked
    handle.remove()
    assert both.shape == (3, 2, *one.shape[1:])
    close(both[:, 0], one)
    close(both[:, 1], score_cam(net, x, 1, "relu3"))


def test_constant_maps_are_left_out(pictures, close):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ).double()
    net[0].weight.data[2], net[0].bias.data[2] = 0, 0.7  # says 0.7 everywhere
    net[0].weight.data[3], net[0].bias.data[3] = 0, -1.0  # is dead
    x = pictures(2, 8, 11)
    wanted = torch.stack([by_definition(net, one, 1, "1") for one in x])
    close(score_cam(net, x, 1, "1"), wanted)

    net[0].weight.data[:] = 0
    assert (score_cam(net, x, 1, "1") == 0).all()  # nothing to choose from, and no NaN


def test_only_positive_evidence_is_shown(net, x):
    assert score_cam(net, x, 0, "conv1").min() >= 0


def test_progress_and_its_exceptions(net, x):
    said = []
    score_cam(net, x, 1, "conv2", batch_size=3, progress=lambda *now: said.append(now))
    assert said[-1][0] == said[-1][1] and len(said) > 4
    assert [done for done, _ in said] == sorted(done for done, _ in said)

    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    with pytest.raises(Stop):
        score_cam(net, x, 1, "conv2", batch_size=2, progress=stop)


def test_what_cannot_be(net, x):
    with pytest.raises(LayerError, match="map"):
        score_cam(net, x, 1, "fc")
    with pytest.raises(LayerError, match="conv1"):
        score_cam(net, x, 1, "conv11")
    with pytest.raises(TargetError, match="5"):
        score_cam(net, x, 6, "conv1")
    with pytest.raises(InputError, match="batch_size"):
        score_cam(net, x, 1, "conv1", batch_size=0)
    with pytest.raises(TypeError, match="progress"):
        score_cam(net, x, 1, "conv1", progress=3)
