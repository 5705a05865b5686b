"""Falling into a dream: look closer, dream again, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..module import as_module
from ..progress import reporter
from ..whole import at_least
from .dream import Dream, deep_dream
from .start import batch_of


class ZoomFrame(NamedTuple):
    """One picture of the film.

    Attributes
    ----------
    number : int
        From 0, the image as it was given.
    image : Tensor, shape (1, C, H, W)
        Preprocessed.
    """

    number: int
    image: Tensor


class DreamZoom(Iterator[ZoomFrame]):
    """A film, picture by picture; see `dream_zoom`.

    ``n_frames``, ``zoom`` and ``options``, those of `deep_dream`, may be changed on the way. A picture that
    is interrupted is taken up where it was.

    Attributes
    ----------
    number : int
        Of the last picture, -1 before the first.
    """

    def __init__(
        self,
        model: nn.Module,
        x: Tensor,
        *,
        n_frames: int,
        zoom: float,
        seed: int,
        progress: Any,
        options: dict[str, Any],
    ) -> None:
        at_least(1, n_frames=n_frames)
        self.n_frames, self.zoom, self.options, self.number = n_frames, zoom, options, -1
        self._model, self._x, self._seed = model, x, seed
        self._report = reporter(progress)
        self._dream: Dream | None = None
        _check(zoom)
        self._next_dream(x)  # what cannot be is said at once

    @property
    def image(self) -> Tensor:
        """The last picture, shape (1, C, H, W)."""
        return self._x.clone()

    def __iter__(self) -> DreamZoom:
        return self

    @torch.inference_mode(False)
    @torch.no_grad()
    def __next__(self) -> ZoomFrame:
        if self.number + 1 >= self.n_frames:
            raise StopIteration
        if self.number >= 0:
            if self._dream is None:
                self._dream = self._next_dream(zoomed(self._x, self.zoom))
            for step in self._dream:  # where it was, if it was interrupted
                each, done = self._dream.total, step.octave * self._dream.n_steps + step.number
                self._report(self.number * each + done, (self.n_frames - 1) * each)
            self._x, self._dream = self._dream.image, None
        self.number += 1
        return ZoomFrame(self.number, self.image)

    def _next_dream(self, x: Tensor) -> Dream:
        return deep_dream(self._model, x, seed=self._seed + self.number + 1, **self.options)


def dream_zoom(
    model: nn.Module,
    x: Tensor,
    layer: str | None = None,
    channel: int | None = None,
    *,
    n_frames: int = 60,
    zoom: float = 1.04,
    n_steps: int = 2,
    octaves: int = 2,
    limits: Any = None,
    seed: int = 0,
    progress: Any = None,
    **options: Any,
) -> DreamZoom:
    r"""Fall into a dream: enlarge the middle of the last picture, dream on it, and so on without end.

    .. math:: x_{k+1} = \mathrm{dream}(\mathrm{zoom}(x_k)), \quad x_0 = x

    What was dreamt grows with the picture and is dreamt upon again, so that there is detail however far one
    falls, and soon none of it is of the photograph.

    Parameters
    ----------
    model, x, layer, channel
        As for `deep_dream`.
    n_frames : int
        Pictures, the first as it is.
    zoom : float
        How much larger things are in each picture than in the one before; 1 stays where it is.
    n_steps, octaves : int
        Of the dream of each picture: a few, as one dream goes on where the last one ended. With many, all
        colours soon are as strong as can be.
    limits, seed
        As for `deep_dream`.
    progress : callable or tqdm bar, optional
        Told of each step of the dreams. What it raises ends the work, which can be taken up again.
    **options
        More of `deep_dream`.

    Returns
    -------
    DreamZoom
        An iterator over `ZoomFrame`.

    Raises
    ------
    LayerError, InputError, NetworkError
        Each names the mend; those about the network at the first dream.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> film = dream_zoom(alexnet, torch.randn(1, 3, 64, 80), "features.4", n_frames=3, n_steps=1)
    >>> [frame.number for frame in film], film.image.shape
    ([0, 1, 2], torch.Size([1, 3, 64, 80]))
    """
    x = batch_of(as_module(model), x)
    options |= {"layer": layer, "channel": channel, "n_steps": n_steps, "octaves": octaves, "limits": limits}
    return DreamZoom(model, x, n_frames=n_frames, zoom=zoom, seed=seed, progress=progress, options=options)


@torch.inference_mode(False)
@torch.no_grad()
def zoomed(x: Tensor, factor: float) -> Tensor:
    """The middle of images, enlarged to their size; colours between pixels are bicubic.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    factor : float
        1 or more.
    """
    _check(factor)
    if factor == 1:
        return x.clone()
    theta = x.new_tensor([[1 / factor, 0.0, 0.0], [0.0, 1 / factor, 0.0]]).expand(len(x), 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _check(zoom: float) -> None:
    if not 1 <= zoom < float("inf"):
        raise InputError(f"zoom is how much larger things become, 1 or more, not {zoom!r}")
