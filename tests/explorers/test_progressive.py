"""Steps are shown as they come, only of what was asked for last, and nothing is lost silently."""

import asyncio
import threading

import pytest

from cnnwidgets.explorers.latest import PATIENCE
from cnnwidgets.explorers.progressive import Progressive


def test_without_an_event_loop_it_works_at_once():
    shown, errors = [], []
    work = Progressive(errors.append)
    work.submit(lambda: iter((1, None, 2)), shown.append)

    def breaks():
        yield 3
        raise ZeroDivisionError

    work.submit(breaks, shown.append)
    assert shown == [1, 2, 3]
    assert [type(error) for error in errors] == [ZeroDivisionError]


def test_steps_are_shown_on_the_loop_while_others_are_still_computed():
    async def scenario():
        go_on, threads, shown = threading.Event(), [], []
        work = Progressive(None)

        def steps():
            threads.append(threading.current_thread())
            yield "first"
            assert go_on.wait(10)
            yield "second"

        def show(step):
            shown.append(step)
            threads.append(threading.current_thread())

        work.submit(steps, show)
        while not shown:
            await asyncio.sleep(0.005)
        seen = list(shown)
        go_on.set()
        await work.done()
        return seen, shown, threads

    seen, shown, threads = asyncio.run(scenario())
    assert (seen, shown) == (["first"], ["first", "second"])
    assert threads[0] is not threading.main_thread() and set(threads[1:]) == {threading.main_thread()}


def test_what_is_no_longer_wanted_is_given_up_at_its_next_step():
    async def scenario():
        made, shown, go_on, begun = [], [], threading.Event(), threading.Event()
        work = Progressive(None)

        def steps(name):
            for n in range(3):
                made.append((name, n))
                begun.set()
                assert go_on.wait(10)
                yield name, n

        work.submit(lambda: steps("a"), shown.append)
        assert await asyncio.to_thread(begun.wait, 10)
        work.submit(lambda: steps("b"), shown.append)
        work.submit(lambda: steps("c"), shown.append)
        go_on.set()
        await work.done()
        return made, shown

    made, shown = asyncio.run(scenario())
    assert made == [("a", 0), ("c", 0), ("c", 1), ("c", 2)]
    assert shown == [("c", 0), ("c", 1), ("c", 2)]


def test_steps_within_a_step():
    """As a progress callback tells them; they are given up in the same way."""

    async def scenario():
        shown, made, begun, go_on = [], [], threading.Event(), threading.Event()
        work = Progressive(None)

        def steps():
            for n in range(3):
                made.append(n)
                begun.set()
                assert go_on.wait(10)
                work.tell(n)
            yield "end"

        work.submit(steps, shown.append)
        assert await asyncio.to_thread(begun.wait, 10)
        work.stop()
        go_on.set()
        await work.done()
        assert (made, shown) == ([0], [])
        work.submit(steps, shown.append)
        await work.done()
        return shown

    assert asyncio.run(scenario()) == [0, 1, 2, "end"]


def test_an_error_while_showing_is_told_and_ends_it():
    async def scenario():
        errors, tried = [], []
        work = Progressive(errors.append)

        def show(step):
            tried.append(step)
            raise KeyError(step)

        work.submit(lambda: iter("abc"), show)
        await work.done()
        return tried, errors

    tried, errors = asyncio.run(scenario())
    assert tried == ["a"] and [type(error) for error in errors] == [KeyError]


def test_nothing_is_shown_after_the_end():
    async def scenario():
        shown, begun, go_on = [], threading.Event(), threading.Event()
        work = Progressive(None)

        def steps():
            begun.set()
            assert go_on.wait(10)
            yield 1

        work.submit(steps, shown.append)
        assert await asyncio.to_thread(begun.wait, 10)
        work.close()
        go_on.set()
        await work.done()
        work.submit(steps, shown.append)
        await work.done()
        return shown

    assert asyncio.run(scenario()) == []


@pytest.mark.parametrize("is_replaced", [False, True])
def test_the_error_of_what_is_no_longer_wanted_is_not_told(is_replaced):
    """However long it took until it failed: it would seem to be that of what is at work by now."""

    async def scenario():
        errors, shown, begun, go_on = [], [], threading.Event(), threading.Event()
        work = Progressive(errors.append)

        def breaks():
            yield "first"
            begun.set()
            assert go_on.wait(10)
            raise ZeroDivisionError

        work.submit(breaks, shown.append)
        assert await asyncio.to_thread(begun.wait, 10)
        await asyncio.sleep(1.5 * PATIENCE)
        if is_replaced:
            work.submit(lambda: iter("ab"), shown.append)
        else:
            work.stop()
        go_on.set()
        await work.done()
        return errors, shown

    errors, shown = asyncio.run(scenario())
    assert errors == [] and shown == ["first", *("ab" if is_replaced else "")]


def test_the_error_of_what_is_wanted_is_told_on_the_loop():
    async def scenario():
        errors, threads = [], []
        work = Progressive(lambda error: (errors.append(error), threads.append(threading.current_thread())))

        def breaks():
            yield 1
            raise ZeroDivisionError

        work.submit(breaks, lambda step: None)
        await work.done()
        return errors, threads

    errors, threads = asyncio.run(scenario())
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert threads == [threading.main_thread()]
