"""Which weights are on this machine: torch.hub's cache is a temporary folder here."""

from pathlib import Path

import pytest
import torch
from torchvision import models

import cnnwidgets as cw
from cnnwidgets.core.errors import NetworkError
from cnnwidgets.networks import at_hand


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.parametrize("name", ["toynet", "toynet-gap", "ToyNet"])
def test_bundled_ones_are_always_there(name):
    found = at_hand(name)
    assert found.name == name.lower() and found.how == ""
    assert found.path.is_file() and found.size_mb == found.path.stat().st_size / 1e6


# torchvision's table says 233.1, 170.5 and 30.8 (MiB): times 1.048576
@pytest.mark.parametrize(
    ("name", "megabytes", "title"),
    [
        ("alexnet", 244, "alexnet (IMAGENET1K_V1)"),
        ("resnet101", 179, "resnet101 (IMAGENET1K_V2)"),
        ("densenet121", 32, "densenet121 (IMAGENET1K_V1)"),
    ],
)
def test_what_it_takes_to_get_it(name, megabytes, title, cache):
    found = at_hand(name)
    assert found.path is None and found.title == title
    assert found.how == f'{megabytes} MB, not on this machine: `cw.load("{name}")` downloads it'
    assert round(found.size_mb) == megabytes
    assert not cache.exists(), "to ask is not to download"


def test_the_file_that_load_reads(cache):
    with torch.random.fork_rng(devices=[]):
        twin = models.squeezenet1_1(weights=None)
    cache.mkdir(parents=True)
    file = cache / "squeezenet1_1-b8a52dc0.pth"
    torch.save(twin.state_dict(), file)
    found = at_hand("squeezenet1_1")
    assert found.path == file and found.how == "" and found.size_mb == file.stat().st_size / 1e6
    weight = cw.load("squeezenet1_1").module.features[0].weight
    assert torch.equal(weight, twin.features[0].weight)
    file.rename(cache / "squeezenet1_1-00000000.pth")  # an older version of the weights is another file
    assert at_hand("squeezenet1_1").path is None


def test_another_folder_for_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "elsewhere"))
    folder = Path(torch.hub.get_dir(), "checkpoints")
    assert folder.is_relative_to(tmp_path / "elsewhere")
    folder.mkdir(parents=True)
    (folder / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"123")
    assert at_hand("squeezenet1_1").size_mb == 3e-6


@pytest.mark.parametrize(
    ("name", "said"),
    [("alexnt", "nearest: 'alexnet'"), (3, "name of a network, not a int"), ("", "no network")],
)
def test_wrong_names(name, said):
    with pytest.raises(NetworkError, match=said):
        at_hand(name)
