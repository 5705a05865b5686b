"""What there is to know of a change that fools: how large it is, what survives of it, what noise does."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..core.ascent.start import limits_of, within
from ..data import read_image
from ..render import png_bytes
from ..widgets._changes import percentage
from ..widgets._words import number

SCALES = np.arange(31) / 20
"""Shares of the change that are looked at: none of it to one and a half times."""
TRIES = 8
"""Pictures of noise."""
AT_ONCE = 8
"""Pictures in a batch: so long another search has to wait."""


class Facts(NamedTuple):
    """What was measured of one change; probabilities are those of all classes.

    Attributes
    ----------
    grown : ndarray, shape (31, n_classes)
        With each share of the change in `SCALES`.
    noise : Tensor, shape (1, C, H, W)
        One that is as large, in the units of the network.
    noise_grown : ndarray, shape (31, n_classes)
        With each share of that.
    tries : ndarray, shape (8, n_classes)
        With all of several such noises.
    saved : ndarray, shape (n_classes,)
        Of the picture rounded to 8 bits.
    opened : ndarray, shape (n_classes,), or None
        Of the saved picture opened as any other is; None where that is the same.
    """

    grown: np.ndarray
    noise: Tensor
    noise_grown: np.ndarray
    tries: np.ndarray
    saved: np.ndarray
    opened: np.ndarray | None


def grey_levels(network: Any, change: Tensor) -> np.ndarray:
    """A change (1, C, H, W) in grey levels, of which there are 255 from black to white: (C, H, W)."""
    zero = torch.zeros_like(change)
    levels = 255 * (network.preprocess.denormalise(change) - network.preprocess.denormalise(zero))
    return levels[0].cpu().float().numpy()


def noise_like(network: Any, x: Tensor, change: Tensor, n: int, seed: int = 0) -> Tensor:
    """Normal noise in every value, as large as a change, with colours that can be printed.

    Parameters
    ----------
    network : Network
    x, change : Tensor, shape (1, C, H, W)
        Picture and change, preprocessed.
    n : int
        How many.
    seed : int

    Returns
    -------
    Tensor, shape (n, C, H, W)
        Each of the L2 norm of the change, unless the picture has no room for it.
    """
    limits, wanted = limits_of(network, x.shape[1]), torch.linalg.vector_norm(change)
    drawn = torch.randn((n, *x.shape[1:]), generator=torch.Generator().manual_seed(seed)).to(x)
    # a change of grey levels is alike in all channels, whatever the network divides them by
    black, white = limits if limits is not None else (torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    drawn = drawn * (white - black).to(x)
    noise = drawn
    for _ in range(12):  # what is cut off at black and white is made up for
        size = torch.linalg.vector_norm(noise, dim=(1, 2, 3), keepdim=True)
        drawn = drawn * (wanted / size.clamp(min=torch.finfo(x.dtype).tiny))
        noise = within(x + drawn, limits) - x
    return noise


def measure(network: Any, x: Tensor, change: Tensor) -> Iterator[Facts | None]:
    """Yields None after each piece of work, and the facts at last; in a thread.

    Parameters
    ----------
    network : Network
    x, change : Tensor, shape (1, C, H, W)
        Picture and change, preprocessed.
    """
    limits = limits_of(network, x.shape[1])
    noises = noise_like(network, x, change, TRIES)
    shares = torch.as_tensor(SCALES).to(x).reshape(-1, 1, 1, 1)
    found = []
    for batch in (x + shares * change, x + shares * noises[:1], x + noises):
        parts = []
        for part in batch.split(AT_ONCE):
            parts.append(network.probabilities(within(part, limits)).cpu().numpy())
            yield None
        found.append(np.concatenate(parts))
    saved, opened = _saved(network, x + change)
    yield Facts(found[0], noises[:1], found[1], found[2], saved, opened)


def _saved(network: Any, image: Tensor) -> tuple[np.ndarray, np.ndarray | None]:
    """Written as a PNG and read again: what the network says of just these pixels; and of the file."""
    pixels = network.to_image(image)[0]
    file = png_bytes(pixels[..., 0] if image.shape[1] == 1 else pixels)
    picture = np.array(read_image(file).convert("L" if image.shape[1] == 1 else "RGB"), np.float32)
    values = torch.from_numpy(picture).reshape(*picture.shape[:2], -1).permute(2, 0, 1)[None]
    again = network.preprocess.normalise(values / 255).to(image)
    saved = network.probabilities(again)[0].cpu().numpy()
    read = network.read(file)
    is_same = read.shape == again.shape and torch.allclose(read, again, atol=1e-3)
    return saved, None if is_same else network.probabilities(read)[0].cpu().numpy()


def told(
    facts: Facts,
    names: list[str],
    present: int,
    target: int,
    norms: tuple[float, float],
    is_fooled: bool = True,
) -> list:
    """The facts in words, as pairs of a name and a sentence.

    Parameters
    ----------
    facts : Facts
    names : list of str
        Of the classes.
    present, target : int
        The class before, and the one it is to be taken for.
    norms : (float, float)
        Of the change and of the picture, in the units of the network.
    is_fooled : bool
        Whether the change does what it shall: else there is nothing that could survive.
    """
    size, whole = norms
    share = f", {100 * size / whole:.1f} % of that of the picture" if whole else ""
    rows = [["L2 norm", f"{number(size)} in the units of the network{share}"]]
    if present == target or not is_fooled:
        return rows
    rows.append(["saved as PNG", _survival(facts.saved, names, present, target, "in whole grey levels")])
    if facts.opened is not None:
        why = "resized and cropped once more, as any file is that is opened"
        rows.append(["file opened", _survival(facts.opened, names, present, target, why)])
    stay = int((facts.tries.argmax(1) == present).sum())
    mean, most = facts.tries[:, present].mean(), facts.tries[:, target].max()
    rows.append(
        [
            "mere noise",
            f"as large a change by chance, {len(facts.tries)} times: {names[present]} stays first in {stay}, "
            f"with {percentage(mean)} in the mean; {names[target]} gets {percentage(most)} at most",
        ]
    )
    return rows


def _survival(row: np.ndarray, names: list[str], present: int, target: int, how: str) -> str:
    first = int(row.argmax())
    both = f"{names[target]} {percentage(row[target])}, {names[present]} {percentage(row[present])}"
    if first == target:
        return f"{how}, it still fools: {both}"
    return f"{how}, it no longer fools, {names[first]} is first: {both}"
