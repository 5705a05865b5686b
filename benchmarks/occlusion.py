"""Occlusion maps against ``captum.attr.Occlusion``: the same squares and scores, seconds for a whole map.

Captum gets inference mode, the same threads, and the best of several ``perturbations_per_eval``, there in
both orders in memory. It runs plain batches, so that its time grows with the number of squares, whatever
their size: it is timed on some large ones, ours on the whole map. Both run in turn, so that they meet the
same load. Of each size of square, one map of both is compared.
"""

import time

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
TIMED = 16
"""Squares on which Captum is timed, at least; a whole batch if that is larger."""
ROUNDS = 3
SECONDS = 3.0
"""A map that takes longer than this is drawn once."""

Centres = list[tuple[int, int]]


def run() -> list[Result]:
    captum = _captum()
    torch.manual_seed(0)
    results = []
    for name in ("toynet", "alexnet", "resnet18", "vgg16"):
        network = cw.load(name) if name == "toynet" else cw.load(name, weights=None)
        x = _picture(network)
        peer = captum(network.module.eval(), x)
        results += _against_captum(name, network, x, peer)
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
            self.per_eval, self.order = 8, torch.channels_last
            self.seconds()
            self.rates: dict[tuple, float] = {}
            for per_eval in PER_EVAL:
                self._try(per_eval, torch.channels_last)
            self._try(max(self.rates, key=self.rates.get)[0], torch.contiguous_format)
            self.per_eval, self.order = max(self.rates, key=self.rates.get)

        def _try(self, per_eval: int, order: torch.memory_format) -> None:
            self.per_eval, self.order = per_eval, order
            self.rates[per_eval, order] = 1 / self.seconds()

        def seconds(self) -> float:
            """For one square."""
            stride, n = self._lattice(max(TIMED, self.per_eval))
            return self.run(SIZES[-1], stride)[0] / (n + 1)  # the unoccluded image as well

        def said(self) -> dict:
            """Squares a second of each choice."""
            return {
                f"{per_eval}, {'channels' if order == torch.channels_last else 'rows'} inside": round(rate, 1)
                for (per_eval, order), rate in self.rates.items()
            }

        def _lattice(self, n: int) -> tuple[int, int]:
            """The largest stride at which there are n large squares or more, and how many there are."""
            shape = self.x.shape[2:]
            counts = {s: len(_centres(*shape, SIZES[-1], s)) for s in range(1, SIZES[-1] + 1)}
            stride = max(s for s, count in counts.items() if count >= n or s == 1)
            return stride, counts[stride]

        def run(self, size: int, stride: int) -> tuple[float, Tensor]:
            """Seconds for a map, and the scores (squares, classes) that it saw."""
            seen = []

            def forward(pictures: Tensor) -> Tensor:
                scores = self.module(pictures.contiguous(memory_format=self.order))
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
                    perturbations_per_eval=self.per_eval,
                )
            return time.perf_counter() - start, torch.cat(seen)[1:]  # the first one is the unoccluded image

    return Captum


def _centres(height: int, width: int, size: int, stride: int) -> Centres:
    """Centres of Captum's squares in its order: from the top left corner on, rows before columns."""
    rows, columns = (
        [i * stride + (size - 1) // 2 for i in range(-(-max(0, length - size) // stride) + 1)]
        for length in (height, width)
    )
    return [(row, column) for column in columns for row in rows]


# ------------------------------------------------------------------------------------------------------ speed


def _against_captum(name: str, network, x: Tensor, peer) -> list[Result]:
    results = []
    for size in SIZES:
        centres = _centres(*x.shape[2:], size, size)
        truth = peer.run(size, size)[1]
        for precision in ("exact", "fast"):
            compared = _compared(Occluder(network.module, x, precision), size, centres, truth)
            for stride in STRIDES:
                what = f"occlusion, {name}, {precision}, {size} x {size} every {stride}, against Captum"
                ratios, details = _timed(network.module, x, precision, size, stride, peer)
                aim = _aim(name, precision)
                details |= compared
                results.append(Result(what, median(ratios), "x", aim=aim, at_most=False, details=details))
    return results


def _timed(
    module: nn.Module, x: Tensor, precision: str, size: int, stride: int, peer
) -> tuple[list[float], dict]:
    """How many times faster a whole map is, and what it took."""
    centres = _centres(*x.shape[2:], size, stride)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(peer.seconds() * (len(centres) + 1))
        start = time.perf_counter()
        occluder = Occluder(module, x, precision, expected=len(centres))  # preparing it is part of the time
        occluder.occlude(*zip(*centres, strict=True), size, 0.0)
        ours.append(time.perf_counter() - start)
        if ours[-1] > SECONDS:
            break
    ratios = [one / other for one, other in zip(theirs, ours, strict=True)]
    return ratios, {
        "squares": len(centres),
        "runs": len(ratios),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
        "ours_s": round(median(ours), 3),
        "captum_s": round(median(theirs), 3),
        "captum_note": "plain batches: seconds for one square times the number of squares",
        "captum_perturbations_per_eval": peer.per_eval,
        "captum_squares_per_s": peer.said(),
        "how": occluder.why,
    }


def _compared(occluder: Occluder, size: int, centres: Centres, theirs: Tensor) -> dict:
    """The largest differences from Captum; an error where exact is not the same."""
    ours = occluder.occlude(*zip(*centres, strict=True), size, 0.0).scores
    probability = float((ours.softmax(1) - theirs.softmax(1)).abs().max())
    score = float((ours - theirs).abs().max())
    # random weights hardly respond to a square, so that the error is measured by how much they do
    spread = float((theirs.amax(0) - theirs.amin(0)).max())
    if occluder.precision == "exact" and (probability > 1e-5 or score > 1e-3 * spread):
        raise AssertionError(f"not Captum's values: {score:.1e} of scores that vary by {spread:.1e}")
    return {
        "largest_difference_in_probability": probability,
        "largest_difference_in_score": score,
        "range_of_scores": spread,
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
        occluder = Occluder(network.module, x, expected=784)
        look = OcclusionRun(occluder, size=32, stride=8, fill=0.0)
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
    """Coarse to fine where the map changes, on pictures of Toytown: what is saved, and what error is made."""
    network = cw.load("toynet")
    town = Toytown("test")
    examples = [town[i] for i in range(PICTURES)]
    results = []
    for size, stride in ((16, 2), (32, 4)):
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
