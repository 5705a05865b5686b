"""What is told of the neighbours of a picture."""

import numpy as np


def told_of(near, label, names, n_pictures, mean=None, chance=None):
    """A sentence for the first 1, 2, … k neighbours.

    Parameters
    ----------
    near : sequence of int
        Classes of the neighbours, nearest first; -1 for none.
    label : int or None
        Class of the picture that was asked for; None or -1 if that is not known.
    names : sequence of str
        Of the classes.
    n_pictures : int
        In all.
    mean : sequence of float, optional
        Precision at 1, 2, … k over all pictures.
    chance : float, optional
        Which part of the other pictures is of the same class.

    Returns
    -------
    list of str

    Examples
    --------
    >>> print(told_of([0, 0, 1], 0, ["cat", "dog"], 40, mean=[0.9, 0.8, 0.75], chance=0.5)[2])
    2 of 3 are of its class, cat; the others: dog 1.
    Precision at 3: 67 %, over all 40 pictures 75 %, by chance 50 %
    """
    near = np.asarray(near)
    found = []
    for k in range(1, len(near) + 1):
        first = near[:k]
        if label is None or label < 0:
            found.append(f"{counted(first, names)}; its own class is not known, and so no precision")
            continue
        hits = int((first == label).sum())
        words = f"{_hits(hits, k)} of its class, {names[label]}"
        others = counted(first[first != label], names)
        words += f"; {'the others' if hits else 'they are'}: {others}." if hits < k else "."
        words += f" Precision at {k}: {percent(hits / k)}"
        if mean is not None:
            words += f", over all {n_pictures:,} pictures {percent(mean[k - 1])}"
        if chance is not None:
            words += f", by chance {percent(chance)}"
        found.append(words)
    return found


def _hits(hits, k):
    if k == 1:
        return "The nearest is" if hits else "The nearest is not"
    if hits == k:
        return f"All {k} are"
    if not hits:
        return f"None of {k} is"
    return f"{hits} of {k} {'is' if hits == 1 else 'are'}"


def counted(labels, names):
    """Classes in words, the most frequent first: "cat 6, dog 4".

    Examples
    --------
    >>> counted([1, 0, 1, -1], ["cat", "dog"])
    'dog 2, cat 1, no class 1'
    """
    values, counts = np.unique(np.asarray(labels, int), return_counts=True)
    order = sorted(zip(counts, values, strict=True), key=lambda pair: (-pair[0], pair[1] < 0, pair[1]))
    return ", ".join(f"{names[value] if value >= 0 else 'no class'} {count}" for count, value in order)


def percent(share):
    """A share as students read it."""
    return f"{100 * share:.0f} %"
