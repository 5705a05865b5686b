"""One class, several, or all of them."""

from collections.abc import Sequence
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names
from .base import Widget


class ClassChoice(Widget):
    """Names of classes, of which one or several are chosen; of very many, by typing a part of the name.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> choice = ClassChoice(classes=["cat", "dog", "bus"])
    >>> choice.chosen = [2, 0]
    >>> choice.describe()
    'bus, cat'
    """

    _esm = esm("class_choice")
    _css = css("class_choice")

    classes = t.List(t.Unicode()).tag(sync=True)
    """Names of all classes. Others choose the first.

    - Type: list of `str`
    - Default: ``[]``
    """

    chosen = t.List(t.Int()).tag(sync=True)
    """Places of those that are chosen, in the order in which they were; a place that does not exist, none at
    all or too many raise TraitError.

    - Type: list of `int`
    - Default: ``[0]``, where there are classes
    """

    most = t.Int(16, min=1).tag(sync=True)
    """How many may be chosen at most.

    - Type: `int`
    - Default: ``16``
    """

    def __init__(self, **traits: Any) -> None:
        chosen = traits.pop("chosen", None)
        self._last: list[int] = []  # that could be chosen
        super().__init__(**traits)
        if chosen is not None:
            self.chosen = chosen

    @property
    def names(self) -> list[str]:
        """Names of the chosen classes."""
        return [self.classes[place] for place in self.chosen]

    @t.observe("classes")
    def _others(self, change: t.Bunch) -> None:
        self.chosen = [0] if self.classes else []

    @t.validate("chosen")
    def _exist(self, proposal: t.Bunch) -> list[int]:
        wanted, n = list(dict.fromkeys(proposal.value)), len(self.classes)
        if self.from_browser:  # it may come late
            wanted = [place for place in wanted if 0 <= place < n][: self.most]
            return self._kept(wanted or [place for place in self._last if place < n] or [0][:n])
        for place in wanted:
            if not 0 <= place < n:
                raise t.TraitError(f"there is no class {place}: there are 0 to {n - 1}")
        if n and not 1 <= len(wanted) <= self.most:
            raise t.TraitError(f"1 to {self.most} classes can be chosen, not {len(wanted)}")
        return self._kept(wanted)

    def _kept(self, chosen: list[int]) -> list[int]:
        self._last = chosen
        return chosen

    def choose(self, names: "str | Sequence[str]") -> None:
        """Choose classes by their names.

        Raises
        ------
        ValueError
            If there is no such class; names the nearest.
        """
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in self.classes:
                raise ValueError(f"there is no class {name!r}; {nearest_names(name, self.classes)}")
        self.chosen = [self.classes.index(name) for name in names]

    def describe(self) -> str:
        """The chosen classes."""
        return ", ".join(self.names) or "no classes"

    def picture(self) -> Image.Image | None:
        """The same, as a small table."""
        return text_picture([[self.describe()]]) if self.classes else None
