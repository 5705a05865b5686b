"""One ascent whose settings may change between any two of its steps, and what there is to see of it."""

from typing import Any, NamedTuple

import numpy as np
import torch

from ..core import (
    ClipContribution,
    ClipNorm,
    Decay,
    GaussianBlur,
    InputError,
    Jitter,
    Rotation,
    Scaling,
    SquaredNorm,
    TotalVariation,
    ascent_of,
    class_score,
    diversity,
    unit,
)
from .pictures_seen import stretched

NOISE = 0.01
"""Of the start, in preprocessed units: less than a grey level or so, but it is another one for each seed."""


class Climb(NamedTuple):
    """What is to be excited: some classes, each in an image of its own, or a unit."""

    network: Any
    classes: tuple = ()
    layer: str = ""
    channel: int = 0
    position: Any = None
    n_images: int = 1
    diverse: float = 0.0
    seed: int = 0
    precision: str = "exact"

    @property
    def titles(self):
        """A name for each image."""
        if self.classes:
            return [self.network.classes[place] for place in self.classes]
        if self.n_images == 1:
            return [self.unit]
        return [f"{self.unit}, {i + 1}" for i in range(self.n_images)]

    @property
    def unit(self):
        """The unit in words."""
        where = "" if self.position is None else f", row {self.position[0]}, column {self.position[1]}"
        return f"{self.layer} · channel {self.channel}{where}"

    @property
    def value_name(self):
        """What grows."""
        if self.classes:
            return "score before softmax"
        more = " + diversity" if self._differs else ""
        return f"activation of {self.layer}, channel {self.channel}{more}"

    @property
    def value_word(self):
        """The same in a word."""
        return "score" if self.classes else "activation + diversity" if self._differs else "activation"

    @property
    def _differs(self):
        return bool(self.diverse) and self.n_images > 1

    def objective(self):
        """It, for the core."""
        if self.classes:
            return class_score(self.classes)
        wanted = unit(self.layer, self.channel, self.position)
        if self._differs:
            wanted = wanted + self.diverse * diversity(self.layer)
        return wanted


class AscentRun:
    """An ascent under settings that are given anew at each step.

    Parameters
    ----------
    climb : Climb
    settings : AscentSettings

    Attributes
    ----------
    ascent : Ascent
        Another one after the optimiser or the space has changed, that goes on where the last one was.
    last : Step or None
        As it is now.
    values, penalties : list of ndarray, shape (N,)
        Of each step.
    """

    def __init__(self, climb, settings):
        self.climb = climb
        self.values, self.penalties = [], []
        self.last = None
        self._settings = None
        self._follows = None  # the best step of the ascent before, until this one has begun
        self.ascent = self._made(settings)

    @property
    def number(self):
        """Steps done; -1 before the start was looked at."""
        return -1 if self.last is None else self.last.number

    @property
    def best(self):
        """The best step; None before the start was looked at."""
        return self._follows or self.ascent.best

    def step(self, settings):
        """One step on; the first time the start."""
        self._use(settings)
        number = self.number
        if self._follows is not None:  # it looks at where it begins before it moves
            next(self.ascent)
            best, self._follows = self._follows, None
            none = torch.zeros_like(best.penalties)
            penalties = sum((penalty(best.images) for penalty in self.ascent.penalties), none)
            self.ascent.best = best._replace(penalties=penalties)  # as they are set now
        self.ascent.n_steps = number + 1
        self.last = next(self.ascent)
        self.values.append(self.last.values.float().cpu().numpy())
        self.penalties.append(self.last.penalties.float().cpu().numpy())

    def _made(self, settings, **start):
        climb = self.climb
        self._settings = settings
        n_images = len(climb.classes) or climb.n_images
        options = {
            "n_steps": 0, "rate": settings.rate, "optimiser": settings.optimiser, "space": settings.space,
            "seed": climb.seed, "precision": climb.precision, "noise": NOISE, **parts_of(settings), **start,
        }  # fmt: skip
        return ascent_of(climb.network, climb.objective(), n_images, **options)

    def _use(self, settings):
        before = self._settings
        if settings == before:
            return
        if (settings.optimiser, settings.space) != (before.optimiser, before.space):
            old = self.ascent
            self.ascent = self._made(settings, start=old.images, noise=0.0)
            self.ascent.number, self._follows = old.number, self._follows or old.best
            return
        self._settings = settings
        self.ascent.rate = settings.rate
        for name, parts in parts_of(settings).items():
            setattr(self.ascent, name, parts)


def parts_of(settings):
    """Regularisers, penalties and transforms of settings: those that are not off."""
    s = settings
    return {
        "regularisers": [
            *([Decay(s.decay)] if s.decay else []),
            *([GaussianBlur(s.sigma, s.every)] if s.sigma else []),
            *([ClipNorm(s.clip_norm)] if s.clip_norm else []),
            *([ClipContribution(s.clip_contribution)] if s.clip_contribution else []),
        ],
        "penalties": [
            *([SquaredNorm(s.l2)] if s.l2 else []),
            *([TotalVariation(s.variation)] if s.variation else []),
        ],
        "transforms": [
            *([Jitter(s.jitter)] if s.jitter else []),
            *([Scaling(1 - s.scale, 1 + s.scale)] if s.scale else []),
            *([Rotation(s.rotation)] if s.rotation else []),
        ],
    }


def pictures_of(network, images):
    """Inputs (N, C, H, W) as pictures, a list of uint8 (H, W, 3)."""
    try:
        return [*network.to_image(images)]
    except InputError:  # a preprocessing that cannot be undone
        return [stretched(image) for image in images]


@torch.inference_mode(False)
def probabilities_of(network, images):
    """What the network says of them as they are: (N, n_classes), NaN where it says nothing finite."""
    scores = network.scores(images).float()
    return np.asarray(scores.softmax(1).cpu())
