"""Training, on a few pictures: it learns, it repeats, and what it writes can be loaded."""

from dataclasses import asdict

import pytest
import torch

from cnnwidgets.data import CLASSES
from cnnwidgets.networks.bundled import load_bundled
from cnnwidgets.networks.export import export, score
from cnnwidgets.networks.train import Recipe, main, optimiser, train

SHORT = Recipe("toynet-gap", images=192, epochs=2, batch_size=32, precision="fp32")


@pytest.fixture(scope="module")
def trained():
    return train(SHORT)


def test_the_same_seed_gives_the_same_network(trained):
    state = torch.get_rng_state()
    again, mean, std = train(SHORT)
    torch.set_rng_state(state)
    for key, value in trained[0].state_dict().items():
        torch.testing.assert_close(again.state_dict()[key], value, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close((mean, std), trained[1:])


def test_what_is_written_can_be_loaded(trained, tmp_path):
    network, mean, std = trained
    figures = {"accuracy": 0.5, "classes": dict.fromkeys(CLASSES, 0.5), "images": 12}
    path = export(
        network, "toynet-gap", mean, std, asdict(SHORT), {"test": figures, "offcentre": figures}, 60, tmp_path
    )
    assert path.name == "toynet-gap.safetensors" and "50.0%" in (tmp_path / "toynet-gap.md").read_text()
    loaded = load_bundled("toynet-gap", tmp_path)
    x = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(loaded.module(x), network(x), rtol=0.02, atol=0.02)  # half precision


def test_score_counts_by_hand():
    """A network that always says class 2: right for every picture of class 2, and for no other."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 4 * 6, 12))
    torch.nn.init.zeros_(network[1].weight)
    with torch.no_grad():
        network[1].bias.copy_(torch.eye(12)[2])
    labels = torch.arange(24) % 12
    result = score(
        network, torch.zeros(3), torch.ones(3), torch.zeros(24, 3, 4, 6, dtype=torch.uint8), labels
    )
    assert result["accuracy"] == pytest.approx(2 / 24)
    assert result["classes"][CLASSES[2]] == 1 and sum(result["classes"].values()) == 1


def test_conv1_decays_more_and_biases_do_not(trained):
    network = trained[0]
    groups = optimiser(network, SHORT).param_groups
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert decay[id(network.conv1.weight)] == SHORT.conv1_weight_decay
    assert decay[id(network.conv3.weight)] == SHORT.weight_decay
    assert decay[id(network.conv3.bias)] == 0
    assert len(decay) == len(list(network.parameters()))


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["lenet"])
    assert "invalid choice: 'lenet'" in capsys.readouterr().err
