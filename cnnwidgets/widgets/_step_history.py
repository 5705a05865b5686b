"""Which of many steps are kept, and each of them as bytes for the browser."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ..render import jpeg_bytes, png_bytes
from ._picture_rows import opened

#: Slots there are for steps: two more than are kept at most, for the newest and the one that is looked at.
SLOTS = 62
#: Bytes of all steps together, above which fewer are kept.
MOST_BYTES = 8_000_000
#: A step of no more pixels is sent exactly; others as JPEG of high quality.
EXACT_PIXELS = 40_000
#: Longest side of a picture that is sent.
LONGEST = 1024


@dataclass(frozen=True)
class Shown:
    """Pictures of one step, and what is told of them."""

    step: int
    pictures: tuple[Image.Image, ...]
    label: str = ""
    captions: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Which step it is, in words."""
        return self.label or f"step {self.step}"


@dataclass(frozen=True)
class Kept:
    """A step of the history: the how manieth of all it was, and where its bytes are."""

    step: int
    count: int
    slot: int
    size: int


class StepHistory:
    """The first, the newest, and others between them at about equal distances.

    Whenever there are more than may be kept, every second one goes. One that is held stays.

    Examples
    --------
    >>> history = StepHistory()
    >>> for step in range(8):
    ...     slot = history.add(step, size=10, keep=4)
    >>> history.steps
    [0, 4, 7]
    """

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self._count = 0
        self._stride = 1

    @property
    def steps(self) -> list[int]:
        """Numbers of the steps that are kept."""
        return [each.step for each in self.kept]

    @property
    def size(self) -> int:
        """Bytes of all together."""
        return sum(each.size for each in self.kept)

    def slot_of(self, step: int) -> "int | None":
        """Where the bytes of a step are; None if it is not kept."""
        return next((each.slot for each in self.kept if each.step == step), None)

    def add(self, step: int, size: int, keep: int, held: "int | None" = None) -> int:
        """A new step, or the newest once more; gives the slot for its bytes. Others may have become free.

        Parameters
        ----------
        step : int
            Not below the newest.
        size : int
            Bytes.
        keep : int
            Most steps that are kept, at least 2.
        held : int, optional
            A step that stays whatever happens.
        """
        if self.kept and step == self.kept[-1].step:
            self.kept.pop()
            self._count -= 1
        elif self.kept and not self._stays(self.kept[-1], held):
            self.kept.pop()
        used = {each.slot for each in self.kept}
        slot = next(place for place in range(SLOTS) if place not in used)
        self.kept.append(Kept(step, self._count, slot, size))
        self._count += 1
        while len(self.kept) > 2 and (len(self.kept) > keep or self.size > MOST_BYTES):
            self._stride *= 2
            last = self.kept[-1]
            self.kept = [each for each in self.kept if each is last or self._stays(each, held)]
            if self._stride > self._count:  # only the first, the newest and the held one are left
                break
        return slot

    def _stays(self, kept: Kept, held: "int | None") -> bool:
        return kept.count % self._stride == 0 or kept.step == held


def pictures_of(pictures: Any) -> tuple[Image.Image, ...]:
    """One picture or several, as RGB; ValueError for what is none."""
    is_one = isinstance(pictures, bytes | Image.Image) or getattr(pictures, "ndim", 4) < 4
    return tuple(opened(each) for each in ([pictures] if is_one else pictures))


def captions_of(captions: "Iterable[str] | None") -> tuple[str, ...]:
    """What stands under the pictures."""
    return () if captions is None else tuple(str(each) for each in captions)


def packed(shown: Shown) -> bytes:
    """A step for the browser: the length of a header, the header as JSON, and the encoded pictures."""
    exact = sum(picture.width * picture.height for picture in shown.pictures) <= EXACT_PIXELS
    encoded = [_encoded(picture, exact) for picture in shown.pictures]
    header = {
        "step": shown.step,
        "told": shown.told,
        "captions": list(shown.captions),
        "sizes": [len(each) for each in encoded],
    }
    text = json.dumps(header).encode()
    return b"".join([len(text).to_bytes(4, "little"), text, *encoded])


def unpacked(data: bytes) -> Shown:
    """What `packed` was given, its pictures as the browser has them."""
    start = 4 + int.from_bytes(data[:4], "little")
    header = json.loads(data[4:start])
    pictures = []
    for size in header["sizes"]:
        pictures.append(opened(data[start : start + size]))
        start += size
    return Shown(header["step"], tuple(pictures), header["told"], tuple(header["captions"]))


def _encoded(picture: Image.Image, exact: bool) -> bytes:
    if max(picture.size) > LONGEST:
        picture = picture.copy()
        picture.thumbnail((LONGEST, LONGEST), reducing_gap=2)
    return png_bytes(picture) if exact else jpeg_bytes(picture, quality=92, full_colour=True)


def sheet(pictures: Sequence[Image.Image], gap: int = 2) -> "Image.Image | None":
    """Pictures side by side in about as many columns as rows, as they are; None without any."""
    if len(pictures) < 2:
        return pictures[0] if pictures else None
    columns = columns_of(len(pictures))
    width, height = (max(picture.size[axis] for picture in pictures) + gap for axis in (0, 1))
    rows = -(-len(pictures) // columns)
    whole = Image.new("RGB", (columns * width - gap, rows * height - gap), "white")
    for place, picture in enumerate(pictures):
        whole.paste(picture, (place % columns * width, place // columns * height))
    return whole


def columns_of(n: int) -> int:
    """Columns of a sheet of `n` pictures: a little wider than high."""
    return next(k for k in range(1, n + 1) if k * k >= n)
