"""The true masks of the Toytown drawings among the samples."""

from functools import cache

import numpy as np
from PIL import Image

from ..data import Toytown


@cache
def _masks():
    town = Toytown("test", length=len(Toytown.classes))  # the samples: the first of each class
    examples = [town[index] for index in range(len(town))]
    return {example.image.tobytes(): example.object_mask for example in examples}


def true_mask(image):
    """Where the object is in a sample drawing: bool (H, W); None for any other picture."""
    return _masks().get(np.asarray(image.convert("RGB")).tobytes())


def as_seen(network, mask):
    """A mask of a picture as it lies over what the network sees of it: resized and cropped; bool (h, w)."""
    grey = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).convert("RGB")
    return np.asarray(network.picture(grey).convert("L")) > 127
