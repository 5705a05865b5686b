"""A scan for maximally activating patches against the bare forward pass; its memory; that it can be resumed.

Both see the same batches in turn, so that they meet the same load. The bare pass is given them in both orders
of memory, and 32 at a time, as the scan does it; the fastest one counts. A scan is slower while it fills its
tables, and the steps here are the early ones of a scan of thousands of images.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import cnnwidgets as cw
from cnnwidgets.core import PatchScan, max_activating_patches
from cnnwidgets.core.images import Batch, Images

from .result import Result, median

SECONDS = 15.0  # for each network and precision
WARM_UP = 2
MEMORY = {"dataset": (1_000, 20_000), "iterable": (1_000, 5_000)}  # images


def run() -> list[Result]:
    torch.manual_seed(0)
    results = []
    for network in (
        cw.load("toynet"),
        cw.load("alexnet", weights=None),
        cw.load("resnet18", weights=None),
    ):
        for precision in ("exact", "fast"):
            results.append(_speed(network, precision))
    return [*results, *_memory(), _resumed()]


# ------------------------------------------------------------------------------------------------------ speed


class Handed(Images):
    """Images that are handed over batch by batch, ready to be looked at: to read them costs nothing."""

    can_read_again = is_tensor = True

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__(None)
        self._shape, self.now, self.size = shape, None, 0

    def __len__(self) -> int:
        return 1 << 40

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self._shape

    def fingerprint(self) -> str:
        return ""

    def batches(self, size: int, start: int = 0, stop: int | None = None) -> Iterator[Batch]:
        self.size = size
        while True:
            now = torch.randn(size, *self._shape) if self.now is None else self.now
            yield Batch(list(range(start, start + size)), now, start + size, {})
            start += size


def _speed(network, precision: str) -> Result:
    module, layers = network.module.eval(), _convolutions(network)
    images = Handed(network.input_shape)
    scan = PatchScan(module, images, layers, precision=precision)

    @torch.inference_mode()
    def bare(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "fast"):
            return module(x)

    calls: dict[str, Callable] = {
        "scan": lambda x: next(scan),
        "bare, rows inside": bare,
        "bare, channels inside": lambda x: bare(x),
        "bare, channels inside, 32 at a time": lambda x: [bare(part) for part in x.split(32)],
    }
    next(scan)
    times = {name: [] for name in calls}
    order, rounds, end = list(calls), 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end or rounds < WARM_UP + 5:
        images.now = torch.randn(images.size, *network.input_shape)
        inside = images.now.contiguous(memory_format=torch.channels_last)
        for name in order:
            x = inside if "channels inside" in name else images.now
            start = time.perf_counter()
            calls[name](x)
            times[name].append(time.perf_counter() - start)
        order = [*order[1:], order[0]]  # none always runs in the warm caches of another one
        rounds += 1
    times = {name: each[WARM_UP:] for name, each in times.items()}
    peer = min((name for name in times if name != "scan"), key=lambda name: median(times[name]))
    ratios = [one / other for one, other in zip(times[peer], times["scan"], strict=True)]
    _check_values(network, layers, precision, images.size)
    return Result(
        f"scan, {network.name}, {'fp32' if precision == 'exact' else 'bf16'}, against the bare forward pass",
        median(ratios),
        "x",
        aim=0.9,
        at_most=False,
        details={
            "layers": len(layers),
            "units": sum(network.layer(name).n_channels for name in layers),
            "batch": images.size,
            "runs": len(ratios),
            "bare": peer.removeprefix("bare, "),
            "whole_time_ratio": round(sum(times[peer]) / sum(times["scan"]), 3),
            **{
                f"{name}_images_per_s".replace(", ", "_").replace(" ", "_"): round(
                    images.size / median(each), 1
                )
                for name, each in times.items()
            },
        },
    )


def _check_values(network, layers: list[str], precision: str, size: int) -> None:
    """The strongest values are those of the bare pass, of each unit."""
    x = torch.randn(2 * size, *network.input_shape)
    patches = max_activating_patches(network.module, x, layers, k=1, batch_size=size, precision=precision)
    best: dict[str, list] = {name: [] for name in layers}
    handles = [
        network.module.get_submodule(name).register_forward_hook(
            lambda part, inputs, output, name=name: best[name].append(output.float().amax((0, 2, 3)))
        )
        for name in layers
    ]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "fast"):
        for part in x.split(size):
            network.module(part.contiguous(memory_format=torch.channels_last))
    for handle in handles:
        handle.remove()
    for name in layers:
        wanted = torch.stack(best[name]).amax(0).numpy()
        np.testing.assert_allclose(patches.maxima(name), wanted, rtol=1e-4 if precision == "exact" else 1e-2)


def _convolutions(network) -> list[str]:
    return [layer.name for layer in network.layers if layer.kind == "Conv2d"]


# ----------------------------------------------------------------------------------------------------- memory

# Each scan in a Python of its own, since a peak is never forgotten.
CODE = """
import json, resource, sys
import torch
from torch.utils.data import Dataset
import cnnwidgets as cw
from cnnwidgets.core import max_activating_patches

