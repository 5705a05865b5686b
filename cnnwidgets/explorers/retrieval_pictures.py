"""The pictures that are searched: read piece by piece, and kept as the network takes them."""

from types import SimpleNamespace

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from ..core import CnnWidgetsError, InputError
from ..core.images import images_of
from ..data import read_image
from ..widgets._picture_rows import encoded, opened
from .pictures_seen import PicturesSeen
from .retrieval_labels import labels_of

PIECE = 32
"""Pictures that are read, or run through a network, before something else may come."""
NUMBERS = 64_000_000
"""Of all preprocessed pictures together that are kept; more are read again when they are needed."""
SIDE = 96
"""Longest side to which larger pictures are made smaller for pixel space, if there are too many numbers."""


class PictureSet:
    """Pictures as a network takes them, with their classes.

    Parameters
    ----------
    network : Network
    images : anything that ``cnnwidgets.core.features`` takes
    labels, names : sequence, optional
        As `labels_of` takes them.

    Attributes
    ----------
    n : int
        How many have been read.
    total : int or None
        How many there are, as far as is known.
    is_read : bool
        Whether that is all.
    labels : ndarray of int64, shape (n,), or None
        Class of each picture that was read, -1 for none.
    names : list of str
        Of the classes.
    sources : list of str
        What each picture is called.
    codes : list of bytes
        What the network sees of each picture, as PNG or JPEG.
    skipped : dict of int to str
        Those that cannot be read, and why.
    factor : int
        So many pixels in each direction are averaged to one in `pixels`.
    """

    def __init__(self, network, images, labels=None, names=None):
        self.network = network
        self.images = images_of(network, images)
        self.total = len(self.images) if self.images.can_read_again else None
        files = getattr(self.images, "_names", None)
        self._labels, self.names = labels_of(images, labels, names, files)
        if self._labels is not None and self.total not in (None, len(self._labels)):
            raise InputError(
                f"there is one label for each picture: {self.total:,} pictures, {len(self._labels):,} labels"
            )
        self.sources, self.codes, self.skipped = [], [], {}
        self.is_read, self.factor = False, 1
        self._numbers, self._tensors, self._pixels = [], [], []
        self._batches = self.images.batches(PIECE)
        self._error = None
        self._seen = PicturesSeen(network)

    @property
    def n(self):
        return len(self._numbers)

    @property
    def labels(self):
        return None if self._labels is None else self._labels[self._numbers]

    def read(self):
        """Read on, in a thread: yields after each piece; what was read stays."""
        while not self.is_read:
            if self._error is not None:
                raise self._error
            try:
                batch = next(self._batches, None)
                if batch is None:
                    self._finish()
                    return
                self._take(batch)
            except Exception as error:
                self._error = error  # the iterator has ended with it
                raise
            yield self.n, self.total

    def _take(self, batch):
        self.skipped |= batch.skipped
        if not batch.numbers:
            return
        x = batch.tensors.detach().cpu().float()
        if not self._numbers:
            self._decide(x)
        if self._labels is not None and max(batch.numbers) >= len(self._labels):
            raise InputError(f"there are more pictures than the {len(self._labels):,} labels")
        if self._keeps:
            self._tensors.append(x)
        if not self._keeps or self.factor > 1:
            self._pixels.append(self.pixels_of(x))
        for number, each in zip(batch.numbers, x, strict=True):
            one = SimpleNamespace(images=self.images, tensor=lambda number, each=each: each)
            self.codes.append(encoded(self._seen.picture(one, number)))
            self.sources.append(self.images.name(number))
        self._numbers += batch.numbers

    def _decide(self, x):
        """Whether all of them are kept, from the first few."""
        size = max(x.shape[2:])
        is_small = self.total is not None and self.total * x[0].numel() <= NUMBERS
        self._keeps = is_small or not self.images.can_read_again
        self.factor = 1 if is_small else max(1, -(-size // SIDE))

    def _finish(self):
        self.is_read, self._seen = True, None
        if self.n < 2:
            why = next(iter(self.skipped.values()), "")
            raise InputError(f"neighbours need two pictures at least, and there are {self.n}. {why}".strip())

    # -- as the network takes them -----------------------------------------------------------------

    def tensors(self):
        """All pictures as the network takes them, (m, C, H, W) at a time."""
        if self._keeps:
            yield from self._tensors
            return
        for batch in self.images.batches(PIECE):
            if batch.numbers:
                yield batch.tensors

    def pixels(self):
        """All pictures as vectors of their pixels, (n, d)."""
        if self._pixels:
            return torch.cat(self._pixels)
        return torch.cat(self._tensors).flatten(1)

    def pixels_of(self, x):
        """Some pictures (m, C, H, W) as vectors of their pixels, (m, d)."""
        x = x.detach().cpu().float()
        return (avg_pool2d(x, self.factor) if self.factor > 1 else x).flatten(1)

    # -- one of them -------------------------------------------------------------------------------

    def picture(self, place):
        """A picture as PIL has it: as it was given if that can be had again, else as the network sees it.

        None if it is still to be read and cannot be had before.
        """
        try:
            item = self.images.item(self._numbers[place] if place < self.n else place)
            if isinstance(item, (tuple, list)) and not hasattr(item, "image"):
                item = item[0]  # a picture with its label
            if not isinstance(item, torch.Tensor) or item.dtype == torch.uint8:
                return read_image(item)
        except (CnnWidgetsError, AttributeError, OSError, LookupError):  # gone by, or nothing to be seen
            pass
        return opened(self.codes[place]) if place < self.n else None

    def gallery(self, wanted, most):
        """Places of pictures of a class, or (None) of all classes in turn."""
        if wanted is not None:
            return np.flatnonzero(self.labels == wanted)[:most].tolist()
        if self._labels is None:
            return list(range(min(self.n, most)))
        seen, order = {}, []
        for place, label in enumerate(self.labels.tolist()):
            seen[label] = seen.get(label, 0) + 1
            order.append((seen[label], label, place))
        return [place for _, _, place in sorted(order)[:most]]


class OwnPicture:
    """A picture that is not among those searched.

    Parameters
    ----------
    network : Network
    picture : PIL image
    name : str
    """

    def __init__(self, network, picture, name):
        self.picture, self.name = picture, name
        self.x = network.read(picture)
        self.code = encoded(network.picture(picture))
