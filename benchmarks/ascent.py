"""Steps of ascents and octaves of dreams against the bare pass forward and back that each of them needs.

The bare pass is what a student would write: the scores, or the maps of a layer, and ``torch.autograd.grad``
to the pixels; in evaluation mode, with frozen weights, and in the faster of the two orders in memory. It is
given the same images, takes turns with ours, and has to find the same gradient. Lucent, where it is installed
(``pip install torch-lucent``), draws the same image step by step.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.core import ClipNorm, Decay, GaussianBlur, Jitter, Rotation, Scaling, class_image, deep_dream

from .representation import in_turns, same
from .result import Result, median

NETWORKS = ("toynet", "resnet18", "alexnet")
"""The first as it is bundled, the others with random weights."""
BATCHES = (1, 12)
AIM = 0.85
SECONDS = 8.0
"""For the rounds of a comparison, of which there are at least 5."""
LEAST, MOST = 5, 150
PHOTO = (640, 480)
DREAMS = {"toynet": "conv4", "alexnet": "features.10"}
DREAMT = 3
"""Dreams of each network, after a first one."""
PEER, PEER_STEPS = "resnet18", 8
NEW_PYTHONS = 5

Calls = dict[str, Callable[[], Tensor]]
Pass = Callable[[Tensor], Tensor]
"""From images to the gradient at their pixels."""


def run() -> Iterator[Result]:
    torch.manual_seed(0)
    for name in NETWORKS:
        network = network_of(name)
        for batch in BATCHES:
            yield from steps(network, batch)
    for batch in BATCHES:
        yield first_picture(batch)
    for name, layer in DREAMS.items():
        yield from dreams(network_of(name), layer, photo())
    yield from against_lucent(network_of(PEER))


def network_of(name: str):
    return cw.load(name) if name == "toynet" else cw.load(name, weights=None)


def settings(name: str) -> dict:
    """What `class_image` is given: nothing, or all that makes toynet's classes recognisable."""
    if name == "plain":
        return {}
    return {
        "l2": 0,
        "regularisers": [Decay(0.01), GaussianBlur(0.7, every=2), ClipNorm(30)],
        "transforms": [Jitter(4), Scaling(0.9, 1.1), Rotation(5)],
    }


# --------------------------------------------------------------------------------------------------- in turns


def both_clocks() -> np.ndarray:
    """Seconds of the wall, and of the processors, on which other programs do not count."""
    return np.array([time.perf_counter(), time.process_time()])


def ratios(times: dict, one: str, other: str) -> list[float]:
    """By the wall and by the processors. Neighbours in time meet the same load: medians of their ratios."""
    return np.median(np.divide(times[one], times[other]), axis=0).round(3).tolist()


def rounds_of(calls: Calls) -> int:
    times, _ = in_turns(calls, 2)
    return int(np.clip(SECONDS / sum(each[-1] for each in times.values()), LEAST, MOST))


# ------------------------------------------------------------------------------------------------ bare passes


@contextmanager
def frozen(module: nn.Module):
    """Evaluation mode, and no gradients of weights: nobody could go faster by asking for less."""
    asked = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    module.eval().requires_grad_(False)
    try:
        yield
    finally:
        for parameter, was in asked:
            parameter.requires_grad_(was)


def pass_of_scores(module: nn.Module, targets: list[int], order: torch.memory_format) -> Pass:
    rows, columns = torch.arange(len(targets)), torch.tensor(targets)

    def call(images: Tensor) -> Tensor:
        given = images.detach().contiguous(memory_format=order).requires_grad_()
        return torch.autograd.grad(module(given)[rows, columns].sum(), given)[0]

    return call


def pass_of_activity(module: nn.Module, layer: str, order: torch.memory_format) -> Pass:
    """A layer's own activations sent back, by torchvision's way to stop at a layer."""
    from torchvision.models.feature_extraction import create_feature_extractor

    part = create_feature_extractor(module, {layer: "maps"}).eval()

    def call(images: Tensor) -> Tensor:
        given = images.detach().contiguous(memory_format=order).requires_grad_()
        maps = part(given)["maps"]
        return torch.autograd.grad(maps, given, maps.detach())[0]

    return call


def faster(pass_in: Callable[[torch.memory_format], Pass], images: Tensor) -> tuple[str, Pass]:
    """The pass in the order in memory that is faster for these images, and its name."""
    orders = {"contiguous_format": torch.contiguous_format, "channels_last": torch.channels_last}
    passes = {name: pass_in(order) for name, order in orders.items()}
    calls = {name: lambda each=each: each(images) for name, each in passes.items()}
    times, _ = in_turns(calls, 8, time.process_time)
    name = min(times, key=lambda each: median(times[each][2:]))
    return name, passes[name]


# ------------------------------------------------------------------------------------------- steps of ascents


