"""The search for a change that fools, step by step, and what is measured of it: beside the event loop."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core import fooling_image
from ..widgets._changes import percentage
from .fooling_facts import Facts, grey_levels, measure

SHOW_EVERY = 0.12
"""Seconds between two looks at the search."""


class Request(NamedTuple):
    """Everything that what is shown depends on."""

    network: Any
    image: Any
    target: int | None  # None where the class is meant that is least probable
    confidence: float


class Looked(NamedTuple):
    """A picture as the network sees it, before it is changed."""

    request: Request
    x: torch.Tensor
    picture: np.ndarray
    before: np.ndarray
    target: int

    @property
    def present(self):
        """The class before."""
        return int(self.before.argmax())


class Searching(NamedTuple):
    """How far the search is."""

    looked: Looked
    step: Any  # FoolingStep
    probabilities: np.ndarray
    sizes: tuple  # size in grey levels and whether it fools, of each step


class Found(NamedTuple):
    """What was found, at the end."""

    looked: Looked
    step: Any
    sizes: tuple
    facts: Facts
    message: str


def search_steps(request: Request, n_steps: int, is_stopped: Callable[[], bool]) -> Iterator[Any]:
    """`Looked`, then `Searching` now and then, then `Found`; None after each piece of work between.

    Parameters
    ----------
    request : Request
    n_steps : int
        As `fooling_image` takes it.
    is_stopped : callable
        Whether the search shall end with what it has.
    """
    network, _, target, confidence = request
    x = network.read(request.image)
    picture = network.to_image(x)[0]
    before = network.probabilities(x)[0].cpu().numpy()
    looked = Looked(request, x, picture, before, int(before.argmin()) if target is None else target)
    yield looked
    search = fooling_image(network, x, looked.target, confidence=confidence, n_steps=n_steps)
    sizes, shown = [], time.perf_counter()
    for step in search:
        levels = grey_levels(network, step.change)
        sizes.append((float(np.sqrt(np.mean(levels**2))), float(step.is_fooled)))
        if time.perf_counter() - shown > SHOW_EVERY:
            probabilities = network.probabilities(step.image)[0].cpu().numpy()
            yield Searching(looked, step, probabilities, tuple(sizes))
            shown = time.perf_counter()
        else:
            yield None
        if is_stopped():
            break
    stopped, found, facts = is_stopped(), search.best or step, None
    probabilities = network.probabilities(found.image)[0].cpu().numpy()
    yield Searching(looked, found, probabilities, tuple(sizes))  # to be seen while the rest is measured
    for facts in measure(network, x, found.change):
        if facts is None:
            yield None
    yield Found(looked, found, tuple(sizes), facts, _told_of(looked, found, len(sizes), stopped))


def _told_of(looked, found, n_steps, is_stopped):
    """What came of the search, in a line."""
    names = looked.request.network.classes
    if not found.change.any() and found.is_fooled:
        return f"it is taken for {names[looked.target]} already: nothing has to be changed"
    if found.is_fooled:
        stopped = "stopped: " if is_stopped else ""
        return (
            f"{stopped}found in {n_steps - 1} steps, {names[looked.target]} {percentage(found.probability)}"
        )
    gets = f"{names[looked.target]} gets {percentage(found.probability)}"
    if is_stopped:
        return f"stopped too early; {gets}"
    return f"no such change was found in {n_steps - 1} steps; {gets}: ask for less"
