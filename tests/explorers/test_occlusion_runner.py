"""One map at a time, in a thread; the newest counts, and nothing ends silently."""

import asyncio
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import cnnwidgets as cw
from cnnwidgets.explorers import occlusion_runner
from cnnwidgets.explorers.occlusion_explorer import Request
from cnnwidgets.explorers.occlusion_runner import BATCH_SECONDS, Job, OcclusionRunner


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16 * 16, 6))
    return cw.wrap(module, input_size=(16, 16))


@pytest.fixture
def at_once(monkeypatch):
    """Nothing is computed in the caller: runs are in progress from the start."""
    monkeypatch.setattr(occlusion_runner, "FIRST_LOOK", 0.0)


IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))


def request(network, **changes):
    usual = Request(network, IMAGE, "1", None, "exact", 4, 2, "grey", "full", (None, None))
    return usual._replace(**changes)


class Listener:
    """In place of an explorer: notes what it is told, and by which thread."""

    def __init__(self):
        self.told, self.errors, self.threads, self.busy = [], [], set(), False
        self.control = SimpleNamespace(
            progress=lambda done: None, finish=lambda message: self.told.append(("finish", message))
        )

    def is_busy(self):
        return self.busy

    def ready(self, job):
        self.threads.add(threading.current_thread())
        self.told.append(("ready", job.request.size))

    def show(self, job, is_last=False):
        self.threads.add(threading.current_thread())
        self.told.append(("last" if is_last else "show", job.request.size))

    def show_error(self, error):
        self.errors.append(error)

    @property
    def words(self):
        return [word for word, _ in self.told]


def test_without_an_event_loop_all_is_done_at_once(network, monkeypatch):
    monkeypatch.setattr("cnnwidgets.core.occluders.engines.PREPARATION", -float("inf"))
    listener = Listener()
    OcclusionRunner(listener).start(request(network))
    assert listener.words[0] == "ready" and listener.words[-2:] == ["last", "finish"]
    assert set(listener.words[1:-2]) == {"show"}
    assert listener.told[-1][1].startswith("incremental: ")


def test_the_loop_hears_of_it_and_the_thread_works(network, monkeypatch):
    workers = set()
    begin = Job.begin
    monkeypatch.setattr(Job, "begin", lambda job: workers.add(threading.current_thread()) or begin(job))

    async def scenario():
        listener = Listener()
        runner = OcclusionRunner(listener)
        runner.newest = Job(None)  # or the first look would be taken in the caller
        runner.start(request(network))
        assert listener.told == []
        await runner.done()
        return listener

    listener = asyncio.run(scenario())
    assert listener.threads == {threading.main_thread()} and workers.isdisjoint(listener.threads)
    assert listener.words[-1] == "finish"


def test_only_the_newest_is_told_and_those_in_between_never_start(network, monkeypatch):
    prepared, begun, release = [], threading.Event(), threading.Event()
    prepare = Job.prepare

    def slowly(job, last):
        prepared.append(job.request.size)
        begun.set()
        assert release.wait(10)
        prepare(job, last)

    monkeypatch.setattr(Job, "prepare", slowly)

    async def scenario():
        listener = Listener()
        runner = OcclusionRunner(listener)
        runner.newest = Job(None)  # or the first look would be taken in the caller
        for size in (3, 4, 5, 6):
            runner.start(request(network, size=size))
            assert await asyncio.to_thread(begun.wait, 10)  # the first one is at work
            await asyncio.sleep(0.02)
        release.set()
        await runner.done()
        return listener

    listener = asyncio.run(scenario())
    assert prepared == [3, 6]
    assert {size for word, size in listener.told if word != "finish"} == {6}
    assert listener.words.count("finish") == 1


def test_the_image_is_not_looked_at_again_for_another_square(network, monkeypatch):
    made = []
    occluder = occlusion_runner.Occluder
    monkeypatch.setattr(
        occlusion_runner, "Occluder", lambda *args, **more: made.append(args[3:]) or occluder(*args, **more)
    )
    runner = OcclusionRunner(Listener())
    runner.start(request(network))
    for changes in ({"size": 7}, {"stride": 4}, {"fill": "black"}, {"method": "adaptive"}):
        runner.start(request(network, **changes))
    assert len(made) == 1
    runner.start(request(network, layer="0"))
    runner.start(request(network, layer="0", channel=2))
    runner.start(request(network, image=IMAGE.copy()))
    assert made[1:] == [("0", None), ("0", 2), ("1", None)]


@pytest.mark.parametrize("where", ["ready", "show", "prepare"])
def test_an_error_anywhere_is_told_and_the_work_ends(network, monkeypatch, where):
    async def scenario():
        listener = Listener()
        if where == "prepare":
            monkeypatch.setattr(Job, "prepare", lambda job, last: 1 / 0)
        else:
            monkeypatch.setattr(listener, where, lambda *_, **more: 1 / 0)
        runner = OcclusionRunner(listener)
        runner.start(request(network))
        await asyncio.wait_for(runner.done(), 10)
        return listener

    listener = asyncio.run(scenario())
    assert {type(error) for error in listener.errors} == {ZeroDivisionError}
    assert listener.words.count("finish") == 1


def test_another_loop_may_wait_for_it(network, at_once):
    """Cells and the browser's messages have an event loop each."""
    listener, runner = Listener(), None
    runner = OcclusionRunner(listener)
    listener.busy = True
    begun = threading.Event()

    async def browser():
        runner.start(request(network))
        begun.set()
        await runner.done()

    async def cell():
        begun.wait(10)
        asyncio.get_running_loop().call_later(0.1, setattr, listener, "busy", False)
        await asyncio.wait_for(runner.done(), 10)
        return list(listener.words)

    thread = threading.Thread(target=lambda: asyncio.run(browser()))
    thread.start()
    words = asyncio.run(cell())
    thread.join()
    assert words[-1] == "finish"


