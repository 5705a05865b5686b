import asyncio
import base64
import io

import numpy as np
import pytest
import torch
import traitlets as t
from ipywidgets.embed import dependency_state
from PIL import Image

from cnnwidgets.core.errors import LayerError
from cnnwidgets.widgets import (
    ActivationGrid,
    ClassPicker,
    FilterGrid,
    ImagePicker,
    LayerPicker,
    NetworkPicker,
    NeuronSlider,
    ScanControl,
    UnitSearch,
    Widget,
    shown_errors,
)
from cnnwidgets.widgets._long_work import LongWork
from cnnwidgets.widgets._traits import BrowserBytes, Floats
from cnnwidgets.widgets._words import number
from cnnwidgets.widgets.occlusion_control import OcclusionControl
from cnnwidgets.widgets.occlusion_image import OcclusionImage

MAPS = np.random.default_rng(0).random((6, 4, 5), dtype=np.float32)
LAYERS = [
    dict(name="conv1", kind="Conv2d", output_shape=(6, 4, 5)),
    dict(name="fc", kind="Linear", output_shape=(3,)),
]
MAKE = {
    "ActivationGrid": lambda **traits: ActivationGrid(
        MAPS, image=Image.new("RGB", (50, 40), "teal"), **traits
    ),
    "ClassPicker": lambda **traits: ClassPicker(classes=["cat", "dog"], probabilities=[0.2, 0.8], **traits),
    "FilterGrid": lambda **traits: FilterGrid(MAPS[:, None], **traits),
    "ImagePicker": lambda **traits: ImagePicker([Image.new("RGB", (40, 30), "red")], **traits),
    "LayerPicker": lambda **traits: LayerPicker(layers=LAYERS, **traits),
    "NetworkPicker": lambda **traits: NetworkPicker(options=[dict(name="toynet")], **traits),
    "NeuronSlider": lambda **traits: NeuronSlider(strengths=MAPS.max((1, 2)), **traits),
    "OcclusionControl": lambda **traits: OcclusionControl(image_size=(96, 128), **traits),
    "OcclusionImage": lambda **traits: OcclusionImage(Image.new("RGB", (50, 40), "teal"), **traits),
    "ScanControl": lambda **traits: ScanControl(source="5,000 Toytown pictures", **traits),
    "UnitSearch": lambda **traits: UnitSearch(
        parts=["wheel"], part="wheel", hits=[dict(layer="conv5", channel=54, score=0.31)], **traits
    ),
}


@pytest.fixture(params=MAKE)
def make(request):
    return MAKE[request.param]


class Plain(Widget):
    data = BrowserBytes()
    numbers = Floats()
    size = t.Int(3, max=10).tag(sync=True)


def test_an_unknown_keyword_is_told_the_nearest_trait(make):
    with pytest.raises(TypeError, match="has no trait 'eror'; nearest: 'error'"):
        make(eror="x")


def test_known_keywords_of_ipywidgets(make):
    assert make(layout={"width": "50%"}).layout.width == "50%"


def test_every_trait_says_its_type_and_default():
    """A docstring after each public trait, with type and default."""
    import ast
    import inspect

    for widget in (
        Widget,
        ActivationGrid,
        ClassPicker,
        FilterGrid,
        ImagePicker,
        LayerPicker,
        NetworkPicker,
        NeuronSlider,
        OcclusionControl,
        OcclusionImage,
        LongWork,
        ScanControl,
        UnitSearch,
    ):
        body = ast.parse(inspect.getsource(widget)).body[0].body
        assert "Examples" in widget.__doc__ or widget in (Widget, LongWork)
        for trait, following in zip(body, [*body[1:], None], strict=True):
            if not isinstance(trait, ast.Assign) or not isinstance(trait.value, ast.Call):
                continue
            name = trait.targets[0].id
            if name.startswith("_"):
                continue
            documented = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            assert documented, f"{widget.__name__}.{name} has no docstring"
            assert "- Type: " in following.value.value and "- Default: " in following.value.value, name


def test_a_picture_and_a_text_for_places_without_widgets(make):
    """Trap 9."""
    widget = make()
    data, _ = widget._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    assert data["text/plain"] == widget.describe() and len(data["text/plain"]) > 12
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert min(picture.size) >= 30
    assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 1 or isinstance(widget, ImagePicker)


def test_a_page_made_by_ipywidgets_has_the_code_and_all_defaults(make):
    """``embed_minimal_html`` leaves defaults out, which no page knows: nothing would be drawn."""
    widget = make()
    saved = dependency_state([widget])[widget.model_id]
    state, beside = saved["state"], {buffer["path"][0] for buffer in saved.get("buffers", [])}
    assert state["_esm"] == str(widget._esm) and state["_css"] == str(widget._css)
    assert set(state) | beside == set(widget.get_state())


def test_a_picture_that_fails_does_not_cost_the_widget(make, monkeypatch):
    widget = make()
    monkeypatch.setattr(widget, "picture", lambda: 1 / 0)
    data, _ = widget._repr_mimebundle_()
    assert "image/png" not in data and "application/vnd.jupyter.widget-view+json" in data


