"""The k best of each unit against sorting everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnwidgets.core.patches import ranking
from cnnwidgets.core.patches.ranking import ENTRY, Ranking, drawn, lots, strongest, weakest

UNITS = 3

found = st.lists(
    st.tuples(st.integers(0, UNITS - 1), st.integers(0, 30), st.integers(-3, 3)),
    unique_by=lambda each: each[:2],  # a unit has one entry in an image
    max_size=60,
)
KEYS = {"strongest": strongest, "weakest": weakest, "sample": drawn(np.array([5, 6, 2**63], np.uint64))}


def arrays(rows: list) -> tuple[np.ndarray, np.ndarray]:
    entries = np.zeros(len(rows), ENTRY)
    for i, (_, image, value) in enumerate(rows):
        entries[i] = image, value, image % 4, image % 5, 1
    return np.array([row[0] for row in rows], int), entries


def best(rows: list, unit: int, k: int, kind: str) -> list[tuple]:
    """By sorting."""
    mine = [row for row in rows if row[0] == unit and (kind == "strongest" or row[2] > 0)]

    def order(row):
        _, image, value = row
        lot = float(lots(np.array([5, 6, 2**63], np.uint64)[unit], np.array([image]))[0])
        return {"strongest": -value, "weakest": value, "sample": lot}[kind], image

    return [(image, value) for _, image, value in sorted(mine, key=order)[:k]]


def content(each: Ranking, unit: int) -> list[tuple]:
    entries = each.entries[unit]
    used = entries["image"] >= 0
    assert (np.diff(used.astype(int)) <= 0).all(), "empty places come last"
    assert not entries[~used][["value", "row", "col", "tied"]].tolist() or not any(
        any(entry) for entry in entries[~used][["value", "row", "col", "tied"]].tolist()
    )
    return [(int(entry["image"]), float(entry["value"])) for entry in entries[used]]


@settings(max_examples=200)
@given(rows=found, k=st.integers(1, 6), kind=st.sampled_from(list(KEYS)), data=st.data())
def test_k_best_in_any_order_and_any_parts(rows, k, kind, data):
    shuffled = data.draw(st.permutations(rows))
    parts, at = [], 0
    while at < len(shuffled):
        n = data.draw(st.integers(1, 20))
        parts.append(shuffled[at : at + n])
        at += n
    one = Ranking(UNITS, k, KEYS[kind])
    for part in parts:
        one.insert(*arrays(part))
    merged = Ranking(UNITS, k, KEYS[kind])
    for part in reversed(parts):
        alone = Ranking(UNITS, k, KEYS[kind])
        alone.insert(*arrays(part))
        merged.merge(alone)
    restored = Ranking(UNITS, k, KEYS[kind])
    restored.restore(one.entries)
    np.testing.assert_array_equal(restored.limits, one.limits)
    for each in (one, merged, restored):
        for unit in range(UNITS):
            assert content(each, unit) == best(rows, unit, k, kind)
    assert one.entries.tobytes() == merged.entries.tobytes()


def test_the_limit_is_what_the_next_one_has_to_undercut():
    one = Ranking(2, 2, strongest)
    assert one.limits.tolist() == [np.inf, np.inf]
    one.insert(*arrays([(0, 4, 3), (1, 4, -1)]))
    assert one.limits.tolist() == [np.inf, np.inf]
    one.insert(*arrays([(0, 5, 1), (1, 6, -2), (0, 9, 2)]))
    assert one.limits.tolist() == [-2, 2]


def test_nothing_to_take_in():
    one = Ranking(2, 3, weakest)
    one.insert(*arrays([]))
    one.insert(*arrays([(0, 1, 0), (1, 2, -3)]))
    one.merge(Ranking(2, 3, weakest))
    assert (one.entries["image"] == -1).all()


def test_lots_are_splitmix64():
    """Published outputs of the generator, seed 1234567; each image is one step of it."""
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    found = lots(np.uint64(1234567), np.arange(5))
    assert found.tolist() == [(number >> 11) * 2.0**-53 for number in published]


def test_lots_lie_between_0_and_1_and_differ():
    found = lots(np.arange(50, dtype=np.uint64)[:, None], np.arange(1000))
    assert found.shape == (50, 1000) and 0 <= found.min() < 0.001 and 0.999 < found.max() < 1
    assert len(np.unique(found[7])) == 1000


@pytest.mark.parametrize("image", [0, 2**31, 2**62])
def test_large_numbers_of_images(image):
    entries = np.zeros(1, ENTRY)
    entries["image"], entries["value"] = image, 1
    one = Ranking(1, 1, ranking.drawn(np.array([1], np.uint64)))
    one.insert(np.array([0]), entries)
    assert one.entries["image"][0, 0] == image
