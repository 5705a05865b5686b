"""Gradient ascent on images, step by step: to be watched, changed on the way, stopped, and taken up again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import InputError, NetworkError
from ..half import is_fast
from ..progress import reporter
from ..whole import at_least
from .evaluate import evaluate
from .image_space import Fourier, Pixels
from .objectives import Objective

RATES = {"plain": 1.0, "normalised": 0.1, "adam": 0.05}
"""Optimisers, and a step that suits most networks with each."""

Regulariser = Callable[[Tensor, Tensor, int], Tensor]
Penalty = Callable[[Tensor], Tensor]
Transform = Callable[[Tensor, torch.Generator], Tensor]


class Step(NamedTuple):
    """The images at one moment.

    Attributes
    ----------
    number : int
        Of the steps done so far; the first is the start, 0.
    images : Tensor, shape (N, C, H, W)
        Preprocessed, as the network takes them.
    values : Tensor, shape (N,)
        What is ascended, without the penalties; of the image as the transforms have moved it.
    penalties : Tensor, shape (N,)
        What is subtracted from that.
    """

    number: int
    images: Tensor
    values: Tensor
    penalties: Tensor


class Ascent(Iterator[Step]):
    """Change images step by step, so that an objective grows.

    An iterator: the first ``next`` gives the start, and each other goes one step on, and gives the images
    with their values. What it is made of may be changed between two steps, such as ``ascent.rate = 0.5`` or
    ``ascent.regularisers[0].sigma = 1``, and acts at once (the objective and the transforms, where the
    images are looked at next); it may be left and taken up again, and ``n_steps`` be raised. A step that
    fails or is interrupted has not been: it can be tried again with other settings.

    Parameters
    ----------
    module : Module
        Used in evaluation mode, left as it was.
    objective : Objective
    start : Tensor, shape (N, C, H, W)
        Preprocessed images on the device of the network, in single or double precision.
    n_steps : int
    rate : float, optional
        Size of a step; 1 for plain steps, 0.1 for normalised ones, 0.05 for Adam if not given.
    space : Pixels or Fourier
        What is changed.
    optimiser : {"plain", "normalised", "adam"}
        Step along the gradient; along the gradient divided by its root mean square, of each image, so that
        ``rate`` is in units of the input; or as Adam steps (Kingma and Ba 2015).
    regularisers, penalties, transforms : sequences
        See the modules of these names; each list may be changed on the way.
    seed : int
        Of the transforms.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the machine can.

    Attributes
    ----------
    best : Step or None
        Each image as it was when its value less its penalties, as they are set now, was highest so far;
        ``number`` is the last step at which one of them grew. Another objective begins anew.

    Raises
    ------
    InputError, LayerError, TargetError, NetworkError
        At the step where it is found; each names the mend.

    Examples
    --------
    >>> linear = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    >>> from cnnwidgets.core.ascent import class_score
    >>> ascent = Ascent(linear, class_score(2), torch.zeros(1, 3, 2, 2), n_steps=5, optimiser="plain")
    >>> values = [step.values.item() for step in ascent]
    >>> len(values), values == sorted(values)
    (6, True)
    """

    @torch.inference_mode(False)
    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        start: Tensor,
        *,
        n_steps: int = 100,
        rate: float | None = None,
        space: Pixels | Fourier | None = None,
        optimiser: str = "normalised",
        regularisers: Sequence[Regulariser] = (),
        penalties: Sequence[Penalty] = (),
        transforms: Sequence[Transform] = (),
        seed: int = 0,
        precision: str = "exact",
    ) -> None:
        at_least(0, n_steps=n_steps, seed=seed)
        if optimiser not in RATES:
            raise InputError(f"optimiser is one of {', '.join(map(repr, RATES))}, not {optimiser!r}")
        self.objective, self.n_steps = objective, n_steps
        self.rate = RATES[optimiser] if rate is None else rate
        self.regularisers, self.penalties = list(regularisers), list(penalties)
        self.transforms = list(transforms)
        self.number, self.best = 0, None
        self._module, self._space = module, space or Pixels()
        self._half, self._optimiser = is_fast(precision, start), optimiser
        self._generator = torch.Generator().manual_seed(seed)
        self._parameters = self._space.parameters(start.detach().clone())
        self._moments: tuple[Tensor, Tensor] | None = None
        self._gradients: tuple[Tensor, Tensor] | None = None
        self._judged_by: tuple[Objective | None, str] = (None, "")

    def __iter__(self) -> Ascent:
        return self

    @torch.inference_mode(False)
    @torch.no_grad()
    def __next__(self) -> Step:
        parameters, moments, number = self._parameters, self._moments, self.number
        if self._gradients is not None:
            if number >= self.n_steps:
                raise StopIteration
            number += 1
            parameters, moments = self._moved(*self._gradients, number)
        drawn_so_far = self._generator.get_state()
        try:
            step, gradients = self._look(parameters, number)
            _check(step, gradients)
            settings = self.objective, repr(self.penalties)
            best = self._better(step, settings)
        except BaseException:  # as if the step had not been tried
            self._generator.set_state(drawn_so_far)
            raise
        self._parameters, self._moments, self.number = parameters, moments, number
        self._gradients, self._judged_by, self.best = gradients, settings, best
        return step

    def run(self, progress: Any = None) -> Step:
        """Take all steps that are left; gives the last. What ``progress`` raises ends the work."""
        report = reporter(progress)
        step = None
        for step in self:
            report(step.number, self.n_steps)
        if step is None:
            raise InputError("all steps are done: raise n_steps to go on")
        return step

    @property
    def images(self) -> Tensor:
        """The present images, shape (N, C, H, W)."""
        with torch.inference_mode(False), torch.no_grad():
            return self._space.image(self._parameters).clone()

    def _look(self, parameters: Tensor, number: int) -> tuple[Step, tuple[Tensor, Tensor]]:
        """The step, and the gradients of its values with respect to parameters and images."""
        with torch.enable_grad():
            given = parameters.detach().requires_grad_()
            images = self._space.image(given)
            moved = images
            for transform in self.transforms:
                moved = transform(moved, self._generator)
        found = evaluate(self._module, self.objective, moved.detach(), self._half)
        of_images = _back(moved, images, found.gradient)
        of_parameters = _back(images, given, of_images)
        images = images.detach().clone()
        return Step(number, images, found.values, self._penalties(images)), (of_parameters, of_images)

    def _penalties(self, images: Tensor) -> Tensor:
        found = [penalty(images) for penalty in self.penalties]
        return sum(found[1:], found[0]) if found else images.new_zeros(len(images))

    def _better(self, step: Step, settings: tuple[Objective, str]) -> Step:
        """Each image from where it is worth more, as things are set now."""
        best, (objective, penalties) = self.best, self._judged_by
        if best is None or objective is not settings[0]:
            return step
        if penalties != settings[1]:
            best = best._replace(penalties=self._penalties(best.images))
        grew = step.values - step.penalties > best.values - best.penalties
        if all(answers := grew.tolist()):
            return step
        if not any(answers):
            return best
        images = torch.where(grew.reshape(-1, 1, 1, 1), step.images, best.images)
        values, penalties = (torch.where(grew, new, old) for new, old in zip(step[2:], best[2:], strict=True))
        return Step(step.number, images, values, penalties)

    def _moved(self, of_parameters: Tensor, of_images: Tensor, number: int) -> tuple[Tensor, tuple | None]:
        """The parameters after one more step, and the moments of Adam."""
        if not 0 <= self.rate < float("inf"):
            raise InputError(f"rate is the size of a step, 0 or more, not {self.rate!r}")
        weighty = [penalty for penalty in self.penalties if getattr(penalty, "weight", True)]
        if weighty:
            of_parameters = of_parameters - self._gradient_of(weighty)
        step, moments = self._direction(of_parameters, number)
        parameters = self._parameters + self.rate * step
        if not self.regularisers:
            return self._space.bounded(parameters), moments
        images = self._space.image(parameters)
        for regulariser in self.regularisers:
            images = regulariser(images, of_images, number)
        return self._space.parameters(images), moments

    def _gradient_of(self, penalties: Sequence[Penalty]) -> Tensor:
        """With respect to the parameters."""
        if isinstance(self._space, Pixels) and all(hasattr(each, "gradient") for each in penalties):
            return sum(each.gradient(self._parameters) for each in penalties)
        with torch.enable_grad():
            given = self._parameters.detach().requires_grad_()
            images = self._space.image(given)
            totals = [penalty(images).sum() for penalty in penalties]
        return torch.autograd.grad(totals, given)[0]

    def _direction(self, slopes: Tensor, number: int) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        if self._optimiser == "plain":
            return slopes, None
        if self._optimiser == "normalised":
            within_one = tuple(range(1, slopes.ndim))
            size = torch.linalg.vector_norm(slopes, dim=within_one, keepdim=True) / slopes[0].numel() ** 0.5
            return slopes / size.clamp(min=torch.finfo(slopes.dtype).tiny), None
        first, second = self._moments or (torch.zeros_like(slopes), torch.zeros_like(slopes))
        first, second = 0.9 * first + 0.1 * slopes, 0.999 * second + 0.001 * slopes.square()
        unbiased = first / (1 - 0.9**number), second / (1 - 0.999**number)
        return unbiased[0] / (unbiased[1].sqrt() + 1e-8), (first, second)


def _back(of: Tensor, towards: Tensor, signal: Tensor) -> Tensor:
    """Gradient through what was done to an image outside the network."""
    if of is towards:
        return signal
    with torch.enable_grad():  # to be given the signal torch would import sympy first, which takes a second
        total = (of * signal).sum()
    return torch.autograd.grad(total, towards)[0]


def _check(step: Step, gradients: Sequence[Tensor]) -> None:
    # sums are found faster, and one number that is not finite makes them so
    met = dict.fromkeys((*step[1:], *gradients))  # of which some are the same
    if math.isfinite(sum(float(each.sum()) for each in met)) or all(each.isfinite().all() for each in met):
        return
    if step.number == 0:
        raise NetworkError(
            "the network gives NaN or infinity for the image to start from: look at its weights, or start "
            "from another image"
        )
    raise InputError(
        f"at step {step.number} the image has grown so much that there is NaN or infinity: choose a smaller "
        "rate or limits, and go on; .best has the best image so far"
    )
