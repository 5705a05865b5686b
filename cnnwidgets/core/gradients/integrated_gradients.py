"""Integrated gradients: how the score grows on the straight way from a baseline to the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..half import is_fast
from ..module import as_module, prepared, undisturbed
from ..occluders.fills import fill_pixels
from ..progress import reporter
from ..scores import class_scores
from ..targets import Target, target_lists
from ..whole import at_least
from .chunks import slices
from .run import full
from .score_gradients import pass_back


@torch.inference_mode(False)
def integrated_gradients(
    model: nn.Module,
    x: Tensor,
    target: Target,
    baseline: float | str | Tensor = 0.0,
    n_steps: int = 50,
    *,
    batch_size: int | None = None,
    precision: str = "exact",
    progress: Any = None,
    return_gap: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    r"""What each pixel adds to the score, between a baseline and the image.

    .. math:: (x - x') \odot \int_0^1 \left. \frac{\partial S_t}{\partial x} \right|_{x' + \alpha (x - x')}
        d\alpha

    The integral is taken by Gauss-Legendre quadrature. By its *completeness* the values sum to
    :math:`S_t(x) - S_t(x')`; the gap tells how well the steps have met that. Another baseline gives another
    map, and a pixel of the baseline's colour counts for nothing.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
    baseline : float, str or Tensor
        :math:`x'`, an image that says nothing: a number, a colour (C,), images (C, H, W) or (N, C, H, W), or
        ``"mean"``, ``"blurred"``, ``"noise"``, as `fill_pixels` takes it. 0 is the mean colour of the
        training images for most networks.
    n_steps : int
        Points of the quadrature.
    batch_size : int, optional
        Images in a batch; chosen by their size if not given.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the machine can.
    progress : callable or tqdm bar, optional
        Called with how many gradients are done and how many there are. What it raises ends the work.
    return_gap : bool
        Return the gap, too.

    Returns
    -------
    attribution : Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        In score.
    gap : Tensor, shape (N,) or (N, T)
        Sum of the attribution minus the difference of the scores; only with ``return_gap``.

    Raises
    ------
    InputError
        For fewer than one step, or a baseline that does not fit; otherwise as `saliency`.

    References
    ----------
    Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", 2017, section 3.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> x = torch.randn(1, 3, 64, 96)
    >>> found, gap = integrated_gradients(alexnet, x, target=7, n_steps=8, return_gap=True)
    >>> found.shape, gap.shape
    (torch.Size([1, 3, 64, 96]), torch.Size([1]))
    """
    report = reporter(progress)
    options = {"batch_size": batch_size, "precision": precision}
    for done, found in integrated_gradients_steps(model, x, target, baseline, n_steps, **options):  # noqa: B007
        report(done, n_steps * len(x))
    if not return_gap:
        return found
    return found, _gap(as_module(model), x, target, baseline, found)


@torch.inference_mode(False)
def integrated_gradients_steps(
    model: nn.Module,
    x: Tensor,
    target: Target,
    baseline: float | str | Tensor = 0.0,
    n_steps: int = 50,
    *,
    batch_size: int | None = None,
    precision: str = "exact",
) -> Iterator[tuple[int, Tensor | None]]:
    """The same, step by step: how many gradients are done, and the result once they all are.

    Yields
    ------
    int
        Gradients done, of N * n_steps.
    Tensor, shape (N, C, H, W) or (N, T, C, H, W), or None
        None but for the last: half an integral is no answer.

    Examples
    --------
    >>> import torchvision
    >>> alexnet, x = torchvision.models.alexnet(), torch.randn(1, 3, 64, 96)
    >>> steps = integrated_gradients_steps(alexnet, x, 7, n_steps=5, batch_size=3)
    >>> [(done, found is None) for done, found in steps]
    [(3, True), (5, False)]
    """
    module = as_module(model)
    x = prepared(module, x)
    wanted, is_single = target_lists(target, len(x))
    at_least(1, n_steps=n_steps)
    start = fill_pixels(x, baseline)
    half = is_fast(precision, x)
    points, weights = np.polynomial.legendre.leggauss(n_steps)
    along = torch.from_numpy((points + 1) / 2).to(x)
    weights = torch.from_numpy(weights / 2)
    integral = None
    for i in range(len(x)):
        for part in slices(n_steps, x, batch_size):
            at = along[part].reshape(-1, 1, 1, 1)
            images = start[i] + at * (x[i] - start[i])
            found = pass_back(module, images, [wanted[i]] * len(at), half=half).pixels
            if integral is None:
                integral = found.new_zeros(len(x), *found.shape[1:])
            integral[i] += torch.tensordot(weights[part].to(found), found, 1)
            done = i * n_steps + part.stop
            is_last = done == len(x) * n_steps
            yield done, _attribution(x, start, integral, is_single) if is_last else None


def _attribution(x: Tensor, start: Tensor, integral: Tensor, is_single: bool) -> Tensor:
    found = (x - start).to(integral)[:, None] * integral
    return found[:, 0] if is_single else found


def _gap(module: nn.Module, x: Tensor, target: Target, baseline: Any, found: Tensor) -> Tensor:
    x = prepared(module, x)
    wanted, is_single = target_lists(target, len(x))
    start = fill_pixels(x, baseline)
    with undisturbed(module), torch.no_grad():
        differences = []
        for i in range(len(x)):
            scores = [full(class_scores(module(each[i : i + 1].clone())))[0] for each in (x, start)]
            differences.append((scores[0] - scores[1])[wanted[i]])
    sums = found.sum((-3, -2, -1)).reshape(len(x), -1)
    gap = sums - torch.stack(differences).to(sums)
    return gap[:, 0] if is_single else gap
