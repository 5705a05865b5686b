"""Many images, whatever they come in: a tensor, a dataset, a folder, any iterable; read batch by batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from .errors import CnnWidgetsError, InputError

PICTURE_FILES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .gif .webp .avif .heic .heif .tif .tiff .bmp .jp2 .ppm .pgm .pbm .ico".split()
)

STREAM = "stream-"
"""Begins the fingerprint of an iterable."""

SAMPLED = 16
"""How many images go into the fingerprint of a collection."""


def images_of(model: object, images: Any) -> "Images":
    """Take images as users have them.

    Parameters
    ----------
    model : Module or Network
        A ``Network`` reads pictures; a plain module takes preprocessed tensors only.
    images : Tensor, folder, dataset, sequence or iterable
        - A float tensor (N, C, H, W): preprocessed images.
        - The path of a folder: all picture files in it and below, in the order of their names. Those that
          cannot be read are left out; each batch says which.
        - A dataset or sequence (``len`` and ``[i]``), or any iterable, such as a generator or a
          ``DataLoader``. Its items are float tensors (C, H, W), or batches of them (N, C, H, W), which count
          as preprocessed; or whatever the ``Network`` reads: paths, PIL images, arrays, uint8 tensors,
          objects with an ``image``. Of a pair such as (image, label) the first. A dataset with a method
          ``name(i)`` says what its images are called. An item must be the same each time that it is asked
          for: patches of a dataset with random augmentation are cut out of other images than were looked at.

    Returns
    -------
    Images

    Raises
    ------
    InputError
        If there are none, or they are nothing of the above; names the mend.
    """
    read = getattr(model, "read", None)
    if isinstance(images, Images):
        return images
    if isinstance(images, Tensor):
        if images.ndim != 4:
            raise InputError(
                f"a tensor of images has shape (N, C, H, W), not {tuple(images.shape)}; x.unsqueeze(0) makes "
                "one of an image (C, H, W)"
            )
        return Indexed(images, read) if len(images) else _none("the tensor is empty")
    if isinstance(images, (str, Path)):
        return _folder(Path(images).expanduser(), read)
    if isinstance(images, Mapping):
        raise InputError("images by name are given as their values: list(images.values())")
    if isinstance(images, (bytes, bytearray)) or (isinstance(images, np.ndarray) and images.ndim < 4):
        raise InputError("this is one picture, or none: put pictures into a list, [picture]")
    by_number = hasattr(images, "__len__") and hasattr(images, "__getitem__")
    if by_number and not isinstance(images, IterableDataset):  # whose __getitem__ only raises
        return Indexed(images, read) if len(images) else _none(f"the {type(images).__name__} is empty")
    if not isinstance(images, Iterable):
        raise InputError(
            f"images come as a tensor, a folder, a dataset or an iterable, not as a {type(images).__name__}"
        )
    return Streamed(images, read)


class Batch(NamedTuple):
    """Some images, one after the other.

    Attributes
    ----------
    numbers : list of int
        Of those that could be read.
    tensors : Tensor, shape (n, C, H, W)
        Preprocessed.
    stop : int
        Number of the image after the last one, whether that could be read or not.
    skipped : dict of int to str
        Number of each image that could not be read, with the reason.
    """

    numbers: list[int]
    tensors: Tensor
    stop: int
    skipped: dict[int, str]


class Images(ABC):
    """Base: some images with their numbers.

    Attributes
    ----------
    can_read_again : bool
        Whether ``tensor`` and ``item`` give any image at any time, and ``len`` says how many there are.
    is_tensor : bool
        Whether they lie in memory, ready for the network.
    """

    can_read_again = False
    is_tensor = False

    def __init__(self, read: Callable[[Any], Tensor] | None) -> None:
        self._read = read

    @abstractmethod
    def batches(self, size: int, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        """The images from ``start`` to ``stop``, ``size`` at a time."""

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the first image that can be read."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Tells collections apart."""

    def name(self, number: int) -> str:
        """What a person calls the image."""
        return f"image {number}"

    def _tensor(self, item: Any, number: int) -> Tensor:
        """One preprocessed image (C, H, W) from an item."""
        if isinstance(item, (tuple, list)) and len(item) and not hasattr(item, "image"):
            item = item[0]
        if isinstance(item, Mapping) and "image" in item:
            item = item["image"]
        if isinstance(item, Tensor) and item.is_floating_point():
            if item.ndim == 3 or (item.ndim == 4 and len(item) == 1):
                return item.detach().reshape(item.shape[-3:]).clone()  # whoever gave it may fill it anew
            raise InputError(
                f"{self.name(number)} is no tensor (C, H, W): its shape is {tuple(item.shape)}; join batches "
                "by torch.cat, or give an iterable of them"
            )
        if self._read is None:
            raise InputError(
                f"{self.name(number)} is a {type(item).__name__}, and a plain module reads none: give float "
                "tensors (C, H, W), or a network from cnnwidgets.wrap(module, preprocess=...)"
            )
        return self._read(item)[0]

    def _joined(self, numbers: Sequence[int], tensors: Sequence[Tensor]) -> Tensor:
        for number, tensor in zip(numbers, tensors, strict=True):
            if tuple(tensor.shape) != self.input_shape:
                raise InputError(
                    f"all images must have one size (C, H, W): the first has {self.input_shape}, "
                    f"{self.name(number)} has {tuple(tensor.shape)}; resize them first"
                )
        return torch.stack(list(tensors)) if tensors else torch.empty(0, *self.input_shape)


