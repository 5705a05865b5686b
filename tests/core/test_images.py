"""Images in whatever they come; files are written by Pillow, and what they hold is known."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import cnnwidgets as cw
from cnnwidgets.core import InputError, max_activating_patches
from cnnwidgets.core.images import images_of
from cnnwidgets.data import Toytown

H, W = 6, 8
X = torch.randn(11, 3, H, W, generator=torch.Generator().manual_seed(1))
PLAIN = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.fixture(scope="module")
def network():
    """Reads pictures of any size as 6 x 8 pixels from 0 to 1."""
    return cw.wrap(PLAIN, input_size=(H, W))


class Pairs(Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return X[i], i % 3


class OneAfterTheOther(IterableDataset):
    def __iter__(self):
        return iter(X)


class WithALength(OneAfterTheOther):
    def __len__(self):
        return len(X)


def generator():
    yield from X


ALL = {
    "tensor": lambda: X,
    "float64 tensor": lambda: X.double(),
    "list of tensors": lambda: list(X),
    "tuple of tensors": lambda: tuple(X),
    "list of batches of one": lambda: [x[None] for x in X],
    "dataset of pairs": Pairs,
    "tensor dataset": lambda: TensorDataset(X, torch.arange(11)),
    "generator": generator,
    "iterator of pairs": lambda: ((x, 1) for x in X),
    "iterator of batches": lambda: iter(X.split(4)),
    "iterator of batches of pairs": lambda: ([x, torch.zeros(len(x))] for x in X.split(4)),
    "loader": lambda: DataLoader(Pairs(), batch_size=4),
    "loader without labels": lambda: DataLoader(list(X), batch_size=3),
    "iterable dataset": OneAfterTheOther,
    "iterable dataset with a length": WithALength,
}
ONCE = [name for name in ALL if "iter" in name or "loader" in name or name == "generator"]


@pytest.mark.parametrize("name", ALL)
@given(
    size=st.integers(1, 13),
    start=st.integers(0, 10),
    length=st.none() | st.integers(1, 14),
    reads=st.booleans(),
)
def test_all_of_them_in_batches(name, size, start, length, reads, network):
    stop = None if length is None else start + length
    images = images_of(network if reads else PLAIN, ALL[name]())
    assert images.input_shape == (3, H, W)
    assert images.can_read_again == (name not in ONCE)
    last = min(11, 11 if stop is None else stop)
    at = start
    for batch in images.batches(size, start, stop):
        assert batch.numbers == list(range(at, min(at + size, last))) and batch.skipped == {}
        assert torch.equal(batch.tensors.float(), X[at : batch.stop])
        at = batch.stop
    assert at == last
    if images.can_read_again:
        assert len(images) == 11
        assert torch.equal(images.tensor(7).float(), X[7]) and images.name(7) == "image 7"


def test_an_iterable_goes_by_once():
    images = images_of(PLAIN, generator())
    assert [batch.numbers for batch in images.batches(2, 3, 6)] == [[3, 4], [5]]
    assert [batch.numbers for batch in images.batches(9, 8)] == [[8, 9, 10]]
    with pytest.raises(InputError, match="image 4 has gone by already.*pass a list or a dataset"):
        next(images.batches(2, 4))


def test_images_stay_images():
    images = images_of(PLAIN, X)
    assert images_of(PLAIN, images) is images


# ------------------------------------------------------------------------------------------------ pictures


def picture(seed: int, size: tuple[int, int] = (W, H)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def tensor_of(image: Image.Image) -> torch.Tensor:
    """A picture of the network's own size, from 0 to 1, by hand."""
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1) / 255


def bytes_of(image: Image.Image) -> bytes:
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


PICTURES = [picture(seed) for seed in range(5)]
READ = torch.stack([tensor_of(each) for each in PICTURES])


