"""How an image ascends: what is changed in each step, and what keeps it an image."""

from typing import Any, NamedTuple

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names, number
from .base import Widget

RATES = {"plain": 1.0, "normalised": 0.1, "adam": 0.05}
"""Optimisers, and the size of a step that each begins with."""
SPACES = ("pixels", "fourier")


class AscentSettings(NamedTuple):
    """Everything that can be changed while an image ascends; 0 switches each of the regularisers off."""

    optimiser: str = "normalised"
    space: str = "pixels"
    rate: float = 0.1
    l2: float = 0.0
    variation: float = 0.0
    decay: float = 0.0
    sigma: float = 0.0
    every: int = 4
    clip_norm: float = 0.0
    clip_contribution: float = 0.0
    jitter: int = 0
    scale: float = 0.0
    rotation: float = 0.0


PRESETS = {
    "none (noise)": (
        AscentSettings(),
        "Nothing keeps the image an image: the score shoots up, in garish colours and fine noise.",
    ),
    "L2 only (Simonyan)": (
        AscentSettings(l2=0.01),
        "Score minus λ times the squared norm, as in the paper of 2014: shapes appear, of fine lines.",
    ),
    "Yosinski": (
        AscentSettings(decay=0.01, sigma=0.5, every=4, clip_norm=20, clip_contribution=20),
        "As in the paper of 2015: shrink, blur now and then, set weak and useless pixels to zero.",
    ),
    "robust": (
        AscentSettings(decay=0.01, sigma=0.7, every=2, clip_norm=30, jitter=4, scale=0.1, rotation=5),
        "It must also work when the image is moved, scaled and turned a little: the clearest images.",
    ),
}
"""Settings with a name, and what they do in a sentence."""

LIMITS = {
    "rate": (0.0, 1e6), "l2": (0.0, 1e6), "variation": (0.0, 1e6), "decay": (0.0, 1.0), "sigma": (0.0, 20.0),
    "every": (1, 1000), "clip_norm": (0.0, 100.0), "clip_contribution": (0.0, 100.0), "jitter": (0, 100),
    "scale": (0.0, 0.9), "rotation": (0.0, 180.0),
}  # fmt: skip


