"""LiveFigure without a browser: what one would send is given to the canvas by hand."""

import asyncio
import base64
import gc
import io
import json
import subprocess
import sys
import weakref

import IPython
import ipywidgets
import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import _ipympl
from cnnwidgets.widgets.live_figure import LiveFigure

pytest.importorskip("ipympl")


def opened():
    """All widgets of this process."""
    return set(ipywidgets.widgets.widget._instances)


@pytest.fixture
def before():
    return opened()


def tell(live, kind, **content):
    """Send what ipympl's front end would."""
    live._canvas._handle_custom_msg({"type": kind, **content}, [])


def pointer(live, kind, x, y, button=0):
    tell(live, kind, x=x, y=y, button=button, buttons=0, modifiers=[], step=None)


def seen_in_browser(**options):
    """A figure that a browser shows, of 400 x 200 pixels: axes all over it, x from 0 to 10, y from 0 to 5."""
    live = LiveFigure((4, 2), interactive=True, **options)
    axes = live.figure.add_axes((0, 0, 1, 1), xlim=(0, 10), ylim=(0, 5))
    tell(live, "initialized")
    tell(live, "draw")
    return live, axes


def test_a_click_tells_the_place_in_the_units_of_the_axes():
    live, axes = seen_in_browser()
    clicks = []
    live.on_click(lambda *click: clicks.append(click))
    pointer(live, "button_press", 100, 150)  # from the left and the top
    assert clicks == [(axes, pytest.approx(2.5), pytest.approx(1.25))]
    assert live._frame.said == "(x, y) = (2.50, 1.25)"


def test_a_drawing_that_is_asked_for_before_all_is_told_is_a_png():
    """The browser's first messages may overtake each other, as the kernel has two threads for them."""
    live = LiveFigure((4, 2), interactive=True)
    sent = []
    live._canvas.send = lambda content, buffers=(): sent.append((json.loads(content["data"]), buffers))
    tell(live, "refresh")
    tell(live, "draw")
    kinds = [content["type"] for content, _ in sent]
    assert kinds.index("resize") < kinds.index("binary")
    (picture,) = sent[kinds.index("binary")][1]
    assert bytes(picture[:4]) == b"\x89PNG"
    live.close()


def test_clicks_that_are_none():
    live, axes = seen_in_browser()
    clicks = []
    live.on_click(lambda *click: clicks.append(click))
    pointer(live, "button_press", 100, 150, button=2)
    pointer(live, "button_release", 100, 150)
    axes.set_position((0.5, 0, 0.5, 1))
    pointer(live, "button_press", 100, 150)
    assert clicks == []


def test_a_callback_can_be_taken_away():
    live, _ = seen_in_browser()
    clicks = []
    live.on_click(clicks.append)
    live.on_click(clicks.append, remove=True)
    pointer(live, "button_press", 100, 150)
    assert clicks == [] and live._frame.error == ""


def test_what_a_callback_raises_is_shown_until_the_next_one_goes_well():
    live, _ = seen_in_browser()
    live.on_click(lambda axes, x, y: 1 / (x > 5))
    live.on_hover(lambda axes, x, y: None)
    pointer(live, "button_press", 100, 150)
    assert live._frame.error == "ZeroDivisionError: division by zero"
    pointer(live, "motion_notify", 110, 150)
    tell(live, "draw")
    assert live._frame.error, "another kind of call that goes well says nothing of this one"
    pointer(live, "button_press", 300, 150)
    assert live._frame.error == ""


def test_what_drawing_raises_is_shown():
    live, axes = seen_in_browser()
    text = axes.set_title("$\\notmathtext{$")
    tell(live, "draw")
    assert live._frame.error.startswith("ValueError")
    text.set_text("good")
    live.draw()
    assert live._frame.error == ""


def test_hover_gives_places_and_then_that_the_pointer_has_left():
    live, axes = seen_in_browser()
    hovers = []
    live.on_hover(lambda *place: hovers.append(place))
    pointer(live, "motion_notify", 200, 100)
    pointer(live, "motion_notify", 400, 100)
    pointer(live, "figure_leave", 401, 100)
    assert [place[0] for place in hovers] == [axes, axes, None]
    assert hovers[0][1:] == (pytest.approx(5), pytest.approx(2.5)) and hovers[-1] == (None, None, None)


