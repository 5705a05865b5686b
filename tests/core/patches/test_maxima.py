"""The strongest cells against a loop over all cells; in both orders of memory."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.core.patches import maxima as module
from cnnwidgets.core.patches.maxima import maxima, places

ORDERS = {
    "rows inside": lambda maps: maps.contiguous(),
    "channels inside": lambda maps: maps.contiguous(memory_format=torch.channels_last),
    "channels last axis": lambda maps: maps.permute(0, 2, 3, 1).contiguous().movedim(-1, 1),
    "part of something": lambda maps: torch.cat([maps, maps], 1)[:, : maps.shape[1]],
    "transposed": lambda maps: maps.transpose(2, 3).contiguous().transpose(2, 3),
}
TYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]

# How the places are found: all maps looked at, or only those asked for picked out.
WAYS = (8, 0.5)

shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 9), st.integers(1, 7))


def maps_of(shape: tuple, seed: int, dtype: torch.dtype) -> torch.Tensor:
    """Few different values: many ties."""
    random = torch.Generator().manual_seed(seed)
    return torch.randint(-3, 3, shape, generator=random).to(dtype) - 10


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", TYPES)
@given(shape=shapes, seed=st.integers(0, 99))
def test_values_and_first_places(order, dtype, shape, seed):
    maps = ORDERS[order](maps_of(shape, seed, dtype))
    values = maxima(maps)
    assert values.dtype == dtype and values.shape == shape[:2]
    images, channels = torch.ones(shape[:2]).nonzero(as_tuple=True)
    plain = maps.double().numpy().reshape(-1, shape[2] * shape[3])
    assert values.double().flatten().tolist() == plain.max(1).tolist()
    for many in WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "MANY", many)
            cells, tied = places(maps, images, channels, values)
        assert cells.tolist() == plain.argmax(1).tolist()
        assert tied.tolist() == [(row == row.max()).sum() for row in plain]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", TYPES)
def test_a_nan_anywhere_makes_the_maximum_nan(order, dtype):
    plain = maps_of((7 * 5, 3, 7, 5), 1, dtype)
    for i, cell in enumerate(np.ndindex(7, 5)):
        plain[i, 1][cell] = float("nan")
    plain[4, 2] = -float("inf")
    plain[5, 2, 3, 3] = float("inf")
    found = maxima(ORDERS[order](plain)).double()
    assert found[:, 1].isnan().all() and not found[:, [0, 2]].isnan().any()
    assert (found[4, 2], found[5, 2]) == (-float("inf"), float("inf"))


@pytest.mark.parametrize("many", WAYS)
def test_places_of_some_maps_in_their_order(many, monkeypatch):
    monkeypatch.setattr(module, "MANY", many)
    maps = maps_of((3, 4, 6, 5), 7, torch.float32)
    maps[1, 1, 2, 2] = float("nan")
    images, channels = torch.tensor([2, 0, 2]), torch.tensor([1, 3, 0])
    cells, _ = places(maps, images, channels, maxima(maps))
    assert cells.tolist() == [maps[i, c].flatten().argmax().item() for i, c in ((2, 1), (0, 3), (2, 0))]


def test_no_places():
    cells, tied = places(torch.zeros(1, 1, 2, 2), *(torch.empty(0, dtype=torch.long),) * 2, torch.zeros(1, 1))
    assert len(cells) == len(tied) == 0 and cells.dtype == tied.dtype == torch.long


@pytest.mark.parametrize("many", WAYS)
def test_a_few_cells_at_a_time(many, monkeypatch):
    monkeypatch.setattr(module, "MANY", many)
    maps = maps_of((4, 5, 6, 3), 3, torch.float32)
    images, channels = torch.ones(4, 5).nonzero(as_tuple=True)
    values = maxima(maps)
    at_once = places(maps, images, channels, values)
    for cells in (1, 18, 50, 359):
        monkeypatch.setattr(module, "AT_ONCE", cells)
        for one, other in zip(places(maps, images, channels, values), at_once, strict=True):
            assert torch.equal(one, other)


def test_maps_of_one_cell():
    maps = torch.tensor([[[[3.0]], [[-2.0]]], [[[5.0]], [[4.0]]]])
    assert maxima(maps).tolist() == [[3, -2], [5, 4]]
