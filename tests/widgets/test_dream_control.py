"""What can be chosen, what the browser may send late, and how work is paused, stepped and stopped."""

import pytest
import traitlets as t

from cnnwidgets.widgets import DreamControl

LAYERS = ["conv1", "relu1", "conv2", "conv3"]


@pytest.fixture
def control():
    control = DreamControl(layers=LAYERS, n_channels=8)
    yield control
    control.close()


def test_at_first(control):
    assert (control.layer, control.aim, control.channel) == ("conv2", "layer", 0)
    assert not (control.running or control.paused or control.sizes)
    given = DreamControl(layers=LAYERS, layer="conv3", n_channels=96, channel=95, octaves=2, step_size=0.1)
    assert (given.layer, given.channel, given.octaves, given.step_size) == ("conv3", 95, 2, 0.1)
    assert DreamControl().layer == ""


def test_other_layers(control):
    control.layer = "conv3"
    control.layers = ["a", "conv3"]
    assert control.layer == "conv3"
    control.layers = ["a", "b", "c"]
    assert control.layer == "b"
    control.layers = []
    assert control.layer == ""


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("layer", "conv9", "no layer 'conv9'; nearest: 'conv"),
        ("channel", 8, "channels 0 to 7, not 8"),
        ("aim", "class", "class"),
        ("n_steps", 0, "n_steps must be 1 to 200, not 0"),
        ("step_size", 0.0, "step_size must be 0.001 to 2"),
        ("step_size", float("nan"), "not nan"),
        ("octaves", 9, "octaves must be 1 to 8"),
        ("octave_scale", 1.0, "octave_scale must be 1.1 to 3"),
        ("jitter", -1, "jitter must be 0 to 64"),
        ("seed", -1, "seed"),
        ("size", 5_000, "size must be 16 to 4,096, not 5000"),
    ],
)
def test_values_that_make_no_sense(control, name, value, told):
    before = getattr(control, name)
    with pytest.raises(t.TraitError, match=told):
        setattr(control, name, value)
    assert getattr(control, name) == before


def test_the_browser_may_come_late(control):
    control.layer = "conv3"
    control.set_state({"layer": "gone", "channel": 70, "n_steps": 900, "seed": -4})
    assert (control.layer, control.channel, control.n_steps, control.seed) == ("conv3", 7, 200, 0)
    assert control.error == ""
    control.n_channels = 3
    assert control.channel == 2


def test_how_far_it_is(control):
    control.begin(40, sizes=[[32, 43], [48, 64]])
    assert (control.running, control.total, control.done, control.octave) == (True, 40, 0, 0)
    assert control.sizes == [(32, 43), (48, 64)]
    control.progress(40, octave=1)
    assert (control.done, control.octave) == (40, 1)
    control.stop()
    assert control.stopping
    control.finish("stopped after 12 of 40 steps")
    assert (control.running, control.stopping, control.octave) == (False, False, -1)
    control.stop()
    assert not control.stopping  # nothing runs


def test_play_goes_on_or_begins(control):
    asked = []
    control.on_play(lambda: asked.append(control.paused))
    control.receive({"kind": "play"}, [])
    assert asked == [False]
    control.begin(10)
    control.paused = True
    assert not control.may_go_on()
    control.receive({"kind": "play"}, [])
    assert asked == [False] and not control.paused and control.may_go_on()
    control.paused = True
    control.receive({"kind": "again"}, [])
    assert asked == [False, False] and not control.paused
    control.receive({"kind": "stop"}, [])
    assert control.stopping
    control.receive({"kind": "nonsense"}, [])
    assert control.error == ""


def test_single_steps(control):
    asked = []
    control.on_play(lambda: asked.append(control.paused))
    control.receive({"kind": "step"}, [])
    control.begin(10)
    assert asked == [True] and control.paused
    assert [control.may_go_on() for _ in range(3)] == [True, False, False]
    control.step()
    control.step()
    assert [control.may_go_on() for _ in range(3)] == [True, True, False] and asked == [True]
    control.step()
    control.finish()
    assert not control.paused
    control.begin(10)
    control.paused = True
    assert not control.may_go_on(), "a step that was asked of the dream before"


def test_in_words(control):
    assert control.describe() == (
        "conv2 (3 of 4); whole layer; 4 octaves, each 1.4 times the last; 10 steps each of 0.05"
    )
    control.aim, control.channel, control.octaves = "channel", 5, 1
    control.begin(10)
    control.progress(10)
    control.paused = True
    assert control.describe() == (
        "conv2 (3 of 4); channel 5; 1 octave; 10 steps each of 0.05; step 10 of 10, paused"
    )
    control.finish("10 steps")
    assert control.describe().endswith("0.05; 10 steps")
    control.aim, control.n_steps = "guide", 1
    assert "guided by a picture" in control.describe() and "; 1 step of 0.05" in control.describe()
    assert control.picture().height > 0
    assert DreamControl().picture() is None and DreamControl().describe() == "DreamControl: no layers"