@pytest.mark.parametrize(
    "items",
    [
        lambda folder: PICTURES,
        lambda folder: [np.asarray(each) for each in PICTURES],
        lambda folder: np.stack([np.asarray(each) for each in PICTURES]),
        lambda folder: [bytes_of(each) for each in PICTURES],
        lambda folder: (each for each in PICTURES),
        lambda folder: [(each, "label") for each in PICTURES],
        lambda folder: (READ * 255).round().to(torch.uint8),
        lambda folder: list((READ * 255).round().to(torch.uint8)),
        lambda folder: sorted(folder.iterdir()),
        lambda folder: [str(path) for path in sorted(folder.iterdir())],
        lambda folder: folder,
        str,
        lambda folder: DataLoader(PICTURES, batch_size=None, collate_fn=lambda each: each),
    ],
)
def test_what_a_network_reads(network, tmp_path, items):
    for i, each in enumerate(PICTURES):
        each.save(tmp_path / f"{i}.png")
    images = images_of(network, items(tmp_path))
    assert images.input_shape == (3, H, W)
    (batch,) = images.batches(9)
    torch.testing.assert_close(batch.tensors, READ, rtol=0, atol=1e-6)


def test_a_scan_of_toytown(network):
    town = Toytown("test", length=7)
    patches = max_activating_patches(network, town, "0", k=2, batch_size=3)
    x = torch.cat([network.read(town[i].image) for i in range(7)])
    again = max_activating_patches(PLAIN, x, "0", k=2, batch_size=3)
    for one, other in zip(patches, again, strict=True):
        assert [(p.image, p.position, p.value) for p in one.strongest] == [
            (p.image, p.position, p.value) for p in other.strongest
        ]
        found = [patch.image for patch in one.strongest]
        assert [patch.source for patch in one.strongest] == [town.name(i) for i in found]
    assert torch.equal(patches.tensor(4), x[4]) and patches.images.item(4).label == town[4].label


