"""Which classes are meant: one for all images, one for each, or several for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from .errors import TargetError

Target = int | Sequence[int] | Sequence[Sequence[int]] | Tensor


def target_lists(target: Target, n_images: int) -> tuple[list[list[int]], bool]:
    """For each image the classes asked for, and whether it is just one.

    Parameters
    ----------
    target : int, N ints, or N sequences of T ints
    n_images : int

    Returns
    -------
    list of N lists of T ints
    bool
        Whether results have no axis for the classes.

    Raises
    ------
    TargetError
        For anything else.

    Examples
    --------
    >>> target_lists(7, 2), target_lists([[1, 2]], 1)
    (([[7], [7]], True), ([[1, 2]], False))
    """
    try:
        given = np.asarray(target.cpu() if isinstance(target, Tensor) else target)
    except (ValueError, TypeError):
        given = np.empty(0, object)
    if given.dtype.kind not in "iu" or given.ndim > 2 or not given.size:
        raise TargetError(
            "target is a class number, one for each image, or a list of the same length for each image, "
            f"not {target!r}"
        )
    if given.ndim == 0:
        given = np.full(n_images, given)
    if len(given) != n_images:
        several = f" (several for the same image: [[{', '.join(map(str, given.ravel()))}]])"
        raise TargetError(
            f"{len(given)} targets do not fit {n_images} images: give one number, or one for each image"
            + (several if n_images == 1 else "")
        )
    return given.reshape(n_images, -1).tolist(), given.ndim == 1


def check_targets(targets: Iterable[int], n_classes: int) -> None:
    """Raise a TargetError that says the range, where one is no class of the network."""
    for each in targets:
        if not 0 <= each < n_classes:
            raise TargetError(f"class {each} does not exist: the network has 0 to {n_classes - 1}")