class Indexed(Images):
    """Images that can be asked for by their number.

    Parameters
    ----------
    items : Tensor, Dataset or sequence
    read : callable or None
        From an item to a tensor (1, C, H, W).
    names : sequence of str, optional
    forgiving : bool
        Leave out what cannot be read instead of raising.
    """

    can_read_again = True

    def __init__(self, items: Any, read: Any, names: Sequence[str] | None = None, forgiving: bool = False):
        super().__init__(read)
        self._items, self._names, self._forgiving = items, names, forgiving
        self.is_tensor = isinstance(items, Tensor) and items.is_floating_point()

    def __len__(self) -> int:
        return len(self._items)

    @cached_property
    def input_shape(self) -> tuple[int, int, int]:
        reason = ""
        for number in range(len(self)):
            try:
                return tuple(self.tensor(number).shape)
            except (CnnWidgetsError, OSError) as error:
                if not self._forgiving:
                    raise
                reason = reason or str(error)
        return _none(f"none can be read. {reason}")

    def name(self, number: int) -> str:
        if self._names is not None:
            return self._names[number]
        if isinstance(self._items, (list, tuple)) and isinstance(self._items[number], (str, Path)):
            return str(self._items[number])
        named = getattr(self._items, "name", None)  # a dataset may name its images
        if callable(named):
            return str(named(number))
        return super().name(number)

    def item(self, number: int) -> Any:
        """The image as it was given."""
        return self._items[number]

    def tensor(self, number: int) -> Tensor:
        """The image as the network takes it, (C, H, W)."""
        return self._tensor(self.item(number), number)

    def batches(self, size: int, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        stop = len(self) if stop is None else min(stop, len(self))
        for first in range(start, stop, size):
            after = min(first + size, stop)
            if self.is_tensor:
                yield Batch(list(range(first, after)), self._items[first:after], after, {})
                continue
            read, tensors, skipped = [], [], {}
            for number in range(first, after):
                try:
                    tensors.append(self.tensor(number))
                except (CnnWidgetsError, OSError) as error:
                    if not self._forgiving:
                        raise
                    skipped[number] = str(error)
                else:
                    read.append(number)
            yield Batch(read, self._joined(read, tensors), after, skipped)

    def fingerprint(self) -> str:
        """Tells collections apart: by their number of images, their names, and some of the images."""
        digest = sha256(f"{len(self)} images".encode())
        if self._names is not None:
            digest.update("\n".join(self._names).encode())
        step = max(1, len(self) // SAMPLED)
        for number in range(0, len(self), step):
            try:
                digest.update(_bytes_of(self.tensor(number)))
            except (CnnWidgetsError, OSError):
                if not self._forgiving:
                    raise
                digest.update(b"unreadable")
        return digest.hexdigest()[:16]


class Streamed(Images):
    """Images of an iterable, which can be gone through once, in their order."""

    def __init__(self, items: Iterable, read: Any) -> None:
        super().__init__(read)
        stream = self._each(items)
        first = next(stream, None)
        if first is None:
            _none(f"the {type(items).__name__} gives none")
        self._shape = tuple(first.shape)
        self._fingerprint = STREAM + sha256(_bytes_of(first)).hexdigest()[:16]
        self._stream = chain([first], stream)
        self._next = 0

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self._shape

    def _each(self, items: Iterable) -> Iterator[Tensor]:
        number = 0
        for item in items:
            batch = item[0] if isinstance(item, (tuple, list)) and len(item) else item
            several = isinstance(batch, Tensor) and batch.ndim == 4
            for each in batch if several else [item]:
                yield self._tensor(each, number)
                number += 1

    def batches(self, size: int, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        if start < self._next:
            raise InputError(
                f"image {start} has gone by already, as an iterable gives each once: pass a list or a "
                "dataset, or a new iterable"
            )
        self._next += sum(1 for _ in islice(self._stream, start - self._next))
        if self._next < start:
            raise InputError(f"there are no images from {start} on: the iterable has given {self._next} only")
        while size_now := min(size, size if stop is None else stop - self._next):
            tensors = list(islice(self._stream, size_now))
            if not tensors:
                return
            numbers = list(range(self._next, self._next + len(tensors)))
            self._next += len(tensors)
            yield Batch(numbers, self._joined(numbers, tensors), self._next, {})

    def fingerprint(self) -> str:
        """Tells iterables apart by their first image."""
        return self._fingerprint


def _folder(folder: Path, read: Any) -> Indexed:
    if not folder.is_dir():
        what = (
            "is a file, not a folder: give the folder that it is in" if folder.exists() else "does not exist"
        )
        raise InputError(f"the folder '{folder}' {what} (looked from {Path.cwd()})")
    if read is None:
        raise InputError(
            "a plain module reads no folders: give a network from cnnwidgets.wrap(module, preprocess=...)"
        )
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_FILES and path.is_file()
    }
    names = sorted(name for name in files if not any(part.startswith(".") for part in name.split("/")))
    if not names:
        _none(f"the folder '{folder}' has no picture files (.png, .jpg, …)")
    return Indexed([files[name] for name in names], read, names, forgiving=True)


def _none(why: str) -> Any:
    raise InputError(f"there are no images to look at: {why}")


def _bytes_of(tensor: Tensor) -> bytes:
    return str(tuple(tensor.shape)).encode() + tensor.float().cpu().contiguous().numpy().tobytes()
