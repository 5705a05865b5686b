"""What all explorers share."""

import pytest

from cnnwidgets import explorers

WITHOUT_IMAGE = ["Ascent", "Embedding", "Patch", "Retrieval"]


@pytest.mark.parametrize("name", WITHOUT_IMAGE)
def test_an_image_where_none_is_taken(name):
    explorer = getattr(explorers, f"{name}Explorer")
    with pytest.raises(TypeError, match=f"{name}Explorer has no argument 'image': give network"):
        explorer(image="photo.jpg")
