"""The text beside a bundled network's weights: what it is, how it was trained, what it cannot do."""

import textwrap

from ..data.toytown import CLASSES, SIZE

_SHAPE = {
    "toynet": "AlexNet-style: five convolutions, three max-poolings, fc6, fc7 and fc8; plain convolution, "
    "ReLU and max-pooling, with the batch norms of training folded away.",
    "toynet-gap": "Five convolutions, two max-poolings, global average pooling and one linear layer: the "
    "form that class activation maps (CAM) need. The batch norms of training are folded away.",
}

_CARD = """
# {name}

{shape} {parameters:,} parameters, {megabytes:.2f} MB in half precision. Input: {side} x {side} RGB, pixels
from 0 to 1, less the mean {mean}, divided by the standard deviation {std}.

## Data

Toytown (`cnnwidgets.data.Toytown`), drawn from seeds: {images:,} pictures of the split `train` for
training, {test_images:,} of `test` and {offcentre_images:,} of `offcentre` for the figures below. No
photograph, no person, nothing collected.

## Recipe

`python -m cnnwidgets.networks.train {name} --seed {seed} --epochs {epochs}`: AdamW with a one-cycle
learning rate up to {learning_rate}, weight decay {weight_decay} (conv1: {conv1_weight_decay}, which with a
small start gives smooth filters), batches of {batch_size}, flips, shifts by up to {shift} pixels, noise of
standard deviation {noise}, {precision}. It took {minutes:.0f} minutes on the machine that made this file.

## Accuracy

With the weights as shipped (half precision): **{test:.1%}** on `test`, {offcentre:.1%} on `offcentre`.

{rows}

## Limits

It knows drawings of twelve things and nothing else: shown a photograph it will name one of the twelve,
often with confidence. Small objects near the border are harder, as the second column says. It exists for
teaching and testing how networks are looked into; do not use it to decide anything.
"""


def model_card(name, about, result, parameters, size, seconds):
    """The model card of a trained network, in Markdown.

    Parameters
    ----------
    name : {"toynet", "toynet-gap"}
    about : dict
        What the weights carry: mean, std, recipe.
    result : dict of split to what ``score`` returns
    parameters : int
    size : int
        Of the weights, in bytes.
    seconds : float
        That training took.
    """
    test, offcentre = result["test"], result["offcentre"]
    rows = [f"| {c} | {test['classes'][c]:.1%} | {offcentre['classes'][c]:.1%} |" for c in CLASSES]
    paragraphs = _CARD.strip().format(
        name=name,
        shape=_SHAPE[name],
        parameters=parameters,
        megabytes=size / 1e6,
        side=SIZE,
        mean=about["mean"],
        std=about["std"],
        test_images=test["images"],
        offcentre_images=offcentre["images"],
        minutes=seconds / 60,
        test=test["accuracy"],
        offcentre=offcentre["accuracy"],
        rows="\n".join(["| class | test | offcentre |", "|---|---|---|", *rows]),
        **{key: value for key, value in about["recipe"].items() if key != "name"},
    )
    wrapped = [
        p if p.startswith("|") else textwrap.fill(p, 110, break_on_hyphens=False)
        for p in paragraphs.split("\n\n")
    ]
    return "\n\n".join(wrapped) + "\n"
