"""Reading images: every source, every mode, and one clear error for everything that is no image."""

import io
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from cnnwidgets.core.errors import InputError
from cnnwidgets.data.images import ImageError, read_image

HEIGHT, WIDTH = 6, 9
RGB = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def pixels(source) -> np.ndarray:
    image = read_image(source)
    assert type(image) is Image.Image and image.mode == "RGB"
    return np.asarray(image)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


PNG = encoded(Image.fromarray(RGB))


def refusal(source) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source)
    return str(caught.value)


class Unseekable(io.RawIOBase):
    """Like a pipe or a network response."""

    def __init__(self, content):
        self.content = content

    def read(self, size=-1):
        content, self.content = self.content, b""
        return content


# Sources


@pytest.mark.parametrize(
    "wrap",
    [bytes, bytearray, memoryview, io.BytesIO, Unseekable],
    ids=["bytes", "bytearray", "memoryview", "file", "pipe"],
)
def test_bytes_and_files(wrap):
    np.testing.assert_array_equal(pixels(wrap(PNG)), RGB)


def test_paths(tmp_path, monkeypatch):
    path = tmp_path / "ein Bild.png"
    path.write_bytes(PNG)
    np.testing.assert_array_equal(pixels(path), RGB)
    np.testing.assert_array_equal(pixels(str(path)), RGB)
    monkeypatch.setenv("HOME", str(tmp_path))
    np.testing.assert_array_equal(pixels("~/ein Bild.png"), RGB)
    with path.open("rb") as file:
        np.testing.assert_array_equal(pixels(file), RGB)


def test_a_file_is_read_from_its_start_and_left_where_it_was():
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "PNG")
    for place in (file.tell(), 7):
        file.seek(place)
        np.testing.assert_array_equal(pixels(file), RGB)
        assert file.tell() == place and not file.closed


def test_a_pil_image_is_not_changed():
    image = Image.fromarray(RGB).copy()
    image.info["exif"] = exif_bytes(6)
    before = (image.tobytes(), image.size, dict(image.info))
    result = read_image(image)
    assert (image.tobytes(), image.size, dict(image.info)) == before
    result.paste("red", (0, 0, *result.size))
    assert image.tobytes() == before[0]


def test_an_upload_of_ipywidgets():
    item = {"name": "cat.png", "type": "image/png", "size": len(PNG), "content": memoryview(PNG)}
    for value in ((item,), [item], item, {"cat.png": {"metadata": {"name": "cat.png"}, "content": PNG}}):
        np.testing.assert_array_equal(pixels(value), RGB)
    assert "'bad.png'" in refusal(({**item, "name": "bad.png", "content": b"nonsense"},))
    assert "Nothing has been uploaded" in refusal(())
    assert "value[0]" in refusal((item, item))
    assert "not an upload" in refusal(["cat.png"])


def test_something_that_has_an_image():
    np.testing.assert_array_equal(pixels(SimpleNamespace(image=RGB)), RGB)


@pytest.mark.parametrize("source", [None, 3, object(), {1: 2}], ids=lambda source: type(source).__name__)
def test_what_is_no_image_at_all(source):
    refusal(source)


def test_the_error_is_an_input_error():
    assert issubclass(ImageError, InputError)


# Modes


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """By hand: alpha × colour + (1 - alpha) × 255."""
    alpha = alpha[..., None] / 255
    return alpha * colour + (1 - alpha) * 255


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_modes_that_pil_converts(mode):
    image = Image.fromarray(RGB).convert(mode)
    np.testing.assert_array_equal(pixels(image), np.asarray(image.convert("RGB")))


def test_cmyk_and_ycbcr_mean_what_they_say():
    # cyan, magenta and yellow ink take red, green and blue away
    inks = Image.merge("CMYK", [Image.new("L", (1, 1), ink) for ink in (255, 0, 0, 0)])
    assert pixels(inks).tolist() == [[[0, 255, 255]]]
    assert pixels(Image.new("YCbCr", (1, 1), (77, 128, 128))).tolist() == [[[77, 77, 77]]]


@pytest.mark.parametrize("mode", ["RGBA", "RGBa"])
def test_transparency_goes_over_white(mode):
    alpha = np.random.default_rng(1).integers(0, 256, GREY.shape, dtype=np.uint8)
    image = Image.fromarray(np.dstack([RGB, alpha])).convert(mode)
    # premultiplied colours lose precision where there is little alpha
    np.testing.assert_allclose(pixels(image), over_white(RGB, alpha), atol=1 if mode == "RGBA" else 2)


