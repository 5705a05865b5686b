import numpy as np
import pytest
import torch
import traitlets as t

from cnnwidgets.widgets import ClassPicker

CLASSES = ["cat", "dog", "bus", "car"]


def test_the_target_follows_the_most_probable():
    picker = ClassPicker(classes=CLASSES, probabilities=[0.1, 0.2, 0.6, 0.1])
    assert (picker.target, picker.target_name, picker.follow) == (2, "bus", True)
    picker.probabilities = torch.tensor([0.9, 0.1, 0, 0])
    assert picker.target == 0


def test_a_chosen_target_stays():
    picker = ClassPicker(classes=CLASSES, probabilities=[0.1, 0.2, 0.6, 0.1])
    picker.target = 1
    assert not picker.follow
    picker.probabilities = [0.9, 0.1, 0, 0]
    assert picker.target == 1
    picker.follow = True
    assert picker.target == 0


def test_a_target_given_at_first():
    picker = ClassPicker(classes=CLASSES, target=3, follow=False)
    picker.probabilities = [0.9, 0.1, 0, 0]
    assert picker.target == 3


@pytest.mark.parametrize("target", [-1, 4])
def test_classes_that_do_not_exist(target):
    with pytest.raises(t.TraitError, match=f"class {target} does not exist: there are 0 to 3"):
        ClassPicker(classes=CLASSES, target=target)
    with pytest.raises(t.TraitError, match="set classes first"):
        ClassPicker(target=4)


def test_probabilities_of_other_classes():
    picker = ClassPicker(classes=CLASSES)
    with pytest.raises(t.TraitError, match="3 probabilities do not fit 4 classes"):
        picker.probabilities = [0.1, 0.2, 0.7]
    assert len(picker.probabilities) == 0


def test_another_network():
    picker = ClassPicker(classes=CLASSES, probabilities=[0.1, 0.2, 0.1, 0.6])
    picker.target = 2
    picker.classes = ["tabby", "lynx"]
    assert len(picker.probabilities) == 0 and picker.target == 0 and picker.follow
    picker.show([0.3, 0.7])
    assert picker.target_name == "lynx"
    picker.show([0.2, 0.2, 0.6], classes=["a", "b", "c"])
    assert picker.target_name == "c"


def test_top():
    picker = ClassPicker(classes=CLASSES, probabilities=[0.1, 0.2, np.nan, 0.2], k=3)
    assert [(index, name) for index, name, _ in picker.top()] == [(1, "dog"), (3, "car"), (0, "cat")]
    assert picker.top()[0][2] == pytest.approx(0.2)
    assert ClassPicker(classes=CLASSES).top() == []


def test_nothing_but_nan():
    picker = ClassPicker(classes=CLASSES, probabilities=[np.nan] * 4)
    assert picker.target == 0
    picker.target = 2
    assert picker.target == 2


def test_in_words():
    picker = ClassPicker(classes=CLASSES, probabilities=[0.125, 0.25, 0.5, 0.125], k=2)
    assert picker.describe() == "Target: bus; most probable: bus 50.0%, dog 25.0%"
    assert ClassPicker().describe() == "ClassPicker: no classes"


def test_the_picture_grows_by_a_target_outside_the_top():
    picker = ClassPicker(classes=CLASSES, probabilities=[0.1, 0.2, 0.6, 0.1], k=2)
    inside = picker.picture().height
    picker.target = 3
    assert picker.picture().height > inside


def test_names_are_sent_once(messages):
    picker = ClassPicker(classes=[f"class {i}" for i in range(1000)])
    sent = messages(picker)
    picker.probabilities = np.full(1000, 1e-3)
    picker.target = 7
    assert not any("classes" in state for state in sent)


def test_a_target_chosen_on_purpose_stays():
    given = ClassPicker(classes=["a", "b"], probabilities=[0.9, 0.1], target=1)
    assert (given.target, given.follow) == (1, False)
    early = ClassPicker(classes=["a", "b", "c"])
    early.target = 2  # before anything is known of the picture
    early.probabilities = [0.1, 0.8, 0.1]
    assert (early.target, early.follow) == (2, False)
    early.follow = True
    assert early.target == 1
    early.probabilities = [0.7, 0.2, 0.1]
    assert (early.target, early.follow) == (0, True)