class AscentControl(Widget):
    """Settings of an ascent on an image: a preset by its name, and a slider for each of its parts.

    The control computes nothing: observe `settings`.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> control = AscentControl()
    >>> control.preset, control.settings.jitter
    ('robust', 4)
    >>> control.jitter = 0
    >>> control.preset
    ''
    >>> control.preset = "none (noise)"
    >>> control.describe()
    'none (noise): normalised steps of 0.100 in pixels'
    """

    _esm = esm("ascent_control")
    _css = css("ascent_control")

    title = t.Unicode("").tag(sync=True)
    """Heading, such as ``"A"``.

    - Type: `str`
    - Default: ``""``
    """

    preset = t.Unicode("robust").tag(sync=True)
    """Name of the settings, of those in `PRESETS`; setting it changes all others. Another name raises
    TraitError.

    - Type: `str`; ``""`` for settings of one's own
    - Default: ``"robust"``
    """

    optimiser = t.Enum(tuple(RATES), "normalised").tag(sync=True)
    """Steps along the gradient, along the gradient divided by its size, or as Adam takes them. Another one
    begins with a `rate` of its own.

    - Type: ``"plain"``, ``"normalised"`` or ``"adam"``
    - Default: ``"normalised"``
    """

    space = t.Enum(SPACES, "pixels").tag(sync=True)
    """What is changed: the pixels, or independent frequencies and colours.

    - Type: ``"pixels"`` or ``"fourier"``
    - Default: ``"pixels"``
    """

    rate = t.Float(0.1).tag(sync=True)
    """Size of a step.

    - Type: `float`, 0 or more
    - Default: ``0.1``
    """

    l2 = t.Float(0.0).tag(sync=True)
    """Weight of the squared norm of the image, which is subtracted.

    - Type: `float`, 0 (off) or more
    - Default: ``0.0``
    """

    variation = t.Float(0.0).tag(sync=True)
    """Weight of the total variation of the image, which is subtracted.

    - Type: `float`, 0 (off) or more
    - Default: ``0.0``
    """

    decay = t.Float(0.01).tag(sync=True)
    """How much the image shrinks towards the mean after each step.

    - Type: `float`, 0 (off) to 1
    - Default: ``0.01``
    """

    sigma = t.Float(0.7).tag(sync=True)
    """Standard deviation of the Gaussian blur.

    - Type: `float`, 0 (off) to 20, in pixels of the image
    - Default: ``0.7``
    """

    every = t.Int(2).tag(sync=True)
    """After how many steps it is blurred.

    - Type: `int`, 1 or more
    - Default: ``2``
    """

    clip_norm = t.Float(30.0).tag(sync=True)
    """Share of the pixels that become zero after each step, those of the least norm.

    - Type: `float`, 0 (off) to 100, in per cent
    - Default: ``30.0``
    """

    clip_contribution = t.Float(0.0).tag(sync=True)
    """Share of the pixels that become zero after each step, those that contribute least.

    - Type: `float`, 0 (off) to 100, in per cent
    - Default: ``0.0``
    """

    jitter = t.Int(4).tag(sync=True)
    """By how many pixels the image is moved at random before the network looks at it, at most.

    - Type: `int`, 0 (off) or more
    - Default: ``4``
    """

    scale = t.Float(0.1).tag(sync=True)
    """By what share it is made smaller or larger at random, at most.

    - Type: `float`, 0 (off) to 0.9
    - Default: ``0.1``
    """

    rotation = t.Float(5.0).tag(sync=True)
    """By how many degrees it is turned at random, at most.

    - Type: `float`, 0 (off) to 180
    - Default: ``5.0``
    """

    settings = t.Instance(AscentSettings)
    """All of them together; changes once however many of them do. It may be looked at from any thread, and
    set.

    - Type: `AscentSettings`
    - Default: those of ``"robust"``
    """

    _presets = t.List(t.List(t.Unicode()), [[name, told] for name, (_, told) in PRESETS.items()]).tag(
        sync=True
    )

    def __init__(self, **traits: Any) -> None:
        self._is_filling = True
        super().__init__()
        self.settings = PRESETS["robust"][0]
        self._is_filling = False
        first = {name: traits.pop(name) for name in ("settings", "preset", "optimiser") if name in traits}
        for name, value in {**first, **traits}.items():
            if not self.has_trait(name):
                raise TypeError(
                    f"AscentControl has no trait {name!r}; {nearest_names(name, self.trait_names())}"
                )
            setattr(self, name, value)

    # -- everything agrees -------------------------------------------------------------------------

    @t.observe(*AscentSettings._fields, "preset", "settings")
    def _agree(self, change: t.Bunch) -> None:
        if self._is_filling:
            return
        if change.name == "preset":
            if change.new:
                self._fill(PRESETS[change.new][0])
            return
        if change.name == "settings":
            self._fill(change.new)
            return
        if change.name == "optimiser":
            self._fill(self._now()._replace(rate=RATES[change.new]))
        else:
            self._fill(self._now())

    def _now(self) -> AscentSettings:
        return AscentSettings(*(getattr(self, name) for name in AscentSettings._fields))

    def _fill(self, settings: AscentSettings) -> None:
        """All traits from these settings, with one change of `settings`."""
        self._is_filling = True
        try:
            with self.hold_sync():
                for name, value in settings._asdict().items():
                    setattr(self, name, value)
                self.preset = next((name for name, (each, _) in PRESETS.items() if each == settings), "")
                self.settings = settings
        finally:
            self._is_filling = False

    @t.validate("preset")
    def _is_preset(self, proposal: t.Bunch) -> str:
        if proposal.value and proposal.value not in PRESETS:
            raise t.TraitError(
                f"there are no settings {proposal.value!r}; {nearest_names(proposal.value, list(PRESETS))}"
            )
        return proposal.value

    @t.validate("settings")
    def _are_within(self, proposal: t.Bunch) -> AscentSettings:
        for name, value in proposal.value._asdict().items():
            self.traits()[name].validate(self, value)  # of the right kind, and one that there is
        for name, (least, most) in LIMITS.items():
            if not least <= getattr(proposal.value, name) <= most:
                limits = f"{least:,.9g} to {most:,.9g}"
                raise t.TraitError(f"{name} must be {limits}, not {getattr(proposal.value, name)}")
        return proposal.value

    @t.validate(*LIMITS)
    def _has_limits(self, proposal: t.Bunch) -> float:
        return self.within(proposal, *LIMITS[proposal.trait.name])

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """The settings in words: those that are not off."""
        head = ", ".join(part for part in (self.title, self.preset or "settings of your own") if part)
        return f"{head}: {told_settings(self.settings)}"

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        head = ", ".join(part for part in (self.title, self.preset or "settings of your own") if part)
        return text_picture([[head], *([part] for part in _parts(self.settings))])


def told_settings(settings: AscentSettings) -> str:
    """Settings in words.

    Examples
    --------
    >>> told_settings(AscentSettings(l2=0.01, jitter=4))
    'normalised steps of 0.100 in pixels, L2 penalty 0.0100, jitter 4 pixels'
    """
    return ", ".join(_parts(settings))


def _parts(settings: AscentSettings) -> list[str]:
    s = settings
    name = {"adam": "Adam"}.get(s.optimiser, s.optimiser)
    parts = [f"{name} steps of {number(s.rate)} in {'pixels' if s.space == 'pixels' else 'frequencies'}"]
    often = f" every {s.every} steps" if s.every > 1 else ""
    told = {
        "L2 penalty {}": s.l2 and number(s.l2),
        "total variation {}": s.variation and number(s.variation),
        "decay {}": s.decay and number(s.decay),
        "blur {} pixels" + often: s.sigma and f"{s.sigma:g}",
        "clip norm {} %": s.clip_norm and f"{s.clip_norm:g}",
        "clip contribution {} %": s.clip_contribution and f"{s.clip_contribution:g}",
        "jitter {} pixels": s.jitter,
        "scale ±{} %": s.scale and f"{100 * s.scale:g}",
        "rotation ±{}°": s.rotation and f"{s.rotation:g}",
    }
    return parts + [text.format(value) for text, value in told.items() if value]