def test_a_flood_of_hovers_gives_a_few_and_the_last():
    live, _ = seen_in_browser()
    hovers = []
    live.on_hover(lambda axes, x, y: hovers.append(x))

    async def main():
        for x in range(200):
            pointer(live, "motion_notify", x, 100)
        await asyncio.sleep(0.1)

    asyncio.run(main())
    assert 2 <= len(hovers) <= 20
    assert hovers[0] == pytest.approx(0) and hovers[-1] == pytest.approx(199 / 40)


def test_matplotlibs_keys_do_nothing():
    """ "l" would make an axis logarithmic, "g" draw a grid, "q" close."""
    live, axes = seen_in_browser()
    live.on_hover(lambda axes, x, y: None)
    pointer(live, "motion_notify", 200, 100)
    for key in "lgqk":
        tell(live, "key_press", key=f"k{key}")
    assert axes.get_yscale() == axes.get_xscale() == "linear" and live.comm is not None


def test_nothing_is_drawn_for_a_pointer_that_nobody_listens_to(monkeypatch):
    live, axes = seen_in_browser()
    live._canvas.mpl_connect("motion_notify_event", lambda event: pytest.fail("heard of it"))
    pointer(live, "motion_notify", 200, 100)


def test_the_picture_gives_way_to_ipympl_once_the_browser_has_it(messages):
    live = LiveFigure((4, 2), interactive=True)
    live.axes().plot([1, 2, 3])
    live.draw()
    assert not live.reacts and live._image in live.children
    tell(live, "initialized")
    assert not live.reacts, "nothing is drawn yet"
    sent = messages(live._image)
    tell(live, "draw")
    assert live.reacts and live.children == (live._frame, live._canvas)
    assert {"value": b""} in sent and live._image.comm is None


def test_without_ipympl_it_is_a_picture_of_the_same():
    live = LiveFigure((4, 2), interactive=False)
    (line,) = live.axes().plot([1, 2, 3])
    live.draw()
    first = live._image.value
    shown = Image.open(io.BytesIO(first))
    assert shown.size == (800, 400) and live._image.layout.width == "400px"
    line.set_ydata([3, 2, 1])
    assert live._image.value == first
    live.draw()
    assert live._image.value != first
    assert Image.open(io.BytesIO(live._image.value)).convert("RGB").tobytes() == live.picture().tobytes()
    assert not live.reacts


@pytest.mark.parametrize("interactive", [False, True])
def test_one_made_while_a_cell_runs_is_drawn_when_it_is_over(monkeypatch, interactive):
    """Before, the browser would find a figure that is half done."""
    monkeypatch.setattr(_ipympl, "can_react", lambda: interactive)

    async def main():
        live = LiveFigure((4, 2))
        live.axes()
        assert live._canvas is None and live._image.value == b""
        await asyncio.sleep(0.01)
        assert (live._canvas is not None) is interactive
        assert live._image.value[:4] == b"\x89PNG"
        closed = LiveFigure((4, 2))
        closed.close()
        await asyncio.sleep(0.01)
        assert closed._canvas is None

    asyncio.run(main())


def test_draws_of_a_loop_are_few_and_the_last_is_drawn(monkeypatch):
    live, axes = seen_in_browser()
    (line,) = axes.plot([0, 10], [0, 0])
    drawn = []
    monkeypatch.setattr(live._canvas, "draw", lambda: drawn.append(line.get_ydata()[0]), raising=False)

    async def main():
        for height in range(100):
            line.set_ydata([height] * 2)
            live.draw()
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.15)

    asyncio.run(main())
    assert drawn[-1] == 99 and 2 <= len(drawn) <= 8


def test_in_a_script_it_is_a_picture():
    assert not _ipympl.can_react()
    live = LiveFigure((4, 2))
    assert live._canvas is None and live._image in live.children


def test_in_a_kernel_without_ipympl_it_is_a_picture(monkeypatch):
    class Shell:
        kernel = object()

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    assert _ipympl.can_react()
    monkeypatch.setattr(_ipympl, "find_spec", lambda name: None)
    assert not _ipympl.can_react()
    before = opened()
    with pytest.raises(ImportError, match=r'needs ipympl: pip install "cnnwidgets\[lab\]"'):
        LiveFigure((4, 2), interactive=True)
    assert opened() == before


def test_neither_pyplot_nor_its_backend_hears_of_it():
    """ipympl, once imported, would switch the backend, and close the figures there are."""
    code = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.figure()
