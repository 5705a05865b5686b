"""Scans in files: saved and loaded, damaged, and as the checkpoint of a scan that goes on."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

import cnnwidgets.core.patches.scan as scanning
from cnnwidgets.core import InputError, Patches, PatchScan, max_activating_patches

LAYERS = ["conv1", "relu", "conv2", "fc"]
KINDS = ("strongest", "weakest", "sample")


@pytest.fixture
def scan(net, draw_pictures) -> Patches:
    return max_activating_patches(net, draw_pictures(20), LAYERS, k=4, seed=3, start=2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder that is not there yet" / "scan.npz"


def test_there_and_back(scan, path, net, draw_pictures):
    scan.save(path)
    loaded = Patches.load(path, model=net, images=draw_pictures(20))
    for name in ("layers", "k", "seed", "precision", "input_shape", "ranges", "n_images", "network", "data"):
        assert getattr(loaded, name) == getattr(scan, name), name
    assert repr(loaded) == repr(scan) and len(list(loaded)) == 5 + 5 + 6 + 4
    for one, other in zip(scan, loaded, strict=True):
        for kind in KINDS:
            assert one.patches(kind) == other.patches(kind)  # box and seen among them
            assert all(a.seen == b.seen for a, b in zip(one.patches(kind), other.patches(kind), strict=True))
        for a, b in zip(one.histogram, other.histogram, strict=True):
            np.testing.assert_array_equal(a, b)
        assert one.describe() == other.describe() and one.n_firing == other.n_firing
        for a, b in zip(one.average(), other.average(), strict=True):
            assert torch.equal(a, b)
    for one, other in zip(scan.layers, loaded.layers, strict=True):
        field, again = one.receptive_field, other.receptive_field
        assert field.image_size == again.image_size == (9, 12)
        for a, b in zip(field.spans, again.spans, strict=True):
            assert (a is None) == (b is None) and np.array_equal(a, b)


def test_saved_loaded_and_saved_again_is_the_same_file(scan, path):
    scan.save(path)
    first = path.read_bytes()
    Patches.load(path).save(path)
    assert path.read_bytes() == first
    assert os.listdir(path.parent) == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_loaded_part_can_be_merged(net, draw_pictures, scan, path):
    rest = max_activating_patches(net, draw_pictures(20), LAYERS, k=4, seed=3, stop=2)
    scan.save(path)
    merged = rest.merge(Patches.load(path))
    whole = max_activating_patches(net, draw_pictures(20), LAYERS, k=4, seed=3)
    merged.save(path)
    one = path.read_bytes()
    whole.save(path)
    assert one == path.read_bytes()


def test_layers_of_all_kinds(path):
    """Fields that are unknown, the whole image, half of it; units that see nothing but padding."""

    class Strips(nn.Module):
        def forward(self, x):
            return x.mean(3, keepdim=True)

    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=2),
        nn.ZeroPad2d(4),
        Strips(),
        nn.Upsample(size=(3, 5)),
        nn.Flatten(),
        nn.Linear(60, 2),
    )
    patches = max_activating_patches(net, torch.randn(5, 3, 8, 6), ["0", "1", "2", "3", "5"])
    patches.save(path)
    loaded = Patches.load(path)
    assert loaded.layers == patches.layers and loaded.layers[3].receptive_field is None
    for one, other in zip(patches, loaded, strict=True):
        assert one.strongest == other.strongest
    padding = patches.layer("1").receptive_field
    assert padding.clipped(0, 0, (8, 6)) == loaded.layer("1").receptive_field.clipped(0, 0, (8, 6))


def test_names_and_skipped_pictures_are_saved(net, draw_pictures, path):
    from cnnwidgets.core.images import Indexed

    class Some(list):
        def __getitem__(self, i):
            if i in (1, 4):
                raise InputError(f"no. {i} is broken")
            return super().__getitem__(i)

    names = [f"sub/{i} ü.png" for i in range(9)]
    images = Indexed(Some(draw_pictures(9)), None, names, forgiving=True)
    max_activating_patches(net, images, LAYERS, k=9).save(path)
    loaded = Patches.load(path)
    assert loaded.skipped == {"sub/1 ü.png": "no. 1 is broken", "sub/4 ü.png": "no. 4 is broken"}
    assert loaded.n_images == 7
    assert {patch.source for patch in loaded["conv1", 0].strongest} == set(names) - set(loaded.skipped)


# --------------------------------------------------------------------------------------- files that are wrong


def test_of_another_network_or_other_images(scan, path, twice, draw_pictures):
    scan.save(path)
    with pytest.raises(InputError, match="made with another network, or other weights: scan anew"):
        Patches.load(path, model=twice(seed=5))
    with pytest.raises(InputError, match="made from other images: scan anew"):
        Patches.load(path, images=draw_pictures(20, seed=5))
    with pytest.raises(InputError, match="made from other images"):
        Patches.load(path, images=draw_pictures(19))


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="there is no file '.*nothing.npz'.*looked from"):
        Patches.load(tmp_path / "nothing.npz")
    with pytest.raises(InputError, match="there is no file"):
        Patches.load(tmp_path)


def rewritten(path, **changes) -> None:
    """The file with other texts or arrays in it; None takes one out."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"]))
    about |= {name: value for name, value in changes.items() if name in about}
    about = {name: value for name, value in about.items() if value is not None}
    arrays["about"] = np.array(json.dumps(about))
    arrays |= {name: value for name, value in changes.items() if name in arrays}
    with open(path, "wb") as file:
        np.savez_compressed(file, **{name: each for name, each in arrays.items() if each is not None})


