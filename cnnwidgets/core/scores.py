"""Class scores: the tensor (N, classes) inside whatever a network returns."""

from collections.abc import Mapping

from torch import Tensor

from .errors import NetworkError

_KEYS = ("logits", "out", "scores")


def class_scores(output: object) -> Tensor:
    """Find the class scores in the output of a classifier.

    Parameters
    ----------
    output : Tensor, tuple or dict
        What the network returned: the scores themselves; a tuple or named tuple with the scores first or
        named ``logits`` (GoogLeNet and Inception with auxiliary heads); or a mapping with ``logits``, ``out``
        or ``scores``.

    Returns
    -------
    Tensor, shape (N, n_classes)
        The very tensor that the network returned (a view of it for ``(N, n_classes, 1, 1)``), so gradients
        flow.

    Raises
    ------
    NetworkError
        If there are no class scores; says what was found.

    Examples
    --------
    >>> import torch
    >>> class_scores({"logits": torch.zeros(2, 10)}).shape
    torch.Size([2, 10])
    """
    scores = _scores_inside(output)
    if not isinstance(scores, Tensor):
        raise NetworkError(
            f"the network returned {_describe(output)}, which holds no class scores; wrap it in a module "
            f"that returns a tensor (N, n_classes) or a dict with {_either(_KEYS)}"
        )
    if scores.ndim == 4 and scores.shape[2:] == (1, 1):
        scores = scores.flatten(1)
    if scores.ndim != 2 or not scores.is_floating_point():
        raise NetworkError(
            f"class scores are floats of shape (N, n_classes), but the network returned {_describe(scores)}; "
            "wrap it in a module that returns one score for each class"
        )
    return scores


def _scores_inside(output: object) -> object:
    if isinstance(output, Mapping):
        return next((output[key] for key in _KEYS if key in output), None)
    if isinstance(output, (tuple, list)):
        return getattr(output, "logits", output[0] if output else None)
    return output


def _describe(output: object) -> str:
    if isinstance(output, Tensor):
        return f"a {str(output.dtype).removeprefix('torch.')} tensor of shape {tuple(output.shape)}"
    if isinstance(output, Mapping):
        return f"a {type(output).__name__} with the keys {', '.join(map(repr, output)) or '(none)'}"
    return f"a {type(output).__name__}"


def _either(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names[:-1])) + f" or {names[-1]!r}"
