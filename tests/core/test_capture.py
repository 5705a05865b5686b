import threading
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnwidgets.core import InputError, LayerError, capture, list_layers


def by_hand(net, x):
    """What each call in ``Residual.forward`` returns, without any hook or in-place operation."""
    net = net.eval()
    with torch.no_grad():
        found = {"conv1": net.conv1(x)}
        found["bn1"] = net.bn1(found["conv1"])
        found["relu"] = F.relu(found["bn1"])
        found["conv2"] = net.conv2(found["relu"])
        found["relu#2"] = F.relu(found["conv2"] + found["relu"])
        found["drop"] = found["relu#2"].mean((2, 3))
        found["relu#3"] = F.relu(found["drop"])
        found["fc"] = net.fc(found["relu#3"])
    return found


def test_all_layers_in_one_pass_in_the_order_asked_for(residual, images):
    wanted = by_hand(residual, images)
    residual.train()
    names = list(reversed(wanted))
    found = capture(residual, images, names)
    assert list(found) == names
    for name in names:
        torch.testing.assert_close(found[name], wanted[name], rtol=0, atol=1e-6, msg=name)


def test_each_layer_alone_is_the_same(residual, images):
    for name, wanted in by_hand(residual, images).items():
        torch.testing.assert_close(capture(residual, images, name)[name], wanted, rtol=0, atol=1e-6, msg=name)


def test_agrees_with_list_layers_on_names_and_shapes(architecture):
    net, x = architecture("googlenet"), torch.randn(2, 3, 64, 80)
    layers = list_layers(net, x.shape[1:])
    found = capture(net, x, [layer.name for layer in layers])
    assert [(name, tuple(maps.shape[1:])) for name, maps in found.items()] == [
        (i.name, i.output_shape) for i in layers
    ]


def test_an_in_place_relu_does_not_reach_what_was_captured_before(images):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.ReLU6(inplace=True))
    found = capture(net, images, ["0", "1"])
    assert (found["0"] < 0).any()
    assert torch.equal(found["1"], found["0"].clamp(min=0))


def test_views_changed_later_do_not_reach_it_either(images):
    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            self.same = nn.Identity()
            self.part = nn.Flatten()
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            self.same(x)
            part = self.part(x)
            x.add_(100)
            self.relu(part[:, :1])
            return part

    found = capture(Views(), images, ["same", "part", "relu"])
    assert torch.equal(found["same"], images)
    assert torch.equal(found["part"], images.flatten(1))
    assert torch.equal(found["relu"], images.flatten(1)[:, :1] + 100)


def test_changing_a_result_changes_neither_image_nor_weights_nor_another_result(images):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.same = nn.Identity()
            self.table = Table()

        def forward(self, x):
            return self.same(x) + self.table(x)

    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 3))

        def forward(self, x):
            return self.weight[..., None, None]

    net, before = Net(), images.clone()
    for layers in (["same"], ["table"], ["same", "table"]):
        for result in capture(net, images, layers).values():
            assert not result.requires_grad
            result.zero_()
    assert torch.equal(images, before) and net.table.weight.eq(1).all()


def test_stops_after_the_last_layer_needed(residual, images):
    ran = []
    for name, part in residual.named_children():
        part.register_forward_hook(lambda *_, name=name: ran.append(name))
    capture(residual, images, ["relu", "conv1"])
    assert ran == ["conv1", "bn1", "relu"]


def test_sees_what_the_users_own_hooks_return(residual, images):
    residual.conv1.register_forward_hook(lambda part, inputs, output: output * 0 + 7)
    assert capture(residual, images, "conv1")["conv1"].eq(7).all()