@pytest.fixture
def album(tmp_path) -> Path:
    """A folder as people have them."""
    folder = tmp_path / "album"
    (folder / "sub" / "deeper").mkdir(parents=True)
    (folder / ".thumbnails").mkdir()
    picture(1).save(folder / "b.png")
    picture(2).save(folder / "A.PNG")
    picture(3).convert("L").save(folder / "sub" / "grey.png")
    transparent = picture(4).convert("RGBA")
    transparent.putalpha(0)
    transparent.save(folder / "sub" / "clear.png")
    values = np.random.default_rng(5).integers(0, 65536, (H, W), dtype=np.uint16)
    Image.fromarray(values).save(folder / "sub" / "deeper" / "16 bit.png")
    picture(6, (2 * W, 2 * H)).save(folder / "sub" / "large.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture(7, (H, W)).save(folder / "turned.png", exif=exif)
    picture(8).save(folder / ".hidden.png")
    picture(8).save(folder / "sub" / ".hidden.png")
    picture(9).save(folder / ".thumbnails" / "b.png")
    (folder / "broken.jpg").write_text("this is no picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "half.png").write_bytes(bytes_of(picture(10))[:80])
    (folder / "notes.txt").write_text("not a picture, and not called one")
    (folder / "folder.png").mkdir()
    return folder


GOOD = [
    "A.PNG",
    "b.png",
    "sub/clear.png",
    "sub/deeper/16 bit.png",
    "sub/grey.png",
    "sub/large.png",
    "turned.png",
]
BAD = ["broken.jpg", "empty.jpg", "half.png"]


def test_a_folder_as_people_have_them(album, network):
    images = images_of(network, album)
    names = [images.name(i) for i in range(len(images))]
    assert names == sorted([*GOOD, *BAD])
    read, skipped = {}, {}
    at = 0
    for batch in images.batches(3):
        assert at < batch.stop and len(batch.tensors) == len(batch.numbers)
        assert sorted([*batch.numbers, *batch.skipped]) == list(range(at, batch.stop))
        at = batch.stop
        read |= {names[number]: x for number, x in zip(batch.numbers, batch.tensors, strict=True)}
        skipped |= {names[number]: why for number, why in batch.skipped.items()}
    assert sorted(read) == GOOD and sorted(skipped) == BAD
    assert "broken.jpg' is not a picture" in skipped["broken.jpg"]
    assert "empty.jpg' is empty" in skipped["empty.jpg"]

    wanted = {
        "b.png": tensor_of(picture(1)),
        "A.PNG": tensor_of(picture(2)),
        "sub/grey.png": tensor_of(picture(3).convert("L").convert("RGB")),
        "sub/clear.png": torch.ones(3, H, W),
        "turned.png": tensor_of(picture(7, (H, W)).rotate(-90, expand=True)),
    }
    for name, x in wanted.items():
        torch.testing.assert_close(read[name], x, rtol=0, atol=1e-6)
    values = np.random.default_rng(5).integers(0, 65536, (H, W), dtype=np.uint16)
    np.testing.assert_allclose(read["sub/deeper/16 bit.png"][1], values / 65535, atol=0.6 / 255)
    assert {tuple(x.shape) for x in read.values()} == {(3, H, W)}


def test_a_scan_of_a_folder_says_what_it_left_out(album, network):
    for batch_size in (1, 2, 3, 64):
        patches = max_activating_patches(network, album, "0", k=20, batch_size=batch_size)
        assert sorted(patches.skipped) == BAD and patches.n_images == 7
        assert patches.ranges == [(0, 10)]
        assert sorted(patch.source for patch in patches["0", 2].strongest) == GOOD


def test_a_folder_of_broken_pictures(tmp_path, network):
    (tmp_path / "a.jpg").write_text("no")
    (tmp_path / "b.jpg").write_text("no")
    with pytest.raises(InputError, match="there are no images to look at: none can be read. .*a.jpg"):
        max_activating_patches(network, tmp_path, "0")


def test_a_broken_picture_in_a_list_is_an_error(album, network):
    files = [album / "b.png", album / "broken.jpg"]
    with pytest.raises(InputError, match="broken.jpg' is not a picture"):
        max_activating_patches(network, files, "0")
    assert images_of(network, files[:1]).name(0) == str(files[0])


# -------------------------------------------------------------------------------------------------- errors


class Empty(Dataset):
    def __len__(self):
        return 0

    def __getitem__(self, i):
        raise IndexError


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.empty(0, 3, H, W), "the tensor is empty"),
        ([], "the list is empty"),
        (Empty(), "the Empty is empty"),
        (iter([]), "the list_iterator gives none"),
        ((x for x in ()), "the generator gives none"),
        (DataLoader([]), "the DataLoader gives none"),
        (iter([X[:0]]), "the list_iterator gives none"),
    ],
)
@pytest.mark.parametrize("reads", [True, False])
def test_no_images(images, message, reads, network):
    with pytest.raises(InputError, match=f"^there are no images to look at: {message}"):
        max_activating_patches(network if reads else PLAIN, images, "0")


def test_folders_that_are_none(tmp_path, network):
    with pytest.raises(InputError, match=r"has no picture files \(.png, .jpg"):
        images_of(network, tmp_path)
    with pytest.raises(InputError, match="nowhere' does not exist .looked from"):
        images_of(network, tmp_path / "nowhere")
    picture(1).save(tmp_path / "one.png")
    with pytest.raises(InputError, match="one.png' is a file, not a folder: give the folder that it is in"):
        images_of(network, tmp_path / "one.png")
    with pytest.raises(InputError, match="a plain module reads no folders.*wrap"):
        images_of(PLAIN, tmp_path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (X[0], r"has shape \(N, C, H, W\), not \(3, 6, 8\)"),
        (5, "not as a int"),
        (PICTURES[0], "not as a Image"),
        (["a.png"], "a.png is a str, and a plain module reads none: give float tensors"),
        ([Path("a.png")], r"a.png is a \w*Path, and a plain module reads none"),
        (iter(PICTURES), "image 0 is a Image, and a plain module reads none.*wrap"),
        ([np.zeros((3, H, W), np.float32)], "image 0 is a ndarray, and a plain module reads none"),
        ((X * 9).to(torch.uint8), "image 0 is a Tensor, and a plain module reads none: give float"),
        (
            [X[:4], X[4:]],
            r"image 0 is no tensor \(C, H, W\): its shape is \(4, 3, 6, 8\); join batches by torch",
        ),
        ([X[0, 0]], r"image 0 is no tensor \(C, H, W\): its shape is \(6, 8\)"),
    ],
)
def test_images_that_are_none(images, message):
    with pytest.raises(InputError, match=message):
        max_activating_patches(PLAIN, images, "0")


