import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnnwidgets.core import InputError, average_patch, cut_patch

IMAGE = torch.arange(1.0, 61.0).reshape(2, 5, 6)  # 0 only where there is no pixel


def boxes(height: int, width: int):
    rows = st.lists(st.integers(-4, height + 4), min_size=2, max_size=2, unique=True).map(sorted)
    columns = st.lists(st.integers(-4, width + 4), min_size=2, max_size=2, unique=True).map(sorted)
    return st.builds(lambda r, c: (r[0], c[0], r[1], c[1]), rows, columns)


@given(box=boxes(5, 6), seen=st.none() | boxes(5, 6))
def test_pixel_by_pixel(box, seen):
    pixels, inside = cut_patch(IMAGE, box, seen, fill=-1)
    top, left, bottom, right = box
    assert pixels.shape == (2, bottom - top, right - left) and inside.shape == pixels.shape[1:]
    for y in range(top, bottom):
        for x in range(left, right):
            there = 0 <= y < 5 and 0 <= x < 6
            if seen is not None:
                there = there and seen[0] <= y < seen[2] and seen[1] <= x < seen[3]
            assert inside[y - top, x - left] == there
            wanted = IMAGE[:, y, x] if there else torch.tensor([-1.0, -1.0])
            assert torch.equal(pixels[:, y - top, x - left], wanted)


def test_the_pixels_are_a_copy():
    pixels, _ = cut_patch(IMAGE, (0, 0, 5, 6))
    pixels.zero_()
    assert IMAGE.min() == 1


def test_an_empty_seen_is_all_padding():
    pixels, inside = cut_patch(IMAGE, (-3, 0, 0, 2), (0, 0, 0, 0))
    assert not pixels.any() and not inside.any() and pixels.dtype == IMAGE.dtype


@pytest.mark.parametrize("box", [(2, 2, 2, 4), (3, 2, 2, 4), (2, 4, 3, 4)])
def test_an_empty_box(box):
    with pytest.raises(InputError, match="is empty"):
        cut_patch(IMAGE, box)


def test_one_image_at_a_time():
    with pytest.raises(InputError, match=r"one image \(C, H, W\), not \(1, 2, 5, 6\)"):
        cut_patch(IMAGE[None], (0, 0, 2, 2))


def test_the_average_leaves_padding_out():
    """By hand: the left column has one pixel, the right one has two."""
    one = cut_patch(torch.tensor([[[2.0, 4.0]]]), (0, 0, 1, 2))
    other = cut_patch(torch.tensor([[[8.0, 9.0]]]), (0, -1, 1, 1), fill=55)
    mean, n = average_patch(iter([one, other]))
    assert mean.tolist() == [[[2.0, 6.0]]] and n.tolist() == [[1, 2]]


def test_the_average_is_zero_where_no_patch_has_a_pixel():
    mean, n = average_patch([cut_patch(IMAGE, (-1, 0, 1, 2))] * 3)
    assert not mean[:, 0].any() and n.tolist() == [[0, 0], [3, 3]]
    assert torch.equal(mean[:, 1], IMAGE[:, 0, :2])


def test_no_patches():
    with pytest.raises(InputError, match="no patches to average"):
        average_patch([])
