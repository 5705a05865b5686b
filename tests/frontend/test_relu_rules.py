import numpy as np
import pytest

from cnnwidgets.widgets.relu_rules import ReluRules

NAMES = {"f": "f", "ReLU of f": "output", "R": "signal", "Plain gradient": "gradient"}
NAMES |= {"DeconvNet": "deconvnet", "Guided backprop": "guided"}


@pytest.fixture
def rules():
    rules = ReluRules()
    yield rules
    rules.close()


def numbers(shown, label):
    """A matrix as it is drawn."""
    rows = shown.page.evaluate(
        """label => [...document.querySelector(`.cw-matrix[aria-label="${label}"]`).children]
          .filter(row => row.matches(".cw-matrix-row"))
          .map(row => [...row.children].map(cell => cell.firstChild))
          .map(row => row.map(entry => entry.value ?? entry.textContent))""",
        label,
    )
    return [[float(text.replace("−", "-")) for text in row] for row in rows]


def cell(shown, label, row, column):
    return shown.page.locator(f'.cw-matrix[aria-label="{label}"] [data-row="{row}"][data-column="{column}"]')


def entry(shown, label, row, column):
    return cell(shown, label, row, column).locator("input")


def all_match(shown, rules):
    for label, name in NAMES.items():
        wanted = rules.values if name == "f" else getattr(rules, name)
        assert numbers(shown, label) == np.array(wanted).tolist(), label


@pytest.mark.parametrize("shape", [(4, 4), (1, 1), (2, 5), (8, 8)])
def test_matrices_are_those_of_python(show, shape):
    random = np.random.default_rng(shape[1])
    rules = ReluRules(random.integers(-9, 10, shape) / 2, signal=random.integers(-9, 10, shape) / 4)
    shown = show(rules)
    for label, name in NAMES.items():
        wanted = np.array(rules.values if name == "f" else getattr(rules, name))
        assert np.allclose(numbers(shown, label), wanted, atol=0.0051), label


def test_recomputed_at_each_key_stroke_without_the_kernel(show, rules):
    shown = show(rules)
    field = entry(shown, "R", 0, 0)
    field.click()
    seen = []
    for key in "-1.5":
        shown.page.keyboard.press(key)
        seen.append(
            (numbers(shown, "Plain gradient")[0][0], numbers(shown, "DeconvNet")[0][0], field.input_value())
        )
    assert seen == [(2, 2, "-"), (-1, 0, "-1"), (-1, 0, "-1."), (-1.5, 0, "-1.5")]
    shown.deliver()
    assert rules.signal[0][0] == -1.5
    all_match(shown, rules)


@pytest.mark.parametrize(
    ("text", "value"), [("7", 7), ("−2", -2), ("0,5", 0.5), (".25", 0.25), ("1e2", 100), (" 3 ", 3)]
)
def test_numbers_as_people_write_them(show, rules, text, value):
    shown = show(rules)
    entry(shown, "f", 1, 2).fill(text)
    assert shown.get("values")[1][2] == value


@pytest.mark.parametrize("text", ["", "-", "two", "1/2", "1e", "Infinity", "--1"])
def test_what_is_no_number_is_marked_and_forgotten(show, rules, text):
    shown = show(rules)
    field = entry(shown, "f", 1, 2)
    field.fill(text)
    assert field.get_attribute("aria-invalid") == "true" and shown.get("values") == rules.values
    field.press("Tab")
    assert field.input_value() == "−3" and field.get_attribute("aria-invalid") is None


def test_a_field_shows_all_digits_only_while_it_is_edited(show):
    shown = show(ReluRules([[0.1 + 0.2, 1 / 3]]))
    assert entry(shown, "f", 0, 1).input_value() == "0.33"
    entry(shown, "f", 0, 1).focus()
    assert entry(shown, "f", 0, 1).input_value() == "0.333333333333"
    assert shown.get("values")[0] == [0.1 + 0.2, 1 / 3]  # looking at it changes nothing
    entry(shown, "f", 0, 0).focus()
    assert entry(shown, "f", 0, 0).input_value() == "0.3"


def test_pointing_at_a_cell_frames_it_everywhere_and_says_the_rule(show, rules):
    shown = show(rules)
    assert shown.page.locator(".cw-matrix-frame:visible").count() == 0
    for row, column in np.ndindex(4, 4):
        cell(shown, "DeconvNet", row, column).hover()
        shown.settle()
        assert shown.page.locator(".cw-relu-panel .cw-title").inner_text() == f"row {row}, column {column}"
        assert shown.page.locator(".cw-relu-reading").inner_text() == rules.told(row, column)
    shown.page.wait_for_timeout(200)
    frames = shown.page.locator(".cw-matrix-frame:visible")
    assert frames.count() == 3 + 3 + 4
    last = cell(shown, "Guided backprop", 3, 3).bounding_box()
    boxes = [frames.nth(i).bounding_box() for i in range(10)]
    assert any(abs(box["x"] - last["x"]) < 3 and abs(box["y"] - last["y"]) < 3 for box in boxes)
    shown.page.mouse.move(5, 5)
    assert frames.count() == 0 and shown.sent() == []


@pytest.mark.parametrize("f", [2, 0, -2])
@pytest.mark.parametrize("r", [1, 0, -1])
def test_words_are_those_of_python(show, f, r):
    rules = ReluRules([[f]], signal=[[r]], position=(0, 0))
    shown = show(rules)
    assert shown.page.locator(".cw-relu-reading").inner_text() == rules.told(0, 0)


