"""Reading an image, whatever it comes in."""

import io
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from .pixels import ImageError, check_size, rgb_from_array, rgb_from_pil

__all__ = ["ImageError", "read_image"]

# Formats of pixels only: PIL would also hand PostScript to an interpreter, and take nearly any bytes for a
# TGA. HEIF is there if the user has registered a plugin for it.
FORMATS = "PNG JPEG MPO GIF WEBP AVIF HEIF JPEG2000 BMP DIB TIFF PPM ICO".split()

# What a file that is no picture often is: first bytes -> what to do about it.
NOT_PICTURES = {
    b"<svg": "it is an SVG drawing, which has no pixels: export it as PNG",
    b"<?xml": "it is an XML or SVG file: export it as PNG",
    b"<": "it is a web page: save the picture itself, not the page around it",
    b"%PDF": "it is a PDF: export the page as PNG",
    b"%!PS": "it is PostScript: export it as PNG",
    b"version https://git-lfs": "it is a Git LFS pointer: run `git lfs pull`",
}

# warnings.catch_warnings swaps global state: two threads inside it could leave all warnings off for good.
_quiet = threading.Lock()


def read_image(source) -> Image.Image:
    """Read an image from anything that holds one, as 8-bit RGB.

    Parameters
    ----------
    source : str, Path, bytes, binary file, PIL image, array, tensor or upload
        - A path, the bytes of a file, or a file opened with ``"rb"`` (read from its start; left where it
          was): PNG, JPEG, GIF, WebP, TIFF, BMP, JPEG 2000, PPM, ICO, and AVIF or HEIF if PIL can. Of an
          animation, the first frame.
        - A PIL image of any mode. It is not changed.
        - An array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); or with the channels first, where the
          last axis cannot be the channels. uint8, uint16 (0 … 65535), bool, other integers from 0 to 255, or
          floats from 0 to 1. The range is never guessed: floats outside 0 … 1 are an error.
        - A torch tensor of shape (H, W), (C, H, W) or (1, C, H, W), with C = 1, 3 or 4; values as for arrays.
        - The ``value`` of an ``ipywidgets.FileUpload``, or one of its items.
        - An object with such an ``image``: a sample, a Toytown example.

    Returns
    -------
    PIL.Image.Image
        A new image in mode RGB, turned upright as its EXIF orientation says, transparency laid over white, 16
        bits scaled to 8. Colour profiles are not applied.

    Raises
    ------
    ImageError
        If there is no such file; if it is not a picture, damaged, empty, or above 100 megapixels (found
        before it is decoded); if an array has a shape or values that are not an image's.

    Examples
    --------
    >>> import numpy as np
    >>> read_image(np.zeros((20, 30), dtype=bool)).size
    (30, 20)
    """
    if isinstance(source, str | Path):
        return _read_path(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return _decode(io.BytesIO(source), "The image")
    if isinstance(source, Image.Image):
        return _from_pil(source, "The image")
    if isinstance(source, np.ndarray):
        return rgb_from_array(source, "The array")
    # A tensor can only come from somebody who has imported torch.
    if "torch" in sys.modules and isinstance(source, sys.modules["torch"].Tensor):
        return _from_tensor(source)
    if getattr(source, "image", None) is not None:
        return read_image(source.image)
    if isinstance(source, tuple | list | Mapping):
        return _from_upload(source)
    if hasattr(source, "read"):
        return _read_file(source)
    if hasattr(source, "__array__"):
        return rgb_from_array(np.asarray(source), "The array")
    raise ImageError(
        f"Can't read an image from a {type(source).__name__}: give a path, bytes, an open file, a PIL image, "
        "a numpy array, a torch tensor or an upload."
    )


def _read_path(source: str | Path) -> Image.Image:
    name = f"'{source}'"
    if str(source).startswith(("http://", "https://")):
        raise ImageError(
            f"{name} is a web address: download the picture first, and give the path of the file."
        )
    try:
        path = Path(source).expanduser()
        if not path.exists():
            raise ImageError(f"There is no file {name}: check the path (looked from {Path.cwd()}).")
        if not path.is_file():
            raise ImageError(f"{name} is not a file: give the path of one picture.")
        with path.open("rb") as file:
            return _decode(file, name)
    except ImageError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # no permission, a null byte in the path, no home
        raise ImageError(f"{name} cannot be opened ({error}): check the path and its permissions.") from None


def _read_file(file) -> Image.Image:
    name = f"'{file.name}'" if isinstance(getattr(file, "name", None), str) else "The image"
    try:
        # A buffer that was just written stands at its end, but the picture starts at 0.
        place = file.tell() if file.seekable() else None
        if place is not None:
            file.seek(0)
        content = file.read()
        if place is not None:
            file.seek(place)
    except Exception as error:  # of a closed file, a broken connection, somebody's own class with read()
        raise ImageError(
            f"{name} cannot be read ({error}): give a file opened with open(path, 'rb')."
        ) from None
    if not isinstance(content, bytes | bytearray | memoryview):
        raise ImageError(f"{name} was opened as text: open it with open(path, 'rb').")
    return _decode(io.BytesIO(content), name)


def _decode(file, name: str) -> Image.Image:
    start = bytes(file.read(512))
    file.seek(0)
    if not start:
        raise ImageError(f"{name} is empty (0 bytes): save or upload it again.")
    Image.init()  # without it, PIL knows its five commonest formats only
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL's remarks about odd files: it either opens or it doesn't
        try:
            image = Image.open(file, formats=[known for known in FORMATS if known in Image.OPEN])
        except Image.DecompressionBombError:
            raise ImageError(f"{name} is too large: make it smaller than 100 megapixels first.") from None
        except Exception:  # damaged files raise whatever their decoder meets
            raise ImageError(f"{name} is not a picture that can be read: {_advice(start)}.") from None
        return _to_rgb(image, name)


def _from_pil(image: Image.Image, name: str) -> Image.Image:
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _to_rgb(image, name)


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    check_size(*image.size, name)
    try:
        image.load()
        return rgb_from_pil(image, name)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(
            f"{name} is damaged or incomplete ({error}): save, download or upload it again."
        ) from None


def _advice(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")  # a byte order mark and blanks may stand before the first tag
    if b"<svg" in text:
        text = b"<svg"
    for beginning, advice in NOT_PICTURES.items():
        if text.startswith(beginning):
            return advice
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "it is a HEIC photograph: save it as JPEG"
    return "it may be damaged or another kind of file: save it as PNG or JPEG"


def _from_tensor(tensor) -> Image.Image:
    values = tensor.detach().cpu()
    if values.is_floating_point():
        values = values.float()  # numpy has no bfloat16
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2 and (values.ndim != 3 or values.shape[0] not in (1, 3, 4)):
        raise ImageError(
            f"The tensor has shape {tuple(tensor.shape)}: give one image as (C, H, W) or (1, C, H, W) with "
            "1, 3 or 4 channels; of a batch take x[0]; move trailing channels with x.permute(2, 0, 1)."
        )
    values = values.numpy()
    # Channels last, where an array is never ambiguous: a tensor (3, H, 1) is one column of colour pixels.
    return rgb_from_array(values if values.ndim == 2 else np.moveaxis(values, 0, -1), "The tensor")


def _from_upload(value) -> Image.Image:
    items = [value] if isinstance(value, Mapping) and "content" in value else value
    # ipywidgets 8: a tuple of dicts. ipywidgets 7: a dict from file name to dict.
    items = list(items.values()) if isinstance(items, Mapping) else list(items)
    if not items:
        raise ImageError("Nothing has been uploaded yet: choose a file first.")
    if len(items) > 1:
        raise ImageError(f"{len(items)} images at once: give one, such as value[0].")
    if not isinstance(items[0], Mapping) or "content" not in items[0]:
        raise ImageError("This is not an upload: give upload.value of an ipywidgets.FileUpload.")
    item = items[0]
    name = item.get("name") or item.get("metadata", {}).get("name")
    return _decode(io.BytesIO(item["content"]), f"'{name}'" if name else "The image")
