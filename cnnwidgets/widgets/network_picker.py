"""Choose networks, also such as are not on this machine."""

from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names
from .base import Widget

#: End of the entry of `NetworkPicker.chosen` that stands for a network with random weights.
RANDOM = ":random"


class NetworkPicker(Widget):
    """A list of networks, of which several may be chosen.

    One whose weights are not on this machine is listed too, greyed, with what it takes to get them; it can
    be chosen with random weights, as ``"<name>:random"``, so that nobody takes them for learned ones.

    Parameters
    ----------
    options : list of dict
        See the trait.
    **traits
        Any of the traits below.

    Examples
    --------
    >>> picker = NetworkPicker(
    ...     options=[
    ...         dict(name="toynet", title="toynet"),
    ...         dict(name="alexnet", title="AlexNet", available=False, note="233 MB, not on this machine"),
    ...     ],
    ...     chosen=["toynet"],
    ... )
    >>> picker.chosen = ["toynet", "alexnet:random"]
    >>> picker.describe()
    'Networks: toynet, AlexNet (untrained)'
    """

    _esm = esm("network_picker")
    _css = css("network_picker")

    options = t.List(t.Dict()).tag(sync=True)
    """The networks. Each is a dict with

    - ``name`` (`str`): what `chosen` calls it; without ``":"`` in it
    - ``title`` (`str`): what is shown; ``name`` if not given
    - ``available`` (`bool`): whether its weights are on this machine; True if not given
    - ``note`` (`str`): a line under the title, such as what it takes to get the weights; what stands
      between backticks, and calls such as ``cw.load('alexnet')``, are set as code
    - ``untrained`` (`bool`): whether its weights are random; False if not given

    - Type: list of dict
    - Default: ``[]``
    """

    chosen = t.List(t.Unicode()).tag(sync=True)
    """Names of the chosen networks, in the order in which they were chosen; with ``":random"`` for random
    weights. A name that is not among the options, or not available, raises TraitError.

    - Type: list of `str`
    - Default: ``[]``
    """

    label = t.Unicode("networks").tag(sync=True)
    """Heading.

    - Type: `str`
    - Default: ``"networks"``
    """

    def __init__(self, **traits: Any) -> None:
        chosen = traits.pop("chosen", None)
        super().__init__(**traits)
        if chosen is not None:  # only right once there are options
            self.chosen = chosen

    def option(self, entry: str) -> dict:
        """The option that an entry of `chosen` stands for.

        Parameters
        ----------
        entry : str
            Such as ``"alexnet"`` or ``"alexnet:random"``.

        Returns
        -------
        dict

        Raises
        ------
        KeyError
            If there is none.
        """
        name = entry.removesuffix(RANDOM)
        for option in self.options:
            if option["name"] == name:
                return option
        raise KeyError(f"there is no network {name!r}; {nearest_names(name, self._names())}")

    def _names(self) -> list[str]:
        return [option["name"] for option in self.options]

    @t.validate("options")
    def _complete(self, proposal: t.Bunch) -> list[dict]:
        options, names = [], set()
        for option in proposal.value:
            name = option.get("name")
            if not isinstance(name, str) or not name or ":" in name or name in names:
                raise t.TraitError(
                    f"each option needs a name of its own, a text without ':'; {option!r} has none"
                )
            unknown = set(option) - {"name", "title", "available", "note", "untrained"}
            if unknown:
                raise t.TraitError(
                    f"an option has name, title, available, note and untrained, not {sorted(unknown)[0]!r}"
                )
            names.add(name)
            options.append(
                {
                    "name": name,
                    "title": str(option.get("title") or name),
                    "available": bool(option.get("available", True)),
                    "note": str(option.get("note") or ""),
                    "untrained": bool(option.get("untrained", False)),
                }
            )
        return options

    @t.observe("options")
    def _drop(self, change: t.Bunch) -> None:
        self.chosen = [entry for entry in self.chosen if not self._wrong(entry)]

    @t.validate("chosen")
    def _choosable(self, proposal: t.Bunch) -> list[str]:
        entries = list(dict.fromkeys(proposal.value))
        if self.from_browser:  # may come late, from options that are no longer there
            return [entry for entry in entries if not self._wrong(entry)]
        for entry in entries:
            if wrong := self._wrong(entry):
                raise t.TraitError(wrong)
        return entries

    def _wrong(self, entry: str) -> str:
        try:
            option = self.option(entry)
        except KeyError as error:
            return error.args[0]
        if option["available"] or entry.endswith(RANDOM):
            return ""
        told = f" ({option['note']})" if option["note"] else ""
        return f"{entry!r} is not available{told}; choose {entry + RANDOM!r} for random weights"

    def told(self, entry: str) -> str:
        """An entry of `chosen` as people read it: ``"AlexNet (untrained)"``.

        Parameters
        ----------
        entry : str

        Returns
        -------
        str
        """
        option = self.option(entry)
        return option["title"] + (" (untrained)" if entry.endswith(RANDOM) or option["untrained"] else "")

    def describe(self) -> str:
        """The chosen networks in words."""
        chosen = ", ".join(map(self.told, self.chosen)) or "none chosen"
        return f"{self.label[:1].upper()}{self.label[1:]}: {chosen}"

    def picture(self) -> Image.Image | None:
        """The networks as a table, the chosen ones with a tick."""
        if not self.options:
            return None
        rows = []
        for option in self.options:
            entries = [name for name in self.chosen if name.removesuffix(RANDOM) == option["name"]]
            rows.append(
                ["x" if entries else "", self.told((entries or [option["name"]])[-1]), option["note"]]
            )
        return text_picture(rows)
