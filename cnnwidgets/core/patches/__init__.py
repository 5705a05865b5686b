"""Maximally activating patches: which parts of which images make each unit of a network fire.

``maxima`` finds the strongest cell of every map; ``ranking`` keeps the best of each unit; ``histogram``
counts all; ``scan`` goes through the images, as ``options`` say; ``result`` is what comes out and can be
merged, with a ``unit`` for each channel; ``files`` saves it; ``pixels`` cuts the patches out.
"""

from .pixels import average_patch, cut_patch
from .result import Patches
from .scan import PatchScan, max_activating_patches
from .unit import Patch, Unit

__all__ = [
    "Patch",
    "PatchScan",
    "Patches",
    "Unit",
    "average_patch",
    "cut_patch",
    "max_activating_patches",
]
