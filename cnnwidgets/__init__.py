"""Live Jupyter widgets that look inside convolutional networks.

>>> import cnnwidgets as cw
>>> network = cw.load("toynet")                         # bundled; cw.load("alexnet") fetches from torchvision
>>> cw.explore(network)                                 # doctest: +SKIP

Importing this package is cheap: PyTorch, matplotlib and ipywidgets come with the first name that needs them.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name -> the subpackage that defines it.
_HOMES = {
    "load": "networks",
    "wrap": "networks",
    "available": "networks",
    "samples": "data",
    "read_image": "data",
    "explore": "explorers",
}
_SUBPACKAGES = ("core", "data", "explorers", "networks", "render", "widgets")

__all__ = ["__version__", *sorted(_HOMES), *_SUBPACKAGES]


def __getattr__(name: str):
    # PEP 562: called only for names that are not there yet.
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value  # the next access costs nothing
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
