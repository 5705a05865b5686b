import numpy as np
import pytest

from cnnwidgets.render import gif_bytes
from cnnwidgets.widgets import ZoomFilm

GIF = gif_bytes([np.full((30, 40, 3), grey, np.uint8) for grey in (40, 120, 200)])


@pytest.fixture
def film():
    film = ZoomFilm(file_name="my dream")
    yield film
    film.close()


def button(shown, name):
    return shown.page.get_by_role("button", name=name, exact=True)


def test_settings_and_what_they_come_to(show, film):
    shown = show(film)
    said = shown.page.locator(".cw-film-sum")
    assert said.inner_text() == "12 pictures a second; at the end, things are × 9.9 as large"
    shown.page.get_by_role("slider", name="pictures").press("End")
    shown.page.get_by_role("slider", name="length").press("ArrowRight")
    shown.page.get_by_role("slider", name="zoom").press("Home")
    shown.deliver()
    assert (film.n_frames, film.seconds, film.zoom) == (300, 5, 1)
    assert said.inner_text() == "60 pictures a second; at the end, things are × 1.0 as large"


def test_made_watched_and_ended(show, film):
    shown = show(film)
    asked = []
    film.on_make(lambda: asked.append(True))
    assert not button(shown, "End it here").is_visible()
    button(shown, "Make the film").click()
    shown.deliver()
    assert asked == [True]
    film.begin("dreaming, step", 384)
    film.preview(np.full((30, 40, 3), 90, np.uint8))
    shown.update("running", "stage", "total", "done", "_preview")
    assert shown.page.locator(".cw-film-facts").inner_text() == "dreaming, step 0 of 384"
    image = shown.page.get_by_alt_text("the film so far")
    first = image.get_attribute("src")
    film.preview(np.full((30, 40, 3), 190, np.uint8))
    shown.update("_preview")
    assert image.count() == 1 and image.get_attribute("src") != first
    button(shown, "End it here").click()
    shown.deliver()
    assert film.stopping
    film.show(GIF, caption="conv2 of toynet")
    film.finish("ended after 3 of 48 pictures")
    shown.update("running", "stopping", "gif", "mp4", "caption", "message")
    played = shown.page.get_by_alt_text("conv2 of toynet")
    assert (
        played.is_visible()
        and played.evaluate("image => image.decode().then(() => image.naturalWidth)") == 40
    )
    assert shown.page.locator(".cw-film-message").inner_text() == "ended after 3 of 48 pictures"


def test_saving(show, film):
    film.show(GIF)
    shown = show(film)
    assert shown.page.locator(".cw-film-links a").count() == 1  # no MP4
    with shown.page.expect_download() as download:
        shown.page.get_by_role("link", name="Save as GIF").click()
    assert download.value.suggested_filename == "my dream.gif"
    with open(download.value.path(), "rb") as file:
        assert file.read() == GIF
    film.show()
    shown.update("gif", "mp4")
    assert shown.page.locator(".cw-film-links a").count() == 0
    assert shown.page.locator(".cw-film-stage > *").count() == 0


def test_another_film_does_not_grow_under_the_caption_of_the_one_before(show, film):
    film.show(GIF, caption="conv2 of toynet")
    shown = show(film)
    caption, link = (
        shown.page.get_by_text("conv2 of toynet"),
        shown.page.get_by_role("link", name="Save as GIF"),
    )
    assert caption.is_visible() and link.is_visible()
    film.begin("dreaming, step", 384)
    film.preview(np.full((30, 40, 3), 90, np.uint8))
    shown.update("running", "stage", "total", "done", "_preview")
    assert shown.page.get_by_alt_text("the film so far").is_visible()
    assert caption.count() == 0 and not link.is_visible()
    film.finish("given up")
    shown.update("running", "message")
    assert caption.is_visible() and link.is_visible()


def test_a_browser_that_cannot_play_the_mp4_shows_the_gif(show, film):
    film.show(GIF, b"no film at all", "conv2")
    shown = show(film)
    shown.page.locator(".cw-film-stage img").wait_for()
    assert shown.page.get_by_alt_text("conv2").is_visible()
    assert shown.page.locator(".cw-film-links a").count() == 2


def test_it_fits_a_narrow_page(show, film, only_page):
    only_page.set_viewport_size({"width": 340, "height": 760})
    film.begin("writing the MP4, picture", 600)
    shown = show(film)
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 340
