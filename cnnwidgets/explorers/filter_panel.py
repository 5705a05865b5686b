"""One network in a FilterExplorer: the filters of one of its convolutions, and what is known of them."""

from statistics import median
from typing import Any

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
from ..core.gabor_fit import SMALLEST
from ..data import samples
from ..networks.bundled import BUNDLED
from ..networks.random_weights import RANDOM_NOTE
from ..widgets import FilterGrid, LayerPicker
from ..widgets.filter_grid import UNREADABLE
from .latest import Latest

COLOURS = (1, 3)
"""Input channels of filters that read an image: one Gabor has one colour, so it needs colours to read."""

AT_MOST = 96
"""Filters that are fitted: more would take long, and change the median little."""

LARGEST = 13 * 13
"""Pixels of a kernel whose filters are fitted, in a second or a few."""

TOO_LARGE = (
    "No Gabors: to fit them to filters of {} × {} takes minutes. If you want to wait: "
    "cw.core.fit_gabor(cw.core.filters(network, {!r}))."
)

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
            self.grid.note = "Fitting Gabors to the filters …" if _is_fitted(weights) else ""
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
            if weights.shape[1] not in COLOURS:
                summary = [UNREADABLE]
            else:
                size = max(32, *weights.shape[2:])
                found = {"response": frequency_response(weights, size)}
                if _is_fitted(weights):
                    rows = evenly(len(weights), AT_MOST)
                    fit = fit_gabor(weights[rows], progress=go_on)
                    found |= _gabors(fit, rows, len(weights))
                    summary = [gabor_summary(fit, weights, progress=go_on)]
                else:
                    summary = [TOO_LARGE.format(*weights.shape[2:], layer)]
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


def evenly(n: int, at_most: int) -> torch.Tensor:
    """The numbers below n, or so many of them, evenly spread."""
    return torch.linspace(0, n - 1, min(n, at_most), dtype=torch.float64).round().long()


def gabor_summary(fit: GaborFit, weights: torch.Tensor, progress: Any = None) -> str:
    """How well Gabors explain the filters, and filters that are noise, in two or three sentences.

    Parameters
    ----------
    fit : GaborFit
        Of the filters, or of some of them.
    weights : Tensor, shape (n, C, kernel height, kernel width)
        All filters.
    progress : callable, optional
        As for ``random_filters_explained``.
    """
    shares = [share for share in fit.explained_variance.tolist() if share == share]
    n_filters, channels, height, width = weights.shape
    if not shares:
        return f"No Gabor: {_why_none(weights)}."
    noise = median(random_filters_explained(channels, (height, width), progress=progress).tolist())
    names = {"stripes": "stripes", "edge": "an edge or a line", "blob": "a blob", "": "none"}
    counts = [f"{told} {n}" for kind, told in names.items() if (n := fit.kind.count(kind))]
    n_fitted = len(fit.explained_variance)
    some = f" Fitted to {n_fitted} of the {n_filters} filters, evenly spread." if n_fitted < n_filters else ""
    return (
        f"One Gabor explains {100 * median(shares):.0f} % of a filter (median); of random filters of this "
        f"size, {100 * noise:.0f} %. Shapes of these Gabors: {', '.join(counts)}.{some}"
    )


def _why_none(weights: torch.Tensor) -> str:
    n, _, height, width = weights.shape
    if min(height, width) < SMALLEST:
        return f"filters of {height} × {width} are too small for stripes"
    n_finite = int(weights.flatten(1).isfinite().all(dim=1).sum())
    if n_finite == n:
        return "all filters are zero everywhere"
    if n_finite == 0:
        return "all filters hold NaN or infinity"
    return f"{n - n_finite} of {n} filters hold NaN or infinity, the others are zero everywhere"


def _is_fitted(weights: torch.Tensor) -> bool:
    return weights.shape[1] in COLOURS and weights[0, 0].numel() <= LARGEST


def silence(firing: torch.Tensor, n_pictures: int) -> str:
    """How many filters fire nowhere, in a sentence; nothing if all do."""
    silent = int((firing == 0).sum())
    some = f"{silent} of {len(firing)} filters fire" if silent > 1 else f"1 of {len(firing)} filters fires"
    return f"{some} nowhere in {n_pictures} sample pictures." if silent else ""


def _gabors(fit: GaborFit, rows: torch.Tensor, n: int) -> dict:
    """What `FilterGrid.analyse` takes: all of n filters, of which some rows are fitted.

    NaN stands for what is not fitted, and for what a blob, or an edge, does not have.
    """

    def spread(values: torch.Tensor) -> torch.Tensor:
        return values.new_full((n, *values.shape[1:]), torch.nan).index_copy(0, rows, values)

    kind = fit.kind
    blob = torch.tensor([each == "blob" for each in kind])
    striped = torch.tensor([each == "stripes" for each in kind])
    found = {
        "explained": fit.explained_variance,
        "orientation": fit.orientation.masked_fill(blob, torch.nan),
        "wavelength": fit.wavelength.masked_fill(~striped, torch.nan),
        "fitted": fit.picture,
    }
    return {name: spread(values) for name, values in found.items()}


def _pictures(network) -> dict:
    """Samples that suit the network: drawings for the bundled ones, else photographs."""
    kind = "drawing" if network.name in BUNDLED else "photograph"
    found = samples()
    return {name: sample for name, sample in found.items() if sample.kind == kind} or found
