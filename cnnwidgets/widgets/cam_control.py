"""Which class activation map of which layer is shown."""

from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names
from .base import Widget


class CamControl(Widget):
    """A choice of methods, a slider that walks from the first layer to the last, and a switch for negative
    evidence.

    The control computes nothing: observe its traits.

    Parameters
    ----------
    methods : list of str
        Names of the methods.
    layers : list of str
        Names of the layers, the first one at the left end.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> control = CamControl(methods=["CAM", "Grad-CAM"], layers=["conv1", "conv2", "conv3"])
    >>> control.method, control.layer
    ('CAM', 'conv3')
    >>> control.layer = "conv2"
    """

    _esm = esm("cam_control")
    _css = css("cam_control")

    methods = t.List(t.Unicode()).tag(sync=True)
    """Names of the methods that are offered.

    - Type: list of `str`
    - Default: ``[]``
    """

    refused = t.Dict(key_trait=t.Unicode(), value_trait=t.Unicode()).tag(sync=True)
    """Methods that cannot be chosen, and why: told while the pointer rests on them.

    - Type: dict of `str` to `str`
    - Default: ``{}``
    """

    method = t.Unicode("").tag(sync=True)
    """The chosen method; a name that is not offered, or refused, raises TraitError.

    - Type: `str`
    - Default: the first one that is not refused
    """

    layers = t.List(t.Unicode()).tag(sync=True)
    """Names of the layers, from the picture to the scores.

    - Type: list of `str`
    - Default: ``[]``
    """

    notes = t.List(t.Unicode()).tag(sync=True)
    """What is told of each layer, such as the size of its maps.

    - Type: list of `str`, as many as there are layers, or none
    - Default: ``[]``
    """

    layer = t.Unicode("").tag(sync=True)
    """The chosen layer; another name raises TraitError.

    - Type: `str`
    - Default: the last one
    """

    fixed = t.Unicode("").tag(sync=True)
    """Why the method leaves no choice of a layer; the slider is off then.

    - Type: `str`
    - Default: ``""``, it does
    """

    relu = t.Bool(True).tag(sync=True)
    """Whether only positive evidence is shown.

    - Type: `bool`
    - Default: ``True``
    """

    relu_fixed = t.Unicode("").tag(sync=True)
    """Why the method leaves no choice of `relu`; the switch is off then.

    - Type: `str`
    - Default: ``""``, it does
    """

    def __init__(self, **traits: Any) -> None:
        chosen = {name: traits.pop(name) for name in ("method", "layer") if name in traits}
        self._last = {}  # what was chosen last that could be
        super().__init__(**traits)
        for name, value in chosen.items():
            setattr(self, name, value)

    @t.observe("methods", "refused")
    def _another_method(self, change: t.Bunch) -> None:
        if self.method not in self._possible():
            self.method = next(iter(self._possible()), "")

    def _possible(self) -> list[str]:
        return [name for name in self.methods if name not in self.refused]

    @t.observe("layers")
    def _another_layer(self, change: t.Bunch) -> None:
        if self.layer not in self.layers:
            self.layer = self.layers[-1] if self.layers else ""

    @t.validate("method")
    def _is_possible(self, proposal: t.Bunch) -> str:
        name, possible = proposal.value, self._possible()
        if name in possible or not (name or possible):
            self._last["method"] = name
            return name
        if self.from_browser:  # may come late, from another network
            last = self._last.get("method")
            return last if last in possible else next(iter(possible), "")
        if name in self.refused:
            raise t.TraitError(f"{name} is not possible here: {self.refused[name]}")
        raise t.TraitError(f"there is no method {name!r}; {nearest_names(name, self.methods)}")

    @t.validate("layer")
    def _exists(self, proposal: t.Bunch) -> str:
        name = proposal.value
        if name in self.layers or not (name or self.layers):
            self._last["layer"] = name
            return name
        if self.from_browser:
            last = self._last.get("layer")
            return last if last in self.layers else next(reversed(self.layers), "")
        raise t.TraitError(f"there is no layer {name!r}; {nearest_names(name, self.layers)}")

    def describe(self) -> str:
        """What is chosen, in words."""
        return "; ".join(" ".join(row) for row in self._rows())

    def _rows(self) -> list[list[str]]:
        rows = [["Method", self.method or "none"]]
        if self.layer:
            place = self.layers.index(self.layer)
            note = f", {self.notes[place]}" if place < len(self.notes) else ""
            rows.append(["layer", f"{self.layer} ({place + 1} of {len(self.layers)}{note})"])
        rows.append(["evidence", "positive only" if self.relu else "positive and negative"])
        return rows

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        return text_picture(self._rows()) if self.methods else None
