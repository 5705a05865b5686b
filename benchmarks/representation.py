"""Features, maps and neighbours against the tools that a student would otherwise take.

All take turns, so that they meet the same load, and beside each time stands whether the result is as good:
vectors and distances are the same; of two maps the neighbours kept and the trustworthiness are told.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

import cnnwidgets as cw
from cnnwidgets.core import (
    feature_batches,
    features,
    nearest_neighbours,
    neighbours_kept,
    project,
    trustworthiness,
)

from .result import Result, median

BATCH = 32
IMAGES = {"toynet": 256, "resnet18": 32, "vgg16": 16}
"""Run in each round, 32 at a time."""
LAYERS = {"toynet": None, "resnet18": "layer3", "vgg16": None}
"""One more layer, besides the vector before the classifier."""
POINTS = {2_000: 3, 10_000: 1}
"""Points of a map, and rounds."""
PERPLEXITY, ITERATIONS = 30, 750
K = 10
VECTORS, NUMBERS, QUERIES = 100_000, 256, 1_000
ROUNDS = 9

Calls = dict[str, Callable[[], object]]
Times = dict[str, list[float]]
Clock = Callable[[], float]


def run() -> list[Result]:
    torch.manual_seed(0)
    results = []
    for name, n in IMAGES.items():
        network = cw.load(name) if name == "toynet" else cw.load(name, weights=None)
        for layer in dict.fromkeys((None, LAYERS[name])):
            results.append(speed_of_features(network, layer, n))
    found = features(cw.load("toynet"), cw.data.Toytown("test", length=max(POINTS))).vectors
    for n, rounds in POINTS.items():
        results += maps(found[:n], rounds)
    for metric in ("l2", "cosine"):
        results += neighbours(*mixture(VECTORS, NUMBERS, QUERIES), metric)
    return results


# --------------------------------------------------------------------------------------------------- in turns


def in_turns(calls: Calls, rounds: int, clock: Clock = time.perf_counter) -> tuple[Times, dict[str, object]]:
    """Seconds of each call in each round, whose order turns, and what each call returned."""
    times, found, order = {name: [] for name in calls}, {}, list(calls)
    for _ in range(rounds):
        for name in order:
            start = clock()
            found[name] = calls[name]()
            times[name].append(clock() - start)
        order = order[1:] + order[:1]
    return times, found


def ratio(times: Times, one: str, other: str) -> float:
    """Neighbours in time meet the same load: the median of their ratios."""
    return median([a / b for a, b in zip(times[one], times[other], strict=True)])


def seconds(times: Times) -> dict[str, float]:
    return {f"{name}_s".replace(" ", "_"): float(f"{median(each):.3g}") for name, each in times.items()}


# --------------------------------------------------------------------------------------------------- features


def speed_of_features(network, layer: str | None, n: int, rounds: int = ROUNDS) -> Result:
    """Images/s of `feature_batches` against the bare pass to the end of the same layer."""
    module = network.module.eval()
    x = torch.randn(n, *network.input_shape)
    bare = {
        order: bare_pass(module, layer, x, getattr(torch, order))
        for order in ("contiguous_format", "channels_last")
    }
    warm, vectors = in_turns(bare, 2, time.process_time)
    faster = min(warm, key=lambda order: warm[order][-1])
    calls = {
        "ours": lambda: np.concatenate([found for _, found in feature_batches(module, x, layer)]),
        "bare": bare[faster],
    }
    in_turns(calls, 1)
    # by the time of the processors: other programs do not count, and both have the same threads
    times, found = in_turns(calls, rounds, time.process_time)
    same(found["ours"], given_to_the_classifier(module, x) if layer is None else vectors[faster].numpy())
    start = time.perf_counter()
    features(module, x[:1], layer)
    return Result(
        f"features, {network.name}, {layer or 'before the classifier'}, against the bare pass",
        ratio(times, "bare", "ours"),
        "x",
        aim=0.95,
        at_most=False,
        details={
            "ours_processor_ms_an_image": round(1e3 * median(times["ours"]) / n, 2),
            "bare_processor_ms_an_image": round(1e3 * median(times["bare"]) / n, 2),
            "bare_order": faster,
            "batch": min(BATCH, n),
            "runs": rounds,
            "one_image_with_fingerprints_s": round(time.perf_counter() - start, 3),
        },
    )


def bare_pass(
    module: nn.Module, layer: str | None, x: Tensor, order: torch.memory_format
) -> Callable[[], Tensor]:
    """The whole network, or up to a layer whose maps are averaged; of torchvision, without this package."""
    from torchvision.models.feature_extraction import create_feature_extractor

    part = module if layer is None else create_feature_extractor(module, {layer: "maps"}).eval()
    batches = [batch.contiguous(memory_format=order) for batch in x.split(BATCH)]

    def call() -> Tensor:
        with torch.inference_mode():
            if layer is None:
                return torch.cat([part(batch) for batch in batches])
            return torch.cat([part(batch)["maps"].mean((2, 3)) for batch in batches])

    return call


def given_to_the_classifier(module: nn.Module, x: Tensor) -> np.ndarray:
    """What a hook on the last linear layer sees."""
    given: list[Tensor] = []
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    handle = linear.register_forward_pre_hook(lambda part, inputs: given.append(inputs[0].flatten(1).clone()))
    with torch.inference_mode():
        for batch in x.split(BATCH):
            module(batch)
    handle.remove()
    return torch.cat(given).numpy()


def same(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-4) -> None:
    """Raise unless two arrays are alike, by the largest of their numbers."""
    off = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else float("inf")
    if not off <= tolerance * float(np.abs(theirs).max()):
        raise AssertionError(f"another result: {ours.shape} against {theirs.shape}, off by {off:.1e}")


# ------------------------------------------------------------------------------------------------------- maps


def maps(vectors: np.ndarray, rounds: int) -> list[Result]:
    """t-SNE of ours and of scikit-learn: perplexity, iterations, start and principal components alike."""
    calls = {
        "ours": lambda: project(vectors, "tsne", perplexity=PERPLEXITY, n_iterations=ITERATIONS).points,
        "scikit-learn": lambda: map_of_scikit_learn(vectors),
    }
    times, found = in_turns(calls, rounds)
    kept = {name: neighbours_kept(vectors, points, K) for name, points in found.items()}
    trusted = {name: trustworthiness(vectors, points, K) for name, points in found.items()}
    what = f"t-SNE, {len(vectors):,} points"
    details = {
        "vectors": f"Toytown pictures, {vectors.shape[1]} numbers of toynet",
        "perplexity": PERPLEXITY,
        "iterations": ITERATIONS,
        "runs": rounds,
        **seconds(times),
        "neighbours_kept": {name: round(value, 4) for name, value in kept.items()},
        "trustworthiness": {name: round(value, 5) for name, value in trusted.items()},
    }
    kept_ratio = kept["ours"] / kept["scikit-learn"]
    return [
        Result(
            f"{what}, scikit-learn against ours", ratio(times, "scikit-learn", "ours"), "x", 1, False, details
        ),
        Result(f"{what}, neighbours kept ({K}), against scikit-learn's", kept_ratio, "x", 0.97, False),
    ]


def map_of_scikit_learn(vectors: np.ndarray, n_components: int = 50) -> np.ndarray:
    """As its own documentation advises: fewer principal components first."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if min(vectors.shape) > n_components:
        vectors = PCA(n_components, random_state=0).fit_transform(vectors)
    model = TSNE(
        perplexity=PERPLEXITY, max_iter=ITERATIONS, n_iter_without_progress=ITERATIONS, init="pca",
        random_state=0, n_jobs=-1,
    )  # fmt: skip
    return model.fit_transform(vectors)


