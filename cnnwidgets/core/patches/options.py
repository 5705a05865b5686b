"""What a scan is asked for, checked before it begins."""

from collections.abc import Iterable

from torch import nn

from ..errors import InputError, LayerError
from ..layer_names import CallNames
from ..layers import LayerInfo, list_layers
from ..whole import at_least


def checked_names(layers: str | Iterable[str]) -> list[str]:
    """Names of layers, each once; a LayerError if there are none."""
    try:
        names = list(dict.fromkeys([layers] if isinstance(layers, str) else layers))
    except TypeError:
        names = []
    if not names:
        raise LayerError(
            f"name at least one layer, not {layers!r}; list_layers(model, input_shape) lists them"
        )
    return names


def check_options(k, batch_size, seed, start, stop, precision) -> None:
    """Raise an InputError that says which number is none, or out of its range."""
    at_least(1, k=k, batch_size=1 if batch_size is None else batch_size)
    at_least(0, start=start, seed=seed)
    if stop is not None:
        at_least(0, stop=stop)
        if stop <= start:
            raise InputError(f"start and stop count from 0, start before stop, not {start} and {stop}")
    if precision not in ("exact", "fast"):
        raise InputError(f"precision is 'exact' or 'fast', not {precision!r}")


def scanned_layers(module: nn.Module, names: list[str], shape: tuple[int, int, int]) -> list[LayerInfo]:
    """The layers of these names, for images (C, H, W) of this shape; a LayerError if one has no maps."""
    try:
        known = {layer.name: layer for layer in list_layers(module, shape)}
    except InputError as error:
        reason = str(error).partition(". Pass the shape")[0]
        raise InputError(f"{reason}. Resize the images to what the network reads") from error
    missing = [name for name in names if name not in known]
    if missing:
        CallNames(module).split(missing[0])  # says the nearest names
        raise LayerError(f"layer {missing[0]!r} did not run, or returned no tensor for a batch of images")
    for name in names:
        if len(known[name].output_shape) not in (1, 3):
            raise LayerError(
                f"layer {name!r} has no maps: its output is {known[name].output_shape} for an image; choose "
                "one with (C, H, W), or a vector"
            )
    return [known[name] for name in names]
