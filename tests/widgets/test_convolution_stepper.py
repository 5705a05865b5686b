import numpy as np
import pytest
import torch
import traitlets as t
from torch.nn import functional as F

from cnnwidgets.widgets._matrix_picture import tint
from cnnwidgets.widgets.convolution_stepper import ConvolutionStepper

SHAPES = [
    ((7, 7), (3, 3)),
    ((4, 6), (2, 3)),
    ((3, 3), (3, 3)),
    ((5, 2), (1, 2)),
    ((1, 1), (1, 1)),
    ((9, 9), (5, 5)),
]


@pytest.fixture
def stepper():
    stepper = ConvolutionStepper()
    yield stepper
    stepper.close()


def some(shape, seed=0):
    return np.random.default_rng(seed).integers(-4, 5, shape) / 2


def as_batch(values):
    return torch.tensor(np.array(values, float))[None, None]


@pytest.mark.parametrize(("shape", "kernel_shape"), SHAPES)
def test_both_ways_are_those_of_torch(shape, kernel_shape):
    stepper = ConvolutionStepper(input=some(shape), kernel=some(kernel_shape, 1))
    forward = F.conv2d(as_batch(stepper.input), as_batch(stepper.kernel))
    assert stepper.output.tolist() == forward[0, 0].tolist()
    assert stepper.sent.tolist() == forward[0, 0].relu().tolist()
    for _ in range(2):
        back = F.conv_transpose2d(as_batch(stepper.sent), as_batch(stepper.kernel))
        assert np.allclose(stepper.back, back[0, 0]) and stepper.back.shape == shape
        stepper.signal = some(stepper.output.shape, 2)


def test_the_way_back_is_the_gradient(stepper):
    x = as_batch(stepper.input).requires_grad_()
    out = F.conv2d(x, as_batch(stepper.kernel))
    out.backward(as_batch(stepper.sent))
    assert stepper.back.tolist() == x.grad[0, 0].tolist()


def test_a_single_1_brings_the_filter_itself_and_forward_the_flipped_one(stepper):
    dot = np.zeros((7, 7))
    dot[3, 3] = 1
    stepper.input = dot
    assert stepper.output[1:4, 1:4].tolist() == np.array(stepper.kernel)[::-1, ::-1].tolist()
    signal = np.zeros((5, 5))
    signal[1, 3] = 1
    stepper.signal = signal
    assert stepper.back[1:4, 3:6].tolist() == stepper.kernel and np.count_nonzero(stepper.back) == 5


@pytest.mark.parametrize(("shape", "kernel_shape"), SHAPES)
@pytest.mark.parametrize("direction", ["forward", "back"])
def test_written_sums_are_the_results(shape, kernel_shape, direction):
    stepper = ConvolutionStepper(input=some(shape), kernel=some(kernel_shape, 1), direction=direction)
    result = stepper.output if direction == "forward" else stepper.back
    for (row, column), value in np.ndenumerate(result):
        left, _, right = stepper.sum_told(row, column).replace("−", "-").replace("×", "*").partition(" = ")
        assert eval(left) == pytest.approx(value) and float(right) == pytest.approx(value, abs=0.0051)


def test_sums_by_hand(stepper):
    assert stepper.sum_told(1, 3) == "0×0 + 1×1 + 2×2 + 0×(−1) + 0×0 + 1×1 + 0×0 + 0×(−1) + 0×0 = 6"
    small = ConvolutionStepper(
        input=np.ones((2, 3)), kernel=[[1, 2]], signal=[[5, 6], [7, 8]], direction="back"
    )
    assert [small.sum_told(0, column) for column in range(3)] == ["5×1 = 5", "5×2 + 6×1 = 16", "6×2 = 12"]


def test_the_lecture_sizes_are_the_default(stepper):
    assert np.shape(stepper.input) == (7, 7) and np.shape(stepper.kernel) == (3, 3)
    assert stepper.output.shape == (5, 5) and stepper.back.shape == (7, 7)
    kernel = np.array(stepper.kernel)
    turned = kernel[::-1, ::-1]
    assert not (kernel == turned).all() and not (kernel == -turned).all()  # the flip is to be seen
    assert (stepper.output < 0).any()  # and the ReLU too


