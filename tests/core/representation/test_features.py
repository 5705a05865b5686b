"""Vectors of images: the layer before the classifier, found by watching the run, or any other."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.core import Features, InputError, LayerError, NetworkError, capture, feature_batches, features


class Net(nn.Module):
    """Ends as asked for; H and W are not alike."""

    def __init__(self, end="linear"):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.fc6, self.fc7 = nn.Linear(6, 5), nn.Linear(5, 4)
        self.last = nn.Conv2d(6, 4, 1)
        self.end = end

    def forward(self, x):
        x = F.relu(self.conv(x))
        if self.end == "convolution":
            return self.last(F.adaptive_avg_pool2d(x, 1)).flatten(1)
        if self.end == "maps":  # classifier first, pooling last
            return self.last(x).mean((2, 3))
        x = F.relu(self.fc6(x.mean((2, 3))))
        if self.end == "function":
            return F.linear(x, self.fc7.weight, self.fc7.bias)
        scores = self.fc7(x)
        return {"logits": scores} if self.end == "dict" else scores


@pytest.fixture
def x():
    return torch.randn(5, 3, 8, 11, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "before"),
    [("alexnet", "classifier.5"), ("vgg11", "classifier.5"), ("resnet18", "avgpool"), ("squeezenet1_1", None),
     ("densenet121", None), ("googlenet", "avgpool"), ("mobilenet_v2", None), ("mobilenet_v3_small", None),
     ("efficientnet_b0", "avgpool"), ("convnext_tiny", "classifier.1"), ("vit_b_16", None)],
)  # fmt: skip
def test_the_vector_before_the_classifier_of_torchvision_networks(name, before):
    options = {"init_weights": False} if name == "googlenet" else {}
    if name == "vit_b_16":
        options = {"image_size": 64}
    net = getattr(torchvision.models, name)(weights=None, **options).eval()
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    if name == "squeezenet1_1":
        with pytest.raises(NetworkError, match="name a layer"):
            features(net, x)
        return
    given = []
    linear = [part for part in net.modules() if isinstance(part, nn.Linear) and part.out_features == 1000][-1]
    handle = linear.register_forward_pre_hook(lambda part, inputs: given.append(inputs[0].detach().clone()))
    with torch.no_grad():
        net(x)
    handle.remove()
    found = features(net, x)
    assert found.vectors.dtype == np.float32 and found.layer == "before the classifier"
    np.testing.assert_allclose(found.vectors, given[0].flatten(1).numpy(), atol=1e-4)
    if before is not None:
        np.testing.assert_allclose(
            found.vectors, capture(net, x, before)[before].flatten(1).numpy(), atol=1e-4
        )


@pytest.mark.parametrize("softmax", [nn.LogSoftmax(1), nn.Softmax(1)])
def test_a_network_that_ends_in_a_softmax(softmax, x):
    net = Net()
    assert np.array_equal(features(nn.Sequential(net, softmax), x).vectors, features(net, x).vectors)


def test_the_name_that_is_told_can_be_asked_for(x):
    net = Net()
    found = features(net, x)
    assert np.array_equal(features(net, x, found.layer).vectors, found.vectors)


def test_tokens_are_not_averaged_over_the_wrong_axis(x):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(2), nn.Flatten(), nn.LazyLinear(5))
    net(x)
    with pytest.raises(LayerError, match="of which nobody knows what to average: pool='flatten'"):
        features(net, x, "1")
    assert features(net, x, "1", pool="flatten").vectors.ndim == 2


@pytest.mark.parametrize("end", ["linear", "function", "dict", "convolution"])
def test_however_the_network_ends(end, x):
    net = Net(end)
    maps = F.relu(net.conv(x))
    wanted = maps.mean((2, 3)) if end == "convolution" else F.relu(net.fc6(maps.mean((2, 3))))
    found = features(net, x, batch_size=2)
    np.testing.assert_allclose(found.vectors, wanted.detach().numpy(), atol=1e-6)
    assert found.numbers.tolist() == [0, 1, 2, 3, 4]


def test_a_network_that_does_not_end_in_a_linear_layer(x):
    with pytest.raises(NetworkError, match="do not come from a linear layer.*name a layer"):
        features(Net("maps"), x)
    assert features(Net("maps"), x, "conv").vectors.shape == (5, 6)


def test_toynet_has_256_numbers():
    town = cw.data.Toytown("test")
    network = cw.load("toynet")
    found = features(network, [town[i].image for i in range(3)])
    assert found.vectors.shape == (3, 256)
    x = torch.cat([network.read(town[i].image) for i in range(3)])
    np.testing.assert_allclose(found.vectors, capture(network, x, "relu7")["relu7"].numpy(), atol=1e-5)


def test_pooling_and_pixels(x):
    net = Net()
    maps = net.conv(x).detach()
    for pool, wanted in (
        ("mean", maps.mean((2, 3))),
        ("max", maps.amax((2, 3))),
        ("flatten", maps.flatten(1)),
    ):
        np.testing.assert_allclose(features(net, x, "conv", pool=pool).vectors, wanted.numpy(), atol=1e-6)
    assert np.array_equal(features(net, x, "pixels").vectors, x.flatten(1).numpy())


def test_it_is_saved_and_loaded(tmp_path, x):
    net = Net()
    found = features(net, x)
    found.save(tmp_path / "found")
    again = Features.load(tmp_path / "found", net)
    assert np.array_equal(again.vectors, found.vectors) and again.names == found.names
    assert (again.layer, again.pool, again.network, again.images) == (
        found.layer, found.pool, found.network, found.images,
    )  # fmt: skip
    with torch.no_grad():
        net.conv.weight += 1
    with pytest.raises(InputError, match="another network"):
        Features.load(tmp_path / "found", net)
    whole = (tmp_path / "found.npz").read_bytes()
    for bad in (b"nothing", b"", whole[: len(whole) // 2]):
        (tmp_path / "none.npz").write_bytes(bad)
        with pytest.raises(InputError, match="holds no features"):
            Features.load(tmp_path / "none.npz")
    np.save(tmp_path / "one.npy", found.vectors)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(InputError, match="holds no features"):
        Features.load(tmp_path / "one.npz")


def test_an_interrupt_leaves_the_old_file(tmp_path, x, monkeypatch):
    found = features(Net(), x)
    found.save(tmp_path / "found.npz")
    old = (tmp_path / "found.npz").read_bytes()

    def interrupted(file, **arrays):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        found.save(tmp_path / "found.npz")
    assert (tmp_path / "found.npz").read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == ["found.npz"]


def test_what_cannot_be_read_is_left_out_and_said(tmp_path):
    town = cw.data.Toytown("test")
    for i in range(3):
        Image.fromarray(town[i].image).save(tmp_path / f"{i}.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    found = features(cw.load("toynet"), tmp_path)
    assert (
        found.names == ("0.png", "2.png") and found.numbers.tolist() == [0, 2] and list(found.skipped) == [1]
    )
    found.save(tmp_path / "kept.npz")
    assert Features.load(tmp_path / "kept.npz").skipped == found.skipped


def test_progress_cancels(x):
    seen = []

    def progress(done, total):
        seen.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    net = Net().train()
    with pytest.raises(KeyboardInterrupt):
        features(net, x, batch_size=2, progress=progress)
    assert seen == [(2, 5), (4, 5)] and net.training
    assert [len(found) for _, found in feature_batches(net, iter(x), batch_size=2)] == [2, 2, 1]


def test_a_batch_norm_without_statistics_does_not_mix_images(x):
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    together = features(net, x).vectors
    alone = np.concatenate([features(net, x[i : i + 1]).vectors for i in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"layer": "conv9"}, LayerError, "nearest: 'conv'"),
        ({"pool": "sum"}, InputError, "'mean', 'max', 'flatten'"),
        ({"precision": "half"}, InputError, "'exact', 'fast'"),
        ({"batch_size": 0}, ValueError, "batch_size"),
    ],
)
def test_errors(options, error, said, x):
    with pytest.raises(error, match=said):
        features(Net(), x, **options)


def test_nan_features_name_the_image(x):
    class Broken(Net):
        def forward(self, x):
            return super().forward(torch.where(x > 50, torch.nan, x))

    x[3] = 99
    with pytest.raises(InputError, match="image 3 are not finite"):
        features(Broken(), x)