from cnnwidgets.widgets.live_figure import LiveFigure
live = LiveFigure((4, 2), interactive=True)
live.axes()
live.draw()
assert "ipympl" in __import__("sys").modules and live._canvas is not None
assert matplotlib.get_backend() == "agg", matplotlib.get_backend()
assert plt.get_fignums() == [1], plt.get_fignums()
live.close()
assert plt.get_fignums() == [1]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_users_style_is_left_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    live = LiveFigure((4, 2), interactive=False)
    with live.look():
        axes = live.axes()
        axes.set_title("left")
    assert dict(matplotlib.rcParams) == before
    assert axes.get_title("left") == "left" and not axes.spines["top"].get_visible()


@pytest.mark.parametrize("interactive", [False, True])
def test_closing_leaves_nothing_behind(before, interactive, messages):
    live = LiveFigure((4, 2), interactive=interactive)
    live.axes().plot([1, 2, 3])
    live.on_click(lambda *click: None)
    if interactive:
        tell(live, "initialized")
        tell(live, "draw")
    live.draw()
    assert len(opened() - before) >= 5
    figure = weakref.ref(live.figure)
    live.close()
    assert opened() == before
    gc.collect()
    assert figure() is None, "the notebook's history keeps the widget, not the figure"
    assert live.describe() == "LiveFigure (closed)" and live.picture() is None
    assert live._repr_mimebundle_() == {"text/plain": "LiveFigure (closed)"}
    live.draw()
    live.close()


def test_closing_frees_the_pixels_in_the_browser(monkeypatch):
    """JupyterLab keeps the models of closed widgets, and with them their last drawing."""
    live, _ = seen_in_browser()
    sent = []
    canvas = live._canvas

    def send(content, buffers=None):
        if buffers:
            sent.append(("picture", Image.open(io.BytesIO(buffers[0])).size))

    monkeypatch.setattr(canvas, "send", send, raising=False)
    canvas.observe(lambda change: sent.append(("size", tuple(change.new))), "_size")
    live.close()
    # a change of size draws the picture that is there: it must be one that will not be given up
    assert sent == [("picture", (1, 1)), ("size", (1, 1))]


def test_a_second_run_of_the_cell_closes_the_first_figure(monkeypatch):
    class Shell:
        def get_parent(self):
            return {
                "header": {"msg_type": "execute_request", "msg_id": self.request},
                "metadata": {"cellId": "c"},
            }

    shell = Shell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    shell.request = "1"
    old = LiveFigure((4, 2), interactive=True)
    shell.request = "2"
    new = LiveFigure((4, 2), interactive=True)
    assert old.comm is None and new.comm is not None
    new.close()


@pytest.mark.parametrize("interactive", [False, True])
def test_a_picture_and_a_text_for_places_without_widgets(interactive):
    """Inside a box, ipympl's own export is blank."""
    live = LiveFigure((4, 2), interactive=interactive, label="Probability by size")
    axes = live.axes()
    axes.set(title="toynet", xlabel="side (pixels)", ylabel="probability")
    axes.fill_between([0, 1], [1, 1], color="#ff0000")
    data = live._repr_mimebundle_()
    assert data["text/plain"] == "Probability by size; toynet (probability against side (pixels))"
    assert "application/vnd.jupyter.widget-view+json" in data
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB"))
    assert picture.shape == (400, 800, 3)
    assert (picture == (255, 0, 0)).all(-1).mean() > 0.3
    assert (picture[0, 0] == 255).all()


def test_an_explorer_finds_its_errors_picture_and_words():
    from cnnwidgets.explorers.base import Explorer

    live = LiveFigure((4, 2), interactive=False, label="Curve")
    live.axes()
    explorer = Explorer()
    explorer.children = [live]
    explorer.show_error(ValueError("wrong"))
    assert live._frame.error == "ValueError: wrong"
    assert explorer.describe() == "Curve" and explorer.picture().size == (800, 400)
    explorer.close()
    assert live.comm is None and live.figure is None


@pytest.mark.parametrize("size", [3, (3,), (0, 2), (4, -1), (4, float("nan")), (4, 400), ("a", 2), None])
def test_sizes_that_cannot_be_drawn(size, before):
    with pytest.raises(t.TraitError, match="width and a height of 0.5 to 40 inches"):
        LiveFigure(size)
    assert opened() == before


def test_unknown_keywords(before):
    with pytest.raises(TypeError, match="LiveFigure has no argument 'sice'"):
        LiveFigure(sice=(3, 4))
    assert LiveFigure((4, 2), interactive=False, layout={"width": "50%"}).layout.width == "50%"
