"""Linear probe: how well a linear classifier on frozen features tells the classes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..whole import at_least
from .neighbours import checked_vectors


@dataclass(frozen=True, eq=False)
class Probe:
    """What `linear_probe` found.

    Attributes
    ----------
    accuracy : float
        On vectors that were not trained on.
    chance : float
        Accuracy of always naming the class that was most frequent in training, on the same vectors.
    confusion : ndarray of int, shape (n_classes, n_classes)
        Rows: true class; columns: class told.
    classes : tuple
        Labels in that order.
    n_train, n_test : int
    """

    accuracy: float
    chance: float
    confusion: np.ndarray
    classes: tuple
    n_train: int
    n_test: int


def linear_probe(
    vectors: Any, labels: Any, *, test_share: float = 0.3, seed: int = 0, strength: float = 1.0
) -> Probe:
    """Train logistic regression on a part of the vectors, and test it on the rest.

    Parameters
    ----------
    vectors : array or Tensor, shape (n, d), or Features
        Each number is scaled to mean 0 and variance 1 over the training part first.
    labels : sequence of n ints or strings
    test_share : float
        Which part is tested on; every class is in both parts alike.
    seed : int
        Of the split.
    strength : float
        Inverse of the strength of the L2 penalty, scikit-learn's ``C``.

    Returns
    -------
    Probe

    Raises
    ------
    InputError
        For one class only, a class with a single vector, or shapes that do not fit.

    References
    ----------
    Alain, Bengio, "Understanding intermediate layers using linear classifier probes", 2016.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> found = linear_probe(rng.normal(size=(60, 3)) + 9 * labels[:, None], labels)
    >>> found.accuracy, found.n_test
    (1.0, 18)
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import confusion_matrix
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    at_least(0, seed=seed)
    table, names = checked_vectors(vectors).numpy(), np.asarray(labels)
    if names.dtype == object or (names.dtype.kind == "f" and np.isnan(names).any()):
        raise InputError("labels are numbers or words, the same kind for all vectors, and none is missing")
    if names.shape != (len(table),):
        raise InputError(f"there is one label for each vector: {len(table)} vectors, labels {names.shape}")
    classes, counts = np.unique(names, return_counts=True)
    if len(classes) < 2:
        raise InputError(
            f"all vectors are of the class {classes[0].item()!r}: a probe needs at least two classes"
        )
    if counts.min() < 2:
        rare = classes[counts.argmin()].item()
        raise InputError(
            f"the class {rare!r} has one vector only: it needs one to train on and one to test on"
        )
    if not 0 < test_share < 1:
        raise InputError(f"test_share is a part, more than 0 and less than 1, not {test_share!r}")
    n_test = int(np.ceil(test_share * len(table)))
    n_test = min(max(n_test, len(classes)), len(table) - len(classes))
    train, test, told_train, told_test = train_test_split(
        table, names, test_size=n_test, random_state=seed, stratify=names
    )
    for each in set(classes.tolist()) - set(told_train.tolist()):
        raise InputError(
            f"no vector of the class {each!r} is left to train on: give more, or a smaller test_share"
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough for an accuracy
        model.fit(train, told_train)
    told = model.predict(test)
    values, frequencies = np.unique(told_train, return_counts=True)
    return Probe(
        float(np.mean(told == told_test)),
        float(np.mean(told_test == values[frequencies.argmax()])),
        confusion_matrix(told_test, told, labels=classes),
        tuple(classes.tolist()),
        len(train),
        len(test),
    )