def test_of_another_version(scan, path):
    scan.save(path)
    rewritten(path, format=2)
    with pytest.raises(InputError, match="saved by another version of cnnwidgets: scan anew"):
        Patches.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": None},
        {"layers": []},
        {"k": None},
        {"k": "many"},
        {"k": 5},
        {"strongest": None},
        {"strongest": np.zeros((3, 4))},
        {"counts": np.zeros((2, 64), int)},
        {"fired": np.array(["a"] * 20)},
        {"about": np.array("no json")},
        {"about": np.array("[1, 2]")},
        {"about": np.array("{}")},
        {"about": np.array([1, 2])},
        {"fired": np.array([{}] * 20, dtype=object)},  # a pickle, which might run code
    ],
    ids=str,
)
def test_foreign_contents(scan, path, changes):
    scan.save(path)
    rewritten(path, **changes)
    with pytest.raises(InputError, match="damaged or no saved scan: scan anew"):
        Patches.load(path)


@pytest.mark.parametrize("content", [b"", b"no scan", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_other_files(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match="damaged or no saved scan"):
        Patches.load(tmp_path / "file")


def test_other_numpy_files(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    np.savez(tmp_path / "many.npz", strongest=np.zeros(3))
    for name in ("one.npy", "many.npz"):
        with pytest.raises(InputError, match="damaged or no saved scan"):
            Patches.load(tmp_path / name)


def test_a_file_that_lost_its_end(scan, path):
    scan.save(path)
    content = path.read_bytes()
    for n in [*range(0, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:n])
        with pytest.raises(InputError, match="damaged or no saved scan"):
            Patches.load(path)


def test_a_file_with_another_byte_somewhere(scan, path):
    """Either it is noticed, or nothing of the scan has changed (dates, for example, count for nothing)."""
    scan.save(path)
    content = path.read_bytes()
    random, noticed = np.random.default_rng(0), 0
    for at in random.choice(len(content), 300, replace=False):
        broken = bytearray(content)
        broken[at] ^= 1 << random.integers(8)
        path.write_bytes(broken)
        try:
            loaded = Patches.load(path)
        except InputError:
            noticed += 1
        else:
            loaded.save(path)
            assert path.read_bytes() == content
    assert noticed > 200


def test_no_code_is_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "evil"),)

    np.savez(tmp_path / "scan.npz", about=np.array([Evil()], dtype=object))
    with pytest.raises(InputError):
        Patches.load(tmp_path / "scan.npz")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["savez_compressed", "replace"])
def test_an_interrupted_write_leaves_the_old_file(scan, path, monkeypatch, error, where):
    scan.save(path)
    old = path.read_bytes()

    def fail(file, *args, **options):
        if where == "savez_compressed":
            file.write(b"half of it")
        raise error

    monkeypatch.setattr(*{"savez_compressed": (np, where), "replace": (os, where)}[where], fail)
    with pytest.raises(type(error)):
        scan.save(path)
    assert path.read_bytes() == old and os.listdir(path.parent) == [path.name]


# ---------------------------------------------------------------------------------------------- checkpoints


def whole(net, x, path, **options) -> bytes:
    max_activating_patches(net, x, LAYERS, k=4, **options).save(path)
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("batches", [0, 1, 2])
@pytest.mark.parametrize("kind", [lambda x: x, list])
def test_an_interrupted_scan_goes_on_to_the_same_bytes(net, draw_pictures, path, error, batches, kind):
    x = kind(draw_pictures(22))
    wanted = whole(net, x, path, batch_size=5)
    for reports in (batches, 0):  # interrupted twice
        with pytest.raises(error):
            max_activating_patches(
                net, x, LAYERS, k=4, batch_size=5, checkpoint=path, progress=raising(error, after=reports)
            )
    assert Patches.load(path).ranges == [(0, 5 * (batches + 2))]
    n_before = Patches.load(path).n_images
    later = []
    patches = max_activating_patches(
        net, x, LAYERS, k=4, batch_size=5, checkpoint=path, progress=lambda *a: later.append(a)
    )
    assert later[0] == (min(n_before + 5, 22), 22) and later[-1] == (22, 22)
    assert path.read_bytes() == wanted
    assert torch.equal(patches.tensor(3), x[3]), "the images are there, too"


def raising(error, after):
    reports = iter(range(after))

    def stop(done, total):
        if next(reports, None) is None:
            raise error

    return stop