class Drawn(Dataset):
    def __len__(self):
        return n
    def __getitem__(self, i):
        return torch.randn(shape, generator=torch.Generator().manual_seed(i))

def peak():
    try:  # in MiB, of this Python; ru_maxrss starts with what the one that started it has used
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 2**10
    except OSError:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used / 2**20 if sys.platform == "darwin" else used / 2**10

n, kind = int(sys.argv[1]), sys.argv[2]
network = cw.load("toynet")
shape = network.input_shape
layers = [layer.name for layer in network.layers if layer.kind == "Conv2d"]
before = peak()
images = Drawn() if kind == "dataset" else iter(Drawn()[i] for i in range(n))
patches = max_activating_patches(network, images, layers)
assert patches.n_images == n
print(json.dumps({"grown": peak() - before, "kept": len(patches.kept)}))
"""


def _memory() -> list[Result]:
    results = []
    for kind, (few, many) in MEMORY.items():
        one, other = _grown(kind, few), _grown(kind, many)
        results.append(
            Result(
                f"scan, peak memory, {kind} of {many:,} images against {few:,}",
                other["grown"] / one["grown"],
                "x",
                aim=1.1 if kind == "dataset" else None,  # an iterable's ranked images have to be kept
                details={
                    f"{n}_images": {"grown_mib": round(each["grown"], 1), "images_kept": each["kept"]}
                    for n, each in ((few, one), (many, other))
                },
            )
        )
    return results


def _grown(kind: str, n: int) -> dict:
    """MiB by which the peak of a fresh Python grows in a scan of toynet."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(n), kind], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


# ------------------------------------------------------------------------------------------ saved and resumed


class Stop(Exception):
    pass


def _resumed() -> Result:
    """Whether a scan that was interrupted twice ends with the bytes of one that was not."""
    network = cw.load("toynet")
    x = torch.randn(500, *network.input_shape, generator=torch.Generator().manual_seed(1))
    layers = _convolutions(network)

    def stop(done: int, total: int) -> None:
        raise Stop

    with tempfile.TemporaryDirectory() as folder:
        one, other = Path(folder, "resumed.npz"), Path(folder, "whole.npz")
        for progress in (stop, stop, None):
            try:
                max_activating_patches(network, x, layers, checkpoint=one, progress=progress)
            except Stop:
                pass
        max_activating_patches(network, x, layers).save(other)
        same = one.read_bytes() == other.read_bytes()
        size = one.stat().st_size
    return Result(
        "scan, saved and resumed: same bytes as an uninterrupted one",
        float(same),
        "1 = yes",
        aim=1,
        at_most=False,
        details={"file_bytes": size},
    )
