import pytest
import traitlets as t

from cnnwidgets.widgets import CamControl

METHODS, LAYERS = ["CAM", "Grad-CAM", "Score-CAM"], ["conv1", "conv2", "conv3"]


@pytest.fixture
def control():
    control = CamControl(methods=METHODS, layers=LAYERS)
    yield control
    control.close()


def test_at_first(control):
    assert (control.method, control.layer, control.relu) == ("CAM", "conv3", True)
    assert (CamControl().method, CamControl().layer) == ("", "")
    given = CamControl(methods=METHODS, layers=LAYERS, method="Score-CAM", layer="conv1")
    assert (given.method, given.layer) == ("Score-CAM", "conv1")


def test_a_method_that_is_refused_is_left(control):
    control.refused = {"CAM": "it needs global average pooling"}
    assert control.method == "Grad-CAM"
    with pytest.raises(t.TraitError, match="CAM is not possible here: it needs global average pooling"):
        control.method = "CAM"
    control.set_state({"method": "CAM"})
    assert control.method == "Grad-CAM" and control.error == ""
    control.refused = {}
    control.method = "CAM"
    control.methods = ["Grad-CAM"]
    assert control.method == "Grad-CAM"


def test_other_layers(control):
    control.layer = "conv2"
    control.layers = ["conv1", "conv2"]
    assert control.layer == "conv2"
    control.layers = ["a", "b"]
    assert control.layer == "b"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("method", "GradCAM", "no method 'GradCAM'; nearest: 'Grad-CAM'"),
        ("layer", "conv4", "no layer 'conv4'; nearest"),
        ("layer", "", "no layer ''"),
    ],
)
def test_values_that_make_no_sense(control, name, value, told):
    before = getattr(control, name)
    with pytest.raises(t.TraitError, match=told):
        setattr(control, name, value)
    assert getattr(control, name) == before


def test_the_browser_may_come_late(control):
    control.set_state({"method": "gone", "layer": "gone"})
    assert (control.method, control.layer, control.error) == ("CAM", "conv3", "")


def test_in_words(control):
    control.notes = ["48 × 48 cells", "24 × 24 cells", "11 × 11 cells"]
    control.layer = "conv2"
    assert control.describe() == ("Method CAM; layer conv2 (2 of 3, 24 × 24 cells); evidence positive only")
    control.relu = False
    assert control.describe().endswith("evidence positive and negative")
    assert control.picture().height > 0 and CamControl().picture() is None
