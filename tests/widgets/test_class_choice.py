import pytest
import traitlets as t

from cnnwidgets.widgets import ClassChoice, UnitChoice


@pytest.fixture
def choice():
    choice = ClassChoice(classes=["cat", "dog", "bus", "boat"], most=3)
    yield choice
    choice.close()


def test_the_first_is_chosen_until_others_are(choice):
    assert choice.chosen == [0]
    choice.chosen = [2, 0, 2]
    assert choice.names == ["bus", "cat"]
    assert choice.describe() == "bus, cat"
    choice.classes = ["tree"]
    assert choice.chosen == [0] and choice.names == ["tree"]
    choice.classes = []
    assert choice.chosen == [] and choice.describe() == "no classes" and choice.picture() is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([4], "no class 4: there are 0 to 3"),
        ([-1], "no class -1"),
        ([], "1 to 3 classes can be chosen, not 0"),
        ([0, 1, 2, 3], "1 to 3 classes can be chosen, not 4"),
    ],
)
def test_what_cannot_be_chosen(choice, wanted, told):
    choice.chosen = [1]
    with pytest.raises(t.TraitError, match=told):
        choice.chosen = wanted
    assert choice.chosen == [1]


def test_by_name(choice):
    choice.choose("boat")
    assert choice.chosen == [3]
    choice.choose(["dog", "cat"])
    assert choice.chosen == [1, 0]
    with pytest.raises(ValueError, match="no class 'bot'; nearest: 'boat'"):
        choice.choose("bot")


def test_what_comes_late_from_the_browser(choice):
    choice.set_state({"chosen": [9, 3, 0, 1, 2]})
    assert choice.chosen == [3, 0, 1]
    choice.set_state({"chosen": [17]})
    assert choice.chosen == [3, 0, 1] and choice.error == ""


def test_images_of_a_unit_in_words_and_limits():
    choice = UnitChoice()
    assert choice.describe() == "1 image, of the channel all over"
    choice.n_images, choice.diverse, choice.neuron = 4, 0.5, True
    assert choice.describe() == "4 images, diversity 0.5, of one neuron in the middle"
    choice.can_neuron = False
    assert choice.describe().endswith("of the channel all over")
    with pytest.raises(t.TraitError, match="n_images must be 1 to 9, not 10"):
        choice.n_images = 10
    choice.set_state({"n_images": 99, "diverse": -4})
    assert (choice.n_images, choice.diverse) == (9, 0)
    assert choice.picture().height > 10
    choice.close()