def steps(network, batch: int) -> list[Result]:
    """Steps/s of class images, and what share of the bare pass's that is."""
    module, targets = network.module, list(range(batch))
    wanted = targets if batch > 1 else targets[0]
    with frozen(module):
        ascents = {
            name: class_image(network, wanted, n_steps=10**9, **settings(name))
            for name in ("plain", "robust")
        }
        for ascent in ascents.values():
            next(ascent)
        images = next(ascents["plain"]).images
        order, bare = faster(lambda order: pass_of_scores(module, targets, order), images)
        one_step = class_image(
            network, wanted, l2=0, optimiser="plain", rate=1.0, limits=(-1e9, 1e9), n_steps=1
        )
        same(one_step.run().images.numpy(), bare(0 * images).numpy(), 1e-3)
        calls = {"bare": lambda: bare(images)}
        calls |= {name: lambda ascent=ascent: next(ascent).images for name, ascent in ascents.items()}
        times, _ = in_turns(calls, rounds_of(calls), both_clocks)
    results = []
    bare_ms = 1e3 * np.median(times["bare"], axis=0)
    for name in ascents:
        wall, processors = ratios(times, "bare", name)
        what = f"class image, {network.name}, batch {batch}, {name}"
        details = {
            "bare_ms": bare_ms.round(2).tolist(),
            "ours_ms": (1e3 * np.median(times[name], axis=0)).round(2).tolist(),
            "by_the_processors": processors,
            "bare_order": order,
            "runs": len(times["bare"]),
        }
        results += [
            Result(f"{what}", 1 / float(np.median(times[name], axis=0)[0]), "steps/s"),
            Result(f"{what}, against the bare pass", wall, "x", AIM, at_most=False, details=details),
        ]
    return results


# -------------------------------------------------------------------------------------------- a first picture

FIRST_PICTURE = """
import json, sys, time
start = time.perf_counter()
import cnnwidgets as cw
from benchmarks.ascent import settings
from cnnwidgets.core import class_image
toynet = cw.load("toynet")
loaded = time.perf_counter()
ascent = class_image(toynet, list(range(int(sys.argv[1]))), **settings("robust"))
next(ascent)
begun = time.perf_counter()
pictures = toynet.to_image(next(ascent).images)
assert pictures.std() > 1, "there is nothing to see"
print(json.dumps([time.perf_counter() - loaded, begun - loaded, loaded - start]))
"""


def first_picture(batch: int, runs: int = NEW_PYTHONS) -> Result:
    """From the call to the pixels of the first image that is not grey, in a new Python with toynet loaded."""
    command = [sys.executable, "-c", FIRST_PICTURE, str(batch)]
    found = []
    for _ in range(runs):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
    picture, start, load = np.median(found, axis=0).tolist()
    details = {"runs": runs, "start_ms": round(1e3 * start, 1), "import_and_load_s": round(load, 2)}
    what = f"first picture of toynet, {batch} classes" if batch > 1 else "first picture of toynet, one class"
    return Result(what, 1e3 * picture, "ms", aim=1000, details=details)


# ----------------------------------------------------------------------------------------------------- dreams


def photo() -> Tensor:
    """A photograph, values from 0 to 1, shape (1, 3, H, W)."""
    pixels = np.asarray(cw.samples("temple").convert("RGB").resize(PHOTO), np.float32) / 255
    return torch.from_numpy(pixels).movedim(2, 0)[None].contiguous()


def dreams(network, layer: str, picture: Tensor, times: int = DREAMT, **options) -> list[Result]:
    """Seconds of each octave, and how they compare with as many bare passes over the whole image."""
    module, x = network.module, network.preprocess.normalise(picture[0])[None]
    with frozen(module):
        start = time.perf_counter()
        deep_dream(network, x, layer, **options).run()
        first = time.perf_counter() - start
        found, sizes, order = [], [], ""
        for _ in range(times):
            seconds, sizes, order = dream_in_turns(network, layer, x, **options)
            found.append(seconds)
    ours, bare = np.median(found, axis=0)
    share = np.median([each[1] / each[0] for each in found], axis=0)
    what = f"dream of {picture.shape[3]} x {picture.shape[2]}, {network.name} {layer}"
    results = [
        Result(
            f"{what}, octave of {width} x {height}",
            ours[i],
            "s",
            details={"bare_s": round(bare[i], 3), "against_the_bare_pass": round(share[i], 3)},
        )
        for i, (height, width) in enumerate(sizes)
    ]
    all_of_it = median([float(each[1].sum() / each[0].sum()) for each in found])
    details = {"first_dream_s": round(first, 2), "bare_order_of_the_largest": order, "runs": times}
    return [
        *results,
        Result(f"{what}, all octaves", float(ours.sum()), "s", details=details),
        Result(f"{what}, against the bare pass", all_of_it, "x", AIM, at_most=False),
    ]


