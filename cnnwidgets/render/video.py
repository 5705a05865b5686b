"""Pictures one after the other: films as GIF and as MP4."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

#: More than this many pictures a second no browser shows of a GIF: it slows down those that ask for more.
MOST_GIF = 50
#: About so many pixels of each picture choose its 256 colours.
SAMPLED = 8_000

Frame = "Image.Image | np.ndarray"
Progress = Callable[[int, "int | None"], Any]


def gif_bytes(frames: Iterable[Frame], fps: float = 12, progress: Progress | None = None) -> bytes:
    """A film that is played over and over, in every browser and every mail; each picture in 256 colours.

    A GIF counts in hundredths of a second: pictures stay for one more or one less, so that the film as a
    whole takes as long as it should.

    Parameters
    ----------
    frames : iterable of PIL images or ndarrays of uint8, shape (H, W, 3) or (H, W)
        All of one size.
    fps : float
        Pictures a second, up to 50.
    progress : callable, optional
        Called with how many pictures are done, and of how many (None if that is not known). What it raises
        ends the work.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If there are no pictures, one of them is none, their sizes differ, or there are too many a second.

    Examples
    --------
    >>> film = gif_bytes([np.full((20, 30, 3), grey, np.uint8) for grey in (0, 100, 200)])
    >>> film[:6]
    b'GIF89a'
    """
    if not 0 < fps <= MOST_GIF:
        raise ValueError(f"a GIF shows more than 0 and at most {MOST_GIF} pictures a second, not {fps!r}")
    pictures = [_in_256_colours(frame) for frame in _checked(frames, progress)]
    ends = [round(100 * (i + 1) / fps) for i in range(len(pictures))]
    durations = [10 * (end - start) for start, end in zip([0, *ends], ends, strict=False)]
    buffer = BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False
    )
    return buffer.getvalue()


def mp4_bytes(
    frames: Iterable[Frame], fps: float = 12, quality: float = 7, progress: Progress | None = None
) -> bytes:
    """A film in H.264, which every browser and telephone plays: smaller than a GIF, and in all colours.

    The format wants even sides: a picture with an odd number of rows or columns gets its last one twice.

    Parameters
    ----------
    frames : iterable of PIL images or ndarrays of uint8, shape (H, W, 3) or (H, W)
        All of one size.
    fps : float
        Pictures a second.
    quality : float
        0, worst, to 10.
    progress : callable, optional
        As for `gif_bytes`.

    Returns
    -------
    bytes

    Raises
    ------
    ImportError
        If imageio-ffmpeg is not installed; says how to install it.
    ValueError
        If there are no pictures, one of them is none, or their sizes differ.

    Examples
    --------
    >>> film = mp4_bytes([np.full((20, 31, 3), grey, np.uint8) for grey in (0, 100, 200)])
    >>> film[4:8]
    b'ftyp'
    """
    if not 0 < fps < float("inf"):
        raise ValueError(f"fps is the number of pictures a second, above 0, not {fps!r}")
    if not 0 <= quality <= 10:
        raise ValueError(f"quality is from 0, worst, to 10, not {quality!r}")
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ImportError('MP4 needs imageio-ffmpeg: pip install "cnnwidgets[lab]", or take a GIF') from None
    frames = map(_even, _checked(frames, progress))
    first = next(frames)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        writer = imageio_ffmpeg.write_frames(
            path, first.shape[1::-1], fps=fps, quality=quality, macro_block_size=1, ffmpeg_log_level="error",
            output_params=["-movflags", "+faststart"],  # so that it can be played while it loads
        )  # fmt: skip
        try:
            writer.send(None)
            for frame in chain([first], frames):
                writer.send(frame)
        finally:
            writer.close()
        return path.read_bytes()


def save_film(path: Any, frames: Iterable[Frame], fps: float = 12, progress: Progress | None = None) -> Path:
    """Write pictures as a film, ``.gif`` or ``.mp4`` by the name of the file.

    Parameters
    ----------
    path : str or path
    frames, fps, progress
        As for `gif_bytes`.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the name has another ending; and as `gif_bytes` and `mp4_bytes` do, with their ImportError.
        Nothing is written then.
    """
    path = Path(path)
    make = {".gif": gif_bytes, ".mp4": mp4_bytes}.get(path.suffix.lower())
    if make is None:
        raise ValueError(f"the name of a film ends with .gif or .mp4, and {path.name!r} does not")
    path.write_bytes(make(frames, fps, progress=progress))
    return path


def _checked(frames: Iterable[Frame], progress: Progress | None) -> Iterator[np.ndarray]:
    """The pictures as arrays (H, W, 3) of one size; at least one."""
    total = len(frames) if hasattr(frames, "__len__") else None
    size, count = None, 0
    for frame in frames:
        pixels = _pixels(frame)
        size = size or pixels.shape
        if pixels.shape != size:
            raise ValueError(
                f"all pictures of a film have one size: the first is {size[1]} × {size[0]}, number {count} "
                f"is {pixels.shape[1]} × {pixels.shape[0]}"
            )
        yield pixels
        count += 1
        if progress is not None:
            progress(count, total)
    if not count:
        raise ValueError("a film has at least one picture")


def _pixels(frame: Frame) -> np.ndarray:
    if isinstance(frame, Image.Image):
        return np.asarray(frame.convert("RGB"))
    pixels = np.asarray(frame)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,), (4,)):
        raise ValueError(
            "a picture of a film is a PIL image or an array of uint8 with shape (H, W, 3) or (H, W), not of "
            f"{pixels.dtype} with shape {pixels.shape}"
        )
    return np.asarray(Image.fromarray(pixels).convert("RGB"))


def _in_256_colours(pixels: np.ndarray) -> Image.Image:
    """Of the colours of some pixels, as a choice among those of all would take 20 times as long."""
    image = Image.fromarray(pixels)
    every = max(1, round((image.width * image.height / SAMPLED) ** 0.5))
    if every == 1:
        return image.quantize(256, Image.Quantize.MEDIANCUT)
    size = max(1, image.width // every), max(1, image.height // every)
    few = image.resize(size, Image.Resampling.NEAREST)
    return image.quantize(palette=few.quantize(256, Image.Quantize.MEDIANCUT), dither=Image.Dither.NONE)


def _even(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))
