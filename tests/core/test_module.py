import threading
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from cnnwidgets.core import InputError, NetworkError, as_module, capture, list_layers, prepared, undisturbed


def test_as_module_takes_a_module_or_what_holds_one(residual):
    assert as_module(residual) is residual
    assert as_module(SimpleNamespace(module=residual)) is residual
    parallel = nn.DataParallel(residual)
    assert as_module(parallel) is parallel


def test_as_module_looks_through_torch_compile(residual):
    assert as_module(torch.compile(residual)) is residual


@pytest.mark.parametrize(
    ("model", "said"), [("alexnet", "a str"), (None, "a NoneType"), (nn.ReLU, "the class ReLU")]
)
def test_as_module_refuses_anything_else(model, said):
    with pytest.raises(TypeError, match=said):
        as_module(model)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
def test_as_module_refuses_torchscript():
    with pytest.raises(NetworkError, match="made from"):
        as_module(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)))


def test_undisturbed_is_evaluation_mode_inside_and_each_own_flag_outside(residual):
    residual.train()
    residual.bn1.eval()
    with undisturbed(residual) as module:
        assert module is residual
        assert not any(part.training for part in residual.modules())
    assert not residual.bn1.training
    assert all(part.training for part in residual.modules() if part is not residual.bn1)


def test_undisturbed_does_not_call_train_which_a_network_may_override():
    class Merging(nn.Module):
        def train(self, mode=True):
            raise AssertionError("weights merged")

    with undisturbed(Merging()):
        pass


@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt])
def test_undisturbed_restores_all_that_can_be_changed_inside(residual, failure):
    handle = residual.conv1.register_forward_hook(lambda *_: None)
    residual.register_buffer("floats", torch.tensor([0.0, -0.0, float("nan"), 1.0]))
    residual.conv1.weight.requires_grad_(False)
    before = {name: buffer.clone() for name, buffer in residual.named_buffers()}
    own = dict(residual.named_buffers())
    fc, weight, hooks = residual.fc, residual.fc.weight, dict(residual.conv1._forward_hooks)
    state = torch.get_rng_state()

    def disturb():
        with undisturbed(residual):
            residual.floats[0] = -0.0
            residual.bn1.running_mean.add_(1)
            residual.bn1.num_batches_tracked = torch.tensor(7)
            residual.bn1.running_var.data = torch.ones(3)
            residual.register_buffer("extra", torch.zeros(1), persistent=False)
            residual.conv2.register_full_backward_hook(lambda *_: None)
            residual.relu.register_forward_pre_hook(lambda *_: None)
            residual.register_state_dict_post_hook(lambda *_: None)
            handle.remove()
            residual.fc = nn.Linear(8, 2)
            fc.weight = nn.Parameter(torch.zeros(1))
            residual.conv1.weight.requires_grad_(True)
            residual.conv2.bias.requires_grad_(False)
            torch.rand(5)
            if failure:
                raise failure

    if failure:
        with pytest.raises(failure):
            disturb()
    else:
        disturb()

    assert dict(residual.named_buffers()).keys() == own.keys()
    for name, buffer in residual.named_buffers():
        assert buffer is own[name]
        assert (
            buffer.reshape(-1).view(torch.uint8).tolist()
            == before[name].reshape(-1).view(torch.uint8).tolist()
        )
    assert residual.fc is fc and fc.weight is weight
    assert dict(residual.conv1._forward_hooks) == hooks
    handle.remove()
    for part in residual.modules():
        assert not any(getattr(part, name) for name in vars(part) if "hooks" in name)
        assert part._is_full_backward_hook is None
        assert not part._non_persistent_buffers_set
    assert not residual.conv1.weight.requires_grad and residual.conv2.bias.requires_grad
    assert torch.equal(torch.get_rng_state(), state)


