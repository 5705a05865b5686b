import pytest
import traitlets as t

from cnnwidgets.core.ascent import ascent as core
from cnnwidgets.widgets import AscentControl, AscentSettings
from cnnwidgets.widgets.ascent_control import LIMITS, PRESETS, RATES, told_settings


@pytest.fixture
def control():
    control = AscentControl()
    yield control
    control.close()


def changes(control):
    seen = []
    control.observe(lambda change: seen.append(change.new), "settings")
    return seen


def test_optimisers_begin_with_the_rates_of_the_core(control):
    assert RATES == core.RATES
    control.rate = 7.0
    control.optimiser = "adam"
    assert control.settings.rate == control.rate == 0.05


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_everything_with_one_change(control, name):
    control.settings = AscentSettings("adam", "fourier", 3.0, 1, 1, 1, 1, 9, 1, 1, 1, 0.9, 1)
    seen = changes(control)
    control.preset = name
    assert seen == [PRESETS[name][0]] and control.preset == name
    for trait, value in control.settings._asdict().items():
        assert getattr(control, trait) == value


def test_another_value_is_no_preset_any_more_and_back_it_is(control):
    seen = changes(control)
    control.decay = 0.05
    assert control.preset == "" and len(seen) == 1
    assert "settings of your own: " in control.describe()
    control.decay = 0.01
    assert control.preset == "robust"


def test_all_settings_can_be_given_at_once():
    wanted = AscentSettings(jitter=3, l2=0.5)
    control = AscentControl(settings=wanted, title="B")
    assert control.jitter == 3 and control.preset == ""
    assert control.describe().startswith("B, settings of your own: normalised steps")
    control.close()
    control = AscentControl(preset="Yosinski", jitter=2)
    assert control.settings == PRESETS["Yosinski"][0]._replace(jitter=2)
    control.close()


def test_the_rate_that_is_given_with_an_optimiser_counts_in_any_order():
    for given in ({"rate": 0.5, "optimiser": "adam"}, {"optimiser": "adam", "rate": 0.5}):
        control = AscentControl(**given)
        assert (control.settings.rate, control.settings.optimiser) == (0.5, "adam")
        control.close()


@pytest.mark.parametrize("wrong", [{"optimiser": "sgd"}, {"space": "waves"}, {"jitter": 2.5}])
def test_settings_that_do_not_exist_leave_all_as_it_was(control, wrong):
    before = control.settings
    with pytest.raises(t.TraitError, match=next(iter(wrong))):
        control.settings = before._replace(decay=0.5, **wrong)
    assert control.settings == before == control._now() and control.preset == "robust"


@pytest.mark.parametrize("name", LIMITS)
def test_limits(control, name):
    least, most = LIMITS[name]
    before = control.settings
    with pytest.raises(t.TraitError, match=f"{name} must be {least:g} to "):
        setattr(control, name, most + 1)
    with pytest.raises(t.TraitError, match=f"{name} must be {least:g} to "):
        control.settings = before._replace(**{name: least - 1})
    assert control.settings == before and getattr(control, name) == getattr(before, name)
    control.set_state({name: most + 1})
    assert getattr(control.settings, name) == most and control.error == ""


def test_what_comes_from_the_browser_together_is_one_change(control):
    seen = changes(control)
    control.set_state({"decay": 0.2, "jitter": 9})
    assert seen == [PRESETS["robust"][0]._replace(decay=0.2, jitter=9)]
    control.set_state({"preset": "Yosinski", "decay": 0.01})
    assert control.settings == PRESETS["Yosinski"][0]


def test_what_does_not_exist(control):
    with pytest.raises(t.TraitError, match="no settings 'Yosinsky'; nearest: 'Yosinski'"):
        control.preset = "Yosinsky"
    with pytest.raises(TypeError, match="no trait 'jiter'; nearest: 'jitter'"):
        AscentControl(jiter=3)


def test_in_words():
    assert told_settings(AscentSettings()) == "normalised steps of 0.100 in pixels"
    everything = AscentSettings("adam", "fourier", 0.5, 0.01, 0.02, 0.01, 0.7, 2, 30, 20, 4, 0.1, 5)
    assert told_settings(everything) == (
        "Adam steps of 0.500 in frequencies, L2 penalty 0.0100, total variation 0.0200, decay 0.0100, "
        "blur 0.7 pixels every 2 steps, clip norm 30 %, clip contribution 20 %, jitter 4 pixels, "
        "scale ±10 %, rotation ±5°"
    )


def test_as_a_picture(control):
    assert control.picture().height > 200
