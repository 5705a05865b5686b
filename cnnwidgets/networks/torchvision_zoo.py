"""Classification networks of torchvision, with their published weights, preprocessing and class names."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlparse

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model, get_model_builder, get_model_weights, list_models

from ..core.errors import NetworkError, did_you_mean
from .network import Network
from .preprocessing import Preprocess
from .random_weights import RANDOM_NOTE, RANDOM_SEED, kept_random_state
from .state_files import is_path, load_state, read_state

# How torchvision builds the two networks with extra heads for training, when it loads their published
# weights.
AS_PUBLISHED = {
    "googlenet": {"aux_logits": False, "transform_input": True, "init_weights": True},
    "inception_v3": {"aux_logits": True, "transform_input": True, "init_weights": True},
}


def torchvision_names() -> list[str]:
    """Names of torchvision's classification networks; those for detection, video and so on are left out."""
    return list_models(module=torchvision.models)


def check_name(name: str, known: Sequence[str]) -> None:
    """Raise a NetworkError with the nearest names, unless ``name`` is among the ``known`` ones."""
    if name in known:
        return
    if name in list_models():
        # torchvision.models.optical_flow.raft
        task = get_model_builder(name).__module__.split(".")[2].replace("_", " ")
        raise NetworkError(
            f"{name!r} is one of torchvision's networks for {task}, not a plain classification network; "
            f"{did_you_mean(name, known)}"
        )
    raise NetworkError(f"There is no network {name!r} (available() lists them); {did_you_mean(name, known)}")


def load_torchvision(name: str, weights="DEFAULT") -> Network:
    """A classification network of torchvision; see ``load``, which also knows the bundled ones.

    Parameters
    ----------
    name : str
        As torchvision lists it, such as ``"resnet50"``.
    weights : str, torchvision weights, Path or None
        ``"DEFAULT"`` (the best published), the name of others such as ``"IMAGENET1K_V1"``, a member of
        torchvision's enum, the path of a state dict, or None for random weights.

    Returns
    -------
    Network
        On the CPU, in evaluation mode.

    Raises
    ------
    NetworkError
        If there is no such network or no such weights; if they are not there and cannot be downloaded; if a
        file is damaged or belongs to another network.
    """
    check_name(name, torchvision_names())
    published = get_model_weights(name)
    if weights is None:
        title = f"{name} (random weights, untrained)"
        return _network(name, _untrained(name), published.DEFAULT, title, RANDOM_NOTE)
    if is_path(weights):
        return _from_file(name, published.DEFAULT, Path(weights))
    return _from_publisher(name, _member(name, published, weights))


def _member(name: str, published: type[WeightsEnum], weights) -> WeightsEnum:
    if isinstance(weights, published):
        return weights
    member = weights.removeprefix(f"{published.__name__}.") if isinstance(weights, str) else None
    if member in published.__members__:
        return published[member]
    choices = ", ".join(map(repr, published.__members__))
    raise NetworkError(
        f"{name} has no weights {weights!r}: choose among {choices}; None for random ones; or the path of a "
        "file."
    )


def _network(name: str, module: nn.Module, weights: WeightsEnum, title: str, note: str = "") -> Network:
    preprocess = Preprocess.from_torchvision(weights.transforms())
    return Network(module.eval(), preprocess, _classes(weights), name, title, note)


def _classes(weights: WeightsEnum) -> list[str]:
    # vgg16's IMAGENET1K_FEATURES has neither class names nor a classifier that was trained
    return list(weights.meta["categories"] or (f"class {i}" for i in range(1000)))


def _from_publisher(name: str, weights: WeightsEnum) -> Network:
    try:
        with kept_random_state():
            # torchvision's own loading: torch.hub's cache, its progress bar and its check of what came
            module = get_model(name, weights=weights)
    except Exception as error:  # of the network, the disk, zip, pickle or load_state_dict
        raise NetworkError(_why_not(name, weights, error)) from None
    note = f"Weights {weights.name} of torchvision."
    accuracy = weights.meta.get("_metrics", {}).get("ImageNet-1K", {})
    if accuracy.get("acc@1"):
        note += f" Right on {accuracy['acc@1']:.1f} % of the ImageNet validation images"
        note += f", among the first five on {accuracy['acc@5']:.1f} %."
    if not weights.meta["categories"]:
        note += " Only its layers are trained: it has no classifier, so it cannot predict."
    return _network(name, module, weights, f"{name} ({weights.name})", note)


def _why_not(name: str, weights: WeightsEnum, error: Exception) -> str:
    folder = Path(torch.hub.get_dir(), "checkpoints")
    file = folder / Path(urlparse(weights.url).path).name
    first_line = next(iter(str(error).splitlines()), "")
    reason = f"{type(error).__name__}: {first_line}"
    if not file.is_file():
        return (
            f"The weights of {name}, file {file.name} ({weights.meta['_file_size']:.0f} MiB), are not in "
            f"the cache folder {folder} and could not be downloaded ({reason}): on a computer with internet "
            f"run `curl -L -o {file.name} {weights.url}` and copy the file into that folder; or do without, "
            f"with cw.load({name!r}, weights=None), which has random weights, or cw.load('toynet'), which "
            "is always there."
        )
    if _is_damaged(file):
        return (
            f"The cached weights of {name} are damaged ({reason}): delete the file {file} and load it again."
        )
    return f"The weights of {name} in {file} are sound but could not be loaded ({reason})."


def _is_damaged(file: Path) -> bool:
    """Whether a published file is not what it was: its name carries the beginning of its SHA-256."""
    published = re.search(r"-([0-9a-f]{8,})\.\w+$", file.name)
    digest = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    except OSError:  # then reading it was the trouble, which the reason says
        return False
    return published is not None and not digest.hexdigest().startswith(published[1])


def _untrained(name: str, **options) -> nn.Module:
    with kept_random_state(RANDOM_SEED):
        return get_model(name, weights=None, **{**AS_PUBLISHED.get(name, {}), **options})


def _from_file(name: str, weights: WeightsEnum, path: Path) -> Network:
    state = _like_published(name, read_state(path))
    options = {"aux_logits": False} if name in AS_PUBLISHED else {}
    module = _untrained(name, **options)
    classes = _classes(weights)
    n_classes = _count_classes(state, module, len(classes))
    if n_classes != len(classes):
        module = _untrained(name, num_classes=n_classes, **options)
        classes = [f"class {i}" for i in range(n_classes)]
    load_state(module, state, path, name)
    preprocess = Preprocess.from_torchvision(weights.transforms())
    return Network(module.eval(), preprocess, classes, name, f"{name} (weights from {path.name})")


def _like_published(name: str, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """What a published file needs before it fits: no extra heads for training, today's names."""
    if name in AS_PUBLISHED:
        return {key: value for key, value in state.items() if not key.startswith(("aux", "AuxLogits."))}
    if name.startswith("densenet"):
        return {
            re.sub(r"(\.denselayer\d+\.(?:norm|conv))\.([12])", r"\1\2", key): v for key, v in state.items()
        }
    return state


def _count_classes(state: Mapping[str, Tensor], module: nn.Module, usual: int) -> int:
    """How many classes the weights were fine-tuned to: the number that stands where ``usual`` would."""
    heads = {key: value.shape for key, value in module.state_dict().items() if value.shape[:1] == (usual,)}
    found = {
        state[key].shape[0]
        for key, shape in heads.items()
        if key in state and state[key].ndim == len(shape) and state[key].shape[1:] == shape[1:]
    }
    return found.pop() if len(found) == 1 else usual