def test_undisturbed_does_not_look_at_grad(images):
    """Another thread may run backward() meanwhile: a cell trains the network that an explorer shows."""

    class Guarded(nn.Parameter):
        grad = property(lambda self: pytest.fail("somebody looked at .grad"))

    net = nn.Sequential(nn.Conv2d(3, 2, 3))
    net[0].weight = Guarded(torch.ones(2, 3, 3, 3))
    with undisturbed(net):
        net(images)


def test_undisturbed_writes_into_no_buffer_that_did_not_change(residual, images):
    """A write, even of the same values, would break a graph in which the caller still wants gradients."""
    residual.eval()
    residual.register_buffer("other", torch.tensor([0.0, 1.0]))
    loss = residual(images).sum()
    with undisturbed(residual):
        residual.other[0] = -0.0
    loss.backward()
    assert not torch.signbit(residual.other[0])
    assert residual.conv1.weight.grad.abs().sum() > 0


def test_undisturbed_restores_buffers_made_in_inference_mode():
    with torch.inference_mode():
        module = nn.BatchNorm2d(3)
    with undisturbed(module), torch.inference_mode():
        module.running_mean.fill_(4.0)
    assert module.running_mean.tolist() == [0, 0, 0]


def test_undisturbed_may_be_nested(residual):
    with undisturbed(residual):
        residual.conv1.register_forward_hook(lambda *_: None)
        with undisturbed(residual):
            residual.conv1.register_forward_hook(lambda *_: None)
        assert len(residual.conv1._forward_hooks) == 1
        assert not residual.training
    assert residual.training and not residual.conv1._forward_hooks


def test_threads_do_not_undo_each_other(residual, images):
    residual.train()
    wanted = capture(residual, images, "conv2")["conv2"]
    failures = []

    def work():
        for _ in range(20):
            try:
                assert torch.equal(capture(residual, images, "conv2")["conv2"], wanted)
                assert len(list_layers(residual, (3, 24, 16))) == 8
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert all(part.training for part in residual.modules())
    assert not residual.conv2._forward_hooks


def test_lazy_parameters_are_not_shaped_behind_the_users_back():
    module = nn.Sequential(nn.LazyConv2d(4, 3))
    with pytest.raises(NetworkError, match="first run it"):
        list_layers(module, (3, 8, 9))
    assert isinstance(module[0], nn.LazyConv2d)


def test_prepared_is_a_detached_copy_of_the_modules_type(residual, images):
    images.requires_grad_(True)
    same = prepared(residual, images)
    assert torch.equal(same, images) and not same.requires_grad
    assert same.data_ptr() != images.data_ptr()
    assert prepared(residual.to(torch.bfloat16), images).dtype == torch.bfloat16
    assert prepared(nn.ReLU(), images.double()).dtype == torch.get_default_dtype()


def test_prepared_follows_the_module_to_its_device(images):
    assert prepared(nn.Conv2d(3, 1, 1, device="meta"), images).device.type == "meta"


def test_prepared_takes_the_first_floating_tensor_of_a_module_with_integer_buffers(images):
    module = nn.Sequential(nn.Identity(), nn.BatchNorm2d(3, affine=False).double())
    module[0].register_buffer("counter", torch.tensor(1))
    assert prepared(module, images).dtype == torch.float64


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([[1.0]], "list"),
        (torch.zeros(3, 8, 9), r"unsqueeze\(0\)"),
        (torch.zeros(8, 9), r"\(8, 9\)"),
        (torch.zeros(0, 3, 8, 9), "at least one pixel"),
        (torch.zeros(1, 3, 8, 9, dtype=torch.uint8), "uint8"),
        (torch.full((1, 3, 8, 9), float("inf")), "image 0"),
    ],
)
def test_prepared_refuses_what_is_no_batch_of_images(residual, x, said):
    with pytest.raises(InputError, match=said):
        prepared(residual, x)


def test_prepared_says_which_image_holds_a_nan(residual):
    x = torch.zeros(3, 3, 8, 9)
    x[1, 2, 7, 3] = float("nan")
    with pytest.raises(InputError, match="image 1 .* NaN"):
        prepared(residual, x)
