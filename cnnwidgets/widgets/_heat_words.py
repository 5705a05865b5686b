"""A heat map in words."""

from typing import TYPE_CHECKING

import numpy as np

from ._heat import NOISE, ranked_classes, whole
from ._words import number

if TYPE_CHECKING:
    from .heat_map import HeatMap

MENTIONED = 5  # classes


def told_heat(heat: "HeatMap") -> str:
    """Size, range or classes, baseline and chosen cell."""
    head = heat.title or type(heat).__name__
    if not heat.map_size[0] or not heat.known.any():
        return f"{head}: {heat.nothing}"
    values, known = heat.values, heat.known
    text = f"{head}: {values.shape[0]} × {values.shape[1]} values"
    if not known.all():
        text += f", {known.sum()} of {known.size} known"
    if not np.isfinite(values).any():
        return f"{text}, none of them finite"
    text += _classes(heat) if heat.names else _range(heat)
    if heat.baseline is not None:
        text += f"; {heat.baseline_label} {_value(heat, heat.baseline)}"
    if heat.position is not None:
        text += f"; chosen: {_place(heat, *heat.position)}: {_value(heat, values[heat.position])}"
    return text


def _classes(heat: "HeatMap") -> str:
    shares = ranked_classes(heat.values, heat.known)
    told = (
        f"{heat.names[index]} {share:.0%}" if heat.shares else heat.names[index] for index, share in shares
    )
    text = ", " + ", ".join(list(told)[:MENTIONED])
    return text + (f" and {len(shares) - MENTIONED} more" if len(shares) > MENTIONED else "")


def _range(heat: "HeatMap") -> str:
    values = heat.values
    finite = np.isfinite(values)
    lowest, highest = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    unit = f" {heat.unit}" if heat.unit else ""
    if highest.max() - lowest.min() <= NOISE * np.abs(values[finite]).max():
        return f", the same everywhere: {number(lowest.min())}{unit}"
    low, high = (np.unravel_index(i, values.shape) for i in (lowest.argmin(), highest.argmax()))
    ends = (f"{number(values[end])} ({_place(heat, *end)})" for end in (low, high))
    return f",{unit} from {' to '.join(ends)}"


def _value(heat: "HeatMap", value: float) -> str:
    return heat.names[int(value)] if heat.names and 0 <= value < len(heat.names) else number(value)


def _place(heat: "HeatMap", row: int, column: int) -> str:
    rows, columns = heat.centres
    return f"row {whole(rows[row])}, column {whole(columns[column])}"
