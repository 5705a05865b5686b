"""Arrays to pixels: colour maps, mosaics, overlays, encoded pictures. Knows numpy and PIL, never torch."""

from .colormaps import COLORMAPS, DIVERGING, colorize, display_range, lut
from .encode import atlas, jpeg_bytes, png_bytes, square_thumbnail
from .mosaic import grid_columns, mosaic
from .overlay import overlay, resize_map
from .quantise import dequantise, quantise

__all__ = [
    "COLORMAPS",
    "DIVERGING",
    "atlas",
    "colorize",
    "dequantise",
    "display_range",
    "grid_columns",
    "jpeg_bytes",
    "lut",
    "mosaic",
    "overlay",
    "png_bytes",
    "quantise",
    "resize_map",
    "square_thumbnail",
]
