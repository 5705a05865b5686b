"""A picture, a change to it, and what a network says as the change grows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._change_picture import change_picture
from ._changes import FACTORS, PictureChange, percentage, top_classes
from ._traits import BrowserBytes, Floats
from .base import Widget

#: Bars under a picture.
BARS = 5


class ChangeViewer(Widget):
    """Before + change = after: two pictures that may look the same, and what a network says of each.

    The change stands between them, so many times as strong that it is seen. A slider lets it grow from
    nothing to more than itself; probabilities that were computed for that are drawn as curves, and as bars
    under the pictures. All of it happens in the browser, without asking the kernel. Several changes to the
    same picture may be shown in turn, such as one that fools a network and mere noise of the same size.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> viewer = ChangeViewer(classes=["cat", "dog"])
    >>> change = PictureChange("darker", np.full((3, 20, 30), -8), [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    >>> viewer.show(Image.new("RGB", (30, 20), "teal"), [change], scales=[0, 0.5, 1], marked=(0, 1))
    >>> print(viewer.describe())
    Before: cat 90.0 %, dog 10.0 %
    After, with 100 % of the change (darker): dog 70.0 %, cat 30.0 %
    The change: 8.00 of 255 grey levels (root mean square), 8.00 at most
    >>> viewer.scale = 0.5
    >>> viewer.after().getpixel((0, 0))
    (0, 124, 124)
    """

    _esm = esm("change_viewer")
    _css = css("change_viewer")

    classes = t.List(t.Unicode())
    """Names of all classes, in the order of the probabilities.

    - Type: list of `str`
    - Default: ``[]``
    """

    scales = Floats()
    """Shares of the change for which there are probabilities, in growing order; the first is 0, the picture
    as it was.

    - Type: sequence, array or tensor of numbers, shape ``(n,)``
    - Default: empty
    """

    scale = t.Float(1.0, min=0).tag(sync=True)
    """Share of the change that is added at the right; the nearest of `scales` is shown.

    - Type: `float`, 0 (none) to 1 (all of it) and above
    - Default: ``1.0``
    """

    chosen = t.Int(0, min=0).tag(sync=True)
    """Which of the changes is shown; one that is not there raises TraitError.

    - Type: `int`
    - Default: ``0``
    """

    automatic = t.Bool(True).tag(sync=True)
    """Whether the change is shown as strong as it is well seen.

    - Type: `bool`
    - Default: ``True``; setting `factor` ends it
    """

    factor = t.Float(10.0, min=FACTORS[0], max=FACTORS[-1]).tag(sync=True)
    """How many times as strong the change is shown, unless `automatic`; the picture after it does not change.

    - Type: `float`, 1 to 200
    - Default: ``10.0``
    """

    marked = t.Tuple(t.Int(), t.Int(), default_value=(-1, -1)).tag(sync=True)
    """The class before and the class that is wanted, which have colours of their own; -1 is none.

    - Type: tuple of two `int`
    - Default: ``(-1, -1)``
    """

    search = Floats()
    """How the change was found: for each step its size in grey levels, and 1 where it does what it shall,
    else 0. Two numbers a step, one behind the other.

    - Type: sequence, array or tensor of numbers, shape ``(2 n,)``
    - Default: empty, nothing is drawn
    """

    facts = t.List(t.List(t.Unicode(), minlen=2, maxlen=2)).tag(sync=True)
    """What else is to be said, as pairs of a name and a sentence.

    - Type: list of pairs of `str`
    - Default: ``[]``
    """

    width = t.Int(210, min=64).tag(sync=True)
    """Width of a picture.

    - Type: `int`, at least 64, in pixels of the page
    - Default: ``210``
    """

    _size = t.List(t.Int(), [0, 0]).tag(sync=True)
    _pixels = BrowserBytes()
    _values = BrowserBytes()
    _probabilities = BrowserBytes()
    _kept = t.List(t.Int()).tag(sync=True)
    _kept_names = t.List(t.Unicode()).tag(sync=True)
    _names = t.List(t.Unicode()).tag(sync=True)
    _told = t.List(t.Unicode()).tag(sync=True)
    _factors = t.List(t.Float()).tag(sync=True)
    _offered = t.List(t.Float(), list(FACTORS)).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self._picture: np.ndarray | None = None
        self._changes: list[PictureChange] = []
        super().__init__(**traits)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def changes(self) -> list[PictureChange]:
        """The changes that can be chosen."""
        return list(self._changes)

    def show(
        self,
        picture: Any,
        changes: Sequence[PictureChange],
        scales: Any = (0, 1),
        marked: tuple[int, int] = (-1, -1),
    ) -> None:
        """Show a picture and changes to it.

        Parameters
        ----------
        picture : PIL image, or array of uint8 with shape (H, W, 3)
        changes : sequence of `PictureChange`
            At least one; with probabilities of `classes` for each of `scales`.
        scales, marked
            See the traits.

        Raises
        ------
        ValueError
            If the sizes do not fit each other. What was shown stays.
        """
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.asarray(picture))
        pixels, scales, changes = np.asarray(image.convert("RGB")), np.asarray(scales), list(changes)
        self._check(pixels, changes, scales)
        rows = [each.probabilities for each in changes]
        kept = top_classes(rows, BARS, [each for each in marked if each >= 0])
        with self.hold_sync():
            self._picture, self._changes = pixels, changes
            self.chosen = min(self.chosen, len(changes) - 1)
            self._size, self._pixels = list(pixels.shape[:2]), pixels.tobytes()
            self._values = np.stack([each.values for each in changes]).tobytes()
            self._kept, self._kept_names = kept, [self.classes[each] for each in kept]
            self._probabilities = np.stack([each[:, kept] for each in rows]).tobytes()
            self._names, self._told = [each.name for each in changes], [each.told() for each in changes]
            self._factors = [float(each.factor) for each in changes]
            self.scales, self.marked = scales, marked

    def clear(self) -> None:
        """Show nothing."""
        with self.hold_sync():
            self._picture, self._changes = None, []
            self._size = [0, 0]
            self._pixels = self._values = self._probabilities = b""
            self._kept, self._kept_names, self._names, self._told, self._factors = [], [], [], [], []
            self.scales, self.search, self.facts, self.marked = (), (), [], (-1, -1)

    def _check(self, pixels: np.ndarray, changes: list[PictureChange], scales: np.ndarray) -> None:
        if not changes:
            raise ValueError("there is no change to show: give at least one")
        if scales.ndim != 1 or len(scales) < 2 or not (np.diff(scales) > 0).all() or scales[0] != 0:
            raise ValueError(
                "scales are two numbers or more, the first one 0, each larger than the one before"
            )
        for each in changes:
            if each.values.shape[1:] != pixels.shape[:2]:
                raise ValueError(
                    f"a change of {each.values.shape[1]} × {each.values.shape[2]} pixels does not fit a "
                    f"picture of {pixels.shape[0]} × {pixels.shape[1]}"
                )
            wanted = len(scales), len(self.classes)
            if each.probabilities is None or each.probabilities.shape != wanted:
                raise ValueError(
                    f"probabilities of {wanted[0]} scales and {wanted[1]} classes have the shape {wanted}, "
                    f"not {np.shape(each.probabilities)}"
                )

    @property
    def shown_factor(self) -> float:
        """How many times as strong the change is shown just now."""
        return self._factors[self.chosen] if self.automatic and self._factors else self.factor

    def after(self) -> Image.Image | None:
        """The picture with the present share of the change; values beyond black and white are cut off."""
        if self._picture is None:
            return None
        values = self._changes[self.chosen].values.transpose(1, 2, 0)
        changed = self._picture + float(self.scales[self._place()]) * values
        return Image.fromarray(np.clip(np.floor(changed + 0.5), 0, 255).astype(np.uint8))

    def magnified(self) -> Image.Image | None:
        """The change, `shown_factor` times as strong, around mid-grey."""
        if self._picture is None:
            return None
        values = self._changes[self.chosen].values.transpose(1, 2, 0)
        shown = np.floor(128 + self.shown_factor * values + 0.5)
        return Image.fromarray(np.clip(shown, 0, 255).astype(np.uint8))

    def top(self, place: int | None = None) -> list[tuple[int, str, float]]:
        """Index, name and probability of the most probable classes.

        Parameters
        ----------
        place : int, optional
            Which of `scales`; that of `scale` if not given.
        """
        if self._picture is None:
            return []
        row = self._changes[self.chosen].probabilities[self._place() if place is None else place]
        best = np.argsort(-np.nan_to_num(row, nan=-1), kind="stable")[:BARS]
        return [(int(each), self.classes[each], float(row[each])) for each in best]

    def _place(self) -> int:
        return int(np.abs(self.scales - self.scale).argmin())

    @t.validate("chosen")
    def _exists(self, proposal: t.Bunch) -> int:
        n = max(len(self._changes), 1)
        if proposal.value >= n:
            if self.from_browser:  # may come late
                return min(self.chosen, n - 1)
            raise t.TraitError(f"change {proposal.value} does not exist: there are 0 to {n - 1}")
        return proposal.value

    @t.observe("factor")
    def _by_hand(self, change: t.Bunch) -> None:
        self.automatic = False

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        super().close()
        self._picture, self._changes = None, []

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """Both predictions, the size of the change, and the facts, in words."""
        if self._picture is None:
            return "ChangeViewer: no picture"
        change = self._changes[self.chosen]
        share = f"{100 * float(self.scales[self._place()]):.0f} %"
        lines = [
            f"Before: {_told(self.top(0))}",
            f"After, with {share} of the change ({change.name}): {_told(self.top())}",
            f"The change: {change.told()}",
        ]
        return "\n".join([*lines, *(f"{name}: {text}" for name, text in self.facts)])

    def picture(self) -> Image.Image | None:
        """Before, change and after, with the most probable classes, and the facts."""
        return None if self._picture is None else change_picture(self)


def _told(top: list[tuple[int, str, float]]) -> str:
    return ", ".join(f"{name} {percentage(probability)}" for _, name, probability in top[:3])
