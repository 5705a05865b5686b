import gc
import io
import weakref

import numpy as np
import pytest
import traitlets as t
from PIL import Image

from cnnwidgets.data import ImageError
from cnnwidgets.widgets import ImagePicker


def encoded(image, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def picker():
    return ImagePicker({name: Image.new("RGB", (40, 30), name) for name in ("red", "lime", "blue")})


def heard(picker):
    """Names of the pictures that observers of `image` were told of, by their first pixel."""
    told = []
    picker.observe(lambda change: told.append(change.new.getpixel((0, 0))), "image")
    return told


def test_the_first_is_chosen(picker):
    assert (picker.index, picker.name, picker.image.size) == (0, "red", (40, 30))


def test_by_name_and_by_index(picker):
    told = heard(picker)
    picker.name = "blue"
    assert picker.index == 2
    picker.index = 1
    assert picker.name == "lime"
    assert told == [(0, 0, 255), (0, 255, 0)]


def test_at_the_start():
    samples = {"a": Image.new("RGB", (4, 3), "red"), "b": Image.new("RGB", (4, 3), "blue")}
    assert ImagePicker(samples, name="b").index == 1
    assert ImagePicker(samples, index=1).name == "b"
    assert ImagePicker(samples, image=Image.new("RGB", (9, 9))).image.size == (9, 9)


def test_what_does_not_exist(picker):
    with pytest.raises(t.TraitError, match="there is no picture 'bleu'; nearest: 'blue'"):
        picker.name = "bleu"
    with pytest.raises(t.TraitError, match="there are 0 to 2"):
        picker.index = 3
    assert (picker.index, picker.name) == (0, "red")


def test_anything_that_can_be_read_joins_the_gallery(picker, tmp_path):
    path = tmp_path / "mine.png"
    Image.new("L", (7, 5), 9).save(path)
    told = heard(picker)
    for source in (path, str(path), path.read_bytes(), np.full((5, 7, 3), 9, np.uint8)):
        picker.image = Image.new("RGB", (2, 2))
        picker.image = source
        assert picker.image.size == (7, 5) and picker.image.mode == "RGB"
        assert picker.index == len(picker._names) - 1
    # three samples, a black and a grey picture: the same picture joins once
    assert len(told) == 8 and len(set(picker._names)) == len(picker._names) == 5


def test_names_of_added_pictures(picker):
    for _ in range(3):
        picker.add(Image.new("RGB", (3, 3)), "red")
    assert picker._names == ["red", "lime", "blue", "red (2)", "red (3)", "red (4)"]
    picker.index = 1
    picker.name = "red (3)"
    assert picker.image.size == (3, 3)


@pytest.mark.parametrize("source", [b"no picture", b"", "no/such/file.png"])
def test_what_cannot_be_read_changes_nothing(picker, source):
    before = picker.image
    with pytest.raises((ImageError, OSError, t.TraitError)):
        picker.image = source
    with pytest.raises((ImageError, OSError)):
        picker.add(source)
    assert picker.image is before and picker._names == ["red", "lime", "blue"]


def test_a_sample_that_went_missing(tmp_path):
    path = tmp_path / "mine.png"
    Image.new("RGB", (7, 5)).save(path)
    picker = ImagePicker({"one": Image.new("RGB", (2, 2)), "two": path})
    path.unlink()
    picker.set_state({"index": 1})
    assert picker.error and (picker.index, picker.name, picker.image.size) == (0, "one", (2, 2))


def test_uploads(picker):
    picker._handle_custom_msg(
        {"kind": "upload", "name": "cup.png"}, [memoryview(encoded(Image.new("RGB", (6, 8), "navy")))]
    )
    assert (picker.name, picker.image.size, picker.index) == ("cup.png", (6, 8), 3)
    picker.index = 0
    picker.name = "cup.png"
    assert picker.image.getpixel((0, 0)) == (0, 0, 128)


def test_a_corrupt_upload(picker, messages):
    picker.index = 1
    before, sent = picker.image, messages(picker)
    for _ in range(2):
        picker._handle_custom_msg({"kind": "upload", "name": "x.png"}, [memoryview(b"\x89PNG broken")])
        assert picker.error and picker.image is before and picker.name == "lime"
    # the same error a second time is a change again, so that the browser shows it again
    assert [bool(state["error"]) for state in sent if "error" in state] == [True, False, True]


def test_nothing_of_an_upload_stays_in_the_models(picker):
    data = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)))
    picker._handle_custom_msg({"kind": "upload", "name": "x.png"}, [memoryview(data)])
    size = sum(len(value) for value in picker.get_state().values() if isinstance(value, bytes))
    assert size < len(data)


