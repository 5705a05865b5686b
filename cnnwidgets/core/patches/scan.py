"""Going through the images: every channel of every layer in one pass."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from ..fingerprint import fingerprint
from ..images import Batch, images_of
from ..layers import LayerInfo
from ..module import as_module, placement, prepared, undisturbed
from ..progress import reporter
from ..visit import visit
from .maxima import maxima, places
from .options import check_options, checked_names, scanned_layers
from .ranking import ENTRY, lots
from .result import Patches, difference, join_ranges
from .unit import KINDS

BATCH = 128
"""Images in one step, of at most 128 x 128 pixels; a quarter of that of larger ones."""

PASS = 32
"""Images in one forward pass on the CPU, so that their maps stay in its caches."""

SAVE_EVERY = 10.0
"""Seconds between two savings of a checkpoint."""


def max_activating_patches(
    model: nn.Module,
    images: Any,
    layers: str | Iterable[str],
    k: int = 9,
    *,
    batch_size: int | None = None,
    precision: str = "exact",
    seed: int = 0,
    start: int = 0,
    stop: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Any = None,
) -> Patches:
    r"""Find the patches of the images at which each unit fires most.

    For channel :math:`c` of a layer with activation maps :math:`A`, an image :math:`x` counts with its
    strongest place only,

    .. math:: p_c(x) = \arg\max_{i,j} A_{cij}(x), \qquad v_c(x) = \max_{i,j} A_{cij}(x),

    the images are ordered by :math:`v_c`, and a patch is the part of the image that the unit at :math:`p_c`
    sees, its receptive field clipped at every layer. All channels of all layers are found in one pass over
    the images. Memory grows with the number of units times ``k``, not with the number of images.

    The k strongest flatter a unit. So two more sets are kept for each: the k images in which it fires
    (:math:`v_c > 0`) but least, and a random sample of k images in which it fires.

    Parameters
    ----------
    model : Module or Network
        Used in evaluation mode, left as it was.
    images : Tensor (N, C, H, W), folder, dataset, sequence or iterable
        Float tensors count as preprocessed; a ``Network`` reads everything else, see
        :func:`cnnwidgets.core.images.images_of`. All of one size once they are preprocessed. Of an iterable,
        which gives its images once, the best are kept in memory, up to ``3 * k`` for each unit.
    layers : str or iterable of str
        Names as :func:`list_layers` gives them. Layers without maps, such as fully connected ones, count as
        maps of one cell, which sees the whole image.
    k : int
        Patches of each kind for each unit.
    batch_size : int, optional
        Images in one step; 128 small or 32 large ones if not given.
    precision : {"exact", "fast"}
        ``"fast"`` lets torch compute in bfloat16 where it thinks fit: two to three digits of each activation,
        with more ties and now and then another order among equals.
    seed : int
        Of the random sample.
    start, stop : int, optional
        Numbers of the images to look at; parts can be put together by :meth:`Patches.merge`.
    checkpoint : path, optional
        Written every ten seconds and at the end, also at an interruption; if the file is there, the scan goes
        on where it stopped, and ends with the same bytes if ``batch_size`` is the same. (How many images go
        through the network together decides the last digit of its sums.)
    progress : callable or tqdm bar, optional
        Called with the number of images done and the total (None for an iterable).

    Returns
    -------
    Patches
        ``patches["conv5", 12].strongest`` is a list of :class:`Patch`.

    Raises
    ------
    LayerError
        If there is no such layer (says the nearest names), or it has no maps.
    InputError
        If there are no images, one cannot be used (says which), or the checkpoint belongs to another scan.

    Notes
    -----
    Of equal activations the earlier image counts, and in one map the first cell, row by row; ``Patch.tied``
    says how many cells there are. A map whose maximum is NaN (one cell is enough) or infinite counts for
    nothing, and is counted in ``Unit.n_not_finite``. To stop a scan and keep what it has found, step through
    a :class:`PatchScan`.

    References
    ----------
    Girshick, Donahue, Darrell, Malik, "Rich feature hierarchies for accurate object detection and semantic
    segmentation", 2014, section 3.1. Zeiler, Fergus, "Visualizing and understanding convolutional networks",
    2014, section 3. Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for simplicity", 2015.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    >>> patches = max_activating_patches(model, torch.randn(20, 3, 8, 10), "1", k=2)
    >>> unit = patches["1", 3]
    >>> [patch.value >= unit.strongest[1].value for patch in unit.strongest]
    [True, True]
    >>> unit.pixels(unit.strongest[0])[0].shape
    torch.Size([3, 3, 3])
    """
    scan = PatchScan(
        model,
        images,
        layers,
        k,
        batch_size=batch_size,
        precision=precision,
        seed=seed,
        start=start,
        stop=stop,
        checkpoint=checkpoint,
    )
    return scan.run(progress)


class PatchScan:
    """A scan step by step: watch it, stop it, go on later.

    Each step takes one batch of images and gives the number of images done so far.

    Parameters
    ----------
    model, images, layers, k, batch_size, precision, seed, start, stop, checkpoint
        As for :func:`max_activating_patches`.

    Attributes
    ----------
    n_images : int or None
        How many there are to do; None for an iterable.

    Examples
    --------
    >>> scan = PatchScan(nn.Conv2d(3, 4, 3), torch.randn(20, 3, 8, 10), [""], batch_size=8)
    Traceback (most recent call last):
    cnnwidgets.core.errors.LayerError: there is no layer ''; there are none. ...
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3))
    >>> scan = PatchScan(model, torch.randn(20, 3, 8, 10), "0", batch_size=8)
    >>> for n_done in scan:
    ...     print(n_done, scan.result().n_images)
    8 8
    16 16
    20 20
    """

    def __init__(
        self,
        model: nn.Module,
        images: Any,
        layers: str | Iterable[str],
        k: int = 9,
        *,
        batch_size: int | None = None,
        precision: str = "exact",
        seed: int = 0,
        start: int = 0,
        stop: int | None = None,
        checkpoint: str | Path | None = None,
    ) -> None:
        self._module = as_module(model)
        names = checked_names(layers)
        check_options(k=k, batch_size=batch_size, seed=seed, start=start, stop=stop, precision=precision)
        if checkpoint is not None and Path(checkpoint).is_dir():
            raise InputError(
                f"the checkpoint '{checkpoint}' is a folder: give a file in it, such as scan.npz"
            )
        self._images = images_of(model, images)
        self._fast = precision == "fast"
        self._start = start = int(start)
        self._stop = None if stop is None else int(stop)
        if self._images.can_read_again:
            self._stop = min(len(self._images), len(self._images) if stop is None else int(stop))
            if start >= self._stop:
                raise InputError(f"there are no images from {start} to {self._stop}")
        self.n_images = None if self._stop is None else self._stop - start
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        self._saved = time.monotonic()

        shape = self._images.input_shape
        self._batch_size = batch_size or (BATCH if shape[1] * shape[2] <= 128 * 128 else BATCH // 4)
        self._result = Patches(
            scanned_layers(self._module, names, shape),
            k,
            seed,
            precision,
            shape,
            fingerprint(self._module),
            self._images.fingerprint(),
        )
        if self._checkpoint is not None and self._checkpoint.exists():
            self._resume()
        self._result.images = self._images
        self._widths = np.concatenate(
            [np.full(layer.n_channels, (layer.map_size or (1, 1))[1]) for layer in self._result.layers]
        )
        self._batches: Iterator[Batch] | None = None

    @property
    def n_done(self) -> int:
        """Images done, those that could not be read among them."""
        return sum(after - first for first, after in self._result.ranges)

    def __iter__(self) -> "PatchScan":
        return self

    def __next__(self) -> int:
        if self._batches is None:
            self._batches = self._read_ahead()
        try:
            batch = next(self._batches)
            # An interruption may come at any line: it finds the result of before, or the one after.
            self._result = self._after(batch)
            if time.monotonic() - self._saved > SAVE_EVERY:
                self._save()
        except StopIteration:
            self._save()
            raise
        except BaseException:
            self.close()  # what was read meanwhile has not been looked at
            raise
        return self.n_done

    def run(self, progress: Any = None) -> Patches:
        """Go on to the end.

        Parameters
        ----------
        progress : callable or tqdm bar, optional

        Returns
        -------
        Patches
        """
        report = reporter(progress)
        try:
            for done in self:
                report(done, self.n_images)
        except BaseException:
            self._save()
            raise
        finally:
            self.close()
        return self.result()

    def result(self) -> Patches:
        """What has been found so far; going on does not change it. May be asked for from any thread."""
        return self._result.copy()

    def close(self) -> None:
        """Stop reading ahead; the next step begins to read anew."""
        batches, self._batches = self._batches, None
        if batches is not None:
            batches.close()

    # -- reading -----------------------------------------------------------------------------------

    def _read_ahead(self) -> Iterator[Batch]:
        """Batches, the next one being read while the network works on this one."""
        batches = self._images.batches(self._batch_size, self._start + self.n_done, self._stop)
        with closing(batches):
            before = _random_states()
            batch = next(batches, None)
            # Images made of torch's random numbers must not be made beside the network: afterwards, the
            # random state is set back to what it was, and the same images would come again.
            is_random = before != _random_states()
            # Nor may an image of an iterable be read that is not looked at: it would be lost.
            at_once = is_random or self._images.is_tensor or not self._images.can_read_again
            if batch is None or at_once:
                if batch is not None:
                    yield batch
                yield from batches
                return
            with ThreadPoolExecutor(1, "cnnwidgets-read") as reader:
                while batch is not None:
                    coming = reader.submit(next, batches, None)
                    yield batch
                    batch = coming.result()

    # -- looking -----------------------------------------------------------------------------------

    def _after(self, batch: Batch) -> Patches:
        """What is known with these images, too; what was known before stays as it is."""
        result = self._result.copy()
        if batch.numbers:
            self._look(result, batch.numbers, batch.tensors)
        result.skipped |= {self._images.name(number): why for number, why in batch.skipped.items()}
        result.ranges = join_ranges([*result.ranges, (self._start + self.n_done, batch.stop)])
        return result

    def _look(self, result: Patches, numbers: list[int], batch: Tensor) -> None:
        """One forward pass, and what it shows of every unit."""
        device, dtype = placement(self._module)
        dtype = torch.float64 if dtype == torch.float64 else torch.float32
        images = np.array(numbers)
        rankings = result.rankings
        strong, weak = (
            torch.from_numpy(rankings[kind].limits).to(device, dtype) for kind in ("strongest", "weakest")
        )
        drawn = lots(result.salts, images[:, None]) <= rankings["sample"].limits
        lucky = torch.from_numpy(drawn).to(device)
        best = np.empty((len(images), len(result)))
        found = []

        def see(first: int, name: str, output: Tensor, is_last: bool) -> None:
            maps = _as_maps(result.layer(name), output)
            units, highest = result.slices[name], maxima(maps)
            values, part = highest.to(dtype), slice(first, first + len(maps))
            # Only the few that are among the best so far are worth the search for their place.
            wanted = (values > 0) & ((values < weak[units]) | lucky[part, units])
            wanted |= values > -strong[units]
            rows, channels = wanted.nonzero(as_tuple=True)
            cells, tied = places(maps, rows, channels, highest)
            found.append((rows + first, channels + units.start, cells, tied))
            best[part, units] = values.cpu().numpy()

        self._forward(batch, numbers, see)
        rows, units, cells, tied = (torch.cat(each).cpu().numpy() for each in zip(*found, strict=True))
        entries = np.empty(len(units), ENTRY)
        entries["image"], entries["value"], entries["tied"] = images[rows], best[rows, units], tied
        entries["row"], entries["col"] = np.divmod(cells, self._widths[units])
        finite = np.isfinite(best)
        usable = finite[rows, units]
        for kind in KINDS:
            rankings[kind].insert(units[usable], entries[usable])
        result.histograms.add(best)
        result.fired += (finite & (best > 0)).sum(axis=0)
        result.not_finite += (~finite).sum(axis=0)
        result.n_images += len(images)
        if not self._images.can_read_again:
            _keep(result, numbers, batch)

    def _forward(self, batch: Tensor, numbers: list[int], see: Any) -> None:
        """Run the network on a batch, on the CPU in several passes; ``see`` gets the first image of each."""
        names = [layer.name for layer in self._result.layers]
        with undisturbed(self._module) as module, torch.inference_mode():
            device = placement(module)[0].type
            for first in range(0, len(batch), PASS if device == "cpu" else len(batch)):
                part = batch[first : first + PASS] if device == "cpu" else batch
                x = self._prepared(module, part, numbers[first:])
                with torch.autocast(device, torch.bfloat16, enabled=self._fast):
                    visit(module, x, names, partial(see, first))

    def _prepared(self, module: nn.Module, batch: Tensor, numbers: list[int]) -> Tensor:
        # channels last: the faster order of memory for convolutions on the CPU
        on_cpu = placement(module)[0].type == "cpu"
        memory_format = torch.channels_last if on_cpu else torch.preserve_format
        try:
            return prepared(module, batch, memory_format)
        except InputError as error:
            broken = (~torch.isfinite(batch)).flatten(1).any(1).nonzero()
            if not len(broken):
                raise
            name = self._images.name(numbers[int(broken[0])])
            raise InputError(f"{name} holds a NaN or an infinity; repair it first") from error

    # -- checkpoints -------------------------------------------------------------------------------

    def _save(self) -> None:
        if self._checkpoint is not None:
            self._result.save(self._checkpoint)
            self._saved = time.monotonic()

    def _resume(self) -> None:
        saved, asked = Patches.load(self._checkpoint), self._result
        what = difference(saved, asked)
        if what is not None:
            raise InputError(
                f"the checkpoint '{self._checkpoint}' is of another scan (another {what}): delete it, or "
                "give another file"
            )
        ends = self._stop if self._stop is not None else np.inf
        if len(saved.ranges) > 1 or any(a != self._start or b > ends for a, b in saved.ranges):
            raise InputError(
                f"the checkpoint '{self._checkpoint}' has the images {saved.ranges}, which are not the "
                "beginning of those asked for: delete it, or give another file"
            )
        if not self._images.can_read_again and saved.n_images:
            raise InputError(
                f"an iterable gives its images once, so that the scan in '{self._checkpoint}' cannot go on: "
                "delete it, or give another file; a scan of a list or a dataset can go on"
            )
        self._result = saved


def _random_states() -> list[bytes]:
    states = [torch.get_rng_state()]
    if torch.cuda.is_initialized():
        states += torch.cuda.get_rng_state_all()
    return [state.numpy().tobytes() for state in states]


def _keep(result: Patches, numbers: list[int], batch: Tensor) -> None:
    """Hold on to the images that can't be read again, as long as they are among the best of any unit."""
    result.kept |= {number: image.clone() for number, image in zip(numbers, batch, strict=True)}
    result.forget_unused()


def _as_maps(layer: LayerInfo, output: Tensor) -> Tensor:
    """Output of a layer as (N, C, h, w)."""
    if layer.map_size is None:
        return output[:, :, None, None]
    return output.movedim(-1, 1) if layer.channels_last else output
