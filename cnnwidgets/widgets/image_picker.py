"""Choose a picture: a sample, one's own, or the camera."""

from collections.abc import Mapping
from typing import Any

import traitlets as t
from PIL import Image

from ..render import atlas, jpeg_bytes, square_thumbnail
from ._assets import css, esm
from ._traits import BrowserBytes
from ._words import nearest_names
from .base import Widget

#: Side of a thumbnail in pixels, a multiple of 16; shown at half of it on fine screens.
THUMBNAIL = 112
#: Longest side of the picture beside the gallery.
PREVIEW = 320


class ImagePicker(Widget):
    """A gallery of pictures, to which one's own can be added by upload, drop, paste or camera.

    Parameters
    ----------
    samples : mapping of name to picture, list of pictures, or None
        Anything that ``cnnwidgets.data.read_image`` takes, or a ``Sample``. By default the samples that
        come with the package.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> from PIL import Image
    >>> picker = ImagePicker({name: Image.new("RGB", (40, 30), name) for name in ("red", "blue")})
    >>> picker.name, picker.image.size
    ('red', (40, 30))
    >>> picker.name = "blue"
    >>> picker.image.getpixel((0, 0))
    (0, 0, 255)
    """

    _esm = esm("image_picker")
    _css = css("image_picker")

    image = t.Any(None, allow_none=True)
    """The chosen picture. Anything that ``read_image`` takes may be set; it joins the gallery.

    - Type: PIL image, RGB; None in an empty gallery
    - Default: the first sample
    """

    name = t.Unicode("").tag(sync=True)
    """Name of the chosen picture: that of the sample, or of the uploaded file; others raise TraitError.

    - Type: `str`
    - Default: the name of the first sample
    """

    index = t.Int(-1).tag(sync=True)
    """Place of the chosen picture in the gallery; -1 while the camera runs.

    - Type: `int`
    - Default: ``0``
    """

    camera_fps = t.Float(10.0, min=0.1).tag(sync=True)
    """Most pictures a second that the camera sends. The next is sent only after the last has been dealt with.

    - Type: `float`
    - Default: ``10.0``
    """

    frame_seen = t.Int(0).tag(sync=True)
    """Number of the last camera picture that was dealt with.

    - Type: `int`
    - Default: ``0``
    """

    _names = t.List(t.Unicode()).tag(sync=True)
    _titles = t.List(t.Unicode()).tag(sync=True)
    _credits = t.List(t.Unicode()).tag(sync=True)
    _atlas = BrowserBytes()
    _tile = t.Int(THUMBNAIL).tag(sync=True)
    _preview = BrowserBytes()

    def __init__(self, samples: Any = None, **traits: Any) -> None:
        chosen = {key: traits.pop(key) for key in ("index", "name", "image") if key in traits}
        self._sources: list[Any] = []
        self._thumbnails: list[Image.Image] = []
        self._settled = True
        super().__init__(**traits)
        if samples is None:
            from ..data import samples as bundled

            samples = bundled()
        if not isinstance(samples, Mapping):
            samples = {f"picture {place + 1}": sample for place, sample in enumerate(samples)}
        with self.hold_sync():
            for name, sample in samples.items():
                self._append(name, sample, _read(sample))
            self._atlas = atlas(self._thumbnails)
            if self._sources:
                self.index = 0
        for key, value in chosen.items():
            setattr(self, key, value)

    # -- the gallery -------------------------------------------------------------------------------

    def _append(self, name: str, source: Any, image: Image.Image) -> int:
        self._thumbnails.append(square_thumbnail(image, THUMBNAIL))
        self._sources.append(source)
        self._names = [*self._names, name]
        sample = source if hasattr(source, "image") else None
        self._titles = [*self._titles, getattr(sample, "title", name)]
        self._credits = [*self._credits, getattr(sample, "credit", "")]
        return len(self._sources) - 1

    def add(self, source: Any, name: str = "your picture") -> None:
        """Add a picture to the gallery and choose it.

        Parameters
        ----------
        source : path, bytes, PIL image, array, tensor ...
            Anything that ``cnnwidgets.data.read_image`` takes.
        name : str
            Gets a number if there is another picture of this name.

        Raises
        ------
        ImageError
            If it cannot be read; gallery and choice stay as they are.
        """
        image = _read(source)
        free, count = name, 1
        while free in self._names:
            count += 1
            free = f"{name} ({count})"
        with self.hold_sync():
            # bytes are kept as they came: a large photograph is ten times its file once it is decoded
            place = self._append(free, source if isinstance(source, bytes) else image, image)
            self._atlas = atlas(self._thumbnails)
            self._set(index=place, name=free, image=image)

    def _set(self, **values: Any) -> None:
        """Set traits that belong together, without each of them choosing again."""
        before, self._settled = self._settled, False
        try:
            with self.hold_sync():
                for key, value in values.items():
                    setattr(self, key, value)
        finally:
            self._settled = before

    @t.observe("index")
    def _choose(self, change: t.Bunch) -> None:
        if not self._settled or self.index < 0:
            return
        try:
            image = _read(self._sources[self.index])
        except Exception:
            self._set(index=change.old)
            raise
        self._set(name=self._names[self.index], image=image)

    @t.observe("name")
    def _choose_name(self, change: t.Bunch) -> None:
        if self._settled:
            self.index = self._names.index(self.name)

    @t.observe("image")
    def _choose_image(self, change: t.Bunch) -> None:
        if self._settled and self.image is not None:
            known = self._place_of(self.image)
            if known is None:
                self.add(self.image)
            else:
                self.index = known
        self._preview = b"" if self.image is None else jpeg_bytes(self._small())

    def _place_of(self, image: Image.Image) -> int | None:
        """Where in the gallery this very picture is; the thumbnails tell which ones are worth reading."""
        thumbnail = square_thumbnail(image, THUMBNAIL).tobytes()
        for place, (other, source) in enumerate(zip(self._thumbnails, self._sources, strict=True)):
            if other.tobytes() == thumbnail and _read(source).tobytes() == image.tobytes():
                return place
        return None

    @t.validate("image")
    def _readable(self, proposal: t.Bunch) -> "Image.Image | None":
        return proposal.value if proposal.value is None or not self._settled else _read(proposal.value)

    @t.validate("index")
    def _index_exists(self, proposal: t.Bunch) -> int:
        if not -1 <= proposal.value < len(self._names):
            raise t.TraitError(
                f"picture {proposal.value} does not exist: there are 0 to {len(self._names) - 1}"
            )
        return proposal.value

    @t.validate("name")
    def _name_exists(self, proposal: t.Bunch) -> str:
        if self._settled and proposal.value not in self._names:
            raise t.TraitError(
                f"there is no picture {proposal.value!r}; {nearest_names(proposal.value, self._names)}"
            )
        return proposal.value

    # -- the browser's pictures --------------------------------------------------------------------

    def receive(self, content: dict, buffers: list) -> None:
        """Take a picture that the browser sent.

        Pictures come as messages rather than as traits: nothing of them stays behind in the models.
        """
        kind = content.get("kind")
        if kind == "upload":
            self.error = ""  # so that the same error for the next file is news to the browser
            name = str(content.get("name") or "your picture")
            try:
                self.add(bytes(buffers[0]), name=name)
            except ValueError as error:  # ImageError: say which of the files it was
                raise type(error)(f"{name}: {error}") from error
        elif kind == "frame":
            try:
                self._set(index=-1, name="camera", image=_read(bytes(buffers[0])))
            finally:
                self.frame_seen = int(content["number"])
        elif kind == "camera stopped" and self.index < 0 and self.image is not None:
            self.add(self.image, name="camera")

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        super().close()
        self._sources, self._thumbnails = [], []
        self._trait_values |= {"image": None, "index": -1, "name": ""}

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The chosen picture in words."""
        if self.image is None:
            return "ImagePicker: no picture"
        width, height = self.image.size
        return f"Picture {self.name}, {width} × {height} pixels, one of {len(self._names)}"

    def picture(self) -> Image.Image | None:
        """The chosen picture, at most 320 pixels."""
        return None if self.image is None else self._small()

    def _small(self) -> Image.Image:
        small = self.image.copy()
        small.thumbnail((PREVIEW, PREVIEW), Image.Resampling.BICUBIC, reducing_gap=2)
        return small


def _read(source: Any) -> Image.Image:
    from ..data import read_image  # here, since it brings torch

    return read_image(source.image if hasattr(source, "image") else source)
