from types import SimpleNamespace

import pytest
import traitlets as t
from torch import nn

from cnnwidgets.core import LayerInfo, ReceptiveField, list_layers
from cnnwidgets.widgets import LayerPicker

FIELD = ReceptiveField(size=(7, 9), stride=(2, 2), padding=(3, 3))
LAYERS = [
    LayerInfo("conv1", "Conv2d", (64, 48, 40), 4864, FIELD),
    LayerInfo("layer1", "Sequential", (64, 24, 20), 1234567, None),
    LayerInfo("layer1.0", "ReLU", (64, 24, 20), 0, None),
    LayerInfo("fc", "Linear", (12,), 780, ReceptiveField((1, 1), (0, 0), (0, 0), whole_image=True)),
]


def test_the_first_layer_unless_told():
    assert LayerPicker(layers=LAYERS).layer == "conv1"
    assert LayerPicker(layers=LAYERS, layer="fc").layer == "fc"
    assert LayerPicker().layer == ""


def test_an_unknown_layer_is_told_the_nearest():
    with pytest.raises(t.TraitError, match="there is no layer 'conv'; nearest: 'conv1'"):
        LayerPicker(layers=LAYERS, layer="conv")
    picker = LayerPicker(layers=LAYERS)
    with pytest.raises(t.TraitError, match="nearest: 'layer1'"):
        picker.layer = "layer9"
    assert picker.layer == "conv1"


def test_what_is_known_of_a_layer():
    picker = LayerPicker(layers=LAYERS)
    assert picker.info is LAYERS[0]
    assert picker.describe() == "Layer conv1: Conv2d, 64 × 48 × 40, 4,864 parameters, sees 7 × 9 pixels"
    picker.layer = "fc"
    assert picker.describe() == "Layer fc: Linear, 12, 780 parameters, sees the whole picture"
    picker.layer = "layer1.0"
    assert picker.describe() == "Layer layer1.0: ReLU, 64 × 24 × 20, no parameters"
    assert LayerPicker().describe() == "LayerPicker: no layers" and LayerPicker().picture() is None


def test_filters():
    picker = LayerPicker(layers=LAYERS)
    assert picker.shown == LAYERS
    picker.kinds = ["Conv2d", "Linear"]
    assert picker.shown == [LAYERS[0], LAYERS[3]]
    picker.kinds = ["blocks"]  # what contains other layers
    assert picker.shown == [LAYERS[1]]
    picker.kinds, picker.spatial_only = [], True
    assert picker.shown == LAYERS[:3]


def test_another_network_keeps_a_layer_that_it_has_too():
    picker = LayerPicker(layers=LAYERS, layer="fc")
    picker.layers = LAYERS[2:]
    assert picker.layer == "fc"
    picker.layers = LAYERS[:2]
    assert picker.layer == "conv1"
    picker.layers = []
    assert picker.layer == "" and picker.info is None


def test_all_at_once(messages):
    picker = LayerPicker(layers=LAYERS, layer="fc")
    sent = messages(picker)
    picker.layers = LAYERS[:2]
    assert [set(state) for state in sent] == [{"_rows", "layer"}]  # never a menu without the chosen layer


def test_objects_and_dicts_are_taken():
    objects = [
        SimpleNamespace(name="a", kind="Conv2d", output_shape=(1, 2, 3), n_parameters=5, receptive_field=None)
    ]
    assert LayerPicker(layers=objects).describe() == "Layer a: Conv2d, 1 × 2 × 3, 5 parameters"
    assert (
        LayerPicker(layers=[dict(name="a", kind="ReLU", output_shape=(4,))]).describe() == "Layer a: ReLU, 4"
    )
    with pytest.raises(t.TraitError, match="needs name, kind and output_shape"):
        LayerPicker(layers=[dict(name="a")])


def test_layers_of_a_real_network():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    picker = LayerPicker(layers=list_layers(net, (3, 8, 10)), spatial_only=True)
    assert [layer.name for layer in picker.shown] == ["0", "1"]


def test_the_picture_marks_the_chosen_layer():
    pictures = [LayerPicker(layers=LAYERS, layer=name).picture().tobytes() for name in ("conv1", "fc")]
    assert pictures[0] != pictures[1]
