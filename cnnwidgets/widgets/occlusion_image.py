"""A picture with a square over it that is dragged with the mouse."""

from typing import Any

import numpy as np
import traitlets as t
from PIL import Image, ImageDraw

from ..render import jpeg_bytes, png_bytes
from ._assets import css, esm
from ._traits import BrowserBytes
from .base import Widget

#: Pictures up to this many pixels are sent exactly; larger ones as JPEG.
EXACT_PIXELS = 320 * 320
#: What the square shows where there is no picture to fill it.
GREY = (128, 128, 128)


class OcclusionImage(Widget):
    """A picture with a square over it, as Zeiler and Fergus slide one over the photograph.

    The square is centred on a pixel and clipped at the border of the picture. It moves in the browser,
    without asking the kernel, which hears of it some twenty times a second and always of the last place.

    Parameters
    ----------
    image, fill_image : PIL image or array of uint8, optional
        See the traits of these names.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> from PIL import Image
    >>> occluded = OcclusionImage(Image.new("RGB", (64, 48), "teal"), size=16)
    >>> occluded.row, occluded.column  # the middle
    (24, 32)
    >>> occluded.row = 2  # as if the square had been dragged
    >>> occluded.box  # clipped: rows 0 to 10, columns 25 to 40
    (0, 25, 11, 41)
    >>> occluded.occluded().getpixel((32, 2))
    (128, 128, 128)
    """

    _esm = esm("occlusion_image")
    _css = css("occlusion_image")

    row = t.Int(0).tag(sync=True)
    """Row of the square's centre, in pixels of the picture; one outside raises TraitError.

    - Type: `int`, 0 to ``height - 1``
    - Default: the middle
    """

    column = t.Int(0).tag(sync=True)
    """Column of the square's centre, in pixels of the picture; one outside raises TraitError.

    - Type: `int`, 0 to ``width - 1``
    - Default: the middle
    """

    size = t.TraitType((32, 32)).tag(sync=True)
    """Height and width of the square in pixels of the picture; it may be larger than the picture. Of an even
    side, one pixel more lies after the centre than before it.

    - Type: ``(h, w)``, both `int`, at least 1; a single `int` is taken for both
    - Default: ``(32, 32)``
    """

    active = t.Bool(True).tag(sync=True)
    """Whether the square is there; without it the whole picture is seen.

    - Type: `bool`
    - Default: ``True``
    """

    dragging = t.Bool(False).tag(sync=True)
    """Whether the square is under the hand just now; set by the browser.

    - Type: `bool`
    - Default: ``False``
    """

    image = t.Instance(Image.Image, allow_none=True)
    """The picture, as the network sees it. One of another size moves the square to the middle, and takes
    `fill_image` away.

    - Type: PIL image or None
    - Default: ``None``
    """

    fill_image = t.Instance(Image.Image, allow_none=True)
    """The picture that is seen through the square, its pixels in their own place: a plain grey one, a blurred
    one, noise ... Of another size than `image` it raises TraitError.

    - Type: PIL image or None
    - Default: ``None``, the square is grey
    """

    title = t.Unicode("").tag(sync=True)
    """Heading.

    - Type: `str`
    - Default: ``""``
    """

    caption = t.Unicode("").tag(sync=True)
    """Text under the picture, such as the probability of a class.

    - Type: `str`
    - Default: ``""``
    """

    width = t.Int(320, min=40).tag(sync=True)
    """Width of the picture on the page, in CSS pixels; less where there is no room, or where the picture is
    much taller than wide.

    - Type: `int`, at least 40
    - Default: ``320``
    """

    _picture = BrowserBytes()
    _fill = BrowserBytes()

    def __init__(self, image: Any = None, fill_image: Any = None, **traits: Any) -> None:
        place = {name: traits.pop(name) for name in ("row", "column") if name in traits}
        super().__init__(**traits)
        with self.hold_sync():
            self.set_image(image)
            self.set_fill(fill_image)
            for name, value in place.items():  # these are only right once there is a picture
                setattr(self, name, value)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels; zeros if there is none."""
        return (0, 0) if self.image is None else self.image.size[::-1]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """What the square covers: ``(top, left, bottom, right)`` in pixels, the last two not included.

        Zeros where there is no picture. It is the same whether the square is `active` or not.
        """
        (height, width), (h, w) = self.image_size, self.size
        top, bottom = _covered(self.row, h, height)
        left, right = _covered(self.column, w, width)
        return top, left, bottom, right

    def set_image(self, image: Any) -> None:
        """Show this picture; the same as setting `image`.

        Parameters
        ----------
        image : PIL image, array of uint8 with shape (H, W, 3) or (H, W), or None
        """
        self.image = _as_picture(image)

    def set_fill(self, image: Any) -> None:
        """Let this picture be seen through the square; the same as setting `fill_image`.

        Parameters
        ----------
        image : PIL image, array of uint8 with shape (H, W, 3) or (H, W), or None
            As large as the picture.

        Raises
        ------
        TraitError
            If it has another size than the picture.
        """
        self.fill_image = _as_picture(image)

    def occluded(self) -> Image.Image | None:
        """The picture with the square over it, if that is active; None if there is no picture."""
        if self.image is None or not self.active:
            return self.image
        picture = self.image.convert("RGB")
        top, left, bottom, right = self.box
        fill = self.fill_image.convert("RGB").crop((left, top, right, bottom)) if self.fill_image else GREY
        picture.paste(fill, (left, top, right, bottom))
        return picture

    # -- traits ------------------------------------------------------------------------------------

    @t.observe("image")
    def _send_image(self, change: t.Bunch) -> None:
        before = (0, 0) if change.old is None else change.old.size[::-1]
        with self.hold_sync():
            self._picture = _encoded(self.image)
            if self.image_size != before:
                self.fill_image = None
                self.row, self.column = (side // 2 for side in self.image_size)

    @t.observe("fill_image")
    def _send_fill(self, change: t.Bunch) -> None:
        self._fill = _encoded(self.fill_image)

    @t.validate("fill_image")
    def _as_large(self, proposal: t.Bunch) -> Image.Image | None:
        if proposal.value is not None and proposal.value.size[::-1] != self.image_size:
            height, width = self.image_size
            told = f"has {height} × {width}: make it as large" if height else "is not there: set it first"
            raise t.TraitError(
                f"the fill has {proposal.value.height} × {proposal.value.width} pixels, the picture {told}"
            )
        return proposal.value

    @t.validate("row", "column")
    def _inside(self, proposal: t.Bunch) -> int:
        name = proposal.trait.name
        length = self.image_size[name == "column"]
        if self.from_browser:  # may come late, from a picture that is no longer shown
            return min(max(proposal.value, 0), max(length - 1, 0))
        if proposal.value != 0 and not 0 <= proposal.value < length:
            told = f"there are 0 to {length - 1}" if length else "there is no picture yet: call set_image()"
            raise t.TraitError(f"{name} {proposal.value} does not exist: {told}")
        return proposal.value

    @t.validate("size")
    def _two_sides(self, proposal: t.Bunch) -> tuple[int, int]:
        value = proposal.value
        sides = tuple(value) if isinstance(value, list | tuple) else (value, value)
        whole = all(isinstance(side, int | np.integer) and not isinstance(side, bool) for side in sides)
        if len(sides) == 2 and whole and min(sides) >= 1:
            return int(sides[0]), int(sides[1])
        if self.from_browser:
            return 32, 32
        raise t.TraitError(f"size must be (height, width) in pixels, both at least 1, not {value!r}")

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The picture, and what of it the square covers, in words."""
        if self.image is None:
            return "OcclusionImage: no picture yet"
        (height, width), (h, w) = self.image_size, self.size
        head = f"{self.title}: " if self.title else ""
        text = f"{head}picture of {height} × {width} pixels, "
        if self.active:
            top, left, bottom, right = self.box
            text += (
                f"a square of {h} × {w} at row {self.row}, column {self.column} "
                f"covers rows {top} to {bottom - 1} and columns {left} to {right - 1}"
            )
        else:
            text += "without the square"
        return f"{text}; {self.caption}" if self.caption else text

    def picture(self) -> Image.Image | None:
        """The picture with the square, outlined; as large as on the page."""
        picture = self.occluded()
        if picture is None:
            return None
        height, width = self.image_size
        scale = min(self.width / width, 1.25 * self.width / height)
        shown = (max(round(width * scale), 1), max(round(height * scale), 1))
        crisp = scale > 3
        picture = picture.convert("RGB").resize(
            shown, Image.Resampling.NEAREST if crisp else Image.Resampling.BICUBIC
        )
        if self.active:
            top, left, bottom, right = (round(side * scale) for side in self.box)
            draw = ImageDraw.Draw(picture)
            draw.rectangle((left - 1, top - 1, right, bottom), outline="white")
            draw.rectangle((left - 2, top - 2, right + 1, bottom + 1), outline="black")
        return picture


def _covered(centre: int, side: int, length: int) -> tuple[int, int]:
    """First pixel that a square covers along one axis, and the first after it."""
    return max(centre - (side - 1) // 2, 0), min(centre + side // 2 + 1, length)


def _as_picture(image: Any) -> Image.Image | None:
    return image if image is None or isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))


def _encoded(image: Image.Image | None) -> bytes:
    if image is None:
        return b""
    image = image.convert("RGB")
    exact = image.width * image.height <= EXACT_PIXELS
    return png_bytes(image) if exact else jpeg_bytes(image, quality=92)
