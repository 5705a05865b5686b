import asyncio
import threading
import time

import pytest

from cnnwidgets.widgets._progress import PAUSE, WINDOW, Reports, Speed


def test_the_speed_of_the_last_seconds_and_not_of_the_first():
    """10 a second for 20 seconds, then 100 a second: known as such once the window has passed."""
    speed = Speed(0, now=0.0)
    for second in range(1, 21):
        assert speed.step(10 * second, now=float(second)) == pytest.approx(10)
    rates = [speed.step(200 + 100 * second, now=20.0 + second) for second in range(1, 7)]
    assert rates[0] > 10 and rates == sorted(rates)
    assert rates[int(WINDOW)] == pytest.approx(100)


def test_a_resumed_scan_counts_from_where_it_was():
    speed = Speed(3000, now=5.0)
    assert speed.step(3100, now=6.0) == pytest.approx(100)


def test_a_count_that_starts_again_gives_no_negative_speed():
    speed = Speed(0, now=0.0)
    speed.step(500, now=1.0)
    assert speed.step(0, now=1.5) == 0
    assert speed.step(30, now=2.5) == pytest.approx(30)


def test_too_early_to_tell():
    assert Speed(0, now=1.0).step(64, now=1.001) == 0


def test_a_flood_from_a_thread_becomes_a_few_reports_on_the_loop_and_the_last_arrives():
    told = []

    async def main():
        loop_thread = threading.get_ident()
        reports = Reports(lambda news: told.append((news, threading.get_ident() == loop_thread)))

        def work():
            end = time.monotonic() + 5 * PAUSE
            done = 0
            while time.monotonic() < end:
                done += 1
                reports.tell(done=done)
            reports.tell(True, running=False)
            return done

        return await asyncio.to_thread(work)

    done = asyncio.run(main())
    assert done > 100 and 4 <= len(told) <= 8
    assert all(on_loop for _, on_loop in told)
    counts = [news["done"] for news, _ in told if "done" in news]
    assert counts == sorted(counts)
    # what was not told for its pace goes with the last
    assert told[-1][0] == {"done": done, "running": False} or counts[-1] == done
    assert told[-1][0]["running"] is False


def test_the_loop_may_be_late():
    """However much is told while the loop is busy, one call waits for it."""
    told = []

    async def main():
        reports = Reports(told.append)
        thread = threading.Thread(target=lambda: [reports.tell(True, done=i) for i in range(1000)])
        thread.start()
        thread.join()  # the loop is blocked here
        assert told == []
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert told == [{"done": 999}]


def test_without_a_loop_it_is_told_at_once():
    told = []
    reports = Reports(told.append)
    reports.tell(done=1)
    reports.tell(done=2)  # too soon
    reports.tell(True, message="ready", total=None)
    assert told == [{"done": 1}, {"done": 2, "message": "ready"}]


def test_a_restart_forgets_what_was_not_told():
    told = []
    reports = Reports(told.append)
    reports.tell(done=1)
    reports.tell(done=2)
    reports.restart()
    reports.tell(total=9)
    assert told == [{"done": 1}, {"total": 9}]
