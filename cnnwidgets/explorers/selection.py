"""What is looked at: one network, one image, one layer, one channel, one position, one class."""

import traitlets as t
from torch import nn

from ..data import read_image
from ..networks import Network, load, wrap


class Selection(t.HasTraits):
    """The choices that all explorers of a page share.

    Explorers read and write these traits instead of being wired to each other, so that a unit picked in one
    is shown by all the others.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        A name is loaded, a module wrapped.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
    layer : str, optional
        The last convolution if not given.
    **traits
        ``channel``, ``position``, ``target``.

    Examples
    --------
    >>> selection = Selection("toynet")
    >>> selection.layer
    'conv5'
    >>> selection.observe(lambda change: print("now", change.new), "layer")
    >>> selection.layer = "conv2"
    now conv2
    """

    network = t.Any()
    """The network.

    - Type: `Network`; a name or a module is turned into one
    """

    image = t.Any(None, allow_none=True)
    """The picture as it was given, RGB.

    - Type: PIL image, or anything that ``read_image`` turns into one
    - Default: ``None``
    """

    layer = t.Unicode()
    """Name of a layer of the network; another name raises LayerError with the nearest ones.

    - Type: `str`
    - Default: the last convolution; also after another network has come that has no such layer
    """

    channel = t.Int(None, min=0, allow_none=True)
    """A channel of the layer; one that it does not have raises TraitError.

    - Type: `int`, or None: not chosen yet, explorers fill in the strongest
    - Default: ``None``, also after another layer has come, whose channels are others
    """

    position = t.Tuple(t.Int(), t.Int(), allow_none=True, default_value=None)
    """Row and column of a cell of the layer's map, or None.

    - Type: tuple of two `int`, or None
    """

    target = t.Int(None, min=0, allow_none=True)
    """The class to explain; one that the network does not have raises TraitError.

    - Type: `int`, or None: not chosen yet, explorers fill in the most probable
    - Default: ``None``, also after another network has come
    """

    def __init__(self, network="toynet", image=None, layer=None, **traits):
        for name in traits:
            if name not in ("channel", "position", "target"):
                raise TypeError(f"Selection has no trait {name!r}; there are {', '.join(self.trait_names())}")
        super().__init__(network=network)
        self.image = image
        if layer is not None:
            self.layer = layer
        for name, value in traits.items():
            setattr(self, name, value)

    @t.validate("network")
    def _make_network(self, proposal):
        given = proposal.value
        if isinstance(given, str):
            return load(given)
        if isinstance(given, nn.Module):
            return wrap(given)
        if isinstance(given, Network):
            return given
        raise t.TraitError(f"network must be a Network, a torch module or a name, not {type(given).__name__}")

    @t.observe("network")
    def _begin_anew(self, change):
        self.target = None
        names = [layer.name for layer in self.network.layers]
        if self.layer in names:
            self._forget_unit()
        else:
            convolutions = [layer.name for layer in self.network.layers if layer.kind == "Conv2d"]
            self.layer = (convolutions or names)[-1]

    @t.validate("image")
    def _read(self, proposal):
        return None if proposal.value is None else read_image(proposal.value)

    @t.validate("layer")
    def _exists(self, proposal):
        return self.network.layer(proposal.value).name

    @t.observe("layer")
    def _forget_unit(self, change=None):
        self.channel = self.position = None

    @t.validate("channel")
    def _is_channel(self, proposal):
        if proposal.value is not None and proposal.value >= self._n_channels():
            raise t.TraitError(
                f"channel {proposal.value} does not exist: {self.layer} has 0 to {self._n_channels() - 1}"
            )
        return proposal.value

    def _n_channels(self):
        return self.network.layer(self.layer).n_channels if self.layer else 1

    @t.validate("target")
    def _is_class(self, proposal):
        if proposal.value is not None and proposal.value >= self.network.n_classes:
            raise t.TraitError(
                f"class {proposal.value} does not exist: "
                f"{self.network.name} has 0 to {self.network.n_classes - 1}"
            )
        return proposal.value
