"""Sample pictures: there without a download, with their credits, and without their packages too."""

import csv
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnwidgets.data import samples as public_samples
from cnnwidgets.data.images import ImageError
from cnnwidgets.data.samples import PHOTOGRAPHS, Sample, _drawn, samples
from cnnwidgets.data.toytown import Toytown


def test_photographs_of_scikit_learn_and_matplotlib_are_always_there():
    # both are dependencies of the package
    for name, size in {"temple": (640, 427), "flower": (640, 427), "officer": (512, 600)}.items():
        assert samples(name).size == size and samples(name).mode == "RGB"


def test_every_sample_opens_and_says_where_it_comes_from():
    known = samples()
    assert len(known) >= 15
    for name, sample in known.items():
        assert isinstance(sample, Sample) and sample.name == name
        assert sample.kind in ("photograph", "drawing") and sample.title and sample.credit
        assert sample.source in ("scikit-image", "scikit-learn", "matplotlib", "cnnwidgets")
        image = sample.image
        assert image.mode == "RGB" and min(image.size) >= 96
        assert np.asarray(image).std() > 10  # not an empty picture


@pytest.mark.parametrize("package", ["scikit-image", "scikit-learn", "matplotlib"])
def test_every_photograph_lies_inside_the_wheel(package):
    """Checked against the wheel's own list of files: nothing that was fetched later would be in it."""
    try:
        record = distribution(package).read_text("RECORD")
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    if record is None:
        pytest.skip(f"{package} was not installed from a wheel")
    shipped = {Path(row[0]).as_posix() for row in csv.reader(record.splitlines())}
    places = [f"{module}/{place}" for name, module, place, *_ in PHOTOGRAPHS.values() if name == package]
    assert places and set(places) <= shipped


def test_the_cat_is_the_one_of_scikit_image():
    data = pytest.importorskip("skimage.data")
    np.testing.assert_array_equal(np.asarray(samples("cat")), data.chelsea())


def test_a_package_that_is_missing_leaves_its_pictures_out(monkeypatch):
    # as a module: in the package, the name is the function's
    monkeypatch.setattr(sys.modules["cnnwidgets.data.samples"], "find_spec", lambda name: None)
    assert all(sample.kind == "drawing" for sample in samples().values())
    with pytest.raises(ImageError, match="pip install scikit-image"):
        samples("cat")


def test_a_package_without_the_file_leaves_it_out(monkeypatch):
    monkeypatch.setitem(PHOTOGRAPHS, "cat", ("scikit-learn", "sklearn", "nowhere.png", "A cat", "nobody"))
    assert "cat" not in samples()


def test_drawings_show_their_class():
    for name in Toytown.classes:
        drawing = samples(f"toytown {name}")
        town, label = Toytown("test"), Toytown.classes.index(name)
        first = next(example for example in map(town.__getitem__, range(100)) if example.label == label)
        np.testing.assert_array_equal(np.asarray(drawing), first.image)


def test_a_sample_can_be_painted_on():
    for name in ("temple", f"toytown {Toytown.classes[0]}"):
        before = samples(name).tobytes()
        samples(name).paste("red", (0, 0, 50, 50))
        assert samples(name).tobytes() == before
    assert isinstance(next(iter(_drawn().values())), Image.Image)


@pytest.mark.parametrize(
    "name, near", [("tempel", "'temple'"), ("flowers", "'flower'"), ("toytown bus stop", "bus'")]
)
def test_a_wrong_name_says_the_nearest(name, near):
    with pytest.raises(ImageError, match=near):
        samples(name)


def test_the_public_name():
    assert public_samples is samples


def test_listing_them_imports_no_heavy_package():
    code = (
        "import sys; from cnnwidgets.data.samples import samples; samples(); "
        "print(sorted({'sklearn', 'skimage', 'matplotlib', 'pooch'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
