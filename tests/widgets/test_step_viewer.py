"""Which steps are kept, what is sent of them and how often."""

import asyncio
import io

import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import StepViewer, step_viewer
from cnnwidgets.widgets._step_history import MOST_BYTES, StepHistory, columns_of, packed, unpacked


def grey(value, size=(6, 9)):
    return np.full((*size, 3), value, np.uint8)


def level(picture):
    return picture.getpixel((0, 0))[0]


@pytest.fixture
def viewer():
    viewer = StepViewer(titles=["cat", "dog"])
    yield viewer
    viewer.close()


def run(viewer, n):
    for step in range(n):
        viewer.show([grey(step % 256), grey(255 - step % 256)], step)


# -- the history -----------------------------------------------------------------------------------


def test_every_second_step_goes_when_there_are_too_many():
    history = StepHistory()
    seen = []
    for step in range(10):
        history.add(step, 1, keep=4)
        seen.append(history.steps)
    assert seen[3:] == [
        [0, 1, 2, 3],
        [0, 2, 4],
        [0, 2, 4, 5],
        [0, 2, 4, 6],
        [0, 4, 7],
        [0, 4, 8],
        [0, 4, 8, 9],
    ]


@pytest.mark.parametrize("keep", [2, 3, 7, 60])
def test_first_and_newest_are_always_there_and_gaps_are_equal(keep):
    history = StepHistory()
    for step in range(500):
        history.add(step, 1, keep)
        steps = history.steps
        assert steps[0] == 0 and steps[-1] == step and len(steps) <= max(keep, 2)
        gaps = set(np.diff(steps[:-1]))
        assert len(gaps) <= 1
        assert len({each.slot for each in history.kept}) == len(history.kept)
    assert len(history.steps) > keep // 2


def test_large_pictures_are_thinned_by_their_bytes():
    history = StepHistory()
    for step in range(100):
        history.add(step, 500_000, keep=60)
        assert history.size <= MOST_BYTES
    assert history.steps[0] == 0 and history.steps[-1] == 99 and len(history.steps) >= 8


def test_pictures_larger_than_all_that_may_be_kept_leave_two():
    history = StepHistory()
    for step in range(9):
        history.add(step, 2 * MOST_BYTES, keep=60)
    assert history.steps == [0, 8]


def test_one_that_is_held_stays():
    history = StepHistory()
    for step in range(40):
        history.add(step, 1, keep=4, held=3 if step >= 3 else None)
    assert {0, 3, 39} <= set(history.steps) and len(history.steps) <= 5


def test_what_was_packed_comes_out_again():
    shown = step_viewer.Shown(7, tuple(Image.fromarray(grey(k, (k, 5))) for k in (3, 8)), "sév", ("ä", "b"))
    found = unpacked(packed(shown))
    assert (found.step, found.label, found.captions) == (7, "sév", ("ä", "b"))
    assert [each.tobytes() for each in found.pictures] == [each.tobytes() for each in shown.pictures]


def test_large_pictures_are_sent_small():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(noise[:12, :16]).resize((2000, 1500), Image.Resampling.BICUBIC))
    data = packed(step_viewer.Shown(0, (Image.fromarray(smooth),)))
    assert unpacked(data).pictures[0].size == (1024, 768)
    assert len(data) < 200_000


# -- what is shown ---------------------------------------------------------------------------------


def test_newest_and_earlier_pictures(viewer):
    run(viewer, 5)
    assert viewer.steps == [0, 1, 2, 3, 4]
    assert [level(each) for each in viewer.pictures] == [4, 251]
    assert [level(each) for each in viewer.pictures_at(2)] == [2, 253]
    viewer.position = 1
    assert viewer.describe() == "step 1 (of 5 kept, 0 to 4): cat; dog"
    with pytest.raises(ValueError, match="step 9 is not kept; those that are: "):
        viewer.pictures_at(9)
    with pytest.raises(t.TraitError, match="step 9 cannot be shown: the nearest that is kept is 4"):
        viewer.position = 9
    assert viewer.position == 1


