"""Random weights: the same for everybody, and the global random state untouched."""

import pytest
import torch
from torch import nn

from cnnwidgets.core.errors import NetworkError
from cnnwidgets.networks.random_weights import kept_random_state, randomise


def make():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))


def test_every_layer_is_drawn_anew_and_the_same_each_time():
    module, other = make(), make()
    module[1].running_mean.fill_(5)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    state = torch.get_rng_state()
    randomise(module)
    assert torch.equal(torch.get_rng_state(), state)
    randomise(other)
    for key, value in module.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])
        if key.endswith("weight") and not key.startswith("1"):
            assert not torch.equal(value, before[key])
    assert module[1].running_mean.eq(0).all()


def test_parameters_that_nobody_can_draw():
    module = make()
    module.scale = nn.Parameter(torch.ones(1))
    with pytest.raises(NetworkError, match="parameters"):
        randomise(module)


def test_the_random_state_is_kept_after_an_error_too():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), kept_random_state(3):
        torch.rand(1)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_the_seed_is_the_one_given():
    with kept_random_state(3):
        drawn = torch.rand(4)
    assert torch.equal(drawn, torch.rand(4, generator=torch.Generator().manual_seed(3)))
