import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import ChangeViewer, PictureChange
from cnnwidgets.widgets._changes import top_classes

NAMES = list("abcdefg")
SCALES = [0, 0.5, 1, 1.5]


def probabilities(seed, n=4):
    values = np.random.default_rng(seed).random((n, len(NAMES)))
    return values / values.sum(1, keepdims=True)


def change(name="found", seed=0, size=3.0):
    return PictureChange(name, size * np.random.default_rng(seed).normal(size=(3, 5, 8)), probabilities(seed))


@pytest.fixture
def pixels():
    return np.random.default_rng(9).integers(0, 256, (5, 8, 3), dtype=np.uint8)


@pytest.fixture
def viewer(pixels):
    viewer = ChangeViewer(classes=NAMES)
    viewer.show(pixels, [change(), change("noise", 1, 0.2)], SCALES, marked=(2, 5))
    yield viewer
    viewer.close()


def test_after_is_before_plus_the_share_of_the_change(viewer, pixels):
    for chosen, scale, share in ((0, 1.0, 1), (1, 1.5, 1.5), (0, 0, 0), (0, 0.7, 0.5), (0, 9.0, 1.5)):
        viewer.chosen, viewer.scale = chosen, scale
        added = viewer.changes[chosen].values.transpose(1, 2, 0)
        wanted = np.clip(np.round(pixels + share * added), 0, 255)
        assert np.abs(np.asarray(viewer.after(), float) - wanted).max() == 0
        assert [index for index, _, _ in viewer.top()] == list(
            np.argsort(-viewer.changes[chosen].probabilities[SCALES.index(share)])[:5]
        )


def test_the_change_is_magnified_around_grey(viewer):
    viewer.factor = 25
    assert not viewer.automatic and viewer.shown_factor == 25
    wanted = np.clip(128 + 25 * viewer.changes[0].values.transpose(1, 2, 0), 0, 255)
    assert np.abs(np.asarray(viewer.magnified(), float) - wanted).max() < 0.51
    viewer.automatic = True
    assert viewer.shown_factor == viewer.changes[0].factor != 25


@pytest.mark.parametrize(("most", "factor"), [(0, 1), (0.001, 200), (1, 100), (2.4, 40), (60, 1.5), (250, 1)])
def test_as_strong_as_it_is_well_seen(most, factor):
    values = np.full((3, 20, 20), float(most))
    values[0, 0, 0] = 10 * most  # one pixel does not make all others grey
    assert PictureChange("c", values).factor == factor


def test_how_large_it_is():
    values = np.zeros((3, 2, 2))
    values[0, 0] = 6, -8
    assert PictureChange("c", values).size == pytest.approx(np.sqrt(100 / 12))
    assert PictureChange("c", values).largest == 8
    assert PictureChange("c", values).told() == "2.89 of 255 grey levels (root mean square), 8.00 at most"
    assert PictureChange("c", 0 * values).told() == "nothing is changed"


def test_grey_changes_are_of_all_channels():
    assert PictureChange("c", np.ones((2, 3))).values.shape == (3, 2, 3)
    assert PictureChange("c", np.ones((1, 2, 3))).values.shape == (3, 2, 3)


@pytest.mark.parametrize(
    ("values", "told"),
    [(np.ones((2, 4, 4)), "not \\(2, 4, 4\\)"), (np.full((3, 2, 2), np.nan), "not finite")],
)
def test_changes_that_make_no_sense(values, told):
    with pytest.raises(ValueError, match=told):
        PictureChange("c", values)


def test_only_classes_that_are_among_the_first_are_sent(viewer):
    rows = [np.eye(9)[[0, 3]] + 0.01 * np.eye(9)[[1, 1]], np.eye(9)[[4, 4]]]
    assert top_classes(rows, 1, [7]) == [0, 3, 4, 7]
    assert top_classes(rows[:1], 2, []) == [0, 1, 3]
    sent = np.frombuffer(viewer._probabilities, np.float32).reshape(2, 4, len(viewer._kept))
    np.testing.assert_array_equal(sent[1], viewer.changes[1].probabilities[:, viewer._kept])
    assert viewer._kept_names == [NAMES[each] for each in viewer._kept]
    assert {2, 5} <= set(viewer._kept)


@pytest.mark.parametrize(
    ("kwargs", "told"),
    [
        ({"changes": []}, "no change to show"),
        ({"scales": [0, 1, 0.5, 2]}, "each larger than the one before"),
        ({"scales": [0.5, 1, 1.5, 2]}, "the first one 0"),
        ({"scales": [0, 1]}, r"have the shape \(2, 7\), not \(4, 7\)"),
        (
            {"changes": [PictureChange("c", np.ones((3, 4, 8)), probabilities(0))]},
            "4 × 8 pixels does not fit",
        ),
        ({"changes": [PictureChange("c", np.ones((3, 5, 8)))]}, r"not \(\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_what_was_shown_stays(viewer, pixels, kwargs, told):
    before, state = viewer.after(), viewer._probabilities
    with pytest.raises(ValueError, match=told):
        viewer.show(**{"picture": pixels, "changes": [change()], "scales": SCALES} | kwargs)
    assert viewer.after().tobytes() == before.tobytes() and viewer._probabilities == state


def test_fewer_changes_than_the_chosen_one(viewer, pixels):
    viewer.chosen = 1
    with pytest.raises(t.TraitError, match="change 2 does not exist: there are 0 to 1"):
        viewer.chosen = 2
    viewer.show(pixels, [change()], SCALES)
    assert viewer.chosen == 0
    viewer.set_state({"chosen": 1})  # comes late
    assert viewer.chosen == 0 and viewer.error == ""


def test_in_words_and_as_a_picture(viewer):
    viewer.facts = [["mere noise", "does nothing"]]
    lines = viewer.describe().split("\n")
    (_, name, probability), *_ = viewer.top()
    assert lines[1].startswith(f"After, with 100 % of the change (found): {name} {100 * probability:.1f} %")
    assert lines[2].startswith("The change: ") and lines[3] == "mere noise: does nothing"
    assert viewer.picture().width > 3 * viewer.width
    assert ChangeViewer().describe() == "ChangeViewer: no picture" and ChangeViewer().picture() is None


def test_closing_frees_the_pictures(viewer):
    viewer.close()
    assert viewer._pixels == viewer._values == viewer._probabilities == b""
    assert viewer.after() is None and viewer.changes == []


def test_a_grey_picture(viewer):
    viewer.show(
        Image.new("L", (8, 5), 40), [PictureChange("c", np.full((5, 8), 2), probabilities(0))], SCALES
    )
    assert viewer.after().getpixel((3, 3)) == (42, 42, 42)


def test_cleared_and_shown_again(viewer, pixels):
    viewer.chosen, viewer.facts, viewer.search = 1, [["mere noise", "does nothing"]], [0, 0, 1, 1]
    viewer.clear()
    assert viewer.describe() == "ChangeViewer: no picture" and viewer.picture() is None
    assert viewer.after() is None and viewer.top() == [] and viewer.facts == [] and not len(viewer.search)
    assert viewer._pixels == viewer._values == viewer._probabilities == b""
    viewer.show(pixels, [change()], SCALES)
    assert viewer.chosen == 0 and viewer.after().size == (8, 5)
