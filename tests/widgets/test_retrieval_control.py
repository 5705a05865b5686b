import pytest
import traitlets as t

from cnnwidgets.widgets import RetrievalControl


def test_in_words_and_as_a_picture():
    control = RetrievalControl()
    assert control.describe() == "Distance L2; no random network"
    control.metric, control.random = "cosine", True
    assert control.describe() == "Distance cosine; a random network"
    assert control.picture().height > 0
    with pytest.raises(t.TraitError, match="metric"):
        control.metric = "manhattan"
    with pytest.raises(TypeError, match="no trait 'metrics'"):
        RetrievalControl(metrics="l2")
