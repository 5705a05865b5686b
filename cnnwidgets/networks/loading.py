"""Getting a network: a bundled one, one of torchvision's, or your own."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from ..core import as_module
from ..core.errors import NetworkError
from .custom_preprocessing import CustomPreprocess
from .network import Network
from .preprocessing import Preprocess
from .random_weights import RANDOM_NOTE, randomise
from .state_files import is_path, load_state, read_state

USUAL_SIZE = (224, 224)
"""What most networks for ImageNet are made for."""


def load(name: str, weights="DEFAULT", device: str | torch.device | None = None) -> Network:
    """Load a trained network by name.

    Parameters
    ----------
    name : str
        A bundled network (``"toynet"``, ``"toynet-gap"``: always there, nothing to download) or any
        classification network of torchvision (``"alexnet"``, ``"resnet50"``, …). ``available()`` lists them
        all.
    weights : str, Path, torchvision weights or None
        - ``"DEFAULT"``: the best published ones. torchvision's are downloaded once, with a progress bar, into
          the folder ``checkpoints`` in ``torch.hub.get_dir()``.
        - The name of other published ones (``"IMAGENET1K_V1"``), or torchvision's enum member.
        - The path of a state dict (``.safetensors``, or ``.pt`` from ``torch.save``; code in it is not run).
          If it was fine-tuned to another number of classes, the network gets as many outputs.
        - None: random weights, the same each time (seed 0; the global random state is left alone). The title
          says so.
    device : str or torch.device, optional
        Where to put it; the CPU if not given.

    Returns
    -------
    Network
        With its own preprocessing and class names, in evaluation mode.

    Raises
    ------
    NetworkError
        If there is no such network or no such weights, with the nearest names; if weights can be neither
        found nor downloaded, with the command to fetch them; if a file is damaged or belongs to another
        network.

    Examples
    --------
    >>> load("resnet18", weights=None).title
    'resnet18 (random weights, untrained)'
    """
    from .bundled import BUNDLED

    if not isinstance(name, str):
        raise NetworkError(
            f"load needs the name of a network, not a {type(name).__name__}: wrap() is for your own."
        )
    name = name.lower()
    if name in BUNDLED:
        network = _load_bundled(name, weights)
    else:  # only now: torchvision takes a second to import, and the bundled networks do without it
        zoo = _torchvision_zoo()
        zoo.check_name(name, available())
        network = zoo.load_torchvision(name, weights)
    if device is not None:
        try:
            network.module.to(device)
        except (RuntimeError, AssertionError) as error:
            raise NetworkError(
                f"Can't put {name} on {str(device)!r} ({error}): leave out device for the CPU."
            ) from None
    return network


def _torchvision_zoo():
    try:
        from . import torchvision_zoo
    except (
        ImportError,
        RuntimeError,
        OSError,
    ) as error:  # such as "operator torchvision::nms does not exist"
        raise NetworkError(
            f"torchvision cannot be used with this torch ({torch.__version__}): {error}. Install two that "
            "belong together, in one command: pip install --upgrade torch torchvision. The bundled toynet "
            "works without it."
        ) from error
    return torchvision_zoo


def available() -> list[str]:
    """Names that ``load`` knows: the bundled networks, then torchvision's classification networks."""
    from .bundled import BUNDLED

    return [*BUNDLED, *_torchvision_zoo().torchvision_names()]


