import pytest
import traitlets as t

from cnnwidgets.widgets import FoolingControl


@pytest.fixture
def control():
    control = FoolingControl()
    yield control
    control.close()


def test_from_beginning_to_end(control):
    control.begin(80)
    control.progress(3, message="boat 12.0 %")
    assert control.describe() == "Wanted: 90 %; step 3, boat 12.0 %"
    assert (control.running, control.done, control.total) == (True, 3, 80)
    control.receive({"kind": "stop"}, [])
    assert control.stopping
    control.finish("found in 30 steps")
    assert (control.running, control.stopping) == (False, False)
    assert control.describe() == "Wanted: 90 %; found in 30 steps"
    control.stop()
    assert not control.stopping, "nothing to stop"
    control.begin(80)
    assert control.message == "" and control.done == 0


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_what_is_no_probability_to_be_reached(control, value):
    with pytest.raises(t.TraitError, match=r"from 0 to 0\.999"):
        control.confidence = value
    control.set_state({"confidence": value})
    assert control.confidence == 0.9 and "0.999" in control.error


def test_in_words(control):
    control.confidence = 0
    assert control.describe() == "Wanted: more than any other class"
    assert control.picture().height > 0
