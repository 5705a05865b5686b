"""Weights in a file of one's own: reading it, and loading it into a network."""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.errors import NetworkError

WRAPPINGS = ("state_dict", "model_state_dict", "model")
"""Where training scripts put the weights in what they save, beside the optimiser and the epoch."""


def is_path(weights) -> bool:
    """Whether ``weights`` means a file, not the name of published weights."""
    if isinstance(weights, str):
        return weights.endswith((".pt", ".pth", ".bin", ".safetensors")) or "/" in weights or "\\" in weights
    return isinstance(weights, Path)


def read_state(path: str | Path) -> Mapping[str, Tensor]:
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
    if not _is_state(state):
        raise NetworkError(
            f"'{path}' holds no weights by name: save it with torch.save(module.state_dict(), path)."
        )
    if all(key.startswith("module.") for key in state):  # DataParallel puts its own name before each
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return state


def _is_state(state) -> bool:
    if not isinstance(state, Mapping) or not state:
        return False
    return all(isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items())


def load_state(module: nn.Module, state: Mapping[str, Tensor], path: str | Path, name: str) -> None:
    """Load ``state`` into ``module``; a NetworkError that says what does not fit."""
    own, state_to_load = module.state_dict(), OrderedDict(state)
    for key, value in own.items():
        if key.endswith("num_batches_tracked"):  # old files lack it, and prediction has no use for it
            state_to_load.setdefault(key, value)
    # Versions of the layers, which say how to read an old file; one that does not tell counts as new.
    state_to_load._metadata = getattr(state, "_metadata", own._metadata)
    problems = {
        "missing": own.keys() - state_to_load.keys(),
        "unexpected": state_to_load.keys() - own.keys(),
        "of another shape": {key for key in own.keys() & state.keys() if own[key].shape != state[key].shape},
    }
    found = [f"{len(keys)} {what} ({min(keys)!r} …)" for what, keys in problems.items() if keys]
    if found:
        raise NetworkError(f"The weights in '{path}' are not those of {name}: {', '.join(found)}.")
    module.load_state_dict(state_to_load)
