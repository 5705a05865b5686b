"""Images/s of ``Network.probabilities`` against the bare module: same batch, same threads, same answer."""

import time

import torch

import cnnwidgets as cw

from .result import Result, median

BATCH = 16
SECONDS = 6.0  # for each network


def run() -> list[Result]:
    torch.manual_seed(0)
    results = []
    for network in (cw.load("toynet"), cw.load("alexnet", weights=None)):
        results += _compare(network)
    return results


def _compare(network) -> list[Result]:
    x = torch.rand(BATCH, *network.input_shape)
    module = network.module.eval()

    @torch.inference_mode()
    def bare():
        return module(x).softmax(dim=-1)

    def ours():
        return network.probabilities(x)

    torch.testing.assert_close(ours(), bare())
    times = {bare: [], ours: []}
    end = time.perf_counter() + SECONDS
    order = [bare, ours]
    while time.perf_counter() < end or len(times[bare]) < 5:
        for call in order:
            start = time.perf_counter()
            call()
            times[call].append(time.perf_counter() - start)
        order.reverse()  # neither always runs in the other's warm caches
    speed = {call: BATCH / median(seconds) for call, seconds in times.items()}
    # Neighbours in time meet the same load: compare them, not the two medians.
    ratios = [one / other for one, other in zip(times[bare], times[ours], strict=True)]
    details = {"batch": BATCH, "runs": len(ratios), "bare_images_per_s": round(speed[bare], 1)}
    return [
        Result(f"forward, {network.name}", speed[ours], "images/s", details=details),
        Result(
            f"forward, {network.name}, against the bare module",
            median(ratios),
            "x",
            aim=0.95,
            at_most=False,
        ),
    ]
