"""Numbers, names and maps in words."""

from difflib import get_close_matches

import numpy as np


def nearest_names(name: object, names: "list[str]") -> str:
    """The end of an error message: the names that come closest to a wrong one."""
    close = get_close_matches(str(name), names, n=3, cutoff=0.4) or names[:5]
    return "nearest: " + ", ".join(repr(match) for match in close) if close else "there are none"


def number(value: float) -> str:
    """Three digits that matter, as the front ends write them: 0.0123, 4.57, -1,230, 3.1e-7."""
    value = float(value)
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else str(value)
    if not 1e-4 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}".replace("-", "−")


def told_map(values: np.ndarray) -> str:
    """One activation map in words."""
    if not np.isfinite(values).all():
        return "holds values that are not finite (NaN or infinite)"
    if not values.any():
        return "silent, zero everywhere"
    lo, hi = values.min(), values.max()
    if values.size == 1:
        return number(hi)
    if lo == hi:
        return f"{number(lo)} everywhere"
    row, column = np.unravel_index(values.argmax(), values.shape)
    return f"{number(lo)} to {number(hi)}, strongest at row {row}, column {column}"
