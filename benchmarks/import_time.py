"""How long ``import cnnwidgets`` takes in a new Python, and that nothing heavy comes with it."""

import subprocess
import sys

from .result import Result, median

RUNS = 15
HEAVY = ("torch", "numpy", "matplotlib", "ipywidgets")

# Timed inside the new Python: its own start is no part of the import, and varies more than the import takes.
CODE = f"""
import sys, time
start = time.perf_counter()
import cnnwidgets
print(time.perf_counter() - start, *[name for name in {HEAVY} if name in sys.modules])
"""


def run() -> list[Result]:
    seconds = []
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
        time, *heavy = done.stdout.split()
        if heavy:
            raise AssertionError(f"import cnnwidgets imports {', '.join(heavy)}")
        seconds.append(float(time))
    details = {"runs": RUNS, "slowest_ms": round(1000 * max(seconds), 1)}
    return [Result("import cnnwidgets", 1000 * median(seconds), "ms", aim=50, details=details)]