def test_a_network_that_catches_exceptions_is_stopped_too(images):
    class Stubborn(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Identity(), nn.Conv2d(3, 2, 1)

        def forward(self, x):
            try:
                x = self.first(x)
            except Exception:
                raise AssertionError("it noticed") from None
            return self.second(x)

    assert torch.equal(capture(Stubborn(), images, "first")["first"], images)


def test_results_are_of_use_with_autograd_even_from_inference_mode(residual, images):
    with torch.inference_mode():
        maps = capture(residual, images, ["conv1", "relu"])
    for each in maps.values():
        assert not each.is_inference() and not each.requires_grad
    weight = torch.ones(8, requires_grad=True)
    (maps["relu"] * weight[:, None, None]).pow(2).sum().backward()
    torch.testing.assert_close(weight.grad, 2 * maps["relu"].pow(2).sum((0, 2, 3)))


def test_images_made_in_inference_mode_and_with_gradients(residual, images):
    wanted = capture(residual, images, "relu")["relu"]
    with torch.inference_mode():
        made_there = images.clone()
    assert torch.equal(capture(residual, made_there, "relu")["relu"], wanted)
    leaf = images.clone().requires_grad_(True)
    assert torch.equal(capture(residual, leaf, "relu")["relu"], wanted)
    assert leaf.grad is None and leaf.requires_grad


def test_a_network_that_writes_into_its_input(images):
    before = images.clone()
    capture(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 2, 1)), images, "1")
    assert torch.equal(images, before)


def test_the_first_of_a_tuple_is_taken():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x):
            tokens = x.flatten(2).transpose(1, 2)
            return self.attention(tokens, tokens, tokens)[0]

    net, x = Net(), torch.randn(2, 4, 3, 5)
    wanted = net.eval()(x)
    torch.testing.assert_close(capture(net, x, "attention")["attention"], wanted.detach())


def test_float64_and_network_objects(residual, images):
    network = SimpleNamespace(module=residual.double(), input_shape=(3, 24, 16))
    assert capture(network, images, "conv1")["conv1"].dtype == torch.float64


def test_no_layers_no_work(residual, images):
    assert capture(residual, images, []) == {}


def test_the_same_name_twice_is_one_result(residual, images):
    assert list(capture(residual, images, ["conv1", "conv1"])) == ["conv1"]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("con1", "no layer 'con1'; nearest: 'conv1'.*list_layers"),
        ("", "no layer ''"),
        ("conv1#1", "no layer 'conv1#1'; nearest: 'conv1'"),
        ("conv1#x", "no layer 'conv1#x'"),
        ("unused", "'unused' exists, but the network did not call it"),
        ("relu#4", "'relu' ran 3 times only, so there is no 'relu#4'"),
        ("conv1#2", "'conv1' ran once only"),
        (3, "named by a str"),
    ],
)
def test_a_layer_that_is_not_there_names_the_mend(residual, images, layer, said):
    with pytest.raises(LayerError, match=said):
        capture(residual, images, ["relu", layer])
    assert not residual.relu._forward_hooks


def test_a_layer_without_a_tensor(images):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = Heads()

        def forward(self, x):
            return self.heads(x)["out"]

    class Heads(nn.Module):
        def forward(self, x):
            return {"out": x}

    with pytest.raises(LayerError, match="'heads' returned a dict"):
        capture(Net(), images, "heads")


def test_a_nan_is_said(residual, images):
    images[1, 0, 3, 2] = float("nan")
    with pytest.raises(InputError, match="image 1 of the batch holds a NaN"):
        capture(residual, images, "conv1")


def test_other_threads_may_run_the_same_module():
    """An explorer computes in a thread while a cell calls the network: neither notices the other."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3)).eval()
    x, other = torch.randn(1, 3, 20, 24), torch.randn(1, 3, 8, 10)
    expected, done, wrong = capture(network, x, ["0"])["0"], threading.Event(), []

    def look():
        while not done.is_set():
            if not torch.equal(capture(network, x, ["0"])["0"], expected):
                wrong.append("taken from another thread")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        with torch.no_grad():
            for _ in range(300):
                assert network(other).shape == (1, 5, 4, 6)
    finally:
        done.set()
        thread.join()
    assert wrong == []
