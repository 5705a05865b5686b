"""Choose a class of a network."""

from typing import Any

import numpy as np
import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._traits import Floats
from .base import Widget


class ClassPicker(Widget):
    """The most probable classes as bars, and a search among all of them, to choose the class to explain.

    Parameters
    ----------
    classes : list of str
        Names of all classes, in the order of the network's outputs.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> picker = ClassPicker(classes=["cat", "dog", "bus"], probabilities=[0.2, 0.7, 0.1])
    >>> picker.target, picker.target_name
    (1, 'dog')
    >>> picker.target = 2
    >>> picker.follow
    False
    """

    _esm = esm("class_picker")
    _css = css("class_picker")

    classes = t.List(t.Unicode()).tag(sync=True)
    """Names of the classes. Setting them drops probabilities of another number of classes.

    - Type: list of `str`
    - Default: ``[]``
    """

    probabilities = Floats()
    """Probability of each class for the current picture; NaN where it is unknown.

    - Type: sequence, array or tensor of numbers, shape ``(n_classes,)``; kept as float32
    - Default: empty, no bars are drawn
    """

    target = t.Int(0).tag(sync=True)
    """Index of the chosen class; one that does not exist raises TraitError.

    - Type: `int`, 0 to ``n_classes - 1``
    - Default: ``0``, or the most probable class
    """

    follow = t.Bool(True).tag(sync=True)
    """Whether `target` goes to the most probable class whenever the probabilities change. Choosing another
    class ends it.

    - Type: `bool`
    - Default: ``True``
    """

    can_follow = t.Bool(True).tag(sync=True)
    """Whether the switch for `follow` is shown.

    - Type: `bool`
    - Default: ``True``
    """

    k = t.Int(5, min=1).tag(sync=True)
    """Number of classes listed as bars.

    - Type: `int`, at least 1
    - Default: ``5``
    """

    def __init__(self, **traits: Any) -> None:
        self._moving = False  # whether the target is being moved by the picker itself
        target = traits.pop("target", None)
        super().__init__(**traits)
        if target is not None:  # chosen on purpose, whatever is most probable
            self.target = target
            self.follow = traits.get("follow", False)

    @property
    def target_name(self) -> str:
        """Name of the chosen class; empty if there are no classes."""
        return self.classes[self.target] if self.classes else ""

    def show(self, probabilities: Any, classes: "list[str] | None" = None) -> None:
        """Show a prediction.

        Parameters
        ----------
        probabilities : sequence, array or tensor of numbers, shape (n_classes,)
        classes : list of str, optional
            Names of the classes, if they change as well.
        """
        with self.hold_sync():
            if classes is not None:
                self.classes = list(classes)
            self.probabilities = probabilities

    def _best(self) -> int | None:
        known = len(self.probabilities) and not np.isnan(self.probabilities).all()
        return int(np.nanargmax(self.probabilities)) if known else None

    @t.observe("classes")
    def _renamed(self, change: t.Bunch) -> None:
        with self.hold_sync():
            if len(self.probabilities) not in (0, len(self.classes)):
                self.probabilities = ()
            if self.target >= max(len(self.classes), 1):
                self.follow = True
                self._move(self._best() or 0)

    @t.observe("probabilities", "follow")
    def _go_to_best(self, change: t.Bunch) -> None:
        best = self._best()
        if self.follow and best is not None:
            self._move(best)

    @t.observe("target")
    def _stop_following(self, change: t.Bunch) -> None:
        if not self._moving and self.target != self._best():
            self.follow = False

    def _move(self, target: int) -> None:
        self._moving = True
        try:
            self.target = target
        finally:
            self._moving = False

    @t.validate("probabilities")
    def _one_for_each(self, proposal: t.Bunch) -> np.ndarray:
        if len(proposal.value) not in (0, len(self.classes)):
            raise t.TraitError(
                f"{len(proposal.value)} probabilities do not fit {len(self.classes)} classes: "
                "set the classes first"
            )
        return proposal.value

    @t.validate("target")
    def _exists(self, proposal: t.Bunch) -> int:
        n = len(self.classes)
        if proposal.value != 0 and not 0 <= proposal.value < n:
            told = f"there are 0 to {n - 1}" if n else "there are no classes yet: set classes first"
            raise t.TraitError(f"class {proposal.value} does not exist: {told}")
        return proposal.value

    def top(self) -> list[tuple[int, str, float]]:
        """Index, name and probability of the `k` most probable classes, best first."""
        best = np.argsort(
            -np.where(np.isnan(self.probabilities), -np.inf, self.probabilities), kind="stable"
        )[: self.k]
        return [(int(i), self.classes[i], float(self.probabilities[i])) for i in best]

    def describe(self) -> str:
        """The chosen class and the most probable ones in words."""
        if not self.classes:
            return "ClassPicker: no classes"
        text = f"Target: {self.target_name}"
        if top := self.top():
            text += "; most probable: " + ", ".join(
                f"{name} {probability:.1%}" for _, name, probability in top
            )
        return text

    def picture(self) -> Image.Image | None:
        """The most probable classes with their bars, the target marked."""
        top = self.top()
        if not top:
            return None
        if self.target not in [index for index, _, _ in top]:
            top.append((self.target, self.target_name, float(self.probabilities[self.target])))
        rows = [[name, f"{probability:.1%}"] for _, name, probability in top]
        marked = [index for index, _, _ in top].index(self.target)
        return text_picture(rows, marked=marked, shares=[probability for _, _, probability in top])
