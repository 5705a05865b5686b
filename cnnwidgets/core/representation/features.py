"""Features: one vector for each image, from the layer before the classifier or from any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError, LayerError
from ..fingerprint import fingerprint
from ..half import is_fast
from ..images import images_of
from ..memory_order import in_order
from ..module import as_module, mixes_images, prepared, undisturbed
from ..npz import write_npz
from ..progress import reporter
from ..visit import visit
from ..whole import at_least
from .head import classifier_input

POOLS = ("mean", "max", "flatten")
PIXELS = "pixels"
CLASSIFIER = "before the classifier"
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Features:
    """Vectors of many images.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n, d)
    names : tuple of str
        What each image is called.
    numbers : ndarray of int64, shape (n,)
        Which of the images each vector is of; those that could not be read are missing.
    layer : str
        ``"before the classifier"``, ``"pixels"``, or the name of the layer.
    pool : str
        How maps became vectors.
    network : str
        Fingerprint of the network.
    images : str
        Fingerprint of the images.
    skipped : dict of int to str
        Which images could not be read, and why.
    """

    vectors: np.ndarray
    names: tuple[str, ...]
    numbers: np.ndarray
    layer: str
    pool: str
    network: str
    images: str
    skipped: dict[int, str]

    def __len__(self) -> int:
        return len(self.vectors)

    def save(self, path: str | Path) -> None:
        """Write to a file of numpy (``.npz``), with the fingerprints of network and images."""
        skipped = {str(number): why for number, why in self.skipped.items()}
        arrays = {
            "vectors": self.vectors,
            "numbers": self.numbers,
            "names": np.array(self.names, dtype=str),
            "told": np.array([self.layer, self.pool, self.network, self.images], dtype=str),
            "skipped": np.array([*skipped, *skipped.values()], dtype=str).reshape(2, -1),
        }
        write_npz(_npz(path), arrays)

    @classmethod
    def load(cls, path: str | Path, model: nn.Module | None = None) -> Features:
        """Read what `save` has written.

        Parameters
        ----------
        path : str or Path
        model : Module or Network, optional
            Checked to be the network that the vectors are of.

        Raises
        ------
        InputError
            If the file holds no features, or those of another network.
        """
        try:
            with _npz(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                layer, pool, network, images = map(str, file["told"])
                numbers, whys = file["skipped"]
                found = cls(
                    file["vectors"],
                    tuple(map(str, file["names"])),
                    file["numbers"],
                    layer,
                    pool,
                    network,
                    images,
                    {int(number): str(why) for number, why in zip(numbers, whys, strict=True)},
                )
        except Exception as error:  # a damaged file brings whatever zip, zlib or numpy meet in it
            raise InputError(
                f"'{path}' holds no features that were saved by Features.save: {error}"
            ) from error
        if model is not None and fingerprint(model) != found.network:
            raise InputError(f"the features in '{path}' are those of another network, or of other weights")
        return found


def features(
    model: nn.Module,
    images: Any,
    layer: str | None = None,
    *,
    pool: str = "mean",
    batch_size: int = _BATCH,
    precision: str = "exact",
    progress: Any = None,
) -> Features:
    """One vector for each image.

    Parameters
    ----------
    model : Module or Network
        Used in evaluation mode, left as it was.
    images : Tensor (N, C, H, W), folder, dataset, sequence or iterable
        As `max_activating_patches` takes them; read batch by batch.
    layer : str, optional
        As `list_layers` names it, or ``"pixels"`` for the preprocessed image itself. By default what the last
        linear layer is given: 4096 numbers of AlexNet (fc7, after its ReLU), the pooled vector of a ResNet.
    pool : {"mean", "max", "flatten"}
        How the maps of a layer become a vector: their mean or maximum, or all of their values. Pixels are
        always flattened.
    batch_size : int
        Images that are run together.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the machine can.
    progress : callable or tqdm bar, optional
        Called with how many images are done, and how many there are (None for an iterable). What it raises
        ends the work.

    Returns
    -------
    Features

    Raises
    ------
    InputError
        For images that cannot be used; or if the network gives NaN or infinities, says for which image.
    LayerError
        If there is no such layer.
    NetworkError
        If no layer is named and the scores do not come from a linear layer.

    Examples
    --------
    >>> import torchvision
    >>> found = features(torchvision.models.resnet18(), torch.randn(5, 3, 64, 96))
    >>> found.vectors.shape, found.layer
    ((5, 512), 'before the classifier')
    """
    report = reporter(progress)
    module = as_module(model)
    given = images_of(model, images)
    total = len(given) if hasattr(given, "__len__") else None
    vectors, numbers, skipped = [], [], {}
    for batch, found in feature_batches(
        model, given, layer, pool=pool, batch_size=batch_size, precision=precision
    ):
        vectors.append(found)
        numbers += batch.numbers
        skipped |= batch.skipped
        report(batch.stop, total)
    joined = np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)
    if not len(joined):
        raise InputError(f"none of the images can be read: {next(iter(skipped.values()), 'there are none')}")
    return Features(
        joined,
        tuple(given.name(number) for number in numbers),
        np.array(numbers),
        layer or CLASSIFIER,
        "flatten" if layer == PIXELS else pool,
        fingerprint(module),
        given.fingerprint(),
        skipped,
    )


def feature_batches(
    model: nn.Module,
    images: Any,
    layer: str | None = None,
    *,
    pool: str = "mean",
    batch_size: int = _BATCH,
    precision: str = "exact",
) -> Iterator[tuple[Any, np.ndarray]]:
    """The same, batch by batch.

    Yields
    ------
    Batch
        With ``numbers``, ``stop`` and ``skipped``.
    ndarray of float32, shape (b, d)

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> x = torch.randn(3, 3, 64, 64)
    >>> [found.shape for batch, found in feature_batches(alexnet, x, batch_size=2)]
    [(2, 4096), (1, 4096)]
    """
    module = as_module(model)
    if pool not in POOLS:
        raise InputError(f"pool is one of {', '.join(map(repr, POOLS))}, not {pool!r}")
    at_least(1, batch_size=batch_size)
    given = images_of(model, images)
    for batch in given.batches(batch_size):
        if not batch.numbers:
            yield batch, np.empty((0, 0), np.float32)
            continue
        parts = batch.tensors.split(1) if mixes_images(module) else [batch.tensors]
        found = torch.cat([_vectors(module, part, layer, pool, precision) for part in parts])
        found = found.float().cpu().numpy()
        broken = ~np.isfinite(found).all(1)
        if broken.any():
            which = given.name(batch.numbers[int(broken.argmax())])
            raise InputError(f"the features of {which} are not finite (NaN or infinity): look at the network")
        yield batch, found


@torch.inference_mode(False)
@torch.no_grad()
def _vectors(module: nn.Module, images: Tensor, layer: str | None, pool: str, precision: str) -> Tensor:
    if layer == PIXELS:
        return prepared(module, images).flatten(1)
    x = prepared(module, images)
    half = is_fast(precision, x)
    with undisturbed(module), torch.autocast(x.device.type, torch.bfloat16, enabled=half):
        return in_order(module, x, lambda x: _run(module, x, layer, pool), layer)


def _run(module: nn.Module, x: Tensor, layer: str | None, pool: str) -> Tensor:
    if layer in (None, CLASSIFIER):
        return classifier_input(module, x).clone()
    seen = []
    visit(module, x, [layer], lambda name, maps, is_last: seen.append(maps))
    return _pooled(seen[0], layer, pool, len(x)).clone()


def _pooled(maps: Tensor, layer: str, pool: str, n: int) -> Tensor:
    if not len(maps) == n or not maps.is_floating_point() or maps.ndim < 2:
        raise LayerError(f"layer {layer!r} returns {tuple(maps.shape)}, which is no vector for each image")
    if maps.ndim == 2 or pool == "flatten":
        return maps.flatten(1)
    if maps.ndim == 3:  # (N, tokens, d) or (N, channels, length): which axis is the place?
        raise LayerError(
            f"layer {layer!r} returns {tuple(maps.shape)}, of which nobody knows what to average: "
            "pool='flatten' takes all numbers as they are"
        )
    places = tuple(range(2, maps.ndim))
    return maps.mean(places) if pool == "mean" else maps.amax(places)


def _npz(path: str | Path) -> Path:
    path = Path(path).expanduser()
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
