import asyncio
import threading
import time

from cnnwidgets.widgets._pace import Pace


def test_a_flood_becomes_a_few_calls_and_the_last_request_counts():
    value, seen = 0, []
    pace = Pace(lambda: seen.append(value), pause=0.05)

    async def main():
        nonlocal value
        for value in range(1, 101):  # noqa: B007
            pace.ask()
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)

    asyncio.run(main())
    assert seen[0] == 1 and seen[-1] == 100
    assert 3 <= len(seen) <= 12


def test_without_an_event_loop_every_request_is_met_at_once():
    seen = []
    pace = Pace(lambda: seen.append(1), pause=10)
    for _ in range(3):
        pace.ask()
    assert len(seen) == 3


def test_slow_calls_leave_as_much_time_to_others():
    ended = []

    def slow():
        time.sleep(0.1)
        ended.append(time.monotonic())

    async def main():
        pace = Pace(slow, pause=0.01)
        pace.ask()
        pace.ask()
        await asyncio.sleep(0.3)

    asyncio.run(main())
    assert len(ended) == 2 and ended[1] - ended[0] >= 0.19  # a pause of 0.1 and the call itself


def test_a_thread_is_not_kept_waiting_by_an_event_loop_that_is_busy():
    """JupyterLab lets the kernel answer the browser in a thread of its own while a cell runs."""
    seen = []
    pace = Pace(lambda: seen.append(threading.current_thread().name), pause=0.05)

    async def callback():
        pace.ask()
        await asyncio.sleep(0.15)

    async def cell():
        pace.ask()
        pace.ask()  # waits for the end of the cell
        thread = threading.Thread(target=lambda: asyncio.run(callback()), name="browser")
        thread.start()
        thread.join()  # busy
        assert seen == ["MainThread", "browser"]
        await asyncio.sleep(0.1)
        assert len(seen) == 2, "it has been drawn meanwhile"

    asyncio.run(cell())


def test_nothing_comes_after_the_end():
    seen = []

    async def main():
        pace = Pace(lambda: seen.append(1), pause=0.02)
        pace.ask()
        pace.ask()
        pace.close()
        await asyncio.sleep(0.06)

    asyncio.run(main())
    assert seen == [1]
