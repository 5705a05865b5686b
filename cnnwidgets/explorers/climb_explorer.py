"""A class, or several of them, or a unit of a network to choose."""

import ipywidgets

from ..core.half import has_bfloat16
from ..widgets import ClassChoice, LayerPicker, NeuronSlider, RunControl, UnitChoice
from .alone import alone
from .ascent_patches import NinePatches
from .ascent_run import Climb
from .base import Explorer, headline
from .latest import Latest

CLASS, UNIT = 0, 1
"""The pages."""


class ClimbExplorer(Explorer):
    """Explorers of what a class or a unit wants to see, which is chosen on one of two pages.

    Those made from it call `_build_choice`, `_show_network` and `_listen_to_choice`, and say what happens
    when something else is chosen (`_other_climb`).

    Attributes
    ----------
    pages : ipywidgets.Tab
    classes, layers, slider, units : widgets
        The `ClassChoice`, `LayerPicker`, `NeuronSlider` and `UnitChoice` inside.
    control : RunControl
    nine : NinePatches
    """

    def _build_choice(self, n_steps, patches):
        self._network = None  # whose classes and layers are in the menus
        self.title = ipywidgets.HTML()
        self.classes = ClassChoice()
        self.layers, self.slider = LayerPicker(), NeuronSlider(measure="strongest activation")
        self.units = UnitChoice()
        self.pages = ipywidgets.Tab(
            [self.classes, ipywidgets.VBox([self.layers, self.slider, self.units])],
            titles=["a class", "a unit"],
        )
        self.control = RunControl(n_steps=n_steps)
        self.nine = NinePatches(patches)
        self._latest = Latest(self.nine.widget.show_error)  # which does not end an ascent

    def _listen_to_choice(self):
        self.tell_selection(self.layers, "layer")
        self.tell_selection(self.slider, "channel")
        self.watch(self._show_network, "network")
        self.watch(self._other_unit, "layer", "channel", "position")
        self.watch(self._other_target, "target")
        self.classes.observe(self._tell_target, "chosen")
        self.classes.observe(self._other_climb, "chosen")
        self.units.observe(self._other_climb, ["n_images", "diverse", "neuron"])
        self.pages.observe(self._other_page, "selected_index")
        self.control.observe(self._other_climb, ["seed", "fast", "compare"])

    def _other_climb(self, change=None):
        """Something else is chosen."""
        raise NotImplementedError

    def _climb(self):
        chosen, control = self.selection, self.control
        common = {"seed": control.seed, "precision": "fast" if control.fast else "exact"}
        if self.pages.selected_index == CLASS:
            return Climb(chosen.network, tuple(self.classes.chosen), **common)
        return Climb(
            chosen.network,
            layer=chosen.layer,
            channel=chosen.channel or 0,
            position=self._position(),
            n_images=self.units.n_images,
            diverse=self.units.diverse,
            **common,
        )

    def _position(self):
        """Of one neuron: that of the selection, or the one in the middle; None for all of the channel."""
        info = self.selection.network.layer(self.selection.layer)
        if not self.units.neuron or not info.is_spatial:
            return None
        return self._chosen_position(info) or tuple(side // 2 for side in info.map_size)

    def _chosen_position(self, info):
        """That of the selection; None if there is none, or none such in the layer."""
        chosen = self.selection.position
        if chosen is None or not info.is_spatial:
            return None
        height, width = info.map_size
        return tuple(chosen) if 0 <= chosen[0] < height and 0 <= chosen[1] < width else None

    @alone
    def _show_network(self, change=None):
        network = self.selection.network
        if self._network is network:
            return
        is_first, self._network = self._network is None, network
        self.title.value = headline(network)
        self.nine.begin(network)
        with self.quiet():
            self.classes.classes = list(network.classes)
            target = self.selection.target
            if target is not None:
                self.classes.chosen = [target]
            with self.layers.hold_sync(), self.layers.hold_trait_notifications():
                self.layers.layers = network.layers
                self.layers.layer = self.selection.layer
            self.control.can_fast = has_bfloat16(network.device)
            if not self.control.can_fast:
                self.control.fast = False
        self._show_unit()
        if not is_first:
            self._other_climb()

    @alone
    def _choose_classes(self, classes):
        with self.quiet():
            places = []
            for each in classes:
                if isinstance(each, str):
                    self.classes.choose(each)
                    places += self.classes.chosen
                else:
                    places.append(int(each))
            self.classes.chosen = places

    @alone
    def _tell_target(self, change):
        if not self._is_quiet and change.new:
            with self.quiet():
                self.selection.target = change.new[0]

    @alone
    def _other_target(self, change):
        target = change.new
        if self._is_quiet or target is None or self._network is not self.selection.network:
            return
        if self.classes.chosen[:1] != [target]:
            with self.quiet():
                self.classes.chosen = [target]
            if self.pages.selected_index == CLASS:
                self._other_climb()

    @alone
    def _other_unit(self, change):
        if self._is_quiet or self._network is not self.selection.network:
            return  # of another network the layers come first
        self._show_unit()
        if self.pages.selected_index == UNIT and self.selection.channel is not None:
            self._other_climb()

    def _show_unit(self):
        """The unit of the selection, in the widgets; on its own page a missing channel is filled in."""
        chosen = self.selection
        info = chosen.network.layer(chosen.layer)
        maxima = self.nine.maxima(chosen.layer)
        channel = chosen.channel
        if channel is None:
            channel = int(max(range(len(maxima)), key=lambda k: maxima[k])) if len(maxima) else 0
        with self.quiet(), self.slider.hold_sync():
            self.layers.layer = chosen.layer
            self.slider.strengths = maxima
            self.slider.n_channels = info.n_channels
            self.slider.channel = channel
            self.units.can_neuron = info.is_spatial
            position = self._chosen_position(info)
            self.units.place = (
                "in the middle" if position is None else f"row {position[0]}, column {position[1]}"
            )
        if self.pages.selected_index == UNIT:
            if chosen.channel is None:
                with self.quiet():
                    chosen.channel = channel
            self._latest.submit(self.nine.look(chosen.layer, channel), self._show_nine)

    @alone
    def _show_nine(self, nine):
        chosen = self.selection
        if chosen is not None and nine.unit == (chosen.layer, chosen.channel):
            self.nine.show(nine)

    @alone
    def _other_page(self, change):
        self._show_unit()
        self._other_climb()
