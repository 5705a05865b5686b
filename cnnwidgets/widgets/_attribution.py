"""What the panels of an attribution grid hold; the front end reads them alike in static/attribution/."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ._traits import as_numpy
from ._words import nearest_names, number

#: How the values of a panel become colours.
KINDS = ("heat", "signed", "colour")


@dataclass(frozen=True)
class AttributionPanel:
    """One map of an `AttributionGrid`: what one method says about the picture.

    Parameters
    ----------
    key : str
        Name by which the panel is updated; no two panels share one.
    title : str
        Heading.
    values : array or tensor of float, shape (h, w), (1, h, w) or (3, h, w), optional
        Raw values, of any resolution: they are stretched over the picture. None as long as there are none.
    kind : {"heat", "signed", "colour"}
        - ``"heat"``: magnitudes, in the colour map of the grid from zero on; what is negative looks like
          zero. Of several channels the largest magnitude is shown.
        - ``"signed"``: red is positive, blue negative. Of several channels the sum is shown.
        - ``"colour"``: a picture in which zero is mid-grey, as gradients of pixels are shown.
    note : str
        Small text under the panel.
    unit : str
        What the values are, such as ``"score per unit of input"``.
    row : str
        Panels with another row than the one before them begin a new line under this heading.
    least : float
        Values none of which is larger than this are not drawn, but said to be nothing.
    empty : str
        What is said in place of a map that holds nothing; by default ``"no positive evidence"``, or
        ``"all zero"`` where negative values count too.
    scale : str
        Panels with the same text here share one range of colours; by default each has its own.
    pending : str
        What is still to come, such as ``"20 of 50"``.

    Raises
    ------
    ValueError
        If the values are of another shape, or the kind is none of those.
    """

    key: str
    title: str = ""
    values: Any = None
    kind: str = "heat"
    note: str = ""
    unit: str = ""
    row: str = ""
    least: float = 0.0
    empty: str = ""
    scale: str = ""
    pending: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"the kind of panel {self.key!r} must be one of {', '.join(KINDS)}, not {self.kind!r}"
            )
        object.__setattr__(self, "values", checked_values(self.key, self.values))

    @property
    def plane(self) -> "np.ndarray | None":
        """One value for each place, shape (h, w): largest magnitude, or sum, of the channels."""
        return None if self.values is None else plane_of(self.values, self.kind)

    def texts(self) -> dict:
        """All fields but the values."""
        return {name: value for name, value in vars(self).items() if name != "values"}


def panel_of(described: Any) -> AttributionPanel:
    """A panel from a panel or a dict."""
    if isinstance(described, AttributionPanel):
        return described
    if not isinstance(described, Mapping):
        raise TypeError(f"a panel is an AttributionPanel or a dict, not {type(described).__name__}")
    known = [field.name for field in fields(AttributionPanel)]
    for name in described:
        if name not in known:
            raise TypeError(f"a panel has no field {name!r}; {nearest_names(name, known)}")
    if "key" not in described:
        raise TypeError("a panel needs a key: the name by which it is updated")
    return AttributionPanel(**described)


def checked_values(key: str, values: Any) -> "np.ndarray | None":
    """Values as float32, shape (h, w) or (3, h, w); None stays None."""
    if values is None:
        return None
    values = np.ascontiguousarray(as_numpy(values), np.float32)
    if values.ndim == 3 and len(values) == 1:
        values = values[0]
    if values.ndim not in (2, 3) or 0 in values.shape or (values.ndim == 3 and len(values) != 3):
        raise ValueError(
            f"values of panel {key!r} must have the shape (height, width) or (3, height, width), "
            f"not {values.shape}: of a batch give one image"
        )
    return values


def plane_of(values: np.ndarray, kind: str) -> np.ndarray:
    """One value for each place: of several channels the largest magnitude (heat), or the sum."""
    if values.ndim == 2:
        return values
    return np.abs(values).max(axis=0) if kind == "heat" else values.sum(axis=0, dtype=np.float32)


def drawn_of(values: np.ndarray, kind: str) -> np.ndarray:
    """The values that become colours: all of a colour picture, else one for each place."""
    return values if kind == "colour" else plane_of(values, kind)


def nothing_in(values: "np.ndarray | None", kind: str, least: float = 0.0, empty: str = "") -> str:
    """What is said in place of a map that has nothing to show; empty if it has."""
    if values is None:
        return ""
    drawn = drawn_of(values, kind)
    finite = drawn[np.isfinite(drawn)]
    if not finite.size:
        return "not a number" if np.isnan(drawn).any() else "infinite"
    most = finite.max() if kind == "heat" else np.abs(finite).max()
    if most > max(least, 0):
        return ""
    if empty:
        return empty
    if most > 0:
        return f"nothing above {number(least)}"
    return "no positive evidence" if kind == "heat" else "all zero"


def limit_of(values: np.ndarray, kind: str, clip: float) -> float:
    """Magnitude at the end of the colours: a percentile of those that are not zero; 0 without any.

    Of a neuron's gradient most pixels are zero, as it does not see them: they would make any percentile zero.
    """
    drawn = drawn_of(values, kind)
    sizes = drawn if kind == "heat" else np.abs(drawn)
    sizes = np.sort(sizes[np.isfinite(sizes) & (sizes > 0)], axis=None)
    if not sizes.size:
        return 0.0
    return float(sizes[int(np.ceil(clip / 100 * (sizes.size - 1) - 1e-9))])


def limits_of(panels: "list[AttributionPanel]", clip: float) -> dict[str, float]:
    """Where the colours of each panel end, by key; those with the same `scale` end at the same value."""
    limits = {
        panel.key: 0.0
        if panel.values is None or nothing_in(panel.values, panel.kind, panel.least)
        else limit_of(panel.values, panel.kind, clip)
        for panel in panels
    }
    for panel in panels:
        if panel.scale and limits[panel.key]:
            limits[panel.key] = max(limits[other.key] for other in panels if other.scale == panel.scale)
    return limits
