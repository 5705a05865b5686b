"""Rules for the operations in which units see each other: normalising, mean, linear, attention."""

from __future__ import annotations

from .calls import UNKNOWN, Call, View, dims_of, each_axis, join, rule, unlisted
from .pointwise_rules import pointwise


@rule("batch_norm", "native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit_no_training")
def _batch_norm(call: Call) -> View:
    """By stored statistics: pointwise. By those of the batch: every place sees all places."""
    view = call.view("input")
    if call.get("training") or call.get("running_mean") is None:
        return each_axis(view, lambda axis: axis.mixed({*range(len(call.shape))} - {1}))
    return view


@rule("instance_norm")
def _instance_norm(call: Call) -> View:
    view = call.view("input")
    own = call["use_input_stats"]
    return each_axis(view, lambda axis: axis.mixed(range(2, len(call.shape)))) if own else view


@rule("group_norm", "native_group_norm")
def _group_norm(call: Call) -> View:
    first = 1 if call.get("num_groups") == 1 or call.get("group") == 1 else 2
    return each_axis(call.view("input"), lambda axis: axis.mixed(range(first, len(call.shape))))


@rule("layer_norm", "native_layer_norm", "rms_norm")
def _layer_norm(call: Call) -> View:
    ndim = len(call.shape)
    return each_axis(
        call.view("input"), lambda axis: axis.mixed(range(ndim - len(call["normalized_shape"]), ndim))
    )


@rule("softmax", "_softmax", "log_softmax", "_log_softmax", "softmin")
def _softmax(call: Call) -> View:
    return each_axis(call.view("self"), lambda axis: axis.mixed([call["dim"] % len(call.shape)]))


@rule("linear")
def _linear(call: Call) -> View:
    last = call["input"].ndim - 1
    return each_axis(call.view("input"), lambda axis: axis.mixed([last]))


@rule("matmul", "mm", "bmm")
def _matrix_product(call: Call) -> View:
    one, other = call["self"], call["other" if "other" in call.arguments else "mat2"]
    ndim, smaller = len(call.shape), min(one.ndim, other.ndim)
    if smaller < 2 or (smaller > 2 and one.shape[:-2] != other.shape[:-2]):
        return unlisted(call)
    rows = each_axis(call.views(one), lambda axis: axis.mixed([one.ndim - 1]))
    columns = each_axis(call.views(other), lambda axis: axis.mixed([other.ndim - 2]))
    return join(
        each_axis(view, lambda axis, t=t: axis.moved(lambda dim: dim + ndim - t.ndim))
        for view, t in ((rows, one), (columns, other))
    )


@rule("addmm", "baddbmm")
def _added_matrix_product(call: Call) -> View:
    """Weights are the second matrix, as in a linear layer that was taken apart."""
    name = "mat1" if "mat1" in call.arguments else "batch1"
    return each_axis(call.view(name), lambda axis: axis.mixed([call[name].ndim - 1]))


@rule("scaled_dot_product_attention")
def _attention(call: Call) -> View:
    """Each query sees all keys and values, at positions along the last dimension but one."""
    query, key, value = call["query"], call["key"], call["value"]
    known = {id(query), id(key), id(value)}
    if call["is_causal"] or any(id(t) not in known for t, _ in call.seeing_inputs()):
        return UNKNOWN
    last = query.ndim - 1
    return join(
        [
            each_axis(call.views(query), lambda axis: axis.mixed([last])),
            each_axis(call.views(key), lambda axis: axis.mixed([last - 1, last])),
            each_axis(call.views(value), lambda axis: axis.mixed([last - 1])),
        ]
    )


@rule("_native_multi_head_attention", "_transformer_encoder_layer_fwd")
def _self_attention(call: Call) -> View:
    """Whole blocks in one operation; every token (N, tokens, features) sees every token."""
    return join(each_axis(view, lambda axis: axis.mixed([1, 2])) for _, view in call.seeing_inputs())


@rule(
    *"""mean sum nansum nanmean amax amin max min std var std_mean var_mean prod norm linalg_vector_norm
    logsumexp argmax argmin any all median""".split()
)
def _reduction(call: Call) -> View:
    if "other" in call.arguments:
        return pointwise(call)
    name = "input" if "input" in call.arguments else "self"
    ndim = call[name].ndim
    dims = dims_of(call.get("dim"), ndim)
    kept = range(ndim) if call.get("keepdim") else [dim for dim in range(ndim) if dim not in dims]
    return each_axis(call.view(name), lambda axis: axis.mixed(dims).moved(list(kept).index))
