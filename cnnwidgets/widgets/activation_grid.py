"""All activation maps of a layer at a glance, and one of them large over the picture."""

from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ..render import COLORMAPS, DIVERGING, dequantise, jpeg_bytes, lut, png_bytes, quantise
from ._assets import css, esm
from ._pictures import map_picture, tiles_picture
from ._traits import BrowserBytes, as_numpy
from ._words import told_map
from .base import Widget

#: Pictures up to this many pixels are sent exactly; larger ones as JPEG.
EXACT_PIXELS = 160 * 160


class ActivationGrid(Widget):
    """All channels of a layer as tiles on one canvas, beside the chosen one over the picture.

    All maps are sent to the browser once, one byte a value; choosing a channel, the colours, the opacity,
    zooming and reading the value under the pointer happen there, without asking the kernel.

    Parameters
    ----------
    activations : array or tensor of float, shape (C, H, W) or (C,), optional
        Shown at once, see `show`.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> grid = ActivationGrid(np.random.default_rng(0).random((6, 4, 5)), colormap="magma")
    >>> grid.n_channels, grid.map_size
    (6, (4, 5))
    >>> grid.channel = 3  # as if tile 3 had been clicked
    """

    _esm = esm("activation_grid")
    _css = css("activation_grid")

    channel = t.Int(0).tag(sync=True)
    """The chosen channel; one that does not exist raises TraitError.

    - Type: `int`, 0 to ``n_channels - 1``
    - Default: ``0``
    """

    position = t.Tuple(t.Int(), t.Int(), allow_none=True, default_value=None).tag(sync=True)
    """Row and column of the chosen cell of the map, such as the one that was clicked.

    - Type: tuple of two `int`, or None
    - Default: ``None``
    """

    order = t.List(t.Int()).tag(sync=True)
    """Channels in the order in which their tiles are drawn; some may be left out.

    - Type: list of `int`
    - Default: all, in the order of their numbers
    """

    columns = t.Int(0, min=0).tag(sync=True)
    """Tiles in a row.

    - Type: `int`
    - Default: ``0``, as many as make the tiles large
    """

    scale = t.Enum(("shared", "tile"), "shared").tag(sync=True)
    """Whether one colour stands for the same value in all tiles (``"shared"``), or each tile uses all colours
    for its own range (``"tile"``).

    - Type: ``"shared"`` or ``"tile"``
    - Default: ``"shared"``
    """

    colormap = t.Enum(("auto", *COLORMAPS), "auto").tag(sync=True)
    """Colours of the values. Zero is the darkest colour of maps without negative values, and the middle of
    the diverging ``"RdBu_r"`` and ``"coolwarm"``.

    - Type: ``"auto"`` or one of ``cnnwidgets.render.COLORMAPS``
    - Default: ``"auto"``, ``"RdBu_r"`` where the layer has negative values, else ``"viridis"``
    """

    opacity = t.Float(0.6, min=0, max=1).tag(sync=True)
    """How much the large map covers the picture. In between, weak activations cover less than strong ones.

    - Type: `float`, 0 (picture only) to 1 (map only)
    - Default: ``0.6``
    """

    smooth = t.Bool(False).tag(sync=True)
    """Whether the large map is interpolated between its cells, or shows them as blocks.

    - Type: `bool`
    - Default: ``False``
    """

    image = t.Instance(Image.Image, allow_none=True)
    """What the network sees, under the large map. Anything that PIL can make of an array is taken too.

    - Type: PIL image or None
    - Default: ``None``
    """

    receptive_field = t.Any(None, allow_none=True).tag(sync=True)
    """Which pixels of `image` a cell depends on: drawn as a box under the pointer.

    - Type: ``cnnwidgets.core.ReceptiveField``, or a dict with ``size``, ``stride`` and ``padding``, each
      ``(h, w)`` in pixels, or None
    - Default: ``None``, no box
    """

    title = t.Unicode("").tag(sync=True)
    """Heading, such as the name of the layer.

    - Type: `str`
    - Default: ``""``
    """

    _shape = t.List(t.Int(), [0, 0, 0]).tag(sync=True)
    _codes = BrowserBytes()
    _ranges = BrowserBytes()
    _picture = BrowserBytes()
    _picture_size = t.List(t.Int(), [0, 0]).tag(sync=True)
    _colormaps = t.List(t.Unicode(), list(COLORMAPS)).tag(sync=True)
    _diverging = t.List(t.Unicode(), list(DIVERGING)).tag(sync=True)
    _luts = BrowserBytes()

    def __init__(self, activations: Any = None, **traits: Any) -> None:
        chosen = {name: traits.pop(name) for name in ("channel", "position", "order") if name in traits}
        super().__init__(**traits)
        self._luts = b"".join(lut(name).tobytes() for name in COLORMAPS)
        if activations is not None:
            self.show(activations)
        for name, value in chosen.items():  # these are only right once there are maps
            setattr(self, name, value)

    @property
    def n_channels(self) -> int:
        """Number of channels shown."""
        return self._shape[0]

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the maps, in cells."""
        return tuple(self._shape[1:])

    def show(self, activations: Any, order: "list[int] | None" = None) -> None:
        """Show the activation maps of a layer.

        Parameters
        ----------
        activations : array or tensor of float, shape (C, H, W), (1, C, H, W) or (C,)
            ``(C,)`` is a fully connected layer: one number for each channel.
        order : list of int, optional
            Channels in the order in which they are drawn.

        Raises
        ------
        ValueError
            If the shape is another one.
        TraitError
            If `order` names a channel that does not exist, or one twice. What was shown before stays.
        """
        maps = as_numpy(activations)
        if maps.ndim in (2, 4) and len(maps) == 1:
            maps = maps[0]
        if maps.ndim == 1:
            maps = maps[:, None, None]
        if maps.ndim != 3 or 0 in maps.shape:
            raise ValueError(f"activations must have the shape (channels, height, width), not {maps.shape}")
        n, height, width = maps.shape
        order = list(range(n)) if order is None else _checked_order(list(order), n)
        codes, ranges = quantise(maps)
        with self.hold_sync():
            self._shape = [n, height, width]
            self._codes, self._ranges = codes.tobytes(), ranges.tobytes()
            self.channel = min(self.channel, n - 1)
            self.order = order
            if self.position is not None and (self.position[0] >= height or self.position[1] >= width):
                self.position = None

    def set_image(self, image: Any) -> None:
        """Show this picture under the large map; the same as setting `image`.

        Parameters
        ----------
        image : PIL image, array of uint8 with shape (H, W, 3) or (H, W), or None
        """
        self.image = (
            image if image is None or isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))
        )

    @property
    def activations(self) -> np.ndarray:
        """The maps as the browser has them, shape (C, H, W): right to 1/510 of each channel's range."""
        codes = np.frombuffer(self._codes, np.uint8).reshape(self._shape)
        return dequantise(codes, np.frombuffer(self._ranges, np.float32).reshape(-1, 2))

    @t.observe("image")
    def _send_image(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if self.image is None:
                self._picture, self._picture_size = b"", [0, 0]
                return
            width, height = self.image.size
            exact = width * height <= EXACT_PIXELS
            self._picture = png_bytes(self.image) if exact else jpeg_bytes(self.image, quality=92)
            self._picture_size = [height, width]

    @t.validate("channel")
    def _channel_exists(self, proposal: t.Bunch) -> int:
        if self.from_browser:  # may come late, from a layer that is no longer shown
            return min(max(proposal.value, 0), max(self.n_channels - 1, 0))
        if proposal.value != 0 and not 0 <= proposal.value < self.n_channels:
            told = (
                f"there are 0 to {self.n_channels - 1}"
                if self.n_channels
                else "there are no maps yet: call show()"
            )
            raise t.TraitError(f"channel {proposal.value} does not exist: {told}")
        return proposal.value

    @t.validate("position")
    def _position_exists(self, proposal: t.Bunch) -> "tuple[int, int] | None":
        height, width = self.map_size
        if proposal.value is not None and not (
            0 <= proposal.value[0] < height and 0 <= proposal.value[1] < width
        ):
            if self.from_browser:
                return None
            raise t.TraitError(
                f"position {tuple(proposal.value)} is outside the map of {height} × {width} cells"
            )
        return proposal.value

    @t.validate("order")
    def _channels_exist(self, proposal: t.Bunch) -> list[int]:
        if not proposal.value and self.n_channels:
            return list(range(self.n_channels))
        try:
            return _checked_order(proposal.value, self.n_channels)
        except t.TraitError:
            if self.from_browser:
                return list(range(self.n_channels))
            raise

    @t.validate("receptive_field")
    def _plain_field(self, proposal: t.Bunch) -> "dict | None":
        field = proposal.value
        if field is None:
            return None
        get = field.get if isinstance(field, dict) else lambda key: getattr(field, key, None)
        if get("whole_image"):
            return {"whole_image": True}
        try:
            pairs = {key: [float(side) for side in get(key)] for key in ("size", "stride", "padding")}
        except TypeError:
            pairs = {}
        if not pairs or any(len(pair) != 2 for pair in pairs.values()):
            raise t.TraitError("receptive_field needs size, stride and padding, each (h, w) in pixels")
        return pairs

    def close(self) -> None:
        """Remove the widget from all views and free the maps, in the kernel and in the browser."""
        super().close()
        self._trait_values["_shape"] = [0, 0, 0]

    def describe(self) -> str:
        """The maps and the chosen channel in words."""
        if not self.n_channels:
            return "ActivationGrid: no maps yet"
        (height, width), maps = self.map_size, self.activations[self.channel]
        size = f"maps of {height} × {width}" if height * width > 1 else "numbers"
        head = f"{self.title}: " if self.title else ""
        ranges = np.frombuffer(self._ranges, np.float32).reshape(-1, 2)
        silent = int((ranges == 0).all(axis=1).sum())
        broken = int(np.isnan(ranges).any(axis=1).sum())
        notes = [f", {silent} silent (zero everywhere)"] if silent else []
        notes += [f", {broken} not finite"] if broken else []
        text = f"{head}{self.n_channels} {size}{''.join(notes)}"
        return f"{text}. Channel {self.channel}: {told_map(maps)}"

    def picture(self) -> Image.Image | None:
        """All tiles, the chosen one framed, and beside them its map over the picture."""
        if not self.n_channels:
            return None
        colormap = self.colormap
        if colormap == "auto":
            colormap = DIVERGING[0] if (self.activations < 0).any() else COLORMAPS[0]
        tiles = tiles_picture(
            self.activations, self.order, self.channel, self.columns or None, self.scale, colormap
        )
        if self.map_size == (1, 1):
            return tiles
        values = self.activations[self.channel]
        scaled = self.activations if self.scale == "shared" else values
        large = map_picture(
            values, self.image, max(tiles.height, 220), colormap, scaled, self.opacity, self.smooth
        )
        both = Image.new("RGB", (tiles.width + 16 + large.width, max(tiles.height, large.height)), "white")
        both.paste(tiles, (0, 0))
        both.paste(large, (tiles.width + 16, 0))
        return both


def _checked_order(order: list[int], n: int) -> list[int]:
    wrong = [channel for channel in order if not 0 <= channel < n]
    if wrong or len(set(order)) < len(order):
        told = f"there is no channel {wrong[0]}" if wrong else "a channel comes twice"
        raise t.TraitError(f"order must name channels from 0 to {n - 1}, each once; {told}")
    return order