@pytest.mark.parametrize("mode", ["LA", "La"])
def test_transparent_grey_goes_over_white(mode):
    alpha = np.random.default_rng(1).integers(0, 256, GREY.shape, dtype=np.uint8)
    image = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)]).convert(mode)
    expected = over_white(np.dstack([GREY] * 3), alpha)
    np.testing.assert_allclose(pixels(image), expected, atol=1 if mode == "LA" else 2)


def test_a_palette_with_transparency():
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
    image.putdata([0, 1, 2])
    opaque = [[255, 0, 0], [0, 0, 255], [0, 255, 0]]
    assert pixels(image).tolist() == [opaque]
    index = read_image(encoded(image, transparency=1))
    assert np.asarray(index).tolist() == [[opaque[0], [255, 255, 255], opaque[2]]]
    levels = read_image(encoded(image, transparency=bytes([255, 128, 0])))
    assert np.asarray(levels).tolist() == [[opaque[0], [127, 127, 255], [255, 255, 255]]]
    assert pixels(image.convert("PA")).tolist() == [opaque]


@pytest.mark.parametrize("mode, key", [("RGB", (10, 20, 30)), ("L", 20), ("1", 0)])
def test_a_transparent_colour_in_a_png(mode, key):
    image = Image.new(mode, (2, 1), key)
    image.putpixel((0, 0), 255 if mode != "RGB" else (200, 100, 50))
    image = read_image(encoded(image, transparency=key))
    assert image.getpixel((1, 0)) == (255, 255, 255)
    assert image.getpixel((0, 0)) == ((200, 100, 50) if mode == "RGB" else (255, 255, 255))


def test_lab():
    # sRGB primaries and a grey, there and back by the colour management that PIL brings
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [119, 119, 119]]], dtype=np.uint8)
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(*profiles, "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.fromarray(colours), to_lab)
    assert lab.getpixel((3, 0))[0] == pytest.approx(50 * 2.55, abs=1)  # grey 119 is L* = 50
    np.testing.assert_allclose(
        pixels(lab), colours, atol=25
    )  # L*a*b* in 8 bits is coarse in saturated colours
    np.testing.assert_allclose(pixels(lab)[0, 3], 119, atol=2)


SIXTEEN = np.array([[0, 128, 129, 257 * 100], [65535, 65407, 65406, 30000]], dtype=np.uint16)
EIGHT = np.array([[0, 0, 1, 100], [255, 255, 254, 117]], dtype=np.uint8)  # value / 257, rounded


@pytest.mark.parametrize("mode, dtype", [("I;16", "<u2"), ("I;16L", "<u2"), ("I;16B", ">u2"), ("I", "<i4")])
def test_sixteen_bits_are_scaled(mode, dtype):
    image = Image.frombytes(mode, (4, 2), SIXTEEN.astype(dtype).tobytes())
    np.testing.assert_array_equal(pixels(image)[..., 1], EIGHT)


@pytest.mark.parametrize("dark", [False, True])
def test_sixteen_bit_files_are_scaled_also_when_dark(dark):
    values = SIXTEEN // 300 if dark else SIXTEEN
    expected = np.rint(values / 257)
    assert not dark or values.max() < 256
    tiff = encoded(Image.fromarray(values), "TIFF")
    pgm = b"P5 4 2 65535\n" + values.astype(">u2").tobytes()
    for content in (encoded(Image.fromarray(values)), tiff, pgm):
        np.testing.assert_array_equal(pixels(content)[..., 2], expected)


def test_integers_and_floats_of_pil():
    np.testing.assert_array_equal(pixels(Image.fromarray(GREY.astype(np.int32)))[..., 0], GREY)
    np.testing.assert_array_equal(pixels(Image.fromarray(GREY.astype(np.float32) / 255))[..., 0], GREY)
    assert "between 0 and 1" in refusal(Image.fromarray(GREY.astype(np.float32)))
    assert "int32" in refusal(Image.new("I", (2, 2), 70_000))


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime", "blue")]
    for format in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"lossless": True} if format == "WEBP" else {}
        content = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
        assert Image.open(io.BytesIO(content)).n_frames == 3
        assert read_image(content).getcolors() == [(20, (255, 0, 0))]


