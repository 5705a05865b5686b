"""Find units by what they fire on."""

import math
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._pictures import text_picture
from ._words import nearest_names, number
from .base import Widget


class UnitSearch(Widget):
    """A menu of parts, such as "wheel", and the units that fire on the chosen part, best first.

    The widget does no searching: observe `part`, and set `hits`.

    Parameters
    ----------
    **traits
        Any of the traits below.

    Examples
    --------
    >>> search = UnitSearch(parts=["wheel", "eye"], part="wheel")
    >>> search.hits = [dict(layer="conv5", channel=54, score=0.31), dict(layer="conv4", channel=7, score=0.2)]
    >>> search.chosen = search.hits[0]  # as if the first had been clicked
    >>> search.describe()
    'Units that fire on wheel, by IoU: conv5 · 54 (0.31, chosen), conv4 · 7 (0.20)'
    """

    _esm = esm("unit_search")
    _css = css("unit_search")

    parts = t.List(t.Unicode()).tag(sync=True)
    """What can be searched for. A chosen part that is not among new ones is given up, with its hits.

    - Type: list of `str`
    - Default: ``[]``, nothing can be searched
    """

    part = t.Unicode("").tag(sync=True)
    """The chosen part; one that does not exist raises TraitError.

    - Type: `str`, one of `parts`, or ``""`` for anything
    - Default: ``""``
    """

    hits = t.List(t.Dict()).tag(sync=True)
    """The units found, best first.

    - Type: list of dict with ``layer`` (`str`), ``channel`` (`int`) and ``score`` (`float`)
    - Default: ``[]``
    """

    chosen = t.Dict(default_value=None, allow_none=True).tag(sync=True)
    """The unit that was clicked. Its observers are called again when it is clicked a second time.

    - Type: dict with ``layer`` and ``channel``, as in `hits`, or None
    - Default: ``None``
    """

    measure = t.Unicode("IoU").tag(sync=True)
    """What the scores are.

    - Type: `str`
    - Default: ``"IoU"``, intersection over union
    """

    message = t.Unicode("").tag(sync=True)
    """A line below the menu, such as why there is nothing to search.

    - Type: `str`
    - Default: ``""``
    """

    @t.observe("parts")
    def _other_parts(self, change: t.Bunch) -> None:
        if self.part and self.part not in self.parts:
            with self.hold_sync():
                self.part, self.hits, self.chosen = "", [], None

    @t.validate("part")
    def _exists(self, proposal: t.Bunch) -> str:
        if proposal.value and proposal.value not in self.parts:
            if self.from_browser:  # may come late, when other parts are shown
                return ""
            raise t.TraitError(
                f"there is no part {proposal.value!r}; {nearest_names(proposal.value, self.parts)}"
            )
        return proposal.value

    @t.validate("hits")
    def _plain_hits(self, proposal: t.Bunch) -> list[dict]:
        return [_plain(hit) for hit in proposal.value]

    @t.validate("chosen")
    def _plain_unit(self, proposal: t.Bunch) -> "dict | None":
        return None if proposal.value is None else _plain(proposal.value)

    def mark(self, layer: str, channel: int) -> None:
        """Mark the unit that is shown elsewhere, if it is among the hits; none otherwise."""
        same = (hit for hit in self.hits if (hit["layer"], hit["channel"]) == (layer, channel))
        self.chosen = next(same, None)

    def receive(self, content: dict, buffers: list) -> None:
        """Take over a click: also one on the unit that is chosen already, as another may be shown by now."""
        if content.get("kind") == "choose":
            before, unit = self.chosen, _plain(content["unit"])
            self.chosen = unit
            if before == unit:
                self.notify_change(t.Bunch(name="chosen", old=before, new=unit, owner=self, type="change"))

    def describe(self) -> str:
        """The part, and the units that fire on it, in words."""
        if not self.parts:
            return f"UnitSearch: {self.message or 'nothing to search for'}"
        if not self.hits:
            return f"Units that fire on {self.part or 'anything'}: {self.message or 'none are listed'}"
        told = ", ".join(
            f"{hit['layer']} · {hit['channel']} ({_told(hit)}{', chosen' if self._is_chosen(hit) else ''})"
            for hit in self.hits
        )
        return f"Units that fire on {self.part or 'anything'}, by {self.measure}: {told}"

    def picture(self) -> Image.Image | None:
        """The part and the best units, with a bar for each score."""
        if not self.hits:
            return text_picture([["fires on", self.part or "anything"]])
        best = max((hit["score"] or 0 for hit in self.hits), default=0)
        hits = self.hits[:8]
        marked = next((row for row, hit in enumerate(hits) if self._is_chosen(hit)), None)
        return text_picture(
            [[f"{hit['layer']} · {hit['channel']}", _told(hit)] for hit in hits],
            marked=marked,
            shares=[max(hit["score"] or 0, 0) / (best or 1) for hit in hits],
        )

    def _is_chosen(self, hit: dict) -> bool:
        return self.chosen is not None and all(hit[key] == self.chosen[key] for key in ("layer", "channel"))


def _plain(hit: Any) -> dict:
    """A unit as JSON can carry it: numpy's numbers as Python's, an unknown score as None."""
    try:
        score = hit.get("score")
        score = None if score is None or not math.isfinite(score) else float(score)
        return {"layer": str(hit["layer"]), "channel": int(hit["channel"]), "score": score}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise t.TraitError(f"a unit needs a layer, a channel and a score; {hit!r} has not") from None


def _told(hit: dict) -> str:
    score = hit["score"]
    if score is None:
        return "unknown"
    return f"{score:.2f}".replace("-", "−") if abs(score) <= 1 else number(score)
