"""Write a trained network down: half-precision safetensors with all it needs to be used, and a model card."""

import json
from pathlib import Path

import torch
from safetensors.torch import save

from ..data.toytown import CLASSES, SIZE
from .model_card import model_card

WEIGHTS = Path(__file__).parent / "weights"


@torch.inference_mode()
def score(network, mean, std, images, labels):
    """Accuracy of a plain network in the half precision in which it is shipped, in all and for each class."""
    state = {name: value.half().float() for name, value in network.state_dict().items()}
    hits = []
    for some, truth in zip(images.split(500), labels.split(500), strict=True):
        x = (some.float() / 255 - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
        hits.append(torch.func.functional_call(network, state, x).argmax(1) == truth)
    hits = torch.cat(hits)
    each = {name: hits[labels == i].float().mean().item() for i, name in enumerate(CLASSES)}
    return {"accuracy": hits.float().mean().item(), "classes": each, "images": len(hits)}


def export(network, name, mean, std, recipe, result, seconds, folder):
    """Write ``<name>.safetensors`` and its model card ``<name>.md``; returns the path of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    about = {
        "classes": list(CLASSES),
        "mean": [round(v, 4) for v in mean.tolist()],
        "std": [round(v, 4) for v in std.tolist()],
        "size": [SIZE, SIZE],
        "recipe": recipe,
        "accuracy": {split: figures["accuracy"] for split, figures in result.items()},
    }
    state = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    path.write_bytes(save(state, metadata={"about": json.dumps(about)}))
    parameters = sum(value.numel() for value in state.values())
    card = model_card(name, about, result, parameters, path.stat().st_size, seconds)
    (folder / f"{name}.md").write_text(card, encoding="utf-8", newline="\n")
    return path