@pytest.mark.parametrize(
    "format", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "ICO", "JPEG", "AVIF"]
)
def test_formats(format):
    if format not in Image.registered_extensions().values():
        pytest.skip(f"this PIL has no {format}")
    smooth = np.zeros((16, 24, 3), dtype=np.uint8)
    smooth[..., 0], smooth[..., 1] = np.linspace(0, 255, 24), 90
    options = {"WEBP": {"lossless": True}, "ICO": {"sizes": [(24, 16)]}}.get(format, {})
    result = pixels(encoded(Image.fromarray(smooth), format, **options)).astype(int)
    assert result.shape == smooth.shape
    lossy = format in ("GIF", "JPEG", "AVIF")
    assert np.abs(result - smooth).mean() <= (4 if lossy else 0)


# EXIF


def exif_bytes(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


# What a camera stores when it is held so that the picture needs this turn (EXIF 2.3, tag 0x0112):
# row 0 of the file is the … of the scene, column 0 the …
STORED = {
    1: lambda a: a,  # top, left
    2: lambda a: a[:, ::-1],  # top, right
    3: lambda a: a[::-1, ::-1],  # bottom, right
    4: lambda a: a[::-1],  # bottom, left
    5: lambda a: a.swapaxes(0, 1),  # left, top
    6: lambda a: a[:, ::-1].swapaxes(0, 1),  # right, top
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda a: a[::-1].swapaxes(0, 1),  # left, bottom
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation(orientation, format):
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](RGB)))
    options = {"lossless": True} if format == "WEBP" else {}
    content = encoded(stored, format, exif=exif_bytes(orientation), **options)
    np.testing.assert_array_equal(pixels(content), RGB)
    # the result has no orientation left that could turn it once more
    np.testing.assert_array_equal(pixels(read_image(content)), RGB)


def test_exif_orientation_of_grey_sixteen_bits():
    stored = Image.fromarray(np.ascontiguousarray(STORED[6](GREY.astype(np.uint16) * 257)))
    np.testing.assert_array_equal(pixels(encoded(stored, exif=exif_bytes(6)))[..., 0], GREY)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation):
    content = encoded(Image.fromarray(RGB), exif=exif_bytes(orientation))
    np.testing.assert_array_equal(pixels(content), RGB)


def test_damaged_exif_is_ignored():
    for exif in (b"Exif\x00\x00garbage", b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff", b"\x00"):
        np.testing.assert_array_equal(pixels(encoded(Image.fromarray(RGB), exif=exif)), RGB)


# Arrays


@pytest.mark.parametrize(
    "array, expected",
    [
        (RGB, RGB),
        (GREY, GREY),
        (GREY[..., None], GREY),
        (RGB.transpose(2, 0, 1), RGB),
        (GREY[None], GREY),
        (RGB[None], RGB),
        (RGB.astype(np.int64), RGB),
        (RGB.astype(np.uint32), RGB),
        (RGB / 255, RGB),
        ((RGB / 255).astype(np.float32), RGB),
        (RGB.astype(np.uint16) * 257, RGB),
        (RGB.astype(">u2") * 257, RGB),
        (GREY > 100, (GREY > 100) * 255),
        (np.asfortranarray(RGB), RGB),
        (RGB[::-1, ::-1], RGB[::-1, ::-1]),
        (np.ma.masked_array(RGB), RGB),
    ],
)
def test_arrays(array, expected):
    before = array.copy()
    expected = np.dstack([expected] * 3) if expected.ndim == 2 else expected
    np.testing.assert_array_equal(pixels(array), expected)
    np.testing.assert_array_equal(array, before)


def test_arrays_with_alpha():
    alpha = np.full(GREY.shape, 51, dtype=np.uint8)  # a fifth
    rgba = np.dstack([RGB, alpha])
    for array in (rgba, rgba / 255, rgba.transpose(2, 0, 1)):
        np.testing.assert_allclose(pixels(array), over_white(RGB, alpha), atol=1)


def test_the_last_axis_is_the_channels_if_it_can_be():
    assert read_image(np.zeros((3, 7, 3), np.uint8)).size == (7, 3)
    assert read_image(np.zeros((1, 1, 3), np.uint8)).size == (1, 1)
    assert read_image(np.zeros((3, 7, 5), np.uint8)).size == (5, 7)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.from_numpy(RGB).permute(2, 0, 1),
        torch.from_numpy(RGB).permute(2, 0, 1)[None],
        (torch.from_numpy(RGB).permute(2, 0, 1) / 255).requires_grad_(),
        (torch.from_numpy(RGB).permute(2, 0, 1) / 255).double(),
        (torch.from_numpy(RGB).permute(2, 0, 1) / 255).half(),
    ],
)
def test_tensors(tensor):
    np.testing.assert_array_equal(pixels(tensor), RGB)


