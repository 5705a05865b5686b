"""A new run of a cell closes what its earlier run made, and nothing else."""

import IPython
import pytest

from cnnwidgets.widgets import NeuronSlider
from cnnwidgets.widgets.cells import end_previous_run


class FakeShell:
    """The part of IPython that tells which request is being dealt with."""

    def __init__(self):
        self.parent = {}

    def get_parent(self):
        return self.parent

    def run(self, cell, request, kind="execute_request"):
        self.parent = {"header": {"msg_type": kind, "msg_id": request}, "metadata": {"cellId": cell}}


@pytest.fixture
def shell(monkeypatch):
    shell = FakeShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    return shell


class Recorder:
    closed = False

    def close(self):
        self.closed = True


def test_a_second_run_closes_what_the_first_made(shell):
    shell.run("cell a", "1")
    first, second = Recorder(), Recorder()
    end_previous_run(first)
    end_previous_run(second)
    assert not first.closed, "made by the same run"
    shell.run("cell b", "2")
    other = Recorder()
    end_previous_run(other)
    assert not first.closed, "another cell"
    shell.run("cell a", "3")
    end_previous_run(Recorder())
    assert first.closed and second.closed and not other.closed


def test_callbacks_are_not_runs(shell):
    """What a button's callback makes belongs to no cell."""
    shell.run("cell a", "1")
    made = Recorder()
    end_previous_run(made)
    shell.run("cell a", "2", kind="comm_msg")
    end_previous_run(Recorder())
    assert not made.closed


@pytest.mark.parametrize(
    "parent", [{}, {"header": {"msg_type": "execute_request", "msg_id": "1"}, "metadata": {}}]
)
def test_front_ends_that_do_not_name_cells_change_nothing(shell, parent):
    shell.parent = parent
    one, two = Recorder(), Recorder()
    end_previous_run(one)
    end_previous_run(two)
    assert not one.closed


def test_outside_a_notebook_nothing_happens():
    end_previous_run(Recorder())


def test_widgets_take_part(shell):
    shell.run("cell w", "1")
    old = NeuronSlider(strengths=[1.0, 2.0])
    shell.run("cell w", "2")
    new = NeuronSlider(strengths=[3.0])
    assert old.comm is None and len(old.strengths) == 0
    assert new.comm is not None and len(new.strengths) == 1


def test_a_widget_that_is_gone_is_no_trouble(shell):
    shell.run("cell g", "1")
    end_previous_run(Recorder())  # nobody holds it
    shell.run("cell g", "2")
    end_previous_run(Recorder())
