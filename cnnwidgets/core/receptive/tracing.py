"""Watch a network run once and note what each of its tensors sees of the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from ..receptive_field import ReceptiveField
from . import mixing_rules, pointwise_rules, shape_rules, window_rules  # noqa: F401  (they fill the table)
from .axis import Axis
from .calls import RULES, UNKNOWN, Call, View, tensors_in, unlisted


class FieldTracer(TorchDispatchMode):
    """Receptive fields of all tensors made while it is active.

    To be used under :class:`torch.inference_mode`, in which a convolution, a linear layer or a pooling
    reaches it in one piece.

    Parameters
    ----------
    image : Tensor, shape (N, C, H, W)
        The input of the network; its pixels see themselves.

    Examples
    --------
    >>> import torchvision
    >>> network, image = torchvision.models.alexnet().features[:11].eval(), torch.zeros(1, 3, 224, 224)
    >>> with torch.inference_mode(), FieldTracer(image) as tracer:
    ...     maps = network(image)
    >>> tracer.field_of(maps)
    ReceptiveField(size=(163, 163), stride=(16, 16), padding=(66, 66), whole_image=False)

    Notes
    -----
    What passes through numpy or Python numbers on its way is not followed: it counts as a constant.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        height, width = image.shape[2:]
        # What each tensor sees, and when that was noted: a write into shared memory outdates older notes.
        self._noted = WeakTensorKeyDictionary()
        self._noted[image] = (Axis.of_image(height, 2), Axis.of_image(width, 3)), 0
        self._written: dict[int, tuple[int, torch.UntypedStorage]] = {}
        self._time = 0

    def view_of(self, tensor: Tensor) -> View:
        """What the units of a tensor see, for rows and columns."""
        view, time = self._noted.get(tensor, (None, -1))
        if self._written and self._written.get(tensor.untyped_storage()._cdata, (-1,))[0] > time:
            return UNKNOWN
        return view

    def field_of(self, tensor: Tensor) -> ReceptiveField | None:
        """Receptive field of the units of a tensor; None if it is unknown, or has no size and stride."""
        view = self.view_of(tensor)
        if not isinstance(view, tuple) or not all(axis.fixed or axis.regular for axis in view):
            return None
        rows, columns = (min(axis.dims, default=None) for axis in view)
        if None not in (rows, columns) and rows >= columns:
            return None  # transposed: row i of the units would see column i of the image
        windows = [axis.window or (axis.high - axis.low, -axis.low) for axis in view]
        return ReceptiveField(
            size=tuple(size for size, _ in windows),
            stride=tuple(0 if axis.fixed else axis.stride for axis in view),
            padding=tuple(padding for _, padding in windows),
            whole_image=all(axis.whole for axis in view),
            image_size=tuple(axis.length for axis in view),
            spans=tuple(axis.spans for axis in view),
        )

    def channels_last(self, tensor: Tensor) -> bool:
        """Whether rows and columns are the axes after the first of a tensor (N, H, W, C)."""
        view = self.view_of(tensor)
        return (
            tensor.ndim == 4 and isinstance(view, tuple) and [set(axis.dims) for axis in view] == [{1}, {2}]
        )

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        inputs = [*tensors_in(args), *tensors_in(list(kwargs.values()))]
        if any(self.view_of(tensor) is not None for tensor in inputs):
            self._note(func, args, kwargs, output)
        return output

    def _note(self, func: Any, args: tuple, kwargs: dict, output: object) -> None:
        call = Call(func, args, kwargs, output, self.view_of)
        try:
            views = RULES.get(call.name, unlisted)(call)
        except Exception:  # one operation called in an unforeseen way must not cost the user all layers
            views = UNKNOWN
        if not isinstance(views, list):
            views = [views] * len(call.outputs)
        self._time += 1
        new = dict(zip(map(id, call.outputs), views, strict=True))
        for tensor in call.written():
            if self.view_of(tensor) != new.get(id(tensor), UNKNOWN):
                # Whatever else lies in this memory holds something new too, in part or altogether.
                storage = tensor.untyped_storage()  # kept, lest another one takes its address
                self._written[storage._cdata] = self._time, storage
        for tensor, view in zip(call.outputs, views, strict=True):
            self._noted[tensor] = view, self._time
