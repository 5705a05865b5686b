"""What the network sees of the images of a scan, as pictures; the last ones are kept."""

from collections import OrderedDict

import numpy as np

from ..core import InputError

KEPT = 600


class PicturesSeen:
    """Pictures of one network's inputs. One thread at a time asks for them.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network):
        self._network = network
        self._kept = OrderedDict()

    def picture(self, patches, image):
        """One image of a scan as uint8 (H, W, 3).

        Parameters
        ----------
        patches : Patches
        image : int

        Raises
        ------
        InputError
            If the image is not at hand.
        """
        return self._keep(patches, image, None)

    def both(self, patches, image):
        """One image of a scan as the network took it, a tensor (C, H, W), and as `picture` gives it."""
        x = patches.tensor(image)
        return x, self._keep(patches, image, x)

    def _keep(self, patches, image, x):
        place = patches.images, image
        if place not in self._kept:
            self._kept[place] = self._made(patches, image, patches.tensor(image) if x is None else x)
        self._kept.move_to_end(place)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[place]

    def _made(self, patches, image, x):
        try:
            return self._network.to_image(x)
        except InputError:  # a preprocessing that cannot be undone
            pass
        try:
            item = patches.images.item(image)
            if isinstance(item, (tuple, list)) and not hasattr(item, "image"):
                item = item[0]  # a picture with its label
            return np.array(self._network.picture(item).convert("RGB"))
        except Exception:  # nothing that pictures are made of, or gone by
            return stretched(x)


def stretched(x):
    """Any numbers (C, H, W) as a picture: the least black, the greatest white."""
    x = x.detach().float().cpu().numpy()
    x = x if len(x) in (1, 3) else x.mean(axis=0, keepdims=True)
    x = x - x.min()
    pixels = (x / (x.max() or 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0))
