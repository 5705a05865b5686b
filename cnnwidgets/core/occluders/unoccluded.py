"""What a layer returned for the unoccluded image, and how windows are cut out of it for many squares."""

import numpy as np
import torch
from torch import Tensor

from .span import Place

# The first two rows of the table stand for padding.
_ZEROS, _LOWEST, _MAP = 0, 1, 2


class Unoccluded:
    """The maps of one layer as a table with a row for each place, in which all channels lie side by side.

    A window is then a list of row numbers, and one ``index_select`` copies the windows of a whole batch:
    from the map of the unoccluded image, from the padding around it, and from what the squares have changed,
    which is written behind the map.

    Parameters
    ----------
    maps : Tensor, shape (1, C, H, W)
    """

    def __init__(self, maps: Tensor) -> None:
        _, self.n_channels, self.height, self.width = maps.shape
        self._n_map = self.height * self.width
        self._table = maps.new_empty(_MAP + self._n_map, self.n_channels)
        self._table[_ZEROS] = 0
        self._table[_LOWEST] = -torch.inf
        self._table[_MAP:] = maps[0].permute(1, 2, 0).reshape(-1, self.n_channels)

    @property
    def maps(self) -> Tensor:
        """The maps themselves, (1, C, H, W), ``channels_last``."""
        rows = self._table[_MAP : _MAP + self._n_map]
        return rows.view(1, self.height, self.width, self.n_channels).permute(0, 3, 1, 2)

    def windows(
        self,
        top: np.ndarray,
        left: np.ndarray,
        height: int,
        width: int,
        changed: "tuple[Tensor, Place] | None" = None,
        lowest: bool = False,
        out: "Scratch | None" = None,
    ) -> Tensor:
        """Cut out one window for each square.

        Parameters
        ----------
        top, left : ndarray of int64, shape (B,)
            First row and column of each window; may lie outside of the map, where there is padding.
        height, width : int
            Size of the windows.
        changed : (Tensor of shape (B, C, h, w), Place), optional
            What the squares have changed, and where.
        lowest : bool
            Pad with minus infinity (for a maximum) instead of zeros.
        out : Scratch, optional
            Memory to use again, for windows that are needed for a moment only.

        Returns
        -------
        Tensor, shape (B, C, height, width)
            ``channels_last``.
        """
        rows, columns = top[:, None] + np.arange(height), left[:, None] + np.arange(width)
        pad = _LOWEST if lowest else _ZEROS
        numbers = self._of_map(rows, columns, pad)
        if changed is not None:
            numbers = self._of_changed(rows, columns, numbers, *changed)
        chosen = torch.from_numpy(numbers).reshape(-1).to(self._table.device)
        memory = None if out is None else out.rows(len(chosen), self.n_channels, self._table)
        picked = torch.index_select(self._table, 0, chosen, out=memory)
        return picked.view(len(top), height, width, self.n_channels).permute(0, 3, 1, 2)

    def _of_map(self, rows: np.ndarray, columns: np.ndarray, pad: int) -> np.ndarray:
        numbers = (_MAP + rows * self.width).astype(np.int32)[:, :, None] + columns.astype(np.int32)[:, None]
        outside_rows, outside_columns = _outside(rows, self.height), _outside(columns, self.width)
        if outside_rows is not None:
            numbers[outside_rows] = pad
        if outside_columns is not None:
            numbers.swapaxes(1, 2)[outside_columns] = pad
        return numbers

    def _of_changed(
        self, rows: np.ndarray, columns: np.ndarray, numbers: np.ndarray, patches: Tensor, place: Place
    ) -> np.ndarray:
        """Numbers of the rows behind the map, where a window meets what has changed."""
        _, _, height, width = patches.shape
        behind = self._write(patches)
        down, right = rows - place.rows.start[:, None], columns - place.columns.start[:, None]
        first = behind + np.arange(len(rows))[:, None] * (height * width)
        inside = ((down >= 0) & (down < height))[:, :, None] & ((right >= 0) & (right < width))[:, None]
        theirs = (first + down * width).astype(np.int32)[:, :, None] + right.astype(np.int32)[:, None]
        return np.where(inside, theirs, numbers)

    def trim(self) -> None:
        """Forget what was written behind the map, and give back its memory."""
        if len(self._table) > _MAP + self._n_map:
            self._table = self._table[: _MAP + self._n_map].clone()

    def _write(self, patches: Tensor) -> int:
        """Write what has changed behind the map; the number of its first row."""
        behind = _MAP + self._n_map
        rows = patches.permute(0, 2, 3, 1).reshape(-1, self.n_channels)
        if behind + len(rows) > len(self._table):
            larger = self._table.new_empty(behind + len(rows), self.n_channels)
            larger[:behind] = self._table[:behind]
            self._table = larger
        self._table[behind : behind + len(rows)] = rows
        return behind


class Scratch:
    """Memory for windows that are needed for a moment only: fresh memory costs more than to fill it."""

    def __init__(self) -> None:
        self._memory: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def rows(self, n: int, n_channels: int, like: Tensor) -> Tensor:
        """A table of n rows; what it held before is lost."""
        kind = like.device, like.dtype
        memory = self._memory.get(kind)
        if memory is None or len(memory) < n * n_channels:
            memory = self._memory[kind] = like.new_empty(n * n_channels)
        return memory[: n * n_channels].view(n, n_channels)


def _outside(places: np.ndarray, length: int) -> "np.ndarray | None":
    if places.min() >= 0 and places.max() < length:
        return None
    return (places < 0) | (places >= length)
