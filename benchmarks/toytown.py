"""Toytown pictures drawn each second on one core, masks included; and at 128 pixels, for comparison."""

import time

import numpy as np

from cnnwidgets.data.toytown import CLASSES, SIZE, Toytown
from cnnwidgets.data.toytown.scene import draw_scene

from .result import Result, median

PICTURES = 300
ROUNDS = 5


def run() -> list[Result]:
    town = Toytown("train")
    town[0]  # textures are drawn once a process
    final = [_images_per_second(lambda i: town[i]) for _ in range(ROUNDS)]
    larger = [_images_per_second(_draw_128) for _ in range(ROUNDS)]
    return [
        Result(
            f"drawing Toytown, {SIZE} x {SIZE}",
            median(final),
            "images/s",
            aim=300,
            at_most=False,
            details={"slowest_round": round(min(final), 1), "pictures_a_round": PICTURES},
        ),
        Result("drawing Toytown, 128 x 128", median(larger), "images/s"),
    ]


def _draw_128(i):
    rng = np.random.Generator(np.random.PCG64([0, 0, i]))
    return draw_scene(rng, CLASSES[i % len(CLASSES)], 128)


def _images_per_second(draw) -> float:
    """By processor time, so that other programs on the machine do not count."""
    start = time.process_time()
    for i in range(PICTURES):
        draw(i)
    return PICTURES / (time.process_time() - start)