def test_camera_frames(picker):
    told = heard(picker)
    for number in (1, 2):
        frame = encoded(Image.new("RGB", (32, 24), (0, 0, 40 * number)), "PNG")
        picker._handle_custom_msg({"kind": "frame", "number": number}, [memoryview(frame)])
        assert (picker.frame_seen, picker.index, picker.name) == (number, -1, "camera")
    assert told == [(0, 0, 40), (0, 0, 80)] and len(picker._names) == 3
    picker._handle_custom_msg({"kind": "camera stopped"}, [])
    assert (picker.index, picker.name, len(picker._names)) == (3, "camera", 4)
    assert told[2:] == []  # the last frame is still the picture
    picker._handle_custom_msg({"kind": "frame", "number": 3}, [memoryview(b"broken")])
    assert picker.frame_seen == 3 and picker.error and picker.name == "camera"


def test_a_frame_that_an_observer_fails_on_is_acknowledged(picker):
    picker.observe(lambda change: 1 / 0, "image")
    picker._handle_custom_msg({"kind": "frame", "number": 1}, [memoryview(encoded(Image.new("RGB", (3, 3))))])
    assert picker.frame_seen == 1 and picker.error == "ZeroDivisionError: division by zero"


def test_titles_and_credits_of_samples():
    from cnnwidgets.data import samples

    bundled = dict(list(samples().items())[:2])
    picker = ImagePicker(bundled)
    assert picker._names == list(bundled)
    assert picker._titles == [sample.title for sample in bundled.values()]
    assert picker._credits == [sample.credit for sample in bundled.values()]
    assert picker.image.tobytes() == bundled[picker.name].image.tobytes()


def test_lists_and_no_pictures():
    assert ImagePicker([Image.new("RGB", (3, 3))]).name == "picture 1"
    picker = ImagePicker({})
    assert picker.image is None and picker.index == -1 and picker.picture() is None
    assert picker.describe() == "ImagePicker: no picture"
    picker.image = Image.new("RGB", (3, 3))
    assert picker.index == 0


def test_in_words_and_as_a_picture(picker):
    assert picker.describe() == "Picture red, 40 × 30 pixels, one of 3"
    picker.image = Image.new("RGB", (3000, 1000))
    assert picker.picture().size == (320, 107)


def test_a_picture_that_is_in_the_gallery_is_chosen_there():
    """Not added a second time; one that differs in a single pixel is another one."""
    red, blue = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")
    picker = ImagePicker({"red": red, "blue": blue})
    picker.image = blue.copy()
    assert (picker.name, picker.index, len(picker._names)) == ("blue", 1, 2)
    touched = blue.copy()
    touched.putpixel((20, 20), (0, 0, 254))
    picker.image = touched
    assert picker.index == 2 and len(picker._names) == 3
    assert picker.image.getpixel((20, 20)) == (0, 0, 254)
    large = Image.new("RGB", (900, 600), "lime")
    picker.image = large
    touched = large.copy()
    touched.putpixel((20, 20), (0, 254, 0))  # no thumbnail shows it
    picker.image = touched
    assert picker.index == 4


def test_closed_it_holds_no_pictures(picker):
    gone = weakref.ref(picker.image)
    picker.close()
    gc.collect()
    assert gone() is None
    assert picker.describe() == "ImagePicker: no picture" and picker.picture() is None
