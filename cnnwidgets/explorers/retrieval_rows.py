"""What a retrieval explorer shows of the neighbours it has found: tiles, rows, and words about them."""

from html import escape

import numpy as np

from ..core.representation.features import CLASSIFIER
from ..widgets import PictureRow, Tile
from .retrieval_space import precision_at
from .retrieval_words import told_of

TITLES = {"features": "Feature space", "pixels": "Pixel space", "random": "Random network"}
METRICS = {"l2": "L2", "cosine": "cosine"}
POOLED = {"mean": "mean of each map", "max": "maximum of each map", "flatten": "all values"}


def tile_of(asked, pictures, number, value=None, mark=None):
    """A picture with its class; one's own with its name.

    Parameters
    ----------
    asked : Asked
    pictures : PictureSet
    number : int
    value, mark : optional
        As `Tile` takes them.
    """
    own = asked.own_of(number)
    if own is not None:
        return Tile(own.code, number, own.name, value, mark, "")
    labels, source = pictures.labels, pictures.sources[number]
    named = labels is not None and labels[number] >= 0
    label = pictures.names[labels[number]] if named else source
    return Tile(pictures.codes[number], number, label, value, mark, source)


def row_of(request, asked, kind, found, waits):
    """The neighbours in one kind of space, and how many of them are of the class of the picture.

    Parameters
    ----------
    request : Request
    asked : Asked
    kind : str
    found : Neighbours, Exception or None
        Why there are none, or None if they are not there yet.
    waits : str
        What is done meanwhile.
    """
    search, layer, metric, _ = request
    heading = kind, TITLES[kind], note_of(request, kind)
    if found is None or isinstance(found, Exception):
        why = search.refused(kind, layer) or str(found or waits or "computing …")
        return PictureRow(*heading, message=why)
    pictures, label = search.pictures, label_of(asked.number, search.pictures.labels)
    labels = pictures.labels
    near = np.full(len(found.indices), -1) if labels is None else labels[found.indices]
    marks = [None] * len(near) if label is None else (near == label).tolist()
    tiles = [
        tile_of(asked, pictures, int(number), float(distance), mark)
        for number, distance, mark in zip(found.indices, found.distances, marks, strict=True)
    ]
    if labels is None:
        return PictureRow(*heading, tiles, "No classes are known of these pictures, and so no precision.")
    if label is None:
        return PictureRow(*heading, tiles, told_of(near, None, pictures.names, pictures.n))
    if (labels == label).all():
        return PictureRow(*heading, tiles, "All pictures are of one class, so that precision says nothing.")
    mean = search.precision(kind, layer, metric)
    chance = (np.sum(labels == label) - 1) / (len(labels) - 1)
    told = told_of(near, label, pictures.names, pictures.n, mean, chance)
    return PictureRow(*heading, tiles, told, precision_at(near == label), () if mean is None else mean)


def label_of(number, labels):
    """Class of a picture; None if it is not known.

    Examples
    --------
    >>> label_of(1, np.array([5, 7])), label_of(-1, np.array([5, 7])), label_of(0, None)
    (7, None, None)
    """
    if labels is None or number < 0 or labels[number] < 0:
        return None
    return int(labels[number])


def note_of(request, kind):
    """Which numbers a space is made of, and how near is measured."""
    search, layer, metric, _ = request
    space, factor = search.space(kind, layer), search.pictures.factor
    parts = []
    if kind != "pixels":
        has_maps = layer and len(search.network.layer(layer).output_shape) == 3
        parts.append(f"{layer}, {POOLED[search.pool]}" if has_maps else layer or CLASSIFIER)
    elif factor > 1:
        parts.append(f"averaged over {factor} × {factor} pixels")
    if space is not None:
        parts.append(f"{space.vectors.shape[1]:,} numbers")
    return " · ".join([*parts, f"distance {METRICS[metric]}"])


def title_of(network, pictures):
    """What searches how many pictures, as HTML."""
    parts = [f"<b>{escape(network.title)}</b>"]
    n = pictures.n if pictures.is_read else pictures.total
    if n is not None:
        told = f"searches {n:,} pictures"
        told += f" of {len(pictures.names)} classes" if pictures.names else ""
        parts.append(f"<span class='cw-note'>{told}</span>")
    if pictures.skipped:
        why = next(iter(pictures.skipped.values()))
        parts.append(f"<span class='cw-note'>{len(pictures.skipped):,} cannot be read: {escape(why)}</span>")
    return " · ".join(parts)
