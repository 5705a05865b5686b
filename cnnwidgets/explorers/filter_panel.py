"""One network in a FilterExplorer: the filters of one of its convolutions, and what is known of them."""

from statistics import median

import ipywidgets
import torch

from ..core import (
    GaborFit,
    convolutions,
    filters,
    firing_share,
    first_convolution,
    fit_gabor,
    frequency_response,
    random_filters_explained,
)
from ..data import samples
from ..networks.bundled import BUNDLED
from ..networks.random_weights import RANDOM_NOTE
from ..widgets import FilterGrid, LayerPicker
from ..widgets.filter_grid import UNREADABLE
from .latest import Latest

COLOURS = (1, 3)
"""Input channels of filters that read an image: one Gabor has one colour, so it needs colours to read."""

LAYOUT = {"flex": "1 1 330px", "min_width": "300px"}


class _Stale(Exception):
    """Another layer was chosen meanwhile."""


class FilterPanel(ipywidgets.VBox):
    """The filters of one network.

    They are shown at once; what has to be computed (Gabor fits, how often they fire) follows.

    Parameters
    ----------
    network : Network
    layer : str, optional
        A convolution; the first one if not given.
    name : str, optional
        What the network is called above its filters; its own name if not given.

    Attributes
    ----------
    layers, grid : widgets
        The `LayerPicker` and the `FilterGrid` inside.

    Raises
    ------
    LayerError
        If the layer is no convolution, or the network has none.
    """

    def __init__(self, network, layer=None, name=None):
        first = first_convolution(network)
        if layer is not None:
            filters(network, layer)  # says what is wrong with the name
        self.network = network
        self._name = name or network.name
        self.layers = LayerPicker(
            layers=[network.layer(name) for name in convolutions(network)], layer=layer or first
        )
        self.grid = FilterGrid(untrained=RANDOM_NOTE in network.note)
        self._latest = Latest(self.grid.show_error)
        self._asked = None  # newest request
        super().__init__([self.layers, self.grid], layout=ipywidgets.Layout(**LAYOUT))
        self.add_class("cw-filter-panel")
        self.layers.observe(self._show, "layer")
        self._show()

    def _show(self, change=None):
        """The filters of the chosen layer, at once; then ask for the rest."""
        layer = self.layers.layer
        weights = filters(self.network, layer)
        with self.grid.hold_sync():
            self.grid.channel = None
            self.grid.title = f"{self._name} · {layer}"
            self.grid.show(weights)
            self.grid.note = "" if weights.shape[1] not in COLOURS else "Fitting a Gabor to each filter …"
            self.grid.error = ""
        request = self._asked = (layer, weights)
        self._latest.submit(lambda: self._measure(request), lambda found: self._tell(request, found))

    def _measure(self, request):
        """Runs in a thread: touches no widget and no trait."""
        layer, weights = request

        def go_on(*_):
            if self._asked is not request:
                raise _Stale

        try:
            found, summary = {}, []
            if weights.shape[1] in COLOURS:
                fit = fit_gabor(weights, progress=go_on)
                found = _gabors(fit) | {"response": frequency_response(weights)}
                summary = [gabor_summary(fit)]
            else:
                summary = [UNREADABLE]
            go_on()
            pictures = _pictures(self.network)
            x = torch.cat([self.network.read(picture) for picture in pictures.values()])
            firing, measured = firing_share(self.network.module, x, layer)
            kinds = {picture.kind for picture in pictures.values()}
            found |= {
                "firing": firing,
                "firing_layer": f"{measured}, over {len(x)} {'/'.join(sorted(kinds))}s",
            }
            summary.append(silence(firing, len(x)))
        except _Stale:
            return None
        return found, " ".join(filter(None, summary))

    def _tell(self, request, result):
        if result is None or self._asked is not request:
            return
        found, self.grid.note = result
        self.grid.analyse(**found)

    async def done(self):
        """Wait until all is shown that was asked for."""
        await self._latest.done()

    def close(self):
        """Give up what is being computed, and close what is inside."""
        self._asked = None
        self._latest.close()
        self.layers.unobserve_all()
        for widget in (self.layers, self.grid):
            widget.close()
        if self.comm is not None:
            self.layout.close()
            super().close()


def gabor_summary(fit: GaborFit) -> str:
    """How well Gabors explain the filters, and filters that are noise, in two sentences."""
    shares = [share for share in fit.explained_variance.tolist() if share == share]
    _, channels, height, width = fit.picture.shape
    if not shares:
        return f"No Gabor: filters of {height} × {width} are too small for stripes, zero, or not finite."
    noise = median(random_filters_explained(channels, (height, width)).tolist())
    names = {"stripes": "stripes", "edge": "an edge or a line", "blob": "a blob", "": "none"}
    counts = [f"{told} {n}" for kind, told in names.items() if (n := fit.kind.count(kind))]
    return (
        f"One Gabor explains {100 * median(shares):.0f} % of a filter (median); of random filters of this "
        f"size, {100 * noise:.0f} %. Shapes of these Gabors: {', '.join(counts)}."
    )


def silence(firing: torch.Tensor, n_pictures: int) -> str:
    """How many filters fire nowhere, in a sentence; nothing if all do."""
    silent = int((firing == 0).sum())
    some = f"{silent} of {len(firing)} filters fire" if silent > 1 else f"1 of {len(firing)} filters fires"
    return f"{some} nowhere in {n_pictures} sample pictures." if silent else ""


def _gabors(fit: GaborFit) -> dict:
    """What `FilterGrid.analyse` takes; NaN stands for what a blob, or an edge, does not have."""
    kind = fit.kind
    blob = torch.tensor([each == "blob" for each in kind])
    striped = torch.tensor([each == "stripes" for each in kind])
    return {
        "explained": fit.explained_variance,
        "orientation": fit.orientation.masked_fill(blob, torch.nan),
        "wavelength": fit.wavelength.masked_fill(~striped, torch.nan),
        "fitted": fit.picture,
    }


def _pictures(network) -> dict:
    """Samples that suit the network: drawings for the bundled ones, else photographs."""
    kind = "drawing" if network.name in BUNDLED else "photograph"
    found = samples()
    return {name: sample for name, sample in found.items() if sample.kind == kind} or found
