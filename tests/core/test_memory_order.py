import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnwidgets.core.memory_order import in_order


class Net(nn.Module):
    """A layer with large filters and small maps after one with small filters and large maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2)
        self.wide = nn.Conv2d(4, width, 3, stride=4)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(self.first(x))


def orders_of(net: nn.Module, x: Tensor, n: int, until: str | None = None) -> list[list[bool]]:
    """Of each of n calls: whether each run in it had channels last."""
    found = []
    for _ in range(n):
        found.append([])

        def run(given: Tensor, runs: list = found[-1]) -> Tensor:
            assert torch.equal(given, x)
            runs.append(given.is_contiguous(memory_format=torch.channels_last))
            return net.first(given) if until else net(given)

        in_order(net, x, run, until)
    return found


def test_large_filters_and_small_maps_run_rows_first():
    # filters 108 + 36 * 800, maps 4 * 14 * 10 + 800 * 3 * 2: 28,908 > 2 * 5,360
    net, x = Net(800), torch.rand(1, 3, 30, 22)
    assert orders_of(net, x, 3) == [[True, False], [False], [False]]


def test_a_larger_batch_of_them_runs_channels_last():
    net, x = Net(800), torch.rand(3, 3, 30, 22)
    assert orders_of(net, x, 2) == [[True], [True]]


def test_each_shape_and_each_end_has_its_own_order():
    net, x = Net(800), torch.rand(1, 3, 30, 22)
    assert orders_of(net, x, 1, until="first") == [[True]]
    assert orders_of(net, x, 2) == [[True, False], [False]]
    assert orders_of(net, x, 1, until="first") == [[True]]
    assert orders_of(net, torch.rand(1, 3, 130, 122), 2) == [[True], [True]]


def test_filters_of_one_pixel_need_no_new_layout():
    net, x = nn.Conv2d(64, 512, 1), torch.rand(1, 64, 2, 3)
    seen = []
    in_order(net, x, lambda given: seen.append(given.is_contiguous()) or net(given))
    assert seen == [False]


def test_functions_are_counted_as_modules_are():
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.filters = nn.Parameter(torch.rand(800, 4, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(self.conv(x), weight=self.filters, stride=4)

    net, x, runs = Functional(), torch.rand(1, 3, 14, 10), []
    for _ in range(2):
        in_order(net, x, lambda given: runs.append(given.is_contiguous()) or net(given))
    assert runs == [False, True, True]


def test_a_network_with_views_is_tried_once():
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).view(len(x), -1)

    net, x, runs = Views(), torch.rand(2, 3, 9, 7), []
    for _ in range(3):
        found = in_order(net, x, lambda given: runs.append(given.is_contiguous()) or net(given))
        assert torch.equal(found, net(x))
    assert runs == [False, True, True, True]


def test_other_errors_come_through_and_nothing_is_learnt():
    net, x = Net(8), torch.rand(1, 3, 30, 22)

    def fails(given: Tensor) -> Tensor:
        raise RuntimeError("out of paper")

    for _ in range(2):
        try:
            in_order(net, x, fails)
        except RuntimeError as error:
            assert str(error) == "out of paper"
        else:
            raise AssertionError("no error")
    assert orders_of(net, x, 2) == [[True], [True]]


def test_without_convolutions_nothing_is_changed():
    net, x = nn.Sequential(nn.Flatten(), nn.Linear(6, 2)), torch.rand(1, 1, 2, 3)
    seen = []
    in_order(net, x, lambda given: seen.append(given is x))
    assert seen == [True]
