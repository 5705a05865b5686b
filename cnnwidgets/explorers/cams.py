"""Class activation maps of one picture, of all layers at once, and kept."""

import numpy as np
import torch

from ..core import (
    NetworkError,
    cam,
    combine_grad_cam,
    combine_grad_cam_plus_plus,
    combine_hires_cam,
    combine_layer_cam,
    has_cam,
    score_cam,
    score_gradients,
    upsample,
)
from .explanations import beyond_rounding, state_of, usual_layer

METHODS = ("CAM", "Grad-CAM", "Grad-CAM++", "HiResCAM", "LayerCAM", "Score-CAM")
#: Whether negative evidence is left out, where the definition leaves no choice.
FIXED_RELU = {"CAM": False, "Grad-CAM++": True, "LayerCAM": True, "Score-CAM": True}
MOST = 18
"""Layers on the way from the first to the last."""
LEAST = 4
"""ReLUs that make a way."""


class Cams:
    """All class activation maps of one picture and network, as far as they were asked for.

    Parameters
    ----------
    network : Network
    image : PIL image
    layers : tuple of str
        Layers with maps.

    Attributes
    ----------
    picture : PIL image
        What the network sees.
    probabilities : ndarray of float, shape (n_classes,)
    refused : dict of str to str
        Methods that this network does not allow, and why.
    """

    def __init__(self, network, image, layers):
        self.network, self.image, self.layers = network, image, layers
        self._state = state_of(network.module)
        self.x = network.read(image)
        self.picture = network.picture(image)
        self.probabilities = network.scores(self.x)[0].float().softmax(0).cpu().numpy()
        self.refused = {}
        if not has_cam(network, self.x):
            self.refused["CAM"] = "it needs global average pooling, followed by one linear layer"
        self._maps = {}  # (class, method, layer) -> map without ReLU where there is a choice
        self._guided = {}  # class -> guided backprop

    def is_current(self):
        """Whether the network is still what it was: it may have learned since."""
        return self._state == state_of(self.network.module)

    def has(self, target, method, layer):
        """Whether a map is there."""
        return (target, method, layer) in self._maps

    def map(self, target, method, layer, relu=True):
        """A map of a class: float32 (h, w), of which negative evidence may be left out; None if not there."""
        values = self._maps.get((target, method, layer))
        return values if values is None or not relu else np.maximum(values, 0)

    def guided(self, target, method, layer, relu=True):
        """Guided backprop times a map: Guided Grad-CAM, and the like of its relatives; None without ReLUs."""
        back, values = self._guided.get(target), self.map(target, method, layer, relu)
        if back is None or values is None:
            return None
        return back * upsample(torch.from_numpy(values)[None], tuple(back.shape[1:]))[0].numpy()

    def compute(self, target):
        """All methods that need no more than the gradients of all layers: they come from one pass."""
        if self.has(target, "LayerCAM", self.layers[-1]):
            return
        found = score_gradients(self.network, self.x, target, self.layers, pixels=False)
        if "CAM" not in self.refused:
            self._keep(target, "CAM", usual_layer(self.network), cam(self.network, self.x, target))
        if target not in self._guided:
            try:
                back = score_gradients(self.network, self.x, target, rule="guided").pixels
                self._guided[target] = back[0].float().cpu().numpy()
            except NetworkError as error:  # no ReLU
                self._guided[target] = None
                self.refused["Guided Grad-CAM"] = str(error)
        for layer in self.layers:
            pair = found.layers[layer]
            for method, combined in (
                ("Grad-CAM", combine_grad_cam(*pair, relu=False)),
                ("Grad-CAM++", combine_grad_cam_plus_plus(*pair)),
                ("HiResCAM", combine_hires_cam(*pair, relu=False)),
                ("LayerCAM", combine_layer_cam(*pair)),
            ):
                self._keep(target, method, layer, beyond_rounding(combined, *pair, self.network))

    def compute_score_cam(self, target, layer, tell):
        """Score-CAM of one layer, a forward pass for each of its channels.

        Parameters
        ----------
        target : int
        layer : str
        tell : callable
            Gets how many channels are done, of how many; what it raises ends the work.
        """
        if not self.has(target, "Score-CAM", layer):
            size = _batch(self.x)
            found = score_cam(self.network, self.x, target, layer, batch_size=size, progress=tell)
            self._keep(target, "Score-CAM", layer, found)

    def _keep(self, target, method, layer, found):
        self._maps[target, method, layer] = found[0].float().cpu().numpy()


def _batch(x):
    """So many images that a batch does not take long."""
    return int(np.clip(16 * 96 * 96 // (x.shape[2] * x.shape[3]), 1, 32))


def walk(network, chosen=None):
    """Names of the layers from the picture to the scores that a slider can walk along: not too many.

    All with maps; if these are too many, only the ReLUs, where the last maps come after one, or else only the
    blocks; of these some, evenly spaced, if they are still too many. The chosen one, and the last maps, are
    among them.

    Parameters
    ----------
    network : Network
    chosen : str, optional

    Returns
    -------
    tuple of str
        Empty if no layer has maps.
    """
    spatial = [each for each in network.layers if each.is_spatial and not each.channels_last]
    found = names = [each.name for each in spatial]
    relus = [each.name for each in spatial if each.kind == "ReLU"]
    usual = usual_layer(network)
    if len(names) > MOST:
        found = relus if usual in relus and len(relus) >= LEAST else _blocks(names)
    if len(found) > MOST:
        found = [found[place] for place in np.linspace(0, len(found) - 1, MOST).round().astype(int)]
    return tuple(name for name in names if name in found or name in (chosen, usual))


def _blocks(names):
    """As deep into the parts of parts as there are not too many."""
    by_depth = [[name for name in names if name.count(".") <= depth] for depth in range(9)]
    fitting = [found for found in by_depth if LEAST <= len(found) <= MOST]
    return fitting[-1] if fitting else names
