"""One figure, and how figures are summed up."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Result:
    """A measured figure.

    Parameters
    ----------
    what : str
        What was measured, in words.
    value : float
    unit : str
    aim : float, optional
        The figure to reach, in the same unit.
    at_most : bool
        Whether the aim is an upper bound.
    details : dict
        Everything else worth keeping: number of runs, spread, the peer's own figure.
    """

    what: str
    value: float
    unit: str
    aim: float | None = None
    at_most: bool = True
    details: dict = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the aim was reached; None without one."""
        if self.aim is None:
            return None
        return self.value <= self.aim if self.at_most else self.value >= self.aim


def percentile(values: Sequence[float], fraction: float) -> float:
    """The smallest value that at least ``fraction`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))
