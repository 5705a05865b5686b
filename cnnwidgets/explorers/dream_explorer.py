"""DeepDream: whatever a layer sees in a picture grows, from small strokes to whole things."""

import ipywidgets
from PIL import Image

from ..core import LayerError
from ..core.ascent.dream import octave_sizes
from ..widgets import DreamControl, ImagePicker, StepViewer, Wipe, ZoomFilm
from ..widgets._progress import running_loop
from .alone import alone
from .base import Explorer, headline
from .dream_picture import Wanted, dream_samples, fitted, layers_of, note_of, usual_layer
from .dream_runs import Begun, Film, Look, Stage, dream_looks, film_news
from .one_class import same, titled
from .progressive import Progressive

ANOTHER = ["size", "octaves", "octave_scale", "seed"]
"""Settings that make another dream; the others act on the one that runs."""


class DreamExplorer(Explorer):
    """A picture, a layer, and what grows where the layer detects something.

    Play, and watch the dream grow beside the picture; move the layer, and it begins anew. Steps, their size
    and the jitter act on the dream that runs. A film falls into the dream: each picture is enlarged from the
    last one, and dreamt upon.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    image : anything that ``cnnwidgets.data.read_image`` takes, optional
        The first sample if not given.
    layer : str, optional
        One that suits the network if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of the three above.
    samples : mapping of name to picture, optional
        The gallery; the samples that come with the package if not given.

    Raises
    ------
    LayerError
        If no layer of the network has maps.

    Attributes
    ----------
    images, guides : ImagePicker
        Of the picture, and of the one that guides the dream.
    control : DreamControl
        ``explorer.control.play()`` does what its button does.
    viewer, wipe : StepViewer, Wipe
        The picture and the dream, side by side with all earlier steps, or one over the other.
    film : ZoomFilm
        The film as bytes, once it is made: ``explorer.film.gif`` and ``explorer.film.mp4``.
    dream : Dream or None
        The present one, of ``cnnwidgets.core``; it goes on in another thread.
    image : PIL image or None
        What has been dreamt so far.
    selection : Selection
        All choices; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = DreamExplorer("toynet", layer="conv2")
    >>> explorer.control.size, explorer.control.octaves, explorer.control.n_steps = 64, 2, 2
    >>> explorer.control.play()
    >>> explorer.image.size, explorer.control.message[:7]
    ((64, 43), '4 steps')
    """

    def __init__(self, network=None, image=None, layer=None, selection=None, samples=None, **traits):
        super().__init__(network, image, layer, selection, **traits)
        self._is_usual_layer = layer is None and selection is None
        self._work = Progressive(self._fail)
        self._network = None  # whose layers are in the menu
        self._asked = None  # the newest request
        self._is_dreaming = self._is_filming = False  # the widgets hear of an end a little later
        self._is_live = False  # whether another layer shall be dreamt at once
        self._begun = self._look = None  # what is shown
        gallery = dream_samples() if samples is None else samples
        self.title = ipywidgets.HTML()
        self.images = ImagePicker(gallery, layout=ipywidgets.Layout(flex="1 1 360px", min_width="260px"))
        self.guides = ImagePicker(gallery, index=min(1, len(gallery) - 1))  # not the picture itself
        self._guiding = titled("guided by", self.guides, display="none")
        self.control = DreamControl()
        self.viewer = StepViewer(titles=["picture", "dream"], width=380, file_name="dream", can_select=True)
        self.wipe = Wipe(titles=("picture", "dream"), width=620, layout=ipywidgets.Layout(display="none"))
        self.film = ZoomFilm()
        top = ipywidgets.HBox(
            [self.images, self._guiding], layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 18px")
        )
        top.add_class("cw-explorer-top")
        heading = ipywidgets.HTML("<b>Fall into it: a film</b>")
        self.children = [self.title, top, self.control, self.viewer, self.wipe, heading, self.film]
        self._start()

    def _start(self):
        try:
            if self.selection.image is None:
                self.selection.image = self.images.image
            else:
                self.images.image = self.selection.image
            self._show_network()
            self._show_picture()
        except BaseException:
            self.close()
            raise
        self.control.on_play(self._play)
        self.film.on_make(self._make_film)
        self.tell_selection(self.images, "image")
        self.tell_selection(self.control, "layer")
        self.control.observe(self._choose_channel, "channel")
        self.control.observe(self._choose_aim, "aim")
        self.control.observe(self._change, ANOTHER)
        self.control.observe(self._show_compared, "compare")
        self.guides.observe(self._choose_guide, "image")
        self.watch(self._show_network, "network", "layer")
        self.watch(self._show_channel, "channel")
        self.watch(self._show_image, "image")

    def show_error(self, error):
        """Show an exception above the settings."""
        self.control.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``.

        A dream that is paused goes on.
        """
        self.control.paused = False  # a cell that waits may keep the button from being heard
        await self._work.done()
        await super().done()

    @property
    def dream(self):
        """The present dream, or the last one, as `deep_dream` gives it; None before the first, and closed."""
        return None if self._begun is None else self._begun.dream

    @property
    def image(self):
        """What has been dreamt so far, as it is shown; None before the first step, and closed.

        At the size of the last octave, also while a smaller one is dreamt.
        """
        return None if self._look is None else Image.fromarray(self._look.pixels)

    # What the selection says, in the widgets:

    @alone
    def _show_network(self, change=None):
        network = self.selection.network
        if self._network is not network:
            names = layers_of(network)
            if not names:  # and the one before stays
                raise LayerError(f"no layer of {network.name} has maps, so that there is nothing to dream of")
            self._network = network
            self.title.value = headline(network)
            self._list_layers(network, names)
        self._show_layer()

    def _list_layers(self, network, names):
        """The layers that can be dreamt of."""
        if self._is_usual_layer:
            with self.quiet():
                self.selection.layer = usual_layer(network, names)
        with self.quiet(), self.control.hold_sync():
            self._offer(names)

    def _offer(self, names):
        self.control.layers = list(names)
        self.control.notes = [note_of(self._network.layer(name)) for name in names]

    @alone
    def _show_layer(self):
        """The chosen layer, if it has maps; the slider stays where it is if not."""
        layer = self.selection.layer
        with self.quiet(), self.control.hold_sync():
            if layer not in self.control.layers:
                names = layers_of(self._network, layer)
                if layer in names:
                    self._offer(names)
            if layer in self.control.layers:
                self.control.layer = layer
            self.control.n_channels = self._network.layer(self.control.layer).n_channels
        self._show_channel()
        self._change()

    @alone
    def _show_channel(self, change=None):
        chosen = self.selection
        if chosen.layer == self.control.layer and chosen.channel is not None:
            with self.quiet():
                self.control.channel = chosen.channel
        if self.control.aim == "channel":
            self._change()

    @alone
    def _choose_channel(self, change):
        if not self._is_quiet:
            if self.selection.layer != self.control.layer:
                self.selection.layer = self.control.layer
            self.selection.channel = change.new
            self._change()

    @alone
    def _choose_aim(self, change):
        self._guiding.layout.display = None if self.control.aim == "guide" else "none"
        self._change()

    @alone
    def _choose_guide(self, change):
        if not self._is_quiet and self.control.aim == "guide":
            self._change()

    @alone
    def _show_image(self, change=None):
        with self.quiet():
            self.images.image = self.selection.image
        self._show_picture()
        self._change()

    @alone
    def _show_picture(self):
        """The picture alone, before it is dreamt upon."""
        image = self.selection.image
        self.control.own_size = max(image.size)
        self._show_octaves()
        if self._is_live:
            return  # the dream brings it along
        self._begun = self._look = None
        height, width = fitted(image, self.control.size)
        small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        with self.viewer.hold_sync():
            self.viewer.clear()
            self.viewer.show([small], step=0, label="press play", last=True)
        self.wipe.clear()
        self.wipe.show(small)
        self.wipe.caption = "press play"

    def _show_octaves(self):
        """How large they will be."""
        control = self.control
        if not self._is_dreaming:
            size = fitted(self.selection.image, control.size)
            control.sizes = octave_sizes(size, control.octaves, control.octave_scale)

    @alone
    def _show_compared(self, change=None):
        wiped = self.control.compare == "wipe"
        self.wipe.layout.display = None if wiped else "none"
        self.viewer.layout.display = "none" if wiped else None
        self._show_wipe()

    # Computing:

    def _wanted(self):
        chosen, control = self.selection, self.control
        of_one = control.aim == "channel"
        is_known = chosen.layer == control.layer and chosen.channel is not None
        return Wanted(
            chosen.network,
            chosen.image,
            control.layer,
            chosen.channel if of_one and is_known else None,
            of_one and not is_known,
            self.guides.image if control.aim == "guide" else None,
            control.size,
            control.octaves,
            control.octave_scale,
            control.seed,
        )

    @alone
    def _change(self, change=None):
        """Dream anew, if something else is to be dreamt than what is dreamt now."""
        if self._is_quiet or self.selection is None or self._network is not self.selection.network:
            return
        if not self._is_live:
            self._show_octaves()
            return
        if not _same(self._wanted(), self._asked):
            self._begin()

    @alone
    def _play(self):
        self._begin()

    def _begin(self):
        control = self.control
        wanted, may_pause = self._wanted(), running_loop() is not None
        self._asked, self._is_live, self._is_dreaming = wanted, True, True
        if self._is_filming:
            self.film.finish("given up")
            self._is_filming = False
        with control.hold_sync():
            control.stopping = False
            control.error = control.message = ""
            control.running = True
        self._work.submit(lambda: dream_looks(wanted, control, self._work.tell, may_pause), self._show)

    @alone
    def _make_film(self):
        wanted, film = self._wanted(), self.film
        if self._is_dreaming:
            self.control.finish("ended by the film")
        self._is_live = self._is_dreaming = False
        self._is_filming = True
        with film.hold_sync():
            film.stopping = False
            film.error = film.message = ""
            film.running = True
        self._work.submit(lambda: film_news(wanted, self.control, film, self._work.tell), self._show)

    # Showing:

    @alone
    def _show(self, news):
        if isinstance(news, Begun):
            self._show_begun(news)
        elif isinstance(news, Look):
            self._show_look(news)
        elif isinstance(news, Film):
            self._is_filming = False
            self.film.show(news.gif, news.mp4, news.caption)
            self.film.finish(news.message)
        elif isinstance(news, Stage):
            self.film.begin(news.name, news.total)
        else:
            self.film.preview(news)

    def _show_begun(self, begun):
        before, self._begun, self._look = self._begun, begun, None
        self.control.begin(begun.dream.total, begun.dream.sizes)
        if begun.channel is not None and begun.wanted.layer == self.control.layer:
            with self.quiet():
                self.control.channel = begun.channel
                if self.selection.layer == begun.wanted.layer:
                    self.selection.channel = begun.channel
            self._asked = self._asked._replace(channel=begun.channel, strongest=False)
        if before is None or before.wanted[:2] != begun.wanted[:2]:
            self.wipe.clear()
        self.wipe.show(begun.original)

    def _show_look(self, look):
        self._look = look
        what = "activity" if self._begun.wanted.guide is None else "likeness"
        growth = f"{what} {look.growth}" if look.growth else ""
        told = f"{self._begun.wanted.layer}, {look.label}"
        with self.viewer.hold_sync():  # a history that begins anew does not show an empty page first
            self.viewer.show(
                [self._begun.original, look.pixels],
                step=look.number,
                label=told,
                captions=["", growth],
                last=look.is_last,
            )
            if look.number == 0:
                self.viewer.selected = 1  # which is what is saved
        self._show_wipe()
        if look.is_last:
            self._end(look.number)

    def _show_wipe(self):
        if self.control.compare == "wipe" and self._look is not None:
            self.wipe.show(after=self._look.pixels)
            self.wipe.caption = f"{self._begun.wanted.layer}, {self._look.label}"

    def _end(self, number):
        control, dream = self.control, self.dream
        self._is_dreaming = False
        done = number - dream.octave  # steps that were taken, however many were wanted at the time
        if control.stopping:
            self._is_live = False
            to_come = len(dream.sizes) - 1 - dream.octave
            left = max(0, dream.n_steps - dream.number) + to_come * dream.n_steps
            control.finish(f"stopped after {done} of {done + left} steps")
        else:
            control.finish(f"{done} step{'' if done == 1 else 's'}")

    @alone
    def _fail(self, error):
        """An exception in the newest work."""
        if self._is_filming:
            self.film.show_error(error)
            self.film.finish("")
        else:
            self.control.finish("")
            self.control.show_error(error)
        self._is_live = self._is_dreaming = self._is_filming = False
        if self._begun is not None and not self._is_of_what_is_chosen():
            self._show_picture()

    def _is_of_what_is_chosen(self):
        """Whether the pictures are; else they would stand under the wrong title."""
        shown, chosen = self._begun.wanted, self.selection
        is_same = shown.network is chosen.network and shown.image is chosen.image
        return is_same and self._look is not None

    def _described(self):
        """Without what is hidden."""
        hidden = [self.viewer if self.control.compare == "wipe" else self.wipe]
        hidden += [] if self.control.aim == "guide" else [self.guides]
        return [widget for widget in super()._described() if widget not in hidden]

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is not None:  # neither closed already, nor never finished
            self._close()

    @alone
    def _close(self):
        self._work.close()
        super().close()
        self._begun = self._look = self._asked = self._network = None


def _same(wanted, other):
    """Whether two ask for the same dream: pictures and networks are compared by identity."""
    return (
        other is not None and wanted.guide is other.guide and same(wanted, other._replace(guide=wanted.guide))
    )
