"""One image of one network, ready for squares anywhere on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..module import as_module, prepared, undisturbed
from .answers import Answers
from .fills import fill_pixels
from .incremental import Incremental
from .plain import Plain
from .span import Place, Span
from .squares import alike, checked_pair, covered
from .trace import Trace, Untraceable
from .unoccluded import Unoccluded

PAYS = 1.15
"""So many times less must be left to compute that cutting windows out pays."""

ENGINES = ("auto", "incremental", "plain")
PRECISIONS = ("exact", "fast")


class Occluder:
    """Answers what a network says of one image with a square over it, for many squares at once.

    The activations of the unoccluded image are kept, and of each occluded forward pass only what the square
    can have changed is computed (incremental inference). Where that is not possible or does not pay, whole
    forward passes run in batches; ``why`` says so.

    Parameters
    ----------
    model : Module or Network
        Used in evaluation mode, left as it was. What it learns later is not seen: make a new one where
        `is_current` says no.
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
        half = precision == "fast" and _has_bfloat16(self.x.device)
        self.precision = "fast" if half else "exact"
        self._lock = RLock()
        self._is_whole, self._never_whole = False, engine == "incremental"
        self._fill: tuple[Any, Unoccluded] | None = None
        self._image = Unoccluded(self.x)
        self._state = _state(self.module)
        is_same = like is not None and like.module is self.module and like.is_current()
        self._known = like._known if is_same else {}
        exact = Plain(self.module, self.x, layer, channel)
        self.channel = exact.channel
        self.baseline = exact.baseline
        self._engine, self.why = self._choose(exact, layer, engine, half)
        # what bfloat16 has rounded away in the unoccluded image is missing in the occluded ones, too
        self._offset = exact.baseline.scores - self._engine.baseline.scores if half else None

    def _choose(self, exact: Plain, layer: str | None, engine: str, half: bool) -> tuple[Any, str]:
        plain = Plain(self.module, self.x, layer, self.channel, half) if half else exact
        if engine == "plain":
            return plain, "plain batches, as asked"
        try:
            if exact.alone:
                raise Untraceable("a batch norm without stored statistics mixes the images of a batch")
            traced = self._traced(layer, half)
            self._check(traced, exact, half)
        except Untraceable as error:
            if engine == "incremental":
                raise InputError(f"no incremental inference: {error}; use engine='auto'") from None
            return plain, f"plain batches: {error}"
        return traced, "incremental"

    def _traced(self, layer: str | None, half: bool) -> Incremental:
        with undisturbed(self.module), torch.inference_mode(False), torch.no_grad():
            if "trace" not in self._known:
                self._known["trace"], self._known["weights"] = Trace(self.module), {}
            trace, weights = self._known["trace"], self._known["weights"]
            x = self.x.to(torch.bfloat16) if half else self.x
            try:
                with self._autocast(half):
                    return Incremental(trace, x, layer, self.channel, weights)
            except (InputError, TypeError, RuntimeError, KeyError, AttributeError, IndexError) as error:
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise Untraceable(f"its operations cannot be run one by one ({reason})") from None

    def _check(self, traced: Incremental, exact: Plain, half: bool) -> None:
        """Compare with the network itself, which may write over what it uses again."""
        wanted, found = exact.baseline.scores, traced.baseline.scores
        finite = wanted[torch.isfinite(wanted)]
        is_coarse = half or self.x.dtype in (torch.bfloat16, torch.float16)
        tolerance = (0.1 if is_coarse else 1e-3) * float(finite.abs().max() if len(finite) else 1.0)
        if not torch.allclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True):
            raise Untraceable("what torch.fx traces gives other scores than the network")

    @property
    def engine(self) -> str:
        """``"incremental"`` or ``"plain"``; of the last squares, if there were any."""
        return "plain" if isinstance(self._engine, Plain) or self._is_whole else "incremental"

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
        found, order = [], self.batches(rows, columns, size)
        for batch in order:
            found.append(self._run(rows[batch], columns[batch], size, fill))
        back = torch.from_numpy(np.argsort(np.concatenate(order), kind="stable"))
        scores = torch.cat([each.scores for each in found])[back]
        return Answers(scores, None if self.channel is None else torch.cat([e.activity for e in found])[back])

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
            place = self._place(rows, columns, size)
            batch_size = self._engine.batch_size(None if place.is_whole else place)
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
        half = self.precision == "fast"
        with self._lock:
            if isinstance(self._engine, Plain):
                answers = self._engine.run(pixels, place)
            else:
                answers = self._run_traced(pixels, place, half)
        if self._offset is not None:
            answers = Answers(answers.scores + self._offset, answers.activity)
        return answers

    def _run_traced(self, pixels: Tensor, place: Place, half: bool) -> Answers:
        traced = self._engine
        share = traced.work(place) / max(traced.work(None), 1.0)
        self._is_whole = share > 1 / PAYS and not self._never_whole
        if self._is_whole:
            self.why = f"whole forward passes: of one, a square of this size changes {share:.0%}"
        else:
            self.why = f"incremental: a square changes {share:.0%} of a forward pass"
        with self._computing(half):
            return traced.run(pixels.to(traced.x.dtype), place, whole=self._is_whole)

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
        if isinstance(fill, Tensor):  # may be written to from one call to the next
            return Unoccluded(fill_pixels(self.x, fill))
        if self._fill is None or self._fill[0] != fill:
            self._fill = fill, Unoccluded(fill_pixels(self.x, fill))
        return self._fill[1]

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

    @contextmanager
    def _computing(self, half: bool) -> Iterator[None]:
        with torch.inference_mode(False), torch.no_grad(), self._autocast(half):
            yield

    def _autocast(self, half: bool) -> Any:
        return torch.autocast(self.x.device.type, torch.bfloat16, enabled=half)


def _state(module: nn.Module) -> list[tuple[int, int]]:
    """Which tensors a module has, and how often each was written to."""
    tensors = (*module.parameters(), *module.buffers())
    return [(id(each), -1 if each.is_inference() else each._version) for each in tensors]


def _inside(span: Span) -> np.ndarray:
    """Which units of each window are covered, (B, size)."""
    units = span.start[:, None] + np.arange(span.size)
    return (units >= span.first[:, None]) & (units < span.stop[:, None])


def _has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the hardware, and not imitated."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is one of {', '.join(map(repr, allowed))}, not {value!r}")