@pytest.mark.parametrize("batch_size", [1, 2, 4, 64])
@pytest.mark.parametrize("kind", [list, iter])
def test_all_images_have_one_size(batch_size, kind):
    """Also where each batch has one."""
    images = [*X[:4], *X[4:, :, :, 1:]]
    with pytest.raises(
        InputError, match=r"the first has \(3, 6, 8\), image 4 has \(3, 6, 7\); resize them first"
    ):
        max_activating_patches(PLAIN, kind(images), "0", batch_size=batch_size)


# --------------------------------------------------------------------------------------------- fingerprints


def test_fingerprints_tell_collections_apart(network, album):
    def of(images, model=PLAIN):
        return images_of(model, images).fingerprint()

    other = X.clone()
    other[0, 0, 0, 0] += 1
    assert of(X) == of(X.clone()) == of(list(X)) == of(Pairs())
    everything = [of(X), of(X[:-1]), of(other), of(X.flip(0)), of(X.reshape(11, 3, W, H)), of(generator())]
    assert len(set(everything)) == len(everything)
    assert everything[-1].startswith("stream-")
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in everything[:-1])

    before = of(album, network)
    assert before == of(str(album), network)
    (album / "turned.png").rename(album / "twisted.png")  # the last one as before
    renamed = of(album, network)
    picture(99).save(album / "twisted.png")
    assert len({before, renamed, of(album, network)}) == 3


def test_the_fingerprint_of_many_images_looks_at_some_of_all_parts():
    asked = []

    class Many(Dataset):
        def __len__(self):
            return 10_007

        def __getitem__(self, i):
            asked.append(i)
            return X[i % 11]

    images_of(PLAIN, Many()).fingerprint()
    assert 16 <= len(asked) <= 32 and max(np.diff(asked)) < 1000 and asked[0] == 0 and asked[-1] > 9000


def test_a_stream_that_fills_one_buffer_again_and_again():
    buffer = torch.zeros(3, H, W)

    def camera():
        for i in range(10):
            yield buffer.fill_(i)

    batches = list(images_of(PLAIN, camera()).batches(4))
    assert [image.unique().tolist() for batch in batches for image in batch.tensors] == [
        [i] for i in range(10)
    ]


def test_pictures_by_name_in_an_item(network):
    x = picture(3)
    assert torch.equal(images_of(network, [{"image": x, "label": 1}]).tensor(0), network.read(x)[0])


@pytest.mark.parametrize(
    ("images", "mend"),
    [
        ({"cat": 1}, r"list\(images.values\(\)\)"),
        (np.zeros((9, 9, 3), np.uint8), "put pictures into a list"),
        (b"\x89PNG", "put pictures into a list"),
        (torch.zeros(3, 9, 9), r"x.unsqueeze\(0\)"),
    ],
)
def test_one_picture_is_not_taken_for_many(network, images, mend):
    with pytest.raises(InputError, match=mend):
        images_of(network, images)


def test_a_stream_of_uint8_batches(network):
    batch = torch.randint(0, 255, (4, 3, H, W), dtype=torch.uint8)
    found = list(images_of(network, iter([batch])).batches(8))[0].tensors
    assert torch.equal(found, torch.cat([network.read(image) for image in batch]))
