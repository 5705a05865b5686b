import asyncio
import threading
import time

import pytest
import traitlets as t

from cnnwidgets.widgets import ScanControl


def send(control, kind, buffers=(), **content):
    """A message of the browser."""
    control._handle_custom_msg({"kind": kind, **content}, [memoryview(part) for part in buffers])


@pytest.fixture
def control():
    """With a list of what it was asked to scan."""
    control = ScanControl(source="5,000 Toytown pictures")
    control.asked = []
    control.on_start(control.asked.append)
    yield control
    control.close()


def test_a_folder(control):
    send(control, "scan", folder="~/pictures")
    assert control.asked == ["~/pictures"] and control.folder == "~/pictures"
    assert (control.running, control.done, control.total) == (True, 0, 0)
    control.progress(3, total=7)
    assert (control.done, control.total) == (3, 7)
    control.finish("7 pictures", source="7 pictures of ~/pictures")
    assert (control.running, control.message, control.source) == (
        False,
        "7 pictures",
        "7 pictures of ~/pictures",
    )


@pytest.mark.parametrize("typed", ['"C:\\my pictures"', " 'C:\\my pictures' ", "C:\\my pictures"])
def test_paths_copied_with_their_quotes(control, typed):
    send(control, "scan", folder=typed)
    assert control.asked == ["C:\\my pictures"]


def test_no_folder(control):
    for _ in range(2):
        send(control, "scan", folder=" ")
        assert control.error == "type the path of a folder first, such as ~/pictures"
    assert control.asked == [] and not control.running


def test_the_same_error_twice_is_news_to_the_browser_twice(control, messages):
    sent = messages(control)
    for _ in range(2):
        send(control, "scan", folder="")
    assert [bool(state["error"]) for state in sent if "error" in state] == [True, False, True]


def test_nobody_scans():
    control = ScanControl()
    with pytest.raises(t.TraitError, match="register a function with on_start"):
        control.start("~/pictures")
    send(control, "batch", batch="b", count=3)  # told before anything is sent
    assert "on_start" in control.error and control._batch == ""


