"""Pictures that are there without a download: photographs that other packages carry along, and drawn ones."""

from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from ..core.errors import did_you_mean
from .images import ImageError, read_image


@dataclass(frozen=True)
class Sample:
    """A picture to start with.

    Attributes
    ----------
    name : str
        What ``samples`` knows it by.
    title : str
        What it shows, for a caption.
    source : str
        The package that brings it.
    kind : {"photograph", "drawing"}
        Photographs suit the networks trained on ImageNet, drawings the bundled ones.
    credit : str
        Who made it, and its licence. Show it where you show the picture.
    """

    name: str
    title: str
    source: str
    kind: str
    credit: str
    _place: object = field(repr=False, compare=False)  # the file, or the Toytown class

    @property
    def image(self) -> Image.Image:
        """The picture in RGB, read or drawn anew each time, so that it can be painted on."""
        if self.kind == "photograph":
            return read_image(self._place)
        return _drawn()[self._place].copy()


SKIMAGE = ("scikit-image", "skimage")
SKLEARN = ("scikit-learn", "sklearn")
MATPLOTLIB = ("matplotlib", "matplotlib")

# Colour photographs first; then greyscale ones, for which a network has but shape and texture to go by.
# Only files inside the packages' wheels: scikit-image would fetch its others from the network.
# name: (package, its module, path in it, title, credit)
PHOTOGRAPHS = {
    "cat": (*SKIMAGE, "data/chelsea.png", "Chelsea, a tabby cat", "Stéfan van der Walt, CC0"),
    "coffee": (
        *SKIMAGE,
        "data/coffee.png",
        "A cup of coffee",
        "Rachel Michetti for Pikolo Espresso Bar, CC0",
    ),
    "temple": (
        *SKLEARN,
        "datasets/images/china.jpg",
        "A pagoda of the Summer Palace in Beijing",
        "danielbuechele on Flickr, CC BY 2.0, flickr.com/photos/danielbuechele/6061409035",
    ),
    "flower": (
        *SKLEARN,
        "datasets/images/flower.jpg",
        "A dahlia",
        "vultilion on Flickr, CC BY 2.0, flickr.com/photos/vultilion/6056698931",
    ),
    "astronaut": (*SKIMAGE, "data/astronaut.png", "The astronaut Eileen Collins", "NASA, public domain"),
    "officer": (
        *MATPLOTLIB,
        "mpl-data/sample_data/grace_hopper.jpg",
        "The computer scientist Grace Hopper in uniform",
        "James S. Davis, United States Navy, public domain",
    ),
    "rocket": (*SKIMAGE, "data/rocket.jpg", "A Falcon 9 rocket on its launch pad", "SpaceX, public domain"),
    "motorcycle": (
        *SKIMAGE,
        "data/motorcycle_left.png",
        "A motorcycle in a workshop",
        "Scharstein et al., Middlebury stereo benchmark 2014",
    ),
    "galaxies": (
        *SKIMAGE,
        "data/hubble_deep_field.jpg",
        "Distant galaxies, seen by the Hubble telescope",
        "NASA, public domain",
    ),
    "photographer": (*SKIMAGE, "data/camera.png", "A photographer, in grey", "Lav Varshney, CC0"),
    "coins": (
        *SKIMAGE,
        "data/coins.png",
        "Greek coins from Pompeii, in grey",
        "Brooklyn Museum, no known copyright restrictions",
    ),
    "brick": (*SKIMAGE, "data/brick.png", "A brick wall, in grey", "CC0 Textures, Bricks25, CC0"),
    "gravel": (*SKIMAGE, "data/gravel.png", "Gravel, in grey", "CC0 Textures, Gravel04, CC0"),
    "grass": (*SKIMAGE, "data/grass.png", "Grass, in grey", "linolafett on DeviantArt, CC0"),
}


def samples(name: str | None = None) -> "dict[str, Sample] | Image.Image":
    """Pictures to start with, all without a download.

    Parameters
    ----------
    name : str, optional
        The one you want.

    Returns
    -------
    dict of str to Sample, or PIL.Image.Image
        Without a name, all there are: the photographs inside the installed packages scikit-image,
        scikit-learn and matplotlib (one that is missing leaves its pictures out), then one drawing of each
        Toytown class (``"toytown car"``). With a name, that picture.

    Raises
    ------
    ImageError
        If there is no picture of that name; says the nearest names.

    Examples
    --------
    >>> samples("temple").size
    (640, 427)
    >>> samples()["temple"].source
    'scikit-learn'
    """
    known = _photographs() | _drawings()
    if name is None:
        return known
    if name in known:
        return known[name].image
    if name in PHOTOGRAPHS:
        package = PHOTOGRAPHS[name][0]
        raise ImageError(
            f"The sample {name!r} comes with {package}, which has no such file here: pip install {package}."
        )
    raise ImageError(f"There is no sample {name!r}; {did_you_mean(name, known)}")


def _photographs() -> dict[str, Sample]:
    found = {}
    for name, (package, module, place, title, credit) in PHOTOGRAPHS.items():
        # find_spec finds a top-level package without importing it
        spec = find_spec(module)
        folders = spec.submodule_search_locations if spec else None
        path = next((Path(folder, place) for folder in folders or () if Path(folder, place).is_file()), None)
        if path:
            found[name] = Sample(name, title, package, "photograph", credit, path)
    return found


def _drawings() -> dict[str, Sample]:
    from .toytown import Toytown

    return {
        f"toytown {kind}": Sample(
            f"toytown {kind}",
            f"A drawing of class {kind!r}",
            "cnnwidgets",
            "drawing",
            "cnnwidgets, Toytown",
            kind,
        )
        for kind in Toytown.classes
    }


@cache
def _drawn() -> dict[str, Image.Image]:
    """The first picture of each class in the test split."""
    from .toytown import Toytown

    town, pictures, index = Toytown("test"), {}, 0
    while len(pictures) < len(Toytown.classes):
        example = town[index]
        pictures.setdefault(Toytown.classes[example.label], Image.fromarray(example.image))
        index += 1
    return pictures
