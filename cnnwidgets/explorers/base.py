"""What all explorers share: a selection, work beside the event loop, a picture for places without widgets."""

import re
from contextlib import contextmanager
from html import escape
from threading import local

import ipywidgets
from PIL import Image

from ..widgets.base import Widget, with_picture
from ..widgets.cells import end_previous_run
from .latest import Latest
from .selection import Selection


class Explorer(ipywidgets.VBox):
    """Several widgets wired to one `Selection`.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    layer : str, optional
    selection : Selection, optional
        Share the choices of another explorer; instead of the three above.
    **traits
        Traits of ``ipywidgets.VBox``, such as ``layout``.

    Raises
    ------
    TypeError
        For an unknown keyword, or a selection together with a network, image or layer.
    """

    _arguments = "network, image, layer or selection"

    def __init__(self, network=None, image=None, layer=None, selection=None, **traits):
        taken = re.findall(r"\w+", self._arguments)
        for name in [*traits, *(["image"] if image is not None else [])]:
            if not (self.has_trait(name) or name in taken):
                raise TypeError(f"{type(self).__name__} has no argument {name!r}: give {self._arguments}")
        if selection is not None and any(given is not None for given in (network, image, layer)):
            raise TypeError("give either a selection, or network, image and layer")
        self.selection = selection or Selection("toynet" if network is None else network, image, layer)
        self._latest = Latest(self.show_error)
        self._watched = []
        self._links = []
        self._hush = local()  # of each thread, as cells and what the browser sends may come in two
        super().__init__(**traits)
        self.add_class("cw-explorer")
        end_previous_run(self)

    def show_error(self, error):
        """Show an exception where the student looks; explorers say in which of their widgets."""
        next(widget for widget in self.widgets() if isinstance(widget, Widget)).show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._latest.done()

    def watch(self, callback, *names):
        """Call ``callback`` when one of these traits of the selection changes, until the explorer is closed.

        What it raises reaches whoever set the trait: a cell sees it, and a widget shows what the browser
        caused.
        """
        self.selection.observe(callback, names)
        self._watched.append((callback, names))

    @contextmanager
    def quiet(self):
        """Inside, the widgets tell neither the selection nor each other what changes in them."""
        before, self._hush.is_quiet = self._is_quiet, True
        try:
            yield
        finally:
            self._hush.is_quiet = before

    @property
    def _is_quiet(self):
        return getattr(self._hush, "is_quiet", False)

    def tell_selection(self, widget, name):
        """What a student chooses in a widget goes to the trait of the same name of the selection."""

        def tell(change):
            if not self._is_quiet and self.selection is not None:
                setattr(self.selection, name, change.new)

        widget.observe(tell, name)

    def link_in_browser(self, leader, follower, name, both_ways=False):
        """Let a trait of one widget follow that of another in the browser, without a round trip to the
        kernel.

        The kernel hears of both; what came from the browser it does not send back, which would fight the
        hand.
        """
        link = ipywidgets.jslink if both_ways else ipywidgets.jsdlink
        self._links.append(link((leader, name), (follower, name)))
        for one, other in ((leader, follower), (follower, leader))[: 2 if both_ways else 1]:
            one.observe(self._mirror(one, other), name)

    def _mirror(self, leader, follower):
        def mirror(change):
            if self._is_quiet or follower.comm is None:
                return
            if leader.from_browser:
                follower.accept(change.name, change.new)
            else:
                setattr(follower, change.name, change.new)

        return mirror

    def widgets(self):
        """All widgets inside, from the top down."""
        found, waiting = [], list(self.children)
        while waiting:
            widget = waiting.pop(0)
            found.append(widget)
            waiting[:0] = getattr(widget, "children", ())
        return found

    def describe(self):
        """What is shown, in words."""
        if self.comm is None:
            return f"{type(self).__name__} (closed)"
        return "\n".join(widget.describe() for widget in self._described())

    def _described(self):
        """The widgets of this package inside, those that describe what they show; not the parts of one."""
        found, waiting = [], list(self.children)
        while waiting:
            widget = waiting.pop(0)
            if hasattr(widget, "describe"):
                found.append(widget)
            else:
                waiting[:0] = getattr(widget, "children", ())
        return found

    def picture(self):
        """What is shown, as a picture for places where widgets do not live; None if there is nothing yet."""
        pictures = [widget.picture() for widget in self._described()]
        pictures = [picture for picture in pictures if picture is not None]
        if not pictures:
            return None
        gap = 12
        sheet = Image.new(
            "RGB", (max(p.width for p in pictures), sum(p.height + gap for p in pictures) - gap), "white"
        )
        top = 0
        for picture in pictures:
            sheet.paste(picture, (0, top))
            top += picture.height + gap
        return sheet

    def _repr_mimebundle_(self, **kwargs):
        return with_picture(self, super()._repr_mimebundle_(**kwargs) if self.comm else None)

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is None:  # closed already, or never finished
            return
        self._latest.close()
        for callback, names in self._watched:
            self.selection.unobserve(callback, names)
        self._watched = []
        for widget in [*self.widgets(), *self._links, self]:
            for part in ("layout", "style"):  # models of their own, which outlive their widget otherwise
                if getattr(widget, part, None) is not None:
                    getattr(widget, part).close()
            if widget is not self:
                widget.close()
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # ipywidgets takes it away; ours says that it is closed
        # the notebook's history (Out) keeps this object; it shall not keep a network and its pictures alive,
        # too
        self.selection = None


def headline(network):
    """A network's title, and what is to be known of it (such as random weights), as HTML."""
    note = f" <span class='cw-note'>{escape(network.note)}</span>" if network.note else ""
    return f"<b>{escape(network.title)}</b>{note}"
