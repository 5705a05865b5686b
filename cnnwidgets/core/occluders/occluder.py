"""One image of one network, ready for squares anywhere on it."""

from __future__ import annotations

from threading import RLock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..half import has_bfloat16
from ..module import as_module, prepared
from .answers import Answers
from .engines import Engines
from .fills import fill_pixels
from .span import Place, Span
from .squares import alike, checked_pair, covered
from .unoccluded import Unoccluded

ENGINES = ("auto", "incremental", "plain")
PRECISIONS = ("exact", "fast")


class Occluder:
    """Answers what a network says of one image with a square over it, for many squares at once.

    The activations of the unoccluded image are kept, and of each occluded forward pass only what the square
    can have changed is computed (incremental inference). Where that is not possible or does not pay, whole
    forward passes run in batches; `why` says so.

    Parameters
    ----------
    model : Module or Network
        Used in evaluation mode, left as it was. If its weights change, make a new Occluder: this one has
        copies of some. `is_current` tells.
    x : Tensor, shape (1, C, H, W)
        A preprocessed image.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the processor or GPU can, and takes out the error that it makes
        in the unoccluded image.
    layer : str, optional
        A layer whose feature map is watched, as `list_layers` names it.
    channel : int, optional
        The feature map; the one with the largest activation in the unoccluded image if not given.
    engine : {"auto", "incremental", "plain"}
        ``"incremental"`` raises where it is not possible.
    like : Occluder, optional
        Of the same model: what was found out about the model is used again.
    expected : int
        How many squares will be asked for, about, if that is known: for many, one forward pass is saved.

    Attributes
    ----------
    baseline : Answers
        For the unoccluded image.
    channel : int or None
        The feature map that is watched.
    precision : str
        ``"exact"`` also where ``"fast"`` was asked for and the machine has no bfloat16.

    Raises
    ------
    InputError, LayerError, NetworkError
        Each says what to do.

    Examples
    --------
    >>> import torchvision
    >>> occluder = Occluder(torchvision.models.alexnet(), torch.randn(1, 3, 224, 224))
    >>> occluder.occlude([40, 100], [60, 200], size=32).scores.shape
    torch.Size([2, 1000])
    """

    def __init__(
        self,
        model: nn.Module,
        x: Tensor,
        precision: str = "exact",
        layer: str | None = None,
        channel: int | None = None,
        engine: str = "auto",
        like: Occluder | None = None,
        expected: int = 0,
    ) -> None:
        _one_of("precision", precision, PRECISIONS)
        _one_of("engine", engine, ENGINES)
        if layer is None and channel is not None:
            raise InputError(f"channel {channel!r} of which layer? give layer as well")
        self.module = as_module(model)
        self.x = prepared(self.module, x)
        if len(self.x) != 1:
            raise InputError(f"an Occluder looks at one image (1, C, H, W), not at {len(self.x)}; use x[:1]")
        self.image_size = tuple(self.x.shape[2:])
        half = precision == "fast" and has_bfloat16(self.x.device)
        lacking = (
            "in full precision, as this machine has no bfloat16" if precision == "fast" and not half else ""
        )
        self.precision = "fast" if half else "exact"
        self._lock = RLock()
        self._share: float | None = None  # of a forward pass, computed for the last squares
        self._fill: tuple[Any, Unoccluded] | None = None
        self._image = Unoccluded(self.x)
        self._state = _state(self.module)
        is_same = like is not None and like.module is self.module and like.is_current()
        self._known = like._known if is_same else {}
        self._engines = Engines(
            self.module, self.x, layer, channel, engine, half, self._known, lacking, expected
        )
        self.channel, self.baseline = self._engines.channel, self._engines.baseline

    @property
    def engine(self) -> str:
        """``"incremental"`` or ``"plain"``: which engine the next squares meet."""
        return "plain" if self._engines.is_plain else "incremental"

    @property
    def why(self) -> str:
        """How the last squares were computed, or the next would be, and why: one sentence."""
        return self._engines.why(self._share)

    def explain(self, share: float) -> str:
        """The same for squares for which that part of a forward pass was computed, as `Answers` tell it."""
        return self._engines.why(share)

    def trim(self) -> None:
        """Give back memory that the next squares would need again."""
        with self._lock:
            self._engines.trim()

    def expect(self, n: int) -> None:
        """Announce that ``n`` squares or more will be asked for: what pays for so many is prepared."""
        with self._lock:
            self._engines.expect(n)

    def is_current(self) -> bool:
        """Whether the parameters and buffers are still those that the network had at first."""
        return self._state == _state(self.module)

    # -- squares --

    def occlude(
        self, rows: Any, columns: Any, size: int | tuple[int, int] = 32, fill: float | str | Tensor = 0.0
    ) -> Answers:
        """Scores of the image with a square, for each of several squares.

        Parameters
        ----------
        rows, columns : sequence of B ints
            The pixels on which the squares are centred.
        size : int or (int, int)
            Height and width in pixels. One of an even size has one pixel more after its centre than before;
            at the border it is clipped.
        fill : float, str or Tensor
            What the squares show, as `fill_pixels` takes it.

        Returns
        -------
        Answers
            ``scores`` (B, n_classes) and ``activity`` (B,), in the order of the squares.
        """
        rows, columns = self._checked(rows, columns)
        self.expect(len(rows))
        found, order = [], self.batches(rows, columns, size)
        for batch in order:
            found.append(self._run(rows[batch], columns[batch], size, fill))
        back = torch.from_numpy(np.argsort(np.concatenate(order), kind="stable"))
        scores = torch.cat([each.scores for each in found])[back]
        self._share = share = sum(each.share * len(each.scores) for each in found) / len(scores)
        activity = None if self.channel is None else torch.cat([each.activity for each in found])[back]
        return Answers(scores, activity, share)

    def batches(
        self,
        rows: np.ndarray,
        columns: np.ndarray,
        size: int | tuple[int, int],
        batch_size: int | None = None,
    ) -> list[np.ndarray]:
        """Split squares into batches that are computed together; indices into ``rows``, each once."""
        height, width = self.image_size
        if batch_size is None:
            is_alone = len(rows) == 1
            batch_size = 1 if is_alone else self._engines.batch_size(self._place(rows, columns, size))
        return alike(np.asarray(rows), np.asarray(columns), height, width, batch_size)

    def occluded(self, row: int, column: int, size: int | tuple[int, int] = 32, fill: Any = 0.0) -> Tensor:
        """The image with one square, (1, C, H, W), preprocessed."""
        rows, columns = self._checked([row], [column])
        pixels, place = self._windows(rows, columns, checked_pair("size", size), fill)
        x = self.x.clone()
        top, left = int(place.rows.start[0]), int(place.columns.start[0])
        x[:, :, top : top + place.rows.size, left : left + place.columns.size] = pixels
        return x

    def _run(self, rows: np.ndarray, columns: np.ndarray, size: Any, fill: Any) -> Answers:
        pixels, place = self._windows(rows, columns, checked_pair("size", size), fill)
        with self._lock:
            answers = self._engines.run(pixels, place)
        self._share = answers.share
        return answers

    def _windows(self, rows: np.ndarray, columns: np.ndarray, size: Any, fill: Any) -> tuple[Tensor, Place]:
        """What the smallest windows around the squares show, (B, C, h, w), and where they are."""
        place = self._place(rows, columns, size)
        down, across = place.rows, place.columns
        at = (down.start, across.start, down.size, across.size)
        filled = self._filled(fill).windows(*at)
        covered_rows, covered_columns = (_inside(span) for span in (down, across))
        if covered_rows.all() and covered_columns.all():
            return filled, place
        inside = torch.from_numpy(covered_rows[:, None, :, None] & covered_columns[:, None, None, :])
        return torch.where(inside.to(filled.device), filled, self._image.windows(*at)), place

    def _place(self, rows: np.ndarray, columns: np.ndarray, size: Any) -> Place:
        (height, width), size = self.image_size, checked_pair("size", size)
        return Place(
            Span(*covered(rows, size[0], height), height), Span(*covered(columns, size[1], width), width)
        )

    def _filled(self, fill: Any) -> Unoccluded:
        if not isinstance(fill, (str, int, float)):  # may be written to from one call to the next
            return Unoccluded(fill_pixels(self.x, fill))
        last = self._fill
        if last is None or last[0] != fill:
            last = self._fill = fill, Unoccluded(fill_pixels(self.x, fill))
        return last[1]

    def _checked(self, rows: Any, columns: Any) -> tuple[np.ndarray, np.ndarray]:
        try:
            places = [np.asarray(each).astype(np.int64, casting="same_kind") for each in (rows, columns)]
        except (TypeError, ValueError):
            raise InputError(
                "rows and columns are sequences of whole numbers, one of each for a square"
            ) from None
        if places[0].ndim != 1 or places[0].shape != places[1].shape or not len(places[0]):
            raise InputError(
                "rows and columns have one number for each square, and there is at least one; "
                f"not {places[0].shape} and {places[1].shape}"
            )
        for each, length, name in zip(places, self.image_size, ("rows", "columns"), strict=True):
            if each.min() < 0 or each.max() >= length:
                raise InputError(f"squares are centred on pixels: {name} go from 0 to {length - 1}")
        return places[0], places[1]


def _state(module: nn.Module) -> list[tuple[int, int]]:
    """Which parts and tensors a module has, and how often each was written to (``.data`` is not counted)."""
    tensors = (*module.parameters(), *module.buffers())
    written = [(each.data_ptr(), -1 if each.is_inference() else each._version) for each in tensors]
    return [*written, *((id(part), 0) for part in module.modules())]


def _inside(span: Span) -> np.ndarray:
    """Which units of each window are covered, (B, size)."""
    units = span.start[:, None] + np.arange(span.size)
    return (units >= span.first[:, None]) & (units < span.stop[:, None])


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is one of {', '.join(map(repr, allowed))}, not {value!r}")
