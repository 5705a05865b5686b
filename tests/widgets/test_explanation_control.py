import pytest
import traitlets as t

from cnnwidgets.widgets import ExplanationControl

MAPS = ["saliency", "SmoothGrad", "integrated gradients", "Grad-CAM"]


@pytest.fixture
def control():
    control = ExplanationControl(offered=MAPS)
    yield control
    control.close()


def test_at_first():
    control = ExplanationControl(offered=MAPS)
    assert control.chosen == MAPS and control.cut_by == "saliency"
    assert ExplanationControl(offered=MAPS[1:]).cut_by == "SmoothGrad"
    assert ExplanationControl().chosen == [] and ExplanationControl().cut_by == ""
    given = ExplanationControl(offered=MAPS, chosen=["Grad-CAM"], cut_by="Grad-CAM", samples=7, noise=0.3)
    assert (given.chosen, given.cut_by, given.samples, given.noise) == (["Grad-CAM"], "Grad-CAM", 7, 0.3)


def test_maps_are_in_the_order_in_which_they_are_offered(control):
    control.chosen = ["Grad-CAM", "saliency"]
    assert control.chosen == ["saliency", "Grad-CAM"]
    control.offered = ["Grad-CAM", "LayerCAM"]
    assert control.chosen == ["Grad-CAM", "LayerCAM"] and control.cut_by == "Grad-CAM"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("chosen", ["saliency", "Grad-Cam"], "no map 'Grad-Cam'; nearest: 'Grad-CAM'"),
        ("cut_by", "salience", "no map 'salience'; nearest: 'saliency'"),
        ("cut_by", "", "no map ''"),
        ("samples", 0, "samples must be 1 to 200, not 0"),
        ("samples", 201, "samples must be 1 to 200"),
        ("noise", -0.1, "noise must be 0 to 1, not -0.1"),
        ("noise", float("nan"), "noise must be"),
        ("steps", 0, "steps must be 1 to 200"),
    ],
)
def test_values_that_make_no_sense(control, name, value, told):
    before = getattr(control, name)
    with pytest.raises(t.TraitError, match=told):
        setattr(control, name, value)
    assert getattr(control, name) == before


def test_the_browser_may_come_late(control):
    control.set_state({"chosen": ["gone", "Grad-CAM"], "cut_by": "gone", "samples": 900, "steps": 0})
    assert (control.chosen, control.cut_by, control.error) == (["Grad-CAM"], "saliency", "")
    assert (control.samples, control.steps) == (200, 1)


def test_in_words(control):
    assert control.describe() == (
        "Maps: saliency, SmoothGrad, integrated gradients, Grad-CAM; SmoothGrad: 50 samples, noise 15%; "
        "integrated gradients: 50 steps"
    )
    control.chosen, control.compare, control.cut, control.shared = ["Grad-CAM"], True, True, True
    assert control.describe() == (
        "Maps: Grad-CAM; compared with a second class, on one scale; cut out beginning at saliency"
    )
    assert control.picture().height > 0 and ExplanationControl().picture() is None


def test_unknown_keywords():
    with pytest.raises(TypeError, match="no trait 'sample'; nearest: 'samples'"):
        ExplanationControl(sample=3)
