import pytest
import traitlets as t

from cnnwidgets.widgets import RunControl


@pytest.fixture
def control():
    control = RunControl()
    yield control
    control.close()


def test_what_the_buttons_ask_for(control):
    asked = []
    control.on_ask(asked.append)
    for kind in ("play", "step", "restart", "dance"):
        control._handle_custom_msg({"kind": kind}, [])
    assert asked == ["play", "step", "restart"] and not control.stopping
    with pytest.raises(ValueError, match="there is no 'dance': 'play', 'pause', 'step', 'restart'"):
        control.ask("dance")


def test_pause_is_seen_at_once_by_whoever_works(control):
    seen = []
    control.on_ask(lambda what: seen.append((what, control.stopping)))
    control.ask("pause")  # nothing runs
    control.begin(0, 10)
    control.ask("pause")
    assert seen == [("pause", False), ("pause", True)]
    control.finish("paused")
    assert (control.running, control.stopping) == (False, False)


def test_how_far_it_is(control):
    control.begin(100, 200)
    control.progress(150)
    assert control.describe() == "step 150 of 200; seed 0"
    control.begin(150, 300)  # a new goal on the way
    assert (control.done, control.total, control.running) == (150, 300, True)
    control.progress(300)
    control.finish("all done")
    control.fast = control.compare = True
    told = "step 300; seed 0; half precision; two settings side by side; all done"
    assert control.describe() == told
    assert control.picture().height > 100


def test_an_error_in_what_is_asked_for_is_shown_until_the_next(control):
    def fail(what):
        if what == "play":
            raise ValueError("no network")

    control.on_ask(fail)
    control._handle_custom_msg({"kind": "play"}, [])
    assert control.error == "ValueError: no network"
    control._handle_custom_msg({"kind": "step"}, [])
    assert control.error == ""


@pytest.mark.parametrize(("name", "value"), [("n_steps", 0), ("n_steps", 100_001), ("seed", -1)])
def test_limits(control, name, value):
    with pytest.raises(t.TraitError):
        setattr(control, name, value)
