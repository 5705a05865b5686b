"""From a photograph to what a network dreams on, and back; and where a dream begins."""

from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from ..core import capture, likeness
from ..core.ascent.objectives import Objective, activity
from ..data import samples
from .cams import walk

USUAL = {"toynet": "relu5", "toynet-gap": "relu5"}
"""Layers of which dreams are worth a look."""
DEPTH = 0.7
"""How far up the usual layer of other networks is."""
FIRST = ("temple", "flower", "galaxies")
"""Samples in which there is much to see, and room for more."""


LARGEST_LOOK = 320
"""Longest side of a picture that is run through the network as a whole, not in tiles as a dream is: of a
guide, with each place of which each of the dream is compared, and to find the strongest channel."""


class Wanted(NamedTuple):
    """Everything that makes a dream another one; what may change on the way is not in it.

    Attributes
    ----------
    network : Network
    image : PIL image
    layer : str
    channel : int or None
        Only this channel; None for all.
    strongest : bool
        Only the channel that is strongest in the picture, instead.
    guide : PIL image or None
        The picture that guides the dream.
    size : int
        Longest side.
    octaves, octave_scale, seed
        As `deep_dream` takes them.
    """

    network: Any
    image: Any
    layer: str
    channel: int | None
    strongest: bool
    guide: Any
    size: int
    octaves: int
    octave_scale: float
    seed: int


def layers_of(network, chosen=None):
    """Names of the layers that a slider walks along: those with maps, which take pictures of any size."""
    return walk(network, chosen)


def usual_layer(network, names):
    """Where a dream begins."""
    usual = USUAL.get(network.name)
    return usual if usual in names else names[int(DEPTH * len(names))]


def dream_samples():
    """All samples, those first that dream well: photographs, also where a network has seen drawings only."""
    found = samples()
    return {name: found[name] for name in [*(each for each in FIRST if each in found), *found]}


def note_of(info):
    """What the units of a layer see."""
    field = info.receptive_field
    if field is None:
        return ""
    if field.whole_image:
        return "sees everything"
    height, width = field.size
    return f"sees {height} × {width} px"


def fitted(image, longest):
    """Height and width of a picture whose longer side is to be so long."""
    scale = longest / max(image.size)
    return tuple(max(1, round(side * scale)) for side in (image.height, image.width))


def tensor_of(network, image, longest):
    """The whole picture, not only what the network would see of it: (1, C, H, W), preprocessed.

    Raises
    ------
    InputError
        If the preprocessing of the network cannot be undone.
    """
    height, width = fitted(image, longest)
    preprocess = network.preprocess
    mode = "L" if preprocess.channels == 1 else "RGB"
    small = image.convert(mode).resize((width, height), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(small, dtype=np.float32)).reshape(height, width, -1)
    return preprocess.normalise(pixels.movedim(-1, 0)[None] / 255).to(network.device)


def pixels_of(network, x, size):
    """The picture that an image (1, C, h, w) is, at another height and width: uint8 (H, W, 3)."""
    pixels = network.to_image(x)[0]
    if pixels.shape[:2] != tuple(size):
        larger = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC)
        pixels = np.asarray(larger)
    return pixels


def strongest_channel(network, x, layer):
    """The channel with the largest mean of squares: the one that most of the whole layer's dream is of."""
    maps = capture(network.module, x, [layer])[layer][0].float()
    power = maps.flatten(1).square().mean(1).nan_to_num(nan=-1.0)
    return int(power.argmax())


def objective_of(wanted, channel) -> Objective:
    """What is made stronger."""
    if wanted.guide is None:
        return activity(wanted.layer, channel)
    x = tensor_of(wanted.network, wanted.guide, min(wanted.size, max(wanted.guide.size), LARGEST_LOOK))
    return likeness(wanted.layer, capture(wanted.network.module, x, [wanted.layer])[wanted.layer])
