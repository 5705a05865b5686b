import numpy as np
import pytest
import traitlets as t

from cnnwidgets.widgets import UnitSearch

HITS = [
    dict(layer="conv5", channel=54, score=0.31),
    dict(layer="conv4", channel=7, score=0.2),
    dict(layer="conv5", channel=7, score=0.1),
]


@pytest.fixture
def search():
    search = UnitSearch(parts=["wheel", "window", "eye"], part="wheel", hits=HITS)
    yield search
    search.close()


def click(search, unit):
    search._handle_custom_msg({"kind": "choose", "unit": unit}, [])


def test_a_part_that_does_not_exist(search):
    with pytest.raises(t.TraitError, match="there is no part 'wheels'; nearest: 'wheel'"):
        search.part = "wheels"
    search.set_state({"part": "petal"})  # late, of parts that are no longer shown
    assert search.part == "" and search.error == ""


def test_other_parts(search):
    search.chosen = HITS[0]
    search.parts = ["eye", "wheel"]
    assert search.part == "wheel" and len(search.hits) == 3
    search.parts = ["eye"]
    assert (search.part, search.hits, search.chosen) == ("", [], None)


def test_numbers_of_numpy_and_unknown_scores(search):
    search.hits = [
        dict(layer="conv5", channel=np.int64(3), score=np.float32(0.25), extra="dropped"),
        dict(layer="conv5", channel=4, score=float("nan")),
        dict(layer="conv5", channel=5),
    ]
    assert search.get_state("hits")["hits"] == [
        dict(layer="conv5", channel=3, score=0.25),
        dict(layer="conv5", channel=4, score=None),
        dict(layer="conv5", channel=5, score=None),
    ]
    assert search.picture().width > 100 and "unknown" in search.describe()


@pytest.mark.parametrize("hit", [{}, dict(layer="conv5"), dict(layer="conv5", channel="x", score=1)])
def test_what_is_no_unit(search, hit):
    with pytest.raises(t.TraitError, match="a unit needs a layer, a channel and a score"):
        search.hits = [hit]
    with pytest.raises(t.TraitError, match="a unit needs"):
        search.chosen = hit
    assert len(search.hits) == 3


def test_a_click_is_heard_also_when_the_unit_is_chosen_already(search):
    heard = []
    search.observe(lambda change: heard.append(change.new), "chosen")
    click(search, HITS[1])
    click(search, HITS[1])
    click(search, HITS[0])
    assert heard == [HITS[1], HITS[1], HITS[0]] and search.chosen == HITS[0]


def test_an_observer_that_fails_is_shown(search):
    search.observe(lambda change: 1 / 0, "chosen")
    click(search, HITS[0])
    assert search.error == "ZeroDivisionError: division by zero"


def test_the_unit_that_is_shown_elsewhere(search):
    search.mark("conv5", 7)
    assert search.chosen == HITS[2]
    search.mark("conv5", 8)
    assert search.chosen is None


def test_in_words(search):
    search.chosen = dict(layer="conv4", channel=7)
    assert search.describe() == (
        "Units that fire on wheel, by IoU: conv5 · 54 (0.31), conv4 · 7 (0.20, chosen), conv5 · 7 (0.10)"
    )
    search.hits = []
    assert search.describe() == "Units that fire on wheel: none are listed"
    assert UnitSearch(message="no masks").describe() == "UnitSearch: no masks"
