"""Scans beside the event loop: progress, early results, stops at any time, and errors that end them."""

import asyncio
import io
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from waiting import until

import cnnwidgets as cw
from cnnwidgets.core import InputError, PatchScan, max_activating_patches
from cnnwidgets.core.images import Indexed
from cnnwidgets.explorers import PatchExplorer, scan_runner


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Flatten(), nn.Linear(4 * 80, 3)
    )
    return cw.wrap(module, input_size=(12, 14), name="tiny")


def pictures(n, seed=0):
    rng = np.random.default_rng(seed)
    return [Image.fromarray(each) for each in rng.integers(0, 256, (n, 12, 14, 3), dtype=np.uint8)]


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


class Gate:
    """Who passes waits, unless it stands open."""

    def __init__(self):
        self._free, self._is_open = threading.Semaphore(0), False

    def allow(self, n):
        for _ in range(n):
            self._free.release()

    def open(self):
        self._is_open = True
        self._free.release()

    def pass_through(self):
        if not self._is_open:
            assert self._free.acquire(timeout=30)


class Gated(Indexed):
    """Pictures that come two at a time, each time when the test lets them."""

    def __init__(self, network, n, broken_from=None):
        super().__init__(pictures(n, seed=5), network.read)
        self.gate, self.asked, self._broken_from = Gate(), 0, broken_from

    def batches(self, size, start=0, stop=None):
        for batch in super().batches(size, start, stop):
            self.gate.pass_through()
            if self._broken_from is not None and batch.stop > self._broken_from:
                raise ValueError(f"picture {self._broken_from} has gone")
            self.asked = batch.stop
            yield batch


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(scan_runner, "SHOW_EVERY", 0.0)
    monkeypatch.setattr("cnnwidgets.core.patches.scan.BATCH", 2)


def in_a_loop(steps):
    """Run a test in an event loop; whatever reaches the loop unhandled fails it."""
    lost = []

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(context))
        await steps()

    asyncio.run(run())
    assert lost == []


def test_a_scan_of_ones_own_folder_and_the_way_back(network, tmp_path):
    for i, picture in enumerate(pictures(5, seed=1)):
        (tmp_path / "sub").mkdir(exist_ok=True)
        picture.save(tmp_path / "sub" / f"{i}.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture file")

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        home, before = explorer.scan.source, explorer.patches
        explorer.scan.start(f" '{tmp_path}' ")
        assert explorer.scan.running and explorer.scan.message == f"looking at pictures in {tmp_path}"
        await explorer.done()
        assert not explorer.scan.running and explorer.scan.error == ""
        assert explorer.scan.source == f"5 of 6 pictures in {tmp_path}" and explorer.scan.home == home
        assert explorer.scan.message == "1 could not be read: broken.jpg"
        assert (explorer.scan.done, explorer.scan.total) == (6, 6)
        expected = max_activating_patches(network, pictures(5, seed=1), "2")["2", explorer.selection.channel]
        assert list(explorer.grid.values) == pytest.approx([patch.value for patch in expected.strongest])
        assert {patch.source for patch in explorer.grid._drawn} == {f"sub/{i}.png" for i in range(5)}
        explorer.scan.reset()
        await explorer.done()
        assert explorer.scan.source == home == "12 pictures of yours" and explorer.scan.message == ""
        assert explorer.patches is before and len(explorer.grid.values) == 9
        explorer.close()

    in_a_loop(steps)


def test_uploaded_files(network):
    files = {f"{i}.png": png(picture) for i, picture in enumerate(pictures(4, seed=2))}
    files["bad.png"] = b"no picture"

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        explorer.scan.start(files)
        await explorer.done()
        assert explorer.scan.source == "4 of 5 pictures of yours" and len(explorer.grid.values) == 4
        assert explorer.scan.message == "1 could not be read: bad.png"
        assert {patch.source for patch in explorer.grid._drawn} == {f"{i}.png" for i in range(4)}
        explorer.scan.start({"one.png": files["1.png"]})
        await explorer.done()
        assert explorer.scan.source == "1 picture of yours"
        explorer.close()

    in_a_loop(steps)


