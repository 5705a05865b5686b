"""What all explorers share."""

from types import SimpleNamespace

import pytest

from cnnwidgets import explorers
from cnnwidgets.explorers.base import headline

WITHOUT_IMAGE = ["Ascent", "Embedding", "Patch", "Retrieval"]


@pytest.mark.parametrize("name", WITHOUT_IMAGE)
def test_an_image_where_none_is_taken(name):
    explorer = getattr(explorers, f"{name}Explorer")
    with pytest.raises(TypeError, match=f"{name}Explorer has no argument 'image': give network"):
        explorer(image="photo.jpg")


def test_the_headline_says_what_is_to_be_known():
    network = SimpleNamespace(title="a <b> net: 4 classes", note="")
    assert headline(network) == "<b>a &lt;b&gt; net: 4 classes</b>"
    network.note = "random weights & no training"
    assert headline(network) == (
        "<b>a &lt;b&gt; net: 4 classes</b> <span class='cw-note'>random weights &amp; no training</span>"
    )
