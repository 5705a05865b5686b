"""Which engine answers for an image: incremental inference where it can and pays, else plain batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..module import undisturbed
from .answers import Answers
from .incremental import Incremental
from .plain import Plain
from .span import Place
from .trace import Trace, Untraceable

PAYS = 1.15
"""So many times less must be left to compute that cutting windows out pays."""
PREPARATION = 0.03
"""Seconds that it takes to trace a network and to choose its steps, about."""

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

    Attributes
    ----------
    baseline : Answers
        For the unoccluded image, in the network's own precision.
    why : str
        Which engine was used last and why, in one sentence.
    is_plain : bool
        Whether whole forward passes were run last, or would be.
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
    ) -> None:
        self._module, self._x, self._layer = module, x, layer
        self._wanted, self._half, self._known = wanted, half, known
        started = time.perf_counter()
        exact = Plain(module, x, layer, channel)
        self._seconds = time.perf_counter() - started
        self.baseline, self.channel = exact.baseline, exact.channel
        self._plain = Plain(module, x, layer, exact.channel, half) if half else exact
        self._traced: Incremental | None = None
        self._asked = 0
        self._why_not = ""
        self.is_plain, self.why = True, "plain batches: too few squares so far to prepare more"
        if wanted == "plain":
            self._why_not = "as asked"
        elif exact.alone:
            self._why_not = "a batch norm without stored statistics mixes the images of a batch"
        if wanted == "incremental":
            self._trace()
            if self._traced is None:
                raise InputError(f"no incremental inference: {self._why_not}; use engine='auto'")
        if self._why_not:
            self.why = f"plain batches: {self._why_not}"

    def expect(self, n: int) -> None:
        """So many squares will be asked for."""
        self._asked += n
        saved = self._asked * self._seconds / 2  # about half of a forward pass is spared
        if self._traced is None and not self._why_not and saved > PREPARATION + self._seconds:
            self._trace()
            if self._why_not:
                self.why = f"plain batches: {self._why_not}"

    def batch_size(self, place: Place) -> int:
        """How many squares fit into a batch."""
        engine = self._traced or self._plain
        return engine.batch_size(None if place.is_whole else place)

    def run(self, pixels: Tensor, place: Place) -> Answers:
        """What the network says of a batch of squares; see `Incremental.run`."""
        if self._traced is None:
            return self._corrected(self._plain.run(pixels, place), self._plain)
        share = self._traced.work(place) / max(self._traced.work(None), 1.0)
        self.is_plain = share > 1 / PAYS and self._wanted != "incremental"
        if self.is_plain:
            self.why = f"whole forward passes: of one, a square of this size changes {share:.0%}"
        else:
            self.why = f"incremental: a square changes {share:.0%} of a forward pass"
        with self._computing():
            pixels = pixels.to(self._traced.x.dtype)
            return self._corrected(self._traced.run(pixels, place, whole=self.is_plain), self._traced)

    def _corrected(self, answers: Answers, engine: Plain | Incremental) -> Answers:
        """What bfloat16 has rounded away in the unoccluded image is missing in the occluded ones, too."""
        if not self._half:
            return answers
        missing = self.baseline.scores - engine.baseline.scores
        return Answers(answers.scores + missing, answers.activity)

    def _trace(self) -> None:
        if self._why_not:
            return
        try:
            traced = self._incremental()
            self._check(traced)
        except Untraceable as error:
            self._why_not = str(error)
        else:
            self._traced, self.is_plain, self.why = traced, False, "incremental"

    def _incremental(self) -> Incremental:
        with undisturbed(self._module), self._computing():
            if "trace" not in self._known:
                self._known["trace"], self._known["weights"] = Trace(self._module), {}
            x = self._x.to(torch.bfloat16) if self._half else self._x
            try:
                return Incremental(self._known["trace"], x, self._layer, self.channel, self._known["weights"])
            except (InputError, TypeError, RuntimeError, KeyError, AttributeError, IndexError) as error:
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise Untraceable(f"its operations cannot be run one by one ({reason})") from None

    def _check(self, traced: Incremental) -> None:
        """Compare with the network itself, which may write over what it uses again."""
        wanted, found = self.baseline.scores, traced.baseline.scores
        finite = wanted[torch.isfinite(wanted)]
        computed = torch.bfloat16 if self._half else self._x.dtype
        tolerance = _ROUNDING.get(computed, 0.1) * float(finite.abs().max() if len(finite) else 1.0)
        if not torch.allclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True):
            raise Untraceable("what torch.fx traces gives other scores than the network")

    @contextmanager
    def _computing(self) -> Iterator[Any]:
        kind = self._x.device.type
        with torch.inference_mode(False), torch.no_grad():
            with torch.autocast(kind, torch.bfloat16, enabled=self._half):
                yield
