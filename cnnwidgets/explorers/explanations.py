"""The maps of one picture, class by class: computed in short pieces, and kept."""

import time
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import torch

from ..core import (
    NetworkError,
    combine_grad_cam,
    integrated_gradients_steps,
    score_gradients,
    smooth_grad_steps,
    upsample,
)
from ..core.module import placement

METHODS = (
    "gradient",
    "saliency",
    "gradient × input",
    "SmoothGrad",
    "integrated gradients",
    "guided backprop",
    "DeconvNet",
    "Grad-CAM",
    "Guided Grad-CAM",
)
SLOW = ("SmoothGrad", "integrated gradients")
"""Those of many passes; of the others one pass gives several."""
PIECE = 0.06
"""Seconds of a piece: so long another class has to wait."""
ROUNDING = 4
"""So many units in the last place may be left of a sum that should be zero."""
KEPT = 4
"""Pictures whose maps are kept."""


class Settings(NamedTuple):
    """How the slow ones are computed."""

    samples: int = 50
    noise: float = 0.15
    steps: int = 50

    def of(self, method):
        """What a map depends on, for a key."""
        return {"SmoothGrad": (method, self.samples, self.noise), SLOW[1]: (method, self.steps)}.get(
            method, (method,)
        )


class Explanations:
    """All maps of one picture and network, as far as they were asked for.

    Parameters
    ----------
    network : Network
    image : PIL image
    layer : str or None
        Of Grad-CAM; without one there is none.

    Attributes
    ----------
    picture : PIL image
        What the network sees.
    scores, probabilities : ndarray of float, shape (n_classes,)
    refused : dict of str to str
        Methods that this network does not allow, and why.
    seconds : float
        What one way forth and back takes.
    """

    def __init__(self, network, image, layer):
        self.network, self.image, self.layer = network, image, layer
        self._state = state_of(network.module)
        self.x = network.read(image)
        self.picture = network.picture(image)
        scores = network.scores(self.x)[0].float()
        self.scores, self.probabilities = scores.cpu().numpy(), scores.softmax(0).cpu().numpy()
        self.refused = {} if layer else dict.fromkeys(METHODS[-2:], "no layer of this network has maps")
        self._maps = {}  # (class, key of the settings) -> map
        self._nothing = None  # scores of the baseline
        self.seconds = 0.01

    def is_current(self):
        """Whether the network is still what it was: it may have learned since."""
        return self._state == state_of(self.network.module)

    def has(self, target, method, settings):
        """Whether a map is there, or never will be."""
        return (target, settings.of(method)) in self._maps or method in self.refused

    def map(self, target, method, settings):
        """A map of a class: float32 (h, w) or (C, H, W); None if it is not there."""
        return self._maps.get((target, settings.of(method)))

    def quick(self, targets):
        """Compute what one pass gives, for several classes at once."""
        targets = [target for target in targets if (target, ("gradient",)) not in self._maps]
        if not targets:
            return
        began = time.perf_counter()
        layers = [self.layer] if self.layer else []
        found = {}
        try:
            plain = score_gradients(self.network, self.x, [targets], layers)
        except NetworkError as error:  # no gradient reaches the pixels
            if not layers:
                raise
            plain = score_gradients(self.network, self.x, [targets], layers, pixels=False)
            self.refused |= dict.fromkeys([method for method in METHODS if method != "Grad-CAM"], str(error))
        else:
            found["gradient"] = plain.pixels[0]
            found["saliency"] = found["gradient"].abs().amax(1)
            found["gradient × input"] = found["gradient"] * self.x.to(found["gradient"])
        self.seconds = (time.perf_counter() - began) / len(targets)
        for method, rule in (("guided backprop", "guided"), ("DeconvNet", "deconvnet")):
            if method not in self.refused:
                try:
                    found[method] = score_gradients(self.network, self.x, [targets], rule=rule).pixels[0]
                except NetworkError as error:  # no ReLU
                    self.refused[method] = str(error)
        if self.layer:
            pair = plain.layers[self.layer]
            found["Grad-CAM"] = beyond_rounding(combine_grad_cam(*pair), *pair, self.network)[0]
            if "guided backprop" in found:
                large = upsample(found["Grad-CAM"][None], self.x.shape[2:])[0]
                found["Guided Grad-CAM"] = found["guided backprop"] * large[:, None]
            else:
                self.refused.setdefault("Guided Grad-CAM", self.refused["guided backprop"])
        arrays = {method: each.float().cpu().numpy() for method, each in found.items()}
        for i, target in enumerate(targets):
            for method in [*arrays][::-1]:  # the gradient last: it tells that all are there
                self._maps[target, (method,)] = arrays[method][i]

    def slow(self, target, method, settings):
        """Compute a map in pieces: yields how much is done, of how much, and the map so far or None."""
        if self.has(target, method, settings):
            return
        batch = int(np.clip(PIECE / self.seconds, 1, 32))
        if method == "SmoothGrad":
            total, options = settings.samples, (settings.samples, settings.noise)
            steps = smooth_grad_steps(self.network, self.x, target, *options, batch_size=batch)
        else:
            total, options = settings.steps, {"n_steps": settings.steps, "batch_size": batch}
            steps = integrated_gradients_steps(self.network, self.x, target, **options)
        began = time.perf_counter()
        for done, found in steps:
            values = None if found is None else found[0].float().cpu().numpy()
            if done >= total:
                self._maps[target, settings.of(method)] = values
                self.seconds = (time.perf_counter() - began) / total
            yield done, total, values

    def score_gained(self, target):
        """How much larger the score is than that of the baseline of integrated gradients, the zero input."""
        if self._nothing is None:
            self._nothing = self.network.scores(torch.zeros_like(self.x))[0].float().cpu().numpy()
        return float(self.scores[target] - self._nothing[target])