# ------------------------------------------------------------------------------------------------- neighbours


def mixture(n: int, d: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors in a hundred clusters, and others of the same kind."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((100, d), np.float32)
    found = rng.standard_normal((n + queries, d), np.float32) + 2 * centres[rng.integers(0, 100, n + queries)]
    return found[:n], found[n:]


def neighbours(vectors: np.ndarray, queries: np.ndarray, metric: str, rounds: int = ROUNDS) -> list[Result]:
    """Exact ones, of ours, of scikit-learn's brute force, and of a student's three lines of torch."""
    from sklearn.neighbors import NearestNeighbors

    theirs = {"l2": "euclidean", "cosine": "cosine"}[metric]
    model = NearestNeighbors(n_neighbors=K, algorithm="brute", metric=theirs, n_jobs=-1).fit(vectors)
    table, asked = torch.from_numpy(vectors), torch.from_numpy(queries)
    calls = {
        "ours": lambda: nearest_neighbours(vectors, queries, K, metric),
        "scikit-learn": lambda: model.kneighbors(queries)[::-1],
        "torch": lambda: of_torch(table, asked, metric),
    }
    in_turns(calls, 1)
    times, found = in_turns(calls, rounds)
    agree = {name: agreement(found["ours"], found[name]) for name in ("scikit-learn", "torch")}
    what = f"{len(queries):,} queries among {len(vectors):,}, {metric}"
    details = {
        "numbers": vectors.shape[1],
        "k": K,
        "runs": rounds,
        **seconds(times),
        "same_neighbours": agree,
    }
    return [
        Result(
            f"{what}, scikit-learn against ours", ratio(times, "scikit-learn", "ours"), "x", 1, False, details
        ),
        Result(f"{what}, plain torch against ours", ratio(times, "torch", "ours"), "x"),
    ]


def of_torch(table: Tensor, asked: Tensor, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Indices and distances, in single precision."""
    if metric == "l2":
        found = torch.cdist(asked, table).topk(K, largest=False)
    else:
        unit = nn.functional.normalize
        found = (1 - unit(asked) @ unit(table).T).topk(K, largest=False)
    return found.indices.numpy(), found.values.numpy()


def agreement(ours: tuple, theirs: tuple, tolerance: float = 1e-3) -> float:
    """Which part of the neighbours is the same; raises if a distance is not."""
    same(np.asarray(ours[1]), np.asarray(theirs[1]), tolerance)
    return round(float(np.mean((ours[0][:, :, None] == theirs[0][:, None, :]).any(2))), 5)
