"""How many images of a unit, how different they shall be, and whether of one of its neurons."""

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from .base import Widget


class UnitChoice(Widget):
    """What to make of a unit: its channel all over, or one neuron; one image, or several that differ.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> choice = UnitChoice(n_images=4, diverse=1.0)
    >>> choice.describe()
    '4 images, diversity 1, of the channel all over'
    """

    _esm = esm("unit_choice")
    _css = css("unit_choice")

    n_images = t.Int(1).tag(sync=True)
    """Images that begin with different noise.

    - Type: `int`, 1 to 9
    - Default: ``1``
    """

    diverse = t.Float(0.0).tag(sync=True)
    """How much it is worth that they differ for the layer, beside what the noise does.

    - Type: `float`, 0 (off) to 10
    - Default: ``0.0``
    """

    neuron = t.Bool(False).tag(sync=True)
    """Whether one neuron of the channel is to be excited, and not all of them.

    - Type: `bool`
    - Default: ``False``
    """

    can_neuron = t.Bool(True).tag(sync=True)
    """Whether that can be chosen: channels of linear layers are single neurons.

    - Type: `bool`
    - Default: ``True``
    """

    place = t.Unicode("in the middle").tag(sync=True)
    """Where that neuron is, in words.

    - Type: `str`
    - Default: ``"in the middle"``
    """

    @t.validate("n_images")
    def _few(self, proposal: t.Bunch) -> int:
        return self.within(proposal, 1, 9)

    @t.validate("diverse")
    def _some(self, proposal: t.Bunch) -> float:
        return self.within(proposal, 0, 10)

    def describe(self) -> str:
        """What is chosen, in words."""
        parts = ["1 image" if self.n_images == 1 else f"{self.n_images} images"]
        if self.diverse and self.n_images > 1:
            parts.append(f"diversity {self.diverse:g}")
        is_one = self.neuron and self.can_neuron
        parts.append(f"of one neuron {self.place}" if is_one else "of the channel all over")
        return ", ".join(parts)

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        return text_picture([[self.describe()]])