class Kept:
    """What was found of the last few pictures.

    Parameters
    ----------
    make : callable
        Gets network, image and layers, and gives an object with ``is_current()``.
    """

    def __init__(self, make):
        self._make, self._most = make, KEPT
        self._kept = OrderedDict()

    def get(self, network, image, layers):
        """What was found of a picture, as it is or begun anew; what was not used for longest is dropped."""
        key = id(network), id(image), layers
        found = self._kept.pop(key, None)  # which holds both, so that nothing else has their id
        if found is None or not found.is_current():
            found = self._make(network, image, layers)
        self._kept[key] = found
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def close(self):
        """Keep nothing, also of work that has not ended yet."""
        self._most = 0
        self._kept.clear()


def usual_layer(network):
    """Of Grad-CAM: the last feature maps before pooling, after their ReLU if they have one; None without any.

    A ReLU that another convolution follows is inside of a block, and not where a network ends.
    """
    spatial = [each for each in network.layers if each.is_spatial and not each.channels_last]
    maps = [each for each in spatial if "Pool" not in each.kind] or spatial
    convolutions = [place for place, each in enumerate(maps) if each.kind.startswith("Conv")]
    last = maps[convolutions[-1] :] if convolutions else maps
    relus = [each for each in last if each.kind == "ReLU"]
    return (relus or maps)[-1].name if maps else None


def beyond_rounding(values, activation, gradient, network):
    """Zeros instead of a map that is no more than what rounding makes of sums that are zero.

    Parameters
    ----------
    values : Tensor, shape (..., h, w)
        A class activation map.
    activation, gradient : Tensor, shapes (N, K, h, w) and (N, K, h, w) or (N, T, K, h, w)
        That it was made from.
    network : Network
        In whose precision.
    """
    size = gradient.abs().mean((-2, -1), keepdim=True)
    terms = size * (activation if activation.ndim == gradient.ndim else activation[:, None]).abs()
    unit = torch.finfo(placement(network.module)[1]).eps
    most = ROUNDING * unit * terms.sum(-3).flatten(-2).amax(-1)[..., None, None]
    is_noise = (values.abs() <= most).flatten(-2).all(-1)[..., None, None]
    return torch.where(is_noise, torch.zeros_like(values), values)


def two_dimensional(values, size):
    """A map as numbers by pixel: the largest of its channels, in absolute value; upsampled where small."""
    if values.ndim == 3:
        values = np.abs(values).max(0)
    if values.shape != tuple(size):
        values = upsample(torch.from_numpy(values)[None], tuple(size))[0].numpy()
    return values


def state_of(module):
    """Which tensors there are, and how often each was written to."""
    tensors = [*module.parameters(), *module.buffers()]
    return [(id(each), each._version) for each in tensors if not each.is_inference()]
