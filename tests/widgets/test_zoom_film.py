import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.widgets import ZoomFilm


@pytest.fixture
def film():
    film = ZoomFilm()
    yield film
    film.close()


def test_length_and_zoom(film):
    film.n_frames, film.seconds, film.zoom = 60, 5.0, 1.05
    assert film.fps == 12 and film.enlarged == pytest.approx(17.8, abs=0.05)  # 1.05 ** 59
    film.zoom = 1
    assert film.enlarged == 1


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("n_frames", 1, "n_frames must be 2 to 600, not 1"),
        ("seconds", 0.0, "seconds must be 0.5 to 60"),
        ("zoom", 0.9, "zoom must be 1 to 1.5, not 0.9"),
        ("n_steps", 51, "n_steps must be 1 to 50"),
    ],
)
def test_values_that_make_no_sense(film, name, value, told):
    before = getattr(film, name)
    with pytest.raises(t.TraitError, match=told):
        setattr(film, name, value)
    film.set_state({name: value})
    assert getattr(film, name) != value and film.error == ""
    assert abs(getattr(film, name) - value) < abs(before - value) or getattr(film, name) == before


def test_making_one(film):
    asked = []
    film.on_make(lambda: asked.append(film.n_frames))
    film.receive({"kind": "make"}, [])
    assert asked == [48]
    film.begin("dreaming, step")
    film.progress(3, 384)
    assert (film.running, film.stage, film.total) == (True, "dreaming, step", 384)
    film.preview(Image.new("RGB", (40, 30), "teal"))
    assert film._preview and film.picture().size == (40, 30)
    film.receive({"kind": "stop"}, [])
    assert film.stopping
    film.begin("writing the GIF, picture", 12)
    assert (film.stage, film.done, film.total) == ("writing the GIF, picture", 0, 12)
    film.show(b"GIF89a", b"ftyp", "conv3")
    film.finish("12 pictures")
    assert not film.running and (film.gif, film.mp4, film.caption) == (b"GIF89a", b"ftyp", "conv3")
    assert film.describe() == (
        "Film of 48 pictures in 4 s; 9.9 times as large; GIF and MP4 made; 12 pictures"
    )
    film.show(b"GIF89a")
    assert film.mp4 == b"" and "; GIF made; " in film.describe()


def test_closed_it_holds_no_film(film):
    film.show(b"GIF89a", b"ftyp")
    film.preview(Image.new("RGB", (40, 30)))
    film.close()
    assert film.gif == film.mp4 == film._preview == b"" and film._picture is None


def test_before_there_is_any(film):
    assert film.describe() == "Film of 48 pictures in 4 s; 9.9 times as large; not made yet"
    assert film.picture().height > 0
