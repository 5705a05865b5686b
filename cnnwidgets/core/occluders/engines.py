"""Which engine answers for an image: incremental inference where it can and pays, else plain batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..module import undisturbed
from .answers import Answers
from .incremental import Incremental
from .plain import Plain
from .span import Place, Span
from .squares import covered
from .trace import Trace, Untraceable

PAYS = 1.15
"""So many times less must be left to compute that cutting windows out pays."""
PREPARATION = 0.03
"""Seconds that it takes to trace a network and to choose its steps, about."""
MANY = 128
"""So many squares pay for the preparation of any network whose forward pass takes a millisecond or more."""

_ROUNDING = {torch.float64: 1e-8, torch.float32: 1e-4}
"""How far the scores of the same network may be apart, as a part of the largest; 0.1 for half precision."""


class Engines:
    """The engines for one image of one network; the incremental one is made once it pays.

    Parameters
    ----------
    module : Module
    x : Tensor, shape (1, C, H, W)
        On the network's device and of its floating type.
    layer, channel : str and int, optional
        The feature map that is watched.
    wanted : {"auto", "incremental", "plain"}
    half : bool
        Whether to compute in bfloat16.
    known : dict
        What was found out about the network, to be used again for the next image.
    lacking : str
        What the machine cannot do, to be said with how squares are computed.
    expected : int
        How many squares will be asked for, about, as far as is known.

    Attributes
    ----------
    baseline : Answers
        For the unoccluded image, in the network's own precision.
    channel : int or None
        The feature map that is watched.
    """

    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        layer: str | None,
        channel: int | None,
        wanted: str,
        half: bool,
        known: dict,
        lacking: str = "",
        expected: int = 0,
    ) -> None:
        self._module, self._x, self._layer = module, x, layer
        self._wanted, self._half, self._known = wanted, half, known
        self._exact = self._plain = Plain(module, x, layer, channel)
        self.baseline: Answers | None = None
        self.channel = channel
        self._traced: Incremental | None = None
        self._asked, self._seconds = 0, 0.0
        self._lacking = lacking and f"; {lacking}"
        self._why_not = ""
        if wanted == "plain":
            self._why_not = "as asked"
        elif self._exact.alone:
            self._why_not = "a batch norm without stored statistics mixes the images of a batch"
        elif wanted == "auto" and expected >= MANY and not half:
            self._trace()  # which runs the unoccluded image, too
        self._run_unoccluded()
        if half:
            self._plain = Plain(module, x, layer, self.channel, half)
        if wanted == "incremental":
            if not self._why_not:
                self._trace()
            if self._traced is None:
                raise InputError(f"no incremental inference: {self._why_not}; use engine='auto'")

    def expect(self, n: int) -> None:
        """At least so many squares will be asked for."""
        n = max(n, self._asked)
        if self._traced is None and not self._why_not and n * self._seconds / 4 > PREPARATION + self._seconds:
            self._trace()  # it spares about half of a forward pass, which is cheaper in a batch

    def batch_size(self, place: Place) -> int:
        """How many squares fit into a batch."""
        engine = self._traced or self._plain
        return engine.batch_size(None if place.is_whole else place)

    def run(self, pixels: Tensor, place: Place) -> Answers:
        """What the network says of a batch of squares; see `Incremental.run`."""
        self._asked += len(pixels)
        if self._traced is None:
            return self._corrected(self._plain.run(pixels, place), self._plain)
        share = self._traced.work(place) / max(self._traced.work(None), 1.0)
        is_whole = share > 1 / PAYS and self._wanted != "incremental"
        with self._computing():
            answers = self._traced.run(pixels.to(self._traced.x.dtype), place, whole=is_whole)
        return self._corrected(answers, self._traced)._replace(share=1.0 if is_whole else share)

    def why(self, share: float | None = None) -> str:
        """How squares are computed, and why: one sentence.

        Parameters
        ----------
        share : float, optional
            Which part of a forward pass was computed for each of those meant, on average.
        """
        if self._traced is None:
            told = f"plain batches: {self._why_not or 'too few squares so far to prepare more'}"
        elif share is None:
            told = "incremental"
        elif share >= 1 and self._wanted != "incremental":
            told = "whole forward passes: a square of this size changes nearly all of one"
        else:
            told = f"incremental: a square changes {share:.0%} of a forward pass"
        return told + self._lacking

    @property
    def is_plain(self) -> bool:
        """Whether no incremental inference is at hand (yet)."""
        return self._traced is None

    def trim(self) -> None:
        """Give back memory that the next squares would need again."""
        if self._traced is not None:
            self._traced.trim()

    def _corrected(self, answers: Answers, engine: Plain | Incremental) -> Answers:
        """What bfloat16 has rounded away in the unoccluded image is missing in the occluded ones, too."""
        if not self._half:
            return answers
        missing = self.baseline.scores - engine.baseline.scores
        return answers._replace(scores=answers.scores + missing)

    def _run_unoccluded(self) -> None:
        """Let the network itself see the unoccluded image, unless that is known."""
        if self.baseline is None:
            started = time.perf_counter()
            self.baseline = self._exact.baseline
            self._seconds = time.perf_counter() - started
            self.channel = self._exact.channel

    def _trace(self) -> None:
        try:
            traced = self._incremental()
            self._check(traced)
        except Untraceable as error:
            self._why_not = str(error)
            self._exact.channel = self.channel  # not that of a wrong trace
            self._run_unoccluded()
            self._check_batches()
        else:
            self._traced = traced
            if self.baseline is None:
                self.baseline, self.channel = traced.baseline, traced.channel

    def _incremental(self) -> Incremental:
        with undisturbed(self._module), self._computing():
            if "trace" not in self._known:
                self._known["trace"], self._known["weights"] = Trace(self._module), {}
            x = self._x.to(torch.bfloat16) if self._half else self._x
            try:
                return Incremental(self._known["trace"], x, self._layer, self.channel, self._known["weights"])
            except Exception as error:  # whatever an operation meets that is called in another way
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise Untraceable(f"its operations cannot be run one by one ({reason})") from None

    def _check(self, traced: Incremental) -> None:
        """Compare with the network itself: the unoccluded image, and one of two squares in a batch.

        An occluded image tells of the unoccluded one as well, whose activations it is made of.
        """
        if self.baseline is not None:
            self._compare(traced.baseline, self.baseline)
            if "checked" in self._known:
                return
        pixels, place = self._two_squares()
        with self._computing():
            found = traced.run(pixels.to(traced.x.dtype), place)
        wanted = self._exact.run(pixels[:1], place.head(1), channel=traced.channel)
        self._compare(_first(found), wanted)
        self._known["checked"] = True

    def _check_batches(self) -> None:
        """Where images in a batch change each other's scores, each must be alone."""
        if "mixes" not in self._known:
            pixels, place = self._two_squares()
            together, alone = self._exact.run(pixels, place), self._exact.run(pixels[:1], place.head(1))
            self._known["mixes"] = not self._are_equal(_first(together), alone)
        if self._known["mixes"]:
            self._why_not += "; one image at a time, as it mixes the images of a batch"
            self._exact.alone = self._plain.alone = True

    def _two_squares(self) -> tuple[Tensor, Place]:
        """Pixels and places of two squares, a quarter of a small image, in the middle and at the border."""
        height, width = self._x.shape[2:]
        size = [min(max(1, side // 4), 32) for side in (height, width)]
        spans = [
            Span(*covered(np.array([side // 2, side - 1]), each, side), side)
            for side, each in zip((height, width), size, strict=True)
        ]
        place = Place(*spans)
        shape = (2, self._x.shape[1], place.rows.size, place.columns.size)
        return self._x.amin().expand(shape), place

    def _compare(self, found: Answers, wanted: Answers) -> None:
        if not self._are_equal(found, wanted):
            raise Untraceable("what torch.fx traces gives other scores than the network")

    def _are_equal(self, found: Answers, wanted: Answers) -> bool:
        computed = torch.bfloat16 if self._half else self._x.dtype
        rounding = _ROUNDING.get(computed, 0.1)
        pairs = [(found.scores, wanted.scores)]
        if wanted.activity is not None and not self._half:
            pairs.append((found.activity, wanted.activity))
        for one, other in pairs:
            finite = other[torch.isfinite(other)]
            tolerance = rounding * float(finite.abs().max() if len(finite) else 1.0)
            if not torch.allclose(one, other, rtol=0, atol=tolerance, equal_nan=True):
                return False
        return True

    @contextmanager
    def _computing(self) -> Iterator[Any]:
        kind = self._x.device.type
        # a network may draw random numbers also in evaluation mode
        devices = [self._x.device] if kind == "cuda" else []
        with torch.random.fork_rng(devices), torch.inference_mode(False), torch.no_grad():
            with torch.autocast(kind, torch.bfloat16, enabled=self._half):
                yield


def _first(answers: Answers) -> Answers:
    """The first of several answers."""
    activity = None if answers.activity is None else answers.activity[:1]
    return Answers(answers.scores[:1], activity)