def test_closing_frees_the_bytes_in_the_browser_too(make, messages):
    """Trap 7: JupyterLab keeps the models of closed widgets."""
    widget = make()
    heavy = [
        name for name, trait in widget.traits(sync=True).items() if isinstance(trait, BrowserBytes | Floats)
    ]
    full = [name for name in heavy if len(getattr(widget, name))]
    layout, sent = widget.layout, messages(widget)
    widget.close()
    states = [state for state in sent if state]
    if full:
        emptied = next(state for state in states if full[0] in state)
        assert set(full) <= set(emptied) and not any(emptied[name] for name in full)
        # a model in the browser keeps its previous values until something else is set
        assert states.index(emptied) < len(states) - 1
    assert all(len(getattr(widget, name)) == 0 for name in heavy)
    assert widget.comm is None and layout.comm is None
    widget.close()  # twice does no harm


def test_observers_are_not_asked_while_closing():
    widget = NeuronSlider(strengths=[1.0, 2.0])
    widget.observe(lambda change: pytest.fail("asked"), "strengths")
    widget.close()


def test_bytes_from_the_browser():
    """Trap 3: they come as memoryview, which Bytes silently refuses."""
    widget = Plain()
    widget.set_state({"data": memoryview(b"abc"), "numbers": memoryview(np.float32([1, 2]).tobytes())})
    assert widget.data == b"abc" and widget.numbers.tolist() == [1, 2] and widget.error == ""


def test_bytes_are_not_echoed(messages, monkeypatch):
    import ipywidgets.widgets.widget as module

    monkeypatch.setattr(module, "JUPYTER_WIDGETS_ECHO", True)
    widget = Plain()
    sent = messages(widget)
    widget.set_state({"data": memoryview(b"abc"), "size": 4})
    assert [state for state in sent if "data" in state] == []


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5],
        (1, 2.5),
        np.array([1, 2.5]),
        torch.tensor([1, 2.5], requires_grad=True),
        torch.tensor([1, 2.5]).bfloat16(),
    ],
)
def test_numbers_of_any_kind(values):
    widget = Plain(numbers=values)
    assert widget.numbers.tolist() == [1, 2.5] and widget.numbers.dtype == np.float32
    assert widget.get_state("numbers")["numbers"] == np.float32([1, 2.5]).tobytes()


def test_numbers_are_a_copy_that_cannot_be_written():
    mine = np.ones(3, np.float32)
    widget = Plain(numbers=mine)
    mine[0] = 7
    assert widget.numbers.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="read-only"):
        widget.numbers[0] = 7


@pytest.mark.parametrize("values", [np.zeros((2, 3)), 3.0, "abc", [1, "a"], None])
def test_what_is_not_a_row_of_numbers(values):
    with pytest.raises(t.TraitError, match="numbers"):
        Plain(numbers=values)


def test_exceptions_in_observers_are_shown():
    """Trap 6: an exception in a callback of a change from the browser is seen by nobody."""
    widget = Plain()
    widget.observe(lambda change: 1 / 0, "size")
    widget.set_state({"size": 4})
    assert widget.error == "ZeroDivisionError: division by zero" and widget.size == 4
    widget.unobserve_all("size")
    widget.set_state({"size": 5})
    assert widget.error == ""  # gone with the next thing that goes well


def test_an_error_that_a_callback_showed_itself_stays():
    widget = Plain()
    widget.observe(lambda change: widget.show_error(LayerError("no layer 'x'")), "size")
    for size in (4, 5):
        widget.set_state({"size": size})
        assert widget.error == "no layer 'x'"


def test_values_that_the_browser_may_not_set():
    widget = Plain()
    widget.set_state({"size": 11})
    assert widget.size == 3 and "size" in widget.error


def test_observers_in_python_raise_as_ever():
    widget = Plain()
    widget.observe(lambda change: 1 / 0, "size")
    with pytest.raises(ZeroDivisionError):
        widget.size = 5
    assert widget.error == ""


def test_errors_in_messages_are_shown():
    class Receiver(Widget):
        def receive(self, content, buffers):
            raise KeyError("kind")

    widget = Receiver()
    widget._handle_custom_msg({}, [])
    assert widget.error == "KeyError: 'kind'"


def test_shown_errors_of_plain_and_async_methods(caplog):
    class Careful(Widget):
        @shown_errors
        def divide(self, by):
            """Divide."""
            return 6 / by

        @shown_errors
        async def later(self, by):
            return 6 / by

    widget = Careful()
    assert widget.divide(2) == 3 and widget.error == "" and Careful.divide.__doc__ == "Divide."
    assert widget.divide(0) is None and widget.error == "ZeroDivisionError: division by zero"
    assert "ZeroDivisionError" in caplog.text
    widget.error = ""
    assert asyncio.run(widget.later(3)) == 2
    assert asyncio.run(widget.later(0)) is None and widget.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1.00"),
        (-1234.5, "−1,234"),
        (0.012345, "0.0123"),
        (99.95, "100.0"),
        (3.14159e-7, "3.1e−7"),
        (2.5e7, "2.5e7"),
        (999999, "999,999"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value) == text
