"""Dreams and films as they come, step by step: watched, changed on the way, paused, stopped."""

import time
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..core import InputError, deep_dream, dream_zoom
from ..render import gif_bytes, mp4_bytes
from .dream_picture import LARGEST_LOOK, Wanted, objective_of, pixels_of, strongest_channel, tensor_of

PAUSE = 0.1
"""Seconds between two looks at a dream that runs."""
LARGEST_GIF = 320
"""Longest side of a GIF, whose size grows fast; the MP4 is as large as the dream."""
MOST_BYTES = 600_000_000
"""What the pictures of a film may take."""
OCTAVES = 2
"""Of each picture of a film: what is larger is there from the picture before."""
SILENT = "0: nothing in this picture drives it"
"""What is told where a dream cannot grow, such as that of a channel after its ReLU."""


class Begun(NamedTuple):
    """A dream that starts: the picture as it was, and the channel that was found."""

    wanted: Wanted
    dream: Any
    channel: int | None
    original: np.ndarray


class Look(NamedTuple):
    """A dream as it is now.

    Attributes
    ----------
    number : int
        Of the look, counted over all octaves: each has one more than it has steps.
    label : str
    growth : str
        How much stronger what is dreamt has become in this octave, or `SILENT`; empty where not known.
    pixels : ndarray of uint8, shape (H, W, 3)
        At the size of the last octave.
    is_last : bool
    """

    number: int
    label: str
    growth: str
    pixels: np.ndarray
    is_last: bool


class Stage(NamedTuple):
    """The next part of the work on a film, and how many there are to do of what it counts; 0 for unknown."""

    name: str
    total: int = 0


class Film(NamedTuple):
    """A film that is ready."""

    gif: bytes
    mp4: bytes
    caption: str
    message: str


def begin(wanted, control):
    """A dream that has not taken any step yet, and the channel that it is of."""
    x, channel = tensor_of(wanted.network, wanted.image, wanted.size), wanted.channel
    if wanted.strongest:
        channel = _strongest(wanted)
    dream = deep_dream(
        wanted.network, x, objective=objective_of(wanted, channel),
        n_steps=control.n_steps, rate=control.step_size, jitter=control.jitter,
        octaves=wanted.octaves, octave_scale=wanted.octave_scale, seed=wanted.seed,
    )  # fmt: skip
    return Begun(wanted, dream, channel, pixels_of(wanted.network, x, x.shape[2:]))


def _strongest(wanted):
    x = tensor_of(wanted.network, wanted.image, min(wanted.size, LARGEST_LOOK))
    return strongest_channel(wanted.network, x, wanted.layer)


def dream_looks(wanted, control, tell, may_pause=True):
    """The steps of a dream, ten a second at most, and the last one.

    Parameters
    ----------
    wanted : Wanted
    control : DreamControl
        Looked at before each step, and told how far the dream is.
    tell : callable
        Called with None often; what it raises ends the work.
    may_pause : bool
        Whether there is somebody who could end a pause.

    Yields
    ------
    Begun, then Look
    """
    begun = begin(wanted, control)
    dream, shown, look = begun.dream, -np.inf, None
    yield begun
    first, number, is_silent = 0.0, -1, True
    while True:
        tell(None)
        dream.n_steps, dream.rate, dream.jitter = control.n_steps, control.step_size, control.jitter
        if not control.stopping and may_pause and number >= 0 and not control.may_go_on():
            if look is not None:
                yield look._replace(pixels=_pixels(begun))
                look = None
            time.sleep(0.03)
            continue
        step = None if control.stopping and number >= 0 else next(dream, None)
        if step is None:
            break
        number += 1
        first = step.value if step.number == 0 else first
        is_silent = is_silent and not abs(step.value) > 0  # at the end of an octave it is NaN
        tell(None)  # what is told of an old dream would be taken for the new one
        done = dream.octave * dream.n_steps + min(step.number, dream.n_steps)  # there may be fewer by now
        control.progress(done, dream.total, dream.octave)
        look = Look(number, _told(dream, step), _growth(step.value, first), None, False)
        if time.monotonic() - shown >= PAUSE:
            shown = time.monotonic()
            yield look._replace(pixels=_pixels(begun))
            look = None
    told = "" if number < 0 else _told(dream, dream)
    yield Look(number, told, SILENT if is_silent else "", _pixels(begun), True)


