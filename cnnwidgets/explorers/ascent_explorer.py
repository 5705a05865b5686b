"""Press play and watch an image grow that a class or a unit of a network wants to see."""

from functools import partial

import ipywidgets

from ..core import CnnWidgetsError
from ..core.ascent.objectives import is_several
from ..widgets import AscentControl, StepViewer
from .alone import alone
from .ascent_curve import NAMES, SIZE, ScoreCurve
from .ascent_session import Session
from .ascent_words import captions_of, titled
from .climb_explorer import CLASS, UNIT, ClimbExplorer
from .progressive import Progressive

WIDTHS = {False: (288, 200, 132), True: (220, 132, 96)}
"""Of an image on the page, alone and beside another: of one image, of a few, and of many."""
LEGEND = "Under each image: how far it has come, and the class that the network takes it for."


class AscentExplorer(ClimbExplorer):
    """An image that a class, several classes at once, or a unit of a network wants to see, as it grows.

    "Play" begins at grey; each step changes the image so that the score grows. What keeps it an image are
    the sliders, which act on the running ascent at once; or two settings are compared, from the same start.

    Parameters
    ----------
    network : Network, torch.nn.Module or str
        ``"toynet"`` if not given.
    selection : Selection, optional
        Share the choices of another explorer; instead of the network and layer. Its layer, channel and
        position are the unit, its target the class.
    layer : str, optional
        Of the unit; the last convolution if not given.
    classes : str, int, or sequence of these, optional
        Classes to begin with, by name or number; an image of each.
    n_steps : int
        After how many steps it pauses by itself.
    patches : Patches, optional
        A scan of this network that you have made or loaded, with its images, for the nine patches beside a
        unit; the one that comes with the bundled networks if not given.
    **traits
        Traits of ``ipywidgets.VBox``, such as ``layout``.

    Attributes
    ----------
    control : RunControl
        Play, pause, steps, seed; ``control.compare = True`` brings the second settings.
    settings, settings_b : AscentControl
        How the images ascend.
    viewer, viewer_b : StepViewer
        The images.
    classes, layers, slider, units : widgets
        The `ClassChoice`, `LayerPicker`, `NeuronSlider` and `UnitChoice` inside.
    pages : ipywidgets.Tab
        ``pages.selected_index = 1`` opens the page of the units.
    curve, nine : ScoreCurve, NinePatches
        With the widgets ``curve.figure`` and ``nine.widget``.
    selection : Selection
        All choices; observe or set them.

    Notes
    -----
    Computing goes on beside the cell that asked for it. To read results in the same cell, wait for them:
    ``await explorer.done()``.

    Examples
    --------
    >>> explorer = AscentExplorer("toynet", classes="cat", n_steps=3)
    >>> explorer.play()
    >>> explorer.ascent.number, explorer.images.shape
    (3, torch.Size([1, 3, 96, 96]))
    """

    _arguments = "network, selection, layer, classes, n_steps or patches"

    def __init__(
        self,
        network=None,
        selection=None,
        layer=None,
        classes=None,
        n_steps=100,
        patches=None,
        **traits,
    ):
        super().__init__(network, layer=layer, selection=selection, **traits)
        self._work = Progressive(self.show_error)
        self._session = self._ticket = None  # the ticket is that of the newest work on it
        self._has_played = self._is_held = False  # once, and paused by hand
        self._build_choice(n_steps, patches)
        self._build()
        try:
            self._show_network()
            if classes is not None:
                is_one = isinstance(classes, str) or not is_several(classes)
                self._choose_classes([classes] if is_one else classes)
            self._arrange(self._climb())
        except BaseException:
            self.close()
            raise
        self._listen()
        if selection is not None and selection.channel is not None and classes is None:
            self.pages.selected_index = UNIT

    def _build(self):
        self.settings, self.settings_b = AscentControl(), AscentControl(preset="L2 only (Simonyan)")
        self.viewer, self.viewer_b = StepViewer(message="press play"), StepViewer(message="press play")
        self.curve = ScoreCurve()
        wrap = {"flex_flow": "row wrap", "grid_gap": "4px 28px", "align_items": "flex-start"}
        self._shown = ipywidgets.HBox(
            [self.viewer, self.viewer_b, self.nine.widget, self.curve.figure], layout=wrap
        )
        self._chosen = ipywidgets.HBox([self.settings, self.settings_b], layout=wrap)
        for each in (self.settings, self.settings_b):
            each.layout.flex, each.layout.min_width = "1 1 420px", "0"
        for viewer in self._viewers():
            viewer.layout.max_width = "100%"
        figure = self.curve.figure.layout
        figure.width, figure.flex, figure.max_width = f"{100 * SIZE[0] + 8:.0f}px", "0 0 auto", "100%"
        self.children = [self.title, self.pages, self.control, self._shown, self._chosen]

    def _listen(self):
        self._listen_to_choice()
        self.control.on_ask(lambda what: getattr(self, what)())
        self.control.observe(self._other_length, "n_steps")
        self.viewer.observe(self._select, "selected")
        for place, control in enumerate((self.settings, self.settings_b)):
            control.observe(lambda change, place=place: self._other_settings(place), "settings")

    # -- for students ------------------------------------------------------------------------------

    @property
    def ascent(self):
        """The `Ascent` that is shown, that under the first settings; None before "play"."""
        runs = self._session.runs if self._session is not None else None
        return runs[0].ascent if runs else None

    @property
    def ascents(self):
        """All of them: two while two settings are compared."""
        runs = self._session.runs if self._session is not None else None
        return [run.ascent for run in runs or ()]

    @property
    def images(self):
        """The present images as the network takes them, shape (N, C, H, W); None before "play"."""
        return None if self.ascent is None else self.ascent.images

    @alone
    def play(self):
        """Begin, or go on: for `control.n_steps` steps, or to where it was paused on the way."""
        self._is_held = False
        self._go_on()

    @alone
    def pause(self):
        """Pause after the step that it is at."""
        self._is_held = True
        if self._session is not None and self.control.running:
            self._session.pausing = self.control.stopping = True

    @alone
    def step(self):
        """One step; what runs already is left to run."""
        if not self.control.running:
            self._is_held = True
            self._run(max(0, self._made_session().number) + 1)

    @alone
    def restart(self):
        """From the start again, with the same seed."""
        self._forget()
        self.play()

    def show_error(self, error):
        """Show an exception above the buttons."""
        self.control.finish()
        self.control.show_error(error)

    async def done(self):
        """Wait until everything that was asked for is computed and shown: ``await explorer.done()``."""
        await self._work.done()
        await super().done()

    # -- the work ----------------------------------------------------------------------------------

    def _made_session(self):
        if self.selection is None:
            raise CnnWidgetsError("this explorer is closed: make another one")
        if self._session is None:
            climb = self._climb()
            self._arrange(climb)  # another thread may have chosen something since
            self._session = Session(climb, [each.settings for each in self._controls()])
        return self._session

    def _controls(self):
        return [self.settings, self.settings_b][: 2 if self.control.compare else 1]

    def _go_on(self):
        session = self._made_session()
        if self.control.running and not session.pausing:
            return
        until = session.until
        if session.number >= until or not until:  # for so many more
            until = max(0, session.number) + self.control.n_steps
        self._run(until)

    def _run(self, until):
        session = self._session
        self._has_played = True
        session.until, session.pausing = until, False
        self.control.begin(max(0, session.number), until)
        ticket = self._ticket = object()
        self._work.submit(session.steps, partial(self._show, ticket))

    def _forget(self):
        """The present ascent is no longer wanted."""
        self._work.stop()
        self._session = self._ticket = None
        if self.control.running:
            self.control.finish()
        with self.control.hold_sync():
            self.control.done = 0
            self.control.error = self.control.message = ""

    @alone
    def _show(self, ticket, look):
        look.session.is_shown = True
        if ticket is not self._ticket or self.comm is None:
            return  # another thread has asked for something else meanwhile
        session = look.session
        climb = session.climb
        with self.quiet():
            for place, (viewer, step) in enumerate(zip(self._viewers(), look.steps, strict=False)):
                said = look.probabilities[place] if look.probabilities else None
                best, best_captions = None, None
                if look.best is not None:
                    best, at = look.best[place]
                    best_captions = captions_of(climb, at.values.tolist(), None)
                viewer.show(
                    look.pictures[place],
                    step.number,
                    captions=captions_of(climb, step.values.tolist(), said),
                    best=best,
                    best_captions=best_captions,
                    last=look.is_end,
                )
        if look.steps:
            self.curve.show(session, self.viewer.selected, at_once=look.is_end)
        number = max(0, session.number)
        self.control.progress(number, max(session.until, number))
        if look.is_end:
            self.control.finish(self._told_end(session))
        if look.error is not None:
            self.control.show_error(look.error)

    def _told_end(self, session):
        return "paused" if session.number < session.until else "“Play” goes on from here"

    def _viewers(self):
        return self.viewer, self.viewer_b

    # -- what is wanted ----------------------------------------------------------------------------

    @alone
    def _other_climb(self, change=None):
        """Something else is to be seen: begin with it, unless it was paused by hand."""
        if self._is_quiet or self.selection is None or self._is_same():
            return
        was_playing = self._has_played and not self._is_held
        self._forget()
        self._arrange(self._climb())
        for viewer in self._viewers():
            viewer.clear()
        self.curve.clear()
        if was_playing:
            self._go_on()

    def _is_same(self):
        session = self._session
        if session is None or len(session.settings) != len(self._controls()):
            return False
        return session.climb == self._climb()

    @alone
    def _other_settings(self, place):
        """They act on the ascent at once; one that has come to its end goes on."""
        session = self._session
        if session is None or place >= len(session.settings):
            return
        session.settings[place] = self._controls()[place].settings
        if not self.control.running and not self._is_held:
            self._go_on()

    @alone
    def _other_length(self, change):
        """It acts on the ascent that runs, and on one that was paused on the way."""
        session = self._session
        if session is not None and (self.control.running or session.number < session.until):
            session.until = max(session.number, change.new)
            if self.control.running:
                self.control.total = session.until

    def _select(self, change):
        if self._session is not None:
            self.curve.show(self._session, change.new, at_once=True)

    def _arrange(self, climb):
        """What is seen, and how large."""
        both, is_unit = self.control.compare, self.pages.selected_index == UNIT
        hidden = {
            self.viewer_b: not both,
            self.settings_b: not both,
            self.nine.widget: not is_unit,
        }
        for widget, is_hidden in hidden.items():
            widget.layout.display = "none" if is_hidden else None
        n = len(climb.titles)
        names = NAMES if both else ("", "")
        for name, viewer, control in zip(
            names, self._viewers(), (self.settings, self.settings_b), strict=True
        ):
            viewer.title = control.title = name
            viewer.titles = climb.titles
            viewer.width = WIDTHS[both][(n > 1) + (n > 4)]
            viewer.can_select = n > 1
            columns = min(n, 2) if n <= 4 else 3 if both else 4
            viewer.layout.width = f"{columns * (viewer.width + 16) + 4}px"
            viewer.file_name = titled(climb, name)
            viewer.caption = LEGEND if n > 1 and viewer is self.viewer else ""

    def _described(self):
        hidden = [] if self.control.compare else [self.settings_b, self.viewer_b]
        if self.pages.selected_index == CLASS:
            hidden += [self.layers, self.slider, self.units, self.nine.widget]
        else:
            hidden.append(self.classes)
        return [widget for widget in super()._described() if widget not in hidden]

    def close(self):
        """Stop all work, close every widget inside, and free what they hold."""
        if self.comm is not None:  # neither closed already, nor never finished
            self._close()

    @alone
    def _close(self):
        self._work.close()
        super().close()
        self.nine.close()
        self._session = self._ticket = self._network = None
