import numpy as np
import pytest
import torch
import traitlets as t

from cnnwidgets.widgets.relu_rules import ReluRules


@pytest.fixture
def rules():
    rules = ReluRules()
    yield rules
    rules.close()


def by_hand(f, r, rule):
    """Cell by cell, as the papers say it."""
    out = np.zeros(np.shape(f))
    for place, value in np.ndenumerate(np.array(r, float)):
        was_open, wants_more = np.array(f)[place] > 0, value > 0
        if {"gradient": was_open, "deconvnet": wants_more, "guided": was_open and wants_more}[rule]:
            out[place] = value
    return out


@pytest.mark.parametrize("rule", ["gradient", "deconvnet", "guided"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (8, 3)])
def test_rules_follow_the_papers(rule, shape):
    random = np.random.default_rng(sum(shape))
    f, r = random.integers(-2, 3, shape), random.integers(-2, 3, shape)
    rules = ReluRules(f, signal=r)
    assert getattr(rules, rule).tolist() == by_hand(f, r, rule).tolist()
    assert (rules.output == np.maximum(f, 0)).all()


def test_the_gradient_is_that_of_torch(rules):
    f = torch.tensor(rules.values, dtype=torch.float64, requires_grad=True)
    torch.relu(f).backward(torch.tensor(rules.signal, dtype=torch.float64))
    assert rules.gradient.tolist() == f.grad.tolist()


def test_figure_1_of_springenberg():
    rules = ReluRules([[1, -1, 5], [2, -5, -7], [-3, 2, 4]], signal=[[-2, 3, -1], [6, -3, 1], [2, -1, 3]])
    assert rules.output.tolist() == [[1, 0, 5], [2, 0, 0], [0, 2, 4]]
    assert rules.gradient.tolist() == [[-2, 0, -1], [6, 0, 0], [0, -1, 3]]
    assert rules.deconvnet.tolist() == [[0, 3, 0], [6, 0, 1], [2, 0, 3]]
    assert rules.guided.tolist() == [[0, 0, 0], [6, 0, 0], [0, 0, 3]]


def test_the_default_shows_all_cases(rules):
    cases = set(zip((np.array(rules.values) > 0).ravel(), (np.array(rules.signal) > 0).ravel(), strict=True))
    assert len(cases) == 4 and np.size(rules.values) == 16


def test_of_one_matrix_the_other_follows():
    assert np.shape(ReluRules([[1, 2, 3]]).signal) == (1, 3)
    assert np.shape(ReluRules(signal=torch.ones(5, 2)).values) == (5, 2)
    with pytest.raises(t.TraitError, match="values must be a matrix"):
        ReluRules([1, 2, 3])


def test_shapes_are_the_same(rules):
    before = rules.values, rules.signal
    with pytest.raises(t.TraitError, match=r"same shape, not 1 × 2 and 4 × 4: set both at once with show"):
        rules.values = [[1, 2]]
    with pytest.raises(t.TraitError, match=r"same shape, not 4 × 4 and 2 × 1"):
        rules.signal = [[1], [2]]
    with pytest.raises(t.TraitError, match="same shape"):
        rules.show([[1, 2]], [[1], [2]])
    assert (rules.values, rules.signal) == before


def test_showing_others(rules, messages):
    rules.position = (3, 3)
    sent = messages(rules)
    rules.show([[1, 2]], [[3, -4]])
    assert [set(state) for state in sent] == [{"values", "signal", "position"}]
    assert rules.position is None and rules.guided.tolist() == [[3, 0]]


@pytest.mark.parametrize("cell", [(4, 0), (0, 4), (-1, 0)])
def test_cells_that_do_not_exist(rules, cell):
    with pytest.raises(t.TraitError, match="outside the matrices of 4 × 4 cells"):
        rules.position = cell
    rules.set_state({"position": list(cell)})  # from the browser it may come late
    assert rules.position is None and rules.error == ""


def test_what_the_browser_sends(rules):
    rules.set_state({"values": [[1, 1], [1, 1]], "signal": [[-1, 2], [0.5, 0]], "position": [1, 0]})
    assert rules.deconvnet.tolist() == [[0, 2], [0.5, 0]] and rules.position == (1, 0) and rules.error == ""
    rules.set_state({"values": [[1, "x"], [1, 1]]})
    assert "values must be a matrix" in rules.error


@pytest.mark.parametrize(
    ("f", "r", "told"),
    [
        (2, 3, "f = 2 and R = 3 are both positive: all three pass 3 on"),
        (2, -1, "R = −1 is negative: DeconvNet and guided backprop stop here; the gradient passes −1 on"),
        (-2, 1, "f = −2 is negative: gradient and guided backprop stop here; DeconvNet passes 1 on"),
        (0, 1, "f = 0 is not positive: gradient and guided backprop stop here; DeconvNet passes 1 on"),
        (-2, -1, "f = −2 and R = −1 are both negative: all three stop here"),
        (0, -0.5, "neither f = 0 nor R = −0.5 is positive: all three stop here"),
        (7, 0, "R = 0: there is nothing to pass on"),
    ],
)
def test_words(f, r, told):
    rules = ReluRules([[f]], signal=[[r]])
    assert rules.told(0, 0) == told
    for rule, name in [("gradient", "gradient"), ("deconvnet", "DeconvNet"), ("guided", "guided")]:
        if r:  # the words and the numbers agree
            stops = told.partition("stop here")[0] if "stop here" in told else ""
            assert (getattr(rules, rule)[0, 0] == 0) == (name in stops or "all three stop" in told), rule


def test_description_and_picture(rules):
    assert rules.describe() == (
        "Three ways back through a ReLU, 4 × 4 cells: the gradient is open in 8, DeconvNet in 9, "
        "guided backprop in 4"
    )
    plain = rules.picture()
    rules.position = (1, 2)
    assert rules.describe().endswith("Row 1, column 2: " + rules.told(1, 2))
    assert rules.picture().height > plain.height > 400
    assert ReluRules([[0]], signal=[[0]]).picture().width > 100
    assert "image/png" in rules._repr_mimebundle_()[0]


def test_unknown_keywords():
    with pytest.raises(TypeError, match="no trait 'value'; nearest: 'values'"):
        ReluRules(value=[[1]])