def test_only_the_newest_travels(viewer, messages):
    run(viewer, 5)
    sent = messages(viewer)
    viewer.show([grey(9), grey(9)], 5, captions=["a"])
    (state,) = sent
    slots = [name for name in state if name.startswith("_slot_") and name != "_slots"]
    assert len(slots) == 1
    assert state["_order"][-1] == [5, int(slots[0].rpartition("_")[2])]
    assert len(state["_order"]) == 6
    assert unpacked(state[slots[0]]).captions == ("a",)


def test_bytes_of_steps_that_are_not_kept_are_freed(messages):
    viewer = StepViewer(keep=4)
    run(viewer, 33)
    used = [name for name in step_viewer.NAMES if getattr(viewer, name)]
    assert len(used) == len(viewer.steps) <= 4
    viewer.clear()
    assert not any(getattr(viewer, name) for name in step_viewer.NAMES)
    viewer.close()


def test_one_picture_grey_ones_and_other_sizes():
    viewer = StepViewer(np.full((4, 5), 7, np.uint8))
    assert viewer.steps == [0] and [each.size for each in viewer.pictures] == [(5, 4)]
    viewer.show(np.stack([grey(1), grey(2)]))
    assert viewer.steps == [0, 1] and [level(each) for each in viewer.pictures] == [1, 2]
    viewer.show([grey(3, (8, 2)), Image.new("L", (3, 3), 9)])
    assert [each.size for each in viewer.pictures] == [(2, 8), (3, 3)]
    viewer.close()


@pytest.mark.parametrize("wrong", [np.zeros((3, 4, 3)), [np.zeros((2, 2, 2), np.uint8)], ["cat.png"]])
def test_what_is_no_picture_is_refused(viewer, wrong):
    run(viewer, 2)
    with pytest.raises(ValueError, match="a picture is"):
        viewer.show(wrong)
    assert viewer.steps == [0, 1] and level(viewer.pictures[0]) == 1


def test_a_lower_number_begins_anew_and_the_same_replaces(viewer):
    run(viewer, 5)
    viewer.position = 2
    viewer.show(grey(77), 4, best=grey(5))
    assert viewer.steps == [0, 1, 2, 3, 4] and level(viewer.pictures_at(4)[0]) == 77
    assert viewer.position == 2
    viewer.show(grey(88), 0)
    assert viewer.steps == [0] and level(viewer.pictures_at(0)[0]) == 88
    assert viewer.position is None and viewer.best == []


def test_best_pictures_stay_until_there_are_others(viewer):
    run(viewer, 3)
    viewer.show(grey(3), 3, best=grey(200), best_captions=["score 9"])
    viewer.show(grey(4), 4)
    viewer.best_shown = True
    assert level(viewer.best[0]) == 200
    assert viewer.describe().startswith("best (of 5 kept, 0 to 4): cat score 9")
    viewer.clear()
    assert viewer.best == [] and not viewer.best_shown and viewer.picture() is None
    assert viewer.describe() == "no pictures yet"


def test_a_step_that_is_looked_at_stays():
    viewer = StepViewer(keep=4)
    run(viewer, 4)
    viewer.position = 3
    for step in range(4, 40):
        viewer.show(grey(step), step)
    assert viewer.position == 3 and 3 in viewer.steps
    viewer.close()


def test_what_comes_late_from_the_browser(viewer):
    run(viewer, 3)
    viewer.set_state({"position": 17, "selected": 8})
    assert (viewer.position, viewer.selected, viewer.error) == (2, None, "")
    with pytest.raises(t.TraitError, match="there is no picture 8: there are 2"):
        viewer.selected = 8


def test_a_picture_for_places_without_widgets(viewer):
    assert viewer.picture() is None
    viewer.show([grey(200), grey(30)], 3, captions=["score 4", "score 5"])
    picture = viewer.picture()
    assert picture.width > 2 * 2 * viewer.width
    pixels = np.asarray(picture)
    assert (pixels == 200).all(-1).sum() > 10_000 and (pixels == 30).all(-1).sum() > 10_000


