"""Network dissection: which part does a unit detect?"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .capture import capture
from .errors import InputError, LayerError
from .layers import LayerInfo, list_layers
from .module import as_module
from .whole import at_least

BATCH = 32

ROUNDING = 1e-6
"""Between cells that are all at the threshold, interpolation may come out this much below it."""


def part_iou(
    model: nn.Module,
    x: Tensor,
    part_masks: Tensor,
    layers: str | Iterable[str],
    share: float = 0.01,
    n_parts: int | None = None,
    step: int = 1,
) -> dict[str, Tensor]:
    r"""How well the places at which each unit fires cover each part (intersection over union).

    For unit :math:`k`, a threshold :math:`T_k` is taken that a given share of all its activations reaches;
    its maps, upsampled bilinearly to the size of the images and anchored at the middle of each cell's
    receptive field, say where it fires, :math:`M_k(x) = A_k(x) \ge T_k`. With the mask :math:`L_p(x)` of
    part :math:`p`,

    .. math:: \mathrm{IoU}_{k,p} = \frac{\sum_x |M_k(x) \cap L_p(x)|}{\sum_x |M_k(x) \cup L_p(x)|}.

    Parameters
    ----------
    model : Module or Network
    x : Tensor, shape (N, C, H, W)
        Preprocessed images.
    part_masks : Tensor of int, shape (N, H, W)
        The part that each pixel belongs to.
    layers : str or iterable of str
        Layers with maps.
    share : float
        Share of a unit's activations that count as firing. More do where many are equal, as in a unit that
        saturates; what is not above zero never does.
    n_parts : int, optional
        How many parts there are; one more than the largest in the masks if not given.
    step : int
        Look at every ``step``-th row and column of pixels only: 2 takes a quarter of the time.

    Returns
    -------
    dict of str to Tensor, shape (n_channels, n_parts)
        From 0 to 1; 0 for a unit that never fires, and for a part that is in no image.

    Raises
    ------
    LayerError
        If there is no such layer, or it has no maps.
    InputError
        If images or masks are none, or do not fit together, or an option is out of its range.

    Notes
    -----
    A high score says that the unit covers the part, not that the network needs it, nor that no other unit
    does. A part much smaller than the cells of a layer scores low even with its perfect detector.

    References
    ----------
    Bau, Zhou, Khosla, Oliva, Torralba, "Network Dissection: Quantifying Interpretability of Deep Visual
    Representations", 2017, section 3. The paper's share is 0.005.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(1, 1, 1))  # fires where it is bright
    >>> nn.init.ones_(model[0].weight), nn.init.zeros_(model[0].bias)  # doctest: +SKIP
    >>> x, masks = torch.rand(2, 1, 6, 8), torch.zeros(2, 6, 8, dtype=torch.long)
    >>> part_iou(model, x, masks, "0", share=0.5)["0"].shape
    torch.Size([1, 1])
    """
    names = [layers] if isinstance(layers, str) else list(dict.fromkeys(layers))
    if not isinstance(x, Tensor):
        raise InputError(
            f"images come as a torch.Tensor (N, C, H, W), not a {type(x).__name__}; try network.read(image)"
        )
    try:
        masks = torch.as_tensor(part_masks).cpu()
    except (TypeError, ValueError, RuntimeError):
        raise InputError(
            f"masks come as a tensor of int (N, H, W), not as a {type(part_masks).__name__}"
        ) from None
    if x.ndim != 4 or masks.shape != (len(x), *x.shape[2:]) or not len(x):
        raise InputError(
            f"each image needs a mask of its size: images {tuple(x.shape)}, masks {tuple(masks.shape)}"
        )
    if masks.is_floating_point() or masks.is_complex():
        raise InputError(f"masks hold whole numbers of parts, not {masks.dtype}; try masks.long()")
    masks = masks.long()
    if not 0 < share < 1:
        raise InputError(f"share is between 0 and 1, not {share}")
    if n_parts is None:
        n_parts = int(masks.max()) + 1
    else:
        at_least(1, n_parts=n_parts)
    at_least(1, step=step)
    if masks.min() < 0 or masks.max() >= n_parts:
        raise InputError(f"masks hold the parts 0 to {n_parts - 1}, not {masks.min()} to {masks.max()}")
    known = {layer.name: layer for layer in list_layers(as_module(model), tuple(x.shape[1:]))}
    scores = {}
    for name in names:
        maps = torch.cat([_maps(model, part, name, known.get(name)) for part in x.split(BATCH)])
        scores[name] = _iou(maps, masks, n_parts, share, step, known[name])
    return scores


def _maps(model: nn.Module, x: Tensor, name: str, layer: LayerInfo | None) -> Tensor:
    maps = capture(model, x, name)[name]  # says the nearest names if there is no such layer
    if layer is None or layer.map_size is None:
        raise LayerError(
            f"layer {name!r} has no maps, so that its units are at no place; choose one that has"
        )
    return (maps.movedim(-1, 1) if layer.channels_last else maps).float().cpu()


def _iou(maps: Tensor, masks: Tensor, n_parts: int, share: float, step: int, layer: LayerInfo) -> Tensor:
    per_unit = maps.transpose(0, 1).flatten(1).nan_to_num(-torch.inf)
    count = max(1, int(share * per_unit.shape[1]))
    threshold = per_unit.topk(count, dim=1).values[:, -1] * (1 - ROUNDING)
    rows, columns = (_interpolation(axis, masks.shape[1 + axis], layer)[::step] for axis in (0, 1))
    masks = masks[:, ::step, ::step]
    both, fired, there = 0, 0, 0
    for part, mask in zip(maps.split(BATCH), masks.split(BATCH), strict=True):
        large = rows @ part.nan_to_num(-1e30) @ columns.T
        fires = ((large >= threshold[:, None, None]) & (large > 0)).transpose(0, 1).flatten(1).float()
        truth = torch.nn.functional.one_hot(mask.flatten(), n_parts).float()
        both, fired, there = both + fires @ truth, fired + fires.sum(1), there + truth.sum(0)
    return both / (fired[:, None] + there - both).clamp(min=1)


def _interpolation(axis: int, n_pixels: int, layer: LayerInfo) -> Tensor:
    """Weights (n_pixels, n_cells) with which the cells of a map make the pixels along one axis."""
    n_cells, field = layer.map_size[axis], layer.receptive_field
    if field is None or not field.stride[axis]:
        first, step = n_pixels / n_cells / 2 - 0.5, n_pixels / n_cells
    else:
        first, step = (field.size[axis] - 1) / 2 - field.padding[axis], field.stride[axis]
    cell = ((torch.arange(n_pixels) - first) / step).clamp(0, n_cells - 1)
    return (1 - (cell[:, None] - torch.arange(n_cells)).abs()).clamp(min=0)
