"""One unit as the `PatchExplorer` shows it: its pictures, and what there is to say of it."""

import torch

from ..core import average_patch, cut_patch

MOST = 36
"""Patches of a unit that are shown at once, however many were kept."""


def read_unit(found, unit, which, seen):
    """Runs in a thread: the pictures of a unit's patches, and their average.

    Parameters
    ----------
    found : Patches
    unit : Unit
    which : {"strongest", "weakest", "sample"}
    seen : PicturesSeen

    Returns
    -------
    found, unit, which
        As they were given.
    patches : list of Patch
    pictures : list of ndarray of uint8 (H, W, 3)
    average : ndarray of uint8 (h, w, 3) or None
    """
    patches = shown_patches(unit, which)[:MOST]
    pictures = [seen.picture(found, patch.image) for patch in patches]
    average = None
    if patches:
        cut = (
            cut_patch(torch.from_numpy(picture).movedim(-1, 0).float(), patch.box, patch.seen)
            for picture, patch in zip(pictures, patches, strict=True)
        )
        mean, n = average_patch(cut)
        mean[:, n == 0] = 235
        average = mean.round().byte().movedim(0, -1).numpy()
    return found, unit, which, patches, pictures, average


def shown_patches(unit, which):
    """Its patches; none where its map is zero everywhere, and there is no place to show."""
    return [] if _is_silent(unit) else unit.patches(which)


def _is_silent(unit):
    """Whether its map is flat in every image, as after a ReLU that never opens: there is no place to show."""
    best = unit.strongest
    return not unit.n_firing and bool(best) and all(patch.value == 0 for patch in best)


def told(unit):
    """What there is to say of a unit that does not simply fire, in a line."""
    parts = []
    n = f"{unit.n_images:,} images"
    if not unit.n_firing and not unit.strongest:
        pass
    elif _is_silent(unit):
        parts.append(f"never fires in {n}: its map is zero everywhere")
    elif not unit.n_firing:
        parts.append(f"never fires in {n} (is never above zero); these come nearest")
    if unit.n_not_finite:
        parts.append(f"NaN or infinite in {unit.n_not_finite:,} of {n}, which count for nothing")
    return "; ".join(parts)


def note(patch):
    """What there is to say of one patch."""
    if patch.tied == 1:
        return ""
    others = patch.tied - 1
    return f"as strong at {others:,} other place{'s' if others > 1 else ''}"