def test_grey_tensors():
    tensor = torch.from_numpy(GREY.copy())
    for each in (tensor, tensor[None], tensor[None, None], (tensor / 255).bfloat16()):
        atol = 1 if each.dtype == torch.bfloat16 else 0
        np.testing.assert_allclose(pixels(each).astype(int), np.dstack([GREY] * 3), atol=atol)


def test_the_first_axis_of_a_tensor_is_always_the_channels():
    assert read_image(torch.zeros(3, 7, 1)).size == (1, 7)
    assert read_image(torch.zeros(3, 7, 3)).size == (3, 7)
    assert "permute(2, 0, 1)" in refusal(torch.zeros(7, 8, 3))
    assert "x[0]" in refusal(torch.zeros(2, 3, 7, 8))


def test_floats_outside_0_to_1_are_refused_not_guessed():
    assert "divide" in refusal(RGB.astype(float))
    assert "to_image" in refusal(torch.randn(3, 8, 9) * 3)
    assert "-0.25 to 0.5" in refusal(np.array([[-0.25, 0.5]]))


def test_floats_half_a_level_outside_are_rounding():
    assert pixels(np.array([[-0.0019, 1.0019]]))[0, :, 0].tolist() == [0, 255]
    refusal(np.array([[0, 1.0021]]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    array = RGB / 255
    array[2, 3, 1] = value
    assert "not finite" in refusal(array)
    assert "not finite" in refusal(Image.fromarray(array[..., 1].astype(np.float32)))


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5),
        np.zeros((5, 6, 2)),
        np.zeros((2, 4, 5, 3)),
        np.float32(1.0).reshape(()),
        np.zeros((4, 5), dtype=complex),
        np.zeros((4, 5), dtype=object),
        np.full((4, 5), "a"),
        np.full((4, 5), -1),
        np.full((4, 5), 256),
    ],
)
def test_arrays_that_are_no_image(array):
    refusal(array)


# Sizes


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 5, 3), (3, 0, 5)])
def test_no_pixels(shape):
    assert "no pixels" in refusal(np.zeros(shape, np.uint8))


