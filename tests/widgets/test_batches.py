import random

from cnnwidgets.widgets._batches import Batch


def test_complete_when_each_has_come_in_whatever_order():
    places = list(range(40))
    random.Random(0).shuffle(places)
    batch = Batch(40)
    for place in places:
        assert not batch.is_complete
        batch.add(place, f"{place}.png", bytes([place]))
    assert batch.is_complete
    assert list(batch.files.items()) == [(f"{place}.png", bytes([place])) for place in range(40)]


def test_one_that_comes_twice_is_one():
    batch = Batch(2)
    batch.add(0, "a.png", b"first")
    batch.add(0, "a.png", b"again")
    batch.miss(0, "a.png is empty")
    assert (batch.arrived, batch.is_complete, batch.files, batch.missing) == (
        1,
        False,
        {"a.png": b"first"},
        [],
    )


def test_equal_names_lose_no_file():
    batch = Batch(4)
    for place, data in enumerate([b"1", b"2", b"3", b"4"]):
        batch.add(place, "a (2).png" if place == 1 else "a.png", data)
    assert len(batch.files) == 4 and sorted(batch.files.values()) == [b"1", b"2", b"3", b"4"]


def test_those_that_will_not_come_count():
    batch = Batch(3)
    batch.miss(2, "c is empty")
    batch.add(1, "b", b"1")
    assert not batch.is_complete
    batch.miss(0, "a is empty")
    assert batch.is_complete and batch.files == {"b": b"1"} and batch.missing == ["c is empty", "a is empty"]