def test_saving_gives_the_pictures_exactly(viewer):
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 256, (300, 200, 3), dtype=np.uint8) for _ in range(3)]
    viewer.show(noise, 0)
    files = []
    viewer.send = lambda content, buffers=None: files.append((content, buffers))
    viewer.selected = 1
    viewer._handle_custom_msg({"kind": "save", "number": 12}, [])
    content, (data,) = files.pop()
    assert content == {"kind": "file", "number": 12}
    assert (np.asarray(Image.open(io.BytesIO(data))) == noise[1]).all()
    viewer.selected = None
    viewer._handle_custom_msg({"kind": "save", "number": 13}, [])
    whole = np.asarray(Image.open(io.BytesIO(files.pop()[1][0])))
    assert whole.shape == (602, 402, 3)  # two rows of two, and lines between them
    assert (whole[302:602, 0:200] == noise[2]).all()


def test_columns_of_a_sheet():
    assert [columns_of(n) for n in (1, 2, 3, 4, 5, 9, 12)] == [1, 2, 2, 2, 3, 3, 4]


def test_closing_frees_everything(viewer, messages):
    run(viewer, 5)
    viewer.show(grey(1), 5, best=grey(2))
    sent = messages(viewer)
    viewer.close()
    assert sum(state[name] == b"" for state in sent for name in state if name.startswith("_slot_")) == 6
    assert any(state.get("_best") == b"" for state in sent)
    assert viewer.pictures == [] and viewer.steps == []
    viewer.show(grey(1))  # a run that has not heard of it does no harm


# -- the pace --------------------------------------------------------------------------------------


class Browser:
    """Hears what is sent, and tells that it has shown it."""

    def __init__(self, viewer):
        self.viewer, self.serials = viewer, []
        viewer.observe(lambda change: self.serials.append(change.new), "_serial")

    def shows(self):
        self.viewer._handle_custom_msg({"kind": "seen", "serial": self.serials[-1]}, [])


def test_in_a_script_every_step_is_there(viewer):
    browser = Browser(viewer)
    run(viewer, 30)
    assert len(browser.serials) == 30


def test_a_flood_is_sent_at_a_pace_and_the_last_always_comes(viewer):
    async def flood():
        browser = Browser(viewer)
        for step in range(300):
            viewer.show(grey(step % 256), step)
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.2)
        return browser

    browser = asyncio.run(flood())
    assert 3 <= len(browser.serials) < 60
    assert viewer.steps[0] == 0 and viewer.steps[-1] == 299


def test_the_end_of_a_run_is_sent_at_once(viewer):
    async def two():
        viewer.show(grey(1), 0)
        viewer.show(grey(2), 1)
        waiting = viewer.steps
        viewer.show(grey(3), 2, last=True)
        return waiting, viewer.steps

    assert asyncio.run(two()) == ([0], [0, 2])


def test_a_browser_that_is_behind_gets_the_newest_when_it_is_ready(viewer, monkeypatch):
    monkeypatch.setattr(step_viewer, "PATIENCE", 30)

    async def slow():
        browser = Browser(viewer)
        viewer.show(grey(0), 0)
        browser.shows()
        for step in range(1, 12):
            viewer.show(grey(step), step)
            await asyncio.sleep(0.08)
        stuck = len(browser.serials)
        browser.shows()
        await asyncio.sleep(0.1)
        return stuck, len(browser.serials)

    assert asyncio.run(slow()) == (1 + step_viewer.AHEAD, 2 + step_viewer.AHEAD)
    assert viewer.steps[-1] == 11


def test_a_browser_that_never_answers_again_is_not_waited_for(viewer, monkeypatch):
    monkeypatch.setattr(step_viewer, "PATIENCE", 0.2)

    async def gone():
        browser = Browser(viewer)
        viewer.show(grey(0), 0)
        browser.shows()
        for step in range(1, 8):
            viewer.show(grey(step), step)
            await asyncio.sleep(0.07)
        await asyncio.sleep(0.3)
        return len(browser.serials)

    assert asyncio.run(gone()) > 1 + step_viewer.AHEAD
    assert viewer.steps[-1] == 7


def test_a_cell_at_work_cannot_hear_the_browser_and_does_not_wait_for_it(viewer):
    import time

    async def cell():
        browser = Browser(viewer)
        viewer.show(grey(0), 0)
        browser.shows()
        await asyncio.sleep(0)
        for step in range(1, 9):  # blocks the loop
            viewer.show(grey(step), step)
            time.sleep(0.07)
        return len(browser.serials)

    assert asyncio.run(cell()) >= 7
