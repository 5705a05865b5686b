"""Occlusion maps against ``captum.attr.Occlusion``: the same squares, the same scores, seconds for the whole map.

Captum gets inference mode, the same threads, and the best of several ``perturbations_per_eval``, searched for on
a few squares. It runs plain batches, so that its time grows with the number of squares: it is measured on some of
them, on ours on all. Both run in turn, so that they meet the same load. The scores of all squares that Captum was
timed on are compared.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.core import Occluder, OcclusionRun, occlusion
from cnnwidgets.data.toytown import Toytown

from .result import Result, median, percentile

SIZES = (16, 32, 56)
STRIDES = (4, 8, 16)
PER_EVAL = (1, 4, 8, 16, 32, 64)
AIMS = {"vgg16": 5, "alexnet": 3, "resnet18": 2}
FAST_AIMS = {"vgg16": 20}  # where the processor multiplies matrices of bfloat16 (AMX)
CAPTUM_SQUARES = {"vgg16": 32, "alexnet": 128, "resnet18": 128, "toynet": 256}
ROUNDS = 3
SECONDS = 3.0
"""A map that takes longer than this is not drawn three times."""

Centres = list[tuple[int, int]]


def run() -> list[Result]:
    captum = _captum()
    torch.manual_seed(0)
    results = []
    for name in ("toynet", "alexnet", "resnet18", "vgg16"):
        network = cw.load(name) if name == "toynet" else cw.load(name, weights=None)
        x = _picture(network)
        peer = captum(network.module.eval(), x)
        for precision in ("exact", "fast"):
            results += _against_captum(name, network, x, peer, precision)
    return [*results, _first_look(), *_adaptive()]


# ----------------------------------------------------------------------------------------------------- Captum


def _captum() -> type:
    try:
        from captum.attr import Occlusion
    except ImportError:
        raise RuntimeError("this benchmark compares with Captum: pip install 'captum>=0.7'") from None

    class Captum:
        """Captum's occlusion of one image, at its best batch."""

        def __init__(self, module: nn.Module, x: Tensor) -> None:
            self.module, self.x = module, x
            self._best: dict[int, tuple[int, dict]] = {}

        def some(self, size: int, n: int) -> tuple[int, Centres]:
            """A stride at which it draws about n squares, and their centres in its order."""
            height, width = self.x.shape[2:]
            stride = next(s for s in range(1, height) if len(_centres(height, width, size, s)) <= n)
            return stride, _centres(height, width, size, stride)

        def run(self, size: int, stride: int, per_eval: int) -> tuple[float, Tensor]:
            """Seconds, and the scores (squares, classes) that it saw."""
            seen = []

            def forward(pictures: Tensor) -> Tensor:
                scores = self.module(pictures)
                seen.append(scores)
                return scores

            channels = self.x.shape[1]
            start = time.perf_counter()
            with torch.inference_mode():
                Occlusion(forward).attribute(
                    self.x,
                    sliding_window_shapes=(channels, size, size),
                    strides=(channels, stride, stride),
                    baselines=0.0,
                    target=0,
                    perturbations_per_eval=per_eval,
                )
            return time.perf_counter() - start, torch.cat(seen)[1:]  # the first one is the unoccluded image

        def best(self, size: int, n: int) -> tuple[int, dict]:
            """The batch with the most squares a second, and how many each gives."""
            if size not in self._best:
                stride, centres = self.some(size, n)
                self.run(size, stride, 8)
                rates = {each: len(centres) / self.run(size, stride, each)[0] for each in PER_EVAL}
                self._best[size] = max(rates, key=rates.get), rates
            return self._best[size]

    return Captum


