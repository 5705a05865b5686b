"""The networks that come with the package: trained on Toytown by ``cnnwidgets.networks.train``."""

import json
from pathlib import Path

from safetensors import safe_open

from .architectures import CHANNELS, build
from .network import Network
from .preprocessing import Preprocess

WEIGHTS = Path(__file__).parent / "weights"

BUNDLED = tuple(CHANNELS)
"""Names of the bundled networks."""


def load_bundled(name, folder=WEIGHTS):
    """A bundled network with its weights, classes and preprocessing.

    Parameters
    ----------
    name : {"toynet", "toynet-gap"}
    folder : path
        Where ``<name>.safetensors`` is: the package's own weights, or what a training run of yours wrote.

    Returns
    -------
    Network
        In evaluation mode, single precision.

    Examples
    --------
    >>> load_bundled("toynet").classes[:3]
    ['car', 'bus', 'bicycle']
    """
    with safe_open(Path(folder) / f"{name}.safetensors", "pt") as file:
        about = json.loads(file.metadata()["about"])
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 (not a mapping)
    module = build(name, n_classes=len(about["classes"]))
    module.load_state_dict(state)
    preprocess = Preprocess(
        size=tuple(about["size"]), resize=about["size"][0], mean=about["mean"], std=about["std"]
    )
    title = f"{name} (bundled, {about['accuracy']['test']:.1%} on Toytown)"
    return Network(module.eval(), preprocess, about["classes"], name, title=title)
