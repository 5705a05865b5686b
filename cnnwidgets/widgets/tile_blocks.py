"""Patches of a unit beside images of the same patches: what goes back to their pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._blocks_picture import blocks_picture
from ._patches import Patch, patches_of, sent_patches
from ._signed import Signed, packed, signed
from ._traits import BrowserBytes, Floats
from ._words import nearest_names, number
from .base import Widget
from .patch_grid import VIEWS

MOST_BLOCKS = 4
"""Blocks of images beside the patches."""


class TileBlocks(Widget):
    """The patches of a unit, and beside them one block of tiles for each way back to the pixels.

    The same tile is marked in all blocks, and shown below as a whole picture. The images hold positive and
    negative numbers: zero is the middle grey, in each colour channel. What they are scaled by, the reading of
    numbers and the choice of a tile are dealt with in the browser, without asking the kernel.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.zeros((20, 30, 3), np.uint8)
    >>> patch = dict(picture=picture, box=(-3, 4, 4, 11), value=2.5, source="test 12")
    >>> image = np.random.default_rng(0).normal(size=(3, 20, 30))
    >>> blocks = TileBlocks(title="conv1 · channel 4")
    >>> blocks.show([patch], {"DeconvNet": [image], "guided backprop": None})
    >>> blocks.fill("guided backprop", [np.maximum(image, 0)])  # it has come later
    >>> print(blocks.describe())
    conv1 · channel 4: 1 patch of 7 × 7 pixels, 2.50 (test 12), beside DeconvNet and guided backprop
    """

    _esm = esm("tile_blocks")
    _css = css("tile_blocks")

    title = t.Unicode("").tag(sync=True)
    """Heading, such as the layer and the channel.

    - Type: `str`
    - Default: ``""``
    """

    message = t.Unicode("").tag(sync=True)
    """A line under the heading, or in place of the patches where there are none.

    - Type: `str`
    - Default: ``""``
    """

    heading = t.Unicode("patches").tag(sync=True)
    """Name of the first block, which shows the patches themselves.

    - Type: `str`
    - Default: ``"patches"``
    """

    notes = t.Dict(value_trait=t.Unicode(), key_trait=t.Unicode()).tag(sync=True)
    """A sentence under the name of a block.

    - Type: dict of `str` to `str`
    - Default: ``{}``
    """

    which = t.Enum(VIEWS, "strongest").tag(sync=True)
    """Which patches are asked for, as `PatchGrid.which`. Whoever observes it calls `show`.

    - Type: ``"strongest"``, ``"weakest"`` or ``"sample"``
    - Default: ``"strongest"``
    """

    views = t.List(t.Enum(VIEWS)).tag(sync=True)
    """What `which` is chosen from in the view; with fewer than two the choice is not shown.

    - Type: list of `str`
    - Default: ``[]``
    """

    chosen = t.Int(None, allow_none=True).tag(sync=True)
    """The tile that stays the one shown below; one that does not exist raises TraitError.

    - Type: `int` or None, the first one
    - Default: ``None``
    """

    scale = t.Enum(("tile", "shared"), "tile").tag(sync=True)
    """Whether each tile is as bright as it can be, or those of a block can be compared.

    - Type: ``"tile"`` or ``"shared"``
    - Default: ``"tile"``
    """

    clip = t.Float(99.5, min=90, max=100).tag(sync=True)
    """Percentile of the sizes of all numbers but zero that is black or white; larger ones look the same.

    - Type: `float`, 90 to 100
    - Default: ``99.5``
    """

    _patches = t.List(t.Dict()).tag(sync=True)
    _values = Floats()
    _size = t.List(t.Int(), [0, 0]).tag(sync=True)
    _pictures = BrowserBytes()
    _ends = t.List(t.Int()).tag(sync=True)
    _blocks = t.List(t.Dict()).tag(sync=True)
    # one for each block, so that one that comes later does not send the others again
    _codes_0 = BrowserBytes()
    _codes_1 = BrowserBytes()
    _codes_2 = BrowserBytes()
    _codes_3 = BrowserBytes()

    def __init__(self, **traits: Any) -> None:
        self._drawn: list[Patch] = []
        self._images: dict[str, list[Signed] | str | None] = {}
        super().__init__(**traits)

    # -- what is shown -----------------------------------------------------------------------------

    def show(
        self,
        patches: Sequence[Any],
        images: "Mapping[str, Any] | None" = None,
        title: str | None = None,
        size: "tuple[int, int] | None" = None,
    ) -> None:
        """Show patches with their images; no tile stays chosen.

        Parameters
        ----------
        patches : sequence of dict or object, at most 36
            With ``picture``, ``box``, ``seen``, ``value``, ``source`` and ``note``, see `PatchGrid.show`.
        images : mapping of str to images, at most 4
            By the name of the block, in the order of the blocks. For each patch an array or tensor of float,
            shape (3, H, W), (1, H, W) or (H, W), as large as its picture; or None for a block whose images
            are still to come, see `fill`; or a text that says why there are none.
        title : str, optional
            The same as setting `title`.
        size : (int, int), optional
            Height and width of all tiles in pixels. By default the largest box.

        Raises
        ------
        ValueError
            If there are too many patches or blocks, or an image does not fit its picture. What was shown
            stays.
        """
        patches = patches_of(patches)
        images = dict(images or {})
        if len(images) > MOST_BLOCKS:
            raise ValueError(f"at most {MOST_BLOCKS} blocks can be shown, not {len(images)}")
        found = {name: _checked(name, given, patches) for name, given in images.items()}
        if size is None:
            size = tuple(np.max([patch.shape for patch in patches], axis=0)) if patches else (0, 0)
        pictures, ends, described = sent_patches(patches)
        with self.hold_sync():
            if title is not None:
                self.title = title
            self.chosen = None
            self._drawn, self._images = patches, found
            self._size = [int(side) for side in size]
            self._pictures, self._ends, self._patches = pictures, ends, described
            self._values = [patch.value for patch in patches]
            self._send_images(found)

    def fill(self, name: str, images: Any) -> None:
        """Show the images of one block; the others stay.

        Parameters
        ----------
        name : str
            One of those given to `show`.
        images : sequence of array, str or None
            As for `show`.

        Raises
        ------
        ValueError
            If there is no such block, or an image does not fit its picture.
        """
        if name not in self._images:
            raise ValueError(f"there is no block {name!r}; {nearest_names(name, list(self._images))}")
        self._images[name] = _checked(name, images, self._drawn)
        with self.hold_sync():
            self._send_images([name])

    def _send_images(self, changed: Any) -> None:
        described = []
        for place, (name, images) in enumerate(self._images.items()):
            told = {"name": name, "text": "", "images": []}
            if isinstance(images, str):
                told["text"] = images
            elif images is None:
                told["text"] = "computing …"
            else:
                told["images"] = [each.described for each in images]
            described.append(told | {"is_pending": images is None})
            if name in changed:
                setattr(self, f"_codes_{place}", packed(images) if isinstance(images, list) else b"")
        for place in range(len(self._images), MOST_BLOCKS):
            setattr(self, f"_codes_{place}", b"")
        self._blocks = described

    @property
    def values(self) -> np.ndarray:
        """The activations of the patches shown, shape (k,)."""
        return self._values

    @property
    def names(self) -> list[str]:
        """Names of the blocks beside the patches."""
        return list(self._images)

    @property
    def is_complete(self) -> bool:
        """Whether no block waits for its images."""
        return all(images is not None for images in self._images.values())

    @t.validate("chosen")
    def _chosen_exists(self, proposal: t.Bunch) -> "int | None":
        n = len(self._drawn)
        if proposal.value is not None and not 0 <= proposal.value < n:
            if self.from_browser:  # may come late, from patches that are no longer shown
                return None
            told = f"there are 0 to {n - 1}" if n else "there are none yet: call show()"
            raise t.TraitError(f"tile {proposal.value} does not exist: {told}")
        return proposal.value

    # -- other forms -------------------------------------------------------------------------------

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        super().close()
        self._drawn, self._images = [], {}

    def describe(self) -> str:
        """The patches and the blocks in words."""
        head = f"{self.title}: " if self.title else "TileBlocks: "
        n = len(self._drawn)
        if not n:
            return head + (self.message or "no patches yet")
        height, width = self._size
        first, last = (number(self._values[at]) for at in (0, -1))
        source = f" ({self._drawn[0].source})" if n == 1 and self._drawn[0].source else ""
        text = f"{n} patch{'es' if n > 1 else ''} of {height} × {width} pixels, "
        text += (first if n == 1 else f"{first} to {last}") + source
        shown = [name for name, images in self._images.items() if isinstance(images, list)]
        if shown:
            text += ", beside " + " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
        notes = [f"{name}: {text}" for name, text in self._images.items() if isinstance(text, str)]
        return "; ".join([head + text, *notes, *filter(None, [self.message])])

    def picture(self) -> Image.Image | None:
        """All blocks side by side, the value under each patch and the largest number under each image."""
        if not self._drawn:
            return None
        shown = {name: images for name, images in self._images.items() if isinstance(images, list)}
        return blocks_picture(
            self._drawn, shown, tuple(self._size), self.heading, self.scale == "shared", self.clip
        )


def _checked(name: str, images: Any, patches: list[Patch]) -> "list[Signed] | str | None":
    if images is None or isinstance(images, str):
        return images
    images = list(images)
    if len(images) != len(patches):
        raise ValueError(f"{name} has {len(images)} images for {len(patches)} patches: one for each")
    return [signed(image, patch.picture, name) for image, patch in zip(images, patches, strict=True)]
