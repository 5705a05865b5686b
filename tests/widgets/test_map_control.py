import pytest
import traitlets as t

from cnnwidgets.widgets import MapControl

SPACES = ["pixels", "conv1", "fc"]


@pytest.fixture
def control():
    control = MapControl(spaces=SPACES)
    yield control
    control.close()


def test_at_first(control):
    assert (control.space, control.method, control.perplexity, control.seed) == ("fc", "pca", 30, 0)
    assert not (control.grid or control.paused or control.running)
    given = MapControl(spaces=SPACES, space="conv1", method="tsne", perplexity=200.0, most=300.0)
    assert (given.space, given.perplexity) == ("conv1", 200)
    assert MapControl().space == ""


def test_other_spaces(control):
    control.space = "conv1"
    control.spaces = ["pixels", "conv1"]
    assert control.space == "conv1"
    control.spaces = ["a", "b"]
    assert control.space == "b"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("space", "conv9", "no space 'conv9'; nearest: 'conv1'"),
        ("perplexity", 0.5, "must be 1 to 100"),
        ("perplexity", 101, "must be 1 to 100, a third of the number of points, not 101"),
        ("perplexity", float("nan"), "not nan"),
        ("method", "umap", "umap"),
        ("seed", -1, "-1"),
    ],
)
def test_values_that_make_no_sense(control, name, value, told):
    before = getattr(control, name)
    with pytest.raises(t.TraitError, match=told):
        setattr(control, name, value)
    assert getattr(control, name) == before


def test_fewer_points_allow_less(control):
    control.most = 7
    assert control.perplexity == 7
    control.most = 50
    assert control.perplexity == 7


def test_the_browser_may_come_late(control):
    control.most = 20
    control.set_state({"space": "gone", "perplexity": 70})
    assert (control.space, control.perplexity, control.error) == ("fc", 20, "")


def test_how_far_it_is(control):
    control.begin("reading pictures", 600)
    assert (control.running, control.stage, control.total, control.done) == (True, "reading pictures", 600, 0)
    control.progress(600, 600)
    assert control.done == 600
    control.begin("t-SNE, iteration", 750)
    assert (control.stage, control.total, control.done) == ("t-SNE, iteration", 750, 0)
    control.paused = True
    control.stop()
    assert control.stopping
    control.finish("stopped after 25 iterations")
    assert not (control.running or control.stopping or control.paused)
    assert control.message == "stopped after 25 iterations"
    control.stop()
    assert not control.stopping  # nothing runs


def test_again(control):
    asked = []
    control.on_again(lambda: asked.append(control.paused))
    control.paused = True
    control.receive({"kind": "again"}, [])
    assert asked == [False]
    control.begin("PCA")
    control.receive({"kind": "stop"}, [])
    assert control.stopping


def test_in_words(control):
    assert control.describe() == "fc; PCA"
    control.method, control.grid = "tsne", True
    assert control.describe() == "fc; t-SNE; perplexity 30; seed 0; on a grid"
    control.begin("t-SNE, iteration", 750)
    control.progress(750)
    control.paused = True
    assert control.describe().endswith("t-SNE, iteration 750 of 750, paused")
    control.finish("stopped")
    assert control.describe().endswith("on a grid; stopped")
    assert control.picture().height > 0 and MapControl().picture() is None
