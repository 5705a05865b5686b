from cnnwidgets.core import CnnWidgetsError, InputError, LayerError, NetworkError, TargetError, did_you_mean


def test_every_error_is_a_value_error_that_one_except_catches():
    for error in (InputError, LayerError, NetworkError, TargetError):
        assert issubclass(error, CnnWidgetsError)
    assert issubclass(CnnWidgetsError, ValueError)


def test_did_you_mean_puts_the_nearest_first():
    assert did_you_mean("conv", ["relu1", "conv1", "fc"]) == "nearest: 'conv1'"
    assert did_you_mean("features.13", ["features.1", "features.3", "fc"]).startswith("nearest: 'features.")


def test_did_you_mean_overlooks_case_but_answers_with_the_real_name():
    assert did_you_mean("CONV1", ["Conv1", "fc"]) == "nearest: 'Conv1'"


def test_did_you_mean_names_some_where_nothing_is_near():
    assert did_you_mean("xyz", ["a", "b"]) == "there are: 'a', 'b'"
    assert did_you_mean("xyz", ["a", "b", "c", "d"]) == "there are: 'a', 'b', 'c', …"
    assert did_you_mean("xyz", []) == "there are none"
