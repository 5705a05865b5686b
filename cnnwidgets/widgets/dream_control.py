"""What is dreamt, and how: the layer, the octaves, the steps; play, pause and stop."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._long_work import LongWork
from ._pictures import text_picture
from ._words import nearest_names

LIMITS = {
    "n_steps": (1, 200),
    "step_size": (0.001, 2.0),
    "octaves": (1, 8),
    "octave_scale": (1.1, 3.0),
    "jitter": (0, 64),
    "seed": (0, 9_999),
    "size": (16, 4_096),
}
#: What is made stronger, and in words.
AIMS = {"layer": "whole layer", "channel": "one channel", "guide": "guided by a picture"}


class DreamControl(LongWork):
    """A slider from the first layer to the last, the settings of a dream, its octaves as little frames, and
    the buttons that play, pause, step and stop it.

    The control computes nothing: observe its traits, register with `on_play`, and tell it how far the work is
    with `begin`, `progress` and `finish`. Whoever works looks at `stopping` and calls `may_go_on` before each
    step.

    Parameters
    ----------
    layers : list of str
        Names of the layers, the first one at the left end.
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (steps) and
        ``message`` (what came of it).

    Examples
    --------
    >>> control = DreamControl(layers=["conv1", "conv2", "conv3"], layer="conv2", octaves=2, n_steps=8)
    >>> control.begin(16, sizes=[(68, 91), (96, 128)])
    >>> control.progress(11, octave=1)
    >>> control.describe()
    'conv2 (2 of 3); whole layer; 2 octaves, each 1.4 times the last; 8 steps each of 0.05; step 11 of 16'
    >>> control.finish("stopped after 11 of 16 steps")
    >>> control.running
    False
    """

    _esm = esm("dream_control")
    _css = css("dream_control")

    layers = t.List(t.Unicode()).tag(sync=True)
    """Names of the layers, from the picture to the scores.

    - Type: list of `str`
    - Default: ``[]``
    """

    notes = t.List(t.Unicode()).tag(sync=True)
    """What is told of each layer, such as what its units see.

    - Type: list of `str`, as many as there are layers, or none
    - Default: ``[]``
    """

    layer = t.Unicode("").tag(sync=True)
    """The chosen layer; another name raises TraitError.

    - Type: `str`
    - Default: the one in the middle
    """

    aim = t.Enum(tuple(AIMS), "layer").tag(sync=True)
    """What is made stronger: all channels of the layer, one of them, or likeness to another picture.

    - Type: ``"layer"``, ``"channel"`` or ``"guide"``
    - Default: ``"layer"``
    """

    channel = t.Int(0, min=0).tag(sync=True)
    """The channel, where `aim` is one.

    - Type: `int`, below `n_channels`
    - Default: ``0``
    """

    n_channels = t.Int(1, min=1).tag(sync=True)
    """How many channels the layer has.

    - Type: `int`
    - Default: ``1``
    """

    n_steps = t.Int(10).tag(sync=True)
    """Steps in each octave.

    - Type: `int`, 1 to 200
    - Default: ``10``
    """

    step_size = t.Float(0.05).tag(sync=True)
    """Size of a step, in preprocessed units of the mean pixel.

    - Type: `float`, 0.001 to 2
    - Default: ``0.05``
    """

    octaves = t.Int(4).tag(sync=True)
    """How many sizes the picture is dreamt at, from small to large.

    - Type: `int`, 1 to 8
    - Default: ``4``
    """

    octave_scale = t.Float(1.4).tag(sync=True)
    """How much larger each octave is than the one before.

    - Type: `float`, 1.1 to 3
    - Default: ``1.4``
    """

    jitter = t.Int(16).tag(sync=True)
    """By up to so many pixels the picture is moved before each step.

    - Type: `int`, 0 to 64
    - Default: ``16``
    """

    seed = t.Int(0).tag(sync=True)
    """Where chance begins; the same seed gives the same dream.

    - Type: `int`, 0 to 9999
    - Default: ``0``
    """

    size = t.Int(320).tag(sync=True)
    """Longest side of the dream, in pixels.

    - Type: `int`, 16 to 4096
    - Default: ``320``
    """

    own_size = t.Int(320, min=1).tag(sync=True)
    """Longest side of the picture as it was given: up to there the browser offers sizes, at least up to 320.

    - Type: `int`
    - Default: ``320``
    """

    compare = t.Enum(("beside", "wipe"), "beside").tag(sync=True)
    """Whether picture and dream are shown side by side, or one over the other with a border to drag.

    - Type: ``"beside"`` or ``"wipe"``
    - Default: ``"beside"``
    """

    paused = t.Bool(False).tag(sync=True)
    """Whether the running dream shall wait. It may be looked at from any thread.

    - Type: `bool`
    - Default: ``False``; so again when `running` ends
    """

    sizes = t.List(t.Tuple(t.Int(), t.Int())).tag(sync=True)
    """Height and width of each octave, drawn as little frames.

    - Type: list of (`int`, `int`)
    - Default: ``[]``
    """

    octave = t.Int(-1, min=-1).tag(sync=True)
    """Which octave is being dreamt, from 0; -1 for none.

    - Type: `int`
    - Default: ``-1``
    """

    def __init__(self, **traits: Any) -> None:
        chosen = {name: traits.pop(name) for name in ("layer", "channel") if name in traits}
        self._play: list[Callable[[], Any]] = []
        self._single, self._lock = 0, Lock()  # single steps that were asked for
        self._last = ""  # layer that could be
        super().__init__(**traits)
        for name, value in chosen.items():
            setattr(self, name, value)

    # -- work --------------------------------------------------------------------------------------

    def on_play(self, callback: Callable[[], Any]) -> None:
        """Call ``callback()`` when a dream is wanted, from its start."""
        self._play.append(callback)

    def play(self) -> None:
        """Go on if the dream is paused, or else begin one, as the button does."""
        if self.running:
            self.paused = False
        else:
            self.again()

    def again(self) -> None:
        """Begin the dream from its start, as the button does."""
        self.paused = False
        self._begin_anew()

    def step(self) -> None:
        """Take one step and wait, as the button does; from the start if no dream is running."""
        with self._lock:
            self._single += 1
        self.paused = True
        if not self.running:
            self._begin_anew()

    def stop(self) -> None:
        """Ask the running dream to stop and to stay as it is, as the button does."""
        if self.running:
            self.stopping = True

    def _begin_anew(self) -> None:
        for callback in self._play:
            callback()

    def may_go_on(self) -> bool:
        """Whether the next step may be taken now: not while it is paused, unless a single one is asked for.

        From any thread; the single step is then taken as given.
        """
        if not self.paused:
            return True
        with self._lock:
            if not self._single:
                return False
            self._single -= 1
            return True

    def begin(self, total: int, sizes: Any = None) -> None:
        """Tell that a dream starts; from any thread.

        Parameters
        ----------
        total : int
            How many steps there are.
        sizes : list of (int, int), optional
            Of the octaves.
        """
        sizes = None if sizes is None else [tuple(each) for each in sizes]
        self._reports.tell(True, done=0, total=total, sizes=sizes, octave=0, message="", running=True)

    def progress(self, done: int, total: "int | None" = None, octave: "int | None" = None) -> None:
        """Tell how far the dream is; from any thread, as often as one likes.

        The browser hears of it five times a second, and at once while the dream is paused.

        Parameters
        ----------
        done : int
            Steps done so far.
        total, octave : int, optional
            As they were if not given.
        """
        last = done == (self.total if total is None else total)
        self._reports.tell(last or self.paused, done=done, total=total, octave=octave)

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for."""
        self.error = ""  # so that the same error is news to the browser
        asked = {"play": self.play, "again": self.again, "step": self.step, "stop": self.stop}
        if content.get("kind") in asked:
            asked[content["kind"]]()

    @t.observe("running")
    def _wait_no_more(self, change: t.Bunch) -> None:
        if not change.new:
            with self._lock:
                self._single = 0
            self.paused, self.octave = False, -1

    # -- traits ------------------------------------------------------------------------------------

    @t.observe("layers")
    def _another_layer(self, change: t.Bunch) -> None:
        if self.layer not in self.layers:
            self.layer = self.layers[len(self.layers) // 2] if self.layers else ""

    @t.validate("layer")
    def _exists(self, proposal: t.Bunch) -> str:
        name = proposal.value
        if name in self.layers or not (name or self.layers):
            self._last = name
            return name
        if self.from_browser:  # may come late, from another network
            return self._last if self._last in self.layers else self.layers[len(self.layers) // 2]
        raise t.TraitError(f"there is no layer {name!r}; {nearest_names(name, self.layers)}")

    @t.validate("channel")
    def _has_channel(self, proposal: t.Bunch) -> int:
        last = self.n_channels - 1
        told = f"the layer has the channels 0 to {last}, not {proposal.value}"
        return self.within(proposal, 0, last, told)

    @t.observe("n_channels")
    def _fewer(self, change: t.Bunch) -> None:
        self.channel = min(self.channel, self.n_channels - 1)

    @t.validate(*LIMITS)
    def _has_limits(self, proposal: t.Bunch) -> float:
        return self.within(proposal, *LIMITS[proposal.trait.name])

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """What is chosen, how far the dream is, and what came of it, in words."""
        return "; ".join(self._told()) if self.layers else "DreamControl: no layers"

    def _told(self) -> list[str]:
        place = self.layers.index(self.layer) + 1
        aim = f"channel {self.channel}" if self.aim == "channel" else AIMS[self.aim]
        several = f"{self.octaves} octaves, each {self.octave_scale:g} times the last"
        told = [
            f"{self.layer} ({place} of {len(self.layers)})",
            aim,
            several if self.octaves > 1 else "1 octave",
            f"1 step of {self.step_size:g}"
            if self.n_steps == 1
            else f"{self.n_steps} steps each of {self.step_size:g}",
        ]
        if self.running:
            told.append(f"step {self.done} of {self.total}" + (", paused" if self.paused else ""))
        elif self.message:
            told.append(self.message)
        return told

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        return text_picture([[each] for each in self._told()]) if self.layers else None
