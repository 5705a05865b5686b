"""SmoothGrad: the gradient, averaged over noisy copies of the image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..half import is_fast
from ..module import as_module, prepared
from ..progress import reporter
from ..targets import Target, target_lists
from ..whole import at_least
from .chunks import slices
from .score_gradients import pass_back


def smooth_grad(
    model: nn.Module,
    x: Tensor,
    target: Target,
    n_samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
    *,
    batch_size: int | None = None,
    precision: str = "exact",
    progress: Any = None,
) -> Tensor:
    r"""Mean gradient of a class score over copies of the image with noise.

    .. math:: \frac{1}{n} \sum_{i=1}^n \left. \frac{\partial S_t}{\partial x} \right|_{x + \epsilon_i}, \quad
        \epsilon_i \sim \mathcal{N}(0, \sigma^2), \quad \sigma = \text{noise} \cdot (\max x - \min x)

    Gradients change wildly from one image to a nearly equal one; what is left of their mean is what these
    images have in common. It is smoother, not truer: noisy images are images that the network never saw.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    target : int, N ints, or N sequences of T ints
    n_samples : int
        Noisy copies of each image.
    noise : float
        Standard deviation, as a part of the range of each image; 0.1 to 0.2 in the paper. With 0 the result
        is the gradient.
    seed : int
        Of the noise, image i uses ``seed + i``; the global random state is neither used nor changed. The
        batch size does not matter.
    batch_size : int, optional
        Images in a batch; chosen by their size if not given.
    precision : {"exact", "fast"}
        ``"fast"`` computes in bfloat16 where the machine can.
    progress : callable or tqdm bar, optional
        Called with how many copies are done and how many there are. What it raises ends the work.

    Returns
    -------
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Raw values with their sign, in score per unit of preprocessed input; ``.abs().amax(-3)`` makes a map.

    Raises
    ------
    InputError
        For fewer than one sample or negative noise; otherwise as `saliency`.

    References
    ----------
    Smilkov, Thorat, Kim, Viégas, Wattenberg, "SmoothGrad: removing noise by adding noise", 2017.

    Examples
    --------
    >>> import torchvision
    >>> alexnet = torchvision.models.alexnet()
    >>> smooth_grad(alexnet, torch.randn(1, 3, 64, 96), target=7, n_samples=4).shape
    torch.Size([1, 3, 64, 96])
    """
    report = reporter(progress)
    options = {"batch_size": batch_size, "precision": precision}
    for done, mean in smooth_grad_steps(model, x, target, n_samples, noise, seed, **options):  # noqa: B007
        report(done, n_samples * len(x))
    return mean


@torch.inference_mode(False)
def smooth_grad_steps(
    model: nn.Module,
    x: Tensor,
    target: Target,
    n_samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
    *,
    batch_size: int | None = None,
    precision: str = "exact",
) -> Iterator[tuple[int, Tensor]]:
    """The same, step by step: how many copies are done, and the mean so far, after each batch.

    Yields
    ------
    int
        Copies done, of N * n_samples.
    Tensor, shape (N, C, H, W) or (N, T, C, H, W)
        Zeros for an image that has not had its turn yet.

    Examples
    --------
    >>> import torchvision
    >>> alexnet, x = torchvision.models.alexnet(), torch.randn(1, 3, 64, 96)
    >>> [done for done, mean in smooth_grad_steps(alexnet, x, 7, n_samples=5, batch_size=2)]
    [2, 4, 5]
    """
    module = as_module(model)
    x = prepared(module, x)
    wanted, is_single = target_lists(target, len(x))
    at_least(1, n_samples=n_samples)
    if not 0 <= noise < float("inf"):
        raise InputError(f"noise is a part of the range of the image, 0 or more, not {noise!r}")
    half = is_fast(precision, x)
    sums, done = None, 0
    counts = torch.zeros(len(x), device=x.device)
    for i in range(len(x)):
        generator = torch.Generator().manual_seed(seed + i)
        spread = noise * float(x[i].amax() - x[i].amin())
        for part in slices(n_samples, x, batch_size):
            n = part.stop - part.start
            # sample by sample, so that the batch size does not change what is drawn
            drawn = torch.stack([torch.randn(x.shape[1:], generator=generator) for _ in range(n)])
            copies = x[i] + (spread * drawn).to(x)
            found = pass_back(module, copies, [wanted[i]] * n, half=half).pixels
            if sums is None:
                sums = found.new_zeros(len(x), *found.shape[1:])
            sums[i] += found.sum(0)
            counts[i] += n
            done += n
            mean = sums / counts.clamp(min=1).to(sums).reshape(-1, *[1] * (sums.ndim - 1))
            yield done, mean[:, 0] if is_single else mean
