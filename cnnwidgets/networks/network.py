"""A network with all that is needed to look into it: preprocessing, class names, layers."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..core import LayerInfo, class_scores, list_layers, prepared, undisturbed
from ..core.errors import CnnWidgetsError, InputError, LayerError, NetworkError, did_you_mean
from ..data.images import read_image


class Prediction(NamedTuple):
    """One class that a network sees in an image, and how sure it is (softmax probability)."""

    index: int
    name: str
    probability: float


class Network:
    """A classification network that knows how to read an image and what its outputs are called.

    Usually made by ``load`` or ``wrap``. It holds the module, but never changes it: predictions run in
    evaluation mode and leave the module as it was, training mode included. It is not a ``torch.nn.Module``
    itself and has no ``to``: move ``network.module``, and images follow to wherever it is.

    Parameters
    ----------
    module : torch.nn.Module
        Maps a batch (N, C, H, W) to class scores (N, n_classes) before softmax.
    preprocess : Preprocess or CustomPreprocess
        From a picture to the module's input.
    classes : sequence of str, optional
        A name for each output. If not given, the module is run once to count them: 'class 0', 'class 1' and
        so on.
    name : str
        Short name, as for ``load``.
    title : str, optional
        For captions; says where the weights come from. The name if not given.
    note : str
        What a reader should know about the network, such as its published accuracy.

    Raises
    ------
    NetworkError
        If the module gives no class scores for an input of the size that ``preprocess`` makes.

    Examples
    --------
    >>> from cnnwidgets.networks import Preprocess
    >>> module = nn.Sequential(nn.Conv2d(3, 2, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> network = Network(module, Preprocess(size=(24, 32)), ["day", "night"], name="tiny")
    >>> network
    <Network tiny: 2 classes, input 3 × 24 × 32, 152 parameters>
    >>> network.read(np.zeros((60, 80))).shape
    torch.Size([1, 3, 24, 32])
    """

    def __init__(
        self,
        module: nn.Module,
        preprocess,
        classes: Sequence[str] | None,
        name: str,
        title: str | None = None,
        note: str = "",
    ):
        self.module = module
        self.preprocess = preprocess
        self.name = name
        self.title = title or name
        self.note = " ".join(filter(None, [note, preprocess.note]))
        self.classes = (
            [f"class {i}" for i in range(self._count_classes())] if classes is None else list(classes)
        )

    def __repr__(self) -> str:
        name = self.name if self.title == self.name else f"{self.name} {self.title!r}"
        sizes = " × ".join(map(str, self.input_shape))
        n_parameters = sum(p.numel() for p in self.module.parameters())
        return f"<Network {name}: {self.n_classes:,} classes, input {sizes}, {n_parameters:,} parameters>"

    @property
    def n_classes(self) -> int:
        """How many classes the network tells apart."""
        return len(self.classes)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        return self.preprocess.size

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of the input without its batch axis: (C, H, W)."""
        return (self.preprocess.channels, *self.input_size)

    @property
    def device(self) -> torch.device:
        """Where the module's parameters are."""
        tensor = next(self.module.parameters(), None)
        return torch.device("cpu") if tensor is None else tensor.device

    @cached_property
    def layers(self) -> list[LayerInfo]:
        """All layers in the order in which their outputs come; found by running the module once."""
        return list_layers(self.module, self.input_shape)

    def layer(self, name: str) -> LayerInfo:
        """The layer of that name; a LayerError with the nearest names if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise LayerError(f"{self.name} has no layer {name!r}; {did_you_mean(name, names)}")

    def read(self, image) -> Tensor:
        """The module's input for an image: (1, C, H, W), preprocessed, on the module's device.

        Takes whatever ``cnnwidgets.data.read_image`` takes, and raises its ImageError.
        """
        return self.preprocess.tensor(read_image(image)).to(self.device)

    def picture(self, image) -> Image.Image:
        """What the network sees of an image: resized and cropped to ``input_size``, not normalised.

        In mode RGB, or L where the network sees grey. See ``note`` for a preprocessing that cannot be undone.
        """
        return self.preprocess.picture(read_image(image))

    def to_image(self, x: Tensor) -> np.ndarray:
        """Undo the normalisation of inputs, to look at them.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W) or (C, H, W)
            Of any height and width. Values that no pixel has (below black, above white) are clamped.

        Returns
        -------
        ndarray of uint8, shape (N, H, W, 3) or (H, W, 3)
            Also for a network that sees grey.

        Raises
        ------
        InputError
            If ``x`` has another shape or values that are not finite, or if the preprocessing cannot be
            undone.
        """
        if not isinstance(x, Tensor) or x.ndim not in (3, 4):
            raise InputError(f"to_image needs a tensor (N, C, H, W) or (C, H, W), not {_describe(x)}.")
        x = x.detach().cpu().float()
        if not x.isfinite().all():
            raise InputError(
                "The tensor has values that are not finite (NaN or infinity), which no picture can show."
            )
        values = self.preprocess.denormalise(x).clamp(0, 1).mul(255).round().to(torch.uint8)
        pixels = values.movedim(-3, -1).numpy()
        return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:-1], 3)))

    def scores(self, x: Tensor) -> Tensor:
        """Class scores before softmax, (N, n_classes), for inputs (N, C, H, W); raw, without gradients.

        Raises InputError if ``x`` is no such batch, NetworkError if the outputs are not one score for each
        class.
        """
        with undisturbed(self.module), torch.no_grad():
            scores = class_scores(self.module(prepared(self.module, x)))
        if scores.shape[-1] != self.n_classes:
            raise NetworkError(
                f"{self.name} has {scores.shape[-1]} outputs but {self.n_classes} class names: give as many "
                "names as outputs."
            )
        return scores

    def probabilities(self, x: Tensor) -> Tensor:
        """Softmax of the scores, float (N, n_classes); NetworkError if they are not finite."""
        scores = self.scores(x).float()
        if not scores.isfinite().all():
            raise NetworkError(
                f"{self.name} gives scores that are not finite (NaN or infinity), so it has no "
                "probabilities: check its weights and its input."
            )
        return scores.softmax(dim=-1)

    def predict(self, image, k: int = 5) -> list[Prediction]:
        """The ``k`` most probable classes of an image, the best first; all classes if there are fewer."""
        if k < 0:
            raise NetworkError(f"predict lists the k most probable classes: k can't be {k}.")
        probabilities = self.probabilities(self.read(image))[0]
        best = probabilities.topk(min(k, self.n_classes))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [Prediction(index, self.classes[index], probability) for index, probability in pairs]

    def _count_classes(self) -> int:
        x = torch.zeros(1, *self.input_shape)
        try:
            with undisturbed(self.module), torch.no_grad():
                return class_scores(self.module(prepared(self.module, x))).shape[-1]
        except CnnWidgetsError as error:
            raise NetworkError(f"{self.name} cannot be used as a classification network: {error}") from None
        except Exception as error:  # whatever the module meets in an input it was not made for
            raise NetworkError(
                f"{self.name} cannot take an input of shape {tuple(x.shape)} ({error}): give wrap() its "
                "input_size, or a preprocess that makes what it takes."
            ) from error


def _describe(x) -> str:
    return f"shape {tuple(x.shape)}" if hasattr(x, "shape") else type(x).__name__
