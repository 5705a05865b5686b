import numpy as np
import pytest
import traitlets as t
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.widgets import NeuronSlider


def test_defaults():
    slider = NeuronSlider(n_channels=4)
    assert (slider.channel, slider.order, slider.sort) == (0, [0, 1, 2, 3], False)
    assert NeuronSlider().order == [0]
    assert slider.describe() == "Channel 0 of 4" and slider.picture() is None


@pytest.mark.parametrize("channel", [-1, 4])
def test_channels_that_do_not_exist(channel):
    with pytest.raises(t.TraitError, match=f"channel {channel} does not exist: there are 0 to 3"):
        NeuronSlider(n_channels=4, channel=channel)
    slider = NeuronSlider(n_channels=4)
    with pytest.raises(t.TraitError):
        slider.channel = channel
    assert slider.channel == 0


def test_strengths_set_the_number_of_channels():
    slider = NeuronSlider(strengths=[1, 5, 3], channel=2)
    assert slider.n_channels == 3 and slider.channel == 2
    slider.strengths = [1, 2]
    assert (slider.n_channels, slider.channel, slider.order) == (2, 1, [0, 1])
    slider.n_channels = 5
    assert len(slider.strengths) == 0 and slider.order == [0, 1, 2, 3, 4]


@given(st.lists(st.floats(width=32), min_size=1, max_size=12))
def test_the_strongest_first_and_equal_ones_by_number(strengths):
    slider = NeuronSlider(strengths=strengths, sort=True)
    key = [(-np.inf if np.isnan(value) else np.float32(value)) for value in strengths]
    assert slider.order == sorted(range(len(strengths)), key=lambda i: (-key[i], i))
    slider.close()


def test_stepping():
    slider = NeuronSlider(strengths=[2, 9, 4], sort=True, channel=1)
    seen = []
    for step in (slider.next, slider.next, slider.next, slider.previous, slider.previous, slider.previous):
        step()
        seen.append(slider.channel)
    assert seen == [2, 0, 0, 2, 1, 1]


def test_in_words():
    slider = NeuronSlider(strengths=[2, 9, 4, 4], channel=2, label="filter", measure="mean activation")
    assert slider.describe() == "Filter 2 of 4, mean activation 4.00, rank 2"


def test_the_picture_marks_the_channel():
    first, last = (np.asarray(NeuronSlider(strengths=[1, 2, -1], channel=c).picture()) for c in (0, 2))
    blue = (25, 118, 210)
    columns = [
        np.flatnonzero((picture == blue).all(-1).any(0)).mean() / picture.shape[1]
        for picture in (first, last)
    ]
    assert columns == pytest.approx([1 / 6, 5 / 6], abs=0.02)


def test_what_follows_from_new_strengths_comes_together(messages):
    slider = NeuronSlider(strengths=np.arange(8.0), channel=7)
    sent = messages(slider)
    slider.strengths = [3.0, 1.0]
    assert [set(state) for state in sent] == [{"strengths"}, {"channel", "order", "n_channels"}]
    assert (sent[1]["channel"], sent[1]["order"], sent[1]["n_channels"]) == (1, [0, 1], 2)


def test_an_order_names_every_channel_once():
    slider = NeuronSlider(strengths=[1.0, 2.0, 3.0])
    for wrong in ([0, 1], [0, 1, 1], [0, 1, 3]):
        with pytest.raises(t.TraitError, match="order must name each channel from 0 to 2 once"):
            slider.order = wrong
    slider.order = [2, 0, 1]
    slider.channel = 2
    slider.next()
    assert slider.channel == 0
