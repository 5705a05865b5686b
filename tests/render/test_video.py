"""Films are read back: how many pictures, how long each, of which size and colours."""

import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageSequence

from cnnwidgets.render import gif_bytes, mp4_bytes, save_film

ROWS, COLUMNS = 30, 46
COLOURS = [(200, 40, 30), (20, 180, 60), (30, 60, 210), (240, 220, 20), (128, 128, 128)]


def plain(colour, size=(ROWS, COLUMNS)):
    return np.full((*size, 3), colour, np.uint8)


def read_gif(data):
    film = Image.open(BytesIO(data))
    frames = [(frame.info.get("duration"), frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]
    return film, [duration for duration, _ in frames], [np.asarray(frame) for _, frame in frames]


def read_mp4(data, tmp_path):
    """What there is to know of a film, and its pictures."""
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "read.mp4"
    path.write_bytes(data)
    reader = ffmpeg.read_frames(path)
    facts = next(reader)
    width, height = facts["size"]
    frames = [np.frombuffer(each, np.uint8).reshape(height, width, 3) for each in reader]
    return facts, frames


# the reader of imageio-ffmpeg leaves its pipes to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_a_gif_has_all_pictures_and_plays_over_and_over():
    noise = np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS, 3), dtype=np.uint8)
    film, _, frames = read_gif(gif_bytes([*map(plain, COLOURS), noise]))
    assert film.size == (COLUMNS, ROWS) and film.info["loop"] == 0
    assert len(frames) == 6
    for colour, frame in zip(COLOURS, frames, strict=False):
        assert (frame == colour).all()
    assert np.abs(frames[5].astype(int) - noise).mean() < 20  # 1,380 colours in 256


def test_the_colours_of_large_pictures_are_as_good():
    """As those that all pixels choose, or nearly so."""
    rng = np.random.default_rng(1)
    small = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    smooth = small.resize((400, 300), Image.Resampling.BICUBIC)
    best = np.asarray(smooth.quantize(256, Image.Quantize.MEDIANCUT).convert("RGB"), int)
    _, _, (frame,) = read_gif(gif_bytes([smooth]))
    assert np.abs(frame.astype(int) - smooth).mean() < 1.1 * np.abs(best - smooth).mean()


@pytest.mark.parametrize("fps", [1, 12, 15, 24, 30, 50])
def test_a_gif_takes_as_long_as_it_should(fps):
    """12 a second are 83.3 ms each, and a GIF counts in steps of 10."""
    n = 24
    _, durations, _ = read_gif(gif_bytes([plain((10 * i, 0, 0)) for i in range(n)], fps))
    assert len(durations) == n and sum(durations) == pytest.approx(1000 * n / fps, abs=5.1)
    assert max(durations) - min(durations) <= 10


def test_pictures_of_any_kind():
    grey = np.full((ROWS, COLUMNS), 90, np.uint8)
    given = [Image.new("RGBA", (COLUMNS, ROWS), "red"), grey, Image.fromarray(plain((1, 2, 3)))]
    _, _, frames = read_gif(gif_bytes(iter(given)))
    assert [tuple(frame[0, 0]) for frame in frames] == [(255, 0, 0), (90, 90, 90), (1, 2, 3)]


@pytest.mark.parametrize(("size", "even"), [((30, 46), (30, 46)), ((31, 45), (32, 46)), ((17, 20), (18, 20))])
def test_an_mp4_has_all_pictures_in_even_sizes(size, even, tmp_path):
    half = [np.where(np.arange(size[1])[:, None] < 20, 230, plain(colour, size)) for colour in COLOURS]
    facts, frames = read_mp4(mp4_bytes([frame.astype(np.uint8) for frame in half], fps=10), tmp_path)
    assert facts["size"] == even[::-1] and facts["fps"] == 10 and facts["codec"] == "h264"
    assert facts["duration"] == pytest.approx(0.5, abs=0.02)
    assert len(frames) == 5
    for colour, frame in zip(COLOURS, frames, strict=True):
        assert np.abs(frame[-3:, :16].astype(int) - 230).max() < 12
        if size[1] > 24:  # the last row and column are those of the picture, also where one was added
            assert np.abs(frame[-1, -1].astype(int) - colour).max() < 12


def test_an_mp4_can_be_played_while_it_loads():
    """Its index comes before its pictures."""
    pytest.importorskip("imageio_ffmpeg")
    data = mp4_bytes(map(plain, COLOURS))
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_files_by_the_end_of_their_names(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    frames = list(map(plain, COLOURS))
    for name, start in (("film.gif", b"GIF89a"), ("Film.MP4", b"ftyp")):
        path = save_film(tmp_path / name, frames, fps=5)
        assert path == tmp_path / name and start in path.read_bytes()[:8]
    with pytest.raises(ValueError, match=r"\.gif or \.mp4, and 'film.avi' does not"):
        save_film(tmp_path / "film.avi", frames)
    with pytest.raises(ValueError, match="at least one picture"):
        save_film(tmp_path / "empty.gif", [])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["Film.MP4", "film.gif"]


@pytest.mark.parametrize("make", [gif_bytes, mp4_bytes])
def test_progress_and_cancelling(make, tmp_path, monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = []
    frames = list(map(plain, COLOURS))
    make(frames, progress=lambda *now: said.append(now))
    make(iter(frames), progress=lambda *now: said.append(now))
    assert said == [(i, 5) for i in range(1, 6)] + [(i, None) for i in range(1, 6)]

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(frames, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [gif_bytes, mp4_bytes])
def test_what_cannot_be(make):
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(ValueError, match="at least one picture"):
        make([])
    sizes = [plain(COLOURS[0]), plain(COLOURS[0], (30, 40))]
    with pytest.raises(ValueError, match="the first is 46 × 30, number 1 is 40 × 30"):
        make(sizes)
    for wrong in (np.ones((4, 6, 3)), np.zeros((4, 6, 2), np.uint8), np.zeros(4, np.uint8)):
        with pytest.raises(ValueError, match="a PIL image or an array of uint8 with shape"):
            make([wrong])  # colours from 0 to 1 would be black
    for fps in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="pictures a second"):
            make([plain(COLOURS[0])], fps=fps)
    with pytest.raises(ValueError, match="at most 50 pictures a second, not 60"):
        gif_bytes(sizes, 60)
    with pytest.raises(ValueError, match="quality is from 0, worst, to 10, not 11"):
        mp4_bytes(sizes, quality=11)


def test_without_imageio_ffmpeg(monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r'pip install "cnnwidgets\[lab\]", or take a GIF'):
        mp4_bytes(map(plain, COLOURS))
    assert gif_bytes(map(plain, COLOURS))
