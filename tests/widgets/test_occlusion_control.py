import threading

import pytest
import traitlets as t

from cnnwidgets.widgets.occlusion_control import OcclusionControl


@pytest.fixture
def control():
    """With a list of the settings that it was run with."""
    control = OcclusionControl(image_size=(96, 128))
    control.runs = []
    control.on_run(lambda: control.runs.append((control.size, control.stride, control.fill)))
    yield control
    control.close()


def send(control, kind):
    """A message of the browser."""
    control._handle_custom_msg({"kind": kind}, [])


# by hand: ceil(length / stride) along each side
@pytest.mark.parametrize(
    ("image_size", "stride", "lattice"),
    [((224, 224), 8, (28, 28)), ((96, 130), 8, (12, 17)), ((5, 7), 64, (1, 1)), ((5, 7), 1, (5, 7))],
)
def test_how_many_squares(image_size, stride, lattice):
    control = OcclusionControl(image_size=image_size, stride=stride)
    assert control.lattice == lattice and control.n_positions == lattice[0] * lattice[1]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("size", 0, "must be 1 to 128 pixels on a picture of 96 × 128, not 0"),
        ("size", 129, "must be 1 to 128 pixels on a picture of 96 × 128, not 129"),
        ("stride", 0, "stride must be 1 to 64 pixels, not 0"),
        ("stride", 65, "stride must be 1 to 64 pixels, not 65"),
        ("fill", "gray", "there is no fill 'gray'; nearest: 'grey'"),
        ("fills", [], "at least one"),
        ("fills", ["grey", "grey"], "none twice"),
        ("swatches", {"mean": "red"}, "must be written as '#rrggbb', not 'red'"),
    ],
)
def test_values_that_make_no_sense(control, name, value, told):
    before = getattr(control, name)
    with pytest.raises(t.TraitError, match=told.replace("(", "\\(")):
        setattr(control, name, value)
    assert getattr(control, name) == before and control.runs == []


def test_the_browser_may_come_late(control):
    control.set_state({"size": 500, "stride": 0, "fill": "gone"})
    assert (control.size, control.stride, control.fill, control.error) == (128, 1, "grey", "")


def test_at_first():
    assert OcclusionControl(image_size=(20, 30)).size == 30
    assert OcclusionControl(fills=["mean", "black"]).fill == "mean"
    with pytest.raises(t.TraitError, match="1 to 30"):
        OcclusionControl(image_size=(20, 30), size=31)
    assert not OcclusionControl().running


def test_a_smaller_picture_and_other_fills(control):
    control.size, control.fill = 100, "noise"
    control.image_size = (60, 50)
    assert control.size == 60
    control.fills = ["mean", "noise"]
    assert control.fill == "noise"
    control.fills = ["mean", "black"]
    assert control.fill == "mean"


def test_run_and_stop(control):
    stops = []
    control.on_stop(lambda: stops.append(control.stopping))
    send(control, "run")
    assert control.runs == [(32, 8, "grey")]
    assert (control.running, control.done, control.total) == (True, 0, 12 * 16)
    send(control, "stop")
    send(control, "stop")  # once is enough
    assert stops == [True] and control.running and control.stopping
    control.finish("stopped after 20 squares")
    assert (control.running, control.stopping, control.message) == (False, False, "stopped after 20 squares")
    assert control._answered == 3


def test_it_runs_again_by_itself(control):
    control.size = 16
    assert control.runs == [(16, 8, "grey")]
    control.set_state({"size": 17, "stride": 4, "fill": "mean"})  # one change, not three
    assert control.runs[1:] == [(17, 4, "mean")]
    control.method = "adaptive"
    control.precision = "fast"
    assert len(control.runs) == 4
    control.image_size = (100, 128)  # another picture is not the control's affair
    assert len(control.runs) == 4


def test_it_runs_by_itself_only_if_asked_to(control):
    control.auto = False
    control.size = 16
    assert control.runs == []
    control.auto = True  # makes up for it
    assert control.runs == [(16, 8, "grey")]
    control.auto = False
    control.auto = True
    assert len(control.runs) == 1


def test_a_run_while_one_is_running_starts_again(control):
    control.run()
    control.stop()
    control.progress(50)
    control.message = "half"
    control.size = 16
    assert (control.running, control.stopping) == (True, False)
    assert (control.done, control.message, control.rate) == (0, "", 0.0)


def test_nobody_computes():
    control = OcclusionControl()
    control.size = 16  # does not matter yet
    with pytest.raises(t.TraitError, match="register a function with on_run"):
        control.run()
    assert not control.running
    send(control, "run")
    assert "on_run" in control.error


def test_a_run_that_cannot_start_says_why(control, messages):
    control.on_run(lambda: 1 / 0)
    sent = messages(control)
    for _ in range(2):
        send(control, "run")
        assert control.error == "ZeroDivisionError: division by zero" and not control.running
    assert [bool(state["error"]) for state in sent if "error" in state] == [True, False, True]
    control.set_state({"size": 16})
    assert "ZeroDivisionError" in control.error and not control.running


def test_news_from_a_thread(control):
    control.run()

    def work():
        for done in range(193):
            control.progress(done)
        control.finish("exact")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (control.running, control.done, control.message) == (False, 192, "exact")


def test_closing_asks_to_stop():
    control, stops = OcclusionControl(), []
    control.on_run(lambda: None)
    control.on_stop(lambda: stops.append(control.stopping))
    control.run()
    control.close()
    control.close()
    assert stops == [True]


def test_in_words(control):
    assert control.describe() == (
        "Square 32 × 32 pixels, stride 8 (12 × 16 = 192 squares), fill grey, method full, precision exact"
    )
    control.run()
    control.done, control.message = 20, "incremental"
    assert control.describe().endswith("; running, 20 of 192; incremental")
    assert control.picture().height > OcclusionControl().picture().height
