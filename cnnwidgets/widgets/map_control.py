"""Which space is shown in a map, how it is laid out in the plane, and how far that is."""

from collections.abc import Callable
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._long_work import LongWork
from ._pictures import text_picture
from ._words import nearest_names

METHODS = {"pca": "PCA", "tsne": "t-SNE"}


class MapControl(LongWork):
    """A choice of the space and of the method of a map, and buttons to pause, stop and repeat its t-SNE.

    The control computes nothing: observe its traits, register with `on_again`, and tell it how far the work
    is with `begin`, `progress` and `finish`. Whoever works looks at `paused` and `stopping` after each step.

    Parameters
    ----------
    spaces : list of str
        What the menu offers.
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (steps) and
        ``message`` (what came of it).

    Examples
    --------
    >>> control = MapControl(spaces=["pixels", "conv1", "fc"], space="fc", method="tsne")
    >>> control.most = 600 // 3
    >>> control.begin("t-SNE, iteration", 750)
    >>> control.progress(250)
    >>> control.describe()
    'fc; t-SNE; perplexity 30; seed 0; t-SNE, iteration 250 of 750'
    >>> control.finish("stopped after 250 iterations")
    >>> control.running
    False
    """

    _esm = esm("map_control")
    _css = css("map_control")

    spaces = t.List(t.Unicode()).tag(sync=True)
    """The spaces that are offered, such as the layers of a network.

    - Type: list of `str`
    - Default: ``[]``
    """

    space = t.Unicode("").tag(sync=True)
    """The chosen space; another name raises TraitError.

    - Type: `str`
    - Default: the last one
    """

    method = t.Enum(tuple(METHODS), "pca").tag(sync=True)
    """How the space becomes a plane.

    - Type: ``"pca"`` or ``"tsne"``
    - Default: ``"pca"``
    """

    perplexity = t.Float(30.0).tag(sync=True)
    """How many neighbours t-SNE shall keep close to each point, about.

    - Type: `float`, 1 to `most`
    - Default: ``30.0``, or `most` if that is less
    """

    most = t.Float(100.0, min=1).tag(sync=True)
    """The largest perplexity: a third of the number of points. One that is larger shrinks.

    - Type: `float`
    - Default: ``100.0``
    """

    seed = t.Int(0, min=0, max=9_999).tag(sync=True)
    """Where chance begins; the same seed gives the same map.

    - Type: `int`, 0 to 9999
    - Default: ``0``
    """

    grid = t.Bool(False).tag(sync=True)
    """Whether the pictures are laid out on a grid, each as near to its place in the map as can be.

    - Type: `bool`
    - Default: ``False``
    """

    paused = t.Bool(False).tag(sync=True)
    """Whether the running t-SNE shall wait. It may be looked at from any thread.

    - Type: `bool`
    - Default: ``False``; so again when `running` ends
    """

    stage = t.Unicode("").tag(sync=True)
    """What is counted by `done`, such as ``"t-SNE, iteration"``.

    - Type: `str`
    - Default: ``""``
    """

    def __init__(self, **traits: Any) -> None:
        chosen = {name: traits.pop(name) for name in ("space", "perplexity") if name in traits}
        self._again: list[Callable[[], Any]] = []
        super().__init__(**traits)
        for name, value in chosen.items():
            setattr(self, name, value)

    # -- work --------------------------------------------------------------------------------------

    def on_again(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when the same map is wanted once more, from its start."""
        self._again.append(callback)

    def again(self) -> None:
        """Ask for the same map once more, as the button does."""
        self.paused = False
        for callback in self._again:
            callback()

    def begin(self, stage: str, total: int = 0) -> None:
        """Tell that work starts, or its next part; from any thread.

        Parameters
        ----------
        stage : str
            What is counted from now on.
        total : int
            How many steps there are; 0 if that is not known.
        """
        self._reports.tell(True, stage=stage, done=0, total=total, running=True)

    def progress(self, done: int, total: "int | None" = None, message: "str | None" = None) -> None:
        """Tell how far the work is; from any thread, as often as one likes.

        The browser hears of it five times a second, and at once while the work is paused.

        Parameters
        ----------
        done : int
            Steps done so far.
        total, message : int, str, optional
            As they were if not given.
        """
        last = done == (self.total if total is None else total)
        self._reports.tell(last or self.paused, done=done, total=total, message=message)

    def stop(self) -> None:
        """Ask the running work to stop and to keep what it has, as the button does."""
        if self.running:
            self.stopping = True

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for."""
        self.error = ""  # so that the same error is news to the browser
        if content.get("kind") == "stop":
            self.stop()
        elif content.get("kind") == "again":
            self.again()

    @t.observe("running")
    def _wait_no_more(self, change: t.Bunch) -> None:
        if not change.new:
            self.paused = False

    # -- traits ------------------------------------------------------------------------------------

    @t.observe("spaces")
    def _another_space(self, change: t.Bunch) -> None:
        if self.space not in self.spaces:
            self.space = self.spaces[-1] if self.spaces else ""

    @t.validate("space")
    def _exists(self, proposal: t.Bunch) -> str:
        if proposal.value in self.spaces or not (proposal.value or self.spaces):
            return proposal.value
        if self.from_browser:  # may come late, from another network
            return self.space if self.space in self.spaces else next(reversed(self.spaces), "")
        raise t.TraitError(
            f"there is no space {proposal.value!r}; {nearest_names(proposal.value, self.spaces)}"
        )

    @t.validate("perplexity")
    def _fits(self, proposal: t.Bunch) -> float:
        limits = f"1 to {self.most:g}, a third of the number of points"
        told = f"the perplexity must be {limits}, not {proposal.value:g}"
        return self.within(proposal, 1.0, self.most, told)

    @t.observe("most")
    def _shrink(self, change: t.Bunch) -> None:
        self.perplexity = min(self.perplexity, self.most)

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """What is chosen, how far the work is, and what came of it, in words."""
        parts = [" ".join(row) if row[0] in ("perplexity", "seed") else row[1] for row in self._rows()]
        return "; ".join([*parts, *([self.message] if self.message and not self.running else [])])

    def _rows(self) -> list[list[str]]:
        rows = [["space", self.space or "none"], ["method", METHODS[self.method]]]
        if self.method == "tsne":
            rows += [["perplexity", f"{self.perplexity:g}"], ["seed", str(self.seed)]]
        if self.grid:
            rows.append(["pictures", "on a grid"])
        if self.running:
            of = f" of {self.total:,}" if self.total else ""
            rows.append(["", f"{self.stage} {self.done:,}{of}{', paused' if self.paused else ''}"])
        return rows

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        rows = self._rows()
        return text_picture([*rows, ["", self.message]] if self.message else rows) if self.spaces else None
