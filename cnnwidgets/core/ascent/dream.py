"""DeepDream: whatever a layer sees in an image is made stronger, from coarse to fine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..capture import capture
from ..errors import InputError, NetworkError
from ..half import is_fast
from ..module import as_module
from ..progress import reporter
from ..whole import at_least
from .evaluate import Evaluation, evaluate
from .objectives import Objective, activity
from .octaves import octave_sizes, parts_of, resized
from .start import Limits, batch_of, limits_of, within
from .transforms import Jitter


class DreamStep(NamedTuple):
    """The dream at one moment.

    Attributes
    ----------
    octave : int
        From 0, the coarsest.
    number : int
        Steps done in this octave; 0 is what it starts from.
    image : Tensor, shape (1, C, h, w)
        At the size of this octave.
    value : float
        What is made stronger, of the whole image, summed over the tiles; NaN at the end of an octave, where
        it is not computed again.
    """

    octave: int
    number: int
    image: Tensor
    value: float


class Dream(Iterator[DreamStep]):
    """A dream, step by step; see `deep_dream`.

    ``rate``, ``jitter``, ``tile`` and ``n_steps`` may be changed on the way. A step that fails or is
    interrupted has not been.

    Attributes
    ----------
    sizes : list of (int, int)
        Height and width of each octave.
    octave, number : int
        Of the last step.
    """

    @torch.inference_mode(False)
    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        objective: Objective,
        *,
        n_steps: int,
        rate: float,
        octaves: int,
        octave_scale: float,
        jitter: int,
        tile: int,
        limits: Limits | None,
        seed: int,
        precision: str,
    ) -> None:
        at_least(1, n_steps=n_steps, octaves=octaves, tile=tile)
        at_least(0, jitter=jitter, seed=seed)
        if not 1 < octave_scale < float("inf"):
            raise InputError(f"octave_scale is above 1, as each octave is larger, not {octave_scale!r}")
        if objective.needs_scores:
            raise InputError("a dream is of a layer; for a class, see class_image with start=image")
        self.n_steps, self.rate, self.jitter, self.tile = n_steps, rate, jitter, tile
        self.sizes = octave_sizes(tuple(x.shape[2:]), octaves, octave_scale)
        self.octave, self.number = 0, 0
        self._module, self._objective, self._x = module, objective, x
        self._limits, self._half = limits, is_fast(precision, x)
        self._generator = torch.Generator().manual_seed(seed)
        self._gradient: Tensor | None = None
        self._is_at_its_end = False
        self._begin(0, torch.zeros_like(x))

    @property
    def total(self) -> int:
        """Steps in all octaves together."""
        return self.n_steps * len(self.sizes)

    @property
    def image(self) -> Tensor:
        """The present image, shape (1, C, h, w)."""
        return self._image.clone()

    def __iter__(self) -> Dream:
        return self

    @torch.inference_mode(False)
    @torch.no_grad()
    def __next__(self) -> DreamStep:
        if self._is_at_its_end:
            if self.octave + 1 == len(self.sizes):
                raise StopIteration
            self._begin(self.octave + 1, self._image - self._base)
        image, number, gradient = self._image, self.number, None
        if self._gradient is not None:
            image, number = self._moved(self._gradient), number + 1
        value = float("nan")
        if number < self.n_steps:
            gradient, value = self._look(image, number)
        self._image, self.number, self._gradient = image, number, gradient
        self._is_at_its_end = gradient is None
        return DreamStep(self.octave, number, image.clone(), value)

    def run(self, progress: Any = None) -> DreamStep:
        """Dream to the end; gives the last step. What ``progress`` raises ends the work."""
        report = reporter(progress)
        step = None
        for step in self:
            report(step.octave * self.n_steps + step.number, self.total)
        if step is None:
            raise InputError("this dream is over: start another one with its image")
        return step

    def _begin(self, octave: int, detail: Tensor) -> None:
        """The image itself at the size of an octave, and on it what was dreamt so far."""
        size = self.sizes[octave]
        self._base = resized(self._x, size)
        self._image = within(self._base + resized(detail, size), self._limits)
        self.octave, self.number, self._is_at_its_end = octave, 0, False

    def _moved(self, gradient: Tensor) -> Tensor:
        if not 0 <= self.rate < float("inf"):
            raise InputError(f"rate is the size of a step, 0 or more, not {self.rate!r}")
        size = gradient.abs().mean().clamp(min=torch.finfo(gradient.dtype).tiny)
        return within(self._image + self.rate * gradient / size, self._limits)

    def _look(self, image: Tensor, number: int) -> tuple[Tensor, float]:
        """Gradient of the objective with respect to the image, tile by tile; and the objective."""
        at_least(1, tile=self.tile)
        drawn_so_far = self._generator.get_state()
        try:
            shift = Jitter(self.jitter).drawn(self._generator)
            moved = image.roll(shift, (2, 3))
            gradient, value = torch.empty_like(moved), 0.0
            for rows in parts_of(moved.shape[2], self.tile):
                for columns in parts_of(moved.shape[3], self.tile):
                    found = self._seen(moved[:, :, rows, columns])
                    gradient[:, :, rows, columns] = found.gradient
                    value += float(found.values)
            if not gradient.isfinite().all():
                layers = _told(self._objective)
                why = (
                    "choose a smaller rate" if number or self.octave else "look at the weights of the network"
                )
                raise NetworkError(f"layer {layers} gives NaN or infinity for this image: {why}")
        except BaseException:  # as if the step had not been tried
            self._generator.set_state(drawn_so_far)
            raise
        return gradient.roll([-each for each in shift], (2, 3)), value

    def _seen(self, part: Tensor) -> Evaluation:
        try:
            return evaluate(self._module, self._objective, part, self._half)
        except (RuntimeError, AssertionError) as error:
            why = _why_not(self._module, self._objective, part)
            if why is None:
                raise
            raise InputError(
                f"the network cannot be run on {part.shape[2]} x {part.shape[3]} pixels as far as layer "
                f"{_told(self._objective)} ({why}): choose fewer octaves or larger tiles if these are part "
                "of a larger image, or an earlier layer"
            ) from error


def _why_not(module: nn.Module, objective: Objective, images: Tensor) -> str | None:
    """What torch says of a size that the network cannot take; None if it can, and something else is wrong."""
    try:
        capture(module, images, objective.layers)
    except (RuntimeError, AssertionError) as error:  # transformers assert their size
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return None


def _told(objective: Objective) -> str:
    return " and ".join(map(repr, objective.layers))


def deep_dream(
    model: nn.Module,
    x: Tensor,
    layer: str | None = None,
    channel: int | None = None,
    *,
    objective: Objective | None = None,
    n_steps: int = 10,
    rate: float = 0.05,
    octaves: int = 4,
    octave_scale: float = 1.4,
    jitter: int = 16,
    tile: int = 400,
    limits: Any = None,
    seed: int = 0,
    precision: str = "exact",
) -> Dream:
    r"""Amplify whatever a layer detects in an image.

    .. math:: \max_x \tfrac12 \|A(x)\|_2^2, \quad \frac{\partial}{\partial A} \tfrac12 \|A\|_2^2 = A

    so that the signal that goes back from the layer is its own activations. Each step is the gradient divided
    by its mean absolute value, times ``rate``. The image is first dreamt on small, then larger and larger;
    what was added is carried over, and the detail of the image put back (octaves). What appears is what
    the network was trained on, and what its layer looks for; it is not in the image.

    Parameters
    ----------
    model : Module or Network
        Any network that takes images of any size up to this layer; used in evaluation mode, left as it was.
    x : Tensor, shape (1, C, H, W) or (C, H, W)
        Preprocessed image, of any size.
    layer : str
        As `list_layers` names it.
    channel : int, optional
        Only this one of its channels.
    objective : Objective, optional
        Something else to make stronger, such as `likeness` to a guide; instead of layer and channel.
    n_steps : int
        In each octave.
    rate : float
        Size of a step, in preprocessed units of the mean pixel.
    octaves : int
        Fewer for an image so small that the first would have a side of less than 32 pixels.
    octave_scale : float
        How much larger each octave is than the one before.
    jitter : int
        By up to so many pixels the image is moved at each step, so that no grid of tiles or strides shows.
    tile : int
        Larger images are computed in tiles of at most this height and width, so that memory does not grow.
    limits : (black, white), optional
        As `class_image` takes them.
    seed : int
        Of the jitter.
    precision : {"exact", "fast"}

    Returns
    -------
    Dream
        An iterator over `DreamStep`; ``.run()`` gives the last, of the size of the image.

    Raises
    ------
    LayerError, InputError, NetworkError
        Each names the mend; those about the network at the first step.

    References
    ----------
    Mordvintsev, Olah, Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> dream = deep_dream(alexnet, torch.randn(1, 3, 90, 120), "features.4", n_steps=2, octaves=2)
    >>> dream.sizes, dream.run().image.shape
    ([(64, 86), (90, 120)], torch.Size([1, 3, 90, 120]))

    Guided by another image, of any size:

    >>> from cnnwidgets.core import capture, likeness
    >>> guide = capture(alexnet, torch.randn(1, 3, 64, 70), "features.4")["features.4"]
    >>> x, objective = torch.randn(1, 3, 90, 120), likeness("features.4", guide)
    >>> deep_dream(alexnet, x, objective=objective, n_steps=1, octaves=1).run().image.shape
    torch.Size([1, 3, 90, 120])
    """
    module = as_module(model)
    x = batch_of(module, x)
    if len(x) != 1:
        raise InputError(f"one image dreams at a time, not {len(x)}")
    if (objective is None) == (layer is None) or (channel is not None and layer is None):
        raise InputError("what is made stronger? give either a layer (and a channel of it) or an objective")
    return Dream(
        module, x, activity(layer, channel) if objective is None else objective,
        n_steps=n_steps, rate=rate, octaves=octaves, octave_scale=octave_scale, jitter=jitter, tile=tile,
        limits=limits_of(model, x.shape[1], limits), seed=seed, precision=precision,
    )  # fmt: skip
