"""One operation of a network, on whole maps and on the windows that squares have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .span import Place
from .unoccluded import Scratch, Unoccluded

Pair = tuple[int, int]


class Held:
    """What is known of one value for a batch of squares.

    Attributes
    ----------
    value : Tensor or anything
        Windows (B, C, h, w) if there is a place, else the whole value for the batch.
    place : Place or None
    of_image : Unoccluded or None
        The same maps for the unoccluded image.
    """

    __slots__ = ("of_image", "place", "value")

    def __init__(self, value: Any, place: Place | None = None, of_image: Unoccluded | None = None) -> None:
        self.value, self.place, self.of_image = value, place, of_image

    def whole(self) -> Any:
        """The value for the whole map of each square."""
        if self.place is None:
            return self.value
        return self.within(self.place.whole())

    def within(self, place: Place) -> Tensor:
        """The value inside other windows that hold all that has changed."""
        if self.place.same_windows(place):
            return self.value
        rows, columns = place.rows, place.columns
        return self.of_image.windows(
            rows.start, columns.start, rows.size, columns.size, (self.value, self.place)
        )


class Step:
    """An operation that needs whole maps, such as a linear layer; the base of those that do not.

    Parameters
    ----------
    function : callable
        On whole values.
    multiplications : float
        For one image, as far as they count; of a sliding window, for one place of the output.
    """

    def __init__(self, function: Callable, multiplications: float = 0.0) -> None:
        self.function, self.multiplications = function, multiplications

    def plan(self, places: Sequence[Place | None]) -> Place | None:
        """Where the output differs from that of the unoccluded image; None for anywhere."""
        return None

    def cuts(self, n_inputs: int) -> bool:
        """Whether windows are cut out of what goes in, so that it must be kept for the unoccluded image."""
        return True

    def work(self, place: Place | None) -> float:
        """Multiplications for one square."""
        return self.multiplications

    def run(self, arguments: Sequence[Held], call: Callable, place: Place | None) -> Any:
        """The windows at ``place``, or the whole value if there is none.

        Parameters
        ----------
        arguments : sequence of Held
            What goes in.
        call : callable
            ``call(function, values)`` calls a function with these values in the places of ``arguments``.
        place : Place or None
            As planned.
        """
        return call(self.function, [each.whole() for each in arguments])


class Pointwise(Step):
    """Each unit is made of those in the same place: activations, batch norm, arithmetic, concatenation."""

    def plan(self, places: Sequence[Place | None]) -> Place | None:
        if any(place is None for place in places):
            return None
        together = places[0]
        for place in places[1:]:
            together = together.joined(place)
        return None if together.is_whole else together

    def cuts(self, n_inputs: int) -> bool:
        return n_inputs > 1  # one alone has the same windows before and after

    def run(self, arguments: Sequence[Held], call: Callable, place: Place | None) -> Any:
        if place is None:
            return super().run(arguments, call, place)
        return call(self.function, [each.within(place) for each in arguments])


class Sliding(Step):
    """A window that slides over the maps: convolution, maximum, sum.

    Parameters
    ----------
    function : callable
        On whole maps, with its own padding.
    bare : callable
        On maps that have their padding around them already.
    kernel, stride, padding, dilation : (int, int)
        Of rows and columns; padding before the first of them.
    output : (int, int)
        Height and width of the output.
    lowest : bool
        Whether the padding is minus infinity.
    scratch : Scratch
    """

    def __init__(
        self,
        function: Callable,
        bare: Callable,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        dilation: Pair,
        output: Pair,
        multiplications: float = 0.0,
        lowest: bool = False,
        scratch: Scratch | None = None,
    ) -> None:
        super().__init__(function, multiplications)
        self.bare, self.kernel, self.stride, self.padding = bare, kernel, stride, padding
        self.dilation, self.output, self.lowest = dilation, output, lowest
        self._scratch = scratch or Scratch()
        self._in_place = (kernel, stride, padding) == ((1, 1), (1, 1), (0, 0))

    def plan(self, places: Sequence[Place | None]) -> Place | None:
        if places[0] is None:
            return None
        spans = (places[0].rows, places[0].columns)
        swept = [
            span.swept(self.kernel[i], self.stride[i], self.padding[i], self.dilation[i], self.output[i])
            for i, span in enumerate(spans)
        ]
        place = Place(*swept)
        return None if place.is_whole else place

    def cuts(self, n_inputs: int) -> bool:
        return not self._in_place

    def work(self, place: Place | None) -> float:
        return self.multiplications * (self.output[0] * self.output[1] if place is None else place.area)

    def run(self, arguments: Sequence[Held], call: Callable, place: Place | None) -> Any:
        if place is None:
            return super().run(arguments, call, place)
        (held,) = arguments
        if self._in_place:
            return self.bare(held.within(place))
        seen = [
            (span.start * stride - padding, (span.size - 1) * stride + (kernel - 1) * dilation + 1)
            for span, stride, padding, kernel, dilation in zip(
                (place.rows, place.columns),
                self.stride,
                self.padding,
                self.kernel,
                self.dilation,
                strict=True,
            )
        ]
        (top, height), (left, width) = seen
        changed = (held.value, held.place)
        return self.bare(held.of_image.windows(top, left, height, width, changed, self.lowest, self._scratch))


class AveragePool(Sliding):
    """Sum of a sliding window, divided by how many units are counted there: fewer at the border, perhaps.

    Parameters
    ----------
    counts : Tensor, shape (1, 1, H, W)
        By what the sum is divided at each place.
    """

    def __init__(self, *args: Any, counts: Tensor, **options: Any) -> None:
        super().__init__(*args, **options)
        self._counts = Unoccluded(counts)

    def run(self, arguments: Sequence[Held], call: Callable, place: Place | None) -> Any:
        sums = super().run(arguments, call, place)
        if place is None:
            return sums  # the function on whole maps has divided already
        rows, columns = place.rows, place.columns
        return sums / self._counts.windows(rows.start, columns.start, rows.size, columns.size)


class GlobalAverage(Step):
    """Mean over all places: that of the unoccluded image and what the squares have changed of it."""

    def __init__(self, function: Callable, mean: Tensor, scratch: Scratch) -> None:
        super().__init__(function)
        self.mean, self._scratch = mean, scratch
        self._is_sound = bool(
            torch.isfinite(mean).all()
        )  # a NaN would stay, though a square covers its cause

    def run(self, arguments: Sequence[Held], call: Callable, place: Place | None) -> Any:
        (held,) = arguments
        if held.place is None or not self._is_sound:
            return super().run(arguments, call, place)
        n = held.of_image.height * held.of_image.width
        added = sum_changed(held, self._scratch) / n
        return self.mean + added.to(self.mean.dtype).reshape(-1, *self.mean.shape[1:])


def sum_changed(held: Held, scratch: Scratch | None = None) -> Tensor:
    """By how much squares change the sum over each map, (B, C); in float32 at least."""
    rows, columns = held.place.rows, held.place.columns
    before = held.of_image.windows(rows.start, columns.start, rows.size, columns.size, out=scratch)
    wide = torch.promote_types(before.dtype, torch.float32)
    return (held.value - before).sum((2, 3), dtype=wide)


class Sizes(Step):
    """What is asked is the shape of a value, not its contents."""

    def run(self, arguments: Sequence[Held], call: Callable, place: Place | None) -> Any:
        return call(self.function, [self._stand_in(held) for held in arguments])

    @staticmethod
    def _stand_in(held: Held) -> Any:
        if held.place is None:
            return held.value
        maps = held.of_image
        return torch.empty(len(held.value), maps.n_channels, maps.height, maps.width, device="meta")


def relu_in_place(maps: Tensor) -> Tensor:
    """For maps that nothing else needs."""
    return F.relu_(maps)
