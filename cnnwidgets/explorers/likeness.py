"""How alike the maps of two classes are, method by method."""

from html import escape

import numpy as np


def alike(one, other):
    """Correlation of two maps: 1 for maps that differ in scale only. None where one of them is constant, NaN
    where one has values that are not finite."""
    one, other = (np.asarray(each, float).ravel() for each in (one, other))
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("nan")
    one, other = one - one.mean(), other - other.mean()
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size > 0 else None


def likenesses(found, targets, methods, settings):
    """Correlation of the maps of two classes, by method, as far as they are there.

    Parameters
    ----------
    found : Explanations
    targets : sequence of int
        There is nothing to compare unless these are two.
    methods : sequence of str
    settings : Settings

    Returns
    -------
    dict of str to float or None
        None where a map is constant.
    """
    if len(targets) < 2:
        return {}
    pairs = {method: [found.map(target, method, settings) for target in targets] for method in methods}
    return {method: alike(*pair) for method, pair in pairs.items() if all(each is not None for each in pair)}


def told(likeness):
    """A correlation in two digits."""
    if likeness is None:
        return "one is empty"
    return "one is not a number" if np.isnan(likeness) else f"{likeness:.2f}".replace("-", "−")


def likeness_html(rows, one, other):
    """Bars of how alike the maps of two classes are, those that change least with the class first.

    Parameters
    ----------
    rows : dict of str to float or None
    one, other : str
        The classes.

    Returns
    -------
    str
    """
    known = sorted(rows.items(), key=lambda row: _rank(row[1]), reverse=True)
    lines = "".join(
        f"<tr><td style='padding-right:14px'>{escape(method)}</td>{_bar(value)}"
        f"<td style='padding-left:14px'>{told(value)}</td></tr>"
        for method, value in known
    )
    return (
        f"<div style='line-height:1.6'><b>How alike are the maps of {escape(one)} and {escape(other)}?</b> "
        "Correlation: 1 where only the scale differs, 0 where one tells nothing of the other."
        f"<table style='margin-top:4px;border-spacing:0'>{lines}</table></div>"
    )


def _rank(value):
    return -2.0 if value is None or np.isnan(value) else value


def _bar(value):
    """From the middle to the right, or to the left where one map is rather the other's negative."""
    value = 0.0 if value is None or np.isnan(value) else value
    left, width = 50 + min(50 * value, 0), abs(50 * value)
    return (
        "<td style='width:220px'><div style='position:relative;height:8px;border-radius:4px;"
        "background:var(--jp-border-color2,#ddd)'><div style='position:absolute;height:8px;"
        f"left:{left:.1f}%;width:{width:.1f}%;background:var(--jp-brand-color1,#1976d2)'></div>"
        "<div style='position:absolute;left:50%;top:-2px;height:12px;"
        "border-left:1px solid var(--jp-ui-font-color2,#666)'></div></div></td>"
    )
