"""Nothing is left behind, in the module or around it, and nobody beside is disturbed."""

import copy
import threading

import pytest
import torch
from torch import nn

from cnnwidgets.core import occlusion


class Making(nn.Module):
    """Makes constants in its forward, which torch.fx would hang on the module; draws, counts, keeps."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = self.conv(x) * torch.tensor([1.0, 2, 3, 4]).reshape(1, 4, 1, 1)
        return self.fc(x.relu_().mean((2, 3)) + torch.ones(4))


def attributes(net: nn.Module) -> list:
    """Names and identities of all that hangs on a network and its parts, and of what is in its tables."""
    found = []
    for name, part in net.named_modules():
        for key, value in vars(part).items():
            inside = [(k, id(v)) for k, v in value.items()] if isinstance(value, dict) else None
            found.append((name, type(part), key, id(value), inside))
    return found


@pytest.mark.parametrize("engine", ["incremental", "plain", "auto"])
@pytest.mark.parametrize("way", ["full", "adaptive", "fast", "stopped", "refused"])
def test_no_trace(way, engine, net, x):
    for each in (net, Making().double()):
        each.train()
        if way == "fast":
            each, x = each.float(), x.float()
        x.requires_grad_(True)
        before, bytes_before = attributes(each), copy.deepcopy(each.state_dict())
        random, picture, forward = torch.get_rng_state(), x.detach().clone(), nn.Module.__call__
        getter, linear = nn.Module.__getattr__, torch.nn.functional.linear
        options = {"method": "adaptive"} if way == "adaptive" else {}
        options |= {"precision": "fast"} if way == "fast" else {}

        def stop(done, total):
            raise KeyboardInterrupt

        try:
            occlusion(
                each,
                x,
                99 if way == "refused" else 1,
                7,
                4,
                "noise",
                layer=next(name for name, _ in each.named_children()),
                engine=engine,
                progress=stop if way == "stopped" else None,
                **options,
            )
        except (KeyboardInterrupt, ValueError):
            assert way in ("stopped", "refused")
        else:
            assert way not in ("stopped", "refused")
        assert attributes(each) == before
        for name, value in each.state_dict().items():
            assert torch.equal(value, bytes_before[name])
        assert torch.equal(torch.get_rng_state(), random)
        assert torch.equal(x, picture) and x.grad is None
        assert nn.Module.__call__ is forward and nn.Module.__getattr__ is getter
        assert torch.nn.functional.linear is linear
        assert all(p.grad is None and p.requires_grad for p in each.parameters())
        x.requires_grad_(False)


def test_gradients_that_the_caller_still_wants(net, x):
    loss = net(x).sum()
    occlusion(net, x, 0, 7, 8)
    loss.backward()
    assert net.conv1.weight.grad.abs().sum() > 0


def test_weights_that_change_between_two_calls_count(net, x, reference, agrees):
    """Nothing of the first call is taken for the second one."""
    for engine in ("incremental", "plain"):
        occlusion(net, x, 1, 7, 8, engine=engine)
        with torch.no_grad():
            net.conv2.weight.mul_(-1)
            net.bn.running_mean.add_(0.3)
            net.fc.weight.mul_(1.1)
        agrees(occlusion(net, x, 1, 7, 8, engine=engine), reference(net, x, 7, 8), 1)


def beside(work, n: int = 15) -> list:
    """What another thread gets while this one lists the operations of networks again and again."""
    results, failures, is_over = [], [], threading.Event()

    def run():
        while not is_over.is_set():
            try:
                results.append(work())
            except BaseException as error:
                failures.append(error)
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        x = torch.randn(1, 3, 9, 9, generator=torch.Generator().manual_seed(0))
        net = nn.Sequential(*[nn.Conv2d(3, 3, 1) for _ in range(30)], nn.Flatten(), nn.Linear(243, 4)).eval()
        with torch.no_grad():
            wanted = net(x)
        for _ in range(n):
            found = occlusion(net, x, 0, 3, 9, engine="incremental")
            torch.testing.assert_close(found.baseline_score[0], wanted[0, 0], atol=1e-5, rtol=0)
            assert found.engine == "incremental"
    finally:
        is_over.set()
        thread.join()
    assert not failures, failures[0]
    assert results
    return results


def test_another_thread_uses_another_network_meanwhile(net, x):
    """torch.fx replaces ``Module.__call__`` and ``__getattr__`` of all modules while it traces."""
    with torch.no_grad():
        wanted = net(x)
        results = beside(lambda: net(x).detach())
    for result in results:
        assert torch.equal(result, wanted)


def test_another_thread_trains_another_network_meanwhile(net, x):
    net.train()
    net.drop.p = 0.0

    def step():
        net.zero_grad()
        net(x).square().sum().backward()
        return net.conv1.weight.grad.clone()

    wanted = step()
    for result in beside(step):
        torch.testing.assert_close(result, wanted)


def test_another_thread_changes_its_modules_meanwhile(x):
    def change():
        net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()).double()
        net.add_module("end", nn.Flatten())
        net[0].weight.data.fill_(0)
        return [name for name, _ in net.named_parameters()], net(x).sum().item() == net(x).sum().item()

    assert all(result == (["0.weight", "0.bias"], True) for result in beside(change, 20))


def test_another_thread_uses_the_same_network_meanwhile(net, x):
    with torch.no_grad():
        wanted = net(x)
    results, is_over = [], threading.Event()

    def run():
        with torch.no_grad():
            while not is_over.is_set():
                results.append(net(x))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        first = occlusion(net, x, 0, 7, 8, engine="incremental")
        for _ in range(20):
            again = occlusion(net, x, 0, 7, 8, engine="incremental")
            assert again.engine == "incremental"
            torch.testing.assert_close(again.probability, first.probability, atol=1e-12, rtol=0)
    finally:
        is_over.set()
        thread.join()
    assert results
    for result in results:
        assert isinstance(result, torch.Tensor)
        torch.testing.assert_close(result, wanted, atol=1e-10, rtol=0)


def test_several_threads_at_once(net, x):
    wanted = occlusion(net, x, 0, 7, 8).probability
    failures = []

    def work(engine):
        try:
            for _ in range(4):
                found = occlusion(net, x, 0, 7, 8, engine=engine).probability
                torch.testing.assert_close(found, wanted, atol=1e-10, rtol=0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(e,)) for e in ("incremental", "plain", "auto")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
