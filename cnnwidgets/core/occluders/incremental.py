"""Incremental inference: of each occluded forward pass, only what the square can have changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ..scores import class_scores
from .answers import Answers, activity_of, check_channel, readable, strongest
from .compiler import Compiler, Operation
from .span import Place
from .steps import Held, sum_changed
from .trace import Trace
from .unoccluded import Unoccluded

_MOST_ELEMENTS = 4_000_000
"""Numbers in the largest tensor of a batch: what lies above 32 MB is given back to the system each time."""
_LARGEST_BATCH = 128


class Incremental:
    """A traced network with the activations of one unoccluded image.

    Parameters
    ----------
    trace : Trace
    x : Tensor, shape (1, C, H, W)
        On the network's device; of the type in which it shall compute.
    layer : str, optional
        Whose feature map is watched.
    channel : int, optional
        The one with the largest activation if not given.
    weights : dict
        Kept from one image to the next.

    Notes
    -----
    Supun Nakandala, Arun Kumar, Yannis Papakonstantinou, "Incremental and Approximate Inference for Faster
    Occlusion-based Deep CNN Explanations", SIGMOD 2019. Here the windows of a batch of squares are cut out by
    one ``index_select`` a layer, and squares that the border clips alike share a batch.
    """

    def __init__(
        self, trace: Trace, x: Tensor, layer: str | None, channel: int | None, weights: dict
    ) -> None:
        self._watched = None if layer is None else trace.node_of(layer)
        self._image: fx.Node | None = None
        self._operations: list[Operation] = []
        self._of_image: dict[fx.Node, Unoccluded] = {}
        self.x = x
        values, of_image = self._compile(trace, x.clone(memory_format=torch.channels_last), weights)
        self._output = next(node for node in trace.graph.nodes if node.op == "output")
        self._last_use = self._last_uses()
        scores = class_scores(fx.node.map_arg(self._output.args[0], values.get))
        self.channel, self._activity = None, None
        if self._watched is not None:
            maps = values[self._watched]
            check_channel(maps, layer, channel)
            self.channel = strongest(maps) if channel is None else channel
            self._activity = activity_of(maps, self.channel)
        # the rest is of the unoccluded image, and held in the tables already
        self._constants = {
            node: values[node] for node in self._output.all_input_nodes if node not in of_image
        }
        for node in of_image & values.keys():
            del values[node]
        self.baseline = Answers(readable(scores), self._activity)
        self._planned: tuple[Place | None, dict] = None, {}
        self._whole_work = sum(operation.step.work(None) for operation in self._operations)

    def _compile(self, trace: Trace, x: Tensor, weights: dict) -> tuple[dict[fx.Node, Any], set[fx.Node]]:
        """Compute everything for the unoccluded image, and choose the steps on the way.

        Returns the value of each operation, and those operations that depend on the image.
        """
        values: dict[fx.Node, Any] = {}
        of_image: set[fx.Node] = set()
        compiler = Compiler(trace, values, self._watched, x.dtype, weights)
        self._scratch = compiler.scratch
        for node in trace.graph.nodes:
            if node.op == "placeholder":
                if self._image is not None:
                    values[node] = (
                        node.args[0] if node.args else None
                    )  # further arguments have their defaults
                    continue
                self._image, values[node] = node, x
                of_image.add(node)
            elif node.op == "get_attr":
                values[node] = trace.attribute(node)
            elif node.op != "output":
                inputs = [each for each in node.all_input_nodes if each in of_image]
                operation = compiler.compile(node, inputs)
                if operation.step.cuts(len(inputs)):
                    for each in inputs:
                        self._keep(each, values[each])
                values[node] = operation.call(operation.step.function, [values[each] for each in inputs])
                if inputs:
                    of_image.add(node)
                    self._operations.append(operation)
            if node is self._watched:
                self._keep(node, values[node])
        return values, of_image

    def _keep(self, node: fx.Node, value: Any) -> None:
        """Keep the maps out of which windows will be cut."""
        if isinstance(value, Tensor) and value.ndim == 4 and node not in self._of_image:
            self._of_image[node] = Unoccluded(value)

    def _last_uses(self) -> dict[fx.Node, list[fx.Node]]:
        """What is needed no more after each operation."""
        last = {}
        for operation in self._operations:
            for each in operation.inputs:
                last[each] = operation.node
        for each in self._output.all_input_nodes:
            last.pop(each, None)
        uses: dict[fx.Node, list[fx.Node]] = {}
        for each, node in last.items():
            uses.setdefault(node, []).append(each)
        return uses

    # -- planning --

    def plan(self, place: Place) -> dict[fx.Node, Place | None]:
        """Where each output differs from that of the unoccluded image."""
        known, places = self._planned  # of a batch, the work is asked for first
        if known is place:
            return places
        places: dict[fx.Node, Place | None] = {self._image: None if place.is_whole else place}
        for node, step, inputs, _ in self._operations:
            places[node] = step.plan([places[each] for each in inputs])
        self._planned = place, places
        return places

    def work(self, place: Place | None) -> float:
        """Multiplications for one square; None: for the whole image."""
        if place is None:
            return self._whole_work
        places = self.plan(place)
        return sum(step.work(places[node]) for node, step, _, _ in self._operations)

    def batch_size(self, place: Place | None) -> int:
        """How many squares fit into a batch."""
        places = {} if place is None else self.plan(place)
        largest = 1
        for node, maps in self._of_image.items():
            at = places.get(node)
            area = maps.height * maps.width if at is None else at.area
            largest = max(largest, area * maps.n_channels)
        return int(np.clip(_MOST_ELEMENTS // largest, 8, _LARGEST_BATCH))

    # -- running --

    def run(self, pixels: Tensor, place: Place, whole: bool = False) -> Answers:
        """What the network says of a batch of squares.

        Parameters
        ----------
        pixels : Tensor, shape (B, C, h, w)
            What each window of the image shows.
        place : Place
            Where the windows lie.
        whole : bool
            Compute everything anew: a plain forward pass of each occluded image.
        """
        image = Held(pixels, place, self._of_image.get(self._image))
        if whole or place.is_whole:
            image = Held(image.whole())
            places: dict[fx.Node, Place | None] = {}
        else:
            places = self.plan(place)
        held = {self._image: image}
        activity = None
        for operation in self._operations:
            node, at = operation.node, places.get(operation.node)
            value = operation.step.run([held[each] for each in operation.inputs], operation.call, at)
            held[node] = Held(value, at, self._of_image.get(node))
            if node is self._watched:
                activity = self._activity_of(held[node])
            for each in self._last_use.get(node, ()):
                del held[each]
        found = fx.node.map_arg(
            self._output.args[0],
            lambda node: held[node].whole() if node in held else self._constants[node],
        )
        return Answers(readable(class_scores(found)), activity)

    def trim(self) -> None:
        """Give back the memory that was needed for the last batches."""
        for maps in self._of_image.values():
            maps.trim()

    def _activity_of(self, held: Held) -> Tensor:
        if held.place is None or not torch.isfinite(self._activity):
            return activity_of(held.whole(), self.channel)
        changed = sum_changed(held, self._scratch)[:, self.channel]
        return self._activity + changed.cpu()
