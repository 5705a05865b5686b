"""The browser tests' own JupyterLab and Chromium, for the benchmarks, and where things are in the page."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

from chromium import chromium, find_chromium, why_no_browser  # noqa: E402
from lab import Lab  # noqa: E402
from notebook_page import NotebookPage  # noqa: E402

SLIDER = ".cw-slider [role=slider]"
LARGE_MAP = "canvas.cw-detail-canvas"

__all__ = ["LARGE_MAP", "NETWORKS", "SLIDER", "cells", "find_chromium", "lab_and_browser"]

NETWORKS = {"toynet": "cw.load('toynet')", "alexnet, random": "cw.load('alexnet', weights=None)"}


def cells(network: str) -> list[str]:
    """A notebook that shows an explorer of one of ``NETWORKS``."""
    return ["import cnnwidgets as cw", f"explorer = cw.explore({NETWORKS[network]})\nexplorer"]


@contextmanager
def lab_and_browser() -> Iterator:
    """A function ``open_notebook(name, cells) -> NotebookPage``."""
    if missing := why_no_browser():
        raise RuntimeError(missing)
    with Lab() as lab, chromium() as context:
        yield lambda name, code: NotebookPage(context, lab, lab.write(name, code))
