"""How near is measured, and whether a network that has learned nothing is asked as well."""

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from .base import Widget


class RetrievalControl(Widget):
    """A choice of the distance between two vectors, and a switch for a row of a random network.

    The control computes nothing: observe its traits.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> control = RetrievalControl(metric="cosine")
    >>> control.describe()
    'Distance cosine; no random network'
    """

    _esm = esm("retrieval_control")
    _css = css("retrieval_control")

    metric = t.Enum(("l2", "cosine"), "l2").tag(sync=True)
    """Distance: the length of the difference of two vectors, or 1 less the cosine of the angle between them.

    - Type: ``"l2"`` or ``"cosine"``
    - Default: ``"l2"``
    """

    random = t.Bool(False).tag(sync=True)
    """Whether neighbours by a random network of the same shape are shown as well.

    - Type: `bool`
    - Default: ``False``
    """

    def describe(self) -> str:
        """What is chosen, in words."""
        metric = {"l2": "L2", "cosine": "cosine"}[self.metric]
        return f"Distance {metric}; {'a' if self.random else 'no'} random network"

    def picture(self) -> Image.Image:
        """The same, as a small table."""
        return text_picture([part.split(" ", 1) for part in self.describe().split("; ")])
