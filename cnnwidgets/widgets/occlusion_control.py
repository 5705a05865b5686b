"""How a square slides over a picture: its size, its steps, its colour; and run, watch and stop it."""

import re
from collections.abc import Callable
from math import ceil
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._long_work import LongWork
from ._pictures import text_picture
from ._words import nearest_names

FILLS = ["grey", "mean", "black", "blurred", "noise", "elsewhere"]
LARGEST_STRIDE = 64
#: Changes of these start the work again, where it starts by itself.
SETTINGS = ("size", "stride", "fill", "method", "precision")


class OcclusionControl(LongWork):
    """Size, stride and fill of the square of an occlusion map, and buttons to run and stop it.

    The control computes nothing: it calls whoever registered with `on_run`, when "Run" is pressed and, while
    `auto` is on, whenever one of its settings changes; and shows what it is told by `progress` and `finish`.
    A new run may begin while one is running: then the newest counts.

    Parameters
    ----------
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (squares), ``rate``
        (squares a second) and ``message`` (how it was computed, and with what error).

    Examples
    --------
    >>> control = OcclusionControl(image_size=(96, 128), size=16, stride=8)
    >>> control.lattice, control.n_positions
    ((12, 16), 192)
    >>> def compute():
    ...     for done in (96, 192):
    ...         if control.stopping:
    ...             break
    ...         control.progress(done)
    ...     control.finish("exact, incremental")
    >>> control.on_run(compute)
    >>> control.run()
    >>> control.running, control.done, control.message
    (False, 192, 'exact, incremental')
    >>> control.stride = 32  # runs again by itself
    >>> control.total
    12
    """

    _esm = esm("occlusion_control")
    _css = css("occlusion_control")

    size = t.Int(32).tag(sync=True)
    """Side of the square, in pixels of the picture.

    - Type: `int`, 1 to the longer side of the picture
    - Default: ``32``, or the longer side of a smaller picture
    """

    stride = t.Int(8).tag(sync=True)
    """Pixels from one place of the square to the next.

    - Type: `int`, 1 to 64
    - Default: ``8``
    """

    fill = t.Unicode("grey").tag(sync=True)
    """What the square shows.

    - Type: `str`, one of `fills`
    - Default: ``"grey"``
    """

    fills = t.List(t.Unicode(), FILLS).tag(sync=True)
    """The fills that are offered; others may be named too, without a small picture of them.

    - Type: list of `str`, at least one
    - Default: ``["grey", "mean", "black", "blurred", "noise", "elsewhere"]``
    """

    swatches = t.Dict(key_trait=t.Unicode(), value_trait=t.Unicode()).tag(sync=True)
    """Colours of fills that are known, such as the mean colour of the picture.

    - Type: dict of fill to colour as ``"#rrggbb"``
    - Default: ``{}``
    """

    method = t.Enum(("full", "adaptive"), "full").tag(sync=True)
    """Whether every square is computed, or only a coarse lattice and then those where the map changes.

    - Type: ``"full"`` or ``"adaptive"``
    - Default: ``"full"``
    """

    precision = t.Enum(("exact", "fast"), "exact").tag(sync=True)
    """Whether numbers have 32 bits, or 16 where the hardware is faster with these.

    - Type: ``"exact"`` or ``"fast"``
    - Default: ``"exact"``
    """

    image_size = t.Tuple(t.Int(min=1), t.Int(min=1), default_value=(224, 224)).tag(sync=True)
    """Height and width of the picture, in pixels. A square that is too large for a new picture shrinks.

    - Type: ``(h, w)``, both `int`, at least 1
    - Default: ``(224, 224)``
    """

    auto = t.Bool(True).tag(sync=True)
    """Whether the work starts again by itself when a setting changes. Switched on, it makes up for what has
    changed since the last run.

    - Type: `bool`
    - Default: ``True``
    """

    # How many of the buttons' messages the kernel has dealt with: so the view knows that the kernel is there.
    _answered = t.Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._callbacks: dict[str, list[Callable[[], Any]]] = {"run": [], "stop": []}
        self._asked_for: tuple | None = None  # the settings of the last run
        if "size" not in traits and (picture := traits.get("image_size")):
            traits["size"] = min(32, max(picture))
        if "fill" not in traits and (fills := traits.get("fills")):
            traits["fill"] = fills[0]
        super().__init__(**traits)
        self._asked_for = self._settings()

    @property
    def lattice(self) -> tuple[int, int]:
        """Rows and columns of places of the square."""
        return tuple(ceil(length / self.stride) for length in self.image_size)

    @property
    def n_positions(self) -> int:
        """Number of places of the square."""
        rows, columns = self.lattice
        return rows * columns

    # -- running -----------------------------------------------------------------------------------

    def on_run(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when the work is to start, or to start again with other settings.

        Parameters
        ----------
        callback : callable
            `running` is on by then; the end is told by `finish`. What `callback` raises is shown, and ends
            the work. It is called on the event loop: long work belongs in a thread.
        """
        self._callbacks["run"].append(callback)

    def on_stop(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when "Stop" is pressed; `stopping` is on by then."""
        self._callbacks["stop"].append(callback)

    def run(self) -> None:
        """Start, or start again, as the button does.

        Raises
        ------
        TraitError
            If nobody has registered with `on_run`.
        """
        if not self._callbacks["run"]:
            raise t.TraitError("nothing computes the map yet: register a function with on_run")
        self._asked_for = self._settings()
        self._begin(self.n_positions)
        try:
            for callback in self._callbacks["run"]:
                callback()
        except Exception:
            self.running = False
            raise

    def stop(self) -> None:
        """Ask the running work to stop, as the button does."""
        if self.running and not self.stopping:
            self.stopping = True
            for callback in self._callbacks["stop"]:
                callback()

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for."""
        try:
            if content.get("kind") == "run":
                self.error = ""  # so that the same error is news to the browser
                self.run()
            elif content.get("kind") == "stop":
                self.stop()
        finally:
            self._answered += 1

    def _settings(self) -> tuple:
        return tuple(getattr(self, name) for name in SETTINGS)

    @t.observe("auto", *SETTINGS)
    def _run_again(self, change: t.Bunch) -> None:
        # several that change together are one change
        if self.auto and self._callbacks["run"] and self._settings() != self._asked_for:
            self.run()

    def close(self) -> None:
        """Ask running work to stop, and remove the widget from all views."""
        if self.comm is not None:
            self._shown(self.stop)
        super().close()

    # -- traits ------------------------------------------------------------------------------------

    @t.validate("size")
    def _fits(self, proposal: t.Bunch) -> int:
        largest = max(self.image_size)
        height, width = self.image_size
        limits = f"1 to {largest} pixels on a picture of {height} × {width}"
        told = f"the side of the square must be {limits}, not {proposal.value}"
        return self.within(proposal, 1, largest, told)

    @t.validate("stride")
    def _steps(self, proposal: t.Bunch) -> int:
        told = f"stride must be 1 to {LARGEST_STRIDE} pixels, not {proposal.value}"
        return self.within(proposal, 1, LARGEST_STRIDE, told)

    @t.validate("fill")
    def _is_offered(self, proposal: t.Bunch) -> str:
        if proposal.value in self.fills:
            return proposal.value
        if self.from_browser:  # may come late, from a list that is no longer offered
            return self.fills[0]
        raise t.TraitError(
            f"there is no fill {proposal.value!r}; {nearest_names(proposal.value, self.fills)}"
        )

    @t.validate("fills")
    def _are_names(self, proposal: t.Bunch) -> list[str]:
        fills = proposal.value
        if not fills or not all(fills) or len(set(fills)) < len(fills):
            raise t.TraitError(f"fills must name at least one fill, and none twice, not {fills}")
        return fills

    @t.validate("swatches")
    def _are_colours(self, proposal: t.Bunch) -> dict[str, str]:
        for name, colour in proposal.value.items():
            if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
                raise t.TraitError(f"the colour of {name!r} must be written as '#rrggbb', not {colour!r}")
        return proposal.value

    @t.observe("image_size")
    def _shrink(self, change: t.Bunch) -> None:
        self.size = min(self.size, max(self.image_size))

    @t.observe("fills")
    def _another_fill(self, change: t.Bunch) -> None:
        if self.fill not in self.fills:
            self.fill = self.fills[0]

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The settings, how far the work is, and what came of it, in words."""
        parts = [", ".join(" ".join(row) for row in self._rows())]
        if self.running:
            parts.append(f"running, {self.done:,}" + (f" of {self.total:,}" if self.total else ""))
        if self.message:
            parts.append(self.message)
        text = "; ".join(parts)
        return text[0].upper() + text[1:]

    def _rows(self) -> list[list[str]]:
        rows, columns = self.lattice
        return [
            ["square", f"{self.size} × {self.size} pixels"],
            ["stride", f"{self.stride} ({rows} × {columns} = {self.n_positions:,} squares)"],
            ["fill", self.fill],
            ["method", self.method],
            ["precision", self.precision],
        ]

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        rows = self._rows()
        if self.running:
            rows.append(["running", f"{self.done:,}" + (f" of {self.total:,}" if self.total else "")])
        if self.message:
            rows.append(["", self.message])
        return text_picture(rows)
