import pytest
import traitlets as t

from cnnwidgets.widgets import NetworkPicker

OPTIONS = [
    dict(name="toynet"),
    dict(name="alexnet", title="AlexNet", available=False, note="233 MB, not on this machine"),
    dict(name="noise", title="Noise", untrained=True),
]


def test_options_are_completed():
    assert NetworkPicker(options=OPTIONS).options[0] == dict(
        name="toynet", title="toynet", available=True, note="", untrained=False
    )
    assert NetworkPicker().describe() == "Networks: none chosen" and NetworkPicker().picture() is None


@pytest.mark.parametrize(
    "option, told",
    [
        (dict(title="AlexNet"), "needs a name"),
        (dict(name=""), "needs a name"),
        (dict(name="alexnet:random"), "without ':'"),
        (dict(name="toynet"), "name of its own"),
        (dict(name="a", size=3), "not 'size'"),
    ],
)
def test_options_that_are_not_right(option, told):
    with pytest.raises(t.TraitError, match=told):
        NetworkPicker(options=[*OPTIONS, option])


def test_several_in_the_order_in_which_they_were_chosen():
    picker = NetworkPicker(options=OPTIONS, chosen=["noise", "toynet", "noise"])
    assert picker.chosen == ["noise", "toynet"]
    assert picker.describe() == "Networks: Noise (untrained), toynet"


def test_what_is_not_here_is_never_shown_random_without_saying_so():
    picker = NetworkPicker(options=OPTIONS, chosen=["toynet"])
    with pytest.raises(
        t.TraitError, match="not available .233 MB, not on this machine.; choose 'alexnet:random'"
    ):
        picker.chosen = ["alexnet"]
    with pytest.raises(t.TraitError, match="there is no network 'alexnett'; nearest: 'alexnet'"):
        picker.chosen = ["alexnett:random"]
    assert picker.chosen == ["toynet"]
    picker.chosen = ["alexnet:random"]
    assert picker.option("alexnet:random")["title"] == "AlexNet"
    assert picker.describe() == "Networks: AlexNet (untrained)"


def test_from_the_browser_only_what_can_be_chosen():
    picker = NetworkPicker(options=OPTIONS)
    picker.set_state({"chosen": ["toynet", "alexnet", "alexnet:random", "gone"]})
    assert picker.chosen == ["toynet", "alexnet:random"] and picker.error == ""


def test_other_options_drop_what_is_gone():
    picker = NetworkPicker(options=OPTIONS, chosen=["toynet", "alexnet:random", "noise"])
    picker.options = [dict(name="alexnet"), dict(name="noise")]  # AlexNet has come
    assert picker.chosen == ["alexnet:random", "noise"]
    picker.options = []
    assert picker.chosen == []


def test_the_picture_ticks_the_chosen():
    pictures = [
        NetworkPicker(options=OPTIONS, chosen=chosen).picture().tobytes()
        for chosen in ([], ["toynet"], ["alexnet:random"])
    ]
    assert len(set(pictures)) == 3