def test_a_finished_scan_is_not_done_again(net, draw_pictures, path):
    x = draw_pictures(12)
    first = max_activating_patches(net, x, LAYERS, checkpoint=path)
    content, calls = path.read_bytes(), []
    net.conv1.register_forward_hook(lambda part, inputs, output: calls.append(len(output)))
    again = max_activating_patches(net, x, LAYERS, checkpoint=path)
    assert sum(calls) <= 2, "only to find the layers"
    assert path.read_bytes() == content
    assert [unit.strongest for unit in again] == [unit.strongest for unit in first]


def test_more_images_can_be_asked_for_later(net, draw_pictures, path):
    x = draw_pictures(20)
    wanted = whole(net, x, path, batch_size=6)
    max_activating_patches(net, x, LAYERS, k=4, batch_size=6, checkpoint=path, stop=12)
    max_activating_patches(net, x, LAYERS, k=4, batch_size=6, checkpoint=path)
    assert path.read_bytes() == wanted


def test_a_checkpoint_of_another_scan(net, twice, draw_pictures, path):
    x = draw_pictures(12)

    def scan(model=net, images=x, layers=LAYERS, **options):
        return PatchScan(model, images, layers, **{"k": 4, **options}, checkpoint=path)

    scan().run()
    content = path.read_bytes()
    for what, other in {
        "network": lambda: scan(twice(seed=1)),
        "data": lambda: scan(images=draw_pictures(12, seed=1)),
        "layers": lambda: scan(layers=["conv1"]),
        "k": lambda: scan(k=3),
        "seed": lambda: scan(seed=1),
        "precision": lambda: scan(precision="fast"),
    }.items():
        with pytest.raises(
            InputError, match=rf"of another scan \(another {what}\): delete it, or give another"
        ):
            other()
    for options in ({"start": 3}, {"stop": 7}):
        with pytest.raises(InputError, match=r"has the images \[\(0, 12\)\], which are not the beginning"):
            scan(**options)
    path.write_bytes(b"no scan")
    with pytest.raises(InputError, match="damaged or no saved scan"):
        scan()
    path.write_bytes(content)
    assert list(scan()) == []


def test_an_iterable_cannot_go_on(net, draw_pictures, path):
    x = draw_pictures(12)
    with pytest.raises(ZeroDivisionError):
        max_activating_patches(net, iter(x), LAYERS, batch_size=4, checkpoint=path, progress=lambda *a: 1 / 0)
    assert Patches.load(path).n_images == 4
    with pytest.raises(InputError, match="an iterable gives its images once.*cannot go on: delete it"):
        max_activating_patches(net, iter(x), LAYERS, checkpoint=path)


def test_an_error_in_the_middle_keeps_what_was_done(net, draw_pictures, path):
    x = draw_pictures(12)
    x[9] = float("nan")
    with pytest.raises(InputError, match="image 9"):
        max_activating_patches(net, x, LAYERS, batch_size=4, checkpoint=path)
    assert Patches.load(path).ranges == [(0, 8)]


def test_checkpoints_are_written_now_and_then(net, draw_pictures, path, monkeypatch):
    monkeypatch.setattr(scanning, "SAVE_EVERY", 0)
    scan = PatchScan(net, draw_pictures(12), LAYERS, batch_size=4, checkpoint=path)
    assert not path.exists()
    for done in scan:
        assert Patches.load(path).n_images == done
    monkeypatch.setattr(scanning, "SAVE_EVERY", 1000)
    path.unlink()
    scan = PatchScan(net, draw_pictures(12), LAYERS, batch_size=4, checkpoint=path)
    next(scan), next(scan)
    assert not path.exists()
    list(scan)
    assert Patches.load(path).n_images == 12


CODE = """
import signal, sys, time, torch
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have told its children to ignore
from torch import nn
from cnnwidgets.core import max_activating_patches
random = torch.Generator().manual_seed(0)
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
for parameter in net.parameters():
    parameter.data = torch.randint(-2, 3, parameter.shape, generator=random).float()
x = torch.randint(-9, 10, (2000, 3, 12, 10), generator=random).float()
def scan(path, progress=None):
    max_activating_patches(net, x, "1", k=3, batch_size=8, checkpoint=path, progress=progress)
def slow(done, total):
    print(done, flush=True)
    time.sleep(0.02)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_control_c_in_another_python(tmp_path):
    """The real thing: interrupted by a signal at any line, and gone on to the same bytes."""
    stopped, whole = tmp_path / "stopped.npz", tmp_path / "whole.npz"
    code = CODE + "scan(sys.argv[1], slow)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, stopped], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"8\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0 and b"KeyboardInterrupt" in said
    n_done = Patches.load(stopped).n_images
    assert 8 <= n_done < 2000 and n_done % 8 == 0
    here = {}
    exec(CODE, here)
    here["scan"](stopped)
    here["scan"](whole)
    assert stopped.read_bytes() == whole.read_bytes()


def test_what_is_in_the_file(scan, path):
    """Arrays and a text; nothing that depends on when and where it was written."""
    scan.save(path)
    with zipfile.ZipFile(path) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = {info.filename for info in archive.infolist()}
    assert names == {
        f"{name}.npy" for name in (*KINDS, "counts", "exponents", "fired", "not_finite", "about")
    }