def test_steps(stepper):
    assert stepper.n_steps == 25
    stepper.step = 24
    with pytest.raises(t.TraitError, match="step 25 does not exist: there are 0 to 24"):
        stepper.step = 25
    with pytest.raises(t.TraitError, match="step -1"):
        stepper.step = -1
    stepper.method = "gather"
    assert stepper.n_steps == 25  # it is only how the way back is shown
    stepper.direction = "back"
    assert stepper.n_steps == 49
    stepper.step = 48
    stepper.method = "scatter"
    assert stepper.n_steps == 25 and stepper.step == 24
    assert ConvolutionStepper(step=48, direction="back", method="gather").step == 48
    stepper.set_state({"step": 99})  # from the browser it may come late
    assert stepper.step == 24 and stepper.error == ""


def test_other_shapes(stepper):
    stepper.signal = np.ones((5, 5))
    stepper.step = 24
    stepper.input = np.ones((4, 6))
    assert stepper.signal is None and stepper.step == 7 and stepper.output.shape == (2, 4)
    stepper.signal = np.zeros((2, 4))
    stepper.input = 2 * np.ones((4, 6))
    assert stepper.signal is not None
    stepper.kernel = np.ones((4, 1))
    assert stepper.signal is None and stepper.sent.shape == (1, 6)


def test_what_does_not_fit(stepper):
    with pytest.raises(t.TraitError, match="kernel must not be larger than input, not 3 × 3 on 2 × 9"):
        stepper.input = np.ones((2, 9))
    with pytest.raises(t.TraitError, match="kernel must have 1 to 5 rows and columns, not 6 × 1"):
        stepper.kernel = np.ones((6, 1))
    with pytest.raises(t.TraitError, match="as large as the output, 5 × 5, not 7 × 7"):
        stepper.signal = np.ones((7, 7))
    with stepper.hold_trait_notifications():
        stepper.input, stepper.kernel = np.ones((2, 2)), np.ones((1, 2))
    assert stepper.output.tolist() == [[2], [2]]
    stepper.set_state({"signal": np.ones((5, 5)).tolist()})  # late, of other matrices
    assert stepper.signal is None and stepper.error == ""


def test_description(stepper):
    stepper.step = 8
    assert stepper.describe() == (
        "Convolution, 7 × 7 with a filter of 3 × 3 to 5 × 5: step 9 of 25, output[1, 3] = "
        + stepper.sum_told(1, 3)
    )
    stepper.direction = "back"
    assert stepper.describe() == (
        "Transposed convolution, 5 × 5 with a filter of 3 × 3 to 7 × 7: step 9 of 25, "
        "6 times the filter is added at rows 1 to 3, columns 3 to 5"
    )
    stepper.method = "gather"
    assert stepper.describe().endswith(
        "step 9 of 49, flipped filter, result[1, 1] = " + stepper.sum_told(1, 1)
    )


@pytest.mark.parametrize("traits", [{}, dict(direction="back"), dict(direction="back", method="gather")])
@pytest.mark.parametrize("shape", [(7, 7), (3, 5)])
def test_pictures_go_with_the_steps(traits, shape):
    stepper = ConvolutionStepper(input=some(shape), **traits)
    first = stepper.picture()
    stepper.step = stepper.n_steps - 1
    last = stepper.picture()
    assert first.tobytes() != last.tobytes() and min(first.size) > 200


def test_a_picture_has_the_stamps_so_far():
    stepper = ConvolutionStepper(
        input=np.ones((2, 2)), kernel=[[-1]], signal=[[0, 0], [0, 1]], direction="back"
    )
    for step in (2, 3):
        stepper.step = step
        picture = stepper.picture()
        result = picture.crop((picture.width * 3 // 5, 0, *picture.size))
        drawn = tint(-1, 1) in {colour for _, colour in result.getcolors(1 << 24)}
        assert drawn == (step == 3)
