"""Arrays to pixels: colour maps, mosaics, overlays, encoded pictures and films.

Knows numpy and PIL, never torch.
"""

from .colormaps import COLORMAPS, DIVERGING, colorize, display_range, lut
from .encode import atlas, jpeg_bytes, png_bytes, square_thumbnail
from .mosaic import grid_columns, mosaic
from .overlay import overlay, resize_map
from .quantise import dequantise, quantise
from .video import gif_bytes, mp4_bytes, save_film

__all__ = [
    "COLORMAPS",
    "DIVERGING",
    "atlas",
    "colorize",
    "dequantise",
    "display_range",
    "gif_bytes",
    "grid_columns",
    "jpeg_bytes",
    "lut",
    "mosaic",
    "mp4_bytes",
    "overlay",
    "png_bytes",
    "quantise",
    "resize_map",
    "save_film",
    "square_thumbnail",
]