def test_it_can_be_stopped_and_says_how_far_it_came(network, at_once):
    async def scenario():
        listener = Listener()
        runner = OcclusionRunner(listener)
        show = listener.show

        def stop_soon(job, is_last=False):
            show(job, is_last)
            if not is_last and runner._current is job:
                runner.stop()

        listener.show = stop_soon
        runner.start(request(network, stride=1))
        await runner.done()
        return listener, int(runner.newest.seen["known"].sum())

    listener, n = asyncio.run(scenario())
    assert listener.told[-1] == ("finish", f"stopped after {n} of 256") and 0 < n < 256
    assert listener.words.count("last") == 1


def test_batches_grow_with_the_speed_but_take_no_longer_than_a_hand_can_wait(network):
    job = Job(request(network))
    job.prepare(None)
    job.begin()
    sizes = []
    for _ in range(8):
        job.pace(job._batch * 0.002, job._batch)
        sizes.append(job.run.batch_size)
    assert sizes[0] == 8 and sizes[-1] == int(BATCH_SECONDS / 0.002)
    job.pace(10.0, job._batch)
    assert job.run.batch_size == 1


def test_scores_of_all_classes_are_kept_where_there_is_room(network, monkeypatch):
    job = Job(request(network))
    job.prepare(None)
    assert len(job.begin().classes) == 6
    monkeypatch.setattr(occlusion_runner, "MOST_SCORES", 64 * 6 - 1)
    assert sorted(job.begin().classes) == sorted(job.request.classes(job.baseline))
    monkeypatch.undo()
    adaptive = Job(request(network, method="adaptive", targets=(5, 2)))
    adaptive.prepare(job)
    assert list(adaptive.begin().classes) == [5, 2]
    assert adaptive.of_class(5) is None, "nothing is known yet"
    while adaptive.run.step():
        pass
    adaptive.look()
    assert adaptive.of_class(5).shape == (8, 8) and adaptive.of_class(1) is None


def test_nothing_is_kept_after_the_end(network, at_once):
    async def scenario():
        listener = Listener()
        runner = OcclusionRunner(listener)
        runner.start(request(network, stride=1))
        await asyncio.sleep(0.02)
        runner.close()
        told = len(listener.told)
        began = time.monotonic()
        await runner.done()
        assert time.monotonic() - began < 5 and len(listener.told) == told
        assert runner.newest is runner._last is runner._current is None

    asyncio.run(scenario())


def in_a_loop_that_dies(ask, meanwhile=lambda: None):
    """Call ``ask`` on the loop of a thread, as in a subshell, and close that loop while work goes on."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def scenario():
        ask()

    asyncio.run_coroutine_threadsafe(scenario(), loop).result(10)
    meanwhile()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("blocked", [False, True])
def test_the_loop_that_asked_may_be_closed_in_the_middle(network, monkeypatch, blocked):
    """Whether or not there were results on their way."""
    release, preparing = threading.Event(), threading.Event()
    prepare = Job.prepare

    def slowly(job, last):
        if threading.current_thread() is not caller:
            preparing.set()
            assert release.wait(10)
        prepare(job, last)

    caller = threading.current_thread()
    monkeypatch.setattr(Job, "prepare", slowly)
    listener = Listener()
    runner = OcclusionRunner(listener)
    runner.start(request(network))  # here, without a loop: no first look any more
    listener.told.clear()

    def meanwhile():
        assert preparing.wait(10)
        if blocked:
            release.set()

    in_a_loop_that_dies(lambda: runner.start(request(network, size=5)), meanwhile)
    release.set()
    asyncio.run(asyncio.wait_for(runner.done(), 10))
    assert listener.words[0] == "ready" and listener.words[-2:] == ["last", "finish"]
    assert listener.words.count("finish") == 1 and not listener.errors

    async def another():
        runner.start(request(network, size=6))
        await asyncio.wait_for(runner.done(), 10)

    asyncio.run(another())
    assert listener.told[-2] == ("last", 6) and listener.words.count("finish") == 2


def test_another_may_begin_while_that_of_a_closed_loop_is_at_work(network, at_once):
    listener = Listener()
    runner = OcclusionRunner(listener)
    listener.busy = True  # it waits before its first batch
    in_a_loop_that_dies(lambda: runner.start(request(network, size=5)))

    async def another():
        runner.start(request(network, size=6))
        listener.busy = False
        await asyncio.wait_for(runner.done(), 10)

    asyncio.run(another())
    assert listener.told[-2] == ("last", 6) and listener.words.count("finish") == 1


def test_a_job_is_finished_once_though_stopped_at_its_very_end(network):
    listener = Listener()
    runner = OcclusionRunner(listener)
    for _ in range(50):
        job = runner._current = Job(request(network))
        barrier = threading.Barrier(2)
        threads = [
            threading.Thread(target=lambda what=what, barrier=barrier: (barrier.wait(), what()))
            for what in (runner.stop, lambda job=job: runner._end(job))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert listener.words == ["finish"] * 50


def test_its_thread_does_not_keep_python_from_ending(network, at_once):
    listener = Listener()
    listener.busy = True
    runner = OcclusionRunner(listener)
    before = set(threading.enumerate())
    in_a_loop_that_dies(lambda: runner.start(request(network)))
    assert all(thread.daemon for thread in set(threading.enumerate()) - before)
    runner.close()
    asyncio.run(asyncio.wait_for(runner.done(), 10))
