"""Weights in a file of one's own: reading it, and loading it into a network."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.errors import NetworkError

WRAPPINGS = ("state_dict", "model_state_dict", "model")
"""Where training scripts put the weights in what they save, beside the optimiser and the epoch."""


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a safetensors file, or in one that ``torch.save`` wrote; no code in it is ever run.

    Raises
    ------
    NetworkError
        If there is no such file, if it is damaged, or if it holds something else than tensors by name.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise NetworkError(f"There is no weights file '{path}': check the path (looked from {Path.cwd()}).")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise NetworkError(
            f"'{path}' holds more than weights, or is damaged: save it with torch.save(module.state_dict(), "
            "path)."
        ) from None
    except Exception as error:  # of zip, of safetensors, of the disk
        raise NetworkError(
            f"'{path}' is damaged or no weights file ({error}): copy or save it again."
        ) from None
    for key in WRAPPINGS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise NetworkError(
            f"'{path}' holds no weights by name: save it with torch.save(module.state_dict(), path)."
        )
    # DataParallel puts its own name before each
    wrapped = all(key.startswith("module.") for key in state)
    return {key.removeprefix("module.") if wrapped else key: value for key, value in state.items()}


def load_state(module: nn.Module, state: Mapping[str, Tensor], path: str | Path, name: str) -> None:
    """Load ``state`` into ``module``; a NetworkError that says what does not fit."""
    own = module.state_dict()
    reshaped = [key for key in own if key in state and own[key].shape != state[key].shape]
    problems = {
        "missing": [key for key in own if key not in state],
        "unexpected": [key for key in state if key not in own],
        "of another shape": reshaped,
    }
    found = [f"{len(keys)} {what} ({keys[0]!r} …)" for what, keys in problems.items() if keys]
    if found:
        raise NetworkError(f"The weights in '{path}' are not those of {name}: {', '.join(found)}.")
    module.load_state_dict(state)