def _pixels(begun):
    return pixels_of(begun.wanted.network, begun.dream.image, begun.original.shape[:2])


def _told(dream, step):
    octave = f"octave {step.octave + 1} of {len(dream.sizes)}, " if len(dream.sizes) > 1 else ""
    return f"{octave}step {step.number}"


def _growth(value, first):
    if value == first == 0:
        return SILENT
    if not (np.isfinite(value) and np.isfinite(first) and first > 0):
        return ""
    return f"× {value / first:.3g}"


def film_news(wanted, control, film, tell):
    """The pictures of a film that begins with the photograph, and the film.

    Parameters
    ----------
    wanted : Wanted
    control : DreamControl
        For the settings of each dream.
    film : ZoomFilm
        Looked at after each picture, and told how far the work is.
    tell : callable
        Called with None often; what it raises ends the work.

    Yields
    ------
    ndarray of uint8, shape (H, W, 3), and Stage, then Film
    """
    n_frames, fps = film.n_frames, film.fps
    x, channel = tensor_of(wanted.network, wanted.image, wanted.size), wanted.channel
    needed = 3 * n_frames * x.shape[2] * x.shape[3]
    if needed > MOST_BYTES:
        raise InputError(
            f"{n_frames} pictures of {x.shape[3]} × {x.shape[2]} take {needed / 1e9:.1f} GB: choose fewer, "
            "or a shorter side"
        )
    if wanted.strongest:
        channel = _strongest(wanted)

    def report(done, total):
        tell(None)
        film.progress(done, total)

    zoom = dream_zoom(
        wanted.network, x, objective=objective_of(wanted, channel), n_frames=n_frames, zoom=film.zoom,
        n_steps=film.n_steps, octaves=min(OCTAVES, wanted.octaves), rate=control.step_size,
        octave_scale=wanted.octave_scale, jitter=control.jitter, seed=wanted.seed, progress=report,
    )  # fmt: skip
    yield Stage("dreaming, step")
    frames, shown = [], -np.inf
    for frame in zoom:
        frames.append(pixels_of(wanted.network, frame.image, x.shape[2:]))
        if time.monotonic() - shown >= 3 * PAUSE:
            shown = time.monotonic()
            yield frames[-1]
        if film.stopping:
            break
    yield frames[-1]
    yield from _written(wanted, film, frames, n_frames, fps, tell)


def _written(wanted, film, frames, n_frames, fps, tell):
    def report(done, total):
        tell(None)
        film.progress(done, total)

    yield Stage("writing the GIF, picture", len(frames))
    gif = gif_bytes(map(_small, frames), min(fps, 50), report)
    yield Stage("writing the MP4, picture", len(frames))
    try:
        mp4, said = mp4_bytes(frames, fps, progress=report), ""
    except (ImportError, OSError, RuntimeError) as error:  # without ffmpeg, or one that cannot do it
        mp4, said = b"", f"; no MP4: {str(error).partition(chr(10))[0]}"
    n = len(frames)
    message = f"{n} pictures" if n == n_frames else f"ended after {n} of {n_frames} pictures"
    told = f"{wanted.layer} of {wanted.network.name}, {n} picture{'' if n == 1 else 's'}"
    yield Film(gif, mp4, told, message + said)


def _small(pixels):
    longest = max(pixels.shape[:2])
    if longest <= LARGEST_GIF:
        return pixels
    size = [round(side * LARGEST_GIF / longest) for side in pixels.shape[1::-1]]
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
