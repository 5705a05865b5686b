"""The pictures of a map: read once, with a thumbnail, a class, a name and a mean colour for each."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from ..core import InputError
from ..core.images import Indexed, images_of
from ..data import Toytown
from ..widgets._scatter import classes_of

DEFAULT = 600
"""Toytown pictures, if there are no others."""
KEPT = 100_000_000
"""So many numbers are kept of the network's inputs; more are read anew for each layer."""
THUMBNAIL = 96
BATCH = 24


class MapPictures:
    """Pictures that a network can look at, with all that a map shows of them.

    Parameters
    ----------
    network : Network
    images : anything that ``cnnwidgets.core.features`` takes and that can be gone through twice
        600 Toytown pictures if None.
    labels : sequence of int or str, optional
        A class for each image, -1 for none. By default what the images say themselves: ``labels``,
        ``targets`` or ``y`` of a dataset, the second of a pair, ``label`` of an item.
    names : sequence of str, optional
        Of the classes; by default ``classes`` or ``categories`` of a dataset.

    Attributes
    ----------
    n : int
        How many could be read; 0 before `read`.
    labels : ndarray of int16, shape (n,)
        -1 for those without a class.
    names : list of str
        Of the classes.
    sources : list of str
        What each picture is called.
    thumbnails : list of PIL image
        What the network sees, made small.
    colours : ndarray of float, shape (n, 3)
        Mean red, green and blue, 0 to 255.
    """

    def __init__(self, network, images=None, labels=None, names=None):
        given = Toytown("test", length=DEFAULT) if images is None else images
        self.network = network
        self.images = images_of(network, given)
        if not self.images.can_read_again:
            raise InputError(
                "a map looks at its pictures more than once, and an iterable gives each once: pass a list, a "
                "dataset (of a DataLoader its dataset) or a folder"
            )
        if labels is None:
            labels = labels_of(given)
        if names is None and labels is not None:
            names = getattr(given, "classes", getattr(given, "categories", None))
        self._every_label, self.names = classes_of(labels, names, len(self.images))
        self._numbers, self._tensors, self._stop = [], [], 0
        self.thumbnails, self._colours = [], []

    @property
    def n(self):
        return len(self._numbers) if self.is_read else 0

    @property
    def is_read(self):
        return self._stop >= len(self.images)

    @property
    def labels(self):
        return self._every_label[self._numbers]

    @property
    def has_classes(self):
        """Whether there are at least two classes."""
        return len(np.unique(self.labels[self.labels >= 0])) > 1

    @property
    def sources(self):
        return [self.images.name(number) for number in self._numbers]

    @property
    def colours(self):
        return np.array(self._colours).reshape(-1, 3)

    def picture(self, i):
        """What the network sees of one of those that could be read, as a PIL image."""
        number = self._numbers[i]
        return Image.fromarray(
            seen(self.network, self.images.tensor(number), lambda: self.images.item(number))
        )

    def read(self, progress):
        """Read all of them; goes on where it was left. ``progress(done, total)`` may raise to leave it."""
        total = len(self.images)
        while not self.is_read:
            batch = next(self.images.batches(BATCH, self._stop, self._stop + BATCH))
            small = [self._thumbnail(*each) for each in zip(batch.numbers, batch.tensors, strict=True)]
            self._numbers += batch.numbers
            self.thumbnails += [picture for picture, _ in small]
            self._colours += [colour for _, colour in small]
            if self._tensors is not None and not self.images.is_tensor:
                self._tensors.append(batch.tensors)
                if sum(each.numel() for each in self._tensors) > KEPT:
                    self._tensors = None
            self._stop = batch.stop
            progress(batch.stop, total)
        if not self._numbers:
            raise InputError("none of the images can be read: give pictures, such as PNG or JPEG files")

    def tensors(self):
        """What the network takes, for ``features``: a tensor (n, C, H, W), or images to be read again."""
        if self.images.is_tensor:
            return next(self.images.batches(len(self.images))).tensors
        if self._tensors is not None:
            if len(self._tensors) > 1:
                self._tensors = [torch.cat(self._tensors)]
            return self._tensors[0]
        return Indexed(_Some(self.images, self._numbers), None)

    def _thumbnail(self, number, x):
        pixels = seen(self.network, x, lambda: self.images.item(number))
        picture = Image.fromarray(pixels)
        picture.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC, reducing_gap=2)
        return picture, pixels.reshape(-1, 3).mean(0)


class _Some:
    """Those of the images that could be read."""

    def __init__(self, images, numbers):
        self._images, self._numbers = images, numbers

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, i):
        return self._images.tensor(self._numbers[i])


def seen(network, x, item=None):
    """What the network sees, as uint8 (H, W, 3).

    Parameters
    ----------
    network : Network
    x : Tensor, shape (C, H, W)
        Preprocessed.
    item : callable, optional
        Gives what it was made from, where the preprocessing cannot be undone.
    """
    try:
        return network.to_image(x)
    except InputError:
        pass
    try:
        picture = item()
        if isinstance(picture, (tuple, list)) and not hasattr(picture, "image"):
            picture = picture[0]
        return np.array(network.picture(picture).convert("RGB"))
    except Exception:  # nothing that pictures are made of
        values = np.nan_to_num(x.detach().float().cpu().numpy())
        values = values if len(values) in (1, 3) else values.mean(0, keepdims=True)
        values = values - values.min()
        pixels = (values / (values.max() or 1) * 255).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0))


def labels_of(images):
    """The classes that images come with; None if they come without.

    Examples
    --------
    >>> labels_of([("a.png", 3), ("b.png", 1)])
    [3, 1]
    """
    for name in ("labels", "targets", "y"):
        found = getattr(images, name, None)
        if found is not None and not callable(found) and len(found) == len(images):
            return found
    if not isinstance(images, Sequence) or isinstance(images, (str, bytes)):
        return None
    found = [_label(item) for item in images]
    return None if any(each is None for each in found) else found


def _label(item):
    if isinstance(item, (tuple, list)) and not hasattr(item, "image"):
        item = item[1] if len(item) > 1 else None
    else:
        item = getattr(item, "label", None)
    return item if isinstance(item, str) else None if item is None or np.ndim(item) else int(item)
