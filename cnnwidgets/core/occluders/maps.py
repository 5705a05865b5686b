"""Occlusion maps: how probable a class is, by the place of a square that covers a part of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..module import as_module, prepared
from ..progress import reporter
from ..targets import Target, target_lists
from ..whole import at_least
from .fills import fill_pixels
from .occluder import Occluder
from .run import OcclusionRun
from .squares import centres, checked_pair

CHECKED = 16
"""Squares at which fast precision is compared with the exact one."""


@dataclass(frozen=True, eq=False)
class OcclusionMap:
    """What `occlusion` found. ``T`` is there only if several targets were asked for each image.

    Attributes
    ----------
    probability, score : Tensor, shape (N, R, C) or (N, T, R, C)
        Of the target, by the place of the square: softmax probability, and score before softmax.
    baseline, baseline_score : Tensor, shape (N,) or (N, T)
        The same for the unoccluded image.
    label : Tensor of int64, shape (N, R, C)
        Most probable class; -1 where scores are NaN.
    baseline_label : Tensor of int64, shape (N,)
    activity : Tensor, shape (N, R, C), or None
        Sum over the watched feature map.
    baseline_activity : Tensor, shape (N,), or None
    channel : Tensor of int64, shape (N,), or None
        Which feature map.
    computed : Tensor of bool, shape (N, R, C)
        False where the value is interpolated (``method="adaptive"``).
    rows, columns : Tensor of int64, shapes (R,), (C,)
        The centres of the squares in pixels.
    size, stride, image_size : (int, int)
        In pixels, rows and columns.
    engine : str
        ``"incremental"`` or ``"plain"``.
    why : str
        How it was computed, in one sentence.
    precision : str
        ``"exact"`` or ``"fast"``.
    error : float or None
        For fast precision, the largest difference in probability of the targets from exact precision, at 16
        squares of each image, most of them where it weighs most. Elsewhere it may be larger.
    """

    probability: Tensor
    score: Tensor
    baseline: Tensor
    baseline_score: Tensor
    label: Tensor
    baseline_label: Tensor
    activity: Tensor | None
    baseline_activity: Tensor | None
    channel: Tensor | None
    computed: Tensor
    rows: Tensor
    columns: Tensor
    size: tuple[int, int]
    stride: tuple[int, int]
    image_size: tuple[int, int]
    engine: str
    why: str
    precision: str
    error: float | None

    @property
    def drop(self) -> Tensor:
        """By how much the square lowers the probability: ``baseline - probability``."""
        return self.baseline[..., None, None] - self.probability

    @property
    def positions(self) -> Tensor:
        """Row and column of each centre, (R * C, 2)."""
        return torch.cartesian_prod(self.rows, self.columns)

    def upsampled(self) -> Tensor:
        """The probabilities at the size of the image, for display only.

        Linear between the centres, and constant beyond the outermost: nothing was measured there.

        Returns
        -------
        Tensor, shape (N, H, W) or (N, T, H, W)
        """
        values = _stretched(self.probability, self.rows, self.image_size[0])
        return _stretched(values.transpose(-1, -2), self.columns, self.image_size[1]).transpose(-1, -2)


def occlusion(
    model: nn.Module,
    x: Tensor,
    target: Target,
    size: int | tuple[int, int] = 32,
    stride: int | tuple[int, int] = 8,
    fill: float | str | Tensor = 0.0,
    precision: str = "exact",
    *,
    method: str = "full",
    tolerance: float = 0.02,
    layer: str | None = None,
    channel: int | None = None,
    engine: str = "auto",
    batch_size: int | None = None,
    progress: Any = None,
) -> OcclusionMap:
    r"""Cover a part of the image with a square, and see how probable a class still is.

    .. math:: M_{ij} = \operatorname{softmax}\bigl(S(x^{(ij)})\bigr)_t

    where :math:`x^{(ij)}` is the image with a square centred on pixel :math:`(i, j)`, clipped at the border.
    Low values are important places. The map belongs to one image and one class. It does not show what the
    square brings in by itself (its edges, its colour), nor what two places do together: if either of two
    wheels is enough, no single square may matter.

    Parameters
    ----------
    model : Module or Network
        Any network with class scores; used in evaluation mode, left as it was.
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
        The class for all images, for each, or several for each, which share the forward passes.
    size : int or (int, int)
        Height and width of the square in pixels; may be larger than the image. One of an even size has one
        pixel more after its centre than before.
    stride : int or (int, int)
        Pixels from one centre to the next; with 1 there is one value for each pixel.
    fill : float, str or Tensor
        What the square shows; see `fill_pixels`. 0 is the mean colour for most networks.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the machine can; the result says what error that makes.
    method : {"full", "adaptive"}
        ``"adaptive"`` occludes a coarse lattice first, and more only where neighbours differ by more than
        ``tolerance`` in probability; the rest is interpolated. There is no guarantee for what lies between
        the squares tried. With toynet on 20 pictures of Toytown and a tolerance of 0.02, the largest error
        was 0.06 (``python -m benchmarks occlusion`` measures it).
    tolerance : float
    layer : str, optional
        Also record the total activity of a feature map of this layer, by the place of the square.
    channel : int, optional
        Which one; that with the largest activation in the unoccluded image if not given.
    engine : {"auto", "incremental", "plain"}
        ``"incremental"`` recomputes only what a square can have changed; ``"plain"`` runs whole forward
        passes; ``"auto"`` chooses.
    batch_size : int, optional
        Squares computed together; chosen by the size of the maps if not given.
    progress : callable or tqdm bar, optional
        Called with how many squares are done and how many there are. What it raises ends the work.

    Returns
    -------
    OcclusionMap
        Raw values; nothing is normalised.

    Raises
    ------
    InputError
        For images, sizes, strides or fills that cannot be used; names the mend.
    TargetError
        If a target is not a class of the network; says how many there are.
    LayerError
        If there is no such layer or channel.

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", 2014, section 4.2 and figure 7.

    Nakandala, Kumar, Papakonstantinou, "Incremental and Approximate Inference for Faster Occlusion-based Deep
    CNN Explanations", 2019.

    Examples
    --------
    >>> import torchvision
    >>> alexnet, x = torchvision.models.alexnet(), torch.randn(1, 3, 64, 96)
    >>> found = occlusion(alexnet, x, target=7, size=16, stride=16)
    >>> found.probability.shape, found.rows.tolist()
    (torch.Size([1, 4, 6]), [7, 23, 39, 55])
    """
    module, report = as_module(model), reporter(progress)
    x = prepared(module, x)
    size, stride = checked_pair("size", size), checked_pair("stride", stride)
    if batch_size is not None:
        at_least(1, batch_size=batch_size)
    pixels = fill_pixels(x, fill)
    wanted, is_single = target_lists(target, len(x))
    n_squares = len(centres(x.shape[2], stride[0])) * len(centres(x.shape[3], stride[1]))
    report(0, len(x) * n_squares)
    found, errors, run = [], [], None
    for i in range(len(x)):
        like = None if run is None else run.occluder
        occluder = Occluder(
            module, x[i : i + 1], precision, layer, channel, engine, like=like, expected=n_squares
        )
        run = OcclusionRun(occluder, size, stride, pixels[i], method, tolerance, wanted[i], batch_size)
        while run.step():
            report(i * n_squares + run.done, len(x) * n_squares)
        report((i + 1) * n_squares, len(x) * n_squares)
        if occluder.precision == "fast":
            errors.append(error_of(run))
        found.append(_of_image(run))  # not the run, which holds the activations of the whole network
    maps = {name: _stacked([each[name] for each in found]) for name in found[0]}
    if is_single:
        maps |= {name: maps[name][:, 0] for name in ("probability", "score", "baseline", "baseline_score")}
    return OcclusionMap(
        **maps,
        rows=torch.from_numpy(run.rows),
        columns=torch.from_numpy(run.columns),
        size=size,
        stride=stride,
        image_size=run.occluder.image_size,
        engine=run.occluder.engine,
        why=run.why,
        precision=run.occluder.precision,
        error=max(errors, default=None),
    )


def error_of(run: OcclusionRun) -> float:
    """Largest difference in probability, of the classes kept, that fast precision makes at some squares.

    Most of them where a probability is nearest to one half, since a small error of a score weighs most there;
    one out of four anywhere.
    """
    fast = run.occluder
    exact = Occluder(fast.module, fast.x, like=fast)
    cells = np.argwhere(run.computed)
    weight = (run.probability * (1 - run.probability)).max(2)[run.computed]
    row, column = cells[np.argsort(-weight, kind="stable")].T
    n = min(CHECKED, len(cells))
    spread = np.linspace(0, len(cells) - 1, -(-n // 4)).astype(int)
    chosen = np.unique(np.concatenate([np.arange(n - len(spread)), spread]))
    row, column = row[chosen], column[chosen]
    truth = exact.occlude(run.rows[row], run.columns[column], run.size, run.fill).probabilities
    return float(np.abs(run.probability[row, column] - truth.numpy()[:, run.classes]).max())


def _of_image(run: OcclusionRun) -> dict[str, Any]:
    """What is kept of one image."""
    occluder, scores = run.occluder, run.occluder.baseline.scores[0]
    watched = occluder.channel is not None
    return {
        "probability": np.moveaxis(run.probability, -1, 0),
        "score": np.moveaxis(run.score, -1, 0),
        "baseline": scores.softmax(0)[run.classes],
        "baseline_score": scores[run.classes],
        "label": run.label,
        "baseline_label": -1 if scores.isnan().any() else int(scores.argmax()),
        "activity": run.activity,
        "baseline_activity": occluder.baseline.activity[0] if watched else None,
        "channel": occluder.channel,
        "computed": run.computed,
    }


def _stacked(values: list) -> Tensor | None:
    return None if values[0] is None else torch.stack([torch.as_tensor(value) for value in values])


def _stretched(values: Tensor, at: Tensor, length: int) -> Tensor:
    """Linear interpolation of (..., R, C) along R, from the pixels ``at`` to all."""
    pixels = torch.arange(length)
    after = torch.searchsorted(at, pixels).clamp(max=len(at) - 1)
    before = (after - 1).clamp(min=0)
    gap = (at[after] - at[before]).clamp(min=1)
    share = ((pixels - at[before]) / gap).clamp(0, 1).to(values)[:, None]
    return values[..., before, :] * (1 - share) + values[..., after, :] * share