def wrap(
    module: nn.Module,
    preprocess=None,
    classes: Sequence[str] | None = None,
    input_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    name: str | None = None,
) -> Network:
    """Make your own network ready to be looked into.

    The module is run once, on a black image, to count its outputs. It is not changed, and stays on its
    device.

    Parameters
    ----------
    module : torch.nn.Module
        Maps (N, C, H, W) to class scores (N, n_classes) before softmax.
    preprocess : Preprocess, torchvision transforms or weights, or callable, optional
        From a picture to the module's input: a ``Preprocess``; what torchvision has for its own networks
        (``weights`` or ``weights.transforms()``); or a callable from PIL image to tensor (C, H, W), such as
        the ``Compose`` you trained with. If not given, pixels are resized, cropped and scaled to [0, 1], not
        normalised.
    classes : sequence of str, optional
        A name for each output; 'class 0', 'class 1', … if not given.
    input_size : int or (int, int), optional
        Height and width of the input, needed without ``preprocess`` if it is not 224 × 224.
    channels : {3, 1}, optional
        Whether the module sees RGB or grey; without ``preprocess`` only. Asked of its first convolution if
        not given.
    name : str, optional
        For captions; the class of the module if not given.

    Returns
    -------
    Network

    Raises
    ------
    NetworkError
        If the module cannot take such an input or gives no class scores; if there are more or fewer names
        than outputs; if the arguments contradict each other.

    Examples
    --------
    >>> digits = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 24 * 24, 10))
    >>> wrap(digits, input_size=28, classes=list("0123456789"), name="digits")
    <Network digits: 10 classes, input 1 × 28 × 28, 46,298 parameters>
    """
    module = as_module(module)
    if isinstance(classes, str):
        raise NetworkError(f"classes must be a list of names, not the text {classes!r:.60}.")
    name = name or type(module).__name__
    network = Network(module, _preprocess(module, preprocess, input_size, channels), None, name)
    if classes is not None:
        classes = [str(each) for each in classes]
        if len(classes) != network.n_classes:
            raise NetworkError(
                f"{name} has {network.n_classes} outputs but {len(classes)} class names: give as many names "
                "as outputs."
            )
        network.classes = classes
    return network


def _preprocess(module: nn.Module, preprocess, input_size, channels):
    if preprocess is None:
        channels = channels or _input_channels(module)
        try:
            return Preprocess(input_size or USUAL_SIZE, mean=(0.0,) * channels, std=(1.0,) * channels)
        except (ValueError, TypeError) as error:
            raise NetworkError(f"That is no input of a network: {error}") from None
    if hasattr(preprocess, "transforms") and callable(preprocess.transforms):  # torchvision weights
        preprocess = preprocess.transforms()
    if hasattr(preprocess, "crop_size") and hasattr(preprocess, "resize_size"):
        preprocess = Preprocess.from_torchvision(preprocess)
    if not isinstance(preprocess, Preprocess | CustomPreprocess):
        if not callable(preprocess):
            raise NetworkError(
                f"preprocess must be a Preprocess or a callable, not a {type(preprocess).__name__}."
            )
        preprocess = CustomPreprocess(preprocess)
    size = (input_size, input_size) if isinstance(input_size, int) else input_size
    if size is not None and tuple(size) != preprocess.size:
        raise NetworkError(
            f"input_size is {tuple(size)} but preprocess makes {preprocess.size}: leave out input_size."
        )
    if channels is not None and channels != preprocess.channels:
        raise NetworkError(
            f"channels is {channels} but preprocess makes {preprocess.channels}: leave out channels."
        )
    return preprocess


def _input_channels(module: nn.Module) -> int:
    convolutions = (part for part in module.modules() if isinstance(part, nn.Conv2d))
    first = next(convolutions, None)
    return 1 if first is not None and first.in_channels == 1 else 3


def _load_bundled(name: str, weights) -> Network:
    from .bundled import load_bundled

    network = load_bundled(name)
    if weights is None:
        randomise(network.module)
        network.title, network.note = f"{name} (random weights, untrained)", RANDOM_NOTE
    elif is_path(weights):
        load_state(network.module, read_state(weights), weights, name)
        network.title, network.note = f"{name} (weights from {Path(weights).name})", ""
    elif weights != "DEFAULT":
        raise NetworkError(
            f"{name} has no weights {weights!r}: choose 'DEFAULT', None for random ones, or a file."
        )
    return network
