"""torchvision's networks: published weights through torch.hub's own cache, without a network.

The weights here are random ones, saved under the names of the published files into a temporary cache.
"""

import hashlib
import io
import re
import urllib.request
import urllib.response
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from cnnwidgets.core.errors import NetworkError
from cnnwidgets.networks import Preprocess
from cnnwidgets.networks.torchvision_zoo import load_torchvision, torchvision_names

X = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of torch.hub, and a proxy that refuses every connection at once."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "hub" / "checkpoints"


def put_into_cache(cache: Path, weights, module) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / Path(urlparse(weights.url).path).name
    torch.save(module.state_dict(), file)
    return file


def random_twin(name, seed=7, **options):
    """Another random network than ``weights=None`` gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return models.get_model(name, weights=None, **options).eval()


# Names


def test_the_names_are_those_of_classification_networks():
    names = torchvision_names()
    assert {"alexnet", "vgg16", "googlenet", "inception_v3", "resnet50", "vit_b_16", "swin_v2_t"} <= set(
        names
    )
    assert not [name for name in names if "quantized" in name or "rcnn" in name or "deeplab" in name]
    for name in names:
        assert models.get_model_weights(name).DEFAULT is not None  # all have published weights


@pytest.mark.parametrize(
    "name, complaint",
    [
        ("alexnt", "nearest: 'alexnet'"),
        ("resnet-50", "'resnet50'"),
        ("cifar_resnet20", "no network"),
        ("fasterrcnn_resnet50_fpn", "for detection.*'resnet50'"),
        ("quantized_resnet18", "for quantization.*'resnet18'"),
        ("deeplabv3_resnet101", "for segmentation.*'resnet101'"),
        ("raft_large", "for optical flow"),
        ("", "no network"),
    ],
)
def test_wrong_names(name, complaint):
    with pytest.raises(NetworkError, match=complaint):
        load_torchvision(name)


# Published weights


def test_published_weights_from_the_cache(cache):
    weights = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    twin = random_twin("squeezenet1_1")
    put_into_cache(cache, weights, twin)
    for given in ("DEFAULT", "IMAGENET1K_V1", "SqueezeNet1_1_Weights.IMAGENET1K_V1", weights):
        network = load_torchvision("squeezenet1_1", given)
        torch.testing.assert_close(network.scores(X), twin(X).detach())
    assert network.title == "squeezenet1_1 (IMAGENET1K_V1)" and network.name == "squeezenet1_1"
    assert "58.2 %" in network.note and "80.6 %" in network.note  # torchvision's table: 58.178 and 80.624
    assert network.classes[0] == "tench" and network.classes[281] == "tabby" and network.n_classes == 1000
    assert network.preprocess == Preprocess.from_torchvision(weights.transforms())
    assert not network.module.training


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2_x0_5", "mnasnet0_5", "densenet121"])
def test_several_networks_and_versions(name, cache):
    for weights in models.get_model_weights(name):
        twin = random_twin(name)
        put_into_cache(cache, weights, twin)
        network = load_torchvision(name, weights.name)
        torch.testing.assert_close(network.scores(X[:1]), twin(X[:1]).detach())
        assert network.preprocess.resize == weights.transforms().resize_size[0]


@pytest.mark.parametrize(
    "name, auxiliary", [("googlenet", ("aux1", "aux2")), ("inception_v3", ("AuxLogits",))]
)
def test_auxiliary_heads_as_torchvision_has_them(name, auxiliary, cache, tmp_path):
    published = random_twin(name, aux_logits=True, init_weights=False)
    weights = models.get_model_weights(name).DEFAULT
    file = put_into_cache(cache, weights, published)
    assert any(key.startswith(auxiliary) for key in published.state_dict())
    network, theirs = load_torchvision(name), models.get_model(name, weights="DEFAULT").eval()
    assert list(network.module.state_dict()) == list(theirs.state_dict())
    assert network.module.transform_input is True
    x = torch.rand(1, *network.input_shape)
    torch.testing.assert_close(network.scores(x), theirs(x).detach())
    # the same file by its path, and the untrained network, are built alike
    by_path = load_torchvision(name, file)
    assert not [key for key in by_path.module.state_dict() if key.startswith(auxiliary)]
    torch.testing.assert_close(by_path.scores(x), theirs(x).detach())
    assert list(load_torchvision(name, None).module.state_dict()) == list(theirs.state_dict())


def test_weights_without_a_classifier(cache):
    weights = models.VGG16_Weights.IMAGENET1K_FEATURES
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in models.vgg16().state_dict().items()}
    # as in the published file; one number repeated, not 500 MB
    nan, zero = torch.full((1,), float("nan")), torch.zeros(1)
    state = {key: (nan if "classifier" in key else zero).expand(shape) for key, shape in shapes.items()}
    put_into_cache(cache, weights, SimpleNamespace(state_dict=lambda: state))
    network = load_torchvision("vgg16", "IMAGENET1K_FEATURES")
    assert network.n_classes == 1000 and "no classifier" in network.note
    with pytest.raises(NetworkError, match="not finite"):
        network.predict(torch.rand(3, 30, 40))


@pytest.mark.parametrize("weights", ["IMAGENET1K_V9", "default", 3, models.ResNet18_Weights.DEFAULT])
def test_weights_that_do_not_exist(weights):
    with pytest.raises(NetworkError, match="'IMAGENET1K_V1', 'IMAGENET1K_V2', 'DEFAULT'|IMAGENET1K_V2"):
        load_torchvision("resnet50", weights)


def test_the_random_state_stays(cache):
    put_into_cache(cache, models.SqueezeNet1_1_Weights.DEFAULT, random_twin("squeezenet1_1"))
    before = torch.get_rng_state()
    for weights in ("DEFAULT", None):
        load_torchvision("squeezenet1_1", weights)
        assert torch.equal(torch.get_rng_state(), before)


# Not there


def test_offline_the_error_names_all_that_is_needed(cache):
    with pytest.raises(NetworkError) as caught:
        load_torchvision("alexnet")
    message = str(caught.value)
    for part in (
        "alexnet-owt-7be5be79.pth",
        "233 MiB",
        str(cache),
        "curl -L -o alexnet-owt-7be5be79.pth https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        "cw.load('alexnet', weights=None)",
        "cw.load('toynet')",
        "URLError",
    ):
        assert part in message
    assert "\n" not in message
    assert not list(cache.iterdir())


def serve(content: bytes):
    """Answer every https request with these bytes, where urllib would open a connection."""

    class Server(urllib.request.HTTPSHandler):
        def https_open(self, request):
            headers = _Headers({"Content-Length": str(len(content))})
            response = urllib.response.addinfourl(io.BytesIO(content), headers, request.full_url, 200)
            response.msg = "OK"
            return response

    urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({}), Server))


class _Headers(dict):
    def get_all(self, name):
        return [self[name]] if name in self else None


def test_a_download_that_is_not_what_was_published(cache):
    serve(b"<html>Please log in to the hotel's network</html>")
    with pytest.raises(NetworkError, match="could not be downloaded.*invalid hash") as caught:
        load_torchvision("squeezenet1_1")
    assert "curl" in str(caught.value) and not list(cache.iterdir())


def test_a_download(cache, monkeypatch, capsys):
    twin = random_twin("squeezenet1_1")
    buffer = io.BytesIO()
    torch.save(twin.state_dict(), buffer)
    serve(buffer.getvalue())
    # the published name carries the checksum: name this file after its own
    weights = models.SqueezeNet1_1_Weights.DEFAULT
    url = f"https://example.org/squeezenet1_1-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
    monkeypatch.setattr(weights.value, "url", url)
    network = load_torchvision("squeezenet1_1")
    torch.testing.assert_close(network.scores(X), twin(X).detach())
    assert "100%" in capsys.readouterr().err  # the progress bar
    assert [file.name for file in cache.iterdir()] == [url.rsplit("/")[-1]]


@pytest.mark.parametrize("damage", ["empty", "truncated", "html", "altered"])
def test_a_damaged_file_in_the_cache(damage, cache):
    file = put_into_cache(cache, models.SqueezeNet1_1_Weights.DEFAULT, random_twin("squeezenet1_1"))
    content = file.read_bytes()
    altered = bytearray(content)
    altered[: len(altered) // 2] = bytes(len(altered) // 2)
    damaged = {"empty": b"", "truncated": content[: len(content) // 2], "html": b"<html>", "altered": altered}
    file.write_bytes(damaged[damage])
    with pytest.raises(NetworkError, match="damaged.*delete the file") as caught:
        load_torchvision("squeezenet1_1")
    assert str(file) in str(caught.value)
    assert file.exists()  # nobody's file is deleted without being asked


def test_a_file_of_another_network_in_the_cache(cache):
    put_into_cache(cache, models.SqueezeNet1_1_Weights.DEFAULT, random_twin("squeezenet1_0"))
    with pytest.raises(NetworkError, match="delete the file"):
        load_torchvision("squeezenet1_1")


# Random weights


def test_random_weights_are_the_same_for_everybody_and_say_so():
    network = load_torchvision("squeezenet1_1", None)
    assert network.title == "squeezenet1_1 (random weights, untrained)" and "never trained" in network.note
    assert "random weights, untrained" in repr(network)
    torch.manual_seed(0)
    expected = models.squeezenet1_1(weights=None).state_dict()
    for key, value in network.module.state_dict().items():
        assert torch.equal(value, expected[key])
    assert network.classes[281] == "tabby" and network.input_shape == (3, 224, 224)


# Files of one's own


@pytest.mark.parametrize("name", ["squeezenet1_1", "mnasnet0_5"])  # mnasnet asks for the version of its file
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_from_a_file(name, suffix, tmp_path):
    twin, path = random_twin(name), tmp_path / f"mine{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(twin.state_dict(), path)
    for given in (path, str(path)):
        network = load_torchvision(name, given)
        torch.testing.assert_close(network.scores(X), twin(X).detach())
    assert network.title == f"{name} (weights from mine{suffix})" and network.classes[281] == "tabby"


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "densenet121", "googlenet"])
def test_weights_fine_tuned_to_other_classes(name, tmp_path):
    options = {"aux_logits": True, "init_weights": False} if name == "googlenet" else {}
    twin = random_twin(name, num_classes=7, **options)
    torch.save(twin.state_dict(), tmp_path / "mine.pt")
    network = load_torchvision(name, tmp_path / "mine.pt")
    assert network.classes == [f"class {i}" for i in range(7)]
    if name == "googlenet":
        twin.transform_input = True
    torch.testing.assert_close(network.scores(X[:1]), twin(X[:1]).detach())


def test_the_old_names_in_the_published_file_of_densenet(cache):
    """torchvision renames 'norm.1' to 'norm1' when it loads the published file; so do we from a path."""
    twin = random_twin("densenet121")
    old = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in twin.state_dict().items()
        if not key.endswith("num_batches_tracked")  # younger than that file
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    file = put_into_cache(cache, models.DenseNet121_Weights.DEFAULT, twin)
    torch.save(old, file)
    for weights in ("DEFAULT", file):
        torch.testing.assert_close(
            load_torchvision("densenet121", weights).scores(X[:1]), twin(X[:1]).detach()
        )


def test_weights_of_another_network(tmp_path):
    torch.save(random_twin("squeezenet1_0").state_dict(), tmp_path / "other.pt")
    with pytest.raises(NetworkError, match="not those of squeezenet1_1"):
        load_torchvision("squeezenet1_1", tmp_path / "other.pt")
