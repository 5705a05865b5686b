"""Choose a channel of a layer."""

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import bars_picture
from ._traits import Floats
from ._words import number
from .base import Widget


class NeuronSlider(Widget):
    """A slider over the channels of a layer, drawn over how strong each of them is.

    Parameters
    ----------
    n_channels : int
        Number of channels; follows from `strengths` if these are given.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> slider = NeuronSlider(strengths=[0.5, 3.0, 0.0], sort=True)
    >>> slider.order
    [1, 0, 2]
    >>> slider.channel = 1
    >>> slider.next()
    >>> slider.channel
    0
    """

    _esm = esm("neuron_slider")
    _css = css("neuron_slider")

    n_channels = t.Int(1, min=1).tag(sync=True)
    """Number of channels. A smaller number than before moves `channel` to the last one.

    - Type: `int`, at least 1
    - Default: ``1``
    """

    channel = t.Int(0).tag(sync=True)
    """The chosen channel; one that does not exist raises TraitError.

    - Type: `int`, 0 to ``n_channels - 1``
    - Default: ``0``
    """

    strengths = Floats()
    """How strong each channel is, such as the maximum of its activation map. Sets `n_channels`.

    - Type: sequence, array or tensor of numbers, shape ``(n_channels,)``; kept as float32
    - Default: empty, no bars are drawn
    """

    sort = t.Bool(False).tag(sync=True)
    """Whether the strongest channel comes first.

    - Type: `bool`
    - Default: ``False``, in the order of their numbers
    """

    order = t.List(t.Int()).tag(sync=True)
    """The channels in the order in which the slider steps through them. Follows from `sort` and `strengths`;
    link it to ``ActivationGrid.order`` to sort the tiles too.

    - Type: list of `int`
    - Default: ``[0]``
    """

    label = t.Unicode("channel").tag(sync=True)
    """What is chosen: "channel", "neuron", "filter" ...

    - Type: `str`
    - Default: ``"channel"``
    """

    measure = t.Unicode("activation").tag(sync=True)
    """What the strengths are, for the text beside the number.

    - Type: `str`
    - Default: ``"activation"``
    """

    @t.default("order")
    def _in_order(self) -> list[int]:
        return list(range(self.n_channels))

    @t.observe("strengths")
    def _count(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if len(self.strengths):
                self.n_channels = len(self.strengths)
            self._arrange()

    @t.observe("n_channels")
    def _fit(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if len(self.strengths) not in (0, self.n_channels):
                self.strengths = ()
            self.channel = min(self.channel, self.n_channels - 1)
            self._arrange()

    @t.observe("sort")
    def _resort(self, change: t.Bunch) -> None:
        self._arrange()

    def _arrange(self) -> None:
        self.order = self._arranged()

    def _arranged(self) -> list[int]:
        order = np.arange(len(self.strengths) or self.n_channels)
        if self.sort and len(self.strengths):
            # NaN last; equal ones in the order of their numbers, as the browser does it
            order = np.argsort(-np.where(np.isnan(self.strengths), -np.inf, self.strengths), kind="stable")
        return order.tolist()

    @t.validate("channel")
    def _exists(self, proposal: t.Bunch) -> int:
        last = max(self.n_channels, len(self.strengths)) - 1
        told = f"{self.label} {proposal.value} does not exist: there are 0 to {last}"
        return self.within(proposal, 0, last, told)

    @t.validate("order")
    def _permutation(self, proposal: t.Bunch) -> list[int]:
        n = len(self.strengths) or self.n_channels
        if sorted(proposal.value) == list(range(n)):
            return proposal.value
        if self.from_browser:  # may come late, from a layer that is no longer shown
            return self._arranged()
        raise t.TraitError(f"order must name each {self.label} from 0 to {n - 1} once")

    def next(self) -> None:
        """Go to the next channel in `order`; stays at the last."""
        self._step(1)

    def previous(self) -> None:
        """Go to the previous channel in `order`; stays at the first."""
        self._step(-1)

    def _step(self, by: int) -> None:
        place = self.order.index(self.channel) + by
        self.channel = self.order[min(max(place, 0), len(self.order) - 1)]

    def describe(self) -> str:
        """The chosen channel, its strength and its rank in words."""
        text = f"{self.label} {self.channel} of {self.n_channels}"
        if len(self.strengths):
            strength = self.strengths[self.channel]
            rank = 1 + int((self.strengths > strength).sum())
            text += f", {self.measure} {number(strength)}, rank {rank}"
        return text[0].upper() + text[1:]

    def picture(self) -> Image.Image | None:
        """The bars, the chosen one marked."""
        if not len(self.strengths):
            return None
        return bars_picture(self.strengths[self.order], marked=self.order.index(self.channel))
