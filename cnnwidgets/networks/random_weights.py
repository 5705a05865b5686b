"""Networks that were never trained: the same ones for everybody, and no trace in the global random state."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from ..core.errors import NetworkError

RANDOM_SEED = 0
"""Seed of the weights of ``load(..., weights=None)``."""

RANDOM_NOTE = f"Random weights (seed {RANDOM_SEED}), never trained: what it predicts means nothing."


@contextlib.contextmanager
def kept_random_state(seed: int | None = None) -> Iterator[None]:
    """Put torch's random state (CPU) back afterwards; inside, it starts from ``seed`` if one is given."""
    before = torch.get_rng_state()
    if seed is not None:
        # torch.manual_seed would seed every GPU as well
        torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def randomise(module: nn.Module) -> None:
    """Give each layer of ``module`` new random weights, in place, as if it had just been made."""
    fresh = set()
    with kept_random_state(RANDOM_SEED):
        for part in module.modules():
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
                fresh.update(part.parameters(recurse=False))
    if not fresh.issuperset(module.parameters()):
        raise NetworkError(f"{type(module).__name__} has parameters that no layer knows how to draw anew.")
