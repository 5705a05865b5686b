"""Choose a layer of a network."""

from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names
from .base import Widget


class LayerPicker(Widget):
    """A menu of the layers of a network, in the order in which their outputs come.

    Parameters
    ----------
    layers : list of LayerInfo or dict
        What ``cnnwidgets.core.list_layers`` returns, or dicts with ``name``, ``kind``, ``output_shape``
        and, if known, ``n_parameters`` and ``receptive_field``.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> layers = [
    ...     dict(name="conv1", kind="Conv2d", output_shape=(64, 24, 24), n_parameters=4864),
    ...     dict(name="fc", kind="Linear", output_shape=(12,), n_parameters=780),
    ... ]
    >>> picker = LayerPicker(layers=layers, layer="fc")
    >>> picker.describe()
    'Layer fc: Linear, 12, 780 parameters'
    """

    _esm = esm("layer_picker")
    _css = css("layer_picker")

    layers = t.List()
    """The layers, in forward order.

    - Type: list of ``LayerInfo`` or dict
    - Default: ``[]``
    """

    layer = t.Unicode("").tag(sync=True)
    """Name of the chosen layer; another name raises TraitError.

    - Type: `str`
    - Default: the first layer
    """

    kinds = t.List(t.Unicode()).tag(sync=True)
    """Kinds of layers in the menu, such as ``["Conv2d", "ReLU"]``; ``"blocks"`` contain other layers.

    - Type: list of `str`
    - Default: ``[]``, all of them
    """

    spatial_only = t.Bool(False).tag(sync=True)
    """Whether only layers whose output has a height and a width are in the menu.

    - Type: `bool`
    - Default: ``False``
    """

    _rows = t.List(t.Dict()).tag(sync=True)

    @property
    def shown(self) -> list:
        """The layers that pass the filters, as they were given."""
        return [
            layer
            for layer, row in zip(self.layers, self._rows, strict=True)
            if (not self.kinds or row["group"] in self.kinds) and (row["spatial"] or not self.spatial_only)
        ]

    @property
    def info(self) -> Any:
        """The chosen layer, as it was given; None if there are no layers."""
        return next((layer for layer in self.layers if _get(layer, "name") == self.layer), None)

    @t.observe("layers")
    def _list_layers(self, change: t.Bunch) -> None:
        names = [_get(layer, "name") for layer in self.layers]
        with self.hold_sync():
            self._rows = [_row(layer, names) for layer in self.layers]
            if self.layer not in names:
                self.layer = names[0] if names else ""

    @t.validate("layer")
    def _known(self, proposal: t.Bunch) -> str:
        names = [_get(layer, "name") for layer in self.layers]
        if proposal.value not in names and (names or proposal.value):
            if proposal.value == "":
                return names[0]
            raise t.TraitError(
                f"there is no layer {proposal.value!r}; {nearest_names(proposal.value, names)}"
            )
        return proposal.value

    def describe(self) -> str:
        """The chosen layer in words."""
        row = next((row for row in self._rows if row["name"] == self.layer), None)
        if row is None:
            return "LayerPicker: no layers"
        parts = [row["kind"], row["shape"], row["told_parameters"], row["told_field"]]
        return f"Layer {row['name']}: " + ", ".join(part for part in parts if part)

    def picture(self) -> Image.Image | None:
        """The layers around the chosen one, which is marked."""
        if not self._rows:
            return None
        at = next(i for i, row in enumerate(self._rows) if row["name"] == self.layer)
        first = max(0, min(at - 3, len(self._rows) - 7))
        rows = self._rows[first : first + 7]
        return text_picture([[row["name"], row["kind"], row["shape"]] for row in rows], marked=at - first)


def _get(layer: Any, key: str) -> Any:
    return layer.get(key) if isinstance(layer, dict) else getattr(layer, key, None)


def _row(layer: Any, names: list[str]) -> dict:
    """What the front end needs to know of a layer."""
    name, kind, shape = (_get(layer, key) for key in ("name", "kind", "output_shape"))
    if name is None or kind is None or shape is None:
        raise t.TraitError(
            f"a layer needs name, kind and output_shape, as list_layers gives them; {layer!r} has not"
        )
    shape, parameters, field = tuple(shape), _get(layer, "n_parameters"), _get(layer, "receptive_field")
    whole, size = (
        (bool(_get(field, "whole_image")), _get(field, "size")) if field is not None else (False, None)
    )
    sees = "everything" if whole else "" if size is None else _size(size)
    return {
        "name": name,
        "kind": kind,
        # names tell what contains what: "layer1.0" is the block around "layer1.0.conv1"
        "group": "blocks" if any(other.startswith(name + ".") for other in names) else kind,
        "shape": " × ".join(str(side) for side in shape),
        "spatial": len(shape) == 3 and shape[1] * shape[2] > 1,
        "sees": "sees everything" if whole else f"sees {sees} px" if sees else "",
        "told_parameters": ""
        if parameters is None
        else f"{parameters:,} parameters"
        if parameters
        else "no parameters",
        "told_field": "sees the whole picture"
        if whole
        else f"sees {_size(size, always=True)} pixels"
        if sees
        else "",
    }


def _size(size: tuple, always: bool = False) -> str:
    height, width = size
    return f"{height} × {width}" if always or height != width else str(height)
