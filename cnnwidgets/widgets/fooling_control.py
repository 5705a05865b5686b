"""How sure a network shall be of the wrong class, and how far the search for that is."""

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._long_work import LongWork
from ._pictures import text_picture


class FoolingControl(LongWork):
    """A slider for the probability that a wrong class shall have, and a button that stops the search.

    The control computes nothing: observe its traits, and tell it how far the work is with `begin`, `progress`
    and `finish`. Whoever works looks at `stopping` after each step.

    Parameters
    ----------
    **traits
        Any of the traits below, and of ``running``, ``stopping``, ``done`` and ``total`` (steps) and
        ``message`` (what came of it).

    Examples
    --------
    >>> control = FoolingControl(confidence=0.5)
    >>> control.begin(50)
    >>> control.progress(12, message="boat 31.0 %")
    >>> control.describe()
    'Wanted: 50 %; step 12, boat 31.0 %'
    >>> control.finish("found in 23 steps")
    >>> control.describe()
    'Wanted: 50 %; found in 23 steps'
    """

    _esm = esm("fooling_control")
    _css = css("fooling_control")

    confidence = t.Float(0.9).tag(sync=True)
    """Probability that the wrong class shall have at least; 0 where it need only be the most probable one.

    - Type: `float`, 0 to 0.999
    - Default: ``0.9``
    """

    def begin(self, total: int = 0) -> None:
        """Tell that a search starts, or starts again; from the event loop.

        Parameters
        ----------
        total : int
            How many steps there are; 0 if that is not known.
        """
        self._begin(total)

    def stop(self) -> None:
        """Ask the running search to stop and to keep what it has, as the button does."""
        if self.running:
            self.stopping = True

    def receive(self, content: dict, buffers: list) -> None:
        """Do what the button asks for."""
        if content.get("kind") == "stop":
            self.stop()

    @t.validate("confidence")
    def _is_probability(self, proposal: t.Bunch) -> float:
        if not 0 <= proposal.value <= 0.999:
            raise t.TraitError(f"confidence is a probability from 0 to 0.999, not {proposal.value:g}")
        return proposal.value

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """What is wanted, how far the search is, and what came of it, in words."""
        return "; ".join(f"{name}: {text}" if name else text for name, text in self._rows())

    def _rows(self) -> list[list[str]]:
        wanted = f"{100 * self.confidence:g} %" if self.confidence else "more than any other class"
        news = [f"step {self.done}"] if self.running else []
        told = ", ".join([*news, *([self.message] if self.message else [])])
        return [["Wanted", wanted], *([["", told]] if told else [])]

    def picture(self) -> Image.Image:
        """The same, as a small table."""
        return text_picture(self._rows())
