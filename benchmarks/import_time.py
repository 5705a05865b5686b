"""How long ``import cnnwidgets`` takes in a new Python, beyond the Python itself."""

import subprocess
import sys
import time

from .result import Result, median

RUNS = 15
HEAVY = ("torch", "numpy", "matplotlib", "ipywidgets")


def run() -> list[Result]:
    # The peer is the same interpreter doing nothing. Taken in turns, so that both meet the same load.
    bare, ours = [], []
    for _ in range(RUNS):
        bare.append(_seconds("pass"))
        ours.append(_seconds("import cnnwidgets"))
    loaded = _output(f"import cnnwidgets, sys; print([name for name in {HEAVY} if name in sys.modules])")
    if loaded != "[]":
        raise AssertionError(f"import cnnwidgets imports {loaded}")
    difference = 1000 * (median(ours) - median(bare))
    details = {"runs": RUNS, "bare_python_ms": round(1000 * median(bare), 1)}
    return [Result("import cnnwidgets", difference, "ms", aim=50, details=details)]


def _seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def _output(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()
