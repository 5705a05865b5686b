"""The filters of the first layer of any network, several networks side by side."""

import re
from collections.abc import Iterable
from functools import partial

import ipywidgets
from torch import nn

from ..core import convolutions, filters, first_convolution
from ..networks import Network, at_hand, load, wrap
from ..networks.bundled import BUNDLED
from ..networks.random_weights import RANDOM_NOTE
from ..widgets import NetworkPicker
from .base import Explorer
from .filter_panel import FilterPanel
from .latest import Latest
from .selection import Selection

LECTURES = ("alexnet", "resnet18", "resnet101", "densenet121")
"""The networks whose first layers the lectures show."""

LOOKING = {"available": False, "note": "looking for its weights on this machine …"}

RANDOM = ":random"
"""End of what `NetworkPicker` calls a network with random weights."""


class FilterExplorer(Explorer):
    """What do the filters look like? Those of the first convolution, of several networks side by side.

    A click on a tile opens it: its channels, its frequency response, its best-fitting Gabor, its norm, how
    often it fires. A menu above leads to the higher layers, which cannot be read like this.

    All networks of the lectures are listed. Those whose weights are not on this machine say what it takes to
    get them; nothing is downloaded, and nothing random is shown unless it is asked for, and marked.

    Parameters
    ----------
    networks : Network, torch.nn.Module, str, or a sequence of them
        Shown from the beginning; ``"toynet"`` if not given. One that is named, and whose weights are not on
        this machine, is only listed.
    layer : str, optional
        A convolution to begin with, in every network that has one of that name; the first one if not given.
    selection : Selection, optional
        Share the choices of another explorer: its network comes first, and has its layer and channel.
    **traits
        Traits of ``ipywidgets.VBox``.

    Attributes
    ----------
    picker : NetworkPicker
        Which networks are shown.
    panels : list of FilterPanel
        One for each of them, with a `LayerPicker` ``layers`` and a `FilterGrid` ``grid``.
    selection : Selection
        Its network is that of the first panel; its layer and channel are those of that panel.

    Raises
    ------
    NetworkError
        If there is no network of that name.
    LayerError
        If the layer is no convolution of any of the networks, or a network has none.
    TypeError
        For an unknown keyword, or a selection together with a layer.

    Notes
    -----
    Gabors are fitted beside the cell that asked for them. To read them in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = FilterExplorer(["toynet", "toynet-gap"])
    >>> [panel.grid.title for panel in explorer.panels]
    ['toynet · conv1', 'toynet-gap · conv1']
    >>> explorer.selection.channel = 7  # opens that tile
    >>> explorer.grid.channel
    7
    """

    _arguments = "networks, layer or selection"

    def __init__(self, networks=None, layer=None, selection=None, **traits):
        if selection is not None and layer is not None:
            raise TypeError("give either a selection, which has a layer, or a layer")
        self._panels = {}  # entry of the picker -> panel
        self._given = {}  # name in the picker -> a network that was handed over, not named
        self._loaded = {}  # entry of the picker -> network that is shown
        asked = [self._name(each) for each in _as_list(networks)]
        if selection is not None:
            asked = list(dict.fromkeys([self._name(selection.network), *asked]))
        elif not any(name in self._given or at_hand(name).path for name in asked):
            asked.append("toynet")
        here = [name for name in asked if name in self._given or at_hand(name).path]
        self._loaded = {name: self._load(name) for name in here}
        first = self._loaded[here[0]]
        if layer is not None and not any(layer in convolutions(each) for each in self._loaded.values()):
            filters(first, layer)  # says what is wrong with it
        if selection is None:
            has_it = layer in convolutions(first)
            selection = Selection(first, layer=layer if has_it else first_convolution(first))
        super().__init__(selection=selection, **traits)

        self._asked = asked
        self._layer = layer
        self.picker = NetworkPicker(label="Networks")
        self._row = ipywidgets.HBox(layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="16px 28px"))
        self.children = [self.picker, self._row]
        with self.quiet():
            self.picker.options = [
                *map(self._option, dict.fromkeys([*asked, *BUNDLED])),
                *({"name": name} | LOOKING for name in LECTURES if name not in asked),
            ]
            self.picker.chosen = here
            self._arrange()
        self._listing = Latest(self.picker.show_error)
        self.refresh()
        self.picker.observe(self._choose, "chosen")
        self.watch(self._follow_network, "network")
        self.watch(self._follow_unit, "layer", "channel")

    @property
    def panels(self):
        """One `FilterPanel` for each network that is shown, in the order in which they were chosen."""
        return list(self._panels.values())

    @property
    def grid(self):
        """The `FilterGrid` of the first network; None if no network is chosen."""
        return self.panels[0].grid if self.panels else None

    def show_error(self, error):
        """Show an exception beside the networks, and go back to those that are shown."""
        self.picker.show_error(error)
        with self.quiet():
            self.picker.chosen = [entry for entry in self.picker.chosen if entry in self._panels]

    def refresh(self):
        """Look again which weights are on this machine, as after ``cw.load("alexnet")`` in another cell."""
        names = dict.fromkeys([*self._asked, *BUNDLED, *LECTURES])

        def apply(found):
            listed = {option["name"]: option for option in self.picker.options}
            found = {name: option for name, option in found.items() if name not in self._given}
            with self.quiet():  # those that have come meanwhile stay
                self.picker.options = list((listed | found).values())

        # not at once: to look among torchvision's networks takes a second, the first time
        self._listing.submit(lambda: {name: self._option(name) for name in names}, apply)

    # Which networks there are:

    def _name(self, network):
        """What the picker calls a network, which is a name as for ``load``, a module or a Network."""
        if isinstance(network, str):
            return at_hand(network).name
        if isinstance(network, nn.Module):
            network = wrap(network)
        if not isinstance(network, Network):
            raise TypeError(f"networks are names, torch modules or Networks, not a {type(network).__name__}")
        for name, known in [*self._given.items(), *self._loaded.items()]:
            if known is network:
                return name
        published = re.fullmatch(re.escape(network.name) + r" \((bundled|IMAGENET1K_\w+)\b.*", network.title)
        name = title = (network.name if published else network.title).replace(":", " ")
        number = 1
        while self._given.get(name, network) is not network:
            name = f"{title} ({(number := number + 1)})"
        self._given[name] = network
        return name

    def _option(self, name):
        if name in self._given:
            network = self._given[name]
            return {"name": name, "title": network.title, "untrained": RANDOM_NOTE in network.note}
        found = at_hand(name)
        return {"name": name, "available": found.path is not None, "note": found.how}

    def _load(self, entry):
        """Runs in a thread: touches no widget and no trait."""
        network = self._given.get(entry)
        if network is None:
            is_random = entry.endswith(RANDOM)
            network = load(entry.removesuffix(RANDOM), weights=None if is_random else "DEFAULT")
        first_convolution(network)  # runs the network once; a network without any is refused
        return network

    # What is shown:

    def _choose(self, change=None):
        """The picker has other networks; those that are not loaded yet come later."""
        if self._is_quiet:
            return
        missing = [entry for entry in self.picker.chosen if entry not in self._loaded]
        if missing:
            self._latest.submit(lambda: {entry: self._load(entry) for entry in missing}, self._arrived)
        else:
            self.picker.error = ""
            self._arrange()

    def _arrived(self, networks):
        self.picker.error = ""
        self._loaded |= networks
        self._arrange()

    def _arrange(self):
        """One panel for each network that is chosen and loaded, in that order."""
        self._loaded = {entry: self._loaded[entry] for entry in self.picker.chosen if entry in self._loaded}
        old, self._panels = self._panels, {}
        for entry, network in self._loaded.items():
            panel = old.get(entry)
            self._panels[entry] = panel if panel and panel.network is network else self._panel(entry, network)
        self._row.children = self.panels
        for panel in set(old.values()) - set(self.panels):
            panel.close()
        if not self.panels:
            return
        first = self.panels[0]
        if self.selection.network is not first.network:
            with self.quiet():
                self.selection.network = first.network
                self.selection.layer = first.layers.layer
                self.selection.channel = first.grid.channel
        elif first not in old.values():
            self._show_unit()

    def _panel(self, entry, network):
        layer = self._layer if self._layer in convolutions(network) else None
        if network is self.selection.network:
            layer = convolution_of(network, self.selection.layer)
        panel = FilterPanel(network, layer, entry.removesuffix(RANDOM))
        panel.layers.observe(partial(self._tell_unit, panel), "layer")
        panel.grid.observe(partial(self._tell_unit, panel), "channel")
        return panel

    # Between the selection and the first panel:

    def _follow_network(self, change=None):
        """Somebody else chose another network: it takes the place of the first."""
        network = self.selection.network
        if self._is_quiet:
            return
        try:
            first_convolution(network)
        except Exception as error:
            self.picker.show_error(error)  # the selection has it, what is shown stays
            raise
        self.picker.error = ""
        if self.panels and self.panels[0].network is network:
            return
        name = self._name(network)
        self._loaded[name] = network
        others = [entry for entry in self.picker.chosen[1:] if entry != name]
        listed = [option for option in self.picker.options if option["name"] != name]
        with self.quiet():
            self.picker.options = [self._option(name), *listed]
            self.picker.chosen = [name, *others]
            self._arrange()

    def _follow_unit(self, change=None):
        # another network changes its layer before it tells of itself
        if self.panels and self.panels[0].network is self.selection.network and not self._is_quiet:
            self._show_unit()

    def _show_unit(self):
        panel, layer = self.panels[0], convolution_of(self.selection.network, self.selection.layer)
        if layer is not None:
            with self.quiet():
                panel.layers.layer = layer
                panel.grid.channel = self.selection.channel

    def _tell_unit(self, panel, change):
        """An opened tile is the chosen channel; that it was closed is nobody else's business."""
        if self._is_quiet or panel is not next(iter(self.panels), None):
            return
        if panel.network is not self.selection.network:  # which has no filters to show
            return
        with self.quiet():
            if convolution_of(panel.network, self.selection.layer) != panel.layers.layer:
                self.selection.layer = panel.layers.layer
            if panel.grid.channel is not None:
                self.selection.channel = panel.grid.channel

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await super().done()
        await self._listing.done()
        for panel in self.panels:
            await panel.done()

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:
            return
        self._listing.close()
        for panel in self.panels:
            panel.close()
        super().close()
        self._given, self._loaded, self._panels = {}, {}, {}


def convolution_of(network, layer):
    """The convolution whose channels are those of a layer: itself, or the last one before with as many.

    Parameters
    ----------
    network : Network
    layer : str

    Returns
    -------
    str or None
        ``"conv1"`` for ``"relu1"``; None if there is none, as for a fully connected layer.
    """
    known, found = set(convolutions(network)), None
    n_channels = network.layer(layer).n_channels
    for info in network.layers:
        if info.name in known:
            found = info
        if info.name == layer:
            return found.name if found is not None and found.n_channels == n_channels else None
    return None


def _as_list(networks):
    if networks is None:
        return []
    is_one = isinstance(networks, str | nn.Module | Network) or not isinstance(networks, Iterable)
    return [networks] if is_one else list(networks)
