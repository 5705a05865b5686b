"""Pixels of any kind, a PIL mode or an array, to 8-bit RGB."""

import numpy as np
from PIL import Image, ImageCms

from ..core.errors import InputError

MAX_MEGAPIXELS = 100

HALF_LEVEL = 0.5 / 255
"""Half a grey level: floats as far as this outside [0, 1] still round to 0 or 255."""

SIXTEEN_BIT_FORMATS = ("PNG", "PPM")
"""Files that PIL opens in the 32-bit mode "I", though their samples have sixteen bits."""


class ImageError(InputError):
    """An image cannot be read; the message names the file and the mend."""


def check_size(width: int, height: int, name: str) -> None:
    """Refuse pictures without pixels, and those too large to decode."""
    if width <= 0 or height <= 0:
        raise ImageError(f"{name} has no pixels ({width} × {height}): give one that is at least 1 × 1.")
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise ImageError(
            f"{name} is too large ({width} × {height} = {width * height / 1e6:,.0f} megapixels): "
            f"make it smaller than {MAX_MEGAPIXELS} megapixels first."
        )


def rgb_from_pil(image: Image.Image, name: str) -> Image.Image:
    """RGB copy of a PIL image in any mode, upright as its EXIF orientation says, transparency over white."""
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        values = np.asarray(image)
        if mode == "I" and image.format in SIXTEEN_BIT_FORMATS:
            values = values.astype(np.uint16)
        elif mode == "I" and values.min() >= 0 and 255 < values.max() <= 65535:
            values = values.astype(np.uint16)  # what "I" is mostly used for
        rgb = Image.fromarray(_grey_levels(values, name)).convert("RGB")
    elif mode == "LAB":
        rgb = ImageCms.applyTransform(image, _lab_to_srgb())
    elif mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        rgb = _over_white(image)
    else:
        rgb = image.convert("RGB")
    return _upright(rgb, image)


def rgb_from_array(values: np.ndarray, name: str) -> Image.Image:
    """RGB image from (H, W), (H, W, 1|3|4) or (1|3|4, H, W); the alpha of four channels goes over white."""
    shape = values.shape
    if values.ndim == 4 and shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and values.shape[-1] not in (1, 3, 4) and values.shape[0] in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        raise ImageError(
            f"{name} has shape {shape}: give one image as (H, W), (H, W, 3), (H, W, 4) or (3, H, W); "
            "of several, take one: images[0]."
        )
    check_size(values.shape[1], values.shape[0], name)
    levels = _grey_levels(values, name)
    if levels.shape[-1] == 1:
        return Image.fromarray(levels[..., 0]).convert("RGB")
    image = Image.fromarray(np.ascontiguousarray(levels))
    return _over_white(image) if image.mode == "RGBA" else image


def _grey_levels(values: np.ndarray, name: str) -> np.ndarray:
    """Values 0 … 255 as uint8, from any dtype whose range is known."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * 255
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 257 = 255, rounded
    if values.dtype.kind not in "iuf":
        raise ImageError(
            f"{name} holds {values.dtype} values: give uint8, uint16, bool, or floats from 0 to 1."
        )
    low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all():
        raise ImageError(
            f"{name} has values that are not finite (NaN or infinity): replace them, with np.nan_to_num."
        )
    if values.dtype.kind == "f":
        if low < -HALF_LEVEL or high > 1 + HALF_LEVEL:
            raise ImageError(
                f"{name} has float values from {low:.4g} to {high:.4g}, but floats must lie between 0 and "
                "1: divide values of 0 … 255 by 255; undo a normalisation with network.to_image(x)."
            )
        return np.rint(values.astype(np.float32) * 255).astype(np.uint8)
    if low < 0 or high > 255:
        raise ImageError(
            f"{name} has {values.dtype} values from {low} to {high}: give uint8 (0 … 255) or uint16 (0 … "
            "65535)."
        )
    return values.astype(np.uint8)


def _over_white(image: Image.Image) -> Image.Image:
    # PIL knows no direct way from "La" to "RGBA"
    rgba = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _lab_to_srgb():
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")


ORIENTATION_TAG = 0x0112

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture upright, for each EXIF orientation; 1 is upright."""


def _upright(rgb: Image.Image, original: Image.Image) -> Image.Image:
    try:
        orientation = original.getexif().get(ORIENTATION_TAG)
    except Exception:  # damaged EXIF raises whatever its parser meets; the pixels are good all the same
        orientation = None
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    upright = rgb if turn is None else rgb.transpose(turn)
    upright.info = {}  # the orientation goes with it, so that nobody turns the picture a second time
    return upright
