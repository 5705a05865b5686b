"""A bank of 96 seamless textures: 1/f noise, wood grain, gratings, plaids, dots and bricks.

Drawn once a process from a fixed seed, then rounded to 32 levels, so that every platform holds the same
integers.
"""

from functools import lru_cache

import numpy as np

SIDE = 256
LEVELS = 32
KINDS = 8
COUNT = 96


@lru_cache(maxsize=1)
def texture_bank():
    """All textures: uint8 array of shape (96, 256, 256) with values 0 to 31; number i is of kind i % 8."""
    rng = np.random.default_rng(7)
    draw = [_cloud, _cloud, _grain, _grating, _grating, _grating, _plaid, _tiles]
    bank = np.stack([draw[i % KINDS](rng) for i in range(COUNT)])
    return np.clip(np.rint(bank * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)


def _frequencies():
    fy, fx = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1
    return fx, fy, radius


def _spread(a):
    low, high = np.percentile(a, [2, 98])
    return np.clip((a - low) / (high - low), 0, 1)


def _white(rng):
    return np.fft.rfft2(rng.random((SIDE, SIDE)) - 0.5)


def _cloud(rng):
    _, _, radius = _frequencies()
    spectrum = _white(rng) / radius ** rng.uniform(0.8, 1.8)
    spectrum[0, 0] = 0
    return _spread(np.fft.irfft2(spectrum))


def _grain(rng):
    fx, fy, _ = _frequencies()
    angle, peak = rng.uniform(0, np.pi), rng.uniform(0.05, 0.2)
    along, across = fx * np.cos(angle) + fy * np.sin(angle), fy * np.cos(angle) - fx * np.sin(angle)
    band = np.exp(-(((np.abs(along) - peak) / 0.05) ** 2) - (across / 0.03) ** 2)
    return _spread(np.fft.irfft2(_white(rng) * band))


def _waves(rng, shortest, longest):
    """Two sines at right angles whose waves fit the tile a whole number of times: it repeats seamlessly."""
    y, x = np.mgrid[:SIDE, :SIDE]
    period, angle = shortest * (longest / shortest) ** rng.random(), rng.uniform(0, np.pi)
    kx, ky = round(SIDE / period * np.cos(angle)), round(SIDE / period * np.sin(angle))
    if kx == ky == 0:
        kx = 8
    turn = 2 * np.pi / SIDE
    return np.sin(turn * ((kx * x + ky * y) % SIDE)), np.sin(turn * ((-ky * x + kx * y) % SIDE))


def _grating(rng):
    wave, _ = _waves(rng, 5, 30)
    return np.clip(wave * rng.uniform(0.6, 6), -1, 1) / 2 + 0.5


def _plaid(rng):
    a, b = _waves(rng, 8, 32)
    mix = a * b if rng.random() < 0.5 else np.maximum(a, b)
    return np.clip(mix * rng.uniform(1, 6), -1, 1) / 2 + 0.5


def _tiles(rng):
    y, x = np.mgrid[:SIDE, :SIDE]
    cell = SIDE // (8, 16, 32)[int(rng.integers(3))]
    shifted = (x + (y // cell % 2) * cell // 2) % cell - cell / 2
    up = y % cell - cell / 2
    if rng.random() < 0.5:
        return (np.hypot(shifted, up) < cell * rng.uniform(0.2, 0.42)).astype(float)
    return ((np.abs(shifted) > cell * 0.42) | (np.abs(up) > cell * 0.4)).astype(float)