def _centres(height: int, width: int, size: int, stride: int) -> Centres:
    """Centres of Captum's squares in its order: from the top left corner on, rows before columns."""
    rows, columns = (
        [i * stride + (size - 1) // 2 for i in range(-(-max(0, length - size) // stride) + 1)]
        for length in (height, width)
    )
    return [(row, column) for column in columns for row in rows]


# ------------------------------------------------------------------------------------------------------ speed


def _against_captum(name: str, network, x: Tensor, peer, precision: str) -> list[Result]:
    results = []
    for size in SIZES:
        n_some = CAPTUM_SQUARES[name]
        per_eval, rates = peer.best(size, n_some)
        some_stride, some = peer.some(size, n_some)
        for stride in STRIDES:
            centres = _centres(*x.shape[2:], size, stride)

            def ours(centres=centres, size=size):
                occluder = Occluder(network.module, x, precision)  # its preparations are part of the time
                rows, columns = zip(*centres, strict=True)
                return occluder, occluder.occlude(rows, columns, size, 0.0).scores

            def theirs(size=size, some_stride=some_stride, per_eval=per_eval):
                return peer.run(size, some_stride, per_eval)[1]

            times = _in_turn(ours, theirs)
            each = [seconds / len(some) for seconds in times[theirs]]
            ratios = [len(centres) * t / own for t, own in zip(each, times[ours], strict=True)]
            results.append(
                Result(
                    f"occlusion, {name}, {precision}, {size} x {size} every {stride}, against Captum",
                    median(ratios),
                    "x",
                    aim=_aim(name, precision),
                    at_most=False,
                    details={
                        "squares": len(centres),
                        "runs": len(ratios),
                        "lowest": round(min(ratios), 2),
                        "highest": round(max(ratios), 2),
                        "ours_s": round(median(times[ours]), 3),
                        "captum_s": round(median(each) * len(centres), 3),
                        "captum_squares_timed": len(some),
                        "captum_note": "plain batches: seconds for one square times the number of squares",
                        "captum_perturbations_per_eval": per_eval,
                        "captum_squares_per_s": {str(n): round(rate, 1) for n, rate in rates.items()},
                        **_compared(network.module, x, precision, size, some, theirs()),
                    },
                )
            )
    return results


def _in_turn(*calls: Callable) -> dict[Callable, list[float]]:
    """Seconds of each call, run one after the other, three times unless it takes long."""
    times: dict[Callable, list[float]] = {call: [] for call in calls}
    for _ in range(ROUNDS):
        for call in calls:
            start = time.perf_counter()
            call()
            times[call].append(time.perf_counter() - start)
        if sum(each[-1] for each in times.values()) > SECONDS:
            break
    return times


def _compared(
    module: nn.Module, x: Tensor, precision: str, size: int, centres: Centres, theirs: Tensor
) -> dict:
    """The largest difference from Captum, in probability; an error where exact is not the same."""
    occluder = Occluder(module, x, precision)
    rows, columns = zip(*centres, strict=True)
    ours = occluder.occlude(rows, columns, size, 0.0).scores
    probability = float((ours.softmax(1) - theirs.softmax(1)).abs().max())
    score = float((ours - theirs).abs().max() / theirs.abs().max())
    if precision == "exact" and max(probability, score) > 1e-5:
        raise AssertionError(f"not Captum's values: {probability:.1e} in probability, {score:.1e} in score")
    spread = float(theirs.softmax(1).std(0).max())
    return {
        "largest_difference_in_probability": probability,
        "largest_difference_in_score": score,
        "spread_of_probability": round(spread, 6),
        "how": occluder.why,
    }


def _aim(name: str, precision: str) -> float | None:
    if precision == "exact":
        return AIMS.get(name, 1)
    return FAST_AIMS.get(name) if _has_amx() else None


def _has_amx() -> bool:
    try:
        with open("/proc/cpuinfo") as file:
            return "amx_bf16" in file.read()
    except OSError:
        return False


def _picture(network) -> Tensor:
    """A photograph of a cat, or of a temple, as the network reads it."""
    pictures = cw.samples()
    return network.read(pictures["cat" if "cat" in pictures else "temple"].image)


# ------------------------------------------------------------------------------------------------- first look


def _first_look() -> Result:
    """From the picture to a coarse map of it: what one waits for after "Run"."""
    network = cw.load("vgg16", weights=None)
    x = _picture(network)
    seconds, squares = [], 0
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        look = OcclusionRun(Occluder(network.module, x), size=32, stride=8, fill=0.0)
        while not look.step_size and look.step():
            pass
        seconds.append(time.perf_counter() - start)
        squares = look.done
    return Result(
        "occlusion, vgg16, 224 x 224, to the first coarse map",
        median(seconds[1:]),
        "s",
        aim=1,
        details={
            "squares": squares,
            "of": look.total,
            "first_time_s": round(seconds[0], 2),
            "how": look.occluder.why,
        },
    )


# --------------------------------------------------------------------------------------------------- adaptive

TOLERANCE = 0.02
PICTURES = 20


def _adaptive() -> list[Result]:
    """Coarse to fine where the map changes, on pictures of Toytown: what is saved, and the error that it makes."""
    network = cw.load("toynet")
    town = Toytown("test")
    examples = [town[i] for i in range(PICTURES)]
    results = []
    for size, stride in ((16, 1), (24, 2)):
        errors, ratios, shares, spreads = [], [], [], []
        for example in examples:
            x = network.read(example.image)

            def draw(method, x=x, label=example.label, size=size, stride=stride):
                start = time.perf_counter()
                found = occlusion(network, x, label, size, stride, method=method, tolerance=TOLERANCE)
                return time.perf_counter() - start, found

            (slow, full), (quick, adaptive) = draw("full"), draw("adaptive")
            ratios.append(slow / quick)
            shares.append(float(adaptive.computed.float().mean()))
            errors += (adaptive.probability - full.probability).abs()[~adaptive.computed].tolist()
            spreads.append(float(full.probability.max() - full.probability.min()))
        what = f"occlusion, adaptive, toynet, {size} x {size} every {stride}"
        details = {
            "pictures": PICTURES,
            "tolerance": TOLERANCE,
            "squares_computed": round(sum(shares) / len(shares), 3),
            "values_interpolated": len(errors),
            "median_range_of_a_map": round(median(spreads), 3),
        }
        results += [
            Result(f"{what}, against full", median(ratios), "x", aim=1, at_most=False, details=details),
            Result(f"{what}, largest error", max(errors), "probability", details=details),
            Result(f"{what}, p95 of the error", percentile(errors, 0.95), "probability"),
        ]
    return results
