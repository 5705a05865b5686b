"""Names of layers: those of the modules, and ``name#2`` for the second time that one is called."""

from collections import Counter

from torch import Tensor, nn
from torch.jit import ScriptModule

from .errors import LayerError, did_you_mean


class CallNames:
    """Name the calls of a module's parts, one after the other, during one forward pass.

    The first call of ``relu`` is ``"relu"``, the second ``"relu#2"``. The module itself has no name.
    """

    def __init__(self, module: nn.Module) -> None:
        # A TorchScript part takes no hooks, so it cannot be watched.
        watched = (
            (name, part) for name, part in module.named_modules() if not isinstance(part, ScriptModule)
        )
        self.modules = {name: part for name, part in watched if name}
        self._names = {part: name for name, part in self.modules.items()}
        self._calls: Counter[str] = Counter()

    def next(self, part: nn.Module) -> str:
        """Name of the call of that part that happens now."""
        name = self._names[part]
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name}#{self._calls[name]}"

    def times(self, name: str) -> int:
        """How often a module was called so far."""
        return self._calls[name]

    def split(self, layer: str) -> str:
        """Name of the module that a layer belongs to.

        Raises
        ------
        LayerError
            If there is none; says the nearest names.
        """
        if not isinstance(layer, str):
            raise LayerError(f"a layer is named by a str such as 'conv1', not by a {type(layer).__name__}")
        name, mark, number = layer.rpartition("#")
        if layer in self.modules:
            return layer
        if mark and name in self.modules and number.isdecimal() and int(number) >= 2:
            return name
        raise LayerError(
            f"there is no layer {layer!r}; {did_you_mean(layer, self.modules)}. "
            "list_layers(model, input_shape) lists them all"
        )


def first_tensor(output: object) -> Tensor | None:
    """The tensor that a module returned, or the first of a tuple; None if there is none."""
    if isinstance(output, (tuple, list)) and output:
        output = output[0]
    return output if isinstance(output, Tensor) else None
