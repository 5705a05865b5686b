"""Rules for the operations on each unit alone: activations, arithmetic, copies, constants."""

from __future__ import annotations

from torch import Tensor

from .calls import UNKNOWN, Call, View, each_axis, join, rule


def pointwise(call: Call) -> View:
    """Each unit is made of the units in the same place."""
    return join(spread_out(view, tuple(t.shape), call.shape) for t, view in call.seeing_inputs())


def spread_out(view: View, shape: tuple[int, ...], wanted: tuple[int, ...]) -> View:
    """Broadcast: shapes are aligned at their ends, and sizes of 1 repeated where another tensor is larger."""
    extra = len(wanted) - len(shape)
    repeated = [dim for dim, n in enumerate(shape) if n == 1 and wanted[dim + extra] != 1]
    return each_axis(view, lambda axis: axis.mixed(repeated).moved(lambda dim: dim + extra))


rule(
    *"""relu relu6 hardtanh leaky_relu prelu rrelu elu celu selu gelu silu mish hardswish hardsigmoid sigmoid
    log_sigmoid logit tanh softplus softsign softshrink hardshrink tanhshrink threshold exp exp2 expm1 log
    log2 log10 log1p sqrt rsqrt square abs neg negative sign sgn reciprocal sin cos tan sinh cosh asin acos
    atan erf erfc floor ceil round trunc frac clamp clamp_min clamp_max clip nan_to_num dropout
    feature_dropout alpha_dropout feature_alpha_dropout native_dropout add sub rsub mul div divide multiply
    subtract true_divide floor_divide remainder fmod pow maximum minimum fmax fmin atan2 hypot lerp addcmul
    addcdiv where masked_fill eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and
    bitwise_or bitwise_not isnan isinf isfinite clone alias detach contiguous _to_copy lift_fresh positive
    expand
    """.split()
)(pointwise)


@rule("to", "type_as", "expand_as", "copy")
def _one_of_two(call: Call) -> View:
    """Takes its values from one tensor, and from the other one its shape, its type or its memory."""
    source = call["src" if call.name == "copy" else "self"]
    return spread_out(call.views(source), tuple(source.shape), call.shape)


@rule(
    *"""zeros_like ones_like full_like empty_like rand_like randn_like randint_like new_zeros new_ones
    new_full new_empty new_empty_strided zero fill""".split()
)
def _constant(call: Call) -> View:
    """Takes its shape from the image and nothing else."""
    return UNKNOWN if isinstance(call.get("value"), Tensor) else None
