"""What squares show: the fills that a network's preprocessing allows, as inputs and as pictures."""

import torch

from ..core import fill_pixels

#: Fills with a colour in pixels, which the preprocessing turns into an input: its value in [0, 1].
COLOURS = {"grey": 0.5, "black": 0.0}
#: Fills that are made of the input itself.
OF_IMAGE = ("mean", "blurred", "noise", "elsewhere")


def fills_of(network):
    """Names of the fills there are for a network."""
    return [*(COLOURS if network.preprocess.undoable else ()), *OF_IMAGE]


def filled_input(network, x, fill):
    """What the squares show, (1, C, H, W), preprocessed as ``x`` is."""
    if fill in COLOURS:
        colour = torch.full((network.preprocess.channels, 1, 1), COLOURS[fill])
        return fill_pixels(x, network.preprocess.normalise(colour).flatten())
    return fill_pixels(x, fill)


def as_picture(network, x):
    """An input as a picture; None where the preprocessing cannot be undone."""
    return network.to_image(x)[0] if network.preprocess.undoable else None
