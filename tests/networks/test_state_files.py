"""Weights in a file of one's own: read without running any code in it."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from cnnwidgets.core.errors import NetworkError
from cnnwidgets.networks.state_files import load_state, read_state

STATE = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).state_dict()


class Trap:
    """Unpickled with its code run, it would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize(
    "wrapped",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3},
        {"model": STATE, "optimizer": {"lr": 0.1}},
        {"model_state_dict": STATE},
        {f"module.{key}": value for key, value in STATE.items()},
    ],
    ids=["plain", "state_dict", "model", "model_state_dict", "DataParallel"],
)
def test_what_training_scripts_save(wrapped, tmp_path):
    torch.save(wrapped, tmp_path / "weights.pt")
    state = read_state(tmp_path / "weights.pt")
    assert list(state) == list(STATE) and all(torch.equal(state[key], STATE[key]) for key in STATE)


def test_safetensors(tmp_path):
    save_file(STATE, tmp_path / "weights.safetensors")
    state = read_state(str(tmp_path / "weights.safetensors"))
    assert set(state) == set(STATE) and all(torch.equal(state[key], STATE[key]) for key in STATE)


def test_no_code_is_run(tmp_path):
    torch.save({"a": torch.zeros(1), "b": Trap(tmp_path / "trapped")}, tmp_path / "weights.pt")
    with pytest.raises(NetworkError, match="state_dict"):
        read_state(tmp_path / "weights.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Trap(tmp_path / "trapped"), protocol=2))
    with pytest.raises(NetworkError):
        read_state(tmp_path / "plain.pt")
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"nonsense", bytes(500), b"PK\x03\x04" + bytes(200)])
def test_damaged_files(content, suffix, tmp_path):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match="weights.*damaged"):
        read_state(path)


@pytest.mark.parametrize(
    "thing", [{}, [1, 2], {"a": 1}, {1: torch.zeros(2)}, torch.zeros(3), "text"], ids=repr
)
def test_files_that_hold_something_else(thing, tmp_path):
    torch.save(thing, tmp_path / "weights.pt")
    with pytest.raises(NetworkError, match="state_dict"):
        read_state(tmp_path / "weights.pt")


def test_a_whole_module(tmp_path):
    torch.save(nn.Linear(2, 3), tmp_path / "weights.pt")
    with pytest.raises(NetworkError, match="state_dict"):
        read_state(tmp_path / "weights.pt")


def test_no_such_file(tmp_path):
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(NetworkError, match="no weights file"):
            read_state(path)


def test_loading_what_fits():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    load_state(module, STATE, "weights.pt", "mine")
    assert torch.equal(module[0].weight, STATE["0.weight"])


def test_what_does_not_fit_is_said():
    module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(4), nn.Linear(2, 2))
    before = module[0].weight.clone()
    with pytest.raises(NetworkError) as caught:
        load_state(module, {**STATE, "extra": torch.zeros(1)}, "weights.pt", "mine")
    message = str(caught.value)
    for part in (
        "weights.pt",
        "mine",
        "2 missing ('2.bias'",
        "1 unexpected ('extra'",
        "2 of another shape ('0.bias'",
    ):
        assert part in message
    assert torch.equal(module[0].weight, before)
