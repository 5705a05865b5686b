"""Numbers and selected pictures of maps, as HTML in plain words."""

from base64 import b64encode
from collections import Counter
from html import escape
from math import isnan

from ..render import jpeg_bytes, square_thumbnail

STRIP = 24
"""Most pictures of a selection that are shown."""
SIDE = 52
HINTS = {
    "of the same class": "share of the nearest neighbours that are of the same class",
    "mean colours differ by": "mean red, green and blue of neighbours are so far apart, of 255",
    "kept in the map": "share of the nearest neighbours in the space that are so in the map",
    "trustworthiness": "whether neighbours in the map are near in the space, too: 1 if all are",
}
STYLE = """<style>
.cw-map-numbers { border-collapse: collapse; font-size: 12px; line-height: 1.5; }
.cw-map-numbers th, .cw-map-numbers td { padding: 1px 12px 1px 0; text-align: right; font-weight: normal;
  white-space: nowrap; }
.cw-map-numbers th { color: var(--jp-ui-font-color2, #616161); }
.cw-map-numbers th:first-child { text-align: left; white-space: normal; }
.cw-map-numbers tbody th { color: inherit; }
.cw-map-strip { display: flex; flex-wrap: wrap; gap: 4px 6px; margin-top: 4px; line-height: 1.3; }
.cw-map-strip figure { margin: 0; width: 60px; }
.cw-map-strip img { width: 52px; height: 52px; border-radius: 3px; display: block; margin: 0 auto; }
.cw-map-strip figcaption { font-size: 11px; text-align: center; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
</style>"""


def number_rows(numbers):
    """What is told of a map: rows of a name, its value in the space, in the map, and by chance."""
    rows = []
    if numbers.same_class is not None:
        rows.append(("of the same class", *map(percent, numbers.same_class)))
    rows.append(("mean colours differ by", *(f"{each:.0f}" for each in numbers.colour)))
    rows.append(("kept in the map", "", percent(numbers.kept), percent(numbers.k / (numbers.n - 1))))
    if numbers.trust is not None:
        told = "…" if isnan(numbers.trust) else f"{numbers.trust:.2f}"
        rows.append(("trustworthiness", "", told, ""))
    return rows


def numbers_html(numbers, n_pictures):
    """The numbers of a map as a table."""
    rows = "".join(
        f"<tr title='{HINTS[name]}'><th scope='row'>{name}</th>"
        + "".join(f"<td>{each}</td>" for each in cells)
        + "</tr>"
        for name, *cells in number_rows(numbers)
    )
    of = "" if numbers.n == n_pictures else f", {numbers.n:,} pictures drawn at random"
    head = (
        f"<tr><th>{numbers.k} nearest neighbours{of}</th><th scope='col'>in the space</th>"
        "<th scope='col'>in the map</th><th scope='col'>by chance</th></tr>"
    )
    return f"{STYLE}<table class='cw-map-numbers'><thead>{head}</thead><tbody>{rows}</tbody></table>"


def told_numbers(numbers):
    """The same in a line."""
    told = []
    for name, *values in number_rows(numbers):
        where = (" in the space", " in the map" if values[0] else "", " by chance")
        values = [f"{value}{place}" for value, place in zip(values, where, strict=True) if value]
        told.append(f"{name} {', '.join(values)}")
    return f"of the {numbers.k} nearest neighbours {'; '.join(told)}"


def percent(share):
    """0.123 as "12 %"; a small share with a digit more."""
    return f"{share:.1%}".replace("%", " %") if 0 < share < 0.0995 else f"{share:.0%}".replace("%", " %")


def counted(classes):
    """How many of which class, the most frequent first.

    Examples
    --------
    >>> counted(["cat", "bird", "cat"])
    '2 cat, 1 bird'
    """
    return ", ".join(f"{count} {name}" for name, count in Counter(classes).most_common())


def own_html(landed, pictures):
    """Beside which pictures those of one's own have landed."""
    told = []
    for own, neighbours in zip(landed.pictures, landed.neighbours, strict=True):
        names = [pictures.names[label] if label >= 0 else "" for label in pictures.labels[neighbours]]
        beside = counted(each for each in names if each) or counted(pictures.sources[i] for i in neighbours)
        told.append(
            f"<b>{escape(own.name)}</b>: its {len(neighbours)} nearest in this space are {escape(beside)}"
        )
    return f"<div style='font-size: 12px; line-height: 1.5'>{'<br>'.join(told)}</div>"


def strip_words(classes):
    """How many pictures are selected, and of which classes."""
    n = len(classes)
    if not n:
        return ""
    told = f"{n:,} picture{'s' if n > 1 else ''} selected"
    named = [each for each in classes if each]
    return f"{told}: {counted(named)}" if named else told


def strip_html(items):
    """Selected pictures.

    Parameters
    ----------
    items : list of (PIL image, str, str)
        A thumbnail, its class or "", and what it is called.
    """
    if not items:
        return (
            "<span style='opacity: 0.7'>Choose the lasso above a map and draw around some points, or click "
            "one: the pictures are listed here.</span>"
        )
    figures = "".join(_figure(*item) for item in items[:STRIP])
    rest = f"<figure>… and {len(items) - STRIP:,} more</figure>" if len(items) > STRIP else ""
    words = escape(strip_words([name for _, name, _ in items]))
    return f"{STYLE}<div><b>{words}</b><div class='cw-map-strip'>{figures}{rest}</div></div>"


def _figure(picture, name, source):
    data = b64encode(jpeg_bytes(square_thumbnail(picture.convert("RGB"), SIDE))).decode("ascii")
    alt = escape(", ".join(text for text in (name, source) if text), quote=True)
    return (
        f"<figure title='{alt}'><img alt='{alt}' src='data:image/jpeg;base64,{data}'>"
        f"<figcaption>{escape(name or source)}</figcaption></figure>"
    )
