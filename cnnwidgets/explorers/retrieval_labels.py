"""Which class each picture of a collection is of, as datasets tell it."""

from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ..core import InputError
from ..widgets._scatter import classes_of

LABELS = ("labels", "targets", "y", "_labels")
"""Where datasets keep the classes of their pictures: Toytown and torchvision's."""
NAMES = ("classes", "categories")


def labels_of(images: Any, labels: Any = None, names: Any = None, files: Any = None) -> tuple[Any, list[str]]:
    """Classes of pictures, and their names.

    Parameters
    ----------
    images : dataset, sequence, folder ...
        As a user gave it.
    labels : sequence of int or str, optional
        By default what the dataset says: its ``labels``, ``targets`` or ``y``, also of a ``Subset`` of it; of
        a folder the name of the folder that each file is in.
    names : sequence of str, optional
        By default the dataset's ``classes`` or ``categories``.
    files : sequence of str, optional
        Names of the files in a folder.

    Returns
    -------
    ndarray of int64, shape (n,), or None
        -1 for none; None if nothing is known.
    list of str

    Raises
    ------
    InputError
        If labels and names do not fit.

    Examples
    --------
    >>> found, names = labels_of([], ["cat", "dog", "cat"])
    >>> found.tolist(), names
    ([0, 1, 0], ['cat', 'dog'])
    """
    if labels is None:
        labels, told = _told(images)
        names = told if names is None else names
    if labels is None and files is not None:
        folders = [PurePosixPath(name).parent.name for name in files]
        labels = folders if all(folders) else None
    if labels is None:
        return None, []
    try:
        found, names = classes_of(labels, names, len(labels))
    except (ValueError, TypeError) as error:
        raise InputError(f"these labels cannot be used: {error}") from None
    return found.astype(np.int64), names


def _told(images: Any) -> tuple[Any, Any]:
    if hasattr(images, "dataset") and hasattr(images, "indices"):  # torch.utils.data.Subset
        labels, names = _told(images.dataset)
        return (None if labels is None else np.asarray(labels)[list(images.indices)]), names
    n = len(images) if hasattr(images, "__len__") else None
    for name in LABELS:
        labels = getattr(images, name, None)
        if labels is not None and not callable(labels) and hasattr(labels, "__len__") and len(labels) == n:
            names = next((getattr(images, each) for each in NAMES if hasattr(images, each)), None)
            return labels, names
    return None, None
