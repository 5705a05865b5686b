"""Which explanations are shown, how the slow ones are computed, and what they are compared with."""

from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names
from .base import Widget

LIMITS = {"samples": (1, 200), "noise": (0.0, 1.0), "steps": (1, 200)}


class ExplanationControl(Widget):
    """Which maps are shown, the options of SmoothGrad and of integrated gradients, a switch for a second
    class and one for cutting the object out.

    The control computes nothing: observe its traits.

    Parameters
    ----------
    offered : list of str
        Names of the maps, in the order in which they are shown.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> control = ExplanationControl(offered=["saliency", "SmoothGrad", "Grad-CAM"])
    >>> control.chosen
    ['saliency', 'SmoothGrad', 'Grad-CAM']
    >>> control.chosen = ["Grad-CAM", "saliency"]
    >>> control.chosen
    ['saliency', 'Grad-CAM']
    """

    _esm = esm("explanation_control")
    _css = css("explanation_control")

    offered = t.List(t.Unicode()).tag(sync=True)
    """Names of the maps that there are. All are chosen when they are set.

    - Type: list of `str`
    - Default: ``[]``
    """

    chosen = t.List(t.Unicode()).tag(sync=True)
    """Names of the maps that are shown, in the order of `offered`; another name raises TraitError.

    - Type: list of `str`
    - Default: all that are offered
    """

    samples = t.Int(50).tag(sync=True)
    """Noisy copies of the picture in SmoothGrad.

    - Type: `int`, 1 to 200
    - Default: ``50``
    """

    noise = t.Float(0.15).tag(sync=True)
    """Standard deviation of SmoothGrad's noise, as a share of the range of the picture's values.

    - Type: `float`, 0 to 1
    - Default: ``0.15``
    """

    steps = t.Int(50).tag(sync=True)
    """Steps of integrated gradients on the way from nothing to the picture.

    - Type: `int`, 1 to 200
    - Default: ``50``
    """

    compare = t.Bool(False).tag(sync=True)
    """Whether the maps of a second class are shown below.

    - Type: `bool`
    - Default: ``False``
    """

    shared = t.Bool(False).tag(sync=True)
    """Whether the maps of both classes have the same colours for the same values; else each has colours of
    its own, so that shapes can be compared, and the ranges stand under them.

    - Type: `bool`
    - Default: ``False``
    """

    cut = t.Bool(False).tag(sync=True)
    """Whether the object is cut out of the picture, beginning at the map `cut_by`.

    - Type: `bool`
    - Default: ``False``
    """

    cut_by = t.Unicode("").tag(sync=True)
    """The map that cutting begins with; a name that is not offered raises TraitError.

    - Type: `str`
    - Default: ``"saliency"`` where it is offered, else the first map
    """

    def __init__(self, **traits: Any) -> None:
        chosen = {name: traits.pop(name) for name in ("chosen", "cut_by") if name in traits}
        self._last_cut_by = ""  # that could be
        super().__init__(**traits)
        for name, value in chosen.items():
            setattr(self, name, value)

    @t.observe("offered")
    def _choose_all(self, change: t.Bunch) -> None:
        with self.hold_sync():
            self.chosen = list(self.offered)
            if self.cut_by not in self.offered:
                self.cut_by = self._usual()

    def _usual(self) -> str:
        return "saliency" if "saliency" in self.offered else next(iter(self.offered), "")

    @t.validate("chosen")
    def _in_order(self, proposal: t.Bunch) -> list[str]:
        for name in proposal.value:
            if name not in self.offered and not self.from_browser:
                raise t.TraitError(f"there is no map {name!r}; {nearest_names(name, self.offered)}")
        return [name for name in self.offered if name in proposal.value]

    @t.validate("cut_by")
    def _is_offered(self, proposal: t.Bunch) -> str:
        name = proposal.value
        if name not in self.offered and (name or self.offered):
            if self.from_browser:  # may come late, when others are offered
                return self._last_cut_by if self._last_cut_by in self.offered else self._usual()
            raise t.TraitError(f"there is no map {name!r}; {nearest_names(name, self.offered)}")
        self._last_cut_by = name
        return name

    @t.validate(*LIMITS)
    def _has_limits(self, proposal: t.Bunch) -> float:
        return self.within(proposal, *LIMITS[proposal.trait.name])

    def describe(self) -> str:
        """What is shown, and how it is computed, in words."""
        return "; ".join(" ".join(row) for row in self._rows())

    def _rows(self) -> list[list[str]]:
        rows = [["Maps:", ", ".join(self.chosen) or "none"]]
        if "SmoothGrad" in self.chosen:
            rows.append(["SmoothGrad:", f"{self.samples} samples, noise {self.noise:.0%}"])
        if "integrated gradients" in self.chosen:
            rows.append(["integrated gradients:", f"{self.steps} steps"])
        if self.compare:
            rows.append(["compared", "with a second class" + (", on one scale" if self.shared else "")])
        if self.cut:
            rows.append(["cut out", f"beginning at {self.cut_by}"])
        return rows

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        return text_picture(self._rows()) if self.offered else None
