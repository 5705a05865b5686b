"""Names of things that were added, each of which can be taken away."""

from collections.abc import Callable
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from .base import Widget


class NameChips(Widget):
    """A row of names with a button at each that takes it away, and one for all of them.

    Parameters
    ----------
    names : list of str
    **traits
        Any of the traits below.

    Examples
    --------
    >>> chips = NameChips(names=["cat.jpg", "my dog.png"], label="in the maps")
    >>> chips.on_remove(lambda name: print("without", name))
    >>> chips.remove("cat.jpg")
    without cat.jpg
    >>> chips.names
    ['my dog.png']
    """

    _esm = esm("name_chips")
    _css = css("name_chips")

    names = t.List(t.Unicode()).tag(sync=True)
    """The names, no two alike.

    - Type: list of `str`
    - Default: ``[]``
    """

    label = t.Unicode("").tag(sync=True)
    """What they are, such as ``"in the maps"``.

    - Type: `str`
    - Default: ``""``
    """

    empty = t.Unicode("none").tag(sync=True)
    """What is said while there are none.

    - Type: `str`
    - Default: ``"none"``
    """

    def __init__(self, **traits: Any) -> None:
        self._callbacks: list[Callable[[str], Any]] = []
        super().__init__(**traits)

    def on_remove(self, callback: Callable[[str], Any]) -> None:
        """Call ``callback(name)`` for each name that was taken away by a button or by `remove`."""
        self._callbacks.append(callback)

    def remove(self, name: str) -> None:
        """Take a name away, as its button does; one that is not there is no error."""
        if name not in self.names:  # clicked twice
            return
        self.names = [each for each in self.names if each != name]
        for callback in self._callbacks:
            callback(name)

    def receive(self, content: dict, buffers: list) -> None:
        """Do what a button asks for."""
        if content.get("kind") == "remove":
            for name in content["names"]:
                self.remove(str(name))

    @t.validate("names")
    def _no_two_alike(self, proposal: t.Bunch) -> list[str]:
        if len(set(proposal.value)) < len(proposal.value):
            raise t.TraitError(f"names must differ from each other, not {proposal.value}")
        return proposal.value

    def describe(self) -> str:
        """The names."""
        return f"{self.label or 'Names'}: {', '.join(self.names) or self.empty}"

    def picture(self) -> Image.Image | None:
        """The same; None if there are none."""
        return text_picture([[self.label, ", ".join(self.names)]]) if self.names else None
