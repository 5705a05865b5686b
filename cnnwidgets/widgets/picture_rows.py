"""One picture, and rows of others beside it: such as its neighbours in two spaces."""

from collections.abc import Callable, Iterable
from typing import Any

import traitlets as t
from PIL import Image

from ._assets import css, esm
from ._picture_rows import PictureRow, Pictures, Tile, described_row, described_tile, rows_of, tile_of
from ._picture_rows_picture import rows_picture
from ._traits import BrowserBytes
from ._words import nearest_names, number
from .base import Widget

#: Pictures of a row that are told in words.
MOST_TOLD = 30


class PictureRows(Widget):
    """Rows of pictures, each with a label, a number and a tick or a cross; beside them the one asked for.

    How many of each row are shown, and what is told of so many, is dealt with in the browser, without asking
    the kernel. A click on a picture sets `chosen`. If the query has a number, the view says so as long as
    another picture is chosen and the rows are not yet those of that one.

    Parameters
    ----------
    rows : sequence of PictureRow or dict, optional
        Shown at once, with `query`; see `show`.
    query : Tile or dict, optional
    **traits
        Any of the traits below.

    Examples
    --------
    >>> from PIL import Image
    >>> red, blue = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    >>> near = [dict(picture=red, number=3, label="cat", value=1.25, mark=True),
    ...         dict(picture=blue, number=8, label="dog", value=2.5, mark=False)]
    >>> rows = PictureRows(
    ...     [dict(key="features", title="Feature space", tiles=near, told=["1 of 1", "1 of 2"])],
    ...     query=dict(picture=red, label="cat", source="test 5"),
    ...     k=2,
    ... )
    >>> print(rows.describe())
    Asked for: cat (test 5)
    Feature space: 1 of 2; cat 1.25 (same), dog 2.50 (other)
    >>> rows.chosen = 8  # as if the second had been clicked
    """

    _esm = esm("picture_rows")
    _css = css("picture_rows")

    title = t.Unicode("").tag(sync=True)
    """Heading.

    - Type: `str`
    - Default: ``""``
    """

    message = t.Unicode("").tag(sync=True)
    """A line under the heading.

    - Type: `str`
    - Default: ``""``
    """

    k = t.Int(10, min=1).tag(sync=True)
    """How many pictures of each row are shown, where there are so many.

    - Type: `int`, 1 or more
    - Default: ``10``
    """

    can_count = t.Bool(True).tag(sync=True)
    """Whether there is a slider for `k`; without one all pictures are shown.

    - Type: `bool`
    - Default: ``True``
    """

    chosen = t.Int(None, allow_none=True).tag(sync=True)
    """Number of the picture that was clicked last; those with that number are framed.

    - Type: `int` or None
    - Default: ``None``
    """

    groups = t.List(t.Unicode()).tag(sync=True)
    """Names of groups of pictures, such as classes, among which `group` is chosen.

    - Type: list of `str`
    - Default: ``[]``, no choice is shown
    """

    group = t.Unicode("").tag(sync=True)
    """The chosen group; whoever observes it calls `show`. A name that is not offered raises TraitError.

    - Type: `str`
    - Default: the first of `groups`
    """

    wrap = t.Bool(True).tag(sync=True)
    """Whether a row that is too long goes on in a second line; it is scrolled otherwise.

    - Type: `bool`
    - Default: ``True``
    """

    size = t.Int(84, min=24, max=240).tag(sync=True)
    """Height of a picture on the page.

    - Type: `int`, 24 to 240, in pixels of the page
    - Default: ``84``
    """

    can_upload = t.Bool(False).tag(sync=True)
    """Whether one's own pictures can be given, by a button, by dropping or by pasting; see `on_upload`.

    - Type: `bool`
    - Default: ``False``
    """

    can_draw_lots = t.Bool(False).tag(sync=True)
    """Whether there is a button that chooses one of the pictures at random.

    - Type: `bool`
    - Default: ``False``
    """

    _query = t.Dict().tag(sync=True)
    _rows = t.List(t.Dict()).tag(sync=True)
    _pictures = BrowserBytes()
    _ends = t.List(t.Int()).tag(sync=True)
    _received = t.Int(0).tag(sync=True)  # pictures of one's own that were dealt with

    def __init__(self, rows: "Iterable[Any]" = (), query: Any = None, **traits: Any) -> None:
        self._shown_rows: list[PictureRow] = []
        self._asked: Tile | None = None
        self._uploads: list[Callable] = []
        self._last_group = ""  # chosen last that could be
        group = traits.pop("group", None)
        super().__init__(**traits)
        if group is not None:
            self.group = group
        self.show(rows, query)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def rows(self) -> list[PictureRow]:
        """The rows that are shown."""
        return list(self._shown_rows)

    @property
    def query(self) -> Tile | None:
        """The picture beside the rows."""
        return self._asked

    def show(self, rows: "Iterable[Any]", query: Any = None) -> None:
        """Show rows, in place of those before.

        Parameters
        ----------
        rows : sequence of PictureRow or dict
        query : Tile or dict, optional
            Shown large, beside the rows.

        Raises
        ------
        ValueError
            If a picture is none, or two rows have the same key. What was shown stays.
        """
        rows = rows_of(rows)
        query = None if query is None else tile_of(query)
        pictures = Pictures()
        asked = {} if query is None else described_tile(query, pictures)
        described = [described_row(row, pictures) for row in rows]
        data, ends = pictures.joined
        with self.hold_sync():
            self._shown_rows, self._asked = rows, query
            self._pictures, self._ends, self._query, self._rows = data, ends, asked, described

    @property
    def most(self) -> int:
        """How many pictures the longest row has."""
        return max((len(row.tiles) for row in self._shown_rows), default=0)

    @property
    def n_shown(self) -> int:
        """How many pictures of a row are shown at most."""
        return self.k if self.can_count else self.most

    # -- what is chosen ----------------------------------------------------------------------------

    @t.observe("groups")
    def _other_groups(self, change: t.Bunch) -> None:
        if self.group not in self.groups:
            self.group = self.groups[0] if self.groups else ""

    @t.validate("group")
    def _is_group(self, proposal: t.Bunch) -> str:
        name = proposal.value
        if name in self.groups or not (name or self.groups):
            self._last_group = name
            return name
        if self.from_browser:  # it may come late
            return self._last_group if self._last_group in self.groups else next(iter(self.groups), "")
        raise t.TraitError(f"there is no group {name!r}; {nearest_names(name, self.groups)}")

    def on_upload(self, callback: "Callable[[str, bytes], Any]") -> None:
        """Call ``callback(name, data)`` with the name and the bytes of a picture that the browser has sent.

        What it raises is shown in the widget.
        """
        self._uploads.append(callback)

    def receive(self, content: dict, buffers: list) -> None:
        """Take a picture that the browser has sent."""
        if content.get("kind") != "upload":
            return
        try:
            self.error = ""  # so that the same error is news to the browser
            for callback in self._uploads:
                callback(str(content.get("name") or "your picture"), bytes(buffers[0]))
        finally:
            self._received += 1

    # -- other forms -------------------------------------------------------------------------------

    def describe(self) -> str:
        """Rows in words."""
        lines = [self.title] if self.title else []
        if self._asked is not None:
            lines.append(f"Asked for: {_told(self._asked)}")
        for row in self._shown_rows:
            n = min(self.n_shown, len(row.tiles))
            tiles = [_told(tile, brief=True) for tile in row.tiles[: min(n, MOST_TOLD)]]
            tiles += [f"{n - MOST_TOLD} more"] if n > MOST_TOLD else []
            parts = [row.message or row.told_of(self.n_shown), ", ".join(tiles)]
            lines.append(f"{row.title or row.key}: " + "; ".join(part for part in parts if part))
        return "\n".join(lines) or "PictureRows: nothing"

    def picture(self) -> Image.Image | None:
        """Rows as one picture; None if there are none."""
        if not self._shown_rows:
            return None
        return rows_picture(self._shown_rows, self._asked, self.n_shown, self.title)

    def close(self) -> None:
        """Remove the widget from all views and free its pictures, in the kernel and in the browser."""
        super().close()
        self._shown_rows, self._asked, self._uploads = [], None, []


def _told(tile: Tile, brief: bool = False) -> str:
    value = tile.value if isinstance(tile.value, str) or tile.value is None else number(tile.value)
    mark = {True: "(same)", False: "(other)", None: ""}[tile.mark]
    source = f"({tile.source})" if tile.source and not brief else ""
    words = [tile.label or ("" if source else tile.source), value, mark, source]
    return " ".join(word for word in words if word) or "a picture"