def test_a_scan_that_cannot_start_says_why(control):
    control.on_start(lambda pictures: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        control.start("~/pictures")
    assert not control.running
    send(control, "scan", folder="~/pictures")
    assert control.error == "ZeroDivisionError: division by zero" and not control.running


def test_one_at_a_time(control):
    control.start("a")
    with pytest.raises(t.TraitError, match="stop it first"):
        control.start("b")
    send(control, "batch", batch="b", count=2)
    assert "stop it first" in control.error and control._batch == ""
    assert control.asked == ["a"] and control.running and control.folder == "b"


def test_a_batch_starts_when_all_have_come(control):
    send(control, "batch", batch="b1", count=4)
    assert control._batch == "b1" and control._expected == 4
    for place, (name, data) in enumerate([("x.png", b"one"), ("y.png", b"two"), ("x.png", b"three")]):
        send(control, "picture", [data], batch="b1", place=place, name=name)
        assert control._arrived == place + 1 and control.asked == [] and not control.running
    send(control, "no picture", batch="b1", place=3, why="film.mov (22 MB) cannot be read")
    assert control.asked == [{"x.png": b"one", "y.png": b"two", "x.png (2)": b"three"}]
    assert control.refused == ["film.mov (22 MB) cannot be read"]
    assert (control.running, control.total, control._expected, control._batch) == (True, 3, 0, "")


def test_the_view_hears_of_both_in_one_message(control, messages):
    """Between sending and scanning there is no moment in which nothing goes on."""
    send(control, "batch", batch="b1", count=1)
    sent = messages(control)
    send(control, "picture", [b"one"], batch="b1", place=0, name="x.png")
    ended = next(state for state in sent if state.get("_expected") == 0)
    assert ended["running"] is True


def test_a_batch_of_which_nothing_is_left(control):
    send(control, "batch", batch="b1", count=1)
    send(control, "no picture", batch="b1", place=0, why="empty.png is empty")
    assert control.asked == [] and not control.running and control.refused == ["empty.png is empty"]
    send(control, "scan", folder="a")
    assert control.refused == []


def test_pictures_of_another_batch_are_not_taken(control):
    send(control, "picture", [b"late"], batch="b0", place=0, name="late.png")
    send(control, "batch", batch="b1", count=1)
    send(control, "picture", [b"late"], batch="b0", place=0, name="late.png")
    assert control._arrived == 0
    send(control, "batch", batch="b2", count=1)  # chosen anew before the first had come
    send(control, "picture", [b"new"], batch="b2", place=0, name="new.png")
    assert control.asked == [{"new.png": b"new"}]


@pytest.mark.parametrize("end", ["batch ends", "cancel"])
def test_a_batch_that_is_given_up(control, end):
    send(control, "batch", batch="b1", count=2)
    send(control, "picture", [b"one"], batch="b1", place=0, name="x.png")
    send(control, end, batch="b1")
    assert (control._batch, control._expected, control._arrived) == ("", 0, 0)
    send(control, "picture", [b"two"], batch="b1", place=1, name="y.png")
    assert control.asked == [] and not control.running and not control.stopping


def test_nothing_of_a_picture_stays_in_the_models(control):
    send(control, "batch", batch="b1", count=1)
    send(control, "picture", [bytes(100_000)], batch="b1", place=0, name="x.png")
    assert (
        sum(len(str(value)) for key, value in control.get_state().items() if key not in ("_esm", "_css"))
        < 5000
    )
    assert control._incoming is None


def test_stop(control):
    stopped = []
    control.on_cancel(lambda: stopped.append(control.stopping))
    control.cancel()
    assert stopped == [] and not control.stopping  # there is nothing to stop
    control.start("a")
    send(control, "cancel")
    send(control, "cancel")
    assert stopped == [True] and control.running  # until the scan says that it has ended
    control.finish("212 pictures, stopped")
    assert not control.running and not control.stopping and control.message == "212 pictures, stopped"


def test_a_scan_in_a_thread_is_stopped_while_it_works():
    """The event loop stays free, hears the button, and the thread sees it."""
    control = ScanControl()
    seen = []

    def scan():
        done = 0
        while not control.stopping and done < 100_000:
            done += 1
            time.sleep(0.0005)
            control.progress(done, total=100_000)
        control.finish(f"{done} pictures")
        return done

    async def main():
        tasks = []
        loop_thread = threading.get_ident()
        control.observe(
            lambda change: seen.append((change.new, threading.get_ident() == loop_thread)), "done"
        )
        control.on_start(lambda folder: tasks.append(asyncio.create_task(asyncio.to_thread(scan))))
        send(control, "scan", folder="a")
        await asyncio.sleep(0.7)
        assert control.running and 0 < control.done < 100_000 and control.rate > 10
        send(control, "cancel")
        done = await asyncio.wait_for(tasks[0], 5)
        await asyncio.sleep(0.01)
        assert control.done == done and control.message == f"{done} pictures" and not control.running

    asyncio.run(main())
    assert 3 <= len(seen) <= 8  # several times a second, not two thousand times
    assert all(on_loop for _, on_loop in seen)


def test_back_home(control):
    back = []
    control.on_reset(lambda: back.append(control.source))
    assert control.home == "5,000 Toytown pictures"
    control.start("a")
    control.finish("3 pictures", source="mine")
    send(control, "reset")
    assert back == ["mine"] and control.message == "" and control.home == "5,000 Toytown pictures"


def test_going_back_stops_a_scan(control):
    calls = []
    control.on_cancel(lambda: calls.append("cancel"))
    control.on_reset(lambda: calls.append("reset"))
    control.start("a")
    control.reset()
    assert calls == ["cancel", "reset"]


def test_home_may_be_told():
    assert ScanControl(source="mine", home="5,000 Toytown pictures").home == "5,000 Toytown pictures"


def test_news_after_the_end_reach_nobody():
    control = ScanControl()
    control.on_start(lambda folder: None)
    control.start("a")
    control.close()
    assert control.stopping  # a scan in a thread sees that it is wanted no more
    control.progress(5)
    control.finish("too late")
    assert control.message == ""


def test_in_words(control):
    assert control.describe() == "Pictures: 5,000 Toytown pictures"
    control.start("a")
    control.progress(1400, total=5000, message="from a")
    assert control.describe() == "Pictures: 5,000 Toytown pictures; scanning, 1,400 of 5,000; from a"
    assert ScanControl().describe() == "Pictures: none yet"
