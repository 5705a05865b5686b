"""An embedding scatter in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .embedding_scatter import EmbeddingScatter

MENTIONED = 10  # classes
NO_CLASS = "no class"


def class_name(names: Sequence[str], index: int) -> str:
    """Name of a class; digits are no words of their own."""
    if not 0 <= index < len(names):
        return NO_CLASS
    return f"class {names[index]}" if names[index].isdecimal() else names[index]


def counted_classes(scatter: "EmbeddingScatter") -> list[tuple[int, int]]:
    """Classes that have points, in order, and how many; -1 for those without a class last."""
    labels, counts = np.unique(scatter.labels, return_counts=True)
    found = [(int(label), int(count)) for label, count in zip(labels, counts, strict=True)]
    return [*(each for each in found if each[0] >= 0), *(each for each in found if each[0] < 0)]


def told_point(scatter: "EmbeddingScatter", number: int) -> str:
    """A point: its class, its number, where it comes from."""
    index = int(scatter.labels[number])
    told = [class_name(scatter.names, index)] if index >= 0 else []
    source = scatter.sources[number] if number < len(scatter.sources) else ""
    return ", ".join([*told, f"number {number:,}", *([source] if source else [])])


def told_scatter(scatter: "EmbeddingScatter") -> str:
    """Points, classes, and what is selected, highlighted, hidden, added and hovered."""
    head = scatter.title or type(scatter).__name__
    n = scatter.n_points
    if not n:
        return f"{head}: no points yet"
    classes = counted_classes(scatter)
    parts = [f"{head}: {n:,} point{'s' if n > 1 else ''}"]
    if classes[0][0] >= 0:
        told = [f"{class_name(scatter.names, index)} {count:,}" for index, count in classes[:MENTIONED]]
        more = f" and {len(classes) - MENTIONED} more classes" if len(classes) > MENTIONED else ""
        parts.append(", ".join(told) + more)
    for name in ("selected", "highlighted", "added"):
        if count := len(getattr(scatter, name)):
            parts.append(f"{count:,} {name}")
    present = {index for index, _ in classes}
    if hidden := [class_name(scatter.names, index) for index in scatter.hidden if index in present]:
        parts.append(f"hidden: {', '.join(hidden)}")
    if 0 <= scatter.hovered < n:
        parts.append(f"hovered: {told_point(scatter, scatter.hovered)}")
    return "; ".join(parts)
