"""The layers of a network, found by running it once."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import get_ident

import torch
from torch import nn

from .errors import CnnWidgetsError, InputError
from .layer_names import CallNames, first_tensor
from .module import as_module, placement, undisturbed
from .receptive import FieldTracer
from .receptive_field import ReceptiveField


@dataclass(frozen=True)
class LayerInfo:
    """One layer: a part of a network that returns a tensor, each time that it is called.

    Attributes
    ----------
    name : str
        As in ``named_modules()``; with ``#2``, ``#3``, ... for further calls of the same module.
    kind : str
        Name of its class, such as ``"Conv2d"``.
    output_shape : tuple of int
        Without the batch axis: ``(C, H, W)`` for feature maps.
    n_parameters : int
        Of the module with all that is inside it.
    receptive_field : ReceptiveField or None
        What a unit sees of the image; None if that is unknown or has no size and stride (flattened, resized,
        attention in windows, ...).
    channels_last : bool
        Whether ``output_shape`` is ``(H, W, C)``, as inside ConvNeXt and Swin.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    n_parameters: int
    receptive_field: ReceptiveField | None = None
    channels_last: bool = False

    @property
    def n_channels(self) -> int:
        """Feature maps, or units of a layer without maps; for ``(tokens, features)`` the features."""
        if not self.output_shape:
            return 1
        last = self.channels_last or len(self.output_shape) == 2
        return self.output_shape[-1 if last else 0]

    @property
    def map_size(self) -> tuple[int, int] | None:
        """Height and width of the feature maps; None if there are none."""
        if len(self.output_shape) != 3:
            return None
        return self.output_shape[:2] if self.channels_last else self.output_shape[1:]

    @property
    def is_spatial(self) -> bool:
        """Whether the output is feature maps with more than one place in them."""
        return self.map_size is not None and self.map_size != (1, 1)

    @property
    def label(self) -> str:
        """For people: ``"conv2 · Conv2d · 64 × 24 × 24"``."""
        return f"{self.name} · {self.kind} · {' × '.join(map(str, self.output_shape)) or '1'}"


def list_layers(model: nn.Module, input_shape: Sequence[int] | None = None) -> list[LayerInfo]:
    """List the layers of a network in the order in which their outputs are ready.

    The network runs once on zeros, in evaluation mode, and is left as it was. Every module inside it that
    returns a tensor ``(N, ...)``, or a tuple that starts with one, is listed, blocks after their parts; one
    that is called several times is listed each time.

    Parameters
    ----------
    model : Module or Network
        On any device, of any floating type.
    input_shape : (C, H, W) or (N, C, H, W), optional
        What the network reads; a ``Network`` knows it.

    Returns
    -------
    list of LayerInfo

    Raises
    ------
    InputError
        If no shape is known, or the network cannot read an image of that shape.

    Examples
    --------
    >>> import torchvision
    >>> for layer in list_layers(torchvision.models.alexnet(), (3, 224, 224))[:3]:
    ...     print(layer.label, layer.receptive_field.size)
    features.0 · Conv2d · 64 × 55 × 55 (11, 11)
    features.1 · ReLU · 64 × 55 × 55 (11, 11)
    features.2 · MaxPool2d · 64 × 27 × 27 (19, 19)
    """
    module = as_module(model)
    shape = _checked_shape(input_shape if input_shape is not None else getattr(model, "input_shape", None))
    try:
        return _trace(module, shape)
    except CnnWidgetsError:
        raise
    except Exception as error:
        reason = error
    try:
        return _trace(
            module, (shape[0] + 1, *shape[1:])
        )  # the statistics of a batch need more than one image
    except Exception:
        raise _unreadable(module, shape, reason) from reason


def _trace(module: nn.Module, shape: tuple[int, int, int, int]) -> list[LayerInfo]:
    found: list[LayerInfo] = []
    names = CallNames(module)
    device, dtype = placement(module)

    with undisturbed(module):
        # What a module computes once and keeps must be no inference tensor: it could never be trained again.
        with torch.inference_mode(False), torch.no_grad():
            module(torch.zeros(shape, device=device, dtype=dtype))
        _note_all(module, names, shape, found)
    return found


def _note_all(module: nn.Module, names: CallNames, shape: tuple[int, ...], found: list[LayerInfo]) -> None:
    device, dtype = placement(module)
    with torch.inference_mode():
        image = torch.zeros(shape, device=device, dtype=dtype)
        tracer = FieldTracer(image)

        asked_by = get_ident()

        def note(part: nn.Module, inputs: tuple, returned: object) -> None:
            if get_ident() != asked_by:  # somebody else runs the same module in another thread
                return
            name, output = names.next(part), first_tensor(returned)
            if output is None or output.ndim == 0 or len(output) != shape[0]:
                return
            found.append(
                LayerInfo(
                    name=name,
                    kind=type(part).__name__,
                    output_shape=tuple(output.shape[1:]),
                    n_parameters=sum(parameter.numel() for parameter in part.parameters()),
                    receptive_field=tracer.field_of(output),
                    channels_last=tracer.channels_last(output),
                )
            )

        for part in names.modules.values():
            part.register_forward_hook(note)
        with tracer:
            module(image)


def _checked_shape(shape: Sequence[int] | None) -> tuple[int, int, int, int]:
    if shape is None:
        raise InputError("say what the network reads: input_shape=(C, H, W), for example (3, 224, 224)")
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) not in (3, 4) or min(sizes) < 1:
        raise InputError(f"input_shape is (C, H, W) or (N, C, H, W) with sizes of at least 1, not {shape!r}")
    return sizes if len(sizes) == 4 else (1, *sizes)


def _unreadable(module: nn.Module, shape: tuple[int, ...], error: Exception) -> InputError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(
        f"{type(module).__name__} cannot read a batch of shape {shape} (N, C, H, W): {reason}. "
        "Pass the shape that it reads as input_shape=(C, H, W)"
    )
