"""Write a trained network down: half-precision safetensors with all it needs to be used, and a model card."""

import json
from pathlib import Path

import torch
from safetensors.torch import save

from ..data.toytown import CLASSES, SIZE

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
    """Write ``<name>.safetensors`` and its model card ``<name>.md`` into a folder; returns the weights' path."""
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
    (folder / f"{name}.md").write_text(_card(name, about, result, parameters, path.stat().st_size, seconds))
    return path


_SHAPE = {
    "toynet": "AlexNet-style: five convolutions, three max-poolings, fc6, fc7 and fc8; plain convolution + ReLU + "
    "max-pooling, with the batch norms of training folded away.",
    "toynet-gap": "Five convolutions, two max-poolings, global average pooling and one linear layer: the form that "
    "class activation maps (CAM) need. Batch norms of training are folded away.",
}


def _card(name, about, result, parameters, size, seconds):
    recipe = about["recipe"]
    rows = "\n".join(
        f"| {c} | {result['test']['classes'][c]:.1%} | {result['offcentre']['classes'][c]:.1%} |" for c in CLASSES
    )
    return f"""# {name}

{_SHAPE[name]} {parameters:,} parameters, {size / 1e6:.2f} MB in half precision. Input: {SIZE} x {SIZE} RGB, pixels from
0 to 1, less the mean {about["mean"]}, divided by the standard deviation {about["std"]}.

## Data
Toytown (`cnnwidgets.data.Toytown`), drawn from seeds: {recipe["images"]:,} pictures of the split `train` for training,
{result["test"]["images"]:,} of `test` and {result["offcentre"]["images"]:,} of `offcentre` for the figures below. No
photograph, no person, nothing collected.

## Recipe
`python -m cnnwidgets.networks.train {name} --seed {recipe["seed"]} --epochs {recipe["epochs"]}`: AdamW with a one-cycle
learning rate up to {recipe["learning_rate"]}, weight decay {recipe["weight_decay"]} (conv1:
{recipe["conv1_weight_decay"]}, which with a small start gives smooth filters), batches of {recipe["batch_size"]},
flips, shifts by up to {recipe["shift"]} pixels, noise of standard deviation {recipe["noise"]}, {recipe["precision"]}.
It took {seconds / 60:.0f} minutes on the machine that made this file.

## Accuracy
With the weights as shipped (half precision): **{result["test"]["accuracy"]:.1%}** on `test`,
{result["offcentre"]["accuracy"]:.1%} on `offcentre`.

| class | test | offcentre |
|---|---|---|
{rows}

## Limits
It knows drawings of twelve things and nothing else: shown a photograph it will name one of the twelve, often with
confidence. Small objects near the border are harder, as the second column says. It exists for teaching and testing
how networks are looked into; do not use it to decide anything.
"""