def test_no_pixels_in_pil_and_torch():
    assert "no pixels" in refusal(Image.new("RGB", (0, 5)))
    assert "no pixels" in refusal(torch.zeros(3, 0, 5))


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_one_pixel_and_strips(size):
    assert read_image(encoded(Image.new("RGB", size, "red"))).size == size
    assert read_image(np.zeros(size[::-1], np.uint8)).size == size


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size; it has hardly any pixels."""
    content = bytearray(encoded(Image.new("L", (4, 4))))
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize("size", [(10_001, 10_000), (13_000, 13_000), (100_000, 100_000)])
def test_too_many_megapixels_are_refused_before_decoding(size):
    assert "too large" in refusal(png_header(*size))  # decoding would fail with another message


def test_a_hundred_megapixels_are_let_through():
    assert "incomplete" in refusal(png_header(10_000, 10_000))


def test_large_arrays_are_refused():
    assert "too large" in refusal(np.broadcast_to(np.uint8(0), (10_001, 10_000)))
    assert "too large" in refusal(torch.zeros(1, 1, 1).expand(3, 10_001, 10_000))


# What is no picture


@pytest.mark.parametrize(
    "content, mend",
    [
        (b"", "empty"),
        (b"hello, this is text", "PNG or JPEG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\n <html>", "web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg></svg>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (bytes(5000), "damaged"),
        (PNG[: len(PNG) // 2], "damaged"),
    ],
)
def test_bytes_that_are_no_picture(content, mend, tmp_path):
    assert mend in refusal(content)
    path = tmp_path / "thing.png"
    path.write_bytes(content)
    assert mend in refusal(path) and "thing.png" in refusal(path)


def test_paths_that_lead_nowhere(tmp_path, monkeypatch):
    assert "no file 'cat.jgp'" in refusal("cat.jgp")
    assert "not a file" in refusal(tmp_path)
    assert "not a file" in refusal("/dev/null") or not Path("/dev/null").exists()
    assert "download" in refusal("https://example.org/cat.jpg")
    refusal("a\0b")
    refusal("")
    refusal("x" * 5000)
    monkeypatch.delenv("HOME", raising=False)
    refusal("~nobody-of-that-name/cat.png")


def test_files_that_cannot_be_read(tmp_path):
    closed = io.BytesIO(PNG)
    closed.close()
    assert "open(path, 'rb')" in refusal(closed)
    assert "as text" in refusal(io.StringIO("cat"))
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    with path.open("r", errors="replace") as file:
        assert "as text" in refusal(file) and "cat.png" in refusal(file)


def test_a_closed_pil_image(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    image = Image.open(path)
    image.close()
    refusal(image)


def test_no_warning_of_pil_comes_through():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # above the size at which PIL warns of a bomb; as an error, that would be another refusal
        assert "incomplete" in refusal(png_header(9_700, 10_000))
        palette = Image.new("P", (2, 2))
        palette.info["transparency"] = b"\x00\x80"
        read_image(palette)
        read_image(encoded(Image.fromarray(RGB), "TIFF")[:-1] + b"\x00")


def test_the_users_warning_filters_stay():
    before = list(warnings.filters)
    read_image(PNG)
    refusal(b"nonsense")
    assert list(warnings.filters) == before


# Anything at all


@settings(max_examples=150, deadline=None)
@given(
    mode=st.sampled_from("1 L LA La P PA RGB RGBA RGBa RGBX CMYK YCbCr LAB HSV I;16 I;16L I;16B I F".split()),
    width=st.integers(0, 40),
    height=st.integers(0, 40),
    data=st.data(),
)
def test_any_mode_and_size(mode, width, height, data):
    image = Image.new(mode, (width, height))
    if image.size[0] and image.size[1]:
        n = len(image.tobytes())
        image.frombytes((data.draw(st.binary(min_size=1, max_size=64)) * n)[:n])
    try:
        result = read_image(image)
    except ImageError:
        assert mode in ("I", "F") or 0 in (width, height)
    else:
        assert result.mode == "RGB" and result.size == (width, height)


@settings(max_examples=150, deadline=None)
@given(
    shape=st.lists(st.integers(0, 6), min_size=0, max_size=5),
    dtype=st.sampled_from(
        ["u1", "<u2", ">u2", "u4", "i1", "i2", "i8", "f2", "<f4", ">f4", "f8", "?", "c8", "O", "U3"]
    ),
    seed=st.integers(0, 99),
)
def test_any_array(shape, dtype, seed):
    values = np.random.default_rng(seed).uniform(-0.1, 1.1 if seed % 2 else 300, shape)
    array = values.astype(dtype)
    try:
        result = read_image(array)
    except ImageError:
        return
    assert result.mode == "RGB" and sorted(result.size) == sorted(result.size) and 0 not in result.size
    height, width = result.size[::-1]
    shape = [side for side in shape[1 if len(shape) == 4 else 0 :]]
    assert shape in (
        [height, width],
        *[[height, width, c] for c in (1, 3, 4)],
        *[[c, height, width] for c in (1, 3, 4)],
    )


REAL = {
    "JPEG": encoded(Image.fromarray(RGB).resize((48, 32)), "JPEG", exif=exif_bytes(6)),
    "PNG": encoded(Image.fromarray(RGB).resize((48, 32))),
    "GIF": encoded(Image.fromarray(RGB).resize((48, 32)), "GIF"),
    "WEBP": encoded(Image.fromarray(RGB).resize((48, 32)), "WEBP"),
    "TIFF": encoded(Image.fromarray(RGB).resize((48, 32)), "TIFF", compression="tiff_lzw"),
    "JPEG2000": encoded(Image.fromarray(RGB).resize((48, 32)), "JPEG2000"),
    "BMP": encoded(Image.fromarray(RGB).resize((48, 32)), "BMP"),
}


def read_or_refuse(content: bytes):
    try:
        result = read_image(content)
    except ImageError:
        return
    assert result.mode == "RGB" and min(result.size) >= 1


@settings(max_examples=500, deadline=None)
@given(format=st.sampled_from(sorted(REAL)), data=st.data())
def test_truncated_and_altered_files(format, data):
    content = bytearray(REAL[format])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(bytes(content[: data.draw(st.integers(0, len(content)))]))


@settings(max_examples=500, deadline=None)
@given(
    start=st.sampled_from(
        [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"GIF89a",
            b"RIFF",
            b"II*\0",
            b"MM\0*",
            b"BM",
            b"P6 ",
            b"\0\0\1\0",
        ]
    ),
    rest=st.binary(max_size=300),
)
def test_random_bytes(start, rest):
    read_or_refuse(start + rest)
