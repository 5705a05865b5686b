"""The panels of an attribution grid in words."""

from typing import TYPE_CHECKING

import numpy as np

from ._attribution import drawn_of
from ._words import number

if TYPE_CHECKING:
    from .attribution_grid import AttributionGrid


def told_range(values: np.ndarray, kind: str) -> str:
    """``"max 0.031"`` of magnitudes, else both ends."""
    drawn = drawn_of(values, kind)
    finite = drawn[np.isfinite(drawn)]
    if kind == "heat":
        return f"max {number(finite.max())}"
    return f"{number(finite.min())} to {number(finite.max())}"


def told_ends(values: np.ndarray, kind: str, limit: float) -> tuple[str, str]:
    """What the two ends of the colours stand for, with a sign where values go beyond."""
    drawn = drawn_of(values, kind)
    finite = drawn[np.isfinite(drawn)]
    high = ("≥ " if finite.max() > limit else "") + number(limit)
    return "0" if kind == "heat" else ("≤ " if finite.min() < -limit else "") + number(-limit), high


def cell_at(position: tuple[int, int], extent: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The cell of a map in which a pixel of the picture lies."""
    return tuple(int((at + 0.5) * n / side) for at, side, n in zip(position, extent, size, strict=True))


def told_panels(grid: "AttributionGrid") -> str:
    """One line for the grid, and one for each panel."""
    if not grid.panels:
        return f"{type(grid).__name__}: {'' if grid.image is None else 'a picture, '}no maps yet"
    head = f"{type(grid).__name__}: {len(grid.panels)} map{'s' if len(grid.panels) > 1 else ''}"
    if grid.position is not None:
        head += f"; chosen: row {grid.position[0]}, column {grid.position[1]}"
    return "\n".join([head, *(_told(grid, panel) for panel in grid.panels)])


def _told(grid: "AttributionGrid", panel) -> str:
    name = " · ".join(part for part in (panel.row, panel.title or panel.key) if part)
    parts = []
    if panel.values is not None:
        parts.append(grid.said(panel.key) or told_range(panel.values, panel.kind))
        if grid.position is not None:
            values = drawn_of(panel.values, panel.kind)
            row, column = cell_at(grid.position, grid.extent, values.shape[-2:])
            here = np.atleast_1d(values[..., row, column])
            parts.append(f"there {', '.join(number(value) for value in here)}")
    parts += [text for text in (panel.unit, panel.note, panel.pending) if text]
    return f"- {name}: {'; '.join(parts) or 'no values yet'}"
