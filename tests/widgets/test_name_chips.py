import pytest
import traitlets as t

from cnnwidgets.widgets import NameChips


@pytest.fixture
def chips():
    chips = NameChips(names=["a", "b", "c"], label="in the maps")
    yield chips
    chips.close()


def test_taken_away(chips):
    gone = []
    chips.on_remove(gone.append)
    chips.remove("b")
    chips.remove("b")
    assert chips.names == ["a", "c"] and gone == ["b"]
    chips.receive({"kind": "remove", "names": ["a", "gone", "c"]}, [])
    assert chips.names == [] and gone == ["b", "a", "c"]


def test_no_two_alike(chips):
    with pytest.raises(t.TraitError, match="differ from each other"):
        chips.names = ["a", "a"]
    assert chips.names == ["a", "b", "c"]


def test_in_words(chips):
    assert chips.describe() == "in the maps: a, b, c"
    assert chips.picture().height > 0
    chips.names = []
    assert chips.describe() == "in the maps: none" and chips.picture() is None