def dream_in_turns(network, layer: str, x: Tensor, **options) -> tuple[np.ndarray, list, str]:
    """Seconds (2, octaves): ours and bare, which follow each other at every step."""
    dream = deep_dream(network, x, layer, **options)
    seconds, bare, order, octave = np.zeros((2, len(dream.sizes))), None, "", -1
    while True:
        start = time.perf_counter()
        step = next(dream, None)
        if step is None:
            return seconds, dream.sizes, order
        seconds[0, step.octave] += time.perf_counter() - start
        if step.octave != octave:
            octave = step.octave
            order, bare = faster(lambda order: pass_of_activity(network.module, layer, order), step.image)
            check_a_step(network, layer, step.image, bare)
        if step.number < dream.n_steps:  # at the end of an octave there is no pass
            start = time.perf_counter()
            bare(step.image)
            seconds[1, octave] += time.perf_counter() - start


def check_a_step(network, layer: str, image: Tensor, bare: Pass) -> None:
    """One step of the whole image is what the bare pass says, over its mean absolute value.

    But for one number in a hundred: in another order of memory a ReLU at 0 may switch.
    """
    options = {"octaves": 1, "n_steps": 1, "jitter": 0, "rate": 1.0, "limits": (-1e9, 1e9), "tile": 10**6}
    gradient = bare(image)
    moved = deep_dream(network, image, layer, **options).run().image - image
    wanted = gradient / gradient.abs().mean()
    off = ((moved - wanted).abs() > 1e-3 * wanted.abs().max()).double().mean().item()
    if not off <= 0.01:
        raise AssertionError(f"another step: {off:.1%} of the numbers differ")


# ------------------------------------------------------------------------------------------------------ peers


def against_lucent(network) -> list[Result]:
    """The same image by Adam in decorrelated frequencies, as both offer; nothing where Lucent is missing."""
    if find_spec("lucent") is None:
        print("no comparison with Lucent: pip install torch-lucent", flush=True)
        return []
    module = network.module.eval()
    theirs = {name: drawn_by_lucent(module, name == "frozen") for name in ("frozen", "as documented")}
    start = network.preprocess.normalise(theirs["frozen"](0)[0])[None]

    def ours(n_steps: int = PEER_STEPS) -> Tensor:
        # Lucent divides its images by 4 before the sigmoid, and so gradients and steps
        ascent = class_image(
            network, 3, start=start, l2=0, space="fourier", optimiser="adam", rate=0.05 / 4,
            n_steps=n_steps,
        )  # fmt: skip
        return network.preprocess.denormalise(ascent.run().images[0])[None]

    calls = {"ours": ours}
    calls |= {name: lambda draw=draw: draw(PEER_STEPS) for name, draw in theirs.items()}
    in_turns(calls, 1)
    times, _ = in_turns(calls, 7, both_clocks)
    # after one step: its signs are rounding errors where there is no slope, and later steps go on from there
    changes = [(draw(1) - theirs["frozen"](0)).flatten() for draw in (ours, theirs["frozen"])]
    alike = float(torch.cosine_similarity(*changes, dim=0))
    if not alike > 0.99:
        raise AssertionError(f"another image: of cosine {alike:.4f} to Lucent's, less the start")
    results = []
    for name in theirs:
        # for so many steps ours goes through the network once more, as it tells the score of the last image
        passes = (PEER_STEPS + 1) / PEER_STEPS
        wall, processors = (round(passes * each, 3) for each in ratios(times, name, "ours"))
        what = f"a pass of the ascent in frequencies, {network.name}, Lucent ({name}) against ours"
        details = {
            "steps": PEER_STEPS,
            "alike": round(alike, 5),
            "by_the_processors": processors,
            "runs": len(times["ours"]),
        }
        results.append(Result(what, wall, "x", 1, False, details))
    return results


def drawn_by_lucent(module: nn.Module, is_frozen: bool) -> Callable[[int], Tensor]:
    """Its image (1, 3, 224, 224) of class 3, values from 0 to 1, after so many steps from the same start."""
    from lucent.optvis import objectives, param, render, transform

    name = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)][-1]
    objective = objectives.channel(name.replace(".", "_"), 3)

    def draw(n_steps: int) -> Tensor:
        torch.manual_seed(0)
        parameters, image = param.image(224)
        if n_steps:
            asked = frozen(module) if is_frozen else nullcontext()
            with asked:
                render.render_vis(
                    module, objective, lambda: (parameters, image), thresholds=(n_steps,), verbose=False,
                    optimizer=lambda given: torch.optim.Adam(given, lr=0.05, eps=1e-8 / 4),
                    transforms=[transform.normalize()], preprocess=False, progress=False, show_image=False,
                )  # fmt: skip
        return image().detach()

    return draw
