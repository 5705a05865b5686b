"""Which networks are on this machine, and what it takes to get the others."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import torch

from ..core.errors import NetworkError
from .loading import _torchvision_zoo, available


@dataclass(frozen=True)
class AtHand:
    """A network that ``load`` knows, and where its weights are.

    Attributes
    ----------
    name : str
        As for ``load``.
    title : str
        For people.
    size_mb : float
        Size of the file with the weights, in megabytes (10⁶ bytes).
    path : Path or None
        That file; None if it is not on this machine.
    how : str
        What it takes to get it, with the commands between backticks; ``""`` if it is there.
    """

    name: str
    title: str
    size_mb: float
    path: Path | None
    how: str


def at_hand(name: str) -> AtHand:
    """Whether the default weights of a network are on this machine. Downloads nothing.

    Parameters
    ----------
    name : str
        As for ``load``.

    Returns
    -------
    AtHand

    Raises
    ------
    NetworkError
        If there is no such network; says the nearest names.

    Notes
    -----
    Looks whether the file is there, not whether it is sound: ``load`` does that.

    Examples
    --------
    >>> at_hand("toynet").path.name
    'toynet.safetensors'
    """
    from .bundled import BUNDLED, WEIGHTS

    if not isinstance(name, str):
        raise NetworkError(f"at_hand needs the name of a network, not a {type(name).__name__}.")
    name = name.lower()
    if name in BUNDLED:
        path = WEIGHTS / f"{name}.safetensors"
        return AtHand(name, f"{name} (bundled)", path.stat().st_size / 1e6, path, "")
    zoo = _torchvision_zoo()
    zoo.check_name(name, available())
    weights = zoo.get_model_weights(name).DEFAULT
    path = Path(torch.hub.get_dir(), "checkpoints", Path(urlparse(weights.url).path).name)
    if path.is_file():
        return AtHand(name, f"{name} ({weights.name})", path.stat().st_size / 1e6, path, "")
    megabytes = weights.meta["_file_size"] * 2**20 / 1e6  # torchvision counts in MiB
    how = f'{megabytes:.0f} MB, not on this machine: `cw.load("{name}")` downloads it'
    return AtHand(name, f"{name} ({weights.name})", megabytes, None, how)
