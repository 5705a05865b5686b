import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cnnwidgets.widgets.convolution_stepper import ConvolutionStepper

LABELS = {"forward": "output", "back": "result"}


@pytest.fixture
def stepper():
    stepper = ConvolutionStepper()
    yield stepper
    stepper.close()


@pytest.fixture(params=[((7, 7), (3, 3)), ((4, 6), (2, 3)), ((3, 3), (3, 3))], ids=str)
def other(request):
    shape, kernel = request.param
    random = np.random.default_rng(5)
    return dict(input=random.integers(-3, 4, shape), kernel=random.integers(-3, 4, kernel))


def visible(shown, label):
    return shown.page.locator(f'.cw-matrix[aria-label="{label}"]:visible')


def numbers(shown, label):
    """A matrix as it is drawn; NaN for empty cells."""
    rows = visible(shown, label).evaluate(
        """el => [...el.querySelectorAll(".cw-matrix-row")].map(row => [...row.children].map(
          cell => cell.querySelector("input")?.value ?? cell.firstChild.textContent))"""
    )
    return np.array([[float(text.replace("−", "-") or "nan") for text in row] for row in rows])


def cell(shown, label, row, column):
    return visible(shown, label).locator(f'[data-row="{row}"][data-column="{column}"]')


def told(shown):
    return shown.page.locator(".cw-convolution-sum").inner_text().replace("\xa0", " ")


def as_batch(values):
    return torch.tensor(np.array(values, float))[None, None]


