"""What is told under the images of an ascent."""

import numpy as np

from ..widgets._words import number


def captions_of(climb, values, probabilities):
    """A text under each image: its value, and which class the network takes it for.

    Parameters
    ----------
    climb : Climb
    values : sequence of float, shape (N,)
    probabilities : ndarray, shape (N, n_classes), or None
        Of the images, as they are or were a moment ago.
    """
    texts = [f"{climb.value_word} {number(value)}" for value in values]
    if probabilities is None or len(probabilities) != len(texts):
        return texts
    seen = "seen as " if len(texts) == 1 else ""
    said = [seen + says(climb.network, each) for each in probabilities]
    return [f"{text}\n{each}" for text, each in zip(texts, said, strict=True)]


def says(network, probabilities):
    """The most probable class, in words: ``"cat 98 %"``."""
    if not np.isfinite(probabilities).all():
        return "nothing that is finite"
    best = int(np.argmax(probabilities))
    return f"{network.classes[best]} " + share(probabilities[best]).replace(" ", "\u00a0")


def share(probability):
    """A probability in per cent, never 100 unless it is.

    Examples
    --------
    >>> share(0.314), share(0.9996), share(0.00002), share(0.9953)
    ('31 %', '> 99.9 %', '< 0.1 %', '99.5 %')
    """
    if probability > 0.999:
        return "> 99.9 %"
    if probability < 0.001:
        return "< 0.1 %"
    digits = 0 if 0.01 <= probability <= 0.99 else 1
    return f"{100 * probability:.{digits}f} %"


def titled(climb, name=""):
    """File name without its ending."""
    what = "-".join(climb.titles[:3]) if climb.classes else f"{climb.layer} {climb.channel}"
    return " ".join(part for part in (climb.network.name, what, name) if part)
