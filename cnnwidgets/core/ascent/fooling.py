"""A change that nobody sees and that makes one class into another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import index
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import InputError, NetworkError, TargetError
from ..module import as_module
from ..progress import reporter
from ..targets import check_targets
from ..whole import at_least
from .evaluate import evaluate
from .objectives import Objective, Seen
from .start import Limits, batch_of, limits_of, within

_SHORTENINGS, _HALVINGS = 20, 10


class FoolingStep(NamedTuple):
    """The fooling image at one moment.

    Attributes
    ----------
    number : int
    image : Tensor, shape (1, C, H, W)
        Preprocessed.
    change : Tensor, shape (1, C, H, W)
        Image less original.
    probability : float
        Of the target class.
    is_fooled : bool
        Whether the target is the most probable class, with at least the probability asked for.
    """

    number: int
    image: Tensor
    change: Tensor
    probability: float
    is_fooled: bool

    @property
    def norm(self) -> float:
        """L2 norm of the change, in preprocessed units."""
        return float(torch.linalg.vector_norm(self.change))

    @property
    def largest(self) -> float:
        """Largest change of a value, in preprocessed units."""
        return float(self.change.abs().max())


class Fooling(Iterator[FoolingStep]):
    """The search, step by step; see `fooling_image`.

    Attributes
    ----------
    best : FoolingStep or None
        The smallest change found so far that fools.
    number : int
        Of the last step.
    """

    @torch.inference_mode(False)
    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        target: int,
        *,
        confidence: float,
        n_steps: int,
        limits: Limits | None,
    ) -> None:
        at_least(1, n_steps=n_steps)
        if not 0 <= confidence < 1:
            raise InputError(f"confidence is a probability from 0 to below 1, not {confidence!r}")
        self.n_steps, self.number, self.best = n_steps, 0, None
        self._module, self._target, self._confidence = module, target, confidence
        self._objective = lead(target, confidence)
        self._x, self._limits = x, limits
        self._next, self._has_begun, self._shrunk = x, False, 0

    def __iter__(self) -> Fooling:
        return self

    @torch.inference_mode(False)
    @torch.no_grad()
    def __next__(self) -> FoolingStep:
        number = self.number + self._has_begun
        if self._next is None or (self.best is None and number > self.n_steps):
            raise StopIteration
        step, behind, gradient = self._look(self._next, number)
        if step.is_fooled and self.best is None:
            self._length = step.norm
        if step.is_fooled and (self.best is None or step.norm < self.best.norm):
            self.best = step
        if self.best is None:
            self._next = self._further(step, behind, gradient)
        else:
            self._next = self._shorter(step, gradient)
        self.number, self._has_begun = number, True
        return step

    def run(self, progress: Any = None) -> FoolingStep:
        """Search to the end; gives the smallest change that fools, or the last step if none does."""
        report = reporter(progress)
        step = None
        for step in self:
            report(min(step.number, self.n_steps - 1), self.n_steps)
        found = self.best or step
        if found is None:
            raise InputError("the search is over, and nothing was found: raise n_steps to go on")
        report(self.n_steps, self.n_steps)
        return found

    def _further(self, step: FoolingStep, behind: float, gradient: Tensor) -> Tensor:
        """One linear step to the border of the target (DeepFool), and a little over it."""
        size = gradient.square().sum()
        if not torch.isfinite(size) or size == 0:
            raise NetworkError(
                "no gradient leads from this image to the target class, as the network is flat there or "
                "gives NaN: start from another image, or look at its weights"
            )
        free = self._free(step.image, gradient)
        return within(step.image + (1.02 * behind + 1e-3) * free / _squared(free), self._limits)

    def _shorter(self, step: FoolingStep, gradient: Tensor) -> Tensor | None:
        """Turn the change towards the gradient and make it shorter while it fools (DDN); at last, halve."""
        if not self.best.change.any() or self._shrunk == _SHORTENINGS + _HALVINGS:
            return None
        if self._shrunk < _SHORTENINGS:
            self._length *= 0.95 if step.is_fooled else 1.05
            turn = 0.3 * (1 + math.cos(math.pi * self._shrunk / _SHORTENINGS)) * self._length
            turned = step.change + turn * gradient / _squared(gradient).sqrt()
            moved = self._x + self._length * turned / _squared(turned).sqrt()
        else:
            if self._shrunk == _SHORTENINGS:
                self._longest, self._too_small, self._enough = self.best.change, 0.0, 1.0
            elif step.is_fooled:
                self._enough = self._middle
            else:
                self._too_small = self._middle
            self._middle = (self._too_small + self._enough) / 2
            moved = self._x + self._middle * self._longest
        self._shrunk += 1
        return within(moved, self._limits)

    def _free(self, image: Tensor, gradient: Tensor) -> Tensor:
        """The gradient without the pixels that are black or white already and would have to go on."""
        return gradient * (within(image + gradient, self._limits) != image)

    def _look(self, image: Tensor, number: int) -> tuple[FoolingStep, float, Tensor]:
        """The step; by how much the target is behind; and the gradient of its lead."""
        found = evaluate(self._module, self._objective, image)
        scores, others = found.scores[0], _others(found.scores, self._target)[0]
        probability = float(scores.softmax(0)[self._target])
        is_first = bool(scores[self._target] > others.max())
        is_fooled = is_first and probability >= self._confidence
        step = FoolingStep(number, image.clone(), image - self._x, probability, is_fooled)
        return step, -float(found.values), found.gradient


def _squared(gradient: Tensor) -> Tensor:
    return gradient.square().sum().clamp(min=torch.finfo(gradient.dtype).tiny)


def lead(target: int, confidence: float = 0.0) -> Objective:
    r"""By how much the score of a class is ahead of what it needs.

    It needs more than the highest other score, :math:`\max_k S_k`; and, for a probability p,
    :math:`\log \sum_k e^{S_k} + \log \frac{p}{1 - p}`. This is the smaller one of the two leads.
    """

    def value(seen: Seen) -> Tensor:
        check_targets([target], seen.scores.shape[1])
        if seen.scores.shape[1] < 2:
            raise TargetError("the network has one class only, and none that it could be taken for")
        others = _others(seen.scores, target)
        needed = others.amax(1)
        if confidence:
            needed = needed.maximum(others.logsumexp(1) + math.log(confidence / (1 - confidence)))
        return seen.scores[:, target] - needed

    return Objective(value, (), True, f"lead of class {target}")


def _others(scores: Tensor, target: int) -> Tensor:
    return torch.cat([scores[:, :target], scores[:, target + 1 :]], dim=1)


def fooling_image(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    confidence: float = 0.9,
    n_steps: int = 50,
    limits: Any = None,
) -> Fooling:
    """The smallest change found that makes a network see another class.

    Linear steps over the border to the target class until it has the probability asked for (DeepFool);
    then 20 steps that turn the change and make it shorter as long as it fools (DDN), and 10 halvings of what
    may still be too much. It is small because every pixel may change a little and all of it adds up; it is
    the smallest that was met, not the smallest that there is. For a class that the image has already, with
    that probability, it is 0.

    Parameters
    ----------
    model : Module or Network
        Any network with class scores; used in evaluation mode, left as it was.
    x : Tensor, shape (1, C, H, W) or (C, H, W)
        Preprocessed image.
    target : int
        Class that it is to be taken for.
    confidence : float
        Probability that the target is to have; with 0 it need only be the most probable.
    n_steps : int
        At most, until the border is crossed.
    limits : (black, white), optional
        As `class_image` takes them.

    Returns
    -------
    Fooling
        An iterator over `FoolingStep`; ``.run()`` gives the smallest change that fools, or the last step if
        none was found: look at ``is_fooled``.

    Raises
    ------
    TargetError, InputError, NetworkError
        Each names the mend; those about the network at the first step.

    References
    ----------
    Szegedy et al., "Intriguing properties of neural networks", 2014. Moosavi-Dezfooli, Fawzi, Frossard,
    "DeepFool: a simple and accurate method to fool deep neural networks", 2016. Rony et al., "Decoupling
    Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and Defenses", 2019.

    Examples
    --------
    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    >>> found = fooling_image(linear, torch.zeros(1, 3, 2, 2), target=2).run()
    >>> found.is_fooled, found.probability >= 0.9
    (True, True)
    """
    module = as_module(model)
    x = batch_of(module, x)
    if len(x) != 1:
        raise InputError(f"one image is changed at a time, not {len(x)}")
    try:
        target = index(target)
    except TypeError:
        raise TargetError(f"target is the number of one class, not {target!r}") from None
    limits = limits_of(model, x.shape[1], limits)
    return Fooling(module, x, target, confidence=confidence, n_steps=n_steps, limits=limits)
