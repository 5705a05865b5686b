import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.core import ReceptiveField, list_layers

# VGG-16: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019.
# The others as torchvision builds them, by hand: a window of k adds (k - 1) times the stride before it.
# AlexNet: 11, then 2 * 4 for the pooling, 4 * 8, 2 * 8, and 2 * 16 for each of conv3, 4, 5. ResNets: 11 after
# the stem, then for each 3x3 convolution 2 * stride, of which ResNet-18 has two in a block and ResNet-50 one,
# in the first block of a stage still at the old stride: 11 + 4 * 8 + (8 + 3 * 16) + (16 + 3 * 32) + (32 + 3 *
# 64) and 11 + 3 * 8 + (8 + 3 * 16) + (16 + 5 * 32) + (32 + 2 * 64).
KNOWN = [
    ("vgg16", "features.30", (212, 32, 90)),
    ("alexnet", "features.10", (163, 16, 66)),
    ("alexnet", "features.12", (195, 32, 66)),
    ("resnet18", "layer4", (435, 32, 217)),
    ("resnet50", "layer4", (427, 32, 213)),
]


@pytest.mark.parametrize(("name", "layer", "wanted"), KNOWN)
def test_published(architecture, name, layer, wanted):
    fields = {each.name: each.receptive_field for each in list_layers(architecture(name), (3, 64, 96))}
    size, stride, padding = wanted
    assert fields[layer].size == (size, size)
    assert fields[layer].stride == (stride, stride)
    assert fields[layer].padding == (padding, padding)
    assert not fields[layer].whole_image


def test_box_by_hand():
    field = ReceptiveField(size=(7, 3), stride=(2, 4), padding=(3, -1))
    assert field.box(0, 0) == (-3, 1, 4, 4)
    assert field.box(5, 2) == (7, 9, 14, 12)
    assert field.clipped(0, 0, (20, 20)) == (0, 1, 4, 4)
    assert field.clipped(5, 2, (10, 11)) == (7, 9, 10, 11)


def test_a_field_that_is_nothing_but_padding_is_empty():
    top, left, bottom, right = ReceptiveField((2, 2), (1, 1), (5, 0)).clipped(0, 9, (6, 8))
    assert top == bottom and left == right


@given(
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    stride=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    padding=st.tuples(st.integers(-20, 40), st.integers(-20, 40)),
    unit=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    image=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_clipped_is_the_part_of_the_box_inside_the_image(size, stride, padding, unit, image):
    field = ReceptiveField(size, stride, padding)
    top, left, bottom, right = field.box(*unit)
    assert (bottom - top, right - left) == size
    inside = [
        (y, x) for y in range(image[0]) for x in range(image[1]) if top <= y < bottom and left <= x < right
    ]
    a, b, c, d = field.clipped(*unit, image)
    assert inside == [(y, x) for y in range(a, c) for x in range(b, d)]