def test_hatching_tells_which_condition_took_a_number_away(show, rules):
    shown = show(rules)
    open_f, open_r = np.array(rules.values) > 0, np.array(rules.signal) > 0
    for label, by_f, by_r in [
        ("Plain gradient", True, False),
        ("DeconvNet", False, True),
        ("Guided backprop", True, True),
        ("Guided backprop, where f > 0", True, False),
        ("Guided backprop, where R > 0", False, True),
    ]:
        for place in np.ndindex(4, 4):
            classes = cell(shown, label, *place).get_attribute("class").split()
            assert ("cw-off-f" in classes) == (by_f and not open_f[place]), (label, place)
            assert ("cw-off-r" in classes) == (by_r and not open_r[place]), (label, place)
    stripes = "el => getComputedStyle(el).backgroundImage.match(/repeating/g)?.length"
    places = [(0, 0), (0, 1), (0, 3)]
    drawn = [cell(shown, "Guided backprop", *place).evaluate(stripes) for place in places]
    assert drawn == [None, 1, 2]
    assert numbers(shown, "Plain gradient, where f > 0") == open_f.astype(float).tolist()
    counts = shown.page.locator(".cw-relu-passed").all_inner_texts()
    assert counts == ["open in 8 of 16 cells", "open in 9 of 16 cells", "open in 4 of 16 cells"]


def test_colours_tell_sign_and_size(show, rules):
    shown = show(rules)

    def colour(label, *place):
        text = cell(shown, label, *place).evaluate("el => getComputedStyle(el).backgroundColor")
        return [float(part) for part in text.removeprefix("color(srgb ").removesuffix(")").split()]

    (strong, _, blueless), (weak, _, _) = colour("f", 1, 3), colour("f", 0, 2)
    assert strong > blueless + 0.2 and colour("f", 3, 0)[2] > colour("f", 3, 0)[0] + 0.2
    assert colour("f", 1, 3)[1] < colour("f", 0, 2)[1] and weak > 0.9
    assert colour("f", 2, 1) == [1, 1, 1]
    for place in [(0, 0), (0, 2), (1, 1), (3, 3)]:  # the gradient lets these through
        assert colour("Plain gradient", *place) == colour("R", *place)


def test_keys(show, rules):
    shown = show(rules)
    page = shown.page
    assert page.locator(".cw-matrix [tabindex='0']").count() == 2  # one stop for each matrix
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")  # there is none further left
    assert shown.get("position") == [3, 0]
    page.keyboard.press("PageUp")
    page.keyboard.press("PageUp")
    page.keyboard.press("PageDown")
    assert shown.get("values")[3][0] == -3
    assert entry(shown, "f", 3, 0).input_value() == "−3"
    page.wait_for_timeout(200)
    assert page.locator("[role=status]").inner_text() == (
        "row 3, column 0: f = −3 is negative: gradient and guided backprop stop here; DeconvNet passes 4 on"
    )
    page.keyboard.press("Escape")
    assert shown.get("position") is None and page.locator(".cw-matrix-frame:visible").count() == 0
    shown.deliver()
    assert rules.position is None and rules.values[3][0] == -3


def test_a_click_in_a_result_chooses(show, rules):
    shown = show(rules)
    cell(shown, "Guided backprop", 2, 1).click()
    shown.page.mouse.move(5, 5)
    assert shown.page.locator(".cw-relu-reading").inner_text() == rules.told(2, 1)
    shown.deliver()
    assert rules.position == (2, 1)


def test_random_numbers(show, rules):
    shown = show(rules)
    before = rules.values, rules.signal
    shown.page.get_by_role("button", name="Random numbers").click()
    shown.deliver()
    assert np.shape(rules.values) == (4, 4) and rules.values != before[0] and rules.signal != before[1]
    every = np.array([rules.values, rules.signal])
    assert np.abs(every).max() <= 4 and len(np.unique(every)) > 3
    all_match(shown, rules)


def test_other_matrices_from_the_kernel(show, rules):
    shown = show(rules, views=2)
    cell(shown, "R", 3, 3).first.hover()
    rules.show([[1, -1, 2]], [[-3, 4, 5]])
    shown.update("values", "signal", "position")
    assert numbers(shown, "Guided backprop") == [[0, 0, 5]]
    assert shown.page.locator(".cw-matrix-frame:visible").count() == 0
    entry(shown, "R", 0, 2).first.fill("6")
    shown.settle()
    assert shown.page.locator('.cw-matrix[aria-label="DeconvNet"]').nth(1).inner_text().split() == [
        "0",
        "4",
        "6",
    ]


def test_a_number_from_elsewhere_reaches_the_field_that_has_the_focus(show, rules):
    shown = show(rules)
    entry(shown, "f", 0, 0).focus()
    shown.set(values=[[9, *rules.values[0][1:]], *rules.values[1:]])
    assert entry(shown, "f", 0, 0).input_value() == "9"


def test_what_is_being_typed_survives_what_else_changes(show, rules):
    shown = show(rules)
    entry(shown, "f", 0, 0).fill("-")
    shown.set(values=[[*rules.values[0][:3], 9], *rules.values[1:]])
    assert entry(shown, "f", 0, 0).input_value() == "-" and numbers(shown, "ReLU of f")[0][3] == 9


def test_nothing_below_moves_while_the_pointer_wanders(show, rules):
    shown = show(rules)
    shown.page.set_viewport_size({"width": 420, "height": 900})  # where the words need several lines
    tops = set()
    for place in [(0, 0), (0, 1), (0, 2), (0, 3), (2, 1)]:
        cell(shown, "f", *place).hover()
        shown.settle()
        tops.add(shown.page.locator('.cw-matrix[aria-label="R"]').evaluate("el => el.offsetTop"))
    assert len(tops) == 1


def test_narrow_pages(show, rules):
    page = show(rules).page
    page.set_viewport_size({"width": 400, "height": 700})
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= 400
