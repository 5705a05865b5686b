"""Explanations as panels of an `AttributionGrid`, one row for each class."""

from ..widgets import AttributionPanel
from ..widgets._words import number
from .likeness import likenesses, told

PER_PIXEL = "score per unit of input"
#: How each map is drawn, and what its numbers are.
LOOKS = {
    "gradient": ("colour", PER_PIXEL),
    "saliency": ("heat", PER_PIXEL),
    "gradient × input": ("signed", "score"),
    "SmoothGrad": ("heat", PER_PIXEL),
    "integrated gradients": ("signed", "score"),
    "guided backprop": ("colour", ""),
    "DeconvNet": ("colour", ""),
    "Grad-CAM": ("heat", "score"),
    "Guided Grad-CAM": ("colour", ""),
}


def key_of(row, method):
    """Name of a panel: it stays the same when the class changes."""
    return f"{row} {method}"


def panels_of(found, targets, methods, settings, before, shared=False):
    """The panels for one class or for two, and how alike the maps of these are.

    Parameters
    ----------
    found : Explanations
    targets : sequence of one or two int
    methods : sequence of str
    settings : Settings
    before : dict of key to ndarray
        What panels show whose new map is still to come.
    shared : bool
        Whether the maps of both classes share a range of colours.

    Returns
    -------
    list of AttributionPanel
    list of str
        Keys of those that are still to come.
    """
    panels, late = [], []
    likeness = {method: told(each) for method, each in likenesses(found, targets, methods, settings).items()}
    for row, target in enumerate(targets):
        for method in methods:
            kind, unit = LOOKS[method]
            key = key_of(row, method)
            values = found.map(target, method, settings)
            if values is None and method not in found.refused:
                values = before.get(key)
                late.append(key)
            panels.append(
                AttributionPanel(
                    key,
                    method,
                    values,
                    kind,
                    note=note_of(found, target, method, settings, likeness.get(method, "") if row else ""),
                    unit=unit,
                    row=found.network.classes[target] if len(targets) > 1 else "",
                    scale=method if shared and len(targets) > 1 else "",
                    empty="" if method == "Grad-CAM" else "all zero",
                )
            )
    return panels, late


def note_of(found, target, method, settings, likeness=""):
    """What is said under a map: how it was computed, whether it is complete, how like that of the other
    class it is."""
    if method in found.refused:
        return f"not possible: {found.refused[method]}"
    values = found.map(target, method, settings)
    if values is None:
        return ""
    parts = [f"{likeness} alike"] if likeness else []
    if method == "gradient × input":
        parts.append(f"sums to {number(float(values.sum()))}")
    elif method == "SmoothGrad":
        parts.append(f"mean of {settings.samples}, noise {settings.noise:.0%}")
    elif method == "integrated gradients":
        gained = number(found.score_gained(target))
        parts.append(f"sums to {number(float(values.sum()))}, score difference {gained}")
    elif method == "Grad-CAM":
        parts.append(f"{found.layer}, {values.shape[0]} × {values.shape[1]} cells")
    return " · ".join(parts)
