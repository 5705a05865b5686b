"""Only the newest request counts, one is at work at a time, and nothing is lost silently."""

import asyncio
import threading
import time

from cnnwidgets.explorers.latest import Latest


def test_without_an_event_loop_it_works_at_once():
    shown, errors = [], []
    latest = Latest(errors.append)
    latest.submit(lambda: 6 * 7, shown.append)
    latest.submit(lambda: 1 / 0, shown.append)
    assert shown == [42]
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_what_has_become_stale_is_never_started_and_never_shown():
    async def scenario():
        started, shown, release = [], [], threading.Event()
        latest = Latest(None, patience=60)

        def work(n):
            started.append(n)
            assert release.wait(10)
            return n

        latest.submit(lambda: work(0), shown.append)
        await asyncio.sleep(0.05)
        for n in range(1, 5):
            latest.submit(lambda n=n: work(n), shown.append)
        assert shown == []
        release.set()
        await latest.done()
        return started, shown

    assert asyncio.run(scenario()) == ([0, 4], [4])


def test_the_event_loop_is_free_while_work_goes_on():
    async def scenario():
        release, shown = threading.Event(), []
        latest = Latest(None)
        latest.submit(lambda: release.wait(10), shown.append)
        await asyncio.sleep(0.01)  # would never come back if the work blocked the loop
        release.set()
        await latest.done()
        return shown

    assert asyncio.run(scenario()) == [True]


def test_work_runs_in_a_thread_and_results_come_back_to_the_loop():
    async def scenario():
        threads = []
        latest = Latest(None)
        latest.submit(
            lambda: threads.append(threading.current_thread()),
            lambda _: threads.append(threading.current_thread()),
        )
        await latest.done()
        return threads

    worker, loop = asyncio.run(scenario())
    assert worker is not threading.main_thread() and loop is threading.main_thread()


def test_errors_of_the_newest_are_told_those_of_stale_ones_are_not():
    async def scenario():
        errors, shown = [], []
        latest = Latest(lambda error: errors.append(str(error)), patience=60)

        def fail(text):
            raise RuntimeError(text)

        release, started = threading.Event(), threading.Event()

        def stale():
            started.set()
            assert release.wait(10)
            fail("stale")

        latest.submit(stale, shown.append)
        while not started.is_set():
            await asyncio.sleep(0.005)
        latest.submit(lambda: None, lambda _: None)
        release.set()
        await latest.done()
        latest.submit(lambda: 5, lambda value: fail(f"apply {value}"))
        await latest.done()
        latest.submit(lambda: fail("new"), shown.append)
        await latest.done()
        return errors, shown

    assert asyncio.run(scenario()) == (["apply 5", "new"], [])


def test_a_stream_of_requests_is_not_starved():
    """A camera sends frames faster than a large network can look at them: some must be seen all the same."""

    async def scenario():
        shown = []
        latest = Latest(None, patience=0.1)
        for n in range(40):
            latest.submit(lambda n=n: time.sleep(0.06) or n, shown.append)
            await asyncio.sleep(0.02)
        before_the_end = len(shown)
        await latest.done()
        return before_the_end, shown

    before_the_end, shown = asyncio.run(scenario())
    assert before_the_end >= 3
    assert shown == sorted(shown) and shown[-1] == 39


def test_closing_forgets_what_waits():
    async def scenario():
        shown, release = [], threading.Event()
        latest = Latest(shown.append)
        latest.submit(lambda: release.wait(10), shown.append)
        await asyncio.sleep(0.02)
        latest.submit(lambda: "waiting", shown.append)
        latest.close()
        release.set()
        await latest.done()
        latest.submit(lambda: "later", shown.append)
        return shown

    assert asyncio.run(scenario()) == []


def test_the_loop_that_asked_may_be_closed_in_the_middle():
    """As that of a subshell of the kernel: what it asked for is shown all the same, as is what follows."""
    shown, errors, started, release = [], [], threading.Event(), threading.Event()
    latest = Latest(errors.append, patience=60)

    def work():
        started.set()
        assert release.wait(10)
        return "first"

    async def ask():
        latest.submit(work, shown.append)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(ask(), loop).result(10)
    assert started.wait(10)
    assert all(each.daemon for each in threading.enumerate() if each.name == "cnnwidgets")
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()

    async def later():
        release.set()
        await asyncio.wait_for(latest.done(), 10)
        assert shown == ["first"]
        latest.submit(lambda: "second", shown.append)
        await asyncio.wait_for(latest.done(), 10)

    asyncio.run(later())
    assert shown == ["first", "second"] and errors == []


def test_a_result_on_its_way_to_a_loop_that_ends_is_shown():
    shown, threads = [], []
    latest = Latest(None)
    loop = asyncio.new_event_loop()

    async def ask():
        worked = threading.Event()
        latest.submit(worked.set, lambda _: (shown.append(1), threads.append(threading.current_thread())))
        assert worked.wait(10)  # the loop is held up
        time.sleep(0.1)
        assert shown == []
        loop.stop()

    task = loop.create_task(ask())
    loop.run_forever()
    assert task.done()
    loop.close()
    asyncio.run(asyncio.wait_for(latest.done(), 10))
    assert shown == [1] and len(threads) == 1
