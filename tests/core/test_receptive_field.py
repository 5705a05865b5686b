import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.core import ReceptiveField, list_layers

# (architecture, input, layer) -> size, stride, padding, the same for rows and columns. VGG-16, ResNet and
# Inception: Araujo, Norris, Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019,
# table and appendix (ResNet in the variant whose stride is in the 3x3 convolution); AlexNet: torchvision's,
# by hand, since it is padded differently from the paper's.
KNOWN = [
    ("vgg16", "features.30", (212, 32, 90)),
    ("alexnet", "features.10", (163, 16, 66)),
    ("alexnet", "features.12", (195, 32, 66)),
    ("resnet18", "layer4", (435, 32, None)),
    ("resnet50", "layer4", (427, 32, None)),
]


@pytest.mark.parametrize(("name", "layer", "wanted"), KNOWN)
def test_published(architecture, name, layer, wanted):
    fields = {each.name: each.receptive_field for each in list_layers(architecture(name), (3, 64, 96))}
    size, stride, padding = wanted
    assert fields[layer].size == (size, size)
    assert fields[layer].stride == (stride, stride)
    assert padding is None or fields[layer].padding == (padding, padding)
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
