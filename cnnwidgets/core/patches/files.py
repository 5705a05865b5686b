"""A scan in a file, and back: numpy arrays and one text, no code."""

import json
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..layers import LayerInfo
from ..npz import write_npz
from ..receptive_field import ReceptiveField
from .ranking import ENTRY
from .result import Patches
from .unit import KINDS

FORMAT = 1


def save(patches: Patches, path: Path) -> None:
    """Write to a file beside the old one, which then takes its place."""
    ranked = np.unique(np.concatenate([patches.rankings[kind].entries["image"].ravel() for kind in KINDS]))
    about = {
        "format": FORMAT,
        "k": patches.k,
        "seed": patches.seed,
        "precision": patches.precision,
        "input_shape": patches.input_shape,
        "network": patches.network,
        "data": patches.data,
        "ranges": patches.ranges,
        "n_images": patches.n_images,
        "skipped": patches.skipped,
        "names": {int(image): patches.source(int(image)) for image in ranked if image >= 0},
        "layers": [_layer_to_json(layer) for layer in patches.layers],
    }
    arrays = {kind: patches.rankings[kind].entries for kind in KINDS}
    arrays |= {"counts": patches.histograms.counts, "exponents": patches.histograms.exponents}
    arrays |= {"fired": patches.fired, "not_finite": patches.not_finite}
    arrays["about"] = np.array(json.dumps(about, sort_keys=True))
    write_npz(path, arrays)


def load(path: Path) -> Patches:
    """Read a file; an InputError if it is none or damaged."""
    if not path.is_file():
        raise InputError(f"there is no file '{path}': check the path (looked from {Path.cwd()})")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays["about"]))
        if about["format"] != FORMAT:
            raise InputError(f"'{path}' was saved by another version of cnnwidgets: scan anew")
        patches = Patches(
            [_layer_from_json(layer) for layer in about["layers"]],
            about["k"],
            about["seed"],
            about["precision"],
            tuple(about["input_shape"]),
            about["network"],
            about["data"],
        )
        patches.ranges = [tuple(each) for each in about["ranges"]]
        patches.n_images, patches.skipped = about["n_images"], about["skipped"]
        patches.names = {int(image): name for image, name in about["names"].items()}
        for kind in KINDS:
            patches.rankings[kind].restore(arrays[kind].astype(ENTRY, copy=False))
        for owner, name in ((patches.histograms, "counts"), (patches.histograms, "exponents")):
            getattr(owner, name)[:] = arrays[name]
        patches.fired[:], patches.not_finite[:] = arrays["fired"], arrays["not_finite"]
    except InputError:
        raise
    except Exception as error:  # a damaged file brings whatever zip, zlib, numpy or json meet in it
        raise InputError(f"'{path}' is damaged or no saved scan: scan anew") from error
    return patches


def _layer_to_json(layer: LayerInfo) -> dict:
    about = {name: value for name, value in vars(layer).items() if name != "receptive_field"}
    field = layer.receptive_field
    if field is not None:
        spans = [None if each is None else each.tolist() for each in field.spans or (None, None)]
        about["receptive_field"] = {**{k: v for k, v in vars(field).items() if k != "spans"}, "spans": spans}
    return about


def _layer_from_json(about: dict) -> LayerInfo:
    field = about.pop("receptive_field", None)
    if field is not None:
        spans = tuple(None if each is None else np.array(each).reshape(-1, 2) for each in field.pop("spans"))
        size = field.pop("image_size")
        pairs = {name: tuple(field[name]) for name in ("size", "stride", "padding")}
        field = ReceptiveField(
            **pairs,
            whole_image=field["whole_image"],
            image_size=size and tuple(size),
            spans=spans,
        )
    about["output_shape"] = tuple(about["output_shape"])
    return LayerInfo(**about, receptive_field=field)