def button(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def test_forward_fills_the_output_cell_by_cell(show, other):
    stepper = ConvolutionStepper(**other)
    wanted = F.conv2d(as_batch(other["input"]), as_batch(other["kernel"]))[0, 0].numpy()
    shown = show(stepper)
    for step in range(wanted.size):
        shown.set(step=step)
        seen, (row, column) = numbers(shown, "output"), divmod(step, wanted.shape[1])
        known = np.arange(wanted.size).reshape(wanted.shape) <= step
        assert (np.isnan(seen) == ~known).all() and (seen[known] == wanted[known]).all()
        assert told(shown) == f"output[{row}, {column}] = {stepper.sum_told(row, column)}"
        assert numbers(shown, "products").sum() == wanted[row, column]


def test_pasting_adds_stamp_by_stamp(show, other):
    stepper = ConvolutionStepper(**other, direction="back")
    sent = F.conv2d(as_batch(other["input"]), as_batch(other["kernel"])).relu()
    shown = show(stepper)
    for step in range(sent.numel()):
        shown.set(step=step)
        sofar = torch.where(torch.arange(sent.numel()).reshape(sent.shape) <= step, sent, 0.0)
        wanted = F.conv_transpose2d(sofar, as_batch(other["kernel"]))[0, 0].numpy()
        assert (numbers(shown, "result") == wanted).all()
        value = sent.flatten()[step].item()
        assert (numbers(shown, "signal times filter") == value * other["kernel"]).all()
        assert "times the filter is added at rows" in told(shown)
    assert (wanted == stepper.back).all()


def test_sliding_the_flipped_filter_gives_the_same(show, other):
    stepper = ConvolutionStepper(**other, direction="back", method="gather")
    weights = as_batch(other["kernel"])
    tall, wide = other["kernel"].shape
    sent = F.conv2d(as_batch(other["input"]), weights).relu()
    wanted = F.conv_transpose2d(sent, weights)[0, 0].numpy()
    shown = show(stepper)
    assert (numbers(shown, "filter, flipped in both axes") == weights.flip(2, 3)[0, 0].numpy()).all()
    padded = F.pad(sent, (wide - 1, wide - 1, tall - 1, tall - 1))
    assert (numbers(shown, "signal with zeros around") == padded[0, 0].numpy()).all()
    for step in range(wanted.size):
        shown.set(step=step)
        seen, (row, column) = numbers(shown, "result"), divmod(step, wanted.shape[1])
        known = np.arange(wanted.size).reshape(wanted.shape) <= step
        assert (np.isnan(seen) == ~known).all() and (seen[known] == wanted[known]).all()
        assert told(shown) == f"result[{row}, {column}] = {stepper.sum_told(row, column)}"


def test_the_window_carries_the_weights(show, stepper):
    shown = show(stepper)
    shown.set(step=8)  # at row 1, column 3
    shown.page.wait_for_timeout(200)
    notes = np.array(visible(shown, "input").locator(".cw-cell-note").all_inner_texts()).reshape(7, 7)
    wanted = [[f"×{weight}".replace("-", "−") for weight in row] for row in stepper.kernel]
    assert notes[1:4, 3:6].tolist() == wanted and (notes != "").sum() == 9
    frame = visible(shown, "input").locator(".cw-matrix-frame").bounding_box()
    first, last = (cell(shown, "input", *at).bounding_box() for at in [(1, 3), (3, 5)])
    assert abs(frame["x"] - first["x"]) <= 3 and abs(frame["y"] - first["y"]) <= 3
    assert abs(frame["x"] + frame["width"] - last["x"] - last["width"]) <= 3
    shown.set(direction="back", method="gather", step=8)  # row 1, column 1
    notes = np.array(visible(shown, "signal with zeros around").locator(".cw-cell-note").all_inner_texts())
    turned = [row[::-1] for row in wanted[::-1]]
    assert notes.reshape(9, 9)[1:4, 1:4].tolist() == turned


def test_editing_is_seen_at_once(show, stepper):
    shown = show(stepper)
    shown.set(step=24)
    cell(shown, "filter", 0, 0).locator("input").fill("-5")
    cell(shown, "input", 6, 6).locator("input").fill("0.5")
    seen = numbers(shown, "output")
    shown.deliver()
    assert stepper.kernel[0][0] == -5 and stepper.input[6][6] == 0.5
    assert (seen == stepper.output).all()


@pytest.mark.parametrize(
    ("method", "label", "at"), [("scatter", "signal", (1, 3)), ("gather", "signal with zeros around", (3, 5))]
)
def test_editing_the_signal(show, stepper, method, label, at):
    stepper.direction, stepper.method = "back", method
    shown = show(stepper)
    cell(shown, label, *at).locator("input").fill("-7")
    wanted = stepper.sent
    wanted[1, 3] = -7
    shown.deliver()
    assert stepper.signal == wanted.tolist()
    shown.set(step=stepper.n_steps - 1)
    assert (numbers(shown, "result") == stepper.back).all()
    button(shown, "output after ReLU").click()
    shown.deliver()
    assert stepper.signal is None


def test_zeros_around_the_signal_cannot_be_edited(show, stepper):
    stepper.direction, stepper.method = "back", "gather"
    shown = show(stepper)
    assert visible(shown, "signal with zeros around").locator("input").count() == 25
    assert cell(shown, "signal with zeros around", 1, 4).locator("input").count() == 0


def test_a_single_1(show, stepper):
    stepper.direction = "back"
    shown = show(stepper)
    button(shown, "a single 1").click()
    shown.deliver()
    assert np.array(stepper.signal)[2, 2] == np.array(stepper.signal).sum() == 1
    shown.set(step=24)
    assert (numbers(shown, "result")[2:5, 2:5] == stepper.kernel).all()


def test_the_slider_the_buttons_and_the_keys(show, stepper):
    shown = show(stepper)
    slider = shown.page.get_by_role("slider", name="Step")
    for press, wanted in [
        (lambda: button(shown, "Step on").click(), 1),
        (lambda: button(shown, "Last step").click(), 24),
        (lambda: button(shown, "Step on").click(force=True), 24),
        (lambda: button(shown, "Step back").click(), 23),
        (lambda: slider.press("ArrowLeft"), 22),
        (lambda: slider.press("Home"), 0),
        (lambda: button(shown, "Step back").click(force=True), 0),
        (lambda: slider.press("ArrowRight"), 1),
        (lambda: slider.fill("7"), 7),
        (lambda: button(shown, "First step").click(), 0),
        (lambda: cell(shown, "output", 2, 3).click(), 13),
    ]:
        press()
        assert shown.get("step") == wanted
    shown.page.wait_for_timeout(200)
    assert shown.page.locator("[role=status]").inner_text() == f"output[2, 3] = {stepper.sum_told(2, 3)}"
    assert slider.get_attribute("aria-valuetext").startswith("step 14 of 25: output[2, 3] = ")
    slider.press(" ")
    assert shown.get("playing") is True
    slider.press(" ")
    assert shown.get("playing") is False
    shown.deliver()
    assert stepper.step == 13


@pytest.mark.parametrize("views", [1, 2])
def test_playing_goes_at_its_pace_and_ends(show, views):
    stepper = ConvolutionStepper(input=np.eye(4), seconds=0.1)
    shown = show(stepper, views=views)
    shown.page.evaluate(
        """() => {
          window.times = [];
          model.on("change:step", () => times.push(performance.now()));
        }"""
    )
    button(shown, "Play").first.click()
    assert button(shown, "Pause").first.is_visible()
    shown.page.wait_for_function("() => !model.get('playing')")
    times = shown.page.evaluate("() => times")
    assert len(times) == 3 and min(np.diff(times)) > 90
    assert shown.get("step") == 3
    shown.page.evaluate("() => model.set('seconds', 60)")  # so that no step comes between two clicks
    button(shown, "Play").first.click()  # from the beginning
    assert shown.get("step") == 0 and shown.get("playing") is True
    button(shown, "Step on").first.click()
    assert shown.get("step") == 1 and shown.get("playing") is False


def test_a_closed_view_plays_no_more(show, stepper):
    stepper.seconds = 0.05
    shown = show(stepper)
    stepper.playing = True
    shown.update("playing", "seconds")
    shown.page.evaluate("() => window.cleanups[0]()")
    step = shown.get("step")
    shown.page.wait_for_timeout(200)
    assert shown.get("step") == step


def test_pointing_at_a_cell_of_the_output_looks_ahead(show, stepper):
    shown = show(stepper)
    shown.set(step=3)
    cell(shown, "output", 3, 1).hover()
    assert told(shown) == f"output[3, 1] = {stepper.sum_told(3, 1)}"
    seen = numbers(shown, "output")
    assert seen[3, 1] == stepper.output[3, 1] and np.isfinite(seen).sum() == 5
    notes = np.array(visible(shown, "input").locator(".cw-cell-note").all_inner_texts()).reshape(7, 7)
    assert (notes[3:6, 1:4] != "").all()
    shown.page.mouse.move(5, 5)
    assert told(shown).startswith("output[0, 3]") and shown.get("step") == 3


def test_both_ways_back_have_the_same_sums(show, stepper):
    stepper.direction, stepper.step = "back", 24
    shown = show(stepper)
    wanted = {
        place: f"result[{place[0]}, {place[1]}] = {stepper.sum_told(*place)}"
        for place in [(0, 0), (3, 2), (6, 4)]
    }
    for place, text in wanted.items():
        cell(shown, "result", *place).hover()
        assert told(shown) == text
    before = numbers(shown, "result")
    button(shown, "slide the flipped filter").click()
    assert shown.get("step") == 48  # what was complete stays complete
    assert (numbers(shown, "result") == before).all()
    for place, text in wanted.items():
        cell(shown, "result", *place).hover()
        assert told(shown) == text
    assert "gives the same numbers" in shown.page.locator(".cw-convolution-same").inner_text()
    shown.deliver()
    assert (stepper.method, stepper.step) == ("gather", 48)


def test_half_way_a_cell_tells_what_it_has_so_far(show, stepper):
    stepper.direction, stepper.step = "back", 8
    shown = show(stepper)
    for place in [(1, 4), (2, 3), (6, 6)]:
        cell(shown, "result", *place).hover()
        text = told(shown)
        assert text.startswith(f"result[{place[0]}, {place[1]}] so far = ")
        assert float(text.split(" = ")[-1].replace("−", "-")) == numbers(shown, "result")[place]
    assert text == "result[6, 6] so far = 0"


def test_another_way_begins_at_its_beginning(show, stepper):
    stepper.step = 24
    shown = show(stepper)
    assert button(shown, "paste the filter").is_hidden()
    button(shown, "Back").click()
    assert shown.get("step") == 0
    shown.set(step=5)
    button(shown, "slide the flipped filter").click()
    assert (
        shown.get("step") == 0
        and button(shown, "slide the flipped filter").get_attribute("aria-pressed") == "true"
    )
    shown.deliver()
    assert (stepper.direction, stepper.method, stepper.step) == ("back", "gather", 0)


def test_other_matrices_from_the_kernel(show, stepper):
    stepper.signal, stepper.step = np.ones((5, 5)), 24
    shown = show(stepper)
    stepper.input = np.ones((4, 5))
    shown.update("input", "signal", "step")
    assert (numbers(shown, "output") == stepper.output).all()
    shown.set(direction="back", step=5)
    assert (numbers(shown, "result") == stepper.back).all()


@pytest.mark.parametrize("traits", [{}, dict(direction="back"), dict(direction="back", method="gather")])
def test_narrow_pages(show, traits):
    page = show(ConvolutionStepper(**traits)).page
    page.set_viewport_size({"width": 400, "height": 700})
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= 400


def test_a_step_is_painted_at_once(show, stepper):
    stepper.direction, stepper.method = "back", "gather"
    shown = show(stepper)
    took = shown.page.evaluate(
        """() => {
          const began = performance.now();
          for (let step = 1; step < 49; step++) { model.set("step", step); document.body.offsetHeight; }
          return (performance.now() - began) / 48;
        }"""
    )
    assert took < 16