@pytest.mark.parametrize(
    ("pictures_given", "error"),
    [
        ("/no/such/folder", "the folder '/no/such/folder' does not exist"),
        ("EMPTY", "has no picture files"),
        ("FILE", "is a file, not a folder"),
        ({"a.png": b"no", "b.png": b""}, "none can be read"),
    ],
)
@pytest.mark.parametrize("has_loop", [True, False])
def test_pictures_that_are_none_end_the_scan_with_a_clear_error(
    network, tmp_path, pictures_given, error, has_loop
):
    (tmp_path / "file.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    given = {"EMPTY": str(tmp_path / "empty"), "FILE": str(tmp_path / "file.png")}
    given = given.get(pictures_given, pictures_given) if isinstance(pictures_given, str) else pictures_given

    def start(explorer):
        if isinstance(given, str):  # as the browser asks
            explorer.scan._handle_custom_msg({"kind": "scan", "folder": given}, [])
        elif has_loop:
            explorer.scan.start(given)
        else:
            with pytest.raises(InputError, match=error):
                explorer.scan.start(given)

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        before, source = explorer.patches, explorer.scan.source
        start(explorer)
        await explorer.done()
        check(explorer, before, source)

    def check(explorer, before, source):
        assert not explorer.scan.running and not explorer.scan.stopping
        if isinstance(given, str) or has_loop:
            assert error in explorer.scan.error
        assert explorer.scan.message == "" and explorer.scan.source == source
        assert explorer.patches is before and len(explorer.grid.values) == 9 and explorer.grid.error == ""
        explorer.scan.start({"good.png": png(pictures(1)[0])})  # and the next one goes well
        assert explorer.scan.error == ""
        explorer.close()

    if has_loop:
        in_a_loop(steps)
    else:
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        before, source = explorer.patches, explorer.scan.source
        start(explorer)
        check(explorer, before, source)


def test_early_results_and_progress(network):
    images = Gated(network, 20)

    async def steps():
        explorer = PatchExplorer(network, images=images, layer="2")
        images.gate.allow(4)
        await until(lambda: explorer.patches is not None and explorer.patches.n_images == 8)
        seen = 8
        assert explorer.scan.running
        assert explorer.scan.source == f"the first {seen} of 20 pictures of yours" == explorer.scan.home
        await explorer._latest.done()
        assert len(explorer.grid.values) == 8, "shown while the scan goes on"
        assert explorer.scan.total == 20
        await asyncio.sleep(0.25)  # progress is told five times a second
        images.gate.allow(1)
        await until(lambda: 0 < explorer.scan.done < 20)
        assert explorer.scan.rate >= 0
        images.gate.open()
        await explorer.done()
        assert not explorer.scan.running and explorer.scan.done == 20 and explorer.patches.n_images == 20
        assert explorer.scan.source == explorer.scan.home == "20 pictures of yours"
        assert explorer.scan.message == ""
        explorer.close()

    in_a_loop(steps)


def test_a_stop_keeps_what_was_found(network):
    images = Gated(network, 20)

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        explorer._runner.start(lambda: PatchScan(network, images, ["2"]), "pictures of mine")
        images.gate.allow(4)
        await until(lambda: explorer.patches.n_images == 8)
        explorer.scan.cancel()
        assert explorer.scan.stopping
        images.gate.open()
        await explorer.done()
        n = explorer.patches.n_images
        assert 8 <= n < 20 and not explorer.scan.running and not explorer.scan.stopping
        assert explorer.scan.message == f"stopped after {n} of 20"
        assert explorer.scan.source == f"{n} of 20 pictures of mine"
        expected = max_activating_patches(network, images, "2", stop=n)["2", explorer.selection.channel]
        assert list(explorer.grid.values) == pytest.approx([patch.value for patch in expected.strongest])
        asked = images.asked
        await asyncio.sleep(0.1)
        assert images.asked == asked, "nothing goes on in the background"
        explorer.scan.reset()
        await explorer.done()
        assert explorer.patches.n_images == 12 and explorer.scan.message == ""
        explorer.close()

    in_a_loop(steps)


def test_what_an_iterable_gave_when_it_was_stopped(network):
    """Nobody knows how many there are."""
    gate = Gate()

    def stream():
        for picture in pictures(1000):
            yield picture
            gate.pass_through()

    async def steps():
        explorer = PatchExplorer(network, images=stream(), layer="2")
        gate.allow(8)
        await until(lambda: explorer.patches is not None and explorer.patches.n_images >= 4)
        assert explorer.scan.total == 0
        explorer.scan.cancel()
        gate.open()
        await explorer.done()
        n = explorer.patches.n_images
        assert explorer.scan.message == f"stopped after {n}" and 4 <= n < 1000
        assert explorer.scan.source == explorer.scan.home == f"{n} of pictures of yours"
        explorer.close()

    in_a_loop(steps)


def test_back_home_in_the_middle_of_a_scan(network):
    images = Gated(network, 20)

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        before = explorer.patches
        explorer._runner.start(lambda: PatchScan(network, images, ["2"]), "pictures of mine")
        images.gate.allow(4)
        await until(lambda: explorer.patches is not before)
        explorer.scan.reset()
        assert not explorer.scan.running and not explorer.scan.stopping
        assert explorer.scan.source == "12 pictures of yours" and explorer.patches is before
        images.gate.open()
        await explorer.done()
        await asyncio.sleep(0.05)
        assert explorer.patches is before and not explorer.scan.running and explorer.scan.message == ""
        explorer.close()

    in_a_loop(steps)


def test_a_scan_after_a_scan(network):
    """The second one while the first still waits for its pictures: the first shows nothing any more."""
    images = Gated(network, 20)

    async def steps():
        explorer = PatchExplorer(network, images=images, layer="2")
        await until(lambda: explorer.scan.total == 20)
        explorer._runner.start(lambda: PatchScan(network, pictures(7, seed=8), ["2"]), "pictures of mine")
        await explorer.done()
        assert explorer.scan.source == "7 pictures of mine" == explorer.scan.home, "the only one there is"
        images.gate.open()
        await asyncio.sleep(0.2)
        assert explorer.patches.n_images == 7 and not explorer.scan.running
        assert explorer.scan.done == 7 and explorer.scan.source == "7 pictures of mine"
        explorer.close()

    in_a_loop(steps)


def test_a_late_look_at_a_scan_that_was_given_up_shows_nothing(network):
    """It was on its way from the thread when the scan was stopped."""
    images = Gated(network, 20)

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        before, source = explorer.patches, explorer.scan.source
        explorer._runner.start(lambda: PatchScan(network, images, ["2"]), "pictures of mine")
        job = explorer._runner._current
        await until(lambda: job.scan is not None)
        explorer._runner.stop()
        explorer._runner._show(job, max_activating_patches(network, pictures(4), ["2"]))
        explorer._runner._end(job)
        assert explorer.patches is before and explorer.scan.source == source
        images.gate.open()
        await explorer.done()
        explorer.close()

    in_a_loop(steps)


def test_an_error_in_the_middle_keeps_what_was_found(network):
    images = Gated(network, 20, broken_from=8)

    async def steps():
        explorer = PatchExplorer(network, images=images, layer="2")
        images.gate.open()
        await explorer.done()
        assert explorer.scan.error == "ValueError: picture 8 has gone" and not explorer.scan.running
        n = explorer.patches.n_images
        assert 2 <= n <= 8 and explorer.scan.message == f"ended by an error after {n} of 20"
        assert explorer.scan.source == f"{n} of 20 pictures of yours" and len(explorer.grid.values) == n
        explorer.selection.channel = 2  # looking on does not wipe it away
        await explorer.done()
        assert (
            explorer.scan.error == "ValueError: picture 8 has gone" and explorer.grid.title == "2 · channel 2"
        )
        explorer.close()

    in_a_loop(steps)


def test_a_broken_picture_in_a_list_is_named(network):
    x = torch.rand(6, 3, 12, 14)
    x[4, 1, 2, 3] = torch.nan

    async def steps():
        explorer = PatchExplorer(network, images=x, layer="2")
        await explorer.done()
        assert explorer.scan.error == "image 4 holds a NaN or an infinity; repair it first"
        assert not explorer.scan.running and explorer.patches.n_images == 4
        explorer.close()

    in_a_loop(steps)


def test_closing_in_the_middle_of_a_scan(network):
    images = Gated(network, 60)

    async def steps():
        explorer = PatchExplorer(network, images=images, layer="2")
        images.gate.allow(4)
        await until(lambda: explorer.patches is not None and len(explorer.grid.values))
        explorer.grid.chosen = 0
        explorer.close()
        images.gate.open()
        await explorer._runner.done()
        await asyncio.sleep(0.05)
        assert images.asked < 20, "it ended with the batch that it was at"
        assert explorer.patches is None and explorer.scan.comm is None

    in_a_loop(steps)


def test_closing_while_the_scan_is_being_made(network):
    waits = threading.Event()
    looked = []

    class Counted(Indexed):
        def batches(self, *args):
            looked.append("a batch")
            return super().batches(*args)

    def make():
        waits.wait(10)
        looked.append("made")
        return PatchScan(network, Counted(pictures(40), network.read), ["2"])

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        explorer._runner.start(make, "pictures of mine")
        await asyncio.sleep(0.05)
        free = time.monotonic()
        explorer.close()
        assert time.monotonic() - free < 1
        waits.set()
        await explorer._runner.done()
        assert looked == ["made"]

    in_a_loop(steps)


def test_the_kernel_stays_free_while_a_folder_is_looked_through(network, monkeypatch):
    """A disk may be slow, and a folder may be large."""

    found = threading.Event()

    def slow(*args):
        assert found.wait(20)
        raise InputError("too large")

    async def steps():
        explorer = PatchExplorer(network, images=pictures(12), layer="2")
        await explorer.done()
        monkeypatch.setattr("cnnwidgets.explorers.unit_explorer.images_of", slow)
        began = time.monotonic()
        explorer.scan.start("/")
        assert time.monotonic() - began < 0.3 and explorer.scan.running
        explorer.selection.channel = 3
        await explorer._latest.done()
        assert explorer.grid.title == "2 · channel 3" and explorer.scan.running, "meanwhile others work"
        found.set()
        await explorer.done()
        assert explorer.scan.error == "too large" and not explorer.scan.running
        explorer.close()

    in_a_loop(steps)


def test_channels_layers_and_clicks_while_a_scan_runs(network):
    images = Gated(network, 60)

    async def steps():
        explorer = PatchExplorer(network, images=images, layers=["0", "2"])
        images.gate.allow(8)
        await until(lambda: explorer.patches is not None)
        for step in range(12):
            images.gate.allow(1)
            explorer.slider.set_state({"channel": step % 4})
            explorer.layers.set_state({"layer": "0" if step % 3 else "2"})
            explorer.grid.set_state({"which": ("weakest", "sample", "strongest")[step % 3]})
            explorer.grid.set_state({"chosen": step % 5})
            await asyncio.sleep(0.02)
        explorer.selection.layer, explorer.selection.channel = "2", 1
        images.gate.open()
        await explorer.done()
        assert explorer.patches.n_images == 60 and explorer.grid.title == "2 · channel 1"
        unit = explorer.patches["2", 1].patches(explorer.grid.which)
        assert list(explorer.grid.values) == pytest.approx([patch.value for patch in unit])
        assert {widget.error for widget in explorer.widgets() if hasattr(widget, "error")} == {""}
        explorer.grid.chosen = 2
        await explorer.done()
        assert explorer.grid._map_of == 2
        explorer.close()

    in_a_loop(steps)


def test_a_script_without_a_loop_waits(network, tmp_path):
    for i, picture in enumerate(pictures(3)):
        picture.save(tmp_path / f"{i}.png")
    explorer = PatchExplorer(network, images=pictures(12), layer="2")
    assert explorer.patches.n_images == 12 and not explorer.scan.running
    explorer.scan.start(str(tmp_path))
    assert explorer.patches.n_images == 3 and explorer.scan.source == f"3 pictures in {tmp_path}"
    assert not explorer.scan.running and explorer.scan.done == 3
    explorer.scan.reset()
    assert explorer.patches.n_images == 12 and explorer.scan.source == "12 pictures of yours"
    explorer.close()


def test_many_that_cannot_be_read_are_counted(network, tmp_path):
    pictures(1)[0].save(tmp_path / "good.png")
    for i in range(5):
        (tmp_path / f"bad{i}.png").write_bytes(b"no")
    explorer = PatchExplorer(network, images=tmp_path, layer="2")
    assert explorer.scan.message == "5 could not be read: bad0.png, bad1.png, bad2.png, …"
    assert explorer.patches.n_images == 1 and explorer.scan.source == "1 of 6 pictures of yours"
    explorer.close()
