"""Changes to a picture, and what a network says as they grow: checked, kept, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._traits import as_numpy
from ._words import number

#: How many times as strong a change may be shown.
FACTORS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200)
#: A shown change reaches this far from mid-grey, but for one value in a hundred.
REACH = 100


@dataclass(frozen=True, eq=False)
class PictureChange:
    """A change to a picture.

    Parameters
    ----------
    name : str
        Stands over it, such as ``"the change found"``.
    values : array or tensor of float, shape (3, H, W) or (1, H, W) or (H, W)
        What is added to each value of the picture, in grey levels, of which there are 255 from black to
        white.
    probabilities : array or tensor of float, shape (n, n_classes), optional
        Of all classes, for each of the shares of the change that are looked at.

    Raises
    ------
    ValueError
        If the values are of another shape, or not finite.
    """

    name: str
    values: Any
    probabilities: Any = None

    def __post_init__(self) -> None:
        values = np.asarray(as_numpy(self.values), np.float32)
        values = values[None] if values.ndim == 2 else values
        if values.ndim != 3 or len(values) not in (1, 3) or 0 in values.shape:
            raise ValueError(
                f"a change has the shape (3, height, width), or 1 in place of 3, not {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"the change {self.name!r} has values that are not finite (NaN or infinity)")
        values = np.ascontiguousarray(np.broadcast_to(values, (3, *values.shape[1:])))
        object.__setattr__(self, "values", values)
        if self.probabilities is not None:
            probabilities = np.asarray(as_numpy(self.probabilities), np.float32)
            object.__setattr__(self, "probabilities", probabilities)

    @property
    def size(self) -> float:
        """Root of the mean squared change of a value, in grey levels."""
        return float(np.sqrt(np.mean(np.square(self.values, dtype=np.float64))))

    @property
    def largest(self) -> float:
        """Largest change of a value, in grey levels."""
        return float(np.abs(self.values).max())

    @property
    def factor(self) -> float:
        """How many times as strong it is well seen."""
        most = float(np.percentile(np.abs(self.values), 99)) or self.largest
        return max((each for each in FACTORS if each * most <= REACH), default=1.0) if most else 1.0

    def told(self) -> str:
        """How large it is, in words."""
        if not self.largest:
            return "nothing is changed"
        return f"{number(self.size)} of 255 grey levels (root mean square), {number(self.largest)} at most"


def top_classes(probabilities: Sequence[np.ndarray], k: int, also: Sequence[int]) -> list[int]:
    """The classes that are among the first `k` anywhere, and some others."""
    rows = np.concatenate([np.nan_to_num(each, nan=-1) for each in probabilities])
    best = np.argsort(-rows, axis=1, kind="stable")[:, :k]
    return sorted({*map(int, best.ravel()), *also})


def percentage(probability: float) -> str:
    """As the front ends write it: 90.1 %, or < 0.1 %."""
    if np.isnan(probability):
        return "not a number"
    return "< 0.1 %" if 0 < probability < 0.001 else f"{100 * probability:.1f} %"
