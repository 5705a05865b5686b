"""Facts of the machine that figures depend on."""

import os
import platform
import subprocess
from importlib.metadata import version

PACKAGES = (
    "cnnwidgets",
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "openTSNE",
    "ipywidgets",
    "anywidget",
    "jupyterlab",
    "playwright",
)


def machine() -> dict:
    import torch

    from .browser import find_chromium

    browser = find_chromium()
    said = subprocess.run([browser, "--version"], capture_output=True, text=True).stdout if browser else ""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "torch_threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "chromium": said.strip(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
